/* npy.c: NumPy's arrays. The header is a Python dictionary of three entries, in any order. */
#include "format/npy.h"

#include <string.h>

#include "base/home.h"

typedef struct header {
    iv_home *home;
    const char *name; /* of the file, for messages */
    const char *at, *end;
} header;

static iv_status refuse(const header *h, const char *why)
{
    return iv_fail(h->home, IV_FORMAT, "%s: %s: the file is damaged, or is no .npy file", h->name, why);
}

static void pass_blanks(header *h)
{
    while (h->at < h->end && strchr(" \t\n", *h->at) && *h->at)
        h->at++;
}

/* Passes over the mark if it stands here. */
static bool pass(header *h, char mark)
{
    pass_blanks(h);
    const bool here = h->at < h->end && *h->at == mark;
    h->at += here;
    return here;
}

/* A text in quotes, without what is escaped; false when there is none or it is too long. */
static bool read_text(header *h, char *text, size_t size)
{
    pass_blanks(h);
    if (h->at == h->end || (*h->at != '\'' && *h->at != '"'))
        return false;
    const char quote = *h->at++, *end = memchr(h->at, quote, (size_t)(h->end - h->at));
    const size_t length = end ? (size_t)(end - h->at) : size;
    if (length >= size)
        return false;
    memcpy(text, h->at, length);
    text[length] = 0;
    h->at = end + 1;
    return strlen(text) == length && !strchr(text, '\\');
}

static iv_status read_truth(header *h, bool *truth)
{
    static const char *const words[] = { "False", "True" };

    pass_blanks(h);
    for (int i = 0; i < 2; i++) {
        const size_t length = strlen(words[i]);
        if ((size_t)(h->end - h->at) >= length && !memcmp(h->at, words[i], length)) {
            h->at += length;
            *truth = i;
            return IV_OK;
        }
    }
    return refuse(h, "'fortran_order' is neither True nor False");
}

static bool read_size(header *h, int64_t *size)
{
    const char *first = h->at;

    *size = 0;
    for (; h->at < h->end && *h->at >= '0' && *h->at <= '9'; h->at++)
        if (__builtin_mul_overflow(*size, (int64_t)10, size) ||
            __builtin_add_overflow(*size, (int64_t)(*h->at - '0'), size))
            return false;
    const bool good = h->at > first;
    if (good && h->at < h->end && *h->at == 'L') /* Python 2's long integers */
        h->at++;
    return good;
}

static iv_status read_shape(header *h, iv_shape *shape)
{
    *shape = iv_scalar();
    if (!pass(h, '('))
        return refuse(h, "'shape' is no tuple");
    while (!pass(h, ')')) {
        if (shape->rank == IV_MAX_RANK)
            return iv_fail(h->home, IV_UNSUPPORTED, "%s: an array of more than %d axes", h->name,
                           IV_MAX_RANK);
        if (!read_size(h, &shape->dim[shape->rank++]))
            return refuse(h, "'shape' is no tuple of sizes");
        if (!pass(h, ',')) {
            if (!pass(h, ')'))
                return refuse(h, "'shape' does not end");
            break;
        }
    }
    return IV_OK;
}

/* "<f4" and the like. */
static iv_status read_element(header *h, const char *descr, iv__element *element)
{
    static const struct {
        char code;
        iv__number kind;
        const char *widths;
    } kinds[] = { { 'f', IV__REAL, "248" },
                  { 'i', IV__INTEGER, "1248" },
                  { 'u', IV__NATURAL, "1248" },
                  { 'b', IV__TRUTH, "1" } };
    const bool marked = *descr && strchr("<>|=", *descr);
    const char *code = descr + marked;

    if (*code == 'O')
        return iv_fail(h->home, IV_UNSUPPORTED,
                       "%s: the array holds pickled Python objects, which are programs and never run here: save "
                       "it as plain numbers",
                       h->name);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (code[0] != kinds[i].code || !code[1] || code[2] || !strchr(kinds[i].widths, code[1]))
            continue;
        *element = (iv__element){ kinds[i].kind, code[1] - '0', *descr == '>' };
        return IV_OK;
    }
    return iv_fail(h->home, IV_UNSUPPORTED,
                   "%s: elements of the type '%s': expected reals of 2, 4 or 8 bytes, integers of up to 8 or truths",
                   h->name, descr);
}

static iv_status read_entries(header *h, iv__npy *npy)
{
    bool has_descr = false, has_order = false, has_shape = false;
    char key[32], descr[32];
    iv_status status = pass(h, '{') ? IV_OK : refuse(h, "the header is no dictionary");

    while (!status && !pass(h, '}')) {
        if (!read_text(h, key, sizeof key) || !pass(h, ':'))
            return refuse(h, "the header is no dictionary");
        if (!strcmp(key, "descr")) {
            if (pass(h, '['))
                return iv_fail(h->home, IV_UNSUPPORTED,
                               "%s: an array of records; expected one of numbers", h->name);
            has_descr = read_text(h, descr, sizeof descr);
            status = has_descr ? read_element(h, descr, &npy->element)
                               : refuse(h, "'descr' is no text");
        } else if (!strcmp(key, "fortran_order")) {
            status = read_truth(h, &npy->fortran);
            has_order = true;
        } else if (!strcmp(key, "shape")) {
            status = read_shape(h, &npy->shape);
            has_shape = true;
        } else {
            return refuse(h, "the header has an entry that the format does not know");
        }
        if (!status && !pass(h, ',')) {
            status = pass(h, '}') ? IV_OK : refuse(h, "the header does not end");
            break;
        }
    }
    if (!status && !(has_descr && has_order && has_shape))
        status = refuse(h, "the header lacks 'descr', 'fortran_order' or 'shape'");
    return status;
}

iv_status iv__npy_read(iv_home *home, const char *name, const void *bytes, size_t size, iv__npy *npy)
{
    const unsigned char *at = bytes;
    header h = { .home = home, .name = name };

    *npy = (iv__npy){ .fortran = false };
    if (size < 10 || memcmp(at, "\x93NUMPY", 6))
        return refuse(&h, "it does not begin as NumPy's files do");
    if (at[6] < 1 || at[6] > 3)
        return iv_fail(home, IV_UNSUPPORTED, "%s: version %d of the format; 1 to 3 are known", name,
                       at[6]);
    const size_t wide = at[6] == 1 ? 2 : 4;
    size_t length = 0;
    for (size_t i = wide; i > 0 && size >= 8 + wide; i--)
        length = length << 8 | at[8 + i - 1];
    if (size < 8 + wide || length > size - 8 - wide)
        return refuse(&h, "it ends within its header");
    h.at = (const char *)at + 8 + wide;
    h.end = h.at + length;
    npy->data = at + 8 + wide + length;
    iv_status status = read_entries(&h, npy);
    if (status)
        return status;

    const size_t left = size - 8 - wide - length;
    bool fits = true;
    npy->size = (size_t)npy->element.width;
    for (int64_t i = 0; i < npy->shape.rank; i++)
        fits = fits && iv__mul_size(npy->size, (size_t)npy->shape.dim[i], &npy->size);
    char shape[160];
    if (!fits || npy->size != left)
        return iv_fail(home, IV_FORMAT,
                       "%s: an array %s of %d bytes each does not fit the %zu bytes behind the header: the file is "
                       "cut short or damaged",
                       name, iv_shape_text(&npy->shape, shape, sizeof shape), npy->element.width, left);
    return IV_OK;
}

void iv__npy_in_order(const iv__npy *npy, unsigned char *to)
{
    const size_t width = (size_t)npy->element.width;
    const int last = (int)npy->shape.rank - 1;
    size_t stride[IV_MAX_RANK] = { 0 }, place = 0;
    int64_t index[IV_MAX_RANK] = { 0 };

    if (!npy->fortran || last < 1) {
        memcpy(to, npy->data, npy->size);
        return;
    }
    for (int i = 0; i <= last; i++)
        stride[i] = i ? stride[i - 1] * (size_t)npy->shape.dim[i - 1] : width;
    for (size_t done = 0; done < npy->size; done += width) {
        memcpy(to + done, npy->data + place, width);
        for (int axis = last; axis >= 0; axis--) {
            place += stride[axis];
            if (++index[axis] < npy->shape.dim[axis])
                break;
            place -= stride[axis] * (size_t)index[axis];
            index[axis] = 0;
        }
    }
}

iv_tensor *iv__npy_tensor(iv_home *home, const char *name, const iv__npy *npy, iv_dtype dtype)
{
    iv_tensor *tensor = iv_tensor_new(home, dtype, npy->shape);
    unsigned char *ordered = tensor && npy->fortran ? iv__alloc(home, npy->size + 1) : NULL;

    if (!tensor || (npy->fortran && !ordered)) {
        iv_tensor_free(tensor);
        return NULL;
    }
    if (ordered)
        iv__npy_in_order(npy, ordered);
    const int64_t n = iv_shape_count(&npy->shape);
    const int64_t done = iv__elements_copy(npy->element, ordered ? ordered : npy->data, n, dtype,
                                           tensor->data);
    iv__free(home, ordered);
    if (done == n)
        return tensor;
    iv_fail(home, IV_VALUE, "%s: element %lld is no number of the type %s", name, (long long)done,
            iv_dtype_name(dtype));
    iv_tensor_free(tensor);
    return NULL;
}
