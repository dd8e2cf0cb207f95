/* conv.h: the sizes of a convolution as its kernels see them, for the reference and for backends. */
#ifndef IV_OPS_CONV_H
#define IV_OPS_CONV_H

#include "ops/rows.h"

/* Three spatial axes always: those that are missing come first and have length 1. */
typedef struct iv__conv_sizes {
    int64_t records, channels, filters, groups, taps;
    int64_t x[IV__CONV_AXES], y[IV__CONV_AXES], w[IV__CONV_AXES];
    int64_t stride[IV__CONV_AXES], dilation[IV__CONV_AXES], before[IV__CONV_AXES];
} iv__conv_sizes;

static inline int64_t iv__conv_volume(const int64_t size[IV__CONV_AXES])
{
    return size[0] * size[1] * size[2];
}

static inline iv__conv_sizes iv__conv_sizes_of(const iv__conv *attr, const iv_shape *x,
                                               const iv_shape *w, const iv_shape *y)
{
    const int missing = IV__CONV_AXES + 2 - (int)x->rank;
    iv__conv_sizes s = { .records = x->dim[0],
                         .channels = x->dim[x->rank - 1],
                         .filters = y->dim[y->rank - 1],
                         .groups = attr->groups };

    for (int k = 0; k < IV__CONV_AXES; k++) {
        const int from = k - missing;

        s.x[k] = from < 0 ? 1 : x->dim[1 + from];
        s.y[k] = from < 0 ? 1 : y->dim[1 + from];
        s.w[k] = from < 0 ? 1 : w->dim[from];
        s.stride[k] = from < 0 ? 1 : attr->stride.dim[from];
        s.dilation[k] = from < 0 ? 1 : attr->dilation.dim[from];
        s.before[k] = from < 0 ? 0 : attr->before.dim[from];
    }
    s.taps = iv__conv_volume(s.w);
    return s;
}

/* Place `number` of a volume, axis by axis. */
static inline void iv__conv_place(int64_t number, const int64_t size[IV__CONV_AXES],
                                  int64_t at[IV__CONV_AXES])
{
    for (int k = IV__CONV_AXES; k-- > 0; number /= size[k])
        at[k] = number % size[k];
}

#endif
