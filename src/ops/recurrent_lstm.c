/* recurrent_lstm.c: LSTM over a whole sequence, as Keras lays it out (gates i, f, g, o).
 *   z = x[t] W + h U + b;  i,f,o = sigmoid;  g = tanh;  c' = f c + i g;  h' = o tanh c'
 * Shapes    x [N,T,I]  w [I,4H]  u [H,4H]  b [4H]  h0,c0 [N,H]  mask [N,T]
 *           -> y [N,T,H]  h [N,H]  c [N,H]  gates [N,T,4H]  cells [N,T,H]
 * Gradient  row lstm_back, first-order.
 * Steps     itself at T = 1; h and c are carried.
 * Source    Hochreiter & Schmidhuber 1997; forget gate Gers et al. 2000. */
#include "ops/common_recurrent.h"

enum { X, W, U, B, H0, C0, INPUTS }; /* of lstm */
enum {
    BACK_H0 = 3,
    BACK_C0,
    BACK_Y,
    BACK_GATES,
    BACK_CELLS,
    BACK_DY,
    BACK_DH,
    BACK_DC,
    BACK_INPUTS
};

/* Sums of the gates and the two states, for each thread. */
static size_t lstm_scratch(const iv_kernel_call *k)
{
    return (size_t)iv_home_threads(k->home) * 6 * (size_t)k->in[H0].shape->dim[1] *
           iv_dtype_size(k->in[W].dtype);
}

/* What reached the sums of the gates, [N,T,4H], and two states for each thread. */
static size_t lstm_back_scratch(const iv_kernel_call *k)
{
    return ((size_t)iv_shape_count(k->in[BACK_GATES].shape) +
            (size_t)iv_home_threads(k->home) * 2 * (size_t)k->in[BACK_H0].shape->dim[1]) *
           iv_dtype_size(k->in[W].dtype);
}

#include "ops/common_f32.inc"
#include "ops/common_recurrent.inc"
#include "ops/recurrent_lstm_kernels.inc"

#include "ops/common_f64.inc"
#include "ops/common_recurrent.inc"
#include "ops/recurrent_lstm_kernels.inc"
#include "ops/common_end.inc"

static const char *lstm_shape(iv_shape_call *s)
{
    const iv_shape *u = s->in[U];
    const char *why = iv__recurrent_shape(s, 4, H0, INPUTS);

    if (why)
        return why;
    if (s->in[B]->rank != 1 || s->in[B]->dim[0] != u->dim[1])
        return "b must be [4H]";
    if (!iv_shape_same(s->in[C0], s->in[H0]))
        return "the first cell state must be [N,H]";
    s->out[0] = iv__over_time(s, u->dim[0]);
    s->out[1] = s->out[2] = *s->in[H0];
    s->out[3] = iv__over_time(s, u->dim[1]);
    s->out[4] = s->out[0];
    for (int j = 0; j < 5; j++)
        s->out_dtype[j] = s->real;
    return NULL;
}

static const char *lstm_back_shape(iv_shape_call *s)
{
    const char *why = iv__recurrent_back_shape(s, 4, 2, true, BACK_INPUTS);

    for (int j = 0; j < 3; j++)
        s->out[j] = *s->in[j];
    s->out[3] = iv_dims(s->in[U]->dim[1]);
    s->out[4] = s->out[5] = *s->in[BACK_H0];
    for (int j = 0; j < 6; j++)
        s->out_dtype[j] = s->real;
    return why;
}

static const iv_op op_lstm_back = {
    .name = "lstm_back",
    .says = "gradients of lstm",
    .min_in = BACK_INPUTS,
    .max_in = BACK_INPUTS + 1,
    .n_out = 6,
    ATTRS(iv__fields_recurrent, iv__recurrent),
    .flags = IV_TOGETHER,
    .shape = lstm_back_shape,
    .first_order = BACKPROPAGATION_REASON,
    .no_step = "a gradient has no positions",
    .apart = iv__recurrent_back_apart,
    KERNELS(lstm_back),
    .scratch = lstm_back_scratch,
};

static void lstm_gradient(iv_gradient_call *g)
{
    iv_node *const *x = g->x, *y = g->y;
    iv_node *in[BACK_INPUTS + 1] = { x[X],
                                     x[W],
                                     x[U],
                                     x[H0],
                                     x[C0],
                                     &y[0],
                                     &y[3],
                                     &y[4],
                                     iv__dy_or_zero(g, 0),
                                     iv__dy_or_zero(g, 1),
                                     iv__dy_or_zero(g, 2) };
    const bool masked = g->call->n_in > INPUTS;

    in[BACK_INPUTS] = masked ? x[INPUTS] : NULL;
    iv_node *back = iv_apply(g->graph, &op_lstm_back, BACK_INPUTS + masked, in, g->attr);

    for (int j = 0; j < 6; j++)
        g->dx[j] = iv_node_output(back, j);
}

static void lstm_step(iv_step *s)
{
    iv__recurrent_step(s, H0, 2, INPUTS);
}

static const iv_op op_lstm = {
    .name = "lstm",
    .says = "i,f,g,o from x w + h u + b;  c' = f c + i g;  h' = o tanh c'",
    .min_in = INPUTS,
    .max_in = INPUTS + 1,
    .n_out = 5,
    ATTRS(iv__fields_recurrent, iv__recurrent),
    .flags = IV_TOGETHER,
    .shape = lstm_shape,
    .gradient = lstm_gradient,
    .step = lstm_step,
    .apart = iv__recurrent_apart,
    KERNELS(lstm),
    .scratch = lstm_scratch,
};

iv_recurrent_out iv_lstm_op(iv_node *x, iv_node *w, iv_node *u, iv_node *b, iv_node *h0,
                            iv_node *c0, iv_node *mask, bool reverse)
{
    iv_node *in[] = { x, w, u, b, h0, c0, mask };
    iv_node *y = x ? iv_apply(x->graph, &op_lstm, INPUTS + (mask != NULL), in,
                              &(iv__recurrent){ reverse, 0 })
                   : NULL;

    return (iv_recurrent_out){ y, iv_node_output(y, 1), iv_node_output(y, 2) };
}

const iv_op *const iv__ops_recurrent_lstm[] = { &op_lstm, &op_lstm_back, NULL };
