/* reduce.c: sums to fewer elements, the largest along an axis, and where it is.
 *
 * Sums run in f64 in an order that shapes alone decide: each output belongs to one part of the
 * work; where few outputs take many terms, a few slices of the terms are summed apart and then
 * folded in order. */
#include "ops/common.h"
#include "ops/common_math.h"

#include "base/threads.h"

#include <string.h>

enum { LANES = 8, COLUMNS = 256, MAX_SLICES = 16, SLICE_TERMS = 16384 };

/* How sum_to walks its input. Axes alternate between kept and summed; the last one runs inside the
 * kernel's loops. */
typedef struct sum_walk {
    int kept, summed; /* axes outside the last one */
    int64_t kept_dim[IV_MAX_RANK], kept_stride[IV_MAX_RANK];
    int64_t summed_dim[IV_MAX_RANK], summed_stride[IV_MAX_RANK];
    int64_t rows;   /* product of kept_dim */
    int64_t terms;  /* product of summed_dim */
    int64_t span;   /* length of the last axis */
    bool span_kept; /* each element of it is an output of its own */
    int64_t slices; /* the terms of a row are summed in so many slices */
    bool squares;   /* of squares; to a scalar only */
} sum_walk;

static sum_walk walk_of(const iv_shape *x, const iv_shape *y)
{
    sum_walk w = { .rows = 1, .terms = 1, .span = 1, .slices = 1 };
    int64_t dim[IV_MAX_RANK] = { 0 }, stride = 1;
    bool kept[IV_MAX_RANK] = { false };
    int n = 0;

    /* axes of one kind side by side become one; the last comes first */
    for (int64_t k = x->rank - 1; k >= 0; k--) {
        int64_t j = k - (x->rank - y->rank);
        bool keep = j >= 0 && y->dim[j] == x->dim[k];

        if (x->dim[k] == 1)
            continue;
        if (n && kept[n - 1] == keep) {
            dim[n - 1] *= x->dim[k];
        } else {
            dim[n] = x->dim[k];
            kept[n++] = keep;
        }
    }
    if (n) {
        w.span = dim[0];
        w.span_kept = kept[0];
        stride = dim[0];
    }
    for (int j = 1; j < n; j++) {
        if (kept[j]) {
            w.kept_dim[w.kept] = dim[j];
            w.kept_stride[w.kept++] = stride;
            w.rows *= dim[j];
        } else {
            w.summed_dim[w.summed] = dim[j];
            w.summed_stride[w.summed++] = stride;
            w.terms *= dim[j];
        }
        stride *= dim[j];
    }
    int64_t outputs = w.rows * (w.span_kept ? w.span : 1);
    if (outputs < 4 * COLUMNS && w.terms > 1 && w.terms * w.span * w.rows >= 2 * SLICE_TERMS) {
        w.slices = w.terms * w.span * w.rows / SLICE_TERMS;
        w.slices = w.slices < MAX_SLICES ? w.slices : MAX_SLICES;
        w.slices = w.slices < w.terms ? w.slices : w.terms;
    } else if (!w.span_kept && w.terms == 1 && w.rows < MAX_SLICES && w.span >= 2 * SLICE_TERMS) {
        w.slices = w.span / SLICE_TERMS < MAX_SLICES ? w.span / SLICE_TERMS : MAX_SLICES;
    }
    return w;
}

static int64_t place_of(int64_t index, int n, const int64_t dim[], const int64_t stride[])
{
    int64_t place = 0;

    for (int j = 0; j < n; j++) {
        place += index % dim[j] * stride[j];
        index /= dim[j];
    }
    return place;
}

static int64_t sum_outputs(const sum_walk *w)
{
    return w->rows * (w->span_kept ? w->span : 1);
}

static size_t sum_to_scratch(const iv_kernel_call *k)
{
    sum_walk w = walk_of(k->in[0].shape, k->out[0].shape);

    return w.slices > 1 ? (size_t)(w.slices * sum_outputs(&w)) * sizeof(double) : 0;
}

#include "ops/common_f32.inc"
#include "ops/reduce_kernels.inc"

#include "ops/common_f64.inc"
#include "ops/reduce_kernels.inc"
#include "ops/common_end.inc"

/* ---- sum_to ---------------------------------------------------------------------------------- */

static const char *sum_to_shape(iv_shape_call *s)
{
    const iv_shape *x = s->in[0], *to = &((const iv__to_shape *)s->attr)->shape;

    if (s->in_dtype[0] != s->real)
        return "elements must be of the graph's real type (iv_cast makes them so)";
    if (to->rank > x->rank || to->rank < 0)
        return "the new shape has more axes";
    for (int64_t k = 1; k <= to->rank; k++)
        if (x->dim[x->rank - k] != to->dim[to->rank - k] && to->dim[to->rank - k] != 1)
            return "an axis is summed to length 1 or stays";
    s->out[0] = *to;
    s->out_dtype[0] = s->real;
    return NULL;
}

static void sum_to_gradient(iv_gradient_call *g)
{
    g->dx[0] = iv_broadcast_to(g->dy[0], g->x[0]->shape);
}

static void sum_to_step(iv_step *s)
{
    const iv_shape *x = &s->call->in[0]->shape;
    iv__to_shape to = *(const iv__to_shape *)s->call->attr;
    int axis = s->axis[0] - (int)(x->rank - to.shape.rank);

    if (s->axis[0] >= 0 && (axis < 0 || to.shape.dim[axis] != x->dim[s->axis[0]])) {
        iv_step_refuse(s, LOOKS_AHEAD);
        return;
    }
    if (s->axis[0] >= 0)
        to.shape.dim[axis] = 1;
    iv_step_same(s, &to, s->axis[0] < 0 ? -1 : axis);
}

static void sum_to_apart(iv_apart *a)
{
    const iv_shape *x = &a->call->in[0]->shape;
    iv__to_shape to = *(const iv__to_shape *)a->call->attr;
    const bool kept = to.shape.rank == x->rank && to.shape.dim[0] == x->dim[0];

    if (kept)
        to.shape = iv__apart_shape(a, to.shape);
    if (iv_apart_records(a, 0, a->rows[0]))
        iv_apart_output(a, 0, iv_apart_call(a, &to), kept ? a->rows[0] : 0);
}

static const iv_op op_sum_to = {
    .name = "sum_to",
    .says = "sums along the axes that broadcast_to stretches",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    ATTRS(iv__fields_to_shape, iv__to_shape),
    .shape = sum_to_shape,
    .gradient = sum_to_gradient,
    .step = sum_to_step,
    .apart = sum_to_apart,
    KERNELS(sum_to),
    .scratch = sum_to_scratch,
};

iv_node *iv_sum_to(iv_node *x, iv_shape shape)
{
    return x && iv_shape_same(&x->shape, &shape)
               ? x
               : iv__apply1(&op_sum_to, x, &(iv__to_shape){ shape });
}

/* ---- sum_squares ----------------------------------------------------------------------------- */

static const char *sum_squares_shape(iv_shape_call *s)
{
    if (s->in_dtype[0] != s->real)
        return "elements must be of the graph's real type (iv_cast makes them so)";
    s->out[0] = iv_scalar();
    s->out_dtype[0] = s->real;
    return NULL;
}

static void sum_squares_gradient(iv_gradient_call *g)
{
    g->dx[0] = iv_mul(iv_scale(g->dy[0], 2), g->x[0]);
}

static void sum_squares_apart(iv_apart *a)
{
    if (iv_apart_records(a, 0, a->rows[0]))
        iv_apart_output(a, 0, iv_apart_call(a, NULL), 0);
}

static const iv_op op_sum_squares = {
    .name = "sum_squares",
    .says = "the sum of all squares; plans make it of sum_to and square",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .shape = sum_squares_shape,
    .gradient = sum_squares_gradient,
    .no_step = LOOKS_AHEAD,
    .apart = sum_squares_apart,
    KERNELS(sum_squares),
    .scratch = sum_to_scratch,
};

iv_node *iv_sum_squares(iv_node *x)
{
    return iv__apply1(&op_sum_squares, x, NULL);
}

/* ---- builders of sums ------------------------------------------------------------------------ */

static iv_node *refuse_axis(const iv_node *x, const char *row, int axis)
{
    char text[200];

    return iv_refuse(x->graph, IV_SHAPE, "%s: axis %d is out of range (%s)", row, axis,
                     iv__node_text(x, text, sizeof text));
}

iv_node *iv_sum(iv_node *x, int axis, bool keep)
{
    if (!x)
        return NULL;
    int64_t at = iv__from_front(x, axis);
    if (!iv__axis_ok(&x->shape, at))
        return refuse_axis(x, "sum", axis);
    iv_shape kept = x->shape;
    kept.dim[at] = 1;
    iv_node *y = iv_sum_to(x, kept);
    return keep ? y : iv_reshape(y, iv__without_axis(&x->shape, at));
}

iv_node *iv_mean(iv_node *x, int axis, bool keep)
{
    return iv_scale(iv_sum(x, axis, keep), 1 / (double)iv_node_dim(x, axis));
}

iv_node *iv_sum_all(iv_node *x)
{
    return iv_sum_to(x, iv_scalar());
}

iv_node *iv_mean_all(iv_node *x)
{
    return x ? iv_scale(iv_sum_all(x), 1 / (double)iv_shape_count(&x->shape)) : NULL;
}

/* ---- max_of, argmax -------------------------------------------------------------------------- */

#define LARGEST_OVER_TIME "takes the largest over time: it would look ahead"

static const char *largest_shape(iv_shape_call *s)
{
    const int64_t axis = ((const iv__at_axis *)s->attr)->axis;

    if (s->in_dtype[0] != s->real)
        return "elements must be of the graph's real type (iv_cast makes them so)";
    if (!iv__axis_ok(s->in[0], axis))
        return "the axis is out of range";
    if (s->in[0]->dim[axis] < 1)
        return "nothing is the largest of no elements";
    return NULL;
}

static const char *max_of_shape(iv_shape_call *s) /* the axis stays, with length 1 */
{
    const char *why = largest_shape(s);

    if (why)
        return why;
    s->out[0] = *s->in[0];
    s->out[0].dim[((const iv__at_axis *)s->attr)->axis] = 1;
    s->out_dtype[0] = s->real;
    return NULL;
}

static const char *argmax_shape(iv_shape_call *s)
{
    const char *why = largest_shape(s);

    if (why)
        return why;
    s->out[0] = iv__without_axis(s->in[0], ((const iv__at_axis *)s->attr)->axis);
    s->out_dtype[0] = IV_I32;
    return NULL;
}

static void max_of_gradient(iv_gradient_call *g)
{
    iv_node *equals = iv_equal(g->x[0], g->y);
    iv_node *count = iv_sum(equals, (int)((const iv__at_axis *)g->attr)->axis, true);

    g->dx[0] = iv_mul(equals, iv_div(g->dy[0], count));
}

static void max_of_step(iv_step *s)
{
    iv__step_other_axis(s, ((const iv__at_axis *)s->call->attr)->axis, LARGEST_OVER_TIME);
}

static void argmax_step(iv_step *s)
{
    const int64_t axis = ((const iv__at_axis *)s->call->attr)->axis;

    if (s->axis[0] == axis)
        iv_step_refuse(s, LARGEST_OVER_TIME);
    else
        iv_step_same(s, s->call->attr, s->axis[0] > axis ? s->axis[0] - 1 : s->axis[0]);
}

static void largest_apart(iv_apart *a)
{
    iv__apart_other_axis(a, ((const iv__at_axis *)a->call->attr)->axis);
}

static const iv_op op_max_of = {
    .name = "max_of",
    .says = "the largest along an axis",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    ATTRS(iv__fields_at_axis, iv__at_axis),
    .shape = max_of_shape,
    .gradient = max_of_gradient,
    .step = max_of_step,
    .apart = largest_apart,
    KERNELS(max_of),
};

static const iv_op op_argmax = {
    .name = "argmax",
    .says = "the place of the first largest along an axis",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    ATTRS(iv__fields_at_axis, iv__at_axis),
    .shape = argmax_shape,
    .no_gradient = "its output is an integer",
    .step = argmax_step,
    .apart = largest_apart,
    KERNELS(argmax),
};

iv_node *iv_max_of(iv_node *x, int axis, bool keep)
{
    if (!x)
        return NULL;
    int64_t at = iv__from_front(x, axis);
    iv_node *y = iv__apply1(&op_max_of, x, &(iv__at_axis){ at });
    return keep || !y ? y : iv_reshape(y, iv__without_axis(&x->shape, at));
}

iv_node *iv_argmax(iv_node *x, int axis)
{
    return x ? iv__apply1(&op_argmax, x, &(iv__at_axis){ iv__from_front(x, axis) }) : NULL;
}

const iv_op *const iv__ops_reduce[] = { &op_sum_to, &op_sum_squares, &op_max_of, &op_argmax, NULL };
