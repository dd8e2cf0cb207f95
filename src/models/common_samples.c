/* common_samples.c: samples of a language model, several side by side. */
#include "base/home.h"
#include "base/math.h"
#include "base/random.h"
#include "models/common_writing.h"

#include <string.h>

/* What samples share: the session, the prompt's tokens, and working memory. */
typedef struct sampling {
    iv_home *home;
    const iv_generation *g;
    iv__writing *writing;
    const iv__language *language;
    iv__generator *generator;
    iv__ids prompt;
    int64_t rows, vocab;
    int32_t *token; /* [rows] */
    int32_t *ids;   /* [rows, prompt + length] */
    int64_t *count, room;
    bool *ended;
    double *draw;
} sampling;

enum { MOST_ROWS = 16 };

static void sampling_free(sampling *s)
{
    void *const parts[] = { s->token, s->ids, s->count, s->ended, s->draw };

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        iv__free(s->home, parts[i]);
    iv__ids_free(&s->prompt);
    iv__writing_free(s->writing);
}

static iv_status read_prompt(sampling *s, const char *prompt, iv__text *note)
{
    iv__text unknown = { .home = s->home };

    s->prompt.home = s->home;
    iv_status status = iv__writing_encode(s->writing, prompt, &s->prompt, &unknown);
    if (!status && unknown.size)
        iv__text_print(note, "the model does not know: %s", unknown.data);
    if (!status && !s->prompt.count && s->language->begin < 0)
        status = iv_fail(s->home, IV_VALUE,
                         "this model continues a text: give it a beginning with --prompt");
    iv__text_free(&unknown);
    return status;
}

static iv_status sampling_begin(sampling *s, iv_instance *instance, iv_params *params,
                                const iv_generation *g, int64_t rows, iv__text *note)
{
    iv_home *home = instance->home;

    *s = (sampling){
        .home = home, .g = g, .rows = rows, .writing = iv__writing_new(instance, params, rows)
    };
    if (!s->writing)
        return iv_home_status(home);
    s->language = iv__writing_language(s->writing);
    s->generator = iv__writing_generator(s->writing);
    s->vocab = iv__vocabulary_count(s->language->vocabulary);
    iv_status status = read_prompt(s, g->prompt, note);
    if (status)
        return status;
    s->room = s->prompt.count + g->length;
    s->token = iv__alloc_array(home, rows, sizeof(int32_t));
    s->ids = iv__alloc_array(home, rows * s->room, sizeof(int32_t));
    s->draw = iv__alloc_array(home, rows, sizeof(double));
    s->count = iv__alloc_array(home, rows, sizeof(int64_t));
    s->ended = iv__alloc_array(home, rows, sizeof(bool));
    if (!s->token || !s->ids || !s->draw || !s->count || !s->ended)
        return IV_NOMEM;
    iv__generator_set_temperature(s->generator, g->temperature);
    return IV_OK;
}

/* A token that stands in the text already is less likely to be drawn again. */
static void note_used(const sampling *s, int64_t row, int32_t id)
{
    float *favour = iv__generator_favour(s->generator) + row * s->vocab + id;

    if (s->g->repetition > 1 && *favour > IV_OUT_OF_REACH)
        *favour = -(float)iv__log_f64(s->g->repetition);
}

static void forget_used(const sampling *s)
{
    float *favour = iv__generator_favour(s->generator);

    for (int64_t i = 0; i < s->rows * s->vocab; i++)
        favour[i] = favour[i] > IV_OUT_OF_REACH ? 0 : IV_OUT_OF_REACH;
}

/* Feeds the prompt to all rows; then the logits are those of the first token to write. */
static iv_status feed_prompt(sampling *s)
{
    forget_used(s);
    for (int64_t r = 0; r < s->rows; r++) {
        s->ended[r] = false;
        memcpy(s->ids + r * s->room, s->prompt.id, (size_t)s->prompt.count * sizeof(int32_t));
        s->count[r] = s->prompt.count;
        for (int64_t t = 0; t < s->prompt.count; t++)
            note_used(s, r, s->prompt.id[t]);
    }
    iv_status status = iv__writing_start(s->writing);
    return status ? status : iv__writing_feed_all(s->writing, &s->prompt);
}

/* The draw at a place depends on seed, sample and position alone. */
static double uniform_at(const iv_generation *g, int64_t sample, int64_t position)
{
    uint32_t word[4];

    iv__philox(iv__random_key((uint64_t)g->seed, "sample"), (uint64_t)sample, (uint64_t)position, word);
    return iv__unit_f64(word[0], word[1]);
}

/* How many of the samples go on. */
static int64_t take_tokens(sampling *s, int64_t rows)
{
    int64_t going = 0;

    for (int64_t r = 0; r < rows; r++) {
        int32_t id = s->token[r];
        if (s->ended[r])
            continue;
        if (id == s->language->end) {
            s->ended[r] = true;
            continue;
        }
        s->ids[r * s->room + s->count[r]++] = id;
        note_used(s, r, id);
        going++;
    }
    return going;
}

static iv_status hand_over(const sampling *s, int64_t first, int64_t row, iv__text *text,
                           iv_sample_sink *sink, void *user)
{
    const int32_t *id = s->ids + row * s->room;

    iv__text_clear(text);
    iv__decode_readable(s->language->vocabulary, id, s->count[row], text);
    if (text->failed)
        return IV_NOMEM;
    sink(user, &(iv_sample){ .number = first + row,
                             .text = text->data ? text->data : "",
                             .id = id,
                             .prompt = s->prompt.count,
                             .tokens = s->count[row] - s->prompt.count,
                             .ended = s->ended[row] });
    return IV_OK;
}

static iv_status write_rows(sampling *s, int64_t first, int64_t rows, iv_sample_sink *sink, void *user)
{
    iv__text text = { .home = s->home };
    int64_t going = rows;
    iv_status status = feed_prompt(s);

    for (int64_t t = 0; t < s->g->length && going && !status; t++) {
        if (t)
            status = iv__writing_feed(s->writing, s->token);
        if (status)
            break;
        for (int64_t r = 0; r < s->rows; r++)
            s->draw[r] = r >= rows || s->ended[r] ? -1 : uniform_at(s->g, first + r, t);
        iv__generator_draw(s->generator, s->g, s->draw, s->token);
        going = take_tokens(s, rows);
    }
    for (int64_t r = 0; r < rows && !status; r++)
        status = hand_over(s, first, r, &text, sink, user);
    iv__text_free(&text);
    return status;
}

iv_status iv__write_samples(iv_instance *instance, iv_params *params, const iv_generation *g,
                            iv_sample_sink *sink, void *user, iv__text *note)
{
    int64_t rows = g->n < MOST_ROWS ? g->n : MOST_ROWS;
    sampling s;
    iv_status status = sampling_begin(&s, instance, params, g, rows, note);

    for (int64_t first = 0; first < g->n && !status; first += rows)
        status = write_rows(&s, first, g->n - first < rows ? g->n - first : rows, sink, user);
    sampling_free(&s);
    return status;
}
