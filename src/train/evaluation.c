/* evaluation.c: the mean loss over a split, without training. */
#include "train/batch.h"
#include "train/loop.h"

#include "base/home.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct iv__evaluation {
    iv_home *home;
    const iv__trainee *trainee;
    int64_t records; /* of a batch */
    int32_t *record; /* [records]: of the batch that is being filled */
    iv_graph *graph;
    iv_plan *plan;
    iv__batch *batch;
    bool weighted;
    int n_carried;
    const iv_update *carried;
};

iv_plan *iv__evaluation_plan(iv_home *home, const iv__build *build)
{
    iv_node **outputs = iv__alloc_array(home, 2 + build->n_carried, sizeof *outputs);
    int n = 0;

    if (!outputs)
        return NULL;
    outputs[n++] = build->parts[0].loss;
    if (build->parts[0].weight)
        outputs[n++] = build->parts[0].weight;
    for (int i = 0; i < build->n_carried; i++)
        outputs[n++] = build->carried[i].value;
    iv_plan *plan = iv_plan_new(home, n, outputs, 0, NULL);
    iv__free(home, outputs);
    return plan;
}

iv__evaluation *iv__evaluation_new(iv_params *params, const iv__trainee *trainee, int64_t batch)
{
    iv_home *home = iv_params_home(params);
    iv__evaluation *e = iv__alloc(home, sizeof *e);
    if (!e)
        return NULL;
    *e = (iv__evaluation){
        .home = home, .trainee = trainee, .records = batch, .graph = iv_graph_new(home)
    };
    if (!e->graph) {
        iv__evaluation_free(e);
        return NULL;
    }
    iv__build build = { .graph = e->graph, .scope = iv_scope_new(e->graph, params, ""), .batch = batch };
    if (build.scope && !trainee->build(trainee->self, &build)) {
        e->weighted = build.parts[0].weight != NULL;
        e->n_carried = build.n_carried;
        e->carried = build.carried;
        e->plan = iv__evaluation_plan(home, &build);
    }
    e->record = iv__alloc_array(home, batch, sizeof *e->record);
    if (e->record && e->plan && !iv_params_bind(params, e->plan))
        e->batch = iv__batch_new(home, trainee, batch, 1, &e->plan);
    if (!e->batch) {
        iv__evaluation_free(e);
        return NULL;
    }
    return e;
}

void iv__evaluation_free(iv__evaluation *e)
{
    if (!e)
        return;
    iv__batch_free(e->batch);
    iv_plan_free(e->plan);
    iv_graph_free(e->graph);
    iv__free(e->home, e->record);
    iv__free(e->home, e);
}

/* Begins with the batch of a step; how many rows it has, 0: there is no such step. */
static int64_t begin(iv__evaluation *e, iv__split split, int64_t step)
{
    const iv__trainee *trainee = e->trainee;
    int64_t first = step * e->records, left = trainee->n_records[split] - first;
    int64_t n = left < e->records ? left : e->records;

    if (trainee->choose) {
        n = trainee->choose(trainee->self, split, -1, step, e->record) ? e->records : 0;
    } else {
        for (int64_t i = 0; i < n; i++)
            e->record[i] = (int32_t)(first + i);
    }
    if (n > 0)
        iv__batch_begin(e->batch,
                        &(iv__rows){ .split = split, .step = step, .record = e->record, .n = n });
    return n;
}

/* States begin the next batch as this one left them. */
static iv_status carry(iv__evaluation *e)
{
    for (int i = 0; i < e->n_carried; i++) {
        const iv_node *leaf = e->carried[i].leaf;
        void *state = iv_plan_input(e->plan, iv_node_name(leaf));
        if (!state)
            return IV_NOMEM;
        memcpy(state, iv_plan_output(e->plan, (e->weighted ? 2 : 1) + i),
               (size_t)iv_shape_count(iv_node_shape(leaf)) * iv_dtype_size(iv_node_dtype(leaf)));
    }
    return IV_OK;
}

/* A batch gave no number: which value went bad first, and of which record. */
static iv_status bad_loss(iv__evaluation *e, iv__split split, int64_t step, double loss, bool begun)
{
    char message[512];
    iv_status status = iv_plan_find_bad(e->plan);
    int64_t row = iv_plan_bad_record(e->plan);

    if (status == IV_OK || status == IV_UNSUPPORTED)
        status = iv_fail(e->home, IV_NUMERIC, "the loss is %g", loss);
    snprintf(message, sizeof message, "%s", iv_home_message(e->home));
    if (begun)
        iv__batch_take(e->batch); /* the next one is being filled */
    if (row < 0 || e->trainee->choose)
        return iv_fail(e->home, status, "%s records, batch %lld: %s", iv__split_name(split),
                       (long long)step + 1, message);
    return iv_fail(e->home, status, "%s: %s record %lld", message, iv__split_name(split),
                   (long long)(step * e->records + row + 1));
}

iv_status iv__evaluate(iv__evaluation *e, iv__split split, void (*seen)(void *user, int64_t records),
                       void *user, double *loss, double *weight)
{
    double sum = 0, weights = 0;
    int64_t step = 0;

    *loss = NAN;
    *weight = 0;
    for (int64_t n = begin(e, split, 0), next; n > 0; n = next) {
        iv_status status = iv__batch_take(e->batch);
        if (status)
            return status;
        next = begin(e, split, ++step);
        status = iv_plan_run(e->plan);
        if (status)
            return status;
        double one = *(const float *)iv_plan_output(e->plan, 0);
        double w = e->weighted ? *(const float *)iv_plan_output(e->plan, 1) : (double)n;
        if (w > 0 && !isfinite(one))
            return bad_loss(e, split, step - 1, one, next > 0);
        if (w > 0)
            sum += one * w;
        weights += w;
        status = carry(e);
        if (status)
            return status;
        if (seen)
            seen(user, step * e->records);
    }
    *loss = weights > 0 ? sum / weights : NAN;
    *weight = weights;
    return IV_OK;
}
