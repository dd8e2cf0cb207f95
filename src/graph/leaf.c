/* leaf.c: inputs and parameters, the rows without inputs whose values come from outside. */
#include "graph/node.h"

#include "base/field.h"

#include <limits.h>
#include <string.h>

static const iv_field leaf_fields[] = {
    FIELD(iv__leaf, name, TEXT, NULL, 0, 0, NULL, NULL, "name"),
    FIELD(iv__leaf, dtype, DTYPE, NULL, 0, 0, NULL, NULL, "element type"),
    FIELD(iv__leaf, shape, SHAPE, NULL, 0, 0, NULL, NULL, "shape"),
    FIELD(iv__leaf, axis, INT, NULL, 0, 0, NULL, NULL, "axis of causal time, or -1"),
    FIELD(iv__leaf, axes, INT, NULL, 0, 0, NULL, NULL, "causal axes from there on"),
    FIELD_END,
};

static const char *leaf_shape(iv_shape_call *s)
{
    const iv__leaf *leaf = s->attr;

    if (leaf->axis < -1 || leaf->axis > leaf->shape.rank - leaf->axes)
        return "there is no such time axis";
    if (!iv_shape_valid(&leaf->shape, (iv_dtype)leaf->dtype))
        return "sizes must not be negative, axes not more than 8, and its bytes must be countable";
    s->out[0] = leaf->shape;
    s->out_dtype[0] = (iv_dtype)leaf->dtype;
    return NULL;
}

const iv_op iv__op_input = {
    .name = "input",
    .says = "a value given at each run",
    .n_out = 1,
    .flags = IV_LEAF,
    .attrs = leaf_fields,
    .attr_size = sizeof(iv__leaf),
    .shape = leaf_shape,
    .no_gradient = "a leaf has no inputs",
    .no_step = "leaves are stepped by the stepper itself",
};

const iv_op iv__op_parameter = {
    .name = "parameter",
    .says = "a value kept by name, that training changes",
    .n_out = 1,
    .flags = IV_LEAF,
    .attrs = leaf_fields,
    .attr_size = sizeof(iv__leaf),
    .shape = leaf_shape,
    .no_gradient = "a leaf has no inputs",
    .no_step = "leaves are stepped by the stepper itself",
};

static iv_node *make_leaf(iv_graph *graph, const iv_op *op, const char *name, iv_dtype dtype,
                          iv_shape shape, int axis, int axes)
{
    char asked[160], known[160];

    if (!graph || graph->status)
        return NULL;
    for (int i = 0; i < graph->n_calls; i++) {
        iv_call *call = graph->calls[i];
        if (!(call->op->flags & IV_LEAF) || strcmp(((const iv__leaf *)call->attr)->name, name))
            continue;
        const iv__leaf *leaf = call->attr;
        if (call->op == op && leaf->dtype == (int64_t)dtype &&
            iv_shape_same(&leaf->shape, &shape) && leaf->axis == axis && leaf->axes == axes)
            return &call->out[0];
        return iv_refuse(graph, IV_NAME,
                         "%s '%s' is asked for as %s %s, but the graph has %s '%s' as %s %s", op->name,
                         name, iv_dtype_name(dtype), iv_shape_text(&shape, asked, sizeof asked),
                         call->op->name, name, iv_dtype_name((iv_dtype)leaf->dtype),
                         iv_shape_text(&leaf->shape, known, sizeof known));
    }
    const char *scope = graph->scope, *kept = iv__arena_text(&graph->arena, name);
    if (!kept)
        return iv_refuse(graph, IV_NOMEM, "%s", iv_home_message(graph->home));
    graph->scope = kept;
    iv_node *node = iv_apply(graph, op, 0, NULL, &(iv__leaf){ kept, dtype, shape, axis, axes });
    graph->scope = scope;
    return node;
}

iv_node *iv_input(iv_graph *graph, const char *name, iv_dtype dtype, iv_shape shape)
{
    return make_leaf(graph, &iv__op_input, name, dtype, shape, -1, 0);
}

iv_node *iv_input_sequence(iv_graph *graph, const char *name, iv_dtype dtype, iv_shape shape, int axis)
{
    if (axis < 0) /* counted from the end; -1 would else mean none */
        axis = axis + shape.rank < 0 ? INT_MAX : axis + (int)shape.rank;
    return make_leaf(graph, &iv__op_input, name, dtype, shape, axis, 1);
}

iv_node *iv__input_causal(iv_graph *graph, const char *name, iv_dtype dtype, iv_shape shape,
                          int axis, int axes)
{
    return make_leaf(graph, &iv__op_input, name, dtype, shape, axis, axes);
}

iv_node *iv_input_raster(iv_graph *graph, const char *name, iv_dtype dtype, iv_shape shape)
{
    return make_leaf(graph, &iv__op_input, name, dtype, shape, 1, 2);
}

iv_node *iv_parameter(iv_graph *graph, const char *name, iv_shape shape)
{
    return graph ? make_leaf(graph, &iv__op_parameter, name, graph->real, shape, -1, 0) : NULL;
}
