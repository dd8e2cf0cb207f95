/* base_test.c: the ground floor: functions, random numbers, memory, text, fields, files and
 * checksums. (Threads have base_threads_test.c.) */
#define _GNU_SOURCE
#include "file_world.h"

#include <float.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/field.h"
#include "base/math.h"
#include "base/random.h"
#include "base/text.h"

#include <ivory/tensor.h>

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
        { UINT64_C(0x299f31d0a4093822), UINT64_C(0x0370734413198a2e), UINT64_C(0x85a308d3243f6a88),
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
    iv_home *home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 3,
                                                    .allocate = crooked_allocate, .user = &alive });

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
        iv_home *home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 4,
                                                        .allocate = scarce_allocate, .user = &s });
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
    static const char *const words[] = { "units", "layers", "dropout", "clip_norm", "lr", NULL };
    static const char *const none[] = { NULL };
    static const char *const pairs[][2] = {
        { "unit", "units" },           { "unist", "units" },     { "layer", "layers" },
        { "drop-out", "dropout" },     { "clipnorm", "clip_norm" }, { "kr", "lr" },
        { "temperature", NULL },       { "xyz", NULL },          { "", NULL },
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

/* ---- fields ---------------------------------------------------------------------------------- */

typedef struct options {
    int64_t units;
    double rate, share;
    bool masked;
    int cell;
    const char *prompt;
    iv_shape shape;
} options;

/* clang-format off */
static const iv_field fields[] = {
    FIELD(options, units,  INT,    "128",   1, 65536, "",                "",  "width"),
    FIELD(options, rate,   REAL,   "0.001", 0, 0,     "",                "",  "any number"),
    FIELD(options, share,  REAL,   "0.1",   0, 0.9,   "",                "",  "with a range"),
    FIELD(options, masked, BOOL,   "yes",   0, 0,     "",                "",  ""),
    FIELD(options, cell,   CHOICE, "gru",   0, 0,     "lstm gru simple", "",  ""),
    FIELD(options, prompt, TEXT,   "",      0, 0,     "",                "",  ""),
    FIELD(options, shape,  SHAPE,  NULL,    0, 0,     "",                "",  ""),
    FIELD_END,
};
/* clang-format on */

static void fields_have_defaults(void **state)
{
    options o = { .shape = iv_dims(4, 5) };

    (void)state;
    iv__fields_default(fields, &o);
    assert_int_equal(o.units, 128);
    assert_true(o.rate == 0.001 && o.share == 0.1 && o.masked);
    assert_int_equal(o.cell, 1);
    assert_string_equal(o.prompt, "");
    assert_int_equal(o.shape.rank, 2); /* no default: left as it was */
}

static void set_ok(world *w, iv__arena *arena, options *o, const char *name, const char *value)
{
    if (iv__field_set(w->home, arena, fields, o, name, value))
        fail_msg("%s=%s: %s", name, value, iv_home_message(w->home));
}

static void fields_are_set_from_text(void **state)
{
    world *w = *state;
    iv__arena arena = { .home = w->home };
    options o;
    char prompt[] = "once upon";

    iv__fields_default(fields, &o);
    set_ok(w, &arena, &o, "units", "65536");
    set_ok(w, &arena, &o, "rate", "-1.5e-3");
    set_ok(w, &arena, &o, "share", "0.9");
    set_ok(w, &arena, &o, "masked", "no");
    set_ok(w, &arena, &o, "cell", "simple");
    set_ok(w, &arena, &o, "prompt", prompt);
    prompt[0] = 'x';
    assert_int_equal(o.units, 65536);
    assert_true(o.rate == -0.0015 && o.share == 0.9 && !o.masked);
    assert_int_equal(o.cell, 2);
    assert_string_equal(o.prompt, "once upon");
    assert_int_equal(iv__fields_set(w->home, &arena, fields, &o, "units=7  cell=lstm prompt= masked=yes"),
                     IV_OK);
    assert_true(o.units == 7 && o.cell == 0 && o.masked && !*o.prompt);
    assert_int_equal(iv__fields_set(w->home, &arena, fields, &o, ""), IV_OK);
    iv__arena_free(&arena);
}

static void fields_refuse_with_reasons(void **state)
{
    static const struct {
        const char *name, *value, *message;
        iv_status status;
    } wrong[] = {
        { "units", "0", "units: expected a whole number from 1 to 65536, got '0'", IV_VALUE },
        { "units", "65537", "got '65537'", IV_VALUE },
        { "units", "3.5", "got '3.5'", IV_VALUE },
        { "units", "", "got ''", IV_VALUE },
        { "units", "12 ", "got '12 '", IV_VALUE },
        { "units", "99999999999999999999", "got '99999999999999999999'", IV_VALUE },
        { "rate", "fast", "rate: expected a number, got 'fast'", IV_VALUE },
        { "rate", "nan", "rate: expected a number, got 'nan'", IV_VALUE },
        { "rate", "1e999", "got '1e999'", IV_VALUE },
        { "rate", "1,5", "got '1,5'", IV_VALUE },
        { "share", "0.91", "share: expected a number from 0 to 0.9, got '0.91'", IV_VALUE },
        { "masked", "true", "masked: 'true' is neither yes nor no", IV_VALUE },
        { "cell", "lst", "cell: 'lst' is none of: lstm gru simple", IV_VALUE },
        { "cell", "", "cell: '' is none of: lstm gru simple", IV_VALUE },
        { "cell", "gru simple", "is none of", IV_VALUE },
        { "shape", "[3]", "shape: a shape is not set from text", IV_UNSUPPORTED },
        { "unit", "3", "there is no option 'unit'; did you mean 'units'?", IV_NAME },
        { "zzz", "3", "there is no option 'zzz'", IV_NAME },
    };
    world *w = *state;
    iv__arena arena = { .home = w->home };
    options o, before;

    memset(&o, 0, sizeof o);
    iv__fields_default(fields, &o);
    before = o;
    for (int i = 0; i < SIZE(wrong); i++) {
        iv_home_clear(w->home);
        assert_int_equal(iv__field_set(w->home, &arena, fields, &o, wrong[i].name, wrong[i].value),
                         wrong[i].status);
        assert_message(w->home, wrong[i].message);
        assert_true(iv__fields_same(fields, &o, &before)); /* what is refused changes nothing */
    }
    assert_int_equal(iv__fields_set(w->home, &arena, fields, &o, "units=3 gru"), IV_VALUE);
    assert_message(w->home, "expected name=value, got 'gru'");
    assert_int_equal(iv__fields_set(w->home, &arena, fields, &o, "units 3"), IV_VALUE);
    char longer[400];
    memset(longer, 'v', sizeof longer);
    memcpy(longer, "prompt=", 7);
    longer[sizeof longer - 1] = 0;
    assert_int_equal(iv__fields_set(w->home, &arena, fields, &o, longer), IV_VALUE);
    iv__arena_free(&arena);
}

static void dashes_stand_for_underscores(void **state)
{
    static const iv_field table[] = {
        { .name = "clip_norm", .type = IV_FIELD_REAL },
        { .name = "clip", .type = IV_FIELD_REAL },
        { .name = NULL },
    };

    (void)state;
    assert_ptr_equal(iv__field_find(table, "clip-norm"), &table[0]);
    assert_ptr_equal(iv__field_find(table, "clip_norm"), &table[0]);
    assert_ptr_equal(iv__field_find(table, "clip"), &table[1]);
    assert_null(iv__field_find(table, "clip-"));
    assert_null(iv__field_find(table, "clipnorm"));
    assert_null(iv__field_find(table, ""));
}

/* What is printed sets the same value again, to the last bit. */
static void printed_fields_read_back(void **state)
{
    static const double reals[] = { 0, -0.0, 0.1, 1e-3, 1.0 / 3, 1e300, -2.2250738585072014e-308, 5e-324 };
    world *w = *state;
    iv__arena arena = { .home = w->home };
    iv__text text = { .home = w->home };

    for (int r = 0; r < SIZE(reals); r++) {
        options o = { .units = INT64_C(3) << r, .rate = reals[r], .share = 0.25, .masked = r & 1,
                      .cell = r % 3, .prompt = r & 1 ? "a b" : "" };
        options read;
        memset(&read, 0, sizeof read);
        iv__fields_default(fields, &read);
        for (const iv_field *field = fields; field->type != IV_FIELD_SHAPE; field++) {
            iv__text_clear(&text);
            iv__field_print(field, &o, &text);
            set_ok(w, &arena, &read, field->name, text.data ? text.data : "");
        }
        assert_true(iv__fields_same(fields, &o, &read));
        assert_true(iv__fields_hash(fields, &o) == iv__fields_hash(fields, &read));
    }
    options shaped = { .shape = iv_dims(2, 3), .prompt = "" };
    iv__text_clear(&text);
    iv__field_print(iv__field_find(fields, "shape"), &shaped, &text);
    assert_string_equal(text.data, "[2,3]");
    iv__text_free(&text);
    iv__arena_free(&arena);
}

static void equality_sees_every_field(void **state)
{
    (void)state;
    options a = { .units = 1, .prompt = "x", .shape = iv_dims(2) }, b = a;
    char copy[] = "x";

    b.prompt = copy;
    assert_true(iv__fields_same(fields, &a, &b)); /* texts are compared, not pointers */
    assert_true(iv__fields_hash(fields, &a) == iv__fields_hash(fields, &b));
    options others[] = { a, a, a, a, a, a, a };
    others[0].units = 2;
    others[1].rate = 1;
    others[2].share = 1e-300;
    others[3].masked = true;
    others[4].cell = 1;
    others[5].prompt = "xx";
    others[6].shape = iv_dims(2, 1);
    for (int i = 0; i < SIZE(others); i++) {
        assert_false(iv__fields_same(fields, &a, &others[i]));
        assert_true(iv__fields_hash(fields, &a) != iv__fields_hash(fields, &others[i]));
    }
}

static void numbers_have_points_in_any_locale(void **state)
{
    static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE" };
    world *w = *state;
    iv__text text = { .home = w->home };
    options o = { .prompt = "" };
    bool set = false;

    for (int i = 0; i < SIZE(names) && !set; i++)
        set = setlocale(LC_NUMERIC, names[i]) != NULL;
    if (!set)
        skip();
    iv_status status = iv__field_set(w->home, NULL, fields, &o, "rate", "1.5");
    iv__field_print(iv__field_find(fields, "rate"), &o, &text);
    setlocale(LC_NUMERIC, "C");
    assert_int_equal(status, IV_OK);
    assert_true(o.rate == 1.5);
    assert_string_equal(text.data, "1.5");
    iv__text_free(&text);
}

/* ---- tensors --------------------------------------------------------------------------------- */

static void shapes_are_checked(void **state)
{
    world *w = *state;
    iv_shape big = iv_dims(INT64_C(1) << 40, 1 << 20), hidden = iv_dims(0, INT64_C(1) << 40, 1 << 30);
    char text[160], narrow[6];

    assert_true(iv_shape_valid(&iv_dims(3, 0, 5), IV_F32));
    assert_true(iv_shape_valid(&iv_scalar(), IV_U8));
    assert_true(iv_shape_valid(&big, IV_U8) && iv_shape_valid(&big, IV_F32));
    assert_false(iv_shape_valid(&big, IV_F64));
    assert_false(iv_shape_valid(&hidden, IV_U8)); /* products of some of its axes are taken too */
    assert_false(iv_shape_valid(&iv_dims(3, -1), IV_F32));
    assert_false(iv_shape_valid(&iv_dims(3), (iv_dtype)0));
    assert_false(iv_shape_valid(&(iv_shape){ .rank = IV_MAX_RANK + 1 }, IV_F32));
    assert_false(iv_shape_valid(&(iv_shape){ .rank = -1 }, IV_F32));
    assert_int_equal(iv_shape_count(&iv_dims(2, 3, 4)), 24);
    assert_int_equal(iv_shape_count(&iv_scalar()), 1);
    assert_string_equal(iv_shape_text(&iv_dims(2, 3), text, sizeof text), "[2,3]");
    assert_string_equal(iv_shape_text(&iv_scalar(), text, sizeof text), "[]");
    assert_string_equal(iv_shape_text(&iv_dims(123456), narrow, sizeof narrow), "[1234");
    assert_false(iv_shape_same(&iv_dims(2), &iv_dims(2, 1)));

    iv_tensor *tensor = iv_tensor_new(w->home, IV_I32, iv_dims(5, 7));
    assert_int_equal(iv_tensor_bytes(tensor), 140);
    assert_int_equal((uintptr_t)tensor->data % 64, 0);
    assert_int_equal(((int32_t *)tensor->data)[34], 0);
    iv_tensor_free(tensor);
    iv_tensor_free(NULL);
    assert_null(iv_tensor_new(w->home, IV_F64, big));
    assert_int_equal(iv_home_status(w->home), IV_SHAPE);
    assert_message(w->home, "a tensor of f64 elements cannot have the shape [1099511627776,1048576]");
    assert_int_equal(iv__home_bytes(w->home), 0);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void assert_file(const char *path, const char *content)
{
    size_t size;
    unsigned char *bytes = read_bytes(path, &size);

    assert_int_equal(size, strlen(content));
    assert_memory_equal(bytes, content, size);
    free(bytes);
}

static void files_are_old_or_new(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "a.txt");

    assert_int_equal(iv__file_write(w->home, path, "old", 3), IV_OK);
    assert_file(path, "old");
    iv__writer *writer = iv__writer_new(w->home, path);
    iv__writer_add(writer, "new and ", 8);
    assert_file(path, "old");
    iv__writer_cancel(writer);
    assert_file(path, "old");
    writer = iv__writer_new(w->home, path);
    iv__writer_add(writer, "new and ", 8);
    iv__writer_add(writer, NULL, 0);
    iv__writer_add(writer, "longer", 6);
    assert_file(path, "old");
    assert_int_equal(iv__writer_commit(writer), IV_OK);
    assert_file(path, "new and longer");
    assert_int_equal(iv__writer_commit(NULL), IV_IO);
    iv__writer_cancel(NULL);
    iv__writer_add(NULL, "x", 1);
    assert_int_equal(iv__home_bytes(w->home), 0);
}

/* Pieces smaller and larger than what is buffered come out whole and in order. */
static void large_files_come_out_whole(void **state)
{
    world *w = *state;
    enum { BYTES = 400000 };
    const char *path = in_folder(w, "large");
    unsigned char *bytes = malloc(BYTES), *read;
    static const size_t pieces[] = { 1, 65536, 3, 65535, 70000, 2, 140000 };
    size_t at = 0, size;

    for (int i = 0; i < BYTES; i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 24);
    iv__writer *writer = iv__writer_new(w->home, path);
    for (int i = 0; i < SIZE(pieces); i++) {
        iv__writer_add(writer, bytes + at, pieces[i]);
        at += pieces[i];
    }
    iv__writer_add(writer, bytes + at, BYTES - at);
    assert_int_equal(iv__writer_commit(writer), IV_OK);
    read = read_bytes(path, &size);
    assert_int_equal(size, BYTES);
    assert_memory_equal(read, bytes, BYTES);
    free(read);
    free(bytes);
}

/* A file that cannot grow on (here by its limit; a full disk is the same) leaves the old one. */
static void failing_writes_leave_the_old_file(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "a.txt");
    static const char zeros[200000];
    struct rlimit before, small = { 100000, RLIM_INFINITY };

    assert_int_equal(iv__file_write(w->home, path, "old", 3), IV_OK);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    iv_status status = iv__file_write(w->home, path, zeros, sizeof zeros);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(status, IV_IO);
    assert_message(w->home, "a.txt: File too large");
    assert_file(path, "old");
    assert_int_equal(iv__file_write(w->home, path, "new", 3), IV_OK);
    assert_file(path, "new");

    int left = 0; /* nothing is left beside it */
    for (int pid = 0; pid < 2; pid++) {
        char beside[600];
        snprintf(beside, sizeof beside, "%s.%d.new", path, (int)getpid());
        left += access(beside, F_OK) == 0;
    }
    assert_int_equal(left, 0);
}

static void paths_that_cannot_be_written_are_named(void **state)
{
    world *w = *state;

    assert_int_equal(iv__file_write(w->home, in_folder(w, "none/a.txt"), "x", 1), IV_IO);
    assert_message(w->home, "none/a.txt: No such file or directory");
    assert_int_equal(iv__make_folders(w->home, in_folder(w, "folder")), IV_OK);
    assert_int_equal(iv__file_write(w->home, in_folder(w, "folder"), "x", 1), IV_IO);
    assert_message(w->home, "folder");
    assert_int_equal(iv__home_bytes(w->home), 0);
}

static void folders_are_made_with_those_above(void **state)
{
    world *w = *state;
    static char longer[5000];

    assert_int_equal(iv__make_folders(w->home, in_folder(w, "a/b//c/")), IV_OK);
    assert_true(iv__is_folder(in_folder(w, "a/b/c")));
    assert_false(iv__file_exists(in_folder(w, "a/b/c")));
    assert_int_equal(iv__make_folders(w->home, in_folder(w, "a/b")), IV_OK);
    write_text(in_folder(w, "a/file"), "x");
    assert_true(iv__file_exists(in_folder(w, "a/file")));
    assert_false(iv__is_folder(in_folder(w, "a/file")));
    assert_int_equal(iv__make_folders(w->home, in_folder(w, "a/file")), IV_IO);
    assert_message(w->home, "a/file is there and is not a folder");
    assert_int_equal(iv__make_folders(w->home, in_folder(w, "a/file/b")), IV_IO);
    assert_message(w->home, "a/file/b: Not a directory");
    memset(longer, 'x', sizeof longer - 1);
    assert_int_equal(iv__make_folders(w->home, longer), IV_VALUE);
}

static void views_show_whole_files(void **state)
{
    world *w = *state;
    iv__view view;

    write_text(in_folder(w, "some"), "words");
    assert_int_equal(iv__view_open(w->home, in_folder(w, "some"), &view), IV_OK);
    assert_int_equal(view.size, 5);
    assert_memory_equal(view.data, "words", 5);
    iv__view_close(&view);
    assert_int_equal(view.size, 0);
    iv__view_close(&view);
    write_text(in_folder(w, "empty"), "");
    assert_int_equal(iv__view_open(w->home, in_folder(w, "empty"), &view), IV_OK);
    assert_int_equal(view.size, 0);
    assert_non_null(view.data);
    iv__view_close(&view);
    assert_int_equal(iv__view_open(w->home, in_folder(w, "none"), &view), IV_IO);
    assert_message(w->home, "none: No such file or directory");
    assert_int_equal(iv__view_open(w->home, w->folder, &view), IV_IO);
    assert_message(w->home, "expected a file, found a folder or a device");
    assert_int_equal(mkfifo(in_folder(w, "pipe"), 0600), 0);
    assert_int_equal(iv__view_open(w->home, in_folder(w, "pipe"), &view), IV_IO); /* not waited for */
    iv__view_close(&view);
}

/* ---- checksums ------------------------------------------------------------------------------- */

static void assert_sha256(const void *bytes, size_t size, size_t piece, const char *expected)
{
    iv__sha256 hash;
    char hex[65];

    iv__sha256_begin(&hash);
    for (size_t at = 0; at < size; at += piece)
        iv__sha256_add(&hash, (const char *)bytes + at, size - at < piece ? size - at : piece);
    iv__sha256_add(&hash, NULL, 0);
    iv__sha256_end(&hash, hex);
    assert_string_equal(hex, expected);
}

/* FIPS 180-4 and NIST's examples; the million of a's is of RFC 6234. */
static void sha256_gives_the_known_answers(void **state)
{
    static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    char *as = malloc(1000000);

    (void)state;
    memset(as, 'a', 1000000);
    assert_sha256("", 0, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_sha256("abc", 3, 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_sha256(two, 56, 56, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    static const size_t pieces[] = { 1000000, 4096, 64, 63, 65, 1 };
    for (int i = 0; i < SIZE(pieces); i++)
        assert_sha256(as, 1000000, pieces[i],
                      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    /* lengths around the place where the length no longer fits behind the text */
    assert_sha256(as, 55, 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
    assert_sha256(as, 56, 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
    assert_sha256(as, 64, 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
    free(as);
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
        cmocka_unit_test(any_allocator_will_do),
        cmocka_unit_test(homes_survive_scarcity),
        cmocka_unit_test(option_structs_may_be_older),
        IN_WORLD(arenas_keep_things_apart),
        IN_WORLD(texts_grow),
        cmocka_unit_test(texts_survive_scarcity),
        cmocka_unit_test(the_nearest_word_is_meant),
        cmocka_unit_test(fields_have_defaults),
        IN_WORLD(fields_are_set_from_text),
        IN_WORLD(fields_refuse_with_reasons),
        cmocka_unit_test(dashes_stand_for_underscores),
        IN_WORLD(printed_fields_read_back),
        cmocka_unit_test(equality_sees_every_field),
        IN_WORLD(numbers_have_points_in_any_locale),
        IN_WORLD(shapes_are_checked),
        IN_WORLD(files_are_old_or_new),
        IN_WORLD(large_files_come_out_whole),
        IN_WORLD(failing_writes_leave_the_old_file),
        IN_WORLD(paths_that_cannot_be_written_are_named),
        IN_WORLD(folders_are_made_with_those_above),
        IN_WORLD(views_show_whole_files),
        cmocka_unit_test(sha256_gives_the_known_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
