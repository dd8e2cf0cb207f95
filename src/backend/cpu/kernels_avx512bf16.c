/* kernels_avx512bf16.c: inner kernels over bf16 pairs for AVX512-BF16, whose vdpbf16ps adds two
 * products to each of 16 sums. */
#include "backend/cpu/cpu.h"
#include "backend/cpu/words_avx512.h"

#define TILE_ROWS 8 /* even: two rows of e make a row of pairs */
#define TILE_VECTORS 3
#define TILES(T)                                                                                    \
    T(1, 1)                                                                                         \
    T(2, 1) T(3, 1) T(4, 1) T(5, 1) T(6, 1) T(7, 1) T(8, 1) T(1, 2) T(2, 2) T(3, 2) T(4, 2) T(5, 2) \
        T(6, 2) T(7, 2) T(8, 2) T(1, 3) T(2, 3) T(3, 3) T(4, 3) T(5, 3) T(6, 3) T(7, 3) T(8, 3)

typedef uint16_t element;
enum { K_UNIT = 2, ROW_UNIT = 1 };

/* sum(i,j) += a(i,k) b(k,j): two k a step. */
INLINE void multiply(const int m, const int nv, V sum[TILE_ROWS][TILE_VECTORS], const element *a,
                     int64_t ai, int64_t ak, int64_t k, const element *b, const float *ahead,
                     int64_t ahead_step)
{
    (void)ak; /* 1 */
    for (; k > 0; k -= 2, a += 2, b += 2 * nv * W, ahead += ahead_step) {
        __m512bh right[TILE_VECTORS];
        __builtin_prefetch(ahead, 0, 3);
        UNROLL
        for (int j = 0; j < nv; j++)
            right[j] = (__m512bh)_mm512_loadu_si512(b + 2 * j * W);
        UNROLL
        for (int i = 0; i < m; i++) {
            int32_t pair;
            memcpy(&pair, a + i * ai, sizeof pair);
            __m512bh left = (__m512bh)_mm512_set1_epi32(pair);
            UNROLL
            for (int j = 0; j < nv; j++)
                sum[i][j] = _mm512_dpbf16_ps(sum[i][j], left, right[j]);
        }
    }
}

#define CPU avx512bf16
#define OPERANDS_PAIRS
#include "backend/cpu/inner.inc"
