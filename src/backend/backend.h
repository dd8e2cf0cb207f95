/* backend.h: a backend is a list of faster kernels, by the name of the row they replace.
 *
 * What a backend lacks, or refuses for given shapes, falls back to the row's reference kernel.
 * Values are f32 throughout. */
#ifndef IV_BACKEND_BACKEND_H
#define IV_BACKEND_BACKEND_H

#include <ivory/kernel.h>

enum { IV__MAX_PACKED = 4 };

/* An input wanted in another form (a packed weight). The plan makes it once, shares it between the
 * kernels that want the same form of the same node, and makes it once per parameter version where
 * the node depends on parameters alone. */
typedef struct iv__packing {
    int input;                                              /* which input of the call */
    size_t (*size)(const iv_shape *shape, int64_t variant); /* bytes */
    void (*pack)(iv_home *home, const iv_array *from, int64_t variant, void *to);
    int64_t variant; /* for instance: transposed or not */
} iv__packing;

typedef struct iv__fast_kernel {
    const char *op;                        /* name of the row */
    bool (*fits)(const iv_kernel_call *k); /* shapes, dtypes and attributes only: no data yet; NULL: always */
    iv_kernel *run;
    size_t (*scratch)(const iv_kernel_call *k); /* bytes; NULL: none */
    int (*packings)(const iv_kernel_call *k, iv__packing want[IV__MAX_PACKED]); /* how many; NULL: none */
    bool fewer; /* it gets by with fewer products than there are, which operands of bf16 are too coarse for */
} iv__fast_kernel;

/* Multiplies and adds in registers alone, `rounds` times; returns how many operations that were.
 * keep: a factor below 1, and a place for the result, so that no compiler leaves the work out. */
typedef double iv__peak_loop(int64_t rounds, float keep[2]);

typedef struct iv__backend {
    const char *name;               /* "portable", "avx2", "avx512" */
    bool (*available)(void);        /* on this processor */
    const iv__fast_kernel *kernels; /* ends with op NULL */
    const iv__fast_kernel *bf16; /* rows whose products take operands rounded to bf16; sums are f32 */
    iv__peak_loop *const *peak, *const *bf16_peak;
    bool slow_bf16; /* its products of bf16 take as long as those of f32, so that fewer of those are faster */
} iv__backend;

/* Every backend compiled in, best first, NULL at the end. The portable one is always available;
 * those behind it are chosen only by name. */
extern const iv__backend *const iv__backends[];

/* The backend that the home asks for, or the best available. NULL (UNSUPPORTED or NAME recorded,
 * naming what this processor has) when the one asked for is not here. */
const iv__backend *iv__backend_of(iv_home *home);

/* The first kernel of the list for this row that fits, or NULL. */
const iv__fast_kernel *iv__backend_find(const iv__fast_kernel *list, const char *op,
                                        const iv_kernel_call *k);

#endif
