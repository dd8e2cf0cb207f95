/* gradient.c: reverse mode, as one walk backwards over the order of making.
 * The rules build ordinary nodes, so the gradient of a gradient needs nothing more. */
#include <ivory/derive.h>
#include <ivory/ops.h>

#include "base/home.h"
#include "graph/node.h"

#include <string.h>

/* For each node made before the walk: does it depend on an x, and the gradient that has reached
 * it. */
typedef struct walk {
    iv_graph *graph;
    bool *depends;
    iv_node **d;
    int n_nodes;
} walk;

static void mark_dependent(walk *w, int n, iv_node *const x[])
{
    for (int i = 0; i < n; i++)
        w->depends[x[i]->id] = true;
    for (int c = 0; c < w->graph->n_calls; c++) {
        iv_call *call = w->graph->calls[c];
        bool any = false;
        for (int k = 0; k < call->n_in; k++)
            any |= w->depends[call->in[k]->id];
        for (int j = 0; any && j < call->n_out; j++)
            w->depends[call->out[j].id] = true;
    }
}

static bool is_real(const iv_node *node)
{
    return node->dtype == IV_F32 || node->dtype == IV_F64;
}

static void back_through(walk *w, const iv_call *call)
{
    iv_node *dy[IV_MAX_OUT] = { 0 }, *dx[IV_MAX_IN] = { 0 };
    bool need[IV_MAX_IN] = { 0 }, any_dy = false, any_need = false;

    for (int j = 0; j < call->n_out; j++) {
        dy[j] = w->d[call->out[j].id];
        any_dy |= dy[j] != NULL;
    }
    for (int k = 0; k < call->n_in; k++) {
        need[k] = w->depends[call->in[k]->id] && is_real(call->in[k]);
        any_need |= need[k];
    }
    if (!any_dy || !any_need)
        return;
    const iv_op *op = call->op;
    if (op->first_order && !op->gradient) {
        iv_refuse(w->graph, IV_UNSUPPORTED, "%s: no derivative of this order: %s (at %s)", op->name,
                  op->first_order, call->scope);
        return;
    }
    if (!op->gradient)
        return; /* a step, a comparison, a random number: no slope flows through it */

    const char *scope = w->graph->scope;
    w->graph->scope = call->scope;
    op->gradient(&(iv_gradient_call){ w->graph, call, call->in, call->out, dy, dx, need, call->attr });
    for (int k = 0; k < call->n_in; k++)
        if (dx[k] && need[k]) {
            iv_node **d = &w->d[call->in[k]->id];
            *d = *d ? iv_add(*d, dx[k]) : dx[k];
        }
    w->graph->scope = scope;
}

iv_status iv_gradient(iv_node *y, int n, iv_node *const x[], iv_node *dx[])
{
    memset(dx, 0, (size_t)n * sizeof *dx);
    if (!y)
        return IV_VALUE;
    iv_graph *graph = y->graph;
    for (int i = 0; i < n; i++)
        if (!x[i] || x[i]->graph != graph)
            return graph->status
                       ? graph->status
                       : iv_fail(graph->home, IV_VALUE, "gradient: x %d is no node of this graph", i);
    if (graph->status)
        return graph->status;

    walk w = { graph, iv__alloc_array(graph->home, graph->n_nodes, sizeof(bool)),
               iv__alloc_array(graph->home, graph->n_nodes, sizeof(iv_node *)), graph->n_nodes };
    if (w.depends && w.d) {
        mark_dependent(&w, n, x);
        w.d[y->id] = iv_like(y, 1);
        /* a call that holds y may have later siblings; every call after it is no ancestor */
        for (int c = y->call->id; c >= 0 && !graph->status; c--)
            back_through(&w, graph->calls[c]);
        for (int i = 0; i < n && !graph->status; i++)
            dx[i] = w.d[x[i]->id] ? w.d[x[i]->id] : iv_like(x[i], 0);
    } else {
        iv_refuse(graph, IV_NOMEM, "%s", iv_home_message(graph->home));
    }
    iv__free(graph->home, w.depends);
    iv__free(graph->home, w.d);
    if (graph->status)
        memset(dx, 0, (size_t)n * sizeof *dx);
    return graph->status;
}
