/* data_text_test.c: cleaning, cutting, the vocabulary, ids to texts and back. */
#define _XOPEN_SOURCE 700
#include "text_world.h"

static const iv__token_rules words = { .kind = IV__TOKENS_WORDS }, chars = { .kind = IV__TOKENS_CHARS };

static void assert_cleaned(world *w, const char *text, const char *expected)
{
    iv__text clean = { .home = w->home };

    assert_int_equal(iv__clean(w->home, &words, "name", 1, text, strlen(text), &clean), IV_OK);
    assert_string_equal(clean.data ? clean.data : "", expected);
    iv__text_free(&clean);
}

static void words_are_cleaned(void **state)
{
    world *w = *state;

    assert_cleaned(w, "", "");
    assert_cleaned(w, " \t\r\n\f\v ", "");
    assert_cleaned(w, "Recipe for Ham | Bake,then\nEAT.", "recipe for ham | bake , then eat .");
    assert_cleaned(w, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
                   "! \" # $ % & ' ( ) * + , - . / : ; < = > ? @ [ \\ ] ^ _ ` { | } ~");
    assert_cleaned(w, "don't (1/2-inch)...", "don ' t ( 1 / 2 - inch ) . . .");
    assert_cleaned(
        w, "SAUT\xc3\x89 CR\xc3\x88ME \xce\xa9\xce\x9c\xce\x95\xce\x93\xce\x91 \xd0\x9c\xd0\x98\xd0\xa0 \xc5\x81\xc3\x93\xc4\x90\xc5\xb9",
        "saut\xc3\xa9 cr\xc3\xa8me \xcf\x89\xce\xbc\xce\xb5\xce\xb3\xce\xb1 \xd0\xbc\xd0\xb8\xd1\x80 \xc5\x82\xc3\xb3\xc4\x91\xc5\xba");
    assert_cleaned(w,
                   "a\xc2\xa0"
                   "b\xe2\x80\x89"
                   "c\xe2\x80\xa9"
                   "d\xe3\x80\x80"
                   "e\xc2\x85"
                   "f",
                   "a b c d e f");
    assert_cleaned(w,
                   "350\xc2\xb0"
                   "F \xe2\x80\x94 \xe2\x80\x9cwell\xe2\x80\x9d",
                   "350\xc2\xb0"
                   "f \xe2\x80\x94 \xe2\x80\x9cwell\xe2\x80\x9d");
}

static void apostrophes_may_stay_inside(void **state)
{
    world *w = *state;
    iv__token_rules rules = { .kind = IV__TOKENS_WORDS, .inside = true };
    iv__text clean = { .home = w->home };
    static const char text[] = "'Don't,' said Th' Fox";

    assert_int_equal(iv__clean(w->home, &rules, "name", 1, text, sizeof text - 1, &clean), IV_OK);
    assert_string_equal(clean.data, "'don't , ' said th' fox");
    iv__text_free(&clean);
}

static void entities_may_be_decoded(void **state)
{
    /* clang-format off */
    static const struct { const char *text, *cleaned; } cases[] = {
        { "Fed #39;s &lt;b&gt;rate&lt;/b&gt;", "Fed's <b>rate</b>" },
        { "#39;Marathon mouse #39; doubles", "'Marathon mouse' doubles" },
        { " #39;We walk, #39; says", "'We walk,' says" },
        { "Johnson  amp; Johnson, AT amp;T", "Johnson & Johnson, AT&T" },
        { "&amp;lt; &#x20ac; #151; quot;", "&lt; \xe2\x82\xac\xe2\x80\x94\"" },
        { "xlt; a;b &; &nothing; #; 1;", "xlt; a;b &; &nothing; #; 1;" },
        { ";", ";" },
        { "", "" },
    };
    /* clang-format on */
    world *w = *state;
    iv__token_rules rules = { .kind = IV__TOKENS_CHARS, .entities = true };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iv__text clean = { .home = w->home };
        const char *text = cases[i].text;
        assert_int_equal(iv__clean(w->home, &rules, "name", 1, text, strlen(text), &clean), IV_OK);
        assert_string_equal(clean.data ? clean.data : "", cases[i].cleaned);
        iv__text_free(&clean);
    }
    iv__text clean = { .home = w->home };
    rules.kind = IV__TOKENS_WORDS;
    assert_int_equal(iv__clean(w->home, &rules, "name", 1, "Fed #39;s", 9, &clean), IV_OK);
    assert_string_equal(clean.data, "fed ' s");
    iv__text_free(&clean);
}

/* What is given so far never ends inside a character; in the end nothing is lost. */
static void texts_come_step_by_step(void **state)
{
    static const char *const texts[] = {
        "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80!",
        "cut \xf0\x9f\x98",
        "\xff\xc3(\xe2\x82(\xed\xa0\x80\xc0\x80",
        "",
    };
    /* what stands there when so many bytes of the first came */
    static const size_t given[] = { 0, 1, 2, 3, 3, 5, 6, 6, 6, 9, 10, 10, 10, 10, 14, 15 };
    world *w = *state;
    iv__counter *counter = iv__counter_new(w->home);
    iv__vocabulary *v = iv__vocabulary_choose(counter,
                                              &(iv__token_rules){ .kind = IV__TOKENS_BYTES }, 0);

    assert_non_null(v);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        iv__decoder decoder = { .vocabulary = v };
        iv__text back = { .home = w->home };
        iv__ids ids = { .home = w->home };
        assert_int_equal(iv__encode(v, "text", 0, texts[i], strlen(texts[i]), &ids, NULL), IV_OK);
        for (int64_t t = 0; t < ids.count; t++) {
            iv__decoder_add(&decoder, ids.id[t], &back);
            if (i == 0)
                assert_int_equal(back.size, given[t + 1]);
            if (decoder.n_waiting == 0)
                assert_int_equal(back.size, t + 1);
        }
        iv__decoder_end(&decoder, &back);
        assert_string_equal(back.data ? back.data : "", texts[i]);
        iv__text_free(&back);
        iv__ids_free(&ids);
    }
    iv__vocabulary_free(v);
    iv__counter_free(counter);
}

/* Across the border of the pieces in which the words are written, whatever lies there. */
static void long_words_stay_whole(void **state)
{
    world *w = *state;
    char text[1300];

    for (size_t shift = 480; shift < 540; shift++) {
        memset(text, 'A', shift);
        strcpy(text + shift, "\xc3\x89,\xc3\x89 b");
        iv__text clean = { .home = w->home };
        assert_int_equal(iv__clean(w->home, &words, "name", 1, text, strlen(text), &clean), IV_OK);
        assert_int_equal(clean.size, shift + 9);
        assert_string_equal(clean.data + shift, "\xc3\xa9 , \xc3\xa9 b");
        iv__text_free(&clean);
    }
}

static void lower_case_by_letters(void **state)
{
    static const uint32_t pairs[][2] = {
        { 'A', 'a' },       { '[', '[' },       { 'z', 'z' },       { 0xd7, 0xd7 },
        { 0xde, 0xfe },     { 0xdf, 0xdf },     { 0x130, 'i' },     { 0x149, 0x149 },
        { 0x178, 0xff },    { 0x1a0, 0x1a1 },   { 0x1a1, 0x1a1 },   { 0x386, 0x3ac },
        { 0x3a3, 0x3c3 },   { 0x3c2, 0x3c2 },   { 0x401, 0x451 },   { 0x42f, 0x44f },
        { 0x531, 0x561 },   { 0x1e9e, 0xdf },   { 0x1f08, 0x1f00 }, { 0x1ffc, 0x1ff3 },
        { 0xff21, 0xff41 }, { 0xff3b, 0xff3b }, { 0x4e00, 0x4e00 }, { 0x1f600, 0x1f600 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_int_equal(iv__lower(pairs[i][0]), pairs[i][1]);
}

static void what_is_no_text_is_refused(void **state)
{
    world *w = *state;
    iv__text clean = { .home = w->home };

    for (int kind = IV__TOKENS_WORDS; kind <= IV__TOKENS_CHARS; kind++) {
        iv__token_rules rules = { .kind = kind };
        assert_int_equal(iv__clean(w->home, &rules, "book.txt", 12, "caf\xe9 noir", 9, &clean),
                         IV_FORMAT);
        assert_string_equal(iv_home_message(w->home),
                            "book.txt: record 12: byte 3 (0xe9) is no UTF-8: save the text as UTF-8");
        assert_int_equal(iv__clean(w->home, &rules, "book.txt", 1, "ab\0c", 4, &clean), IV_FORMAT);
        assert_string_equal(iv_home_message(w->home),
                            "book.txt: record 1: byte 2 is zero: this is no text");
        assert_int_equal(iv__clean(w->home, &rules, "prompt", 0, "\xc3", 1, &clean), IV_FORMAT);
        assert_message(w->home, "prompt: byte 0 (0xc3) is no UTF-8");
    }
    iv__text_free(&clean);
}

/* A vocabulary of the tokens of a text, at most `most` entries. */
static iv__vocabulary *learn_text(world *w, const iv__token_rules *rules, const char *text, int64_t most)
{
    return learn(w, rules, text, strlen(text), most);
}

static void frequent_tokens_come_first(void **state)
{
    world *w = *state;
    iv__vocabulary *v = learn_text(w, &words, "d c b a . b c . b a c .", 10000);
    static const char *const order[] = { "", "[UNK]", "c", "b", ".", "a", "d" }; /* c, b and . three times, in that order */

    assert_int_equal(iv__vocabulary_count(v), 7);
    for (int64_t id = 0; id < 7; id++)
        assert_string_equal(iv__vocabulary_token(v, id), order[id]);
    assert_string_equal(iv__vocabulary_token(v, 7), "");
    assert_string_equal(iv__vocabulary_token(v, -1), "");
    assert_int_equal(iv__vocabulary_id(v, "b", 1), 3);
    assert_int_equal(iv__vocabulary_id(v, "x", 1), iv__vocabulary_unknown(v));
    assert_int_equal(iv__vocabulary_id(v, "", 0), iv__vocabulary_unknown(v));
    iv__vocabulary_free(v);

    v = learn_text(w, &words, "d c b a . b c . b a c .", 5);
    assert_int_equal(iv__vocabulary_count(v), 5);
    assert_string_equal(iv__vocabulary_token(v, 4), ".");
    assert_int_equal(iv__vocabulary_id(v, "a", 1), iv__vocabulary_unknown(v));
    iv__vocabulary_free(v);
}

/* Padding, then unknown, end and begin as the rules say, then the tokens. */
static void special_tokens_come_first(void **state)
{
    world *w = *state;

    for (int set = 0; set < 8; set++) {
        iv__token_rules rules = { .kind = IV__TOKENS_CHARS,
                                  .complete = set & 1,
                                  .end = set & 2,
                                  .begin = set & 4,
                                  .entities = set & 1 };
        iv__vocabulary *v = learn_text(w, &rules,
                                       "b\xc3\xa9"
                                       "b",
                                       100);
        int32_t next = 1, unknown = rules.complete ? -1 : next++, end = rules.end ? next++ : 0,
                begin = rules.begin ? next++ : 0;
        assert_int_equal(iv__vocabulary_unknown(v), unknown);
        assert_int_equal(iv__vocabulary_end(v), end);
        assert_int_equal(iv__vocabulary_begin(v), begin);
        assert_int_equal(iv__vocabulary_first(v), next);
        assert_int_equal(iv__vocabulary_count(v), next + 2);
        assert_int_equal(iv__vocabulary_id(v, "\xc3\xa9", 2), next + 1);
        assert_int_equal(iv__vocabulary_id(v, "x", 1), unknown);
        for (int32_t id = 0; id < next; id++) {
            assert_string_equal(iv__vocabulary_token(v, id), id == unknown ? "[UNK]" : "");
            assert_int_equal(iv__vocabulary_characters(v, id), id == unknown);
        }
        assert_int_equal(iv__vocabulary_characters(v, next + 1), 1);

        size_t size;
        const void *bytes = iv__vocabulary_bytes(v, &size);
        iv__vocabulary *again = iv__vocabulary_read(w->home, "file", bytes, size);
        assert_memory_equal(iv__vocabulary_rules(again), &rules, sizeof rules);
        assert_int_equal(iv__vocabulary_id(again, "\xc3\xa9", 2), next + 1);
        iv__vocabulary_free(again);

        iv__ids ids = { .home = w->home };
        iv__text lacks = { .home = w->home }, back = { .home = w->home };
        assert_int_equal(iv__encode(v, "text", 0, "bxb", 3, &ids, &lacks), IV_OK);
        assert_string_equal(lacks.data, "x");
        assert_int_equal(ids.count, rules.complete ? 2 : 3);
        int32_t all[] = { 0, end, begin, next, next + 1, unknown };
        iv__decode(v, all, 6, &back);
        assert_string_equal(back.data, rules.complete ? "b\xc3\xa9" : "b\xc3\xa9[UNK]");
        iv__ids_free(&ids);
        iv__text_free(&lacks);
        iv__text_free(&back);
        iv__vocabulary_free(v);
    }
}

static void complete_vocabularies_leave_nothing_out(void **state)
{
    world *w = *state;
    iv__token_rules rules = { .kind = IV__TOKENS_WORDS, .complete = true };

    iv__vocabulary *v = learn_text(w, &rules, "a b c", 4);
    assert_int_equal(iv__vocabulary_count(v), 4);
    assert_int_equal(iv__vocabulary_characters(v, 1), 2); /* with the blank */
    iv__vocabulary_free(v);
    assert_null(learn_text(w, &rules, "a b c", 3));
    assert_int_equal(iv_home_status(w->home), IV_VALUE);
    assert_message(w->home, "a vocabulary of at most 3 entries without an unknown token: the data have 3 "
                            "different tokens; allow 4 entries, or an unknown token");
}

static void vocabularies_that_cannot_be(void **state)
{
    world *w = *state;
    iv__counter *counter = iv__counter_new(w->home);

    assert_null(iv__vocabulary_choose(counter, &words, 10));
    assert_int_equal(iv_home_status(w->home), IV_VALUE);
    assert_message(w->home, "the vocabulary is empty");
    iv__counter_add(counter, "a", 1);
    assert_null(iv__vocabulary_choose(counter, &words, 2));
    assert_message(w->home, "a vocabulary of at most 2 entries: expected 3 to 16777216");
    assert_null(iv__vocabulary_choose(counter, &words, (int64_t)1 << 40));
    iv__counter_free(counter);
}

static void many_tokens_are_told_apart(void **state)
{
    world *w = *state;
    iv__counter *counter = iv__counter_new(w->home);
    char token[16];
    enum { MANY = 100000 };

    for (int round = 0; round < 2; round++)
        for (int i = 0; i < MANY; i++)
            assert_int_equal(iv__counter_add(counter, token,
                                             (size_t)snprintf(token, sizeof token, "w%d", i)),
                             IV_OK);
    assert_int_equal(iv__counter_distinct(counter), MANY);
    iv__vocabulary *v = iv__vocabulary_choose(counter, &words, IV__VOCABULARY_MAX);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(iv__vocabulary_id(v, token, (size_t)snprintf(token, sizeof token, "w%d", i)),
                         i + 2);
    iv__vocabulary_free(v);
    iv__counter_free(counter);
}

static void vocabularies_are_kept_as_bytes(void **state)
{
    world *w = *state;
    size_t size;

    iv__vocabulary *v = learn_text(w, &words, "b a b", 10);
    const void *bytes = iv__vocabulary_bytes(v, &size);
    assert_int_equal(size, 10);
    assert_memory_equal(bytes, "words\0b\0a", 10);
    iv__vocabulary *again = iv__vocabulary_read(w->home, "file", bytes, size);
    assert_non_null(again);
    assert_int_equal(iv__vocabulary_rules(again)->kind, IV__TOKENS_WORDS);
    assert_int_equal(iv__vocabulary_count(again), 4);
    assert_string_equal(iv__vocabulary_token(again, 3), "a");
    iv__vocabulary_free(again);
    iv__vocabulary_free(v);

    v = learn_text(w, &chars, "A\nb \xc3\xa9\n", 10);
    bytes = iv__vocabulary_bytes(v, &size);
    assert_memory_equal(bytes, "chars\0\n\0A\0b\0 \0\xc3\xa9", size);
    again = iv__vocabulary_read(w->home, "file", bytes, size);
    assert_non_null(again);
    assert_int_equal(iv__vocabulary_id(again, "\xc3\xa9", 2), 6);
    iv__vocabulary_free(again);
    iv__vocabulary_free(v);
}

static void damaged_vocabularies_are_refused(void **state)
{
    /* clang-format off */
    static const struct { const char *bytes; size_t size; const char *message; } cases[] = {
        { "", 0, "model: the vocabulary is damaged: it does not begin with its kind; its bytes are 0" },
        { "word\0a\0", 7, "it does not begin with its kind" },
        { "words", 5, "it does not begin with its kind" },
        { "words\0", 6, "it is empty" },
        { "words\0a", 7, "there is no end of token 2" },
        { "words\0a\0\0", 9, "no token can be what stands at 3" },
        { "words\0a\0a\0", 10, "a token comes again, or beyond the last, at 3" },
        { "words\0a b\0", 10, "no token can be what stands at 2" },
        { "words\0\xff\0", 8, "no token can be what stands at 2" },
        { "chars\0ab\0", 9, "no token can be what stands at 2" },
        { "chars complete end\0ab\0", 22, "no token can be what stands at 2" },
        { "chars end complete\0a\0", 21, "it does not begin with its kind" },
        { "chars  end\0a\0", 13, "it does not begin with its kind" },
        { "chars ending\0a\0", 15, "it does not begin with its kind" },
    };
    /* clang-format on */
    world *w = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null(iv__vocabulary_read(w->home, "model", cases[i].bytes, cases[i].size));
        assert_int_equal(iv_home_status(w->home), IV_FORMAT);
        assert_message(w->home, cases[i].message);
    }
}

static void texts_to_ids_and_back(void **state)
{
    world *w = *state;
    iv__vocabulary *v = learn_text(w, &words, "chop 1 / 2 onion , then stir . stir", 100);
    iv__ids ids = { .home = w->home };
    iv__text unknown = { .home = w->home }, text = { .home = w->home };
    static const char prompt[] = "Chop the Onion, then FRY it.";

    assert_int_equal(iv__encode(v, "prompt", 0, prompt, sizeof prompt - 1, &ids, &unknown), IV_OK);
    assert_int_equal(ids.count, 8);
    assert_string_equal(unknown.data, "the fry it");
    iv__decode(v, ids.id, ids.count, &text);
    assert_string_equal(text.data, "chop [UNK] onion , then [UNK] [UNK] .");
    int32_t odd[] = { 0, ids.id[0], 0, 99, -7, INT32_MAX, ids.id[2], 0 };
    iv__text_clear(&text);
    iv__decode(v, odd, 8, &text);
    assert_string_equal(text.data, "chop onion");
    iv__text_clear(&text);
    iv__decode_readable(v, odd, 8, &text);
    assert_string_equal(text.data, "chop onion");
    assert_int_equal(iv__encode(v, "prompt", 0, "a\xff", 2, &ids, NULL), IV_FORMAT);
    iv__ids_free(&ids);
    iv__text_free(&unknown);
    iv__text_free(&text);
    iv__vocabulary_free(v);
}

static void characters_keep_everything(void **state)
{
    world *w = *state;
    static const char sample[] = "Caf\xc3\xa9: \"Ja!\"\n  (\xf0\x9f\x98\x80)";
    iv__vocabulary *v = learn_text(w, &chars, sample, 100);
    iv__ids ids = { .home = w->home };
    iv__text text = { .home = w->home };

    assert_int_equal(iv__encode(v, "text", 0, sample, sizeof sample - 1, &ids, NULL), IV_OK);
    assert_int_equal(ids.count, 17);
    iv__decode(v, ids.id, ids.count, &text);
    assert_string_equal(text.data, sample);
    iv__text_clear(&text);
    iv__decode_readable(v, ids.id, ids.count, &text);
    assert_string_equal(text.data, sample);
    iv__ids_free(&ids);
    iv__text_free(&text);
    iv__vocabulary_free(v);
}

/* Lower-case text in ordinary English spacing comes back as it was. */
static void readable_texts_come_back(void **state)
{
    static const char *const texts[] = {
        "recipe for ham | bake, then eat. done!",
        "it's the fox's den; don't (ever) go: \"come in,\" he said. \"why?\"",
        "a medium-size bowl, 1/2 cup, 2.5 litres, 50% of it",
        "'go,' said the owl, 'or stay.' it was ten o'clock.",
        "wait... what?! [sic] {x} #1 costs $5",
        "salt -- and pepper",
        "",
    };
    world *w = *state;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        iv__vocabulary *v = learn_text(w, &words, *texts[i] ? texts[i] : "x", 1000);
        iv__ids ids = { .home = w->home };
        iv__text text = { .home = w->home };
        assert_int_equal(iv__encode(v, "text", 0, texts[i], strlen(texts[i]), &ids, NULL), IV_OK);
        iv__decode_readable(v, ids.id, ids.count, &text);
        assert_string_equal(text.data ? text.data : "", texts[i]);
        iv__ids_free(&ids);
        iv__text_free(&text);
        iv__vocabulary_free(v);
    }
}

static void no_memory(void **state)
{
    (void)state;
    assert_survives_scarcity(learn_and_encode, &(learning){ &words, { "some", "token" }, "some token" });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_cleaned),
        cmocka_unit_test(apostrophes_may_stay_inside),
        cmocka_unit_test(entities_may_be_decoded),
        cmocka_unit_test(texts_come_step_by_step),
        cmocka_unit_test(long_words_stay_whole),
        cmocka_unit_test(lower_case_by_letters),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(frequent_tokens_come_first),
        cmocka_unit_test(special_tokens_come_first),
        cmocka_unit_test(complete_vocabularies_leave_nothing_out),
        cmocka_unit_test(vocabularies_that_cannot_be),
        cmocka_unit_test(many_tokens_are_told_apart),
        cmocka_unit_test(vocabularies_are_kept_as_bytes),
        cmocka_unit_test(damaged_vocabularies_are_refused),
        cmocka_unit_test(texts_to_ids_and_back),
        cmocka_unit_test(characters_keep_everything),
        cmocka_unit_test(readable_texts_come_back),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
