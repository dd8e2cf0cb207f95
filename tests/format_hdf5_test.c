/* format_hdf5_test.c: HDF5 files by way of the helper: what they may hold besides numbers, files that are not to be
 * trusted, and damage. tools/golden/hostile_hdf5.py says how the files were made. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include "format/hdf5.h"
#include "format/zip.h"

#ifndef IVORY_TESTS
#define IVORY_TESTS "tests"
#endif

/* The file's bytes, to be freed by iv__free. */
static unsigned char *unpacked(iv_home *home, const char *archive, const char *name, size_t *size)
{
    char path[512];

    snprintf(path, sizeof path, "%s/golden/keras/%s", IVORY_TESTS, archive);
    iv__zip *zip = iv__zip_open(home, path);
    const iv__zip_file *file = zip ? iv__zip_find(zip, name) : NULL;
    unsigned char *bytes = file ? iv__zip_bytes(zip, file) : NULL;

    if (!bytes)
        fail_msg("%s of %s: %s", name, archive, iv_home_message(home));
    *size = file->size;
    iv__zip_close(zip);
    return bytes;
}

/* NULL with a message; the test is skipped where there is no helper. */
static iv__safetensors *read_packed(iv_home *home, const char *archive, const char *name, void **bytes)
{
    size_t size;
    unsigned char *from = unpacked(home, archive, name, &size);
    iv__safetensors *file = iv__hdf5_read(home, name, from, size, bytes);

    iv__free(home, from);
    if (!file && strstr(iv_home_message(home), "is not here"))
        skip();
    return file;
}

static void numbers_and_what_stands_beside_them(void **state)
{
    world *w = *state;
    void *bytes;
    iv__safetensors *file = read_packed(w->home, "hostile.zip", "mixed.h5", &bytes);
    int64_t n;

    if (!file)
        fail_msg("%s", iv_home_message(w->home));
    const iv__named_tensor *list = iv__safetensors_list(file, &n);
    assert_int_equal(n, 3);
    assert_string_equal(list[0].name, "numbers");
    assert_string_equal(list[0].kind, "F32");
    assert_memory_equal(list[0].data, ((const float[]){ 0, 1, 2 }), 12);
    assert_string_equal(list[1].name, "big");
    assert_memory_equal(list[1].data, ((const double[]){ 0, 1, 2 }), 24);
    assert_int_equal(list[2].shape.dim[0], 5000);
    assert_string_equal(iv__safetensors_metadata(file, ":text"), "caf\xC3\xA9");
    assert_string_equal(iv__safetensors_metadata(file, ":list"), "[\"one\", \"two\"]");
    assert_null(iv__safetensors_metadata(file, ":number"));
    iv__safetensors_close(file);
    iv__free(w->home, bytes);
}

static void what_is_not_to_be_trusted_is_refused(void **state)
{
    static const struct {
        const char *name, *message;
        iv_status status;
    } cases[] = {
        { "external.h5", "external.h5: the data set 'stolen' lies in other files", IV_FORMAT },
        { "virtual.h5", "'elsewhere' lies in other files", IV_FORMAT },
        { "huge.h5", "'huge' claims more numbers than its 0 bytes can hold", IV_FORMAT },
        { "axes.h5", "'axes' has more than 8 axes", IV_FORMAT },
    };
    world *w = *state;
    void *bytes;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null(read_packed(w->home, "hostile.zip", cases[i].name, &bytes));
        assert_null(bytes);
        assert_int_equal(iv_home_status(w->home), cases[i].status);
        assert_message(w->home, cases[i].message);
    }
}

/* Whatever is done to a file, it is read or refused with a message, and nothing is left in the home. */
static void damage_is_a_message(void **state)
{
    world *w = *state;
    void *bytes;
    size_t size;
    iv__safetensors *whole = read_packed(w->home, "old.zip", "cudnn.h5", &bytes);

    if (!whole)
        fail_msg("%s", iv_home_message(w->home));
    iv__safetensors_close(whole);
    iv__free(w->home, bytes);
    unsigned char *from = unpacked(w->home, "old.zip", "cudnn.h5", &size);
    const size_t held = iv__home_bytes(w->home);
    for (size_t cut = 0; cut < size; cut += size / 23) {
        assert_null(iv__hdf5_read(w->home, "cut.h5", from, cut, &bytes));
        assert_message(w->home, "cut.h5");
    }
    for (size_t at = 8; at < size; at += 211) {
        const unsigned char kept = from[at];
        from[at] ^= 0xFF;
        iv__safetensors *file = iv__hdf5_read(w->home, "changed.h5", from, size, &bytes);
        if (!file)
            assert_message(w->home, "changed.h5");
        iv__safetensors_close(file);
        iv__free(w->home, bytes);
        from[at] = kept;
    }
    assert_int_equal(iv__home_bytes(w->home), held);
    iv__free(w->home, from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_what_stands_beside_them),
        cmocka_unit_test(what_is_not_to_be_trusted_is_refused),
        cmocka_unit_test(damage_is_a_message),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
