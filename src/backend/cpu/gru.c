/* gru.c: the rows "gru" and "gru_back" (ops/rows.h), with the reset gate before or after the
 * product with u.
 *
 * u is packed in two parts, the columns of z and r and those of g: the two forms differ in what the
 * second one multiplies.
 *   after: inner = h Ug + b1g, g = tanh(x Wg + b0g + r inner) before: inner = r h, g = tanh(x Wg +
 *     bg + inner Ug) */
#include "backend/cpu/recurrent.h"
#include "backend/cpu/rows.h"

#include "ops/rows.h"

#include <string.h>

enum { X, W, U, B, H0, INPUTS };
enum { BACK_H0 = 3, BACK_Y, BACK_GATES, BACK_INNER, BACK_DY, BACK_DH, BACK_INPUTS };

static bool resets_after(const iv_kernel_call *k)
{
    return ((const iv__recurrent *)k->attr)->reset_after;
}

int iv__gru_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv__packing panels,
                     iv__packing want[IV__MAX_PACKED])
{
    (void)cpu;
    want[0] = iv__want(panels, U, IV__PANELS | IV__FIRST_TWO_THIRDS);
    want[1] = iv__want(panels, U, IV__PANELS | IV__LAST_THIRD);
    return iv__want_w(k, panels, IV__PANELS, want, 2);
}

int iv__gru_back_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv__packing panels,
                          iv__packing want[IV__MAX_PACKED])
{
    (void)cpu;
    want[0] = iv__want(panels, U, IV__PANELS_TRANSPOSED | IV__FIRST_TWO_THIRDS);
    want[1] = iv__want(panels, U, IV__PANELS_TRANSPOSED | IV__LAST_THIRD);
    return iv__want_w(k, panels, IV__PANELS_TRANSPOSED, want, 2);
}

size_t iv__gru_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__sequence s = iv__sequence_of(k, cpu, INPUTS);

    return iv__forward_scratch(k->home, cpu, &s);
}

/* Gates and inner of one record are 0 where it holds its state. */
static void hold(const iv__forward *f, float *gates, float *inner)
{
    if (gates)
        memset(gates, 0, (size_t)f->s.sums * sizeof *gates);
    memset(inner, 0, (size_t)f->s.units * sizeof *inner);
}

static void step(const iv__forward *f, const iv__record_group *g, int64_t time)
{
    const iv_kernel_call *k = f->k;
    const iv__sequence *s = &f->s;
    const iv__panels *u = f->u; /* of z and r, of g */
    const float *b = k->in[B].data;
    float *all_gates = k->out[2].data, *inner = k->out[3].data;
    bool after = resets_after(k);

    iv__state_product(f, g, g->h, &u[0], k->packed[0], g->z, g->z_row, true);
    if (after)
        iv__state_product(f, g, g->h, &u[1], k->packed[1], g->room, s->state_row, false);
    for (int64_t n = g->begin, row = 0; n < g->end; n++, row++) {
        float *z = g->z + row * g->z_row, *h = g->h + row * s->state_row,
              *in = g->room + row * s->state_row,
              *gates = all_gates ? all_gates + (n * s->steps + time) * s->sums : NULL;
        if (iv__held(s, n, time))
            hold(f, gates, in);
        else if (after)
            f->cpu->gru_after(s->units, z, b, in, h, gates);
        else
            f->cpu->gru_before(s->units, z, b, h, in);
    }
    if (!after) {
        iv__state_product(f, g, g->room, &u[1], k->packed[1], g->z + 2 * s->units, g->z_row, true);
        for (int64_t n = g->begin, row = 0; n < g->end; n++, row++) {
            if (!iv__held(s, n, time))
                f->cpu->gru_state(s->units, g->z + row * g->z_row, b, g->h + row * s->state_row,
                                  all_gates ? all_gates + (n * s->steps + time) * s->sums : NULL);
        }
    }
    if (inner)
        iv__copy_columns(inner + (g->begin * s->steps + time) * s->units, s->steps * s->units,
                         g->room, s->state_row, g->end - g->begin, s->units);
}

void iv__gru_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    int64_t units = k->in[U].shape->dim[0];
    iv__panels u[2] = { iv__panels_of(cpu, 2 * units), iv__panels_of(cpu, units) };

    iv__forward_run(&(iv__forward){ .k = k,
                                    .cpu = cpu,
                                    .s = iv__sequence_of(k, cpu, INPUTS),
                                    .h0 = H0,
                                    .c0 = -1,
                                    .u = u,
                                    .packed_w = iv__packed_w(k, 2),
                                    .step = step });
}

/* ---- backward: dz is that of z, r and g; reset after, also that of inner --------------------- */

static void step_back(const iv__backward *b, const iv__record_group *g, int64_t step_index)
{
    const iv_kernel_call *k = b->k;
    const iv__sequence *s = &b->s;
    const float *gates = k->in[BACK_GATES].data, *inner = k->in[BACK_INNER].data,
                *dy = k->in[BACK_DY].data;
    int64_t t = iv__step_time(s, step_index), units = s->units;
    bool after = resets_after(k);

    for (int64_t n = g->begin, row = 0; n < g->end; n++, row++) {
        int64_t at = n * s->steps + t;
        const float *before = iv__state_before(s, k->in[BACK_Y].data, k->in[BACK_H0].data, n,
                                               step_index);
        float *dh = g->h + row * s->state_row, *dz = g->z + row * g->z_row;
        if (iv__held(s, n, t))
            iv__back_held(b, g, n, t);
        else
            b->cpu->gru_back(units, gates + at * s->sums, after ? inner + at * units : NULL, before,
                             dy + at * units, dh, dz);
    }
    if (after) {
        iv__back_through_u(b, g, 3 * units, units, k->packed[1], g->h, true);
    } else {
        iv__back_through_u(b, g, 2 * units, units, k->packed[1], g->room, false);
        for (int64_t n = g->begin, row = 0; n < g->end; n++, row++) {
            if (!iv__held(s, n, t))
                b->cpu->gru_reset_back(units, gates + (n * s->steps + t) * s->sums,
                                       iv__state_before(s, k->in[BACK_Y].data, k->in[BACK_H0].data,
                                                        n, step_index),
                                       g->room + row * s->state_row, g->h + row * s->state_row,
                                       g->z + row * g->z_row);
        }
    }
    iv__back_through_u(b, g, 0, 2 * units, k->packed[0], g->h, true);
}

/* Rows of the product: h, (reset before) inner, 1 and x; columns: z, r, g and (reset after)
 * inner. */
static void deliver(const iv__backward *b, const float *product)
{
    const iv_kernel_call *k = b->k;
    int64_t units = b->s.units, sums = b->s.sums, row = b->dz_width;
    const float *inner = product + units * row, *ones = b->extra < 0 ? inner : inner + units * row,
                *x = ones + row;
    float *dw = k->out[1].data, *du = k->out[2].data, *db = k->out[3].data;
    bool after = resets_after(k);

    if (dw)
        iv__copy_columns(dw, sums, x, row, b->s.inputs, sums);
    if (du) {
        iv__copy_columns(du, sums, product, row, units, 2 * units);
        iv__copy_columns(du + 2 * units, sums, after ? product + 3 * units : inner + 2 * units, row,
                         units, units);
    }
    if (db) {
        memcpy(db, ones, (size_t)sums * sizeof *db);
        if (after) {
            memcpy(db + sums, ones, (size_t)(2 * units) * sizeof *db);
            memcpy(db + sums + 2 * units, ones + 3 * units, (size_t)units * sizeof *db);
        }
    }
}

static iv__backward backward_of(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__sequence s = iv__sequence_of(k, cpu, BACK_INPUTS);
    bool after = resets_after(k);

    return (iv__backward){ .k = k,
                           .cpu = cpu,
                           .s = s,
                           .h0 = BACK_H0,
                           .y = BACK_Y,
                           .dy = BACK_DY,
                           .dh = BACK_DH,
                           .dc = -1,
                           .dz_width = (after ? 4 : 3) * s.units,
                           .extra = after ? -1 : BACK_INNER,
                           .step = step_back,
                           .deliver = deliver };
}

size_t iv__gru_back_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__backward b = backward_of(cpu, k);

    return iv__backward_scratch(&b);
}

void iv__gru_back_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__backward b = backward_of(cpu, k);

    b.packed_w = iv__packed_w(k, 2);
    iv__backward_run(&b);
}
