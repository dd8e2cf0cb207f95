/* paint.h: pictures drawn with a run, and given ones seen by it, as files that a person can open. */
#ifndef IV_CLI_PAINT_H
#define IV_CLI_PAINT_H

#include "cli/cli.h"
#include "format/image.h"
#include "models/common_painting.h"

typedef struct paint_options {
    const char *out, *complete, *class_name, *animate;
    int64_t rows;
} paint_options;

/* Draws as many pictures as `generation` says, into a sheet or a folder. The exit status. */
int paint_samples(cli *c, iv__opened *run, const iv__generation *generation, const paint_options *o);

/* A sheet of pictures that the model draws now, below them as many real ones. */
iv_status paint_epoch(iv__instance *instance, iv_params *params, const char *path, int64_t epoch);

/* The bits that each pixel of a picture surprises by, as a table, and as a picture (out; "": none). The exit status. */
int paint_surprise(cli *c, iv__opened *run, const char *picture, const char *out);

/* Values 0 .. levels - 1 become 0 .. 255, from black to white. values [height,width,C]. */
iv_status paint_image(iv_home *home, const iv__palette *palette, int64_t height, int64_t width,
                      const unsigned char *values, iv__image *image);
/* Whether pictures go into a folder of that name: it ends in '/'. */
bool paint_is_folder(const char *out);
/* Makes the folder and writes each picture into it: 0001.png and on. */
iv_status paint_each(iv_home *home, int64_t n, const iv__image *images, const char *folder);
/* The place of a class among the model's, by its name or a part that no other has. Errors: NAME, with all names. */
iv_status paint_class(iv_home *home, const iv__palette *palette, const char *name, int32_t *label);

#endif
