/* common_forecast.c: how far predictions are from what was measured. */
#include "models/common_forecast.h"

#include "base/home.h"

#include <math.h>

iv_status iv__forecast_new(iv_home *home, const char *target, int64_t n, bool linear, iv__forecast *f)
{
    *f = (iv__forecast){ .home = home, .target = target, .n = n };
    f->row = iv__alloc_array(home, n + 1, sizeof *f->row);
    f->actual = iv__alloc_array(home, n + 1, sizeof *f->actual);
    f->predicted = iv__alloc_array(home, n + 1, sizeof *f->predicted);
    f->linear = linear ? iv__alloc_array(home, n + 1, sizeof *f->linear) : NULL;
    if (f->row && f->actual && f->predicted && (f->linear || !linear))
        return IV_OK;
    iv__forecast_free(f);
    return IV_NOMEM;
}

void iv__forecast_free(iv__forecast *f)
{
    if (!f->home)
        return;
    iv__free(f->home, f->row);
    iv__free(f->home, f->actual);
    iv__free(f->home, f->predicted);
    iv__free(f->home, f->linear);
    *f = (iv__forecast){ 0 };
}

/* R2 is 1 - the squared errors over those of the rows' own mean; NAN where they do not differ. */
static void measure_against(const iv__forecast *f, const double *said, double *rmse, double *mae,
                            double *r2)
{
    double sum = 0, squares = 0, absolute = 0, spread = 0;
    int64_t n = 0;

    for (int64_t i = 0; i < f->n; i++) {
        if (isnan(f->actual[i]))
            continue;
        double error = said[i] - f->actual[i];
        squares += error * error;
        absolute += fabs(error);
        sum += f->actual[i];
        n++;
    }
    for (int64_t i = 0; i < f->n; i++)
        if (!isnan(f->actual[i]))
            spread += (f->actual[i] - sum / (double)n) * (f->actual[i] - sum / (double)n);
    *rmse = n ? sqrt(squares / (double)n) : NAN;
    *mae = n ? absolute / (double)n : NAN;
    *r2 = spread > 0 ? 1 - squares / spread : NAN;
}

int iv__forecast_measures(const iv__forecast *f, iv__measure measure[IV__MAX_MEASURES])
{
    double rmse, mae, r2;
    int n = 0;

    measure_against(f, f->predicted, &rmse, &mae, &r2);
    measure[n++] = (iv__measure){ "RMSE", rmse };
    measure[n++] = (iv__measure){ "MAE", mae };
    measure[n++] = (iv__measure){ "R2", r2 };
    if (!f->linear)
        return n;
    measure_against(f, f->linear, &rmse, &mae, &r2);
    measure[n++] = (iv__measure){ "linear RMSE", rmse };
    measure[n++] = (iv__measure){ "linear MAE", mae };
    measure[n++] = (iv__measure){ "linear R2", r2 };
    return n;
}
