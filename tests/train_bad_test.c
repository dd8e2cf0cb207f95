/* train_bad_test.c: trainings with numbers that go bad, and with records that weigh nothing or cannot be filled in. */
#define _XOPEN_SOURCE 700
#include "train_world.h"

/* ---- bad numbers ----------------------------------------------------------------------------- */

/* A record whose numbers are bad: each time it comes the step is undone, and the rate falls. */
static void a_bad_record_is_named_and_rolled_back(void **state)
{
    world *w = *state;
    training t = training_of(w, "bad", false), again = t;
    seen s = { 0 };
    char message[1024];

    t.task.bad_record = 8;
    t.task.bad = NAN;
    t.settings.epochs = 4;
    train_to_the_end(&t, false, &s);
    assert_int_equal(s.last_step, 20);
    assert_int_equal(s.steps, 16); /* one bad step in each epoch */
    assert_note(&s, "the input 'x' holds nan at element");
    assert_note(&s, "of the batch: training record 9. Back");
    assert_note(&s, "Back to the weights of the beginning, rate lowered to 0.005 (try 1 of 8)");
    assert_note(&s, "Back to the weights of epoch ");
    assert_true(s.rate < 6e-6);
    assert_int_equal(progress_of(w, &t, "last.safetensors").lowered, 4);

    again = t;
    place(&again, w, "bad, stopped");
    for (int64_t stop = 1; stop < 20; stop += 2) {
        seen part = { .stop_at = stop };
        assert_int_equal(train(&again, stop > 1, &part, message), IV_STOPPED);
    }
    seen rest = { 0 };
    train_to_the_end(&again, true, &rest);
    assert_same_run(&t, &again);
}

/* A class that there is not gives no number, and no memory beyond is read. */
static void a_label_out_of_range_is_named(void **state)
{
    world *w = *state;
    training t = training_of(w, "label", true);
    seen s = { 0 };

    t.task.bad_record = 8;
    t.settings.epochs = 1;
    train_to_the_end(&t, false, &s);
    assert_note(&s, "cross_entropy");
    assert_note(&s, "of the batch: training record 9. Back");
    assert_int_equal(s.steps, 4); /* of five */
}

/* Nothing is undone for it: an epoch without a validation loss is not the best. */
static void a_bad_validation_record_is_named(void **state)
{
    world *w = *state;
    training t = training_of(w, "validation", false);
    seen s = { 0 };

    t.task.bad_record = RECORDS + 2;
    t.task.bad = 1e30f;
    t.n_validation = KEPT;
    t.settings.epochs = 2;
    train_to_the_end(&t, false, &s);
    assert_note(&s, "gave inf at element ");
    assert_note(&s, ": validation record 3");
    assert_true(isnan(s.validation));
    assert_int_equal(s.best_epochs, 0);
    assert_int_equal(s.steps, 10);
    assert_int_equal(progress_of(w, &t, "last.safetensors").lowered, 0);
    assert_true(has_file(&t, "model.safetensors"));
}

/* After a bad first step the first good one is what later losses are measured by. */
static void a_bad_first_step_is_no_measure(void **state)
{
    world *w = *state;
    training t = training_of(w, "bad", false);
    seen s = { 0 };

    t.task.bad = NAN;
    t.settings.epochs = 1;
    for (t.task.bad_record = 0; t.task.bad_record < RECORDS; t.task.bad_record++) {
        char name[16];
        snprintf(name, sizeof name, "bad%d", t.task.bad_record);
        place(&t, w, name);
        s = (seen){ 0 };
        train_to_the_end(&t, false, &s);
        assert_int_equal(s.steps, 4); /* of five */
        assert_int_equal(progress_of(w, &t, "last.safetensors").lowered, 1);
    }
}

static void what_cannot_be_saved_is_given_up(void **state)
{
    world *w = *state;
    training t = training_of(w, "bad", false);
    seen s = { 0 };
    char message[1024];

    t.task.bad_record = 8;
    t.task.bad = INFINITY;
    t.settings.epochs = 30;
    assert_int_equal(train(&t, false, &s, message), IV_NUMERIC);
    assert_note(&s, "(try 8 of 8)");
    assert_non_null(strstr(message, "the input 'x' holds inf at element"));
    assert_non_null(
        strstr(message,
               "The rate was lowered 8 times in vain; look at the data, or start with a smaller --rate"));
    assert_true(has_file(&t, "model.safetensors"));
    assert_int_equal(progress_of(w, &t, "last.safetensors").step, 40);
}

static void a_rate_that_is_too_high_is_lowered(void **state)
{
    world *w = *state;
    training t = training_of(w, "fast", false);
    seen s = { 0 };

    t.settings.rate = 1e6;
    t.settings.optimizer = 0; /* sgd */
    t.settings.epochs = 40;
    train_to_the_end(&t, false, &s);
    assert_note(&s, "the loss exploded: ");
    assert_note(&s, "rate lowered to 1e+05 (try 1 of 8)");
    assert_true(s.last < s.first);
    assert_true(s.rate <= 1);
}

/* Losses that differ much from batch to batch are no explosion, where the trainee says so. */
static void losses_may_differ_as_the_trainee_says(void **state)
{
    world *w = *state;
    training guarded = training_of(w, "guarded", false), wild = training_of(w, "wild", false);
    seen s = { 0 }, t = { 0 };

    guarded.settings.rate = wild.settings.rate = 10;
    guarded.settings.optimizer = wild.settings.optimizer = 0; /* sgd */
    guarded.settings.steps = wild.settings.steps = 3;
    wild.task.worst_loss = 1e30;
    train_to_the_end(&guarded, false, &s);
    assert_note(&s, "the loss exploded: ");
    train_to_the_end(&wild, false, &t);
    assert_string_equal(t.notes, "");
}

/* ---- weights --------------------------------------------------------------------------------- */

/* A batch in which nothing has weight teaches nothing and does no harm. */
static void records_may_weigh_nothing(void **state)
{
    world *w = *state;

    for (int language = 0; language < 2; language++) {
        training t = training_of(w, language ? "words" : "line", language), without = t;
        seen s = { 0 };
        t.task.weightless = 7;
        t.settings.batch = 1;
        t.settings.epochs = 2;
        t.n_validation = KEPT;
        train_to_the_end(&t, false, &s);
        assert_string_equal(s.notes, "");
        assert_int_equal(s.steps, 2 * RECORDS);
        assert_true(isfinite(s.validation));
        assert_int_equal(progress_of(w, &t, "last.safetensors").lowered, 0);

        place(&without, w, language ? "no words" : "no line");
        without.task.weightless = RECORDS + KEPT;
        without.n_validation = KEPT;
        s = (seen){ 0 };
        train_to_the_end(&without, false, &s);
        assert_string_equal(s.notes, "");
        assert_true(s.last == 0 && isnan(s.validation));
        assert_int_equal(progress_of(w, &without, "last.safetensors").best_epoch, 0);
        assert_true(has_file(&without, "model.safetensors"));
    }
}

/* A batch is filled before its turn, but what went wrong with it comes in its turn: the same
 * steps are done for any number of threads. */
static void a_record_that_cannot_be_filled_in_ends_training_in_its_turn(void **state)
{
    world *w = *state;
    int64_t steps = -1;

    for (int threads = 1; threads <= 3; threads++) {
        char name[16], message[1024];
        seen s = { 0 };
        snprintf(name, sizeof name, "refused%d", threads);
        training t = training_of(w, name, true);
        t.threads = threads;
        t.task.refused_record = 7;
        assert_int_equal(train(&t, false, &s, message), IV_FORMAT);
        assert_string_equal(message, "record 7 is damaged");
        if (steps < 0)
            steps = s.steps;
        assert_int_equal(s.steps, steps);
        assert_true(s.steps < 5); /* it is in the first epoch */
    }
    /* of validation: once the first epoch's steps are done */
    training t = training_of(w, "kept", true);
    seen s = { 0 };
    char message[1024];
    t.n_validation = KEPT;
    t.task.refused_record = RECORDS + KEPT - 1;
    assert_int_equal(train(&t, false, &s, message), IV_FORMAT);
    assert_int_equal(s.steps, 5);
    assert_int_equal(s.epochs, 0);
}

static void nothing_to_train_on_is_an_error(void **state)
{
    world *w = *state;
    training t = training_of(w, "run", false);
    char message[1024];
    seen s = { 0 };

    t.n_train = 0;
    assert_int_equal(train(&t, false, &s, message), IV_VALUE);
    assert_string_equal(message,
                        "there is no record to train on; give more data or smaller --validation and --test");
    t.n_train = 1;
    place(&t, w, "one record");
    train_to_the_end(&t, false, &s);
    assert_int_equal(s.steps, 5);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_bad_record_is_named_and_rolled_back),
        IN_WORLD(a_label_out_of_range_is_named),
        IN_WORLD(a_bad_validation_record_is_named),
        IN_WORLD(a_bad_first_step_is_no_measure),
        IN_WORLD(what_cannot_be_saved_is_given_up),
        IN_WORLD(a_rate_that_is_too_high_is_lowered),
        IN_WORLD(losses_may_differ_as_the_trainee_says),
        IN_WORLD(records_may_weigh_nothing),
        IN_WORLD(a_record_that_cannot_be_filled_in_ends_training_in_its_turn),
        IN_WORLD(nothing_to_train_on_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
