/* common_math.h: what loops of kernels are written with, and functions that base/math.h does not
 * have.
 *
 * sin and cos: r = x - k pi/2 with pi/2 in three parts, exact while |k| < 2^20; the C library
 * beyond that. Both widths run in f64, so the f32 results are correctly rounded but for rare
 * ties. */
#ifndef IV_OPS_COMMON_MATH_H
#define IV_OPS_COMMON_MATH_H

#include "base/math.h"

#include <math.h>

/* No iteration reads what another one writes (out may be an input itself): compilers may
 * vectorise. */
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed" /* some loops call functions */
#define EACH_ALONE _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define EACH_ALONE _Pragma("GCC ivdep")
#else
#define EACH_ALONE
#endif

/* log(1 + x) for x >= 0, without losing small x (Kahan). */
static inline float iv__log1p_f32(float x)
{
    float u = 1.0f + x, y = iv__log_f32(u) * (x / (u - 1.0f));
    return u == 1.0f ? x : y;
}

static inline double iv__log1p_f64(double x)
{
    double u = 1.0 + x, y = iv__log_f64(u) * (x / (u - 1.0));
    return u == 1.0 ? x : y;
}

/* sin(x + quarter pi/2), |x| below 2^19 pi. Taylor series on |r| <= pi/4: below 2e-17 of the
 * value. */
static inline double iv__sin_quarter(double x, int quarter)
{
    double k = (x * 0.6366197723675814 + 6755399441055744.0) - 6755399441055744.0;
    double r = ((x - k * 1.57079632673412561417e+00) - k * 6.07710050630396597660e-11) -
               k * 2.02226624871116645580e-21;
    double s = r * r, sine = -1.0 / 1307674368000.0, cosine = -1.0 / 87178291200.0;
    sine = sine * s + 1.0 / 6227020800.0;
    sine = sine * s - 1.0 / 39916800.0;
    sine = sine * s + 1.0 / 362880.0;
    sine = sine * s - 1.0 / 5040.0;
    sine = sine * s + 1.0 / 120.0;
    sine = sine * s - 1.0 / 6.0;
    sine = sine * s * r + r;
    cosine = (cosine + s * (1.0 / 20922789888000.0)) * s + 1.0 / 479001600.0;
    cosine = cosine * s - 1.0 / 3628800.0;
    cosine = cosine * s + 1.0 / 40320.0;
    cosine = cosine * s - 1.0 / 720.0;
    cosine = cosine * s + 1.0 / 24.0;
    cosine = cosine * s * s + (1.0 - 0.5 * s);
    int q = (int)k + quarter;
    double y = q & 1 ? cosine : sine;
    return q & 2 ? -y : y;
}

static inline double iv__sin_f64(double x)
{
    return fabs(x) < 1.6e6 ? iv__sin_quarter(x, 0) : sin(x);
}

static inline double iv__cos_f64(double x)
{
    return fabs(x) < 1.6e6 ? iv__sin_quarter(x, 1) : cos(x);
}

/* x^a: products where a is a whole number of moderate size, else through exp and log. */
static inline double iv__power(double x, double a)
{
    double whole = fabs(a);

    if (whole > 1024 || whole != (double)(int)whole)
        return iv__exp_f64(a * iv__log_f64(x));

    double y = 1;
    for (int n = (int)whole; n; n >>= 1, x *= x)
        if (n & 1)
            y *= x;
    return a < 0 ? 1 / y : y;
}

#endif
