/* pixel_networks.h: networks of the blocks that see an image in reading order, for tests of the blocks and of
 * walks pixel by pixel. */
#ifndef IV_TESTS_PIXEL_NETWORKS_H
#define IV_TESTS_PIXEL_NETWORKS_H

#include "nn_world.h"

/* Gated PixelCNN; condition [N,L] or NULL. */
static inline iv_node *two_stacks_of(iv_scope *s, iv_node *x, iv_node *condition)
{
    iv_stacks stacks = { x, x };

    for (int i = 0; i < 5; i++)
        stacks = iv_gated_stacks(s, stacks, .filters = 6, .first = i == 0, .condition = condition);
    return iv_conv2d(s, stacks.horizontal, .filters = 4, .kernel = { 1 });
}

/* TensorFlow Probability's PixelCNN with one residual layer, two hierarchies, 32 filters and 5 logistics. */
enum { FILTERS = 32 };

static inline iv_stacks both_stacks(iv_scope *s, iv_stacks x, iv_node *skip_v, iv_node *skip_h)
{
    iv_stacks y;

    y.vertical = iv_gated_residual(s, x.vertical, .kernel = { 3, 3 }, .kept = { .rows = { 0, 2 } },
                                   .beside = skip_v);
    iv_node *beside = skip_h ? iv_concat(2, (iv_node *[]){ y.vertical, skip_h }, -1) : y.vertical;
    y.horizontal = iv_gated_residual(s, x.horizontal, .kernel = { 3, 3 },
                                     .kept = { .rows = { 0, 2 }, .columns = { 0, 2 } },
                                     .beside = beside);
    return y;
}

static inline iv_node *logistics(iv_scope *s, iv_node *x)
{
#define LAYER(kind, x, height, width, ...)                                          \
    kind(s, x, .filters = FILTERS, .kernel = { height, width }, .padding = IV_SAME, \
         .weight_norm = true, __VA_ARGS__)
    iv_stacks top = { LAYER(iv_conv2d, x, 5, 3, .kept = { .rows = { 0, 2 } }),
                      iv_add(LAYER(iv_conv2d, x, 3, 3, .kept = { .rows = { 0, 1 } }),
                             LAYER(iv_conv2d, x, 3, 3, .kept = { { 0, 2 }, { 0, 1 } })) };
    iv_stacks fine = both_stacks(s, top, NULL, NULL);
    iv_stacks small = {
        LAYER(iv_conv2d, fine.vertical, 4, 4, .stride = { 2, 2 }, .kept = { { 0, 2 }, { 0, 3 } }),
        LAYER(iv_conv2d, fine.horizontal, 4, 4, .stride = { 2, 2 }, .kept = { { 0, 2 }, { 0, 2 } })
    };
    iv_stacks coarse = both_stacks(s, small, NULL, NULL);
    iv_stacks up = both_stacks(s, coarse, small.vertical, small.horizontal);

    up.vertical = LAYER(iv_conv2d_transpose, up.vertical, 2, 4, .stride = { 2, 2 },
                        .kept = { .columns = { 0, 3 } });
    up.horizontal = LAYER(iv_conv2d_transpose, up.horizontal, 2, 2, .stride = { 2, 2 });
    up = both_stacks(s, up, fine.vertical, fine.horizontal);
    up = both_stacks(s, up, top.vertical, top.horizontal);
    return iv_dense(s, iv_elu(up.horizontal), .units = 15, .weight_norm = true);
#undef LAYER
}

#endif
