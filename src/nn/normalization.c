/* normalization.c: values with mean 0 and variance 1, over a batch, a place, or groups of channels; then
 * scaled and moved by parameters. */
#include "nn/normalization.h"

#include "graph/node.h"
#include "nn/scope.h"
#include "ops/common.h"

static double or_default(double given, double normal)
{
    return given == (double)IV_ZERO ? 0 : given == 0 ? normal : given;
}

static iv_node *mean_to(iv_node *x, iv_shape to, iv_node *weight)
{
    const int64_t count = iv_shape_count(&to) ? iv_shape_count(&x->shape) / iv_shape_count(&to) : 0;

    if (!weight)
        return iv_scale(iv_sum_to(x, to), 1 / (double)count);
    iv_node *share = iv_div(weight,
                            iv_scale(iv_sum_all(weight), (double)count / (double)x->shape.dim[0]));
    return iv_sum_to(iv_mul(x, share), to);
}

iv_node *iv__moments(iv_node *x, iv_shape to, iv_node *weight, iv_node **mean, iv_node **variance)
{
    *mean = *variance = NULL;
    if (!x)
        return NULL;
    *mean = mean_to(x, to, weight);
    iv_node *centred = iv_sub(x, *mean);
    *variance = centred ? mean_to(iv_square(centred), to, weight) : NULL;
    return centred;
}

/* centred / sqrt(variance + epsilon) gamma + beta, of those that there are; the parameters seen as `shape`. */
static iv_node *closed(iv_scope *layer, iv_node *centred, iv_node *variance, iv_shape shape,
                       const iv_normalization_options *o)
{
    const iv_shape channels = iv_dims(iv_shape_count(&shape));
    iv_node *factor = iv_reciprocal(iv_sqrt(iv_shift(variance, or_default(o->epsilon, 1e-3))));

    if (!o->no_scale)
        factor = iv_mul(factor, iv_reshape(iv_param(layer, "gamma", channels, IV_ONES), shape));
    iv_node *y = iv_mul(centred, factor);
    return o->no_centre ? y
                        : iv_add(y, iv_reshape(iv_param(layer, "beta", channels, IV_ZEROS), shape));
}

static bool has_channels(iv_scope *layer, const iv_node *x, int least_rank)
{
    char text[200];

    if (!layer || x->shape.rank >= least_rank)
        return layer != NULL;
    iv_refuse(x->graph, IV_SHAPE, "%s: there must be records and channels (x = %s)", layer->name,
              iv__node_text(x, text, sizeof text));
    return false;
}

/* ---- over a batch ---------------------------------------------------------------------------- */

/* Weights [N] as a factor of x [N,...,C]. */
static iv_node *weight_of(iv_node *x, iv_node *weight)
{
    iv_shape shape = { .rank = x->shape.rank, .dim = { x->shape.dim[0] } };

    for (int k = 1; k < shape.rank; k++)
        shape.dim[k] = 1;
    return iv_reshape(weight, shape);
}

static void move_towards(iv_scope *layer, iv_node *leaf, iv_node *value, double momentum)
{
    iv_node *old = iv__scope_value(layer, leaf);

    iv__scope_update(layer, leaf, iv_add(iv_scale(old, momentum), iv_scale(value, 1 - momentum)));
}

iv_node *iv_batch_normalization_with(iv_scope *scope, iv_node *x, const iv_normalization_options *o)
{
    iv_scope *layer = iv__layer_of(scope, x, o, "batch_normalization");
    iv_node *y = NULL;

    if (has_channels(layer, x, 2)) {
        const iv_shape channels = iv_dims(iv_node_dim(x, -1));
        const double momentum = or_default(o->momentum, 0.99);
        iv_node *moving_mean = iv_param(layer, "moving_mean", channels, IV_ZEROS),
                *moving_variance = iv_param(layer, "moving_variance", channels, IV_ONES);

        if (iv__scope_is_training(layer)) {
            iv_node *mean, *variance, *weight = o->weight ? weight_of(x, o->weight) : NULL;
            iv_node *centred = iv__moments(x, channels, weight, &mean, &variance);

            y = closed(layer, centred, variance, channels, o);
            move_towards(layer, moving_mean, mean, momentum);
            move_towards(layer, moving_variance, variance, momentum);
        } else {
            y = closed(layer, iv_sub(x, moving_mean), moving_variance, channels, o);
        }
    }
    return iv__layer_close(layer, y);
}

/* ---- within a record ------------------------------------------------------------------------- */

iv_node *iv_layer_normalization_with(iv_scope *scope, iv_node *x, const iv_normalization_options *o)
{
    iv_scope *layer = iv__layer_of(scope, x, o, "layer_normalization");
    iv_node *y = NULL;

    if (has_channels(layer, x, 1)) {
        iv_shape places = x->shape;
        iv_node *mean, *variance;

        places.dim[places.rank - 1] = 1;
        iv_node *centred = iv__moments(x, places, NULL, &mean, &variance);
        y = closed(layer, centred, variance, iv_dims(iv_node_dim(x, -1)), o);
    }
    return iv__layer_close(layer, y);
}

static iv_node *in_groups(iv_scope *layer, iv_node *x, int64_t groups, const iv_normalization_options *o)
{
    const int64_t channels = iv_node_dim(x, -1), records = x->shape.dim[0];
    iv_node *mean, *variance;

    if (groups < 1 || channels % groups)
        return iv_refuse(x->graph, IV_VALUE, "%s: %lld groups must divide %lld channels",
                         layer->name, (long long)groups, (long long)channels);
    const int64_t places = iv__dims_product(&x->shape, 1, x->shape.rank - 1), each = channels / groups;
    iv_node *apart = iv_reshape(x, iv_dims(records, places, groups, each));
    iv_node *centred = iv__moments(apart, iv_dims(records, 1, groups, 1), NULL, &mean, &variance);
    return iv_reshape(closed(layer, centred, variance, iv_dims(groups, each), o), x->shape);
}

iv_node *iv_group_normalization_with(iv_scope *scope, iv_node *x, const iv_normalization_options *o)
{
    iv_scope *layer = iv__layer_of(scope, x, o, "group_normalization");
    iv_node *y = has_channels(layer, x, 2) ? in_groups(layer, x, o->groups ? o->groups : 32, o) : NULL;

    return iv__layer_close(layer, y);
}

iv_node *iv_instance_normalization_with(iv_scope *scope, iv_node *x, const iv_normalization_options *o)
{
    iv_scope *layer = iv__layer_of(scope, x, o, "instance_normalization");
    iv_node *y = has_channels(layer, x, 2) ? in_groups(layer, x, iv_node_dim(x, -1), o) : NULL;

    return iv__layer_close(layer, y);
}
