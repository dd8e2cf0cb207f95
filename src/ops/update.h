/* update.h: rows that plans make of the chains of rows in which optimizers write their steps. */
#ifndef IV_OPS_UPDATE_H
#define IV_OPS_UPDATE_H

#include "ops/rows.h"

#include <ivory/graph.h>

iv_node *iv__average_node(iv_node *m, iv_node *x, iv__average attr);
iv_node *iv__descend_node(iv_node *w, iv_node *rate, iv_node *x, iv_node *s, iv__descend attr);

#endif
