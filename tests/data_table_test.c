/* data_table_test.c: tables of numbers: marks, missing values, columns that hold something else, and what is
 * refused. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include "data/table.h"

#include <math.h>

static iv__table *read_text(world *w, const char *text, const iv__table_options *options)
{
    const char *path = in_folder(w, "table.csv");

    write_text(path, text);
    iv_home_clear(w->home);
    return iv__table_open(w->home, &iv__dataset_table, path, options);
}

/* All cells, "-" for a missing one: names in the first line. */
static void assert_cells(world *w, const char *text, const iv__table_options *options,
                         const char *expected)
{
    iv__table *t = read_text(w, text, options);
    iv__text out = { .home = w->home };

    if (!t)
        fail_msg("%s", iv_home_message(w->home));
    for (int i = 0; i < iv__table_columns(t); i++)
        iv__text_print(&out, "%s%s", i ? " " : "", iv__table_column(t, i)->name);
    for (int64_t r = 0; r < iv__table_rows(t); r++)
        for (int i = 0; i < iv__table_columns(t); i++) {
            const double x = iv__table_at(t, r, i);
            iv__text_print(&out, isnan(x) ? "%s-" : "%s%.10g", i ? " " : "\n", x);
        }
    assert_string_equal(out.data, expected);
    iv__text_free(&out);
    iv__table_free(t);
}

static void numbers_are_what_they_say(void **state)
{
    static const struct {
        const char *text;
        char decimal;
        double number; /* NAN: none */
    } cases[] = {
        { "1", '.', 1 },         { " -2.5\t", '.', -2.5 }, { "+.5", '.', 0.5 },
        { "5.", '.', 5 },        { "2,6", ',', 2.6 },      { "1e3", '.', 1000 },
        { "1.5E-2", '.', .015 }, { "-0", '.', 0 },         { "", '.', NAN },
        { ".", '.', NAN },       { "-", '.', NAN },        { "1.2.3", '.', NAN },
        { "2,6", '.', NAN },     { "2.6", ',', NAN },      { "0x10", '.', NAN },
        { "inf", '.', NAN },     { "nan", '.', NAN },      { "1e", '.', NAN },
        { "1e+", '.', NAN },     { "1e999", '.', NAN },    { "1 2", '.', NAN },
        { "12a", '.', NAN },     { "1e101", '.', NAN },    { "1e100", '.', 1e100 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double number = NAN;
        const bool is = iv__table_number(cases[i].text, strlen(cases[i].text), cases[i].decimal,
                                         &number);
        if (is != !isnan(cases[i].number) || (is && number != cases[i].number))
            fail_msg("'%s' was taken for %s %g", cases[i].text, is ? "the number" : "no number,",
                     number);
    }
}

static void marks_are_found_or_given(void **state)
{
    world *w = *state;

    assert_cells(w, "a,b\n1,2.5\n", &(iv__table_options){ 0 }, "a b\n1 2.5");
    assert_cells(w, "a;b\n1;2,5\n3;,5\n", &(iv__table_options){ 0 }, "a b\n1 2.5\n3 0.5");
    assert_cells(w, "a;b\n1;2.5\n", &(iv__table_options){ 0 }, "a b\n1 2.5");
    assert_cells(w, "a\tb\n\"1\"\t\" 2 \"\n", &(iv__table_options){ 0 }, "a b\n1 2");
    assert_cells(w, "a,b\n\"1,5\",2\n", &(iv__table_options){ .decimal = IV__DECIMAL_COMMA },
                 "a b\n1.5 2");
    assert_cells(w, "a;b,c\n1;2\n", &(iv__table_options){ .separator = ';' }, "a b,c\n1 2");
    /* once decided, the other mark makes no number */
    iv__table *t = read_text(w, "a;b\n1,5;1\n2.5;2\n3,5;3\n", &(iv__table_options){ 0 });
    assert_int_equal(iv__table_column(t, 0)->others, 1);
    assert_int_equal(iv__table_check(t, 0), IV_FORMAT);
    assert_non_null(strstr(iv_home_message(w->home),
                           "table.csv:3: a holds '2.5', which is no number, as its other"));
    iv__table_free(t);
}

static void missing_values_are_counted(void **state)
{
    world *w = *state;
    iv__text report = { .home = w->home };

    assert_cells(w, "a,b\n,1\nNA,2\nnan,3\n?,4\n-,5\nN/A,6\nnull,7\n", &(iv__table_options){ 0 },
                 "a b\n- 1\n- 2\n- 3\n- 4\n- 5\n- 6\n- 7");
    assert_cells(w, "a,b\n-200,1\n-200.0,2\nvoid,3\n-2e2,4\n200,5\n",
                 &(iv__table_options){ .missing = "-200, VOID" }, "a b\n- 1\n- 2\n- 3\n- 4\n200 5");
    iv__table *t = read_text(w, "day,x,y\nMon,1,-1\n , ,\nTue,,2\nWed,-1,3\n",
                             &(iv__table_options){ .missing = "-1" });
    iv__table_report(t, &report);
    assert_string_equal(report.data,
                        "3 rows, 2 columns of numbers; missing: x 2, y 1; 1 empty rows passed over; "
                        "no numbers: day");
    assert_string_equal(iv__table_missing(t), "-1");
    assert_int_equal(iv__table_column(t, 0)->others, 3);
    assert_int_equal(iv__table_check(t, 0), IV_FORMAT);
    iv__table_free(t);
    iv__text_free(&report);
}

static void columns_without_a_name(void **state)
{
    world *w = *state;

    assert_cells(w, "a,,b,,\n1,,2,,\n3,,4,,\n", &(iv__table_options){ 0 }, "a b\n1 2\n3 4");
    assert_cells(w, ",a\n7,1\n8,2\n", &(iv__table_options){ 0 }, "column 1 a\n7 1\n8 2");
}

static void what_is_no_table_is_refused(void **state)
{
    /* clang-format off */
    static const struct { const char *csv, *message; } cases[] = {
        { "", "table.csv: the file is empty; expected a table of your own" },
        { "a,b\n", "table.csv: there are no rows below the header" },
        { "a,b\n,\n", "table.csv: there are no rows below the header" },
        { "a,b\n1,2\n\n3\n", "table.csv:4: expected 2 fields, as many as the header has, found 1" },
        { "a,b\n1,2,3\n", "table.csv:2: expected 2 fields, as many as the header has, found 3" },
        { "a,b,a\n1,2,3\n", "table.csv:1: two columns are called 'a'" },
        { "1,2\n3,4\n", "table.csv:1: the first line should name the columns, and holds numbers" },
        { ",,\n3,4,5\n", "table.csv:1: the first line should name the columns, and holds no names" },
        { "a,b\n1,\"2\n", "table.csv:2: a quote in this row is not closed" },
        { "a,b\n1,\xff\n", "table.csv:2: a field of this row is no text" },
    };
    /* clang-format on */
    world *w = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null(read_text(w, cases[i].csv, &(iv__table_options){ 0 }));
        assert_message(w->home, cases[i].message);
    }
    assert_null(iv__table_open(w->home, &iv__dataset_text, in_folder(w, "table.csv"),
                               &(iv__table_options){ 0 }));
    assert_string_equal(iv_home_message(w->home), "the data set text holds texts, no table");
}

static void put_many_rows(iv__text *text)
{
    iv__text_put(text, "a,b,c\n");
    for (int i = 1; i < 2000; i++)
        iv__text_print(text, "%d,%d.5,x\n", i, i);
}

static void many_rows_are_read(void **state)
{
    world *w = *state;
    iv__text rows = { .home = w->home };

    put_many_rows(&rows);
    iv__table *t = read_text(w, rows.data, &(iv__table_options){ 0 });
    assert_int_equal(iv__table_rows(t), 1999);
    assert_true(iv__table_at(t, 1998, 1) == 1999.5);
    iv__table_free(t);
    iv__text_free(&rows);
}

static bool read_scarce(iv_home *home, void *context)
{
    iv__table *t = iv__table_open(home, &iv__dataset_table, context, &(iv__table_options){ 0 });

    iv__table_free(t);
    return t != NULL;
}

static void memory_that_runs_out_is_said(void **state)
{
    world *w = *state;
    char path[512];
    iv__text rows = { .home = w->home };

    put_many_rows(&rows);
    snprintf(path, sizeof path, "%s", in_folder(w, "table.csv"));
    write_text(path, rows.data);
    iv__text_free(&rows);
    assert_survives_scarcity(read_scarce, path);
}

static void air_quality(void **state)
{
    world *w = *state;
    const char *root = getenv("IVORY_DATA");
    iv__text path = { .home = w->home }, report = { .home = w->home };

    if (!root || iv__dataset_locate(w->home, &iv__dataset_air_quality, root, &path)) {
        iv__text_free(&path);
        skip();
    }
    iv__table *t = iv__table_open(w->home, &iv__dataset_air_quality, path.data,
                                  &(iv__table_options){ 0 });
    if (!t)
        fail_msg("%s", iv_home_message(w->home));
    iv__table_report(t, &report);
    assert_string_equal(
        report.data,
        "9357 rows, 13 columns of numbers; missing: CO(GT) 1683, PT08.S1(CO) 366, NMHC(GT) 8443, "
        "C6H6(GT) 366, PT08.S2(NMHC) 366, NOx(GT) 1639, PT08.S3(NOx) 366, NO2(GT) 1642, PT08.S4(NO2) "
        "366, PT08.S5(O3) 366, T 366, RH 366, AH 366; 114 empty rows passed over; no numbers: Date, "
        "Time");
    assert_int_equal(iv__table_columns(t), 15);
    assert_true(iv__table_at(t, 0, iv__table_find(t, "C6H6(GT)")) == 11.9);
    iv__table_free(t);
    iv__text_free(&path);
    iv__text_free(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_are_what_they_say, world_begin, world_end),
        cmocka_unit_test_setup_teardown(marks_are_found_or_given, world_begin, world_end),
        cmocka_unit_test_setup_teardown(missing_values_are_counted, world_begin, world_end),
        cmocka_unit_test_setup_teardown(columns_without_a_name, world_begin, world_end),
        cmocka_unit_test_setup_teardown(what_is_no_table_is_refused, world_begin, world_end),
        cmocka_unit_test_setup_teardown(many_rows_are_read, world_begin, world_end),
        cmocka_unit_test_setup_teardown(memory_that_runs_out_is_said, world_begin, world_end),
        cmocka_unit_test_setup_teardown(air_quality, world_begin, world_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
