/* cifar.h: CIFAR-10, for the data sets that are made of it. */
#ifndef IV_DATA_CIFAR_H
#define IV_DATA_CIFAR_H

#include "data/pictures_parts.h"

/* The training pictures from `path` and all but the last of the files beside it; those for tests from
 * the last. */
iv_status iv__cifar_pictures(iv__pictures *pictures, const char *path);

/* What the data sets have in common. */
#define IV__CIFAR                                         \
    .licence = "free for research; cite Krizhevsky 2009", \
    .home_page = "https://www.cs.toronto.edu/~kriz/cifar.html", .pictures = iv__cifar_pictures

#endif
