/* format_glove_test.c: decimal numbers, and files of word vectors, whole and damaged. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include "base/text.h"
#include "format/decimal.h"
#include "format/glove.h"

static void decimal_numbers(void **state)
{
    static const char *const numbers[] = { "0",
                                           "-0.25",
                                           "+3.",
                                           ".5",
                                           "1e3",
                                           "1.5E-3",
                                           "-7e+0",
                                           "0.0095095",
                                           "9007199254740993",
                                           "123456789012345678901234567890",
                                           "0.000000000000000000000000000000000000001",
                                           "2.2250738585072011e-308",
                                           "1.7976931348623157e308",
                                           "1e-400",
                                           "3e22",
                                           "7e23" };
    static const char *const others[] = { "",   "-",    ".",     "1e",  "1e+", "e5",  "1 ",
                                          " 1", "0x10", "1.2.3", "inf", "nan", "--1", "1e400" };
    double number;

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (!iv__decimal(numbers[i], strlen(numbers[i]), &number))
            fail_msg("'%s' was not read", numbers[i]);
        const double wanted = strtod(numbers[i], NULL);
        if (memcmp(&number, &wanted, sizeof number))
            fail_msg("'%s' was read as %.17g", numbers[i], number);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (iv__decimal(others[i], strlen(others[i]), &number))
            fail_msg("'%s' was read as %.17g", others[i], number);
}

/* "word:a,b" of each word; a failure ends with "!". */
static void print_words(iv_home *home, const void *bytes, size_t size, iv__text *out)
{
    iv__source *source = iv__source_memory(home, "v.txt", bytes, size);
    iv__glove *glove = source ? iv__glove_new(source) : NULL;
    bool failed = true;

    iv__text_clear(out);
    iv__text_put(out, "");
    while (glove && iv__glove_next(glove, &failed)) {
        iv__text_print(out, "[%s:", iv__glove_word(glove));
        for (int64_t i = 0; i < iv__glove_width(glove); i++)
            iv__text_print(out, "%s%g", i ? "," : "", (double)iv__glove_vector(glove)[i]);
        iv__text_put(out, "]");
    }
    if (failed)
        iv__text_put(out, "!");
    iv__glove_free(glove);
    iv__source_close(source);
}

static void words_and_their_numbers(void **state)
{
    static const char text[] = "the 0.5 -1 2e-1\n"
                               "\r\n"
                               ". . . 1 2 3\r\n"
                               "\xC3\xA9t\xC3\xA9  4 5  6 \n"
                               "7 8 9 10";
    world *w = *state;
    iv__text out = { .home = w->home };

    print_words(w->home, text, sizeof text - 1, &out);
    assert_string_equal(out.data, "[the:0.5,-1,0.2][. . .:1,2,3][\xC3\xA9t\xC3\xA9:4,5,6][7:8,9,10]");
    print_words(w->home, "", 0, &out);
    assert_string_equal(out.data, "");
    iv__text_free(&out);
}

static void lines_longer_than_the_buffer(void **state)
{
    enum { WIDTH = 40000 };
    world *w = *state;
    iv__text text = { .home = w->home };
    bool failed;

    for (int line = 0; line < 3; line++) {
        iv__text_print(&text, "w%d", line);
        for (int i = 0; i < WIDTH; i++)
            iv__text_print(&text, " %d", i + line);
        iv__text_put(&text, "\n");
    }
    iv__source *source = iv__source_memory(w->home, "v.txt", text.data, text.size);
    iv__glove *glove = iv__glove_new(source);
    for (int line = 0; line < 3; line++) {
        assert_true(iv__glove_next(glove, &failed));
        assert_int_equal(iv__glove_word(glove)[1], '0' + line);
        assert_int_equal(iv__glove_width(glove), WIDTH);
        for (int i = 0; i < WIDTH; i++)
            assert_true(iv__glove_vector(glove)[i] == (float)(i + line));
    }
    assert_false(iv__glove_next(glove, &failed));
    assert_false(failed);
    iv__glove_free(glove);
    iv__source_close(source);
    iv__text_free(&text);
}

static void what_is_wrong_is_named_by_its_line(void **state)
{
    static const struct {
        const char *text, *message;
        size_t size;
    } cases[] = {
        { "word\n", "v.txt:1: expected a word and its numbers", 0 },
        { "a 1 2\nb 1\n", "v.txt:2: expected a word and 2 numbers but found 1", 0 },
        { "a 1 2\n\nb 1 x\n", "v.txt:3: expected 2 numbers behind the word but found 'x'", 0 },
        { "a 1 2\nb nan 1\n", "v.txt:2: expected 2 numbers behind the word but found 'nan'", 0 },
        { "a 1 2\nb 1e39 1\n", "but found '1e39'", 0 },
        { "a 1 2\n 1 2\n", "v.txt:2: there is no word before the numbers", 0 },
        { "a 1 2\n\xC3 1 2\n", "v.txt:2: the word is no UTF-8", 0 },
        { "a\0b 1 2\n", "v.txt:1: the word is no UTF-8", 8 },
    };
    world *w = *state;
    iv__text out = { .home = w->home };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iv_home_clear(w->home);
        print_words(w->home, cases[i].text, cases[i].size ? cases[i].size : strlen(cases[i].text), &out);
        assert_int_equal(out.data[out.size - 1], '!');
        assert_int_equal(iv_home_status(w->home), IV_FORMAT);
        assert_message(w->home, cases[i].message);
    }
    iv__text_free(&out);
}

/* The vectors that Ivory's data sets have, packed by gzip. */
static void real_vectors(void **state)
{
    world *w = *state;
    const char *root = getenv("IVORY_DATA");
    char path[1024];
    int64_t words = 0;
    bool failed;

    if (!root || !*root)
        skip();
    snprintf(path, sizeof path, "%s/glove/glove.6B.50d.8453words.txt.gz", root);
    iv__source *source = iv__source_open(w->home, path);
    iv__glove *glove = source ? iv__glove_new(source) : NULL;
    if (!glove)
        fail_msg("%s", iv_home_message(w->home));
    for (; iv__glove_next(glove, &failed); words++)
        if (words == 0) {
            assert_string_equal(iv__glove_word(glove), "the");
            assert_true(iv__glove_vector(glove)[1] == 0.24968f);
        }
    assert_false(failed);
    assert_int_equal(words, 8453);
    assert_int_equal(iv__glove_width(glove), 50);
    iv__glove_free(glove);
    iv__source_close(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimal_numbers),
        cmocka_unit_test(words_and_their_numbers),
        cmocka_unit_test(lines_longer_than_the_buffer),
        cmocka_unit_test(what_is_wrong_is_named_by_its_line),
        cmocka_unit_test(real_vectors),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
