/* window.h: rows of a stepper's states, for stepping rules and the stepper. */
#ifndef IV_OPS_WINDOW_H
#define IV_OPS_WINDOW_H

#include "graph/node.h"

/* "window": in x, at (i32 scalar); out `count` places of an axis: at / per + offset, then every `step`. */
typedef struct iv__window {
    int64_t axis, offset, count, step, per;
} iv__window;

/* "keep": in buffer, x, at ... (i32 scalars); out buffer, but x at the place at / per of the axes from
 * `axis` on; out of range: as it was. */
typedef struct iv__keep {
    int64_t axis;
    iv_shape per; /* one number for each axis */
} iv__keep;

iv_node *iv__window_of(iv_node *x, iv_node *at, const iv__window *attr);
iv_node *iv__keep_at(iv_node *buffer, iv_node *x, iv_node *at, const iv__keep *attr);

#endif
