/* graph.h: graphs and nodes. A node is a value to be computed: immutable, without data.
 *
 * Builders nest without checks: a builder given NULL returns NULL, and the graph keeps the first
 * reason. One test at the end (iv_graph_status, or iv_plan_new failing) tells all. */
#ifndef IVORY_GRAPH_H
#define IVORY_GRAPH_H

#include <ivory/tensor.h>

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct iv_graph iv_graph;
typedef struct iv_node iv_node;

/* real: the element type of parameters and constants, IV_F32 or IV_F64 (for gradient checks). */
IV_API iv_graph *iv_graph_new(iv_home *home);
IV_API iv_graph *iv_graph_new_real(iv_home *home, iv_dtype real);
IV_API void iv_graph_free(iv_graph *graph); /* all nodes die with it */

IV_API iv_status iv_graph_status(const iv_graph *graph);
IV_API const char *iv_graph_message(const iv_graph *graph); /* the first reason; "" if none */
IV_API iv_home *iv_graph_home(const iv_graph *graph);
IV_API iv_dtype iv_graph_real(const iv_graph *graph);

/* Leaves. The same name, dtype and shape is the same node; the same name otherwise is an error. */
IV_API iv_node *iv_input(iv_graph *graph, const char *name, iv_dtype dtype, iv_shape shape);
IV_API iv_node *iv_parameter(iv_graph *graph, const char *name, iv_shape shape);
/* An input whose axis `axis` is causal time: the stepper runs it one position at a time. */
IV_API iv_node *iv_input_sequence(iv_graph *graph, const char *name, iv_dtype dtype, iv_shape shape,
                                  int axis);
/* An input of pictures [N,H,W,...] whose rows and columns are causal in reading order: iv_raster_new
 * (derive.h) runs it one pixel at a time. */
IV_API iv_node *iv_input_raster(iv_graph *graph, const char *name, iv_dtype dtype, iv_shape shape);

/* Outputs, by name. A name is given once; node NULL is passed over. */
IV_API void iv_graph_set_output(iv_graph *graph, const char *name, iv_node *node);
IV_API iv_node *iv_graph_output(const iv_graph *graph, const char *name); /* NULL if absent */

/* The graph as text: a line for each call that the outputs need, or where none are named for every call: its number,
 * row, inputs, attributes, and behind # element type and shape. Values of parameters are not in it. */
IV_API void iv_graph_print(const iv_graph *graph, FILE *file);
/* The same in a file, to be read by iv_graph_load (derive.h). Errors: what went wrong in building it; IO. */
IV_API iv_status iv_graph_save(const iv_graph *graph, const char *path);

IV_API iv_graph *iv_node_graph(const iv_node *node); /* of NULL: NULL */
IV_API const iv_shape *iv_node_shape(const iv_node *node);
IV_API iv_dtype iv_node_dtype(const iv_node *node);
IV_API const char *iv_node_op(const iv_node *node); /* name of its row */
IV_API const char *iv_node_name(const iv_node *node); /* of a leaf; else the scope it was made in, or "" */
/* Axis counted from the end when negative; 0 for NULL (so builders can go on). */
IV_API int64_t iv_node_dim(const iv_node *node, int axis);

#ifdef __cplusplus
}
#endif
#endif
