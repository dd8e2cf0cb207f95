/* models_cut_test.c: texts cut into training records: every token is a target just as often as it
 * should be, windows, padding in front, and rows that run through whole texts. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include "base/random.h"
#include "models/common_cut.h"
#include "train/batch.h"

enum { TEXTS = 150, BATCH = 4, T = 5, MOST = 64 };

typedef struct cutting {
    iv__settings settings;
    iv__tokens *tokens;
    iv__cut *cut;
    iv_graph *graph;
    iv_plan *plan;
    iv__batch *batch;
    iv__trainee trainee;
} cutting;

static iv_status fill(const void *self, iv__batch *batch, const iv__rows *rows)
{
    iv__cut_fill(((const cutting *)self)->cut, batch, rows);
    return IV_OK;
}

/* Text r has r % 13 + 1 characters (the last one as many as `longest`), which repeat a to z. */
static void write_texts(const char *path, int longest)
{
    char *all = malloc((size_t)(TEXTS * 20 + longest)), *to = all;

    for (int r = 0; r < TEXTS; r++) {
        int length = r == TEXTS - 1 ? longest : r % 13 + 1;
        for (int i = 0; i < length; i++)
            *to++ = (char)('a' + (r + i) % 26);
        *to++ = '\n';
    }
    write_bytes(path, all, (size_t)(to - all));
    free(all);
}

static void open_cut(world *w, cutting *c, iv__cut_options o, int longest)
{
    const char *path = in_folder(w, "texts.txt");
    iv__tokens_options how = { .rules = { .kind = IV__TOKENS_CHARS }, .cache = in_folder(w, "cache") };
    bool windows = o.kind == IV__CUT_WINDOWS;

    *c = (cutting){ .settings = { .batch = BATCH, .seed = 7, .validation = 0.2, .test = 0.1 } };
    write_texts(path, longest);
    c->tokens = iv__tokens_open(w->home, &iv__dataset_text, path, &how);
    assert_non_null(c->tokens);
    assert_int_equal(iv__tokens_records(c->tokens), TEXTS);
    o.length = T;
    c->cut = iv__cut_new(w->home, c->tokens, &c->settings, &o);
    assert_non_null(c->cut);
    c->graph = iv_graph_new(w->home);
    iv_shape shape = iv_dims(BATCH, T), rows = iv_dims(BATCH);
    iv_node *all[] = { iv_input(c->graph, IV__CUT_WORDS, IV_I32, shape),
                       iv_input(c->graph, IV__CUT_NEXT, IV_I32, windows ? rows : shape),
                       iv_input(c->graph, IV__CUT_WEIGHT, IV_F32, windows ? rows : shape),
                       iv_input(c->graph, IV__CUT_PRESENT, IV_F32, shape),
                       iv_input(c->graph, IV__CUT_GOES_ON, IV_F32, rows) };
    for (int i = 0; i < 2; i++)
        all[i] = iv_cast(all[i], IV_F32);
    c->plan = iv_plan_new(w->home, 5, all, 0, NULL);
    assert_non_null(c->plan);
    c->trainee = (iv__trainee){ .self = c, .fill = fill };
    c->batch = iv__batch_new(w->home, &c->trainee, BATCH, 1, &c->plan);
    assert_non_null(c->batch);
}

static void close_cut(cutting *c)
{
    iv__batch_free(c->batch);
    iv_plan_free(c->plan);
    iv_graph_free(c->graph);
    iv__cut_free(c->cut);
    iv__tokens_free(c->tokens);
}

static void take(cutting *c, iv__split split, int64_t step, const int32_t *record, int64_t n)
{
    iv__batch_begin(c->batch, &(iv__rows){ .split = split, .step = step, .record = record, .n = n });
    assert_int_equal(iv__batch_take(c->batch), IV_OK);
}

static int32_t *words(cutting *c)
{
    return iv_plan_input(c->plan, IV__CUT_WORDS);
}

static int32_t *next(cutting *c)
{
    return iv_plan_input(c->plan, IV__CUT_NEXT);
}

static float *real(cutting *c, const char *name)
{
    return iv_plan_input(c->plan, name);
}

/* What the targets of a split are, each with its weight, as a bag of counts. */
static void count_targets(cutting *c, iv__split split, int64_t targets, int64_t count[MOST])
{
    memset(count, 0, MOST * sizeof *count);
    for (int32_t r = 0; r < iv__cut_count(c->cut, split); r++) {
        take(c, split, 0, &r, 1);
        for (int i = 0; i < targets; i++)
            count[next(c)[i]] += real(c, IV__CUT_WEIGHT)[i] == 1;
        for (int64_t i = targets; i < BATCH * targets; i++)
            assert_true(real(c, IV__CUT_WEIGHT)[i] == 0);
    }
}

/* The texts' own tokens from the one numbered `from` on, and their ends. */
static void count_tokens(cutting *c, iv__split split, int64_t from, int32_t end, int64_t count[MOST])
{
    int32_t ids[100];

    memset(count, 0, MOST * sizeof *count);
    for (int64_t r = 0; r < TEXTS; r++) {
        if (iv__split_of(&c->settings, r) != split)
            continue;
        int64_t n = iv__tokens_copy(c->tokens, r, 0, 100, ids);
        for (int64_t i = from; i < n; i++)
            count[ids[i]]++;
        if (end >= 0)
            count[end]++;
    }
}

static void every_token_is_a_target_once(void **state)
{
    world *w = *state;
    cutting c;
    int64_t seen[MOST], expected[MOST];

    for (int kind = IV__CUT_PIECES; kind <= IV__CUT_CARRIED; kind++)
        for (int begin = 0; begin < 2; begin++) {
            bool windows = kind == IV__CUT_WINDOWS;
            open_cut(w, &c,
                     (iv__cut_options){ .kind = (iv__cut_kind)kind,
                                        .stride = 1,
                                        .begin = begin,
                                        .masked = true,
                                        .end_id = 40 },
                     60);
            for (int s = 0; s < SPLITS; s++) {
                count_targets(&c, (iv__split)s, windows ? 1 : T, seen);
                count_tokens(&c, (iv__split)s,
                             begin     ? 0
                             : windows ? T
                                       : 1,
                             windows && !begin ? -1 : 40, expected);
                assert_memory_equal(seen, expected, sizeof seen);
            }
            close_cut(&c);
        }
}

/* Each character is a token of its own here. */
static void characters_are_those_of_the_targets(void **state)
{
    world *w = *state;
    cutting c;
    int64_t seen[MOST];

    for (int trial = 0; trial < 16; trial++) {
        iv__cut_options o = { .kind = (iv__cut_kind)(trial / 4),
                              .stride = trial & 2 ? 3 : 1,
                              .begin = trial & 1,
                              .masked = true,
                              .end_id = 40 };
        open_cut(w, &c, o, 60);
        for (int s = 0; s < SPLITS; s++) {
            int64_t characters = 0;
            count_targets(&c, (iv__split)s, o.kind == IV__CUT_WINDOWS ? 1 : T, seen);
            for (int id = 0; id < MOST; id++)
                characters += id == 40 ? 0 : seen[id];
            assert_true(characters > 0);
            iv__extent extent = iv__cut_extent(c.cut, (iv__split)s);
            assert_int_equal(iv__extent_units(&extent), characters);
        }
        close_cut(&c);
    }
}

/* Goes through an epoch (-1: an evaluation) as the loop does; every piece comes once, in order
 * within its text; `broken`: rows that begin in the middle of a text. */
static int64_t go_through(cutting *c, iv__split split, int64_t epoch, int64_t *broken, uint32_t *order)
{
    static bool met[4000];
    int32_t record[BATCH], before[BATCH] = { -1, -1, -1, -1 };
    int64_t steps = 0, n = iv__cut_count(c->cut, split), all = 0;

    memset(met, 0, sizeof met);
    *broken = 0;
    for (; iv__cut_choose(c->cut, split, epoch, steps, record); steps++) {
        take(c, split, steps, record, BATCH);
        for (int i = 0; i < BATCH; i++) {
            float goes_on = real(c, IV__CUT_GOES_ON)[i];
            if (record[i] < 0) {
                assert_true(goes_on == 0 && real(c, IV__CUT_WEIGHT)[i * T] == 0);
                continue;
            }
            assert_true(record[i] < n && !met[record[i]]);
            met[record[i]] = true;
            all++;
            *order = *order * 31 + (uint32_t)record[i];
            if (goes_on == 1)
                assert_int_equal(record[i], before[i] + 1);
            else
                *broken += words(c)[i * T] != 50; /* no begin token */
            before[i] = record[i];
        }
    }
    assert_int_equal(all, n);
    return steps;
}

static void texts_may_be_fewer_than_the_data_have(void **state)
{
    world *w = *state;
    cutting c;
    uint32_t order = 0;
    int64_t n = 0, broken;

    open_cut(w, &c,
             (iv__cut_options){ .kind = IV__CUT_CARRIED, .texts = 70, .begin = true, .begin_id = 50 },
             60);
    for (int64_t r = 0; r < 70; r++)
        if (iv__split_of(&c.settings, r) == SPLIT_TRAIN)
            n += (iv__tokens_length(c.tokens, r) + 1 + T - 1) / T;
    assert_int_equal(iv__cut_count(c.cut, SPLIT_TRAIN), n);
    assert_int_equal(go_through(&c, SPLIT_TRAIN, 0, &broken, &order), (n + BATCH - 1) / BATCH);
    close_cut(&c);
}

static void a_window_ends_before_its_target(void **state)
{
    world *w = *state;
    cutting c;
    int32_t ids[100];

    open_cut(w, &c,
             (iv__cut_options){
                 .kind = IV__CUT_WINDOWS, .stride = 3, .begin = true, .begin_id = 50, .end_id = 51 },
             60);
    c.settings.validation = c.settings.test = 0;
    iv__cut_free(c.cut);
    c.cut = iv__cut_new(w->home, c.tokens, &c.settings,
                        &(iv__cut_options){ .kind = IV__CUT_WINDOWS,
                                            .length = T,
                                            .stride = 3,
                                            .begin = true,
                                            .begin_id = 50,
                                            .end_id = 51 });
    int64_t n = iv__tokens_copy(c.tokens, TEXTS - 1, 0, 100, ids);
    assert_int_equal(n, 60);
    int32_t first = (int32_t)iv__cut_count(c.cut, SPLIT_TRAIN) - 21; /* targets 0, 3 .. 60 */
    int32_t record[] = { first, first + 1, first + 2, first + 20 };
    take(&c, SPLIT_TRAIN, 0, record, 4);
    const int32_t *x = words(&c), *y = next(&c);
    const float *present = real(&c, IV__CUT_PRESENT);

    assert_int_equal(y[0], ids[0]);
    assert_int_equal(x[T - 1], 50);
    assert_int_equal(x[T - 2], 0);
    assert_true(present[T - 1] == 1 && present[T - 2] == 0);
    assert_int_equal(y[1], ids[3]);
    assert_int_equal(x[T + 0], 0);
    assert_int_equal(x[T + 1], 50);
    assert_memory_equal(x + T + 2, ids, 3 * sizeof *x);
    assert_int_equal(y[2], ids[6]);
    assert_memory_equal(x + 2 * T, ids + 1, T * sizeof *x);
    assert_true(present[2 * T] == 1);
    assert_int_equal(y[3], 51);
    assert_memory_equal(x + 3 * T, ids + 55, T * sizeof *x);
    close_cut(&c);
}

/* As Keras pads: inputs and targets at the end of their rows, zeros before both; of the batch only
 * what its longest record reaches counts. */
static void padding_stands_in_front(void **state)
{
    world *w = *state;
    cutting c;
    int32_t ids[100], record[3] = { 1, 0, 2 };

    open_cut(w, &c, (iv__cut_options){ .kind = IV__CUT_FIRST, .front = true, .end_id = 40 }, 60);
    c.settings.validation = c.settings.test = 0;
    iv__cut_free(c.cut);
    c.cut = iv__cut_new(w->home, c.tokens, &c.settings,
                        &(iv__cut_options){
                            .kind = IV__CUT_FIRST, .length = T, .front = true, .end_id = 40 });
    assert_int_equal(iv__cut_count(c.cut, SPLIT_TRAIN), TEXTS);
    take(&c, SPLIT_TRAIN, 0, record, 3); /* texts of 2, 1 and 3 characters */
    const float *weight = real(&c, IV__CUT_WEIGHT);

    for (int i = 0; i < 3; i++) {
        int64_t n = iv__tokens_copy(c.tokens, record[i], 0, 100, ids);
        const int32_t *x = words(&c) + i * T, *y = next(&c) + i * T;
        for (int t = 0; t < T; t++) {
            int at = t - (int)(T - n);
            assert_int_equal(x[t], at < 0 ? 0 : ids[at]);
            assert_int_equal(y[t], at < 0 ? 0 : at + 1 < n ? ids[at + 1] : 40);
            assert_true(weight[i * T + t] == (t >= T - 3));
        }
    }
    assert_true(weight[3 * T + T - 1] == 0); /* an empty row */
    close_cut(&c);
}

static void rows_run_through_whole_texts(void **state)
{
    world *w = *state;
    cutting c;
    uint32_t order[4] = { 0 };
    int64_t broken, expected;
    int32_t far[BATCH], near[BATCH];

    /* the last one is longer than a row's share */
    open_cut(w, &c,
             (iv__cut_options){ .kind = IV__CUT_CARRIED, .begin = true, .begin_id = 50, .end_id = 51 },
             3000);
    iv__split giant = iv__split_of(&c.settings, TEXTS - 1);
    assert_int_equal(giant, SPLIT_TRAIN);
    expected = (iv__cut_count(c.cut, SPLIT_TRAIN) + BATCH - 1) / BATCH;
    for (int epoch = 0; epoch < 3; epoch++) {
        assert_int_equal(go_through(&c, SPLIT_TRAIN, epoch, &broken, &order[epoch]), expected);
        assert_true(broken > 0 && broken < BATCH);
        go_through(&c, SPLIT_VALIDATION, -1, &broken, &order[3]); /* between: disturbs nothing */
        assert_int_equal(broken, 0);
    }
    assert_true(order[0] != order[1] && order[1] != order[2]);
    uint32_t again = 0;
    go_through(&c, SPLIT_TRAIN, 0, &broken, &again);
    assert_int_equal(again, order[0]);

    for (int64_t step = 0; step < expected; step += 7) { /* straight to a step, as a resumed run */
        for (int64_t s = 0; s <= step; s++)
            assert_true(iv__cut_choose(c.cut, SPLIT_TRAIN, 1, s, near));
        assert_true(iv__cut_choose(c.cut, SPLIT_TRAIN, 2, 0, far));
        assert_true(iv__cut_choose(c.cut, SPLIT_TRAIN, 1, step, far));
        assert_memory_equal(near, far, sizeof near);
    }
    close_cut(&c);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(every_token_is_a_target_once),
        IN_WORLD(characters_are_those_of_the_targets),
        IN_WORLD(texts_may_be_fewer_than_the_data_have),
        IN_WORLD(a_window_ends_before_its_target),
        IN_WORLD(padding_stands_in_front),
        IN_WORLD(rows_run_through_whole_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
