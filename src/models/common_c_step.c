/* common_c_step.c: the step of a model as statements of C: each row has an entry, which calls a section of
 * assets/export_kernels.c. Sums have the order in which the portable kernels form them. */
#include "models/common_c.h"

#include "backend/cpu/gemm.h"
#include "base/home.h"
#include "graph/node.h"
#include "ops/attrs.h"
#include "ops/rows.h"
#include "plan/parts.h"

#include <string.h>

const char *const iv__c_sections[] = { "math",       "product",    "column", "add",
                                       "parts",      "sigmoid",    "lstm",   "gru_after",
                                       "gru_before", "simple_rnn", NULL };

typedef struct walk {
    iv__c_step *step;
    iv_params *params;
    iv_graph *graph;
    const char *input;
    int n_states;
    const iv_stepper_state *states;
    const char **value; /* by node: a C expression; NULL: none yet */
    bool *needed;       /* by call */
    bool *turned;       /* by node: weights that are written transposed */
} walk;

static const iv__cpu *const cpu = &iv__cpu_portable;

static void refuse(const walk *w, const iv_call *call, const char *why)
{
    char text[200];

    if (iv_graph_status(w->graph))
        return;
    iv_refuse(w->graph, IV_UNSUPPORTED, "%s cannot be written as C: %s",
              iv__node_text(&call->out[0], text, sizeof text), why);
}

static const char *no_memory(walk *w)
{
    iv_refuse(w->graph, IV_NOMEM, "%s", iv_home_message(w->graph->home));
    return "";
}

/* The row of a matrix of `width` columns that the token chooses. */
static const char *chosen_row(walk *w, const char *matrix, int64_t width)
{
    const char *text = iv__arena_print(&w->graph->arena, "%s + (size_t)token * %lld", matrix,
                                       (long long)width);

    return text ? text : no_memory(w);
}

static void need(walk *w, const char *section)
{
    for (int i = 0; iv__c_sections[i]; i++)
        w->step->section[i] |= !strcmp(iv__c_sections[i], section);
}

/* A member of the struct for output j of a call, or for room that it needs besides; returns what it is called. */
static const char *member(walk *w, const iv_call *call, const char *kind, int64_t count)
{
    const char *name = iv__arena_print(&w->graph->arena, "v->%s_%d", kind, call->id);

    if (!name)
        return no_memory(w);
    iv__text_print(&w->step->values, "    float %s[%lld]; /* %s%s%s */\n", name + strlen("v->"),
                   (long long)count, call->scope, *call->scope ? "/" : "", call->op->name);
    return name;
}

static int64_t count_of(const iv_node *node)
{
    return iv_shape_count(&node->shape);
}

static bool is_token(const walk *w, const iv_node *node)
{
    return node->dtype == IV_I32 && w->value[node->id] && !strcmp(w->value[node->id], "token");
}

/* The array of weights that a node is, or "". turned: as it must have been written. */
static const char *weights_of(walk *w, const iv_call *call, const iv_node *node, bool turned)
{
    iv__c_step *step = w->step;
    const iv_tensor *tensor = node->call->op == &iv__op_parameter
                                  ? iv_params_find(w->params, iv__leaf_of(node)->name)
                                  : NULL;
    if (!tensor || tensor->dtype != IV_F32) {
        refuse(w, call, "its weights are no parameter of f32");
        return "";
    }
    if (w->turned[node->id] != turned) {
        refuse(w, call, "its weights are wanted transposed elsewhere");
        return "";
    }
    if (w->value[node->id])
        return w->value[node->id];
    iv__c_weights *grown = iv__resize(step->home, step->weights,
                                      (size_t)(step->n_weights + 1) * sizeof *step->weights);
    const char *name = iv__arena_print(&w->graph->arena, "ivory_weights_%d.value", step->n_weights);
    if (grown)
        step->weights = grown;
    if (!grown || !name)
        return no_memory(w);
    int64_t rows = node->shape.rank == 2 ? node->shape.dim[0] : 1;
    step->weights[step->n_weights++] = (iv__c_weights){ .name = iv__leaf_of(node)->name,
                                                        .data = tensor->data,
                                                        .rows = rows,
                                                        .columns = iv_shape_count(&tensor->shape) / rows,
                                                        .transposed = turned };
    return w->value[node->id] = name;
}

/* What an input of f32 is called, weights included. */
static const char *input_of(walk *w, const iv_call *call, const iv_node *node)
{
    if (node->call->op == &iv__op_parameter)
        return weights_of(w, call, node, false);
    if (node->dtype == IV_F32 && w->value[node->id])
        return w->value[node->id];
    refuse(w, call, "an input of it is no value of one position");
    return "";
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* y = x w, or added to y, of columns [first, first + n) of w, which has `stride` of them, in chunks of its k rows. */
typedef struct product {
    int64_t n, k, chunk;
    const char *x, *w;
    int64_t first, stride;
    bool add;
    const char *y;
    int64_t at; /* in y */
} product;

static const char *behind(walk *w, const char *array, int64_t at)
{
    const char *text = at ? iv__arena_print(&w->graph->arena, "%s + %lld", array, (long long)at) : array;

    return text ? text : no_memory(w);
}

static void put_product(walk *w, product p)
{
    need(w, "product");
    iv__text_print(&w->step->calls, "    ivory_product(%lld, %lld, %lld, %s, %s, %lld, %d, %s);\n",
                   (long long)p.n, (long long)p.k, (long long)p.chunk, p.x, behind(w, p.w, p.first),
                   (long long)p.stride, p.add, behind(w, p.y, p.at));
}

static void emit_view(walk *w, const iv_call *call)
{
    if (count_of(call->in[0]) != count_of(&call->out[0]))
        refuse(w, call, "it repeats what it is given");
    else if (is_token(w, call->in[0]))
        w->value[call->out[0].id] = "token";
    else
        w->value[call->out[0].id] = input_of(w, call, call->in[0]);
}

static void emit_gather(walk *w, const iv_call *call)
{
    const iv_node *table = call->in[0];
    bool turned = w->turned[table->id];
    const char *from = weights_of(w, call, table, turned);
    int64_t width = table->shape.dim[1];

    if (!is_token(w, call->in[1])) {
        refuse(w, call, "it chooses by something else than the token");
    } else if (turned) {
        const char *y = member(w, call, "row", width);
        need(w, "column");
        iv__text_print(&w->step->calls, "    ivory_column(%lld, %s, %lld, token, %s);\n",
                       (long long)width, from, (long long)table->shape.dim[0], y);
        w->value[call->out[0].id] = y;
    } else {
        w->value[call->out[0].id] = chosen_row(w, from, width);
    }
}

static void emit_matmul(walk *w, const iv_call *call)
{
    const iv__matmul *attr = call->attr;
    const iv_node *right = call->in[1];
    int64_t n = count_of(&call->out[0]);

    if (attr->transpose_a || right->shape.rank != 2 || n * count_of(call->in[0]) != count_of(right)) {
        refuse(w, call, "it multiplies no single row by a matrix");
        return;
    }
    const char *x = input_of(w, call, call->in[0]),
               *weights = weights_of(w, call, right, attr->transpose_b),
               *y = member(w, call, "product", n);
    int64_t k = count_of(call->in[0]);
    put_product(w, (product){ n, k, iv__product_chunk(cpu, k), x, weights, 0, n, false, y, 0 });
    w->value[call->out[0].id] = y;
}

static void emit_add(walk *w, const iv_call *call)
{
    int64_t n = count_of(&call->out[0]);
    const char *a = input_of(w, call, call->in[0]), *b = input_of(w, call, call->in[1]),
               *y = member(w, call, "sum", n);

    need(w, "add");
    iv__text_print(&w->step->calls, "    ivory_add(%lld, %s, %s, %s);\n", (long long)n, a, b, y);
    w->value[call->out[0].id] = y;
}

/* What the recurrent rows share: in x, w, u, b, h0, ...; out y, h, ... */
typedef struct cell {
    int64_t units, sums;
    const char *x; /* NULL: numbers choose rows of w */
    const char *w, *u, *b, *h, *z;
} cell;

static void put_copy(walk *w, const char *to, const char *from, int64_t count)
{
    iv__text_print(&w->step->calls, "    memcpy(%s, %s, %lld * sizeof(float));\n", to, from,
                   (long long)count);
}

/* A state as it is before the position, in memory of its own that becomes the state after it. */
static const char *put_state(walk *w, const iv_call *call, int in, int out, const char *kind)
{
    const char *state = member(w, call, kind, count_of(&call->out[out]));

    put_copy(w, state, input_of(w, call, call->in[in]), count_of(&call->out[out]));
    w->value[call->out[out].id] = state;
    return state;
}

static bool begin_cell(walk *w, const iv_call *call, int inputs, cell *c)
{
    const iv_node *x = call->in[0];
    int64_t in = call->in[1]->shape.dim[0];

    *c = (cell){ .units = call->in[2]->shape.dim[0], .sums = call->in[2]->shape.dim[1] };
    if (call->n_in > inputs || count_of(x) != (x->dtype == IV_I32 ? 1 : in) ||
        (x->dtype == IV_I32 && !is_token(w, x))) {
        refuse(w, call, call->n_in > inputs ? "it has a mask" : "it reads more than one position");
        return false;
    }
    c->x = x->dtype == IV_I32 ? NULL : input_of(w, call, x);
    c->w = weights_of(w, call, call->in[1], false);
    c->u = weights_of(w, call, call->in[2], false);
    c->b = weights_of(w, call, call->in[3], false);
    c->h = put_state(w, call, 4, 1, "state");
    c->z = member(w, call, "gates", c->sums);
    w->value[call->out[0].id] = c->h; /* y, at one position */
    need(w, "parts");
    if (c->x)
        put_product(w, (product){ c->sums, in, iv__product_rows_chunk(cpu, in), c->x, c->w, 0,
                                  c->sums, false, c->z, 0 });
    return true;
}

/* h u to the gates, columns [first, first + n) of u to z from `at` on. */
static void put_through_u(walk *w, const cell *c, const char *h, int64_t first, int64_t n, bool add,
                          const char *z, int64_t at)
{
    put_product(w, (product){ n, c->units, iv__product_rows_chunk(cpu, c->units), h, c->u, first,
                              c->sums, add, z, at });
}

/* The row of w that the token chooses, where no product makes it. */
static void put_chosen(walk *w, const cell *c)
{
    if (!c->x)
        put_copy(w, c->z, chosen_row(w, c->w, c->sums), c->sums);
}

static void emit_lstm(walk *w, const iv_call *call)
{
    cell c;

    if (!begin_cell(w, call, 6, &c))
        return;
    const char *state = put_state(w, call, 5, 2, "cell");
    const char *row = c.x ? "NULL" : chosen_row(w, c.w, c.sums);
    put_through_u(w, &c, c.h, 0, c.sums, c.x, c.z, 0);
    need(w, "sigmoid");
    need(w, "lstm");
    iv__text_print(&w->step->calls, "    ivory_lstm(%lld, %s, %s, %s, %s, %s);\n",
                   (long long)c.units, c.z, row, c.b, c.h, state);
}

static void emit_gru(walk *w, const iv_call *call)
{
    bool after = ((const iv__recurrent *)call->attr)->reset_after;
    cell c;

    if (!begin_cell(w, call, 5, &c))
        return;
    const char *inner = member(w, call, "inner", c.units);
    put_chosen(w, &c);
    put_through_u(w, &c, c.h, 0, 2 * c.units, true, c.z, 0);
    need(w, "sigmoid");
    need(w, after ? "gru_after" : "gru_before");
    if (after) {
        put_through_u(w, &c, c.h, 2 * c.units, c.units, false, inner, 0);
        iv__text_print(&w->step->calls, "    ivory_gru_after(%lld, %s, %s, %s, %s);\n",
                       (long long)c.units, c.z, inner, c.b, c.h);
    } else {
        iv__text_print(&w->step->calls, "    ivory_gru_reset(%lld, %s, %s, %s, %s);\n",
                       (long long)c.units, c.z, c.b, c.h, inner);
        put_through_u(w, &c, inner, 2 * c.units, c.units, true, c.z, 2 * c.units);
        iv__text_print(&w->step->calls, "    ivory_gru_before(%lld, %s, %s, %s);\n",
                       (long long)c.units, c.z, c.b, c.h);
    }
}

static void emit_simple_rnn(walk *w, const iv_call *call)
{
    cell c;

    if (!begin_cell(w, call, 5, &c))
        return;
    put_chosen(w, &c);
    put_through_u(w, &c, c.h, 0, c.units, true, c.z, 0);
    need(w, "simple_rnn");
    iv__text_print(&w->step->calls, "    ivory_simple_rnn(%lld, %s, %s, %s);\n", (long long)c.units,
                   c.z, c.b, c.h);
}

static const struct row {
    const char *op;
    void (*emit)(walk *w, const iv_call *call);
} rows[] = {
    { "reshape", emit_view },  { "broadcast_to", emit_view },
    { "gather", emit_gather }, { "matmul", emit_matmul },
    { "add", emit_add },       { "lstm", emit_lstm },
    { "gru", emit_gru },       { "simple_rnn", emit_simple_rnn },
};

/* ---- the walk -------------------------------------------------------------------------------- */

static void emit_leaf(walk *w, const iv_call *call)
{
    const char *name = iv__leaf_of(&call->out[0])->name;

    if (call->op == &iv__op_parameter)
        return; /* written when it is used */
    if (!strcmp(name, w->input) && count_of(&call->out[0]) == 1) {
        w->value[call->out[0].id] = "token";
        return;
    }
    for (int i = 0; i < w->n_states; i++)
        if (w->states[i].leaf == &call->out[0]) {
            w->value[call->out[0].id] = member(w, call, "before", count_of(&call->out[0]));
            return;
        }
    refuse(w, call, "it is an input that is neither the token nor a state");
}

static void emit(walk *w, const iv_call *call)
{
    if (call->op->flags & IV_LEAF) {
        emit_leaf(w, call);
        return;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(rows[i].op, call->op->name)) {
            rows[i].emit(w, call);
            return;
        }
    refuse(w, call, "its row has no C text");
}

static bool begins_with_zeros(const iv_node *start)
{
    return !strcmp(start->call->op->name, "fill") && ((const iv__fill *)start->call->attr)->value == 0;
}

/* Marks what the targets need, and which weights are wanted transposed. */
static void look(walk *w, int n, iv_node *const targets[])
{
    for (int i = 0; i < n; i++)
        w->needed[targets[i]->call->id] = true;
    for (int c = w->graph->n_calls - 1; c >= 0; c--) {
        const iv_call *call = w->graph->calls[c];
        for (int k = 0; w->needed[c] && k < call->n_in; k++)
            w->needed[call->in[k]->call->id] = true;
        if (w->needed[c] && !strcmp(call->op->name, "matmul") &&
            ((const iv__matmul *)call->attr)->transpose_b)
            w->turned[call->in[1]->id] = true;
    }
}

/* targets: the logits, then the states after the position. */
static void write_step(walk *w, int n, iv_node *const targets[])
{
    int64_t logits = count_of(targets[0]);

    look(w, n, targets);
    for (int i = 0; i < w->n_states; i++)
        if (!begins_with_zeros(w->states[i].start))
            refuse(w, w->states[i].leaf->call, "it does not begin with zeros");
    for (int c = 0; c < w->graph->n_calls && !iv_graph_status(w->graph); c++)
        if (w->needed[c])
            emit(w, w->graph->calls[c]);
    if (iv_graph_status(w->graph))
        return;
    iv__text_print(&w->step->values, "    float logits[%lld];\n", (long long)logits);
    put_copy(w, "v->logits", input_of(w, targets[0]->call, targets[0]), logits);
    for (int i = 0; i < w->n_states; i++)
        put_copy(w, w->value[w->states[i].leaf->id],
                 input_of(w, targets[i + 1]->call, targets[i + 1]), count_of(targets[i + 1]));
}

static iv_status make_step(walk *w)
{
    iv_home *home = w->graph->home;
    int n = w->n_states + 1;
    iv_node **targets = iv__alloc_array(home, 2 * n, sizeof *targets);
    iv_status status = targets ? IV_OK : IV_NOMEM;

    if (!status) {
        targets[0] = iv_stepper_output(w->step->stepper, 0);
        for (int i = 1; i < n; i++)
            targets[i] = w->states[i - 1].next;
        status = iv__simplify(w->graph, n, targets, targets + n);
    }
    if (!status) {
        w->value = iv__alloc_array(home, w->graph->n_nodes, sizeof *w->value);
        w->needed = iv__alloc_array(home, w->graph->n_calls, sizeof *w->needed);
        w->turned = iv__alloc_array(home, w->graph->n_nodes, sizeof *w->turned);
        status = w->value && w->needed && w->turned ? IV_OK : IV_NOMEM;
    }
    if (!status)
        write_step(w, n, targets + n);
    if (!status)
        status = iv_graph_status(w->graph);
    if (!status && (w->step->values.failed || w->step->calls.failed))
        status = IV_NOMEM;
    iv__free(home, targets);
    iv__free(home, w->value);
    iv__free(home, w->needed);
    iv__free(home, w->turned);
    return status;
}

iv_status iv__c_step_make(iv__c_step *step, iv_params *params, iv_node *logits, const char *input)
{
    iv_home *home = iv_params_home(params);

    *step = (iv__c_step){ .home = home, .values.home = home, .calls.home = home };
    step->stepper = iv_stepper_new(1, &logits);
    if (!step->stepper)
        return iv_home_status(home);
    walk w = { .step = step, .params = params, .graph = iv_stepper_graph(step->stepper), .input = input };
    w.n_states = iv_stepper_states(step->stepper, &w.states);
    need(&w, "math");
    return make_step(&w);
}

void iv__c_step_free(iv__c_step *step)
{
    iv__free(step->home, step->weights);
    iv__text_free(&step->values);
    iv__text_free(&step->calls);
    iv_stepper_free(step->stepper);
}
