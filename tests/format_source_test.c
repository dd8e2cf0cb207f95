/* format_source_test.c: plain and gzip files and memory as sources; every damage to a gzip file
 * is found. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include <zlib.h>

#include "format/source.h"
#include "format/utf8.h"

/* Appends one gzip member to a file. */
static void add_member(const char *path, const void *bytes, size_t size)
{
    gzFile file = gzopen(path, "ab9");

    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, (unsigned)size), (int)size);
    assert_int_equal(gzclose(file), Z_OK);
}

/* All of a source, in reads of `step` bytes; -1 when it failed. */
static int64_t read_all(iv__source *source, unsigned char *bytes, size_t room, size_t step)
{
    size_t filled = 0;
    int64_t got = 1;

    while (source && got > 0 && filled < room) {
        got = iv__source_read(source, bytes + filled, step < room - filled ? step : room - filled);
        filled += got > 0 ? (size_t)got : 0;
    }
    assert_true(!source || got >= 0 || iv__source_read(source, bytes, 1) == -1); /* a failure stays */
    iv__source_close(source);
    return !source || got < 0 ? -1 : (int64_t)filled;
}

enum { LONG = 300000 };

static void fill(unsigned char *bytes)
{
    uint32_t x = 1;

    for (int i = 0; i < LONG; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = "abcdefgh"[x >> 29];
    }
}

static void plain_gzip_and_memory_give_the_same(void **state)
{
    world *w = *state;
    static unsigned char bytes[LONG], back[LONG + 1];
    const char *plain = in_folder(w, "plain.gz"), *packed = in_folder(w, "packed.txt"),
               *parts = in_folder(w, "parts");

    fill(bytes);
    write_bytes(plain, bytes, LONG);
    add_member(packed, bytes, LONG);
    add_member(parts, bytes, 1000);
    add_member(parts, bytes, 0);
    add_member(parts, bytes + 1000, LONG - 1000);
    static const size_t steps[] = { 1, 7, 65536, LONG + 1 };
    for (size_t i = 0; i < 4; i++) {
        iv__source *sources[] = { iv__source_open(w->home, plain), iv__source_file(w->home, plain),
                                  iv__source_open(w->home, packed), iv__source_open(w->home, parts),
                                  iv__source_memory(w->home, "memory", bytes, LONG) };
        for (int k = 0; k < 5; k++) {
            memset(back, 0, LONG);
            assert_int_equal(read_all(sources[k], back, LONG + 1, steps[i]), LONG);
            assert_memory_equal(back, bytes, LONG);
        }
    }
}

static void peeking_takes_nothing(void **state)
{
    world *w = *state;
    unsigned char bytes[8] = "", ahead[4] = "";
    iv__source *source = iv__source_memory(w->home, "memory", "abcdef", 6);

    assert_int_equal(iv__source_peek(source, ahead, 4), 4);
    assert_memory_equal(ahead, "abcd", 4);
    assert_int_equal(iv__source_peek(source, ahead, 1), 1);
    assert_memory_equal(ahead, "a", 1);
    assert_int_equal(iv__source_read(source, bytes, 3), 3);
    assert_int_equal(iv__source_peek(source, ahead, 4), 3);
    assert_memory_equal(ahead, "def", 3);
    assert_int_equal(iv__source_read(source, bytes + 3, 5), 3);
    assert_memory_equal(bytes, "abcdef", 6);
    assert_int_equal(iv__source_read(source, bytes, 1), 0);
    iv__source_close(source);

    source = iv__source_memory(w->home, "memory", NULL, 0);
    assert_int_equal(iv__source_peek(source, ahead, 4), 0);
    assert_int_equal(iv__source_read(source, bytes, 1), 0);
    iv__source_close(source);
}

static void every_damage_is_found(void **state)
{
    world *w = *state;
    static const char text[] = "A fox saw some grapes; they hung high. Sour, he said, and went his way.";
    const char *path = in_folder(w, "small");
    unsigned char back[256];
    size_t size;

    add_member(path, text, sizeof text - 1);
    unsigned char *bytes = read_bytes(path, &size);
    for (size_t cut = 0; cut < size; cut++) {
        iv__source *source = iv__source_gunzip(iv__source_memory(w->home, "small", bytes, cut));
        assert_int_equal(read_all(source, back, sizeof back, 16), -1);
        assert_int_equal(iv_home_status(w->home), IV_FORMAT);
        assert_message(w->home, cut ? "small: the gzip data are damaged (they end too early)"
                                    : "small: the gzip data are damaged (there is no data)");
    }
    for (size_t at = 0; at < size; at++) {
        if (at == 8 || at == 9 || (at >= 4 && at < 8))
            continue; /* time, kind of compression and system: no content */
        bytes[at] ^= 1;
        iv__source *source = iv__source_gunzip(iv__source_memory(w->home, "small", bytes, size));
        int64_t got = read_all(source, back, sizeof back, 16);
        bytes[at] ^= 1;
        if (at == 3)
            continue; /* the first flag says that the content is a text */
        assert_int_equal(got, -1);
        assert_message(w->home, "small: the gzip data are damaged (");
    }
    free(bytes);
}

static void what_follows_the_members(void **state)
{
    world *w = *state;
    unsigned char bytes[512], back[64];
    const char *path = in_folder(w, "tail");
    size_t size;

    add_member(path, "content", 7);
    unsigned char *packed = read_bytes(path, &size);
    memcpy(bytes, packed, size);
    memset(bytes + size, 0, 100);
    free(packed);
    assert_int_equal(read_all(iv__source_gunzip(iv__source_memory(w->home, "tail", bytes, size + 100)),
                              back, 64, 64),
                     7);
    bytes[size + 99] = 'x';
    assert_int_equal(read_all(iv__source_gunzip(iv__source_memory(w->home, "tail", bytes, size + 100)),
                              back, 64, 64),
                     -1);
    assert_message(w->home, "tail: the gzip data are damaged (other bytes follow the compressed ones)");
}

static void files_that_cannot_be_read(void **state)
{
    world *w = *state;
    unsigned char byte;

    assert_null(iv__source_open(w->home, in_folder(w, "absent")));
    assert_int_equal(iv_home_status(w->home), IV_IO);
    assert_message(w->home, "absent: cannot be opened: No such file or directory");
    assert_null(iv__source_open(w->home, w->folder));
    assert_message(w->home, ": is a folder; a file was expected");

    const char *path = in_folder(w, "short");
    write_bytes(path, "\x1f", 1); /* half a magic number is plain */
    assert_int_equal(read_all(iv__source_open(w->home, path), &byte, 1, 1), 1);
    write_bytes(path, "", 0);
    assert_int_equal(read_all(iv__source_open(w->home, path), &byte, 1, 1), 0);
}

static void checksum_of_a_file(void **state)
{
    world *w = *state;
    char hex[65];
    const char *path = in_folder(w, "abc");

    write_text(path, "abc");
    assert_int_equal(iv__source_sha256(w->home, path, hex), IV_OK);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(iv__source_sha256(w->home, in_folder(w, "absent"), hex), IV_IO);
}

/* Every code point comes back; what stands beside the well-formed is refused. */
static void utf8_is_checked(void **state)
{
    static const char *const bad[] = { "\x80",
                                       "\xc1\xbf",
                                       "\xe0\x9f\xbf",
                                       "\xed\xa0\x80",
                                       "\xed\xbf\xbf",
                                       "\xf0\x8f\xbf\xbf",
                                       "\xf4\x90\x80\x80",
                                       "\xf5\x80\x80\x80",
                                       "\xff",
                                       "\xc3",
                                       "\xe2\x82",
                                       "\xf0\x9f\x98",
                                       "\xc3(",
                                       "\xe2(\xa1",
                                       "\xe2\x82(" };
    unsigned char bytes[4];
    uint32_t code;

    (void)state;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        if (c == 0xd800)
            c = 0xe000;
        size_t size = iv__utf8_write(c, bytes);
        assert_int_equal(size, c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);
        assert_int_equal(iv__utf8_read(bytes, size, &code), size);
        assert_int_equal(code, c);
        assert_int_equal(iv__utf8_read(bytes, size - 1, &code), 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(iv__utf8_valid(bad[i], strlen(bad[i])), 0);
    assert_int_equal(iv__utf8_valid("a\xc3\xa9\xff", 4), 3);
}

static bool read_gzip(iv_home *home, void *context)
{
    unsigned char back[64];
    iv__source *source = iv__source_open(home, context);
    int64_t got = source ? iv__source_read(source, back, sizeof back) : -1;

    iv__source_close(source);
    return got == 7;
}

static void no_memory(void **state)
{
    world *w = *state;
    char path[512];

    snprintf(path, sizeof path, "%s", in_folder(w, "scarce"));
    add_member(path, "content", 7);
    assert_survives_scarcity(read_gzip, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_gzip_and_memory_give_the_same),
        cmocka_unit_test(peeking_takes_nothing),
        cmocka_unit_test(every_damage_is_found),
        cmocka_unit_test(what_follows_the_members),
        cmocka_unit_test(files_that_cannot_be_read),
        cmocka_unit_test(checksum_of_a_file),
        cmocka_unit_test(utf8_is_checked),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
