/* models_generate_test.c: a row of a generator that begins again while others go on. */
#include "nn_world.h"

#include "models/common_generate.h"

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
        void *kept = iv__alloc(w.home, iv__generator_row_bytes(g));
        iv__generator_save_row(g, 0, kept);
        for (int t = 0; t < STEPS; t++) { /* row 0 writes the text, the others something else */
            for (int r = 0; r < ROWS; r++)
                token[r] = r ? 20 + r : text[t];
            assert_int_equal(iv__generator_feed(g, token), IV_OK);
            memcpy(expected[t], iv__generator_logits(g), sizeof expected[t]);
        }
        iv__generator_load_row(g, 2, kept);
        for (int t = 0; t < STEPS; t++) {
            token[2] = text[t];
            assert_int_equal(iv__generator_feed(g, token), IV_OK);
            assert_memory_equal(iv__generator_logits(g) + 2 * ROW, expected[t], sizeof expected[t]);
            assert_memory_not_equal(iv__generator_logits(g), expected[t], sizeof expected[t]);
        }
        iv__free(w.home, kept);
        iv__generator_free(g);
        world_free(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_begins_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
