/* cross_entropy.c: the rows "linear_cross_entropy" and "linear_cross_entropy_back" (ops/rows.h).
 *
 * Rows of weight 0 are left out beforehand. The others go in blocks through a list of ordered tasks: a row task makes
 * e = exp(logit - top) of its rows straight from the registers, the losses, and dx; a column task adds what the block gives
 * to some columns of dw. Logits are never stored, e of two blocks is: so row tasks of a block run beside column tasks of the one
 * before, and no thread waits at a barrier. Every output has one owner and one order of summation.
 *
 * top need not be the row's maximum, only near enough for e not to overflow: the first panel's maximum is taken, and a tile
 * of rows with a sum beyond 2^60 is done again with true maxima. The factor of softmax and loss is applied to x and dx, not to
 * e; the target enters as e[target] -= sum, which keeps digits in the sums of dw and db. */
#include "backend/cpu/gemm.h"
#include "backend/cpu/rows.h"

#include "base/math.h"
#include "base/threads.h"

#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum { X, W, B, TARGET, WEIGHT, DLOSS };
enum {
    TASK_ROWS = 288,         /* of a row task, at most: what w is read for once */
    ROW_UNIT = 36,           /* divides the rows of every task but the last: whole row tiles of each instruction set */
    SUM_ROWS = 144,          /* rows of e that one step of dw takes: a panel of them lies in L1 */
    BLOCK_BYTES = 18 << 20,  /* of e, at most, if SUM_ROWS rows are no more than that */
    SMALL_BLOCK = 512 << 10, /* of e: no block need be smaller */
    DX_PANELS = 2,           /* panels of e that one step of dx takes */
    K_CHUNK = 384,           /* inputs whose products are summed in registers */
    SPINS = 2000,
};

typedef struct task {
    int32_t columns; /* 0: a row task */
    int32_t block;
    int64_t begin, end; /* rows of the block; items of columns */
} task;

typedef struct loss_job {
    const iv_kernel_call *k;
    const iv__cpu *cpu;
    bool back;
    int64_t rows, inputs, classes; /* rows of weight other than 0 */
    iv__panels panels, dx_panels;  /* of the classes; of the inputs */
    int64_t block_rows, task_rows, blocks, tile_groups, panel_groups;
    int64_t x_row, e_panel_rows;   /* floats of a row of xs; rows of a panel of e */
    int64_t *row;                  /* where the rows come from */
    float *bias;                   /* filled up with -infinity */
    float *e, *xs, *dw;            /* two blocks each of e and xs; dw in panels, db as its last row */
    int64_t e_block, xs_block;
    float *rooms;
    int64_t room; /* floats of a thread */
    task *tasks;
    int64_t n_tasks;
    _Atomic int32_t *done[2]; /* tasks done of each block: row tasks, column tasks */
    int32_t *all[2];
} loss_job;

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

int iv__linear_cross_entropy_packings(const iv_kernel_call *k, iv_packing panels, iv_packing want[IV_MAX_PACKED])
{
    (void)k;
    want[0] = iv__want(panels, W, IV__PANELS);
    return 1;
}

int iv__linear_cross_entropy_back_packings(const iv_kernel_call *k, iv_packing panels, iv_packing want[IV_MAX_PACKED])
{
    (void)k;
    want[0] = iv__want(panels, W, IV__PANELS);
    want[1] = iv__want(panels, W, IV__PANELS_TRANSPOSED);
    return 2;
}

/* ---- sizes and the layout of scratch --------------------------------------------------------------------------- */

typedef struct layout {
    char *base;
    size_t used;
} layout;

static void *take(layout *l, int64_t count, size_t size)
{
    char *at = l->base ? l->base + l->used : NULL;

    l->used += ((size_t)count * size + 63) & ~(size_t)63;
    return at;
}

/* Two blocks are in hand at once, so each holds row tasks for half the threads, as far as e stays small enough. Which rows
 * share a block or a task changes no sum: a block holds whole steps of dw. */
static void cut_rows(loss_job *j, int64_t threads)
{
    int64_t row_bytes = j->panels.vectors * j->panels.width * (int64_t)sizeof(float);
    int64_t block = TASK_ROWS * ceil_div(threads, 2);

    block = block < SMALL_BLOCK / row_bytes ? SMALL_BLOCK / row_bytes : block;
    block = min64(block, BLOCK_BYTES / row_bytes);
    block = min64(iv__round_up(j->rows, SUM_ROWS), block / SUM_ROWS * SUM_ROWS);
    j->block_rows = block < SUM_ROWS ? SUM_ROWS : block;
    j->task_rows = min64(min64(TASK_ROWS, j->block_rows), iv__round_up(ceil_div(j->rows, 4 * threads), ROW_UNIT));
}

/* Sizes for `rows` rows, and where everything lies in scratch (base NULL: only how much). */
static loss_job job_of(const iv__cpu *cpu, const iv_kernel_call *k, bool back, int64_t rows, layout *l)
{
    const iv_shape *w = k->in[W].shape;
    int64_t threads = iv_home_threads(k->home);
    loss_job j = { .k = k, .cpu = cpu, .back = back, .rows = rows, .inputs = w->dim[0], .classes = w->dim[1] };
    bool weights = back && (k->out[1].data || k->out[2].data || !l->base);

    j.panels = iv__panels_of(cpu, j.classes);
    j.dx_panels = iv__panels_of(cpu, j.inputs);
    cut_rows(&j, threads);
    j.blocks = ceil_div(rows, j.block_rows);
    j.x_row = (iv__round_up(j.inputs + 1, 16) / 16 | 1) * 16;

    int64_t tiles = ceil_div(j.inputs + 1, cpu->rows);
    j.panel_groups = ceil_div(j.panels.count, 4);
    if (j.panel_groups < 2 * threads)
        j.panel_groups = j.panels.count;
    j.tile_groups = min64(tiles, ceil_div(2 * threads, j.panel_groups));

    int64_t columns = j.panels.vectors * j.panels.width;
    j.row = take(l, rows, sizeof *j.row);
    j.bias = take(l, columns, sizeof(float));
    j.room = iv__round_up(j.task_rows * (cpu->width + 2), 16); /* partial sums, tops, targets' e */
    if (back) {
        j.e_panel_rows = j.block_rows;
        j.e_block = columns * j.block_rows;
        j.room += j.task_rows * j.dx_panels.vectors * j.dx_panels.width;
    } else {
        j.room += j.task_rows * (cpu->vectors * cpu->width + j.x_row);
    }
    if (back) {
        j.e = take(l, 2 * j.e_block, sizeof(float));
        j.xs_block = j.block_rows * j.x_row;
        j.xs = take(l, 2 * j.xs_block, sizeof(float));
    }
    if (weights)
        j.dw = take(l, (j.inputs + 1) * columns, sizeof(float));
    j.rooms = take(l, threads * j.room, sizeof(float));
    int64_t per_block = ceil_div(j.block_rows, j.task_rows) + j.panel_groups * j.tile_groups;
    j.tasks = take(l, j.blocks * per_block, sizeof *j.tasks);
    for (int i = 0; i < 2; i++) {
        j.done[i] = take(l, j.blocks, sizeof *j.done[i]);
        j.all[i] = take(l, j.blocks, sizeof *j.all[i]);
    }
    return j;
}

static size_t scratch_of(const iv__cpu *cpu, const iv_kernel_call *k, bool back)
{
    layout l = { NULL, 0 };

    job_of(cpu, k, back, iv_shape_count(k->in[TARGET].shape), &l);
    return l.used;
}

size_t iv__linear_cross_entropy_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    return scratch_of(cpu, k, false);
}

size_t iv__linear_cross_entropy_back_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    return scratch_of(cpu, k, true);
}

/* ---- rows: e, sums, losses, dx ------------------------------------------------------------------------------------ */

/* Rows of one task, as they lie in memory. */
typedef struct span {
    int64_t first, begin, count, padded; /* the first over all, and in its block; padded: up to whole tiles */
    float *x;                            /* rows of x_row floats, filled up with zeros to padded */
    float *e;                            /* of the block: see e_panel */
    float *sums, *top, *at_target, *dx;
} span;

static int64_t panel_width(const loss_job *j, int64_t panel)
{
    return iv__panel_vectors(&j->panels, panel) * j->panels.width;
}

/* e of these rows and a panel of classes. Without a way back the place of one panel serves all. */
static float *e_panel(const loss_job *j, const span *s, int64_t panel)
{
    return s->e + iv__panel_begin(&j->panels, panel) * j->e_panel_rows + s->begin * panel_width(j, panel);
}

static span span_of(const loss_job *j, const task *t, int thread)
{
    float *room = j->rooms + thread * j->room;
    span s = { .first = t->block * j->block_rows + t->begin, .count = t->end - t->begin };
    int64_t half = t->block & 1;

    s.padded = iv__round_up(s.count, j->cpu->rows);
    s.sums = room;
    s.top = s.sums + j->task_rows * j->cpu->width;
    s.at_target = s.top + j->task_rows;
    room += iv__round_up(j->task_rows * (j->cpu->width + 2), 16);
    if (j->back) {
        s.begin = t->begin;
        s.x = j->xs + half * j->xs_block + t->begin * j->x_row;
        s.e = j->e + half * j->e_block;
        s.dx = room;
    } else {
        s.x = room;
        s.e = room + j->task_rows * j->x_row;
    }
    return s;
}

/* e of one tile of rows and one panel; the inputs in chunks, sums on the way being kept in the place of e. */
static void exp_panel(const loss_job *j, const span *s, int64_t tile, int64_t panel, float *e, int mode)
{
    const iv__cpu *cpu = j->cpu;
    int64_t vectors = iv__panel_vectors(&j->panels, panel), width = vectors * cpu->width;
    const float *w = (const float *)j->k->packed[0] + iv__panel_begin(&j->panels, panel) * j->inputs;
    const float *x = s->x + tile * j->x_row;
    int64_t k0 = 0;

    for (; j->inputs - k0 > K_CHUNK; k0 += K_CHUNK) {
        iv__tile_call t = { .k = K_CHUNK, .blocks = 1, .a = x + k0, .ai = j->x_row, .ak = 1, .b = w + k0 * width, .c = e,
                            .ldc = width, .add = k0 > 0, .last = cpu->width, .ahead = w };
        cpu->tile[cpu->rows][vectors](&t);
    }
    iv__exp_call t = { .k = j->inputs - k0, .x = x + k0, .ldx = j->x_row, .w = w + k0 * width,
                       .bias = j->bias + iv__panel_begin(&j->panels, panel), .e = e, .top = s->top + tile,
                       .sums = s->sums + tile * cpu->width, .first = panel == 0, .more = k0 > 0, .mode = mode, .ahead = w };
    /* The next panel of w, in its turn. */
    int64_t lines = j->inputs * width / 16, line = tile / cpu->rows * t.k;
    if (line < lines) {
        t.ahead = w + (lines + line) * 16;
        t.ahead_step = 16;
    }
    cpu->exp_tile[vectors](&t);
}

static float sum_of(const loss_job *j, const span *s, int64_t r)
{
    return j->cpu->sum(s->sums + r * j->cpu->width, j->cpu->width);
}

static int32_t target_of(const loss_job *j, const span *s, int64_t r)
{
    return ((const int32_t *)j->k->in[TARGET].data)[j->row[s->first + r]];
}

/* Where the target's e of rows [begin,end) lies in this panel, it is noted. */
static void note_targets(const loss_job *j, const span *s, int64_t panel, const float *e, int64_t begin, int64_t end)
{
    int64_t first = iv__panel_begin(&j->panels, panel), width = panel_width(j, panel);

    for (int64_t r = begin; r < end; r++) {
        int64_t column = target_of(j, s, r) - first;
        if (column >= 0 && column < width)
            s->at_target[r] = e[r * width + column];
    }
}

static void exponentials(const loss_job *j, const span *s)
{
    int64_t rows = j->cpu->rows;

    for (int64_t p = 0; p < j->panels.count; p++) {
        float *e = e_panel(j, s, p);
        int64_t width = panel_width(j, p);
        for (int64_t tile = 0; tile < s->padded; tile += rows)
            exp_panel(j, s, tile, p, e + tile * width, IV__EXP_FIRST_TOP);
        note_targets(j, s, p, e, 0, s->count);
    }
    for (int64_t tile = 0; tile < s->padded; tile += rows) {
        bool large = false;
        for (int64_t r = tile; r < tile + rows; r++)
            large |= !(sum_of(j, s, r) < 0x1p60f);
        if (!large)
            continue;
        for (int mode = IV__EXP_FIND_TOP; mode <= IV__EXP_GIVEN_TOP; mode++) {
            for (int64_t p = 0; p < j->panels.count; p++) {
                float *e = e_panel(j, s, p);
                int64_t width = panel_width(j, p);
                exp_panel(j, s, tile, p, e + tile * width, mode);
                note_targets(j, s, p, e, tile, min64(tile + rows, s->count));
            }
        }
    }
}

/* The target's logit from its products, where its e is too small to tell. */
static double logit_of(const loss_job *j, const span *s, int64_t r, int32_t target)
{
    int64_t panel = iv__panel_of(&j->panels, target), first = iv__panel_begin(&j->panels, panel);
    int64_t width = panel_width(j, panel);
    const float *w = (const float *)j->k->packed[0] + first * j->inputs + (target - first), *x = s->x + r * j->x_row;
    double sum = j->bias[target];

    for (int64_t i = 0; i < j->inputs; i++)
        sum += (double)x[i] * (double)w[i * width];
    return sum;
}

static float loss_of(const loss_job *j, const span *s, int64_t r, float sum)
{
    float weight = ((const float *)j->k->in[WEIGHT].data)[j->row[s->first + r]], at = s->at_target[r];
    int32_t target = target_of(j, s, r);

    if (target < 0 || target >= j->classes)
        return NAN;
    if (at < 0x1p-90f)
        return weight * (float)(iv__log_f64((double)sum) + (double)s->top[r] - logit_of(j, s, r, target));
    return weight * (float)iv__log_f64((double)sum / (double)at);
}

/* Classes of a panel: fewer than its width in the last one. */
static int64_t panel_classes(const loss_job *j, int64_t panel)
{
    return min64(panel_width(j, panel), j->classes - iv__panel_begin(&j->panels, panel));
}

/* Lines that are needed next, of several arrays, one behind the other. */
typedef struct stream {
    const float *from;
    int64_t lines;
} stream;

static void look_ahead(iv__tile_call *t, const stream streams[], int n, int64_t line)
{
    t->ahead = t->b;
    t->ahead_step = 0;
    for (int i = 0; i < n; i++) {
        if (line < streams[i].lines) {
            t->ahead = streams[i].from + line * 16;
            t->ahead_step = 16;
            return;
        }
        line -= streams[i].lines;
    }
}

/* dx of the rows: e w^T, in s->dx, without its factor. Some panels of e at a time meet their part of w^T. */
static void input_gradients(const loss_job *j, const span *s)
{
    const iv__cpu *cpu = j->cpu;
    const float *w = j->k->packed[1];
    int64_t ldc = j->dx_panels.vectors * cpu->width, tiles = s->padded / cpu->rows;

    for (int64_t p = 0, next; p < j->panels.count; p = next) {
        int64_t width = panel_width(j, p), first = iv__panel_begin(&j->panels, p), classes = panel_classes(j, p);
        stream streams[DX_PANELS];
        for (next = p + 1; next < min64(p + DX_PANELS, j->panels.count) && panel_classes(j, next) == classes;)
            next++;
        int n = 0;
        for (int64_t q = next; q < min64(next + DX_PANELS, j->panels.count); q++)
            streams[n++] = (stream){ e_panel(j, s, q), s->padded * width / 16 };
        iv__tile_call t = { .k = classes, .blocks = next - p, .ai = width, .ak = 1, .a_block = j->e_panel_rows * width,
                            .ldc = ldc, .add = p > 0, .last = cpu->width };
        for (int64_t q = 0; q < j->dx_panels.count; q++) {
            int64_t vectors = iv__panel_vectors(&j->dx_panels, q), column = iv__panel_begin(&j->dx_panels, q);
            t.b = w + column * j->classes + first * vectors * cpu->width;
            for (int64_t tile = 0; tile < tiles; tile++) {
                t.a = e_panel(j, s, p) + tile * cpu->rows * width;
                t.c = s->dx + tile * cpu->rows * ldc + column;
                look_ahead(&t, streams, n, (q * tiles + tile) * classes * t.blocks);
                cpu->tile[cpu->rows][vectors](&t);
            }
        }
    }
}

static void row_task(const loss_job *j, const task *t, int thread)
{
    const iv_kernel_call *k = j->k;
    const float *x = k->in[X].data, *weight = k->in[WEIGHT].data, *dloss = j->back ? k->in[DLOSS].data : NULL;
    float *dx = j->back ? k->out[0].data : NULL, *loss = k->out[j->back ? 3 : 0].data;
    span s = span_of(j, t, thread);

    for (int64_t r = 0; r < s.count; r++)
        memcpy(s.x + r * j->x_row, x + j->row[s.first + r] * j->inputs, (size_t)j->inputs * sizeof *x);
    for (int64_t r = s.count; r < s.padded; r++)
        memset(s.x + r * j->x_row, 0, (size_t)j->inputs * sizeof *x);
    exponentials(j, &s);
    for (int64_t r = 0; r < s.count; r++) {
        int64_t from = j->row[s.first + r];
        float sum = sum_of(j, &s, r);
        if (loss)
            loss[from] = loss_of(j, &s, r, sum);
        if (!j->back)
            continue;
        float factor = weight[from] * dloss[from] / sum;
        int32_t target = target_of(j, &s, r);
        j->cpu->scale(s.x + r * j->x_row, factor, s.x + r * j->x_row, j->inputs);
        s.x[r * j->x_row + j->inputs] = factor;
        if (target >= 0 && target < j->classes) {
            int64_t p = iv__panel_of(&j->panels, target);
            e_panel(j, &s, p)[r * panel_width(j, p) + target - iv__panel_begin(&j->panels, p)] -= sum;
        }
    }
    if (!dx)
        return;
    input_gradients(j, &s);
    for (int64_t r = 0; r < s.count; r++)
        j->cpu->scale(s.dx + r * j->dx_panels.vectors * j->cpu->width, s.x[r * j->x_row + j->inputs],
                      dx + j->row[s.first + r] * j->inputs, j->inputs);
}

/* ---- columns: dw and db --------------------------------------------------------------------------------------------- */

static int64_t rows_in_block(const loss_job *j, int64_t block)
{
    return min64(j->block_rows, j->rows - block * j->block_rows);
}

/* Rows [i0,i1) of dw in one panel, the last row being db: they are complete and go where they belong. */
static void deliver(const loss_job *j, int64_t panel, int64_t i0, int64_t i1)
{
    int64_t first = iv__panel_begin(&j->panels, panel), width = panel_width(j, panel);
    size_t bytes = (size_t)panel_classes(j, panel) * sizeof(float);
    const float *from = j->dw + first * (j->inputs + 1);
    float *dw = j->k->out[1].data, *db = j->k->out[2].data;

    for (int64_t i = i0; i < i1; i++) {
        float *to = i < j->inputs ? (dw ? dw + i * j->classes : NULL) : db;
        if (to)
            memcpy(to + first, from + i * width, bytes);
    }
}

static void weight_gradients(const loss_job *j, int64_t block, int64_t panel, int64_t i0, int64_t i1)
{
    const iv__cpu *cpu = j->cpu;
    int64_t rows = rows_in_block(j, block), vectors = iv__panel_vectors(&j->panels, panel), width = panel_width(j, panel);
    int64_t first = iv__panel_begin(&j->panels, panel);
    const float *xs = j->xs + (block & 1) * j->xs_block;
    const float *e = j->e + (block & 1) * j->e_block + first * j->e_panel_rows;
    float *dw = j->dw + first * (j->inputs + 1);

    for (int64_t r = 0; r < rows; r += SUM_ROWS) {
        iv__tile_call t = { .k = min64(SUM_ROWS, rows - r), .blocks = 1, .ai = 1, .ak = j->x_row, .b = e + r * width,
                            .ldc = width, .add = block > 0 || r > 0, .last = cpu->width };
        stream next = { t.b + t.k * width, t.k * width / 16 };
        for (int64_t i = i0, line = 0; i < i1; i += cpu->rows, line += t.k) {
            t.a = xs + r * j->x_row + i;
            t.c = dw + i * width;
            look_ahead(&t, &next, 1, line);
            cpu->tile[min64(cpu->rows, i1 - i)][vectors](&t);
        }
    }
    if (block == j->blocks - 1)
        deliver(j, panel, i0, i1);
}

static void column_task(const loss_job *j, const task *t)
{
    int64_t tiles = ceil_div(j->inputs + 1, j->cpu->rows);

    for (int64_t item = t->begin; item < t->end; item++) {
        int64_t pg = item / j->tile_groups, tg = item % j->tile_groups;
        int64_t i0 = iv__part(tiles, tg, j->tile_groups) * j->cpu->rows;
        int64_t i1 = min64(iv__part(tiles, tg + 1, j->tile_groups) * j->cpu->rows, j->inputs + 1);
        for (int64_t p = iv__part(j->panels.count, pg, j->panel_groups);
             p < iv__part(j->panels.count, pg + 1, j->panel_groups); p++)
            weight_gradients(j, t->block, p, i0, i1);
    }
}

/* ---- the list of tasks ------------------------------------------------------------------------------------------------ */

static void add_task(loss_job *j, bool columns, int64_t block, int64_t begin, int64_t end)
{
    j->tasks[j->n_tasks++] = (task){ columns, (int32_t)block, begin, end };
    j->all[columns][block]++;
}

static void add_rows(loss_job *j, int64_t block)
{
    for (int64_t r = 0; r < rows_in_block(j, block); r += j->task_rows)
        add_task(j, false, block, r, min64(r + j->task_rows, rows_in_block(j, block)));
}

/* Rows of a block stand before columns of the one before it. */
static void list_tasks(loss_job *j)
{
    for (int64_t b = 0; b < j->blocks; b++) {
        for (int i = 0; i < 2; i++) {
            atomic_init(&j->done[i][b], 0);
            j->all[i][b] = 0;
        }
    }
    for (int64_t b = 0; b < j->blocks + 1; b++) {
        if (b < j->blocks)
            add_rows(j, b);
        for (int64_t item = 0; b > 0 && j->dw && item < j->panel_groups * j->tile_groups; item++)
            add_task(j, true, b - 1, item, item + 1);
    }
}

static void await(const loss_job *j, int columns, int64_t block)
{
    if (block < 0)
        return;
    for (int spins = 0; atomic_load_explicit(&j->done[columns][block], memory_order_acquire) < j->all[columns][block]; spins++) {
        if (spins > SPINS)
            sched_yield();
    }
}

/* Tasks begin in order, so whatever is waited for was begun before. */
static void run_task(void *context, int64_t chunk, int thread)
{
    const loss_job *j = context;
    const task *t = &j->tasks[chunk];

    if (t->columns) {
        await(j, 0, t->block);     /* e and x of the block */
        await(j, 1, t->block - 1); /* dw sums blocks in order */
        column_task(j, t);
    } else {
        await(j, 1, t->block - 2); /* its half of e */
        row_task(j, t, thread);
    }
    atomic_fetch_add_explicit(&j->done[t->columns][t->block], 1, memory_order_release);
}

static void run(const iv__cpu *cpu, const iv_kernel_call *k, bool back)
{
    const float *weight = k->in[WEIGHT].data, *b = k->in[B].data;
    float *loss = k->out[back ? 3 : 0].data, *dx = back ? k->out[0].data : NULL;
    int64_t all = iv_shape_count(k->in[TARGET].shape);
    layout l = { k->scratch, 0 };
    loss_job j = job_of(cpu, k, back, all, &l);

    j.rows = 0;
    for (int64_t r = 0; r < all; r++) {
        if (weight[r] != 0) {
            j.row[j.rows++] = r;
            continue;
        }
        if (loss)
            loss[r] = 0;
        if (dx)
            memset(dx + r * j.inputs, 0, (size_t)j.inputs * sizeof *dx);
    }
    j.blocks = ceil_div(j.rows, j.block_rows);
    for (int64_t v = 0; v < j.panels.vectors * j.panels.width; v++)
        j.bias[v] = v < j.classes ? b[v] : -INFINITY;
    list_tasks(&j);
    iv__parallel(k->home, j.n_tasks, run_task, &j);
    if (j.dw && !j.rows) {
        if (k->out[1].data)
            memset(k->out[1].data, 0, (size_t)(j.inputs * j.classes) * sizeof(float));
        if (k->out[2].data)
            memset(k->out[2].data, 0, (size_t)j.classes * sizeof(float));
    }
}

void iv__linear_cross_entropy_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    run(cpu, k, false);
}

void iv__linear_cross_entropy_back_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    run(cpu, k, true);
}
