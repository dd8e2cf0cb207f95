/* scope.h: scopes as layers use them: a layer opens one of its own, builds within, and closes
 * it. */
#ifndef IV_NN_SCOPE_H
#define IV_NN_SCOPE_H

#include "nn/params.h"

typedef struct iv__opened_name iv__opened_name; /* a name that was opened in the graph */
typedef struct iv__kind_count iv__kind_count; /* a kind, and how many unnamed scopes of it were entered */

/* Parameters that get new values, in order of asking; one list for all scopes below an outermost one. */
typedef struct iv__updates {
    iv_update *list;
    int n, room;
} iv__updates;

struct iv_scope {
    iv_graph *graph;
    iv_params *params;
    iv_scope *parent;
    const char *name;         /* in full: "writer/lstm" */
    iv__opened_name **opened; /* the names opened below the outermost scope: one list */
    iv__updates *updates;
    iv__kind_count *counted; /* within this scope */
    int opening; /* 1 for the first time its name was opened, 2 ... where it was shared */
    bool shared; /* names within may be opened again */
    bool sets_training, training;
    bool initializing;  /* or its parent is */
    int64_t positions;  /* rows of axis 0 that make one record: 1, but in iv_time_distributed */
    const char *around; /* what the graph's scope was when the layer was opened */
};

/* Opens the scope of a layer on x: calls made from now on carry its name. NULL if scope or x is,
 * or if the graph has failed: then nothing within makes parameters. known: the options are of the
 * size that this library knows. */
iv_scope *iv__layer_open(iv_scope *scope, const iv_node *x, const char *name, const char *kind,
                         bool known);
/* Closes it and passes the layer's result on; NULL if the graph has failed. */
iv_node *iv__layer_close(iv_scope *layer, iv_node *y);

#define iv__layer_of(scope, x, options, kind) \
    iv__layer_open(scope, x, (options)->name, kind, (options)->size == sizeof *(options))

/* A parameter of which a part alone is not 0 at birth; NULL: as iv_param. */
iv_node *iv__param_born(iv_scope *scope, const char *name, iv_shape shape, iv_init init,
                        const iv__born *born);

/* What kind of layer a scope of this graph was opened as ("conv2d"), by its name in full; NULL: none was said. */
const char *iv__scope_kind(const iv_scope *scope, const char *full);
bool iv__scope_is_training(const iv_scope *scope);
bool iv__scope_is_initializing(const iv_scope *scope);
/* Asks for a new value of a parameter; the last one asked for counts. Its value so far, in this graph. */
void iv__scope_update(iv_scope *scope, iv_node *leaf, iv_node *value);
iv_node *iv__scope_value(const iv_scope *scope, iv_node *leaf);
int64_t iv__scope_positions(const iv_scope *scope);

#endif
