/* element.h: numbers as files of others keep them: what kind, how wide, which byte first. */
#ifndef IV_FORMAT_ELEMENT_H
#define IV_FORMAT_ELEMENT_H

#include <ivory/tensor.h>

typedef enum iv__number {
    IV__REAL = 1, /* IEEE 754, of 2, 4 or 8 bytes */
    IV__BFLOAT,   /* the upper half of a real of 4 bytes */
    IV__INTEGER,  /* of 1, 2, 4 or 8 bytes */
    IV__NATURAL,  /* the same without a sign */
    IV__TRUTH,    /* one byte: 0 or not */
} iv__number;

typedef struct iv__element {
    iv__number kind;
    int width;
    bool big_endian;
} iv__element;

/* Whether numbers of this kind may have fractions. */
bool iv__element_is_real(iv__element element);
/* The dtype that holds its numbers best: f64 for wide reals, f32 for the others, u8 for single bytes and truths, else
 * i32. */
iv_dtype iv__element_dtype(iv__element element);
/* Writes n numbers as `dtype`; reals are rounded to nearest. Returns how many were written: fewer than n when the
 * next one is none of that dtype (a fraction, or out of its range). */
int64_t iv__elements_copy(iv__element element, const void *from, int64_t n, iv_dtype dtype, void *to);

#endif
