/* data_pictures_test.c: data sets of pictures: files as they should be and as they should not, sizes,
 * levels, classes, the pictures for tests. */
#define _XOPEN_SOURCE 700
#include "pictures_world.h"

static char data_root[512];

#define PICTURES "train-images-idx3-ubyte"
#define LABELS "train-labels-idx1-ubyte"
#define TEST_PICTURES "t10k-images-idx3-ubyte"
#define TEST_LABELS "t10k-labels-idx1-ubyte"

/* Two pictures of 2 x 3 to train with, one for tests. */
static const unsigned char values[] = { 0, 64, 128, 255, 63, 127, 10, 20, 30, 40, 50, 60 };
static const unsigned char labels[] = { 9, 0 };

static void write_set(world *w)
{
    write_idx(in_folder(w, PICTURES), (int[]){ 2, 2, 3, 0 }, values, 12);
    write_idx(in_folder(w, LABELS), (int[]){ 2, 0 }, labels, 2);
    write_idx(in_folder(w, TEST_PICTURES), (int[]){ 1, 2, 3, 0 }, values, 6);
    write_idx(in_folder(w, TEST_LABELS), (int[]){ 1, 0 }, labels, 1);
}

static iv__pictures *open_set(world *w, const iv__pictures_options *options)
{
    iv__pictures *p = iv__pictures_open(w->home, &iv__dataset_fashion_mnist, in_folder(w, PICTURES),
                                        options);

    if (!p)
        fail_msg("%s", iv_home_message(w->home));
    return p;
}

/* ---- what is read ---------------------------------------------------------------------------- */

static void idx_files_are_read_as_they_are(void **state)
{
    world *w = *state;
    const char *const *names;

    write_set(w);
    iv__pictures *p = open_set(w, &(iv__pictures_options){ 0 });
    assert_int_equal(iv__pictures_count(p, false), 2);
    assert_int_equal(iv__pictures_count(p, true), 1);
    assert_int_equal(iv__pictures_height(p), 2);
    assert_int_equal(iv__pictures_width(p), 3);
    assert_int_equal(iv__pictures_channels(p), 1);
    assert_values(p, false, 0, values);
    assert_values(p, false, 1, values + 6);
    assert_values(p, true, 0, values);
    assert_int_equal(iv__pictures_label(p, false, 0), 9);
    assert_int_equal(iv__pictures_label(p, false, 1), 0);
    assert_int_equal(iv__pictures_label(p, true, 0), 9);
    assert_int_equal(iv__pictures_classes(p, &names), 10);
    assert_string_equal(names[9], "ankle boot");
    assert_report(p, "2 pictures and 1 for tests, 2 x 3 grey, 10 classes");
    iv__pictures_free(p);
}

static void levels_are_parts_of_256(void **state)
{
    world *w = *state;

    write_set(w);
    iv__pictures *p = open_set(w, &(iv__pictures_options){ .levels = 4 });
    assert_values(p, false, 0, (const unsigned char[]){ 0, 1, 2, 3, 0, 1 });
    assert_report(p, "2 pictures and 1 for tests, 2 x 3 grey, 4 levels, 10 classes");
    iv__pictures_free(p);
    p = open_set(w, &(iv__pictures_options){ .levels = 3 });
    assert_values(p, false, 0, (const unsigned char[]){ 0, 0, 1, 2, 0, 1 }); /* 85.3 and 170.7 divide */
    iv__pictures_free(p);
}

static void grey_becomes_colour(void **state)
{
    world *w = *state;

    write_set(w);
    iv__pictures *p = open_set(w, &(iv__pictures_options){ .channels = 3 });
    assert_values(p, false, 1,
                  (const unsigned char[]){ 10, 10, 10, 20, 20, 20, 30, 30, 30, 40, 40, 40, 50, 50,
                                           50, 60, 60, 60 });
    iv__pictures_free(p);
}

/* Of 2 x 3 the middle is 2 x 2; stretched, columns lie at 1/4 and 7/4 of the three. */
static void another_shape_is_cropped_or_stretched(void **state)
{
    world *w = *state;

    write_set(w);
    iv__pictures *p = open_set(w, &(iv__pictures_options){ .height = 2, .width = 2 });
    assert_values(p, false, 1, (const unsigned char[]){ 10, 20, 40, 50 });
    iv__pictures_free(p);
    p = open_set(w, &(iv__pictures_options){ .height = 2, .width = 2, .crop = IV__CROP_STRETCH });
    assert_values(p, false, 1, (const unsigned char[]){ 13, 28, 43, 58 }); /* 12.5, 27.5, ... */
    assert_report(p, "2 pictures and 1 for tests, 2 x 3 grey made 2 x 2, 10 classes");
    iv__pictures_free(p);
}

/* Levels are cut from the resized value before it is rounded: 63.5 is of the first, not 64 of the second. */
static void levels_are_cut_before_rounding(void **state)
{
    world *w = *state;
    const iv__pictures_options options = { .height = 2, .width = 1, .levels = 4, .crop = IV__CROP_STRETCH };

    write_set(w);
    write_idx(in_folder(w, PICTURES), (int[]){ 2, 2, 2, 0 },
              (const unsigned char[]){ 63, 64, 64, 64, 0, 0, 0, 0 }, 8);
    iv__pictures *p = open_set(w, &options);
    assert_values(p, false, 0, (const unsigned char[]){ 0, 1 });
    iv__pictures_free(p);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void refused(world *w, iv_status status, const char *message)
{
    assert_pictures_refused(w, &iv__dataset_fashion_mnist, in_folder(w, PICTURES),
                            &(iv__pictures_options){ 0 }, status, message);
    write_set(w);
}

static void damaged_files_are_refused(void **state)
{
    world *w = *state;
    char path[512];

    snprintf(path, sizeof path, "%s", in_folder(w, PICTURES));
    write_set(w);
    write_bytes(path, "", 0);
    refused(w, IV_FORMAT, PICTURES ": expected two zero bytes, the type and the rank at the beginning");
    write_bytes(path, "\0\1\10\3", 4);
    refused(w, IV_FORMAT, PICTURES ": expected two zero bytes");
    write_bytes(path, "\0\0\15\3\0\0\0\1", 8);
    refused(w, IV_FORMAT, PICTURES ": expected the type 8");
    write_idx(path, (int[]){ 2, 0 }, labels, 2);
    refused(w, IV_FORMAT, PICTURES ": expected 3 axes (pictures) but found 1");
    write_bytes(path, "\0\0\10\3\0\0\0\1\0\0", 10);
    refused(w, IV_FORMAT, PICTURES ": the file ends within its head");
    write_bytes(path, "\0\0\10\3\0\0\0\1\0\0\0\0\0\0\0\1", 16);
    refused(w, IV_FORMAT, PICTURES ": an item has no bytes, or more than 268435456");
    write_bytes(path, "\0\0\10\3\0\0\0\1\377\377\377\377\377\377\377\377", 16);
    refused(w, IV_FORMAT, PICTURES ": an item has no bytes, or more than 268435456");
    write_idx(path, (int[]){ 2, 2, 3, 0 }, values, 11);
    refused(w, IV_FORMAT, PICTURES ": the file ends within item 1 of 2");
    write_idx(path, (int[]){ 1, 2, 3, 0 }, values, 7);
    write_idx(in_folder(w, LABELS), (int[]){ 1, 0 }, labels, 1);
    refused(w, IV_FORMAT, PICTURES ": bytes follow the last of 1 items");
    write_bytes(path, "\0\0\10\3\0\0\0\0\0\0\0\1\0\0\0\1", 16);
    write_bytes(in_folder(w, LABELS), "\0\0\10\1\0\0\0\0", 8);
    refused(w, IV_FORMAT, PICTURES " has no pictures to train with");
    write_bytes(path, "\0\0\10\3\377\377\377\377\0\0\0\1\0\1\0\0x", 17); /* four thousand million wide ones */
    write_bytes(in_folder(w, LABELS), "\0\0\10\1\377\377\377\377", 8);
    refused(w, IV_FORMAT, "the file ends within item 0 of 4294967295");
}

static void labels_that_do_not_fit_are_refused(void **state)
{
    world *w = *state;

    write_set(w);
    write_idx(in_folder(w, LABELS), (int[]){ 1, 0 }, labels, 1);
    refused(w, IV_FORMAT, "has 1 labels, but ");
    write_idx(in_folder(w, LABELS), (int[]){ 2, 0 }, (const unsigned char[]){ 9, 10 }, 2);
    refused(w, IV_FORMAT, LABELS ": label 1 is 10: expected 0 to 9");
    write_idx(in_folder(w, TEST_LABELS), (int[]){ 2, 0 }, labels, 2);
    refused(w, IV_FORMAT, TEST_PICTURES " has 1 pictures");
    assert_int_equal(remove(in_folder(w, TEST_LABELS)), 0);
    refused(w, IV_IO, TEST_LABELS "(.gz) is not beside ");
}

static void options_out_of_range_are_refused(void **state)
{
    world *w = *state;
    const struct {
        iv__pictures_options options;
        const char *message;
    } cases[] = {
        { { .height = 65537, .width = 1 }, "pictures of 65537 x 1: expected at most 65536 x 65536" },
        { { .height = 1, .width = -1 }, "pictures of 1 x -1" },
        { { .channels = 2 }, "pictures of 2 channels: expected 1 (grey) or 3 (red, green, blue)" },
        { { .levels = 1 }, "pictures of 1 levels: expected 2 to 256" },
        { { .levels = 257 }, "pictures of 257 levels: expected 2 to 256" },
    };

    write_set(w);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_pictures_refused(w, &iv__dataset_fashion_mnist, in_folder(w, PICTURES),
                                &cases[i].options, IV_VALUE, cases[i].message);
}

static void texts_are_no_pictures_and_pictures_no_texts(void **state)
{
    world *w = *state;

    assert_pictures_refused(w, &iv__dataset_text, "", &(iv__pictures_options){ 0 }, IV_VALUE,
                            "the data set text holds texts, no pictures");
    assert_null(iv__records_open(w->home, &iv__dataset_fashion_mnist, "", NULL));
    assert_message(w->home, "the data set fashion-mnist holds pictures, no texts");
}

static bool open_scarcely(iv_home *home, void *path)
{
    iv__pictures *p = iv__pictures_open(home, &iv__dataset_fashion_mnist, path,
                                        &(iv__pictures_options){
                                            .height = 3, .width = 2, .resize = IV__RESIZE_FILTERED });

    iv__pictures_free(p);
    return p != NULL;
}

static void memory_that_runs_out_is_told(void **state)
{
    world *w = *state;

    write_set(w);
    assert_survives_scarcity(open_scarcely, (void *)in_folder(w, PICTURES));
}

/* ---- CIFAR-10 -------------------------------------------------------------------------------- */

enum { RECORD = 1 + 3 * 32 * 32 };

/* `count` pictures whose labels are first, first + 1 ...: red their number, green 7, blue their column. */
static void write_cifar(const char *path, int count, int first, size_t cut)
{
    static unsigned char bytes[4 * RECORD], *at;

    at = bytes;
    for (int n = 0; n < count; n++) {
        *at++ = (unsigned char)(first + n);
        for (int i = 0; i < 3 * 1024; i++)
            *at++ = (unsigned char)(i < 1024 ? n : i < 2048 ? 7 : i % 32);
    }
    write_bytes(path, bytes, (size_t)count * RECORD - cut);
}

static void cifar_is_planes(void **state)
{
    world *w = *state;
    const char *const *names;

    write_cifar(in_folder(w, "train_subset_4000.bin"), 3, 7, 0);
    write_cifar(in_folder(w, "test_subset_1000.bin"), 1, 2, 0);
    iv__pictures *p = iv__pictures_open(w->home, &iv__dataset_cifar_10_small,
                                        in_folder(w, "train_subset_4000.bin"),
                                        &(iv__pictures_options){ 0 });
    assert_non_null(p);
    assert_report(p, "3 pictures and 1 for tests, 32 x 32 in colours, 10 classes");
    assert_memory_equal(iv__pictures_at(p, false, 2), "\2\7\0\2\7\1\2\7\2", 9);
    assert_memory_equal(iv__pictures_at(p, false, 2) + 3069, "\2\7\37", 3);
    assert_int_equal(iv__pictures_label(p, false, 2), 9);
    assert_int_equal(iv__pictures_label(p, true, 0), 2);
    assert_int_equal(iv__pictures_classes(p, &names), 10);
    assert_string_equal(names[9], "truck");
    iv__pictures_free(p);
}

/* 0.299 1 + 0.587 7 + 0.114 31 = 7.942 */
static void colour_becomes_grey(void **state)
{
    world *w = *state;

    write_cifar(in_folder(w, "train_subset_4000.bin"), 2, 0, 0);
    write_cifar(in_folder(w, "test_subset_1000.bin"), 1, 0, 0);
    iv__pictures *p = iv__pictures_open(w->home, &iv__dataset_cifar_10_small,
                                        in_folder(w, "train_subset_4000.bin"),
                                        &(iv__pictures_options){ .channels = 1 });
    assert_non_null(p);
    assert_int_equal(iv__pictures_channels(p), 1);
    assert_int_equal(iv__pictures_at(p, false, 1)[31], 8);
    iv__pictures_free(p);
}

static void the_whole_of_cifar_is_six_files(void **state)
{
    world *w = *state;
    char name[32];

    for (int i = 1; i <= 5; i++) {
        snprintf(name, sizeof name, "data_batch_%d.bin", i);
        write_cifar(in_folder(w, name), i == 5 ? 2 : 1, i, 0);
    }
    write_cifar(in_folder(w, "test_batch.bin"), 3, 0, 0);
    iv__pictures *p = iv__pictures_open(w->home, &iv__dataset_cifar_10,
                                        in_folder(w, "data_batch_1.bin"), &(iv__pictures_options){ 0 });
    assert_non_null(p);
    assert_int_equal(iv__pictures_count(p, false), 6);
    assert_int_equal(iv__pictures_count(p, true), 3);
    assert_int_equal(iv__pictures_label(p, false, 4), 5);
    iv__pictures_free(p);
    assert_int_equal(remove(in_folder(w, "data_batch_4.bin")), 0);
    assert_pictures_refused(w, &iv__dataset_cifar_10, in_folder(w, "data_batch_1.bin"),
                            &(iv__pictures_options){ 0 }, IV_IO, "data_batch_4.bin(.gz) is not beside");
}

static void damaged_cifar_is_refused(void **state)
{
    world *w = *state;
    char path[512];

    snprintf(path, sizeof path, "%s", in_folder(w, "train_subset_4000.bin"));
    write_cifar(in_folder(w, "test_subset_1000.bin"), 1, 0, 0);
    write_cifar(path, 2, 0, 1);
    assert_pictures_refused(
        w, &iv__dataset_cifar_10_small, path, &(iv__pictures_options){ 0 }, IV_FORMAT,
        "train_subset_4000.bin: picture 1 has 3072 bytes instead of 3073: the file is cut short");
    write_cifar(path, 2, 9, 0);
    assert_pictures_refused(w, &iv__dataset_cifar_10_small, path, &(iv__pictures_options){ 0 },
                            IV_FORMAT,
                            "train_subset_4000.bin: the label of picture 1 is 10: expected 0 to 9");
    write_cifar(path, 0, 0, 0);
    assert_pictures_refused(w, &iv__dataset_cifar_10_small, path, &(iv__pictures_options){ 0 },
                            IV_FORMAT, "train_subset_4000.bin has no pictures to train with");
}

/* ---- the checksum ---------------------------------------------------------------------------- */

/* Every file counts, by name and contents. */
static void a_checksum_is_of_all_files(void **state)
{
    world *w = *state;
    char before[65], after[65];

    write_set(w);
    assert_int_equal(iv__dataset_sha256(w->home, &iv__dataset_fashion_mnist, in_folder(w, PICTURES),
                                        before),
                     IV_OK);
    write_idx(in_folder(w, TEST_LABELS), (int[]){ 1, 0 }, labels + 1, 1);
    assert_int_equal(iv__dataset_sha256(w->home, &iv__dataset_fashion_mnist, in_folder(w, PICTURES),
                                        after),
                     IV_OK);
    assert_string_not_equal(before, after);
    assert_int_equal(remove(in_folder(w, TEST_LABELS)), 0);
    assert_int_equal(iv__dataset_sha256(w->home, &iv__dataset_fashion_mnist, in_folder(w, PICTURES),
                                        after),
                     IV_IO);
}

/* ---- the real ones --------------------------------------------------------------------------- */

static iv__pictures *open_real(world *w, const iv__dataset *set, const iv__pictures_options *options)
{
    iv__text path = { .home = w->home };
    char hex[65];

    if (!*data_root || iv__dataset_locate(w->home, set, data_root, &path))
        skip(); /* the real data sets are found through IVORY_DATA */
    if (strstr(path.data, ".gz")) {
        assert_int_equal(iv__dataset_sha256(w->home, set, path.data, hex), IV_OK);
        assert_string_equal(hex, set->sha256);
    }
    iv__pictures *p = iv__pictures_open(w->home, set, path.data, options);
    iv__text_free(&path);
    assert_non_null(p);
    return p;
}

/* As NumPy counts them in the chapter's recipe. */
static void real_clothes_have_four_levels(void **state)
{
    world *w = *state;
    int64_t count[4] = { 0 };
    iv__pictures *p = open_real(w, &iv__dataset_fashion_mnist,
                                &(iv__pictures_options){
                                    .height = 16, .width = 16, .channels = 1, .levels = 4 });

    assert_int_equal(iv__pictures_count(p, false), 60000);
    assert_int_equal(iv__pictures_count(p, true), 10000);
    for (int64_t i = 0; i < 60000L * 256; i++)
        count[iv__pictures_at(p, false, 0)[i]]++;
    for (int i = 0; i < 10; i++)
        assert_int_equal(iv__pictures_label(p, false, i), "\11\0\0\3\0\2\7\2\5\5"[i]);
    assert_int_equal(count[0], 8918135);
    assert_int_equal(count[1], 1760999);
    assert_int_equal(count[2], 2243910);
    assert_int_equal(count[3], 2436956);
    assert_report(p, "60000 pictures and 10000 for tests, 28 x 28 grey made 16 x 16, 4 levels, 10 classes");
    iv__pictures_free(p);
}

static void real_cifar(void **state)
{
    world *w = *state;
    iv__pictures *p = open_real(w, &iv__dataset_cifar_10_small, &(iv__pictures_options){ 0 });
    int64_t sum[2] = { 0 };

    assert_report(p, "4000 pictures and 1000 for tests, 32 x 32 in colours, 10 classes");
    for (int test = 0; test < 2; test++) {
        const int64_t count = iv__pictures_count(p, test);
        for (int64_t i = 0; i < count; i++)
            assert_int_equal(iv__pictures_label(p, test, i), i % 10);
        for (int64_t i = 0; i < count * 3072; i++)
            sum[test] += iv__pictures_at(p, test, 0)[i] * (1 + i % 3);
    }
    assert_int_equal(sum[0], 2909239334); /* red + 2 green + 3 blue, as NumPy adds them */
    assert_int_equal(sum[1], 737109496);
    iv__pictures_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idx_files_are_read_as_they_are),
        cmocka_unit_test(levels_are_parts_of_256),
        cmocka_unit_test(grey_becomes_colour),
        cmocka_unit_test(another_shape_is_cropped_or_stretched),
        cmocka_unit_test(levels_are_cut_before_rounding),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(labels_that_do_not_fit_are_refused),
        cmocka_unit_test(options_out_of_range_are_refused),
        cmocka_unit_test(texts_are_no_pictures_and_pictures_no_texts),
        cmocka_unit_test(memory_that_runs_out_is_told),
        cmocka_unit_test(cifar_is_planes),
        cmocka_unit_test(colour_becomes_grey),
        cmocka_unit_test(the_whole_of_cifar_is_six_files),
        cmocka_unit_test(damaged_cifar_is_refused),
        cmocka_unit_test(a_checksum_is_of_all_files),
        cmocka_unit_test(real_clothes_have_four_levels),
        cmocka_unit_test(real_cifar),
    };

    if (getenv("IVORY_DATA"))
        snprintf(data_root, sizeof data_root, "%s", getenv("IVORY_DATA"));
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
