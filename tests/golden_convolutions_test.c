/* golden_convolutions_test.c: outputs and gradients of convolutional layers, against Keras.
 * tools/golden says how the file was made. */
#include "golden_world.h"

typedef struct layer {
    const char *name;
    bool transposed;
    iv_conv2d_options options;
} layer;

static const layer all_layers[] = {
    { "same", false, { .filters = 5, .kernel = { 3 }, .padding = IV_SAME, .activation = IV_RELU } },
    { "same_stride", false, { .filters = 6, .kernel = { 4, 3 }, .stride = { 2, 2 }, .padding = IV_SAME } },
    { "valid_stride", false, { .filters = 5, .kernel = { 3 }, .stride = { 2, 1 } } },
    { "dilated", false, { .filters = 5, .kernel = { 2, 3 }, .dilation = { 2, 1 }, .padding = IV_SAME } },
    { "grouped", false, { .filters = 6, .kernel = { 3 }, .groups = 2, .padding = IV_SAME, .no_bias = true } },
    { "transpose_same", true, { .filters = 5, .kernel = { 4 }, .stride = { 2, 2 }, .padding = IV_SAME } },
    { "transpose_odd", true, { .filters = 3, .kernel = { 3 }, .stride = { 2, 2 }, .padding = IV_SAME } },
    { "transpose_valid", true, { .filters = 5, .kernel = { 3, 2 }, .stride = { 2, 1 } } },
};

static void as_keras(void **state)
{
    const layer *l = *state;
    world w = world_new(IV_F32, 1);
    iv__safetensors *file = open_file(w.home, "convolutions");
    iv_scope *s = iv_scope_new(w.graph, w.params, "param");
    iv_node *x = iv_input(w.graph, "x", IV_F32, iv_dims(2, 7, 8, 4)), *outputs[3];
    iv_conv2d_options o = l->options;
    char name[64];

    o.size = sizeof o;
    o.name = l->name;
    outputs[0] = l->transposed ? iv_conv2d_transpose_with(s, x, &o) : iv_conv2d_with(s, x, &o);
    snprintf(name, sizeof name, "param/%s/kernel", l->name);
    iv_node *kernel = iv_parameter(w.graph, name, iv_params_find(w.params, name)->shape);
    assert_int_equal(iv_gradient(iv_sum_squares(outputs[0]), 2, (iv_node *[]){ x, kernel }, outputs + 1),
                     IV_OK);
    iv_plan *plan = plan_of(&w, 3, outputs, 0, NULL);

    snprintf(name, sizeof name, "param/%s/", l->name);
    load(&w, file, name);
    give(plan, "x", tensor_of(file, "x")->data, 2 * 7 * 8 * 4 * sizeof(float));
    run(&w, plan);
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s/%s", l->name, i == 0 ? "y" : i == 1 ? "dx" : "dkernel");
        compare(file, plan, i, name, 1e-6 * largest_of(file, name));
    }
    iv_plan_free(plan);
    iv__safetensors_close(file);
    world_free(&w);
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

int main(void)
{
    struct CMUnitTest tests[COUNT(all_layers)] = { 0 };

    for (size_t i = 0; i < COUNT(all_layers); i++)
        tests[i] = (struct CMUnitTest){ all_layers[i].name, as_keras, NULL, NULL,
                                        (void *)(uintptr_t)&all_layers[i] };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
