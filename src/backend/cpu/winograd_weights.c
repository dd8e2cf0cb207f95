/* winograd_weights.c: the row "conv_w" (ops/rows.h) with stride 1 and kernels of at most 3 x 3 taps, by Winograd's
 * products (winograd.h): tiles of 4 x 4 gradients of results and the 6 x 6 inputs around them are brought to the
 * points, tiles are summed up there by products, and the sums brought back: 36 products in place of 144. */
#include "backend/cpu/gemm.h"
#include "backend/cpu/rows.h"
#include "backend/cpu/winograd.h"

#include "base/threads.h"
#include "ops/rows.h"

#include <string.h>

enum {
    SIDE = 4,   /* of a tile of results */
    AROUND = 6, /* of the inputs that it reads */
    POINTS = 36,
    TAPS = 3,                 /* along an axis, at most: kernels of fewer count as of so many */
    LEAST_WIDTH = 32,         /* channels and filters: with fewer the transforms cost too much */
    GROUP = 48,               /* tiles whose products are added at once */
    SLOTS = 8,                /* of tiles, each with sums of its own, added in order at the end */
    SLOT_TILES = 256,         /* of a slot, about, at least */
    FEWEST = 128,             /* tiles; of fewer the sums would be most of the work */
    MOST_WEIGHTS = 128 * 128, /* of a tap: the sums of a slot lie in L2 */
    FLOATS_AT_ONCE = 128,     /* that a task brings back */
};

#define WORTH 1.4 /* direct products, with all else that is to be done: measured */

typedef struct weights_job {
    const iv__cpu *cpu;
    iv__conv_sizes s;
    int64_t records, rows, columns, tiles; /* rows and columns of tiles of a record; all tiles */
    int64_t slots;
    int64_t x_row, y_row, tap; /* floats from tile to tile at a point; of a tap */
    const float *x, *y;
    float *w, *zeros;
    float *sums;  /* [slot][point][channels][filters] */
    float *rooms; /* of the threads: tiles of x and of y at the points, and what products need */
    int64_t room;
} weights_job;

static weights_job sizes_of(const iv_kernel_call *k)
{
    weights_job j = { .s = iv__conv_sizes_of(k->attr, k->in[0].shape, k->out[0].shape, k->in[1].shape) };

    j.records = j.s.records * j.s.y[0];
    j.rows = iv__ceil_div(j.s.y[1], SIDE);
    j.columns = iv__ceil_div(j.s.y[2], SIDE);
    j.tiles = j.records * j.rows * j.columns;
    j.tap = j.s.channels * j.s.filters;
    return j;
}

/* A leading axis that no tap reaches along counts as records. */
bool iv__fits_winograd_w(const iv_kernel_call *k)
{
    if (!iv__fits_conv(k) || !iv_home_winograd(k->home))
        return false;
    const weights_job j = sizes_of(k);
    const iv__conv_sizes *s = &j.s;
    bool takes = s->w[0] == 1 && s->x[0] == s->y[0] && s->before[0] == 0 && s->w[1] <= TAPS &&
                 s->w[2] <= TAPS;
    for (int a = 0; a < IV__CONV_AXES; a++)
        takes &= s->stride[a] == 1 && s->dilation[a] == 1;
    if (!takes || s->channels < LEAST_WIDTH || s->filters < LEAST_WIDTH || j.tap > MOST_WEIGHTS ||
        j.tiles < FEWEST)
        return false;
    const double direct = (double)(j.records * s->y[1] * s->y[2]) * (double)s->taps;
    return direct > WORTH * POINTS * (double)j.tiles;
}

int iv__winograd_w_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv_packing weights,
                            iv_packing want[IV_MAX_PACKED])
{
    (void)cpu, (void)k, (void)weights, (void)want;
    return 0;
}

static iv__product product_of(const weights_job *j, int64_t tiles)
{
    return (iv__product){ .m = j->s.channels,
                          .n = j->s.filters,
                          .k = tiles,
                          .a_transposed = true,
                          .lda = j->x_row,
                          .ldb = j->y_row,
                          .ldc = j->s.filters };
}

static float *take(float *base, int64_t *used, int64_t floats)
{
    float *at = base ? base + *used : NULL;

    *used += iv__round_up(floats, 16);
    return at;
}

static weights_job job_of(const iv__cpu *cpu, const iv_kernel_call *k, float *base, int64_t *used)
{
    weights_job j = sizes_of(k);
    int64_t threads = iv_home_threads(k->home);

    j.cpu = cpu;
    j.slots = iv__min64(SLOTS, iv__ceil_div(j.tiles, SLOT_TILES));
    j.x_row = iv__odd_lines(j.s.channels);
    j.y_row = iv__odd_lines(j.s.filters);
    iv__product p = product_of(&j, GROUP);
    int64_t bytes = (int64_t)iv__product_scratch(k->home, cpu, &p) / threads;
    j.room = iv__round_up(POINTS * GROUP * (j.x_row + j.y_row) + bytes / (int64_t)sizeof(float), 16);
    j.zeros = take(base, used, j.x_row + j.y_row);
    j.sums = take(base, used, j.slots * POINTS * j.tap);
    j.rooms = take(base, used, threads * j.room);
    return j;
}

/* The side x side places of an image from (top, left) on: zeros beyond its edges. */
static void find_places(const weights_job *j, const float *image, int64_t channels,
                        const int64_t size[2], int64_t top, int64_t left, int side, const float **at)
{
    for (int64_t y = top; y < top + side; y++)
        for (int64_t x = left; x < left + side; x++)
            *at++ = y >= 0 && y < size[0] && x >= 0 && x < size[1] ? image + (y * size[1] + x) * channels
                                                                   : j->zeros;
}

static void bring_to_points(const weights_job *j, int64_t tile, float *x, float *y)
{
    const iv__conv_sizes *s = &j->s;
    const float *at[POINTS];
    int64_t column = tile % j->columns * SIDE, row = tile / j->columns % j->rows * SIDE,
            record = tile / j->columns / j->rows;

    find_places(j, j->x + record * s->x[1] * s->x[2] * s->channels, s->channels, s->x + 1,
                row - s->before[1], column - s->before[2], AROUND, at);
    j->cpu->winograd_in(AROUND, at, s->channels, x, GROUP * j->x_row);
    find_places(j, j->y + record * s->y[1] * s->y[2] * s->filters, s->filters, s->y + 1, row,
                column, SIDE, at);
    j->cpu->winograd_dy(at, s->filters, y, GROUP * j->y_row);
}

static void add_group(const weights_job *j, int64_t begin, int64_t end, bool add, float *room,
                      float *sums)
{
    float *x = room, *y = x + POINTS * GROUP * j->x_row, *rest = y + POINTS * GROUP * j->y_row;

    for (int64_t i = begin; i < end; i++)
        bring_to_points(j, i, x + (i - begin) * j->x_row, y + (i - begin) * j->y_row);
    for (int64_t i = 0; i < POINTS; i++) {
        iv__product p = product_of(j, end - begin);
        p.a = x + i * GROUP * j->x_row;
        p.b = y + i * GROUP * j->y_row;
        p.c = sums + i * j->tap;
        p.add = add;
        iv__product_alone(j->cpu, &p, rest);
    }
}

static void slot_task(void *context, int64_t slot, int thread)
{
    const weights_job *j = context;
    int64_t first = iv__part(j->tiles, slot, j->slots), last = iv__part(j->tiles, slot + 1, j->slots);

    for (int64_t begin = first; begin < last; begin += GROUP)
        add_group(j, begin, iv__min64(begin + GROUP, last), begin > first,
                  j->rooms + thread * j->room, j->sums + slot * POINTS * j->tap);
}

static void back_task(void *context, int64_t task, int thread)
{
    const weights_job *j = context;
    int64_t at = task * FLOATS_AT_ONCE, floats = iv__min64(FLOATS_AT_ONCE, j->tap - at);
    float sum[POINTS * FLOATS_AT_ONCE], *to[TAPS * TAPS] = { NULL };

    (void)thread;
    for (int64_t i = 0; i < POINTS; i++)
        j->cpu->sum_parts(j->sums + i * j->tap + at, j->slots, POINTS * j->tap, 1,
                          sum + i * FLOATS_AT_ONCE, floats);
    for (int64_t t = 0; t < j->s.taps; t++)
        to[t / j->s.w[2] * TAPS + t % j->s.w[2]] = j->w + t * j->tap + at;
    j->cpu->winograd_dw(sum, FLOATS_AT_ONCE, floats, to);
}

size_t iv__winograd_w_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    int64_t used = 0;

    job_of(cpu, k, NULL, &used);
    return (size_t)used * sizeof(float);
}

void iv__winograd_w_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    int64_t used = 0;
    weights_job j = job_of(cpu, k, k->scratch, &used);

    j.x = k->in[0].data;
    j.y = k->in[1].data;
    j.w = k->out[0].data;
    memset(j.zeros, 0, (size_t)(j.x_row + j.y_row) * sizeof *j.zeros);
    memset(j.w + j.s.taps * j.tap, 0, (size_t)(j.s.unread * j.tap) * sizeof *j.w);
    iv__parallel(k->home, j.slots, slot_task, &j);
    iv__parallel(k->home, iv__ceil_div(j.tap, FLOATS_AT_ONCE), back_task, &j);
}
