/* constant.c: values that come from nowhere: constants, counting, and counted random numbers. */
#include "ops/common.h"
#include "ops/common_math.h"

#include "base/random.h"
#include "ops/rows.h"

/* ---- fill ------------------------------------------------------------------------------------ */

static const iv_field fill_fields[] = {
    ATTR(iv__fill, shape, SHAPE),
    ATTR(iv__fill, dtype, DTYPE),
    ATTR(iv__fill, value, REAL),
    FIELD_END,
};

static const char *fill_shape(iv_shape_call *s)
{
    const iv__fill *attr = s->attr;

    s->out[0] = attr->shape;
    s->out_dtype[0] = (iv_dtype)attr->dtype;
    return NULL;
}

#define FILL(type)                                     \
    {                                                  \
        type *to = k->out[0].data, with = (type)value; \
        for (int64_t i = 0; i < count; i++)            \
            to[i] = with;                              \
        break;                                         \
    }

static void fill_any(const iv_kernel_call *k)
{
    const double value = ((const iv__fill *)k->attr)->value;
    const int64_t count = k->count;

    switch (k->out[0].dtype) {
    case IV_F32: FILL(float)
    case IV_F64: FILL(double)
    case IV_I32: FILL(int32_t)
    case IV_U8: FILL(uint8_t)
    }
}

static const iv_op op_fill = {
    .name = "fill",
    .says = "one value everywhere",
    .n_out = 1,
    .flags = IV_RANGED | IV_FREE,
    ATTRS(fill_fields, iv__fill),
    .shape = fill_shape,
    .no_gradient = "it has no inputs",
    .no_step = "it is the same at every position",
    SAME_KERNEL(fill_any),
};

static iv_node *fill(iv_graph *graph, iv_shape shape, iv_dtype dtype, double value)
{
    return graph ? iv_apply(graph, &op_fill, 0, NULL, &(iv__fill){ shape, dtype, value }) : NULL;
}

iv_node *iv_fill(iv_graph *graph, iv_shape shape, double value)
{
    return graph ? fill(graph, shape, graph->real, value) : NULL;
}

iv_node *iv_fill_i32(iv_graph *graph, iv_shape shape, int64_t value)
{
    if (graph && (value < INT32_MIN || value > INT32_MAX))
        return iv_refuse(graph, IV_VALUE, "fill: %lld is no i32", (long long)value);
    return fill(graph, shape, IV_I32, (double)value);
}

iv_node *iv_like(iv_node *x, double value)
{
    return x ? fill(x->graph, x->shape, x->dtype, value) : NULL;
}

/* ---- range ----------------------------------------------------------------------------------- */

static const char *range_shape(iv_shape_call *s)
{
    const iv__count *attr = s->attr;

    if (attr->count < 0 || attr->count > INT32_MAX)
        return "the count must be that of i32 values";
    s->out[0] = iv_dims(attr->count);
    s->out_dtype[0] = IV_I32;
    return NULL;
}

static void range_i32(const iv_kernel_call *k)
{
    int32_t *to = k->out[0].data;

    for (int64_t i = 0; i < k->count; i++)
        to[i] = (int32_t)(k->begin + i);
}

static const iv_op op_range = {
    .name = "range",
    .says = "0, 1, 2 ...",
    .n_out = 1,
    .flags = IV_RANGED,
    ATTRS(iv__fields_count, iv__count),
    .shape = range_shape,
    .no_gradient = "it has no inputs",
    .no_step = "it is the same at every position",
    SAME_KERNEL(range_i32),
};

iv_node *iv_range(iv_graph *graph, int64_t count)
{
    return graph ? iv_apply(graph, &op_range, 0, NULL, &(iv__count){ count }) : NULL;
}

/* ---- random numbers -----------------------------------------------------------------------------
 * Element e of global record r is number n = r (elements of a record) + e of its place: word n % 4 of the four
 * words that Philox gives for the counter (step, n / 4). So no value depends on how a batch is split, and f64
 * gets the values of f32. */

enum { CLOCK_WORDS = 6, NUMBERS = 4 };

static const iv_field random_fields[] = { ATTR(iv__random, shape, SHAPE),
                                          ATTR(iv__random, place, TEXT), FIELD_END };

static const char *random_shape(iv_shape_call *s)
{
    const iv__random *attr = s->attr;

    if (s->in_dtype[0] != IV_I32 || s->in[0]->rank != 1 || s->in[0]->dim[0] != CLOCK_WORDS)
        return "the clock must be i32 [6], as iv_random_clock makes it";
    if (attr->shape.rank < 1)
        return "axis 0 must count records, so a scalar will not do";
    s->out[0] = attr->shape;
    s->out_dtype[0] = s->real;
    return NULL;
}

static uint64_t clock_value(const iv_kernel_call *k, int word)
{
    const int32_t *clock = k->in[0].data;

    return (uint64_t)(uint32_t)clock[word] | (uint64_t)(uint32_t)clock[word + 1] << 32;
}

/* Four numbers of a place from the four words of one counter. */
typedef void make_numbers(const uint32_t word[NUMBERS], float number[NUMBERS]);

static void make_uniform(const uint32_t word[NUMBERS], float number[NUMBERS])
{
    for (int j = 0; j < NUMBERS; j++)
        number[j] = iv__unit_f32(word[j]);
}

/* Box and Muller: a radius from one word (in (0,1], so that its log is finite), a direction from
 * the next. */
static void make_normal(const uint32_t word[NUMBERS], float number[NUMBERS])
{
    for (int j = 0; j < NUMBERS; j += 2) {
        double radius = sqrt(-2 * iv__log_f64((double)iv__unit_f32(word[j]) + 0x1p-24));
        double turn = 6.283185307179586 * (double)iv__unit_f32(word[j + 1]);

        number[j] = (float)(radius * iv__cos_f64(turn));
        number[j + 1] = (float)(radius * iv__sin_f64(turn));
    }
}

static void put_numbers(const iv_kernel_call *k, int64_t at, int n, const float *number)
{
    if (k->out[0].dtype == IV_F64)
        for (int j = 0; j < n; j++)
            ((double *)k->out[0].data)[at + j] = (double)number[j];
    else
        for (int j = 0; j < n; j++)
            ((float *)k->out[0].data)[at + j] = number[j];
}

iv__counted iv__counted_of(const iv_kernel_call *k)
{
    const iv_shape *shape = k->out[0].shape;
    const uint64_t per_record = (uint64_t)iv__dims_product(shape, 1, shape->rank);

    return (iv__counted){ iv__random_key(clock_value(k, 0), ((const iv__random *)k->attr)->place),
                          clock_value(k, 2), clock_value(k, 4) * per_record + (uint64_t)k->begin };
}

static void random_numbers(const iv_kernel_call *k, make_numbers *make)
{
    const iv__counted c = iv__counted_of(k);

    for (int64_t i = 0; i < k->count;) {
        uint64_t n = c.first + (uint64_t)i;
        int skip = (int)(n % NUMBERS), take = NUMBERS - skip;
        uint32_t word[NUMBERS];
        float number[NUMBERS];

        if (take > k->count - i)
            take = (int)(k->count - i);
        iv__philox(c.key, c.step, n / NUMBERS, word);
        make(word, number);
        put_numbers(k, i, take, number + skip);
        i += take;
    }
}

static void random_uniform(const iv_kernel_call *k)
{
    random_numbers(k, make_uniform);
}

static void random_normal(const iv_kernel_call *k)
{
    random_numbers(k, make_normal);
}

/* The clock of a micro-batch says which of the batch's records is its first. */
static void random_apart(iv_apart *a)
{
    iv__random attr = *(const iv__random *)a->call->attr;

    if (attr.shape.dim[0] != a->records || !iv_apart_same(a, 0))
        return;
    attr.shape = iv__apart_shape(a, attr.shape);
    iv_apart_output(a, 0, iv_apart_call(a, &attr), 1);
}

#define RANDOM_ROW(row, text)                                               \
    static const iv_op op_##row = {                                         \
        .name = #row,                                                       \
        .says = text,                                                       \
        .min_in = 1,                                                        \
        .max_in = 1,                                                        \
        .n_out = 1,                                                         \
        .flags = IV_RANGED,                                                 \
        ATTRS(random_fields, iv__random),                                   \
        .shape = random_shape,                                              \
        .no_gradient = "random numbers depend on nothing",                  \
        .no_step = "evaluation graphs have no random numbers",              \
        .apart = random_apart,                                              \
        SAME_KERNEL(row),                                                   \
    };                                                                      \
    iv_node *iv_##row(iv_node *clock, iv_shape shape, const char *place)    \
    {                                                                       \
        return iv__apply1(&op_##row, clock, &(iv__random){ shape, place }); \
    }

RANDOM_ROW(random_uniform, "numbers in [0,1), counted")
RANDOM_ROW(random_normal, "normal numbers, counted")

iv_node *iv_random_clock(iv_graph *graph)
{
    return graph ? iv_input(graph, "random", IV_I32, iv_dims(CLOCK_WORDS)) : NULL;
}

const iv_op *const iv__ops_constant[] = { &op_fill, &op_range, &op_random_uniform,
                                          &op_random_normal, NULL };
