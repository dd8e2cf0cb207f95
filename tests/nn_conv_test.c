/* nn_conv_test.c: masked convolutions see what they may see, exactly; what layers refuse. */
#include "nn_world.h"

enum { SIDE = 5, CHANNELS = 6, FILTERS = 6, PLACES = SIDE * SIDE };

typedef struct masked {
    const char *name;
    iv_mask_type type;
    int64_t colours, kernel[2];
} masked;

/* Whether part `to` of a place may see part `from` of another, both places in reading order. */
static bool may_see(const masked *m, int64_t from_place, int64_t from, int64_t to_place, int64_t to)
{
    if (from_place != to_place)
        return from_place < to_place;
    return from < to || (m->type == IV_MASK_B && from == to);
}

static float *image_of(iv_plan *plan)
{
    float *x = iv_plan_input(plan, "x");

    for (int i = 0; i < PLACES * CHANNELS; i++)
        x[i] = (float)((i * 37 + 11) % 64) / 32 - 1;
    return x;
}

/* Each channel of each place is changed in turn: nothing that may not see it moves, and whoever stands
 * next to it and may see it does. */
static void sees_the_past(void **state)
{
    const masked *m = *state;
    world w = world_new(IV_F32, 5);
    iv_node *x = iv_input(w.graph, "x", IV_F32, iv_dims(1, SIDE, SIDE, CHANNELS));
    iv_node *y = iv_conv2d(w.scope, x, .filters = FILTERS, .kernel = { m->kernel[0], m->kernel[1] },
                           .padding = IV_SAME, .mask = m->type, .colours = m->colours);
    iv_plan *plan = plan_of(&w, 1, &y, 0, NULL);
    float *image = image_of(plan), before[PLACES * FILTERS];
    int64_t colours = m->colours ? m->colours : 1;
    int seen = 0;

    run(&w, plan);
    memcpy(before, iv_plan_output(plan, 0), sizeof before);
    for (int i = 0; i < PLACES * CHANNELS; i++) {
        float was = image[i];
        image[i] = was + 100;
        run(&w, plan);
        const float *after = iv_plan_output(plan, 0);
        int64_t from_place = i / CHANNELS, from = i % CHANNELS / (CHANNELS / colours);
        for (int j = 0; j < PLACES * FILTERS; j++) {
            int64_t to_place = j / FILTERS, to = j % FILTERS / (FILTERS / colours);
            bool moved = memcmp(&before[j], &after[j], sizeof *after);
            seen += moved;
            if (moved && !may_see(m, from_place, from, to_place, to))
                fail_msg("filter %d of place %d sees channel %d of place %d", j % FILTERS,
                         (int)to_place, i % CHANNELS, (int)from_place);
            if (!moved && may_see(m, from_place, from, to_place, to) &&
                (to_place == from_place || (to_place == from_place + 1 && to_place % SIDE)))
                fail_msg("filter %d of place %d does not see channel %d of place %d", j % FILTERS,
                         (int)to_place, i % CHANNELS, (int)from_place);
        }
        image[i] = was;
    }
    assert_true(seen > PLACES * CHANNELS);
    iv_plan_free(plan);
    world_free(&w);
}

/* Masked weights have gradients that are exactly 0, all others have not; the taps behind the place itself
 * are 0 from birth. */
static void masked_weights_stay(void **state)
{
    const masked *m = *state;
    world w = world_new(IV_F32, 5);
    iv_node *x = iv_input(w.graph, "x", IV_F32, iv_dims(1, SIDE, SIDE, CHANNELS));
    iv_node *y = iv_conv2d(w.scope, x, .name = "c", .filters = FILTERS, .kernel = { 3 },
                           .padding = IV_SAME, .mask = m->type, .colours = m->colours);
    iv_node *kernel = iv_parameter(w.graph, "m/c/kernel", iv_dims(3, 3, CHANNELS, FILTERS)), *dw;
    int zeros = 0, colours = m->colours ? (int)m->colours : 1;
    int pairs = colours * (colours - (m->type == IV_MASK_B ? 1 : -1)) / 2; /* not seen at the place itself */

    const float *value = iv_params_find(w.params, "m/c/kernel")->data;
    const bool itself = m->type == IV_MASK_B || colours > 1;
    for (int i = 0; i < 9 * CHANNELS * FILTERS; i++)
        assert_int_equal(value[i] == 0, i >= (4 + itself) * CHANNELS * FILTERS);
    assert_int_equal(iv_gradient(iv_sum_squares(y), 1, &kernel, &dw), IV_OK);
    iv_plan *plan = plan_of(&w, 1, &dw, 0, NULL);
    image_of(plan);
    run(&w, plan);
    for (int i = 0; i < 9 * CHANNELS * FILTERS; i++)
        zeros += ((const float *)iv_plan_output(plan, 0))[i] == 0;
    assert_int_equal(zeros, 4 * CHANNELS * FILTERS + pairs * (CHANNELS / colours) * (FILTERS / colours));
    iv_plan_free(plan);
    world_free(&w);
}

/* ---- rectangles of kernels ------------------------------------------------------------------- */

typedef struct rectangle {
    const char *name;
    bool transposed;
    iv_conv2d_options options; /* with .kept */
} rectangle;

static const rectangle rectangles[] = {
    { "rows above",
      false,
      { .filters = 3, .kernel = { 3 }, .padding = IV_SAME, .kept = { .rows = { 0, 2 } } } },
    { "upper left",
      false,
      { .filters = 3, .kernel = { 3, 5 }, .padding = IV_SAME, .kept = { { 0, 2 }, { 0, 2 } } } },
    { "stride",
      false,
      { .filters = 3, .kernel = { 4 }, .stride = { 2, 2 }, .padding = IV_SAME, .kept = { { 0, 2 }, { 0, 2 } } } },
    { "wide stride",
      false,
      { .filters = 2, .kernel = { 2 }, .stride = { 3, 4 }, .padding = IV_SAME, .kept = { { 1, 2 }, { 0, 1 } } } },
    { "valid",
      false,
      { .filters = 2, .kernel = { 3 }, .dilation = { 2, 1 }, .kept = { { 1, 2 }, { 0, 3 } } } },
    { "explicit",
      false,
      { .filters = 2,
        .kernel = { 4, 3 },
        .padding = IV_EXPLICIT,
        .before = { 3, 0 },
        .after = { 1, 2 },
        .kept = { { 0, 1 }, { 1, 3 } } } },
    { "transposed",
      true,
      { .filters = 3,
        .kernel = { 2, 4 },
        .stride = { 2, 2 },
        .padding = IV_SAME,
        .kept = { { 0, 2 }, { 0, 3 } } } },
    { "transposed, lower",
      true,
      { .filters = 3, .kernel = { 4 }, .stride = { 2, 2 }, .padding = IV_SAME, .kept = { { 1, 4 }, { 2, 4 } } } },
    { "transposed, valid",
      true,
      { .filters = 3, .kernel = { 3 }, .stride = { 1, 2 }, .kept = { { 1, 2 }, { 0, 1 } } } },
};

/* As the whole kernel, which is 0 outside at birth; so are its gradients. */
static void part_as_the_whole(void **state)
{
    const rectangle *r = *state;
    world w = world_new(IV_F64, 5);
    iv_conv2d_options o = r->options;
    iv_node *x = iv_input(w.graph, "x", IV_F64, iv_dims(2, SIDE, SIDE, 2)), *out[5], *leaf;

    o.size = sizeof o;
    o.name = "c";
    out[0] = r->transposed ? iv_conv2d_transpose_with(w.scope, x, &o) : iv_conv2d_with(w.scope, x, &o);
    iv_tensor *kernel = iv_params_find(w.params, "m/c/kernel");
    leaf = iv_parameter(w.graph, "m/c/kernel", kernel->shape);
    iv_conv_options how = { .stride = { o.stride[0], o.stride[1] },
                            .dilation = { o.dilation[0], o.dilation[1] },
                            .padding = o.padding,
                            .before = { o.before[0], o.before[1] },
                            .after = { o.after[0], o.after[1] } };
    out[1] = r->transposed ? iv_conv_transpose_with(x, leaf, &how) : iv_conv_with(x, leaf, &how);
    assert_true(iv_shape_same(iv_node_shape(out[0]), iv_node_shape(out[1])));
    assert_int_equal(iv_gradient(iv_sum_squares(out[0]), 2, (iv_node *[]){ leaf, x }, out + 2), IV_OK);
    assert_int_equal(iv_gradient(iv_sum_squares(out[1]), 1, &x, out + 4), IV_OK);
    iv_plan *plan = plan_of(&w, 5, out, 0, NULL);
    double *image = iv_plan_input(plan, "x");
    for (int i = 0; i < 2 * PLACES * 2; i++)
        image[i] = sin(1.3 * i);
    run(&w, plan);
    for (int pair = 0; pair < 2; pair++) {
        const double *a = iv_plan_output(plan, pair ? 3 : 0), *b = iv_plan_output(plan, pair ? 4 : 1);
        for (int64_t i = 0; i < iv_shape_count(iv_node_shape(out[pair ? 3 : 0])); i++)
            if (!(fabs(a[i] - b[i]) < 1e-12))
                fail_msg("element %d: %.15g, not %.15g", (int)i, a[i], b[i]);
    }
    const int64_t columns = kernel->shape.dim[1],
                  each = iv_shape_count(&kernel->shape) / kernel->shape.dim[0] / columns;
    const double *slope = iv_plan_output(plan, 2), *value = kernel->data;
    for (int64_t i = 0; i < iv_shape_count(&kernel->shape); i++) {
        int64_t row = i / each / columns, column = i / each % columns;
        bool inside = (!o.kept.rows[1] || (row >= o.kept.rows[0] && row < o.kept.rows[1])) &&
                      (!o.kept.columns[1] ||
                       (column >= o.kept.columns[0] && column < o.kept.columns[1]));
        assert_int_equal(value[i] != 0, inside);
        assert_int_equal(slope[i] != 0, inside);
    }
    double first = value[o.kept.rows[0] * columns * each + o.kept.columns[0] * each];
    assert_int_equal(iv_params_reset(w.params), IV_OK);
    int64_t zeros = 0;
    for (int64_t i = 0; i < iv_shape_count(&kernel->shape); i++)
        zeros += value[i] == 0;
    assert_true(zeros >= each);
    assert_true(value[o.kept.rows[0] * columns * each + o.kept.columns[0] * each] == first);
    iv_plan_free(plan);
    world_free(&w);
}

static void refusals_name_what_is_wrong(void **state)
{
    static const struct {
        iv_conv2d_options options;
        const char *says;
    } row[] = {
        { { .filters = 4, .kernel = { 3 }, .groups = 4 }, "conv2d: 4 groups must divide 6 channels" },
        { { .filters = 4, .kernel = { 3 }, .mask = IV_MASK_A, .colours = 3 },
          "conv2d: 3 colours must divide the 6 channels and the 4 filters" },
        { { .filters = 4, .kernel = { 3 }, .kept = { .rows = { 0, 4 } } },
          "must be a part of the 3 x 3 kernel" },
        { { .filters = 4, .kernel = { 3 }, .kept = { .rows = { 2, 2 } } },
          "must be a part of the 3 x 3 kernel" },
        { { .filters = 4, .kernel = { 3 }, .mask = IV_MASK_A, .kept = { .rows = { 0, 2 } } },
          "without a mask" },
        { { .filters = 4, .kernel = { 3 }, .stride = { -1, 1 }, .kept = { .rows = { 0, 2 } } },
          "out of range" },
        { { .filters = 4, .kernel = { 9 } }, "conv: the kernel is larger than what it moves over" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        world w = world_new(IV_F32, 1);
        iv_node *x = iv_input(w.graph, "x", IV_F32, iv_dims(1, SIDE, SIDE, CHANNELS));
        iv_conv2d_options o = row[i].options;
        o.size = sizeof o;
        assert_null(iv_conv2d_with(w.scope, x, &o));
        if (!strstr(iv_graph_message(w.graph), row[i].says))
            fail_msg("'%s' and not '%s'", iv_graph_message(w.graph), row[i].says);
        world_free(&w);
    }
}

static const masked kinds[] = {
    { "A", IV_MASK_A, 0, { 3 } },           { "B", IV_MASK_B, 1, { 3 } },
    { "A, 5 x 7", IV_MASK_A, 1, { 5, 7 } }, { "B, 1 x 5", IV_MASK_B, 0, { 1, 5 } },
    { "A, colours", IV_MASK_A, 3, { 3 } },  { "B, colours", IV_MASK_B, 3, { 3, 5 } },
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

int main(void)
{
    enum { MASKS = COUNT(kinds), RECTANGLES = COUNT(rectangles) };
    struct CMUnitTest tests[2 * MASKS + RECTANGLES + 1] = { cmocka_unit_test(
        refusals_name_what_is_wrong) };
    static char names[2 * MASKS][64];

    for (size_t i = 0; i < MASKS; i++) {
        void *kind = (void *)(uintptr_t)&kinds[i];
        snprintf(names[2 * i], sizeof names[0], "mask %s: what is seen", kinds[i].name);
        snprintf(names[2 * i + 1], sizeof names[0], "mask %s: gradients", kinds[i].name);
        tests[2 * i + 1] = (struct CMUnitTest){ names[2 * i], sees_the_past, NULL, NULL, kind };
        tests[2 * i + 2] = (struct CMUnitTest){ names[2 * i + 1], masked_weights_stay, NULL, NULL, kind };
    }
    for (size_t i = 0; i < RECTANGLES; i++)
        tests[2 * MASKS + 1 + i] = (struct CMUnitTest){ rectangles[i].name, part_as_the_whole, NULL,
                                                        NULL, (void *)(uintptr_t)&rectangles[i] };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
