/* conv.c: convolutional layers: Conv2D, masked as in PixelCNN or not, and Conv2DTranspose. */
#include "nn/kept.h"
#include "nn/weight_norm.h"

#include "graph/node.h"

/* Taps in reading order: as many ones as a place may see of itself and those before it, then zeros. A
 * mask for all channels: [rows,columns,1,1]. */
static iv_node *mask_of_taps(iv_graph *graph, iv_mask_type type, int64_t rows, int64_t columns)
{
    int64_t all = rows * columns, seen = rows / 2 * columns + columns / 2 + (type == IV_MASK_B);
    iv_node *mask = iv_pad(iv_fill(graph, iv_dims(seen), 1), 0, 0, all - seen);

    return iv_reshape(mask, iv_dims(rows, columns, 1, 1));
}

/* The same where channels come in `colours` equal parts, as do the filters: at the place itself a
 * part sees only those before it (type A), and itself (type B). [rows,columns,C,F] */
static iv_node *mask_of_colours(iv_graph *graph, iv_mask_type type, const iv_shape *kernel,
                                int64_t colours)
{
    int64_t rows = kernel->dim[0], columns = kernel->dim[1], channels = kernel->dim[2],
            filters = kernel->dim[3];
    iv_node *before = mask_of_taps(graph, IV_MASK_A, rows, columns),
            *own = iv_sub(mask_of_taps(graph, IV_MASK_B, rows, columns), before);
    iv_shape parts = iv_dims(colours, channels / colours, colours, filters / colours);
    iv_node *part = iv_cast(iv_range(graph, colours), iv_graph_real(graph));
    iv_node *from = iv_reshape(part, iv_dims(colours, 1, 1, 1)),
            *to = iv_reshape(part, iv_dims(1, 1, colours, 1));
    iv_node *sees = type == IV_MASK_A ? iv_less(from, to) : iv_less_equal(from, to);

    sees = iv_reshape(iv_broadcast_to(sees, parts), iv_dims(1, 1, channels, filters));
    return iv_add(before, iv_mul(own, sees));
}

static iv_node *masked(iv_scope *layer, iv_node *w, const iv_conv2d_options *o)
{
    iv_graph *graph = iv_scope_graph(layer);
    int64_t colours = o->colours ? o->colours : 1;

    if (!w || o->mask == IV_NO_MASK)
        return w;
    if (colours == 1)
        return iv_mul(w, mask_of_taps(graph, o->mask, w->shape.dim[0], w->shape.dim[1]));
    if (colours < 1 || w->shape.dim[2] % colours || w->shape.dim[3] % colours)
        return iv__refuse(graph, IV_VALUE,
                          "conv2d: %lld colours must divide the %lld channels and the %lld filters",
                          (long long)colours, (long long)w->shape.dim[2], (long long)w->shape.dim[3]);
    return iv_mul(w, mask_of_colours(graph, o->mask, &w->shape, colours));
}

static iv_conv_options options_of(const iv_conv2d_options *o)
{
    return (iv_conv_options){ .stride = { o->stride[0], o->stride[1] },
                              .dilation = { o->dilation[0], o->dilation[1] },
                              .padding = o->padding,
                              .before = { o->before[0], o->before[1] },
                              .after = { o->after[0], o->after[1] },
                              .groups = o->groups };
}

/* One number for a square kernel. */
static int64_t columns_of(const iv_conv2d_options *o)
{
    return o->kernel[1] ? o->kernel[1] : o->kernel[0];
}

/* The kernel as it is used: masked or cut to what counts of it, filters of lengths of their own. */
static iv_node *kernel_of(iv_scope *layer, const iv_node *x, iv_shape shape, bool transposed,
                          const iv_conv2d_options *o, iv_conv_options *how)
{
    const bool cut = !iv__kept_all(&o->kept);
    iv_kept kept = o->kept;

    if (layer && cut && (o->mask != IV_NO_MASK || !iv__kept_fill(&kept, shape.dim[0], shape.dim[1])))
        return iv__refuse(iv_scope_graph(layer), IV_VALUE,
                          "%s: what is kept must be a part of the %lld x %lld kernel, without a mask",
                          layer->name, (long long)shape.dim[0], (long long)shape.dim[1]);
    iv_node *w = iv__param_kept(layer, "kernel", shape, IV_GLOROT_UNIFORM, cut ? &kept : NULL);
    w = masked(layer, w, o);
    if (w && cut) {
        if (!iv__kept_padding(&kept, x, w, transposed, how))
            return iv__refuse(w->graph, IV_VALUE, "%s: sizes are out of range", layer->name);
        w = iv__kept_kernel(w, &kept);
    }
    return o->weight_norm ? iv__weight_norm_kernel(layer, w, transposed ? 2 : 3) : w;
}

static iv_node *close_layer(iv_scope *layer, iv_node *y, const iv_conv2d_options *o)
{
    if (o->weight_norm)
        y = iv__weight_norm_output(layer, y, o->no_bias);
    else if (!o->no_bias)
        y = iv_add(y, iv_param(layer, "bias", iv_dims(o->filters), IV_ZEROS));
    return iv__layer_close(layer, iv_activate(y, o->activation));
}

iv_node *iv_conv2d_with(iv_scope *scope, iv_node *x, const iv_conv2d_options *o)
{
    iv_scope *layer = iv__layer_of(scope, x, o, "conv2d");
    int64_t groups = o->groups ? o->groups : 1, channels = iv_node_dim(x, -1);
    iv_conv_options how = options_of(o);

    if (layer && (groups < 1 || channels % groups)) {
        iv__refuse(iv_scope_graph(layer), IV_VALUE, "conv2d: %lld groups must divide %lld channels",
                   (long long)groups, (long long)channels);
        return iv__layer_close(layer, NULL);
    }
    iv_shape shape = iv_dims(o->kernel[0], columns_of(o), channels / groups, o->filters); /* [H,W,C,F] */
    iv_node *w = kernel_of(layer, x, shape, false, o, &how);
    return close_layer(layer, iv_conv_with(x, w, &how), o);
}

iv_node *iv_conv2d_transpose_with(iv_scope *scope, iv_node *x, const iv_conv2d_options *o)
{
    iv_scope *layer = iv__layer_of(scope, x, o, "conv2d_transpose");
    iv_conv_options how = options_of(o);

    if (layer && (o->mask != IV_NO_MASK || o->groups > 1)) {
        iv__refuse(iv_scope_graph(layer), IV_UNSUPPORTED,
                   "conv2d_transpose: it has neither masks nor groups");
        return iv__layer_close(layer, NULL);
    }
    iv_shape shape = iv_dims(o->kernel[0], columns_of(o), o->filters, iv_node_dim(x, -1)); /* [H,W,F,C] */
    iv_node *w = kernel_of(layer, x, shape, true, o, &how);
    return close_layer(layer, iv_conv_transpose_with(x, w, &how), o);
}
