/* memory_alone_test.c: what plans foretell of their memory is what the process grows by when
 * they run. */
#include <ivory/train.h>

#include "nn_world.h"

#include <stdlib.h>
#include <unistd.h>

/* Bytes of memory that the process really holds. */
static double resident(void)
{
    long total, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (!file)
        return 0;
    if (fscanf(file, "%ld %ld", &total, &pages) != 2)
        pages = 0;
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* Sanitizers keep memory of their own beside. */
static void skip_where_memory_is_watched(void)
{
    const char *sanitizer = getenv("IVORY_SANITIZE");

    if ((sanitizer && *sanitizer) || resident() == 0)
        skip(); /* a sanitizer's own memory would be counted too */
}

static double bytes_of(const iv_params *params)
{
    return 4.0 * (double)iv_params_elements(params, "");
}

static void assert_within_a_tenth(double measured, double foretold)
{
    if (!(measured > 0.9 * foretold && measured < 1.1 * foretold))
        fail_msg("the process grew by %.1f MiB where %.1f were foretold", measured / 1048576,
                 foretold / 1048576);
}

static void training_grows_as_foretold(void **state)
{
    (void)state;
    skip_where_memory_is_watched();
    world w = world_new(IV_F32, 1);
    double before = resident();
    iv_node *words = iv_input_sequence(w.graph, "words", IV_I32, iv_dims(16, 100), 1);
    iv_node *x = iv_embedding(w.scope, words, .count = 8000, .units = 100);
    iv_node *logits = iv_dense(w.scope, iv_lstm(w.scope, x, .units = 256), .units = 8000);
    iv_train_step *step = iv_train_step_new(w.params, .loss = iv_cross_entropy(logits, words, NULL),
                                            .optimizer = iv_optimizer_of(.kind = IV_ADAM));
    iv_plan_memory m = iv_train_step_memory(step);

    for (int i = 0; i < 2; i++) {
        assert_int_equal(iv_train_step_gradients(step), IV_OK);
        assert_int_equal(iv_train_step_apply(step, 1e-3, i), IV_OK);
    }
    double foretold = bytes_of(w.params) + (double)(m.slab + m.inputs + m.constants);
    assert_true(foretold > 60e6);
    assert_within_a_tenth(resident() - before, foretold);
    iv_train_step_free(step);
    world_free(&w);
}

static void one_plan_grows_as_foretold(void **state)
{
    (void)state;
    skip_where_memory_is_watched();
    world w = world_new(IV_F32, 1);
    iv_node *x = iv_input(w.graph, "x", IV_F32, iv_dims(2000, 500)), *y = x;

    for (int i = 0; i < 6; i++)
        y = iv_softmax(iv_dense(w.scope, y, .units = 1500, .activation = IV_TANH));
    double before = resident();
    iv_plan *plan = plan_of(&w, 1, &y, 0, NULL);
    iv_plan_memory m = iv_plan_memory_of(plan);
    memset(iv_plan_input(plan, "x"), 0, 2000 * 500 * sizeof(float));
    run(&w, plan);
    assert_true(m.slab > 20e6);
    assert_within_a_tenth(resident() - before, (double)(m.slab + m.inputs + m.constants));
    iv_plan_free(plan);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_grows_as_foretold),
        cmocka_unit_test(one_plan_grows_as_foretold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
