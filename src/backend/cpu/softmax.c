/* softmax.c: the rows "softmax", "log_softmax" and "log_sum_exp", over the last axis. */
#include "backend/cpu/rows.h"

#include "base/math.h"
#include "base/threads.h"

enum { PART_WORK = 1 << 14, MAX_PARTS = 64 };

typedef struct softmax_job {
    const iv_kernel_call *k;
    const iv__cpu *cpu;
    int64_t rows, width, parts;
} softmax_job;

static void softmax_part(void *context, int64_t part, int thread)
{
    const softmax_job *j = context;

    (void)thread;
    for (int64_t r = iv__part(j->rows, part, j->parts); r < iv__part(j->rows, part + 1, j->parts); r++) {
        const float *x = (const float *)j->k->in[0].data + r * j->width;
        float *y = (float *)j->k->out[0].data + r * j->width;
        float sum = j->cpu->exp_sum(x, j->cpu->max(x, j->width), y, j->width);
        j->cpu->scale(y, 1 / sum, y, j->width);
    }
}

static void log_softmax_part(void *context, int64_t part, int thread)
{
    const softmax_job *j = context;

    (void)thread;
    for (int64_t r = iv__part(j->rows, part, j->parts); r < iv__part(j->rows, part + 1, j->parts); r++) {
        const float *x = (const float *)j->k->in[0].data + r * j->width;
        float *y = (float *)j->k->out[0].data + r * j->width, most = j->cpu->max(x, j->width);
        float rest = iv__log_f32(j->cpu->exp_sum(x, most, NULL, j->width));
        for (int64_t i = 0; i < j->width; i++)
            y[i] = (x[i] - most) - rest;
    }
}

static void log_sum_exp_part(void *context, int64_t part, int thread)
{
    const softmax_job *j = context;

    (void)thread;
    for (int64_t r = iv__part(j->rows, part, j->parts); r < iv__part(j->rows, part + 1, j->parts); r++) {
        const float *x = (const float *)j->k->in[0].data + r * j->width,
                    most = j->cpu->max(x, j->width);
        ((float *)j->k->out[0].data)[r] = most + iv__log_f32(j->cpu->exp_sum(x, most, NULL, j->width));
    }
}

static void each_row(const iv__cpu *cpu, const iv_kernel_call *k, iv__chunk *work)
{
    const iv_shape *x = k->in[0].shape;
    softmax_job j = { .k = k, .cpu = cpu, .width = x->dim[x->rank - 1] };

    j.rows = iv_shape_count(x) / j.width;
    j.parts = j.rows * j.width / PART_WORK + 1;
    j.parts = j.parts < MAX_PARTS ? j.parts : MAX_PARTS;
    j.parts = j.parts < j.rows ? j.parts : j.rows;
    iv__parallel(k->home, j.parts, work, &j);
}

void iv__softmax_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    each_row(cpu, k, softmax_part);
}

void iv__log_softmax_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    each_row(cpu, k, log_softmax_part);
}

void iv__log_sum_exp_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    each_row(cpu, k, log_sum_exp_part);
}
