/* kernels_amx.c: inner kernels over bf16 pairs on the tiles of AMX. */
#include "backend/cpu/cpu.h"
#include "backend/cpu/tiles_amx.h"
#include "backend/cpu/words_avx512.h"

#define CPU amx
#define OPERANDS_TILED
#include "backend/cpu/inner.inc"
