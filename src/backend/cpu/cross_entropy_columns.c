/* cross_entropy_columns.c: the piece of the fused loss that goes by columns: dw and db. */
#include "backend/cpu/cross_entropy.h"

/* Rows [c->i0,c->i1) from `a`, xs of t->k rows in t->blocks blocks. PAIRS: a tile holds each of its
 * rows in order; else it holds them side by side. */
static void weight_tiles(const iv__loss_job *j, const iv__loss_columns *c, iv__tile_call *t,
                         const char *a)
{
    const iv__cpu *cpu = j->cpu;
    int64_t bytes = (int64_t)iv__operand_bytes(cpu), k = t->k * t->blocks, n;
    int64_t vectors = iv__panel_vectors(&j->panels, c->panel);
    int64_t steps = iv__loss_steps(j, k), size = k * iv__loss_width(j, c->panel) * bytes;
    iv__stream next = iv__stream_of((const char *)t->b + size, size / 64,
                                    steps * iv__ceil_div(c->i1 - c->i0, cpu->rows));
    int64_t done = 0;

    t->a_block = t->k * j->high;
    for (int64_t i = c->i0; i < c->i1; i += n, done += steps) {
        int64_t tile = i / cpu->rows * cpu->rows,
                tile_rows = iv__min64(cpu->rows, j->inputs + 1 - tile);
        bool pairs = cpu->operands == IV__PAIRS;
        n = iv__min64(tile + tile_rows, c->i1) - i;
        t->ai = pairs ? t->k : 1;
        t->ak = pairs ? 1 : tile_rows;
        t->a = a + (tile * t->k + (i - tile) * t->ai) * bytes;
        t->c = c->to + (i - c->i0) * c->ldc;
        t->ahead = iv__look_ahead(&next, done, &t->ahead_step);
        iv__tile_run(cpu, n, vectors, t);
    }
}

void iv__loss_weights(const iv__loss_job *j, const iv__loss_columns *c)
{
    const iv__cpu *cpu = j->cpu;
    int64_t bytes = (int64_t)iv__operand_bytes(cpu), width = iv__loss_width(j, c->panel), n;
    iv__tile_call t = { .ldc = c->ldc, .add = c->add, .last = c->last };

    for (int64_t r = 0; r < c->rows; r += n, t.add = 1) {
        n = iv__min64(j->sum_rows, c->rows - r);
        t.blocks = n / j->row_unit;
        t.k = iv__operand_k(cpu, t.blocks ? j->row_unit : n);
        if (t.blocks)
            n = t.blocks * j->row_unit; /* what is left comes as a step of its own */
        else
            t.blocks = 1;
        t.b = c->e + r * width * bytes;
        weight_tiles(j, c, &t, c->xs + r * j->high * bytes);
    }
}
