/* kernels_amx_emulated.c: the kernels of AMX over tiles in plain C: for tests, and slow. */
#include "backend/cpu/cpu.h"
#include "backend/cpu/tiles_emulated.h"
#include "backend/cpu/words_portable.h"

#define CPU amx_emulated
#define OPERANDS_TILED
#include "backend/cpu/inner.inc"
