/* golden_keras_test.c: losses of small networks over fifty training steps, and outputs of layers,
 * against Keras. tools/golden says how the files were made. */
#include "golden_world.h"

enum { STEPS = 50, BATCHES = 5, RECORDS = 3, PLACES = 6, WORDS = 17, MOST_PARAMS = 16 };

/* A network on the file's x; it returns its loss. */
typedef iv_node *build(iv_scope *scope, const char *loss);

typedef struct training {
    const char *name;
    const char *file;
    build *build;
    const char *part; /* "losses/PART", or NULL for "losses" */
    iv_optimizer optimizer;
    iv_schedule schedule;
} training;

/* ---- networks -------------------------------------------------------------------------------- */

static iv_node *words_of(iv_scope *s)
{
    return iv_input(iv_scope_graph(s), "x", IV_I32, iv_dims(RECORDS, PLACES));
}

static iv_node *embedded(iv_scope *s)
{
    return iv_embedding(s, words_of(s), .count = WORDS, .units = 5);
}

static iv_node *surprise(iv_scope *s, iv_node *x, iv_node *mask)
{
    iv_shape places = iv_node_shape(x)->rank == 3 ? iv_dims(RECORDS, PLACES) : iv_dims(RECORDS);

    return iv_cross_entropy(iv_dense(s, x, .units = WORDS),
                            iv_input(iv_scope_graph(s), "y", IV_I32, places), mask);
}

static iv_node *lstm(iv_scope *s, const char *loss)
{
    (void)loss;
    return surprise(s, iv_lstm(s, embedded(s), .units = 7), NULL);
}

static iv_node *lstm_two(iv_scope *s, const char *loss)
{
    (void)loss;
    return surprise(s, iv_lstm(s, iv_lstm(s, embedded(s), .units = 7), .units = 5), NULL);
}

static iv_node *gru_reset_after(iv_scope *s, const char *loss)
{
    (void)loss;
    return surprise(s, iv_gru(s, embedded(s), .units = 7), NULL);
}

static iv_node *gru_reset_before(iv_scope *s, const char *loss)
{
    (void)loss;
    return surprise(s, iv_gru(s, embedded(s), .units = 7, .reset_before = true), NULL);
}

static iv_node *simple_rnn(iv_scope *s, const char *loss)
{
    (void)loss;
    return surprise(s, iv_simple_rnn(s, embedded(s), .units = 7), NULL);
}

#define BIDIRECTIONAL(function, which, merge)                                                         \
    static iv_node *function(iv_scope *s, const char *loss)                                           \
    {                                                                                                 \
        (void)loss;                                                                                   \
        return surprise(s, iv_bidirectional(s, embedded(s), merge, .cell = which, .units = 5), NULL); \
    }
BIDIRECTIONAL(both_concat, IV_LSTM, IV_MERGE_CONCAT)
BIDIRECTIONAL(both_sum, IV_LSTM, IV_MERGE_SUM)
BIDIRECTIONAL(both_average, IV_LSTM, IV_MERGE_AVERAGE)
BIDIRECTIONAL(both_multiply, IV_LSTM, IV_MERGE_MULTIPLY)
BIDIRECTIONAL(both_gru, IV_GRU, IV_MERGE_CONCAT)

static iv_node *masked(iv_scope *s, const char *loss)
{
    iv_graph *graph = iv_scope_graph(s);
    iv_node *weight = iv_input(graph, "weight", iv_graph_real(graph), iv_dims(RECORDS, PLACES));

    (void)loss;
    return surprise(s, iv_lstm(s, embedded(s), .units = 7, .mask = iv_mask_zero(words_of(s))), weight);
}

static iv_node *many_to_one(iv_scope *s, const char *loss)
{
    iv_recurrent_out out;

    (void)loss;
    iv_lstm(s, embedded(s), .units = 7, .states = &out);
    return surprise(s, out.h, NULL);
}

static iv_node *initial_states(iv_scope *s, const char *loss)
{
    iv_graph *graph = iv_scope_graph(s);
    iv_node *h0 = iv_input(graph, "h0", iv_graph_real(graph), iv_dims(RECORDS, 7));
    iv_node *c0 = iv_input(graph, "c0", iv_graph_real(graph), iv_dims(RECORDS, 7));

    (void)loss;
    return surprise(s, iv_lstm(s, embedded(s), .units = 7, .h0 = h0, .c0 = c0), NULL);
}

static iv_node *regression(iv_scope *s, const char *loss)
{
    iv_graph *graph = iv_scope_graph(s);
    iv_node *x = iv_input(graph, "x", iv_graph_real(graph), iv_dims(8, 4));
    iv_node *target = iv_input(graph, "y", iv_graph_real(graph), iv_dims(8, 1));
    iv_node *y = iv_dense(s, iv_dense(s, x, .units = 8, .activation = IV_RELU), .units = 1);

    return strcmp(loss, "mse") ? iv_mean_absolute_error(y, target, NULL)
                               : iv_mean_squared_error(y, target, NULL);
}

/* ---- files ----------------------------------------------------------------------------------- */

/* Batch `batch` of every input of the plan that the file has. */
static void give_batch(iv_plan *plan, const iv__safetensors *file, int batch)
{
    for (int i = 0; i < iv_plan_leaves(plan); i++) {
        const iv_node *leaf = iv_plan_leaf(plan, i);
        int64_t count = iv_shape_count(iv_node_shape(leaf));
        if (strcmp(iv_node_op(leaf), "input"))
            continue;
        const iv__named_tensor *from = tensor_of(file, iv_node_name(leaf));
        assert_int_equal(iv_shape_count(&from->shape), BATCHES * count);
        copy(from, batch * count, count, iv_node_dtype(leaf), iv_plan_input(plan, iv_node_name(leaf)));
    }
}

/* ---- training -------------------------------------------------------------------------------- */

/* The plan of updates: its gradients come from the outputs 1 .. n of `gradients`, which has run. */
static iv_plan *apply_plan(world *w, iv_graph *graph, const training *t, int n, const iv_plan *gradients)
{
    iv_node *parameter[MOST_PARAMS], *gradient[MOST_PARAMS], *norm;
    iv_update updates[3 * MOST_PARAMS];
    char name[MOST_PARAMS][128];

    for (int i = 0; i < n; i++) {
        const iv_shape *shape = &iv_params_tensor(w->params, i)->shape;
        snprintf(name[i], sizeof name[i], "gradient/%s", iv_params_name(w->params, i));
        parameter[i] = iv_parameter(graph, iv_params_name(w->params, i), *shape);
        gradient[i] = iv_input(graph, name[i], iv_graph_real(graph), *shape);
    }
    int n_updates = iv_optimizer_build(graph, w->params, &t->optimizer, n, parameter, gradient,
                                       updates, &norm);
    if (n_updates < 0)
        fail_msg("%s", iv_graph_message(graph));
    iv_plan *plan = plan_of(w, 0, NULL, n_updates, updates);
    for (int i = 0; i < n; i++)
        assert_int_equal(iv_plan_bind(plan, name[i],
                                      (void *)(uintptr_t)iv_plan_output(gradients, i + 1), NULL),
                         IV_OK);
    return plan;
}

static void give_numbers(iv_plan *plan, const training *t, iv_dtype real, int step)
{
    double numbers[IV_OPTIMIZER_NUMBERS];
    void *input = iv_plan_input(plan, "optimizer");

    iv_optimizer_numbers(&t->optimizer,
                         iv_schedule_rate(&t->schedule, iv_optimizer_rate(&t->optimizer), step),
                         step, numbers);
    for (int i = 0; i < IV_OPTIMIZER_NUMBERS; i++) {
        if (real == IV_F64)
            ((double *)input)[i] = numbers[i];
        else
            ((float *)input)[i] = (float)numbers[i];
    }
}

static void train(const training *t, iv_dtype real, const char *losses, double tolerance)
{
    world w = world_new(real, 1);
    iv__safetensors *file = open_file(w.home, t->file);
    iv_graph *apply_graph = iv_graph_new_real(w.home, real);
    iv_plan *apply = NULL;
    iv_node *outputs[1 + MOST_PARAMS], *parameter[MOST_PARAMS];
    char name[64];

    snprintf(name, sizeof name, t->part ? "%s/%s" : "%s", losses, t->part);
    const iv__named_tensor *expected = tensor_of(file, name);
    assert_int_equal(expected->bytes, STEPS * iv_dtype_size(real));
    outputs[0] = t->build(iv_scope_new(w.graph, w.params, "param"), t->part);
    int n = iv_params_count(w.params);
    assert_in_range(n, 1, MOST_PARAMS);
    load(&w, file, "param/");
    for (int i = 0; i < n; i++)
        parameter[i] = iv_parameter(w.graph, iv_params_name(w.params, i),
                                    iv_params_tensor(w.params, i)->shape);
    if (iv_gradient(outputs[0], n, parameter, outputs + 1))
        fail_msg("%s", iv_graph_message(w.graph));
    iv_plan *gradients = plan_of(&w, 1 + n, outputs, 0, NULL);

    for (int k = 0; k < STEPS; k++) {
        give_batch(gradients, file, k % BATCHES);
        run(&w, gradients);
        double loss = number(iv_plan_output(gradients, 0), real, 0),
               wanted = number(expected->data, real, k);
        if (!(fabs(loss - wanted) <= tolerance * fabs(wanted)))
            fail_msg("%s: the loss of step %d is %.17g, and Keras has %.17g", t->name, k, loss, wanted);
        if (!apply)
            apply = apply_plan(&w, apply_graph, t, n, gradients);
        give_numbers(apply, t, real, k);
        run(&w, apply);
        iv_params_changed(w.params);
    }
    iv_plan_free(apply);
    iv_plan_free(gradients);
    iv_graph_free(apply_graph);
    iv__safetensors_close(file);
    world_free(&w);
}

/* In f32 as Keras trains; in f64 too, where a fault that hides in rounding shows. */
static void losses_are_kerass(void **state)
{
    train(*state, IV_F32, "losses", 1e-4);
    train(*state, IV_F64, "losses64", 1e-12);
}

/* clang-format off */
#define ADAM .kind = IV_ADAM, .rate = 0.01
#define TEXT(name, function) { name, name, function, NULL, iv_optimizer_of(ADAM), { 0 } }
#define OPTIMIZER(name, ...) { "optimizer " name, "optimizers", lstm, name, iv_optimizer_of(__VA_ARGS__), { 0 } }
#define SCHEDULED(name, shape, ...) { "optimizer " name, "optimizers", lstm, name, iv_optimizer_of(__VA_ARGS__), shape }
#define EXPONENTIAL { .kind = IV_EXPONENTIAL, .steps = 10, .factor = 0.9 }
#define COSINE { .kind = IV_COSINE, .steps = 40 }

#define LIST(...) __VA_ARGS__
static const training trainings[] = {
    TEXT("lstm", lstm),
    TEXT("lstm_two", lstm_two),
    TEXT("gru_reset_after", gru_reset_after),
    TEXT("gru_reset_before", gru_reset_before),
    TEXT("simple_rnn", simple_rnn),
    TEXT("bidirectional_lstm_concat", both_concat),
    TEXT("bidirectional_lstm_sum", both_sum),
    TEXT("bidirectional_lstm_ave", both_average),
    TEXT("bidirectional_lstm_mul", both_multiply),
    TEXT("bidirectional_gru_concat", both_gru),
    TEXT("masked", masked),
    TEXT("many_to_one", many_to_one),
    TEXT("initial_states", initial_states),
    { "regression mse", "regression", regression, "mse", iv_optimizer_of(ADAM), { 0 } },
    { "regression mae", "regression", regression, "mae", iv_optimizer_of(ADAM), { 0 } },
    OPTIMIZER("sgd", .rate = 0.5),
    OPTIMIZER("sgd_momentum", .rate = 0.1, .momentum = 0.9),
    OPTIMIZER("sgd_nesterov", .rate = 0.1, .momentum = 0.9, .nesterov = true),
    OPTIMIZER("sgd_global_clipnorm", .rate = 0.5, .clip_norm = 0.2),
    OPTIMIZER("rmsprop", .kind = IV_RMSPROP),
    OPTIMIZER("rmsprop_momentum", .kind = IV_RMSPROP, .momentum = 0.9),
    OPTIMIZER("adam", ADAM),
    OPTIMIZER("adam_epsilon", ADAM, .epsilon = 1e-3),
    OPTIMIZER("adam_global_clipnorm", ADAM, .clip_norm = 0.2),
    OPTIMIZER("adam_clipvalue", ADAM, .clip_value = 0.01),
    OPTIMIZER("adamw", .kind = IV_ADAMW, .rate = 0.01),
    OPTIMIZER("adamw_strong", .kind = IV_ADAMW, .rate = 0.01, .weight_decay = 0.5),
    SCHEDULED("sgd_momentum_decay", LIST(EXPONENTIAL), .rate = 0.1, .momentum = 0.9),
    SCHEDULED("adam_exponential_decay", LIST(EXPONENTIAL), ADAM),
    SCHEDULED("adam_cosine_decay", LIST(COSINE), ADAM),
};
/* clang-format on */

/* ---- layers ---------------------------------------------------------------------------------- */

typedef struct layer {
    const char *name;  /* of its weights and outputs */
    const char *merge; /* NULL: not bidirectional */
    iv_cell cell;
    iv_merge how;
    bool reset_before;
} layer;

enum { LAYER_N = 4, LAYER_T = 6, LAYER_H = 5 };

/* The outputs' names in the file; states of both halves follow one another in h and c of a
 * concatenation. */
static void compare_layer(const layer *l, const char *masked_part)
{
    world w = world_new(IV_F32, 1);
    iv__safetensors *file = open_file(w.home, "layers");
    iv_scope *s = iv_scope_new(w.graph, w.params, "param");
    iv_node *x = iv_input(w.graph, "x", IV_F32, iv_dims(LAYER_N, LAYER_T, 3));
    iv_node *mask = *masked_part ? iv_input(w.graph, "mask", IV_F32, iv_dims(LAYER_N, LAYER_T)) : NULL;
    iv_recurrent_out out;
    iv_recurrent_options o = { .size = sizeof o,
                               .name = l->name,
                               .cell = l->cell,
                               .units = LAYER_H,
                               .mask = mask,
                               .reset_before = l->reset_before,
                               .states = &out };
    iv_node *y = l->merge ? iv_bidirectional_with(s, x, l->how, &o) : iv_recurrent_with(s, x, &o),
            *outputs[8];
    char names[8][128], prefix[64];
    int n = 0;

    assert_non_null(y);
    snprintf(prefix, sizeof prefix, "%s/%s%s", l->name, l->merge ? l->merge : "", l->merge ? "/" : "");
    outputs[n] = y;
    snprintf(names[n++], 128, "%s%sy", prefix, masked_part);
    outputs[n] = out.h;
    snprintf(names[n++], 128, "%s%slast", prefix, masked_part);
    if (!l->merge) {
        outputs[n] = out.h;
        snprintf(names[n++], 128, "%s/%sh", l->name, masked_part);
    }
    if (!l->merge && out.c) {
        outputs[n] = out.c;
        snprintf(names[n++], 128, "%s/%sc", l->name, masked_part);
    }
    for (int half = 0; l->merge && l->how == IV_MERGE_CONCAT && half < 2; half++)
        for (int c = 0; c < (out.c ? 2 : 1); c++) {
            outputs[n] = iv_slice(c ? out.c : out.h, -1, half * LAYER_H, LAYER_H, 1);
            snprintf(names[n++], 128, "%s/%s%s/%s", l->name, masked_part,
                     half ? "backward" : "forward", c ? "c" : "h");
        }
    iv_plan *plan = plan_of(&w, n, outputs, 0, NULL);

    snprintf(prefix, sizeof prefix, "param/%s/", l->name);
    load(&w, file, prefix);
    give(plan, "x", tensor_of(file, "x")->data, LAYER_N * LAYER_T * 3 * 4);
    if (mask)
        give(plan, "mask", tensor_of(file, "mask")->data, LAYER_N * LAYER_T * 4);
    run(&w, plan);
    for (int i = 0; i < n; i++)
        compare(file, plan, i, names[i], 1e-5);
    iv_plan_free(plan);
    iv__safetensors_close(file);
    world_free(&w);
}

static void outputs_are_kerass(void **state)
{
    compare_layer(*state, "");
    compare_layer(*state, "masked/");
}

static const layer all_layers[] = {
    { "lstm", NULL, IV_LSTM, 0, false },
    { "gru_reset_after", NULL, IV_GRU, 0, false },
    { "gru_reset_before", NULL, IV_GRU, 0, true },
    { "simple_rnn", NULL, IV_SIMPLE_RNN, 0, false },
    { "bidirectional_lstm", "concat", IV_LSTM, IV_MERGE_CONCAT, false },
    { "bidirectional_lstm", "sum", IV_LSTM, IV_MERGE_SUM, false },
    { "bidirectional_lstm", "ave", IV_LSTM, IV_MERGE_AVERAGE, false },
    { "bidirectional_lstm", "mul", IV_LSTM, IV_MERGE_MULTIPLY, false },
    { "bidirectional_gru", "concat", IV_GRU, IV_MERGE_CONCAT, false },
    { "bidirectional_gru", "sum", IV_GRU, IV_MERGE_SUM, false },
    { "bidirectional_gru", "ave", IV_GRU, IV_MERGE_AVERAGE, false },
    { "bidirectional_gru", "mul", IV_GRU, IV_MERGE_MULTIPLY, false },
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

int main(void)
{
    struct CMUnitTest tests[COUNT(trainings) + COUNT(all_layers)] = { 0 };
    static char names[COUNT(all_layers)][64];

    for (size_t i = 0; i < COUNT(trainings); i++)
        tests[i] = (struct CMUnitTest){ trainings[i].name, losses_are_kerass, NULL, NULL,
                                        (void *)(uintptr_t)&trainings[i] };
    for (size_t i = 0; i < COUNT(all_layers); i++) {
        const layer *l = &all_layers[i];
        snprintf(names[i], sizeof names[i], "outputs of %s %s", l->name, l->merge ? l->merge : "");
        tests[COUNT(trainings) + i] = (struct CMUnitTest){ names[i], outputs_are_kerass, NULL, NULL,
                                                           (void *)(uintptr_t)l };
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
