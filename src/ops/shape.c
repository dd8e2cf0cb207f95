/* shape.c: values keep, places change: reshape, transpose, broadcast_to. */
#include "ops/common.h"

#include <string.h>

/* ---- reshape --------------------------------------------------------------------------------- */

static const char *reshape_shape(iv_shape_call *s)
{
    const iv__to_shape *attr = s->attr;

    if (!iv_shape_valid(&attr->shape, s->in_dtype[0]) ||
        iv_shape_count(&attr->shape) != iv_shape_count(s->in[0]))
        return "the new shape must have as many elements";
    s->out[0] = attr->shape;
    s->out_dtype[0] = s->in_dtype[0];
    return NULL;
}

static void reshape_gradient(iv_gradient_call *g)
{
    g->dx[0] = iv_reshape(g->dy[0], g->x[0]->shape);
}

static void reshape_any(const iv_kernel_call *k)
{
    const size_t size = iv_dtype_size(k->in[0].dtype);

    memcpy(k->out[0].data, (const char *)k->in[0].data + (size_t)k->begin * size,
           (size_t)k->count * size);
}

/* Time can be followed where it stays an axis: as long, with as many elements before it. */
static void reshape_step(iv_step *s)
{
    const iv_shape *x = &s->call->in[0]->shape;
    iv__to_shape to = *(const iv__to_shape *)s->call->attr;
    int axis = s->axis[0], at = -1;

    for (int k = 0; axis >= 0 && at < 0 && k < to.shape.rank; k++)
        if (to.shape.dim[k] == x->dim[axis] &&
            iv__dims_product(&to.shape, 0, k) == iv__dims_product(x, 0, axis))
            at = k;
    if (axis >= 0 && at < 0) {
        iv_step_refuse(s, "it folds time into another axis");
        return;
    }
    if (at >= 0)
        to.shape.dim[at] = 1;
    iv_step_same(s, &to, at);
}

/* Records stay together where axis 0 still is a number of rows for each. */
static void reshape_apart(iv_apart *a)
{
    iv__to_shape to = *(const iv__to_shape *)a->call->attr;

    if (!to.shape.rank || to.shape.dim[0] % a->records || !iv_apart_records(a, 0, a->rows[0]))
        return;
    const int64_t rows = to.shape.dim[0] / a->records;
    to.shape = iv__apart_shape(a, to.shape);
    iv_apart_output(a, 0, iv_apart_call(a, &to), rows);
}

static const iv_op op_reshape = {
    .name = "reshape",
    .says = "the same elements in another shape",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .flags = IV_RANGED | IV_VIEW,
    ATTRS(iv__fields_to_shape, iv__to_shape),
    .shape = reshape_shape,
    .gradient = reshape_gradient,
    .step = reshape_step,
    .apart = reshape_apart,
    SAME_KERNEL(reshape_any),
};

iv_node *iv_reshape(iv_node *x, iv_shape shape)
{
    int64_t known = 1;
    int open = -1;

    if (!x)
        return NULL;
    for (int k = 0; k < shape.rank && k < IV_MAX_RANK; k++)
        if (shape.dim[k] == -1 && open < 0)
            open = k;
        else if (shape.dim[k] < 0 || __builtin_mul_overflow(known, shape.dim[k], &known))
            return iv_refuse(x->graph, IV_SHAPE,
                             "reshape: one dimension may be -1, the others must not be negative");
    if (open >= 0)
        shape.dim[open] = known ? iv_shape_count(&x->shape) / known : 0;
    return iv_shape_same(&x->shape, &shape) ? x : iv__apply1(&op_reshape, x, &(iv__to_shape){ shape });
}

/* ---- transpose ------------------------------------------------------------------------------- */

static const char *transpose_shape(iv_shape_call *s)
{
    const iv_shape *order = &((const iv__to_shape *)s->attr)->shape;
    bool seen[IV_MAX_RANK] = { false };

    if (order->rank != s->in[0]->rank)
        return "the order must name every axis";
    for (int k = 0; k < order->rank; k++) {
        if (!iv__axis_ok(s->in[0], order->dim[k]) || seen[order->dim[k]])
            return "the order must name every axis once";
        seen[order->dim[k]] = true;
        s->out[0].dim[k] = s->in[0]->dim[order->dim[k]];
    }
    s->out[0].rank = order->rank;
    s->out_dtype[0] = s->in_dtype[0];
    return NULL;
}

static void transpose_gradient(iv_gradient_call *g)
{
    const iv_shape *order = &((const iv__to_shape *)g->attr)->shape;
    iv_shape back = { .rank = order->rank };

    for (int k = 0; k < order->rank; k++)
        back.dim[order->dim[k]] = k;
    g->dx[0] = iv_transpose(g->dy[0], back);
}

static void transpose_any(const iv_kernel_call *k)
{
    const iv_shape *order = &((const iv__to_shape *)k->attr)->shape;
    iv__strides walk = iv__strides_of(k->out[0].shape);
    int64_t stride[IV_MAX_RANK];

    iv__contiguous(k->in[0].shape, stride);
    for (int j = 0; j < walk.rank; j++)
        walk.stride[j] = stride[order->dim[j]];
    iv__copy_strided(k, &walk);
}

static void transpose_step(iv_step *s)
{
    const iv_shape *order = &((const iv__to_shape *)s->call->attr)->shape;
    int at = -1;

    for (int k = 0; k < order->rank; k++)
        if (order->dim[k] == s->axis[0])
            at = k;
    iv_step_same(s, s->call->attr, at);
}

static void transpose_apart(iv_apart *a)
{
    if (!((const iv__to_shape *)a->call->attr)->shape.dim[0])
        iv__apart_all(a);
}

static const iv_op op_transpose = {
    .name = "transpose",
    .says = "the axes in another order",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .flags = IV_RANGED,
    ATTRS(iv__fields_to_shape, iv__to_shape),
    .shape = transpose_shape,
    .gradient = transpose_gradient,
    .step = transpose_step,
    .apart = transpose_apart,
    SAME_KERNEL(transpose_any),
};

iv_node *iv_transpose(iv_node *x, iv_shape order)
{
    return iv__apply1(&op_transpose, x, &(iv__to_shape){ order });
}

/* ---- broadcast_to ---------------------------------------------------------------------------- */

static const char *broadcast_to_shape(iv_shape_call *s)
{
    const iv_shape *x = s->in[0], *to = &((const iv__to_shape *)s->attr)->shape;

    if (to->rank < x->rank || to->rank > IV_MAX_RANK)
        return "the new shape has fewer axes";
    for (int64_t k = 1; k <= x->rank; k++)
        if (x->dim[x->rank - k] != to->dim[to->rank - k] && x->dim[x->rank - k] != 1)
            return "only axes of length 1 stretch";
    s->out[0] = *to;
    s->out_dtype[0] = s->in_dtype[0];
    return NULL;
}

static void broadcast_to_gradient(iv_gradient_call *g)
{
    g->dx[0] = iv_sum_to(g->dy[0], g->x[0]->shape);
}

static void broadcast_to_any(const iv_kernel_call *k)
{
    const iv_shape *x = k->in[0].shape;
    iv__strides walk = iv__strides_of(k->out[0].shape);
    int64_t stride[IV_MAX_RANK];

    iv__contiguous(x, stride);
    for (int64_t j = 1; j <= x->rank; j++)
        if (x->dim[x->rank - j] != 1)
            walk.stride[walk.rank - j] = stride[x->rank - j];
    iv__copy_strided(k, &walk);
}

static void broadcast_to_step(iv_step *s)
{
    iv__to_shape to = *(const iv__to_shape *)s->call->attr;
    int axis = s->axis[0] < 0 ? -1 : s->axis[0] + (int)(to.shape.rank - s->call->in[0]->shape.rank);

    if (axis >= 0)
        to.shape.dim[axis] = 1;
    iv_step_same(s, &to, axis);
}

static void broadcast_to_apart(iv_apart *a)
{
    iv__to_shape to = *(const iv__to_shape *)a->call->attr;

    if (to.shape.rank != a->call->in[0]->shape.rank) /* axis 0 of x would be another axis */
        return;
    to.shape = iv__apart_shape(a, to.shape);
    iv_apart_each(a, &to, a->rows[0]);
}

static const iv_op op_broadcast_to = {
    .name = "broadcast_to",
    .says = "x stretched along axes of length 1",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .flags = IV_RANGED | IV_FREE,
    ATTRS(iv__fields_to_shape, iv__to_shape),
    .shape = broadcast_to_shape,
    .gradient = broadcast_to_gradient,
    .step = broadcast_to_step,
    .apart = broadcast_to_apart,
    SAME_KERNEL(broadcast_to_any),
};

iv_node *iv_broadcast_to(iv_node *x, iv_shape shape)
{
    return x && iv_shape_same(&x->shape, &shape)
               ? x
               : iv__apply1(&op_broadcast_to, x, &(iv__to_shape){ shape });
}

iv_node *iv_repeat(iv_node *x, int axis, int64_t count)
{
    if (!x)
        return NULL;
    int64_t at = iv__from_front(x, axis);
    if (at < 0 || at > x->shape.rank || x->shape.rank == IV_MAX_RANK)
        return iv_refuse(x->graph, IV_SHAPE, "repeat: no axis can be put before axis %d of %lld",
                         axis, (long long)x->shape.rank);
    return iv_broadcast_to(iv_reshape(x, iv__with_axis(&x->shape, at, 1)),
                           iv__with_axis(&x->shape, at, count));
}

const iv_op *const iv__ops_shape[] = { &op_reshape, &op_transpose, &op_broadcast_to, NULL };
