/* kernels_avx512.c: inner kernels of 16 floats a vector, for AVX-512. */
#include "backend/cpu/cpu.h"
#include "backend/cpu/rows.h"
#include "backend/cpu/words_avx512.h"

#define TILE_ROWS 9
#define TILE_VECTORS 3
/* clang-format off */
#define TILES(T)                                                                                   \
    T(1, 1) T(2, 1) T(3, 1) T(4, 1) T(5, 1) T(6, 1) T(7, 1) T(8, 1) T(9, 1)                        \
    T(1, 2) T(2, 2) T(3, 2) T(4, 2) T(5, 2) T(6, 2) T(7, 2) T(8, 2) T(9, 2)                        \
    T(1, 3) T(2, 3) T(3, 3) T(4, 3) T(5, 3) T(6, 3) T(7, 3) T(8, 3) T(9, 3)
/* clang-format on */

#define CPU avx512
#define WITH_POINTWISE /* the reference's loops are built for any processor of the family */
#include "backend/cpu/inner.inc"
