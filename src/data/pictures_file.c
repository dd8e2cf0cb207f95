/* pictures_file.c: one picture from an image file. */
#include "data/pictures_parts.h"

iv_status iv__found_read(iv_home *home, const char *path, iv__image *image, iv__found *found)
{
    iv_status status = iv__image_read(home, path, image);

    if (!status && (image->height > IV__RESIZE_MOST || image->width > IV__RESIZE_MOST))
        status = iv_fail(home, IV_UNSUPPORTED,
                         "%s: a picture of %lld x %lld pixels: expected at most %d x %d", path,
                         (long long)image->height, (long long)image->width, IV__RESIZE_MOST,
                         IV__RESIZE_MOST);
    if (!status)
        status = iv__image_convert(home, image, image->channels < 3 ? 1 : 3, 8, NULL);
    if (status)
        iv__image_free(home, image);
    *found = (iv__found){ .height = image->height,
                          .width = image->width,
                          .channels = image->channels,
                          .bytes = image->pixels };
    return status;
}

iv_status iv__picture_load(iv_home *home, const char *path, const iv__pictures_options *options,
                           unsigned char *to)
{
    iv__fitter fitter;
    iv__image image = { 0 };
    iv__found found;
    iv_status status = iv__fitter_begin(&fitter, home, options);

    if (!status)
        status = iv__found_read(home, path, &image, &found);
    if (!status)
        status = iv__fit(&fitter, &found, to);
    iv__image_free(home, &image);
    iv__fitter_end(&fitter);
    return status;
}
