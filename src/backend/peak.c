/* peak.c: every thread of a home at the processor's limit. */
#include "backend/peak.h"

#include "base/threads.h"

enum { ROUNDS = 1000000, FEW_ROUNDS = 100 };

static const float factor = 0.5F;

static void run_chunk(void *context, int64_t chunk, int thread)
{
    iv__peak_loop *const *peak = context;
    float keep[2] = { factor, 0 };

    (void)chunk, (void)thread;
    (*peak)(ROUNDS, keep);
}

double iv__peak_run(iv_home *home)
{
    const iv__backend *backend = iv__backend_of(home);
    int threads = iv_home_threads(home);
    float keep[2] = { factor, 0 };

    if (!backend)
        return 0;
    iv__peak_loop *const *peak = iv_home_precision(home) == IV_PRECISION_BF16 ? backend->bf16_peak
                                                                              : backend->peak;

    iv__parallel(home, threads, run_chunk, (void *)(uintptr_t)peak);
    return (*peak)(FEW_ROUNDS, keep) * (ROUNDS / FEW_ROUNDS) * threads;
}
