/* models_table_test.c: least squares, and how far predictions are from what is known. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include "models/common_forecast.h"
#include "models/common_linear.h"

#include <math.h>

enum { INPUTS = 4, ROWS = 50 };

/* y = 2 + 3 a - b, a constant input, and an input that is a + b. */
static double row_of(int i, double *x)
{
    x[0] = sin(i);
    x[1] = cos(3 * i);
    x[2] = 0.1;
    x[3] = x[0] + x[1];
    return 2 + 3 * x[0] - x[1];
}

static void least_squares_find_the_plane(void **state)
{
    world *w = *state;
    iv__linear linear;
    double x[INPUTS];

    assert_int_equal(iv__linear_begin(w->home, INPUTS, &linear), IV_OK);
    for (int i = 0; i < ROWS; i++) {
        const double y = row_of(i, x);
        iv__linear_add(&linear, x, y);
    }
    iv__linear_solve(&linear);
    for (int i = 0; i < ROWS; i++) {
        const double y = row_of(ROWS + i, x);
        assert_true(fabs(iv__linear_value(&linear, x) - y) < 1e-9);
    }
    /* what follows from the others says nothing */
    assert_true(linear.factors[3] == 0 && linear.factors[4] == 0);
    iv__linear_free(&linear);
}

/* Where no plane fits: the residuals are orthogonal to the inputs, and to 1. */
static void least_squares_leave_no_slope(void **state)
{
    world *w = *state;
    iv__linear linear;
    double x[2], sum[3] = { 0 };

    assert_int_equal(iv__linear_begin(w->home, 2, &linear), IV_OK);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < ROWS; i++) {
            x[0] = sin(i), x[1] = cos(2 * i);
            const double y = x[0] * x[1] + exp(x[1]);
            if (!pass) {
                iv__linear_add(&linear, x, y);
                continue;
            }
            const double residual = y - iv__linear_value(&linear, x);
            sum[0] += residual, sum[1] += residual * x[0], sum[2] += residual * x[1];
        }
        if (!pass)
            iv__linear_solve(&linear);
    }
    for (int i = 0; i < 3; i++)
        assert_true(fabs(sum[i]) < 1e-10);
    iv__linear_free(&linear);
}

static void errors_are_measured_where_the_value_is_known(void **state)
{
    static const double actual[] = { 1, NAN, 3, 8 }, predicted[] = { 2, 99, 3, 6 },
                        linear[] = { 4, 0, 4, 4 };
    world *w = *state;
    iv__forecast f;
    iv__measure m[IV__MAX_MEASURES];

    assert_int_equal(iv__forecast_new(w->home, "y", 4, true, &f), IV_OK);
    memcpy(f.actual, actual, sizeof actual);
    memcpy(f.predicted, predicted, sizeof predicted);
    memcpy(f.linear, linear, sizeof linear);
    assert_int_equal(iv__forecast_measures(&f, m), 6);
    assert_string_equal(m[0].name, "RMSE");
    assert_true(fabs(m[0].value - sqrt(5.0 / 3)) < 1e-12);
    assert_true(fabs(m[1].value - 1) < 1e-12);
    assert_true(fabs(m[2].value - (1 - 5.0 / 26)) < 1e-12);
    assert_string_equal(m[5].name, "linear R2");
    assert_true(fabs(m[5].value) < 1e-12); /* 4 is their mean */
    iv__forecast_free(&f);

    assert_int_equal(iv__forecast_new(w->home, "y", 1, false, &f), IV_OK);
    f.actual[0] = f.predicted[0] = 2;
    assert_int_equal(iv__forecast_measures(&f, m), 3);
    assert_true(m[0].value == 0 && m[1].value == 0 && isnan(m[2].value));
    iv__forecast_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(least_squares_find_the_plane, world_begin, world_end),
        cmocka_unit_test_setup_teardown(least_squares_leave_no_slope, world_begin, world_end),
        cmocka_unit_test_setup_teardown(errors_are_measured_where_the_value_is_known, world_begin,
                                        world_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
