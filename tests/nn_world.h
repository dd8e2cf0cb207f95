/* nn_world.h: a home with a graph, parameters and one scope "m", for tests of layers. */
#ifndef IV_TESTS_NN_WORLD_H
#define IV_TESTS_NN_WORLD_H

#include <ivory/nn.h>

#include "base/home.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct world {
    iv_home *home;
    iv_params *params;
    iv_graph *graph;
    iv_scope *scope;
} world;

static inline void next_graph(world *w)
{
    iv_dtype real = w->graph ? iv_graph_real(w->graph) : IV_F32;

    iv_graph_free(w->graph);
    w->graph = iv_graph_new_real(w->home, real);
    w->scope = iv_scope_new(w->graph, w->params, "m");
    assert_non_null(w->scope);
}

static inline world world_new(iv_dtype real, uint64_t seed)
{
    world w = { .home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 }) };

    w.params = iv_params_new(w.home, real, seed);
    w.graph = iv_graph_new_real(w.home, real);
    next_graph(&w);
    return w;
}

static inline void world_free(world *w)
{
    iv_graph_free(w->graph);
    iv_params_free(w->params);
    assert_int_equal(iv__home_bytes(w->home), 0);
    iv_home_free(w->home);
}

/* A plan of these outputs and updates with its parameters bound; the test fails with the reason if
 * there is none. */
static inline iv_plan *plan_of(world *w, int n, iv_node *const outputs[], int n_updates,
                               const iv_update updates[])
{
    iv_plan *plan = iv_plan_new(w->home, n, outputs, n_updates, updates);

    if (!plan || iv_params_bind(w->params, plan))
        fail_msg("%s", iv_home_message(w->home));
    return plan;
}

static inline void give(iv_plan *plan, const char *name, const void *data, size_t bytes)
{
    void *input = iv_plan_input(plan, name);

    if (!input)
        fail_msg("the plan has no input '%s'", name);
    else
        memcpy(input, data, bytes);
}

static inline void run(world *w, iv_plan *plan)
{
    if (iv_plan_run(plan))
        fail_msg("%s", iv_home_message(w->home));
}

#endif
