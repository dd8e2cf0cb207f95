/* data_own_texts_test.c: a person's own texts: folders of files, raw bytes, lines without end. */
#define _XOPEN_SOURCE 700
#include "records_world.h"

#include "data/tokens.h"

static void put_file(world *w, const char *folder, const char *name, const void *bytes, size_t size)
{
    iv__text path = { .home = w->home };

    iv__text_print(&path, "%s/%s", folder, name);
    *strrchr(path.data, '/') = 0;
    assert_int_equal(iv__make_folders(w->home, path.data), IV_OK);
    path.data[strlen(path.data)] = '/';
    write_bytes(path.data, bytes, size);
    iv__text_free(&path);
}

static void a_folder_of_texts(void **state)
{
    world *w = *state;
    iv__text out = { .home = w->home };
    const char *folder = in_folder(w, "book");

    put_file(w, folder, "2.txt", "three\n\nfour", 11);
    put_file(w, folder, "10/a.txt", "one\ntwo\n", 8);
    put_file(w, folder, "3.bin", "a\0b", 3);
    put_file(w, folder, "4.txt", "", 0);
    put_file(w, folder, "old.txt", "caf\xe9\n", 5);
    put_file(w, folder, ".hidden", "hidden", 6);
    put_file(w, folder, ".git/x", "hidden", 6);
    print_records(w->home, &iv__dataset_text, folder, "records=lines", "+", &out);
    assert_string_equal(out.data, "[one][two][three][four]4 records: 4 kept, 0 dropped; 2 files were left "
                                  "out that are no text: 3.bin, old.txt");
    print_records(w->home, &iv__dataset_text, folder, "records=whole", "+", &out);
    assert_string_equal(out.data, "[one\ntwo\n][three\n\nfour\n]2 records: 2 kept, 0 dropped; 2 files were "
                                  "left out that are no text: 3.bin, old.txt");
    print_records(w->home, &iv__dataset_text, folder, "records=paragraphs", "+", &out);
    assert_non_null(strstr(out.data, "[one\ntwo][three][four]3 records"));
    iv__text_free(&out);
}

static void the_checksum_of_a_folder(void **state)
{
    world *w = *state;
    char folder[512], cache[512], first[65];
    iv__tokens_options o = { .rules.kind = IV__TOKENS_WORDS, .cache = cache };

    snprintf(folder, sizeof folder, "%s", in_folder(w, "letters"));
    snprintf(cache, sizeof cache, "%s", in_folder(w, "cache"));
    put_file(w, folder, "a.txt", "one\n", 4);
    put_file(w, folder, "b.txt", "two\n", 4);
    iv__tokens *tokens = iv__tokens_open(w->home, &iv__dataset_text, folder, &o);
    assert_non_null(tokens);
    assert_int_equal(iv__tokens_records(tokens), 2);
    snprintf(first, sizeof first, "%s", iv__tokens_source_sha256(tokens));
    iv__tokens_free(tokens);
    tokens = iv__tokens_open(w->home, &iv__dataset_text, folder, &o);
    assert_true(iv__tokens_reused(tokens));
    iv__tokens_free(tokens);
    put_file(w, folder, "c.txt", "three\n", 6);
    tokens = iv__tokens_open(w->home, &iv__dataset_text, folder, &o);
    assert_false(iv__tokens_reused(tokens));
    assert_string_not_equal(iv__tokens_source_sha256(tokens), first);
    iv__tokens_free(tokens);
}

static void folders_without_a_text(void **state)
{
    world *w = *state;
    iv__text out = { .home = w->home };
    const char *folder = in_folder(w, "nothing"), *cache = in_folder(w, "cache");
    iv__tokens_options o = { .rules.kind = IV__TOKENS_WORDS, .cache = cache };

    put_file(w, folder, "x.bin", "\0", 1);
    assert_null(iv__tokens_open(w->home, &iv__dataset_text, folder, &o));
    assert_int_equal(iv_home_status(w->home), IV_VALUE);
    assert_message(w->home, "nothing: there is no record to learn from: 0 records: 0 kept, 0 dropped; 1 "
                            "file was left out that is no text: x.bin");
    for (int i = 0; i < 8; i++)
        put_file(w, folder, (char[]){ (char)('a' + i), 0 }, "\0", 1);
    print_records(w->home, &iv__dataset_text, folder, "", "+", &out);
    assert_non_null(strstr(out.data, "9 files were left out that are no text: a, b, c, d, e ..."));
    iv__text_free(&out);
}

static void raw_bytes(void **state)
{
    world *w = *state;
    iv__text out = { .home = w->home };
    const char *path = in_folder(w, "raw");

    write_bytes(path,
                "\xef\xbb\xbf"
                "caf\xe9\r\nnoir\0\n",
                15);
    print_records(w->home, &iv__dataset_text, path, "raw=yes", "+", &out); /* no text: whole, every byte of it */
    assert_memory_equal(out.data,
                        "[\xef\xbb\xbf"
                        "caf\xe9\r\nnoir\0\n]1 records",
                        26);
    print_records(w->home, &iv__dataset_text, path, "raw=yes records=lines", "+", &out);
    assert_memory_equal(out.data, "[caf\xe9][noir\0]2 records", 22);
    write_text(path, "one\r\ntwo\n");
    print_records(w->home, &iv__dataset_text, path, "raw=yes", "+", &out); /* a text is what it always is */
    assert_string_equal(out.data, "[one][two]2 records: 2 kept, 0 dropped");
    iv__text_free(&out);
}

/* A line far longer than what is given at once stays one record. */
static void a_gigantic_line(void **state)
{
    enum { WORDS = 1000000 };
    world *w = *state;
    const char *path = in_folder(w, "giant"), *cache = in_folder(w, "cache");
    FILE *file = fopen(path, "wb");
    static const char *const kinds[] = { "lines", "paragraphs", "whole" };

    for (int i = 0; i < WORDS; i++)
        fputs("word ", file);
    fputs("\nlast\n", file);
    fclose(file);
    for (int i = 0; i < 3; i++) {
        iv__arena arena = { .home = w->home };
        iv__text options = { .home = w->home };
        void *own = iv__arena_get(&arena, iv__dataset_text.options_size);
        iv__fields_default(iv__dataset_text.fields, own);
        iv__text_print(&options, "records=%s", kinds[i]);
        assert_int_equal(iv__fields_set(w->home, &arena, iv__dataset_text.fields, own, options.data),
                         IV_OK);
        iv__tokens_options o = { .rules.kind = IV__TOKENS_WORDS, .cache = cache, .set_options = own };
        iv__tokens *tokens = iv__tokens_open(w->home, &iv__dataset_text, path, &o);
        assert_non_null(tokens);
        assert_int_equal(iv__tokens_records(tokens), i == 0 ? 2 : 1);
        assert_int_equal(iv__tokens_total(tokens), WORDS + 1);
        assert_int_equal(iv__tokens_length(tokens, 0), i == 0 ? WORDS : WORDS + 1);
        iv__tokens_free(tokens);
        iv__text_free(&options);
        iv__arena_free(&arena);
    }
}

/* Bytes and pieces of any file, and back. */
static void any_file_comes_back(void **state)
{
    enum { SIZE = 200000 };
    world *w = *state;
    static unsigned char bytes[SIZE];
    static int32_t ids[SIZE];
    const char *path = in_folder(w, "any"), *cache = in_folder(w, "cache");
    iv__arena arena = { .home = w->home };
    void *own = iv__arena_get(&arena, iv__dataset_text.options_size);
    uint32_t x = 1;

    for (int i = 0; i < SIZE; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = i % 1000 < 500 ? (unsigned char)(x >> 24) : (unsigned char)"the fox "[i % 8];
    }
    write_bytes(path, bytes, SIZE);
    iv__fields_default(iv__dataset_text.fields, own);
    assert_int_equal(iv__fields_set(w->home, &arena, iv__dataset_text.fields, own, "raw=yes"), IV_OK);
    for (iv__tokens_kind kind = IV__TOKENS_BYTES; kind <= IV__TOKENS_BPE; kind++) {
        iv__text back = { .home = w->home };
        iv__tokens_options o = { .rules.kind = kind, .vocabulary = 600, .cache = cache, .set_options = own };
        iv__tokens *tokens = iv__tokens_open(w->home, &iv__dataset_text, path, &o);
        if (!tokens)
            fail_msg("%s", iv_home_message(w->home));
        int64_t total = iv__tokens_total(tokens);
        assert_int_equal(iv__tokens_records(tokens), 1);
        assert_true(kind == IV__TOKENS_BYTES ? total == SIZE : total < SIZE * 3 / 4);
        assert_int_equal(iv__tokens_copy(tokens, 0, 0, total, ids), total);
        iv__decode(iv__tokens_vocabulary(tokens), ids, total, &back);
        assert_int_equal(back.size, SIZE);
        assert_memory_equal(back.data, bytes, SIZE);
        iv__tokens_free(tokens);
        iv__text_free(&back);
    }
    iv__arena_free(&arena);
}

static void texts_that_are_hardly_any(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "hardly"), *cache = in_folder(w, "cache");
    iv__tokens_options o = { .rules.kind = IV__TOKENS_CHARS, .cache = cache };

    write_text(path, "\n\n  \n\n\n");
    assert_null(iv__tokens_open(w->home, &iv__dataset_text, path, &o));
    assert_message(w->home, "there is no record to learn from: 0 records");
    write_text(path, "x");
    iv__tokens *tokens = iv__tokens_open(w->home, &iv__dataset_text, path, &o);
    assert_int_equal(iv__tokens_total(tokens), 1);
    iv__tokens_free(tokens);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_of_texts),         cmocka_unit_test(the_checksum_of_a_folder),
        cmocka_unit_test(folders_without_a_text),    cmocka_unit_test(raw_bytes),
        cmocka_unit_test(a_gigantic_line),           cmocka_unit_test(any_file_comes_back),
        cmocka_unit_test(texts_that_are_hardly_any),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
