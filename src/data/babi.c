/* babi.c: stories with questions, line by line, from an archive or a single file. */
#include "data/babi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/home.h"
#include "data/lines.h"
#include "format/tar.h"

enum { STORY_MAX = 1 << 24 }; /* bytes */

typedef struct babi_options {
    int64_t task;
} babi_options;

_Static_assert(sizeof(babi_options) == sizeof(int64_t), "as IV__BABI says");

const iv_field iv__babi_fields[] = {
    FIELD(babi_options, task, INT, "0", 0, IV__BABI_TASKS, "", "", "which task; 0: all of them"),
    FIELD_END,
};

typedef struct babi_state {
    iv__tar *tar;      /* NULL: the source is one file of stories */
    iv__source *file;  /* of the archive */
    iv__lines *lines;  /* of the file; NULL before the first, and when the last is over */
    iv__text next;     /* a line that begins the next story */
    iv__text sentence; /* for each number of the story: 1 where it is a sentence's, else 0 */
    int task, tests;   /* of the file */
    int story_task, story_tests;
} babi_state;

/* ---- names of files -------------------------------------------------------------------------- */

static const char *base_of(const char *name)
{
    const char *slash = strrchr(name, '/');

    return slash ? slash + 1 : name;
}

int iv__babi_task_of(const char *name)
{
    const char *at = strstr(base_of(name), "qa");
    char *end;
    long task = at ? strtol(at + 2, &end, 10) : 0;

    return task >= 1 && task <= IV__BABI_TASKS && *end == '_' ? (int)task : 0;
}

bool iv__babi_tests_of(const char *name)
{
    return strstr(base_of(name), "_test") != NULL;
}

int iv__babi_task(const iv__records *records)
{
    return ((const babi_state *)records->state)->story_task;
}

bool iv__babi_tests(const iv__records *records)
{
    return ((const babi_state *)records->state)->story_tests;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void trim(const char **text, const char *end, size_t *size)
{
    while (*text < end && **text == ' ')
        ++*text;
    while (end > *text && end[-1] == ' ')
        end--;
    *size = (size_t)(end - *text);
}

/* What stands behind the number of a line. *facts: behind the second tab, or the end. */
static iv__babi_line split(const char *text, const char *end, const char **facts)
{
    iv__babi_line line = { .text = text };
    const char *tab = memchr(text, '\t', (size_t)(end - text));

    *facts = end;
    trim(&line.text, tab ? tab : end, &line.size);
    if (tab) {
        const char *second = memchr(tab + 1, '\t', (size_t)(end - tab - 1));
        line.answer = tab + 1;
        trim(&line.answer, second ? second : end, &line.answer_size);
        *facts = second ? second + 1 : end;
    }
    return line;
}

static const char *behind_number(const char *at, const char *end, int64_t *number)
{
    const char *from = at;

    for (*number = 0; at < end && *at >= '0' && *at <= '9' && *number < INT32_MAX; at++)
        *number = 10 * *number + (*at - '0');
    return at > from && (at == end || *at == ' ') ? at : NULL;
}

bool iv__babi_line_next(const char **at, iv__babi_line *line)
{
    const char *end = *at + strcspn(*at, "\n"), *facts;
    int64_t number;

    if (!**at)
        return false;
    *line = split(behind_number(*at, end, &number), end, &facts);
    *at = end + (*end == '\n');
    return true;
}

/* ---- checks ---------------------------------------------------------------------------------- */

static iv_status refuse(const iv__records *records, const char *why)
{
    const babi_state *state = records->state;

    return iv_fail(records->home, IV_FORMAT, "%s:%lld: %s",
                   iv__source_name(state->file ? state->file : records->source),
                   (long long)iv__lines_number(state->lines), why);
}

static iv_status check_facts(const iv__records *records, const char *at, const char *end)
{
    const iv__text *sentence = &((const babi_state *)records->state)->sentence;
    char why[160];

    for (; at < end && *at == ' '; at++)
        ;
    while (at < end) {
        const char *from = at;
        int64_t number;
        at = behind_number(at, end, &number);
        if (!at)
            return refuse(records,
                          "expected numbers of sentences behind the answer, with a blank between them");
        if (number < 1 || number > (int64_t)sentence->size || !sentence->data[number - 1]) {
            snprintf(why, sizeof why,
                     "the answer follows from sentence %.*s, and the story has no such sentence before it",
                     (int)(at - from), from);
            return refuse(records, why);
        }
        for (; at < end && *at == ' '; at++)
            ;
    }
    return IV_OK;
}

/* Checks a line, its number being `expected`, and puts it to the story. */
static iv_status take_line(iv__records *records, const char *line, size_t size)
{
    babi_state *state = records->state;
    const char *end = line + size, *facts;
    int64_t number, expected = (int64_t)state->sentence.size + 1;
    const char *at = behind_number(line, end, &number);
    char why[160];

    if (!at)
        return refuse(records, "expected a number, a blank and a sentence");
    if (number != expected) {
        snprintf(why, sizeof why,
                 "expected the line of number %lld%s, found number %lld: is it out of order?",
                 (long long)expected, expected > 1 ? ", or 1 for a new story" : "", (long long)number);
        return refuse(records, why);
    }
    iv__babi_line parts = split(at, end, &facts);
    if (!parts.size)
        return refuse(records, "expected a sentence or a question behind the number");
    if (parts.answer && !parts.answer_size)
        return refuse(records, "expected an answer behind the question's tab");
    if (!parts.answer && parts.text[parts.size - 1] == '?')
        return refuse(records, "expected a tab and an answer behind the question");
    iv_status status = check_facts(records, facts, end);
    iv__text_add(&state->sentence, parts.answer ? "" : "\1", 1);
    iv__text_add(&records->text, line, size);
    iv__text_put(&records->text, "\n");
    if (!status && records->text.size > STORY_MAX)
        status = refuse(records, "a story is longer than 16 MiB");
    return status ? status : state->sentence.failed || records->text.failed ? IV_NOMEM : IV_OK;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* The official archive has the tasks in folders: in two languages, shuffled, with more questions. */
static bool in_other_folder(const iv__records *records, const char *name)
{
    static const char *const folders[] = { "en", "en-10k", "en-valid", "en-valid-10k",
                                           "hn", "hn-10k", "shuffled", "shuffled-10k" };
    const char *own = strcmp(records->set->name, "babi-10k") ? "en" : "en-10k";
    const char *begin = base_of(name);

    while (begin > name && begin[-1] == '/')
        begin--;
    const char *stop = begin;
    while (begin > name && begin[-1] != '/')
        begin--;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (strlen(folders[i]) == (size_t)(stop - begin) &&
            !memcmp(folders[i], begin, (size_t)(stop - begin)))
            return strcmp(folders[i], own) != 0;
    return false;
}

static bool wanted(const iv__records *records, const char *name)
{
    const int64_t task = ((const babi_options *)records->options)->task;
    const int of = iv__babi_task_of(name);

    return of && (!task || task == of) && !in_other_folder(records, name);
}

/* Goes on to the next file of stories, if there is one. */
static iv_status next_file(iv__records *records)
{
    babi_state *state = records->state;
    const bool single = !state->tar && !state->lines;
    bool failed = false;

    iv__lines_free(state->lines);
    iv__source_close(state->file);
    state->lines = NULL;
    state->file = NULL;
    while (state->tar && !state->file && iv__tar_next(state->tar, &failed))
        if (wanted(records, iv__tar_name(state->tar))) {
            state->file = iv__tar_file(state->tar);
            if (!state->file)
                return iv_home_status(records->home);
        }
    if (failed)
        return iv_home_status(records->home);
    if (!single && !state->file)
        return IV_OK;
    const char *name = single ? records->name : iv__tar_name(state->tar);
    state->task = iv__babi_task_of(name);
    state->tests = iv__babi_tests_of(name);
    state->lines = iv__lines_new(single ? records->source : state->file);
    return state->lines ? IV_OK : IV_NOMEM;
}

iv_status iv__babi_open(iv__records *records)
{
    char first[3];
    babi_state *state = records->state = iv__alloc(records->home, sizeof *state);

    if (!state)
        return IV_NOMEM;
    state->next.home = state->sentence.home = records->home;
    const int64_t got = iv__source_peek(records->source, first, sizeof first);
    const bool marked = got == 3 && !memcmp(first, "\xEF\xBB\xBF",
                                            3); /* a byte order mark, which lines pass over */
    /* a file of stories begins with a number */
    if (got > 0 && !marked && (*first < '0' || *first > '9')) {
        state->tar = iv__tar_new(records->source);
        if (!state->tar)
            return IV_NOMEM;
    }
    iv_status status = next_file(records);
    return status == IV_FORMAT && state->tar
               ? iv_fail(records->home, status,
                         "%s; a file of stories, which is no archive, begins with the number 1",
                         iv_home_message(records->home))
               : status;
}

void iv__babi_close(iv__records *records)
{
    babi_state *state = records->state;

    if (!state)
        return;
    iv__lines_free(state->lines);
    iv__source_close(state->file);
    iv__tar_free(state->tar);
    iv__text_free(&state->next);
    iv__text_free(&state->sentence);
    iv__free(records->home, state);
}

/* ---- stories --------------------------------------------------------------------------------- */

static iv_status end_of_all(iv__records *records)
{
    const int64_t task = ((const babi_options *)records->options)->task;

    records->ended = true;
    if (records->seen || !task)
        return records->seen
                   ? IV_OK
                   : iv_fail(records->home, IV_FORMAT,
                             "%s: expected files qa1_..._train.txt and so on, and there are none: are these the bAbI tasks?",
                             records->name);
    return iv_fail(records->home, IV_FORMAT, "%s has no stories of task %lld", records->name,
                   (long long)task);
}

/* A line of number 1 begins a story; with it the one before it ends. */
static bool begins(const char *line, size_t size)
{
    return size >= 2 && line[0] == '1' && line[1] == ' ';
}

iv_status iv__babi_next(iv__records *records)
{
    babi_state *state = records->state;
    const char *line;
    size_t size;
    bool whole, failed = false;
    iv_status status = IV_OK;

    iv__text_clear(&state->sentence);
    while (!status && state->lines) {
        if (state->next.size) {
            status = take_line(records, state->next.data, state->next.size);
            iv__text_clear(&state->next);
        } else if (!iv__lines_next(state->lines, &line, &size, &whole, &failed)) {
            if (failed)
                return iv_home_status(records->home);
            if (records->text.size)
                break; /* its last story; then there is no further line */
            status = next_file(records);
        } else if (!whole) {
            status = refuse(records, "the line is longer than 1 MiB");
        } else if (begins(line, size) && records->text.size) {
            iv__text_add(&state->next, line, size);
            break;
        } else if (!iv__line_is_blank(line, size)) {
            status = take_line(records, line, size);
        }
        if (records->text.size) {
            state->story_task = state->task;
            state->story_tests = state->tests;
        }
    }
    if (status)
        return status;
    if (state->next.failed)
        return IV_NOMEM;
    if (!records->text.size)
        return end_of_all(records);
    records->seen++;
    records->kept++;
    return IV_OK;
}
