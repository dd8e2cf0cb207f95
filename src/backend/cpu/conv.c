/* conv.c: the rows "conv", "conv_x" and "conv_w" (ops/rows.h) as products of patches.
 *
 * A patch is what the taps of one place read, side by side, with zeros beyond the edges. A block of
 * places has its patches gathered where they stay in L2, and is multiplied there with the packed
 * taps. conv_x is the same over y, phase by phase of the stride: places of a phase are read by the
 * same taps. conv_w multiplies the patches,
 * transposed, with y. */
#include "backend/cpu/gemm.h"
#include "backend/cpu/rows.h"

#include "base/threads.h"
#include "ops/rows.h"

#include <string.h>

enum {
    AXES = IV__CONV_AXES,
    BLOCK_PLACES = 288,       /* at most; a multiple of a tile's rows nearly always */
    PATCH_FLOATS = 160 << 10, /* of a block, about: they lie in L2 */
    CHUNK_INPUTS = 1024,      /* of the taps that are gathered at once, about */
    SUM_PLACES = 144,         /* of a block of conv_w: its product has one chunk of k */
    SLOTS = 8,                /* of conv_w, where few chunks of taps share the work */
};

/* What is gathered: for place i of a grid and each tap the `channels` floats at i * step + offset, in
 * every axis. Axes that are missing come first and have length 1. */
typedef struct grid {
    const float *from;
    int64_t records, channels;
    int64_t size[AXES]; /* of what is read */
    int64_t places[AXES], step[AXES];
    int64_t taps;
    int64_t (*offset)[AXES];
} grid;

/* Whether a patch is the place itself, in x and in y. */
static bool is_pointwise(const iv__conv_sizes *s)
{
    bool same = s->taps == 1;

    for (int a = 0; a < AXES; a++)
        same &= s->x[a] == s->y[a] && s->stride[a] == 1 && s->before[a] == 0;
    return same;
}

bool iv__fits_conv(const iv_kernel_call *k)
{
    return iv__fits_f32(k) && ((const iv__conv *)k->attr)->groups == 1;
}

/* ---- patches --------------------------------------------------------------------------------- */

/* One patch of taps [t0,t1), each `width` floats apart. */
static void gather_patch(const grid *g, int64_t record, const int64_t at[AXES], int64_t t0,
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

/* Patches of places [begin,end), counted over all records. */
static void gather(const grid *g, int64_t begin, int64_t end, int64_t t0, int64_t t1, int64_t width,
                   float *to, int64_t to_row)
{
    int64_t places = iv__conv_volume(g->places);

    for (int64_t i = begin; i < end; i++, to += to_row) {
        int64_t at[AXES];
        iv__conv_place(i % places, g->places, at);
        gather_patch(g, i / places, at, t0, t1, width, to);
    }
}

/* What tap t reads lies so far from place * stride. */
static void find_offset(const iv__conv_sizes *s, int64_t t, int64_t offset[AXES])
{
    iv__conv_place(t, s->w, offset);
    for (int a = 0; a < AXES; a++)
        offset[a] = offset[a] * s->dilation[a] - s->before[a];
}

/* What conv reads for each place of y, by all taps. */
static grid grid_of_x(const iv__conv_sizes *s, const float *x, int64_t (*offset)[AXES])
{
    grid g = { .from = x, .records = s->records, .channels = s->channels, .taps = s->taps, .offset = offset };

    for (int a = 0; a < AXES; a++) {
        g.size[a] = s->x[a];
        g.places[a] = s->y[a];
        g.step[a] = s->stride[a];
    }
    for (int64_t t = 0; offset && t < s->taps; t++)
        find_offset(s, t, offset[t]);
    return g;
}

/* ---- products of patches and taps ------------------------------------------------------------ */

typedef struct conv_job {
    const iv_kernel_call *k;
    const iv__cpu *cpu;
    iv__conv_sizes s;
    bool back;         /* conv_x: the taps are transposed */
    int64_t n;         /* columns of the product */
    int64_t width;     /* of a tap in a patch */
    int64_t row;       /* floats from patch to patch */
    int64_t most_taps; /* of a chunk */
    int64_t block;     /* places */
    iv__panels panels;
    char *packed; /* taps of a chunk, one chunk behind the other */
    float *patches;
    int64_t thread_floats, left_floats, out_floats;
    int64_t (*offset)[AXES]; /* of the taps that count, and which they are */
    int64_t *tap;

    /* conv_x: the phase in hand: places of x are at phase + i * stride. */
    grid g;
    int64_t phase[AXES];
    bool in_place; /* the places of the grid lie in the result one behind the other */
} conv_job;

static void *take(char *base, size_t *used, int64_t count, size_t size)
{
    char *at = base ? base + *used : NULL;

    *used += ((size_t)count * size + 63) & ~(size_t)63;
    return at;
}

/* Sizes by shapes alone, and where everything lies in scratch (base NULL: only how much). */
static conv_job job_of(const iv__cpu *cpu, const iv_kernel_call *k, bool back, char *base, size_t *used)
{
    conv_job j = { .k = k, .cpu = cpu, .back = back };
    int64_t threads = iv_home_threads(k->home);

    j.s = back ? iv__conv_sizes_of(k->attr, k->out[0].shape, k->in[1].shape, k->in[0].shape)
               : iv__conv_sizes_of(k->attr, k->in[0].shape, k->in[1].shape, k->out[0].shape);
    j.n = back ? j.s.channels : j.s.filters;
    j.width = iv__operand_k(cpu, back ? j.s.filters : j.s.channels);
    j.most_taps = iv__min64(j.s.taps, iv__ceil_div(CHUNK_INPUTS, j.width));
    j.row = iv__odd_lines(j.most_taps * j.width);
    j.block = iv__min64(BLOCK_PLACES, iv__round_up(iv__ceil_div(PATCH_FLOATS, j.row), cpu->rows));
    j.panels = iv__panels_of(cpu, j.n);
    j.left_floats = cpu->operands == IV__F32 ? 0 : iv__left_floats(cpu, j.block, j.most_taps * j.width);
    j.out_floats = back ? j.block * j.n : 0;
    j.thread_floats = iv__round_up(j.block * j.row + j.left_floats + j.out_floats, 16);
    j.packed = take(base, used, (int64_t)iv__packed_bytes(cpu, j.s.taps * j.width, j.n), 1);
    j.patches = take(base, used, threads * j.thread_floats, sizeof(float));
    j.offset = take(base, used, j.s.taps, sizeof *j.offset);
    j.tap = take(base, used, j.s.taps, sizeof *j.tap);
    return j;
}

static void add_tap(conv_job *j, int64_t tap, const int64_t offset[AXES])
{
    j->tap[j->g.taps] = tap;
    memcpy(j->offset[j->g.taps++], offset, sizeof *j->offset);
}

static int64_t chunk_taps(const conv_job *j, int64_t t0)
{
    return iv__min64(j->most_taps, j->g.taps - t0);
}

/* The packed taps of the chunk that begins with tap t0. */
static char *packed_chunk(const conv_job *j, int64_t t0)
{
    return j->packed + iv__packed_bytes(j->cpu, t0 * j->width, j->n);
}

/* Items: taps of each panel. */
static void pack_tap(void *context, int64_t item, int thread)
{
    const conv_job *j = context;
    const iv__cpu *cpu = j->cpu;
    int64_t panel = item / j->g.taps, t = item % j->g.taps, t0 = t / j->most_taps * j->most_taps;
    int64_t first = iv__panel_begin(&j->panels, panel),
            width = iv__panel_vectors(&j->panels, panel) * cpu->width;
    int64_t columns = iv__min64(width, j->n - first), filters = j->s.filters;
    const float *w = (const float *)j->k->in[1].data + j->tap[t] * j->s.channels * filters;
    int64_t element = first * chunk_taps(j, t0) * j->width + (t - t0) * j->width * width;
    void *to = (void *)(uintptr_t)iv__operand_at(cpu, packed_chunk(j, t0), element);

    (void)thread;
    if (j->back)
        cpu->pack_transposed(filters, columns, w + first * filters, filters, to, width);
    else
        cpu->pack(j->s.channels, columns, w + first, filters, to, width);
}

/* Results of a block of a phase to the places of x that they belong to. */
static void scatter(const conv_job *j, int64_t begin, int64_t end, const float *from)
{
    int64_t places = iv__conv_volume(j->g.places), all = iv__conv_volume(j->s.x);

    for (int64_t i = begin; i < end; i++, from += j->n) {
        int64_t at[AXES], number = 0;
        iv__conv_place(i % places, j->g.places, at);
        for (int a = 0; a < AXES; a++)
            number = number * j->s.x[a] + at[a] * j->s.stride[a] + j->phase[a];
        memcpy((float *)j->k->out[0].data + (i / places * all + number) * j->n, from,
               (size_t)j->n * sizeof *from);
    }
}

static void block_chunk(const conv_job *j, int64_t begin, int64_t end, int64_t t0, float *patches,
                        float *left, float *c)
{
    const iv__cpu *cpu = j->cpu;
    int64_t taps = chunk_taps(j, t0), k = taps * j->width;
    iv__product p = { .m = end - begin,
                      .n = j->n,
                      .k = k,
                      .a = patches,
                      .lda = j->row,
                      .from_panels = true,
                      .packed = packed_chunk(j, t0),
                      .c = c,
                      .ldc = j->n,
                      .add = t0 > 0 };

    if (is_pointwise(&j->s) && j->width == j->g.channels) {
        p.a = j->g.from + begin * j->width;
        p.lda = j->width;
    } else {
        gather(&j->g, begin, end, t0, t0 + taps, j->width, patches, j->row);
    }
    if (cpu->operands != IV__F32) {
        int64_t row = iv__left_row(cpu, k);
        cpu->pack_left(k, p.m, p.a, p.lda, left, row);
        p.a = left;
        p.lda = row;
    }
    iv__product_rows(cpu, &j->panels, &p);
}

static void conv_block(void *context, int64_t block, int thread)
{
    const conv_job *j = context;
    int64_t all = j->s.records * iv__conv_volume(j->g.places), begin = block * j->block,
            end = iv__min64(begin + j->block, all);
    float *patches = j->patches + thread * j->thread_floats, *left = patches + j->block * j->row,
          *out = left + j->left_floats;
    float *c = j->in_place ? (float *)j->k->out[0].data + begin * j->n : out;

    if (j->cpu->begin)
        j->cpu->begin();
    if (!j->g.taps)
        memset(c, 0, (size_t)((end - begin) * j->n) * sizeof *c);
    for (int64_t t0 = 0; t0 < j->g.taps; t0 += j->most_taps)
        block_chunk(j, begin, end, t0, patches, left, c);
    if (!j->in_place)
        scatter(j, begin, end, out);
    if (j->cpu->end)
        j->cpu->end();
}

static void run_grid(conv_job *j)
{
    iv_home *home = j->k->home;

    if (j->g.taps)
        iv__parallel(home, j->panels.count * j->g.taps, pack_tap, j);
    iv__parallel(home, iv__ceil_div(j->s.records * iv__conv_volume(j->g.places), j->block),
                 conv_block, j);
}

int iv__conv_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv_packing panels,
                      iv_packing want[IV_MAX_PACKED])
{
    (void)cpu, (void)k, (void)panels, (void)want;
    return 0;
}

int iv__conv_x_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv_packing panels,
                        iv_packing want[IV_MAX_PACKED])
{
    return iv__conv_packings(cpu, k, panels, want);
}

size_t iv__conv_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    size_t used = 0;

    job_of(cpu, k, false, NULL, &used);
    return used;
}

size_t iv__conv_x_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    size_t used = 0;

    job_of(cpu, k, true, NULL, &used);
    return used;
}

void iv__conv_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    size_t used = 0;
    conv_job j = job_of(cpu, k, false, k->scratch, &used);
    int64_t offset[AXES];

    j.g = grid_of_x(&j.s, k->in[0].data, NULL);
    j.g.offset = j.offset;
    j.g.taps = 0;
    for (int64_t t = 0; t < j.s.taps; t++) {
        find_offset(&j.s, t, offset);
        add_tap(&j, t, offset);
    }
    j.in_place = true;
    run_grid(&j);
}

/* The taps by which places of y read those of x at phase + i * stride: from place i + offset. */
static void find_taps(conv_job *j)
{
    for (int64_t t = 0; t < j->s.taps; t++) {
        int64_t at[AXES], offset[AXES];
        bool reads = true;
        iv__conv_place(t, j->s.w, at);
        for (int a = 0; a < AXES; a++) {
            int64_t apart = j->phase[a] + j->s.before[a] - at[a] * j->s.dilation[a];
            reads &= apart % j->s.stride[a] == 0;
            offset[a] = apart / j->s.stride[a];
        }
        if (reads)
            add_tap(j, t, offset);
    }
}

void iv__conv_x_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    size_t used = 0;
    conv_job j = job_of(cpu, k, true, k->scratch, &used);
    int64_t phases = iv__conv_volume(j.s.stride);

    j.in_place = phases == 1;
    for (int64_t phase = 0; phase < phases; phase++) {
        iv__conv_place(phase, j.s.stride, j.phase);
        j.g = (grid){
            .from = k->in[0].data, .records = j.s.records, .channels = j.s.filters, .offset = j.offset
        };
        for (int a = 0; a < AXES; a++) {
            j.g.size[a] = j.s.y[a];
            j.g.step[a] = 1;
            j.g.places[a] = j.phase[a] < j.s.x[a] ? iv__ceil_div(j.s.x[a] - j.phase[a], j.s.stride[a])
                                                  : 0;
        }
        if (!iv__conv_volume(j.g.places))
            continue;
        find_taps(&j);
        run_grid(&j);
    }
}

/* ---- gradients of the weights ---------------------------------------------------------------- */

/* Tasks: chunks of taps times slots of places. By shapes alone: as many slots as keep a few threads
 * busy where there are few chunks, each with sums of its own, added in order at the end. */
typedef struct weights_job {
    const iv_kernel_call *k;
    const iv__cpu *cpu;
    iv__conv_sizes s;
    grid g;
    int64_t most_taps, chunks, slots, row;
    float *sums; /* of each slot but where there is one */
    float *patches;
    char *rooms;
    size_t room; /* bytes of a thread */
} weights_job;

static iv__product weights_product(const weights_job *j, int64_t taps, int64_t places)
{
    return (iv__product){ .m = taps * j->s.channels,
                          .n = j->s.filters,
                          .k = places,
                          .a_transposed = true,
                          .lda = j->row,
                          .ldb = j->s.filters,
                          .ldc = j->s.filters };
}

static weights_job weights_of(const iv__cpu *cpu, const iv_kernel_call *k, char *base, size_t *used)
{
    weights_job j = { .k = k, .cpu = cpu };
    int64_t threads = iv_home_threads(k->home);

    j.s = iv__conv_sizes_of(k->attr, k->in[0].shape, k->out[0].shape, k->in[1].shape);
    j.most_taps = iv__min64(j.s.taps, iv__ceil_div(CHUNK_INPUTS, j.s.channels));
    j.chunks = iv__ceil_div(j.s.taps, j.most_taps);
    j.slots = iv__min64(iv__ceil_div(SLOTS, j.chunks),
                        iv__ceil_div(j.s.records * iv__conv_volume(j.s.y), SUM_PLACES));
    j.row = is_pointwise(&j.s) ? j.s.channels : iv__odd_lines(j.most_taps * j.s.channels);
    int64_t(*offset)[AXES] = take(base, used, j.s.taps, sizeof *offset);
    j.g = grid_of_x(&j.s, k->in[0].data, base ? offset : NULL);
    if (j.slots > 1)
        j.sums = take(base, used, j.slots * j.s.taps * j.s.channels * j.s.filters, sizeof(float));
    j.patches = take(base, used, threads * SUM_PLACES * j.row, sizeof(float));
    iv__product p = weights_product(&j, j.most_taps, SUM_PLACES);
    size_t all = iv__product_scratch(k->home, cpu, &p);
    j.room = all / (size_t)threads;
    j.rooms = take(base, used, (int64_t)all, 1);
    return j;
}

static void weights_task(void *context, int64_t task, int thread)
{
    const weights_job *j = context;
    int64_t chunk = task % j->chunks, slot = task / j->chunks, t0 = chunk * j->most_taps;
    int64_t t1 = iv__min64(t0 + j->most_taps, j->s.taps), all = j->s.records * iv__conv_volume(j->s.y);
    int64_t count = j->s.channels * j->s.filters, first = iv__part(all, slot, j->slots),
            last = iv__part(all, slot + 1, j->slots);
    float *patches = j->patches + thread * SUM_PLACES * j->row,
          *sums = j->slots > 1 ? j->sums + slot * j->s.taps * count : j->k->out[0].data;

    if (j->cpu->begin)
        j->cpu->begin();
    for (int64_t begin = first, end; begin < last; begin = end) {
        end = iv__min64(begin + SUM_PLACES, last);
        iv__product p = weights_product(j, t1 - t0, end - begin);
        p.a = patches;
        if (is_pointwise(&j->s))
            p.a = j->g.from + begin * j->s.channels;
        else
            gather(&j->g, begin, end, t0, t1, j->s.channels, patches, j->row);
        p.b = (const float *)j->k->in[1].data + begin * j->s.filters;
        p.c = sums + t0 * count;
        p.add = begin > first;
        iv__product_alone(j->cpu, &p, j->rooms + (size_t)thread * j->room);
    }
    if (j->cpu->end)
        j->cpu->end();
}

/* Floats that a task adds up. */
enum { SUM_FLOATS = 4096 };

static void add_slots(void *context, int64_t task, int thread)
{
    const weights_job *j = context;
    int64_t all = j->s.taps * j->s.channels * j->s.filters, at = task * SUM_FLOATS;

    (void)thread;
    j->cpu->sum_parts(j->sums + at, j->slots, all, 1, (float *)j->k->out[0].data + at,
                      iv__min64(SUM_FLOATS, all - at));
}

int iv__conv_w_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv_packing panels,
                        iv_packing want[IV_MAX_PACKED])
{
    return iv__conv_packings(cpu, k, panels, want);
}

size_t iv__conv_w_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    size_t used = 0;

    weights_of(cpu, k, NULL, &used);
    return used;
}

void iv__conv_w_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    size_t used = 0;
    weights_job j = weights_of(cpu, k, k->scratch, &used);
    const int64_t tap = j.s.channels * j.s.filters;

    memset((float *)k->out[0].data + j.s.taps * tap, 0, (size_t)(j.s.unread * tap) * sizeof(float));
    iv__parallel(k->home, j.chunks * j.slots, weights_task, &j);
    if (j.slots > 1)
        iv__parallel(k->home, iv__ceil_div(j.s.taps * j.s.channels * j.s.filters, SUM_FLOATS),
                     add_slots, &j);
}
