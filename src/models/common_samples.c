/* common_samples.c: samples of a language model. Several grow side by side; where one ends the next
 * begins. A sample depends on its number among those of its prompt and on
 * the seed alone. */
#include "base/home.h"
#include "base/math.h"
#include "base/random.h"
#include "models/common_writing.h"

#include <math.h>
#include <string.h>

enum { MOST_ROWS = 16 };
/* Samples that are begun and not handed over, at most: enough for short ones not to wait for a long
 * one, and for no more memory than that. */
enum { MOST_WAITING = 1024 };

/* A sample that grows, or that waits until those before it are finished. */
typedef struct growth {
    struct growth *next;
    int64_t number, prompt;
    iv__ids ids;
    int64_t n_prompt, given; /* of ids: the prompt's, and those that its row has been given */
    iv__score *score;
    iv__text text; /* for reading, where that decides on its end */
    iv__reading reading;
    iv__ending ending;
    size_t size; /* of text, where it was cut */
    bool ended, finished, cut;
} growth;

typedef struct sampling {
    iv_home *home;
    const iv__generation *g;
    iv__writing *writing;
    const iv__language *language;
    iv__generator *generator;
    int64_t rows, vocab, begun, given; /* samples that were begun, and handed over */
    growth **row;                      /* [rows]; NULL: idle */
    growth *oldest, *newest;           /* samples that are not handed over yet */
    int32_t *token;
    double *draw;
    char *start, *after; /* rows before any token, and after the prompt `after_prompt` */
    int64_t after_prompt;
    iv__ids prompt; /* of the newest sample */
    int64_t prompt_number;
    iv__sample_sink *sink;
    void *user;
    iv__text *note;
} sampling;

static void growth_free(iv_home *home, growth *one)
{
    iv__ids_free(&one->ids);
    iv__text_free(&one->text);
    iv__free(home, one->score);
    iv__free(home, one);
}

static void sampling_free(sampling *s)
{
    void *const parts[] = { s->row, s->token, s->draw, s->start, s->after };

    while (s->oldest) {
        growth *one = s->oldest;
        s->oldest = one->next;
        growth_free(s->home, one);
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        iv__free(s->home, parts[i]);
    iv__ids_free(&s->prompt);
    iv__writing_free(s->writing);
}

/* ---- prompts --------------------------------------------------------------------------------- */

iv_status iv__writing_prompt(const iv__writing *writing, const char *prompt, iv__ids *ids, iv__text *note)
{
    iv__text unknown = { .home = ids->home };

    iv_status status = iv__writing_encode(writing, prompt, ids, &unknown);
    if (!status && unknown.size)
        iv__text_print(note, "%sthe model does not know: %s", note->size ? "; " : "", unknown.data);
    if (!status && !ids->count && iv__writing_language(writing)->begin < 0)
        status = iv_fail(ids->home, IV_VALUE, "this model continues a text: give it a prompt%s",
                         unknown.size ? " that it knows" : "");
    iv__text_free(&unknown);
    return status;
}

static int64_t prompts_of(const iv__generation *g)
{
    return g->n_prompts ? g->n_prompts : 1;
}

static const char *prompt_of(const iv__generation *g, int64_t number)
{
    return g->n_prompts ? g->prompts[number] : g->prompt;
}

static iv_status read_prompt(sampling *s, int64_t number)
{
    if (s->prompt_number == number)
        return IV_OK;
    s->prompt_number = number;
    s->prompt.count = 0;
    return iv__writing_prompt(s->writing, prompt_of(s->g, number), &s->prompt, s->note);
}

/* ---- a sample begins ------------------------------------------------------------------------- */

/* A token that stands in the text already is less likely to be drawn again. */
static void note_used(const sampling *s, int64_t row, int32_t id)
{
    float *favour = iv__generator_favour(s->generator) + row * s->vocab + id;

    if (s->g->repetition > 1 && *favour > IV__OUT_OF_REACH)
        *favour = -(float)iv__log_f64(s->g->repetition);
}

static void forget_used(const sampling *s, int64_t row)
{
    float *favour = iv__generator_favour(s->generator) + row * s->vocab;

    for (int64_t i = 0; i < s->vocab; i++)
        favour[i] = favour[i] > IV__OUT_OF_REACH ? 0 : IV__OUT_OF_REACH;
}

static bool is_watched(const sampling *s) /* whether the text decides on a sample's end */
{
    return s->g->n_stops || s->g->sentences;
}

/* The next sample, in this row. */
static iv_status begin_sample(sampling *s, int64_t row)
{
    growth *one = iv__alloc(s->home, sizeof *one);

    if (!one)
        return IV_NOMEM;
    *one = (growth){ .number = s->begun % s->g->n,
                     .prompt = s->begun / s->g->n,
                     .ids = { .home = s->home },
                     .text = { .home = s->home } };
    s->begun++;
    *(s->oldest ? &s->newest->next : &s->oldest) = one;
    s->newest = one;
    s->row[row] = one;
    iv_status status = read_prompt(s, one->prompt);
    forget_used(s, row);
    for (int64_t t = 0; t < s->prompt.count && !status; t++) {
        status = iv__ids_add(&one->ids, s->prompt.id[t]);
        note_used(s, row, s->prompt.id[t]);
    }
    if (status)
        return status;
    bool known = s->after_prompt == one->prompt;
    one->n_prompt = one->ids.count;
    one->given = known ? one->n_prompt : 0;
    iv__writing_load_row(s->writing, row, known ? s->after : s->start);
    if (is_watched(s)) {
        one->reading = (iv__reading){ .vocabulary = s->language->vocabulary };
        for (int64_t t = 0; t < one->n_prompt; t++)
            iv__reading_add(&one->reading, one->ids.id[t], &one->text);
        one->ending = (iv__ending){ .g = s->g, .begin = one->text.size, .sentence = one->text.size };
    }
    return one->text.failed ? IV_NOMEM : IV_OK;
}

/* ---- a sample grows -------------------------------------------------------------------------- */

/* The draw at a place depends on seed, sample and position alone. */
static double uniform_at(const iv__generation *g, const growth *one)
{
    uint32_t word[4];

    iv__philox(iv__random_key((uint64_t)g->seed, "sample"), (uint64_t)one->number,
               (uint64_t)(one->ids.count - one->n_prompt), word);
    return iv__unit_f64(word[0], word[1]);
}

static bool waits_for_draw(const growth *one)
{
    return one && one->given == one->ids.count;
}

/* The first weights of a sample are always made here, so that it does not matter whether its
 * prompt was given to this row. */
static void ready_first_draw(sampling *s, int64_t row)
{
    const growth *one = s->row[row];

    if (one->ids.count > one->n_prompt)
        return;
    iv__generator_weigh(s->generator, row);
    if (s->after_prompt != one->prompt) {
        iv__writing_save_row(s->writing, row, s->after);
        s->after_prompt = one->prompt;
    }
}

static iv_status keep_score(sampling *s, int64_t row, growth *one, int32_t id)
{
    int64_t n = one->ids.count - one->n_prompt;

    if ((n & (n - 1)) == 0) {
        iv__score *grown = iv__resize(s->home, one->score, (size_t)(2 * n + 1) * sizeof *grown);
        if (!grown)
            return IV_NOMEM;
        one->score = grown;
    }
    one->score[n] = iv__writing_score(s->writing, row, id);
    return IV_OK;
}

/* With its newest token the text ends where it should; tokens that lie behind that wholly are dropped. */
static iv_status look_for_end(sampling *s, growth *one)
{
    iv__reading_add(&one->reading, one->ids.id[one->ids.count - 1], &one->text);
    if (one->text.failed)
        return IV_NOMEM;
    int64_t end = one->text.size ? iv__ending_find(&one->ending, one->text.data, one->text.size,
                                                   one->reading.settled)
                                 : -1;
    if (end < 0)
        return IV_OK;
    iv__text part = { .home = s->home };
    one->cut = one->ended = one->finished = true;
    one->size = (size_t)end;
    while (one->ids.count > one->n_prompt && !part.failed) {
        iv__text_clear(&part);
        iv__decode_readable(s->language->vocabulary, one->ids.id, one->ids.count - 1, &part);
        if (part.size < one->size)
            break;
        one->ids.count--;
    }
    iv_status status = part.failed ? IV_NOMEM : IV_OK;
    iv__text_free(&part);
    return status;
}

static iv_status take_token(sampling *s, int64_t row)
{
    growth *one = s->row[row];
    int32_t id = s->token[row];

    if (id == s->language->end) {
        one->ended = one->finished = true;
        return IV_OK;
    }
    iv_status status = s->g->scored ? keep_score(s, row, one, id) : IV_OK;
    if (!status)
        status = iv__ids_add(&one->ids, id);
    note_used(s, row, id);
    if (!status && is_watched(s))
        status = look_for_end(s, one);
    one->finished |= one->ids.count - one->n_prompt >= s->g->length;
    return status;
}

static iv_status hand_over(sampling *s, growth *one)
{
    if (!one->cut) {
        iv__text_clear(&one->text);
        iv__decode_readable(s->language->vocabulary, one->ids.id, one->ids.count, &one->text);
    } else if (one->text.size) {
        one->text.size = one->size;
        one->text.data[one->size] = 0;
    }
    if (one->text.failed)
        return IV_NOMEM;
    s->sink(s->user, &(iv__sample){ .number = one->number,
                                    .prompt = one->prompt,
                                    .text = one->text.data ? one->text.data : "",
                                    .size = one->text.size,
                                    .id = one->ids.id,
                                    .n_prompt = one->n_prompt,
                                    .n = one->ids.count - one->n_prompt,
                                    .score = one->score,
                                    .ended = one->ended,
                                    .log_probability = NAN,
                                    .per_token = NAN });
    return IV_OK;
}

/* Samples go out in the order of their numbers. */
static iv_status hand_over_finished(sampling *s)
{
    iv_status status = IV_OK;

    while (s->oldest && s->oldest->finished && !status) {
        growth *one = s->oldest;
        status = hand_over(s, one);
        s->oldest = one->next;
        s->given++;
        growth_free(s->home, one);
    }
    return status;
}

static int64_t samples_of(const iv__generation *g)
{
    return g->n * prompts_of(g);
}

/* Draws for all rows that wait for it, until none does: a row whose sample is finished gets the
 * next one. *going: rows that have something to be given. */
static iv_status draw_tokens(sampling *s, int64_t *going)
{
    iv_status status = IV_OK;
    bool drawn = true;

    while (drawn && !status) {
        drawn = false;
        *going = 0;
        for (int64_t r = 0; r < s->rows && !status; r++) {
            if (!s->row[r] && s->begun < samples_of(s->g) && s->begun - s->given < MOST_WAITING)
                status = begin_sample(s, r);
            bool waits = !status && waits_for_draw(s->row[r]);
            if (waits)
                ready_first_draw(s, r);
            s->draw[r] = waits ? uniform_at(s->g, s->row[r]) : -1;
            *going += s->row[r] != NULL;
            drawn |= waits;
        }
        if (drawn && !status)
            iv__generator_draw(s->generator, s->g, s->draw, s->token);
        for (int64_t r = 0; r < s->rows && !status; r++)
            if (s->draw[r] >= 0) {
                status = take_token(s, r);
                s->row[r] = s->row[r]->finished ? NULL : s->row[r];
            }
        if (!status)
            status = hand_over_finished(s);
    }
    return status;
}

static iv_status feed_tokens(sampling *s)
{
    for (int64_t r = 0; r < s->rows; r++)
        s->token[r] = s->row[r] ? s->row[r]->ids.id[s->row[r]->given++] : 0;
    return iv__writing_feed(s->writing, s->token);
}

static iv_status sampling_begin(sampling *s, iv__instance *instance, iv_params *params)
{
    iv_home *home = s->home;
    int64_t n = samples_of(s->g);

    s->rows = n < MOST_ROWS ? n : MOST_ROWS;
    s->after_prompt = s->prompt_number = -1;
    s->prompt.home = home;
    s->writing = iv__writing_new(instance, params, s->rows);
    if (!s->writing)
        return iv_home_status(home);
    s->language = iv__writing_language(s->writing);
    s->generator = iv__writing_generator(s->writing);
    s->vocab = iv__vocabulary_count(s->language->vocabulary);
    size_t bytes = iv__writing_row_bytes(s->writing);
    s->row = iv__alloc_array(home, s->rows, sizeof(growth *));
    s->token = iv__alloc_array(home, s->rows, sizeof(int32_t));
    s->draw = iv__alloc_array(home, s->rows, sizeof(double));
    s->start = iv__alloc(home, bytes);
    s->after = iv__alloc(home, bytes);
    if (!s->row || !s->token || !s->draw || !s->start || !s->after)
        return IV_NOMEM;
    iv__generator_set_temperature(s->generator, s->g->temperature);
    iv_status status = iv__writing_start(s->writing);
    if (!status)
        iv__writing_save_row(s->writing, 0, s->start);
    return status;
}

static iv_status draw_samples(sampling *s)
{
    int64_t going;
    iv_status status = draw_tokens(s, &going);

    while (!status && going) {
        status = s->g->stop && s->g->stop()
                     ? iv_fail(s->home, IV_STOPPED, "stopped after %lld samples", (long long)s->given)
                     : feed_tokens(s);
        if (!status)
            status = draw_tokens(s, &going);
    }
    return status;
}

static iv_status search_samples(sampling *s, iv__instance *instance, iv_params *params)
{
    const iv__generation *g = s->g;
    iv_status status = IV_OK;

    if (g->temperature != 1 || g->top_k || g->top_p < 1 || g->repetition > 1)
        return iv_fail(s->home, IV_VALUE,
                       "a beam search draws nothing: temperature, top-k, top-p and repetition do not go with it");
    if (g->n > g->beam)
        return iv_fail(s->home, IV_VALUE, "a beam of %lld finds no %lld texts: make it wider",
                       (long long)g->beam, (long long)g->n);
    s->writing = iv__writing_new(instance, params, g->beam);
    if (!s->writing)
        return iv_home_status(s->home);
    for (int64_t p = 0; p < prompts_of(g) && !status; p++)
        status = iv__write_beam(s->writing, g, prompt_of(g, p), p, s->sink, s->user, s->note);
    return status;
}

iv_status iv__write_samples(iv__instance *instance, iv_params *params, const iv__generation *g,
                            iv__sample_sink *sink, void *user, iv__text *note)
{
    sampling s = { .home = instance->home, .g = g, .sink = sink, .user = user, .note = note };
    iv_status status = IV_OK;

    for (int i = 0; i < g->n_stops; i++)
        if (!g->stops[i] || !*g->stops[i])
            return iv_fail(s.home, IV_VALUE, "stop text %d is empty: every text would end at once",
                           i + 1);
    if (g->beam) {
        status = search_samples(&s, instance, params);
    } else {
        status = sampling_begin(&s, instance, params);
        if (!status)
            status = draw_samples(&s);
    }
    sampling_free(&s);
    return status;
}
