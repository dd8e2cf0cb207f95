/* math.h: our own exp, log, tanh, sigmoid: the C library chooses code by processor, these do not.
 *
 * f32 versions are written so that a compiler can vectorise a loop over them; relative error
 * below 3e-7 (exp, sigmoid), absolute 2e-7 near 0 for log, tanh. f64 versions have relative
 * error below 4e-16. */
#ifndef IV_BASE_MATH_H
#define IV_BASE_MATH_H

#include <stdint.h>
#include <string.h>

static inline float iv__bits_f32(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t iv__f32_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double iv__bits_f64(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t iv__f64_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* e^x = 2^k e^r, |r| <= ln2 / 2; two steps of scaling reach the denormals. NaN is clamped too,
 * since k becomes an integer, and put back at the end. */
static inline float iv__exp_f32(float x)
{
    float clamped = x > -104.0f ? (x < 89.0f ? x : 89.0f) : -104.0f;
    float k = (clamped * 1.44269504f + 12582912.0f) - 12582912.0f;
    float r = (clamped - k * 0.693359375f) - k * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = (p * r) * r + r + 1.0f;
    int32_t e = (int32_t)k, half = e >> 1;
    float y = p * iv__bits_f32((uint32_t)(half + 127) << 23) *
              iv__bits_f32((uint32_t)(e - half + 127) << 23);
    return x == x ? y : x;
}

static inline double iv__exp_f64(double x)
{
    double clamped = x > -746.0 ? (x < 710.0 ? x : 710.0) : -746.0;
    double k = (clamped * 1.4426950408889634 + 6755399441055744.0) - 6755399441055744.0;
    double r = (clamped - k * 6.93145751953125e-1) - k * 1.42860682030941723212e-6;
    double p = 1.0 / 6227020800.0; /* Taylor to r^13: below 1e-17 at |r| = 0.35 */
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = (p * r) * r + r + 1.0;
    int64_t e = (int64_t)k, half = e >> 1;
    double y = p * iv__bits_f64((uint64_t)(half + 1023) << 52) *
               iv__bits_f64((uint64_t)(e - half + 1023) << 52);
    return x == x ? y : x;
}

/* log x = e ln2 + log m, m in [sqrt(1/2), sqrt(2)). log 0 = -inf, log of a negative number is
 * NaN. */
static inline float iv__log_f32(float x)
{
    float scaled = x < 1.17549435e-38f ? x * 8388608.0f : x;
    int32_t bits = (int32_t)(iv__f32_bits(scaled) - 0x3f3504f3u);
    int32_t e = bits >> 23;
    float m = iv__bits_f32((uint32_t)((bits & 0x7fffff) + 0x3f3504f3)) - 1.0f;
    float k = (float)(x < 1.17549435e-38f ? e - 23 : e);
    float p = 7.0376836292e-2f;
    p = p * m - 1.1514610310e-1f;
    p = p * m + 1.1676998740e-1f;
    p = p * m - 1.2420140846e-1f;
    p = p * m + 1.4249322787e-1f;
    p = p * m - 1.6668057665e-1f;
    p = p * m + 2.0000714765e-1f;
    p = p * m - 2.4999993993e-1f;
    p = p * m + 3.3333331174e-1f;
    float s = m * m, y = p * m * s + k * -2.12194440e-4f - 0.5f * s + m + k * 0.693359375f;
    return x > 0    ? (x <= 3.4028235e38f ? y : x)
           : x == 0 ? iv__bits_f32(0xff800000u)
                    : iv__bits_f32(0x7fc00000u);
}

static inline double iv__log_f64(double x)
{
    double scaled = x < 2.2250738585072014e-308 ? x * 18014398509481984.0 : x;
    int64_t bits = (int64_t)(iv__f64_bits(scaled) - UINT64_C(0x3fe6a09e667f3bcd));
    int64_t e = bits >> 52;
    double m = iv__bits_f64((uint64_t)((bits & INT64_C(0xfffffffffffff)) + INT64_C(0x3fe6a09e667f3bcd)));
    double k = (double)(x < 2.2250738585072014e-308 ? e - 54 : e);
    double t = (m - 1) / (m + 1), s = t * t, p = 1.0 / 23; /* 2 atanh t, |t| <= 0.172 */
    p = p * s + 1.0 / 21;
    p = p * s + 1.0 / 19;
    p = p * s + 1.0 / 17;
    p = p * s + 1.0 / 15;
    p = p * s + 1.0 / 13;
    p = p * s + 1.0 / 11;
    p = p * s + 1.0 / 9;
    p = p * s + 1.0 / 7;
    p = p * s + 1.0 / 5;
    p = p * s + 1.0 / 3;
    double y = k * 6.93147180369123816490e-01 + (2 * t + 2 * t * s * p + k * 1.90821492927058770002e-10);
    return x > 0    ? (x <= 1.7976931348623157e308 ? y : x)
           : x == 0 ? iv__bits_f64(UINT64_C(0xfff0000000000000))
                    : iv__bits_f64(UINT64_C(0x7ff8000000000000));
}

/* Near 0 the quotient of exponentials would lose digits; a short odd series stands there. */
static inline float iv__tanh_f32(float x)
{
    float a = x < 0 ? -x : x, s = x * x;
    float p = -5.70498872745e-3f;
    p = p * s + 2.06390887954e-2f;
    p = p * s - 5.37397155531e-2f;
    p = p * s + 1.33314422036e-1f;
    p = p * s - 3.33332819422e-1f;
    float small = p * s * x + x;
    float large = 1.0f - 2.0f / (iv__exp_f32(2.0f * a) + 1.0f);
    float y = x < 0 ? -large : large;
    return x != x ? x : a < 0.625f ? small : y;
}

static inline double iv__tanh_f64(double x)
{
    double a = x < 0 ? -x : x, s = x * x;
    /* continued fraction of tanh, eight levels: exact to 1e-16 below 0.35 */
    double f = 15 + s / 17;
    f = 13 + s / f;
    f = 11 + s / f;
    f = 9 + s / f;
    f = 7 + s / f;
    f = 5 + s / f;
    f = 3 + s / f;
    f = 1 + s / f;
    double large = 1 - 2 / (iv__exp_f64(2 * (a > 20 ? 20 : a)) + 1);
    double y = x < 0 ? -large : large;
    return x != x ? x : a < 0.35 ? x / f : y;
}

static inline float iv__sigmoid_f32(float x)
{
    return 1.0f / (1.0f + iv__exp_f32(-x));
}

static inline double iv__sigmoid_f64(double x)
{
    return 1.0 / (1.0 + iv__exp_f64(-x));
}

#endif
