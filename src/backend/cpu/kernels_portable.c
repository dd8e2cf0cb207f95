/* kernels_portable.c: inner kernels of 4 floats a vector in plain C, for any processor. */
#include "backend/cpu/cpu.h"
#include "backend/cpu/words_portable.h"

#define TILE_ROWS 3
#define TILE_VECTORS 3
#define TILES(T) T(1, 1) T(2, 1) T(3, 1) T(1, 2) T(2, 2) T(3, 2) T(1, 3) T(2, 3) T(3, 3)

#define CPU portable
#include "backend/cpu/inner.inc"
