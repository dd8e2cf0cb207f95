/* logistic_mixture.h: a mixture of discretised logistic distributions as models draw from it: numbers, no
 * graph. */
#ifndef IV_NN_LOGISTIC_MIXTURE_H
#define IV_NN_LOGISTIC_MIXTURE_H

#include <ivory/nn.h>

/* The probabilities of all levels of one channel of a pixel, given its channels before it; they add up to 1
 * but for rounding. parameters: of this pixel (iv_logistic_mixture). before: the levels of channels 0 ..
 * channel - 1. probability [levels]. */
void iv__logistic_mixture_probabilities(const iv_logistic_mixture_options *options,
                                        const float *parameters, int64_t channel,
                                        const int32_t *before, double *probability);
/* The probability of all levels below `level` together: 0 at 0, 1 at the number of levels, and it does not fall
 * between. Without a walk over the levels. */
double iv__logistic_mixture_below(const iv_logistic_mixture_options *options, const float *parameters,
                                  int64_t channel, const int32_t *before, int64_t level);

#endif
