/* data_own_pictures_test.c: a person's own pictures: folders of image files, single files, one picture. */
#define _XOPEN_SOURCE 700
#include "pictures_world.h"

#include <sys/stat.h>

#include "format/image.h"

/* Writes a PNG all of one value, or as many values as it has channels. */
static void write_png(world *w, const char *name, int64_t height, int64_t width, int channels,
                      const char *value)
{
    iv__image image;

    assert_int_equal(iv__image_new(w->home, width, height, channels, 8, &image), IV_OK);
    for (int64_t i = 0; i < height * width * channels; i++)
        ((char *)image.pixels)[i] = value[i % channels];
    assert_int_equal(iv__image_write(w->home, in_folder(w, name), &image), IV_OK);
    iv__image_free(w->home, &image);
}

static void make_folder(world *w, const char *name)
{
    assert_int_equal(mkdir(in_folder(w, name), 0777), 0);
}

static iv__pictures *open_own(world *w, const char *name, const iv__pictures_options *options)
{
    iv__pictures *p = iv__pictures_open(w->home, &iv__dataset_pictures, in_folder(w, name), options);

    if (!p)
        fail_msg("%s", iv_home_message(w->home));
    return p;
}

/* ---- folders --------------------------------------------------------------------------------- */

static void folders_are_classes(void **state)
{
    world *w = *state;
    const char *const *names;

    make_folder(w, "pets");
    make_folder(w, "pets/cat");
    make_folder(w, "pets/cat/old");
    make_folder(w, "pets/cat-like");
    make_folder(w, "pets/dog");
    make_folder(w, "pets/dogs");
    make_folder(w, "pets/.hidden");
    write_png(w, "pets/cat/b.png", 2, 2, 1, "\1");
    write_png(w, "pets/cat/old/a.png", 2, 2, 1, "\2");
    write_png(w, "pets/cat-like/a.png", 2, 2, 1, "\3");
    write_png(w, "pets/dog/a.png", 2, 2, 1, "\4");
    write_png(w, "pets/dogs/a.png", 2, 2, 1, "\5");
    write_png(w, "pets/.hidden/a.png", 2, 2, 1, "\6");
    write_text(in_folder(w, "pets/notes.txt"), "no picture, and in no class");
    iv__pictures *p = open_own(w, "pets", &(iv__pictures_options){ 0 });
    assert_report(p, "5 pictures, 2 x 2 grey, 4 classes; 1 file was left out that cannot be read as a picture: notes.txt");
    assert_int_equal(iv__pictures_classes(p, &names), 4);
    const char *const expected[] = { "cat-like", "cat", "dog", "dogs" };
    for (int i = 0; i < 4; i++)
        assert_string_equal(names[i], expected[i]);
    const char labels[] = { 0, 1, 1, 2, 3 }, values[] = { 3, 1, 2, 4, 5 };
    for (int i = 0; i < 5; i++) {
        assert_int_equal(iv__pictures_label(p, false, i), labels[i]);
        assert_int_equal(iv__pictures_at(p, false, i)[0], values[i]);
    }
    assert_int_equal(iv__pictures_count(p, true), 0);
    iv__pictures_free(p);

    /* one that is in no folder, or one folder alone: no classes */
    write_png(w, "pets/z.png", 2, 2, 1, "\7");
    p = open_own(w, "pets", &(iv__pictures_options){ 0 });
    assert_int_equal(iv__pictures_classes(p, &names), 0);
    for (int i = 0; i < 6; i++)
        assert_int_equal(iv__pictures_label(p, false, i), -1);
    iv__pictures_free(p);
    p = open_own(w, "pets/cat", &(iv__pictures_options){ 0 });
    assert_int_equal(iv__pictures_count(p, false), 2);
    assert_int_equal(iv__pictures_classes(p, &names), 0);
    iv__pictures_free(p);
}

static void bad_files_are_left_out_by_name(void **state)
{
    world *w = *state;
    size_t size;
    char name[32];

    make_folder(w, "mixed");
    write_png(w, "mixed/a.png", 2, 3, 3, "\1\2\3");
    write_png(w, "mixed/c.png", 2, 3, 3, "\4\5\6");
    unsigned char *bytes = read_bytes(in_folder(w, "mixed/a.png"), &size);
    write_bytes(in_folder(w, "mixed/b.png"), bytes, size / 2);
    free(bytes);
    iv__pictures *p = open_own(w, "mixed", &(iv__pictures_options){ 0 });
    assert_report(p, "2 pictures, 2 x 3 in colours; 1 file was left out that cannot be read as a picture: b.png");
    assert_values(p, false, 1, (const unsigned char *)"\4\5\6\4\5\6\4\5\6\4\5\6\4\5\6\4\5\6");
    assert_int_equal(iv_home_status(w->home), IV_OK);
    iv__pictures_free(p);

    for (int i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "mixed/d%d.txt", i);
        write_text(in_folder(w, name), "");
    }
    p = open_own(w, "mixed", &(iv__pictures_options){ 0 });
    assert_report(p, "2 pictures, 2 x 3 in colours; 7 files were left out that cannot be read as pictures: "
                     "b.png, d0.txt, d1.txt, d2.txt, d3.txt ...");
    iv__pictures_free(p);
}

static void folders_without_pictures_are_refused(void **state)
{
    world *w = *state;

    make_folder(w, "empty");
    make_folder(w, "empty/too");
    assert_pictures_refused(
        w, &iv__dataset_pictures, in_folder(w, "empty"), &(iv__pictures_options){ 0 }, IV_VALUE,
        "/empty: the folder is empty; expected pictures of your own: a folder of PNG, JPEG");
    write_text(in_folder(w, "empty/a.txt"), "text");
    write_text(in_folder(w, "empty/b.txt"), "text");
    assert_pictures_refused(w, &iv__dataset_pictures, in_folder(w, "empty"),
                            &(iv__pictures_options){ 0 }, IV_VALUE,
                            "/empty: none of 2 files is a picture; of the first it is said: ");
    assert_message(w->home, "empty/a.txt");
    assert_pictures_refused(w, &iv__dataset_pictures, in_folder(w, "empty/a.txt"),
                            &(iv__pictures_options){ 0 }, IV_FORMAT,
                            "a.txt: the file does not hold many pictures; expected pictures of your own");
    assert_pictures_refused(w, &iv__dataset_pictures, in_folder(w, "absent"),
                            &(iv__pictures_options){ 0 }, IV_IO, "absent");
}

/* ---- sizes and channels ---------------------------------------------------------------------- */

/* The first picture decides sizes; any in colours makes all of them so. */
static void sizes_and_channels_are_those_of_the_data(void **state)
{
    world *w = *state;

    make_folder(w, "sizes");
    write_png(w, "sizes/a.png", 2, 2, 1, "\12");
    write_png(w, "sizes/b.png", 9, 5, 3, "\144\0\0"); /* red 100 is grey 29.9 */
    write_png(w, "sizes/c.png", 3, 3, 2, "\0\200");   /* black, half of it over white: 255 - 128 */
    iv__pictures *p = open_own(w, "sizes", &(iv__pictures_options){ .resize = IV__RESIZE_FILTERED });
    assert_report(p, "3 pictures, 2 x 2 in colours (2 of other sizes) made 2 x 2");
    assert_values(p, false, 0, (const unsigned char *)"\12\12\12\12\12\12\12\12\12\12\12\12");
    assert_values(p, false, 1, (const unsigned char *)"\144\0\0\144\0\0\144\0\0\144\0\0");
    assert_values(p, false, 2,
                  (const unsigned char *)"\177\177\177\177\177\177\177\177\177\177\177\177");
    iv__pictures_free(p);
    p = open_own(w, "sizes", &(iv__pictures_options){ .channels = 1, .resize = IV__RESIZE_FILTERED });
    assert_report(p, "3 pictures, 2 x 2 grey (2 of other sizes) made 2 x 2");
    assert_values(p, false, 0, (const unsigned char *)"\12\12\12\12");
    assert_values(p, false, 1, (const unsigned char *)"\36\36\36\36");
    assert_values(p, false, 2, (const unsigned char *)"\177\177\177\177");
    iv__pictures_free(p);
    p = open_own(w, "sizes", &(iv__pictures_options){ .height = 1, .width = 2, .channels = 3 });
    assert_values(p, false, 1, (const unsigned char *)"\144\0\0\144\0\0");
    assert_values(p, false, 2, (const unsigned char *)"\177\177\177\177\177\177");
    iv__pictures_free(p);
}

static void one_picture_is_loaded(void **state)
{
    world *w = *state;
    unsigned char values[12];
    iv__pictures_options options = { .height = 2, .width = 2, .channels = 1, .levels = 2 };

    write_png(w, "one.png", 4, 6, 3, "\310\310\310");
    assert_int_equal(iv__picture_load(w->home, in_folder(w, "one.png"), &options, values), IV_OK);
    assert_memory_equal(values, "\1\1\1\1", 4);
    options.levels = 1;
    assert_int_equal(iv__picture_load(w->home, in_folder(w, "one.png"), &options, values), IV_VALUE);
    options.levels = 256;
    assert_int_equal(iv__picture_load(w->home, in_folder(w, "none.png"), &options, values), IV_IO);
    assert_message(w->home, "none.png");
    write_png(w, "long.png", 1, 65537, 1, "\1");
    assert_int_equal(iv__picture_load(w->home, in_folder(w, "long.png"), &options, values),
                     IV_UNSUPPORTED);
    assert_message(w->home, "long.png: a picture of 1 x 65537 pixels: expected at most 65536 x 65536");
}

/* ---- files of many --------------------------------------------------------------------------- */

static void single_files_have_numbered_classes(void **state)
{
    world *w = *state;
    const char *const *names;
    unsigned char record[3073] = { 4 };

    write_idx(in_folder(w, "my-images-idx3-ubyte"), (int[]){ 2, 1, 2, 0 },
              (const unsigned char *)"\1\2\3\4", 4);
    iv__pictures *p = open_own(w, "my-images-idx3-ubyte", &(iv__pictures_options){ 0 });
    assert_report(p, "2 pictures, 1 x 2 grey");
    assert_int_equal(iv__pictures_label(p, false, 0), -1);
    iv__pictures_free(p);

    write_idx(in_folder(w, "my-labels-idx1-ubyte"), (int[]){ 2, 0 }, (const unsigned char *)"\14\0", 2);
    p = open_own(w, "my-images-idx3-ubyte", &(iv__pictures_options){ 0 });
    assert_report(p, "2 pictures, 1 x 2 grey, 13 classes");
    assert_int_equal(iv__pictures_label(p, false, 0), 12);
    assert_int_equal(iv__pictures_classes(p, &names), 13);
    assert_string_equal(names[12], "12");
    iv__pictures_free(p);

    write_bytes(in_folder(w, "mine.bin"), record, sizeof record);
    p = open_own(w, "mine.bin", &(iv__pictures_options){ 0 });
    assert_report(p, "1 picture, 32 x 32 in colours, 5 classes");
    iv__pictures_free(p);
}

/* ---- memory and checksum --------------------------------------------------------------------- */

static bool open_scarcely(iv_home *home, void *path)
{
    iv__pictures *p = iv__pictures_open(home, &iv__dataset_pictures, path,
                                        &(iv__pictures_options){ .height = 3, .width = 2 });

    iv__pictures_free(p);
    return p != NULL;
}

static void memory_that_runs_out_is_told(void **state)
{
    world *w = *state;

    make_folder(w, "few");
    make_folder(w, "few/a");
    make_folder(w, "few/b");
    write_png(w, "few/a/1.png", 2, 2, 1, "\1");
    write_png(w, "few/b/2.png", 3, 2, 2, "\1\2");
    write_png(w, "few/b/3.png", 2, 2, 3, "\1\2\3"); /* the grey ones grow */
    write_text(in_folder(w, "few/notes.txt"), "no picture");
    assert_survives_scarcity(open_scarcely, (void *)in_folder(w, "few"));
}

static void a_folder_has_a_checksum(void **state)
{
    world *w = *state;
    char before[65], after[65];

    make_folder(w, "sum");
    write_png(w, "sum/a.png", 1, 1, 1, "\1");
    assert_int_equal(iv__dataset_sha256(w->home, &iv__dataset_pictures, in_folder(w, "sum"), before),
                     IV_OK);
    write_png(w, "sum/a.png", 1, 1, 1, "\2");
    assert_int_equal(iv__dataset_sha256(w->home, &iv__dataset_pictures, in_folder(w, "sum"), after),
                     IV_OK);
    assert_string_not_equal(before, after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_classes),
        cmocka_unit_test(bad_files_are_left_out_by_name),
        cmocka_unit_test(folders_without_pictures_are_refused),
        cmocka_unit_test(sizes_and_channels_are_those_of_the_data),
        cmocka_unit_test(one_picture_is_loaded),
        cmocka_unit_test(single_files_have_numbered_classes),
        cmocka_unit_test(memory_that_runs_out_is_told),
        cmocka_unit_test(a_folder_has_a_checksum),
    };

    return cmocka_run_group_tests(tests, world_begin, world_end);
}
