/* conv_patches.c: patches: what the taps of a place read, side by side, with zeros beyond the edges. */
#include "backend/cpu/conv.h"

enum { AXES = IV__CONV_AXES };

bool iv__conv_is_pointwise(const iv__conv_sizes *s)
{
    bool same = s->taps == 1;

    for (int a = 0; a < AXES; a++)
        same &= s->x[a] == s->y[a] && s->stride[a] == 1 && s->before[a] == 0;
    return same;
}

/* One patch of taps [t0,t1), each `width` floats apart. */
static void gather_patch(const iv__grid *g, int64_t record, const int64_t at[AXES], int64_t t0,
                         int64_t t1, int64_t width, float *to)
{
    const float *from = g->from + record * iv__conv_volume(g->size) * g->channels;
    size_t bytes = (size_t)g->channels * sizeof *to;

    for (int64_t t = t0; t < t1; t++, to += width) {
        int64_t number = 0;
        bool inside = true;
        for (int a = 0; a < AXES; a++) {
            int64_t i = at[a] * g->step[a] + g->offset[t][a];
            inside &= i >= 0 && i < g->size[a];
            number = number * g->size[a] + i;
        }
        if (inside)
            memcpy(to, from + number * g->channels, bytes);
        else
            memset(to, 0, bytes);
        for (int64_t c = g->channels; c < width; c++)
            to[c] = 0;
    }
}

void iv__gather(const iv__grid *g, int64_t begin, int64_t end, int64_t t0, int64_t t1,
                int64_t width, float *to, int64_t to_row)
{
    int64_t places = iv__conv_volume(g->places);

    for (int64_t i = begin; i < end; i++, to += to_row) {
        int64_t at[AXES];
        iv__conv_place(i % places, g->places, at);
        gather_patch(g, i / places, at, t0, t1, width, to);
    }
}

iv__grid iv__grid_of_x(const iv__conv_sizes *s, const float *x, int64_t (*offset)[AXES])
{
    iv__grid g = {
        .from = x, .records = s->records, .channels = s->channels, .taps = s->taps, .offset = offset
    };

    for (int a = 0; a < AXES; a++) {
        g.size[a] = s->x[a];
        g.places[a] = s->y[a];
        g.step[a] = s->stride[a];
    }
    for (int64_t t = 0; offset && t < s->taps; t++) {
        iv__conv_place(t, s->w, offset[t]);
        for (int a = 0; a < AXES; a++)
            offset[t][a] = offset[t][a] * s->dilation[a] - s->before[a];
    }
    return g;
}
