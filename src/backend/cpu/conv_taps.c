/* conv_taps.c: kernels of convolutions in packed form, made once for as long as they do not change. */
#include "backend/cpu/conv.h"

#include "base/threads.h"

enum {
    AXES = IV__CONV_AXES,
    BACK = IV__TAPS << 1, /* bits of a form, from IV__TAPS on: this, the periods, how many taps count */
    PERIOD_AT = 5,
    PERIOD_BITS = 10,
    COUNT_AT = PERIOD_AT + AXES * PERIOD_BITS,
    COUNT_BITS = 62 - COUNT_AT,
};

static int64_t common_factor(int64_t a, int64_t b)
{
    return b ? common_factor(b, a % b) : a;
}

/* Taps so far apart along an axis read the same places of x, or more than there are taps. */
static int64_t period_of(const iv__conv_sizes *s, int axis)
{
    int64_t period = s->stride[axis] / common_factor(s->stride[axis], s->dilation[axis]);

    return iv__min64(period, s->w[axis]);
}

bool iv__taps_fit(const iv__conv_sizes *s)
{
    bool fit = s->taps < (int64_t)1 << COUNT_BITS;

    for (int a = 0; a < AXES; a++)
        fit &= period_of(s, a) < 1 << PERIOD_BITS;
    return fit;
}

iv__taps iv__taps_of(const iv__conv_sizes *s, bool back)
{
    iv__taps taps = { back, s->taps, { 1, 1, 1 } };

    for (int a = 0; back && a < AXES; a++)
        taps.period[a] = period_of(s, a);
    return taps;
}

int64_t iv__taps_form(const iv__taps *taps)
{
    int64_t form = IV__TAPS | (taps->back ? BACK : 0) | taps->count << COUNT_AT;

    for (int a = 0; a < AXES; a++)
        form |= taps->period[a] << (PERIOD_AT + a * PERIOD_BITS);
    return form;
}

static iv__taps taps_of_form(int64_t form)
{
    iv__taps taps = { form & BACK, form >> COUNT_AT, { 0 } };

    for (int a = 0; a < AXES; a++)
        taps.period[a] = form >> (PERIOD_AT + a * PERIOD_BITS) & ((1 << PERIOD_BITS) - 1);
    return taps;
}

int64_t iv__taps_with(const iv__taps *taps, const int64_t size[AXES], const int64_t rest[AXES],
                      int64_t *tap)
{
    int64_t count = 0;

    for (int64_t i = 0; i < taps->count; i++) {
        int64_t t = taps->back ? taps->count - 1 - i : i, at[AXES];
        bool with = true;
        iv__conv_place(t, size, at);
        for (int a = 0; a < AXES; a++)
            with &= at[a] % taps->period[a] == rest[a];
        if (with && tap)
            tap[count] = t;
        count += with;
    }
    return count;
}

int64_t iv__taps_before(const iv__taps *taps, const int64_t size[AXES], const int64_t rest[AXES])
{
    int64_t count = 0, number = 0;

    for (int a = 0; a < AXES; a++)
        number = number * taps->period[a] + rest[a];
    for (int64_t i = 0; i < number; i++) {
        int64_t before[AXES];
        iv__conv_place(i, taps->period, before);
        count += iv__taps_with(taps, size, before, NULL);
    }
    return count;
}

/* ---- packing --------------------------------------------------------------------------------- */

typedef struct taps_job {
    const iv__cpu *cpu;
    iv__taps taps;
    int64_t size[AXES], channels, filters;
    int64_t n, width; /* columns of the product; rows of a tap */
    iv__panels panels;
    const float *from;
    void *to;
} taps_job;

static taps_job job_of(const iv__cpu *cpu, const iv_shape *w, int64_t form)
{
    taps_job j = { .cpu = cpu, .taps = taps_of_form(form), .size = { 1, 1, 1 } };
    int64_t axes = w->rank - 2;

    for (int64_t a = 0; a < axes; a++)
        j.size[AXES - axes + a] = w->dim[a];
    j.channels = w->dim[axes];
    j.filters = w->dim[axes + 1];
    j.n = j.taps.back ? j.channels : j.filters;
    j.width = iv__operand_k(cpu, j.taps.back ? j.filters : j.channels);
    j.panels = iv__panels_of(cpu, j.n);
    return j;
}

size_t iv__taps_bytes(const iv__cpu *cpu, const iv_shape *shape, int64_t form)
{
    taps_job j = job_of(cpu, shape, form);

    return iv__packed_bytes(cpu, j.taps.count * j.width, j.n);
}

/* Where tap t of the kernel stands in the packed form. */
static int64_t rank_of(const taps_job *j, int64_t t)
{
    int64_t at[AXES], rest[AXES];
    iv__taps until = j->taps;

    if (iv__conv_volume(j->taps.period) == 1)
        return j->taps.back ? j->taps.count - 1 - t : t;
    iv__conv_place(t, j->size, at);
    for (int a = 0; a < AXES; a++)
        rest[a] = at[a] % j->taps.period[a];
    until.count = t + 1;
    return iv__taps_before(&j->taps, j->size, rest) + iv__taps_with(&j->taps, j->size, rest, NULL) -
           iv__taps_with(&until, j->size, rest, NULL);
}

/* Items: taps. */
static void pack_tap(void *context, int64_t t, int thread)
{
    const taps_job *j = context;
    const iv__cpu *cpu = j->cpu;
    const float *w = j->from + t * j->channels * j->filters;
    int64_t rank = rank_of(j, t);

    (void)thread;
    for (int64_t panel = 0; panel < j->panels.count; panel++) {
        int64_t first = iv__panel_begin(&j->panels, panel),
                width = iv__panel_vectors(&j->panels, panel) * cpu->width,
                columns = iv__min64(width, j->n - first);
        void *to = (void *)(uintptr_t)iv__operand_at(cpu, j->to,
                                                     (first * j->taps.count + rank * width) * j->width);
        if (j->taps.back)
            cpu->pack_transposed(j->filters, columns, w + first * j->filters, j->filters, to, width);
        else
            cpu->pack(j->channels, columns, w + first, j->filters, to, width);
    }
}

void iv__taps_pack(const iv__cpu *cpu, iv_home *home, const iv_array *from, int64_t form, void *to)
{
    taps_job j = job_of(cpu, from->shape, form);

    j.from = from->data;
    j.to = to;
    iv__parallel(home, j.taps.count, pack_tap, &j);
}
