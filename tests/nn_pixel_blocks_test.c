/* nn_pixel_blocks_test.c: networks of the blocks that see an image in reading order: no place sees itself or
 * a later one, and each has as many parameters as its source. */
#include "pixel_networks.h"

typedef struct network {
    const char *name;
    iv_node *(*build)(iv_scope *s, iv_node *x);
    int64_t side;
    int64_t parameters; /* 0: nobody says */
    bool sees_all;      /* every place sees every earlier one */
} network;

/* ---- the networks ---------------------------------------------------------------------------- */

/* The PixelCNN of Generative Deep Learning, 2nd edition, chapter 5, for 4 levels. */
static iv_node *book(iv_scope *s, iv_node *x)
{
    x = iv_conv2d(s, x, .filters = 128, .kernel = { 7 }, .padding = IV_SAME, .mask = IV_MASK_A,
                  .activation = IV_RELU);
    for (int i = 0; i < 5; i++)
        x = iv_masked_residual(s, x);
    for (int i = 0; i < 2; i++)
        x = iv_conv2d(s, x, .filters = 128, .kernel = { 1 }, .mask = IV_MASK_B, .activation = IV_RELU);
    return iv_conv2d(s, x, .filters = 4, .kernel = { 1 });
}

/* That of Keras's examples, for two levels. */
static iv_node *keras(iv_scope *s, iv_node *x)
{
    x = iv_conv2d(s, x, .filters = 128, .kernel = { 7 }, .padding = IV_SAME, .mask = IV_MASK_A,
                  .activation = IV_RELU);
    for (int i = 0; i < 5; i++)
        x = iv_masked_residual(s, x, .enter = 128);
    for (int i = 0; i < 2; i++)
        x = iv_conv2d(s, x, .filters = 128, .kernel = { 1 }, .mask = IV_MASK_B, .activation = IV_RELU);
    return iv_conv2d(s, x, .filters = 1, .kernel = { 1 });
}

static iv_node *two_stacks(iv_scope *s, iv_node *x)
{
    return two_stacks_of(s, x, NULL);
}

static const network networks[] = {
    { "the book's PixelCNN", book, 5, 307460, false },
    { "Keras's PixelCNN", keras, 5, 532673, false },
    { "two gated stacks", two_stacks, 5, 0, true },
    { "a mixture of logistics", logistics, 8, 624990, false },
};

/* ---- what they see --------------------------------------------------------------------------- */

static void places_see_those_before_them(void **state)
{
    const network *n = *state;
    const int places = (int)(n->side * n->side);
    world w = world_new(IV_F64, 5);
    iv_node *y = n->build(w.scope, iv_input(w.graph, "x", IV_F64, iv_dims(1, n->side, n->side, 1)));

    if (!y)
        fail_msg("%s", iv_graph_message(w.graph));
    if (n->parameters)
        assert_int_equal(iv_params_elements(w.params, ""), n->parameters);
    iv_plan *plan = plan_of(&w, 1, &y, 0, NULL);
    double *image = iv_plan_input(plan, "x"), before[64 * 15];
    const int depth = (int)iv_node_dim(y, -1);

    for (int i = 0; i < places; i++)
        image[i] = sin(i * 2.3);
    run(&w, plan);
    memcpy(before, iv_plan_output(plan, 0), (size_t)(places * depth) * sizeof *before);
    for (int from = 0; from < places; from++) {
        const double was = image[from];
        image[from] = was + 1;
        run(&w, plan);
        const double *after = iv_plan_output(plan, 0);
        for (int to = 0; to < places; to++) {
            bool sees = memcmp(before + to * depth, after + to * depth, (size_t)depth * sizeof *after);
            bool next = to == from + 1 && to % n->side;
            if (to <= from && sees)
                fail_msg("place %d sees place %d", to, from);
            if (to > from && !sees && (n->sees_all || next))
                fail_msg("place %d does not see place %d", to, from);
        }
        image[from] = was;
    }
    iv_plan_free(plan);
    world_free(&w);
}

/* A class moves every place of its image, and no other image. */
static void conditions_reach_every_place(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 5);
    iv_node *x = iv_input(w.graph, "x", IV_F64, iv_dims(2, 4, 4, 1)),
            *class = iv_input(w.graph, "class", IV_F64, iv_dims(2, 3));
    iv_node *base = iv_conv2d(w.scope, x, .filters = 4, .kernel = { 1 });
    iv_node *out[] = { two_stacks_of(w.scope, x, class),
                       iv_gated_residual(w.scope, base, .kernel = { 3, 3 }, .condition = class) };
    iv_plan *plan = plan_of(&w, 2, out, 0, NULL);
    double *condition = iv_plan_input(plan, "class"), before[2][2 * 16 * 4];

    for (int i = 0; i < 32; i++)
        ((double *)iv_plan_input(plan, "x"))[i] = sin(i * 2.3);
    condition[0] = condition[4] = 1;
    run(&w, plan);
    for (int k = 0; k < 2; k++)
        memcpy(before[k], iv_plan_output(plan, k), sizeof before[k]);
    condition[0] = 0;
    condition[1] = 1;
    run(&w, plan);
    for (int k = 0; k < 2; k++)
        for (int place = 0; place < 32; place++) {
            bool moved = memcmp(before[k] + 4 * place,
                                (const double *)iv_plan_output(plan, k) + 4 * place,
                                4 * sizeof(double));
            assert_int_equal(moved, place < 16);
        }
    iv_plan_free(plan);
    world_free(&w);
}

/* Dropout acts in training alone, and what is beside changes what comes out. */
static void residuals_are_as_written(void **state)
{
    (void)state;
    world w = world_new(IV_F64, 5);
    iv_node *x = iv_input(w.graph, "x", IV_F64, iv_dims(1, 2, 2, 3)),
            *z = iv_input(w.graph, "z", IV_F64, iv_dims(1, 2, 2, 2));
    iv_node *out[2], *a, *b, *half[2];

    out[0] = iv_gated_residual(w.scope, x, .name = "r", .kernel = { 1, 1 }, .beside = z,
                               .dropout = 0.5, .activation = IV_ELU);
    iv_scope *again = iv_scope_share(w.scope, "r");
    a = iv_conv2d(again, iv_elu(x), .name = "in", .filters = 3, .kernel = { 1 }, .weight_norm = true);
    b = iv_dense(again, iv_elu(z), .name = "beside", .units = 3, .weight_norm = true);
    a = iv_conv2d(again, iv_elu(iv_add(a, b)), .name = "out", .filters = 6, .kernel = { 1 },
                  .weight_norm = true);
    half[0] = iv_slice(a, 3, 0, 3, 1);
    half[1] = iv_slice(a, 3, 3, 3, 1);
    out[1] = iv_add(x, iv_mul(half[0], iv_sigmoid(half[1])));
    assert_ptr_equal(out[0], out[1]);

    next_graph(&w);
    iv_scope_training(w.scope, true);
    x = iv_input(w.graph, "x", IV_F64, iv_dims(1, 2, 2, 3));
    out[0] = iv_gated_residual(w.scope, x, .kernel = { 1, 1 }, .dropout = 0.5);
    iv_plan *plan = plan_of(&w, 1, out, 0, NULL);
    assert_non_null(iv_plan_input(plan, "random"));
    iv_plan_free(plan);
    world_free(&w);
}

static void refusals_name_what_is_wrong(void **state)
{
    (void)state;
    world w = world_new(IV_F32, 1);
    iv_node *x = iv_input(w.graph, "x", IV_F32, iv_dims(1, 4, 4, 1));

    assert_null(iv_gated_stacks(w.scope, ((iv_stacks){ x, x }), .filters = 4, .kernel = 4).horizontal);
    assert_string_equal(iv_graph_message(w.graph),
                        "m/gated_stacks: filters must be at least 1 and the kernel odd, "
                        "from 3 on (4 filters, kernel 4)");
    next_graph(&w);
    x = iv_input(w.graph, "x", IV_F32, iv_dims(1, 4, 4, 1));
    iv_stacks wrong = iv_gated_stacks(
        w.scope, ((iv_stacks){ x, iv_input(w.graph, "z", IV_F32, iv_dims(1, 4, 4, 3)) }), .filters = 4);
    assert_null(wrong.vertical);
    assert_null(wrong.horizontal);
    world_free(&w);
}

#define NETWORK(i)                                                                                  \
    {                                                                                               \
        networks[i].name, places_see_those_before_them, NULL, NULL, (void *)(uintptr_t)&networks[i] \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        NETWORK(0),
        NETWORK(1),
        NETWORK(2),
        NETWORK(3),
        cmocka_unit_test(conditions_reach_every_place),
        cmocka_unit_test(residuals_are_as_written),
        cmocka_unit_test(refusals_name_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
