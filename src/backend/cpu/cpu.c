/* cpu.c: the backends of this processor, one for each instruction set: the same rows over another
 * table of inner kernels. */
#define _GNU_SOURCE
#include "backend/cpu/gemm.h"
#include "backend/cpu/rows.h"

#ifndef IVORY_NO_X86
#include <cpuid.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum { CLOCK = 0, LOSS_TARGET = 3 };

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

bool iv__fits_random(const iv_kernel_call *k)
{
    return fits(k, CLOCK);
}

bool iv__fits_recurrent(const iv_kernel_call *k)
{
    return fits(k, k->in[0].dtype == IV_I32 ? 0 : -1);
}

bool iv__fits_one_step(const iv_kernel_call *k)
{
    const int64_t *x = k->in[0].shape->dim;

    return iv__fits_recurrent(k) && x[0] <= IV__FEW_ROWS_MOST && x[1] == 1;
}

#define LIST portable
#include "backend/cpu/cpu_list.inc"
#define LIST portable_rounded
#define BF16
#include "backend/cpu/cpu_list.inc"
#define LIST amx_emulated
#define BF16
#include "backend/cpu/cpu_list.inc"

static bool available_portable(void)
{
    return true;
}

static bool available_amx_emulated(void)
{
    return true;
}

/* f32 by the kernels `real`, bf16 by `rounded`, each with the loop that tells its peak. */
#define BACKEND(id, says, real, rounded, peak_real, peak_rounded, slow)               \
    const iv__backend iv__backend_##id = { .name = says,                              \
                                           .available = available_##id,               \
                                           .kernels = kernels_##real,                 \
                                           .bf16 = kernels_##rounded,                 \
                                           .peak = &iv__cpu_##peak_real.peak,         \
                                           .bf16_peak = &iv__cpu_##peak_rounded.peak, \
                                           .slow_bf16 = slow }

BACKEND(portable, "portable", portable, portable_rounded, portable, portable_rounded, true);
BACKEND(amx_emulated, "amx-emulated", portable, amx_emulated, portable, amx_emulated, false);

#ifndef IVORY_NO_X86
#define LIST avx2
#define POINTWISE
#include "backend/cpu/cpu_list.inc"
#define LIST avx2_rounded
#define BF16
#include "backend/cpu/cpu_list.inc"
#define LIST avx512
#define POINTWISE
#include "backend/cpu/cpu_list.inc"
#define LIST avx512_rounded
#define BF16
#include "backend/cpu/cpu_list.inc"
#define LIST avx512bf16
#define BF16
#include "backend/cpu/cpu_list.inc"
#define LIST amx
#define BF16
#include "backend/cpu/cpu_list.inc"

/* Products of few rows wait for their weights, which are half as large in pairs; all else is computed
 * in f32 out of rounded operands. */
/* clang-format off */
static const iv__fast_kernel kernels_avx512bf16_few[] = {
#define PAIRS(name, few) { #name, iv__fits_##few, name##_avx512bf16, name##_scratch_avx512bf16, name##_packings_avx512bf16, false },
    IV__FEW_ROWS(PAIRS)
#undef PAIRS
#define ROW(name, kind) { #name, iv__fits_##kind, kind##_avx512_rounded, kind##_scratch_avx512_rounded, kind##_packings_avx512_rounded, false },
    IV__NARROW_ROWS(ROW)
#undef ROW
#define ROW(name, inputs) { #name, iv__fits_##inputs, name##_avx512_rounded, name##_scratch_avx512_rounded, name##_packings_avx512_rounded, false },
    IV__PRODUCT_ROWS(ROW)
#undef ROW
    { 0 },
};
/* clang-format on */

static bool available_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool available_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("fma");
}

static bool available_avx512bf16(void)
{
    return available_avx512() && __builtin_cpu_supports("avx512bf16");
}

/* Where vdpbf16ps does less than two f32 multiply-adds do: a third to a half of it on Intel's
 * processors, which have tiles for that (measured: `ivory bench peak --precision bf16`). */
static bool available_avx512bf16_few(void)
{
    return available_avx512bf16() && __builtin_cpu_is("intel");
}

/* The processor may have tiles that the system hides; a process must ask once to use them. */
static bool available_amx(void)
{
    enum { TILES = 1 << 24, TILES_BF16 = 1 << 22, ASK_FOR_STATE = 0x1023, TILE_DATA = 18 };
    static _Atomic int known; /* 1: no, 2: yes */
    unsigned a, b, c, d;

    if (!known) {
        bool here = available_avx512bf16() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & TILES) &&
                    (d & TILES_BF16) && syscall(SYS_arch_prctl, ASK_FOR_STATE, TILE_DATA) == 0;
        known = here ? 2 : 1;
    }
    return known == 2;
}

BACKEND(avx2, "avx2", avx2, avx2_rounded, avx2, avx2_rounded, true);
BACKEND(avx512, "avx512", avx512, avx512_rounded, avx512, avx512_rounded, true);
BACKEND(avx512bf16, "avx512bf16", avx512, avx512bf16, avx512, avx512bf16, false);
BACKEND(avx512bf16_few, "avx512bf16-few", avx512, avx512bf16_few, avx512, avx512_rounded, true);
BACKEND(amx, "amx", avx512, amx, avx512, amx, false);
#endif
