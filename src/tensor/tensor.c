/* tensor.c: element types, shapes and owned arrays. */
#include <ivory/tensor.h>

#include "base/home.h"

#include <stdio.h>
#include <string.h>

size_t iv_dtype_size(iv_dtype dtype)
{
    switch (dtype) {
    case IV_F32: return 4;
    case IV_F64: return 8;
    case IV_I32: return 4;
    case IV_U8: return 1;
    }
    return 0;
}

const char *iv_dtype_name(iv_dtype dtype)
{
    switch (dtype) {
    case IV_F32: return "f32";
    case IV_F64: return "f64";
    case IV_I32: return "i32";
    case IV_U8: return "u8";
    }
    return "unknown";
}

int64_t iv_shape_count(const iv_shape *shape)
{
    int64_t count = 1;

    for (int64_t i = 0; i < shape->rank; i++)
        count *= shape->dim[i];
    return count;
}

bool iv_shape_same(const iv_shape *a, const iv_shape *b)
{
    return a->rank == b->rank && !memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim);
}

char *iv_shape_text(const iv_shape *shape, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "[");

    for (int64_t i = 0; i < shape->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, i ? ",%lld" : "%lld",
                                 (long long)shape->dim[i]);
    if (used < size)
        snprintf(text + used, size - used, "]");
    return text;
}

bool iv_shape_valid(const iv_shape *shape, iv_dtype dtype)
{
    int64_t bytes = (int64_t)iv_dtype_size(dtype);

    if (shape->rank < 0 || shape->rank > IV_MAX_RANK || !bytes)
        return false;
    for (int64_t i = 0; i < shape->rank;
         i++) { /* an axis of length 0 does not hide the others: parts are counted too */
        int64_t dim = shape->dim[i];
        if (dim < 0 || __builtin_mul_overflow(bytes, dim ? dim : 1, &bytes))
            return false;
    }
    return true;
}

iv_tensor *iv_tensor_new(iv_home *home, iv_dtype dtype, iv_shape shape)
{
    char text[160];

    if (!iv_shape_valid(&shape, dtype)) {
        iv_fail(home, IV_SHAPE, "a tensor of %s elements cannot have the shape %s",
                iv_dtype_name(dtype), iv_shape_text(&shape, text, sizeof text));
        return NULL;
    }
    iv_tensor *tensor = iv__alloc(home, sizeof *tensor);
    if (!tensor)
        return NULL;
    *tensor = (iv_tensor){ home, dtype, shape, NULL };
    tensor->data = iv__alloc(home, (size_t)iv_tensor_bytes(tensor));
    if (!tensor->data) {
        iv__free(home, tensor);
        return NULL;
    }
    return tensor;
}

void iv_tensor_free(iv_tensor *tensor)
{
    if (!tensor)
        return;
    iv__free(tensor->home, tensor->data);
    iv__free(tensor->home, tensor);
}

int64_t iv_tensor_bytes(const iv_tensor *tensor)
{
    return iv_shape_count(&tensor->shape) * (int64_t)iv_dtype_size(tensor->dtype);
}
