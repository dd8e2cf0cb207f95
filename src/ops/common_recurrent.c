/* common_recurrent.c: shape checks, gradients and steps that the recurrent rows share. */
#include "ops/common_recurrent.h"

const iv_field iv__fields_recurrent[] = {
    ATTR(iv__recurrent, reverse, INT),
    ATTR(iv__recurrent, reset_after, INT),
    FIELD_END,
};

iv__recurrent_sizes iv__recurrent_of(const iv_kernel_call *k, int state, int inputs)
{
    const iv_shape *x = k->in[0].shape;

    return (iv__recurrent_sizes){ .n = x->dim[0],
                                  .t = x->dim[1],
                                  .i = k->in[1].shape->dim[0],
                                  .h = k->in[state].shape->dim[1],
                                  .reverse = ((const iv__recurrent *)k->attr)->reverse,
                                  .mask = k->n_in > inputs ? k->in[inputs].data : NULL,
                                  .chosen = k->in[0].dtype == IV_I32 ? k->in[0].data : NULL };
}

const char *iv__recurrent_shape(const iv_shape_call *s, int gates, int state, int inputs)
{
    const iv_shape *x = s->in[0], *w = s->in[1], *u = s->in[2], *h0 = s->in[state];

    const bool chosen = s->in_dtype[0] == IV_I32;

    for (int k = chosen; k < s->n_in; k++)
        if (s->in_dtype[k] != s->real)
            return "elements must be of the graph's real type (iv_cast makes them so)";
    if (x->rank != (chosen ? 2 : 3))
        return "x must be [N,T,I], or i32 [N,T]";
    if (w->rank != 2 || u->rank != 2)
        return "w and u must have two axes";
    if (!chosen && w->dim[0] != x->dim[2])
        return "rows of w must equal the width of x";
    if (u->dim[1] != gates * u->dim[0])
        return "u must be [H, gates H]";
    if (w->dim[1] != u->dim[1])
        return "w and u must be equally wide";
    if (h0->rank != 2 || h0->dim[0] != x->dim[0] || h0->dim[1] != u->dim[0])
        return "the first state must be [N,H]";
    if (s->n_in > inputs && (s->in[inputs]->rank != 2 || s->in[inputs]->dim[0] != x->dim[0] ||
                             s->in[inputs]->dim[1] != x->dim[1]))
        return "the mask must be [N,T]";
    return NULL;
}

static bool has_shape(const iv_shape_call *s, int k, iv_shape shape)
{
    return iv_shape_same(s->in[k], &shape);
}

const char *iv__recurrent_back_shape(const iv_shape_call *s, int gates, int states, bool kept, int inputs)
{
    enum { FIRST_STATE = 3 };
    const char *why = iv__recurrent_shape(s, gates, FIRST_STATE, inputs);

    if (why)
        return why;
    const int64_t h = s->in[2]->dim[0];
    const iv_shape state = iv_dims(s->in[0]->dim[0], h), each = iv__over_time(s, h);
    int k = FIRST_STATE + 1;
    for (int j = 1; j < states; j++)
        if (!has_shape(s, k++, state))
            return "the first states must be [N,H]";
    if (!has_shape(s, k++, each))
        return "y must be [N,T,H]";
    if (kept && (!has_shape(s, k, iv__over_time(s, gates * h)) || !has_shape(s, k + 1, each)))
        return "what is kept must be [N,T,gates H] and [N,T,H]";
    k += 2 * kept;
    if (!has_shape(s, k++, each))
        return "dy must be [N,T,H]";
    for (int j = 0; j < states; j++)
        if (!has_shape(s, k++, state))
            return "the last states' gradients must be [N,H]";
    return NULL;
}

iv_shape iv__over_time(const iv_shape_call *s, int64_t width)
{
    return iv_dims(s->in[0]->dim[0], s->in[0]->dim[1], width);
}

iv_node *iv__dy_or_zero(const iv_gradient_call *g, int j)
{
    return g->dy[j] ? g->dy[j] : iv_like(&g->y[j], 0);
}

void iv__recurrent_step(iv_step *s, int state, int n, int inputs)
{
    const iv__recurrent *attr = s->call->attr;
    iv_node *carried[2] = { NULL, NULL };

    if (attr->reverse) {
        iv_step_refuse(s, "runs backwards: it looks ahead");
        return;
    }
    if (s->axis[0] >= 0 && s->axis[0] != 1) {
        iv_step_refuse(s, "time must be axis 1 of x");
        return;
    }
    for (int k = 1; k < inputs; k++)
        if (s->moves[k]) {
            iv_step_refuse(s, k < state ? "its weights change with time"
                                        : "its first state changes with time");
            return;
        }
    s->in[0] = iv_step_narrow(s, 0, 1);
    if (s->call->n_in > inputs)
        s->in[inputs] = iv_step_narrow(s, inputs, 1);
    for (int j = 0; j < n; j++)
        s->in[state + j] = carried[j] = iv_step_state(s, state + j);

    iv_node *y = iv_apply(s->graph, s->call->op, s->call->n_in, s->in, attr);

    for (int j = 0; j < n; j++)
        iv_step_update(s, carried[j], iv_node_output(y, 1 + j));
    for (int j = 0; j < s->call->n_out; j++)
        iv_step_output(s, j, iv_node_output(y, j), j == 0 || j > n ? 1 : -1);
}

/* The first `same` inputs after x are parameters, all others hold records. */
static iv_node *apart_call(iv_apart *a, int same)
{
    bool apart = true;

    for (int k = 0; k < a->call->n_in && apart; k++)
        apart = k > 0 && k <= same ? iv_apart_same(a, k) : iv_apart_records(a, k, a->rows[0]);
    return apart ? iv_apart_call(a, a->call->attr) : NULL;
}

void iv__recurrent_apart(iv_apart *a)
{
    iv_node *made = apart_call(a, 3); /* w, u, b */

    for (int j = 0; j < a->call->n_out; j++)
        iv_apart_output(a, j, made, a->rows[0]);
}

void iv__recurrent_back_apart(iv_apart *a)
{
    iv_node *made = apart_call(a, 2); /* w, u */

    for (int j = 0; j < a->call->n_out; j++)
        iv_apart_output(a, j, made, j >= 1 && j <= 3 ? 0 : a->rows[0]); /* dw, du, db */
}
