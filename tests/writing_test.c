/* writing_test.c: a session of writing: rows side by side, rows kept aside, what may follow. */
#include "writing_world.h"

static const char words[] = "the the the the fox fox fox crow crow and said";
enum { PADDING, UNKNOWN, THE, FOX, CROW, AND, SAID, VOCAB };

static void begin(world *w, iv__writing *writing, const char *text)
{
    iv__ids ids = { .home = w->home };

    assert_int_equal(iv__writing_encode(writing, text, &ids, NULL), IV_OK);
    assert_int_equal(iv__writing_start(writing), IV_OK);
    assert_int_equal(iv__writing_feed_all(writing, &ids), IV_OK);
    iv__ids_free(&ids);
}

static void scores_are_of_a_distribution(void **state)
{
    world w;
    (void)state;

    world_open(&w, &(iv__token_rules){ .kind = IV__TOKENS_WORDS }, words);
    iv__writing *writing = writing_of(&w, 1);
    sharpen(&w);
    begin(&w, writing, "the fox and");
    double sum = 0;
    int64_t ranks = 0;
    for (int32_t id = 0; id < VOCAB; id++) {
        iv__score score = iv__writing_score(writing, 0, id);
        sum += exp(score.log_probability);
        ranks += score.rank;
    }
    assert_true(fabs(sum - 1) < 1e-6);
    assert_int_equal(ranks, VOCAB * (VOCAB + 1) / 2);

    iv__likely likely[VOCAB];
    int found = iv__writing_likeliest(writing, 0, 1, VOCAB, likely);
    assert_int_equal(found, VOCAB - 1); /* all but the unknown one; padding is the end */
    double rest = exp(iv__writing_score(writing, 0, UNKNOWN).log_probability);
    for (int i = 0; i < found; i++) {
        double p = exp(iv__writing_score(writing, 0, likely[i].token).log_probability);
        assert_int_not_equal(likely[i].token, UNKNOWN);
        assert_true(fabs(likely[i].probability - p / (1 - rest)) < 1e-6);
        assert_true(!i || likely[i].probability <= likely[i - 1].probability);
    }
    iv__writing_free(writing);
    world_close(&w);
}

/* A row's texts depend on what it was given alone, in whatever company. */
static void rows_are_apart(void **state)
{
    static const int32_t text[3][4] = { { THE, FOX, AND, CROW },
                                        { SAID, THE, THE, FOX },
                                        { AND, AND, CROW, SAID } };
    world w;
    (void)state;

    world_open(&w, &(iv__token_rules){ .kind = IV__TOKENS_WORDS }, words);
    iv__writing *together = writing_of(&w, 3), *alone = writing_of(&w, 1);
    sharpen(&w);
    assert_int_equal(iv__writing_start(together), IV_OK);
    for (int t = 0; t < 4; t++)
        assert_int_equal(iv__writing_feed(together, (int32_t[]){ text[0][t], text[1][t], text[2][t] }),
                         IV_OK);
    for (int r = 0; r < 3; r++) {
        assert_int_equal(iv__writing_start(alone), IV_OK);
        for (int t = 0; t < 4; t++)
            assert_int_equal(iv__writing_feed(alone, &text[r][t]), IV_OK);
        for (int32_t id = 0; id < VOCAB; id++)
            assert_true(iv__writing_score(together, r, id).log_probability ==
                        iv__writing_score(alone, 0, id).log_probability);
    }
    iv__writing_free(together);
    iv__writing_free(alone);
    world_close(&w);
}

/* What was kept aside goes on as if nothing had come between, in another row too. */
static void a_row_is_kept_aside(void **state)
{
    world w;
    double here[VOCAB], next[VOCAB];
    (void)state;

    world_open(&w, &(iv__token_rules){ .kind = IV__TOKENS_WORDS }, words);
    iv__writing *writing = writing_of(&w, 2);
    sharpen(&w);
    void *kept = iv__alloc(w.home, iv__writing_row_bytes(writing));
    begin(&w, writing, "the crow said");
    iv__writing_save_row(writing, 0, kept);
    for (int32_t id = 0; id < VOCAB; id++)
        here[id] = iv__writing_score(writing, 0, id).log_probability;
    assert_int_equal(iv__writing_feed(writing, (int32_t[]){ FOX, AND }), IV_OK);
    for (int32_t id = 0; id < VOCAB; id++)
        next[id] = iv__writing_score(writing, 0, id).log_probability;
    begin(&w, writing, "and and and and the");
    for (int row = 1; row >= 0; row--) {
        iv__writing_load_row(writing, row, kept);
        for (int32_t id = 0; id < VOCAB; id++)
            assert_true(iv__writing_score(writing, row, id).log_probability == here[id]);
        assert_int_equal(iv__writing_feed(writing, (int32_t[]){ FOX, FOX }), IV_OK);
        for (int32_t id = 0; id < VOCAB; id++)
            assert_true(iv__writing_score(writing, row, id).log_probability == next[id]);
    }
    iv__free(w.home, kept);
    iv__writing_free(writing);
    world_close(&w);
}

/* Where the unknown token is by far the likeliest, others are drawn at any temperature. */
static void special_tokens_are_never_drawn(void **state)
{
    static const double temperatures[] = { 0, 1e-300, 1e-30, 1e-3, 1, 100 };
    world w;
    (void)state;

    world_open(&w, &(iv__token_rules){ .kind = IV__TOKENS_WORDS }, words);
    iv__writing *writing = writing_of(&w, 1);
    float *bias = iv_params_find(w.params, "dense/bias")->data;
    bias[UNKNOWN] = 500;
    iv_params_changed(w.params);
    begin(&w, writing, "the fox");
    for (size_t i = 0; i < sizeof temperatures / sizeof *temperatures; i++) {
        iv__generation g = { .temperature = temperatures[i], .top_p = 1, .repetition = 1 };
        iv__likely likely[VOCAB];
        double sum = 0;
        int found = iv__writing_likeliest(writing, 0, temperatures[i], VOCAB, likely);
        for (int k = 0; k < found; k++) {
            assert_int_not_equal(likely[k].token, UNKNOWN);
            sum += likely[k].probability;
        }
        assert_true(fabs(sum - 1) < 1e-5);
        for (int k = 0; k < 50; k++) {
            int32_t token = iv__writing_draw(writing, 0, &g, k / 50.0);
            assert_int_not_equal(token, UNKNOWN);
            assert_in_range(token, 0, VOCAB - 1);
            if (temperatures[i] < 1e-20)
                assert_int_equal(token, likely[0].token);
        }
    }
    iv__writing_free(writing);
    world_close(&w);
}

static void what_may_follow_is_known_after_the_first_token(void **state)
{
    world w;
    (void)state;

    world_open(&w, &(iv__token_rules){ .kind = IV__TOKENS_WORDS }, words);
    w.begins = false;
    iv__writing *writing = writing_of(&w, 1);
    assert_int_equal(iv__writing_start(writing), IV_OK);
    assert_false(iv__writing_knows(writing));
    assert_int_equal(iv__writing_feed(writing, (int32_t[]){ THE }), IV_OK);
    assert_true(iv__writing_knows(writing));
    iv__writing_free(writing);
    w.model.language = NULL;
    assert_null(iv__writing_new(&w.instance, w.params, 1));
    assert_int_equal(iv_home_status(w.home), IV_UNSUPPORTED);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_of_a_distribution),
        cmocka_unit_test(rows_are_apart),
        cmocka_unit_test(a_row_is_kept_aside),
        cmocka_unit_test(special_tokens_are_never_drawn),
        cmocka_unit_test(what_may_follow_is_known_after_the_first_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
