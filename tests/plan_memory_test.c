/* plan_memory_test.c: plans by hand: how much memory they take, what is not computed, products of either precision, and
 * memory that runs out. */
#include "plan_world.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
