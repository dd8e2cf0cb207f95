/* onnx_rows.c: rows as ONNX's operators: elements, places, sums, products. */
#include "derive/onnx_parts.h"

#include "ops/attrs.h"
#include "ops/rows.h"

#include <math.h>
#include <string.h>

/* Numbers may depend on sizes. */
static double number_of(iv__onnx_writer *w, const iv_call *call)
{
    const iv__real *a = call->attr, *b = iv__onnx_twin(w, call)->attr;

    if (a->a != b->a)
        iv__onnx_refuse(w, "its number depends on the batch or the length");
    return a->a;
}

/* ---- elements ---------------------------------------------------------------------------------- */

typedef struct simple {
    const char *row, *op;
} simple;

/* clang-format off */
static const simple alike[] = {
    { "neg", "Neg" }, { "exp", "Exp" }, { "log", "Log" }, { "sqrt", "Sqrt" }, { "reciprocal", "Reciprocal" },
    { "abs", "Abs" }, { "sign", "Sign" }, { "tanh", "Tanh" }, { "sigmoid", "Sigmoid" }, { "softplus", "Softplus" },
    { "relu", "Relu" }, { "elu", "Elu" }, { "erf", "Erf" }, { "sin", "Sin" }, { "cos", "Cos" },
    { "stop_gradient", "Identity" }, { "add", "Add" }, { "sub", "Sub" }, { "mul", "Mul" }, { "div", "Div" },
    { "max", "Max" }, { "min", "Min" }, { "shift", "Add" }, { "power", "Pow" },
    { "equal", "Equal" }, { "less", "Less" }, { "less_equal", "LessOrEqual" }, { NULL, NULL },
};
/* clang-format on */

static const char *op_of(const iv_call *call)
{
    const simple *s = alike;

    while (s->row && strcmp(s->row, call->op->name))
        s++;
    return s->op;
}

static void write_same(iv__onnx_writer *w, const iv_call *call)
{
    const char *a = iv__onnx_loose(w, call, 0), *b = call->n_in > 1 ? iv__onnx_loose(w, call, 1) : NULL;

    iv__onnx_give(w, call, op_of(call), a, b, NULL);
}

/* A mean's factor is one over a size: over an open one it divides by it. */
static void write_scale(iv__onnx_writer *w, const iv_call *call)
{
    const iv__real *a = call->attr, *b = iv__onnx_twin(w, call)->attr;
    const double first = round(1 / a->a), second = round(1 / b->a);
    const bool mean = a->a != b->a && first >= 1 && first < 1e9 && second >= 1 && second < 1e9 &&
                      1 / first == a->a && 1 / second == b->a;
    const char *x = iv__onnx_in(w, call, 0);

    if (!mean) {
        iv__onnx_give(w, call, "Mul", x, iv__onnx_real(w, number_of(w, call)), NULL);
        return;
    }
    const iv_shape of[2] = { iv_dims((int64_t)first), iv_dims((int64_t)second) };
    const char *size = iv__onnx_shape(w, &of[0], &of[1], NULL);
    iv__onnx_whole(w, "to", IV__ONNX_FLOAT);
    size = iv__onnx_make(w, "Cast", (const char *[]){ size, NULL });
    const char *scalar = iv__onnx_wholes(w, 0, NULL); /* of no axes */
    iv__onnx_give(w, call, "Div", x,
                  iv__onnx_make(w, "Reshape", (const char *[]){ size, scalar, NULL }), NULL);
}

static void write_number(iv__onnx_writer *w, const iv_call *call)
{
    const char *x = iv__onnx_in(w, call, 0), *number = iv__onnx_real(w, number_of(w, call));

    iv__onnx_give(w, call, op_of(call), x, number, NULL);
}

static void give_as_real(iv__onnx_writer *w, const iv_call *call, const char *truth)
{
    iv__onnx_whole(w, "to", IV__ONNX_FLOAT);
    iv__onnx_give(w, call, "Cast", truth, NULL, NULL);
}

static void write_comparison(iv__onnx_writer *w, const iv_call *call)
{
    const char *in[] = { iv__onnx_loose(w, call, 0), iv__onnx_loose(w, call, 1), NULL };

    give_as_real(w, call, iv__onnx_make(w, op_of(call), in));
}

static void write_positive(iv__onnx_writer *w, const iv_call *call)
{
    const char *in[] = { iv__onnx_in(w, call, 0), iv__onnx_real(w, 0), NULL };

    give_as_real(w, call, iv__onnx_make(w, "Greater", in));
}

/* x - x is 0 for finite numbers alone. */
static void write_is_finite(iv__onnx_writer *w, const iv_call *call)
{
    const char *x = iv__onnx_in(w, call, 0),
               *zero = iv__onnx_make(w, "Sub", (const char *[]){ x, x, NULL });

    give_as_real(w, call,
                 iv__onnx_make(w, "Equal", (const char *[]){ zero, iv__onnx_real(w, 0), NULL }));
}

static void write_square(iv__onnx_writer *w, const iv_call *call)
{
    const char *x = iv__onnx_in(w, call, 0);

    iv__onnx_give(w, call, "Mul", x, x, NULL);
}

static void write_leaky_relu(iv__onnx_writer *w, const iv_call *call)
{
    const char *x = iv__onnx_in(w, call, 0);

    iv__onnx_float(w, "alpha", number_of(w, call));
    iv__onnx_give(w, call, "LeakyRelu", x, NULL, NULL);
}

static void write_clip(iv__onnx_writer *w, const iv_call *call)
{
    const iv__between *between = call->attr;
    const char *x = iv__onnx_in(w, call, 0), *low = iv__onnx_real(w, between->low);

    iv__onnx_give(w, call, "Clip", x, low, iv__onnx_real(w, between->high));
}

static void write_select(iv__onnx_writer *w, const iv_call *call)
{
    const char *condition = iv__onnx_in(w, call, 0), *yes = iv__onnx_loose(w, call, 1),
               *no = iv__onnx_loose(w, call, 2);

    iv__onnx_whole(w, "to", IV__ONNX_BOOL);
    condition = iv__onnx_make(w, "Cast", (const char *[]){ condition, NULL });
    iv__onnx_give(w, call, "Where", condition, yes, no);
}

static void write_cast(iv__onnx_writer *w, const iv_call *call)
{
    const char *x = iv__onnx_in(w, call, 0);
    const iv_dtype to = call->out->dtype;

    iv__onnx_whole(w, "to",
                   to == IV_F32   ? IV__ONNX_FLOAT
                   : to == IV_I32 ? IV__ONNX_INT32
                                  : IV__ONNX_UINT8);
    iv__onnx_give(w, call, "Cast", x, NULL, NULL);
}

/* ---- places ------------------------------------------------------------------------------------- */

/* One open size may stand as -1. */
static void write_reshape(iv__onnx_writer *w, const iv_call *call)
{
    const iv_shape *first = &call->out->shape, *second = iv__onnx_second(w, call->out);
    const char *x = iv__onnx_in(w, call, 0), *shape;
    int64_t list[IV_MAX_RANK];
    int open = 0;

    for (int64_t k = 0; k < first->rank; k++) {
        open += first->dim[k] != second->dim[k];
        list[k] = first->dim[k] == second->dim[k] ? first->dim[k] : -1;
    }
    shape = open > 1 ? iv__onnx_shape(w, first, second, NULL) : iv__onnx_wholes(w, first->rank, list);
    iv__onnx_give(w, call, "Reshape", x, shape, NULL);
}

static void write_transpose(iv__onnx_writer *w, const iv_call *call)
{
    const iv__to_shape *order = call->attr;
    const char *x = iv__onnx_in(w, call, 0);

    iv__onnx_list(w, "perm", order->shape.rank, order->shape.dim);
    iv__onnx_give(w, call, "Transpose", x, NULL, NULL);
}

/* Axes that keep their size may be 1 in the list, so that no open size needs to be known that is there already. */
static void write_broadcast(iv__onnx_writer *w, const iv_call *call)
{
    const iv_shape *to = &call->out->shape, *from = &call->in[0]->shape;
    const char *x = iv__onnx_in(w, call, 0);
    bool ones[IV_MAX_RANK] = { false };

    for (int64_t k = 0; k < from->rank; k++) {
        const int64_t at = to->rank - from->rank + k;
        ones[at] = from->dim[k] == to->dim[at] && to->dim[at] != 1;
    }
    iv__onnx_give(w, call, "Expand", x, iv__onnx_shape(w, to, iv__onnx_second(w, call->out), ones),
                  NULL);
}

/* Sums over the leading axes that go, and over those that become 1. */
static void write_sum_to(iv__onnx_writer *w, const iv_call *call)
{
    const iv_shape *from = &call->in[0]->shape, *to = &call->out->shape;
    const int64_t leading = from->rank - to->rank;
    const char *x = iv__onnx_in(w, call, 0);
    int64_t kept[IV_MAX_RANK], gone[IV_MAX_RANK], n = 0;

    for (int64_t k = leading; k < from->rank; k++)
        if (to->dim[k - leading] == 1 && from->dim[k] != 1)
            kept[n++] = k;
    for (int64_t k = 0; k < leading; k++)
        gone[k] = k;
    iv__onnx_whole(w, "keepdims", 1);
    if (!leading && n) {
        iv__onnx_give(w, call, "ReduceSum", x, iv__onnx_wholes(w, n, kept), NULL);
        return;
    }
    if (n)
        x = iv__onnx_make(w, "ReduceSum", (const char *[]){ x, iv__onnx_wholes(w, n, kept), NULL });
    w->n_pending = 0;
    iv__onnx_whole(w, "keepdims", 0);
    iv__onnx_whole(w, "noop_with_empty_axes", 1);
    iv__onnx_give(w, call, "ReduceSum", x, iv__onnx_wholes(w, leading, gone), NULL);
}

static void write_sum_squares(iv__onnx_writer *w, const iv_call *call)
{
    const char *x = iv__onnx_in(w, call, 0);

    iv__onnx_whole(w, "keepdims", 0);
    iv__onnx_give(w, call, "ReduceSumSquare", x, NULL, NULL);
}

static void write_slice(iv__onnx_writer *w, const iv_call *call)
{
    const iv__slice *a = call->attr, *b = iv__onnx_twin(w, call)->attr;
    const int64_t size = call->in[0]->shape.dim[a->axis];
    const int64_t other = iv__onnx_second(w, call->in[0])->dim[a->axis];
    int64_t begin = a->begin, end = a->begin + (a->count - 1) * a->stride + 1;

    /* The same numbers from the front, or from the end. */
    if (a->begin != b->begin)
        begin = iv__onnx_fixed(w, a->begin - size, b->begin - other, "begin");
    if (a->count != b->count || begin < 0) {
        const int64_t last = b->begin + (b->count - 1) * b->stride + 1;
        end = iv__onnx_fixed(w, end - size, last - other, "end");
        end = end == 0 ? INT64_MAX : end;
    }
    const char *in[] = { iv__onnx_in(w, call, 0),           iv__onnx_wholes(w, 1, &begin),
                         iv__onnx_wholes(w, 1, &end),       iv__onnx_wholes(w, 1, &a->axis),
                         iv__onnx_wholes(w, 1, &a->stride), NULL };
    iv__onnx_node_of(w, "Slice", in, (const char *[]){ iv__onnx_out(w, call, 0), NULL });
}

static void write_reverse(iv__onnx_writer *w, const iv_call *call)
{
    const int64_t axis = ((const iv__at_axis *)call->attr)->axis, begin = -1, end = INT64_MIN,
                  step = -1;
    const char *in[] = { iv__onnx_in(w, call, 0),      iv__onnx_wholes(w, 1, &begin),
                         iv__onnx_wholes(w, 1, &end),  iv__onnx_wholes(w, 1, &axis),
                         iv__onnx_wholes(w, 1, &step), NULL };

    iv__onnx_node_of(w, "Slice", in, (const char *[]){ iv__onnx_out(w, call, 0), NULL });
}

static void write_pad(iv__onnx_writer *w, const iv_call *call)
{
    const iv__pad *a = call->attr, *b = iv__onnx_twin(w, call)->attr;
    const int64_t rank = call->out->shape.rank;
    int64_t pads[2 * IV_MAX_RANK] = { 0 };

    pads[a->axis] = iv__onnx_fixed(w, a->before, b->before, "padding");
    pads[rank + a->axis] = iv__onnx_fixed(w, a->after, b->after, "padding");
    const char *x = iv__onnx_in(w, call, 0), *list = iv__onnx_wholes(w, 2 * rank, pads);
    iv__onnx_text(w, "mode", "constant");
    iv__onnx_give(w, call, "Pad", x, list, NULL);
}

static void write_concat(iv__onnx_writer *w, const iv_call *call)
{
    const char *in[IV_MAX_IN + 1] = { NULL };

    for (int k = 0; k < call->n_in; k++)
        in[k] = iv__onnx_in(w, call, k);
    iv__onnx_whole(w, "axis", ((const iv__at_axis *)call->attr)->axis);
    iv__onnx_node_of(w, "Concat", in, (const char *[]){ iv__onnx_out(w, call, 0), NULL });
}

/* ---- places chosen by numbers ------------------------------------------------------------------- */

static void write_gather(iv__onnx_writer *w, const iv_call *call)
{
    const char *table = iv__onnx_in(w, call, 0), *index = iv__onnx_in(w, call, 1);

    iv__onnx_whole(w, "axis", 0);
    iv__onnx_give(w, call, "Gather", table, index, NULL);
}

static void write_pick(iv__onnx_writer *w, const iv_call *call)
{
    const int64_t last = -1;
    const char *axes = iv__onnx_wholes(w, 1, &last), *x = iv__onnx_in(w, call, 0);
    const char *index = iv__onnx_make(w, "Unsqueeze",
                                      (const char *[]){ iv__onnx_in(w, call, 1), axes, NULL });

    iv__onnx_whole(w, "axis", -1);
    x = iv__onnx_make(w, "GatherElements", (const char *[]){ x, index, NULL });
    iv__onnx_give(w, call, "Squeeze", x, axes, NULL);
}

/* onnxruntime knows it for numbers of 64 bits. */
const char *iv__onnx_one_hot(iv__onnx_writer *w, const char *index, int64_t count)
{
    const char *name, *depth = iv__onnx_wholes(w, 1, &count);
    float *values = iv__onnx_tensor_new(w, iv_dims(2), &name);

    if (values)
        values[1] = 1;
    iv__onnx_whole(w, "to", IV__ONNX_INT64);
    index = iv__onnx_make(w, "Cast", (const char *[]){ index, NULL });
    return iv__onnx_make(w, "OneHot", (const char *[]){ index, depth, name, NULL });
}

static void write_one_hot(iv__onnx_writer *w, const iv_call *call)
{
    const int64_t count = ((const iv__count *)call->attr)->count;

    iv__onnx_give(w, call, "Identity", iv__onnx_one_hot(w, iv__onnx_in(w, call, 0), count), NULL, NULL);
}

/* ---- reductions ---------------------------------------------------------------------------------- */

static void write_max_of(iv__onnx_writer *w, const iv_call *call)
{
    const char *x = iv__onnx_in(w, call, 0);

    iv__onnx_list(w, "axes", 1, &((const iv__at_axis *)call->attr)->axis);
    iv__onnx_whole(w, "keepdims", 1);
    iv__onnx_give(w, call, "ReduceMax", x, NULL, NULL);
}

static void write_argmax(iv__onnx_writer *w, const iv_call *call)
{
    const char *x = iv__onnx_in(w, call, 0);

    iv__onnx_whole(w, "axis", ((const iv__at_axis *)call->attr)->axis);
    iv__onnx_whole(w, "keepdims", 0);
    x = iv__onnx_make(w, "ArgMax", (const char *[]){ x, NULL });
    iv__onnx_whole(w, "to", IV__ONNX_INT32);
    iv__onnx_give(w, call, "Cast", x, NULL, NULL);
}

static void write_softmax(iv__onnx_writer *w, const iv_call *call)
{
    const char *x = iv__onnx_in(w, call, 0);

    iv__onnx_whole(w, "axis", -1);
    iv__onnx_give(w, call, strcmp(call->op->name, "softmax") ? "LogSoftmax" : "Softmax", x, NULL, NULL);
}

static void write_log_sum_exp(iv__onnx_writer *w, const iv_call *call)
{
    const char *x = iv__onnx_in(w, call, 0);
    const int64_t last = -1;

    iv__onnx_list(w, "axes", 1, &last);
    iv__onnx_whole(w, "keepdims", 0);
    iv__onnx_give(w, call, "ReduceLogSumExp", x, NULL, NULL);
}

/* ---- products ------------------------------------------------------------------------------------ */

static const char *turned(iv__onnx_writer *w, const char *x, int64_t rank)
{
    iv_shape order = { .rank = rank };

    for (int64_t k = 0; k < rank; k++)
        order.dim[k] = k < rank - 2 ? k : 2 * rank - 3 - k;
    return iv__onnx_transpose(w, x, order);
}

static void write_matmul(iv__onnx_writer *w, const iv_call *call)
{
    const iv__matmul *attr = call->attr;
    const char *a = iv__onnx_in(w, call, 0), *b = iv__onnx_in(w, call, 1);

    a = attr->transpose_a ? turned(w, a, call->in[0]->shape.rank) : a;
    b = attr->transpose_b ? turned(w, b, call->in[1]->shape.rank) : b;
    iv__onnx_give(w, call, "MatMul", a, b, NULL);
}

/* clang-format off */
const iv__onnx_row iv__onnx_rows[] = {
    { "neg", write_same }, { "exp", write_same }, { "log", write_same }, { "sqrt", write_same },
    { "reciprocal", write_same }, { "abs", write_same }, { "sign", write_same }, { "tanh", write_same },
    { "sigmoid", write_same }, { "softplus", write_same }, { "relu", write_same }, { "elu", write_same },
    { "erf", write_same }, { "sin", write_same }, { "cos", write_same }, { "stop_gradient", write_same },
    { "add", write_same }, { "sub", write_same }, { "mul", write_same }, { "div", write_same },
    { "max", write_same }, { "min", write_same },
    { "scale", write_scale }, { "shift", write_number }, { "power", write_number },
    { "equal", write_comparison }, { "less", write_comparison }, { "less_equal", write_comparison },
    { "positive", write_positive }, { "square", write_square },
    { "is_finite", write_is_finite }, { "leaky_relu", write_leaky_relu },
    { "clip", write_clip }, { "select", write_select }, { "cast", write_cast },
    { "reshape", write_reshape }, { "transpose", write_transpose }, { "broadcast_to", write_broadcast },
    { "sum_to", write_sum_to }, { "sum_squares", write_sum_squares }, { "slice", write_slice },
    { "reverse", write_reverse }, { "pad", write_pad }, { "concat", write_concat },
    { "gather", write_gather }, { "pick", write_pick }, { "one_hot", write_one_hot },
    { "max_of", write_max_of }, { "argmax", write_argmax }, { "softmax", write_softmax },
    { "log_softmax", write_softmax }, { "log_sum_exp", write_log_sum_exp }, { "matmul", write_matmul },
    { NULL, NULL },
};
/* clang-format on */
