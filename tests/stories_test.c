/* stories_test.c: stories as rows of batches; the memory network against its formulas, computed here one number after
 * the other; and what a person tells. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include "models/common_asking.h"
#include "registry/registry.h"
#include "train/batch.h"

#include <math.h>

enum { BATCH = 3, WIDTH = 4, HOPS = 2, SENTENCES = 3, LONGEST = 5, MOST_WORDS = 16 };

/* The words, sorted: back garden hall john left mary sandra the to went where is ... */
static const char training[] = "1 Mary went to hall.\n2 John left.\n3 Where is Mary?\thall\t1\n4 Mary went back.\n"
                               "5 Sandra went to the garden.\n6 Where is Mary?\tgarden\t5\n"
                               "1 John went back.\n2 Where is John?\thall,garden\t1\n";
static const char tests[] = "1 John left.\n2 Where is Mary?\tattic\t1\n3 Who is John?\thall\t1\n";

static iv__instance *instance_of(world *w, const char *settings)
{
    const iv__model *model;
    const iv__system *system = iv__system_named(w->home, "stories", &model);
    iv__instance *instance = iv__instance_new(w->home, model, system, false);
    char name[64], value[64];

    for (int used; sscanf(settings, " %63[^= ]=%63[^ ]%n", name, value, &used) == 2; settings += used)
        if (iv__instance_set(instance, name, value))
            fail_msg("%s", iv_home_message(w->home));
    return instance;
}

static iv__instance *opened(world *w, const char *settings)
{
    iv__instance *instance = instance_of(w, settings);

    write_text(in_folder(w, "qa1_train.txt"), training);
    write_text(in_folder(w, "qa1_test.txt"), tests);
    if (instance->model->open_data(instance, &iv__dataset_babi, in_folder(w, "qa1_train.txt")))
        fail_msg("%s", iv_home_message(w->home));
    return instance;
}

static const char small[] = "validation=0 embed=4 hops=2 sentences=3 batch=3 noise=0";

/* The loss of the model with what stands in its inputs. */
typedef struct network {
    iv_params *params;
    iv_graph *graph;
    iv_plan *plan;
    iv__batch *batch;
} network;

static network network_of(world *w, iv__instance *instance, bool is_training)
{
    network n = { .params = iv_params_new(w->home, IV_F32, 5), .graph = iv_graph_new(w->home) };
    iv__build b = { .graph = n.graph,
                    .scope = iv_scope_new(n.graph, n.params, ""),
                    .batch = BATCH,
                    .training = is_training };

    iv_scope_training(b.scope, is_training);
    if (instance->model->build(instance, &b))
        fail_msg("%s", iv_graph_message(n.graph));
    for (int i = 0; i < iv_params_count(n.params); i++) {
        iv_tensor *t = iv_params_tensor(n.params, i);
        for (int64_t k = 0; k < iv_shape_count(&t->shape); k++)
            ((float *)t->data)[k] = sinf((float)(3 * i + 7 * k));
    }
    iv_params_changed(n.params);
    n.plan = iv_plan_new(w->home, 1, &b.parts[0].loss, 0, NULL);
    if (!n.plan || iv_params_bind(n.params, n.plan))
        fail_msg("%s", iv_home_message(w->home));
    n.batch = iv__batch_new(w->home, &instance->trainee, BATCH, 1, &n.plan);
    return n;
}

static void fill(network *n, iv__split split, int64_t rows)
{
    static const int32_t record[BATCH] = { 0, 1, 2 };

    iv__batch_begin(n->batch, &(iv__rows){ .split = split, .record = record, .n = rows });
    assert_int_equal(iv__batch_take(n->batch), IV_OK);
}

static void network_free(network *n)
{
    iv__batch_free(n->batch);
    iv_plan_free(n->plan);
    iv_graph_free(n->graph);
    iv_params_free(n->params);
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* "mary went to hall/john left" of one row of words; "-" where there is none. */
static void assert_words(const iv__story *story, const int32_t *id, int64_t n, const char *expected)
{
    char got[256] = "";

    for (int64_t i = 0; i < n; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", i ? " " : "",
                 id[i] ? iv__story_word(story, id[i]) : "-");
    assert_string_equal(got, expected);
}

static iv__story *story_of(iv__instance *instance)
{
    return *(iv__story **)instance->state; /* it is all that the state holds */
}

static void rows_hold_the_story_so_far(void **state)
{
    world *w = *state;
    iv__instance *instance = opened(w, small);
    iv__story *story = story_of(instance);
    network n = network_of(w, instance, false);
    iv__story_sizes sizes = iv__story_sizes_of(story);

    assert_int_equal(instance->trainee.n_records[SPLIT_TRAIN], 3);
    assert_int_equal(instance->trainee.n_records[SPLIT_TEST], 2);
    assert_int_equal(sizes.sentences, SENTENCES);
    assert_int_equal(sizes.sentence, LONGEST);
    assert_int_equal(sizes.words, 14); /* with none; those of tests alone are not among them */
    fill(&n, SPLIT_TRAIN, 3);
    const int32_t *sentences = iv_plan_input(n.plan, IV__STORY_SENTENCES),
                  *question = iv_plan_input(n.plan, IV__STORY_QUESTION),
                  *answer = iv_plan_input(n.plan, IV__STORY_ANSWER);
    const float *present = iv_plan_input(n.plan, IV__STORY_PRESENT),
                *weight = iv_plan_input(n.plan, IV__STORY_WEIGHT);
    const int64_t row = SENTENCES * LONGEST;
    assert_words(story, sentences, row, "john left - - - mary went to hall - - - - - -");
    assert_words(story, sentences + row, row,
                 "sandra went to the garden mary went back - - john left - - -");
    assert_words(story, sentences + 2 * row, row, "john went back - - - - - - - - - - - -");
    assert_words(story, question + LONGEST, LONGEST, "where is mary - -");
    assert_string_equal(iv__story_word(story, answer[2] + iv__story_first_class(story)), "hall,garden");
    assert_true(present[0] == 1 && present[1] == 1 && present[2] == 0 && present[6] == 1 &&
                present[7] == 0);
    fill(&n, SPLIT_TEST, 2);
    assert_words(story, question, 2 * LONGEST, "where is mary - - - is john - -");
    assert_true(weight[0] == 0 && weight[1] == 1 && weight[2] == 0); /* no question has the first one's answer */
    assert_true(present[2 * SENTENCES] == 0);
    network_free(&n);
    iv__instance_free(instance);
}

/* Case and marks stay, sentences before the last question do not count, and tests are the training questions. */
static void rows_as_printed(void **state)
{
    world *w = *state;
    iv__instance *instance =
        opened(w, "validation=0 network=words keep=fresh tests=training batch=3 softmax=no");
    iv__story *story = story_of(instance);
    network n = network_of(w, instance, false);

    assert_int_equal(instance->trainee.n_records[SPLIT_TEST], 3);
    fill(&n, SPLIT_TEST, 2);
    const int32_t *words = iv_plan_input(n.plan, IV__STORY_WORDS),
                  *question = iv_plan_input(n.plan, IV__STORY_QUESTION);
    assert_words(story, words, 10, "- - Mary went to hall . John left .");
    assert_words(story, words + 10, 10, "Mary went back . Sandra went to the garden .");
    assert_words(story, words + 20, 10, "- - - - - - - - - -");
    assert_words(story, question, 8, "Where is Mary ? Where is Mary ?");
    network_free(&n);
    iv__instance_free(instance);
}

/* ---- the network ----------------------------------------------------------------------------- */

static double place(int64_t j, int64_t k)
{
    return 1 + 4 * ((double)(j + 1) - 0.5 * (LONGEST + 1)) * ((double)(k + 1) - 0.5 * (WIDTH + 1)) /
                   (LONGEST * WIDTH);
}

static void embed(const float *table, const int32_t *word, double *sum)
{
    for (int64_t k = 0; k < WIDTH; k++)
        sum[k] = 0;
    for (int64_t j = 0; j < LONGEST; j++)
        for (int64_t k = 0; k < WIDTH && word[j]; k++)
            sum[k] += place(j, k) * (double)table[(word[j] - 1) * WIDTH + k];
}

static const float *parameter(const network *n, const char *kind, int hop)
{
    char name[64];

    snprintf(name, sizeof name, "memory/%s_%d", kind, hop);
    const iv_tensor *t = iv_params_find(n->params, name);
    assert_non_null(t);
    return t->data;
}

static void look(const network *n, int hop, const int32_t *sentences, const float *present,
                 bool linear, double *u)
{
    double score[SENTENCES], found[WIDTH] = { 0 }, sum = 1, memory[WIDTH]; /* nothing has e^0 */

    for (int64_t i = 0; i < SENTENCES; i++) {
        embed(parameter(n, "words", hop), sentences + i * LONGEST, memory);
        score[i] = 0;
        for (int64_t k = 0; k < WIDTH; k++)
            score[i] += u[k] * (memory[k] + (double)parameter(n, "times", hop)[i * WIDTH + k]);
        if (!linear)
            score[i] = exp(score[i]);
        score[i] *= (double)present[i];
        sum += score[i];
    }
    for (int64_t i = 0; i < SENTENCES; i++) {
        embed(parameter(n, "words", hop + 1), sentences + i * LONGEST, memory);
        for (int64_t k = 0; k < WIDTH; k++)
            found[k] += score[i] / (linear ? 1 : sum) *
                        (memory[k] + (double)parameter(n, "times", hop + 1)[i * WIDTH + k]);
    }
    for (int64_t k = 0; k < WIDTH; k++)
        u[k] += found[k];
}

/* The mean loss over the rows of weight 1. */
static double by_formula(const network *n, int64_t words, bool linear)
{
    const int32_t *sentences = iv_plan_input(n->plan, IV__STORY_SENTENCES),
                  *question = iv_plan_input(n->plan, IV__STORY_QUESTION),
                  *answer = iv_plan_input(n->plan, IV__STORY_ANSWER);
    const float *present = iv_plan_input(n->plan, IV__STORY_PRESENT),
                *weight = iv_plan_input(n->plan, IV__STORY_WEIGHT),
                *last = parameter(n, "words", HOPS);
    double loss = 0, weights = 0;

    for (int64_t r = 0; r < BATCH; r++) {
        double u[WIDTH], logit[MOST_WORDS], sum = 0;
        if (weight[r] == 0)
            continue;
        embed(parameter(n, "words", 0), question + r * LONGEST, u);
        for (int hop = 0; hop < HOPS; hop++)
            look(n, hop, sentences + r * SENTENCES * LONGEST, present + r * SENTENCES, linear, u);
        for (int64_t v = 0; v < words - 1; v++) {
            logit[v] = 0;
            for (int64_t k = 0; k < WIDTH; k++)
                logit[v] += u[k] * (double)last[v * WIDTH + k];
            sum += exp(logit[v]);
        }
        loss += log(sum) - logit[answer[r]];
        weights += 1;
    }
    return loss / weights;
}

static void assert_loss(world *w, network *n, int64_t words, bool linear)
{
    if (iv_plan_run(n->plan))
        fail_msg("%s", iv_home_message(w->home));
    const double got = *(const float *)iv_plan_output(n->plan, 0),
                 expected = by_formula(n, words, linear);
    if (!(fabs(got - expected) < 1e-5 * fmax(1, expected)))
        fail_msg("the loss is %.9g, by the formulas %.9g", got, expected);
}

static void hops_look_at_sentences(void **state)
{
    world *w = *state;
    iv__instance *instance = opened(w, small);
    const int64_t words = iv__story_sizes_of(story_of(instance)).words;
    network n = network_of(w, instance, false);

    fill(&n, SPLIT_TRAIN, 3);
    assert_loss(w, &n, words, false);
    fill(&n, SPLIT_TEST, 2);
    assert_loss(w, &n, words, false);
    network_free(&n);
    iv__instance_free(instance);
}

static void softmax_comes_after_the_linear_start(void **state)
{
    world *w = *state;
    iv__instance *instance = opened(w, small);

    assert_int_equal(iv__instance_set(instance, "linear_start", "2"), IV_OK);
    const int64_t words = iv__story_sizes_of(story_of(instance)).words;
    network n = network_of(w, instance, true); /* an epoch has one step */
    fill(&n, SPLIT_TRAIN, 3);
    for (int64_t step = 0; step < 4; step++) {
        iv_plan_set_clock(n.plan, 1, step, 0);
        assert_loss(w, &n, words, step < 2);
    }
    network_free(&n);
    iv__instance_free(instance);
}

/* In training sentences seem older than they are, now and then, and never younger. */
static void ages_are_noisy_in_training(void **state)
{
    world *w = *state;
    iv__instance *instance = opened(w, "validation=0 embed=4 hops=2 sentences=3 batch=3 noise=0.5");
    const int64_t words = iv__story_sizes_of(story_of(instance)).words;
    network n = network_of(w, instance, true);
    int changed = 0;

    fill(&n, SPLIT_TRAIN, 3);
    const double expected = by_formula(&n, words, false);
    for (int64_t step = 0; step < 20; step++) {
        iv_plan_set_clock(n.plan, 1, step, 0);
        assert_int_equal(iv_plan_run(n.plan), IV_OK);
        changed += fabs(*(const float *)iv_plan_output(n.plan, 0) - expected) > 1e-4;
    }
    assert_true(changed > 10 && changed <= 20);
    network_free(&n);
    iv__instance_free(instance);
}

/* As the chapter's program says. */
static void as_many_parameters_as_printed(void **state)
{
    world *w = *state;
    const iv__model *model;
    const iv__system *system = iv__system_named(w->home, "stories", &model);
    iv__instance *instance = iv__instance_new(w->home, model, system, true);
    iv_params *params = iv_params_new_empty(w->home, IV_F32);

    assert_int_equal(iv__instance_make_params(instance, params), IV_OK);
    assert_int_equal(iv_params_elements(params, ""), 17838);
    iv_params_free(params);
    iv__instance_free(instance);
}

/* ---- told ------------------------------------------------------------------------------------ */

static void a_person_tells_and_asks(void **state)
{
    world *w = *state;
    iv__instance *instance = opened(w, small);
    const iv__talk *talk = instance->model->talk;
    network n = network_of(w, instance, false);
    iv__text answer = { .home = w->home };
    void *with = talk->open(instance, n.params);

    assert_non_null(with);
    static const struct {
        const char *line, *says;
    } lines[] = {
        { "", NULL },
        { "/undo", "Nothing was told yet.\n" },
        { "Mary went to hall.", NULL },
        { "  John flew back.  ", "(words that it does not know, and passes over: flew)\n" },
        { "/story", "1 Mary went to hall.\n2 John flew back.\n" },
        { "/undo", "Forgotten: John flew back.\n" },
        { "/story", "1 Mary went to hall.\n" },
        { "/sing", "/sing is no command; /help lists them.\n" },
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        iv__text_clear(&answer);
        assert_int_equal(talk->line(with, lines[i].line, &answer), IV_OK);
        assert_string_equal(answer.size ? answer.data : "", lines[i].says ? lines[i].says : "");
    }
    iv__text_clear(&answer);
    assert_int_equal(talk->line(with, "Where is Mary?", &answer), IV_OK);
    assert_non_null(strstr(answer.data, " %"));
    assert_non_null(strstr(answer.data, " hop 1  hop 2\n"));
    assert_non_null(strstr(answer.data, " %  Mary went to hall.\n"));
    iv__text_clear(&answer);
    assert_int_equal(talk->line(with, "/new", &answer), IV_OK);
    iv__text_clear(&answer);
    assert_int_equal(talk->line(with, "Where is Mary?", &answer), IV_OK); /* without a story */
    assert_null(strstr(answer.data, "hop"));
    talk->close(with);
    iv__text_free(&answer);
    network_free(&n);
    iv__instance_free(instance);
}

int main(void)
{
    const struct CMUnitTest list[] = {
        cmocka_unit_test(rows_hold_the_story_so_far),
        cmocka_unit_test(rows_as_printed),
        cmocka_unit_test(hops_look_at_sentences),
        cmocka_unit_test(softmax_comes_after_the_linear_start),
        cmocka_unit_test(ages_are_noisy_in_training),
        cmocka_unit_test(as_many_parameters_as_printed),
        cmocka_unit_test(a_person_tells_and_asks),
    };

    return cmocka_run_group_tests(list, world_begin, world_end);
}
