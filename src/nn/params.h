/* params.h: parameters, as scopes and optimizers make them. */
#ifndef IV_NN_PARAMS_H
#define IV_NN_PARAMS_H

#include <ivory/nn.h>

#include "format/safetensors.h"

/* What of axes 0 and 1 does not begin as 0: a rectangle, or so many places in reading order. */
typedef struct iv__born {
    iv_kept kept; /* its rows end at 0: all */
    int64_t taps; /* 0: all */
} iv__born;

/* The leaf `name` of the graph, a parameter or, if it is a state, an input; its tensor is found in params,
 * or made and initialised there. born NULL: all of it. NULL: the graph holds why. */
iv_node *iv__params_leaf(iv_params *params, iv_graph *graph, const char *name, iv_shape shape,
                         iv_init init, const iv__born *born);

/* Among the parameters, but no weights of the model: what an optimizer keeps, and states that are
 * carried from step to step. */
#define IV__OPTIMIZER_PREFIX "optimizer/"
#define IV__STATE_PREFIX "state/"
bool iv__is_optimizers(const char *name);
bool iv__is_state(const char *name);

/* Weights that are made from now on stand in the file with the same shape, or are refused before memory is asked for: so a
 * model file cannot ask for more than it holds. The file is borrowed; NULL: nothing is expected any more. */
void iv__params_expect(iv_params *params, const iv__safetensors *file);

/* Where an optimizer keeps averages of weights: PART of its state of each. */
#define IV__AVERAGE "average"
/* Begins averages with the weights as they are; without averages it does nothing. */
void iv__params_begin_averages(iv_params *params);
/* Weights become their averages, and these the weights: to look at what is learnt, and back. */
void iv__params_swap_averages(iv_params *params);

#endif
