/* parts.h: what a plan is made of: values, members, groups; and the passes that fill them in.
 *
 * Passes, in order: simplify (graph to graph), fuse (calls to groups), bind (kernels), place
 * (addresses). */
#ifndef IV_PLAN_PARTS_H
#define IV_PLAN_PARTS_H

#include "backend/backend.h"
#include "graph/node.h"

#include <ivory/plan.h>

enum {
    BLOCK = 2048,      /* elements that a fused group carries through its members at once */
    CHUNK = 8 * BLOCK, /* elements of a fused group that one thread takes at once */
    CACHE_LINE = 64,
    MOST_MEMBERS = 48, /* of a fused group, but for the cheap rows that come with its last call */
};

/* Where a value's bytes are. */
typedef enum iv__home_of {
    VALUE_INNER,    /* in a block of scratch, inside a fused group */
    VALUE_SLAB,     /* planned by first and last use */
    VALUE_CONSTANT, /* kept from run to run, computed when parameters changed */
    VALUE_LEAF,     /* bound or kept by the plan */
} iv__home_of;

typedef struct iv__value {
    const iv_node *node;
    int root; /* owns the bytes: itself, what it is a view of, or is computed in place of */
    iv__home_of home;
    int first, last; /* groups that write it first, and use it last or what shares its bytes */
    bool output, weight;
    size_t offset;           /* in the slab or among the constants */
    void *data;              /* resolved before the first run */
    const uint64_t *version; /* of a bound leaf: counts its changes */
    bool bound, owned;       /* a leaf's memory: the caller's, or the plan's */
} iv__value;

/* How an operand of a fused member is addressed. MADE: a range that an earlier member has just stored. */
typedef enum iv__operand { OPERAND_WHOLE, OPERAND_RANGE, OPERAND_MADE, OPERAND_SLOT } iv__operand;

typedef struct iv__packed {
    int value;
    iv__packing packing;
    size_t offset, bytes;
    bool constant;
    void *data;
} iv__packed;

typedef struct iv__member {
    const iv_call *call;
    iv_kernel *kernel;
    const char *kernel_name; /* of the backend, or "reference" */
    bool bf16;               /* its products take operands rounded to bf16 */
    const char *why_f32;     /* where the plan is of that precision and this member is not */
    iv_kernel_call k;
    int in[IV_MAX_IN], out[IV_MAX_OUT]; /* values; out -1: not needed */
    iv__operand in_as[IV_MAX_IN], out_as;
    int in_slot[IV_MAX_IN], out_slot;
    bool stores;    /* output 0 goes to memory, not just to a slot */
    int64_t period; /* in its slot, which it has alone, stands for each block that begins at a multiple of it; 0: for none */
    size_t scratch;
    int n_packed, packed[IV__MAX_PACKED]; /* into plan->packed */
    void *packed_data[IV__MAX_PACKED];
} iv__member;

typedef struct iv__group {
    bool fused, constant;
    bool product; /* fused, and its first member is one: the others take its output stretch by stretch */
    int64_t count; /* elements of a fused group */
    int n_members, room_members;
    iv__member *members;
    int slots;
    size_t scratch, scratch_offset; /* in the slab */
} iv__group;

typedef struct iv__late_update { /* an update that could not be computed in place */
    int leaf, value;
} iv__late_update;

typedef struct iv__micro iv__micro; /* micro.h */

struct iv_plan {
    iv_home *home;
    const iv__backend *backend;
    iv_precision precision;
    int n_nodes, *value_of_node; /* index of a node's value, or -1; by node id */
    int n_values, room_values;
    iv__value *values;
    int n_groups, room_groups;
    iv__group *groups; /* in running order; constant ones first */
    int n_constant_groups;
    int n_packed, room_packed;
    iv__packed *packed;

    int n_outputs, *outputs; /* values */
    int n_updates, *update_leaf, *update_value;
    int n_copies;
    iv__late_update *copies;
    int n_leaves, *leaves;

    size_t slab_bytes, constant_bytes, unshared;
    char *slab, *constants;
    const iv_plan *constants_of; /* a plan just like it, whose constants this one reads; NULL: its own */
    double *seconds;             /* by group, then by packing; NULL: runs are not timed */
    bool resolved, constants_done;
    bool lacking; /* memory for a leaf that was to be written: runs would be of something else */
    uint64_t version_seen, runs;
    int64_t bad_record; /* that iv_plan_find_bad found last; -1: none */

    iv__micro *micro; /* if it is not run as a whole but for parts of the batch; then just leaves count here */
    const iv_call *mixes; /* why it is whole though the home says otherwise; NULL: it need not be */
};

/* A plan that is run as one, whatever its size. */
iv_plan *iv__plan_whole(iv_home *home, int n_outputs, iv_node *const outputs[], int n_updates,
                        const iv_update updates[]);

/* The index of a plan's value that is the leaf of this name, or -1. */
int iv__plan_leaf_named(const iv_plan *plan, const char *name);

/* Of run.c: the parts of a run. */
iv_status iv__plan_take_leaves(iv_plan *plan);
iv_status iv__plan_resolve(iv_plan *plan);
void iv__plan_run_constants(iv_plan *plan);
bool iv__find_not_finite(const void *data, iv_dtype dtype, int64_t n, int64_t *at, double *value);
/* Runs until a call gives what is not finite: that call (NULL: none), and the element of its output. */
const iv_call *iv__plan_first_bad(iv_plan *plan, int64_t *at, double *value);

/* Of bad.c: NUMERIC with a message, or OK; of leaves, of what is made of them, of both. */
iv_status iv__plan_find_bad_leaf(iv_plan *plan);
iv_status iv__plan_find_bad_value(iv_plan *plan);
iv_status iv__plan_find_bad(iv_plan *plan);

/* The targets as they stand after rewriting; new nodes may be made in the graph. */
iv_status iv__simplify(iv_graph *graph, int n_targets, iv_node *const targets[], iv_node *simplified[]);

/* changed: the leaves that the plan's updates change. */
iv_status iv__fuse(iv_plan *plan, iv_graph *graph, int n_targets, iv_node *const targets[],
                   int n_changed, iv_node *const changed[]);
iv_status iv__bind(iv_plan *plan);
iv_status iv__place(iv_plan *plan);

/* The node that owns a node's bytes: what a view shows, else itself. */
const iv_node *iv__owner(const iv_node *node);

/* The same value in memory of its own. */
iv_node *iv__copied(iv_node *x);

/* The value that owns the bytes. */
static inline int iv__root(const iv_plan *plan, int value)
{
    while (plan->values[value].root != value)
        value = plan->values[value].root;
    return value;
}

static inline size_t iv__value_bytes(const iv__value *value)
{
    return (size_t)iv_shape_count(&value->node->shape) * iv_dtype_size(value->node->dtype);
}

/* The member that a group is named after. */
static inline const iv__member *iv__chief(const iv__group *group)
{
    return &group->members[group->product ? 0 : group->n_members - 1];
}

/* Bytes rounded up to whole cache lines. */
static inline size_t iv__whole_lines(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

#endif
