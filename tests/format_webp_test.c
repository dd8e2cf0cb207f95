/* format_webp_test.c: WebP with loss and without, damage. Files with loss are made with libwebp
 * itself. */
#define _XOPEN_SOURCE 700
#include "image_world.h"

#include <webp/encode.h>

static void there_and_back(void **state)
{
    world *w = *state;
    static const int64_t sides[][2] = { { 1, 1 }, { 17, 9 }, { 200, 133 } };

    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
        for (int channels = 3; channels <= 4; channels++) {
            iv__image image = patterned(w, sides[i][0], sides[i][1], channels, 8);
            if (channels == 4) /* colours under full transparency stay, too */
                ((uint8_t *)image.pixels)[3] = 0;
            iv__text webp = encoded(w, ".webp", &image);
            iv__image back = decoded(w, webp.data, webp.size);
            assert_same_picture(&back, &image);
            iv__image_free(w->home, &image);
            iv__image_free(w->home, &back);
            iv__text_free(&webp);
        }
}

static void opaque_alpha_is_left_out(void **state)
{
    world *w = *state;
    iv__image image = patterned(w, 5, 4, 3, 8);

    iv__image_convert(w->home, &image, 4, 8, NULL);
    iv__text webp = encoded(w, ".webp", &image);
    iv__image back = decoded(w, webp.data, webp.size);
    assert_kind(&back, 5, 4, 3, 8);
    iv__image_convert(w->home, &back, 4, 8, NULL);
    assert_same_picture(&back, &image);
    iv__image_free(w->home, &image);
    iv__image_free(w->home, &back);
    iv__text_free(&webp);
}

static uint8_t *lossy(const iv__image *image, size_t *size)
{
    int width = (int)image->width, height = (int)image->height;
    uint8_t *bytes = NULL;

    if (image->channels == 4)
        *size = WebPEncodeRGBA(image->pixels, width, height, 4 * width, 90, &bytes);
    else
        *size = WebPEncodeRGB(image->pixels, width, height, 3 * width, 90, &bytes);
    assert_true(*size > 0);
    return bytes;
}

static iv__image smooth(world *w, int channels)
{
    iv__image image = picture(w, 60, 40, channels, 8);
    uint8_t *to = image.pixels;

    for (int y = 0; y < 40; y++)
        for (int x = 0; x < 60; x++)
            for (int channel = 0; channel < channels; channel++)
                *to++ = (uint8_t)(channel == 0 ? 4 * x : channel == 1 ? 5 * y : 255 - 2 * x);
    return image;
}

static void with_loss(void **state)
{
    world *w = *state;

    for (int channels = 3; channels <= 4; channels++) {
        iv__image image = smooth(w, channels);
        size_t size;
        uint8_t *bytes = lossy(&image, &size);
        iv__image back = decoded(w, bytes, size);
        assert_true(mean_difference(&back, &image) < 4);
        iv__image_free(w->home, &back);
        iv__image_free(w->home, &image);
        WebPFree(bytes);
    }
}

static void cut_short_anywhere(void **state)
{
    world *w = *state;
    iv__image image = smooth(w, 4);
    size_t size;
    uint8_t *bytes = lossy(&image, &size);
    iv__text webp = encoded(w, ".webp", &image);

    for (size_t cut = 12; cut < size; cut++)
        assert_refused(w, bytes, cut, IV_FORMAT, "picture: the WebP file ");
    for (size_t cut = 12; cut < webp.size; cut++)
        assert_refused(w, webp.data, cut, IV_FORMAT, "picture: the WebP file ");
    assert_refused(w, webp.data, webp.size - 2, IV_FORMAT, "bytes, before the picture does");
    iv__image_free(w->home, &image);
    iv__text_free(&webp);
    WebPFree(bytes);
}

static void any_bit_may_change(void **state)
{
    world *w = *state;
    iv__image image = patterned(w, 9, 7, 4, 8);
    iv__text webp = encoded(w, ".webp", &image);
    size_t before = iv__home_bytes(w->home);
    int refused = 0;

    for (size_t at = 12; at < webp.size; at++)
        for (int bit = 0; bit < 8; bit++) {
            iv__image back;
            iv_home_clear(w->home);
            webp.data[at] ^= (char)(1 << bit);
            iv_status status = iv__image_decode(w->home, "picture", webp.data, webp.size, &back);
            webp.data[at] ^= (char)(1 << bit);
            assert_int_equal(iv_home_status(w->home), status);
            refused += status != IV_OK;
            iv__image_free(w->home, &back);
            assert_int_equal(iv__home_bytes(w->home), before);
        }
    assert_true(refused > 100);
    iv__text_free(&webp);
    iv__image_free(w->home, &image);
}

/* The head of an extended file: what features, and sides less one. */
static void put_extended(iv__text *out, unsigned char features, uint32_t width, uint32_t height)
{
    unsigned char head[30] = "RIFF\x20\0\0\0WEBPVP8X\x0a\0\0";

    head[20] = features;
    for (int i = 0; i < 3; i++) {
        head[24 + i] = (unsigned char)(width >> 8 * i);
        head[27 + i] = (unsigned char)(height >> 8 * i);
    }
    iv__text_add(out, (const char *)head, sizeof head);
}

static void huge_dimensions_and_animations(void **state)
{
    world *w = *state;
    iv__text file = { .home = w->home };
    /* Without loss, 16384 by 16384. */
    static const char lossless[] = "RIFF\x12\0\0\0WEBPVP8L\x05\0\0\0\x2f\xff\xff\xff\x0f\0";

    assert_refused_without_memory(lossless, sizeof lossless - 1, IV_UNSUPPORTED,
                                  "a picture of 16384 by 16384 pixels; 134217728 pixels in all");
    put_extended(&file, 0x02, 99, 99);
    iv__text_add(&file, "ANMF\0\0\0\0", 8);
    assert_refused_without_memory(file.data, file.size, IV_UNSUPPORTED,
                                  "it is an animation; expected a single picture");
    iv__text_free(&file);
}

static bool encode_scarce(iv_home *home, void *context)
{
    iv__text out = { .home = home };
    bool done = !iv__image_encode(home, ".webp", context, &out);

    iv__text_free(&out);
    return done;
}

static void no_memory(void **state)
{
    world *w = *state;
    iv__image image = patterned(w, 9, 7, 1, 16);
    iv__text webp = encoded(w, ".webp", &image);
    file_bytes file = { webp.data, webp.size };

    assert_survives_scarcity(decode_scarce, &file);
    assert_survives_scarcity(encode_scarce, &image);
    iv__text_free(&webp);
    iv__image_free(w->home, &image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),     cmocka_unit_test(opaque_alpha_is_left_out),
        cmocka_unit_test(with_loss),          cmocka_unit_test(cut_short_anywhere),
        cmocka_unit_test(any_bit_may_change), cmocka_unit_test(huge_dimensions_and_animations),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
