/* kernels_avx512.c: inner kernels of 16 floats a vector, for AVX-512. */
#include "backend/cpu/cpu.h"
#include "backend/cpu/rows.h"
#include "backend/cpu/vector.h"

#include <immintrin.h>

typedef __m512 V;
enum { W = 16 };
#define TILE_ROWS 9
#define TILE_VECTORS 3
/* clang-format off */
#define TILES(T)                                                                                   \
    T(1, 1) T(2, 1) T(3, 1) T(4, 1) T(5, 1) T(6, 1) T(7, 1) T(8, 1) T(9, 1)                        \
    T(1, 2) T(2, 2) T(3, 2) T(4, 2) T(5, 2) T(6, 2) T(7, 2) T(8, 2) T(9, 2)                        \
    T(1, 3) T(2, 3) T(3, 3) T(4, 3) T(5, 3) T(6, 3) T(7, 3) T(8, 3) T(9, 3)
#define EXP_TILES(T) T(1) T(2) T(3)

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
INLINE V v_negative(V x) { return _mm512_xor_ps(x, _mm512_set1_ps(-0.0f)); }
/* clang-format on */

#define CPU avx512
#define WITH_POINTWISE /* the reference's loops are built for any processor of the family */
#include "backend/cpu/inner.inc"
