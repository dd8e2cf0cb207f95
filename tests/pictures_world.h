/* pictures_world.h: what tests of pictures share: small IDX files, and whether a data set is refused. */
#ifndef IVORY_TESTS_PICTURES_WORLD_H
#define IVORY_TESTS_PICTURES_WORLD_H

#include "file_world.h"

#include "data/pictures.h"

/* Writes an IDX file of `count` bytes behind its head; dim ends with 0. */
static inline void write_idx(const char *path, const int *dim, const unsigned char *values, size_t count)
{
    unsigned char bytes[4096] = { 0, 0, 8, 0 };
    size_t size = 4;

    for (; *dim; dim++, size += 4) {
        bytes[3]++;
        bytes[size] = bytes[size + 1] = 0;
        bytes[size + 2] = (unsigned char)(*dim >> 8);
        bytes[size + 3] = (unsigned char)*dim;
    }
    assert_true(size + count <= sizeof bytes);
    memcpy(bytes + size, values, count);
    write_bytes(path, bytes, size + count);
}

static inline void assert_pictures_refused(world *w, const iv__dataset *set, const char *path,
                                           const iv__pictures_options *options, iv_status status,
                                           const char *message)
{
    iv_home_clear(w->home);
    assert_null(iv__pictures_open(w->home, set, path, options));
    assert_int_equal(iv_home_status(w->home), status);
    assert_message(w->home, message);
}

static inline void assert_values(const iv__pictures *p, bool test, int64_t i, const unsigned char *values)
{
    assert_memory_equal(iv__pictures_at(p, test, i), values,
                        (size_t)(iv__pictures_height(p) * iv__pictures_width(p) *
                                 iv__pictures_channels(p)));
}

static inline void assert_report(const iv__pictures *p, const char *expected)
{
    iv__text text = { 0 };
    iv_home *home = iv_home_new(NULL);

    text.home = home;
    iv__pictures_report(p, &text);
    assert_string_equal(text.data, expected);
    iv__text_free(&text);
    iv_home_free(home);
}

#endif
