/* dropout.c: in training, zeros at random places.
 * Source: Srivastava et al. 2014, in the form that scales while training. */
#include "nn/scope.h"

#include "graph/node.h"

/* A shared layer draws other numbers each time it is opened, so its places are "dropout",
 * "dropout:2", ... */
static const char *place(iv_scope *layer)
{
    return layer->opening == 1
               ? layer->name
               : iv__arena_print(&layer->graph->arena, "%s:%d", layer->name, layer->opening);
}

/* Numbers of a shape. Where several rows of axis 0 make a record, they are drawn as that record's
 * elements. */
static iv_node *draw(iv_scope *layer, iv_shape shape)
{
    int64_t positions = iv__scope_positions(layer), rows = shape.rank ? shape.dim[0] : 1;
    iv_node *clock = iv_random_clock(layer->graph);
    const char *name = place(layer);

    if (!name)
        return iv_refuse(layer->graph, IV_NOMEM, "%s", iv_home_message(layer->graph->home));
    if (positions == 1)
        return iv_random_uniform(clock, shape, name);
    int64_t records = rows / positions;
    if (records < 1 || records * positions != rows)
        return iv_refuse(layer->graph, IV_SHAPE,
                         "%s: axis 0 of length %lld must hold %lld positions for each record",
                         layer->name, (long long)rows, (long long)positions);
    iv_shape flat = iv_dims(records, iv_shape_count(&shape) / records);
    return iv_reshape(iv_random_uniform(clock, flat, name), shape);
}

/* Dropout with a number for each element of `shape`, which x has or is broadcast to. */
static iv_node *dropped(iv_scope *scope, iv_node *x, iv_shape shape, const char *kind, double rate)
{
    iv_scope *layer = iv__layer_open(scope, x, NULL, kind, true);
    iv_node *y = x;

    if (!layer)
        return NULL;
    if (!(rate >= 0 && rate < 1)) {
        iv_refuse(layer->graph, IV_VALUE, "%s: its rate must be in [0,1) and is %g", layer->name, rate);
    } else if (rate > 0 && iv__scope_is_training(layer)) {
        iv_node *u = draw(layer, shape);
        y = iv_mul(x, iv_scale(iv_less_equal(iv_like(u, rate), u), 1 / (1 - rate)));
    }
    return iv__layer_close(layer, y);
}

iv_node *iv_dropout(iv_scope *scope, iv_node *x, double rate)
{
    return dropped(scope, x, x ? x->shape : iv_scalar(), "dropout", rate);
}

iv_node *iv_dropout_vectors(iv_scope *scope, iv_node *x, double rate)
{
    iv_shape shape = x ? x->shape : iv_scalar();

    if (shape.rank)
        shape.dim[shape.rank - 1] = 1;
    return dropped(scope, x, shape, "dropout_vectors", rate);
}
