/* format_resize_test.c: pictures made larger and smaller, against TensorFlow's formula and Pillow. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include "format/resize.h"

typedef struct golden {
    iv__resizing kind;
    int height, width, channels, to_height, to_width;
    const float *y;
} golden;

/* clang-format off */
static const golden cases[] = {
#include "golden/resized.inc"
};
/* clang-format on */

/* Row y of the golden script's picture. */
static void picture_row(const golden *g, int y, float *row)
{
    for (int x = 0; x < g->width; x++)
        for (int c = 0; c < g->channels; c++)
            *row++ = (float)((37 * y + 101 * x + 59 * c + 7 * x * y) % 256);
}

static void values_are_theirs_to_the_bit(void **state)
{
    world *w = *state;
    float row[64], y[512];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const golden *g = &cases[i];
        iv__resizer *r = iv__resizer_new(w->home, g->kind, g->height, g->width, g->channels,
                                         g->to_height, g->to_width);
        assert_non_null(r);
        for (int k = 0; k < g->height; k++) {
            picture_row(g, k, row);
            iv__resizer_row(r, k, row);
        }
        iv__resizer_end(r, y);
        for (int k = 0; k < g->to_height * g->to_width * g->channels; k++)
            if (y[k] != g->y[k])
                fail_msg("case %zu: value %d is %a, expected %a", i, k, (double)y[k], (double)g->y[k]);
        iv__resizer_free(r);
    }
}

/* An even picture stays as it is: no sum of weights is a little less than 1. */
static void what_is_even_stays_even(void **state)
{
    world *w = *state;
    float row[97], y[200 * 200];

    for (int v = 0; v < 97; v++)
        row[v] = 64;
    for (int kind = IV__RESIZE_BILINEAR; kind <= IV__RESIZE_FILTERED; kind++)
        for (int64_t to = 1; to <= 200; to++) {
            iv__resizer *r = iv__resizer_new(w->home, (iv__resizing)kind, 89, 97, 1, to, 201 - to);
            assert_non_null(r);
            for (int64_t k = 0; k < 89; k++)
                iv__resizer_row(r, k, row);
            iv__resizer_end(r, y);
            for (int64_t k = 0; k < to * (201 - to); k++)
                assert_true(y[k] == 64);
            iv__resizer_free(r);
        }
}

static void sizes_out_of_range_are_refused(void **state)
{
    world *w = *state;

    assert_null(iv__resizer_new(w->home, IV__RESIZE_FILTERED, 0, 3, 1, 2, 2));
    assert_message(w->home,
                   "a picture of 0 x 3 cannot become one of 2 x 2: expected heights and widths from 1 to 65536");
    assert_null(iv__resizer_new(w->home, IV__RESIZE_FILTERED, 3, 3, 1, 2, 65537));
    assert_null(iv__resizer_new(w->home, IV__RESIZE_BILINEAR, 3, 3, 1, -1, 2));
    assert_null(iv__resizer_new(w->home, IV__RESIZE_BILINEAR, 65537, 3, 1, 1, 2));
    assert_int_equal(iv_home_status(w->home), IV_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_theirs_to_the_bit),
        cmocka_unit_test(what_is_even_stays_even),
        cmocka_unit_test(sizes_out_of_range_are_refused),
    };

    return cmocka_run_group_tests(tests, world_begin, world_end);
}
