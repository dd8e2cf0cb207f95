/* recurrent.h: what the recurrent rows share: sizes, how records are cut into groups, and the products around the steps. */
#ifndef IV_BACKEND_CPU_RECURRENT_H
#define IV_BACKEND_CPU_RECURRENT_H

#include "backend/cpu/gemm.h"

/* A group of records runs through the whole sequence in one thread, a chunk of steps at a time: first x w of the chunk,
 * then step by step h u and the gates. Groups meet nowhere, so no thread waits at a step. */
typedef struct iv__sequence {
    int64_t records, steps, inputs, units, sums; /* sums: floats of a row of pre-activations, gates * units */
    bool reverse;
    const float *mask; /* [N,T] or NULL */
    int64_t groups, group_records, chunk; /* chunk: steps whose x w is made at once */
    int64_t state_row; /* floats of a row of states in scratch: an odd number of cache lines */
} iv__sequence;

/* x, w and u are inputs 0 to 2; the mask is the last input where there are more than n_in. */
iv__sequence iv__sequence_of(const iv_kernel_call *k, const iv__cpu *cpu, int n_in);

static inline int64_t iv__time_of(const iv__sequence *s, int64_t step)
{
    return s->reverse ? s->steps - 1 - step : step;
}

static inline bool iv__held(const iv__sequence *s, int64_t record, int64_t time)
{
    return s->mask && s->mask[record * s->steps + time] == 0;
}

/* The state of a record before a step: of `over_time` [N,T,H], or at first of `first` [N,H]. */
static inline const float *iv__state_before(const iv__sequence *s, const float *over_time, const float *first,
                                            int64_t record, int64_t step)
{
    return step ? over_time + (record * s->steps + iv__time_of(s, step - 1)) * s->units : first + record * s->units;
}

/* Pre-activations of some records and a chunk of steps: that of (record, time) at z + record * record_row +
 * (time - time0) * sums, records counted from the first of the group. */
typedef struct iv__sums {
    float *z;
    int64_t record_row, time0;
} iv__sums;

/* z = x w for records [n0, n1) and times [t0, t1). */
void iv__input_sums(const iv__cpu *cpu, const iv__sequence *s, const iv__panels *panels, const float *x,
                    const float *packed_w, int64_t n0, int64_t n1, int64_t t0, int64_t t1, const iv__sums *sums);

/* ---- weight gradients: one product over all steps ---------------------------------------------------------------
 * The left factor has the columns of h before each step, a column of ones, and those of x, so that du, db and dw are rows
 * of one product with dz [N T, sums]. */
typedef struct iv__weights_back {
    int64_t row;               /* floats of a row of `left` */
    float *left, *dz, *product; /* [N T, row], [N T, sums], [units + 1 + inputs, sums] */
    void *scratch;
} iv__weights_back;

size_t iv__weights_back_bytes(iv_home *home, const iv__cpu *cpu, const iv__sequence *s);
iv__weights_back iv__weights_back_of(const iv__cpu *cpu, const iv__sequence *s, void *scratch);
void iv__weights_back_row(const iv__weights_back *b, const iv__sequence *s, int64_t row, const float *h_before,
                          const float *x);
void iv__weights_back_run(iv_home *home, const iv__cpu *cpu, const iv__sequence *s, const iv__weights_back *b,
                          float *dw, float *du, float *db);

/* dx = dz w^T, the right factor in panels. */
void iv__inputs_back(iv_home *home, const iv__cpu *cpu, const iv__sequence *s, const iv__weights_back *b,
                     const float *packed_w, float *dx);

#endif
