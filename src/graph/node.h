/* node.h: nodes, calls and rows, as ops, derive and plan see them.
 *
 * A call is a row applied to input nodes with attributes; a node is a call and an output index.
 * Calls are immutable and shared: the same row on the same inputs with the same attributes is
 * the same call. Inputs exist before the call, so the order of making is a topological order: no
 * sort is ever needed. Nodes hold no data: addresses live in a plan. */
#ifndef IV_GRAPH_NODE_H
#define IV_GRAPH_NODE_H

#include "graph/kernel.h"

#include <ivory/graph.h>

#include "base/arena.h"

typedef struct iv_op iv_op;
typedef struct iv_call iv_call;

struct iv_node {
    iv_graph *graph;
    iv_call *call;
    int id;    /* order of making, over the nodes of the graph */
    int index; /* which output of the call */
    iv_dtype dtype;
    iv_shape shape;
};

struct iv_call {
    const iv_op *op;
    int id; /* order of making, over the calls of the graph */
    int n_in, n_out;
    iv_node **in;
    iv_node *out; /* n_out nodes */
    const void *attr;
    const char *scope; /* where it was made: "writer/lstm"; of a leaf its name */
    uint64_t hash;
    iv_call *next; /* in its bucket of the table that finds equal calls */
};

struct iv_graph {
    iv_home *home;
    iv_dtype real;
    iv__arena arena;
    iv_call **calls;
    int n_calls, room_calls, n_nodes;
    iv_call **buckets;
    int n_buckets;
    const char *scope; /* given to calls made now */
    iv_status status;
    char message[512];
};

/* What a shape rule sees. It fills out and out_dtype, or returns why not in a few fixed words. */
typedef struct iv_shape_call {
    int n_in;
    const iv_shape *in[IV_MAX_IN];
    iv_dtype in_dtype[IV_MAX_IN];
    const void *attr;
    iv_dtype real; /* of the graph */
    iv_shape out[IV_MAX_OUT];
    iv_dtype out_dtype[IV_MAX_OUT];
} iv_shape_call;

/* What a gradient rule sees. It builds graph: dx[k] is the gradient for input k, left NULL where
 * there is none. dy[j] is NULL for an output that nothing depends on. need[k] is false where
 * dx[k] would not be used. */
typedef struct iv_gradient_call {
    iv_graph *graph;
    const iv_call *call;
    iv_node *const *x; /* inputs */
    iv_node *y;        /* n_out outputs: &y[0] ... */
    iv_node *const *dy;
    iv_node **dx;
    const bool *need;
    const void *attr;
} iv_gradient_call;

typedef struct iv_step iv_step;   /* what a stepping rule sees: see below */
typedef struct iv_apart iv_apart; /* what a rule of records sees: see below */

enum {
    IV_RANGED = 1,    /* its kernel fills a range of output 0: the plan splits the work */
    IV_POINTWISE = 2, /* ranged, and element i needs just element i of each input: fused freely */
    IV_LEAF = 4,
    IV_FREE = 8,  /* ranged, and as cheap to compute again as to read (fill, broadcast_to) */
    IV_VIEW = 16, /* output 0 has the bytes of input 0: the plan makes no copy (reshape) */
    IV_IN_PLACE = 32, /* output 0 may lie where input 0 does, if that is not read afterwards: all but a part stays */
    IV_PRODUCT = 128, /* its kernels may finish output 0 stretch by stretch (iv_then): pointwise rows are fused behind it */
    IV_ACROSS = 64, /* its stepping rule looks at other positions, at phases of its own */
};

struct iv_op {
    const char *name;
    const char *says; /* the formula, or one line */
    int min_in, max_in, n_out;
    unsigned flags;
    const iv_field *attrs; /* NULL: none */
    size_t attr_size;
    const char *(*shape)(iv_shape_call *s);
    void (*gradient)(iv_gradient_call *g);
    const char *no_gradient;  /* why there is no gradient rule: an integer output, a step, ... */
    const char *first_order;  /* why a second derivative is refused; NULL: every order */
    void (*step)(iv_step *s); /* NULL on a POINTWISE row: itself at length 1 */
    const char *no_step;      /* why there is no stepping rule: it looks ahead, ... */
    void (*apart)(iv_apart *a); /* NULL: on a POINTWISE row itself; others are not known to keep records apart */
    iv_kernel *f32, *f64; /* the reference, which is the meaning; on integers both are the same */
    size_t (*scratch)(const iv_kernel_call *k); /* bytes, of the reference; NULL: none */
};

/* Makes a call, or finds the equal one, and returns its output 0; the outputs are
 * ->call->out[0..]. NULL if an input is NULL (sticky) or the row refuses: then the graph keeps
 * the first reason, with names and shapes. attr is copied; it may be NULL when the row has none. */
iv_node *iv__apply(iv_graph *graph, const iv_op *op, int n_in, iv_node *const in[], const void *attr);

/* Shorthands for rows of one and two inputs; graph from the first. */
iv_node *iv__apply1(const iv_op *op, iv_node *x, const void *attr);
iv_node *iv__apply2(const iv_op *op, iv_node *a, iv_node *b, const void *attr);

/* Another output of the same call; NULL passes through. */
static inline iv_node *iv__out(iv_node *node, int index)
{
    return node ? &node->call->out[index] : NULL;
}

/* Keeps a reason (the first one stays) and returns NULL. */
iv_node *iv__refuse(iv_graph *graph, iv_status status, const char *format, ...) IV_PRINTF(3, 4);

/* "name [2,3]" of a node, for messages: the leaf's name or scope, else the row's name. */
char *iv__node_text(const iv_node *node, char *text, size_t size);

/* Leaf rows and their attributes (leaf.c). */
typedef struct iv__leaf {
    const char *name;
    int64_t dtype;
    iv_shape shape;
    int64_t axis; /* of causal time, or -1; with more axes, which follow it, the first */
    int64_t axes; /* that are causal: 0, 1 (time), or 2 (rows and columns, in reading order) */
} iv__leaf;
extern const iv_op iv__op_input, iv__op_parameter;
iv_node *iv__input_causal(iv_graph *graph, const char *name, iv_dtype dtype, iv_shape shape,
                          int axis, int axes);
static inline const iv__leaf *iv__leaf_of(const iv_node *node) /* NULL for other nodes */
{
    return node->call->op->flags & IV_LEAF ? node->call->attr : NULL;
}

/* ---- stepping, as rules use it (derive/stepper.c) --------------------------------------------
 * A rule maps one call of the whole graph to nodes of the graph of one position along an axis. A node
 * there is either `once` (the same at every position) or per position, and then, if it has that axis,
 * the axis has length 1. What lies behind a stride has one position for so many of the walk, its
 * level; at a phase (position modulo period) that is no multiple of the level it is not computed. */
struct iv_step {
    const iv_call *call; /* of the whole graph */
    iv_graph *graph;     /* the one-position graph */
    iv_node *in[IV_MAX_IN]; /* NULL: not computed at this phase; only rows marked IV_ACROSS see that */
    int axis[IV_MAX_IN];    /* the walked axis of each input in the whole graph, or -1 */
    bool moves[IV_MAX_IN];  /* false: the same at every position */
    int64_t level[IV_MAX_IN]; /* of what moves */
    int64_t phase;
    bool last; /* no further causal axis will be walked */
    void *stepper;
};
/* Refuses by name: "ROW: why". */
void iv__step_refuse(iv_step *s, const char *why);
/* A state leaf shaped as input k (a node that is `once`), whose value there is where it starts. */
iv_node *iv__step_state(iv_step *s, int k);
void iv__step_update(iv_step *s, iv_node *state, iv_node *value);
/* Output `index` is this node, with its walked axis (or -1). */
void iv__step_output(iv_step *s, int index, iv_node *node, int axis);
/* The same with a level of its own; node NULL: not computed at this phase. */
void iv__step_output_at(iv_step *s, int index, iv_node *node, int axis, int64_t level);
/* Input k as one position would see it: where it is `once` but spans the whole length along
 * `axis`, it is made again at length 1 if its values do not differ along that axis (a broadcast,
 * a fill), else its place is taken where the walk has places, else refused. */
iv_node *iv__step_narrow(iv_step *s, int k, int axis);
/* The rule of most rows: the same row on the inputs, attributes as they are; output 0's axis is `axis`. */
void iv__step_same(iv_step *s, const void *attr, int axis);
/* The position of the walk: an i32 scalar leaf. */
iv_node *iv__step_position(iv_step *s);
/* All positions of input k along its axis, as they stand before this one was computed (those not yet
 * computed hold anything), or (`now`) with this one. It is kept as a state from here on. */
iv_node *iv__step_kept(iv_step *s, int k, bool now);

/* ---- records kept apart, as rules use it (plan/apart.c) -----------------------------------------
 * A rule maps one call of the graph of a whole batch to nodes of the graph of a micro-batch, which are
 * some records that follow each other. A node holds so many rows of axis 0 for each record, record
 * after record; or it is the same for all records; or a sum over records. A rule first says of each
 * input what it must be, then makes its call. Where it makes none, records are not kept apart. */
struct iv_apart {
    const iv_call *call; /* of the whole batch */
    iv_node *in[IV_MAX_IN];
    int64_t rows[IV_MAX_IN]; /* of an input for each record; 0: the same for all */
    int64_t records, micro;  /* of the batch, of a micro-batch */
    void *walk;
};
/* Input k holds records: as it is, or because it is made so, where all records have the same. */
bool iv__apart_records(iv_apart *a, int k, int64_t rows);
bool iv__apart_same(iv_apart *a, int k); /* input k is the same for all records */
/* The row on these inputs. */
iv_node *iv__apart_call(iv_apart *a, const void *attr);
/* Output j of what that made holds records; with rows 0 it is a sum over them. */
void iv__apart_output(iv_apart *a, int j, iv_node *made, int64_t rows);
/* The rule of most rows: the same row; every input and output holds so many rows for each record. */
void iv__apart_each(iv_apart *a, const void *attr, int64_t rows);

#endif
