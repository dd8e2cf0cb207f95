/* io_image.c: which reader a file's first bytes ask for, which writer the ending of its name. */

#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/home.h"
#include "format/image_parts.h"

typedef struct beginning {
    size_t at, size;
    const char *bytes;
    iv_status (*decode)(iv_home *home, const iv__image_bytes *file, iv__image *image);
} beginning;

typedef struct ending {
    const char *text;
    iv_status (*encode)(iv_home *home, const char *name, const iv__image *image, iv__text *out);
    int channels[5]; /* that pictures of so many are written with */
    int bits;        /* at most */
    bool lossy;
} ending;

/* clang-format off */
static const beginning beginnings[] = {
    { 0, 8, "\x89PNG\r\n\x1a\n", iv__png_decode },
    { 0, 3, "\xff\xd8\xff",      iv__jpeg_decode },
    { 8, 4, "WEBP",              iv__webp_decode },
    { 0, 2, "P1",                iv__pnm_decode },
    { 0, 2, "P2",                iv__pnm_decode },
    { 0, 2, "P3",                iv__pnm_decode },
    { 0, 2, "P4",                iv__pnm_decode },
    { 0, 2, "P5",                iv__pnm_decode },
    { 0, 2, "P6",                iv__pnm_decode },
};

static const ending endings[] = {
    { ".png",  iv__png_encode,  { 0, 1, 2, 3, 4 }, 16, false },
    { ".webp", iv__webp_encode, { 0, 3, 4, 3, 4 },  8, false },
    { ".jpg",  iv__jpeg_encode, { 0, 1, 1, 3, 3 },  8, true },
    { ".jpeg", iv__jpeg_encode, { 0, 1, 1, 3, 3 },  8, true },
    { ".pgm",  iv__pnm_encode,  { 0, 1, 1, 1, 1 }, 16, false },
    { ".ppm",  iv__pnm_encode,  { 0, 3, 3, 3, 3 }, 16, false },
    { ".pnm",  iv__pnm_encode,  { 0, 1, 1, 3, 3 }, 16, false },
};
/* clang-format on */

iv_status iv__image_decode(iv_home *home, const char *name, const void *bytes, size_t size,
                           iv__image *image)
{
    iv__image_bytes file = { name, bytes, size };

    *image = (iv__image){ 0 };
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        const beginning *b = &beginnings[i];
        if (size < b->at + b->size || memcmp(file.data + b->at, b->bytes, b->size) != 0)
            continue;
        iv_status status = b->decode(home, &file, image);
        if (status)
            iv__image_free(home, image);
        return status;
    }
    return iv_fail(home, IV_FORMAT,
                   "%s: its first bytes are those of no picture that can be read: expected PNG, JPEG, "
                   "WebP or PNM (pbm, pgm, ppm)",
                   name);
}

iv_status iv__image_read(iv_home *home, const char *path, iv__image *image)
{
    iv__view view;

    *image = (iv__image){ 0 };
    iv_status status = iv__view_open(home, path, &view);
    if (!status)
        status = iv__image_decode(home, path, view.data, view.size, image);
    iv__view_close(&view);
    return status;
}

/* NULL with a message. */
static const ending *ending_of(iv_home *home, const char *name)
{
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i].text) == 0)
            return &endings[i];
    iv_fail(home, IV_NAME,
            "%s: the ending tells no format of pictures: expected .png, .webp, .jpg, .jpeg, "
            ".pgm, .ppm or .pnm",
            name);
    return NULL;
}

iv_status iv__image_writes(iv_home *home, const char *path, int channels)
{
    const ending *e = ending_of(home, path);

    if (!e)
        return IV_NAME;
    if (channels && (e->lossy || (channels == 3 && e->channels[3] < 3)))
        return iv_fail(home, IV_UNSUPPORTED,
                       "%s: in a file of this format %s would be lost: choose .png", path,
                       e->lossy ? "something of the picture" : "the colours");
    return IV_OK;
}

iv_status iv__image_encode(iv_home *home, const char *name, const iv__image *image, iv__text *out)
{
    const ending *e = ending_of(home, name);
    size_t before = out->size;
    iv__image made = { 0 };
    iv_status status = IV_OK;

    if (!e)
        return IV_NAME;
    int channels = e->channels[image->channels], bits = image->bits < e->bits ? image->bits : e->bits;
    if (channels != image->channels || bits != image->bits) {
        status = iv__image_convert_to(home, image, channels, bits, NULL, &made);
        image = &made;
    }
    if (!status)
        status = e->encode(home, name, image, out);
    if (!status && out->failed)
        status = IV_NOMEM;
    if (status)
        out->size = before;
    iv__image_free(home, &made);
    return status;
}

iv_status iv__image_write(iv_home *home, const char *path, const iv__image *image)
{
    iv__text out = { .home = home };
    iv_status status = iv__image_encode(home, path, image, &out);

    if (!status)
        status = iv__file_write(home, path, out.data, out.size);
    iv__text_free(&out);
    return status;
}
