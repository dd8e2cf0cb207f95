/* idx.h: the IDX format of MNIST and its relatives: unsigned bytes in one to four axes.
 * Source: LeCun, Cortes and Burges, The MNIST database (the format's page). */
#ifndef IV_FORMAT_IDX_H
#define IV_FORMAT_IDX_H

#include "format/source.h"

enum { IV__IDX_AXES = 4 };

typedef struct iv__idx {
    int axes;
    int64_t size[IV__IDX_AXES];
    unsigned char *bytes; /* all of them, freed by iv__idx_free */
} iv__idx;

/* Reads the whole source; axes: how many it must have.
 * Errors: FORMAT (what was expected, what came), IO. */
iv_status iv__idx_read(iv__source *source, int axes, iv__idx *idx);
void iv__idx_free(iv_home *home, iv__idx *idx);

#endif
