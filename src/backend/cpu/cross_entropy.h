/* cross_entropy.h: the fused loss (cross_entropy.c says how it goes): its job, and what its tasks
 * are made of. */
#ifndef IV_BACKEND_CPU_CROSS_ENTROPY_H
#define IV_BACKEND_CPU_CROSS_ENTROPY_H

#include "backend/cpu/gemm.h"
#include "backend/cpu/rows.h"

#include <stdatomic.h>

/* Inputs; DLOSS only on the way back. */
enum { X, W, B, TARGET, WEIGHT, DLOSS };

/* How the work is cut, by shape alone: cross_entropy.c. */
typedef enum iv__loss_form { IV__LOSS_BLOCKS, IV__LOSS_PARTS, IV__LOSS_GROUPS } iv__loss_form;

typedef struct iv__loss_task {
    int32_t columns; /* 0: a row task */
    int32_t block;
    int64_t begin, end; /* rows of the block; items of columns */
} iv__loss_task;

typedef struct iv__loss_job {
    const iv_kernel_call *k;
    const iv__cpu *cpu;
    bool back, weights; /* whether dw or db is wanted */
    bool bare; /* w comes as it is: packed piece by piece, where it is read, once for all rows */
    iv__loss_form form;
    int64_t rows, inputs, classes; /* rows of weight other than 0 */
    iv__panels panels, dx_panels;  /* of the classes; of the inputs */
    int64_t columns, dx_columns;   /* of whole panels */
    int64_t sum_rows, tile_rows;   /* that one step of dw takes; of a tile */
    int64_t row_unit; /* divides the rows of tasks; xs lies tile by tile in blocks of so */
    int64_t high;     /* many rows, each with the inputs and the factor: filled up */
    int64_t block_rows, task_rows, blocks, tile_groups, panel_groups;
    int64_t parts, groups;     /* of the rows; of the panels */
    int64_t x_row, e_rows;     /* elements of a row of x; rows of a panel of e */
    int64_t *row;              /* where the rows come from */
    float *bias;               /* filled up with -infinity */
    char *x, *xs;              /* rows of x; x times its factor, as the left factor of dw */
    char *e;                   /* exponentials, as right factor of dw */
    int64_t xs_block, e_block; /* bytes of one block: there may be two of each */
    float *dw;                 /* in panels, db as its last row; for each part one */
    int64_t dw_part;           /* floats */
    float *top, *at, *sums, *factor, *dx; /* of all rows, where panels come in groups */
    float *target_w;                      /* bare: of each row its target's column of w */
    char *rooms;
    size_t room; /* bytes of a thread */
    iv__loss_task *tasks;
    int64_t n_tasks;
    _Atomic int32_t *done[2]; /* tasks done of each block: row tasks, column tasks */
    int32_t *all[2];
} iv__loss_job;

/* Rows of one task, as they lie in memory. */
typedef struct iv__loss_span {
    int64_t first, begin, count; /* the first over all, and in its block */
    const char *x;               /* a left factor of x_row elements a row */
    int64_t x_row;
    char *x_room;                          /* for it, if it cannot be used where it lies */
    char *xs, *e;                          /* of the block */
    char *left;                            /* PAIRS: e of some panels as left factor of dx */
    float *sums, *top, *at, *sum, *factor; /* at: the target's e */
    float *dx, *exact, *scaled, *log;
    float *w, *turned; /* bare: a panel of w; one of w^T, for the classes of a step of dx */
    int32_t *panel, *column, *head, *next; /* of targets: see iv__loss_find_targets */
} iv__loss_span;

/* Room of one thread for spans of some rows; NULL: only the bytes of it. */
size_t iv__loss_room(const iv__loss_job *j, int64_t rows, char *room, iv__loss_span *s);

static inline int64_t iv__loss_width(const iv__loss_job *j, int64_t panel)
{
    return iv__panel_vectors(&j->panels, panel) * j->panels.width;
}

/* Lines that a product of k asks for ahead (cpu.h). */
static inline int64_t iv__loss_steps(const iv__loss_job *j, int64_t k)
{
    return j->cpu->operands == IV__PAIRS ? k / 2 : k;
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

static inline void iv__loss_begin(const iv__loss_job *j)
{
    if (j->cpu->begin)
        j->cpu->begin();
}

static inline void iv__loss_end(const iv__loss_job *j)
{
    if (j->cpu->end)
        j->cpu->end();
}

/* Pieces of row tasks, in this order (cross_entropy_rows.c). Panels are [p0,p1), with which sums and
 * dx begin anew. */
void iv__loss_take_x(const iv__loss_job *j, iv__loss_span *s);
void iv__loss_copy_x(const iv__loss_job *j, iv__loss_span *s);
void iv__loss_find_targets(const iv__loss_job *j, const iv__loss_span *s);
void iv__loss_exp(const iv__loss_job *j, const iv__loss_span *s, int64_t p0, int64_t p1, int mode);
void iv__loss_finish(const iv__loss_job *j, const iv__loss_span *s, int64_t groups);
void iv__loss_rows(const iv__loss_job *j, iv__loss_span *s); /* all of them, and dx delivered */

/* What `rows` rows of a block give to rows [i0,i1) of dw, the last of all being db, in one panel
 * (cross_entropy_columns.c); `to` is row i0 and has rows of ldc floats, `last` of the last vector are written. */
typedef struct iv__loss_columns {
    const char *xs, *e; /* of the block: xs, and e as right factor */
    int64_t rows, panel, i0, i1;
    float *to;
    int64_t ldc;
    bool add;
    int last;
} iv__loss_columns;
void iv__loss_weights(const iv__loss_job *j, const iv__loss_columns *c);

/* Forms of one region or a few, without ordered tasks (cross_entropy_waves.c). */
void iv__loss_run_parts(iv__loss_job *j);
void iv__loss_run_groups(iv__loss_job *j);

#endif
