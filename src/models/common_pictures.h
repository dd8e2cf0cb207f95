/* common_pictures.h: pictures as training records: values 0 .. levels - 1 of every pixel, and classes. */
#ifndef IV_MODELS_COMMON_PICTURES_H
#define IV_MODELS_COMMON_PICTURES_H

#include "models/common_painter.h"

/* Inputs, for N pictures. */
#define IV__PICTURES_PIXELS "pixels" /* [N,H,W,C], as the network reads values */
#define IV__PICTURES_VALUES "values" /* i32 [N,H,W,C] */
#define IV__PICTURES_LABEL "label"   /* i32 [N]; filled where a plan has it */
#define IV__PICTURES_WEIGHT "weight" /* [N], 0 where there is no record */

typedef struct iv__gallery {
    iv_home *home;
    iv__pictures *pictures; /* NULL: restored from a file, or described without data */
    int32_t *records[SPLITS];
    int64_t n[SPLITS];
    bool own_test; /* the data set says which pictures test */
    float reads[256];
    int classes;
    const char *const *class_names;
    iv__named_tensor kept; /* the names, each terminated */
} iv__gallery;

/* Opens the data as iv__model's open_data, cuts them into splits, fills in the trainee. classes: the
 * model is told of them. palette: `fit` and `reads` of it.
 * Errors    VALUE for pictures without classes where they are asked for. */
iv_status iv__gallery_open(iv__gallery *gallery, iv__instance *instance, const iv__dataset *set,
                           const char *data, bool classes, const iv__palette *palette);
/* The names of classes, from a saved file. */
iv_status iv__gallery_restore(iv__gallery *gallery, iv__instance *instance, const iv__safetensors *file);
void iv__gallery_close(iv__gallery *gallery);

/* As iv__palette's real, of an instance whose state begins with a gallery. */
const unsigned char *iv__gallery_real(const iv__instance *instance, int64_t i);

/* Of a mean loss in nats for each value: bits per dimension, nats per picture; and the bits per dimension
 * that a histogram of each place and channel reaches that is counted over the training pictures. */
int iv__gallery_measures(const iv__gallery *gallery, iv__split split, double loss, int64_t levels,
                         iv__measure measure[IV__MAX_MEASURES]);

#endif
