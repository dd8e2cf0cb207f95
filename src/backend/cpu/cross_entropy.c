/* cross_entropy.c: the rows "linear_cross_entropy" and "linear_cross_entropy_back" (ops/rows.h).
 *
 * Rows of weight 0 are left out beforehand. The others go in blocks through a list of ordered
 * tasks: a row task makes e = exp(logit - top) of its rows straight from the registers, the losses,
 * and dx; a column task adds what the block gives to some columns of dw. Logits are never stored, e
 * of two blocks is: so row tasks of a block run beside column tasks of the one before, and no
 * thread waits at a barrier. Every output has one owner and one order of summation.
 *
 * top need not be the row's maximum, only near enough for e not to overflow: the first panel's
 * maximum is taken, and a tile of rows with a sum beyond 2^60 is done again with true maxima. The
 * factor of softmax and loss is applied to x and dx, not to e; the target enters as e[target] -=
 * sum, which keeps digits in the sums of dw and db. */
#include "backend/cpu/cross_entropy.h"

#include "base/threads.h"

#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum {
    TASK_ROWS = 288,         /* of a row task, at most: what w is read for once */
    ROW_UNIT = 36,           /* divides the rows of tasks: whole tiles of each instruction set */
    BLOCK_BYTES = 18 << 20,  /* of e, at most, if SUM_ROWS rows are no more than that */
    SMALL_BLOCK = 512 << 10, /* of e: no block need be smaller */
    SPINS = 2000,
};

int iv__linear_cross_entropy_packings(const iv_kernel_call *k, iv_packing panels,
                                      iv_packing want[IV_MAX_PACKED])
{
    (void)k;
    want[0] = iv__want(panels, W, IV__PANELS);
    return 1;
}

int iv__linear_cross_entropy_back_packings(const iv_kernel_call *k, iv_packing panels,
                                           iv_packing want[IV_MAX_PACKED])
{
    (void)k;
    want[0] = iv__want(panels, W, IV__PANELS);
    want[1] = iv__want(panels, W, IV__PANELS_TRANSPOSED);
    return 2;
}

/* ---- sizes and the layout of scratch --------------------------------------------------------- */

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

/* Two blocks are in hand at once, so each holds row tasks for half the threads, as far as e stays
 * small enough. Which rows share a block or a task changes no sum: a block holds whole steps of
 * dw. */
static void cut_rows(iv__loss_job *j, int64_t threads)
{
    int64_t row_bytes = j->panels.vectors * j->panels.width * (int64_t)sizeof(float);
    int64_t block = TASK_ROWS * iv__ceil_div(threads, 2);

    block = block < SMALL_BLOCK / row_bytes ? SMALL_BLOCK / row_bytes : block;
    block = iv__min64(block, BLOCK_BYTES / row_bytes);
    block = iv__min64(iv__round_up(j->rows, SUM_ROWS), block / SUM_ROWS * SUM_ROWS);
    j->block_rows = block < SUM_ROWS ? SUM_ROWS : block;
    j->task_rows = iv__min64(iv__min64(TASK_ROWS, j->block_rows),
                             iv__round_up(iv__ceil_div(j->rows, 4 * threads), ROW_UNIT));
}

/* Sizes for `rows` rows, and where everything lies in scratch (base NULL: only how much). */
static iv__loss_job job_of(const iv__cpu *cpu, const iv_kernel_call *k, bool back, int64_t rows,
                           layout *l)
{
    const iv_shape *w = k->in[W].shape;
    int64_t threads = iv_home_threads(k->home);
    iv__loss_job j = {
        .k = k, .cpu = cpu, .back = back, .rows = rows, .inputs = w->dim[0], .classes = w->dim[1]
    };
    bool weights = back && (k->out[1].data || k->out[2].data || !l->base);

    j.panels = iv__panels_of(cpu, j.classes);
    j.dx_panels = iv__panels_of(cpu, j.inputs);
    cut_rows(&j, threads);
    j.blocks = iv__ceil_div(rows, j.block_rows);
    j.x_row = (iv__round_up(j.inputs + 1, 16) / 16 | 1) * 16;

    int64_t tiles = iv__ceil_div(j.inputs + 1, cpu->rows);
    j.panel_groups = iv__ceil_div(j.panels.count, 4);
    if (j.panel_groups < 2 * threads)
        j.panel_groups = j.panels.count;
    j.tile_groups = iv__min64(tiles, iv__ceil_div(2 * threads, j.panel_groups));

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
    int64_t per_block = iv__ceil_div(j.block_rows, j.task_rows) + j.panel_groups * j.tile_groups;
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

/* ---- columns: dw and db ---------------------------------------------------------------------- */

/* Rows [i0,i1) of dw in one panel, the last row being db: they are complete and go where they
 * belong. */
static void deliver(const iv__loss_job *j, int64_t panel, int64_t i0, int64_t i1)
{
    int64_t first = iv__panel_begin(&j->panels, panel), width = iv__loss_width(j, panel);
    size_t bytes = (size_t)iv__loss_classes(j, panel) * sizeof(float);
    const float *from = j->dw + first * (j->inputs + 1);
    float *dw = j->k->out[1].data, *db = j->k->out[2].data;

    for (int64_t i = i0; i < i1; i++) {
        float *to = i < j->inputs ? (dw ? dw + i * j->classes : NULL) : db;
        if (to)
            memcpy(to + first, from + i * width, bytes);
    }
}

static void weight_gradients(const iv__loss_job *j, int64_t block, int64_t panel, int64_t i0, int64_t i1)
{
    const iv__cpu *cpu = j->cpu;
    int64_t rows = iv__loss_rows_in(j, block), vectors = iv__panel_vectors(&j->panels, panel),
            width = iv__loss_width(j, panel);
    int64_t first = iv__panel_begin(&j->panels, panel);
    const float *xs = j->xs + (block & 1) * j->xs_block;
    const float *e = j->e + (block & 1) * j->e_block + first * j->e_panel_rows;
    float *dw = j->dw + first * (j->inputs + 1);

    for (int64_t r = 0; r < rows; r += SUM_ROWS) {
        iv__tile_call t = { .k = iv__min64(SUM_ROWS, rows - r),
                            .blocks = 1,
                            .ai = 1,
                            .ak = j->x_row,
                            .b = e + r * width,
                            .ldc = width,
                            .add = block > 0 || r > 0,
                            .last = cpu->width };
        iv__stream next = { t.b + t.k * width, t.k * width / 16 };
        for (int64_t i = i0, line = 0; i < i1; i += cpu->rows, line += t.k) {
            t.a = xs + r * j->x_row + i;
            t.c = dw + i * width;
            iv__look_ahead(&t, &next, 1, line);
            iv__tile_run(cpu, iv__min64(cpu->rows, i1 - i), vectors, &t);
        }
    }
    if (block == j->blocks - 1)
        deliver(j, panel, i0, i1);
}

void iv__loss_column_task(const iv__loss_job *j, const iv__loss_task *t)
{
    int64_t tiles = iv__ceil_div(j->inputs + 1, j->cpu->rows);

    for (int64_t item = t->begin; item < t->end; item++) {
        int64_t pg = item / j->tile_groups, tg = item % j->tile_groups;
        int64_t i0 = iv__part(tiles, tg, j->tile_groups) * j->cpu->rows;
        int64_t i1 = iv__min64(iv__part(tiles, tg + 1, j->tile_groups) * j->cpu->rows, j->inputs + 1);
        for (int64_t p = iv__part(j->panels.count, pg, j->panel_groups);
             p < iv__part(j->panels.count, pg + 1, j->panel_groups); p++)
            weight_gradients(j, t->block, p, i0, i1);
    }
}

/* ---- the list of tasks ----------------------------------------------------------------------- */

static void add_task(iv__loss_job *j, bool columns, int64_t block, int64_t begin, int64_t end)
{
    j->tasks[j->n_tasks++] = (iv__loss_task){ columns, (int32_t)block, begin, end };
    j->all[columns][block]++;
}

static void add_rows(iv__loss_job *j, int64_t block)
{
    for (int64_t r = 0; r < iv__loss_rows_in(j, block); r += j->task_rows)
        add_task(j, false, block, r, iv__min64(r + j->task_rows, iv__loss_rows_in(j, block)));
}

/* Rows of a block stand before columns of the one before it. */
static void list_tasks(iv__loss_job *j)
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

static void await(const iv__loss_job *j, int columns, int64_t block)
{
    if (block < 0)
        return;
    _Atomic int32_t *done = &j->done[columns][block];
    for (int spins = 0; atomic_load_explicit(done, memory_order_acquire) < j->all[columns][block];
         spins++) {
        if (spins > SPINS)
            sched_yield();
#ifndef IVORY_NO_X86
        else
            __builtin_ia32_pause();
#endif
    }
}

/* Tasks begin in order, so whatever is waited for was begun before. */
static void run_task(void *context, int64_t chunk, int thread)
{
    const iv__loss_job *j = context;
    const iv__loss_task *t = &j->tasks[chunk];

    if (t->columns) {
        await(j, 0, t->block);     /* e and x of the block */
        await(j, 1, t->block - 1); /* dw sums blocks in order */
        iv__loss_column_task(j, t);
    } else {
        await(j, 1, t->block - 2); /* its half of e */
        iv__loss_row_task(j, t, thread);
    }
    atomic_fetch_add_explicit(&j->done[t->columns][t->block], 1, memory_order_release);
}

static void run(const iv__cpu *cpu, const iv_kernel_call *k, bool back)
{
    const float *weight = k->in[WEIGHT].data, *b = k->in[B].data;
    float *loss = k->out[back ? 3 : 0].data, *dx = back ? k->out[0].data : NULL;
    int64_t all = iv_shape_count(k->in[TARGET].shape);
    layout l = { k->scratch, 0 };
    iv__loss_job j = job_of(cpu, k, back, all, &l);

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
    j.blocks = iv__ceil_div(j.rows, j.block_rows);
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
