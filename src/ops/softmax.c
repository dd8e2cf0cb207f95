/* softmax.c: normalised exponentials over the last axis, with the maximum subtracted. */
#include "ops/common.h"
#include "ops/common_math.h"

#include "ops/common_f32.inc"
#include "ops/common_softmax.inc"
#include "ops/softmax_kernels.inc"

#include "ops/common_f64.inc"
#include "ops/common_softmax.inc"
#include "ops/softmax_kernels.inc"
#include "ops/common_end.inc"

static const char *same_shape(iv_shape_call *s)
{
    if (s->in_dtype[0] != s->real)
        return "elements must be of the graph's real type (iv_cast makes them so)";
    if (s->in[0]->rank < 1 || s->in[0]->dim[s->in[0]->rank - 1] < 1)
        return "the last axis must have an element";
    s->out[0] = *s->in[0];
    s->out_dtype[0] = s->real;
    return NULL;
}

static const char *log_sum_exp_shape(iv_shape_call *s)
{
    const char *why = same_shape(s);

    s->out[0] = why ? s->out[0] : iv__without_axis(s->in[0], s->in[0]->rank - 1);
    return why;
}

static void softmax_gradient(iv_gradient_call *g)
{
    iv_node *y = g->y, *dy = g->dy[0];

    g->dx[0] = iv_mul(y, iv_sub(dy, iv_sum(iv_mul(dy, y), -1, true)));
}

static void log_softmax_gradient(iv_gradient_call *g)
{
    g->dx[0] = iv_sub(g->dy[0], iv_mul(iv_softmax(g->x[0]), iv_sum(g->dy[0], -1, true)));
}

static void log_sum_exp_gradient(iv_gradient_call *g)
{
    iv_shape kept = iv__with_axis(&g->y->shape, g->y->shape.rank, 1);

    g->dx[0] = iv_mul(iv_softmax(g->x[0]), iv_reshape(g->dy[0], kept));
}

#define ROW(row, text, shape_rule)             \
    static const iv_op op_##row = {            \
        .name = #row,                          \
        .says = text,                          \
        .min_in = 1,                           \
        .max_in = 1,                           \
        .n_out = 1,                            \
        .shape = shape_rule,                   \
        .gradient = row##_gradient,            \
        .step = iv__step_not_last,             \
        .apart = iv__apart_not_last,           \
        KERNELS(row),                          \
    };                                         \
    iv_node *iv_##row(iv_node *x)              \
    {                                          \
        return iv__apply1(&op_##row, x, NULL); \
    }

ROW(softmax, "e^x / sum of e^x over the last axis", same_shape)
ROW(log_softmax, "x - log of the sum of e^x over the last axis", same_shape)
ROW(log_sum_exp, "log of the sum of e^x over the last axis", log_sum_exp_shape)

const iv_op *const iv__ops_softmax[] = { &op_softmax, &op_log_softmax, &op_log_sum_exp, NULL };
