/* data_corpora_test.c: Aesop's fables, AG News and Reuters: their records as they are read from small
 * files, and the real ones with the chapters' figures. */
#define _XOPEN_SOURCE 700
#include "records_world.h"

#include "data/text.h"
#include "data/tokens.h"

/* ---- small files ----------------------------------------------------------------------------- */

#define SEPARATOR "| | | | | | | | | | | | | | | | | | | | "

static const char two_fables[] =
    "CONTENTS\n\nTHE FOX AND THE GRAPES\n\nTHE CROW\n\nTHE FOX AND THE GRAPES\r\n\r\n\r\nA fox.. saw\r\n"
    "grapes....\n\n   sour\n\n\n\n\nTHE CROW\n\n\nA crow \"sat.\"\n\n\n\n\nILLUSTRATIONS\nno fable\n";

static void fables_are_stories(void **state)
{
    assert_records(*state, &iv__dataset_aesop, "", two_fables,
                   "[THE FOX AND THE GRAPES.\nA fox.. saw\ngrapes....\n\n   sour][THE CROW.\nA crow "
                   "\"sat.\"]2 records: 2 kept, 0 dropped");
}

/* Replacing by the chapter's rules, in its order, gives these bytes. */
static void fables_are_one_text_as_printed(void **state)
{
    assert_records(*state, &iv__dataset_aesop, "records=whole", two_fables,
                   "[" SEPARATOR "THE FOX AND THE GRAPES. A fox. saw grapes... sour" SEPARATOR
                   "THE CROW. A crow \"sat.\"" SEPARATOR "]1 records: 1 kept, 0 dropped");
}

static void no_fables_are_refused(void **state)
{
    world *w = *state;

    assert_refused(w, &iv__dataset_aesop, "", "Once upon a time\n",
                   "file.txt: expected the heading THE FOX AND THE GRAPES with two blank lines behind it");
    assert_refused(w, &iv__dataset_aesop, "", "THE FOX AND THE GRAPES\n\n\nA fox.\n",
                   "file.txt: expected the line ILLUSTRATIONS behind the fables, but the text ends");
}

static void news_have_titles(void **state)
{
    world *w = *state;

    assert_records(w, &iv__dataset_ag_news, "",
                   "\"3\",\"Oil, \"\"up\"\" #39;s\",\"text\nmore\"\n\"1\",\" \",\"x\"\n1,Plain,\n",
                   "[Oil, \"up\" #39;s][Plain]3 records: 2 kept, 1 dropped (1 without a title)");
    assert_refused(w, &iv__dataset_ag_news, "", "\"3\",\"a\",\"b\"\n\"3\",\"a\"\n",
                   "file.txt:2: expected three fields (class, title, description), found 2");
}

static const char telegrams[] =
    "<!DOCTYPE lewis SYSTEM \"lewis.dtd\">\n"
    "<REUTERS NEWID=\"1\"><UNKNOWN>&#5;</UNKNOWN><TEXT>&#2;<TITLE>OIL &lt;SRD>\nUP</TITLE>"
    "<BODY>Oil rose\n&#22;in Z\xfcrich.\n Reuter\n&#3;</BODY></TEXT></REUTERS>\n"
    "<REUTERS><TEXT TYPE=\"UNPROC\">no title</TEXT></REUTERS>\n"
    "<REUTERS><TEXT><TITLE>OIL &lt;SRD>\nUP</TITLE><BODY> &#3;</BODY></TEXT></REUTERS>\n"
    "<REUTERS><TEXT><TITLE>SUGAR</TITLE><BODY>None.\n</BODY></TEXT></REUTERS>\n";

static void telegrams_have_titles_and_bodies(void **state)
{
    world *w = *state;

    assert_records(w, &iv__dataset_reuters_titles, "", telegrams,
                   "[OIL <SRD> UP][SUGAR]4 records: 2 kept, 2 dropped (1 without a title, 1 with a title "
                   "that came before)");
    assert_records(w, &iv__dataset_reuters_bodies, "", telegrams,
                   "[Oil rose\nin Z\xc3\xbcrich.\n Reuter][None.]4 records: 2 kept, 2 dropped (2 without a body)");
    assert_refused(w, &iv__dataset_reuters_titles, "", "what is this?",
                   "file.txt: it ends inside the head of a member: the tar archive is damaged or is none");
    assert_refused(w, &iv__dataset_reuters_titles, "", "<REUTERS><TITLE",
                   "file.txt:1: a tag that begins here does not end");
}

typedef struct task {
    const iv__dataset *set;
    const char *path, *options;
} task;

static bool read_scarcely(iv_home *home, void *context)
{
    const task *t = context;
    iv__text out = { .home = home };
    iv__records *records = iv__records_open(home, t->set, t->path, NULL);
    size_t size;
    bool failed = true;

    while (records && iv__records_next(records, &size, &failed))
        ;
    iv__records_close(records);
    iv__text_free(&out);
    return !failed;
}

static void no_memory(void **state)
{
    world *w = *state;
    task tasks[] = { { &iv__dataset_aesop, in_folder(w, "fables"), "" },
                     { &iv__dataset_reuters_titles, in_folder(w, "telegrams"), "" },
                     { &iv__dataset_ag_news, in_folder(w, "news"), "" } };

    write_text(tasks[0].path, two_fables);
    write_text(tasks[1].path, telegrams);
    write_text(tasks[2].path, "1,a,b\n");
    for (int i = 0; i < 3; i++)
        assert_survives_scarcity(read_scarcely, &tasks[i]);
}

/* ---- the real ones --------------------------------------------------------------------------- */

static char data_root[512];

static iv__tokens *open_real(world *w, const iv__dataset *set, const char *options,
                             const iv__token_rules *rules)
{
    iv__text path = { .home = w->home };
    iv__arena arena = { .home = w->home };
    iv__tokens_options o = { .rules = *rules, .vocabulary = 100000, .cache = in_folder(w, "cache") };
    void *own = NULL;

    if (!*data_root)
        skip(); /* the real data sets are found through IVORY_DATA */
    if (set->options_size)
        own = iv__arena_get(&arena, set->options_size);
    if (own) {
        iv__fields_default(set->fields, own);
        assert_int_equal(iv__fields_set(w->home, &arena, set->fields, own, options), IV_OK);
        o.set_options = own;
    }
    assert_int_equal(iv__dataset_locate(w->home, set, data_root, &path), IV_OK);
    iv__tokens *tokens = iv__tokens_open(w->home, set, path.data, &o);
    if (!tokens)
        fail_msg("%s", iv_home_message(w->home));
    iv__text_free(&path);
    iv__arena_free(&arena);
    return tokens;
}

/* The chapter prints 213,716 characters of its copy of the text, 4,169 words with padding, and
 * 50,416 windows of 20. */
static void real_fables_as_printed(void **state)
{
    static const iv__token_rules rules = { .kind = IV__TOKENS_WORDS, .complete = true, .inside = true };
    static const char *const first[] = { "", "|", ",", "the", "and", "." };
    iv__tokens *tokens = open_real(*state, &iv__dataset_aesop, "records=whole", &rules);
    const iv__vocabulary *v = iv__tokens_vocabulary(tokens);
    int64_t total = iv__tokens_total(tokens), characters = 0;
    int32_t *ids = malloc((size_t)total * sizeof *ids);

    assert_int_equal(iv__tokens_records(tokens), 1);
    assert_int_equal(total, 50416 + 20);
    assert_int_equal(iv__vocabulary_count(v), 4169);
    for (int id = 0; id < 6; id++)
        assert_string_equal(iv__vocabulary_token(v, id), first[id]);
    assert_int_equal(iv__tokens_copy(tokens, 0, 0, total, ids), total);
    for (int64_t i = 0; i < total; i++)
        characters += iv__vocabulary_characters(v, ids[i]); /* each with a blank behind it */
    assert_int_equal(characters + 1, 213719);               /* and one stands in front */
    for (int i = 0; i < 20; i++)
        assert_int_equal(ids[i], 1);
    assert_int_not_equal(ids[20], 1);
    free(ids);
    iv__tokens_free(tokens);
}

static void real_fables(void **state)
{
    static const iv__token_rules rules = { .kind = IV__TOKENS_WORDS };
    iv__tokens *tokens = open_real(*state, &iv__dataset_aesop, "", &rules);
    const iv__vocabulary *v = iv__tokens_vocabulary(tokens);

    assert_string_equal(iv__tokens_report(tokens), "284 records: 284 kept, 0 dropped");
    assert_int_equal(iv__vocabulary_id(v, "|", 1), iv__vocabulary_unknown(v));
    iv__tokens_free(tokens);
}

static void real_news_titles(void **state)
{
    static const iv__token_rules rules = { .kind = IV__TOKENS_CHARS, .complete = true, .end = true };
    iv__tokens *tokens = open_real(*state, &iv__dataset_ag_news, "", &rules);

    assert_int_equal(iv__tokens_records(tokens), 7600);
    assert_int_equal(iv__vocabulary_count(iv__tokens_vocabulary(tokens)), 81 + 2);
    iv__tokens_free(tokens);
}

/* 20,841 titles, of which 20,029 are distinct, and 19,043 bodies. */
static void real_telegrams(void **state)
{
    static const iv__token_rules rules = { .kind = IV__TOKENS_CHARS };
    iv__tokens *titles = open_real(*state, &iv__dataset_reuters_titles, "", &rules),
               *bodies = open_real(*state, &iv__dataset_reuters_bodies, "", &rules);

    assert_string_equal(iv__tokens_report(titles),
                        "21578 records: 20029 kept, 1549 dropped (812 with a title that came before, 737 "
                        "without a title)");
    assert_string_equal(iv__tokens_report(bodies),
                        "21578 records: 18781 kept, 2797 dropped (262 with a body that came before, 2535 "
                        "without a body)");
    iv__tokens_free(titles);
    iv__tokens_free(bodies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fables_are_stories),
        cmocka_unit_test(fables_are_one_text_as_printed),
        cmocka_unit_test(no_fables_are_refused),
        cmocka_unit_test(news_have_titles),
        cmocka_unit_test(telegrams_have_titles_and_bodies),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(real_fables_as_printed),
        cmocka_unit_test(real_fables),
        cmocka_unit_test(real_news_titles),
        cmocka_unit_test(real_telegrams),
    };

    if (getenv("IVORY_DATA"))
        snprintf(data_root, sizeof data_root, "%s", getenv("IVORY_DATA"));
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
