/* match.c: weights of a file find their parameters: layers first, then the parts of each. */
#include "weights/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/home.h"
#include "base/text.h"
#include "nn/params.h"

/* A weight or a parameter, as a part of its layer. */
typedef struct part {
    const char *layer, *alias, *name; /* alias: NULL, or another name of the layer */
    const iv_shape *shape;
    int64_t place; /* in its list */
    bool late;     /* a parameter that is not learnt: Keras has it behind those that are */
    bool used;
} part;

typedef struct layer {
    const char *name, *alias;
    part *parts; /* n of them, in order */
    int64_t n, place;
    bool used; /* it has found one of the other side */
} layer;

/* One side: all parts, those of a layer together, and the layers in order. */
typedef struct side {
    part *parts;
    layer *layers;
    int64_t n, n_layers;
} side;

/* A parameter's new values. */
typedef struct pending {
    iv_tensor *parameter, *values;
} pending;

typedef struct matching {
    iv_home *home;
    const iv_weights *weights;
    iv_params *params;
    const iv_weights_options *o;
    side file, model;
    pending *pending;
    int64_t n_pending;
    iv_status status; /* of the first failure */
    iv__text message;
} matching;

/* ---- both sides ------------------------------------------------------------------------------ */

static int by_layer(const void *a, const void *b)
{
    const part *x = a, *y = b;
    const int order = strcmp(x->layer, y->layer);

    if (order || x->late != y->late)
        return order ? order : x->late - y->late;
    return x->place < y->place ? -1 : x->place > y->place;
}

static int by_place(const void *a, const void *b)
{
    const layer *x = a, *y = b;

    return x->place < y->place ? -1 : x->place > y->place;
}

/* The name behind the prefix; NULL when it does not begin so. */
static const char *behind(const char *name, const char *prefix)
{
    const size_t size = prefix ? strlen(prefix) : 0;

    return name && !strncmp(name, prefix ? prefix : "", size) ? name + size : NULL;
}

static bool group(iv_home *home, side *s)
{
    if (s->n > 1)
        qsort(s->parts, (size_t)s->n, sizeof *s->parts, by_layer);
    s->layers = iv__alloc_array(home, s->n + 1, sizeof *s->layers);
    for (int64_t i = 0; s->layers && i < s->n; i++) {
        part *p = &s->parts[i];
        if (i == 0 || strcmp(p->layer, p[-1].layer))
            s->layers[s->n_layers++] = (layer){ p->layer, p->alias, p, 0, p->place, false };
        layer *l = &s->layers[s->n_layers - 1];
        l->n++;
        l->place = p->place < l->place ? p->place : l->place;
    }
    if (s->n_layers > 1)
        qsort(s->layers, (size_t)s->n_layers, sizeof *s->layers, by_place);
    return s->layers;
}

static bool take_weights(matching *m)
{
    const iv_weights *w = m->weights;
    side *s = &m->file;

    s->parts = iv__alloc_array(m->home, w->n + 1, sizeof *s->parts);
    for (int64_t i = 0; s->parts && i < w->n; i++) {
        const iv_weight *about = &w->list[i].about;
        const char *name = behind(about->layer, m->o->from),
                   *alias = behind(w->list[i].alias, m->o->from);
        if (!about->beside && (name || alias))
            s->parts[s->n++] = (part){ .layer = name ? name : alias,
                                       .alias = alias,
                                       .name = about->part,
                                       .shape = &about->shape,
                                       .place = i };
    }
    return s->parts && group(m->home, s);
}

/* How many bytes all layers have in common, whole words with their '/', of which something is left. */
static size_t common_bytes(const side *s)
{
    size_t common = s->n ? strlen(s->parts[0].layer) : 0;

    for (int64_t i = 0; i < s->n; i++) {
        size_t same = 0;
        while (same < common && s->parts[i].layer[same] == s->parts[0].layer[same])
            same++;
        common = same;
    }
    while (common && s->parts[0].layer[common - 1] != '/')
        common--;
    return common;
}

static bool take_parameters(matching *m, iv__arena *arena)
{
    const int n = iv_params_count(m->params);
    side *s = &m->model;

    s->parts = iv__alloc_array(m->home, n + 1, sizeof *s->parts);
    for (int i = 0; s->parts && i < n; i++) {
        const char *full = iv_params_name(m->params, i), *name = behind(full, m->o->into);
        const char *slash = name ? strrchr(name, '/') : NULL;
        if (!name || iv__is_optimizers(full) || iv__is_state(full))
            continue;
        char *owner = iv__arena_print(arena, "%.*s", slash ? (int)(slash - name) : 0, name);
        if (!owner)
            return false;
        const char *own = slash ? slash + 1 : name;
        s->parts[s->n++] = (part){ .layer = owner,
                                   .name = own,
                                   .shape = &iv_params_tensor(m->params, i)->shape,
                                   .place = i,
                                   .late = !strncmp(own, "moving_", 7) };
    }
    const size_t common = s->parts && !m->o->into ? common_bytes(s) : 0;
    for (int64_t i = 0; i < s->n; i++)
        s->parts[i].layer += common;
    return s->parts && group(m->home, s);
}

/* ---- what is found is told ------------------------------------------------------------------- */

static void fail(matching *m, iv_status status)
{
    if (!m->status) {
        m->status = status;
        iv__text_put(&m->message, iv_home_message(m->home));
    }
}

static void tell(const matching *m, const part *weight, const part *parameter, bool taken,
                 const char *note)
{
    iv_weights_match match = { .taken = taken, .note = note };

    if (!m->o->sink)
        return;
    if (weight)
        match.weight = iv_weights_of(m->weights, weight->place);
    if (parameter) {
        match.parameter = iv_params_name(m->params, (int)parameter->place);
        match.shape = *parameter->shape;
    }
    m->o->sink(m->o->user, &match);
}

static const char *name_of(const matching *m, const part *weight)
{
    return iv_weights_of(m->weights, weight->place)->name;
}

static void refuse_shape(matching *m, const part *weight, const part *parameter)
{
    char is[160], wanted[160];

    tell(m, weight, parameter, false, "another shape");
    fail(m, iv_fail(m->home, IV_SHAPE, "%s: '%s' is %s, but the parameter '%s' is %s",
                    m->weights->name, name_of(m, weight), iv_shape_text(weight->shape, is, sizeof is),
                    iv_params_name(m->params, (int)parameter->place),
                    iv_shape_text(parameter->shape, wanted, sizeof wanted)));
}

/* ---- values ---------------------------------------------------------------------------------- */

/* The place of the first number that is not finite, or -1. */
static int64_t find_bad(const iv_tensor *tensor)
{
    const int64_t n = iv_shape_count(&tensor->shape);

    for (int64_t i = 0; i < n; i++) {
        const double value = tensor->dtype == IV_F64 ? ((const double *)tensor->data)[i]
                                                     : (double)((const float *)tensor->data)[i];
        if (!isfinite(value))
            return i;
    }
    return -1;
}

/* The parameter gets these values, which are the matching's from now on, once all is well. */
static void give(matching *m, const part *weight, const part *parameter, iv_tensor *values,
                 const char *note)
{
    const int64_t bad = !values || m->o->not_finite ? -1 : find_bad(values);

    if (!values) {
        fail(m, iv_home_status(m->home));
        tell(m, weight, parameter, false, "its numbers cannot be read");
        return;
    }
    m->pending[m->n_pending++] = (pending){ iv_params_tensor(m->params, (int)parameter->place), values };
    if (bad >= 0)
        fail(m, iv_fail(m->home, IV_NUMERIC,
                        "%s: element %lld of '%s' is not finite in %s: the weights are damaged, or training failed",
                        m->weights->name, (long long)bad, name_of(m, weight),
                        iv_dtype_name(values->dtype)));
    tell(m, weight, parameter, bad < 0, bad < 0 ? note : "not finite");
}

static void give_as_it_is(matching *m, part *weight, part *parameter)
{
    weight->used = parameter->used = true;
    give(m, weight, parameter,
         iv_weights_read(m->weights, weight->place,
                         iv_params_tensor(m->params, (int)parameter->place)->dtype),
         "");
}

/* All parameters of a layer from all weights of one in another layout. */
static void give_converted(matching *m, const iv__layout *layout, part *const from[], layer *to)
{
    iv_tensor *values[IV__LAYER_WEIGHTS] = { NULL };
    double *numbers[IV__LAYER_WEIGHTS] = { NULL };
    bool good = true;

    for (int i = 0; i < layout->n_from; i++) {
        values[i] = iv_weights_read(m->weights, from[i]->place, IV_F64);
        numbers[i] = values[i] ? values[i]->data : NULL;
        good = good && values[i];
        from[i]->used = true;
    }
    for (int i = 0; i < layout->n_to; i++) {
        part *p = &to->parts[i];
        iv_tensor *wide = good ? iv_tensor_new(m->home, IV_F64, *p->shape) : NULL, *result = NULL;
        if (wide) {
            iv__layout_convert(layout, numbers, i, wide->data);
            result = iv_tensor_new(m->home, iv_params_tensor(m->params, (int)p->place)->dtype,
                                   *p->shape);
        }
        if (result)
            iv__elements_copy((iv__element){ IV__REAL, 8, false }, wide->data,
                              iv_shape_count(p->shape), result->dtype, result->data);
        iv_tensor_free(wide);
        p->used = true;
        give(m, from[i], p, result, iv__layout_of(layout));
    }
    for (int i = 0; i < layout->n_from; i++)
        iv_tensor_free(values[i]);
}

/* ---- a layer and a layer --------------------------------------------------------------------- */

static part *part_called(layer *l, const char *name)
{
    for (int64_t i = 0; i < l->n; i++)
        if (!l->parts[i].used && !strcmp(l->parts[i].name, name))
            return &l->parts[i];
    return NULL;
}

/* For each parameter of `to` the weight of its name; those that are left, in order, where they are as many. */
static void pair(layer *from, layer *to, part *found[])
{
    int64_t left_from = from->n, left_to = to->n, next = 0;

    for (int64_t i = 0; i < to->n; i++) {
        found[i] = part_called(from, to->parts[i].name);
        left_from -= found[i] != NULL;
        left_to -= found[i] != NULL;
        if (found[i])
            found[i]->used = true;
    }
    for (int64_t i = 0; i < to->n && left_from == left_to; i++) {
        while (!found[i] && from->parts[next].used)
            next++;
        if (!found[i])
            found[i] = &from->parts[next++];
    }
    for (int64_t i = 0; i < from->n; i++)
        from->parts[i].used = false;
}

static bool convert(matching *m, layer *from, layer *to, part *const found[])
{
    iv__layout layout = { .n_from = (int)from->n, .n_to = (int)to->n };
    part *order[IV__LAYER_WEIGHTS];
    bool same = from->n == to->n;

    if (from->n > IV__LAYER_WEIGHTS || to->n > IV__LAYER_WEIGHTS)
        return false;
    for (int64_t i = 0; i < from->n; i++) {
        order[i] = same ? found[i] : &from->parts[i];
        layout.from[i] = order[i]->shape;
    }
    for (int64_t i = 0; i < to->n; i++)
        layout.to[i] = to->parts[i].shape;
    if (!iv__layout_of(&layout))
        return false;
    give_converted(m, &layout, order, to);
    return true;
}

static void match_layers(matching *m, layer *from, layer *to)
{
    part **found = iv__alloc_array(m->home, to->n + 1, sizeof *found);
    bool fits = found != NULL;

    if (!found) {
        fail(m, IV_NOMEM);
        return;
    }
    from->used = to->used = true;
    pair(from, to, found);
    for (int64_t i = 0; i < to->n; i++)
        fits = fits && found[i] && iv_shape_same(found[i]->shape, to->parts[i].shape);
    if (fits || !convert(m, from, to, found))
        for (int64_t i = 0; i < to->n; i++) {
            if (found[i] && iv_shape_same(found[i]->shape, to->parts[i].shape)) {
                give_as_it_is(m, found[i], &to->parts[i]);
            } else if (found[i]) {
                refuse_shape(m, found[i], &to->parts[i]);
                found[i]->used = to->parts[i].used = true;
            }
        }
    iv__free(m->home, found);
}

/* ---- which layers ---------------------------------------------------------------------------- */

/* 2: the same name; 1: one ends with the other, at a '/'; 0: neither. */
static int likeness(const char *a, const char *b)
{
    const size_t size_a = strlen(a), size_b = strlen(b);
    const char *longer = size_a > size_b ? a : b, *shorter = size_a > size_b ? b : a;
    const size_t more = size_a > size_b ? size_a - size_b : size_b - size_a;

    if (strcmp(longer + more, shorter))
        return 0;
    return more == 0 ? 2 : *shorter && longer[more - 1] == '/';
}

/* The layer of the file that is called so, if it is one alone of those that have found none yet. */
static layer *layer_called(const matching *m, const char *name, bool by_alias)
{
    layer *found[3] = { NULL };
    int count[3] = { 0 };

    for (int64_t i = 0; i < m->file.n_layers; i++) {
        layer *l = &m->file.layers[i];
        const int like = l->used ? 0 : likeness(by_alias && l->alias ? l->alias : l->name, name);
        found[like] = l;
        count[like]++;
    }
    return count[2] == 1 ? found[2] : !count[2] && count[1] == 1 ? found[1] : NULL;
}

/* Keras 3 has two names for a layer, what a person called it and what it is counted as, and one layer may have the
 * first that is another's second: so the kind of name by which more are found goes first. */
static bool match_by_name(matching *m)
{
    int64_t found[2] = { 0 };

    for (int by_alias = 0; by_alias < 2; by_alias++)
        for (int64_t i = 0; i < m->model.n_layers; i++)
            found[by_alias] += layer_called(m, m->model.layers[i].name, by_alias) != NULL;
    const bool first = found[1] > found[0];
    for (int second = 0; second < 2; second++)
        for (int64_t i = 0; i < m->model.n_layers; i++) {
            layer *to = &m->model.layers[i];
            layer *from = to->used ? NULL : layer_called(m, to->name, first != second);
            if (from)
                match_layers(m, from, to);
        }
    return found[0] || found[1];
}

static void match_in_order(matching *m)
{
    if (m->file.n_layers == 1 && m->model.n_layers > 1) { /* weights without layers */
        for (int64_t i = 0, next = 0; i < m->model.n_layers && next < m->file.n; i++) {
            const int64_t left = m->file.n - next, wanted = m->model.layers[i].n;
            layer piece = { .parts = m->file.layers[0].parts + next, .n = left < wanted ? left : wanted };
            match_layers(m, &piece, &m->model.layers[i]);
            next += piece.n;
        }
        return;
    }
    for (int64_t i = 0; i < m->model.n_layers && i < m->file.n_layers; i++)
        match_layers(m, &m->file.layers[i], &m->model.layers[i]);
}

/* ---- what is left over ----------------------------------------------------------------------- */

/* Why the parameter has found none. */
static const char *why_none(const matching *m, const part *parameter)
{
    int64_t alike = 0;

    for (int64_t i = 0; i < m->file.n_layers && m->o->match != IV_IN_ORDER; i++) {
        const layer *l = &m->file.layers[i];
        alike += !l->used && likeness(l->name, parameter->layer);
    }
    return alike > 1
               ? "several layers of the file end with its layer's name: .from (--from) says where to look"
               : "the file has no weight for it";
}

static void tell_rest(matching *m)
{
    const part *first_parameter = NULL, *first_weight = NULL;
    int64_t parameters = 0, weights = 0;
    char shape[160];

    for (int64_t i = 0; i < m->model.n; i++)
        if (!m->model.parts[i].used) {
            first_parameter = parameters++ ? first_parameter : &m->model.parts[i];
            tell(m, NULL, &m->model.parts[i], false, why_none(m, &m->model.parts[i]));
        }
    for (int64_t i = 0; i < m->file.n; i++)
        if (!m->file.parts[i].used) {
            first_weight = weights++ ? first_weight : &m->file.parts[i];
            tell(m, &m->file.parts[i], NULL, false, "no parameter wants it");
        }
    if (m->status || (m->o->partial && m->n_pending) || (!parameters && !weights))
        return;
    const part *first = parameters ? first_parameter : first_weight;
    fail(m, iv_fail(m->home, IV_NAME,
                    "%s: %lld of %lld parameters find no weight, and %lld of %lld weights no parameter: the first is "
                    "%s '%s' %s: %s",
                    m->weights->name, (long long)parameters, (long long)m->model.n, (long long)weights,
                    (long long)m->file.n, parameters ? "the parameter" : "the weight",
                    parameters ? iv_params_name(m->params, (int)first->place) : name_of(m, first),
                    iv_shape_text(first->shape, shape, sizeof shape),
                    parameters ? why_none(m, first) : "no parameter wants it"));
}

static void match_all(matching *m)
{
    m->pending = iv__alloc_array(m->home, m->model.n + 1, sizeof *m->pending);
    if (!m->pending) {
        fail(m, IV_NOMEM);
        return;
    }
    if (m->o->match == IV_IN_ORDER || (!match_by_name(m) && m->o->match == IV_BY_NAME_OR_ORDER))
        match_in_order(m);
    tell_rest(m);
}

/* ---- all ------------------------------------------------------------------------------------- */

static void commit(matching *m)
{
    for (int64_t i = 0; i < m->n_pending; i++) {
        pending *p = &m->pending[i];
        if (!m->status)
            memcpy(p->parameter->data, p->values->data, (size_t)iv_tensor_bytes(p->parameter));
        iv_tensor_free(p->values);
    }
    if (!m->status)
        iv_params_changed(m->params);
}

iv_status iv_weights_load_with(const iv_weights *weights, iv_params *params,
                               const iv_weights_options *options)
{
    iv_home *home = weights->home;
    iv_weights_options o = { 0 };
    matching m = { .home = home, .weights = weights, .params = params, .o = &o, .message.home = home };
    iv__arena arena = { .home = home };

    memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
    if (take_weights(&m) && take_parameters(&m, &arena))
        match_all(&m);
    else
        fail(&m, IV_NOMEM);
    commit(&m);
    if (m.status && !m.message.failed && m.message.size)
        iv_fail(home, m.status, "%s", m.message.data);
    iv__text_free(&m.message);
    iv__free(home, m.pending);
    iv__free(home, m.file.parts);
    iv__free(home, m.file.layers);
    iv__free(home, m.model.parts);
    iv__free(home, m.model.layers);
    iv__arena_free(&arena);
    return m.status;
}

iv_status iv_weights_put(const iv_weights *weights, const char *weight, iv_params *params,
                         const char *parameter)
{
    iv_tensor *to = iv_params_find(params, parameter);
    const int64_t i = iv_weights_find(weights, weight);
    char is[160], wanted[160];

    if (i < 0)
        return IV_NAME;
    if (!to)
        return iv_fail(weights->home, IV_NAME, "there is no parameter '%s'", parameter);
    const iv_shape *shape = &iv_weights_of(weights, i)->shape;
    if (!iv_shape_same(shape, &to->shape))
        return iv_fail(weights->home, IV_SHAPE, "%s: '%s' is %s, but the parameter '%s' is %s",
                       weights->name, weight, iv_shape_text(shape, is, sizeof is), parameter,
                       iv_shape_text(&to->shape, wanted, sizeof wanted));
    iv_tensor *values = iv_weights_read(weights, i, to->dtype);
    if (!values)
        return iv_home_status(weights->home);
    const int64_t bad = find_bad(values);
    if (bad < 0)
        memcpy(to->data, values->data, (size_t)iv_tensor_bytes(to));
    iv_tensor_free(values);
    iv_params_changed(params);
    return bad < 0 ? IV_OK
                   : iv_fail(weights->home, IV_NUMERIC, "%s: element %lld of '%s' is not finite in %s",
                             weights->name, (long long)bad, weight, iv_dtype_name(to->dtype));
}
