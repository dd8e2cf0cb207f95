/* nn_layers_test.c: what layers compute, and what dropout drops, against plain C. */
#include "nn_numbers.h"

static void dense_is_a_product_a_bias_and_an_activation(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 1);
    double x[2 * 3 * 4];
    iv_node *y = iv_dense(w.scope, iv_input(w.graph, "x", IV_F64, iv_dims(2, 3, 4)), .units = 5,
                          .activation = IV_SIGMOID);
    iv_plan *plan = plan_of(&w, 1, &y, 0, NULL);
    const double *kernel = iv_params_find(w.params, "m/dense/kernel")->data;
    double *bias = iv_params_find(w.params, "m/dense/bias")->data;

    fill(x, SIZE(x), -1, 1);
    fill(bias, 5, -1, 1);
    iv_params_changed(w.params);
    give(plan, "x", x, sizeof x);
    run(&w, plan);
    const double *out = iv_plan_output(plan, 0);
    for (int r = 0; r < 6; r++)
        for (int o = 0; o < 5; o++) {
            double z = bias[o];
            for (int i = 0; i < 4; i++)
                z += x[4 * r + i] * kernel[5 * i + o];
            assert_near(out[5 * r + o], 1 / (1 + exp(-z)), 1e-14);
        }
    iv_plan_free(plan);
    world_free(&w);
}

/* Two layers over one table: it gets the gradients of both. */
static void a_dense_layer_may_use_a_kernel_of_the_callers(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 1);
    iv_node *table = iv_param(w.scope, "table", iv_dims(5, 4), IV_GLOROT_UNIFORM);
    iv_node *x = iv_input(w.graph, "x", IV_F64, iv_dims(2, 4));
    iv_node *y = iv_dense(w.scope, x, .units = 5, .kernel = iv_transpose(table, iv_dims(1, 0)));

    assert_ptr_equal(y, iv_add(iv_matmul(x, iv_transpose(table, iv_dims(1, 0))),
                               iv_param(iv_scope_share(w.scope, "dense"), "bias", iv_dims(5), IV_ZEROS)));
    assert_int_equal(iv_params_elements(w.params, ""), 20 + 5);
    assert_null(iv_dense(w.scope, x, .units = 6, .kernel = table));
    world_free(&w);
}

static void activations_are_what_they_are_called(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 1);
    double x[] = { -2, 0.5, 3 };
    iv_node *in = iv_input(w.graph, "x", IV_F64, iv_dims(3)), *out[IV_GELU + 1];

    for (int a = IV_LINEAR; a <= IV_GELU; a++)
        out[a] = iv_activate(in, (iv_activation)a);
    assert_ptr_equal(out[IV_LINEAR], in);
    iv_plan *plan = plan_of(&w, IV_GELU + 1, out, 0, NULL);
    give(plan, "x", x, sizeof x);
    run(&w, plan);
    double sum = exp(x[0]) + exp(x[1]) + exp(x[2]);
    for (int i = 0; i < 3; i++) {
        double expected[] = { x[i],
                              fmax(x[i], 0),
                              tanh(x[i]),
                              1 / (1 + exp(-x[i])),
                              exp(x[i]) / sum,
                              log(1 + exp(x[i])),
                              x[i] > 0 ? x[i] : exp(x[i]) - 1,
                              x[i] > 0 ? x[i] : exp(x[i]) - 1,
                              x[i] > 0 ? x[i] : 0.2 * x[i],
                              1.0507009873554805 *
                                  (x[i] > 0 ? x[i] : 1.6732632423543772 * (exp(x[i]) - 1)),
                              x[i] / (1 + exp(-x[i])),
                              x[i] * (1 + erf(x[i] / sqrt(2))) / 2 };
        double negative = x[i] < 0 ? -x[i] : exp(-x[i]) - 1; /* the other half of concat_elu */
        assert_near(((const double *)iv_plan_output(plan, IV_CONCAT_ELU))[3 + i], negative, 1e-14);
        for (int a = IV_LINEAR; a <= IV_GELU; a++)
            assert_near(((const double *)iv_plan_output(plan, a))[i], expected[a], 1e-14);
    }
    iv_plan_free(plan);
    world_free(&w);
}

static void embedding_looks_up_and_masks_see_zeros(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 1);
    int32_t ids[] = { 3, 0, 1, 0, 2, 2 };
    double rows[] = { 7, 7, 7, 1, 0, 7, -7, 7 }; /* [4,2] */
    iv_node *words = iv_input(w.graph, "words", IV_I32, iv_dims(2, 3));
    iv_node *out[] = { iv_embedding(w.scope, words, .count = 4, .units = 2), iv_mask_zero(words),
                       iv_masking(iv_input(w.graph, "rows", IV_F64, iv_dims(4, 2)), 7) };
    iv_plan *plan = plan_of(&w, 3, out, 0, NULL);
    const double *table = iv_params_find(w.params, "m/embedding/embeddings")->data;

    give(plan, "words", ids, sizeof ids);
    give(plan, "rows", rows, sizeof rows);
    run(&w, plan);
    const double *y = iv_plan_output(plan, 0), *mask = iv_plan_output(plan, 1),
                 *rows_mask = iv_plan_output(plan, 2);
    for (int i = 0; i < 6; i++) {
        assert_memory_equal(y + 2 * i, table + 2 * ids[i], 2 * sizeof *y);
        assert_true(mask[i] == (ids[i] != 0));
    }
    for (int i = 0; i < 4; i++)
        assert_true(rows_mask[i] == (i > 0));
    iv_plan_free(plan);
    world_free(&w);
}

static void reverse_reads_from_the_end_and_keeps_places(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 1);
    double data[2 * 4 * 3];
    iv_node *x = iv_input(w.graph, "x", IV_F64, iv_dims(2, 4, 3));
    iv_scope *one = iv_scope_enter(w.scope, "one", NULL), *again = iv_scope_share(w.scope, "one");
    iv_recurrent_out a, b;
    iv_node *y = iv_gru(one, x, .units = 5, .reverse = true, .states = &a);
    iv_node *flipped = iv_gru(again, iv_reverse(x, 1), .units = 5, .states = &b);
    iv_node *out[] = { y, iv_reverse(flipped, 1), a.h, b.h };
    iv_plan *plan = plan_of(&w, 4, out, 0, NULL);

    assert_ptr_equal(a.y, y);
    assert_null(a.c);
    fill(data, SIZE(data), -2, 2);
    give(plan, "x", data, sizeof data);
    run(&w, plan);
    const double *first = iv_plan_output(plan, 0), *h = iv_plan_output(plan, 2);
    assert_memory_equal(first, iv_plan_output(plan, 1), 2 * 4 * 5 * sizeof(double));
    assert_memory_equal(h, iv_plan_output(plan, 3), 2 * 5 * sizeof(double));
    assert_memory_equal(first, h, 5 * sizeof(double)); /* y[0,0] is the last state of record 0 */
    assert_true(fabs(h[0]) > 1e-3);
    iv_plan_free(plan);
    world_free(&w);
}

static iv_node *twice(iv_scope *scope, iv_node *x, void *context)
{
    (*(int *)context)++;
    return iv_dense(scope, iv_dense(scope, x, .units = 6, .activation = IV_RELU), .units = 2);
}

static iv_node *first_row(iv_scope *scope, iv_node *x, void *context)
{
    (void)scope, (void)context;
    return iv_slice(x, 0, 0, 1, 1);
}

static void time_distributed_treats_positions_alike(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 1);
    double data[2 * 3 * 4];
    int calls = 0;
    iv_node *x = iv_input(w.graph, "x", IV_F64, iv_dims(2, 3, 4));
    iv_node *y = iv_time_distributed(iv_scope_enter(w.scope, "one", NULL), x, twice, &calls);
    iv_node *out[] = { y, twice(iv_scope_share(w.scope, "one"), x, &calls) };
    iv_plan *plan = plan_of(&w, 2, out, 0, NULL);

    assert_int_equal(calls, 2);
    assert_true(iv_shape_same(iv_node_shape(y), &iv_dims(2, 3, 2)));
    fill(data, SIZE(data), -1, 1);
    give(plan, "x", data, sizeof data);
    run(&w, plan);
    for (int i = 0; i < 2 * 3 * 2; i++)
        assert_near(((const double *)iv_plan_output(plan, 0))[i],
                    ((const double *)iv_plan_output(plan, 1))[i], 1e-15);
    iv_plan_free(plan);

    assert_null(iv_time_distributed(w.scope, x, first_row, NULL));
    assert_int_equal(iv_graph_status(w.graph), IV_SHAPE);
    assert_non_null(strstr(iv_graph_message(w.graph), "its layer must keep axis 0 of length 6"));
    world_free(&w);
}

/* ---- dropout --------------------------------------------------------------------------------- */

enum { WIDTH = 500, RECORDS = 40 };

/* What y makes of ones, for records first .. first + n - 1 of a step. */
static void drop(world *w, iv_node *y, int n, int first, int step, double *to)
{
    int32_t clock[6] = { 11, 22, step, 0, first, 0 };
    static double ones[RECORDS * WIDTH];
    iv_plan *plan = plan_of(w, 1, &y, 0, NULL);

    for (int i = 0; i < n * WIDTH; i++)
        ones[i] = 1;
    give(plan, "random", clock, sizeof clock);
    give(plan, "x", ones, (size_t)n * WIDTH * sizeof(double));
    run(w, plan);
    memcpy(to, iv_plan_output(plan, 0), (size_t)n * WIDTH * sizeof(double));
    iv_plan_free(plan);
    next_graph(w);
    iv_scope_training(w->scope, true);
}

static iv_node *ones_of(world *w, int n)
{
    return iv_input(w->graph, "x", IV_F64, iv_dims(n, WIDTH));
}

static double whole[RECORDS * WIDTH], other[RECORDS * WIDTH];

static void dropout_drops_its_rate_and_scales_the_rest(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 1);
    int dropped = 0;

    iv_scope_training(w.scope, true);
    drop(&w, iv_dropout(w.scope, ones_of(&w, RECORDS), 0.3), RECORDS, 0, 0, whole);
    for (int i = 0; i < RECORDS * WIDTH; i++) {
        dropped += whole[i] == 0;
        if (whole[i] != 0)
            assert_near(whole[i], 1 / 0.7, 1e-15);
    }
    assert_true(dropped > 6000 - 4 * 65 &&
                dropped < 6000 + 4 * 65); /* four deviations: sqrt(20000 0.3 0.7) = 65 */
    world_free(&w);
}

static void dropout_of_vectors_drops_all_of_one(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 1);
    int dropped = 0;

    iv_scope_training(w.scope, true);
    iv_node *x = iv_reshape(ones_of(&w, RECORDS), iv_dims(RECORDS, WIDTH / 5, 5));
    drop(&w, iv_dropout_vectors(w.scope, x, 0.3), RECORDS, 0, 0, whole);
    for (int i = 0; i < RECORDS * WIDTH; i += 5) {
        dropped += whole[i] == 0;
        for (int k = 1; k < 5; k++)
            assert_true(whole[i + k] == whole[i]);
        if (whole[i] != 0)
            assert_near(whole[i], 1 / 0.7, 1e-15);
    }
    assert_true(dropped > 1200 - 4 * 29 && dropped < 1200 + 4 * 29); /* sqrt(4000 0.3 0.7) = 29 */
    world_free(&w);
}

static void dropout_acts_in_training_only(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 1);
    iv_node *x = ones_of(&w, 4);

    assert_ptr_equal(iv_dropout(w.scope, x, 0.5), x);
    iv_scope_training(w.scope, true);
    assert_ptr_equal(iv_dropout(w.scope, x, 0), x);
    iv_scope *inner = iv_scope_enter(w.scope, "inner", NULL);
    assert_ptr_not_equal(iv_dropout(inner, x, 0.5), x);
    iv_scope_training(inner, false);
    assert_ptr_equal(iv_dropout(inner, x, 0.5), x);
    assert_ptr_not_equal(iv_dropout(w.scope, x, 0.5), x);
    assert_null(iv_dropout(w.scope, x, 1));
    assert_string_equal(iv_graph_message(w.graph), "m/dropout_3: its rate must be in [0,1) and is 1");
    world_free(&w);
}

static void dropout_depends_on_record_step_and_place(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 1);

    iv_scope_training(w.scope, true);
    drop(&w, iv_dropout(w.scope, ones_of(&w, RECORDS), 0.5), RECORDS, 100, 3, whole);
    drop(&w, iv_dropout(w.scope, ones_of(&w, 17), 0.5), 17, 100, 3, other);
    drop(&w, iv_dropout(w.scope, ones_of(&w, RECORDS - 17), 0.5), RECORDS - 17, 117, 3,
         other + 17 * WIDTH);
    assert_memory_equal(whole, other, sizeof whole);
    drop(&w, iv_dropout(w.scope, ones_of(&w, RECORDS), 0.5), RECORDS, 100, 4, other);
    assert_memory_not_equal(whole, other, sizeof whole);

    iv_dropout(w.scope, ones_of(&w, RECORDS), 0.5);
    drop(&w, iv_dropout(w.scope, ones_of(&w, RECORDS), 0.5), RECORDS, 100, 3, other);
    assert_memory_not_equal(whole, other, sizeof whole);

    iv_dropout(iv_scope_enter(w.scope, "twin", NULL), ones_of(&w, RECORDS), 0.5);
    iv_node *first = iv_dropout(iv_scope_share(w.scope, "twin"), ones_of(&w, RECORDS), 0.5);
    assert_ptr_not_equal(iv_dropout(iv_scope_share(w.scope, "twin"), ones_of(&w, RECORDS), 0.5), first);
    world_free(&w);
}

static iv_node *half_dropped(iv_scope *scope, iv_node *x, void *context)
{
    (void)context;
    return iv_dropout(scope, x, 0.5);
}

static iv_node *half_dropped_positions(world *w, int n)
{
    iv_node *x = iv_reshape(ones_of(w, n), iv_dims(n, 10, WIDTH / 10));

    return iv_time_distributed(w->scope, x, half_dropped, NULL);
}

static void dropout_of_positions_counts_records(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 1);

    iv_scope_training(w.scope, true);
    drop(&w, half_dropped_positions(&w, RECORDS), RECORDS, 100, 3, whole);
    drop(&w, half_dropped_positions(&w, 17), 17, 100, 3, other);
    drop(&w, half_dropped_positions(&w, RECORDS - 17), RECORDS - 17, 117, 3, other + 17 * WIDTH);
    assert_memory_equal(whole, other, sizeof whole);
    for (int r = 1; r < RECORDS; r++) /* no record has the mask of another, at any distance of positions */
        for (int p = 0; p + 1 < 10; p++)
            assert_memory_not_equal(whole, whole + r * WIDTH + p * 50, 50 * sizeof(double));
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_is_a_product_a_bias_and_an_activation),
        cmocka_unit_test(a_dense_layer_may_use_a_kernel_of_the_callers),
        cmocka_unit_test(activations_are_what_they_are_called),
        cmocka_unit_test(embedding_looks_up_and_masks_see_zeros),
        cmocka_unit_test(reverse_reads_from_the_end_and_keeps_places),
        cmocka_unit_test(time_distributed_treats_positions_alike),
        cmocka_unit_test(dropout_drops_its_rate_and_scales_the_rest),
        cmocka_unit_test(dropout_of_vectors_drops_all_of_one),
        cmocka_unit_test(dropout_acts_in_training_only),
        cmocka_unit_test(dropout_depends_on_record_step_and_place),
        cmocka_unit_test(dropout_of_positions_counts_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
