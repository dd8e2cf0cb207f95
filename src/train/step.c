/* step.c: a training step as two plans: gradients, then apply. */
#include <ivory/train.h>

#include "base/home.h"
#include "graph/node.h"
#include "nn/params.h"
#include "plan/parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct iv_train_step {
    iv_home *home;
    iv_params *params;
    iv_optimizer optimizer;
    iv_dtype real;
    iv_graph *apply_graph;
    iv_plan *gradients, *apply;
    int n; /* parameters that are changed */
    const char **names;
    int n_watched, n_carried;
    const char **carried; /* the inputs of apply that hold their new values */
};

/* Then the gradients, what is watched, and the new values of states. */
enum { OUTPUT_LOSS, OUTPUT_NORM, OUTPUT_FIXED };

static double real_of(const void *data, iv_dtype real)
{
    return real == IV_F64 ? *(const double *)data : (double)*(const float *)data;
}

static bool is_carried(const iv_train_step_options *o, const iv_node *leaf)
{
    for (int i = 0; i < o->n_carried; i++)
        if (o->carried[i].leaf == leaf)
            return true;
    return false;
}

/* The parameters below the prefix that the loss depends on, in order of making. */
static int find_parameters(const iv_train_step_options *o, const char *prefix, iv_node **found,
                           bool *depends)
{
    const iv_node *loss = o->loss;
    const iv_graph *graph = loss->graph;
    int n = 0;

    depends[loss->call->id] = true;
    for (int c = loss->call->id; c >= 0; c--)
        for (int k = 0; depends[c] && k < graph->calls[c]->n_in; k++)
            depends[graph->calls[c]->in[k]->call->id] = true;
    for (int c = 0; c <= loss->call->id; c++) {
        const iv_call *call = graph->calls[c];
        if (depends[c] && call->op == &iv__op_parameter &&
            !strncmp(call->scope, prefix, strlen(prefix)) && !is_carried(o, &call->out[0]))
            found[n++] = &call->out[0];
    }
    return n;
}

static iv_node *norm_of(iv_graph *graph, int n, iv_node *const gradient[])
{
    iv_node *sum = iv_fill(graph, iv_scalar(), 0);

    for (int i = 0; i < n; i++)
        sum = iv_add(sum, iv_sum_all(iv_square(gradient[i])));
    return iv_sqrt(sum);
}

static iv_status make_gradients(iv_train_step *step, const iv_train_step_options *o,
                                iv_node **parameter, iv_node **gradient)
{
    iv_graph *graph = o->loss->graph;
    iv_status status = iv_gradient(o->loss, step->n, parameter, gradient);
    if (status)
        return status;

    int n = OUTPUT_FIXED + step->n + o->n_watched + o->n_carried;
    iv_node **outputs = iv__alloc_array(step->home, n, sizeof *outputs);
    if (!outputs)
        return IV_NOMEM;
    outputs[OUTPUT_LOSS] = o->loss;
    outputs[OUTPUT_NORM] = norm_of(graph, step->n, gradient);
    memcpy(outputs + OUTPUT_FIXED, gradient, (size_t)step->n * sizeof *gradient);
    for (int i = 0; i < o->n_watched; i++)
        outputs[OUTPUT_FIXED + step->n + i] = o->watched[i];
    for (int i = 0; i < o->n_carried; i++)
        outputs[OUTPUT_FIXED + step->n + o->n_watched + i] = o->carried[i].value;
    step->gradients = iv_plan_new(step->home, n, outputs, 0, NULL);
    iv__free(step->home, outputs);
    if (!step->gradients)
        return iv_home_status(step->home);
    const iv_call *mixes = step->gradients->mixes;
    if (mixes)
        return iv_fail(step->home, IV_UNSUPPORTED,
                       "training step: its records cannot be taken %lld at a time: %s%s%s needs the whole batch at once",
                       (long long)iv_home_micro_batch(step->home), mixes->scope,
                       *mixes->scope ? "/" : "", mixes->op->name);
    return iv_params_bind(step->params, step->gradients);
}

/* States get what the gradients' plan made of them, when nothing has gone wrong there. */
static iv_status carry(iv_train_step *step, const iv_train_step_options *o, iv_update *updates)
{
    iv_graph *graph = step->apply_graph;

    for (int i = 0; i < o->n_carried; i++) {
        const iv_node *leaf = o->carried[i].leaf;
        const iv_node *value = o->carried[i].value;
        if (leaf->call->op != &iv__op_parameter && !iv__is_state(leaf->call->scope))
            return iv_fail(step->home, IV_VALUE,
                           "training step: '%s' is carried, and is neither a parameter nor a state",
                           leaf->call->scope);
        if (!iv_shape_same(&value->shape, &leaf->shape) || value->dtype != leaf->dtype)
            return iv_fail(step->home, IV_SHAPE,
                           "training step: the new value of '%s' has another shape", leaf->call->scope);
        step->carried[i] = iv__arena_print(&graph->arena, "carried/%s", leaf->call->scope);
        if (!step->carried[i])
            return IV_NOMEM;
        updates[i].leaf = iv_parameter(graph, leaf->call->scope, leaf->shape);
        updates[i].value = iv_input(graph, step->carried[i], step->real, leaf->shape);
    }
    return graph->status ? iv__graph_fail(graph) : IV_OK;
}

/* A graph of its own: parameters and gradients are leaves there. */
static iv_status make_apply(iv_train_step *step, const iv_train_step_options *o, iv_node **parameter)
{
    iv_home *home = step->home;
    iv_graph *graph = step->apply_graph = iv_graph_new_real(home, step->real);
    iv_node **p = iv__alloc_array(home, step->n, sizeof *p),
            **g = iv__alloc_array(home, step->n, sizeof *g);
    iv_update *updates = iv__alloc_array(home, 4 * (int64_t)step->n + o->n_carried, sizeof *updates);
    iv_status status = graph && p && g && updates ? IV_OK : IV_NOMEM;
    char name[512];

    for (int i = 0; i < step->n && !status; i++) {
        step->names[i] = iv__arena_text(&graph->arena, parameter[i]->call->scope);
        snprintf(name, sizeof name, "gradient/%s", parameter[i]->call->scope);
        p[i] = iv_parameter(graph, parameter[i]->call->scope, parameter[i]->shape);
        g[i] = iv_input(graph, name, step->real, parameter[i]->shape);
        status = step->names[i] && p[i] && g[i] ? IV_OK : iv_home_status(home);
    }
    if (!status) {
        iv_node *norm;
        int n = iv_optimizer_build(graph, step->params, &step->optimizer, step->n, p, g, updates, &norm);
        status = n < 0 ? IV_OK : carry(step, o, updates + n);
        step->apply = n < 0 || status ? NULL : iv_plan_new(home, 0, NULL, n + o->n_carried, updates);
        status = step->apply ? iv_params_bind(step->params, step->apply) : iv_home_status(home);
    }
    iv__free(home, p);
    iv__free(home, g);
    iv__free(home, updates);
    return status;
}

/* Gradients have addresses once their plan was run. */
static iv_status connect(iv_train_step *step)
{
    char name[512];

    for (int i = 0; i < step->n; i++) {
        snprintf(name, sizeof name, "gradient/%s", step->names[i]);
        void *data = (void *)(uintptr_t)iv_plan_output(step->gradients, OUTPUT_FIXED + i);
        iv_status status = iv_plan_bind(step->apply, name, data, NULL);
        if (status)
            return status;
    }
    for (int i = 0; i < step->n_carried; i++) {
        int output = OUTPUT_FIXED + step->n + step->n_watched + i;
        void *data = (void *)(uintptr_t)iv_plan_output(step->gradients, output);
        iv_status status = iv_plan_bind(step->apply, step->carried[i], data, NULL);
        if (status)
            return status;
    }
    return IV_OK;
}

iv_train_step *iv_train_step_new_with(iv_params *params, const iv_train_step_options *o)
{
    iv_home *home = iv_params_home(params);
    if (o->size != sizeof *o) {
        iv_fail(home, IV_VALUE,
                "training step: its options have a size that this library does not know: fill in .size, as the macro does");
        return NULL;
    }
    if (!o->loss)
        return NULL;
    iv_graph *graph = o->loss->graph;
    if (iv_shape_count(&o->loss->shape) != 1) {
        iv_fail(home, IV_SHAPE, "training step: the loss must be a scalar");
        return NULL;
    }
    iv_train_step *step = iv__alloc(home, sizeof *step);
    iv_node **parameter = iv__alloc_array(home, graph->n_calls, sizeof *parameter);
    iv_node **gradient = iv__alloc_array(home, graph->n_calls, sizeof *gradient);
    bool *depends = iv__alloc_array(home, graph->n_calls, sizeof *depends);
    iv_status status = step && parameter && gradient && depends ? IV_OK : IV_NOMEM;

    if (step)
        *step = (iv_train_step){ .home = home,
                                 .params = params,
                                 .optimizer = o->optimizer,
                                 .real = graph->real,
                                 .n_watched = o->n_watched,
                                 .n_carried = o->n_carried,
                                 .carried = iv__alloc_array(home, o->n_carried + 1,
                                                            sizeof *step->carried) };
    if (step && !step->carried)
        status = IV_NOMEM;
    if (!status) {
        const char *prefix = o->changes ? o->changes : "";
        step->n = find_parameters(o, prefix, parameter, depends);
        step->names = iv__alloc_array(home, step->n + 1, sizeof *step->names);
        if (!step->n)
            status = iv_fail(home, IV_NAME,
                             "training step: the loss depends on no parameter below '%s'", prefix);
        else if (!step->names)
            status = IV_NOMEM;
    }
    if (!status)
        status = make_gradients(step, o, parameter, gradient);
    if (!status)
        status = make_apply(step, o, parameter);
    iv__free(home, parameter);
    iv__free(home, gradient);
    iv__free(home, depends);
    if (!status)
        return step;
    iv_train_step_free(step);
    return NULL;
}

void iv_train_step_free(iv_train_step *step)
{
    if (!step)
        return;
    iv_plan_free(step->gradients);
    iv_plan_free(step->apply);
    iv_graph_free(step->apply_graph);
    iv__free(step->home, step->names);
    iv__free(step->home, step->carried);
    iv__free(step->home, step);
}

iv_plan *iv_train_step_plan(iv_train_step *step)
{
    return step->gradients;
}

iv_plan *iv_train_step_apply_plan(iv_train_step *step)
{
    return step->apply;
}

iv_status iv_train_step_gradients(iv_train_step *step)
{
    bool first = !iv_plan_output(step->gradients, OUTPUT_LOSS);
    iv_status status = iv_plan_run(step->gradients);

    if (!status && first)
        status = connect(step);
    if (status)
        return status;
    if (isfinite(iv_train_step_loss(step)) && isfinite(iv_train_step_norm(step)))
        return IV_OK;
    status = iv_plan_find_bad(step->gradients);
    return status ? status
                  : iv_fail(step->home, IV_NUMERIC, "the loss is %g and the norm of the gradients %g",
                            iv_train_step_loss(step), iv_train_step_norm(step));
}

double iv_train_step_loss(const iv_train_step *step)
{
    return real_of(iv_plan_output(step->gradients, OUTPUT_LOSS), step->real);
}

double iv_train_step_norm(const iv_train_step *step)
{
    return real_of(iv_plan_output(step->gradients, OUTPUT_NORM), step->real);
}

const void *iv_train_step_watched(const iv_train_step *step, int i)
{
    return iv_plan_output(step->gradients, OUTPUT_FIXED + step->n + i);
}

void *iv_train_step_gradient(iv_train_step *step, const char *parameter)
{
    for (int i = 0; i < step->n; i++)
        if (!strcmp(step->names[i], parameter))
            return (void *)(uintptr_t)iv_plan_output(step->gradients, OUTPUT_FIXED + i);
    return NULL;
}

iv_status iv_train_step_apply(iv_train_step *step, double rate, int64_t count)
{
    double number[IV_OPTIMIZER_NUMBERS];
    void *input = iv_plan_input(step->apply, "optimizer");

    iv_optimizer_numbers(&step->optimizer, rate, count, number);
    for (int i = 0; input && i < IV_OPTIMIZER_NUMBERS; i++) {
        if (step->real == IV_F64)
            ((double *)input)[i] = number[i];
        else
            ((float *)input)[i] = (float)number[i];
    }
    iv_status status = iv_plan_run(step->apply);
    if (!status)
        iv_params_changed(step->params);
    return status;
}

iv_plan_memory iv_train_step_memory(const iv_train_step *step)
{
    iv_plan_memory a = iv_plan_memory_of(step->gradients), b = iv_plan_memory_of(step->apply);

    a.slab += b.slab;
    a.constants += b.constants;
    a.unshared += b.unshared;
    a.calls += b.calls;
    a.groups += b.groups;
    a.scratch = a.scratch > b.scratch ? a.scratch : b.scratch;
    for (int i = 0; i < iv_plan_leaves(step->apply); i++) { /* the gradients' own memory is in the first slab */
        const iv_node *leaf = iv_plan_leaf(step->apply, i);
        if (!strcmp(iv_node_name(leaf), "optimizer"))
            a.inputs += (size_t)iv_shape_count(iv_node_shape(leaf)) *
                        iv_dtype_size(iv_node_dtype(leaf));
    }
    return a;
}

void iv_plan_set_clock(iv_plan *plan, uint64_t seed, int64_t step, int64_t record)
{
    uint32_t *clock = iv_plan_input(plan, "random");
    uint64_t parts[3] = { seed, (uint64_t)step, (uint64_t)record };

    for (int i = 0; clock && i < 3; i++) {
        clock[2 * i] = (uint32_t)parts[i];
        clock[2 * i + 1] = (uint32_t)(parts[i] >> 32);
    }
}
