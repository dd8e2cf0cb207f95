/* hdf5.h: HDF5 files, read by the helper ivory-hdf5. */
#ifndef IV_FORMAT_HDF5_H
#define IV_FORMAT_HDF5_H

#include "format/safetensors.h"

/* The numbers of an HDF5 file as tensors of a safetensors file: named by their paths, without the first '/', in the
 * order in which they were written; what holds no numbers is passed over. Attributes that are texts are its metadata:
 * "PATH:NAME", of several texts a JSON array. *bytes, of `home`, are what the file lives on: to be freed after it
 * (libivory-io).
 * Errors: IO; FORMAT for what is cut short or damaged, claims more than it holds, has more than 8 axes or lies in other
 * files; UNSUPPORTED where the helper is not built. */
iv__safetensors *iv__hdf5_open(iv_home *home, const char *path, void **bytes);
/* The same of a file in memory; `name` begins messages. */
iv__safetensors *iv__hdf5_read(iv_home *home, const char *name, const void *from, size_t size,
                               void **bytes);

#endif
