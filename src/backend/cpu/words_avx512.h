/* words_avx512.h: the words of vector.h for AVX-512: vectors of 16 floats. */
#ifndef IV_BACKEND_CPU_WORDS_AVX512_H
#define IV_BACKEND_CPU_WORDS_AVX512_H

#include "backend/cpu/vector.h"

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

typedef __m512 V;
enum { W = 16 };

/* clang-format off */
INLINE V v_zero(void) { return _mm512_setzero_ps(); }
INLINE V v_set(float x) { return _mm512_set1_ps(x); }
INLINE V v_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE void v_store(float *p, V x) { _mm512_storeu_ps(p, x); }
INLINE V v_load_part(const float *p, int n) { return _mm512_maskz_loadu_ps((__mmask16)(0xffff >> (16 - n)), p); }
INLINE void v_store_part(float *p, V x, int n) { _mm512_mask_storeu_ps(p, (__mmask16)(0xffff >> (16 - n)), x); }
INLINE V v_fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
INLINE V v_max(V a, V b) { return _mm512_max_ps(a, b); } /* b where either is NaN */
INLINE V v_min(V a, V b) { return _mm512_min_ps(a, b); }
INLINE V v_abs(V x) { return _mm512_abs_ps(x); }
INLINE V v_with_sign(V x, V sign)
{
    const __m512i bit = _mm512_set1_epi32(INT32_MIN);
    return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(bit, _mm512_castps_si512(sign), _mm512_castps_si512(x), 0xca));
}
INLINE V v_below(V x, V limit, V yes, V no) { return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, limit, _CMP_LT_OQ), no, yes); }
INLINE V v_ldexp(V x, V power) { return _mm512_scalef_ps(x, power); } /* power is whole */
INLINE V v_ldexp_held(V x, V power) { return v_ldexp(x, power); }
INLINE V v_shifted_to_exponent(V x) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(x), 23)); } /* the last bits */
INLINE V v_reciprocal(V x) /* of a normal number whose reciprocal is one too */
{
    V r = _mm512_rcp14_ps(x);
    return _mm512_fmadd_ps(_mm512_fnmadd_ps(x, r, _mm512_set1_ps(1)), r, r);
}

INLINE float v_reduce_add(V x)
{
    __m256 a = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}
INLINE float v_reduce_max(V x)
{
    __m256 a = _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}

INLINE V v_sqrt(V x) { return _mm512_sqrt_ps(x); }
INLINE V v_reciprocal_sqrt(V x) /* of a normal number; infinity counts as one */
{
    V held = v_min(_mm512_set1_ps(0x1p126f), x), r = _mm512_rsqrt14_ps(held);
    V off = _mm512_fnmadd_ps(held * r, r, _mm512_set1_ps(1));
    return _mm512_fmadd_ps(off * _mm512_set1_ps(0.5f), r, r);
}

typedef __m512d D;
INLINE D v_squares(const float *p) /* of W / 2 floats, rounded as floats */
{
    __m256 x = _mm256_loadu_ps(p);
    return _mm512_cvtps_pd(_mm256_mul_ps(x, x));
}

typedef __m512i U; /* of 16 words */
INLINE U u_set(uint32_t x) { return _mm512_set1_epi32((int32_t)x); }
INLINE U u_load(const uint32_t *p) { return _mm512_loadu_si512(p); }
INLINE U u_add(U a, U b) { return _mm512_add_epi32(a, b); }
INLINE U u_xor(U a, U b) { return _mm512_xor_si512(a, b); }
INLINE void u_products(U a, U b, U *high, U *low) /* the two words of each product; b is the same in each lane */
{
    U even = _mm512_mul_epu32(a, b), odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), b);
    *low = _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
    *high = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
}
INLINE V u_unit(U x) { return _mm512_cvtepi32_ps(_mm512_srli_epi32(x, 8)) * _mm512_set1_ps(0x1p-24f); } /* [0,1) */
INLINE void v_turn(V x[4]) /* in each lane of 128 bits, the 4 x 4 floats of four vectors: rows become columns */
{
    V a = _mm512_unpacklo_ps(x[0], x[1]), b = _mm512_unpackhi_ps(x[0], x[1]), c = _mm512_unpacklo_ps(x[2], x[3]),
      d = _mm512_unpackhi_ps(x[2], x[3]);
    x[0] = _mm512_shuffle_ps(a, c, 0x44), x[1] = _mm512_shuffle_ps(a, c, 0xee);
    x[2] = _mm512_shuffle_ps(b, d, 0x44), x[3] = _mm512_shuffle_ps(b, d, 0xee);
}
INLINE V v_negative(V x) { return _mm512_xor_ps(x, _mm512_set1_ps(-0.0f)); }

/* To the nearest bf16, ties to even, kept as a float; NaN stays NaN. */
INLINE V v_round_bf16(V x)
{
    const __m512i bits = _mm512_castps_si512(x), high = _mm512_set1_epi32((int32_t)0xffff0000);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    up = _mm512_mask_or_epi32(up, nan, bits, _mm512_set1_epi32(0x400000));
    return _mm512_castsi512_ps(_mm512_and_si512(up, high));
}
INLINE V v_pairs(V low, V high) /* of bf16: word j holds low[j] and, above it, high[j] */
{
    __m512i l = _mm512_srli_epi32(_mm512_castps_si512(v_round_bf16(low)), 16);
    return _mm512_castsi512_ps(_mm512_or_si512(l, _mm512_castps_si512(v_round_bf16(high))));
}
INLINE __m256i v_bf16(V x) { return _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_castps_si512(v_round_bf16(x)), 16)); }
INLINE void v_store_bf16(uint16_t *p, V x) { _mm256_storeu_si256((__m256i *)p, v_bf16(x)); }
INLINE void v_store_bf16_part(uint16_t *p, V x, int n) { _mm256_mask_storeu_epi16(p, (__mmask16)(0xffff >> (16 - n)), v_bf16(x)); }
#ifdef __AVX512BF16__
INLINE void v_store_e(uint16_t *e, int64_t row, uint16_t *pairs, V y, V z) /* y, z, and pairs of them; no denormals */
{
    __m256i a = (__m256i)_mm512_cvtneps_pbh(y), b = (__m256i)_mm512_cvtneps_pbh(z);
    _mm256_storeu_si256((__m256i *)e, a);
    _mm256_storeu_si256((__m256i *)(e + row), b);
    _mm512_storeu_si512(pairs, _mm512_or_si512(_mm512_cvtepu16_epi32(a), _mm512_slli_epi32(_mm512_cvtepu16_epi32(b), 16)));
}
#endif
/* clang-format on */

#endif
