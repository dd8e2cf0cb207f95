/* reuters.c: the archive's files of markup, document by document. */

#define _POSIX_C_SOURCE 200809L
#include "data/reuters.h"

#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/home.h"
#include "base/sha256.h"
#include "data/token_table.h"
#include "format/sgml.h"
#include "format/tar.h"

enum { TEXT_MAX = 1 << 24, TOPIC_MAX = 64 }; /* bytes of a title or body, and of a topic */

typedef struct reuters_state {
    iv__tar *tar; /* NULL: the source is one file of markup */
    iv__source *file;
    iv__sgml *sgml;       /* of the file; NULL before the first, and when the last is over */
    iv__token_table seen; /* checksums of the texts */
    iv__text topic;       /* of the document: its first one, or "" */
    iv__text body;        /* that sentences are cut from */
    size_t at;            /* in it */
    int64_t document;     /* its number, from 0 */
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
    state->topic.home = state->body.home = records->home;
    state->document = -1;
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
    iv__text_free(&state->topic);
    iv__text_free(&state->body);
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
    bool inside = false, in_topics = false, in_topic = false;
    const char *text;
    size_t size;

    *found = false;
    iv__text_clear(&state->topic);
    while (state->sgml) {
        switch (iv__sgml_next(state->sgml, &text, &size)) {
        case IV__SGML_FAILED: return iv_home_status(records->home);
        case IV__SGML_TEXT:
            if (inside)
                iv__text_add(&records->text, text, size);
            if (in_topic && state->topic.size < TOPIC_MAX)
                iv__text_add(&state->topic, text, size);
            if (records->text.size > TEXT_MAX)
                return iv_fail(records->home, IV_FORMAT,
                               "%s: the %s of a document is longer than 16 MiB: is a tag missing?",
                               iv__source_name(state->file), element);
            break;
        case IV__SGML_OPEN:
            inside = inside || is(text, element);
            in_topics = in_topics || is(text, "TOPICS");
            in_topic = in_topics && !state->topic.size && is(text, "D");
            break;
        case IV__SGML_CLOSE:
            inside = inside && !is(text, element);
            in_topics = in_topics && !is(text, "TOPICS");
            in_topic = false;
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

/* ---- sentences ------------------------------------------------------------------------------- */

const iv_field iv__reuters_sentence_fields[] = {
    FIELD(iv__reuters_sentence_options, digits, CHOICE, "nine", 0, 0, "nine keep", "",
          "digits all become 9, so that numbers of a size are one word; or stay"),
    FIELD_END,
};

const char *iv__reuters_topic(const iv__records *records)
{
    const iv__text *topic = &((const reuters_state *)records->state)->topic;

    return topic->size ? topic->data : "";
}

int64_t iv__reuters_document(const iv__records *records)
{
    return ((const reuters_state *)records->state)->document;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether the full stop at `at` belongs to a word: "Corp.", "U.S.", "J. Smith". */
static bool abbreviates(const char *text, size_t at)
{
    static const char *const words[] = { "Mr",  "Mrs",  "Ms",  "Dr",  "Inc", "Corp", "Co",  "Ltd",
                                         "Cos", "St",   "No",  "vs",  "Jan", "Feb",  "Mar", "Apr",
                                         "Aug", "Sept", "Oct", "Nov", "Dec", "Rep",  "Sen", "Gen" };
    size_t begin = at;

    while (begin > 0 && is_letter(text[begin - 1]))
        begin--;
    if (at - begin == 1)
        return text[begin] <= 'Z';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == at - begin && !memcmp(words[i], text + begin, at - begin))
            return true;
    return false;
}

/* The end of the sentence that begins at `at`: behind a mark that ends one, its quotation marks, and white space
 * that a capital, a digit or a quotation mark follows; before a paragraph (a line that begins with blanks); or the end. */
static size_t end_of_sentence(const char *text, size_t size, size_t at)
{
    for (; at < size; at++) {
        if (text[at] == '\n' && at + 1 < size && text[at + 1] == ' ')
            return at;
        if (!strchr(".?!", text[at]) || (text[at] == '.' && abbreviates(text, at)))
            continue;
        size_t end = at + 1;
        while (end < size && strchr("\"')", text[end]))
            end++;
        const char next = end + 1 < size ? text[end + 1] : 'A';
        if (end == size ||
            (strchr(" \n", text[end]) && (next == ' ' || next == '"' || (next >= '0' && next <= '9') ||
                                          (next >= 'A' && next <= 'Z'))))
            return end;
    }
    return size;
}

/* White space becomes one blank. */
static void put_sentence(iv__records *records, const char *text, size_t size)
{
    const bool nine = ((const iv__reuters_sentence_options *)records->options)->digits == IV__DIGITS_NINE;
    bool blank = false;

    for (size_t i = 0; i < size; i++) {
        const char c = nine && text[i] >= '0' && text[i] <= '9' ? '9' : text[i];
        const bool white = strchr(" \t\n", c) != NULL;
        if (!white && blank && records->text.size)
            iv__text_put(&records->text, " ");
        if (!white)
            iv__text_add(&records->text, &c, 1);
        blank = white;
    }
}

iv_status iv__reuters_next_sentence(iv__records *records)
{
    reuters_state *state = records->state;

    for (;;) {
        if (state->at >= state->body.size) {
            iv_status status = iv__reuters_next_body(records);
            if (status || records->ended)
                return status;
            records->seen--, records->kept--; /* sentences are counted, and what documents drop */
            state->document++;
            iv__text_clear(&state->body);
            iv__text_add(&state->body, records->text.data, records->text.size);
            state->at = 0;
            if (state->body.failed)
                return IV_NOMEM;
        }
        const size_t begin = state->at,
                     end = end_of_sentence(state->body.data, state->body.size, begin);
        state->at = end > begin ? end : begin + 1;
        iv__text_clear(&records->text);
        put_sentence(records, state->body.data + begin, end - begin);
        if (!records->text.size)
            continue;
        records->seen++;
        if (records->text.size != 6 || strcasecmp(records->text.data, "reuter")) {
            records->kept++;
            return IV_OK;
        }
        iv__records_drop(records, "that are the agency's name");
    }
}
