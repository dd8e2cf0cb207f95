/* io_hdf5.c: the helper ivory-hdf5 makes a stream of safetensors of an HDF5 file. */
#include "format/hdf5.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/home.h"
#include "format/helper.h"

static const iv__helper helper = {
    "ivory-hdf5", "reads HDF5 files, is not here: it is built where libhdf5 is (Debian: libhdf5-dev)"
};

static iv_status cannot(iv_home *home, const char *name, const char *what)
{
    return iv_fail(home, IV_IO, "%s: %s: %s", name, what, strerror(errno));
}

/* All bytes of a file that was written. */
static void *take_back(iv_home *home, const char *name, FILE *file, size_t *size)
{
    const long end = fseek(file, 0, SEEK_END) ? -1 : ftell(file);
    void *bytes = end < 0 ? NULL : iv__alloc(home, (size_t)end + 1);

    if (end < 0)
        cannot(home, name, "reading what ivory-hdf5 wrote");
    *size = end < 0 ? 0 : (size_t)end;
    rewind(file);
    if (bytes && fread(bytes, 1, *size, file) != *size) {
        cannot(home, name, "reading what ivory-hdf5 wrote");
        iv__free(home, bytes);
        return NULL;
    }
    return bytes;
}

static iv__safetensors *convert(iv_home *home, const char *name, FILE *in, void **bytes)
{
    FILE *out = tmpfile();
    size_t size = 0;

    *bytes = NULL;
    if (!out) {
        cannot(home, name, "making a temporary file");
        return NULL;
    }
    if (!iv__helper_run(home, &helper, name, in, out))
        *bytes = take_back(home, name, out, &size);
    fclose(out);
    iv__safetensors *file = *bytes ? iv__safetensors_read(home, name, *bytes, size) : NULL;
    if (!file) {
        iv__free(home, *bytes);
        *bytes = NULL;
    }
    return file;
}

iv__safetensors *iv__hdf5_open(iv_home *home, const char *path, void **bytes)
{
    FILE *in = fopen(path, "rb");

    *bytes = NULL;
    if (!in) {
        cannot(home, path, "cannot be opened");
        return NULL;
    }
    iv__safetensors *file = convert(home, path, in, bytes);
    fclose(in);
    return file;
}

iv__safetensors *iv__hdf5_read(iv_home *home, const char *name, const void *from, size_t size,
                               void **bytes)
{
    FILE *in = tmpfile();
    iv__safetensors *file = NULL;

    *bytes = NULL;
    if (!in || fwrite(from, 1, size, in) != size || fseek(in, 0, SEEK_SET))
        cannot(home, name, "writing a temporary file");
    else
        file = convert(home, name, in, bytes);
    if (in)
        fclose(in);
    return file;
}
