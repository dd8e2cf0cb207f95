/* plan_test.c: plans by hand: updates, memory of outputs, constants, bad numbers, refusals, and
 * memory that runs out. Random graphs are in plan_random_test.c. */
#include <ivory/derive.h>
#include <ivory/ops.h>
#include <ivory/plan.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/home.h"
#include "graph/node.h"
#include "scarce.h"

typedef struct world {
    iv_home *home;
    iv_graph *graph;
    iv_plan *plan;
} world;

static int world_begin(void **state)
{
    static world w;

    w = (world){ .home = iv_home_new(
                     &(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 }) };
    w.graph = iv_graph_new(w.home);
    *state = &w;
    return w.graph ? 0 : -1;
}

static int world_end(void **state)
{
    world *w = *state;

    iv_plan_free(w->plan);
    iv_graph_free(w->graph);
    int left = iv__home_bytes(w->home) != 0;
    iv_home_free(w->home);
    return left;
}

static iv_node *in(world *w, const char *name, iv_shape shape)
{
    return iv_input(w->graph, name, IV_F32, shape);
}

static void make_plan(world *w, int n, iv_node *const outputs[], int n_updates,
                      const iv_update updates[])
{
    iv_plan_free(w->plan);
    w->plan = iv_plan_new(w->home, n, outputs, n_updates, updates);
    if (!w->plan)
        fail_msg("%s", iv_home_message(w->home));
}

static void give(world *w, const char *name, int n, const float *numbers)
{
    float *to = iv_plan_input(w->plan, name);

    assert_non_null(to);
    memcpy(to, numbers, (size_t)n * sizeof *to);
}

static void run(world *w)
{
    if (iv_plan_run(w->plan))
        fail_msg("%s", iv_home_message(w->home));
}

static void assert_numbers(const void *got, int n, const float *expected)
{
    for (int i = 0; i < n; i++)
        if (!(fabsf(((const float *)got)[i] - expected[i]) <= 1e-6f))
            fail_msg("element %d is %g, not %g", i, (double)((const float *)got)[i],
                     (double)expected[i]);
}

#define NUMBERS(...) \
    (const float[])  \
    {                \
        __VA_ARGS__  \
    }
#define assert_output(w, i, n, ...) \
    assert_numbers(iv_plan_output((w)->plan, i), n, NUMBERS(__VA_ARGS__))
#define assert_leaf(w, name, n, ...) \
    assert_numbers(iv_plan_input((w)->plan, name), n, NUMBERS(__VA_ARGS__))

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

/* ---- memory ---------------------------------------------------------------------------------- */

static void running_allocates_nothing(void **state)
{
    world *w = *state;
    iv_node *x = in(w, "x", iv_dims(30, 40)), *p = iv_parameter(w->graph, "p", iv_dims(40, 50));
    iv_node *y = iv_softmax(iv_matmul(x, p));
    static float numbers[2000];
    uint64_t version = 0;

    make_plan(w, 1, &y, 1, &(iv_update){ x, iv_tanh(x) });
    assert_int_equal(iv_plan_bind(w->plan, "p", numbers, &version), IV_OK);
    run(w);
    size_t held = iv__home_bytes(w->home);
    const void *output = iv_plan_output(w->plan, 0);
    for (int time = 0; time < 5; time++) {
        version++;
        run(w);
        assert_int_equal(iv__home_bytes(w->home), held);
        assert_ptr_equal(iv_plan_output(w->plan, 0), output);
    }
}

static bool prints(const world *w, const char *word)
{
    FILE *file = tmpfile();
    char text[4000] = "";

    iv_plan_print(w->plan, file);
    rewind(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 100);
    fclose(file);
    return strstr(text, word);
}

/* One-hot vectors are never made where they only choose rows of a recurrent kernel, unless their
 * own gradient is asked for; the gradients of the weights are the same. */
static void one_hot_input_becomes_numbers(void **state)
{
    enum { N = 3, T = 5, V = 7, H = 4 };
    world *w = *state;
    const char *const names[] = { "w", "u", "b" };
    static float weights[3][V * 4 * H];
    iv_node *numbers = iv_input(w->graph, "numbers", IV_I32, iv_dims(N, T));
    iv_node *x = iv_one_hot(numbers, V), *none = iv_fill(w->graph, iv_dims(N, H), 0);
    iv_node *leaf[] = { iv_parameter(w->graph, "w", iv_dims(V, 4 * H)),
                        iv_parameter(w->graph, "u", iv_dims(H, 4 * H)),
                        iv_parameter(w->graph, "b", iv_dims(4 * H)), x };
    iv_node *y = iv_lstm_op(x, leaf[0], leaf[1], leaf[2], none, none, NULL, false).y, *d[4];
    float few[V * 4 * H];

    assert_int_equal(iv_gradient(iv_sum_all(iv_square(y)), 4, leaf, d), IV_OK);
    for (int all = 0; all < 2; all++) {
        make_plan(w, 3 + all, d, 0, NULL);
        assert_true(prints(w, "one_hot") == all);
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < V * 4 * H; j++)
                weights[i][j] = (float)((j * 7 + i) % 11) / 11 - 0.5f;
            assert_int_equal(iv_plan_bind(w->plan, names[i], weights[i], NULL), IV_OK);
        }
        for (int i = 0; i < N * T; i++)
            ((int32_t *)iv_plan_input(w->plan, "numbers"))[i] = (i * 3 + i / 4) % (V + 1); /* V: none */
        run(w);
        const float *dw = iv_plan_output(w->plan, 0);
        for (int j = 0; j < V * 4 * H; j++) {
            if (all)
                assert_float_equal(dw[j], few[j], 1e-6);
            few[j] = dw[j];
        }
    }
}

/* The chains of Adam become three rows, with the bits that each operation alone would give. */
static void optimizer_chains_become_rows(void **state)
{
    enum { N = 37 };
    world *w = *state;
    iv_node *p = in(w, "p", iv_dims(N)), *m = in(w, "m", iv_dims(N)), *v = in(w, "v", iv_dims(N)),
            *g = in(w, "g", iv_dims(N)), *rate = in(w, "rate", iv_scalar());
    iv_node *next_m = iv_add(m, iv_scale(iv_sub(g, m), 0.1)),
            *next_v = iv_add(v, iv_scale(iv_sub(iv_square(g), v), 0.001));
    iv_node *adam = iv_sub(p, iv_div(iv_mul(rate, next_m), iv_shift(iv_sqrt(next_v), 1e-7)));
    iv_node *rmsprop = iv_sub(p, iv_div(iv_mul(rate, g), iv_sqrt(iv_shift(next_v, 1e-7))));
    float x[4][N], step = 0.01f;

    make_plan(w, 4, (iv_node *[]){ next_m, next_v, adam, rmsprop }, 0, NULL);
    assert_true(prints(w, "average") && prints(w, "descend"));
    assert_false(prints(w, "sub") || prints(w, "sqrt") || prints(w, "scale"));
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < 4; k++)
            x[k][i] = (float)((i * 7 + k * 5) % 11 + 1) / 7;
    }
    give(w, "p", N, x[0]);
    give(w, "m", N, x[1]);
    give(w, "v", N, x[2]);
    give(w, "g", N, x[3]);
    give(w, "rate", 1, &step);
    run(w);
    for (int i = 0; i < N; i++) {
        float square = x[3][i] * x[3][i], part = (x[3][i] - x[1][i]) * 0.1f,
              other = (square - x[2][i]) * 0.001f;
        float mean = x[1][i] + part, spread = x[2][i] + other;
        float above = step * mean, below = sqrtf(spread) + 1e-7f, quotient = above / below;
        assert_true(((const float *)iv_plan_output(w->plan, 0))[i] == mean);
        assert_true(((const float *)iv_plan_output(w->plan, 1))[i] == spread);
        assert_true(((const float *)iv_plan_output(w->plan, 2))[i] == x[0][i] - quotient);
        above = step * x[3][i];
        below = sqrtf(spread + 1e-7f);
        quotient = above / below;
        assert_true(((const float *)iv_plan_output(w->plan, 3))[i] == x[0][i] - quotient);
    }
}

/* What memory_of foretells is what a first run takes from the home. */
static void memory_is_known_beforehand(void **state)
{
    world *w = *state;
    iv_node *x = in(w, "x", iv_dims(100, 200)), *p = iv_parameter(w->graph, "p", iv_dims(200, 300)),
            *y = x;
    static float numbers[60000];

    y = iv_tanh(iv_matmul(y, p));
    y = iv_matmul_with(iv_softmax(y), iv_square(p), false, true);
    make_plan(w, 1, &y, 0, NULL);
    iv_plan_memory m = iv_plan_memory_of(w->plan);
    assert_int_equal(m.inputs, 100 * 200 * 4);
    assert_true(m.constants >= sizeof numbers);
    assert_true(m.slab >= 100 * 300 * 4 && m.slab <= m.unshared + m.scratch * (size_t)m.groups);
    assert_int_equal(m.calls, 5);
    assert_int_equal(iv_plan_bind(w->plan, "p", numbers, NULL), IV_OK);
    size_t held = iv__home_bytes(w->home);
    run(w);
    assert_int_equal(iv__home_bytes(w->home) - held, m.slab + m.inputs + m.constants);

    assert_true(prints(w, "softmax"));
    assert_true(prints(w, "[100,300]"));
    assert_true(prints(w, "constant+0"));
}

/* Values that never live at the same time share their place. */
static void the_slab_is_shared(void **state)
{
    enum { LAYERS = 30 };
    world *w = *state;
    iv_node *x = in(w, "x", iv_dims(64, 64)), *y = x;

    for (int i = 0; i < LAYERS; i++)
        y = iv_softmax(iv_reverse(iv_matmul(y, x), 0));
    make_plan(w, 1, &y, 0, NULL);
    iv_plan_memory m = iv_plan_memory_of(w->plan);
    assert_true(m.unshared >= 3 * LAYERS * 64 * 64 * 4);
    assert_true(m.slab <= 4 * 64 * 64 * 4 + m.scratch);
}

/* ---- precisions ------------------------------------------------------------------------------ */

/* Where bf16 is no faster than f32, a convolution of fewer products stays in f32, and says why. */
/* No records, or pictures with no rows: results without elements, and gradients that are zeros. */
static void nothing_is_computed_of_nothing(void **state)
{
    world *w = *state;

    for (int records = 0; records < 2; records++) {
        iv_graph_free(w->graph);
        w->graph = iv_graph_new(w->home);
        iv_node *x = in(w, "x", iv_dims(records, 2 * (1 - records), 4, 3));
        iv_node *kernel = in(w, "w", iv_dims(3, 3, 3, 2)), *m = in(w, "m", iv_dims(2, 5));
        iv_node *y = iv_conv(x, kernel, .padding = IV_SAME);
        iv_node *z = iv_matmul(iv_reshape(y, iv_dims(0, 2)), m);
        iv_node *d[3], *of[] = { kernel, m, x };
        iv_node *loss = iv_sum_all(iv_square(z));
        assert_int_equal(iv_gradient(loss, 3, of, d), IV_OK);
        make_plan(w, 4, (iv_node *[]){ loss, d[0], d[1], d[2] }, 0, NULL);
        run(w);
        assert_output(w, 0, 1, 0);
        assert_output(w, 1, 4, 0, 0, 0, 0);
        assert_output(w, 2, 4, 0, 0, 0, 0);
        iv_plan_free(w->plan);
        w->plan = NULL;
    }
}

static void few_products_stay_in_f32(void **state)
{
    static const struct {
        const char *isa;
        bool winograd, bf16;
    } cases[] = {
        { "portable", true, false },
        { "portable", false, true },
        { "amx-emulated", true, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world w = { .home = iv_home_new(&(iv_home_options){
                        .size = sizeof(iv_home_options), .threads = 1, .isa = cases[i].isa }) };
        iv_home_set_precision(w.home, IV_PRECISION_BF16);
        iv_home_set_winograd(w.home, cases[i].winograd);
        w.graph = iv_graph_new(w.home);
        iv_node *x = in(&w, "x", iv_dims(1, 24, 24, 32)), *kernel = in(&w, "w", iv_dims(3, 3, 32, 32));
        iv_node *y = iv_conv_with(x, kernel, &(iv_conv_options){ .padding = IV_SAME });
        make_plan(&w, 1, &y, 0, NULL);
        const iv_plan_part part = iv_plan_part_of(w.plan, 0);
        assert_int_equal(part.bf16, cases[i].bf16);
        if (!cases[i].bf16)
            assert_non_null(strstr(part.why_f32, "fewer products"));
        iv_plan_free(w.plan);
        iv_graph_free(w.graph);
        iv_home_free(w.home);
    }
}

/* ---- memory that runs out -------------------------------------------------------------------- */

/* The n-th allocation fails, for n = 1, 2, 3 ... until all succeed. */
static void plans_survive_scarcity(void **state)
{
    static float p[64 * 64];

    (void)state;
    for (int64_t allowed = 1;; allowed++) {
        scarce s = { .left = 1000 };
        world w = { .home = scarce_home(&s) };
        w.graph = iv_graph_new(w.home);
        iv_node *x = in(&w, "x", iv_dims(64, 64)), *q = iv_parameter(w.graph, "p", iv_dims(64, 64)),
                *y = x;
        for (int i = 0; i < 30; i++)
            y = iv_tanh(iv_add(iv_matmul(y, iv_transpose(q, iv_dims(1, 0))),
                               iv_fill(w.graph, iv_scalar(), i)));
        assert_non_null(y);
        s.left = allowed;
        iv_node *outputs[] = { y, y, x };
        w.plan = iv_plan_new(w.home, 3, outputs, 1, &(iv_update){ x, iv_reverse(y, 0) });
        iv_status status = w.plan ? iv_plan_bind(w.plan, "p", p, NULL) : iv_home_status(w.home);
        if (!status)
            status = iv_plan_run(w.plan);
        if (status) {
            assert_int_equal(status, IV_NOMEM);
            assert_int_equal(iv_home_status(w.home), IV_NOMEM);
            assert_non_null(strstr(iv_home_message(w.home), "out of memory"));
        }
        if (status && w.plan) { /* a run that lacked memory can be tried again */
            s.left = 1000;
            assert_int_equal(iv_plan_run(w.plan), IV_OK);
        }
        iv_plan_free(w.plan);
        iv_graph_free(w.graph);
        iv_home_free(w.home);
        assert_int_equal(s.alive, 0);
        if (!status)
            return;
        assert_true(allowed < 500);
    }
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

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
        IN_WORLD(running_allocates_nothing),
        IN_WORLD(one_hot_input_becomes_numbers),
        IN_WORLD(optimizer_chains_become_rows),
        IN_WORLD(memory_is_known_beforehand),
        IN_WORLD(the_slab_is_shared),
        IN_WORLD(nothing_is_computed_of_nothing),
        cmocka_unit_test(few_products_stay_in_f32),
        cmocka_unit_test(plans_survive_scarcity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
