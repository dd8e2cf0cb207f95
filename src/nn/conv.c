/* conv.c: convolutional layers: Conv2D, masked as in PixelCNN or not, and Conv2DTranspose. */
#include "nn/kept.h"
#include "nn/weight_norm.h"

#include "graph/node.h"

/* Taps in reading order that a place may see: those before it, and with a mask B itself. With several
 * colours it may see a part of itself. 0: all. */
static int64_t seen_taps(const iv_conv2d_options *o, int64_t columns)
{
    int64_t before = o->kernel[0] / 2 * columns + columns / 2;

    return o->mask == IV_NO_MASK ? 0 : before + (o->mask == IV_MASK_B || o->colours > 1);
}

/* What a place sees of itself where channels come in `colours` equal parts, as do the filters: a part
 * sees only those before it (type A), and itself (type B). Ones for the taps before it. [taps,C,F] */
static iv_node *mask_of_colours(iv_node *w, const iv_conv2d_options *o, int64_t taps)
{
    int64_t channels = iv_node_dim(w, -2), filters = iv_node_dim(w, -1), colours = o->colours;
    iv_graph *graph = iv_node_graph(w);
    iv_shape parts = iv_dims(colours, channels / colours, colours, filters / colours);
    iv_node *part = iv_cast(iv_range(graph, colours), iv_graph_real(graph));
    iv_node *from = iv_reshape(part, iv_dims(colours, 1, 1, 1)),
            *to = iv_reshape(part, iv_dims(1, 1, colours, 1));
    iv_node *sees = o->mask == IV_MASK_A ? iv_less(from, to) : iv_less_equal(from, to);
    iv_node *own = iv_reshape(iv_broadcast_to(sees, parts), iv_dims(1, channels, filters));

    return taps == 1
               ? own
               : iv_concat(2, (iv_node *[]){ iv_fill(graph, iv_dims(taps - 1, channels, filters), 1), own },
                           0);
}

/* The kernel as it counts. */
static iv_node *masked(iv_scope *layer, iv_node *w, const iv_conv2d_options *o, int64_t taps)
{
    int64_t colours = o->colours ? o->colours : 1;

    if (!w || o->mask == IV_NO_MASK || colours == 1)
        return w;
    if (colours < 1 || w->shape.dim[2] % colours || w->shape.dim[3] % colours)
        return iv_refuse(iv_scope_graph(layer), IV_VALUE,
                         "conv2d: %lld colours must divide the %lld channels and the %lld filters",
                         (long long)colours, (long long)w->shape.dim[2], (long long)w->shape.dim[3]);
    iv_node *mask = iv_pad(mask_of_colours(w, o, taps), 0, 0, w->shape.dim[0] * w->shape.dim[1] - taps);
    return iv_mul(w, iv_reshape(mask, w->shape));
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
        return iv_refuse(iv_scope_graph(layer), IV_VALUE,
                         "%s: what is kept must be a part of the %lld x %lld kernel, without a mask",
                         layer->name, (long long)shape.dim[0], (long long)shape.dim[1]);
    const int64_t taps = seen_taps(o, columns_of(o));
    if (layer && o->mask != IV_NO_MASK && !taps)
        return iv_refuse(iv_scope_graph(layer), IV_VALUE,
                         "%s: a kernel of one tap sees nothing with a mask A", layer->name);
    iv__born born = { .kept = cut ? kept : (iv_kept){ { 0 }, { 0 } }, .taps = taps };
    iv_node *w = masked(layer, iv__param_born(layer, "kernel", shape, IV_GLOROT_UNIFORM, &born), o,
                        taps);
    how->taps = taps;
    if (w && cut) {
        if (!iv__kept_padding(&kept, x, w, transposed, how))
            return iv_refuse(w->graph, IV_VALUE, "%s: sizes are out of range", layer->name);
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

/* Whether a place is made of itself alone: then channels are multiplied, as a dense layer does it. */
static bool is_pointwise(const iv_conv2d_options *o)
{
    bool plain = o->kernel[0] == 1 && columns_of(o) == 1 && o->groups <= 1;

    for (int k = 0; k < 2; k++)
        plain &= o->stride[k] <= 1 && (o->padding != IV_EXPLICIT || (!o->before[k] && !o->after[k]));
    return plain;
}

static iv_node *convolved(iv_node *x, iv_node *w, const iv_conv2d_options *o, const iv_conv_options *how)
{
    if (x && w && x->shape.rank == 4 && is_pointwise(o))
        return iv_matmul(x, iv_reshape(w, iv_dims(w->shape.dim[2], w->shape.dim[3])));
    return iv_conv_with(x, w, how);
}

iv_node *iv_conv2d_with(iv_scope *scope, iv_node *x, const iv_conv2d_options *o)
{
    iv_scope *layer = iv__layer_of(scope, x, o, "conv2d");
    int64_t groups = o->groups ? o->groups : 1, channels = iv_node_dim(x, -1);
    iv_conv_options how = options_of(o);

    if (layer && (groups < 1 || channels % groups)) {
        iv_refuse(iv_scope_graph(layer), IV_VALUE, "conv2d: %lld groups must divide %lld channels",
                  (long long)groups, (long long)channels);
        return iv__layer_close(layer, NULL);
    }
    iv_shape shape = iv_dims(o->kernel[0], columns_of(o), channels / groups, o->filters); /* [H,W,C,F] */
    iv_node *w = kernel_of(layer, x, shape, false, o, &how);
    return close_layer(layer, convolved(x, w, o, &how), o);
}

iv_node *iv_conv2d_transpose_with(iv_scope *scope, iv_node *x, const iv_conv2d_options *o)
{
    iv_scope *layer = iv__layer_of(scope, x, o, "conv2d_transpose");
    iv_conv_options how = options_of(o);

    if (layer && (o->mask != IV_NO_MASK || o->groups > 1)) {
        iv_refuse(iv_scope_graph(layer), IV_UNSUPPORTED,
                  "conv2d_transpose: it has neither masks nor groups");
        return iv__layer_close(layer, NULL);
    }
    iv_shape shape = iv_dims(o->kernel[0], columns_of(o), o->filters, iv_node_dim(x, -1)); /* [H,W,F,C] */
    iv_node *w = kernel_of(layer, x, shape, true, o, &how);
    return close_layer(layer, iv_conv_transpose_with(x, w, &how), o);
}
