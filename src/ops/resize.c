/* resize.c: images in another size: nearest neighbours by whole factors, and linear interpolation along
 * an axis. The two rows of interpolation are each other's gradients: every order. */
#include "ops/common.h"
#include "ops/common_math.h"

#include <string.h>

/* Half-pixel centres: place i of `to` lies at (i + 1/2) from / to - 1/2 among `from` places; outside the
 * first and the last centre their values go on. */
typedef struct between {
    int64_t low, high;
    double share; /* of high */
} between;

static between between_of(int64_t i, int64_t from, int64_t to)
{
    double at = ((double)i + 0.5) * (double)from / (double)to - 0.5;
    at = at < 0 ? 0 : at > (double)(from - 1) ? (double)(from - 1) : at;
    between b = { .low = (int64_t)at };

    b.high = b.low + 1 < from ? b.low + 1 : b.low;
    b.share = at - (double)b.low;
    return b;
}

#include "ops/common_f32.inc"
#include "ops/resize_kernels.inc"

#include "ops/common_f64.inc"
#include "ops/resize_kernels.inc"
#include "ops/common_end.inc"

static const iv_field interpolate_fields[] = { ATTR(iv__interpolate, axis, INT),
                                               ATTR(iv__interpolate, size, INT), FIELD_END };

static const char *interpolate_shape(iv_shape_call *s)
{
    const iv__interpolate *attr = s->attr;

    if (s->in_dtype[0] != s->real)
        return "elements must be of the graph's real type (iv_cast makes them so)";
    if (!iv__axis_ok(s->in[0], attr->axis))
        return "the axis is out of range";
    if (attr->size < 1 || attr->size > INT32_MAX || s->in[0]->dim[attr->axis] < 1 ||
        s->in[0]->dim[attr->axis] > INT32_MAX)
        return "both sizes must be at least 1";
    s->out[0] = *s->in[0];
    s->out[0].dim[attr->axis] = attr->size;
    s->out_dtype[0] = s->real;
    return NULL;
}

static const iv_op op_interpolate, op_interpolate_back;

static iv__interpolate turned(const iv_gradient_call *g)
{
    const int64_t axis = ((const iv__interpolate *)g->attr)->axis;

    return (iv__interpolate){ axis, g->x[0]->shape.dim[axis] };
}

static void interpolate_gradient(iv_gradient_call *g)
{
    iv__interpolate attr = turned(g);

    g->dx[0] = iv__apply1(&op_interpolate_back, g->dy[0], &attr);
}

static void interpolate_back_gradient(iv_gradient_call *g)
{
    iv__interpolate attr = turned(g);

    g->dx[0] = iv__apply1(&op_interpolate, g->dy[0], &attr);
}

static void interpolate_step(iv_step *s)
{
    iv__step_other_axis(s, ((const iv__interpolate *)s->call->attr)->axis,
                        "stretches time: it would look ahead");
}

static void interpolate_apart(iv_apart *a)
{
    iv__apart_other_axis(a, ((const iv__interpolate *)a->call->attr)->axis);
}

static const iv_op op_interpolate = {
    .name = "interpolate",
    .says = "an axis in another length, linearly between its places",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    ATTRS(interpolate_fields, iv__interpolate),
    .shape = interpolate_shape,
    .gradient = interpolate_gradient,
    .step = interpolate_step,
    .apart = interpolate_apart,
    KERNELS(interpolate),
};

static const iv_op op_interpolate_back = {
    .name = "interpolate_back",
    .says = "the adjoint of interpolate",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    ATTRS(interpolate_fields, iv__interpolate),
    .shape = interpolate_shape,
    .gradient = interpolate_back_gradient,
    .step = interpolate_step,
    .apart = interpolate_apart,
    KERNELS(interpolate_back),
};

/* ---- builders -------------------------------------------------------------------------------- */

/* One number for each spatial axis. */
static bool fits(const char *what, const iv_node *x, const iv_shape *numbers)
{
    char text[200];
    bool whole = numbers->rank == x->shape.rank - 2 && numbers->rank > 0;

    for (int k = 0; whole && k < numbers->rank; k++)
        whole = numbers->dim[k] >= 1 && numbers->dim[k] <= INT32_MAX;
    if (!whole)
        iv_refuse(x->graph, IV_SHAPE,
                  "%s: there must be one whole number, at least 1, for each spatial axis (x = %s)",
                  what, iv__node_text(x, text, sizeof text));
    return whole;
}

iv_node *iv_resize(iv_node *x, iv_shape size)
{
    if (!x || !fits("resize", x, &size))
        return NULL;
    for (int k = 0; k < size.rank; k++)
        if (iv_node_dim(x, k + 1) != size.dim[k])
            x = iv__apply1(&op_interpolate, x, &(iv__interpolate){ k + 1, size.dim[k] });
    return x;
}

iv_node *iv_upsample(iv_node *x, iv_shape factors)
{
    if (!x || !fits("upsample", x, &factors))
        return NULL;
    iv_shape seen = { .rank = 1, .dim = { x->shape.dim[0] } }, stretched = seen, y = x->shape;

    if (2 * factors.rank + 2 > IV_MAX_RANK)
        return iv_refuse(x->graph, IV_UNSUPPORTED, "upsample: three spatial axes at most");
    for (int k = 0; k < factors.rank; k++) { /* each axis and behind it its factor */
        const int64_t places = x->shape.dim[k + 1];

        seen.dim[seen.rank++] = stretched.dim[stretched.rank++] = places;
        seen.dim[seen.rank++] = 1;
        stretched.dim[stretched.rank++] = factors.dim[k];
        if (__builtin_mul_overflow(places, factors.dim[k], &y.dim[k + 1]))
            return iv_refuse(x->graph, IV_SHAPE, "upsample: the image would be too large");
    }
    seen.dim[seen.rank++] = stretched.dim[stretched.rank++] = iv_node_dim(x, -1);
    return iv_reshape(iv_broadcast_to(iv_reshape(x, seen), stretched), y);
}

const iv_op *const iv__ops_resize[] = { &op_interpolate, &op_interpolate_back, NULL };
