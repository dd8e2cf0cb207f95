/* arena.c: a list of blocks; everything dies together. */
#include "base/arena.h"
#include "base/home.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct iv__arena_block {
    struct iv__arena_block *next;
    size_t used, room;
    _Alignas(16) unsigned char bytes[];
};

void *iv__arena_get(iv__arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return iv__alloc(arena->home, bytes);
    bytes = (bytes + 15) & ~(size_t)15;
    struct iv__arena_block *block = arena->head;
    if (!block || block->room - block->used < bytes) {
        size_t room = bytes > 32768 ? bytes : 32768;
        block = iv__alloc(arena->home, sizeof *block + room);
        if (!block)
            return NULL;
        block->room = room;
        block->next = arena->head;
        arena->head = block;
    }
    void *p = block->bytes + block->used;
    block->used += bytes;
    return p;
}

char *iv__arena_text(iv__arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = iv__arena_get(arena, size);

    return copy ? memcpy(copy, text, size) : NULL;
}

char *iv__arena_print(iv__arena *arena, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    char *text = size < 0 ? NULL : iv__arena_get(arena, (size_t)size + 1);
    if (text)
        vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

void iv__arena_free(iv__arena *arena)
{
    while (arena->head) {
        struct iv__arena_block *block = arena->head;
        arena->head = block->next;
        iv__free(arena->home, block);
    }
}
