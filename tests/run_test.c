/* run_test.c: the public header run.h: a run that is loaded, asked, written with and saved. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include <ivory/run.h>

#include "base/home.h"
#include "registry/registry.h"
#include "scarce.h"

#include <math.h>

static const char text[] =
    "the fox saw the crow. she didn't say: \"the moon\".\n\nthe crow saw the fox, and sang.\n";

/* A run of the family `text` with weights as they were drawn, in the file `name`. */
static void make_run(world *w, const char *name, const char *tokens, const char *begin, const char *end)
{
    const iv__model *model;
    const iv__system *system = iv__system_named(w->home, "text", &model);
    iv__instance *instance = iv__instance_new(w->home, model, system, false);
    iv_params *params = iv_params_new(w->home, IV_F32, 1);
    iv__progress progress = { 0 };

    write_text(in_folder(w, "text.txt"), text);
    assert_int_equal(iv__instance_set(instance, "tokens", tokens), IV_OK);
    assert_int_equal(iv__instance_set(instance, "units", "8"), IV_OK);
    assert_int_equal(iv__instance_set(instance, "begin", begin), IV_OK);
    assert_int_equal(iv__instance_set(instance, "end", end), IV_OK);
    assert_int_equal(iv__instance_set(instance, "validation", "0"), IV_OK);
    assert_int_equal(iv__instance_set(instance, "test", "0"), IV_OK);
    if (model->open_data(instance, iv__dataset_named("text"), in_folder(w, "text.txt")))
        fail_msg("%s", iv_home_message(w->home));
    assert_int_equal(iv__instance_describe(instance), IV_OK);
    assert_int_equal(iv__instance_make_params(instance, params), IV_OK);
    assert_int_equal(iv__checkpoint_write(w->home, in_folder(w, name), params, &instance->trainee,
                                          &progress, false),
                     IV_OK);
    iv_params_free(params);
    iv__instance_free(instance);
}

static iv_run *open_run(world *w, const char *tokens, const char *begin)
{
    setenv("IVORY_CACHE", in_folder(w, "cache"), 1);
    make_run(w, "run.safetensors", tokens, begin, "");
    iv_run *run = iv_run_load(w->home, in_folder(w, "run.safetensors"));
    if (!run)
        fail_msg("%s", iv_home_message(w->home));
    return run;
}

typedef struct taken {
    int n;
    char text[8][256];
} taken;

static void take(void *user, int64_t number, const char *written, size_t size)
{
    taken *t = user;

    assert_int_equal(number, t->n);
    assert_int_equal(strlen(written), size);
    snprintf(t->text[t->n++], sizeof t->text[0], "%s", written);
}

static void a_run_says_what_it_is(void **state)
{
    world *w = *state;
    iv_run *run = open_run(w, "words", "yes");

    assert_string_equal(iv_run_system(run), "text");
    assert_string_equal(iv_run_model(run), "text");
    assert_string_equal(iv_run_option(run, "units"), "8");
    assert_string_equal(iv_run_option(run, "tokens"), "words");
    assert_string_equal(iv_run_option(run, "seed"), "42"); /* of training */
    assert_null(iv_run_option(run, "wings"));
    assert_non_null(iv_params_find(iv_run_params(run), "dense/bias"));
    iv_run_free(run);
    iv_run_free(NULL);
    assert_null(iv_run_load(w->home, in_folder(w, "absent")));
    assert_int_equal(iv_home_status(w->home), IV_IO);
    assert_null(iv_run_load(w->home, in_folder(w, "text.txt")));
    assert_int_equal(iv_home_status(w->home), IV_FORMAT);
}

static void it_writes_texts(void **state)
{
    world *w = *state;
    iv_run *run = open_run(w, "words", "yes");
    taken first = { 0 }, again = { 0 }, stopped = { 0 };
    const char *const stops[] = { "a" };
    char buffer[256], small[12];

    assert_int_equal(iv_run_write(run, take, &first, .prompt = "the fox", .n = 5, .length = 12,
                                  .seed = 2),
                     IV_OK);
    assert_int_equal(iv_run_write(run, take, &again, .prompt = "the fox", .n = 3, .length = 12,
                                  .seed = 2),
                     IV_OK);
    assert_int_equal(first.n, 5);
    assert_int_equal(again.n, 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(first.text[i], again.text[i]);
    assert_int_equal(iv_run_write(run, take, &stopped, .prompt = "the fox", .n = 5, .length = 12,
                                  .seed = 2, .n_stops = 1, .stops = stops),
                     IV_OK);
    for (int i = 0; i < 5; i++)
        assert_null(strchr(stopped.text[i], 'a'));

    int64_t all = iv_run_text(run, buffer, sizeof buffer, .prompt = "the fox", .length = 12, .seed = 2);
    assert_string_equal(buffer, first.text[0]);
    assert_int_equal(all, strlen(buffer));
    assert_int_equal(iv_run_text(run, small, sizeof small, .prompt = "the fox", .length = 12, .seed = 2),
                     all);
    assert_int_equal(strlen(small), sizeof small - 1);
    assert_memory_equal(small, buffer, sizeof small - 1);
    assert_int_equal(iv_run_text(run, NULL, 0, .prompt = "the fox", .length = 12, .seed = 2), all);

    assert_int_equal(iv_run_write(run, take, &first, .temperature = -1), IV_VALUE);
    assert_message(w->home, "temperature is -1");
    assert_int_equal(iv_run_write(run, take, &first, .n_stops = 1, .stops = (const char *const[]){ "" }),
                     IV_VALUE);
    assert_int_equal(iv_run_text(run, buffer, sizeof buffer, .length = -1), -1);
    iv_run_free(run);
}

static void it_writes_together(void **state)
{
    world *w = *state;
    iv_run *run = open_run(w, "words", "yes");
    iv_writer *writer = iv_writer_new(run, .prompt = "the fox", .seed = 4);
    iv_next next[40];
    double sum = 0;

    assert_non_null(writer);
    int n = iv_writer_likeliest(writer, 40, next);
    bool blank = false, mark = false, end = false;
    for (int i = 0; i < n; i++) {
        sum += next[i].probability;
        blank |= !strcmp(next[i].piece, " crow");
        mark |= !strcmp(next[i].piece, ",");
        end |= !*next[i].piece;
    }
    assert_true(fabs(sum - 1) < 1e-5 && blank && mark && end);
    assert_int_equal(iv_writer_feed(writer, " saw the"), IV_OK);
    assert_string_equal(iv_writer_text(writer), "the fox saw the");
    assert_int_equal(iv_writer_feed(writer, "\xff"), IV_FORMAT);
    assert_string_equal(iv_writer_text(writer), "the fox saw the");
    for (int i = 0; i < 20; i++) {
        char before[1024];
        snprintf(before, sizeof before, "%s", iv_writer_text(writer));
        const char *piece = iv_writer_draw(writer);
        assert_non_null(piece);
        size_t size = strlen(iv_writer_text(writer));
        assert_string_equal(iv_writer_text(writer) + size - strlen(piece), piece);
        assert_true(*piece || !strcmp(before, iv_writer_text(writer)));
    }
    assert_int_equal(iv_writer_back(writer, 7), IV_OK);
    assert_string_equal(iv_writer_text(writer), "the fox");
    iv_next anew[40];
    assert_int_equal(iv_writer_likeliest(writer, 40, anew), n);
    for (int i = 0; i < n; i++)
        assert_true(anew[i].probability > 0);
    assert_int_equal(iv_writer_back(writer, 8), IV_VALUE);
    iv_writer_free(writer);
    iv_run_free(run);
}

static void one_that_continues_needs_a_beginning(void **state)
{
    world *w = *state;
    iv_run *run = open_run(w, "chars", "no");
    iv_writer *writer = iv_writer_new(run, .likeliest = true);
    iv_next next[3];
    char buffer[64];

    assert_non_null(writer);
    assert_int_equal(iv_writer_likeliest(writer, 3, next), 0);
    assert_null(iv_writer_draw(writer));
    assert_int_equal(iv_home_status(w->home), IV_VALUE);
    assert_int_equal(iv_writer_feed(writer, "t"), IV_OK);
    assert_int_equal(iv_writer_likeliest(writer, 3, next), 3);
    assert_non_null(iv_writer_draw(writer));
    assert_int_equal(iv_run_text(run, buffer, sizeof buffer, .length = 5), -1);
    assert_int_equal(iv_home_status(w->home), IV_VALUE);
    iv_writer_free(writer);
    iv_run_free(run);
}

/* A run may have an end of its own: no stop text is needed. */
static void a_token_of_the_data_ends_texts(void **state)
{
    world *w = *state;
    taken t = { 0 };
    int ends = 0;

    setenv("IVORY_CACHE", in_folder(w, "cache"), 1);
    make_run(w, "run.safetensors", "words", "yes", ".");
    iv_run *run = iv_run_load(w->home, in_folder(w, "run.safetensors"));
    assert_non_null(run);
    assert_int_equal(iv_run_write(run, take, &t, .prompt = "the fox", .n = 8, .length = 20), IV_OK);
    for (int i = 0; i < t.n; i++)
        assert_null(strchr(t.text[i], '.'));
    iv_writer *writer = iv_writer_new(run, .prompt = "the fox");
    assert_non_null(writer);
    for (int i = 0; i < 200 && !ends; i++) {
        const char *piece = iv_writer_draw(writer);
        assert_non_null(piece);
        ends += !*piece;
    }
    assert_true(ends > 0);
    assert_null(strchr(iv_writer_text(writer), '.'));
    iv_writer_free(writer);
    iv_run_free(run);
}

static void what_is_saved_is_loaded(void **state)
{
    world *w = *state;
    iv_run *run = open_run(w, "words", "yes");
    float *bias = iv_params_find(iv_run_params(run), "dense/bias")->data;
    char before[256], after[256];

    bias[5] = 3;
    iv_params_changed(iv_run_params(run));
    iv_run_text(run, before, sizeof before, .prompt = "the", .length = 20);
    assert_int_equal(iv_run_save(run, in_folder(w, "saved.safetensors")), IV_OK);
    assert_int_equal(iv_run_save(run, in_folder(w, "absent/saved")), IV_IO);
    iv_run_free(run);
    run = iv_run_load(w->home, in_folder(w, "saved.safetensors"));
    assert_non_null(run);
    assert_true(((float *)iv_params_find(iv_run_params(run), "dense/bias")->data)[5] == 3);
    assert_string_equal(iv_run_option(run, "units"), "8");
    iv_run_text(run, after, sizeof after, .prompt = "the", .length = 20);
    assert_string_equal(before, after);
    iv_run_free(run);
    assert_int_equal(iv__home_bytes(w->home), 0);
}

/* Each allocation in turn fails, alone: the text is the same then, or memory is out. */
static void one_allocation_that_fails_changes_no_text(void **state)
{
    world *w = *state;
    char usual[256];
    bool done = false;

    iv_run_free(open_run(w, "words", "yes"));
    for (int64_t allowed = 1000000; !done; allowed = allowed == 1000000 ? 1 : allowed + 1) {
        scarce memory = { .left = allowed, .one = true };
        char written[256] = "";
        iv_home *home = scarce_home(&memory);
        iv_run *run = iv_run_load(home, in_folder(w, "run.safetensors"));
        const bool good = run &&
                          iv_run_text(run, written, sizeof written, .prompt = "the", .length = 9,
                                      .temperature = 0.5, .top_p = 0.9, .repetition = 1.2) >= 0;
        if (allowed == 1000000)
            memcpy(usual, written, sizeof usual);
        if (good)
            assert_string_equal(written, usual);
        else
            assert_int_equal(iv_home_status(home), IV_NOMEM);
        done = memory.left > 0 && allowed < 1000000;
        iv_run_free(run);
        iv_home_free(home);
        assert_int_equal(memory.alive, 0);
        assert_true(allowed < 5000 || allowed == 1000000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_says_what_it_is, world_begin, world_end),
        cmocka_unit_test_setup_teardown(it_writes_texts, world_begin, world_end),
        cmocka_unit_test_setup_teardown(it_writes_together, world_begin, world_end),
        cmocka_unit_test_setup_teardown(one_that_continues_needs_a_beginning, world_begin, world_end),
        cmocka_unit_test_setup_teardown(a_token_of_the_data_ends_texts, world_begin, world_end),
        cmocka_unit_test_setup_teardown(what_is_saved_is_loaded, world_begin, world_end),
        cmocka_unit_test_setup_teardown(one_allocation_that_fails_changes_no_text, world_begin, world_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
