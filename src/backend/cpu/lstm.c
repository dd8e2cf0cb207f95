/* lstm.c: the rows "lstm" and "lstm_back" (ops/rows.h). */
#include "backend/cpu/recurrent.h"
#include "backend/cpu/rows.h"

#include "base/threads.h"

#include <string.h>

enum { X, W, U, B, H0, C0, INPUTS };
enum { BACK_H0 = 3, BACK_C0, BACK_Y, BACK_GATES, BACK_CELLS, BACK_DY, BACK_DH, BACK_DC, BACK_INPUTS };

typedef struct lstm_job {
    const iv_kernel_call *k;
    const iv__cpu *cpu;
    iv__sequence s;
    iv__panels sums, units; /* panels of w and u, and of u transposed */
    iv__weights_back back;
    float *rooms;
    int64_t room; /* floats of a thread */
} lstm_job;

bool iv__lstm_fits(const iv_kernel_call *k)
{
    return iv__all_f32(k, 0);
}

bool iv__lstm_back_fits(const iv_kernel_call *k)
{
    return iv__all_f32(k, 0);
}

static int both_weights(iv_packing panels, int64_t variant, iv_packing want[IV_MAX_PACKED])
{
    panels.variant = variant;
    for (int i = 0; i < 2; i++) {
        want[i] = panels;
        want[i].input = i == 0 ? W : U;
    }
    return 2;
}

int iv__lstm_packings(const iv_kernel_call *k, iv_packing panels, iv_packing want[IV_MAX_PACKED])
{
    (void)k;
    return both_weights(panels, IV__PANELS, want);
}

int iv__lstm_back_packings(const iv_kernel_call *k, iv_packing panels, iv_packing want[IV_MAX_PACKED])
{
    (void)k;
    return both_weights(panels, IV__PANELS_TRANSPOSED, want);
}

/* ---- forward: h and c of the group, and its pre-activations where the gates are not wanted ---------------------------- */

static int64_t forward_room(const iv__sequence *s)
{
    return s->group_records * (2 * s->state_row + s->chunk * s->sums + 16) + 16;
}

size_t iv__lstm_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__sequence s = iv__sequence_of(k, cpu, INPUTS);

    return (size_t)(iv_home_threads(k->home) * iv__round_up(forward_room(&s), 16)) * sizeof(float);
}

static void forward_group(void *context, int64_t group, int thread)
{
    const lstm_job *j = context;
    const iv_kernel_call *k = j->k;
    const iv__sequence *s = &j->s;
    int64_t n0 = iv__part(s->records, group, s->groups), n1 = iv__part(s->records, group + 1, s->groups);
    const float *h0 = k->in[H0].data, *c0 = k->in[C0].data, *b = k->in[B].data;
    float *y = k->out[0].data, *last_h = k->out[1].data, *last_c = k->out[2].data;
    float *gates = k->out[3].data, *cells = k->out[4].data;
    float *h = j->rooms + thread * j->room, *c = h + s->group_records * s->state_row;
    float *room = c + s->group_records * s->state_row;
    size_t row = (size_t)s->units * sizeof(float);

    for (int64_t n = n0; n < n1; n++) {
        memcpy(h + (n - n0) * s->state_row, h0 + n * s->units, row);
        memcpy(c + (n - n0) * s->state_row, c0 + n * s->units, row);
    }
    for (int64_t begin = 0; begin < s->steps; begin += s->chunk) {
        int64_t end = begin + s->chunk < s->steps ? begin + s->chunk : s->steps;
        int64_t t0 = s->reverse ? s->steps - end : begin;
        iv__sums sums = { room, s->chunk * s->sums + 16, t0 };
        if (gates)
            sums = (iv__sums){ gates + n0 * s->steps * s->sums, s->steps * s->sums, 0 };
        iv__input_sums(j->cpu, s, &j->sums, k->in[X].data, k->packed[0], n0, n1, t0, t0 + end - begin, &sums);
        for (int64_t step = begin; step < end; step++) {
            int64_t t = iv__time_of(s, step);
            float *z = sums.z + (t - sums.time0) * s->sums;
            iv__product p = { .m = n1 - n0, .n = s->sums, .k = s->units, .a = h, .lda = s->state_row, .packed = k->packed[1],
                              .from_panels = true, .c = z, .ldc = sums.record_row, .add = true };
            iv__product_rows(j->cpu, &j->sums, &p);
            for (int64_t n = n0; n < n1; n++, z += sums.record_row) {
                float *hn = h + (n - n0) * s->state_row, *cn = c + (n - n0) * s->state_row;
                if (iv__held(s, n, t))
                    memset(z, 0, (size_t)s->sums * sizeof *z);
                else
                    j->cpu->lstm(s->units, z, b, hn, cn);
                memcpy(y + (n * s->steps + t) * s->units, hn, row);
                if (cells)
                    memcpy(cells + (n * s->steps + t) * s->units, cn, row);
            }
        }
    }
    for (int64_t n = n0; n < n1; n++) {
        if (last_h)
            memcpy(last_h + n * s->units, h + (n - n0) * s->state_row, row);
        if (last_c)
            memcpy(last_c + n * s->units, c + (n - n0) * s->state_row, row);
    }
}

void iv__lstm_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    lstm_job j = { .k = k, .cpu = cpu, .s = iv__sequence_of(k, cpu, INPUTS), .rooms = k->scratch };

    j.sums = iv__panels_of(cpu, j.s.sums);
    j.room = iv__round_up(forward_room(&j.s), 16);
    iv__parallel(k->home, j.s.groups, forward_group, &j);
}

/* ---- backward: of the group what flows into h and c, and dz of one step --------------------------------------------- */

static int64_t backward_room(const iv__sequence *s)
{
    return s->group_records * (3 * s->state_row + s->sums + 16);
}

size_t iv__lstm_back_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__sequence s = iv__sequence_of(k, cpu, BACK_INPUTS);

    return (size_t)(iv_home_threads(k->home) * iv__round_up(backward_room(&s), 16)) * sizeof(float) +
           iv__weights_back_bytes(k->home, cpu, &s);
}

/* One step back of a group: dh holds what comes from the step after, and then what goes to the step before. */
static void step_back(const lstm_job *j, int64_t step, int64_t n0, int64_t n1, float *dh, float *dc, float *whole,
                      float *dz)
{
    const iv_kernel_call *k = j->k;
    const iv__sequence *s = &j->s;
    const float *gates = k->in[BACK_GATES].data, *cells = k->in[BACK_CELLS].data, *dy = k->in[BACK_DY].data;
    int64_t t = iv__time_of(s, step), dz_row = s->sums + 16;
    size_t row = (size_t)s->units * sizeof(float);

    for (int64_t n = n0; n < n1; n++) {
        int64_t at = n * s->steps + t, r = n - n0;
        float *d = whole + r * s->state_row, *dzn = dz + r * dz_row;
        const float *dhn = dh + r * s->state_row;
        for (int64_t i = 0; i < s->units; i++)
            d[i] = dhn[i] + dy[at * s->units + i];
        if (iv__held(s, n, t))
            memset(dzn, 0, (size_t)s->sums * sizeof *dzn);
        else
            j->cpu->lstm_back(s->units, gates + at * s->sums, cells + at * s->units,
                              iv__state_before(s, cells, k->in[BACK_C0].data, n, step), d, dc + r * s->state_row, dzn);
        memcpy(j->back.dz + at * s->sums, dzn, (size_t)s->sums * sizeof *dzn);
        iv__weights_back_row(&j->back, s, at, iv__state_before(s, k->in[BACK_Y].data, k->in[BACK_H0].data, n, step),
                             (const float *)k->in[X].data + at * s->inputs);
    }
    iv__product p = { .m = n1 - n0, .n = s->units, .k = s->sums, .a = dz, .lda = dz_row, .from_panels = true,
                      .packed = k->packed[1], .c = dh, .ldc = s->state_row };
    iv__product_rows(j->cpu, &j->units, &p);
    for (int64_t n = n0; n < n1; n++) {
        if (iv__held(s, n, t))
            memcpy(dh + (n - n0) * s->state_row, whole + (n - n0) * s->state_row, row);
    }
}

static void backward_group(void *context, int64_t group, int thread)
{
    const lstm_job *j = context;
    const iv_kernel_call *k = j->k;
    const iv__sequence *s = &j->s;
    int64_t n0 = iv__part(s->records, group, s->groups), n1 = iv__part(s->records, group + 1, s->groups);
    int64_t states = s->group_records * s->state_row;
    float *dh = j->rooms + thread * j->room, *dc = dh + states, *whole = dc + states, *dz = whole + states;
    float *dh0 = k->out[4].data, *dc0 = k->out[5].data;
    size_t row = (size_t)s->units * sizeof(float);

    for (int64_t n = n0; n < n1; n++) {
        memcpy(dh + (n - n0) * s->state_row, (const float *)k->in[BACK_DH].data + n * s->units, row);
        memcpy(dc + (n - n0) * s->state_row, (const float *)k->in[BACK_DC].data + n * s->units, row);
    }
    for (int64_t step = s->steps - 1; step >= 0; step--)
        step_back(j, step, n0, n1, dh, dc, whole, dz);
    for (int64_t n = n0; n < n1; n++) {
        if (dh0)
            memcpy(dh0 + n * s->units, dh + (n - n0) * s->state_row, row);
        if (dc0)
            memcpy(dc0 + n * s->units, dc + (n - n0) * s->state_row, row);
    }
}

void iv__lstm_back_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    lstm_job j = { .k = k, .cpu = cpu, .s = iv__sequence_of(k, cpu, BACK_INPUTS), .rooms = k->scratch };

    j.units = iv__panels_of(cpu, j.s.units);
    j.room = iv__round_up(backward_room(&j.s), 16);
    j.back = iv__weights_back_of(cpu, &j.s, j.rooms + j.room * iv_home_threads(k->home));
    iv__parallel(k->home, j.s.groups, backward_group, &j);
    iv__weights_back_run(k->home, cpu, &j.s, &j.back, k->out[1].data, k->out[2].data, k->out[3].data);
    iv__inputs_back(k->home, cpu, &j.s, &j.back, k->packed[0], k->out[0].data);
}
