/* export_c_test.c: models as C: logits have the bits of the portable kernels, and what has no C text is refused. */
#include "writing_world.h"

#include "models/common_c.h"

#include <stdlib.h>
#include <unistd.h>

enum { FED = 6, VOCAB = 62 };

/* Sums go over more than one chunk: of recurrent products beyond 640 terms, of others beyond 160. */
typedef struct kind {
    const char *name;
    iv_cell cell;
    int64_t layers, units, embed; /* embed 0: one-hot */
    bool reset_before, tied;
} kind;
static const kind kinds[] = {
    { "lstm", IV_LSTM, 2, 20, 650, false, false },
    { "lstm, one-hot", IV_LSTM, 1, 33, 0, false, false },
    { "lstm, tied", IV_LSTM, 1, 170, 170, false, true },
    { "gru, reset after", IV_GRU, 2, 20, 650, false, false },
    { "gru, reset before", IV_GRU, 2, 20, 650, true, false },
    { "gru, one-hot", IV_GRU, 1, 21, 0, false, false },
    { "gru, one-hot, reset before", IV_GRU, 1, 21, 0, true, false },
    { "simple", IV_SIMPLE_RNN, 1, 650, 5, false, false },
    { "simple, one-hot", IV_SIMPLE_RNN, 2, 7, 0, false, false },
};
static const kind *now;

static iv_node *logits_of(const void *options, iv_scope *s, iv_node *words, int64_t vocab)
{
    iv_node *x = now->embed ? iv_embedding(s, words, .count = vocab, .units = now->embed)
                            : iv_one_hot(words, vocab);

    (void)options;
    for (int i = 0; i < now->layers; i++)
        x = iv_recurrent(s, x, .cell = now->cell, .units = now->units,
                         .reset_before = now->reset_before);
    if (!now->tied)
        return iv_dense(s, x, .units = vocab);
    iv_node *table = iv_param(iv_scope_share(s, "embedding"), "embeddings",
                              iv_dims(vocab, now->embed), IV_ZEROS);
    return iv_dense(s, x, .units = vocab, .kernel = iv_transpose(table, iv_dims(1, 0)));
}

static iv_node *squashed(const void *options, iv_scope *s, iv_node *words, int64_t vocab)
{
    return iv_tanh(logits_of(options, s, words, vocab));
}

static iv_node *held(const void *options, iv_scope *s, iv_node *words, int64_t vocab)
{
    iv_node *x = iv_embedding(s, words, .count = vocab, .units = 4),
            *h0 = iv_fill(iv_node_graph(x), iv_dims(1, 4), 1);

    (void)options;
    return iv_dense(s, iv_simple_rnn(s, x, .units = 4, .h0 = h0), .units = vocab);
}

static iv_node *(*builder)(const void *options, iv_scope *s, iv_node *words, int64_t vocab);

static void language_of(const iv__instance *instance, iv__language *language)
{
    test_language(instance, language);
    language->logits = builder;
}

static const iv__system system_of_it = { .name = "test" };

static void open_world(world *w)
{
    char text[VOCAB * 4];
    size_t n = 0;

    for (int i = 2; i < VOCAB; i++) /* as many words, behind the two special tokens */
        n += (size_t)snprintf(text + n, sizeof text - n, "%c%c ", 'a' + i % 26, 'a' + i / 26);
    world_open(w, &(iv__token_rules){ .kind = IV__TOKENS_WORDS }, text);
    w->model.language = language_of;
    w->instance.system = &system_of_it;
}

/* Compiles the program that feeds tokens and writes the logits after each. */
static bool compile(const char *folder)
{
    static const char program[] = "#define IVORY_NO_MAIN\n"
                                  "#include \"model.c\"\n"
                                  "#include <stdio.h>\n"
                                  "int main(void)\n"
                                  "{\n"
                                  "    static ivory_text text;\n"
                                  "    int i;\n"
                                  "    ivory_start(&text);\n"
                                  "    for (i = 0; i < 6; i++) {\n"
                                  "        ivory_feed(&text, i * 17 % IVORY_VOCABULARY);\n"
                                  "        fwrite(text.values.logits, sizeof(float), IVORY_VOCABULARY, stdout);\n"
                                  "    }\n"
                                  "    return 0;\n"
                                  "}\n";
    char path[400], command[1200];

    snprintf(path, sizeof path, "%s/main.c", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(program, file);
    fclose(file);
    snprintf(command, sizeof command,
             "cc -std=c99 -Wall -Wextra -Werror -O1 %s/main.c -o %s/main && %s/main >%s/logits",
             folder, folder, folder, folder);
    return system(command) == 0;
}

static void compare_logits(world *w, const char *folder)
{
    iv__writing *writing = writing_of(w, 1);
    iv__generator *g = iv__writing_generator(writing);
    char path[400];
    float ours[VOCAB];

    snprintf(path, sizeof path, "%s/logits", folder);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(iv__writing_start(writing), IV_OK);
    for (int i = 0; i < FED; i++) {
        int32_t token = (int32_t)(i * 17 % VOCAB);
        assert_int_equal(iv__writing_feed(writing, &token), IV_OK);
        assert_int_equal(fread(ours, 1, sizeof ours, file), sizeof ours);
        if (memcmp(ours, iv__generator_logits(g), sizeof ours))
            fail_msg("%s: after %d tokens the logits differ", now->name, i + 1);
    }
    fclose(file);
    iv__writing_free(writing);
}

static void logits_have_the_same_bits(void **state)
{
    char folder[] = "/tmp/ivory-c-XXXXXX", path[400], command[100];

    (void)state;
    if (system("command -v cc >/dev/null"))
        skip();
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/model.c", folder);
    builder = logits_of;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        world w;
        now = &kinds[i];
        open_world(&w);
        iv__writing_free(writing_of(&w, 1)); /* makes the weights */
        if (now->units < 100)
            sharpen(&w);
        if (iv__export_c(&w.instance, w.params, path))
            fail_msg("%s: %s", now->name, iv_home_message(w.home));
        assert_true(compile(folder));
        compare_logits(&w, folder);
        world_close(&w);
    }
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void expect_refusal(const char *path, const char *says)
{
    world w;

    open_world(&w);
    iv__writing_free(writing_of(&w, 1));
    assert_int_equal(iv__export_c(&w.instance, w.params, path), IV_UNSUPPORTED);
    if (!strstr(iv_home_message(w.home), says))
        fail_msg("'%s' should say: %s", iv_home_message(w.home), says);
    assert_int_equal(access(path, F_OK), -1);
    world_close(&w);
}

static void what_has_no_text_is_refused(void **state)
{
    char folder[] = "/tmp/ivory-c-XXXXXX", path[400];

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/model.c", folder);
    now = &kinds[1];
    builder = squashed;
    expect_refusal(path, "tanh [1,1,62] cannot be written as C: its row has no C text");
    builder = held;
    expect_refusal(path, "cannot be written as C: it does not begin with zeros");
    assert_int_equal(rmdir(folder), 0);
}

static void what_writes_no_text_is_refused(void **state)
{
    world w;

    (void)state;
    open_world(&w);
    w.model.language = NULL;
    assert_int_equal(iv__export_c(&w.instance, w.params, "/tmp/nothing.c"), IV_UNSUPPORTED);
    assert_non_null(strstr(iv_home_message(w.home), "the model test writes no text"));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_have_the_same_bits),
        cmocka_unit_test(what_has_no_text_is_refused),
        cmocka_unit_test(what_writes_no_text_is_refused),
    };

    setenv("IVORY_ISA", "portable", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
