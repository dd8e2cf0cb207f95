/* copy.c: a row of the plan's own: the same bytes in memory of their own, whatever their type. */
#include "plan/parts.h"

#include <string.h>

static const char *copy_shape(iv_shape_call *s)
{
    s->out[0] = *s->in[0];
    s->out_dtype[0] = s->in_dtype[0];
    return NULL;
}

static void copy(const iv_kernel_call *k)
{
    memmove(k->out[0].data, k->in[0].data, (size_t)k->count * iv_dtype_size(k->in[0].dtype));
}

static const iv_op op_copy = {
    .name = "copy",
    .says = "x",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .flags = IV_RANGED | IV_POINTWISE,
    .shape = copy_shape,
    .no_gradient = "plans copy, graphs do not",
    .no_step = "plans copy, graphs do not",
    .f32 = copy,
    .f64 = copy,
};

iv_node *iv__copied(iv_node *x)
{
    return iv__apply1(&op_copy, x, NULL);
}
