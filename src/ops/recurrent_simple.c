/* recurrent_simple.c: the simple recurrent cell over a whole sequence.
 *   h' = tanh(x[t] W + h U + b)
 * Shapes    x [N,T,I]  w [I,H]  u [H,H]  b [H]  h0 [N,H]  mask [N,T]  ->  y [N,T,H]  h [N,H]
 * Gradient  row simple_rnn_back, first-order.
 * Steps     itself at T = 1; h is carried.
 * Source    Elman 1990. */
#include "ops/common_recurrent.h"

enum { X, W, U, B, H0, INPUTS }; /* of simple_rnn */
enum { BACK_H0 = 3, BACK_Y, BACK_DY, BACK_DH, BACK_INPUTS };

/* What reached the sums, and a state for each thread. */
static size_t simple_rnn_back_scratch(const iv_kernel_call *k)
{
    return ((size_t)iv_shape_count(k->in[BACK_Y].shape) +
            (size_t)iv_home_threads(k->home) * (size_t)k->in[BACK_H0].shape->dim[1]) *
           iv_dtype_size(k->in[W].dtype);
}

#include "ops/common_f32.inc"
#include "ops/common_recurrent.inc"
#include "ops/recurrent_simple_kernels.inc"

#include "ops/common_f64.inc"
#include "ops/common_recurrent.inc"
#include "ops/recurrent_simple_kernels.inc"
#include "ops/common_end.inc"

static const char *simple_rnn_shape(iv_shape_call *s)
{
    const char *why = iv__recurrent_shape(s, 1, H0, INPUTS);

    if (why)
        return why;
    if (s->in[B]->rank != 1 || s->in[B]->dim[0] != s->in[U]->dim[1])
        return "b must be [H]";
    s->out[0] = iv__over_time(s, s->in[U]->dim[0]);
    s->out[1] = *s->in[H0];
    s->out_dtype[0] = s->out_dtype[1] = s->real;
    return NULL;
}

static const char *simple_rnn_back_shape(iv_shape_call *s)
{
    const char *why = iv__recurrent_back_shape(s, 1, 1, false, BACK_INPUTS);

    for (int j = 0; j < 3; j++)
        s->out[j] = *s->in[j];
    s->out[3] = iv_dims(s->in[U]->dim[1]);
    s->out[4] = *s->in[BACK_H0];
    for (int j = 0; j < 5; j++)
        s->out_dtype[j] = s->real;
    return why;
}

static const iv_op op_simple_rnn_back = {
    .name = "simple_rnn_back",
    .says = "gradients of simple_rnn",
    .min_in = BACK_INPUTS,
    .max_in = BACK_INPUTS + 1,
    .n_out = 5,
    ATTRS(iv__fields_recurrent, iv__recurrent),
    .flags = IV_TOGETHER,
    .shape = simple_rnn_back_shape,
    .first_order = BACKPROPAGATION_REASON,
    .no_step = "a gradient has no positions",
    .apart = iv__recurrent_back_apart,
    KERNELS(simple_rnn_back),
    .scratch = simple_rnn_back_scratch,
};

static void simple_rnn_gradient(iv_gradient_call *g)
{
    iv_node *const *x = g->x;
    iv_node *in[BACK_INPUTS + 1] = {
        x[X], x[W], x[U], x[H0], &g->y[0], iv__dy_or_zero(g, 0), iv__dy_or_zero(g, 1)
    };
    const bool masked = g->call->n_in > INPUTS;

    in[BACK_INPUTS] = masked ? x[INPUTS] : NULL;
    iv_node *back = iv_apply(g->graph, &op_simple_rnn_back, BACK_INPUTS + masked, in, g->attr);

    for (int j = 0; j < 5; j++)
        g->dx[j] = iv_node_output(back, j);
}

static void simple_rnn_step(iv_step *s)
{
    iv__recurrent_step(s, H0, 1, INPUTS);
}

static const iv_op op_simple_rnn = {
    .name = "simple_rnn",
    .says = "h' = tanh(x w + h u + b)",
    .min_in = INPUTS,
    .max_in = INPUTS + 1,
    .n_out = 2,
    ATTRS(iv__fields_recurrent, iv__recurrent),
    .flags = IV_TOGETHER,
    .shape = simple_rnn_shape,
    .gradient = simple_rnn_gradient,
    .step = simple_rnn_step,
    .apart = iv__recurrent_apart,
    KERNELS(simple_rnn),
};

iv_recurrent_out iv_simple_rnn_op(iv_node *x, iv_node *w, iv_node *u, iv_node *b, iv_node *h0,
                                  iv_node *mask, bool reverse)
{
    iv_node *in[] = { x, w, u, b, h0, mask };
    iv_node *y = x ? iv_apply(x->graph, &op_simple_rnn, INPUTS + (mask != NULL), in,
                              &(iv__recurrent){ reverse, 0 })
                   : NULL;

    return (iv_recurrent_out){ y, iv_node_output(y, 1), NULL };
}

const iv_op *const iv__ops_recurrent_simple[] = { &op_simple_rnn, &op_simple_rnn_back, NULL };
