/* evaluation.c: the mean loss over a split, without training. */
#include "train/loop.h"

#include "base/home.h"

#include <math.h>

struct iv__evaluation {
    iv_home *home;
    const iv__trainee *trainee;
    int64_t batch;
    iv_graph *graph;
    iv_plan *plan;
    bool weighted;
};

iv__evaluation *iv__evaluation_new(iv_params *params, const iv__trainee *trainee, int64_t batch)
{
    iv_home *home = iv_params_home(params);
    iv__evaluation *e = iv__alloc(home, sizeof *e);
    if (!e)
        return NULL;
    *e = (iv__evaluation){ .home = home, .trainee = trainee, .batch = batch, .graph = iv_graph_new(home) };
    if (!e->graph) {
        iv__evaluation_free(e);
        return NULL;
    }
    iv__build build = { .graph = e->graph, .scope = iv_scope_new(e->graph, params, ""), .batch = batch };
    if (!trainee->build(trainee->self, &build)) {
        iv_node *outputs[] = { build.parts[0].loss, build.parts[0].weight };
        e->weighted = outputs[1] != NULL;
        e->plan = iv_plan_new(home, e->weighted ? 2 : 1, outputs, 0, NULL);
    }
    if (!e->plan || iv_params_bind(params, e->plan)) {
        iv__evaluation_free(e);
        return NULL;
    }
    return e;
}

void iv__evaluation_free(iv__evaluation *e)
{
    if (!e)
        return;
    iv_plan_free(e->plan);
    iv_graph_free(e->graph);
    iv__free(e->home, e);
}

iv_status iv__evaluate(iv__evaluation *e, iv__split split, double *loss, double *weight)
{
    const iv__trainee *trainee = e->trainee;
    double sum = 0, weights = 0;

    for (int64_t first = 0; first < trainee->n_records[split]; first += e->batch) {
        int64_t left = trainee->n_records[split] - first, n = left < e->batch ? left : e->batch;
        iv_status status = trainee->fill(trainee->self, e->plan, trainee->records[split] + first, n,
                                         e->batch);
        if (!status)
            status = iv_plan_run(e->plan);
        if (status)
            return status;
        double one = *(const float *)iv_plan_output(e->plan, 0);
        double w = e->weighted ? *(const float *)iv_plan_output(e->plan, 1) : (double)n;
        if (w > 0)
            sum += one * w;
        weights += w;
    }
    *loss = weights > 0 ? sum / weights : NAN;
    *weight = weights;
    return IV_OK;
}
