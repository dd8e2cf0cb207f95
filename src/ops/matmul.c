/* matmul.c: products of matrices. The reference is plain; speed is the backends'. */
#include "ops/common.h"
#include "ops/common_math.h"
#include "ops/rows.h"

#include <string.h>

#include "ops/common_f32.inc"
#include "ops/matmul_kernels.inc"

#include "ops/common_f64.inc"
#include "ops/matmul_kernels.inc"
#include "ops/common_end.inc"

static const iv_field matmul_fields[] = {
    ATTR(iv__matmul, transpose_a, INT),
    ATTR(iv__matmul, transpose_b, INT),
    FIELD_END,
};

static const char *matmul_shape(iv_shape_call *s)
{
    const iv_shape *a = s->in[0], *b = s->in[1];
    const iv__matmul *attr = s->attr;

    if (s->in_dtype[0] != s->real || s->in_dtype[1] != s->real)
        return "elements must be of the graph's real type (iv_cast makes them so)";
    if (a->rank < 2 || b->rank < 2)
        return "both inputs need two axes or more";
    if (b->rank > 2 &&
        (a->rank != b->rank || memcmp(a->dim, b->dim, (size_t)(a->rank - 2) * sizeof a->dim[0])))
        return "leading axes differ";
    if (b->rank == 2 && a->rank > 2 && attr->transpose_a)
        return "a transposed a of more than two axes needs a b with the same leading axes";

    const int64_t m = a->dim[a->rank - 1 - !attr->transpose_a],
                  inner = a->dim[a->rank - 1 - !!attr->transpose_a];
    const int64_t n = b->dim[b->rank - 1 - !!attr->transpose_b];

    if (inner != b->dim[b->rank - 1 - !attr->transpose_b])
        return "inner sizes differ";
    s->out[0] = *a;
    s->out[0].dim[a->rank - 2] = m;
    s->out[0].dim[a->rank - 1] = n;
    s->out_dtype[0] = s->real;
    return NULL;
}

static iv_node *as_rows(iv_node *x) /* [..., N] -> [R,N] */
{
    return x ? iv_reshape(x, iv_dims(iv__dims_product(&x->shape, 0, x->shape.rank - 1),
                                     iv_node_dim(x, -1)))
             : NULL;
}

/* Y = A B: dA = dY B^T, dB = A^T dY, each transposed where its input is stored so. */
static void matmul_gradient(iv_gradient_call *g)
{
    const iv__matmul *attr = g->attr;
    const bool ta = attr->transpose_a, tb = attr->transpose_b;
    iv_node *a = g->x[0], *b = g->x[1], *dy = g->dy[0];

    if (g->need[0])
        g->dx[0] = ta ? iv_matmul_with(b, dy, tb, true) : iv_matmul_with(dy, b, false, !tb);
    if (b->shape.rank == 2) {
        a = as_rows(a);
        dy = as_rows(dy);
    }
    if (g->need[1])
        g->dx[1] = tb ? iv_matmul_with(dy, a, true, ta) : iv_matmul_with(a, dy, !ta, false);
}

static void matmul_step(iv_step *s)
{
    const iv__matmul *attr = s->call->attr;
    const iv_shape *a = &s->call->in[0]->shape;
    const int row_axis = (int)a->rank - (attr->transpose_a ? 1 : 2);

    if (s->moves[1])
        iv_step_refuse(s, "its second input changes with time");
    else if (s->axis[0] >= 0 && s->axis[0] != row_axis && s->axis[0] >= a->rank - 2)
        iv_step_refuse(s, LOOKS_AHEAD);
    else {
        if (s->call->in[1]->shape.rank > 2 && s->axis[0] >= 0 && s->axis[0] < a->rank - 2)
            s->in[1] = iv_step_narrow(s, 1, s->axis[0]);
        iv_step_same(s, attr, s->axis[0] == row_axis ? (int)a->rank - 2 : s->axis[0]);
    }
}

/* Records are rows of a, or leading axes of both; or both are summed over them. */
static void matmul_apart(iv_apart *a)
{
    const iv__matmul *attr = a->call->attr;
    const int64_t rank = a->call->in[0]->shape.rank, rows = iv__apart_rows(a);

    if (a->call->in[1]->shape.rank > 2)
        iv_apart_each(a, attr, rows);
    else if (rank == 2 && attr->transpose_a && !attr->transpose_b)
        iv__apart_sum(a);
    else if (!attr->transpose_a && iv_apart_records(a, 0, rows) && iv_apart_same(a, 1))
        iv_apart_output(a, 0, iv_apart_call(a, attr), rows);
}

static const iv_op op_matmul = {
    .name = "matmul",
    .says = "y[m,n] = sum over k of a[m,k] b[k,n]",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .flags = IV_PRODUCT,
    ATTRS(matmul_fields, iv__matmul),
    .shape = matmul_shape,
    .gradient = matmul_gradient,
    .step = matmul_step,
    .apart = matmul_apart,
    KERNELS(matmul),
};

iv_node *iv_matmul_with(iv_node *a, iv_node *b, bool transpose_a, bool transpose_b)
{
    if (a && b && transpose_a && a->shape.rank > 2 && b->shape.rank == 2) {
        iv_shape order = { .rank = a->shape.rank };

        for (int k = 0; k < order.rank; k++)
            order.dim[k] = k;
        order.dim[order.rank - 2] = order.rank - 1;
        order.dim[order.rank - 1] = order.rank - 2;
        return iv_matmul_with(iv_transpose(a, order), b, false, transpose_b);
    }
    return iv__apply2(&op_matmul, a, b, &(iv__matmul){ transpose_a, transpose_b });
}

iv_node *iv_matmul(iv_node *a, iv_node *b)
{
    return iv_matmul_with(a, b, false, false);
}

const iv_op *const iv__ops_matmul[] = { &op_matmul, NULL };
