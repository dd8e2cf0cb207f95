/* painting_test.c: pictures drawn pixel by pixel, and coded, by a model with random weights. */
#include "nn_world.h"

#include "models/common_coder.h"
#include "models/common_painting.h"
#include "registry/registry.h"

#include <ivory/ops.h>
#include <stdlib.h>

enum { SIDE = 7, LEVELS = 5, CLASSES = 3, PIXELS = SIDE * SIDE };

extern const iv__model iv__model_pixelcnn;

typedef struct studio {
    iv_home *home;
    iv__instance *instance;
    iv_params *params;
    iv__palette palette;
} studio;

static studio studio_new(int threads, const char *isa, const char *classes)
{
    static const char *const options[][2] = {
        { "size", "7" }, { "levels", "5" }, { "filters", "12" }, { "blocks", "2" }
    };
    studio s = { .home = iv_home_new(&(iv_home_options){
                     .size = sizeof(iv_home_options), .threads = threads, .isa = isa }) };

    assert_non_null(s.home);
    s.instance = iv__instance_new(s.home, &iv__model_pixelcnn, &iv__model_pixelcnn.systems[0], false);
    assert_non_null(s.instance);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        assert_int_equal(iv__instance_set(s.instance, options[i][0], options[i][1]), IV_OK);
    assert_int_equal(iv__instance_set(s.instance, "classes", classes), IV_OK);
    s.params = iv_params_new(s.home, IV_F32, 3);
    if (iv__instance_make_params(s.instance, s.params))
        fail_msg("%s", iv_home_message(s.home));
    for (int i = 0; i < iv_params_count(s.params); i++) { /* stronger opinions than at birth */
        iv_tensor *t = iv_params_tensor(s.params, i);
        for (int64_t k = 0; k < iv_shape_count(&t->shape); k++)
            ((float *)t->data)[k] *= 2;
    }
    s.instance->model->palette(s.instance, &s.palette);
    return s;
}

static void studio_free(studio *s)
{
    iv__instance_free(s->instance);
    iv_params_free(s->params);
    iv_home_free(s->home);
}

static void paint(studio *s, const iv__painting *o, unsigned char *pictures, float *bits)
{
    if (iv__paint(s->instance, s->params, o, pictures, bits))
        fail_msg("%s", iv_home_message(s->home));
}

static iv__painting drawn(int64_t n)
{
    return (iv__painting){ .n = n, .seed = 5, .temperature = 1 };
}

/* ---- drawing --------------------------------------------------------------------------------- */

enum { MANY = 40 };

static void a_picture_depends_on_seed_and_number_alone(void **state)
{
    static unsigned char first[MANY * PIXELS], again[MANY * PIXELS];
    static const int64_t numbers[] = { MANY, 1, 2, 5, 11 };

    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        studio s = studio_new(threads, NULL, "no");
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            iv__painting o = drawn(numbers[i]);
            paint(&s, &o, threads == 1 && i == 0 ? first : again, NULL);
            if (threads > 1 || i > 0)
                assert_memory_equal(first, again, numbers[i] * PIXELS);
        }
        iv__painting o = drawn(MANY);
        o.seed = 6;
        paint(&s, &o, again, NULL);
        assert_memory_not_equal(first, again, sizeof first);
        studio_free(&s);
    }
}

/* The share of each level among many drawn first pixels is what the network gives it. */
static void values_have_their_probabilities(void **state)
{
    enum { DRAWS = 20000 };
    double share[LEVELS] = { 0 }, cold[LEVELS] = { 0 };

    (void)state;
    studio s = studio_new(1, NULL, "no");
    float outputs[LEVELS] = { 0.5f, -1, 2, 0, 1 };
    for (int i = 0; i < DRAWS; i++) {
        double draw = (i + 0.5) / DRAWS, probability;
        int64_t k = iv__palette_draw(&s.palette, s.instance, outputs, 0, NULL, 1, draw, &probability);
        share[k] += 1.0 / DRAWS;
        cold[iv__palette_draw(&s.palette, s.instance, outputs, 0, NULL, 0.5, draw, NULL)] += 1.0 / DRAWS;
        assert_true(probability > 0 && probability < 1);
    }
    double sum = 0, squares = 0;
    for (int k = 0; k < LEVELS; k++) {
        sum += exp(outputs[k]);
        squares += exp(2.0 * outputs[k]);
    }
    for (int k = 0; k < LEVELS; k++) {
        assert_true(fabs(share[k] - exp(outputs[k]) / sum) < 2.0 / DRAWS);
        assert_true(fabs(cold[k] - exp(2.0 * outputs[k]) / squares) < 2.0 / DRAWS);
    }
    assert_int_equal(iv__palette_draw(&s.palette, s.instance, outputs, 0, NULL, 0, 0.99, NULL), 2);
    studio_free(&s);
}

static void random_pictures(unsigned char *pictures, int n)
{
    unsigned word = 12345;

    for (int i = 0; i < n * PIXELS; i++) {
        word = word * 1664525 + 1013904223;
        pictures[i] = (unsigned char)((word >> 16) % LEVELS);
    }
}

static void given_rows_are_kept_and_the_rest_follows(void **state)
{
    enum { N = 6, ROWS = 3 };
    unsigned char given[N * PIXELS], pictures[N * PIXELS], other[N * PIXELS];

    (void)state;
    studio s = studio_new(2, NULL, "no");
    random_pictures(given, N);
    iv__painting o = drawn(N);
    o.given = given;
    o.given_rows = ROWS;
    paint(&s, &o, pictures, NULL);
    for (int i = 0; i < N; i++)
        assert_memory_equal(pictures + i * PIXELS, given + i * PIXELS, ROWS * SIDE);
    for (int i = 0; i < N * PIXELS; i++) /* what is given below changes nothing, what is above does */
        given[i] = i % PIXELS >= ROWS * SIDE ? (unsigned char)(LEVELS - 1 - given[i]) : given[i];
    paint(&s, &o, other, NULL);
    assert_memory_equal(pictures, other, sizeof other);
    for (int i = 0; i < N * PIXELS; i++)
        given[i] = (unsigned char)(LEVELS - 1 - given[i]);
    paint(&s, &o, other, NULL);
    assert_memory_not_equal(pictures, other, sizeof other);
    studio_free(&s);
}

/* ---- likelihood ------------------------------------------------------------------------------ */

/* Of whole pictures at once, in nats. */
static double whole_loss(studio *s, const unsigned char *pictures, int n, const int32_t *label)
{
    iv_graph *graph = iv_graph_new(s->home);
    iv_scope *scope = iv_scope_new(graph, s->params, "");
    iv_node *pixels = iv_input_raster(graph, "pixels", IV_F32, iv_dims(n, SIDE, SIDE, 1));
    iv_node *classes = label ? iv_input(graph, "label", IV_I32, iv_dims(n)) : NULL;
    iv_node *values = iv_input(graph, "values", IV_I32, iv_dims(n, SIDE, SIDE));
    iv_node *loss = iv_cross_entropy(s->palette.outputs(s->instance, scope, pixels, classes),
                                     values, NULL);
    iv_plan *plan = iv_plan_new(s->home, 1, &loss, 0, NULL);

    if (!plan || iv_params_bind(s->params, plan))
        fail_msg("%s", iv_home_message(s->home));
    for (int i = 0; i < n * PIXELS; i++) {
        ((float *)iv_plan_input(plan, "pixels"))[i] = s->palette.reads(s->instance, pictures[i]);
        ((int32_t *)iv_plan_input(plan, "values"))[i] = pictures[i];
    }
    if (label)
        memcpy(iv_plan_input(plan, "label"), label, (size_t)n * sizeof *label);
    assert_int_equal(iv_plan_run(plan), IV_OK);
    double nats = *(const float *)iv_plan_output(plan, 0) * (double)(n * PIXELS);
    iv_plan_free(plan);
    iv_graph_free(graph);
    return nats;
}

static void bits_are_the_likelihood(void **state)
{
    enum { N = 9 };
    unsigned char given[N * PIXELS], pictures[N * PIXELS];
    float bits[N * PIXELS];
    int32_t label[N];

    (void)state;
    for (int classes = 0; classes < 2; classes++) {
        studio s = studio_new(2, NULL, classes ? "yes" : "no");
        double sum = 0;
        random_pictures(given, N);
        for (int i = 0; i < N; i++)
            label[i] = i % CLASSES;
        iv__painting o = drawn(N);
        o.given = given;
        o.given_rows = SIDE;
        o.label = classes ? label : NULL;
        paint(&s, &o, pictures, bits);
        assert_memory_equal(pictures, given, sizeof given);
        for (int i = 0; i < N * PIXELS; i++)
            sum += bits[i];
        double whole = whole_loss(&s, given, N, o.label) / log(2);
        if (fabs(sum - whole) > 1e-5 * whole)
            fail_msg("pixel by pixel %.9g bits, whole pictures %.9g", sum, whole);
        studio_free(&s);
    }
}

/* ---- coding ---------------------------------------------------------------------------------- */

static void numbers_come_back(void **state)
{
    static const uint32_t frequency[] = { 1, 3, 1 << 20, IV__CODER_TOTAL - (1 << 20) - 4 };
    enum { COUNT = 5000 };
    int symbol[COUNT];
    unsigned word = 1;
    iv_home *home = iv_home_new(NULL);
    iv__number_encoder e = iv__number_encoder_new(home);
    double bits = 0;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        word = word * 1664525 + 1013904223;
        symbol[i] = (int)(i < 40 ? word >> 30 : word >> 16 & 15 ? 3 : word >> 20 & 3);
        uint32_t first = 0;
        for (int k = 0; k < symbol[i]; k++)
            first += frequency[k];
        iv__encode_symbol(&e, first, frequency[symbol[i]]);
        bits -= log2((double)frequency[symbol[i]] / IV__CODER_TOTAL);
    }
    iv__number_encoder_end(&e);
    assert_false(e.bytes.failed);
    assert_true((double)e.bytes.size * 8 < bits + 24);
    iv__number_decoder d = iv__number_decoder_new(e.bytes.data, e.bytes.size);
    for (int i = 0; i < COUNT; i++) {
        uint32_t place = iv__number_decoder_place(&d), first = 0;
        int k = 0;
        while (first + frequency[k] <= place)
            first += frequency[k++];
        assert_int_equal(k, symbol[i]);
        iv__number_decoder_take(&d, first, frequency[k]);
    }
    iv__text_free(&e.bytes);
    iv_home_free(home);
}

static void pictures_come_back(void **state)
{
    static const int sizes[][2] = { { SIDE, SIDE }, { 1, 1 }, { 3, 19 }, { 12, 2 }, { SIDE, SIDE } };
    enum { N = sizeof sizes / sizeof *sizes };
    static unsigned char values[N][256], back[256];

    (void)state;
    studio s = studio_new(1, "portable", "no");
    iv__number_encoder e = iv__number_encoder_new(s.home);
    for (int i = 0; i < N; i++) {
        random_pictures(values[i], 3);
        iv__coded c = { .height = sizes[i][0], .width = sizes[i][1], .values = values[i] };
        assert_int_equal(iv__encode_picture(s.instance, s.params, &c, &e, NULL, NULL), IV_OK);
    }
    iv__number_encoder_end(&e);
    iv__number_decoder d = iv__number_decoder_new(e.bytes.data, e.bytes.size);
    for (int i = 0; i < N; i++) {
        iv__coded c = { .height = sizes[i][0], .width = sizes[i][1], .values = back };
        assert_int_equal(iv__decode_picture(s.instance, s.params, &c, &d, NULL, NULL), IV_OK);
        assert_memory_equal(back, values[i], sizes[i][0] * sizes[i][1]);
    }
    iv__text_free(&e.bytes);
    studio_free(&s);
}

/* As many bits as the model's likelihood of what it drew itself, within 1 %. */
static void coded_pictures_take_the_likelihood(void **state)
{
    enum { N = 60 };
    static unsigned char pictures[N * PIXELS];
    static float bits[N * PIXELS];
    double sum = 0;

    (void)state;
    studio s = studio_new(1, "portable", "no");
    iv__painting o = drawn(N);
    paint(&s, &o, pictures, bits);
    for (int i = 0; i < N * PIXELS; i++)
        sum += bits[i];
    iv__number_encoder e = iv__number_encoder_new(s.home);
    for (int i = 0; i < N; i++) {
        iv__coded c = { .height = SIDE, .width = SIDE, .values = pictures + i * PIXELS };
        assert_int_equal(iv__encode_picture(s.instance, s.params, &c, &e, NULL, NULL), IV_OK);
    }
    iv__number_encoder_end(&e);
    if (fabs((double)e.bytes.size * 8 / sum - 1) > 0.01)
        fail_msg("%zu bytes for %.1f bits", e.bytes.size, sum);
    iv__text_free(&e.bytes);
    studio_free(&s);
}

/* Every tenth of the real test pictures, as they lie in the data set, comes back exactly. */
static void real_pictures_come_back(void **state)
{
    enum { REAL_SIDE = 16, EVERY = 10 };
    const iv__pictures_options options = {
        .height = REAL_SIDE, .width = REAL_SIDE, .channels = 1, .levels = LEVELS
    };
    unsigned char back[REAL_SIDE * REAL_SIDE];

    (void)state;
    studio s = studio_new(1, "portable", "no");
    iv__text path = { .home = s.home };
    const iv__dataset *set = iv__dataset_of(s.instance, &(const char *){ NULL });
    if (!getenv("IVORY_DATA") || iv__dataset_locate(s.home, set, NULL, &path)) {
        studio_free(&s);
        skip(); /* the real data sets are found through IVORY_DATA */
    }
    iv__pictures *pictures = iv__pictures_open(s.home, set, path.data, &options);
    if (!pictures)
        fail_msg("%s", iv_home_message(s.home));
    iv__number_encoder e = iv__number_encoder_new(s.home);
    const int64_t n = iv__pictures_count(pictures, true);
    assert_int_equal(n, 10000);
    for (int64_t i = 0; i < n; i += EVERY) {
        iv__coded c = { .height = REAL_SIDE,
                        .width = REAL_SIDE,
                        .values = (unsigned char *)(uintptr_t)iv__pictures_at(pictures, true, i) };
        assert_int_equal(iv__encode_picture(s.instance, s.params, &c, &e, NULL, NULL), IV_OK);
    }
    iv__number_encoder_end(&e);
    iv__number_decoder d = iv__number_decoder_new(e.bytes.data, e.bytes.size);
    for (int64_t i = 0; i < n; i += EVERY) {
        iv__coded c = { .height = REAL_SIDE, .width = REAL_SIDE, .values = back };
        assert_int_equal(iv__decode_picture(s.instance, s.params, &c, &d, NULL, NULL), IV_OK);
        assert_memory_equal(back, iv__pictures_at(pictures, true, i), sizeof back);
    }
    iv__text_free(&e.bytes);
    iv__text_free(&path);
    iv__pictures_free(pictures);
    studio_free(&s);
}

/* Bytes that no encoder wrote: any pictures come of them, and nothing bad. */
static void any_numbers_decode(void **state)
{
    unsigned char bytes[64], back[PIXELS];

    (void)state;
    studio s = studio_new(1, "portable", "no");
    for (int kind = 0; kind < 3; kind++) {
        memset(bytes, kind == 0 ? 0 : kind == 1 ? 255 : 170, sizeof bytes);
        iv__number_decoder d = iv__number_decoder_new(bytes, kind == 2 ? 0 : sizeof bytes);
        iv__coded c = { .height = SIDE, .width = SIDE, .values = back };
        assert_int_equal(iv__decode_picture(s.instance, s.params, &c, &d, NULL, NULL), IV_OK);
        for (int i = 0; i < PIXELS; i++)
            assert_in_range(back[i], 0, LEVELS - 1);
    }
    studio_free(&s);
}

/* ---- stopping -------------------------------------------------------------------------------- */

enum { STOPS_AT = 3 }; /* rows are drawn before */

static _Atomic int asked;

static bool stop_soon(void)
{
    return asked++ >= STOPS_AT;
}

static bool row_before(void *user, int64_t row)
{
    (void)user;
    return row < STOPS_AT;
}

static void drawing_stops_when_asked(void **state)
{
    static unsigned char whole[MANY * PIXELS], begun[MANY * PIXELS];

    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        studio s = studio_new(threads, NULL, "no");
        iv__painting o = drawn(MANY);
        paint(&s, &o, whole, NULL);
        o.stop = stop_soon;
        asked = 0;
        memset(begun, LEVELS, sizeof begun);
        assert_int_equal(iv__paint(s.instance, s.params, &o, begun, NULL), IV_STOPPED);
        assert_string_equal(iv_home_message(s.home), "stopped before all was drawn");
        if (threads == 1)
            assert_memory_equal(begun, whole, STOPS_AT * SIDE);
        assert_int_equal(begun[MANY * PIXELS - 1], LEVELS);
        studio_free(&s);
    }
}

static void coding_stops_when_asked(void **state)
{
    static unsigned char values[PIXELS], back[PIXELS];

    (void)state;
    studio s = studio_new(1, "portable", "no");
    iv__number_encoder e = iv__number_encoder_new(s.home);
    iv__coded c = { .height = SIDE, .width = SIDE, .values = values };
    assert_int_equal(iv__encode_picture(s.instance, s.params, &c, &e, row_before, NULL), IV_STOPPED);
    assert_string_equal(iv_home_message(s.home), "stopped in row 4 of 7");
    iv__number_encoder_end(&e);
    iv__number_decoder d = iv__number_decoder_new(e.bytes.data, e.bytes.size);
    c.values = back;
    memset(back, LEVELS, sizeof back);
    assert_int_equal(iv__decode_picture(s.instance, s.params, &c, &d, row_before, NULL), IV_STOPPED);
    assert_memory_equal(back, values, STOPS_AT * SIDE);
    assert_int_equal(back[STOPS_AT * SIDE], LEVELS);
    iv__text_free(&e.bytes);
    studio_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_depends_on_seed_and_number_alone),
        cmocka_unit_test(values_have_their_probabilities),
        cmocka_unit_test(given_rows_are_kept_and_the_rest_follows),
        cmocka_unit_test(bits_are_the_likelihood),
        cmocka_unit_test(numbers_come_back),
        cmocka_unit_test(pictures_come_back),
        cmocka_unit_test(coded_pictures_take_the_likelihood),
        cmocka_unit_test(real_pictures_come_back),
        cmocka_unit_test(any_numbers_decode),
        cmocka_unit_test(drawing_stops_when_asked),
        cmocka_unit_test(coding_stops_when_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
