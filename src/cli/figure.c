/* figure.c: starts the helper program ivory-plot. */
#include "cli/figure.h"

#include "base/file.h"
#include "format/helper.h"
#include "format/utf8.h"

#include <errno.h>
#include <string.h>

enum { MOST_TEXT = 990 }; /* bytes; ivory-plot takes 1,000 */

static const iv__helper plot = {
    "ivory-plot", "draws, is not here: it is built where cairo is (Debian: libcairo2-dev)"
};

/* The description as a file without a name, to be read from its beginning. NULL: errno. */
static FILE *as_file(const iv__text *description)
{
    FILE *file = tmpfile();

    if (!file)
        return NULL;
    if (fwrite(description->data, 1, description->size, file) == description->size &&
        !fflush(file) && !fseek(file, 0, SEEK_SET))
        return file;
    fclose(file);
    return NULL;
}

int figure_say(cli *c, const char *path)
{
    iv__text text = { .home = c->home };
    iv__json_writer w = { .text = &text };

    if (c->common.json) {
        iv__json_put_object(&w);
        cli_put_string(&w, "file", path);
        iv__json_end_object(&w);
    } else {
        iv__text_put(&text, path);
    }
    int status = cli_put_line(c, &text);
    iv__text_free(&text);
    return status;
}

int figure_draw(cli *c, const iv__text *description, const char *folder, const char *name)
{
    static const char *const endings[] = { "png", "svg" };
    iv__text path = { .home = c->home };
    int status = DONE;

    if (description->failed || iv__make_folders(c->home, folder))
        return cli_fail(c);
    for (size_t i = 0; i < sizeof endings / sizeof *endings && !status; i++) {
        iv__text_clear(&path);
        iv__text_print(&path, "%s/%s.%s", folder, name, endings[i]);
        FILE *input = as_file(description);
        if (!input)
            status = cli_refuse("writing a temporary file: %s", strerror(errno));
        else if (path.failed || iv__helper_run(c->home, &plot, path.data, input, NULL))
            status = cli_fail(c);
        if (input)
            fclose(input);
        if (!status)
            status = figure_say(c, path.data);
    }
    iv__text_free(&path);
    return status;
}

void figure_put_text(iv__text *description, const char *text)
{
    static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */
    size_t size = strlen(text), added = 0;

    for (size_t i = 0, length; i < size && added < MOST_TEXT; i += length ? length : 1) {
        uint32_t code;
        length = iv__utf8_read((const unsigned char *)text + i, size - i, &code);
        if (!length)
            iv__text_put(description, replacement);
        else
            iv__text_add(description, code < ' ' || code == 0x7F ? " " : text + i, length);
        added += length ? length : sizeof replacement - 1;
    }
}

const char *figure_label(const char *token)
{
    static const struct {
        const char *token, *label;
    } unseen[] = { { " ", "(blank)" }, { "\n", "\\n" }, { "\t", "\\t" }, { "\r", "\\r" }, { "", "(end)" } };

    for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++)
        if (!strcmp(token, unseen[i].token))
            return unseen[i].label;
    return token;
}
