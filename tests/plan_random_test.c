/* plan_random_test.c: some hundred random graphs, with updates of leaves: what the plan computes is
 * what the plain path computes, run after run, for any number of threads. */
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
#include "common/evaluate.h"

enum { GRAPHS = 400, MAX_NODES = 90, MAX_LEAVES = 12, MAX_TARGETS = 6, RUNS = 3 };

typedef struct maker {
    uint64_t random;
    bool smooth; /* no jumps: small differences stay small */
    iv_graph *graph;
    int n_nodes;
    iv_node *node[MAX_NODES];
    int n_leaves;
    iv_node *leaf[MAX_LEAVES]; /* real ones */
    iv_node *ids;              /* i32, below ROWS */
    iv_node *clock;
    int64_t n, c; /* the sizes most nodes have: [n,c] */
} maker;

enum { ROWS = 5 }; /* of the table that is looked up */

static uint64_t next(uint64_t *random)
{
    uint64_t z = *random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static int below(maker *m, int n)
{
    return (int)(next(&m->random) % (uint64_t)n);
}

/* ---- random graphs --------------------------------------------------------------------------- */

static iv_node *keep(maker *m, iv_node *node)
{
    assert_non_null(node);
    if (m->n_nodes < MAX_NODES)
        m->node[m->n_nodes++] = node;
    return node;
}

static iv_node *any(maker *m)
{
    return m->node[below(m, m->n_nodes)];
}

static bool is_shaped(const iv_node *node, const iv_shape *shape)
{
    return iv_shape_same(iv_node_shape(node), shape);
}

/* A node of this shape: one that is there, or one made for it. */
static iv_node *shaped(maker *m, iv_shape shape)
{
    for (int tries = 0; tries < 12; tries++) {
        iv_node *node = any(m);
        if (is_shaped(node, &shape))
            return node;
        if (iv_shape_count(iv_node_shape(node)) == iv_shape_count(&shape) && below(m, 2))
            return iv_reshape(node, shape);
    }
    return iv_add(iv_fill(m->graph, shape, 0.25), iv_mean_all(iv_tanh(any(m))));
}

static void add_leaves(maker *m)
{
    const iv_shape shapes[] = { iv_dims(m->n, m->c), iv_dims(m->n, m->c), iv_dims(m->c),
                                iv_dims(m->n, 1),    iv_scalar(),         iv_dims(m->c, m->n),
                                iv_dims(m->n * m->c) };
    char name[16];

    for (int i = 0; i < 7; i++)
        for (int kind = 0; kind < 2; kind++) {
            if (m->n_leaves == MAX_LEAVES || (i > 1 && below(m, 3) == 0))
                continue;
            snprintf(name, sizeof name, "%c%d", kind ? 'w' : 'x', i);
            iv_node *leaf = kind ? iv_parameter(m->graph, name, shapes[i])
                                 : iv_input(m->graph, name, iv_graph_real(m->graph), shapes[i]);
            m->leaf[m->n_leaves++] = keep(m, leaf);
        }
    m->ids = iv_input(m->graph, "ids", IV_I32, iv_dims(m->n));
    m->clock = iv_random_clock(m->graph);
}

static iv_node *unary(maker *m, iv_node *x)
{
    switch (below(m, m->smooth ? 7 : 10)) {
    case 0: return iv_tanh(x);
    case 1: return iv_neg(x);
    case 2: return iv_sigmoid(x);
    case 3: return iv_scale(x, 0.5);
    case 4: return iv_shift(x, 0.125);
    case 5: return iv_square(iv_tanh(x));
    case 6: return iv_stop_gradient(x);
    case 7: return iv_relu(x);
    case 8: return iv_positive(x);
    default: return iv_cast(iv_cast(iv_scale(x, 8), IV_I32), iv_graph_real(m->graph));
    }
}

/* The other side is as large, stretches, or is one number everywhere. */
static iv_node *partner(maker *m, iv_node *x)
{
    iv_shape shape = *iv_node_shape(x), row = shape;

    switch (below(m, 6)) {
    case 0: return iv_fill(m->graph, iv_scalar(), below(m, 3) * 0.5);
    case 1:
        if (!shape.rank)
            return shaped(m, shape);
        return shaped(m, iv_dims(shape.dim[shape.rank - 1]));
    case 2:
        if (!shape.rank)
            return shaped(m, shape);
        row.dim[shape.rank - 1] = 1;
        return shaped(m, row);
    case 3: return iv_broadcast_to(shaped(m, iv_scalar()), shape);
    default: return shaped(m, shape);
    }
}

static iv_node *binary(maker *m, iv_node *x)
{
    iv_node *y = partner(m, x);

    switch (below(m, m->smooth ? 4 : 6)) {
    case 0: return iv_add(x, y);
    case 1: return iv_sub(y, x);
    case 2: return iv_mul(iv_tanh(x), y);
    case 3: return iv_div(x, iv_shift(iv_square(iv_tanh(y)), 1));
    case 4: return iv_max(x, y);
    default: return iv_select(iv_less(x, y), x, iv_tanh(y));
    }
}

/* Rows that move places: read whole, though they give element after element. */
static iv_node *moved(maker *m, iv_node *x)
{
    const iv_shape *shape = iv_node_shape(x);

    if (!shape->rank)
        return iv_broadcast_to(x, iv_dims(m->n, m->c));
    int axis = below(m, (int)shape->rank);
    int64_t dim = shape->dim[axis];
    switch (below(m, 7)) {
    case 0: return iv_reverse(x, axis);
    case 1: return shape->rank == 2 ? iv_transpose(x, iv_dims(1, 0)) : iv_reverse(x, 0);
    case 2: return iv_slice(x, axis, dim / 3, dim - dim / 3, 1);
    case 3: return iv_pad(x, axis, 1, below(m, 2));
    case 4: return iv_concat(2, (iv_node *[]){ x, iv_tanh(x) }, axis);
    case 5: return iv_reshape(x, iv_dims(-1));
    default:
        return iv_reverse(iv_broadcast_to(shaped(m, iv_dims(1, m->c)), iv_dims(m->n, m->c)), axis & 1);
    }
}

static iv_node *reduced(maker *m, iv_node *x)
{
    const iv_shape *shape = iv_node_shape(x);

    if (!shape->rank)
        return iv_tanh(x);
    int axis = below(m, (int)shape->rank);
    switch (below(m, m->smooth ? 4 : 5)) {
    case 0: return iv_mean(x, axis, below(m, 2));
    case 1: return iv_tanh(iv_sum(x, axis, true));
    case 2: return iv_mean_all(x);
    case 3: return iv_softmax(x);
    default: return iv_max_of(x, axis, below(m, 2));
    }
}

static iv_node *whole(maker *m, iv_node *x)
{
    switch (below(m, 5)) {
    case 0:
        return iv_scale(iv_matmul(shaped(m, iv_dims(m->n, m->c)), shaped(m, iv_dims(m->c, 3))), 0.1);
    case 1:
        return iv_tanh(iv_matmul_with(shaped(m, iv_dims(m->c, m->n)),
                                      iv_tanh(shaped(m, iv_dims(2, m->c))), true, true));
    case 2:
        return iv_tanh(iv_matmul(shaped(m, iv_dims(3, m->n)),
                                 iv_transpose(shaped(m, iv_dims(m->c, m->n)), iv_dims(1, 0))));
    case 3: return iv_gather(shaped(m, iv_dims(ROWS, m->c)), m->ids);
    default:
        return below(m, 3)
                   ? iv_add(x, iv_mean_all(iv_scatter_add(shaped(m, iv_dims(m->n, m->c)), m->ids, ROWS)))
                   : iv_random_uniform(m->clock, iv_dims(m->n, m->c), below(m, 2) ? "a" : "b");
    }
}

static void add_nodes(maker *m)
{
    int n = 8 + below(m, MAX_NODES - MAX_LEAVES - 8);

    for (int i = 0; i < n; i++) {
        iv_node *x = any(m);
        switch (below(m, 8)) {
        case 0:
        case 1: keep(m, unary(m, x)); break;
        case 2:
        case 3:
        case 4: keep(m, binary(m, x)); break;
        case 5: keep(m, moved(m, x)); break;
        case 6: keep(m, reduced(m, x)); break;
        default: keep(m, whole(m, x)); break;
        }
        if (iv_shape_count(iv_node_shape(m->node[m->n_nodes - 1])) > 3 * m->n * m->c + 64)
            m->n_nodes--; /* it grew by pads and joins: a dead end */
    }
}

/* ---- targets --------------------------------------------------------------------------------- */

typedef struct trial {
    iv_home *home;
    size_t held; /* by the home itself */
    maker m;
    int n_outputs, n_updates;
    iv_node *outputs[MAX_TARGETS];
    iv_update updates[MAX_TARGETS];
    iv_plan *plan;
    uint64_t version;
} trial;

/* New values of leaves: what was computed, another leaf (so that some trade places), a view. */
static void choose_updates(trial *t)
{
    maker *m = &t->m;
    int wanted = below(m, MAX_TARGETS);

    for (int i = 0; i < m->n_leaves && t->n_updates < wanted; i++) {
        iv_node *leaf = m->leaf[i], *value = NULL;
        if (below(m, 2))
            continue;
        switch (below(m, 4)) {
        case 0:
            for (int k = 0; k < m->n_leaves; k++)
                if (k != i && is_shaped(m->leaf[k], iv_node_shape(leaf)))
                    value = m->leaf[k];
            break;
        case 1:
            value = iv_sub(leaf, iv_scale(iv_tanh(shaped(m, *iv_node_shape(leaf))), 0.1));
            break;
        case 2: value = iv_node_shape(leaf)->rank ? iv_reverse(leaf, 0) : iv_tanh(leaf); break;
        default: break;
        }
        if (!value)
            value = shaped(m, *iv_node_shape(leaf));
        t->updates[t->n_updates++] = (iv_update){ leaf, value };
    }
}

static void make_trial(trial *t, uint64_t seed, iv_dtype real, int threads)
{
    static const int64_t ns[] = { 1, 2, 7, 300 }, cs[] = { 1, 3, 8, 70 };
    maker *m = &t->m;

    memset(t, 0, sizeof *t);
    t->home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = threads });
    t->held = iv__home_bytes(t->home);
    *m = (maker){ .random = seed, .smooth = real == IV_F32, .graph = iv_graph_new_real(t->home, real) };
    m->n = ns[below(m, 4)];
    m->c = cs[below(m, 4)];
    add_leaves(m);
    add_nodes(m);
    t->n_outputs = 1 + below(m, MAX_TARGETS);
    for (int i = 0; i < t->n_outputs; i++)
        t->outputs[i] = i && below(m, 5) == 0 ? t->outputs[i - 1]
                                              : m->node[m->n_nodes - 1 - below(m, m->n_nodes)];
    choose_updates(t);
    assert_int_equal(iv_graph_status(m->graph), IV_OK);
    t->plan = iv_plan_new(t->home, t->n_outputs, t->outputs, t->n_updates, t->updates);
    if (!t->plan)
        fail_msg("%s", iv_home_message(t->home));
}

/* ---- leaves in memory ------------------------------------------------------------------------ */

typedef struct memory {
    void *leaf[MAX_LEAVES];
    int32_t ids[300], clock[6];
} memory;

static size_t bytes_of(const iv_node *node)
{
    return (size_t)iv_shape_count(iv_node_shape(node)) * iv_dtype_size(iv_node_dtype(node));
}

static void *leaf_memory(void *context, const iv_node *leaf)
{
    void *const *parts = context;
    const trial *t = parts[0];
    memory *at = parts[1];

    if (leaf == t->m.ids)
        return at->ids;
    if (leaf == t->m.clock)
        return at->clock;
    for (int i = 0; i < t->m.n_leaves; i++)
        if (t->m.leaf[i] == leaf)
            return at->leaf[i];
    fail_msg("a leaf that nobody made");
    return NULL;
}

static void fill_leaf(const trial *t, memory *at, int i, uint64_t *random)
{
    for (int64_t k = 0; k < iv_shape_count(iv_node_shape(t->m.leaf[i])); k++) {
        double x = (double)(next(random) >> 40) * 0x1p-23 - 1;
        if (iv_graph_real(t->m.graph) == IV_F64)
            ((double *)at->leaf[i])[k] = x;
        else
            ((float *)at->leaf[i])[k] = (float)x;
    }
}

static void fill_memory(const trial *t, memory *at, uint64_t *random)
{
    for (int i = 0; i < t->m.n_leaves; i++)
        fill_leaf(t, at, i, random);
    for (int i = 0; i < 300; i++)
        at->ids[i] = (int32_t)(next(random) % ROWS);
    for (int i = 0; i < 6; i++)
        at->clock[i] = (int32_t)(next(random) % 1000);
}

static void take_memory(const trial *t, memory *at)
{
    for (int i = 0; i < t->m.n_leaves; i++)
        at->leaf[i] = malloc(bytes_of(t->m.leaf[i]));
}

static void free_memory(const trial *t, memory *at)
{
    for (int i = 0; i < t->m.n_leaves; i++)
        free(at->leaf[i]);
}

static bool needs(const trial *t, const iv_node *leaf)
{
    for (int i = 0; i < iv_plan_leaves(t->plan); i++)
        if (iv_plan_leaf(t->plan, i) == leaf)
            return true;
    return false;
}

/* Parameters stay with the caller, inputs live in the plan. */
static void bind(trial *t, memory *at)
{
    for (int i = 0; i < t->m.n_leaves; i++)
        if (needs(t, t->m.leaf[i]) && iv_node_name(t->m.leaf[i])[0] == 'w')
            assert_int_equal(iv_plan_bind(t->plan, iv_node_name(t->m.leaf[i]), at->leaf[i], &t->version),
                             IV_OK);
    if (needs(t, t->m.ids))
        assert_int_equal(iv_plan_bind(t->plan, "ids", at->ids, NULL), IV_OK);
    if (needs(t, t->m.clock))
        assert_int_equal(iv_plan_bind(t->plan, "random", at->clock, NULL), IV_OK);
}

static void give_inputs(trial *t, const memory *at)
{
    for (int i = 0; i < t->m.n_leaves; i++)
        if (needs(t, t->m.leaf[i]) && iv_node_name(t->m.leaf[i])[0] == 'x')
            memcpy(iv_plan_input(t->plan, iv_node_name(t->m.leaf[i])), at->leaf[i],
                   bytes_of(t->m.leaf[i]));
}

/* ---- comparing ------------------------------------------------------------------------------- */

/* tolerance 0: equal (zeros of either sign are, and NaN is NaN). */
static void assert_same(const trial *t, const iv_node *node, const void *got, const void *expected,
                        double tolerance, const char *what, int index)
{
    int64_t n = iv_shape_count(iv_node_shape(node));
    double largest = 1;

    for (int64_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(element_at(expected, iv_node_dtype(node), i)));
    for (int64_t i = 0; i < n; i++) {
        double a = element_at(got, iv_node_dtype(node), i),
               b = element_at(expected, iv_node_dtype(node), i);
        if (!(a == b || (a != a && b != b) || fabs(a - b) <= tolerance * largest)) {
            char text[200];
            iv_plan_print(t->plan, stderr);
            fail_msg("%s %d (%s), element %lld: %.17g, but %.17g was expected", what, index,
                     iv__node_text(node, text, sizeof text), (long long)i, a, b);
        }
    }
}

/* Before a run the caller's leaves are copied; afterwards every leaf must hold its new value, or
 * its old one. */
static void run_and_check(trial *t, memory *at, double tolerance)
{
    iv_node *wanted[2 * MAX_TARGETS];
    memory old = *at;
    int n = 0;

    take_memory(t, &old);
    for (int i = 0; i < t->m.n_leaves; i++)
        memcpy(old.leaf[i], at->leaf[i], bytes_of(t->m.leaf[i]));
    for (int i = 0; i < t->n_outputs; i++)
        wanted[n++] = t->outputs[i];
    for (int i = 0; i < t->n_updates; i++)
        wanted[n++] = t->updates[i].value;
    evaluation e = evaluate(t->m.graph, n, wanted, leaf_memory, (void *[]){ t, &old });
    give_inputs(t, at);
    if (iv_plan_run(t->plan))
        fail_msg("%s", iv_home_message(t->home));

    for (int i = 0; i < t->n_outputs; i++)
        assert_same(t, t->outputs[i], iv_plan_output(t->plan, i), e.value[t->outputs[i]->id],
                    tolerance, "output", i);
    for (int i = 0; i < t->m.n_leaves; i++) {
        const iv_node *leaf = t->m.leaf[i];
        const void *expected = old.leaf[i];
        if (!needs(t, leaf))
            continue;
        for (int u = 0; u < t->n_updates; u++)
            if (t->updates[u].leaf == leaf)
                expected = e.value[t->updates[u].value->id];
        const void *now = iv_plan_input(t->plan, iv_node_name(leaf));
        assert_same(t, leaf, now, expected, tolerance, "leaf", i);
        memmove(at->leaf[i], now, bytes_of(leaf)); /* the next run begins there, on the plain path too */
    }
    t->version++;
    evaluation_free(&e);
    free_memory(t, &old);
}

static void free_trial(trial *t)
{
    iv_plan_free(t->plan);
    iv_graph_free(t->m.graph);
    assert_int_equal(iv__home_bytes(t->home), t->held);
    iv_home_free(t->home);
}

static void check_graphs(iv_dtype real, double tolerance, uint64_t first)
{
    for (uint64_t seed = first; seed < first + GRAPHS; seed++) {
        uint64_t random = seed * 77;
        trial t;
        memory at;
        make_trial(&t, seed, real, 1);
        take_memory(&t, &at);
        fill_memory(&t, &at, &random);
        bind(&t, &at);
        for (int run = 0; run < RUNS; run++) {
            run_and_check(&t, &at, tolerance);
            if (run == 1) /* other numbers, parameters too */
                fill_memory(&t, &at, &random);
        }
        iv_plan_memory memory_of = iv_plan_memory_of(t.plan);
        assert_true(memory_of.slab <= memory_of.unshared + (size_t)memory_of.groups * memory_of.scratch);
        free_memory(&t, &at);
        free_trial(&t);
    }
}

/* In f64 plans run the same reference kernels as the plain path: every bit must agree. */
static void plans_compute_what_the_plain_path_computes(void **state)
{
    (void)state;
    check_graphs(IV_F64, 0, 1);
}

static void faster_kernels_stay_near(void **state)
{
    (void)state;
    check_graphs(IV_F32, 1e-5, 10001);
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    for (uint64_t seed = 20001; seed < 20001 + GRAPHS; seed++) {
        trial t[2];
        memory at[2];
        for (int i = 0; i < 2; i++) {
            uint64_t random = seed;
            make_trial(&t[i], seed, IV_F32, i ? 3 : 1);
            take_memory(&t[i], &at[i]);
            fill_memory(&t[i], &at[i], &random);
            bind(&t[i], &at[i]);
            for (int run = 0; run < RUNS; run++) {
                if (run == 0)
                    give_inputs(&t[i], &at[i]);
                assert_int_equal(iv_plan_run(t[i].plan), IV_OK);
                t[i].version++;
            }
        }
        for (int i = 0; i < t[0].n_outputs; i++)
            assert_memory_equal(iv_plan_output(t[0].plan, i), iv_plan_output(t[1].plan, i),
                                bytes_of(t[0].outputs[i]));
        for (int i = 0; i < iv_plan_leaves(t[0].plan); i++) {
            const char *name = iv_node_name(iv_plan_leaf(t[0].plan, i));
            assert_memory_equal(iv_plan_input(t[0].plan, name), iv_plan_input(t[1].plan, name),
                                bytes_of(iv_plan_leaf(t[0].plan, i)));
        }
        for (int i = 0; i < 2; i++) {
            free_memory(&t[i], &at[i]);
            free_trial(&t[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_compute_what_the_plain_path_computes),
        cmocka_unit_test(faster_kernels_stay_near),
        cmocka_unit_test(threads_change_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
