/* weights.h: a file of weights, as it is opened, named and matched. */
#ifndef IV_WEIGHTS_WEIGHTS_H
#define IV_WEIGHTS_WEIGHTS_H

#include <ivory/weights.h>

#include "base/arena.h"
#include "format/element.h"
#include "format/safetensors.h"

typedef struct iv__weight {
    iv_weight about;
    const char *alias;   /* another name of the layer, or NULL */
    const void *data;    /* in C's order */
    iv__element element; /* width 0: numbers of a kind that is not read */
    int64_t place;       /* in the order of layers */
} iv__weight;

struct iv_weights {
    iv_home *home;
    iv__arena arena;
    const char *name; /* for messages */
    iv__weight *list;
    int64_t n, room;
    iv__safetensors *file; /* metadata and numbers of all but NumPy's files */
    void *bytes;           /* what file lives on; NULL: itself */
    void **arrays;         /* of NumPy's files, n of them */
};

/* Gives all weights their layers and parts, and sorts them as the model has its layers. */
iv_status iv__weights_name_layers(iv_weights *weights);

/* ---- a layer's weights as a layer of Ivory's has them ---------------------------------------- */
enum { IV__LAYER_WEIGHTS = 12 }; /* of one layer, at most */

typedef struct iv__layout {
    int n_from, n_to;
    const iv_shape *from[IV__LAYER_WEIGHTS]; /* in the layer's order */
    const iv_shape *to[IV__LAYER_WEIGHTS];
} iv__layout;

/* What the layout is called, whose weights become those of `to`; NULL: they fit as they are, one by one, or not at
 * all. */
const char *iv__layout_of(const iv__layout *layout);
/* Weight `to` of the layer, from its weights as doubles. */
void iv__layout_convert(const iv__layout *layout, double *const from[], int to, double *values);

#endif
