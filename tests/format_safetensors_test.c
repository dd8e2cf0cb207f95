/* format_safetensors_test.c: safetensors files written and read; every changed byte and every
 * cut is found. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include "format/safetensors.h"

static const float kernel[2][3] = { { 1, 2, 3 }, { -4, 0.5f, 6 } };
static const double rates[1] = { 1e-3 };
static const int32_t steps[2] = { 7, -8 };
static const uint8_t letters[5] = { 'a', 0, 'b', 255, 'c' };
static const float one = 42;

static const iv__named_tensor five[] = {
    { .name = "letters", .dtype = IV_U8, .shape = { 1, { 5 } }, .data = letters },
    { .name = "layer/kernel", .dtype = IV_F32, .shape = { 2, { 2, 3 } }, .data = kernel },
    { .name = "steps", .dtype = IV_I32, .shape = { 1, { 2 } }, .data = steps },
    { .name = "rate \"\xc3\xa9\"", .dtype = IV_F64, .shape = { 1, { 1 } }, .data = rates },
    { .name = "scalar", .dtype = IV_F32, .shape = { 0, { 0 } }, .data = &one },
    { .name = "none", .dtype = IV_F32, .shape = { 2, { 0, 4 } }, .data = NULL },
};
enum { FIVE = sizeof five / sizeof *five };
static const iv__pair pairs[] = { { "options", "units=2\nlayers=\"1\"" }, { "empty", "" } };

static const char *write_five(world *w)
{
    const char *path = in_folder(w, "five.safetensors");

    assert_int_equal(iv__safetensors_write(w->home, path, FIVE, five, 2, pairs), IV_OK);
    return path;
}

static void what_is_written_is_read(void **state)
{
    world *w = *state;
    const char *path = write_five(w);
    static const char *const order[] = {
        "rate \"\xc3\xa9\"", "layer/kernel", "steps", "scalar", "none", "letters"
    };
    static const char *const kinds[] = { "F64", "F32", "I32", "F32", "F32", "U8" };
    int64_t n;

    iv__safetensors *file = iv__safetensors_open(w->home, path);
    assert_non_null(file);
    assert_true(iv__safetensors_checked(file));
    const iv__named_tensor *list = iv__safetensors_list(file, &n);
    assert_int_equal(n, FIVE);
    for (int i = 0; i < FIVE; i++) {
        assert_string_equal(list[i].name, order[i]);
        assert_string_equal(list[i].kind, kinds[i]);
        assert_true(list[i].bytes == 0 || (uintptr_t)list[i].data % iv_dtype_size(list[i].dtype) == 0);
    }
    assert_int_equal((uintptr_t)list[0].data % 64, 0);
    for (int i = 0; i < FIVE; i++) {
        const iv__named_tensor *t = iv__safetensors_expect(file, five[i].name, five[i].dtype,
                                                           &five[i].shape);
        assert_non_null(t);
        assert_int_equal(t->bytes, (size_t)iv_shape_count(&t->shape) * iv_dtype_size(t->dtype));
        if (t->bytes > 0)
            assert_memory_equal(t->data, five[i].data, t->bytes);
    }
    assert_string_equal(iv__safetensors_metadata(file, "options"), "units=2\nlayers=\"1\"");
    assert_string_equal(iv__safetensors_metadata(file, "empty"), "");
    assert_null(iv__safetensors_metadata(file, "none"));
    assert_null(iv__safetensors_find(file, "nothing"));

    assert_null(iv__safetensors_expect(file, "nothing", IV_F32, &iv_dims(1)));
    assert_message(w->home, "five.safetensors: tensor 'nothing' is missing");
    assert_null(iv__safetensors_expect(file, "steps", IV_F32, &iv_dims(2)));
    assert_message(w->home, "tensor 'steps' is I32, expected F32");
    assert_null(iv__safetensors_expect(file, "steps", IV_I32, &iv_dims(3)));
    assert_message(w->home, "tensor 'steps' is [2], expected [3]");
    iv__safetensors_close(file);
}

static void equal_contents_give_equal_bytes(void **state)
{
    world *w = *state;
    size_t a_size, b_size;
    unsigned char *a = read_bytes(write_five(w), &a_size), *b = read_bytes(write_five(w), &b_size);

    assert_int_equal(a_size, b_size);
    assert_memory_equal(a, b, a_size);
    free(a);
    free(b);
}

static void every_changed_byte_is_found(void **state)
{
    world *w = *state;
    size_t size;
    unsigned char *bytes = read_bytes(write_five(w), &size);

    iv__safetensors *whole = iv__safetensors_read(w->home, "five", bytes, size);
    assert_non_null(whole);
    iv__safetensors_close(whole);
    for (size_t at = 0; at < size; at++)
        for (int change = 1; change < 256; change++) {
            bytes[at] ^= (unsigned char)change;
            iv_home_clear(w->home);
            iv__safetensors *file = iv__safetensors_read(w->home, "five", bytes, size);
            bytes[at] ^= (unsigned char)change;
            if (file)
                fail_msg("byte %zu changed by 0x%02x was not noticed", at, (unsigned)change);
            assert_int_equal(iv_home_status(w->home), IV_FORMAT);
        }
    bytes[size - 1] ^= 1;
    assert_null(iv__safetensors_read(w->home, "five", bytes, size));
    assert_message(w->home,
                   "five: the bytes of tensor 'letters' do not match their checksum: the file is damaged");
    bytes[size - 1] ^= 1;
    bytes[20] ^= 32;
    assert_null(iv__safetensors_read(w->home, "five", bytes, size));
    assert_message(w->home, "five: ");
    free(bytes);
}

static void every_cut_is_found(void **state)
{
    world *w = *state;
    size_t size;
    unsigned char *bytes = read_bytes(write_five(w), &size);

    for (size_t cut = 0; cut < size; cut++) {
        assert_null(iv__safetensors_read(w->home, "five", bytes, cut));
        assert_int_equal(iv_home_status(w->home), IV_FORMAT);
        assert_message(w->home, cut < size - 60 ? "five: " : "the file is cut short");
    }
    bytes = realloc(bytes, size + 1);
    bytes[size] = 0;
    assert_null(iv__safetensors_read(w->home, "five", bytes, size + 1));
    assert_message(w->home, "five: 1 bytes behind the last tensor");
    free(bytes);
}

/* A file of another program: a header and data without checksums. */
static iv__safetensors *read_foreign(world *w, const char *header, size_t data_size)
{
    static unsigned char bytes[4096];
    uint64_t size = strlen(header);

    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, &size, 8);
    memcpy(bytes + 8, header, size);
    for (size_t i = 0; i < data_size; i++)
        bytes[8 + size + i] = (unsigned char)(i + 1);
    return iv__safetensors_read(w->home, "other", bytes, 8 + size + data_size);
}

static void files_of_others_are_read(void **state)
{
    world *w = *state;
    iv__safetensors *file =
        read_foreign(w,
                     "{\"b\":{\"data_offsets\":[2,18],\"shape\":[2],\"dtype\":\"I64\"},\"a\":{\"dtype\":"
                     "\"BF16\",\"shape\":[],\"data_offsets\":[0,2],\"more\":[1,{}]},"
                     "\"__metadata__\":{\"format\":\"pt\"}}   ",
                     18);
    assert_non_null(file);
    assert_false(iv__safetensors_checked(file));
    const iv__named_tensor *b = iv__safetensors_find(file, "b");
    assert_int_equal(b->dtype, 0);
    assert_string_equal(b->kind, "I64");
    assert_int_equal(b->bytes, 16);
    assert_int_equal(((const unsigned char *)b->data)[0], 3);
    assert_string_equal(iv__safetensors_metadata(file, "format"), "pt");
    iv__safetensors_close(file);

    file = read_foreign(w, "{}", 0);
    assert_non_null(file);
    iv__safetensors_close(file);
}

static void malformed_files_are_refused(void **state)
{
    /* clang-format off */
    static const struct { const char *header; size_t data_size; const char *message; } cases[] = {
        { "", 0, "other: the file is damaged, or is no safetensors file (header:1:1: expected a value but the data end here)" },
        { "[]", 0, "header:1:1: 'header': expected an object" },
        { "{\"a\":1}", 0, "'a': expected an object" },
        { "{\"a\":{}}", 0, "'a': expected dtype, shape and data_offsets" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}", 4, "expected ',' or '}' but the data end here" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} x", 4, "expected the end of the data but found 'x'" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4, "'a': expected at most 2 whole numbers" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "'a': expected two offsets" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4, "'a': expected at most 8 whole numbers" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "'a': expected at most 8 whole numbers" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4, "at most 8 whole numbers" },
        { "{\"a\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "'a': expected an element type" },
        { "{\"a\":{\"dtype\":\"F4\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "tensor 'a' has the unknown element type 'F4'" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "tensor 'a' (F32 [2]) does not fit its 4 bytes" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,4],\"data_offsets\":[0,4]}}", 4, "does not fit its 4 bytes" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 3, "tensor 'a' lies at bytes 0 to 4, but there are only 3" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "tensor 'a' lies at bytes 4 to 0" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, "the bytes of tensor 'a' do not follow those before" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
          3, "the bytes of tensor 'b' overlap those of another" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
          2, "tensor 'a' comes twice" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 3, "2 bytes behind the last tensor" },
        { "{\"__metadata__\":{\"a\":1}}", 0, "'a': expected a text" },
        { "{\"__metadata__\":[]}", 0, "'__metadata__': expected an object of texts" },
        { "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "'__metadata__': expected it once" },
        { "{\"a\\u0000b\":{}}", 0, "\\u0000 has no place in a name or text" },
        { "{\"__metadata__\":{\"ivory.checksums\":\"\"}}", 0, "the header does not match its checksum" },
        { "{\"__metadata__\":{\"ivory.header\":\"0\"}}", 0, "the header does not match its checksum" },
    };
    /* clang-format on */
    world *w = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null(read_foreign(w, cases[i].header, cases[i].data_size));
        assert_int_equal(iv_home_status(w->home), IV_FORMAT);
        assert_message(w->home, cases[i].message);
    }
    static const unsigned char huge[16] = { 255, 255, 255, 255, 255, 255, 255, 255 };
    assert_null(iv__safetensors_read(w->home, "other", huge, sizeof huge));
    assert_message(w->home, "other: 16 bytes do not hold the header");
    assert_null(iv__safetensors_open(w->home, in_folder(w, "absent")));
    assert_int_equal(iv_home_status(w->home), IV_IO);
}

static void writing_refuses(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "refused");
    const iv__named_tensor twice[] = { five[0], five[0] };
    const iv__named_tensor metadata = {
        .name = "__metadata__", .dtype = IV_U8, .shape = { 1, { 5 } }, .data = letters
    };
    const iv__named_tensor latin = { .name = "\xe9", .dtype = IV_U8, .shape = { 1, { 5 } }, .data = letters };
    const iv__named_tensor negative = {
        .name = "x", .dtype = IV_U8, .shape = { 1, { -5 } }, .data = letters
    };
    const iv__pair own = { "ivory.header", "x" }, bad = { "x", "\xff" },
                   same[] = { { "x", "1" }, { "x", "2" } };

    assert_int_equal(iv__safetensors_write(w->home, path, 2, twice, 0, NULL), IV_NAME);
    assert_message(w->home, "the name 'letters' comes twice");
    assert_int_equal(iv__safetensors_write(w->home, path, 1, &metadata, 0, NULL), IV_NAME);
    assert_int_equal(iv__safetensors_write(w->home, path, 1, &latin, 0, NULL), IV_NAME);
    assert_int_equal(iv__safetensors_write(w->home, path, 1, &negative, 0, NULL), IV_SHAPE);
    assert_int_equal(iv__safetensors_write(w->home, path, 0, NULL, 1, &own), IV_NAME);
    assert_int_equal(iv__safetensors_write(w->home, path, 0, NULL, 1, &bad), IV_VALUE);
    assert_int_equal(iv__safetensors_write(w->home, path, 0, NULL, 2, same), IV_NAME);
    assert_false(iv__file_exists(path));
    assert_int_equal(iv__safetensors_write(w->home, in_folder(w, "no/such/folder"), 0, NULL, 0, NULL),
                     IV_IO);

    assert_int_equal(iv__safetensors_write(w->home, path, 0, NULL, 0, NULL), IV_OK);
    iv__safetensors *file = iv__safetensors_open(w->home, path);
    assert_non_null(file);
    assert_true(iv__safetensors_checked(file));
    iv__safetensors_close(file);
}

static void one_checksum_over_weights(void **state)
{
    world *w = *state;
    char memory[65], stored[65], other[65];
    iv__safetensors *file = iv__safetensors_open(w->home, write_five(w));
    int64_t n;
    const iv__named_tensor *list = iv__safetensors_list(file, &n);

    assert_int_equal(iv__weights_sha256(w->home, FIVE, five, "", memory), IV_OK);
    assert_int_equal(iv__weights_sha256(w->home, n, list, "", stored), IV_OK);
    assert_string_equal(memory, stored);
    iv__weights_sha256(w->home, FIVE, five, "layer/", memory);
    assert_string_not_equal(memory, stored);
    iv__weights_sha256(w->home, 1, &five[1], "", other);
    assert_string_equal(memory, other);

    iv__named_tensor changed = five[1];
    changed.shape = iv_dims(3, 2);
    iv__weights_sha256(w->home, 1, &changed, "", other);
    assert_string_not_equal(memory, other);
    changed = five[1];
    changed.name = "layer/kernels";
    iv__weights_sha256(w->home, 1, &changed, "", other);
    assert_string_not_equal(memory, other);
    iv__safetensors_close(file);
}

typedef struct trip {
    char path[512];
} trip;

static bool write_and_read(iv_home *home, void *context)
{
    const trip *t = context;

    if (iv__safetensors_write(home, t->path, FIVE, five, 2, pairs))
        return false;
    iv__safetensors *file = iv__safetensors_open(home, t->path);
    iv__safetensors_close(file);
    return file != NULL;
}

static void no_memory(void **state)
{
    world *w = *state;
    trip t;

    snprintf(t.path, sizeof t.path, "%s", in_folder(w, "scarce"));
    assert_survives_scarcity(write_and_read, &t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(equal_contents_give_equal_bytes),
        cmocka_unit_test(every_changed_byte_is_found),
        cmocka_unit_test(every_cut_is_found),
        cmocka_unit_test(files_of_others_are_read),
        cmocka_unit_test(malformed_files_are_refused),
        cmocka_unit_test(writing_refuses),
        cmocka_unit_test(one_checksum_over_weights),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
