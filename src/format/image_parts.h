/* image_parts.h: what the readers and writers of image files share among themselves. */
#ifndef IV_FORMAT_IMAGE_PARTS_H
#define IV_FORMAT_IMAGE_PARTS_H

#include "format/image.h"

/* A file's bytes, as decoders take them. */
typedef struct iv__image_bytes {
    const char *name; /* begins messages */
    const unsigned char *data;
    size_t size;
} iv__image_bytes;

/* A decoder has seen the first bytes only; what it leaves in `image` when it fails is freed by its
 * caller. An encoder appends to `out`, and gets what its format can hold. */
iv_status iv__png_decode(iv_home *home, const iv__image_bytes *file, iv__image *image);
iv_status iv__jpeg_decode(iv_home *home, const iv__image_bytes *file, iv__image *image);
iv_status iv__webp_decode(iv_home *home, const iv__image_bytes *file, iv__image *image);
iv_status iv__pnm_decode(iv_home *home, const iv__image_bytes *file, iv__image *image);
iv_status iv__png_encode(iv_home *home, const char *name, const iv__image *image, iv__text *out);
iv_status iv__jpeg_encode(iv_home *home, const char *name, const iv__image *image, iv__text *out);
iv_status iv__webp_encode(iv_home *home, const char *name, const iv__image *image, iv__text *out);
iv_status iv__pnm_encode(iv_home *home, const char *name, const iv__image *image, iv__text *out);

/* iv__image_new for a file's picture; messages name the file. */
iv_status iv__image_begin(iv_home *home, const char *name, int64_t width, int64_t height,
                          int channels, int bits, iv__image *image);

/* iv__image_convert, but the image stays and another one is made. */
iv_status iv__image_convert_to(iv_home *home, const iv__image *image, int channels, int bits,
                               const uint8_t background[3], iv__image *made);

/* Carries out an orientation of EXIF (2 to 8; others change nothing). */
iv_status iv__image_turn(iv_home *home, iv__image *image, int orientation);

#endif
