/* format_sgml_test.c: tags, text and entities of marked-up texts. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include "base/text.h"
#include "format/entities.h"
#include "format/sgml.h"

/* "<NAME>", "</NAME>" and text as they come; text of one stretch may come in pieces. */
static void print_markup(world *w, const char *bytes, size_t size, iv__text *out)
{
    iv__source *source = iv__source_memory(w->home, "news.sgm", bytes, size);
    iv__sgml *sgml = iv__sgml_new(source);
    iv__sgml_kind kind;
    const char *text;

    iv_home_clear(w->home);
    iv__text_clear(out);
    while ((kind = iv__sgml_next(sgml, &text, &size)) < IV__SGML_END) {
        assert_int_equal(strlen(text), size);
        assert_true(size > 0);
        iv__text_put(out, kind == IV__SGML_TEXT ? "" : kind == IV__SGML_OPEN ? "<" : "</");
        iv__text_put(out, text);
        iv__text_put(out, kind == IV__SGML_TEXT ? "" : ">");
    }
    if (kind == IV__SGML_FAILED)
        iv__text_put(out, "!");
    iv__sgml_free(sgml);
    iv__source_close(source);
}

static void tags_and_text(void **state)
{
    /* clang-format off */
    static const struct { const char *sgml, *expected; } cases[] = {
        { "", "" },
        { "<!DOCTYPE lewis SYSTEM \"lewis.dtd\">\n<Reuters ID=\"1 > 2\"><TITLE>A &lt;B> &amp; C</TITLE></REUTERS>",
          "\n<REUTERS><TITLE>A <B> & C</TITLE></REUTERS>" },
        { "a <!-- it's > no tag --> b", "a  b" },
        { "1 < 2 <3 </ <", "1 < 2 <3 </ <" },
        { "<a\nb='c'>x</A >", "<A>x</A>" },
        { "&#3;a&#38;b&unknown;c& d&", "a&b&unknown;c& d&" },
        { "Z\xfcrich\t\r\n\x01\x7f\x85 &#252;", "Z\xc3\xbcrich\t\n \xc3\xbc" },
        { "<?xml version='1.0'?>x", "x" },
    };
    /* clang-format on */
    world *w = *state;
    iv__text out = { .home = w->home };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        print_markup(w, cases[i].sgml, strlen(cases[i].sgml), &out);
        assert_string_equal(out.data ? out.data : "", cases[i].expected);
    }
    print_markup(w, "a\0b", 3, &out);
    assert_string_equal(out.data, "ab");
    iv__text_free(&out);
}

/* Wherever the buffer ends. */
static void long_texts(void **state)
{
    world *w = *state;
    iv__text out = { .home = w->home }, sgml = { .home = w->home };

    for (int shift = 0; shift < 24; shift++) {
        iv__text_clear(&sgml);
        for (int i = 0; i < (1 << 16) - 12 + shift; i++)
            iv__text_put(&sgml, "x");
        size_t before = sgml.size;
        iv__text_put(&sgml, "&amp;<TAG a='b'>y");
        print_markup(w, sgml.data, sgml.size, &out);
        assert_int_equal(out.size, before + 7);
        assert_string_equal(out.data + before, "&<TAG>y");
    }
    iv__text_free(&out);
    iv__text_free(&sgml);
}

static void tags_without_an_end(void **state)
{
    world *w = *state;
    iv__text out = { .home = w->home }, sgml = { .home = w->home };

    print_markup(w, "a\nb<TITLE", 9, &out);
    assert_string_equal(out.data, "a\nb!");
    assert_int_equal(iv_home_status(w->home), IV_FORMAT);
    assert_message(w->home, "news.sgm:2: a tag that begins here does not end within 4096 bytes");
    iv__text_put(&sgml, "<A b='");
    for (int i = 0; i < 5000; i++)
        iv__text_put(&sgml, "x");
    iv__text_put(&sgml, "'>");
    print_markup(w, sgml.data, sgml.size, &out);
    assert_string_equal(out.data, "!");
    iv__text_free(&out);
    iv__text_free(&sgml);
}

static void entities(void **state)
{
    /* clang-format off */
    static const struct { const char *text; bool bare; size_t length; uint32_t code; } cases[] = {
        { "&lt;b", false, 4, '<' },      { "&quot;", false, 6, '"' },     { "&#39;", false, 5, '\'' },
        { "&#x27;", false, 6, '\'' },    { "&#X1F600;", false, 9, 0x1f600 }, { "&#151;", false, 6, 0x2014 },
        { "&euro;", false, 6, 0x20ac },  { "#39;s", true, 4, '\'' },       { "quot;", true, 5, '"' },
        { "&lt", false, 0, 0 },          { "lt;", false, 0, 0 },          { "&;", false, 0, 0 },
        { "&#;", false, 0, 0 },          { "&#x;", false, 0, 0 },         { "&#0;", false, 0, 0 },
        { "&#xd800;", false, 0, 0 },     { "&#1114112;", false, 0, 0 },   { "&#99999999999;", false, 0, 0 },
        { "&#3a;", false, 0, 0 },        { "&nothing;", false, 0, 0 },    { "euro;", true, 0, 0 },
        { "", false, 0, 0 },             { "", true, 0, 0 },              { "&#1114111;", false, 10, 0x10ffff },
    };
    /* clang-format on */
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t code = 0;
        size_t length = iv__entity_read(cases[i].text, strlen(cases[i].text), cases[i].bare, &code);
        assert_int_equal(length, cases[i].length);
        if (length > 0)
            assert_int_equal(code, cases[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_and_text),
        cmocka_unit_test(long_texts),
        cmocka_unit_test(tags_without_an_end),
        cmocka_unit_test(entities),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
