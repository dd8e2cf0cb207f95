/* cross_entropy.c: -log softmax(logits)[target], with and without the product that makes the
 * logits.
 *
 * The fused row never stores the logits: it makes them for a few rows at a time. Its gradient is a
 * row of its own, first-order; without a product to fuse, the loss is made of rows that have every
 * order. */
#include "ops/common.h"
#include "ops/common_math.h"
#include "ops/rows.h"

#include "base/home.h"

#include <string.h>

enum { ROW_BLOCK = 8, COLUMN_BLOCK = 64 };

/* Sizes of the fused rows: x [R,I], w [I,V]. */
typedef struct linear_sizes {
    int64_t rows, inner, count;
} linear_sizes;

static linear_sizes sizes_of(const iv_kernel_call *k)
{
    const iv_shape *w = k->in[1].shape;

    return (linear_sizes){ iv__dims_product(k->in[0].shape, 0, k->in[0].shape->rank - 1), w->dim[0],
                           w->dim[1] };
}

/* Logits of a block of rows for each thread. */
static size_t forward_scratch(const iv_kernel_call *k)
{
    return (size_t)iv_home_threads(k->home) * ROW_BLOCK * (size_t)sizes_of(k).count *
           iv_dtype_size(k->in[0].dtype);
}

/* The same, and the log of the sum of exponentials of each row. */
static size_t back_scratch(const iv_kernel_call *k)
{
    return forward_scratch(k) + (size_t)sizes_of(k).rows * iv_dtype_size(k->in[0].dtype);
}

#include "ops/common_f32.inc"
#include "ops/common_softmax.inc"
#include "ops/cross_entropy_kernels.inc"

#include "ops/common_f64.inc"
#include "ops/common_softmax.inc"
#include "ops/cross_entropy_kernels.inc"
#include "ops/common_end.inc"

static const char *linear_shape(iv_shape_call *s, int target)
{
    const iv_shape *x = s->in[0], *w = s->in[1], *b = s->in[2];

    for (int i = 0; i < s->n_in; i++)
        if (s->in_dtype[i] != (i == target ? IV_I32 : s->real))
            return i == target ? "the target must be i32" : "elements must be of the graph's real type";
    if (x->rank < 1 || w->rank != 2 || b->rank != 1)
        return "x must be [...,I], w [I,V] and b [V]";
    if (w->dim[0] != x->dim[x->rank - 1])
        return "rows of w must equal the width of x";
    if (b->dim[0] != w->dim[1] || w->dim[1] < 1)
        return "b must have an element for each column of w";
    for (int i = target; i < s->n_in; i++)
        if (!iv__leads(s->in[i], x))
            return "target and weight must have the axes of x but the last";
    return NULL;
}

static const char *linear_cross_entropy_shape(iv_shape_call *s)
{
    s->out[0] = *s->in[3];
    s->out_dtype[0] = s->real;
    return linear_shape(s, 3);
}

static const char *linear_cross_entropy_back_shape(iv_shape_call *s)
{
    for (int i = 0; i < 3; i++)
        s->out[i] = *s->in[i];
    s->out[3] = *s->in[3];
    for (int i = 0; i < 4; i++)
        s->out_dtype[i] = s->real;
    return linear_shape(s, 3);
}

/* x, target, weight, and going back dloss, hold records; w and b are the same for all. */
static bool linear_apart(iv_apart *a)
{
    const int64_t rows = iv__apart_rows(a);
    bool apart = a->call->in[3]->shape.rank > 0;

    for (int k = 0; k < a->call->n_in && apart; k++)
        apart = k == 1 || k == 2 ? iv_apart_same(a, k) : iv_apart_records(a, k, rows);
    return apart;
}

static void linear_cross_entropy_apart(iv_apart *a)
{
    if (linear_apart(a))
        iv_apart_output(a, 0, iv_apart_call(a, NULL), iv__apart_rows(a));
}

static void linear_cross_entropy_back_apart(iv_apart *a)
{
    iv_node *made = linear_apart(a) ? iv_apart_call(a, NULL) : NULL;

    for (int j = 0; j < 4; j++)
        iv_apart_output(a, j, made, j == 1 || j == 2 ? 0 : iv__apart_rows(a));
}

static const iv_op op_linear_cross_entropy_back = {
    .name = "linear_cross_entropy_back",
    .says = "gradients of linear_cross_entropy, and its loss",
    .min_in = 6,
    .max_in = 6,
    .n_out = 4,
    .shape = linear_cross_entropy_back_shape,
    .first_order = "the logits are never stored, so they cannot be differentiated again "
                   "(take the loss of stored logits: iv_log_softmax and iv_pick)",
    .no_step = "a gradient has no positions",
    .apart = linear_cross_entropy_back_apart,
    KERNELS(linear_cross_entropy_back),
    .scratch = back_scratch,
};

static void linear_cross_entropy_gradient(iv_gradient_call *g)
{
    if (g->need[4]) {
        iv_refuse(g->graph, IV_UNSUPPORTED,
                  "linear_cross_entropy: no derivative for the weight: the loss of a row of "
                  "weight 0 is not known (weigh the loss afterwards)");
        return;
    }
    iv_node *in[] = { g->x[0], g->x[1], g->x[2], g->x[3], g->x[4], g->dy[0] };
    iv_node *back = iv_apply(g->graph, &op_linear_cross_entropy_back, 6, in, NULL);

    for (int i = 0; i < 3; i++)
        g->dx[i] = iv_node_output(back, i);
}

static void linear_cross_entropy_step(iv_step *s)
{
    const int rank = (int)s->call->in[3]->shape.rank;
    int time = -1;

    if (s->moves[1] || s->moves[2]) {
        iv_step_refuse(s, "its weights change with time");
        return;
    }
    for (int k = 0; k < 5; k++)
        if (s->axis[k] >= rank) {
            iv_step_refuse(s, LOOKS_AHEAD);
            return;
        } else if (s->axis[k] >= 0)
            time = s->axis[k];
    if (time >= 0) {
        s->in[0] = iv_step_narrow(s, 0, time);
        s->in[3] = iv_step_narrow(s, 3, time);
        s->in[4] = iv_step_narrow(s, 4, time);
    }
    iv_step_same(s, NULL, time);
}

static const iv_op op_linear_cross_entropy = {
    .name = "linear_cross_entropy",
    .says = "-weight log softmax(x w + b)[target]",
    .min_in = 5,
    .max_in = 5,
    .n_out = 1,
    .shape = linear_cross_entropy_shape,
    .gradient = linear_cross_entropy_gradient,
    .step = linear_cross_entropy_step,
    .apart = linear_cross_entropy_apart,
    KERNELS(linear_cross_entropy),
    .scratch = forward_scratch,
};

/* ---- builder --------------------------------------------------------------------------------- */

static const iv_call *made_by(const iv_node *node, const char *row)
{
    return strcmp(node->call->op->name, row) ? NULL : node->call;
}

/* x, w and b where the logits are x w + b, with w [I,V] and b [V] as a dense layer has them. */
static bool is_linear(const iv_node *logits, iv_node *part[3])
{
    const iv_call *sum = made_by(logits, "add");
    if (!sum)
        return false;
    const iv_call *product = made_by(sum->in[0], "matmul"), *bias = made_by(sum->in[1], "broadcast_to");
    if (!product || !bias || product->in[1]->shape.rank != 2 || bias->in[0]->shape.rank != 1 ||
        bias->in[0]->shape.dim[0] != product->in[1]->shape.dim[1])
        return false;
    const iv__matmul *attr = product->attr;

    part[0] = product->in[0];
    part[1] = product->in[1];
    part[2] = bias->in[0];
    return !attr->transpose_a && !attr->transpose_b;
}

/* A target out of range is let through as class 0 where its weight is 0. */
static iv_node *safe_target(iv_node *target, iv_node *weight, int64_t count)
{
    iv_graph *graph = target->graph;
    iv_node *in_range = iv_mul(iv_less(iv_fill_i32(graph, iv_scalar(), -1), target),
                               iv_less(target, iv_fill_i32(graph, iv_scalar(), count)));

    return iv_select(iv_add(in_range, iv_abs(weight)), target, iv_like(target, 0));
}

iv_node *iv_cross_entropy_each(iv_node *logits, iv_node *target, iv_node *weight)
{
    iv_node *part[3];

    if (!logits || !target)
        return NULL;
    if (is_linear(logits, part)) {
        iv_node *each = weight ? weight : iv_fill(target->graph, target->shape, 1);
        iv_node *in[] = { part[0], part[1], part[2], target, each };

        return iv_apply(logits->graph, &op_linear_cross_entropy, 5, in, NULL);
    }
    if (!weight)
        return iv_neg(iv_pick(iv_log_softmax(logits), target));
    target = safe_target(target, weight, iv_node_dim(logits, -1));
    return iv_neg(iv_mul(weight, iv_pick(iv_log_softmax(logits), target)));
}

const iv_op *const iv__ops_cross_entropy[] = { &op_linear_cross_entropy,
                                               &op_linear_cross_entropy_back, NULL };
