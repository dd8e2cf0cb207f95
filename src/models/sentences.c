/* sentences: an autoencoder of sentences: LSTMs that read both ways make one vector of the words' vectors, and the words'
 * vectors of it again.
 * Source: Loy, Deep Learning with Keras, chapter 7; Li et al. 2015, A hierarchical neural autoencoder. */
#include "models/common_sentence.h"

typedef struct sentences {
    int64_t latent, length, words;
    const char *vectors;
    bool masked;
} sentences;

enum { WIDTH = 50 }; /* of the vectors, described without data */

/* clang-format off */
static const iv_field sentences_fields[] = {
    FIELD(sentences, latent,  INT,  "512",  1, 8192, "", "",       "width of a sentence's vector"),
    FIELD(sentences, length,  INT,  "50",   1, IV__SENTENCE_MOST, "", "words",  "of a longer sentence the first so many"),
    FIELD(sentences, words,   INT,  "5000", 3, 1e6,  "", "words",  "entries of the vocabulary, with padding and the unknown word"),
    FIELD(sentences, vectors, TEXT, "",     0, 0,    "", "FILE",   "vectors of words, as GloVe writes them; without it those below the data folder"),
    FIELD(sentences, masked,  BOOL, "yes",  0, 0,    "", "",       "padding is not read and does not count; no: it stands in front, and does"),
    FIELD_END,
};
/* clang-format on */

typedef struct sentences_state {
    iv__sentences data;
} sentences_state;

static int64_t width_of(const iv__instance *instance)
{
    const sentences_state *state = instance->state;

    return state->data.vectors.table ? state->data.vectors.width : WIDTH;
}

/* ---- graph ----------------------------------------------------------------------------------- */

static iv_node *encode(const iv__instance *instance, iv_scope *scope, iv_node *vectors, iv_node *present)
{
    const sentences *o = instance->options;
    iv_recurrent_out out = { 0 };

    iv_bidirectional(scope, vectors, IV_MERGE_SUM, .name = "encoder", .units = o->latent,
                     .mask = o->masked ? present : NULL, .states = &out);
    return out.h;
}

static iv_node *decode(const iv__instance *instance, iv_scope *scope, iv_node *latent, iv_node *present)
{
    const sentences *o = instance->options;

    return iv_bidirectional(scope, iv_repeat(latent, 1, o->length), IV_MERGE_SUM, .name = "decoder",
                            .units = width_of(instance), .mask = o->masked ? present : NULL);
}

static const iv__coder_graphs graphs = { encode, decode };

static iv_status sentences_build(void *self, iv__build *b)
{
    const iv__instance *instance = self;
    const sentences *o = instance->options;
    const iv_dtype real = iv_graph_real(b->graph);
    iv_node *vectors = iv_input(b->graph, IV__SENTENCE_VECTORS, real,
                                iv_dims(b->batch, o->length, width_of(instance)));
    iv_node *present = iv_input(b->graph, IV__SENTENCE_PRESENT, real, iv_dims(b->batch, o->length));
    iv_node *y = decode(instance, b->scope, encode(instance, b->scope, vectors, present), present);

    b->n_parts = 1;
    b->parts[0] = (iv__trained_part){ .name = "",
                                      .changes = "",
                                      .loss = iv_mean_squared_error(y, vectors, present),
                                      .weight = iv_sum_all(present) };
    return iv_graph_status(b->graph);
}

/* What others want of it is the encoder. */
static iv_node *sentences_evaluate(const iv__instance *instance, iv_scope *scope, int64_t batch,
                                   const char **name)
{
    const sentences *o = instance->options;
    iv_graph *g = iv_scope_graph(scope);
    const iv_dtype real = iv_graph_real(g);
    iv_node *vectors = iv_input(g, IV__SENTENCE_VECTORS, real,
                                iv_dims(batch, o->length, width_of(instance)));

    *name = "latent";
    return encode(instance, scope, vectors,
                  iv_input(g, IV__SENTENCE_PRESENT, real, iv_dims(batch, o->length)));
}

/* ---- data ------------------------------------------------------------------------------------ */

static iv_status sentences_fill(const void *self, iv__batch *batch, const iv__rows *rows)
{
    const sentences_state *state = ((const iv__instance *)self)->state;
    char trouble[IV__TROUBLE];

    iv__sentences_fill(&state->data, batch, rows);
    return iv__tokens_trouble(state->data.data, trouble) ? iv__batch_fail(batch, IV_IO, "%s", trouble)
                                                         : IV_OK;
}

static iv_status sentences_open_data(iv__instance *instance, const iv__dataset *set, const char *data)
{
    const sentences *o = instance->options;
    sentences_state *state = instance->state;

    state->data.length = o->length;
    state->data.unmasked = !o->masked;
    instance->trainee.fill = sentences_fill;
    return iv__sentences_open(&state->data, instance, set, data, o->words, o->vectors);
}

static iv_status sentences_restore(iv__instance *instance, const iv__safetensors *file)
{
    const sentences *o = instance->options;
    sentences_state *state = instance->state;

    state->data.length = o->length;
    state->data.unmasked = !o->masked;
    return iv__sentences_restore(&state->data, instance, file);
}

static void sentences_close(iv__instance *instance)
{
    iv__sentences_close(&((sentences_state *)instance->state)->data);
}

static int sentences_examine(iv__instance *instance, iv_params *params, iv__split split,
                             iv__measure measure[IV__MAX_MEASURES])
{
    return iv__sentences_measures(&((sentences_state *)instance->state)->data, instance, params,
                                  &graphs, split, measure);
}

static int sentences_spreads(iv__instance *instance, iv_params *params, const char **says,
                             iv__spread spread[IV__MAX_SPREADS])
{
    *says = "cosine";
    return iv__sentences_spreads(&((sentences_state *)instance->state)->data, instance, params,
                                 &graphs, spread);
}

/* ---- talking --------------------------------------------------------------------------------- */

/* What is compared with are Reuters' sentences, also where a run was trained on others. */
static void *sentences_talk_open(iv__instance *instance, iv_params *params)
{
    sentences_state *state = instance->state;

    if (!state->data.data && sentences_open_data(instance, &iv__dataset_reuters_sentences, NULL))
        return NULL;
    return iv__comparing_new(&state->data, instance, params, &graphs);
}

static const iv__talk sentences_talk = {
    .help = iv__comparing_help,
    .open = sentences_talk_open,
    .line = iv__comparing_line,
    .close = iv__comparing_free,
};

/* ---- systems --------------------------------------------------------------------------------- */

static const iv__system sentences_systems[] = {
    { "sentences", "makes a vector of a sentence, and finds sentences like one that is typed",
      "reuters-sentences", "batch=64 epochs=10 rate=0.001",
      "masked=no optimizer=sgd rate=0.01 validation=0.3 test=0", NULL },
    { .name = NULL },
};

const iv__model iv__model_sentences = {
    .name = "sentences",
    .says = "an autoencoder of sentences, LSTMs that read both ways",
    .fields = sentences_fields,
    .options_size = sizeof(sentences),
    .state_size = sizeof(sentences_state),
    .systems = sentences_systems,
    .open_data = sentences_open_data,
    .restore = sentences_restore,
    .close = sentences_close,
    .build = sentences_build,
    .examine = sentences_examine,
    .spreads = sentences_spreads,
    .evaluate = sentences_evaluate,
    .talk = &sentences_talk,
};
