/* cpu.c: the backends of this processor, one for each instruction set: the same rows over another table of inner kernels. */
#include "backend/cpu/gemm.h"
#include "backend/cpu/rows.h"

#define CPU portable
#include "backend/cpu/cpu_list.inc"
static bool available_portable(void)
{
    return true;
}
const iv_backend iv__backend_portable = { "portable", available_portable, kernels_portable };

#ifndef IVORY_NO_X86
#undef CPU
#define CPU avx512
#include "backend/cpu/cpu_list.inc"
static bool available_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}
const iv_backend iv__backend_avx512 = { "avx512", available_avx512, kernels_avx512 };
#endif
