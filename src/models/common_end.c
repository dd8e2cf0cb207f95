/* common_end.c: where a text ends: before a stop text, or with its sentences. */
#define _GNU_SOURCE
#include "models/common_writing.h"

#include <string.h>

/* The length of the mark of the list that stands there, or 0. */
static size_t mark_at(const char *const marks[], const char *at, size_t left)
{
    for (; *marks; marks++) {
        size_t size = strlen(*marks);
        if (size <= left && !memcmp(at, *marks, size))
            return size;
    }
    return 0;
}

static const char *const ends[] = { ".", "!", "?", "…", NULL };
static const char *const ends_anywhere[] = { "。", "！", "？", NULL };
static const char *const closings[] = { "\"", "'", ")", "]", "”", "’", "»", "」", "』", "）", NULL };

static bool is_space(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Behind the sentence that ends next, from `from` on, or -1. With `last` one may end with the text. */
static int64_t next_sentence(const char *text, size_t from, size_t size, bool last)
{
    for (size_t i = from; i < size; i++) {
        bool anywhere = false, mark = false;
        size_t at = i, step;
        while ((step = mark_at(ends, text + at, size - at)) ||
               (step = mark_at(ends_anywhere, text + at, size - at))) {
            anywhere |= step > 1 && !mark_at(ends, text + at, size - at);
            mark = true;
            at += step;
        }
        while (mark && (step = mark_at(closings, text + at, size - at)))
            at += step;
        if (mark && (at < size ? anywhere || is_space(text[at]) : last))
            return (int64_t)at;
        i = mark ? at - 1 : i;
    }
    return -1;
}

/* The stop text that begins first; one that begins earlier would have been found before. */
static int64_t find_stop(const iv__ending *e, const char *text, size_t size)
{
    int64_t end = -1;

    for (int i = 0; i < e->g->n_stops; i++) {
        size_t length = strlen(e->g->stops[i]), from = e->begin;
        if (e->searched > from + length - 1)
            from = e->searched - (length - 1);
        const char *found = from < size ? memmem(text + from, size - from, e->g->stops[i], length)
                                        : NULL;
        if (found && (end < 0 || found - text < end))
            end = found - text;
    }
    return end;
}

/* Behind the last sentence, or -1. Sentences within what is settled are counted once. */
static int64_t find_sentence(iv__ending *e, const char *text, size_t size, size_t settled)
{
    int64_t at = (int64_t)e->sentence;

    for (int64_t k = e->sentences; k < e->g->sentences && at >= 0; k++) {
        at = next_sentence(text, (size_t)at, size, false);
        if (at >= 0 && (size_t)at < settled && k + 1 < e->g->sentences) {
            e->sentences = k + 1;
            e->sentence = (size_t)at;
        }
    }
    for (size_t back = settled < size ? settled : size; at < 0 && back > e->sentence; back--)
        if (is_space(text[back - 1])) { /* no end of a sentence reaches across it */
            e->sentence = back - 1;
            break;
        }
    return at;
}

int64_t iv__ending_find(iv__ending *e, const char *text, size_t size, size_t settled)
{
    int64_t stop = find_stop(e, text, size);
    int64_t sentence = e->g->sentences ? find_sentence(e, text, size, settled) : -1;

    e->searched = settled;
    return sentence >= 0 && (stop < 0 || sentence < stop) ? sentence : stop;
}

bool iv__ends_sentence(const char *text, size_t begin, size_t size)
{
    int64_t at = (int64_t)begin;

    while (at >= 0 && (size_t)at < size)
        at = next_sentence(text, (size_t)at, size, true);
    return at == (int64_t)size && size > begin;
}
