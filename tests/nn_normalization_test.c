/* nn_normalization_test.c: normalisations against Keras (tools/golden says how the file was made), in
 * training steps and with records that do not count; weight normalisation and its first values by data. */
#include "golden_world.h"

#include <ivory/train.h>

typedef iv_node *normalization(iv_scope *scope, iv_node *x, const iv_normalization_options *options);

typedef struct norm {
    const char *name;
    normalization *build;
    iv_normalization_options options;
} norm;

#define OPTIONS(...)                                          \
    {                                                         \
        .size = sizeof(iv_normalization_options), __VA_ARGS__ \
    }
static const norm norms[] = {
    { "batch", iv_batch_normalization_with, OPTIONS(0) },
    { "batch_options", iv_batch_normalization_with,
      OPTIONS(.momentum = 0.75, .epsilon = 0.1, .no_scale = true) },
    { "layer", iv_layer_normalization_with, OPTIONS(0) },
    { "group", iv_group_normalization_with, OPTIONS(.groups = 3) },
    { "instance", iv_instance_normalization_with, OPTIONS(.no_centre = true) },
};

static const iv_shape image = { 4, { 2, 2, 3, 6 } };

static iv_node *layer_in(world *w, const norm *n, bool training, iv_scope **scope)
{
    iv_normalization_options o = n->options;

    o.name = n->name;
    next_graph(w);
    *scope = iv_scope_new(w->graph, w->params, "param");
    iv_scope_training(*scope, training);
    return n->build(*scope, iv_input(w->graph, "x", IV_F32, image), &o);
}

static void as_keras(void **state)
{
    const norm *n = *state;
    const bool batch = n->build == iv_batch_normalization_with;
    world w = world_new(IV_F32, 1);
    iv__safetensors *file = open_file(w.home, "normalizations");
    const void *image_x = tensor_of(file, "x")->data, *image_z = tensor_of(file, "z")->data;
    const size_t bytes = 72 * sizeof(float);
    const iv_update *updates;
    iv_scope *scope;
    char name[64];

    iv_node *y = layer_in(&w, n, true, &scope), *x = iv_input(w.graph, "x", IV_F32, image), *dx;
    iv_node *z = iv_input(w.graph, "z", IV_F32, image);
    assert_int_equal(iv_gradient(iv_sum_all(iv_mul(z, iv_square(y))), 1, &x, &dx), IV_OK);
    int n_updates = iv_scope_updates(scope, &updates);
    assert_int_equal(n_updates, batch ? 2 : 0);
    iv_plan *plan = plan_of(&w, 2, (iv_node *[]){ y, dx }, n_updates, updates);
    snprintf(name, sizeof name, "param/%s/", n->name);
    load(&w, file, name);
    give(plan, "x", image_x, bytes);
    give(plan, "z", image_z, bytes);
    run(&w, plan);
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s/%s", n->name, i ? "dx" : "y");
        compare(file, plan, i, name, 3e-6 * largest_of(file, name));
    }
    if (batch) { /* a second step, of z; then what both moved the averages to */
        give(plan, "x", image_z, bytes);
        run(&w, plan);
        iv_params_changed(w.params);
        iv_plan_free(plan);
        y = layer_in(&w, n, false, &scope);
        snprintf(name, sizeof name, "param/%s/moving_mean", n->name);
        iv_node *mean = iv_scale(iv_parameter(w.graph, name, iv_dims(6)), 1);
        snprintf(name, sizeof name, "param/%s/moving_variance", n->name);
        iv_node *variance = iv_parameter(w.graph, name, iv_dims(6));
        assert_int_equal(iv_scope_updates(scope, &updates), 0);
        plan = plan_of(&w, 3, (iv_node *[]){ y, mean, variance }, 0, NULL);
        give(plan, "x", image_x, bytes);
        run(&w, plan);
        for (int i = 0; i < 3; i++) {
            snprintf(name, sizeof name, "%s/%s", n->name,
                     i == 0   ? "evaluated"
                     : i == 1 ? "moving_mean"
                              : "moving_variance");
            compare(file, plan, i, name, 3e-6 * largest_of(file, name));
        }
    }
    iv_plan_free(plan);
    iv__safetensors_close(file);
    world_free(&w);
}

/* A record of weight 0 changes neither the others nor the averages. */
static void records_without_weight_do_not_count(void **state)
{
    (void)state;
    double first[4] = { 0 }, x[12] = { 3, -1, 2, 5, 0.5, 0.25, -4, 1, 9, 9, 100, -7 };

    for (int records = 2; records <= 3; records++) {
        world w = world_new(IV_F64, 1);
        iv_node *weight = iv_input(w.graph, "weight", IV_F64, iv_dims(records)), *y;
        const iv_update *updates;
        iv_scope_training(w.scope, true);
        y = iv_batch_normalization(w.scope, iv_input(w.graph, "x", IV_F64, iv_dims(records, 2, 2)),
                                   .weight = weight, .momentum = 0.5);
        assert_int_equal(iv_scope_updates(w.scope, &updates), 2);
        iv_plan *plan = plan_of(&w, 1, &y, 2, updates);
        give(plan, "x", x, (size_t)records * 4 * sizeof *x);
        give(plan, "weight", (double[]){ 1, 1, 0 }, (size_t)records * sizeof *x);
        run(&w, plan);
        const double *got = iv_plan_output(plan, 0);
        double result[] = {
            got[0], got[7],
            *(double *)iv_params_find(w.params, "m/batch_normalization/moving_mean")->data,
            *(double *)iv_params_find(w.params, "m/batch_normalization/moving_variance")->data
        };
        for (int i = 0; i < 4; i++)
            assert_true(records == 2 || fabs(result[i] - first[i]) < 1e-14);
        memcpy(first, result, sizeof first);
        assert_true(fabs(result[2] - (3 + 2 + 0.5 - 4) / 4.0 / 2) < 1e-14);
        iv_plan_free(plan);
        world_free(&w);
    }
}

/* A layer that is used twice moves its averages twice, in order. */
static void shared_layers_move_their_averages_twice(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 1);
    iv_node *x[2] = { iv_input(w.graph, "x", IV_F64, iv_dims(2, 1)),
                      iv_input(w.graph, "z", IV_F64, iv_dims(2, 1)) };
    const iv_update *updates;

    iv_scope_training(w.scope, true);
    iv_batch_normalization(iv_scope_enter(w.scope, "critic", NULL), x[0], .name = "n", .momentum = 0.5);
    iv_batch_normalization(iv_scope_share(w.scope, "critic"), x[1], .name = "n", .momentum = 0.5);
    assert_int_equal(iv_scope_updates(w.scope, &updates), 2);
    iv_plan *plan = plan_of(&w, 0, NULL, 2, updates);
    give(plan, "x", (double[]){ 1, 3 }, 2 * sizeof(double));
    give(plan, "z", (double[]){ 6, 10 }, 2 * sizeof(double));
    run(&w, plan);
    assert_true(*(double *)iv_params_find(w.params, "m/critic/n/moving_mean")->data ==
                0.5 * (0.5 * 2) + 0.5 * 8);
    assert_true(*(double *)iv_params_find(w.params, "m/critic/n/moving_variance")->data ==
                0.5 * (0.5 * 1 + 0.5 * 1) + 0.5 * 4);
    iv_plan_free(plan);
    world_free(&w);
}

/* A training step carries the averages and learns the others. */
static void averages_are_carried_and_not_learnt(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 1);
    iv_node *x = iv_input(w.graph, "x", IV_F64, iv_dims(4, 1)), *y[2];
    const iv_update *updates;

    iv_scope_training(w.scope, true);
    y[0] = iv_batch_normalization(w.scope, x, .name = "n", .momentum = 0.5);
    iv_node *moving = iv_parameter(w.graph, "m/n/moving_mean", iv_dims(1));
    int n = iv_scope_updates(w.scope, &updates);
    iv_train_step *step = iv_train_step_new(w.params, .loss = iv_sum_all(iv_mul(y[0], x)),
                                            .n_carried = n, .carried = updates,
                                            .optimizer = iv_optimizer_of(.kind = IV_SGD, .rate = 0.1));
    if (!step)
        fail_msg("%s", iv_home_message(w.home));
    assert_ptr_equal(updates[0].leaf, moving);
    give(iv_train_step_plan(step), "x", (double[]){ 1, 2, 3, 6 }, 4 * sizeof(double));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(iv_train_step_gradients(step), IV_OK);
        assert_int_equal(iv_train_step_apply(step, 0.1, i), IV_OK);
    }
    const double *mean = iv_params_find(w.params, "m/n/moving_mean")->data,
                 *variance = iv_params_find(w.params, "m/n/moving_variance")->data,
                 *gamma = iv_params_find(w.params, "m/n/gamma")->data;
    assert_true(fabs(*mean - 3 * 0.75) < 1e-14);
    assert_true(fabs(*variance - (0.25 + 3.5 * 0.75)) < 1e-14);
    assert_true(fabs(*gamma - 1) > 0.01);
    assert_null(iv_train_step_gradient(step, "m/n/moving_mean"));
    assert_non_null(iv_train_step_gradient(step, "m/n/gamma"));
    iv_train_step_free(step);
    world_free(&w);
}

/* ---- weight normalisation -------------------------------------------------------------------- */

enum { SIDE = 6, RECORDS = 5, LAYERS = 4 };

/* Layers of every kind, each behind the one before; what comes out of them before activations. */
static void network(iv_scope *s, iv_node *x, iv_node *out[LAYERS])
{
    out[0] = iv_conv2d(s, x, .name = "a", .filters = 6, .kernel = { 3 }, .padding = IV_SAME,
                       .mask = IV_MASK_B, .weight_norm = true);
    out[1] = iv_conv2d(s, iv_concat_elu(out[0]), .name = "b", .filters = 5, .kernel = { 3 },
                       .stride = { 2, 2 }, .padding = IV_SAME, .weight_norm = true);
    out[2] = iv_conv2d_transpose(s, iv_elu(out[1]), .name = "c", .filters = 4, .kernel = { 2, 3 },
                                 .stride = { 2, 2 }, .padding = IV_SAME, .weight_norm = true);
    out[3] = iv_dense(s, iv_relu(out[2]), .name = "d", .units = 7, .weight_norm = true);
}

static void fill_images(double *x, int from)
{
    for (int i = 0; i < RECORDS * SIDE * SIDE * 2; i++)
        x[i] = sin(i * 1.7 + from) * 3 + 0.5;
}

static iv_status fill(iv_plan *plan, void *context)
{
    ++*(int *)context;
    fill_images(iv_plan_input(plan, "x"), 0);
    return IV_OK;
}

static void first_batch_gives_mean_0_and_variance_1(void **state)
{
    (void)state;
    const iv_shape images = iv_dims(RECORDS, SIDE, SIDE, 2);
    world w = world_new(IV_F64, 3);
    iv_node *out[LAYERS];
    int filled = 0;

    iv_scope_initializing(w.scope);
    network(w.scope, iv_input(w.graph, "x", IV_F64, images), out);
    if (iv_initialize(w.scope, fill, &filled))
        fail_msg("%s", iv_home_message(w.home));
    assert_int_equal(filled, 1);

    next_graph(&w);
    network(w.scope, iv_input(w.graph, "x", IV_F64, images), out);
    iv_plan *plan = plan_of(&w, LAYERS, out, 0, NULL);
    fill_images(iv_plan_input(plan, "x"), 0);
    run(&w, plan);
    for (int i = 0; i < LAYERS; i++) {
        const double *y = iv_plan_output(plan, i);
        const int64_t filters = iv_node_dim(out[i], -1),
                      places = iv_shape_count(iv_node_shape(out[i])) / filters;
        for (int64_t f = 0; f < filters; f++) {
            double mean = 0, square = 0;
            for (int64_t k = 0; k < places; k++) {
                mean += y[k * filters + f] / (double)places;
                square += y[k * filters + f] * y[k * filters + f] / (double)places;
            }
            if (!(fabs(mean) < 1e-12 && fabs(square - 1) < 1e-12))
                fail_msg("layer %d, filter %d: mean %g, mean square %g", i, (int)f, mean, square);
        }
    }
    iv_plan_free(plan);
    world_free(&w);
}

/* The same layers with kernels put together by hand give the same; a plan keeps these kernels as constants. */
static void kernels_have_the_length_that_gains_say(void **state)
{
    (void)state;
    const iv_shape images = iv_dims(RECORDS, SIDE, SIDE, 2);
    static const char *const layer[LAYERS] = { "a", "b", "c", "d" };
    world w = world_new(IV_F64, 3);
    iv_node *x = iv_input(w.graph, "x", IV_F64, images), *out[2 * LAYERS], *v, *gain, *bias;
    char name[64];

    network(w.scope, x, out);
    for (int i = 0; i < LAYERS; i++) {
        const char *part[] = { "kernel", "gain", "bias" };
        iv_node *leaf[3];
        for (int k = 0; k < 3; k++) {
            snprintf(name, sizeof name, "m/%s/%s", layer[i], part[k]);
            iv_tensor *tensor = iv_params_find(w.params, name);
            leaf[k] = iv_parameter(w.graph, name, tensor->shape);
            for (int64_t e = 0; k && e < iv_shape_count(&tensor->shape); e++)
                ((double *)tensor->data)[e] = 0.5 + 0.25 * (double)e * k;
        }
        v = leaf[0], gain = leaf[1], bias = leaf[2];
        iv_conv_options how = { .padding = IV_SAME, .stride = { 1, 1 } };
        iv_node *before = i ? out[i - 1] : x;
        if (i == 0) { /* of 9 taps in reading order the first 5 */
            iv_node *flat = iv_reshape(v, iv_dims(9, 2, 6));
            v = iv_reshape(iv_pad(iv_slice(flat, 0, 0, 5, 1), 0, 0, 4), iv_dims(3, 3, 2, 6));
        }
        if (i == 1 || i == 2)
            how.stride[0] = how.stride[1] = 2;
        iv_node *w_of;
        if (i == 2) { /* filters are axis 2 */
            iv_node *rows = iv_reshape(iv_transpose(v, iv_dims(2, 0, 1, 3)), iv_dims(4, 30));
            iv_node *length = iv_sqrt(iv_sum(iv_square(rows), 1, false));
            w_of = iv_mul(v, iv_reshape(iv_div(gain, length), iv_dims(4, 1)));
            out[LAYERS + i] = iv_conv_transpose_with(iv_elu(before), w_of, &how);
        } else {
            iv_node *columns = iv_reshape(v, iv_dims(-1, iv_node_dim(v, -1)));
            w_of = iv_mul(v, iv_div(gain, iv_sqrt(iv_sum(iv_square(columns), 0, false))));
            out[LAYERS + i] = i == 3 ? iv_matmul(iv_relu(before), w_of)
                                     : iv_conv_with(i ? iv_concat_elu(before) : x, w_of, &how);
        }
        out[LAYERS + i] = iv_add(out[LAYERS + i], bias);
    }
    iv_plan *plan = plan_of(&w, 2 * LAYERS, out, 0, NULL);
    fill_images(iv_plan_input(plan, "x"), 1);
    run(&w, plan);
    for (int i = 0; i < LAYERS; i++) {
        const double *y = iv_plan_output(plan, i), *wanted = iv_plan_output(plan, LAYERS + i);
        for (int64_t k = 0; k < iv_shape_count(iv_node_shape(out[i])); k++)
            if (!(fabs(y[k] - wanted[k]) < 1e-11))
                fail_msg("layer %s, element %d: %.15g, not %.15g", layer[i], (int)k, y[k], wanted[k]);
    }
    assert_true(iv_plan_memory_of(plan).constants >= 9 * 12 * 5 * sizeof(double));
    iv_plan_free(plan);
    world_free(&w);
}

/* A filter that does not vary keeps its gain; a bias takes the mean away all the same. */
static void filters_without_variance_keep_their_gain(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 3);
    iv_node *x = iv_input(w.graph, "x", IV_F64, iv_dims(RECORDS, SIDE, SIDE, 2));
    int filled = 0;

    iv_scope_initializing(w.scope);
    iv_node *still = iv_scale(x, 0);
    assert_non_null(
        iv_dense(w.scope, iv_shift(still, 1), .name = "still", .units = 3, .weight_norm = true));
    assert_non_null(iv_dense(w.scope, x, .name = "moves", .units = 3, .weight_norm = true));
    assert_int_equal(iv_initialize(w.scope, fill, &filled), IV_OK);
    const double *gain = iv_params_find(w.params, "m/still/gain")->data,
                 *moved = iv_params_find(w.params, "m/moves/gain")->data,
                 *bias = iv_params_find(w.params, "m/still/bias")->data;
    for (int i = 0; i < 3; i++) {
        assert_true(gain[i] == 1);
        assert_true(fabs(bias[i]) > 1e-3);
        assert_true(fabs(moved[i] - 1) > 0.01);
    }
    world_free(&w);
}

static void refusals_name_what_is_wrong(void **state)
{
    (void)state;
    world w = world_new(IV_F32, 1);
    assert_null(iv_group_normalization(w.scope, iv_input(w.graph, "x", IV_F32, image), .groups = 4));
    assert_string_equal(iv_graph_message(w.graph),
                        "m/group_normalization: 4 groups must divide 6 channels");
    next_graph(&w);
    assert_null(iv_batch_normalization(w.scope, iv_input(w.graph, "x", IV_F32, iv_dims(6))));
    assert_string_equal(iv_graph_message(w.graph),
                        "m/batch_normalization: there must be records and channels (x = x [6])");
    world_free(&w);
}

#define NORM(i)                                                        \
    {                                                                  \
        "as_keras", as_keras, NULL, NULL, (void *)(uintptr_t)&norms[i] \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        NORM(0),
        NORM(1),
        NORM(2),
        NORM(3),
        NORM(4),
        cmocka_unit_test(records_without_weight_do_not_count),
        cmocka_unit_test(shared_layers_move_their_averages_twice),
        cmocka_unit_test(averages_are_carried_and_not_learnt),
        cmocka_unit_test(first_batch_gives_mean_0_and_variance_1),
        cmocka_unit_test(kernels_have_the_length_that_gains_say),
        cmocka_unit_test(filters_without_variance_keep_their_gain),
        cmocka_unit_test(refusals_name_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
