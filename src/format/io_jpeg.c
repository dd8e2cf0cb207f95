/* io_jpeg.c: JPEG in and out by libjpeg-turbo, whose errors come back here by longjmp. Its working
 * memory is its own: it cannot be given another allocator.
 * Source: https://www.w3.org/Graphics/JPEG/itu-t81.pdf, Exif 2.32 (orientation), Adobe Technical
 * Note 5116 (CMYK). */

#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h> /* wants FILE */
#include <jerror.h>  /* wants jpeglib.h */
#include <string.h>

#include "base/home.h"
#include "format/image_parts.h"

enum {
    QUALITY = 95,
    SCANS_MAX = 500, /* each scan of a progressive file goes over the whole picture */
    PIECE = 1 << 14,
};

/* All that a longjmp must find again stands here, not in variables of the functions it leaves. The
 * library's structs come first where it hands them back. */
typedef struct work {
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    struct jpeg_destination_mgr destination;
    jmp_buf back;
    iv_home *home;
    const char *name;
    bool no_memory;
    char why[JMSG_LENGTH_MAX]; /* the library's own words */
    JSAMPLE *row;              /* of CMYK */
    iv__text *out;
    JOCTET piece[PIECE]; /* of what is written */
} work;

static void fail(j_common_ptr jpeg)
{
    work *w = (work *)jpeg->err;

    w->no_memory = jpeg->err->msg_code == JERR_OUT_OF_MEMORY;
    jpeg->err->format_message(jpeg, w->why);
    longjmp(w->back, 1);
}

/* Warnings that mean lost pixels end the work; others (bytes between markers, odd profiles) do
 * not. */
static void judge(j_common_ptr jpeg, int level)
{
    int code = jpeg->err->msg_code;

    if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE ||
                      code == JWRN_ARITH_BAD_CODE || code == JWRN_MUST_RESYNC))
        fail(jpeg);
}

static void watch_scans(j_common_ptr jpeg)
{
    if (((j_decompress_ptr)jpeg)->input_scan_number <= SCANS_MAX)
        return;
    work *w = (work *)jpeg->err;
    snprintf(w->why, sizeof w->why, "it has more than %d scans", SCANS_MAX);
    longjmp(w->back, 1);
}

static void begin(work *w, iv_home *home, const char *name)
{
    w->home = home;
    w->name = name;
    jpeg_std_error(&w->errors);
    w->errors.error_exit = fail;
    w->errors.emit_message = judge;
    w->progress.progress_monitor = watch_scans;
}

/* ---- reading ---------------------------------------------------------------------------------- */

static unsigned number(const JOCTET *bytes, int size, bool little)
{
    unsigned value = 0;

    for (int i = 0; i < size; i++)
        value = value << 8 | bytes[little ? size - 1 - i : i];
    return value;
}

/* The orientation that the first EXIF tells: entry 0x112 of its first directory. 1 without one. */
static int orientation(const struct jpeg_decompress_struct *jpeg)
{
    enum { HEAD = 6, ENTRY = 12, TAG = 0x112, SHORT = 3 };
    const struct jpeg_marker_struct *m = jpeg->marker_list;

    while (m && (m->data_length < HEAD || memcmp(m->data, "Exif\0", HEAD) != 0))
        m = m->next;
    if (!m || m->data_length < HEAD + 8)
        return 1;
    const JOCTET *tiff = m->data + HEAD;
    size_t size = m->data_length - HEAD;
    bool little = tiff[0] == 'I';
    if (memcmp(tiff, little ? "II*\0" : "MM\0*", 4) != 0)
        return 1;

    size_t at = number(tiff + 4, 4, little);
    if (at > size || size - at < 2)
        return 1;
    unsigned entries = number(tiff + at, 2, little);
    at += 2;
    for (; entries > 0 && size - at >= ENTRY; entries--, at += ENTRY)
        if (number(tiff + at, 2, little) == TAG && number(tiff + at + 2, 2, little) == SHORT)
            return (int)number(tiff + at + 8, 2, little);
    return 1;
}

/* Adobe's programs write CMYK the other way round: 255 is no ink. */
static void to_rgb(const JSAMPLE *ink, bool inverted, int64_t width, uint8_t *rgb)
{
    for (int64_t x = 0; x < width; x++, ink += 4, rgb += 3) {
        unsigned black = inverted ? ink[3] : 255u - ink[3];
        for (int i = 0; i < 3; i++) {
            unsigned light = inverted ? ink[i] : 255u - ink[i];
            rgb[i] = (uint8_t)((light * black + 127) / 255);
        }
    }
}

static iv_status read_rows(work *w, j_decompress_ptr jpeg, iv__image *image)
{
    bool cmyk = jpeg->out_color_space == JCS_CMYK;

    if (cmyk) {
        w->row = iv__alloc_array(w->home, image->width, 4);
        if (!w->row)
            return IV_NOMEM;
    }
    jpeg_start_decompress(jpeg);
    for (int64_t y = 0; y < image->height; y++) {
        uint8_t *to = (uint8_t *)image->pixels + (size_t)y * iv__image_row_bytes(image);
        JSAMPROW row = cmyk ? w->row : to;
        jpeg_read_scanlines(jpeg, &row, 1);
        if (cmyk)
            to_rgb(row, jpeg->saw_Adobe_marker, image->width, to);
    }
    jpeg_finish_decompress(jpeg);
    return IV_OK;
}

static iv_status read_picture(work *w, j_decompress_ptr jpeg, const iv__image_bytes *file,
                              iv__image *image)
{
    if (setjmp(w->back))
        return w->no_memory
                   ? iv_fail(w->home, IV_NOMEM, "%s: out of memory while libjpeg reads it", w->name)
                   : iv_fail(w->home, IV_FORMAT,
                             "%s: the JPEG file is damaged or cut short after %zu bytes (%s): copy "
                             "or make it again",
                             w->name, file->size, w->why);
    jpeg_create_decompress(jpeg);
    jpeg->progress = &w->progress;
    jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xffff);
    jpeg_mem_src(jpeg, file->data, file->size);
    jpeg_read_header(jpeg, TRUE);
    bool grey = jpeg->jpeg_color_space == JCS_GRAYSCALE;
    bool cmyk = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
    int turn = orientation(jpeg); /* libjpeg forgets it at the end of the picture */
    jpeg->out_color_space = grey ? JCS_GRAYSCALE : cmyk ? JCS_CMYK : JCS_RGB;

    iv_status status = iv__image_begin(w->home, w->name, jpeg->image_width, jpeg->image_height,
                                       grey ? 1 : 3, 8, image);
    if (!status)
        status = read_rows(w, jpeg, image);
    if (!status)
        status = iv__image_turn(w->home, image, turn);
    return status;
}

iv_status iv__jpeg_decode(iv_home *home, const iv__image_bytes *file, iv__image *image)
{
    struct jpeg_decompress_struct jpeg = { 0 };
    work *w = iv__alloc(home, sizeof *w);
    if (!w)
        return IV_NOMEM;

    begin(w, home, file->name);
    jpeg.err = &w->errors;
    iv_status status = read_picture(w, &jpeg, file, image);
    jpeg_destroy_decompress(&jpeg);
    iv__free(home, w->row);
    iv__free(home, w);
    return status;
}

/* ---- writing ---------------------------------------------------------------------------------- */

static void open_piece(j_compress_ptr jpeg)
{
    work *w = (work *)jpeg->err;

    w->destination.next_output_byte = w->piece;
    w->destination.free_in_buffer = PIECE;
}

static boolean empty_piece(j_compress_ptr jpeg)
{
    work *w = (work *)jpeg->err;

    iv__text_add(w->out, (const char *)w->piece, PIECE);
    open_piece(jpeg);
    return TRUE;
}

static void close_piece(j_compress_ptr jpeg)
{
    work *w = (work *)jpeg->err;

    iv__text_add(w->out, (const char *)w->piece, PIECE - w->destination.free_in_buffer);
}

static iv_status write_picture(work *w, j_compress_ptr jpeg, const iv__image *image)
{
    if (setjmp(w->back))
        return iv_fail(w->home, w->no_memory ? IV_NOMEM : IV_UNSUPPORTED,
                       "%s: libjpeg cannot write it (%s)", w->name, w->why);
    jpeg_create_compress(jpeg);
    w->destination.init_destination = open_piece;
    w->destination.empty_output_buffer = empty_piece;
    w->destination.term_destination = close_piece;
    jpeg->dest = &w->destination;
    jpeg->image_width = (JDIMENSION)image->width;
    jpeg->image_height = (JDIMENSION)image->height;
    jpeg->input_components = image->channels;
    jpeg->in_color_space = image->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, QUALITY, TRUE);
    for (int i = 0; i < jpeg->num_components; i++) /* colour as fine as brightness */
        jpeg->comp_info[i].h_samp_factor = jpeg->comp_info[i].v_samp_factor = 1;

    jpeg_start_compress(jpeg, TRUE);
    for (int64_t y = 0; y < image->height; y++) {
        JSAMPROW row = (JSAMPROW)image->pixels + (size_t)y * iv__image_row_bytes(image);
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
    return IV_OK;
}

iv_status iv__jpeg_encode(iv_home *home, const char *name, const iv__image *image, iv__text *out)
{
    struct jpeg_compress_struct jpeg = { 0 };
    work *w = iv__alloc(home, sizeof *w);
    if (!w)
        return IV_NOMEM;

    begin(w, home, name);
    w->out = out;
    jpeg.err = &w->errors;
    iv_status status = write_picture(w, &jpeg, image);
    jpeg_destroy_compress(&jpeg);
    iv__free(home, w);
    return status;
}
