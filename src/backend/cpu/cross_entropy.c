/* cross_entropy.c: the rows "linear_cross_entropy" and "linear_cross_entropy_back" (ops/rows.h).
 *
 * Rows of weight 0 are left out beforehand. Tiles of the others leave the registers as e =
 * exp(logit - top): logits are never stored, e is, until dx = e w^T and dw = x^T e have taken it. dx
 * takes it panels by panels, while it is in L2, without the target's, which waits for the sum.
 * Every output has one owner and one order of summation. How the work is cut depends on the shape:
 *
 * - in BLOCKS of rows, through a list of ordered tasks: a row task makes e, the losses and dx of
 *   its rows; a column task adds what the block gives to some columns of dw. e of two blocks is
 *   stored: so row tasks of a block run beside column tasks of the one before, and no thread waits
 *   at a barrier;
 * - few classes: in PARTS of rows, each with a dw of its own, which are added at the end;
 * - few rows: in GROUPS of classes, so that each thread reads only some of w. On the way back w
 *   changes from run to run, and is read once: packed forms would be written and read besides, so
 *   a thread packs what it reads into a room of its own.
 *
 * top need not be the row's maximum, only near enough for e not to overflow: the first panel's
 * maximum is taken, and a tile of rows with a sum beyond 2^60 is done again with true maxima. The
 * factor of softmax and loss is applied to x and dx, not to e; the target enters as e[target] -=
 * sum, in f32, which keeps digits in the sums of dw and db. */
#include "backend/cpu/cross_entropy.h"

#include "base/threads.h"

#include <math.h>
#include <string.h>

enum {
    TASK_ROWS = 288,         /* of a row task, at most: what w is read for once */
    TASK_FLOATS = 160 << 10, /* of its x and dx, about: what lies in L2 */
    BLOCK_BYTES = 18 << 20,  /* of e, at most, if one step of dw is no more than that */
    SMALL_BLOCK = 512 << 10, /* of e: no block need be smaller */
    PART_FLOATS = 1 << 16,   /* of dw: several lie in L2 */
    PART_ROWS = 128,
    PARTS = 16,
    GROUP_PANELS = 8,
    GROUPS = 16,
};

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
 * dw, a task whole tiles. */
static void cut_rows(iv__loss_job *j, int64_t threads)
{
    int64_t row_bytes = j->columns * (int64_t)sizeof(float);
    int64_t most = iv__min64(TASK_ROWS,
                             iv__round_up(TASK_FLOATS / (j->x_row + j->dx_columns), j->row_unit));
    int64_t block = TASK_ROWS * iv__ceil_div(threads, 2);

    block = block < SMALL_BLOCK / row_bytes ? SMALL_BLOCK / row_bytes : block;
    block = iv__min64(block, BLOCK_BYTES / row_bytes);
    block = iv__min64(iv__round_up(j->rows, j->sum_rows), block / j->sum_rows * j->sum_rows);
    j->block_rows = block < j->sum_rows ? j->sum_rows : block;
    j->task_rows = iv__min64(iv__min64(most, j->block_rows),
                             iv__round_up(iv__ceil_div(j->rows, 4 * threads), j->row_unit));
}

static iv__loss_form form_of(const iv__loss_job *j)
{
    if (j->back && (j->inputs + 1) * j->columns <= PART_FLOATS)
        return IV__LOSS_PARTS;
    if (j->rows <= TASK_ROWS && j->panels.count >= 2 * GROUP_PANELS)
        return IV__LOSS_GROUPS;
    return IV__LOSS_BLOCKS;
}

static void lay_out_blocks(iv__loss_job *j, int64_t threads, layout *l)
{
    iv__loss_span s;

    cut_rows(j, threads);
    j->blocks = iv__ceil_div(j->rows, j->block_rows);
    j->e_rows = iv__round_up(j->block_rows, j->row_unit);

    int64_t tiles = iv__ceil_div(j->inputs + 1, j->cpu->rows);
    j->panel_groups = iv__ceil_div(j->panels.count, 4);
    if (j->panel_groups < 2 * threads)
        j->panel_groups = j->panels.count;
    j->tile_groups = iv__min64(tiles, iv__ceil_div(2 * threads, j->panel_groups));
    if (j->back)
        j->dw = take(l, j->dw_part, sizeof(float));
    j->room = iv__loss_room(j, j->task_rows, NULL, &s);
    int64_t per_block = iv__ceil_div(j->block_rows, j->task_rows) + j->panel_groups * j->tile_groups;
    j->tasks = take(l, j->blocks * per_block, sizeof *j->tasks);
    for (int i = 0; i < 2; i++) {
        j->done[i] = take(l, j->blocks, sizeof *j->done[i]);
        j->all[i] = take(l, j->blocks, sizeof *j->all[i]);
    }
}

static void lay_out_parts(iv__loss_job *j, layout *l)
{
    iv__loss_span s;

    j->parts = iv__min64(iv__ceil_div(j->rows, PART_ROWS), PARTS);
    j->e_rows = j->task_rows = iv__round_up(j->sum_rows, j->row_unit);
    j->dw = take(l, j->parts * j->dw_part, sizeof(float));
    j->room = iv__loss_room(j, j->task_rows, NULL, &s);
}

static void lay_out_groups(iv__loss_job *j, layout *l)
{
    iv__loss_span s;

    j->groups = iv__min64(j->panels.count / GROUP_PANELS, GROUPS);
    j->bare = j->back && j->cpu->operands != IV__PAIRS;
    if (j->cpu->operands != IV__PAIRS) {
        j->tile_rows = iv__ceil_div(j->rows, iv__ceil_div(j->rows, j->cpu->rows));
        j->row_unit = 4 * j->tile_rows;
    }
    j->e_rows = j->task_rows = iv__round_up(j->rows, j->row_unit);
    j->x = take(l, j->task_rows * j->x_row, iv__operand_bytes(j->cpu));
    j->top = take(l, j->rows, sizeof(float));
    j->at = take(l, j->rows, sizeof(float));
    j->factor = take(l, j->rows, sizeof(float));
    j->sums = take(l, j->groups * j->rows * j->cpu->width, sizeof(float));
    j->dx = take(l, j->back ? j->groups * j->rows * j->dx_columns : 0, sizeof(float));
    j->target_w = take(l, j->bare ? j->rows * j->dx_columns : 0, sizeof(float));
    j->room = iv__loss_room(j, j->task_rows, NULL, &s);
}

/* Sizes for `rows` rows, and where everything lies in scratch (base NULL: only how much). */
static iv__loss_job job_of(const iv__cpu *cpu, const iv_kernel_call *k, bool back, int64_t rows,
                           layout *l)
{
    const iv_shape *w = k->in[W].shape;
    int64_t threads = iv_home_threads(k->home), bytes = (int64_t)iv__operand_bytes(cpu);
    iv__loss_job j = {
        .k = k, .cpu = cpu, .back = back, .rows = rows, .inputs = w->dim[0], .classes = w->dim[1]
    };
    bool pairs = cpu->operands == IV__PAIRS;
    int64_t line = 64 / bytes;

    j.weights = back && (k->out[1].data || k->out[2].data);
    j.panels = iv__panels_of(cpu, j.classes);
    j.dx_panels = iv__panels_of(cpu, j.inputs);
    j.columns = iv__round_up(j.panels.vectors * j.panels.width, cpu->k_unit);
    j.dx_columns = j.dx_panels.vectors * j.dx_panels.width;
    j.sum_rows = pairs ? 288 : 144;
    j.tile_rows = cpu->rows;
    j.row_unit = pairs ? 32 : 36; /* sum_rows are a multiple of it, it is one of a tile's rows */
    j.high = pairs ? iv__round_up(j.inputs + 1, cpu->row_unit) : j.inputs + 1;
    j.x_row = (iv__round_up(iv__operand_k(cpu, j.inputs) + 1, line) / line | 1) * line;
    j.dw_part = (j.inputs + 1) * j.columns;
    j.form = form_of(&j);
    j.row = take(l, rows, sizeof *j.row);
    j.bias = take(l, j.columns, sizeof(float));
    if (j.form == IV__LOSS_BLOCKS)
        lay_out_blocks(&j, threads, l);
    else if (j.form == IV__LOSS_PARTS)
        lay_out_parts(&j, l);
    else
        lay_out_groups(&j, l);
    /* Parts hold what follows per thread, blocks twice. */
    int64_t times = !back                       ? 0
                    : j.form == IV__LOSS_PARTS  ? threads
                    : j.form == IV__LOSS_BLOCKS ? 2
                                                : 1;
    j.xs_block = j.e_rows * j.high * bytes;
    j.e_block = j.e_rows * j.columns * bytes;
    j.xs = take(l, times * j.xs_block, 1);
    j.e = take(l, times * j.e_block, 1);
    j.rooms = take(l, threads * (int64_t)j.room, 1);
    return j;
}

static size_t scratch_of(const iv__cpu *cpu, const iv_kernel_call *k, bool back)
{
    layout l = { NULL, 0 };

    job_of(cpu, k, back, iv_shape_count(k->in[TARGET].shape), &l);
    return l.used;
}

int iv__linear_cross_entropy_packings(const iv__cpu *cpu, const iv_kernel_call *k,
                                      iv__packing panels, iv__packing want[IV__MAX_PACKED])
{
    (void)cpu, (void)k;
    want[0] = iv__want(panels, W, IV__PANELS);
    return 1;
}

int iv__linear_cross_entropy_back_packings(const iv__cpu *cpu, const iv_kernel_call *k,
                                           iv__packing panels, iv__packing want[IV__MAX_PACKED])
{
    layout l = { NULL, 0 };

    if (job_of(cpu, k, true, iv_shape_count(k->in[TARGET].shape), &l).bare)
        return 0;
    want[0] = iv__want(panels, W, IV__PANELS);
    want[1] = iv__want(panels, W, IV__PANELS_TRANSPOSED);
    return 2;
}

size_t iv__linear_cross_entropy_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    return scratch_of(cpu, k, false);
}

size_t iv__linear_cross_entropy_back_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    return scratch_of(cpu, k, true);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static void row_task(const iv__loss_job *j, const iv__loss_task *t, int thread)
{
    iv__loss_span s = { .first = t->block * j->block_rows + t->begin,
                        .begin = t->begin,
                        .count = t->end - t->begin };
    int64_t half = t->block & 1;

    iv__loss_room(j, j->task_rows, j->rooms + (size_t)thread * j->room, &s);
    s.xs = j->xs + half * j->xs_block;
    s.e = j->e + half * j->e_block;
    iv__loss_rows(j, &s);
}

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

static void column_task(const iv__loss_job *j, const iv__loss_task *t)
{
    int64_t tiles = iv__ceil_div(j->inputs + 1, j->cpu->rows),
            bytes = (int64_t)iv__operand_bytes(j->cpu);
    int64_t half = t->block & 1;

    for (int64_t item = t->begin; item < t->end; item++) {
        int64_t pg = item / j->tile_groups, tg = item % j->tile_groups;
        iv__loss_columns c = { .xs = j->xs + half * j->xs_block,
                               .rows = iv__loss_rows_in(j, t->block),
                               .i0 = iv__part(tiles, tg, j->tile_groups) * j->cpu->rows,
                               .add = t->block > 0,
                               .last = j->cpu->width };
        c.i1 = iv__min64(iv__part(tiles, tg + 1, j->tile_groups) * j->cpu->rows, j->inputs + 1);
        int64_t end = iv__part(j->panels.count, pg + 1, j->panel_groups);
        for (c.panel = iv__part(j->panels.count, pg, j->panel_groups); c.panel < end; c.panel++) {
            int64_t first = iv__panel_begin(&j->panels, c.panel);
            c.e = j->e + half * j->e_block + first * j->e_rows * bytes;
            c.ldc = iv__loss_width(j, c.panel);
            c.to = j->dw + first * (j->inputs + 1) + c.i0 * c.ldc;
            iv__loss_weights(j, &c);
            if (t->block == j->blocks - 1)
                deliver(j, c.panel, c.i0, c.i1);
        }
    }
}

static void add_task(iv__loss_job *j, bool columns, int64_t block, int64_t begin, int64_t end)
{
    j->tasks[j->n_tasks++] = (iv__loss_task){ columns, (int32_t)block, begin, end };
    j->all[columns][block]++;
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
        for (int64_t r = 0; b < j->blocks && r < iv__loss_rows_in(j, b); r += j->task_rows)
            add_task(j, false, b, r, iv__min64(r + j->task_rows, iv__loss_rows_in(j, b)));
        for (int64_t item = 0; b > 0 && j->weights && item < j->panel_groups * j->tile_groups; item++)
            add_task(j, true, b - 1, item, item + 1);
    }
}

static void await(const iv__loss_job *j, int columns, int64_t block)
{
    if (block >= 0)
        iv__await(j->k->home, &j->done[columns][block], j->all[columns][block]);
}

/* Tasks begin in order, so whatever is waited for was begun before. */
static void run_task(void *context, int64_t chunk, int thread)
{
    const iv__loss_job *j = context;
    const iv__loss_task *t = &j->tasks[chunk];

    if (t->columns) {
        await(j, 0, t->block);     /* e and x of the block */
        await(j, 1, t->block - 1); /* dw sums blocks in order */
    } else {
        await(j, 1, t->block - 2); /* its half of e */
    }
    iv__loss_begin(j);
    if (t->columns)
        column_task(j, t);
    else
        row_task(j, t, thread);
    iv__loss_end(j);
    iv__signal(j->k->home, &j->done[t->columns][t->block]);
}

static void run_blocks(iv__loss_job *j)
{
    j->blocks = iv__ceil_div(j->rows, j->block_rows);
    list_tasks(j);
    iv__parallel(j->k->home, j->n_tasks, run_task, j);
}

/* ---- the rows -------------------------------------------------------------------------------- */

/* Rows of weight 0 give nothing. */
static void list_rows(iv__loss_job *j)
{
    const iv_kernel_call *k = j->k;
    const float *weight = k->in[WEIGHT].data;
    float *loss = k->out[j->back ? 3 : 0].data, *dx = j->back ? k->out[0].data : NULL;
    int64_t all = j->rows;

    j->rows = 0;
    for (int64_t r = 0; r < all; r++) {
        if (weight[r] != 0) {
            j->row[j->rows++] = r;
            continue;
        }
        if (loss)
            loss[r] = 0;
        if (dx)
            memset(dx + r * j->inputs, 0, (size_t)j->inputs * sizeof *dx);
    }
}

static void run(const iv__cpu *cpu, const iv_kernel_call *k, bool back)
{
    const float *b = k->in[B].data;
    layout l = { k->scratch, 0 };
    iv__loss_job j = job_of(cpu, k, back, iv_shape_count(k->in[TARGET].shape), &l);

    list_rows(&j);
    for (int64_t v = 0; v < j.columns; v++)
        j.bias[v] = v < j.classes ? b[v] : -INFINITY;
    if (!j.rows) {
        if (back && k->out[1].data)
            memset(k->out[1].data, 0, (size_t)(j.inputs * j.classes) * sizeof(float));
        if (back && k->out[2].data)
            memset(k->out[2].data, 0, (size_t)j.classes * sizeof(float));
    } else if (j.form == IV__LOSS_BLOCKS) {
        run_blocks(&j);
    } else if (j.form == IV__LOSS_PARTS) {
        iv__loss_run_parts(&j);
    } else {
        iv__loss_run_groups(&j);
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
