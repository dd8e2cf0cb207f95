/* rows.h: the rows that this backend makes faster, written over the table of inner kernels.
 *
 * Each has run, scratch (bytes) and, where it wants inputs in panels, packings: `panels` brings the functions of the
 * instruction set, input and variant are filled in. */
#ifndef IV_BACKEND_CPU_ROWS_H
#define IV_BACKEND_CPU_ROWS_H

#include "backend/cpu/cpu.h"

/* Forms of a rank-2 input that packings ask for. */
enum {
    IV__PANELS = 0,            /* as it is: the right factor b(k,j) = w[k][j] */
    IV__PANELS_TRANSPOSED = 1, /* b(k,j) = w[j][k] */
    IV__FIRST_TWO_THIRDS = 2,  /* of the columns of w */
    IV__LAST_THIRD = 4,
};
size_t iv__panels_bytes(const iv__cpu *cpu, const iv_shape *shape, int64_t variant);
static inline iv_packing iv__want(iv_packing panels, int input, int64_t variant)
{
    panels.input = input;
    panels.variant = variant;
    return panels;
}
void iv__panels_pack(const iv__cpu *cpu, iv_home *home, const iv_array *from, int64_t variant, void *to);

#define IV__CPU_ROWS(ROW)                                                                                              \
    ROW(matmul)                                                                                                        \
    ROW(lstm)                                                                                                          \
    ROW(lstm_back)                                                                                                     \
    ROW(gru)                                                                                                           \
    ROW(gru_back)                                                                                                      \
    ROW(simple_rnn)                                                                                                    \
    ROW(simple_rnn_back)                                                                                               \
    ROW(linear_cross_entropy)                                                                                          \
    ROW(linear_cross_entropy_back)

#define IV__CPU_ROW(name)                                                                                              \
    bool iv__##name##_fits(const iv_kernel_call *k);                                                                   \
    void iv__##name##_run(const iv__cpu *cpu, const iv_kernel_call *k);                                                \
    size_t iv__##name##_scratch(const iv__cpu *cpu, const iv_kernel_call *k);                                          \
    int iv__##name##_packings(const iv_kernel_call *k, iv_packing panels, iv_packing want[IV_MAX_PACKED]);
IV__CPU_ROWS(IV__CPU_ROW)
#undef IV__CPU_ROW

/* Every array is f32 but for the inputs whose bit is set in `whole` (i32), and none is empty. */
bool iv__all_f32(const iv_kernel_call *k, unsigned whole);

#endif
