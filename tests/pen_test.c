/* pen_test.c: a model that follows a text and writes on: what it reads, the pieces it writes. */
#include "writing_world.h"

#include "base/random.h"
#include "format/utf8.h"
#include "models/common_pen.h"

static const char words[] = "the the the the fox fox fox ' ' t t \" \" . . said said she don";
static const iv__token_rules of_words = { .kind = IV__TOKENS_WORDS },
                             of_chars = { .kind = IV__TOKENS_CHARS };

static iv__pen *open_pen(world *w, const iv__token_rules *rules, const char *text)
{
    world_open(w, rules, text);
    iv__pen *pen = iv__pen_new(&w->instance, w->params);
    assert_non_null(pen);
    sharpen(w);
    return pen;
}

static iv__verdict follow(iv__pen *pen, const char *text)
{
    iv__verdict verdict;

    assert_int_equal(iv__pen_follow(pen, text, strlen(text), &verdict), IV_OK);
    return verdict;
}

static int32_t id_of(const world *w, const char *token)
{
    return iv__vocabulary_id(w->vocabulary, token, strlen(token));
}

/* Read on or read anew, it comes to the same. */
static void it_reads_to_the_end_of_the_text(void **state)
{
    static const char *const texts[] = {
        "", "the", "the fox", "the FOX said.", "the fox", "she said", "she said the zorp", ""
    };
    world w;
    iv__pen *pen = open_pen(&w, &of_words, words);
    (void)state;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        iv__pen *fresh = iv__pen_new(&w.instance, w.params);
        follow(pen, texts[i]);
        follow(fresh, texts[i]);
        for (int32_t id = 0; id < iv__vocabulary_count(w.vocabulary); id++)
            assert_true(iv__writing_score(iv__pen_writing(pen), 0, id).log_probability ==
                        iv__writing_score(iv__pen_writing(fresh), 0, id).log_probability);
        iv__pen_free(fresh);
    }
    iv__pen_free(pen);
    world_close(&w);
}

static void it_judges_what_it_reads_on(void **state)
{
    world w;
    iv__pen *pen = open_pen(&w, &of_words, words);
    (void)state;

    follow(pen, "the");
    iv__score score = iv__writing_score(iv__pen_writing(pen), 0, id_of(&w, "fox"));
    iv__verdict verdict = follow(pen, "the fox");
    assert_true(fabs(verdict.probability - exp(score.log_probability)) < 1e-9);
    assert_int_equal(verdict.rank, score.rank);
    double said = iv__writing_score(iv__pen_writing(pen), 0, id_of(&w, "said")).log_probability;
    verdict = follow(pen, "the fox said.");
    assert_true(verdict.probability < exp(said) && verdict.probability > 0);
    assert_int_equal(verdict.rank, 0); /* two tokens */
    assert_true(isnan(follow(pen, "the fox said. zorp").probability));
    assert_true(isnan(follow(pen, "the fox").probability)); /* read anew */
    iv__pen_free(pen);
    world_close(&w);
}

static void assert_piece(world *w, iv__pen *pen, const char *text, const char *token,
                         const char *expected, bool glues)
{
    iv__text piece = { .home = w->home };
    bool glue;

    follow(pen, text);
    assert_int_equal(iv__pen_piece(pen, id_of(w, token), &piece, &glue), IV_OK);
    assert_string_equal(piece.data, expected);
    assert_int_equal(glue, glues);
    iv__text_free(&piece);
}

static void pieces_bring_their_blanks(void **state)
{
    world w;
    iv__pen *pen = open_pen(&w, &of_words, words);
    (void)state;

    assert_piece(&w, pen, "", "the", "the", false);
    assert_piece(&w, pen, "the", "fox", " fox", false);
    assert_piece(&w, pen, "the fox", ".", ".", false);
    assert_piece(&w, pen, "The Fox.", "she", " she", false);
    assert_piece(&w, pen, "she don '", "t", "t", true);
    assert_piece(&w, pen, "she said \"", "the", "the", false);
    iv__pen_free(pen);
    pen = NULL;
    world_close(&w);

    pen = open_pen(&w, &of_chars, "aaa bb\n");
    assert_piece(&w, pen, "ab", " ", " ", false);
    assert_piece(&w, pen, "ab ", "a", "a", false);
    iv__pen_free(pen);
    world_close(&w);
}

static iv__text stroke_on(world *w, iv__pen *pen, const char *begin, int pieces, int64_t *draws, int *n)
{
    const iv__generation g = { .temperature = 1, .top_p = 1, .repetition = 1, .seed = 5 };
    iv__text text = { .home = w->home };
    iv__stroke stroke = { .piece = { .home = w->home } };

    iv__text_put(&text, begin);
    follow(pen, begin);
    for (*n = 0; *n < pieces; ++*n) {
        size_t size = text.size;
        assert_int_equal(iv__pen_write(pen, &text, -1, true, &g, draws, &stroke), IV_OK);
        if (stroke.ended) {
            assert_int_equal(text.size, size);
            break;
        }
        assert_int_equal(text.size, size + stroke.piece.size);
        assert_string_equal(text.data + size, stroke.piece.data);
        assert_true(stroke.verdict.probability > 0 && stroke.verdict.probability <= 1);
    }
    iv__text_free(&stroke.piece);
    return text;
}

/* Written word by word, the text is the one that is drawn token by token. */
static void words_of_characters_are_whole(void **state)
{
    world w;
    iv__pen *pen = open_pen(&w, &of_chars, "aaa bbb ccc dd ee  . , ");
    int64_t draws = 0;
    int pieces;
    (void)state;

    float *bias = iv_params_find(w.params, "dense/bias")->data;
    bias[iv__vocabulary_end(w.vocabulary)] = -30; /* so that it goes on */
    iv_params_changed(w.params);
    iv__text text = stroke_on(&w, pen, "a", 30, &draws, &pieces);
    assert_int_equal(pieces, 30);
    iv__writing *writing = writing_of(&w, 1);
    iv__ids begin = { .home = w.home };
    iv__generation g = { .temperature = 1, .top_p = 1, .repetition = 1 };
    assert_int_equal(iv__writing_encode(writing, "a", &begin, NULL), IV_OK);
    assert_int_equal(iv__writing_start(writing), IV_OK);
    assert_int_equal(iv__writing_feed_all(writing, &begin), IV_OK);
    for (size_t i = 1; i < text.size; i++) {
        uint32_t word[4];
        iv__philox(iv__random_key(5, "write"), 0, i - 1, word);
        int32_t id = iv__writing_draw(writing, 0, &g, iv__unit_f64(word[0], word[1]));
        const char *token = iv__vocabulary_token(w.vocabulary, id);
        assert_memory_equal(token, text.data + i, strlen(token));
        assert_int_equal(iv__writing_feed(writing, &id), IV_OK);
    }
    iv__ids_free(&begin);
    iv__text_free(&text);
    iv__writing_free(writing);
    iv__pen_free(pen);
    world_close(&w);
}

/* What words write is read back as the tokens that were drawn: no blank is too many or too few. */
static void what_it_writes_it_reads(void **state)
{
    world w;
    iv__pen *pen = open_pen(&w, &of_words, words);
    int pieces, ends = 0;
    (void)state;

    for (int64_t draws = 0; draws < 400; draws++) {
        iv__text text = stroke_on(&w, pen, "she don", 12, &draws, &pieces);
        iv__ids ids = { .home = w.home };
        assert_int_equal(iv__writing_encode(iv__pen_writing(pen), text.data, &ids, NULL), IV_OK);
        assert_int_equal(ids.count, 2 + pieces);
        ends += pieces < 12;
        iv__ids_free(&ids);
        iv__text_free(&text);
    }
    assert_true(ends > 0);
    iv__pen_free(pen);
    world_close(&w);
}

static void tokens_are_shown_visibly(void **state)
{
    world w;
    iv__pen *pen = open_pen(&w, &of_chars, "a \n\t\x01");
    static const struct {
        const char *token, *shown;
    } cases[] = { { "a", "a" }, { " ", "␣" }, { "\n", "\\n" }, { "\t", "\\t" }, { "\x01", "\\x01" } };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iv__text text = { .home = w.home };
        iv__pen_show(pen, id_of(&w, cases[i].token), &text);
        assert_string_equal(text.data, cases[i].shown);
        iv__text_free(&text);
    }
    iv__text text = { .home = w.home };
    iv__pen_show(pen, iv__vocabulary_end(w.vocabulary), &text);
    assert_string_equal(text.data, "(end)");
    iv__text_free(&text);
    iv__pen_free(pen);
    world_close(&w);
}

/* Whatever bytes are drawn: a piece is text in UTF-8 without zero bytes, or nothing. */
static void pieces_of_bytes_are_text(void **state)
{
    static const iv__token_rules of_bytes = { .kind = IV__TOKENS_BYTES, .complete = true };
    const iv__generation g = { .temperature = 1, .top_p = 1, .repetition = 1 };
    world w;
    int64_t draws = 0;
    int bad = 0, written = 0;
    (void)state;

    world_open(&w, &of_bytes, "a");
    iv__pen *pen = iv__pen_new(&w.instance, w.params);
    assert_non_null(pen);
    iv__stroke stroke = { .piece = { .home = w.home } };
    iv__text text = { .home = w.home };
    iv__text_put(&text, "a");
    for (int i = 0; i < 300; i++) {
        size_t size = text.size;
        assert_int_equal(iv__pen_follow(pen, text.data, text.size, NULL), IV_OK);
        assert_int_equal(iv__pen_write(pen, &text, -1, i % 2, &g, &draws, &stroke), IV_OK);
        bad += stroke.bad;
        written += !stroke.bad && !stroke.ended;
        assert_int_equal(text.size, size + stroke.piece.size);
        assert_int_equal(strlen(text.data), text.size);
        assert_int_equal(iv__utf8_valid(text.data, text.size), text.size);
    }
    assert_true(bad > 0 && written > 0);
    iv__text_free(&text);
    iv__text_free(&stroke.piece);
    iv__pen_free(pen);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_reads_to_the_end_of_the_text),
        cmocka_unit_test(it_judges_what_it_reads_on),
        cmocka_unit_test(pieces_bring_their_blanks),
        cmocka_unit_test(words_of_characters_are_whole),
        cmocka_unit_test(what_it_writes_it_reads),
        cmocka_unit_test(tokens_are_shown_visibly),
        cmocka_unit_test(pieces_of_bytes_are_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
