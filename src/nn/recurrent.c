/* recurrent.c: LSTM, GRU and simple recurrent layers over whole sequences. */
#include "nn/scope.h"

#include "graph/node.h"

static const char *const kinds[] = {
    [IV_LSTM] = "lstm",
    [IV_GRU] = "gru",
    [IV_SIMPLE_RNN] = "simple_rnn",
};
static const int gates[] = { [IV_LSTM] = 4, [IV_GRU] = 3, [IV_SIMPLE_RNN] = 1 };

/* The layer's weights and states, its scope being open. */
static iv_recurrent_out run(iv_scope *layer, iv_cell cell, iv_node *x, const iv_recurrent_options *o)
{
    int64_t in = iv_node_dim(x, 2), h = o->units, all = gates[cell] * h; /* x [N,T,I] */
    iv_shape state = iv_dims(iv_node_dim(x, 0), h);
    bool two_biases = cell == IV_GRU && !o->reset_before;
    iv_node *w = iv_param(layer, "kernel", iv_dims(in, all), IV_GLOROT_UNIFORM);
    iv_node *u = iv_param(layer, "recurrent_kernel", iv_dims(h, all), IV_ORTHOGONAL);
    iv_node *b = iv_param(layer, "bias", two_biases ? iv_dims(2, all) : iv_dims(all),
                          cell == IV_LSTM ? IV_LSTM_BIAS : IV_ZEROS);
    iv_node *h0 = o->h0 ? o->h0 : iv_fill(layer->graph, state, 0);

    switch (cell) {
    case IV_LSTM:
        return iv_lstm_op(x, w, u, b, h0, o->c0 ? o->c0 : iv_fill(layer->graph, state, 0), o->mask,
                          o->reverse);
    case IV_GRU: return iv_gru_op(x, w, u, b, h0, o->mask, two_biases, o->reverse);
    default: return iv_simple_rnn_op(x, w, u, b, h0, o->mask, o->reverse);
    }
}

static bool may_run(iv_scope *layer, iv_cell cell, const iv_node *x, const iv_recurrent_options *o)
{
    char text[200];

    if (x->shape.rank != 3)
        iv_refuse(layer->graph, IV_SHAPE, "%s: x must be [N,T,I] (x = %s)", layer->name,
                  iv__node_text(x, text, sizeof text));
    else if (o->units < 1 || o->units > INT32_MAX)
        iv_refuse(layer->graph, IV_VALUE, "%s: .units must be at least 1 and is %lld", layer->name,
                  (long long)o->units);
    else if (o->c0 && cell != IV_LSTM)
        iv_refuse(layer->graph, IV_VALUE,
                  "%s: .c0 is the cell state of an lstm; this cell has none", layer->name);
    return !layer->graph->status;
}

static iv_node *recurrent(iv_scope *scope, iv_cell cell, iv_node *x, const iv_recurrent_options *o)
{
    iv_scope *layer = iv__layer_of(scope, x, o, kinds[cell]);
    iv_recurrent_out out = { 0 };

    if (layer && may_run(layer, cell, x, o))
        out = run(layer, cell, x, o);
    if (o->states)
        *o->states = out;
    return iv__layer_close(layer, out.y);
}

iv_node *iv_lstm_with(iv_scope *scope, iv_node *x, const iv_recurrent_options *o)
{
    return recurrent(scope, IV_LSTM, x, o);
}

iv_node *iv_gru_with(iv_scope *scope, iv_node *x, const iv_recurrent_options *o)
{
    return recurrent(scope, IV_GRU, x, o);
}

iv_node *iv_simple_rnn_with(iv_scope *scope, iv_node *x, const iv_recurrent_options *o)
{
    return recurrent(scope, IV_SIMPLE_RNN, x, o);
}

iv_node *iv_recurrent_with(iv_scope *scope, iv_node *x, const iv_recurrent_options *o)
{
    if (o->cell <= IV_SIMPLE_RNN)
        return recurrent(scope, o->cell, x, o);
    if (o->states)
        *o->states = (iv_recurrent_out){ 0 };
    return scope ? iv_refuse(scope->graph, IV_VALUE, "there is no recurrent cell number %d", (int)o->cell)
                 : NULL;
}
