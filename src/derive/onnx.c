/* onnx.c: a graph as a model in the ONNX format: which calls are needed, what is constant, and walking over the rest. */
#include "derive/onnx_parts.h"

#include "base/field.h"
#include "base/home.h"
#include "ops/attrs.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void iv__onnx_refuse(iv__onnx_writer *w, const char *format, ...)
{
    char why[256];
    va_list args;

    if (w->status)
        return;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    const char *scope = w->call ? w->call->scope : "";
    w->status = iv_fail(w->home, IV_UNSUPPORTED, "%s%s%s cannot be written as ONNX: %s", scope,
                        *scope ? "/" : "", w->call ? w->call->op->name : "the graph", why);
}

static bool is_leaf(const iv_node *node, const iv_op *row)
{
    return node->call->op == row;
}

static bool is_named(const iv_call *call, const char *row)
{
    return !strcmp(call->op->name, row);
}

/* ---- the two graphs, node by node -------------------------------------------------------------- */

/* What a node and its twin are made of must be the same, but for sizes. */
static void pair(iv__onnx_writer *w, iv_node *a, iv_node *b)
{
    const iv_call *x = a->call, *y = b->call;

    if (w->status || w->twin[a->id] == b)
        return;
    w->call = x;
    if (w->twin[a->id] || x->op != y->op || x->n_in != y->n_in || a->index != b->index ||
        a->shape.rank != b->shape.rank) {
        iv__onnx_refuse(w, "for other sizes the graph is another one here");
        return;
    }
    for (int j = 0; j < x->n_out; j++)
        w->twin[x->out[j].id] = &y->out[j];
    w->needed[x->id] = true;
    for (int k = 0; k < x->n_in; k++)
        pair(w, x->in[k], y->in[k]);
}

static bool same_numbers(const iv_node *a, const iv_node *b)
{
    return iv_shape_same(&a->shape, &b->shape);
}

/* Whether a row's attributes may be other ones for other sizes: they follow from its shapes, or its writer looks at
 * both. */
static bool may_differ(const iv_call *call)
{
    static const char *const rows[] = { "fill",  "reshape",    "broadcast_to", "sum_to",
                                        "slice", "pad",        "scale",        "shift",
                                        "power", "leaky_relu", "interpolate" };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (is_named(call, rows[i]))
            return true;
    return false;
}

/* Constants are computed, and most attributes written, as the first graph has them. */
static void check_attributes(iv__onnx_writer *w, const iv_call *call, bool moves)
{
    const iv_call *twin = iv__onnx_twin(w, call);

    if (!call->op->attrs || call->op->flags & IV_LEAF ||
        iv__fields_same(call->op->attrs, call->attr, twin->attr))
        return;
    w->call = call;
    if (is_named(call, "fill") && memcmp(&((const iv__fill *)call->attr)->value,
                                         &((const iv__fill *)twin->attr)->value, sizeof(double)))
        iv__onnx_refuse(w, "its number depends on the batch or the length");
    else if (!moves || !may_differ(call))
        iv__onnx_refuse(w, "what it is made with depends on the batch or the length");
}

/* What moves with the inputs, or has an open size. */
static void find_moving(iv__onnx_writer *w)
{
    const iv_graph *graph = w->graph[0];

    for (int i = 0; i < w->n_calls; i++) {
        const iv_call *call = graph->calls[i];
        if (!w->needed[i])
            continue;
        bool moves = is_leaf(call->out, &iv__op_input);
        for (int k = 0; k < call->n_in; k++)
            moves |= w->moves[call->in[k]->call->id];
        for (int j = 0; j < call->n_out; j++)
            moves |= !same_numbers(&call->out[j], w->twin[call->out[j].id]);
        w->moves[i] = moves;
        if (!moves || is_named(call, "fill"))
            check_attributes(w, call, moves);
    }
}

/* ---- what is constant --------------------------------------------------------------------------- */

static void add_constant(iv__onnx_writer *w, iv_node *node)
{
    for (int i = 0; i < w->n_constants; i++)
        if (w->constant[i] == node)
            return;
    w->constant[w->n_constants++] = node;
}

/* Constants are what moving calls read, and outputs, that do not move themselves: they are computed. Fills stay what they
 * are. */
static void compute_constants(iv__onnx_writer *w)
{
    const iv_graph *graph = w->graph[0];

    for (int i = 0; i < w->n_calls; i++) {
        const iv_call *call = graph->calls[i];
        for (int k = 0; w->moves[i] && k < call->n_in; k++)
            if (!w->moves[call->in[k]->call->id] && !is_named(call->in[k]->call, "fill"))
                add_constant(w, call->in[k]);
    }
    for (int i = 0; i < w->source->n_outputs; i++)
        if (!w->moves[w->source->outputs[0][i]->call->id])
            add_constant(w, w->source->outputs[0][i]);
    if (!w->n_constants)
        return;
    w->plan = iv_plan_new(w->home, w->n_constants, w->constant, 0, NULL);
    w->status = w->plan ? IV_OK : iv_home_status(w->home);
    for (int i = 0; i < (w->plan ? iv_plan_leaves(w->plan) : 0) && !w->status; i++) {
        const char *name = iv_node_name(iv_plan_leaf(w->plan, i));
        const void *numbers = w->source->parameter(w->source->user, name);
        w->status = numbers ? iv_plan_bind(w->plan, name, (void *)(uintptr_t)numbers, NULL)
                            : iv_fail(w->home, IV_NAME, "the parameter '%s' has no numbers", name);
    }
    if (!w->status)
        w->status = iv_plan_run(w->plan);
}

static const void *numbers_of(const iv__onnx_writer *w, const iv_node *node)
{
    for (int i = 0; i < w->n_constants; i++)
        if (w->constant[i] == node)
            return iv_plan_output(w->plan, i);
    return NULL;
}

const float *iv__onnx_numbers(const iv__onnx_writer *w, const iv_call *call, int k)
{
    return call->in[k]->dtype == IV_F32 ? numbers_of(w, call->in[k]) : NULL;
}

static iv__onnx_type type_of(iv_dtype dtype)
{
    return dtype == IV_F32   ? IV__ONNX_FLOAT
           : dtype == IV_F64 ? IV__ONNX_DOUBLE
           : dtype == IV_I32 ? IV__ONNX_INT32
                             : IV__ONNX_UINT8;
}

/* ---- names of values ----------------------------------------------------------------------------- */

static const char *scalar_of(iv__onnx_writer *w, const iv_node *node)
{
    const iv__fill *fill = node->call->attr;

    if (node->dtype == IV_F32)
        return iv__onnx_real(w, fill->value);
    iv__onnx_whole(w, "to", type_of(node->dtype));
    return iv__onnx_make(w, "Cast", (const char *[]){ iv__onnx_real(w, fill->value), NULL });
}

static const char *value_of(iv__onnx_writer *w, iv_node *node, bool loose)
{
    if (is_named(node->call, "fill")) {
        const char *scalar = scalar_of(w, node);
        if (loose || !node->shape.rank)
            return scalar;
        const char *shape = iv__onnx_shape(w, &node->shape, iv__onnx_second(w, node), NULL);
        return iv__onnx_make(w, "Expand", (const char *[]){ scalar, shape, NULL });
    }
    const void *numbers = numbers_of(w, node);
    if (!w->name[node->id] && numbers) { /* of a constant the bytes are the plan's, who dies before the model */
        const size_t bytes = (size_t)iv_shape_count(&node->shape) * iv_dtype_size(node->dtype);
        void *copy = iv__arena_get(w->arena, bytes + 1);
        const char *name = is_leaf(node, &iv__op_parameter) ? iv_node_name(node) : iv__onnx_between(w);
        if (copy)
            memcpy(copy, numbers, bytes);
        w->name[node->id] = name;
        const iv__onnx_tensor tensor = { name, type_of(node->dtype), node->shape, copy };
        if (!copy || !name || !iv__onnx_grow(w, &w->tensors, &tensor, sizeof tensor))
            w->status = IV_NOMEM;
    }
    return w->name[node->id] ? w->name[node->id] : "";
}

const char *iv__onnx_in(iv__onnx_writer *w, const iv_call *call, int k)
{
    return value_of(w, call->in[k], false);
}

/* Where another input has the whole shape, a stretched one may come as it was before. */
const char *iv__onnx_loose(iv__onnx_writer *w, const iv_call *call, int k)
{
    const iv_call *from = call->in[k]->call;
    bool whole = false;

    for (int j = 0; j < call->n_in; j++)
        whole |= j != k && !is_named(call->in[j]->call, "fill") &&
                 !is_named(call->in[j]->call, "broadcast_to");
    if (whole && is_named(from, "broadcast_to") && w->moves[from->id])
        return value_of(w, from->in[0], true);
    return value_of(w, call->in[k], whole);
}

bool iv__onnx_is_needed(const iv__onnx_writer *w, const iv_node *node)
{
    const iv_graph *graph = w->graph[0];

    for (int i = 0; i < w->n_calls; i++)
        for (int k = 0; w->needed[i] && k < graph->calls[i]->n_in; k++)
            if (graph->calls[i]->in[k] == node)
                return true;
    for (int i = 0; i < w->source->n_outputs; i++)
        if (w->source->outputs[0][i] == node)
            return true;
    return false;
}

const char *iv__onnx_out(iv__onnx_writer *w, const iv_call *call, int k)
{
    const iv_node *node = &call->out[k];

    if (!iv__onnx_is_needed(w, node))
        return "";
    if (!w->name[node->id])
        w->name[node->id] = iv__arena_print(w->arena, "%s%s%s/%d", call->scope,
                                            *call->scope ? "/" : "", call->op->name, node->id);
    return w->name[node->id] ? w->name[node->id] : "";
}

const iv_shape *iv__onnx_second(const iv__onnx_writer *w, const iv_node *node)
{
    return &w->twin[node->id]->shape;
}

const iv_call *iv__onnx_twin(const iv__onnx_writer *w, const iv_call *call)
{
    return w->twin[call->out->id]->call;
}

bool iv__onnx_is_fill(const iv_call *call, int k, double value)
{
    const iv__fill *fill = call->in[k]->call->attr;

    return is_named(call->in[k]->call, "fill") && fill->value == value;
}

/* ---- inputs and outputs --------------------------------------------------------------------------- */

/* What a size is called: "batch", "2 batch", or "" where it has no name. */
static const char *symbol_text(iv__onnx_writer *w, iv__onnx_size size)
{
    const iv__onnx_source *source = w->source;

    for (int s = 0; s < source->n_symbols; s++)
        if (size.symbols == 1U << s && !size.more)
            return size.factor == 1 ? source->symbols[s].name
                                    : iv__arena_print(w->arena, "%lld %s", (long long)size.factor,
                                                      source->symbols[s].name);
    return "";
}

static iv__onnx_value value_info(iv__onnx_writer *w, const char *name, const iv_node *node)
{
    const iv_shape *second = iv__onnx_second(w, node);
    iv__onnx_value value = { .name = name, .type = type_of(node->dtype), .shape = node->shape };

    for (int64_t k = 0; k < node->shape.rank; k++) {
        const iv__onnx_size size = iv__onnx_size_of(w, node->shape.dim[k], second->dim[k]);
        const char *symbol = size.symbols ? symbol_text(w, size) : NULL;
        value.symbol[k] = symbol ? symbol : "";
        if (size.symbols)
            value.shape.dim[k] = -1;
    }
    return value;
}

static void write_input(iv__onnx_writer *w, const iv_call *call)
{
    const iv__onnx_value value = value_info(w, iv_node_name(call->out), call->out);

    w->name[call->out->id] = value.name;
    if (!iv__onnx_grow(w, &w->inputs, &value, sizeof value))
        w->status = IV_NOMEM;
}

/* Outputs have the names that they were given, whatever the values in the graph are called. */
static const iv__onnx_value *write_outputs(iv__onnx_writer *w)
{
    const iv__onnx_source *source = w->source;
    iv__onnx_value *values = iv__arena_get(w->arena, (size_t)source->n_outputs * sizeof *values + 1);

    for (int i = 0; i < source->n_outputs && values && !w->status; i++) {
        iv_node *node = source->outputs[0][i];
        w->call = node->call;
        values[i] = value_info(w, source->names[i], node);
        iv__onnx_node_of(w, "Identity", (const char *[]){ value_of(w, node, false), NULL },
                         (const char *[]){ source->names[i], NULL });
    }
    if (!values)
        w->status = IV_NOMEM;
    return values;
}

/* ---- the walk ------------------------------------------------------------------------------------- */

static const iv__onnx_row *row_named(const char *name)
{
    const iv__onnx_row *const tables[] = { iv__onnx_rows, iv__onnx_layers };

    for (int t = 0; t < 2; t++)
        for (const iv__onnx_row *row = tables[t]; row->row; row++)
            if (!strcmp(row->row, name))
                return row;
    return NULL;
}

static void write_calls(iv__onnx_writer *w)
{
    const iv_graph *graph = w->graph[0];

    for (int i = 0; i < w->n_calls && !w->status; i++) {
        const iv_call *call = graph->calls[i];
        if (!w->needed[i] || !w->moves[i] || is_named(call, "fill"))
            continue;
        const iv__onnx_row *row = row_named(call->op->name);
        w->call = call;
        w->n_pending = 0;
        if (call->op == &iv__op_input)
            write_input(w, call);
        else if (row)
            row->write(w, call);
        else
            iv__onnx_refuse(w, "ONNX has no operators for it here");
        check_attributes(w, call, true); /* behind the writer, who says it in better words */
    }
}

static bool is_read(const iv__onnx_node *node, const char *name)
{
    for (int k = 0; k < node->n_in; k++)
        if (!strcmp(node->in[k], name))
            return true;
    return false;
}

/* Nodes and tensors that nothing reads are left out: what was stretched for a node that does not need it so.
 * outputs: from there on nodes make the model's outputs. */
static void leave_out(iv__onnx_writer *w, int64_t outputs, iv__onnx_model *model)
{
    iv__onnx_node *nodes = w->nodes.list;
    iv__onnx_tensor *tensors = w->tensors.list;
    int64_t kept = w->nodes.n, n = 0;

    for (int64_t i = w->nodes.n; i-- > 0;) { /* those that stay gather at the end */
        bool read = i >= outputs;
        for (int64_t j = kept; j < w->nodes.n && !read; j++)
            for (int k = 0; k < nodes[i].n_out && !read; k++)
                read = *nodes[i].out[k] && is_read(&nodes[j], nodes[i].out[k]);
        if (read)
            nodes[--kept] = nodes[i];
    }
    for (int64_t i = 0; i < w->tensors.n; i++) {
        bool read = false;
        for (int64_t j = kept; j < w->nodes.n && !read; j++)
            read = is_read(&nodes[j], tensors[i].name);
        if (read)
            tensors[n++] = tensors[i];
    }
    model->nodes = nodes + kept;
    model->n_nodes = w->nodes.n - kept;
    model->tensors = tensors;
    model->n_tensors = n;
}

static bool make_room(iv__onnx_writer *w)
{
    const iv_graph *graph = w->graph[0];
    const int64_t nodes = graph->n_nodes + 1, calls = graph->n_calls + 1;

    w->n_calls = graph->n_calls;
    w->twin = iv__alloc_array(w->home, nodes, sizeof *w->twin);
    w->name = iv__alloc_array(w->home, nodes, sizeof *w->name);
    w->constant = iv__alloc_array(w->home, nodes, sizeof *w->constant);
    w->needed = iv__alloc_array(w->home, calls, sizeof *w->needed);
    w->moves = iv__alloc_array(w->home, calls, sizeof *w->moves);
    return w->twin && w->name && w->constant && w->needed && w->moves;
}

iv_status iv__onnx_of(iv__arena *arena, const iv__onnx_source *source, iv__onnx_model *model)
{
    iv__onnx_writer w = { .home = arena->home, .arena = arena, .source = source };

    for (int g = 0; g < 2; g++)
        w.graph[g] = source->outputs[g][0]->graph;
    if (!make_room(&w))
        w.status = IV_NOMEM;
    for (int i = 0; i < source->n_outputs && !w.status; i++)
        pair(&w, source->outputs[0][i], source->outputs[1][i]);
    if (!w.status)
        find_moving(&w);
    if (!w.status)
        compute_constants(&w);
    if (!w.status)
        write_calls(&w);
    *model = (iv__onnx_model){ .ir_version = IV__ONNX_IR,
                               .opset = IV__ONNX_OPSET,
                               .producer = "Ivory",
                               .name = source->name,
                               .says = source->says };
    const int64_t outputs = w.nodes.n;
    model->outputs = w.status ? NULL : write_outputs(&w);
    model->n_outputs = source->n_outputs;
    if (!w.status)
        leave_out(&w, outputs, model);
    model->inputs = w.inputs.list;
    model->n_inputs = w.inputs.n;
    iv_plan_free(w.plan);
    iv__free(w.home, w.twin);
    iv__free(w.home, w.name);
    iv__free(w.home, w.constant);
    iv__free(w.home, w.needed);
    iv__free(w.home, w.moves);
    return w.status;
}
