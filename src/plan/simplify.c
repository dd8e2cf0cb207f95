/* simplify.c: the same values with less work: constants folded into factors, transposes into
 * products, views of views, one-hot vectors into what multiplies them, chains of optimizers, and a
 * loss that its own backward row computes anyway. */
#include "plan/parts.h"

#include "base/home.h"
#include "ops/attrs.h"
#include "ops/rows.h"
#include "ops/update.h"

#include <ivory/ops.h>

#include <string.h>

typedef struct rewriting {
    iv_graph *graph;
    iv_node **now; /* by node id */
    int n_nodes;   /* of the graph before rewriting */
    bool *needed;  /* by call id */
    int n_calls;
    bool *used; /* by node id: a target, or read by a needed call */
} rewriting;

static bool is(const iv_node *node, const char *op)
{
    return !strcmp(node->call->op->name, op);
}

/* The number that all elements of a node are, if it is a fill or a broadcast of one. */
static bool is_filled(const iv_node *node, double *value)
{
    while (is(node, "broadcast_to") || is(node, "reshape"))
        node = node->call->in[0];
    if (!is(node, "fill") || (node->dtype != IV_F32 && node->dtype != IV_F64))
        return false;
    for (const iv_field *field = node->call->op->attrs; field->name; field++)
        if (!strcmp(field->name, "value")) {
            *value = *(const double *)(const void *)((const char *)node->call->attr + field->offset);
            return true;
        }
    return false;
}

/* The number that goes with a scale or a shift. */
static double number_of(const iv_node *node)
{
    return ((const iv__real *)node->call->attr)->a;
}

/* m + (x - m) share */
static iv_node *simplify_average(iv_node *m, const iv_node *step)
{
    const iv_node *difference = is(step, "scale") ? step->call->in[0] : NULL;

    if (!difference || !is(difference, "sub") || difference->call->in[1] != m)
        return NULL;
    iv_node *x = difference->call->in[0];
    bool squared = is(x, "square");
    return iv__average_node(m, squared ? x->call->in[0] : x, (iv__average){ number_of(step), squared });
}

/* w - rate x / (sqrt(s) + epsilon), or / sqrt(s + epsilon) */
static iv_node *simplify_descend(iv_node *w, const iv_node *step)
{
    const iv_node *above = is(step, "div") ? step->call->in[0] : NULL;
    const iv_node *below = above && is(above, "mul") ? step->call->in[1] : NULL;
    const iv_node *within = below && (is(below, "sqrt") || is(below, "shift")) ? below->call->in[0]
                                                                               : NULL;

    if (!within || !is(within, is(below, "sqrt") ? "shift" : "sqrt"))
        return NULL;
    bool inside = is(below, "sqrt");
    return iv__descend_node(w, above->call->in[0], above->call->in[1], within->call->in[0],
                            (iv__descend){ number_of(inside ? within : below), inside });
}

static iv_node *simplify_add(iv_node *const in[])
{
    double value;

    for (int i = 0; i < 2; i++)
        if (is_filled(in[i], &value))
            return value == 0 ? in[!i] : iv_shift(in[!i], value);
    return simplify_average(in[0], in[1]);
}

static iv_node *simplify_sub(iv_node *const in[])
{
    double value;

    if (is_filled(in[1], &value))
        return value == 0 ? in[0] : iv_shift(in[0], -value);
    if (is_filled(in[0], &value))
        return value == 0 ? iv_neg(in[1]) : iv_shift(iv_neg(in[1]), value);
    return simplify_descend(in[0], in[1]);
}

static iv_node *simplify_mul(iv_node *const in[])
{
    double value;

    for (int i = 0; i < 2; i++)
        if (is_filled(in[i], &value) && value != 0) /* 0 x NaN must stay NaN */
            return value == 1 ? in[!i] : iv_scale(in[!i], value);
    return NULL;
}

static iv_node *simplify_div(iv_node *const in[])
{
    double value;

    return is_filled(in[1], &value) && value == 1 ? in[0] : NULL;
}

static iv_node *simplify_reshape(iv_node *const in[], const iv_shape *shape)
{
    return is(in[0], "reshape") ? iv_reshape(in[0]->call->in[0], *shape) : NULL;
}

static iv_node *simplify_sum_to(iv_node *const in[], const iv_shape *shape)
{
    return is(in[0], "square") && shape->rank == 0 ? iv_sum_squares(in[0]->call->in[0]) : NULL;
}

/* x where node is x with its last two axes exchanged, else NULL. */
static iv_node *untransposed(const iv_node *node)
{
    if (!is(node, "transpose"))
        return NULL;
    const iv_shape *order = node->call->attr; /* the row's one attribute */
    int64_t rank = order->rank;
    for (int64_t i = 0; i < rank - 2; i++)
        if (order->dim[i] != i)
            return NULL;
    return rank >= 2 && order->dim[rank - 1] == rank - 2 ? node->call->in[0] : NULL;
}

static iv_node *simplify_matmul(iv_node *const in[], const iv__matmul *flags)
{
    iv_node *a = untransposed(in[0]), *b = untransposed(in[1]);

    if (!a && !b)
        return NULL;
    return iv_matmul_with(a ? a : in[0], b ? b : in[1], !flags->transpose_a != !a,
                          !flags->transpose_b != !b);
}

/* ---- one-hot vectors that only choose rows of a recurrent kernel ----------------------------- */

/* Their numbers, which the recurrent rows take in their place, or NULL. */
static iv_node *numbers_of(const rewriting *r, const iv_call *call, const iv_node *x)
{
    static const char *const forward[] = { "lstm", "gru", "simple_rnn" }, *const back[] = {
        "lstm_back", "gru_back", "simple_rnn_back"
    };

    if (!is(x, "one_hot") || x->shape.rank != 3)
        return NULL;
    for (int i = 0; i < 3; i++)
        if (!strcmp(call->op->name, forward[i]) ||
            (!strcmp(call->op->name, back[i]) && !r->used[call->out[0].id])) /* dx of them */
            return x->call->in[0];
    return NULL;
}

/* ---- the loss of a projection, taken from its backward row ----------------------------------- */

static bool depends_on(const rewriting *r, const iv_node *node, const iv_call *call)
{
    bool *seen = iv__alloc_array(r->graph->home, r->n_calls, sizeof(bool));
    bool found = true;

    if (!seen) {
        iv_refuse(r->graph, IV_NOMEM, "%s", iv_home_message(r->graph->home));
        return true;
    }
    seen[node->call->id] = true;
    for (int c = node->call->id; c > call->id; c--)
        for (int k = 0; seen[c] && k < r->graph->calls[c]->n_in; k++)
            seen[r->graph->calls[c]->in[k]->call->id] = true;
    found = seen[call->id];
    iv__free(r->graph->home, seen);
    return found;
}

static const iv_call *backward_of(const rewriting *r, const iv_call *forward)
{
    for (int c = forward->id + 1; c < r->n_calls; c++) {
        const iv_call *call = r->graph->calls[c];
        if (r->needed[c] && !strcmp(call->op->name, "linear_cross_entropy_back") &&
            !memcmp(call->in, forward->in, 5 * sizeof *call->in) &&
            !depends_on(r, call->in[5], forward))
            return call;
    }
    return NULL;
}

/* ---- the walk -------------------------------------------------------------------------------- */

static void rewrite(rewriting *r, const iv_call *call);

static iv_node *now_of(rewriting *r, const iv_node *node)
{
    if (!r->now[node->id])
        rewrite(r, node->call);
    return r->now[node->id];
}

static iv_node *simpler(const iv_call *call, iv_node *const in[])
{
    const char *name = call->op->name;
    double value;

    if (!strcmp(name, "add"))
        return simplify_add(in);
    if (!strcmp(name, "sub"))
        return simplify_sub(in);
    if (!strcmp(name, "mul"))
        return simplify_mul(in);
    if (!strcmp(name, "div"))
        return simplify_div(in);
    if (!strcmp(name, "reshape"))
        return simplify_reshape(in, &call->out[0].shape);
    if (!strcmp(name, "sum_to"))
        return simplify_sum_to(in, &call->out[0].shape);
    if (!strcmp(name, "broadcast_to") && is_filled(in[0], &value))
        return iv_fill(call->out[0].graph, call->out[0].shape, value);
    if (!strcmp(name, "matmul"))
        return simplify_matmul(in, call->attr);
    if (!strcmp(name, "stop_gradient"))
        return in[0];
    return NULL;
}

static void rewrite(rewriting *r, const iv_call *call)
{
    iv_node *in[IV_MAX_IN], *out = NULL;
    bool changed = false;

    if (!strcmp(call->op->name, "linear_cross_entropy")) {
        const iv_call *back = backward_of(r, call);
        if (back) {
            r->now[call->out[0].id] = iv_node_output(now_of(r, &back->out[0]), 3);
            return;
        }
    }
    for (int k = 0; k < call->n_in; k++) {
        in[k] = now_of(r, call->in[k]);
        if (!in[k])
            return; /* the graph holds the reason */
        changed |= in[k] != call->in[k];
    }
    iv_node *numbers = call->n_in ? numbers_of(r, call, in[0]) : NULL;
    if (numbers) {
        in[0] = numbers;
        changed = true;
    }
    const char *scope = r->graph->scope;
    r->graph->scope = call->scope; /* messages about bad numbers name it */
    out = call->op->flags & IV_LEAF ? &call->out[0] : simpler(call, in);
    if (out && !iv_shape_same(&out->shape, &call->out[0].shape))
        out = NULL;
    if (!out)
        out = changed ? iv_apply(r->graph, call->op, call->n_in, in, call->attr) : &call->out[0];
    r->graph->scope = scope;
    for (int j = 0; out && j < call->n_out; j++)
        r->now[call->out[j].id] = j ? iv_node_output(out, j) : out;
}

iv_status iv__simplify(iv_graph *graph, int n_targets, iv_node *const targets[], iv_node *simplified[])
{
    rewriting r = { graph,          iv__alloc_array(graph->home, graph->n_nodes, sizeof(iv_node *)),
                    graph->n_nodes, iv__alloc_array(graph->home, graph->n_calls, sizeof(bool)),
                    graph->n_calls, iv__alloc_array(graph->home, graph->n_nodes, sizeof(bool)) };
    iv_status status = r.now && r.needed && r.used ? IV_OK : IV_NOMEM;

    if (!status) {
        for (int i = 0; i < n_targets; i++)
            r.needed[targets[i]->call->id] = r.used[targets[i]->id] = true;
        for (int c = r.n_calls - 1; c >= 0; c--)
            for (int k = 0; r.needed[c] && k < graph->calls[c]->n_in; k++) {
                r.needed[graph->calls[c]->in[k]->call->id] = true;
                r.used[graph->calls[c]->in[k]->id] = true;
            }
        for (int c = 0; c < r.n_calls && !graph->status; c++)
            if (r.needed[c] && !r.now[graph->calls[c]->out[0].id])
                rewrite(&r, graph->calls[c]);
        for (int i = 0; i < n_targets; i++)
            simplified[i] = r.now[targets[i]->id];
        status = graph->status;
    }
    iv__free(graph->home, r.now);
    iv__free(graph->home, r.needed);
    iv__free(graph->home, r.used);
    return status;
}
