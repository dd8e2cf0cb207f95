/* loss.c: one number for how far the outputs are from the targets. */
#include <ivory/nn.h>

#include "graph/node.h"
#include "ops/common.h"

/* sum(weight each) / sum(weight); the plain mean without weight. */
static iv_node *weighted_mean(iv_node *each, iv_node *weight)
{
    return weight ? iv_div(iv_sum_all(iv_mul(each, weight)), iv_sum_all(weight)) : iv_mean_all(each);
}

iv_node *iv_cross_entropy(iv_node *logits, iv_node *target, iv_node *weight)
{
    iv_node *each = iv_cross_entropy_each(logits, target, weight);

    if (!each || each->graph->status)
        return NULL;
    return weight ? iv_div(iv_sum_all(each), iv_sum_all(weight)) : iv_mean_all(each);
}

static iv_node *refuse_shapes(const char *loss, const iv_node *y, const char *what, const iv_node *other)
{
    char a[200], b[200];

    return iv_refuse(y->graph, IV_SHAPE, "%s: the shapes of y and %s do not fit (y = %s, %s = %s)", loss,
                     what, iv__node_text(y, a, sizeof a), what, iv__node_text(other, b, sizeof b));
}

/* Weights may be of single elements, or of places: then a place counts by the mean over the last axis,
 * as in Keras. */
static iv_node *mean_of(const char *loss, iv_node *each, iv_node *y, iv_node *weight)
{
    if (!each || each->graph->status)
        return NULL;
    if (weight && !iv_shape_same(&weight->shape, &y->shape)) {
        iv_shape places = y->shape.rank ? iv__without_axis(&y->shape, y->shape.rank - 1) : y->shape;
        if (!iv_shape_same(&weight->shape, &places))
            return refuse_shapes(loss, y, "weight", weight);
        each = iv_mean(each, -1, false);
    }
    return weighted_mean(each, weight);
}

/* y - target; equal shapes are asked for, because [N,1] and [N] would silently become [N,N]. */
static iv_node *difference(const char *loss, iv_node *y, iv_node *target)
{
    if (!y || !target)
        return NULL;
    if (!iv_shape_same(&y->shape, &target->shape))
        return refuse_shapes(loss, y, "target", target);
    return iv_sub(y, target);
}

iv_node *iv_mean_squared_error(iv_node *y, iv_node *target, iv_node *weight)
{
    const char *loss = "mean_squared_error";

    return mean_of(loss, iv_square(difference(loss, y, target)), y, weight);
}

iv_node *iv_mean_absolute_error(iv_node *y, iv_node *target, iv_node *weight)
{
    const char *loss = "mean_absolute_error";

    return mean_of(loss, iv_abs(difference(loss, y, target)), y, weight);
}
