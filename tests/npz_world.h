/* npz_world.h: arrays of other people's files, zips of .npy below the folder that IVORY_DATA names, for tests. What a
 * file should not hold fails the test. */
#ifndef IV_TESTS_NPZ_WORLD_H
#define IV_TESTS_NPZ_WORLD_H

#include "nn_world.h"

#include "format/npy.h"
#include "format/zip.h"

#include <stdlib.h>

typedef struct archive {
    iv_home *home;
    iv__zip *zip;
} archive;

/* False where IVORY_DATA is not set. */
static inline bool archive_open(archive *a, const char *name)
{
    char path[1024];
    const char *root = getenv("IVORY_DATA");

    *a = (archive){ 0 };
    if (!root || !*root)
        return false;
    snprintf(path, sizeof path, "%s/%s", root, name);
    a->home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 });
    a->zip = iv__zip_open(a->home, path);
    if (!a->zip)
        fail_msg("%s", iv_home_message(a->home));
    return true;
}

static inline void archive_close(archive *a)
{
    iv__zip_close(a->zip);
    iv_home_free(a->home);
}

/* An array of floats, lent by the home of the archive until iv_tensor_free. NULL: there is no such entry. */
static inline iv_tensor *npy_read(const archive *a, const char *name)
{
    const iv__zip_file *file = iv__zip_find(a->zip, name);
    unsigned char *bytes = file ? iv__zip_bytes(a->zip, file) : NULL;
    iv_tensor *tensor = NULL;
    iv__npy npy;

    if (!file)
        return NULL;
    if (bytes && !iv__npy_read(a->home, name, bytes, file->size, &npy))
        tensor = iv__npy_tensor(a->home, name, &npy, IV_F32);
    if (!tensor)
        fail_msg("%s", iv_home_message(a->home));
    iv__free(a->home, bytes);
    return tensor;
}

#endif
