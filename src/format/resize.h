/* resize.h: pictures made larger or smaller, row by row, as floats. */
#ifndef IV_FORMAT_RESIZE_H
#define IV_FORMAT_RESIZE_H

#include <ivory/base.h>

enum { IV__RESIZE_MOST = 1 << 16 }; /* height and width, at most */

/* Places of pixels are their centres.
 * bilinear  reads the two by two pixels nearest to a new one's centre, however small the picture
 *           becomes: TensorFlow 2's resize without antialiasing, to the bit.
 * filtered  weighs every pixel that a new one covers by a triangle as wide as the picture shrinks:
 *           Pillow's BILINEAR in its mode F, to the bit where Pillow too goes along the rows first.
 *           Of a picture that grows it is the same as bilinear, but for the last bits. */
typedef enum iv__resizing { IV__RESIZE_BILINEAR, IV__RESIZE_FILTERED } iv__resizing;

typedef struct iv__resizer iv__resizer;

/* From [height,width,channels] to [to_height,to_width,channels].
 * Errors: VALUE for a height or width beyond 1..IV__RESIZE_MOST. */
iv__resizer *iv__resizer_new(iv_home *home, iv__resizing kind, int64_t height, int64_t width,
                             int64_t channels, int64_t to_height, int64_t to_width);
void iv__resizer_row(iv__resizer *resize, int64_t y, const float *row); /* row y: [width,channels] */
/* Once every row was given. */
void iv__resizer_end(const iv__resizer *resize, float *to); /* [to_height,to_width,channels] */
void iv__resizer_free(iv__resizer *resize);                 /* NULL is fine */

#endif
