/* winograd_weights.c: the row "conv_w" (ops/rows.h) with stride 1, by Winograd's products (winograd.h): tiles of
 * gradients of results and the inputs around them are brought to the points, tiles are summed up there by products,
 * and the sums brought back.
 *
 * SQUARE, for two to five rows of taps: tiles of 36 points, for 3 x 3 taps of 4 x 4 places. ROWS, for any number of
 * rows of taps, the last of which may lack some (masks): tiles of places of a row, 6 points. A tile at the points
 * serves all rows of taps. */
#include "backend/cpu/gemm.h"
#include "backend/cpu/rows.h"
#include "backend/cpu/winograd.h"

#include "base/threads.h"
#include "ops/rows.h"

#include <string.h>

enum {
    AROUND = IV__POINTS, /* inputs that a tile reads along an axis: and points along it */
    MOST_POINTS = AROUND * AROUND,
    TAPS = IV__POINTS_TAPS,   /* along an axis, at most */
    MOST_BLOCKS = 8,          /* rows of taps */
    LEAST_WIDTH = 32,         /* channels and filters: with fewer the transforms cost too much */
    SQUARE_GROUP = 48,        /* tiles whose products are added at once */
    ROWS_GROUP = 64,          /* at most, but for a row of more */
    SLOTS = 8,                /* of groups, each with sums of its own, added in order at the end */
    SLOT_TILES = 256,         /* of a slot, about, at least */
    FEWEST_SQUARES = 128,     /* tiles; of fewer the sums would be most of the work */
    FEWEST_ROWS = 64,         /* the same */
    MOST_WEIGHTS = 128 * 128, /* of a tap: the sums of a slot lie in L2 */
    FLOATS_AT_ONCE = 128,     /* that a task brings back */
};

#define WORTH 1.4 /* direct products, with all else that is to be done: measured */

typedef struct weights_job {
    const iv__cpu *cpu;
    iv__conv_sizes s;
    bool square;
    int64_t side[2];       /* rows and columns of places of a tile */
    int64_t records;       /* a leading axis that no tap reaches along counts as records */
    int64_t points, lines; /* of a tile; and lines of them */
    int64_t blocks;        /* rows of taps that have sums of their own */
    int64_t rows, columns; /* of tiles of a record */
    int64_t parts;         /* groups of a record; SQUARE: groups of all */
    int64_t slots, group,
        cells; /* tiles of a group at most, and of its inputs: with rows that taps reach beyond */
    int64_t x_row, x_apart, y_apart, tap; /* floats from cell to cell, from point to point; of a tap */
    iv__panels panels;
    const float *x, *y;
    float *w, *zeros;
    float *sums;  /* [slot][block][point][channels][filters] */
    float *rooms; /* of the threads: inputs and gradients at the points */
    int64_t room;
} weights_job;

/* ---- sizes ----------------------------------------------------------------------------------- */

static int64_t taps_of_block(const iv__conv_sizes *s, int64_t block)
{
    return iv__min64(s->w[2], s->taps - block * s->w[2]);
}

/* Products of a channel and a filter, of all taps. */
static double work_of(const weights_job *j, bool square)
{
    const double columns = (double)iv__ceil_div(j->s.y[2], j->side[1]);
    int64_t points = 0;

    if (square)
        return MOST_POINTS * (double)j->records * (double)iv__ceil_div(j->s.y[1], j->side[0]) * columns;
    for (int64_t b = 0; b < j->blocks; b++)
        points += AROUND - (taps_of_block(&j->s, b) < j->s.w[2]);
    return (double)points * (double)j->records * (double)j->s.y[1] * columns;
}

static bool fit_points(int64_t taps)
{
    return taps >= 2 && taps <= TAPS;
}

static weights_job sizes_of(const iv_kernel_call *k)
{
    weights_job j = { .s = iv__conv_sizes_of(k->attr, k->in[0].shape, k->out[0].shape, k->in[1].shape) };

    j.records = j.s.records * j.s.y[0];
    j.tap = j.s.channels * j.s.filters;
    j.blocks = iv__ceil_div(j.s.taps, j.s.w[2]);
    if (!fit_points(j.s.w[2]))
        return j;
    j.side[0] = fit_points(j.blocks) ? AROUND + 1 - j.blocks : 1;
    j.side[1] = AROUND + 1 - j.s.w[2];
    j.columns = iv__ceil_div(j.s.y[2], j.side[1]);
    j.rows = iv__ceil_div(j.s.y[1], j.side[0]);
    j.square = j.side[0] > 1 && j.records * j.rows * j.columns >= FEWEST_SQUARES &&
               work_of(&j, true) < work_of(&j, false);
    if (!j.square) {
        j.side[0] = 1;
        j.rows = j.s.y[1];
    }
    return j;
}

bool iv__fits_winograd_w(const iv_kernel_call *k)
{
    if (!iv__fits_conv(k) || !iv_home_winograd(k->home))
        return false;
    const weights_job j = sizes_of(k);
    const iv__conv_sizes *s = &j.s;
    bool takes = s->w[0] == 1 && s->x[0] == s->y[0] && s->before[0] == 0 && fit_points(s->w[2]) &&
                 j.blocks <= MOST_BLOCKS;
    for (int a = 0; a < IV__CONV_AXES; a++)
        takes &= s->stride[a] == 1 && s->dilation[a] == 1;
    if (!takes || s->channels < LEAST_WIDTH || s->filters < LEAST_WIDTH || j.tap > MOST_WEIGHTS ||
        j.records * j.rows * j.columns < FEWEST_ROWS)
        return false;
    const double direct = (double)(j.records * s->y[1] * s->y[2]) * (double)s->taps;
    return direct > WORTH * work_of(&j, j.square);
}

int iv__winograd_w_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv_packing weights,
                            iv_packing want[IV_MAX_PACKED])
{
    (void)cpu, (void)k, (void)weights, (void)want;
    return 0;
}

static float *take(float *base, int64_t *used, int64_t floats)
{
    float *at = base ? base + *used : NULL;

    *used += iv__round_up(floats, 16);
    return at;
}

/* By shapes alone. */
static weights_job job_of(const iv__cpu *cpu, const iv_kernel_call *k, float *base, int64_t *used)
{
    weights_job j = sizes_of(k);
    const int64_t threads = iv_home_threads(k->home), tiles = j.records * j.rows * j.columns;

    j.cpu = cpu;
    j.lines = j.square ? AROUND : 1;
    j.points = j.square ? MOST_POINTS : AROUND;
    if (j.square) {
        j.blocks = 1;
        j.group = SQUARE_GROUP;
        j.parts = iv__ceil_div(tiles, j.group);
    } else {
        const int64_t most = ROWS_GROUP > j.columns ? ROWS_GROUP / j.columns : 1;
        j.parts = iv__ceil_div(j.rows, most);
        j.group = iv__ceil_div(j.rows, j.parts) * j.columns;
    }
    j.slots = iv__min64(SLOTS, iv__ceil_div(tiles, SLOT_TILES));
    j.cells = j.group + (j.blocks - 1) * j.columns;
    j.panels = iv__panels_of(cpu, j.s.filters);
    j.x_row = iv__odd_lines(j.s.channels);
    j.x_apart = j.cells * j.x_row;
    j.y_apart = j.group * iv__round_up(j.s.filters, cpu->width);
    j.room = iv__round_up(j.points * (j.x_apart + j.y_apart), 16);
    j.zeros = take(base, used, iv__round_up(j.s.channels, 16) + iv__round_up(j.s.filters, 16));
    j.sums = take(base, used, j.slots * j.blocks * j.points * j.tap);
    j.rooms = take(base, used, threads * j.room);
    return j;
}

/* ---- running --------------------------------------------------------------------------------- */

/* Tiles [first, first + count) of a record; SQUARE: of all. */
typedef struct group {
    int64_t record, first, count;
} group;

static group group_of(const weights_job *j, int64_t number)
{
    if (j->square)
        return (group){ 0, number * j->group,
                        iv__min64(j->group, j->records * j->rows * j->columns - number * j->group) };
    const int64_t part = number % j->parts, row = iv__part(j->rows, part, j->parts);
    return (group){ number / j->parts, row * j->columns,
                    (iv__part(j->rows, part + 1, j->parts) - row) * j->columns };
}

/* Places of an image, `lines` rows of them from a corner on: zeros beyond its edges. */
static void find_places(const weights_job *j, const float *image, int64_t channels,
                        const int64_t size[2], int64_t top, int64_t left, int64_t lines,
                        int64_t each, const float **at)
{
    for (int64_t y = top; y < top + lines; y++)
        for (int64_t x = left; x < left + each; x++)
            *at++ = y >= 0 && y < size[0] && x >= 0 && x < size[1] ? image + (y * size[1] + x) * channels
                                                                   : j->zeros;
}

/* A tile's record, row and column of its first place among gradients; cells behind a group's last tile are in
 * rows beyond. */
static void find_corner(const weights_job *j, const group *g, int64_t tile, int64_t corner[3])
{
    const int64_t at = g->first + tile, row = at / j->columns;

    corner[0] = j->square ? row / j->rows : g->record;
    corner[1] = j->square ? row % j->rows * j->side[0] : row;
    corner[2] = at % j->columns * j->side[1];
}

static void bring_inputs(const weights_job *j, const group *g, float *to)
{
    const iv__conv_sizes *s = &j->s;
    const int64_t cells = g->count + (j->blocks - 1) * j->columns;

    for (int64_t cell = 0; cell < cells; cell++) {
        const float *at[MOST_POINTS];
        int64_t corner[3];
        find_corner(j, g, cell, corner);
        find_places(j, j->x + corner[0] * s->x[1] * s->x[2] * s->channels, s->channels, s->x + 1,
                    corner[1] - s->before[1], corner[2] - s->before[2], j->lines, AROUND, at);
        j->cpu->winograd_in((int)j->lines, at, s->channels, to + cell * j->x_row, j->x_apart);
    }
}

/* Gradients in panels, as right factors of products. */
static void bring_gradients(const weights_job *j, const group *g, float *to)
{
    const iv__conv_sizes *s = &j->s;

    for (int64_t tile = 0; tile < g->count; tile++) {
        const float *at[MOST_POINTS];
        int64_t corner[3], places = j->side[0] * j->side[1], done = 0;
        find_corner(j, g, tile, corner);
        find_places(j, j->y + corner[0] * s->y[1] * s->y[2] * s->filters, s->filters, s->y + 1,
                    corner[1], corner[2], j->side[0], j->side[1], at);
        for (int64_t panel = 0; panel < j->panels.count; panel++) {
            const int64_t column = iv__panel_begin(&j->panels, panel),
                          width = iv__panel_vectors(&j->panels, panel) * j->panels.width,
                          n = iv__min64(width, s->filters - column);
            for (int64_t i = 0; i < places; i++)
                at[i] += at[i] == j->zeros ? 0 : column - done;
            done = column;
            j->cpu->winograd_dy((int)j->side[0], (int)j->side[1], at, n,
                                to + column * g->count + tile * width, j->y_apart);
        }
    }
}

static void add_group(const weights_job *j, const group *g, bool add, float *x, float *sums)
{
    float *y = x + j->points * j->x_apart;

    bring_inputs(j, g, x);
    bring_gradients(j, g, y);
    for (int64_t i = 0; i < j->points; i++) {
        for (int64_t b = 0; b < j->blocks; b++) {
            if (!j->square && i == AROUND - 1 && taps_of_block(&j->s, b) < j->s.w[2])
                continue; /* at infinity is the last tap alone */
            iv__product p = { .m = j->s.channels,
                              .n = j->s.filters,
                              .k = g->count,
                              .a = x + i * j->x_apart + b * j->columns * j->x_row,
                              .a_transposed = true,
                              .lda = j->x_row,
                              .from_panels = true,
                              .packed = y + i * j->y_apart,
                              .c = sums + (b * j->points + i) * j->tap,
                              .ldc = j->s.filters,
                              .add = add };
            iv__product_alone(j->cpu, &p, NULL);
        }
    }
}

static void slot_task(void *context, int64_t slot, int thread)
{
    const weights_job *j = context;
    const int64_t all = j->square ? j->parts : j->parts * j->records,
                  first = iv__part(all, slot, j->slots);

    for (int64_t i = first; i < iv__part(all, slot + 1, j->slots); i++) {
        const group g = group_of(j, i);
        add_group(j, &g, i > first, j->rooms + thread * j->room,
                  j->sums + slot * j->blocks * j->points * j->tap);
    }
}

/* Some floats of the taps of a block. */
static void bring_back(const weights_job *j, int64_t block, int64_t at, int64_t floats)
{
    float sum[MOST_POINTS * FLOATS_AT_ONCE], *to[TAPS * TAPS] = { NULL };
    const int64_t columns = j->s.w[2], taps = j->square ? j->s.taps : taps_of_block(&j->s, block);
    const int64_t points = j->square || taps == columns ? j->points : j->points - 1;

    for (int64_t i = 0; i < points; i++)
        j->cpu->sum_parts(j->sums + (block * j->points + i) * j->tap + at, j->slots,
                          j->blocks * j->points * j->tap, 1, sum + i * FLOATS_AT_ONCE, floats);
    if (points < j->points)
        memset(sum + points * FLOATS_AT_ONCE, 0, (size_t)floats * sizeof *sum);
    for (int64_t t = 0; t < taps; t++)
        to[t] = j->w + (block * columns + t) * j->tap + at;
    j->cpu->winograd_out(j->square ? (int)(AROUND + 1 - j->side[0]) : 1, (int)columns, sum,
                         FLOATS_AT_ONCE, floats, to);
}

static void back_task(void *context, int64_t task, int thread)
{
    const weights_job *j = context;
    const int64_t at = task / j->blocks * FLOATS_AT_ONCE;

    (void)thread;
    bring_back(j, task % j->blocks, at, iv__min64(FLOATS_AT_ONCE, j->tap - at));
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
    memset(j.zeros, 0, (size_t)(j.sums - j.zeros) * sizeof *j.zeros);
    memset(j.w + j.s.taps * j.tap, 0, (size_t)(j.s.unread * j.tap) * sizeof *j.w);
    iv__parallel(k->home, j.slots, slot_task, &j);
    iv__parallel(k->home, iv__ceil_div(j.tap, FLOATS_AT_ONCE) * j.blocks, back_task, &j);
}
