/* plan.h: a graph made ready to run: which calls, in what order, with which kernels, at which
 * addresses.
 *
 * Making a plan may fail and allocates; running it allocates nothing and looks nothing up. Several
 * plans may be made of one graph, which must outlive them. */
#ifndef IVORY_PLAN_H
#define IVORY_PLAN_H

#include <ivory/graph.h>

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* After a run the leaf holds the value: a parameter and its new value, a state and its next one.
 * All new values are computed from the old ones. */
typedef struct iv_update {
    iv_node *leaf, *value;
} iv_update;

typedef struct iv_plan iv_plan;

typedef struct iv_plan_memory {
    size_t slab;      /* values between nodes and kernels' working memory, in bytes */
    size_t inputs;    /* inputs and states kept in the plan */
    size_t constants; /* what depends on parameters alone: packed weights and the like */
    size_t scratch;   /* of the slab: the largest working memory of a kernel */
    size_t unshared;  /* what the values would take without reuse */
    int calls;        /* calls in the plan */
    int groups;       /* what is run: fused groups count once */
} iv_plan_memory;

/* NULL (the home or the graph holds the reason) if any output or update is NULL. Outputs keep their
 * values until the next run. */
IV_API iv_plan *iv_plan_new(iv_home *home, int n_outputs, iv_node *const outputs[], int n_updates,
                            const iv_update updates[]);
IV_API void iv_plan_free(iv_plan *plan);

/* Where an input or state lives in the plan, to be written before a run; NULL if the plan does not
 * need that leaf, or memory is out: it fails to run, then. Inputs keep their values from run to run. */
IV_API void *iv_plan_input(iv_plan *plan, const char *name);
/* Lets a leaf (parameter or input) live at memory of the caller, which must hold its shape and
 * outlive the runs. `version`, if not NULL, counts changes of that memory: what depends on
 * parameters alone is computed again when it moves.
 * Errors    NAME when the plan has no such leaf. */
IV_API iv_status iv_plan_bind(iv_plan *plan, const char *name, void *memory, const uint64_t *version);
/* Leaves that the plan needs, in order of making. */
IV_API int iv_plan_leaves(const iv_plan *plan);
IV_API const iv_node *iv_plan_leaf(const iv_plan *plan, int i);

/* Errors    NAME when a parameter was never bound; NOMEM, also when an input had no memory. */
IV_API iv_status iv_plan_run(iv_plan *plan);
IV_API const void *iv_plan_output(const iv_plan *plan, int i);

/* Runs again and tells the first value that is not finite: its row, scope and place go into the
 * home's message, with status NUMERIC; and so does the record of the batch (axis 0 of the largest input) that
 * makes it so, if others do not: that takes as many runs as the batch can be halved, and some more. OK if all
 * values are finite. Of a plan with updates just the leaves are looked at; UNSUPPORTED if those are finite. */
IV_API iv_status iv_plan_find_bad(iv_plan *plan);
/* The record that iv_plan_find_bad named last, from 0; -1: it named none. */
IV_API int64_t iv_plan_bad_record(const iv_plan *plan);

IV_API iv_plan_memory iv_plan_memory_of(const iv_plan *plan);
/* What a plan runs, in order: constants, packings of inputs, groups. A fused group is one part, in the
 * name of its last row. */
typedef struct iv_plan_part {
    const char *row, *scope;
    const char *kernel;  /* of the backend, "reference", "packing" */
    int calls;           /* in a fused group more than one */
    bool bf16;           /* its products take operands rounded to bf16 */
    const char *why_f32; /* in a plan of that precision: why this part stays in f32; else NULL */
    double seconds;      /* of all runs since times were asked for */
} iv_plan_part;
IV_API int iv_plan_parts(const iv_plan *plan);
IV_API iv_plan_part iv_plan_part_of(const iv_plan *plan, int i);
/* From now on runs are timed, part by part, from 0; or no longer. */
IV_API iv_status iv_plan_time(iv_plan *plan, bool on);

/* The plan as a table: group, calls, kernel, precision, shapes, place. */
IV_API void iv_plan_print(const iv_plan *plan, FILE *file);

#ifdef __cplusplus
}
#endif
#endif
