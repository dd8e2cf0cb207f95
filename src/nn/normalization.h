/* normalization.h: means and variances as layers use them. */
#ifndef IV_NN_NORMALIZATION_H
#define IV_NN_NORMALIZATION_H

#include <ivory/nn.h>

/* Mean and variance of x over the axes that iv_sum_to sums to shape `to`, each element times `weight` (NULL: 1;
 * else [N,1,...], as many axes as x). Returns x - mean. */
iv_node *iv__moments(iv_node *x, iv_shape to, iv_node *weight, iv_node **mean, iv_node **variance);

#endif
