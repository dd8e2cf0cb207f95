/* import.h: a model in the ONNX format as a graph of Ivory's rows and layers, for fixed sizes: how tests run other
 * people's operators, and what Ivory exported.
 *
 * An operator is a line of a table: its name, and a function that builds its first output from its inputs and
 * attributes. */
#ifndef IV_TESTS_ONNX_IMPORT_H
#define IV_TESTS_ONNX_IMPORT_H

#include "format/onnx.h"

#include <ivory/ivory.h>

/* A value by name. `known`: numbers that are known while the graph is built; `constant` if they are the same for every
 * input, too. `node` is made of them when somebody asks for it. */
typedef struct onnx_value {
    const char *name;
    iv_node *node;
    const iv__onnx_tensor *known;
    bool constant;
} onnx_value;

typedef struct onnx_import {
    iv_home *home;
    iv__arena arena;
    iv_graph *graph;
    iv_params *params;
    iv_scope *scope;
    const iv__onnx_model *model;
    onnx_value *values;
    int64_t n_values;
    char reason[512]; /* why the model cannot be expressed; "" */
} onnx_import;

typedef struct onnx_call {
    onnx_import *at;
    const iv__onnx_node *node;
} onnx_call;

typedef struct onnx_operator {
    const char *name;                /* NULL ends a table */
    iv_node *(*build)(onnx_call *c); /* output 0, or NULL: the graph's message or ->reason says why */
} onnx_operator;
/* pointwise.c, places.c, images.c, layers.c, losses.c */
extern const onnx_operator onnx_pointwise[], onnx_places[], onnx_images[], onnx_layers[],
    onnx_losses[];

/* Operators on constants: their output itself; NULL where they are no such. */
typedef struct onnx_size {
    const char *name;
    const iv__onnx_tensor *(*fold)(onnx_call *c);
} onnx_size;
extern const onnx_size onnx_sizes[]; /* sizes.c */

/* ---- a model --------------------------------------------------------------------------------- */
/* Builds the model for these inputs, given by name: their shapes, and their numbers where an operator must know them
 * to be built. False: ->reason says why not. To be closed in any case; tensors and model stay the caller's. */
bool onnx_import_open(onnx_import *at, iv_home *home, const iv__onnx_model *model, int64_t n,
                      const iv__onnx_tensor inputs[]);
void onnx_import_close(onnx_import *at);
/* Runs it. outputs[k]: of model->outputs[k], with numbers as doubles in shape's order, in the arena. */
typedef struct onnx_result {
    iv_shape shape;
    const double *number;
} onnx_result;
iv_status onnx_import_run(onnx_import *at, onnx_result outputs[]);
double onnx_number(const iv__onnx_tensor *tensor, int64_t i);

/* ---- what an operator asks for ----------------------------------------------------------------- */
iv_node *onnx_no(onnx_call *c, const char *format, ...) IV_PRINTF(2, 3); /* it cannot be expressed: NULL */
bool onnx_has(const onnx_call *c, int k);                                /* input k is there */
bool onnx_wants(const onnx_call *c, int k);                              /* output k is wanted */
iv_node *onnx_in(onnx_call *c, int k);                  /* input k; NULL if it is left out */
iv_node *onnx_real(onnx_call *c, int k);                /* .. in the graph's real type */
const iv__onnx_tensor *onnx_known(onnx_call *c, int k); /* its numbers; NULL: not known */
void onnx_give(onnx_call *c, int k, iv_node *node);     /* output k, behind the first */
/* Whole numbers of an input that is known, or of an attribute; NULL if it is left out (or, with a reason, unknown). */
const int64_t *onnx_wholes_in(onnx_call *c, int k, int64_t *n);
const int64_t *onnx_wholes(const onnx_call *c, const char *name, int64_t *n);
int64_t onnx_whole(const onnx_call *c, const char *name, int64_t otherwise);
double onnx_attribute(const onnx_call *c, const char *name, double otherwise);
const char *onnx_text(const onnx_call *c, const char *name, const char *otherwise);
/* A parameter of a layer, with the numbers of input k, which must be known. */
bool onnx_set(onnx_call *c, const char *parameter, int k);

/* ---- axes -------------------------------------------------------------------------------------- */
iv_node *onnx_channels_last(iv_node *x);               /* [N,C,S...] -> [N,S...,C] */
iv_node *onnx_channels_first(iv_node *x);              /* and back */
iv_node *onnx_axis_last(iv_node *x, int64_t axis);     /* the other axes keep their order */
iv_node *onnx_axis_back(iv_node *x, int64_t axis);     /* the last axis there */
iv_shape onnx_shape_of(const int64_t *dim, int64_t n); /* the first 8 of them */

#endif
