/* common_writing.c: a session of writing: the generator of a language model, and what it thinks
 * of the next token. */
#include "models/common_writing.h"

#include "base/home.h"
#include "base/math.h"
#include "graph/node.h"

#include <string.h>

struct iv__writing {
    iv_home *home;
    iv__language language;
    iv_graph *graph;
    iv__generator *generator;
    int64_t rows, vocab, fed; /* tokens that each row has been given */
    int32_t *token;           /* [rows] */
    double *draw;             /* [rows] */
};

/* Tokens that are never drawn: they stand for what is no text. */
static bool is_drawn(const iv__language *language, int64_t id)
{
    return id == language->end || id >= iv__vocabulary_first(language->vocabulary);
}

static void keep_from_drawing(iv__writing *w)
{
    float *favour = iv__generator_favour(w->generator);

    for (int64_t r = 0; r < w->rows; r++)
        for (int64_t id = 0; id < iv__vocabulary_first(w->language.vocabulary); id++)
            if (!is_drawn(&w->language, id))
                favour[r * w->vocab + id] = IV__OUT_OF_REACH;
}

static iv_status make_generator(iv__writing *w, const iv__instance *instance, iv_params *params)
{
    iv_scope *scope = iv_scope_new(w->graph, params, "");
    iv_node *words = iv_input_sequence(w->graph, "words", IV_I32, iv_dims(w->rows, 2), 1);
    iv_node *logits = w->language.logits(instance->options, scope, words, w->vocab);

    w->generator = iv__generator_new(params, logits, "words");
    if (w->generator)
        return IV_OK;
    if (iv_graph_status(w->graph))
        return iv__graph_fail(w->graph);
    return iv_home_status(w->home);
}

iv__writing *iv__writing_new(iv__instance *instance, iv_params *params, int64_t rows)
{
    iv_home *home = instance->home;

    if (!instance->model->language) {
        iv_fail(home, IV_UNSUPPORTED, "the model %s writes no text", instance->model->name);
        return NULL;
    }
    iv__writing *w = iv__alloc(home, sizeof *w);
    if (!w)
        return NULL;
    w->home = home;
    w->rows = rows;
    instance->model->language(instance, &w->language);
    w->vocab = iv__vocabulary_count(w->language.vocabulary);
    w->token = iv__alloc_array(home, rows, sizeof *w->token);
    w->draw = iv__alloc_array(home, rows, sizeof *w->draw);
    w->graph = iv_graph_new(home);
    if (!w->token || !w->draw || !w->graph || make_generator(w, instance, params)) {
        iv__writing_free(w);
        return NULL;
    }
    keep_from_drawing(w);
    return w;
}

void iv__writing_free(iv__writing *w)
{
    if (!w)
        return;
    iv__generator_free(w->generator);
    iv_graph_free(w->graph);
    iv__free(w->home, w->token);
    iv__free(w->home, w->draw);
    iv__free(w->home, w);
}

const iv__language *iv__writing_language(const iv__writing *writing)
{
    return &writing->language;
}

iv__generator *iv__writing_generator(iv__writing *writing)
{
    return writing->generator;
}

/* ---- growing --------------------------------------------------------------------------------- */

iv_status iv__writing_encode(const iv__writing *w, const char *text, iv__ids *ids, iv__text *unknown)
{
    return iv__encode(w->language.vocabulary, "the prompt", 0, text, strlen(text), ids, unknown);
}

static iv_status feed_same(iv__writing *w, int32_t token)
{
    for (int64_t r = 0; r < w->rows; r++)
        w->token[r] = token;
    return iv__writing_feed(w, w->token);
}

iv_status iv__writing_start(iv__writing *w)
{
    iv_status status = iv__generator_start(w->generator);

    w->fed = 0;
    return status || w->language.begin < 0 ? status : feed_same(w, w->language.begin);
}

iv_status iv__writing_feed(iv__writing *w, const int32_t token[])
{
    w->fed++;
    return iv__generator_feed(w->generator, token);
}

iv_status iv__writing_feed_all(iv__writing *w, const iv__ids *ids)
{
    iv_status status = IV_OK;

    for (int64_t t = 0; t < ids->count && !status; t++)
        status = feed_same(w, ids->id[t]);
    return status;
}

bool iv__writing_knows(const iv__writing *w)
{
    return w->fed > 0;
}

/* ---- what may follow ------------------------------------------------------------------------- */

double iv__writing_log_sum(const iv__writing *w, int64_t row)
{
    const float *logits = iv__generator_logits(w->generator) + row * w->vocab;
    double sum = 0;
    float most = logits[0];

    for (int64_t i = 1; i < w->vocab; i++)
        most = logits[i] > most ? logits[i] : most;
    for (int64_t i = 0; i < w->vocab; i++)
        sum += iv__exp_f32(logits[i] - most);
    return most + iv__log_f64(sum);
}

iv__score iv__writing_score(const iv__writing *w, int64_t row, int32_t token)
{
    const float *logits = iv__generator_logits(w->generator) + row * w->vocab;
    int64_t rank = 1;

    for (int64_t i = 0; i < w->vocab; i++)
        rank += logits[i] > logits[token];
    return (iv__score){ .log_probability = logits[token] - iv__writing_log_sum(w, row), .rank = rank };
}

/* The next of the likeliest: the heaviest after the last one, or -1. */
static int64_t next_likely(const iv__writing *w, const float *weight, const iv__likely *last)
{
    int64_t best = -1;

    for (int64_t i = 0; i < w->vocab; i++) {
        bool taken = last && (weight[i] > (float)last->probability ||
                              (weight[i] == (float)last->probability && i <= last->token));
        if (!taken && is_drawn(&w->language, i) && (best < 0 || weight[i] > weight[best]))
            best = i;
    }
    return best;
}

int iv__writing_likeliest(iv__writing *w, int64_t row, double temperature, int n, iv__likely likely[])
{
    float *weight = iv__generator_weights(w->generator) + row * w->vocab;
    int found = 0;

    iv__generator_set_temperature(w->generator, temperature);
    iv__generator_weigh(w->generator, row);
    if (temperature == 0) { /* all of it on one */
        memset(weight, 0, (size_t)w->vocab * sizeof *weight);
        weight[iv__generator_likeliest(w->generator, row)] = 1;
    }
    for (; found < n; found++) {
        int64_t best = next_likely(w, weight, found ? &likely[found - 1] : NULL);
        if (best < 0)
            break;
        likely[found] = (iv__likely){ (int32_t)best, weight[best] };
    }
    return found;
}

int32_t iv__writing_draw(iv__writing *w, int64_t row, const iv__generation *options, double draw)
{
    for (int64_t r = 0; r < w->rows; r++)
        w->draw[r] = r == row ? draw : -1;
    iv__generator_set_temperature(w->generator, options->temperature);
    iv__generator_weigh(w->generator, row);
    iv__generator_draw(w->generator, options, w->draw, w->token);
    return w->token[row];
}

/* ---- rows kept aside ------------------------------------------------------------------------- */

size_t iv__writing_row_bytes(const iv__writing *w)
{
    return iv__generator_row_bytes(w->generator);
}

void iv__writing_save_row(const iv__writing *w, int64_t row, void *to)
{
    iv__generator_save_row(w->generator, row, to);
}

void iv__writing_load_row(iv__writing *w, int64_t row, const void *from)
{
    iv__generator_load_row(w->generator, row, from);
}
