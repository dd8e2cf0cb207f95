/* format_image_test.c: pictures in memory: making, converting, sheets; the choice of reader and
 * writer. */
#define _XOPEN_SOURCE 700
#include "image_world.h"

static void sizes_and_limits(void **state)
{
    world *w = *state;
    iv__image image;

    image = picture(w, 3, 2, 4, 16);
    assert_int_equal(iv__image_row_bytes(&image), 24);
    for (int i = 0; i < 24; i++)
        assert_int_equal(((uint16_t *)image.pixels)[i], 0);
    iv__image_free(w->home, &image);
    iv__image_free(w->home, &image);
    static const int64_t bad[][2] = { { 0, 1 }, { 1, 0 }, { -5, -5 } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(iv__image_new(w->home, bad[i][0], bad[i][1], 1, 8, &image), IV_VALUE);
        assert_null(image.pixels);
    }
    static const int kinds[][2] = { { 0, 8 }, { 5, 8 }, { 3, 12 } };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        assert_int_equal(iv__image_new(w->home, 1, 1, kinds[i][0], kinds[i][1], &image), IV_VALUE);
    static const int64_t huge[][2] = { { IV__IMAGE_PIXELS_MAX + 1, 1 },
                                       { 16385, 8192 },
                                       { INT64_MAX, INT64_MAX } };
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        assert_int_equal(iv__image_new(w->home, huge[i][0], huge[i][1], 1, 8, &image), IV_UNSUPPORTED);
        assert_message(w->home, "134217728 pixels in all are the most");
    }
}

static void convert(world *w, iv__image *image, int channels, int bits, const uint8_t background[3])
{
    assert_int_equal(iv__image_convert(w->home, image, channels, bits, background), IV_OK);
    assert_kind(image, image->width, image->height, channels, bits);
}

static void grey_and_colour(void **state)
{
    world *w = *state;
    iv__image image = row_of(w, 4, 3, (const uint8_t[]){ 255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9 });

    convert(w, &image, 1, 8, NULL);
    assert_values(&image, 4, (const uint8_t[]){ 76, 150, 29, 9 });
    convert(w, &image, 3, 8, NULL);
    assert_values(&image, 12, (const uint8_t[]){ 76, 76, 76, 150, 150, 150, 29, 29, 29, 9, 9, 9 });
    iv__image_free(w->home, &image);

    image = picture(w, 65536, 1, 1, 16); /* every grey stays as it is on the way to colour and back */
    for (int i = 0; i < 65536; i++)
        ((uint16_t *)image.pixels)[i] = (uint16_t)i;
    convert(w, &image, 3, 16, NULL);
    convert(w, &image, 1, 16, NULL);
    for (int i = 0; i < 65536; i++)
        assert_int_equal(((uint16_t *)image.pixels)[i], i);
    iv__image_free(w->home, &image);
}

static void alpha_goes_over_a_colour(void **state)
{
    world *w = *state;
    static const uint8_t values[] = { 200, 100, 0, 255, 200, 100, 0, 0, 200, 100, 0, 128 };
    static const uint8_t blue[3] = { 0, 0, 255 };
    iv__image image = row_of(w, 3, 4, values);

    convert(w, &image, 3, 8, NULL);
    assert_values(&image, 9, (const uint8_t[]){ 200, 100, 0, 255, 255, 255, 227, 177, 127 });
    iv__image_free(w->home, &image);
    image = row_of(w, 3, 4, values);
    convert(w, &image, 3, 8, blue);
    assert_values(&image, 9, (const uint8_t[]){ 200, 100, 0, 0, 0, 255, 100, 50, 127 });
    iv__image_free(w->home, &image);
    image = row_of(w, 2, 2, (const uint8_t[]){ 50, 255, 50, 0 });
    convert(w, &image, 3, 8, blue); /* what is behind keeps its colour */
    assert_values(&image, 6, (const uint8_t[]){ 50, 50, 50, 0, 0, 255 });
    convert(w, &image, 4, 8, blue);
    assert_values(&image, 8, (const uint8_t[]){ 50, 50, 50, 255, 0, 0, 255, 255 });
    convert(w, &image, 2, 8, blue); /* 29: the grey of blue */
    assert_values(&image, 4, (const uint8_t[]){ 50, 255, 29, 255 });
    iv__image_free(w->home, &image);
    image = row_of(w, 1, 4, (const uint8_t[]){ 1, 2, 3, 77 });
    convert(w, &image, 4, 16, NULL); /* alpha that stays is not laid over anything */
    assert_int_equal(value_at(&image, 0, 0, 3), 77 * 257);
    assert_int_equal(value_at(&image, 0, 0, 0), 257);
    iv__image_free(w->home, &image);
}

static void bits_to_nearest(void **state)
{
    world *w = *state;
    iv__image image = picture(w, 65536, 1, 1, 16);

    for (int i = 0; i < 65536; i++)
        ((uint16_t *)image.pixels)[i] = (uint16_t)i;
    convert(w, &image, 1, 8, NULL);
    for (int i = 0; i < 65536; i++)
        assert_int_equal(value_at(&image, i, 0, 0), (int)(i / 257.0 + 0.5));
    convert(w, &image, 1, 16, NULL);
    for (int i = 0; i < 65536; i++)
        assert_int_equal(value_at(&image, i, 0, 0), (int)(i / 257.0 + 0.5) * 257);
    iv__image_free(w->home, &image);
}

static bool convert_scarce(iv_home *home, void *context)
{
    iv__image image;

    (void)context;
    if (iv__image_new(home, 5, 5, 3, 8, &image))
        return false;
    bool done = !iv__image_convert(home, &image, 1, 16, NULL);
    assert_int_equal(image.channels, done ? 1 : 3); /* it stays as it was */
    iv__image_free(home, &image);
    return done;
}

static void no_memory_for_a_conversion(void **state)
{
    (void)state;
    assert_survives_scarcity(convert_scarce, NULL);
}

/* ---- sheets ----------------------------------------------------------------------------------- */

static void a_sheet_is_a_grid(void **state)
{
    world *w = *state;
    iv__image pictures[5], sheet;

    for (int i = 0; i < 5; i++) {
        pictures[i] = picture(w, 2, 1, 1, 8);
        ((uint8_t *)pictures[i].pixels)[0] = (uint8_t)(10 * i);
        ((uint8_t *)pictures[i].pixels)[1] = (uint8_t)(10 * i + 1);
    }
    iv__sheet wanted = { .margin = 1, .enlarge = 2 };
    assert_int_equal(iv__image_sheet(w->home, 5, pictures, &wanted, &sheet), IV_OK);
    assert_kind(&sheet, 16, 7, 1, 8); /* 3 columns, 2 rows */
    static const uint8_t expected[7][16] = {
        { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 },
        { 255, 0, 0, 1, 1, 255, 10, 10, 11, 11, 255, 20, 20, 21, 21, 255 },
        { 255, 0, 0, 1, 1, 255, 10, 10, 11, 11, 255, 20, 20, 21, 21, 255 },
        { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 },
        { 255, 30, 30, 31, 31, 255, 40, 40, 41, 41, 255, 255, 255, 255, 255, 255 },
        { 255, 30, 30, 31, 31, 255, 40, 40, 41, 41, 255, 255, 255, 255, 255, 255 },
        { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 },
    };
    assert_values(&sheet, sizeof expected, expected[0]);
    iv__image_free(w->home, &sheet);

    wanted = (iv__sheet){ .columns = 9, .enlarge = 1 };
    assert_int_equal(iv__image_sheet(w->home, 5, pictures, &wanted, &sheet), IV_OK);
    assert_values(&sheet, 10, (const uint8_t[]){ 0, 1, 10, 11, 20, 21, 30, 31, 40, 41 });
    iv__image_free(w->home, &sheet);
    for (int i = 0; i < 5; i++)
        iv__image_free(w->home, &pictures[i]);
}

static void tiny_pictures_grow(void **state)
{
    world *w = *state;
    static const int64_t sides[][2] = { { 28, 112 }, { 95, 190 }, { 96, 96 }, { 300, 300 }, { 1, 96 } };

    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        iv__image one = patterned(w, 1, sides[i][0], 3, 16), sheet;
        assert_int_equal(iv__image_sheet(w->home, 1, &one, &(iv__sheet){ 0 }, &sheet), IV_OK);
        assert_int_equal(sheet.height, sides[i][1]);
        int64_t times = sheet.height / one.height;
        assert_int_equal(sheet.width, times);
        for (int64_t y = 0; y < sheet.height; y++)
            assert_int_equal(value_at(&sheet, times - 1, y, 2), value_at(&one, 0, y / times, 2));
        iv__image_free(w->home, &one);
        iv__image_free(w->home, &sheet);
    }
}

static void columns_are_about_as_many_as_rows(void **state)
{
    world *w = *state;
    iv__image pictures[17], sheet;

    for (int i = 0; i < 17; i++)
        pictures[i] = picture(w, 1, 1, 1, 8);
    static const int64_t columns[] = { 0, 1, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 5 };
    for (int n = 1; n <= 17; n++) {
        assert_int_equal(iv__image_sheet(w->home, n, pictures, &(iv__sheet){ .enlarge = 1 }, &sheet),
                         IV_OK);
        assert_int_equal(sheet.width, columns[n]);
        iv__image_free(w->home, &sheet);
    }
    for (int i = 0; i < 17; i++)
        iv__image_free(w->home, &pictures[i]);
}

static void sheets_that_make_no_sense(void **state)
{
    world *w = *state;
    iv__image two[2] = { picture(w, 2, 2, 1, 8), picture(w, 2, 2, 3, 8) }, sheet;

    assert_int_equal(iv__image_sheet(w->home, 2, two, &(iv__sheet){ 0 }, &sheet), IV_SHAPE);
    assert_message(w->home, "picture 2 is 2 by 2, 3 channels of 8 bits; the first is 2 by 2, 1 of 8");
    assert_int_equal(iv__image_sheet(w->home, 0, two, &(iv__sheet){ 0 }, &sheet), IV_VALUE);
    assert_int_equal(iv__image_sheet(w->home, 1, two, &(iv__sheet){ .margin = -1 }, &sheet), IV_VALUE);
    assert_int_equal(iv__image_sheet(w->home, 1, two, &(iv__sheet){ .margin = INT64_MAX }, &sheet),
                     IV_UNSUPPORTED);
    assert_int_equal(iv__image_sheet(w->home, 1, two, &(iv__sheet){ .enlarge = INT64_MAX }, &sheet),
                     IV_UNSUPPORTED);
    assert_int_equal(iv__image_sheet(w->home, 1, two, &(iv__sheet){ .enlarge = 20000 }, &sheet),
                     IV_UNSUPPORTED);
    assert_message(w->home, "a sheet: a picture of 40000 by 40000 pixels");
    assert_null(sheet.pixels);
    iv__image_free(w->home, &two[0]);
    iv__image_free(w->home, &two[1]);
}

/* ---- files ------------------------------------------------------------------------------------ */

static void content_decides_not_the_name(void **state)
{
    world *w = *state;
    iv__image image = patterned(w, 9, 7, 3, 8), back;
    const char *path = in_folder(w, "picture.jpg");

    iv__text png = encoded(w, "x.PNG", &image);
    write_bytes(path, png.data, png.size);
    assert_int_equal(iv__image_read(w->home, path, &back), IV_OK);
    assert_same_picture(&back, &image);
    iv__image_free(w->home, &back);
    iv__text_free(&png);
    iv__image_free(w->home, &image);

    write_text(path, "GIF89a, let us say");
    assert_int_equal(iv__image_read(w->home, path, &back), IV_FORMAT);
    assert_message(w->home, "picture.jpg: its first bytes are those of no picture that can be read");
    write_text(path, "");
    assert_int_equal(iv__image_read(w->home, path, &back), IV_FORMAT);
    assert_int_equal(iv__image_read(w->home, in_folder(w, "absent.png"), &back), IV_IO);
    assert_null(back.pixels);
}

/* One picture as ImageMagick wrote it in every format. */
static iv__image seed(world *w, const char *name)
{
    char path[1024];
    iv__image image;

    snprintf(path, sizeof path, "%s/../fuzz/seeds/%s", IVORY_TESTS, name);
    if (iv__image_read(w->home, path, &image))
        fail_msg("%s", iv_home_message(w->home));
    return image;
}

static void files_of_another_program(void **state)
{
    world *w = *state;
    static const struct {
        const char *name;
        double apart; /* at most, on average */
    } others[] = { { "png/interlaced.png", 0 },
                   { "webp/lossless.webp", 0 },
                   { "jpeg/progressive.jpg", 5 },
                   { "jpeg/cmyk.jpg", 2 },
                   { "webp/lossy.webp", 5 } };
    iv__image image = seed(w, "pnm/colour.ppm");

    assert_kind(&image, 13, 9, 3, 8);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        iv__image other = seed(w, others[i].name);
        double apart = mean_difference(&other, &image);
        if (apart > others[i].apart)
            fail_msg("%s: %g apart on average", others[i].name, apart);
        iv__image_free(w->home, &other);
    }
    iv__image turned = seed(w, "jpeg/turned.jpg"); /* a quarter to the right */
    assert_kind(&turned, 9, 13, 3, 8);
    for (int y = 0; y < 9; y++)
        for (int x = 0; x < 13; x++)
            for (int channel = 0; channel < 3; channel++)
                assert_true(abs((int)value_at(&turned, 8 - y, x, channel) -
                                (int)value_at(&image, x, y, channel)) < 20);
    iv__image_free(w->home, &turned);
    iv__image_free(w->home, &image);
    static const struct {
        const char *name;
        int channels, bits;
    } kinds[] = { { "png/alpha_16.png", 4, 16 }, { "png/bitmap.png", 1, 8 },
                  { "png/palette.png", 3, 8 },   { "webp/alpha.webp", 4, 8 },
                  { "jpeg/grey.jpg", 1, 8 },     { "pnm/grey_16.pgm", 1, 16 },
                  { "pnm/bits.pbm", 1, 8 } };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        image = seed(w, kinds[i].name);
        assert_kind(&image, 13, 9, kinds[i].channels, kinds[i].bits);
        iv__image_free(w->home, &image);
    }
}

static void endings_and_what_they_hold(void **state)
{
    world *w = *state;
    static const struct {
        const char *name;
        int channels[5], bits;
    } expected[] = {
        { "a.png", { 0, 1, 2, 3, 4 }, 16 }, { "a.webp", { 0, 3, 4, 3, 4 }, 8 },
        { "a.jpg", { 0, 1, 1, 3, 3 }, 8 },  { "a.b.JPEG", { 0, 1, 1, 3, 3 }, 8 },
        { "a.pgm", { 0, 1, 1, 1, 1 }, 16 }, { "a.ppm", { 0, 3, 3, 3, 3 }, 16 },
        { "a.pnm", { 0, 1, 1, 3, 3 }, 16 },
    };

    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        for (int channels = 1; channels <= 4; channels++)
            for (int bits = 8; bits <= 16; bits += 8) {
                iv__image image = patterned(w, 5, 3, channels, bits), back;
                const char *path = in_folder(w, expected[i].name);
                assert_int_equal(iv__image_write(w->home, path, &image), IV_OK);
                assert_int_equal(iv__image_read(w->home, path, &back), IV_OK);
                int left = bits < expected[i].bits ? bits : expected[i].bits;
                assert_kind(&back, 5, 3, expected[i].channels[channels], left);
                if (!strstr(expected[i].name, ".j") && !strstr(expected[i].name, ".J")) {
                    convert(w, &image, back.channels, left, NULL);
                    assert_same_picture(&back, &image);
                }
                iv__image_free(w->home, &image);
                iv__image_free(w->home, &back);
            }
}

/* Asked before there is a picture: that it can be written, and without loss. */
static void endings_are_known_beforehand(void **state)
{
    world *w = *state;
    static const char *const names[] = { "a.png", "a.webp", "a.jpg", "a.JPEG",
                                         "a.pgm", "a.ppm",  "a.pnm" };
    static const char grey[] = "yynnyyy", colour[] = "yynnnyy";

    for (int i = 0; i < 7; i++) {
        assert_int_equal(iv__image_writes(w->home, names[i], 0), IV_OK);
        assert_int_equal(iv__image_writes(w->home, names[i], 1),
                         grey[i] == 'y' ? IV_OK : IV_UNSUPPORTED);
        assert_int_equal(iv__image_writes(w->home, names[i], 3),
                         colour[i] == 'y' ? IV_OK : IV_UNSUPPORTED);
    }
    iv__image_writes(w->home, "a.jpg", 1);
    assert_message(w->home,
                   "a.jpg: in a file of this format something of the picture would be lost: choose .png");
    iv__image_writes(w->home, "a.pgm", 3);
    assert_message(w->home, "a.pgm: in a file of this format the colours would be lost: choose .png");
    assert_int_equal(iv__image_writes(w->home, "a.gif", 0), IV_NAME);
    assert_message(w->home, "a.gif: the ending tells no format of pictures: expected .png");
}

static void a_failure_leaves_the_old_file(void **state)
{
    world *w = *state;
    iv__image image = patterned(w, 20000, 1, 3, 8), back;
    const char *path = in_folder(w, "old.webp");

    write_text(path, "old");
    assert_int_equal(iv__image_write(w->home, path, &image), IV_UNSUPPORTED);
    assert_message(w->home, "WebP has 16383 at most in a row or column: write .png");
    size_t size;
    unsigned char *bytes = read_bytes(path, &size);
    assert_int_equal(size, 3);
    free(bytes);
    assert_int_equal(iv__image_write(w->home, in_folder(w, "picture.gif"), &image), IV_NAME);
    assert_message(w->home, "picture.gif: the ending tells no format of pictures");
    assert_int_equal(iv__image_write(w->home, in_folder(w, "picture"), &image), IV_NAME);
    assert_int_equal(iv__image_write(w->home, in_folder(w, "no/folder.png"), &image), IV_IO);
    assert_int_equal(iv__image_read(w->home, in_folder(w, "picture.gif"), &back), IV_IO);

    iv__text out = { .home = w->home };
    iv__text_put(&out, "before");
    assert_int_equal(iv__image_encode(w->home, "a.webp", &image, &out), IV_UNSUPPORTED);
    assert_int_equal(out.size, 6);
    iv__text_free(&out);
    iv__image_free(w->home, &image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_and_limits),
        cmocka_unit_test(grey_and_colour),
        cmocka_unit_test(alpha_goes_over_a_colour),
        cmocka_unit_test(bits_to_nearest),
        cmocka_unit_test(no_memory_for_a_conversion),
        cmocka_unit_test(a_sheet_is_a_grid),
        cmocka_unit_test(tiny_pictures_grow),
        cmocka_unit_test(columns_are_about_as_many_as_rows),
        cmocka_unit_test(sheets_that_make_no_sense),
        cmocka_unit_test(content_decides_not_the_name),
        cmocka_unit_test(files_of_another_program),
        cmocka_unit_test(endings_and_what_they_hold),
        cmocka_unit_test(endings_are_known_beforehand),
        cmocka_unit_test(a_failure_leaves_the_old_file),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
