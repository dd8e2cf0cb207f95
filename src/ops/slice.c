/* slice.c: parts of an axis: slice, pad, concat, reverse. */
#include "ops/common.h"

/* ---- slice ----------------------------------------------------------------------------------- */

static const iv_field slice_fields[] = {
    ATTR(iv__slice, axis, INT),
    ATTR(iv__slice, begin, INT),
    ATTR(iv__slice, count, INT),
    ATTR(iv__slice, stride, INT),
    FIELD_END,
};

static const char *slice_shape(iv_shape_call *s)
{
    const iv__slice *attr = s->attr;

    if (!iv__axis_ok(s->in[0], attr->axis))
        return "the axis is out of range";
    if (attr->stride < 1)
        return "the stride must be at least 1";

    const int64_t dim = s->in[0]->dim[attr->axis];

    if (attr->begin < 0 || attr->begin > dim || attr->count < 0 ||
        (attr->count && (attr->begin >= dim || attr->count - 1 > (dim - 1 - attr->begin) / attr->stride)))
        return "the slice reaches beyond the axis";
    s->out[0] = *s->in[0];
    s->out[0].dim[attr->axis] = attr->count;
    s->out_dtype[0] = s->in_dtype[0];
    return NULL;
}

/* Zeros are put back between the places (stride), then before and after them. */
static void slice_gradient(iv_gradient_call *g)
{
    const iv__slice *attr = g->attr;
    const int axis = (int)attr->axis;
    const int64_t dim = g->x[0]->shape.dim[axis];
    iv_node *dy = g->dy[0];
    int64_t length = attr->count;

    if (!length) {
        g->dx[0] = iv_like(g->x[0], 0);
        return;
    }
    if (attr->stride > 1 && length > 1) {
        iv_shape apart = g->y->shape;

        apart.dim[axis] = length * attr->stride;
        if (apart.rank == IV_MAX_RANK) {
            iv_refuse(g->graph, IV_UNSUPPORTED, "slice: no gradient for strides on %d axes",
                      IV_MAX_RANK);
            return;
        }
        dy = iv_pad(iv_reshape(dy, iv__with_axis(&g->y->shape, axis + 1, 1)), axis + 1, 0,
                    attr->stride - 1);
        length = (length - 1) * attr->stride + 1;
        dy = iv_slice(iv_reshape(dy, apart), axis, 0, length, 1);
    }
    g->dx[0] = iv_pad(dy, axis, attr->begin, dim - attr->begin - length);
}

static void slice_any(const iv_kernel_call *k)
{
    const iv__slice *attr = k->attr;
    iv__strides walk = iv__strides_of(k->out[0].shape);

    iv__contiguous(k->in[0].shape, walk.stride);
    walk.offset = attr->begin * walk.stride[attr->axis];
    walk.stride[attr->axis] *= attr->stride;
    iv__copy_strided(k, &walk);
}

static void slice_step(iv_step *s)
{
    iv__step_other_axis(s, ((const iv__slice *)s->call->attr)->axis,
                        "cuts time: it would look ahead or back");
}

static void slice_apart(iv_apart *a)
{
    iv__apart_other_axis(a, ((const iv__slice *)a->call->attr)->axis);
}

static const iv_op op_slice = {
    .name = "slice",
    .says = "places begin, begin + stride ... of an axis",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .flags = IV_RANGED,
    ATTRS(slice_fields, iv__slice),
    .shape = slice_shape,
    .gradient = slice_gradient,
    .step = slice_step,
    .apart = slice_apart,
    SAME_KERNEL(slice_any),
};

iv_node *iv_slice(iv_node *x, int axis, int64_t begin, int64_t count, int64_t stride)
{
    if (!x)
        return NULL;
    if (begin == 0 && stride == 1 && count == iv_node_dim(x, axis) &&
        iv__axis_ok(&x->shape, iv__from_front(x, axis)))
        return x;
    return iv__apply1(&op_slice, x, &(iv__slice){ iv__from_front(x, axis), begin, count, stride });
}

/* ---- pad ------------------------------------------------------------------------------------- */

static const iv_field pad_fields[] = {
    ATTR(iv__pad, axis, INT),
    ATTR(iv__pad, before, INT),
    ATTR(iv__pad, after, INT),
    FIELD_END,
};

static const char *pad_shape(iv_shape_call *s)
{
    const iv__pad *attr = s->attr;
    int64_t dim;

    if (!iv__axis_ok(s->in[0], attr->axis))
        return "the axis is out of range";
    if (attr->before < 0 || attr->after < 0)
        return "padding must not be negative (slice cuts)";
    s->out[0] = *s->in[0];
    if (__builtin_add_overflow(s->in[0]->dim[attr->axis], attr->before, &dim) ||
        __builtin_add_overflow(dim, attr->after, &dim))
        return "the padded axis is too long";
    s->out[0].dim[attr->axis] = dim;
    s->out_dtype[0] = s->in_dtype[0];
    return NULL;
}

static void pad_gradient(iv_gradient_call *g)
{
    const iv__pad *attr = g->attr;

    g->dx[0] = iv_slice(g->dy[0], (int)attr->axis, attr->before, g->x[0]->shape.dim[attr->axis], 1);
}

static void pad_any(const iv_kernel_call *k)
{
    const iv__pad *attr = k->attr;
    const iv_shape *x = k->in[0].shape;
    const int64_t inner = iv__dims_product(x, attr->axis + 1, x->rank);

    iv__copy_pieces(k, 3,
                    (iv__laid_piece[]){ { NULL, attr->before * inner },
                                        { k->in[0].data, x->dim[attr->axis] * inner },
                                        { NULL, attr->after * inner } });
}

static void pad_step(iv_step *s)
{
    iv__step_other_axis(s, ((const iv__pad *)s->call->attr)->axis,
                        "shifts time: it would look ahead or back");
}

static void pad_apart(iv_apart *a)
{
    iv__apart_other_axis(a, ((const iv__pad *)a->call->attr)->axis);
}

static const iv_op op_pad = {
    .name = "pad",
    .says = "zeros before and after an axis",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .flags = IV_RANGED,
    ATTRS(pad_fields, iv__pad),
    .shape = pad_shape,
    .gradient = pad_gradient,
    .step = pad_step,
    .apart = pad_apart,
    SAME_KERNEL(pad_any),
};

iv_node *iv_pad(iv_node *x, int axis, int64_t before, int64_t after)
{
    if (!x)
        return NULL;
    if (!before && !after && iv__axis_ok(&x->shape, iv__from_front(x, axis)))
        return x;
    return iv__apply1(&op_pad, x, &(iv__pad){ iv__from_front(x, axis), before, after });
}

/* ---- concat ---------------------------------------------------------------------------------- */

static const char *concat_shape(iv_shape_call *s)
{
    const int64_t axis = ((const iv__at_axis *)s->attr)->axis;
    iv_shape y = *s->in[0];

    if (!iv__axis_ok(&y, axis))
        return "the axis is out of range";
    for (int i = 1; i < s->n_in; i++) {
        iv_shape x = *s->in[i];

        if (s->in_dtype[i] != s->in_dtype[0])
            return "all inputs must have one element type";
        if (!iv__axis_ok(&x, axis) || __builtin_add_overflow(y.dim[axis], x.dim[axis], &y.dim[axis]))
            return "the axis is out of range";
        x.dim[axis] = y.dim[axis];
        if (!iv_shape_same(&x, &y))
            return "shapes differ on another axis";
    }
    s->out[0] = y;
    s->out_dtype[0] = s->in_dtype[0];
    return NULL;
}

static void concat_gradient(iv_gradient_call *g)
{
    const int64_t axis = ((const iv__at_axis *)g->attr)->axis;
    int64_t begin = 0;

    for (int i = 0; i < g->call->n_in; i++) {
        const int64_t count = g->x[i]->shape.dim[axis];

        if (g->need[i])
            g->dx[i] = iv_slice(g->dy[0], (int)axis, begin, count, 1);
        begin += count;
    }
}

static void concat_any(const iv_kernel_call *k)
{
    const int64_t axis = ((const iv__at_axis *)k->attr)->axis;
    iv__laid_piece piece[IV_MAX_IN];

    for (int i = 0; i < k->n_in; i++)
        piece[i] = (iv__laid_piece){ k->in[i].data,
                                     iv__dims_product(k->in[i].shape, axis, k->in[i].shape->rank) };
    iv__copy_pieces(k, k->n_in, piece);
}

static void concat_step(iv_step *s)
{
    int time = -1;

    for (int i = 0; i < s->call->n_in; i++)
        time = s->axis[i] >= 0 ? s->axis[i] : time;
    if (time == ((const iv__at_axis *)s->call->attr)->axis) {
        iv_step_refuse(s, "joins pieces of time: it would look ahead or back");
        return;
    }
    for (int i = 0; i < s->call->n_in && time >= 0; i++)
        s->in[i] = iv_step_narrow(s, i, time);
    iv_step_same(s, s->call->attr, time);
}

static void at_axis_apart(iv_apart *a)
{
    iv__apart_other_axis(a, ((const iv__at_axis *)a->call->attr)->axis);
}

static const iv_op op_concat = {
    .name = "concat",
    .says = "inputs end to end along an axis",
    .min_in = 1,
    .max_in = IV_MAX_IN,
    .n_out = 1,
    .flags = IV_RANGED,
    ATTRS(iv__fields_at_axis, iv__at_axis),
    .shape = concat_shape,
    .gradient = concat_gradient,
    .step = concat_step,
    .apart = at_axis_apart,
    SAME_KERNEL(concat_any),
};

iv_node *iv_concat(int n, iv_node *const x[], int axis)
{
    iv_node *part[IV_MAX_IN];
    int parts = 0;

    if (n < 1)
        return NULL;
    for (int i = 0; i < n; i++)
        if (!x[i])
            return NULL;
    if (n == 1)
        return x[0];
    if (n <= IV_MAX_IN)
        return iv_apply(x[0]->graph, &op_concat, n, x, &(iv__at_axis){ iv__from_front(x[0], axis) });

    const int group = (n + IV_MAX_IN - 1) / IV_MAX_IN; /* more than one call takes are joined in groups first */

    for (int i = 0; i < n; i += group)
        part[parts++] = iv_concat(n - i < group ? n - i : group, x + i, axis);
    return iv_concat(parts, part, axis);
}

/* ---- reverse --------------------------------------------------------------------------------- */

static const char *reverse_shape(iv_shape_call *s)
{
    if (!iv__axis_ok(s->in[0], ((const iv__at_axis *)s->attr)->axis))
        return "the axis is out of range";
    s->out[0] = *s->in[0];
    s->out_dtype[0] = s->in_dtype[0];
    return NULL;
}

static void reverse_gradient(iv_gradient_call *g)
{
    g->dx[0] = iv_reverse(g->dy[0], (int)((const iv__at_axis *)g->attr)->axis);
}

static void reverse_any(const iv_kernel_call *k)
{
    const int64_t axis = ((const iv__at_axis *)k->attr)->axis;
    iv__strides walk = iv__strides_of(k->out[0].shape);

    iv__contiguous(k->in[0].shape, walk.stride);
    walk.offset = (walk.dim[axis] - 1) * walk.stride[axis];
    walk.stride[axis] = -walk.stride[axis];
    iv__copy_strided(k, &walk);
}

static void reverse_step(iv_step *s)
{
    iv__step_other_axis(s, ((const iv__at_axis *)s->call->attr)->axis,
                        "turns time round: it would look ahead");
}

static const iv_op op_reverse = {
    .name = "reverse",
    .says = "an axis from its end to its beginning",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .flags = IV_RANGED,
    ATTRS(iv__fields_at_axis, iv__at_axis),
    .shape = reverse_shape,
    .gradient = reverse_gradient,
    .step = reverse_step,
    .apart = at_axis_apart,
    SAME_KERNEL(reverse_any),
};

iv_node *iv_reverse(iv_node *x, int axis)
{
    return x ? iv__apply1(&op_reverse, x, &(iv__at_axis){ iv__from_front(x, axis) }) : NULL;
}

/* ---- padding with what is there -------------------------------------------------------------- */

static bool pads(const char *what, const iv_node *x, int axis, int64_t before, int64_t after, int64_t most)
{
    char text[200];

    if (iv__axis_ok(&x->shape, iv__from_front(x, axis)) && before >= 0 && after >= 0 &&
        before <= most && after <= most)
        return true;
    iv_refuse(x->graph, IV_SHAPE, "%s: axis %d has nothing for padding of %lld and %lld (x = %s)",
              what, axis, (long long)before, (long long)after, iv__node_text(x, text, sizeof text));
    return false;
}

/* The parts that there are, end to end. */
static iv_node *framed(iv_node *before, iv_node *x, iv_node *after, int axis)
{
    iv_node *part[3];
    int n = 0;

    if (before && iv_node_dim(before, axis))
        part[n++] = before;
    part[n++] = x;
    if (after && iv_node_dim(after, axis))
        part[n++] = after;
    return iv_concat(n, part, axis);
}

iv_node *iv_pad_mirrored(iv_node *x, int axis, int64_t before, int64_t after)
{
    const int64_t size = iv_node_dim(x, axis);

    if (!x || !pads("pad_mirrored", x, axis, before, after, size - 1))
        return NULL;
    return framed(iv_reverse(iv_slice(x, axis, 1, before, 1), axis), x,
                  iv_reverse(iv_slice(x, axis, size - 1 - after, after, 1), axis), axis);
}

static iv_node *repeated(iv_node *x, int axis, int64_t place, int64_t count)
{
    iv_shape shape = x->shape;

    shape.dim[iv__from_front(x, axis)] = count;
    return iv_broadcast_to(iv_slice(x, axis, place, 1, 1), shape);
}

iv_node *iv_pad_edge(iv_node *x, int axis, int64_t before, int64_t after)
{
    const int64_t size = iv_node_dim(x, axis);

    if (!x || !pads("pad_edge", x, axis, before, after, size ? INT32_MAX : 0))
        return NULL;
    return framed(before ? repeated(x, axis, 0, before) : NULL, x,
                  after ? repeated(x, axis, size - 1, after) : NULL, axis);
}

const iv_op *const iv__ops_slice[] = { &op_slice, &op_pad, &op_concat, &op_reverse, NULL };
