/* kept.h: a rectangle of a kernel that counts alone, as convolutional layers use it. */
#ifndef IV_NN_KEPT_H
#define IV_NN_KEPT_H

#include "nn/scope.h"

/* The rectangle in full, both ends of both axes; false if it is empty or leaves the kernel. */
bool iv__kept_fill(iv_kept *kept, int64_t rows, int64_t columns);
bool iv__kept_all(const iv_kept *kept);

/* The part [rows,columns,...] of the kernel w that counts. */
iv_node *iv__kept_kernel(iv_node *w, const iv_kept *kept);

/* Makes `how`, which is for the whole kernel, the padding with which the part gives the same. transposed: of
 * iv_conv_transpose. False if sizes are out of range. */
bool iv__kept_padding(const iv_kept *kept, const iv_node *x, const iv_node *w, bool transposed,
                      iv_conv_options *how);

#endif
