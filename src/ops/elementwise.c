/* elementwise.c: rows of one value in, one value out, shapes equal (see the table in
 * elementwise_table.h). Broadcasting is a node of its own, made by the builders here. */
#include "ops/common.h"
#include "ops/common_math.h"
#include "ops/elementwise_table.h"

#include "ops/common_f32.inc"
#include "ops/elementwise_kernels.inc"

#include "ops/common_f64.inc"
#include "ops/elementwise_kernels.inc"
#include "ops/common_end.inc"

#include <string.h>

/* ---- shapes ---------------------------------------------------------------------------------- */

static const char *same_shapes(iv_shape_call *s)
{
    for (int i = 1; i < s->n_in; i++)
        if (!iv_shape_same(s->in[0], s->in[i]))
            return "shapes differ";
    s->out[0] = *s->in[0];
    return NULL;
}

static const char *real_shape(iv_shape_call *s)
{
    for (int i = 0; i < s->n_in; i++)
        if (s->in_dtype[i] != s->real)
            return "elements must be of the graph's real type (iv_cast makes them so)";
    s->out_dtype[0] = s->real;
    return same_shapes(s);
}

static const char *comparison_shape(iv_shape_call *s)
{
    if (s->in_dtype[0] != s->in_dtype[1])
        return "both inputs must have one element type";
    if (s->in_dtype[0] != IV_I32 && s->in_dtype[0] != s->real)
        return "elements must be i32 or of the graph's real type";
    s->out_dtype[0] = s->real;
    return same_shapes(s);
}

static const char *select_shape(iv_shape_call *s)
{
    if (s->in_dtype[1] != s->in_dtype[2])
        return "both choices must have one element type";
    for (int i = 0; i < 2; i++)
        if (s->in_dtype[i] != IV_I32 && s->in_dtype[i] != s->real)
            return "elements must be i32 or of the graph's real type";
    s->out_dtype[0] = s->in_dtype[1];
    return same_shapes(s);
}

/* ---- builders -------------------------------------------------------------------------------- */

/* The shape that two shapes stretch to, matched from the last axis. */
static bool stretch(iv_shape *common, const iv_shape *x)
{
    iv_shape y = common->rank < x->rank ? *x : *common;

    for (int64_t k = 1; k <= common->rank && k <= x->rank; k++) {
        int64_t a = common->dim[common->rank - k], b = x->dim[x->rank - k];

        if (a != b && a != 1 && b != 1)
            return false;
        y.dim[y.rank - k] = a == 1 ? b : a;
    }
    *common = y;
    return true;
}

static iv_node *refuse_stretch(const iv_op *op, int n, iv_node *const x[])
{
    char a[200], b[200], c[200] = "";

    if (n > 2)
        iv__node_text(x[2], c, sizeof c);
    return iv_refuse(x[0]->graph, IV_SHAPE, "%s: shapes do not stretch to one (%s, %s%s%s)",
                     op->name, iv__node_text(x[0], a, sizeof a), iv__node_text(x[1], b, sizeof b),
                     n > 2 ? ", " : "", c);
}

static iv_node *stretched(const iv_op *op, int n, iv_node *x[])
{
    iv_shape common = iv_scalar();

    for (int i = 0; i < n; i++)
        if (!x[i])
            return NULL;
    for (int i = 0; i < n; i++)
        if (!stretch(&common, &x[i]->shape))
            return refuse_stretch(op, n, x);
    for (int i = 0; i < n; i++)
        x[i] = iv_broadcast_to(x[i], common);
    return x[0] ? iv_apply(x[0]->graph, op, n, x, NULL) : NULL;
}

/* ---- words of the gradient column ------------------------------------------------------------ */

static iv_node *one_less(iv_node *y) /* 1 - y */
{
    return iv_shift(iv_neg(y), 1);
}

static iv_node *slope_of_power(iv_node *x, double n) /* n x^(n-1) */
{
    return iv_scale(iv_power(x, n - 1), n);
}

/* 1 where x > 0, else e^x: the exponential is in y already. */
static iv_node *slope_of_elu(iv_node *x, iv_node *y)
{
    return iv_shift(iv_sub(y, iv_relu(x)), 1);
}

static iv_node *slope_of_erf(iv_node *x) /* 2 e^(-x^2) / sqrt(pi) */
{
    return iv_scale(iv_exp(iv_neg(iv_square(x))), 1.1283791670955126);
}

static iv_node *slope_under(iv_node *dy, iv_node *y, iv_node *b) /* of b in y = a / b */
{
    return iv_neg(iv_div(iv_mul(dy, y), b));
}

/* dy where a > b, half of it where they are equal. */
static iv_node *if_above(iv_node *a, iv_node *b, iv_node *dy)
{
    return iv_mul(dy, iv_scale(iv_add(iv_less(b, a), iv_less_equal(b, a)), 0.5));
}

/* ---- rows of the table ----------------------------------------------------------------------- */

static const iv_field number_fields[] = { ATTR(iv__real, a, REAL), FIELD_END };

#define UNARY_ROW(row, formula, marks, ...)                                      \
    static const iv_op op_##row = { .name = #row,                                \
                                    .says = formula,                             \
                                    .min_in = 1,                                 \
                                    .max_in = 1,                                 \
                                    .n_out = 1,                                  \
                                    .flags = IV_RANGED | IV_POINTWISE | (marks), \
                                    .shape = real_shape,                         \
                                    KERNELS(row),                                \
                                    __VA_ARGS__ };                               \
    iv_node *iv_##row(iv_node *x)                                                \
    {                                                                            \
        return iv__apply1(&op_##row, x, NULL);                                   \
    }
#define BINARY_ROW(row, formula, rule, ...)                            \
    static const iv_op op_##row = { .name = #row,                      \
                                    .says = formula,                   \
                                    .min_in = 2,                       \
                                    .max_in = 2,                       \
                                    .n_out = 1,                        \
                                    .flags = IV_RANGED | IV_POINTWISE, \
                                    .shape = rule,                     \
                                    KERNELS(row),                      \
                                    __VA_ARGS__ };                     \
    iv_node *iv_##row(iv_node *a, iv_node *b)                          \
    {                                                                  \
        return stretched(&op_##row, 2, (iv_node *[]){ a, b });         \
    }

#define SMOOTH_1(row, formula, value, slope)             \
    static void row##_gradient(iv_gradient_call *g)      \
    {                                                    \
        iv_node *x = g->x[0], *y = g->y, *dy = g->dy[0]; \
        (void)x, (void)y;                                \
        g->dx[0] = slope;                                \
    }                                                    \
    UNARY_ROW(row, formula, 0, .gradient = row##_gradient)
#define FLAT_1(row, formula, value, why) UNARY_ROW(row, formula, IV_FREE, .no_gradient = why)

#define SMOOTH_NUMBER(row, formula, value, slope)                      \
    static void row##_gradient(iv_gradient_call *g)                    \
    {                                                                  \
        iv_node *x = g->x[0], *dy = g->dy[0];                          \
        const double n = ((const iv__real *)g->attr)->a;               \
        (void)x, (void)n;                                              \
        g->dx[0] = slope;                                              \
    }                                                                  \
    static const iv_op op_##row = { .name = #row,                      \
                                    .says = formula,                   \
                                    .min_in = 1,                       \
                                    .max_in = 1,                       \
                                    .n_out = 1,                        \
                                    .flags = IV_RANGED | IV_POINTWISE, \
                                    ATTRS(number_fields, iv__real),    \
                                    .shape = real_shape,               \
                                    .gradient = row##_gradient,        \
                                    KERNELS(row) };

#define SMOOTH_2(row, formula, value, slope_a, slope_b)                \
    static void row##_gradient(iv_gradient_call *g)                    \
    {                                                                  \
        iv_node *a = g->x[0], *b = g->x[1], *y = g->y, *dy = g->dy[0]; \
        (void)a, (void)b, (void)y;                                     \
        if (g->need[0])                                                \
            g->dx[0] = slope_a;                                        \
        if (g->need[1])                                                \
            g->dx[1] = slope_b;                                        \
    }                                                                  \
    BINARY_ROW(row, formula, real_shape, .gradient = row##_gradient)
#define FLAT_2(row, formula, value, why) \
    BINARY_ROW(row, formula, comparison_shape, .no_gradient = why)

IV__UNARY_ROWS(SMOOTH_1, FLAT_1)
IV__NUMBER_ROWS(SMOOTH_NUMBER)
IV__BINARY_ROWS(SMOOTH_2)
IV__COMPARISON_ROWS(FLAT_2)

iv_node *iv_scale(iv_node *x, double factor)
{
    return factor == 1 ? x : iv__apply1(&op_scale, x, &(iv__real){ factor });
}

iv_node *iv_shift(iv_node *x, double amount)
{
    return amount == 0 ? x : iv__apply1(&op_shift, x, &(iv__real){ amount });
}

iv_node *iv_power(iv_node *x, double exponent)
{
    if (exponent == 0)
        return iv_like(x, 1);
    return exponent == 1 ? x : iv__apply1(&op_power, x, &(iv__real){ exponent });
}

iv_node *iv_leaky_relu(iv_node *x, double slope)
{
    return iv__apply1(&op_leaky_relu, x, &(iv__real){ slope });
}

iv_node *iv_concat_elu(iv_node *x)
{
    return iv_elu(iv_concat(2, (iv_node *[]){ x, iv_neg(x) }, -1));
}

/* With s = 1.0507... and a = 1.6732...: activations that are normal stay so. */
iv_node *iv_selu(iv_node *x)
{
    const double s = 1.0507009873554805, a = 1.6732632423543772;

    return iv_add(iv_scale(iv_elu(x), s * a), iv_scale(iv_relu(x), s * (1 - a)));
}

iv_node *iv_silu(iv_node *x)
{
    return iv_mul(x, iv_sigmoid(x));
}

iv_node *iv_gelu(iv_node *x)
{
    return iv_mul(iv_scale(x, 0.5), iv_shift(iv_erf(iv_scale(x, 0.7071067811865476)), 1));
}

/* ---- clip ------------------------------------------------------------------------------------ */

static const iv_field clip_fields[] = { ATTR(iv__between, low, REAL), ATTR(iv__between, high, REAL),
                                        FIELD_END };

static const char *clip_shape(iv_shape_call *s)
{
    const iv__between *attr = s->attr;

    return attr->low <= attr->high ? real_shape(s) : "the low bound must not be above the high one";
}

static void clip_gradient(iv_gradient_call *g)
{
    const iv__between *attr = g->attr;
    iv_node *x = g->x[0];
    iv_node *inside = iv_mul(iv_less_equal(iv_like(x, attr->low), x),
                             iv_less_equal(x, iv_like(x, attr->high)));

    g->dx[0] = iv_mul(g->dy[0], inside);
}

static const iv_op op_clip = {
    .name = "clip",
    .says = "x held between two bounds",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .flags = IV_RANGED | IV_POINTWISE,
    ATTRS(clip_fields, iv__between),
    .shape = clip_shape,
    .gradient = clip_gradient,
    KERNELS(clip),
};

iv_node *iv_clip(iv_node *x, double low, double high)
{
    return iv__apply1(&op_clip, x, &(iv__between){ low, high });
}

/* ---- select ---------------------------------------------------------------------------------- */

static void select_gradient(iv_gradient_call *g)
{
    iv_node *condition = g->x[0], *dy = g->dy[0], *zero = iv_like(dy, 0);

    if (g->need[1])
        g->dx[1] = iv_select(condition, dy, zero);
    if (g->need[2])
        g->dx[2] = iv_select(condition, zero, dy);
}

static const iv_op op_select = {
    .name = "select",
    .says = "yes where the condition is not 0, else no",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .flags = IV_RANGED | IV_POINTWISE,
    .shape = select_shape,
    .gradient = select_gradient,
    KERNELS(select),
};

iv_node *iv_select(iv_node *condition, iv_node *yes, iv_node *no)
{
    return stretched(&op_select, 3, (iv_node *[]){ condition, yes, no });
}

/* ---- cast ------------------------------------------------------------------------------------ */

static const iv_field cast_fields[] = { ATTR(iv__to_dtype, dtype, DTYPE), FIELD_END };

static const char *cast_shape(iv_shape_call *s)
{
    const iv__to_dtype *to = s->attr;

    if (!iv_dtype_size((iv_dtype)to->dtype))
        return "no such element type";
    s->out_dtype[0] = (iv_dtype)to->dtype;
    return same_shapes(s);
}

static void cast_gradient(iv_gradient_call *g)
{
    if (iv__is_real(g->y->dtype) && iv__is_real(g->x[0]->dtype))
        g->dx[0] = iv_cast(g->dy[0], g->x[0]->dtype);
}

#define CAST_LOOP(from_type, to_type, value)   \
    {                                          \
        const from_type *from = k->in[0].data; \
        to_type *to = k->out[0].data;          \
        EACH_ALONE                             \
        for (int64_t i = 0; i < count; i++) {  \
            const from_type x = from[i];       \
            to[i] = (to_type)(value);          \
        }                                      \
        break;                                 \
    }
/* Integers saturate, and NaN becomes 0. */
#define HELD(low, high) x >= (high) ? (high) : x > (low) ? x : x == x ? (low) : 0
#define CAST_FROM(type, to_f32, to_f64, to_i32, to_u8) \
    switch (k->out[0].dtype) {                         \
    case IV_F32: CAST_LOOP(type, float, to_f32)        \
    case IV_F64: CAST_LOOP(type, double, to_f64)       \
    case IV_I32: CAST_LOOP(type, int32_t, to_i32)      \
    case IV_U8: CAST_LOOP(type, uint8_t, to_u8)        \
    }

/* x >= 2^31 is caught by itself: 2147483647 is no f32. */
#define F32_TO_I32 \
    x >= 2147483648.0f ? INT32_MAX : x > -2147483648.0f ? (int32_t)x : x == x ? INT32_MIN : 0

static void cast_any(const iv_kernel_call *k)
{
    const int64_t count = k->count;

    switch (k->in[0].dtype) {
    case IV_F32: CAST_FROM(float, x, x, F32_TO_I32, HELD(0.0f, 255.0f)) break;
    case IV_F64: CAST_FROM(double, x, x, HELD(-2147483648.0, 2147483647.0), HELD(0.0, 255.0)) break;
    case IV_I32: CAST_FROM(int32_t, x, x, x, HELD(0, 255)) break;
    case IV_U8: CAST_FROM(uint8_t, x, x, x, x) break;
    }
}

static const iv_op op_cast = {
    .name = "cast",
    .says = "x as another element type; integers truncate and saturate",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .flags = IV_RANGED | IV_POINTWISE,
    ATTRS(cast_fields, iv__to_dtype),
    .shape = cast_shape,
    .gradient = cast_gradient,
    SAME_KERNEL(cast_any),
};

iv_node *iv_cast(iv_node *x, iv_dtype dtype)
{
    return x && x->dtype == dtype ? x : iv__apply1(&op_cast, x, &(iv__to_dtype){ dtype });
}

#define LIST(row, ...) &op_##row,
/* clang-format off */
const iv_op *const iv__ops_elementwise[] = {
    IV__UNARY_ROWS(LIST, LIST) IV__NUMBER_ROWS(LIST) IV__BINARY_ROWS(LIST) IV__COMPARISON_ROWS(LIST)
    &op_clip, &op_select, &op_cast, NULL,
};
/* clang-format on */
