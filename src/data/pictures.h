/* pictures.h: data sets of pictures: the whole set in memory, all pictures of one size. */
#ifndef IV_DATA_PICTURES_H
#define IV_DATA_PICTURES_H

#include "data/dataset.h"
#include "format/resize.h"

typedef struct iv__pictures iv__pictures;

/* What of a picture is kept when its shape is another than the one asked for. CENTRE is the default:
 * things keep their shape, and what matters mostly stands in the middle. */
typedef enum iv__crop {
    IV__CROP_CENTRE,  /* the largest part around the centre that has the shape asked for */
    IV__CROP_STRETCH, /* all of it */
} iv__crop;

typedef struct iv__pictures_options {
    int64_t height, width; /* 0: those of the first picture */
    int64_t channels;      /* 1: grey, 3: red, green, blue; 0: 1 where all are grey, else 3 */
    /* Values are 0 .. levels - 1: floor(v levels / 256) of the resized value v, which is not rounded
     * before; with 256 levels (or 0) v is rounded to the nearest whole number, halves up. */
    int64_t levels;
    int resize; /* iv__resizing */
    int crop;   /* iv__crop */
} iv__pictures_options;

/* path: as iv__dataset_locate gave it.
 * Errors: VALUE for options out of range, and a data set that holds no pictures; IO, FORMAT. */
iv__pictures *iv__pictures_open(iv_home *home, const iv__dataset *set, const char *path,
                                const iv__pictures_options *options);
void iv__pictures_free(iv__pictures *pictures); /* NULL is fine */

/* test: of the pictures that the data set keeps for tests; it may have none. */
int64_t iv__pictures_count(const iv__pictures *pictures, bool test);
const unsigned char *iv__pictures_at(const iv__pictures *pictures, bool test, int64_t i); /* [H,W,C] */
int32_t iv__pictures_label(const iv__pictures *pictures, bool test, int64_t i);    /* -1: none */
int iv__pictures_classes(const iv__pictures *pictures, const char *const **names); /* how many */
int64_t iv__pictures_height(const iv__pictures *pictures);
int64_t iv__pictures_width(const iv__pictures *pictures);
int64_t iv__pictures_channels(const iv__pictures *pictures);
/* "60000 pictures and 10000 for tests, 28 x 28 grey made 16 x 16, 4 levels, 10 classes" */
void iv__pictures_report(const iv__pictures *pictures, iv__text *text);

/* One picture from an image file, as one of a data set: [H,W,C]. Height, width and channels are set.
 * Errors: as iv__image_read; VALUE for options out of range. */
iv_status iv__picture_load(iv_home *home, const char *path, const iv__pictures_options *options,
                           unsigned char *to);

#endif
