/* plan_micro_test.c: plans run for one micro-batch after the other: the same values as whole, the same
 * bits for any number of threads; what is refused; bad numbers; memory. */
#include <ivory/derive.h>
#include <ivory/ops.h>
#include <ivory/train.h>

#include "nn_world.h"
#include "plan/micro.h"
#include "scarce.h"

enum { N = 13, SIDE = 5, TOKENS = 7, LENGTH = 4, MOST_OUTPUTS = 40, MOST_NUMBERS = 20000 };

/* ---- graphs of N records ----------------------------------------------------------------------- */

typedef iv_node *build(world *w, int64_t n); /* gives the loss */

static iv_node *numbers(world *w, const char *name, iv_shape shape)
{
    return iv_input(w->graph, name, iv_graph_real(w->graph), shape);
}

static iv_node *tokens(world *w, const char *name, iv_shape shape)
{
    return iv_input(w->graph, name, IV_I32, shape);
}

/* Convolutions with masks and dropout, cross-entropy weighted by record. */
static iv_node *pixels(world *w, int64_t n)
{
    iv_scope_training(w->scope, true);
    iv_node *x = numbers(w, "x", iv_dims(n, SIDE, SIDE, 1)),
            *weight = numbers(w, "weight", iv_dims(n));
    iv_node *each = iv_broadcast_to(iv_reshape(weight, iv_dims(n, 1, 1)), iv_dims(n, SIDE, SIDE));

    x = iv_conv2d(w->scope, x, .filters = 6, .kernel = { 3 }, .mask = IV_MASK_A, .padding = IV_SAME,
                  .activation = IV_RELU);
    iv_node *y = iv_conv2d(w->scope, x, .filters = 6, .kernel = { 3 }, .mask = IV_MASK_B,
                           .padding = IV_SAME, .activation = IV_RELU);
    y = iv_conv2d(w->scope, iv_dropout(w->scope, iv_add(x, y), 0.4), .filters = TOKENS, .kernel = { 1 });
    return iv_cross_entropy(y, tokens(w, "target", iv_dims(n, SIDE, SIDE)), each);
}

/* Down by strides and up again, squared error, the plain mean; noise on what goes through. */
static iv_node *strides(world *w, int64_t n)
{
    iv_node *x = numbers(w, "x", iv_dims(n, 8, 8, 2));
    iv_node *y = iv_conv2d(w->scope, x, .filters = 4, .kernel = { 3 }, .stride = { 2, 2 },
                           .padding = IV_SAME, .activation = IV_TANH);

    y = iv_add(y, iv_random_normal(iv_random_clock(w->graph), y ? y->shape : iv_scalar(), "noise"));
    y = iv_conv2d_transpose(w->scope, y, .filters = 2, .kernel = { 4 }, .stride = { 2, 2 },
                            .padding = IV_SAME);
    return iv_mean_squared_error(y, x, NULL);
}

/* Embeddings, dense layers at each place, the fused cross-entropy. */
static iv_node *words(world *w, int64_t n)
{
    iv_node *x = iv_embedding(w->scope, tokens(w, "words", iv_dims(n, LENGTH)), .count = TOKENS,
                              .units = 6);

    x = iv_dense(w->scope, x, .units = 8, .activation = IV_TANH);
    return iv_cross_entropy(iv_dense(w->scope, x, .units = TOKENS),
                            tokens(w, "next", iv_dims(n, LENGTH)),
                            numbers(w, "weight", iv_dims(n, LENGTH)));
}

/* Places look at each other within a record; a decay of weights; a mean of means. */
static iv_node *attention(world *w, int64_t n)
{
    iv_node *x = numbers(w, "x", iv_dims(n, LENGTH, 6));
    iv_node *q = iv_dense(w->scope, x, .units = 5), *k = iv_dense(w->scope, x, .units = 5);
    iv_node *share = iv_softmax(iv_scale(iv_matmul_with(q, k, false, true), 0.4));
    iv_node *y = iv_dense(w->scope, iv_matmul(share, x), .units = 6);
    iv_node *kernel = iv_param(w->scope, "dense/kernel", iv_dims(6, 5), IV_GLOROT_UNIFORM);
    iv_node *own = iv_mean_all(iv_sum_to(iv_square(iv_sub(y, x)), iv_dims(n, 1, 6)));

    return iv_add(own, iv_scale(iv_sum_all(iv_square(kernel)), 0.01));
}

/* Rows that move and choose elements; what the inputs alone say of the whole batch. */
static iv_node *choices(world *w, int64_t n)
{
    iv_node *x = numbers(w, "x", iv_dims(n, LENGTH, 6)), *t = tokens(w, "t", iv_dims(n, LENGTH));
    iv_node *mean = iv_sum_to(iv_scale(x, 1 / (double)n), iv_dims(1, LENGTH, 6)); /* of all records */
    iv_node *y = iv_dense(w->scope, iv_sub(x, mean), .units = 6);

    y = iv_concat(2, (iv_node *[]){ y, iv_scale(iv_reverse(y, 1), 0.5) }, 2);
    y = iv_pad(iv_slice(y, 2, 1, 9, 1), 1, 1, 0);
    y = iv_transpose(y, (iv_shape){ 3, { 0, 2, 1 } }); /* [n,9,5] */
    y = iv_reshape(y, iv_dims(n * 9, LENGTH + 1));
    y = iv_mul(iv_max_of(y, 1, true), iv_log_softmax(y));
    y = iv_reshape(y, iv_dims(n, 9, LENGTH + 1));
    iv_node *picked = iv_pick(iv_slice(iv_transpose(y, (iv_shape){ 3, { 0, 2, 1 } }), 1, 0, LENGTH, 1),
                              t);
    iv_node *hot = iv_cast(iv_argmax(y, 1), iv_graph_real(w->graph)); /* [n,LENGTH + 1] */
    iv_node *sum = iv_sum(iv_mul(iv_one_hot(t, 9), iv_exp(iv_scale(x ? iv_pad(x, 2, 0, 3) : NULL, 0.1))),
                          2, false);

    return iv_add(iv_mean_all(iv_mul(picked, sum)),
                  iv_scale(iv_sum_all(
                               iv_mul(iv_clip(hot, 0, 3),
                                      iv_log_sum_exp(iv_transpose(y, (iv_shape){ 3, { 0, 2, 1 } })))),
                           0.001));
}

/* Smaller by windows and larger again. */
static iv_node *windows(world *w, int64_t n)
{
    iv_node *x = numbers(w, "x", iv_dims(n, 6, 6, 2));
    iv_node *y = iv_conv2d(w->scope, x, .filters = 3, .kernel = { 3 }, .padding = IV_SAME);

    y = iv_add(iv_max_pool(y, .window = { 2, 2 }), iv_average_pool(y, .window = { 2, 2 }));
    y = iv_resize(iv_upsample(y, iv_dims(3, 2)), iv_dims(6, 6));
    return iv_mean_squared_error(iv_dense(w->scope, y, .units = 2), x, NULL);
}

/* Recurrent layers of all kinds, forwards and backwards, with a mask. */
static iv_node *recurrences(world *w, int64_t n)
{
    iv_node *x = iv_embedding(w->scope, tokens(w, "words", iv_dims(n, LENGTH)), .count = TOKENS,
                              .units = 5);
    iv_node *mask = iv_input(w->graph, "weight", iv_graph_real(w->graph), iv_dims(n, LENGTH));

    x = iv_lstm(w->scope, x, .units = 4, .mask = mask);
    x = iv_gru(w->scope, x, .units = 5, .reverse = true);
    x = iv_simple_rnn(w->scope, x, .units = 6, .mask = mask);
    return iv_cross_entropy(iv_dense(w->scope, x, .units = TOKENS),
                            tokens(w, "next", iv_dims(n, LENGTH)), mask);
}

/* States go on from batch to batch: outputs hold records. */
static iv_node *carried(world *w, int64_t n)
{
    iv_node *x = numbers(w, "x", iv_dims(n, LENGTH, 3)),
            *goes_on = numbers(w, "goes on", iv_dims(n, 1));
    iv_recurrent_out out = { 0 };

    iv_node *h = iv_mul(iv_state(w->scope, "h", iv_dims(n, 4)), goes_on);
    iv_node *c = iv_mul(iv_state(w->scope, "c", iv_dims(n, 4)), goes_on);
    x = iv_lstm(w->scope, x, .units = 4, .h0 = h, .c0 = c, .states = &out);
    iv_graph_set_output(w->graph, "h", out.h);
    iv_graph_set_output(w->graph, "c", out.c);
    iv_graph_set_output(w->graph, "rows", iv_reshape(x, iv_dims(n * LENGTH, 4)));
    iv_graph_set_output(w->graph, "x", goes_on);
    iv_graph_set_output(w->graph, "h again", out.h);
    return iv_mean_all(iv_square(x));
}

/* ---- running them ------------------------------------------------------------------------------ */

typedef struct made {
    world w;
    size_t bytes; /* of the home alone: its threads */
    int n;
    iv_node *outputs[MOST_OUTPUTS];
    iv_plan *plan;
} made;

/* The loss, its gradient for every parameter, and the square of their norm. */
static made make(build *graph_of, int64_t n, iv_dtype real, int threads)
{
    made m = { .w = { .home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options),
                                                              .threads = threads }) } };
    iv_node *x[MOST_OUTPUTS], *norm;
    int count = 0;

    m.bytes = iv__home_bytes(m.w.home);
    m.w.params = iv_params_new(m.w.home, real, 5);
    m.w.graph = iv_graph_new_real(m.w.home, real);
    m.w.scope = iv_scope_new(m.w.graph, m.w.params, "m");
    m.outputs[m.n++] = graph_of(&m.w, n);
    if (iv_graph_status(m.w.graph))
        fail_msg("%s", iv_graph_message(m.w.graph));
    for (int c = 0; c < m.w.graph->n_calls; c++)
        if (m.w.graph->calls[c]->op == &iv__op_parameter)
            x[count++] = &m.w.graph->calls[c]->out[0];
    assert_int_equal(iv_gradient(m.outputs[0], count, x, m.outputs + 1), IV_OK);
    norm = iv_fill(m.w.graph, iv_scalar(), 0);
    for (int i = 0; i < count; i++)
        norm = iv_add(norm, iv_sum_all(iv_square(m.outputs[m.n++])));
    m.outputs[m.n++] = norm;
    for (const iv__named *o = m.w.graph->outputs; o; o = o->next)
        m.outputs[m.n++] = o->node;
    return m;
}

/* size 0: whole; < 0: as the planner decides */
static void plan_it(made *m, int64_t size)
{
    m->plan = size < 0 ? iv_plan_new(m->w.home, m->n, m->outputs, 0, NULL)
                       : iv__plan_whole(m->w.home, m->n, m->outputs, 0, NULL);
    if (!m->plan || iv_params_bind(m->w.params, m->plan))
        fail_msg("%s", iv_home_message(m->w.home));
    if (size > 0) {
        assert_int_equal(iv__micro_make(m->plan, m->n, m->outputs, size), IV_OK);
        assert_int_equal(iv_home_status(m->w.home), IV_OK);
        if (m->plan->micro)
            assert_int_equal(iv_params_bind(m->w.params, m->plan), IV_OK);
    }
}

static void unmake(made *m)
{
    iv_plan_free(m->plan);
    iv_graph_free(m->w.graph);
    iv_params_free(m->w.params);
    assert_int_equal(iv__home_bytes(m->w.home), m->bytes);
    iv_home_free(m->w.home);
}

static void fill_inputs(iv_plan *plan)
{
    for (int i = 0; i < iv_plan_leaves(plan); i++) {
        const iv_node *leaf = iv_plan_leaf(plan, i);
        const int64_t count = iv_shape_count(iv_node_shape(leaf));
        void *data = leaf->call->op == &iv__op_input ? iv_plan_input(plan, iv_node_name(leaf)) : NULL;
        const bool is_weight = !strcmp(iv_node_name(leaf), "weight");

        for (int64_t k = 0; data && k < count; k++) {
            const double value = is_weight ? (double)(k % 3) / 2 : sin(1 + 0.37 * (double)k);
            if (leaf->dtype == IV_I32)
                ((int32_t *)data)[k] = (int32_t)(k * k % 5);
            else if (leaf->dtype == IV_F64)
                ((double *)data)[k] = value;
            else
                ((float *)data)[k] = (float)value;
        }
    }
    iv_plan_set_clock(plan, 11, 3, 0x1fffffffd); /* its halves take over from each other */
}

/* All numbers of all outputs. */
static int values_of(made *m, double *to)
{
    int at = 0;

    fill_inputs(m->plan);
    if (iv_plan_run(m->plan))
        fail_msg("%s", iv_home_message(m->w.home));
    for (int i = 0; i < m->n; i++) {
        const void *data = iv_plan_output(m->plan, i);
        for (int64_t k = 0; k < iv_shape_count(&m->outputs[i]->shape); k++)
            to[at++] = m->outputs[i]->dtype == IV_F64 ? ((const double *)data)[k]
                                                      : (double)((const float *)data)[k];
        assert_true(at < MOST_NUMBERS);
    }
    return at;
}

/* asked: by the home, to save memory */
static void assert_as_whole(build *graph_of, int64_t n, int64_t size, bool asked)
{
    static double whole[MOST_NUMBERS], cut[MOST_NUMBERS];
    made a = make(graph_of, n, IV_F64, 2), b = make(graph_of, n, IV_F64, 2);

    plan_it(&a, 0);
    iv_home_set_micro_batch(b.w.home, asked ? size : 0);
    plan_it(&b, asked ? -1 : size);
    assert_null(a.plan->micro);
    if (!b.plan->micro)
        fail_msg("%s of %lld records is not cut", b.outputs[0]->call->scope, (long long)n);
    int count = values_of(&a, whole);
    for (int time = 0; time < 2; time++) {
        assert_int_equal(values_of(&b, cut), count);
        for (int i = 0; i < count; i++)
            if (!(fabs(cut[i] - whole[i]) <= 1e-13 + 1e-11 * fabs(whole[i])))
                fail_msg("number %d of %d is %.17g, whole %.17g", i, count, cut[i], whole[i]);
    }
    assert_true(whole[0] != 0 && whole[1] != 0);
    unmake(&a);
    unmake(&b);
}

static build *const graphs[] = { pixels,  strides, words,       attention,
                                 choices, windows, recurrences, carried };
enum { GRAPHS = sizeof graphs / sizeof *graphs };

static void values_are_those_of_the_whole_batch(void **state)
{
    (void)state;
    for (size_t g = 0; g < GRAPHS; g++)
        for (int64_t size = 1; size <= 7; size += size < 5 ? 1 : 2)
            for (int asked = 0; asked < 2; asked++)
                assert_as_whole(graphs[g], N, size, asked);
    assert_as_whole(pixels, 40, 2, false); /* more micro-batches than sums */
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    static double one[MOST_NUMBERS], more[MOST_NUMBERS];

    for (size_t i = 0; i < 2 * GRAPHS; i++) {
        const bool asked = i % 2;
        made a = make(graphs[i / 2], N, IV_F32, 1);
        iv_home_set_micro_batch(a.w.home, asked ? 3 : 0);
        plan_it(&a, asked ? -1 : 2);
        int count = values_of(&a, one);
        unmake(&a);
        for (int threads = 2; threads <= 5; threads++) {
            made b = make(graphs[i / 2], N, IV_F32, threads);
            iv_home_set_micro_batch(b.w.home, asked ? 3 : 0);
            plan_it(&b, asked ? -1 : 2);
            for (int time = 0; time < 3; time++) {
                assert_int_equal(values_of(&b, more), count);
                assert_memory_equal(one, more, (size_t)count * sizeof *one);
            }
            unmake(&b);
        }
    }
}

/* Constants are made once for all threads, and again when parameters changed. */
static void changed_parameters_count_from_the_next_run_on(void **state)
{
    (void)state;
    static double before[MOST_NUMBERS], after[MOST_NUMBERS], whole[MOST_NUMBERS];
    made a = make(pixels, N, IV_F64, 3), b = make(pixels, N, IV_F64, 3);

    plan_it(&a, 2);
    plan_it(&b, 0);
    values_of(&a, before);
    for (int i = 0; i < 2; i++) {
        iv_params *params = i ? b.w.params : a.w.params;
        double *kernel = iv_params_find(params, "m/conv2d_1/kernel")->data;
        for (int k = 0; k < 9 * 6 * 6; k++)
            kernel[k] += 0.05 * (k % 7);
        iv_params_changed(params);
    }
    int count = values_of(&a, after);
    values_of(&b, whole);
    assert_true(fabs(before[0] - after[0]) > 1e-6);
    for (int i = 0; i < count; i++)
        assert_true(fabs(after[i] - whole[i]) <= 1e-13 + 1e-11 * fabs(whole[i]));
    unmake(&a);
    unmake(&b);
}

/* ---- what is refused --------------------------------------------------------------------------- */

static iv_node *normalized(world *w, int64_t n) /* by the batch's own mean */
{
    iv_node *y = iv_dense(w->scope, numbers(w, "x", iv_dims(n, 6)), .units = 4);

    return iv_mean_all(iv_square(iv_tanh(iv_sub(y, iv_mean(y, 0, true)))));
}

static iv_node *shuffled(world *w, int64_t n) /* each record beside another */
{
    iv_node *y = iv_dense(w->scope, numbers(w, "x", iv_dims(n, 6)), .units = 4);

    return iv_mean_all(iv_mul(y, iv_reverse(y, 0)));
}

static iv_node *each_its_own(world *w, int64_t n) /* parameters for each record */
{
    return iv_mean_all(iv_mul(numbers(w, "x", iv_dims(n, 6)),
                              iv_param(w->scope, "own", iv_dims(n, 6), IV_GLOROT_UNIFORM)));
}

static iv_node *alike(world *w, int64_t n) /* how records are like each other */
{
    iv_node *y = iv_dense(w->scope, numbers(w, "x", iv_dims(n, 6)), .units = 4);

    return iv_mean_all(iv_exp(iv_matmul_with(y, y, false, true)));
}

static iv_node *folded(world *w, int64_t n) /* records within another axis */
{
    iv_node *y = iv_dense(w->scope, numbers(w, "x", iv_dims(n, 6)), .units = 4);

    return iv_mean_all(iv_softmax(iv_transpose(y, (iv_shape){ 2, { 1, 0 } })));
}

static iv_node *without_inputs(world *w, int64_t n)
{
    return iv_mean_all(iv_square(iv_param(w->scope, "own", iv_dims(n, 6), IV_GLOROT_UNIFORM)));
}

static void what_mixes_records_stays_whole(void **state)
{
    (void)state;
    static build *const mixed[] = { normalized, shuffled, each_its_own,
                                    alike,      folded,   without_inputs };

    for (size_t g = 0; g < sizeof mixed / sizeof *mixed; g++) {
        made m = make(mixed[g], N, IV_F32, 1);
        plan_it(&m, 2);
        assert_null(m.plan->micro);
        unmake(&m);
    }
}

/* ---- what the planner decides ------------------------------------------------------------------ */

static iv_node *large(world *w, int64_t n) /* 16 x 16 places of 32 channels, some times */
{
    iv_node *x = numbers(w, "x", iv_dims(n, 16, 16, 1));

    for (int i = 0; i < 4; i++)
        x = iv_conv2d(w->scope, x, .filters = 32, .kernel = { 3 }, .padding = IV_SAME,
                      .activation = IV_RELU);
    return iv_mean_all(iv_square(x));
}

static iv_node *wide(world *w, int64_t n) /* more parameters than values */
{
    iv_node *x = iv_dense(w->scope, numbers(w, "x", iv_dims(n, 3000)), .units = 3000);

    return iv_mean_all(iv_square(iv_dense(w->scope, x, .units = 3000)));
}

/* Micro-batches of what is much by itself would be outweighed by the parameters: they take some more. */
static iv_node *heavy(world *w, int64_t n)
{
    return iv_mean_all(
        iv_square(iv_dense(w->scope, numbers(w, "x", iv_dims(n, 16, 1100)), .units = 1100)));
}

static void the_planner_cuts_where_values_outweigh_parameters(void **state)
{
    (void)state;
    static const struct {
        build *graph;
        int64_t n;
        bool cut;
    } cases[] = { { large, 100, true }, { large, 20, false },  { large, 5, false },
                  { wide, 400, false }, { heavy, 1400, true }, { heavy, 500, false } };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        made m = make(cases[i].graph, cases[i].n, IV_F32, 2);
        plan_it(&m, -1);
        assert_int_equal(m.plan->micro != NULL, cases[i].cut);
        unmake(&m);
    }
}

static void memory_is_foretold_and_small(void **state)
{
    (void)state;
    made m = make(large, 100, IV_F32, 2), whole = make(large, 100, IV_F32, 2);

    plan_it(&m, -1);
    plan_it(&whole, 0);
    iv_plan_memory memory = iv_plan_memory_of(m.plan), all = iv_plan_memory_of(whole.plan);
    size_t before = iv__home_bytes(m.w.home);
    fill_inputs(m.plan);
    assert_int_equal(iv_plan_run(m.plan), IV_OK);
    size_t taken = iv__home_bytes(m.w.home) - before,
           told = memory.slab + memory.inputs + memory.constants;
    assert_true(taken <= told && told - taken < 4096);
    assert_true(memory.slab < all.slab / 2);
    before = iv__home_bytes(m.w.home);
    assert_int_equal(iv_plan_run(m.plan), IV_OK);
    assert_int_equal(iv__home_bytes(m.w.home), before);
    unmake(&m);
    unmake(&whole);
}

static void parts_and_text_tell_what_is_run(void **state)
{
    (void)state;
    made m = make(pixels, N, IV_F32, 2);
    char text[40000] = "";
    double sum = 0;

    plan_it(&m, 2);
    assert_int_equal(iv_plan_time(m.plan, true), IV_OK);
    fill_inputs(m.plan);
    assert_int_equal(iv_plan_run(m.plan), IV_OK);
    for (int i = 0; i < iv_plan_parts(m.plan); i++)
        sum += iv_plan_part_of(m.plan, i).seconds;
    assert_true(sum > 0);
    assert_int_equal(iv_plan_time(m.plan, false), IV_OK);
    FILE *file = fmemopen(text, sizeof text, "w");
    iv_plan_print(m.plan, file);
    fclose(file);
    assert_non_null(strstr(text, "each of 7 micro-batches of 2 of 13 records"));
    assert_non_null(strstr(text, "before the micro-batches"));
    unmake(&m);
}

/* What a home asks for takes less memory than the whole, however many threads there are, and a training step that
 * cannot have it says why. */
static void a_home_may_ask_for_them(void **state)
{
    size_t bytes[4];

    (void)state;
    for (int i = 0; i < 4; i++) {
        made m = make(strides, 64, IV_F32, i < 2 ? 1 : 4);
        iv_home_set_micro_batch(m.w.home, i % 2 ? 4 : 0);
        plan_it(&m, -1);
        assert_true((m.plan->micro != NULL) == (i % 2 == 1));
        bytes[i] = iv_plan_memory_of(m.plan).slab;
        unmake(&m);
    }
    assert_true(bytes[1] < bytes[0] / 3);
    assert_int_equal(bytes[2] - bytes[3], bytes[0] - bytes[1]); /* threads have working memory, not plans */

    made m = make(normalized, N, IV_F32, 1);
    iv_home_set_micro_batch(m.w.home, 4);
    assert_null(
        iv_train_step_new(m.w.params, .loss = m.outputs[0], .optimizer = iv_optimizer_of(IV_ADAM)));
    assert_int_equal(iv_home_status(m.w.home), IV_UNSUPPORTED);
    assert_string_equal(
        iv_home_message(m.w.home),
        "training step: its records cannot be taken 4 at a time: sub needs the whole batch at once");
    iv_home_set_micro_batch(m.w.home, N); /* that is all of them */
    iv_train_step *step = iv_train_step_new(m.w.params, .loss = m.outputs[0],
                                            .optimizer = iv_optimizer_of(IV_ADAM));
    assert_non_null(step);
    iv_train_step_free(step);
    unmake(&m);
}

/* ---- bad numbers ------------------------------------------------------------------------------- */

static void a_bad_number_is_named_with_its_records(void **state)
{
    (void)state;
    made m = make(strides, N, IV_F32, 2);

    plan_it(&m, 2);
    fill_inputs(m.plan);
    float *x = iv_plan_input(m.plan, "x"), *bias = iv_params_find(m.w.params, "m/conv2d/bias")->data;
    assert_int_equal(iv_plan_find_bad(m.plan), IV_OK);
    x[5 * 128 + 7] = 3e38f; /* the squared error is beyond f32 */
    assert_int_equal(iv_plan_run(m.plan), IV_OK);
    assert_true(isinf(*(const float *)iv_plan_output(m.plan, 0)));
    assert_int_equal(iv_plan_find_bad(m.plan), IV_NUMERIC);
    assert_string_equal(
        iv_home_message(m.w.home),
        "scale gave -inf at element 135 of [2,8,8,2] in the micro-batch of records 4 to 5, for record 5 of the batch");
    assert_int_equal(iv_plan_bad_record(m.plan), 5);
    assert_true(isinf(*(const float *)iv_plan_output(m.plan, 0))); /* as the batch left it */
    x[12 * 128] = x[5 * 128 + 7] = NAN;
    assert_int_equal(iv_plan_find_bad(m.plan), IV_NUMERIC);
    assert_string_equal(iv_home_message(m.w.home),
                        "the input 'x' holds nan at element 647, for record 5 of the batch");
    x[12 * 128] = x[5 * 128 + 7] = 0;
    bias[2] = INFINITY;
    assert_int_equal(iv_plan_find_bad(m.plan), IV_NUMERIC);
    assert_string_equal(iv_home_message(m.w.home),
                        "the parameter 'm/conv2d/bias' holds inf at element 2");
    bias[2] = 0;
    iv_home_clear(m.w.home);
    assert_int_equal(iv_plan_run(m.plan), IV_OK);
    assert_true(isfinite(*(const float *)iv_plan_output(m.plan, 0)));
    assert_int_equal(iv_plan_find_bad(m.plan), IV_OK);
    unmake(&m);
}

/* ---- memory that runs out ---------------------------------------------------------------------- */

static void memory_that_runs_out_is_reported(void **state)
{
    (void)state;
    bool done = false;

    for (int64_t left = 0; !done; left++) {
        scarce s = { .left = 1000000 };
        made m = { .w = { .home = scarce_home(&s) } };
        m.w.params = iv_params_new(m.w.home, IV_F32, 5);
        m.w.graph = iv_graph_new(m.w.home);
        m.w.scope = iv_scope_new(m.w.graph, m.w.params, "m");
        m.outputs[m.n++] = strides(&m.w, N);
        m.plan = iv__plan_whole(m.w.home, m.n, m.outputs, 0, NULL);
        assert_non_null(m.plan);
        assert_int_equal(iv_params_bind(m.w.params, m.plan), IV_OK);
        s.left = left;
        iv_status status = iv__micro_make(m.plan, m.n, m.outputs, 2);
        if (!status)
            status = iv_plan_run(m.plan);
        done = !status;
        if (status) {
            assert_int_equal(status, IV_NOMEM);
            assert_int_equal(iv_home_status(m.w.home), IV_NOMEM);
        }
        s.left = 1000;
        unmake(&m);
        assert_int_equal(s.alive, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_the_whole_batch),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(changed_parameters_count_from_the_next_run_on),
        cmocka_unit_test(what_mixes_records_stays_whole),
        cmocka_unit_test(the_planner_cuts_where_values_outweigh_parameters),
        cmocka_unit_test(memory_is_foretold_and_small),
        cmocka_unit_test(parts_and_text_tell_what_is_run),
        cmocka_unit_test(a_bad_number_is_named_with_its_records),
        cmocka_unit_test(a_home_may_ask_for_them),
        cmocka_unit_test(memory_that_runs_out_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
