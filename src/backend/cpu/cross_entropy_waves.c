/* cross_entropy_waves.c: the fused loss in regions one after the other: of few classes in parts of
 * rows, of few rows in groups of classes. */
#include "backend/cpu/cross_entropy.h"

#include "base/threads.h"

enum { DW_ROWS = 16 }; /* that one task adds up and delivers */

static iv__loss_span span_of(const iv__loss_job *j, int thread)
{
    iv__loss_span s = { 0 };

    iv__loss_room(j, j->task_rows, j->rooms + (size_t)thread * j->room, &s);
    return s;
}

/* ---- parts ----------------------------------------------------------------------------------- */

/* e, losses and dx of the part's rows, and its dw. */
static void part_task(void *context, int64_t part, int thread)
{
    const iv__loss_job *j = context;
    int64_t unit = j->cpu->operands == IV__PAIRS ? j->row_unit : j->cpu->rows;
    int64_t units = iv__ceil_div(j->rows, unit), bytes = (int64_t)iv__operand_bytes(j->cpu);
    int64_t begin = iv__part(units, part, j->parts) * unit,
            end = iv__min64(iv__part(units, part + 1, j->parts) * unit, j->rows);
    iv__loss_span s = span_of(j, thread);

    s.xs = j->xs + thread * j->xs_block;
    s.e = j->e + thread * j->e_block;
    iv__loss_begin(j);
    for (s.first = begin; s.first < end; s.first += s.count) {
        s.count = iv__min64(j->sum_rows, end - s.first);
        iv__loss_rows(j, &s);
        iv__loss_columns c = {
            .xs = s.xs, .rows = s.count, .i1 = j->inputs + 1, .add = s.first > begin, .last = j->cpu->width
        };
        for (; j->weights && c.panel < j->panels.count; c.panel++) {
            int64_t first = iv__panel_begin(&j->panels, c.panel);
            c.e = s.e + first * j->e_rows * bytes;
            c.to = j->dw + part * j->dw_part + first * (j->inputs + 1);
            c.ldc = iv__loss_width(j, c.panel);
            iv__loss_weights(j, &c);
        }
    }
    iv__loss_end(j);
}

/* Rows of dw, all parts of them: the last is db. */
static void add_parts(void *context, int64_t chunk, int thread)
{
    const iv__loss_job *j = context;
    float *dw = j->k->out[1].data, *db = j->k->out[2].data;
    int64_t end = iv__min64((chunk + 1) * DW_ROWS, j->inputs + 1);

    (void)thread;
    for (int64_t i = chunk * DW_ROWS; i < end; i++) {
        float *to = i == j->inputs ? db : dw ? dw + i * j->classes : NULL;
        for (int64_t p = 0; to && p < j->panels.count; p++) {
            int64_t first = iv__panel_begin(&j->panels, p);
            const float *from = j->dw + first * (j->inputs + 1) + i * iv__loss_width(j, p);
            j->cpu->sum_parts(from, j->parts, j->dw_part, 1, to + first, iv__loss_classes(j, p));
        }
    }
}

void iv__loss_run_parts(iv__loss_job *j)
{
    j->parts = iv__min64(j->parts, iv__ceil_div(j->rows, j->row_unit));
    iv__parallel(j->k->home, j->parts, part_task, j);
    if (j->weights)
        iv__parallel(j->k->home, iv__ceil_div(j->inputs + 1, DW_ROWS), add_parts, j);
}

/* ---- groups ---------------------------------------------------------------------------------- */

/* Rows [begin, begin + count) of all, as every group sees them. */
static iv__loss_span shared_span(const iv__loss_job *j, int64_t begin, int64_t count, int thread)
{
    iv__loss_span s = span_of(j, thread);

    s.first = s.begin = begin;
    s.count = count;
    s.x_row = j->x_row;
    s.x = s.x_room = j->x + begin * j->x_row * (int64_t)iv__operand_bytes(j->cpu);
    s.xs = j->xs;
    s.e = j->e;
    s.top = j->top + begin;
    s.at = j->at + begin;
    s.factor = j->factor + begin;
    s.sums = j->sums + begin * j->cpu->width;
    s.dx = j->dx + begin * j->dx_columns;
    return s;
}

static iv__loss_span rows_of(const iv__loss_job *j, int64_t chunk, int thread)
{
    return shared_span(j, chunk * j->row_unit,
                       iv__min64(j->row_unit, j->rows - chunk * j->row_unit), thread);
}

/* x as a left factor, and top from the first panel. */
static void prepare_rows(void *context, int64_t chunk, int thread)
{
    const iv__loss_job *j = context;
    iv__loss_span s = rows_of(j, chunk, thread);

    iv__loss_copy_x(j, &s);
    iv__loss_begin(j);
    iv__loss_exp(j, &s, 0, 1, IV__EXP_FIND_TOP);
    iv__loss_end(j);
}

/* e of the group's classes, and what they give to dx. */
static void exp_group(void *context, int64_t g, int thread)
{
    const iv__loss_job *j = context;
    iv__loss_span s = shared_span(j, 0, j->rows, thread);

    s.sums += g * j->rows * j->cpu->width;
    s.dx += g * j->rows * j->dx_columns;
    iv__loss_find_targets(j, &s);
    iv__loss_begin(j);
    iv__loss_exp(j, &s, iv__part(j->panels.count, g, j->groups),
                 iv__part(j->panels.count, g + 1, j->groups), IV__EXP_GIVEN_TOP);
    iv__loss_end(j);
}

static void finish_rows(void *context, int64_t chunk, int thread)
{
    const iv__loss_job *j = context;
    iv__loss_span s = rows_of(j, chunk, thread);

    iv__loss_find_targets(j, &s);
    iv__loss_begin(j);
    iv__loss_finish(j, &s, j->groups);
    iv__loss_end(j);
}

/* Rows [i0,i1) of dw for panels [p0,p1), where they belong; the last row of all is db. */
static void group_weights(const iv__loss_job *j, int64_t i0, int64_t i1, int64_t p0, int64_t p1)
{
    float *dw = j->k->out[1].data, *db = j->k->out[2].data;
    float *to = i0 == j->inputs ? db : dw ? dw + i0 * j->classes : NULL;
    iv__loss_columns c = { .xs = j->xs, .rows = j->rows, .i0 = i0, .i1 = i1, .ldc = j->classes };

    for (c.panel = p0; to && c.panel < p1; c.panel++) {
        int64_t first = iv__panel_begin(&j->panels, c.panel);
        c.e = j->e + first * j->e_rows * (int64_t)iv__operand_bytes(j->cpu);
        c.to = to + first;
        c.last = (int)(iv__loss_classes(j, c.panel) - iv__loss_width(j, c.panel)) + j->cpu->width;
        iv__loss_weights(j, &c);
    }
}

/* dw of the group's classes, some rows after the other: neighbouring panels share cache lines of it. */
static void group_columns(void *context, int64_t g, int thread)
{
    const iv__loss_job *j = context;
    int64_t p0 = iv__part(j->panels.count, g, j->groups),
            p1 = iv__part(j->panels.count, g + 1, j->groups);

    (void)thread;
    iv__loss_begin(j);
    for (int64_t i = 0; i < j->inputs; i += j->cpu->rows)
        group_weights(j, i, iv__min64(i + j->cpu->rows, j->inputs), p0, p1);
    group_weights(j, j->inputs, j->inputs + 1, p0, p1);
    iv__loss_end(j);
}

static void add_groups(void *context, int64_t chunk, int thread)
{
    const iv__loss_job *j = context;
    float *dx = j->k->out[0].data;
    int64_t end = iv__min64((chunk + 1) * j->row_unit, j->rows);

    (void)thread;
    for (int64_t r = chunk * j->row_unit; r < end; r++)
        j->cpu->sum_parts(j->dx + r * j->dx_columns, j->groups, j->rows * j->dx_columns,
                          j->factor[r], dx + j->row[r] * j->inputs, j->inputs);
}

void iv__loss_run_groups(iv__loss_job *j)
{
    iv_home *home = j->k->home;
    int64_t spans = iv__ceil_div(j->rows, j->row_unit);

    iv__parallel(home, spans, prepare_rows, j);
    iv__parallel(home, j->groups, exp_group, j);
    iv__parallel(home, spans, finish_rows, j);
    if (!j->back)
        return;
    if (j->weights)
        iv__parallel(home, j->groups, group_columns, j);
    if (j->k->out[0].data)
        iv__parallel(home, spans, add_groups, j);
}
