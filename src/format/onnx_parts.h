/* onnx_parts.h: numbers of the fields of ONNX's messages, for its reader and its writer. */
#ifndef IV_FORMAT_ONNX_PARTS_H
#define IV_FORMAT_ONNX_PARTS_H

#include "format/onnx.h"

enum {
    IV__MODEL_IR = 1,
    IV__MODEL_PRODUCER = 2,
    IV__MODEL_PRODUCER_VERSION = 3,
    IV__MODEL_SAYS = 6,
    IV__MODEL_GRAPH = 7,
    IV__MODEL_OPSET = 8,
    IV__MODEL_PAIR = 14,
    IV__MODEL_FUNCTION = 25,

    IV__OPSET_DOMAIN = 1,
    IV__OPSET_VERSION = 2,

    IV__PAIR_KEY = 1,
    IV__PAIR_VALUE = 2,

    IV__GRAPH_NODE = 1,
    IV__GRAPH_NAME = 2,
    IV__GRAPH_TENSOR = 5,
    IV__GRAPH_INPUT = 11,
    IV__GRAPH_OUTPUT = 12,
    IV__GRAPH_SPARSE = 15,

    IV__NODE_INPUT = 1,
    IV__NODE_OUTPUT = 2,
    IV__NODE_NAME = 3,
    IV__NODE_OP = 4,
    IV__NODE_ATTRIBUTE = 5,
    IV__NODE_DOMAIN = 7,

    IV__ATTRIBUTE_NAME = 1,
    IV__ATTRIBUTE_F = 2,
    IV__ATTRIBUTE_I = 3,
    IV__ATTRIBUTE_S = 4,
    IV__ATTRIBUTE_T = 5,
    IV__ATTRIBUTE_FLOATS = 7,
    IV__ATTRIBUTE_INTS = 8,
    IV__ATTRIBUTE_STRINGS = 9,
    IV__ATTRIBUTE_TYPE = 20,

    IV__TENSOR_DIMS = 1,
    IV__TENSOR_TYPE = 2,
    IV__TENSOR_FLOATS = 4,
    IV__TENSOR_INT32S = 5,
    IV__TENSOR_INT64S = 7,
    IV__TENSOR_NAME = 8,
    IV__TENSOR_RAW = 9,
    IV__TENSOR_DOUBLES = 10,
    IV__TENSOR_PLACE = 14, /* 1: in another file */

    IV__VALUE_NAME = 1,
    IV__VALUE_TYPE = 2,
    IV__TYPE_TENSOR = 1,
    IV__TENSOR_TYPE_ELEMENT = 1,
    IV__TENSOR_TYPE_SHAPE = 2,
    IV__SHAPE_DIM = 1,
    IV__DIM_VALUE = 1,
    IV__DIM_PARAM = 2,
};

#endif
