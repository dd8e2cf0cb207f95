/* pnm.c: portable bitmaps, greymaps and pixmaps (P1 to P6) in, P5 and P6 out.
 * Source: https://netpbm.sourceforge.net/doc/pnm.html */

#include <string.h>

#include "base/home.h"
#include "format/image_parts.h"

typedef struct parser {
    iv_home *home;
    const iv__image_bytes *file;
    size_t at;
} parser;

/* What the head says. */
typedef struct head {
    int kind; /* 1 to 6 */
    int64_t width, height;
    uint32_t most; /* the value that is white */
} head;

static bool is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Blanks and remarks; false at the end of the file. */
static bool skip_space(parser *p)
{
    const iv__image_bytes *f = p->file;

    while (p->at < f->size && (is_space(f->data[p->at]) || f->data[p->at] == '#'))
        if (f->data[p->at++] == '#')
            while (p->at < f->size && f->data[p->at] != '\n')
                p->at++;
    return p->at < f->size;
}

static iv_status too_short(const parser *p)
{
    return iv_fail(p->home, IV_FORMAT,
                   "%s: the PNM file ends after %zu bytes, before the picture does: copy or make it "
                   "again",
                   p->file->name, p->file->size);
}

/* The next whole number from `low` to `high`, of at most so many digits (0: any). */
static iv_status read_number(parser *p, const char *what, int digits, uint32_t low, uint32_t high,
                             uint32_t *number)
{
    const iv__image_bytes *f = p->file;
    uint64_t value = 0;

    if (!skip_space(p))
        return too_short(p);
    size_t begin = p->at;
    while (p->at < f->size && f->data[p->at] >= '0' && f->data[p->at] <= '9' && value <= high &&
           (digits == 0 || p->at - begin < (size_t)digits))
        value = value * 10 + (uint64_t)(f->data[p->at++] - '0');
    if (p->at == begin || value < low || value > high)
        return iv_fail(p->home, IV_FORMAT,
                       "%s: byte %zu of the PNM file: expected %s from %u to %u: make the file again",
                       f->name, begin, what, (unsigned)low, (unsigned)high);
    *number = (uint32_t)value;
    return IV_OK;
}

static iv_status read_head(parser *p, head *h)
{
    uint32_t width, height;
    iv_status status;

    h->kind = p->file->data[1] - '0';
    h->most = 1;
    p->at = 2;
    status = read_number(p, "a width", 0, 1, INT32_MAX, &width);
    if (!status)
        status = read_number(p, "a height", 0, 1, INT32_MAX, &height);
    if (!status && h->kind != 1 && h->kind != 4)
        status = read_number(p, "the value of white", 0, 1, 65535, &h->most);
    if (status)
        return status;
    h->width = width;
    h->height = height;
    if (p->at == p->file->size)
        return too_short(p);
    if (!is_space(p->file->data[p->at++]))
        return iv_fail(p->home, IV_FORMAT,
                       "%s: byte %zu of the PNM file: expected a blank before the picture: make the "
                       "file again",
                       p->file->name, p->at - 1);
    return IV_OK;
}

/* From 0..most to all of 8 or 16 bits. */
static void store(iv__image *image, int64_t at, uint32_t value, uint32_t most)
{
    if (image->bits == 8)
        ((uint8_t *)image->pixels)[at] = (uint8_t)((value * 255 + most / 2) / most);
    else
        ((uint16_t *)image->pixels)[at] = (uint16_t)((value * 65535 + most / 2) / most);
}

static iv_status read_digits(parser *p, const head *h, iv__image *image)
{
    bool bitmap = h->kind == 1; /* its digits need no blanks between them, and 1 is black */

    for (int64_t at = 0; at < image->width * image->height * image->channels; at++) {
        uint32_t value;
        iv_status status = read_number(p, "a value", bitmap ? 1 : 0, 0, h->most, &value);
        if (status)
            return status;
        store(image, at, bitmap ? 1 - value : value, h->most);
    }
    return IV_OK;
}

static iv_status read_bytes(const parser *p, const head *h, iv__image *image)
{
    const unsigned char *from = p->file->data + p->at;
    int64_t n = image->width * image->height * image->channels;

    for (int64_t at = 0; at < n; at++, from += image->bits / 8) {
        uint32_t value = image->bits == 8 ? from[0] : (uint32_t)from[0] << 8 | from[1];
        if (value > h->most)
            return iv_fail(p->home, IV_FORMAT,
                           "%s: the PNM file has a value of %u where %u is white: make the file again",
                           p->file->name, (unsigned)value, (unsigned)h->most);
        store(image, at, value, h->most);
    }
    return IV_OK;
}

/* Rows of eight pixels a byte; 1 is black. */
static void read_bits(const parser *p, iv__image *image)
{
    const unsigned char *from = p->file->data + p->at;
    uint8_t *to = image->pixels;

    for (int64_t y = 0; y < image->height; y++, from += (image->width + 7) / 8)
        for (int64_t x = 0; x < image->width; x++)
            *to++ = from[x / 8] >> (7 - x % 8) & 1 ? 0 : 255;
}

iv_status iv__pnm_decode(iv_home *home, const iv__image_bytes *file, iv__image *image)
{
    parser p = { home, file, 0 };
    head h;
    iv_status status = read_head(&p, &h);
    if (status)
        return status;

    /* Both dimensions are below 2^31, so that these products fit. The bytes that the picture has at
     * least are asked for before memory is. */
    int channels = h.kind == 3 || h.kind == 6 ? 3 : 1, bits = h.most > 255 ? 16 : 8;
    int64_t values = h.width * channels;
    int64_t row = h.kind == 4 ? (values + 7) / 8 : h.kind < 4 ? values : values * (bits / 8);
    if (row > (int64_t)(file->size - p.at) / h.height)
        return too_short(&p);
    status = iv__image_begin(home, file->name, h.width, h.height, channels, bits, image);
    if (status)
        return status;
    if (h.kind < 4)
        return read_digits(&p, &h, image);
    if (h.kind > 4)
        return read_bytes(&p, &h, image);
    read_bits(&p, image);
    return IV_OK;
}

iv_status iv__pnm_encode(iv_home *home, const char *name, const iv__image *image, iv__text *out)
{
    int64_t row = image->width * image->channels;
    unsigned char pair[2];

    (void)home;
    (void)name;
    iv__text_print(out, "P%c\n%lld %lld\n%d\n", image->channels == 1 ? '5' : '6',
                   (long long)image->width, (long long)image->height, image->bits == 8 ? 255 : 65535);
    if (image->bits == 8) {
        iv__text_add(out, image->pixels, (size_t)(row * image->height));
        return IV_OK;
    }
    for (int64_t at = 0; at < row * image->height; at++) {
        uint16_t value = ((const uint16_t *)image->pixels)[at];
        pair[0] = (unsigned char)(value >> 8);
        pair[1] = (unsigned char)value;
        iv__text_add(out, (const char *)pair, 2);
    }
    return IV_OK;
}
