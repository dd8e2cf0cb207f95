/* kept.c: convolutions of which only a rectangle of the kernel counts, as in PixelCNN++: the rest is cut away
 * and the padding moved, so that it costs nothing and has gradients that are exactly 0. */
#include "nn/kept.h"

#include "graph/node.h"

static bool fill_axis(int64_t range[2], int64_t size)
{
    if (!range[0] && !range[1])
        range[1] = size;
    return range[0] >= 0 && range[0] < range[1] && range[1] <= size;
}

bool iv__kept_fill(iv_kept *kept, int64_t rows, int64_t columns)
{
    return fill_axis(kept->rows, rows) && fill_axis(kept->columns, columns);
}

bool iv__kept_all(const iv_kept *kept)
{
    return !kept->rows[0] && !kept->rows[1] && !kept->columns[0] && !kept->columns[1];
}

iv_node *iv__kept_kernel(iv_node *w, const iv_kept *kept)
{
    w = iv_slice(w, 0, kept->rows[0], kept->rows[1] - kept->rows[0], 1);
    return iv_slice(w, 1, kept->columns[0], kept->columns[1] - kept->columns[0], 1);
}

static bool moderate(int64_t number, int64_t least)
{
    return number >= least && number <= INT32_MAX;
}

/* On one axis: taps range[0] .. range[1] - 1 of `taps`, x places of the input. A transposed convolution makes the
 * places that x is for one. */
static bool pad_axis(const int64_t range[2], int64_t taps, int64_t x, bool transposed, int axis,
                     iv_conv_options *how)
{
    const int64_t stride = how->stride[axis] ? how->stride[axis] : 1,
                  dilation = how->dilation[axis] ? how->dilation[axis] : 1;

    if (!moderate(taps, 1) || !moderate(x, 0) || !moderate(stride, 1) || !moderate(dilation, 1))
        return false;
    const int64_t reach = (taps - 1) * dilation + 1;

    if (how->padding == IV_VALID) {
        how->before[axis] = how->after[axis] = 0;
    } else if (how->padding == IV_SAME) {
        const int64_t y = transposed ? x : x / stride + (x % stride != 0);
        const int64_t zeros = (y - 1) * stride + reach - (transposed ? x * stride : x);

        how->before[axis] = zeros > 0 ? zeros / 2 : 0;
        how->after[axis] = zeros - how->before[axis];
    }
    if (!moderate(how->before[axis], -INT32_MAX) || !moderate(how->after[axis], -INT32_MAX))
        return false;
    how->before[axis] -= range[0] * dilation;
    how->after[axis] -= (taps - range[1]) * dilation;
    return true;
}

bool iv__kept_padding(const iv_kept *kept, const iv_node *x, const iv_node *w, bool transposed,
                      iv_conv_options *how)
{
    bool fine = x->shape.rank == 4 &&
                pad_axis(kept->rows, w->shape.dim[0], x->shape.dim[1], transposed, 0, how) &&
                pad_axis(kept->columns, w->shape.dim[1], x->shape.dim[2], transposed, 1, how);

    how->padding = IV_EXPLICIT;
    return fine;
}
