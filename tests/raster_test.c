/* raster_test.c: pixel by pixel a network gives what it gives for whole pictures; pixels change nothing at
 * or before them; what looks ahead is refused by name. */
#include "pixel_networks.h"

#include "graph/node.h"

#include <ivory/derive.h>
#include <stdlib.h>

enum { N = 2, H = 8, W = 6, MOST_LEAVES = 256 };

typedef iv_node *network(world *w, iv_node *x, iv_node *label);

/* ---- networks -------------------------------------------------------------------------------- */

static iv_node *one_layer(world *w, iv_node *x, iv_node *label)
{
    (void)label;
    return iv_conv2d(w->scope, x, .filters = 5, .kernel = { 3 }, .padding = IV_SAME, .mask = IV_MASK_A);
}

static iv_node *residual(world *w, iv_node *x, iv_node *label)
{
    x = iv_conv2d(w->scope, x, .filters = 8, .kernel = { 5 }, .padding = IV_SAME, .mask = IV_MASK_A);
    x = iv_add(x, iv_reshape(iv_embedding(w->scope, label, .count = 3, .units = 8),
                             iv_dims(N, 1, 1, 8)));
    for (int i = 0; i < 2; i++) {
        iv_node *y = iv_conv2d(w->scope, iv_relu(x), .filters = 4, .kernel = { 1 });
        y = iv_conv2d(w->scope, iv_relu(y), .filters = 4, .kernel = { 3 }, .padding = IV_SAME,
                      .mask = IV_MASK_B);
        x = iv_add(x, iv_conv2d(w->scope, iv_relu(y), .filters = 8, .kernel = { 1 }));
    }
    return iv_dense(w->scope, x, .units = 3, .activation = IV_SOFTMAX);
}

/* rows above, whole; then to the left of the pixel: no blind spot */
static iv_node *two_stacks(world *w, iv_node *x, iv_node *label)
{
    iv_node *v = iv_conv2d(w->scope, x, .filters = 6, .kernel = { 2, 3 }, .padding = IV_EXPLICIT,
                           .before = { 2, 1 }, .after = { -1, 1 });
    iv_node *h = iv_conv2d(w->scope, x, .filters = 6, .kernel = { 1, 2 }, .padding = IV_EXPLICIT,
                           .before = { 0, 2 }, .after = { 0, -1 });

    (void)label;
    for (int i = 0; i < 2; i++) {
        v = iv_tanh(iv_conv2d(w->scope, v, .filters = 6, .kernel = { 2, 3 }, .padding = IV_EXPLICIT,
                              .before = { 1, 1 }, .after = { 0, 1 }));
        h = iv_conv2d(w->scope, h, .filters = 6, .kernel = { 2, 2 }, .padding = IV_EXPLICIT,
                      .before = { 1, 1 });
        h = iv_tanh(iv_add(h, iv_conv2d(w->scope, v, .filters = 6, .kernel = { 1 })));
    }
    return iv_conv2d(w->scope, h, .filters = 2, .kernel = { 1 });
}

/* half the size and back, with what was skipped */
static iv_node *levels(world *w, iv_node *x, iv_node *label)
{
    iv_node *v = iv_conv2d(w->scope, x, .filters = 6, .kernel = { 2, 3 }, .padding = IV_EXPLICIT,
                           .before = { 2, 1 }, .after = { -1, 1 });
    iv_node *h = iv_conv2d(w->scope, x, .filters = 6, .kernel = { 5 }, .padding = IV_SAME,
                           .mask = IV_MASK_A);

    (void)label;
    iv_node *low_v = iv_tanh(iv_conv2d(w->scope, v, .filters = 5, .kernel = { 2, 3 },
                                       .stride = { 2, 2 }, .padding = IV_EXPLICIT, .before = { 1, 1 }));
    iv_node *low = iv_tanh(iv_conv2d(w->scope, h, .filters = 5, .kernel = { 2, 2 },
                                     .stride = { 2, 2 }, .padding = IV_EXPLICIT, .before = { 1, 1 }));
    low = iv_conv2d(w->scope, iv_add(low, low_v), .filters = 5, .kernel = { 3 }, .padding = IV_SAME,
                    .mask = IV_MASK_B);
    iv_node *up_v = iv_conv2d_transpose(w->scope, low_v, .filters = 6, .kernel = { 2, 3 },
                                        .stride = { 2, 2 }, .padding = IV_EXPLICIT,
                                        .before = { 0, 0 }, .after = { 0, 1 });
    iv_node *up = iv_conv2d_transpose(w->scope, low, .filters = 6, .kernel = { 2, 2 },
                                      .stride = { 2, 2 });
    return iv_conv2d(w->scope, iv_add(iv_add(h, iv_tanh(up)), up_v), .filters = 4, .kernel = { 1 });
}

static iv_node *gated_stacks(world *w, iv_node *x, iv_node *label)
{
    return two_stacks_of(w->scope, x, iv_one_hot(label, 3));
}

static iv_node *mixture(world *w, iv_node *x, iv_node *label)
{
    (void)label;
    return logistics(w->scope, x);
}

static const struct named {
    const char *name;
    network *of;
} networks[] = { { "one layer", one_layer },       { "residual", residual },
                 { "two stacks", two_stacks },     { "levels", levels },
                 { "gated stacks", gated_stacks }, { "mixture", mixture } };

/* ---- whole pictures -------------------------------------------------------------------------- */

static float pixel_at(int n, int r, int c)
{
    return sinf((float)(3 * n + 5 * r + 7 * c + r * c));
}

static void fill_pictures(float *to)
{
    for (int i = 0; i < N * H * W; i++)
        to[i] = pixel_at(i / (H * W), i / W % H, i % W);
}

static iv_node *output_of(world *w, network *of)
{
    iv_node *x = iv_input_raster(w->graph, "pixels", IV_F32, iv_dims(N, H, W, 1));

    return of(w, x, iv_input(w->graph, "label", IV_I32, iv_dims(N)));
}

static iv_plan *whole(world *w, iv_node *y)
{
    iv_plan *plan = plan_of(w, 1, &y, 0, NULL);
    int32_t *label = iv_plan_input(plan, "label");

    fill_pictures(iv_plan_input(plan, "pixels"));
    for (int n = 0; label && n < N; n++)
        label[n] = 2 - n;
    run(w, plan);
    return plan;
}

/* ---- pixel by pixel -------------------------------------------------------------------------- */

typedef struct memory {
    int n;
    char *name[MOST_LEAVES];
    void *bytes[MOST_LEAVES];
} memory;

static void *shared(memory *m, const iv_node *leaf)
{
    const char *name = iv_node_name(leaf);

    for (int i = 0; i < m->n; i++)
        if (!strcmp(m->name[i], name))
            return m->bytes[i];
    assert_true(m->n < MOST_LEAVES);
    m->name[m->n] = strdup(name);
    size_t count = (size_t)iv_shape_count(iv_node_shape(leaf));
    float *bytes = malloc(count * sizeof *bytes);
    for (size_t i = 0; i < count; i++)
        bytes[i] = 1e30f; /* what is kept begins with anything */
    return m->bytes[m->n++] = bytes;
}

static void *found(const memory *m, const char *name)
{
    for (int i = 0; i < m->n; i++)
        if (!strcmp(m->name[i], name))
            return m->bytes[i];
    return NULL;
}

static iv_plan *stage_plan(world *w, memory *m, iv_raster *raster, iv_raster_stage stage, int r, int c)
{
    iv_raster_part part = iv_raster_part_of(raster, stage, r, c);

    if (!part.n_outputs && !part.n_updates)
        return NULL;
    iv_plan *plan = plan_of(w, part.n_outputs, part.outputs, part.n_updates, part.updates);
    for (int i = 0; i < iv_plan_leaves(plan); i++) {
        const iv_node *leaf = iv_plan_leaf(plan, i);
        if (!iv_params_find(w->params, iv_node_name(leaf)))
            assert_int_equal(iv_plan_bind(plan, iv_node_name(leaf), shared(m, leaf), NULL), IV_OK);
    }
    return plan;
}

static void run_if(world *w, iv_plan *plan)
{
    if (plan)
        run(w, plan);
}

static void compare(world *w, const char *name, iv_node *y, const float *expected)
{
    iv_raster *raster = iv_raster_new(1, &y);
    memory m = { 0 };
    iv_plan *plans[IV_RASTER_STAGES][4][4] = { 0 };

    if (!raster)
        fail_msg("%s: %s", name, iv_home_message(w->home));
    const int64_t period = iv_raster_period(raster), p = iv_node_dim(y, -1);
    assert_in_range(period, 1, 4);
    for (int stage = 0; stage < IV_RASTER_STAGES; stage++)
        for (int r = 0; r < period; r++)
            for (int c = 0; c < (stage == IV_RASTER_ROW ? 1 : period); c++)
                plans[stage][r][c] = stage_plan(w, &m, raster, (iv_raster_stage)stage, r, c);
    float *pixels = found(&m, "pixels");
    int32_t *row = found(&m, "position/0"), *column = found(&m, "position/1"),
            *label = found(&m, "label");
    for (int n = 0; label && n < N; n++)
        label[n] = 2 - n;
    for (int r = 0; r < H; r++)
        for (int c = 0; c < W; c++) {
            if (row)
                *row = r;
            if (column)
                *column = c;
            if (c == 0)
                run_if(w, plans[IV_RASTER_ROW][r % period][0]);
            iv_plan *look = plans[IV_RASTER_LOOK][r % period][c % period];
            run(w, look);
            const float *got = iv_plan_output(look, 0);
            for (int n = 0; n < N; n++)
                for (int64_t k = 0; k < p; k++) {
                    float e = expected[((n * H + r) * W + c) * p + k], g = got[n * p + k];
                    if (!(fabsf(g - e) <= 1e-5f * fmaxf(1, fabsf(e))))
                        fail_msg("%s: picture %d, pixel (%d,%d), output %d: %.9g, whole %.9g", name,
                                 n, r, c, (int)k, g, e);
                }
            for (int n = 0; n < N; n++)
                pixels[n] = pixel_at(n, r, c);
            run_if(w, plans[IV_RASTER_KEEP][r % period][c % period]);
        }
    for (int i = 0; i < IV_RASTER_STAGES * 16; i++)
        iv_plan_free((&plans[0][0][0])[i]);
    for (int i = 0; i < m.n; i++) {
        free(m.name[i]);
        free(m.bytes[i]);
    }
    iv_raster_free(raster);
}

static void pixel_by_pixel_is_the_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        world w = world_new(IV_F32, 7);
        iv_node *y = output_of(&w, networks[i].of);
        iv_plan *plan = whole(&w, y);
        compare(&w, networks[i].name, y, iv_plan_output(plan, 0));
        iv_plan_free(plan);
        world_free(&w);
    }
}

static void a_pixel_changes_nothing_at_or_before_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        world w = world_new(IV_F32, 7);
        iv_node *y = output_of(&w, networks[i].of);
        iv_plan *plan = whole(&w, y);
        const int64_t p = iv_node_dim(y, -1), all = H * W * p;
        float *before = malloc((size_t)all * sizeof *before), *pixels = iv_plan_input(plan, "pixels");
        memcpy(before, iv_plan_output(plan, 0), (size_t)all * sizeof *before);
        for (int k = 0; k < H * W; k++) {
            pixels[k] += 10;
            run(&w, plan);
            pixels[k] = pixel_at(0, k / W, k % W);
            if (memcmp(before, iv_plan_output(plan, 0), (size_t)((k + 1) * p) * sizeof *before))
                fail_msg("%s: pixel %d is seen at or before it", networks[i].name, k);
            if (k < H * W - 1 && !memcmp(before, iv_plan_output(plan, 0), (size_t)all * sizeof *before))
                fail_msg("%s: pixel %d is seen by none behind it", networks[i].name, k);
        }
        free(before);
        iv_plan_free(plan);
        world_free(&w);
    }
}

/* ---- refusals -------------------------------------------------------------------------------- */

static iv_node *ahead(world *w, iv_node *x, iv_node *label)
{
    (void)label;
    return iv_conv2d(w->scope, x, .filters = 2, .kernel = { 3 }, .padding = IV_SAME);
}

static iv_node *itself(world *w, iv_node *x, iv_node *label)
{
    (void)label;
    return iv_conv2d(w->scope, x, .filters = 2, .kernel = { 3 }, .padding = IV_SAME, .mask = IV_MASK_B);
}

static iv_node *folded(world *w, iv_node *x, iv_node *label)
{
    (void)label;
    return iv_dense(w->scope, iv_reshape(x, iv_dims(N, H * W)), .units = 2);
}

static void what_looks_ahead_is_refused(void **state)
{
    static const struct refused {
        network *of;
        const char *says;
    } refused[] = { { ahead, "conv cannot run one position at a time: reads what comes later" },
                    { itself, "sees the pixel itself" },
                    { folded, "folds" } };

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        world w = world_new(IV_F32, 7);
        iv_node *y = output_of(&w, refused[i].of);
        assert_non_null(y);
        assert_null(iv_raster_new(1, &y));
        if (!strstr(iv_home_message(w.home), refused[i].says))
            fail_msg("expected '%s', got '%s'", refused[i].says, iv_home_message(w.home));
        world_free(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixel_by_pixel_is_the_whole),
        cmocka_unit_test(a_pixel_changes_nothing_at_or_before_it),
        cmocka_unit_test(what_looks_ahead_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
