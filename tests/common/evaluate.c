/* evaluate.c: the plain path that plans are compared with. */
#include "common/evaluate.h"

#include "base/home.h"

static iv_kernel *reference_of(const iv_call *call)
{
    for (int j = 0; j < call->n_out; j++)
        if (call->out[j].dtype == IV_F64)
            return call->op->f64;
    for (int i = 0; i < call->n_in; i++)
        if (call->in[i]->dtype == IV_F64)
            return call->op->f64;
    return call->op->f32;
}

static void run_call(evaluation *e, const iv_call *call)
{
    iv_kernel_call k = { .home = e->graph->home,
                         .n_in = call->n_in,
                         .n_out = call->n_out,
                         .attr = call->attr,
                         .count = iv_shape_count(&call->out[0].shape) };

    for (int i = 0; i < call->n_in; i++)
        k.in[i] = (iv_array){ e->value[call->in[i]->id], &call->in[i]->shape, call->in[i]->dtype, false };
    for (int j = 0; j < call->n_out; j++) {
        const iv_node *out = &call->out[j];

        e->value[out->id] = iv__alloc(e->graph->home, (size_t)iv_shape_count(&out->shape) *
                                                          iv_dtype_size(out->dtype));
        k.out[j] = (iv_array){ e->value[out->id], &out->shape, out->dtype, false };
    }
    k.scratch = call->op->scratch ? iv__alloc(e->graph->home, call->op->scratch(&k)) : NULL;
    reference_of(call)(&k);
    iv__free(e->graph->home, k.scratch);
}

evaluation evaluate(iv_graph *graph, int n, iv_node *const outputs[], evaluate_leaf *leaf, void *context)
{
    evaluation e = { graph, graph->n_nodes,
                     iv__alloc_array(graph->home, graph->n_nodes, sizeof(void *)) };
    bool *needed = iv__alloc_array(graph->home, graph->n_calls, sizeof *needed);

    for (int i = 0; i < n; i++)
        needed[outputs[i]->call->id] = true;
    for (int c = graph->n_calls - 1; c >= 0; c--)
        for (int i = 0; needed[c] && i < graph->calls[c]->n_in; i++)
            needed[graph->calls[c]->in[i]->call->id] = true;
    for (int c = 0; c < graph->n_calls; c++) {
        const iv_call *call = graph->calls[c];

        if (needed[c] && call->op->flags & IV_LEAF)
            e.value[call->out[0].id] = leaf(context, &call->out[0]);
        else if (needed[c])
            run_call(&e, call);
    }
    iv__free(graph->home, needed);
    return e;
}

void evaluation_free(evaluation *e)
{
    for (int c = 0; c < e->graph->n_calls; c++) {
        const iv_call *call = e->graph->calls[c];

        for (int j = 0; j < call->n_out && !(call->op->flags & IV_LEAF); j++)
            if (call->out[j].id < e->n_nodes)
                iv__free(e->graph->home, e->value[call->out[j].id]);
    }
    iv__free(e->graph->home, e->value);
    e->value = NULL;
}

double element_at(const void *data, iv_dtype dtype, int64_t i)
{
    switch (dtype) {
    case IV_F32: return (double)((const float *)data)[i];
    case IV_F64: return ((const double *)data)[i];
    case IV_I32: return (double)((const int32_t *)data)[i];
    case IV_U8: return (double)((const uint8_t *)data)[i];
    }
    return 0;
}

double evaluation_at(const evaluation *e, const iv_node *node, int64_t i)
{
    return element_at(e->value[node->id], node->dtype, i);
}
