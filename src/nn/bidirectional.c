/* bidirectional.c: two recurrent layers, one of which reads from the end.
 * Source: Schuster & Paliwal 1997. */
#include "nn/scope.h"

#include "graph/node.h"

static iv_node *merged(iv_node *forward, iv_node *backward, iv_merge merge)
{
    switch (merge) {
    case IV_MERGE_CONCAT: return iv_concat(2, (iv_node *[]){ forward, backward }, -1);
    case IV_MERGE_SUM: return iv_add(forward, backward);
    case IV_MERGE_AVERAGE: return iv_scale(iv_add(forward, backward), 0.5);
    case IV_MERGE_MULTIPLY: return iv_mul(forward, backward);
    }
    return forward ? iv_refuse(forward->graph, IV_VALUE, "there is no merge number %d", (int)merge)
                   : NULL;
}

/* Keras gives zeros at masked positions of a bidirectional layer, where a layer alone repeats the
 * held state. */
static iv_node *shown(iv_node *y, iv_node *mask)
{
    if (!y || !mask)
        return y;
    iv_shape places = iv_dims(iv_node_dim(mask, 0), iv_node_dim(mask, 1), 1);
    return iv_select(iv_reshape(mask, places), y, iv_fill(y->graph, iv_scalar(), 0));
}

iv_node *iv_bidirectional_with(iv_scope *scope, iv_node *x, iv_merge merge,
                               const iv_recurrent_options *o)
{
    iv_scope *layer = iv__layer_of(scope, x, o, "bidirectional");
    iv_recurrent_out forward = { 0 }, backward = { 0 }, out = { 0 };
    iv_recurrent_options half = *o;

    half.name = "forward";
    half.states = &forward;
    iv_recurrent_with(layer, x, &half);
    half.name = "backward";
    half.states = &backward;
    half.reverse = !o->reverse;
    iv_recurrent_with(layer, x, &half);

    out.y = merged(shown(forward.y, o->mask), shown(backward.y, o->mask), merge);
    out.h = merged(forward.h, backward.h, merge);
    out.c = forward.c ? merged(forward.c, backward.c, merge) : NULL;
    if (o->states)
        *o->states = out;
    return iv__layer_close(layer, out.y);
}
