/* train_micro_test.c: training in micro-batches: the same bits for any number of threads, stopped and
 * killed and gone on with; batches that are not full; bad numbers. */
#define _XOPEN_SOURCE 700
#include "train_world.h"

#include "plan/micro.h"

enum {
    BATCH = 26,
    ALL_RECORDS = 60,
    STEPS = 9
}; /* three steps an epoch, the last with 8 records */

static training places(world *w, const char *folder)
{
    training t = training_of(w, folder, LINE);

    t.task.places = true;
    t.settings.batch = BATCH;
    t.settings.epochs = 3;
    t.settings.rate = 0.01;
    t.settings.clip_norm = 1;
    t.n_train = ALL_RECORDS;
    t.n_validation = 30;
    return t;
}

static iv_status build_places(world *w, iv_params *params, bool train_it, iv__build *build)
{
    task t = { .places = true, .batch = BATCH };

    *build = (iv__build){ .graph = iv_graph_new(w->home), .batch = BATCH, .training = train_it };
    build->scope = iv_scope_new(build->graph, params, "");
    iv_scope_training(build->scope, train_it);
    return task_build(&t, build);
}

static void training_and_evaluation_are_in_micro_batches(void **state)
{
    world *w = *state;
    iv_params *params = iv_params_new(w->home, IV_F32, 1);
    iv__build build;

    assert_int_equal(build_places(w, params, true, &build), IV_OK);
    iv_train_step *step = iv_train_step_new(params, .loss = build.parts[0].loss, .n_watched = 1,
                                            .watched = &build.parts[0].weight,
                                            .optimizer = iv_optimizer_of(.kind = IV_ADAM));
    assert_non_null(step);
    assert_non_null(iv_train_step_plan(step)->micro);
    iv_train_step_free(step);
    iv_graph_free(build.graph);
    assert_int_equal(build_places(w, params, false, &build), IV_OK);
    iv_plan *plan = iv_plan_new(w->home, 2,
                                (iv_node *[]){ build.parts[0].loss, build.parts[0].weight }, 0, NULL);
    assert_non_null(plan);
    assert_non_null(plan->micro);
    iv_plan_free(plan);
    iv_graph_free(build.graph);
    iv_params_free(params);
}

static void threads_stops_and_kills_change_no_bit(void **state)
{
    world *w = *state;
    training one = places(w, "one"), t = one;
    seen s = { 0 };
    char message[1024];

    train_to_the_end(&one, false, &s);
    assert_int_equal(s.steps, STEPS);
    assert_true(s.last < s.first && isfinite(s.validation));

    place(&t, w, "three");
    t.threads = 3;
    train_to_the_end(&t, false, &s);
    assert_same_run(&one, &t);

    place(&t, w, "stopped");
    for (int64_t stop = 1; stop <= STEPS; stop++) {
        s = (seen){ .stop_at = stop };
        t.threads = 1 + (int)(stop % 3);
        assert_int_equal(train(&t, stop > 1, &s, message), stop < STEPS ? IV_STOPPED : IV_OK);
    }
    assert_same_run(&one, &t);

    place(&t, w, "killed");
    for (int64_t at = 4; at <= 7; at += 3) {
        pid_t child = fork();
        int status;
        if (!child) {
            s = (seen){ .kill_at = at };
            train(&t, true, &s, NULL);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    s = (seen){ 0 };
    train_to_the_end(&t, true, &s);
    assert_int_equal(s.steps, 3); /* from the end of the second epoch */
    assert_same_run(&one, &t);
}

/* What fills a short batch up weighs nothing: whatever stands there, the bits are the same. */
static void a_short_batch_counts_for_what_it_holds(void **state)
{
    world *w = *state;
    training t = places(w, "full"), weightless = places(w, "weightless");
    seen full = { 0 }, half = { 0 };

    t.settings.epochs = weightless.settings.epochs = 1;
    train_to_the_end(&t, false, &full);
    weightless.task.weightless = ALL_RECORDS / 2;
    train_to_the_end(&weightless, false, &half);
    assert_true(full.first != half.first);
    t = places(w, "nothing");
    t.settings.epochs = 1;
    t.n_validation = 0;
    t.task.weightless = ALL_RECORDS;
    half = (seen){ 0 };
    train_to_the_end(&t, false, &half); /* nothing to learn from, and nothing goes bad */
    assert_string_equal(half.notes, "");
}

static void a_bad_record_is_named_and_rolled_back(void **state)
{
    world *w = *state;
    training t = places(w, "bad");
    seen s = { 0 };

    t.task.bad_record = 8;
    t.task.bad = NAN;
    t.settings.epochs = 1;
    train_to_the_end(&t, false, &s);
    assert_int_equal(s.steps, 2);
    assert_non_null(strstr(s.notes, "the input 'x' holds nan at element"));
    assert_non_null(strstr(s.notes, ": training record 9. Back"));
    assert_non_null(strstr(s.notes, "Back to the weights of the beginning"));

    t = places(w, "large");
    t.task.bad_record = 8;
    t.task.bad = 2e30F; /* fine as an input; what it should become is not */
    t.settings.epochs = 1;
    s = (seen){ 0 };
    train_to_the_end(&t, false, &s);
    assert_int_equal(s.steps, 2);
    assert_non_null(strstr(s.notes, "gave inf at element"));
    assert_non_null(strstr(s.notes, ": training record 9. Back"));
}

#define IN_WORLD(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(training_and_evaluation_are_in_micro_batches),
        IN_WORLD(threads_stops_and_kills_change_no_bit),
        IN_WORLD(a_short_batch_counts_for_what_it_holds),
        IN_WORLD(a_bad_record_is_named_and_rolled_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
