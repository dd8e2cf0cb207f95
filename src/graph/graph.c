/* graph.c: making calls. The same row on the same inputs with the same attributes is the same
 * call. */
#include "graph/node.h"

#include "base/field.h"
#include "base/home.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

iv_graph *iv_graph_new_real(iv_home *home, iv_dtype real)
{
    iv_graph *graph = iv__alloc(home, sizeof *graph);
    if (!graph)
        return NULL;
    graph->home = home;
    graph->real = real;
    graph->arena.home = home;
    graph->scope = "";
    return graph;
}

iv_graph *iv_graph_new(iv_home *home)
{
    return iv_graph_new_real(home, IV_F32);
}

void iv_graph_free(iv_graph *graph)
{
    if (!graph)
        return;
    iv__arena_free(&graph->arena);
    iv__free(graph->home, graph->calls);
    iv__free(graph->home, graph->buckets);
    iv__free(graph->home, graph);
}

iv_status iv_graph_status(const iv_graph *graph)
{
    return graph->status;
}

const char *iv_graph_message(const iv_graph *graph)
{
    return graph->message;
}

iv_home *iv_graph_home(const iv_graph *graph)
{
    return graph->home;
}

iv_dtype iv_graph_real(const iv_graph *graph)
{
    return graph->real;
}

iv_node *iv_refuse(iv_graph *graph, iv_status status, const char *format, ...)
{
    va_list args;

    if (graph->status)
        return NULL;
    va_start(args, format);
    vsnprintf(graph->message, sizeof graph->message, format, args);
    va_end(args);
    graph->status = status;
    iv_fail(graph->home, status, "%s", graph->message);
    return NULL;
}

iv_status iv__graph_fail(const iv_graph *graph)
{
    return iv_fail(graph->home, graph->status, "%s", graph->message);
}

static iv_node *no_memory(iv_graph *graph)
{
    return iv_refuse(graph, IV_NOMEM, "%s", iv_home_message(graph->home));
}

char *iv__node_text(const iv_node *node, char *text, size_t size)
{
    char shape[160];
    const char *scope = node->call->scope;

    iv_shape_text(&node->shape, shape, sizeof shape);
    if (node->call->op->flags & IV_LEAF)
        snprintf(text, size, "%s %s", scope, shape);
    else if (*scope)
        snprintf(text, size, "%s/%s %s", scope, node->call->op->name, shape);
    else
        snprintf(text, size, "%s %s", node->call->op->name, shape);
    return text;
}

/* "matmul: inner sizes differ (x [32,100], writer/w [128,512])" */
static iv_node *refuse_call(iv_graph *graph, const iv_op *op, int n_in, iv_node *const in[],
                            const char *why)
{
    char inputs[320] = "", one[200];
    size_t used = 0;

    for (int i = 0; i < n_in && used < sizeof inputs - 8; i++) {
        iv__node_text(in[i], one, sizeof one);
        used += (size_t)snprintf(inputs + used, sizeof inputs - used, "%s%s", i ? ", " : "", one);
    }
    return iv_refuse(graph, IV_SHAPE, "%s%s%s: %s (%s)", graph->scope, *graph->scope ? "/" : "",
                     op->name, why, inputs);
}

static uint64_t hash_call(const iv_op *op, int n_in, iv_node *const in[], const void *attr)
{
    uint64_t hash = (uint64_t)(uintptr_t)op * UINT64_C(0x9E3779B97F4A7C15);

    for (int i = 0; i < n_in; i++)
        hash = (hash ^ (uint64_t)in[i]->id) * UINT64_C(0x100000001b3);
    if (op->attrs)
        hash ^= iv__fields_hash(op->attrs, attr);
    return hash ^ hash >> 29;
}

static iv_call *find_equal(const iv_graph *graph, const iv_op *op, int n_in, iv_node *const in[],
                           const void *attr, uint64_t hash)
{
    if (!graph->n_buckets)
        return NULL;
    iv_call *call = graph->buckets[hash % (uint64_t)graph->n_buckets];
    for (; call; call = call->next)
        if (call->hash == hash && call->op == op && call->n_in == n_in &&
            (!n_in || !memcmp(call->in, in, (size_t)n_in * sizeof *in)) &&
            (!op->attrs || iv__fields_same(op->attrs, call->attr, attr)))
            return call;
    return NULL;
}

static bool grow(iv_graph *graph)
{
    if (graph->n_calls < graph->room_calls)
        return true;
    int room = graph->room_calls ? graph->room_calls * 2 : 256;
    iv_call **buckets = iv__alloc_array(graph->home, room, sizeof *buckets);
    iv_call **calls = buckets ? iv__resize(graph->home, graph->calls, (size_t)room * sizeof *calls)
                              : NULL;
    if (!calls) {
        iv__free(graph->home, buckets);
        return false;
    }
    graph->calls = calls;
    graph->room_calls = room;
    for (int i = 0; i < graph->n_calls; i++) {
        iv_call **bucket = &buckets[calls[i]->hash % (uint64_t)room];
        calls[i]->next = *bucket;
        *bucket = calls[i];
    }
    iv__free(graph->home, graph->buckets);
    graph->buckets = buckets;
    graph->n_buckets = room;
    return true;
}

/* Attributes are copied; their texts go into the arena too. */
static void *copy_attr(iv_graph *graph, const iv_op *op, const void *attr)
{
    char *copy = iv__arena_get(&graph->arena, op->attr_size);
    if (!copy)
        return NULL;
    memcpy(copy, attr, op->attr_size);
    for (const iv_field *field = op->attrs; field->name; field++)
        if (field->type == IV_FIELD_TEXT) {
            const char **text = (const char **)(void *)(copy + field->offset);
            *text = iv__arena_text(&graph->arena, *text);
            if (!*text)
                return NULL;
        }
    return copy;
}

static iv_call *make_call(iv_graph *graph, const iv_op *op, int n_in, iv_node *const in[],
                          const void *attr, const iv_shape_call *shapes, uint64_t hash)
{
    if (!grow(graph))
        return NULL;
    iv_call *call = iv__arena_get(&graph->arena, sizeof *call);
    iv_node **inputs = iv__arena_get(&graph->arena, (size_t)n_in * sizeof *inputs);
    iv_node *outputs = iv__arena_get(&graph->arena, (size_t)op->n_out * sizeof *outputs);
    const void *kept = op->attrs ? copy_attr(graph, op, attr) : NULL;
    if (!call || !inputs || !outputs || (op->attrs && !kept))
        return NULL;

    if (n_in)
        memcpy(inputs, in, (size_t)n_in * sizeof *in);
    *call = (iv_call){ .op = op,
                       .id = graph->n_calls,
                       .n_in = n_in,
                       .n_out = op->n_out,
                       .in = inputs,
                       .out = outputs,
                       .attr = kept,
                       .scope = graph->scope,
                       .hash = hash };
    for (int i = 0; i < op->n_out; i++)
        outputs[i] = (iv_node){ graph,         call, graph->n_nodes++, i, shapes->out_dtype[i],
                                shapes->out[i] };
    call->next = graph->buckets[hash % (uint64_t)graph->n_buckets];
    graph->buckets[hash % (uint64_t)graph->n_buckets] = call;
    graph->calls[graph->n_calls++] = call;
    return call;
}

iv_node *iv_apply(iv_graph *graph, const iv_op *op, int n_in, iv_node *const in[], const void *attr)
{
    iv_shape_call shapes = { .n_in = n_in, .attr = attr, .real = graph->real };

    if (n_in < op->min_in || n_in > op->max_in)
        return iv_refuse(graph, IV_VALUE, "%s: it takes %d to %d inputs and got %d", op->name,
                         op->min_in, op->max_in, n_in);
    for (int i = 0; i < n_in; i++) {
        if (!in[i])
            return NULL;
        if (in[i]->graph != graph)
            return iv_refuse(graph, IV_VALUE, "%s: its inputs are nodes of different graphs", op->name);
        shapes.in[i] = &in[i]->shape;
        shapes.in_dtype[i] = in[i]->dtype;
    }
    const char *why = op->shape(&shapes);
    for (int i = 0; !why && i < op->n_out; i++)
        if (!iv_shape_valid(&shapes.out[i], shapes.out_dtype[i]))
            why = "the result would be too large to count its bytes";
    if (why)
        return refuse_call(graph, op, n_in, in, why);

    uint64_t hash = hash_call(op, n_in, in, attr);
    iv_call *call = find_equal(graph, op, n_in, in, attr, hash);
    if (!call)
        call = make_call(graph, op, n_in, in, attr, &shapes, hash);
    return call ? &call->out[0] : no_memory(graph);
}

iv_node *iv__apply1(const iv_op *op, iv_node *x, const void *attr)
{
    return x ? iv_apply(x->graph, op, 1, &x, attr) : NULL;
}

iv_node *iv__apply2(const iv_op *op, iv_node *a, iv_node *b, const void *attr)
{
    iv_node *in[] = { a, b };

    return a && b ? iv_apply(a->graph, op, 2, in, attr) : NULL;
}

iv_graph *iv_node_graph(const iv_node *node)
{
    return node ? node->graph : NULL;
}

const iv_shape *iv_node_shape(const iv_node *node)
{
    return &node->shape;
}

iv_dtype iv_node_dtype(const iv_node *node)
{
    return node->dtype;
}

const char *iv_node_op(const iv_node *node)
{
    return node->call->op->name;
}

const char *iv_node_name(const iv_node *node)
{
    return node->call->scope;
}

int64_t iv_node_dim(const iv_node *node, int axis)
{
    if (!node)
        return 0;
    int64_t at = axis < 0 ? axis + node->shape.rank : axis;
    return at < 0 || at >= node->shape.rank ? 0 : node->shape.dim[at];
}

void iv_graph_set_output(iv_graph *graph, const char *name, iv_node *node)
{
    iv__named **at = &graph->outputs;

    if (!node || graph->status)
        return;
    for (; *at; at = &(*at)->next)
        if (!strcmp((*at)->name, name)) {
            iv_refuse(graph, IV_NAME, "the graph has an output '%s' already", name);
            return;
        }
    *at = iv__arena_get(&graph->arena, sizeof **at);
    const char *kept = *at ? iv__arena_text(&graph->arena, name) : NULL;
    if (kept)
        **at = (iv__named){ kept, node, NULL };
    else
        *at = NULL, no_memory(graph);
}

iv_node *iv_graph_output(const iv_graph *graph, const char *name)
{
    for (const iv__named *o = graph->outputs; o; o = o->next)
        if (!strcmp(o->name, name))
            return o->node;
    return NULL;
}

iv_node *iv_node_output(iv_node *node, int index)
{
    if (node && (index < 0 || index >= node->call->n_out))
        return iv_refuse(node->graph, IV_VALUE, "%s: output %d was asked for, and it has %d",
                         node->call->op->name, index, node->call->n_out);
    return node ? &node->call->out[index] : NULL;
}

int iv_call_inputs(const iv_call *call)
{
    return call->n_in;
}

iv_node *iv_call_input(const iv_call *call, int k)
{
    return call->in[k];
}

const void *iv_call_attr(const iv_call *call)
{
    return call->attr;
}
