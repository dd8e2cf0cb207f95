/* loop.h: training: epochs of steps over shuffled records, with validation, checkpoints and a
 * guard against bad numbers. */
#ifndef IV_TRAIN_LOOP_H
#define IV_TRAIN_LOOP_H

#include "train/checkpoint.h"
#include "train/run.h"
#include "train/settings.h"

typedef struct iv__step_report {
    int64_t step, steps;   /* done, and in all */
    int64_t epoch, epochs; /* from 1 */
    int64_t in_epoch, per_epoch;
    double loss, mean; /* of this step; of the epoch so far */
    double rate, norm, seconds;
} iv__step_report;

typedef struct iv__epoch_report {
    int64_t epoch, epochs, step;
    double training, validation; /* mean losses; validation NaN without validation records */
    double rate, seconds;
    bool best;
} iv__epoch_report;

/* What the caller does meanwhile; members may be NULL. */
typedef struct iv__watcher {
    void *user;
    void (*step)(void *user, const iv__step_report *report);
    void (*epoch)(void *user, const iv__epoch_report *report); /* parameters are those of the epoch's end */
    void (*note)(void *user, const char *text);
    bool (*stop)(void *user); /* asked after each step: save and end with STOPPED */
} iv__watcher;

/* Trains, or goes on from the run's checkpoint.
 * Errors: STOPPED after saving; NUMERIC when rates were lowered in vain. */
iv_status iv__train(iv__run *run, const iv__settings *settings, iv_params *params,
                    const iv__trainee *trainee, const iv__watcher *watcher);

/* Parameters as at birth get the values that the first training batch gives them, where the trainee wants it. */
iv_status iv__first_values(iv_params *params, const iv__trainee *trainee, const iv__settings *settings);

/* Mean loss over the records of a split, weighted as the loss weights; *weight: the sum of
 * weights. NaN if that is 0. seen (NULL: none) is told after each batch how many records that were.
 * Errors: NUMERIC when a loss is not finite, with the first bad value and its record; *loss is NaN. */
typedef struct iv__evaluation iv__evaluation;
/* The plan of it: outputs are the loss, its weight if there is one, and the new values of states. */
iv_plan *iv__evaluation_plan(iv_home *home, const iv__build *build);
iv__evaluation *iv__evaluation_new(iv_params *params, const iv__trainee *trainee, int64_t batch);
void iv__evaluation_free(iv__evaluation *evaluation);
iv_status iv__evaluate(iv__evaluation *evaluation, iv__split split,
                       void (*seen)(void *user, int64_t records), void *user, double *loss,
                       double *weight);

#endif
