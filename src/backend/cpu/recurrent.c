/* recurrent.c: what the recurrent rows share: groups of records that run through all steps, and the
 * products around them. */
#include "backend/cpu/recurrent.h"

#include "base/threads.h"
#include "ops/rows.h"

#include <string.h>

/* Records of a group at most: their states, and the gates of a chunk of steps, stay in L2. */
enum { GROUP_RECORDS = 36 };

/* Whole cache lines, an odd number of them, so that neighbouring rows fall into different sets of a
 * cache. */
static int64_t odd_lines(int64_t floats)
{
    int64_t lines = (floats + 15) / 16;

    return (lines | 1) * 16;
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
    s.groups = threads * ((s.records + threads * GROUP_RECORDS - 1) / (threads * GROUP_RECORDS));
    if (s.groups > s.records)
        s.groups = s.records;
    s.group_records = (s.records + s.groups - 1) / s.groups;
    s.chunk = s.numbered ? 1 : s.steps < cpu->rows ? s.steps : cpu->rows;
    s.state_row = odd_lines(s.units);
    return s;
}

void iv__copy_columns(float *to, int64_t to_row, const float *from, int64_t from_row, int64_t rows,
                      int64_t columns)
{
    for (int64_t r = 0; r < rows; r++)
        memcpy(to + r * to_row, from + r * from_row, (size_t)columns * sizeof *to);
}

static void copy_states(const iv__sequence *s, const iv__group *g, float *to, const void *from)
{
    iv__copy_columns(to, s->state_row, (const float *)from + g->begin * s->units, s->units,
                     g->end - g->begin, s->units);
}

static void deliver_states(const iv__sequence *s, const iv__group *g, void *to, const float *from)
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
    return s->group_records * (3 * s->state_row + odd_lines(s->chunk * s->sums)) + forward_left(cpu, s);
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

static void *at_left(const iv__cpu *cpu, const iv__group *g, int64_t element)
{
    return (void *)(uintptr_t)iv__operand_at(cpu, g->left, element);
}

static void choose_rows(const iv__forward *f, const iv__group *g, int64_t t0, int64_t t1,
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
static void input_sums(const iv__forward *f, const iv__group *g, int64_t t0, int64_t t1,
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

    if (f->cpu->operands != IV__F32) { /* batch behind batch */
        int64_t row = iv__left_row(f->cpu, p.k);
        for (int64_t batch = 0; batch < p.batches; batch++)
            f->cpu->pack_left(p.k, p.m, (const float *)p.a + batch * p.a_batch, p.lda,
                              at_left(f->cpu, g, batch * p.m * row), row);
        p.a = g->left;
        p.lda = row;
        p.a_batch = p.m * row;
    }
    iv__product_rows(f->cpu, &panels, &p);
}

/* The left factor as the products take it: f32 where it lies, else in g->left. */
static void take_left(const iv__cpu *cpu, const iv__group *g, iv__product *p)
{
    if (cpu->operands == IV__F32)
        return;
    int64_t row = iv__left_row(cpu, p->k);
    cpu->pack_left(p->k, p->m, p->a, p->lda, g->left, row);
    p->a = g->left;
    p->lda = row;
}

void iv__state_product(const iv__forward *f, const iv__group *g, const float *states,
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

    take_left(f->cpu, g, &p);
    iv__product_rows(f->cpu, panels, &p);
}

static void forward_group(void *context, int64_t group, int thread)
{
    const iv__forward *f = context;
    const iv_kernel_call *k = f->k;
    const iv__sequence *s = &f->s;
    float *y = k->out[0].data, *room = (float *)k->scratch + thread * forward_room(f->cpu, s);
    iv__group g = { .begin = iv__part(s->records, group, s->groups),
                    .end = iv__part(s->records, group + 1, s->groups) };

    g.h = room;
    g.c = g.h + s->group_records * s->state_row;
    g.room = g.c + s->group_records * s->state_row;
    g.left = room + forward_room(f->cpu, s) - forward_left(f->cpu, s);
    if (f->cpu->begin)
        f->cpu->begin();
    copy_states(s, &g, g.h, k->in[f->h0].data);
    if (f->c0 >= 0)
        copy_states(s, &g, g.c, k->in[f->c0].data);
    for (int64_t begin = 0; begin < s->steps; begin += s->chunk) {
        int64_t end = begin + s->chunk < s->steps ? begin + s->chunk : s->steps;
        int64_t t0 = s->reverse ? s->steps - end : begin;
        chunk_sums sums = { g.room + s->group_records * s->state_row, odd_lines(s->chunk * s->sums), t0 };
        if (!s->numbered)
            input_sums(f, &g, t0, t0 + end - begin, &sums);
        else if (!f->chooses)
            choose_rows(f, &g, t0, t0 + end - begin, &sums);
        for (int64_t step = begin; step < end; step++) {
            int64_t t = iv__time_of(s, step);
            g.z = sums.z + (t - sums.time0) * s->sums;
            g.z_row = sums.row;
            f->step(f, &g, t);
            if (!f->chooses)
                iv__copy_columns(y + (g.begin * s->steps + t) * s->units, s->steps * s->units, g.h,
                                 s->state_row, g.end - g.begin, s->units);
        }
    }
    deliver_states(s, &g, k->out[1].data, g.h);
    if (f->c0 >= 0)
        deliver_states(s, &g, k->out[2].data, g.c);
    if (f->cpu->end)
        f->cpu->end();
}

void iv__forward_run(const iv__forward *f)
{
    iv__parallel(f->k->home, f->s.groups, forward_group, (void *)(uintptr_t)f);
}

/* ---- backward -------------------------------------------------------------------------------- */

static int64_t left_columns(const iv__sequence *s, bool extra)
{
    return s->units + (extra ? s->units : 0) + (s->numbered ? 0 : 1 + s->inputs);
}

/* Rows of the whole product of the weights; the last ones are sums that numbers choose. */
static int64_t weight_rows(const iv__sequence *s, bool extra)
{
    return s->units + (extra ? s->units : 0) + 1 + s->inputs;
}

static iv__product weights_product(const iv__sequence *s, int64_t dz_width, bool extra)
{
    int64_t width = left_columns(s, extra);

    return (iv__product){ .m = width,
                          .n = dz_width,
                          .k = s->records * s->steps,
                          .a_transposed = true,
                          .lda = odd_lines(width),
                          .ldb = dz_width,
                          .ldc = dz_width };
}

static iv__product inputs_product(const iv__sequence *s, int64_t dz_width)
{
    return (iv__product){ .m = s->records * s->steps,
                          .n = s->inputs,
                          .k = s->sums,
                          .lda = dz_width,
                          .from_panels = true,
                          .ldc = s->inputs };
}

static int64_t backward_left(const iv__cpu *cpu, const iv__sequence *s, int64_t dz_width)
{
    return cpu->operands == IV__F32 ? 0 : iv__left_floats(cpu, s->group_records, dz_width);
}

/* Of a thread: dh, dc, room and dz of a group, and its left factors. */
static int64_t backward_room(const iv__cpu *cpu, const iv__sequence *s, int64_t dz_width)
{
    return iv__round_up(s->group_records * (3 * s->state_row + dz_width + 16), 16) +
           backward_left(cpu, s, dz_width);
}

size_t iv__backward_scratch(iv_home *home, const iv__cpu *cpu, const iv__sequence *s,
                            int64_t dz_width, bool extra)
{
    iv__product w = weights_product(s, dz_width, extra), x = inputs_product(s, dz_width);
    size_t a = iv__product_scratch(home, cpu, &w), b = iv__product_scratch(home, cpu, &x);
    int64_t floats = w.k * w.lda + iv__round_up(w.k * w.n, 16) +
                     iv__round_up(weight_rows(s, extra) * w.n, 16) +
                     iv_home_threads(home) * backward_room(cpu, s, dz_width);

    return (size_t)floats * sizeof(float) + (a > b ? a : b);
}

void iv__back_through_u(const iv__backward *b, const iv__group *g, int64_t first, int64_t columns,
                        const void *packed, float *to, bool add)
{
    iv__product p = { .m = g->end - g->begin,
                      .n = b->s.units,
                      .k = columns,
                      .a = g->z + first,
                      .lda = g->z_row,
                      .from_panels = true,
                      .packed = packed,
                      .c = to,
                      .ldc = b->s.state_row,
                      .add = add };

    take_left(b->cpu, g, &p);
    iv__product_rows(b->cpu, &b->units, &p);
}

void iv__back_held(const iv__backward *b, const iv__group *g, int64_t record, int64_t time)
{
    const iv__sequence *s = &b->s;
    const float *dy = (const float *)b->k->in[b->dy].data + (record * s->steps + time) * s->units;
    float *dh = g->h + (record - g->begin) * s->state_row;

    for (int64_t j = 0; j < s->units; j++)
        dh[j] += dy[j];
    memset(g->z + (record - g->begin) * g->z_row, 0, (size_t)b->dz_width * sizeof(float));
}

/* What the weight gradients need of one step of one record. */
static void keep(const iv__backward *b, const iv__group *g, int64_t n, int64_t step)
{
    const iv__sequence *s = &b->s;
    int64_t at = n * s->steps + iv__time_of(s, step);
    float *left = b->left + at * b->left_row;
    size_t state = (size_t)s->units * sizeof(float);

    bool held = iv__held(s, n, iv__time_of(s, step));

    if (held || !b->keeps)
        memcpy(b->dz + at * b->dz_width, g->z + (n - g->begin) * g->z_row,
               (size_t)b->dz_width * sizeof(float));
    if (held) { /* dz is 0, and whatever stands in x must stay without effect */
        memset(left, 0, (size_t)b->left_width * sizeof *left);
        return;
    }
    memcpy(left, iv__state_before(s, b->k->in[b->y].data, b->k->in[b->h0].data, n, step), state);
    left += s->units;
    if (b->extra >= 0) {
        memcpy(left, (const float *)b->k->in[b->extra].data + at * s->units, state);
        left += s->units;
    }
    if (s->numbered)
        return;
    *left++ = 1;
    memcpy(left, (const float *)b->k->in[0].data + at * s->inputs, (size_t)s->inputs * sizeof(float));
}

static void backward_group(void *context, int64_t group, int thread)
{
    const iv__backward *b = context;
    const iv_kernel_call *k = b->k;
    const iv__sequence *s = &b->s;
    int64_t states = s->group_records * s->state_row;
    iv__group g = { .begin = iv__part(s->records, group, s->groups),
                    .end = iv__part(s->records, group + 1, s->groups) };

    g.h = b->rooms + thread * backward_room(b->cpu, s, b->dz_width);
    g.c = g.h + states;
    g.room = g.c + states;
    g.z = g.room + states;
    g.z_row = b->dz_width + 16;
    g.left = g.h + backward_room(b->cpu, s, b->dz_width) - backward_left(b->cpu, s, b->dz_width);
    if (b->cpu->begin)
        b->cpu->begin();
    copy_states(s, &g, g.h, k->in[b->dh].data);
    if (b->dc >= 0)
        copy_states(s, &g, g.c, k->in[b->dc].data);
    for (int64_t step = s->steps - 1; step >= 0; step--) {
        b->step(b, &g, step);
        for (int64_t n = g.begin; n < g.end; n++)
            keep(b, &g, n, step);
    }
    deliver_states(s, &g, k->out[4].data, g.h);
    if (b->dc >= 0)
        deliver_states(s, &g, k->out[5].data, g.c);
    if (b->cpu->end)
        b->cpu->end();
}

/* ---- the gradients of the weights: rows of [h before, extra, 1, x]^T dz ----------------------- */

/* A part of these rows: where it is delivered at once if that is possible, else in the product. */
static float *rows_from(const iv__backward *b, float *out, int64_t row)
{
    return out && b->straight && b->s.numbered ? out : b->product + row * b->dz_width;
}

/* Columns that a task owns. */
enum { SUM_COLUMNS = 64 };

/* The rows of 1 and x where x are numbers: no product is needed. */
static void sum_chosen(void *context, int64_t task, int thread)
{
    const iv__backward *b = context;
    const iv__sequence *s = &b->s;
    int64_t first = task * SUM_COLUMNS, n = iv__min64(SUM_COLUMNS, b->dz_width - first);
    float *ones = rows_from(b, b->k->out[3].data, b->left_width),
          *x = rows_from(b, b->k->out[1].data, b->left_width + 1);

    (void)thread;
    for (int64_t i = 0; i < s->inputs; i++)
        memset(x + i * b->dz_width + first, 0, (size_t)n * sizeof *x);
    b->cpu->add_chosen(s->records * s->steps, n, b->dz + first, b->dz_width, b->k->in[0].data,
                       s->inputs, x + first, ones + first);
}

static void deliver_rows(float *to, const float *from, int64_t rows, int64_t row)
{
    if (to && to != from)
        memcpy(to, from, (size_t)(rows * row) * sizeof *to);
}

static void weight_gradients(const iv__backward *b, iv__product *w)
{
    const iv_kernel_call *k = b->k;
    const iv__sequence *s = &b->s;
    float *dw = k->out[1].data, *du = k->out[2].data, *db = k->out[3].data;
    int64_t ones = s->units * (b->extra < 0 ? 1 : 2);

    if (!dw && !du && !db)
        return;
    w->a = b->left;
    w->b = b->dz;
    w->c = rows_from(b, du, 0);
    iv__product_run(k->home, b->cpu, w, b->scratch);
    if (s->numbered)
        iv__parallel(k->home, iv__ceil_div(b->dz_width, SUM_COLUMNS), sum_chosen, (void *)(uintptr_t)b);
    if (!b->straight) {
        b->deliver(b, b->product);
        return;
    }
    deliver_rows(du, rows_from(b, du, 0), s->units, s->sums);
    deliver_rows(db, rows_from(b, db, ones), 1, s->sums);
    deliver_rows(dw, rows_from(b, dw, ones + 1), s->inputs, s->sums);
}

void iv__backward_run(iv__backward *b)
{
    const iv_kernel_call *k = b->k;
    const iv__sequence *s = &b->s;
    bool extra = b->extra >= 0;
    iv__product w = weights_product(s, b->dz_width, extra), x = inputs_product(s, b->dz_width);

    b->units = iv__panels_of(b->cpu, s->units);
    b->left = k->scratch;
    b->left_row = w.lda;
    b->left_width = w.m;
    b->dz = b->left + w.k * w.lda;
    b->product = b->dz + iv__round_up(w.k * w.n, 16);
    b->rooms = b->product + iv__round_up(weight_rows(s, extra) * w.n, 16);
    b->scratch = b->rooms + iv_home_threads(k->home) * backward_room(b->cpu, s, b->dz_width);
    iv__parallel(k->home, s->groups, backward_group, b);
    weight_gradients(b, &w);
    if (!k->out[0].data)
        return;
    if (s->numbered) {
        memset(k->out[0].data, 0, (size_t)(s->records * s->steps) * sizeof(float));
        return;
    }
    x.a = b->dz;
    x.packed = b->packed_w;
    x.c = k->out[0].data;
    iv__product_run(k->home, b->cpu, &x, b->scratch);
}
