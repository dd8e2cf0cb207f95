/* simple_rnn.c: the rows "simple_rnn" and "simple_rnn_back" (ops/rows.h). */
#include "backend/cpu/recurrent.h"
#include "backend/cpu/rows.h"

enum { X, W, U, B, H0, INPUTS };
enum { BACK_H0 = 3, BACK_Y, BACK_DY, BACK_DH, BACK_INPUTS };

int iv__simple_rnn_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv__packing panels,
                            iv__packing want[IV__MAX_PACKED])
{
    (void)cpu;
    want[0] = iv__want(panels, U, IV__PANELS);
    return iv__want_w(k, panels, IV__PANELS, want, 1);
}

int iv__simple_rnn_back_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv__packing panels,
                                 iv__packing want[IV__MAX_PACKED])
{
    (void)cpu;
    want[0] = iv__want(panels, U, IV__PANELS_TRANSPOSED);
    return iv__want_w(k, panels, IV__PANELS_TRANSPOSED, want, 1);
}

size_t iv__simple_rnn_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__sequence s = iv__sequence_of(k, cpu, INPUTS);

    return iv__forward_scratch(k->home, cpu, &s);
}

static void step(const iv__forward *f, const iv__record_group *g, int64_t time)
{
    iv__state_product(f, g, g->h, f->u, f->k->packed[0], g->z, g->z_row, true);
    for (int64_t n = g->begin, row = 0; n < g->end; n++, row++) {
        if (!iv__held(&f->s, n, time))
            f->cpu->simple_rnn(f->s.units, g->z + row * g->z_row, f->k->in[B].data,
                               g->h + row * f->s.state_row);
    }
}

void iv__simple_rnn_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__panels u = iv__panels_of(cpu, k->in[U].shape->dim[1]);

    iv__forward_run(&(iv__forward){ .k = k,
                                    .cpu = cpu,
                                    .s = iv__sequence_of(k, cpu, INPUTS),
                                    .h0 = H0,
                                    .c0 = -1,
                                    .u = &u,
                                    .packed_w = iv__packed_w(k, 1),
                                    .step = step });
}

static void step_back(const iv__backward *b, const iv__record_group *g, int64_t step_index)
{
    const iv_kernel_call *k = b->k;
    const iv__sequence *s = &b->s;
    const float *y = k->in[BACK_Y].data, *dy = k->in[BACK_DY].data;
    int64_t t = iv__step_time(s, step_index);

    for (int64_t n = g->begin, row = 0; n < g->end; n++, row++) {
        int64_t at = (n * s->steps + t) * s->units;
        if (iv__held(s, n, t))
            iv__back_held(b, g, n, t);
        else
            b->cpu->simple_rnn_back(s->units, y + at, dy + at, g->h + row * s->state_row,
                                    g->z + row * g->z_row);
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
                           .dc = -1,
                           .dz_width = s.sums,
                           .extra = -1,
                           .step = step_back,
                           .straight = true };
}

size_t iv__simple_rnn_back_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__backward b = backward_of(cpu, k);

    return iv__backward_scratch(&b);
}

void iv__simple_rnn_back_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__backward b = backward_of(cpu, k);

    b.packed_w = iv__packed_w(k, 1);
    iv__backward_run(&b);
}
