/* aesop.c: Aesop's fables in V. S. Vernon Jones's translation, from Project Gutenberg's text 11339.
 *
 * stories: a record is a fable: its title, a full stop, its text. whole: one record, all of it as
 * GDL's first edition, chapter 6, cleans it: the text between the first fable's heading and the
 * list of illustrations; five line breaks become a separator of 20 marks, other line breaks blanks,
 * two or more blanks ". ", and ".." becomes "."; one separator more stands in front. (So a verse
 * or a new paragraph gets a full stop that the book has not.) What the chapter does beyond that,
 * lower case and blanks around marks, is done where words are cut (its apostrophes stay inside
 * their words). */

#include <string.h>

#include "base/home.h"
#include "data/dataset.h"
#include "data/lines.h"

enum { AUTO, STORIES, WHOLE };
enum { STORY_MAX = 1 << 24 }; /* bytes */

static const char first_heading[] = "THE FOX AND THE GRAPES", behind[] = "ILLUSTRATIONS";
static const char separator[] = "| | | | | | | | | | | | | | | | | | | | ";

typedef struct aesop_options {
    int records;
} aesop_options;

static const iv_field aesop_fields[] = {
    FIELD(aesop_options, records, CHOICE, "auto", 0, 0, "auto stories whole", "",
          "what a record is: a fable, or all of them as the chapter cleans them; auto: a fable"),
    FIELD_END,
};

typedef struct aesop_state {
    iv__lines *lines;
    iv__text story; /* as it lies, line breaks included */
    bool begun;     /* whole: the record has begun */
    bool over;      /* the last fable was read */
    bool given;     /* whole: the record is ended */
} aesop_state;

/* ---- from line to line ----------------------------------------------------------------------- */

static bool is(const char *line, size_t size, const char *text)
{
    return size == strlen(text) && !memcmp(line, text, size);
}

/* To the heading of the first fable: the one that two blank lines follow (in the list of contents
 * one does). */
static iv_status find_first(iv__records *records)
{
    aesop_state *state = records->state;
    int blank = -1; /* lines since a line that could be it */
    const char *line;
    size_t size;
    bool whole, failed;

    while (iv__lines_next(state->lines, &line, &size, &whole, &failed)) {
        if (is(line, size, first_heading)) {
            blank = 0;
        } else if (blank >= 0 && iv__line_is_blank(line, size)) {
            if (++blank == 2) {
                iv__text_print(&state->story, "%s\n\n\n", first_heading);
                return IV_OK;
            }
        } else {
            blank = -1;
        }
    }
    if (failed)
        return iv_home_status(records->home);
    return iv_fail(records->home, IV_FORMAT,
                   "%s: expected the heading %s with two blank lines behind it, where the fables "
                   "begin: is this Project Gutenberg's text 11339?",
                   records->name, first_heading);
}

/* The story that has begun, to the four blank lines behind it, or to the end of all. What comes
 * next begins a story. */
static iv_status read_story(iv__records *records, iv__text *next)
{
    aesop_state *state = records->state;
    int blank = 0;
    const char *line;
    size_t size;
    bool whole, failed;

    while (iv__lines_next(state->lines, &line, &size, &whole, &failed)) {
        if (whole && iv__line_is_blank(line, size)) {
            blank++;
            iv__text_put(&state->story, "\n");
            continue;
        }
        state->over = is(line, size, behind);
        if (state->over)
            break;
        iv__text *to = blank >= 4 ? next : &state->story;
        iv__text_add(to, line, size);
        iv__text_put(to, whole ? "\n" : "");
        if (blank >= 4)
            return IV_OK;
        blank = 0;
        if (state->story.size > STORY_MAX)
            return iv_fail(records->home, IV_FORMAT,
                           "%s:%lld: a fable is longer than 16 MiB: is this Project Gutenberg's text 11339?",
                           records->name, (long long)iv__lines_number(state->lines));
    }
    if (failed)
        return iv_home_status(records->home);
    if (!state->over)
        return iv_fail(records->home, IV_FORMAT,
                       "%s: expected the line %s behind the fables, but the text ends: it is cut short",
                       records->name, behind);
    return IV_OK;
}

/* ---- as a record ----------------------------------------------------------------------------- */

/* Title, full stop, text. The lines stay lines. */
static void put_fable(iv__text *text, const iv__text *story)
{
    const char *at = story->data, *title = at + strcspn(at, "\n"), *body = title + strspn(title, "\n");
    size_t size = strlen(body);

    while (size > 0 && body[size - 1] == '\n')
        size--;
    iv__text_add(text, at, (size_t)(title - at));
    iv__text_put(text, ".\n");
    iv__text_add(text, body, size);
}

/* The chapter's rules, in its order; a separator is five line breaks. */
static void put_as_printed(iv__text *text, const iv__text *story)
{
    const char *at = story->data, *end = at + story->size;
    char before = 0; /* the last character that was put: a full stop swallows those that follow */

    while (end > at && end[-1] == '\n')
        end--;
    while (at < end) {
        size_t blanks = 0;
        while (at + blanks < end && (at[blanks] == '\n' || at[blanks] == ' '))
            blanks++;
        if (blanks >= 2 && before == '.') {
            iv__text_put(text, " "); /* ". " behind a full stop, the two of which become one */
            before = ' ';
        } else if (blanks >= 2) {
            iv__text_put(text, ". ");
            before = ' ';
        } else if (blanks == 1) {
            iv__text_put(text, " ");
            before = ' ';
        } else if (*at == '.' && before == '.') {
            before = 0; /* of four full stops two stay */
        } else {
            iv__text_add(text, at, 1);
            before = *at;
        }
        at += blanks > 0 ? blanks : 1;
    }
    iv__text_put(text, separator);
}

static iv_status aesop_open(iv__records *records)
{
    aesop_state *state = records->state = iv__alloc(records->home, sizeof *state);
    if (!state)
        return IV_NOMEM;
    state->story.home = records->home;
    state->lines = iv__lines_new(records->source);
    return state->lines ? find_first(records) : IV_NOMEM;
}

static void aesop_close(iv__records *records)
{
    aesop_state *state = records->state;
    if (!state)
        return;
    iv__lines_free(state->lines);
    iv__text_free(&state->story);
    iv__free(records->home, state);
}

static iv_status aesop_next(iv__records *records)
{
    aesop_state *state = records->state;
    bool whole = ((const aesop_options *)records->options)->records == WHOLE;

    if (state->over) {
        records->ended = !whole || state->given;
        records->seen += whole && !state->given;
        records->kept += whole && !state->given;
        state->given = true;
        return IV_OK;
    }
    iv__text next = { .home = records->home };
    iv_status status = read_story(records, &next);
    if (!status && !state->story.failed) {
        if (whole && !state->begun)
            iv__text_put(&records->text, separator);
        state->begun = true;
        if (whole)
            put_as_printed(&records->text, &state->story);
        else
            put_fable(&records->text, &state->story);
    }
    if (state->story.failed || next.failed)
        status = IV_NOMEM;
    iv__text_free(&state->story);
    state->story = next;
    records->continues = whole;
    records->seen += !whole;
    records->kept += !whole;
    return status;
}

const iv__dataset iv__dataset_aesop = {
    .name = "aesop",
    .says = "284 of Aesop's fables, Project Gutenberg's text 11339",
    .licence = "public domain (Project Gutenberg's licence is inside)",
    .home_page = "https://www.gutenberg.org/ebooks/11339",
    .download = "https://www.gutenberg.org/cache/epub/11339/pg11339.txt",
    .sha256 = "30d83d7b7ed618c1c035590161e1382ad6b0ad6b09c5afb834d3ed37f897a88b",
    .file = "aesop/11339.txt",
    .fields = aesop_fields,
    .options_size = sizeof(aesop_options),
    .open = aesop_open,
    .next = aesop_next,
    .close = aesop_close,
};
