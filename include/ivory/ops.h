/* ops.h: every op a model may use. Each builder makes a node of the graph that its inputs are of.
 *
 * Binary builders broadcast as NumPy does (axes are matched from the last; an axis of length 1
 * stretches). A builder given NULL returns NULL; the graph keeps the first reason. `axis` counts
 * from the end when negative. */
#ifndef IVORY_OPS_H
#define IVORY_OPS_H

#include <ivory/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- constants and random numbers ------------------------------------------------------------ */
IV_API iv_node *iv_fill(iv_graph *graph, iv_shape shape, double value); /* of the graph's real dtype */
IV_API iv_node *iv_fill_i32(iv_graph *graph, iv_shape shape, int64_t value);
IV_API iv_node *iv_like(iv_node *x, double value);        /* fill of x's shape and dtype */
IV_API iv_node *iv_range(iv_graph *graph, int64_t count); /* 0, 1, ... count-1 as i32 [count] */

/* Counted random numbers. `clock` is the i32 input [6] that iv_random_clock makes: seed low and
 * high word, step low and high, first global record low and high. Axis 0 of the result counts
 * records. Each call site has a place of its own in the numbers: `place` is a name
 * ("writer/dropout"); equal places give equal numbers.
 * Source    Salmon et al. 2011 (Philox 4x32-10); normals by Box and Muller. */
IV_API iv_node *iv_random_clock(iv_graph *graph); /* the input "random" [6] i32 */
IV_API iv_node *iv_random_uniform(iv_node *clock, iv_shape shape, const char *place); /* [0,1) */
IV_API iv_node *iv_random_normal(iv_node *clock, iv_shape shape, const char *place);

/* ---- elementwise, one input ------------------------------------------------------------------ */
IV_API iv_node *iv_neg(iv_node *x);
IV_API iv_node *iv_exp(iv_node *x);
IV_API iv_node *iv_log(iv_node *x);
IV_API iv_node *iv_sqrt(iv_node *x);
IV_API iv_node *iv_reciprocal(iv_node *x);
IV_API iv_node *iv_square(iv_node *x); /* x x */
IV_API iv_node *iv_abs(iv_node *x);
IV_API iv_node *iv_sign(iv_node *x); /* -1, 0, 1; no gradient */
IV_API iv_node *iv_tanh(iv_node *x);
IV_API iv_node *iv_sigmoid(iv_node *x);
IV_API iv_node *iv_softplus(iv_node *x); /* log(1 + e^x), without overflow */
IV_API iv_node *iv_relu(iv_node *x);
IV_API iv_node *iv_positive(iv_node *x);                 /* 1 where x > 0, else 0; no gradient */
IV_API iv_node *iv_elu(iv_node *x);                      /* x where x > 0, else e^x - 1 */
IV_API iv_node *iv_leaky_relu(iv_node *x, double slope); /* x where x > 0, else slope x */
IV_API iv_node *iv_concat_elu(iv_node *x); /* elu of x and -x, end to end on the last axis */
IV_API iv_node *iv_selu(iv_node *x); /* elu scaled so that normal activations stay so (Klambauer et al. 2017) */
IV_API iv_node *iv_silu(iv_node *x); /* x sigmoid(x) */
IV_API iv_node *iv_gelu(iv_node *x); /* x times the normal distribution's share below x */
IV_API iv_node *iv_erf(iv_node *x);
IV_API iv_node *iv_sin(iv_node *x);
IV_API iv_node *iv_cos(iv_node *x);
IV_API iv_node *iv_power(iv_node *x, double exponent); /* x^a, x > 0 unless a is a whole number */
IV_API iv_node *iv_scale(iv_node *x, double factor);
IV_API iv_node *iv_shift(iv_node *x, double amount);
IV_API iv_node *iv_cast(iv_node *x, iv_dtype dtype); /* to i32 truncates, saturating; gradient only between reals */
IV_API iv_node *iv_is_finite(iv_node *x); /* 1 or 0, in x's dtype; no gradient */
IV_API iv_node *iv_stop_gradient(iv_node *x);

/* ---- elementwise, two or three inputs -------------------------------------------------------- */
IV_API iv_node *iv_add(iv_node *a, iv_node *b);
IV_API iv_node *iv_sub(iv_node *a, iv_node *b);
IV_API iv_node *iv_mul(iv_node *a, iv_node *b);
IV_API iv_node *iv_div(iv_node *a, iv_node *b);
IV_API iv_node *iv_max(iv_node *a, iv_node *b); /* gradient to the larger; halved between equals */
IV_API iv_node *iv_min(iv_node *a, iv_node *b);
IV_API iv_node *iv_equal(iv_node *a, iv_node *b); /* 1 or 0 in the graph's real dtype; inputs real or i32 */
IV_API iv_node *iv_less(iv_node *a, iv_node *b);
IV_API iv_node *iv_less_equal(iv_node *a, iv_node *b);
IV_API iv_node *iv_select(iv_node *condition, iv_node *yes, iv_node *no); /* where condition != 0 */
IV_API iv_node *iv_clip(iv_node *x, double low, double high);

/* ---- places: values keep, places change ------------------------------------------------------ */
IV_API iv_node *iv_reshape(iv_node *x, iv_shape shape); /* one dimension may be -1 */
IV_API iv_node *iv_transpose(iv_node *x, iv_shape order); /* output axis k is input axis order.dim[k] */
IV_API iv_node *iv_broadcast_to(iv_node *x, iv_shape shape);
IV_API iv_node *iv_sum_to(iv_node *x, iv_shape shape); /* the adjoint of broadcast_to */
/* `count` places of the axis: begin, begin + stride, ..., all of them within it; stride at least 1. */
IV_API iv_node *iv_slice(iv_node *x, int axis, int64_t begin, int64_t count, int64_t stride);
IV_API iv_node *iv_pad(iv_node *x, int axis, int64_t before, int64_t after); /* zeros; neither may be negative */
/* Padding with the places themselves: mirrored without repeating the outermost one, or that one alone. */
IV_API iv_node *iv_pad_mirrored(iv_node *x, int axis, int64_t before, int64_t after);
IV_API iv_node *iv_pad_edge(iv_node *x, int axis, int64_t before, int64_t after);
IV_API iv_node *iv_concat(int n, iv_node *const x[], int axis);
IV_API iv_node *iv_reverse(iv_node *x, int axis);
IV_API iv_node *iv_repeat(iv_node *x, int axis, int64_t count); /* a new axis of length count, before `axis` */

/* ---- reductions; keep: the axis stays with length 1 ------------------------------------------ */
IV_API iv_node *iv_sum(iv_node *x, int axis, bool keep);
IV_API iv_node *iv_mean(iv_node *x, int axis, bool keep);
IV_API iv_node *iv_sum_all(iv_node *x);     /* to a scalar */
IV_API iv_node *iv_sum_squares(iv_node *x); /* of all, to a scalar */
IV_API iv_node *iv_mean_all(iv_node *x);
IV_API iv_node *iv_max_of(iv_node *x, int axis, bool keep); /* gradient shared among equals */
IV_API iv_node *iv_argmax(iv_node *x, int axis); /* i32; the first of equals; no gradient */

/* ---- products -------------------------------------------------------------------------------- */
/* y[..., m, n] = sum_k a[..., m, k] b[..., k, n]
 * Shapes    a [..., M,K]; b [K,N], or with the same leading axes as a. transpose_a: a is stored
 *           [..., K,M]; transpose_b: b is stored [..., N,K]. With b of rank 2 all leading axes of a
 *           count as rows.
 * Gradient  made of matmul again: every order. */
IV_API iv_node *iv_matmul(iv_node *a, iv_node *b);
IV_API iv_node *iv_matmul_with(iv_node *a, iv_node *b, bool transpose_a, bool transpose_b);

/* ---- convolutions ---------------------------------------------------------------------------- */
typedef enum iv_padding {
    IV_VALID, /* none */
    IV_SAME, /* zeros, so that y has ceil(x / stride) places; of an odd number one more behind (Keras) */
    IV_EXPLICIT, /* so many zeros before and after */
} iv_padding;

/* For each spatial axis one number, those of axes that are not there staying 0. */
typedef struct iv_conv_options {
    int64_t stride[3], dilation[3]; /* 0: 1 */
    iv_padding padding;
    int64_t before[3], after[3]; /* explicit padding; negative: so many places are left out */
    int64_t groups;              /* of channels, each with its own filters; 0: 1 */
    int64_t taps; /* of the kernel so many count, in reading order, as if the others were 0; 0: all */
} iv_conv_options;

/* y[n,o,f] = sum over k and c of x[n, o stride + k dilation - before, c] w[k,c,f]   (w is not flipped)
 * Shapes    x [N,S...,C], w [K...,C/groups,F] -> [N,O...,F], of one to three spatial axes;
 *           O = (S + before + after - (K-1) dilation - 1) / stride + 1, rounded down
 * Gradient  its two adjoints, which are rows with each other and it as gradients: every order.
 * Source    Dumoulin & Visin 2016, A guide to convolution arithmetic. */
IV_API iv_node *iv_conv_with(iv_node *x, iv_node *w, const iv_conv_options *options);
#define iv_conv(x, w, ...) iv_conv_with(x, w, &(iv_conv_options){ __VA_ARGS__ })

/* The adjoint of iv_conv for x, as a builder of its own: transposed convolution.
 * Shapes    y [N,O...,F], w [K...,C/groups,F] -> [N,S...,C];  same: S = O stride, else
 *           S = (O-1) stride + (K-1) dilation + 1 - before - after */
IV_API iv_node *iv_conv_transpose_with(iv_node *y, iv_node *w, const iv_conv_options *options);
#define iv_conv_transpose(y, w, ...) iv_conv_transpose_with(y, w, &(iv_conv_options){ __VA_ARGS__ })

/* ---- images [N,S...,C] of one to three spatial axes ------------------------------------------- */
/* For each spatial axis one number, those of axes that are not there staying 0. */
typedef struct iv_pool_options {
    int64_t window[3], stride[3]; /* stride 0: the window's size */
    iv_padding padding;           /* IV_VALID or IV_SAME */
} iv_pool_options;

/* The largest and the average of each window. With IV_SAME y has ceil(x / stride) places (Keras), and
 * places out of the image do not count: an average is over those within.
 * Shapes    x [N,S...,C] -> [N,O...,C];  O as iv_conv has it
 * Gradient  every order; of equally large places the first has it. */
IV_API iv_node *iv_max_pool_with(iv_node *x, const iv_pool_options *options);
IV_API iv_node *iv_average_pool_with(iv_node *x, const iv_pool_options *options);
#define iv_max_pool(x, ...) iv_max_pool_with(x, &(iv_pool_options){ __VA_ARGS__ })
#define iv_average_pool(x, ...) iv_average_pool_with(x, &(iv_pool_options){ __VA_ARGS__ })
IV_API iv_node *iv_global_average(iv_node *x); /* over all places: [N,S...,C] -> [N,C] */

/* Each place so many times side by side: factors iv_dims(2, 2). */
IV_API iv_node *iv_upsample(iv_node *x, iv_shape factors);
/* Linear interpolation to any size, iv_dims(rows, columns), with half-pixel centres: place i of y is
 * place (i + 1/2) S / O - 1/2 of x; the outermost values go on beyond their centres. Nothing is smoothed when
 * the image shrinks.
 * Gradient  every order. */
IV_API iv_node *iv_resize(iv_node *x, iv_shape size);

/* ---- places chosen by numbers ---------------------------------------------------------------- */
/* Rows of a table: y[..., :] = table[index[...], :]
 * Shapes    table [V,E], index i32 [...] -> [..., E]
 * Gradient  scatter_add. An index out of range gives a row of NaN (found by the finite check). */
IV_API iv_node *iv_gather(iv_node *table, iv_node *index);
/* y[v,:] = sum over places with index v of x[..., :]; an index out of range adds nothing.
 * Shapes    x [..., E], index i32 [...] -> [rows, E] */
IV_API iv_node *iv_scatter_add(iv_node *x, iv_node *index, int64_t rows);
/* y[...] = x[..., index[...]], one of the last axis: [..., C], i32 [...] -> [...]. Out of range: NaN. */
IV_API iv_node *iv_pick(iv_node *x, iv_node *index);
/* Its adjoint, zeros but for that place: [...], i32 [...] -> [..., count]. Out of range: zeros alone. */
IV_API iv_node *iv_place(iv_node *x, iv_node *index, int64_t count);
IV_API iv_node *iv_one_hot(iv_node *index, int64_t count); /* of ones, in the graph's real dtype */

/* ---- normalised exponentials, over the last axis --------------------------------------------- */
IV_API iv_node *iv_softmax(iv_node *x);
IV_API iv_node *iv_log_softmax(iv_node *x);
IV_API iv_node *iv_log_sum_exp(iv_node *x); /* [..., C] -> [...] */

/* -log softmax(logits)[target], each times weight (NULL: 1).
 * Shapes    logits [..., V], target i32 [...], weight [...] -> [...]
 * If logits was made by a product and a bias (a dense layer), the whole is one fused row
 * (linear_cross_entropy) that never stores the logits and skips rows of weight 0; that row is
 * first-order. Otherwise every order of gradient exists. A target out of range gives NaN (found by
 * the finite check) unless its weight is 0. */
IV_API iv_node *iv_cross_entropy_each(iv_node *logits, iv_node *target, iv_node *weight);

/* ---- recurrent rows -------------------------------------------------------------------------- */
typedef struct iv_recurrent_out {
    iv_node *y; /* [N,T,H] every step */
    iv_node *h; /* [N,H] the last state */
    iv_node *c; /* [N,H] the last cell state; NULL where the cell has none */
} iv_recurrent_out;

/* LSTM as Keras lays it out (gates i, f, g, o):
 *   z = x[t] W + h U + b;  i,f,o = sigmoid;  g = tanh;  c' = f c + i g;  h' = o tanh c'
 * Shapes    x [N,T,I]  w [I,4H]  u [H,4H]  b [4H]  h0,c0 [N,H]
 *           mask [N,T] or NULL: where 0 the state is held and y repeats it
 * reverse   runs from t = T-1 to 0; y[:,t] stays at place t; h and c are the states after t = 0.
 * Gradient  first-order (BPTT keeps the gates).
 * Source    Hochreiter & Schmidhuber 1997; forget gate Gers et al. 2000. */
IV_API iv_recurrent_out iv_lstm_op(iv_node *x, iv_node *w, iv_node *u, iv_node *b, iv_node *h0,
                                   iv_node *c0, iv_node *mask, bool reverse);

/* GRU, gates z, r, h (Keras's order):
 *   reset before:  z,r = sigmoid(x W + h U + b);  g = tanh(x Wg + (r h) Ug + bg)
 *   reset after:   b is [2,3H]: b[0] joins x W, b[1] joins h U;  g = tanh(x Wg + b0g + r (h Ug + b1g))
 *   both:          h' = z h + (1 - z) g
 * Shapes    x [N,T,I]  w [I,3H]  u [H,3H]  b [3H] or [2,3H]  h0 [N,H]
 * Source    Cho et al. 2014 (before); the cuDNN form (after). */
IV_API iv_recurrent_out iv_gru_op(iv_node *x, iv_node *w, iv_node *u, iv_node *b, iv_node *h0,
                                  iv_node *mask, bool reset_after, bool reverse);

/* h' = tanh(x[t] W + h U + b).  Shapes  x [N,T,I]  w [I,H]  u [H,H]  b [H]  h0 [N,H] */
IV_API iv_recurrent_out iv_simple_rnn_op(iv_node *x, iv_node *w, iv_node *u, iv_node *b,
                                         iv_node *h0, iv_node *mask, bool reverse);

#ifdef __cplusplus
}
#endif
#endif
