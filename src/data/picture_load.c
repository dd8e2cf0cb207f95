/* picture_load.c: one picture of a person's own, made as a data set's are. */
#include "data/pictures_parts.h"

#include "format/image.h"

iv_status iv__picture_load(iv_home *home, const char *path, const iv__pictures_options *options,
                           unsigned char *to)
{
    iv__image image;
    iv__fitter fitter = { .home = home };
    iv_status status = iv__image_read(home, path, &image);

    if (!status) /* as the model knows them: without alpha, of 8 bits */
        status = iv__image_convert(home, &image, (int)options->channels, 8, NULL);
    if (!status)
        status = iv__fitter_begin(&fitter, home, options);
    if (!status) {
        iv__found found = { image.height, image.width, image.channels, image.pixels };
        status = iv__fit(&fitter, &found, to);
        iv__fitter_end(&fitter);
    }
    iv__image_free(home, &image);
    return status;
}
