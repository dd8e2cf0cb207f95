/* page.c: a page of HTML that needs nothing but itself, and no network. */
#include "cli/page.h"

#include "base/file.h"
#include "cli/figure.h"
#include "format/utf8.h"

#include <string.h>

/* Even if an escape were wrong, the policy would keep a text from running or loading anything. */
static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";
static const char usual_style[] =
    "body { font: 16px/1.5 sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff }\n"
    "h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2rem } h3 { font-size: 1rem; margin: 0 }\n"
    "bdi { white-space: pre-wrap; overflow-wrap: anywhere }\n";

void page_begin(iv__text *page, const char *title, const char *style)
{
    iv__text_put(page, head);
    page_put_text(page, title, strlen(title));
    iv__text_print(page, "</title>\n<style>\n%s%s</style>\n</head>\n<body>\n<h1>", usual_style, style);
    page_put_text(page, title, strlen(title));
    iv__text_put(page, "</h1>\n");
}

static void put_code(iv__text *page, uint32_t code)
{
    enum { CONTROL_PICTURES = 0x2400, DELETE_PICTURE = 0x2421 };
    unsigned char bytes[4];

    switch (code) {
    case '&': iv__text_put(page, "&amp;"); return;
    case '<': iv__text_put(page, "&lt;"); return;
    case '>': iv__text_put(page, "&gt;"); return;
    case '"': iv__text_put(page, "&quot;"); return;
    case '\'': iv__text_put(page, "&#39;"); return;
    default: break;
    }
    if (code < ' ' && code != '\n' && code != '\t')
        code += CONTROL_PICTURES;
    else if (code == 0x7F)
        code = DELETE_PICTURE;
    iv__text_add(page, (const char *)bytes, iv__utf8_write(code, bytes));
}

void page_put_text(iv__text *page, const char *text, size_t size)
{
    enum { REPLACEMENT = 0xFFFD };

    for (size_t i = 0; i < size;) {
        uint32_t code;
        size_t length = iv__utf8_read((const unsigned char *)text + i, size - i, &code);
        put_code(page, length ? code : REPLACEMENT);
        i += length ? length : 1;
    }
}

int page_write(cli *c, iv__text *page, const char *path)
{
    iv__text_put(page, "</body>\n</html>\n");
    if (page->failed || iv__file_write(c->home, path, page->data, page->size))
        return cli_fail(c);
    return figure_say(c, path);
}
