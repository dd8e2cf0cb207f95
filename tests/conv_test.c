/* conv_test.c: convolutions and their gradients of random sizes, of every backend, against double precision: few
 * and many channels, strides, dilation, masks, places that no tap reaches. */
#include "backend_world.h"

#include "backend/cpu/rows.h"

enum { CASES = 100, AXES = 2 };

typedef struct convolution {
    int64_t records, channels, filters, taps;
    int64_t x[AXES], y[AXES], w[AXES], stride[AXES], dilation[AXES], before[AXES];
} convolution;

static int64_t few_or_many(bool few)
{
    return few ? 1 + random_below(7) : 9 + random_below(60);
}

static convolution random_convolution(bool few_channels, bool few_filters)
{
    convolution c = { .records = 1 + random_below(2),
                      .channels = few_or_many(few_channels),
                      .filters = few_or_many(few_filters) };
    const bool plain = random_below(2);

    for (int a = 0; a < AXES; a++) {
        c.w[a] = 1 + random_below(a ? 7 : 4);
        c.stride[a] = plain ? 1 : 1 + random_below(3);
        c.dilation[a] = plain ? 1 : 1 + random_below(3);
        c.x[a] = 1 + random_below(a ? 30 : 9);
        c.before[a] = random_below(c.w[a] * c.dilation[a] + 2) - 1;
        c.y[a] = 1 + random_below((c.x[a] + c.w[a]) / c.stride[a] + 1);
    }
    c.taps = random_below(3) ? 0 : 1 + random_below(c.w[0] * c.w[1]);
    return c;
}

static iv__conv attr_of(const convolution *c, const int64_t size[AXES])
{
    return (iv__conv){ .stride = iv_dims(c->stride[0], c->stride[1]),
                       .dilation = iv_dims(c->dilation[0], c->dilation[1]),
                       .before = { .rank = AXES, .dim = { c->before[0], c->before[1] } },
                       .size = iv_dims(size[0], size[1]),
                       .groups = 1,
                       .taps = c->taps };
}

/* Adds to that of x, w and y which is NULL, in `to`, the products of the other two. */
static void add_products(const convolution *c, const float *x, const float *w, const float *y,
                         double *to)
{
    const int64_t taps = c->taps ? c->taps : c->w[0] * c->w[1], places = c->y[0] * c->y[1];

    for (int64_t i = 0; i < c->records * places * taps; i++) {
        const int64_t tap = i % taps, at_y = i / taps, place = at_y % places;
        const int64_t row = place / c->y[1] * c->stride[0] + tap / c->w[1] * c->dilation[0] -
                            c->before[0],
                      column = place % c->y[1] * c->stride[1] + tap % c->w[1] * c->dilation[1] -
                               c->before[1];
        if (row < 0 || row >= c->x[0] || column < 0 || column >= c->x[1])
            continue;
        const int64_t at_x = (at_y / places * c->x[0] + row) * c->x[1] + column;
        for (int64_t a = 0; a < c->channels; a++) {
            for (int64_t f = 0; f < c->filters; f++) {
                const int64_t of_x = at_x * c->channels + a, of_y = at_y * c->filters + f,
                              of_w = (tap * c->channels + a) * c->filters + f;
                if (!y)
                    to[of_y] += (double)x[of_x] * (double)w[of_w];
                else if (!x)
                    to[of_x] += (double)y[of_y] * (double)w[of_w];
                else
                    to[of_w] += (double)x[of_x] * (double)y[of_y];
            }
        }
    }
}

static const float *add(call *k, iv_shape shape, bool weight)
{
    float *to = add_random(k, shape, 1, weight);

    for (int64_t i = 0; k->bf16 && i < iv_shape_count(&shape); i++)
        to[i] = nearest_bf16(to[i]);
    return to;
}

/* Weights of taps that do not count may hold anything. */
static const float *add_weights(call *k, const convolution *c, iv_shape shape)
{
    float *w = (float *)(uintptr_t)add(k, shape, true);

    for (int64_t i = c->taps * c->channels * c->filters; c->taps && i < iv_shape_count(&shape); i++)
        w[i] = NAN;
    return w;
}

/* Convolutions by kernels for few channels: products of all taps at once, and with copied lines. */
enum { NARROW, NARROW_X, LINES, LINES_X, LINES_W, KINDS };

/* The first of a backend's kernels that fits is taken. */
static void count_kind(call *k, int taken[KINDS])
{
    static const struct {
        const char *op;
        bool (*fits)(const iv_kernel_call *);
    } kinds[KINDS] = { { "conv", iv__fits_narrow },
                       { "conv_x", iv__fits_narrow_x },
                       { "conv", iv__fits_lines },
                       { "conv_x", iv__fits_lines_x },
                       { "conv_w", iv__fits_lines_w } };
    k->k.home = new_home(1);
    for (int i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i].op, k->op) == 0 && (i < LINES || !k->bf16) && kinds[i].fits(&k->k)) {
            taken[i]++;
            break;
        }
    }
    iv_home_free(k->k.home);
}

static void check_all(const convolution *c, bool bf16, int taken[KINDS])
{
    const iv_shape x = iv_dims(c->records, c->x[0], c->x[1], c->channels),
                   y = iv_dims(c->records, c->y[0], c->y[1], c->filters),
                   w = iv_dims(c->w[0], c->w[1], c->channels, c->filters);
    iv__conv of_y = attr_of(c, c->y), of_x = attr_of(c, c->x), of_w = attr_of(c, c->w);
    call forward = { .op = "conv", .k.attr = &of_y, .tolerance = 4e-6, .bf16 = bf16 },
         back = { .op = "conv_x", .k.attr = &of_x, .tolerance = 4e-6, .bf16 = bf16 },
         weights = { .op = "conv_w", .k.attr = &of_w, .tolerance = 4e-6, .bf16 = bf16 };

    const float *in = add(&forward, x, false), *by = add_weights(&forward, c, w);
    add_products(c, in, by, NULL, add_output(&forward, y, true));
    count_kind(&forward, taken);
    check(&forward); /* frees it, too */
    in = add(&back, y, false);
    by = add_weights(&back, c, w);
    add_products(c, NULL, by, in, add_output(&back, x, true));
    count_kind(&back, taken);
    check(&back);
    in = add(&weights, x, false);
    by = add(&weights, y, false);
    add_products(c, in, NULL, by, add_output(&weights, w, true));
    count_kind(&weights, taken);
    check(&weights);
}

static void as_in_double(void **state)
{
    int taken[KINDS] = { 0 };

    (void)state;
    random_state = 1;
    for (int i = 0; i < CASES; i++) {
        const convolution c = random_convolution(i % 2, i / 2 % 2);
        check_all(&c, i / 4 % 2, taken);
    }
    for (int i = 0; i < KINDS; i++)
        assert_in_range(taken[i], 3, CASES - 3);
}

/* clang-format off */
static const convolution large[] = {
    /* several tasks, and more channels than a sum in registers has */
    { 1, 700,   3,  0, {  9,  33 }, {  9,  32 }, { 4, 4 }, { 1, 1 }, { 1, 1 }, { 1, 2 } },
    { 2,   3,  40,  0, { 30,  41 }, { 15,  20 }, { 5, 7 }, { 2, 2 }, { 1, 1 }, { 2, 2 } },
    { 1,   3,  50,  0, { 50,  45 }, { 50,  45 }, { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1 } },
    /* long lines, and many short ones; masks, one that leaves less than a line of taps */
    { 1,   2,  33,  8, {  3, 300 }, {  3, 300 }, { 3, 5 }, { 1, 1 }, { 1, 1 }, { 2, 2 } },
    { 5,   1, 100, 24, {  8,   8 }, {  8,   8 }, { 7, 7 }, { 1, 1 }, { 1, 1 }, { 3, 3 } },
    { 2,   4,  20,  2, {  7,   9 }, {  7,   9 }, { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1 } },
};
/* clang-format on */

static void large_ones(void **state)
{
    int taken[KINDS] = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof large / sizeof *large; i++)
        check_all(&large[i], false, taken);
    assert_int_equal(taken[NARROW], 1);
    assert_int_equal(taken[NARROW_X], 5);
    assert_int_equal(taken[LINES], 5);
    assert_int_equal(taken[LINES_X], 1);
    assert_int_equal(taken[LINES_W], 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(as_in_double), cmocka_unit_test(large_ones) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
