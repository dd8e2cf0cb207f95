/* conv.c: convolutions over one to three spatial axes: conv, and its two adjoints conv_x and conv_w. The
 * reference is plain; speed is the backends'. */
#include "ops/common.h"
#include "ops/common_math.h"
#include "ops/common_conv_step.h"
#include "ops/rows.h"

#include <string.h>

/* The number of the place in x that tap `w` of place `y` reads; -1: it lies beyond the edges. */
static int64_t place_in_x(const iv__conv_sizes *s, const int64_t y[IV__CONV_AXES],
                          const int64_t w[IV__CONV_AXES])
{
    int64_t number = 0;

    for (int k = 0; k < IV__CONV_AXES; k++) {
        const int64_t at = y[k] * s->stride[k] + w[k] * s->dilation[k] - s->before[k];

        if (at < 0 || at >= s->x[k])
            return -1;
        number = number * s->x[k] + at;
    }
    return number;
}

/* The number of the place in y whose tap `w` reads place `x`; -1: there is none. */
static int64_t place_in_y(const iv__conv_sizes *s, const int64_t x[IV__CONV_AXES],
                          const int64_t w[IV__CONV_AXES])
{
    int64_t number = 0;

    for (int k = 0; k < IV__CONV_AXES; k++) {
        const int64_t from = x[k] + s->before[k] - w[k] * s->dilation[k], at = from / s->stride[k];

        if (from < 0 || from % s->stride[k] || at >= s->y[k])
            return -1;
        number = number * s->y[k] + at;
    }
    return number;
}

#include "ops/common_f32.inc"
#include "ops/conv_kernels.inc"

#include "ops/common_f64.inc"
#include "ops/conv_kernels.inc"
#include "ops/common_end.inc"

/* ---- the rows -------------------------------------------------------------------------------- */

static const iv_field conv_fields[] = {
    ATTR(iv__conv, stride, SHAPE),
    ATTR(iv__conv, dilation, SHAPE),
    ATTR(iv__conv, before, SHAPE),
    ATTR(iv__conv, size, SHAPE),
    ATTR(iv__conv, groups, INT),
    ATTR(iv__conv, taps, INT),
    FIELD_END,
};

/* Whether numbers for each spatial axis are there, and none below `least`. */
static bool numbers_ok(const iv_shape *numbers, int axes, int64_t least)
{
    if (numbers->rank != axes)
        return false;
    for (int k = 0; k < axes; k++)
        if (numbers->dim[k] < least || numbers->dim[k] > INT32_MAX)
            return false;
    return true;
}

/* Any place of y may read beyond the edges of x, on both sides: what lies there is 0. So the sizes of
 * x, w and y are free of each other. */
static const char *check_taps(const iv__conv *attr, const iv_shape *taps)
{
    int64_t all = 1;

    for (int k = 0; k < attr->size.rank; k++)
        if (__builtin_mul_overflow(all, taps->dim[k], &all))
            return "the kernel has too many taps";
    return attr->taps < 0 || attr->taps > all ? "more taps should count than the kernel has" : NULL;
}

static const char *check(const iv_shape_call *s, const iv_shape *x, const iv_shape *w, const iv_shape *y)
{
    const iv__conv *attr = s->attr;
    const int given = s->in[0]->rank, axes = given - 2;

    if (s->in_dtype[0] != s->real || s->in_dtype[1] != s->real)
        return "elements must be of the graph's real type (iv_cast makes them so)";
    if (axes < 1 || axes > IV__CONV_AXES)
        return "one to three spatial axes are expected, between records and channels";
    if (s->in[1]->rank != given)
        return "both inputs need as many axes";
    if (!numbers_ok(&attr->stride, axes, 1) || !numbers_ok(&attr->dilation, axes, 1) ||
        !numbers_ok(&attr->size, axes, 0) || attr->before.rank != axes)
        return "strides and dilations of each spatial axis must be at least 1";
    for (int k = 0; k < axes; k++) {
        if (attr->before.dim[k] > INT32_MAX || attr->before.dim[k] < -INT32_MAX)
            return "the padding is out of range";
        if (w && w->dim[k] < 1)
            return "the kernel must have at least one tap along each axis";
        if (s->in[0]->dim[1 + k] > INT32_MAX || s->in[1]->dim[k] > INT32_MAX ||
            s->in[1]->dim[1 + k] > INT32_MAX)
            return "a spatial axis is too long";
    }
    if (x && y && x->dim[0] != y->dim[0])
        return "the numbers of records differ";
    if (attr->groups < 1 || (x && x->dim[axes + 1] % attr->groups) ||
        (w && w->dim[axes + 1] % attr->groups) || (y && y->dim[axes + 1] % attr->groups))
        return "the groups must divide channels and filters";
    if (x && w && x->dim[axes + 1] != w->dim[axes] * attr->groups)
        return "the channels of x and w differ";
    if (w && y && w->dim[axes + 1] != y->dim[axes + 1])
        return "the filters of w and y differ";
    return check_taps(attr, w ? w : &attr->size);
}

static void put_sizes(iv_shape *to, int from, const iv_shape *size)
{
    for (int k = 0; k < size->rank; k++)
        to->dim[from + k] = size->dim[k];
}

static const char *conv_shape(iv_shape_call *s)
{
    const iv__conv *attr = s->attr;
    const char *why = check(s, s->in[0], s->in[1], NULL);

    if (why)
        return why;
    s->out[0] = *s->in[0];
    put_sizes(&s->out[0], 1, &attr->size);
    s->out[0].dim[s->out[0].rank - 1] = s->in[1]->dim[s->in[1]->rank - 1];
    s->out_dtype[0] = s->real;
    return NULL;
}

static const char *conv_x_shape(iv_shape_call *s)
{
    const iv__conv *attr = s->attr;
    const char *why = check(s, NULL, s->in[1], s->in[0]);
    int64_t channels;

    if (why)
        return why;
    if (__builtin_mul_overflow(s->in[1]->dim[s->in[1]->rank - 2], attr->groups, &channels))
        return "there are too many channels";
    s->out[0] = *s->in[0];
    put_sizes(&s->out[0], 1, &attr->size);
    s->out[0].dim[s->out[0].rank - 1] = channels;
    s->out_dtype[0] = s->real;
    return NULL;
}

static const char *conv_w_shape(iv_shape_call *s)
{
    const iv__conv *attr = s->attr;
    const char *why = check(s, s->in[0], NULL, s->in[1]);
    const int rank = (int)s->in[0]->rank;

    if (why)
        return why;
    s->out[0].rank = rank;
    put_sizes(&s->out[0], 0, &attr->size);
    s->out[0].dim[rank - 2] = s->in[0]->dim[rank - 1] / attr->groups;
    s->out[0].dim[rank - 1] = s->in[1]->dim[rank - 1];
    s->out_dtype[0] = s->real;
    return NULL;
}

static iv_shape spatial_of(const iv_node *node, int from)
{
    iv_shape size = { .rank = node->shape.rank - 2 };

    for (int k = 0; k < size.rank; k++)
        size.dim[k] = node->shape.dim[from + k];
    return size;
}

static iv_node *make(const iv_op *op, iv_node *a, iv_node *b, const iv__conv *like, iv_shape size)
{
    iv__conv attr = *like;

    attr.size = size;
    return iv__apply2(op, a, b, &attr);
}

static const iv_op op_conv, op_conv_x, op_conv_w;

/* y = conv(x, w) */
static void conv_gradient(iv_gradient_call *g)
{
    if (g->need[0])
        g->dx[0] = make(&op_conv_x, g->dy[0], g->x[1], g->attr, spatial_of(g->x[0], 1));
    if (g->need[1])
        g->dx[1] = make(&op_conv_w, g->x[0], g->dy[0], g->attr, spatial_of(g->x[1], 0));
}

/* x = conv_x(y, w) */
static void conv_x_gradient(iv_gradient_call *g)
{
    if (g->need[0])
        g->dx[0] = make(&op_conv, g->dy[0], g->x[1], g->attr, spatial_of(g->x[0], 1));
    if (g->need[1])
        g->dx[1] = make(&op_conv_w, g->dy[0], g->x[0], g->attr, spatial_of(g->x[1], 0));
}

/* w = conv_w(x, y) */
static void conv_w_gradient(iv_gradient_call *g)
{
    if (g->need[0])
        g->dx[0] = make(&op_conv_x, g->x[1], g->dy[0], g->attr, spatial_of(g->x[0], 1));
    if (g->need[1])
        g->dx[1] = make(&op_conv, g->x[0], g->dy[0], g->attr, spatial_of(g->x[1], 1));
}

/* Both make records of records with one kernel. */
static void conv_apart(iv_apart *a)
{
    if (iv_apart_records(a, 0, a->rows[0]) && iv_apart_same(a, 1))
        iv_apart_output(a, 0, iv_apart_call(a, a->call->attr), a->rows[0]);
}

#define NEIGHBOURS "reads neighbours along its spatial axes"

static const iv_op op_conv = {
    .name = "conv",
    .says = "y[n,o,f] = sum over k, c of x[n, o stride + k dilation - before, c] w[k,c,f]",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    ATTRS(conv_fields, iv__conv),
    .shape = conv_shape,
    .gradient = conv_gradient,
    .flags = IV_ACROSS | IV_PRODUCT,
    .step = iv__conv_step,
    .apart = conv_apart,
    KERNELS(conv),
};

static const iv_op op_conv_x = {
    .name = "conv_x",
    .says = "the adjoint of conv for x: a transposed convolution",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    ATTRS(conv_fields, iv__conv),
    .shape = conv_x_shape,
    .gradient = conv_x_gradient,
    .flags = IV_ACROSS | IV_PRODUCT,
    .step = iv__conv_x_step,
    .apart = conv_apart,
    KERNELS(conv_x),
};

static const iv_op op_conv_w = {
    .name = "conv_w",
    .says = "the adjoint of conv for w",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    ATTRS(conv_fields, iv__conv),
    .shape = conv_w_shape,
    .gradient = conv_w_gradient,
    .no_step = NEIGHBOURS,
    .apart = iv__apart_sum,
    KERNELS(conv_w),
};

const iv_op *const iv__ops_conv[] = { &op_conv, &op_conv_x, &op_conv_w, NULL };

/* ---- builders -------------------------------------------------------------------------------- */

/* A number that is left 0 means 1. */
static int64_t or_one(int64_t number)
{
    return number ? number : 1;
}

/* Without sizes and padding, for a kernel of so many axes. */
static iv__conv attr_of(const iv_conv_options *o, int axes)
{
    iv__conv attr = { .groups = or_one(o->groups), .taps = o->taps };

    attr.stride.rank = attr.dilation.rank = attr.before.rank = attr.size.rank = axes;
    for (int k = 0; k < axes; k++) {
        attr.stride.dim[k] = or_one(o->stride[k]);
        attr.dilation.dim[k] = or_one(o->dilation[k]);
    }
    return attr;
}

/* What the arithmetic of sizes below is safe for; the row says more about the rest. */
static bool in_range(const iv_conv_options *o, int axes)
{
    for (int k = 0; k < axes; k++)
        if (o->stride[k] < 0 || o->stride[k] > INT32_MAX || o->dilation[k] < 0 ||
            o->dilation[k] > INT32_MAX || o->before[k] < -INT32_MAX || o->before[k] > INT32_MAX ||
            o->after[k] < -INT32_MAX || o->after[k] > INT32_MAX)
            return false;
    return true;
}

static iv_node *out_of_range(iv_graph *graph)
{
    return iv_refuse(graph, IV_VALUE,
                     "convolution: strides and dilations must be 1 to %d, padding %d at most",
                     INT32_MAX, INT32_MAX);
}

/* Places from the first tap to the last; so many that they count for nothing, if it overflows. */
static int64_t reach_of(int64_t taps, int64_t dilation)
{
    int64_t reach;

    return taps < 1 || dilation < 1 || __builtin_mul_overflow(taps - 1, dilation, &reach) ||
                   reach >= INT32_MAX
               ? INT32_MAX
               : reach + 1;
}

/* How an axis of x becomes one of y: its size, and the zeros before it. -1: the kernel finds no place. */
static int64_t size_of_y(const iv_conv_options *o, int axis, int64_t x, int64_t reach,
                         int64_t stride, int64_t *before)
{
    int64_t after = 0;

    *before = 0;
    if (o->padding == IV_SAME) {
        const int64_t y = (x + stride - 1) / stride, wanted = (y - 1) * stride + reach - x;

        *before = wanted > 0 ? wanted / 2 : 0;
        return y;
    }
    if (o->padding == IV_EXPLICIT) {
        *before = o->before[axis];
        after = o->after[axis];
    }
    return x + *before + after < reach ? -1 : (x + *before + after - reach) / stride + 1;
}

static bool fits(const iv_node *a, const iv_node *w)
{
    return a->shape.rank == w->shape.rank && a->shape.rank >= 3 && a->shape.rank <= IV__CONV_AXES + 2;
}

iv_node *iv_conv_with(iv_node *x, iv_node *w, const iv_conv_options *o)
{
    if (!x || !w)
        return NULL;
    if (!fits(x, w)) /* the row says what is wrong */
        return iv__apply2(&op_conv, x, w, &(iv__conv){ .groups = 1 });

    const int axes = (int)x->shape.rank - 2;
    iv__conv attr = attr_of(o, axes);

    if (!in_range(o, axes))
        return out_of_range(x->graph);
    for (int k = 0; k < axes; k++) {
        attr.size.dim[k] = size_of_y(o, k, x->shape.dim[1 + k],
                                     reach_of(w->shape.dim[k], attr.dilation.dim[k]),
                                     attr.stride.dim[k], &attr.before.dim[k]);
        if (attr.size.dim[k] < 0) {
            char given[160], kernel[160];
            return iv_refuse(x->graph, IV_SHAPE,
                             "conv: the kernel is larger than what it moves over (x = %s, w = %s)",
                             iv__node_text(x, given, sizeof given),
                             iv__node_text(w, kernel, sizeof kernel));
        }
    }
    return iv__apply2(&op_conv, x, w, &attr);
}

/* The size of x, on an axis, that a transposed convolution makes by default: the least that such a
 * convolution takes to y, or with IV_SAME y times the stride. */
static int64_t size_of_x(const iv_conv_options *o, int axis, int64_t y, int64_t reach,
                         int64_t stride, int64_t *before)
{
    int64_t whole;

    if (__builtin_mul_overflow(y, stride, &whole) || whole > INT32_MAX)
        return -1;
    if (o->padding == IV_SAME) {
        size_of_y(o, axis, whole, reach, stride, before);
        return whole;
    }
    *before = o->padding == IV_EXPLICIT ? o->before[axis] : 0;
    whole += reach - stride;
    if (o->padding == IV_EXPLICIT)
        whole -= o->before[axis] + o->after[axis];
    return whole;
}

iv_node *iv_conv_transpose_with(iv_node *y, iv_node *w, const iv_conv_options *o)
{
    if (!y || !w)
        return NULL;
    if (!fits(y, w))
        return iv__apply2(&op_conv_x, y, w, &(iv__conv){ .groups = 1 });

    const int axes = (int)y->shape.rank - 2;
    iv__conv attr = attr_of(o, axes);

    if (!in_range(o, axes))
        return out_of_range(y->graph);
    for (int k = 0; k < axes; k++) {
        attr.size.dim[k] = size_of_x(o, k, y->shape.dim[1 + k],
                                     reach_of(w->shape.dim[k], attr.dilation.dim[k]),
                                     attr.stride.dim[k], &attr.before.dim[k]);
        if (attr.size.dim[k] < 1)
            return iv_refuse(y->graph, IV_SHAPE, "conv_x: nothing is left of axis %d", k + 1);
    }
    return iv__apply2(&op_conv_x, y, w, &attr);
}
