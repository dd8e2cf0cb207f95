/* winograd.c: the rows "conv" and "conv_x" with stride 1 and two to five taps a row, as Winograd's products
 * (winograd.h).
 *
 * SQUARE, for two to five rows of taps: tiles of 36 points, for 3 x 3 taps of 4 x 4 places. ROWS, for any number of
 * rows of taps, whose last may lack some (masks): tiles of places of a row, 6 points; the rows of taps are added up
 * at the points.
 *
 * A group of tiles is carried through in turn, so that what belongs to it stays in L2: its inputs at the points;
 * and for each panel of filters a product at each point, and from those the results. Where the weights are more
 * than the places the order is the other way round: every weight is read once, point after point. */
#include "backend/cpu/winograd.h"

#include "backend/cpu/gemm.h"
#include "backend/cpu/rows.h"

#include "base/threads.h"
#include "ops/rows.h"

#include <string.h>

enum {
    POINTS = IV__POINTS,    /* along an axis */
    MOST = POINTS * POINTS, /* points */
    MOST_TAPS = IV__POINTS_TAPS,
    GROUP_FLOATS = 288 << 10, /* of a group at the points, about: they lie in L2, with weights */
    LEAST_WIDTH = 32,         /* channels and filters: with fewer the transforms cost too much */
    CHUNK = 128, /* channels, at most, of a sum in registers: shorter ones round less */
    PIECE = 8,   /* tiles of a task that only transforms */
    MOST_COLUMNS = 16 * IV__MAX_TILE_VECTORS, /* of a panel */
    TRANSFORM = 14, /* products that take as long as to bring a channel or a filter of a tile to a point, or back */
};

#define COPIES 1.1     /* direct products, with the copies of what they read */
#define SHORT_SUMS 1.2 /* SQUARE: no sum in registers is of more than the channels */

/* Forms of packed weights: for conv_x, with channels and filters changed over and the taps turned round; for tiles
 * of both axes; and TAPS_AT times as many taps as count. */
enum { BACK = 1, SQUARE = 2, TAPS_AT = 4 };

typedef struct winograd {
    iv__conv_sizes s;
    int64_t form;
    bool square;
    bool whole; /* all tiles are one group, so that weights are read once */

    /* What is read, and what is made: of x and y, or for conv_x the other way round. A leading axis that no tap
     * reaches along counts as records. */
    int64_t records, channels, filters;
    int64_t rows, columns, to_rows, to_columns, before_rows, before_columns;

    int64_t side[2]; /* rows and columns of places of a tile */
    int64_t lines, points;
    int64_t blocks;     /* rows of taps that are added up at the points */
    int64_t lacking;    /* a point that the row of taps that lacks some has nothing at; -1: none */
    bool lacking_first; /* that row is the first one, else the last */

    int64_t tile_columns;
    int64_t record_tiles;  /* SQUARE */
    int64_t parts;         /* of a record: ROWS, a group each */
    int64_t groups, tiles; /* tiles of a group, at most */
    int64_t cells;         /* tiles, and for ROWS those of the rows that taps reach beyond them */
    int64_t row, apart;    /* floats from cell to cell, and from point to point */
    int64_t sum_row, sum_apart; /* of sums: from tile to tile, and from point to point */
    int64_t point_bytes;        /* of packed weights */
    iv__panels panels;
} winograd;

/* ---- sizes ----------------------------------------------------------------------------------- */

static iv__conv_sizes sizes_of(const iv_kernel_call *k, bool back)
{
    return back ? iv__conv_sizes_of(k->attr, k->out[0].shape, k->in[1].shape, k->in[0].shape)
                : iv__conv_sizes_of(k->attr, k->in[0].shape, k->in[1].shape, k->out[0].shape);
}

/* In products of a channel and a filter, with what transforms cost besides: measured. */
static double work_of(const winograd *w, bool square)
{
    const double columns = (double)iv__ceil_div(w->to_columns, w->side[1]),
                 rows = (double)iv__ceil_div(w->to_rows, square ? w->side[0] : 1);
    const double c = (double)w->channels, f = (double)w->filters;
    const int64_t points = square ? MOST : POINTS;
    const double products = square ? SHORT_SUMS * MOST
                                   : (double)(POINTS * w->blocks - (w->s.taps % w->s.w[2] > 0));

    return rows * columns * (products * c * f + TRANSFORM * (double)points * (c + f));
}

static double direct_work(const winograd *w)
{
    return COPIES * (double)w->s.taps * (double)w->to_rows * (double)w->to_columns *
           (double)w->channels * (double)w->filters;
}

static bool fit_points(int64_t taps)
{
    return taps >= 2 && taps <= MOST_TAPS;
}

static bool find_sizes(winograd *w, const iv_kernel_call *k, bool back)
{
    const iv__conv_sizes *s = &w->s;

    w->s = sizes_of(k, back);
    bool takes = s->groups == 1 && s->w[0] == 1 && fit_points(s->w[2]) && s->x[0] == s->y[0] &&
                 s->before[0] == 0;
    for (int a = 0; a < IV__CONV_AXES; a++)
        takes &= s->stride[a] == 1 && s->dilation[a] == 1;
    if (!takes || s->channels < LEAST_WIDTH || s->filters < LEAST_WIDTH)
        return false;
    w->blocks = iv__ceil_div(s->taps, s->w[2]);
    w->records = s->records * s->x[0];
    w->channels = back ? s->filters : s->channels;
    w->filters = back ? s->channels : s->filters;
    w->rows = back ? s->y[1] : s->x[1];
    w->columns = back ? s->y[2] : s->x[2];
    w->to_rows = back ? s->x[1] : s->y[1];
    w->to_columns = back ? s->x[2] : s->y[2];
    w->before_rows = back ? w->blocks - 1 - s->before[1] : s->before[1];
    w->before_columns = back ? s->w[2] - 1 - s->before[2] : s->before[2];
    w->side[1] = POINTS + 1 - s->w[2];
    w->side[0] = POINTS + 1 - w->blocks;
    w->square = s->taps % s->w[2] == 0 && fit_points(w->blocks) && work_of(w, true) < work_of(w, false);
    w->side[0] = w->square ? w->side[0] : 1;
    w->form = back | (w->square ? SQUARE : 0) | s->taps * TAPS_AT;
    return work_of(w, w->square) < direct_work(w);
}

static bool fits(const iv_kernel_call *k, bool back)
{
    winograd w = { 0 };

    return iv__fits_f32(k) && iv_home_winograd(k->home) && find_sizes(&w, k, back);
}

bool iv__fits_winograd(const iv_kernel_call *k)
{
    return fits(k, false);
}

bool iv__fits_winograd_x(const iv_kernel_call *k)
{
    return fits(k, true);
}

static int64_t at_least_1(int64_t n)
{
    return n > 1 ? n : 1;
}

static winograd winograd_of(const iv__cpu *cpu, const iv_kernel_call *k, bool back)
{
    winograd w = { 0 };

    find_sizes(&w, k, back);
    w.lines = w.square ? POINTS : 1;
    w.points = w.square ? MOST : POINTS;
    w.lacking = w.square || w.s.taps % w.s.w[2] == 0 ? -1 : back ? 0 : POINTS - 1;
    w.lacking_first = back;
    w.blocks = w.square ? 1 : w.blocks;
    w.panels = iv__panels_of(cpu, w.filters);
    w.row = w.channels > 64 ? iv__odd_lines(w.channels) : iv__round_up(w.channels, 16);
    w.point_bytes = (int64_t)iv__packed_bytes(cpu, w.blocks * w.channels, w.filters);
    w.tile_columns = iv__ceil_div(w.to_columns, w.side[1]);

    const int64_t width = iv__panel_vectors(&w.panels, 0) * cpu->width,
                  each = w.points * (w.row + width);
    if (w.square) {
        w.record_tiles = iv__ceil_div(w.to_rows, w.side[0]) * w.tile_columns;
        const int64_t all = w.records * w.record_tiles;
        w.whole = w.channels * w.filters > all * (w.channels + w.filters);
        w.groups = w.whole ? 1 : iv__ceil_div(all, at_least_1(GROUP_FLOATS / each));
        w.tiles = w.whole ? all : iv__min64(iv__round_up(iv__ceil_div(all, w.groups), cpu->rows), all);
        w.groups = iv__ceil_div(all, w.tiles);
        w.cells = w.tiles;
    } else {
        w.record_tiles = w.tile_columns;
        const int64_t most = at_least_1(GROUP_FLOATS / (each * w.tile_columns));
        w.parts = iv__ceil_div(w.to_rows, most);
        w.groups = w.records * w.parts;
        w.tiles = iv__ceil_div(w.to_rows, w.parts) * w.tile_columns;
        w.cells = w.tiles + (w.blocks - 1) * w.tile_columns;
    }
    w.apart = iv__odd_lines(w.cells * w.row);
    w.sum_row = w.whole ? iv__round_up(w.filters, cpu->width) : width;
    w.sum_apart = iv__odd_lines(w.tiles * w.sum_row);
    return w;
}

/* ---- packed weights -------------------------------------------------------------------------- */

/* What each of some neighbouring taps counts for at a point. */
static void tap_factors(int point, int64_t taps, double factor[MOST_TAPS])
{
    const double a = IV__POINT_A, b = IV__POINT_B, at[POINTS - 1] = { 0, a, -a, b, -b };
    double divisor = 1;

    for (int i = 0; i < POINTS - 1; i++)
        if (point < POINTS - 1 && i != point)
            divisor *= at[point] - at[i];
    for (int64_t t = 0; t < taps; t++)
        factor[t] = point == POINTS - 1 ? t == taps - 1
                    : t == 0            ? 1 / divisor
                                        : factor[t - 1] * at[point];
}

typedef struct pack_job {
    const iv__cpu *cpu;
    const float *w;
    char *to;
    iv__panels panels;
    bool back, square;
    int64_t taps, across, blocks, channels, filters; /* as w has them; across: taps of a row */
    int64_t point_bytes;
} pack_job;

static pack_job pack_job_of(const iv__cpu *cpu, const iv_shape *w, int64_t form)
{
    pack_job j = { .cpu = cpu,
                   .back = form & BACK,
                   .square = form & SQUARE,
                   .taps = form / TAPS_AT,
                   .across = w->dim[w->rank - 3],
                   .channels = w->dim[w->rank - 2],
                   .filters = w->dim[w->rank - 1] };

    j.blocks = j.square ? 1 : iv__ceil_div(j.taps, j.across);
    j.panels = iv__panels_of(cpu, j.back ? j.channels : j.filters);
    j.point_bytes = (int64_t)iv__packed_bytes(cpu, j.blocks * (j.back ? j.filters : j.channels),
                                              j.panels.n);
    return j;
}

/* The taps that add up to the weights of a point, in a block: the first one, how many, and their factors. */
static int64_t taps_of(const pack_job *j, int64_t point, int64_t block, int64_t *first,
                       float factor[MOST_TAPS * MOST_TAPS])
{
    const int64_t across = j->across, down = j->square ? j->taps / across : 1;
    double row[MOST_TAPS] = { 1 }, column[MOST_TAPS];

    tap_factors((int)(point % POINTS), across, column);
    if (j->square)
        tap_factors((int)(point / POINTS), down, row);
    *first = across * (j->back ? j->blocks - 1 - block : block);
    const int64_t count = iv__min64(down * across, j->taps - *first);
    for (int64_t t = 0; t < count; t++)
        factor[t] = (float)(column[j->back ? across - 1 - t % across : t % across] *
                            row[j->back ? down - 1 - t / across : t / across]);
    return count;
}

enum { PACK_FILTERS = 64 };

/* Items: blocks of panels of points. */
static void pack_item(void *context, int64_t item, int thread)
{
    const pack_job *j = context;
    const int64_t block = item % j->blocks, panel = item / j->blocks % j->panels.count,
                  point = item / j->blocks / j->panels.count;
    const int64_t column = iv__panel_begin(&j->panels, panel),
                  width = iv__panel_vectors(&j->panels, panel) * j->cpu->width,
                  n = iv__min64(width, j->panels.n - column), tap = j->channels * j->filters,
                  k = j->back ? j->filters : j->channels;
    float factor[MOST_TAPS * MOST_TAPS],
        *to = (float *)(j->to + point * j->point_bytes) + column * k * j->blocks + block * k * width;
    int64_t first;
    const int parts = (int)taps_of(j, point, block, &first, factor);

    (void)thread;
    for (int64_t c = 0; !j->back && c < k; c++, to += width) {
        j->cpu->weigh(j->w + first * tap + c * j->filters + column, parts, tap, factor, to, n);
        memset(to + n, 0, (size_t)(width - n) * sizeof *to);
    }
    for (int64_t f = 0; j->back && f < k; f += PACK_FILTERS) {
        float turned[MOST_COLUMNS * PACK_FILTERS];
        const int64_t some = iv__min64(PACK_FILTERS, k - f);
        for (int64_t c = 0; c < n; c++)
            j->cpu->weigh(j->w + first * tap + (column + c) * j->filters + f, parts, tap, factor,
                          turned + c * PACK_FILTERS, some);
        j->cpu->pack_transposed(some, n, turned, PACK_FILTERS, to + f * width, width);
    }
}

size_t iv__winograd_bytes(const iv__cpu *cpu, const iv_shape *w, int64_t form)
{
    const pack_job j = pack_job_of(cpu, w, form);

    return (size_t)(j.point_bytes * (j.square ? MOST : POINTS));
}

void iv__winograd_pack(const iv__cpu *cpu, iv_home *home, const iv_array *from, int64_t form, void *to)
{
    pack_job j = pack_job_of(cpu, from->shape, form);

    j.w = from->data;
    j.to = to;
    iv__parallel(home, (j.square ? MOST : POINTS) * j.panels.count * j.blocks, pack_item, &j);
}

int iv__winograd_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv__packing weights,
                          iv__packing want[IV__MAX_PACKED])
{
    want[0] = iv__want(weights, 1, winograd_of(cpu, k, false).form);
    return 1;
}

int iv__winograd_x_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv__packing weights,
                            iv__packing want[IV__MAX_PACKED])
{
    want[0] = iv__want(weights, 1, winograd_of(cpu, k, true).form);
    return 1;
}

/* ---- running --------------------------------------------------------------------------------- */

typedef struct winograd_job {
    const iv__cpu *cpu;
    winograd w;
    const float *from;
    float *to;
    const iv_then *then;
    const char *u;
    float *zeros, *rooms; /* of each thread; or one, where all tiles are one group */
    int64_t room;
} winograd_job;

/* Tiles [first, first + count), of a record unless they are SQUARE: then counted over all. */
typedef struct group {
    int64_t record, first, count;
} group;

static group group_of(const winograd *w, int64_t number)
{
    if (w->square)
        return (group){ 0, number * w->tiles,
                        iv__min64(w->tiles, w->records * w->record_tiles - number * w->tiles) };
    const int64_t part = number % w->parts, row = iv__part(w->to_rows, part, w->parts),
                  end = iv__part(w->to_rows, part + 1, w->parts);
    return (group){ number / w->parts, row * w->tile_columns, (end - row) * w->tile_columns };
}

/* Where a tile begins among the places that are made. */
typedef struct corner {
    int64_t record, row, column;
} corner;

static corner corner_of(const winograd *w, const group *g, int64_t tile)
{
    const int64_t at = g->first + tile, row = at / w->tile_columns;

    if (!w->square)
        return (corner){ g->record, row, at % w->tile_columns * w->side[1] };
    const int64_t rows = w->record_tiles / w->tile_columns;
    return (corner){ row / rows, row % rows * w->side[0], at % w->tile_columns * w->side[1] };
}

/* Inputs of cells [begin,end) at the points. */
static void spread(const winograd_job *j, const group *g, int64_t begin, int64_t end, float *to)
{
    const winograd *w = &j->w;

    for (int64_t cell = begin; cell < end; cell++) {
        const corner at = corner_of(w, g, cell);
        const float *from[MOST], *record = j->from + at.record * w->rows * w->columns * w->channels;
        for (int64_t p = 0; p < w->points; p++) {
            const int64_t row = at.row + p / POINTS - w->before_rows,
                          column = at.column + p % POINTS - w->before_columns;
            const bool inside = row >= 0 && row < w->rows && column >= 0 && column < w->columns;
            from[p] = inside ? record + (row * w->columns + column) * w->channels : j->zeros;
        }
        j->cpu->winograd_in((int)w->lines, from, w->channels, to + cell * w->row, w->apart);
    }
}

/* Columns of a panel of the product at a point. The weights of the next point are asked for meanwhile. */
static void multiply(const winograd_job *j, int64_t point, int64_t panel, int64_t tiles,
                     const float *v, float *sums)
{
    const winograd *w = &j->w;
    const bool lacks = point == w->lacking;
    const int64_t skipped = lacks && w->lacking_first, blocks = w->blocks - lacks, k = w->channels,
                  vectors = iv__panel_vectors(&w->panels, panel), width = vectors * j->cpu->width,
                  beyond = w->tile_columns * w->row, chunks = iv__ceil_div(k, CHUNK),
                  at_once = blocks * k <= CHUNK ? blocks : 1,
                  row_tiles = iv__ceil_div(tiles, j->cpu->rows);
    iv__tile_call t = { .blocks = at_once,
                        .a_block = beyond,
                        .ai = w->row,
                        .ak = 1,
                        .ldc = w->sum_row,
                        .last = j->cpu->width };
    const float *u = (const float *)(j->u + point * w->point_bytes) +
                     iv__panel_begin(&w->panels, panel) * k * w->blocks + skipped * k * width;
    const iv__stream next = iv__stream_of((const char *)u + w->point_bytes, k * blocks * width / 16,
                                          row_tiles * k * blocks);
    int64_t done = 0;

    v += point * w->apart + skipped * beyond;
    sums += point * w->sum_apart;
    for (int64_t c = 0; c < blocks * chunks; c += at_once, u += t.k * width) {
        const int64_t k0 = iv__part(k, c % chunks, chunks);
        t.k = iv__part(k, c % chunks + 1, chunks) - k0;
        t.b = u;
        t.add = c > 0;
        for (int64_t i = 0; i < row_tiles; i++, done += t.k * at_once) {
            const int64_t row = iv__part(tiles, i, row_tiles),
                          rows = iv__part(tiles, i + 1, row_tiles) - row;
            t.a = v + c / chunks * beyond + k0 + row * w->row;
            t.c = sums + row * w->sum_row;
            t.ahead = iv__look_ahead(&next, done, &t.ahead_step);
            iv__tile_run(j->cpu, rows, vectors, &t);
        }
    }
}

/* Columns [first, first + n) of tiles [begin,end), from their sums at the points. */
static void collect(const winograd_job *j, const group *g, int64_t begin, int64_t end,
                    int64_t first, int64_t n, const float *sums)
{
    const winograd *w = &j->w;

    for (int64_t tile = begin; tile < end; tile++) {
        const corner at = corner_of(w, g, tile);
        float *to[MOST], *record = j->to + at.record * w->to_rows * w->to_columns * w->filters;
        float **next = to;
        for (int64_t row = at.row; row < at.row + w->side[0]; row++)
            for (int64_t column = at.column; column < at.column + w->side[1]; column++)
                *next++ = row < w->to_rows && column < w->to_columns
                              ? record + (row * w->to_columns + column) * w->filters + first
                              : NULL;
        j->cpu->winograd_out((int)w->side[0], (int)w->side[1], sums + tile * w->sum_row,
                             w->sum_apart, n, to);
    }
}

/* What comes after the places of tiles [begin,end), in stretches of a row of them. */
static void go_on(const winograd_job *j, const group *g, int64_t begin, int64_t end, int thread)
{
    const winograd *w = &j->w;

    for (int64_t next; j->then && begin < end; begin = next) {
        const corner at = corner_of(w, g, begin);
        next = iv__min64(end, begin + w->tile_columns - at.column / w->side[1]);
        const int64_t columns = iv__min64(w->to_columns - at.column, (next - begin) * w->side[1]),
                      rows = iv__min64(w->side[0], w->to_rows - at.row);
        for (int64_t row = at.row; row < at.row + rows; row++) {
            const int64_t place = (at.record * w->to_rows + row) * w->to_columns + at.column;
            j->then->work(j->then->context, place * w->filters, columns * w->filters, thread);
        }
    }
}

static int64_t panel_columns(const winograd_job *j, int64_t panel)
{
    const iv__panels *p = &j->w.panels;

    return iv__min64(iv__panel_vectors(p, panel) * p->width, p->n - iv__panel_begin(p, panel));
}

static void group_task(void *context, int64_t number, int thread)
{
    const winograd_job *j = context;
    const winograd *w = &j->w;
    const group g = group_of(w, number);
    float *v = j->rooms + thread * j->room, *sums = v + w->points * w->apart;

    spread(j, &g, 0, g.count + (w->cells - w->tiles), v);
    for (int64_t panel = 0; panel < w->panels.count; panel++) {
        for (int64_t point = 0; point < w->points; point++)
            multiply(j, point, panel, g.count, v, sums);
        collect(j, &g, 0, g.count, iv__panel_begin(&w->panels, panel), panel_columns(j, panel), sums);
    }
    go_on(j, &g, 0, g.count, thread);
}

/* All tiles as one group: three passes with threads side by side. */
static void spread_task(void *context, int64_t piece, int thread)
{
    const winograd_job *j = context;
    const group g = group_of(&j->w, 0);

    (void)thread;
    spread(j, &g, piece * PIECE, iv__min64((piece + 1) * PIECE, g.count), j->rooms);
}

static void multiply_task(void *context, int64_t item, int thread)
{
    const winograd_job *j = context;
    const int64_t panel = item % j->w.panels.count;

    (void)thread;
    multiply(j, item / j->w.panels.count, panel, j->w.tiles, j->rooms,
             j->rooms + j->w.points * j->w.apart + iv__panel_begin(&j->w.panels, panel));
}

static void collect_task(void *context, int64_t piece, int thread)
{
    const winograd_job *j = context;
    const group g = group_of(&j->w, 0);
    const int64_t end = iv__min64((piece + 1) * PIECE, g.count);

    collect(j, &g, piece * PIECE, end, 0, j->w.filters, j->rooms + j->w.points * j->w.apart);
    go_on(j, &g, piece * PIECE, end, thread);
}

static size_t scratch_of(winograd_job *j, const iv_kernel_call *k)
{
    const winograd *w = &j->w;
    const int64_t zeros = iv__round_up(w->channels, 16);

    j->zeros = k->scratch;
    j->rooms = j->zeros ? j->zeros + zeros : NULL;
    j->room = w->points * (w->apart + w->sum_apart);
    return (size_t)(zeros + (w->whole ? 1 : iv_home_threads(k->home)) * j->room) * sizeof(float);
}

static size_t scratch(const iv__cpu *cpu, const iv_kernel_call *k, bool back)
{
    winograd_job j = { .cpu = cpu, .w = winograd_of(cpu, k, back) };

    return scratch_of(&j, k);
}

static void run(const iv__cpu *cpu, const iv_kernel_call *k, bool back)
{
    winograd_job j = { .cpu = cpu,
                       .w = winograd_of(cpu, k, back),
                       .from = k->in[0].data,
                       .to = k->out[0].data,
                       .then = k->then,
                       .u = k->packed[0] };

    scratch_of(&j, k);
    memset(j.zeros, 0, (size_t)j.w.channels * sizeof *j.zeros);
    if (!j.w.whole) {
        iv__parallel(k->home, j.w.groups, group_task, &j);
        return;
    }
    iv__parallel(k->home, iv__ceil_div(j.w.tiles, PIECE), spread_task, &j);
    iv__parallel(k->home, j.w.points * j.w.panels.count, multiply_task, &j);
    iv__parallel(k->home, iv__ceil_div(j.w.tiles, PIECE), collect_task, &j);
}

size_t iv__winograd_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    return scratch(cpu, k, false);
}

size_t iv__winograd_x_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    return scratch(cpu, k, true);
}

void iv__winograd_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    run(cpu, k, false);
}

void iv__winograd_x_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    run(cpu, k, true);
}
