/* stepper_test.c: the stepper of recurrent stacks gives at every position what the whole
 * sequence gives; what looks ahead is refused by name. */
#include "nn_world.h"

#include "graph/node.h"
#include "scarce.h"

enum { N = 3, T = 9, VOCAB = 23, EMBED = 6, UNITS = 8 };

typedef struct stack {
    const char *name;
    iv_cell cell;
    bool reset_before;
    int layers;
    bool mask, states; /* positions are held where the mask is 0; initial states are given */
} stack;

static iv_node *logits_of(world *w, const stack *s)
{
    iv_node *words = iv_input_sequence(w->graph, "words", IV_I32, iv_dims(N, T), 1);
    iv_node *mask = s->mask ? iv_input_sequence(w->graph, "mask", IV_F32, iv_dims(N, T), 1) : NULL;
    iv_node *x = iv_embedding(w->scope, words, .count = VOCAB, .units = EMBED);
    char name[16];

    for (int i = 0; i < s->layers; i++) {
        iv_node *h0 = NULL, *c0 = NULL;
        if (s->states) {
            snprintf(name, sizeof name, "h%d", i);
            h0 = iv_input(w->graph, name, IV_F32, iv_dims(N, UNITS));
            name[0] = 'c';
            c0 = s->cell == IV_LSTM ? iv_input(w->graph, name, IV_F32, iv_dims(N, UNITS)) : NULL;
        }
        x = iv_recurrent(w->scope, x, .cell = s->cell, .units = UNITS,
                         .reset_before = s->reset_before, .mask = mask, .h0 = h0, .c0 = c0);
        x = iv_dropout(w->scope, x, 0.5); /* acts in training alone */
    }
    return iv_dense(w->scope, x, .units = VOCAB, .activation = IV_TANH);
}

/* ---- numbers --------------------------------------------------------------------------------- */

static int32_t word_at(int n, int t)
{
    return (n * 7 + t * 5 + n * t) % VOCAB;
}

static float mask_at(int n, int t)
{
    return (n + 2 * t) % 3 != 1;
}

static void give_states(iv_plan *plan)
{
    for (int i = 0; i < iv_plan_leaves(plan); i++) {
        const char *name = iv_node_name(iv_plan_leaf(plan, i));
        float *state = (name[0] == 'h' || name[0] == 'c') && name[2] == 0 ? iv_plan_input(plan, name)
                                                                          : NULL;
        for (int k = 0; state && k < iv_shape_count(iv_node_shape(iv_plan_leaf(plan, i))); k++)
            state[k] = sinf((float)(k + name[0] + 10 * name[1]));
    }
}

/* Words and mask of `length` positions from `first`. */
static void give_positions(iv_plan *plan, int first, int length)
{
    int32_t *words = iv_plan_input(plan, "words");
    float *mask = iv_plan_input(plan, "mask");

    for (int n = 0; n < N; n++)
        for (int t = 0; t < length; t++) {
            words[n * length + t] = word_at(n, first + t);
            if (mask)
                mask[n * length + t] = mask_at(n, first + t);
        }
}

/* ---- the whole and its steps ----------------------------------------------------------------- */

typedef struct stepping {
    iv_stepper *stepper;
    int n_states;
    const iv_stepper_state *states;
    iv_plan *start, *step;
} stepping;

static stepping steps_of(world *w, iv_node *output)
{
    stepping s = { .stepper = iv_stepper_new(1, &output) };
    iv_node *starts[16];
    iv_update updates[16];

    if (!s.stepper)
        fail_msg("%s", iv_home_message(w->home));
    s.n_states = iv_stepper_states(s.stepper, &s.states);
    assert_in_range(s.n_states, 1, 16);
    for (int i = 0; i < s.n_states; i++) {
        starts[i] = s.states[i].start;
        updates[i] = (iv_update){ s.states[i].leaf, s.states[i].next };
    }
    output = iv_stepper_output(s.stepper, 0);
    s.start = plan_of(w, s.n_states, starts, 0, NULL);
    s.step = plan_of(w, 1, &output, s.n_states, updates);
    return s;
}

static void start(world *w, const stepping *s)
{
    give_states(s->start);
    run(w, s->start);
    for (int i = 0; i < s->n_states; i++)
        give(s->step, iv_node_name(s->states[i].leaf), iv_plan_output(s->start, i),
             (size_t)iv_shape_count(iv_node_shape(s->states[i].leaf)) * sizeof(float));
}

static void free_steps(stepping *s)
{
    iv_plan_free(s->start);
    iv_plan_free(s->step);
    iv_stepper_free(s->stepper);
}

static void check_stack(const stack *s)
{
    world w = world_new(IV_F32, 5);
    iv_node *logits = logits_of(&w, s);
    iv_plan *whole = plan_of(&w, 1, &logits, 0, NULL);
    stepping steps = steps_of(&w, logits);
    float largest = 0;

    assert_int_equal(steps.n_states, s->layers * (s->cell == IV_LSTM ? 2 : 1));
    assert_true(
        iv_shape_same(iv_node_shape(iv_stepper_output(steps.stepper, 0)), &iv_dims(N, 1, VOCAB)));
    float *table = iv_params_find(w.params, "m/embedding/embeddings")->data;
    for (int i = 0; i < VOCAB * EMBED; i++)
        table[i] *= 40; /* from +-0.05 to numbers that bend the gates */
    iv_params_changed(w.params);
    give_positions(whole, 0, T);
    give_states(whole);
    run(&w, whole);
    const float *y = iv_plan_output(whole, 0);
    for (int i = 0; i < N * T * VOCAB; i++)
        largest = fmaxf(largest, fabsf(y[i]));
    assert_true(largest > 0.1f);
    for (int round = 0; round < 2; round++) { /* it can be started again */
        start(&w, &steps);
        for (int t = 0; t < T; t++) {
            give_positions(steps.step, t, 1);
            run(&w, steps.step);
            const float *now = iv_plan_output(steps.step, 0);
            for (int n = 0; n < N; n++)
                for (int v = 0; v < VOCAB; v++)
                    if (!(fabsf(now[n * VOCAB + v] - y[(n * T + t) * VOCAB + v]) <= 1e-5f * largest))
                        fail_msg("%s, %d layers%s%s: position %d, record %d, logit %d is %.9g, not %.9g",
                                 s->name, s->layers, s->mask ? ", mask" : "",
                                 s->states ? ", states" : "", t, n, v, (double)now[n * VOCAB + v],
                                 (double)y[(n * T + t) * VOCAB + v]);
        }
    }
    free_steps(&steps);
    iv_plan_free(whole);
    world_free(&w);
}

static void steps_equal_the_whole(void **state)
{
    static const stack cells[] = {
        { .name = "lstm", .cell = IV_LSTM },
        { .name = "gru, reset after", .cell = IV_GRU },
        { .name = "gru, reset before", .cell = IV_GRU, .reset_before = true },
        { .name = "simple_rnn", .cell = IV_SIMPLE_RNN },
    };

    (void)state;
    for (int c = 0; c < 4; c++)
        for (int kind = 0; kind < 8; kind++) {
            stack s = cells[c];
            s.layers = 1 + (kind & 1);
            s.mask = kind & 2;
            s.states = kind & 4;
            check_stack(&s);
        }
}

/* Nothing is computed twice: a step holds one position of every row, whatever the length of the
 * whole. */
static void a_step_is_one_position_long(void **state)
{
    world w = world_new(IV_F32, 5);
    iv_node *logits = logits_of(&w, &(stack){ .cell = IV_LSTM, .layers = 2 });
    stepping s = steps_of(&w, logits);
    iv_plan_memory m = iv_plan_memory_of(s.step);
    static char text[10000];
    FILE *file = tmpfile();

    (void)state;
    iv_plan_print(s.step, file);
    rewind(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 100);
    fclose(file);
    assert_non_null(strstr(text, "[3,1,23]"));
    assert_null(strstr(text, ",9,"));
    assert_int_equal(m.inputs, N * 4 + 4 * N * UNITS * 4); /* a word of each record, and the states */
    free_steps(&s);
    iv_stepper_free(NULL);
    world_free(&w);
}

/* What is the same at every position may be used beside what changes: a bias, a scale, a
 * broadcast state. */
static void what_stays_meets_what_changes(void **state)
{
    world w = world_new(IV_F32, 5);
    iv_node *x = iv_input_sequence(w.graph, "words", IV_F32, iv_dims(N, T, EMBED), 1);
    iv_node *still = iv_input(w.graph, "h0", IV_F32, iv_dims(N, EMBED));
    iv_node *y = iv_mul(iv_add(x, iv_repeat(iv_tanh(still), 1, T)), iv_sum(iv_softmax(x), -1, true));
    iv_recurrent_out out = { 0 };

    (void)state;
    y = iv_lstm(w.scope, y, .units = EMBED, .states = &out);
    y = iv_concat(2, (iv_node *[]){ y, iv_reverse(x, -1) }, -1);
    iv_plan *whole = plan_of(&w, 1, &y, 0, NULL);
    stepping s = steps_of(&w, y);
    float *all = iv_plan_input(whole, "words"), *one = iv_plan_input(s.step, "words");
    for (int i = 0; i < N * T * EMBED; i++)
        all[i] = sinf((float)i);
    give_states(whole);
    give_states(s.step);
    run(&w, whole);
    start(&w, &s);
    for (int t = 0; t < T; t++) {
        for (int n = 0; n < N; n++)
            memcpy(one + n * EMBED, all + (n * T + t) * EMBED, EMBED * sizeof *one);
        run(&w, s.step);
        for (int n = 0; n < N; n++)
            for (int k = 0; k < 2 * EMBED; k++)
                assert_true(
                    fabsf(((const float *)iv_plan_output(s.step, 0))[n * 2 * EMBED + k] -
                          ((const float *)iv_plan_output(whole, 0))[(n * T + t) * 2 * EMBED + k]) <
                    1e-5f);
    }
    free_steps(&s);
    iv_plan_free(whole);
    world_free(&w);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static iv_node *sequence(world *w)
{
    return iv_input_sequence(w->graph, "x", IV_F32, iv_dims(N, T, EMBED), 1);
}

static void assert_refused(world *w, iv_node *output, const char *message)
{
    if (!output)
        fail_msg("%s", iv_graph_message(w->graph));
    iv_home_clear(w->home);
    assert_null(iv_stepper_new(1, &output));
    assert_int_equal(iv_home_status(w->home), IV_UNSUPPORTED);
    assert_string_equal(iv_home_message(w->home), message);
    assert_int_equal(iv_graph_status(w->graph), IV_OK); /* the whole graph is as good as before */
    next_graph(w);
}

static iv_node *a_dense_layer(iv_scope *scope, iv_node *x, void *context)
{
    (void)context;
    return iv_dense(scope, x, .units = 2);
}

static void what_looks_ahead_is_refused_by_name(void **state)
{
    world w = world_new(IV_F32, 5);

    (void)state;
    assert_refused(
        &w, iv_bidirectional(w.scope, sequence(&w), IV_MERGE_CONCAT, .cell = IV_LSTM, .units = 4),
        "m/bidirectional/backward/lstm cannot run one position at a time: runs backwards: it looks ahead");
    assert_refused(&w, iv_gru(w.scope, sequence(&w), .units = 4, .reverse = true),
                   "m/gru/gru cannot run one position at a time: runs backwards: it looks ahead");
    assert_refused(&w, iv_mean(sequence(&w), 1, true),
                   "sum_to cannot run one position at a time: sums over time: it would look ahead");
    assert_refused(&w, iv_slice(sequence(&w), 1, 1, 2, 1),
                   "slice cannot run one position at a time: cuts time: it would look ahead or back");
    assert_refused(&w, iv_time_distributed(w.scope, sequence(&w), a_dense_layer, NULL),
                   "reshape cannot run one position at a time: it folds time into another axis");
    iv_node *positions = iv_parameter(w.graph, "m/positions", iv_dims(T, EMBED));
    assert_refused(&w, iv_add(sequence(&w), positions),
                   "add cannot run one position at a time: an input that spans all positions at once is not the same "
                   "at each");
    iv_node *taken = iv_add(iv_input(w.graph, "state/0", IV_F32, iv_dims(N, 1, EMBED)), sequence(&w));
    assert_null(iv_stepper_new(1, &taken));
    assert_string_equal(
        iv_home_message(w.home),
        "stepper: names that begin with state/ are those of its own states; choose another for 'state/0'");
    assert_null(iv_stepper_new(0, NULL));
    assert_null(iv_stepper_new(1, (iv_node *[]){ NULL }));
    world_free(&w);
}

static void steppers_survive_scarcity(void **state)
{
    (void)state;
    for (int64_t allowed = 1;; allowed++) {
        scarce memory = { .left = 1000 };
        world w = { .home = scarce_home(&memory) };
        w.params = iv_params_new(w.home, IV_F32, 1);
        w.graph = iv_graph_new(w.home);
        w.scope = iv_scope_new(w.graph, w.params, "m");
        iv_node *logits =
            logits_of(&w, &(stack){ .cell = IV_GRU, .layers = 5, .mask = true, .states = true });
        assert_non_null(logits);
        memory.left = allowed;
        iv_stepper *stepper = iv_stepper_new(1, &logits);
        bool made = stepper != NULL;
        assert_true(made || iv_home_status(w.home) == IV_NOMEM);
        iv_stepper_free(stepper);
        iv_graph_free(w.graph);
        iv_params_free(w.params);
        iv_home_free(w.home);
        assert_int_equal(memory.alive, 0);
        if (made)
            return;
        assert_true(allowed < 200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_equal_the_whole),
        cmocka_unit_test(a_step_is_one_position_long),
        cmocka_unit_test(what_stays_meets_what_changes),
        cmocka_unit_test(what_looks_ahead_is_refused_by_name),
        cmocka_unit_test(steppers_survive_scarcity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
