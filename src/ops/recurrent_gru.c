/* recurrent_gru.c: GRU over a whole sequence, gates z, r, h (Keras's order; the third is g here, as
 * it is no state).
 *   reset before: z,r = sigmoid(x W + h U + b); g = tanh(x Wg + (r h) Ug + bg); h' = z h + (1 - z)
 *     g
 *   reset after: b is [2,3H]: b[0] joins x W, b[1] joins h U; g = tanh(x Wg + b0g + r (h Ug + b1g))
 * Shapes    x [N,T,I] w [I,3H] u [H,3H] b [3H] or [2,3H] h0 [N,H] mask [N,T] -> y [N,T,H] h [N,H]
 *           gates [N,T,3H] inner [N,T,H] (r h, or h Ug + b1g)
 * Gradient  row gru_back, first-order.
 * Steps     itself at T = 1; h is carried.
 * Source    Cho et al. 2014 (before); the cuDNN form (after). */
#include "ops/common_recurrent.h"

enum { X, W, U, B, H0, INPUTS }; /* of gru */
enum { BACK_H0 = 3, BACK_Y, BACK_GATES, BACK_INNER, BACK_DY, BACK_DH, BACK_INPUTS };

static bool resets_after(const iv_kernel_call *k)
{
    return ((const iv__recurrent *)k->attr)->reset_after;
}

/* Sums of the gates, the inner part and the state, for each thread. */
static size_t gru_scratch(const iv_kernel_call *k)
{
    return (size_t)iv_home_threads(k->home) * 5 * (size_t)k->in[H0].shape->dim[1] *
           iv_dtype_size(k->in[W].dtype);
}

/* What reached the sums of the gates [N,T,3H], what reached the inner part [N,T,H], and a state for
 * each thread. */
static size_t gru_back_scratch(const iv_kernel_call *k)
{
    return ((size_t)iv_shape_count(k->in[BACK_GATES].shape) +
            (size_t)iv_shape_count(k->in[BACK_Y].shape) +
            (size_t)iv_home_threads(k->home) * (size_t)k->in[BACK_H0].shape->dim[1]) *
           iv_dtype_size(k->in[W].dtype);
}

#include "ops/common_f32.inc"
#include "ops/common_recurrent.inc"
#include "ops/recurrent_gru_kernels.inc"

#include "ops/common_f64.inc"
#include "ops/common_recurrent.inc"
#include "ops/recurrent_gru_kernels.inc"
#include "ops/common_end.inc"

static iv_shape bias_shape(const iv_shape_call *s)
{
    const int64_t gates = s->in[U]->dim[1];

    return ((const iv__recurrent *)s->attr)->reset_after ? iv_dims(2, gates) : iv_dims(gates);
}

static const char *gru_shape(iv_shape_call *s)
{
    const char *why = iv__recurrent_shape(s, 3, H0, INPUTS);
    const iv_shape bias = bias_shape(s);

    if (why)
        return why;
    if (!iv_shape_same(s->in[B], &bias))
        return "b must be [3H], or [2,3H] to reset after the product";
    s->out[0] = iv__over_time(s, s->in[U]->dim[0]);
    s->out[1] = *s->in[H0];
    s->out[2] = iv__over_time(s, s->in[U]->dim[1]);
    s->out[3] = s->out[0];
    for (int j = 0; j < 4; j++)
        s->out_dtype[j] = s->real;
    return NULL;
}

static const char *gru_back_shape(iv_shape_call *s)
{
    const char *why = iv__recurrent_back_shape(s, 3, 1, true, BACK_INPUTS);

    for (int j = 0; j < 3; j++)
        s->out[j] = *s->in[j];
    s->out[3] = bias_shape(s);
    s->out[4] = *s->in[BACK_H0];
    for (int j = 0; j < 5; j++)
        s->out_dtype[j] = s->real;
    return why;
}

static const iv_op op_gru_back = {
    .name = "gru_back",
    .says = "gradients of gru",
    .min_in = BACK_INPUTS,
    .max_in = BACK_INPUTS + 1,
    .n_out = 5,
    ATTRS(iv__fields_recurrent, iv__recurrent),
    .flags = IV_TOGETHER,
    .shape = gru_back_shape,
    .first_order = BACKPROPAGATION_REASON,
    .no_step = "a gradient has no positions",
    .apart = iv__recurrent_back_apart,
    KERNELS(gru_back),
    .scratch = gru_back_scratch,
};

static void gru_gradient(iv_gradient_call *g)
{
    iv_node *const *x = g->x, *y = g->y;
    iv_node *in[BACK_INPUTS + 1] = {
        x[X], x[W], x[U], x[H0], &y[0], &y[2], &y[3], iv__dy_or_zero(g, 0), iv__dy_or_zero(g, 1)
    };
    const bool masked = g->call->n_in > INPUTS;

    in[BACK_INPUTS] = masked ? x[INPUTS] : NULL;
    iv_node *back = iv_apply(g->graph, &op_gru_back, BACK_INPUTS + masked, in, g->attr);

    for (int j = 0; j < 5; j++)
        g->dx[j] = iv_node_output(back, j);
}

static void gru_step(iv_step *s)
{
    iv__recurrent_step(s, H0, 1, INPUTS);
}

static const iv_op op_gru = {
    .name = "gru",
    .says = "z,r,g from x w + h u + b;  h' = z h + (1 - z) g",
    .min_in = INPUTS,
    .max_in = INPUTS + 1,
    .n_out = 4,
    ATTRS(iv__fields_recurrent, iv__recurrent),
    .flags = IV_TOGETHER,
    .shape = gru_shape,
    .gradient = gru_gradient,
    .step = gru_step,
    .apart = iv__recurrent_apart,
    KERNELS(gru),
    .scratch = gru_scratch,
};

iv_recurrent_out iv_gru_op(iv_node *x, iv_node *w, iv_node *u, iv_node *b, iv_node *h0,
                           iv_node *mask, bool reset_after, bool reverse)
{
    iv_node *in[] = { x, w, u, b, h0, mask };
    iv_node *y = x ? iv_apply(x->graph, &op_gru, INPUTS + (mask != NULL), in,
                              &(iv__recurrent){ reverse, reset_after })
                   : NULL;

    return (iv_recurrent_out){ y, iv_node_output(y, 1), NULL };
}

const iv_op *const iv__ops_recurrent_gru[] = { &op_gru, &op_gru_back, NULL };
