/* text.c: a person's own text file, plain or gzip: its records are lines, paragraphs, or the
 * whole of it. */

#include <string.h>

#include "base/home.h"
#include "data/dataset.h"
#include "data/lines.h"

enum { AUTO, LINES, PARAGRAPHS, WHOLE };
enum { RECORD_MAX = 1 << 28 }; /* bytes of a record that lies in memory at once */

typedef struct text_options {
    int records;
} text_options;

static const iv_field text_fields[] = {
    FIELD(text_options, records, CHOICE, "auto", 0, 0, "auto lines paragraphs whole", "",
          "what a record is: a line, lines between blank lines, all of the text; auto: paragraphs if there are some"),
    FIELD_END,
};

typedef struct text_state {
    iv__lines *lines;
    int records;
    bool given; /* of a whole file: its one record */
} text_state;

/* Paragraphs, when among the first piece's lines at least four blocks are set off by blank
 * lines, of at most 64 lines on average: a list with a few gaps stays a list of lines. */
static iv_status choose(iv__records *records, int *choice)
{
    enum { SEEN = 1 << 20 };
    int64_t blocks = 0, n_lines = 0;
    size_t bytes = 0, size;
    bool inside = false, whole, failed = false;
    const char *line;

    iv__source *source = iv__source_open(records->home, records->name);
    iv__lines *lines = source ? iv__lines_new(source) : NULL;
    while (lines && bytes < SEEN && iv__lines_next(lines, &line, &size, &whole, &failed)) {
        bool blank = iv__line_is_blank(line, size);
        blocks += !blank && !inside;
        n_lines += !blank;
        inside = !blank;
        bytes += size + 1;
    }
    iv__lines_free(lines);
    iv__source_close(source);
    *choice = blocks >= 4 && n_lines <= blocks * 64 ? PARAGRAPHS : LINES;
    return !lines || failed ? iv_home_status(records->home) : IV_OK;
}

static iv_status text_open(iv__records *records)
{
    const text_options *options = records->options;
    text_state *state = records->state = iv__alloc(records->home, sizeof *state);
    if (!state)
        return IV_NOMEM;
    state->lines = iv__lines_new(records->source);
    state->records = options->records;
    if (!state->lines)
        return IV_NOMEM;
    return state->records == AUTO ? choose(records, &state->records) : IV_OK;
}

static void text_close(iv__records *records)
{
    text_state *state = records->state;
    if (!state)
        return;
    iv__lines_free(state->lines);
    iv__free(records->home, state);
}

/* A piece per line: the record goes on until an empty last piece. */
static iv_status next_of_whole(iv__records *records)
{
    text_state *state = records->state;
    const char *line;
    size_t size;
    bool whole, failed;

    records->continues = iv__lines_next(state->lines, &line, &size, &whole, &failed);
    if (failed)
        return iv_home_status(records->home);
    records->seen = 1;
    if (records->continues) {
        iv__text_add(&records->text, line, size);
        if (whole)
            iv__text_put(&records->text, "\n");
    } else {
        records->ended = state->given;
        records->kept += !state->given;
        state->given = true;
    }
    return IV_OK;
}

static iv_status text_next(iv__records *records)
{
    const text_state *state = records->state;
    iv__text *text = &records->text;
    const char *line;
    size_t size;
    bool whole = true, failed;

    if (state->records == WHOLE)
        return next_of_whole(records);
    while (iv__lines_next(state->lines, &line, &size, &whole, &failed)) {
        bool blank = whole && iv__line_is_blank(line, size);
        if (blank && text->size > 0)
            break;
        if (blank)
            continue;
        iv__text_add(text, line, size);
        if (text->size > RECORD_MAX)
            return iv_fail(records->home, IV_FORMAT,
                           "%s:%lld: this %s is longer than 256 MiB: use records=whole",
                           records->name, (long long)iv__lines_number(state->lines),
                           state->records == LINES ? "line" : "paragraph");
        if (whole && state->records == LINES)
            break;
        if (whole)
            iv__text_put(text, "\n");
    }
    if (failed)
        return iv_home_status(records->home);
    while (text->size > 0 && text->data[text->size - 1] == '\n')
        text->data[--text->size] = 0;
    records->ended = text->size == 0;
    records->seen += !records->ended;
    records->kept += !records->ended;
    return IV_OK;
}

const iv_dataset iv_dataset_text = {
    .name = "text",
    .says = "a text of your own: UTF-8, plain or gzip",
    .licence = "yours to know",
    .home_page = "",
    .download = "",
    .sha256 = "",
    .fields = text_fields,
    .options_size = sizeof(text_options),
    .open = text_open,
    .next = text_next,
    .close = text_close,
};
