/* rows.h: contracts of the rows that are more than one formula, for their reference and for backends.
 * Inputs and outputs are in the order given here; backends replace rows by these names. */
#ifndef IV_OPS_ROWS_H
#define IV_OPS_ROWS_H

#include <ivory/kernel.h>

#include <ivory/tensor.h>

/* "matmul": in a, b; out y. See iv_matmul_with. */
typedef struct iv__matmul {
    int64_t transpose_a, transpose_b;
} iv__matmul;

/* x of the recurrent rows may be i32 [N,T]: numbers of rows of w, which stand for one-hot vectors (out of range: zeros). dx is then
 * [N,T], all 0.
 *
 * "lstm": in x [N,T,I], w, u, b, h0, c0, (mask [N,T]); out y [N,T,H], h [N,H], c [N,H], gates [N,T,4H] (i,f,g,o after their
 * functions), cells [N,T,H] (c after each step). gates and cells may be NULL when nothing needs them.
 * "lstm_back": in x, w, u, h0, c0, y, gates, cells, dy [N,T,H], dh [N,H], dc [N,H], (mask); out dx, dw, du, db, dh0, dc0.
 *
 * "gru": in x, w, u, b, h0, (mask); out y, h, gates [N,T,3H] (z, r, g after their functions), inner [N,T,H] (reset after:
 * h Ug + b1g before the reset gate; reset before: r h). gates and inner may be NULL.
 * "gru_back": in x, w, u, h0, y, gates, inner, dy, dh, (mask); out dx, dw, du, db, dh0.
 *
 * "simple_rnn": in x, w, u, b, h0, (mask); out y, h.
 * "simple_rnn_back": in x, w, u, h0, y, dy, dh, (mask); out dx, dw, du, db, dh0.
 *
 * Where mask[n,t] == 0 the state is held: y[n,t] = h before; gradients flow through unchanged and that step adds nothing to dx, dw,
 * du, db. The last input is the mask when n_in is one more than without. With `reverse` time runs from T-1 to 0, and "before" means
 * t+1. Any dx.. output but the first may have data NULL; dx may be NULL too in the *_back rows. */
typedef struct iv__recurrent {
    int64_t reverse, reset_after;
} iv__recurrent;

/* "linear_cross_entropy": in x [R...,I], w [I,V], b [V], target i32 [R...], weight [R...]; out loss [R...]:
 *   loss = -weight log softmax(x w + b)[target];  rows of weight 0 are skipped (loss exactly 0).
 * "linear_cross_entropy_back": in x, w, b, target, weight, dloss [R...]; out dx, dw, db, loss. loss is the same as the forward row's,
 *   so that a plan that needs both runs just this one. Rows whose weight is 0 add nothing; those whose dloss is 0 too but they have a loss. */

/* "conv": in x, w; out y. "conv_x": in y, w; out x. "conv_w": in x, y; out w. Three views of one sum over
 * x[n, s, c] w[k, c', f] y[n, o, f] with s = o stride + k dilation - before, for 1 to 3 spatial axes: see iv_conv. `size` are the
 * spatial sizes of what is made. */
enum { IV__CONV_AXES = 3 };
typedef struct iv__conv {
    iv_shape stride, dilation, before, size; /* one number for each spatial axis */
    int64_t groups;
    int64_t taps; /* so many, in reading order, count; 0: all. conv_w gives exactly 0 for the others */
} iv__conv;

/* "max_pool": in x; out y, place (i32, shaped as y: which tap of the window, the first of equals; data may be NULL).
 * "pool_pick": in x, place; out y: that tap of x, 0 where it leads out of the image. "pool_place": in y, place; out x, its adjoint.
 * "sum_pool": in x; out y. "sum_spread": in y; out x, its adjoint. x [N,S...,C], y [N,O...,C] of 1 to 3 spatial axes; taps are counted
 * in C order, place o of y begins at o stride - before; places out of the image count for nothing, and every window has one within. */
typedef struct iv__pooling {
    iv_shape window, stride, before, size; /* size: of what is made */
} iv__pooling;

/* The sizes of a convolution as kernels see them. Three spatial axes always: those that are missing come first and have length 1. */
typedef struct iv__conv_sizes {
    int64_t records, channels, filters, groups;
    int64_t taps, unread; /* that count, and that lie behind them */
    int64_t x[IV__CONV_AXES], y[IV__CONV_AXES], w[IV__CONV_AXES];
    int64_t stride[IV__CONV_AXES], dilation[IV__CONV_AXES], before[IV__CONV_AXES];
} iv__conv_sizes;

static inline int64_t iv__conv_volume(const int64_t size[IV__CONV_AXES])
{
    return size[0] * size[1] * size[2];
}

static inline iv__conv_sizes iv__conv_sizes_of(const iv__conv *attr, const iv_shape *x,
                                               const iv_shape *w, const iv_shape *y)
{
    const int missing = IV__CONV_AXES + 2 - (int)x->rank;
    iv__conv_sizes s = { .records = x->dim[0],
                         .channels = x->dim[x->rank - 1],
                         .filters = y->dim[y->rank - 1],
                         .groups = attr->groups };

    for (int k = 0; k < IV__CONV_AXES; k++) {
        const int from = k - missing;

        s.x[k] = from < 0 ? 1 : x->dim[1 + from];
        s.y[k] = from < 0 ? 1 : y->dim[1 + from];
        s.w[k] = from < 0 ? 1 : w->dim[from];
        s.stride[k] = from < 0 ? 1 : attr->stride.dim[from];
        s.dilation[k] = from < 0 ? 1 : attr->dilation.dim[from];
        s.before[k] = from < 0 ? 0 : attr->before.dim[from];
    }
    s.taps = attr->taps ? attr->taps : iv__conv_volume(s.w);
    s.unread = iv__conv_volume(s.w) - s.taps;
    return s;
}

/* Place `number` of a volume, axis by axis. */
static inline void iv__conv_place(int64_t number, const int64_t size[IV__CONV_AXES],
                                  int64_t at[IV__CONV_AXES])
{
    for (int k = IV__CONV_AXES; k-- > 0; number /= size[k])
        at[k] = number % size[k];
}

/* "softmax", "log_softmax", "log_sum_exp": over the last axis, with the maximum subtracted. */

/* "random_uniform": in clock i32 [6]; out numbers of [0,1), in order from `first` on: number n is made of word n % 4 of the four that
 * Philox gives under the key for the counter (step, n / 4). */
typedef struct iv__counted {
    uint64_t key, step, first;
} iv__counted;
iv__counted iv__counted_of(const iv_kernel_call *k);

/* "average": in m, x; out m + (x - m) share, or with `squared` m + (x x - m) share. */
typedef struct iv__average {
    double share;
    int64_t squared;
} iv__average;

/* "descend": in w, rate, x, s; out w - rate x / (sqrt(s) + epsilon), or with `inside`
 * w - rate x / sqrt(s + epsilon). */
typedef struct iv__descend {
    double epsilon;
    int64_t inside;
} iv__descend;

#endif
