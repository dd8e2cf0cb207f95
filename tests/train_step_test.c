/* train_step_test.c: one training step in two halves: what it changes, what may be done between,
 * bad numbers. */
#include <ivory/train.h>

#include "nn_world.h"
#include "scarce.h"

enum { N = 4, D = 3 };

/* Mean squared error of x W + b against y. */
static iv_node *loss_of(world *w, iv_node **prediction)
{
    iv_dtype real = iv_graph_real(w->graph);
    iv_node *x = iv_input(w->graph, "x", real, iv_dims(N, D)),
            *y = iv_input(w->graph, "y", real, iv_dims(N, 2));

    *prediction = iv_dense(w->scope, x, .units = 2);
    return iv_mean_squared_error(*prediction, y, NULL);
}

static iv_train_step *step_of(world *w, iv_node *loss, iv_node *const *watched, iv_optimizer optimizer)
{
    iv_train_step *step = iv_train_step_new(w->params, .loss = loss, .n_watched = watched != NULL,
                                            .watched = watched, .optimizer = optimizer);
    if (!step)
        fail_msg("%s", iv_home_message(w->home));
    return step;
}

static void give_line(iv_train_step *step)
{
    double *x = iv_plan_input(iv_train_step_plan(step), "x"),
           *y = iv_plan_input(iv_train_step_plan(step), "y");

    for (int i = 0; i < N; i++) {
        for (int d = 0; d < D; d++)
            x[i * D + d] = sin(1.0 + i * D + d);
        y[2 * i] = x[i * D] - x[i * D + 1] + 0.5;
        y[2 * i + 1] = 2 * x[i * D + 2];
    }
}

static double *parameter(world *w, const char *name)
{
    return iv_params_find(w->params, name)->data;
}

static void gradients_do_not_apply_and_apply_follows_them(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 3);
    iv_node *prediction, *loss = loss_of(&w, &prediction);
    iv_train_step *step = step_of(&w, loss, &prediction, iv_optimizer_of(.kind = IV_SGD));
    double before[D * 2], sum = 0;

    give_line(step);
    memcpy(before, parameter(&w, "m/dense/kernel"), sizeof before);
    assert_int_equal(iv_train_step_gradients(step), IV_OK);
    assert_memory_equal(before, parameter(&w, "m/dense/kernel"), sizeof before);
    double first = iv_train_step_loss(step);
    const double *gradient = iv_train_step_gradient(step, "m/dense/kernel"),
                 *bias = iv_train_step_gradient(step, "m/dense/bias");
    assert_null(iv_train_step_gradient(step, "m/dense/none"));
    for (int i = 0; i < D * 2; i++)
        sum += gradient[i] * gradient[i];
    sum += bias[0] * bias[0] + bias[1] * bias[1];
    assert_true(fabs(iv_train_step_norm(step) - sqrt(sum)) < 1e-12);
    assert_true(((const double *)iv_train_step_watched(step, 0))[0] != 0);
    assert_int_equal(iv_train_step_apply(step, 0.5, 0), IV_OK);
    for (int i = 0; i < D * 2; i++)
        assert_true(fabs(parameter(&w, "m/dense/kernel")[i] - (before[i] - 0.5 * gradient[i])) < 1e-15);
    for (int i = 1; i < 200; i++) {
        assert_int_equal(iv_train_step_gradients(step), IV_OK);
        assert_int_equal(iv_train_step_apply(step, 0.5, i), IV_OK);
    }
    assert_true(iv_train_step_loss(step) < 0.01 * first);
    iv_train_step_free(step);
    iv_train_step_free(NULL);
    world_free(&w);
}

/* Gradients may be written between the halves: each parameter has its own, and the next run
 * computes them anew. */
static void gradients_may_be_changed_between(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 3);
    iv_node *a = iv_param(w.scope, "a", iv_dims(3), IV_ONES),
            *b = iv_param(w.scope, "b", iv_dims(3), IV_ONES);
    iv_node *x = iv_input(w.graph, "x", IV_F64, iv_dims(3)),
            *c = iv_param(w.scope, "c", iv_dims(3), IV_ONES);
    iv_node *loss = iv_sum_all(iv_add(iv_add(a, b), iv_mul(c, x))); /* gradients: ones twice, and x itself */
    iv_train_step *step = step_of(&w, loss, NULL, iv_optimizer_of(.kind = IV_SGD));
    static const char *const names[] = { "m/a", "m/b", "m/c" };
    double *given = iv_plan_input(iv_train_step_plan(step), "x");

    given[0] = given[1] = given[2] = 5;
    for (int time = 1; time <= 3; time++) {
        assert_int_equal(iv_train_step_gradients(step), IV_OK);
        for (int p = 0; p < 3; p++) {
            double *gradient = iv_train_step_gradient(step, names[p]);
            for (int i = 0; i < 3; i++) {
                assert_true(gradient[i] == (p == 2 ? 5 : 1));
                gradient[i] *= 0.5;
            }
        }
        assert_true(given[0] == 5);
        assert_int_equal(iv_train_step_apply(step, 0.125, time - 1), IV_OK);
        for (int p = 0; p < 3; p++)
            assert_true(parameter(&w, names[p])[1] == 1 - 0.0625 * time * (p == 2 ? 5 : 1));
    }
    iv_train_step_free(step);
    world_free(&w);
}

/* The gradient of each is the other: both are changed by what the other was before. */
static void parameters_may_be_each_others_gradient(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 3);
    iv_node *a = iv_param(w.scope, "a", iv_dims(3), IV_ONES),
            *b = iv_param(w.scope, "b", iv_dims(3), IV_ONES);
    iv_train_step *step = step_of(&w, iv_sum_all(iv_mul(a, b)), NULL, iv_optimizer_of(.kind = IV_SGD));

    parameter(&w, "m/b")[0] = 3;
    iv_params_changed(w.params);
    assert_int_equal(iv_train_step_gradients(step), IV_OK);
    assert_int_equal(iv_train_step_apply(step, 0.5, 0), IV_OK);
    assert_true(parameter(&w, "m/a")[0] == 1 - 0.5 * 3 && parameter(&w, "m/b")[0] == 3 - 0.5 * 1);
    iv_train_step_free(step);
    world_free(&w);
}

static void a_prefix_names_what_may_change(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 3);
    iv_node *x = iv_input(w.graph, "x", IV_F64, iv_dims(N, D));
    iv_node *critic = iv_dense(iv_scope_enter(w.scope, "critic", NULL), x, .units = 2);
    iv_node *both = iv_dense(iv_scope_enter(w.scope, "generator", NULL), critic, .units = 2);
    iv_train_step *step = iv_train_step_new(w.params, .loss = iv_mean_all(iv_square(both)),
                                            .changes = "m/generator/",
                                            .optimizer = iv_optimizer_of(.kind = IV_ADAM));
    double critic_was[D * 2], generator_was[4];

    assert_non_null(step);
    for (int i = 0; i < N * D; i++)
        ((double *)iv_plan_input(iv_train_step_plan(step), "x"))[i] = 0.3 * i;
    memcpy(critic_was, parameter(&w, "m/critic/dense/kernel"), sizeof critic_was);
    memcpy(generator_was, parameter(&w, "m/generator/dense/kernel"), sizeof generator_was);
    assert_null(iv_train_step_gradient(step, "m/critic/dense/kernel"));
    assert_int_equal(iv_train_step_gradients(step), IV_OK);
    assert_int_equal(iv_train_step_apply(step, 0.1, 0), IV_OK);
    assert_memory_equal(critic_was, parameter(&w, "m/critic/dense/kernel"), sizeof critic_was);
    assert_memory_not_equal(generator_was, parameter(&w, "m/generator/dense/kernel"),
                            sizeof generator_was);
    assert_null(iv_params_find(w.params, "optimizer/m/critic/dense/kernel/momentum"));
    iv_train_step_free(step);

    iv_home_clear(w.home);
    assert_null(iv_train_step_new(w.params, .loss = iv_mean_all(both), .changes = "m/painter/",
                                  .optimizer = iv_optimizer_of(.kind = IV_SGD)));
    assert_int_equal(iv_home_status(w.home), IV_NAME);
    assert_string_equal(iv_home_message(w.home),
                        "training step: the loss depends on no parameter below 'm/painter/'");
    assert_null(iv_train_step_new(w.params, .loss = both, .optimizer = iv_optimizer_of(.kind = IV_SGD)));
    assert_string_equal(iv_home_message(w.home), "training step: the loss must be a scalar");
    assert_null(iv_train_step_new_with(w.params, &(iv_train_step_options){ .size = 8, .loss = both }));
    assert_non_null(
        strstr(iv_home_message(w.home), "its options have a size that this library does not know"));
    world_free(&w);
}

static void bad_numbers_are_named_and_not_applied(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 3);
    iv_node *prediction, *loss = loss_of(&w, &prediction);
    iv_train_step *step = step_of(&w, loss, NULL, iv_optimizer_of(.kind = IV_ADAM));
    double *x = iv_plan_input(iv_train_step_plan(step), "x"), good;

    give_line(step);
    good = x[7];
    x[7] = (double)NAN;
    assert_int_equal(iv_train_step_gradients(step), IV_NUMERIC);
    assert_string_equal(iv_home_message(w.home),
                        "the input 'x' holds nan at element 7, for record 2 of the batch");
    x[7] = 1e200;
    assert_int_equal(iv_train_step_gradients(step), IV_NUMERIC);
    assert_string_equal(iv_home_message(w.home),
                        "m/dense/matmul gave inf at element 2 of [3,2], for record 2 of the batch");
    x[7] = good;
    assert_int_equal(iv_train_step_gradients(step), IV_OK);
    parameter(&w, "m/dense/bias")[1] = (double)INFINITY;
    iv_params_changed(w.params);
    assert_int_equal(iv_train_step_gradients(step), IV_NUMERIC);
    assert_string_equal(iv_home_message(w.home), "the parameter 'm/dense/bias' holds inf at element 1");
    iv_train_step_free(step);
    world_free(&w);
}

static void clocks_go_where_random_numbers_are(void **state)
{
    (void)state;
    world w = world_new(IV_F32, 3);
    iv_node *u = iv_random_uniform(iv_random_clock(w.graph), iv_dims(2), "here"),
            *still = iv_fill(w.graph, iv_dims(2), 1);
    iv_plan *plan = plan_of(&w, 1, &u, 0, NULL), *other = plan_of(&w, 1, &still, 0, NULL);

    iv_plan_set_clock(plan, UINT64_C(0x1122334455667788), INT64_C(1) << 33 | 5, 77);
    const uint32_t *clock = iv_plan_input(plan, "random");
    assert_memory_equal(clock, ((uint32_t[]){ 0x55667788, 0x11223344, 5, 2, 77, 0 }), 24);
    iv_plan_set_clock(other, 1, 2, 3); /* it has none: nothing happens */
    run(&w, other);
    iv_plan_free(plan);
    iv_plan_free(other);
    world_free(&w);
}

/* What memory_of says is what the two plans take when they run. */
static void memory_is_known_beforehand(void **state)
{
    (void)state;
    world w = world_new(IV_F32, 3);
    iv_node *x = iv_input_sequence(w.graph, "x", IV_I32, iv_dims(8, 20), 1);
    iv_node *logits = iv_dense(w.scope,
                               iv_lstm(w.scope, iv_embedding(w.scope, x, .count = 300, .units = 20),
                                       .units = 30),
                               .units = 300);
    iv_train_step *step = step_of(&w, iv_cross_entropy(logits, x, NULL), NULL,
                                  iv_optimizer_of(.kind = IV_ADAM));
    size_t held = iv__home_bytes(w.home);

    assert_int_equal(iv_train_step_gradients(step), IV_OK);
    assert_int_equal(iv_train_step_apply(step, 0.1, 0), IV_OK);
    iv_plan_memory m = iv_train_step_memory(step);
    assert_int_equal(iv__home_bytes(w.home) - held, m.slab + m.inputs + m.constants);
    iv_train_step_free(step);
    world_free(&w);
}

static void steps_survive_scarcity(void **state)
{
    (void)state;
    for (int64_t allowed = 1;; allowed++) {
        scarce memory = { .left = 1000 };
        world w = { .home = scarce_home(&memory) };
        w.params = iv_params_new(w.home, IV_F64, 1);
        w.graph = iv_graph_new_real(w.home, IV_F64);
        w.scope = iv_scope_new(w.graph, w.params, "m");
        iv_node *prediction, *loss = loss_of(&w, &prediction);
        assert_non_null(loss);
        memory.left = allowed;
        iv_train_step *step = iv_train_step_new(w.params, .loss = loss,
                                                .optimizer = iv_optimizer_of(.kind = IV_ADAM));
        iv_status status = step ? iv_train_step_gradients(step) : iv_home_status(w.home);
        if (!status)
            status = iv_train_step_apply(step, 0.1, 0);
        if (status)
            assert_int_equal(status, IV_NOMEM);
        iv_train_step_free(step);
        iv_graph_free(w.graph);
        iv_params_free(w.params);
        iv_home_free(w.home);
        assert_int_equal(memory.alive, 0);
        if (!status)
            return;
        assert_true(allowed < 500);
    }
}

/* A state gets its new value with the weights, not before, is not learnt, and is in no norm. */
static void a_state_is_carried_when_gradients_are_applied(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 3);
    iv_node *x = iv_input(w.graph, "x", IV_F64, iv_dims(2, 3)),
            *held = iv_state(w.scope, "held", iv_dims(2, 3)), *sum = iv_add(x, held);
    iv_update carried = { held, sum };
    iv_node *loss = iv_mean_all(iv_square(iv_dense(w.scope, sum, .units = 1)));
    iv_train_step *step = iv_train_step_new(w.params, .loss = loss, .n_carried = 1, .carried = &carried,
                                            .optimizer = iv_optimizer_of(.kind = IV_SGD));
    assert_non_null(step);
    const double *now = parameter(&w, "state/m/held");
    double *in = iv_plan_input(iv_train_step_plan(step), "x");

    for (int i = 0; i < 6; i++)
        in[i] = i + 1;
    assert_null(iv_train_step_gradient(step, "state/m/held"));
    for (int times = 0; times < 3; times++) {
        assert_int_equal(iv_train_step_gradients(step), IV_OK);
        assert_int_equal(iv_train_step_gradients(step), IV_OK); /* again: nothing moves */
        for (int i = 0; i < 6; i++)
            assert_true(now[i] == times * in[i]);
        assert_int_equal(iv_train_step_apply(step, 0.01, times), IV_OK);
        for (int i = 0; i < 6; i++)
            assert_true(now[i] == (times + 1) * in[i]);
    }
    in[0] = NAN;
    assert_int_equal(iv_train_step_gradients(step), IV_NUMERIC);
    assert_true(now[0] == 3);
    iv_train_step_free(step);

    iv_update wrong = { x, sum }; /* no parameter */
    assert_null(iv_train_step_new(w.params, .loss = loss, .n_carried = 1, .carried = &wrong));
    assert_non_null(
        strstr(iv_home_message(w.home), "'x' is carried, and is neither a parameter nor a state"));
    carried = (iv_update){ held, iv_sum(sum, 1, true) };
    assert_null(iv_train_step_new(w.params, .loss = loss, .n_carried = 1, .carried = &carried,
                                  .optimizer = iv_optimizer_of(.kind = IV_SGD)));
    assert_non_null(strstr(iv_home_message(w.home), "the new value of 'state/m/held' has another shape"));
    world_free(&w);
}

/* Builds, plans and trains for three steps; *sum: of the weights afterwards. */
static iv_status train_a_little(scarce *memory, double *sum)
{
    iv_home *home = scarce_home(memory);
    iv_params *params = iv_params_new(home, IV_F32, 1);
    iv_graph *graph = params ? iv_graph_new(home) : NULL;
    iv_scope *scope = graph ? iv_scope_new(graph, params, "m") : NULL;
    iv_train_step *step = NULL;

    if (scope) {
        iv_scope_training(scope, true);
        iv_node *words = iv_input_sequence(graph, "words", IV_I32, iv_dims(2, 3), 1);
        iv_node *next = iv_input(graph, "next", IV_I32, iv_dims(2, 3));
        iv_node *x = iv_dropout(scope, iv_embedding(scope, words, .count = 7, .units = 4), 0.3);
        iv_node *logits = iv_dense(scope, iv_lstm(scope, x, .units = 5), .units = 7);
        step = iv_train_step_new(params, .loss = iv_cross_entropy(logits, next, NULL),
                                 .optimizer = iv_optimizer_of(.kind = IV_ADAM));
    }
    iv_status status = step ? IV_OK : iv_home_status(home);
    for (int i = 0; i < 3 && !status; i++) {
        int32_t *in = iv_plan_input(iv_train_step_plan(step), "words"),
                *out = iv_plan_input(iv_train_step_plan(step), "next");
        for (int k = 0; k < 6 && in && out; k++)
            in[k] = (i + k) % 7, out[k] = (i + k + 1) % 7;
        iv_plan_set_clock(iv_train_step_plan(step), 5, i, 0);
        status = iv_train_step_gradients(step);
        if (!status)
            status = iv_train_step_apply(step, 0.1, i);
    }
    *sum = 0;
    for (int p = 0; !status && p < iv_params_count(params); p++)
        for (int64_t k = 0; k < iv_shape_count(&iv_params_tensor(params, p)->shape); k++)
            *sum += (double)(k + 1) * ((const float *)iv_params_tensor(params, p)->data)[k];
    iv_train_step_free(step);
    iv_graph_free(graph);
    iv_params_free(params);
    iv_home_free(home);
    return status;
}

/* Each allocation in turn fails, alone: the weights are the same then, or memory is out. */
static void one_allocation_that_fails_changes_no_weight(void **state)
{
    scarce plenty = { .left = 1000000 };
    double usual, sum;

    (void)state;
    assert_int_equal(train_a_little(&plenty, &usual), IV_OK);
    for (int64_t allowed = 1; allowed <= 1000000 - plenty.left; allowed++) {
        scarce memory = { .left = allowed, .one = true };
        iv_status status = train_a_little(&memory, &sum);
        assert_true(status == IV_OK || status == IV_NOMEM);
        if (!status)
            assert_true(sum == usual);
        assert_int_equal(memory.alive, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_do_not_apply_and_apply_follows_them),
        cmocka_unit_test(gradients_may_be_changed_between),
        cmocka_unit_test(parameters_may_be_each_others_gradient),
        cmocka_unit_test(a_prefix_names_what_may_change),
        cmocka_unit_test(bad_numbers_are_named_and_not_applied),
        cmocka_unit_test(a_state_is_carried_when_gradients_are_applied),
        cmocka_unit_test(clocks_go_where_random_numbers_are),
        cmocka_unit_test(memory_is_known_beforehand),
        cmocka_unit_test(steps_survive_scarcity),
        cmocka_unit_test(one_allocation_that_fails_changes_no_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
