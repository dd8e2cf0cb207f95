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

/* Most pieces are too short for a call of memcpy to be worth it. */
static void copy(const float *from, int64_t n, float *to)
{
    enum { LONG = 64, QUAD = 4 };

    if (n >= LONG) {
        memcpy(to, from, (size_t)n * sizeof *to);
        return;
    }
    for (; n >= QUAD; n -= QUAD, from += QUAD, to += QUAD)
        memcpy(to, from, QUAD * sizeof *to);
    for (; n > 0; n--)
        *to++ = *from++;
}

static void clear(float *to, int64_t n)
{
    if (n > 0)
        memset(to, 0, (size_t)n * sizeof *to);
}

/* `n` neighbouring taps of a place, which read channels side by side from place `start` of a line on, as far as it
 * is there. */
static void copy_line(const iv__grid *g, const float *line, int64_t start, int64_t n, float *to)
{
    int64_t before, last;

    if (start >= 0 && start + n <= g->size[AXES - 1]) {
        copy(line + start * g->channels, n * g->channels, to);
        return;
    }
    before = start < 0 ? iv__min64(-start, n) : 0;
    last = iv__min64(g->size[AXES - 1] - start, n);
    last = last < before ? before : last;
    clear(to, before * g->channels);
    copy(line + (start + before) * g->channels, (last - before) * g->channels,
         to + before * g->channels);
    clear(to + last * g->channels, (n - last) * g->channels);
}

/* One patch of taps [t0,t1), each `width` floats apart. */
static void gather_patch(const iv__grid *g, int64_t record, const int64_t at[AXES], int64_t t0,
                         int64_t t1, int64_t width, float *to)
{
    const float *from = g->from + record * iv__conv_volume(g->size) * g->channels;

    for (int64_t t = t0, n; t < t1; t += n, to += n * width) {
        const int64_t *offset = g->offset[t];
        int64_t line = 0;
        bool inside = true;
        n = width == g->channels ? iv__min64(g->line - t % g->line, t1 - t) : 1;
        for (int a = 0; a < AXES - 1; a++) {
            int64_t i = at[a] * g->step[a] + offset[a];
            inside &= i >= 0 && i < g->size[a];
            line = line * g->size[a] + i;
        }
        if (inside)
            copy_line(g, from + line * g->size[AXES - 1] * g->channels,
                      at[AXES - 1] * g->step[AXES - 1] + offset[AXES - 1], n, to);
        else
            clear(to, n * g->channels);
        if (width > g->channels)
            clear(to + g->channels, width - g->channels);
    }
}

void iv__gather(const iv__grid *g, int64_t begin, int64_t end, int64_t t0, int64_t t1,
                int64_t width, float *to, int64_t to_row)
{
    int64_t places = iv__conv_volume(g->places), record = begin / places, at[AXES];

    iv__conv_place(begin % places, g->places, at);
    for (int64_t i = begin; i < end; i++, to += to_row) {
        int a = AXES - 1;
        gather_patch(g, record, at, t0, t1, width, to);
        while (a >= 0 && ++at[a] == g->places[a])
            at[a--] = 0;
        record += a < 0;
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
    g.line = s->dilation[AXES - 1] == 1 ? s->w[AXES - 1] : 1;
    for (int64_t t = 0; offset && t < s->taps; t++) {
        iv__conv_place(t, s->w, offset[t]);
        for (int a = 0; a < AXES; a++)
            offset[t][a] = offset[t][a] * s->dilation[a] - s->before[a];
    }
    return g;
}
