/* kernels_avx512bf16.c: inner kernels over bf16 pairs for AVX512-BF16, whose vdpbf16ps adds two
 * products to each of 16 sums. */
#include "backend/cpu/cpu.h"
#include "backend/cpu/words_avx512.h"

#define TILE_ROWS 8 /* even: two rows of e make a row of pairs */
#define TILE_VECTORS 3
/* clang-format off */
#define TILES(T)                                                                                   \
    T(1, 1) T(2, 1) T(3, 1) T(4, 1) T(5, 1) T(6, 1) T(7, 1) T(8, 1)                                \
    T(1, 2) T(2, 2) T(3, 2) T(4, 2) T(5, 2) T(6, 2) T(7, 2) T(8, 2)                                \
    T(1, 3) T(2, 3) T(3, 3) T(4, 3) T(5, 3) T(6, 3) T(7, 3) T(8, 3)
/* clang-format on */

typedef uint16_t element;
enum { K_UNIT = 2, ROW_UNIT = 1 };

/* sum(i,j) += a(i,k) b(k,j): two k a step. */
INLINE void multiply(const int m, const int nv, V sum[TILE_ROWS][TILE_VECTORS], const element *a,
                     int64_t ai, int64_t ak, int64_t k, const element *b, const float *ahead,
                     int64_t ahead_step, const char *written, int64_t written_step)
{
    (void)ak; /* 1 */
    for (; k > 0; k -= 2, a += 2, b += 2 * nv * W, ahead += ahead_step, written += written_step) {
        __m512bh right[TILE_VECTORS];
        if (written_step)
            __builtin_prefetch(written, 1);
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

enum { PEAK_SUMS = 12 };

NOINLINE double peak(int64_t rounds, float *keep)
{
    V sum[PEAK_SUMS];
    __m512bh by = (__m512bh)v_pairs(v_set(keep[0]), v_set(-keep[0])),
             one = (__m512bh)v_pairs(v_set(1), v_set(1));

    UNROLL
    for (int i = 0; i < PEAK_SUMS; i++)
        sum[i] = v_set((float)i);
    for (int64_t r = 0; r < rounds; r++) {
        UNROLL
        for (int i = 0; i < PEAK_SUMS; i++)
            sum[i] = _mm512_dpbf16_ps(sum[i], by, one);
    }
    UNROLL
    for (int i = 1; i < PEAK_SUMS; i++)
        sum[0] = sum[0] + sum[i];
    keep[1] = v_reduce_add(sum[0]);
    return 4.0 * W * PEAK_SUMS * (double)rounds;
}

#define CPU avx512bf16
#define OPERANDS_PAIRS
#include "backend/cpu/inner.inc"
