/* check_test.c: iv_check_layer passes what is right and finds what is wrong, by name. */
#include <ivory/check.h>
#include <ivory/row.h>

#include "base/home.h"
#include "scarce.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- a row that may be wrong in several ways ------------------------------------------------- */

enum { RIGHT, WRONG_SLOPE, WRONG_SECOND, WRONG_F32, WRONG_F32_SLOPE };

static int fault;

static const char *cube_shape(iv_shape_call *s)
{
    s->out[0] = *s->in[0];
    s->out_dtype[0] = s->in_dtype[0];
    return NULL;
}

static void cube_f32(const iv_kernel_call *k)
{
    const float *x = k->in[0].data;
    float *y = k->out[0].data;

    for (int64_t i = 0; i < k->count; i++)
        y[i] = x[i] * x[i] * (fault == WRONG_F32 ? x[i] + 0.01F : x[i]);
}

static void cube_f64(const iv_kernel_call *k)
{
    const double *x = k->in[0].data;
    double *y = k->out[0].data;

    for (int64_t i = 0; i < k->count; i++)
        y[i] = x[i] * x[i] * x[i];
}

/* The same but for f32 where that is the fault. */
static void same_f32(const iv_kernel_call *k)
{
    const float *x = k->in[0].data;
    float *y = k->out[0].data;

    for (int64_t i = 0; i < k->count; i++)
        y[i] = fault == WRONG_F32_SLOPE ? x[i] * 1.01F : x[i];
}

static void same_f64(const iv_kernel_call *k)
{
    memcpy(k->out[0].data, k->in[0].data, (size_t)k->count * sizeof(double));
}

static void same_gradient(iv_gradient_call *g)
{
    g->dx[0] = g->dy[0];
}

static const iv_op same = {
    .name = "test/same",
    .says = "x",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .flags = IV_RANGED | IV_POINTWISE,
    .shape = cube_shape,
    .gradient = same_gradient,
    .f32 = same_f32,
    .f64 = same_f64,
};

static void cube_gradient(iv_gradient_call *g)
{
    iv_node *square = iv_square(fault == WRONG_SECOND ? iv_stop_gradient(g->x[0]) : g->x[0]);

    square = iv_apply(g->graph, &same, 1, &square, NULL);
    g->dx[0] = iv_mul(g->dy[0], iv_scale(square, fault == WRONG_SLOPE ? 3.001 : 3));
}

static const iv_op cube = {
    .name = "test/cube",
    .says = "x x x",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .flags = IV_RANGED | IV_POINTWISE,
    .shape = cube_shape,
    .gradient = cube_gradient,
    .f32 = cube_f32,
    .f64 = cube_f64,
};

/* One that is called as one of Ivory's keeps its own kernels. */
static iv_node *cubes_called_tanh(iv_scope *scope, iv_node *const in[], const void *user)
{
    static iv_op called;

    (void)user;
    called = cube;
    called.name = "tanh";
    return iv_apply(iv_scope_graph(scope), &called, 1, in, NULL);
}

static void a_row_is_not_its_name(void **state)
{
    iv_home *home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 });
    iv_check_report r;

    (void)state;
    assert_int_equal(iv_check_layer(home, cubes_called_tanh, &r, .n_in = 1, .in = &iv_dims(3, 5)),
                     IV_OK);
    assert_true(r.f32 < 1e-4);
    iv_home_free(home);
}

static iv_node *cubes(iv_scope *scope, iv_node *const in[], const void *user)
{
    iv_node *x = iv_dense(scope, in[0], .units = 4);

    (void)user;
    return x ? iv_apply(iv_scope_graph(scope), &cube, 1, &x, NULL) : NULL;
}

static iv_status check_cubes(int with, iv_check_report *report, char *message, size_t size)
{
    iv_home *home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 });

    fault = with;
    iv_status status = iv_check_layer(home, cubes, report, .n_in = 1, .in = &iv_dims(3, 5));
    snprintf(message, size, "%s", iv_home_message(home));
    assert_int_equal(iv__home_bytes(home), 0);
    iv_home_free(home);
    fault = RIGHT;
    return status;
}

static void a_row_of_ones_own(void **state)
{
    iv_check_report r;
    char message[400];

    (void)state;
    assert_int_equal(check_cubes(RIGHT, &r, message, sizeof message), IV_OK);
    assert_int_equal(r.parameters, 24);
    assert_int_equal(r.elements, 12);
    assert_true(r.first < 1e-6 && r.second < 1e-6 && r.f32 < 1e-4);
    assert_true(isnan(r.steps));
    assert_int_equal(check_cubes(WRONG_SLOPE, &r, message, sizeof message), IV_NUMERIC);
    assert_non_null(strstr(message, "the gradient of 'input 0', element 0: the rule gives"));
    assert_int_equal(check_cubes(WRONG_SECOND, &r, message, sizeof message), IV_NUMERIC);
    assert_non_null(strstr(message, "the second gradient of"));
    assert_int_equal(check_cubes(WRONG_F32, &r, message, sizeof message), IV_NUMERIC);
    assert_non_null(strstr(message, "f32 and f64, element"));
    assert_int_equal(check_cubes(WRONG_F32_SLOPE, &r, message, sizeof message), IV_NUMERIC);
    assert_non_null(strstr(message, "the gradient of 'input 0' in f32 and f64, element"));
}

/* In f64 all ones; in f32 e^90 is infinite, and the last elements alone are numbers. */
static iv_node *overflows(iv_scope *scope, iv_node *const in[], const void *user)
{
    iv_node *large = iv_exp(iv_scale(in[0], 180));

    (void)scope;
    (void)user;
    return iv_concat(2, (iv_node *[]){ iv_div(large, large), in[0] }, 0);
}

static void numbers_that_f32_does_not_have(void **state)
{
    iv_home *home = iv_home_new(NULL);

    (void)state;
    assert_int_equal(iv_check_layer(home, overflows, NULL, .n_in = 1, .in = &iv_dims(16),
                                    .low = 0.5, .high = 1),
                     IV_NUMERIC);
    assert_non_null(strstr(iv_home_message(home), "f32 and f64, element"));
    assert_non_null(strstr(iv_home_message(home), "nan"));
    iv_home_free(home);
}

/* ---- layers of sequences --------------------------------------------------------------------- */

static iv_node *writer(iv_scope *scope, iv_node *const in[], const void *user)
{
    const bool *backwards = user;
    iv_node *x = iv_embedding(scope, in[0], .count = 11, .units = 3);

    x = iv_lstm(scope, x, .units = 4, .reverse = *backwards);
    return iv_dense(scope, x, .units = 5);
}

static void sequences_are_stepped(void **state)
{
    iv_home *home = iv_home_new(NULL);
    iv_check_report r;
    bool backwards = false;

    (void)state;
#define WRITER(...)                                                                               \
    iv_check_layer(home, writer, &r, .n_in = 1, .in = &iv_dims(2, 6), .count = (int64_t[]){ 11 }, \
                   .user = &backwards, __VA_ARGS__)
    assert_int_equal(WRITER(.sequence = (bool[]){ true }, .first_order = true), IV_OK);
    assert_true(r.steps < 1e-9 && r.first < 1e-6);
    assert_true(isnan(r.second));
    assert_int_equal(WRITER(.sequence = (bool[]){ true }), IV_UNSUPPORTED); /* the second derivative */
    assert_non_null(strstr(iv_home_message(home), "lstm"));
    backwards = true;
    iv_home_clear(home);
    assert_int_equal(WRITER(.first_order = true), IV_OK);
    assert_int_equal(WRITER(.sequence = (bool[]){ true }, .first_order = true), IV_UNSUPPORTED);
    assert_non_null(strstr(iv_home_message(home), "lstm"));
    backwards = false;
    assert_int_equal(iv_check_layer(home, writer, &r, .n_in = 1, .in = &iv_dims(0, 6),
                                    .count = (int64_t[]){ 11 }, .user = &backwards,
                                    .sequence = (bool[]){ true }, .first_order = true),
                     IV_SHAPE);
    iv_home_free(home);
}

static void scarce_memory(void **state)
{
    const bool sequence[] = { false, true }, backwards = false;

    (void)state;
    for (int k = 0; k < 2; k++) {
        iv_status status = IV_NOMEM;
        int64_t left = 0;
        for (; status; left++) {
            scarce s = { .left = left };
            iv_home *home = scarce_home(&s);
            if (!home)
                continue;
            status = sequence[k]
                         ? iv_check_layer(home, writer, NULL, .n_in = 1, .in = &iv_dims(2, 3),
                                          .count = (int64_t[]){ 11 }, .user = &backwards,
                                          .sequence = (bool[]){ true }, .first_order = true)
                         : iv_check_layer(home, cubes, NULL, .n_in = 1, .in = &iv_dims(3, 5));
            if (status && status != IV_NOMEM)
                fail_msg("with %d allocations: %s", (int)left, iv_home_message(home));
            iv_home_free(home);
            assert_int_equal(s.alive, 0);
        }
        assert_true(left > 50);
    }
}

/* ---- what cannot be checked ------------------------------------------------------------------ */

static iv_node *whole_numbers(iv_scope *scope, iv_node *const in[], const void *user)
{
    (void)scope;
    (void)user;
    return iv_argmax(in[0], -1);
}

static iv_node *misfit(iv_scope *scope, iv_node *const in[], const void *user)
{
    (void)scope;
    (void)user;
    return iv_add(in[0], in[1]);
}

static iv_node *nothing(iv_scope *scope, iv_node *const in[], const void *user)
{
    (void)scope, (void)in, (void)user;
    return NULL;
}

static void what_cannot_be(void **state)
{
    iv_home *home = iv_home_new(NULL);
    const iv_shape in[] = { iv_dims(2, 3), iv_dims(2, 4) };

    (void)state;
    assert_int_equal(iv_check_layer(home, whole_numbers, NULL, .n_in = 1, .in = in), IV_DTYPE);
    assert_non_null(strstr(iv_home_message(home), "i32"));
    assert_int_equal(iv_check_layer(home, misfit, NULL, .n_in = 2, .in = in), IV_SHAPE);
    assert_non_null(strstr(iv_home_message(home), "[2,4]"));
    assert_int_equal(iv_check_layer(home, nothing, NULL, .n_in = 2, .in = in), IV_VALUE);
    assert_string_equal(iv_home_message(home), "the layer gives NULL, and nothing in it says why");
    assert_int_equal(iv_check_layer(home, misfit, NULL, .n_in = 2), IV_VALUE);
    iv_home_free(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_of_ones_own),
        cmocka_unit_test(a_row_is_not_its_name),
        cmocka_unit_test(numbers_that_f32_does_not_have),
        cmocka_unit_test(scarce_memory),
        cmocka_unit_test(sequences_are_stepped),
        cmocka_unit_test(what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
