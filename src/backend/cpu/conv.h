/* conv.h: what the convolutions of this backend share: patches of places, and kernels packed tap by
 * tap. */
#ifndef IV_BACKEND_CPU_CONV_H
#define IV_BACKEND_CPU_CONV_H

#include "backend/cpu/gemm.h"
#include "backend/cpu/rows.h"

#include "ops/rows.h"

#include <string.h>

enum { IV__CONV_CHUNK = 1024 }; /* inputs of the taps that are gathered at once, about */

/* What is gathered: for place i of a grid and each tap the `channels` floats at i * step + offset, in
 * every axis. Axes that are missing come first and have length 1. */
typedef struct iv__grid {
    const float *from;
    int64_t records, channels;
    int64_t size[IV__CONV_AXES]; /* of what is read */
    int64_t places[IV__CONV_AXES], step[IV__CONV_AXES];
    int64_t taps;
    int64_t line; /* so many taps in a row, from multiples of it on, read places side by side */
    int64_t (*offset)[IV__CONV_AXES];
} iv__grid;

/* What conv reads for each place of y, by all taps; their offsets are written, unless NULL. */
iv__grid iv__grid_of_x(const iv__conv_sizes *s, const float *x, int64_t (*offset)[IV__CONV_AXES]);

/* Patches of places [begin,end), counted over all records: of each the taps [t0,t1), `width` floats
 * apart and filled up with zeros. */
void iv__gather(const iv__grid *g, int64_t begin, int64_t end, int64_t t0, int64_t t1,
                int64_t width, float *to, int64_t to_row);

/* Whether a patch is the place itself, in x and in y. */
bool iv__conv_is_pointwise(const iv__conv_sizes *s);

/* w from x and y, as the row conv_w; bytes of scratch. */
size_t iv__conv_sum_scratch(iv_home *home, const iv__cpu *cpu, const iv__conv_sizes *s);
void iv__conv_sum_run(iv_home *home, const iv__cpu *cpu, const iv__conv_sizes *s, const float *x,
                      const float *y, float *w, void *scratch);

/* ---- taps ------------------------------------------------------------------------------------ */

/* A kernel packed for products with patches: panels (gemm.h) whose rows are those of the counted
 * taps, one tap behind the other, each filled up to iv__operand_k. conv_x needs the taps transposed,
 * and those that the same places of x are read by side by side: taps are ordered by their numbers
 * modulo `period` along each axis, and then from the last to the first, since later taps read earlier
 * places of y. */
typedef struct iv__taps {
    bool back; /* conv_x */
    int64_t count, period[IV__CONV_AXES];
} iv__taps;

/* Forms have few bits: false, if these sizes have none. */
bool iv__taps_fit(const iv__conv_sizes *s);
iv__taps iv__taps_of(const iv__conv_sizes *s, bool back);
int64_t iv__taps_form(const iv__taps *taps);

/* The taps whose numbers modulo the period are `rest`, into `tap` unless it is NULL: how many. */
int64_t iv__taps_with(const iv__taps *taps, const int64_t size[IV__CONV_AXES],
                      const int64_t rest[IV__CONV_AXES], int64_t *tap);
/* How many taps stand before those. */
int64_t iv__taps_before(const iv__taps *taps, const int64_t size[IV__CONV_AXES],
                        const int64_t rest[IV__CONV_AXES]);

/* Scratch is taken piece by piece, in whole cache lines (base NULL: only how much). */
static inline void *iv__take(char *base, size_t *used, int64_t count, size_t size)
{
    char *at = base ? base + *used : NULL;

    *used += ((size_t)count * size + 63) & ~(size_t)63;
    return at;
}

#endif
