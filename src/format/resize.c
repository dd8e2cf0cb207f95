/* resize.c: both ways to resize are a pass along the rows, then one along the columns; sums have a
 * fixed order.
 * Source: TensorFlow's resize_bilinear with half_pixel_centers; Pillow's ImagingResample. */
#include "format/resize.h"

#include "base/home.h"

/* What one axis of a new picture reads of an old one: for each of its places the pixels first ..
 * first + count - 1. */
typedef struct axis {
    int64_t from, to, room; /* room: most pixels that a place reads */
    int64_t *first, *count; /* [to] */
    float *part;            /* bilinear: [to], how near the second pixel is */
    double *weight;         /* filtered: [to,room] */
} axis;

struct iv__resizer {
    iv_home *home;
    int64_t channels;
    axis x, y;
    float *rows; /* [y.from,x.to,channels] */
};

/* ---- what an axis reads ---------------------------------------------------------------------- */

static iv_status place_bilinear(iv_home *home, axis *a)
{
    const float scale = (float)a->from / (float)a->to;

    a->part = iv__alloc_array(home, a->to, sizeof *a->part);
    if (!a->part)
        return IV_NOMEM;
    for (int64_t i = 0; i < a->to; i++) {
        const float at = ((float)i + 0.5f) * scale - 0.5f;
        const int64_t below = at < 0 ? -1 : (int64_t)at; /* at > -1 */
        a->part[i] = at - (float)below;
        a->first[i] = below < 0 ? 0 : below;
        a->count[i] = below < 0 || below + 1 >= a->from ? 1 : 2;
    }
    return IV_OK;
}

static iv_status place_filtered(iv_home *home, axis *a)
{
    const double scale = (double)a->from / (double)a->to, wide = scale > 1 ? scale : 1;
    size_t weights;

    a->room = 2 * (int64_t)wide + 3;
    if (!iv__mul_size((size_t)a->to, (size_t)a->room, &weights))
        return iv_fail(home, IV_NOMEM, "a picture is too large");
    a->weight = iv__alloc_array(home, (int64_t)weights, sizeof *a->weight);
    if (!a->weight)
        return IV_NOMEM;
    for (int64_t i = 0; i < a->to; i++) {
        const double centre = ((double)i + 0.5) * scale;
        double low = centre - wide + 0.5, high = centre + wide + 0.5, sum = 0;
        double *weight = a->weight + i * a->room;
        const int64_t first = low < 0 ? 0 : (int64_t)low;
        const int64_t end = high > (double)a->from ? a->from : (int64_t)high;

        for (int64_t k = 0; k < end - first; k++) {
            double far = ((double)(first + k) - centre + 0.5) * (1 / wide);
            far = far < 0 ? -far : far;
            weight[k] = far < 1 ? 1 - far : 0;
            sum += weight[k];
        }
        for (int64_t k = 0; k < end - first && sum != 0; k++)
            weight[k] /= sum;
        a->first[i] = first;
        a->count[i] = end - first;
    }
    return IV_OK;
}

static iv_status place(iv_home *home, iv__resizing kind, axis *a)
{
    a->first = iv__alloc_array(home, a->to, sizeof *a->first);
    a->count = iv__alloc_array(home, a->to, sizeof *a->count);
    if (!a->first || !a->count)
        return IV_NOMEM;
    return kind == IV__RESIZE_BILINEAR ? place_bilinear(home, a) : place_filtered(home, a);
}

static void axis_free(iv_home *home, axis *a)
{
    iv__free(home, a->first);
    iv__free(home, a->count);
    iv__free(home, a->part);
    iv__free(home, a->weight);
}

/* ---- the passes ------------------------------------------------------------------------------ */

/* Place i of the new axis, from values that lie `stride` apart. */
static inline float read_place(const axis *a, int64_t i, const float *from, int64_t stride)
{
    const int64_t count = a->count[i];

    from += a->first[i] * stride;
    if (a->part)
        return count == 1 ? from[0] : from[0] + (from[stride] - from[0]) * a->part[i];
    const double *weight = a->weight + i * a->room;
    double sum = 0;
    for (int64_t k = 0; k < count; k++)
        sum += (double)from[k * stride] * weight[k];
    return (float)sum;
}

void iv__resizer_row(iv__resizer *r, int64_t y, const float *row)
{
    float *to = r->rows + y * r->x.to * r->channels;

    for (int64_t i = 0; i < r->x.to; i++)
        for (int64_t c = 0; c < r->channels; c++)
            *to++ = read_place(&r->x, i, row + c, r->channels);
}

void iv__resizer_end(const iv__resizer *r, float *to)
{
    const int64_t wide = r->x.to * r->channels;

    for (int64_t i = 0; i < r->y.to; i++)
        for (int64_t k = 0; k < wide; k++)
            *to++ = read_place(&r->y, i, r->rows + k, wide);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool is_side(int64_t n)
{
    return n >= 1 && n <= IV__RESIZE_MOST;
}

iv__resizer *iv__resizer_new(iv_home *home, iv__resizing kind, int64_t height, int64_t width,
                             int64_t channels, int64_t to_height, int64_t to_width)
{
    size_t wide;

    if (!is_side(height) || !is_side(width) || !is_side(to_height) || !is_side(to_width)) {
        iv_fail(home, IV_VALUE,
                "a picture of %lld x %lld cannot become one of %lld x %lld: expected heights and "
                "widths from 1 to %d",
                (long long)height, (long long)width, (long long)to_height, (long long)to_width,
                IV__RESIZE_MOST);
        return NULL;
    }
    iv__resizer *r = iv__alloc(home, sizeof *r);
    if (!r)
        return NULL;
    *r = (iv__resizer){ .home = home,
                        .channels = channels,
                        .x = { .from = width, .to = to_width },
                        .y = { .from = height, .to = to_height } };
    wide = (size_t)to_width * (size_t)channels * sizeof(float);
    r->rows = iv__alloc_array(home, height, wide);
    if (!r->rows || place(home, kind, &r->x) || place(home, kind, &r->y)) {
        iv__resizer_free(r);
        return NULL;
    }
    return r;
}

void iv__resizer_free(iv__resizer *r)
{
    if (!r)
        return;
    axis_free(r->home, &r->x);
    axis_free(r->home, &r->y);
    iv__free(r->home, r->rows);
    iv__free(r->home, r);
}
