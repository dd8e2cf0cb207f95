/* common_sentence_measures.c: how near latents of sentences are to each other, and what they find. */
#include "models/common_sentence.h"

#include "base/home.h"
#include "data/reuters.h"
#include "data/token_table.h"

#include <math.h>
#include <string.h>

enum { MEASURED = 2000, NEAREST = 10, AT_ONCE = 64 };

/* The average of the words' vectors: what a network has to be better than. */
static void average(const iv__sentences *s, int32_t record, float *to)
{
    int32_t ids[IV__SENTENCE_MOST];
    const int64_t n = iv__tokens_copy(s->data, record, 0, s->length, ids), width = s->vectors.width;

    for (int64_t k = 0; k < width; k++) {
        double sum = 0;
        for (int64_t t = 0; t < n; t++)
            sum += (double)s->vectors.table[ids[t] * width + k];
        to[k] = (float)(n ? sum / (double)n : 0);
    }
}

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

static int put_measures(const iv__sentences *s, const measured *m, const origins *o, iv__measure *measure)
{
    const int64_t width = m->recoder.latent, half = m->n / 2;
    int n = 0;

    measure[n++] = (iv__measure){ "cosine to what is made of it",
                                  mean_cosine(m->latents, m->again, m->n, width) };
    measure[n++] = (iv__measure){ "cosine of random pairs",
                                  mean_cosine(m->latents, m->latents + half * width, half, width) };
    if (!o->topic)
        return n;
    measure[n++] = (iv__measure){ "topic precision", precision(o, m->record, m->n, m->latents, width) };
    measure[n++] = (iv__measure){ "that of average vectors",
                                  precision(o, m->record, m->n, m->averages, s->vectors.width) };
    measure[n++] = (iv__measure){ "that of chance", chance(o, m->record, m->n) };
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
static measured *measured_new(const iv__sentences *s, iv__instance *instance, iv_params *params,
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

int iv__sentences_measures(const iv__sentences *s, iv__instance *instance, iv_params *params,
                           const iv__coder_graphs *graphs, iv__split split,
                           iv__measure measure[IV__MAX_MEASURES])
{
    origins o = { 0 };
    measured *m = measured_new(s, instance, params, graphs, split);
    const int n = m && !read_origins(s, &o) ? put_measures(s, m, &o, measure) : -1;

    iv__free(s->home, o.document);
    iv__free(s->home, o.topic);
    measured_free(s, m);
    return n;
}

int iv__sentences_spreads(const iv__sentences *s, iv__instance *instance, iv_params *params,
                          const iv__coder_graphs *graphs, iv__spread spread[IV__MAX_SPREADS])
{
    const iv__split from = s->n[SPLIT_TEST] ? SPLIT_TEST : SPLIT_TRAIN;
    measured *m = measured_new(s, instance, params, graphs, from);

    if (!m)
        return -1;
    const int64_t width = m->recoder.latent, half = m->n / 2;
    spread[0] = (iv__spread){ "to what is made of it",
                              iv__alloc_array(s->home, m->n, sizeof(double)), m->n };
    spread[1] = (iv__spread){ "random pairs", iv__alloc_array(s->home, half, sizeof(double)), half };
    const bool room = spread[0].value && spread[1].value;
    for (int64_t i = 0; i < m->n && room; i++)
        spread[0].value[i] = iv__cosine(m->latents + i * width, m->again + i * width, width);
    for (int64_t i = 0; i < half && room; i++)
        spread[1].value[i] = iv__cosine(m->latents + i * width, m->latents + (half + i) * width, width);
    measured_free(s, m);
    return room ? 2 : -1;
}
