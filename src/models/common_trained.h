/* common_trained.h: what a model computes once it is trained, for whoever writes that graph in another form. */
#ifndef IV_MODELS_COMMON_TRAINED_H
#define IV_MODELS_COMMON_TRAINED_H

#include "models/model.h"

/* The graph of a trained model, in the scope: of texts the logits of the token behind each of the input "words" i32
 * [batch,length], a sequence; of pictures the "parameters" of the distribution of each of "pixels" [batch,height,width,channels] and,
 * with classes, "label" i32 [batch]; else what the model itself says. *name: of the output.
 * Errors    NULL: UNSUPPORTED for a model that says nothing; else the graph has the reason. */
iv_node *iv__trained_graph(const iv__instance *instance, iv_scope *scope, int64_t batch,
                           int64_t length, const char **name);

#endif
