/* data_stories_test.c: the bAbI tasks: stories as records, what is refused, and what the files are. */
#define _XOPEN_SOURCE 700
#include "records_world.h"

#include "data/babi.h"

static const char two_stories[] = "1 Mary moved to the hall.\n2 Where is Mary? \thall\t1\n3 John left.\r\n"
                                  "4 Who left?\tJohn\t3 1\n\n1 All went.\n2 Who went?\tmary,john\t1\n";

static void stories_are_kept_whole(void **state)
{
    assert_records(*state, &iv__dataset_babi, "", two_stories,
                   "[1 Mary moved to the hall.\n2 Where is Mary? \thall\t1\n3 John left.\n4 Who left?\tJohn\t3 1\n]"
                   "[1 All went.\n2 Who went?\tmary,john\t1\n]2 records: 2 kept, 0 dropped");
}

static void lines_have_parts(void **state)
{
    const char *at = "1 Mary left. \n2 Who left ? \t mary \t1\n";
    iv__babi_line line;

    (void)state;
    assert_true(iv__babi_line_next(&at, &line));
    assert_null(line.answer);
    assert_int_equal(line.size, 10);
    assert_memory_equal(line.text, "Mary left.", 10);
    assert_true(iv__babi_line_next(&at, &line));
    assert_int_equal(line.size, 10);
    assert_memory_equal(line.text, "Who left ?", 10);
    assert_int_equal(line.answer_size, 4);
    assert_memory_equal(line.answer, "mary", 4);
    assert_false(iv__babi_line_next(&at, &line));
}

static void what_is_out_of_order_is_refused(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "2 Mary left.\n",
          "file.txt:1: expected the line of number 1, found number 2: is it out of order?" },
        { "1 Mary left.\n3 John left.\n",
          "file.txt:2: expected the line of number 2, or 1 for a new story, found number 3: is it out of order?" },
        { "1 Mary left.\nJohn left.\n", "file.txt:2: expected a number, a blank and a sentence" },
        { "1 Mary left.\n2\n", "file.txt:2: expected a sentence or a question behind the number" },
        { "1 Mary left.\n2x John left.\n", "file.txt:2: expected a number, a blank and a sentence" },
        { "1 Mary left.\n2 Who left? Mary 1\n3 Who left?\n",
          "file.txt:3: expected a tab and an answer behind the question" },
        { "1 Mary left.\n2 Who left?\t \t1\n",
          "file.txt:2: expected an answer behind the question's tab" },
        { "1 Mary left.\n2 Who left?\tMary\t1\n3 Who left?\tMary\t2\n",
          "file.txt:3: the answer follows from sentence 2, and the story has no such sentence before it" },
        { "1 Mary left.\n2 Who left?\tMary\t1 7\n",
          "file.txt:2: the answer follows from sentence 7, and the story has no such sentence before it" },
        { "1 Mary left.\n2 Who left?\tMary\t0\n", "the answer follows from sentence 0" },
        { "1 Mary left.\n2 Who left?\tMary\t1,\n",
          "file.txt:2: expected numbers of sentences behind the answer, with a blank between them" },
        { "1 Mary left.\n99999999999999999999 John left.\n", "file.txt:2: expected" },
        { "1 Mary \xff left.\n", "file.txt:1: byte 7 of the text (0xff) is no UTF-8" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(*state, &iv__dataset_babi, "", cases[i].text, cases[i].message);
}

static void names_tell_task_and_tests(void **state)
{
    (void)state;
    assert_int_equal(iv__babi_task_of("en_qa7/qa12_conjunction_test.txt"), 12);
    assert_int_equal(iv__babi_task_of("data/en-10k_qa1_single-supporting-fact_train.txt.gz"), 1);
    assert_int_equal(iv__babi_task_of("qa21_more_train.txt"), 0);
    assert_int_equal(iv__babi_task_of("qa1.txt"), 0);
    assert_int_equal(iv__babi_task_of("my-stories.txt"), 0);
    assert_true(iv__babi_tests_of("train_test/qa1_x_test.txt"));
    assert_false(iv__babi_tests_of("x_test/qa1_x_train.txt"));
}

/* Stories and questions of each task, training and tests. */
static void count(world *w, const iv__dataset *set, int64_t asked[IV__BABI_TASKS + 1][2])
{
    iv__text path = { .home = w->home };
    bool failed = true;
    const char *text;
    size_t size;

    if (iv__dataset_locate(w->home, set, NULL, &path))
        skip();
    iv__records *records = iv__records_open(w->home, set, path.data, NULL);
    while (records && (text = iv__records_next(records, &size, &failed)))
        for (iv__babi_line line; iv__babi_line_next(&text, &line);)
            asked[iv__babi_task(records)][iv__babi_tests(records)] += line.answer != NULL;
    if (failed)
        fail_msg("%s", iv_home_message(w->home));
    iv__records_close(records);
    iv__text_free(&path);
}

static void real_tasks(void **state)
{
    for (int more = 0; more < 2; more++) {
        int64_t asked[IV__BABI_TASKS + 1][2] = { { 0 } };
        count(*state, more ? &iv__dataset_babi_10k : &iv__dataset_babi, asked);
        for (int task = 0; task <= IV__BABI_TASKS; task++) {
            const int64_t training = more && task == 3 ? 0 : more ? 10000 : 1000;
            assert_int_equal(asked[task][0], task ? training : 0);
            assert_int_equal(asked[task][1], task ? 1000 : 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stories_are_kept_whole),
        cmocka_unit_test(lines_have_parts),
        cmocka_unit_test(what_is_out_of_order_is_refused),
        cmocka_unit_test(names_tell_task_and_tests),
        cmocka_unit_test(real_tasks),
    };

    return cmocka_run_group_tests(tests, world_begin, world_end);
}
