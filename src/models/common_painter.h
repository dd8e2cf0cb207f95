/* common_painter.h: pictures that grow pixel by pixel, in reading order, side by side: the plans of a
 * raster (derive.h) and what is kept between them. */
#ifndef IV_MODELS_COMMON_PAINTER_H
#define IV_MODELS_COMMON_PAINTER_H

#include "data/pictures.h"
#include "models/model.h"

/* What a model that paints says of itself. A picture has values 0 .. levels - 1. */
typedef struct iv__palette {
    int64_t height, width, channels, levels;
    int64_t step;                   /* sides of what the network takes are multiples of it */
    int classes;                    /* that it was told of; 0: none */
    const char *const *class_names; /* [classes] */
    iv__pictures_options fit;       /* how a picture that is given becomes one of these */
    /* Picture i to train with, while the data are open and has so many; else NULL. */
    const unsigned char *(*real)(const iv__instance *instance, int64_t i);
    /* Pixels [N,H,W,C] as the network reads them, label i32 [N] (NULL without classes) -> what the
     * distribution of each pixel is made of, [N,H,W,P], of evaluation. */
    iv_node *(*outputs)(const iv__instance *instance, iv_scope *scope, iv_node *pixels, iv_node *label);
    /* What the network reads for a value. */
    float (*reads)(const iv__instance *instance, int64_t value);
    /* The probability that the value of a channel is below k, 0 at k = 0, 1 at k = levels, given the P
     * outputs of its pixel and the values of its channels before. The same on every processor for the same outputs. */
    double (*below)(const iv__instance *instance, const float *outputs, int64_t channel,
                    const unsigned char *before, int64_t k);
} iv__palette;

typedef struct iv__painter iv__painter;

/* So many pictures of a size side by side. Several painters may work at once, each in one thread.
 * Errors    UNSUPPORTED for a network that looks ahead. */
iv__painter *iv__painter_new(iv__instance *instance, iv_params *params, int64_t pictures,
                             int64_t height, int64_t width);
void iv__painter_free(iv__painter *painter);

/* The classes of the pictures, if there are any; before the first pixel. */
void iv__painter_classes(iv__painter *painter, const int32_t label[]);
/* Of each picture the P outputs for a pixel: [pictures,P], lent until the next call. The pixels before it
 * must have been kept. NULL: it failed, the home has the message. */
const float *iv__painter_look(iv__painter *painter, int64_t row, int64_t column, int64_t *p);
/* The pixel of each picture: values [pictures, channels]. */
iv_status iv__painter_keep(iv__painter *painter, int64_t row, int64_t column,
                           const unsigned char *values);

#endif
