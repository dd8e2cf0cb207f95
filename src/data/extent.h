/* extent.h: how much text tokens are: what losses of different tokenizers are divided by, to be
 * compared. */
#ifndef IV_DATA_EXTENT_H
#define IV_DATA_EXTENT_H

#include "data/text.h"

/* Begins as { .vocabulary = ... }. */
typedef struct iv__extent {
    const iv__vocabulary *vocabulary;
    int64_t characters, bytes;
    bool broken; /* the bytes are no UTF-8 */
    bool inside; /* private from here: of a character ... */
    int left;    /* ... so many bytes are to come */
} iv__extent;

/* A stretch of text begins, perhaps inside a character. */
void iv__extent_begin(iv__extent *extent);
void iv__extent_add(iv__extent *extent, int32_t id);

/* Unicode's characters; bytes where the text is no UTF-8. */
int64_t iv__extent_units(const iv__extent *extent);
/* "bits per character", or "bits per byte". */
const char *iv__extent_measure(const iv__extent *extent);

#endif
