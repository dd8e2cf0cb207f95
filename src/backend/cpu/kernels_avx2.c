/* kernels_avx2.c: inner kernels of 8 floats a vector, for AVX2 and FMA. */
#include "backend/cpu/cpu.h"
#include "backend/cpu/rows.h"
#include "backend/cpu/words_avx2.h"

#include "ops/rows.h"

#define TILE_ROWS 4
#define TILE_VECTORS 3
#define TILES(T) \
    T(1, 1) T(2, 1) T(3, 1) T(4, 1) T(1, 2) T(2, 2) T(3, 2) T(4, 2) T(1, 3) T(2, 3) T(3, 3) T(4, 3)

#define CPU avx2
#define WITH_POINTWISE /* the reference's loops are built for any processor of the family */
#include "backend/cpu/inner.inc"
