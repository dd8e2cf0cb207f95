/* batch.h: the inputs of a step, filled while the step before runs. */
#ifndef IV_TRAIN_BATCH_H
#define IV_TRAIN_BATCH_H

#include "train/trainee.h"

/* The place of the random numbers that order the records of a pass. */
#define IV__SHUFFLE_KEY "shuffle"

/* Holds what the plans need, for `records` records, and fills it by the trainee. Plans are
 * borrowed. */
iv__batch *iv__batch_new(iv_home *home, const iv__trainee *trainee, int64_t records, int n_plans,
                         iv_plan *const plans[]);
void iv__batch_free(iv__batch *batch); /* also while it is being filled */

/* Begins to fill it, perhaps in another thread; the records must stay where they are until it is
 * taken. rows->room is the batch's own. */
void iv__batch_begin(iv__batch *batch, const iv__rows *rows);
/* Puts what was begun into the plans; then the next may begin.
 * Errors: what the trainee said. */
iv_status iv__batch_take(iv__batch *batch);

#endif
