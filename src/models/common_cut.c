/* common_cut.c: texts cut into training records: inputs, targets and weights of a batch. */
#include "models/common_cut.h"

#include "base/home.h"
#include "base/random.h"

#include <string.h>

/* A stretch of a text that is one training record. */
typedef struct piece {
    int32_t record, first;
} piece;

struct iv__cut {
    iv_home *home;
    const iv__tokens *tokens;
    iv__cut_options options;
    piece *pieces;
    int32_t *order[SPLITS];
    int64_t n[SPLITS];
};

iv__split iv__split_of(const iv__settings *s, int64_t record)
{
    uint32_t word[4];

    iv__philox(iv__random_key(0, "split"), 0, (uint64_t)record, word);
    double u = iv__unit_f64(word[0], word[1]);
    return u < s->validation             ? SPLIT_VALIDATION
           : u < s->validation + s->test ? SPLIT_TEST
                                         : SPLIT_TRAIN;
}

static int64_t pieces_of(const iv__cut_options *o, int64_t tokens)
{
    /* positions to predict: every token and the stop token, but the first token unless a begin
     * token stands before it */
    int64_t positions = tokens + (o->begin ? 1 : 0);

    return !o->all || positions <= o->length ? 1 : (positions + o->length - 1) / o->length;
}

static iv_status make_pieces(iv__cut *cut, const iv__settings *settings)
{
    const iv__cut_options *o = &cut->options;
    int64_t records = iv__tokens_records(cut->tokens), n = 0;

    for (int64_t r = 0; r < records; r++)
        n += pieces_of(o, iv__tokens_length(cut->tokens, r));
    if (n > INT32_MAX)
        return iv_fail(cut->home, IV_VALUE,
                       "the data give %lld pieces, more than %d; make --length larger",
                       (long long)n, INT32_MAX);
    cut->pieces = iv__alloc_array(cut->home, n, sizeof *cut->pieces);
    for (int s = 0; s < SPLITS; s++)
        cut->order[s] = iv__alloc_array(cut->home, n, sizeof(int32_t));
    if (!cut->pieces || !cut->order[0] || !cut->order[1] || !cut->order[2])
        return IV_NOMEM;
    n = 0;
    for (int64_t r = 0; r < records; r++) {
        iv__split split = iv__split_of(settings, r);
        int64_t count = pieces_of(o, iv__tokens_length(cut->tokens, r));
        for (int64_t k = 0; k < count; k++) {
            cut->pieces[n] = (piece){ (int32_t)r, (int32_t)(k * o->length) };
            cut->order[split][cut->n[split]++] = (int32_t)n++;
        }
    }
    return IV_OK;
}

iv__cut *iv__cut_new(iv_home *home, const iv__tokens *tokens, const iv__settings *settings,
                     const iv__cut_options *options)
{
    iv__cut *cut = iv__alloc(home, sizeof *cut);
    if (!cut)
        return NULL;
    *cut = (iv__cut){ .home = home, .tokens = tokens, .options = *options };
    if (!make_pieces(cut, settings))
        return cut;
    iv__cut_free(cut);
    return NULL;
}

void iv__cut_free(iv__cut *cut)
{
    if (!cut)
        return;
    iv__free(cut->home, cut->pieces);
    for (int s = 0; s < SPLITS; s++)
        iv__free(cut->home, cut->order[s]);
    iv__free(cut->home, cut);
}

const int32_t *iv__cut_records(const iv__cut *cut, iv__split split, int64_t *n)
{
    *n = cut->n[split];
    return cut->order[split];
}

/* x and y of a piece; with a begin token both are moved by one. */
static void fill_piece(const iv__cut *cut, const piece *p, int32_t *x, int32_t *y, float *weight)
{
    const iv__cut_options *o = &cut->options;
    int64_t length = iv__tokens_length(cut->tokens, p->record), T = o->length;
    int64_t shift = o->begin ? 1 : 0; /* position t predicts token t + 1 - shift of the record */

    memset(x, 0, (size_t)T * sizeof *x);
    memset(y, 0, (size_t)T * sizeof *y);
    if (p->first >= shift) {
        iv__tokens_copy(cut->tokens, p->record, p->first - shift, T, x);
    } else {
        x[0] = o->begin_id;
        iv__tokens_copy(cut->tokens, p->record, 0, T - 1, x + 1);
    }
    int64_t copied = iv__tokens_copy(cut->tokens, p->record, p->first + 1 - shift, T, y);
    if (copied < T)
        y[copied] = o->end_id;
    for (int64_t t = 0; t < T; t++)
        weight[t] = !o->masked || p->first + t + 1 - shift <= length; /* at `length` is the stop */
}

void iv__cut_fill(const iv__cut *cut, iv__batch *batch, const int32_t *record, int64_t n, int64_t records)
{
    int64_t T = cut->options.length;
    int32_t *x = iv__batch_input(batch, "words"), *y = iv__batch_input(batch, "next");
    float *weight = iv__batch_input(batch, "weight");

    for (int64_t i = 0; i < n; i++)
        fill_piece(cut, &cut->pieces[record[i]], x + i * T, y + i * T, weight + i * T);
    memset(x + n * T, 0, (size_t)((records - n) * T) * sizeof *x);
    memset(y + n * T, 0, (size_t)((records - n) * T) * sizeof *y);
    memset(weight + n * T, 0, (size_t)((records - n) * T) * sizeof *weight);
}
