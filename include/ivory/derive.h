/* derive.h: graphs made from a graph: its gradient, and its stepper. */
#ifndef IVORY_DERIVE_H
#define IVORY_DERIVE_H

#include <ivory/plan.h>
#include <ivory/row.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A graph from the text that iv_graph_save wrote, without the code that built it; its outputs by iv_graph_output.
 * Parameters are leaves again, to be found by their names (iv_params_bind). own: rows that are not Ivory's, NULL at the
 * end; NULL: none.
 * Errors    FORMAT, NAME (a row that is not here), SHAPE, each with the line; IO. */
IV_API iv_graph *iv_graph_load(iv_home *home, const char *path, const iv_op *const own[]);
/* The same from memory; name: what messages call it. */
IV_API iv_graph *iv_graph_read(iv_home *home, const char *name, const char *text, size_t size,
                               const iv_op *const own[]);

/* dx[i] = d(sum of y)/d(x[i]), as new nodes of the same graph; so it can be differentiated again. A
 * node that y does not depend on gets zeros.
 * Errors    UNSUPPORTED when the way from x to y passes a row without gradient rule of that order:
 *           the row is named with its reason. dx is then all NULL. */
IV_API iv_status iv_gradient(iv_node *y, int n, iv_node *const x[], iv_node *dx[]);

/* The stepper of some outputs: a graph that computes them for one position, with states that are
 * carried. Inputs made by iv_input_sequence have length 1 on their time axis; everything else is as
 * in the whole graph.
 * Errors    UNSUPPORTED when a row looks ahead (named). */
typedef struct iv_stepper iv_stepper;

typedef struct iv_stepper_state {
    iv_node *leaf; /* an input of the step graph */
    iv_node *start; /* its value before the first position: a node that is the same at every position */
    iv_node *next; /* its value after this position */
} iv_stepper_state;

IV_API iv_stepper *iv_stepper_new(int n, iv_node *const outputs[]);
IV_API void iv_stepper_free(iv_stepper *stepper);
IV_API iv_graph *iv_stepper_graph(const iv_stepper *stepper);
IV_API iv_node *iv_stepper_output(const iv_stepper *stepper, int i);
IV_API int iv_stepper_states(const iv_stepper *stepper, const iv_stepper_state **states);

/* The steppers of pictures: graphs that compute some outputs for one pixel, in reading order, from what
 * was computed for the pixels before it. Pictures are inputs made by iv_input_raster.
 *
 * A pixel is visited in stages, each a plan of its own:
 *   row   before the first pixel of a row: what depends on the rows above alone, for the whole row;
 *   look  the outputs, and what is kept of layers that do not see the pixel itself;
 *   keep  once the pixel itself is known: what is kept of it.
 * Where the graph has strides, the plans differ by row and column modulo a period. What is kept lies in
 * leaves: the memory of a leaf must be the same in all plans (iv_plan_bind), and it begins with
 * anything. The leaves "position/0" and "position/1" (i32 scalars) are the row and the column.
 * Errors    UNSUPPORTED when a row looks ahead (named), or folds the axes of a picture. */
typedef struct iv_raster iv_raster;
typedef enum iv_raster_stage {
    IV_RASTER_ROW,
    IV_RASTER_LOOK,
    IV_RASTER_KEEP,
    IV_RASTER_STAGES
} iv_raster_stage;
typedef struct iv_raster_part {
    int n_outputs;           /* of LOOK: those asked for; else 0 */
    iv_node *const *outputs; /* [N,1,1,...] */
    int n_updates;
    const iv_update *updates;
} iv_raster_part;

IV_API iv_raster *iv_raster_new(int n, iv_node *const outputs[]);
IV_API void iv_raster_free(iv_raster *raster);
/* Rows and columns from one plan to the same again. */
IV_API int64_t iv_raster_period(const iv_raster *raster);
/* What is to be run at a stage for a row and a column (of ROW the column is 0) below the period. */
IV_API iv_raster_part iv_raster_part_of(const iv_raster *raster, iv_raster_stage stage, int64_t row,
                                        int64_t column);

#ifdef __cplusplus
}
#endif
#endif
