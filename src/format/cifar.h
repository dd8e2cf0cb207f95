/* cifar.h: files in the binary layout of CIFAR-10: of each picture a byte with its label, then its red,
 * its green and its blue values. */
#ifndef IV_FORMAT_CIFAR_H
#define IV_FORMAT_CIFAR_H

#include "format/source.h"

enum {
    IV__CIFAR_SIDE = 32,
    IV__CIFAR_PICTURE = 3 * IV__CIFAR_SIDE * IV__CIFAR_SIDE, /* bytes */
    IV__CIFAR_CLASSES = 10,
};

/* The next picture as [32,32,3], and its label. False at the end, and when it failed: then *failed is
 * true. number: of the picture, from 0, for messages.
 * Errors: IO; FORMAT for a file that ends within a picture, and a label that is no class. */
bool iv__cifar_next(iv__source *source, int64_t number, unsigned char *picture, int *label,
                    bool *failed);

#endif
