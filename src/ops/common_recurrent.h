/* common_recurrent.h: what the recurrent rows share: sizes, shape checks, graph of gradients and
 * steps. */
#ifndef IV_OPS_COMMON_RECURRENT_H
#define IV_OPS_COMMON_RECURRENT_H

#include "ops/common.h"
#include "ops/common_math.h"
#include "ops/rows.h"

#include "base/home.h"

#include <string.h>

/* Sizes of a call, and the order of its steps. */
typedef struct iv__recurrent_sizes {
    int64_t n, t, i, h;
    bool reverse;
    const void *mask;      /* [N,T] or NULL */
    const int32_t *chosen; /* [N,T]: x as numbers of rows of w; NULL: x is [N,T,I] */
} iv__recurrent_sizes;

extern const iv_field iv__fields_recurrent[];

#define BACKPROPAGATION_REASON "backpropagation through time keeps the gates, not what made them"

/* u and h0 are inputs 2 and `state`; the mask is input `inputs` where there is one more than
 * that. */
iv__recurrent_sizes iv__recurrent_of(const iv_kernel_call *k, int state, int inputs);

/* Place of step s in time, and of the step before it (-1 or t before the first). */
static inline int64_t iv__time_of(const iv__recurrent_sizes *r, int64_t s)
{
    return r->reverse ? r->t - 1 - s : s;
}

/* Checks x [N,T,I] or i32 [N,T], w [I,gates H], u [H,gates H], h0 [N,H], the mask, and that every
 * other input is real. */
const char *iv__recurrent_shape(const iv_shape_call *s, int gates, int state, int inputs);

/* The same of a row going back, whose inputs are x, w, u, so many first states, y, what was kept (where anything is:
 * gates [N,T,gates H] and [N,T,H]), dy, a gradient of each last state, and the mask. */
const char *iv__recurrent_back_shape(const iv_shape_call *s, int gates, int states, bool kept,
                                     int inputs);

/* The shape [N,T,width]. */
iv_shape iv__over_time(const iv_shape_call *s, int64_t width);

/* dy[j], or zeros where nothing depends on that output. */
iv_node *iv__dy_or_zero(const iv_gradient_call *g, int j);

/* The step of a recurrent row: itself at T = 1, its states (inputs state .. state + n - 1, outputs
 * 1 .. n) carried. */
void iv__recurrent_step(iv_step *s, int state, int n, int inputs);

/* Records apart: of a recurrent row, and of one going back, whose outputs 1 to 3 are sums over them. */
void iv__recurrent_apart(iv_apart *a);
void iv__recurrent_back_apart(iv_apart *a);

#endif
