/* tensor.h: element types, shapes and arrays. Axes are in C order: the last one is contiguous. */
#ifndef IVORY_TENSOR_H
#define IVORY_TENSOR_H

#include <ivory/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum iv_dtype { IV_F32 = 1, IV_F64, IV_I32, IV_U8 } iv_dtype;

IV_API size_t iv_dtype_size(iv_dtype dtype);      /* bytes of one element */
IV_API const char *iv_dtype_name(iv_dtype dtype); /* "f32" ... */

enum { IV_MAX_RANK = 8 };

/* Unused entries of dim are zero, so equal shapes have equal bytes. */
typedef struct iv_shape {
    int64_t rank;
    int64_t dim[IV_MAX_RANK];
} iv_shape;

/* iv_dims(32, 200) is the shape [32,200]; iv_scalar() has no axes and one element. */
#define iv_dims(...) \
    ((iv_shape){ (int64_t)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), { __VA_ARGS__ } })
#define iv_scalar() ((iv_shape){ 0, { 0 } })

IV_API int64_t iv_shape_count(const iv_shape *shape); /* elements; shapes are checked when nodes and tensors are made */
IV_API bool iv_shape_same(const iv_shape *a, const iv_shape *b);
/* "[32,200]" into text, always terminated; returns text. 160 bytes hold every shape. */
IV_API char *iv_shape_text(const iv_shape *shape, char *text, size_t size);
/* False when a dimension is negative, the rank is beyond IV_MAX_RANK or the byte size overflows. */
IV_API bool iv_shape_valid(const iv_shape *shape, iv_dtype dtype);

/* An owned array. */
typedef struct iv_tensor {
    iv_home *home;
    iv_dtype dtype;
    iv_shape shape;
    void *data; /* 64-byte aligned, zero at birth */
} iv_tensor;

/* Errors: NOMEM; SHAPE when the shape is not valid. */
IV_API iv_tensor *iv_tensor_new(iv_home *home, iv_dtype dtype, iv_shape shape);
IV_API void iv_tensor_free(iv_tensor *tensor);
IV_API int64_t iv_tensor_bytes(const iv_tensor *tensor);

#ifdef __cplusplus
}
#endif
#endif
