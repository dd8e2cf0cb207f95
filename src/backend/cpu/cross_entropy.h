/* cross_entropy.h: the fused loss (cross_entropy.c says how it goes): its job, and the two kinds of
 * tasks. */
#ifndef IV_BACKEND_CPU_CROSS_ENTROPY_H
#define IV_BACKEND_CPU_CROSS_ENTROPY_H

#include "backend/cpu/gemm.h"
#include "backend/cpu/rows.h"

/* Inputs; DLOSS only on the way back. */
enum { X, W, B, TARGET, WEIGHT, DLOSS };

/* Rows of e that one step of dw takes: a panel of them lies in L1. */
enum { SUM_ROWS = 144 };

typedef struct iv__loss_task {
    int32_t columns; /* 0: a row task */
    int32_t block;
    int64_t begin, end; /* rows of the block; items of columns */
} iv__loss_task;

typedef struct iv__loss_job {
    const iv_kernel_call *k;
    const iv__cpu *cpu;
    bool back;
    int64_t rows, inputs, classes; /* rows of weight other than 0 */
    iv__panels panels, dx_panels;  /* of the classes; of the inputs */
    int64_t block_rows, task_rows, blocks, tile_groups, panel_groups;
    int64_t x_row, e_panel_rows; /* floats of a row of xs; rows of a panel of e */
    int64_t *row;                /* where the rows come from */
    float *bias;                 /* filled up with -infinity */
    float *e, *xs, *dw;          /* two blocks each of e and xs; dw in panels, db as its last row */
    int64_t e_block, xs_block;
    float *rooms;
    int64_t room; /* floats of a thread */
    iv__loss_task *tasks;
    int64_t n_tasks;
    _Atomic int32_t *done[2]; /* tasks done of each block: row tasks, column tasks */
    int32_t *all[2];
} iv__loss_job;

static inline int64_t iv__loss_width(const iv__loss_job *j, int64_t panel)
{
    return iv__panel_vectors(&j->panels, panel) * j->panels.width;
}

/* Classes of a panel: fewer than its width in the last one. */
static inline int64_t iv__loss_classes(const iv__loss_job *j, int64_t panel)
{
    return iv__min64(iv__loss_width(j, panel), j->classes - iv__panel_begin(&j->panels, panel));
}

static inline int64_t iv__loss_rows_in(const iv__loss_job *j, int64_t block)
{
    return iv__min64(j->block_rows, j->rows - block * j->block_rows);
}

void iv__loss_row_task(const iv__loss_job *j, const iv__loss_task *t, int thread);
void iv__loss_column_task(const iv__loss_job *j, const iv__loss_task *t);

#endif
