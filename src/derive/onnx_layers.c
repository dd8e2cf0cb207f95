/* onnx_layers.c: rows as ONNX's operators: convolutions, pools, recurrent rows. Channels come first there, time comes
 * before the batch, and gates have another order. */
#include "derive/onnx_parts.h"

#include "ops/attrs.h"
#include "ops/rows.h"

#include <string.h>

/* ---- images ------------------------------------------------------------------------------------ */

static const char *channels_first(iv__onnx_writer *w, const char *x, int64_t rank)
{
    iv_shape order = { .rank = rank };

    for (int64_t k = 1; k < rank; k++)
        order.dim[k] = k == 1 ? rank - 1 : k - 1;
    return iv__onnx_transpose(w, x, order);
}

/* What `made` is called, whose channels come first, becomes the call's output. */
static void give_channels_last(iv__onnx_writer *w, const iv_call *call, const char *made)
{
    const int64_t rank = call->out->shape.rank;
    iv_shape order = { .rank = rank };

    for (int64_t k = 1; k < rank; k++)
        order.dim[k] = k + 1 < rank ? k + 1 : 1;
    iv__onnx_list(w, "perm", rank, order.dim);
    iv__onnx_give(w, call, "Transpose", made, NULL, NULL);
}

/* Windows over an image: places around it, so that there are as many as there shall be. Of the image, `skipped` places in
 * front and `left` behind are in no window. */
typedef struct windows {
    int64_t axes;
    int64_t pads[2 * IV__CONV_AXES], skipped[IV__CONV_AXES], left[IV__CONV_AXES], size[IV__CONV_AXES];
} windows;

static windows windows_of(iv__onnx_writer *w, const iv_node *image, const iv_node *places,
                          const iv_shape *before, const iv_shape *stride, const int64_t reach[])
{
    const int64_t axes = image->shape.rank - 2;
    windows out = { .axes = axes };

    for (int64_t k = 0; k < axes; k++) {
        const int64_t size = iv__onnx_fixed(w, image->shape.dim[k + 1],
                                            iv__onnx_second(w, image)->dim[k + 1], "image's size");
        const int64_t behind = (places->shape.dim[k + 1] - 1) * stride->dim[k] + reach[k] - size -
                               before->dim[k];
        out.size[k] = size;
        out.pads[k] = before->dim[k] > 0 ? before->dim[k] : 0;
        out.pads[axes + k] = behind > 0 ? behind : 0;
        out.skipped[k] = before->dim[k] < 0 ? -before->dim[k] : 0;
        out.left[k] = behind < 0 ? -behind : 0;
    }
    return out;
}

/* Whether places are left that would make one more window, or are skipped: the operators know no such. */
static bool leaves_some(const windows *s, const iv_shape *stride)
{
    for (int64_t k = 0; k < s->axes; k++)
        if (s->skipped[k] || s->left[k] >= stride->dim[k])
            return true;
    return false;
}

/* An image without them. */
static const char *cut_image(iv__onnx_writer *w, const windows *s, const char *x)
{
    int64_t end[IV__CONV_AXES], axis[IV__CONV_AXES];

    for (int64_t k = 0; k < s->axes; k++) {
        axis[k] = k + 2;
        end[k] = s->size[k] - s->left[k];
    }
    return iv__onnx_make(w, "Slice",
                         (const char *[]){ x, iv__onnx_wholes(w, s->axes, s->skipped),
                                           iv__onnx_wholes(w, s->axes, end),
                                           iv__onnx_wholes(w, s->axes, axis), NULL });
}

/* An image with them, as zeros. */
static const char *widened(iv__onnx_writer *w, const windows *s, const char *y)
{
    int64_t pads[2 * (IV__CONV_AXES + 2)] = { 0 };

    for (int64_t k = 0; k < s->axes; k++) {
        pads[2 + k] = s->skipped[k];
        pads[s->axes + 4 + k] = s->left[k];
    }
    return iv__onnx_make(w, "Pad",
                         (const char *[]){ y, iv__onnx_wholes(w, 2 * (s->axes + 2), pads), NULL });
}

/* [K...,C,F] -> [F,C,K...], and only the first taps count. */
static const char *kernel_of(iv__onnx_writer *w, const iv_call *call)
{
    const iv__conv *attr = call->attr;
    const iv_shape *shape = &call->in[1]->shape;
    const int64_t rank = shape->rank, channels = shape->dim[rank - 2], filters = shape->dim[rank - 1];
    const float *from = iv__onnx_numbers(w, call, 1);
    iv_shape to = { .rank = rank, .dim = { filters, channels } };
    int64_t taps = 1;
    const char *name;

    for (int64_t k = 0; k < rank - 2; k++) {
        to.dim[k + 2] = shape->dim[k];
        taps *= shape->dim[k];
    }
    if (!from) {
        iv__onnx_refuse(w, "its kernel depends on inputs");
        return "";
    }
    float *kernel = iv__onnx_tensor_new(w, to, &name);
    for (int64_t k = 0; k < taps && kernel; k++)
        for (int64_t c = 0; c < channels && (!attr->taps || k < attr->taps); c++)
            for (int64_t f = 0; f < filters; f++)
                kernel[(f * channels + c) * taps + k] = from[(k * channels + c) * filters + f];
    return name;
}

/* image and places: the convolution's x and y, whichever is made. */
static void write_convolution(iv__onnx_writer *w, const iv_call *call, const iv_node *image,
                              const iv_node *places, const char *op)
{
    const iv__conv *attr = call->attr;
    const bool transposed = image == call->out;
    const char *x = channels_first(w, iv__onnx_in(w, call, 0), call->out->shape.rank);
    const char *kernel = kernel_of(w, call);
    int64_t reach[IV__CONV_AXES];

    for (int64_t k = 0; k < attr->size.rank; k++)
        reach[k] = (call->in[1]->shape.dim[k] - 1) * attr->dilation.dim[k] + 1;
    const windows s = windows_of(w, image, places, &attr->before, &attr->stride, reach);
    const bool leaves = leaves_some(&s, &attr->stride);
    if (leaves && !transposed)
        x = cut_image(w, &s, x);
    iv__onnx_list(w, "pads", 2 * s.axes, s.pads);
    iv__onnx_list(w, "strides", s.axes, attr->stride.dim);
    iv__onnx_list(w, "dilations", s.axes, attr->dilation.dim);
    iv__onnx_whole(w, "group", attr->groups);
    if (transposed && !leaves)
        iv__onnx_list(w, "output_padding", s.axes, s.left);
    const char *y = iv__onnx_make(w, op, (const char *[]){ x, kernel, NULL });
    give_channels_last(w, call, leaves && transposed ? widened(w, &s, y) : y);
}

static void write_conv(iv__onnx_writer *w, const iv_call *call)
{
    write_convolution(w, call, call->in[0], call->out, "Conv");
}

static void write_conv_x(iv__onnx_writer *w, const iv_call *call)
{
    write_convolution(w, call, call->out, call->in[0], "ConvTranspose");
}

static const char *pooled(iv__onnx_writer *w, const iv_call *call, const char *op)
{
    const iv__pooling *attr = call->attr;
    const char *x = channels_first(w, iv__onnx_in(w, call, 0), call->out->shape.rank);
    const windows s = windows_of(w, call->in[0], call->out, &attr->before, &attr->stride,
                                 attr->window.dim);

    iv__onnx_list(w, "kernel_shape", s.axes, attr->window.dim);
    iv__onnx_list(w, "strides", s.axes, attr->stride.dim);
    iv__onnx_list(w, "pads", 2 * s.axes, s.pads);
    if (!strcmp(op, "AveragePool"))
        iv__onnx_whole(w, "count_include_pad", 1);
    return iv__onnx_make(w, op, (const char *[]){ x, NULL });
}

static void write_max_pool(iv__onnx_writer *w, const iv_call *call)
{
    if (iv__onnx_is_needed(w, &call->out[1]))
        iv__onnx_refuse(w, "the places of the largest are asked for");
    give_channels_last(w, call, pooled(w, call, "MaxPool"));
}

static void write_sum_pool(iv__onnx_writer *w, const iv_call *call)
{
    const iv__pooling *attr = call->attr;
    int64_t taps = 1;

    for (int64_t k = 0; k < attr->window.rank; k++)
        taps *= attr->window.dim[k];
    const char *in[] = { pooled(w, call, "AveragePool"), iv__onnx_real(w, (double)taps), NULL };
    give_channels_last(w, call, iv__onnx_make(w, "Mul", in));
}

/* One axis of pictures at a time. */
static void write_interpolate(iv__onnx_writer *w, const iv_call *call)
{
    const iv_shape *first = &call->out->shape, *second = iv__onnx_second(w, call->out);
    const int64_t axis = ((const iv__interpolate *)call->attr)->axis;

    if (first->rank != 4 || axis < 1 || axis > 2) {
        iv__onnx_refuse(w, "it is no axis of a picture");
        return;
    }
    const iv_shape to[2] = { iv_dims(first->dim[0], first->dim[3], first->dim[1], first->dim[2]),
                             iv_dims(second->dim[0], second->dim[3], second->dim[1], second->dim[2]) };
    const char *x = channels_first(w, iv__onnx_in(w, call, 0), 4),
               *sizes = iv__onnx_shape(w, &to[0], &to[1], NULL);
    iv__onnx_text(w, "mode", "linear");
    iv__onnx_text(w, "coordinate_transformation_mode", "half_pixel");
    give_channels_last(w, call, iv__onnx_make(w, "Resize", (const char *[]){ x, "", "", sizes, NULL }));
}

/* ---- recurrent rows ----------------------------------------------------------------------------- */

enum { X, W, U, B, H0, C0 };

/* A recurrent row: its operator, and where ONNX's gates stand among ours. */
typedef struct cell {
    const char *op;
    int64_t gates;
    int order[4];
    int states; /* h, or h and c */
} cell;

/* [I, G H] -> [1, G H, I] in the order of ONNX's gates. */
static const char *weights_of(iv__onnx_writer *w, const iv_call *call, int k, const cell *c)
{
    const iv_shape *shape = &call->in[k]->shape;
    const int64_t inputs = shape->dim[0], width = shape->dim[1], units = width / c->gates;
    const float *from = iv__onnx_numbers(w, call, k);
    const char *name;

    if (!from) {
        iv__onnx_refuse(w, "its weights depend on inputs");
        return "";
    }
    float *to = iv__onnx_tensor_new(w, iv_dims(1, width, inputs), &name);
    for (int64_t g = 0; g < c->gates && to; g++)
        for (int64_t h = 0; h < units; h++)
            for (int64_t i = 0; i < inputs; i++)
                to[(g * units + h) * inputs + i] = from[i * width + c->order[g] * units + h];
    return name;
}

/* [G H], or [2, G H] for what joins x W and what joins h U -> [1, 2 G H]. */
static const char *bias_of(iv__onnx_writer *w, const iv_call *call, const cell *c)
{
    const iv_shape *shape = &call->in[B]->shape;
    const int64_t width = shape->dim[shape->rank - 1], units = width / c->gates;
    const float *from = iv__onnx_numbers(w, call, B);
    const char *name;

    if (!from) {
        iv__onnx_refuse(w, "its bias depends on inputs");
        return "";
    }
    float *to = iv__onnx_tensor_new(w, iv_dims(1, 2 * width), &name);
    for (int64_t part = 0; part < (shape->rank > 1 ? 2 : 1) && to; part++)
        for (int64_t g = 0; g < c->gates; g++)
            memcpy(to + part * width + g * units, from + part * width + c->order[g] * units,
                   (size_t)units * sizeof *to);
    return name;
}

/* x [N,T,I] as [T,N,I]; numbers [N,T] become vectors first, as the row has it. */
static const char *sequence_of(iv__onnx_writer *w, const iv_call *call)
{
    const char *x = iv__onnx_in(w, call, X);

    if (call->in[X]->dtype == IV_I32)
        x = iv__onnx_one_hot(w, x, call->in[W]->shape.dim[0]);
    return iv__onnx_transpose(w, x, iv_dims(1, 0, 2));
}

/* A first state [N,H] as [1,N,H]; zeros are left out. */
static const char *state_of(iv__onnx_writer *w, const iv_call *call, int k)
{
    const int64_t first = 0;

    if (iv__onnx_is_fill(call, k, 0))
        return "";
    return iv__onnx_make(w, "Unsqueeze",
                         (const char *[]){ iv__onnx_in(w, call, k), iv__onnx_wholes(w, 1, &first),
                                           NULL });
}

/* ONNX's Y [T,1,N,H], Y_h and Y_c [1,N,H] as the row's outputs. */
static void give_outputs(iv__onnx_writer *w, const iv_call *call, const cell *c,
                         const char *const made[])
{
    const int64_t axis[] = { 0, 1 };

    if (iv__onnx_is_needed(w, &call->out[0])) {
        const char *y = iv__onnx_make(w, "Squeeze",
                                      (const char *[]){ made[0], iv__onnx_wholes(w, 1, &axis[1]), NULL });
        iv__onnx_list(w, "perm", 3, (const int64_t[]){ 1, 0, 2 });
        iv__onnx_give(w, call, "Transpose", y, NULL, NULL);
    }
    for (int s = 1; s <= c->states; s++)
        if (iv__onnx_is_needed(w, &call->out[s])) {
            const char *in[] = { made[s], iv__onnx_wholes(w, 1, &axis[0]), NULL };
            iv__onnx_node_of(w, "Squeeze", in, (const char *[]){ iv__onnx_out(w, call, s), NULL });
        }
}

static void write_recurrent(iv__onnx_writer *w, const iv_call *call, const cell *c)
{
    const iv__recurrent *attr = call->attr;
    const char *made[] = { iv__onnx_between(w), iv__onnx_between(w),
                           c->states > 1 ? iv__onnx_between(w) : NULL, NULL };

    if (call->n_in > H0 + c->states)
        iv__onnx_refuse(w, "it holds its state where a mask is 0, which the operator %s cannot", c->op);
    for (int j = 1 + c->states; j < call->n_out; j++)
        if (iv__onnx_is_needed(w, &call->out[j]))
            iv__onnx_refuse(w, "its gates are asked for");
    if (w->status)
        return;
    const char *in[] = { sequence_of(w, call),
                         weights_of(w, call, W, c),
                         weights_of(w, call, U, c),
                         bias_of(w, call, c),
                         "",
                         state_of(w, call, H0),
                         c->states > 1 ? state_of(w, call, C0) : NULL,
                         NULL };
    iv__onnx_whole(w, "hidden_size", call->in[U]->shape.dim[0]);
    iv__onnx_text(w, "direction", attr->reverse ? "reverse" : "forward");
    if (!strcmp(c->op, "GRU"))
        iv__onnx_whole(w, "linear_before_reset", attr->reset_after);
    iv__onnx_node_of(w, c->op, in, made);
    give_outputs(w, call, c, made);
}

static void write_lstm(iv__onnx_writer *w, const iv_call *call)
{
    static const cell lstm = { "LSTM", 4, { 0, 3, 1, 2 }, 2 }; /* i, o, f, g of i, f, g, o */

    write_recurrent(w, call, &lstm);
}

static void write_gru(iv__onnx_writer *w, const iv_call *call)
{
    static const cell gru = { "GRU", 3, { 0, 1, 2 }, 1 }; /* z, r, h in both */

    write_recurrent(w, call, &gru);
}

static void write_simple_rnn(iv__onnx_writer *w, const iv_call *call)
{
    static const cell simple = { "RNN", 1, { 0 }, 1 };

    write_recurrent(w, call, &simple);
}

/* clang-format off */
const iv__onnx_row iv__onnx_layers[] = {
    { "conv", write_conv }, { "conv_x", write_conv_x }, { "max_pool", write_max_pool },
    { "sum_pool", write_sum_pool }, { "interpolate", write_interpolate },
    { "lstm", write_lstm }, { "gru", write_gru }, { "simple_rnn", write_simple_rnn },
    { NULL, NULL },
};
/* clang-format on */
