/* nn_numbers.h: numbers for tests of layers and of training, and how near they must be. */
#ifndef IV_TESTS_NN_NUMBERS_H
#define IV_TESTS_NN_NUMBERS_H

#include "nn_world.h"

#define SIZE(array) ((int)(sizeof(array) / sizeof *(array)))

static inline void assert_near(double x, double expected, double tolerance)
{
    if (!(fabs(x - expected) <= tolerance * fmax(1, fabs(expected))))
        fail_msg("%.17g is not %.17g", x, expected);
}

/* Numbers that look random and need no seed. */
static inline void fill(double *x, int n, double from, double to)
{
    for (int i = 0; i < n; i++) {
        double turn = 0.618033988749895 * (i + 1) + 0.1234 * n;
        x[i] = from + (to - from) * (turn - floor(turn));
    }
}

#endif
