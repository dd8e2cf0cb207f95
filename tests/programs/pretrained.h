/* pretrained.h: what the programs share that build a network of others, give it their weights and compare its outputs
 * with theirs. Each says how it is called when it is called otherwise (exit status 2), and ends with 1 and a message
 * when a file is not what it should be, or an output differs. */
#ifndef IV_TESTS_PRETRAINED_H
#define IV_TESTS_PRETRAINED_H

#include <ivory/ivory.h>
#include <ivory/weights.h>

#include "base/home.h"
#include "format/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct world {
    iv_home *home;
    iv_params *params;
    iv_graph *graph;
    iv_scope *scope; /* the outermost, without a name */
    iv_plan *plan;
    iv__arena arena; /* of JSON documents */
    int compared;    /* outputs, or parts of them */
    bool differs;
} world;

/* Ends the program with the home's message. */
static inline _Noreturn void stop(const world *w)
{
    fprintf(stderr, "%s\n", iv_home_message(w->home));
    exit(1);
}

static inline void must(const world *w, bool held)
{
    if (!held)
        stop(w);
}

static inline world world_begin(int argc, int least, int most, const char *usage)
{
    world w = { .differs = false };

    if (argc < least + 1 || argc > most + 1) {
        fprintf(stderr, "usage: %s\n", usage);
        exit(2);
    }
    w.home = iv_home_new(NULL);
    if (!w.home)
        exit(1);
    w.arena.home = w.home;
    w.params = iv_params_new_empty(w.home, IV_F32);
    w.graph = iv_graph_new(w.home);
    must(&w, w.params && w.graph);
    w.scope = iv_scope_new(w.graph, w.params, "");
    return w;
}

/* Frees all; the exit status. */
static inline int world_end(world *w)
{
    if (!w->compared)
        fprintf(stderr, "the reference has nothing to compare with\n");
    iv_plan_free(w->plan);
    iv_graph_free(w->graph);
    iv_params_free(w->params);
    iv__arena_free(&w->arena);
    iv_home_free(w->home);
    return w->differs || !w->compared;
}

static inline void plan_of(world *w, int n, iv_node *const outputs[])
{
    w->plan = iv_plan_new(w->home, n, outputs, 0, NULL);
    must(w, w->plan && !iv_params_bind(w->params, w->plan));
}

static inline void run(world *w)
{
    must(w, !iv_plan_run(w->plan));
}

/* ---- files ----------------------------------------------------------------------------------- */

static inline iv_weights *open_weights(const world *w, const char *path)
{
    iv_weights *weights = iv_weights_open(w->home, path);

    must(w, weights != NULL);
    return weights;
}

/* Every parameter from a file of which every weight is one. */
static inline void load(const world *w, const char *path)
{
    iv_weights *weights = open_weights(w, path);

    must(w, !iv_weights_load(weights, w->params, 0));
    iv_weights_free(weights);
}

/* An array of the file, as floats, to be freed by iv_tensor_free. */
static inline iv_tensor *array(const world *w, const iv_weights *file, const char *name)
{
    const int64_t i = iv_weights_find(file, name);
    iv_tensor *tensor = i < 0 ? NULL : iv_weights_read(file, i, IV_F32);

    must(w, tensor != NULL);
    return tensor;
}

static inline const iv__json_value *json(world *w, const char *path)
{
    iv__source *source = iv__source_open(w->home, path);
    const iv__json_value *value = source ? iv__json_tree(source, &w->arena) : NULL;

    must(w, value != NULL);
    iv__source_close(source);
    return value;
}

/* The member of that name; it must be there. */
static inline const iv__json_value *member(const world *w, const iv__json_value *object, const char *name)
{
    const iv__json_value *value = iv__json_member(object, name);

    if (!value)
        iv_fail(w->home, IV_FORMAT, "the JSON document has no '%s' where it should", name);
    must(w, value != NULL);
    return value;
}

/* n numbers of an array, and of the arrays within it. */
static inline void numbers(const world *w, const iv__json_value *list, int64_t n, double *to)
{
    int64_t found = 0;

    for (const iv__json_value *at = list ? list->first : NULL; at && found < n; at = at->next)
        if (!iv__json_real(at, &to[found++]))
            break;
    if (!list || found != n || list->count != n)
        iv_fail(w->home, IV_FORMAT, "the JSON document has not %lld numbers where it should, but %lld",
                (long long)n, (long long)(list ? list->count : 0));
    must(w, list && found == n && list->count == n);
}

/* ---- inputs and outputs ---------------------------------------------------------------------- */

/* Into the plan's input; the array must have its number of elements. */
static inline void give(const world *w, const char *input, const float *values, int64_t n)
{
    void *to = iv_plan_input(w->plan, input);

    for (int i = 0; to && i < iv_plan_leaves(w->plan); i++)
        if (!strcmp(iv_node_name(iv_plan_leaf(w->plan, i)), input) &&
            iv_shape_count(iv_node_shape(iv_plan_leaf(w->plan, i))) != n) {
            iv_fail(w->home, IV_SHAPE, "the input '%s' takes %lld numbers, not %lld", input,
                    (long long)iv_shape_count(iv_node_shape(iv_plan_leaf(w->plan, i))), (long long)n);
            stop(w);
        }
    memcpy(to, values, (size_t)n * sizeof *values);
}

static inline void give_array(const world *w, const char *input, const iv_weights *file, const char *name)
{
    iv_tensor *values = array(w, file, name);

    give(w, input, values->data, iv_shape_count(&values->shape));
    iv_tensor_free(values);
}

/* Says by how much they differ at most, relative to the largest that is wanted. */
static inline void compare(world *w, const char *what, const float *got, const double *wanted,
                           int64_t n, double most)
{
    double largest = 0, difference = 0;

    for (int64_t i = 0; i < n; i++) {
        const double d = fabs((double)got[i] - wanted[i]);
        largest = fmax(largest, fabs(wanted[i]));
        difference = d <= difference ? difference : isfinite(d) ? d : INFINITY;
    }
    const double relative = largest > 0 ? difference / largest : difference > 0 ? INFINITY : 0;
    printf("%-28s %8.1e %s\n", what, relative, relative <= most ? "agrees" : "DIFFERS");
    w->differs |= !(relative <= most);
    w->compared++;
}

/* The plan's output and an array of the file. */
static inline void compare_array(world *w, const iv_weights *file, const char *name, int output,
                                 const iv_node *node, double most)
{
    const int64_t found = iv_weights_find(file, name);
    iv_tensor *wanted = found < 0 ? NULL : iv_weights_read(file, found, IV_F64);

    must(w, wanted != NULL);
    const int64_t n = iv_shape_count(&wanted->shape);
    if (n != iv_shape_count(iv_node_shape(node))) {
        iv_fail(w->home, IV_SHAPE, "'%s' has %lld numbers, the network's output %lld", name,
                (long long)n, (long long)iv_shape_count(iv_node_shape(node)));
        stop(w);
    }
    compare(w, name, iv_plan_output(w->plan, output), wanted->data, n, most);
    iv_tensor_free(wanted);
}

#endif
