/* common_conv_step.h: the stepping rules of convolutions. */
#ifndef IV_OPS_COMMON_CONV_STEP_H
#define IV_OPS_COMMON_CONV_STEP_H

#include "graph/node.h"

void iv__conv_step(iv_step *s);   /* of "conv" */
void iv__conv_x_step(iv_step *s); /* of "conv_x" */

#endif
