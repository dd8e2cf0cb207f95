/* format_npy_test.c: NumPy's arrays of every kind and order, and what is none. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include "format/npy.h"

/* A file with that header, and the data behind it. */
static size_t make(unsigned char *file, int version, const char *header, const void *data, size_t size)
{
    const size_t length = strlen(header), wide = version == 1 ? 2 : 4;

    memcpy(file, "\x93NUMPY", 6);
    file[6] = (unsigned char)version;
    file[7] = 0;
    for (size_t i = 0; i < wide; i++)
        file[8 + i] = (unsigned char)(length >> 8 * i);
    memcpy(file + 8 + wide, header, length);
    memcpy(file + 8 + wide + length, data, size);
    return 8 + wide + length + size;
}

static void numbers_of_every_kind(void **state)
{
    static const struct {
        const char *descr;
        size_t size;
        unsigned char bytes[16]; /* of two numbers */
        double first, second;
        iv_dtype dtype;
    } cases[] = {
        { "<f4", 8, { 0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0 }, 1, -2.5, IV_F32 },
        { ">f4", 8, { 0x3f, 0x80, 0, 0, 0xc0, 0x20, 0, 0 }, 1, -2.5, IV_F32 },
        { "<f8", 16, { 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 4, 0xc0 }, 1, -2.5, IV_F64 },
        { ">f8", 16, { 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 4 }, 1, -2.5, IV_F64 },
        { "<f2", 4, { 0, 0x3c, 1, 0x80 }, 1, -5.9604644775390625e-08, IV_F32 },
        { ">f2", 4, { 0x7b, 0xff, 0xc1, 0 }, 65504, -2.5, IV_F32 },
        { "|i1", 2, { 127, 0x80 }, 127, -128, IV_I32 },
        { "<i2", 4, { 0xff, 0xff, 0, 1 }, -1, 256, IV_I32 },
        { ">i4", 8, { 0, 0, 1, 0, 0x80, 0, 0, 0 }, 256, INT32_MIN, IV_I32 },
        { "<i8", 16, { 7, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 7, -1, IV_I32 },
        { "|u1", 2, { 0, 255 }, 0, 255, IV_U8 },
        { "<u2", 4, { 0xff, 0xff, 1, 0 }, 65535, 1, IV_I32 },
        { "<u4", 8, { 0xff, 0xff, 0xff, 0x7f, 0 }, INT32_MAX, 0, IV_I32 },
        { "|b1", 2, { 1, 0 }, 1, 0, IV_U8 },
    };
    world *w = *state;
    unsigned char file[256];
    char header[128];
    iv__npy npy;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int version = 1; version <= 3; version++) {
            snprintf(header, sizeof header,
                     "{'descr': '%s', 'fortran_order': False, 'shape': (2,), }   \n", cases[i].descr);
            size_t size = make(file, version, header, cases[i].bytes, cases[i].size);
            if (iv__npy_read(w->home, "a.npy", file, size, &npy))
                fail_msg("%s", iv_home_message(w->home));
            assert_int_equal(iv__element_dtype(npy.element), cases[i].dtype);
            assert_int_equal(iv__element_is_real(npy.element), strchr(cases[i].descr, 'f') != NULL);
            iv_tensor *wide = iv__npy_tensor(w->home, "a.npy", &npy, IV_F64);
            assert_true(((double *)wide->data)[0] == cases[i].first);
            assert_true(((double *)wide->data)[1] == cases[i].second);
            iv_tensor_free(wide);
            iv_tensor *own = iv__npy_tensor(w->home, "a.npy", &npy, cases[i].dtype);
            assert_non_null(own);
            if (own->dtype == IV_I32)
                assert_true(((int32_t *)own->data)[1] == (int32_t)cases[i].second);
            iv_tensor_free(own);
        }
}

static void both_orders_and_any_rank(void **state)
{
    static const uint8_t data[12] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
    static const uint8_t turned[12] = { 0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11 }; /* of [2,3,2] */
    world *w = *state;
    unsigned char file[256];
    iv__npy npy;

    for (int fortran = 0; fortran < 2; fortran++) {
        size_t size = make(file, 1,
                           fortran ? "{\"shape\":(2L, 3,2),'fortran_order':True,\t'descr':\"|u1\"}"
                                   : "{'shape': (2, 3, 2), 'fortran_order': False, 'descr': '|u1'}",
                           data, 12);
        if (iv__npy_read(w->home, "a.npy", file, size, &npy))
            fail_msg("%s", iv_home_message(w->home));
        iv_tensor *t = iv__npy_tensor(w->home, "a.npy", &npy, IV_U8);
        assert_true(iv_shape_same(&t->shape, &iv_dims(2, 3, 2)));
        assert_memory_equal(t->data, fortran ? turned : data, 12);
        iv_tensor_free(t);
    }
    size_t size = make(file, 1, "{'descr': '|u1', 'fortran_order': False, 'shape': ()}", data, 1);
    assert_int_equal(iv__npy_read(w->home, "a.npy", file, size, &npy), IV_OK);
    assert_int_equal(npy.shape.rank, 0);
    size = make(file, 1, "{'descr': '|u1', 'fortran_order': True, 'shape': (3, 0)}", data, 0);
    assert_int_equal(iv__npy_read(w->home, "a.npy", file, size, &npy), IV_OK);
    iv_tensor *none = iv__npy_tensor(w->home, "a.npy", &npy, IV_F32);
    assert_non_null(none);
    iv_tensor_free(none);
}

static void what_is_refused_says_why(void **state)
{
#define REST "'fortran_order': False, 'shape': (2,), }"
    static const struct {
        const char *header, *message;
        iv_status status;
        int version;
    } cases[] = {
        { "{'descr': '|O', " REST, "pickled Python objects", IV_UNSUPPORTED, 1 },
        { "{'descr': '<U5', " REST, "elements of the type '<U5'", IV_UNSUPPORTED, 1 },
        { "{'descr': '<c8', " REST, "elements of the type '<c8'", IV_UNSUPPORTED, 1 },
        { "{'descr': '<f16', " REST, "elements of the type '<f16'", IV_UNSUPPORTED, 1 },
        { "{'descr': [('x', '<f4')], " REST, "an array of records", IV_UNSUPPORTED, 1 },
        { "{'descr': '<f4', " REST, "version 9", IV_UNSUPPORTED, 9 },
        { "{'descr': '<f4', 'fortran_order': False}", "lacks", IV_FORMAT, 1 },
        { "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", "neither True nor False", IV_FORMAT, 1 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': 2}", "no tuple", IV_FORMAT, 1 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", "no tuple of sizes", IV_FORMAT, 1 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (2", "does not end", IV_FORMAT, 1 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
          "no tuple of sizes", IV_FORMAT, 1 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387905,)}",
          "does not fit", IV_FORMAT, 1 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}",
          "[3] of 4 bytes each does not fit the 8 bytes", IV_FORMAT, 1 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,2)}",
          "more than 8 axes", IV_UNSUPPORTED, 1 },
        { "{'descr': '<f4', 'other': 1, " REST, "does not know", IV_FORMAT, 1 },
        { "import os", "no dictionary", IV_FORMAT, 1 },
    };
    world *w = *state;
    unsigned char file[256];
    iv__npy npy;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = make(file, cases[i].version, cases[i].header, "12345678", 8);
        iv_home_clear(w->home);
        assert_int_equal(iv__npy_read(w->home, "a.npy", file, size, &npy), cases[i].status);
        assert_message(w->home, cases[i].message);
        assert_message(w->home, "a.npy: ");
    }
    size_t size = make(file, 2, "{'descr': '<f4', " REST, "12345678", 8);
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(iv__npy_read(w->home, "a.npy", file, cut, &npy), IV_FORMAT);
    assert_int_equal(iv__npy_read(w->home, "a.npy", file, size + 1, &npy), IV_FORMAT);
}

static void numbers_that_a_dtype_has_not(void **state)
{
    world *w = *state;
    unsigned char file[256];
    iv__npy npy;
    const double values[2] = { 1, 2.5 };

    size_t size = make(file, 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", values, 16);
    assert_int_equal(iv__npy_read(w->home, "a.npy", file, size, &npy), IV_OK);
    assert_null(iv__npy_tensor(w->home, "a.npy", &npy, IV_I32));
    assert_int_equal(iv_home_status(w->home), IV_VALUE);
    assert_message(w->home, "a.npy: element 1 is no number of the type i32");
    const int32_t whole[2] = { 255, 256 };
    size = make(file, 1, "{'descr': '<i4', 'fortran_order': False, 'shape': (2,)}", whole, 8);
    assert_int_equal(iv__npy_read(w->home, "a.npy", file, size, &npy), IV_OK);
    assert_null(iv__npy_tensor(w->home, "a.npy", &npy, IV_U8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_every_kind),
        cmocka_unit_test(both_orders_and_any_rank),
        cmocka_unit_test(what_is_refused_says_why),
        cmocka_unit_test(numbers_that_a_dtype_has_not),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
