/* cross_entropy_rows.c: pieces of the fused loss that go by rows: e, sums, losses and dx. */
#include "backend/cpu/cross_entropy.h"

#include "base/math.h"
#include "base/threads.h"

#include <math.h>
#include <string.h>

enum {
    DX_PANELS = 3, /* panels of e that one step of dx takes */
    K_CHUNK = 384, /* inputs whose products are summed in registers */
};

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
    s->head = take(room, &used, j->panels.count, sizeof *s->head);
    s->next = take(room, &used, rows, sizeof *s->next);
    s->panel = take(room, &used, rows, sizeof *s->panel);
    s->column = take(room, &used, rows, sizeof *s->column);
    s->dx = take(room, &used, j->back ? rows * j->dx_columns : 0, sizeof(float));
    s->scaled = take(room, &used,
                     j->back && cpu->operands == IV__PAIRS ? IV__LOSS_XS_ROWS * (j->inputs + 1) : 0,
                     sizeof(float));
    return used;
}

/* e of these rows and a panel of classes: elements of a row are its width, filled up to k_unit. */
static int64_t e_row(const iv__loss_job *j, int64_t panel)
{
    return iv__operand_k(j->cpu, iv__loss_width(j, panel));
}

static char *e_panel(const iv__loss_job *j, const iv__loss_span *s, int64_t panel)
{
    int64_t element = iv__panel_begin(&j->panels, panel) * j->e_rows + s->begin * e_row(j, panel);

    return s->e + element * (int64_t)iv__operand_bytes(j->cpu);
}

static char *e_right_panel(const iv__loss_job *j, const iv__loss_span *s, int64_t panel)
{
    int64_t element = iv__panel_begin(&j->panels, panel) * j->e_rows +
                      s->begin * iv__loss_width(j, panel);

    return s->e_right + element * (int64_t)iv__operand_bytes(j->cpu);
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

/* e of one tile of rows and one panel, the inputs in chunks; s->exact takes sums on the way, and
 * e as it is where that is wanted. */
static void exp_tile(const iv__loss_job *j, const iv__loss_span *s, int64_t tile, int64_t panel,
                     bool first, bool exact, int mode)
{
    const iv__cpu *cpu = j->cpu;
    int64_t vectors = iv__panel_vectors(&j->panels, panel), width = vectors * cpu->width;
    int64_t rows = iv__min64(j->tile_rows, s->count - tile), k0 = 0;
    int64_t bytes = (int64_t)iv__operand_bytes(cpu), all = iv__operand_k(cpu, j->inputs);
    const char *w = iv__operand_at(cpu, j->k->packed[0], iv__panel_begin(&j->panels, panel) * all);
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
                       .mode = mode,
                       .ahead = (const float *)w };
    if (j->back) {
        t.e_row = e_row(j, panel);
        t.e = e_panel(j, s, panel) + tile * t.e_row * bytes;
        t.e_right = e_right_panel(j, s, panel) + tile * width * bytes;
    }
    /* Ask for the next rows of x the first time over them, else for the next panel of w. */
    int64_t lines = all * width * bytes / 64, line = tile / j->tile_rows * iv__loss_steps(j, t.k);
    if (first) {
        t.ahead = (const float *)(x + rows * s->x_row * bytes);
        t.ahead_step = 16;
    } else if (line < lines) {
        t.ahead = (const float *)(w + (lines + line) * 64);
        t.ahead_step = 16;
    }
    iv__exp_run(cpu, rows, vectors, &t);
}

/* Rows of tiles [begin,end). Of a tile with targets in the panel e comes as it is, too. */
static void exp_tiles(const iv__loss_job *j, const iv__loss_span *s, int64_t begin, int64_t end,
                      int64_t p0, int64_t p1, int mode)
{
    for (int64_t p = p0; p < p1; p++) {
        int32_t r = mode == IV__EXP_FIND_TOP ? -1 : s->head[p];
        while (r >= 0 && r < begin)
            r = s->next[r];
        for (int64_t tile = begin; tile < end; tile += j->tile_rows) {
            exp_tile(j, s, tile, p, p == p0, r >= 0 && r < tile + j->tile_rows, mode);
            for (; r >= 0 && r < tile + j->tile_rows; r = s->next[r])
                s->at[r] = s->exact[(r - tile) * iv__loss_width(j, p) + s->column[r]];
        }
    }
}

void iv__loss_exp(const iv__loss_job *j, const iv__loss_span *s, int64_t p0, int64_t p1, int mode)
{
    exp_tiles(j, s, 0, s->count, p0, p1, mode);
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
        if (!large)
            continue;
        exp_tiles(j, s, tile, end, 0, j->panels.count, IV__EXP_FIND_TOP);
        exp_tiles(j, s, tile, end, 0, j->panels.count, IV__EXP_GIVEN_TOP);
        for (int64_t r = tile; r < end; r++)
            s->sum[r] = cpu->sum(s->sums + r * cpu->width, cpu->width);
    }
}

static float from_bf16(uint16_t x)
{
    return iv__bits_f32((uint32_t)x << 16);
}

/* The target's logit from its products, where its e is too small to tell. */
static double logit_of(const iv__loss_job *j, const iv__loss_span *s, int64_t r)
{
    bool pairs = j->cpu->operands == IV__PAIRS;
    int64_t first = iv__panel_begin(&j->panels, s->panel[r]), width = iv__loss_width(j, s->panel[r]);
    int64_t column = s->column[r], begin = first * iv__operand_k(j->cpu, j->inputs);
    const float *w = j->k->packed[0], *x = (const float *)s->x;
    const uint16_t *w2 = j->k->packed[0], *x2 = (const uint16_t *)s->x;
    double sum = (double)j->bias[first + column];

    for (int64_t i = 0; i < j->inputs; i++) {
        int64_t left = r * s->x_row + i;
        sum += pairs ? (double)from_bf16(x2[left]) *
                           (double)from_bf16(w2[begin + (i / 2 * width + column) * 2 + i % 2])
                     : (double)x[left] * (double)w[begin + i * width + column];
    }
    return sum;
}

/* The target's e becomes e - sum, in both places. */
static void take_from_target(const iv__loss_job *j, const iv__loss_span *s, int64_t r)
{
    int64_t panel = s->panel[r], column = s->column[r], at = r * e_row(j, panel) + column;
    float e = s->at[r] - s->sum[r];
    uint16_t bits[64];

    if (j->cpu->operands == IV__F32) {
        ((float *)e_panel(j, s, panel))[at] = e;
    } else if (j->cpu->operands == IV__ROUNDED) {
        j->cpu->pack_left(1, 1, &e, 1, (float *)e_panel(j, s, panel) + at, 1);
    } else {
        j->cpu->pack_left(1, 1, &e, 1, bits, 1);
        ((uint16_t *)e_panel(j, s, panel))[at] = bits[0];
        ((uint16_t *)e_right_panel(j, s, panel))[(r / 2 * iv__loss_width(j, panel) + column) * 2 + r % 2] =
            bits[0];
    }
}

/* x times its factor, and behind it the factor alone, whose product with e is db. */
static void scale_x(const iv__loss_job *j, const iv__loss_span *s)
{
    const iv__cpu *cpu = j->cpu;
    const float *x = j->k->in[X].data;
    bool pairs = cpu->operands == IV__PAIRS;
    int64_t wide = j->inputs + 1;

    for (int64_t r0 = 0; r0 < s->count; r0 += IV__LOSS_XS_ROWS) {
        int64_t rows = iv__min64(IV__LOSS_XS_ROWS, s->count - r0), ld = pairs ? wide : j->x_row;
        float *to = pairs ? s->scaled : (float *)s->xs + (s->begin + r0) * ld;
        for (int64_t r = 0; r < rows; r++) {
            cpu->scale(x + row_of(j, s, r0 + r) * j->inputs, s->factor[r0 + r], to + r * ld, j->inputs);
            to[r * ld + j->inputs] = s->factor[r0 + r];
        }
        if (pairs)
            cpu->pack_tiles(rows, wide, to, ld,
                            s->xs + (s->begin + r0) * iv__round_up(wide, cpu->row_unit) * 2);
        else if (cpu->operands == IV__ROUNDED)
            cpu->pack_left(wide, rows, to, ld, to, ld);
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
        if (known)
            take_from_target(j, s, r);
    }
    if (j->weights)
        scale_x(j, s);
}

/* Rows of w^T for the classes from panel p on, in panel q of the inputs. */
static const char *w_turned(const iv__loss_job *j, int64_t p, int64_t q)
{
    int64_t all = iv__operand_k(j->cpu, j->classes),
            width = iv__panel_vectors(&j->dx_panels, q) * j->cpu->width;

    return iv__operand_at(j->cpu, j->k->packed[1],
                          iv__panel_begin(&j->dx_panels, q) * all +
                              iv__panel_begin(&j->panels, p) * width);
}

/* Panels from p on, DX_PANELS at most, that one tile takes: those of one width. */
static int64_t dx_panels_from(const iv__loss_job *j, int64_t p, int64_t end)
{
    int64_t next = p + 1;

    while (next < iv__min64(p + DX_PANELS, end) && iv__loss_classes(j, next) == iv__loss_classes(j, p))
        next++;
    return next;
}

/* What comes next is asked for meanwhile: the rows of w^T behind these, and a share of e. */
static int ask_ahead(const iv__loss_job *j, const iv__loss_span *s, int64_t p, int64_t q,
                     int64_t next, int64_t end, iv__stream streams[1 + DX_PANELS])
{
    int64_t bytes = (int64_t)iv__operand_bytes(j->cpu), count = j->dx_panels.count;
    int64_t lines = (iv__panel_begin(&j->panels, next - 1) + iv__loss_width(j, next - 1) -
                     iv__panel_begin(&j->panels, p)) *
                    j->cpu->width * bytes / 64;
    int n = 0;

    if (q + 1 < count)
        streams[n++] = (iv__stream){ (const float *)w_turned(j, p, q + 1),
                                     lines * iv__panel_vectors(&j->dx_panels, q + 1) };
    else if (next < end)
        streams[n++] = (iv__stream){ (const float *)w_turned(j, next, 0),
                                     lines * iv__panel_vectors(&j->dx_panels, 0) };
    for (int64_t r = next; r < iv__min64(next + DX_PANELS, end); r++) {
        int64_t e_lines = s->count * e_row(j, r) * bytes / 64, from = iv__part(e_lines, q, count);
        streams[n++] = (iv__stream){ (const float *)(e_panel(j, s, r) + from * 64),
                                     iv__part(e_lines, q + 1, count) - from };
    }
    return n;
}

/* e w^T in s->dx, without its factor. Some panels of e at a time meet their part of w^T. */
void iv__loss_dx(const iv__loss_job *j, const iv__loss_span *s, int64_t p0, int64_t p1)
{
    const iv__cpu *cpu = j->cpu;
    int64_t bytes = (int64_t)iv__operand_bytes(cpu);

    for (int64_t p = p0, next; p < p1; p = next) {
        int64_t row = e_row(j, p);
        next = dx_panels_from(j, p, p1);
        iv__tile_call t = { .k = iv__operand_k(cpu, iv__loss_classes(j, p)),
                            .blocks = next - p,
                            .ai = row,
                            .ak = 1,
                            .a_block = j->e_rows * row,
                            .ldc = j->dx_columns,
                            .add = p > p0,
                            .last = cpu->width };
        int64_t steps = iv__loss_steps(j, t.k * t.blocks);
        for (int64_t q = 0; q < j->dx_panels.count; q++) {
            iv__stream streams[1 + DX_PANELS];
            int n = ask_ahead(j, s, p, q, next, p1, streams);
            int64_t line = 0;
            t.b = w_turned(j, p, q);
            for (int64_t tile = 0; tile < s->count; tile += j->tile_rows, line += steps) {
                t.a = e_panel(j, s, p) + tile * row * bytes;
                t.c = s->dx + tile * j->dx_columns + iv__panel_begin(&j->dx_panels, q);
                iv__look_ahead(&t, streams, n, line);
                iv__tile_run(cpu, iv__min64(j->tile_rows, s->count - tile),
                             iv__panel_vectors(&j->dx_panels, q), &t);
            }
        }
    }
}

void iv__loss_rows(const iv__loss_job *j, iv__loss_span *s)
{
    float *dx = j->back ? j->k->out[0].data : NULL;

    iv__loss_take_x(j, s);
    iv__loss_find_targets(j, s);
    iv__loss_exp(j, s, 0, j->panels.count, IV__EXP_FIRST_TOP);
    iv__loss_finish(j, s, 1);
    if (!dx)
        return;
    iv__loss_dx(j, s, 0, j->panels.count);
    for (int64_t r = 0; r < s->count; r++)
        j->cpu->scale(s->dx + r * j->dx_columns, s->factor[r], dx + row_of(j, s, r) * j->inputs,
                      j->inputs);
}
