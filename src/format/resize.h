/* resize.h: pictures made another size. */
#ifndef IV_FORMAT_RESIZE_H
#define IV_FORMAT_RESIZE_H

#include <ivory/base.h>

typedef enum iv__resize_kind {
    IV_RESIZE_BILINEAR, /* between the four pixels around, centres at halves: as TensorFlow and PyTorch do by default */
    IV_RESIZE_FILTERED, /* the mean of all that a new pixel covers, with a triangle's weights when it shrinks */
} iv__resize_kind;

/* How each new place of an axis is made of old ones. */
typedef struct iv__resizing {
    int64_t from, to, most; /* most old places of a new one */
    int64_t *first, *count; /* [to] */
    double *weight;         /* [to, most]; they add up to 1 */
} iv__resizing;

iv_status iv__resizing_make(iv_home *home, iv__resize_kind kind, int64_t from, int64_t to,
                            iv__resizing *resizing);
void iv__resizing_free(iv_home *home, iv__resizing *resizing);

/* from [rows->from, columns->from, channels] -> to [rows->to, columns->to, channels]; room: doubles,
 * columns->from * channels of them. */
void iv__resize_picture(const iv__resizing *rows, const iv__resizing *columns, int64_t channels,
                        const unsigned char *from, double *room, double *to);

#endif
