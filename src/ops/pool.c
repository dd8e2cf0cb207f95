/* pool.c: windows that move over images, without weights: the largest and the sum of each, and what goes
 * back through them.
 *
 * max_pool tells which tap of its window was the largest; pool_pick reads such taps and pool_place
 * writes to them. sum_spread is the adjoint of sum_pool, pool_place that of pool_pick: each has the
 * other as its gradient, so that every order exists. */
#include "ops/common.h"
#include "ops/common_math.h"
#include "ops/rows.h"

#include <string.h>

enum { AXES = IV__CONV_AXES };

static const iv_field pool_fields[] = {
    ATTR(iv__pooling, window, SHAPE),
    ATTR(iv__pooling, stride, SHAPE),
    ATTR(iv__pooling, before, SHAPE),
    ATTR(iv__pooling, size, SHAPE),
    FIELD_END,
};

/* Three spatial axes always: those that are missing come first and have length 1. */
typedef struct pool_sizes {
    int64_t window[AXES], stride[AXES], before[AXES];
    int64_t x[AXES], y[AXES];
    int64_t channels;
} pool_sizes;

static pool_sizes sizes_of(const iv__pooling *attr, const iv_shape *x, const iv_shape *y)
{
    const int axes = (int)x->rank - 2;
    pool_sizes s = { .channels = x->dim[x->rank - 1] };

    for (int k = 0; k < AXES; k++) {
        const int from = k - (AXES - axes);

        s.window[k] = from < 0 ? 1 : attr->window.dim[from];
        s.stride[k] = from < 0 ? 1 : attr->stride.dim[from];
        s.before[k] = from < 0 ? 0 : attr->before.dim[from];
        s.x[k] = from < 0 ? 1 : x->dim[1 + from];
        s.y[k] = from < 0 ? 1 : y->dim[1 + from];
    }
    return s;
}

/* Where a tap leads on an axis: from a place of y to one of x, or back; -1: nowhere. */
static int64_t to_x(const pool_sizes *s, int axis, int64_t y, int64_t tap)
{
    int64_t x = y * s->stride[axis] + tap - s->before[axis];

    return x < s->x[axis] ? x : -1; /* in front of x it is negative by itself */
}

static int64_t to_y(const pool_sizes *s, int axis, int64_t x, int64_t tap)
{
    int64_t y = x + s->before[axis] - tap;

    return y >= 0 && y % s->stride[axis] == 0 && y / s->stride[axis] < s->y[axis] ? y / s->stride[axis]
                                                                                  : -1;
}

/* The taps of one place and the rows of channels they lead to, in order. */
typedef struct pool_taps {
    const pool_sizes *s;
    bool back; /* from x to y */
    int64_t record, at[AXES], tap[AXES];
    int32_t number; /* of the tap */
} pool_taps;

static pool_taps taps_at(const pool_sizes *s, bool back, int64_t row)
{
    const int64_t *size = back ? s->x : s->y;
    pool_taps t = { .s = s, .back = back, .tap = { 0, 0, -1 }, .number = -1 };

    for (int k = AXES - 1; k >= 0; k--) {
        t.at[k] = row % size[k];
        row /= size[k];
    }
    t.record = row;
    return t;
}

/* The row that the tap leads to; -1: it leads out of the image. */
static int64_t row_of(const pool_taps *t)
{
    const int64_t *size = t->back ? t->s->y : t->s->x;
    int64_t row = t->record;

    for (int k = 0; k < AXES; k++) {
        int64_t place = t->back ? to_y(t->s, k, t->at[k], t->tap[k])
                                : to_x(t->s, k, t->at[k], t->tap[k]);
        if (place < 0)
            return -1;
        row = row * size[k] + place;
    }
    return row;
}

/* To the next tap that leads somewhere. */
static bool next_tap(pool_taps *t, int64_t *row)
{
    do {
        int k = AXES - 1;

        t->number++;
        while (k >= 0 && ++t->tap[k] == t->s->window[k])
            t->tap[k--] = 0;
        if (k < 0)
            return false;
    } while ((*row = row_of(t)) < 0);
    return true;
}

#include "ops/common_f32.inc"
#include "ops/pool_kernels.inc"

#include "ops/common_f64.inc"
#include "ops/pool_kernels.inc"
#include "ops/common_end.inc"

/* ---- shapes ---------------------------------------------------------------------------------- */

#define MOVES "moves a window over places: it would look ahead or back"

static const char *check_window(const iv__pooling *attr, const iv_shape *x, const iv_shape *y)
{
    int64_t taps = 1;

    for (int k = 0; k < x->rank - 2; k++) {
        int64_t window = attr->window.dim[k], stride = attr->stride.dim[k],
                before = attr->before.dim[k], last;

        if (window < 1 || stride < 1 || window > INT32_MAX || stride > INT32_MAX)
            return "window and stride must be at least 1";
        if (__builtin_mul_overflow(taps, window, &taps) || taps > INT32_MAX)
            return "the window is too large";
        if (window > x->dim[k + 1])
            return "a window must not be larger than the image";
        if (before < 0 || before >= window ||
            (y->dim[k + 1] && __builtin_mul_overflow(y->dim[k + 1] - 1, stride, &last)) ||
            (y->dim[k + 1] && last - before >= x->dim[k + 1]))
            return "every window must reach a place";
    }
    return NULL;
}

/* Input 0 is x (to y) or y (back to x). */
static const char *pool_shape_of(iv_shape_call *s, bool back)
{
    const iv__pooling *attr = s->attr;
    const iv_shape *in = s->in[0];
    const int64_t axes = in->rank - 2;
    iv_shape *out = &s->out[0];

    if (s->in_dtype[0] != s->real)
        return "elements must be of the graph's real type (iv_cast makes them so)";
    if (axes < 1 || axes > AXES)
        return "images must be [N,S...,C] with one to three spatial axes";
    if (attr->window.rank != axes || attr->stride.rank != axes || attr->before.rank != axes ||
        attr->size.rank != axes)
        return "there must be one number for each spatial axis";
    *out = *in;
    memcpy(out->dim + 1, attr->size.dim, (size_t)axes * sizeof out->dim[0]);
    s->out_dtype[0] = s->real;
    return back ? check_window(attr, out, in) : check_window(attr, in, out);
}

static const char *sum_pool_shape(iv_shape_call *s)
{
    return pool_shape_of(s, false);
}

static const char *sum_spread_shape(iv_shape_call *s)
{
    return pool_shape_of(s, true);
}

static const char *max_pool_shape(iv_shape_call *s)
{
    const char *why = pool_shape_of(s, false);

    s->out[1] = s->out[0];
    s->out_dtype[1] = IV_I32;
    return why;
}

static const char *pool_pick_shape(iv_shape_call *s)
{
    const char *why = pool_shape_of(s, false);

    if (!why && (s->in_dtype[1] != IV_I32 || !iv_shape_same(s->in[1], &s->out[0])))
        why = "there must be one i32 place for each element of y";
    return why;
}

static const char *pool_place_shape(iv_shape_call *s)
{
    const char *why = pool_shape_of(s, true);

    if (!why && (s->in_dtype[1] != IV_I32 || !iv_shape_same(s->in[1], s->in[0])))
        why = "there must be one i32 place for each element of y";
    return why;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static const iv_op op_max_pool, op_pool_pick, op_pool_place, op_sum_pool, op_sum_spread;

/* The same windows in the other direction: sizes are those of what is made. */
static iv__pooling turned(const iv_gradient_call *g)
{
    iv__pooling attr = *(const iv__pooling *)g->attr;

    memcpy(attr.size.dim, g->x[0]->shape.dim + 1, (size_t)attr.size.rank * sizeof attr.size.dim[0]);
    return attr;
}

static void max_pool_gradient(iv_gradient_call *g)
{
    iv__pooling attr = turned(g);

    g->dx[0] = iv__apply2(&op_pool_place, g->dy[0], &g->y[1], &attr);
}

static void pool_pick_gradient(iv_gradient_call *g)
{
    iv__pooling attr = turned(g);

    g->dx[0] = iv__apply2(&op_pool_place, g->dy[0], g->x[1], &attr);
}

static void pool_place_gradient(iv_gradient_call *g)
{
    iv__pooling attr = turned(g);

    g->dx[0] = iv__apply2(&op_pool_pick, g->dy[0], g->x[1], &attr);
}

static void sum_pool_gradient(iv_gradient_call *g)
{
    iv__pooling attr = turned(g);

    g->dx[0] = iv__apply1(&op_sum_spread, g->dy[0], &attr);
}

static void sum_spread_gradient(iv_gradient_call *g)
{
    iv__pooling attr = turned(g);

    g->dx[0] = iv__apply1(&op_sum_pool, g->dy[0], &attr);
}

#define POOL_ROW(row, inputs, outputs, formula)                      \
    static const iv_op op_##row = { .name = #row,                    \
                                    .says = formula,                 \
                                    .min_in = inputs,                \
                                    .max_in = inputs,                \
                                    .n_out = outputs,                \
                                    ATTRS(pool_fields, iv__pooling), \
                                    .shape = row##_shape,            \
                                    .gradient = row##_gradient,      \
                                    .no_step = MOVES,                \
                                    .apart = iv__apart_all,          \
                                    KERNELS(row) };

POOL_ROW(max_pool, 1, 2, "the largest of each window, and which tap it is (the first of equals)")
POOL_ROW(pool_pick, 2, 1, "the tap of each window that is asked for")
POOL_ROW(pool_place, 2, 1, "sums of what is put at a tap of each window")
POOL_ROW(sum_pool, 1, 1, "the sum of each window")
POOL_ROW(sum_spread, 1, 1, "sums of what is put at every tap of each window")

/* ---- builders -------------------------------------------------------------------------------- */

static bool attr_of(const iv_node *x, const iv_pool_options *o, iv__pooling *attr)
{
    const int axes = (int)x->shape.rank - 2;

    *attr = (iv__pooling){ .window = { .rank = axes } };
    if (axes < 1 || axes > AXES)
        return true; /* the row says what is wrong */
    if (o->padding != IV_VALID && o->padding != IV_SAME) {
        iv_refuse(x->graph, IV_VALUE, "pooling: padding is valid or same");
        return false;
    }
    attr->stride.rank = attr->before.rank = attr->size.rank = axes;
    for (int k = 0; k < axes; k++) {
        const int64_t size = x->shape.dim[1 + k], window = o->window[k],
                      stride = o->stride[k] ? o->stride[k] : window;

        if (window < 1 || stride < 1 || window > INT32_MAX || stride > INT32_MAX ||
            (o->padding == IV_VALID && window > size)) {
            char text[200];
            iv_refuse(x->graph, IV_VALUE,
                      "pooling: windows must be 1 to the size of the image, strides at least 1 (axis %d "
                      "of %s: window %lld, stride %lld)",
                      k + 1, iv__node_text(x, text, sizeof text), (long long)window, (long long)stride);
            return false;
        }
        attr->window.dim[k] = window;
        attr->stride.dim[k] = stride;
        if (o->padding == IV_VALID) {
            attr->size.dim[k] = (size - window) / stride + 1;
        } else {
            const int64_t places = size / stride + (size % stride != 0);
            const int64_t zeros = (places - 1) * stride + window - size;

            attr->size.dim[k] = places;
            attr->before.dim[k] = zeros > 0 ? zeros / 2 : 0;
        }
    }
    return true;
}

iv_node *iv_max_pool_with(iv_node *x, const iv_pool_options *o)
{
    iv__pooling attr;

    return x && attr_of(x, o, &attr) ? iv__apply1(&op_max_pool, x, &attr) : NULL;
}

iv_node *iv_average_pool_with(iv_node *x, const iv_pool_options *o)
{
    iv__pooling attr;

    if (!x || !attr_of(x, o, &attr))
        return NULL;

    iv_node *sum = iv__apply1(&op_sum_pool, x, &attr);
    iv_shape one = x->shape;

    if (o->padding == IV_VALID)
        return iv_scale(sum, 1 / (double)iv__dims_product(&attr.window, 0, attr.window.rank));
    one.dim[0] = one.dim[one.rank - 1] = 1;
    return iv_div(sum, iv__apply1(&op_sum_pool, iv_fill(x->graph, one, 1), &attr));
}

iv_node *iv_global_average(iv_node *x)
{
    if (!x)
        return NULL;
    if (x->shape.rank < 3) {
        char text[200];
        return iv_refuse(x->graph, IV_SHAPE, "global_average: images must be [N,S...,C] (x = %s)",
                         iv__node_text(x, text, sizeof text));
    }
    const int64_t channels = iv_node_dim(x, -1), records = x->shape.dim[0];
    const int64_t places = iv__dims_product(&x->shape, 1, x->shape.rank - 1);

    return iv_mean(iv_reshape(x, iv_dims(records, places, channels)), 1, false);
}

const iv_op *const iv__ops_pool[] = { &op_max_pool, &op_pool_pick,  &op_pool_place,
                                      &op_sum_pool, &op_sum_spread, NULL };
