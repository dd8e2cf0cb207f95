/* format_ivc_test.c: heads of compressed files, and damaged ones. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include "format/ivc.h"

static iv__text head_of(iv_home *home, int64_t n, const iv__ivc_picture *pictures)
{
    iv__text text = { .home = home };
    iv__ivc ivc = { .model = "0123456789abcde", .n = n, .checksum = 0xdeadbeef };

    ivc.pictures = (iv__ivc_picture *)(uintptr_t)pictures;
    iv__ivc_write_head(&ivc, &text);
    return text;
}

static const iv__ivc_picture two[] = { { 16, 300, 0 }, { 1, 4000000, 9 } };

static void a_head_comes_back(void **state)
{
    world *w = *state;
    iv__text text = head_of(w->home, 2, two);
    iv__ivc ivc;

    iv__text_add(&text, "numbers", 7);
    assert_int_equal(iv__ivc_read(w->home, "f.ivc", text.data, text.size, &ivc), IV_OK);
    assert_int_equal(ivc.n, 2);
    assert_memory_equal(ivc.pictures, two, sizeof two);
    assert_memory_equal(ivc.model, "0123456789abcde", IV__IVC_MODEL);
    assert_int_equal(ivc.checksum, 0xdeadbeef);
    assert_int_equal(ivc.size, 7);
    assert_memory_equal(ivc.numbers, "numbers", 7);
    iv__ivc_free(w->home, &ivc);
    iv__text_free(&text);
}

static void refused(world *w, const void *bytes, size_t size, const char *why)
{
    iv__ivc ivc;

    assert_int_equal(iv__ivc_read(w->home, "f.ivc", bytes, size, &ivc), IV_FORMAT);
    assert_message(w->home, why);
}

static void damaged_heads_are_refused(void **state)
{
    world *w = *state;
    iv__text text = head_of(w->home, 2, two);
    static const iv__ivc_picture bad[] = { { 0, 5, 0 }, { 1 << 22, 2, 0 }, { 1 << 12, 1 << 12, 0 } };

    for (size_t size = 0; size < text.size; size++)
        refused(w, text.data, size, size < 4 ? "begins with IVC1" : "damaged or cut off");
    iv__text_free(&text);
    refused(w, "PNG file", 8, "`ivory compress`");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        text = head_of(w->home, 1, &bad[i]);
        refused(w, text.data, text.size, "make no sense");
        iv__text_free(&text);
    }
    text = head_of(w->home, 1, two); /* more pictures than there are bytes */
    text.data[4 + IV__IVC_MODEL] = 127;
    refused(w, text.data, text.size, "damaged or cut off");
    iv__text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_comes_back),
        cmocka_unit_test(damaged_heads_are_refused),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
