/* data_pieces_test.c: stretches, byte-pair pieces and bytes: learned as a plain learner learns them,
 * and every text comes back as it was. */
#define _XOPEN_SOURCE 700
#include "text_world.h"

#include "data/pieces.h"

static const iv__token_rules bytes_rules = { .kind = IV__TOKENS_BYTES, .complete = true },
                             bpe_rules = { .kind = IV__TOKENS_BPE, .complete = true },
                             chars_rules = { .kind = IV__TOKENS_CHARS };

/* Many scripts, signs that are put together, line ends, bytes that are no text. */
static const struct sample {
    const char *text;
    size_t size; /* 0: to its zero byte */
} samples[] = {
    { "The fox said, \"it's  1987\"...\n\n\tAnd 2.5 more ", 0 },
    { "\xe6\x98\xa5\xe7\x9c\xa0\xe4\xb8\x8d\xe8\xa7\x89\xe6\x99\x93\xef\xbc\x8c\xe5\xa4\x84\xe5\xa4\x84\xe9\x97\xbb\xe5\x95\xbc\xe9\xb8\x9f\xe3\x80\x82",
      0 },
    { "\xd8\xa8\xd9\x90\xd8\xb3\xd9\x92\xd9\x85\xd9\x90 \xd8\xa7\xd9\x84\xd9\x84\xd9\x8e\xd9\x91\xd9\x87\xd8\x8c \xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7",
      0 },
    { "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7 \xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd\xf0\x9f\x98\x80!",
      0 },
    { "e\xcc\x81"
      "a\xcc\x80\xcc\xa3 \xe0\xa4\xb9\xe0\xa4\xbf\xe0\xa4\xa8\xe0\xa5\x8d\xe0\xa4\xa6\xe0\xa5\x80\xe0\xa5\xa4",
      0 },
    { "one\r\ntwo\r\n\r\n  three\r", 0 },
    { "\0\1\2 \0\0\xff\xfe"
      "a\xc3",
      10 },
    { "\xf0\x9f\x98 cut \xed\xa0\x80 surrogate \xc0\x80", 0 },
    { " ", 0 },
    { "    ", 0 },
    { "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
      0 },
};
enum { SAMPLES = sizeof samples / sizeof *samples };

static size_t size_of(const struct sample *s)
{
    return s->size > 0 ? s->size : strlen(s->text);
}

static uint32_t next_random(uint32_t *x)
{
    return (*x = *x * 1664525 + 1013904223) >> 16;
}

/* ---- stretches ------------------------------------------------------------------------------- */

static void assert_stretches(const char *text, const char *expected)
{
    char cut[300] = "";
    const char *at = text, *end = text + strlen(text);

    for (size_t size; at < end; at += size) {
        size = iv__stretch_next(at, (size_t)(end - at));
        assert_true(size > 0 && size <= IV__STRETCH_MAX && size <= (size_t)(end - at));
        strncat(strcat(cut, "["), at, size);
        strcat(cut, "]");
    }
    assert_string_equal(cut, expected);
}

static void stretches_are_words_numbers_and_marks(void **state)
{
    (void)state;
    assert_stretches("The fox, 12 days.", "[The][ fox][,][ 12][ days][.]");
    assert_stretches("a  b", "[a][ ][ b]");
    assert_stretches("a\n\n  b ", "[a][\n\n ][ b][ ]");
    assert_stretches("a\n b\n", "[a][\n][ b][\n]");
    assert_stretches("x2y ...!?", "[x][2][y][ ...!?]");
    assert_stretches("e\xcc\x81t\xc3\xa9 \xe2\x80\x9cl\xe2\x80\x9d",
                     "[e\xcc\x81t\xc3\xa9][ \xe2\x80\x9c][l][\xe2\x80\x9d]");
    assert_stretches("\xe6\x98\xa5\xe7\x9c\xa0\xef\xbc\x8c\xe5\xa4\x84",
                     "[\xe6\x98\xa5\xe7\x9c\xa0][\xef\xbc\x8c][\xe5\xa4\x84]");
}

/* A stretch that is too long is cut between characters. */
static void long_stretches_are_cut(void **state)
{
    char text[3 * 40 + 1];

    (void)state;
    for (int i = 0; i < 40; i++)
        memcpy(text + 3 * i, "\xe6\x98\xa5", 3);
    assert_int_equal(iv__stretch_next(text, 120), 63);
    memset(text, 'x', 120);
    assert_int_equal(iv__stretch_next(text, 120), 64);
    memset(text, ' ', 120);
    assert_int_equal(iv__stretch_next(text, 120), 64);
    memset(text, 0xff, 120);
    assert_int_equal(iv__stretch_next(text, 120), 64);
}

/* ---- learning -------------------------------------------------------------------------------- */

/* A learner that counts all pairs anew for each join. */
enum { PLAIN_WORDS = 64, PLAIN_LONGEST = 12, PLAIN_PIECES = 40 };

typedef struct plain {
    int n_words, n_pieces;
    int word[PLAIN_WORDS][PLAIN_LONGEST], size[PLAIN_WORDS];
    int64_t count[PLAIN_WORDS];
    char piece[PLAIN_PIECES][IV__STRETCH_MAX + 1];
    iv__join join[PLAIN_PIECES];
    bool spoiled[PLAIN_PIECES][PLAIN_PIECES]; /* what they make is a piece already */
} plain;

static bool join_best(plain *p, int letters)
{
    static int64_t counts[PLAIN_PIECES][PLAIN_PIECES];
    int64_t best = 1;
    int left = 0, right = 0;

    memset(counts, 0, sizeof counts);
    for (int w = 0; w < p->n_words; w++)
        for (int i = 0; i + 1 < p->size[w]; i++)
            counts[p->word[w][i]][p->word[w][i + 1]] += p->count[w];
    for (int a = 0; a < p->n_pieces; a++)
        for (int b = 0; b < p->n_pieces; b++)
            if (counts[a][b] > best && !p->spoiled[a][b]) {
                best = counts[a][b];
                left = a;
                right = b;
            }
    if (best < 2)
        return false;
    char *made = p->piece[p->n_pieces];
    strcat(strcpy(made, p->piece[left]), p->piece[right]);
    for (int i = 0; i < p->n_pieces; i++)
        if (!strcmp(p->piece[i], made)) {
            p->spoiled[left][right] = true;
            return true;
        }
    p->join[p->n_pieces - letters] = (iv__join){ (uint32_t)left, (uint32_t)right };
    for (int w = 0; w < p->n_words; w++) {
        int kept = 0;
        for (int i = 0; i < p->size[w]; kept++)
            if (p->word[w][i] == left && i + 1 < p->size[w] && p->word[w][i + 1] == right) {
                p->word[w][kept] = p->n_pieces;
                i += 2;
            } else {
                p->word[w][kept] = p->word[w][i++];
            }
        p->size[w] = kept;
    }
    p->n_pieces++;
    return true;
}

/* The number that a piece of the plain learner, which knows but a few letters, has among all. */
static uint32_t number_of(int piece, int letters)
{
    return (uint32_t)(piece < letters ? 'a' + piece : IV__BYTES + piece - letters);
}

static void pieces_are_those_of_a_plain_learner(void **state)
{
    world *w = *state;
    uint32_t x = 7;

    for (int round = 0; round < 300; round++) {
        int letters = 1 + round % 4;
        static plain p;
        p = (plain){ .n_words = 1 + (int)(next_random(&x) % PLAIN_WORDS), .n_pieces = letters };
        iv__joins joins = { .home = w->home };
        iv__token_table table = { .home = w->home, .bytes.home = w->home },
                        pieces = { .home = w->home, .bytes.home = w->home };
        for (int i = 0; i < letters; i++)
            p.piece[i][0] = (char)('a' + i);
        for (int i = 0; i < p.n_words; i++) {
            char text[PLAIN_LONGEST];
            p.size[i] = 1 + (int)(next_random(&x) % PLAIN_LONGEST);
            for (int k = 0; k < p.size[i]; k++)
                text[k] = (char)('a' + (p.word[i][k] = (int)(next_random(&x) % (unsigned)letters)));
            p.count[i] = 1 + next_random(&x) % 5;
            if (iv__token_table_add(&table, text, (size_t)p.size[i]) < i) { /* it is there already */
                p.n_words = i;
                break;
            }
        }
        int64_t most = IV__BYTES + (round % 3 ? PLAIN_PIECES - letters : round % 7);
        assert_int_equal(iv__joins_learn(&joins, &pieces, &table, p.count, most), IV_OK);
        while (p.n_pieces - letters < most - IV__BYTES && join_best(&p, letters))
            ;
        assert_int_equal(joins.count, p.n_pieces - letters);
        assert_int_equal(pieces.count, IV__BYTES + joins.count);
        for (int64_t i = 0; i < joins.count; i++) {
            assert_int_equal(joins.join[i].left, number_of((int)p.join[i].left, letters));
            assert_int_equal(joins.join[i].right, number_of((int)p.join[i].right, letters));
            assert_string_equal(pieces.bytes.data + pieces.entries[IV__BYTES + i].place,
                                p.piece[letters + i]);
        }
        for (int i = 0; i < p.n_words; i++) { /* what was learned is how it is cut */
            uint32_t cut[IV__STRETCH_MAX];
            const iv__token_entry *entry = &table.entries[i];
            assert_int_equal(iv__joins_encode(&joins, table.bytes.data + entry->place, entry->size, cut),
                             p.size[i]);
            for (int k = 0; k < p.size[i]; k++)
                assert_int_equal(cut[k], number_of(p.word[i][k], letters));
        }
        iv__joins_free(&joins);
        iv__token_table_free(&table);
        iv__token_table_free(&pieces);
    }
}

static void pieces_of_a_text(void **state)
{
    world *w = *state;
    static const char text[] = "the fox and the crow and the heron";

    iv__vocabulary *v = learn(w, &bpe_rules, text, sizeof text - 1, 1000);
    assert_int_equal(iv__vocabulary_first(v), 1);
    assert_int_equal(iv__vocabulary_token_size(v, 1), 1);
    assert_int_equal(iv__vocabulary_id(v, "t", 1), 1 + 't');
    assert_true(iv__vocabulary_id(v, " the", 4) > 256);
    assert_true(iv__vocabulary_id(v, " and", 4) > 256);
    assert_int_equal(iv__vocabulary_id(v, "the fox", 7), -1);
    assert_int_equal(iv__vocabulary_characters(v, iv__vocabulary_id(v, " the", 4)), 4);
    iv__vocabulary_free(v);
    assert_null(learn(w, &bpe_rules, text, sizeof text - 1, 256));
    assert_message(w->home, "a vocabulary of at most 256 entries: expected 257 to 16777216");
    v = learn(w, &bpe_rules, text, sizeof text - 1, 257);
    assert_int_equal(iv__vocabulary_count(v), 257);
    iv__vocabulary_free(v);
}

/* ---- there and back -------------------------------------------------------------------------- */

static void assert_round_trip(world *w, const iv__vocabulary *v, const char *text, size_t size,
                              iv__piece_cache *cache)
{
    iv__ids ids = { .home = w->home };
    iv__text back = { .home = w->home };
    int64_t characters = 0, begun = 0;

    assert_int_equal(iv__encode_clean(v, cache, text, size, &ids, NULL), IV_OK);
    iv__decode(v, ids.id, ids.count, &back);
    assert_int_equal(back.size, size);
    assert_memory_equal(back.data, text, size);
    for (int64_t i = 0; i < ids.count; i++)
        characters += iv__vocabulary_characters(v, ids.id[i]);
    for (size_t i = 0; i < size; i++)
        begun += ((unsigned char)text[i] & 0xc0) != 0x80;
    assert_int_equal(characters, begun);
    iv__ids_free(&ids);
    iv__text_free(&back);
}

static void every_text_comes_back(void **state)
{
    world *w = *state;
    iv__text all = { .home = w->home };
    iv__piece_cache *cache = iv__piece_cache_new(w->home);
    unsigned char noise[1000];
    uint32_t x = 3;

    for (int i = 0; i < SAMPLES; i++)
        for (int k = 0; k < 3; k++)
            iv__text_add(&all, samples[i].text, size_of(&samples[i]));
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (unsigned char)next_random(&x);
    const iv__token_rules *const rules[] = { &bytes_rules, &bpe_rules };
    for (int r = 0; r < 2; r++) {
        iv__vocabulary *v = learn(w, rules[r], all.data, all.size, 400);
        size_t size;
        const void *kept = iv__vocabulary_bytes(v, &size);
        iv__vocabulary *again = iv__vocabulary_read(w->home, "file", kept, size);
        assert_non_null(again);
        assert_int_equal(iv__vocabulary_count(again), iv__vocabulary_count(v));
        if (r == 0)
            assert_int_equal(iv__vocabulary_count(v), 257);
        for (int i = 0; i < SAMPLES; i++) {
            assert_round_trip(w, v, samples[i].text, size_of(&samples[i]), NULL);
            assert_round_trip(w, again, samples[i].text, size_of(&samples[i]), cache);
            assert_round_trip(w, again, samples[i].text, size_of(&samples[i]), cache);
        }
        assert_round_trip(w, again, (char *)noise, sizeof noise, cache);
        for (int64_t id = 0; id < iv__vocabulary_count(v); id++) {
            assert_int_equal(iv__vocabulary_token_size(v, id), iv__vocabulary_token_size(again, id));
            assert_memory_equal(iv__vocabulary_token(v, id), iv__vocabulary_token(again, id),
                                iv__vocabulary_token_size(v, id));
        }
        kept = iv__vocabulary_bytes(again, &size);
        assert_memory_equal(kept, iv__vocabulary_bytes(v, &(size_t){ 0 }), size);
        iv__vocabulary_free(again);
        iv__vocabulary_free(v);
    }
    iv__piece_cache_free(cache);
    iv__text_free(&all);
}

static void characters_come_back(void **state)
{
    world *w = *state;

    for (int i = 0; i < SAMPLES; i++) {
        iv__text clean = { .home = w->home };
        size_t size = size_of(&samples[i]);
        if (iv__clean(w->home, &chars_rules, "text", 0, samples[i].text, size, &clean) == IV_OK) {
            iv__vocabulary *v = learn(w, &chars_rules, samples[i].text, size, 400);
            assert_round_trip(w, v, samples[i].text, size, NULL);
            iv__vocabulary_free(v);
        }
        iv__text_free(&clean);
        iv_home_clear(w->home);
    }
}

static void damaged_pieces_are_refused(void **state)
{
    /* clang-format off */
    static const struct { const char *bytes; size_t size; const char *message; } cases[] = {
        { "bpe", 4, "it does not begin with its kind" },
        { "bytes complete\0x", 16, "bytes are left over behind its rules: 1" },
        { "bytes complete\0x\0\0\0y\0\0\0", 23, "bytes are left over behind its rules: 8" },
        { "bpe complete\0x\0\0\0y\0\0", 20, "bytes are left over behind its rules: 7" },
        { "bpe complete\0\0\1\0\0y\0\0\0", 21, "no piece can be what stands at 257" },
        { "bpe complete\0x\0\0\0\xff\xff\xff\xff", 21, "no piece can be what stands at 257" },
        { "bpe complete\0x\0\0\0y\0\0\0x\0\0\0y\0\0\0", 29, "no piece can be what stands at 258" },
        { "bpe complete\0x\0\0\0x\0\0\0" "\0\1\0\0x\0\0\0" "x\0\0\0\0\1\0\0", 37, "no piece can be what stands at 259" },
    };
    /* clang-format on */
    world *w = *state;
    iv__text kept = { .home = w->home };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null(iv__vocabulary_read(w->home, "model", cases[i].bytes, cases[i].size));
        assert_int_equal(iv_home_status(w->home), IV_FORMAT);
        assert_message(w->home, cases[i].message);
    }
    iv__text_add(&kept, "bpe complete", 13); /* each piece twice as long as the last */
    for (unsigned char i = 0; i < 7; i++) {
        unsigned char both[8] = { i ? (unsigned char)(i - 1) : 'x', i > 0, 0, 0,
                                  i ? (unsigned char)(i - 1) : 'x', i > 0, 0, 0 };
        iv__text_add(&kept, (const char *)both, 8);
    }
    assert_null(iv__vocabulary_read(w->home, "model", kept.data, kept.size));
    assert_message(w->home, "no piece can be what stands at 263");
    iv__vocabulary *v = iv__vocabulary_read(w->home, "model", kept.data, kept.size - 8);
    assert_non_null(v);
    iv__vocabulary_free(v);
    iv__text_free(&kept);
}

static void what_is_seldom_is_forgotten(void **state)
{
    world *w = *state;
    iv__counter *counter = iv__counter_new(w->home);
    char token[16];

    for (int i = 0; i < 1000; i++)
        for (int k = 0; k < 2; k++)
            iv__counter_add(counter, token, (size_t)snprintf(token, sizeof token, "f%d", i));
    assert_false(iv__counter_forgot(counter));
    for (int i = 0; i < IV__COUNTER_MAX; i++)
        assert_int_equal(iv__counter_add(counter, token, (size_t)snprintf(token, sizeof token, "s%d", i)),
                         IV_OK);
    assert_true(iv__counter_forgot(counter));
    assert_true(iv__counter_distinct(counter) <= IV__COUNTER_MAX);
    iv__counter_add(counter, "f7", 2);
    iv__vocabulary *v = iv__vocabulary_choose(counter, &(iv__token_rules){ 0 }, 1002);
    assert_string_equal(iv__vocabulary_token(v, 2), "f7");
    assert_string_equal(iv__vocabulary_token(v, 3), "f0");
    assert_string_equal(iv__vocabulary_token(v, 1001), "f999");
    iv__vocabulary_free(v);
    iv__counter_free(counter);
}

static void no_memory(void **state)
{
    (void)state;
    assert_survives_scarcity(learn_and_encode,
                             &(learning){ &bpe_rules, { " some", " some" }, "this some" });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stretches_are_words_numbers_and_marks),
        cmocka_unit_test(long_stretches_are_cut),
        cmocka_unit_test(pieces_are_those_of_a_plain_learner),
        cmocka_unit_test(pieces_of_a_text),
        cmocka_unit_test(every_text_comes_back),
        cmocka_unit_test(characters_come_back),
        cmocka_unit_test(damaged_pieces_are_refused),
        cmocka_unit_test(what_is_seldom_is_forgotten),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
