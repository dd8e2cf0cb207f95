/* data_growing_test.c: texts that grow: where their tokens stand fast, how they read after each token,
 * where they end. What is found on the way is what is found in the whole. */
#define _XOPEN_SOURCE 700
#include "text_world.h"

#include "models/common_writing.h"

enum { TEXTS = 60, PARTS = 40 };

static uint32_t state_of_chance = 1;

static uint32_t chance(uint32_t below)
{
    state_of_chance = state_of_chance * 1664525 + 1013904223;
    return (state_of_chance >> 16) % below;
}

/* Parts that depend on each other where they meet. */
static const char *const parts[] = {
    "fox", "THE", " ", " ",  " ", "  ",       "\n",           "\n ", "\t",   "\xc2\xa0", "'",
    "t",   "\"",  ".", ". ", "!", "-",        "\xe2\x80\xa6", "&",   "#39;", "lt;",      "&gt;",
    "1",   "2",   "(", ")",  "$", "\xc3\xa9", "\xe3\x80\x82", "x"
};

static void put_parts(iv__text *text)
{
    for (int i = 0; i < PARTS; i++)
        iv__text_put(text, parts[chance(sizeof parts / sizeof *parts)]);
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static const iv__token_rules rules[] = {
    { .kind = IV__TOKENS_WORDS },
    { .kind = IV__TOKENS_WORDS, .inside = true },
    { .kind = IV__TOKENS_WORDS, .entities = true },
    { .kind = IV__TOKENS_CHARS },
    { .kind = IV__TOKENS_CHARS, .entities = true },
    { .kind = IV__TOKENS_BYTES },
    { .kind = IV__TOKENS_BYTES, .entities = true },
    { .kind = IV__TOKENS_BPE },
    { .kind = IV__TOKENS_BPE, .entities = true },
};

/* Whatever is written behind a bound, the tokens before it are the same. */
static void tokens_before_a_bound_stand_fast(void **state)
{
    world *w = *state;
    int bounds = 0;

    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
        iv__text all = { .home = w->home };
        for (int i = 0; i < TEXTS; i++)
            put_parts(&all);
        iv__vocabulary *v = learn(w, &rules[r], all.data, all.size, 400);
        assert_non_null(v);
        for (int i = 0; i < TEXTS; i++) {
            iv__text text = { .home = w->home };
            iv__ids whole = { .home = w->home };
            put_parts(&text);
            assert_int_equal(iv__encode(v, "text", 0, text.data, text.size, &whole, NULL), IV_OK);
            for (size_t size = 0; size <= text.size; size++) {
                size_t bound = iv__encode_bound(&rules[r], text.data, size);
                iv__ids ids = { .home = w->home };
                assert_true(bound <= size);
                if (rules[r].kind == IV__TOKENS_CHARS && (text.data[bound] & 0xc0) == 0x80)
                    continue; /* inside a character: no text ends there */
                bounds += bound > 0;
                assert_int_equal(iv__encode(v, "text", 0, text.data, bound, &ids, NULL), IV_OK);
                assert_int_equal(iv__encode(v, "text", 0, text.data + bound, text.size - bound,
                                            &ids, NULL),
                                 IV_OK);
                assert_int_equal(ids.count, whole.count);
                assert_memory_equal(ids.id, whole.id, (size_t)ids.count * sizeof *ids.id);
                iv__ids_free(&ids);
            }
            iv__ids_free(&whole);
            iv__text_free(&text);
        }
        iv__vocabulary_free(v);
        iv__text_free(&all);
    }
    assert_true(bounds > 10000);
    const iv__token_rules *words = &rules[0];
    assert_int_equal(iv__encode_bound(words, "the fox saw", 11), 7);
    assert_int_equal(iv__encode_bound(words, "the fox \n ", 10), 7);
    assert_int_equal(iv__encode_bound(words, "the", 3), 0);
    assert_int_equal(iv__encode_bound(words, " the", 4), 0);
    assert_int_equal(iv__encode_bound(&rules[3], "the", 3), 3);
}

/* ---- reading, ends --------------------------------------------------------------------------- */

static const char words[] = "fox fox don don ' ' ' t s \" \" . . ! - / 1 2 5 ( ) $ , \xe2\x80\xa6 \xe3\x80\x82";

static int32_t some_token(const iv__vocabulary *v)
{
    return (int32_t)chance((uint32_t)iv__vocabulary_count(v));
}

static void texts_read_the_same_on_the_way(void **state)
{
    world *w = *state;
    iv__vocabulary *v = learn(w, &rules[0], words, sizeof words - 1, 100);

    for (int i = 0; i < TEXTS; i++) {
        iv__text text = { .home = w->home };
        iv__text_put(&text, "before: ");
        iv__reading reading = { .vocabulary = v, .settled = text.size };
        iv__ids ids = { .home = w->home };
        for (int t = 0; t < PARTS; t++) {
            char settled[1024] = "";
            iv__text whole = { .home = w->home };
            size_t size = reading.settled;
            memcpy(settled, text.data, size);
            assert_int_equal(iv__ids_add(&ids, some_token(v)), IV_OK);
            iv__reading_add(&reading, ids.id[t], &text);
            iv__text_put(&whole, "before: ");
            iv__decode_readable(v, ids.id, ids.count, &whole);
            assert_string_equal(text.data, whole.data);
            assert_memory_equal(text.data, settled, size);
            assert_true(reading.settled >= size);
            iv__text_free(&whole);
        }
        assert_true(reading.settled > text.size / 2);
        iv__ids_free(&ids);
        iv__text_free(&text);
    }
    iv__vocabulary_free(v);
}

static void ends_are_found_on_the_way(void **state)
{
    static const char *const stops[] = { "...", "'s", "don fox don" };
    world *w = *state;
    iv__vocabulary *v = learn(w, &rules[0], words, sizeof words - 1, 100);
    int found = 0;

    for (int i = 0; i < 20 * TEXTS; i++) {
        const iv__generation g = { .n_stops = i % 3, .stops = stops + i % 2, .sentences = i % 5 };
        iv__text text = { .home = w->home };
        iv__reading reading = { .vocabulary = v };
        size_t begin = chance(4);
        iv__ending ending = { .g = &g, .begin = begin, .sentence = begin };
        int64_t end = -1;
        for (int t = 0; t < PARTS && end < 0; t++) {
            iv__ending fresh = { .g = &g, .begin = begin, .sentence = begin };
            iv__reading_add(&reading, some_token(v), &text);
            if (text.size < begin)
                continue;
            end = iv__ending_find(&ending, text.data, text.size, reading.settled);
            assert_int_equal(end, iv__ending_find(&fresh, text.data, text.size, 0));
        }
        found += end >= 0;
        iv__text_free(&text);
    }
    assert_true(found > 10 * TEXTS && found < 18 * TEXTS);
    iv__vocabulary_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tokens_before_a_bound_stand_fast, world_begin, world_end),
        cmocka_unit_test_setup_teardown(texts_read_the_same_on_the_way, world_begin, world_end),
        cmocka_unit_test_setup_teardown(ends_are_found_on_the_way, world_begin, world_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
