/* gradient_test.c: gradients of whole graphs: the loss of WGAN-GP, which holds a gradient
 * itself, higher orders, what does not depend, and what is refused. (Each row's own gradients
 * are checked by ops_check_test.c.) */
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

typedef struct world {
    iv_home *home;
    iv_graph *graph;
} world;

static int world_begin(void **state)
{
    static world w;

    w.home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 });
    w.graph = iv_graph_new_real(w.home, IV_F64);
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
    return iv_input(w->graph, name, IV_F64, shape);
}

static iv_plan *plan_of(world *w, int n, iv_node *const outputs[])
{
    iv_plan *plan = iv_plan_new(w->home, n, outputs, 0, NULL);

    if (!plan)
        fail_msg("%s", iv_home_message(w->home));
    return plan;
}

static double *give(iv_plan *plan, const iv_node *leaf, double start)
{
    double *to = iv_plan_input(plan, iv_node_name(leaf));

    for (int64_t i = 0; to && i < iv_shape_count(iv_node_shape(leaf)); i++)
        to[i] = sin(start + 1.7 * (double)i);
    return to;
}

/* ---- a loss that holds a gradient ------------------------------------------------------------ */

enum { N = 6, D = 5, H = 7, WEIGHTS = 4 };

/* mean(critic(x)) + 10 mean((|d critic / d x| - 1)^2), two layers of tanh. Gulrajani et al.
 * 2017. */
static iv_node *wgan_gp(world *w, iv_node *x, iv_node *const weight[WEIGHTS])
{
    iv_node *h = iv_tanh(iv_add(iv_matmul(x, weight[0]), weight[1]));
    iv_node *scores = iv_matmul(iv_tanh(iv_matmul(h, weight[2])), weight[3]), *slope; /* [N,1] */

    assert_int_equal(iv_gradient(scores, 1, &x, &slope), IV_OK);
    assert_true(iv_shape_same(iv_node_shape(slope), &iv_dims(N, D)));
    iv_node *norm = iv_sqrt(iv_sum(iv_square(slope), 1, false));
    (void)w;
    return iv_add(iv_mean_all(scores), iv_scale(iv_mean_all(iv_square(iv_shift(norm, -1))), 10));
}

static double loss_at(iv_plan *plan)
{
    assert_int_equal(iv_plan_run(plan), IV_OK);
    return *(const double *)iv_plan_output(plan, 0);
}

static void gradients_of_a_gradient_penalty(void **state)
{
    world *w = *state;
    iv_node *x = in(w, "x", iv_dims(N, D)), *d[WEIGHTS], *outputs[1 + WEIGHTS];
    iv_node *weight[] = { in(w, "w1", iv_dims(D, H)), in(w, "b1", iv_dims(H)),
                          in(w, "w2", iv_dims(H, H)), in(w, "w3", iv_dims(H, 1)) };

    outputs[0] = wgan_gp(w, x, weight);
    if (iv_gradient(outputs[0], WEIGHTS, weight, d))
        fail_msg("%s", iv_home_message(w->home));
    memcpy(outputs + 1, d, sizeof d);
    iv_plan *plan = plan_of(w, 1 + WEIGHTS, outputs);
    give(plan, x, 0.3);
    for (int i = 0; i < WEIGHTS; i++) {
        assert_true(iv_shape_same(iv_node_shape(d[i]), iv_node_shape(weight[i])));
        double *at = give(plan, weight[i], i);
        for (int64_t k = 0; k < iv_shape_count(iv_node_shape(weight[i])); k++)
            at[k] *= 0.5;
    }
    double loss = loss_at(plan), grad[WEIGHTS][H * H], step = 1e-5;
    assert_true(loss > 1 && loss < 100);
    for (int i = 0; i < WEIGHTS; i++)
        memcpy(grad[i], iv_plan_output(plan, 1 + i),
               (size_t)iv_shape_count(iv_node_shape(d[i])) * sizeof(double));
    for (int i = 0; i < WEIGHTS; i++) {
        double *at = iv_plan_input(plan, iv_node_name(weight[i])), largest = 0;
        for (int64_t k = 0; k < iv_shape_count(iv_node_shape(weight[i])); k++) {
            double was = at[k];
            at[k] = was + step;
            double up = loss_at(plan);
            at[k] = was - step;
            double difference = (up - loss_at(plan)) / (2 * step);
            at[k] = was;
            largest = fmax(largest, fabs(grad[i][k]));
            if (!(fabs(difference - grad[i][k]) <= 1e-7 * (1 + fabs(difference))))
                fail_msg("%s[%d]: %.12g by differences, %.12g by rules", iv_node_name(weight[i]),
                         (int)k, difference, grad[i][k]);
        }
        assert_true(largest > 1e-3);
    }
    iv_plan_free(plan);
}

static void higher_orders_are_ordinary(void **state)
{
    world *w = *state;
    iv_node *x = in(w, "x", iv_dims(4)), *y[4] = { iv_exp(iv_sin(x)) };

    for (int order = 1; order < 4; order++)
        assert_int_equal(iv_gradient(y[order - 1], 1, &x, &y[order]), IV_OK);
    iv_plan *plan = plan_of(w, 4, y);
    const double *at = give(plan, x, 1);
    assert_int_equal(iv_plan_run(plan), IV_OK);
    for (int i = 0; i < 4; i++) { /* of e^s: c e^s, (c^2 - s) e^s, (c^3 - 3 s c - c) e^s */
        double s = sin(at[i]), c = cos(at[i]), e = exp(s);
        double expected[] = { e, c * e, (c * c - s) * e, (c * c * c - 3 * s * c - c) * e };
        for (int order = 0; order < 4; order++)
            assert_true(fabs(((const double *)iv_plan_output(plan, order))[i] - expected[order]) < 1e-13);
    }
    iv_plan_free(plan);
}

/* ---- what depends on what -------------------------------------------------------------------- */

static void what_does_not_depend_gets_zeros(void **state)
{
    world *w = *state;
    iv_node *a = in(w, "a", iv_dims(3)), *b = in(w, "b", iv_dims(2, 2)), *later;
    iv_node *ids = iv_input(w->graph, "ids", IV_I32, iv_dims(3)), *y = iv_square(a);

    later = iv_tanh(y); /* made after y: no ancestor of it */
    iv_node *x[] = { b, a, later, ids, iv_stop_gradient(a), a }, *dx[6];
    assert_int_equal(iv_gradient(y, 6, x, dx), IV_OK);
    iv_plan *plan = plan_of(w, 6, dx);
    give(plan, a, 1);
    assert_int_equal(iv_plan_run(plan), IV_OK);
    for (int i = 0; i < 6; i++) {
        assert_true(iv_shape_same(iv_node_shape(dx[i]), iv_node_shape(x[i])));
        assert_int_equal(iv_node_dtype(dx[i]), iv_node_dtype(x[i]));
    }
    for (int i = 0; i < 4; i++)
        assert_true(((const double *)iv_plan_output(plan, 0))[i] == 0);
    for (int i = 0; i < 3; i++) {
        assert_true(((const double *)iv_plan_output(plan, 1))[i] == 2 * sin(1 + 1.7 * i));
        assert_true(((const double *)iv_plan_output(plan, 2))[i] == 0);
        assert_true(((const int32_t *)iv_plan_output(plan, 3))[i] == 0);
        assert_true(((const double *)iv_plan_output(plan, 4))[i] == 0);
        assert_true(((const double *)iv_plan_output(plan, 5))[i] == 2 * sin(1 + 1.7 * i));
    }
    iv_plan_free(plan);
}

/* Between x and y: the gradient at nodes on the way, at y itself, and through several ways at
 * once. */
static void ways_are_added(void **state)
{
    world *w = *state;
    iv_node *a = in(w, "a", iv_dims(3)), *s = iv_square(a);
    iv_node *y = iv_add(iv_mul(s, a), iv_add(iv_scale(a, 5), iv_mul(a, iv_stop_gradient(a))));
    iv_node *x[] = { a, s, y }, *dx[3];

    assert_int_equal(iv_gradient(y, 3, x, dx), IV_OK);
    iv_plan *plan = plan_of(w, 3, dx);
    const double *at = give(plan, a, 2);
    assert_int_equal(iv_plan_run(plan), IV_OK);
    for (int i = 0; i < 3; i++) {
        assert_true(fabs(((const double *)iv_plan_output(plan, 0))[i] -
                         (3 * at[i] * at[i] + 5 + at[i])) < 1e-14);
        assert_true(((const double *)iv_plan_output(plan, 1))[i] == at[i]);
        assert_true(((const double *)iv_plan_output(plan, 2))[i] == 1);
    }
    iv_plan_free(plan);
}

static void jumps_have_no_slope(void **state)
{
    world *w = *state;
    iv_node *a = in(w, "a", iv_dims(3)), *dx;

    assert_int_equal(iv_gradient(iv_mul(iv_sign(a), iv_cast(iv_argmax(a, 0), IV_F64)), 1, &a, &dx),
                     IV_OK);
    assert_string_equal(iv_node_op(dx), "fill");
}

static void gradient_nodes_stand_where_their_calls_do(void **state)
{
    world *w = *state;
    iv_node *a = in(w, "a", iv_dims(3)), *dx;

    w->graph->scope = "m/dense";
    iv_node *y = iv_tanh(a);
    w->graph->scope = "m/loss";
    assert_int_equal(iv_gradient(y, 1, &a, &dx), IV_OK);
    assert_string_equal(iv_node_name(dx), "m/dense");
    assert_string_equal(w->graph->scope, "m/loss");
    w->graph->scope = "";
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void a_second_derivative_through_a_fused_row_is_refused_by_name(void **state)
{
    world *w = *state;
    iv_node *x = in(w, "x", iv_dims(2, 3, 4)), *u = in(w, "u", iv_dims(5, 5)),
            *h0 = in(w, "h", iv_dims(2, 5));
    w->graph->scope = "m/simple_rnn";
    iv_node *k = in(w, "w", iv_dims(4, 5)), *b = in(w, "b", iv_dims(5)), *first, *second = x;
    iv_node *y = iv_simple_rnn_op(x, k, u, b, h0, NULL, false).y;
    w->graph->scope = "";

    assert_int_equal(iv_gradient(y, 1, &k, &first), IV_OK);
    assert_int_equal(iv_gradient(iv_square(first), 1, &u, &second), IV_UNSUPPORTED);
    assert_null(second);
    const char *message = iv_home_message(w->home);
    assert_non_null(strstr(message, "simple_rnn_back: no derivative of this order: "));
    assert_non_null(strstr(message, "m/simple_rnn"));
    assert_int_equal(iv_gradient(y, 1, &k, &first), IV_UNSUPPORTED); /* the graph keeps its first reason */
}

static void first_order_rows_off_the_way_do_not_matter(void **state)
{
    world *w = *state;
    iv_node *x = in(w, "x", iv_dims(2, 3, 4)), *u = in(w, "u", iv_dims(5, 5)),
            *h0 = in(w, "h", iv_dims(2, 5));
    iv_node *k = in(w, "w", iv_dims(4, 5)), *b = in(w, "b", iv_dims(5)),
            *a = in(w, "a", iv_dims(4, 5)), *first, *dx;

    assert_int_equal(iv_gradient(iv_simple_rnn_op(x, k, u, b, h0, NULL, false).y, 1, &k, &first), IV_OK);
    assert_int_equal(iv_gradient(iv_mul(a, first), 1, &a, &dx), IV_OK);
    assert_non_null(dx);
    assert_int_equal(iv_graph_status(w->graph), IV_OK);
}

static void nodes_of_nowhere_are_refused(void **state)
{
    world *w = *state;
    iv_graph *other = iv_graph_new_real(w->home, IV_F64);
    iv_node *a = in(w, "a", iv_dims(3)), *y = iv_tanh(a), *dx[2] = { a, a };
    iv_node *mixed[] = { a, iv_input(other, "b", IV_F64, iv_dims(3)) };

    assert_int_equal(iv_gradient(y, 2, mixed, dx), IV_VALUE);
    assert_string_equal(iv_home_message(w->home), "gradient: x 1 is no node of this graph");
    assert_null(dx[0]);
    mixed[1] = NULL;
    assert_int_equal(iv_gradient(y, 2, mixed, dx), IV_VALUE);
    assert_true(iv_gradient(NULL, 1, &a, dx) != IV_OK);
    assert_null(dx[0]);
    iv_graph_free(other);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(gradients_of_a_gradient_penalty),
        IN_WORLD(higher_orders_are_ordinary),
        IN_WORLD(what_does_not_depend_gets_zeros),
        IN_WORLD(ways_are_added),
        IN_WORLD(jumps_have_no_slope),
        IN_WORLD(gradient_nodes_stand_where_their_calls_do),
        IN_WORLD(a_second_derivative_through_a_fused_row_is_refused_by_name),
        IN_WORLD(first_order_rows_off_the_way_do_not_matter),
        IN_WORLD(nodes_of_nowhere_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
