/* reuters.c: the archive's files of markup, document by document. */

#include "data/reuters.h"

#include <string.h>

#include "base/file.h"
#include "base/home.h"
#include "data/token_table.h"
#include "format/sgml.h"
#include "format/tar.h"

enum { TEXT_MAX = 1 << 24 }; /* bytes of a title or body */

typedef struct reuters_state {
    iv__tar *tar; /* NULL: the source is one file of markup */
    iv__source *file;
    iv__sgml *sgml;       /* of the file; NULL before the first, and when the last is over */
    iv__token_table seen; /* checksums of the texts */
} reuters_state;

static bool is_markup(const char *name)
{
    size_t size = strlen(name);

    return size >= 4 && !strcmp(name + size - 4, ".sgm");
}

static void close_file(reuters_state *state, iv__records *records)
{
    iv__sgml_free(state->sgml);
    if (state->file != records->source)
        iv__source_close(state->file);
    state->file = NULL;
    state->sgml = NULL;
}

/* Goes on to the next file of markup, if there is one. */
static iv_status next_file(iv__records *records)
{
    reuters_state *state = records->state;
    bool failed = false, single = !state->tar && !state->file;

    close_file(state, records);
    if (single)
        state->file = records->source;
    while (state->tar && !state->file && iv__tar_next(state->tar, &failed))
        if (is_markup(iv__tar_name(state->tar))) {
            state->file = iv__tar_file(state->tar);
            failed = !state->file;
            if (failed)
                break;
        }
    if (state->file)
        state->sgml = iv__sgml_new(state->file);
    return failed || (state->file && !state->sgml) ? iv_home_status(records->home) : IV_OK;
}

iv_status iv__reuters_open(iv__records *records)
{
    unsigned char first;
    reuters_state *state = records->state = iv__alloc(records->home, sizeof *state);
    if (!state)
        return IV_NOMEM;
    state->seen.home = state->seen.bytes.home = records->home;
    if (iv__source_peek(records->source, &first, 1) == 1 && first != '<') {
        state->tar = iv__tar_new(records->source);
        if (!state->tar)
            return IV_NOMEM;
    }
    iv_status status = next_file(records);
    if (!status && !state->sgml)
        status = iv_fail(records->home, IV_FORMAT,
                         "%s: expected an archive with files of markup, reut2-000.sgm ..., found none",
                         records->name);
    return status;
}

void iv__reuters_close(iv__records *records)
{
    reuters_state *state = records->state;
    if (!state)
        return;
    close_file(state, records);
    iv__tar_free(state->tar);
    iv__token_table_free(&state->seen);
    iv__free(records->home, state);
}

/* ---- a document ------------------------------------------------------------------------------ */

static bool is(const char *name, const char *expected)
{
    return !strcmp(name, expected);
}

/* The next document's text of one element goes to the record (all of them, if it has several);
 * *found is false when there is no document any more. */
static iv_status read_document(iv__records *records, const char *element, bool *found)
{
    reuters_state *state = records->state;
    bool inside = false;
    const char *text;
    size_t size;

    *found = false;
    while (state->sgml) {
        switch (iv__sgml_next(state->sgml, &text, &size)) {
        case IV__SGML_FAILED: return iv_home_status(records->home);
        case IV__SGML_TEXT:
            if (inside)
                iv__text_add(&records->text, text, size);
            if (records->text.size > TEXT_MAX)
                return iv_fail(records->home, IV_FORMAT,
                               "%s: the %s of a document is longer than 16 MiB: is a tag missing?",
                               iv__source_name(state->file), element);
            break;
        case IV__SGML_OPEN: inside = inside || is(text, element); break;
        case IV__SGML_CLOSE:
            inside = inside && !is(text, element);
            if (is(text, "REUTERS")) {
                *found = true;
                return IV_OK;
            }
            break;
        case IV__SGML_END: {
            iv_status status = next_file(records);
            if (status)
                return status;
        }
        }
    }
    return IV_OK;
}

/* White space goes from the ends. */
static void trim(iv__text *text)
{
    size_t begin = 0;

    while (text->size > 0 && strchr(" \t\n", text->data[text->size - 1]))
        text->size--;
    while (begin < text->size && strchr(" \t\n", text->data[begin]))
        begin++;
    text->size -= begin;
    if (text->data) {
        memmove(text->data, text->data + begin, text->size);
        text->data[text->size] = 0;
    }
}

/* Whether the text came before; else it is remembered. */
static iv_status came_before(iv__records *records, bool *again)
{
    reuters_state *state = records->state;
    int64_t count = state->seen.count;
    iv__sha256 hash;
    char hex[65];

    iv__sha256_begin(&hash);
    iv__sha256_add(&hash, records->text.data, records->text.size);
    iv__sha256_end(&hash, hex);
    int64_t entry = iv__token_table_add(&state->seen, hex, 32);
    *again = entry < count;
    return entry < 0 ? IV_NOMEM : IV_OK;
}

static iv_status next_text(iv__records *records, const char *element, const char *without,
                           const char *repeated)
{
    for (;;) {
        bool found, again;
        iv__text_clear(&records->text);
        iv_status status = read_document(records, element, &found);
        records->ended = !found;
        if (status || !found)
            return status;
        records->seen++;
        status = came_before(records, &again);
        trim(&records->text);
        if (status)
            return status;
        if (records->text.size > 0 && !again) {
            records->kept++;
            return IV_OK;
        }
        iv__records_drop(records, records->text.size > 0 ? repeated : without);
    }
}

iv_status iv__reuters_next_title(iv__records *records)
{
    iv_status status = next_text(records, "TITLE", "without a title", "with a title that came before");

    /* 1,776 titles are broken into lines where the telegraph was; a title is one line. (Nine of the
     * distinct ones differ from another in white space alone, and stay.) */
    for (size_t i = 0; i < records->text.size; i++)
        if (records->text.data[i] == '\n')
            records->text.data[i] = ' ';
    return status;
}

iv_status iv__reuters_next_body(iv__records *records)
{
    return next_text(records, "BODY", "without a body", "with a body that came before");
}
