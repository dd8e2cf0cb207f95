/* graph_test.c: making nodes: sharing, leaves, refusals and their messages, memory that runs
 * out. */
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
} world;

static int world_begin(void **state)
{
    static world w;

    w.home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 });
    w.graph = iv_graph_new(w.home);
    *state = &w;
    return w.graph ? 0 : -1;
}

static int world_end(void **state)
{
    world *w = *state;
    iv_graph_free(w->graph);
    int left = iv__home_bytes(w->home) != 0;
    iv_home_free(w->home);
    return left;
}

static iv_node *in(world *w, const char *name, iv_shape shape)
{
    return iv_input(w->graph, name, IV_F32, shape);
}

static void assert_refused(world *w, const iv_node *node, iv_status status, const char *message)
{
    assert_null(node);
    assert_string_equal(iv_graph_message(w->graph), message);
    assert_string_equal(iv_home_message(w->home), message);
    assert_int_equal(iv_graph_status(w->graph), status);
    iv_graph_free(w->graph);
    iv_home_clear(w->home);
    w->graph = iv_graph_new(w->home);
}

/* ---- sharing --------------------------------------------------------------------------------- */

static void equal_calls_are_one(void **state)
{
    world *w = *state;
    iv_node *a = in(w, "a", iv_dims(2, 3)), *b = in(w, "b", iv_dims(2, 3));
    iv_node *sum = iv_add(a, b);
    int calls = w->graph->n_calls;

    assert_ptr_equal(iv_add(a, b), sum);
    assert_ptr_equal(iv_scale(sum, 2), iv_scale(sum, 2));
    assert_ptr_equal(iv_reshape(sum, iv_dims(3, 2)), iv_reshape(sum, iv_dims(3, -1)));
    assert_ptr_equal(in(w, "a", iv_dims(2, 3)), a);
    assert_int_equal(w->graph->n_calls, calls + 2);
    assert_true(iv_add(b, a) != sum);
    assert_true(iv_scale(sum, 2) != iv_scale(sum, 2.0000000000000004));
    assert_true(iv_scale(sum, 0.0) != iv_scale(sum, -0.0)); /* they differ in their results */
    assert_true(iv_sub(a, b) != iv_sub(b, a));
    assert_true(iv_slice(a, 0, 0, 1, 1) != iv_slice(a, 0, 1, 1, 1));
}

static void texts_of_attributes_are_compared_and_kept(void **state)
{
    world *w = *state;
    iv_node *clock = iv_random_clock(w->graph);
    char place[] = "m/dropout";
    iv_node *first = iv_random_uniform(clock, iv_dims(4), place);

    assert_ptr_equal(iv_random_uniform(clock, iv_dims(4), "m/dropout"), first);
    place[0] = 'x';
    assert_true(iv_random_uniform(clock, iv_dims(4), place) != first);
    assert_ptr_equal(iv_random_uniform(clock, iv_dims(4), "m/dropout"), first);
}

/* Enough for the table of equal calls to grow several times. */
static void large_graphs_share_too(void **state)
{
    enum { N = 5000 };
    world *w = *state;
    iv_node *x = in(w, "x", iv_dims(2)), *chain[N];

    for (int i = 0; i < N; i++)
        chain[i] = x = iv_shift(x, 1 + i % 7);
    assert_int_equal(w->graph->n_calls, N + 1);
    x = in(w, "x", iv_dims(2));
    for (int i = 0; i < N; i++) {
        x = iv_shift(x, 1 + i % 7);
        assert_ptr_equal(x, chain[i]);
        assert_int_equal(x->call->id, i + 1); /* order of making, inputs first */
    }
    assert_int_equal(w->graph->n_calls, N + 1);
}

static void nodes_say_what_they_are(void **state)
{
    world *w = *state;
    iv_node *x = in(w, "x", iv_dims(2, 3)), *y = iv_tanh(x);

    assert_string_equal(iv_node_op(x), "input");
    assert_string_equal(iv_node_name(x), "x");
    assert_string_equal(iv_node_op(y), "tanh");
    assert_string_equal(iv_node_name(y), "");
    assert_ptr_equal(iv_node_graph(y), w->graph);
    assert_int_equal(iv_node_dtype(y), IV_F32);
    assert_int_equal(iv_node_dim(y, 1), 3);
    assert_int_equal(iv_node_dim(y, -2), 2);
    assert_int_equal(iv_node_dim(y, 2), 0);
    assert_int_equal(iv_node_dim(y, -3), 0);
    assert_int_equal(iv_node_dim(NULL, 0), 0);
    assert_int_equal(iv_graph_real(w->graph), IV_F32);
    assert_ptr_equal(iv_graph_home(w->graph), w->home);
    assert_int_equal(iv_graph_status(w->graph), IV_OK);
    assert_string_equal(iv_graph_message(w->graph), "");
    iv_graph_free(NULL);
}

/* ---- leaves ---------------------------------------------------------------------------------- */

static void a_leaf_is_its_name(void **state)
{
    world *w = *state;

    in(w, "x", iv_dims(2, 3));
    assert_refused(w, in(w, "x", iv_dims(3, 2)), IV_NAME,
                   "input 'x' is asked for as f32 [3,2], but the graph has input 'x' as f32 [2,3]");
    in(w, "x", iv_dims(2));
    assert_refused(w, iv_input(w->graph, "x", IV_I32, iv_dims(2)), IV_NAME,
                   "input 'x' is asked for as i32 [2], but the graph has input 'x' as f32 [2]");
    in(w, "x", iv_dims(2));
    assert_refused(w, iv_parameter(w->graph, "x", iv_dims(2)), IV_NAME,
                   "parameter 'x' is asked for as f32 [2], but the graph has input 'x' as f32 [2]");
    iv_input_sequence(w->graph, "x", IV_F32, iv_dims(2, 3), 1);
    assert_refused(w, in(w, "x", iv_dims(2, 3)), IV_NAME,
                   "input 'x' is asked for as f32 [2,3], but the graph has input 'x' as f32 [2,3]");
}

static void time_axes_count_from_either_end(void **state)
{
    world *w = *state;
    iv_node *x = iv_input_sequence(w->graph, "x", IV_I32, iv_dims(4, 9), -1);

    assert_int_equal(iv__leaf_of(x)->axis, 1);
    assert_ptr_equal(iv_input_sequence(w->graph, "x", IV_I32, iv_dims(4, 9), 1), x);
    assert_refused(w, iv_input_sequence(w->graph, "y", IV_I32, iv_dims(4, 9), 2), IV_SHAPE,
                   "y/input: there is no such time axis ()");
    assert_refused(w, iv_input_sequence(w->graph, "y", IV_I32, iv_dims(4, 9), -3), IV_SHAPE,
                   "y/input: there is no such time axis ()");
}

static void leaves_have_sizes_that_can_be(void **state)
{
    static const char message[] =
        "x/input: sizes must not be negative, axes not more than 8, and its bytes must be countable ()";
    world *w = *state;

    assert_non_null(in(w, "empty", iv_dims(3, 0)));
    assert_refused(w, in(w, "x", iv_dims(3, -1)), IV_SHAPE, message);
    assert_refused(w, in(w, "x", iv_dims(INT64_MAX, 2)), IV_SHAPE, message);
    assert_refused(w, in(w, "x", (iv_shape){ .rank = 9 }), IV_SHAPE, message);
    assert_refused(w, iv_input(w->graph, "x", (iv_dtype)77, iv_dims(3)), IV_SHAPE, message);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void refusals_name_row_reason_inputs_and_shapes(void **state)
{
    world *w = *state;
    iv_node *x = in(w, "x", iv_dims(32, 100)),
            *table = iv_parameter(w->graph, "writer/w", iv_dims(128, 512));

    assert_refused(w, iv_matmul(iv_tanh(x), table), IV_SHAPE,
                   "matmul: inner sizes differ (tanh [32,100], writer/w [128,512])");
    x = in(w, "x", iv_dims(32, 100));
    w->graph->scope = "writer/lstm";
    iv_node *y = iv_tanh(x);
    w->graph->scope = "critic";
    assert_refused(w, iv_reshape(y, iv_dims(7)), IV_SHAPE,
                   "critic/reshape: the new shape must have as many elements (writer/lstm/tanh [32,100])");
    x = in(w, "x", iv_dims(INT64_C(1) << 40));
    assert_refused(w, iv_broadcast_to(x, iv_dims(INT64_C(1) << 30, INT64_C(1) << 40)), IV_SHAPE,
                   "broadcast_to: the result would be too large to count its bytes (x [1099511627776])");
}

static void the_first_reason_is_kept(void **state)
{
    world *w = *state;
    iv_node *x = in(w, "x", iv_dims(2, 3));
    iv_node *bad = iv_reshape(x, iv_dims(7));

    assert_null(iv_add(bad, iv_tanh(bad)));
    assert_null(iv_matmul(x, x));
    assert_null(in(w, "y", iv_dims(2)));
    assert_null(iv_parameter(NULL, "w", iv_dims(2)));
    assert_null(iv_input(NULL, "x", IV_F32, iv_dims(2)));
    assert_refused(w, bad, IV_SHAPE, "reshape: the new shape must have as many elements (x [2,3])");
}

static void plans_say_why_a_node_is_missing(void **state)
{
    world *w = *state;
    iv_node *x = in(w, "x", iv_dims(2, 3)), *bad = iv_reshape(x, iv_dims(7)),
            *both[] = { x, iv_tanh(bad) };

    iv_home_clear(w->home);
    assert_null(iv_plan_new(w->home, 2, both, 0, NULL));
    assert_int_equal(iv_home_status(w->home), IV_SHAPE);
    assert_string_equal(iv_home_message(w->home), iv_graph_message(w->graph));
    iv_home_clear(w->home);
    assert_null(iv_plan_new(w->home, 1, both, 0, NULL)); /* x itself is sound, but its graph is not */
    assert_string_equal(iv_home_message(w->home), iv_graph_message(w->graph));
    iv_home_clear(w->home);
    assert_null(iv_plan_new(w->home, 1, &both[1], 0, NULL));
    assert_string_equal(iv_home_message(w->home), "plan: output 0 is NULL");
}

static void graphs_do_not_mix(void **state)
{
    world *w = *state;
    iv_graph *other = iv_graph_new(w->home);
    iv_node *x = in(w, "x", iv_dims(2)), *y = iv_input(other, "y", IV_F32, iv_dims(2)),
            *both[] = { x, y };

    assert_null(iv_plan_new(w->home, 2, both, 0, NULL));
    assert_string_equal(iv_home_message(w->home), "plan: output 1 is a node of another graph");
    iv_update update = { x, y };
    assert_null(iv_plan_new(w->home, 0, NULL, 1, &update));
    assert_string_equal(iv_home_message(w->home), "plan: update 0 has nodes of another graph");
    assert_refused(w, iv_add(x, y), IV_VALUE, "add: its inputs are nodes of different graphs");
    iv_graph_free(other);
}

static void calls_take_so_many_inputs(void **state)
{
    world *w = *state;
    iv_node *x[IV_MAX_IN + 6];
    char name[16];

    for (int i = 0; i < IV_MAX_IN + 6; i++) {
        snprintf(name, sizeof name, "x%d", i);
        x[i] = in(w, name, iv_dims(2));
    }
    const iv_op *concat = iv_concat(2, x, 0)->call->op;
    int64_t axis = 0;
    assert_refused(w, iv_apply(w->graph, concat, IV_MAX_IN + 6, x, &axis), IV_VALUE,
                   "concat: it takes 1 to 24 inputs and got 30");
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* The n-th allocation fails, for n = 1, 2, 3 ...: a graph refuses, keeps refusing and is freed
 * whole. */
static void graphs_survive_scarcity(void **state)
{
    (void)state;
    for (int64_t allowed = 1;; allowed++) {
        scarce s = { .left = allowed };
        iv_home *home = scarce_home(&s);
        iv_graph *graph = iv_graph_new(home);
        iv_node *x = graph ? iv_input(graph, "x", IV_F32, iv_dims(4)) : NULL, *y = x;
        for (int i = 0; i < 600; i++) /* some grow its tables */
            y = iv_shift(y, i);
        iv_node *after = iv_tanh(x);
        if (graph && !y) {
            assert_int_equal(iv_graph_status(graph), IV_NOMEM);
            assert_non_null(strstr(iv_graph_message(graph), "out of memory"));
            s.left = 100; /* memory is there again: what was begun can be used or is refused, never half made */
            after = iv_tanh(x);
            assert_true(!after || after->call->op != x->call->op);
        }
        assert_true(graph || iv_home_status(home) == IV_NOMEM);
        iv_graph_free(graph);
        iv_home_free(home);
        assert_int_equal(s.alive, 0);
        if (y)
            return;
        assert_true(allowed < 100);
    }
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(equal_calls_are_one),
        IN_WORLD(texts_of_attributes_are_compared_and_kept),
        IN_WORLD(large_graphs_share_too),
        IN_WORLD(nodes_say_what_they_are),
        IN_WORLD(a_leaf_is_its_name),
        IN_WORLD(time_axes_count_from_either_end),
        IN_WORLD(leaves_have_sizes_that_can_be),
        IN_WORLD(refusals_name_row_reason_inputs_and_shapes),
        IN_WORLD(the_first_reason_is_kept),
        IN_WORLD(plans_say_why_a_node_is_missing),
        IN_WORLD(graphs_do_not_mix),
        IN_WORLD(calls_take_so_many_inputs),
        cmocka_unit_test(graphs_survive_scarcity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
