/* sum_squares.c: the row "sum_squares": one number of all elements, as norms of gradients want it. */
#include "backend/cpu/rows.h"

#include "base/threads.h"

enum { PART = 1 << 14, MAX_PARTS = 64 };

typedef struct squares_job {
    const iv__cpu *cpu;
    const float *x;
    int64_t n, parts;
    double sum[MAX_PARTS];
} squares_job;

static void sum_part(void *context, int64_t part, int thread)
{
    squares_job *j = context;
    int64_t begin = iv__part(j->n, part, j->parts);

    (void)thread;
    j->sum[part] = j->cpu->sum_squares(j->x + begin, iv__part(j->n, part + 1, j->parts) - begin);
}

void iv__sum_squares_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    squares_job j = { .cpu = cpu, .x = k->in[0].data, .n = iv_shape_count(k->in[0].shape) };
    double total = 0;

    j.parts = iv__min64(iv__ceil_div(j.n, PART), MAX_PARTS);
    iv__parallel(k->home, j.parts, sum_part, &j);
    for (int64_t part = 0; part < j.parts; part++)
        total += j.sum[part];
    *(float *)k->out[0].data = (float)total;
}
