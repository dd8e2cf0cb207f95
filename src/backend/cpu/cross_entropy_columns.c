/* cross_entropy_columns.c: the piece of the fused loss that goes by columns: dw and db. */
#include "backend/cpu/cross_entropy.h"

static void weight_tiles(const iv__loss_job *j, const iv__loss_columns *c, iv__tile_call *t,
                         const char *a, int64_t a_step)
{
    const iv__cpu *cpu = j->cpu;
    int64_t bytes = (int64_t)iv__operand_bytes(cpu), k = t->k * t->blocks;
    int64_t vectors = iv__panel_vectors(&j->panels, c->panel);
    int64_t steps = iv__loss_steps(j, k), size = k * iv__loss_width(j, c->panel) * bytes;
    iv__stream next = { (const float *)((const char *)t->b + size), size / 64 };
    int64_t line = 0;

    for (int64_t i = c->i0; i < c->i1; i += cpu->rows, line += steps) {
        t->a = a + i * a_step * bytes;
        t->c = c->to + (i - c->i0) * c->ldc;
        iv__look_ahead(t, &next, 1, line);
        iv__tile_run(cpu, iv__min64(cpu->rows, c->i1 - i), vectors, t);
    }
}

void iv__loss_weights(const iv__loss_job *j, const iv__loss_columns *c)
{
    const iv__cpu *cpu = j->cpu;
    int64_t bytes = (int64_t)iv__operand_bytes(cpu), width = iv__loss_width(j, c->panel), n;
    iv__tile_call t = { .ldc = c->ldc, .add = c->add, .last = c->last };

    for (int64_t r = 0; r < c->rows; r += n, t.add = 1) {
        t.b = c->e + r * width * bytes;
        n = iv__min64(j->sum_rows, c->rows - r);
        if (cpu->operands != IV__PAIRS) {
            t.k = n;
            t.blocks = 1;
            t.ai = 1;
            t.ak = j->x_row;
            weight_tiles(j, c, &t, c->xs + r * j->x_row * bytes, 1);
            continue;
        }
        int64_t blocks = n / IV__LOSS_XS_ROWS, high = iv__round_up(j->inputs + 1, cpu->row_unit);
        n = blocks ? blocks * IV__LOSS_XS_ROWS : n; /* what is left comes as a step of its own */
        t.k = t.ai = iv__operand_k(cpu, blocks ? IV__LOSS_XS_ROWS : n);
        t.ak = 1;
        t.blocks = blocks ? blocks : 1;
        t.a_block = high * IV__LOSS_XS_ROWS;
        weight_tiles(j, c, &t, c->xs + r * high * bytes, t.ai);
    }
}
