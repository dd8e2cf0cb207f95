/* io_png.c: PNG in and out by libpng, whose memory is the home's and whose errors come back here by
 * longjmp.
 * Source: https://www.w3.org/TR/png-3/ */

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "base/home.h"
#include "format/image_parts.h"

/* On a photograph 2.6 times as fast as zlib's default of 6, and 2 % larger. */
enum { COMPRESSION = 4 };

/* All that a longjmp must find again stands here, not in variables of the functions it leaves. */
typedef struct work {
    iv_home *home;
    png_structp png;
    png_infop info;
    const iv__image_bytes *file;
    size_t at;     /* bytes of the file that were read */
    iv__text *out; /* or where written ones go */
    bool no_memory, too_short;
    char why[160]; /* libpng's own words */
} work;

static png_voidp allocate(png_structp png, png_alloc_size_t size)
{
    work *w = png_get_mem_ptr(png);
    void *block = iv__alloc(w->home, size);

    w->no_memory |= !block;
    return block;
}

static void release(png_structp png, png_voidp block)
{
    work *w = png_get_mem_ptr(png);

    iv__free(w->home, block);
}

static void fail(png_structp png, const char *why)
{
    work *w = png_get_error_ptr(png);

    snprintf(w->why, sizeof w->why, "%s", why);
    png_longjmp(png, 1);
}

/* What libpng warns of does not change pixels, or is gamma and colour profiles. */
static void ignore(png_structp png, const char *why)
{
    (void)png;
    (void)why;
}

static void take(png_structp png, png_bytep bytes, size_t size)
{
    work *w = png_get_io_ptr(png);

    if (size > w->file->size - w->at) {
        w->too_short = true;
        png_error(png, "too short");
    }
    memcpy(bytes, w->file->data + w->at, size);
    w->at += size;
}

static void put(png_structp png, png_bytep bytes, size_t size)
{
    const work *w = png_get_io_ptr(png);

    iv__text_add(w->out, (const char *)bytes, size);
}

static void flush(png_structp png)
{
    (void)png;
}

/* ---- reading ---------------------------------------------------------------------------------- */

/* Asks for whole bytes, true colours and this machine's order of bytes; the image is what then
 * comes. It is made before libpng takes memory for rows. */
static iv_status begin(work *w, iv__image *image)
{
    int bits = png_get_bit_depth(w->png, w->info), type = png_get_color_type(w->png, w->info);
    int channels = png_get_channels(w->png, w->info);

    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_set_palette_to_rgb(w->png);
        channels = 3;
    } else if (type == PNG_COLOR_TYPE_GRAY && bits < 8) {
        png_set_expand_gray_1_2_4_to_8(w->png);
    }
    if (png_get_valid(w->png, w->info, PNG_INFO_tRNS)) {
        png_set_tRNS_to_alpha(w->png);
        channels++;
    }
    if (bits == 16 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
        png_set_swap(w->png);
    return iv__image_begin(w->home, w->file->name, png_get_image_width(w->png, w->info),
                           png_get_image_height(w->png, w->info), channels, bits < 8 ? 8 : bits, image);
}

static iv_status read_failed(const work *w)
{
    const char *name = w->file->name;

    if (w->no_memory)
        return IV_NOMEM;
    if (w->too_short)
        return iv_fail(w->home, IV_FORMAT,
                       "%s: the PNG file ends after %zu bytes, before the picture does: copy or make it "
                       "again",
                       name, w->file->size);
    return iv_fail(w->home, IV_FORMAT, "%s: the PNG file is damaged (%s): copy or make it again",
                   name, w->why);
}

static iv_status read_picture(work *w, iv__image *image)
{
    if (setjmp(png_jmpbuf(w->png)))
        return read_failed(w);
    png_set_read_fn(w->png, w, take);
    png_set_user_limits(w->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* iv__image_begin has its own */
    png_read_info(w->png, w->info);
    iv_status status = begin(w, image);
    if (status)
        return status;

    size_t row_bytes = iv__image_row_bytes(image);
    int passes = png_set_interlace_handling(w->png);
    png_read_update_info(w->png, w->info);
    if (png_get_rowbytes(w->png, w->info) != row_bytes)
        png_error(w->png, "rows of another length than its head says");
    for (int pass = 0; pass < passes; pass++)
        for (int64_t y = 0; y < image->height; y++)
            png_read_row(w->png, (png_bytep)image->pixels + (size_t)y * row_bytes, NULL);
    png_read_end(w->png, NULL);
    return IV_OK;
}

iv_status iv__png_decode(iv_home *home, const iv__image_bytes *file, iv__image *image)
{
    work w = { .home = home, .file = file };
    iv_status status = IV_NOMEM;

    w.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &w, fail, ignore, &w, allocate, release);
    w.info = w.png ? png_create_info_struct(w.png) : NULL;
    if (w.info)
        status = read_picture(&w, image);
    png_destroy_read_struct(&w.png, &w.info, NULL);
    return status;
}

/* ---- writing ---------------------------------------------------------------------------------- */

static iv_status write_picture(work *w, const char *name, const iv__image *image)
{
    static const int types[] = { 0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA,
                                 PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA };

    if (setjmp(png_jmpbuf(w->png)))
        return w->no_memory
                   ? IV_NOMEM
                   : iv_fail(w->home, IV_UNSUPPORTED, "%s: libpng cannot write it (%s)", name, w->why);
    png_set_write_fn(w->png, w, put, flush);
    png_set_user_limits(w->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_IHDR(w->png, w->info, (png_uint_32)image->width, (png_uint_32)image->height,
                 image->bits, types[image->channels], PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(w->png, COMPRESSION);
    png_write_info(w->png, w->info);
    if (image->bits == 16 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
        png_set_swap(w->png);
    for (int64_t y = 0; y < image->height; y++)
        png_write_row(w->png, (png_const_bytep)image->pixels + (size_t)y * iv__image_row_bytes(image));
    png_write_end(w->png, NULL);
    return IV_OK;
}

iv_status iv__png_encode(iv_home *home, const char *name, const iv__image *image, iv__text *out)
{
    work w = { .home = home, .out = out };
    iv_status status = IV_NOMEM;

    w.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &w, fail, ignore, &w, allocate, release);
    w.info = w.png ? png_create_info_struct(w.png) : NULL;
    if (w.info)
        status = write_picture(&w, name, image);
    png_destroy_write_struct(&w.png, &w.info);
    return status;
}
