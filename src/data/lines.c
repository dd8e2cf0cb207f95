/* lines.c: lines of a text; memory does not grow with their length. */

#include "data/lines.h"

#include <string.h>

#include "base/home.h"
#include "format/utf8.h"

struct iv__lines {
    iv_home *home;
    iv__source *source;
    size_t at, filled;
    bool drained;
    bool inside; /* the last piece did not end its line */
    bool any;    /* bytes are not checked */
    int64_t number;
    uint64_t before; /* bytes of the text that lie before the buffer */
    unsigned char buffer[2 * IV__LINE_PIECE];
};

iv__lines *iv__lines_new(iv__source *source)
{
    iv_home *home = iv__source_home(source);
    iv__lines *lines = iv__alloc(home, sizeof *lines);

    if (lines) {
        lines->home = home;
        lines->source = source;
    }
    return lines;
}

void iv__lines_free(iv__lines *lines)
{
    if (lines)
        iv__free(lines->home, lines);
}

void iv__lines_take_any(iv__lines *lines)
{
    lines->any = true;
}

int64_t iv__lines_number(const iv__lines *lines)
{
    return lines->number;
}

bool iv__line_is_blank(const char *line, size_t size)
{
    size_t i = 0;

    while (i < size && (line[i] == ' ' || line[i] == '\t'))
        i++;
    return i == size;
}

/* Makes at least a piece wait, or all that is left. */
static bool fill(iv__lines *lines)
{
    if (lines->filled - lines->at > IV__LINE_PIECE || lines->drained)
        return true;
    bool first = lines->before == 0 && lines->filled == 0;
    lines->before += lines->at;
    lines->filled -= lines->at;
    memmove(lines->buffer, lines->buffer + lines->at, lines->filled);
    lines->at = 0;

    size_t room = sizeof lines->buffer - lines->filled;
    int64_t got = iv__source_read(lines->source, lines->buffer + lines->filled, room);
    if (got < 0)
        return false;
    lines->drained = (size_t)got < room;
    lines->filled += (size_t)got;
    if (first && lines->filled >= 3 && memcmp(lines->buffer, "\xef\xbb\xbf", 3) == 0)
        lines->at = 3;
    return true;
}

static bool refuse(const iv__lines *lines, size_t at, unsigned char byte)
{
    const char *name = iv__source_name(lines->source);
    unsigned long long offset = lines->before + lines->at + at;
    long long number = lines->number;

    if (byte == 0)
        iv_fail(lines->home, IV_FORMAT,
                "%s:%lld: byte %llu of the text is zero: it is no text, or not saved as UTF-8",
                name, number, offset);
    else
        iv_fail(lines->home, IV_FORMAT,
                "%s:%lld: byte %llu of the text (0x%02x) is no UTF-8: save the text as UTF-8", name,
                number, offset, byte);
    return false;
}

/* Where a long line is cut: behind its last blank within a piece, else before the character that
 * does not fit. */
static size_t cut_place(const unsigned char *bytes)
{
    size_t place = IV__LINE_PIECE;

    while (place > IV__LINE_PIECE / 2 && bytes[place - 1] != ' ')
        place--;
    if (place > IV__LINE_PIECE / 2)
        return place;
    for (place = IV__LINE_PIECE; place > IV__LINE_PIECE - 4 && (bytes[place] & 0xc0) == 0x80;)
        place--;
    return place;
}

bool iv__lines_next(iv__lines *lines, const char **line, size_t *size, bool *whole, bool *failed)
{
    *failed = !fill(lines);
    if (*failed || lines->at == lines->filled)
        return false;

    const unsigned char *begin = lines->buffer + lines->at;
    size_t left = lines->filled - lines->at, most = left < IV__LINE_PIECE ? left : IV__LINE_PIECE;
    const unsigned char *end = memchr(begin, '\n', most);
    size_t length = end ? (size_t)(end - begin) : left > IV__LINE_PIECE ? cut_place(begin) : left;
    size_t taken = length + (end != NULL);
    *whole = end || length == left;
    if (end && length > 0 && begin[length - 1] == '\r')
        length--;

    lines->number += !lines->inside;
    lines->inside = !*whole;
    size_t good = lines->any ? length : iv__utf8_valid(begin, length);
    const unsigned char *zero = lines->any ? NULL : memchr(begin, 0, good);
    *failed = zero || good < length;
    if (*failed)
        return refuse(lines, zero ? (size_t)(zero - begin) : good, zero ? 0 : begin[good]);

    *line = (const char *)begin;
    *size = length;
    lines->at += taken;
    return true;
}
