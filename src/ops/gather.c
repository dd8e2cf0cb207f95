/* gather.c: places chosen by numbers: rows of a table, one of the last axis, and their adjoints.
 *
 * A number out of range reads NaN, which the finite check finds; nothing is written for it. */
#include "ops/common.h"
#include "ops/common_math.h"

#include <string.h>

enum { SHARES = 16, SHARED_ROWS = 4 }; /* of scatter_add */

#include "ops/common_f32.inc"
#include "ops/gather_kernels.inc"

#include "ops/common_f64.inc"
#include "ops/gather_kernels.inc"
#include "ops/common_end.inc"

#define INDEX_I32 "the index must be i32"
#define REALS "elements must be of the graph's real type (iv_cast makes them so)"

/* ---- gather, scatter_add --------------------------------------------------------------------- */

static const char *gather_shape(iv_shape_call *s)
{
    const iv_shape *table = s->in[0], *index = s->in[1];

    if (s->in_dtype[0] != s->real)
        return REALS;
    if (s->in_dtype[1] != IV_I32)
        return INDEX_I32;
    if (table->rank != 2)
        return "the table must be [V,E]";
    if (index->rank == IV_MAX_RANK)
        return "the index has too many axes";
    s->out[0] = iv__with_axis(index, index->rank, table->dim[1]);
    s->out_dtype[0] = s->real;
    return NULL;
}

static const char *scatter_add_shape(iv_shape_call *s)
{
    const iv_shape *x = s->in[0];
    const int64_t rows = ((const iv__count *)s->attr)->count;

    if (s->in_dtype[0] != s->real)
        return REALS;
    if (s->in_dtype[1] != IV_I32)
        return INDEX_I32;
    if (!iv__leads(s->in[1], x))
        return "x must have the axes of the index and one more";
    if (rows < 0)
        return "the number of rows is negative";
    s->out[0] = iv_dims(rows, x->dim[x->rank - 1]);
    s->out_dtype[0] = s->real;
    return NULL;
}

static void gather_gradient(iv_gradient_call *g)
{
    if (g->need[0])
        g->dx[0] = iv_scatter_add(g->dy[0], g->x[1], g->x[0]->shape.dim[0]);
}

static void scatter_add_gradient(iv_gradient_call *g)
{
    if (g->need[0])
        g->dx[0] = iv_gather(g->dy[0], g->x[1]);
}

static void gather_step(iv_step *s)
{
    if (s->moves[0])
        iv_step_refuse(s, "its table changes with time");
    else
        iv_step_same(s, NULL, s->axis[1]);
}

static void gather_apart(iv_apart *a)
{
    if (iv_apart_same(a, 0) && iv_apart_records(a, 1, a->rows[1]))
        iv_apart_output(a, 0, iv_apart_call(a, NULL), a->rows[1]);
}

static const iv_op op_gather = {
    .name = "gather",
    .says = "rows of a table: y[...,:] = table[index[...],:]",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .flags = IV_RANGED,
    .shape = gather_shape,
    .gradient = gather_gradient,
    .step = gather_step,
    .apart = gather_apart,
    KERNELS(gather),
};

static const iv_op op_scatter_add = {
    .name = "scatter_add",
    .says = "y[v,:] = sum of x[...,:] over places with index v",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    ATTRS(iv__fields_count, iv__count),
    .shape = scatter_add_shape,
    .gradient = scatter_add_gradient,
    .no_step = LOOKS_AHEAD,
    .apart = iv__apart_sum,
    KERNELS(scatter_add),
};

iv_node *iv_gather(iv_node *table, iv_node *index)
{
    return iv__apply2(&op_gather, table, index, NULL);
}

iv_node *iv_scatter_add(iv_node *x, iv_node *index, int64_t rows)
{
    return iv__apply2(&op_scatter_add, x, index, &(iv__count){ rows });
}

/* ---- pick, place, one_hot -------------------------------------------------------------------- */

static const char *pick_shape(iv_shape_call *s)
{
    if (s->in_dtype[0] != s->real)
        return REALS;
    if (s->in_dtype[1] != IV_I32)
        return INDEX_I32;
    if (!iv__leads(s->in[1], s->in[0]))
        return "x must have the axes of the index and one more";
    s->out[0] = *s->in[1];
    s->out_dtype[0] = s->real;
    return NULL;
}

static const char *spread_shape(iv_shape_call *s, const iv_shape *index, int64_t count)
{
    if (count < 1)
        return "the count must be at least 1";
    if (index->rank == IV_MAX_RANK)
        return "the index has too many axes";
    s->out[0] = iv__with_axis(index, index->rank, count);
    s->out_dtype[0] = s->real;
    return NULL;
}

static const char *place_shape(iv_shape_call *s)
{
    if (s->in_dtype[0] != s->real)
        return REALS;
    if (s->in_dtype[1] != IV_I32)
        return INDEX_I32;
    if (!iv_shape_same(s->in[0], s->in[1]))
        return "x and index must have one shape";
    return spread_shape(s, s->in[1], ((const iv__count *)s->attr)->count);
}

static const char *one_hot_shape(iv_shape_call *s)
{
    if (s->in_dtype[0] != IV_I32)
        return INDEX_I32;
    return spread_shape(s, s->in[0], ((const iv__count *)s->attr)->count);
}

static void pick_gradient(iv_gradient_call *g)
{
    if (g->need[0])
        g->dx[0] = iv_place(g->dy[0], g->x[1], iv_node_dim(g->x[0], -1));
}

static void place_gradient(iv_gradient_call *g)
{
    if (g->need[0])
        g->dx[0] = iv_pick(g->dy[0], g->x[1]);
}

/* x and index walk together; whichever stands still is taken at one position. */
static void together_step(iv_step *s)
{
    const int axis = s->axis[1] >= 0 ? s->axis[1] : s->axis[0];

    if (axis >= s->call->in[1]->shape.rank)
        iv_step_refuse(s, "time is the axis it chooses from: it would look ahead");
    else {
        for (int k = 0; k < 2 && axis >= 0; k++)
            s->in[k] = iv_step_narrow(s, k, axis);
        iv_step_same(s, s->call->attr, axis);
    }
}

static void together_apart(iv_apart *a)
{
    if (a->call->in[1]->shape.rank)
        iv__apart_all(a);
}

static void one_hot_step(iv_step *s)
{
    iv_step_same(s, s->call->attr, s->axis[0]);
}

static const iv_op op_pick = {
    .name = "pick",
    .says = "one of the last axis: y[...] = x[...,index[...]]",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .flags = IV_RANGED,
    .shape = pick_shape,
    .gradient = pick_gradient,
    .step = together_step,
    .apart = together_apart,
    KERNELS(pick),
};

static const iv_op op_place = {
    .name = "place",
    .says = "x put at one place of a new last axis, zeros elsewhere",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .flags = IV_RANGED,
    ATTRS(iv__fields_count, iv__count),
    .shape = place_shape,
    .gradient = place_gradient,
    .step = together_step,
    .apart = together_apart,
    KERNELS(place),
};

static const iv_op op_one_hot = {
    .name = "one_hot",
    .says = "1 at one place of a new last axis, zeros elsewhere",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .flags = IV_RANGED,
    ATTRS(iv__fields_count, iv__count),
    .shape = one_hot_shape,
    .no_gradient = "its input is an integer",
    .step = one_hot_step,
    .apart = iv__apart_all,
    KERNELS(one_hot),
};

iv_node *iv_pick(iv_node *x, iv_node *index)
{
    return iv__apply2(&op_pick, x, index, NULL);
}

iv_node *iv_place(iv_node *x, iv_node *index, int64_t count)
{
    return iv__apply2(&op_place, x, index, &(iv__count){ count });
}

iv_node *iv_one_hot(iv_node *index, int64_t count)
{
    return iv__apply1(&op_one_hot, index, &(iv__count){ count });
}

const iv_op *const iv__ops_gather[] = { &op_gather, &op_scatter_add, &op_pick,
                                        &op_place,  &op_one_hot,     NULL };
