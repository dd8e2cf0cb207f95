/* manuscript_test.c: the tree of what was written together: to and fro, branches, its file, its record. */
#include "models/common_manuscript.h"

#include "base/home.h"
#include "scarce.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct world {
    iv_home *home;
    iv__manuscript m;
    iv__text text;
} world;

static int open_world(void **state)
{
    static world w;

    w = (world){ .home = iv_home_new(
                     &(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 }) };
    w.text.home = w.home;
    *state = &w;
    return iv__manuscript_new(w.home, &w.m);
}

static int close_world(void **state)
{
    world *w = *state;

    iv__manuscript_free(&w->m);
    iv__text_free(&w->text);
    assert_int_equal(iv__home_bytes(w->home), 0);
    iv_home_free(w->home);
    return 0;
}

/* Words of one action. */
static void write_words(world *w, iv__how how, const char *words)
{
    bool begins = true;

    while (*words) {
        char word[32];
        size_t size = strcspn(words + 1, " ") + 1;
        snprintf(word, sizeof word, "%.*s", (int)size, words);
        assert_int_equal(iv__manuscript_add(&w->m, &(iv__piece){ .text = word,
                                                                 .how = how,
                                                                 .run = -1,
                                                                 .probability = NAN,
                                                                 .begins = begins }),
                         IV_OK);
        words += size;
        begins = false;
    }
}

static const char *text_between(world *w, int32_t from, int32_t to)
{
    iv__text_clear(&w->text);
    iv__manuscript_text(&w->m, from, to, &w->text);
    return w->text.size ? w->text.data : "";
}

static const char *text_here(world *w)
{
    return text_between(w, 0, w->m.here);
}

static void steps_are_taken_back_and_done_again(void **state)
{
    world *w = *state;

    assert_int_equal(iv__manuscript_undo(&w->m, 0), 0);
    write_words(w, IV__TYPED, "the fox");
    write_words(w, IV__DRAWN, " saw the moon");
    assert_string_equal(text_here(w), "the fox saw the moon");
    assert_int_equal(iv__manuscript_undo(&w->m, 0), 3);
    assert_string_equal(text_here(w), "the fox");
    assert_int_equal(iv__manuscript_redo(&w->m, 0), 3);
    assert_string_equal(text_here(w), "the fox saw the moon");
    assert_int_equal(iv__manuscript_redo(&w->m, 0), 0);
    assert_int_equal(iv__manuscript_undo(&w->m, 1), 1);
    assert_string_equal(text_here(w), "the fox saw the");
    assert_int_equal(iv__manuscript_undo(&w->m, 0), 2); /* what is left of the action */
    assert_string_equal(text_here(w), "the fox");
    assert_int_equal(iv__manuscript_redo(&w->m, 2), 2);
    assert_string_equal(text_here(w), "the fox saw the");
    assert_int_equal(iv__manuscript_undo(&w->m, 1000), 4);
    assert_string_equal(text_here(w), "");
}

static void nothing_is_lost_in_branches(void **state)
{
    world *w = *state;
    int32_t last[8];

    assert_int_equal(iv__manuscript_branches(&w->m, last, 8), 0);
    assert_int_equal(iv__manuscript_fork(&w->m), 0);
    write_words(w, IV__TYPED, "the fox");
    write_words(w, IV__TYPED, " ran");
    assert_int_equal(iv__manuscript_fork(&w->m), w->m.here);
    iv__manuscript_undo(&w->m, 0);
    write_words(w, IV__TYPED, " saw the moon");
    iv__manuscript_undo(&w->m, 1);
    write_words(w, IV__TYPED, " sun");
    assert_int_equal(iv__manuscript_branches(&w->m, last, 8), 3);
    int32_t fork = iv__manuscript_fork(&w->m);
    assert_string_equal(text_between(w, 0, fork), "the fox");
    assert_string_equal(text_between(w, fork, last[0]), " ran");
    assert_string_equal(text_between(w, fork, last[1]), " saw the moon");
    assert_string_equal(text_between(w, fork, last[2]), " saw the sun");
    iv__manuscript_undo(&w->m, 100);
    iv__manuscript_redo(&w->m, 100); /* the way one came */
    assert_string_equal(text_here(w), "the fox saw the sun");
    iv__manuscript_go(&w->m, last[0]);
    iv__manuscript_undo(&w->m, 100);
    iv__manuscript_redo(&w->m, 100);
    assert_string_equal(text_here(w), "the fox ran");
    assert_int_equal(iv__manuscript_branches(&w->m, last, 1), 3);
}

static void a_blank_goes_where_a_mark_joins(void **state)
{
    world *w = *state;

    write_words(w, IV__TYPED, "we don");
    write_words(w, IV__DRAWN, " '");
    iv__manuscript_glue(&w->m);
    write_words(w, IV__DRAWN, "t");
    assert_string_equal(text_here(w), "we don't");
    iv__manuscript_undo(&w->m, 1);
    write_words(w, IV__TYPED, " '");
    iv__manuscript_glue(&w->m); /* a person's stays */
    assert_string_equal(text_here(w), "we don' '");
}

static void a_file_gives_it_back(void **state)
{
    world *w = *state;
    iv__manuscript back;
    iv__text first = { .home = w->home }, second = { .home = w->home }, record = { .home = w->home };
    int32_t run;

    assert_int_equal(iv__manuscript_run(&w->m, "runs/a", &run), IV_OK);
    assert_int_equal(iv__manuscript_run(&w->m, "runs/b", &run), IV_OK);
    write_words(w, IV__TYPED, "the \"f\xc3\xb6x\"\n\\ ran");
    iv__manuscript_undo(&w->m, 1);
    assert_int_equal(iv__manuscript_add(&w->m, &(iv__piece){ .text = " sat\there",
                                                             .how = IV__CHOSEN,
                                                             .run = run,
                                                             .probability = 1.0 / 3,
                                                             .rank = 7,
                                                             .begins = true }),
                     IV_OK);
    w->m.temperature = 0.1;
    w->m.top_k = 40;
    w->m.draws = 9;
    iv__manuscript_print(&w->m, &first);
    assert_int_equal(iv__manuscript_read(w->home, "file", first.data, first.size, &back), IV_OK);
    iv__manuscript_print(&back, &second);
    assert_string_equal(first.data, second.data);
    assert_string_equal(back.pieces[back.here].text, " sat\there");
    assert_true(back.pieces[back.here].probability == 1.0 / 3);
    iv__manuscript_record(&back, &record);
    assert_string_equal(record.data, "text\tby\thow\trun\tprobability\trank\n"
                                     "the\tperson\ttyped\t\t\t\n"
                                     " \"f\xc3\xb6x\"\\n\\\\\tperson\ttyped\t\t\t\n"
                                     " sat\\there\tmodel\tchosen\truns/b\t0.333333\t7\n");
    iv__manuscript_free(&back);
    iv__text_free(&first);
    iv__text_free(&second);
    iv__text_free(&record);
}

static void a_hostile_file_is_refused(void **state)
{
#define HEAD \
    "{\"ivory\": \"writing\", \"format\": 1, \"runs\": [\"a\"], \"temperature\": 1, \"top_k\": 0, \"draws\": 0, "
#define PIECE(text) HEAD "\"here\": 1, \"pieces\": [{" text "}]}"
    static const struct {
        const char *file, *says;
    } cases[] = {
        { "", "expected" },
        { "[]", "a writing of Ivory" },
        { "{\"ivory\": \"writing\", \"format\": 2}", "\"format\"" },
        { "{\"ivory\": \"writing\", \"format\": 1, \"runs\": 3}", "\"runs\"" },
        { "{\"ivory\": \"writing\", \"format\": 1, \"runs\": [1]}", "the name of a run" },
        { "{\"ivory\": \"writing\", \"format\": 1, \"runs\": [\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"]}",
          "at most 8 runs" },
        { HEAD "\"here\": 1, \"pieces\": []}", "\"here\"" },
        { HEAD "\"here\": 0}", "\"pieces\"" },
        { HEAD "\"here\": 0, \"pieces\": [3]}", "a piece" },
        { PIECE("\"after\": 1, \"text\": \"a\", \"how\": \"typed\", \"begins\": true"), "\"after\"" },
        { PIECE("\"after\": -1, \"text\": \"a\", \"how\": \"typed\", \"begins\": true"), "\"after\"" },
        { PIECE("\"after\": 0, \"text\": \"\", \"how\": \"typed\", \"begins\": true"), "\"text\"" },
        { PIECE("\"after\": 0, \"text\": \"a\\u0000b\", \"how\": \"typed\", \"begins\": true"),
          "has no place" },
        { PIECE("\"after\": 0, \"text\": \"a\", \"how\": \"sung\", \"begins\": true"),
          "typed, chosen or drawn" },
        { PIECE("\"after\": 0, \"text\": \"a\", \"how\": \"typed\", \"begins\": 1"), "\"begins\"" },
        { PIECE("\"after\": 0, \"text\": \"a\", \"how\": \"typed\", \"begins\": true, \"probability\": 2, \"run\": 0"),
          "probability" },
        { PIECE("\"after\": 0, \"text\": \"a\", \"how\": \"typed\", \"begins\": true, \"probability\": 0.5, \"run\": 1"),
          "\"run\"" },
        { PIECE("\"after\": 0, \"text\": \"a\", \"how\": \"typed\", \"begins\": true, \"probability\": 0.5, \"run\": 0, \"rank\": 0"),
          "\"rank\"" },
    };
    world *w = *state;
    iv__manuscript m;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iv_status status = iv__manuscript_read(w->home, "file", cases[i].file,
                                               strlen(cases[i].file), &m);
        if (status == IV_OK || !strstr(iv_home_message(w->home), cases[i].says))
            fail_msg("%s: %s", cases[i].file, iv_home_message(w->home));
        iv_home_clear(w->home);
    }
}

/* With memory for n allocations only, n = 1, 2, ...: refused or read, nothing is left behind. */
static void memory_may_run_out_at_any_moment(void **state)
{
    static const char file[] = PIECE(
        "\"after\": 0, \"text\": \"a\", \"how\": \"typed\", \"begins\": true");
    bool done = false;
    (void)state;

    for (int64_t n = 1; !done; n++) {
        scarce s = { .left = INT64_MAX / 2 };
        iv_home *home = scarce_home(&s);
        iv__manuscript m;
        s.left = n;
        done = iv__manuscript_read(home, "file", file, sizeof file - 1, &m) == IV_OK;
        if (done)
            iv__manuscript_free(&m);
        assert_int_equal(iv__home_bytes(home), 0);
        iv_home_free(home);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(steps_are_taken_back_and_done_again, open_world, close_world),
        cmocka_unit_test_setup_teardown(nothing_is_lost_in_branches, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_blank_goes_where_a_mark_joins, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_file_gives_it_back, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_hostile_file_is_refused, open_world, close_world),
        cmocka_unit_test(memory_may_run_out_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
