/* node.h: nodes, calls and graphs, as ops, derive and plan see them. Rows and what their rules see are public: row.h.
 *
 * A call is a row applied to input nodes with attributes; a node is a call and an output index.
 * Calls are immutable and shared: the same row on the same inputs with the same attributes is
 * the same call. Inputs exist before the call, so the order of making is a topological order: no
 * sort is ever needed. Nodes hold no data: addresses live in a plan. */
#ifndef IV_GRAPH_NODE_H
#define IV_GRAPH_NODE_H

#include <ivory/row.h>

#include "base/arena.h"

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

/* A node that is an output of its graph. */
typedef struct iv__named {
    const char *name;
    iv_node *node;
    struct iv__named *next;
} iv__named;

struct iv_graph {
    iv_home *home;
    iv_dtype real;
    iv__arena arena;
    iv_call **calls;
    int n_calls, room_calls, n_nodes;
    iv_call **buckets;
    int n_buckets;
    const char *scope;  /* given to calls made now */
    iv__named *outputs; /* in order of naming */
    iv_status status;
    char message[512];
};

/* iv_apply of rows of one and two inputs; graph from the first. */
iv_node *iv__apply1(const iv_op *op, iv_node *x, const void *attr);
iv_node *iv__apply2(const iv_op *op, iv_node *a, iv_node *b, const void *attr);

/* Records the graph's first reason with its home. Returns its status. */
iv_status iv__graph_fail(const iv_graph *graph);

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

#endif
