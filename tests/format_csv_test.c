/* format_csv_test.c: rows and fields, quotes, line ends, limits, and what is refused. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include "base/text.h"
#include "format/csv.h"

/* All rows: fields in brackets, a row a line; a failure ends the text with "!". */
static void print_rows(world *w, const char *bytes, size_t size, char separator, iv__text *out)
{
    iv__source *source = iv__source_memory(w->home, "table.csv", bytes, size);
    iv__csv *csv = iv__csv_new(source, separator);
    bool failed;
    size_t length;

    iv_home_clear(w->home);
    iv__text_clear(out);
    while (iv__csv_next(csv, &failed)) {
        iv__text_print(out, "%lld:", (long long)iv__csv_line(csv));
        for (int i = 0; i < iv__csv_count(csv); i++) {
            const char *field = iv__csv_field(csv, i, &length);
            assert_int_equal(field[length], 0);
            iv__text_print(out, "[%s]", field);
        }
        assert_string_equal(iv__csv_field(csv, iv__csv_count(csv), &length), "");
        assert_string_equal(iv__csv_field(csv, -1, &length), "");
        iv__text_put(out, "\n");
    }
    if (failed)
        iv__text_put(out, "!");
    iv__csv_free(csv);
    iv__source_close(source);
}

static void rows_and_fields(void **state)
{
    /* clang-format off */
    static const struct { const char *csv, *rows; } cases[] = {
        { "", "" },
        { "\n\r\n", "" },
        { "a,b\nc,d\n", "1:[a][b]\n2:[c][d]\n" },
        { "a,b\r\nc,d", "1:[a][b]\n2:[c][d]\n" },
        { "a\r", "1:[a]\n" },
        { ",\n,,", "1:[][]\n2:[][][]\n" },
        { "\"a,b\",\"c\"\"d\"\"\"\n", "1:[a,b][c\"d\"]\n" },
        { "\"one\ntwo\",x\r\n\"\"\n", "1:[one\ntwo][x]\n3:[]\n" },
        { "\"\",\"\"", "1:[][]\n" },
        { "a\"b,c\n", "1:[a\"b][c]\n" },
        { "\xef\xbb\xbf" "caf\xc3\xa9\n", "1:[caf\xc3\xa9]\n" },
        { "a\rb\n", "1:[a\rb]\n" },
    };
    /* clang-format on */
    world *w = *state;
    iv__text out = { .home = w->home };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        print_rows(w, cases[i].csv, strlen(cases[i].csv), ',', &out);
        assert_string_equal(out.data ? out.data : "", cases[i].rows);
    }
    print_rows(w, "a;1,5;\"b;c\"\n", 12, ';', &out);
    assert_string_equal(out.data, "1:[a][1,5][b;c]\n");
    iv__text_free(&out);
}

static void separators_are_found(void **state)
{
    /* clang-format off */
    static const struct { const char *csv, *rows; } cases[] = {
        { "a,b\n1;2,3\n", "1:[a][b]\n2:[1;2][3]\n" },
        { "a;b;c\n1,5;2;3\n", "1:[a][b][c]\n2:[1,5][2][3]\n" },
        { "\n\r\na\tb\n1\t2\n", "3:[a][b]\n4:[1][2]\n" },
        { "a|b", "1:[a][b]\n" },
        { "\"a,b,c\";d\n1;2\n", "1:[a,b,c][d]\n2:[1][2]\n" },
        { "\"a\n,,,\";d\n", "1:[a\n,,,][d]\n" },
        { "one\n2\n", "1:[one]\n2:[2]\n" },
    };
    /* clang-format on */
    world *w = *state;
    iv__text out = { .home = w->home };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        print_rows(w, cases[i].csv, strlen(cases[i].csv), 0, &out);
        assert_string_equal(out.data, cases[i].rows);
    }
    iv__text_free(&out);
}

static void rows_beyond_the_buffer(void **state)
{
    enum { FIELD = 70000 };
    world *w = *state;
    iv__text out = { .home = w->home }, csv = { .home = w->home };

    for (int shift = 0; shift < 4; shift++) { /* quotes lie on both sides of a refill */
        iv__text_clear(&csv);
        iv__text_put(&csv, "\"");
        for (int i = 0; i < FIELD - 4470 + shift; i++)
            iv__text_put(&csv, "x");
        iv__text_put(&csv, "\"\"y\"\r\nend\n");
        print_rows(w, csv.data, csv.size, ',', &out);
        assert_int_equal(out.size, FIELD - 4470 + shift + strlen("1:[\"y]\n2:[end]\n"));
        assert_non_null(strstr(out.data, "x\"y]\n2:[end]\n"));
    }
    iv__text_free(&out);
    iv__text_free(&csv);
}

static void what_is_no_table_is_refused(void **state)
{
    /* clang-format off */
    static const struct { const char *csv; size_t size; const char *message; } cases[] = {
        { "a,b\n\"c\nd", 8, "table.csv:2: a quote in this row is not closed" },
        { "\"a\"b,c\n", 7, "table.csv:1: something stands behind a quoted field of this row" },
        { "a\n\xff,b\n", 6, "table.csv:2: a field of this row is no text" },
        { "a,\0b\n", 5, "table.csv:1: a field of this row is no text" },
    };
    /* clang-format on */
    world *w = *state;
    iv__text out = { .home = w->home }, csv = { .home = w->home };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        print_rows(w, cases[i].csv, cases[i].size, ',', &out);
        assert_int_equal(out.data[out.size - 1], '!');
        assert_int_equal(iv_home_status(w->home), IV_FORMAT);
        assert_message(w->home, cases[i].message);
    }
    for (int i = 0; i < IV__CSV_FIELDS; i++)
        iv__text_put(&csv, ",");
    print_rows(w, csv.data, csv.size, ',', &out);
    assert_message(w->home, "table.csv:1: a row has more than 4096 fields");
    iv__text_clear(&csv);
    iv__text_put(&csv, "\"");
    for (int i = 0; i < IV__CSV_ROW / 64 + 1; i++)
        iv__text_put(&csv, "................................................................");
    print_rows(w, csv.data, csv.size, ',', &out);
    assert_message(w->home, "table.csv:1: a row is longer than 16 MiB: is a quote not closed?");
    iv__text_free(&out);
    iv__text_free(&csv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_fields),
        cmocka_unit_test(separators_are_found),
        cmocka_unit_test(rows_beyond_the_buffer),
        cmocka_unit_test(what_is_no_table_is_refused),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
