/* golden_images_test.c: outputs and gradients of what image models are made of besides convolutions,
 * against Keras. tools/golden says how the file was made. */
#include "golden_world.h"

#define CASE(case_name, expression)       \
    static iv_node *case_name(iv_node *x) \
    {                                     \
        return expression;                \
    }
CASE(max_valid, iv_max_pool(x, .window = { 2, 2 }))
CASE(max_same, iv_max_pool(x, .window = { 3, 3 }, .stride = { 2, 2 }, .padding = IV_SAME))
CASE(max_overlapping, iv_max_pool(x, .window = { 3, 2 }, .stride = { 1, 1 }))
CASE(average_valid, iv_average_pool(x, .window = { 2, 3 }))
CASE(average_same, iv_average_pool(x, .window = { 3, 3 }, .stride = { 2, 2 }, .padding = IV_SAME))
CASE(average_wide, iv_average_pool(x, .window = { 4, 4 }, .stride = { 1, 1 }, .padding = IV_SAME))
CASE(global_average, iv_global_average(x))
CASE(nearest, iv_upsample(x, iv_dims(2, 3)))
CASE(bilinear, iv_resize(x, iv_dims(12, 14)))
CASE(resize, iv_resize(x, iv_dims(4, 10)))
CASE(mirrored, iv_pad_mirrored(iv_pad_mirrored(x, 1, 2, 1), 2, 0, 3))
CASE(edge, iv_pad_edge(iv_pad_edge(x, 1, 2, 1), 2, 0, 3))
CASE(elu, iv_activate(x, IV_ELU))
CASE(leaky_relu, iv_activate(x, IV_LEAKY_RELU))
CASE(selu, iv_activate(x, IV_SELU))
CASE(silu, iv_activate(x, IV_SILU))
CASE(gelu, iv_activate(x, IV_GELU))

typedef struct image_case {
    const char *name;
    iv_node *(*build)(iv_node *x);
} image_case;

static void as_keras(void **state)
{
    const image_case *c = *state;
    world w = world_new(IV_F32, 1);
    iv__safetensors *file = open_file(w.home, "images");
    iv_node *x = iv_input(w.graph, "x", IV_F32, iv_dims(1, 6, 7, 3)), *outputs[2];
    char name[64];

    outputs[0] = c->build(x);
    assert_int_equal(iv_gradient(iv_sum_squares(outputs[0]), 1, &x, outputs + 1), IV_OK);
    iv_plan *plan = plan_of(&w, 2, outputs, 0, NULL);
    give(plan, "x", tensor_of(file, "x")->data, 6 * 7 * 3 * sizeof(float));
    run(&w, plan);
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s/%s", c->name, i ? "dx" : "y");
        assert_int_equal(iv_shape_count(iv_node_shape(outputs[i])),
                         iv_shape_count(&tensor_of(file, name)->shape));
        compare(file, plan, i, name, 1e-6 * largest_of(file, name));
    }
    iv_plan_free(plan);
    iv__safetensors_close(file);
    world_free(&w);
}

/* What they refuse, and why. */
static void refusals_name_what_is_wrong(void **state)
{
    static const struct {
        iv_node *(*build)(iv_node *x);
        iv_shape x;
        const char *says;
    } row[] = {
        { max_valid, { 2, { 6, 7 } }, "max_pool: images must be [N,S...,C]" },
        { global_average, { 2, { 6, 7 } }, "global_average: images must be [N,S...,C]" },
        { nearest, { 2, { 6, 7 } }, "upsample: there must be one whole number" },
        { resize, { 2, { 6, 7 } }, "resize: there must be one whole number" },
        { max_valid, { 4, { 1, 6, 1, 3 } }, "pooling: windows must be 1 to the size of the image" },
        { mirrored, { 4, { 1, 2, 7, 3 } }, "pad_mirrored: axis 1 has nothing for padding of 2 and 1" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        world w = world_new(IV_F32, 1);
        assert_null(row[i].build(iv_input(w.graph, "x", IV_F32, row[i].x)));
        if (!strstr(iv_graph_message(w.graph), row[i].says))
            fail_msg("'%s' and not '%s'", iv_graph_message(w.graph), row[i].says);
        world_free(&w);
    }
}

/* clang-format off */
#define ROW(name) { #name, name }
/* clang-format on */
static const image_case all_cases[] = {
    ROW(max_valid),
    ROW(max_same),
    ROW(max_overlapping),
    ROW(average_valid),
    ROW(average_same),
    ROW(average_wide),
    ROW(global_average),
    ROW(nearest),
    ROW(bilinear),
    ROW(resize),
    ROW(mirrored),
    ROW(edge),
    ROW(elu),
    ROW(leaky_relu),
    ROW(selu),
    ROW(silu),
    ROW(gelu),
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

int main(void)
{
    struct CMUnitTest tests[COUNT(all_cases) + 1] = {
        cmocka_unit_test(refusals_name_what_is_wrong),
    };

    for (size_t i = 0; i < COUNT(all_cases); i++)
        tests[i + 1] = (struct CMUnitTest){ all_cases[i].name, as_keras, NULL, NULL,
                                            (void *)(uintptr_t)&all_cases[i] };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
