/* pictures.h: a data set of pictures, all of one size, in memory. */
#ifndef IV_DATA_PICTURES_H
#define IV_DATA_PICTURES_H

#include "base/text.h"
#include "data/dataset.h"
#include "format/resize.h"

typedef struct iv__pictures_options {
    int64_t height, width;
    int64_t channels; /* 1 or 3; 0: as the data */
    int64_t levels;   /* values are 0 .. levels - 1: floor(v levels / 256), of 256 the nearest; 2 to 256 */
    int resize;       /* an iv__resize_kind */
} iv__pictures_options;

typedef struct iv__pictures iv__pictures;

/* path: as iv__dataset_locate gave it.
 * Errors    FORMAT, IO; VALUE for a data set without pictures, or of no picture that could be read. */
iv__pictures *iv__pictures_open(iv_home *home, const iv_dataset *set, const char *path,
                                const iv__pictures_options *options);
void iv__pictures_free(iv__pictures *pictures);

int64_t iv__pictures_count(const iv__pictures *pictures, bool test); /* test: those that the data set keeps for it */
const unsigned char *iv__pictures_at(const iv__pictures *pictures, bool test, int64_t i); /* [H,W,C] */
int32_t iv__pictures_label(const iv__pictures *pictures, bool test, int64_t i); /* -1: none */
int iv__pictures_classes(const iv__pictures *pictures, const char *const **names); /* how many */
int64_t iv__pictures_height(const iv__pictures *pictures);
int64_t iv__pictures_width(const iv__pictures *pictures);
int64_t iv__pictures_channels(const iv__pictures *pictures);
/* "60000 pictures of 28 x 28, 10000 more for testing" */
void iv__pictures_report(const iv__pictures *pictures, iv__text *text);

/* ---- for data sets --------------------------------------------------------------------------- */
typedef struct iv__picture {
    int64_t height, width, channels; /* 1 or 3 */
    const unsigned char *values;     /* [H,W,C] */
    int32_t label;                   /* -1: none */
    bool test;
} iv__picture;
/* Room for so many more, where that is known. */
iv_status iv__pictures_expect(iv__pictures *pictures, bool test, int64_t count);
iv_status iv__pictures_add(iv__pictures *pictures, const iv__picture *picture);
void iv__pictures_name_classes(iv__pictures *pictures, int count, const char *const *names); /* borrowed */
void iv__pictures_drop(iv__pictures *pictures, const char *name, const char *why); /* one that could not be read */
iv_home *iv__pictures_home(const iv__pictures *pictures);

#endif
