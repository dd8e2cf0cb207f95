/* samples_test.c: samples by drawing and by search: their ends, their scores, their order. */
#include "writing_world.h"

#include <stdlib.h>

static const char words[] = "the the the the fox fox fox crow crow . \"";
enum { PADDING, UNKNOWN, THE, FOX, CROW, STOP, QUOTE, VOCAB };
static const iv__token_rules rules = { .kind = IV__TOKENS_WORDS }, chars = { .kind = IV__TOKENS_CHARS };

typedef struct taken {
    int64_t number, prompt, n_prompt, n;
    char text[256];
    int32_t id[64];
    iv__score score[64];
    bool ended, scored;
    double log_probability, per_token;
} taken;

enum { MOST = 600 };
static taken samples[MOST];
static int n_samples;

static void take(void *user, const iv__sample *s)
{
    taken *one = &samples[n_samples++];

    (void)user;
    assert_true(n_samples <= MOST && s->n_prompt + s->n <= 64);
    *one = (taken){ .number = s->number,
                    .prompt = s->prompt,
                    .n_prompt = s->n_prompt,
                    .n = s->n,
                    .ended = s->ended,
                    .scored = s->score != NULL,
                    .log_probability = s->log_probability,
                    .per_token = s->per_token };
    snprintf(one->text, sizeof one->text, "%s", s->text);
    if (s->n_prompt + s->n) /* a sample may be empty */
        memcpy(one->id, s->id, (size_t)(s->n_prompt + s->n) * sizeof *s->id);
    if (s->score)
        memcpy(one->score, s->score, (size_t)s->n * sizeof *s->score);
}

static void sample(world *w, iv__generation g)
{
    iv__text note = { .home = w->home };

    n_samples = 0;
    if (iv__write_samples(&w->instance, w->params, &g, take, NULL, &note))
        fail_msg("%s", iv_home_message(w->home));
    iv__text_free(&note);
}

static iv__generation drawn(iv__generation g)
{
    g.n = g.n ? g.n : 1;
    g.length = g.length ? g.length : 12;
    g.temperature = g.temperature == 0 ? 1 : g.temperature < 0 ? 0 : g.temperature;
    g.top_p = 1;
    g.repetition = g.repetition == 0 ? 1 : g.repetition;
    g.prompt = g.prompt ? g.prompt : "";
    return g;
}
#define DRAWN(...) drawn((iv__generation){ __VA_ARGS__ }) /* a temperature below 0: 0 */

static void open_sharp(world *w, const iv__token_rules *of, const char *text)
{
    world_open(w, of, text);
    iv__writing_free(writing_of(w, 1)); /* makes the parameters */
    sharpen(w);
}

/* Whatever else is drawn: with more samples or prompts, with others before it in its row. */
static void a_sample_depends_on_its_number_alone(void **state)
{
    static const char *const prompts[] = { "the fox", "", "crow crow the . the fox the crow . crow",
                                           "the" };
    static taken alone[4][40];
    world w;
    (void)state;

    open_sharp(&w, &rules, words);
    for (int p = 0; p < 4; p++) {
        sample(&w, DRAWN(.n = 40, .prompt = prompts[p], .repetition = 1.5));
        memcpy(alone[p], samples, sizeof alone[p]);
        sample(&w, DRAWN(.n = 3, .prompt = prompts[p], .repetition = 1.5));
        for (int k = 0; k < 3; k++)
            assert_string_equal(samples[k].text, alone[p][k].text);
    }
    sample(&w, DRAWN(.n = 40, .repetition = 1.5, .n_prompts = 4, .prompts = prompts));
    assert_int_equal(n_samples, 160);
    for (int i = 0; i < n_samples; i++) {
        const taken *one = &samples[i], *other = &alone[i / 40][i % 40];
        assert_int_equal(one->prompt, i / 40);
        assert_int_equal(one->number, i % 40);
        assert_string_equal(one->text, other->text);
        assert_int_equal(one->n, other->n);
        assert_int_equal(one->ended, other->ended);
        assert_memory_equal(one->id, other->id, (size_t)(one->n_prompt + one->n) * sizeof(int32_t));
    }
    world_close(&w);
}

static void scores_are_the_models_own(void **state)
{
    world w;
    (void)state;

    open_sharp(&w, &rules, words);
    iv__writing *writing = writing_of(&w, 1);
    sample(&w, DRAWN(.n = 20, .prompt = "the fox", .temperature = 2, .top_k = 4, .repetition = 3,
                     .scored = true));
    for (int i = 0; i < n_samples; i++) {
        assert_true(samples[i].scored == (samples[i].n > 0) && isnan(samples[i].log_probability));
        assert_int_equal(iv__writing_start(writing), IV_OK);
        for (int64_t t = 0; t < samples[i].n_prompt + samples[i].n; t++) {
            if (t >= samples[i].n_prompt) {
                iv__score score = iv__writing_score(writing, 0, samples[i].id[t]);
                assert_true(score.log_probability ==
                            samples[i].score[t - samples[i].n_prompt].log_probability);
                assert_int_equal(score.rank, samples[i].score[t - samples[i].n_prompt].rank);
            }
            assert_int_equal(iv__writing_feed(writing, &samples[i].id[t]), IV_OK);
        }
    }
    iv__writing_free(writing);
    world_close(&w);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void assert_end(const char *text, const char *stop, int64_t sentences, int64_t end)
{
    iv__generation g = { .n_stops = stop != NULL, .stops = &stop, .sentences = sentences };

    iv__ending ending = { .g = &g };
    int64_t found = iv__ending_find(&ending, text, strlen(text), strlen(text));
    if (found != end)
        fail_msg("'%s' ends at %d, not at %d", text, (int)found, (int)end);
}

static void texts_end_before_a_stop_or_with_a_sentence(void **state)
{
    (void)state;
    assert_end("the fox said", "x s", 0, 6);
    assert_end("the fox said", "the", 0, 0);
    assert_end("the fox said", "crow", 0, -1);
    assert_end("the fox said", NULL, 0, -1);
    assert_end("It is. So", NULL, 1, 6);
    assert_end("It is.", NULL, 1, -1); /* more may follow: 3.5 */
    assert_end("It is 3.5 m. So", NULL, 1, 12);
    assert_end("He said: \"It is!\" And", NULL, 1, 17);
    assert_end("(Is it?)\nAnd", NULL, 1, 8);
    assert_end("So... it is. And", NULL, 1, 5);
    assert_end("So... it is. And", NULL, 2, 12);
    assert_end("So... it is. And", NULL, 3, -1);
    assert_end("So... it is. And", "it", 2, 6);
    assert_end("So... it is. And", "And", 2, 12);
    assert_end("他走了。他", NULL, 1, 12);
    assert_end("«Oui !» Non", NULL, 1, 9);
}

static void stops_and_sentences_cut_what_would_be_drawn(void **state)
{
    static const char *const stops[][1] = { { "x" }, { "w t" }, { "fox the" }, { "." } };
    static taken whole[30];
    world w;
    int cuts = 0;
    (void)state;

    open_sharp(&w, &rules, words);
    sample(&w, DRAWN(.n = 30, .length = 20, .prompt = "the fox the"));
    memcpy(whole, samples, sizeof whole);
    for (size_t k = 0; k < sizeof stops / sizeof *stops; k++) {
        sample(&w, DRAWN(.n = 30, .length = 20, .prompt = "the fox the", .n_stops = 1,
                         .stops = stops[k]));
        for (int i = 0; i < 30; i++) {
            const char *found = strstr(whole[i].text + strlen("the fox the"), stops[k][0]);
            if (!found) {
                assert_string_equal(samples[i].text, whole[i].text);
                continue;
            }
            size_t size = (size_t)(found - whole[i].text);
            cuts++;
            assert_true(samples[i].ended);
            assert_int_equal(strlen(samples[i].text), size);
            assert_memory_equal(samples[i].text, whole[i].text, size);
            assert_true(samples[i].n <= whole[i].n);
        }
    }
    assert_true(cuts > 20);
    sample(&w, DRAWN(.n = 30, .length = 20, .prompt = "the fox the", .sentences = 1));
    for (int i = 0; i < 30; i++) {
        const char *stop = strstr(samples[i].text, ". ");
        assert_null(stop);
    }
    world_close(&w);
}

/* A text of characters that is watched is the same as one that is not, but for its end. */
static void characters_are_decoded_as_they_come(void **state)
{
    static const char *const stops[] = { "zz", "c" };
    static taken whole[10];
    world w;
    (void)state;

    open_sharp(&w, &chars, "aaaa bbb cc é ... ");
    sample(&w, DRAWN(.n = 10, .length = 40, .prompt = "a"));
    memcpy(whole, samples, sizeof whole);
    sample(&w, DRAWN(.n = 10, .length = 40, .prompt = "a", .n_stops = 2, .stops = stops));
    for (int i = 0; i < 10; i++) {
        size_t size = strcspn(whole[i].text, "c");
        assert_int_equal(strlen(samples[i].text), size);
        assert_memory_equal(samples[i].text, whole[i].text, size);
    }
    world_close(&w);
}

/* ---- searching ------------------------------------------------------------------------------- */

enum { DEPTH = 3 };
typedef struct brute {
    double mean[MOST];
    int n;
} brute;

/* Every text of up to DEPTH tokens, the end included where it ends. */
static void enumerate(iv__writing *writing, double sum, int depth, brute *all)
{
    for (int32_t id = 0; id < VOCAB; id++) {
        if (id == UNKNOWN)
            continue;
        double next = sum + iv__writing_score(writing, 0, id).log_probability;
        if (id == PADDING || depth + 1 == DEPTH) {
            if (id != PADDING || depth + 1 <= DEPTH)
                all->mean[all->n++] = next / (depth + 1);
            continue;
        }
        size_t bytes = iv__writing_row_bytes(writing);
        char kept[4096];
        assert_true(bytes <= sizeof kept);
        iv__writing_save_row(writing, 0, kept);
        assert_int_equal(iv__writing_feed(writing, &id), IV_OK);
        enumerate(writing, next, depth + 1, all);
        iv__writing_load_row(writing, 0, kept);
    }
}

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? 1 : x > y ? -1 : 0;
}

/* So wide that nothing is lost, the search finds the best of all texts, in order. */
static void a_wide_beam_finds_the_best(void **state)
{
    static brute all;
    world w;
    (void)state;

    open_sharp(&w, &rules, words);
    iv__ids prompt = { .home = w.home };
    iv__writing *writing = writing_of(&w, 1);
    assert_int_equal(iv__writing_encode(writing, "the fox", &prompt, NULL), IV_OK);
    assert_int_equal(iv__writing_start(writing), IV_OK);
    assert_int_equal(iv__writing_feed_all(writing, &prompt), IV_OK);
    all.n = 0;
    enumerate(writing, 0, 0, &all);
    qsort(all.mean, (size_t)all.n, sizeof *all.mean, descending);

    sample(&w, DRAWN(.n = 30, .beam = 250, .length = DEPTH, .prompt = "the fox", .scored = true));
    assert_int_equal(n_samples, 30);
    for (int i = 0; i < n_samples; i++) {
        double sum = 0;
        assert_true(fabs(samples[i].per_token - all.mean[i]) < 1e-6);
        for (int64_t t = 0; t < samples[i].n; t++)
            sum += samples[i].score[t].log_probability;
        if (!samples[i].ended)
            assert_true(fabs(sum - samples[i].log_probability) < 1e-6);
        assert_int_equal(samples[i].number, i);
        assert_memory_equal(samples[i].text, "the fox", 7);
    }
    sample(&w, DRAWN(.beam = 1, .length = 12, .prompt = "the fox")); /* the likeliest at each place */
    char greedy[256];
    snprintf(greedy, sizeof greedy, "%s", samples[0].text);
    sample(&w, DRAWN(.temperature = -1, .length = 12, .prompt = "the fox"));
    assert_memory_equal(greedy, samples[0].text, strlen(greedy));
    iv__ids_free(&prompt);
    iv__writing_free(writing);
    world_close(&w);
}

static void what_does_not_go_with_a_beam_is_refused(void **state)
{
    world w;
    (void)state;

    open_sharp(&w, &rules, words);
    iv__text note = { .home = w.home };
    const iv__generation wrong[] = { DRAWN(.beam = 2, .temperature = 0.5),
                                     DRAWN(.beam = 2, .top_k = 3), DRAWN(.beam = 2, .n = 3) };
    for (int i = 0; i < 3; i++) {
        assert_int_equal(iv__write_samples(&w.instance, w.params, &wrong[i], take, NULL, &note),
                         IV_VALUE);
        iv_home_clear(w.home);
    }
    static const char *const stops[] = { "crow" };
    sample(&w,
           DRAWN(.n = 4, .beam = 4, .length = 10, .prompt = "the fox", .n_stops = 1, .stops = stops));
    for (int i = 0; i < n_samples; i++)
        assert_null(strstr(samples[i].text, "crow"));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_depends_on_its_number_alone),
        cmocka_unit_test(scores_are_the_models_own),
        cmocka_unit_test(texts_end_before_a_stop_or_with_a_sentence),
        cmocka_unit_test(stops_and_sentences_cut_what_would_be_drawn),
        cmocka_unit_test(characters_are_decoded_as_they_come),
        cmocka_unit_test(a_wide_beam_finds_the_best),
        cmocka_unit_test(what_does_not_go_with_a_beam_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
