/* ops_build_test.c: what builders do beyond one row: broadcasting, refusals, fusing, and what rows
 * promise together. */
#include <ivory/derive.h>
#include <ivory/ops.h>

#include "base/home.h"
#include "common/evaluate.h"
#include "ops/common_math.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- a graph with leaves of given numbers ---------------------------------------------------- */

enum { MAX_LEAVES = 80 };

typedef struct world {
    iv_home *home;
    iv_graph *graph;
    int n_leaves;
    iv_node *leaf[MAX_LEAVES];
    void *data[MAX_LEAVES];
} world;

static world world_new(iv_dtype real)
{
    world w = { .home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 }) };

    w.graph = iv_graph_new_real(w.home, real);
    return w;
}

static void world_free(world *w)
{
    for (int i = 0; i < w->n_leaves; i++)
        iv__free(w->home, w->data[i]);
    iv_graph_free(w->graph);
    assert_int_equal(iv__home_bytes(w->home), 0);
    iv_home_free(w->home);
}

static iv_node *add_leaf(world *w, iv_dtype dtype, iv_shape shape)
{
    char name[16];

    assert_true(w->n_leaves < MAX_LEAVES);
    snprintf(name, sizeof name, "leaf%d", w->n_leaves);
    w->leaf[w->n_leaves] = iv_input(w->graph, name, dtype, shape);
    w->data[w->n_leaves] = iv__alloc_array(w->home, iv_shape_count(&shape), iv_dtype_size(dtype));
    return w->leaf[w->n_leaves++];
}

/* Numbers that vary: (start + i step) folded into [-1, 1). */
static iv_node *varied(world *w, double start, iv_shape shape)
{
    iv_node *node = add_leaf(w, IV_F64, shape);

    for (int64_t i = 0; i < iv_shape_count(&shape); i++)
        ((double *)w->data[w->n_leaves - 1])[i] = fmod(start + (double)i * 0.37, 2) - 1;
    return node;
}

static iv_node *reals(world *w, iv_shape shape, const double *value)
{
    iv_node *node = add_leaf(w, IV_F64, shape);

    memcpy(w->data[w->n_leaves - 1], value, (size_t)iv_shape_count(&shape) * sizeof *value);
    return node;
}

static iv_node *integers(world *w, iv_shape shape, const int32_t *value)
{
    iv_node *node = add_leaf(w, IV_I32, shape);

    memcpy(w->data[w->n_leaves - 1], value, (size_t)iv_shape_count(&shape) * sizeof *value);
    return node;
}

#define REALS(w, shape, ...) reals(w, shape, (const double[]){ __VA_ARGS__ })
#define INTEGERS(w, shape, ...) integers(w, shape, (const int32_t[]){ __VA_ARGS__ })

static void *leaf_memory(void *context, const iv_node *leaf)
{
    world *w = context;

    for (int i = 0; i < w->n_leaves; i++)
        if (w->leaf[i] == leaf)
            return w->data[i];
    fail_msg("leaf '%s' has no memory", iv_node_name(leaf));
    return NULL;
}

static void assert_values(world *w, iv_node *node, int n, const double *expected)
{
    if (!node)
        fail_msg("%s", iv_graph_message(w->graph));
    evaluation e = evaluate(w->graph, 1, &node, leaf_memory, w);

    assert_int_equal(iv_shape_count(&node->shape), n);
    for (int i = 0; i < n; i++) {
        double got = evaluation_at(&e, node, i);
        if (!(fabs(got - expected[i]) <= 1e-12 * (1 + fabs(expected[i]))))
            fail_msg("element %d is %.17g and should be %.17g", i, got, expected[i]);
    }
    evaluation_free(&e);
}

#define ASSERT_VALUES(w, node, ...)                                                   \
    assert_values(w, node, (int)(sizeof((double[]){ __VA_ARGS__ }) / sizeof(double)), \
                  (const double[]){ __VA_ARGS__ })

/* Two nodes of one graph have the same values. */
static void assert_equal_nodes(world *w, iv_node *a, iv_node *b)
{
    if (!a || !b)
        fail_msg("%s", iv_graph_message(w->graph));
    evaluation e = evaluate(w->graph, 2, (iv_node *[]){ a, b }, leaf_memory, w);

    assert_true(iv_shape_same(&a->shape, &b->shape));
    for (int64_t i = 0; i < iv_shape_count(&a->shape); i++) {
        double x = evaluation_at(&e, a, i), y = evaluation_at(&e, b, i);
        if (!(fabs(x - y) <= 1e-12 * (1 + fabs(y))))
            fail_msg("element %d: %.17g and %.17g", (int)i, x, y);
    }
    evaluation_free(&e);
}

static void assert_refused(world *w, iv_node *node, const char *message)
{
    assert_null(node);
    if (!strstr(iv_graph_message(w->graph), message))
        fail_msg("'%s' should be in '%s'", message, iv_graph_message(w->graph));
    w->graph->status = IV_OK;
}

/* ---- builders -------------------------------------------------------------------------------- */

static void binary_builders_broadcast(void **state)
{
    world w = world_new(IV_F64);
    iv_node *column = REALS(&w, iv_dims(2, 1), 1, 2), *row = REALS(&w, iv_dims(3), 10, 20, 30);

    (void)state;
    ASSERT_VALUES(&w, iv_add(column, row), 11, 21, 31, 12, 22, 32);
    ASSERT_VALUES(&w, iv_sub(row, iv_fill(w.graph, iv_scalar(), 5)), 5, 15, 25);
    ASSERT_VALUES(&w, iv_select(iv_less(column, iv_fill(w.graph, iv_scalar(), 2)), row, column), 10,
                  20, 30, 2, 2, 2);
    ASSERT_VALUES(&w, iv_equal(INTEGERS(&w, iv_dims(3), 1, 2, 3), iv_fill_i32(w.graph, iv_scalar(), 2)),
                  0, 1, 0);
    world_free(&w);
}

static void refusals_name_things(void **state)
{
    world w = world_new(IV_F32);
    iv_node *x = iv_input(w.graph, "x", IV_F32, iv_dims(2, 3)),
            *i = iv_input(w.graph, "i", IV_I32, iv_dims(2));
    iv_node *wide = iv_input(w.graph, "wide", IV_F64, iv_dims(2, 3)),
            *d = iv_input(w.graph, "d", IV_F32, iv_dims(4));

    (void)state;
    assert_refused(&w, iv_add(x, d), "add: shapes do not stretch to one (x [2,3], d [4])");
    assert_refused(&w, iv_add(x, i), "add: shapes do not stretch to one (x [2,3], i [2])");
    assert_refused(&w, iv_exp(i), "exp: elements must be of the graph's real type");
    assert_refused(&w, iv_add(x, wide), "add: elements must be of the graph's real type");
    assert_refused(&w, iv_slice(x, 2, 0, 1, 1), "slice: the axis is out of range (x [2,3])");
    assert_refused(&w, iv_slice(x, -1, 1, 3, 1), "slice: the slice reaches beyond the axis");
    assert_refused(&w, iv_slice(x, 1, 0, 2, INT64_MAX), "slice: the slice reaches beyond the axis");
    assert_refused(&w, iv_pad(x, 0, INT64_MAX, 1), "pad: the padded axis is too long");
    assert_refused(&w, iv_reshape(x, iv_dims(4, -1)),
                   "reshape: the new shape must have as many elements");
    assert_refused(&w, iv_reshape(x, iv_dims(INT64_MAX, 4)), "reshape: ");
    assert_refused(&w, iv_transpose(x, iv_dims(0, 0)), "transpose: the order must name every axis once");
    assert_refused(&w, iv_sum(x, 2, true), "sum: axis 2 is out of range (x [2,3])");
    assert_refused(&w, iv_matmul(x, x), "matmul: inner sizes differ (x [2,3], x [2,3])");
    iv_node *image = iv_fill(w.graph, iv_dims(1, 4, 4, 3), 1),
            *taps = iv_fill(w.graph, iv_dims(3, 3, 3, 2), 1);
    assert_refused(&w, iv_conv(x, x), "conv: one to three spatial axes are expected");
    assert_refused(&w, iv_conv(image, iv_fill(w.graph, iv_dims(3, 3, 3), 1)),
                   "conv: both inputs need as many axes");
    assert_refused(&w, iv_conv(image, iv_fill(w.graph, iv_dims(3, 3, 2, 2), 1)),
                   "conv: the channels of x and w differ");
    assert_refused(&w, iv_conv(image, taps, .groups = 2),
                   "conv: the groups must divide channels and filters");
    assert_refused(&w, iv_conv(image, taps, .stride = { -1, 1 }),
                   "convolution: strides and dilations must be 1 to");
    assert_refused(&w, iv_conv(image, taps, .dilation = { 1, 2 }),
                   "conv: the kernel is larger than what it moves over");
    assert_refused(&w, iv_conv(image, taps, .stride = { INT64_MAX, 1 }, .padding = IV_SAME),
                   "convolution: ");
    assert_refused(&w, iv_conv(image, taps, .before = { INT64_MIN }, .padding = IV_EXPLICIT),
                   "convolution: ");
    assert_refused(&w, iv_conv(image, iv_fill(w.graph, iv_dims(0, 3, 3, 2), 1), .padding = IV_SAME),
                   "conv: the kernel must have at least one tap along each axis");
    iv_node *small = iv_fill(w.graph, iv_dims(1, 4, 4, 2), 1);
    assert_refused(&w, iv_conv_transpose(small, taps, .after = { INT64_MAX }, .padding = IV_EXPLICIT),
                   "convolution: ");
    assert_refused(&w, iv_conv_transpose(small, taps, .before = { INT32_MAX }, .padding = IV_EXPLICIT),
                   "conv_x: nothing is left of axis 1");
    assert_refused(&w, iv_conv_transpose(small, taps, .stride = { INT32_MAX, 1 }),
                   "conv_x: nothing is left");
    assert_refused(&w, iv_conv_transpose(image, taps), "conv_x: the filters of w and y differ");
    assert_refused(&w, iv_gather(x, d), "gather: the index must be i32");
    assert_refused(&w, iv_clip(x, 1, 0), "clip: the low bound must not be above the high one");
    assert_refused(&w, iv_fill_i32(w.graph, iv_dims(1), INT64_C(1) << 31), "is no i32");
    assert_refused(&w, iv_lstm_op(x, x, x, x, x, x, NULL, false).y, "lstm: x must be [N,T,I]");
    world_free(&w);
}

/* Sizes of y as Keras has them, and that the transposed convolution leads back. */
static void convolutions_have_sizes(void **state)
{
    static const struct {
        int64_t x, taps, stride, dilation, y, back;
        iv_padding padding;
    } row[] = { { 5, 3, 2, 1, 3, 6, IV_SAME },     { 4, 3, 2, 1, 2, 4, IV_SAME },
                { 4, 4, 2, 1, 2, 4, IV_SAME },     { 5, 3, 1, 2, 5, 5, IV_SAME },
                { 3, 1, 5, 1, 1, 5, IV_SAME },     { 7, 3, 2, 1, 3, 7, IV_VALID },
                { 8, 3, 2, 1, 3, 7, IV_VALID },    { 8, 3, 1, 3, 2, 8, IV_VALID },
                { 5, 2, 1, 1, 8, 5, IV_EXPLICIT }, { 6, 1, 2, 1, 5, 5, IV_EXPLICIT } };
    world w = world_new(IV_F32);

    (void)state;
    for (size_t k = 0; k < sizeof row / sizeof row[0]; k++) {
        iv_node *x = iv_fill(w.graph, iv_dims(1, row[k].x, 2), 1);
        iv_node *taps = iv_fill(w.graph, iv_dims(row[k].taps, 2, 3), 1);
        iv_conv_options o = { .stride = { row[k].stride },
                              .dilation = { row[k].dilation },
                              .padding = row[k].padding,
                              .before = { 1 },
                              .after = { 3 } };
        iv_node *y = iv_conv_with(x, taps, &o);

        assert_int_equal(iv_node_dim(y, 1), row[k].y);
        assert_int_equal(iv_node_dim(y, 2), 3);
        assert_int_equal(iv_node_dim(iv_conv_transpose_with(y, taps, &o), 1), row[k].back);
    }
    world_free(&w);
}

static void null_passes_through(void **state)
{
    iv_node *none = NULL;

    (void)state;
    assert_null(iv_exp(NULL));
    assert_null(iv_add(NULL, NULL));
    assert_null(iv_select(NULL, NULL, NULL));
    assert_null(iv_mean(NULL, 0, true));
    assert_null(iv_mean_all(NULL));
    assert_null(iv_matmul_with(NULL, NULL, true, true));
    assert_null(iv_conv(NULL, NULL));
    assert_null(iv_conv_transpose(NULL, NULL));
    assert_null(iv_concat(1, &none, 0));
    assert_null(iv_cross_entropy_each(NULL, NULL, NULL));
    assert_null(iv_repeat(NULL, 0, 2));
    assert_null(iv_fill(NULL, iv_dims(2), 1));
    assert_null(iv_random_normal(iv_random_clock(NULL), iv_dims(2), "p"));
    assert_null(iv_gru_op(NULL, NULL, NULL, NULL, NULL, NULL, false, false).h);
}

static void what_changes_nothing_is_no_node(void **state)
{
    world w = world_new(IV_F64);
    iv_node *x = varied(&w, 0, iv_dims(2, 3));

    (void)state;
    assert_ptr_equal(iv_reshape(x, iv_dims(2, -1)), x);
    assert_ptr_equal(iv_broadcast_to(x, iv_dims(2, 3)), x);
    assert_ptr_equal(iv_sum_to(x, iv_dims(2, 3)), x);
    assert_ptr_equal(iv_slice(x, -1, 0, 3, 1), x);
    assert_ptr_equal(iv_pad(x, 0, 0, 0), x);
    assert_ptr_equal(iv_scale(x, 1), x);
    assert_ptr_equal(iv_cast(x, IV_F64), x);
    world_free(&w);
}

static void sums_means_and_repeats(void **state)
{
    world w = world_new(IV_F64);
    iv_node *x = REALS(&w, iv_dims(2, 3), 1, 2, 3, 4, 5, 9);

    (void)state;
    ASSERT_VALUES(&w, iv_sum(x, -1, false), 6, 18);
    ASSERT_VALUES(&w, iv_mean(x, 0, true), 2.5, 3.5, 6);
    ASSERT_VALUES(&w, iv_sum_all(x), 24);
    ASSERT_VALUES(&w, iv_mean_all(x), 4);
    ASSERT_VALUES(&w, iv_max_of(x, 0, false), 4, 5, 9);
    ASSERT_VALUES(&w, iv_repeat(iv_sum(x, 1, false), 1, 2), 6, 6, 18, 18);
    ASSERT_VALUES(&w, iv_repeat(iv_sum(x, 1, false), 0, 2), 6, 18, 6, 18);
    world_free(&w);
}

static void a_transposed_left_side_meets_a_plain_right_side(void **state)
{
    world w = world_new(IV_F64);
    iv_node *a = varied(&w, 0, iv_dims(2, 4, 3)), *b = varied(&w, 1, iv_dims(4, 5));
    iv_node *dx[2], *dx_by_hand[2];

    (void)state;
    iv_node *y = iv_matmul_with(a, b, true, false);
    iv_node *by_hand = iv_matmul(iv_transpose(a, iv_dims(0, 2, 1)), b);
    assert_equal_nodes(&w, y, by_hand);
    assert_int_equal(iv_gradient(iv_square(y), 2, (iv_node *[]){ a, b }, dx), IV_OK);
    assert_int_equal(iv_gradient(iv_square(by_hand), 2, (iv_node *[]){ a, b }, dx_by_hand), IV_OK);
    assert_equal_nodes(&w, dx[0], dx_by_hand[0]);
    assert_equal_nodes(&w, dx[1], dx_by_hand[1]);
    world_free(&w);
}

static void many_pieces_are_joined(void **state)
{
    enum { PIECES = 60 };
    world w = world_new(IV_F64);
    iv_node *piece[PIECES], *dx[PIECES];
    double expected[2 * PIECES];

    (void)state;
    for (int i = 0; i < PIECES; i++) {
        piece[i] = REALS(&w, iv_dims(2, 1), (double)i, (double)-i);
        expected[i] = i;
        expected[PIECES + i] = -i;
    }
    assert_values(&w, iv_concat(PIECES, piece, -1), 2 * PIECES, expected);
    assert_int_equal(iv_gradient(iv_square(iv_concat(PIECES, piece, 1)), PIECES, piece, dx), IV_OK);
    ASSERT_VALUES(&w, dx[59], 118, -118);
    world_free(&w);
}

static void equals_share_the_gradient(void **state)
{
    world w = world_new(IV_F64);
    iv_node *x[] = { REALS(&w, iv_dims(3), 1, 2, 3), REALS(&w, iv_dims(3), 1, 3, 2) }, *dx[2];

    (void)state;
    assert_int_equal(iv_gradient(iv_max(x[0], x[1]), 2, x, dx), IV_OK);
    ASSERT_VALUES(&w, dx[0], 0.5, 0, 1);
    ASSERT_VALUES(&w, dx[1], 0.5, 1, 0);
    iv_node *tied = REALS(&w, iv_dims(4), 7, 1, 7, 7);
    assert_int_equal(iv_gradient(iv_max_of(tied, 0, false), 1, &tied, dx), IV_OK);
    ASSERT_VALUES(&w, dx[0], 1.0 / 3, 0, 1.0 / 3, 1.0 / 3);
    assert_int_equal(iv_gradient(iv_stop_gradient(tied), 1, &tied, dx), IV_OK);
    ASSERT_VALUES(&w, dx[0], 0, 0, 0, 0);
    world_free(&w);
}

/* ---- cross-entropy --------------------------------------------------------------------------- */

static void a_dense_layer_and_its_loss_are_one_row(void **state)
{
    world w = world_new(IV_F64);
    iv_node *x = varied(&w, 0, iv_dims(2, 3, 4)), *m = varied(&w, 0.5, iv_dims(4, 5)),
            *b = varied(&w, 1, iv_dims(5));
    iv_node *target = INTEGERS(&w, iv_dims(2, 3), 0, 4, 77, 2, 1, -1), *in[] = { x, m, b };
    iv_node *weight = REALS(&w, iv_dims(2, 3), 1, 0.5, 0, 2, 1, 0), *fused_d[3], *plain_d[3];

    (void)state;
    iv_node *logits = iv_add(iv_matmul(x, m), b);
    iv_node *fused = iv_cross_entropy_each(logits, target, weight);
    iv_node *plain = iv_cross_entropy_each(iv_neg(iv_neg(logits)), target, weight);
    assert_string_equal(iv_node_op(fused), "linear_cross_entropy");
    assert_string_equal(iv_node_op(plain), "neg");
    assert_equal_nodes(&w, fused, plain);
    assert_int_equal(iv_gradient(fused, 3, in, fused_d), IV_OK);
    assert_int_equal(iv_gradient(plain, 3, in, plain_d), IV_OK);
    for (int k = 0; k < 3; k++)
        assert_equal_nodes(&w, fused_d[k], plain_d[k]);

    iv_node *transposed = iv_add(iv_matmul_with(x, varied(&w, 0.5, iv_dims(5, 4)), false, true), b);
    assert_string_equal(iv_node_op(iv_cross_entropy_each(transposed, target, NULL)), "neg");
    iv_node *shared = iv_add(iv_matmul(x, m), varied(&w, 1, iv_dims(1)));
    assert_string_equal(iv_node_op(iv_cross_entropy_each(shared, target, NULL)), "neg");
    world_free(&w);
}

static void weights_of_a_stored_loss_have_a_gradient(void **state)
{
    world w = world_new(IV_F64);
    iv_node *logits = REALS(&w, iv_dims(3, 2), 0, 0, 0, 0, 0, 0),
            *target = INTEGERS(&w, iv_dims(3), 0, 1, 9);
    iv_node *weight = REALS(&w, iv_dims(3), 2, 0, 0), *dx;

    (void)state;
    iv_node *loss = iv_cross_entropy_each(logits, target, weight);
    ASSERT_VALUES(&w, loss, 2 * log(2), 0, 0);
    assert_int_equal(iv_gradient(loss, 1, &weight, &dx), IV_OK);
    ASSERT_VALUES(&w, dx, log(2), log(2), log(2));

    iv_node *x = varied(&w, 0, iv_dims(3, 4)), *m = varied(&w, 0, iv_dims(4, 2)),
            *b = varied(&w, 0, iv_dims(2));
    iv_node *fused = iv_cross_entropy_each(iv_add(iv_matmul(x, m), b), target, weight);
    assert_int_equal(iv_gradient(fused, 1, &weight, &dx), IV_UNSUPPORTED);
    assert_non_null(
        strstr(iv_graph_message(w.graph), "linear_cross_entropy: no derivative for the weight"));
    world_free(&w);
}

/* ---- recurrent rows -------------------------------------------------------------------------- */

enum { LSTM, GRU_BEFORE, GRU_AFTER, SIMPLE, CELLS };

typedef struct weights {
    iv_node *w, *u, *b, *h0, *c0;
} weights;

static weights weights_of(world *w, int cell, int64_t n, int64_t inputs, int64_t units)
{
    const int64_t wide = (cell == LSTM ? 4 : cell == SIMPLE ? 1 : 3) * units;

    return (weights){ varied(w, 0.1, iv_dims(inputs, wide)), varied(w, 0.9, iv_dims(units, wide)),
                      varied(w, 1.3, cell == GRU_AFTER ? iv_dims(2, wide) : iv_dims(wide)),
                      varied(w, 0.4, iv_dims(n, units)), varied(w, 1.7, iv_dims(n, units)) };
}

static iv_recurrent_out run_cell(int cell, iv_node *x, const weights *p, iv_node *mask, bool reverse)
{
    if (cell == LSTM)
        return iv_lstm_op(x, p->w, p->u, p->b, p->h0, p->c0, mask, reverse);
    if (cell == SIMPLE)
        return iv_simple_rnn_op(x, p->w, p->u, p->b, p->h0, mask, reverse);
    return iv_gru_op(x, p->w, p->u, p->b, p->h0, mask, cell == GRU_AFTER, reverse);
}

static void backwards_is_forwards_on_the_reverse(void **state)
{
    (void)state;
    for (int cell = 0; cell < CELLS; cell++) {
        world w = world_new(IV_F64);
        weights p = weights_of(&w, cell, 2, 3, 4);
        iv_node *x = varied(&w, 0, iv_dims(2, 5, 3));
        iv_recurrent_out back = run_cell(cell, x, &p, NULL, true);
        iv_recurrent_out forth = run_cell(cell, iv_reverse(x, 1), &p, NULL, false);

        assert_equal_nodes(&w, back.y, iv_reverse(forth.y, 1));
        assert_equal_nodes(&w, back.h, forth.h);
        assert_equal_nodes(&w, back.h, iv_reshape(iv_slice(back.y, 1, 0, 1, 1), iv_dims(2, 4)));
        assert_equal_nodes(&w, forth.h, iv_reshape(iv_slice(forth.y, 1, 4, 1, 1), iv_dims(2, 4)));
        if (cell == LSTM)
            assert_equal_nodes(&w, back.c, forth.c);
        else
            assert_null(back.c);
        world_free(&w);
    }
}

/* With positions 1 and 3 masked, the others run as if those were not there, and y repeats. */
static void masked_positions_hold_the_state(void **state)
{
    static const int kept[] = { 0, 2, 4 }, shown_as[] = { 0, 0, 2, 2, 4 };

    (void)state;
    for (int cell = 0; cell < CELLS; cell++) {
        world w = world_new(IV_F64);
        weights p = weights_of(&w, cell, 1, 3, 4);
        iv_node *x = varied(&w, 0, iv_dims(1, 5, 3)), *part[5], *y[5];
        iv_recurrent_out masked = run_cell(cell, x, &p, REALS(&w, iv_dims(1, 5), 1, 0, 1, 0, 1), false);

        for (int i = 0; i < 3; i++)
            part[i] = iv_slice(x, 1, kept[i], 1, 1);
        iv_recurrent_out without = run_cell(cell, iv_concat(3, part, 1), &p, NULL, false);
        for (int t = 0; t < 5; t++)
            y[t] = iv_slice(without.y, 1, shown_as[t] / 2, 1, 1);
        assert_equal_nodes(&w, masked.y, iv_concat(5, y, 1));
        assert_equal_nodes(&w, masked.h, without.h);
        if (cell == LSTM)
            assert_equal_nodes(&w, masked.c, without.c);
        world_free(&w);
    }
}

/* ---- numbers --------------------------------------------------------------------------------- */

static iv_node *clock_at(world *w, int32_t seed, int32_t step, int32_t record)
{
    return INTEGERS(w, iv_dims(6), seed, 0, step, 0, record, 0);
}

static void random_numbers_belong_to_records(void **state)
{
    world w = world_new(IV_F64);
    iv_node *all = iv_random_normal(clock_at(&w, 7, 3, 0), iv_dims(8, 5, 3), "p");
    iv_node *late = iv_random_normal(clock_at(&w, 7, 3, 5), iv_dims(3, 5, 3), "p");
    evaluation e = evaluate(w.graph, 2, (iv_node *[]){ all, late }, leaf_memory, &w);

    (void)state;
    for (int i = 0; i < 3 * 15; i++)
        assert_true(evaluation_at(&e, late, i) == evaluation_at(&e, all, 5 * 15 + i));
    evaluation_free(&e);
    world_free(&w);
}

static void random_numbers_differ_and_are_distributed(void **state)
{
    enum { COUNT = 40000 };
    world w = world_new(IV_F64);
    iv_node *y[] = {
        iv_random_uniform(clock_at(&w, 1, 0, 0), iv_dims(COUNT), "p"),
        iv_random_uniform(clock_at(&w, 1, 0, 0), iv_dims(COUNT), "q"),
        iv_random_uniform(clock_at(&w, 1, 1, 0), iv_dims(COUNT), "p"),
        iv_random_uniform(clock_at(&w, 2, 0, 0), iv_dims(COUNT), "p"),
        iv_random_normal(clock_at(&w, 1, 0, 0), iv_dims(COUNT), "n"),
    };
    evaluation e = evaluate(w.graph, 5, y, leaf_memory, &w);

    (void)state;
    for (int j = 0; j < 5; j++) {
        const bool normal = j == 4;
        double sum = 0, square = 0;
        int same = 0;

        for (int i = 0; i < COUNT; i++) {
            double x = evaluation_at(&e, y[j], i) - (normal ? 0 : 0.5);

            assert_true(normal ? fabs(x) < 6 : x >= -0.5 && x < 0.5);
            same += j && j < 4 && evaluation_at(&e, y[j], i) == evaluation_at(&e, y[0], i);
            sum += x;
            square += x * x;
        }
        double deviation = sqrt(normal ? 1 : 1.0 / 12), variance = square / COUNT;
        assert_true(same < 3);
        assert_true(fabs(sum / COUNT) < 4 * deviation / sqrt(COUNT));
        assert_true(fabs(variance / (deviation * deviation) - 1) < 4 * sqrt(2.0 / COUNT));
    }
    evaluation_free(&e);
    world_free(&w);
}

static void long_sums_stay_exact(void **state)
{
    enum { COUNT = 1 << 20 };
    world w = world_new(IV_F32);
    iv_node *x = iv_fill(w.graph, iv_dims(COUNT), 0.1),
            *column = iv_fill(w.graph, iv_dims(COUNT / 4, 4), 0.1);
    iv_node *y[] = { iv_sum_all(x), iv_sum_to(column, iv_dims(4)) };
    evaluation e = evaluate(w.graph, 2, y, leaf_memory, &w);

    (void)state;
    assert_true(evaluation_at(&e, y[0], 0) == (double)(float)(COUNT * (double)0.1f));
    assert_true(evaluation_at(&e, y[1], 3) == (double)(float)(COUNT / 4 * (double)0.1f));
    evaluation_free(&e);
    world_free(&w);
}

static void functions_are_as_exact_as_they_say(void **state)
{
    (void)state;
    for (int i = -200000; i <= 200000; i++) {
        double x = i * 0.013;

        assert_true(fabs(iv__sin_f64(x) - sin(x)) < 3e-16);
        assert_true(fabs(iv__cos_f64(x) - cos(x)) < 3e-16);
    }
    for (double x = 1e-300; x < 1e300; x *= 7) {
        assert_true(fabs(iv__log1p_f64(x) / log1p(x) - 1) < 1e-15);
        if (x > 1e-37 && x < 1e37)
            assert_true(fabs((double)iv__log1p_f32((float)x) / log1p((double)(float)x) - 1) < 3e-7);
    }
    assert_true(iv__sin_f64(3e7) == sin(3e7));
    assert_true(isnan(iv__sin_f64(INFINITY)) && isnan(iv__cos_f64(NAN)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binary_builders_broadcast),
        cmocka_unit_test(refusals_name_things),
        cmocka_unit_test(convolutions_have_sizes),
        cmocka_unit_test(null_passes_through),
        cmocka_unit_test(what_changes_nothing_is_no_node),
        cmocka_unit_test(sums_means_and_repeats),
        cmocka_unit_test(a_transposed_left_side_meets_a_plain_right_side),
        cmocka_unit_test(many_pieces_are_joined),
        cmocka_unit_test(equals_share_the_gradient),
        cmocka_unit_test(a_dense_layer_and_its_loss_are_one_row),
        cmocka_unit_test(weights_of_a_stored_loss_have_a_gradient),
        cmocka_unit_test(backwards_is_forwards_on_the_reverse),
        cmocka_unit_test(masked_positions_hold_the_state),
        cmocka_unit_test(random_numbers_belong_to_records),
        cmocka_unit_test(random_numbers_differ_and_are_distributed),
        cmocka_unit_test(long_sums_stay_exact),
        cmocka_unit_test(functions_are_as_exact_as_they_say),
    };

    return cmocka_run_group_tests_name("ops_build", tests, NULL, NULL);
}
