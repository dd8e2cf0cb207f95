/* recurrent.c: what the recurrent rows share: how records are cut into groups, and the products around the steps. */
#include "backend/cpu/recurrent.h"

#include "base/threads.h"
#include "ops/rows.h"

#include <string.h>

/* Records of a group at most: their states, and the gates of a chunk of steps, stay in L2. */
enum { GROUP_RECORDS = 36 };

/* Whole cache lines, an odd number of them, so that neighbouring rows fall into different sets of a cache. */
static int64_t odd_lines(int64_t floats)
{
    int64_t lines = (floats + 15) / 16;

    return (lines | 1) * 16;
}

iv__sequence iv__sequence_of(const iv_kernel_call *k, const iv__cpu *cpu, int n_in)
{
    const iv__recurrent *attr = k->attr;
    const int64_t *x = k->in[0].shape->dim;
    int64_t threads = iv_home_threads(k->home);
    iv__sequence s = { .records = x[0], .steps = x[1], .inputs = x[2], .units = k->in[2].shape->dim[0] };

    s.sums = k->in[2].shape->dim[1];
    s.reverse = attr->reverse;
    s.mask = k->n_in > n_in ? k->in[n_in].data : NULL;
    s.groups = threads * ((s.records + threads * GROUP_RECORDS - 1) / (threads * GROUP_RECORDS));
    if (s.groups > s.records)
        s.groups = s.records;
    s.group_records = (s.records + s.groups - 1) / s.groups;
    s.chunk = s.steps < cpu->rows ? s.steps : cpu->rows;
    s.state_row = odd_lines(s.units);
    return s;
}

void iv__input_sums(const iv__cpu *cpu, const iv__sequence *s, const iv__panels *panels, const float *x,
                    const float *packed_w, int64_t n0, int64_t n1, int64_t t0, int64_t t1, const iv__sums *sums)
{
    int64_t records = n1 - n0, times = t1 - t0, x_record = s->steps * s->inputs;
    iv__product p = { .n = s->sums, .k = s->inputs, .from_panels = true, .packed = packed_w };

    p.a = x + n0 * x_record + t0 * s->inputs;
    p.c = sums->z + (t0 - sums->time0) * s->sums;
    if (times == cpu->rows || times >= records) { /* tiles of the steps of one record */
        p.m = times;
        p.lda = s->inputs;
        p.ldc = s->sums;
        p.batches = records;
        p.a_batch = x_record;
        p.c_batch = sums->record_row;
    } else { /* tiles of records at one step */
        p.m = records;
        p.lda = x_record;
        p.ldc = sums->record_row;
        p.batches = times;
        p.a_batch = s->inputs;
        p.c_batch = s->sums;
    }
    iv__product_rows(cpu, panels, &p);
}

/* ---- weight gradients ------------------------------------------------------------------------------------------ */

static iv__product weights_product(const iv__sequence *s)
{
    return (iv__product){ .m = s->units + 1 + s->inputs, .n = s->sums, .k = s->records * s->steps, .a_transposed = true,
                          .lda = odd_lines(s->units + 1 + s->inputs), .ldb = s->sums, .ldc = s->sums };
}

static iv__product inputs_product(const iv__sequence *s)
{
    return (iv__product){ .m = s->records * s->steps, .n = s->inputs, .k = s->sums, .lda = s->sums, .from_panels = true,
                          .ldc = s->inputs };
}

size_t iv__weights_back_bytes(iv_home *home, const iv__cpu *cpu, const iv__sequence *s)
{
    iv__product w = weights_product(s), x = inputs_product(s);
    size_t a = iv__product_scratch(home, cpu, &w), b = iv__product_scratch(home, cpu, &x);

    return (size_t)(w.k * w.lda + iv__round_up(w.k * w.n, 16) + iv__round_up(w.m * w.n, 16)) * sizeof(float) +
           (a > b ? a : b);
}

iv__weights_back iv__weights_back_of(const iv__cpu *cpu, const iv__sequence *s, void *scratch)
{
    iv__product w = weights_product(s);
    iv__weights_back b = { .row = w.lda, .left = scratch };

    (void)cpu;
    b.dz = b.left + w.k * w.lda;
    b.product = b.dz + iv__round_up(w.k * w.n, 16);
    b.scratch = b.product + iv__round_up(w.m * w.n, 16);
    return b;
}

void iv__weights_back_row(const iv__weights_back *b, const iv__sequence *s, int64_t row, const float *h_before,
                          const float *x)
{
    float *to = b->left + row * b->row;

    memcpy(to, h_before, (size_t)s->units * sizeof *to);
    to[s->units] = 1;
    memcpy(to + s->units + 1, x, (size_t)s->inputs * sizeof *to);
}

void iv__weights_back_run(iv_home *home, const iv__cpu *cpu, const iv__sequence *s, const iv__weights_back *b,
                          float *dw, float *du, float *db)
{
    iv__product p = weights_product(s);
    size_t row = (size_t)s->sums * sizeof(float);

    if (!dw && !du && !db)
        return;
    p.a = b->left;
    p.b = b->dz;
    p.c = b->product;
    iv__product_run(home, cpu, &p, b->scratch);
    if (du)
        memcpy(du, p.c, (size_t)s->units * row);
    if (db)
        memcpy(db, p.c + s->units * s->sums, row);
    if (dw)
        memcpy(dw, p.c + (s->units + 1) * s->sums, (size_t)s->inputs * row);
}

void iv__inputs_back(iv_home *home, const iv__cpu *cpu, const iv__sequence *s, const iv__weights_back *b,
                     const float *packed_w, float *dx)
{
    iv__product p = inputs_product(s);

    if (!dx)
        return;
    p.a = b->dz;
    p.packed = packed_w;
    p.c = dx;
    iv__product_run(home, cpu, &p, b->scratch);
}
