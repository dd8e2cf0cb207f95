/* layers.c: normalisations, softmax and recurrent operators, and what they are in Ivory's words. */
#include "onnx/import.h"

#include <math.h>
#include <string.h>

#define X onnx_real(c, 0)

/* ---- normalisations: Ivory's layers, with the inputs as their parameters ------------------------- */

/* Layers are named by their node, so that two of them do not share parameters. */
static bool set_parameters(onnx_call *c, const char *layer, int n)
{
    static const char *const names[] = { "gamma", "beta", "moving_mean", "moving_variance" };

    for (int k = 0; k < n; k++) {
        char *name = iv__arena_print(&c->at->arena, "%s/%s", layer, names[k]);
        if (!name || !onnx_set(c, name, 1 + k))
            return false;
    }
    return true;
}

static const char *layer_name(onnx_call *c)
{
    return iv__arena_print(&c->at->arena, "layer%d", (int)(c->node - c->at->model->nodes));
}

static iv_node *build_BatchNormalization(onnx_call *c)
{
    const char *name = layer_name(c);
    const bool training = onnx_whole(c, "training_mode", 0);
    const iv_update *updates;

    iv_scope_training(c->at->scope, training);
    iv_node *y = iv_batch_normalization(c->at->scope, onnx_channels_last(X), .name = name,
                                        .epsilon = onnx_attribute(c, "epsilon", 1e-5),
                                        .momentum = onnx_attribute(c, "momentum", 0.9));
    if (!y || !set_parameters(c, name, 4))
        return NULL;
    const int n = iv_scope_updates(c->at->scope, &updates);
    for (int i = 0; i < n; i++) /* mean and variance, in this order */
        onnx_give(c, 1 + (strstr(iv_node_name(updates[i].leaf), "variance") != NULL), updates[i].value);
    return onnx_channels_first(y);
}

static iv_node *build_InstanceNormalization(onnx_call *c)
{
    const char *name = layer_name(c);
    iv_node *y = iv_instance_normalization(c->at->scope, onnx_channels_last(X), .name = name,
                                           .epsilon = onnx_attribute(c, "epsilon", 1e-5));

    return y && set_parameters(c, name, 2) ? onnx_channels_first(y) : NULL;
}

/* Over the axes from `axis` on, which are made one. */
static iv_node *build_LayerNormalization(onnx_call *c)
{
    const char *name = layer_name(c);
    const double epsilon = onnx_attribute(c, "epsilon", 1e-5);
    iv_node *x = X;
    iv_shape shape = x ? *iv_node_shape(x) : iv_scalar(), means = shape;
    int64_t axis = onnx_whole(c, "axis", -1), rows = 1;

    axis += axis < 0 ? shape.rank : 0;
    for (int64_t k = 0; k < shape.rank; k++) {
        rows *= k < axis ? shape.dim[k] : 1;
        means.dim[k] = k < axis ? shape.dim[k] : 1;
    }
    x = iv_reshape(x, iv_dims(rows, rows ? iv_shape_count(&shape) / rows : 1));
    iv_node *mean = iv_mean(x, -1, true), *variance = iv_mean(iv_square(iv_sub(x, mean)), -1, true);
    onnx_give(c, 1, iv_reshape(mean, means));
    onnx_give(c, 2, iv_reshape(iv_reciprocal(iv_sqrt(iv_shift(variance, epsilon))), means));
    iv_node *y = iv_layer_normalization(c->at->scope, x, .name = name, .epsilon = epsilon,
                                        .no_centre = !onnx_has(c, 2));
    return y && set_parameters(c, name, onnx_has(c, 2) ? 2 : 1) ? iv_reshape(y, shape) : NULL;
}

/* ---- normalised exponentials --------------------------------------------------------------------- */

static iv_node *along(onnx_call *c, iv_node *of(iv_node *))
{
    const int64_t axis = onnx_whole(c, "axis", -1);

    return onnx_axis_back(of(onnx_axis_last(X, axis)), axis);
}

static iv_node *build_Softmax(onnx_call *c)
{
    return along(c, iv_softmax);
}

static iv_node *build_LogSoftmax(onnx_call *c)
{
    return along(c, iv_log_softmax);
}

/* ---- recurrent operators -------------------------------------------------------------------------- */

/* What a recurrent operator is given for one direction, in Ivory's layouts. */
typedef struct recurrent {
    int64_t gates, units, directions, batch, length;
    const int *order; /* Ivory's gate k is that of ONNX */
    iv_node *x;       /* [N,T,I] */
    iv_node *mask;    /* [N,T], or NULL */
} recurrent;

static iv_node *direction(iv_node *x, int64_t d) /* without axis 0 */
{
    iv_shape shape = { .rank = x ? iv_node_shape(x)->rank - 1 : 0 };

    for (int64_t k = 0; k < shape.rank; k++)
        shape.dim[k] = iv_node_dim(x, (int)k + 1);
    return iv_reshape(iv_slice(x, 0, d, 1, 1), shape);
}

/* Gates along axis 0 in Ivory's order. */
static iv_node *in_order(iv_node *x, const recurrent *r)
{
    iv_node *parts[4];

    for (int64_t k = 0; k < r->gates; k++)
        parts[k] = iv_slice(x, 0, r->order[k] * r->units, r->units, 1);
    return iv_concat((int)r->gates, parts, 0);
}

static iv_node *weights(onnx_call *c, int input, int64_t d, const recurrent *r)
{
    return iv_transpose(in_order(direction(onnx_real(c, input), d), r), iv_dims(1, 0));
}

/* Part 0 of the bias joins x W, part 1 h R. */
static iv_node *bias(onnx_call *c, int64_t d, int64_t part, const recurrent *r)
{
    const int64_t width = r->gates * r->units;

    if (!onnx_has(c, 3))
        return iv_fill(c->at->graph, iv_dims(width), 0);
    return in_order(iv_slice(direction(onnx_real(c, 3), d), 0, part * width, width, 1), r);
}

static iv_node *start(onnx_call *c, int input, int64_t d, const recurrent *r)
{
    return onnx_has(c, input) ? direction(onnx_real(c, input), d)
                              : iv_fill(c->at->graph, iv_dims(r->batch, r->units), 0);
}

static bool has_usual_activations(onnx_call *c)
{
    for (int i = 0; i < c->node->n_attributes; i++) {
        const iv__onnx_attribute *a = &c->node->attributes[i];
        if (!strcmp(a->name, "activations") || !strcmp(a->name, "clip") ||
            !strcmp(a->name, "input_forget"))
            return onnx_no(c, "it has activations, a clip or gates of its own");
    }
    return true;
}

static bool read_recurrent(onnx_call *c, recurrent *r)
{
    const char *way = onnx_text(c, "direction", "forward");
    iv_node *x = X;

    if (!x || !onnx_has(c, 2) || iv_node_shape(x)->rank != 3 || !has_usual_activations(c))
        return false;
    if (onnx_whole(c, "layout", 0))
        return onnx_no(c, "its batch comes before its time");
    r->length = iv_node_dim(x, 0);
    r->batch = iv_node_dim(x, 1);
    r->x = iv_transpose(x, iv_dims(1, 0, 2));
    r->directions = strcmp(way, "bidirectional") ? 1 : 2;
    r->units = iv_node_dim(onnx_real(c, 2), 2);
    if (onnx_has(c, 4)) {
        iv_node *at = iv_reshape(iv_range(c->at->graph, r->length), iv_dims(1, r->length));
        iv_node *lengths = iv_reshape(onnx_in(c, 4), iv_dims(r->batch, 1));
        r->mask = iv_less(iv_broadcast_to(at, iv_dims(r->batch, r->length)),
                          iv_broadcast_to(lengths, iv_dims(r->batch, r->length)));
    }
    return true;
}

static bool goes_back(const onnx_call *c, int64_t d)
{
    return d || !strcmp(onnx_text(c, "direction", "forward"), "reverse");
}

/* Outputs Y [T,D,N,H], Y_h and Y_c [D,N,H], of one or two directions. */
static iv_node *joined(onnx_call *c, const recurrent *r, const iv_recurrent_out out[2])
{
    const int64_t d = r->directions;
    iv_node *y[2], *h[2], *cell[2];

    for (int64_t i = 0; i < d; i++) {
        iv_node *all = out[i].y;
        if (r->mask) /* what lies behind an end is 0 there */
            all = iv_mul(all, iv_reshape(r->mask, iv_dims(r->batch, r->length, 1)));
        y[i] = iv_reshape(iv_transpose(all, iv_dims(1, 0, 2)),
                          iv_dims(r->length, 1, r->batch, r->units));
        h[i] = iv_reshape(out[i].h, iv_dims(1, r->batch, r->units));
        cell[i] = out[i].c ? iv_reshape(out[i].c, iv_dims(1, r->batch, r->units)) : NULL;
    }
    onnx_give(c, 1, iv_concat((int)d, h, 0));
    if (cell[0])
        onnx_give(c, 2, iv_concat((int)d, cell, 0));
    return iv_concat((int)d, y, 1);
}

/* With peepholes gates see the cell, too: step by step, in rows of one element each. */
static iv_recurrent_out peeping(onnx_call *c, const recurrent *r, int64_t d, iv_node *w, iv_node *u,
                                iv_node *b)
{
    iv_node *p = direction(onnx_real(c, 7), d), *h = start(c, 5, d, r), *cell = start(c, 6, d, r);
    iv_node *see[3], *y[64], *gate[4];

    for (int k = 0; k < 3; k++) /* i, o, f */
        see[k] = iv_slice(p, 0, k * r->units, r->units, 1);
    for (int64_t t = 0; t < r->length; t++) {
        iv_node *x = iv_reshape(iv_slice(r->x, 1, t, 1, 1), iv_dims(r->batch, iv_node_dim(r->x, 2)));
        iv_node *z = iv_add(iv_add(iv_matmul(x, w), iv_matmul(h, u)), b);
        for (int k = 0; k < 4; k++) /* i, f, g, o */
            gate[k] = iv_slice(z, 1, k * r->units, r->units, 1);
        iv_node *in = iv_sigmoid(iv_add(gate[0], iv_mul(see[0], cell)));
        iv_node *forget = iv_sigmoid(iv_add(gate[1], iv_mul(see[2], cell)));
        cell = iv_add(iv_mul(forget, cell), iv_mul(in, iv_tanh(gate[2])));
        h = iv_mul(iv_sigmoid(iv_add(gate[3], iv_mul(see[1], cell))), iv_tanh(cell));
        y[t] = iv_reshape(h, iv_dims(r->batch, 1, r->units));
    }
    return (iv_recurrent_out){ iv_concat((int)r->length, y, 1), h, cell };
}

static iv_node *build_LSTM(onnx_call *c)
{
    static const int order[] = { 0, 2, 3, 1 }; /* i, f, g, o of i, o, f, g */
    recurrent r = { .gates = 4, .order = order };
    iv_recurrent_out out[2];

    if (!read_recurrent(c, &r))
        return NULL;
    if (onnx_has(c, 7) && (r.length > 64 || goes_back(c, 0) || r.directions > 1))
        return onnx_no(c, "it has peepholes, and goes backwards or over more than 64 steps");
    if (onnx_has(c, 7) && onnx_has(c, 4)) { /* lengths that are all the same as that of x change nothing */
        int64_t n;
        const int64_t *length = onnx_wholes_in(c, 4, &n);
        for (int64_t i = 0; i < n && length; i++)
            if (length[i] != r.length)
                return onnx_no(c, "it has peepholes and sequences of several lengths");
        r.mask = NULL;
    }
    for (int64_t d = 0; d < r.directions; d++) {
        iv_node *w = weights(c, 1, d, &r), *u = weights(c, 2, d, &r);
        iv_node *b = iv_add(bias(c, d, 0, &r), bias(c, d, 1, &r));
        out[d] = onnx_has(c, 7) ? peeping(c, &r, d, w, u, b)
                                : iv_lstm_op(r.x, w, u, b, start(c, 5, d, &r), start(c, 6, d, &r),
                                             r.mask, goes_back(c, d));
    }
    return joined(c, &r, out);
}

static iv_node *build_GRU(onnx_call *c)
{
    static const int order[] = { 0, 1, 2 }; /* z, r, h in both */
    const bool after = onnx_whole(c, "linear_before_reset", 0);
    recurrent r = { .gates = 3, .order = order };
    iv_recurrent_out out[2];

    if (!read_recurrent(c, &r))
        return NULL;
    for (int64_t d = 0; d < r.directions; d++) {
        iv_node *b[2] = { bias(c, d, 0, &r), bias(c, d, 1, &r) };
        iv_node *both = iv_add(b[0], b[1]);
        for (int k = 0; k < 2; k++)
            b[k] = iv_reshape(b[k], iv_dims(1, 3 * r.units));
        out[d] = iv_gru_op(r.x, weights(c, 1, d, &r), weights(c, 2, d, &r),
                           after ? iv_concat(2, b, 0) : both, start(c, 5, d, &r), r.mask, after,
                           goes_back(c, d));
    }
    return joined(c, &r, out);
}

static iv_node *build_RNN(onnx_call *c)
{
    static const int order[] = { 0 };
    recurrent r = { .gates = 1, .order = order };
    iv_recurrent_out out[2];

    if (!read_recurrent(c, &r))
        return NULL;
    for (int64_t d = 0; d < r.directions; d++)
        out[d] = iv_simple_rnn_op(r.x, weights(c, 1, d, &r), weights(c, 2, d, &r),
                                  iv_add(bias(c, d, 0, &r), bias(c, d, 1, &r)), start(c, 5, d, &r),
                                  r.mask, goes_back(c, d));
    return joined(c, &r, out);
}

/* clang-format off */
#define ROW(name) { #name, build_##name }
const onnx_operator onnx_layers[] = {
    ROW(BatchNormalization), ROW(InstanceNormalization), ROW(LayerNormalization), ROW(Softmax), ROW(LogSoftmax),
    ROW(LSTM), ROW(GRU), ROW(RNN),
    { NULL, NULL },
};
/* clang-format on */
