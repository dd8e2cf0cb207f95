/* common_sentence_use.c: latents of sentences: how near they are to each other, what is decoded of them, and the dialogue
 * that shows it. */
#include "models/common_sentence.h"

#include "base/home.h"
#include "data/reuters.h"
#include "data/token_table.h"

#include <math.h>
#include <string.h>

enum { MEASURED = 2000, POOL = 1000, NEAREST = 10, SHOWN = 5, MORPHS = 5, AT_ONCE = 64 };

/* ---- both halves as plans -------------------------------------------------------------------- */

static iv_plan *plan_of(iv__recoder *r, iv_params *params, iv_node *output)
{
    iv_graph *graph = r->graph[r->graph[1] != NULL];
    iv_plan *plan = NULL;

    if (!output || iv_graph_status(graph))
        iv_fail(r->home, iv_graph_status(graph), "%s", iv_graph_message(graph));
    else
        plan = iv_plan_new(r->home, 1, &output, 0, NULL);
    if (plan && iv_params_bind(params, plan)) {
        iv_plan_free(plan);
        plan = NULL;
    }
    return plan;
}

iv_status iv__recoder_make(iv__recoder *r, const iv__sentences *s, iv_instance *instance,
                           iv_params *params, const iv__coder_graphs *graphs, int64_t n)
{
    iv_home *home = instance->home;

    *r = (iv__recoder){ .home = home, .s = s, .n = n };
    for (int half = 0; half < 2; half++) {
        iv_graph *g = r->graph[half] = iv_graph_new(home);
        iv_scope *scope = g ? iv_scope_new(g, params, "") : NULL;
        if (!scope)
            return iv_home_status(home);
        iv_node *present = iv_input(g, IV_SENTENCE_PRESENT, IV_F32, iv_dims(n, s->length));
        if (half == 0) {
            iv_node *latent = graphs->encode(instance, scope,
                                             iv_input(g, IV_SENTENCE_VECTORS, IV_F32,
                                                      iv_dims(n, s->length, s->vectors.width)),
                                             present);
            r->latent = latent ? iv_node_dim(latent, 1) : 0;
            r->encoder = plan_of(r, params, latent);
        } else {
            r->decoder = plan_of(r, params,
                                 graphs->decode(instance, scope,
                                                iv_input(g, "latent", IV_F32, iv_dims(n, r->latent)),
                                                present));
        }
    }
    return r->encoder && r->decoder ? IV_OK : iv_home_status(home);
}

void iv__recoder_free(iv__recoder *r)
{
    iv_plan_free(r->encoder);
    iv_plan_free(r->decoder);
    iv_graph_free(r->graph[0]);
    iv_graph_free(r->graph[1]);
}

/* Into a row of the encoder's inputs and, where it wants to know, the decoder's. */
static void put_row(iv__recoder *r, const int32_t *ids, int64_t n, int64_t row)
{
    iv__sentences_put(r->s, ids, n, row, iv_plan_input(r->encoder, IV_SENTENCE_VECTORS),
                      iv_plan_input(r->encoder, IV_SENTENCE_PRESENT));
    iv__sentences_put(r->s, ids, n, row, NULL, iv_plan_input(r->decoder, IV_SENTENCE_PRESENT));
}

/* What is made of the encoder's latents goes through it once more. */
static iv_status encode_again(iv__recoder *r, const float *latents)
{
    const size_t bytes = (size_t)(r->n * r->s->length * r->s->vectors.width) * sizeof(float);

    memcpy(iv_plan_input(r->decoder, "latent"), latents, (size_t)(r->n * r->latent) * sizeof *latents);
    iv_status status = iv_plan_run(r->decoder);
    if (status)
        return status;
    memcpy(iv_plan_input(r->encoder, IV_SENTENCE_VECTORS), iv_plan_output(r->decoder, 0), bytes);
    return iv_plan_run(r->encoder);
}

iv_status iv__recode(iv__recoder *r, const int32_t *record, int64_t count, float *latents, float *again)
{
    const int64_t width = r->latent;
    int32_t ids[IV_SENTENCE_MOST];
    float *all = iv__alloc_array(r->home, r->n * width, sizeof *all);
    iv_status status = all ? IV_OK : IV_NOMEM;

    for (int64_t first = 0; first < count && !status; first += r->n) {
        const int64_t n = count - first < r->n ? count - first : r->n;
        for (int64_t i = 0; i < r->n; i++)
            put_row(r, ids,
                    i < n ? iv__tokens_copy(r->s->data, record[first + i], 0, r->s->length, ids) : 0,
                    i);
        status = iv_plan_run(r->encoder);
        if (status)
            break;
        memcpy(all, iv_plan_output(r->encoder, 0), (size_t)(r->n * width) * sizeof *all);
        memcpy(latents + first * width, all, (size_t)(n * width) * sizeof *all);
        if (again)
            status = encode_again(r, all);
        if (again && !status)
            memcpy(again + first * width, iv_plan_output(r->encoder, 0),
                   (size_t)(n * width) * sizeof *all);
    }
    iv__free(r->home, all);
    return status ? status : iv__tokens_status(r->s->data);
}

/* The average of the words' vectors: what a network has to be better than. */
static void average(const iv__sentences *s, int32_t record, float *to)
{
    int32_t ids[IV_SENTENCE_MOST];
    const int64_t n = iv__tokens_copy(s->data, record, 0, s->length, ids), width = s->vectors.width;

    for (int64_t k = 0; k < width; k++) {
        double sum = 0;
        for (int64_t t = 0; t < n; t++)
            sum += (double)s->vectors.table[ids[t] * width + k];
        to[k] = (float)(n ? sum / (double)n : 0);
    }
}

/* ---- measures -------------------------------------------------------------------------------- */

/* The document and topic of each record, topic 0: none. */
typedef struct origins {
    int32_t *document, *topic;
} origins;

/* Of data without topics nothing is set. */
static iv_status read_origins(const iv__sentences *s, origins *o)
{
    const int64_t all = iv__tokens_records(s->data);
    iv__token_table topics = { .home = s->home, .bytes = { .home = s->home } };
    bool failed = false;
    int64_t n = 0;
    size_t size;

    if (s->set->next != iv__reuters_next_sentence)
        return IV_OK;
    iv__records *records = iv__records_open(s->home, s->set, s->path, NULL);
    o->document = iv__alloc_array(s->home, all, sizeof *o->document);
    o->topic = iv__alloc_array(s->home, all, sizeof *o->topic);
    iv_status status = !records                  ? iv_home_status(s->home)
                       : o->document && o->topic ? IV_OK
                                                 : IV_NOMEM;
    for (; !status && n < all && iv__records_next(records, &size, &failed); n++) {
        const char *topic = iv__reuters_topic(records);
        const int64_t number = *topic ? iv__token_table_add(&topics, topic, strlen(topic)) : -1;
        o->document[n] = (int32_t)iv__reuters_document(records);
        o->topic[n] = (int32_t)number + 1;
        if (*topic && number < 0)
            status = IV_NOMEM;
    }
    if (failed)
        status = iv_home_status(s->home);
    iv__records_close(records);
    iv__token_table_free(&topics);
    return status;
}

/* Of the nearest ten of other documents, how many share the topic, on average over those that have one. */
static double precision(const origins *o, const int32_t *record, int64_t n, const float *x, int64_t width)
{
    double sum = 0;
    int64_t asked = 0;

    for (int64_t i = 0; i < n; i++) {
        double nearest[NEAREST];
        bool same[NEAREST] = { false };
        int found = 0;
        if (!o->topic[record[i]])
            continue;
        for (int64_t j = 0; j < n; j++) {
            if (!o->topic[record[j]] || o->document[record[j]] == o->document[record[i]])
                continue;
            const double c = iv__cosine(x + i * width, x + j * width, width);
            int at = found < NEAREST ? found++ : NEAREST;
            for (; at > 0 && c > nearest[at - 1]; at--)
                if (at < NEAREST) {
                    nearest[at] = nearest[at - 1];
                    same[at] = same[at - 1];
                }
            if (at < NEAREST) {
                nearest[at] = c;
                same[at] = o->topic[record[j]] == o->topic[record[i]];
            }
        }
        for (int k = 0; k < found; k++)
            sum += (double)same[k] / found;
        asked += found > 0;
    }
    return asked ? sum / (double)asked : NAN;
}

/* The share of pairs of documents' sentences that have the same topic. */
static double chance(const origins *o, const int32_t *record, int64_t n)
{
    int64_t pairs = 0, same = 0;

    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++)
            if (o->topic[record[i]] && o->topic[record[j]] &&
                o->document[record[i]] != o->document[record[j]]) {
                pairs++;
                same += o->topic[record[i]] == o->topic[record[j]];
            }
    return pairs ? (double)same / (double)pairs : NAN;
}

static double mean_cosine(const float *a, const float *b, int64_t n, int64_t width)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += iv__cosine(a + i * width, b + i * width, width);
    return n ? sum / (double)n : NAN;
}

typedef struct measured {
    iv__recoder recoder;
    int64_t n;
    int32_t record[MEASURED];
    float *latents, *again, *averages;
} measured;

static int put_measures(const iv__sentences *s, const measured *m, const origins *o, iv_measure *measure)
{
    const int64_t width = m->recoder.latent, half = m->n / 2;
    int n = 0;

    measure[n++] = (iv_measure){ "cosine to what is made of it",
                                 mean_cosine(m->latents, m->again, m->n, width) };
    measure[n++] = (iv_measure){ "cosine of random pairs",
                                 mean_cosine(m->latents, m->latents + half * width, half, width) };
    if (!o->topic)
        return n;
    measure[n++] = (iv_measure){ "topic precision", precision(o, m->record, m->n, m->latents, width) };
    measure[n++] = (iv_measure){ "that of average vectors",
                                 precision(o, m->record, m->n, m->averages, s->vectors.width) };
    measure[n++] = (iv_measure){ "that of chance", chance(o, m->record, m->n) };
    return n;
}

static void measured_free(const iv__sentences *s, measured *m)
{
    if (!m)
        return;
    iv__free(s->home, m->latents);
    iv__free(s->home, m->again);
    iv__free(s->home, m->averages);
    iv__recoder_free(&m->recoder);
    iv__free(s->home, m);
}

/* Sentences all over the split, and what the network makes of them. NULL: the home has the message. */
static measured *measured_new(const iv__sentences *s, iv_instance *instance, iv_params *params,
                              const iv__coder_graphs *graphs, iv__split split)
{
    iv_home *home = s->home;
    measured *m = iv__alloc(home, sizeof *m);

    if (!m)
        return NULL;
    iv_status status = iv__recoder_make(&m->recoder, s, instance, params, graphs, AT_ONCE);
    m->n = s->n[split] < MEASURED ? s->n[split] : MEASURED;
    if (!status) {
        m->latents = iv__alloc_array(home, m->n * m->recoder.latent, sizeof *m->latents);
        m->again = iv__alloc_array(home, m->n * m->recoder.latent, sizeof *m->again);
        m->averages = iv__alloc_array(home, m->n * s->vectors.width, sizeof *m->averages);
        status = m->latents && m->again && m->averages ? IV_OK : IV_NOMEM;
    }
    for (int64_t i = 0; i < m->n && !status; i++) {
        m->record[i] = s->records[split][i * s->n[split] / m->n];
        average(s, m->record[i], m->averages + i * s->vectors.width);
    }
    if (!status)
        status = iv__recode(&m->recoder, m->record, m->n, m->latents, m->again);
    if (!status)
        return m;
    measured_free(s, m);
    return NULL;
}

int iv__sentences_measures(const iv__sentences *s, iv_instance *instance, iv_params *params,
                           const iv__coder_graphs *graphs, iv__split split,
                           iv_measure measure[IV_MAX_MEASURES])
{
    origins o = { 0 };
    measured *m = measured_new(s, instance, params, graphs, split);
    const int n = m && !read_origins(s, &o) ? put_measures(s, m, &o, measure) : -1;

    iv__free(s->home, o.document);
    iv__free(s->home, o.topic);
    measured_free(s, m);
    return n;
}

int iv__sentences_spreads(const iv__sentences *s, iv_instance *instance, iv_params *params,
                          const iv__coder_graphs *graphs, iv_spread spread[IV_MAX_SPREADS])
{
    const iv__split from = s->n[SPLIT_TEST] ? SPLIT_TEST : SPLIT_TRAIN;
    measured *m = measured_new(s, instance, params, graphs, from);

    if (!m)
        return -1;
    const int64_t width = m->recoder.latent, half = m->n / 2;
    spread[0] = (iv_spread){ "to what is made of it",
                             iv__alloc_array(s->home, m->n, sizeof(double)), m->n };
    spread[1] = (iv_spread){ "random pairs", iv__alloc_array(s->home, half, sizeof(double)), half };
    const bool room = spread[0].value && spread[1].value;
    for (int64_t i = 0; i < m->n && room; i++)
        spread[0].value[i] = iv__cosine(m->latents + i * width, m->again + i * width, width);
    for (int64_t i = 0; i < half && room; i++)
        spread[1].value[i] = iv__cosine(m->latents + i * width, m->latents + (half + i) * width, width);
    measured_free(s, m);
    return room ? 2 : -1;
}

/* ---- the dialogue ---------------------------------------------------------------------------- */

const char iv__comparing_help[] =
    "Type a sentence to see those of the data that are nearest to it, and what is made of it.\n"
    "  /morph ONE | OTHER    what lies between two sentences";

struct iv__comparing {
    iv_home *home;
    const iv__sentences *s;
    iv__recoder many, one;
    int64_t n; /* of the data, to be compared with */
    int32_t record[POOL];
    float *latents; /* [n,L] */
};

void iv__comparing_free(void *comparing)
{
    iv__comparing *c = comparing;

    if (!c)
        return;
    iv__recoder_free(&c->many);
    iv__recoder_free(&c->one);
    iv__free(c->home, c->latents);
    iv__free(c->home, c);
}

iv__comparing *iv__comparing_new(const iv__sentences *s, iv_instance *instance, iv_params *params,
                                 const iv__coder_graphs *graphs)
{
    const iv__split from = s->n[SPLIT_TEST] ? SPLIT_TEST : SPLIT_TRAIN;
    iv__comparing *c = iv__alloc(s->home, sizeof *c);

    if (!c)
        return NULL;
    c->home = s->home;
    c->s = s;
    iv_status status = iv__recoder_make(&c->many, s, instance, params, graphs, AT_ONCE);
    if (!status)
        status = iv__recoder_make(&c->one, s, instance, params, graphs, 1);
    c->n = s->n[from] < POOL ? s->n[from] : POOL;
    for (int64_t i = 0; i < c->n; i++)
        c->record[i] = s->records[from][i * s->n[from] / c->n];
    if (!status) {
        c->latents = iv__alloc_array(c->home, c->n * c->many.latent, sizeof *c->latents);
        status = c->latents ? iv__recode(&c->many, c->record, c->n, c->latents, NULL) : IV_NOMEM;
    }
    if (!status)
        return c;
    iv__comparing_free(c);
    return NULL;
}

/* The latent of a typed sentence; *n: its words, 0: it has none. */
static iv_status latent_of(iv__comparing *c, const char *sentence, float *latent, int64_t *n,
                           iv__text *answer)
{
    iv__ids ids = { .home = c->home };
    iv__text unknown = { .home = c->home };
    iv_status status = iv__encode(c->s->vocabulary, "the sentence", 0, sentence, strlen(sentence),
                                  &ids, &unknown);

    if (status == IV_FORMAT) {
        iv__text_print(answer, "%s\n", iv_home_message(c->home));
        iv_home_clear(c->home);
        status = IV_OK;
        ids.count = 0;
    }
    if (unknown.size)
        iv__text_print(answer, "(words that it does not know: %s)\n", unknown.data);
    *n = ids.count < c->s->length ? ids.count : c->s->length;
    if (*n && !status) {
        put_row(&c->one, ids.id, *n, 0);
        status = iv_plan_run(c->one.encoder);
    }
    if (*n && !status)
        memcpy(latent, iv_plan_output(c->one.encoder, 0), (size_t)c->one.latent * sizeof *latent);
    iv__ids_free(&ids);
    iv__text_free(&unknown);
    return status;
}

/* The words nearest to what is made of a latent, n of them. */
static iv_status put_decoded(iv__comparing *c, const float *latent, int64_t n, iv__text *answer)
{
    const int64_t width = c->s->vectors.width, first = c->s->unmasked ? c->s->length - n : 0;
    int32_t ids[IV_SENTENCE_MOST] = { 0 };

    memcpy(iv_plan_input(c->one.decoder, "latent"), latent, (size_t)c->one.latent * sizeof *latent);
    iv__sentences_put(c->s, ids, n, 0, NULL, iv_plan_input(c->one.decoder, IV_SENTENCE_PRESENT));
    iv_status status = iv_plan_run(c->one.decoder);
    for (int64_t t = 0; t < n && !status; t++)
        ids[t] = iv__vectors_nearest(&c->s->vectors, (const float *)iv_plan_output(c->one.decoder, 0) +
                                                         (first + t) * width);
    if (!status)
        iv__decode_readable(c->s->vocabulary, ids, n, answer);
    iv__text_put(answer, "\n");
    return status;
}

static iv_status put_nearest(const iv__comparing *c, const float *latent, iv__text *answer)
{
    bool *taken = iv__alloc_array(c->home, c->n, sizeof *taken);
    int32_t ids[IV_SENTENCE_MOST];

    if (!taken)
        return IV_NOMEM;
    for (int k = 0; k < SHOWN && k < c->n; k++) {
        int64_t best = -1;
        double most = -2;
        for (int64_t i = 0; i < c->n; i++) {
            const double near = iv__cosine(latent, c->latents + i * c->many.latent, c->many.latent);
            if (!taken[i] && near > most) {
                most = near;
                best = i;
            }
        }
        if (best < 0) /* cosines that are no numbers */
            break;
        taken[best] = true;
        iv__text_print(answer, "  %.3f  ", most);
        const int64_t n = iv__tokens_copy(c->s->data, c->record[best], 0, IV_SENTENCE_MOST, ids);
        iv__decode_readable(c->s->vocabulary, ids, n, answer);
        iv__text_put(answer, "\n");
    }
    iv__free(c->home, taken);
    return iv__tokens_status(c->s->data);
}

static iv_status morph(iv__comparing *c, const char *line, iv__text *answer)
{
    const char *bar = strchr(line, '|');
    const int64_t width = c->one.latent;
    iv__text one = { .home = c->home };
    float *latent = iv__alloc_array(c->home, 3 * width, sizeof *latent);
    int64_t n[2] = { 0, 0 };

    if (!bar || !latent) {
        iv__free(c->home, latent);
        if (!bar)
            iv__text_put(answer, "Two sentences are wanted, with | between them.\n");
        return bar ? IV_NOMEM : IV_OK;
    }
    iv__text_add(&one, line, (size_t)(bar - line));
    iv_status status = one.failed ? IV_NOMEM
                                  : latent_of(c, one.data ? one.data : "", latent, &n[0], answer);
    if (!status)
        status = latent_of(c, bar + 1, latent + width, &n[1], answer);
    for (int i = 0; i < MORPHS && n[0] && n[1] && !status; i++) {
        const double share = (double)i / (MORPHS - 1);
        const double words = (1 - share) * (double)n[0] + share * (double)n[1];
        for (int64_t k = 0; k < width; k++)
            latent[2 * width + k] = (float)((1 - share) * (double)latent[k] +
                                            share * (double)latent[width + k]);
        iv__text_print(answer, "  %.2f  ", share);
        status = put_decoded(c, latent + 2 * width, (int64_t)(words + 0.5), answer);
    }
    iv__text_free(&one);
    iv__free(c->home, latent);
    return status;
}

iv_status iv__comparing_line(void *comparing, const char *line, iv__text *answer)
{
    static const char morphs[] = "/morph";
    iv__comparing *c = comparing;
    int64_t n;

    if (!strncmp(line, morphs, sizeof morphs - 1) && strchr(" ", line[sizeof morphs - 1]))
        return morph(c, line + sizeof morphs - 1, answer);
    if (*line == '/') {
        iv__text_print(answer, "%s is no command; /help lists them.\n", line);
        return IV_OK;
    }
    float *latent = iv__alloc_array(c->home, c->one.latent, sizeof *latent);
    iv_status status = latent ? latent_of(c, line, latent, &n, answer) : IV_NOMEM;
    if (!status && n) {
        status = put_nearest(c, latent, answer);
        iv__text_put(answer, "  made of it: ");
        if (!status)
            status = put_decoded(c, latent, n, answer);
    }
    iv__free(c->home, latent);
    return status ? status : answer->failed ? IV_NOMEM : IV_OK;
}
