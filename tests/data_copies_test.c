/* data_copies_test.c: copied spans and distinct spans against a plain search, on random texts and
 * on texts whose answers are plain to see. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include <math.h>

#include "base/random.h"
#include "data/copies.h"

enum { TEXTS = 5, RECORDS = 6, MOST = 40 };

typedef struct passage {
    int64_t count;
    int32_t id[MOST];
} passage;

static bool stands_at(const passage *in, int64_t place, const int32_t *ids, int64_t n)
{
    return place + n <= in->count && !memcmp(in->id + place, ids, (size_t)n * sizeof *ids);
}

/* Where a span stands first; false: nowhere. */
static bool find(const passage *records, const int32_t *ids, int64_t n, int64_t *record, int64_t *place)
{
    for (*record = 0; *record < RECORDS; ++*record)
        for (*place = 0; *place + n <= records[*record].count; ++*place)
            if (stands_at(&records[*record], *place, ids, n))
                return true;
    return false;
}

static iv__copy plain_longest(const passage *text, const passage *records)
{
    iv__copy best = { 0 };
    int64_t record, place;

    for (int64_t n = text->count; n > 0; n--)
        for (int64_t first = 0; first + n <= text->count; first++)
            if (find(records, text->id + first, n, &record, &place))
                return (iv__copy){ .length = n, .first = first };
    return best;
}

static int64_t plain_spans(const passage *text, const passage *records, int64_t n)
{
    int64_t spans = 0, record, place;

    for (int64_t first = 0; first + n <= text->count; first++)
        spans += find(records, text->id + first, n, &record, &place);
    return spans;
}

static double plain_distinct(const passage *texts, int64_t n)
{
    int64_t all = 0, different = 0;

    for (int t = 0; t < TEXTS; t++)
        for (int64_t first = 0; first + n <= texts[t].count; first++) {
            bool seen = false;
            for (int u = 0; u <= t; u++)
                for (int64_t at = 0; at < (u < t ? texts[u].count : first); at++)
                    seen |= stands_at(&texts[u], at, texts[t].id + first, n);
            all++;
            different += !seen;
        }
    return all ? (double)different / (double)all : NAN;
}

static void draw_passages(uint64_t trial, uint64_t kind, passage *p, int n, int letters)
{
    for (int i = 0; i < n; i++) {
        uint32_t word[4];
        iv__philox(trial, kind, (uint64_t)i << 32, word);
        p[i].count = word[0] % (MOST + 1);
        for (int64_t t = 0; t < p[i].count; t++) {
            iv__philox(trial, kind, ((uint64_t)i << 32) + 1 + (uint64_t)t, word);
            p[i].id[t] = (int32_t)(word[1] % (uint32_t)letters);
        }
    }
}

/* In pieces, as records too long for one buffer pass. */
static void pass_all(iv__copies *copies, const passage *records, uint64_t trial)
{
    for (int r = 0; r < RECORDS; r++) {
        int64_t cut = records[r].count * (int64_t)(trial % 3) / 2;
        iv__copies_begin(copies, r);
        iv__copies_pass(copies, records[r].id, cut);
        iv__copies_pass(copies, records[r].id + cut, records[r].count - cut);
    }
}

static void copies_agree_with_a_plain_search(void **state)
{
    world *w = *state;
    passage texts[TEXTS], records[RECORDS];

    for (uint64_t trial = 0; trial < 400; trial++) {
        draw_passages(trial, 0, texts, TEXTS, 1 + (int)(trial % 7));
        draw_passages(trial, 1, records, RECORDS, 1 + (int)(trial % 5));
        if (trial % 4 == 0) /* one whole text and a long span stand there; one text stands twice */
            records[3] = texts[1];
        if (trial % 4 == 1)
            texts[4] = texts[2];
        iv__copies *copies = iv__copies_new(w->home);
        for (int t = 0; t < TEXTS; t++)
            assert_int_equal(iv__copies_add(copies, texts[t].id, texts[t].count), IV_OK);
        assert_int_equal(iv__copies_index(copies), IV_OK);
        pass_all(copies, records, trial);
        assert_int_equal(iv__copies_end(copies), IV_OK);
        for (int t = 0; t < TEXTS; t++) {
            iv__copy got = iv__copies_longest(copies, t), expected = plain_longest(&texts[t], records);
            assert_int_equal(got.length, expected.length);
            assert_int_equal(got.first, expected.first);
            assert_true(got.length == 0 || stands_at(&records[got.record], got.place,
                                                     texts[t].id + got.first, got.length));
            assert_int_equal(iv__copies_length(copies, t), texts[t].count);
            for (int64_t n = 1; n < 12; n++)
                assert_int_equal(iv__copies_spans(copies, t, n), plain_spans(&texts[t], records, n));
        }
        for (int64_t n = 1; n <= 4; n++) {
            double got = iv__copies_distinct(copies, n), expected = plain_distinct(texts, n);
            assert_true(got == expected || (isnan(got) && isnan(expected)));
        }
        iv__copies_free(copies);
    }
}

static void no_span_reaches_into_the_next_record(void **state)
{
    world *w = *state;
    static const int32_t text[] = { 5, 6, 7, 8 }, first[] = { 5, 6 }, second[] = { 7, 8 };
    iv__copies *copies = iv__copies_new(w->home);

    assert_int_equal(iv__copies_add(copies, text, 4), IV_OK);
    assert_int_equal(iv__copies_index(copies), IV_OK);
    iv__copies_begin(copies, 10);
    iv__copies_pass(copies, first, 2);
    iv__copies_begin(copies, 11);
    iv__copies_pass(copies, second, 2);
    assert_int_equal(iv__copies_end(copies), IV_OK);
    iv__copy longest = iv__copies_longest(copies, 0);
    assert_int_equal(longest.length, 2);
    assert_int_equal(longest.record, 10);
    assert_int_equal(iv__copies_spans(copies, 0, 2), 2);
    assert_int_equal(iv__copies_spans(copies, 0, 3), 0);
    iv__copies_free(copies);
}

static void none_and_nothing(void **state)
{
    world *w = *state;
    static const int32_t unheard[] = { 1, 2, 3 };
    iv__copies *copies = iv__copies_new(w->home);

    assert_int_equal(iv__copies_add(copies, NULL, 0), IV_OK);
    assert_int_equal(iv__copies_index(copies), IV_OK);
    iv__copies_begin(copies, 0);
    iv__copies_pass(copies, unheard, 3);
    assert_int_equal(iv__copies_end(copies), IV_OK);
    assert_int_equal(iv__copies_longest(copies, 0).length, 0);
    assert_true(isnan(iv__copies_distinct(copies, 1)));
    iv__copies_free(copies);
    iv__copies_free(NULL);
}

/* The few decide the memory: a long text of one record leaves nothing behind. */
static void memory_is_that_of_the_few(void **state)
{
    world *w = *state;
    int32_t few[100], much[4096];
    iv__copies *copies = iv__copies_new(w->home);

    for (int i = 0; i < 100; i++)
        few[i] = i % 9;
    for (int i = 0; i < 4096; i++)
        much[i] = i % 11;
    assert_int_equal(iv__copies_add(copies, few, 100), IV_OK);
    assert_int_equal(iv__copies_index(copies), IV_OK);
    size_t before = iv__home_bytes(w->home);
    iv__copies_begin(copies, 0);
    for (int i = 0; i < 1000; i++)
        iv__copies_pass(copies, much, 4096);
    assert_int_equal(iv__copies_end(copies), IV_OK);
    assert_int_equal(iv__home_bytes(w->home), before);
    assert_int_equal(iv__copies_longest(copies, 0).length, 9);
    iv__copies_free(copies);
}

static bool use_all(iv_home *home, void *context)
{
    static const int32_t text[] = { 1, 2, 1, 2, 3 };
    iv__copies *copies = iv__copies_new(home);
    bool done = copies && !iv__copies_add(copies, text, 5) && !iv__copies_index(copies);

    (void)context;
    if (done) {
        iv__copies_begin(copies, 0);
        iv__copies_pass(copies, text + 1, 3);
        done = !iv__copies_end(copies) && iv__copies_longest(copies, 0).length == 3;
    }
    iv__copies_free(copies);
    return done;
}

static void memory_that_runs_out_is_reported(void **state)
{
    (void)state;
    assert_survives_scarcity(use_all, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(copies_agree_with_a_plain_search, world_begin, world_end),
        cmocka_unit_test_setup_teardown(no_span_reaches_into_the_next_record, world_begin, world_end),
        cmocka_unit_test_setup_teardown(none_and_nothing, world_begin, world_end),
        cmocka_unit_test(memory_that_runs_out_is_reported),
        cmocka_unit_test_setup_teardown(memory_is_that_of_the_few, world_begin, world_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
