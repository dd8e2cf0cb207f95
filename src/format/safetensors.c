/* safetensors.c: reading safetensors files: every offset is checked, and every checksum where
 * there are any.
 * Source: https://github.com/huggingface/safetensors (the format). */
#define _GNU_SOURCE
#include "format/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/home.h"
#include "base/sha256.h"
#include "format/json.h"
#include "format/safetensors_parts.h"

/* Element types a file may hold; those without a dtype are listed and lent as bytes. */
static const struct kind {
    const char *name;
    size_t width;
    iv_dtype dtype;
} kinds[] = {
    { "F32", 4, IV_F32 }, { "F64", 8, IV_F64 }, { "I32", 4, IV_I32 }, { "U8", 1, IV_U8 },
    { "I64", 8, 0 },      { "U64", 8, 0 },      { "C64", 8, 0 },      { "U32", 4, 0 },
    { "F16", 2, 0 },      { "BF16", 2, 0 },     { "I16", 2, 0 },      { "U16", 2, 0 },
    { "I8", 1, 0 },       { "BOOL", 1, 0 },     { "F8_E4M3", 1, 0 },  { "F8_E5M2", 1, 0 },
    { "F8_E8M0", 1, 0 },
};

typedef struct entry_place {
    uint64_t begin, end; /* of the data */
    int64_t entry;
} entry_place;

struct iv__safetensors {
    iv_home *home;
    const char *name;
    iv__arena arena;
    iv__view view; /* of a file; empty over memory */
    const unsigned char *header, *data;
    uint64_t header_size, data_size;
    iv__named_tensor *tensors;
    entry_place *places; /* of each tensor; sorted by place once all are read */
    const iv__named_tensor **by_name;
    int64_t n_tensors, room_tensors;
    iv__pair *pairs;
    const iv__pair **by_key;
    int64_t n_pairs, room_pairs;
    bool checked;
};

const char *iv__safetensors_kind_name(iv_dtype dtype)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].dtype == dtype && dtype != 0)
            return kinds[i].name;
    return NULL;
}

/* ---- the header's JSON ----------------------------------------------------------------------- */

/* A copy of the last NAME or STRING. */
static const char *keep_text(iv__safetensors *file, iv__json *json)
{
    size_t size;
    const char *text = iv__json_text(json, &size);

    if (memchr(text, 0, size)) {
        iv__json_refuse(json, "\\u0000 has no place in a name or text");
        return NULL;
    }
    return iv__arena_text(&file->arena, text);
}

static bool refuse(iv__json *json, const char *name, const char *expected)
{
    iv__json_refuse(json, "'%s': expected %s", name, expected);
    return false;
}

static bool read_pair(iv__safetensors *file, iv__json *json)
{
    if (file->n_pairs == file->room_pairs) {
        int64_t room = file->room_pairs * 2 + 16;
        iv__pair *pairs = iv__resize(file->home, file->pairs, (size_t)room * sizeof *pairs);
        if (!pairs)
            return false;
        file->pairs = pairs;
        file->room_pairs = room;
    }
    iv__pair *pair = &file->pairs[file->n_pairs];
    pair->key = keep_text(file, json);
    if (!pair->key)
        return false;
    iv__json_kind kind = iv__json_next(json);
    if (kind != IV__JSON_STRING)
        return kind == IV__JSON_FAILED ? false : refuse(json, pair->key, "a text");
    pair->value = keep_text(file, json);
    file->n_pairs += pair->value != NULL;
    return pair->value != NULL;
}

static bool read_metadata(iv__safetensors *file, iv__json *json)
{
    iv__json_kind kind = iv__json_next(json);

    if (kind != IV__JSON_OBJECT)
        return kind == IV__JSON_FAILED ? false : refuse(json, IV__METADATA, "an object of texts");
    while ((kind = iv__json_next(json)) == IV__JSON_NAME)
        if (!read_pair(file, json))
            return false;
    return kind == IV__JSON_OBJECT_END;
}

/* An array of at most `most` whole numbers, none negative; its length, or -1. */
static int64_t read_numbers(iv__json *json, const char *name, int64_t *numbers, int64_t most)
{
    static const char expected[] = "at most %d whole numbers";
    int64_t n = 0;
    iv__json_kind kind = iv__json_next(json);
    bool good = kind == IV__JSON_ARRAY;

    while (good && (kind = iv__json_next(json)) == IV__JSON_NUMBER) {
        iv__json_value value = { .kind = kind, .text = iv__json_text(json, NULL) };
        good = n < most && iv__json_int(&value, &numbers[n]) && numbers[n] >= 0;
        n++;
    }
    if (good && kind == IV__JSON_ARRAY_END)
        return n;
    if (kind != IV__JSON_FAILED) {
        char text[48];
        snprintf(text, sizeof text, expected, (int)most);
        refuse(json, name, text);
    }
    return -1;
}

/* dtype, shape and data_offsets of a tensor, in any order; what else may stand there is not
 * ours. */
static bool read_members(iv__safetensors *file, iv__json *json, iv__named_tensor *tensor,
                         entry_place *place)
{
    int64_t offsets[2] = { 0, 0 };
    bool has_shape = false, has_offsets = false;
    iv__json_kind kind = iv__json_next(json);

    if (kind != IV__JSON_OBJECT)
        return kind == IV__JSON_FAILED ? false : refuse(json, tensor->name, "an object");
    while ((kind = iv__json_next(json)) == IV__JSON_NAME) {
        const char *member = iv__json_text(json, NULL);
        if (strcmp(member, "dtype") == 0) {
            kind = iv__json_next(json);
            if (kind != IV__JSON_STRING)
                return kind == IV__JSON_FAILED ? false : refuse(json, tensor->name, "an element type");
            tensor->kind = keep_text(file, json);
            if (!tensor->kind)
                return false;
        } else if (strcmp(member, "shape") == 0) {
            tensor->shape = iv_scalar();
            tensor->shape.rank = read_numbers(json, tensor->name, tensor->shape.dim, IV_MAX_RANK);
            has_shape = tensor->shape.rank >= 0;
            if (!has_shape)
                return false;
        } else if (strcmp(member, "data_offsets") == 0) {
            int64_t n = read_numbers(json, tensor->name, offsets, 2);
            has_offsets = n == 2;
            if (!has_offsets)
                return n < 0 ? false : refuse(json, tensor->name, "two offsets");
        } else if (!iv__json_skip(json)) {
            return false;
        }
    }
    if (kind == IV__JSON_OBJECT_END && !(tensor->kind && has_shape && has_offsets))
        return refuse(json, tensor->name, "dtype, shape and data_offsets");
    place->begin = (uint64_t)offsets[0];
    place->end = (uint64_t)offsets[1];
    return kind == IV__JSON_OBJECT_END;
}

static bool read_tensor(iv__safetensors *file, iv__json *json, const char *name)
{
    if (file->n_tensors == file->room_tensors) {
        int64_t room = file->room_tensors * 2 + 64;
        void *tensors = iv__resize(file->home, file->tensors, (size_t)room * sizeof *file->tensors);
        file->tensors = tensors ? tensors : file->tensors;
        void *places = tensors
                           ? iv__resize(file->home, file->places, (size_t)room * sizeof *file->places)
                           : NULL;
        file->places = places ? places : file->places;
        if (!places)
            return false;
        file->room_tensors = room;
    }
    iv__named_tensor *tensor = &file->tensors[file->n_tensors];
    entry_place *place = &file->places[file->n_tensors];
    *tensor = (iv__named_tensor){ .name = name };
    place->entry = file->n_tensors++;
    return read_members(file, json, tensor, place);
}

static bool read_header_json(iv__safetensors *file, iv__json *json)
{
    bool has_metadata = false;
    iv__json_kind kind = iv__json_next(json);

    if (kind != IV__JSON_OBJECT)
        return kind == IV__JSON_FAILED ? false : refuse(json, "header", "an object");
    while ((kind = iv__json_next(json)) == IV__JSON_NAME) {
        const char *name = keep_text(file, json);
        if (!name)
            return false;
        bool metadata = strcmp(name, IV__METADATA) == 0;
        if (metadata && has_metadata)
            return refuse(json, IV__METADATA, "it once");
        has_metadata |= metadata;
        if (!(metadata ? read_metadata(file, json) : read_tensor(file, json, name)))
            return false;
    }
    return kind == IV__JSON_OBJECT_END && iv__json_next(json) == IV__JSON_END;
}

static bool read_header(iv__safetensors *file)
{
    iv__source *source = iv__source_memory(file->home, "header", file->header, file->header_size);
    iv__json *json = source ? iv__json_new(source) : NULL;
    bool good = json && read_header_json(file, json);

    if (!good && iv_home_status(file->home) == IV_FORMAT) {
        char why[400];
        snprintf(why, sizeof why, "%s", iv_home_message(file->home));
        iv_fail(file->home, IV_FORMAT, "%s: the file is damaged, or is no safetensors file (%s)",
                file->name, why);
    }
    iv__json_free(json);
    iv__source_close(source);
    return good;
}

/* ---- what the header says against what is there ---------------------------------------------- */

static bool settle_tensor(iv__safetensors *file, iv__named_tensor *tensor, const entry_place *place)
{
    size_t bytes = 0;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, tensor->kind) == 0) {
            tensor->dtype = kinds[i].dtype;
            bytes = kinds[i].width;
        }
    if (bytes == 0) {
        iv_fail(file->home, IV_FORMAT, "%s: tensor '%s' has the unknown element type '%s'",
                file->name, tensor->name, tensor->kind);
        return false;
    }
    if (place->begin > place->end || place->end > file->data_size) {
        iv_fail(file->home, IV_FORMAT,
                "%s: tensor '%s' lies at bytes %llu to %llu, but there are only %llu: the file is cut "
                "short or damaged",
                file->name, tensor->name, (unsigned long long)place->begin,
                (unsigned long long)place->end, (unsigned long long)file->data_size);
        return false;
    }
    bool fits = true;
    for (int64_t i = 0; i < tensor->shape.rank; i++)
        fits = fits && iv__mul_size(bytes, (size_t)tensor->shape.dim[i], &bytes);
    if (!fits || bytes != place->end - place->begin) {
        char shape[160];
        iv_fail(file->home, IV_FORMAT,
                "%s: tensor '%s' (%s %s) does not fit its %llu bytes: the file is damaged", file->name,
                tensor->name, tensor->kind, iv_shape_text(&tensor->shape, shape, sizeof shape),
                (unsigned long long)(place->end - place->begin));
        return false;
    }
    tensor->bytes = bytes;
    tensor->data = file->data + place->begin;
    return true;
}

static int by_place(const void *a, const void *b)
{
    const entry_place *x = a, *y = b;

    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

static int by_name(const void *a, const void *b)
{
    const iv__named_tensor *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

/* The tensors fill the data: no two overlap, nothing lies between or behind them. */
static bool check_places(iv__safetensors *file)
{
    uint64_t end = 0;

    if (file->n_tensors > 1)
        qsort(file->places, (size_t)file->n_tensors, sizeof *file->places, by_place);
    for (int64_t i = 0; i < file->n_tensors; i++) {
        const entry_place *place = &file->places[i];
        if (place->begin != end) {
            iv_fail(file->home, IV_FORMAT, "%s: the bytes of tensor '%s' %s: the file is damaged",
                    file->name, file->tensors[place->entry].name,
                    place->begin < end ? "overlap those of another" : "do not follow those before");
            return false;
        }
        end = place->end;
    }
    if (end != file->data_size) {
        iv_fail(file->home, IV_FORMAT, "%s: %llu bytes behind the last tensor: the file is damaged",
                file->name, (unsigned long long)(file->data_size - end));
        return false;
    }
    return true;
}

static bool sort_names(iv__safetensors *file)
{
    file->by_name = iv__alloc_array(file->home, file->n_tensors + 1, sizeof *file->by_name);
    if (!file->by_name)
        return false;
    for (int64_t i = 0; i < file->n_tensors; i++)
        file->by_name[i] = &file->tensors[i];
    if (file->n_tensors > 1)
        qsort(file->by_name, (size_t)file->n_tensors, sizeof *file->by_name, by_name);
    for (int64_t i = 1; i < file->n_tensors; i++)
        if (strcmp(file->by_name[i - 1]->name, file->by_name[i]->name) == 0) {
            iv_fail(file->home, IV_FORMAT, "%s: tensor '%s' comes twice", file->name,
                    file->by_name[i]->name);
            return false;
        }
    return true;
}

/* Of a key that comes twice the first one counts. */
static int by_key(const void *a, const void *b)
{
    const iv__pair *x = *(const iv__pair *const *)a, *y = *(const iv__pair *const *)b;
    const int order = strcmp(x->key, y->key);

    return order ? order : x < y ? -1 : x > y;
}

static bool sort_keys(iv__safetensors *file)
{
    file->by_key = iv__alloc_array(file->home, file->n_pairs + 1, sizeof *file->by_key);
    if (!file->by_key)
        return false;
    for (int64_t i = 0; i < file->n_pairs; i++)
        file->by_key[i] = &file->pairs[i];
    if (file->n_pairs > 1)
        qsort(file->by_key, (size_t)file->n_pairs, sizeof *file->by_key, by_key);
    return true;
}

/* ---- checksums ------------------------------------------------------------------------------- */

static bool header_matches(const iv__safetensors *file, const char *expected)
{
    static const char key[] = "\"" IV__HEADER "\": \"";
    char zeros[64], hex[65];
    const unsigned char *place = memmem(file->header, file->header_size, key, sizeof key - 1);
    const unsigned char *end = file->header + file->header_size;
    iv__sha256 hash;

    if (!place || (size_t)(end - place) < sizeof key - 1 + 64)
        return false;
    place += sizeof key - 1;
    memset(zeros, '0', sizeof zeros);
    iv__sha256_begin(&hash);
    iv__sha256_add(&hash, file->header, (size_t)(place - file->header));
    iv__sha256_add(&hash, zeros, sizeof zeros);
    iv__sha256_add(&hash, place + 64, (size_t)(end - place) - 64);
    iv__sha256_end(&hash, hex);
    return strcmp(hex, expected) == 0;
}

/* Each key alone tells that the file is ours: damage to one of them must not switch the check
 * off. */
static bool check_sums(iv__safetensors *file)
{
    const char *header = iv__safetensors_metadata(file, IV__HEADER);
    const char *sums = iv__safetensors_metadata(file, IV__CHECKSUMS);

    file->checked = header || sums;
    if (!file->checked)
        return true;
    if (!header || !sums || !header_matches(file, header)) {
        iv_fail(file->home, IV_FORMAT,
                "%s: the header does not match its checksum: the file is damaged, or was changed by "
                "another program",
                file->name);
        return false;
    }

    size_t size = strlen(sums);
    bool good = file->n_tensors ? size + 1 == (size_t)file->n_tensors * 65 : size == 0;
    for (int64_t i = 0; good && i < file->n_tensors; i++, sums += 65) {
        const iv__named_tensor *tensor = &file->tensors[i];
        char hex[65];
        iv__sha256 hash;
        iv__sha256_begin(&hash);
        iv__sha256_add(&hash, tensor->data, tensor->bytes);
        iv__sha256_end(&hash, hex);
        if (memcmp(hex, sums, 64) != 0) {
            iv_fail(file->home, IV_FORMAT,
                    "%s: the bytes of tensor '%s' do not match their checksum: the file is damaged",
                    file->name, tensor->name);
            return false;
        }
    }
    if (!good)
        iv_fail(file->home, IV_FORMAT,
                "%s: there is not one checksum for each tensor: the file is damaged", file->name);
    return good;
}

/* ---- the file -------------------------------------------------------------------------------- */

static bool take_bytes(iv__safetensors *file, const unsigned char *bytes, size_t size)
{
    uint64_t header_size = 0;

    if (size >= 8)
        memcpy(&header_size, bytes, 8);
    if (size < 8 || header_size > size - 8) {
        iv_fail(file->home, IV_FORMAT,
                "%s: %zu bytes do not hold the header that a safetensors file begins with: the file is "
                "cut short, or is no safetensors file",
                file->name, size);
        return false;
    }
    if (header_size > IV__HEADER_MAX) {
        iv_fail(file->home, IV_FORMAT,
                "%s: a header of %llu bytes, %d are the most: the file is damaged", file->name,
                (unsigned long long)header_size, IV__HEADER_MAX);
        return false;
    }
    file->header = bytes + 8;
    file->header_size = header_size;
    file->data = file->header + header_size;
    file->data_size = size - 8 - header_size;

    bool good = read_header(file);
    for (int64_t i = 0; good && i < file->n_tensors; i++)
        good = settle_tensor(file, &file->tensors[i], &file->places[i]);
    return good && check_places(file) && sort_names(file) && sort_keys(file) && check_sums(file);
}

static iv__safetensors *safetensors_new(iv_home *home, const char *name)
{
    iv__safetensors *file = iv__alloc(home, sizeof *file);
    if (!file)
        return NULL;
    file->home = home;
    file->arena.home = home;
    file->name = iv__arena_text(&file->arena, name);
    if (!file->name) {
        iv__safetensors_close(file);
        return NULL;
    }
    return file;
}

iv__safetensors *iv__safetensors_read(iv_home *home, const char *name, const void *bytes, size_t size)
{
    iv__safetensors *file = safetensors_new(home, name);
    if (file && !take_bytes(file, bytes, size)) {
        iv__safetensors_close(file);
        return NULL;
    }
    return file;
}

iv__safetensors *iv__safetensors_open(iv_home *home, const char *path)
{
    iv__safetensors *file = safetensors_new(home, path);
    if (file && (iv__view_open(home, path, &file->view) ||
                 !take_bytes(file, file->view.data, file->view.size))) {
        iv__safetensors_close(file);
        return NULL;
    }
    return file;
}

void iv__safetensors_close(iv__safetensors *file)
{
    if (!file)
        return;
    iv__free(file->home, file->tensors);
    iv__free(file->home, file->places);
    iv__free(file->home, file->by_name);
    iv__free(file->home, file->by_key);
    iv__free(file->home, file->pairs);
    iv__arena_free(&file->arena);
    iv__view_close(&file->view);
    iv__free(file->home, file);
}

bool iv__safetensors_checked(const iv__safetensors *file)
{
    return file->checked;
}

const iv__named_tensor *iv__safetensors_list(const iv__safetensors *file, int64_t *n)
{
    *n = file->n_tensors;
    return file->tensors;
}

const iv__named_tensor *iv__safetensors_find(const iv__safetensors *file, const char *name)
{
    int64_t low = 0, high = file->n_tensors;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int order = strcmp(name, file->by_name[middle]->name);
        if (order == 0)
            return file->by_name[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const char *iv__safetensors_metadata(const iv__safetensors *file, const char *key)
{
    int64_t low = 0, high = file->n_pairs; /* the first whose key is no less */

    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (strcmp(file->by_key[middle]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < file->n_pairs && !strcmp(file->by_key[low]->key, key) ? file->by_key[low]->value : NULL;
}

const iv__pair *iv__safetensors_pairs(const iv__safetensors *file, int64_t *n)
{
    *n = file->n_pairs;
    return file->pairs;
}

const iv__named_tensor *iv__safetensors_expect(const iv__safetensors *file, const char *name,
                                               iv_dtype dtype, const iv_shape *shape)
{
    const iv__named_tensor *tensor = iv__safetensors_find(file, name);
    char is[160], wanted[160];

    if (!tensor) {
        iv_fail(file->home, IV_NAME, "%s: tensor '%s' is missing", file->name, name);
        return NULL;
    }
    if (tensor->dtype != dtype) {
        iv_fail(file->home, IV_DTYPE, "%s: tensor '%s' is %s, expected %s", file->name, name,
                tensor->kind, iv__safetensors_kind_name(dtype));
        return NULL;
    }
    if (!iv_shape_same(&tensor->shape, shape)) {
        iv_fail(file->home, IV_SHAPE, "%s: tensor '%s' is %s, expected %s", file->name, name,
                iv_shape_text(&tensor->shape, is, sizeof is),
                iv_shape_text(shape, wanted, sizeof wanted));
        return NULL;
    }
    return tensor;
}
