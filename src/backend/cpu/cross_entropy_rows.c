/* cross_entropy_rows.c: pieces of the fused loss that go by rows: e, sums, losses and dx. */
#include "backend/cpu/cross_entropy.h"

#include "base/math.h"
#include "base/threads.h"

#include <math.h>
#include <string.h>

enum {
    DX_PANELS = 3,     /* panels of e that one step of dx takes, out of L2 */
    TARGETS_AHEAD = 8, /* rows whose target's weights are asked for before they are needed */
    K_CHUNK = 384,     /* inputs whose products are summed in registers */
    MOST_K_UNIT = 32,
};

/* Whether dx comes after the sums: e of few classes is in L2 then, and the target's may first be put
 * in its place. Else dx is taken while e is in L2, and the target gives its part afterwards. */
static bool dx_is_late(const iv__loss_job *j)
{
    return j->form == IV__LOSS_PARTS;
}

static void *take(char *room, size_t *used, int64_t count, size_t size)
{
    char *at = room ? room + *used : NULL;

    *used += ((size_t)count * size + 63) & ~(size_t)63;
    return at;
}

size_t iv__loss_room(const iv__loss_job *j, int64_t rows, char *room, iv__loss_span *s)
{
    const iv__cpu *cpu = j->cpu;
    size_t used = 0;

    s->x = s->x_room = take(room, &used, iv__round_up(rows, cpu->row_unit) * j->x_row,
                            iv__operand_bytes(cpu));
    s->sums = take(room, &used, rows * cpu->width, sizeof(float));
    s->top = take(room, &used, rows, sizeof(float));
    s->at = take(room, &used, rows, sizeof(float));
    s->sum = take(room, &used, rows, sizeof(float));
    s->factor = take(room, &used, rows, sizeof(float));
    s->exact = take(room, &used, cpu->rows * cpu->vectors * cpu->width, sizeof(float));
    s->log = take(room, &used, rows, sizeof(float));
    s->w = take(room, &used, j->bare ? cpu->vectors * cpu->width * j->inputs : 0, sizeof(float));
    s->turned = take(room, &used,
                     j->bare ? DX_PANELS * cpu->vectors * cpu->width * cpu->vectors * cpu->width : 0,
                     sizeof(float));
    s->head = take(room, &used, j->panels.count, sizeof *s->head);
    s->next = take(room, &used, rows, sizeof *s->next);
    s->panel = take(room, &used, rows, sizeof *s->panel);
    s->column = take(room, &used, rows, sizeof *s->column);
    s->dx = take(room, &used, j->back ? rows * j->dx_columns : 0, sizeof(float));
    s->scaled = take(room, &used, j->back ? j->row_unit * (j->inputs + 1) : 0, sizeof(float));
    s->left = take(room, &used,
                   j->back && cpu->operands == IV__PAIRS
                       ? (dx_is_late(j) ? j->panels.count : DX_PANELS) * iv__round_up(rows, j->row_unit) *
                             iv__operand_k(cpu, cpu->vectors * cpu->width)
                       : 0,
                   iv__operand_bytes(cpu));
    return used;
}

/* e of these rows and a panel of classes: elements of a row are its width, filled up to k_unit. */
static int64_t e_row(const iv__loss_job *j, int64_t panel)
{
    return iv__operand_k(j->cpu, iv__loss_width(j, panel));
}

static char *e_panel(const iv__loss_job *j, const iv__loss_span *s, int64_t panel)
{
    int64_t element = iv__panel_begin(&j->panels, panel) * j->e_rows +
                      s->begin * iv__loss_width(j, panel);

    return s->e + element * (int64_t)iv__operand_bytes(j->cpu);
}

/* Elements from one panel of e to the next of its width, as left factors. */
static int64_t left_apart(const iv__loss_job *j, int64_t panel)
{
    const iv__cpu *cpu = j->cpu;

    if (cpu->operands != IV__PAIRS)
        return j->e_rows * e_row(j, panel);
    return iv__round_up(j->task_rows, j->row_unit) * iv__operand_k(cpu, cpu->vectors * cpu->width);
}

/* e of a panel as left factor of dx: as f32 the right factor is one, too. PAIRS: that of a step of
 * dx, which begins with panel `step`, or of all. */
static char *left_panel(const iv__loss_job *j, const iv__loss_span *s, int64_t panel, int64_t step)
{
    if (j->cpu->operands != IV__PAIRS)
        return e_panel(j, s, panel);
    return s->left + (panel - (dx_is_late(j) ? 0 : step)) * left_apart(j, panel) *
                         (int64_t)iv__operand_bytes(j->cpu);
}

static int64_t row_of(const iv__loss_job *j, const iv__loss_span *s, int64_t r)
{
    return j->row[s->first + r];
}

/* The panel of each row's target (-1: there is none) and the column in it; rows are listed by their
 * panel, in rising order. */
void iv__loss_find_targets(const iv__loss_job *j, const iv__loss_span *s)
{
    const int32_t *target = j->k->in[TARGET].data;

    memset(s->head, 0xff, (size_t)j->panels.count * sizeof *s->head);
    for (int64_t r = s->count; r-- > 0;) {
        int32_t at = target[row_of(j, s, r)];
        s->panel[r] = -1;
        if (at < 0 || at >= j->classes)
            continue;
        int64_t panel = iv__panel_of(&j->panels, at);
        s->panel[r] = (int32_t)panel;
        s->column[r] = at - (int32_t)iv__panel_begin(&j->panels, panel);
        s->next[r] = s->head[panel];
        s->head[panel] = (int32_t)r;
    }
}

/* Where rows lie one behind the other, and not so that they share a few sets of L1, f32 needs no
 * copy. */
void iv__loss_take_x(const iv__loss_job *j, iv__loss_span *s)
{
    const float *x = j->k->in[X].data;
    int64_t first = row_of(j, s, 0);

    if (j->cpu->operands == IV__F32 && j->inputs % 256 != 0 &&
        row_of(j, s, s->count - 1) - first == s->count - 1) {
        s->x = (const char *)(x + first * j->inputs);
        s->x_row = j->inputs;
        return;
    }
    iv__loss_copy_x(j, s);
}

void iv__loss_copy_x(const iv__loss_job *j, iv__loss_span *s)
{
    const float *x = j->k->in[X].data;
    int64_t bytes = j->x_row * (int64_t)iv__operand_bytes(j->cpu);

    s->x = s->x_room;
    s->x_row = j->x_row;
    for (int64_t r = 0; r < s->count; r++)
        j->cpu->pack_left(j->inputs, 1, x + row_of(j, s, r) * j->inputs, j->inputs,
                          s->x_room + r * bytes, j->x_row);
}

/* A panel of w. */
static const char *w_panel(const iv__loss_job *j, const iv__loss_span *s, int64_t panel)
{
    int64_t begin = iv__panel_begin(&j->panels, panel);

    if (!j->bare)
        return iv__operand_at(j->cpu, j->k->packed[0], begin * iv__operand_k(j->cpu, j->inputs));
    j->cpu->pack(j->inputs, iv__loss_classes(j, panel), (const float *)j->k->in[W].data + begin,
                 j->classes, s->w, iv__loss_width(j, panel));
    return (const char *)s->w;
}

/* Bare: each tile asks for a line of the rows of the panel behind this one. */
static void ask_for_panel(const iv__loss_job *j, int64_t panel, int64_t tile, iv__exp_call *t)
{
    enum { LINE = 16 };
    int64_t column = panel < j->panels.count ? iv__panel_begin(&j->panels, panel) + tile * LINE
                                             : j->classes;

    t->ahead = t->w;
    t->ahead_step = 0;
    if (column < j->classes && tile * LINE <= iv__loss_width(j, panel)) {
        t->ahead = (const float *)j->k->in[W].data + column;
        t->ahead_step = j->classes;
    }
}

/* e of one tile of rows and one panel of the step, the inputs in chunks; s->exact takes sums on the
 * way, and e as it is where that is wanted. */
static void exp_tile(const iv__loss_job *j, const iv__loss_span *s, const char *w, int64_t tile,
                     int64_t panel, int64_t step, const iv__stream *next, bool first, bool exact,
                     int mode)
{
    const iv__cpu *cpu = j->cpu;
    int64_t vectors = iv__panel_vectors(&j->panels, panel), width = vectors * cpu->width;
    int64_t rows = iv__min64(j->tile_rows, s->count - tile), k0 = 0;
    int64_t bytes = (int64_t)iv__operand_bytes(cpu), all = iv__operand_k(cpu, j->inputs);
    const char *x = s->x + tile * s->x_row * bytes;

    for (; all - k0 > K_CHUNK; k0 += K_CHUNK) {
        iv__tile_call t = { .k = K_CHUNK,
                            .blocks = 1,
                            .a = x + k0 * bytes,
                            .ai = s->x_row,
                            .ak = 1,
                            .b = w + k0 * width * bytes,
                            .c = s->exact,
                            .ldc = width,
                            .add = k0 > 0,
                            .last = cpu->width,
                            .ahead = (const float *)w };
        iv__tile_run(cpu, rows, vectors, &t);
    }
    iv__exp_call t = { .k = all - k0,
                       .x = x + k0 * bytes,
                       .ldx = s->x_row,
                       .w = w + k0 * width * bytes,
                       .bias = j->bias + iv__panel_begin(&j->panels, panel),
                       .before = k0 ? s->exact : NULL,
                       .exact = exact ? s->exact : NULL,
                       .top = s->top + tile,
                       .sums = s->sums + tile * cpu->width,
                       .first = first,
                       .mode = mode };
    if (j->back) {
        t.e_row = e_row(j, panel);
        t.e = left_panel(j, s, panel, step) + tile * t.e_row * bytes;
        t.e_right = e_panel(j, s, panel) + tile * width * bytes;
    }
    if (j->bare)
        ask_for_panel(j, panel + 1, tile / j->tile_rows, &t);
    else
        t.ahead = iv__look_ahead(next, tile / j->tile_rows * iv__loss_steps(j, t.k), &t.ahead_step);
    iv__exp_run(cpu, rows, vectors, &t);
}

/* Rows of tiles [begin,end). Of a tile with targets in the panel e comes as it is, too; to dx the
 * target gives nothing yet. */
static void exp_panel(const iv__loss_job *j, const iv__loss_span *s, int64_t begin, int64_t end,
                      int64_t panel, int64_t step, bool first, int mode)
{
    int64_t bytes = (int64_t)iv__operand_bytes(j->cpu), row = e_row(j, panel);
    int64_t all = iv__operand_k(j->cpu, j->inputs), steps = iv__loss_steps(j, (all - 1) % K_CHUNK + 1);
    int64_t lines = all * iv__loss_width(j, panel) * bytes / 64;
    const char *w = w_panel(j, s, panel);
    iv__stream next = iv__stream_of(w + lines * 64, lines, steps * iv__ceil_div(s->count, j->tile_rows));
    int32_t r = mode == IV__EXP_FIND_TOP ? -1 : s->head[panel];

    while (r >= 0 && r < begin)
        r = s->next[r];
    for (int64_t tile = begin; tile < end; tile += j->tile_rows) {
        exp_tile(j, s, w, tile, panel, step, &next, first, r >= 0 && r < tile + j->tile_rows, mode);
        for (; r >= 0 && r < tile + j->tile_rows; r = s->next[r]) {
            s->at[r] = s->exact[(r - tile) * iv__loss_width(j, panel) + s->column[r]];
            if (j->back && !dx_is_late(j))
                memset(left_panel(j, s, panel, step) + (r * row + s->column[r]) * bytes, 0,
                       (size_t)bytes);
        }
    }
}

/* Rows of w^T for the classes from `begin` on, in panel q of the inputs. */
static const char *w_turned(const iv__loss_job *j, int64_t begin, int64_t q)
{
    int64_t all = iv__operand_k(j->cpu, j->classes),
            width = iv__panel_vectors(&j->dx_panels, q) * j->cpu->width;

    return iv__operand_at(j->cpu, j->k->packed[1],
                          iv__panel_begin(&j->dx_panels, q) * all + begin * width);
}

/* Bare: rows of w^T for the classes of panels [p,next), in panel q of the inputs. What belongs to
 * targets is kept for take_from_target. */
static const float *turn_w(const iv__loss_job *j, const iv__loss_span *s, int64_t p, int64_t next,
                           int64_t q)
{
    int64_t begin = iv__panel_begin(&j->panels, p), i = iv__panel_begin(&j->dx_panels, q);
    int64_t end = iv__panel_begin(&j->panels, next - 1) + iv__loss_classes(j, next - 1);
    int64_t width = iv__panel_vectors(&j->dx_panels, q) * j->cpu->width;

    j->cpu->pack_transposed(end - begin, iv__min64(width, j->inputs - i),
                            (const float *)j->k->in[W].data + i * j->classes + begin, j->classes,
                            s->turned, width);
    for (int64_t panel = p; panel < next; panel++) {
        int64_t first = iv__panel_begin(&j->panels, panel) - begin;
        for (int64_t r = s->head[panel]; r >= 0; r = s->next[r])
            memcpy(j->target_w + (s->first + r) * j->dx_columns + i,
                   s->turned + (first + s->column[r]) * width, (size_t)width * sizeof(float));
    }
    return s->turned;
}

/* Panels from p on, DX_PANELS at most, that one tile of dx takes: those of one width. */
static int64_t step_from(const iv__loss_job *j, int64_t p, int64_t end)
{
    int64_t next = p + 1;

    while (next < iv__min64(p + DX_PANELS, end) && iv__loss_classes(j, next) == iv__loss_classes(j, p))
        next++;
    return next;
}

/* The rows of w^T behind those of panel q of the inputs, [begin,end) of the classes. */
static iv__stream dx_next(const iv__loss_job *j, int64_t begin, int64_t end, int64_t q, int64_t steps)
{
    bool more = q + 1 < j->dx_panels.count;
    int64_t next = more ? q + 1 : 0, from = more ? begin : end;
    int64_t lines = (iv__min64(from + end - begin, j->classes) - from) *
                    iv__panel_vectors(&j->dx_panels, next) * j->cpu->width *
                    (int64_t)iv__operand_bytes(j->cpu) / 64;

    return iv__stream_of(w_turned(j, from, next), lines, steps);
}

/* What e of panels [p,next) gives to dx, without its factor, in rows of tiles [begin,end). */
static void dx_step(const iv__loss_job *j, const iv__loss_span *s, int64_t begin, int64_t end,
                    int64_t p, int64_t next, bool add)
{
    const iv__cpu *cpu = j->cpu;
    int64_t bytes = (int64_t)iv__operand_bytes(cpu), row = e_row(j, p);
    int64_t first = iv__panel_begin(&j->panels, p),
            last = iv__panel_begin(&j->panels, next - 1) + iv__loss_classes(j, next - 1);
    iv__tile_call t = { .k = iv__operand_k(cpu, iv__loss_classes(j, p)),
                        .blocks = next - p,
                        .ai = row,
                        .ak = 1,
                        .a_block = left_apart(j, p),
                        .ldc = j->dx_columns,
                        .add = add,
                        .last = cpu->width };
    int64_t steps = iv__loss_steps(j, t.k * t.blocks), tiles = iv__ceil_div(end - begin, j->tile_rows);

    for (int64_t q = 0; q < j->dx_panels.count; q++) {
        iv__stream stream = { 0 };
        int64_t done = 0;
        if (j->bare) {
            t.b = turn_w(j, s, p, next, q);
            stream.from = t.b;
        } else {
            t.b = w_turned(j, first, q);
            stream = dx_next(j, first, last, q, steps * tiles);
        }
        for (int64_t tile = begin; tile < end; tile += j->tile_rows, done += steps) {
            t.a = left_panel(j, s, p, p) + tile * row * bytes;
            t.c = s->dx + tile * j->dx_columns + iv__panel_begin(&j->dx_panels, q);
            t.ahead = iv__look_ahead(&stream, done, &t.ahead_step);
            iv__tile_run(cpu, iv__min64(j->tile_rows, end - tile),
                         iv__panel_vectors(&j->dx_panels, q), &t);
        }
    }
}

/* e of panels [p0,p1), step by step, and what they give to dx. */
static void exp_rows(const iv__loss_job *j, const iv__loss_span *s, int64_t begin, int64_t end,
                     int64_t p0, int64_t p1, int mode)
{
    bool dx = mode != IV__EXP_FIND_TOP && j->back && j->k->out[0].data && !dx_is_late(j);

    for (int64_t p = p0, next; p < p1; p = next) {
        next = step_from(j, p, p1);
        for (int64_t q = p; q < next; q++)
            exp_panel(j, s, begin, end, q, p, q == p0, mode);
        if (dx)
            dx_step(j, s, begin, end, p, next, p > p0);
    }
}

void iv__loss_exp(const iv__loss_job *j, const iv__loss_span *s, int64_t p0, int64_t p1, int mode)
{
    exp_rows(j, s, 0, s->count, p0, p1, mode);
}

/* A tile of rows once more, with their true maxima; the first of the groups takes it all. */
static void do_again(const iv__loss_job *j, const iv__loss_span *s, int64_t tile, int64_t end,
                     int64_t groups)
{
    size_t dx = (size_t)((end - tile) * j->dx_columns) * sizeof(float);

    exp_rows(j, s, tile, end, 0, j->panels.count, IV__EXP_FIND_TOP);
    exp_rows(j, s, tile, end, 0, j->panels.count, IV__EXP_GIVEN_TOP);
    for (int64_t r = tile; r < end; r++)
        s->sum[r] = j->cpu->sum(s->sums + r * j->cpu->width, j->cpu->width);
    for (int64_t g = 1; j->back && g < groups; g++)
        memset(s->dx + (g * j->rows + tile) * j->dx_columns, 0, dx);
}

/* The sums of each row, which may come in groups. Tiles with a large one are done again. */
static void add_sums(const iv__loss_job *j, const iv__loss_span *s, int64_t groups)
{
    const iv__cpu *cpu = j->cpu;

    for (int64_t tile = 0; tile < s->count; tile += j->tile_rows) {
        int64_t end = iv__min64(tile + j->tile_rows, s->count);
        bool large = false;
        for (int64_t r = tile; r < end; r++) {
            const float *sums = s->sums + r * cpu->width;
            s->sum[r] = cpu->sum(sums, cpu->width);
            for (int64_t g = 1; g < groups; g++)
                s->sum[r] += cpu->sum(sums + g * j->rows * cpu->width, cpu->width);
            large |= !(s->sum[r] < 0x1p60f);
        }
        if (large)
            do_again(j, s, tile, end, groups);
    }
}

static float from_bf16(uint16_t x)
{
    return iv__bits_f32((uint32_t)x << 16);
}

/* The weight of input i and a column of a panel, as the products took it. */
static float weight_of(const iv__loss_job *j, int64_t panel, int64_t column, int64_t i)
{
    int64_t first = iv__panel_begin(&j->panels, panel), width = iv__loss_width(j, panel);
    int64_t begin = first * iv__operand_k(j->cpu, j->inputs);
    float taken;

    if (j->cpu->operands == IV__PAIRS)
        return from_bf16(
            ((const uint16_t *)j->k->packed[0])[begin + (i / 2 * width + column) * 2 + i % 2]);
    if (!j->bare)
        return ((const float *)j->k->packed[0])[begin + i * width + column];
    j->cpu->pack_left(1, 1, (const float *)j->k->in[W].data + i * j->classes + first + column, 0,
                      &taken, 0);
    return taken;
}

/* The target's logit from its products, where its e is too small to tell. */
static double logit_of(const iv__loss_job *j, const iv__loss_span *s, int64_t r)
{
    bool pairs = j->cpu->operands == IV__PAIRS;
    int64_t panel = s->panel[r], column = s->column[r];
    const uint16_t *x2 = (const uint16_t *)s->x;
    const float *x = (const float *)s->x;
    double sum = (double)j->bias[iv__panel_begin(&j->panels, panel) + column];

    for (int64_t i = 0; i < j->inputs; i++) {
        int64_t left = r * s->x_row + i;
        sum += (double)(pairs ? from_bf16(x2[left]) : x[left]) * (double)weight_of(j, panel, column, i);
    }
    return sum;
}

/* The target's e becomes e - sum, for dw in its place; dx, to which e gave nothing, takes it here. */
static void take_from_target(const iv__loss_job *j, const iv__loss_span *s, int64_t r)
{
    const iv__cpu *cpu = j->cpu;
    float one[MOST_K_UNIT], left[MOST_K_UNIT * IV__MAX_TILE_ROWS]; /* a step of k: 0 but for the target */
    int64_t panel = s->panel[r], column = s->column[r], width = iv__loss_width(j, panel);
    int64_t v = iv__panel_begin(&j->panels, panel) + column, unit = cpu->k_unit;

    memset(one, 0, (size_t)unit * sizeof *one);
    one[v % unit] = s->at[r] - s->sum[r];
    memset(left, 0, (size_t)(cpu->row_unit * unit) * iv__operand_bytes(cpu));
    cpu->pack_left(unit, 1, one, 0, left, 0);
    if (cpu->operands == IV__PAIRS)
        ((uint16_t *)e_panel(j, s, panel))[(r / 2 * width + column) * 2 + r % 2] = ((
            uint16_t *)left)[v % unit];
    else
        ((float *)e_panel(j, s, panel))[r * width + column] = left[0];
    if (!j->k->out[0].data)
        return;
    if (dx_is_late(j)) {
        int64_t at = r * e_row(j, panel) + column, bytes = (int64_t)iv__operand_bytes(cpu);
        memcpy(left_panel(j, s, panel, 0) + at * bytes, (char *)left + v % unit * bytes, (size_t)bytes);
        return;
    }
    iv__tile_call t = {
        .k = unit, .blocks = 1, .a = left, .ai = unit, .ak = 1, .ldc = j->dx_columns, .add = 1, .last = cpu->width
    };
    for (int64_t q = 0; q < j->dx_panels.count; q++) {
        int64_t first = iv__panel_begin(&j->dx_panels, q);
        t.b = j->bare ? (const void *)(j->target_w + (s->first + r) * j->dx_columns + first)
                      : w_turned(j, v / unit * unit, q);
        t.ahead = t.b;
        t.c = s->dx + r * j->dx_columns + first;
        iv__tile_run(cpu, 1, iv__panel_vectors(&j->dx_panels, q), &t);
    }
}

/* The weights of a row's target lie beyond L2. */
static void ask_for_target(const iv__loss_job *j, const iv__loss_span *s, int64_t r)
{
    if (r >= s->count || s->panel[r] < 0)
        return;
    int64_t v = iv__panel_begin(&j->panels, s->panel[r]) + s->column[r], unit = j->cpu->k_unit;
    int64_t bytes = unit * (int64_t)iv__operand_bytes(j->cpu) * j->cpu->width;
    for (int64_t q = 0; q < j->dx_panels.count; q++) {
        const char *from = w_turned(j, v / unit * unit, q);
        for (int64_t at = 0; at < bytes * iv__panel_vectors(&j->dx_panels, q); at += 64)
            __builtin_prefetch(from + at);
    }
}

/* x times its factor, and behind it the factor alone, whose product with e is db. */
static void scale_x(const iv__loss_job *j, const iv__loss_span *s)
{
    const iv__cpu *cpu = j->cpu;
    const float *x = j->k->in[X].data;
    int64_t wide = j->inputs + 1, bytes = (int64_t)iv__operand_bytes(cpu);

    for (int64_t r0 = 0; r0 < s->count; r0 += j->row_unit) {
        int64_t rows = iv__min64(j->row_unit, s->count - r0);
        for (int64_t r = 0; r < rows; r++) {
            float *to = s->scaled + r * wide;
            cpu->scale(x + row_of(j, s, r0 + r) * j->inputs, s->factor[r0 + r], to, j->inputs);
            to[j->inputs] = s->factor[r0 + r];
        }
        cpu->pack_tiles(rows, wide, s->scaled, wide, s->xs + (s->begin + r0) * j->high * bytes);
    }
}

void iv__loss_finish(const iv__loss_job *j, const iv__loss_span *s, int64_t groups)
{
    const iv_kernel_call *k = j->k;
    const float *weight = k->in[WEIGHT].data, *dloss = j->back ? k->in[DLOSS].data : NULL;
    float *loss = k->out[j->back ? 3 : 0].data;

    add_sums(j, s, groups);
    for (int64_t r = 0; r < s->count; r++)
        s->log[r] = (float)iv__log_f64((double)s->sum[r] / (double)s->at[r]);
    for (int64_t r = 0; r < s->count; r++) {
        int64_t from = row_of(j, s, r);
        bool known = s->panel[r] >= 0;
        if (known && s->at[r] < 0x1p-90f)
            s->log[r] = (float)(iv__log_f64((double)s->sum[r]) + (double)s->top[r] - logit_of(j, s, r));
        if (loss)
            loss[from] = known ? weight[from] * s->log[r] : NAN;
        if (!j->back)
            continue;
        s->factor[r] = weight[from] * dloss[from] / s->sum[r];
        if (!dx_is_late(j) && !j->bare)
            ask_for_target(j, s, r + TARGETS_AHEAD);
        if (known)
            take_from_target(j, s, r);
    }
    if (j->weights)
        scale_x(j, s);
}

void iv__loss_rows(const iv__loss_job *j, iv__loss_span *s)
{
    float *dx = j->back ? j->k->out[0].data : NULL;

    iv__loss_take_x(j, s);
    iv__loss_find_targets(j, s);
    iv__loss_exp(j, s, 0, j->panels.count, IV__EXP_FIRST_TOP);
    iv__loss_finish(j, s, 1);
    for (int64_t p = 0, next; dx && dx_is_late(j) && p < j->panels.count; p = next) {
        next = step_from(j, p, j->panels.count);
        dx_step(j, s, 0, s->count, p, next, p > 0);
    }
    for (int64_t r = 0; dx && r < s->count; r++)
        j->cpu->scale(s->dx + r * j->dx_columns, s->factor[r], dx + row_of(j, s, r) * j->inputs,
                      j->inputs);
}
