/* plan_test.c: plans by hand: updates, memory of outputs, constants, bad numbers, refusals. Random graphs are in
 * plan_random_test.c. */
#include "plan_world.h"

/* ---- updates --------------------------------------------------------------------------------- */

static void leaves_trade_places(void **state)
{
    world *w = *state;
    iv_node *a = in(w, "a", iv_dims(2)), *b = in(w, "b", iv_dims(2)), *c = in(w, "c", iv_dims(2));

    make_plan(w, 0, NULL, 3, (iv_update[]){ { a, b }, { b, c }, { c, a } });
    give(w, "a", 2, NUMBERS(1, 2));
    give(w, "b", 2, NUMBERS(3, 4));
    give(w, "c", 2, NUMBERS(5, 6));
    run(w);
    assert_leaf(w, "a", 2, 3, 4);
    assert_leaf(w, "b", 2, 5, 6);
    assert_leaf(w, "c", 2, 1, 2);
    run(w);
    assert_leaf(w, "a", 2, 5, 6);
}

static void integers_trade_places_too(void **state)
{
    world *w = *state;
    iv_node *a = iv_input(w->graph, "a", IV_I32, iv_dims(2)),
            *b = iv_input(w->graph, "b", IV_I32, iv_dims(2));

    make_plan(w, 1, &a, 2, (iv_update[]){ { a, b }, { b, a } });
    memcpy(iv_plan_input(w->plan, "a"), (int32_t[]){ 1, 2 }, 8);
    memcpy(iv_plan_input(w->plan, "b"), (int32_t[]){ 3, 4 }, 8);
    run(w);
    assert_memory_equal(iv_plan_input(w->plan, "a"), ((int32_t[]){ 3, 4 }), 8);
    assert_memory_equal(iv_plan_input(w->plan, "b"), ((int32_t[]){ 1, 2 }), 8);
    assert_memory_equal(iv_plan_output(w->plan, 0), ((int32_t[]){ 1, 2 }), 8);
}

/* All new values are computed from the old ones, and outputs too: also the leaf itself and views
 * of it. */
static void updates_read_old_values(void **state)
{
    world *w = *state;
    iv_node *a = in(w, "a", iv_dims(2, 2)), *b = in(w, "b", iv_dims(4));
    iv_node *next = iv_shift(a, 10), *view = iv_reshape(a, iv_dims(4));
    iv_node *outputs[] = { a, view, iv_add(view, iv_reshape(next, iv_dims(4))), next };

    make_plan(w, 4, outputs, 2, (iv_update[]){ { a, next }, { b, view } });
    give(w, "a", 4, NUMBERS(1, 2, 3, 4));
    run(w);
    assert_output(w, 0, 4, 1, 2, 3, 4);
    assert_output(w, 1, 4, 1, 2, 3, 4);
    assert_output(w, 2, 4, 12, 14, 16, 18);
    assert_output(w, 3, 4, 11, 12, 13, 14);
    assert_leaf(w, "a", 4, 11, 12, 13, 14);
    assert_leaf(w, "b", 4, 1, 2, 3, 4);
    run(w);
    assert_output(w, 2, 4, 32, 34, 36, 38);
    assert_leaf(w, "b", 4, 11, 12, 13, 14);
}

/* The same new value for two leaves, and a chain as an optimizer makes it, is computed where it
 * will live. */
static void chains_are_computed_in_place(void **state)
{
    world *w = *state;
    iv_node *p = in(w, "p", iv_dims(5000)), *m = in(w, "m", iv_dims(5000)),
            *g = in(w, "g", iv_dims(5000));
    iv_node *twin = in(w, "twin", iv_dims(5000));
    iv_node *next = iv_add(m, iv_scale(iv_sub(g, m), 0.5)), *less = iv_sub(p, iv_scale(next, 0.1));

    make_plan(w, 0, NULL, 2, (iv_update[]){ { m, next }, { p, less } });
    assert_int_equal(iv_plan_memory_of(w->plan).groups, 1);
    assert_true(iv_plan_memory_of(w->plan).slab <= 4 * 2048 * 8); /* blocks of it, no whole array */
    for (int i = 0; i < 5000; i++)
        ((float *)iv_plan_input(w->plan, "g"))[i] = (float)i;
    run(w);
    run(w);
    assert_true(fabsf(((float *)iv_plan_input(w->plan, "m"))[4999] - 0.75f * 4999) < 1e-3f);
    assert_true(fabsf(((float *)iv_plan_input(w->plan, "p"))[4999] + 0.125f * 4999) < 1e-3f);

    make_plan(w, 0, NULL, 2, (iv_update[]){ { m, next }, { twin, next } });
    for (int i = 0; i < 5000; i++)
        ((float *)iv_plan_input(w->plan, "g"))[i] = 8;
    run(w);
    assert_leaf(w, "m", 1, 4);
    assert_leaf(w, "twin", 1, 4);
}

/* A cheap row may be a member of a group for one reader and be read whole, from where it is
 * stored, by another. */
static void cheap_rows_are_read_whole_where_they_are_stored(void **state)
{
    enum { N = 1000, C = 7 };
    world *w = *state;
    iv_node *v = in(w, "v", iv_dims(C)), *x = in(w, "x", iv_dims(N, C));
    iv_node *b = iv_broadcast_to(v, iv_dims(N, C)), *p = iv_add(x, b), *s = iv_reverse(b, 0);
    iv_node *q = iv_add(s, b), *r = iv_reverse(b, 1), *y = iv_add(iv_add(q, r), p);

    make_plan(w, 1, &y, 0, NULL);
    give(w, "v", C, NUMBERS(1, 2, 3, 4, 5, 6, 7));
    run(w);
    for (int i = 0; i < N; i++) /* 0 + v + (v + v) + reversed v */
        for (int c = 0; c < C; c++) {
            float expected = (float)(3 * (c + 1) + C - c);
            if (((const float *)iv_plan_output(w->plan, 0))[i * C + c] != expected)
                fail_msg("[%d,%d] is %g, not %g", i, c,
                         (double)((const float *)iv_plan_output(w->plan, 0))[i * C + c],
                         (double)expected);
        }
}

/* ---- outputs --------------------------------------------------------------------------------- */

/* A cheap row is made where it is read, and again where it is read whole; there it may take the place of
 * what it is made of, which others have read beside the row before. */
static void cheap_rows_may_take_the_place_of_what_they_read(void **state)
{
    enum { N = 4 };
    world *w = *state;
    iv_node *x = iv_tanh(in(w, "x", iv_dims(1, N))), *above = iv_positive(x);
    iv_node *y = iv_add(iv_mul(above, iv_softmax(x)), x);
    iv_node *z = iv_add(iv_softmax(y), y);
    const float numbers[N] = { -1, 0.25f, 2, -0.5f };
    float sum = 0, made[N], expected[N], scale = 0;

    z = iv_add(z, iv_reverse(above, 1));
    make_plan(w, 1, &z, 0, NULL);
    give(w, "x", N, numbers);
    run(w);
    for (int i = 0; i < N; i++)
        sum += expf(tanhf(numbers[i]));
    for (int i = 0; i < N; i++) {
        made[i] = tanhf(numbers[i]) + (numbers[i] > 0 ? expf(tanhf(numbers[i])) / sum : 0);
        scale += expf(made[i]);
    }
    for (int i = 0; i < N; i++)
        expected[i] = expf(made[i]) / scale + made[i] + (numbers[N - 1 - i] > 0 ? 1.0f : 0.0f);
    assert_numbers(iv_plan_output(w->plan, 0), N, expected);
}

/* Each output has memory of its own: the caller may write there, and the next run gives the same
 * again. */
static void outputs_do_not_share_memory(void **state)
{
    world *w = *state;
    iv_node *x = in(w, "x", iv_dims(4)), *p = iv_parameter(w->graph, "p", iv_dims(4)), *y = iv_tanh(x);
    iv_node *outputs[] = {
        y, y, iv_reshape(y, iv_dims(2, 2)), x, p, iv_square(p), iv_like(x, 3), iv_scale(y, 2), y
    };
    float parameter[4] = { 1, 2, 3, 4 };
    const float *at[9];

    make_plan(w, 9, outputs, 0, NULL);
    assert_int_equal(iv_plan_bind(w->plan, "p", parameter, NULL), IV_OK);
    for (int time = 0; time < 3; time++) {
        give(w, "x", 4, NUMBERS(0, 0, 0, 0));
        run(w);
        for (int i = 0; i < 9; i++) {
            at[i] = iv_plan_output(w->plan, i);
            for (int k = 0; k < i; k++)
                assert_true(at[i] + 4 <= at[k] || at[k] + 4 <= at[i]);
        }
        assert_output(w, 4, 4, 1, 2, 3, 4);
        assert_output(w, 5, 4, 1, 4, 9, 16);
        assert_output(w, 6, 4, 3, 3, 3, 3);
        assert_output(w, 8, 4, 0, 0, 0, 0);
        give(w, "x", 4, NUMBERS(7, 7, 7, 7));
        assert_output(w, 3, 4, 0, 0, 0, 0);
        for (int i = 0; i < 9; i++)
            for (int k = 0; k < 4; k++)
                ((float *)(uintptr_t)at[i])[k] = 99;
        assert_true(parameter[0] == 1);
    }
}

static void arrays_may_be_empty(void **state)
{
    world *w = *state;
    iv_node *x = in(w, "x", iv_dims(0, 3));
    iv_node *outputs[] = { iv_tanh(x), iv_sum(x, 0, false),
                           iv_matmul(x, iv_fill(w->graph, iv_dims(3, 2), 1)) };

    make_plan(w, 3, outputs, 1, &(iv_update){ x, iv_shift(x, 1) });
    run(w);
    assert_output(w, 1, 3, 0, 0, 0);
}

/* ---- constants ------------------------------------------------------------------------------- */

/* Products of parameters alone are computed when parameters change, packed forms of them
 * included. */
static void constants_follow_the_version(void **state)
{
    enum { N = 40 };
    world *w = *state;
    static float a[N * N], b[N * N];
    uint64_t version = 1;
    iv_node *x = in(w, "x", iv_dims(N, N)), *p = iv_parameter(w->graph, "a", iv_dims(N, N)),
            *q = iv_parameter(w->graph, "b", iv_dims(N, N));
    iv_node *outputs[] = { iv_matmul(x, iv_matmul(iv_tanh(p), q)), iv_matmul(x, q) };

    make_plan(w, 2, outputs, 0, NULL);
    assert_int_equal(iv_plan_bind(w->plan, "a", a, &version), IV_OK);
    assert_int_equal(iv_plan_bind(w->plan, "b", b, &version), IV_OK);
    assert_true(iv_plan_memory_of(w->plan).constants >= sizeof a); /* the inner product */
    for (int i = 0; i < N; i++)
        ((float *)iv_plan_input(w->plan, "x"))[i * N + i] = 1;
    for (int time = 0; time < 3; time++) {
        for (int i = 0; i < N; i++) {
            a[i * N + i] = (float)(time + i);
            b[i * N + i] = 2;
        }
        run(w); /* at time 2 the caller does not say that they changed */
        for (int i = 0; i < N; i++) {
            float one = tanhf((float)((time == 2 ? 1 : time) + i)) * 2;
            assert_numbers((const float *)iv_plan_output(w->plan, 0) + i * N + i, 1, &one);
            assert_numbers((const float *)iv_plan_output(w->plan, 1) + i * N + i, 1, NUMBERS(2));
        }
        version += time == 0;
    }
    static float other[N * N];
    other[0] = 5;
    assert_int_equal(iv_plan_bind(w->plan, "b", other, &version), IV_OK); /* other memory is a change too */
    run(w);
    assert_numbers(iv_plan_output(w->plan, 1), 1, NUMBERS(5));
}

/* What the plan itself changes is computed anew at each run. */
static void changed_parameters_are_not_constant(void **state)
{
    world *w = *state;
    float p[2] = { 1, 2 };
    iv_node *leaf = iv_parameter(w->graph, "p", iv_dims(2)), *square = iv_square(leaf);
    iv_node *sum = iv_sum_all(iv_reshape(square, iv_dims(2, 1)));

    make_plan(w, 1, &sum, 1, &(iv_update){ leaf, iv_shift(leaf, 1) });
    assert_int_equal(iv_plan_bind(w->plan, "p", p, &(uint64_t){ 0 }), IV_OK);
    run(w);
    assert_output(w, 0, 1, 5);
    run(w);
    assert_output(w, 0, 1, 13);
    assert_true(p[0] == 3 && p[1] == 4);
}

/* ---- bad numbers ----------------------------------------------------------------------------- */

static void assert_bad(world *w, const char *message)
{
    assert_int_equal(iv_plan_find_bad(w->plan), IV_NUMERIC);
    assert_string_equal(iv_home_message(w->home), message);
    iv_home_clear(w->home);
}

static void the_first_bad_number_is_named(void **state)
{
    world *w = *state;
    static float x[5000];
    float p[2] = { 1, 1 };
    iv_node *in_x = in(w, "x", iv_dims(50, 100)), *in_y = in(w, "y", iv_dims(50, 100));
    w->graph->scope = "m/dense";
    iv_node *log = iv_log(in_x);
    w->graph->scope = "m/loss";
    iv_node *sum = iv_sum_all(iv_mul(iv_tanh(log), iv_exp(in_y)));
    w->graph->scope = "m/weights";
    iv_node *inverse = iv_reciprocal(iv_parameter(w->graph, "p", iv_dims(2)));
    w->graph->scope = "";
    iv_node *outputs[] = {
        sum, iv_sum_all(iv_add(inverse, iv_slice(iv_slice(in_x, 0, 0, 1, 1), 1, 0, 2, 1)))
    };
    uint64_t version = 0;

    make_plan(w, 2, outputs, 0, NULL);
    assert_int_equal(iv_plan_bind(w->plan, "p", p, &version), IV_OK);
    for (int i = 0; i < 5000; i++)
        x[i] = 1;
    give(w, "x", 5000, x);
    assert_int_equal(iv_plan_find_bad(w->plan), IV_OK);
    x[4321] = -1;
    give(w, "x", 5000, x);
    assert_bad(w, "m/dense/log gave nan at element 4321 of [50,100], for record 43 of the batch");
    x[4321] = 0;
    give(w, "x", 5000, x);
    assert_bad(w, "m/dense/log gave -inf at element 4321 of [50,100], for record 43 of the batch");
    x[4321] = NAN;
    give(w, "x", 5000, x);
    assert_bad(w, "the input 'x' holds nan at element 4321, for record 43 of the batch");
    x[4321] = 1;
    give(w, "x", 5000, x);
    x[17] = 100;
    give(w, "y", 5000, x);
    assert_bad(w, "m/loss/exp gave inf at element 17 of [50,100], for record 0 of the batch");
    x[17] = 1;
    give(w, "y", 5000, x);
    p[1] = 0;
    version++;
    assert_bad(w, "m/weights/reciprocal gave inf at element 1 of [2]");
    p[1] = 2;
    version++;
    run(w);
    assert_output(w, 1, 1, 3.5f);
    p[0] = INFINITY;
    assert_bad(w, "the parameter 'p' holds inf at element 0");
    assert_true(isfinite(*(const float *)iv_plan_output(w->plan, 0)));
}

/* What the plan has made simpler still stands where it was made. */
static void simplified_rows_keep_their_scope(void **state)
{
    world *w = *state;
    iv_node *x = in(w, "x", iv_dims(3));

    w->graph->scope = "m/norm";
    iv_node *y = iv_mul(x, iv_fill(w->graph, iv_scalar(), 1e30));
    w->graph->scope = "";
    make_plan(w, 1, &y, 0, NULL);
    give(w, "x", 3, NUMBERS(1, 1e30f, 1));
    assert_bad(w, "m/norm/scale gave inf at element 1 of [3], for record 1 of the batch");
}

static void plans_with_updates_are_not_run_again(void **state)
{
    world *w = *state;
    iv_node *x = in(w, "x", iv_dims(2));

    make_plan(w, 0, NULL, 1, &(iv_update){ x, iv_shift(x, 1) });
    assert_int_equal(iv_plan_find_bad(w->plan), IV_UNSUPPORTED);
    assert_string_equal(iv_home_message(w->home), "plan: a plan with updates would apply them again");
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void assert_no_plan(world *w, int n, iv_node *const outputs[], int n_updates,
                           const iv_update updates[], iv_status status, const char *message)
{
    iv_home_clear(w->home);
    assert_null(iv_plan_new(w->home, n, outputs, n_updates, updates));
    assert_string_equal(iv_home_message(w->home), message);
    assert_int_equal(iv_home_status(w->home), status);
}

static void plans_refuse_what_cannot_be(void **state)
{
    world *w = *state;
    iv_node *x = in(w, "x", iv_dims(2)), *y = iv_tanh(x),
            *ids = iv_input(w->graph, "ids", IV_I32, iv_dims(2));

    assert_no_plan(w, 0, NULL, 0, NULL, IV_VALUE, "plan: nothing is asked for");
    assert_no_plan(w, 0, NULL, 1, &(iv_update){ y, x }, IV_VALUE,
                   "plan: update 0 is of a node that is no leaf (tanh)");
    assert_no_plan(w, 0, NULL, 1, &(iv_update){ x, iv_sum_all(x) }, IV_SHAPE,
                   "plan: the new value of a leaf must be like it (x [2], sum_to [])");
    assert_no_plan(w, 0, NULL, 1, &(iv_update){ x, ids }, IV_SHAPE,
                   "plan: the new value of a leaf must be like it (x [2], ids [2])");
    assert_no_plan(w, 0, NULL, 2, (iv_update[]){ { x, y }, { x, x } }, IV_NAME,
                   "plan: 'x' would get two new values");
    iv_plan_free(NULL);
}

static void plans_ask_for_their_leaves(void **state)
{
    world *w = *state;
    iv_node *x = in(w, "x", iv_dims(2)), *p = iv_parameter(w->graph, "p", iv_dims(2)),
            *y = iv_mul(x, p);
    float numbers[2] = { 2, 3 };

    in(w, "unused", iv_dims(2));
    make_plan(w, 1, &y, 0, NULL);
    assert_int_equal(iv_plan_leaves(w->plan), 2);
    assert_ptr_equal(iv_plan_leaf(w->plan, 0), x);
    assert_ptr_equal(iv_plan_leaf(w->plan, 1), p);
    assert_null(iv_plan_input(w->plan, "unused"));
    assert_int_equal(iv_plan_bind(w->plan, "unused", numbers, NULL), IV_NAME);
    assert_string_equal(iv_home_message(w->home), "plan: it needs no leaf 'unused'");
    assert_int_equal(iv_plan_run(w->plan), IV_NAME);
    assert_string_equal(iv_home_message(w->home), "plan: the parameter 'p' is bound to no memory");
    assert_null(iv_plan_output(w->plan, 0));
    assert_int_equal(iv_plan_bind(w->plan, "p", numbers, NULL), IV_OK);
    give(w, "x", 2, NUMBERS(10, 20));
    run(w);
    assert_output(w, 0, 2, 20, 60);
    assert_int_equal(iv_plan_bind(w->plan, "x", numbers, NULL), IV_OK); /* inputs may live with the caller too */
    run(w);
    assert_output(w, 0, 2, 4, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(leaves_trade_places),
        IN_WORLD(integers_trade_places_too),
        IN_WORLD(updates_read_old_values),
        IN_WORLD(chains_are_computed_in_place),
        IN_WORLD(cheap_rows_are_read_whole_where_they_are_stored),
        IN_WORLD(cheap_rows_may_take_the_place_of_what_they_read),
        IN_WORLD(outputs_do_not_share_memory),
        IN_WORLD(arrays_may_be_empty),
        IN_WORLD(constants_follow_the_version),
        IN_WORLD(changed_parameters_are_not_constant),
        IN_WORLD(the_first_bad_number_is_named),
        IN_WORLD(simplified_rows_keep_their_scope),
        IN_WORLD(plans_with_updates_are_not_run_again),
        IN_WORLD(plans_refuse_what_cannot_be),
        IN_WORLD(plans_ask_for_their_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
