/* dense.c: y = x W + b, then an activation. */
#include "nn/weight_norm.h"

#include "graph/node.h"

iv_node *iv_activate(iv_node *x, iv_activation activation)
{
    switch (activation) {
    case IV_LINEAR: return x;
    case IV_RELU: return iv_relu(x);
    case IV_TANH: return iv_tanh(x);
    case IV_SIGMOID: return iv_sigmoid(x);
    case IV_SOFTMAX: return iv_softmax(x);
    case IV_SOFTPLUS: return iv_softplus(x);
    case IV_ELU: return iv_elu(x);
    case IV_CONCAT_ELU: return iv_concat_elu(x);
    case IV_LEAKY_RELU: return iv_leaky_relu(x, 0.2);
    case IV_SELU: return iv_selu(x);
    case IV_SILU: return iv_silu(x);
    case IV_GELU: return iv_gelu(x);
    }
    return x ? iv_refuse(x->graph, IV_VALUE, "there is no activation number %d", (int)activation) : NULL;
}

iv_node *iv_dense_with(iv_scope *scope, iv_node *x, const iv_dense_options *o)
{
    iv_scope *layer = iv__layer_of(scope, x, o, "dense");
    iv_shape io = iv_dims(iv_node_dim(x, -1), o->units);
    iv_node *w = o->kernel ? o->kernel : iv_param(layer, "kernel", io, IV_GLOROT_UNIFORM); /* [I,O] */

    if (o->weight_norm)
        w = iv__weight_norm_kernel(layer, w, 1);
    iv_node *y = iv_matmul(x, w);
    if (o->weight_norm)
        y = iv__weight_norm_output(layer, y, o->no_bias);
    else if (!o->no_bias)
        y = iv_add(y, iv_param(layer, "bias", iv_dims(o->units), IV_ZEROS));
    return iv__layer_close(layer, iv_activate(y, o->activation));
}
