/* summary.h: what a model is made of, and the memory that training it takes. */
#ifndef IV_CLI_SUMMARY_H
#define IV_CLI_SUMMARY_H

#include "cli/cli.h"

typedef enum summary_kind { SUMMARY_INPUT, SUMMARY_LAYER, SUMMARY_LOSS } summary_kind;

typedef struct summary_layer {
    summary_kind kind;
    const char *name, *type;
    iv_shape shape; /* of what it gives out */
    int64_t parameters;
    int n_reads; /* from where its values come, also through ops between layers; */
    int *reads;  /* by their places in the list, in its order */
} summary_layer;

/* Inputs, layers and losses in the order they were made in, from the graph of training at the options' batch.
 * Parameters are made in params. */
typedef struct summary {
    iv__arena arena;
    int n_layers;
    summary_layer *layers;
    int64_t parameters;
} summary;

iv_status summary_make(iv__instance *instance, iv_params *params, summary *s);
void summary_free(summary *s);
/* The graph of evaluation as text, its losses by name. */
iv_status summary_save_graph(iv__instance *instance, iv_params *params, const char *path);

/* Bytes that training takes, known before the first step. */
typedef struct summary_memory {
    size_t parameters, optimizer;
    size_t slab, inputs, constants, scratch; /* of the steps' plans; scratch is in the slab */
    size_t validation;                       /* of the plan that measures the validation loss */
    size_t total;
    size_t plans; /* graphs and plans themselves: small beside the rest, but for small models; not in the total */
} summary_memory;

/* Plans the steps of training without running them. look: if not NULL, is shown the plan of each
 * step's gradients. */
typedef void summary_look(void *user, const iv_plan *plan);
iv_status summary_foretell(iv__instance *instance, iv_params *params, summary_memory *memory,
                           summary_look *look, void *user);

#endif
