/* weight_norm.c: kernels of dense and convolutional layers whose filters have a direction and a length of
 * their own, and the first values of these lengths by the data of a first batch.
 * Source: Salimans & Kingma 2016, Weight normalization. */
#include "nn/weight_norm.h"

#include "base/home.h"
#include "graph/node.h"
#include "nn/normalization.h"

/* A filter that is all zeros stays so. */
static const double least_square = 1e-12;

iv_node *iv__weight_norm_kernel(iv_scope *layer, iv_node *v, int axis)
{
    if (!v)
        return NULL;
    iv_shape each = { .rank = v->shape.rank };

    for (int k = 0; k < each.rank; k++)
        each.dim[k] = k == axis ? v->shape.dim[k] : 1;
    iv_node *squares = iv_sum_to(iv_square(v), each);
    iv_node *along = iv_div(v, iv_sqrt(iv_max(squares, iv_fill(v->graph, iv_scalar(), least_square))));

    if (iv__scope_is_initializing(layer)) /* iv__weight_norm_output finds the lengths */
        return along;
    iv_node *gain = iv_param(layer, "gain", iv_dims(v->shape.dim[axis]), IV_ONES);
    return iv_mul(along, iv_reshape(gain, each));
}

iv_node *iv__weight_norm_output(iv_scope *layer, iv_node *t, bool no_bias)
{
    if (!t)
        return NULL;
    const int64_t filters = iv_node_dim(t, -1);
    iv_node *bias = no_bias ? NULL : iv_param(layer, "bias", iv_dims(filters), IV_ZEROS);

    if (!iv__scope_is_initializing(layer))
        return no_bias ? t : iv_add(t, bias);

    /* t moves nothing yet: lengths 1, no bias. What comes behind sees what will be. */
    iv_node *one = iv_fill(t->graph, iv_scalar(), 1), *mean, *variance;
    iv__moments(t, iv_dims(filters), NULL, &mean, &variance);
    iv_node *varies = iv_less(iv_like(variance, least_square), variance);
    iv_node *gain = iv_select(varies, iv_reciprocal(iv_sqrt(iv_select(varies, variance, one))), one);
    iv_node *moved = iv_neg(iv_mul(mean, gain));

    iv__scope_update(layer, iv_param(layer, "gain", iv_dims(filters), IV_ONES), gain);
    if (no_bias)
        return iv_mul(t, gain);
    iv__scope_update(layer, bias, moved);
    return iv_add(iv_mul(t, gain), moved);
}

iv_status iv_initialize(iv_scope *scope, iv_fill_plan *fill, void *context)
{
    if (!scope)
        return IV_VALUE;
    const iv_update *updates;
    const int n = iv_scope_updates(scope, &updates);
    iv_graph *graph = scope->graph;

    if (graph->status)
        return iv__graph_fail(graph);
    if (!n)
        return IV_OK;
    iv_plan *plan = iv_plan_new(graph->home, 0, NULL, n, updates);
    iv_status status = plan ? iv_params_bind(scope->params, plan) : iv_home_status(graph->home);
    if (!status)
        status = fill(plan, context);
    if (!status)
        status = iv_plan_run(plan);
    if (!status)
        iv_params_changed(scope->params);
    iv_plan_free(plan);
    return status;
}
