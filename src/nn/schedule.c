/* schedule.c: the rate at a step, as Keras's schedules count it: decay begins behind the warm-up and what
 * is held.
 * Source of the cosine: Loshchilov & Hutter 2017. */
#include <ivory/nn.h>

#include "ops/common_math.h"

double iv_schedule_rate(const iv_schedule *s, double rate, int64_t step)
{
    if (step < s->warmup)
        return rate * (double)step / (double)s->warmup;
    if (s->steps < 1)
        return rate;

    int64_t fallen = step - s->warmup - s->hold;
    double periods = (double)(fallen > 0 ? fallen : 0) / (double)s->steps,
           done = periods < 1 ? periods : 1;
    switch (s->kind) {
    case IV_CONSTANT: break;
    case IV_EXPONENTIAL: return rate * iv__power(s->factor, periods);
    case IV_STAIRS: return rate * iv__power(s->factor, floor(periods));
    case IV_COSINE:
        return rate * ((1 - s->factor) * (1 + iv__cos_f64(3.141592653589793 * done)) / 2 + s->factor);
    case IV_LINEAR_DECAY: return rate * (1 - (1 - s->factor) * done);
    }
    return rate;
}
