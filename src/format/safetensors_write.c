/* safetensors_write.c: writing safetensors files with checksums, and one checksum over named
 * tensors.
 * Source: https://github.com/huggingface/safetensors (the format). */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/home.h"
#include "base/sha256.h"
#include "format/json_write.h"
#include "format/safetensors_parts.h"
#include "format/utf8.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "tensors are written as they lie: little-endian");

/* Tensors in the order of the file, and where each begins. */
typedef struct layout {
    int64_t n;
    const iv__named_tensor **tensor;
    char *digests; /* 64 digits and a blank for each */
} layout;

static size_t bytes_of(const iv__named_tensor *tensor)
{
    return (size_t)iv_shape_count(&tensor->shape) * iv_dtype_size(tensor->dtype);
}

static void digest_of(const void *bytes, size_t size, char hex[65])
{
    iv__sha256 hash;

    iv__sha256_begin(&hash);
    iv__sha256_add(&hash, bytes, size);
    iv__sha256_end(&hash, hex);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names must be told apart, and be UTF-8: the header is JSON. */
static iv_status check_names(iv_home *home, const char *path, const char *what, const char **names,
                             int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        size_t size = strlen(names[i]);
        if (iv__utf8_valid(names[i], size) != size)
            return iv_fail(home, IV_NAME, "writing %s: the %s '%s' is no UTF-8", path, what, names[i]);
    }
    if (n > 1)
        qsort(names, (size_t)n, sizeof *names, by_text);
    for (int64_t i = 1; i < n; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            return iv_fail(home, IV_NAME, "writing %s: the %s '%s' comes twice", path, what, names[i]);
    return IV_OK;
}

static iv_status check_tensors(iv_home *home, const char *path, int64_t n,
                               const iv__named_tensor *tensors, const char **names)
{
    for (int64_t i = 0; i < n; i++) {
        names[i] = tensors[i].name;
        if (strcmp(names[i], IV__METADATA) == 0)
            return iv_fail(home, IV_NAME, "writing %s: no tensor may be named '%s'", path, IV__METADATA);
        if (!iv__safetensors_kind_name(tensors[i].dtype))
            return iv_fail(home, IV_DTYPE, "writing %s: tensor '%s' has no element type", path,
                           names[i]);
        if (!iv_shape_valid(&tensors[i].shape, tensors[i].dtype))
            return iv_fail(home, IV_SHAPE, "writing %s: the shape of tensor '%s' is not valid",
                           path, names[i]);
    }
    return check_names(home, path, "name", names, n);
}

static iv_status check_pairs(iv_home *home, const char *path, int64_t n, const iv__pair *pairs,
                             const char **names)
{
    for (int64_t i = 0; i < n; i++) {
        names[i] = pairs[i].key;
        if (strcmp(names[i], IV__CHECKSUMS) == 0 || strcmp(names[i], IV__HEADER) == 0)
            return iv_fail(home, IV_NAME, "writing %s: the key '%s' is the writer's own", path,
                           names[i]);
        size_t size = strlen(pairs[i].value);
        if (iv__utf8_valid(pairs[i].value, size) != size)
            return iv_fail(home, IV_VALUE, "writing %s: the text of '%s' is no UTF-8", path, names[i]);
    }
    return check_names(home, path, "key", names, n);
}

/* Wider element types first, the given order within each width. */
static void lay_out(layout *l, const iv__named_tensor *tensors)
{
    int64_t at = 0;

    for (size_t width = 8; width > 0; width /= 2)
        for (int64_t i = 0; i < l->n; i++)
            if (iv_dtype_size(tensors[i].dtype) == width)
                l->tensor[at++] = &tensors[i];

    char *digest = l->digests;
    for (int64_t i = 0; i < l->n; i++, digest += 65) {
        digest_of(l->tensor[i]->data, bytes_of(l->tensor[i]), digest);
        digest[64] = i + 1 < l->n ? ' ' : 0;
    }
}

static void put_text_member(iv__json_writer *w, const char *name, const char *text)
{
    iv__json_put_name(w, name);
    iv__json_put_string(w, text);
}

static void put_tensor(iv__json_writer *w, const iv__named_tensor *tensor, size_t *offset)
{
    size_t end = *offset + bytes_of(tensor);

    iv__json_put_name(w, tensor->name);
    iv__json_put_object(w);
    put_text_member(w, "dtype", iv__safetensors_kind_name(tensor->dtype));
    iv__json_put_name(w, "shape");
    iv__json_put_array(w);
    for (int64_t i = 0; i < tensor->shape.rank; i++)
        iv__json_put_int(w, tensor->shape.dim[i]);
    iv__json_end_array(w);
    iv__json_put_name(w, "data_offsets");
    iv__json_put_array(w);
    iv__json_put_int(w, (int64_t)*offset);
    iv__json_put_int(w, (int64_t)end);
    iv__json_end_array(w);
    iv__json_end_object(w);
    *offset = end;
}

/* The header, its own checksum filled in; blanks at its end let the data begin at a multiple of
 * 64. */
static bool write_header(iv__text *header, const layout *l, int64_t n_pairs, const iv__pair *pairs)
{
    iv__json_writer w = { .text = header };
    char zeros[65] = "", digest[65];
    size_t offset = 0;

    memset(zeros, '0', 64);
    iv__json_put_object(&w);
    iv__json_put_name(&w, IV__METADATA);
    iv__json_put_object(&w);
    for (int64_t i = 0; i < n_pairs; i++)
        put_text_member(&w, pairs[i].key, pairs[i].value);
    put_text_member(&w, IV__CHECKSUMS, l->n > 0 ? l->digests : "");
    put_text_member(&w, IV__HEADER, zeros);
    size_t place = header->size - 65;
    iv__json_end_object(&w);
    for (int64_t i = 0; i < l->n; i++)
        put_tensor(&w, l->tensor[i], &offset);
    iv__json_end_object(&w);
    while (!header->failed && (header->size + 8) % 64)
        iv__text_put(header, " ");
    if (header->failed)
        return false;

    digest_of(header->data, header->size, digest);
    memcpy(header->data + place, digest, 64);
    return true;
}

static iv_status write_file(iv_home *home, const char *path, const iv__text *header, const layout *l)
{
    iv__writer *writer = iv__writer_new(home, path);
    if (!writer)
        return iv_home_status(home);

    uint64_t size = header->size;
    iv__writer_add(writer, &size, sizeof size);
    iv__writer_add(writer, header->data, header->size);
    for (int64_t i = 0; i < l->n; i++)
        iv__writer_add(writer, l->tensor[i]->data, bytes_of(l->tensor[i]));
    return iv__writer_commit(writer);
}

iv_status iv__safetensors_write(iv_home *home, const char *path, int64_t n_tensors,
                                const iv__named_tensor *tensors, int64_t n_pairs, const iv__pair *pairs)
{
    int64_t most = (n_tensors > n_pairs ? n_tensors : n_pairs) + 1;
    layout l = { .n = n_tensors };
    iv__text header = { .home = home };
    iv_status status = IV_NOMEM;

    const char **names = iv__alloc_array(home, most, sizeof *names);
    l.tensor = iv__alloc_array(home, most, sizeof *l.tensor);
    l.digests = iv__alloc_array(home, most, 65);
    if (!names || !l.tensor || !l.digests)
        goto done;

    status = check_tensors(home, path, n_tensors, tensors, names);
    if (!status)
        status = check_pairs(home, path, n_pairs, pairs, names);
    if (status)
        goto done;
    lay_out(&l, tensors);
    if (!write_header(&header, &l, n_pairs, pairs))
        status = iv_home_status(home);
    else if (header.size > IV__HEADER_MAX)
        status = iv_fail(home, IV_VALUE, "writing %s: names and texts take %zu bytes, %d are the most",
                         path, header.size, IV__HEADER_MAX);
    else
        status = write_file(home, path, &header, &l);
done:
    iv__free(home, names);
    iv__free(home, l.tensor);
    iv__free(home, l.digests);
    iv__text_free(&header);
    return status;
}

static int by_name(const void *a, const void *b)
{
    const iv__named_tensor *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

iv_status iv__weights_sha256(iv_home *home, int64_t n, const iv__named_tensor *tensors,
                             const char *prefix, char hex[65])
{
    const iv__named_tensor **chosen = iv__alloc_array(home, n + 1, sizeof *chosen);
    int64_t count = 0;
    iv__sha256 hash;
    char shape[160];

    if (!chosen)
        return IV_NOMEM;
    for (int64_t i = 0; i < n; i++)
        if (strncmp(tensors[i].name, prefix, strlen(prefix)) == 0)
            chosen[count++] = &tensors[i];
    if (count > 1)
        qsort(chosen, (size_t)count, sizeof *chosen, by_name);

    iv__sha256_begin(&hash);
    for (int64_t i = 0; i < count; i++) {
        const iv__named_tensor *t = chosen[i];
        const char *kind = t->kind ? t->kind : iv__safetensors_kind_name(t->dtype);
        iv_shape_text(&t->shape, shape, sizeof shape);
        iv__sha256_add(&hash, t->name, strlen(t->name) + 1);
        iv__sha256_add(&hash, kind, strlen(kind) + 1);
        iv__sha256_add(&hash, shape, strlen(shape) + 1);
        iv__sha256_add(&hash, t->data, t->kind ? t->bytes : bytes_of(t));
    }
    iv__sha256_end(&hash, hex);
    iv__free(home, chosen);
    return IV_OK;
}
