/* arena.h: small things that die together. */
#ifndef IV_BASE_ARENA_H
#define IV_BASE_ARENA_H

#include <ivory/base.h>

typedef struct iv__arena {
    iv_home *home;
    struct iv__arena_block *head;
} iv__arena;

/* Zeroed, 16-byte aligned; NULL when memory is out. */
void *iv__arena_get(iv__arena *arena, size_t bytes);
char *iv__arena_text(iv__arena *arena, const char *text);
char *iv__arena_print(iv__arena *arena, const char *format, ...) IV_PRINTF(2, 3);
void iv__arena_free(iv__arena *arena);

#endif
