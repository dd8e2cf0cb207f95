/* nn_test.c: parameters, their names, counts and first values; scopes and what they refuse. */
#include "nn_world.h"

static iv_node *words_of(world *w)
{
    return iv_input(w->graph, "words", IV_I32, iv_dims(2, 3));
}

static iv_node *values_of(world *w, int64_t width)
{
    return iv_input(w->graph, "x", iv_graph_real(w->graph), iv_dims(2, 3, width));
}

static void assert_names(const world *w, int n, const char *const names[])
{
    assert_int_equal(iv_params_count(w->params), n);
    for (int i = 0; i < n; i++)
        assert_string_equal(iv_params_name(w->params, i), names[i]);
}

static void assert_shape(const world *w, const char *name, iv_shape shape)
{
    const iv_tensor *tensor = iv_params_find(w->params, name);

    assert_non_null(tensor);
    assert_true(iv_shape_same(&tensor->shape, &shape));
}

/* ---- counts and names ------------------------------------------------------------------------ */

static void recipes_has_the_books_parameters(void **state)
{
    (void)state;
    world w = world_new(IV_F32, 1);
    iv_node *x = iv_embedding(w.scope, words_of(&w), .count = 10000, .units = 100);

    assert_int_equal(iv_params_elements(w.params, ""), 1000000);
    x = iv_lstm(w.scope, x, .units = 128);
    assert_int_equal(iv_params_elements(w.params, "m/lstm/"), 117248);
    x = iv_dense(w.scope, x, .units = 10000);
    assert_int_equal(iv_params_elements(w.params, "m/dense/"), 1290000);
    assert_int_equal(iv_params_elements(w.params, "m/"), 2407248);
    assert_int_equal(iv_params_elements(w.params, "n"), 0);
    assert_true(iv_shape_same(iv_node_shape(x), &iv_dims(2, 3, 10000)));
    assert_names(&w, 6,
                 (const char *const[]){ "m/embedding/embeddings", "m/lstm/kernel",
                                        "m/lstm/recurrent_kernel", "m/lstm/bias", "m/dense/kernel",
                                        "m/dense/bias" });
    assert_shape(&w, "m/lstm/kernel", iv_dims(100, 512));
    assert_shape(&w, "m/lstm/recurrent_kernel", iv_dims(128, 512));
    assert_shape(&w, "m/lstm/bias", iv_dims(512));
    world_free(&w);
}

static void stacked_recipes_has_the_books_parameters(void **state)
{
    (void)state;
    world w = world_new(IV_F32, 1);
    iv_node *x = iv_embedding(w.scope, words_of(&w), .count = 10000, .units = 100);

    for (int i = 0; i < 2; i++)
        x = iv_recurrent(w.scope, x, .cell = IV_LSTM, .units = 128);
    assert_non_null(iv_dense(w.scope, x, .units = 10000));
    assert_int_equal(iv_params_elements(w.params, ""), 2538832);
    assert_shape(&w, "m/lstm_1/kernel", iv_dims(128, 512));
    world_free(&w);
}

static void gru_and_bidirectional_counts(void **state)
{
    (void)state;
    world w = world_new(IV_F32, 1);
    iv_node *x = values_of(&w, 100);

    assert_non_null(iv_gru(w.scope, x, .units = 128));
    assert_non_null(iv_gru(w.scope, x, .units = 128, .reset_before = true));
    assert_int_equal(iv_params_elements(w.params, "m/gru/"), 88320);
    assert_int_equal(iv_params_elements(w.params, "m/gru_1/"), 87936);
    assert_shape(&w, "m/gru/bias", iv_dims(2, 384));
    assert_shape(&w, "m/gru_1/bias", iv_dims(384));

    iv_node *both = iv_bidirectional(w.scope, x, IV_MERGE_CONCAT, .cell = IV_GRU, .units = 100);
    iv_node *sum = iv_bidirectional(w.scope, x, IV_MERGE_SUM, .cell = IV_GRU, .units = 100,
                                    .reset_before = true);
    assert_true(iv_shape_same(iv_node_shape(both), &iv_dims(2, 3, 200)));
    assert_true(iv_shape_same(iv_node_shape(sum), &iv_dims(2, 3, 100)));
    assert_int_equal(iv_params_elements(w.params, "m/bidirectional/"), 121200);
    assert_int_equal(iv_params_elements(w.params, "m/bidirectional/forward/"), 60600);
    assert_int_equal(iv_params_elements(w.params, "m/bidirectional_1/"), 120600);
    assert_shape(&w, "m/bidirectional/backward/recurrent_kernel", iv_dims(100, 300));

    assert_non_null(iv_simple_rnn(w.scope, x, .units = 7));
    assert_int_equal(iv_params_elements(w.params, "m/simple_rnn/"), 7 * (100 + 7 + 1));
    world_free(&w);
}

static void names_are_numbered_within_their_scope(void **state)
{
    (void)state;
    world w = world_new(IV_F32, 1);
    iv_node *x = values_of(&w, 2);
    iv_scope *inner = iv_scope_enter(w.scope, NULL, "block");

    iv_dense(w.scope, x, .units = 1, .no_bias = true);
    iv_dense(inner, x, .units = 1, .no_bias = true);
    iv_dense(w.scope, x, .units = 1, .no_bias = true);
    iv_dense(w.scope, x, .units = 1, .no_bias = true, .name = "last");
    iv_dense(iv_scope_enter(w.scope, NULL, "block"), x, .units = 1, .no_bias = true);
    assert_int_equal(iv_graph_status(w.graph), IV_OK);
    assert_names(&w, 5,
                 (const char *const[]){ "m/dense/kernel", "m/block/dense/kernel", "m/dense_1/kernel",
                                        "m/last/kernel", "m/block_1/dense/kernel" });
    iv_scope *bare = iv_scope_new(w.graph, w.params, "");
    iv_dense(bare, x, .units = 1, .no_bias = true);
    assert_string_equal(iv_params_name(w.params, 5), "dense/kernel");
    world_free(&w);
}

static void nodes_know_the_layer_they_were_made_in(void **state)
{
    (void)state;
    world w = world_new(IV_F32, 1);
    iv_node *x = values_of(&w, 2), *y = iv_dense(w.scope, x, .units = 4, .activation = IV_TANH);
    iv_node *after = iv_exp(y);

    assert_string_equal(iv_node_name(y), "m/dense");
    assert_string_equal(iv_node_op(y), "tanh");
    assert_string_equal(iv_node_name(after), "");
    world_free(&w);
}

/* ---- sharing --------------------------------------------------------------------------------- */

static void graphs_share_parameters_by_name(void **state)
{
    (void)state;
    world w = world_new(IV_F32, 1);

    assert_non_null(iv_lstm(w.scope, values_of(&w, 3), .units = 5));
    iv_tensor *kernel = iv_params_find(w.params, "m/lstm/kernel");
    next_graph(&w);
    assert_non_null(iv_lstm(w.scope, iv_input(w.graph, "x", IV_F32, iv_dims(1, 1, 3)), .units = 5));
    assert_int_equal(iv_params_count(w.params), 3);
    assert_ptr_equal(iv_params_find(w.params, "m/lstm/kernel"), kernel);
    world_free(&w);
}

static iv_node *two_layers(iv_scope *scope, iv_node *x)
{
    return iv_dense(scope, iv_dense(scope, x, .units = 4), .units = 3);
}

static void a_scope_is_shared_within_a_graph(void **state)
{
    (void)state;
    world w = world_new(IV_F32, 1);
    iv_node *x = values_of(&w, 2), *other = iv_input(w.graph, "other", IV_F32, iv_dims(5, 2));
    iv_node *y = two_layers(iv_scope_enter(w.scope, "twin", NULL), x);
    iv_node *again = two_layers(iv_scope_share(w.scope, "twin"), x);
    iv_node *z = two_layers(iv_scope_share(w.scope, "twin"), other);

    assert_non_null(y);
    assert_ptr_equal(again, y);
    assert_true(iv_shape_same(iv_node_shape(z), &iv_dims(5, 3)));
    assert_int_equal(iv_params_count(w.params), 4);
    world_free(&w);
}

static void tensors_stay_where_they_are(void **state)
{
    (void)state;
    world w = world_new(IV_F32, 1);
    iv_tensor *seen[300];

    for (int i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        assert_non_null(iv_param(w.scope, name, iv_dims(2), IV_ONES));
        seen[i] = iv_params_tensor(w.params, i);
    }
    for (int i = 0; i < 300; i++) {
        assert_ptr_equal(iv_params_tensor(w.params, i), seen[i]);
        assert_ptr_equal(iv_params_find(w.params, iv_params_name(w.params, i)), seen[i]);
        assert_true(((const float *)seen[i]->data)[1] == 1);
    }
    assert_null(iv_params_find(w.params, "m/p300"));
    world_free(&w);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void assert_refused(world *w, const iv_node *y, iv_status status, const char *message)
{
    assert_null(y);
    assert_string_equal(iv_graph_message(w->graph), message);
    assert_int_equal(iv_graph_status(w->graph), status);
    assert_string_equal(iv_home_message(w->home), message);
    next_graph(w);
}

static void scopes_refuse_by_name(void **state)
{
    (void)state;
    world w = world_new(IV_F32, 1);

    iv_dense(w.scope, values_of(&w, 2), .units = 1, .name = "out");
    assert_refused(&w, iv_dense(w.scope, values_of(&w, 2), .units = 1, .name = "out"), IV_NAME,
                   "scope 'm/out' is open already in this graph: choose another name, or open it with iv_scope_share "
                   "to use the same parameters again");
    assert_refused(&w, iv_dense(iv_scope_share(w.scope, "out"), values_of(&w, 2), .units = 1),
                   IV_NAME, "scope 'm/out' cannot be shared: it was not opened in this graph yet");
    assert_refused(&w, iv_dense(w.scope, values_of(&w, 2), .units = 1, .name = ""), IV_NAME,
                   "a scope within 'm' needs a name or a kind");
    assert_int_equal(iv_params_count(w.params), 2);
    world_free(&w);
}

static void parameters_refuse_other_shapes(void **state)
{
    (void)state;
    world w = world_new(IV_F32, 1);

    iv_dense(w.scope, values_of(&w, 2), .units = 3);
    next_graph(&w);
    assert_refused(&w, iv_dense(w.scope, values_of(&w, 5), .units = 3), IV_SHAPE,
                   "parameter 'm/dense/kernel' is asked for as [5,3], but it is known as [2,3]");
    assert_refused(&w, iv_dense(w.scope, values_of(&w, 2), .name = "new"), IV_SHAPE,
                   "parameter 'm/new/kernel' would be [2,0]: every size must be at least 1");
    assert_int_equal(iv_params_count(w.params), 2);

    iv_graph *doubles = iv_graph_new_real(w.home, IV_F64);
    assert_null(iv_param(iv_scope_new(doubles, w.params, ""), "p", iv_dims(1), IV_ZEROS));
    assert_string_equal(iv_graph_message(doubles),
                        "parameter 'p': the graph computes in f64, but its parameters are f32");
    iv_graph_free(doubles);
    assert_null(iv_params_new(w.home, IV_I32, 1));
    world_free(&w);
}

static void layers_refuse_wrong_options(void **state)
{
    (void)state;
    world w = world_new(IV_F32, 1);
    iv_recurrent_out out = { .y = values_of(&w, 2) };
    iv_node *flat = iv_input(w.graph, "flat", IV_F32, iv_dims(2, 3));

    assert_refused(&w, iv_lstm(w.scope, flat, .units = 3, .states = &out), IV_SHAPE,
                   "m/lstm: x must be [N,T,I] (x = flat [2,3])");
    assert_null(out.y);
    assert_refused(&w, iv_gru(w.scope, values_of(&w, 2), .units = -3), IV_VALUE,
                   "m/gru: .units must be at least 1 and is -3");
    assert_refused(&w, iv_gru(w.scope, values_of(&w, 2), .units = 3, .c0 = values_of(&w, 2)),
                   IV_VALUE, "m/gru: .c0 is the cell state of an lstm; this cell has none");
    assert_refused(&w, iv_recurrent(w.scope, values_of(&w, 2), .units = 3, .cell = (iv_cell)9),
                   IV_VALUE, "there is no recurrent cell number 9");
    assert_refused(
        &w, iv_dense_with(w.scope, values_of(&w, 2), &(iv_dense_options){ .units = 3 }), IV_VALUE,
        "dense: its options have a size that this library does not know: fill in .size, as the macro does");
    assert_refused(&w, iv_activate(values_of(&w, 2), (iv_activation)77), IV_VALUE,
                   "there is no activation number 77");
    assert_int_equal(iv_params_count(w.params), 0);
    world_free(&w);
}

static void null_passes_through_without_making_parameters(void **state)
{
    (void)state;
    world w = world_new(IV_F32, 1);

    assert_null(iv_dense(w.scope, NULL, .units = 3));
    assert_null(iv_dense(NULL, values_of(&w, 2), .units = 3));
    assert_null(iv_embedding(w.scope, NULL, .count = 3, .units = 3));
    assert_null(iv_bidirectional(w.scope, NULL, IV_MERGE_SUM, .units = 3));
    assert_null(iv_dropout(w.scope, NULL, 0.5));
    assert_null(iv_cross_entropy(NULL, NULL, NULL));
    assert_null(iv_scope_enter(NULL, "a", NULL));
    assert_int_equal(iv_graph_status(w.graph), IV_OK);

    assert_null(iv_dense(w.scope, iv_matmul(values_of(&w, 2), values_of(&w, 2)), .units = 3));
    assert_null(iv_dense(w.scope, values_of(&w, 2), .units = 3)); /* the graph has failed already */
    assert_int_equal(iv_params_count(w.params), 0);
    world_free(&w);
}

static void binding_refuses_what_it_does_not_know(void **state)
{
    (void)state;
    world w = world_new(IV_F32, 1);
    iv_node *x = iv_neg(iv_parameter(w.graph, "stranger", iv_dims(3)));
    iv_plan *plan = iv_plan_new(w.home, 1, &x, 0, NULL);

    assert_int_equal(iv_params_bind(w.params, plan), IV_NAME);
    assert_string_equal(iv_home_message(w.home),
                        "the plan needs parameter 'stranger', which is not among these 0");
    iv_graph *other = iv_graph_new(w.home);
    iv_param(iv_scope_new(other, w.params, ""), "stranger", iv_dims(4), IV_ZEROS);
    assert_int_equal(iv_params_bind(w.params, plan), IV_SHAPE);
    assert_string_equal(iv_home_message(w.home),
                        "the plan needs parameter 'stranger' as f32 [3], but it is f32 [4]");
    iv_plan_free(plan);
    iv_graph_free(other);
    world_free(&w);
}

/* ---- first values ---------------------------------------------------------------------------- */

static const double *doubles_of(const world *w, const char *name)
{
    const iv_tensor *tensor = iv_params_find(w->params, name);

    assert_non_null(tensor);
    assert_int_equal(tensor->dtype, IV_F64);
    return tensor->data;
}

/* Uniform in [-limit,limit]: all within, some near both ends, and mean and variance as they should
 * be. */
static void assert_uniform(world *w, const char *name, iv_shape shape, iv_init init, double limit)
{
    char full[64];
    int64_t n = iv_shape_count(&shape);
    double low = 0, high = 0, sum = 0, squares = 0;

    assert_non_null(iv_param(w->scope, name, shape, init));
    snprintf(full, sizeof full, "m/%s", name);
    const double *x = doubles_of(w, full);
    for (int64_t i = 0; i < n; i++) {
        low = fmin(low, x[i]);
        high = fmax(high, x[i]);
        sum += x[i];
        squares += x[i] * x[i];
    }
    assert_true(low >= -limit && low < -0.99 * limit);
    assert_true(high <= limit && high > 0.99 * limit);
    assert_true(fabs(sum / (double)n) < 4 * limit / sqrt(3 * (double)n));
    assert_true(fabs(squares / (double)n / (limit * limit / 3) - 1) < 4 / sqrt((double)n));
}

static void uniform_values_have_kerass_limits(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 7);

    assert_uniform(&w, "embeddings", iv_dims(100, 30), IV_EMBEDDING_UNIFORM, 0.05);
    assert_uniform(&w, "wide", iv_dims(100, 30), IV_EMBEDDING_WIDE, 0.1 * sqrt(3));
    assert_uniform(&w, "matrix", iv_dims(300, 200), IV_GLOROT_UNIFORM, sqrt(6.0 / 500));
    assert_uniform(&w, "window", iv_dims(3, 3, 16, 32), IV_GLOROT_UNIFORM,
                   sqrt(6.0 / (9 * 16 + 9 * 32)));
    assert_uniform(&w, "line", iv_dims(3, 8, 64), IV_GLOROT_UNIFORM, sqrt(6.0 / (3 * 8 + 3 * 64)));
    assert_uniform(&w, "vector", iv_dims(2000), IV_GLOROT_UNIFORM, sqrt(6.0 / 4000));
    world_free(&w);
}

/* The shorter side's vectors are orthonormal. stride: between elements of a vector; next: between
 * vectors. */
static void assert_orthonormal(const double *q, int64_t n, int64_t next, int64_t length, int64_t stride)
{
    for (int64_t a = 0; a < n; a++)
        for (int64_t b = 0; b <= a; b++) {
            double sum = 0;
            for (int64_t i = 0; i < length; i++)
                sum += q[a * next + i * stride] * q[b * next + i * stride];
            assert_true(fabs(sum - (a == b)) < 1e-13);
        }
}

static void orthogonal_values_are_orthogonal(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 7);

    iv_param(w.scope, "wide", iv_dims(32, 128), IV_ORTHOGONAL);
    iv_param(w.scope, "high", iv_dims(128, 32), IV_ORTHOGONAL);
    iv_param(w.scope, "square", iv_dims(100, 100), IV_ORTHOGONAL);
    iv_param(w.scope, "window", iv_dims(3, 5, 4), IV_ORTHOGONAL);
    assert_orthonormal(doubles_of(&w, "m/wide"), 32, 128, 128, 1);
    assert_orthonormal(doubles_of(&w, "m/high"), 32, 1, 128, 32);
    assert_orthonormal(doubles_of(&w, "m/square"), 100, 1, 100, 100);
    assert_orthonormal(doubles_of(&w, "m/square"), 100, 100, 100, 1);
    assert_orthonormal(doubles_of(&w, "m/window"), 4, 1, 15, 4);

    const double *square = doubles_of(&w, "m/square");
    double trace = 0; /* of a random one it is about a normal number */
    for (int i = 0; i < 100; i++)
        trace += square[101 * i];
    assert_true(fabs(trace) < 5);
    for (int i = 0; i < 200; i++) { /* some of these begin with vectors near to dependent */
        char name[16], full[24];
        snprintf(name, sizeof name, "small%d", i);
        snprintf(full, sizeof full, "m/%s", name);
        iv_param(w.scope, name, iv_dims(8, 8), IV_ORTHOGONAL);
        assert_orthonormal(doubles_of(&w, full), 8, 1, 8, 8);
    }
    world_free(&w);
}

static void orthogonal_singles_are_orthogonal_enough(void **state)
{
    (void)state;
    world w = world_new(IV_F32, 3);

    iv_param(w.scope, "u", iv_dims(64, 256), IV_ORTHOGONAL);
    const float *u = iv_params_tensor(w.params, 0)->data;
    for (int a = 0; a < 64; a++)
        for (int b = 0; b <= a; b++) {
            double sum = 0;
            for (int i = 0; i < 256; i++)
                sum += (double)u[256 * a + i] * (double)u[256 * b + i];
            assert_true(fabs(sum - (a == b)) < 1e-5);
        }
    world_free(&w);
}

static void threads_do_not_change_values(void **state)
{
    (void)state;
    world one = world_new(IV_F32, 3);
    iv_home *home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 3 });
    iv_params *params = iv_params_new(home, IV_F32, 3);
    iv_graph *graph = iv_graph_new(home);

    iv_param(one.scope, "u", iv_dims(256, 1024), IV_ORTHOGONAL);
    iv_param(iv_scope_new(graph, params, "m"), "u", iv_dims(256, 1024), IV_ORTHOGONAL);
    assert_memory_equal(iv_params_tensor(params, 0)->data, iv_params_tensor(one.params, 0)->data,
                        256 * 1024 * 4);
    iv_graph_free(graph);
    iv_params_free(params);
    iv_home_free(home);
    world_free(&one);
}

static void lstm_bias_opens_the_forget_gate(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 1);

    iv_lstm(w.scope, values_of(&w, 2), .units = 3);
    iv_gru(w.scope, values_of(&w, 2), .units = 3);
    const double *lstm = doubles_of(&w, "m/lstm/bias"), *gru = doubles_of(&w, "m/gru/bias");
    for (int i = 0; i < 12; i++)
        assert_true(lstm[i] == (i >= 3 && i < 6));
    for (int i = 0; i < 18; i++)
        assert_true(gru[i] == 0);
    world_free(&w);
}

static void values_come_from_seed_and_name(void **state)
{
    (void)state;
    world a = world_new(IV_F64, 5), b = world_new(IV_F64, 5), other = world_new(IV_F64, 6);
    world single = world_new(IV_F32, 5);
    iv_shape shape = iv_dims(20, 30);

    iv_param(a.scope, "first", shape, IV_GLOROT_UNIFORM);
    iv_param(a.scope, "second", shape, IV_GLOROT_UNIFORM);
    iv_param(b.scope, "second", shape, IV_GLOROT_UNIFORM); /* in another order */
    iv_param(b.scope, "first", shape, IV_GLOROT_UNIFORM);
    iv_param(other.scope, "first", shape, IV_GLOROT_UNIFORM);
    iv_param(single.scope, "first", shape, IV_GLOROT_UNIFORM);
    const double *x = doubles_of(&a, "m/first"), *y = doubles_of(&a, "m/second");
    const float *rounded = iv_params_tensor(single.params, 0)->data;
    assert_memory_equal(x, doubles_of(&b, "m/first"), 600 * sizeof *x);
    assert_memory_equal(y, doubles_of(&b, "m/second"), 600 * sizeof *y);
    assert_memory_not_equal(x, y, 600 * sizeof *x);
    assert_memory_not_equal(x, doubles_of(&other, "m/first"), 600 * sizeof *x);
    for (int i = 0; i < 600; i++)
        assert_true(rounded[i] == (float)x[i]);
    world_free(&a);
    world_free(&b);
    world_free(&other);
    world_free(&single);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recipes_has_the_books_parameters),
        cmocka_unit_test(stacked_recipes_has_the_books_parameters),
        cmocka_unit_test(gru_and_bidirectional_counts),
        cmocka_unit_test(names_are_numbered_within_their_scope),
        cmocka_unit_test(nodes_know_the_layer_they_were_made_in),
        cmocka_unit_test(graphs_share_parameters_by_name),
        cmocka_unit_test(a_scope_is_shared_within_a_graph),
        cmocka_unit_test(tensors_stay_where_they_are),
        cmocka_unit_test(scopes_refuse_by_name),
        cmocka_unit_test(parameters_refuse_other_shapes),
        cmocka_unit_test(layers_refuse_wrong_options),
        cmocka_unit_test(null_passes_through_without_making_parameters),
        cmocka_unit_test(binding_refuses_what_it_does_not_know),
        cmocka_unit_test(uniform_values_have_kerass_limits),
        cmocka_unit_test(orthogonal_values_are_orthogonal),
        cmocka_unit_test(orthogonal_singles_are_orthogonal_enough),
        cmocka_unit_test(threads_do_not_change_values),
        cmocka_unit_test(lstm_bias_opens_the_forget_gate),
        cmocka_unit_test(values_come_from_seed_and_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
