/* words_portable.h: the words of vector.h in plain C: vectors of 4 floats. */
#ifndef IV_BACKEND_CPU_WORDS_PORTABLE_H
#define IV_BACKEND_CPU_WORDS_PORTABLE_H

#include "backend/cpu/vector.h"

#include <stdint.h>
#include <string.h>

typedef float V __attribute__((vector_size(16)));
typedef int32_t bits __attribute__((vector_size(16)));
typedef uint32_t whole __attribute__((vector_size(16)));
typedef float loose __attribute__((vector_size(16), aligned(4), may_alias));
enum { W = 4 };

/* clang-format off */
INLINE V v_zero(void) { return (V){ 0 }; }
INLINE V v_set(float x) { return (V){ x, x, x, x }; }
INLINE V v_load(const float *p) { return *(const loose *)p; }
INLINE void v_store(float *p, V x) { *(loose *)p = x; }
INLINE V v_load_part(const float *p, int n)
{
    V x = { 0 };
    memcpy(&x, p, (size_t)n * sizeof *p);
    return x;
}
INLINE void v_store_part(float *p, V x, int n) { memcpy(p, &x, (size_t)n * sizeof *p); }
typedef double D __attribute__((vector_size(16)));
INLINE D v_squares(const float *p) { return (D){ (double)(p[0] * p[0]), (double)(p[1] * p[1]) }; } /* of W / 2 floats */
INLINE V v_fma(V a, V b, V c) { return a * b + c; }
INLINE V v_choose(bits mask, V yes, V no) { return (V)((mask & (bits)yes) | (~mask & (bits)no)); }
INLINE V v_max(V a, V b) { return v_choose(a > b, a, b); } /* b where either is NaN */
INLINE V v_min(V a, V b) { return v_choose(a < b, a, b); }
INLINE V v_abs(V x) { return (V)((bits)x & INT32_MAX); }
INLINE V v_with_sign(V x, V sign) { return (V)(((bits)x & INT32_MAX) | ((bits)sign & INT32_MIN)); }
INLINE V v_below(V x, V limit, V yes, V no) { return v_choose(x < limit, yes, no); }
INLINE V v_ldexp(V x, V power) /* power is whole; in two steps, so that denormals are reached */
{
    bits e = __builtin_convertvector(power, bits), half = e >> 1;
    return x * (V)((half + 127) << 23) * (V)((e - half + 127) << 23);
}
INLINE V v_ldexp_held(V x, V power)
{
    bits e = __builtin_convertvector(v_min(v_set(127), power), bits);
    return x * (V)((e + 127) << 23);
}
INLINE V v_shifted_to_exponent(V x) { return (V)((bits)x << 23); }
INLINE V v_reciprocal(V x) { return v_set(1) / x; }
INLINE float v_reduce_add(V x) { return (x[0] + x[2]) + (x[1] + x[3]); }
INLINE float v_reduce_max(V x)
{
    V y = v_max(x, __builtin_shufflevector(x, x, 2, 3, 0, 1));
    return y[0] > y[1] ? y[0] : y[1];
}

/* To the nearest bf16, ties to even, kept as a float; NaN stays NaN. */
INLINE V v_round_bf16(V x)
{
    bits b = (bits)x, odd = (b >> 16) & 1;
    V up = (V)(((whole)b + (whole)odd + 0x7fff) & 0xffff0000u);
    return v_choose(x == x, up, (V)((b | 0x400000) & (int32_t)0xffff0000));
}
INLINE V v_pairs(V low, V high) /* of bf16: word j holds low[j] and, above it, high[j] */
{
    return (V)(((whole)v_round_bf16(low) >> 16) | (whole)v_round_bf16(high));
}
INLINE void v_store_bf16_part(uint16_t *p, V x, int n)
{
    whole b = (whole)v_round_bf16(x) >> 16;
    for (int i = 0; i < n; i++)
        p[i] = (uint16_t)b[i];
}
INLINE void v_store_bf16(uint16_t *p, V x) { v_store_bf16_part(p, x, W); }
INLINE void v_store_e(uint16_t *e, int64_t row, uint16_t *pairs, V y, V z) /* y, z, and pairs of them */
{
    v_store_bf16(e, y);
    v_store_bf16(e + row, z);
    v_store((float *)pairs, v_pairs(y, z));
}
/* clang-format on */

#endif
