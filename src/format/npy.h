/* npy.h: arrays as NumPy writes them (.npy, versions 1 to 3): reals, integers and truths of any width and byte order,
 * in C's or Fortran's order.
 * Source: NumPy enhancement proposal 1 and numpy.lib.format. */
#ifndef IV_FORMAT_NPY_H
#define IV_FORMAT_NPY_H

#include "format/element.h"

typedef struct iv__npy {
    iv__element element;
    iv_shape shape;
    bool fortran;              /* axis 0 is the contiguous one */
    const unsigned char *data; /* within the bytes that were read */
    size_t size;
} iv__npy;

/* `name` begins messages. Errors: FORMAT for what is no such file or does not hold what its header says; UNSUPPORTED
 * for other kinds of elements (pickled Python objects, texts, records, complex numbers), named, and for more than
 * IV_MAX_RANK axes. */
iv_status iv__npy_read(iv_home *home, const char *name, const void *bytes, size_t size, iv__npy *npy);
/* The array in C's order. Errors: NOMEM; VALUE for a number that the dtype does not have. */
iv_tensor *iv__npy_tensor(iv_home *home, const char *name, const iv__npy *npy, iv_dtype dtype);
/* Its numbers in C's order, else as they lie: [npy->size] bytes. */
void iv__npy_in_order(const iv__npy *npy, unsigned char *to);

#endif
