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

/* erfc(z) = t e^(P(t) - z^2) for z >= 0, with t = 2 / (2 + z) and P a Chebyshev series: within 1e-15. Both
 * widths run in f64. */
static inline double iv__erf_f64(double x)
{
    static const double series[] = {
        -0.6513268598908547,     0.6419697923564903,      0.019476473204185826,
        -0.009561514786808624,   -0.0009465953444820422,  0.000366839497852764,
        4.2523324806908196e-05,  -2.0278578112537596e-05, -1.6242900046409816e-06,
        1.3036558355722257e-06,  1.562644173202031e-08,   -8.523809592582218e-08,
        6.52905445015427e-09,    5.059343485128249e-09,   -9.913641474473215e-10,
        -2.2736512931626365e-10, 9.646791552191426e-11,   2.394036419215259e-12,
        -6.8860288126667355e-12, 8.94492063260989e-13,    3.1308545908256433e-13,
        -1.1269948508083574e-13, 3.7092841818209364e-16,  7.116948284669998e-15,
        -1.5337847074452455e-15,
    };
    double z = fabs(x), t = 2 / (2 + z), u = 2 * (2 * t - 1), b0 = 0, b1 = 0, b2 = 0;

    for (int i = (int)(sizeof series / sizeof *series) - 1; i >= 0; i--) {
        b2 = b1;
        b1 = b0;
        b0 = u * b1 - b2 + series[i];
    }
    double rest = t * iv__exp_f64(0.5 * (b0 - b2 + series[0]) - z * z); /* erfc(z) */
    return x < 0 ? rest - 1 : 1 - rest;
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
