/* train_world.h: two small things to train, a folder to train in, and a watcher that writes down
 * what it sees. */
#ifndef IVORY_TESTS_TRAIN_WORLD_H
#define IVORY_TESTS_TRAIN_WORLD_H

#include "file_world.h"

#include "train/loop.h"

#include <math.h>
#include <signal.h>
#include <sys/wait.h>

enum { RECORDS = 13, KEPT = 4, WIDTH = 3, LENGTH = 6, TOKENS = 11, MOST_NOTES = 4000 };

/* What is trained: linear regression, or a small language model with dropout, on numbers that follow
 * from the record's; the same with the state carried from each record of a row to the next; two networks in turn, the second, `repeats`
 * times a round, telling the first one's results from what is right. With `places` the regression goes through so many of them that it is worth micro-batches. */
enum { LINE, WORDS, CARRIED, DUEL, TASKS };

typedef struct task {
    bool language, carried, places;
    int64_t batch;
    float bad;      /* x of record `bad_record`, whose words are followed by none that there is */
    int bad_record; /* -1: none */
    int refused_record;      /* filling it fails; -1: none */
    int weightless;          /* records below this weigh nothing */
    bool validation_differs; /* what is learnt makes validation worse */
    double worst_loss;       /* as the trainee's */
    int repeats;             /* of the second network; 0: there is none */
    bool normed; /* linear regression: with weight normalisation, which the first batch sets */
} task;

static inline iv_node *carried_layer(iv__build *b, iv_node *x)
{
    static iv_update updates[2];
    iv_shape shape = iv_dims(b->batch, 6);
    iv_node *on = iv_reshape(iv_input(b->graph, "on", IV_F32, iv_dims(b->batch)), iv_dims(b->batch, 1));
    iv_recurrent_out out;

    for (int i = 0; i < 2; i++) {
        const char *name = i ? "c" : "h";
        updates[i].leaf = b->training ? iv_state(b->scope, name, shape)
                                      : iv_input(b->graph, name, IV_F32, shape);
    }
    x = iv_lstm(b->scope, x, .units = 6, .h0 = iv_mul(updates[0].leaf, on),
                .c0 = iv_mul(updates[1].leaf, on), .states = &out);
    updates[0].value = out.h;
    updates[1].value = out.c;
    b->n_carried = 2;
    b->carried = updates;
    return x;
}

static inline iv_node *through_places(iv_scope *scope, iv_node *x, int64_t batch)
{
    enum { PLACES = 256, CHANNELS = 64, LAYERS = 10 };

    x = iv_broadcast_to(iv_reshape(x, iv_dims(batch, 1, WIDTH)), iv_dims(batch, PLACES, WIDTH));
    for (int i = 0; i < LAYERS; i++)
        x = iv_dense(scope, x, .units = CHANNELS, .activation = IV_TANH);
    return iv_mean(iv_dropout(scope, x, 0.3), 1, false);
}

static inline iv_node *judged(iv__build *b, iv_node *y, bool again)
{
    iv_scope *scope = again ? iv_scope_share(b->scope, "critic")
                            : iv_scope_enter(b->scope, "critic", NULL);

    y = iv_dense(scope, y, .name = "in", .units = 4, .activation = IV_TANH);
    return iv_dense(scope, y, .name = "out", .units = 1);
}

static inline iv_status duel_build(const task *t, iv__build *b)
{
    iv_node *x = iv_input(b->graph, "x", IV_F32, iv_dims(b->batch, WIDTH));
    iv_node *y = iv_input(b->graph, "y", IV_F32, iv_dims(b->batch, 1));
    iv_node *weight = iv_input(b->graph, "weight", IV_F32, iv_dims(b->batch));
    iv_node *made = iv_dense(iv_scope_enter(b->scope, "painter", NULL), x, .units = 1);
    iv_node *of_made = judged(b, made, false), *of_right = judged(b, y, true);
    iv_node *one = iv_fill(b->graph, iv_dims(b->batch, 1), 1),
            *none = iv_fill(b->graph, iv_dims(b->batch, 1), 0);
    iv_node *all = iv_sum_all(weight);

    b->parts[b->n_parts++] = (iv__trained_part){
        .name = "painter",
        .changes = "painter/",
        .loss = iv_add(iv_mean_squared_error(made, y, weight),
                       iv_mean_squared_error(of_made, one, weight)),
        .weight = all,
    };
    b->parts[b->n_parts++] = (iv__trained_part){
        .name = "critic",
        .changes = "critic/",
        .loss = iv_add(iv_mean_squared_error(of_made, none, weight),
                       iv_mean_squared_error(of_right, one, weight)),
        .weight = all,
        .times = t->repeats,
    };
    return iv_graph_status(b->graph);
}

static inline iv_status task_build(void *self, iv__build *b)
{
    const task *t = self;
    iv_node *weight, *loss;

    if (t->repeats)
        return duel_build(t, b);
    if (t->language) {
        iv_shape shape = iv_dims(b->batch, LENGTH);
        iv_node *words = iv_input(b->graph, "words", IV_I32, shape),
                *next = iv_input(b->graph, "next", IV_I32, shape);
        weight = iv_input(b->graph, "weight", IV_F32, shape);
        iv_node *x = iv_embedding(b->scope, words, .count = TOKENS, .units = 5);
        x = iv_dropout(b->scope,
                       t->carried ? carried_layer(b, x) : iv_lstm(b->scope, x, .units = 6), 0.3);
        loss = iv_cross_entropy(iv_dense(b->scope, x, .units = TOKENS), next, weight);
    } else {
        iv_node *x = iv_input(b->graph, "x", IV_F32, iv_dims(b->batch, WIDTH));
        iv_node *y = iv_input(b->graph, "y", IV_F32, iv_dims(b->batch, 1));
        weight = iv_input(b->graph, "weight", IV_F32, iv_dims(b->batch));
        if (t->places)
            x = through_places(b->scope, x, b->batch);
        loss = iv_mean_squared_error(iv_dense(b->scope, x, .units = 1, .weight_norm = t->normed), y,
                                     weight);
    }
    b->n_parts = 1;
    b->parts[0] = (iv__trained_part){ .name = "", .loss = loss, .weight = iv_sum_all(weight) };
    return iv_graph_status(b->graph);
}

static inline void fill_words(const task *t, iv__batch *batch, int64_t i, int64_t record)
{
    int32_t *words = iv__batch_input(batch, "words"), *next = iv__batch_input(batch, "next");

    for (int64_t k = 0; k < LENGTH; k++) {
        words[i * LENGTH + k] = (int32_t)((record + 3 * k) % TOKENS);
        next[i * LENGTH + k] = (int32_t)((record + 3 * (k + 1)) % TOKENS);
        if (record == t->bad_record)
            next[i * LENGTH + k] = TOKENS;
    }
}

static inline void fill_numbers(const task *t, iv__batch *batch, int64_t i, int64_t record)
{
    float *x = iv__batch_input(batch, "x"), *y = iv__batch_input(batch, "y");

    for (int64_t k = 0; k < WIDTH; k++)
        x[i * WIDTH + k] = sinf((float)(record * WIDTH + k));
    if (record == t->bad_record)
        x[i * WIDTH] = t->bad;
    if (!y) /* first values do not look at it */
        return;
    y[i] = 2 * x[i * WIDTH] - x[i * WIDTH + 1] + 3;
    if (t->validation_differs && record >= RECORDS)
        y[i] = -y[i];
}

static inline iv_status task_fill(const void *self, iv__batch *batch, const iv__rows *rows)
{
    const task *t = self;
    float *weight = iv__batch_input(batch, "weight"), *on = iv__batch_input(batch, "on");
    int64_t length = t->language ? LENGTH : 1;

    for (int64_t i = 0; i < rows->room; i++) {
        bool there = i < rows->n && rows->record[i] >= 0;
        int64_t kept = rows->split == SPLIT_VALIDATION ? RECORDS : 0;
        int64_t r = there ? kept + rows->record[i] : 0; /* what fills a short batch up must not count */
        if (on)
            on[i] = there && rows->step > 0;
        if (r == t->refused_record)
            return iv__batch_fail(batch, IV_FORMAT, "record %lld is damaged", (long long)r);
        if (t->language)
            fill_words(t, batch, i, r);
        else
            fill_numbers(t, batch, i, r);
        for (int64_t k = 0; weight && k < length; k++)
            weight[i * length + k] = there && r >= t->weightless && (!t->language || k <= r % LENGTH);
    }
    return IV_OK;
}

/* A row after the other goes through as many records as there are steps. */
static inline bool task_choose(void *self, iv__split split, int64_t epoch, int64_t step, int32_t *record)
{
    const task *t = self;
    int64_t n = split == SPLIT_TRAIN ? RECORDS : KEPT, steps = (n + t->batch - 1) / t->batch;

    for (int64_t i = 0; i < t->batch; i++) {
        int64_t r = i * steps + step;
        record[i] = r < n ? (int32_t)((r + (epoch > 0 ? epoch : 0)) % n) : -1;
    }
    return step < steps;
}

/* ---- what happened --------------------------------------------------------------------------- */

typedef struct seen {
    int64_t stop_at, kill_at; /* steps; 0: never */
    int64_t steps, epochs, last_step, best_epochs;
    double first, last; /* losses of steps */
    double validation;  /* of the last epoch */
    double rate;
    char notes[MOST_NOTES];
} seen;

static inline void see_step(void *user, const iv__step_report *r)
{
    seen *s = user;

    s->first = s->steps ? s->first : r->loss;
    s->last = r->loss;
    s->last_step = r->step;
    s->rate = r->rate;
    s->steps++;
    if (r->step == s->kill_at)
        raise(SIGKILL);
}

static inline void see_epoch(void *user, const iv__epoch_report *r)
{
    seen *s = user;

    s->epochs++;
    s->best_epochs += r->best;
    s->validation = r->validation;
}

static inline void see_note(void *user, const char *text)
{
    seen *s = user;
    size_t used = strlen(s->notes);

    snprintf(s->notes + used, sizeof s->notes - used, "%s\n", text);
}

static inline bool see_stop(void *user)
{
    seen *s = user;

    return s->stop_at && s->last_step >= s->stop_at;
}

/* ---- training -------------------------------------------------------------------------------- */

typedef struct training {
    task task;
    iv__settings settings;
    int threads, n_train, n_validation;
    char folder[512];
} training;

static inline void place(training *t, world *w, const char *folder)
{
    snprintf(t->folder, sizeof t->folder, "%s", in_folder(w, folder));
}

/* Five steps an epoch, the last with a short batch. */
static inline training training_of(world *w, const char *folder, int kind)
{
    training t = { .task = { .language = kind == WORDS || kind == CARRIED,
                             .carried = kind == CARRIED,
                             .repeats = kind == DUEL ? 2 : 0,
                             .bad_record = -1,
                             .refused_record = -1 },
                   .threads = 1,
                   .n_train = RECORDS };

    place(&t, w, folder);
    iv__fields_default(iv__settings_fields, &t.settings);
    t.settings.batch = 3;
    t.settings.epochs = 5;
    t.settings.rate = kind == LINE ? 0.05 : 0.02;
    t.settings.average = kind == CARRIED ? 0.8 : 0;
    return t;
}

/* In a home of its own; *message receives what it says at the end. */
static inline iv_status train(const training *t, bool resume, seen *s, char message[1024])
{
    iv_home *home = iv_home_new(
        &(iv_home_options){ .size = sizeof(iv_home_options), .threads = t->threads });
    iv_params *params = iv_params_new(home, IV_F32, (uint64_t)t->settings.seed);
    iv__run *run = iv__run_new(home, t->folder, resume);
    task subject = t->task;
    subject.batch = t->settings.batch;
    const uint8_t kept[] = { 1, 2, 3 };
    iv__trainee trainee = {
        .self = &subject,
        .build = task_build,
        .fill = task_fill,
        .choose = subject.carried ? task_choose : NULL,
        .first_values = subject.normed,
        .worst_loss = subject.worst_loss,
        .n_records = { t->n_train, t->n_validation, 0 },
        .n_kept = 1,
        .kept = &(iv__named_tensor){ .name = "kept", .dtype = IV_U8, .shape = iv_dims(3), .data = kept },
        .n_pairs = 1,
        .pairs = &(iv__pair){ "ivory.model", "task" },
    };
    iv__watcher watcher = { s, see_step, see_epoch, see_note, see_stop };

    iv_status status = run ? iv__train(run, &t->settings, params, &trainee, &watcher)
                           : iv_home_status(home);
    if (message)
        snprintf(message, 1024, "%s", iv_home_message(home));
    iv__run_free(run);
    iv_params_free(params);
    iv_home_free(home);
    return status;
}

static inline void train_to_the_end(const training *t, bool resume, seen *s)
{
    char message[1024];

    if (train(t, resume, s, message))
        fail_msg("%s", message);
}

/* ---- files of a run -------------------------------------------------------------------------- */

static inline const char *file_of(const training *t, const char *name)
{
    static char path[8][600];
    static int turn;
    char *to = path[turn++ % 8];

    snprintf(to, sizeof path[0], "%s/%s", t->folder, name);
    return to;
}

static inline bool has_file(const training *t, const char *name)
{
    return access(file_of(t, name), F_OK) == 0;
}

static inline iv__progress progress_of(world *w, const training *t, const char *name)
{
    iv__safetensors *file = iv__safetensors_open(w->home, file_of(t, name));
    iv_params *params = iv_params_new(w->home, IV_F32, 1);
    iv__progress p = { 0 };

    if (!file || iv__checkpoint_load(params, file, &p))
        fail_msg("%s", iv_home_message(w->home));
    iv_params_free(params);
    iv__safetensors_close(file);
    return p;
}

static inline void assert_note(const seen *s, const char *text)
{
    if (!strstr(s->notes, text))
        fail_msg("expected a note with\n  %s\nseen:\n%s", text, s->notes);
}

/* Without what the clock says. */
static inline void drop_seconds(char *text)
{
    static const char key[] = ", \"seconds\": ";
    char *at;

    while ((at = strstr(text, key))) {
        size_t n = sizeof key - 1 + strcspn(at + sizeof key - 1, ",}");
        memmove(at, at + n, strlen(at + n) + 1);
    }
}

static inline void assert_same_file(const training *a, const training *b, const char *name)
{
    size_t n, m;
    char *x = (char *)read_bytes(file_of(a, name), &n), *y = (char *)read_bytes(file_of(b, name), &m);

    if (strstr(name, ".jsonl")) {
        x[n] = y[m] = 0;
        drop_seconds(x);
        drop_seconds(y);
        assert_string_equal(x, y);
    } else if (n != m || memcmp(x, y, n)) {
        fail_msg("%s and %s differ", file_of(a, name), file_of(b, name));
    }
    free(x);
    free(y);
}

static inline void assert_same_run(const training *a, const training *b)
{
    assert_same_file(a, b, "last.safetensors");
    assert_same_file(a, b, "model.safetensors");
    assert_same_file(a, b, "metrics.jsonl");
}

/* Changes one byte in the middle, or cuts the file. */
static inline void damage(const training *t, const char *name, bool cut)
{
    size_t n;
    unsigned char *bytes = read_bytes(file_of(t, name), &n);

    bytes[n / 2] ^= 1;
    write_bytes(file_of(t, name), bytes, cut ? n / 2 : n);
    free(bytes);
}

#endif
