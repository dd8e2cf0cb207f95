/* conv.c: the rows "conv" and "conv_x" (ops/rows.h) as products of patches.
 *
 * A block of places has its patches gathered where they stay in L2, and is multiplied there with the
 * packed taps. conv_x is the same over y, a phase of the stride in a task: places of a phase are read
 * by the same taps. */
#include "backend/cpu/conv.h"

#include "base/threads.h"

enum {
    AXES = IV__CONV_AXES,
    BLOCK_PLACES = 288,       /* at most; a multiple of a tile's rows nearly always */
    PATCH_FLOATS = 160 << 10, /* of a block, about: they lie in L2 */
    TASKS = 8,                /* where places are few, their columns are shared out, too */
};

static iv__conv_sizes sizes_of(const iv_kernel_call *k, bool back)
{
    const iv_array *x = back ? &k->out[0] : &k->in[0], *y = back ? &k->in[0] : &k->out[0];

    return iv__conv_sizes_of(k->attr, x->shape, k->in[1].shape, y->shape);
}

bool iv__fits_conv(const iv_kernel_call *k)
{
    return iv__fits_f32(k) && ((const iv__conv *)k->attr)->groups == 1;
}

/* Which of its arrays is x does not matter here. */
bool iv__fits_taps(const iv_kernel_call *k)
{
    iv__conv_sizes s;

    if (!iv__fits_conv(k))
        return false;
    s = sizes_of(k, false);
    return iv__taps_fit(&s);
}

typedef struct conv_job {
    const iv_kernel_call *k;
    const iv__cpu *cpu;
    iv__conv_sizes s;
    bool back;               /* conv_x: the taps are transposed */
    int64_t n;               /* columns of the product */
    int64_t width;           /* of a tap in a patch */
    int64_t row;             /* floats from patch to patch */
    int64_t most_taps;       /* of a chunk */
    int64_t block;           /* places at most */
    int64_t phases[AXES];    /* conv_x: of the stride, as far as x has places of them */
    int64_t blocks, columns; /* of a phase: even blocks of places, and groups of panels: a task each */
    iv__panels panels;
    iv__taps taps;
    float *patches;
    int64_t thread_floats, left_floats, out_floats;
    int64_t (*offset)[AXES]; /* conv_x: of each thread */
    int64_t *tap;            /* the same: the taps of a phase */

    /* conv_x: the phase that a thread has in hand: places of x are at phase + i * stride. */
    struct conv_job *of_thread;
    int64_t number; /* of it; -1: none */
    iv__grid g;
    int64_t phase[AXES];
    int64_t first_tap; /* the grid's first, in packed order */
    bool in_place;     /* the places of the grid lie in the result one behind the other */
} conv_job;

/* Sizes by shapes alone, and where everything lies in scratch (base NULL: only how much). */
static conv_job job_of(const iv__cpu *cpu, const iv_kernel_call *k, bool back, char *base, size_t *used)
{
    conv_job j = { .k = k, .cpu = cpu, .back = back };
    int64_t threads = iv_home_threads(k->home);

    j.s = sizes_of(k, back);
    j.taps = iv__taps_of(&j.s, back);
    j.n = back ? j.s.channels : j.s.filters;
    j.width = iv__operand_k(cpu, back ? j.s.filters : j.s.channels);
    j.most_taps = iv__min64(j.s.taps, iv__ceil_div(IV__CONV_CHUNK, j.width));
    j.row = iv__odd_lines(j.most_taps * j.width);
    j.block = iv__min64(BLOCK_PLACES, iv__round_up(iv__ceil_div(PATCH_FLOATS, j.row), cpu->rows));
    j.panels = iv__panels_of(cpu, j.n);
    j.left_floats = cpu->operands == IV__F32 ? 0 : iv__left_floats(cpu, j.block, j.most_taps * j.width);
    j.out_floats = back ? j.block * j.n : 0;
    j.thread_floats = iv__round_up(j.block * j.row + j.left_floats + j.out_floats, 16);
    j.patches = iv__take(base, used, threads * j.thread_floats, sizeof(float));
    j.offset = iv__take(base, used, (back ? threads : 1) * j.s.taps, sizeof *j.offset);
    if (back) {
        j.tap = iv__take(base, used, threads * j.s.taps, sizeof *j.tap);
        j.of_thread = iv__take(base, used, threads, sizeof j);
    }
    for (int a = 0; a < AXES; a++)
        j.phases[a] = back ? iv__min64(j.s.stride[a], j.s.x[a]) : 1;
    return j;
}

static int64_t chunk_taps(const conv_job *j, int64_t t0)
{
    return iv__min64(j->most_taps, j->g.taps - t0);
}

/* What a task makes: places [begin,end) of the grid, panels [first,last) of the product. */
typedef struct part {
    int64_t begin, end, first, last;
} part;

/* Results of a block of a phase to the places of x that they belong to. */
static void scatter(const conv_job *j, const part *p, const float *from)
{
    const int64_t places = iv__conv_volume(j->g.places), line = j->g.places[AXES - 1],
                  column = iv__panel_begin(&j->panels, p->first),
                  columns = iv__min64(iv__panel_begin(&j->panels, p->last), j->n) - column;

    for (int64_t i = p->begin, end; i < p->end; i = end) {
        int64_t at[AXES], number = i / places;
        iv__conv_place(i % places, j->g.places, at);
        for (int a = 0; a < AXES; a++)
            number = number * j->s.x[a] + at[a] * j->s.stride[a] + j->phase[a];
        float *to = (float *)j->k->out[0].data + number * j->n + column;
        end = iv__min64(i + line - at[AXES - 1], p->end);
        for (int64_t place = i; place < end; place++, from += j->n, to += j->s.stride[AXES - 1] * j->n)
            memcpy(to, from + column, (size_t)columns * sizeof *from);
    }
}

static void block_chunk(const conv_job *j, const part *of, int64_t t0, float *patches, float *left,
                        float *c)
{
    const iv__cpu *cpu = j->cpu;
    int64_t taps = chunk_taps(j, t0), k = taps * j->width;
    iv__product p = { .m = of->end - of->begin,
                      .n = j->n,
                      .k = k,
                      .a = patches,
                      .lda = j->row,
                      .from_panels = true,
                      .packed = j->k->packed[0],
                      .packed_rows = j->s.taps * j->width,
                      .first_row = (j->first_tap + t0) * j->width,
                      .c = c,
                      .ldc = j->n,
                      .add = t0 > 0 };

    if (iv__conv_is_pointwise(&j->s) && j->width == j->g.channels) {
        p.a = j->g.from + of->begin * j->width;
        p.lda = j->width;
    } else {
        iv__gather(&j->g, of->begin, of->end, t0, t0 + taps, j->width, patches, j->row);
    }
    if (cpu->operands != IV__F32) {
        int64_t row = iv__left_row(cpu, k);
        cpu->pack_left(k, p.m, p.a, p.lda, left, row);
        p.a = left;
        p.lda = row;
    }
    iv__product_panels(cpu, &j->panels, of->first, of->last, &p);
}

/* The taps by which places of y read those of x at phase + i * stride: from place i + offset. */
static void find_taps(conv_job *j)
{
    int64_t rest[AXES] = { 0 };
    bool any = true;

    for (int a = 0; a < AXES; a++) {
        int64_t reach = j->phase[a] + j->s.before[a];
        while (rest[a] < j->taps.period[a] && (reach - rest[a] * j->s.dilation[a]) % j->s.stride[a])
            rest[a]++;
        any &= rest[a] < j->taps.period[a];
    }
    if (!any)
        return;
    j->g.taps = iv__taps_with(&j->taps, j->s.w, rest, j->tap);
    j->first_tap = iv__taps_before(&j->taps, j->s.w, rest);
    if (j->s.dilation[AXES - 1] == 1 && !j->s.unread)
        j->g.line = iv__ceil_div(j->s.w[AXES - 1] - rest[AXES - 1], j->taps.period[AXES - 1]);
    for (int64_t t = 0; t < j->g.taps; t++) {
        int64_t at[AXES];
        iv__conv_place(j->tap[t], j->s.w, at);
        for (int a = 0; a < AXES; a++)
            j->offset[t][a] = (j->phase[a] + j->s.before[a] - at[a] * j->s.dilation[a]) /
                              j->s.stride[a];
    }
}

/* The places of x of a phase, and what they read. */
static void take_phase(conv_job *j, int64_t phase)
{
    if (j->number == phase)
        return;
    iv__conv_place(phase, j->phases, j->phase);
    j->number = phase;
    j->g = (iv__grid){ .from = j->k->in[0].data,
                       .records = j->s.records,
                       .channels = j->s.filters,
                       .line = 1,
                       .offset = j->offset };
    for (int a = 0; a < AXES; a++) {
        j->g.size[a] = j->s.y[a];
        j->g.step[a] = 1;
        j->g.places[a] = iv__ceil_div(j->s.x[a] - j->phase[a], j->s.stride[a]);
    }
    find_taps(j);
}

static void conv_task(void *context, int64_t task, int thread)
{
    const conv_job *j = context;
    const int64_t phase = task / (j->blocks * j->columns), block = task / j->columns % j->blocks,
                  group = task % j->columns;

    if (j->back) {
        take_phase(j->of_thread + thread, phase);
        j = j->of_thread + thread;
    }
    const int64_t all = j->s.records * iv__conv_volume(j->g.places);
    const part p = { iv__part(all, block, j->blocks), iv__part(all, block + 1, j->blocks),
                     iv__part(j->panels.count, group, j->columns),
                     iv__part(j->panels.count, group + 1, j->columns) };
    float *patches = j->patches + thread * j->thread_floats, *left = patches + j->block * j->row,
          *out = left + j->left_floats;
    float *c = j->in_place ? (float *)j->k->out[0].data + p.begin * j->n : out;

    if (p.begin == p.end) /* the phase has fewer places than others */
        return;
    if (j->cpu->begin)
        j->cpu->begin();
    if (!j->g.taps) /* a phase that no tap reads */
        memset(out, 0, (size_t)((p.end - p.begin) * j->n) * sizeof *out);
    for (int64_t t0 = 0; t0 < j->g.taps; t0 += j->most_taps)
        block_chunk(j, &p, t0, patches, left, c);
    if (!j->in_place)
        scatter(j, &p, out);
    else if (j->k->then && j->columns == 1)
        j->k->then->work(j->k->then->context, p.begin * j->n, (p.end - p.begin) * j->n, thread);
    if (j->cpu->end)
        j->cpu->end();
}

/* Tasks are of `places` places at most for each phase. */
static void run_places(conv_job *j, int64_t places)
{
    const int64_t phases = iv__conv_volume(j->phases), threads = iv_home_threads(j->k->home);

    j->blocks = iv__ceil_div(j->s.records * places, j->block);
    j->columns = iv__min64(j->panels.count, iv__ceil_div(TASKS, j->blocks * phases));
    for (int64_t t = 0; j->back && t < threads; t++) {
        j->of_thread[t] = *j;
        j->of_thread[t].number = -1;
        j->of_thread[t].offset += t * j->s.taps;
        j->of_thread[t].tap += t * j->s.taps;
    }
    iv__parallel(j->k->home, phases * j->blocks * j->columns, conv_task, j);
}

static int packings_of(const iv__conv_sizes *s, bool back, iv__packing panels,
                       iv__packing want[IV__MAX_PACKED])
{
    iv__taps taps = iv__taps_of(s, back);

    want[0] = iv__want(panels, 1, iv__taps_form(&taps));
    return 1;
}

int iv__conv_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv__packing panels,
                      iv__packing want[IV__MAX_PACKED])
{
    iv__conv_sizes s = sizes_of(k, false);

    (void)cpu;
    return packings_of(&s, false, panels, want);
}

int iv__conv_x_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv__packing panels,
                        iv__packing want[IV__MAX_PACKED])
{
    iv__conv_sizes s = sizes_of(k, true);

    (void)cpu;
    return packings_of(&s, true, panels, want);
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

    j.g = iv__grid_of_x(&j.s, k->in[0].data, j.offset);
    j.in_place = true;
    run_places(&j, iv__conv_volume(j.s.y));
}

void iv__conv_x_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    size_t used = 0;
    conv_job j = job_of(cpu, k, true, k->scratch, &used);
    int64_t places = 1;

    j.in_place = iv__conv_volume(j.s.stride) == 1;
    for (int a = 0; a < AXES; a++)
        places *= iv__ceil_div(j.s.x[a], j.s.stride[a]);
    run_places(&j, places);
}
