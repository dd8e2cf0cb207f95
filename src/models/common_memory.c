/* common_memory.c: samples and stretches of real text, looked for in the training text. */
#include "models/common_memory.h"

#include "base/home.h"
#include "data/tokens.h"
#include "models/common_cut.h"

#include <math.h>

#define FEW 0.05 /* share of real text that may stand in the training text all the same */

/* A stretch of real text. */
typedef struct stretch {
    int64_t record, first, count;
} stretch;

struct iv__memory {
    iv_home *home;
    const iv__instance *instance;
    const iv__tokens *tokens;
    iv__copies *samples, *real;
    int64_t n_texts, n_samples, n_stretches;
    stretch *stretches; /* in the order of the text */
    iv__memory_report report;
};

iv__memory *iv__memory_new(const iv__instance *instance)
{
    iv_home *home = instance->home;
    const iv__cut *cut = instance->model->cut ? instance->model->cut(instance) : NULL;

    if (!cut) {
        iv_fail(home, IV_UNSUPPORTED, "the data of the model %s are no text to look for samples in",
                instance->model->name);
        return NULL;
    }
    iv__memory *m = iv__alloc(home, sizeof *m);
    if (!m)
        return NULL;
    *m = (iv__memory){ .home = home,
                       .instance = instance,
                       .tokens = iv__cut_tokens(cut),
                       .n_texts = iv__cut_texts(cut) };
    m->samples = iv__copies_new(home);
    m->real = iv__copies_new(home);
    if (!m->samples || !m->real) {
        iv__memory_free(m);
        return NULL;
    }
    return m;
}

void iv__memory_free(iv__memory *m)
{
    if (!m)
        return;
    iv__copies_free(m->samples);
    iv__copies_free(m->real);
    iv__free(m->home, m->stretches);
    iv__free(m->home, m);
}

iv_status iv__memory_add(iv__memory *m, const iv__sample *sample)
{
    m->n_samples++;
    return iv__copies_add(m->samples, sample->id + sample->n_prompt, sample->n);
}

/* ---- real text ------------------------------------------------------------------------------- */

static iv__split split_of(const iv__memory *m, int64_t record)
{
    return iv__split_of(&m->instance->training, record);
}

/* Held-out text if there is any; how many tokens it has. */
static int64_t choose_split(iv__memory *m)
{
    static const iv__split order[] = { SPLIT_TEST, SPLIT_VALIDATION, SPLIT_TRAIN };
    int64_t tokens[SPLITS] = { 0 };
    int chosen = 0;

    for (int64_t r = 0; r < m->n_texts; r++)
        tokens[split_of(m, r)] += iv__tokens_length(m->tokens, r);
    while (order[chosen] != SPLIT_TRAIN && !tokens[order[chosen]])
        chosen++;
    m->report.real_split = order[chosen];
    return tokens[order[chosen]];
}

/* How many stretches as long as the samples may be taken: of the training text a quarter at most. */
static int64_t count_stretches(const iv__memory *m, int64_t tokens)
{
    int64_t most = m->report.real_split == SPLIT_TRAIN ? tokens / 4 : tokens, taken = 0, n = 0;

    while (n < m->n_samples && (taken += iv__copies_length(m->samples, n)) <= most)
        n++;
    return n;
}

/* Puts a stretch of `wanted` tokens about a place of a record, behind the last stretch, if there
 * is room. */
static iv_status take_stretch(iv__memory *m, int64_t record, int64_t place, int64_t wanted)
{
    const stretch *last = m->n_stretches ? &m->stretches[m->n_stretches - 1] : NULL;
    int64_t least = last && last->record == record ? last->first + last->count : 0;
    int64_t length = iv__tokens_length(m->tokens, record);
    int64_t first = place < length - wanted ? place : length - wanted;

    first = first > least ? first : least;
    int64_t count = wanted < length - first ? wanted : length - first;
    if (count < 1)
        return IV_OK;
    int32_t *ids = iv__alloc_array(m->home, count, sizeof *ids);
    iv_status status = ids ? IV_OK : IV_NOMEM;
    if (!status) {
        iv__tokens_copy(m->tokens, record, first, count, ids);
        status = iv__copies_add(m->real, ids, count);
        m->stretches[m->n_stretches++] = (stretch){ record, first, count };
    }
    iv__free(m->home, ids);
    return status;
}

/* Stretches at even distances over the split, each as long as its sample. */
static iv_status choose_stretches(iv__memory *m)
{
    int64_t tokens = choose_split(m), n = count_stretches(m, tokens), next = 0, begin = 0;
    iv_status status = IV_OK;

    m->stretches = iv__alloc_array(m->home, n + 1, sizeof *m->stretches);
    if (!m->stretches)
        return IV_NOMEM;
    for (int64_t r = 0; next < n && !status; r++) {
        int64_t length = iv__tokens_length(m->tokens, r);
        if (split_of(m, r) != m->report.real_split)
            continue;
        for (int64_t place; next < n && !status; next++) {
            place = (int64_t)(((double)next + 0.5) * (double)tokens / (double)n) - begin;
            if (place >= length)
                break;
            status = take_stretch(m, r, place, iv__copies_length(m->samples, next));
        }
        begin += length;
    }
    return status;
}

/* ---- the training text ----------------------------------------------------------------------- */

static void pass_tokens(const iv__memory *m, iv__copies *copies, int64_t record, int64_t first,
                        int64_t end)
{
    int32_t ids[4096];

    iv__copies_begin(copies, record);
    for (int64_t n; first < end; first += n) {
        int64_t most = (int64_t)(sizeof ids / sizeof *ids);
        n = iv__tokens_copy(m->tokens, record, first, end - first < most ? end - first : most, ids);
        iv__copies_pass(copies, ids, n);
    }
}

static void pass_training(const iv__memory *m)
{
    const stretch *next = m->stretches, *end = m->stretches + m->n_stretches;

    for (int64_t r = 0; r < m->n_texts; r++) {
        int64_t length = iv__tokens_length(m->tokens, r), at = 0;
        if (split_of(m, r) != SPLIT_TRAIN)
            continue;
        pass_tokens(m, m->samples, r, 0, length);
        for (; m->report.real_split == SPLIT_TRAIN && next < end && next->record == r; next++) {
            pass_tokens(m, m->real, r, at, next->first);
            at = next->first + next->count;
        }
        pass_tokens(m, m->real, r, at, length);
    }
}

/* ---- figures --------------------------------------------------------------------------------- */

/* Share of the texts' spans of n tokens that stand in the training text; NaN without one. */
static double share_of_spans(const iv__copies *c, int64_t texts, int64_t n)
{
    int64_t met = 0, spans = 0;

    for (int64_t i = 0; i < texts && n > 0; i++) {
        int64_t length = iv__copies_length(c, i);
        met += iv__copies_spans(c, i, n);
        spans += length >= n ? length - n + 1 : 0;
    }
    return spans ? (double)met / (double)spans : NAN;
}

static iv__recall recall_of(const iv__copies *c, int64_t texts, int64_t span)
{
    iv__recall r = { 0 };
    int64_t sum = 0, whole = 0;

    for (int64_t i = 0; i < texts; i++) {
        int64_t length = iv__copies_length(c, i), longest = iv__copies_longest(c, i).length;
        if (!length)
            continue;
        r.texts++;
        r.tokens += length;
        r.longest = longest > r.longest ? longest : r.longest;
        sum += longest;
        whole += longest == length;
    }
    r.mean = r.texts ? (double)sum / (double)r.texts : NAN;
    r.whole = r.texts ? (double)whole / (double)r.texts : NAN;
    r.spans = share_of_spans(c, texts, span);
    for (int n = 0; n < IV__RECALL_DISTINCT; n++)
        r.distinct[n] = iv__copies_distinct(c, n + 1);
    return r;
}

/* Whatever a token is: so long that real text is hardly ever met again. */
static int64_t telling_span(const iv__memory *m)
{
    enum { MOST = 1000 };

    for (int64_t n = 1; n <= MOST; n++) {
        double share = share_of_spans(m->real, m->n_stretches, n);
        if (isnan(share))
            break;
        if (share <= FEW)
            return n;
    }
    return 0;
}

static bool too_many(double samples, double real)
{
    return samples >= FEW && samples >= 2 * real;
}

iv_status iv__memory_compare(iv__memory *m)
{
    iv__memory_report *r = &m->report;
    iv_status status = choose_stretches(m);

    if (!status)
        status = iv__copies_index(m->samples);
    if (!status)
        status = iv__copies_index(m->real);
    if (status)
        return status;
    pass_training(m);
    status = iv__copies_end(m->samples);
    if (!status)
        status = iv__copies_end(m->real);
    if (!status)
        status = iv__tokens_status(m->tokens);
    if (status)
        return status;
    r->span = telling_span(m);
    r->samples = recall_of(m->samples, m->n_samples, r->span);
    r->real = recall_of(m->real, m->n_stretches, r->span);
    r->by_heart = r->span && (too_many(r->samples.spans, r->real.spans) ||
                              too_many(r->samples.whole, r->real.whole));
    return IV_OK;
}

const iv__memory_report *iv__memory_report_of(const iv__memory *memory)
{
    return &memory->report;
}

iv__copy iv__memory_copy(const iv__memory *memory, int64_t sample)
{
    return iv__copies_longest(memory->samples, sample);
}

int64_t iv__memory_length(const iv__memory *memory, int64_t sample)
{
    return iv__copies_length(memory->samples, sample);
}

void iv__memory_show(const iv__memory *m, int64_t sample, iv__text *text)
{
    iv__copy copy = iv__memory_copy(m, sample);

    iv__decode_readable(iv__tokens_vocabulary(m->tokens),
                        iv__copies_ids(m->samples, sample) + copy.first, copy.length, text);
}
