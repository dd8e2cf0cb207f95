/* recurrent.h: what the recurrent rows share: groups of records that run through all steps, and the
 * products around them.
 *
 * A group of records runs through the whole sequence in one thread, so no thread waits at a step.
 * Forward a chunk of steps gets its x w at once; the steps then add what comes through u. Backward
 * each step leaves dz, what reached the sums of the gates; dx and the weight gradients are products
 * of a chunk of steps, or one at the end (recurrent_back.c). */
#ifndef IV_BACKEND_CPU_RECURRENT_H
#define IV_BACKEND_CPU_RECURRENT_H

#include "backend/cpu/gemm.h"

typedef struct iv__sequence {
    int64_t records, steps, inputs, units;
    int64_t sums; /* floats of a row of pre-activations: gates * units */
    bool reverse;
    const float *mask;                    /* [N,T] or NULL */
    bool numbered;                        /* x holds numbers of rows of w */
    int64_t groups, group_records, chunk; /* chunk: steps between products that are not the state's */
    int64_t state_row; /* floats of a row of states in scratch: an odd number of cache lines */
} iv__sequence;

/* x, w and u are inputs 0 to 2; the mask is input n_in where there are more than that. */
iv__sequence iv__sequence_of(const iv_kernel_call *k, const iv__cpu *cpu, int n_in);

/* Records of a group at most: their states, and the gates of a chunk of steps, stay in L2. */
enum { IV__GROUP_RECORDS = 36 };
void iv__cut_records(iv__sequence *s, int64_t groups);

/* w in panels, the last of the packed forms; numbers need none. */
static inline int iv__want_w(const iv_kernel_call *k, iv__packing panels, int64_t form,
                             iv__packing want[IV__MAX_PACKED], int n)
{
    panels.input = 1;
    panels.variant = form;
    want[n] = panels;
    return n + (k->in[0].dtype != IV_I32);
}

static inline const void *iv__packed_w(const iv_kernel_call *k, int n)
{
    return k->in[0].dtype != IV_I32 ? k->packed[n] : NULL;
}

static inline int64_t iv__step_time(const iv__sequence *s, int64_t step)
{
    return s->reverse ? s->steps - 1 - step : step;
}

static inline bool iv__held(const iv__sequence *s, int64_t record, int64_t time)
{
    return s->mask && s->mask[record * s->steps + time] == 0;
}

/* The state of a record before a step: of `over_time` [N,T,H], or at first of `first` [N,H]. */
static inline const float *iv__state_before(const iv__sequence *s, const float *over_time,
                                            const float *first, int64_t record, int64_t step)
{
    return step ? over_time + (record * s->steps + iv__step_time(s, step - 1)) * s->units
                : first + record * s->units;
}

/* Records [begin,end) in one thread. The row of record n is n - begin of each array. */
typedef struct iv__record_group {
    int64_t begin, end;
    float *h, *c; /* states, or what flows back into them; rows of state_row */
    float *room;  /* rows of state_row, for the cell's own use */
    float *z;     /* forward: pre-activations of the step, rows of z_row; backward: dz */
    int64_t z_row;
    void *left; /* room for left factors that are not f32 */
} iv__record_group;

/* States of the group's records, from or to [N,H]; `to` may be NULL in the latter. */
void iv__copy_states(const iv__sequence *s, const iv__record_group *g, float *to, const void *from);
void iv__deliver_states(const iv__sequence *s, const iv__record_group *g, void *to, const float *from);

/* The left factor as the products take it: f32 where it lies, else in g->left; the second for those
 * of many batches. */
void iv__take_left(const iv__cpu *cpu, const iv__record_group *g, iv__product *p);
void iv__take_lefts(const iv__cpu *cpu, const iv__record_group *g, iv__product *p);

/* ---- forward --------------------------------------------------------------------------------- */

typedef struct iv__forward iv__forward;
struct iv__forward {
    const iv_kernel_call *k;
    const iv__cpu *cpu;
    iv__sequence s;
    int h0, c0;           /* inputs; c0 -1: there is no c */
    const iv__panels *u;  /* of the parts of u that the step multiplies with */
    const void *packed_w; /* NULL: not needed */
    bool chooses;         /* the step itself adds the rows of w that numbers choose, and writes y */
    /* h, c and z become those after the step */
    void (*step)(const iv__forward *f, const iv__record_group *g, int64_t time);
};
size_t iv__forward_scratch(iv_home *home, const iv__cpu *cpu, const iv__sequence *s); /* bytes */
void iv__forward_run(const iv__forward *f);

/* Row `number` of w, or NULL if there is none. */
static inline const float *iv__chosen_row(const iv__sequence *s, const iv_kernel_call *k, int64_t at)
{
    int32_t number = ((const int32_t *)k->in[0].data)[at];

    return number >= 0 && number < s->inputs ? (const float *)k->in[1].data + number * s->sums : NULL;
}

/* to (+)= rows of states times packed columns of u. */
void iv__state_product(const iv__forward *f, const iv__record_group *g, const float *states,
                       const iv__panels *panels, const void *packed, float *to, int64_t to_row,
                       bool add);

/* ---- backward -------------------------------------------------------------------------------- */

typedef struct iv__backward iv__backward;
struct iv__backward {
    const iv_kernel_call *k;
    const iv__cpu *cpu;
    iv__sequence s;
    int h0, y, dy, dh, dc; /* inputs; dc -1: there is no c */
    int64_t dz_width;      /* the first `sums` floats of dz go back through w */
    int extra;             /* input [N,T,H] that stands in the left factor too, or -1 */
    bool straight;         /* dz is that of all sums: du, db and dw are the product's rows */
    const void *packed_w;  /* transposed */
    iv__panels units;
    /* dh and dc come from the step after and become what goes to the step before; z becomes dz */
    void (*step)(const iv__backward *b, const iv__record_group *g, int64_t step);
    /* dw, du and db out of [h before, extra, 1, x]^T dz; not called if `straight` */
    void (*deliver)(const iv__backward *b, const float *product);

    /* The rest is recurrent_back.c's. */
    int64_t slots, slot_records; /* sums of weight gradients, each of so many records; 0: one of all */
    bool at_once;                /* a slot is one group's, which sums chunk by chunk */
    int64_t rows;                /* of dz and of its left factors that are kept at once */
    int64_t sum_rows;            /* of them that a product takes */
    int64_t dz_row, left_row, left_width;
    int64_t weights; /* floats of a slot */
    float *sums, *store, *rooms;
    char *scratch;
    int64_t scratch_thread; /* bytes */
};
size_t iv__backward_scratch(const iv__backward *b); /* bytes; of `b` nothing after `deliver` counts */
void iv__backward_run(iv__backward *b);

/* to (+)= columns [first, first + columns) of dz times a part of u, transposed. */
void iv__back_through_u(const iv__backward *b, const iv__record_group *g, int64_t first,
                        int64_t columns, const void *packed, float *to, bool add);

/* The record holds its state: what came goes on, and dz is 0. */
void iv__back_held(const iv__backward *b, const iv__record_group *g, int64_t record, int64_t time);

/* Rows of a matrix out of columns of another. */
void iv__copy_columns(float *to, int64_t to_row, const float *from, int64_t from_row, int64_t rows,
                      int64_t columns);

#endif
