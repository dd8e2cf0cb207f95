/* loop.c: the training loop. A batch is a pure function of seed, data and step; what else
 * decides the future is in the checkpoint; so a run that was killed and resumed ends with the
 * same bits. */
#include "train/loop.h"

#include "base/file.h"
#include "base/home.h"
#include "base/random.h"
#include "format/json_write.h"
#include "nn/params.h"
#include "train/batch.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum { SAVE_SECONDS = 10, TRIES = 8 };
static const double lower_rate_by = 0.1;
static const double explodes_beyond = 5; /* times the first loss, or the trainee's worst */

typedef struct loop {
    iv_home *home;
    iv__run *run;
    const iv__settings *settings;
    iv_params *params;
    const iv__trainee *trainee;
    const iv__watcher *watcher;

    iv_graph *graph;
    int n_parts;
    iv__trained_part parts[IV__MOST_PARTS];
    iv_train_step *steps[IV__MOST_PARTS];
    iv__evaluation *evaluation;

    int64_t per_pass, per_epoch, total; /* steps: once through the records; to the next report */
    iv__batch *batch;
    int32_t *order;             /* of the epoch; NULL where the trainee chooses */
    int32_t *records, *current; /* of the batch that is being filled; of that which the steps have */
    int64_t order_pass;         /* the pass that order is of; -1: none */
    uint64_t shuffle_key;
    int64_t count;  /* records of the batch that the steps have */
    bool last_good; /* the last step was */
    iv__progress progress;
    double last_save;
    int64_t saved_step;   /* that `last` holds; -1: none */
    double epoch_seconds; /* of this process; for reports only */
} loop;

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double rate_now(const loop *l)
{
    return iv__settings_rate(l->settings, l->progress.step, l->total, l->per_epoch) *
           pow(lower_rate_by, (double)l->progress.lowered);
}

static void note(const loop *l, const char *text)
{
    if (l->watcher->note)
        l->watcher->note(l->watcher->user, text);
}

/* ---- making and loading ---------------------------------------------------------------------- */

static iv_status make_steps(loop *l)
{
    iv__build build = { .graph = l->graph,
                        .scope = iv_scope_new(l->graph, l->params, ""),
                        .batch = l->settings->batch,
                        .training = true };

    if (!build.scope)
        return iv_home_status(l->home);
    iv_scope_training(build.scope, true);
    iv_status status = l->trainee->build(l->trainee->self, &build);
    l->n_parts = build.n_parts;
    memcpy(l->parts, build.parts, sizeof l->parts);
    for (int i = 0; i < l->n_parts && !status; i++) {
        iv__trained_part *part = &l->parts[i];
        l->steps[i] = iv_train_step_new(l->params, .loss = part->loss, .changes = part->changes,
                                        .n_watched = part->weight != NULL, .watched = &part->weight,
                                        .n_carried = i == 0 ? build.n_carried : 0,
                                        .carried = build.carried,
                                        .optimizer = iv__settings_optimizer(l->settings));
        if (!l->steps[i])
            status = iv_home_status(l->home);
    }
    return status;
}

static iv_status make_batch(loop *l)
{
    iv_plan *plans[IV__MOST_PARTS];

    for (int i = 0; i < l->n_parts; i++)
        plans[i] = iv_train_step_plan(l->steps[i]);
    l->batch = iv__batch_new(l->home, l->trainee, l->settings->batch, l->n_parts, plans);
    return l->batch ? IV_OK : IV_NOMEM;
}

static iv_status save(loop *l)
{
    if (l->saved_step == l->progress.step)
        return IV_OK;
    iv_status status = iv__run_flush(l->run);
    if (!status)
        status = iv__run_rotate(l->run);
    char *path = status ? NULL : iv__run_path(l->run, "last.safetensors");
    if (!status)
        status = path ? iv__checkpoint_write(l->home, path, l->params, l->trainee, &l->progress, true)
                      : IV_NOMEM;
    iv__free(l->home, path);
    if (!status) {
        l->run->last_damaged = false;
        l->saved_step = l->progress.step;
    }
    l->last_save = seconds_now();
    return status;
}

static iv_status write_model(loop *l)
{
    char *path = iv__run_path(l->run, "model.safetensors");

    iv__params_swap_averages(l->params);
    iv_status status = path ? iv__checkpoint_write(l->home, path, l->params, l->trainee,
                                                   &l->progress, false)
                            : IV_NOMEM;
    iv__params_swap_averages(l->params);
    iv__free(l->home, path);
    return status;
}

static iv_status load_or_start(loop *l)
{
    iv__text why = { .home = l->home };
    iv__progress *p = &l->progress;
    iv__safetensors *file = iv__run_checkpoint(l->run, &why);
    iv_status status = file ? iv__checkpoint_load(l->params, file, p) : iv_home_status(l->home);

    iv__safetensors_close(file);
    if (!status && why.size) {
        iv__text_put(&why, "; going on from the checkpoint before it");
        note(l, why.data);
    }
    l->saved_step = file && !why.size ? p->step : -1;
    if (!status && !file) {
        *p = (iv__progress){ .first_loss = INFINITY, .best = INFINITY };
        status = iv__first_values(l->params, l->trainee, l->settings);
        iv__params_begin_averages(l->params);
    } else if (!status && p->best_epoch && p->best_epoch * l->per_epoch == p->step) {
        status = write_model(l); /* perhaps it was not written any more */
    }
    iv__text_free(&why);
    return status;
}

/* ---- one step -------------------------------------------------------------------------------- */

static int64_t records_of(const loop *l, int64_t step)
{
    int64_t left = l->trainee->n_records[SPLIT_TRAIN] - step % l->per_pass * l->settings->batch;

    return left < l->settings->batch ? left : l->settings->batch;
}

static void begin_batch(loop *l, int64_t step)
{
    const iv__trainee *trainee = l->trainee;
    int64_t pass = step / l->per_pass, in_pass = step % l->per_pass, batch = l->settings->batch;
    iv__rows rows = { .split = SPLIT_TRAIN, .step = in_pass, .record = l->records };

    if (trainee->choose) {
        trainee->choose(trainee->self, SPLIT_TRAIN, pass, in_pass, l->records);
        rows.n = batch;
    } else {
        if (l->order_pass != pass) {
            iv__shuffle(l->shuffle_key, (uint64_t)pass, l->order, trainee->n_records[SPLIT_TRAIN]);
            l->order_pass = pass;
        }
        rows.n = records_of(l, step);
        memcpy(l->records, l->order + in_pass * batch, (size_t)rows.n * sizeof *l->records);
    }
    iv__batch_begin(l->batch, &rows);
}

/* The batch of this step, which was begun before; that of the next is begun. */
static iv_status take_batch(loop *l)
{
    int64_t step = l->progress.step;
    iv_status status = iv__batch_take(l->batch);

    if (status)
        return status;
    int32_t *taken = l->records;
    l->records = l->current;
    l->current = taken;
    l->count = records_of(l, step);
    if (step + 1 < l->total)
        begin_batch(l, step + 1);
    return IV_OK;
}

static double weight_of(const loop *l, int part)
{
    return l->parts[part].weight ? *(const float *)iv_train_step_watched(l->steps[part], 0)
                                 : (double)l->count;
}

static bool explodes(const loop *l, double loss)
{
    return l->progress.first_loss > 0 &&
           loss > explodes_beyond * fmax(l->progress.first_loss, l->trainee->worst_loss);
}

/* Adds to the message which training record a row of the batch is. */
static iv_status name_record(const loop *l, int64_t row)
{
    iv__text text = { .home = l->home };

    if (row < 0 || l->current[row] < 0)
        return IV_NUMERIC;
    iv__text_print(&text, "%s: training record %lld", iv_home_message(l->home),
                   (long long)l->current[row] + 1);
    if (l->trainee->say_where) {
        iv__text_put(&text, ", ");
        l->trainee->say_where(l->trainee->self, SPLIT_TRAIN, l->current[row], &text);
    }
    if (!text.failed)
        iv_fail(l->home, IV_NUMERIC, "%s", text.data);
    iv__text_free(&text);
    return IV_NUMERIC;
}

/* *weight: the sum of weights of the batch; if it is 0 there is nothing to learn from it, and
 * its mean loss is no number. */
static iv_status gradients(loop *l, int part, double *weight)
{
    iv_train_step *step = l->steps[part];
    iv_plan *plan = iv_train_step_plan(step);

    iv_plan_set_clock(plan, (uint64_t)l->settings->seed, l->progress.step, 0);
    iv_status status = iv_train_step_gradients(step);
    if (status && status != IV_NUMERIC)
        return status;
    *weight = weight_of(l, part);
    if (*weight == 0) {
        iv_home_clear(l->home);
        return IV_OK;
    }
    if (status)
        return name_record(l, iv_plan_bad_record(plan));
    if (part == 0 && explodes(l, iv_train_step_loss(step)))
        status = iv_fail(l->home, IV_NUMERIC, "the loss exploded: %.6g, after %.6g at the first step",
                         iv_train_step_loss(step), l->progress.first_loss);
    return status;
}

/* Weights of the best epoch, or those of the beginning; the optimizer forgets. A pure function
 * of what was trained, so that a run that was killed meanwhile does the same. */
static iv_status roll_back(loop *l)
{
    char *path = iv__run_path(l->run, "model.safetensors");
    iv__text text = { .home = l->home };
    iv__safetensors *file = NULL;
    iv__progress then = { 0 }; /* when the model was written */
    iv_status status = path ? IV_OK : IV_NOMEM;

    iv__text_print(&text, "step %lld: %s. ", (long long)l->progress.step + 1, iv_home_message(l->home));
    if (++l->progress.lowered > TRIES) {
        iv__free(l->home, path);
        status = iv_fail(l->home, IV_NUMERIC,
                         "%sThe rate was lowered %d times in vain; look at the data, or start with a smaller --rate",
                         text.data ? text.data : "", TRIES);
        iv__text_free(&text);
        return status;
    }
    if (!status && l->progress.best_epoch) {
        file = iv__safetensors_open(l->home, path);
        status = file ? iv__checkpoint_load(l->params, file, &then) : iv_home_status(l->home);
    } else if (!status) {
        status = iv_params_reset(l->params);
        if (!status)
            status = iv__first_values(l->params, l->trainee, l->settings);
    }
    iv__safetensors_close(file);
    iv__free(l->home, path);
    iv__params_begin_averages(l->params);
    l->progress.updates = 0;
    if (l->progress.best_epoch)
        iv__text_print(&text, "Back to the weights of epoch %lld", (long long)then.best_epoch);
    else
        iv__text_put(&text, "Back to the weights of the beginning");
    iv__text_print(&text, ", rate lowered to %.3g (try %lld of %d)",
                   l->settings->rate * pow(lower_rate_by, (double)l->progress.lowered),
                   (long long)l->progress.lowered, TRIES);
    if (!status)
        note(l, text.failed ? "rolled back" : text.data);
    iv__text_free(&text);
    return status;
}

static void report_step(loop *l, double loss, double norm, double rate, double seconds)
{
    const iv__progress *p = &l->progress;
    iv__text line = { .home = l->home };
    iv__json_writer w = { .text = &line };
    int64_t epoch = (p->step - 1) / l->per_epoch + 1;

    iv__json_put_object(&w);
    iv__json_put_name(&w, "step"), iv__json_put_int(&w, p->step);
    iv__json_put_name(&w, "epoch"), iv__json_put_int(&w, epoch);
    iv__json_put_name(&w, "loss"), iv__json_put_float(&w, loss);
    iv__json_put_name(&w, "norm"), iv__json_put_float(&w, norm);
    iv__json_put_name(&w, "rate"), iv__json_put_float(&w, rate);
    iv__json_put_name(&w, "seconds"), iv__json_put_float(&w, seconds);
    iv__json_end_object(&w);
    if (!line.failed)
        iv__run_metric(l->run, line.data, p->step, 2,
                       (iv__event_value[]){ { "loss/step", (float)loss }, { "rate", (float)rate } });
    iv__text_free(&line);
    if (l->watcher->step)
        l->watcher->step(l->watcher->user,
                         &(iv__step_report){
                             p->step, l->total, epoch, (l->total + l->per_epoch - 1) / l->per_epoch,
                             (p->step - 1) % l->per_epoch + 1, l->per_epoch, loss,
                             p->epoch_weight > 0 ? p->epoch_loss / p->epoch_weight : loss, rate,
                             norm, seconds });
}

static iv_status one_step(loop *l)
{
    iv__progress *p = &l->progress;
    double begin = seconds_now(), loss = 0, norm = 0, weight = 0, rate = rate_now(l);

    iv_status status = take_batch(l);
    if (status)
        return status;
    l->last_good = false;
    for (int i = 0; i < l->n_parts; i++) {
        int times = l->parts[i].times ? l->parts[i].times : 1;
        for (int t = 0; t < times; t++) {
            double counted;
            status = gradients(l, i, &counted);
            if (!status && counted > 0)
                status = iv_train_step_apply(l->steps[i], rate, p->updates * times + t);
            if (status == IV_NUMERIC) {
                p->step++;
                return roll_back(l);
            }
            if (status)
                return status;
            weight = i == 0 ? counted : weight;
        }
        if (i == 0 && weight > 0) {
            loss = iv_train_step_loss(l->steps[0]);
            norm = iv_train_step_norm(l->steps[0]);
        }
    }
    if (isinf(p->first_loss) && weight > 0)
        p->first_loss = loss;
    l->last_good = true;
    p->step++;
    p->updates++;
    p->epoch_loss += loss * weight;
    p->epoch_weight += weight;
    double seconds = seconds_now() - begin;
    l->epoch_seconds += seconds;
    report_step(l, loss, norm, rate, seconds);
    return IV_OK;
}

/* ---- the end of an epoch --------------------------------------------------------------------- */

static void report_epoch(loop *l, const iv__epoch_report *report)
{
    iv__text line = { .home = l->home };
    iv__json_writer w = { .text = &line };
    iv__event_value values[2] = { { "loss/training", (float)report->training },
                                  { "loss/validation", (float)report->validation } };

    iv__json_put_object(&w);
    iv__json_put_name(&w, "step"), iv__json_put_int(&w, report->step);
    iv__json_put_name(&w, "epoch"), iv__json_put_int(&w, report->epoch);
    iv__json_put_name(&w, "training"), iv__json_put_float(&w, report->training);
    iv__json_put_name(&w, "validation"), iv__json_put_float(&w, report->validation);
    iv__json_put_name(&w, "best"), iv__json_put_bool(&w, report->best);
    iv__json_end_object(&w);
    if (!line.failed)
        iv__run_metric(l->run, line.data, report->step, isnan(report->validation) ? 1 : 2, values);
    iv__text_free(&line);
    if (l->watcher->epoch)
        l->watcher->epoch(l->watcher->user, report);
}

/* Weights that are kept are gone back to when a step goes bad, so they must be sound. What the
 * last update made of them shows in no loss yet: the last batch is looked at again. */
static iv_status look_at_weights(loop *l, bool *sound)
{
    double weight;
    iv_status status = l->last_good ? gradients(l, 0, &weight) : IV_OK;

    *sound = status == IV_OK;
    if (status != IV_NUMERIC)
        return status;
    iv_home_clear(l->home);
    return IV_OK;
}

/* What there is to see at the end of an epoch: of the averages, where there are any. *best: it is the
 * best so far. */
static iv_status look_at_epoch(loop *l, int64_t epoch, bool *best)
{
    iv__progress *p = &l->progress;
    double validation = NAN, weight;
    double training = p->epoch_weight > 0 ? p->epoch_loss / p->epoch_weight : NAN;
    iv_status status = l->evaluation ? iv__evaluate(l->evaluation, SPLIT_VALIDATION, NULL, NULL,
                                                    &validation, &weight)
                                     : IV_OK;

    if (status == IV_NUMERIC) {
        note(l, iv_home_message(l->home)); /* it is not the best, then */
        iv_home_clear(l->home);
        status = IV_OK;
    }
    if (status)
        return status;
    double measure = l->evaluation ? validation : training;
    *best = measure < p->best;
    if (*best)
        status = look_at_weights(l, best);
    if (status)
        return status;
    if (*best) {
        p->best = measure;
        p->best_epoch = epoch;
    }
    report_epoch(l, &(iv__epoch_report){ epoch, (l->total + l->per_epoch - 1) / l->per_epoch, p->step,
                                         training, validation, rate_now(l), l->epoch_seconds, *best });
    return IV_OK;
}

static iv_status end_epoch(loop *l)
{
    iv__progress *p = &l->progress;
    int64_t epoch = p->step / l->per_epoch;
    bool best = false;

    iv__params_swap_averages(l->params);
    iv_status status = look_at_epoch(l, epoch, &best);
    iv__params_swap_averages(l->params);
    if (status)
        return status;
    p->epoch_loss = p->epoch_weight = 0;
    l->epoch_seconds = 0;
    if (l->settings->patience && epoch - p->best_epoch >= l->settings->patience)
        p->finished = 1;
    if (p->finished)
        note(l, "stopped early: validation has not improved for as many epochs as --patience says");
    status = save(l); /* before the model, which can be made from it, but not it from the model */
    return best && !status ? write_model(l) : status;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static iv_status run_steps(loop *l)
{
    iv_status status = IV_OK;

    if (l->progress.step < l->total && !l->progress.finished)
        begin_batch(l, l->progress.step);
    while (!status && l->progress.step < l->total && !l->progress.finished) {
        status = one_step(l);
        if (!status && l->progress.step % l->per_epoch == 0)
            status = end_epoch(l);
        else if (!status && seconds_now() - l->last_save >= SAVE_SECONDS)
            status = save(l);
        bool more = l->progress.step < l->total && !l->progress.finished;
        if (!status && more && l->watcher->stop && l->watcher->stop(l->watcher->user)) {
            status = save(l);
            return status ? status
                          : iv_fail(l->home, IV_STOPPED,
                                    "stopped after step %lld of %lld; go on with --resume",
                                    (long long)l->progress.step, (long long)l->total);
        }
    }
    if (!status && l->progress.step % l->per_epoch)
        status = save(l);
    if (!status && !l->progress.best_epoch)
        status = write_model(l); /* too short for an epoch: the weights as they are, to be tried */
    return status;
}

static iv_status prepare(loop *l)
{
    int64_t n = l->trainee->n_records[SPLIT_TRAIN], batch = l->settings->batch;

    if (n < 1)
        return iv_fail(l->home, IV_VALUE,
                       "there is no record to train on; give more data or smaller --validation and --test");
    l->per_pass = (n + batch - 1) / batch;
    l->per_epoch = l->settings->epoch_steps ? l->settings->epoch_steps : l->per_pass;
    l->total = l->settings->steps ? l->settings->steps : l->settings->epochs * l->per_epoch;
    l->order = l->trainee->choose ? NULL : iv__alloc_array(l->home, n, sizeof *l->order);
    l->records = iv__alloc_array(l->home, batch, sizeof *l->records);
    l->current = iv__alloc_array(l->home, batch, sizeof *l->current);
    l->order_pass = -1;
    l->shuffle_key = iv__random_key((uint64_t)l->settings->seed, IV__SHUFFLE_KEY);
    l->graph = iv_graph_new(l->home);
    if (!(l->order || l->trainee->choose) || !l->records || !l->current || !l->graph)
        return IV_NOMEM;
    iv_status status = make_steps(l);
    if (!status)
        status = make_batch(l);
    if (!status && l->trainee->n_records[SPLIT_VALIDATION]) {
        l->evaluation = iv__evaluation_new(l->params, l->trainee, batch);
        status = l->evaluation ? IV_OK : iv_home_status(l->home);
    }
    if (!status)
        status = load_or_start(l);
    if (!status)
        status = iv__run_open_metrics(l->run, l->progress.step);
    l->last_save = seconds_now();
    return status;
}

iv_status iv__train(iv__run *run, const iv__settings *settings, iv_params *params,
                    const iv__trainee *trainee, const iv__watcher *watcher)
{
    loop l = { .home = run->home,
               .run = run,
               .settings = settings,
               .params = params,
               .trainee = trainee,
               .watcher = watcher };
    iv_status status = prepare(&l);

    if (!status)
        status = run_steps(&l);
    else
        status = iv_home_status(l.home) ? iv_home_status(l.home) : status;
    iv__batch_free(l.batch);
    iv__evaluation_free(l.evaluation);
    for (int i = 0; i < l.n_parts; i++)
        iv_train_step_free(l.steps[i]);
    iv_graph_free(l.graph);
    iv__free(l.home, l.order);
    iv__free(l.home, l.records);
    iv__free(l.home, l.current);
    return status;
}
