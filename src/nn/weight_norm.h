/* weight_norm.h: weight normalisation as layers use it. */
#ifndef IV_NN_WEIGHT_NORM_H
#define IV_NN_WEIGHT_NORM_H

#include "nn/scope.h"

/* gain v / |v|, with a length |v| for each place of `axis` of v, the filters. */
iv_node *iv__weight_norm_kernel(iv_scope *layer, iv_node *v, int axis);
/* What the product with that kernel gave, with its bias; filters are its last axis. In a scope that is
 * initializing: with mean 0 and variance 1, and gain and bias are asked for that make it so. */
iv_node *iv__weight_norm_output(iv_scope *layer, iv_node *t, bool no_bias);

#endif
