/* conv_narrow.c: the rows "conv" with few filters and "conv_x" with few channels (ops/rows.h).
 *
 * They would leave most of a vector empty. So each place that is read is multiplied with all taps at once, side by
 * side, and every place that is made adds up what its taps gave: along the lines first, for all rows of taps, then
 * from line to line. */
#include "backend/cpu/conv.h"

#include "base/threads.h"

enum {
    ROWS = 1, /* axes */
    COLUMNS = 2,
    LANES = 16,         /* of the vectors that are to be filled */
    BLOCK_PLACES = 144, /* of a task, about */
    PACK_ROWS = 64,     /* at once: a multiple of every k_unit */
    MOST_COLUMNS = 16 * IV__MAX_TILE_VECTORS,
};

/* Forms: besides IV__NARROW, for conv_x, and COUNT_AT times as many taps as count. */
enum { BACK = IV__NARROW << 1, COUNT_AT = IV__NARROW << 2 };

/* The taps that reach a place that is made along an axis: from `tap` on, each from `place`, with steps from one to
 * the next that are the same for all places. */
typedef struct reach {
    int64_t tap, count, place;
} reach;

/* All taps as the columns of one matrix: [taps of a line][lines of taps][width]. */
typedef struct narrow {
    int64_t across, down, width, columns;
    int64_t k;
} narrow;

typedef struct narrow_job {
    const iv__cpu *cpu;
    iv_home *home;
    iv__conv_sizes s;
    bool back;
    narrow w;
    iv__panels panels;
    int64_t read[3], made[3];       /* sizes of an image */
    int64_t read_lines, made_lines; /* of all records */
    int64_t phases[3], tap_step[3],
        place_step[3]; /* phases: how far apart places are made that read neighbours */
    reach *reach[3];
    int64_t block; /* lines of a task */
    int64_t row;   /* floats from place to place of products */
    int64_t thread_floats, left_floats;
    float *rooms;
    float *sums; /* [line][place that is made][line of taps][width] */
    const float *from;
    float *to;
    const void *packed;
    const iv_then *then;
} narrow_job;

/* ---- sizes ----------------------------------------------------------------------------------- */

static iv__conv_sizes sizes_of(const iv_kernel_call *k, bool back)
{
    const iv_array *x = back ? &k->out[0] : &k->in[0], *y = back ? &k->in[0] : &k->out[0];

    return iv__conv_sizes_of(k->attr, x->shape, k->in[1].shape, y->shape);
}

static narrow narrow_of(int64_t taps, int64_t across, int64_t channels, int64_t filters, bool back)
{
    narrow w = { .across = across,
                 .down = iv__ceil_div(taps, across),
                 .width = back ? channels : filters,
                 .k = back ? filters : channels };

    w.columns = w.across * w.down * w.width;
    return w;
}

/* A leading axis that no tap reaches along counts as records. */
static bool fits(const iv_kernel_call *k, bool back)
{
    if (!iv__fits_conv(k))
        return false;
    const iv__conv_sizes s = sizes_of(k, back);
    const narrow w = narrow_of(s.taps, s.w[COLUMNS], s.channels, s.filters, back);
    if (s.w[0] != 1 || s.x[0] != s.y[0] || s.before[0] || s.stride[0] != 1)
        return false;
    const double read = (double)iv__conv_volume(back ? s.y : s.x),
                 made = (double)iv__conv_volume(back ? s.x : s.y);
    const double each = back ? (double)s.taps / (double)iv__conv_volume(s.stride) : (double)s.taps;
    return 2 * read * (double)iv__round_up(w.columns, LANES) <=
           made * each * (double)iv__round_up(w.width, LANES);
}

bool iv__fits_narrow(const iv_kernel_call *k)
{
    return fits(k, false);
}

bool iv__fits_narrow_x(const iv_kernel_call *k)
{
    return fits(k, true);
}

static int64_t common_factor(int64_t a, int64_t b)
{
    return b ? common_factor(b, a % b) : a;
}

static void find_axis(narrow_job *j, int axis)
{
    const int64_t stride = j->s.stride[axis], dilation = j->s.dilation[axis],
                  factor = common_factor(stride, dilation);

    j->read[axis] = j->back ? j->s.y[axis] : j->s.x[axis];
    j->made[axis] = j->back ? j->s.x[axis] : j->s.y[axis];
    j->phases[axis] = j->back ? stride : 1;
    j->tap_step[axis] = j->back ? stride / factor : 1;
    j->place_step[axis] = j->back ? -dilation / factor : dilation;
}

/* Where it lies in scratch (base NULL: only how much). */
static narrow_job job_of(const iv__cpu *cpu, const iv_kernel_call *k, bool back, char *base, size_t *used)
{
    narrow_job j = { .cpu = cpu, .home = k->home, .s = sizes_of(k, back), .back = back, .then = k->then };
    const iv__conv_sizes *s = &j.s;

    j.w = narrow_of(s->taps, s->w[COLUMNS], s->channels, s->filters, back);
    j.panels = iv__panels_of(cpu, j.w.columns);
    for (int axis = ROWS; axis <= COLUMNS; axis++) {
        find_axis(&j, axis);
        j.reach[axis] = iv__take(base, used, j.made[axis], sizeof(reach));
    }
    j.read_lines = s->records * s->x[0] * j.read[ROWS];
    j.made_lines = s->records * s->x[0] * j.made[ROWS];
    const int64_t width = j.read[COLUMNS];
    j.block = iv__ceil_div(BLOCK_PLACES, width);
    j.row = iv__round_up(j.w.columns, LANES);
    j.left_floats = cpu->operands == IV__F32 ? 0 : iv__left_floats(cpu, j.block * width, j.w.k);
    j.thread_floats = iv__round_up(j.block * width * j.row + j.left_floats, 16);
    j.rooms = iv__take(base, used, iv_home_threads(k->home) * j.thread_floats, sizeof(float));
    j.sums = iv__take(base, used, j.read_lines * j.made[COLUMNS] * j.w.down * j.w.width, sizeof(float));
    return j;
}

static size_t scratch(const iv__cpu *cpu, const iv_kernel_call *k, bool back)
{
    size_t used = 0;

    job_of(cpu, k, back, NULL, &used);
    return used;
}

/* ---- packed weights -------------------------------------------------------------------------- */

typedef struct pack_job {
    const iv__cpu *cpu;
    narrow w;
    bool back;
    int64_t taps, channels, filters;
    iv__panels panels;
    const float *from;
    void *to;
} pack_job;

static pack_job pack_job_of(const iv__cpu *cpu, const iv_shape *w, int64_t form)
{
    pack_job j = { .cpu = cpu,
                   .back = form & BACK,
                   .taps = form / COUNT_AT,
                   .channels = w->dim[w->rank - 2],
                   .filters = w->dim[w->rank - 1] };

    j.w = narrow_of(j.taps, w->dim[w->rank - 3], j.channels, j.filters, j.back);
    j.panels = iv__panels_of(cpu, j.w.columns);
    return j;
}

size_t iv__narrow_bytes(const iv__cpu *cpu, const iv_shape *w, int64_t form)
{
    const pack_job j = pack_job_of(cpu, w, form);

    return iv__packed_bytes(cpu, j.w.k, j.w.columns);
}

/* 0 for taps that do not count. */
static float weight_of(const pack_job *j, int64_t k, int64_t column)
{
    const int64_t n = column % j->w.width, line = column / j->w.width % j->w.down,
                  tap = line * j->w.across + column / j->w.width / j->w.down;

    if (tap >= j->taps)
        return 0;
    return j->from[(tap * j->channels + (j->back ? n : k)) * j->filters + (j->back ? k : n)];
}

static void pack_panel(void *context, int64_t panel, int thread)
{
    const pack_job *j = context;
    const int64_t first = iv__panel_begin(&j->panels, panel),
                  width = iv__panel_vectors(&j->panels, panel) * j->cpu->width,
                  n = iv__min64(width, j->w.columns - first);

    (void)thread;
    for (int64_t k0 = 0; k0 < j->w.k; k0 += PACK_ROWS) {
        const int64_t rows = iv__min64(PACK_ROWS, j->w.k - k0);
        float row[PACK_ROWS * MOST_COLUMNS];
        for (int64_t k = 0; k < rows; k++)
            for (int64_t i = 0; i < n; i++)
                row[k * MOST_COLUMNS + i] = weight_of(j, k0 + k, first + i);
        j->cpu->pack(rows, n, row, MOST_COLUMNS,
                     (void *)(uintptr_t)iv__operand_at(j->cpu, j->to,
                                                       first * iv__operand_k(j->cpu, j->w.k) + k0 * width),
                     width);
    }
}

void iv__narrow_pack(const iv__cpu *cpu, iv_home *home, const iv_array *from, int64_t form, void *to)
{
    pack_job j = pack_job_of(cpu, from->shape, form);

    j.from = from->data;
    j.to = to;
    iv__parallel(home, j.panels.count, pack_panel, &j);
}

static int packings(const iv_kernel_call *k, bool back, iv__packing weights,
                    iv__packing want[IV__MAX_PACKED])
{
    want[0] = iv__want(weights, 1, IV__NARROW | (back ? BACK : 0) | sizes_of(k, back).taps * COUNT_AT);
    return 1;
}

/* ---- running --------------------------------------------------------------------------------- */

/* The taps that reach place `at`, of so many in all. */
static reach reach_of(const narrow_job *j, int axis, int64_t taps, int64_t at)
{
    const int64_t stride = j->s.stride[axis], dilation = j->s.dilation[axis],
                  before = j->s.before[axis];
    reach r = { 0 };

    for (int64_t tap = 0; tap < taps; tap++) {
        const int64_t to = at + before - tap * dilation,
                      place = j->back ? to / stride : at * stride + tap * dilation - before;
        if ((j->back && (to < 0 || to % stride)) || place < 0 || place >= j->read[axis])
            continue;
        if (!r.count++)
            r.tap = tap, r.place = place;
    }
    return r;
}

/* How many places from `at` on, a phase apart, the same taps reach. */
static int64_t run_of(const narrow_job *j, int64_t at)
{
    const reach *of = j->reach[COLUMNS], *r = of + at;
    int64_t places = 1;

    while ((at += j->phases[COLUMNS]) < j->made[COLUMNS] && r->tap == of[at].tap &&
           r->count == of[at].count)
        places++;
    return places;
}

/* Products of a line of places, added up along it. */
static void add_along(const narrow_job *j, const float *products, float *to)
{
    const int64_t n = j->w.down * j->w.width, phases = j->phases[COLUMNS],
                  apart = j->place_step[COLUMNS] * j->row + j->tap_step[COLUMNS] * n,
                  next = j->back ? j->row : j->s.stride[COLUMNS] * j->row;

    for (int64_t phase = 0; phase < phases; phase++) {
        for (int64_t at = phase, places; at < j->made[COLUMNS]; at += places * phases) {
            const reach *r = j->reach[COLUMNS] + at;
            places = run_of(j, at);
            j->cpu->sum_places(places, products + r->place * j->row + r->tap * n, next, r->count,
                               apart, n, to + at * n, phases * n);
        }
    }
}

static void products_task(void *context, int64_t block, int thread)
{
    const narrow_job *j = context;
    const int64_t width = j->read[COLUMNS], first = block * j->block,
                  end = iv__min64(first + j->block, j->read_lines);
    float *room = j->rooms + thread * j->thread_floats, *left = room + j->block * width * j->row;
    iv__product p = { .m = (end - first) * width,
                      .n = j->w.columns,
                      .k = j->w.k,
                      .a = j->from + first * width * j->w.k,
                      .lda = j->w.k,
                      .from_panels = true,
                      .packed = j->packed,
                      .c = room,
                      .ldc = j->row };

    if (j->cpu->begin)
        j->cpu->begin();
    if (j->cpu->operands != IV__F32) {
        p.lda = iv__left_row(j->cpu, p.k);
        j->cpu->pack_left(p.k, p.m, p.a, j->w.k, left, p.lda);
        p.a = left;
    }
    iv__product_rows(j->cpu, &j->panels, &p);
    if (j->cpu->end)
        j->cpu->end();
    for (int64_t line = first; line < end; line++)
        add_along(j, room + (line - first) * width * j->row,
                  j->sums + line * j->made[COLUMNS] * j->w.down * j->w.width);
}

/* Lines that are made, each of those that its rows of taps reach. */
static void lines_task(void *context, int64_t block, int thread)
{
    const narrow_job *j = context;
    const int64_t rows = j->made[ROWS], columns = j->made[COLUMNS], n = j->w.width,
                  row = j->w.down * n, floats = columns * row,
                  end = iv__min64((block + 1) * j->block, j->made_lines);

    for (int64_t line = block * j->block; line < end; line++) {
        const reach *r = j->reach[ROWS] + line % rows;
        j->cpu->sum_places(columns,
                           j->sums + (line / rows * j->read[ROWS] + r->place) * floats + r->tap * n,
                           row, r->count, j->place_step[ROWS] * floats + j->tap_step[ROWS] * n, n,
                           j->to + line * columns * n, n);
        if (j->then)
            j->then->work(j->then->context, line * columns * n, columns * n, thread);
    }
}

static void run(const iv__cpu *cpu, const iv_kernel_call *k, bool back)
{
    size_t used = 0;
    narrow_job j = job_of(cpu, k, back, k->scratch, &used);

    j.from = k->in[0].data;
    j.to = k->out[0].data;
    j.packed = k->packed[0];
    for (int axis = ROWS; axis <= COLUMNS; axis++)
        for (int64_t at = 0; at < j.made[axis]; at++)
            j.reach[axis][at] = reach_of(&j, axis, axis == ROWS ? j.w.down : j.w.across, at);
    iv__parallel(k->home, iv__ceil_div(j.read_lines, j.block), products_task, &j);
    iv__parallel(k->home, iv__ceil_div(j.made_lines, j.block), lines_task, &j);
}

int iv__narrow_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv__packing weights,
                        iv__packing want[IV__MAX_PACKED])
{
    (void)cpu;
    return packings(k, false, weights, want);
}

int iv__narrow_x_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv__packing weights,
                          iv__packing want[IV__MAX_PACKED])
{
    (void)cpu;
    return packings(k, true, weights, want);
}

size_t iv__narrow_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    return scratch(cpu, k, false);
}

size_t iv__narrow_x_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    return scratch(cpu, k, true);
}

void iv__narrow_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    run(cpu, k, false);
}

void iv__narrow_x_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    run(cpu, k, true);
}
