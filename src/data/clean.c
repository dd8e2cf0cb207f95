/* clean.c: text as its tokens are cut from: case, punctuation, white space; and the cutting.
 * Source: GDL 2nd ed., chapter 5; all 32 marks of ASCII are set off (the chapter's code loses
 * the backslash). That an apostrophe may stay in its word is of the same book's first edition,
 * chapter 6 (Aesop). */

#include <stdio.h>
#include <string.h>

#include "data/pieces.h"
#include "format/entities.h"
#include "format/utf8.h"

bool iv__is_white(uint32_t code)
{
    return (code >= 9 && code <= 13) || code == ' ' || code == 0x85 || code == 0xa0 ||
           code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
           code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

static bool is_mark(uint32_t code)
{
    return code > ' ' && code < 0x7f &&
           !((code >= '0' && code <= '9') || (code >= 'a' && code <= 'z') ||
             (code >= 'A' && code <= 'Z'));
}

/* A few bytes at a time go to the text. */
typedef struct words_writer {
    iv__text *text;
    bool inside; /* an apostrophe is no mark */
    bool blank;  /* one is due before the next character */
    bool begun;
    size_t used;
    unsigned char bytes[512];
} words_writer;

static void flush(words_writer *w)
{
    iv__text_add(w->text, (const char *)w->bytes, w->used);
    w->used = 0;
}

static void put(words_writer *w, uint32_t code)
{
    if (w->used + 5 > sizeof w->bytes)
        flush(w);
    if (w->blank && w->begun)
        w->bytes[w->used++] = ' ';
    w->used += iv__utf8_write(code, w->bytes + w->used);
    w->blank = false;
    w->begun = true;
}

static void put_character(words_writer *w, uint32_t code)
{
    if (iv__is_white(code)) {
        w->blank = true;
    } else if (is_mark(code) && !(w->inside && code == '\'')) {
        w->blank = true;
        put(w, code);
        w->blank = true;
    } else {
        put(w, iv__lower(code));
    }
}

static iv_status refuse(iv_home *home, const char *name, int64_t record, size_t at, unsigned char byte)
{
    char where[40] = "", what[64];

    if (record > 0)
        snprintf(where, sizeof where, "record %lld: ", (long long)record);
    if (byte == 0)
        snprintf(what, sizeof what, "is zero: this is no text");
    else
        snprintf(what, sizeof what, "(0x%02x) is no UTF-8: save the text as UTF-8", byte);
    return iv_fail(home, IV_FORMAT, "%s: %sbyte %zu %s", name, where, at, what);
}

/* Appends the text with its entities decoded. */
static void decode_entities(const char *at, size_t size, iv__text *text)
{
    const char *begin = at, *end = at + size, *kept = at; /* what is not yet appended */
    unsigned char bytes[4];

    while (at < end) {
        uint32_t code;
        size_t length = *at == '&' ? iv__entity_read(at, (size_t)(end - at), false, &code) : 0;
        if (length == 0 && (*at == ' ' || at == begin)) { /* in place of its '&' */
            size_t blank = *at == ' ';
            length = iv__entity_read(at + blank, (size_t)(end - at) - blank, true, &code);
            length += length > 0 ? blank : 0;
        }
        if (length > 0) {
            iv__text_add(text, kept, (size_t)(at - kept));
            iv__text_add(text, (const char *)bytes, iv__utf8_write(code, bytes));
            kept = at + length;
        }
        at += length > 0 ? length : 1;
    }
    iv__text_add(text, kept, (size_t)(end - kept));
}

static iv_status clean_text(iv_home *home, const iv__token_rules *rules, const char *name,
                            int64_t record, const char *bytes, size_t size, iv__text *clean)
{
    const unsigned char *at = (const unsigned char *)bytes;
    words_writer w = { .text = clean, .inside = rules->inside };
    bool any = rules->kind >= IV__TOKENS_BYTES; /* whatever it is */
    size_t length;
    uint32_t code;

    for (size_t i = 0; i < size && !any; i += length) {
        length = iv__utf8_read(at + i, size - i, &code);
        if (length == 0 || code == 0)
            return refuse(home, name, record, i, at[i]);
        if (rules->kind == IV__TOKENS_WORDS)
            put_character(&w, code);
    }
    if (rules->kind == IV__TOKENS_WORDS)
        flush(&w);
    else
        iv__text_add(clean, bytes, size);
    return clean->failed ? iv_fail(home, IV_NOMEM, "%s: out of memory", name) : IV_OK;
}

iv_status iv__clean(iv_home *home, const iv__token_rules *rules, const char *name, int64_t record,
                    const char *bytes, size_t size, iv__text *clean)
{
    iv__text decoded = { .home = home };

    if (!rules->entities || size == 0 || !memchr(bytes, ';', size))
        return clean_text(home, rules, name, record, bytes, size, clean);
    decode_entities(bytes, size, &decoded);
    iv_status status = decoded.failed
                           ? IV_NOMEM
                           : clean_text(home, rules, name, record, decoded.data, decoded.size, clean);
    iv__text_free(&decoded);
    return status;
}

bool iv__token_next(iv__tokens_kind kind, const char **at, const char *end, const char **token,
                    size_t *size)
{
    uint32_t code;

    if (*at == end)
        return false;
    *token = *at;
    if (kind == IV__TOKENS_WORDS) {
        const char *blank = memchr(*at, ' ', (size_t)(end - *at));
        *size = (size_t)((blank ? blank : end) - *at);
        *at = blank ? blank + 1 : end;
    } else {
        *size = kind == IV__TOKENS_BYTES ? 1
                : kind == IV__TOKENS_BPE
                    ? iv__stretch_next(*at, (size_t)(end - *at))
                    : iv__utf8_read((const unsigned char *)*at, (size_t)(end - *at), &code);
        *at += *size;
    }
    return *size > 0;
}
