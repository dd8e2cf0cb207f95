/* kernel.h: what a kernel sees: shapes, attributes, bare pointers and scratch. Never a node. For whoever writes a
 * row of his own (row.h), and for Ivory's kernels themselves. */
#ifndef IVORY_KERNEL_H
#define IVORY_KERNEL_H

#include <ivory/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { IV_MAX_IN = 24, IV_MAX_OUT = 8 };

typedef struct iv_array {
    void *data;
    const iv_shape *shape; /* of the whole array, also where only a range is asked for */
    iv_dtype dtype;
    bool weight; /* depends on parameters alone: worth a packed form */
} iv_array;

/* What comes after a stretch of output 0 is finished, while it is still in a cache: `work` is told of elements
 * [begin, begin + count), by the thread that made them, counted from 0. */
typedef struct iv_then {
    void (*work)(const void *context, int64_t begin, int64_t count, int thread);
    const void *context;
} iv_then;

/* Rows marked IV_RANGED fill `count` elements of output 0 from element `begin`: out[0].data
 * points AT element `begin`. If the row is IV_POINTWISE its inputs point at element `begin` too;
 * else at element 0. Other rows fill every output whole (begin 0), and may split their own work
 * as Ivory's do. Outputs that nothing needs have data NULL where the row's kernel says that
 * it allows that; kernels of rows with several outputs must allow it for every output but the
 * first. */
typedef struct iv_kernel_call {
    iv_home *home;
    int n_in, n_out;
    iv_array in[IV_MAX_IN], out[IV_MAX_OUT];
    const void *attr;
    int64_t begin, count;
    uint64_t run; /* of the plan, counted: what is read at every run can be read in alternating order */
    void *scratch; /* 64-byte aligned, of the size that was asked for; not cleared between runs */
    void *const *packed; /* packed forms of inputs, for kernels of Ivory's that asked for them */
    const iv_then *then; /* of rows marked IV_PRODUCT: told of every element once, or not at all; NULL: nothing comes after */
} iv_kernel_call;

typedef void iv_kernel(const iv_kernel_call *k);

#ifdef __cplusplus
}
#endif

#endif
