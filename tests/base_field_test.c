/* base_field_test.c: option structs through their field tables. */
#define _GNU_SOURCE
#include "file_world.h"

#include <locale.h>

#include "base/arena.h"
#include "base/field.h"
#include "base/text.h"

#include <ivory/tensor.h>

#define SIZE(array) ((int)(sizeof(array) / sizeof *(array)))

/* ---- fields ---------------------------------------------------------------------------------- */

typedef struct options {
    int64_t units;
    double rate, share;
    bool masked;
    int cell;
    const char *prompt;
    iv_shape shape;
} options;

/* clang-format off */
static const iv_field fields[] = {
    FIELD(options, units,  INT,    "128",   1, 65536, "",                "",  "width"),
    FIELD(options, rate,   REAL,   "0.001", 0, 0,     "",                "",  "any number"),
    FIELD(options, share,  REAL,   "0.1",   0, 0.9,   "",                "",  "with a range"),
    FIELD(options, masked, BOOL,   "yes",   0, 0,     "",                "",  ""),
    FIELD(options, cell,   CHOICE, "gru",   0, 0,     "lstm gru simple", "",  ""),
    FIELD(options, prompt, TEXT,   "",      0, 0,     "",                "",  ""),
    FIELD(options, shape,  SHAPE,  NULL,    0, 0,     "",                "",  ""),
    FIELD_END,
};
/* clang-format on */

static void fields_have_defaults(void **state)
{
    options o = { .shape = iv_dims(4, 5) };

    (void)state;
    iv__fields_default(fields, &o);
    assert_int_equal(o.units, 128);
    assert_true(o.rate == 0.001 && o.share == 0.1 && o.masked);
    assert_int_equal(o.cell, 1);
    assert_string_equal(o.prompt, "");
    assert_int_equal(o.shape.rank, 2); /* no default: left as it was */
}

static void set_ok(world *w, iv__arena *arena, options *o, const char *name, const char *value)
{
    if (iv__field_set(w->home, arena, fields, o, name, value))
        fail_msg("%s=%s: %s", name, value, iv_home_message(w->home));
}

static void fields_are_set_from_text(void **state)
{
    world *w = *state;
    iv__arena arena = { .home = w->home };
    options o;
    char prompt[] = "once upon";

    iv__fields_default(fields, &o);
    set_ok(w, &arena, &o, "units", "65536");
    set_ok(w, &arena, &o, "rate", "-1.5e-3");
    set_ok(w, &arena, &o, "share", "0.9");
    set_ok(w, &arena, &o, "masked", "no");
    set_ok(w, &arena, &o, "cell", "simple");
    set_ok(w, &arena, &o, "prompt", prompt);
    prompt[0] = 'x';
    assert_int_equal(o.units, 65536);
    assert_true(o.rate == -0.0015 && o.share == 0.9 && !o.masked);
    assert_int_equal(o.cell, 2);
    assert_string_equal(o.prompt, "once upon");
    assert_int_equal(iv__fields_set(w->home, &arena, fields, &o, "units=7  cell=lstm prompt= masked=yes"),
                     IV_OK);
    assert_true(o.units == 7 && o.cell == 0 && o.masked && !*o.prompt);
    assert_int_equal(iv__fields_set(w->home, &arena, fields, &o, ""), IV_OK);
    iv__arena_free(&arena);
}

static void fields_refuse_with_reasons(void **state)
{
    static const struct {
        const char *name, *value, *message;
        iv_status status;
    } wrong[] = {
        { "units", "0", "units: expected a whole number from 1 to 65536, got '0'", IV_VALUE },
        { "units", "65537", "got '65537'", IV_VALUE },
        { "units", "3.5", "got '3.5'", IV_VALUE },
        { "units", "", "got ''", IV_VALUE },
        { "units", "12 ", "got '12 '", IV_VALUE },
        { "units", "99999999999999999999", "got '99999999999999999999'", IV_VALUE },
        { "rate", "fast", "rate: expected a number, got 'fast'", IV_VALUE },
        { "rate", "nan", "rate: expected a number, got 'nan'", IV_VALUE },
        { "rate", "1e999", "got '1e999'", IV_VALUE },
        { "rate", "1,5", "got '1,5'", IV_VALUE },
        { "share", "0.91", "share: expected a number from 0 to 0.9, got '0.91'", IV_VALUE },
        { "masked", "true", "masked: 'true' is neither yes nor no", IV_VALUE },
        { "cell", "lst", "cell: 'lst' is none of: lstm gru simple", IV_VALUE },
        { "cell", "", "cell: '' is none of: lstm gru simple", IV_VALUE },
        { "cell", "gru simple", "is none of", IV_VALUE },
        { "shape", "3", "shape: expected a shape such as [2,3], got '3'", IV_VALUE },
        { "unit", "3", "there is no option 'unit'; did you mean 'units'?", IV_NAME },
        { "zzz", "3", "there is no option 'zzz'", IV_NAME },
    };
    world *w = *state;
    iv__arena arena = { .home = w->home };
    options o, before;

    memset(&o, 0, sizeof o);
    iv__fields_default(fields, &o);
    before = o;
    for (int i = 0; i < SIZE(wrong); i++) {
        iv_home_clear(w->home);
        assert_int_equal(iv__field_set(w->home, &arena, fields, &o, wrong[i].name, wrong[i].value),
                         wrong[i].status);
        assert_message(w->home, wrong[i].message);
        assert_true(iv__fields_same(fields, &o, &before)); /* what is refused changes nothing */
    }
    assert_int_equal(iv__fields_set(w->home, &arena, fields, &o, "units=3 gru"), IV_VALUE);
    assert_message(w->home, "expected name=value, got 'gru'");
    assert_int_equal(iv__fields_set(w->home, &arena, fields, &o, "units 3"), IV_VALUE);
    char longer[400];
    memset(longer, 'v', sizeof longer);
    memcpy(longer, "prompt=", 7);
    longer[sizeof longer - 1] = 0;
    assert_int_equal(iv__fields_set(w->home, &arena, fields, &o, longer), IV_VALUE);
    iv__arena_free(&arena);
}

static void dashes_stand_for_underscores(void **state)
{
    static const iv_field table[] = {
        { .name = "clip_norm", .type = IV_FIELD_REAL },
        { .name = "clip", .type = IV_FIELD_REAL },
        { .name = NULL },
    };

    (void)state;
    assert_ptr_equal(iv__field_find(table, "clip-norm"), &table[0]);
    assert_ptr_equal(iv__field_find(table, "clip_norm"), &table[0]);
    assert_ptr_equal(iv__field_find(table, "clip"), &table[1]);
    assert_null(iv__field_find(table, "clip-"));
    assert_null(iv__field_find(table, "clipnorm"));
    assert_null(iv__field_find(table, ""));
}

/* What is printed sets the same value again, to the last bit. */
static void printed_fields_read_back(void **state)
{
    static const double reals[] = {
        0, -0.0, 0.1, 1e-3, 1.0 / 3, 1e300, -2.2250738585072014e-308, 5e-324
    };
    world *w = *state;
    iv__arena arena = { .home = w->home };
    iv__text text = { .home = w->home };

    for (int r = 0; r < SIZE(reals); r++) {
        options o = { .units = INT64_C(3) << r,
                      .rate = reals[r],
                      .share = 0.25,
                      .masked = r & 1,
                      .cell = r % 3,
                      .prompt = r & 1 ? "a b" : "" };
        options read;
        memset(&read, 0, sizeof read);
        iv__fields_default(fields, &read);
        for (const iv_field *field = fields; field->type != IV_FIELD_SHAPE; field++) {
            iv__text_clear(&text);
            iv__field_print(field, &o, &text);
            set_ok(w, &arena, &read, field->name, text.data ? text.data : "");
        }
        assert_true(iv__fields_same(fields, &o, &read));
        assert_true(iv__fields_hash(fields, &o) == iv__fields_hash(fields, &read));
    }
    options shaped = { .shape = iv_dims(2, 3), .prompt = "" };
    iv__text_clear(&text);
    iv__field_print(iv__field_find(fields, "shape"), &shaped, &text);
    assert_string_equal(text.data, "[2,3]");
    static const char *const shapes[] = { "[]", "[7]", "[2,3]", "[-1,0,9]", "[1,2,3,4,5,6,7,8]" };
    for (int i = 0; i < SIZE(shapes); i++) {
        set_ok(w, &arena, &shaped, "shape", shapes[i]);
        iv__text_clear(&text);
        iv__field_print(iv__field_find(fields, "shape"), &shaped, &text);
        assert_string_equal(text.data, shapes[i]);
    }
    static const char *const no_shapes[] = { "",     "2",    "[",
                                             "[2",   "[2,]", "[,2]",
                                             "[2]3", "[a]",  "[1,2,3,4,5,6,7,8,9]" };
    for (int i = 0; i < SIZE(no_shapes); i++)
        assert_int_equal(iv__field_set(w->home, &arena, fields, &shaped, "shape", no_shapes[i]),
                         IV_VALUE);
    iv__text_free(&text);
    iv__arena_free(&arena);
}

static void equality_sees_every_field(void **state)
{
    (void)state;
    options a = { .units = 1, .prompt = "x", .shape = iv_dims(2) }, b = a;
    char copy[] = "x";

    b.prompt = copy;
    assert_true(iv__fields_same(fields, &a, &b)); /* texts are compared, not pointers */
    assert_true(iv__fields_hash(fields, &a) == iv__fields_hash(fields, &b));
    options others[] = { a, a, a, a, a, a, a };
    others[0].units = 2;
    others[1].rate = 1;
    others[2].share = 1e-300;
    others[3].masked = true;
    others[4].cell = 1;
    others[5].prompt = "xx";
    others[6].shape = iv_dims(2, 1);
    for (int i = 0; i < SIZE(others); i++) {
        assert_false(iv__fields_same(fields, &a, &others[i]));
        assert_true(iv__fields_hash(fields, &a) != iv__fields_hash(fields, &others[i]));
    }
}

static void numbers_have_points_in_any_locale(void **state)
{
    static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE" };
    world *w = *state;
    iv__text text = { .home = w->home };
    options o = { .prompt = "" };
    bool set = false;

    for (int i = 0; i < SIZE(names) && !set; i++)
        set = setlocale(LC_NUMERIC, names[i]) != NULL;
    if (!set)
        skip(); /* no locale with a decimal comma is installed here */
    iv_status status = iv__field_set(w->home, NULL, fields, &o, "rate", "1.5");
    iv__field_print(iv__field_find(fields, "rate"), &o, &text);
    setlocale(LC_NUMERIC, "C");
    assert_int_equal(status, IV_OK);
    assert_true(o.rate == 1.5);
    assert_string_equal(text.data, "1.5");
    iv__text_free(&text);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_have_defaults),      IN_WORLD(fields_are_set_from_text),
        IN_WORLD(fields_refuse_with_reasons),        cmocka_unit_test(dashes_stand_for_underscores),
        IN_WORLD(printed_fields_read_back),          cmocka_unit_test(equality_sees_every_field),
        IN_WORLD(numbers_have_points_in_any_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
