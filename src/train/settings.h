/* settings.h: the options of training that every model shares. */
#ifndef IV_TRAIN_SETTINGS_H
#define IV_TRAIN_SETTINGS_H

#include "base/field.h"

#include <ivory/nn.h>

typedef struct iv__settings {
    int64_t epochs, epoch_steps, steps, batch, micro_batch, seed;
    int optimizer, schedule, schedule_unit, precision; /* precision: an iv_precision */
    double rate, momentum, weight_decay;
    bool nesterov;
    int64_t schedule_steps, schedule_hold, warmup;
    double schedule_factor;
    double clip_norm, clip_value;
    double average;
    double validation, test;
    int64_t patience;
} iv__settings;

extern const iv_field iv__settings_fields[];

iv_optimizer iv__settings_optimizer(const iv__settings *s);
/* By the schedule; total: steps of the training; per_epoch: of an epoch. */
double iv__settings_rate(const iv__settings *s, int64_t step, int64_t total, int64_t per_epoch);

#endif
