/* winograd_test.c: convolutions by Winograd's transforms, of every backend, against double precision; how exact
 * they are beside direct products; the switch between the two. */
#include "backend_world.h"

#include "backend/cpu/rows.h"

#include <ivory/ops.h>
#include <ivory/plan.h>

typedef struct convolution {
    int64_t records, rows, columns, channels, filters;       /* of x */
    int64_t taps_rows, taps_columns, taps, before[2], to[2]; /* taps 0: all; to: rows and columns of y */
} convolution;

/* clang-format off */
static const convolution all_convolutions[] = {
    /* 3 x 3: whole tiles, parts of tiles, no padding, far beyond the edges */
    { 2,  8,  8, 32,  32, 3, 3, 0, { 1, 1 },  {  8,  8 } },
    { 3,  9, 10, 33,  35, 3, 3, 0, { 1, 1 },  {  9, 10 } },
    { 1, 12,  7, 40,  50, 3, 3, 0, { 0, 0 },  { 10,  5 } },
    { 1,  5,  6, 32,  49, 3, 3, 0, { 4, 3 },  { 11, 12 } },
    { 1, 10, 11, 35,  40, 3, 3, 0, { -1, -2 }, { 6,  7 } },
    { 1, 50, 45, 32,  33, 3, 3, 0, { 1, 1 },  { 50, 45 } }, /* several groups of tiles */
    { 1,  8,  9, 150, 70, 3, 3, 0, { 1, 1 },  {  8,  9 } }, /* weights are read once; sums in two chunks */
    /* rows of taps: masks whose last row has one, two and three; two rows, one, five */
    { 2,  8,  8, 32,  36, 3, 3, 5, { 1, 1 },  {  8,  8 } },
    { 2,  7,  8, 33,  50, 3, 3, 4, { 1, 1 },  {  7,  8 } },
    { 1, 16, 16, 72,  64, 3, 3, 5, { 1, 1 },  { 16, 16 } }, /* sums in two chunks */
    { 1,  6,  9, 33,  32, 3, 3, 8, { 1, 1 },  {  6,  9 } },
    { 1,  6, 10, 32,  40, 2, 3, 0, { 1, 1 },  {  6, 10 } },
    { 2,  1, 21, 40,  33, 1, 3, 0, { 0, 2 },  {  1, 21 } },
    { 1,  9,  9, 32,  32, 5, 3, 13, { 2, 1 }, {  9,  9 } },
    { 1, 90, 41, 40,  32, 2, 3, 0, { 1, 1 },  { 90, 41 } }, /* several groups of rows */
    /* two, four and five taps, whole and masked */
    { 2, 10, 11, 32,  40, 2, 2, 0, { 1, 1 },  { 10, 11 } },
    { 2, 10,  9, 40,  33, 2, 3, 0, { 1, 1 },  { 10,  9 } },
    { 1, 11, 13, 33,  32, 3, 2, 0, { 2, 0 },  { 11, 13 } },
    { 1, 13, 14, 35,  50, 4, 4, 0, { 1, 2 },  { 13, 13 } },
    { 1,  9, 10, 40,  33, 5, 5, 0, { 2, 2 },  {  9, 10 } },
    { 1, 12,  9, 32,  32, 4, 5, 0, { 0, 3 },  { 10,  9 } },
    { 2,  9, 10, 33,  35, 5, 4, 14, { 2, 2 }, {  9, 10 } },
    { 1, 10, 11, 40,  32, 5, 5, 12, { 2, 2 }, { 10, 11 } },
    { 1,  9, 16, 32,  40, 3, 2, 5, { 2, 1 },  {  9, 16 } },
    { 1, 10, 11, 32,  33, 6, 4, 0, { 3, 2 },  { 10, 11 } },
    { 1, 10, 13, 33,  40, 5, 2, 6, { 2, 1 },  { 10, 13 } }, /* rows of taps that count for nothing */
};
/* clang-format on */

static iv__conv attr_of(const convolution *c, iv_shape size)
{
    return (iv__conv){ .stride = iv_dims(1, 1),
                       .dilation = iv_dims(1, 1),
                       .before = iv_dims(c->before[0], c->before[1]),
                       .size = size,
                       .groups = 1,
                       .taps = c->taps };
}

/* Calls `add(context, x, w, y)` with the numbers of elements of each product of the sum. */
typedef void add_product(void *context, int64_t x, int64_t w, int64_t y);

static void each_product(const convolution *c, add_product *add, void *context)
{
    const int64_t taps = c->taps ? c->taps : c->taps_columns * c->taps_rows,
                  places = c->to[0] * c->to[1];

    for (int64_t i = 0; i < c->records * places * taps; i++) {
        const int64_t tap = i % taps, y = i / taps, record = y / places;
        const int64_t row = y % places / c->to[1] + tap / c->taps_columns - c->before[0],
                      column = y % c->to[1] + tap % c->taps_columns - c->before[1];
        if (row < 0 || row >= c->rows || column < 0 || column >= c->columns)
            continue;
        const int64_t x = (record * c->rows + row) * c->columns + column;
        for (int64_t a = 0; a < c->channels; a++)
            for (int64_t f = 0; f < c->filters; f++)
                add(context, x * c->channels + a, (tap * c->channels + a) * c->filters + f,
                    y * c->filters + f);
    }
}

typedef struct sums {
    const float *in, *w;
    double *out;
} sums;

static void add_to_y(void *context, int64_t x, int64_t w, int64_t y)
{
    const sums *s = context;

    s->out[y] += (double)s->in[x] * (double)s->w[w];
}

static void add_to_x(void *context, int64_t x, int64_t w, int64_t y)
{
    const sums *s = context;

    s->out[x] += (double)s->in[y] * (double)s->w[w];
}

/* Weights of taps that do not count may hold anything. */
static void spoil(const convolution *c, float *w)
{
    for (int64_t i = c->taps * c->channels * c->filters;
         c->taps && i < c->taps_columns * c->taps_rows * c->channels * c->filters; i++)
        w[i] = NAN;
}

static void as_in_double(void **state)
{
    const convolution *c = *state;
    const iv_shape x = iv_dims(c->records, c->rows, c->columns, c->channels),
                   y = iv_dims(c->records, c->to[0], c->to[1], c->filters),
                   w = iv_dims(c->taps_rows, c->taps_columns, c->channels, c->filters);

    for (int back = 0; back < 2; back++) {
        iv__conv attr = attr_of(c, back ? iv_dims(c->rows, c->columns) : iv_dims(c->to[0], c->to[1]));
        call k = { .op = back ? "conv_x" : "conv", .k.attr = &attr, .tolerance = 4e-6 };
        sums s = { .in = add_random(&k, back ? y : x, 1, false) };
        float *weights = (float *)(uintptr_t)add_random(&k, w, 1, true);
        spoil(c, weights);
        s.w = weights;
        s.out = add_output(&k, back ? x : y, true);
        each_product(c, back ? add_to_x : add_to_y, &s);
        k.k.home = new_home(1);
        assert_true(back ? iv__fits_winograd_x(&k.k) : iv__fits_winograd(&k.k));
        iv_home_set_winograd(k.k.home, false);
        assert_false(back ? iv__fits_winograd_x(&k.k) : iv__fits_winograd(&k.k));
        iv_home_free(k.k.home);
        check(&k); /* frees it, too */
    }
}

/* ---- how exact it is, and the switch --------------------------------------------------------- */

enum { SIDE = 24, WIDTH = 64, VALUES = SIDE * SIDE * WIDTH };

typedef struct convolved {
    iv_graph *graph;
    iv_plan *plan;
} convolved;

static convolved convolve(iv_home *home, iv_dtype real, int64_t taps)
{
    iv_graph *graph = iv_graph_new_real(home, real);
    iv_node *x = iv_input(graph, "x", real, iv_dims(1, SIDE, SIDE, WIDTH)),
            *w = iv_input(graph, "w", real, iv_dims(taps, taps, WIDTH, WIDTH));
    iv_node *y = iv_conv(x, w, .padding = IV_SAME);
    convolved c = { graph, iv_plan_new(home, 1, &y, 0, NULL) };

    assert_non_null(c.plan);
    for (int input = 0; input < 2; input++) {
        void *to = iv_plan_input(c.plan, input ? "w" : "x");
        random_state = (uint32_t)input;
        for (int64_t i = 0; i < (input ? taps * taps * WIDTH * WIDTH : VALUES); i++) {
            float value = random_real(1);
            if (real == IV_F64)
                ((double *)to)[i] = (double)value;
            else
                ((float *)to)[i] = value;
        }
    }
    assert_int_equal(iv_plan_run(c.plan), IV_OK);
    return c;
}

static void convolved_free(convolved *c)
{
    iv_plan_free(c->plan);
    iv_graph_free(c->graph);
}

/* The error's root of mean squares, against that of the values. */
static double error_of(const convolved *c, const convolved *exact)
{
    const float *y = iv_plan_output(c->plan, 0);
    const double *want = iv_plan_output(exact->plan, 0);
    double off = 0, all = 0;

    for (int64_t i = 0; i < VALUES; i++) {
        off += ((double)y[i] - want[i]) * ((double)y[i] - want[i]);
        all += want[i] * want[i];
    }
    return sqrt(off / all);
}

static void chooses(int64_t taps)
{
    iv_home *home = new_home(2);
    assert_true(iv_home_winograd(home));
    convolved exact = convolve(home, IV_F64, taps), fast = convolve(home, IV_F32, taps);
    iv_home_set_winograd(home, false);
    assert_false(iv_home_winograd(home));
    convolved direct = convolve(home, IV_F32, taps);
    double of_fast = error_of(&fast, &exact), of_direct = error_of(&direct, &exact);

    if (of_direct > 5e-7 || of_fast > (taps == 2 ? 3.2 : 2.5) * of_direct)
        fail_msg("%lld taps, errors: %.3g direct, %.3g by Winograd's transforms", (long long)taps,
                 of_direct, of_fast);
    float *before = malloc(VALUES * sizeof *before);
    memcpy(before, iv_plan_output(fast.plan, 0), VALUES * sizeof *before);
    assert_memory_not_equal(before, iv_plan_output(direct.plan, 0), VALUES * sizeof *before);
    assert_int_equal(iv_plan_run(fast.plan), IV_OK); /* a plan stays what it was made as */
    assert_memory_equal(before, iv_plan_output(fast.plan, 0), VALUES * sizeof *before);
    free(before);
    convolved_free(&exact);
    convolved_free(&fast);
    convolved_free(&direct);
    iv_home_free(home);
}

static void a_home_chooses(void **state)
{
    (void)state;
    for (int64_t taps = 2; taps <= 5; taps++)
        chooses(taps);
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

int main(void)
{
    struct CMUnitTest tests[COUNT(all_convolutions) + 1] = { cmocka_unit_test(a_home_chooses) };
    static char names[COUNT(all_convolutions)][64];

    for (size_t i = 0; i < COUNT(all_convolutions); i++) {
        const convolution *c = &all_convolutions[i];
        snprintf(names[i], sizeof *names, "%lld x %lld x %lld, %lld x %lld taps, %lld",
                 (long long)c->rows, (long long)c->columns, (long long)c->channels,
                 (long long)c->taps_rows, (long long)c->taps_columns, (long long)c->taps);
        tests[1 + i] = (struct CMUnitTest){ names[i], as_in_double, NULL, NULL, (void *)(uintptr_t)c };
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
