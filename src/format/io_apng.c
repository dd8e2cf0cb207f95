/* io_apng.c: animated PNG. Each frame is packed as a PNG of its own; its chunks of pixels go into the
 * animation, behind a chunk that says how the frame is shown.
 * Source: https://wiki.mozilla.org/APNG_Specification */

#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "base/home.h"
#include "format/image_parts.h"

enum {
    SIGNATURE = 8,
    CHUNK = 12,                   /* what a chunk has around its data: length, type, checksum */
    HEAD = SIGNATURE + CHUNK + 13 /* signature and IHDR, which all frames have alike */
};

struct iv__animation {
    iv_home *home;
    char *path;
    iv_status failed;
    iv__image first; /* no pixels: what every frame must be like */
    uint32_t frames, sequence;
    unsigned char head[HEAD];
    iv__text chunks; /* of the frames */
    iv__text packed; /* the frame in hand, as a PNG */
};

static void put_number(unsigned char *bytes, uint32_t number, int size)
{
    for (int i = 0; i < size; i++)
        bytes[i] = (unsigned char)(number >> 8 * (size - 1 - i));
}

static uint32_t number_at(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;

    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* A chunk whose data are two pieces. */
static void put_chunk(iv__text *out, const char *type, const void *first, size_t n_first,
                      const void *second, size_t n_second)
{
    unsigned char number[4];
    uLong sum = crc32(0, (const Bytef *)type, 4);

    put_number(number, (uint32_t)(n_first + n_second), 4);
    iv__text_add(out, (const char *)number, 4);
    iv__text_add(out, type, 4);
    iv__text_add(out, first, n_first);
    iv__text_add(out, second, n_second);
    if (n_first > 0) /* of no bytes at NULL crc32 makes 0 */
        sum = crc32(sum, first, (uInt)n_first);
    if (n_second > 0)
        sum = crc32(sum, second, (uInt)n_second);
    put_number(number, (uint32_t)sum, 4);
    iv__text_add(out, (const char *)number, 4);
}

iv__animation *iv__animation_new(iv_home *home, const char *path)
{
    iv__animation *a = iv__alloc(home, sizeof *a);
    if (!a)
        return NULL;
    a->home = home;
    a->chunks.home = a->packed.home = home;
    a->path = iv__copy_text(home, path);
    if (a->path)
        return a;
    iv__animation_cancel(a);
    return NULL;
}

void iv__animation_cancel(iv__animation *a)
{
    if (!a)
        return;
    iv__text_free(&a->chunks);
    iv__text_free(&a->packed);
    iv__free(a->home, a->path);
    iv__free(a->home, a);
}

static iv_status check(const iv__animation *a, const iv__image *frame, int milliseconds)
{
    const iv__image *first = &a->first;

    if (milliseconds < 0 || milliseconds > UINT16_MAX)
        return iv_fail(a->home, IV_VALUE, "%s: a frame shown for %d milliseconds: expected 0 to %d",
                       a->path, milliseconds, UINT16_MAX);
    if (a->frames > 0 && (frame->width != first->width || frame->height != first->height ||
                          frame->channels != first->channels || frame->bits != first->bits))
        return iv_fail(a->home, IV_SHAPE,
                       "%s: frame %u is %lld by %lld, %d channels of %d bits; the first is %lld by "
                       "%lld, %d of %d: make them equal",
                       a->path, (unsigned)a->frames + 1, (long long)frame->width,
                       (long long)frame->height, frame->channels, frame->bits, (long long)first->width,
                       (long long)first->height, first->channels, first->bits);
    return IV_OK;
}

static void put_control(iv__animation *a, const iv__image *frame, int milliseconds)
{
    unsigned char control[26] = { 0 }; /* at the corner, replacing what was there */

    put_number(control, a->sequence++, 4);
    put_number(control + 4, (uint32_t)frame->width, 4);
    put_number(control + 8, (uint32_t)frame->height, 4);
    put_number(control + 20, (uint32_t)milliseconds, 2);
    put_number(control + 22, 1000, 2);
    put_chunk(&a->chunks, "fcTL", control, sizeof control, NULL, 0);
}

/* The first frame's pixels are those of the PNG, the others stand in chunks that are numbered. */
static void put_pixels(iv__animation *a)
{
    const char *at = a->packed.data + HEAD, *end = a->packed.data + a->packed.size;

    while (at < end) {
        uint32_t size = number_at(at);
        if (memcmp(at + 4, "IDAT", 4) == 0 && a->frames == 0) {
            put_chunk(&a->chunks, "IDAT", at + 8, size, NULL, 0);
        } else if (memcmp(at + 4, "IDAT", 4) == 0) {
            unsigned char sequence[4];
            put_number(sequence, a->sequence++, 4);
            put_chunk(&a->chunks, "fdAT", sequence, 4, at + 8, size);
        }
        at += CHUNK + size;
    }
}

iv_status iv__animation_add(iv__animation *a, const iv__image *frame, int milliseconds)
{
    if (a->failed)
        return a->failed;
    iv__text_clear(&a->packed);
    a->failed = check(a, frame, milliseconds);
    if (!a->failed)
        a->failed = iv__png_encode(a->home, a->path, frame, &a->packed);
    if (!a->failed && a->packed.failed)
        a->failed = IV_NOMEM;
    if (a->failed)
        return a->failed;

    if (a->frames == 0) {
        a->first = *frame;
        a->first.pixels = NULL;
        memcpy(a->head, a->packed.data, HEAD);
    }
    put_control(a, frame, milliseconds);
    put_pixels(a);
    a->frames++;
    a->failed = a->chunks.failed ? IV_NOMEM : IV_OK;
    return a->failed;
}

iv_status iv__animation_write(iv__animation *a, int plays)
{
    iv_status status = a->failed;
    iv__text around = { .home = a->home };
    unsigned char control[8];

    if (!status && a->frames == 0)
        status = iv_fail(a->home, IV_VALUE, "%s: an animation without a frame: add one", a->path);
    if (!status && plays < 0)
        status = iv_fail(a->home, IV_VALUE,
                         "%s: an animation played %d times: expected 0 (for ever) or "
                         "more",
                         a->path, plays);
    if (status) {
        iv__animation_cancel(a);
        return status;
    }
    put_number(control, a->frames, 4);
    put_number(control + 4, (uint32_t)plays, 4);
    put_chunk(&around, "acTL", control, sizeof control, NULL, 0);
    size_t split = around.size;
    put_chunk(&around, "IEND", NULL, 0, NULL, 0);

    iv__writer *writer = around.failed ? NULL : iv__writer_new(a->home, a->path);
    if (writer) {
        iv__writer_add(writer, a->head, HEAD);
        iv__writer_add(writer, around.data, split);
        iv__writer_add(writer, a->chunks.data, a->chunks.size);
        iv__writer_add(writer, around.data + split, around.size - split);
        status = iv__writer_commit(writer);
    } else {
        status = iv_home_status(a->home);
    }
    iv__text_free(&around);
    iv__animation_cancel(a);
    return status;
}
