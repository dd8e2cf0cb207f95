/* sgml.c: tags and text, from a buffer that holds whole tags and entities. */
#define _GNU_SOURCE
#include "format/sgml.h"

#include <string.h>

#include "base/home.h"
#include "format/entities.h"
#include "format/utf8.h"

enum { BUFFER = 1 << 16, LONGEST_TAG = 1 << 12, PIECE = 1 << 14 };

struct iv__sgml {
    iv_home *home;
    iv__source *source;
    int64_t line;
    bool drained;
    size_t at, filled;
    char buffer[BUFFER];
    char out[PIECE + 8];
};

iv__sgml *iv__sgml_new(iv__source *source)
{
    iv_home *home = iv__source_home(source);
    iv__sgml *sgml = iv__alloc(home, sizeof *sgml);

    if (sgml) {
        sgml->home = home;
        sgml->source = source;
        sgml->line = 1;
    }
    return sgml;
}

void iv__sgml_free(iv__sgml *sgml)
{
    if (sgml)
        iv__free(sgml->home, sgml);
}

/* Makes a whole tag wait, or all that is left. */
static bool fill(iv__sgml *sgml)
{
    size_t left = sgml->filled - sgml->at;

    if (sgml->drained || left > LONGEST_TAG)
        return true;
    memmove(sgml->buffer, sgml->buffer + sgml->at, left);
    int64_t got = iv__source_read(sgml->source, sgml->buffer + left, BUFFER - left);
    if (got < 0)
        return false;
    sgml->drained = (size_t)got < BUFFER - left;
    sgml->at = 0;
    sgml->filled = left + (size_t)got;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether a tag, a declaration or a comment begins here. */
static bool is_markup(const char *at, size_t left)
{
    return left > 1 && *at == '<' &&
           (is_letter(at[1]) || at[1] == '!' || at[1] == '?' ||
            (left > 2 && at[1] == '/' && is_letter(at[2])));
}

/* The '>' that ends a tag, outside the quotes of its attributes; NULL when it is too far or
 * absent. */
static const char *end_of_tag(const char *at, size_t left)
{
    char quote = 0;

    if (left > 3 && !memcmp(at, "<!--", 4)) {
        size_t most = left < LONGEST_TAG ? left : LONGEST_TAG;
        const char *stop = memmem(at + 4, most - 4, "-->", 3);
        return stop ? stop + 2 : NULL;
    }
    for (size_t i = 1; i < left && i < LONGEST_TAG; i++) {
        if (quote)
            quote = at[i] == quote ? 0 : quote;
        else if (at[i] == '>')
            return at + i;
        else if (at[i] == '"' || at[i] == '\'')
            quote = at[i];
    }
    return NULL;
}

static void count_lines(iv__sgml *sgml, const char *at, const char *end)
{
    while ((at = memchr(at, '\n', (size_t)(end - at)))) {
        sgml->line++;
        at++;
    }
}

/* Reads the tag that waits; true when it is one to give, false for a declaration or comment. */
static bool take_tag(iv__sgml *sgml, const char *end, iv__sgml_kind *kind, size_t *size)
{
    const char *at = sgml->buffer + sgml->at + 1;
    bool closes = *at == '/', named = is_letter(at[closes]);

    *kind = closes ? IV__SGML_CLOSE : IV__SGML_OPEN;
    *size = 0;
    for (at += closes; named && at < end && (unsigned char)*at > ' '; at++)
        sgml->out[(*size)++] = *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at;
    sgml->out[*size] = 0;
    count_lines(sgml, sgml->buffer + sgml->at, end);
    sgml->at = (size_t)(end + 1 - sgml->buffer);
    return named;
}

static bool is_control(uint32_t code)
{
    return (code < ' ' && code != '\n' && code != '\t') || (code >= 0x7f && code < 0xa0);
}

/* Text up to the next tag, as far as it waits and there is room. */
static size_t take_text(iv__sgml *sgml)
{
    size_t size = 0, keep = sgml->drained ? 0 : 16; /* an entity may go on behind what waits */

    while (sgml->at + keep < sgml->filled && size < PIECE) {
        const char *at = sgml->buffer + sgml->at;
        size_t left = sgml->filled - sgml->at;
        uint32_t code = (unsigned char)*at;
        if (is_markup(at, left))
            break;
        size_t length = code == '&' ? iv__entity_read(at, left, false, &code) : 1;
        sgml->line += *at == '\n';
        sgml->at += length > 0 ? length : 1;
        if (!is_control(code))
            size += iv__utf8_write(code, (unsigned char *)sgml->out + size);
    }
    sgml->out[size] = 0;
    return size;
}

iv__sgml_kind iv__sgml_next(iv__sgml *sgml, const char **text, size_t *size)
{
    iv__sgml_kind kind;

    *text = sgml->out;
    for (;;) {
        if (!fill(sgml))
            return IV__SGML_FAILED;
        const char *at = sgml->buffer + sgml->at;
        size_t left = sgml->filled - sgml->at;
        if (left == 0)
            return IV__SGML_END;
        if (!is_markup(at, left)) {
            *size = take_text(sgml);
            if (*size > 0)
                return IV__SGML_TEXT;
            continue;
        }
        const char *end = end_of_tag(at, left);
        if (!end) {
            iv_fail(sgml->home, IV_FORMAT,
                    "%s:%lld: a tag that begins here does not end within %d bytes",
                    iv__source_name(sgml->source), (long long)sgml->line, LONGEST_TAG);
            return IV__SGML_FAILED;
        }
        if (take_tag(sgml, end, &kind, size))
            return kind;
    }
}
