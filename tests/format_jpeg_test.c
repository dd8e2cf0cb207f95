/* format_jpeg_test.c: JPEG of every kind, damage, and photographs. Files of rarer kinds are made with
 * libjpeg itself. */
#define _XOPEN_SOURCE 700
#include "image_world.h"

#include <jpeglib.h>

/* ---- grey and colour -------------------------------------------------------------------------- */

static iv__image smooth(world *w, int64_t width, int64_t height, int channels)
{
    iv__image image = picture(w, width, height, channels, 8);
    uint8_t *to = image.pixels;

    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++)
            for (int channel = 0; channel < channels; channel++)
                *to++ = (uint8_t)((channel == 0   ? x
                                   : channel == 1 ? y
                                                  : width + height - x - y) *
                                      127 / (width + height) +
                                  60);
    return image;
}

static void there_and_back(void **state)
{
    world *w = *state;
    static const int64_t sides[][2] = { { 1, 1 }, { 17, 9 }, { 200, 133 } };

    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
        for (int channels = 1; channels <= 3; channels += 2) {
            iv__image image = smooth(w, sides[i][0], sides[i][1], channels);
            iv__text jpeg = encoded(w, ".jpg", &image);
            iv__image back = decoded(w, jpeg.data, jpeg.size);
            assert_true(mean_difference(&back, &image) < 1);
            iv__image_free(w->home, &image);
            iv__image_free(w->home, &back);
            iv__text_free(&jpeg);
        }
}

/* One pixel of pure colour among others keeps it: colour is as fine as brightness. */
static void single_pixels_keep_their_colour(void **state)
{
    world *w = *state;
    iv__image image = picture(w, 8, 8, 3, 8);

    for (int i = 0; i < 64; i++)
        ((uint8_t *)image.pixels)[3 * i + (i % 8 + i / 8) % 2 * 2] = 200; /* red, blue: a chessboard */
    iv__text jpeg = encoded(w, ".jpeg", &image);
    iv__image back = decoded(w, jpeg.data, jpeg.size);
    assert_true(mean_difference(&back, &image) < 5);
    iv__image_free(w->home, &image);
    iv__image_free(w->home, &back);
    iv__text_free(&jpeg);
}

/* ---- made with libjpeg ------------------------------------------------------------------------ */

typedef struct jpeg_kind {
    J_COLOR_SPACE space, in; /* in the file; of the values */
    bool no_adobe, progressive;
} jpeg_kind;

/* 16 by 16 pixels of one colour, to be freed by free(). */
static unsigned char *made(const jpeg_kind *k, const uint8_t *colour, unsigned long *size)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    JSAMPLE row[16 * 4];

    *size = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, size);
    jpeg.image_width = jpeg.image_height = 16;
    jpeg.input_components = k->in == JCS_CMYK ? 4 : 3;
    jpeg.in_color_space = k->in;
    jpeg_set_defaults(&jpeg);
    jpeg_set_colorspace(&jpeg, k->space);
    jpeg_set_quality(&jpeg, 100, TRUE);
    if (k->no_adobe)
        jpeg.write_Adobe_marker = FALSE;
    if (k->progressive)
        jpeg_simple_progression(&jpeg);
    for (int x = 0; x < 16 * jpeg.input_components; x++)
        row[x] = colour[x % jpeg.input_components];
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < 16; y++) {
        JSAMPROW at = row;
        jpeg_write_scanlines(&jpeg, &at, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return bytes;
}

static void check_colour(world *w, const jpeg_kind *k, const uint8_t *colour, const uint8_t *rgb)
{
    unsigned long size;
    unsigned char *bytes = made(k, colour, &size);
    iv__image image = decoded(w, bytes, size);

    assert_kind(&image, 16, 16, 3, 8);
    for (int channel = 0; channel < 3; channel++) {
        int came = (int)value_at(&image, 15, 15, channel);
        if (abs(came - rgb[channel]) > 2)
            fail_msg("space %d, adobe %d, channel %d: expected %d, came %d", (int)k->space,
                     !k->no_adobe, channel, rgb[channel], came);
    }
    iv__image_free(w->home, &image);
    free(bytes);
}

static void every_colour_space(void **state)
{
    static const uint8_t orange[] = { 250, 120, 10 };
    /* The same with half of the light taken away; ink as Adobe writes it, and as it is. */
    static const uint8_t adobe[] = { 250, 120, 10, 128 }, plain[] = { 5, 135, 245, 127 };
    static const uint8_t dark[] = { 125, 60, 5 };

    check_colour(*state, &(jpeg_kind){ JCS_YCbCr, JCS_RGB, false, false }, orange, orange);
    check_colour(*state, &(jpeg_kind){ JCS_YCbCr, JCS_RGB, false, true }, orange, orange);
    check_colour(*state, &(jpeg_kind){ JCS_RGB, JCS_RGB, false, false }, orange, orange);
    check_colour(*state, &(jpeg_kind){ JCS_CMYK, JCS_CMYK, false, false }, adobe, dark);
    check_colour(*state, &(jpeg_kind){ JCS_CMYK, JCS_CMYK, true, false }, plain, dark);
    check_colour(*state, &(jpeg_kind){ JCS_YCCK, JCS_CMYK, false, false }, adobe, dark);
}

/* ---- EXIF ------------------------------------------------------------------------------------- */

static const uint8_t corners[4] = { 20, 90, 160, 230 }; /* top left, top right, below them */

static iv__text with_exif(world *w, const iv__text *jpeg, const char *tiff, size_t size)
{
    iv__text out = { .home = w->home };

    iv__text_add(&out, jpeg->data, 2);
    iv__text_add(&out, (const char[]){ '\xff', '\xe1', (char)((size + 8) >> 8), (char)(size + 8) }, 4);
    iv__text_add(&out, "Exif\0\0", 6);
    iv__text_add(&out, tiff, size);
    iv__text_add(&out, jpeg->data + 2, jpeg->size - 2);
    return out;
}

static iv__text quarters(world *w)
{
    iv__image image = picture(w, 32, 16, 1, 8);

    for (int y = 0; y < 16; y++)
        for (int x = 0; x < 32; x++)
            ((uint8_t *)image.pixels)[32 * y + x] = corners[y / 8 * 2 + x / 16];
    iv__text jpeg = encoded(w, ".jpg", &image);
    iv__image_free(w->home, &image);
    return jpeg;
}

/* Which of the file's corners comes to lie top left, top right, bottom left, bottom right. */
static void check_corners(world *w, const iv__text *file, bool upright, const int from[4])
{
    iv__image image = decoded(w, file->data, file->size);

    assert_kind(&image, upright ? 16 : 32, upright ? 32 : 16, 1, 8);
    for (int i = 0; i < 4; i++) {
        int came = (int)value_at(&image, i % 2 ? image.width - 1 : 0, i / 2 ? image.height - 1 : 0, 0);
        if (abs(came - corners[from[i]]) > 3)
            fail_msg("corner %d: expected %d, came %d", i, corners[from[i]], came);
    }
    iv__image_free(w->home, &image);
}

static void every_orientation(void **state)
{
    world *w = *state;
    iv__text jpeg = quarters(w);
    static const int from[10][4] = { { 0, 1, 2, 3 }, { 0, 1, 2, 3 }, { 1, 0, 3, 2 }, { 3, 2, 1, 0 },
                                     { 2, 3, 0, 1 }, { 0, 2, 1, 3 }, { 2, 0, 3, 1 }, { 3, 1, 2, 0 },
                                     { 1, 3, 0, 2 }, { 0, 1, 2, 3 } };

    for (int i = 0; i < 10; i++) {
        char big[] = "MM\0*\0\0\0\x08\0\x02\1\0\0\3\0\0\0\1\0\7\0\0\1\x12\0\3\0\0\0\1\0\0\0\0\0\0\0\0";
        char little[] = "II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\0\0\0\0\0\0\0\0";
        big[31] = little[18] = (char)i;
        iv__text one = with_exif(w, &jpeg, big, sizeof big - 1);
        iv__text two = with_exif(w, &jpeg, little, sizeof little - 1);
        check_corners(w, &one, i >= 5 && i <= 8, from[i]);
        check_corners(w, &two, i >= 5 && i <= 8, from[i]);
        iv__text_free(&one);
        iv__text_free(&two);
    }
    iv__text_free(&jpeg);
}

static void exif_that_makes_no_sense_changes_nothing(void **state)
{
    world *w = *state;
    iv__text jpeg = quarters(w);
    static const struct {
        const char *bytes;
        size_t size;
    } nonsense[] = {
        { "", 0 },
        { "MM\0*\0\0\0", 7 },
        { "MM\0*\0\0\0\x08", 8 },
        { "MM\0*\xff\xff\xff\xff\0\1", 10 },
        { "MM\0*\0\0\0\x09\0\1", 10 },
        { "MM\0*\0\0\0\x08\xff\xff\1\x12\0\3\0\0\0\1\0", 19 },   /* the entry is cut */
        { "XX\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0", 22 }, /* no order of bytes */
        { "MM\0+\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0", 22 }, /* no TIFF */
        { "MM\0*\0\0\0\x08\0\1\1\x12\0\4\0\0\0\1\0\6\0\0", 22 }, /* another type */
        { "MM\0*\0\0\0\x08\0\0\1\x12\0\3\0\0\0\1\0\6\0\0", 22 }, /* no entries */
    };

    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        iv__text file = with_exif(w, &jpeg, nonsense[i].bytes, nonsense[i].size);
        check_corners(w, &file, false, (const int[]){ 0, 1, 2, 3 });
        iv__text_free(&file);
    }
    iv__text_free(&jpeg);
}

/* ---- damage ----------------------------------------------------------------------------------- */

static void cut_short_anywhere(void **state)
{
    world *w = *state;
    static const jpeg_kind kinds[] = { { JCS_YCbCr, JCS_RGB, false, false },
                                       { JCS_YCbCr, JCS_RGB, false, true },
                                       { JCS_CMYK, JCS_CMYK, false, false } };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        unsigned long size;
        unsigned char *bytes = made(&kinds[i], (const uint8_t[]){ 9, 99, 199, 80 }, &size);
        for (unsigned long cut = 3; cut < size; cut++)
            assert_refused(w, bytes, cut, IV_FORMAT, "the JPEG file is damaged or cut short after");
        free(bytes);
    }
}

/* A changed bit may give another picture of the same kind, or a refusal with a reason. */
static void any_bit_may_change(void **state)
{
    world *w = *state;
    iv__text jpeg = quarters(w);
    size_t before = iv__home_bytes(w->home);
    int refused = 0;

    for (size_t at = 3; at < jpeg.size; at++)
        for (int bit = 0; bit < 8; bit++) {
            iv__image image;
            iv_home_clear(w->home);
            jpeg.data[at] ^= (char)(1 << bit);
            iv_status status = iv__image_decode(w->home, "picture", jpeg.data, jpeg.size, &image);
            jpeg.data[at] ^= (char)(1 << bit);
            assert_int_equal(iv_home_status(w->home), status);
            refused += status != IV_OK;
            iv__image_free(w->home, &image);
            assert_int_equal(iv__home_bytes(w->home), before);
        }
    assert_true(refused > 100);
    iv__text_free(&jpeg);
}

/* The place behind a marker and its length. */
static size_t behind_marker(const unsigned char *bytes, size_t size, unsigned char marker)
{
    for (size_t at = 0; at + 4 < size; at++)
        if (bytes[at] == 0xff && bytes[at + 1] == marker)
            return at + 4;
    fail_msg("no marker %x", marker);
    return 0;
}

static void huge_dimensions_and_other_kinds(void **state)
{
    static const jpeg_kind kind = { JCS_YCbCr, JCS_RGB, false, false };
    unsigned long size;
    unsigned char *bytes = made(&kind, (const uint8_t[]){ 1, 2, 3 }, &size);
    size_t head = behind_marker(bytes, size, 0xc0);

    memset(bytes + head + 1, 0xfd, 4); /* 65021 by 65021 */
    assert_refused_without_memory(bytes, size, IV_UNSUPPORTED,
                                  "a picture of 65021 by 65021 pixels; 134217728 pixels in all are the "
                                  "most");
    bytes[head] = 12; /* bits of a value */
    assert_refused(*state, bytes, size, IV_FORMAT, "Unsupported JPEG data precision 12");
    free(bytes);
}

/* A small file that would be gone over a thousand times. */
static void too_many_scans(void **state)
{
    world *w = *state;
    static const jpeg_kind kind = { JCS_YCbCr, JCS_RGB, false, true };
    unsigned long size;
    unsigned char *bytes = made(&kind, (const uint8_t[]){ 1, 2, 3 }, &size);
    size_t last = size - 2;

    while (bytes[last] != 0xff || bytes[last + 1] != 0xda)
        last--;
    for (int times = 400; times <= 1000; times += 600) {
        iv__text many = { .home = w->home };
        iv__text_add(&many, (const char *)bytes, last);
        for (int i = 0; i < times; i++)
            iv__text_add(&many, (const char *)bytes + last, size - 2 - last);
        iv__text_add(&many, "\xff\xd9", 2);
        if (times == 400) {
            iv__image image = decoded(w, many.data, many.size);
            iv__image_free(w->home, &image);
        } else {
            assert_refused(w, many.data, many.size, IV_FORMAT, "it has more than 500 scans");
        }
        iv__text_free(&many);
    }
    free(bytes);
}

static bool encode_scarce(iv_home *home, void *context)
{
    iv__text out = { .home = home };
    bool done = !iv__image_encode(home, ".jpg", context, &out);

    iv__text_free(&out);
    return done;
}

static void no_memory(void **state)
{
    world *w = *state;
    static const jpeg_kind kind = { JCS_CMYK, JCS_CMYK, false, false };
    unsigned long size;
    unsigned char *bytes = made(&kind, (const uint8_t[]){ 1, 2, 3, 4 }, &size);
    file_bytes file = { bytes, size };
    iv__image image = patterned(w, 160, 160, 1, 8); /* more than one piece of output */

    assert_survives_scarcity(decode_scarce, &file);
    assert_survives_scarcity(encode_scarce, &image);
    iv__text jpeg = quarters(w),
             turned = with_exif(w, &jpeg, "MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0", 22);
    file = (file_bytes){ turned.data, turned.size };
    assert_survives_scarcity(decode_scarce, &file);
    iv__text_free(&jpeg);
    iv__text_free(&turned);
    iv__image_free(w->home, &image);
    free(bytes);
}

static void beyond_what_jpeg_holds(void **state)
{
    world *w = *state;
    iv__image image = picture(w, 65501, 1, 1, 8);
    iv__text out = { .home = w->home };

    assert_int_equal(iv__image_encode(w->home, "long.jpg", &image, &out), IV_UNSUPPORTED);
    assert_message(w->home, "long.jpg: libjpeg cannot write it (");
    assert_int_equal(out.size, 0);
    iv__text_free(&out);
    iv__image_free(w->home, &image);
}

/* ---- photographs ------------------------------------------------------------------------------ */

static const char *photo_path(const char *name)
{
    static char path[4096];
    const char *root = getenv("IVORY_DATA");

    snprintf(path, sizeof path, "%s/photos/%s", root ? root : "", name);
    return path;
}

static iv__image photo(world *w, const char *name)
{
    iv__image image;

    if (iv__image_read(w->home, photo_path(name), &image))
        fail_msg("%s", iv_home_message(w->home));
    return image;
}

static void photographs(void **state)
{
    world *w = *state;
    static const struct {
        const char *name;
        int64_t width, height;
    } others[] = { { "astronaut.jpg", 512, 512 },
                   { "china.jpg", 640, 427 },
                   { "coffee.jpg", 600, 400 },
                   { "rocket.jpg", 640, 427 } };

    if (!iv__file_exists(photo_path("chelsea.png")))
        skip(); /* the photographs are found through IVORY_DATA */
    iv__image png = photo(w, "chelsea.png"), jpeg = photo(w, "chelsea.jpg");
    assert_kind(&png, 451, 300, 3, 8);
    assert_true(mean_difference(&jpeg, &png) < 2);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        iv__image image = photo(w, others[i].name);
        assert_kind(&image, others[i].width, others[i].height, 3, 8);
        iv__image_free(w->home, &image);
    }
    static const char *const endings[] = { ".jpg", ".png", ".webp", ".ppm" };
    for (int i = 0; i < 4; i++) {
        iv__text file = encoded(w, endings[i], &png);
        iv__image back = decoded(w, file.data, file.size);
        double apart = mean_difference(&back, &png);
        assert_true(i == 0 ? apart < 2 : apart == 0);
        iv__image_free(w->home, &back);
        iv__text_free(&file);
    }
    iv__image_free(w->home, &png);
    iv__image_free(w->home, &jpeg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(single_pixels_keep_their_colour),
        cmocka_unit_test(every_colour_space),
        cmocka_unit_test(every_orientation),
        cmocka_unit_test(exif_that_makes_no_sense_changes_nothing),
        cmocka_unit_test(cut_short_anywhere),
        cmocka_unit_test(any_bit_may_change),
        cmocka_unit_test(huge_dimensions_and_other_kinds),
        cmocka_unit_test(too_many_scans),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(beyond_what_jpeg_holds),
        cmocka_unit_test(photographs),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
