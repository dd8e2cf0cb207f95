/* recurrent.c: what the recurrent rows share: groups of records that run through all steps, and the
 * products around them. */
#include "backend/cpu/recurrent.h"

#include "base/threads.h"
#include "ops/rows.h"

#include <string.h>

void iv__cut_records(iv__sequence *s, int64_t groups)
{
    s->groups = iv__min64(groups, s->records);
    s->group_records = iv__ceil_div(s->records, s->groups);
}

iv__sequence iv__sequence_of(const iv_kernel_call *k, const iv__cpu *cpu, int n_in)
{
    const iv__recurrent *attr = k->attr;
    const int64_t *x = k->in[0].shape->dim, *u = k->in[2].shape->dim;
    int64_t threads = iv_home_threads(k->home);
    iv__sequence s = { .records = x[0],
                       .steps = x[1],
                       .inputs = k->in[1].shape->dim[0],
                       .units = u[0],
                       .sums = u[1],
                       .numbered = k->in[0].dtype == IV_I32 };

    s.reverse = attr->reverse;
    s.mask = k->n_in > n_in ? k->in[n_in].data : NULL;
    iv__cut_records(&s, threads * iv__ceil_div(s.records, threads * IV__GROUP_RECORDS));
    s.chunk = s.numbered ? 1 : s.steps < cpu->rows ? s.steps : cpu->rows;
    s.state_row = iv__odd_lines(s.units);
    return s;
}

void iv__copy_columns(float *to, int64_t to_row, const float *from, int64_t from_row, int64_t rows,
                      int64_t columns)
{
    for (int64_t r = 0; r < rows; r++)
        memcpy(to + r * to_row, from + r * from_row, (size_t)columns * sizeof *to);
}

void iv__take_left(const iv__cpu *cpu, const iv__record_group *g, iv__product *p)
{
    if (cpu->operands == IV__F32)
        return;
    int64_t row = iv__left_row(cpu, p->k);
    cpu->pack_left(p->k, p->m, p->a, p->lda, g->left, row);
    p->a = g->left;
    p->lda = row;
}

void iv__take_lefts(const iv__cpu *cpu, const iv__record_group *g, iv__product *p)
{
    if (cpu->operands == IV__F32)
        return;
    int64_t row = iv__left_row(cpu, p->k);
    for (int64_t batch = 0; batch < p->batches; batch++)
        cpu->pack_left(p->k, p->m, (const float *)p->a + batch * p->a_batch, p->lda,
                       (void *)(uintptr_t)iv__operand_at(cpu, g->left, batch * p->m * row), row);
    p->a = g->left;
    p->lda = row;
    p->a_batch = p->m * row;
}

void iv__copy_states(const iv__sequence *s, const iv__record_group *g, float *to, const void *from)
{
    iv__copy_columns(to, s->state_row, (const float *)from + g->begin * s->units, s->units,
                     g->end - g->begin, s->units);
}

void iv__deliver_states(const iv__sequence *s, const iv__record_group *g, void *to, const float *from)
{
    if (to)
        iv__copy_columns((float *)to + g->begin * s->units, s->units, from, s->state_row,
                         g->end - g->begin, s->units);
}

/* ---- forward --------------------------------------------------------------------------------- */

/* Left factors that are not f32: the states of a step, or x of a chunk. */
static int64_t forward_left(const iv__cpu *cpu, const iv__sequence *s)
{
    int64_t states = iv__left_floats(cpu, s->group_records, s->units),
            x = iv__left_floats(cpu, s->group_records * s->chunk, s->inputs);

    return cpu->operands == IV__F32 ? 0 : s->numbered || states > x ? states : x;
}

static int64_t forward_room(const iv__cpu *cpu, const iv__sequence *s)
{
    return s->group_records * (3 * s->state_row + iv__odd_lines(s->chunk * s->sums)) +
           forward_left(cpu, s);
}

size_t iv__forward_scratch(iv_home *home, const iv__cpu *cpu, const iv__sequence *s)
{
    return (size_t)(iv_home_threads(home) * forward_room(cpu, s)) * sizeof(float);
}

/* Pre-activations of a chunk: that of record n and a time at z + (n - begin) * row + (time - time0)
 * * sums. */
typedef struct chunk_sums {
    float *z;
    int64_t row, time0;
} chunk_sums;

static void choose_rows(const iv__forward *f, const iv__record_group *g, int64_t t0, int64_t t1,
                        const chunk_sums *sums)
{
    const iv__sequence *s = &f->s;
    size_t bytes = (size_t)s->sums * sizeof(float);

    for (int64_t n = g->begin; n < g->end; n++) {
        for (int64_t t = t0; t < t1; t++) {
            const float *row = iv__chosen_row(s, f->k, n * s->steps + t);
            float *to = sums->z + (n - g->begin) * sums->row + (t - sums->time0) * s->sums;
            if (row)
                memcpy(to, row, bytes);
            else
                memset(to, 0, bytes);
        }
    }
}

/* z = x w for times [t0, t1): tiles are the steps of one record, or the records at one step. */
static void input_sums(const iv__forward *f, const iv__record_group *g, int64_t t0, int64_t t1,
                       const chunk_sums *sums)
{
    const iv__sequence *s = &f->s;
    int64_t records = g->end - g->begin, times = t1 - t0, record = s->steps * s->inputs;
    bool by_record = times == f->cpu->rows || times >= records;
    iv__panels panels = iv__panels_of(f->cpu, s->sums);
    iv__product p = { .m = by_record ? times : records,
                      .n = s->sums,
                      .k = s->inputs,
                      .a = (const float *)f->k->in[0].data + g->begin * record + t0 * s->inputs,
                      .lda = by_record ? s->inputs : record,
                      .from_panels = true,
                      .packed = f->packed_w,
                      .c = sums->z + (t0 - sums->time0) * s->sums,
                      .ldc = by_record ? s->sums : sums->row,
                      .batches = by_record ? records : times,
                      .a_batch = by_record ? record : s->inputs,
                      .c_batch = by_record ? sums->row : s->sums };

    iv__take_lefts(f->cpu, g, &p);
    iv__product_rows(f->cpu, &panels, &p);
}

void iv__state_product(const iv__forward *f, const iv__record_group *g, const float *states,
                       const iv__panels *panels, const void *packed, float *to, int64_t to_row, bool add)
{
    iv__product p = { .m = g->end - g->begin,
                      .n = panels->n,
                      .k = f->s.units,
                      .a = states,
                      .lda = f->s.state_row,
                      .from_panels = true,
                      .packed = packed,
                      .c = to,
                      .ldc = to_row,
                      .add = add };

    iv__take_left(f->cpu, g, &p);
    iv__product_rows(f->cpu, panels, &p);
}

static void forward_group(void *context, int64_t group, int thread)
{
    const iv__forward *f = context;
    const iv_kernel_call *k = f->k;
    const iv__sequence *s = &f->s;
    float *y = k->out[0].data, *room = (float *)k->scratch + thread * forward_room(f->cpu, s);
    iv__record_group g = { .begin = iv__part(s->records, group, s->groups),
                           .end = iv__part(s->records, group + 1, s->groups) };

    g.h = room;
    g.c = g.h + s->group_records * s->state_row;
    g.room = g.c + s->group_records * s->state_row;
    g.left = room + forward_room(f->cpu, s) - forward_left(f->cpu, s);
    if (f->cpu->begin)
        f->cpu->begin();
    iv__copy_states(s, &g, g.h, k->in[f->h0].data);
    if (f->c0 >= 0)
        iv__copy_states(s, &g, g.c, k->in[f->c0].data);
    for (int64_t begin = 0; begin < s->steps; begin += s->chunk) {
        int64_t end = begin + s->chunk < s->steps ? begin + s->chunk : s->steps;
        int64_t t0 = s->reverse ? s->steps - end : begin;
        chunk_sums sums = { g.room + s->group_records * s->state_row,
                            iv__odd_lines(s->chunk * s->sums), t0 };
        if (!s->numbered)
            input_sums(f, &g, t0, t0 + end - begin, &sums);
        else if (!f->chooses)
            choose_rows(f, &g, t0, t0 + end - begin, &sums);
        for (int64_t step = begin; step < end; step++) {
            int64_t t = iv__step_time(s, step);
            g.z = sums.z + (t - sums.time0) * s->sums;
            g.z_row = sums.row;
            f->step(f, &g, t);
            if (!f->chooses)
                iv__copy_columns(y + (g.begin * s->steps + t) * s->units, s->steps * s->units, g.h,
                                 s->state_row, g.end - g.begin, s->units);
        }
    }
    iv__deliver_states(s, &g, k->out[1].data, g.h);
    if (f->c0 >= 0)
        iv__deliver_states(s, &g, k->out[2].data, g.c);
    if (f->cpu->end)
        f->cpu->end();
}

void iv__forward_run(const iv__forward *f)
{
    iv__parallel(f->k->home, f->s.groups, forward_group, (void *)(uintptr_t)f);
}
