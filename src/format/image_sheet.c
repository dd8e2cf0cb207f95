/* image_sheet.c: many pictures as one: a grid on white, tiny ones enlarged. */

#include <string.h>

#include "base/home.h"
#include "format/image_parts.h"

/* A picture whose longer side has fewer pixels is enlarged to at least as many. */
enum { TINY = 96 };

/* Where pictures come to lie, in pixels of the sheet. */
typedef struct grid {
    int64_t columns, rows, margin, enlarge;
    int64_t width, height; /* of an enlarged picture */
} grid;

static iv_status check(iv_home *home, int64_t n, const iv__image *pictures, const iv__sheet *sheet)
{
    if (n < 1)
        return iv_fail(home, IV_VALUE, "a sheet of no pictures: give one at least");
    for (int64_t i = 0; i < n; i++) {
        const iv__image *first = &pictures[0], *p = &pictures[i];
        if (p->width != first->width || p->height != first->height ||
            p->channels != first->channels || p->bits != first->bits)
            return iv_fail(home, IV_SHAPE,
                           "a sheet: picture %lld is %lld by %lld, %d channels of %d bits; the first "
                           "is %lld by %lld, %d of %d: make them equal",
                           (long long)i + 1, (long long)p->width, (long long)p->height, p->channels,
                           p->bits, (long long)first->width, (long long)first->height,
                           first->channels, first->bits);
    }
    if (sheet->columns < 0 || sheet->margin < 0 || sheet->enlarge < 0)
        return iv_fail(home, IV_VALUE,
                       "a sheet of %lld columns, margin %lld, enlarged %lld times: none may be below 0",
                       (long long)sheet->columns, (long long)sheet->margin, (long long)sheet->enlarge);
    return IV_OK;
}

/* The least number of columns that makes no more rows than columns. */
static int64_t square_root_up(int64_t n)
{
    int64_t root = 1;

    while (root < n / root || (root == n / root && n % root > 0))
        root++;
    return root;
}

/* n pictures with margins around: false when it does not fit. */
static bool extent(int64_t n, int64_t side, int64_t margin, int64_t *all)
{
    int64_t step;

    return !__builtin_add_overflow(side, margin, &step) && !__builtin_mul_overflow(n, step, all) &&
           !__builtin_add_overflow(*all, margin, all);
}

static iv_status lay_out(iv_home *home, int64_t n, const iv__image *first, const iv__sheet *sheet,
                         grid *g, iv__image *image)
{
    int64_t longer = first->width > first->height ? first->width : first->height, width, height;

    g->enlarge = sheet->enlarge ? sheet->enlarge : (TINY + longer - 1) / longer;
    g->columns = sheet->columns ? sheet->columns : square_root_up(n);
    g->columns = g->columns < n ? g->columns : n;
    g->rows = (n - 1) / g->columns + 1;
    g->margin = sheet->margin;
    if (__builtin_mul_overflow(first->width, g->enlarge, &g->width) ||
        __builtin_mul_overflow(first->height, g->enlarge, &g->height) ||
        !extent(g->columns, g->width, g->margin, &width) ||
        !extent(g->rows, g->height, g->margin, &height))
        return iv_fail(home, IV_UNSUPPORTED,
                       "a sheet of %lld pictures of %lld by %lld pixels, enlarged %lld times, is "
                       "beyond all measure: take fewer or enlarge them less",
                       (long long)n, (long long)first->width, (long long)first->height,
                       (long long)g->enlarge);
    return iv__image_begin(home, "a sheet", width, height, first->channels, first->bits, image);
}

static void place(const iv__image *picture, const grid *g, int64_t at, iv__image *image)
{
    size_t pixel = (size_t)picture->channels * (size_t)(picture->bits / 8);
    int64_t left = g->margin + at % g->columns * (g->width + g->margin);
    int64_t top = g->margin + at / g->columns * (g->height + g->margin);
    size_t row_bytes = iv__image_row_bytes(image);
    const char *from = picture->pixels;

    for (int64_t y = 0; y < picture->height; y++) {
        char *row = (char *)image->pixels + (size_t)(top + y * g->enlarge) * row_bytes +
                    (size_t)left * pixel;
        char *to = row;
        for (int64_t x = 0; x < picture->width; x++, from += pixel)
            for (int64_t i = 0; i < g->enlarge; i++, to += pixel)
                memcpy(to, from, pixel);
        for (int64_t i = 1; i < g->enlarge; i++)
            memcpy(row + (size_t)i * row_bytes, row, (size_t)g->width * pixel);
    }
}

iv_status iv__image_sheet(iv_home *home, int64_t n, const iv__image *pictures,
                          const iv__sheet *sheet, iv__image *image)
{
    grid g = { 0 };

    *image = (iv__image){ 0 };
    iv_status status = check(home, n, pictures, sheet);
    if (!status)
        status = lay_out(home, n, &pictures[0], sheet, &g, image);
    if (status)
        return status;
    memset(image->pixels, 255, iv__image_row_bytes(image) * (size_t)image->height);
    for (int64_t i = 0; i < n; i++)
        place(&pictures[i], &g, i, image);
    return IV_OK;
}
