/* text: a recurrent language model over words, characters, bytes or byte-pair pieces.
 * Source: Foster, Generative Deep Learning, 2nd edition, chapter 5 (recipes), 1st edition, chapter 6
 * (fables); Microsoft, AI for Beginners, lesson 17 (headlines). */
#include "models/common_cut.h"
#include "models/common_writing.h"

#include "base/home.h"
#include "base/random.h"
#include "graph/node.h"

#include <math.h>
#include <string.h>

typedef struct text {
    int tokens, apostrophes, entities, specials, cell, reset, pieces, records, padding;
    int64_t texts, units, layers, embed, vocab, length, stride;
    double dropout, dropout_embedding, dropout_input;
    const char *end;
    bool unknown, begin, masked, bidirectional, tied;
} text;

enum { RESET_AFTER, RESET_BEFORE };
enum { APOSTROPHES_APART, APOSTROPHES_INSIDE };
enum { ENTITIES_KEEP, ENTITIES_DECODE };
enum { SPECIALS_PADDING, SPECIALS_OWN };
enum { PADDING_END, PADDING_FRONT };

/* clang-format off */
static const iv_field text_fields[] = {
    FIELD(text, tokens,  CHOICE, "words", 0, 0,     "words chars bytes bpe", "",      "what a token is; bpe: byte-pair pieces learned from the data"),
    FIELD(text, apostrophes, CHOICE, "apart", 0, 0, "apart inside",          "",       "words: an apostrophe is a mark of its own, or belongs to its word"),
    FIELD(text, entities, CHOICE, "keep", 0, 0,     "keep decode",           "",       "what is left of HTML in the data (&lt;, #39;): keep it, or write the characters that are meant"),
    FIELD(text, unknown, BOOL,   "yes",   0, 0,     "",                      "",       "what the vocabulary lacks has a token; without, the vocabulary must be complete"),
    FIELD(text, specials, CHOICE, "padding", 0, 0,  "padding own",           "",       "what ends a text, and with begin=yes begins it: padding, or tokens of their own"),
    FIELD(text, records, CHOICE, "auto",  0, 0,     "auto lines paragraphs stories whole", "", "what a record is; a data set has its own choice of these"),
    FIELD(text, texts,   INT,    "0",     0, 1e12,  "",                      "records", "of the data only so many, from the first on; 0: all"),
    FIELD(text, cell,    CHOICE, "lstm",  0, 0,     "lstm gru simple",       "",       "recurrent cell"),
    FIELD(text, reset,   CHOICE, "after", 0, 0,     "after before",          "",       "gru: where the reset gate acts"),
    FIELD(text, units,   INT,    "128",   1, 65536, "",                      "",       "width of each recurrent layer"),
    FIELD(text, layers,  INT,    "1",     1, 64,    "",                      "",       "recurrent layers"),
    FIELD(text, embed,   INT,    "100",   0, 65536, "",                      "",       "width of the embedding; 0: none, the layers read one-hot vectors"),
    FIELD(text, tied,    BOOL,   "no",    0, 0,     "",                      "",       "the weights that choose a token are the embedding's"),
    FIELD(text, vocab,   INT,    "0",   0, 1e6,     "",                      "tokens", "most entries of the vocabulary, special tokens included; 0: 10000, of bpe 8000"),
    FIELD(text, length,  INT,    "200",   1, 65536, "",                      "tokens", "positions of a training record"),
    FIELD(text, pieces,  CHOICE, "all",   0, 0,     "first all windows carried", "",   "of a longer record: its beginning; all in pieces, each for itself; windows that predict the token behind them; pieces with the state carried on"),
    FIELD(text, stride,  INT,    "1",     1, 65536, "",                      "tokens", "windows: from one to the next"),
    FIELD(text, bidirectional, BOOL, "no", 0, 0,    "",                      "",       "windows: each layer reads both ways; such a model cannot write"),
    FIELD(text, begin,   BOOL,   "yes",   0, 0,     "",                      "",       "the first token is predicted too, after a begin token"),
    FIELD(text, end,     TEXT,   "",      0, 0,     "",                      "TOKEN",  "a text that it writes ends before this token of the data, in place of the one learned behind each record"),
    FIELD(text, masked,  BOOL,   "yes",   0, 0,     "",                      "",       "padding does not count in the loss"),
    FIELD(text, padding, CHOICE, "end",   0, 0,     "end front",             "",       "where a short record is filled up; in front it is read before the record"),
    FIELD(text, dropout, REAL,   "0",     0, 0.95,  "",                      "",       "share of each recurrent layer's outputs dropped in training"),
    FIELD(text, dropout_embedding, REAL, "0", 0, 0.95, "",                   "",       "share of the tokens read whose vector is dropped as a whole in training"),
    FIELD(text, dropout_input, REAL, "0", 0, 0.95,  "",                      "",       "share of the elements of these vectors dropped in training"),
    FIELD_END,
};
/* clang-format on */

typedef struct text_state {
    iv__tokens *data; /* NULL: restored from a file, or described without data */
    iv__vocabulary *restored;
    const iv__vocabulary *vocabulary;
    iv__cut *cut;
    iv__named_tensor kept;
} text_state;

static const char vocabulary_name[] = "vocabulary";

/* ---- graph ----------------------------------------------------------------------------------- */

static int64_t most_entries(const text *o)
{
    return o->vocab ? o->vocab : o->tokens == IV__TOKENS_BPE ? 8000 : 10000;
}

static int64_t vocabulary_count(const iv__instance *instance)
{
    const text_state *state = instance->state;

    return state->vocabulary ? iv__vocabulary_count(state->vocabulary)
                             : most_entries(instance->options);
}

/* States of layers that go on from batch to batch. */
typedef struct carrying {
    iv__build *build;
    iv_node *goes_on; /* [N,1] */
    iv_update *updates;
    int n;
} carrying;

/* What the state PART of a layer was at the end of the batch before, where its text goes on. */
static iv_node *carried_in(carrying *c, const char *layer, const char *part, int64_t units)
{
    iv_graph *graph = c->build->graph;
    iv_shape shape = iv_dims(c->build->batch, units);
    const char *name = iv__arena_print(&graph->arena, "%s/%s", layer, part);

    if (!name)
        return iv_refuse(graph, IV_NOMEM, "%s", iv_home_message(graph->home));
    iv_node *state = c->build->training ? iv_state(c->build->scope, name, shape)
                                        : iv_input(graph, name, IV_F32, shape);
    c->updates[c->n++].leaf = state;
    return iv_mul(state, c->goes_on);
}

/* The layer x [N,T,I] -> [N,T,units]; *last [N,units] is the state at the end. */
static iv_node *recurrent(iv_scope *s, iv_node *x, const text *o, int64_t i, iv_node *present,
                          carrying *c, iv_node **last)
{
    iv_recurrent_out out = { 0 };
    iv_recurrent_options layer = { .size = sizeof layer,
                                   .cell = (iv_cell)o->cell,
                                   .units = o->units,
                                   .mask = present,
                                   .reset_before = o->reset == RESET_BEFORE,
                                   .states = &out };
    int first = c ? c->n : 0;

    if (o->bidirectional) {
        x = iv_bidirectional_with(s, x, IV_MERGE_CONCAT, &layer);
    } else {
        char name[32];
        snprintf(name, sizeof name, "layer %lld", (long long)i + 1);
        if (c)
            layer.h0 = carried_in(c, name, "h", o->units);
        if (c && o->cell == IV_LSTM)
            layer.c0 = carried_in(c, name, "c", o->units);
        x = iv_recurrent_with(s, x, &layer);
    }
    if (c)
        c->updates[first].value = out.h;
    if (c && o->cell == IV_LSTM)
        c->updates[first + 1].value = out.c;
    *last = out.h;
    return x;
}

/* The embedding's weights choose the token, too; what is not as wide as it is made so first. */
static iv_node *tied_logits(iv_scope *s, iv_node *x, const text *o, int64_t vocab)
{
    iv_node *table = iv_param(iv_scope_share(s, "embedding"), "embeddings",
                              iv_dims(vocab, o->embed), IV_EMBEDDING_UNIFORM);

    if (iv_node_dim(x, -1) != o->embed)
        x = iv_dense(s, x, .name = "projection", .units = o->embed, .no_bias = true);
    return iv_dense(s, x, .units = vocab, .kernel = iv_transpose(table, iv_dims(1, 0)));
}

/* words [N,T] -> logits of what follows each [N,T,V], or the last of them [N,V]. */
static iv_node *text_logits(iv_scope *s, iv_node *words, const text *o, int64_t vocab, bool last,
                            iv_node *present, carrying *c)
{
    iv_node *x = o->embed ? iv_embedding(s, words, .count = vocab, .units = o->embed)
                          : iv_one_hot(words, vocab);

    if (o->dropout_embedding > 0)
        x = iv_dropout_vectors(s, x, o->dropout_embedding);
    if (o->dropout_input > 0)
        x = iv_dropout(s, x, o->dropout_input);
    for (int64_t i = 0; i < o->layers; i++) {
        iv_node *end, *all = recurrent(s, x, o, i, present, c, &end);
        x = iv_dropout(s, last && i == o->layers - 1 ? end : all, o->dropout);
    }
    return o->tied ? tied_logits(s, x, o, vocab) : iv_dense(s, x, .units = vocab);
}

/* Options that exclude each other. */
static iv_status check_options(iv_home *home, const text *o)
{
    if (o->bidirectional && o->pieces != IV__CUT_WINDOWS)
        return iv_fail(home, IV_VALUE,
                       "--bidirectional reads what it should predict: it goes with --pieces windows alone");
    if (o->padding == PADDING_FRONT && (o->pieces == IV__CUT_WINDOWS || o->pieces == IV__CUT_CARRIED))
        return iv_fail(home, IV_VALUE, "--padding front goes with --pieces first and all alone");
    if (o->tied && !o->embed)
        return iv_fail(home, IV_VALUE,
                       "--tied shares the embedding, and --embed 0 has none: give --tied no, too");
    return IV_OK;
}

static iv_status text_build(void *self, iv__build *b)
{
    const iv__instance *instance = self;
    const text *o = instance->options;
    bool windows = o->pieces == IV__CUT_WINDOWS, carries = o->pieces == IV__CUT_CARRIED;
    iv_shape shape = iv_dims(b->batch, o->length), rows = iv_dims(b->batch);
    iv_status status = check_options(instance->home, o);

    if (status)
        return status;
    iv_node *words = iv_input_sequence(b->graph, IV__CUT_WORDS, IV_I32, shape, 1);
    iv_node *next = iv_input(b->graph, IV__CUT_NEXT, IV_I32, windows ? rows : shape);
    iv_node *weight = iv_input(b->graph, IV__CUT_WEIGHT, IV_F32, windows ? rows : shape);
    bool in_front = windows || o->padding == PADDING_FRONT;
    iv_node *present = in_front && o->masked ? iv_input(b->graph, IV__CUT_PRESENT, IV_F32, shape) : NULL;
    carrying c = { .build = b };
    if (carries) {
        iv_node *goes_on = iv_input(b->graph, IV__CUT_GOES_ON, IV_F32, rows);
        c.goes_on = iv_reshape(goes_on, iv_dims(b->batch, 1));
        c.updates = iv__arena_get(&b->graph->arena, 2 * (size_t)o->layers * sizeof *c.updates);
        if (!c.updates)
            return IV_NOMEM;
    }
    iv_node *logits = text_logits(b->scope, words, o, vocabulary_count(instance), windows, present,
                                  carries ? &c : NULL);

    b->n_parts = 1;
    b->parts[0] = (iv__trained_part){ .name = "",
                                      .changes = "",
                                      .loss = iv_cross_entropy(logits, next, weight),
                                      .weight = iv_sum_all(weight) };
    b->n_carried = c.n;
    b->carried = c.updates;
    return iv_graph_status(b->graph);
}

/* ---- data ------------------------------------------------------------------------------------ */

static bool counts_record(void *user, int64_t record)
{
    const iv__instance *instance = user;
    int64_t most = ((const text *)instance->options)->texts;

    return (!most || record < most) && iv__split_of(&instance->training, record) == SPLIT_TRAIN;
}

static iv_status text_fill(const void *self, iv__batch *batch, const iv__rows *rows)
{
    const text_state *state = ((const iv__instance *)self)->state;
    char trouble[IV__TROUBLE];

    iv__cut_fill(state->cut, batch, rows);
    return iv__tokens_trouble(state->data, trouble) ? iv__batch_fail(batch, IV_IO, "%s", trouble)
                                                    : IV_OK;
}

static bool text_choose(void *self, iv__split split, int64_t pass, int64_t step, int32_t *record)
{
    const text_state *state = ((const iv__instance *)self)->state;

    return iv__cut_choose(state->cut, split, pass, step, record);
}

/* A token that separates texts within a record may end those that are written. */
static int32_t end_of_writing(const text *o, const iv__vocabulary *v)
{
    return *o->end ? iv__vocabulary_id(v, o->end, strlen(o->end)) : iv__vocabulary_end(v);
}

static iv_status check_end(iv_home *home, const text *o, const iv__vocabulary *v)
{
    if (!*o->end || end_of_writing(o, v) >= iv__vocabulary_first(v))
        return IV_OK;
    return iv_fail(home, IV_VALUE,
                   "--end is '%s', and the vocabulary has no such token: take one of the data, or leave it "
                   "empty (--end '')",
                   o->end);
}

static iv_status cut_records(iv__instance *instance)
{
    text_state *state = instance->state;
    const text *o = instance->options;
    iv__trainee *trainee = &instance->trainee;
    const iv__vocabulary *v = state->vocabulary;

    state->cut = iv__cut_new(instance->home, state->data, &instance->training,
                             &(iv__cut_options){ .texts = o->texts,
                                                 .kind = (iv__cut_kind)o->pieces,
                                                 .length = o->length,
                                                 .stride = o->stride,
                                                 .begin = o->begin,
                                                 .masked = o->masked,
                                                 .front = o->padding == PADDING_FRONT,
                                                 .begin_id = iv__vocabulary_begin(v),
                                                 .end_id = iv__vocabulary_end(v) });
    trainee->fill = text_fill;
    trainee->choose = o->pieces == IV__CUT_CARRIED ? text_choose : NULL;
    for (int s = 0; state->cut && s < SPLITS; s++)
        trainee->n_records[s] = iv__cut_count(state->cut, (iv__split)s);
    return state->cut ? IV_OK : iv_home_status(instance->home);
}

static void keep_vocabulary(iv__instance *instance)
{
    text_state *state = instance->state;
    size_t size;
    const void *bytes = iv__vocabulary_bytes(state->vocabulary, &size);

    state->kept = (iv__named_tensor){
        .name = vocabulary_name, .dtype = IV_U8, .shape = iv_dims((int64_t)size), .data = bytes
    };
    instance->trainee.kept = &state->kept;
    instance->trainee.n_kept = 1;
}

/* A data set may be cut into records in several ways, and may be read as any bytes; it reads those
 * settings as its own options. */
static iv_status set_options_of(iv__instance *instance, const iv__dataset *set, void **options)
{
    const text *o = instance->options;
    iv__text value = { .home = instance->home };

    *options = NULL;
    if (!set->fields)
        return IV_OK;
    *options = iv__arena_get(&instance->arena, set->options_size);
    if (!*options)
        return IV_NOMEM;
    iv__fields_default(set->fields, *options);
    iv__field_print(iv__field_find(text_fields, "records"), instance->options, &value);
    iv_status status = value.failed ? IV_NOMEM
                                    : iv__field_set(instance->home, &instance->arena, set->fields,
                                                    *options, "records", value.data);
    if (!status && o->tokens >= IV__TOKENS_BYTES && iv__field_find(set->fields, "raw"))
        status = iv__field_set(instance->home, &instance->arena, set->fields, *options, "raw", "yes");
    iv__text_free(&value);
    return status;
}

static iv__token_rules rules_of(const text *o)
{
    bool own = o->specials == SPECIALS_OWN;

    return (iv__token_rules){ .kind = (iv__tokens_kind)o->tokens,
                              .complete = !o->unknown,
                              .end = own,
                              .begin = own && o->begin,
                              .entities = o->entities == ENTITIES_DECODE,
                              .inside = o->apostrophes == APOSTROPHES_INSIDE };
}

static iv_status text_open_data(iv__instance *instance, const iv__dataset *set, const char *data)
{
    text_state *state = instance->state;
    text *o = instance->options;
    iv_home *home = instance->home;
    iv__text path = { .home = home };
    char says[160];

    iv_status status = iv__dataset_locate(home, set, data, &path);
    int size = iv__split_says(&instance->training, says, sizeof says);
    if (o->texts)
        snprintf(says + size, sizeof says - (size_t)size, " texts=%lld", (long long)o->texts);
    bool all = !o->texts && instance->training.validation == 0 && instance->training.test == 0;
    iv__tokens_options options = { .rules = rules_of(o),
                                   .vocabulary = o->vocab = most_entries(o),
                                   .counts = all ? NULL : counts_record,
                                   .user = instance,
                                   .counts_says = all ? NULL : says,
                                   .given = state->vocabulary };
    void *set_options = NULL;
    if (!status)
        status = set_options_of(instance, set, &set_options);
    options.set_options = set_options;
    if (!status) {
        state->data = iv__tokens_open(home, set, path.data ? path.data : "", &options);
        status = state->data ? IV_OK : iv_home_status(home);
    }
    iv__text_free(&path);
    if (status)
        return status;
    if (!state->vocabulary)
        state->vocabulary = iv__tokens_vocabulary(state->data);
    instance->data_sha256 = iv__tokens_content_sha256(state->data);
    instance->data_report = iv__tokens_report(state->data);
    instance->data_note = iv__tokens_note(state->data);
    keep_vocabulary(instance);
    status = check_end(home, o, state->vocabulary);
    return status ? status : cut_records(instance);
}

static iv_status text_restore(iv__instance *instance, const iv__safetensors *file)
{
    text_state *state = instance->state;
    const iv__named_tensor *tensor = iv__safetensors_find(file, vocabulary_name);

    if (!tensor || tensor->dtype != IV_U8)
        return iv_fail(instance->home, IV_FORMAT, "the model file holds no vocabulary");
    state->restored = iv__vocabulary_read(instance->home, vocabulary_name, tensor->data, tensor->bytes);
    state->vocabulary = state->restored;
    return state->restored ? check_end(instance->home, instance->options, state->vocabulary)
                           : iv_home_status(instance->home);
}

static const iv__cut *text_cut(const iv__instance *instance)
{
    return ((const text_state *)instance->state)->cut;
}

static void text_close(iv__instance *instance)
{
    text_state *state = instance->state;

    iv__cut_free(state->cut);
    iv__vocabulary_free(state->restored);
    iv__tokens_free(state->data);
}

static int text_measures(const iv__instance *instance, iv__split split, double loss, double weight,
                         iv__measure measure[IV__MAX_MEASURES])
{
    const text_state *state = instance->state;
    iv__extent extent = iv__cut_extent(state->cut, split);

    if (iv__tokens_status(state->data))
        return -1;
    measure[0] = (iv__measure){ "perplexity", exp(loss) };
    measure[1] = (iv__measure){ "bits per token", loss / log(2) };
    measure[2] = (iv__measure){ iv__extent_measure(&extent),
                                loss * weight / log(2) / (double)iv__extent_units(&extent) };
    return 3;
}

/* ---- writing --------------------------------------------------------------------------------- */

static iv_node *language_logits(const void *options, iv_scope *scope, iv_node *words, int64_t vocab)
{
    return text_logits(scope, words, options, vocab, false, NULL, NULL);
}

static void text_language(const iv__instance *instance, iv__language *language)
{
    const text_state *state = instance->state;
    const text *o = instance->options;

    *language = (iv__language){ .vocabulary = state->vocabulary,
                                .begin = o->begin ? iv__vocabulary_begin(state->vocabulary) : -1,
                                .end = end_of_writing(o, state->vocabulary),
                                .logits = language_logits };
}

/* ---- systems --------------------------------------------------------------------------------- */

static const iv__system text_systems[] = {
    { "recipes", "recipes, word by word", "recipes", "pieces=first begin=no",
      "validation=0 test=0 masked=no",
      "recipe for roasted vegetables | chop 1 /\nrecipe for chocolate ice cream |" },
    /* so few fables are learned partly by heart; keeping some back would only make it write
     * worse */
    { "tales", "short fables, word by word (the demo's; the data are built in)", "tales",
      "units=256 embed=128 vocab=2408 length=64 batch=16 dropout=0.3 rate=0.003 epochs=50 validation=0 test=0",
      NULL, "the fox and the\nthe old heron said ," },
    { "fables", "Aesop's fables, word by word", "aesop",
      "apostrophes=inside pieces=carried length=32 units=256 embed=256 tied=yes batch=16 dropout=0.5 "
      "dropout_input=0.3 dropout_embedding=0.1 rate=0.003 average=0.995 epochs=30 patience=6",
      "pieces=windows length=20 begin=no end=| masked=no records=whole unknown=no embed=100 tied=no batch=32 dropout=0 "
      "dropout_input=0 dropout_embedding=0 optimizer=rmsprop rate=0.001 average=0 validation=0 test=0 epochs=100 patience=0",
      "the lion said ,\nthe fox and the" },
    { "headlines", "titles of news, character by character", "ag-news",
      "tokens=chars vocab=256 entities=decode specials=own pieces=carried length=48 units=256 embed=32 batch=32 dropout=0.3 "
      "rate=0.002 epochs=60 patience=5",
      "entities=keep unknown=no begin=no pieces=first length=96 masked=no padding=front embed=0 units=128 batch=8 dropout=0 "
      "optimizer=rmsprop rate=0.001 epoch_steps=15000 epochs=4 validation=0 test=0 patience=0",
      "\nU.S." },
    { "text", "writes in the manner of a text of your own (--data FILE)", "text",
      "pieces=carried length=64 units=256 embed=256 tied=yes batch=16 dropout=0.3 dropout_input=0.2 rate=0.002 "
      "clip_norm=5 epochs=30 patience=6",
      NULL, NULL },
    { .name = NULL },
};

const iv__model iv__model_text = {
    .name = "text",
    .says = "a recurrent language model over words, characters, bytes or pieces",
    .fields = text_fields,
    .options_size = sizeof(text),
    .state_size = sizeof(text_state),
    .systems = text_systems,
    .open_data = text_open_data,
    .restore = text_restore,
    .close = text_close,
    .build = text_build,
    .measures = text_measures,
    .sample = iv__write_samples,
    .language = text_language,
    .cut = text_cut,
};
