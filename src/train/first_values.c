/* first_values.c: parameters that get their first values from data: the lengths of filters with weight
 * normalisation. A function of seed and data alone, so that a run that begins again begins alike. */
#include "train/batch.h"
#include "train/loop.h"

#include "base/home.h"
#include "base/random.h"

/* Of the first batch; more would say no more, and their graph runs as a whole. */
enum { MOST_RECORDS = 32 };

typedef struct first {
    iv_home *home;
    const iv__trainee *trainee;
    const iv__settings *settings;
    int64_t n; /* records */
    int32_t *record; /* [n] at least: the first training batch begins with them; without what fills it up */
} first;

static iv_status choose_records(first *f)
{
    const int64_t all = f->trainee->n_records[SPLIT_TRAIN], batch = f->settings->batch;

    f->n = f->trainee->choose || batch < all ? batch : all;
    if (f->n > MOST_RECORDS)
        f->n = MOST_RECORDS;
    f->record = iv__alloc_array(f->home, all > batch ? all : batch, sizeof *f->record);
    if (!f->record)
        return IV_NOMEM;
    if (f->trainee->choose)
        f->trainee->choose(f->trainee->self, SPLIT_TRAIN, 0, 0, f->record);
    else
        iv__shuffle(iv__random_key((uint64_t)f->settings->seed, IV__SHUFFLE_KEY), 0, f->record, all);
    return IV_OK;
}

static iv_status fill(iv_plan *plan, void *context)
{
    const first *f = context;
    iv__batch *batch = iv__batch_new(f->home, f->trainee, f->n, 1, &plan);

    if (!batch)
        return IV_NOMEM;
    iv__batch_begin(batch, &(iv__rows){ .split = SPLIT_TRAIN, .record = f->record, .n = f->n });
    iv_status status = iv__batch_take(batch);
    iv__batch_free(batch);
    return status;
}

iv_status iv__first_values(iv_params *params, const iv__trainee *trainee, const iv__settings *settings)
{
    first f = { .home = iv_params_home(params), .trainee = trainee, .settings = settings };
    if (!trainee->first_values)
        return IV_OK;
    iv_graph *graph = iv_graph_new(f.home);
    iv_status status = graph ? choose_records(&f) : IV_NOMEM;
    iv__build build = { .graph = graph, .batch = f.n };

    if (!status) {
        build.scope = iv_scope_new(graph, params, "");
        if (build.scope)
            iv_scope_initializing(build.scope);
        status = build.scope ? trainee->build(trainee->self, &build) : iv_home_status(f.home);
    }
    if (!status)
        status = iv_initialize(build.scope, fill, &f);
    iv_graph_free(graph);
    iv__free(f.home, f.record);
    return status;
}
