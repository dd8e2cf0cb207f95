/* places.c: operators that move, choose, multiply and sum up values, and what they are in Ivory's words. */
#include "onnx/import.h"

#include <string.h>

#define X onnx_real(c, 0)

static int64_t rank_of(const iv_node *x)
{
    return x ? iv_node_shape(x)->rank : 0;
}

static int64_t from_front(const iv_node *x, int64_t axis)
{
    return axis < 0 ? axis + rank_of(x) : axis;
}

/* ---- values keep, places change ----------------------------------------------------------------- */

static iv_node *build_Transpose(onnx_call *c)
{
    int64_t n;
    const int64_t *perm = onnx_wholes(c, "perm", &n);
    iv_node *x = onnx_in(c, 0);
    iv_shape order = { .rank = rank_of(x) };

    for (int64_t k = 0; k < order.rank; k++)
        order.dim[k] = perm && k < n ? perm[k] : order.rank - 1 - k;
    return iv_transpose(x, order);
}

static iv_node *build_Reshape(onnx_call *c)
{
    int64_t n;
    const int64_t *to = onnx_wholes_in(c, 1, &n);
    iv_node *x = onnx_in(c, 0);

    if (!x || !to || n > IV_MAX_RANK)
        return NULL;
    iv_shape shape = onnx_shape_of(to, n);
    for (int64_t k = 0; k < n; k++)
        if (!shape.dim[k]) /* as it was */
            shape.dim[k] = iv_node_dim(x, (int)k);
    return iv_reshape(x, shape);
}

static iv_node *build_Expand(onnx_call *c)
{
    int64_t n;
    const int64_t *to = onnx_wholes_in(c, 1, &n);
    iv_node *x = onnx_in(c, 0);

    if (!x || !to || n > IV_MAX_RANK || n < rank_of(x))
        return NULL;
    iv_shape shape = onnx_shape_of(to, n);
    for (int64_t k = 0; k < rank_of(x); k++)
        if (shape.dim[n - rank_of(x) + k] == 1) /* a size of x stays */
            shape.dim[n - rank_of(x) + k] = iv_node_dim(x, (int)k);
    return iv_broadcast_to(x, shape);
}

/* Axes of length 1 away, or there; axes are the second input. */
static iv_node *squeezed(onnx_call *c, bool away)
{
    int64_t n;
    const int64_t *axes = onnx_wholes_in(c, 1, &n);
    iv_node *x = onnx_in(c, 0);
    const int64_t rank = rank_of(x) + (away ? 0 : n);
    bool named[IV_MAX_RANK] = { false };
    iv_shape shape = { .rank = 0 };

    if (!x || !axes || rank > IV_MAX_RANK)
        return NULL;
    for (int64_t i = 0; i < n; i++)
        if (axes[i] < rank && axes[i] >= -rank)
            named[axes[i] < 0 ? axes[i] + rank : axes[i]] = true;
    for (int64_t k = 0, from = 0; k < rank; k++) {
        const int64_t dim = named[k] && !away ? 1 : iv_node_dim(x, (int)from);
        from += away || !named[k];
        if (!named[k] || !away)
            shape.dim[shape.rank++] = dim;
    }
    return iv_reshape(x, shape);
}

static iv_node *build_Squeeze(onnx_call *c)
{
    return squeezed(c, true);
}

static iv_node *build_Unsqueeze(onnx_call *c)
{
    return squeezed(c, false);
}

static iv_node *build_Concat(onnx_call *c)
{
    iv_node *parts[64];

    if (c->node->n_in > 64)
        return onnx_no(c, "it joins more than 64 values");
    for (int k = 0; k < c->node->n_in; k++)
        parts[k] = onnx_in(c, k);
    return iv_concat(c->node->n_in, parts, (int)onnx_whole(c, "axis", 0));
}

static iv_node *build_Slice(onnx_call *c)
{
    int64_t n, n_ends, n_axes, n_steps;
    const int64_t *begins = onnx_wholes_in(c, 1, &n), *ends = onnx_wholes_in(c, 2, &n_ends);
    const int64_t *axes = onnx_wholes_in(c, 3, &n_axes), *steps = onnx_wholes_in(c, 4, &n_steps);
    iv_node *y = onnx_in(c, 0);

    if (!begins || !ends || n_ends != n || (axes && n_axes != n) || (steps && n_steps != n))
        return NULL;
    for (int64_t i = 0; i < n && y; i++) {
        const int64_t axis = from_front(y, axes ? axes[i] : i), step = steps ? steps[i] : 1;
        const int64_t dim = iv_node_dim(y, (int)axis);
        int64_t begin = begins[i] < 0 ? begins[i] + dim : begins[i];
        int64_t end = ends[i] < 0 ? ends[i] + dim : ends[i];
        if (step == -1 && begin >= dim - 1 && ends[i] < -dim) { /* all of it, backwards */
            y = iv_reverse(y, (int)axis);
            continue;
        }
        if (step < 1)
            return onnx_no(c, "it goes backwards over a part of an axis");
        begin = begin < 0 ? 0 : begin;
        end = end > dim ? dim : end;
        y = iv_slice(y, (int)axis, begin, (end - begin + step - 1) / step, step);
    }
    return y;
}

static iv_node *build_Split(onnx_call *c)
{
    iv_node *x = onnx_in(c, 0), *first = NULL;
    const int64_t axis = from_front(x, onnx_whole(c, "axis", 0)), n = c->node->n_out;
    const int64_t each = n ? iv_node_dim(x, (int)axis) / n : 0;

    if (onnx_has(c, 1) || each * n != iv_node_dim(x, (int)axis))
        return onnx_no(c, "its parts are not equal");
    for (int64_t i = 0; i < n; i++) {
        iv_node *part = iv_slice(x, (int)axis, i * each, each, 1);
        if (i)
            onnx_give(c, (int)i, part);
        else
            first = part;
    }
    return first;
}

static iv_node *build_Pad(onnx_call *c)
{
    int64_t n;
    const int64_t *pads = onnx_wholes_in(c, 1, &n);
    const char *mode = onnx_text(c, "mode", "constant");
    iv_node *x = onnx_in(c, 0), *y = x;
    const int64_t rank = rank_of(x);

    if (!pads || n != 2 * rank)
        return NULL;
    const bool constant = !strcmp(mode, "constant");
    iv_node *inside = constant && onnx_has(c, 2) ? iv_like(x, 1) : NULL;
    for (int64_t k = 0; k < rank; k++) {
        const int64_t before = pads[k], after = pads[rank + k];
        if (!before && !after)
            continue;
        y = constant                   ? iv_pad(y, (int)k, before, after)
            : !strcmp(mode, "edge")    ? iv_pad_edge(y, (int)k, before, after)
            : !strcmp(mode, "reflect") ? iv_pad_mirrored(y, (int)k, before, after)
                                       : onnx_no(c, "its mode is '%s'", mode);
        if (inside)
            inside = iv_pad(inside, (int)k, before, after);
    }
    if (!inside)
        return y;
    return iv_select(inside, y, onnx_in(c, 2));
}

/* [N, b b C, H, W] and [N, C, b H, b W]. */
static iv_node *build_DepthToSpace(onnx_call *c)
{
    const int64_t b = onnx_whole(c, "blocksize", 1);
    iv_node *x = onnx_in(c, 0);
    const int64_t n = iv_node_dim(x, 0), d = iv_node_dim(x, 1) / (b * b), h = iv_node_dim(x, 2),
                  w = iv_node_dim(x, 3);

    if (!strcmp(onnx_text(c, "mode", "DCR"), "CRD"))
        x = iv_transpose(iv_reshape(x, iv_dims(n, d, b, b, h, w)), iv_dims(0, 1, 4, 2, 5, 3));
    else
        x = iv_transpose(iv_reshape(x, iv_dims(n, b, b, d, h, w)), iv_dims(0, 3, 4, 1, 5, 2));
    return iv_reshape(x, iv_dims(n, d, h * b, w * b));
}

static iv_node *build_SpaceToDepth(onnx_call *c)
{
    const int64_t b = onnx_whole(c, "blocksize", 1);
    iv_node *x = onnx_in(c, 0);
    const int64_t n = iv_node_dim(x, 0), d = iv_node_dim(x, 1), h = iv_node_dim(x, 2) / b,
                  w = iv_node_dim(x, 3) / b;

    x = iv_transpose(iv_reshape(x, iv_dims(n, d, h, b, w, b)), iv_dims(0, 3, 5, 1, 2, 4));
    return iv_reshape(x, iv_dims(n, d * b * b, h, w));
}

/* ---- places chosen by numbers ------------------------------------------------------------------- */

/* Numbers below 0 count from the end. */
static iv_node *counted_from_front(iv_node *index, int64_t count)
{
    iv_graph *graph = index ? iv_node_graph(index) : NULL;
    iv_node *real = index ? iv_cast(index, iv_graph_real(graph)) : NULL;

    return real ? iv_cast(iv_select(iv_positive(iv_shift(real, 0.5)), real,
                                    iv_shift(real, (double)count)),
                          IV_I32)
                : NULL;
}

static iv_node *build_Gather(onnx_call *c)
{
    iv_node *x = onnx_in(c, 0), *index = onnx_in(c, 1);
    const int64_t axis = from_front(x, onnx_whole(c, "axis", 0)), rank = rank_of(x),
                  count = iv_node_dim(x, (int)axis);
    iv_shape order = { .rank = rank }, out = { .rank = 0 };
    int64_t rest = 1;

    if (!x || !index || rank - 1 + rank_of(index) > IV_MAX_RANK)
        return NULL;
    for (int64_t k = 0; k < rank; k++) { /* its axis to the front, then rows of all that is left */
        order.dim[k] = k == 0 ? axis : k <= axis ? k - 1 : k;
        rest *= k == axis ? 1 : iv_node_dim(x, (int)k);
    }
    iv_node *table = iv_reshape(iv_transpose(x, order), iv_dims(count, rest));
    iv_node *y = iv_gather(table, counted_from_front(index, count)); /* [index..., rest] */
    const int64_t chosen = rank_of(index);
    for (int64_t k = 0; k < chosen; k++)
        out.dim[out.rank++] = iv_node_dim(index, (int)k);
    for (int64_t k = 0; k < rank; k++)
        if (k != axis)
            out.dim[out.rank++] = iv_node_dim(x, (int)k);
    y = iv_reshape(y, out);
    iv_shape back = { .rank = out.rank };
    for (int64_t k = 0; k < out.rank; k++) /* axes before its own come first */
        back.dim[k] = k < axis ? chosen + k : k < axis + chosen ? k - axis : k;
    return iv_transpose(y, back);
}

/* One of the last axis, which stays with length 1. */
static iv_node *build_GatherElements(onnx_call *c)
{
    iv_node *x = onnx_real(c, 0), *index = onnx_in(c, 1);

    if (!x || !index)
        return NULL;
    if (from_front(x, onnx_whole(c, "axis", 0)) != rank_of(x) - 1 || iv_node_dim(index, -1) != 1)
        return onnx_no(c, "it takes more than one of the last axis");
    iv_shape one = *iv_node_shape(index);
    one.dim[--one.rank] = 0;
    iv_node *flat = counted_from_front(iv_reshape(index, one), iv_node_dim(x, -1));
    return iv_reshape(iv_pick(x, flat), *iv_node_shape(index));
}

static iv_node *build_OneHot(onnx_call *c)
{
    int64_t n;
    const int64_t *depth = onnx_wholes_in(c, 1, &n);
    iv_node *values = onnx_real(c, 2), *index = onnx_in(c, 0);

    if (!depth || !values || !index || n != 1)
        return NULL;
    iv_node *off = iv_slice(values, 0, 0, 1, 1), *on = iv_slice(values, 0, 1, 1, 1);
    iv_node *hot = iv_one_hot(counted_from_front(index, depth[0]), depth[0]);
    iv_node *y = iv_add(iv_mul(hot, iv_sub(on, off)), off);
    return onnx_axis_back(y, onnx_whole(c, "axis", -1));
}

static iv_node *build_ArgMax(onnx_call *c)
{
    iv_node *x = X;
    const int64_t axis = from_front(x, onnx_whole(c, "axis", 0));
    iv_shape kept = x ? *iv_node_shape(x) : iv_scalar();

    if (onnx_whole(c, "select_last_index", 0))
        return onnx_no(c, "it takes the last of equals");
    kept.dim[axis] = 1;
    iv_node *y = iv_argmax(x, (int)axis);
    return onnx_whole(c, "keepdims", 1) ? iv_reshape(y, kept) : y;
}

/* ---- products ------------------------------------------------------------------------------------ */

static iv_node *build_MatMul(onnx_call *c)
{
    iv_node *a = X, *b = onnx_real(c, 1);

    /* Where all axes before b's last two have length 1, b is one matrix. */
    while (rank_of(b) > 2 && rank_of(b) > rank_of(a) && iv_node_dim(b, 0) == 1) {
        iv_shape shape = { .rank = rank_of(b) - 1 };
        for (int64_t k = 0; k < shape.rank; k++)
            shape.dim[k] = iv_node_dim(b, (int)k + 1);
        b = iv_reshape(b, shape);
    }
    return iv_matmul(a, b);
}

static iv_node *build_Gemm(onnx_call *c)
{
    iv_node *y = iv_matmul_with(X, onnx_real(c, 1), onnx_whole(c, "transA", 0),
                                onnx_whole(c, "transB", 0));

    y = iv_scale(y, onnx_attribute(c, "alpha", 1));
    return onnx_has(c, 2) ? iv_add(y, iv_scale(onnx_real(c, 2), onnx_attribute(c, "beta", 1))) : y;
}

static iv_node *build_Einsum(onnx_call *c)
{
    const char *equation = onnx_text(c, "equation", "");
    char bare[64] = "";

    for (size_t n = 0; *equation && n + 1 < sizeof bare; equation++)
        if (*equation != ' ')
            bare[n++] = *equation;
    if (strcmp(bare, "bij,bjk->bik"))
        return onnx_no(c, "'%s' is no product of matrices", onnx_text(c, "equation", ""));
    return iv_matmul(X, onnx_real(c, 1));
}

/* y[j] = sum over i <= j (or <) of x[i]: a product with a triangle of ones. */
static iv_node *build_CumSum(onnx_call *c)
{
    int64_t n;
    const int64_t *axis = onnx_wholes_in(c, 1, &n);
    iv_node *x = X;

    if (!axis || n != 1)
        return NULL;
    const int64_t count = iv_node_dim(x, (int)axis[0]);
    iv_node *i = iv_reshape(iv_range(c->at->graph, count), iv_dims(count, 1));
    iv_node *j = iv_reshape(i, iv_dims(1, count));
    if (onnx_whole(c, "reverse", 0)) {
        iv_node *turned = i;
        i = j;
        j = turned;
    }
    iv_node *triangle = onnx_whole(c, "exclusive", 0) ? iv_less(i, j) : iv_less_equal(i, j);
    if (onnx_whole(c, "reverse", 0))
        triangle = iv_transpose(triangle, iv_dims(1, 0));
    iv_node *rows = onnx_axis_last(x, axis[0]);
    if (rank_of(rows) == 1)
        return iv_reshape(iv_matmul(iv_reshape(rows, iv_dims(1, count)), triangle), iv_dims(count));
    return onnx_axis_back(iv_matmul(rows, triangle), axis[0]);
}

/* ---- reductions ---------------------------------------------------------------------------------- */

typedef iv_node *reduce(iv_node *x, int axis, bool keep);

static iv_node *log_sum_exp(iv_node *x, int axis, bool keep)
{
    iv_node *y = iv_log_sum_exp(onnx_axis_last(x, axis));
    iv_shape shape = x ? *iv_node_shape(x) : iv_scalar();

    shape.dim[axis] = 1;
    return keep ? iv_reshape(y, shape) : y;
}

/* Axes are an attribute, or from some version on an input; none: all. */
static iv_node *reduced(onnx_call *c, iv_node *x, reduce *by)
{
    int64_t n;
    const int64_t *axes = onnx_has(c, 1) ? onnx_wholes_in(c, 1, &n) : onnx_wholes(c, "axes", &n);
    iv_node *y = x;
    const int64_t rank = rank_of(y);
    const bool keep = onnx_whole(c, "keepdims", 1);

    if (!n && onnx_whole(c, "noop_with_empty_axes", 0))
        return y;
    for (int64_t k = rank; k-- > 0;) { /* from behind, so that the others stay in place */
        bool named = !n;
        for (int64_t i = 0; i < n; i++)
            named |= (axes[i] < 0 ? axes[i] + rank : axes[i]) == k;
        y = named ? by(y, (int)k, keep) : y;
    }
    return y;
}

static iv_node *build_ReduceSum(onnx_call *c)
{
    return reduced(c, X, iv_sum);
}

static iv_node *build_ReduceMean(onnx_call *c)
{
    return reduced(c, X, iv_mean);
}

static iv_node *build_ReduceMax(onnx_call *c)
{
    return reduced(c, X, iv_max_of);
}

static iv_node *build_ReduceSumSquare(onnx_call *c)
{
    return reduced(c, iv_square(X), iv_sum);
}

static iv_node *build_ReduceLogSumExp(onnx_call *c)
{
    return reduced(c, X, log_sum_exp);
}

/* clang-format off */
#define ROW(name) { #name, build_##name }
const onnx_operator onnx_places[] = {
    ROW(Transpose), ROW(Reshape), ROW(Expand), ROW(Squeeze), ROW(Unsqueeze), ROW(Slice), ROW(Split), ROW(Pad),
    ROW(DepthToSpace), ROW(SpaceToDepth), ROW(Gather), ROW(GatherElements), ROW(OneHot), ROW(ArgMax),
    ROW(MatMul), ROW(Gemm), ROW(Einsum), ROW(CumSum),
    ROW(ReduceSum), ROW(ReduceMean), ROW(ReduceMax), ROW(ReduceSumSquare), ROW(ReduceLogSumExp), ROW(Concat),
    { NULL, NULL },
};
/* clang-format on */
