/* image_world.h: any bytes as an image file; what was read can be converted, and comes back from a
 * file of the same kind. */
#ifndef IVORY_FUZZ_IMAGE_WORLD_H
#define IVORY_FUZZ_IMAGE_WORLD_H

#include "fuzz_world.h"

#include "format/image.h"

/* Larger pictures are not read: a few bytes may ask for a gigabyte, which takes a fuzzer's time. */
enum { LARGEST_BLOCK = 1 << 22 };

static void *allocate_some(void *user, void *old, size_t bytes)
{
    (void)user;
    if (bytes == 0) {
        free(old);
        return NULL;
    }
    return bytes > LARGEST_BLOCK ? NULL : realloc(old, bytes);
}

static iv_home *frugal_home(void)
{
    static iv_home *home;

    if (!home)
        home = iv_home_new(&(iv_home_options){
            .size = sizeof(iv_home_options), .threads = 1, .allocate = allocate_some });
    must(home != NULL);
    iv_home_clear(home);
    return home;
}

static void same_picture(const iv__image *a, const iv__image *b)
{
    must(a->width == b->width && a->height == b->height);
    must(memcmp(a->pixels, b->pixels, iv__image_row_bytes(a) * (size_t)a->height) == 0);
}

/* Memory may be short for the way back, but then only. WebP leaves out an alpha that is opaque
 * everywhere. */
static void there_and_back(iv_home *home, const char *ending, const iv__image *image)
{
    iv__text file = { .home = home };
    iv__image back = { 0 };
    iv_status status = iv__image_encode(home, ending, image, &file);

    if (!status)
        status = iv__image_decode(home, ending, file.data, file.size, &back);
    if (!status)
        status = iv__image_convert(home, &back, image->channels, image->bits, NULL);
    must(status == IV_OK || status == IV_NOMEM);
    if (!status)
        same_picture(image, &back);
    iv__image_free(home, &back);
    iv__text_free(&file);
}

/* Files of other kinds are other targets'. */
static inline bool stands_at(const uint8_t *data, size_t size, size_t at, const char *text)
{
    return size >= at + strlen(text) && memcmp(data + at, text, strlen(text)) == 0;
}

/* ending: of a format without loss that the picture is written in and read again, or NULL. */
static bool read_image(iv_home *home, const uint8_t *data, size_t size, const char *ending)
{
    iv__image image;
    bool failed = iv__image_decode(home, "input", data, size, &image) != IV_OK;

    must(failed == (image.pixels == NULL));
    if (failed)
        return false;
    must(image.width >= 1 && image.height >= 1 && image.width <= LARGEST_BLOCK / image.height);
    if (ending)
        there_and_back(home, ending, &image);
    iv__image_convert(home, &image, image.channels % 4 + 1, 24 - image.bits, NULL);
    iv__image_free(home, &image);
    return true;
}

#endif
