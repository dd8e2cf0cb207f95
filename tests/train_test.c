/* train_test.c: training runs: they learn, and are the same however often they are stopped or killed, for any number
 * of threads; damaged files and folders. */
#define _XOPEN_SOURCE 700
#include "train_world.h"

/* ---- learning -------------------------------------------------------------------------------- */

static void losses_fall(void **state)
{
    world *w = *state;

    for (int language = 0; language < 2; language++) {
        training t = training_of(w, language ? "words" : "line", language);
        seen s = { 0 };
        t.settings.epochs = 40;
        t.n_validation = KEPT;
        train_to_the_end(&t, false, &s);
        assert_int_equal(s.steps, 200);
        assert_int_equal(s.last_step, 200);
        assert_int_equal(s.epochs, 40);
        assert_true(s.last < 0.5 * s.first);
        assert_true(isfinite(s.validation));
        assert_string_equal(s.notes, "");
        iv__progress p = progress_of(w, &t, "last.safetensors");
        assert_int_equal(p.step, 200);
        assert_int_equal(p.updates, 200);
        assert_true(p.first_loss == s.first);
        assert_true(has_file(&t, "previous.safetensors"));
        assert_true(has_file(&t, "events.out.tfevents.ivory"));
    }
}

static void steps_end_a_run_before_its_epochs(void **state)
{
    world *w = *state;
    training t = training_of(w, "short", false);
    seen s = { 0 };

    t.settings.steps = 3;
    train_to_the_end(&t, false, &s);
    assert_int_equal(s.last_step, 3);
    assert_int_equal(s.epochs, 0);
    assert_int_equal(progress_of(w, &t, "last.safetensors").step, 3);
    assert_int_equal(progress_of(w, &t, "model.safetensors").step, 3); /* so that it can be tried */
    t.settings.steps = 12;
    train_to_the_end(&t, true, &s);
    assert_int_equal(s.last_step, 12);
    assert_int_equal(s.epochs, 2);
    train_to_the_end(&t, true, &s); /* nothing is left to do */
    assert_int_equal(s.last_step, 12);
    assert_int_equal(s.steps, 12);
}

/* The share of a weight that an update takes away beside its step: the settings' optimizer, as its numbers have it. */
static double decay_of(iv_optimizer_kind kind, double weight_decay)
{
    iv__settings s;
    double with[IV_OPTIMIZER_NUMBERS], without[IV_OPTIMIZER_NUMBERS], sum = 0;

    iv__fields_default(iv__settings_fields, &s);
    s.optimizer = (int)kind;
    if (weight_decay >= 0)
        s.weight_decay = weight_decay;
    const iv_optimizer o = iv__settings_optimizer(&s);
    const iv_optimizer plain = iv_optimizer_of(.kind = kind, .weight_decay = (double)IV_ZERO);
    iv_optimizer_numbers(&o, 1, 5, with);
    iv_optimizer_numbers(&plain, 1, 5, without);
    for (int i = 0; i < IV_OPTIMIZER_NUMBERS; i++)
        sum += with[i] - without[i];
    return sum;
}

static void weights_decay_where_it_is_said(void **state)
{
    (void)state;
    for (int kind = IV_SGD; kind < IV_ADAMW; kind++)
        assert_true(decay_of((iv_optimizer_kind)kind, -1) == 0 &&
                    decay_of((iv_optimizer_kind)kind, 0.5) == 0);
    assert_true(fabs(decay_of(IV_ADAMW, -1) - 0.004) < 1e-12);
    assert_true(fabs(decay_of(IV_ADAMW, 0.5) - 0.5) < 1e-12);
    assert_true(decay_of(IV_ADAMW, 0) == 0);
}

/* Those of char-rnn (times 0.97 each epoch, from the eleventh on) and torch-rnn (half, every fifth). */
static void schedules_may_count_epochs(void **state)
{
    (void)state;
    iv__settings chars, torch;

    iv__fields_default(iv__settings_fields, &chars);
    chars.schedule = IV_STAIRS;
    chars.schedule_unit = 1;
    chars.schedule_steps = 1;
    torch = chars;
    chars.schedule_hold = 9;
    chars.schedule_factor = 0.97;
    torch.schedule_steps = 5;
    torch.schedule_factor = 0.5;
    for (int64_t step = 0; step < 50 * 7; step += 3) {
        int64_t epoch = step / 7 + 1; /* of 7 steps */
        double expected = 0.001 * (epoch > 10 ? pow(0.97, (double)(epoch - 10)) : 1);
        assert_true(fabs(iv__settings_rate(&chars, step, 350, 7) - expected) < 1e-15);
        expected = ldexp(0.001, -(int)((epoch - 1) / 5));
        assert_true(fabs(iv__settings_rate(&torch, step, 350, 7) - expected) < 1e-15);
    }
}

/* An epoch may be any number of steps: what is trained on is the same. */
static void epochs_may_have_steps_of_their_own(void **state)
{
    world *w = *state;
    training whole = training_of(w, "whole", WORDS), t = training_of(w, "short", WORDS);
    seen s = { 0 }, p = { 0 };

    t.settings.epoch_steps = 3;
    t.settings.epochs = 4;
    train_to_the_end(&t, false, &s);
    assert_int_equal(s.last_step, 12);
    assert_int_equal(s.epochs, 4);
    whole.settings.steps = 12;
    train_to_the_end(&whole, false, &p);
    assert_int_equal(p.epochs, 2);
    assert_true(s.last == p.last);
}

/* The mean of an epoch counts each record by its weight, also in its short last batch. */
static void a_short_batch_counts_for_what_it_holds(void **state)
{
    world *w = *state;
    training t = training_of(w, "whole", false), one = training_of(w, "pieces", false);
    seen s = { 0 }, p = { 0 };

    t.settings.rate = one.settings.rate = 0; /* so that only the mean can differ */
    t.settings.epochs = one.settings.epochs = 1;
    t.settings.batch = RECORDS;
    t.n_validation = one.n_validation = KEPT;
    train_to_the_end(&t, false, &s);
    train_to_the_end(&one, false, &p);
    assert_true(fabs(s.validation - p.validation) < 1e-6);
    double whole = progress_of(w, &t, "model.safetensors").best,
           pieces = progress_of(w, &one, "model.safetensors").best;
    assert_true(whole == s.validation && fabs(whole - pieces) < 1e-6);
    t.n_validation = one.n_validation = 0;
    place(&t, w, "whole again");
    place(&one, w, "pieces again");
    train_to_the_end(&t, false, &s);
    train_to_the_end(&one, false, &p);
    whole = progress_of(w, &t, "model.safetensors").best;
    pieces = progress_of(w, &one, "model.safetensors").best;
    assert_true(fabs(whole - pieces) < 1e-6 && fabs(whole - s.last) < 1e-6);
}

/* ---- the same bits --------------------------------------------------------------------------- */

static training reference(world *w, const char *folder, int kind)
{
    training t = training_of(w, folder, kind);
    seen s = { 0 };

    t.n_validation = KEPT;
    train_to_the_end(&t, false, &s);
    assert_int_equal(s.last_step, 25);
    return t;
}

static const char *const kinds[] = { "line", "words", "carried", "duel" };

static void threads_change_no_bit(void **state)
{
    world *w = *state;

    for (int kind = WORDS; kind < TASKS; kind++) {
        char name[32];
        training one = reference(w, kinds[kind], kind), three = one;
        seen s = { 0 };
        snprintf(name, sizeof name, "three %s", kinds[kind]);
        place(&three, w, name);
        three.threads = 3;
        train_to_the_end(&three, false, &s);
        assert_same_run(&one, &three);
    }
}

/* Stopped wherever it can be and resumed, the run ends as if it had never been. */
static void a_stopped_run_goes_on_bit_for_bit(void **state)
{
    world *w = *state;
    char message[1024];

    for (int kind = 0; kind < TASKS; kind++) {
        training whole = reference(w, kinds[kind], kind), t = whole;
        char name[32];
        for (int64_t stop = 1; stop < 25; stop += kind == LINE ? 6 : 1) {
            seen s = { .stop_at = stop };
            snprintf(name, sizeof name, "%s%d", kinds[kind], (int)stop);
            place(&t, w, name);
            assert_int_equal(train(&t, false, &s, message), IV_STOPPED);
            assert_int_equal(s.last_step, stop);
            snprintf(name, sizeof name, "stopped after step %d of 25", (int)stop);
            assert_non_null(strstr(message, name));
            s.stop_at = 0;
            train_to_the_end(&t, true, &s);
            assert_int_equal(s.steps, 25);
            assert_same_run(&whole, &t);
        }
        snprintf(name, sizeof name, "often %s", kinds[kind]);
        place(&t, w, name);
        for (int64_t stop = 1; stop <= 25; stop++) {
            seen s = { .stop_at = stop };
            assert_int_equal(train(&t, stop > 1, &s, message), stop < 25 ? IV_STOPPED : IV_OK);
            assert_int_equal(s.steps, 1);
        }
        assert_same_run(&whole, &t);
    }
}

/* The tensor of a run's file; NULL: it has none. */
static const float *tensor_in(world *w, const training *t, const char *file, const char *name,
                              iv__safetensors **opened)
{
    *opened = iv__safetensors_open(w->home, file_of(t, file));
    assert_non_null(*opened);
    const iv__named_tensor *found = iv__safetensors_find(*opened, name);
    return found ? found->data : NULL;
}

/* A round changes what each part may change, and a part as often as it says. */
static void parts_change_what_is_theirs(void **state)
{
    static const char *const names[] = { "painter/dense/kernel", "critic/in/kernel" };
    world *w = *state;
    float after[3][2];

    for (int repeats = 1; repeats <= 3; repeats++) {
        char name[16];
        snprintf(name, sizeof name, "repeats%d", repeats);
        training t = training_of(w, name, DUEL);
        seen s = { 0 };
        t.task.repeats = repeats;
        t.settings.steps = 1;
        train_to_the_end(&t, false, &s);
        for (int i = 0; i < 2; i++) {
            iv__safetensors *file;
            after[repeats - 1][i] = *tensor_in(w, &t, "model.safetensors", names[i], &file);
            iv__safetensors_close(file);
        }
    }
    assert_true(after[0][0] == after[1][0] && after[1][0] == after[2][0]);
    assert_true(after[0][1] != after[1][1] && after[1][1] != after[2][1]);
    /* Adam's corrections count them all, so that each step is about as long as the rate says */
    const float ratio = fabsf(after[1][1] - after[0][1]) / 0.02F;
    if (!(ratio > 0.85F && ratio < 1.15F))
        fail_msg("the second step is %g times the rate", (double)ratio);
}

/* What is evaluated and kept as the model is the average; what training goes on with is not. */
static void the_model_is_the_average_of_weights(void **state)
{
    world *w = *state;
    training t = training_of(w, "averaged", LINE), plain = training_of(w, "plain", LINE);
    seen s = { 0 }, p = { 0 };
    iv__safetensors *last, *model, *other;

    t.settings.average = 0.9;
    t.settings.epochs = plain.settings.epochs = 3;
    t.n_validation = plain.n_validation = KEPT;
    train_to_the_end(&t, false, &s);
    train_to_the_end(&plain, false, &p);
    const float *weight = tensor_in(w, &t, "last.safetensors", "dense/kernel", &last),
                *kept = tensor_in(w, &t, "model.safetensors", "dense/kernel", &model),
                *without = tensor_in(w, &plain, "last.safetensors", "dense/kernel", &other);
    const iv__named_tensor *average = iv__safetensors_find(last, "optimizer/dense/kernel/average");
    assert_non_null(average);
    assert_int_equal(s.best_epochs, 3); /* so that the model is of the last one, too */
    assert_memory_equal(weight, without, WIDTH * sizeof(float));
    assert_memory_equal(kept, average->data, WIDTH * sizeof(float));
    assert_memory_not_equal(kept, weight, WIDTH * sizeof(float));
    assert_true(s.validation != p.validation);
    iv__safetensors_close(last);
    iv__safetensors_close(model);
    iv__safetensors_close(other);
}

/* States matter, are kept to go on with, and are no part of the model. */
static void states_are_carried_and_kept(void **state)
{
    world *w = *state;
    training t = training_of(w, "carried", CARRIED), words = training_of(w, "words", WORDS);
    seen s = { 0 }, p = { 0 };
    iv__safetensors *file;

    t.settings.steps = words.settings.steps = 3;
    train_to_the_end(&t, false, &s);
    const float *h = tensor_in(w, &t, "last.safetensors", "state/h", &file);
    assert_non_null(h);
    assert_true(h[0] != 0 && h[0] != h[6]);
    iv__safetensors_close(file);
    assert_null(tensor_in(w, &t, "model.safetensors", "state/h", &file));
    iv__safetensors_close(file);
    train_to_the_end(&words, false, &p);
    assert_null(tensor_in(w, &words, "last.safetensors", "state/h", &file));
    iv__safetensors_close(file);
}

/* A run that goes back to earlier weights is the same however often it was stopped. */
static void states_begin_anew_with_earlier_weights(void **state)
{
    world *w = *state;
    training whole = training_of(w, "whole", CARRIED), t = whole;
    seen s = { 0 };
    char message[1024];

    whole.settings.rate = t.settings.rate = 100; /* explodes, until it was lowered */
    train_to_the_end(&whole, false, &s);
    assert_note(&s, "Back to the weights");
    place(&t, w, "often");
    int parts = 0;
    for (iv_status status = IV_STOPPED; status == IV_STOPPED; parts++) {
        seen one = { .stop_at = 1 };
        status = train(&t, parts > 0, &one, message);
        assert_true(status == IV_STOPPED || status == IV_OK);
    }
    assert_true(parts > 10);
    assert_same_file(&whole, &t, "last.safetensors");
}

static void kill_while_training(const training *t, bool resume, int64_t at)
{
    int status;
    pid_t child = fork();

    if (!child) {
        seen s = { .kill_at = at };
        train(t, resume, &s, NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void a_killed_run_goes_on_bit_for_bit(void **state)
{
    world *w = *state;
    training whole = reference(w, "whole", true), t = whole;
    char name[32];

    for (int64_t at = 1; at <= 25; at += 4) {
        seen s = { 0 };
        snprintf(name, sizeof name, "killed%d", (int)at);
        place(&t, w, name);
        kill_while_training(&t, false, at);
        if (at > 8)
            kill_while_training(&t, true, at); /* and once more */
        train_to_the_end(&t, true, &s);
        assert_int_equal(s.steps, 25 - (at - 1) / 5 * 5); /* from the last epoch's end */
        assert_same_run(&whole, &t);
    }
}

/* What stands in the folder when the process dies between two writes. */
static void a_run_killed_between_two_writes_goes_on_bit_for_bit(void **state)
{
    world *w = *state;
    training whole = reference(w, "whole", true), t = whole;
    char message[1024];
    seen s = { .stop_at = 12 };

    place(&t, w, "last is not there yet");
    assert_int_equal(train(&t, false, &s, message), IV_STOPPED);
    assert_int_equal(rename(file_of(&t, "last.safetensors"), file_of(&t, "previous.safetensors")), 0);
    write_text(file_of(&t, "last.safetensors.99999.new"), "half a checkpoint");
    s = (seen){ 0 };
    train_to_the_end(&t, true, &s);
    assert_string_equal(s.notes, "");
    assert_int_equal(s.steps, 13);
    assert_same_run(&whole, &t);
    assert_false(has_file(&t, "last.safetensors.99999.new"));

    place(&t, w, "the model is not there yet");
    s = (seen){ .stop_at = 5 };
    assert_int_equal(train(&t, false, &s, message), IV_STOPPED);
    assert_int_equal(progress_of(w, &t, "last.safetensors").best_epoch, 1);
    assert_int_equal(unlink(file_of(&t, "model.safetensors")), 0);
    s = (seen){ .stop_at = 6 };
    assert_int_equal(train(&t, true, &s, message), IV_STOPPED);
    assert_int_equal(progress_of(w, &t, "model.safetensors").best_epoch, 1);
    s = (seen){ 0 };
    train_to_the_end(&t, true, &s);
    assert_same_run(&whole, &t);

    place(&t, w, "metrics are ahead");
    s = (seen){ .stop_at = 7 };
    assert_int_equal(train(&t, false, &s, message), IV_STOPPED);
    FILE *metrics = fopen(file_of(&t, "metrics.jsonl"), "a");
    fputs("{\"step\":8,\"epoch\":2,\"loss\":1}\n{\"step\": }\n{\"step\": 99999999999999999999}\n{\"step\":9,\"ep",
          metrics);
    fclose(metrics);
    s = (seen){ 0 };
    train_to_the_end(&t, true, &s);
    assert_same_run(&whole, &t);
}

/* ---- damaged files --------------------------------------------------------------------------- */

static void a_damaged_checkpoint_gives_way_to_the_one_before(void **state)
{
    world *w = *state;
    training whole = reference(w, "whole", true), t = whole;
    char message[1024];

    for (int cut = 0; cut < 2; cut++) {
        seen s = { .stop_at = 17 };
        place(&t, w, cut ? "cut" : "changed");
        assert_int_equal(train(&t, false, &s, message), IV_STOPPED);
        damage(&t, "last.safetensors", cut);
        s = (seen){ .kill_at = 16 }; /* it dies again before it has saved: what is sound is still there */
        kill_while_training(&t, true, 16);
        s = (seen){ 0 };
        train_to_the_end(&t, true, &s);
        assert_note(&s, "last.safetensors");
        assert_note(&s, "; going on from the checkpoint before it");
        assert_int_equal(s.steps, 10); /* from the end of epoch 3 */
        assert_same_run(&whole, &t);
    }
}

/* The damaged file must not push out the sound one before it. */
static void a_damaged_checkpoint_never_becomes_the_one_before(void **state)
{
    world *w = *state;
    training t = training_of(w, "run", false);
    char message[1024];
    seen s = { .stop_at = 7 };
    iv__text note = { .home = w->home };

    assert_int_equal(train(&t, false, &s, message), IV_STOPPED);
    damage(&t, "last.safetensors", true);
    iv__run *run = iv__run_new(w->home, t.folder, true);
    iv__safetensors *file = iv__run_checkpoint(run, &note);
    assert_non_null(file);
    iv__safetensors_close(file);
    assert_int_equal(iv__run_rotate(run), IV_OK); /* and the process dies */
    iv__run_free(run);
    assert_int_equal(progress_of(w, &t, "previous.safetensors").step, 5);
    iv__text_free(&note);
}

static void two_damaged_checkpoints_are_an_error(void **state)
{
    world *w = *state;
    training t = training_of(w, "run", false);
    char message[1024];
    seen s = { .stop_at = 7 };

    assert_int_equal(train(&t, false, &s, message), IV_STOPPED);
    damage(&t, "last.safetensors", false);
    damage(&t, "previous.safetensors", true);
    s = (seen){ 0 };
    assert_int_equal(train(&t, true, &s, message), IV_FORMAT);
    assert_non_null(strstr(message, "last.safetensors"));
    assert_non_null(strstr(message, "previous.safetensors"));
    assert_non_null(
        strstr(message, "no checkpoint is left to go on from: start again in another folder"));
    assert_int_equal(s.steps, 0);

    assert_int_equal(unlink(file_of(&t, "previous.safetensors")), 0);
    assert_int_equal(train(&t, true, &s, message), IV_FORMAT);
    assert_non_null(strstr(message, "last.safetensors"));
    assert_null(strstr(message, "; /")); /* said once */
}

static void checkpoints_of_another_shape_are_refused(void **state)
{
    world *w = *state;
    training t = training_of(w, "run", false);
    char message[1024];
    seen s = { .stop_at = 2 };

    assert_int_equal(train(&t, false, &s, message), IV_STOPPED);
    t.task.language = true;
    assert_int_equal(train(&t, true, &s, message), IV_NAME);
    assert_non_null(strstr(message, "embedding/embeddings"));
}

/* ---- folders --------------------------------------------------------------------------------- */

static void a_run_is_not_overwritten(void **state)
{
    world *w = *state;
    training t = training_of(w, "run", false);
    char message[1024];
    seen s = { .stop_at = 2 };

    assert_int_equal(train(&t, true, &s, message), IV_STOPPED); /* resuming what is absent starts it */
    assert_int_equal(train(&t, false, &s, message), IV_IO);
    assert_non_null(strstr(message, "holds a run already; go on with it by --resume"));
}

static void one_process_trains_at_a_time(void **state)
{
    world *w = *state;
    iv__run *first = iv__run_new(w->home, in_folder(w, "a/run"), false);

    assert_non_null(first);
    assert_null(iv__run_new(w->home, in_folder(w, "a/run"), true));
    assert_message(w->home, "another process is training into");
    assert_null(iv__run_new(w->home, in_folder(w, "a/run"), false));
    iv__run_free(first);
    iv__run *second = iv__run_new(w->home, in_folder(w, "a/run"), false);
    assert_non_null(second);
    iv__run_free(second);
    iv__run_free(NULL);
    write_text(in_folder(w, "file"), "");
    assert_null(iv__run_new(w->home, in_folder(w, "file"), false));
    assert_message(w->home, "file is there and is not a folder");
    assert_int_equal(iv__home_bytes(w->home), 0);
}

/* ---- validation ------------------------------------------------------------------------------ */

static void the_best_model_is_kept_and_training_stops_early(void **state)
{
    world *w = *state;
    training t = training_of(w, "early", false), best = t;
    seen s = { 0 };

    t.n_validation = KEPT;
    t.task.validation_differs = true; /* the first epoch is the best */
    t.settings.epochs = 30;
    t.settings.patience = 3;
    train_to_the_end(&t, false, &s);
    assert_int_equal(s.epochs, 4);
    assert_int_equal(s.best_epochs, 1);
    assert_note(&s, "stopped early: validation has not improved for as many epochs as --patience says");
    iv__progress model = progress_of(w, &t, "model.safetensors"),
                 last = progress_of(w, &t, "last.safetensors");
    assert_int_equal(model.step, 5);
    assert_int_equal(model.best_epoch, 1);
    assert_int_equal(last.step, 20);
    assert_int_equal(last.finished, 1);
    assert_true(last.best == model.best && last.best < s.validation);

    s = (seen){ 0 };
    train_to_the_end(&t, true, &s); /* it stays finished */
    assert_int_equal(s.steps, 0);

    place(&best, w, "one epoch");
    best.n_validation = KEPT;
    best.task.validation_differs = true;
    best.settings.epochs = 1;
    train_to_the_end(&best, false, &s);
    assert_same_file(&t, &best, "model.safetensors");
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(losses_fall),
        IN_WORLD(steps_end_a_run_before_its_epochs),
        cmocka_unit_test(weights_decay_where_it_is_said),
        cmocka_unit_test(schedules_may_count_epochs),
        IN_WORLD(epochs_may_have_steps_of_their_own),
        IN_WORLD(a_short_batch_counts_for_what_it_holds),
        IN_WORLD(threads_change_no_bit),
        IN_WORLD(a_stopped_run_goes_on_bit_for_bit),
        IN_WORLD(parts_change_what_is_theirs),
        IN_WORLD(the_model_is_the_average_of_weights),
        IN_WORLD(states_are_carried_and_kept),
        IN_WORLD(states_begin_anew_with_earlier_weights),
        IN_WORLD(a_killed_run_goes_on_bit_for_bit),
        IN_WORLD(a_run_killed_between_two_writes_goes_on_bit_for_bit),
        IN_WORLD(a_damaged_checkpoint_gives_way_to_the_one_before),
        IN_WORLD(a_damaged_checkpoint_never_becomes_the_one_before),
        IN_WORLD(two_damaged_checkpoints_are_an_error),
        IN_WORLD(checkpoints_of_another_shape_are_refused),
        IN_WORLD(a_run_is_not_overwritten),
        IN_WORLD(one_process_trains_at_a_time),
        IN_WORLD(the_best_model_is_kept_and_training_stops_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
