/* winograd_weights_test.c: gradients of weights by Winograd's transforms, of every backend, against double
 * precision; where they are taken. */
#include "backend_world.h"

#include "backend/cpu/rows.h"

typedef struct weights_case {
    int64_t records, x[2], channels, filters, w[2], y[2], before[2], taps;
    bool fits;
} weights_case;

/* clang-format off */
static const weights_case cases[] = {
    { 2, { 32, 36 },  32,  33, { 3, 3 }, { 32, 36 }, { 1, 1 },  0, true },
    { 1, { 45, 51 },  40,  32, { 3, 3 }, { 45, 51 }, { 1, 1 },  0, true }, /* tiles that end beyond the edge */
    { 2, { 34, 36 },  33,  50, { 3, 3 }, { 32, 34 }, { 0, 0 },  0, true }, /* no padding */
    { 2, { 28, 33 },  35,  32, { 3, 3 }, { 32, 36 }, { 3, 4 },  0, true }, /* more of it than taps reach */
    { 20, { 16, 16 }, 64,  64, { 3, 3 }, { 16, 16 }, { 1, 1 },  5, true }, /* a mask; two slots */
    { 3, { 28, 32 },  32,  34, { 2, 3 }, { 28, 32 }, { 1, 1 },  0, true },
    { 2, { 16, 16 },  64,  64, { 3, 3 }, { 16, 16 }, { 1, 1 },  5, true }, /* by rows: masks */
    { 2, { 16, 13 },  35,  49, { 3, 3 }, { 16, 13 }, { 1, 1 },  4, false },
    { 3, { 19, 23 },  34,  33, { 2, 3 }, { 18, 21 }, { 0, 0 },  0, true }, /* no padding, edges */
    { 2, { 16, 30 },  40,  50, { 2, 2 }, { 16, 30 }, { 1, 1 },  0, true }, /* of two taps */
    { 1, {  4, 300 }, 33,  32, { 2, 3 }, {  4, 300 }, { 1, 0 }, 0, true }, /* a row is a group */
    { 3, { 40, 17 },  32,  80, { 5, 3 }, { 40, 17 }, { 2, 1 }, 14, true },
    { 2, { 10, 36 },  32,  32, { 3, 3 }, { 14, 36 }, { 5, 1 },  3, true }, /* rows that see nothing */
    { 2, { 40, 46 },  33,  34, { 4, 4 }, { 40, 45 }, { 1, 2 },  0, true }, /* four taps, five, of both axes, and masked */
    { 2, { 28, 33 },  32,  40, { 5, 5 }, { 28, 33 }, { 2, 2 },  0, true },
    { 3, { 38, 39 },  35,  32, { 2, 2 }, { 38, 39 }, { 0, 1 },  0, true },
    { 2, { 33, 41 },  32,  33, { 5, 2 }, { 33, 41 }, { 2, 0 },  0, true },
    { 2, { 30, 30 },  32,  34, { 5, 4 }, { 30, 30 }, { 2, 1 }, 11, true },
    { 2, { 16, 30 },  40,  33, { 7, 4 }, { 16, 30 }, { 3, 2 },  0, true },
    { 2, { 16, 30 },  40,  33, { 5, 5 }, { 16, 30 }, { 2, 2 }, 12, true },
    { 1, { 17, 18 }, 129, 140, { 3, 3 }, { 17, 18 }, { 1, 1 },  0, true }, /* many weights */
    { 3, { 11,  9 }, 150, 131, { 4, 2 }, { 11,  8 }, { 2, 0 },  0, true },
    { 1, { 33, 33 }, 130, 127, { 5, 5 }, { 33, 33 }, { 2, 2 },  0, true }, /* two passes */
    { 1, { 16, 16 }, 130, 127, { 3, 3 }, { 15, 16 }, { 1, 1 },  5, false },
    { 1, { 12, 12 }, 130, 127, { 3, 3 }, { 12, 12 }, { 1, 1 },  0, false }, /* few places */
    { 1, {  8,  8 },  32,  32, { 3, 3 }, {  8,  7 }, { 1, 1 },  0, false }, /* direct: few places, channels */
    { 2, { 32, 36 },   8,  32, { 3, 3 }, { 32, 36 }, { 1, 1 },  0, false },
};
/* clang-format on */

/* w[t,c,f] is the sum of x[place + t - before, c] y[place, f]. */
static void expect(const weights_case *p, const float *x, const float *y, double *w)
{
    const int64_t taps = p->taps ? p->taps : p->w[0] * p->w[1], places = p->y[0] * p->y[1];

    for (int64_t i = 0; i < p->records * places * taps; i++) {
        const int64_t t = i % taps, place = i / taps, at = place % places;
        const int64_t row = at / p->y[1] + t / p->w[1] - p->before[0],
                      column = at % p->y[1] + t % p->w[1] - p->before[1];
        if (row < 0 || row >= p->x[0] || column < 0 || column >= p->x[1])
            continue;
        const float *from = x + ((place / places * p->x[0] + row) * p->x[1] + column) * p->channels;
        for (int64_t c = 0; c < p->channels; c++)
            for (int64_t f = 0; f < p->filters; f++)
                w[(t * p->channels + c) * p->filters + f] += (double)from[c] *
                                                             (double)y[place * p->filters + f];
    }
}

static void as_in_double(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const weights_case *p = &cases[i];
        iv__conv attr = { .stride = iv_dims(1, 1),
                          .dilation = iv_dims(1, 1),
                          .before = { .rank = 2, .dim = { p->before[0], p->before[1] } },
                          .size = iv_dims(p->w[0], p->w[1]),
                          .groups = 1,
                          .taps = p->taps };
        call k = { .op = "conv_w", .k.attr = &attr, .tolerance = 4e-6 };
        const float *x = add_random(&k, iv_dims(p->records, p->x[0], p->x[1], p->channels), 1, false),
                    *y = add_random(&k, iv_dims(p->records, p->y[0], p->y[1], p->filters), 1, false);
        double *w = add_output(&k, iv_dims(p->w[0], p->w[1], p->channels, p->filters), true);
        expect(p, x, y, w);
        k.k.home = new_home(1);
        assert_int_equal(iv__fits_winograd_w(&k.k), p->fits);
        iv_home_set_winograd(k.k.home, false);
        assert_false(iv__fits_winograd_w(&k.k));
        iv_home_free(k.k.home);
        check(&k); /* frees it, too */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(as_in_double) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
