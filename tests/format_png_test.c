/* format_png_test.c: PNG of every kind, made here chunk by chunk; damage; animations taken apart. */
#define _XOPEN_SOURCE 700
#include "image_world.h"

#include <zlib.h>

enum { GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4, RGB_ALPHA = 6 };

typedef struct png_kind {
    int type, bits;
    bool interlaced, key; /* key: with a tRNS chunk */
    int64_t width, height;
} png_kind;

static int channels_of(int type)
{
    return type == RGB ? 3 : type == GREY_ALPHA ? 2 : type == RGB_ALPHA ? 4 : 1;
}

/* The number that stands in the file; one pixel in seven has the transparent colour. */
static unsigned raw(const png_kind *k, int64_t x, int64_t y, int channel)
{
    uint32_t hash = (uint32_t)(x * 31 + y) * 2654435761u + (uint32_t)channel * 40503u;

    if ((x + 2 * y) % 7 == 0)
        return 1;
    return (hash >> 8) & ((1u << k->bits) - 1);
}

static unsigned palette(unsigned index, int channel)
{
    return (index * 37 + (unsigned)channel * 85) % 256;
}

static void put_number(iv__text *out, uint32_t number)
{
    unsigned char bytes[4] = { (unsigned char)(number >> 24), (unsigned char)(number >> 16),
                               (unsigned char)(number >> 8), (unsigned char)number };

    iv__text_add(out, (const char *)bytes, 4);
}

static void put_chunk(iv__text *out, const char *type, const void *data, size_t size)
{
    uLong sum = crc32(crc32(0, NULL, 0), (const Bytef *)type, 4);

    put_number(out, (uint32_t)size);
    iv__text_add(out, type, 4);
    iv__text_add(out, data, size);
    put_number(out, (uint32_t)(size > 0 ? crc32(sum, data, (uInt)size) : sum));
}

static void put_head(iv__text *out, const png_kind *k, uint32_t width, uint32_t height)
{
    iv__text head = { .home = out->home };

    iv__text_add(out, "\x89PNG\r\n\x1a\n", 8);
    put_number(&head, width);
    put_number(&head, height);
    iv__text_add(&head, (const char[]){ (char)k->bits, (char)k->type, 0, 0, k->interlaced }, 5);
    put_chunk(out, "IHDR", head.data, head.size);
    iv__text_free(&head);
}

/* Every `dx`th pixel of every `dy`th row, as the file packs them: a filter byte, then bits. */
static void put_pass(iv__text *rows, const png_kind *k, int64_t x0, int64_t y0, int64_t dx, int64_t dy)
{
    for (int64_t y = y0; y < k->height && x0 < k->width; y += dy) {
        unsigned gathered = 0, n = 0;
        iv__text_add(rows, "\0", 1);
        for (int64_t x = x0; x < k->width; x += dx)
            for (int channel = 0; channel < channels_of(k->type); channel++) {
                gathered = gathered << k->bits | raw(k, x, y, channel);
                n += (unsigned)k->bits;
                for (; n >= 8; n -= 8)
                    iv__text_add(rows, (const char[]){ (char)(gathered >> (n - 8)) }, 1);
            }
        if (n > 0)
            iv__text_add(rows, (const char[]){ (char)(gathered << (8 - n)) }, 1);
    }
}

static void put_palette(iv__text *out, const png_kind *k)
{
    unsigned char colours[256 * 3], alphas[3] = { 200, 0, 100 };
    unsigned n = 1u << k->bits;

    for (unsigned i = 0; i < n * 3; i++)
        colours[i] = (unsigned char)palette(i / 3, (int)(i % 3));
    put_chunk(out, "PLTE", colours, n * 3);
    if (k->key)
        put_chunk(out, "tRNS", alphas, n < 3 ? n : 3);
}

static iv__text build(world *w, const png_kind *k)
{
    static const int64_t adam7[7][4] = { { 0, 0, 8, 8 }, { 4, 0, 8, 8 }, { 0, 4, 4, 8 },
                                         { 2, 0, 4, 4 }, { 0, 2, 2, 4 }, { 1, 0, 2, 2 },
                                         { 0, 1, 1, 2 } };
    iv__text out = { .home = w->home }, rows = { .home = w->home };

    put_head(&out, k, (uint32_t)k->width, (uint32_t)k->height);
    if (k->type == PALETTE)
        put_palette(&out, k);
    else if (k->key)
        put_chunk(&out, "tRNS", (const char[]){ 0, 1, 0, 1, 0, 1 }, k->type == RGB ? 6 : 2);
    if (k->interlaced)
        for (int i = 0; i < 7; i++)
            put_pass(&rows, k, adam7[i][0], adam7[i][1], adam7[i][2], adam7[i][3]);
    else
        put_pass(&rows, k, 0, 0, 1, 1);

    uLongf size = compressBound(rows.size);
    unsigned char *packed = malloc(size);
    assert_non_null(packed);
    assert_int_equal(compress(packed, &size, (const Bytef *)rows.data, rows.size), Z_OK);
    put_chunk(&out, "IDAT", packed, size / 2); /* pixels may come in several chunks */
    put_chunk(&out, "IDAT", packed + size / 2, size - size / 2);
    put_chunk(&out, "IEND", NULL, 0);
    free(packed);
    iv__text_free(&rows);
    return out;
}

static unsigned expected(const png_kind *k, int64_t x, int64_t y, int channel)
{
    bool transparent = true;

    if (k->type == PALETTE) {
        static const unsigned alphas[3] = { 200, 0, 100 };
        unsigned index = raw(k, x, y, 0);
        return channel < 3 ? palette(index, channel) : index < 3 ? alphas[index] : 255;
    }
    if (channel < channels_of(k->type))
        return raw(k, x, y, channel) * (k->bits < 8 ? 255u / ((1u << k->bits) - 1) : 1);
    for (int i = 0; i < channels_of(k->type); i++)
        transparent = transparent && raw(k, x, y, i) == 1;
    return transparent ? 0 : k->bits == 16 ? 65535 : 255;
}

static void check_kind(world *w, const png_kind *k)
{
    int channels = (k->type == PALETTE ? 3 : channels_of(k->type)) + k->key;
    iv__text png = build(w, k);
    iv__image image = decoded(w, png.data, png.size);

    assert_kind(&image, k->width, k->height, channels, k->bits == 16 ? 16 : 8);
    for (int64_t y = 0; y < k->height; y++)
        for (int64_t x = 0; x < k->width; x++)
            for (int channel = 0; channel < channels; channel++)
                if (value_at(&image, x, y, channel) != expected(k, x, y, channel))
                    fail_msg("type %d, %d bits, interlaced %d, key %d, %lld by %lld: at %lld, %lld, "
                             "channel %d: expected %u, came %u",
                             k->type, k->bits, k->interlaced, k->key, (long long)k->width,
                             (long long)k->height, (long long)x, (long long)y, channel,
                             expected(k, x, y, channel), value_at(&image, x, y, channel));
    iv__image_free(w->home, &image);
    iv__text_free(&png);
}

static void every_kind(void **state)
{
    static const int kinds[][2] = { { GREY, 1 },        { GREY, 2 },      { GREY, 4 },
                                    { GREY, 8 },        { GREY, 16 },     { RGB, 8 },
                                    { RGB, 16 },        { PALETTE, 1 },   { PALETTE, 2 },
                                    { PALETTE, 4 },     { PALETTE, 8 },   { GREY_ALPHA, 8 },
                                    { GREY_ALPHA, 16 }, { RGB_ALPHA, 8 }, { RGB_ALPHA, 16 } };
    static const int64_t sides[][2] = { { 1, 1 }, { 13, 9 }, { 2, 33 }, { 64, 3 } };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (size_t j = 0; j < sizeof sides / sizeof *sides; j++)
            for (int way = 0; way < 4; way++) {
                png_kind k = { kinds[i][0], kinds[i][1], way & 1, way & 2, sides[j][0], sides[j][1] };
                if (!k.key || k.type < GREY_ALPHA)
                    check_kind(*state, &k);
            }
}

static void there_and_back(void **state)
{
    world *w = *state;

    for (int channels = 1; channels <= 4; channels++)
        for (int bits = 8; bits <= 16; bits += 8) {
            iv__image image = patterned(w, 217, 150, channels, bits);
            iv__text png = encoded(w, ".png", &image);
            iv__image back = decoded(w, png.data, png.size);
            assert_same_picture(&back, &image);
            iv__image_free(w->home, &image);
            iv__image_free(w->home, &back);
            iv__text_free(&png);
        }
}

/* ---- damage ----------------------------------------------------------------------------------- */

static const png_kind damaged_kinds[] = { { RGB, 8, false, false, 13, 9 },
                                          { PALETTE, 4, true, false, 13, 9 },
                                          { GREY, 16, true, false, 5, 5 } };

static void cut_short_anywhere(void **state)
{
    world *w = *state;

    for (size_t i = 0; i < sizeof damaged_kinds / sizeof *damaged_kinds; i++) {
        iv__text png = build(w, &damaged_kinds[i]);
        for (size_t size = 8; size < png.size; size++)
            assert_refused(w, png.data, size, IV_FORMAT, "bytes, before the picture does");
        iv__text_free(&png);
    }
}

static void every_bit_matters(void **state)
{
    world *w = *state;

    for (size_t i = 0; i < sizeof damaged_kinds / sizeof *damaged_kinds; i++) {
        iv__text png = build(w, &damaged_kinds[i]);
        for (size_t at = 8; at < png.size; at++)
            for (int bit = 0; bit < 8; bit++) {
                iv__image image;
                png.data[at] ^= (char)(1 << bit);
                iv_status status = iv__image_decode(w->home, "picture", png.data, png.size, &image);
                png.data[at] ^= (char)(1 << bit);
                if (status != IV_FORMAT)
                    fail_msg("bit %d of byte %zu changed: status %d", bit, at, (int)status);
            }
        iv__text_free(&png);
    }
}

static void huge_dimensions(void **state)
{
    world *w = *state;
    static const png_kind kind = { RGB_ALPHA, 16, true, false, 1, 1 };
    static const uint32_t sides[][2] = {
        { INT32_MAX, INT32_MAX }, { INT32_MAX, 1 }, { 1, INT32_MAX }, { 11586, 11586 }
    };

    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        iv__text png = { .home = w->home };
        put_head(&png, &kind, sides[i][0], sides[i][1]);
        put_chunk(&png, "IDAT", "x", 1);
        assert_refused_without_memory(png.data, png.size, IV_UNSUPPORTED,
                                      "134217728 pixels in all are the most: make it smaller");
        iv__text_free(&png);
    }
    iv__text png = { .home = w->home };
    put_head(&png, &kind, 0, 1);
    put_chunk(&png, "IDAT", "x", 1);
    assert_refused(w, png.data, png.size, IV_FORMAT, "the PNG file is damaged (");
    iv__text_free(&png);
}

static bool encode_scarce(iv_home *home, void *context)
{
    iv__text out = { .home = home };
    bool done = !iv__image_encode(home, ".png", context, &out);

    iv__text_free(&out);
    return done;
}

static void no_memory(void **state)
{
    world *w = *state;
    static const png_kind kinds[] = { { RGB_ALPHA, 16, true, false, 7, 5 },
                                      { PALETTE, 8, false, true, 7, 5 } };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        iv__text png = build(w, &kinds[i]);
        file_bytes file = { png.data, png.size };
        assert_survives_scarcity(decode_scarce, &file);
        iv__text_free(&png);
    }
    iv__image image = patterned(w, 7, 5, 4, 16);
    assert_survives_scarcity(encode_scarce, &image);
    iv__image_free(w->home, &image);
}

/* ---- animations ------------------------------------------------------------------------------- */

static uint32_t number_at(const unsigned char *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* What stands in an animation, chunk by chunk: frames as PNG files of their own. */
typedef struct parts {
    iv__text frame[8];
    uint32_t milliseconds[8];
    uint32_t promised, plays;
    int n;
} parts;

static void take_chunk(parts *p, const char *type, const unsigned char *data, uint32_t size,
                       const unsigned char *head, uint32_t *sequence)
{
    if (strcmp(type, "acTL") == 0) {
        assert_int_equal(size, 8);
        assert_int_equal(p->n, 0);
        p->promised = number_at(data);
        p->plays = number_at(data + 4);
    } else if (strcmp(type, "fcTL") == 0) {
        assert_int_equal(size, 26);
        assert_int_equal(number_at(data), (*sequence)++);
        assert_memory_equal(data + 4, head + 16, 8); /* width and height of the whole */
        assert_int_equal(number_at(data + 12), 0);
        assert_int_equal(number_at(data + 16), 0);
        assert_int_equal(data[22] << 8 | data[23], 1000);
        p->milliseconds[p->n] = (uint32_t)(data[20] << 8 | data[21]);
        iv__text_add(&p->frame[p->n++], (const char *)head, 8 + 25);
    } else if (strcmp(type, "IDAT") == 0) {
        assert_int_equal(p->n, 1);
        put_chunk(&p->frame[0], "IDAT", data, size);
    } else if (strcmp(type, "fdAT") == 0) {
        assert_true(p->n > 1);
        assert_int_equal(number_at(data), (*sequence)++);
        put_chunk(&p->frame[p->n - 1], "IDAT", data + 4, size - 4);
    }
}

static parts take_apart(world *w, const char *path)
{
    parts p = { 0 };
    size_t size, at = 8;
    unsigned char *bytes = read_bytes(path, &size);
    uint32_t sequence = 0;
    char type[5] = "";

    for (int i = 0; i < 8; i++)
        p.frame[i].home = w->home;
    assert_memory_equal(bytes, "\x89PNG\r\n\x1a\n", 8);
    while (strcmp(type, "IEND") != 0) {
        assert_true(size - at >= 12);
        uint32_t n = number_at(bytes + at);
        assert_true(n <= size - at - 12);
        memcpy(type, bytes + at + 4, 4);
        assert_int_equal(number_at(bytes + at + 8 + n), crc32(0, bytes + at + 4, n + 4));
        take_chunk(&p, type, bytes + at + 8, n, bytes, &sequence);
        at += 12 + n;
    }
    assert_int_equal(at, size);
    for (int i = 0; i < p.n; i++)
        put_chunk(&p.frame[i], "IEND", NULL, 0);
    free(bytes);
    return p;
}

static void an_animation_holds_its_frames(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "moving.png");
    iv__image frames[3];

    for (int bits = 8; bits <= 16; bits += 8) {
        iv__animation *a = iv__animation_new(w->home, path);
        for (int i = 0; i < 3; i++) {
            frames[i] = patterned(w, 90 + bits, 50, 3, bits);
            memset(frames[i].pixels, 40 * i, 3000); /* so that frames differ */
            assert_int_equal(iv__animation_add(a, &frames[i], 100 * i), IV_OK);
        }
        assert_int_equal(iv__animation_write(a, 7), IV_OK);

        parts p = take_apart(w, path);
        assert_int_equal(p.n, 3);
        assert_int_equal(p.promised, 3);
        assert_int_equal(p.plays, 7);
        for (int i = 0; i < 3; i++) {
            iv__image frame = decoded(w, p.frame[i].data, p.frame[i].size);
            assert_same_picture(&frame, &frames[i]);
            assert_int_equal(p.milliseconds[i], 100 * i);
            iv__image_free(w->home, &frame);
            iv__text_free(&p.frame[i]);
        }
        iv__image still;
        assert_int_equal(iv__image_read(w->home, path, &still), IV_OK);
        assert_same_picture(&still, &frames[0]);
        iv__image_free(w->home, &still);
        for (int i = 0; i < 3; i++)
            iv__image_free(w->home, &frames[i]);
    }
}

static void animations_that_make_no_sense(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "none.png");
    iv__image image = patterned(w, 4, 4, 3, 8), other = patterned(w, 4, 5, 3, 8);
    size_t before = iv__home_bytes(w->home);

    assert_int_equal(iv__animation_write(iv__animation_new(w->home, path), 0), IV_VALUE);
    assert_message(w->home, "an animation without a frame");
    iv__animation *a = iv__animation_new(w->home, path);
    assert_int_equal(iv__animation_add(a, &image, 0), IV_OK);
    assert_int_equal(iv__animation_add(a, &other, 0), IV_SHAPE);
    assert_message(w->home, "frame 2 is 4 by 5, 3 channels of 8 bits; the first is 4 by 4, 3 of 8");
    assert_int_equal(iv__animation_add(a, &image, 0), IV_SHAPE); /* a failure is kept */
    assert_int_equal(iv__animation_write(a, 0), IV_SHAPE);
    a = iv__animation_new(w->home, path);
    assert_int_equal(iv__animation_add(a, &image, 65536), IV_VALUE);
    iv__animation_cancel(a);
    a = iv__animation_new(w->home, path);
    assert_int_equal(iv__animation_add(a, &image, 65535), IV_OK);
    assert_int_equal(iv__animation_write(a, -1), IV_VALUE);
    a = iv__animation_new(w->home, in_folder(w, "no/folder.png"));
    assert_int_equal(iv__animation_add(a, &image, 1), IV_OK);
    assert_int_equal(iv__animation_write(a, 0), IV_IO);
    iv__animation_cancel(NULL);
    assert_false(iv__file_exists(path));
    assert_int_equal(iv__home_bytes(w->home), before);
    iv__image_free(w->home, &image);
    iv__image_free(w->home, &other);
}

typedef struct animation_work {
    const char *path;
    const iv__image *frame;
} animation_work;

static bool animate_scarce(iv_home *home, void *context)
{
    const animation_work *work = context;
    iv__animation *a = iv__animation_new(home, work->path);

    if (!a)
        return false;
    for (int i = 0; i < 2; i++)
        iv__animation_add(a, work->frame, 10);
    return !iv__animation_write(a, 0);
}

static void no_memory_for_an_animation(void **state)
{
    world *w = *state;
    iv__image image = patterned(w, 4, 4, 1, 8);

    assert_survives_scarcity(animate_scarce, &(animation_work){ in_folder(w, "scarce.png"), &image });
    iv__image_free(w->home, &image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(cut_short_anywhere),
        cmocka_unit_test(every_bit_matters),
        cmocka_unit_test(huge_dimensions),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(an_animation_holds_its_frames),
        cmocka_unit_test(animations_that_make_no_sense),
        cmocka_unit_test(no_memory_for_an_animation),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
