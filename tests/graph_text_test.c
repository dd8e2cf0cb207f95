/* graph_text_test.c: a graph as text, read again without its builder, gives the same values; what is no such text is
 * refused with its line. */
#include "graph_world.h"
#include "nn_world.h"
#include "scarce.h"

#include <ivory/train.h>

#include <stdlib.h>

static iv_graph *read_again(iv_home *home, const char *text, const iv_op *const own[])
{
    iv_graph *graph = iv_graph_read(home, "graph.txt", text, strlen(text), own);

    if (!graph)
        fail_msg("%s", iv_home_message(home));
    return graph;
}

/* ---- the same values ------------------------------------------------------------------------- */

enum { N = 3, T = 5, VOCAB = 13 };

static void a_writer(world *w)
{
    iv_node *words = iv_input_sequence(w->graph, "words", IV_I32, iv_dims(N, T), 1);
    iv_node *next = iv_input(w->graph, "next", IV_I32, iv_dims(N, T));
    iv_scope_training(w->scope, true);
    iv_node *x = iv_embedding(w->scope, words, .count = VOCAB, .units = 4);
    x = iv_dropout(w->scope, iv_lstm(w->scope, x, .units = 6), 0.3);
    iv_node *loss = iv_cross_entropy(iv_dense(w->scope, x, .units = VOCAB), next, NULL), *slope;
    iv_node *kernel = iv_parameter(w->graph, "m/lstm/kernel", iv_dims(4, 24));

    assert_int_equal(iv_gradient(loss, 1, &kernel, &slope), IV_OK);
    iv_graph_set_output(w->graph, "loss", loss);
    iv_graph_set_output(w->graph, "the slope of \"kernel\"", slope);
    iv_node *unused = iv_exp(loss);
    assert_non_null(unused);
}

static void run_writer(world *w, iv_graph *graph, float *loss, float slope[96])
{
    iv_node *outputs[] = { iv_graph_output(graph, "loss"),
                           iv_graph_output(graph, "the slope of \"kernel\"") };

    assert_true(outputs[0] && outputs[1]);
    assert_null(iv_graph_output(graph, "another"));
    iv_plan *plan = plan_of(w, 2, outputs, 0, NULL);
    int32_t *words = iv_plan_input(plan, "words"), *next = iv_plan_input(plan, "next");
    for (int i = 0; i < N * T; i++) {
        words[i] = i * 7 % VOCAB;
        next[i] = i * 5 % VOCAB;
    }
    iv_plan_set_clock(plan, 3, 1, 0);
    assert_int_equal(iv_plan_run(plan), IV_OK);
    *loss = *(const float *)iv_plan_output(plan, 0);
    memcpy(slope, iv_plan_output(plan, 1), 96 * sizeof *slope);
    iv_plan_free(plan);
}

static void the_same_bits(void **state)
{
    world w = world_new(IV_F32, 7);
    float loss[2], slope[2][96];

    (void)state;
    a_writer(&w);
    char *text = text_of(w.graph);
    iv_graph *again = read_again(w.home, text, NULL);
    char *twice = text_of(again);
    assert_string_equal(text, twice);
    assert_null(strstr(text, " exp(")); /* no output needs it */
    assert_non_null(strstr(text, "in \"m/lstm\""));
    run_writer(&w, w.graph, &loss[0], slope[0]);
    run_writer(&w, again, &loss[1], slope[1]);
    assert_true(loss[0] > 1 && loss[0] == loss[1]);
    assert_memory_equal(slope[0], slope[1], sizeof slope[0]);

    iv_graph_free(again);
    free(twice);
    free(text);
    world_free(&w);
}

static void in_a_file(void **state)
{
    world w = world_new(IV_F64, 7);
    char path[] = "/tmp/ivory-graph-XXXXXX";
    int file = mkstemp(path);

    (void)state;
    assert_true(file >= 0);
    iv_node *x = iv_input(w.graph, "pixels\n\"\\", IV_F64, iv_dims(2, 5, 5, 3));
    iv_node *y = iv_conv2d(w.scope, x, .filters = 4, .kernel = { 3 }, .mask = IV_MASK_A,
                           .padding = IV_SAME);
    iv_graph_set_output(w.graph, "y",
                        iv_max_pool(iv_select(iv_less(y, iv_like(y, -INFINITY)), y, iv_neg(y)),
                                    .window = { 2, 2 }));
    assert_int_equal(iv_graph_save(w.graph, path), IV_OK);
    iv_graph *again = iv_graph_load(w.home, path, NULL);
    assert_non_null(again);
    char *a = text_of(w.graph), *b = text_of(again);
    assert_string_equal(a, b);
    assert_non_null(strstr(a, "value=-inf"));
    free(a);
    free(b);
    iv_graph_free(again);
    remove(path);
    assert_null(iv_graph_load(w.home, path, NULL));
    assert_int_equal(iv_home_status(w.home), IV_IO);
    iv_graph_set_output(w.graph, "y", x);
    assert_int_equal(iv_graph_save(w.graph, path), IV_NAME); /* the same name twice */
    world_free(&w);
}

/* ---- what is refused ------------------------------------------------------------------------- */

#define HEAD "ivory graph 1, real f32\n"
#define LEAF "%0 = input() name=\"x\" dtype=f32 shape=[2,3] axis=-1 axes=0\n"

#define REAL(number, shape) \
    "%" number " = input() name=\"x" number "\" dtype=f32 shape=" shape " axis=-1 axes=0\n"
/* Rows that going back makes take what going forward kept: nothing else. */
#define BACK_OF(gates, y, kept, dh)                                                 \
    HEAD REAL("0", "[2,4,3]") REAL("1", "[3," gates "]") REAL("2", "[5," gates "]") \
        REAL("3", "[2,5]") REAL("4", y) REAL("5", kept) REAL("6", "[2,4,5]") REAL("7", dh)

static void refusals(void **state)
{
    static const struct {
        const char *text, *says;
        iv_status status;
    } cases[] = {
        { "", "it is empty", IV_FORMAT },
        { "ivory graph 2, real f32\n", "graph.txt:1: expected 'ivory graph 1", IV_FORMAT },
        { HEAD "hello\n", "graph.txt:2: expected a call", IV_FORMAT },
        { HEAD LEAF "%1 = nothing(%0)\n", "graph.txt:3: there is no row 'nothing'", IV_NAME },
        { HEAD LEAF "%2 = exp(%0)\n", "graph.txt:3: expected the next call's number", IV_FORMAT },
        { HEAD LEAF "%1 = exp(%1)\n", "expected %, and the number of a call above", IV_FORMAT },
        { HEAD LEAF "%1 = exp(%0.1)\n", "the number of a call above", IV_FORMAT },
        { HEAD LEAF "%1 = exp(%0\n", "expected )", IV_FORMAT },
        { HEAD LEAF "%1 = exp(%0) x\n", "expected the end of the line", IV_FORMAT },
        { HEAD LEAF "%1 = exp(%0, %0)\n", "graph.txt:3: exp: it takes 1 to 1 inputs", IV_VALUE },
        { HEAD LEAF "%1 = matmul(%0, %0) transpose_a=0 transpose_b=0\n",
          "graph.txt:3: matmul: ", IV_SHAPE },
        { HEAD LEAF "%1 = matmul(%0, %0) transpose_b=0\n",
          "expected its attribute transpose_a=", IV_FORMAT },
        { HEAD LEAF "%1 = matmul(%0, %0) transpose_a=one transpose_b=0\n",
          "expected a whole number", IV_FORMAT },
        { HEAD "%0 = input() name=\"x\" dtype=f16 shape=[2] axis=-1 axes=0\n", "no element type",
          IV_FORMAT },
        { HEAD "%0 = input() name=\"x\" dtype=f32 shape=2 axis=-1 axes=0\n", "expected a shape",
          IV_FORMAT },
        { HEAD "%0 = input() name=\"x\" dtype=f32 shape=[-2] axis=-1 axes=0\n",
          "must not be negative", IV_SHAPE },
        { HEAD "%0 = input() name=\"x\" dtype=f32 shape=[2] axis=0 axes=0\n", "as no input is", IV_VALUE },
        { HEAD "%0 = parameter() name=\"x\" dtype=f64 shape=[2] axis=-1 axes=0\n",
          "as no parameter is", IV_VALUE },
        { HEAD "%0 = input() name=\"x dtype=f32\n", "expected the closing quote", IV_FORMAT },
        { HEAD LEAF "output \"y\" = %1\n", "the number of a call above", IV_FORMAT },
        { HEAD LEAF "output \"y\" = %0\noutput \"y\" = %0\n",
          "graph.txt:4: the graph has an output 'y'", IV_FORMAT },
        { BACK_OF("5", "[2,4,5]", "[2]",
                  "[1,5]") "%8 = simple_rnn_back(%0, %1, %2, %3, %4, %6, %7) reverse=0 reset_after=0\n",
          "simple_rnn_back: the last states' gradients must be [N,H]", IV_SHAPE },
        { BACK_OF("5", "[2,3,5]", "[2]",
                  "[2,5]") "%8 = simple_rnn_back(%0, %1, %2, %3, %4, %6, %7) reverse=0 reset_after=0\n",
          "simple_rnn_back: y must be [N,T,H]", IV_SHAPE },
        { BACK_OF("15", "[2,4,5]", "[1,4,15]",
                  "[2,5]") "%8 = gru_back(%0, %1, %2, %3, %4, %5, %6, %6, %7) reverse=0 reset_after=0\n",
          "gru_back: what is kept must be", IV_SHAPE },
        { BACK_OF("20", "[2,4,5]", "[2,4,20]",
                  "[2,5]") "%8 = lstm_back(%0, %1, %2, %3, %6, %4, %5, %6, %6, %7, %7) reverse=0 reset_after=0\n",
          "lstm_back: the first states must be [N,H]", IV_SHAPE },
        { HEAD LEAF LEAF, "expected the next call's number", IV_FORMAT },
    };
    iv_home *home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 });

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iv_home_clear(home);
        if (iv_graph_read(home, "graph.txt", cases[i].text, strlen(cases[i].text), NULL))
            fail_msg("taken: %s", cases[i].text);
        if (!strstr(iv_home_message(home), cases[i].says) || iv_home_status(home) != cases[i].status)
            fail_msg("case %zu says (%d): %s", i, iv_home_status(home), iv_home_message(home));
    }
    assert_null(iv_graph_read(home, "zero", HEAD "\0", sizeof HEAD, NULL));
    assert_int_equal(iv__home_bytes(home), 0);
    iv_home_free(home);
}

static void scarce_memory(void **state)
{
    static const char text[] = "ivory graph 1, real f32\n"
                               "%0 = input() name=\"x\" dtype=f32 shape=[2,3] axis=-1 axes=0\n"
                               "in \"m/dense\"\n"
                               "%1 = parameter() name=\"m/dense/kernel\" dtype=f32 shape=[3,4] axis=-1 axes=0\n"
                               "%2 = matmul(%0, %1) transpose_a=0 transpose_b=0\n"
                               "output \"y\" = %2\n";
    iv_status status = IV_NOMEM;
    int64_t left = 0;

    (void)state;
    for (; status; left++) {
        scarce s = { .left = left };
        iv_home *home = scarce_home(&s);
        if (!home)
            continue;
        iv_graph *graph = iv_graph_read(home, "graph.txt", text, sizeof text - 1, NULL);
        status = graph ? IV_OK : iv_home_status(home);
        if (status && status != IV_NOMEM)
            fail_msg("with %d allocations: %s", (int)left, iv_home_message(home));
        iv_graph_free(graph);
        iv_home_free(home);
        assert_int_equal(s.alive, 0);
    }
    assert_true(left > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_bits),
        cmocka_unit_test(in_a_file),
        cmocka_unit_test(refusals),
        cmocka_unit_test(scarce_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
