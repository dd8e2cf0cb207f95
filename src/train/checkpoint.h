/* checkpoint.h: all that decides what comes next, in one file: parameters, the optimizer's
 * state, and where training is. */
#ifndef IV_TRAIN_CHECKPOINT_H
#define IV_TRAIN_CHECKPOINT_H

#include "train/trainee.h"

/* Where training is. No time, host, path or thread count: equal runs give equal bytes. */
typedef struct iv__progress {
    int64_t step;      /* steps done */
    int64_t updates;   /* since the optimizer's state was last cleared */
    double epoch_loss; /* of the epoch that runs: sums of loss x weight, and of weight */
    double epoch_weight;
    double first_loss;  /* of the first good step; infinite before */
    double best;        /* least validation loss (training loss without validation) */
    int64_t best_epoch; /* 0: none yet */
    int64_t lowered;    /* how often the rate was lowered after a bad step */
    int64_t finished;   /* 1: by early stopping */
} iv__progress;

/* Writes the weights (with the optimizer's own and carried states if `whole`), what the trainee
 * keeps, and progress. */
iv_status iv__checkpoint_write(iv_home *home, const char *path, const iv_params *params,
                               const iv__trainee *trainee, const iv__progress *progress, bool whole);
/* The weights alone, by name, for other programs. Errors: IO. */
iv_status iv__weights_write(iv_home *home, const char *path, const iv_params *params);

/* Loads every parameter that params has (and requires the weights; carried states that the file has
 * not begin anew); makes the optimizer's that the file has. progress may be NULL.
 * Errors: FORMAT for damage, NAME and SHAPE with both sides named. */
iv_status iv__checkpoint_load(iv_params *params, const iv__safetensors *file, iv__progress *progress);

/* SHA-256 over the weights. */
iv_status iv__checkpoint_sha256(iv_home *home, const iv__safetensors *file, char hex[65]);

#endif
