/* ivc.c: the file of `ivory compress`. */
#include "format/ivc.h"

#include "base/home.h"

#include <string.h>

static const char magic[4] = { 'I', 'V', 'C', '1' };

/* ---- writing --------------------------------------------------------------------------------- */

static void put_count(iv__text *text, int64_t count)
{
    uint64_t rest = (uint64_t)count;

    do {
        char byte = (char)((rest & 127) | (rest > 127 ? 128 : 0));
        iv__text_add(text, &byte, 1);
        rest >>= 7;
    } while (rest);
}

void iv__ivc_write_head(const iv__ivc *ivc, iv__text *text)
{
    iv__text_add(text, magic, sizeof magic);
    iv__text_add(text, (const char *)ivc->model, sizeof ivc->model);
    put_count(text, ivc->n);
    for (int64_t i = 0; i < ivc->n; i++) {
        put_count(text, ivc->pictures[i].height);
        put_count(text, ivc->pictures[i].width);
        put_count(text, ivc->pictures[i].label);
    }
    for (int shift = 0; shift < 32; shift += 8) {
        char byte = (char)(ivc->checksum >> shift & 255);
        iv__text_add(text, &byte, 1);
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct reading {
    const unsigned char *at, *end;
} reading;

/* -1: there is no count of at most `most`. */
static int64_t take_count(reading *r, int64_t most)
{
    int64_t count = 0;

    for (int shift = 0; shift < 35 && r->at < r->end; shift += 7) {
        int64_t byte = *r->at++;
        count |= (byte & 127) << shift;
        if (byte < 128)
            return count <= most ? count : -1;
    }
    return -1;
}

static iv_status bad_head(iv_home *home, const char *name)
{
    return iv_fail(home, IV_FORMAT,
                   "%s: its head is damaged or cut off: the numbers and sizes of pictures make no sense",
                   name);
}

bool iv__ivc_begins(const void *bytes, size_t size)
{
    return size >= sizeof magic && !memcmp(bytes, magic, sizeof magic);
}

iv_status iv__ivc_read(iv_home *home, const char *name, const void *bytes, size_t size, iv__ivc *ivc)
{
    reading r = { bytes, (const unsigned char *)bytes + size };

    *ivc = (iv__ivc){ .n = 0 };
    if (!iv__ivc_begins(bytes, size))
        return iv_fail(home, IV_FORMAT,
                       "%s: expected a file that `ivory compress` made (it begins with IVC1)", name);
    if (size < sizeof magic + IV__IVC_MODEL)
        return bad_head(home, name);
    memcpy(ivc->model, r.at + sizeof magic, IV__IVC_MODEL);
    r.at += sizeof magic + IV__IVC_MODEL;
    int64_t n = take_count(&r, IV__IVC_PICTURES);
    if (n < 1 || n > (r.end - r.at) / 3)
        return bad_head(home, name);
    ivc->pictures = iv__alloc_array(home, n, sizeof *ivc->pictures);
    if (!ivc->pictures)
        return IV_NOMEM;
    for (; ivc->n < n; ivc->n++) {
        iv__ivc_picture *p = &ivc->pictures[ivc->n];
        p->height = take_count(&r, IV__IVC_PIXELS);
        p->width = take_count(&r, IV__IVC_PIXELS);
        p->label = take_count(&r, INT32_MAX);
        if (p->height < 1 || p->width < 1 || p->height > IV__IVC_PIXELS / p->width || p->label < 0) {
            iv__ivc_free(home, ivc);
            return bad_head(home, name);
        }
    }
    if (r.end - r.at < 4) {
        iv__ivc_free(home, ivc);
        return bad_head(home, name);
    }
    for (int i = 0; i < 4; i++)
        ivc->checksum |= (uint32_t)*r.at++ << (8 * i);
    ivc->numbers = r.at;
    ivc->size = (size_t)(r.end - r.at);
    return IV_OK;
}

void iv__ivc_free(iv_home *home, iv__ivc *ivc)
{
    iv__free(home, ivc->pictures);
    ivc->pictures = NULL;
}
