/* stories: answers questions about a story by looking at its sentences: a memory network.
 * Source: Sukhbaatar et al. 2015, End-to-end memory networks (sentences); Loy, Deep Learning with Keras, chapter 7,
 * after Keras's example babi_memnn (words). */
#include "models/common_asking.h"

#include "base/home.h"
#include "nn/scope.h"

#include <stdio.h>

typedef struct stories {
    int network, keep, tests;
    int64_t task, sentences, embed, hops, linear_start, units;
    double noise, dropout;
    bool softmax;
} stories;

enum { NETWORK_SENTENCES, NETWORK_WORDS };
enum { KEEP_STORY, KEEP_FRESH };
enum { TESTS_DATA, TESTS_TRAINING };
enum { MOST_HOPS = 8 };

/* clang-format off */
static const iv_field stories_fields[] = {
    FIELD(stories, task,      INT,    "1",   0, 20,   "",                "",          "which of the bAbI tasks; 0: all together"),
    FIELD(stories, network,   CHOICE, "sentences", 0, 0, "sentences words", "",       "what a memory is: a sentence, looked at in hops; or a word, and an LSTM reads what was found"),
    FIELD(stories, sentences, INT,    "50",  0, 4096, "",                "",          "of a longer story the last so many are looked at; 0: all"),
    FIELD(stories, keep,      CHOICE, "story", 0, 0,  "story fresh",     "",          "what a question is about: the story so far, or what came after the question before"),
    FIELD(stories, tests,     CHOICE, "data", 0, 0,   "data training",   "",          "questions that test: those of the data, or those that it was trained on"),
    FIELD(stories, embed,     INT,    "50",  1, 4096, "",                "",          "width of the embeddings"),
    FIELD(stories, hops,      INT,    "3",   1, MOST_HOPS, "",           "",          "sentences: how often it looks"),
    FIELD(stories, linear_start, INT, "0",   0, 1e6,  "",                "epochs",    "sentences: so long it looks without a softmax at first"),
    FIELD(stories, noise,     REAL,   "0.1", 0, 1,    "",                "",          "sentences: in training so many in one more seem to lie between, so that ages are not learned by heart"),
    FIELD(stories, softmax,   BOOL,   "yes", 0, 0,    "",                "",          "words: how much they match adds up to 1, and padding counts for nothing"),
    FIELD(stories, units,     INT,    "32",  1, 4096, "",                "",          "words: width of the LSTM"),
    FIELD(stories, dropout,   REAL,   "0.3", 0, 0.95, "",                "",          "words: share of values left out in training"),
    FIELD_END,
};
/* clang-format on */

typedef struct stories_state {
    iv__story *story; /* NULL: described without data */
} stories_state;

static iv__story_sizes sizes_of(const iv__instance *instance)
{
    const stories_state *state = instance->state;
    const stories *o = instance->options;

    if (state->story)
        return iv__story_sizes_of(state->story);
    /* those of task 1 */
    return (iv__story_sizes){ .words = o->network == NETWORK_WORDS ? 22 : 20,
                              .sentences = 10,
                              .sentence = 6,
                              .story = o->keep == KEEP_FRESH ? 14 : 68,
                              .question = 4 };
}

/* ---- sentences as memories ------------------------------------------------------------------- */

/* 1 + 4 (j - (J+1)/2) (k - (d+1)/2) / (J d) for word j and place k of the embedding: the paper's encoding of
 * positions, twice as large and centred, as its authors' program has it.  [J,d] */
static iv_node *positions(iv_graph *g, int64_t words, int64_t d)
{
    const iv_dtype real = iv_graph_real(g);
    iv_node *j = iv_shift(iv_cast(iv_range(g, words), real), 0.5 - 0.5 * (double)words);
    iv_node *k = iv_shift(iv_cast(iv_range(g, d), real), 0.5 - 0.5 * (double)d);

    return iv_shift(iv_scale(iv_mul(iv_reshape(j, iv_dims(words, 1)), k), 4.0 / (double)(words * d)), 1);
}

/* A row for each word; none is a row of zeros. */
static iv_node *table_of(iv_node *words)
{
    return iv_pad(words, 0, 1, 0);
}

/* Ages of sentences, 0 the youngest; in training as if empty ones lay between. [N,S], below the number of ages */
static iv_node *ages(iv_graph *g, int64_t n, int64_t sentences, int64_t n_ages, double noise)
{
    const iv_dtype real = iv_graph_real(g);
    iv_node *age = iv_cast(iv_range(g, sentences), real);

    if (noise > 0) {
        iv_node *empty = iv_less(iv_random_uniform(iv_random_clock(g), iv_dims(n, sentences),
                                                   "stories/noise"),
                                 iv_fill(g, iv_dims(n, sentences), noise));
        iv_node *younger = iv_less_equal(iv_reshape(age, iv_dims(sentences, 1)), age); /* [S,S] */
        age = iv_add(iv_matmul(empty, younger), age);
        age = iv_min(age, iv_fill(g, iv_dims(n, sentences), (double)(n_ages - 1)));
    }
    return iv_broadcast_to(iv_cast(iv_shift(age, 0.25), IV_I32), iv_dims(n, sentences));
}

/* 1 in the first steps of training, else 0; a scalar. */
static iv_node *at_first(iv_graph *g, int64_t steps)
{
    enum { STEP = 2 }; /* the low word of it in the clock */
    iv_node *step = iv_slice(iv_random_clock(g), 0, STEP, 1, 1);

    return iv_reshape(iv_less(step, iv_fill_i32(g, iv_dims(1), steps)), iv_dims(1, 1));
}

/* Scores [N,S] of sentences as shares; those that are not there have none. What is missing to 1 looks at nothing, whose
 * score is 0 (the paper's program has empty sentences for that): so a hop can tell that no sentence is what it looks
 * for. */
static iv_node *shares(iv_graph *g, iv_node *scores, iv_node *present, int64_t linear_steps)
{
    const int64_t n = iv_node_dim(scores, 0), sentences = iv_node_dim(scores, 1);
    iv_node *nothing = iv_fill(g, iv_dims(n, 1), 0);
    iv_node *masked = iv_add(scores, iv_scale(iv_shift(present, -1), 1e9));
    iv_node *p = iv_slice(iv_softmax(iv_concat(2, (iv_node *[]){ masked, nothing }, 1)), 1, 0,
                          sentences, 1);

    if (linear_steps)
        p = iv_select(iv_broadcast_to(at_first(g, linear_steps), iv_dims(n, sentences)),
                      iv_mul(scores, present), p);
    return p;
}

/* What hop k looks for in one embedding it finds in the next: k + 1 embeddings in all, the first of which is the
 * question's too, and the last the answer's. They lie side by side, so that each word is looked up once. */
static void sentence_network(const iv__instance *instance, iv_scope *scope, int64_t n,
                             bool training, iv_node **logits, iv_node **attention)
{
    const stories *o = instance->options;
    const iv__story_sizes z = sizes_of(instance);
    const int64_t d = o->embed, n_ages = z.sentences + (int64_t)((double)z.sentences * o->noise) + 1;
    const int64_t per_epoch = (instance->trainee.n_records[SPLIT_TRAIN] + instance->training.batch - 1) /
                              instance->training.batch;
    iv_graph *g = iv_scope_graph(scope);
    iv_node *words[MOST_HOPS + 1], *times[MOST_HOPS + 1], *places[MOST_HOPS + 1], *looked[MOST_HOPS];
    iv_node *sentences = iv_input(g, IV__STORY_SENTENCES, IV_I32, iv_dims(n, z.sentences, z.sentence));
    iv_node *present = iv_input(g, IV__STORY_PRESENT, iv_graph_real(g), iv_dims(n, z.sentences));
    iv_node *question = iv_input(g, IV__STORY_QUESTION, IV_I32, iv_dims(n, z.sentence));
    iv_scope *memory = iv__layer_open(scope, sentences, "memory", "memory", true);
    char name[32];

    for (int64_t k = 0; k <= o->hops; k++) {
        snprintf(name, sizeof name, "words_%lld", (long long)k);
        words[k] = iv_param(memory, name, iv_dims(z.words - 1, d), IV_EMBEDDING_WIDE);
        snprintf(name, sizeof name, "times_%lld", (long long)k);
        times[k] = iv_param(memory, name, iv_dims(n_ages, d), IV_EMBEDDING_WIDE);
        places[k] = positions(g, z.sentence, d);
    }
    iv_node *word = iv_gather(table_of(iv_concat((int)o->hops + 1, words, 1)), sentences);
    iv_node *memories = iv_add(iv_sum(iv_mul(word, iv_concat((int)o->hops + 1, places, 1)), 2, false),
                               iv_gather(iv_concat((int)o->hops + 1, times, 1),
                                         ages(g, n, z.sentences, n_ages, training ? o->noise : 0)));
    iv_node *u = iv_sum(iv_mul(iv_gather(table_of(words[0]), question), places[0]), 1, false);

    for (int64_t k = 0; k < o->hops; k++) {
        iv_node *keys = iv_slice(memories, 2, k * d, d, 1),
                *values = iv_slice(memories, 2, (k + 1) * d, d, 1);
        iv_node *scores = iv_reshape(iv_matmul(keys, iv_reshape(u, iv_dims(n, d, 1))),
                                     iv_dims(n, z.sentences));
        iv_node *p = shares(g, scores, present, training ? o->linear_start * per_epoch : 0);
        looked[k] = iv_reshape(p, iv_dims(n, 1, z.sentences));
        u = iv_add(u, iv_reshape(iv_matmul(looked[k], values), iv_dims(n, d)));
    }
    *attention = iv_concat((int)o->hops, looked, 1);
    *logits = iv__layer_close(memory, iv_matmul_with(u, words[o->hops], false, true));
}

/* ---- words as memories ----------------------------------------------------------------------- */

/* Without softmax the chapter's: then padding counts like any word. */
static iv_node *word_network(const iv__instance *instance, iv_scope *s, int64_t n)
{
    const stories *o = instance->options;
    const iv__story_sizes z = sizes_of(instance);
    iv_graph *g = iv_scope_graph(s);
    iv_node *story = iv_input(g, IV__STORY_WORDS, IV_I32, iv_dims(n, z.story));
    iv_node *question = iv_input(g, IV__STORY_QUESTION, IV_I32, iv_dims(n, z.question));
    iv_node *keys =
        iv_dropout(s, iv_embedding(s, story, .name = "keys", .count = z.words, .units = o->embed),
                   o->dropout);
    iv_node *asked = iv_dropout(s,
                                iv_embedding(s, question, .name = "question", .count = z.words,
                                             .units = o->embed),
                                o->dropout);
    iv_node *values =
        iv_dropout(s, iv_embedding(s, story, .name = "values", .count = z.words, .units = z.question),
                   o->dropout);
    iv_node *match = iv_matmul_with(asked, keys, false, true); /* [N,Q,L] */

    if (o->softmax) {
        iv_node *there = iv_reshape(iv_mask_zero(story), iv_dims(n, 1, z.story));
        match = iv_softmax(iv_add(match, iv_scale(iv_shift(there, -1), 1e9)));
    }
    iv_node *response = iv_add(match, iv_transpose(values, iv_dims(0, 2, 1)));
    iv_recurrent_out out = { 0 };
    iv_lstm(s, iv_concat(2, (iv_node *[]){ response, asked }, 2), .units = o->units, .states = &out,
            .mask = o->softmax ? iv_mask_zero(question) : NULL);
    return iv_dense(s, iv_dropout(s, out.h, o->dropout), .units = z.words);
}

/* ---- graph ----------------------------------------------------------------------------------- */

static void either_network(const iv__instance *instance, iv_scope *scope, int64_t n, bool training,
                           iv_node **logits, iv_node **attention)
{
    if (((const stories *)instance->options)->network == NETWORK_SENTENCES)
        sentence_network(instance, scope, n, training, logits, attention);
    else
        *logits = word_network(instance, scope, n);
}

static void answering_network(const iv__instance *instance, iv_scope *scope, int64_t n,
                              iv_node **logits, iv_node **attention)
{
    either_network(instance, scope, n, false, logits, attention);
}

static iv_status stories_build(void *self, iv__build *b)
{
    const iv__instance *instance = self;
    iv_node *logits, *attention;

    either_network(instance, b->scope, b->batch, b->training, &logits, &attention);
    iv_node *answer = iv_input(b->graph, IV__STORY_ANSWER, IV_I32, iv_dims(b->batch));
    iv_node *weight = iv_input(b->graph, IV__STORY_WEIGHT, iv_graph_real(b->graph), iv_dims(b->batch));
    b->n_parts = 1;
    b->parts[0] = (iv__trained_part){ .name = "",
                                      .changes = "",
                                      .loss = iv_cross_entropy(logits, answer, weight),
                                      .weight = iv_sum_all(weight) };
    return iv_graph_status(b->graph);
}

/* ---- data ------------------------------------------------------------------------------------ */

static iv__story_options story_options(const stories *o)
{
    return (iv__story_options){ .task = o->task,
                                .sentences = o->sentences,
                                .marks = o->network == NETWORK_WORDS,
                                .whole = o->network == NETWORK_WORDS,
                                .fresh = o->keep == KEEP_FRESH,
                                .test_training = o->tests == TESTS_TRAINING };
}

static iv_status stories_fill(const void *self, iv__batch *batch, const iv__rows *rows)
{
    iv__story_fill(((const stories_state *)((const iv__instance *)self)->state)->story, batch, rows);
    return IV_OK;
}

static iv_status stories_open_data(iv__instance *instance, const iv__dataset *set, const char *data)
{
    stories_state *state = instance->state;
    iv__story_options options = story_options(instance->options);
    iv__story *story = iv__story_open(instance, set, data, &options, state->story);

    if (!story)
        return iv_home_status(instance->home);
    iv__story_free(state->story);
    state->story = story;
    instance->trainee.fill = stories_fill;
    return IV_OK;
}

static iv_status stories_restore(iv__instance *instance, const iv__safetensors *file)
{
    iv__story_options options = story_options(instance->options);
    iv__story *story = iv__story_restore(instance, file, &options);

    ((stories_state *)instance->state)->story = story;
    return story ? IV_OK : iv_home_status(instance->home);
}

static void stories_close(iv__instance *instance)
{
    iv__story_free(((stories_state *)instance->state)->story);
}

static int stories_examine(iv__instance *instance, iv_params *params, iv__split split,
                           iv__measure measure[IV__MAX_MEASURES])
{
    return iv__asking_measures(instance, params, ((const stories_state *)instance->state)->story,
                               answering_network, split, measure);
}

/* ---- talking --------------------------------------------------------------------------------- */

static void *stories_talk_open(iv__instance *instance, iv_params *params)
{
    return iv__asking_new(instance, params, ((stories_state *)instance->state)->story,
                          answering_network);
}

static const iv__talk stories_talk = {
    .help = iv__asking_help,
    .open = stories_talk_open,
    .line = iv__asking_line,
    .close = iv__asking_free,
};

/* ---- for other programs ---------------------------------------------------------------------- */

static iv_node *stories_evaluate(const iv__instance *instance, iv_scope *scope, int64_t batch,
                                 const char **name)
{
    iv_node *logits, *attention;

    answering_network(instance, scope, batch, &logits, &attention);
    *name = "logits";
    return logits;
}

/* ---- systems --------------------------------------------------------------------------------- */

/* The last weights are kept: by its loss, validation stops while more answers still become right. */
static const iv__system stories_systems[] = {
    { "stories", "answers questions about a story, and shows which sentences it looked at", "babi",
      "linear_start=20 optimizer=sgd rate=0.3 clip_norm=1.25 schedule=stairs schedule_unit=epochs schedule_steps=25 "
      "schedule_factor=0.5 epochs=100 validation=0",
      "network=words keep=fresh tests=training softmax=no embed=64 linear_start=0 optimizer=rmsprop rate=0.001 clip_norm=0 "
      "schedule=constant epochs=50",
      NULL },
    { .name = NULL },
};

const iv__model iv__model_stories = {
    .name = "stories",
    .says = "a memory network over sentences, or over words",
    .fields = stories_fields,
    .options_size = sizeof(stories),
    .state_size = sizeof(stories_state),
    .systems = stories_systems,
    .open_data = stories_open_data,
    .restore = stories_restore,
    .close = stories_close,
    .build = stories_build,
    .examine = stories_examine,
    .talk = &stories_talk,
    .evaluate = stories_evaluate,
};
