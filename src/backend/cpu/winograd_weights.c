/* winograd_weights.c: the row "conv_w" (ops/rows.h) with stride 1, by Winograd's products (winograd.h): tiles of
 * gradients of results and the inputs around them are brought to the points, tiles are summed up there by products,
 * and the sums brought back.
 *
 * SQUARE, for two to five rows of taps: tiles of 36 points, for 3 x 3 taps of 4 x 4 places. ROWS, for any number of
 * rows of taps, the last of which may lack some (masks): tiles of places of a row, 6 points. A tile at the points
 * serves all rows of taps.
 *
 * The sums of a slot of tiles lie in L2. MANY weights are too many for that: there SQUARE tiles are all brought to the
 * points first, some passes of them, and each task sums up a block of channels and a panel of filters. */
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
    FEWEST_OF_MANY = 16,      /* tiles; of fewer the sums would be most of the work */
    PASS_TILES = 256,         /* at most */
    PIECE = 8,                /* tiles that a task brings to the points */
    BLOCK_TILES = 8,          /* of rows, that a block of channels has, about */
    SUM_FLOATS = 4096,        /* of passes, that a task adds up */
    SUM_TILES = 128,          /* summed up in registers: a panel of them lies in L1 */
};

#define WORTH 1.4 /* direct products, with all else that is to be done: measured */

/* Tiles [first, first + count) of a record; SQUARE: of all. */
typedef struct group {
    int64_t record, first, count;
} group;

typedef struct weights_job {
    const iv__cpu *cpu;
    iv__conv_sizes s;
    bool square, many;
    int64_t side[2];       /* rows and columns of places of a tile */
    int64_t records;       /* a leading axis that no tap reaches along counts as records */
    int64_t points, lines; /* of a tile; and lines of them */
    int64_t blocks;        /* rows of taps that have sums of their own */
    int64_t rows, columns; /* of tiles of a record */
    int64_t parts;         /* groups of a record; SQUARE: groups of all */
    int64_t slots, group,
        cells; /* tiles of a group at most, and of its inputs: with rows that taps reach beyond */
    int64_t channel_blocks, block;        /* MANY: of so many channels at most */
    int64_t x_row, x_apart, y_apart, tap; /* floats from cell to cell, from point to point; of a tap */
    iv__panels panels;
    const float *x, *y;
    float *w, *zeros;
    float *sums; /* [slot][block][point][channels][filters]; MANY: gradients of each pass, if there are several */
    float *rooms; /* of the threads: inputs and gradients at the points; MANY: sums of a task */
    int64_t room;
    float *at_points; /* MANY: inputs and gradients of a pass */
    group pass;
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
    j.many = j.tap > MOST_WEIGHTS;
    j.square = j.side[0] > 1 &&
               j.records * j.rows * j.columns >= (j.many ? FEWEST_OF_MANY : FEWEST_SQUARES) &&
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
    if (!takes || s->channels < LEAST_WIDTH || s->filters < LEAST_WIDTH || (j.many && !j.square) ||
        j.records * j.rows * j.columns < (j.many ? FEWEST_OF_MANY : FEWEST_ROWS))
        return false;
    const double direct = (double)(j.records * s->y[1] * s->y[2]) * (double)s->taps;
    return direct > WORTH * work_of(&j, j.square);
}

int iv__winograd_w_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv__packing weights,
                            iv__packing want[IV__MAX_PACKED])
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

static int64_t zeros_of(const weights_job *j)
{
    return iv__round_up(j->s.channels > j->s.filters ? j->s.channels : j->s.filters, 16);
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
    if (j.many) {
        j.parts = j.slots = iv__ceil_div(tiles, PASS_TILES);
        j.group = iv__ceil_div(tiles, j.parts);
        j.channel_blocks = iv__ceil_div(j.s.channels, BLOCK_TILES * cpu->rows);
        j.block = iv__ceil_div(j.s.channels, j.channel_blocks);
    }
    j.cells = j.group + (j.blocks - 1) * j.columns;
    j.panels = iv__panels_of(cpu, j.s.filters);
    j.x_row = j.many ? j.s.channels : iv__odd_lines(j.s.channels);
    j.x_apart = iv__odd_lines(j.cells * j.x_row);
    j.y_apart = iv__odd_lines(j.group * iv__round_up(j.s.filters, cpu->width));
    j.room = iv__round_up(j.points * (j.x_apart + j.y_apart), 16);
    j.zeros = take(base, used, zeros_of(&j));
    if (j.many) {
        if (j.slots > 1)
            j.sums = take(base, used, j.slots * j.s.taps * j.tap);
        j.at_points = take(base, used, j.room);
        j.room = j.points * j.block * cpu->vectors * cpu->width;
    } else {
        j.sums = take(base, used, j.slots * j.blocks * j.points * j.tap);
    }
    j.rooms = take(base, used, threads * j.room);
    return j;
}

/* ---- running --------------------------------------------------------------------------------- */

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

static void find_inputs(const weights_job *j, const group *g, int64_t cell, const float *at[MOST_POINTS])
{
    const iv__conv_sizes *s = &j->s;
    int64_t corner[3];

    find_corner(j, g, cell, corner);
    find_places(j, j->x + corner[0] * s->x[1] * s->x[2] * s->channels, s->channels, s->x + 1,
                corner[1] - s->before[1], corner[2] - s->before[2], j->lines, AROUND, at);
}

/* Places of some more channels. */
static void move_on(const weights_job *j, const float *at[MOST_POINTS], int64_t places, int64_t channels)
{
    for (int64_t i = 0; i < places; i++)
        at[i] += at[i] == j->zeros ? 0 : channels;
}

static void bring_inputs(const weights_job *j, const group *g, float *to)
{
    const int64_t cells = g->count + (j->blocks - 1) * j->columns;

    for (int64_t cell = 0; cell < cells; cell++) {
        const float *at[MOST_POINTS];
        find_inputs(j, g, cell, at);
        j->cpu->winograd_in((int)j->lines, at, j->s.channels, to + cell * j->x_row, j->x_apart);
    }
}

/* Gradients of tiles [begin,end) in panels, as right factors of products. */
static void bring_gradients(const weights_job *j, const group *g, int64_t begin, int64_t end, float *to)
{
    const iv__conv_sizes *s = &j->s;

    for (int64_t tile = begin; tile < end; tile++) {
        const float *at[MOST_POINTS];
        int64_t corner[3], places = j->side[0] * j->side[1], done = 0;
        find_corner(j, g, tile, corner);
        find_places(j, j->y + corner[0] * s->y[1] * s->y[2] * s->filters, s->filters, s->y + 1,
                    corner[1], corner[2], j->side[0], j->side[1], at);
        for (int64_t panel = 0; panel < j->panels.count; panel++) {
            const int64_t column = iv__panel_begin(&j->panels, panel),
                          width = iv__panel_vectors(&j->panels, panel) * j->panels.width,
                          n = iv__min64(width, s->filters - column);
            move_on(j, at, places, column - done);
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
    bring_gradients(j, g, 0, g->count, y);
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

/* ---- many weights ---------------------------------------------------------------------------- */

/* Inputs of tiles by blocks of channels, so that those that a task reads lie side by side; and gradients. */
static void bring_task(void *context, int64_t piece, int thread)
{
    const weights_job *j = context;
    const group *g = &j->pass;
    const int64_t begin = piece * PIECE, end = iv__min64(begin + PIECE, g->count);

    (void)thread;
    for (int64_t tile = begin; tile < end; tile++) {
        const float *at[MOST_POINTS];
        find_inputs(j, g, tile, at);
        for (int64_t b = 0; b < j->channel_blocks; b++) {
            const int64_t first = iv__part(j->s.channels, b, j->channel_blocks),
                          n = iv__part(j->s.channels, b + 1, j->channel_blocks) - first;
            j->cpu->winograd_in((int)j->lines, at, n, j->at_points + first * g->count + tile * n,
                                j->x_apart);
            move_on(j, at, MOST_POINTS, n);
        }
    }
    bring_gradients(j, g, begin, end, j->at_points + j->points * j->x_apart);
}

/* The sums of a block of n channels and a panel at a point. What the next point reads of the panel is asked for
 * meanwhile. */
static void sum_up(const weights_job *j, const float *x, int64_t n, const float *y, int64_t vectors,
                   float *to)
{
    const int64_t count = j->pass.count, width = vectors * j->cpu->width,
                  chunks = iv__ceil_div(count, SUM_TILES), row_tiles = iv__ceil_div(n, j->cpu->rows);
    const iv__stream next = iv__stream_of(y + j->y_apart, count * width / 16, row_tiles * count);
    iv__tile_call t = { .blocks = 1, .ai = 1, .ak = n, .ldc = width, .last = j->cpu->width };
    int64_t done = 0;

    for (int64_t chunk = 0; chunk < chunks; chunk++) {
        const int64_t k0 = iv__part(count, chunk, chunks);
        t.k = iv__part(count, chunk + 1, chunks) - k0;
        t.b = y + k0 * width;
        t.add = chunk > 0;
        for (int64_t i = 0; i < row_tiles; i++, done += t.k) {
            const int64_t row = iv__part(n, i, row_tiles), rows = iv__part(n, i + 1, row_tiles) - row;
            t.a = x + k0 * n + row;
            t.c = to + row * width;
            t.ahead = iv__look_ahead(&next, done, &t.ahead_step);
            iv__tile_run(j->cpu, rows, vectors, &t);
        }
    }
}

static void block_task(void *context, int64_t task, int thread)
{
    const weights_job *j = context;
    const int64_t panel = task % j->panels.count, block = task / j->panels.count, count = j->pass.count;
    const int64_t first = iv__part(j->s.channels, block, j->channel_blocks),
                  n = iv__part(j->s.channels, block + 1, j->channel_blocks) - first;
    const int64_t column = iv__panel_begin(&j->panels, panel),
                  vectors = iv__panel_vectors(&j->panels, panel), width = vectors * j->cpu->width,
                  columns = iv__min64(width, j->s.filters - column);
    const float *x = j->at_points + first * count,
                *y = j->at_points + j->points * j->x_apart + column * count;
    float *sums = j->rooms + thread * j->room,
          *to = j->sums ? j->sums + j->pass.first / j->group * j->s.taps * j->tap : j->w;

    for (int64_t i = 0; i < j->points; i++)
        sum_up(j, x + i * j->x_apart, n, y + i * j->y_apart, vectors, sums + i * n * width);
    for (int64_t c = 0; c < n; c++) {
        float *taps[TAPS * TAPS];
        for (int64_t t = 0; t < TAPS * TAPS; t++)
            taps[t] = t < j->s.taps ? to + t * j->tap + (first + c) * j->s.filters + column : NULL;
        j->cpu->winograd_out((int)(AROUND + 1 - j->side[0]), (int)j->s.w[2], sums + c * width,
                             n * width, columns, taps);
    }
}

static void add_passes(void *context, int64_t task, int thread)
{
    const weights_job *j = context;
    const int64_t all = j->s.taps * j->tap, at = task * SUM_FLOATS;

    (void)thread;
    j->cpu->sum_parts(j->sums + at, j->slots, all, 1, j->w + at, iv__min64(SUM_FLOATS, all - at));
}

static void run_many(iv_home *home, weights_job *j)
{
    for (int64_t pass = 0; pass < j->parts; pass++) {
        j->pass = group_of(j, pass);
        iv__parallel(home, iv__ceil_div(j->pass.count, PIECE), bring_task, j);
        iv__parallel(home, j->channel_blocks * j->panels.count, block_task, j);
    }
    if (j->sums)
        iv__parallel(home, iv__ceil_div(j->s.taps * j->tap, SUM_FLOATS), add_passes, j);
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
    memset(j.zeros, 0, (size_t)zeros_of(&j) * sizeof *j.zeros);
    memset(j.w + j.s.taps * j.tap, 0, (size_t)(j.s.unread * j.tap) * sizeof *j.w);
    if (j.many) {
        run_many(k->home, &j);
        return;
    }
    iv__parallel(k->home, j.slots, slot_task, &j);
    iv__parallel(k->home, iv__ceil_div(j.tap, FLOATS_AT_ONCE) * j.blocks, back_task, &j);
}
