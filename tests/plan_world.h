/* plan_world.h: a plan made by hand, given numbers and run. */
#ifndef IV_TESTS_PLAN_WORLD_H
#define IV_TESTS_PLAN_WORLD_H

#include <ivory/derive.h>
#include <ivory/ops.h>
#include <ivory/plan.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/home.h"
#include "graph/node.h"
#include "scarce.h"

typedef struct world {
    iv_home *home;
    iv_graph *graph;
    iv_plan *plan;
} world;

static inline int world_begin(void **state)
{
    static world w;

    w = (world){ .home = iv_home_new(
                     &(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 }) };
    w.graph = iv_graph_new(w.home);
    *state = &w;
    return w.graph ? 0 : -1;
}

static inline int world_end(void **state)
{
    world *w = *state;

    iv_plan_free(w->plan);
    iv_graph_free(w->graph);
    int left = iv__home_bytes(w->home) != 0;
    iv_home_free(w->home);
    return left;
}

static inline iv_node *in(world *w, const char *name, iv_shape shape)
{
    return iv_input(w->graph, name, IV_F32, shape);
}

static inline void make_plan(world *w, int n, iv_node *const outputs[], int n_updates,
                             const iv_update updates[])
{
    iv_plan_free(w->plan);
    w->plan = iv_plan_new(w->home, n, outputs, n_updates, updates);
    if (!w->plan)
        fail_msg("%s", iv_home_message(w->home));
}

static inline void give(world *w, const char *name, int n, const float *numbers)
{
    float *to = iv_plan_input(w->plan, name);

    assert_non_null(to);
    memcpy(to, numbers, (size_t)n * sizeof *to);
}

static inline void run(world *w)
{
    if (iv_plan_run(w->plan))
        fail_msg("%s", iv_home_message(w->home));
}

static inline void assert_numbers(const void *got, int n, const float *expected)
{
    for (int i = 0; i < n; i++)
        if (!(fabsf(((const float *)got)[i] - expected[i]) <= 1e-6f))
            fail_msg("element %d is %g, not %g", i, (double)((const float *)got)[i],
                     (double)expected[i]);
}

#define NUMBERS(...) \
    (const float[])  \
    {                \
        __VA_ARGS__  \
    }
#define assert_output(w, i, n, ...) \
    assert_numbers(iv_plan_output((w)->plan, i), n, NUMBERS(__VA_ARGS__))
#define assert_leaf(w, name, n, ...) \
    assert_numbers(iv_plan_input((w)->plan, name), n, NUMBERS(__VA_ARGS__))

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

#endif
