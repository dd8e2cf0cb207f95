/* format_json_test.c: the JSON reader, its messages and limits, and the writer. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include <locale.h>
#include <math.h>

#include "format/json.h"
#include "format/json_write.h"

/* The events of a document as text: {"a":[1,true]} gives "{ a: [ 1 true ] }". */
static void print_events(iv_home *home, const char *bytes, size_t size, iv__text *out)
{
    iv__source *source = iv__source_memory(home, "doc", bytes, size);
    iv__json *json = iv__json_new(source);
    iv__json_kind kind;
    static const char *const marks[] = {
        [IV__JSON_OBJECT] = "{ ",    [IV__JSON_OBJECT_END] = "} ", [IV__JSON_ARRAY] = "[ ",
        [IV__JSON_ARRAY_END] = "] ", [IV__JSON_TRUE] = "true ",    [IV__JSON_FALSE] = "false ",
        [IV__JSON_NULL] = "null "
    };

    iv_home_clear(home);
    while ((kind = iv__json_next(json)) > IV__JSON_END) {
        size_t length;
        const char *text = iv__json_text(json, &length);
        if (kind == IV__JSON_NAME || kind == IV__JSON_STRING || kind == IV__JSON_NUMBER) {
            if (kind == IV__JSON_STRING)
                iv__text_put(out, "'");
            iv__text_add(out, text, length);
            iv__text_put(out, kind == IV__JSON_NAME ? ": " : kind == IV__JSON_STRING ? "' " : " ");
        } else {
            iv__text_put(out, marks[kind]);
        }
    }
    iv__text_put(out, kind == IV__JSON_END ? "." : "!");
    assert_int_equal(iv__json_next(json), kind); /* and stays so */
    iv__json_free(json);
    iv__source_close(source);
}

static void good_documents(void **state)
{
    /* clang-format off */
    static const struct { const char *json, *events; } cases[] = {
        { "{\"a\":[1,true,null,false],\"b\":{}}", "{ a: [ 1 true null false ] b: { } } ." },
        { " [ ] ", "[ ] ." },
        { "\xef\xbb\xbf[1]", "[ 1 ] ." },
        { "\"x\"", "'x' ." },
        { "-0.5e+10", "-0.5e+10 ." },
        { "[0,-0,10,1.25,1E5,2e-3]", "[ 0 -0 10 1.25 1E5 2e-3 ] ." },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "'\"\\/\b\f\n\r\t' ." },
        { "\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "'A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80' ." },
        { "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\"", "'\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f' ." },
        { "{\"\":{\"\":[[],[{}]]}}", "{ : { : [ [ ] [ { } ] ] } } ." },
        { "[\r\n\t1 ,\n 2 ]\n", "[ 1 2 ] ." },
    };
    /* clang-format on */
    world *w = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iv__text out = { .home = w->home };
        print_events(w->home, cases[i].json, strlen(cases[i].json), &out);
        assert_string_equal(out.data, cases[i].events);
        iv__text_free(&out);
    }
}

static void messages_name_the_place(void **state)
{
    /* clang-format off */
    static const struct { const char *json, *message; } cases[] = {
        { "", "doc:1:1: expected a value but the data end here" },
        { "[1,\n {\"a\":1 x}]", "doc:2:9: expected ',' or '}' but found 'x'" },
        { "[1 2]", "doc:1:4: expected ',' or ']' but found '2'" },
        { "[1,]", "doc:1:4: expected a value but found ']'" },
        { "{\"a\":1,}", "doc:1:8: expected a name in quotes but found '}'" },
        { "{a:1}", "doc:1:2: expected a name in quotes or '}' but found 'a'" },
        { "{\"a\" 1}", "doc:1:6: expected ':' but found '1'" },
        { "{\"a\":}", "doc:1:6: expected a value but found '}'" },
        { "[1}", "doc:1:3: expected ',' or ']' but found '}'" },
        { "[", "doc:1:2: expected a value or ']' but the data end here" },
        { "[1] 2", "doc:1:5: expected the end of the data but found '2'" },
        { "tru", "doc:1:4: expected 'true' but the data end here" },
        { "nulL", "doc:1:4: expected 'null' but found 'L'" },
        { "NaN", "doc:1:1: expected a value but found 'N'" },
        { "'a'", "doc:1:1: expected a value but found '''" },
        { "01", "doc:1:2: a number does not begin with 0" },
        { "-", "doc:1:2: expected a digit but the data end here" },
        { "1.", "doc:1:3: expected a digit but the data end here" },
        { ".5", "doc:1:1: expected a value but found '.'" },
        { "1e+", "doc:1:4: expected a digit but the data end here" },
        { "+1", "doc:1:1: expected a value but found '+'" },
        { "\"a\nb\"", "doc:1:3: expected the string's end or an escape such as \\n but found a line break" },
        { "\"a\x01\"", "but found the byte 0x01" },
        { "\"abc", "doc:1:5: expected the string's end or an escape such as \\n but the data end here" },
        { "\"\\x\"", "doc:1:3: expected one of \" \\ / b f n r t u behind a backslash but found 'x'" },
        { "\"\\u12g4\"", "doc:1:6: expected four hexadecimal digits behind \\u but found 'g'" },
        { "\"\\ud800\"", "doc:1:8: half of a surrogate pair" },
        { "\"\\udc00\\ud800\"", "half of a surrogate pair" },
        { "\"\\ud800\\u0041\"", "half of a surrogate pair" },
        { "[\"\xc3\xa9\xc3\xa9\", \xe2\x82\xac]", "doc:1:8: expected a value but found '\xe2\x82\xac'" },
        { "\"\xff\"", "doc:1:2: expected UTF-8 but found the byte 0xff" },
        { "\"\xc0\x80\"", "expected UTF-8 but found the byte 0xc0" },
        { "\"\xed\xa0\x80\"", "expected UTF-8 but found the byte 0xed" },
        { "\"\xf4\x90\x80\x80\"", "expected UTF-8 but found the byte 0xf4" },
        { "\"\xe2\x82\"", "expected UTF-8 but found the byte 0xe2" },
    };
    /* clang-format on */
    world *w = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iv__text out = { .home = w->home };
        print_events(w->home, cases[i].json, strlen(cases[i].json), &out);
        assert_int_equal(out.data[out.size - 1], '!');
        assert_int_equal(iv_home_status(w->home), IV_FORMAT);
        assert_message(w->home, cases[i].message);
        iv__text_free(&out);
    }
}

/* Whatever lies across the border of two pieces is read as elsewhere. */
static void borders_of_pieces(void **state)
{
    static const char inside[] = "\xc3\xa9\\u20ac\xf0\x9f\x98\x80\\ud83d\\ude00\\n",
                      decoded[] = "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf0\x9f\x98\x80\n";
    world *w = *state;

    for (size_t shift = 0; shift < 40; shift++) {
        size_t pad = (1 << 16) - shift;
        iv__text doc = { .home = w->home }, out = { .home = w->home };
        for (size_t i = 0; i < pad; i++)
            iv__text_put(&doc, i ? "x" : "\"");
        iv__text_put(&doc, inside);
        iv__text_put(&doc, "\" ");
        print_events(w->home, doc.data, doc.size, &out);
        assert_int_equal(out.size, pad - 1 + 2 + sizeof decoded - 1 + 2);
        assert_memory_equal(out.data + pad, decoded, sizeof decoded - 1);

        iv__text_clear(&doc);
        iv__text_clear(&out);
        for (size_t i = 0; i < pad; i++)
            iv__text_put(&doc, " ");
        iv__text_put(&doc, "[-12.5e3, true ]");
        print_events(w->home, doc.data, doc.size, &out);
        assert_string_equal(out.data, "[ -12.5e3 true ] .");
        iv__text_free(&doc);
        iv__text_free(&out);
    }
}

static void depth_is_limited(void **state)
{
    world *w = *state;
    char doc[2 * (IV__JSON_DEPTH + 1) + 1] = "";

    for (int depth = IV__JSON_DEPTH; depth <= IV__JSON_DEPTH + 1; depth++) {
        iv__text out = { .home = w->home };
        memset(doc, '[', (size_t)depth);
        memset(doc + depth, ']', (size_t)depth);
        print_events(w->home, doc, 2 * (size_t)depth, &out);
        assert_int_equal(out.data[out.size - 1], depth == IV__JSON_DEPTH ? '.' : '!');
        iv__text_free(&out);
    }
    assert_message(w->home, "doc:1:65: more than 64 objects and arrays lie in each other");
}

/* A long document made on the fly: [{"n": 0, "s": "xxxxxxxx"}, ...]. */
typedef struct endless {
    int64_t next, count;
    char text[64];
    size_t at, size;
} endless;

static int64_t endless_read(iv__source *source, void *buffer, size_t size)
{
    endless *e = iv__source_state(source);
    size_t n = 0;

    while (n < size) {
        if (e->at == e->size) {
            if (e->next > e->count)
                break;
            e->size = (size_t)snprintf(e->text, sizeof e->text,
                                       e->next == e->count ? "]" : "%s{\"n\": %lld, \"s\": \"xxxxxxxx\"}\n",
                                       e->next ? "," : "[", (long long)e->next);
            e->at = 0;
            e->next++;
        }
        ((char *)buffer)[n++] = e->text[e->at++];
    }
    return (int64_t)n;
}

static void endless_close(iv__source *source)
{
    (void)source;
}

static void memory_does_not_grow(void **state)
{
    static const iv__source_kind kind = { endless_read, endless_close };
    world *w = *state;
    endless e = { .count = 300000 };
    iv__source *source = iv__source_new(w->home, "endless", &kind, &e);
    iv__json *json = iv__json_new(source);
    int64_t objects = 0, line, column;
    size_t most = 0;
    iv__json_kind event;

    while ((event = iv__json_next(json)) > IV__JSON_END) {
        objects += event == IV__JSON_OBJECT;
        size_t held = iv__home_bytes(w->home);
        most = held > most ? held : most;
    }
    assert_int_equal(event, IV__JSON_END);
    assert_int_equal(objects, 300000);
    iv__json_place(json, &line, &column);
    assert_int_equal(line, 300001);
    assert_true(most < 200000);
    iv__json_free(json);
    iv__source_close(source);
}

static void values_are_skipped(void **state)
{
    static const char doc[] = "{\"a\": {\"b\": [1, [2, {}], \"]\"]}, \"c\": 3, \"d\": [4, 5], \"e\": 6}";
    world *w = *state;
    iv__source *source = iv__source_memory(w->home, "doc", doc, sizeof doc - 1);
    iv__json *json = iv__json_new(source);

    assert_int_equal(iv__json_next(json), IV__JSON_OBJECT);
    assert_int_equal(iv__json_next(json), IV__JSON_NAME);
    assert_true(iv__json_skip(json)); /* the object behind "a" */
    assert_int_equal(iv__json_next(json), IV__JSON_NAME);
    assert_string_equal(iv__json_text(json, NULL), "c");
    assert_int_equal(iv__json_next(json), IV__JSON_NUMBER);
    assert_true(iv__json_skip(json)); /* nothing */
    assert_int_equal(iv__json_next(json), IV__JSON_NAME);
    assert_int_equal(iv__json_next(json), IV__JSON_ARRAY);
    assert_int_equal(iv__json_next(json), IV__JSON_NUMBER);
    assert_int_equal(iv__json_depth(json), 2);
    assert_int_equal(iv__json_next(json), IV__JSON_NUMBER);
    assert_int_equal(iv__json_next(json), IV__JSON_ARRAY_END);
    assert_int_equal(iv__json_next(json), IV__JSON_NAME);
    assert_int_equal(iv__json_refuse(json, "not %d", 6), IV_FORMAT);
    assert_string_equal(iv_home_message(w->home), "doc:1:54: not 6");
    assert_int_equal(iv__json_next(json), IV__JSON_FAILED);
    iv__json_free(json);
    iv__source_close(source);
}

static void small_documents_as_trees(void **state)
{
    static const char doc[] =
        "{\"name\": \"x\", \"list\": [1, -2.5, true],\n \"big\": 9223372036854775807,"
        " \"low\": -9223372036854775808, \"over\": 9223372036854775808, \"huge\": 1e999}";
    world *w = *state;
    iv__arena arena = { .home = w->home };
    int64_t whole;
    double real;

    const iv__json_value *root = iv__json_tree_of(w->home, "doc", doc, sizeof doc - 1, &arena);
    assert_non_null(root);
    assert_int_equal(root->count, 6);
    assert_string_equal(iv__json_string(iv__json_member(root, "name")), "x");
    const iv__json_value *list = iv__json_member(root, "list");
    assert_int_equal(list->count, 3);
    assert_true(iv__json_int(list->first, &whole) && whole == 1);
    assert_false(iv__json_int(list->first->next, &whole));
    assert_true(iv__json_real(list->first->next, &real) && real == -2.5);
    assert_int_equal(list->first->next->next->kind, IV__JSON_TRUE);
    assert_true(iv__json_int(iv__json_member(root, "big"), &whole) && whole == INT64_MAX);
    assert_int_equal(iv__json_member(root, "big")->line, 2);
    assert_true(iv__json_int(iv__json_member(root, "low"), &whole) && whole == INT64_MIN);
    assert_false(iv__json_int(iv__json_member(root, "over"), &whole));
    assert_false(iv__json_real(iv__json_member(root, "huge"), &real));
    assert_null(iv__json_member(root, "none"));
    assert_null(iv__json_member(NULL, "none"));
    assert_null(iv__json_string(list));

    assert_null(iv__json_tree_of(w->home, "doc", "{\"a\": \"x\\u0000y\"}", 16, &arena));
    assert_message(w->home, "doc:1:7: \\u0000 has no place");
    iv__arena_free(&arena);
}

static void write_sample(iv__json_writer *w)
{
    iv__json_put_object(w);
    iv__json_put_name(w, "text");
    iv__json_put_string(w, "a\"\\\b\f\n\r\t\x01\x7f\xc3\xa9");
    iv__json_put_name(w, "list");
    iv__json_put_array(w);
    iv__json_put_int(w, INT64_MIN);
    iv__json_put_float(w, 0.1f);
    iv__json_put_double(w, 0.1);
    iv__json_put_double(w, 1.0 / 3);
    iv__json_put_float(w, NAN);
    iv__json_put_double(w, INFINITY);
    iv__json_end_array(w);
    iv__json_put_name(w, "empty");
    iv__json_put_object(w);
    iv__json_end_object(w);
    iv__json_put_name(w, "yes");
    iv__json_put_bool(w, true);
    iv__json_put_name(w, "none");
    iv__json_put_string(w, NULL);
    iv__json_end_object(w);
}

static void what_is_written(void **state)
{
    world *w = *state;
    iv__text line = { .home = w->home }, lines = { .home = w->home };

    write_sample(&(iv__json_writer){ .text = &line });
    assert_string_equal(
        line.data,
        "{\"text\": \"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u007f\xc3\xa9\", \"list\": [-9223372036854775808, "
        "0.100000001, 0.1, 0.3333333333333333, null, null], \"empty\": {}, \"yes\": true, \"none\": null}");
    write_sample(&(iv__json_writer){ .text = &lines, .indent = 2 });
    assert_non_null(strstr(lines.data, "{\n  \"text\": \"a"));
    assert_non_null(strstr(lines.data, "\"list\": [\n    -9223372036854775808,\n    0.100000001,\n"));
    assert_non_null(strstr(lines.data, "\"empty\": {},\n"));

    iv__text_clear(&line);
    iv__json_put_string(&(iv__json_writer){ .text = &line }, "a\xff"
                                                             "b\xe2\x82");
    assert_string_equal(line.data, "\"a\xef\xbf\xbd"
                                   "b\xef\xbf\xbd\xef\xbf\xbd\"");
    iv__text_clear(&line);
    iv__json_put_bytes(&(iv__json_writer){ .text = &line }, "a\0b", 4);
    assert_string_equal(line.data, "\"a\\u0000b\\u0000\"");
    iv__text_free(&line);
    iv__text_free(&lines);
}

static double read_back(world *w, const iv__text *text)
{
    iv__arena arena = { .home = w->home };
    double number = -1;

    assert_true(iv__json_real(iv__json_tree_of(w->home, "n", text->data, text->size, &arena), &number));
    iv__arena_free(&arena);
    return number;
}

/* Random bit patterns come back bit for bit. */
static void numbers_round_trip(void **state)
{
    world *w = *state;
    uint64_t bits = 88172645463325252u;
    iv__text text = { .home = w->home };

    for (int i = 0; i < 20000; i++) {
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        double d;
        float f;
        uint32_t low = (uint32_t)bits;
        memcpy(&d, &bits, sizeof d);
        memcpy(&f, &low, sizeof f);
        if (isfinite(d)) {
            iv__text_clear(&text);
            iv__json_put_double(&(iv__json_writer){ .text = &text }, d);
            assert_true(read_back(w, &text) == d);
        }
        if (isfinite(f)) {
            iv__text_clear(&text);
            iv__json_put_float(&(iv__json_writer){ .text = &text }, f);
            assert_true((float)read_back(w, &text) == f);
        }
    }
    iv__text_free(&text);
}

/* Found by fuzzing: "-0" would come back as the whole number 0, and lose its sign. */
static void negative_zero_stays_negative(void **state)
{
    world *w = *state;
    iv__text text = { .home = w->home };

    iv__json_put_double(&(iv__json_writer){ .text = &text }, -0.0);
    assert_string_equal(text.data, "-0.0");
    assert_true(signbit(read_back(w, &text)));
    iv__text_free(&text);
}

/* A program may have set a locale whose decimal mark is a comma. */
static void locale_does_not_matter(void **state)
{
    static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE",
                                         "nl_NL.UTF-8" };
    world *w = *state;
    iv__text text = { .home = w->home };
    bool set = false;

    for (size_t i = 0; i < sizeof names / sizeof *names && !set; i++)
        set = setlocale(LC_NUMERIC, names[i]) != NULL;
    if (!set)
        skip(); /* no locale with a decimal comma is installed here */
    iv__json_put_double(&(iv__json_writer){ .text = &text }, 2.5);
    double back = read_back(w, &text);
    setlocale(LC_NUMERIC, "C");
    assert_string_equal(text.data, "2.5");
    assert_true(back == 2.5);
    iv__text_free(&text);
}

static bool build_tree(iv_home *home, void *context)
{
    iv__arena arena = { .home = home };
    const iv__json_value *root = iv__json_tree_of(home, "doc", context, strlen(context), &arena);

    iv__arena_free(&arena);
    return root != NULL;
}

static void no_memory(void **state)
{
    char doc[] = "{\"a\": [\"a text of some length, so that its memory must grow beyond the first piece that there was\", 1]}";

    (void)state;
    assert_survives_scarcity(build_tree, doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_documents),           cmocka_unit_test(messages_name_the_place),
        cmocka_unit_test(borders_of_pieces),        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(memory_does_not_grow),     cmocka_unit_test(values_are_skipped),
        cmocka_unit_test(small_documents_as_trees), cmocka_unit_test(what_is_written),
        cmocka_unit_test(numbers_round_trip),       cmocka_unit_test(negative_zero_stays_negative),
        cmocka_unit_test(locale_does_not_matter),   cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
