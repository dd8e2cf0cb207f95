/* check.c: a layer against itself: gradients against differences, f32 against f64, one thread against three, steps
 * against the whole. */
#include <ivory/check.h>

#include "base/home.h"
#include "base/random.h"
#include "graph/node.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME = 48 };
static const double slopes_agree = 1e-6, f32_agrees = 1e-4, steps_agree = 1e-9;

/* A layer built in one dtype on one home: y, what is looked at of it, and the memory of its leaves. */
typedef struct leaf {
    char name[NAME];
    iv_node *node;
    void *data; /* of a parameter: its tensor's */
    bool own;   /* data is ours to free */
} leaf;

typedef struct built {
    iv_home *home;
    const iv_check_options *o;
    iv_graph *graph;
    iv_params *params;
    iv_node **in, *y;
    int n, room;
    leaf *leaf;   /* inputs, then parameters, then what was made for the check */
    int n_varied; /* so many of these at first: what a derivative is taken for, */
    int *varied;  /* by their places in `leaf` */
    iv_node **x;  /* and their nodes */
} built;

/* ---- numbers --------------------------------------------------------------------------------- */

/* Number i of a place, in [0,1), which f32 can hold. */
static double number(const char *place, int64_t i)
{
    uint32_t word[4];

    iv__philox(iv__random_key(1, place), 0, (uint64_t)i, word);
    return (double)iv__unit_f32(word[0]);
}

static double element(const void *data, iv_dtype dtype, int64_t i)
{
    return dtype == IV_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

static void put_element(void *data, iv_dtype dtype, int64_t i, double value)
{
    if (dtype == IV_I32)
        ((int32_t *)data)[i] = (int32_t)value;
    else if (dtype == IV_F32)
        ((float *)data)[i] = (float)value;
    else
        ((double *)data)[i] = value;
}

static int64_t count_of(const leaf *l)
{
    return iv_shape_count(&l->node->shape);
}

/* ---- building -------------------------------------------------------------------------------- */

static leaf *add_leaf(built *b, const char *name, iv_node *node)
{
    if (b->n == b->room) {
        const int room = b->room ? 2 * b->room : 16;
        leaf *grown = iv__resize(b->home, b->leaf, (size_t)room * sizeof *grown);
        if (!grown)
            return NULL;
        b->leaf = grown;
        b->room = room;
    }
    leaf *l = &b->leaf[b->n++];
    *l = (leaf){ .node = node };
    snprintf(l->name, sizeof l->name, "%s", name);
    return l;
}

/* An input with numbers from low to high, or whole ones below count. */
static iv_node *give(built *b, const char *name, iv_shape shape, int64_t count, double low,
                     double high, bool sequence)
{
    const iv_dtype dtype = count ? IV_I32 : iv_graph_real(b->graph);
    iv_node *node = sequence ? iv_input_sequence(b->graph, name, dtype, shape, 1)
                             : iv_input(b->graph, name, dtype, shape);
    leaf *l = node ? add_leaf(b, name, node) : NULL;

    if (!l || !(l->data = iv__alloc_array(b->home, count_of(l), iv_dtype_size(dtype))))
        return NULL;
    l->own = true;
    for (int64_t i = 0; i < count_of(l); i++) {
        const double unit = number(name, i);
        put_element(l->data, dtype, i, count ? floor(unit * (double)count) : low + unit * (high - low));
    }
    return node;
}

static bool is_sequence(const iv_check_options *o, int k)
{
    return o->sequence && o->sequence[k];
}

/* Parameters as `like` has them, or (NULL) shaken: the same numbers in every dtype. */
static bool take_parameters(built *b, const built *like)
{
    for (int i = 0; i < iv_params_count(b->params); i++) {
        const char *name = iv_params_name(b->params, i);
        iv_tensor *t = iv_params_tensor(b->params, i);
        const iv_tensor *from = like ? iv_params_find(like->params, name) : t;
        leaf *l = add_leaf(b, name, iv_parameter(b->graph, name, t->shape));

        if (!l || !l->node)
            return false;
        l->data = t->data;
        for (int64_t k = 0; k < iv_shape_count(&t->shape); k++) {
            const double value = element(from->data, from->dtype, k);
            put_element(t->data, t->dtype, k,
                        like ? value : (double)(float)(value + 0.2 * number(name, k) - 0.1));
        }
    }
    iv_params_changed(b->params);
    return true;
}

static iv_status status_of(const built *b)
{
    const iv_status status = iv_graph_status(b->graph);

    return status                    ? iv_fail(b->home, status, "%s", iv_graph_message(b->graph))
           : iv_home_status(b->home) ? iv_home_status(b->home)
                                     : IV_NOMEM;
}

static iv_status find_varied(built *b)
{
    b->varied = iv__alloc_array(b->home, b->n + 1, sizeof *b->varied);
    b->x = iv__alloc_array(b->home, b->n + 1, sizeof(iv_node *));
    if (!b->varied || !b->x)
        return IV_NOMEM;
    for (int i = 0; i < b->n; i++)
        if (b->leaf[i].node->dtype == iv_graph_real(b->graph)) {
            b->x[b->n_varied] = b->leaf[i].node;
            b->varied[b->n_varied++] = i;
        }
    return IV_OK;
}

static iv_status build(built *b, iv_home *home, iv_dtype real, iv_built_layer *layer,
                       const iv_check_options *o, const built *like)
{
    const bool any = o->low == 0 && o->high == 0;

    *b = (built){ .home = home, .o = o };
    b->graph = iv_graph_new_real(home, real);
    b->params = b->graph ? iv_params_new(home, real, 1) : NULL;
    b->in = b->params ? iv__alloc_array(home, o->n_in + 1, sizeof(iv_node *)) : NULL;
    if (!b->in)
        return IV_NOMEM;
    for (int k = 0; k < o->n_in; k++) {
        char name[NAME];
        snprintf(name, sizeof name, "input %d", k);
        b->in[k] = give(b, name, o->in[k], o->count ? o->count[k] : 0, any ? -1 : o->low,
                        any ? 1 : o->high, is_sequence(o, k));
        if (!b->in[k])
            return status_of(b);
    }
    iv_scope *scope = iv_scope_new(b->graph, b->params, "");
    if (!scope)
        return status_of(b);
    iv_scope_training(scope, o->training);
    iv_home_clear(home); /* what went wrong before is not the layer's */
    b->y = layer(scope, b->in, o->user);
    if (!b->y && !iv_graph_status(b->graph) && !iv_home_status(home))
        return iv_fail(home, IV_VALUE, "the layer gives NULL, and nothing in it says why");
    if (!b->y || !take_parameters(b, like))
        return status_of(b);
    if (b->y->dtype != real)
        return iv_fail(home, IV_DTYPE, "the layer gives %s, which has no gradient: %s was expected",
                       iv_dtype_name(b->y->dtype), iv_dtype_name(real));
    return find_varied(b);
}

static void built_free(built *b)
{
    for (int i = 0; i < b->n; i++)
        if (b->leaf[i].own)
            iv__free(b->home, b->leaf[i].data);
    iv__free(b->home, b->leaf);
    iv__free(b->home, b->varied);
    iv__free(b->home, b->x);
    iv__free(b->home, b->in);
    iv_params_free(b->params);
    iv_graph_free(b->graph);
}

/* A plan whose leaves lie where the check has them. What is not among them stays zero (the clock of random
 * numbers). */
static iv_plan *plan_of(built *b, int n, iv_node *const outputs[])
{
    iv_plan *plan = iv_plan_new(b->home, n, outputs, 0, NULL);
    iv_status status = plan ? iv_params_bind(b->params, plan) : IV_NOMEM;

    for (int i = 0; i < b->n && !status; i++)
        if (b->leaf[i].own && iv_plan_input(plan, b->leaf[i].name))
            status = iv_plan_bind(plan, b->leaf[i].name, b->leaf[i].data, NULL);
    if (status) {
        iv_plan_free(plan);
        plan = NULL;
    }
    return plan;
}

/* The sum of nodes times numbers of their own: a scalar that feels every element. NULL where there is nothing. */
static iv_node *project(built *b, int n, iv_node *const y[], const char *what)
{
    iv_node *sum = NULL;

    for (int j = 0; j < n; j++) {
        char name[NAME];
        snprintf(name, sizeof name, "%s %d", what, j);
        iv_node *part = y[j] ? iv_sum_all(iv_mul(y[j], give(b, name, y[j]->shape, 0, -1, 1, false)))
                             : NULL;
        sum = sum && part ? iv_add(sum, part) : sum ? sum : part;
    }
    return sum;
}

/* ---- slopes ---------------------------------------------------------------------------------- */

typedef struct slopes {
    built *b;
    iv_plan *value, *gradient; /* the scalar; its derivative for everything that is varied */
    const char *what;
} slopes;

static iv_status value_at(const slopes *s, double *value)
{
    iv_params_changed(s->b->params);
    iv_status status = iv_plan_run(s->value);

    *value = status ? NAN : *(const double *)iv_plan_output(s->value, 0);
    return status;
}

static void move(leaf *l, int64_t only, double by)
{
    double *x = l->data;

    for (int64_t i = only < 0 ? 0 : only; i < (only < 0 ? count_of(l) : only + 1); i++)
        x[i] += by * (2 * number("direction", i) - 1);
}

/* The slope of the scalar along a direction of a leaf (`only` >= 0: along that element of it): as the gradient says, as
 * differences say, and how much there is of it. What is bent sharply (a step of relu) may lie within one
 * difference and not within another: the one that comes nearest counts. */
typedef struct slope {
    double rule, difference, scale;
} slope;

static iv_status look(const slopes *s, int k, int64_t only, slope *found)
{
    static const double steps[] = { 1e-5, 1e-6, 1e-4 };
    leaf *l = &s->b->leaf[s->b->varied[k]];
    const double *g = iv_plan_output(s->gradient, k);
    const size_t bytes = (size_t)count_of(l) * sizeof(double);
    void *kept = iv__alloc(s->b->home, bytes);
    double here = 0;
    iv_status status = kept ? value_at(s, &here) : IV_NOMEM;

    *found = (slope){ .difference = INFINITY };
    for (int64_t i = only < 0 ? 0 : only; i < (only < 0 ? count_of(l) : only + 1); i++) {
        const double along = g[i] * (2 * number("direction", i) - 1);
        found->rule += along;
        found->scale += fabs(along);
    }
    if (kept)
        memcpy(kept, l->data, bytes);
    for (int i = 0; i < 3 && !status; i++) {
        double above, below;
        move(l, only, steps[i]);
        status = value_at(s, &above);
        memcpy(l->data, kept, bytes);
        move(l, only, -steps[i]);
        if (!status)
            status = value_at(s, &below);
        memcpy(l->data, kept, bytes);
        const double difference = status ? NAN : (above - below) / (2 * steps[i]);
        if (!(fabs(found->rule - difference) >= fabs(found->rule - found->difference)))
            found->difference = difference;
    }
    found->scale += 1e-3 * (1 + fabs(here));
    iv__free(s->b->home, kept);
    return status;
}

static bool agrees(const slope *s)
{
    return fabs(s->rule - s->difference) <= slopes_agree * s->scale;
}

/* Which element of a leaf it is. */
static iv_status tell(const slopes *s, int k, const slope *whole)
{
    const leaf *l = &s->b->leaf[s->b->varied[k]];

    for (int64_t i = 0; i < count_of(l); i++) {
        slope one;
        iv_status status = look(s, k, i, &one);
        if (status)
            return status;
        const double along = 2 * number("direction", i) - 1;
        if (!agrees(&one))
            return iv_fail(s->b->home, IV_NUMERIC,
                           "%s of '%s', element %lld: the rule gives %.9g, differences %.9g",
                           s->what, l->name, (long long)i, one.rule / along, one.difference / along);
    }
    return iv_fail(s->b->home, IV_NUMERIC,
                   "%s of '%s' along a direction: the rule gives %.9g, differences %.9g", s->what,
                   l->name, whole->rule, whole->difference);
}

/* dx: for everything that is varied. */
static iv_status check_slopes(built *b, iv_node *scalar, iv_node *const dx[], const char *what,
                              double *largest)
{
    slopes s = { .b = b, .what = what };

    s.value = plan_of(b, 1, &scalar);
    s.gradient = s.value ? plan_of(b, b->n_varied, dx) : NULL;
    iv_status status = s.gradient ? iv_plan_run(s.gradient) : status_of(b);
    *largest = 0;
    for (int k = 0; k < b->n_varied && !status; k++) {
        slope found;
        status = look(&s, k, -1, &found);
        if (!status && !agrees(&found))
            status = tell(&s, k, &found);
        if (!status)
            *largest = fmax(*largest, fabs(found.rule - found.difference) / found.scale);
    }
    iv_plan_free(s.value);
    iv_plan_free(s.gradient);
    return status;
}

static iv_status check_gradients(built *b, iv_node *scalar, iv_node *const dx[], iv_check_report *r)
{
    iv_node **second = iv__alloc_array(b->home, b->n_varied + 1, sizeof(iv_node *));
    iv_status status = second ? check_slopes(b, scalar, dx, "the gradient", &r->first) : IV_NOMEM;

    if (!status && !b->o->first_order) {
        iv_node *again = project(b, b->n_varied, dx, "direction");
        status = again ? iv_gradient(again, b->n_varied, b->x, second) : status_of(b);
        status = status ? status_of(b)
                        : check_slopes(b, again, second, "the second gradient", &r->second);
    }
    iv__free(b->home, second);
    return status;
}

/* ---- f32 and threads ------------------------------------------------------------------------- */

static double largest_of(const void *data, iv_dtype dtype, int64_t n)
{
    double largest = 1e-30;

    for (int64_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(element(data, dtype, i)));
    return largest;
}

/* Differences are relative to the largest of b, or to `least` if that is more. */
static iv_status compare(iv_home *home, const char *what, const void *a, iv_dtype dtype_a,
                         const void *b, iv_dtype dtype_b, int64_t n, double least, double most,
                         double *largest)
{
    double scale = fmax(least, largest_of(b, dtype_b, n)), worst = 0;
    int64_t at = 0;

    for (int64_t i = 0; i < n && !isnan(worst); i++) { /* nothing is worse than what is no number */
        const double difference = fabs(element(a, dtype_a, i) - element(b, dtype_b, i)) / scale;
        if (!(difference <= worst)) {
            worst = difference;
            at = i;
        }
    }
    *largest = isnan(worst) ? worst : fmax(*largest, worst);
    return worst <= most ? IV_OK
                         : iv_fail(home, IV_NUMERIC, "%s, element %lld: %.9g and %.9g", what,
                                   (long long)at, element(a, dtype_a, at), element(b, dtype_b, at));
}

/* Gradients in f32, outputs 1 and on of a plan. What is small beside the largest of all may be rounding alone. */
static iv_status check_f32_slopes(built *wide, const iv_plan *narrow, iv_node *const dx[],
                                  iv_check_report *r)
{
    iv_plan *exact = plan_of(wide, wide->n_varied, dx);
    iv_status status = exact ? iv_plan_run(exact) : status_of(wide);
    double largest = 0;

    for (int k = 0; k < wide->n_varied && !status; k++)
        largest = fmax(largest, largest_of(iv_plan_output(exact, k), IV_F64,
                                           iv_shape_count(&wide->x[k]->shape)));
    for (int k = 0; k < wide->n_varied && !status; k++) {
        char what[NAME + 40];
        snprintf(what, sizeof what, "the gradient of '%s' in f32 and f64",
                 wide->leaf[wide->varied[k]].name);
        status = compare(wide->home, what, iv_plan_output(narrow, 1 + k), IV_F32,
                         iv_plan_output(exact, k), IV_F64, iv_shape_count(&wide->x[k]->shape),
                         1e-2 * largest, f32_agrees, &r->f32);
    }
    iv_plan_free(exact);
    return status;
}

/* y and its gradients in f32, of one thread and of three, side by side. */
static iv_status check_f32(built *wide, iv_built_layer *layer, const iv_plan *exact,
                           iv_node *const dx[], iv_check_report *r)
{
    iv_home *home[2] = { iv__home_like(wide->home, 1), iv__home_like(wide->home, 3) };
    built b[2] = { 0 };
    iv_plan *plan[2] = { NULL };
    iv_status status = home[0] && home[1] ? IV_OK : IV_NOMEM;

    for (int i = 0; i < 2 && !status; i++) {
        status = build(&b[i], home[i], IV_F32, layer, wide->o, wide);
        iv_node **outputs = status ? NULL
                                   : iv__alloc_array(home[i], b[i].n_varied + 1, sizeof *outputs);
        if (!status && !outputs)
            status = IV_NOMEM;
        if (outputs) {
            outputs[0] = b[i].y;
            iv_node *scalar = project(&b[i], 1, &b[i].y, "weight");
            status = scalar ? iv_gradient(scalar, b[i].n_varied, b[i].x, outputs + 1) : IV_NOMEM;
            plan[i] = status ? NULL : plan_of(&b[i], 1 + b[i].n_varied, outputs);
            status = plan[i] ? iv_plan_run(plan[i]) : status_of(&b[i]);
        }
        iv__free(home[i], outputs);
        if (status)
            iv_fail(wide->home, status, "%s", iv_home_message(home[i]));
    }
    const int64_t count = iv_shape_count(&wide->y->shape);
    r->f32 = 0;
    if (!status)
        status = compare(wide->home, "f32 and f64", iv_plan_output(plan[0], 0), IV_F32,
                         iv_plan_output(exact, 0), IV_F64, count, 0, f32_agrees, &r->f32);
    if (!status)
        status = check_f32_slopes(wide, plan[0], dx, r);
    for (int k = 0; !status && k <= wide->n_varied; k++) {
        const int64_t n = k ? iv_shape_count(&wide->x[k - 1]->shape) : count;
        const void *one = iv_plan_output(plan[0], k), *three = iv_plan_output(plan[1], k);
        if (memcmp(one, three, (size_t)n * sizeof(float)))
            status = iv_fail(wide->home, IV_NUMERIC, "one thread and three give other bits: %s%s",
                             k ? "the gradient of " : "the output",
                             k ? wide->leaf[wide->varied[k - 1]].name : "");
    }
    for (int i = 0; i < 2; i++) {
        iv_plan_free(plan[i]);
        if (b[i].home)
            built_free(&b[i]);
        iv_home_free(home[i]);
    }
    return status;
}

/* ---- steps ----------------------------------------------------------------------------------- */

typedef struct stepping {
    iv_stepper *stepper;
    int n_states;
    const iv_stepper_state *states;
    iv_plan *start, *step;
    int64_t length;
} stepping;

static iv_status stepping_new(built *b, stepping *s)
{
    bool same = true;

    for (int k = 0; k < b->o->n_in; k++)
        if (is_sequence(b->o, k)) {
            const iv_shape *shape = &b->in[k]->shape;
            same = same && shape->dim[0] > 0 && (!s->length || shape->dim[1] == s->length);
            s->length = shape->dim[1];
        }
    if (!same || !s->length || b->y->shape.rank < 2 || !b->y->shape.dim[0] ||
        b->y->shape.dim[1] != s->length)
        return iv_fail(b->home, IV_SHAPE,
                       "a layer that is stepped gives [N,T,...] of the length that its sequences have");
    s->stepper = iv_stepper_new(1, &b->y);
    if (!s->stepper)
        return status_of(b);
    s->n_states = iv_stepper_states(s->stepper, &s->states);
    iv_node *y = iv_stepper_output(s->stepper, 0);
    iv_node **starts = iv__alloc_array(b->home, s->n_states + 1, sizeof *starts);
    iv_update *updates = iv__alloc_array(b->home, s->n_states + 1, sizeof *updates);
    bool bound = starts && updates;

    for (int i = 0; i < s->n_states && bound; i++) {
        starts[i] = s->states[i].start;
        updates[i] = (iv_update){ s->states[i].leaf, s->states[i].next };
    }
    if (bound && s->n_states)
        bound = (s->start = plan_of(b, s->n_states, starts)) != NULL;
    if (bound)
        bound = (s->step = iv_plan_new(b->home, 1, &y, s->n_states, updates)) &&
                !iv_params_bind(b->params, s->step);
    iv__free(b->home, starts);
    iv__free(b->home, updates);
    return bound ? IV_OK : status_of(b);
}

/* Position t of every input that is a sequence; the others whole. */
static void give_position(const built *b, const stepping *s, int64_t t)
{
    for (int k = 0; k < b->o->n_in; k++) {
        const leaf *l = &b->leaf[k];
        const size_t whole = (size_t)count_of(l) * iv_dtype_size(l->node->dtype);
        char *to = iv_plan_input(s->step, l->name);
        if (to && !is_sequence(b->o, k))
            memcpy(to, l->data, whole);
        if (!to || !is_sequence(b->o, k))
            continue;
        const size_t records = (size_t)l->node->shape.dim[0], record = whole / records,
                     place = record / (size_t)s->length;
        for (size_t n = 0; n < records; n++)
            memcpy(to + n * place, (const char *)l->data + n * record + (size_t)t * place, place);
    }
}

static iv_status check_steps(built *b, const iv_plan *exact, iv_check_report *r)
{
    stepping s = { 0 };
    iv_status status = stepping_new(b, &s);
    const double *whole = iv_plan_output(exact, 0);
    double *stepped = NULL;

    if (!status)
        stepped = iv__alloc_array(b->home, iv_shape_count(&b->y->shape), sizeof *stepped);
    if (!status && !stepped)
        status = IV_NOMEM;
    if (!status && s.start)
        status = iv_plan_run(s.start);
    for (int i = 0; i < s.n_states && !status; i++) {
        const iv_node *state = s.states[i].leaf;
        void *to = iv_plan_input(s.step, iv_node_name(state));
        if (to)
            memcpy(to, iv_plan_output(s.start, i),
                   (size_t)iv_shape_count(&state->shape) * iv_dtype_size(state->dtype));
        else
            status = IV_NOMEM;
    }
    for (int64_t t = 0; t < s.length && !status; t++) {
        const size_t records = (size_t)b->y->shape.dim[0],
                     record = (size_t)iv_shape_count(&b->y->shape) / records,
                     place = record / (size_t)s.length;
        give_position(b, &s, t);
        status = iv_plan_run(s.step);
        const double *y = status ? NULL : iv_plan_output(s.step, 0);
        for (size_t n = 0; n < records && y; n++)
            memcpy(stepped + n * record + (size_t)t * place, y + n * place, place * sizeof *y);
    }
    r->steps = 0;
    if (!status)
        status = compare(b->home, "steps and the whole", stepped, IV_F64, whole, IV_F64,
                         iv_shape_count(&b->y->shape), 0, steps_agree, &r->steps);
    iv__free(b->home, stepped);
    iv_plan_free(s.start);
    iv_plan_free(s.step);
    iv_stepper_free(s.stepper);
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static iv_status check(built *b, iv_home *home, iv_built_layer *layer, const iv_check_options *o,
                       iv_check_report *r)
{
    iv_status status = build(b, home, IV_F64, layer, o, NULL);
    iv_node **dx = status ? NULL : iv__alloc_array(home, b->n_varied + 1, sizeof(iv_node *));

    if (!dx)
        return status ? status : IV_NOMEM;
    r->parameters = iv_params_elements(b->params, "");
    r->elements = iv_shape_count(&b->y->shape);
    iv_plan *exact = plan_of(b, 1, &b->y);
    status = exact ? iv_plan_run(exact) : status_of(b);
    if (!status && o->sequence)
        status = check_steps(b, exact, r);
    iv_node *scalar = status ? NULL : project(b, 1, &b->y, "weight");
    if (scalar)
        status = iv_gradient(scalar, b->n_varied, b->x, dx) ? status_of(b)
                                                            : check_gradients(b, scalar, dx, r);
    else if (!status)
        status = status_of(b);
    if (!status)
        status = check_f32(b, layer, exact, dx, r);
    iv_plan_free(exact);
    iv__free(home, dx);
    return status;
}

iv_status iv_check_layer_with(iv_home *home, iv_built_layer *layer, iv_check_report *report,
                              const iv_check_options *options)
{
    iv_check_options o = { 0 };
    iv_check_report found = { .first = NAN, .second = NAN, .f32 = NAN, .steps = NAN };
    built b = { .home = home };

    memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
    if (o.n_in < 0 || (o.n_in && !o.in))
        return iv_fail(home, IV_VALUE, "iv_check_layer: the shapes of %d inputs are missing", o.n_in);
    iv_status status = check(&b, home, layer, &o, &found);
    built_free(&b);
    if (report)
        *report = found;
    return status;
}
