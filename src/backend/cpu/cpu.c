/* cpu.c: the backends of this processor, one for each instruction set: the same rows over another
 * table of inner kernels. */
#include "backend/cpu/gemm.h"
#include "backend/cpu/rows.h"

enum { LOSS_TARGET = 3 };

static bool fits(const iv_kernel_call *k, int whole)
{
    for (int i = 0; i < k->n_in; i++) {
        if (k->in[i].dtype != (i == whole ? IV_I32 : IV_F32) || iv_shape_count(k->in[i].shape) == 0)
            return false;
    }
    for (int j = 0; j < k->n_out; j++) {
        if (k->out[j].dtype != IV_F32)
            return false;
    }
    return true;
}

bool iv__fits_f32(const iv_kernel_call *k)
{
    return fits(k, -1);
}

bool iv__fits_loss(const iv_kernel_call *k)
{
    return fits(k, LOSS_TARGET);
}

#define CPU portable
#include "backend/cpu/cpu_list.inc"
static bool available_portable(void)
{
    return true;
}
const iv_backend iv__backend_portable = { "portable", available_portable, kernels_portable,
                                          &iv__cpu_portable.peak };

#ifndef IVORY_NO_X86
#undef CPU
#define CPU avx512
#define POINTWISE(ROW) IV__POINTWISE_ROWS(ROW)
#include "backend/cpu/cpu_list.inc"
static bool available_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("fma");
}
const iv_backend iv__backend_avx512 = { "avx512", available_avx512, kernels_avx512,
                                        &iv__cpu_avx512.peak };
#endif
