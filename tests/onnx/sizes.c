/* sizes.c: operators on sizes, which are whole numbers that are known while the graph is built. */
#include "onnx/import.h"

#include <string.h>

static iv__onnx_tensor *whole_list(onnx_call *c, int64_t n, int64_t **list)
{
    iv__onnx_tensor *tensor = iv__arena_get(&c->at->arena, sizeof *tensor);

    *list = iv__arena_get(&c->at->arena, (size_t)n * sizeof **list + 1);
    if (!tensor || !*list)
        return NULL;
    *tensor = (iv__onnx_tensor){ c->node->out[0], IV__ONNX_INT64, iv_dims(n), *list };
    return tensor;
}

/* The sizes of the axes from `start` to before `end`. */
static const iv__onnx_tensor *fold_Shape(onnx_call *c)
{
    const iv__onnx_tensor *known = onnx_known(c, 0);
    const iv_node *x = known ? NULL : onnx_in(c, 0);
    int64_t *list;

    if (!known && !x)
        return NULL;
    const iv_shape shape = known ? known->shape : *iv_node_shape(x);
    int64_t begin = onnx_whole(c, "start", 0), end = onnx_whole(c, "end", shape.rank);
    begin += begin < 0 ? shape.rank : 0;
    end += end < 0 ? shape.rank : 0;
    end = end > shape.rank ? shape.rank : end;
    if (begin < 0 || begin > end)
        return NULL;
    iv__onnx_tensor *tensor = whole_list(c, end - begin, &list);
    for (int64_t k = begin; k < end && tensor; k++)
        list[k - begin] = shape.dim[k];
    return tensor;
}

static const iv__onnx_tensor *fold_Concat(onnx_call *c)
{
    int64_t n = 0, count, *list;

    for (int k = 0; k < c->node->n_in; k++) {
        const iv__onnx_tensor *part = onnx_known(c, k);
        if (!part || part->type != IV__ONNX_INT64 || part->shape.rank != 1)
            return NULL;
        n += part->shape.dim[0];
    }
    iv__onnx_tensor *tensor = whole_list(c, n, &list);
    n = 0;
    for (int k = 0; k < c->node->n_in && tensor; k++) {
        const int64_t *part = onnx_wholes_in(c, k, &count);
        memcpy(list + n, part, (size_t)count * sizeof *list);
        n += count;
    }
    return tensor;
}

typedef int64_t combine(int64_t a, int64_t b);

/* Of two lists, either of which may be one number. */
static const iv__onnx_tensor *combined(onnx_call *c, combine by)
{
    int64_t n_a, n_b, *list;
    const iv__onnx_tensor *first = onnx_known(c, 0);

    if (!first || first->type != IV__ONNX_INT64 || first->shape.rank != 1)
        return NULL;
    const int64_t *a = onnx_wholes_in(c, 0, &n_a), *b = onnx_wholes_in(c, 1, &n_b);
    if (!a || !b || (n_a != n_b && n_a != 1 && n_b != 1))
        return NULL;
    const int64_t n = n_a > n_b ? n_a : n_b;
    iv__onnx_tensor *tensor = whole_list(c, n, &list);
    for (int64_t i = 0; i < n && tensor; i++)
        list[i] = by(a[n_a == 1 ? 0 : i], b[n_b == 1 ? 0 : i]);
    return tensor;
}

static int64_t product(int64_t a, int64_t b)
{
    return a * b;
}

static int64_t sum(int64_t a, int64_t b)
{
    return a + b;
}

static const iv__onnx_tensor *fold_Mul(onnx_call *c)
{
    return combined(c, product);
}

static const iv__onnx_tensor *fold_Add(onnx_call *c)
{
    return combined(c, sum);
}

const onnx_size onnx_sizes[] = {
    { "Shape", fold_Shape }, { "Concat", fold_Concat }, { "Mul", fold_Mul }, { "Add", fold_Add },
    { NULL, NULL },
};
