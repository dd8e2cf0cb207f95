/* text.c: a person's own texts, a file or a folder of files, plain or gzip: records are lines,
 * paragraphs, or whole files. With `raw` they are any bytes. */

#include <string.h>

#include "base/file.h"
#include "base/home.h"
#include "data/dataset.h"
#include "data/folder.h"
#include "data/lines.h"
#include "format/utf8.h"

enum { AUTO, LINES, PARAGRAPHS, WHOLE };
enum { PIECE = 1 << 16 }; /* bytes of a record that are given at once, or a line's if it has more */

typedef struct text_options {
    int records;
    bool raw;
} text_options;

static const iv_field text_fields[] = {
    FIELD(text_options, records, CHOICE, "auto", 0, 0, "auto lines paragraphs whole", "",
          "what a record is: a line, lines between blank lines, all of the text; auto: paragraphs if there are some"),
    FIELD(text_options, raw, BOOL, "no", 0, 0, "", "",
          "any bytes will do: nothing is checked, and what is no text is one whole record by itself"),
    FIELD_END,
};

typedef struct text_state {
    iv__folder folder;
    bool many;         /* the data are a folder */
    int64_t next_file; /* of the folder */
    iv__source *source;
    iv__lines *lines; /* NULL: raw and whole */
    int records;      /* AUTO until a file has decided */
    bool inside;      /* a record has begun */
    bool broken;      /* the last piece did not end its line */
    bool over;        /* there is no other file */
} text_state;

/* ---- what a file is -------------------------------------------------------------------------- */

/* Among the first piece's lines at least four blocks are set off by blank lines, of at most 64 lines
 * on average: paragraphs (a list with a few gaps stays a list of lines). Raw bytes that are no text:
 * whole. */
static iv_status choose(iv__records *records, const char *path, int *choice)
{
    enum { SEEN = 1 << 20 };
    const text_options *options = records->options;
    int64_t blocks = 0, n_lines = 0;
    size_t bytes = 0, size;
    bool inside = false, whole, failed = false, text = true;
    const char *line;

    iv__source *source = iv__source_open(records->home, path);
    iv__lines *lines = source ? iv__lines_new(source) : NULL;
    if (lines && options->raw)
        iv__lines_take_any(lines);
    while (lines && bytes < SEEN && iv__lines_next(lines, &line, &size, &whole, &failed)) {
        bool blank = iv__line_is_blank(line, size);
        text = text && !memchr(line, 0, size) && iv__utf8_valid(line, size) == size;
        blocks += !blank && !inside;
        n_lines += !blank;
        inside = !blank;
        bytes += size + 1;
    }
    iv__lines_free(lines);
    iv__source_close(source);
    *choice = !text ? WHOLE : blocks >= 4 && n_lines <= blocks * 64 ? PARAGRAPHS : LINES;
    return !lines || failed ? iv_home_status(records->home) : IV_OK;
}

/* Whether a file of a folder begins as a text. */
static iv_status begins_as_text(iv_home *home, const char *path, bool *text)
{
    enum { SEEN = 1 << 14 };
    char bytes[SEEN];
    iv__source *source = iv__source_open(home, path);
    int64_t got = source ? iv__source_read(source, bytes, sizeof bytes) : -1;

    iv__source_close(source);
    if (got < 0)
        return iv_home_status(home);
    size_t size = (size_t)got, good = iv__utf8_valid(bytes, size);
    /* a character may be cut at the end of what was read */
    *text = !memchr(bytes, 0, size) && (good == size || (size == SEEN && size - good < 4));
    return IV_OK;
}

/* ---- from file to file ----------------------------------------------------------------------- */

static void close_file(iv__records *records)
{
    text_state *state = records->state;

    iv__lines_free(state->lines);
    if (state->source != records->source)
        iv__source_close(state->source);
    state->lines = NULL;
    state->source = NULL;
    state->broken = false;
}

/* state->source is open: how is it read? */
static iv_status begin_file(iv__records *records, const char *path)
{
    const text_options *options = records->options;
    text_state *state = records->state;
    iv_status status = state->records == AUTO ? choose(records, path, &state->records) : IV_OK;

    if (status || (options->raw && state->records == WHOLE))
        return status;
    state->lines = iv__lines_new(state->source);
    if (state->lines && options->raw)
        iv__lines_take_any(state->lines);
    return state->lines ? IV_OK : IV_NOMEM;
}

static void leave_out(iv__records *records, const char *name)
{
    enum { NAMED = 5 };

    records->left_out++;
    if (records->left_out <= NAMED)
        iv__text_print(&records->left_out_names, "%s%s", records->left_out > 1 ? ", " : "", name);
    else if (records->left_out == NAMED + 1)
        iv__text_put(&records->left_out_names, " ...");
}

/* Opens the folder's next file that is a text. */
static iv_status next_file(iv__records *records)
{
    text_state *state = records->state;
    const text_options *options = records->options;
    iv_home *home = records->home;
    iv__text path = { .home = home };
    iv_status status = IV_OK;

    close_file(records);
    while (!status && !state->source && state->many && state->next_file < state->folder.count) {
        const char *name = iv__folder_name(&state->folder, state->next_file++);
        bool text = true;
        iv__text_clear(&path);
        iv__text_print(&path, "%s/%s", records->name, name);
        status = path.failed ? IV_NOMEM : IV_OK;
        if (!status && !options->raw)
            status = begins_as_text(home, path.data, &text);
        if (!status && !text)
            leave_out(records, name);
        if (!status && text) {
            state->source = iv__source_open(home, path.data);
            status = state->source ? begin_file(records, path.data) : iv_home_status(home);
        }
    }
    state->over = !state->source;
    iv__text_free(&path);
    return status;
}

static iv_status text_open(iv__records *records)
{
    const text_options *options = records->options;
    text_state *state = records->state = iv__alloc(records->home, sizeof *state);
    if (!state)
        return IV_NOMEM;
    state->records = options->records;
    state->source = records->source;
    state->many = !records->source;
    if (!state->many)
        return begin_file(records, records->name);
    iv_status status = iv__folder_list(records->home, records->name, &state->folder);
    return status ? status : next_file(records);
}

static void text_close(iv__records *records)
{
    text_state *state = records->state;
    if (!state)
        return;
    close_file(records);
    if (state->many)
        iv__folder_free(&state->folder);
    iv__free(records->home, state);
}

/* ---- records --------------------------------------------------------------------------------- */

/* The record is complete. */
static iv_status end_record(iv__records *records)
{
    text_state *state = records->state;

    state->inside = false;
    records->continues = false;
    records->seen++;
    records->kept++;
    return IV_OK;
}

static iv_status continue_record(iv__records *records)
{
    records->continues = true;
    return IV_OK;
}

static iv_status next_raw(iv__records *records)
{
    char piece[PIECE];
    text_state *state = records->state;
    int64_t got = iv__source_read(state->source, piece, sizeof piece);

    if (got < 0)
        return iv_home_status(records->home);
    if (got == 0) {
        iv_status status = end_record(records);
        return status ? status : next_file(records);
    }
    iv__text_add(&records->text, piece, (size_t)got);
    return continue_record(records);
}

static iv_status text_next(iv__records *records)
{
    text_state *state = records->state;
    iv__text *text = &records->text;
    const char *line;
    size_t size;
    bool whole, failed;

    while (!state->over) {
        if (!state->lines)
            return next_raw(records);
        if (!iv__lines_next(state->lines, &line, &size, &whole, &failed)) {
            bool ends = state->inside;
            iv_status status = failed ? iv_home_status(records->home) : next_file(records);
            if (status)
                return status;
            if (ends)
                return end_record(records);
            continue;
        }
        bool begins = !state->broken, blank = begins && whole && iv__line_is_blank(line, size);
        state->broken = !whole;
        if (blank && state->records == PARAGRAPHS && state->inside)
            return end_record(records);
        if (blank && state->records != WHOLE)
            continue;
        if (begins && state->inside && state->records == PARAGRAPHS)
            iv__text_put(text, "\n");
        iv__text_add(text, line, size);
        if (whole && state->records == WHOLE)
            iv__text_put(text, "\n");
        state->inside = true;
        if (whole && state->records == LINES)
            return end_record(records);
        if (text->size >= PIECE)
            return continue_record(records);
    }
    records->ended = true;
    return IV_OK;
}

const iv__dataset iv__dataset_text = {
    .name = "text",
    .says = "texts of your own: a file or a folder, UTF-8, plain or gzip",
    .licence = "yours to know",
    .home_page = "",
    .download = "",
    .sha256 = "",
    .folders = true,
    .fields = text_fields,
    .options_size = sizeof(text_options),
    .open = text_open,
    .next = text_next,
    .close = text_close,
};
