/* onnx_nodes_test.c: rows and layers of images against ONNX's own tests of its operators, whose inputs and outputs are
 * below the folder that IVORY_DATA names. Images there have their channels first. */
#include "npz_world.h"

enum { MOST_INPUTS = 5 };

typedef iv_node *build(iv_scope *s, iv_node *const in[]);

static iv_node *ordered(iv_node *x, bool to_last)
{
    const int64_t rank = iv_node_shape(x)->rank;
    iv_shape order = { .rank = rank };

    for (int64_t k = 1; k < rank; k++)
        order.dim[k] = to_last ? k % (rank - 1) + 1 : (k + rank - 3) % (rank - 1) + 1;
    return iv_transpose(x, order);
}

static iv_node *last(iv_node *x) /* [N,C,S...] -> [N,S...,C] */
{
    return ordered(x, true);
}

static iv_node *first(iv_node *y) /* and back */
{
    return ordered(y, false);
}

static iv_node *kernel(iv_node *w) /* [F,C,K...] -> [K...,C,F], and of a transposed one [C,F,K...] -> [K...,F,C] */
{
    const int64_t rank = iv_node_shape(w)->rank;
    iv_shape order = { .rank = rank };

    for (int64_t k = 0; k < rank; k++)
        order.dim[k] = k < rank - 2 ? k + 2 : rank - 1 - k;
    return iv_transpose(w, order);
}

#define NODE(name, expression)                                    \
    static iv_node *node_##name(iv_scope *s, iv_node *const in[]) \
    {                                                             \
        (void)s;                                                  \
        return expression;                                        \
    }
#define IMAGE(name, expression) NODE(name, first(expression))
#define X last(in[0])

IMAGE(averagepool_1d_default, iv_average_pool(X, .window = { 2 }, .stride = { 1 }))
IMAGE(averagepool_2d_default, iv_average_pool(X, .window = { 2, 2 }, .stride = { 1, 1 }))
IMAGE(averagepool_2d_strides, iv_average_pool(X, .window = { 5, 5 }, .stride = { 3, 3 }))
IMAGE(averagepool_2d_same_upper,
      iv_average_pool(X, .window = { 2, 2 }, .stride = { 1, 1 }, .padding = IV_SAME))
IMAGE(averagepool_2d_ceil,
      iv_average_pool(X, .window = { 3, 3 }, .stride = { 2, 2 }, .padding = IV_SAME))
IMAGE(averagepool_2d_pads_count_include_pad,
      iv_average_pool(iv_pad(iv_pad(X, 1, 2, 2), 2, 2, 2), .window = { 3, 3 }, .stride = { 1, 1 }))
IMAGE(maxpool_1d_default, iv_max_pool(X, .window = { 2 }, .stride = { 1 }))
IMAGE(maxpool_2d_default, iv_max_pool(X, .window = { 2, 2 }, .stride = { 1, 1 }))
IMAGE(maxpool_2d_strides, iv_max_pool(X, .window = { 5, 5 }, .stride = { 3, 3 }))
IMAGE(maxpool_2d_same_upper, iv_max_pool(X, .window = { 2, 2 }, .stride = { 1, 1 }, .padding = IV_SAME))
IMAGE(maxpool_2d_ceil, iv_max_pool(X, .window = { 3, 3 }, .stride = { 2, 2 }, .padding = IV_SAME))
IMAGE(globalmaxpool, iv_max_pool(X, .window = { 5, 5 }))
NODE(globalaveragepool, iv_reshape(iv_global_average(X), iv_dims(1, 3, 1, 1)))
IMAGE(edge_pad, iv_pad_edge(iv_pad_edge(X, 1, 1, 1), 2, 1, 1))
IMAGE(reflect_pad, iv_pad_mirrored(iv_pad_mirrored(X, 1, 1, 1), 2, 1, 1))
IMAGE(resize_upsample_scales_linear, iv_resize(X, iv_dims(4, 4)))
IMAGE(resize_upsample_scales_nearest, iv_upsample(X, iv_dims(2, 3)))

IMAGE(basic_conv_with_padding,
      iv_conv(X, kernel(in[1]), .padding = IV_EXPLICIT, .before = { 1, 1 }, .after = { 1, 1 }))
IMAGE(conv_with_strides_and_asymmetric_padding,
      iv_conv(X, kernel(in[1]), .stride = { 2, 2 }, .padding = IV_EXPLICIT, .before = { 1, 0 },
              .after = { 1, 0 }))
IMAGE(convtranspose, iv_conv_transpose(X, kernel(in[1]), 0))
IMAGE(convtranspose_1d, iv_conv_transpose(X, kernel(in[1]), 0))
IMAGE(convtranspose_3d, iv_conv_transpose(X, kernel(in[1]), 0))
IMAGE(convtranspose_dilations, iv_conv_transpose(X, kernel(in[1]), .dilation = { 2, 2 }))
IMAGE(convtranspose_autopad_same,
      iv_conv_transpose(X, kernel(in[1]), .stride = { 2, 2 }, .padding = IV_SAME))
IMAGE(convtranspose_pads, iv_conv_transpose(X, kernel(in[1]), .stride = { 3, 2 }, .padding = IV_EXPLICIT,
                                            .before = { 1, 2 }, .after = { 1, 2 }))
IMAGE(convtranspose_pad, iv_conv_transpose(X, kernel(in[1]), .stride = { 3, 2 },
                                           .padding = IV_EXPLICIT, .after = { -1, -1 }))

NODE(elu_default, iv_elu(in[0]))
NODE(erf, iv_erf(in[0]))
NODE(leakyrelu, iv_leaky_relu(in[0], 0.1))
NODE(leakyrelu_default, iv_leaky_relu(in[0], 0.01))
NODE(selu_default, iv_selu(in[0]))
NODE(softplus, iv_softplus(in[0]))

IMAGE(batchnorm_example, iv_batch_normalization(s, X, .name = "n", .epsilon = 1e-5))
IMAGE(batchnorm_epsilon, iv_batch_normalization(s, X, .name = "n", .epsilon = 1e-2))
static iv_node *node_batchnorm_example_training_mode(iv_scope *s, iv_node *const in[])
{
    iv_scope_training(s, true);
    return node_batchnorm_example(s, in);
}
IMAGE(instancenorm_example, iv_instance_normalization(s, X, .name = "n", .epsilon = 1e-5))
IMAGE(instancenorm_epsilon, iv_instance_normalization(s, X, .name = "n", .epsilon = 1e-2))
NODE(layer_normalization_2d_axis1, iv_layer_normalization(s, in[0], .name = "n", .epsilon = 1e-5))
NODE(layer_normalization_3d_axis2_epsilon, iv_layer_normalization(s, in[0], .name = "n", .epsilon = 0.1))
NODE(layer_normalization_4d_axis3, iv_layer_normalization(s, in[0], .name = "n", .epsilon = 1e-5))

typedef struct node_case {
    const char *name;
    build *build;
} node_case;

/* Inputs behind the first are parameters of the layer that is called n. */
static void set_parameters(world *w, iv_tensor *const in[])
{
    static const char *const names[] = { "gamma", "beta", "moving_mean", "moving_variance" };
    char name[64];

    for (int k = 0; k < 4; k++) {
        snprintf(name, sizeof name, "m/n/%s", names[k]);
        iv_tensor *tensor = iv_params_find(w->params, name);
        if (!tensor)
            continue;
        assert_true(iv_shape_same(&tensor->shape, &in[1 + k]->shape));
        memcpy(tensor->data, in[1 + k]->data, (size_t)iv_tensor_bytes(tensor));
    }
    iv_params_changed(w->params);
}

static void as_onnx(void **state)
{
    const node_case *c = *state;
    archive file;
    iv_tensor *in[MOST_INPUTS];
    iv_node *leaves[MOST_INPUTS] = { NULL };
    char name[128];

    if (!archive_open(&file, "onnx-node-tests/onnx_node_tests.zip"))
        skip();
    world w = world_new(IV_F32, 1);
    for (int k = 0; k < MOST_INPUTS; k++) {
        snprintf(name, sizeof name, "test_%s/input_%d.npy", c->name, k);
        in[k] = npy_read(&file, name);
        snprintf(name, sizeof name, "in%d", k);
        if (in[k])
            leaves[k] = iv_input(w.graph, name, IV_F32, in[k]->shape);
    }
    snprintf(name, sizeof name, "test_%s/output_0.npy", c->name);
    iv_tensor *wanted = npy_read(&file, name);
    if (!leaves[0] || !wanted)
        fail_msg("the archive has no '%s'", name);
    iv_node *y = c->build(w.scope, leaves);
    iv_plan *plan = plan_of(&w, 1, &y, 0, NULL);
    set_parameters(&w, in);
    for (int k = 0; k < MOST_INPUTS; k++) {
        snprintf(name, sizeof name, "in%d", k);
        void *to = iv_plan_input(plan, name);
        if (to)
            memcpy(to, in[k]->data, (size_t)iv_tensor_bytes(in[k]));
    }
    run(&w, plan);
    assert_true(iv_shape_same(iv_node_shape(y), &wanted->shape));
    const float *got = iv_plan_output(plan, 0), *values = wanted->data;
    for (int64_t i = 0; i < iv_shape_count(&wanted->shape); i++)
        if (!(fabsf(got[i] - values[i]) <= 2e-6f + 4e-6f * fabsf(values[i])))
            fail_msg("element %d: %.9g, and ONNX has %.9g", (int)i, (double)got[i],
                     (double)values[i]);
    iv_plan_free(plan);
    world_free(&w);
    for (int k = 0; k < MOST_INPUTS; k++)
        iv_tensor_free(in[k]);
    iv_tensor_free(wanted);
    archive_close(&file);
}

/* clang-format off */
#define ROW(name) { #name, node_##name }
/* clang-format on */
static const node_case all_cases[] = {
    ROW(averagepool_1d_default),
    ROW(averagepool_2d_default),
    ROW(averagepool_2d_strides),
    ROW(averagepool_2d_same_upper),
    ROW(averagepool_2d_ceil),
    ROW(averagepool_2d_pads_count_include_pad),
    ROW(maxpool_1d_default),
    ROW(maxpool_2d_default),
    ROW(maxpool_2d_strides),
    ROW(maxpool_2d_same_upper),
    ROW(maxpool_2d_ceil),
    ROW(globalmaxpool),
    ROW(globalaveragepool),
    ROW(edge_pad),
    ROW(reflect_pad),
    ROW(resize_upsample_scales_linear),
    ROW(resize_upsample_scales_nearest),
    ROW(basic_conv_with_padding),
    ROW(conv_with_strides_and_asymmetric_padding),
    ROW(convtranspose),
    ROW(convtranspose_1d),
    ROW(convtranspose_3d),
    ROW(convtranspose_dilations),
    ROW(convtranspose_autopad_same),
    ROW(convtranspose_pads),
    ROW(convtranspose_pad),
    ROW(elu_default),
    ROW(erf),
    ROW(leakyrelu),
    ROW(leakyrelu_default),
    ROW(selu_default),
    ROW(softplus),
    ROW(batchnorm_example),
    ROW(batchnorm_epsilon),
    ROW(batchnorm_example_training_mode),
    ROW(instancenorm_example),
    ROW(instancenorm_epsilon),
    ROW(layer_normalization_2d_axis1),
    ROW(layer_normalization_3d_axis2_epsilon),
    ROW(layer_normalization_4d_axis3),
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

int main(void)
{
    struct CMUnitTest tests[COUNT(all_cases)] = { 0 };

    for (size_t i = 0; i < COUNT(all_cases); i++)
        tests[i] = (struct CMUnitTest){ all_cases[i].name, as_onnx, NULL, NULL,
                                        (void *)(uintptr_t)&all_cases[i] };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
