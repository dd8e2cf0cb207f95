/* common_forecast.h: what a model says of a column of numbers, beside what is known of it. */
#ifndef IV_MODELS_COMMON_FORECAST_H
#define IV_MODELS_COMMON_FORECAST_H

#include "models/model.h"

typedef struct iv__forecast {
    iv_home *home;
    const char *target;
    int64_t n;
    int64_t *row;      /* of the file's rows, from 1 */
    double *actual;    /* NAN: not known */
    double *predicted; /* in the target's own unit */
    double *linear;    /* the same by least squares over the training rows; NULL: not made */
} iv__forecast;

iv_status iv__forecast_new(iv_home *home, const char *target, int64_t n, bool linear,
                           iv__forecast *forecast);
void iv__forecast_free(iv__forecast *forecast);
/* RMSE, MAE and R2 over the rows of which the actual value is known; the same of `linear`. Returns how many. */
int iv__forecast_measures(const iv__forecast *forecast, iv__measure measure[IV__MAX_MEASURES]);

#endif
