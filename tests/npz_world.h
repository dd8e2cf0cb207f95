/* npz_world.h: arrays of other people's files, zips of .npy below the folder that IVORY_DATA names, for tests. What a
 * file should not hold fails the test. */
#ifndef IV_TESTS_NPZ_WORLD_H
#define IV_TESTS_NPZ_WORLD_H

#include "nn_world.h"

#include <stdlib.h>
#include <zlib.h>

typedef struct archive {
    unsigned char *bytes;
    size_t size, entries; /* entries: where the list of them begins */
    int count;
} archive;

/* An array, as floats. */
typedef struct npy {
    iv_shape shape;
    float *values;
} npy;

static inline size_t bytes_at(const archive *a, size_t at, int n)
{
    size_t value = 0;

    if (at > a->size || a->size - at < (size_t)n)
        fail_msg("the archive ends too early");
    for (int i = n - 1; i >= 0; i--)
        value = value << 8 | a->bytes[at + (size_t)i];
    return value;
}

/* False where IVORY_DATA is not set. */
static inline bool archive_open(archive *a, const char *name)
{
    char path[1024];
    const char *root = getenv("IVORY_DATA");

    *a = (archive){ 0 };
    if (!root || !*root)
        return false;
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("'%s' cannot be opened", path);
    fseek(file, 0, SEEK_END);
    a->size = (size_t)ftell(file);
    rewind(file);
    a->bytes = malloc(a->size);
    assert_int_equal(fread(a->bytes, 1, a->size, file), a->size);
    fclose(file);
    size_t end = a->size - 22; /* without a comment */
    assert_int_equal(bytes_at(a, end, 4), 0x06054b50);
    a->count = (int)bytes_at(a, end + 10, 2);
    a->entries = bytes_at(a, end + 16, 4);
    return true;
}

/* The bytes of an entry, to be freed; NULL: there is none. */
static inline unsigned char *archive_read(const archive *a, const char *name, size_t *size)
{
    size_t at = a->entries;

    for (int i = 0; i < a->count; i++) {
        size_t length = bytes_at(a, at + 28, 2), packed = bytes_at(a, at + 20, 4),
               method = bytes_at(a, at + 10, 2);
        size_t from = bytes_at(a, at + 42, 4);
        bool found = length == strlen(name) && !memcmp(a->bytes + at + 46, name, length);
        *size = bytes_at(a, at + 24, 4);
        at += 46 + length + bytes_at(a, at + 30, 2) + bytes_at(a, at + 32, 2);
        if (!found)
            continue;
        from += 30 + bytes_at(a, from + 26, 2) + bytes_at(a, from + 28, 2);
        bytes_at(a, from + packed, 0);
        unsigned char *to = malloc(*size + 1);
        if (method == 0) {
            memcpy(to, a->bytes + from, *size);
            return to;
        }
        z_stream z = { .next_in = a->bytes + from,
                       .avail_in = (unsigned)packed,
                       .next_out = to,
                       .avail_out = (unsigned)*size };
        assert_int_equal(inflateInit2(&z, -MAX_WBITS), Z_OK);
        assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
        inflateEnd(&z);
        return to;
    }
    return NULL;
}

static inline float value_of(const unsigned char *p, char kind)
{
    float real;
    double wide;
    int32_t whole;
    int64_t large;

    switch (kind) {
    case 'f': return memcpy(&real, p, sizeof real), real;
    case 'd': return (float)(memcpy(&wide, p, sizeof wide), wide);
    case 'i': return (float)(memcpy(&whole, p, sizeof whole), whole);
    default: return (float)(memcpy(&large, p, sizeof large), large);
    }
}

/* False: there is no such entry. values are to be freed. */
static inline bool npy_read(const archive *a, const char *name, npy *array)
{
    static const struct {
        const char *descr;
        char kind;
        size_t size;
    } types[] = { { "'<f4'", 'f', 4 }, { "'<f8'", 'd', 8 }, { "'<i4'", 'i', 4 }, { "'<i8'", 'l', 8 } };
    size_t size, type = 0;
    unsigned char *bytes = archive_read(a, name, &size);

    *array = (npy){ .values = NULL };
    if (!bytes)
        return false;
    assert_true(size > 10 && !memcmp(bytes, "\x93NUMPY\x01", 7));
    const size_t begin = 10 + (size_t)bytes[8] + 256 * (size_t)bytes[9];
    assert_true(begin <= size);
    bytes[begin - 1] = 0;
    const char *header = (const char *)bytes + 10, *dims = strstr(header, "'shape': (");
    assert_non_null(dims);
    assert_non_null(strstr(header, "'fortran_order': False"));
    while (type < 4 && !strstr(header, types[type].descr))
        type++;
    assert_true(type < 4);
    for (dims += 10; *dims != ')';) {
        char *end;
        assert_true(array->shape.rank < IV_MAX_RANK);
        array->shape.dim[array->shape.rank++] = strtoll(dims, &end, 10);
        dims = end + strspn(end, ", ");
    }
    const int64_t count = iv_shape_count(&array->shape);
    assert_int_equal(size - begin, (size_t)count * types[type].size);
    array->values = malloc((size_t)count * sizeof(float) + 1);
    for (int64_t i = 0; i < count; i++)
        array->values[i] = value_of(bytes + begin + (size_t)i * types[type].size, types[type].kind);
    free(bytes);
    return true;
}

#endif
