/* pictures_parts.h: what readers of picture data sets fill in: pictures as they are found become
 * pictures of one size. */
#ifndef IV_DATA_PICTURES_PARTS_H
#define IV_DATA_PICTURES_PARTS_H

#include "base/arena.h"
#include "data/pictures.h"
#include "format/image.h"

/* A picture as it lies in its file. */
typedef struct iv__found {
    int64_t height, width, channels; /* 1 or 3 channels */
    const unsigned char *bytes;      /* [height,width,channels] */
} iv__found;

/* From an image file; alpha is laid over white. `found` borrows from `image`, which is freed by
 * iv__image_free, and empty when it failed.
 * Errors: as iv__image_read; UNSUPPORTED for sides beyond IV__RESIZE_MOST. */
iv_status iv__found_read(iv_home *home, const char *path, iv__image *image, iv__found *found);

/* Makes pictures of one size; keeps what it needs for the size of the last picture. */
typedef struct iv__fitter {
    iv_home *home;
    iv__pictures_options options; /* its zeros are filled in by the first picture */
    int64_t height, width;        /* that `resize` takes: the part that is kept */
    iv__resizer *resize;          /* NULL: none was fitted, or it needs no other size */
    float *row, *fitted;          /* [width,C], [H,W,C] */
} iv__fitter;

/* Errors: VALUE for options out of range. */
iv_status iv__fitter_begin(iv__fitter *fitter, iv_home *home, const iv__pictures_options *options);
/* Height, width and channels that are not set become the picture's. */
void iv__fitter_settle(iv__fitter *fitter, const iv__found *found);
iv_status iv__fit(iv__fitter *fitter, const iv__found *found, unsigned char *to); /* [H,W,C] */
void iv__fitter_end(iv__fitter *fitter);

/* The training pictures, or those for tests. */
typedef struct iv__shelf {
    unsigned char *bytes; /* [room,H,W,C] */
    int32_t *label;       /* [room] */
    int64_t count, room;
} iv__shelf;

struct iv__pictures {
    iv_home *home;
    const iv__dataset *set;
    iv__fitter fitter;
    iv__shelf shelf[2];                /* training, tests */
    int64_t found_height, found_width; /* of the first picture, as it lies in its file */
    int64_t others;                    /* pictures of other sizes than the first */
    bool widens;      /* channels are those of the data: grey, until a picture in colours comes */
    int64_t left_out; /* files of a folder that are no pictures */
    iv__text left_out_names, left_out_why; /* some of them; why the first */
    const char *const *class_names;
    int classes; /* 0: none */
    iv__arena arena;
};

/* label: -1, or a class. */
iv_status iv__pictures_add(iv__pictures *pictures, bool test, const iv__found *found, int32_t label);
/* All pictures of an IDX file, and their labels from another; labels_path NULL: without. The labels
 * must be classes of the pictures.
 * Errors: IO, FORMAT. */
iv_status iv__pictures_add_idx(iv__pictures *pictures, bool test, const char *path,
                               const char *labels_path);
/* All pictures of a file in CIFAR-10's layout. */
iv_status iv__pictures_add_cifar(iv__pictures *pictures, bool test, const char *path);

#endif
