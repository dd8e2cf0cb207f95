/* conv_lines.c: the rows "conv", "conv_x" with stride 1 and "conv_w" (ops/rows.h) where what the taps read has few
 * channels.
 *
 * Copying patches would take as long as multiplying them. Instead lines are copied once, with the zeros beyond their
 * ends: then the taps of a line read neighbouring floats, and a tile finds a place's where the lines lie. */
#include "backend/cpu/conv.h"

#include "base/threads.h"

enum {
    ROWS = 1, /* axes */
    COLUMNS = 2,
    MOST_CHANNELS = 16,
    MOST_SUMMED = 640,  /* products of a sum in registers */
    TASK_PLACES = 1024, /* about */
    SUM_PLACES = 144,   /* that conv_w sums up at once: a panel of them lies in L1 */
    SLOTS = 16, /* of conv_w: lines, each with sums of their own, added in order at the end */
    SUM_FLOATS = 4096, /* that a task adds up then */
};

typedef struct lines_job {
    const iv__cpu *cpu;
    iv__conv_sizes s;
    int64_t read[3], made[3], stride[3], before[3]; /* of an image */
    int64_t channels, n;                            /* of places that are read, and made */
    int64_t down, across, rest; /* lines of taps; taps of each, and of one more that lacks some */
    int64_t row;                /* floats of a copied line */
    int64_t parts;   /* of an image's lines that are made: tasks; for conv_w slots of all */
    int64_t at_once; /* lines of y that conv_w sums up, if they are not long */
    iv__panels panels;
    const float *from, *y;
    float *to;
    const void *packed;
    const iv_then *then;
    float *rooms, *sums;
    int64_t room;
} lines_job;

/* ---- sizes ----------------------------------------------------------------------------------- */

static lines_job sizes_of(const iv_kernel_call *k, const iv_array *x, const iv_array *w,
                          const iv_array *y, bool back)
{
    lines_job j = { .s = iv__conv_sizes_of(k->attr, x->shape, w->shape, y->shape) };
    const iv__conv_sizes *s = &j.s;

    j.channels = back ? s->filters : s->channels;
    j.n = back ? s->channels : s->filters;
    j.across = s->w[COLUMNS];
    j.down = s->taps / j.across;
    j.rest = s->taps % j.across;
    for (int a = 0; a < IV__CONV_AXES; a++) {
        j.read[a] = back ? s->y[a] : s->x[a];
        j.made[a] = back ? s->x[a] : s->y[a];
        j.stride[a] = s->stride[a];
        j.before[a] = s->before[a];
    }
    if (back) {
        j.before[ROWS] = (j.down - 1) * s->dilation[ROWS] - s->before[ROWS];
        j.before[COLUMNS] = j.across - 1 - s->before[COLUMNS];
    }
    j.row = iv__round_up(((j.made[COLUMNS] - 1) * j.stride[COLUMNS] + j.across) * j.channels, 16);
    return j;
}

static lines_job sizes_of_y(const iv_kernel_call *k)
{
    return sizes_of(k, &k->in[0], &k->in[1], &k->out[0], false);
}

static lines_job sizes_of_x(const iv_kernel_call *k)
{
    return sizes_of(k, &k->out[0], &k->in[1], &k->in[0], true);
}

static lines_job sizes_of_w(const iv_kernel_call *k)
{
    return sizes_of(k, &k->in[0], &k->out[0], &k->in[1], false);
}

/* A leading axis that no tap reaches along counts as records. */
static bool fits(const lines_job *j)
{
    const iv__conv_sizes *s = &j->s;

    return s->taps > 1 && s->w[0] == 1 && s->x[0] == s->y[0] && s->before[0] == 0 &&
           s->stride[0] == 1 && s->dilation[COLUMNS] == 1 && j->channels <= MOST_CHANNELS &&
           j->channels <= j->n && s->taps * j->channels <= MOST_SUMMED;
}

bool iv__fits_lines(const iv_kernel_call *k)
{
    if (!iv__fits_taps(k))
        return false;
    const lines_job j = sizes_of_y(k);
    return fits(&j);
}

/* The taps of a line that lacks some come first in packed order, turned round: they would begin elsewhere. */
bool iv__fits_lines_x(const iv_kernel_call *k)
{
    if (!iv__fits_taps(k))
        return false;
    const lines_job j = sizes_of_x(k);
    return fits(&j) && j.rest == 0 && iv__conv_volume(j.s.stride) == 1;
}

bool iv__fits_lines_w(const iv_kernel_call *k)
{
    if (!iv__fits_conv(k))
        return false;
    const lines_job j = sizes_of_w(k);
    return fits(&j);
}

/* Lines that are read for so many that are made. */
static int64_t lines_for(const lines_job *j, int64_t made)
{
    return (made - 1) * j->stride[ROWS] + (j->down - (j->rest == 0)) * j->s.dilation[ROWS] + 1;
}

static int64_t part_lines(const lines_job *j)
{
    return iv__ceil_div(j->made[ROWS], j->parts);
}

static void find_places(lines_job *j, const iv__cpu *cpu, int64_t threads, char *base, size_t *used)
{
    j->cpu = cpu;
    j->panels = iv__panels_of(cpu, j->n);
    j->parts = iv__min64(j->made[ROWS], iv__ceil_div(j->made[ROWS] * j->made[COLUMNS], TASK_PLACES));
    j->room = lines_for(j, part_lines(j)) * j->row;
    j->rooms = iv__take(base, used, threads * j->room, sizeof(float));
}

static size_t scratch(lines_job j, const iv__cpu *cpu, const iv_kernel_call *k)
{
    size_t used = 0;

    find_places(&j, cpu, iv_home_threads(k->home), NULL, &used);
    return used;
}

/* ---- y and dx -------------------------------------------------------------------------------- */

/* `count` lines of an image from `first` on, which begin `before` places beyond its edge. */
static void copy_lines(const lines_job *j, const float *image, int64_t first, int64_t count, float *to)
{
    const int64_t c = j->channels, places = (j->made[COLUMNS] - 1) * j->stride[COLUMNS] + j->across,
                  before = j->before[COLUMNS], begin = iv__min64(before > 0 ? before : 0, places);
    int64_t end = iv__min64(before + j->read[COLUMNS], places);

    end = end < begin ? begin : end;
    for (int64_t line = first; line < first + count; line++, to += j->row) {
        if (line < 0 || line >= j->read[ROWS]) {
            memset(to, 0, (size_t)(places * c) * sizeof *to);
            continue;
        }
        memset(to, 0, (size_t)(begin * c) * sizeof *to);
        if (begin < end)
            memcpy(to + begin * c, image + (line * j->read[COLUMNS] + begin - before) * c,
                   (size_t)((end - begin) * c) * sizeof *to);
        memset(to + end * c, 0, (size_t)((places - end) * c) * sizeof *to);
    }
}

/* A line of places, from the first of the copied lines that its taps read. */
static void make_line(const lines_job *j, const float *from, float *to)
{
    const iv__cpu *cpu = j->cpu;
    const int64_t columns = j->made[COLUMNS], tiles = iv__ceil_div(columns, cpu->rows),
                  step = j->stride[COLUMNS] * j->channels, beyond = j->s.dilation[ROWS] * j->row;
    iv__tile_call t = { .ai = step, .ak = 1, .a_block = beyond, .ldc = j->n, .ahead = from };

    for (int64_t panel = 0; panel < j->panels.count; panel++) {
        const int64_t vectors = iv__panel_vectors(&j->panels, panel),
                      column = iv__panel_begin(&j->panels, panel), width = vectors * cpu->width;
        t.last = (int)(iv__min64(width, j->n - column) - (vectors - 1) * cpu->width);
        for (int64_t tile = 0; tile < tiles; tile++) {
            const int64_t first = iv__part(columns, tile, tiles),
                          rows = iv__part(columns, tile + 1, tiles) - first;
            t.c = to + first * j->n + column;
            t.a = from + first * step;
            t.b = (const float *)j->packed + column * j->s.taps * j->channels;
            t.k = j->across * j->channels;
            t.blocks = j->down;
            t.add = 0;
            if (j->down)
                iv__tile_run(cpu, rows, vectors, &t);
            if (!j->rest)
                continue;
            t.a = from + first * step + j->down * beyond;
            t.b = (const float *)t.b + j->down * t.k * width;
            t.k = j->rest * j->channels;
            t.blocks = 1;
            t.add = j->down > 0;
            iv__tile_run(cpu, rows, vectors, &t);
        }
    }
}

static void lines_task(void *context, int64_t task, int thread)
{
    const lines_job *j = context;
    const int64_t image = task / j->parts, first = iv__part(j->made[ROWS], task % j->parts, j->parts),
                  end = iv__part(j->made[ROWS], task % j->parts + 1, j->parts),
                  line = j->made[COLUMNS] * j->n;
    float *room = j->rooms + thread * j->room, *to = j->to + (image * j->made[ROWS] + first) * line;

    copy_lines(j, j->from + image * j->read[ROWS] * j->read[COLUMNS] * j->channels,
               first * j->stride[ROWS] - j->before[ROWS], lines_for(j, end - first), room);
    for (int64_t i = 0; i < end - first; i++) {
        make_line(j, room + i * j->stride[ROWS] * j->row, to + i * line);
        if (j->then)
            j->then->work(j->then->context, to + i * line - j->to, line, thread);
    }
}

static void run(lines_job j, const iv__cpu *cpu, const iv_kernel_call *k)
{
    size_t used = 0;

    find_places(&j, cpu, iv_home_threads(k->home), k->scratch, &used);
    j.from = k->in[0].data;
    j.to = k->out[0].data;
    j.packed = k->packed[0];
    j.then = k->then;
    iv__parallel(k->home, j.s.records * j.read[0] * j.parts, lines_task, &j);
}

int iv__lines_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv__packing panels,
                       iv__packing want[IV__MAX_PACKED])
{
    return iv__conv_packings(cpu, k, panels, want);
}

int iv__lines_x_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv__packing panels,
                         iv__packing want[IV__MAX_PACKED])
{
    return iv__conv_x_packings(cpu, k, panels, want);
}

size_t iv__lines_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    return scratch(sizes_of_y(k), cpu, k);
}

size_t iv__lines_x_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    return scratch(sizes_of_x(k), cpu, k);
}

void iv__lines_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    run(sizes_of_y(k), cpu, k);
}

void iv__lines_x_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    run(sizes_of_x(k), cpu, k);
}

/* ---- dw -------------------------------------------------------------------------------------- */

static int64_t at_least_1(int64_t n)
{
    return n > 1 ? n : 1;
}

static lines_job weights_of(const iv__cpu *cpu, const iv_kernel_call *k, char *base, size_t *used)
{
    lines_job j = sizes_of_w(k);
    const int64_t threads = iv_home_threads(k->home), lines = j.s.records * j.made[0] * j.made[ROWS];

    j.cpu = cpu;
    j.panels = iv__panels_of(cpu, j.n);
    j.parts = iv__min64(SLOTS, lines);
    j.at_once = iv__min64(j.made[ROWS], at_least_1(SUM_PLACES / j.made[COLUMNS]));
    j.room = lines_for(&j, j.at_once) * j.row + SUM_PLACES * cpu->vectors * cpu->width;
    j.rooms = iv__take(base, used, threads * j.room, sizeof(float));
    j.sums = iv__take(base, used, j.parts * j.s.taps * j.channels * j.n, sizeof(float));
    return j;
}

/* Lines of y that are summed up at once. */
typedef struct some_lines {
    const float *from, *y; /* the copied lines that their taps read */
    int64_t count;
    bool add;
} some_lines;

/* Sums of their places [begin,end), by all taps, for the columns of a panel. */
static void add_places(const lines_job *j, const some_lines *l, int64_t begin, int64_t end,
                       int64_t panel, float *packed, float *sums)
{
    const iv__cpu *cpu = j->cpu;
    const int64_t vectors = iv__panel_vectors(&j->panels, panel),
                  column = iv__panel_begin(&j->panels, panel), width = vectors * cpu->width,
                  n = iv__min64(width, j->n - column), step = j->stride[COLUMNS] * j->channels;
    iv__tile_call t = { .k = end - begin,
                        .blocks = l->count,
                        .ai = 1,
                        .ak = step,
                        .a_block = j->stride[ROWS] * j->row,
                        .b = packed,
                        .ldc = j->n,
                        .add = l->add || begin > 0,
                        .last = (int)(n - (vectors - 1) * cpu->width),
                        .ahead = l->from };

    cpu->pack(t.k * t.blocks, n, l->y + begin * j->n + column, j->n, packed, width);
    for (int64_t line = 0; line < j->down + (j->rest > 0); line++) {
        const int64_t m = (line < j->down ? j->across : j->rest) * j->channels,
                      tiles = iv__ceil_div(m, cpu->rows);
        for (int64_t tile = 0; tile < tiles; tile++) {
            const int64_t first = iv__part(m, tile, tiles), rows = iv__part(m, tile + 1, tiles) - first;
            t.a = l->from + line * j->s.dilation[ROWS] * j->row + begin * step + first;
            t.c = sums + (line * j->across * j->channels + first) * j->n + column;
            iv__tile_run(cpu, rows, vectors, &t);
        }
    }
}

/* Lines of y, counted over all images. */
static void weights_task(void *context, int64_t slot, int thread)
{
    const lines_job *j = context;
    const int64_t lines = j->s.records * j->made[0] * j->made[ROWS], columns = j->made[COLUMNS],
                  first = iv__part(lines, slot, j->parts), last = iv__part(lines, slot + 1, j->parts);
    float *room = j->rooms + thread * j->room, *packed = room + lines_for(j, j->at_once) * j->row,
          *sums = j->sums + slot * j->s.taps * j->channels * j->n;
    some_lines l = { .from = room };

    for (int64_t line = first; line < last; line += l.count) {
        const int64_t image = line / j->made[ROWS], row = line % j->made[ROWS];
        l.count = iv__min64(j->at_once, iv__min64(j->made[ROWS] - row, last - line));
        l.y = j->y + line * columns * j->n;
        l.add = line > first;
        copy_lines(j, j->from + image * j->read[ROWS] * j->read[COLUMNS] * j->channels,
                   row * j->stride[ROWS] - j->before[ROWS], lines_for(j, l.count), room);
        for (int64_t begin = 0; begin < columns; begin += SUM_PLACES)
            for (int64_t panel = 0; panel < j->panels.count; panel++)
                add_places(j, &l, begin, iv__min64(begin + SUM_PLACES, columns), panel, packed, sums);
    }
}

static void add_slots(void *context, int64_t task, int thread)
{
    const lines_job *j = context;
    const int64_t all = j->s.taps * j->channels * j->n, at = task * SUM_FLOATS;

    (void)thread;
    j->cpu->sum_parts(j->sums + at, j->parts, all, 1, j->to + at, iv__min64(SUM_FLOATS, all - at));
}

int iv__lines_w_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv__packing panels,
                         iv__packing want[IV__MAX_PACKED])
{
    (void)cpu, (void)k, (void)panels, (void)want;
    return 0;
}

size_t iv__lines_w_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    size_t used = 0;

    weights_of(cpu, k, NULL, &used);
    return used;
}

void iv__lines_w_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    size_t used = 0;
    lines_job j = weights_of(cpu, k, k->scratch, &used);
    const int64_t tap = j.channels * j.n, all = j.s.taps * tap;

    j.from = k->in[0].data;
    j.y = k->in[1].data;
    j.to = k->out[0].data;
    memset(j.to + all, 0, (size_t)(j.s.unread * tap) * sizeof(float));
    iv__parallel(k->home, j.parts, weights_task, &j);
    iv__parallel(k->home, iv__ceil_div(all, SUM_FLOATS), add_slots, &j);
}
