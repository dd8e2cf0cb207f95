/* format_pnm_test.c: portable bitmaps, greymaps and pixmaps, and damage. */
#define _XOPEN_SOURCE 700
#include "image_world.h"

static iv__image from_text(world *w, const char *text)
{
    return decoded(w, text, strlen(text));
}

static void check(world *w, const char *bytes, size_t size, int64_t width, int64_t height,
                  int channels, const uint8_t *values)
{
    iv__image image = decoded(w, bytes, size);

    assert_kind(&image, width, height, channels, 8);
    assert_values(&image, (size_t)(width * height * channels), values);
    iv__image_free(w->home, &image);
}

#define CHECK(bytes, width, height, channels, ...) \
    check(*state, bytes, sizeof bytes - 1, width, height, channels, (const uint8_t[]){ __VA_ARGS__ })

static void every_kind_of_eight_bits(void **state)
{
    CHECK("P1\n3 2\n1 0 1\n0 1 0\n", 3, 2, 1, 0, 255, 0, 255, 0, 255);
    CHECK("P1 3 2 101010", 3, 2, 1, 0, 255, 0, 255, 0, 255); /* blanks between them are free */
    CHECK("P2\n2 2 255\n0 7 200 255\n", 2, 2, 1, 0, 7, 200, 255);
    CHECK("P3 1 2 255 1 2 3 4 5 6", 1, 2, 3, 1, 2, 3, 4, 5, 6);
    CHECK("P4\n10 2\n\xa5\x40\xff\xc0", 10, 2, 1, 0, 255, 0, 255, 255, 0, 255, 0, 255, 0, 0, 0, 0,
          0, 0, 0, 0, 0, 0, 0);
    CHECK("P5\n2 2\n255\n\x00\x07\xc8\xff", 2, 2, 1, 0, 7, 200, 255);
    CHECK("P6\n1 2\n255\n\x01\x02\x03\x04\x05\x06 and another picture", 1, 2, 3, 1, 2, 3, 4, 5, 6);
    /* The first byte of the picture looks like a blank. */
    CHECK("P5\n2 1\n255\n\n#", 2, 1, 1, '\n', '#');
}

static void remarks_are_passed_over(void **state)
{
    CHECK("P2 # a greymap\n# width\n2 # and height\n1\n#white\n9\n0 # black\n9", 2, 1, 1, 0, 255);
    CHECK("P5#made by hand\n2 1#\n255\n\x01\x02", 2, 1, 1, 1, 2);
}

static void values_fill_all_bits(void **state)
{
    world *w = *state;

    CHECK("P2 4 1 3 0 1 2 3", 4, 1, 1, 0, 85, 170, 255);
    CHECK("P5 3 1 100 \x00\x32\x64", 3, 1, 1, 0, 128, 255);
    iv__image image = from_text(w, "P2 4 1 1000 0 1 500 1000");
    assert_kind(&image, 4, 1, 1, 16);
    static const unsigned expected[] = { 0, 66, 32768, 65535 };
    for (int x = 0; x < 4; x++)
        assert_int_equal(value_at(&image, x, 0, 0), expected[x]);
    iv__image_free(w->home, &image);

    image = decoded(w, "P6 1 1 65535 \x01\x02\xff\xfe\x80\x00", 19);
    assert_kind(&image, 1, 1, 3, 16);
    assert_int_equal(value_at(&image, 0, 0, 0), 0x102);
    assert_int_equal(value_at(&image, 0, 0, 1), 0xfffe);
    assert_int_equal(value_at(&image, 0, 0, 2), 0x8000);
    iv__image_free(w->home, &image);
}

static void there_and_back(void **state)
{
    world *w = *state;

    for (int channels = 1; channels <= 3; channels += 2)
        for (int bits = 8; bits <= 16; bits += 8) {
            iv__image image = patterned(w, 31, 17, channels, bits);
            iv__text pnm = encoded(w, ".pnm", &image);
            iv__image back = decoded(w, pnm.data, pnm.size);
            assert_same_picture(&back, &image);
            iv__image_free(w->home, &image);
            iv__image_free(w->home, &back);
            iv__text_free(&pnm);
        }
}

static void damage_is_refused(void **state)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        { "P2", "ends after 2 bytes" },
        { "P2 3", "ends after 4 bytes" },
        { "P2 3 # and", "ends after 10 bytes" },
        { "P2 3 3 255", "ends after 10 bytes" },
        { "P2x", "byte 2 of the PNM file: expected a width from 1 to 2147483647" },
        { "P2 0 3 255 0", "byte 3 of the PNM file: expected a width from 1 to 2147483647" },
        { "P2 3 -1 255 0", "byte 5 of the PNM file: expected a height" },
        { "P2 99999999999999999999999 1 255 0", "expected a width" },
        { "P2 1 1 0 0", "byte 7 of the PNM file: expected the value of white from 1 to 65535" },
        { "P2 1 1 65536 0", "expected the value of white from 1 to 65535" },
        { "P5 1 1 255x0", "byte 10 of the PNM file: expected a blank before the picture" },
        { "P2 2 1 9 3 10 ", "byte 11 of the PNM file: expected a value from 0 to 9" },
        { "P1 2 1 1 2", "byte 9 of the PNM file: expected a value from 0 to 1" },
        { "P2 2 2 9 1 2 3 ", "ends after 15 bytes" },
        { "P3 2 2 9 1 2 3 4 5 6 7 8 9 1 2", "ends after 30 bytes" },
        { "P4 9 2 abc", "ends after 10 bytes" },
        { "P5 2 2 255 abc", "ends after 14 bytes" },
        { "P6 2 2 255 abcdefghijk", "ends after 22 bytes" },
        { "P6 1 1 256 abcde", "ends after 16 bytes" },
        { "P5 1 1 64 A", "a value of 65 where 64 is white" },
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(*state, bad[i].text, strlen(bad[i].text), IV_FORMAT, bad[i].message);
}

static void huge_dimensions(void **state)
{
    world *w = *state;
    char head[64];

    /* What a short file cannot hold is refused for that; a long one for its pixels. */
    for (int kind = 1; kind <= 6; kind++) {
        snprintf(head, sizeof head, "P%d 2147483647 2147483647 %sx", kind,
                 kind == 1 || kind == 4 ? "" : "65535 ");
        assert_refused_without_memory(head, strlen(head), IV_FORMAT, "before the picture does");
    }
    iv__text file = { .home = w->home };
    iv__text_print(&file, "P4 16384 8193 ");
    for (int i = 0; i < 8193; i++) {
        static const char row[2048];
        iv__text_add(&file, row, sizeof row);
    }
    assert_refused_without_memory(file.data, file.size, IV_UNSUPPORTED,
                                  "a picture of 16384 by 8193 pixels; 134217728 pixels in all");
    iv__text_free(&file);
}

static void no_memory(void **state)
{
    file_bytes file = { "P2 1 1 9 5", 10 };

    (void)state;
    assert_survives_scarcity(decode_scarce, &file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_eight_bits),
        cmocka_unit_test(remarks_are_passed_over),
        cmocka_unit_test(values_fill_all_bits),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(huge_dimensions),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
