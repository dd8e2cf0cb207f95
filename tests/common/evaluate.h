/* evaluate.h: a graph's values by the plainest way: call after call, reference kernels, nothing
 * shared or reused. */
#ifndef TESTS_COMMON_EVALUATE_H
#define TESTS_COMMON_EVALUATE_H

#include "graph/node.h"

/* The value of each node by id. Leaves point at memory of the caller, the rest is made by
 * `evaluate`. */
typedef struct evaluation {
    iv_graph *graph;
    int n_nodes;
    void **value;
} evaluation;

/* Of the graph as it is now; `leaf` is asked for the memory of each leaf that the outputs need. */
typedef void *evaluate_leaf(void *context, const iv_node *leaf);
evaluation evaluate(iv_graph *graph, int n, iv_node *const outputs[], evaluate_leaf *leaf,
                    void *context);
void evaluation_free(evaluation *e);

/* Element i of a node's value, whatever its type. */
double evaluation_at(const evaluation *e, const iv_node *node, int64_t i);
double element_at(const void *data, iv_dtype dtype, int64_t i);

#endif
