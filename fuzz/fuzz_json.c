/* fuzz_json.c: any bytes as JSON: the events end, a tree that is written reads back the same. */
#include "fuzz_world.h"

#include "format/json.h"
#include "format/json_write.h"

static bool read_events(iv_home *home, const uint8_t *data, size_t size)
{
    iv__source *source = iv__source_memory(home, "input", data, size);
    iv__json *json = iv__json_new(source);
    iv__json_kind kind;
    size_t length, events = 0;

    while ((kind = iv__json_next(json)) > IV__JSON_END) {
        const char *text = iv__json_text(json, &length);
        must(text[length] == 0);
        must(iv__json_depth(json) <= IV__JSON_DEPTH);
        must(++events <= size * 2);
        if (events % 7 == 0 && !iv__json_skip(json))
            break;
    }
    iv__json_free(json);
    iv__source_close(source);
    return kind == IV__JSON_END;
}

static void write_value(iv__json_writer *w, const iv__json_value *value)
{
    int64_t whole;
    double real;

    if (value->name)
        iv__json_put_name(w, value->name);
    if (value->kind == IV__JSON_STRING)
        iv__json_put_string(w, value->text);
    else if (iv__json_int(value, &whole))
        iv__json_put_int(w, whole);
    else if (iv__json_real(value, &real))
        iv__json_put_double(w, real);
    else if (value->kind == IV__JSON_TRUE || value->kind == IV__JSON_FALSE)
        iv__json_put_bool(w, value->kind == IV__JSON_TRUE);
    else if (value->kind == IV__JSON_NULL || value->kind == IV__JSON_NUMBER)
        iv__json_put_null(w);
    else {
        bool object = value->kind == IV__JSON_OBJECT;
        object ? iv__json_put_object(w) : iv__json_put_array(w);
        for (const iv__json_value *child = value->first; child; child = child->next)
            write_value(w, child);
        object ? iv__json_end_object(w) : iv__json_end_array(w);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();
    iv__arena arena = { .home = home };
    iv__text once = { .home = home }, twice = { .home = home };

    bool failed = !read_events(home, data, size);
    must(!failed || iv_home_status(home) != IV_OK);
    const iv__json_value *root = iv__json_tree_of(home, "input", data, size, &arena);
    if (root) {
        must(!failed);
        write_value(&(iv__json_writer){ .text = &once, .indent = (int)(size % 3) }, root);
        const iv__json_value *again = iv__json_tree_of(home, "written", once.data, once.size, &arena);
        must(again != NULL);
        write_value(&(iv__json_writer){ .text = &twice, .indent = (int)(size % 3) }, again);
        must(once.size == twice.size && memcmp(once.data, twice.data, once.size) == 0);
    }
    iv__arena_free(&arena);
    iv__text_free(&once);
    iv__text_free(&twice);
    return fuzz_end(home, failed);
}
