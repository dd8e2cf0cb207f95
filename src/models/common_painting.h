/* common_painting.h: drawing pictures with a trained model, completing given ones, and how surprising
 * given ones are to it. */
#ifndef IV_MODELS_COMMON_PAINTING_H
#define IV_MODELS_COMMON_PAINTING_H

#include "models/common_painter.h"

typedef struct iv__painting {
    int64_t n;
    uint64_t seed;
    double temperature;         /* 0: the likeliest values */
    const int32_t *label;       /* [n]; NULL where the model has no classes */
    const unsigned char *given; /* pictures [n,H,W,C] whose first rows are kept; NULL: none */
    int64_t given_rows;         /* H: nothing is drawn */
    bool (*stop)(void);         /* asked before each row, in any thread; NULL: nobody stops it */
} iv__painting;

/* Fills pictures [n,H,W,C] of values; bits (NULL: not wanted) [n,H,W]: minus the binary logarithm of the
 * probability that the model, at temperature 1, gave each pixel. A picture depends on the seed and its
 * number alone, for any n and any number of threads.
 * Errors    UNSUPPORTED for a network that looks ahead; STOPPED. */
iv_status iv__paint(iv__instance *instance, iv_params *params, const iv__painting *painting,
                    unsigned char *pictures, float *bits);

/* The value that a uniform number in [0,1) draws; probability: that it had at temperature 1. */
int64_t iv__palette_draw(const iv__palette *palette, const iv__instance *instance,
                         const float *outputs, int64_t channel, const unsigned char *before,
                         double temperature, double draw, double *probability);

#endif
