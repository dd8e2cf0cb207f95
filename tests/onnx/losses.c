/* losses.c: losses of classes, which lie along axis 1 in ONNX, and what they are in Ivory's words. */
#include "onnx/import.h"

#include <string.h>

/* The weight of each place: of its class, or 1; 0 where the target is to be ignored. NULL: all count alike. */
static iv_node *weight_of(onnx_call *c, iv_node *target)
{
    const int64_t none = INT64_MIN, ignored = onnx_whole(c, "ignore_index", none);
    iv_node *weight = NULL;

    if (!target)
        return NULL;
    if (onnx_has(c, 2)) {
        iv_node *of_class = onnx_real(c, 2);
        const int64_t classes = iv_node_dim(of_class, 0);
        weight = iv_reshape(iv_gather(iv_reshape(of_class, iv_dims(classes, 1)), target),
                            *iv_node_shape(target));
    }
    if (ignored != none) {
        iv_node *counts = iv_shift(iv_neg(iv_equal(target, iv_like(target, (double)ignored))), 1);
        weight = weight ? iv_mul(weight, counts) : counts;
    }
    return weight;
}

static iv_node *reduced(onnx_call *c, iv_node *each, iv_node *weight)
{
    const char *how = onnx_text(c, "reduction", "mean");

    if (!strcmp(how, "none"))
        return each;
    iv_node *sum = iv_sum_all(each);
    if (!strcmp(how, "sum"))
        return sum;
    return weight ? iv_div(sum, iv_sum_all(weight)) : iv_mean_all(each);
}

static iv_node *build_NegativeLogLikelihoodLoss(onnx_call *c)
{
    iv_node *target = onnx_in(c, 1), *weight = weight_of(c, target);
    iv_node *each = iv_neg(iv_pick(onnx_axis_last(onnx_real(c, 0), 1), target));

    return reduced(c, weight ? iv_mul(each, weight) : each, weight);
}

static iv_node *build_SoftmaxCrossEntropyLoss(onnx_call *c)
{
    iv_node *logits = onnx_axis_last(onnx_real(c, 0), 1), *target = onnx_in(c, 1);
    iv_node *weight = weight_of(c, target);

    onnx_give(c, 1, onnx_axis_back(iv_log_softmax(logits), 1));
    return reduced(c, iv_cross_entropy_each(logits, target, weight), weight);
}

/* clang-format off */
#define ROW(name) { #name, build_##name }
const onnx_operator onnx_losses[] = {
    ROW(NegativeLogLikelihoodLoss), ROW(SoftmaxCrossEntropyLoss),
    { NULL, NULL },
};
/* clang-format on */
