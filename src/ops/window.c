/* window.c: places of an axis around a position that is known at run time: keep puts one there, window
 * takes some from there. The stepper's states are made of them. */
#include "ops/common.h"
#include "ops/window.h"

#include <string.h>

/* ---- window ---------------------------------------------------------------------------------- */

static const iv_field window_fields[] = {
    ATTR(iv__window, axis, INT), ATTR(iv__window, offset, INT), ATTR(iv__window, count, INT),
    ATTR(iv__window, step, INT), ATTR(iv__window, per, INT),    FIELD_END,
};

static bool is_position(const iv_shape_call *s, int k)
{
    return s->in_dtype[k] == IV_I32 && iv_shape_count(s->in[k]) == 1;
}

static const char *window_shape(iv_shape_call *s)
{
    const iv__window *attr = s->attr;

    if (!iv__axis_ok(s->in[0], attr->axis))
        return "the axis is out of range";
    if (!is_position(s, 1))
        return "the position must be one i32";
    if (attr->count < 1 || attr->count > INT32_MAX || attr->per < 1 || attr->per > INT32_MAX ||
        attr->step < -INT32_MAX || attr->step > INT32_MAX || attr->offset < -INT32_MAX ||
        attr->offset > INT32_MAX)
        return "counts must be at least 1, and numbers not out of range";
    s->out[0] = *s->in[0];
    s->out[0].dim[attr->axis] = attr->count;
    s->out_dtype[0] = s->in_dtype[0];
    return NULL;
}

static void window_any(const iv_kernel_call *k)
{
    const iv__window *attr = k->attr;
    const iv_shape *x = k->in[0].shape;
    const int64_t outer = iv__dims_product(x, 0, attr->axis), length = x->dim[attr->axis];
    const size_t inner = (size_t)iv__dims_product(x, attr->axis + 1, x->rank) *
                         iv_dtype_size(k->in[0].dtype);
    const int64_t first = *(const int32_t *)k->in[1].data / attr->per + attr->offset;
    char *to = k->out[0].data;

    for (int64_t o = 0; o < outer; o++) {
        const char *from = (const char *)k->in[0].data + (size_t)(o * length) * inner;

        for (int64_t j = 0; j < attr->count; j++, to += inner) {
            const int64_t place = first + j * attr->step;

            if (place >= 0 && place < length)
                memcpy(to, from + (size_t)place * inner, inner);
            else
                memset(to, 0, inner);
        }
    }
}

static const iv_op op_window = {
    .name = "window",
    .says = "places at / per + offset, + step ... of an axis; beyond its ends zeros",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    ATTRS(window_fields, iv__window),
    .shape = window_shape,
    .no_gradient = "it reads a stepper's states",
    .no_step = "it is a stepper's own",
    SAME_KERNEL(window_any),
};

iv_node *iv__window_of(iv_node *x, iv_node *at, const iv__window *attr)
{
    return iv__apply2(&op_window, x, at, attr);
}

/* ---- keep ------------------------------------------------------------------------------------ */

static const iv_field keep_fields[] = {
    ATTR(iv__keep, axis, INT),
    ATTR(iv__keep, per, SHAPE),
    FIELD_END,
};

static const char *keep_shape(iv_shape_call *s)
{
    const iv__keep *attr = s->attr;
    const int positions = s->n_in - 2;
    iv_shape part = *s->in[0];

    if (attr->axis < 0 || attr->axis + positions > s->in[0]->rank || attr->per.rank != positions)
        return "the axes are out of range";
    for (int p = 0; p < positions; p++) {
        if (!is_position(s, 2 + p))
            return "positions must be one i32 each";
        if (attr->per.dim[p] < 1)
            return "numbers must be at least 1";
        part.dim[attr->axis + p] = 1;
    }
    if (!iv_shape_same(&part, s->in[1]) || s->in_dtype[0] != s->in_dtype[1])
        return "what is put must be one place long there, and else as what it is put into";
    s->out[0] = *s->in[0];
    s->out_dtype[0] = s->in_dtype[0];
    return NULL;
}

static void keep_any(const iv_kernel_call *k)
{
    const iv__keep *attr = k->attr;
    const iv_shape *x = k->in[0].shape;
    const size_t size = iv_dtype_size(k->in[0].dtype);
    const int64_t after = attr->axis + attr->per.rank, outer = iv__dims_product(x, 0, attr->axis),
                  places = iv__dims_product(x, attr->axis, after);
    const size_t inner = (size_t)iv__dims_product(x, after, x->rank) * size;
    int64_t place = 0;

    if (k->out[0].data != k->in[0].data)
        memcpy(k->out[0].data, k->in[0].data, (size_t)iv_shape_count(x) * size);
    for (int p = 0; p < attr->per.rank; p++) {
        const int64_t at = *(const int32_t *)k->in[2 + p].data / attr->per.dim[p];

        if (at < 0 || at >= x->dim[attr->axis + p])
            return;
        place = place * x->dim[attr->axis + p] + at;
    }
    for (int64_t o = 0; o < outer; o++)
        memcpy((char *)k->out[0].data + (size_t)(o * places + place) * inner,
               (const char *)k->in[1].data + (size_t)o * inner, inner);
}

/* Another walk, over the axis behind: what is put there one by one has a position there, too. */
static void keep_step(iv_step *s)
{
    iv__keep attr = *(const iv__keep *)s->call->attr;
    iv_node *in[IV_MAX_IN];
    const int n = s->call->n_in;

    for (int k = 0; k < n; k++)
        if (s->moves[k] != (k == 1)) {
            iv_step_refuse(s, "positions change with each other");
            return;
        }
    if (s->axis[1] != attr.axis + attr.per.rank || n == IV_MAX_IN) {
        iv_step_refuse(s, "what it keeps is walked along another axis");
        return;
    }
    memcpy(in, s->in, sizeof in);
    in[n] = iv_step_position(s);
    attr.per.dim[attr.per.rank++] = s->level[1];
    iv_step_output(s, 0, iv_apply(s->graph, s->call->op, n + 1, in, &attr), -1);
}

static const iv_op op_keep = {
    .name = "keep",
    .says = "the buffer with x at a place: at / per along each of some axes",
    .min_in = 3,
    .max_in = 2 + IV_MAX_RANK,
    .n_out = 1,
    .flags = IV_IN_PLACE,
    ATTRS(keep_fields, iv__keep),
    .shape = keep_shape,
    .no_gradient = "it is a stepper's state",
    .step = keep_step,
    SAME_KERNEL(keep_any),
};

iv_node *iv__keep_at(iv_node *buffer, iv_node *x, iv_node *at, const iv__keep *attr)
{
    return buffer ? iv_apply(buffer->graph, &op_keep, 3, (iv_node *[]){ buffer, x, at }, attr) : NULL;
}

const iv_op *const iv__ops_window[] = { &op_window, &op_keep, NULL };
