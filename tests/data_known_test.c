/* data_known_test.c: checksums that are remembered: as long as the file is the same, and no longer;
 * damaged notes, notes of files just written. */
#define _XOPEN_SOURCE 700
#include "base/sha256.h"
#include "file_world.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "data/known.h"
#include "format/source.h"

static const char *note_of(world *w, const char *folder, const char *path)
{
    char name[80], hex[65];
    iv__sha256 hash;

    iv__sha256_begin(&hash);
    iv__sha256_add(&hash, path, strlen(path));
    iv__sha256_end(&hash, hex);
    snprintf(name, sizeof name, "%s/%.32s.sha256", folder, hex);
    return in_folder(w, name);
}

static void assert_known(world *w, const char *path, const char *folder, const char *text)
{
    char hex[65], right[65];
    iv__sha256 hash;

    iv__sha256_begin(&hash);
    iv__sha256_add(&hash, text, strlen(text));
    iv__sha256_end(&hash, right);
    assert_int_equal(iv__known_sha256(w->home, path, folder, hex), IV_OK);
    assert_string_equal(hex, right);
    assert_int_equal(iv_home_status(w->home), IV_OK);
}

/* A note is made once the file has lain some seconds, and stands for the contents from then on. */
static void a_note_stands_for_a_file_that_is_the_same(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "data"), *folder = in_folder(w, "notes");
    const char *note = note_of(w, "notes", path);
    char hex[65];
    size_t size;

    write_text(path, "a text");
    assert_known(w, path, folder, "a text");
    assert_false(iv__file_exists(note)); /* it was just written */
    nanosleep(&(struct timespec){ 3, 200000000 }, NULL);
    assert_known(w, path, "", "a text"); /* nowhere to keep one */
    assert_known(w, path, folder, "a text");
    assert_true(iv__file_exists(note));
    assert_known(w, path, folder, "a text");

    unsigned char *bytes = read_bytes(note, &size);
    assert_int_equal(size, 128);
    for (size_t at = 0; at < size; at += 21) { /* a damaged note is none, and is made anew */
        bytes[at] ^= 1;
        write_bytes(note, bytes, size);
        bytes[at] ^= 1;
        assert_known(w, path, folder, "a text");
    }
    write_bytes(note, bytes, size - 1);
    assert_known(w, path, folder, "a text");
    write_bytes(note, "", 0);
    assert_known(w, path, folder, "a text");

    /* the note is believed: a sound one of another file's checksum would be, too */
    write_bytes(note, bytes, size);
    struct stat about;
    char identity[256];
    assert_int_equal(stat(path, &about), 0);
    snprintf(identity, sizeof identity, "%llu %llu %llu %lld.%09ld %lld.%09ld",
             (unsigned long long)about.st_dev, (unsigned long long)about.st_ino,
             (unsigned long long)about.st_size, (long long)about.st_mtim.tv_sec,
             about.st_mtim.tv_nsec, (long long)about.st_ctim.tv_sec, about.st_ctim.tv_nsec);
    memset(bytes, 'e', 64);
    iv__sha256 hash;
    iv__sha256_begin(&hash);
    iv__sha256_add(&hash, identity, strlen(identity));
    iv__sha256_add(&hash, bytes, 64);
    iv__sha256_end(&hash, hex);
    memcpy(bytes + 64, hex, 64);
    write_bytes(note, bytes, size);
    assert_int_equal(iv__known_sha256(w->home, path, folder, hex), IV_OK);
    assert_memory_equal(hex, bytes, 64);

    /* until anything changes: even contents of the same size, with the old time put back */
    write_text(path, "b text");
    assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]){ about.st_atim, about.st_mtim }, 0),
                     0);
    assert_known(w, path, folder, "b text");
    free(bytes);
}

static void a_file_that_is_not_there_is_an_error(void **state)
{
    world *w = *state;
    char hex[65];

    assert_int_equal(iv__known_sha256(w->home, in_folder(w, "none"), in_folder(w, "notes"), hex), IV_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_note_stands_for_a_file_that_is_the_same, world_begin, world_end),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_there_is_an_error, world_begin, world_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
