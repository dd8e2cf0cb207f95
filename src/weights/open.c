/* open.c: files of weights: what kind a file is, and its numbers. */
#include "weights/weights.h"

#include <string.h>

#include "base/file.h"
#include "base/home.h"
#include "format/hdf5.h"
#include "format/npy.h"
#include "format/zip.h"

/* Kinds of numbers as safetensors names them. */
static const struct kind {
    const char *name;
    iv__element element;
} kinds[] = {
    { "F16", { IV__REAL, 2, false } },    { "F32", { IV__REAL, 4, false } },
    { "F64", { IV__REAL, 8, false } },    { "BF16", { IV__BFLOAT, 2, false } },
    { "I8", { IV__INTEGER, 1, false } },  { "I16", { IV__INTEGER, 2, false } },
    { "I32", { IV__INTEGER, 4, false } }, { "I64", { IV__INTEGER, 8, false } },
    { "U8", { IV__NATURAL, 1, false } },  { "U16", { IV__NATURAL, 2, false } },
    { "U32", { IV__NATURAL, 4, false } }, { "U64", { IV__NATURAL, 8, false } },
    { "BOOL", { IV__TRUTH, 1, false } },
};

/* False when memory is out. */
static bool add_weight(iv_weights *weights, const char *name, const char *kind,
                       const iv_shape *shape, iv__element element, const void *data)
{
    if (weights->n == weights->room) {
        const int64_t room = weights->room * 2 + 64;
        iv__weight *list = iv__resize(weights->home, weights->list, (size_t)room * sizeof *list);
        if (!list)
            return false;
        weights->list = list;
        weights->room = room;
    }
    iv__weight *weight = &weights->list[weights->n];
    *weight = (iv__weight){ .about = { .name = iv__arena_text(&weights->arena, name),
                                       .kind = iv__arena_text(&weights->arena, kind),
                                       .shape = *shape },
                            .element = element,
                            .data = data,
                            .place = weights->n };
    weights->n += weight->about.name && weight->about.kind;
    return weight->about.name && weight->about.kind;
}

/* ---- safetensors, and HDF5 by way of it ------------------------------------------------------ */

static bool add_tensors(iv_weights *weights)
{
    int64_t n = 0;
    const iv__named_tensor *list = weights->file ? iv__safetensors_list(weights->file, &n) : NULL;

    for (int64_t i = 0; i < n; i++) {
        iv__element element = { .width = 0 };
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
            if (!strcmp(kinds[k].name, list[i].kind))
                element = kinds[k].element;
        if (!add_weight(weights, list[i].name, list[i].kind, &list[i].shape, element, list[i].data))
            return false;
    }
    return weights->file;
}

/* ---- NumPy's --------------------------------------------------------------------------------- */

static const char *kind_of(iv__element element)
{
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (kinds[k].element.kind == element.kind && kinds[k].element.width == element.width)
            return kinds[k].name;
    return "";
}

/* The array in `bytes`, of which only its numbers stay, in C's order. */
static bool add_array(iv_weights *weights, const char *name, void **bytes, size_t size)
{
    char message[400];
    iv__npy npy;

    snprintf(message, sizeof message, "%s: %s", weights->name, name);
    if (iv__npy_read(weights->home, message, *bytes, size, &npy))
        return false;
    const void *data = npy.data;
    if (npy.fortran) {
        unsigned char *ordered = iv__alloc(weights->home, npy.size + 1);
        if (!ordered)
            return false;
        iv__npy_in_order(&npy, ordered);
        iv__free(weights->home, *bytes);
        data = *bytes = ordered;
    }
    return add_weight(weights, name, kind_of(npy.element), &npy.shape, npy.element, data);
}

/* The name without ".npy", and without the folders of a path. */
static const char *array_name(iv_weights *weights, const char *path, bool whole)
{
    const char *slash = whole ? NULL : strrchr(path, '/');
    char *name = iv__arena_text(&weights->arena, slash ? slash + 1 : path);
    const size_t size = name ? strlen(name) : 0;

    if (size > 4 && !strcmp(name + size - 4, ".npy"))
        name[size - 4] = 0;
    return name;
}

static bool add_npz(iv_weights *weights, const iv__zip *zip)
{
    int64_t n;
    const iv__zip_file *files = iv__zip_list(zip, &n);

    weights->arrays = iv__alloc_array(weights->home, n + 1, sizeof *weights->arrays);
    for (int64_t i = 0; i < n && weights->arrays; i++) {
        const char *name = array_name(weights, files[i].name, true);
        if (name)
            weights->arrays[i] = iv__zip_bytes(zip, &files[i]);
        if (!name || !weights->arrays[i] ||
            !add_array(weights, name, &weights->arrays[i], files[i].size))
            return false;
    }
    return weights->arrays;
}

static bool add_npy(iv_weights *weights, const char *path, const iv__view *view)
{
    const char *name = array_name(weights, path, false);

    weights->arrays = iv__alloc_array(weights->home, 2, sizeof *weights->arrays);
    if (name && weights->arrays)
        weights->arrays[0] = iv__alloc(weights->home, view->size);
    if (!name || !weights->arrays || !weights->arrays[0])
        return false;
    memcpy(weights->arrays[0], view->data, view->size);
    return add_array(weights, name, &weights->arrays[0], view->size);
}

/* ---- a file ---------------------------------------------------------------------------------- */

/* Keras 3's models hold their weights as a HDF5 file. */
static bool add_zip(iv_weights *weights, const char *path)
{
    iv__zip *zip = iv__zip_open(weights->home, path);
    const iv__zip_file *inner = zip ? iv__zip_find(zip, "model.weights.h5") : NULL;
    unsigned char *bytes = inner ? iv__zip_bytes(zip, inner) : NULL;
    bool done = false;

    if (bytes) {
        weights->file = iv__hdf5_read(weights->home, path, bytes, inner->size, &weights->bytes);
        done = add_tensors(weights);
    } else if (zip && !inner) {
        done = add_npz(weights, zip);
    }
    iv__free(weights->home, bytes);
    iv__zip_close(zip);
    return done;
}

static bool begins(const iv__view *view, const char *magic, size_t size)
{
    return view->size >= size && !memcmp(view->data, magic, size);
}

static bool add_file(iv_weights *weights, const char *path)
{
    iv__view view;
    bool done;

    if (iv__view_open(weights->home, path, &view))
        return false;
    if (begins(&view, "\x89HDF\r\n\x1a\n", 8)) {
        weights->file = iv__hdf5_open(weights->home, path, &weights->bytes);
        done = add_tensors(weights);
    } else if (begins(&view, "PK\3\4", 4)) {
        done = add_zip(weights, path);
    } else if (begins(&view, "\x93NUMPY", 6)) {
        done = add_npy(weights, path, &view);
    } else if (view.size > 8 && view.data[8] == '{') {
        weights->file = iv__safetensors_open(weights->home, path);
        done = add_tensors(weights);
    } else {
        iv_fail(weights->home, IV_FORMAT,
                "%s: is no file of weights that Ivory knows: HDF5 (.h5, .weights.h5), .keras, .npz, .npy or "
                ".safetensors",
                path);
        done = false;
    }
    iv__view_close(&view);
    return done;
}

iv_weights *iv_weights_open(iv_home *home, const char *path)
{
    iv_weights *weights = iv__alloc(home, sizeof *weights);

    if (!weights)
        return NULL;
    weights->home = weights->arena.home = home;
    weights->name = iv__arena_text(&weights->arena, path);
    if (weights->name && add_file(weights, path) && !iv__weights_name_layers(weights))
        return weights;
    iv_weights_free(weights);
    return NULL;
}

void iv_weights_free(iv_weights *weights)
{
    if (!weights)
        return;
    iv_home *home = weights->home;
    for (int64_t i = 0; weights->arrays && weights->arrays[i]; i++)
        iv__free(home, weights->arrays[i]);
    iv__free(home, weights->arrays);
    iv__safetensors_close(weights->file);
    iv__free(home, weights->bytes);
    iv__free(home, weights->list);
    iv__arena_free(&weights->arena);
    iv__free(home, weights);
}

int64_t iv_weights_count(const iv_weights *weights)
{
    return weights->n;
}

const iv_weight *iv_weights_of(const iv_weights *weights, int64_t i)
{
    return &weights->list[i].about;
}

int64_t iv_weights_find(const iv_weights *weights, const char *name)
{
    for (int64_t i = 0; i < weights->n; i++)
        if (!strcmp(weights->list[i].about.name, name))
            return i;
    iv_fail(weights->home, IV_NAME, "%s: there is no weight '%s' among its %lld", weights->name,
            name, (long long)weights->n);
    return -1;
}

iv_tensor *iv_weights_read(const iv_weights *weights, int64_t i, iv_dtype dtype)
{
    const iv__weight *weight = &weights->list[i];
    const iv_weight *about = &weight->about;

    if (!weight->element.width) {
        iv_fail(weights->home, IV_UNSUPPORTED,
                "%s: '%s' holds numbers of the kind %s, which are not read", weights->name,
                about->name, about->kind);
        return NULL;
    }
    const iv_dtype to = dtype ? dtype : iv__element_dtype(weight->element);
    iv_tensor *tensor = iv_tensor_new(weights->home, to, about->shape);
    if (!tensor)
        return NULL;
    const int64_t n = iv_shape_count(&about->shape);
    const int64_t done = iv__elements_copy(weight->element, weight->data, n, to, tensor->data);
    if (done == n)
        return tensor;
    iv_fail(weights->home, IV_VALUE, "%s: element %lld of '%s' (%s) is no number of the type %s",
            weights->name, (long long)done, about->name, about->kind, iv_dtype_name(to));
    iv_tensor_free(tensor);
    return NULL;
}
