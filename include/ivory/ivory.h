/* ivory.h: everything of libivory. Trained runs are in run.h, other programs' weights in weights.h, both of libivory-io. */
#ifndef IVORY_IVORY_H
#define IVORY_IVORY_H

#include <ivory/base.h>
#include <ivory/check.h>
#include <ivory/derive.h>
#include <ivory/graph.h>
#include <ivory/nn.h>
#include <ivory/ops.h>
#include <ivory/plan.h>
#include <ivory/row.h>
#include <ivory/tensor.h>
#include <ivory/train.h>

#endif
