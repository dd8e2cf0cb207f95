/* nn_train_test.c: losses, optimizers and schedules, against plain C. */
#include "nn_numbers.h"

/* ---- losses ---------------------------------------------------------------------------------- */

static void losses_are_means_over_weighed_places(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 1);
    double y[4 * 3], target[4 * 3], weight[4], each_weight[4 * 3];
    int32_t ids[] = { 2, 0, 1, 1 };
    iv_node *in = iv_input(w.graph, "y", IV_F64, iv_dims(4, 3));
    iv_node *wanted = iv_input(w.graph, "target", IV_F64, iv_dims(4, 3));
    iv_node *id = iv_input(w.graph, "ids", IV_I32, iv_dims(4));
    iv_node *mask = iv_input(w.graph, "weight", IV_F64, iv_dims(4));
    iv_node *each_mask = iv_input(w.graph, "each_weight", IV_F64, iv_dims(4, 3));
    iv_node *out[] = {
        iv_cross_entropy(in, id, NULL),
        iv_cross_entropy(in, id, mask),
        iv_mean_squared_error(in, wanted, NULL),
        iv_mean_squared_error(in, wanted, mask),
        iv_mean_squared_error(in, wanted, each_mask),
        iv_mean_absolute_error(in, wanted, NULL),
        iv_mean_absolute_error(in, wanted, mask),
    };
    double expected[SIZE(out)] = { 0 }, weights = 0, each_weights = 0;
    iv_plan *plan = plan_of(&w, SIZE(out), out, 0, NULL);

    fill(y, SIZE(y), -3, 3);
    fill(target, SIZE(target), -1, 4);
    fill(weight, SIZE(weight), 0, 2);
    fill(each_weight, SIZE(each_weight), 0, 1);
    weight[2] = 0;
    for (int r = 0; r < 4; r++) {
        double sum = 0, squares = 0, sizes = 0;
        for (int i = 3 * r; i < 3 * r + 3; i++) {
            double d = y[i] - target[i];
            sum += exp(y[i]);
            squares += d * d / 3;
            sizes += fabs(d) / 3;
            expected[4] += each_weight[i] * d * d;
            each_weights += each_weight[i];
        }
        double surprise = log(sum) - y[3 * r + ids[r]];
        weights += weight[r];
        expected[0] += surprise / 4;
        expected[1] += weight[r] * surprise;
        expected[2] += squares / 4;
        expected[3] += weight[r] * squares;
        expected[5] += sizes / 4;
        expected[6] += weight[r] * sizes;
    }
    expected[1] /= weights;
    expected[3] /= weights;
    expected[4] /= each_weights;
    expected[6] /= weights;

    give(plan, "y", y, sizeof y);
    give(plan, "target", target, sizeof target);
    give(plan, "ids", ids, sizeof ids);
    give(plan, "weight", weight, sizeof weight);
    give(plan, "each_weight", each_weight, sizeof each_weight);
    run(&w, plan);
    for (int i = 0; i < SIZE(out); i++) {
        assert_int_equal(iv_node_shape(out[i])->rank, 0);
        assert_near(*(const double *)iv_plan_output(plan, i), expected[i], 1e-13);
    }
    iv_plan_free(plan);
    world_free(&w);
}

static void losses_refuse_shapes_that_would_stretch(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 1);
    iv_node *y = iv_input(w.graph, "y", IV_F64, iv_dims(4, 1)),
            *flat = iv_input(w.graph, "t", IV_F64, iv_dims(4));

    assert_null(iv_mean_squared_error(y, flat, NULL));
    assert_string_equal(
        iv_graph_message(w.graph),
        "mean_squared_error: the shapes of y and target do not fit (y = y [4,1], target = t [4])");
    next_graph(&w);
    y = iv_input(w.graph, "y", IV_F64, iv_dims(4, 3, 2));
    assert_null(iv_mean_absolute_error(y, y, iv_input(w.graph, "mask", IV_F64, iv_dims(3))));
    assert_string_equal(
        iv_graph_message(w.graph),
        "mean_absolute_error: the shapes of y and weight do not fit (y = y [4,3,2], weight = mask [3])");
    world_free(&w);
}

/* ---- optimizers ------------------------------------------------------------------------------ */

enum { N_A = 3, N_B = 2, N_ALL = N_A + N_B, STEPS = 4 };

/* One step of the formulas in plain C over all elements; m and v are the two states. */
static void step_in_c(const iv_optimizer *o, double rate, int t, double *w, const double *gradient,
                      double *m, double *v)
{
    double squares = 0;

    for (int i = 0; i < N_ALL; i++)
        squares += gradient[i] * gradient[i];
    for (int i = 0; i < N_ALL; i++) {
        double g = gradient[i], norm = sqrt(squares);
        if (o->clip_norm > 0 && norm > o->clip_norm)
            g *= o->clip_norm / norm;
        if (o->clip_value > 0)
            g = fmin(fmax(g, -o->clip_value), o->clip_value);
        w[i] -= o->kind == IV_ADAMW || o->weight_decay > 0 ? w[i] * rate * o->weight_decay : 0;
        if (o->kind == IV_SGD) {
            m[i] = o->momentum * m[i] - rate * g;
            w[i] += o->nesterov ? o->momentum * m[i] - rate * g : m[i];
        } else if (o->kind == IV_RMSPROP) {
            v[i] = o->rho * v[i] + (1 - o->rho) * g * g;
            m[i] = o->momentum * m[i] + rate * g / sqrt(v[i] + o->epsilon);
            w[i] -= m[i];
        } else {
            m[i] = o->beta1 * m[i] + (1 - o->beta1) * g;
            v[i] = o->beta2 * v[i] + (1 - o->beta2) * g * g;
            w[i] -= rate * sqrt(1 - pow(o->beta2, t)) / (1 - pow(o->beta1, t)) * m[i] /
                    (sqrt(v[i]) + o->epsilon);
        }
    }
}

static void give_gradient(iv_plan *plan, int step, double *gradient)
{
    double number[N_ALL];

    fill(number, N_ALL, -1 - step, 2);
    memcpy(gradient, number, sizeof number);
    give(plan, "gradient/m/a", gradient, N_A * sizeof(double));
    give(plan, "gradient/m/b", gradient + N_A, N_B * sizeof(double));
}

/* Builds the update of two parameters, runs it and the formulas side by side. `full` has every
 * default written out. */
static void compare_steps(iv_optimizer o, iv_optimizer full, int n_updates, const char *state_name)
{
    world w = world_new(IV_F64, 3);
    iv_node *parameter[] = { iv_param(w.scope, "a", iv_dims(N_A), IV_GLOROT_UNIFORM),
                             iv_param(w.scope, "b", iv_dims(2, 1), IV_GLOROT_UNIFORM) };
    iv_node *gradient[] = { iv_input(w.graph, "gradient/m/a", IV_F64, iv_dims(N_A)),
                            iv_input(w.graph, "gradient/m/b", IV_F64, iv_dims(2, 1)) };
    iv_update updates[6];
    iv_node *norm;
    int n = iv_optimizer_build(w.graph, w.params, &o, 2, parameter, gradient, updates, &norm);
    const double *a = iv_params_find(w.params, "m/a")->data, *b = iv_params_find(w.params, "m/b")->data;
    double expected[N_ALL], m[N_ALL] = { 0 }, v[N_ALL] = { 0 };

    assert_int_equal(n, n_updates);
    assert_int_equal(iv_params_count(w.params), n_updates);
    assert_true(!state_name || iv_params_find(w.params, state_name));
    memcpy(expected, a, N_A * sizeof *a);
    memcpy(expected + N_A, b, N_B * sizeof *b);
    iv_plan *plan = plan_of(&w, 1, &norm, n, updates);
    for (int k = 0; k < STEPS; k++) {
        double rate = iv_optimizer_rate(&o) / (k + 1), number[IV_OPTIMIZER_NUMBERS], g[N_ALL],
               squares = 0;
        give_gradient(plan, k, g);
        iv_optimizer_numbers(&o, rate, k, number);
        give(plan, "optimizer", number, sizeof number);
        run(&w, plan);
        iv_params_changed(w.params);
        step_in_c(&full, full.rate / (k + 1), k + 1, expected, g, m, v);
        for (int i = 0; i < N_ALL; i++) {
            assert_near(i < N_A ? a[i] : b[i - N_A], expected[i], 1e-12);
            squares += g[i] * g[i];
        }
        assert_near(*(const double *)iv_plan_output(plan, 0), sqrt(squares), 1e-14);
    }
    iv_plan_free(plan);
    world_free(&w);
}

static void optimizers_follow_their_formulas(void **state)
{
    (void)state;
    iv_optimizer adam = iv_optimizer_of(.kind = IV_ADAM, .rate = 0.001, .beta1 = 0.9,
                                        .beta2 = 0.999, .epsilon = 1e-7);
    iv_optimizer adamw = adam, clipped = adam, no_average = adam;

    compare_steps(iv_optimizer_of(.kind = IV_SGD), iv_optimizer_of(.rate = 0.01), 2, NULL);
    compare_steps(iv_optimizer_of(.momentum = 0.9, .rate = 0.1),
                  iv_optimizer_of(.momentum = 0.9, .rate = 0.1), 4, "optimizer/m/a/momentum");
    compare_steps(iv_optimizer_of(.momentum = 0.5, .nesterov = true),
                  iv_optimizer_of(.momentum = 0.5, .nesterov = true, .rate = 0.01), 4,
                  "optimizer/m/b/momentum");
    compare_steps(iv_optimizer_of(.kind = IV_RMSPROP),
                  iv_optimizer_of(.kind = IV_RMSPROP, .rate = 0.001, .rho = 0.9, .epsilon = 1e-7),
                  4, "optimizer/m/a/velocity");
    compare_steps(iv_optimizer_of(.kind = IV_RMSPROP, .momentum = 0.8, .rho = 0.5, .rate = 0.2,
                                  .epsilon = 0.01),
                  iv_optimizer_of(.kind = IV_RMSPROP, .momentum = 0.8, .rho = 0.5, .rate = 0.2,
                                  .epsilon = 0.01),
                  6, "optimizer/m/a/momentum");
    compare_steps(iv_optimizer_of(.kind = IV_ADAM), adam, 6, "optimizer/m/b/velocity");
    adamw.kind = IV_ADAMW;
    adamw.weight_decay = 0.004;
    compare_steps(iv_optimizer_of(.kind = IV_ADAMW), adamw, 6, NULL);
    clipped.clip_norm = 0.7;
    compare_steps(iv_optimizer_of(.kind = IV_ADAM, .clip_norm = 0.7), clipped, 6, NULL);
    compare_steps(iv_optimizer_of(.rate = 0.1, .clip_norm = 100), iv_optimizer_of(.rate = 0.1), 2, NULL);
    compare_steps(iv_optimizer_of(.rate = 0.1, .clip_value = 0.3),
                  iv_optimizer_of(.rate = 0.1, .clip_value = 0.3), 2, NULL);
    no_average.beta1 = 0;
    compare_steps(iv_optimizer_of(.kind = IV_ADAM, .beta1 = (double)IV_ZERO), no_average, 6, NULL);
}

/* The mean of the first new values, then one that forgets. */
static void averages_of_weights_follow_them(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 1);
    iv_node *p = iv_param(w.scope, "a", iv_dims(3), IV_ONES),
            *g = iv_input(w.graph, "g", IV_F64, iv_dims(3));
    iv_optimizer o = iv_optimizer_of(.kind = IV_ADAM, .rate = 0.1, .average = 0.75);
    iv_update updates[4];
    double expected[3] = { 0 }, number[IV_OPTIMIZER_NUMBERS], grow[3];
    int n = iv_optimizer_build(w.graph, w.params, &o, 1, &p, &g, updates, NULL);

    assert_int_equal(n, 4);
    iv_plan *plan = plan_of(&w, 0, NULL, n, updates);
    const double *now = iv_params_find(w.params, "m/a")->data,
                 *average = iv_params_find(w.params, "optimizer/m/a/average")->data;
    for (int k = 0; k < 9; k++) {
        double share = k < 4 ? 1.0 / (k + 1) : 0.25;
        for (int i = 0; i < 3; i++)
            grow[i] = cos(i + 2.0 * k);
        iv_optimizer_numbers(&o, 0.1, k, number);
        give(plan, "optimizer", number, sizeof number);
        give(plan, "g", grow, sizeof grow);
        run(&w, plan);
        for (int i = 0; i < 3; i++) {
            expected[i] += (now[i] - expected[i]) * share;
            assert_near(average[i], expected[i], 1e-14);
        }
    }
    iv_plan_free(plan);
    world_free(&w);
}

static void optimizers_refuse_what_makes_no_sense(void **state)
{
    (void)state;
    const struct {
        iv_optimizer o;
        const char *message;
    } cases[] = {
        { iv_optimizer_of(.kind = (iv_optimizer_kind)9), "optimizer: there is no such kind" },
        { iv_optimizer_of(.momentum = 1), "optimizer: momentum, rho, beta1 and beta2 must be in [0,1)" },
        { iv_optimizer_of(.average = 1), "optimizer: average must be in [0,1)" },
        { iv_optimizer_of(.rate = NAN), "optimizer: rate, epsilon and weight_decay must not be negative" },
        { iv_optimizer_of(.clip_norm = -1), "optimizer: clip_norm and clip_value must not be negative" },
        { iv_optimizer_of(.clip_norm = 1, .clip_value = 1),
          "optimizer: clip_norm and clip_value exclude each other" },
        { iv_optimizer_of(.kind = IV_ADAM, .nesterov = true),
          "optimizer: nesterov needs sgd with momentum" },
        { { .size = 4096 }, "optimizer: its options have a size that this library does not know" },
    };
    iv_optimizer good = iv_optimizer_of(.kind = IV_SGD);
    world w = world_new(IV_F64, 1);
    iv_update updates[3];

    for (int i = 0; i < SIZE(cases); i++) {
        iv_node *p = iv_param(w.scope, "a", iv_dims(2), IV_ZEROS);
        assert_int_equal(iv_optimizer_build(w.graph, w.params, &cases[i].o, 1, &p, &p, updates, NULL),
                         -1);
        assert_string_equal(iv_graph_message(w.graph), cases[i].message);
        next_graph(&w);
    }
    assert_int_equal(iv_optimizer_build(w.graph, w.params, &good, 0, NULL, NULL, updates, NULL), -1);
    assert_string_equal(iv_graph_message(w.graph), "optimizer: there is no parameter to change");
    next_graph(&w);
    iv_node *p = iv_param(w.scope, "a", iv_dims(2), IV_ZEROS),
            *g = iv_input(w.graph, "g", IV_F64, iv_dims(1));
    assert_int_equal(iv_optimizer_build(w.graph, w.params, &good, 1, &p, &g, updates, NULL), -1);
    assert_string_equal(iv_graph_message(w.graph),
                        "optimizer: m/a [2] is no parameter, or g [1] is not shaped as it");
    world_free(&w);
}

/* ---- schedules ------------------------------------------------------------------------------- */

static void schedules_follow_their_formulas(void **state)
{
    (void)state;
    iv_schedule constant = { .kind = IV_CONSTANT };
    iv_schedule exponential = { .kind = IV_EXPONENTIAL, .steps = 10, .factor = 0.9 };
    iv_schedule stairs = { .kind = IV_STAIRS, .steps = 10, .factor = 0.5 };
    iv_schedule cosine = { .kind = IV_COSINE, .steps = 40, .factor = 0.1 };
    iv_schedule linear = { .kind = IV_LINEAR_DECAY, .steps = 10, .warmup = 5 };

    assert_near(iv_schedule_rate(&constant, 0.3, 12345), 0.3, 0);
    for (int k = 0; k < 60; k++) {
        assert_near(iv_schedule_rate(&exponential, 2, k), 2 * pow(0.9, k / 10.0), 1e-14);
        assert_near(iv_schedule_rate(&stairs, 2, k), ldexp(2, -(k / 10)), 1e-15);
        double done = k < 40 ? k / 40.0 : 1;
        assert_near(iv_schedule_rate(&cosine, 2, k),
                    2 * (0.9 * (1 + cos(3.14159265358979324 * done)) / 2 + 0.1), 1e-14);
        double expected = k < 5 ? 2 * k / 5.0 : k < 15 ? 2 - 2 * (k - 5) / 10.0 : 0;
        assert_near(iv_schedule_rate(&linear, 2, k), expected, 1e-15);
    }
    assert_near(iv_schedule_rate(&(iv_schedule){ .kind = IV_COSINE }, 0.3, 7), 0.3, 0);
    iv_schedule held = { .kind = IV_EXPONENTIAL, .steps = 10, .factor = 0.5, .warmup = 5, .hold = 20 };
    for (int k = 0; k < 50; k++) {
        double expected = k < 5 ? 2 * k / 5.0 : k < 25 ? 2 : 2 * pow(0.5, (k - 25) / 10.0);
        assert_near(iv_schedule_rate(&held, 2, k), expected, 1e-14);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_are_means_over_weighed_places),
        cmocka_unit_test(losses_refuse_shapes_that_would_stretch),
        cmocka_unit_test(optimizers_follow_their_formulas),
        cmocka_unit_test(averages_of_weights_follow_them),
        cmocka_unit_test(optimizers_refuse_what_makes_no_sense),
        cmocka_unit_test(schedules_follow_their_formulas),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
