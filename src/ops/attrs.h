/* attrs.h: attributes of rows, for the rooms that read them (stepping, simplifying, printing). */
#ifndef IV_OPS_ATTRS_H
#define IV_OPS_ATTRS_H

#include <ivory/tensor.h>

typedef struct iv__fill { /* "fill" */
    iv_shape shape;
    int64_t dtype;
    double value;
} iv__fill;

typedef struct iv__random { /* "random_uniform", "random_normal" */
    iv_shape shape;
    const char *place;
} iv__random;

typedef struct iv__to_shape { /* "reshape", "broadcast_to", "sum_to"; "transpose": the order of axes */
    iv_shape shape;
} iv__to_shape;

typedef struct iv__at_axis { /* "concat", "reverse", "max_of", "argmax" */
    int64_t axis;
} iv__at_axis;

typedef struct iv__slice { /* "slice" */
    int64_t axis, begin, count, stride;
} iv__slice;

typedef struct iv__pad { /* "pad" */
    int64_t axis, before, after;
} iv__pad;

typedef struct iv__interpolate { /* "interpolate", "interpolate_back" */
    int64_t axis, size;          /* of what is made */
} iv__interpolate;

typedef struct iv__real { /* "scale", "shift", "power", "leaky_relu" */
    double a;
} iv__real;

typedef struct iv__between { /* "clip" */
    double low, high;
} iv__between;

typedef struct iv__to_dtype { /* "cast" */
    int64_t dtype;
} iv__to_dtype;

typedef struct iv__count { /* "range", "scatter_add" (rows), "place", "one_hot" */
    int64_t count;
} iv__count;

#endif
