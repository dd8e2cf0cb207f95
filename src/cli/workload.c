/* workload.c: the workloads of `ivory bench`, built as a user of the library would build them. */
#include "cli/workload.h"

#include "backend/peak.h"
#include "base/home.h"
#include "base/random.h"
#include "graph/node.h"
#include "models/common_painting.h"
#include "train/batch.h"
#include "train/loop.h"

#include <string.h>

enum { SEED = 1 };

/* clang-format off */
const workload workloads[] = {
/*    name            system             kind         batch length tokens embed cell     layers units  last only  optimizer */
    { "recipes",      NULL,              WORK_TRAIN,  32,   200,   10000, 100,  IV_LSTM, 1,     128,   false,     IV_ADAM },
    { "recipes-2",    NULL,              WORK_TRAIN,  32,   200,   10000, 100,  IV_LSTM, 2,     128,   false,     IV_ADAM },
    { "recipes-gru",  NULL,              WORK_TRAIN,  32,   200,   10000, 100,  IV_GRU,  1,     128,   false,     IV_ADAM },
    { "recipes-real", "recipes",         WORK_REAL,   32,   200,   10000, 100,  IV_LSTM, 1,     128,   false,     IV_ADAM },
    { "fables",       NULL,              WORK_TRAIN,  32,   20,    4169,  100,  IV_LSTM, 1,     256,   true,      IV_RMSPROP },
    { "chars-8",      NULL,              WORK_TRAIN,  8,    64,    84,    0,    IV_LSTM, 1,     128,   false,     IV_ADAM },
    { "chars-128",    NULL,              WORK_TRAIN,  128,  64,    84,    0,    IV_LSTM, 1,     128,   false,     IV_ADAM },
    { "sample",       NULL,              WORK_SAMPLE, 1,    100,   10000, 100,  IV_LSTM, 1,     128,   false,     IV_SGD },
    { "sample-16",    NULL,              WORK_SAMPLE, 16,   100,   10000, 100,  IV_LSTM, 1,     128,   false,     IV_SGD },
    { "fashion",      NULL,              WORK_PIXELS, 128,  16,    4,     0,    IV_LSTM, 5,     128,   false,     IV_ADAM },
    { "fashion-draw", "fashion",         WORK_DRAW,   10,   16,    4,     0,    IV_LSTM, 5,     128,   false,     IV_ADAM },
    { .name = "mixture-real", .system = "fashion-mixture", .kind = WORK_REAL, .batch = 128, .length = 32 },
    { .name = "mixture-draw", .system = "fashion-mixture", .kind = WORK_DRAW, .batch = 10, .length = 32 },
    { .name = "peak", .kind = WORK_PEAK },
    { .name = NULL },
};
/* clang-format on */

const workload *workload_named(const char *name)
{
    for (const workload *spec = workloads; spec->name; spec++)
        if (!strcmp(spec->name, name))
            return spec;
    return NULL;
}

bool workload_is_counted(const workload *spec)
{
    return spec->kind == WORK_PEAK || spec->units > 0;
}

bool workload_has_tokens(const workload *spec)
{
    return spec->units > 0 && spec->kind != WORK_PIXELS && spec->kind != WORK_DRAW;
}

const char *workload_cell(const workload *spec)
{
    static const char *const names[] = { "lstm", "gru", "simple" };

    return names[spec->cell];
}

/* ---- what a step computes ------------------------------------------------------------ */

static iv_node *build_logits(iv_scope *s, iv_node *words, const workload *o)
{
    iv_node *x = o->embed ? iv_embedding(s, words, .count = o->vocabulary, .units = o->embed)
                          : iv_one_hot(words, o->vocabulary);
    iv_recurrent_out states = { 0 };

    for (int64_t i = 0; i < o->layers; i++)
        x = iv_recurrent(s, x, .cell = o->cell, .units = o->units, .states = &states);
    return iv_dense(s, o->last_only ? states.h : x, .units = o->vocabulary);
}

static iv_status fill_tokens(work *w, const char *name, int64_t count)
{
    int32_t *token = iv_plan_input(iv_train_step_plan(w->step), name);
    uint64_t key = iv__random_key(SEED, name);
    uint32_t word[4];

    if (!token)
        return iv_home_status(w->home);
    for (int64_t i = 0; i < count; i++) {
        iv__philox(key, 0, (uint64_t)i, word);
        token[i] = (int32_t)(word[0] % (uint32_t)w->spec.vocabulary);
    }
    return IV_OK;
}

static iv_status open_training(work *w)
{
    const workload *o = &w->spec;
    iv_shape shape = iv_dims(o->batch, o->length);
    iv_node *words = iv_input_sequence(w->graph, "words", IV_I32, shape, 1);
    iv_node *logits = build_logits(iv_scope_new(w->graph, w->params, ""), words, o);
    int64_t targets = o->last_only ? o->batch : o->batch * o->length;
    iv_node *next = o->last_only ? iv_input(w->graph, "next", IV_I32, iv_dims(o->batch))
                                 : iv_input_sequence(w->graph, "next", IV_I32, shape, 1);

    w->step = iv_train_step_new(w->params, .loss = iv_cross_entropy(logits, next, NULL),
                                .optimizer = iv_optimizer_of(.kind = o->optimizer));
    if (!w->step)
        return iv_home_status(w->home);
    iv_status status = fill_tokens(w, "words", o->batch * o->length);
    return status ? status : fill_tokens(w, "next", targets);
}

static iv_status train_once(work *w)
{
    const iv_optimizer optimizer = iv_optimizer_of(.kind = w->spec.optimizer);
    iv_status status = iv_train_step_gradients(w->step);

    if (!status)
        status = iv_train_step_apply(w->step, iv_optimizer_rate(&optimizer), w->steps);
    int64_t length = w->spec.kind == WORK_PIXELS ? w->spec.length * w->spec.length : w->spec.length;
    w->positions += (double)(w->spec.batch * length);
    w->targets += (double)(w->spec.batch * (w->spec.last_only ? 1 : length));
    return status;
}

/* ---- pictures, pixel by pixel ------------------------------------------------------------ */

/* As the system fashion: [N,H,W,1] -> [N,H,W,levels]. */
static iv_node *build_pixels(iv_scope *s, iv_node *x, const workload *o)
{
    x = iv_conv2d(s, x, .filters = o->units, .kernel = { 7 }, .padding = IV_SAME, .mask = IV_MASK_A,
                  .activation = IV_RELU);
    for (int64_t i = 0; i < o->layers; i++) {
        iv_node *y = iv_conv2d(s, x, .filters = o->units / 2, .kernel = { 1 }, .activation = IV_RELU);
        y = iv_conv2d(s, y, .filters = o->units / 2, .kernel = { 3 }, .padding = IV_SAME,
                      .mask = IV_MASK_B, .activation = IV_RELU);
        x = iv_add(x, iv_conv2d(s, y, .filters = o->units, .kernel = { 1 }, .activation = IV_RELU));
    }
    for (int i = 0; i < 2; i++)
        x = iv_conv2d(s, x, .filters = o->units, .kernel = { 1 }, .activation = IV_RELU);
    return iv_conv2d(s, x, .filters = o->vocabulary, .kernel = { 1 });
}

static iv_status open_pixels(work *w)
{
    const workload *o = &w->spec;
    iv_node *level = iv_input(w->graph, "levels", IV_I32, iv_dims(o->batch, o->length, o->length));
    iv_node *x = iv_scale(iv_cast(level, IV_F32), 1 / (double)o->vocabulary);
    iv_node *logits = build_pixels(iv_scope_new(w->graph, w->params, ""),
                                   iv_reshape(x, iv_dims(o->batch, o->length, o->length, 1)), o);

    w->step = iv_train_step_new(w->params, .loss = iv_cross_entropy(logits, level, NULL),
                                .optimizer = iv_optimizer_of(.kind = o->optimizer));
    return w->step ? fill_tokens(w, "levels", o->batch * o->length * o->length)
                   : iv_home_status(w->home);
}

/* Of a pixel: the taps that count, and 1x1 products. In training the first layer has no gradient for its
 * input. */
static double pixel_products(const workload *o)
{
    const double wide = (double)o->units, narrow = (double)(o->units / 2), first = 24 * wide;
    const double others = (double)o->layers * (2 * wide * narrow + 5 * narrow * narrow) +
                          2 * wide * wide + wide * (double)o->vocabulary;

    return o->kind == WORK_DRAW ? first + others : 2 * first + 3 * others;
}

/* ---- real batches ---------------------------------------------------------------------- */

static iv_status open_data(work *w, const char *data)
{
    const iv__model *model;
    const iv__system *system = iv__system_named(w->home, w->spec.system, &model);

    w->instance = system ? iv__instance_new(w->home, model, system, false) : NULL;
    if (!w->instance)
        return iv_home_status(w->home);
    iv_status status = model->open_data(w->instance, iv__dataset_named(system->data), data);
    if (status)
        return status;
    w->trainee = &w->instance->trainee;
    w->spec.batch = w->instance->training.batch;
    w->order = iv__alloc_array(w->home, w->trainee->n_records[SPLIT_TRAIN], sizeof *w->order);
    w->records = iv__alloc_array(w->home, w->spec.batch, sizeof *w->records);
    w->epoch = -1;
    return w->order && w->records ? IV_OK : IV_NOMEM;
}

int64_t work_epoch_steps(const work *w)
{
    int64_t records = w->trainee ? w->trainee->n_records[SPLIT_TRAIN] : 0;

    return (records + w->spec.batch - 1) / (w->spec.batch ? w->spec.batch : 1);
}

static void begin_batch(work *w, int64_t step)
{
    int64_t n = w->trainee->n_records[SPLIT_TRAIN], per_epoch = work_epoch_steps(w);
    int64_t epoch = step / per_epoch, first = step % per_epoch * w->spec.batch;
    int64_t count = n - first < w->spec.batch ? n - first : w->spec.batch;

    if (epoch != w->epoch)
        iv__shuffle(iv__random_key(SEED, IV__SHUFFLE_KEY), (uint64_t)epoch, w->order, n);
    w->epoch = epoch;
    for (int64_t i = 0; i < count; i++)
        w->records[i] = w->order[first + i];
    iv__batch_begin(w->batch, &(iv__rows){ .record = w->records, .n = count });
}

static iv_status open_real(work *w, const char *data)
{
    iv_status status = open_data(w, data);
    iv__build build = { .graph = w->graph,
                        .scope = iv_scope_new(w->graph, w->params, ""),
                        .batch = w->spec.batch,
                        .training = true };

    if (status || !build.scope)
        return iv_home_status(w->home);
    iv_scope_training(build.scope, true);
    status = w->trainee->build(w->trainee->self, &build);
    if (!status)
        status = iv__first_values(w->params, w->trainee, &w->instance->training);
    if (status)
        return status;
    w->step = iv_train_step_new(w->params, .loss = build.parts[0].loss, .n_watched = 1,
                                .watched = &build.parts[0].weight,
                                .optimizer = iv__settings_optimizer(&w->instance->training));
    if (!w->step)
        return iv_home_status(w->home);
    iv_plan *plan = iv_train_step_plan(w->step);
    w->batch = iv__batch_new(w->home, w->trainee, w->spec.batch, 1, &plan);
    if (!w->batch)
        return IV_NOMEM;
    begin_batch(w, 0);
    return IV_OK;
}

static iv_status train_real(work *w)
{
    iv_status status = iv__batch_take(w->batch);

    if (status)
        return status;
    begin_batch(w, w->steps + 1);
    iv_plan_set_clock(iv_train_step_plan(w->step), SEED, w->steps, 0);
    status = iv_train_step_gradients(w->step);
    if (!status)
        status = iv_train_step_apply(w->step, w->instance->training.rate, w->steps);
    if (status)
        return status;
    w->positions += (double)(w->spec.batch * w->spec.length);
    w->targets += *(const float *)iv_train_step_watched(w->step, 0);
    return IV_OK;
}

/* ---- drawing ----------------------------------------------------------------------------- */

static iv_status open_sampling(work *w)
{
    const workload *o = &w->spec;
    iv_node *words = iv_input_sequence(w->graph, "words", IV_I32, iv_dims(o->batch, 2), 1);
    iv_node *logits = build_logits(iv_scope_new(w->graph, w->params, ""), words, o);

    w->generator = iv__generator_new(w->params, logits, "words");
    w->draw = iv__alloc_array(w->home, o->batch, sizeof *w->draw);
    w->token = iv__alloc_array(w->home, o->batch, sizeof *w->token);
    return w->generator && w->draw && w->token ? IV_OK : iv_home_status(w->home);
}

static iv_status sample(work *w)
{
    const iv__generation g = { .temperature = 1, .top_p = 1, .repetition = 1 };
    const workload *o = &w->spec;
    uint64_t key = iv__random_key(SEED, "sample");
    uint32_t word[4];
    iv_status status = iv__generator_start(w->generator);

    memset(w->token, 0, (size_t)o->batch * sizeof *w->token);
    for (int64_t t = 0; t < o->length && !status; t++) {
        status = iv__generator_feed(w->generator, w->token);
        for (int64_t r = 0; r < o->batch; r++) {
            iv__philox(key, (uint64_t)(w->steps * o->batch + r), (uint64_t)t, word);
            w->draw[r] = iv__unit_f64(word[0], word[1]);
        }
        if (!status)
            iv__generator_draw(w->generator, &g, w->draw, w->token);
    }
    w->positions += (double)(o->batch * o->length);
    w->targets += (double)(o->batch * o->length);
    return status;
}

static iv_status open_drawing(work *w)
{
    const iv__model *model;
    const iv__system *system = iv__system_named(w->home, w->spec.system, &model);
    int64_t pixels = w->spec.length * w->spec.length;

    w->instance = system ? iv__instance_new(w->home, model, system, false) : NULL;
    w->pictures = iv__alloc_array(w->home, w->spec.batch * pixels, 1);
    if (!w->instance || !w->pictures)
        return iv_home_status(w->home);
    return iv__instance_make_params(w->instance, w->params);
}

static iv_status draw_pictures(work *w)
{
    const double count = (double)(w->spec.batch * w->spec.length * w->spec.length);
    iv__painting o = { .n = w->spec.batch, .seed = (uint64_t)w->steps, .temperature = 1 };

    w->positions += count;
    w->targets += count;
    return iv__paint(w->instance, w->params, &o, w->pictures, NULL);
}

/* ---- any of them --------------------------------------------------------------------------- */

iv_status work_open(work *w, iv_home *home, const workload *spec, const char *data)
{
    *w = (work){ .home = home, .spec = *spec };
    if (spec->kind == WORK_PEAK)
        return IV_OK;
    w->graph = iv_graph_new(home);
    w->params = iv_params_new(home, IV_F32, SEED);
    if (!w->graph || !w->params)
        return IV_NOMEM;
    iv_status status = spec->kind == WORK_REAL     ? open_real(w, data)
                       : spec->kind == WORK_PIXELS ? open_pixels(w)
                       : spec->kind == WORK_SAMPLE ? open_sampling(w)
                       : spec->kind == WORK_DRAW   ? open_drawing(w)
                                                   : open_training(w);
    if (status && iv_graph_status(w->graph))
        status = iv__graph_fail(w->graph);
    return status;
}

iv_status work_step(work *w)
{
    iv_status status = IV_OK;

    switch (w->spec.kind) {
    case WORK_TRAIN:
    case WORK_PIXELS: status = train_once(w); break;
    case WORK_REAL: status = train_real(w); break;
    case WORK_SAMPLE: status = sample(w); break;
    case WORK_DRAW: status = draw_pictures(w); break;
    case WORK_PEAK:
        w->operations = iv__peak_run(w->home);
        status = w->operations > 0 ? IV_OK : iv_home_status(w->home);
        break;
    }
    w->steps++;
    return status;
}

int work_plans(work *w, iv_plan *plans[2])
{
    if (w->generator)
        plans[0] = iv__generator_plan(w->generator);
    if (w->step)
        plans[0] = iv_train_step_plan(w->step), plans[1] = iv_train_step_apply_plan(w->step);
    return w->step ? 2 : w->generator ? 1 : 0;
}

void work_close(work *w)
{
    iv__batch_free(w->batch);
    iv_train_step_free(w->step);
    iv__generator_free(w->generator);
    iv_params_free(w->params);
    iv_graph_free(w->graph);
    if (w->instance)
        iv__instance_free(w->instance);
    iv__free(w->home, w->order);
    iv__free(w->home, w->records);
    iv__free(w->home, w->pictures);
    iv__free(w->home, w->draw);
    iv__free(w->home, w->token);
}

double work_gflop(const work *w)
{
    static const int gates[] = { [IV_LSTM] = 4, [IV_GRU] = 3, [IV_SIMPLE_RNN] = 1 };
    const workload *o = &w->spec;
    double units = (double)o->units, wide = gates[o->cell] * units, products = 0;

    if (o->kind == WORK_PEAK)
        return w->operations * 1e-9;
    if (!w->steps || !workload_is_counted(o))
        return 0;
    if (o->kind == WORK_PIXELS || o->kind == WORK_DRAW)
        return 2e-9 * pixel_products(o) * w->positions / (double)w->steps;
    for (int64_t i = 0; i < o->layers; i++)
        products += ((i ? units : (double)o->embed) + units) * wide * w->positions;
    products += units * (double)o->vocabulary * w->targets;
    return 2e-9 * products * (o->kind == WORK_SAMPLE ? 1 : 3) / (double)w->steps;
}
