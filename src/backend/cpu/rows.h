/* rows.h: the rows that this backend makes faster, written over the table of inner kernels. */
#ifndef IV_BACKEND_CPU_ROWS_H
#define IV_BACKEND_CPU_ROWS_H

#include "backend/cpu/cpu.h"

/* Forms of an input that packings ask for: of one of rank 2, and of a convolution's kernel, whose
 * further bits conv.h knows. */
enum {
    IV__PANELS = 0,            /* as it is: the right factor b(k,j) = w[k][j] */
    IV__PANELS_TRANSPOSED = 1, /* b(k,j) = w[j][k] */
    IV__FIRST_TWO_THIRDS = 2,  /* of the columns of w */
    IV__LAST_THIRD = 4,
    IV__TAPS = 8,
    IV__NARROW = 16, /* without IV__TAPS: all taps side by side */
};

size_t iv__panels_bytes(const iv__cpu *cpu, const iv_shape *shape, int64_t form);
void iv__panels_pack(const iv__cpu *cpu, iv_home *home, const iv_array *from, int64_t form, void *to);
size_t iv__winograd_bytes(const iv__cpu *cpu, const iv_shape *shape, int64_t form);
void iv__winograd_pack(const iv__cpu *cpu, iv_home *home, const iv_array *from, int64_t form, void *to);

size_t iv__taps_bytes(const iv__cpu *cpu, const iv_shape *shape, int64_t form);
void iv__taps_pack(const iv__cpu *cpu, iv_home *home, const iv_array *from, int64_t form, void *to);
size_t iv__narrow_bytes(const iv__cpu *cpu, const iv_shape *shape, int64_t form);
void iv__narrow_pack(const iv__cpu *cpu, iv_home *home, const iv_array *from, int64_t form, void *to);

/* `panels` brings the functions of the instruction set. */
static inline iv__packing iv__want(iv__packing panels, int input, int64_t form)
{
    panels.input = input;
    panels.variant = form;
    return panels;
}

/* clang-format off */
/* ROW(name, inputs): rows of products, with scratch and packings, that take their operands in any
 * form (cpu.h); inputs: all f32, or those of a loss, or of a recurrent row. PLAIN: rows without. */
#define IV__PRODUCT_ROWS(ROW)                                                                      \
    ROW(matmul, f32)                                                                               \
    ROW(lstm, recurrent)                                                                           \
    ROW(lstm_back, recurrent)                                                                      \
    ROW(gru, recurrent)                                                                            \
    ROW(gru_back, recurrent)                                                                       \
    ROW(simple_rnn, recurrent)                                                                     \
    ROW(simple_rnn_back, recurrent)                                                                \
    ROW(linear_cross_entropy, loss)                                                                \
    ROW(linear_cross_entropy_back, loss)                                                           \
    ROW(conv, taps)                                                                                \
    ROW(conv_x, taps)                                                                              \
    ROW(conv_w, conv)
#define IV__CPU_ROWS(ROW, PLAIN)                                                                   \
    IV__PRODUCT_ROWS(ROW)                                                                          \
    PLAIN(softmax, f32)                                                                            \
    PLAIN(log_softmax, f32)                                                                        \
    PLAIN(log_sum_exp, f32)                                                                        \
    PLAIN(sum_squares, f32)                                                                        \
    PLAIN(sum_to, columns)

/* Rows that may have few rows, and when they have. */
#define IV__FEW_ROWS(ROW) ROW(matmul, few_rows) ROW(lstm, one_step) ROW(gru, one_step) ROW(simple_rnn, one_step)

/* Of f32 operands alone: convolutions as Winograd's products. They ask for weights in forms of their own. */
#define IV__WINOGRAD_ROWS(ROW) ROW(conv, winograd) ROW(conv_x, winograd_x) ROW(conv_w, winograd_w)

/* Of f32 operands alone: convolutions that read few channels a place. */
#define IV__LINES_ROWS(ROW) ROW(conv, lines) ROW(conv_x, lines_x) ROW(conv_w, lines_w)

/* Convolutions that make few channels a place. */
#define IV__NARROW_ROWS(ROW) ROW(conv, narrow) ROW(conv_x, narrow_x)

#define PLAIN(name, inputs) void iv__##name##_run(const iv__cpu *cpu, const iv_kernel_call *k);
#define ROW(name, inputs)                                                                          \
    PLAIN(name, inputs)                                                                            \
    size_t iv__##name##_scratch(const iv__cpu *cpu, const iv_kernel_call *k);                      \
    int iv__##name##_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv__packing panels,         \
                               iv__packing want[IV__MAX_PACKED]);
#define KIND(name, kind) ROW(kind, f32)
IV__CPU_ROWS(ROW, PLAIN)
IV__WINOGRAD_ROWS(KIND)
IV__NARROW_ROWS(KIND)
IV__LINES_ROWS(KIND)
#undef KIND
#undef ROW
#undef PLAIN

/* Elementwise rows, whose reference is built for any processor of the family: here for those of
 * an instruction set of its own. */
#define IV__POINTWISE_ROWS(ROW)                                                                    \
    ROW(neg) ROW(exp) ROW(sqrt) ROW(reciprocal) ROW(square) ROW(tanh) ROW(sigmoid) ROW(relu) ROW(positive) \
    ROW(elu) ROW(scale) ROW(shift) ROW(add) ROW(sub) ROW(mul) ROW(div) ROW(average) ROW(descend)

#define ROW(name)                                                                                  \
    void iv__##name##_avx2(const iv_kernel_call *k);                                               \
    void iv__##name##_avx512(const iv_kernel_call *k);
IV__POINTWISE_ROWS(ROW)
ROW(random_uniform)
#undef ROW

/* clang-format on */

/* Rows at most of what those two fit. */
enum { IV__FEW_ROWS_MOST = 4 };

/* No array is empty, and all are f32 but for a loss's targets and a recurrent row's numbers. */
bool iv__fits_f32(const iv_kernel_call *k);
bool iv__fits_columns(const iv_kernel_call *k); /* of a sum_to: its last axes stay, no others */
bool iv__fits_loss(const iv_kernel_call *k);
bool iv__fits_random(const iv_kernel_call *k);
bool iv__fits_recurrent(const iv_kernel_call *k);
bool iv__fits_conv(const iv_kernel_call *k); /* f32, and one group of channels */
bool iv__fits_winograd(const iv_kernel_call *k); /* and with stride 1, three taps a row, and less work that way */
bool iv__fits_winograd_x(const iv_kernel_call *k);
bool iv__fits_winograd_w(const iv_kernel_call *k); /* for at most 3 x 3 taps and many places */
bool iv__fits_narrow(const iv_kernel_call *k); /* so few filters that most of a vector would be empty */
bool iv__fits_narrow_x(const iv_kernel_call *k); /* so few channels */
bool iv__fits_lines(const iv_kernel_call *k); /* f32, and so few channels are read that patches would cost much */
bool iv__fits_lines_x(const iv_kernel_call *k);
bool iv__fits_lines_w(const iv_kernel_call *k);
bool iv__fits_taps(const iv_kernel_call *k); /* besides, its kernel has a packed form */
/* Besides, so few rows that reading the weights is most of the work. */
bool iv__fits_few_rows(const iv_kernel_call *k); /* of a matmul */
bool iv__fits_one_step(const iv_kernel_call *k); /* of a recurrent row */

#endif
