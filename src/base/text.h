/* text.h: growing text. A failed append is remembered, so that one test at the end tells. */
#ifndef IV_BASE_TEXT_H
#define IV_BASE_TEXT_H

#include <ivory/base.h>

typedef struct iv__text {
    iv_home *home;
    char *data; /* always terminated once anything was added; NULL before */
    size_t size, room;
    bool failed;
} iv__text;

void iv__text_add(iv__text *text, const char *bytes, size_t size);
void iv__text_put(iv__text *text, const char *string);
void iv__text_print(iv__text *text, const char *format, ...) IV_PRINTF(2, 3);
void iv__text_clear(iv__text *text); /* keeps the memory */
void iv__text_free(iv__text *text);

/* The word of the NULL-terminated list nearest to `word` (edit distance at most a third of its
 * length, and one), or NULL. */
const char *iv__nearest(const char *word, const char *const words[]);

#endif
