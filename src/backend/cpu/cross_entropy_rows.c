/* cross_entropy_rows.c: row tasks of the fused loss: e, sums, losses and dx of some rows. */
#include "backend/cpu/cross_entropy.h"

#include "base/math.h"

#include <math.h>
#include <string.h>

enum {
    DX_PANELS = 2, /* panels of e that one step of dx takes */
    K_CHUNK = 384, /* inputs whose products are summed in registers */
};

/* Rows of one task, as they lie in memory. */
typedef struct span {
    int64_t first, begin, count,
        padded; /* the first over all, and in its block; padded: up to whole tiles */
    float *x;   /* rows of x_row floats, filled up with zeros to padded */
    float *e;   /* of the block: see e_panel */
    float *sums, *top, *at_target, *dx;
} span;

/* e of these rows and a panel of classes. Without a way back the place of one panel serves all. */
static float *e_panel(const iv__loss_job *j, const span *s, int64_t panel)
{
    return s->e + iv__panel_begin(&j->panels, panel) * j->e_panel_rows +
           s->begin * iv__loss_width(j, panel);
}

static span span_of(const iv__loss_job *j, const iv__loss_task *t, int thread)
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

/* e of one tile of rows and one panel; the inputs in chunks, sums on the way being kept in the
 * place of e. */
static void exp_panel(const iv__loss_job *j, const span *s, int64_t tile, int64_t panel, float *e,
                      int mode)
{
    const iv__cpu *cpu = j->cpu;
    int64_t vectors = iv__panel_vectors(&j->panels, panel), width = vectors * cpu->width;
    const float *w = (const float *)j->k->packed[0] + iv__panel_begin(&j->panels, panel) * j->inputs;
    const float *x = s->x + tile * j->x_row;
    int64_t k0 = 0;

    for (; j->inputs - k0 > K_CHUNK; k0 += K_CHUNK) {
        iv__tile_call t = { .k = K_CHUNK,
                            .blocks = 1,
                            .a = x + k0,
                            .ai = j->x_row,
                            .ak = 1,
                            .b = w + k0 * width,
                            .c = e,
                            .ldc = width,
                            .add = k0 > 0,
                            .last = cpu->width,
                            .ahead = w };
        iv__tile_run(cpu, cpu->rows, vectors, &t);
    }
    iv__exp_call t = { .k = j->inputs - k0,
                       .x = x + k0,
                       .ldx = j->x_row,
                       .w = w + k0 * width,
                       .bias = j->bias + iv__panel_begin(&j->panels, panel),
                       .e = e,
                       .top = s->top + tile,
                       .sums = s->sums + tile * cpu->width,
                       .first = panel == 0,
                       .more = k0 > 0,
                       .mode = mode,
                       .ahead = w };
    /* The next panel of w, in its turn. */
    int64_t lines = j->inputs * width / 16, line = tile / cpu->rows * t.k;
    if (line < lines) {
        t.ahead = w + (lines + line) * 16;
        t.ahead_step = 16;
    }
    cpu->exp_tile[vectors](&t);
}

static float sum_of(const iv__loss_job *j, const span *s, int64_t r)
{
    return j->cpu->sum(s->sums + r * j->cpu->width, j->cpu->width);
}

static int32_t target_of(const iv__loss_job *j, const span *s, int64_t r)
{
    return ((const int32_t *)j->k->in[TARGET].data)[j->row[s->first + r]];
}

/* Where the target's e of rows [begin,end) lies in this panel, it is noted. */
static void note_targets(const iv__loss_job *j, const span *s, int64_t panel, const float *e,
                         int64_t begin, int64_t end)
{
    int64_t first = iv__panel_begin(&j->panels, panel), width = iv__loss_width(j, panel);

    for (int64_t r = begin; r < end; r++) {
        int64_t column = target_of(j, s, r) - first;
        if (column >= 0 && column < width)
            s->at_target[r] = e[r * width + column];
    }
}

static void exponentials(const iv__loss_job *j, const span *s)
{
    int64_t rows = j->cpu->rows;

    for (int64_t p = 0; p < j->panels.count; p++) {
        float *e = e_panel(j, s, p);
        int64_t width = iv__loss_width(j, p);
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
                int64_t width = iv__loss_width(j, p);
                exp_panel(j, s, tile, p, e + tile * width, mode);
                note_targets(j, s, p, e, tile, iv__min64(tile + rows, s->count));
            }
        }
    }
}

/* The target's logit from its products, where its e is too small to tell. */
static double logit_of(const iv__loss_job *j, const span *s, int64_t r, int32_t target)
{
    int64_t panel = iv__panel_of(&j->panels, target), first = iv__panel_begin(&j->panels, panel);
    int64_t width = iv__loss_width(j, panel);
    const float *w = (const float *)j->k->packed[0] + first * j->inputs + (target - first),
                *x = s->x + r * j->x_row;
    double sum = j->bias[target];

    for (int64_t i = 0; i < j->inputs; i++)
        sum += (double)x[i] * (double)w[i * width];
    return sum;
}

static float loss_of(const iv__loss_job *j, const span *s, int64_t r, float sum)
{
    float weight = ((const float *)j->k->in[WEIGHT].data)[j->row[s->first + r]], at = s->at_target[r];
    int32_t target = target_of(j, s, r);

    if (target < 0 || target >= j->classes)
        return NAN;
    if (at < 0x1p-90f)
        return weight *
               (float)(iv__log_f64((double)sum) + (double)s->top[r] - logit_of(j, s, r, target));
    return weight * (float)iv__log_f64((double)sum / (double)at);
}

/* dx of the rows: e w^T, in s->dx, without its factor. Some panels of e at a time meet their part
 * of w^T. */
static void input_gradients(const iv__loss_job *j, const span *s)
{
    const iv__cpu *cpu = j->cpu;
    const float *w = j->k->packed[1];
    int64_t ldc = j->dx_panels.vectors * cpu->width, tiles = s->padded / cpu->rows;

    for (int64_t p = 0, next; p < j->panels.count; p = next) {
        int64_t width = iv__loss_width(j, p), first = iv__panel_begin(&j->panels, p),
                classes = iv__loss_classes(j, p);
        iv__stream streams[DX_PANELS];
        for (next = p + 1; next < iv__min64(p + DX_PANELS, j->panels.count) &&
                           iv__loss_classes(j, next) == classes;)
            next++;
        int n = 0;
        for (int64_t q = next; q < iv__min64(next + DX_PANELS, j->panels.count); q++)
            streams[n++] = (iv__stream){ e_panel(j, s, q), s->padded * width / 16 };
        iv__tile_call t = { .k = classes,
                            .blocks = next - p,
                            .ai = width,
                            .ak = 1,
                            .a_block = j->e_panel_rows * width,
                            .ldc = ldc,
                            .add = p > 0,
                            .last = cpu->width };
        for (int64_t q = 0; q < j->dx_panels.count; q++) {
            int64_t vectors = iv__panel_vectors(&j->dx_panels, q),
                    column = iv__panel_begin(&j->dx_panels, q);
            t.b = w + column * j->classes + first * vectors * cpu->width;
            for (int64_t tile = 0; tile < tiles; tile++) {
                t.a = e_panel(j, s, p) + tile * cpu->rows * width;
                t.c = s->dx + tile * cpu->rows * ldc + column;
                iv__look_ahead(&t, streams, n, (q * tiles + tile) * classes * t.blocks);
                iv__tile_run(cpu, cpu->rows, vectors, &t);
            }
        }
    }
}

void iv__loss_row_task(const iv__loss_job *j, const iv__loss_task *t, int thread)
{
    const iv_kernel_call *k = j->k;
    const float *x = k->in[X].data, *weight = k->in[WEIGHT].data,
                *dloss = j->back ? k->in[DLOSS].data : NULL;
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
            e_panel(j, &s, p)[r * iv__loss_width(j, p) + target - iv__panel_begin(&j->panels, p)] -= sum;
        }
    }
    if (!dx)
        return;
    input_gradients(j, &s);
    for (int64_t r = 0; r < s.count; r++)
        j->cpu->scale(s.dx + r * j->dx_panels.vectors * j->cpu->width, s.x[r * j->x_row + j->inputs],
                      dx + j->row[s.first + r] * j->inputs, j->inputs);
}
