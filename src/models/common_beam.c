/* common_beam.c: beam search: the likeliest texts that are found when so many beginnings are kept at
 * each token. Nothing is drawn. Texts are compared by the mean log-probability of their tokens, so that
 * long ones are not at a disadvantage. */
#include "base/arena.h"
#include "base/home.h"
#include "models/common_writing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A beginning as its last token, and what came before. */
typedef struct trace {
    const struct trace *before;
    int32_t token;
    int64_t n;  /* tokens that were chosen */
    double sum; /* of their log-probabilities */
    iv__score score;
} trace;

typedef struct candidate {
    int parent;
    int32_t token;
    double sum;
} candidate;

typedef struct finished {
    const trace *trace;
    double sum, mean; /* the end's included */
    int64_t cut;      /* of its text; -1: whole */
    bool ended;
} finished;

typedef struct beam {
    iv_home *home;
    const iv__generation *g;
    iv__writing *writing;
    const iv__language *language;
    iv__arena arena;
    iv__ids ids; /* of one text at a time, the prompt's first */
    int64_t n_prompt;
    iv__text text; /* of these */
    size_t begin;  /* in it */
    int width, n_live, n_next, n_finished, n_candidates;
    const trace **live, **next;
    finished *finished; /* [width + 1], the best first */
    candidate *candidates;
    iv__likely *likely;
    int *parent;
    int32_t *token;
    char *rows;
} beam;

static iv_status beam_begin(beam *b)
{
    int64_t width = b->width;
    size_t bytes = iv__writing_row_bytes(b->writing);

    b->live = iv__alloc_array(b->home, width, sizeof *b->live);
    b->next = iv__alloc_array(b->home, width, sizeof *b->next);
    b->finished = iv__alloc_array(b->home, width + 1, sizeof *b->finished);
    b->candidates = iv__alloc_array(b->home, width * width * 2, sizeof *b->candidates);
    b->likely = iv__alloc_array(b->home, width * 2, sizeof *b->likely);
    b->parent = iv__alloc_array(b->home, width, sizeof *b->parent);
    b->token = iv__alloc_array(b->home, width, sizeof *b->token);
    b->rows = iv__alloc_array(b->home, width, bytes);
    trace *root = iv__arena_get(&b->arena, sizeof *root);
    if (!b->live || !b->next || !b->finished || !b->candidates || !b->likely || !b->parent ||
        !b->token || !b->rows || !root)
        return IV_NOMEM;
    b->live[b->n_live++] = root;
    return IV_OK;
}

static void beam_free(beam *b)
{
    void *const parts[] = { b->live,   b->next,   b->finished, b->candidates,
                            b->likely, b->parent, b->token,    b->rows };

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        iv__free(b->home, parts[i]);
    iv__ids_free(&b->ids);
    iv__text_free(&b->text);
    iv__arena_free(&b->arena);
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* The ids of a text and, for reading, the text. */
static iv_status read_back(beam *b, const trace *last)
{
    b->ids.count = b->n_prompt;
    for (int64_t i = 0; i < last->n; i++)
        if (iv__ids_add(&b->ids, 0))
            return IV_NOMEM;
    for (int64_t at = b->ids.count; last->n; last = last->before)
        b->ids.id[--at] = last->token;
    iv__text_clear(&b->text);
    iv__decode_readable(b->language->vocabulary, b->ids.id, b->ids.count, &b->text);
    return b->text.failed ? IV_NOMEM : IV_OK;
}

static void finish(beam *b, const finished *one)
{
    int at = b->n_finished;

    for (; at > 0 && b->finished[at - 1].mean < one->mean; at--)
        b->finished[at] = b->finished[at - 1];
    b->finished[at] = *one;
    if (b->n_finished < b->width)
        b->n_finished++;
}

/* ---- a step ---------------------------------------------------------------------------------- */

static int better_first(const void *a, const void *b)
{
    const candidate *x = a, *y = b;

    if (x->sum != y->sum)
        return x->sum < y->sum ? 1 : -1;
    return x->parent != y->parent ? x->parent - y->parent
                                  : (x->token > y->token) - (x->token < y->token);
}

static void list_candidates(beam *b)
{
    b->n_candidates = 0;
    for (int r = 0; r < b->n_live; r++) {
        int found = iv__writing_likeliest(b->writing, r, 1, 2 * b->width, b->likely);
        double all = iv__writing_log_sum(b->writing, r);
        const float *logits = iv__generator_logits(iv__writing_generator(b->writing)) +
                              r * iv__vocabulary_count(b->language->vocabulary);
        for (int i = 0; i < found; i++) {
            int32_t token = b->likely[i].token;
            b->candidates[b->n_candidates++] = (candidate){ r, token,
                                                            b->live[r]->sum + logits[token] - all };
        }
    }
    qsort(b->candidates, (size_t)b->n_candidates, sizeof *b->candidates, better_first);
}

/* Takes a candidate: its text ends, or is one of the next live ones. */
static iv_status take(beam *b, const candidate *c)
{
    const trace *before = b->live[c->parent];
    double mean = c->sum / (double)(before->n + 1);

    if (c->token == b->language->end) {
        finish(b, &(finished){ .trace = before, .sum = c->sum, .mean = mean, .cut = -1, .ended = true });
        return IV_OK;
    }
    trace *one = iv__arena_get(&b->arena, sizeof *one);
    if (!one)
        return IV_NOMEM;
    *one = (trace){ .before = before, .token = c->token, .n = before->n + 1, .sum = c->sum };
    if (b->g->scored)
        one->score = iv__writing_score(b->writing, c->parent, c->token);
    if (b->g->n_stops || b->g->sentences) {
        iv_status status = read_back(b, one);
        iv__ending ending = { .g = b->g, .begin = b->begin, .sentence = b->begin };
        int64_t end = status || !b->text.size
                          ? -1
                          : iv__ending_find(&ending, b->text.data, b->text.size, b->text.size);
        if (end >= 0)
            finish(b, &(finished){ .trace = one, .sum = c->sum, .mean = mean, .cut = end, .ended = true });
        if (status || end >= 0)
            return status;
    }
    b->parent[b->n_next] = c->parent;
    b->token[b->n_next] = c->token;
    b->next[b->n_next++] = one;
    return IV_OK;
}

/* The rows become those of the next live ones, which are given their tokens. */
static iv_status move_rows(beam *b)
{
    size_t bytes = iv__writing_row_bytes(b->writing);

    for (int r = 0; r < b->n_live; r++)
        iv__writing_save_row(b->writing, r, b->rows + (size_t)r * bytes);
    for (int r = 0; r < b->n_next; r++)
        iv__writing_load_row(b->writing, r, b->rows + (size_t)b->parent[r] * bytes);
    memset(b->token + b->n_next, 0, (size_t)(b->width - b->n_next) * sizeof *b->token);
    const trace **swap = b->live;
    b->live = b->next;
    b->next = swap;
    b->n_live = b->n_next;
    return iv__writing_feed(b->writing, b->token);
}

/* Whether no live text is better than the worst of as many finished ones as are kept. */
static bool is_done(const beam *b)
{
    double best = -INFINITY;

    for (int r = 0; r < b->n_live; r++)
        best = fmax(best, b->live[r]->sum / (double)b->live[r]->n);
    return !b->n_live || (b->n_finished == b->width && best <= b->finished[b->width - 1].mean);
}

static iv_status search(beam *b)
{
    iv_status status = IV_OK;

    for (int64_t t = 0; t < b->g->length && !status; t++) {
        if (b->g->stop && b->g->stop())
            return iv_fail(b->home, IV_STOPPED, "stopped after %lld tokens", (long long)t);
        list_candidates(b);
        b->n_next = 0;
        for (int i = 0; i < b->n_candidates && b->n_next < b->width && !status; i++)
            status = take(b, &b->candidates[i]);
        if (!status)
            status = move_rows(b);
        if (!status && is_done(b))
            return IV_OK;
    }
    for (int r = 0; r < b->n_live && !status; r++)
        finish(b, &(finished){ .trace = b->live[r],
                               .sum = b->live[r]->sum,
                               .mean = b->live[r]->sum / (double)b->live[r]->n,
                               .cut = -1 });
    return status;
}

static iv_status hand_over(beam *b, int64_t prompt, int number, iv__sample_sink *sink, void *user)
{
    const finished *one = &b->finished[number];
    iv_status status = read_back(b, one->trace);
    iv__score *score = iv__alloc_array(b->home, one->trace->n + 1, sizeof *score);

    if (!status && score) {
        for (const trace *at = one->trace; at->n; at = at->before)
            score[at->n - 1] = at->score;
        if (one->cut >= 0 && b->text.size) {
            b->text.size = (size_t)one->cut;
            b->text.data[one->cut] = 0;
        }
        sink(user, &(iv__sample){ .number = number,
                                  .prompt = prompt,
                                  .text = b->text.data ? b->text.data : "",
                                  .size = b->text.size,
                                  .id = b->ids.id,
                                  .n_prompt = b->n_prompt,
                                  .n = one->trace->n,
                                  .score = b->g->scored ? score : NULL,
                                  .ended = one->ended,
                                  .log_probability = one->sum,
                                  .per_token = one->mean });
    }
    iv__free(b->home, score);
    return !status && !score ? IV_NOMEM : status;
}

iv_status iv__write_beam(iv__writing *writing, const iv__generation *g, const char *prompt,
                         int64_t number, iv__sample_sink *sink, void *user, iv__text *note)
{
    iv_home *home = note->home;
    beam b = { .home = home,
               .g = g,
               .writing = writing,
               .language = iv__writing_language(writing),
               .width = (int)g->beam,
               .arena = { .home = home },
               .ids = { .home = home },
               .text = { .home = home } };
    iv_status status = beam_begin(&b);

    if (!status)
        status = iv__writing_prompt(writing, prompt, &b.ids, note);
    if (!status)
        status = iv__writing_start(writing);
    if (!status)
        status = iv__writing_feed_all(writing, &b.ids);
    b.n_prompt = b.ids.count;
    if (!status) {
        status = read_back(&b, b.live[0]);
        b.begin = b.text.size;
    }
    if (!status)
        status = search(&b);
    for (int i = 0; i < b.n_finished && i < g->n && !status; i++)
        status = hand_over(&b, number, i, sink, user);
    beam_free(&b);
    return status;
}
