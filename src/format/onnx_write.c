/* onnx_write.c: writing models in the ONNX format. */
#include "format/onnx_parts.h"
#include "format/protobuf.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "tensors are written as they lie: little-endian");

static void put_tensor(iv__text *text, uint32_t field, const iv__onnx_tensor *tensor)
{
    const size_t message = iv__protobuf_begin(text, field);

    for (int64_t i = 0; i < tensor->shape.rank; i++)
        iv__protobuf_put_int(text, IV__TENSOR_DIMS, tensor->shape.dim[i]);
    iv__protobuf_put_int(text, IV__TENSOR_TYPE, tensor->type);
    if (tensor->name)
        iv__protobuf_put_text(text, IV__TENSOR_NAME, tensor->name);
    iv__protobuf_put_bytes(text, IV__TENSOR_RAW, tensor->data,
                           (size_t)iv_shape_count(&tensor->shape) * iv__onnx_type_size(tensor->type));
    iv__protobuf_end(text, message);
}

static void put_attribute(iv__text *text, const iv__onnx_attribute *a)
{
    const size_t message = iv__protobuf_begin(text, IV__NODE_ATTRIBUTE);

    iv__protobuf_put_text(text, IV__ATTRIBUTE_NAME, a->name);
    switch (a->kind) {
    case IV__ONNX_REAL: iv__protobuf_put_float(text, IV__ATTRIBUTE_F, a->real); break;
    case IV__ONNX_WHOLE: iv__protobuf_put_int(text, IV__ATTRIBUTE_I, a->whole); break;
    case IV__ONNX_TEXT: iv__protobuf_put_text(text, IV__ATTRIBUTE_S, a->text); break;
    case IV__ONNX_TENSOR: put_tensor(text, IV__ATTRIBUTE_T, a->tensor); break;
    case IV__ONNX_REALS:
        for (int64_t i = 0; i < a->n; i++)
            iv__protobuf_put_float(text, IV__ATTRIBUTE_FLOATS, a->reals[i]);
        break;
    case IV__ONNX_WHOLES:
        for (int64_t i = 0; i < a->n; i++)
            iv__protobuf_put_int(text, IV__ATTRIBUTE_INTS, a->wholes[i]);
        break;
    case IV__ONNX_TEXTS:
        for (int64_t i = 0; i < a->n; i++)
            iv__protobuf_put_text(text, IV__ATTRIBUTE_STRINGS, a->texts[i]);
        break;
    }
    iv__protobuf_put_int(text, IV__ATTRIBUTE_TYPE, a->kind);
    iv__protobuf_end(text, message);
}

static void put_node(iv__text *text, const iv__onnx_node *node)
{
    const size_t message = iv__protobuf_begin(text, IV__GRAPH_NODE);

    for (int i = 0; i < node->n_in; i++)
        iv__protobuf_put_text(text, IV__NODE_INPUT, node->in[i]);
    for (int i = 0; i < node->n_out; i++)
        iv__protobuf_put_text(text, IV__NODE_OUTPUT, node->out[i]);
    if (node->name && *node->name)
        iv__protobuf_put_text(text, IV__NODE_NAME, node->name);
    iv__protobuf_put_text(text, IV__NODE_OP, node->op);
    for (int i = 0; i < node->n_attributes; i++)
        put_attribute(text, &node->attributes[i]);
    iv__protobuf_end(text, message);
}

static void put_value(iv__text *text, uint32_t field, const iv__onnx_value *value)
{
    const size_t message = iv__protobuf_begin(text, field);

    iv__protobuf_put_text(text, IV__VALUE_NAME, value->name);
    const size_t type = iv__protobuf_begin(text, IV__VALUE_TYPE);
    const size_t tensor = iv__protobuf_begin(text, IV__TYPE_TENSOR);
    iv__protobuf_put_int(text, IV__TENSOR_TYPE_ELEMENT, value->type);
    const size_t shape = iv__protobuf_begin(text, IV__TENSOR_TYPE_SHAPE);
    for (int64_t i = 0; i < value->shape.rank; i++) {
        const size_t dim = iv__protobuf_begin(text, IV__SHAPE_DIM);
        if (value->shape.dim[i] >= 0)
            iv__protobuf_put_int(text, IV__DIM_VALUE, value->shape.dim[i]);
        else
            iv__protobuf_put_text(text, IV__DIM_PARAM, value->symbol[i]);
        iv__protobuf_end(text, dim);
    }
    iv__protobuf_end(text, shape);
    iv__protobuf_end(text, tensor);
    iv__protobuf_end(text, type);
    iv__protobuf_end(text, message);
}

static void put_graph(iv__text *text, const iv__onnx_model *model)
{
    const size_t message = iv__protobuf_begin(text, IV__MODEL_GRAPH);

    for (int64_t i = 0; i < model->n_nodes; i++)
        put_node(text, &model->nodes[i]);
    iv__protobuf_put_text(text, IV__GRAPH_NAME, model->name);
    for (int64_t i = 0; i < model->n_tensors; i++)
        put_tensor(text, IV__GRAPH_TENSOR, &model->tensors[i]);
    for (int64_t i = 0; i < model->n_inputs; i++)
        put_value(text, IV__GRAPH_INPUT, &model->inputs[i]);
    for (int64_t i = 0; i < model->n_outputs; i++)
        put_value(text, IV__GRAPH_OUTPUT, &model->outputs[i]);
    iv__protobuf_end(text, message);
}

iv_status iv__onnx_write(iv_home *home, const iv__onnx_model *model, iv__text *text)
{
    const size_t begin = text->size;

    iv__protobuf_put_int(text, IV__MODEL_IR, model->ir_version);
    iv__protobuf_put_text(text, IV__MODEL_PRODUCER, model->producer);
    iv__protobuf_put_text(text, IV__MODEL_PRODUCER_VERSION, iv_version());
    iv__protobuf_put_text(text, IV__MODEL_SAYS, model->says);
    put_graph(text, model);
    const size_t opset = iv__protobuf_begin(text, IV__MODEL_OPSET);
    iv__protobuf_put_text(text, IV__OPSET_DOMAIN, "");
    iv__protobuf_put_int(text, IV__OPSET_VERSION, model->opset);
    iv__protobuf_end(text, opset);
    for (int64_t i = 0; i < model->n_pairs; i++) {
        const size_t pair = iv__protobuf_begin(text, IV__MODEL_PAIR);
        iv__protobuf_put_text(text, IV__PAIR_KEY, model->pairs[i][0]);
        iv__protobuf_put_text(text, IV__PAIR_VALUE, model->pairs[i][1]);
        iv__protobuf_end(text, pair);
    }
    if (text->failed)
        return iv_fail(home, IV_NOMEM, "no memory for the %lld weights and constants of an ONNX file",
                       (long long)model->n_tensors);
    if (text->size - begin > INT32_MAX)
        return iv_fail(home, IV_VALUE,
                       "the ONNX file would have %zu bytes, and the format allows 2 GiB at most: take safetensors",
                       text->size - begin);
    return IV_OK;
}
