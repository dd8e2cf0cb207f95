/* derive.h: graphs made from a graph: its gradient, and its stepper. */
#ifndef IVORY_DERIVE_H
#define IVORY_DERIVE_H

#include <ivory/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

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

#ifdef __cplusplus
}
#endif
#endif
