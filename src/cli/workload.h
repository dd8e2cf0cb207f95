/* workload.h: what `ivory bench` measures: a table of workloads, and running one step by step. */
#ifndef IV_CLI_WORKLOAD_H
#define IV_CLI_WORKLOAD_H

#include "cli/cli.h"
#include "models/common_generate.h"
#include "train/batch.h"

typedef enum work_kind {
    WORK_TRAIN, /* steps of training on random tokens */
    WORK_REAL, /* of training a system on shuffled batches of its data, as `ivory train` takes them */
    WORK_SAMPLE, /* a step draws `length` tokens for `batch` texts at once */
    WORK_PIXELS, /* of training a PixelCNN: length x length pixels, `vocabulary` levels, `layers` blocks */
    WORK_DRAW, /* a step draws `batch` pictures of length x length with a system as it is at birth */
    WORK_PEAK, /* a step is the loop that measures the processor */
} work_kind;

typedef struct workload {
    const char *name;   /* NULL ends the list */
    const char *system; /* of WORK_REAL and WORK_DRAW */
    work_kind kind;
    int64_t batch, length, vocabulary;
    int64_t embed; /* 0: tokens are one-hot */
    iv_cell cell;
    int64_t layers,
        units; /* units 0: what a step computes is the system's own, and its products are not counted */
    bool last_only; /* one target for each record: after its last position */
    iv_optimizer_kind optimizer;
} workload;

extern const workload workloads[];

/* NULL when there is none of that name. */
const workload *workload_named(const char *name);
const char *workload_cell(const workload *spec); /* "lstm" */
bool workload_is_counted(const workload *spec);  /* work_gflop knows its operations */
bool workload_has_tokens(const workload *spec);  /* and a recurrent cell that reads them */

/* One of them, in a home of its own, ready for the next step. */
typedef struct work {
    iv_home *home;
    workload spec;
    iv_graph *graph;
    iv_params *params;
    iv_train_step *step;
    int64_t steps;     /* done */
    double positions;  /* tokens or pixels, all that were trained on or drawn */
    double targets;    /* those that counted in the loss; of pictures that are read, the pictures */
    double operations; /* of WORK_PEAK */

    iv__instance *instance; /* WORK_REAL, WORK_DRAW */
    const iv__trainee *trainee;
    iv__batch *batch;
    int32_t *order, *records; /* of the epoch; of the batch that is being filled */
    int64_t epoch;

    iv__generator *generator; /* WORK_SAMPLE */
    double *draw;
    int32_t *token;

    unsigned char *pictures; /* WORK_DRAW */
} work;

/* data: where to look for data sets, or NULL. On failure the home has the reason; work_close is
 * fine then. */
iv_status work_open(work *w, iv_home *home, const workload *spec, const char *data);
iv_status work_step(work *w);
void work_close(work *w);

/* The plans of a step, at most two: how many. */
int work_plans(work *w, iv_plan *plans[2]);

/* Steps of an epoch; 0 where there is none. */
int64_t work_epoch_steps(const work *w);

/* 10^9 operations of a mean step, counted from shapes: two for each product with its sum in the
 * matrix products of the forward pass, and the same twice over for the gradients of both factors.
 * Gathers (embeddings and one-hot tokens), cells, softmax and optimizer do not count; nor do targets
 * without weight. 0 where it is not counted. */
double work_gflop(const work *w);

#endif
