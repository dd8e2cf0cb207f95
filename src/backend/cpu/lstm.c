/* lstm.c: the rows "lstm" and "lstm_back" (ops/rows.h). */
#include "backend/cpu/recurrent.h"
#include "backend/cpu/rows.h"

#include <string.h>

enum { X, W, U, B, H0, C0, INPUTS };
enum {
    BACK_H0 = 3,
    BACK_C0,
    BACK_Y,
    BACK_GATES,
    BACK_CELLS,
    BACK_DY,
    BACK_DH,
    BACK_DC,
    BACK_INPUTS
};

int iv__lstm_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv__packing panels,
                      iv__packing want[IV__MAX_PACKED])
{
    (void)cpu;
    want[0] = iv__want(panels, U, IV__PANELS);
    return iv__want_w(k, panels, IV__PANELS, want, 1);
}

int iv__lstm_back_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv__packing panels,
                           iv__packing want[IV__MAX_PACKED])
{
    (void)cpu;
    want[0] = iv__want(panels, U, IV__PANELS_TRANSPOSED);
    return iv__want_w(k, panels, IV__PANELS_TRANSPOSED, want, 1);
}

size_t iv__lstm_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__sequence s = iv__sequence_of(k, cpu, INPUTS);

    return iv__forward_scratch(k->home, cpu, &s);
}

static void step(const iv__forward *f, const iv__record_group *g, int64_t time)
{
    const iv_kernel_call *k = f->k;
    const iv__sequence *s = &f->s;
    float *all_gates = k->out[3].data, *cells = k->out[4].data;

    iv__state_product(f, g, g->h, f->u, k->packed[0], g->z, g->z_row, !s->numbered);
    for (int64_t n = g->begin; n < g->end; n++) {
        int64_t row = n - g->begin, at = n * s->steps + time;
        const float *z = g->z + row * g->z_row;
        float *h = g->h + row * s->state_row, *c = g->c + row * s->state_row;
        float *y = (float *)k->out[0].data + at * s->units,
              *cell = cells ? cells + at * s->units : NULL,
              *gates = all_gates ? all_gates + at * s->sums : NULL;
        if (!iv__held(s, n, time)) {
            f->cpu->lstm(s->units, z, s->numbered ? iv__chosen_row(s, k, at) : NULL, k->in[B].data,
                         h, c, y, gates, cell, s->reverse ? -1 : 1);
            continue;
        }
        if (gates)
            memset(gates, 0, (size_t)s->sums * sizeof *gates);
        memcpy(y, h, (size_t)s->units * sizeof *h);
        if (cell)
            memcpy(cell, c, (size_t)s->units * sizeof *c);
    }
}

void iv__lstm_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__panels u = iv__panels_of(cpu, k->in[U].shape->dim[1]);

    iv__forward_run(&(iv__forward){ .k = k,
                                    .cpu = cpu,
                                    .s = iv__sequence_of(k, cpu, INPUTS),
                                    .h0 = H0,
                                    .c0 = C0,
                                    .u = &u,
                                    .packed_w = iv__packed_w(k, 1),
                                    .chooses = true,
                                    .step = step });
}

/* ---- backward -------------------------------------------------------------------------------- */

static void step_back(const iv__backward *b, const iv__record_group *g, int64_t step_index)
{
    const iv_kernel_call *k = b->k;
    const iv__sequence *s = &b->s;
    const float *gates = k->in[BACK_GATES].data, *cells = k->in[BACK_CELLS].data,
                *dy = k->in[BACK_DY].data;
    int64_t t = iv__step_time(s, step_index);

    for (int64_t n = g->begin; n < g->end; n++) {
        int64_t at = n * s->steps + t, row = n - g->begin;
        if (iv__held(s, n, t))
            iv__back_held(b, g, n, t);
        else
            b->cpu->lstm_back(s->units, gates + at * s->sums, cells + at * s->units,
                              iv__state_before(s, cells, k->in[BACK_C0].data, n, step_index),
                              dy + at * s->units, g->h + row * s->state_row,
                              g->c + row * s->state_row, g->z + row * g->z_row, s->reverse ? 1 : -1);
    }
    iv__back_through_u(b, g, 0, s->sums, k->packed[0], g->h, true);
}

static iv__backward backward_of(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__sequence s = iv__sequence_of(k, cpu, BACK_INPUTS);

    return (iv__backward){ .k = k,
                           .cpu = cpu,
                           .s = s,
                           .h0 = BACK_H0,
                           .y = BACK_Y,
                           .dy = BACK_DY,
                           .dh = BACK_DH,
                           .dc = BACK_DC,
                           .dz_width = s.sums,
                           .extra = -1,
                           .step = step_back,
                           .straight = true };
}

size_t iv__lstm_back_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__backward b = backward_of(cpu, k);

    return iv__backward_scratch(&b);
}

void iv__lstm_back_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__backward b = backward_of(cpu, k);

    b.packed_w = iv__packed_w(k, 1);
    iv__backward_run(&b);
}
