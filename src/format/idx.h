/* idx.h: IDX files of bytes, as MNIST and its relatives are kept: pictures and their labels.
 * Source: the format's description on the MNIST page: two zero bytes, the type (8: unsigned bytes),
 * the rank, the sizes as big-endian 32-bit numbers, the values. */
#ifndef IV_FORMAT_IDX_H
#define IV_FORMAT_IDX_H

#include "format/source.h"

enum { IV__IDX_RANK = 4, IV__IDX_ITEM = 1 << 28 }; /* at most: axes, and bytes of an item */

typedef struct iv__idx {
    iv__source *source; /* borrowed */
    int rank;
    int64_t dim[IV__IDX_RANK]; /* dim[0] items */
    int64_t read;              /* items so far */
    size_t item;               /* bytes of one: the product of the other sizes */
} iv__idx;

/* Reads the head; the file must have `rank` axes.
 * Errors: IO, FORMAT for another file, another type or rank, sizes of nothing or beyond the limit. */
iv_status iv__idx_begin(iv__idx *idx, iv__source *source, int rank);
/* The next item, [idx->item] bytes. Called dim[0] times.
 * Errors: IO, FORMAT for a file that is cut short, or goes on behind its last item. */
iv_status iv__idx_next(iv__idx *idx, unsigned char *item);

#endif
