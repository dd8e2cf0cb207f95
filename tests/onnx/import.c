/* import.c: values by name, operators by name, and running what they build. */
#include "onnx/import.h"

#include "base/home.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- values ---------------------------------------------------------------------------------- */

static onnx_value *value_named(onnx_import *at, const char *name)
{
    for (int64_t i = at->n_values; i-- > 0;)
        if (!strcmp(at->values[i].name, name))
            return &at->values[i];
    return NULL;
}

static onnx_value *add_value(onnx_import *at, const char *name)
{
    onnx_value *value = &at->values[at->n_values++];

    value->name = name;
    return value;
}

double onnx_number(const iv__onnx_tensor *tensor, int64_t i)
{
    switch (tensor->type) {
    case IV__ONNX_FLOAT: return (double)((const float *)tensor->data)[i];
    case IV__ONNX_DOUBLE: return ((const double *)tensor->data)[i];
    case IV__ONNX_INT32: return ((const int32_t *)tensor->data)[i];
    case IV__ONNX_INT64: return (double)((const int64_t *)tensor->data)[i];
    default: return ((const uint8_t *)tensor->data)[i];
    }
}

static bool is_real(const iv__onnx_tensor *tensor)
{
    return tensor->type == IV__ONNX_FLOAT || tensor->type == IV__ONNX_DOUBLE;
}

/* ---- what an operator asks for ----------------------------------------------------------------- */

iv_node *onnx_no(onnx_call *c, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (!*c->at->reason) {
        const int n = snprintf(c->at->reason, sizeof c->at->reason, "%s: ", c->node->op);
        vsnprintf(c->at->reason + n, sizeof c->at->reason - (size_t)n, format, args);
    }
    va_end(args);
    return NULL;
}

bool onnx_has(const onnx_call *c, int k)
{
    return k < c->node->n_in && *c->node->in[k];
}

bool onnx_wants(const onnx_call *c, int k)
{
    return k < c->node->n_out && *c->node->out[k];
}

static onnx_value *value_in(onnx_call *c, int k)
{
    onnx_value *value = onnx_has(c, k) ? value_named(c->at, c->node->in[k]) : NULL;

    if (!value && onnx_has(c, k))
        onnx_no(c, "its input '%s' is of no node before it", c->node->in[k]);
    return value;
}

iv_node *onnx_in(onnx_call *c, int k)
{
    onnx_value *value = value_in(c, k);

    if (value && !value->node && value->known)
        value->node = iv_input(c->at->graph, value->name,
                               is_real(value->known) ? iv_graph_real(c->at->graph) : IV_I32,
                               value->known->shape);
    return value ? value->node : NULL;
}

iv_node *onnx_real(onnx_call *c, int k)
{
    iv_node *x = onnx_in(c, k);

    return x ? iv_cast(x, iv_graph_real(c->at->graph)) : NULL;
}

const iv__onnx_tensor *onnx_known(onnx_call *c, int k)
{
    const onnx_value *value = value_in(c, k);

    return value ? value->known : NULL;
}

void onnx_give(onnx_call *c, int k, iv_node *node)
{
    if (onnx_wants(c, k))
        add_value(c->at, c->node->out[k])->node = node;
}

const int64_t *onnx_wholes_in(onnx_call *c, int k, int64_t *n)
{
    const iv__onnx_tensor *known = onnx_known(c, k);

    *n = 0;
    if (!known) {
        if (onnx_has(c, k))
            onnx_no(c, "its input %d must be known when the graph is built", k);
        return NULL;
    }
    *n = iv_shape_count(&known->shape);
    int64_t *list = iv__arena_get(&c->at->arena, (size_t)*n * sizeof *list + 1);
    for (int64_t i = 0; i < *n && list; i++)
        list[i] = known->type == IV__ONNX_INT64 ? ((const int64_t *)known->data)[i]
                                                : (int64_t)onnx_number(known, i);
    return list;
}

static const iv__onnx_attribute *attribute_named(const onnx_call *c, const char *name)
{
    for (int i = 0; i < c->node->n_attributes; i++)
        if (!strcmp(c->node->attributes[i].name, name))
            return &c->node->attributes[i];
    return NULL;
}

const int64_t *onnx_wholes(const onnx_call *c, const char *name, int64_t *n)
{
    const iv__onnx_attribute *a = attribute_named(c, name);

    *n = a && a->kind == IV__ONNX_WHOLES ? a->n : 0;
    return *n ? a->wholes : NULL;
}

int64_t onnx_whole(const onnx_call *c, const char *name, int64_t otherwise)
{
    const iv__onnx_attribute *a = attribute_named(c, name);

    return a && a->kind == IV__ONNX_WHOLE ? a->whole : otherwise;
}

double onnx_attribute(const onnx_call *c, const char *name, double otherwise)
{
    const iv__onnx_attribute *a = attribute_named(c, name);

    return !a                          ? otherwise
           : a->kind == IV__ONNX_REAL  ? (double)a->real
           : a->kind == IV__ONNX_WHOLE ? (double)a->whole
                                       : otherwise;
}

const char *onnx_text(const onnx_call *c, const char *name, const char *otherwise)
{
    const iv__onnx_attribute *a = attribute_named(c, name);

    return a && a->kind == IV__ONNX_TEXT ? a->text : otherwise;
}

bool onnx_set(onnx_call *c, const char *parameter, int k)
{
    iv_tensor *tensor = iv_params_find(c->at->params, parameter);
    const iv__onnx_tensor *known = onnx_known(c, k);

    if (!tensor || !known || iv_shape_count(&tensor->shape) != iv_shape_count(&known->shape)) {
        onnx_no(c, "its input %d is no '%s' that is known", k, parameter);
        return false;
    }
    for (int64_t i = 0; i < iv_shape_count(&tensor->shape); i++)
        if (tensor->dtype == IV_F64)
            ((double *)tensor->data)[i] = onnx_number(known, i);
        else
            ((float *)tensor->data)[i] = (float)onnx_number(known, i);
    iv_params_changed(c->at->params);
    return true;
}

/* ---- axes -------------------------------------------------------------------------------------- */

static iv_node *turned(iv_node *x, bool to_last)
{
    const int64_t rank = x ? iv_node_shape(x)->rank : 0;
    iv_shape order = { .rank = rank };

    for (int64_t k = 1; k < rank; k++)
        order.dim[k] = to_last ? k % (rank - 1) + 1 : (k + rank - 3) % (rank - 1) + 1;
    return iv_transpose(x, order);
}

iv_node *onnx_channels_last(iv_node *x)
{
    return turned(x, true);
}

iv_node *onnx_channels_first(iv_node *x)
{
    return turned(x, false);
}

iv_node *onnx_axis_last(iv_node *x, int64_t axis)
{
    const int64_t rank = x ? iv_node_shape(x)->rank : 0, from = axis < 0 ? axis + rank : axis;
    iv_shape order = { .rank = rank };

    for (int64_t k = 0; k < rank; k++)
        order.dim[k] = k < from ? k : k + 1 < rank ? k + 1 : from;
    return iv_transpose(x, order);
}

iv_node *onnx_axis_back(iv_node *x, int64_t axis)
{
    const int64_t rank = x ? iv_node_shape(x)->rank : 0, to = axis < 0 ? axis + rank : axis;
    iv_shape order = { .rank = rank };

    for (int64_t k = 0; k < rank; k++)
        order.dim[k] = k < to ? k : k == to ? rank - 1 : k - 1;
    return iv_transpose(x, order);
}

iv_shape onnx_shape_of(const int64_t *dim, int64_t n)
{
    iv_shape shape = { .rank = n < IV_MAX_RANK ? n : IV_MAX_RANK };

    for (int64_t i = 0; i < shape.rank; i++)
        shape.dim[i] = dim[i];
    return shape;
}

/* ---- a model --------------------------------------------------------------------------------- */

static const onnx_operator *operator_named(const char *name)
{
    const onnx_operator *const tables[] = { onnx_pointwise, onnx_places, onnx_images, onnx_layers,
                                            onnx_losses };

    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const onnx_operator *o = tables[t]; o->name; o++)
            if (!strcmp(o->name, name))
                return o;
    return NULL;
}

static bool is_constant(onnx_call *c)
{
    for (int k = 0; k < c->node->n_in; k++) {
        const onnx_value *value = value_in(c, k);
        if (onnx_has(c, k) && !(value && value->known && value->constant))
            return false;
    }
    return true;
}

/* The output of a node whose inputs are constant (sizes are); NULL: it is of another kind. */
static const iv__onnx_tensor *folded(onnx_call *c)
{
    for (const onnx_size *s = onnx_sizes; s->name; s++)
        if (!strcmp(s->name, c->node->op) && (!strcmp(s->name, "Shape") || is_constant(c)))
            return s->fold(c);
    return NULL;
}

static bool build_node(onnx_import *at, const iv__onnx_node *node)
{
    onnx_call c = { at, node };
    const onnx_operator *o = operator_named(node->op);
    const iv__onnx_tensor *known = folded(&c);

    if (!o && !known)
        return onnx_no(&c, "no rows are known to express this operator");
    iv_node *first = known || *at->reason ? NULL : o->build(&c);
    if (!known && !first && !*at->reason && iv_graph_status(at->graph))
        return onnx_no(&c, "%s", iv_graph_message(at->graph));
    if (!known && !first)
        return onnx_no(&c, "an input that it needs is left out or not known when the graph is built");
    if (onnx_wants(&c, 0)) {
        onnx_value *value = add_value(at, node->out[0]);
        value->node = first;
        value->known = known;
        value->constant = known;
    }
    return true;
}

static bool build(onnx_import *at, int64_t n, const iv__onnx_tensor inputs[])
{
    const iv__onnx_model *model = at->model;

    for (int64_t i = 0; i < model->n_tensors + n; i++) {
        const iv__onnx_tensor *tensor = i < n ? &inputs[i] : &model->tensors[i - n];
        onnx_value *value = add_value(at, tensor->name);
        value->known = tensor;
        value->constant = i >= n;
    }
    for (int64_t i = 0; i < model->n_nodes; i++)
        if (!build_node(at, &model->nodes[i]))
            return false;
    return true;
}

bool onnx_import_open(onnx_import *at, iv_home *home, const iv__onnx_model *model, int64_t n,
                      const iv__onnx_tensor inputs[])
{
    iv_dtype real = IV_F32;
    int64_t values = model->n_tensors + n;

    *at = (onnx_import){ .home = home, .arena = { .home = home }, .model = model };
    for (int64_t i = 0; i < n; i++)
        real = inputs[i].type == IV__ONNX_DOUBLE ? IV_F64 : real;
    for (int64_t i = 0; i < model->n_nodes; i++)
        values += model->nodes[i].n_out;
    at->values = iv__arena_get(&at->arena, (size_t)values * sizeof *at->values + 1);
    at->graph = iv_graph_new_real(home, real);
    at->params = iv_params_new_empty(home, real);
    at->scope = at->graph && at->params ? iv_scope_new(at->graph, at->params, "") : NULL;
    if (at->values && at->scope)
        return build(at, n, inputs);
    snprintf(at->reason, sizeof at->reason, "%s", iv_home_message(home));
    return false;
}

void onnx_import_close(onnx_import *at)
{
    iv_graph_free(at->graph);
    iv_params_free(at->params);
    iv__arena_free(&at->arena);
}

/* ---- running --------------------------------------------------------------------------------- */

static void fill(void *to, iv_dtype dtype, const iv__onnx_tensor *from)
{
    for (int64_t i = 0; i < iv_shape_count(&from->shape); i++)
        if (dtype == IV_F64)
            ((double *)to)[i] = onnx_number(from, i);
        else if (dtype == IV_F32)
            ((float *)to)[i] = (float)onnx_number(from, i);
        else
            ((int32_t *)to)[i] = (int32_t)fmin(fmax(onnx_number(from, i), INT32_MIN), INT32_MAX);
}

static bool take_result(onnx_import *at, const iv_node *node, const void *from, onnx_result *result)
{
    const int64_t n = iv_shape_count(iv_node_shape(node));
    double *to = iv__arena_get(&at->arena, (size_t)n * sizeof *to + 1);

    *result = (onnx_result){ *iv_node_shape(node), to };
    for (int64_t i = 0; i < n && to; i++)
        to[i] = iv_node_dtype(node) == IV_F64   ? ((const double *)from)[i]
                : iv_node_dtype(node) == IV_F32 ? (double)((const float *)from)[i]
                                                : ((const int32_t *)from)[i];
    return to;
}

iv_status onnx_import_run(onnx_import *at, onnx_result outputs[])
{
    const int n = (int)at->model->n_outputs;
    iv_node **nodes = iv__arena_get(&at->arena, (size_t)n * sizeof *nodes + 1);

    for (int k = 0; k < n && nodes; k++) {
        onnx_value *value = value_named(at, at->model->outputs[k].name);
        if (!value || !value->node)
            return iv_fail(at->home, IV_NAME, "no node makes the output '%s'",
                           at->model->outputs[k].name);
        nodes[k] = value->node;
    }
    iv_plan *plan = nodes ? iv_plan_new(at->home, n, nodes, 0, NULL) : NULL;
    if (!plan)
        return iv_graph_status(at->graph)
                   ? iv_fail(at->home, iv_graph_status(at->graph), "%s", iv_graph_message(at->graph))
                   : iv_home_status(at->home);
    iv_status status = iv_params_bind(at->params, plan);
    for (int i = 0; i < iv_plan_leaves(plan); i++) {
        const iv_node *leaf = iv_plan_leaf(plan, i);
        onnx_value *value = value_named(at, iv_node_name(leaf));
        if (value && value->known)
            fill(iv_plan_input(plan, value->name), iv_node_dtype(leaf), value->known);
    }
    if (!status)
        status = iv_plan_run(plan);
    for (int k = 0; k < n && !status; k++)
        if (!take_result(at, nodes[k], iv_plan_output(plan, k), &outputs[k]))
            status = IV_NOMEM;
    iv_plan_free(plan);
    return status;
}
