/* common.h: what the families of rows share: axes, walks over memory, work split over threads. */
#ifndef IV_OPS_COMMON_H
#define IV_OPS_COMMON_H

#include <ivory/ops.h>

#include "base/field.h"
#include "graph/node.h"
#include "ops/attrs.h"

/* A line of a row's attribute table: they are compared, hashed and printed, never set from text. */
#define ATTR(type_name, member, kind) FIELD(type_name, member, kind, NULL, 0, 0, NULL, NULL, NULL)
#define ATTRS(name, type_name) .attrs = name, .attr_size = sizeof(type_name)

/* Both reference kernels of a row, made from one text. */
#define KERNELS(name) .f32 = name##_f32, .f64 = name##_f64
#define SAME_KERNEL(name) .f32 = name, .f64 = name

extern const iv_field iv__fields_at_axis[], iv__fields_to_shape[], iv__fields_count[];

static inline bool iv__is_real(iv_dtype dtype)
{
    return dtype == IV_F32 || dtype == IV_F64;
}

/* The axis counted from the front; out of range stays out of range, for the shape rule to
 * refuse. */
static inline int64_t iv__from_front(const iv_node *x, int64_t axis)
{
    return axis < 0 ? axis + x->shape.rank : axis;
}

static inline bool iv__axis_ok(const iv_shape *shape, int64_t axis)
{
    return axis >= 0 && axis < shape->rank;
}

/* Product of dimensions begin .. end-1. */
int64_t iv__dims_product(const iv_shape *shape, int64_t begin, int64_t end);
iv_shape iv__without_axis(const iv_shape *shape, int64_t axis);
iv_shape iv__with_axis(const iv_shape *shape, int64_t axis, int64_t dim); /* inserted before `axis` */

/* The leading axes of `of` are the whole of `leading`, and one axis follows. */
bool iv__leads(const iv_shape *leading, const iv_shape *of);

/* ---- kernels that move elements -------------------------------------------------------------- */
/* The result's axes, with the distance in the source (in elements) that one place along them
 * means. */
typedef struct iv__strides {
    int rank;
    int64_t dim[IV_MAX_RANK], stride[IV_MAX_RANK];
    int64_t offset; /* of the result's first element in the source */
} iv__strides;

/* A walk over `shape`, every stride zero; contiguous strides of `shape`. */
iv__strides iv__strides_of(const iv_shape *shape);
void iv__contiguous(const iv_shape *shape, int64_t stride[IV_MAX_RANK]);

/* Fills the range of output 0 from input 0. */
void iv__copy_strided(const iv_kernel_call *k, const iv__strides *walk);

/* Output 0 is periods of pieces laid end to end: piece j brings its next `length` elements to each
 * period; data NULL brings zeros. */
typedef struct iv__laid_piece {
    const void *data;
    int64_t length;
} iv__laid_piece;
void iv__copy_pieces(const iv_kernel_call *k, int n, const iv__laid_piece piece[]);

/* ---- kernels that split their own work ------------------------------------------------------- */
/* Calls `work` for parts of [0,items); `cost` is about the arithmetic of one item. The parts depend
 * on sizes alone, never on threads, and each owns what it writes. */
typedef void iv__part_work(const iv_kernel_call *k, void *context, int64_t begin, int64_t end,
                           int thread);
void iv__split_work(const iv_kernel_call *k, int64_t items, int64_t cost, iv__part_work *work,
                    void *context);

/* ---- stepping rules that several rows share -------------------------------------------------- */
/* Rows over one axis (attribute iv__at_axis): the same row, unless that axis is time. */
void iv__step_other_axis(iv_step *s, int64_t axis, const char *why);
/* Rows over the last axis of input 0. */
void iv__step_not_last(iv_step *s);

/* ---- rules of records that several rows share ------------------------------------------------ */
/* Rows whose inputs and outputs all hold records. */
void iv__apart_all(iv_apart *a);
/* Rows over one axis: records are kept apart unless it is theirs. */
void iv__apart_other_axis(iv_apart *a, int64_t axis);
/* Rows over the last axis of input 0. */
void iv__apart_not_last(iv_apart *a);
/* Rows of two inputs that are summed over records. */
void iv__apart_sum(iv_apart *a);
/* The first input that holds records: how many rows for each. */
int64_t iv__apart_rows(const iv_apart *a);
/* Shapes of axis 0 for a micro-batch. */
iv_shape iv__apart_shape(const iv_apart *a, iv_shape shape);

#define LOOKS_AHEAD "sums over time: it would look ahead"

#endif
