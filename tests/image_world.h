/* image_world.h: what tests of image files share: pictures with known pixels, comparing them. */
#ifndef IVORY_TESTS_IMAGE_WORLD_H
#define IVORY_TESTS_IMAGE_WORLD_H

#include "file_world.h"

#include "format/image.h"

static inline unsigned value_at(const iv__image *image, int64_t x, int64_t y, int channel)
{
    int64_t at = (y * image->width + x) * image->channels + channel;

    assert_true(x >= 0 && x < image->width && y >= 0 && y < image->height);
    return image->bits == 8 ? ((const uint8_t *)image->pixels)[at]
                            : ((const uint16_t *)image->pixels)[at];
}

static inline iv__image picture(world *w, int64_t width, int64_t height, int channels, int bits)
{
    iv__image image;

    assert_int_equal(iv__image_new(w->home, width, height, channels, bits, &image), IV_OK);
    return image;
}

/* Every value differs from its neighbours, in both of its bytes. */
static inline iv__image patterned(world *w, int64_t width, int64_t height, int channels, int bits)
{
    iv__image image = picture(w, width, height, channels, bits);
    uint32_t value = 12345;

    for (int64_t i = 0; i < width * height * channels; i++) {
        value = value * 1664525 + 1013904223;
        if (bits == 8)
            ((uint8_t *)image.pixels)[i] = (uint8_t)(value >> 24);
        else
            ((uint16_t *)image.pixels)[i] = (uint16_t)(value >> 16);
    }
    return image;
}

/* A picture of one row of 8-bit values. */
static inline iv__image row_of(world *w, int64_t width, int channels, const uint8_t *values)
{
    iv__image image = picture(w, width, 1, channels, 8);

    memcpy(image.pixels, values, (size_t)width * (size_t)channels);
    return image;
}

static inline void assert_kind(const iv__image *image, int64_t width, int64_t height, int channels,
                               int bits)
{
    if (image->width != width || image->height != height || image->channels != channels ||
        image->bits != bits)
        fail_msg("expected %lld by %lld, %d channels of %d bits, came %lld by %lld, %d of %d",
                 (long long)width, (long long)height, channels, bits, (long long)image->width,
                 (long long)image->height, image->channels, image->bits);
}

/* Values of an 8-bit picture, row after row. */
static inline void assert_values(const iv__image *image, size_t n, const uint8_t *values)
{
    assert_int_equal(image->bits, 8);
    assert_int_equal(image->width * image->height * image->channels, n);
    assert_memory_equal(image->pixels, values, n);
}

static inline void assert_same_picture(const iv__image *a, const iv__image *b)
{
    assert_kind(a, b->width, b->height, b->channels, b->bits);
    assert_memory_equal(a->pixels, b->pixels, iv__image_row_bytes(b) * (size_t)b->height);
}

static inline double mean_difference(const iv__image *a, const iv__image *b)
{
    int64_t n = b->width * b->height * b->channels;
    double sum = 0;

    assert_kind(a, b->width, b->height, b->channels, b->bits);
    assert_int_equal(b->bits, 8);
    for (int64_t i = 0; i < n; i++)
        sum += abs(((const uint8_t *)a->pixels)[i] - ((const uint8_t *)b->pixels)[i]);
    return sum / (double)n;
}

static inline iv__image decoded(world *w, const void *bytes, size_t size)
{
    iv__image image;

    if (iv__image_decode(w->home, "picture", bytes, size, &image))
        fail_msg("%s", iv_home_message(w->home));
    return image;
}

/* Nothing is left of a picture that was refused, and nothing of the work. */
static inline void assert_refused(world *w, const void *bytes, size_t size, iv_status status,
                                  const char *message)
{
    size_t before = iv__home_bytes(w->home);
    iv__image image;

    iv_home_clear(w->home);
    assert_int_equal(iv__image_decode(w->home, "picture", bytes, size, &image), status);
    assert_int_equal(iv_home_status(w->home), status);
    assert_message(w->home, "picture: ");
    assert_message(w->home, message);
    assert_null(image.pixels);
    assert_int_equal(iv__home_bytes(w->home), before);
}

/* A home that hands out blocks of a million bytes at most. */
static inline void *frugal_allocate(void *user, void *old, size_t bytes)
{
    (void)user;
    if (bytes == 0) {
        free(old);
        return NULL;
    }
    return bytes > 1000000 ? NULL : realloc(old, bytes);
}

/* Refused for what it is, before memory is asked for. */
static inline void assert_refused_without_memory(const void *bytes, size_t size, iv_status status,
                                                 const char *message)
{
    world w = { .home = iv_home_new(&(iv_home_options){
                    .size = sizeof(iv_home_options), .threads = 1, .allocate = frugal_allocate }) };

    assert_non_null(w.home);
    assert_refused(&w, bytes, size, status, message);
    iv_home_free(w.home);
}

typedef struct file_bytes {
    const void *bytes;
    size_t size;
} file_bytes;

static inline bool decode_scarce(iv_home *home, void *context)
{
    const file_bytes *file = context;
    iv__image image;
    bool done = !iv__image_decode(home, "picture", file->bytes, file->size, &image);

    iv__image_free(home, &image);
    return done;
}

/* The picture as a file of the ending's format. */
static inline iv__text encoded(world *w, const char *ending, const iv__image *image)
{
    iv__text out = { .home = w->home };

    if (iv__image_encode(w->home, ending, image, &out))
        fail_msg("%s", iv_home_message(w->home));
    return out;
}

#endif
