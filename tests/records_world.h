/* records_world.h: what tests of data sets share: the records of a file as one text, and whether they are
 * the ones expected. */
#ifndef IVORY_TESTS_RECORDS_WORLD_H
#define IVORY_TESTS_RECORDS_WORLD_H

#include "file_world.h"

#include "data/dataset.h"

/* All records, each in brackets with `between` between its pieces, then the report; a failure ends the
 * text with "!". options: "records=lines". */
static inline void print_records(iv_home *home, const iv__dataset *set, const char *path,
                                 const char *options, const char *between, iv__text *out)
{
    iv__arena arena = { .home = home };
    void *own = set->options_size ? iv__arena_get(&arena, set->options_size) : NULL;
    const char *text;
    size_t size;
    bool failed = true, inside = false;

    iv_home_clear(home);
    iv__text_clear(out);
    if (own) {
        iv__fields_default(set->fields, own);
        assert_int_equal(iv__fields_set(home, &arena, set->fields, own, options), IV_OK);
    }
    iv__records *records = iv__records_open(home, set, path, own);
    while (records && (text = iv__records_next(records, &size, &failed))) {
        assert_int_equal(text[size], 0);
        iv__text_put(out, !inside ? "[" : size > 0 ? between : "");
        iv__text_add(out, text, size);
        inside = records->continues;
        iv__text_put(out, inside ? "" : "]");
    }
    if (failed)
        iv__text_put(out, "!");
    else
        iv__records_report(records, out);
    iv__records_close(records);
    iv__arena_free(&arena);
}

static inline void assert_records(world *w, const iv__dataset *set, const char *options,
                                  const char *content, const char *expected)
{
    iv__text out = { .home = w->home };
    const char *path = in_folder(w, "file.txt");

    write_text(path, content);
    print_records(w->home, set, path, options, "", &out);
    assert_string_equal(out.data, expected);
    iv__text_free(&out);
}

static inline void assert_refused(world *w, const iv__dataset *set, const char *options,
                                  const char *content, const char *message)
{
    iv__text out = { .home = w->home };
    const char *path = in_folder(w, "file.txt");

    write_text(path, content);
    print_records(w->home, set, path, options, "", &out);
    assert_int_equal(out.data[out.size - 1], '!');
    assert_int_equal(iv_home_status(w->home), IV_FORMAT);
    assert_message(w->home, message);
    iv__text_free(&out);
}

#endif
