/* sentences_test.c: sentences cut from articles; vectors of words; rows of batches, masked and as printed; and the dialogue. */
#define _XOPEN_SOURCE 700
#include "records_world.h"

#include "data/reuters.h"
#include "models/common_sentence.h"
#include "registry/registry.h"
#include "train/batch.h"

#include <math.h>

static const char articles[] =
    "<!DOCTYPE lewis SYSTEM \"lewis.dtd\">\n"
    "<REUTERS><TOPICS><D>earn</D><D>acq</D></TOPICS><TEXT><TITLE>A. B</TITLE><BODY>Smith Corp. said it\nearned 12.50 dlrs. In the U.S. it\n"
    "lost, it said. \"Why?\" asked J. Smith. 3 pct fell.\n    A new paragraph has no full stop\n    Mr. Jones left.\n Reuter\n&#3;</BODY></TEXT></REUTERS>\n"
    "<REUTERS><TOPICS></TOPICS><TEXT><TITLE>NONE</TITLE></TEXT></REUTERS>\n"
    "<REUTERS><TOPICS></TOPICS><TEXT><BODY>Oil rose.</BODY></TEXT></REUTERS>\n"
    "<REUTERS><TOPICS><D>oil</D></TOPICS><TEXT><BODY>Oil fell.  Gold rose!</BODY></TEXT></REUTERS>\n";

static void articles_are_cut_into_sentences(void **state)
{
    assert_records(*state, &iv__dataset_reuters_sentences, "", articles,
                   "[Smith Corp. said it earned 99.99 dlrs.][In the U.S. it lost, it said.][\"Why?\" asked J. Smith.]"
                   "[9 pct fell.][A new paragraph has no full stop][Mr. Jones left.][Oil rose.][Oil fell.][Gold rose!]"
                   "11 records: 9 kept, 2 dropped (1 that are the agency's name, 1 without a body)");
    assert_records(*state, &iv__dataset_reuters_sentences, "digits=keep",
                   "<REUTERS><TEXT><BODY>It has 12. 7 left</BODY></TEXT></REUTERS>\n",
                   "[It has 12.][7 left]2 records: 2 kept, 0 dropped");
}

static void documents_have_topics(void **state)
{
    static const char *const topics[] = { "earn", "earn", "earn", "earn", "earn",
                                          "earn", "",     "oil",  "oil" };
    static const int documents[] = { 0, 0, 0, 0, 0, 0, 1, 2, 2 };
    world *w = *state;
    bool failed;
    size_t size;

    write_text(in_folder(w, "articles"), articles);
    iv__records *records = iv__records_open(w->home, &iv__dataset_reuters_sentences,
                                            in_folder(w, "articles"), NULL);
    for (int i = 0; i < 9; i++) {
        assert_non_null(iv__records_next(records, &size, &failed));
        assert_string_equal(iv__reuters_topic(records), topics[i]);
        assert_int_equal(iv__reuters_document(records), documents[i]);
    }
    assert_null(iv__records_next(records, &size, &failed));
    assert_false(failed);
    iv__records_close(records);
}

/* ---- the model ------------------------------------------------------------------------------- */

static const char glove[] = "oil 1 2 3\nrose -1 0 1\n. 0.5 0.5 0.5\nabsent 9 9 9\nrose 7 7 7\n";

static iv__instance *opened(world *w, const char *masked)
{
    const iv__model *model;
    const iv__system *system = iv__system_named(w->home, "sentences", &model);
    iv__instance *instance = iv__instance_new(w->home, model, system, false);
    const char *const settings[][2] = { { "validation", "0" }, { "test", "0" },
                                        { "latent", "5" },     { "length", "4" },
                                        { "batch", "2" },      { "masked", masked } };

    setenv("IVORY_CACHE", in_folder(w, "cache"), 1);
    write_text(in_folder(w, "articles"), articles);
    write_text(in_folder(w, "glove"), glove);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        assert_int_equal(iv__instance_set(instance, settings[i][0], settings[i][1]), IV_OK);
    assert_int_equal(iv__instance_set(instance, "vectors", in_folder(w, "glove")), IV_OK);
    if (model->open_data(instance, &iv__dataset_reuters_sentences, in_folder(w, "articles")))
        fail_msg("%s", iv_home_message(w->home));
    return instance;
}

static const iv__sentences *data_of(const iv__instance *instance)
{
    return instance->state; /* it begins with them */
}

static const float *vector_of(const iv__sentences *s, const char *word)
{
    return s->vectors.table + s->vectors.width * iv__vocabulary_id(s->vocabulary, word, strlen(word));
}

static void words_have_vectors(void **state)
{
    world *w = *state;
    iv__instance *instance = opened(w, "yes"), *again = opened(w, "no");
    const iv__sentences *s = data_of(instance);
    const float *oil = vector_of(s, "oil"), *gold = vector_of(s, "gold"), *it = vector_of(s, "it");

    assert_int_equal(s->vectors.width, 3);
    assert_int_equal(s->vectors.found, 3);
    assert_true(oil[0] == 1 && oil[1] == 2 && oil[2] == 3);
    assert_true(vector_of(s, "rose")[0] == -1);                        /* the first of its lines */
    assert_true(s->vectors.table[0] == 0 && s->vectors.table[1] == 0); /* padding */
    assert_true(gold[0] != it[0] && gold[0] != gold[1] && fabsf(gold[0]) < 10);
    assert_memory_equal(gold, vector_of(data_of(again), "gold"), 3 * sizeof *gold);
    assert_int_equal(iv__vectors_nearest(&s->vectors, (const float[]){ 2, 4, 6 }),
                     iv__vocabulary_id(s->vocabulary, "oil", 3));
    assert_float_equal(iv__cosine(oil, (const float[]){ -1, -2, -3 }, 3), -1, 1e-12);
    assert_true(iv__cosine(oil, (const float[]){ 0, 0, 0 }, 3) == 0);
    iv__instance_free(instance);
    iv__instance_free(again);
}

static void vectors_of_no_word_are_refused(void **state)
{
    world *w = *state;
    iv__instance *instance = opened(w, "yes");
    iv__vectors vectors;

    write_text(in_folder(w, "others"), "absent 1 2\n");
    assert_int_equal(iv__vectors_open(w->home, in_folder(w, "others"),
                                      data_of(instance)->vocabulary, &vectors),
                     IV_VALUE);
    assert_message(w->home, "the file of vectors has none for any of the");
    write_text(in_folder(w, "others"), "oil 1 2\ngold 1\n");
    assert_int_equal(iv__vectors_open(w->home, in_folder(w, "others"),
                                      data_of(instance)->vocabulary, &vectors),
                     IV_FORMAT);
    iv__instance_free(instance);
}

/* "Oil rose." is the seventh sentence; the loss is a mean over what counts. */
static void rows_are_vectors_of_words(void **state)
{
    world *w = *state;

    for (int masked = 0; masked < 2; masked++) {
        iv__instance *instance = opened(w, masked ? "yes" : "no");
        const iv__sentences *s = data_of(instance);
        iv_params *params = iv_params_new(w->home, IV_F32, 1);
        iv_graph *graph = iv_graph_new(w->home);
        iv__build b = { .graph = graph, .scope = iv_scope_new(graph, params, ""), .batch = 2 };
        assert_int_equal(instance->model->build(instance, &b), IV_OK);
        iv_node *outputs[] = { b.parts[0].loss, b.parts[0].weight };
        iv_plan *plan = iv_plan_new(w->home, 2, outputs, 0, NULL);
        assert_int_equal(iv_params_bind(params, plan), IV_OK);
        iv__batch *batch = iv__batch_new(w->home, &instance->trainee, 2, 1, &plan);
        iv__batch_begin(batch, &(iv__rows){ .record = (const int32_t[]){ 6 }, .n = 1 });
        assert_int_equal(iv__batch_take(batch), IV_OK);
        const float *x = iv_plan_input(plan, IV__SENTENCE_VECTORS),
                    *present = iv_plan_input(plan, IV__SENTENCE_PRESENT);
        const int first = masked ? 0 : 1;
        assert_memory_equal(x + 3 * first, vector_of(s, "oil"), 3 * sizeof *x);
        assert_memory_equal(x + 3 * (first + 2), vector_of(s, "."), 3 * sizeof *x);
        assert_true(x[masked ? 9 : 0] == 0 && x[12] == 0);
        assert_true(present[masked ? 3 : 0] == !masked && present[1] == 1 && present[4] == 0);
        assert_int_equal(iv_plan_run(plan), IV_OK);
        assert_true(*(const float *)iv_plan_output(plan, 1) == (masked ? 3 : 4));
        assert_true(*(const float *)iv_plan_output(plan, 0) > 0);
        iv__batch_free(batch);
        iv_plan_free(plan);
        iv_graph_free(graph);
        iv_params_free(params);
        iv__instance_free(instance);
    }
}

static void as_many_parameters_as_said(void **state)
{
    world *w = *state;
    const iv__model *model;
    const iv__system *system = iv__system_named(w->home, "sentences", &model);
    iv__instance *instance = iv__instance_new(w->home, model, system, true);
    iv_params *params = iv_params_new_empty(w->home, IV_F32);

    assert_int_equal(iv__instance_make_params(instance, params), IV_OK);
    assert_int_equal(iv_params_elements(params, ""), 2531248);
    iv_params_free(params);
    iv__instance_free(instance);
}

/* ---- what it is for -------------------------------------------------------------------------- */

static double measure_of(const iv__measure *measure, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(measure[i].name, name))
            return measure[i].value;
    fail_msg("there is no measure '%s'", name);
    return NAN;
}

static void latents_are_compared(void **state)
{
    world *w = *state;
    iv__instance *instance = opened(w, "yes");
    const iv__talk *talk = instance->model->talk;
    iv_params *params = iv_params_new(w->home, IV_F32, 1);
    iv__measure measure[IV__MAX_MEASURES];
    iv__text answer = { .home = w->home };

    assert_int_equal(iv__instance_make_params(instance, params), IV_OK);
    const int n = instance->model->examine(instance, params, SPLIT_TRAIN, measure);
    /* of the nine sentences two of three articles have a topic, and those are different ones */
    assert_true(measure_of(measure, n, "topic precision") == 0 &&
                measure_of(measure, n, "that of chance") == 0);
    assert_true(fabs(measure_of(measure, n, "cosine to what is made of it")) <= 1);
    void *with = talk->open(instance, params);
    assert_non_null(with);
    assert_int_equal(talk->line(with, "Oil rose.", &answer), IV_OK);
    assert_true(!strncmp(answer.data, "  1.000  oil rose.\n", 19)); /* it is among the data */
    assert_non_null(strstr(answer.data, "  made of it: "));
    iv__text_clear(&answer);
    assert_int_equal(talk->line(with, "Oil jumped", &answer), IV_OK);
    assert_true(!strncmp(answer.data, "(words that it does not know: jumped)\n", 38));
    iv__text_clear(&answer);
    assert_int_equal(talk->line(with, "/morph Oil rose. | Gold rose!", &answer), IV_OK);
    assert_true(!strncmp(answer.data, "  0.00  ", 8) && strstr(answer.data, "\n  1.00  "));
    iv__text_clear(&answer);
    assert_int_equal(talk->line(with, "/morph Oil rose.", &answer), IV_OK);
    assert_string_equal(answer.data, "Two sentences are wanted, with | between them.\n");
    iv__text_clear(&answer);
    assert_int_equal(talk->line(with, "", &answer), IV_OK);
    assert_int_equal(answer.size, 0);
    talk->close(with);
    iv__text_free(&answer);
    iv_params_free(params);
    iv__instance_free(instance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(articles_are_cut_into_sentences),
        cmocka_unit_test(documents_have_topics),
        cmocka_unit_test(words_have_vectors),
        cmocka_unit_test(vectors_of_no_word_are_refused),
        cmocka_unit_test(rows_are_vectors_of_words),
        cmocka_unit_test(as_many_parameters_as_said),
        cmocka_unit_test(latents_are_compared),
    };

    return cmocka_run_group_tests(tests, world_begin, world_end);
}
