/* words_avx2.h: vectors of 8 floats and the v_ functions on them (vector.h), for AVX2 and FMA. */
#ifndef IV_BACKEND_CPU_WORDS_AVX2_H
#define IV_BACKEND_CPU_WORDS_AVX2_H

#include "backend/cpu/vector.h"

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

typedef __m256 V;
enum { W = 8 };

/* clang-format off */
INLINE V v_zero(void) { return _mm256_setzero_ps(); }
INLINE V v_set(float x) { return _mm256_set1_ps(x); }
INLINE V v_load(const float *p) { return _mm256_loadu_ps(p); }
INLINE void v_store(float *p, V x) { _mm256_storeu_ps(p, x); }
INLINE __m256i v_first(int n) /* a mask of the first n floats */
{
    static const int32_t mask[16] = { -1, -1, -1, -1, -1, -1, -1, -1 };
    return _mm256_loadu_si256((const __m256i *)(mask + 8 - n));
}
INLINE V v_load_part(const float *p, int n) { return _mm256_maskload_ps(p, v_first(n)); }
INLINE void v_store_part(float *p, V x, int n) { _mm256_maskstore_ps(p, v_first(n), x); }
INLINE V v_fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
INLINE V v_max(V a, V b) { return _mm256_max_ps(a, b); } /* b where either is NaN */
INLINE V v_min(V a, V b) { return _mm256_min_ps(a, b); }
INLINE V v_abs(V x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
INLINE V v_with_sign(V x, V sign) { return _mm256_or_ps(v_abs(x), _mm256_and_ps(_mm256_set1_ps(-0.0f), sign)); }
INLINE V v_below(V x, V limit, V yes, V no) { return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(x, limit, _CMP_LT_OQ)); }
INLINE V v_ldexp(V x, V power) /* power is whole; in two steps, so that denormals are reached */
{
    const __m256i one = _mm256_set1_epi32(127);
    __m256i e = _mm256_cvtps_epi32(power), half = _mm256_srai_epi32(e, 1);
    __m256i a = _mm256_slli_epi32(_mm256_add_epi32(half, one), 23);
    __m256i b = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(e, half), one), 23);
    return x * _mm256_castsi256_ps(a) * _mm256_castsi256_ps(b);
}
INLINE V v_ldexp_held(V x, V power)
{
    __m256i e = _mm256_cvtps_epi32(v_min(v_set(127), power));
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), _mm256_slli_epi32(e, 23)));
}
INLINE V v_shifted_to_exponent(V x) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(x), 23)); }
INLINE V v_reciprocal(V x) { return v_set(1) / x; }
INLINE float v_reduce_add(V x)
{
    __m128 a = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    a = _mm_add_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_add_ss(a, _mm_movehdup_ps(a)));
}
INLINE float v_reduce_max(V x)
{
    __m128 a = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    a = _mm_max_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_max_ss(a, _mm_movehdup_ps(a)));
}

INLINE V v_sqrt(V x) { return _mm256_sqrt_ps(x); }
INLINE V v_reciprocal_sqrt(V x) { return _mm256_set1_ps(1) / v_sqrt(x); }

typedef __m256d D;
INLINE D v_squares(const float *p) /* of W / 2 floats, rounded as floats */
{
    __m128 x = _mm_loadu_ps(p);
    return _mm256_cvtps_pd(_mm_mul_ps(x, x));
}

typedef __m256i U; /* of 8 words */
INLINE U u_set(uint32_t x) { return _mm256_set1_epi32((int32_t)x); }
INLINE U u_load(const uint32_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
INLINE U u_add(U a, U b) { return _mm256_add_epi32(a, b); }
INLINE U u_xor(U a, U b) { return _mm256_xor_si256(a, b); }
INLINE void u_products(U a, U b, U *high, U *low) /* the two words of each product; b is the same in each lane */
{
    U even = _mm256_mul_epu32(a, b), odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), b);
    *low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
    *high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}
INLINE V u_unit(U x) { return _mm256_cvtepi32_ps(_mm256_srli_epi32(x, 8)) * _mm256_set1_ps(0x1p-24f); } /* [0,1) */
INLINE void v_turn(V x[4]) /* in each lane of 128 bits, the 4 x 4 floats of four vectors: rows become columns */
{
    V a = _mm256_unpacklo_ps(x[0], x[1]), b = _mm256_unpackhi_ps(x[0], x[1]), c = _mm256_unpacklo_ps(x[2], x[3]),
      d = _mm256_unpackhi_ps(x[2], x[3]);
    x[0] = _mm256_shuffle_ps(a, c, 0x44), x[1] = _mm256_shuffle_ps(a, c, 0xee);
    x[2] = _mm256_shuffle_ps(b, d, 0x44), x[3] = _mm256_shuffle_ps(b, d, 0xee);
}
INLINE V v_negative(V x) { return _mm256_xor_ps(x, _mm256_set1_ps(-0.0f)); }

/* To the nearest bf16, ties to even, kept as a float; NaN stays NaN. */
INLINE V v_round_bf16(V x)
{
    const __m256i high = _mm256_set1_epi32((int32_t)0xffff0000), bits = _mm256_castps_si256(x);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    __m256i up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    V nan = _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
    V y = _mm256_blendv_ps(_mm256_castsi256_ps(up), _mm256_castsi256_ps(quiet), nan);
    return _mm256_and_ps(y, _mm256_castsi256_ps(high));
}
/* clang-format on */

#endif
