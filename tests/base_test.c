/* base_test.c: the ground floor: functions, random numbers, memory, text. (Options, files and
 * threads have tests of their own.) */
#define _GNU_SOURCE
#include "file_world.h"

#include <math.h>

#include "base/arena.h"
#include "base/math.h"
#include "base/random.h"
#include "base/text.h"

#define SIZE(array) ((int)(sizeof(array) / sizeof *(array)))

/* ---- functions ------------------------------------------------------------------------------- */

/* How far y is from the exact value, in units of the last place of a float (of a double). */
static double ulps_f32(float y, double exact)
{
    float nearest = (float)exact;
    double place = (double)(nextafterf(fabsf(nearest), INFINITY) - fabsf(nearest));

    return y == nearest ? 0 : fabs((double)y - exact) / place;
}

static double ulps_f64(double y, long double exact)
{
    double nearest = (double)exact, place = nextafter(fabs(nearest), INFINITY) - fabs(nearest);

    return y == nearest ? 0 : (double)(fabsl((long double)y - exact) / (long double)place);
}

/* The largest error over evenly spread points of [from, to]. */
static double worst_f32(float (*f)(float), double (*exact)(double), double from, double to)
{
    double worst = 0;

    for (int i = 0; i <= 200000; i++) {
        float x = (float)(from + (to - from) * i / 200000);
        worst = fmax(worst, ulps_f32(f(x), exact((double)x)));
    }
    return worst;
}

static double worst_f64(double (*f)(double), long double (*exact)(long double), double from, double to)
{
    double worst = 0;

    for (int i = 0; i <= 100000; i++) {
        double x = from + (to - from) * i / 100000;
        worst = fmax(worst, ulps_f64(f(x), exact((long double)x)));
    }
    return worst;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static long double sigmoid_long(long double x)
{
    return 1 / (1 + expl(-x));
}

static void assert_below(const char *what, double worst, double limit)
{
    if (!(worst <= limit))
        fail_msg("%s: %.3g places of the last digit, more than %g", what, worst, limit);
}

static void functions_are_exact_to_the_last_places(void **state)
{
    (void)state;
    assert_below("exp f32", worst_f32(iv__exp_f32, exp, -87, 88.7), 1);
    assert_below("exp f32, denormal", worst_f32(iv__exp_f32, exp, -104, -87), 1);
    assert_below("log f32", worst_f32(iv__log_f32, log, 1e-30, 2), 1);
    assert_below("log f32, large", worst_f32(iv__log_f32, log, 2, 3e38), 1);
    assert_below("log f32, denormal", worst_f32(iv__log_f32, log, 1e-44, 1e-38), 1);
    assert_below("tanh f32", worst_f32(iv__tanh_f32, tanh, -10, 10), 1.5);
    assert_below("sigmoid f32", worst_f32(iv__sigmoid_f32, sigmoid, -80, 30), 2.5);
    assert_below("exp f64", worst_f64(iv__exp_f64, expl, -700, 709), 1);
    assert_below("log f64", worst_f64(iv__log_f64, logl, 1e-300, 2), 2);
    assert_below("log f64, large", worst_f64(iv__log_f64, logl, 2, 1e300), 1);
    assert_below("tanh f64", worst_f64(iv__tanh_f64, tanhl, -20, 20), 2);
    assert_below("sigmoid f64", worst_f64(iv__sigmoid_f64, sigmoid_long, -600, 40), 2.5);
}

static void functions_have_their_limits(void **state)
{
    (void)state;
    assert_true(iv__exp_f32(0) == 1 && iv__exp_f64(0) == 1);
    assert_true(iv__exp_f32(INFINITY) == INFINITY && iv__exp_f64(INFINITY) == INFINITY);
    assert_true(iv__exp_f32(-INFINITY) == 0 && iv__exp_f64(-INFINITY) == 0);
    assert_true(iv__exp_f32(88.72f) < INFINITY && iv__exp_f32(88.73f) == INFINITY);
    assert_true(iv__exp_f64(709.78) < (double)INFINITY && iv__exp_f64(709.79) == (double)INFINITY);
    assert_true(iv__log_f32(1) == 0 && iv__log_f64(1) == 0);
    assert_true(iv__log_f32(0) == -INFINITY && iv__log_f64(0) == -INFINITY);
    assert_true(iv__log_f32(-0.0f) == -INFINITY && iv__log_f64(-0.0) == -INFINITY);
    assert_true(iv__log_f32(INFINITY) == INFINITY && iv__log_f64(INFINITY) == INFINITY);
    assert_true(isnan(iv__log_f32(-1e-40f)) && isnan(iv__log_f64(-1e-310)));
    assert_true(isnan(iv__log_f32(-1)) && isnan(iv__log_f64(-INFINITY)));
    assert_true(iv__tanh_f32(INFINITY) == 1 && iv__tanh_f64(-INFINITY) == -1);
    assert_true(iv__tanh_f32(1e-30f) == 1e-30f && iv__tanh_f64(-1e-300) == -1e-300);
    assert_true(iv__sigmoid_f32(-INFINITY) == 0 && iv__sigmoid_f64(INFINITY) == 1);
    assert_true(isnan(iv__exp_f32(NAN)) && isnan(iv__exp_f64((double)NAN)));
    assert_true(isnan(iv__log_f32(NAN)) && isnan(iv__log_f64((double)NAN)));
    assert_true(isnan(iv__tanh_f32(NAN)) && isnan(iv__tanh_f64((double)NAN)));
    assert_true(isnan(iv__sigmoid_f32(NAN)) && isnan(iv__sigmoid_f64((double)NAN)));
}

/* ---- random numbers -------------------------------------------------------------------------- */

/* Known answers of Random123 1.14, kat_vectors, "philox4x32 10". */
static void philox_gives_the_known_answers(void **state)
{
    static const struct {
        uint64_t key, high, low;
        uint32_t word[4];
    } known[] = {
        { 0, 0, 0, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { UINT64_MAX, UINT64_MAX, UINT64_MAX, { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { UINT64_C(0x299f31d0a4093822),
          UINT64_C(0x0370734413198a2e),
          UINT64_C(0x85a308d3243f6a88),
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    uint32_t word[4];

    (void)state;
    for (int i = 0; i < SIZE(known); i++) {
        iv__philox(known[i].key, known[i].high, known[i].low, word);
        assert_memory_equal(word, known[i].word, sizeof word);
    }
}

static void units_fill_the_half_open_interval(void **state)
{
    (void)state;
    assert_true(iv__unit_f32(0) == 0 && iv__unit_f32(UINT32_MAX) == 1 - 0x1p-24f);
    assert_true(iv__unit_f64(0, 0) == 0 && iv__unit_f64(UINT32_MAX, UINT32_MAX) == 1 - 0x1p-53);
    assert_true(iv__unit_f64(0, 1 << 11) == 0x1p-53 && iv__unit_f64(1, 0) == 0x1p-32);
}

static void keys_differ_by_seed_and_place(void **state)
{
    static const char *const places[] = { "", "shuffle", "shuffle ", "a/dropout", "a/dropout_1" };
    uint64_t key[4 * SIZE(places)];
    int n = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++)
        for (int p = 0; p < SIZE(places); p++)
            key[n++] = iv__random_key(seed, places[p]);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            assert_true(key[i] != key[j]);
    assert_true(iv__random_key(2, "shuffle") == key[2 * SIZE(places) + 1]);
}

static void shuffling_permutes(void **state)
{
    enum { N = 1000 };
    int32_t first[N], second[N], other[N];
    int seen[N] = { 0 }, at_home = 0, same = 0;

    (void)state;
    iv__shuffle(7, 0, first, N);
    iv__shuffle(7, 0, second, N);
    iv__shuffle(7, 1, other, N);
    assert_memory_equal(first, second, sizeof first);
    for (int i = 0; i < N; i++) {
        assert_in_range(first[i], 0, N - 1);
        seen[first[i]]++;
        at_home += first[i] == i;
        same += first[i] == other[i];
    }
    for (int i = 0; i < N; i++)
        assert_int_equal(seen[i], 1);
    assert_true(at_home < 10 && same < 10); /* one of each is to be expected */
    iv__shuffle(7, 0, first, 1);
    assert_int_equal(first[0], 0);
    iv__shuffle(7, 0, NULL, 0);
}

/* Each of the 24 orders of four records comes about as often as the others. */
static void orders_are_equally_likely(void **state)
{
    int count[256] = { 0 }, kinds = 0;

    (void)state;
    for (uint64_t epoch = 0; epoch < 24000; epoch++) {
        int32_t o[4];
        iv__shuffle(3, epoch, o, 4);
        count[o[0] << 6 | o[1] << 4 | o[2] << 2 | o[3]]++;
    }
    for (int i = 0; i < 256; i++)
        if (count[i]) {
            kinds++;
            assert_in_range(count[i], 840, 1160); /* five standard deviations */
        }
    assert_int_equal(kinds, 24);
}

/* ---- the home and its memory ----------------------------------------------------------------- */

static void homes_remember_the_last_failure(void **state)
{
    iv_home *home = ((world *)*state)->home;
    char text[64];

    assert_int_equal(iv_home_status(home), IV_OK);
    assert_string_equal(iv_home_message(home), "");
    assert_int_equal(iv_fail(home, IV_SHAPE, "%s [%d]", "x", 3), IV_SHAPE);
    assert_int_equal(iv_home_status(home), IV_SHAPE);
    assert_string_equal(iv_home_message(home), "x [3]");
    iv_fail(home, IV_VALUE, "again: %s", iv_home_message(home));
    assert_string_equal(iv_home_message(home), "again: x [3]");
    iv_fail(home, IV_VALUE, "%05000d", 1);
    assert_int_equal(strlen(iv_home_message(home)), 1023);
    iv_home_clear(home);
    assert_int_equal(iv_home_status(home), IV_OK);
    assert_string_equal(iv_home_message(home), "");
    assert_string_equal(iv_status_text(IV_NUMERIC), "a number went bad");
    assert_string_equal(iv_status_text((iv_status)99), "unknown status");
    assert_non_null(strchr(iv_version(), '.'));
    snprintf(text, sizeof text, "%d", iv_home_threads(home));
    assert_string_equal(text, "1");
}

static void blocks_are_zeroed_aligned_and_counted(void **state)
{
    iv_home *home = ((world *)*state)->home;
    static const size_t sizes[] = { 0, 1, 63, 64, 1000, 1 << 20, (size_t)20 << 20 };
    void *block[SIZE(sizes)];
    size_t held = iv__home_bytes(home), sum = 0;

    for (int round = 0; round < 2; round++) { /* the second time memory comes back that was used */
        for (int i = 0; i < SIZE(sizes); i++) {
            const unsigned char *p = block[i] = iv__alloc(home, sizes[i]);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 64, 0);
            for (size_t b = 0; b < sizes[i]; b++)
                if (p[b])
                    fail_msg("byte %zu of a block of %zu is not zero", b, sizes[i]);
            memset(block[i], 0xa5, sizes[i]);
            sum += sizes[i];
            assert_int_equal(iv__home_bytes(home), held + sum);
        }
        for (int i = 0; i < SIZE(sizes); i++)
            iv__free(home, block[i]);
        assert_int_equal(iv__home_bytes(home), held);
        sum = 0;
    }
    assert_int_equal((uintptr_t)(block[0] = iv__alloc(home, (size_t)9 << 20)) % (2 << 20), 0);
    iv__free(home, block[0]); /* large blocks lie on huge pages */
    iv__free(home, NULL);
}

static void sizes_that_cannot_be_are_refused(void **state)
{
    iv_home *home = ((world *)*state)->home;
    iv__arena arena = { .home = home };
    size_t product;

    assert_null(iv__alloc(home, SIZE_MAX));
    assert_int_equal(iv_home_status(home), IV_NOMEM);
    assert_message(home, "18446744073709551615 bytes more were wanted");
    iv_home_clear(home);
    assert_null(iv__alloc_array(home, -1, 4));
    assert_int_equal(iv_home_status(home), IV_NOMEM);
    iv_home_clear(home);
    assert_null(iv__alloc_array(home, INT64_MAX, 16));
    assert_null(iv__arena_get(&arena, SIZE_MAX));
    assert_int_equal(iv_home_status(home), IV_NOMEM);
    assert_false(iv__mul_size(SIZE_MAX, 2, &product));
    assert_true(iv__mul_size(7, 6, &product));
    assert_int_equal(product, 42);
    iv__arena_free(&arena);
}

static void blocks_grow_and_shrink(void **state)
{
    iv_home *home = ((world *)*state)->home;
    char *block = iv__resize(home, NULL, 4);

    memcpy(block, "abc", 4);
    block = iv__resize(home, block, 5000);
    assert_string_equal(block, "abc");
    block = iv__resize(home, block, 2);
    assert_memory_equal(block, "ab", 2);
    iv__free(home, block);
    block = iv__copy_text(home, "copied");
    assert_string_equal(block, "copied");
    iv__free(home, block);
    assert_int_equal(iv__home_bytes(home), 0);
}

static void a_home_holds_no_more_than_it_may(void **state)
{
    (void)state;
    iv_home *home = iv_home_new(
        &(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1, .most_bytes = 1000 });
    void *block = iv__alloc(home, 600);

    assert_non_null(block);
    iv_home *within = iv__home_like(home, 1);
    assert_null(iv__alloc(within, 401));
    assert_string_equal(iv_home_message(within),
                        "out of memory: 401 bytes more were wanted, 600 of 1000 are held");
    void *rest = iv__alloc(within, 400);
    assert_non_null(rest);
    assert_null(iv__alloc(home, 1));
    iv__free(within, rest);
    iv_home_free(within);
    iv__free(home, block);
    assert_non_null(block = iv__alloc(home, 1000));
    iv__free(home, block);
    iv_home_free(home);
}

/* An allocator that gives nothing back zeroed nor aligned. */
static void *crooked_allocate(void *user, void *old, size_t bytes)
{
    int *alive = user;

    if (old) {
        --*alive;
        free((char *)old - 8);
    }
    if (!bytes)
        return NULL;
    char *block = malloc(bytes + 8);
    memset(block, 0xff, bytes + 8);
    ++*alive;
    return block + 8;
}

static void any_allocator_will_do(void **state)
{
    int alive = 0;
    iv_home *home = iv_home_new(&(iv_home_options){
        .size = sizeof(iv_home_options), .threads = 3, .allocate = crooked_allocate, .user = &alive });

    (void)state;
    assert_non_null(home);
    assert_int_equal(iv_home_threads(home), 3);
    assert_true(alive > 1);
    unsigned char *block = iv__alloc(home, 100);
    assert_int_equal((uintptr_t)block % 64, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(block[i], 0);
    iv__free(home, block);
    iv_home_free(home);
    assert_int_equal(alive, 0);
    iv_home_free(NULL);
}

static void homes_survive_scarcity(void **state)
{
    (void)state;
    for (int64_t allowed = 0;; allowed++) {
        scarce s = { .left = allowed };
        iv_home *home = iv_home_new(&(iv_home_options){
            .size = sizeof(iv_home_options), .threads = 4, .allocate = scarce_allocate, .user = &s });
        iv_home_free(home);
        assert_int_equal(s.alive, 0);
        if (home)
            break;
        assert_true(allowed < 10);
    }
}

static void option_structs_may_be_older(void **state)
{
    iv_home_options old = { .size = offsetof(iv_home_options, isa), .threads = 2, .isa = (char *)1 };
    iv_home *home = iv_home_new(&old);

    (void)state;
    assert_int_equal(iv_home_threads(home), 2);
    const char *asked = getenv("IVORY_ISA"), *isa = iv__home_isa(home);
    assert_true(asked ? !strcmp(asked, isa) : !isa);
    iv_home_free(home);
}

/* ---- arena, text ----------------------------------------------------------------------------- */

static void arenas_keep_things_apart(void **state)
{
    iv_home *home = ((world *)*state)->home;
    iv__arena arena = { .home = home };
    unsigned char *things[300];

    for (int i = 0; i < SIZE(things); i++) {
        size_t size = (size_t)(i * i % 1000);
        things[i] = iv__arena_get(&arena, size);
        assert_int_equal((uintptr_t)things[i] % 16, 0);
        for (size_t b = 0; b < size; b++)
            assert_int_equal(things[i][b], 0);
        memset(things[i], i & 255, size);
    }
    assert_non_null(iv__arena_get(&arena, 1 << 20));
    for (int i = 0; i < SIZE(things); i++)
        for (int b = 0; b < i * i % 1000; b++)
            assert_int_equal(things[i][b], i & 255);
    char text[] = "kept";
    char *copy = iv__arena_text(&arena, text);
    text[0] = 'x';
    assert_string_equal(copy, "kept");
    assert_string_equal(iv__arena_print(&arena, "%s_%d", "dense", 12), "dense_12");
    assert_string_equal(iv__arena_print(&arena, "%s", ""), "");
    iv__arena_free(&arena);
    assert_int_equal(iv__home_bytes(home), 0);
    assert_non_null(iv__arena_get(&arena, 1)); /* an arena that was freed is empty, not spoiled */
    iv__arena_free(&arena);
}

static void texts_grow(void **state)
{
    iv_home *home = ((world *)*state)->home;
    iv__text text = { .home = home };

    assert_null(text.data);
    iv__text_clear(&text);
    iv__text_add(&text, "", 0);
    assert_string_equal(text.data, "");
    for (int i = 0; i < 1000; i++)
        iv__text_print(&text, "%03d,", i);
    iv__text_add(&text, "a\0b", 3);
    iv__text_put(&text, "end");
    assert_int_equal(text.size, 4006);
    assert_memory_equal(text.data, "000,001,002,", 12);
    assert_memory_equal(text.data + 4000, "a\0bend", 7);
    assert_false(text.failed);
    iv__text_clear(&text);
    assert_int_equal(text.size, 0);
    assert_string_equal(text.data, "");
    iv__text_add(&text, "x", SIZE_MAX / 2);
    assert_true(text.failed);
    iv__text_put(&text, "more");
    assert_int_equal(text.size, 0); /* what comes after a failure is not there either */
    iv__text_free(&text);
    assert_int_equal(iv__home_bytes(home), 0);
}

static bool write_long_text(iv_home *home, void *context)
{
    iv__text text = { .home = home };
    iv__arena arena = { .home = home };

    (void)context;
    for (int i = 0; i < 100; i++)
        iv__text_print(&text, "line %d of a text that grows\n", i);
    bool done = !text.failed && iv__arena_text(&arena, text.data) && iv__arena_get(&arena, 40000);
    iv__text_free(&text);
    iv__arena_free(&arena);
    return done;
}

static void texts_survive_scarcity(void **state)
{
    (void)state;
    assert_survives_scarcity(write_long_text, NULL);
}

static void the_nearest_word_is_meant(void **state)
{
    static const char *const words[] = { "units", "layers", "dropout", "clip_norm", "lr", "T", NULL };
    static const char *const none[] = { NULL };
    static const char *const pairs[][2] = {
        { "unit", "units" },
        { "unist", "units" },
        { "layer", "layers" },
        { "drop-out", "dropout" },
        { "clipnorm", "clip_norm" },
        { "kr", "lr" },
        { "LR", "lr" },
        { "Units", "units" },
        { "t", "T" },
        { "y", NULL },
        { "temperature", NULL },
        { "xyz", NULL },
        { "", NULL },
        { "a_name_that_is_longer_than_forty_letters_is_never_near", NULL },
    };

    (void)state;
    for (int i = 0; i < SIZE(pairs); i++) {
        const char *near = iv__nearest(pairs[i][0], words);
        if (pairs[i][1] ? !near || strcmp(near, pairs[i][1]) : near != NULL)
            fail_msg("nearest to '%s' is '%s'", pairs[i][0], near ? near : "(none)");
    }
    assert_null(iv__nearest("units", none));
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_exact_to_the_last_places),
        cmocka_unit_test(functions_have_their_limits),
        cmocka_unit_test(philox_gives_the_known_answers),
        cmocka_unit_test(units_fill_the_half_open_interval),
        cmocka_unit_test(keys_differ_by_seed_and_place),
        cmocka_unit_test(shuffling_permutes),
        cmocka_unit_test(orders_are_equally_likely),
        IN_WORLD(homes_remember_the_last_failure),
        IN_WORLD(blocks_are_zeroed_aligned_and_counted),
        IN_WORLD(sizes_that_cannot_be_are_refused),
        IN_WORLD(blocks_grow_and_shrink),
        cmocka_unit_test(a_home_holds_no_more_than_it_may),
        cmocka_unit_test(any_allocator_will_do),
        cmocka_unit_test(homes_survive_scarcity),
        cmocka_unit_test(option_structs_may_be_older),
        IN_WORLD(arenas_keep_things_apart),
        IN_WORLD(texts_grow),
        cmocka_unit_test(texts_survive_scarcity),
        cmocka_unit_test(the_nearest_word_is_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
