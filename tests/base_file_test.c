/* base_file_test.c: shapes and tensors; files that are old or new, folders, views; checksums. */
#define _GNU_SOURCE
#include "base/sha256.h"
#include "file_world.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ivory/tensor.h>

#define SIZE(array) ((int)(sizeof(array) / sizeof *(array)))

/* ---- tensors --------------------------------------------------------------------------------- */

static void shapes_are_checked(void **state)
{
    world *w = *state;
    iv_shape big = iv_dims(INT64_C(1) << 40, 1 << 20), hidden = iv_dims(0, INT64_C(1) << 40, 1 << 30);
    char text[160], narrow[6];

    assert_true(iv_shape_valid(&iv_dims(3, 0, 5), IV_F32));
    assert_true(iv_shape_valid(&iv_scalar(), IV_U8));
    assert_true(iv_shape_valid(&big, IV_U8) && iv_shape_valid(&big, IV_F32));
    assert_false(iv_shape_valid(&big, IV_F64));
    assert_false(iv_shape_valid(&hidden, IV_U8)); /* products of some of its axes are taken too */
    assert_false(iv_shape_valid(&iv_dims(3, -1), IV_F32));
    assert_false(iv_shape_valid(&iv_dims(3), (iv_dtype)0));
    assert_false(iv_shape_valid(&(iv_shape){ .rank = IV_MAX_RANK + 1 }, IV_F32));
    assert_false(iv_shape_valid(&(iv_shape){ .rank = -1 }, IV_F32));
    assert_int_equal(iv_shape_count(&iv_dims(2, 3, 4)), 24);
    assert_int_equal(iv_shape_count(&iv_scalar()), 1);
    assert_string_equal(iv_shape_text(&iv_dims(2, 3), text, sizeof text), "[2,3]");
    assert_string_equal(iv_shape_text(&iv_scalar(), text, sizeof text), "[]");
    assert_string_equal(iv_shape_text(&iv_dims(123456), narrow, sizeof narrow), "[1234");
    assert_false(iv_shape_same(&iv_dims(2), &iv_dims(2, 1)));

    iv_tensor *tensor = iv_tensor_new(w->home, IV_I32, iv_dims(5, 7));
    assert_int_equal(iv_tensor_bytes(tensor), 140);
    assert_int_equal((uintptr_t)tensor->data % 64, 0);
    assert_int_equal(((int32_t *)tensor->data)[34], 0);
    iv_tensor_free(tensor);
    iv_tensor_free(NULL);
    assert_null(iv_tensor_new(w->home, IV_F64, big));
    assert_int_equal(iv_home_status(w->home), IV_SHAPE);
    assert_message(w->home, "a tensor of f64 elements cannot have the shape [1099511627776,1048576]");
    assert_int_equal(iv__home_bytes(w->home), 0);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void assert_file(const char *path, const char *content)
{
    size_t size;
    unsigned char *bytes = read_bytes(path, &size);

    assert_int_equal(size, strlen(content));
    assert_memory_equal(bytes, content, size);
    free(bytes);
}

static void files_are_old_or_new(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "a.txt");

    assert_int_equal(iv__file_write(w->home, path, "old", 3), IV_OK);
    assert_file(path, "old");
    iv__writer *writer = iv__writer_new(w->home, path);
    iv__writer_add(writer, "new and ", 8);
    assert_file(path, "old");
    iv__writer_cancel(writer);
    assert_file(path, "old");
    writer = iv__writer_new(w->home, path);
    iv__writer_add(writer, "new and ", 8);
    iv__writer_add(writer, NULL, 0);
    iv__writer_add(writer, "longer", 6);
    assert_file(path, "old");
    assert_int_equal(iv__writer_commit(writer), IV_OK);
    assert_file(path, "new and longer");
    assert_int_equal(iv__writer_commit(NULL), IV_IO);
    iv__writer_cancel(NULL);
    iv__writer_add(NULL, "x", 1);
    assert_int_equal(iv__home_bytes(w->home), 0);
}

/* Pieces smaller and larger than what is buffered come out whole and in order. */
static void large_files_come_out_whole(void **state)
{
    world *w = *state;
    enum { BYTES = 400000 };
    const char *path = in_folder(w, "large");
    unsigned char *bytes = malloc(BYTES), *read;
    static const size_t pieces[] = { 1, 65536, 3, 65535, 70000, 2, 140000 };
    size_t at = 0, size;

    for (int i = 0; i < BYTES; i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 24);
    iv__writer *writer = iv__writer_new(w->home, path);
    for (int i = 0; i < SIZE(pieces); i++) {
        iv__writer_add(writer, bytes + at, pieces[i]);
        at += pieces[i];
    }
    iv__writer_add(writer, bytes + at, BYTES - at);
    assert_int_equal(iv__writer_commit(writer), IV_OK);
    read = read_bytes(path, &size);
    assert_int_equal(size, BYTES);
    assert_memory_equal(read, bytes, BYTES);
    free(read);
    free(bytes);
}

/* A file that cannot grow on (here by its limit; a full disk is the same) leaves the old one. */
static void failing_writes_leave_the_old_file(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "a.txt");
    static const char zeros[200000];
    struct rlimit before, small = { 100000, RLIM_INFINITY };

    assert_int_equal(iv__file_write(w->home, path, "old", 3), IV_OK);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    iv_status status = iv__file_write(w->home, path, zeros, sizeof zeros);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(status, IV_IO);
    assert_message(w->home, "a.txt: File too large");
    assert_file(path, "old");
    assert_int_equal(iv__file_write(w->home, path, "new", 3), IV_OK);
    assert_file(path, "new");

    int left = 0; /* nothing is left beside it */
    for (int pid = 0; pid < 2; pid++) {
        char beside[600];
        snprintf(beside, sizeof beside, "%s.%d.new", path, (int)getpid());
        left += access(beside, F_OK) == 0;
    }
    assert_int_equal(left, 0);
}

static void what_killed_writers_left_is_removed(void **state)
{
    static const char *const kept[] = { "a.txt",  "a.new", "a.7x.new",
                                        ".7.new", "7.new", "a.7.new.txt" };
    static const char *const left[] = { "a.txt.7.new", "last.safetensors.123456.new" };
    world *w = *state;
    char path[512], target[600];

    snprintf(path, sizeof path, "%s/b.txt", w->folder);
    for (int i = 0; i < SIZE(kept); i++)
        write_text(in_folder(w, kept[i]), "kept");
    for (int i = 0; i < SIZE(left); i++)
        write_text(in_folder(w, left[i]), "half");
    assert_int_equal(symlink("a.txt", in_folder(w, "link.7.new")), 0);
    assert_int_equal(mkfifo(in_folder(w, "pipe.7.new"), 0600), 0);
    assert_int_equal(mkdir(in_folder(w, "folder.7.new"), 0700), 0);
    iv__writer *writer = iv__writer_new(w->home, path);
    iv__writer_add(writer, "whole", 5);
    assert_null(iv__writer_new(w->home, path)); /* one is at it */

    assert_int_equal(symlink(w->folder, in_folder(w, "link")), 0);
    iv__remove_leftovers(in_folder(w, "link"));
    assert_file(in_folder(w, left[0]), "half");
    iv__remove_leftovers(in_folder(w, "absent"));
    iv__remove_leftovers(in_folder(w, "link/."));
    assert_int_equal(iv__writer_commit(writer), IV_OK);
    assert_file(path, "whole");
    for (int i = 0; i < SIZE(kept); i++)
        assert_file(in_folder(w, kept[i]), "kept");
    for (int i = 0; i < SIZE(left); i++)
        assert_int_equal(access(in_folder(w, left[i]), F_OK), -1);
    assert_int_equal(readlink(in_folder(w, "link.7.new"), target, sizeof target), 5);
    assert_int_equal(access(in_folder(w, "pipe.7.new"), F_OK), 0);
    assert_int_equal(access(in_folder(w, "folder.7.new"), F_OK), 0);

    /* what one of our number left is written over */
    snprintf(target, sizeof target, "%s.%d.new", path, (int)getpid());
    write_text(target, "a longer leftover");
    assert_int_equal(iv__file_write(w->home, path, "x", 1), IV_OK);
    assert_file(path, "x");
}

static void paths_that_cannot_be_written_are_named(void **state)
{
    world *w = *state;

    assert_int_equal(iv__file_write(w->home, in_folder(w, "none/a.txt"), "x", 1), IV_IO);
    assert_message(w->home, "none/a.txt: No such file or directory");
    assert_int_equal(iv__make_folders(w->home, in_folder(w, "folder")), IV_OK);
    assert_int_equal(iv__file_write(w->home, in_folder(w, "folder"), "x", 1), IV_IO);
    assert_message(w->home, "folder");
    assert_int_equal(iv__home_bytes(w->home), 0);
}

static void folders_are_made_with_those_above(void **state)
{
    world *w = *state;
    static char longer[5000];

    assert_int_equal(iv__make_folders(w->home, in_folder(w, "a/b//c/")), IV_OK);
    assert_true(iv__is_folder(in_folder(w, "a/b/c")));
    assert_false(iv__file_exists(in_folder(w, "a/b/c")));
    assert_int_equal(iv__make_folders(w->home, in_folder(w, "a/b")), IV_OK);
    write_text(in_folder(w, "a/file"), "x");
    assert_true(iv__file_exists(in_folder(w, "a/file")));
    assert_false(iv__is_folder(in_folder(w, "a/file")));
    assert_int_equal(iv__make_folders(w->home, in_folder(w, "a/file")), IV_IO);
    assert_message(w->home, "a/file is there and is not a folder");
    assert_int_equal(iv__make_folders(w->home, in_folder(w, "a/file/b")), IV_IO);
    assert_message(w->home, "a/file/b: Not a directory");
    memset(longer, 'x', sizeof longer - 1);
    assert_int_equal(iv__make_folders(w->home, longer), IV_VALUE);
}

static void views_show_whole_files(void **state)
{
    world *w = *state;
    iv__view view;

    write_text(in_folder(w, "some"), "words");
    assert_int_equal(iv__view_open(w->home, in_folder(w, "some"), &view), IV_OK);
    assert_int_equal(view.size, 5);
    assert_memory_equal(view.data, "words", 5);
    iv__view_close(&view);
    assert_int_equal(view.size, 0);
    iv__view_close(&view);
    write_text(in_folder(w, "empty"), "");
    assert_int_equal(iv__view_open(w->home, in_folder(w, "empty"), &view), IV_OK);
    assert_int_equal(view.size, 0);
    assert_non_null(view.data);
    iv__view_close(&view);
    assert_int_equal(iv__view_open(w->home, in_folder(w, "none"), &view), IV_IO);
    assert_message(w->home, "none: No such file or directory");
    assert_int_equal(iv__view_open(w->home, w->folder, &view), IV_IO);
    assert_message(w->home, "expected a file, found a folder or a device");
    assert_int_equal(mkfifo(in_folder(w, "pipe"), 0600), 0);
    assert_int_equal(iv__view_open(w->home, in_folder(w, "pipe"), &view), IV_IO); /* not waited for */
    iv__view_close(&view);
}

/* ---- checksums ------------------------------------------------------------------------------- */

static void assert_sha256(const void *bytes, size_t size, size_t piece, const char *expected)
{
    iv__sha256 hash;
    char hex[65];

    iv__sha256_begin(&hash);
    for (size_t at = 0; at < size; at += piece)
        iv__sha256_add(&hash, (const char *)bytes + at, size - at < piece ? size - at : piece);
    iv__sha256_add(&hash, NULL, 0);
    iv__sha256_end(&hash, hex);
    assert_string_equal(hex, expected);
}

/* FIPS 180-4 and NIST's examples; the million of a's is of RFC 6234. */
static void sha256_gives_the_known_answers(void **state)
{
    static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    char *as = malloc(1000000);

    (void)state;
    memset(as, 'a', 1000000);
    assert_sha256("", 0, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_sha256("abc", 3, 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_sha256(two, 56, 56, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    static const size_t pieces[] = { 1000000, 4096, 64, 63, 65, 1 };
    for (int i = 0; i < SIZE(pieces); i++)
        assert_sha256(as, 1000000, pieces[i],
                      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    /* lengths around the place where the length no longer fits behind the text */
    assert_sha256(as, 55, 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
    assert_sha256(as, 56, 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
    assert_sha256(as, 64, 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
    free(as);
}

/* The processor's own rounds, where it has them, and the plain ones mix alike. */
static void sha256_is_the_same_on_every_processor(void **state)
{
    unsigned char blocks[64 * 9];
    uint32_t fast[8] = { 1, 2, 3, 4, 5, 6, 7, 0xffffffff }, plain[8];

    (void)state;
    memcpy(plain, fast, sizeof plain);
    for (int time = 0; time < 20; time++) {
        for (size_t i = 0; i < sizeof blocks; i++)
            blocks[i] = (unsigned char)(((i + 1) * 2654435761u + (size_t)time * 97) >> 13);
        iv__sha256_blocks(fast, blocks, (size_t)time % 10, false);
        iv__sha256_blocks(plain, blocks, (size_t)time % 10, true);
        assert_memory_equal(fast, plain, sizeof fast);
    }
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

static void readers_read_here_and_there(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "read");
    char bytes[6] = "";
    iv__view view;

    write_text(path, "0123456789");
    iv__reader *reader = iv__reader_open(w->home, path);
    assert_non_null(reader);
    assert_int_equal(iv__reader_size(reader), 10);
    assert_int_equal(iv__reader_get(reader, 4, bytes, 5), IV_OK);
    assert_string_equal(bytes, "45678");
    assert_int_equal(iv__reader_get(reader, 10, bytes, 0), IV_OK);
    assert_int_equal(iv__reader_view(reader, 3, &view), IV_OK);
    assert_int_equal(view.size, 3);
    assert_memory_equal(view.data, "012", 3);
    iv__view_close(&view);
    assert_int_equal(truncate(path, 6), 0);
    assert_int_equal(iv__reader_status(reader), IV_OK);
    assert_int_equal(iv__reader_get(reader, 4, bytes, 5), IV_IO);
    assert_message(w->home, "it was cut short meanwhile");
    assert_memory_equal(bytes, "\0\0\0\0\0", 5);
    assert_int_equal(iv__reader_status(reader), IV_IO);
    iv__reader_close(reader);
    assert_null(iv__reader_open(w->home, w->folder));
    assert_message(w->home, "expected a file, found a folder or a device");
    assert_null(iv__reader_open(w->home, in_folder(w, "absent")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(shapes_are_checked),
        IN_WORLD(files_are_old_or_new),
        IN_WORLD(large_files_come_out_whole),
        IN_WORLD(failing_writes_leave_the_old_file),
        IN_WORLD(what_killed_writers_left_is_removed),
        IN_WORLD(paths_that_cannot_be_written_are_named),
        IN_WORLD(folders_are_made_with_those_above),
        IN_WORLD(views_show_whole_files),
        IN_WORLD(readers_read_here_and_there),
        cmocka_unit_test(sha256_gives_the_known_answers),
        cmocka_unit_test(sha256_is_the_same_on_every_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
