/* resize.c: pictures made another size, axis by axis. */
#include "format/resize.h"

#include "base/home.h"

#include <math.h>

/* Old places by which the new place i is made, and their weights. */
static void place(iv__resizing *r, iv__resize_kind kind, int64_t i)
{
    const double scale = (double)r->from / (double)r->to, centre = ((double)i + 0.5) * scale;
    const double reach = kind == IV_RESIZE_FILTERED && scale > 1 ? scale : 1;
    int64_t first = (int64_t)floor(centre - 0.5 - reach) + 1, last = (int64_t)ceil(centre - 0.5 + reach) - 1;
    double sum = 0, *weight = r->weight + i * r->most;

    first = first < 0 ? 0 : first;
    last = last >= r->from ? r->from - 1 : last;
    r->first[i] = first;
    r->count[i] = last - first + 1;
    for (int64_t k = first; k <= last; k++) {
        double far = fabs((double)k + 0.5 - centre) / reach;
        weight[k - first] = far < 1 ? 1 - far : 0;
        sum += weight[k - first];
    }
    for (int64_t k = 0; k < r->count[i]; k++)
        weight[k] /= sum;
}

iv_status iv__resizing_make(iv_home *home, iv__resize_kind kind, int64_t from, int64_t to, iv__resizing *r)
{
    const int64_t wide = from > to && kind == IV_RESIZE_FILTERED ? from / to + 1 : 1;

    *r = (iv__resizing){ .from = from, .to = to, .most = 2 * wide + 1 };
    r->first = iv__alloc_array(home, to, sizeof *r->first);
    r->count = iv__alloc_array(home, to, sizeof *r->count);
    r->weight = iv__alloc_array(home, to * r->most, sizeof *r->weight);
    if (!r->first || !r->count || !r->weight) {
        iv__resizing_free(home, r);
        return IV_NOMEM;
    }
    for (int64_t i = 0; i < to; i++)
        place(r, kind, i);
    return IV_OK;
}

void iv__resizing_free(iv_home *home, iv__resizing *r)
{
    iv__free(home, r->first);
    iv__free(home, r->count);
    iv__free(home, r->weight);
    *r = (iv__resizing){ .from = 0 };
}

void iv__resize_picture(const iv__resizing *rows, const iv__resizing *columns, int64_t channels,
                        const unsigned char *from, double *room, double *to)
{
    const int64_t width = columns->from * channels;

    for (int64_t i = 0; i < rows->to; i++) {
        const unsigned char *top = from + rows->first[i] * width;
        const double *weight = rows->weight + i * rows->most;
        for (int64_t x = 0; x < width; x++) {
            double rest = 0; /* a difference to the first: equal values stay exactly as they are */
            for (int64_t k = 1; k < rows->count[i]; k++)
                rest += weight[k] * (top[k * width + x] - top[x]);
            room[x] = top[x] + rest;
        }
        for (int64_t j = 0; j < columns->to; j++) {
            const double *left = room + columns->first[j] * channels, *w = columns->weight + j * columns->most;
            for (int64_t c = 0; c < channels; c++, to++) {
                double rest = 0;
                for (int64_t k = 1; k < columns->count[j]; k++)
                    rest += w[k] * (left[k * channels + c] - left[c]);
                *to = left[c] + rest;
            }
        }
    }
}
