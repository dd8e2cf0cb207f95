/* read.c: what an HDF5 file holds: walks over its objects without following links out of it. */
#include "contents.h"

#include "base/home.h"
#include "format/json_write.h"
#include "format/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST = 1 << 20, /* objects, and texts of an attribute */
    RATIO = 1100,   /* deflate makes no byte of fewer than one in about so many */
};

static herr_t first_reason(unsigned n, const H5E_error2_t *error, void *reason)
{
    if (n == 0)
        snprintf(reason, 200, "%s", error->desc ? error->desc : "");
    return 0;
}

bool hdf5_refuse(const hdf5_file *file, const char *what)
{
    char reason[200] = "";

    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_reason, reason);
    iv_fail(file->home, IV_FORMAT, "%s: %s (HDF5: %s): the file is cut short or damaged",
            file->name, what, *reason ? reason : "no reason given");
    return false;
}

static bool unsupported(const hdf5_file *file, const char *path, const char *why)
{
    iv_fail(file->home, IV_UNSUPPORTED, "%s: the data set '%s' %s", file->name, path, why);
    return false;
}

static void *grow(hdf5_file *file, void *list, int64_t n, int64_t *room, size_t size)
{
    if (n < *room)
        return list;
    const int64_t wanted = *room * 2 + 64;
    void *more = wanted > MOST ? NULL : iv__resize(file->home, list, (size_t)wanted * size);
    if (wanted > MOST)
        iv_fail(file->home, IV_UNSUPPORTED, "%s: more than %d objects or texts", file->name, MOST);
    *room = more ? wanted : *room;
    return more;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static void put_one(iv__text *value, bool many, const char *text, size_t size)
{
    iv__json_writer w = { .text = value, .begun = value->size > 1 };

    if (many)
        iv__json_put_bytes(&w, text, size);
    else
        iv__text_add(value, text, size);
}

/* Puts n texts of the attribute, which have the width of `type` or lie elsewhere. */
static bool put_texts(const hdf5_file *file, hid_t attribute, hid_t type, hid_t space, hsize_t n,
                      bool many, iv__text *value)
{
    const bool elsewhere = H5Tis_variable_str(type) > 0;
    const size_t width = H5Tget_size(type);
    hid_t memory = H5Tcopy(type);
    char *bytes = width && n <= MOST && width <= (1u << 28) / n
                      ? iv__alloc_array(file->home, (int64_t)n, width)
                      : NULL;
    bool good = bytes && H5Aread(attribute, memory, bytes) >= 0;

    for (hsize_t i = 0; good && i < n; i++) {
        const char *text = bytes + i * width;
        size_t size = strnlen(text, width);
        if (elsewhere) {
            memcpy(&text, bytes + i * width, sizeof text);
            size = text ? strlen(text) : 0;
        }
        put_one(value, many, text ? text : "", size);
    }
    if (good && elsewhere)
        H5Dvlen_reclaim(memory, space, H5P_DEFAULT, bytes);
    iv__free(file->home, bytes);
    H5Tclose(memory);
    return good;
}

typedef struct place {
    hdf5_file *file;
    const char *path;
} place;

static bool add_text(const place *at, const char *name, const iv__text *value)
{
    hdf5_file *file = at->file;
    hdf5_text *texts = grow(file, file->texts, file->n_texts, &file->room_texts, sizeof *file->texts);

    if (!texts)
        return false;
    file->texts = texts;
    hdf5_text *text = &texts[file->n_texts];
    text->key = iv__arena_print(&file->arena, "%s:%s", at->path, name);
    text->value = iv__arena_text(&file->arena, value->size ? value->data : "");
    if (!text->key || !text->value)
        return false;
    file->n_texts += iv__utf8_valid(text->key, strlen(text->key)) == strlen(text->key);
    return true;
}

/* Of an attribute that is no text, nothing. */
static herr_t read_text(hid_t object, const char *name, const H5A_info_t *about, void *user)
{
    const place *at = user;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute),
          space = type < 0 ? -1 : H5Aget_space(attribute);
    const int rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    const hssize_t n = rank < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    iv__text value = { .home = at->file->home };
    bool good = n >= 0 || (space >= 0 && H5Sget_simple_extent_type(space) == H5S_NULL);

    (void)about;
    if (good && n >= 0 && rank <= 1 && H5Tget_class(type) == H5T_STRING) {
        iv__text_put(&value, rank ? "[" : "");
        good = n == 0 || put_texts(at->file, attribute, type, space, (hsize_t)n, rank, &value);
        iv__text_put(&value, rank ? "]" : "");
        good = good && !value.failed && add_text(at, name, &value);
    }
    if (!good && !iv_home_status(at->file->home))
        hdf5_refuse(at->file, "an attribute cannot be read");
    iv__text_free(&value);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    if (attribute >= 0)
        H5Aclose(attribute);
    return good ? 0 : -1;
}

/* The texts that are attributes of the object. */
static bool read_texts(hdf5_file *file, hid_t object, const char *path)
{
    place at = { file, path };
    hsize_t index = 0;

    if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, &index, read_text, &at) >= 0)
        return true;
    return iv_home_status(file->home) ? false : hdf5_refuse(file, "the attributes cannot be read");
}

/* ---- data sets ------------------------------------------------------------------------------- */

/* The type that it is read as; false when it holds no numbers. */
static bool choose_type(hid_t type, hdf5_set *set)
{
    const struct {
        const char *kind[2]; /* without and with a sign */
        size_t width;
        hid_t memory[2];
    } whole[] = {
        { { "U8", "I8" }, 1, { H5T_NATIVE_UINT8, H5T_NATIVE_INT8 } },
        { { "U16", "I16" }, 2, { H5T_NATIVE_UINT16, H5T_NATIVE_INT16 } },
        { { "U32", "I32" }, 4, { H5T_NATIVE_UINT32, H5T_NATIVE_INT32 } },
        { { "U64", "I64" }, 8, { H5T_NATIVE_UINT64, H5T_NATIVE_INT64 } },
    };
    const size_t width = H5Tget_size(type);

    switch (H5Tget_class(type)) {
    case H5T_FLOAT:
        set->kind = width > 4 ? "F64" : "F32";
        set->width = width > 4 ? 8 : 4;
        set->memory = width > 4 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT;
        return true;
    case H5T_INTEGER:
        for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
            if (whole[i].width == width) {
                const bool sign = H5Tget_sign(type) != H5T_SGN_NONE;
                set->kind = whole[i].kind[sign];
                set->width = width;
                set->memory = whole[i].memory[sign];
                return true;
            }
        return false;
    default: return false;
    }
}

/* Numbers that lie in other files would have those opened. */
static bool lies_within(const hdf5_file *file, hid_t id, const char *path)
{
    hid_t list = H5Dget_create_plist(id);
    const bool elsewhere = list >= 0 &&
                           (H5Pget_layout(list) == H5D_VIRTUAL || H5Pget_external_count(list) > 0);

    if (list < 0)
        return hdf5_refuse(file, "a data set cannot be read");
    H5Pclose(list);
    return !elsewhere || unsupported(file, path, "lies in other files: copy its numbers into this one");
}

static bool measure(const hdf5_file *file, hid_t id, hid_t space, hdf5_set *set)
{
    bool fits = true;

    set->rank = H5Sget_simple_extent_ndims(space);
    if (set->rank < 0 || H5Sget_simple_extent_dims(space, set->dim, NULL) < 0)
        return hdf5_refuse(file, "the shape of a data set cannot be read");
    if (set->rank > 8)
        return unsupported(file, set->path, "has more than 8 axes");
    set->bytes = set->width;
    for (int i = 0; i < set->rank; i++)
        fits = fits && iv__mul_size(set->bytes, (size_t)set->dim[i], &set->bytes);
    if (fits && set->bytes / RATIO <= H5Dget_storage_size(id))
        return true;
    iv_fail(file->home, IV_FORMAT,
            "%s: the data set '%s' claims more numbers than its %llu bytes can hold: the file is damaged",
            file->name, set->path, (unsigned long long)H5Dget_storage_size(id));
    return false;
}

static bool add_set(hdf5_file *file, hid_t id, const char *path, haddr_t where)
{
    hid_t type = H5Dget_type(id), space = H5Dget_space(id);
    hdf5_set *sets = grow(file, file->sets, file->n_sets, &file->room_sets, sizeof *file->sets);
    bool good = sets && lies_within(file, id, path);

    if (sets)
        file->sets = sets;
    if (good && (type < 0 || space < 0)) {
        good = hdf5_refuse(file, "a data set cannot be read");
    } else if (good) {
        hdf5_set *set = &sets[file->n_sets];
        *set = (hdf5_set){ .path = path, .place = where };
        if (H5Sget_simple_extent_type(space) != H5S_NULL && choose_type(type, set)) {
            good = measure(file, id, space, set);
            file->n_sets += good;
        }
    }
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    return good;
}

static herr_t visit(hid_t root, const char *name, const H5O_info_t *about, void *user)
{
    hdf5_file *file = user;
    const char *path = iv__arena_text(&file->arena, strcmp(name, ".") ? name : "");
    hid_t id = path ? H5Oopen(root, name, H5P_DEFAULT) : -1;
    bool good = id >= 0;

    if (path && !good)
        hdf5_refuse(file, "an object cannot be opened");
    if (good && iv__utf8_valid(path, strlen(path)) != strlen(path))
        good = unsupported(file, path, "has a name that is no UTF-8");
    if (good && (about->type == H5O_TYPE_GROUP || about->type == H5O_TYPE_DATASET))
        good = read_texts(file, id, path);
    if (good && about->type == H5O_TYPE_DATASET)
        good = add_set(file, id, path, about->addr);
    if (id >= 0)
        H5Oclose(id);
    return good ? 0 : -1;
}

static int by_place(const void *a, const void *b)
{
    const hdf5_set *x = a, *y = b;

    return x->place < y->place ? -1 : x->place > y->place;
}

/* Standard input, which may have no name, as a file in memory. */
static hid_t open_input(hdf5_file *file)
{
    iv__text bytes = { .home = file->home };
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), id = -1;
    char piece[1 << 16];
    size_t got;

    while ((got = fread(piece, 1, sizeof piece, stdin)) > 0 && !bytes.failed)
        iv__text_add(&bytes, piece, got);
    if (ferror(stdin)) {
        iv_fail(file->home, IV_IO, "%s: cannot be read: %s", file->name, strerror(errno));
    } else if (!bytes.failed && access >= 0 && H5Pset_fapl_core(access, 1 << 20, false) >= 0 &&
               H5Pset_file_image(access, bytes.data, bytes.size) >= 0) {
        iv__text_free(&bytes);
        id = H5Fopen("standard input", H5F_ACC_RDONLY, access);
    }
    if (id < 0 && !iv_home_status(file->home))
        hdf5_refuse(file, "it cannot be opened as an HDF5 file");
    iv__text_free(&bytes);
    if (access >= 0)
        H5Pclose(access);
    return id;
}

bool hdf5_open(hdf5_file *file, iv_home *home, const char *name)
{
    *file = (hdf5_file){ .home = home, .arena.home = home, .name = name, .id = -1 };
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0); /* no filters from elsewhere: they would be programs */
    file->id = open_input(file);
    if (file->id < 0)
        return false;
    if (H5Ovisit2(file->id, H5_INDEX_NAME, H5_ITER_NATIVE, visit, file, H5O_INFO_BASIC) < 0)
        return iv_home_status(home) ? false : hdf5_refuse(file, "its objects cannot be listed");
    if (file->n_sets > 1)
        qsort(file->sets, (size_t)file->n_sets, sizeof *file->sets, by_place);
    return true;
}

void hdf5_close(hdf5_file *file)
{
    if (file->id >= 0)
        H5Fclose(file->id);
    H5close();
    iv__free(file->home, file->sets);
    iv__free(file->home, file->texts);
    iv__arena_free(&file->arena);
}
