/* time_distributed.c: a layer applied to each position of a sequence. */
#include "nn/scope.h"

#include "graph/node.h"

iv_node *iv_time_distributed(iv_scope *scope, iv_node *x, iv_layer *layer, void *context)
{
    if (!scope || !x)
        return NULL;
    int64_t n = iv_node_dim(x, 0), t = iv_node_dim(x, 1);
    iv_shape flat = { .rank = x->shape.rank - 1, .dim = { n * t } }, whole = { .dim = { n, t } };
    char text[200];

    if (x->shape.rank < 2)
        return iv_refuse(x->graph, IV_SHAPE, "time_distributed: x must be [N,T,...] (x = %s)",
                         iv__node_text(x, text, sizeof text));
    for (int64_t i = 2; i < x->shape.rank; i++)
        flat.dim[i - 1] = x->shape.dim[i];

    int64_t positions = scope->positions;
    scope->positions *= t;
    iv_node *y = layer(scope, iv_reshape(x, flat), context); /* [N T,...] */
    scope->positions = positions;
    if (!y)
        return NULL;
    if (iv_node_dim(y, 0) != n * t || y->shape.rank == IV_MAX_RANK)
        return iv_refuse(x->graph, IV_SHAPE,
                         "time_distributed: its layer must keep axis 0 of length %lld (y = %s)",
                         (long long)(n * t), iv__node_text(y, text, sizeof text));
    whole.rank = y->shape.rank + 1;
    for (int64_t i = 1; i < y->shape.rank; i++)
        whole.dim[i + 1] = y->shape.dim[i];
    return iv_reshape(y, whole);
}
