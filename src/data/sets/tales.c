/* tales.c: the fables that are built into the program: a title in capitals, a blank line, the
 * fable; two blank lines between fables. A file of a person's own in that form is read too. */

#include "base/home.h"
#include "data/assets.h"
#include "data/dataset.h"
#include "data/lines.h"

typedef struct tales_state {
    iv__lines *lines;
    iv__text title; /* of the fable that comes next; empty before the first and behind the last */
} tales_state;

/* The title that waits and its body go to the record; then the next title waits. Without a title
 * the first is looked for. */
static iv_status read_tale(iv__records *records, bool *has_body)
{
    tales_state *state = records->state;
    int blank_lines = state->title.size > 0 ? 0 : 2;
    const char *line;
    size_t size;
    bool whole, failed;

    *has_body = false;
    iv__text_add(&records->text, state->title.data, state->title.size);
    iv__text_put(&records->text, " |");
    iv__text_clear(&state->title);
    while (iv__lines_next(state->lines, &line, &size, &whole, &failed)) {
        if (iv__line_is_blank(line, size)) {
            blank_lines++;
            continue;
        }
        if (blank_lines >= 2) {
            iv__text_add(&state->title, line, size);
            return state->title.failed ? IV_NOMEM : IV_OK;
        }
        blank_lines = 0;
        *has_body = true;
        iv__text_put(&records->text, " ");
        iv__text_add(&records->text, line, size);
    }
    return failed ? iv_home_status(records->home) : IV_OK;
}

static iv_status tales_open(iv__records *records)
{
    bool has_body;
    tales_state *state = records->state = iv__alloc(records->home, sizeof *state);
    if (!state)
        return IV_NOMEM;
    state->title.home = records->home;
    state->lines = iv__lines_new(records->source);
    return state->lines ? read_tale(records, &has_body) : IV_NOMEM;
}

static void tales_close(iv__records *records)
{
    tales_state *state = records->state;
    if (!state)
        return;
    iv__lines_free(state->lines);
    iv__text_free(&state->title);
    iv__free(records->home, state);
}

static iv_status tales_next(iv__records *records)
{
    const tales_state *state = records->state;
    bool has_body;

    while (state->title.size > 0) {
        iv__text_clear(&records->text);
        iv_status status = read_tale(records, &has_body);
        if (status)
            return status;
        records->seen++;
        if (has_body) {
            records->kept++;
            return IV_OK;
        }
        iv__records_drop(records, "without a text");
    }
    records->ended = true;
    return IV_OK;
}

const iv__dataset iv__dataset_tales = {
    .name = "tales",
    .says = "short fables written for Ivory, built in: titles in capitals, two blank lines between fables",
    .licence = "Apache-2.0",
    .home_page = "",
    .download = "",
    .sha256 = "",
    .asset = iv__asset_tales,
    .asset_size = &iv__asset_tales_size,
    .open = tales_open,
    .next = tales_next,
    .close = tales_close,
};
