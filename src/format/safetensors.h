/* safetensors.h: tensors by name in one file, with a map of texts (the safetensors format), and
 * checksums of all of it.
 *
 * A file of ours carries in its metadata `ivory.checksums` (SHA-256 of each tensor's bytes, in
 * the header's order) and `ivory.header` (SHA-256 of the header, these digits taken as zeros),
 * so every changed byte is noticed when it is opened. Files of others, without these keys, are
 * read without that check. */
#ifndef IV_FORMAT_SAFETENSORS_H
#define IV_FORMAT_SAFETENSORS_H

#include <ivory/tensor.h>

typedef struct iv__named_tensor {
    const char *name;
    iv_dtype dtype; /* 0 in a file's list when the file's element type is none of iv_dtype */
    iv_shape shape;
    const void *data; /* of a file: read-only; aligned when the file is ours, else perhaps not */
    /* Of a file; not read when writing: */
    const char *kind; /* the element type as the file says it: "F32", "I64" ... */
    size_t bytes;     /* size of the data */
} iv__named_tensor;

typedef struct iv__pair {
    const char *key, *value; /* UTF-8 */
} iv__pair;

/* Writes the file, complete or not at all. Tensors lie in the given order, but wider element
 * types first, so that each is aligned; the data begin at a multiple of 64. The keys
 * `ivory.checksums` and `ivory.header` are added.
 * Errors: NAME for names or keys that are repeated or no UTF-8; IO. */
iv_status iv__safetensors_write(iv_home *home, const char *path, int64_t n_tensors,
                                const iv__named_tensor *tensors, int64_t n_pairs,
                                const iv__pair *pairs);

typedef struct iv__safetensors iv__safetensors;

/* Maps a file and checks all of it. Errors: IO; FORMAT with what is wrong, and where. */
iv__safetensors *iv__safetensors_open(iv_home *home, const char *path);
/* The same over bytes in memory, borrowed until the file is closed; `name` begins messages. */
iv__safetensors *iv__safetensors_read(iv_home *home, const char *name, const void *bytes, size_t size);
void iv__safetensors_close(iv__safetensors *file); /* NULL is fine; what it lent ends */

bool iv__safetensors_checked(const iv__safetensors *file); /* it carries checksums */
/* All tensors, in the header's order. */
const iv__named_tensor *iv__safetensors_list(const iv__safetensors *file, int64_t *n);
/* The tensor of that name, the text of that key; NULL where there is none. */
const iv__named_tensor *iv__safetensors_find(const iv__safetensors *file, const char *name);
const char *iv__safetensors_metadata(const iv__safetensors *file, const char *key);
/* All texts of the metadata. */
const iv__pair *iv__safetensors_pairs(const iv__safetensors *file, int64_t *n);

/* The tensor of that name with exactly that element type and shape; NULL with a message (NAME,
 * DTYPE, SHAPE) otherwise. */
const iv__named_tensor *iv__safetensors_expect(const iv__safetensors *file, const char *name,
                                               iv_dtype dtype, const iv_shape *shape);

/* One SHA-256 over the tensors whose names begin with `prefix` ("" for all): names, element
 * types, shapes and bytes, in the order of the names. Equal whether taken in memory or from a
 * file. */
iv_status iv__weights_sha256(iv_home *home, int64_t n, const iv__named_tensor *tensors,
                             const char *prefix, char hex[65]);

#endif
