/* update.c: steps of optimizers, each in one row: plans make them of the chains of rows that
 * optimizers are written in, with the same bits. */
#include "ops/update.h"

#include "ops/common.h"
#include "ops/common_math.h"

#include "ops/common_f32.inc"
#include "ops/update_kernels.inc"

#include "ops/common_f64.inc"
#include "ops/update_kernels.inc"
#include "ops/common_end.inc"

#define MADE_BY_PLANS "only plans make it, of rows that have one"

static const char *update_shape(iv_shape_call *s)
{
    for (int i = 0; i < s->n_in; i++) {
        if (s->in_dtype[i] != s->real)
            return "elements must be of the graph's real type (iv_cast makes them so)";
        if (!iv_shape_same(s->in[0], s->in[i]))
            return "shapes differ";
    }
    s->out[0] = *s->in[0];
    s->out_dtype[0] = s->real;
    return NULL;
}

static const iv_field average_fields[] = { ATTR(iv__average, share, REAL),
                                           ATTR(iv__average, squared, INT), FIELD_END };
static const iv_field descend_fields[] = { ATTR(iv__descend, epsilon, REAL),
                                           ATTR(iv__descend, inside, INT), FIELD_END };

static const iv_op op_average = {
    .name = "average",
    .says = "an average that forgets: m + (x - m) share, of x or of its square",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .flags = IV_RANGED | IV_POINTWISE,
    ATTRS(average_fields, iv__average),
    .shape = update_shape,
    .no_gradient = MADE_BY_PLANS,
    KERNELS(average),
};

static const iv_op op_descend = {
    .name = "descend",
    .says = "w - rate x / (sqrt(s) + epsilon), epsilon behind the root or inside",
    .min_in = 4,
    .max_in = 4,
    .n_out = 1,
    .flags = IV_RANGED | IV_POINTWISE,
    ATTRS(descend_fields, iv__descend),
    .shape = update_shape,
    .no_gradient = MADE_BY_PLANS,
    KERNELS(descend),
};

iv_node *iv__average_node(iv_node *m, iv_node *x, iv__average attr)
{
    return iv__apply2(&op_average, m, x, &attr);
}

iv_node *iv__descend_node(iv_node *w, iv_node *rate, iv_node *x, iv_node *s, iv__descend attr)
{
    return iv_apply(w->graph, &op_descend, 4, (iv_node *[]){ w, rate, x, s }, &attr);
}

const iv_op *const iv__ops_update[] = { &op_average, &op_descend, NULL };
