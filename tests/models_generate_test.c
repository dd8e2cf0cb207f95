/* models_generate_test.c: drafts in order; a row of a generator that begins again while others go on. */
#include "nn_world.h"

#include "models/common_drafts.h"
#include "models/common_generate.h"

/* ---- drafts ---------------------------------------------------------------------------------- */

static void drafts_are_given_out_in_order(void **state)
{
    (void)state;
    iv_home *home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 });
    iv__drafts d;
    iv__draft *draft[5];

    assert_int_equal(iv__drafts_init(&d, home, 5), IV_OK);
    for (int i = 0; i < 5; i++) {
        draft[i] = iv__drafts_begin(&d);
        assert_int_equal(draft[i]->number, i);
    }
    assert_null(iv__drafts_begin(&d));
    draft[1]->done = draft[2]->done = draft[4]->done = true;
    assert_null(iv__drafts_take(&d));
    draft[0]->done = true;
    for (int i = 0; i < 3; i++)
        assert_int_equal(iv__drafts_take(&d)->number, i);
    assert_null(iv__drafts_take(&d));
    draft[3]->done = true;
    assert_int_equal(iv__drafts_take(&d)->number, 3);
    assert_int_equal(iv__drafts_take(&d)->number, 4);
    assert_null(iv__drafts_take(&d));
    iv__drafts_free(&d);
    assert_int_equal(iv__home_bytes(home), 0);
    iv_home_free(home);
}

/* The first of many goes on and on: some of the others can be written meanwhile, in bounded memory. */
static void drafts_wait_for_an_early_one(void **state)
{
    (void)state;
    iv_home *home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 });
    iv__drafts d;
    iv__draft *first, *next;
    int64_t begun = 1, given = 0;

    assert_int_equal(iv__drafts_init(&d, home, 3 * IV__MOST_DRAFTS), IV_OK);
    first = iv__drafts_begin(&d);
    for (; (next = iv__drafts_begin(&d)); begun++) {
        next->done = true;
        assert_int_equal(iv__ids_add(&next->ids, (int32_t)begun), IV_OK);
    }
    assert_int_equal(begun, IV__MOST_DRAFTS);
    assert_null(iv__drafts_take(&d));
    first->done = true;
    for (; iv__drafts_take(&d); given++)
        ;
    assert_int_equal(given, IV__MOST_DRAFTS);
    first = iv__drafts_begin(&d); /* where the first was */
    assert_int_equal(first->number, IV__MOST_DRAFTS);
    assert_false(first->done);
    next = iv__drafts_begin(&d);
    assert_int_equal(next->ids.count, 0);
    iv__drafts_free(&d);
    assert_int_equal(iv__home_bytes(home), 0);
    iv_home_free(home);
}

/* ---- a generator's rows ---------------------------------------------------------------------- */

enum { ROWS = 3, VOCABULARY = 40, STEPS = 6 };

static iv_node *logits_of(world *w, iv_node *words, iv_cell cell)
{
    iv_node *x = iv_embedding(w->scope, words, .count = VOCABULARY, .units = 7);

    x = iv_recurrent(w->scope, x, .cell = cell, .units = 12);
    x = iv_recurrent(w->scope, x, .cell = cell, .units = 9);
    return iv_dense(w->scope, x, .units = VOCABULARY);
}

static void a_row_begins_again(void **state)
{
    static const int32_t prompt[] = { 5, 11 }, text[STEPS] = { 3, 8, 1, 30, 2, 17 };
    static const iv_cell cells[] = { IV_LSTM, IV_GRU, IV_SIMPLE_RNN };
    enum { ROW = VOCABULARY };

    (void)state;
    for (size_t c = 0; c < sizeof cells / sizeof *cells; c++) {
        world w = world_new(IV_F32, 1);
        iv_node *words = iv_input_sequence(w.graph, "words", IV_I32, iv_dims(ROWS, 2), 1);
        iv__generator *g = iv__generator_new(w.params, logits_of(&w, words, cells[c]), "words");
        float expected[STEPS][ROW];
        int32_t token[ROWS];

        assert_non_null(g);
        assert_int_equal(iv__generator_start(g), IV_OK);
        for (int t = 0; t < 2; t++) {
            for (int r = 0; r < ROWS; r++)
                token[r] = prompt[t];
            assert_int_equal(iv__generator_feed(g, token), IV_OK);
        }
        iv__generator_keep(g);
        for (int t = 0; t < STEPS; t++) { /* row 0 writes the text, the others something else */
            for (int r = 0; r < ROWS; r++)
                token[r] = r ? 20 + r : text[t];
            assert_int_equal(iv__generator_feed(g, token), IV_OK);
            memcpy(expected[t], iv__generator_logits(g), sizeof expected[t]);
        }
        iv__generator_restart(g, 2);
        for (int t = 0; t < STEPS; t++) {
            token[2] = text[t];
            assert_int_equal(iv__generator_feed(g, token), IV_OK);
            assert_memory_equal(iv__generator_logits(g) + 2 * ROW, expected[t], sizeof expected[t]);
            assert_memory_not_equal(iv__generator_logits(g), expected[t], sizeof expected[t]);
        }
        iv__generator_free(g);
        world_free(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drafts_are_given_out_in_order),
        cmocka_unit_test(drafts_wait_for_an_early_one),
        cmocka_unit_test(a_row_begins_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
