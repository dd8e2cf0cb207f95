/* stepper.h: walks along an axis, as pictures need them: one along the rows, then one along the columns. */
#ifndef IV_DERIVE_STEPPER_H
#define IV_DERIVE_STEPPER_H

#include <ivory/derive.h>

#include "graph/node.h"

typedef struct iv__walk {
    int number;   /* 0: the first; a later one goes over the graph that the one before made */
    bool picture; /* positions are known, strides have phases, what is not computed is not missed */
    bool last;    /* no other walk follows */
    int64_t phase; /* position modulo the period */
    int64_t of;    /* phase of the walk before */
} iv__walk;

typedef struct iv__of_row {
    iv_node *leaf;  /* of the graph of a pixel */
    iv_node *value; /* of the graph that was walked */
} iv__of_row;

iv_stepper *iv__stepper_new(int n, iv_node *const outputs[], iv__walk walk);
/* Positions from one phase to the same again, as far as this phase can tell: phase 0 can. */
int64_t iv__stepper_period(const iv_stepper *stepper);
/* Of a later walk: what is the same at all its positions and computed before them. */
int iv__stepper_rows(const iv_stepper *stepper, const iv__of_row **rows);

#endif
