/* optimizer.c: updates of parameters from their gradients, as graph: for each parameter one chain
 * of pointwise rows. What changes from step to step comes in as numbers, so the graph stays as it
 * is. Sources: Polyak 1964; Nesterov 1983; Tieleman & Hinton 2012; Kingma & Ba 2015;
 *          Loshchilov & Hutter 2019. */
#include <ivory/nn.h>

#include "graph/node.h"
#include "nn/params.h"
#include "ops/common_math.h"

#include <string.h>

/* ---- options --------------------------------------------------------------------------------- */

/* Zero means the default, IV_ZERO an explicit zero. */
static double option(double given, double normal)
{
    return given == (double)IV_ZERO ? 0 : given == 0 ? normal : given;
}

static iv_optimizer with_defaults(const iv_optimizer *o)
{
    iv_optimizer full = { 0 };

    memcpy(&full, o, o->size < sizeof full ? o->size : sizeof full); /* size 0: all defaults */
    o = &full;
    full.rate = option(o->rate, o->kind == IV_SGD ? 0.01 : 0.001);
    full.momentum = option(o->momentum, 0);
    full.rho = option(o->rho, 0.9);
    full.beta1 = option(o->beta1, 0.9);
    full.beta2 = option(o->beta2, 0.999);
    full.epsilon = option(o->epsilon, 1e-7);
    full.weight_decay = option(o->weight_decay, o->kind == IV_ADAMW ? 0.004 : 0);
    full.clip_norm = option(o->clip_norm, 0);
    full.clip_value = option(o->clip_value, 0);
    full.average = option(o->average, 0);
    return full;
}

static bool is_share(double x) /* of an average that forgets */
{
    return x >= 0 && x < 1;
}

/* NULL, or what is wrong with them. */
static const char *wrong(const iv_optimizer *o)
{
    if (o->kind > IV_ADAMW)
        return "there is no such kind";
    if (!is_share(o->momentum) || !is_share(o->rho) || !is_share(o->beta1) || !is_share(o->beta2))
        return "momentum, rho, beta1 and beta2 must be in [0,1)";
    if (!is_share(o->average))
        return "average must be in [0,1)";
    if (!(o->rate >= 0) || !(o->epsilon >= 0) || !(o->weight_decay >= 0))
        return "rate, epsilon and weight_decay must not be negative";
    if (!(o->clip_norm >= 0) || !(o->clip_value >= 0))
        return "clip_norm and clip_value must not be negative";
    if (o->clip_norm > 0 && o->clip_value > 0)
        return "clip_norm and clip_value exclude each other";
    if (o->nesterov && (o->kind != IV_SGD || o->momentum == 0))
        return "nesterov needs sgd with momentum";
    return NULL;
}

double iv_optimizer_rate(const iv_optimizer *o)
{
    return with_defaults(o).rate;
}

/* ---- numbers --------------------------------------------------------------------------------- */

enum { NUMBER_RATE, NUMBER_DECAY, NUMBER_NEW };

void iv_optimizer_numbers(const iv_optimizer *o, double rate, int64_t step,
                          double number[IV_OPTIMIZER_NUMBERS])
{
    const iv_optimizer full = with_defaults(o);
    double t = (double)step + 1;

    memset(number, 0, IV_OPTIMIZER_NUMBERS * sizeof *number);
    number[NUMBER_RATE] = rate;
    number[NUMBER_DECAY] = rate * full.weight_decay;
    number[NUMBER_NEW] = 1 / t > 1 - full.average ? 1 / t : 1 - full.average;
    if (full.kind == IV_ADAM || full.kind == IV_ADAMW) /* the bias correction of both averages */
        number[NUMBER_RATE] *= sqrt(1 - iv__power(full.beta2, t)) / (1 - iv__power(full.beta1, t));
}

/* ---- graph ----------------------------------------------------------------------------------- */

typedef struct building {
    iv_graph *graph;
    iv_params *params;
    iv_optimizer o;
    iv_node *rate, *decay, *new_share; /* scalars */
    iv_update *updates;
    int n_updates;
} building;

static iv_node *number_of(iv_node *numbers, int i)
{
    return iv_reshape(iv_slice(numbers, 0, i, 1, 1), iv_scalar());
}

static void update(building *b, iv_node *leaf, iv_node *value)
{
    b->updates[b->n_updates++] = (iv_update){ leaf, value };
}

/* The optimizer's own state PART of a parameter. */
static iv_node *state_of(building *b, const iv_node *parameter, const char *part)
{
    const char *name = iv__arena_print(&b->graph->arena, IV__OPTIMIZER_PREFIX "%s/%s",
                                       iv_node_name(parameter), part);

    if (!name)
        return iv_refuse(b->graph, IV_NOMEM, "%s", iv_home_message(b->graph->home));
    return iv__params_leaf(b->params, b->graph, name, parameter->shape, IV_ZEROS, NULL);
}

/* m + (x - m) (1 - keep): an average that forgets. */
static iv_node *averaged(iv_node *m, iv_node *x, double keep)
{
    return iv_add(m, iv_scale(iv_sub(x, m), 1 - keep));
}

/* The average of the weights: of the first updates the plain mean. */
static void average(building *b, const iv_node *parameter, iv_node *w)
{
    iv_node *a = state_of(b, parameter, IV__AVERAGE);

    update(b, a, iv_add(a, iv_mul(iv_sub(w, a), b->new_share)));
}

/* Each rule returns the new parameter from w (already decayed) and the gradient g (already
 * clipped). */
static iv_node *sgd(building *b, const iv_node *parameter, iv_node *w, iv_node *g)
{
    iv_node *step = iv_mul(b->rate, g);

    if (b->o.momentum == 0)
        return iv_sub(w, step);
    iv_node *v = state_of(b, parameter, "momentum");
    iv_node *next = iv_sub(iv_scale(v, b->o.momentum), step);
    update(b, v, next);
    return b->o.nesterov ? iv_sub(iv_add(w, iv_scale(next, b->o.momentum)), step) : iv_add(w, next);
}

static iv_node *rmsprop(building *b, const iv_node *parameter, iv_node *w, iv_node *g)
{
    iv_node *s = state_of(b, parameter, "velocity");
    iv_node *next = averaged(s, iv_square(g), b->o.rho);
    iv_node *step = iv_div(iv_mul(b->rate, g), iv_sqrt(iv_shift(next, b->o.epsilon)));

    update(b, s, next);
    if (b->o.momentum > 0) {
        iv_node *m = state_of(b, parameter, "momentum");
        step = iv_add(iv_scale(m, b->o.momentum), step);
        update(b, m, step);
    }
    return iv_sub(w, step);
}

static iv_node *adam(building *b, const iv_node *parameter, iv_node *w, iv_node *g)
{
    iv_node *m = state_of(b, parameter, "momentum"), *v = state_of(b, parameter, "velocity");
    iv_node *next_m = averaged(m, g, b->o.beta1), *next_v = averaged(v, iv_square(g), b->o.beta2);

    update(b, m, next_m);
    update(b, v, next_v);
    return iv_sub(w, iv_div(iv_mul(b->rate, next_m), iv_shift(iv_sqrt(next_v), b->o.epsilon)));
}

static iv_node *norm_of(int n, iv_node *const gradient[])
{
    iv_node *sum = NULL;

    for (int i = 0; i < n; i++) {
        iv_node *squares = iv_sum_all(iv_square(gradient[i]));
        sum = i ? iv_add(sum, squares) : squares;
    }
    return iv_sqrt(sum);
}

static iv_node *clipped(building *b, iv_node *g, iv_node *norm)
{
    if (b->o.clip_value > 0)
        return iv_clip(g, -b->o.clip_value, b->o.clip_value);
    if (b->o.clip_norm > 0) {
        iv_node *limit = iv_fill(b->graph, iv_scalar(), b->o.clip_norm);
        return iv_mul(g, iv_div(limit, iv_max(norm, limit)));
    }
    return g;
}

static bool check(iv_graph *graph, const iv_optimizer *o, int n, iv_node *const parameter[],
                  iv_node *const gradient[])
{
    const char *why = n < 1 ? "there is no parameter to change" : wrong(o);
    char one[200], two[200];

    if (why)
        return iv_refuse(graph, IV_VALUE, "optimizer: %s", why);
    for (int i = 0; i < n; i++) {
        if (!parameter[i] || !gradient[i])
            return iv_refuse(graph, IV_VALUE, "optimizer: parameter or gradient %d is missing", i);
        if (parameter[i]->call->op != &iv__op_parameter ||
            !iv_shape_same(&parameter[i]->shape, &gradient[i]->shape))
            return iv_refuse(graph, IV_SHAPE, "optimizer: %s is no parameter, or %s is not shaped as it",
                             iv__node_text(parameter[i], one, sizeof one),
                             iv__node_text(gradient[i], two, sizeof two));
    }
    return !graph->status;
}

int iv_optimizer_build(iv_graph *graph, iv_params *params, const iv_optimizer *o, int n,
                       iv_node *const parameter[], iv_node *const gradient[], iv_update updates[],
                       iv_node **norm)
{
    static iv_node *(*const rules[])(building *, const iv_node *, iv_node *, iv_node *) = {
        [IV_SGD] = sgd,
        [IV_RMSPROP] = rmsprop,
        [IV_ADAM] = adam,
        [IV_ADAMW] = adam,
    };
    const char *around = graph->scope;

    if (norm)
        *norm = NULL;
    if (o->size > sizeof *o) {
        iv_refuse(graph, IV_VALUE, "optimizer: its options have a size that this library does not know");
        return -1;
    }
    const iv_optimizer full = with_defaults(o);
    if (!check(graph, &full, n, parameter, gradient))
        return -1;
    graph->scope = "optimizer";
    iv_node *numbers = iv_input(graph, "optimizer", graph->real, iv_dims(IV_OPTIMIZER_NUMBERS));
    building b = { .graph = graph, .params = params, .o = full, .updates = updates };
    b.rate = number_of(numbers, NUMBER_RATE); /* made first: the chains stand behind them undivided */
    b.decay = number_of(numbers, NUMBER_DECAY);
    b.new_share = number_of(numbers, NUMBER_NEW);
    iv_node *length = norm_of(n, gradient);

    for (int i = 0; i < n; i++) {
        iv_node *g = clipped(&b, gradient[i], length), *w = parameter[i];
        if (full.weight_decay > 0)
            w = iv_sub(w, iv_mul(w, b.decay));
        w = rules[full.kind](&b, parameter[i], w, g);
        update(&b, parameter[i], w);
        if (full.average > 0)
            average(&b, parameter[i], w);
    }
    graph->scope = around;
    if (norm)
        *norm = length;
    return graph->status ? -1 : b.n_updates;
}
