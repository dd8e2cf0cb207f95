/* image.h: pictures in memory, image files in and out, sheets of pictures, animations. */
#ifndef IV_FORMAT_IMAGE_H
#define IV_FORMAT_IMAGE_H

#include "base/text.h"

/* More pixels than these are refused before memory is taken for them. */
#define IV__IMAGE_PIXELS_MAX ((int64_t)1 << 27)

/* Values run from 0 (black, transparent) to 255 or 65535. */
typedef struct iv__image {
    int64_t width, height; /* at least 1 */
    int channels;          /* 1 grey; 2 grey, alpha; 3 red, green, blue; 4 the same, alpha */
    int bits;              /* of a value: 8 (uint8_t) or 16 (uint16_t) */
    void *pixels; /* [height, width, channels], rows from the top, nothing between them; by iv__alloc */
} iv__image;

/* In all functions that make an image, it is empty (no pixels) when they fail. */
iv_status iv__image_new(iv_home *home, int64_t width, int64_t height, int channels, int bits,
                        iv__image *image);            /* zeros */
void iv__image_free(iv_home *home, iv__image *image); /* an empty one is fine */
size_t iv__image_row_bytes(const iv__image *image);

/* Reads PNG (its first picture), JPEG, WebP (no animation) and PNM, told apart by their first
 * bytes, whatever the file's name. What comes has the file's own channels, but for palettes (red,
 * green, blue; with alpha where the palette has it), for CMYK (red, green, blue) and for fewer than
 * 8 bits (8); PNM's values are stretched to all of 8 or 16 bits. The orientation in a JPEG's EXIF is
 * carried out. Gamma and colour profiles are ignored. Errors: IO; FORMAT, also for files cut short;
 * UNSUPPORTED, also for too many pixels (libivory-io). */
iv_status iv__image_read(iv_home *home, const char *path, iv__image *image);
/* The same from memory; `name` begins messages. */
iv_status iv__image_decode(iv_home *home, const char *name, const void *bytes, size_t size,
                           iv__image *image);

/* Writes the file as the ending of its name says, or leaves the old one: .png (nothing is lost),
 * .webp (lossless, 8 bits; an alpha that is opaque everywhere is left out), .jpg or .jpeg (quality
 * 95, full colour resolution, 8 bits), .pgm (grey), .ppm (colour), .pnm (either). What a format does
 * not hold is converted as by iv__image_convert, alpha over white. Errors: NAME for another ending;
 * IO; UNSUPPORTED for sides that the format does not hold (libivory-io). */
iv_status iv__image_write(iv_home *home, const char *path, const iv__image *image);
/* Whether that can be, to be asked before the picture is made. channels: of a picture of 8 bits that the file
 * must give back as it was; 0: as near as it can. Errors: NAME; UNSUPPORTED where something would be lost
 * (libivory-io). */
iv_status iv__image_writes(iv_home *home, const char *path, int channels);
/* The same as iv__image_write, appended to `out`; `name` is only looked at. */
iv_status iv__image_encode(iv_home *home, const char *name, const iv__image *image, iv__text *out);

/* Gives the image these channels and bits, in place. Colour to grey: 0.299 R + 0.587 G + 0.114 B,
 * as ITU-R BT.601 has it; alpha that goes is laid over `background` (red, green, blue; NULL: white),
 * alpha that comes is opaque; all rounded to nearest. On failure the image stays as it was. */
iv_status iv__image_convert(iv_home *home, iv__image *image, int channels, int bits,
                            const uint8_t background[3]);

/* Pictures of equal size, channels and bits in a grid, row by row, on white. */
typedef struct iv__sheet {
    int64_t columns; /* 0: about as many as rows */
    int64_t margin;  /* white pixels around and between them */
    int64_t enlarge; /* each pixel becomes a square of that side; 0: tiny pictures grow to 96 pixels or
                        more, others stay */
} iv__sheet;
iv_status iv__image_sheet(iv_home *home, int64_t n, const iv__image *pictures,
                          const iv__sheet *sheet, iv__image *image);

/* An animated PNG, frame by frame; packed frames stay in memory until it is written. What does not
 * know animations shows the first frame. Source: https://wiki.mozilla.org/APNG_Specification
 * (libivory-io). */
typedef struct iv__animation iv__animation;
iv__animation *iv__animation_new(iv_home *home, const char *path);
/* Every frame has the first one's size, channels and bits, and is shown for so long (at most
 * 65535). */
iv_status iv__animation_add(iv__animation *animation, const iv__image *frame, int milliseconds);
/* Writes the file, played `plays` times (0: for ever), and frees the animation. Errors: VALUE
 * without a frame; what iv__animation_add failed with. */
iv_status iv__animation_write(iv__animation *animation, int plays);
void iv__animation_cancel(iv__animation *animation); /* frees it; the file stays as it was */

#endif
