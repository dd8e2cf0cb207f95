/* write.c: an HDF5 file's numbers and texts as a stream of safetensors. */
#include "contents.h"

#include "base/home.h"
#include "format/json_write.h"

#include <errno.h>
#include <string.h>

static void put_texts(iv__json_writer *w, const hdf5_file *file)
{
    iv__json_put_name(w, "__metadata__");
    iv__json_put_object(w);
    for (int64_t i = 0; i < file->n_texts; i++) {
        iv__json_put_name(w, file->texts[i].key);
        iv__json_put_string(w, file->texts[i].value);
    }
    iv__json_end_object(w);
}

static void put_set(iv__json_writer *w, const hdf5_set *set, uint64_t *offset)
{
    iv__json_put_name(w, set->path);
    iv__json_put_object(w);
    iv__json_put_name(w, "dtype");
    iv__json_put_string(w, set->kind);
    iv__json_put_name(w, "shape");
    iv__json_put_array(w);
    for (int i = 0; i < set->rank; i++)
        iv__json_put_int(w, (int64_t)set->dim[i]);
    iv__json_end_array(w);
    iv__json_put_name(w, "data_offsets");
    iv__json_put_array(w);
    iv__json_put_int(w, (int64_t)*offset);
    *offset += set->bytes;
    iv__json_put_int(w, (int64_t)*offset);
    iv__json_end_array(w);
    iv__json_end_object(w);
}

static bool write_bytes(const hdf5_file *file, FILE *out, const void *bytes, size_t size)
{
    if (fwrite(bytes, 1, size, out) == size)
        return true;
    iv_fail(file->home, IV_IO, "%s: passing it on: %s", file->name, strerror(errno));
    return false;
}

static bool write_set(const hdf5_file *file, const hdf5_set *set, FILE *out)
{
    void *bytes = iv__alloc(file->home, set->bytes + 1);
    hid_t id = bytes ? H5Dopen2(file->id, set->path, H5P_DEFAULT) : -1;
    bool good = id >= 0 && H5Dread(id, set->memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0;

    if (bytes && !good)
        hdf5_refuse(file, "the numbers of a data set cannot be read");
    good = good && write_bytes(file, out, bytes, set->bytes);
    if (id >= 0)
        H5Dclose(id);
    iv__free(file->home, bytes);
    return good;
}

bool hdf5_write(hdf5_file *file, FILE *out)
{
    iv__text header = { .home = file->home };
    iv__json_writer w = { .text = &header };
    uint64_t offset = 0;

    iv__json_put_object(&w);
    put_texts(&w, file);
    for (int64_t i = 0; i < file->n_sets; i++)
        put_set(&w, &file->sets[i], &offset);
    iv__json_end_object(&w);
    const uint64_t size = header.size;
    bool good = !header.failed && write_bytes(file, out, &size, sizeof size) &&
                write_bytes(file, out, header.data, header.size);
    iv__text_free(&header);
    for (int64_t i = 0; i < file->n_sets && good; i++)
        good = write_set(file, &file->sets[i], out);
    if (good && fflush(out)) {
        iv_fail(file->home, IV_IO, "%s: passing it on: %s", file->name, strerror(errno));
        good = false;
    }
    return good;
}
