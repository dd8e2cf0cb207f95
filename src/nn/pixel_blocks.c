/* pixel_blocks.c: what networks that see an image in reading order are built of: the residual block of PixelCNN,
 * the two stacks of Gated PixelCNN and the gated residual layer of PixelCNN++. */
#include "nn/scope.h"

#include "graph/node.h"

/* ---- PixelCNN: van den Oord et al. 2016, Pixel recurrent neural networks, figure 5 ------------- */

iv_node *iv_masked_residual_with(iv_scope *scope, iv_node *x, const iv_masked_residual_options *o)
{
    iv_scope *block = iv__layer_of(scope, x, o, "masked_residual");
    const int64_t channels = iv_node_dim(x, -1), filters = o->filters ? o->filters : channels / 2;
    iv_node *y = iv_conv2d(block, x, .name = "enter", .filters = o->enter ? o->enter : filters,
                           .kernel = { 1 }, .activation = IV_RELU);

    y = iv_conv2d(block, y, .name = "masked", .filters = filters, .kernel = { 3 },
                  .padding = IV_SAME, .mask = IV_MASK_B, .activation = IV_RELU);
    y = iv_conv2d(block, y, .name = "leave", .filters = channels, .kernel = { 1 },
                  .activation = IV_RELU);
    return iv__layer_close(block, iv_add(x, y));
}

/* ---- gates ----------------------------------------------------------------------------------- */

/* A vector [N,L] for each image, projected to all its places: [N,1,1,units]. */
static iv_node *projected(iv_scope *block, iv_node *condition, const char *name, int64_t units)
{
    iv_node *y = iv_dense(block, condition, .name = name, .units = units, .no_bias = true);

    return y ? iv_reshape(y, iv_dims(y->shape.dim[0], 1, 1, units)) : NULL;
}

static iv_node *plus_condition(iv_scope *block, iv_node *x, iv_node *condition, const char *name)
{
    return condition ? iv_add(x, projected(block, condition, name, iv_node_dim(x, -1))) : x;
}

/* The first half of the channels, let through by the second. */
static iv_node *gated(iv_node *x, bool tanh_first)
{
    const int64_t half = iv_node_dim(x, -1) / 2;
    iv_node *value = iv_slice(x, -1, 0, half, 1), *gate = iv_slice(x, -1, half, half, 1);

    return iv_mul(tanh_first ? iv_tanh(value) : value, iv_sigmoid(gate));
}

/* ---- Gated PixelCNN: van den Oord et al. 2016, Conditional image generation, figure 2 ---------- */

iv_stacks iv_gated_stacks_with(iv_scope *scope, iv_stacks x, const iv_gated_stacks_options *o)
{
    iv_scope *block = iv__layer_of(scope, x.vertical, o, "gated_stacks");
    const int64_t n = o->kernel ? o->kernel : 3, wide = 2 * o->filters;
    const int64_t seen = n / 2 + (o->first ? 0 : 1); /* rows, and places of the row */

    if (block && (n < 3 || n % 2 == 0 || o->filters < 1)) {
        iv_refuse(iv_scope_graph(block), IV_VALUE,
                  "%s: filters must be at least 1 and the kernel odd, from 3 on (%lld filters, kernel %lld)",
                  block->name, (long long)o->filters, (long long)n);
        iv__layer_close(block, NULL);
        return (iv_stacks){ NULL, NULL };
    }
    /* The vertical stack of a row has seen the rows above it alone: the horizontal one may take it as it is. */
    iv_node *down = iv_conv2d(block, x.vertical, .name = "vertical", .filters = wide,
                              .kernel = { n, n }, .padding = IV_SAME, .kept = { .rows = { 0, seen } });
    iv_node *along = iv_conv2d(block, x.horizontal, .name = "horizontal", .filters = wide,
                               .kernel = { 1, n }, .padding = IV_SAME,
                               .kept = { .columns = { 0, seen } });

    along = iv_add(along, iv_conv2d(block, down, .name = "across", .filters = wide, .kernel = { 1 }));
    down = gated(plus_condition(block, down, o->condition, "condition_vertical"), true);
    along = gated(plus_condition(block, along, o->condition, "condition_horizontal"), true);
    along = iv_conv2d(block, along, .name = "out", .filters = o->filters, .kernel = { 1 });
    if (!o->first)
        along = iv_add(along, x.horizontal);
    along = iv__layer_close(block, along);
    return (iv_stacks){ along ? down : NULL, along };
}

/* ---- PixelCNN++: Salimans et al. 2017, as TensorFlow Probability's PixelCNN has it -------------- */

iv_node *iv_gated_residual_with(iv_scope *scope, iv_node *x, const iv_gated_residual_options *o)
{
    iv_scope *block = iv__layer_of(scope, x, o, "gated_residual");
    const iv_activation activation = o->activation ? o->activation : IV_CONCAT_ELU;
    const int64_t filters = iv_node_dim(x, -1);
    iv_conv2d_options conv = { .size = sizeof conv,
                               .name = "in",
                               .filters = filters,
                               .kernel = { o->kernel[0], o->kernel[1] },
                               .padding = IV_SAME,
                               .kept = o->kept,
                               .weight_norm = !o->no_weight_norm };
    iv_node *y = iv_conv2d_with(block, iv_activate(x, activation), &conv);

    if (o->beside)
        y = iv_add(y, iv_dense(block, iv_activate(o->beside, activation), .name = "beside",
                               .units = filters, .weight_norm = !o->no_weight_norm));
    y = iv_activate(y, activation);
    y = iv_dropout(block, y, o->dropout);
    conv.name = "out";
    conv.filters = 2 * filters;
    y = plus_condition(block, iv_conv2d_with(block, y, &conv), o->condition, "condition");
    return iv__layer_close(block, iv_add(x, gated(y, false)));
}
