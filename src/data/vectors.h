/* vectors.h: a vector for each word of a vocabulary, from a file of GloVe's. */
#ifndef IV_DATA_VECTORS_H
#define IV_DATA_VECTORS_H

#include <ivory/base.h>

#include "data/text.h"

typedef struct iv__vectors {
    iv_home *home;
    int64_t count, width, found; /* words; of a vector; words whose vector the file has */
    float *table;                /* [count,width]; of padding zeros */
} iv__vectors;

/* file: as --vectors named it; "": glove.6B.50d.8453words.txt(.gz) in glove/ below the folder that holds data sets.
 * Words that it lacks, and the unknown word, get random numbers of the same mean and deviation.
 * Errors: IO with where to get it; FORMAT. */
iv_status iv__vectors_open(iv_home *home, const char *file, const iv__vocabulary *vocabulary,
                           iv__vectors *vectors);
void iv__vectors_free(iv__vectors *vectors);

/* The word whose vector has the largest cosine with x; of padding and the unknown word none is taken. */
int32_t iv__vectors_nearest(const iv__vectors *vectors, const float *x);
/* 0 where one has no length. */
double iv__cosine(const float *a, const float *b, int64_t n);

#endif
