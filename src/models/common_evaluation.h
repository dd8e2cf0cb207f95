/* common_evaluation.h: what a model computes once it is trained, for whoever writes that graph in another form. */
#ifndef IV_MODELS_COMMON_EVALUATION_H
#define IV_MODELS_COMMON_EVALUATION_H

#include "models/model.h"

/* What a model of texts says of the token behind each, or one of pictures of each pixel, in the scope's graph: inputs
 * "words" i32 [batch,length], a sequence; or "pixels" [batch,height,width,channels] and, with classes, "label" i32 [batch]. *name:
 * "logits", or "parameters" of what each pixel's distribution is made of.
 * Errors    NULL: UNSUPPORTED for a model that is neither; else the graph has the reason. */
iv_node *iv__evaluation_of(const iv_instance *instance, iv_scope *scope, int64_t batch,
                           int64_t length, const char **name);

#endif
