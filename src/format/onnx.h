/* onnx.h: models in the ONNX format: a graph of operators by name over named values, with weights. What is here are
 * the messages as they stand in a file; what an operator means is known elsewhere.
 * Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
#ifndef IV_FORMAT_ONNX_H
#define IV_FORMAT_ONNX_H

#include "base/arena.h"
#include "base/text.h"

#include <ivory/tensor.h>

/* Element types, with the numbers that files have. */
typedef enum iv__onnx_type {
    IV__ONNX_FLOAT = 1,
    IV__ONNX_UINT8 = 2,
    IV__ONNX_INT32 = 6,
    IV__ONNX_INT64 = 7,
    IV__ONNX_BOOL = 9,
    IV__ONNX_DOUBLE = 11,
} iv__onnx_type;
size_t iv__onnx_type_size(int64_t type); /* bytes of an element; 0: none of these */

typedef struct iv__onnx_tensor {
    const char *name;
    iv__onnx_type type;
    iv_shape shape;
    const void *data;
} iv__onnx_tensor;

typedef enum iv__onnx_kind {
    IV__ONNX_REAL = 1,
    IV__ONNX_WHOLE = 2,
    IV__ONNX_TEXT = 3,
    IV__ONNX_TENSOR = 4,
    IV__ONNX_REALS = 6,
    IV__ONNX_WHOLES = 7,
    IV__ONNX_TEXTS = 8,
} iv__onnx_kind;

typedef struct iv__onnx_attribute {
    const char *name;
    iv__onnx_kind kind;
    int64_t n; /* of REALS, WHOLES, TEXTS */
    float real;
    int64_t whole;
    const char *text;
    const iv__onnx_tensor *tensor;
    const float *reals;
    const int64_t *wholes;
    const char *const *texts;
} iv__onnx_attribute;

typedef struct iv__onnx_node {
    const char *op, *name; /* name: for people; "" */
    int n_in, n_out, n_attributes;
    const char *const *in, *const *out; /* names of values; "": left out */
    const iv__onnx_attribute *attributes;
} iv__onnx_node;

/* An input or output of the graph. */
typedef struct iv__onnx_value {
    const char *name;
    iv__onnx_type type;
    iv_shape shape;                  /* a symbolic dimension is -1, .. */
    const char *symbol[IV_MAX_RANK]; /* .. and has this name, or "" */
} iv__onnx_value;

typedef struct iv__onnx_model {
    int64_t ir_version, opset; /* of the standard operators */
    const char *producer, *name, *says;
    int64_t n_nodes, n_inputs, n_outputs, n_tensors, n_pairs;
    const iv__onnx_node *nodes; /* each after those whose outputs it takes */
    const iv__onnx_value *inputs, *outputs;
    const iv__onnx_tensor *tensors; /* weights and constants */
    const char *const (*pairs)[2];  /* what the file says of itself: name and text */
} iv__onnx_model;

/* The file as bytes. Errors: VALUE when it would have 2 GiB or more, which the format cannot. */
iv_status iv__onnx_write(iv_home *home, const iv__onnx_model *model, iv__text *bytes);

/* Reads a model into the arena; `name` begins messages.
 * Errors: FORMAT with what is wrong, and where; UNSUPPORTED for what is not read here: graphs within nodes, sparse
 * tensors, element types without a name above, data in other files. */
iv_status iv__onnx_read(iv__arena *arena, const char *name, const void *bytes, size_t size,
                        iv__onnx_model *model);

#endif
