/* plan_product_test.c: groups of a plan that begin with a product: what follows takes it stretch by stretch, or
 * afterwards where its kernel does not tell of them; values are those of the rows by themselves, bit for bit. */
#include <ivory/ops.h>
#include <ivory/plan.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/home.h"

typedef struct product {
    const char *name;
    iv_shape x, w;
    bool matmul, transposed, back; /* transposed: w; back: a transposed convolution */
    bool two_axes;                 /* of the bias */
    iv_conv_options how;
} product;

#define D(...)                                                                               \
    {                                                                                        \
        .rank = sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t), .dim = { __VA_ARGS__ } \
    }

static const product products[] = {
    { .name = "matmul", .x = D(3, 700, 40), .w = D(40, 70), .matmul = true },
    { .name = "matmul of many columns", .x = D(500, 30), .w = D(30, 1300), .matmul = true },
    { .name = "matmul of long sums", .x = D(300, 900), .w = D(300, 900), .matmul = true, .transposed = true },
    { .name = "matmul, batched", .x = D(4, 90, 20), .w = D(4, 20, 50), .matmul = true },
    { .name = "matmul of few rows", .x = D(2, 200), .w = D(200, 3000), .matmul = true },
    { .name = "convolution", .x = D(2, 30, 20, 8), .w = D(3, 3, 8, 24), .how = { .padding = IV_SAME } },
    { .name = "convolution of few places",
      .x = D(1, 4, 4, 64),
      .w = D(4, 4, 64, 200),
      .how = { .padding = IV_SAME } },
    { .name = "convolution in groups", .x = D(2, 30, 20, 8), .w = D(3, 3, 4, 24), .how = { .groups = 2 } },
    { .name = "squares of places", .x = D(2, 26, 30, 32), .w = D(3, 3, 32, 40), .how = { .padding = IV_SAME } },
    { .name = "squares, weights first",
      .x = D(1, 22, 19, 64),
      .w = D(3, 3, 64, 70),
      .how = { .padding = IV_SAME } },
    { .name = "rows of places",
      .x = D(3, 17, 30, 32),
      .w = D(3, 3, 32, 40),
      .how = { .padding = IV_SAME, .taps = 5 } },
    { .name = "transposed convolution",
      .x = D(2, 20, 21, 8),
      .w = D(4, 4, 12, 8),
      .back = true,
      .how = { .padding = IV_SAME, .stride = { 2, 2 } } },
    { .name = "transposed squares",
      .x = D(1, 26, 30, 40),
      .w = D(3, 3, 32, 40),
      .back = true,
      .how = { .padding = IV_SAME } },
    { .name = "matmul, bias in step with blocks", .x = D(3, 700, 40), .w = D(40, 64), .matmul = true },
    { .name = "matmul, bias out of step", .x = D(23, 32, 40), .w = D(40, 64), .matmul = true, .two_axes = true },
};

typedef struct made {
    iv_home *home;
    iv_graph *graph;
    iv_plan *plan;
    int64_t count, period; /* of the bias */
} made;

static void fill(void *to, iv_dtype real, int64_t count, double scale)
{
    for (int64_t i = 0; i < count; i++) {
        const double value = scale * sin(1.7 * (double)i + scale);
        if (real == IV_F64)
            ((double *)to)[i] = value;
        else
            ((float *)to)[i] = (float)value;
    }
}

/* relu(product + bias) + rest, and with `both` the product as well, which is in memory of its own then. */
static made make(const product *p, iv_dtype real, int threads, bool both)
{
    made m = { .home = iv_home_new(
                   &(iv_home_options){ .size = sizeof(iv_home_options), .threads = threads }) };
    m.graph = iv_graph_new_real(m.home, real);
    iv_node *x = iv_input(m.graph, "x", real, p->x), *w = iv_input(m.graph, "w", real, p->w);
    iv_node *y = p->matmul ? iv_matmul_with(x, w, false, p->transposed)
                 : p->back ? iv_conv_transpose_with(x, w, &p->how)
                           : iv_conv_with(x, w, &p->how);
    const iv_shape last = p->two_axes ? iv_dims(iv_node_dim(y, -2), iv_node_dim(y, -1))
                                      : iv_dims(iv_node_dim(y, -1));
    m.period = iv_shape_count(&last);
    m.count = iv_shape_count(iv_node_shape(y));
    iv_node *bias = iv_input(m.graph, "bias", real, last),
            *rest = iv_input(m.graph, "rest", real, *iv_node_shape(y));
    iv_node *outputs[] = { iv_add(iv_relu(iv_add(y, bias)), rest), y };

    m.plan = iv_plan_new(m.home, both ? 2 : 1, outputs, 0, NULL);
    assert_non_null(m.plan);
    assert_int_equal(iv_plan_memory_of(m.plan).groups, 1);
    assert_string_equal(iv_plan_part_of(m.plan, 0).row, p->matmul ? "matmul"
                                                        : p->back ? "conv_x"
                                                                  : "conv");
    fill(iv_plan_input(m.plan, "x"), real, iv_shape_count(&p->x), 1);
    fill(iv_plan_input(m.plan, "w"), real, iv_shape_count(&p->w), 0.3);
    fill(iv_plan_input(m.plan, "bias"), real, m.period, 0.1);
    fill(iv_plan_input(m.plan, "rest"), real, m.count, 0.5);
    for (int i = 0; i < 2; i++)
        assert_int_equal(iv_plan_run(m.plan), IV_OK);
    return m;
}

static void made_free(made *m)
{
    iv_plan_free(m->plan);
    iv_graph_free(m->graph);
    iv_home_free(m->home);
}

static void check_f32(const made *m)
{
    const float *y = iv_plan_output(m->plan, 0), *made_first = iv_plan_output(m->plan, 1),
                *bias = iv_plan_input(m->plan, "bias"), *rest = iv_plan_input(m->plan, "rest");

    for (int64_t i = 0; i < m->count; i++) {
        const float sum = made_first[i] + bias[i % m->period], want = (sum > 0 ? sum : 0) + rest[i];
        if (y[i] != want)
            fail_msg("element %lld is %.9g, not %.9g", (long long)i, (double)y[i], (double)want);
    }
}

static void check_f64(const made *m)
{
    const double *y = iv_plan_output(m->plan, 0), *made_first = iv_plan_output(m->plan, 1),
                 *bias = iv_plan_input(m->plan, "bias"), *rest = iv_plan_input(m->plan, "rest");

    for (int64_t i = 0; i < m->count; i++) {
        const double sum = made_first[i] + bias[i % m->period], want = (sum > 0 ? sum : 0) + rest[i];
        if (y[i] != want)
            fail_msg("element %lld is %.17g, not %.17g", (long long)i, y[i], want);
    }
}

static void as_rows_by_themselves(void **state)
{
    const product *p = *state;
    made both = make(p, IV_F32, 3, true), wide = make(p, IV_F64, 2, true);

    check_f32(&both);
    check_f64(&wide);
    for (int threads = 1; threads <= 3; threads++) { /* the last member over the product */
        made m = make(p, IV_F32, threads, false);
        assert_memory_equal(iv_plan_output(m.plan, 0), iv_plan_output(both.plan, 0),
                            (size_t)m.count * sizeof(float));
        if (threads == 3) /* the same scratch */
            assert_true(iv_plan_memory_of(m.plan).slab + (size_t)m.count * sizeof(float) <=
                        iv_plan_memory_of(both.plan).slab + 64);
        made_free(&m);
    }
    made_free(&both);
    made_free(&wide);
}

static void bad_numbers_are_found(void **state)
{
    static const struct {
        const char *input, *row;
    } spoilt[] = { { "x", "conv" }, { "bias", "the input" }, { "rest", "the input" }, { "w", "add" } };
    const product *p = &products[5];

    (void)state;
    for (int i = 0; i < 4; i++) {
        made m = make(p, IV_F32, 2, false);
        float *at = iv_plan_input(m.plan, spoilt[i].input);
        if (i == 3) { /* the product is finite, its sum with the bias is not */
            fill(at, IV_F32, iv_shape_count(&p->w), 0);
            ((float *)iv_plan_input(m.plan, "bias"))[0] = 3e38f;
            ((float *)iv_plan_input(m.plan, "rest"))[0] = 3e38f;
        } else if (i) {
            at[0] = NAN;
        } else {
            fill(at, IV_F32, iv_shape_count(&p->x), 3e38);
            fill(iv_plan_input(m.plan, "w"), IV_F32, iv_shape_count(&p->w), 3e38);
        }
        assert_int_equal(iv_plan_find_bad(m.plan), IV_NUMERIC);
        if (!strstr(iv_home_message(m.home), spoilt[i].row))
            fail_msg("'%s' should name %s", iv_home_message(m.home), spoilt[i].row);
        made_free(&m);
    }
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

int main(void)
{
    struct CMUnitTest tests[COUNT(products) + 1] = { cmocka_unit_test(bad_numbers_are_found) };

    for (size_t i = 0; i < COUNT(products); i++)
        tests[1 + i] = (struct CMUnitTest){ products[i].name, as_rows_by_themselves, NULL, NULL,
                                            (void *)(uintptr_t)&products[i] };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
