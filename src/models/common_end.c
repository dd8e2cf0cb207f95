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

int64_t iv__text_end(const iv_generation *g, const char *text, size_t begin, size_t size)
{
    int64_t end = -1, at = (int64_t)begin;

    for (int i = 0; i < g->n_stops; i++) {
        const char *found = memmem(text + begin, size - begin, g->stops[i], strlen(g->stops[i]));
        if (found && (end < 0 || found - text < end))
            end = found - text;
    }
    for (int64_t k = 0; k < g->sentences && at >= 0; k++)
        at = next_sentence(text, (size_t)at, size, false);
    return g->sentences && at >= 0 && (end < 0 || at < end) ? at : end;
}

bool iv__ends_sentence(const char *text, size_t begin, size_t size)
{
    int64_t at = (int64_t)begin;

    while (at >= 0 && (size_t)at < size)
        at = next_sentence(text, (size_t)at, size, true);
    return at == (int64_t)size && size > begin;
}
