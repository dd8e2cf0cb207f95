/* embedding.c: vectors by number, and masks by value. */
#include "nn/scope.h"

iv_node *iv_embedding_with(iv_scope *scope, iv_node *ids, const iv_embedding_options *o)
{
    iv_scope *layer = iv__layer_of(scope, ids, o, "embedding");
    iv_node *table = iv_param(layer, "embeddings", iv_dims(o->count, o->units),
                              IV_EMBEDDING_UNIFORM); /* [V,E] */

    return iv__layer_close(layer, iv_gather(table, ids));
}

static iv_node *differs(iv_node *x, double value)
{
    return iv_shift(iv_neg(iv_equal(x, iv_like(x, value))), 1);
}

iv_node *iv_mask_zero(iv_node *ids)
{
    return differs(ids, 0);
}

iv_node *iv_masking(iv_node *x, double value)
{
    return iv_max_of(differs(x, value), -1, false);
}
