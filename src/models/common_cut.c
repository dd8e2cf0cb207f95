/* common_cut.c: texts cut into training records: where each lies, and inputs, targets and weights
 * of a batch. What a text of gigabytes needs here stays small: places are found again from a mark
 * at every 64th text, and only carried texts have numbers of their own. */
#include "models/common_cut.h"

#include "base/home.h"
#include "base/random.h"
#include "train/batch.h"

#include <string.h>

enum { MARKED = 64 };

/* What lies before a marked text. */
typedef struct mark {
    int32_t pieces[SPLITS];
} mark;

/* A stretch of a text that is one training record. */
typedef struct piece {
    int64_t text, number; /* of the text's pieces */
} piece;

/* A row that runs through texts: where it is, and how many pieces are left of its share. */
typedef struct lane {
    int64_t text, number, left; /* the text by its place in the order */
} lane;

typedef struct lanes {
    iv__split split;
    int64_t pass, next; /* the step that the lanes stand before */
    const int32_t *order;
    lane *lane;
} lanes;

struct iv__cut {
    iv_home *home;
    const iv__tokens *tokens;
    const iv__settings *settings;
    iv__cut_options options;
    int64_t all_texts, n[SPLITS], texts[SPLITS];
    mark *marks;

    int32_t *before[SPLITS]; /* carried: pieces before each text of a split, and behind the last */
    int32_t *order;          /* of the texts in a pass */
    lanes training, evaluation;
};

static int64_t divided(int64_t n, int64_t by) /* rounded up */
{
    return (n + by - 1) / by;
}

/* Pieces of a text; a window predicts one token, and reads `length` before it unless there is a
 * begin token to start from. */
static int64_t pieces_of(const iv__cut_options *o, int64_t tokens)
{
    /* positions to predict: every token and the stop token, but the first token unless a begin
     * token stands before it */
    int64_t positions = tokens + (o->begin ? 1 : 0);

    switch (o->kind) {
    case IV__CUT_FIRST: break;
    case IV__CUT_PIECES:
    case IV__CUT_CARRIED: return positions <= o->length ? 1 : divided(positions, o->length);
    case IV__CUT_WINDOWS:
        if (o->begin)
            return divided(positions, o->stride);
        return tokens > o->length ? divided(tokens - o->length, o->stride) : 0;
    }
    return 1;
}

/* ---- where pieces lie ------------------------------------------------------------------------ */

static iv_status count_pieces(iv__cut *cut)
{
    int64_t texts = cut->all_texts, all = 0;
    uint64_t key = iv__split_key();

    cut->marks = iv__alloc_array(cut->home, texts / MARKED + 1, sizeof *cut->marks);
    if (!cut->marks)
        return IV_NOMEM;
    for (int64_t r = 0; r < texts; r++) {
        iv__split split = iv__split_by(key, cut->settings, r);
        for (int s = 0; r % MARKED == 0 && s < SPLITS; s++)
            cut->marks[r / MARKED].pieces[s] = (int32_t)cut->n[s];
        int64_t count = pieces_of(&cut->options, iv__tokens_length(cut->tokens, r));
        all += count;
        cut->n[split] += count;
        cut->texts[split]++;
        if (all > INT32_MAX)
            return iv_fail(cut->home, IV_VALUE,
                           "the data give more than %d training records; make --length%s larger",
                           INT32_MAX, cut->options.kind == IV__CUT_WINDOWS ? " or --stride" : "");
    }
    return IV_OK;
}

static piece find(const iv__cut *cut, iv__split split, int64_t number)
{
    int64_t low = 0, high = cut->all_texts / MARKED;
    uint64_t key = iv__split_key();

    while (low < high) { /* the last mark that is not behind it */
        int64_t middle = (low + high + 1) / 2;
        if (middle * MARKED < cut->all_texts && cut->marks[middle].pieces[split] <= number)
            low = middle;
        else
            high = middle - 1;
    }
    piece p = { low * MARKED, number - cut->marks[low].pieces[split] };
    for (;; p.text++) {
        if (iv__split_by(key, cut->settings, p.text) != split)
            continue;
        int64_t count = pieces_of(&cut->options, iv__tokens_length(cut->tokens, p.text));
        if (p.number < count)
            return p;
        p.number -= count;
    }
}

/* ---- rows that run through texts ------------------------------------------------------------- */

static iv_status make_lanes(iv__cut *cut)
{
    iv_home *home = cut->home;
    int64_t batch = cut->settings->batch, at[SPLITS] = { 0 }, n[SPLITS] = { 0 };
    uint64_t key = iv__split_key();
    bool made = true;

    for (int s = 0; s < SPLITS; s++)
        made &= (cut->before[s] = iv__alloc_array(home, cut->texts[s] + 1, sizeof(int32_t))) != NULL;
    cut->order = iv__alloc_array(home, cut->texts[SPLIT_TRAIN] + 1, sizeof *cut->order);
    cut->training = (lanes){ .pass = -1, .lane = iv__alloc_array(home, batch, sizeof(lane)) };
    cut->evaluation =
        (lanes){ .pass = -1, .next = -1, .lane = iv__alloc_array(home, batch, sizeof(lane)) };
    if (!made || !cut->order || !cut->training.lane || !cut->evaluation.lane)
        return IV_NOMEM;
    cut->training.order = cut->order;
    for (int64_t r = 0; r < cut->all_texts; r++) {
        iv__split s = iv__split_by(key, cut->settings, r);
        cut->before[s][at[s]++] = (int32_t)n[s];
        n[s] += pieces_of(&cut->options, iv__tokens_length(cut->tokens, r));
    }
    for (int s = 0; s < SPLITS; s++)
        cut->before[s][at[s]] = (int32_t)n[s];
    return IV_OK;
}

static int64_t text_of(const lanes *l, int64_t at)
{
    return l->order ? l->order[at] : at;
}

static int64_t text_pieces(const iv__cut *cut, const lanes *l, int64_t at)
{
    const int32_t *before = cut->before[l->split];
    int64_t text = text_of(l, at);

    return before[text + 1] - before[text];
}

/* Equal shares of all texts in their order, end to end. */
static void share_equally(iv__cut *cut, lanes *l)
{
    int64_t batch = cut->settings->batch, all = cut->n[l->split], sum = 0, next = 0;

    for (int64_t at = 0; at < cut->texts[l->split]; at++) {
        int64_t count = text_pieces(cut, l, at);
        for (; next < batch && next * all / batch < sum + count; next++)
            l->lane[next] = (lane){ at, next * all / batch - sum,
                                    (next + 1) * all / batch - next * all / batch };
        sum += count;
    }
}

/* The first text that has no fewer than `pieces` before it. */
static int64_t text_behind(const iv__cut *cut, iv__split split, int64_t pieces)
{
    int64_t low = 0, high = cut->texts[split];

    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (cut->before[split][middle] < pieces)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Shares of whole texts. */
static void share_whole(iv__cut *cut, lanes *l)
{
    int64_t batch = cut->settings->batch, all = cut->n[l->split];
    const int32_t *before = cut->before[l->split];

    for (int64_t i = 0; i < batch; i++) {
        int64_t first = text_behind(cut, l->split, divided(i * all, batch)),
                end = text_behind(cut, l->split, divided((i + 1) * all, batch));
        l->lane[i] = (lane){ first, 0, before[end] - before[first] };
    }
}

static void advance(const iv__cut *cut, const lanes *l, lane *one, int64_t pieces)
{
    pieces = pieces < one->left ? pieces : one->left;
    one->left -= pieces;
    one->number += pieces;
    while (one->left && one->number >= text_pieces(cut, l, one->text))
        one->number -= text_pieces(cut, l, one->text++);
}

bool iv__cut_choose(iv__cut *cut, iv__split split, int64_t pass, int64_t step, int32_t *record)
{
    lanes *l = pass < 0 ? &cut->evaluation : &cut->training;
    int64_t batch = cut->settings->batch;
    bool any = false;

    if (l->split != split || l->pass != pass || l->next != step) {
        *l = (lanes){ split, pass, step, l->order, l->lane };
        if (l->order)
            iv__shuffle(iv__random_key((uint64_t)cut->settings->seed, IV__SHUFFLE_KEY),
                        (uint64_t)pass, cut->order, cut->texts[split]);
        if (l->order)
            share_equally(cut, l);
        else
            share_whole(cut, l);
        for (int64_t i = 0; i < batch; i++)
            advance(cut, l, &l->lane[i], step);
    }
    for (int64_t i = 0; i < batch; i++) {
        lane *one = &l->lane[i];
        any |= one->left > 0;
        record[i] = one->left ? cut->before[split][text_of(l, one->text)] + (int32_t)one->number : -1;
        advance(cut, l, one, 1);
    }
    l->next = step + 1;
    return any;
}

/* ---- the whole ------------------------------------------------------------------------------- */

iv__cut *iv__cut_new(iv_home *home, const iv__tokens *tokens, const iv__settings *settings,
                     const iv__cut_options *options)
{
    iv__cut *cut = iv__alloc(home, sizeof *cut);
    if (!cut)
        return NULL;
    *cut = (iv__cut){ .home = home, .tokens = tokens, .settings = settings, .options = *options };
    cut->all_texts = iv__tokens_records(tokens);
    if (options->texts && options->texts < cut->all_texts)
        cut->all_texts = options->texts;
    iv_status status = count_pieces(cut);
    if (!status && options->kind == IV__CUT_CARRIED)
        status = make_lanes(cut);
    if (!status)
        return cut;
    iv__cut_free(cut);
    return NULL;
}

void iv__cut_free(iv__cut *cut)
{
    if (!cut)
        return;
    iv__free(cut->home, cut->marks);
    iv__free(cut->home, cut->order);
    iv__free(cut->home, cut->training.lane);
    iv__free(cut->home, cut->evaluation.lane);
    for (int s = 0; s < SPLITS; s++)
        iv__free(cut->home, cut->before[s]);
    iv__free(cut->home, cut);
}

const iv__tokens *iv__cut_tokens(const iv__cut *cut)
{
    return cut->tokens;
}

int64_t iv__cut_texts(const iv__cut *cut)
{
    return cut->all_texts;
}

int64_t iv__cut_count(const iv__cut *cut, iv__split split)
{
    return cut->n[split];
}

/* ---- batches --------------------------------------------------------------------------------- */

/* Where a row goes. */
typedef struct row {
    int32_t *x, *y;          /* zeros before */
    float *weight, *present; /* present: NULL where no plan has it */
} row;

/* Tokens first .. first + count - 1 of a text as inputs; before the text stands the begin token. */
static void read_tokens(const iv__cut *cut, int64_t text, int64_t first, int64_t count, int32_t *x)
{
    int64_t before = first < 0 ? -first : 0;

    if (before > 0 && before <= count && cut->options.begin)
        x[before - 1] = cut->options.begin_id;
    if (before < count)
        iv__tokens_copy(cut->tokens, text, first + before, count - before, x + before);
}

/* Positions that a piece has to predict, T at most. */
static int64_t used_of(const iv__cut *cut, const piece *p)
{
    const iv__cut_options *o = &cut->options;
    int64_t left = iv__tokens_length(cut->tokens, p->text) + (o->begin ? 1 : 0) - p->number * o->length;

    return left < o->length ? left : o->length;
}

static void fill_piece(const iv__cut *cut, const piece *p, const row *to)
{
    const iv__cut_options *o = &cut->options;
    int64_t tokens = iv__tokens_length(cut->tokens, p->text), T = o->length;
    int64_t used = used_of(cut, p), skip = o->front ? T - used : 0;
    /* the text's token that is the target of the first position; at `tokens` it is the end */
    int64_t first = p->number * T + (o->begin ? 0 : 1);

    read_tokens(cut, p->text, first - 1, T - skip, to->x + skip);
    iv__tokens_copy(cut->tokens, p->text, first, T - skip, to->y + skip);
    if (tokens >= first && tokens - first < T - skip)
        to->y[skip + tokens - first] = o->end_id;
    for (int64_t t = 0; t < T; t++) {
        to->weight[t] = !o->masked || (t >= skip && t < skip + used);
        if (to->present)
            to->present[t] = t >= skip;
    }
}

static void fill_window(const iv__cut *cut, const piece *p, const row *to)
{
    const iv__cut_options *o = &cut->options;
    int64_t tokens = iv__tokens_length(cut->tokens, p->text), T = o->length;
    int64_t target = p->number * o->stride + (o->begin ? 0 : T);

    read_tokens(cut, p->text, target - T, T, to->x);
    *to->y = o->end_id;
    iv__tokens_copy(cut->tokens, p->text, target, 1, to->y);
    *to->weight = target <= tokens;
    for (int64_t t = 0; to->present && t < T; t++)
        to->present[t] = target - T + t >= -1;
}

/* Where padding counts and stands in front, a batch is as wide as its longest record: what is in
 * front of that does not count. */
static void narrow(float *weight, int64_t T, int64_t rows, int64_t longest)
{
    for (int64_t i = 0; i < rows; i++)
        memset(weight + i * T, 0, (size_t)(T - longest) * sizeof *weight);
}

void iv__cut_fill(const iv__cut *cut, iv__batch *batch, const iv__rows *rows)
{
    const iv__cut_options *o = &cut->options;
    bool windows = o->kind == IV__CUT_WINDOWS;
    int64_t T = o->length, targets = windows ? 1 : T, longest = 0;
    size_t places = (size_t)(rows->room * T), outputs = (size_t)(rows->room * targets);
    int32_t *x = iv__batch_input(batch, IV__CUT_WORDS), *y = iv__batch_input(batch, IV__CUT_NEXT);
    float *weight = iv__batch_input(batch, IV__CUT_WEIGHT),
          *present = iv__batch_input(batch, IV__CUT_PRESENT),
          *goes_on = iv__batch_input(batch, IV__CUT_GOES_ON);

    memset(x, 0, places * sizeof *x);
    memset(y, 0, outputs * sizeof *y);
    memset(weight, 0, outputs * sizeof *weight);
    if (present)
        memset(present, 0, places * sizeof *present);
    if (goes_on)
        memset(goes_on, 0, (size_t)rows->room * sizeof *goes_on);
    for (int64_t i = 0; i < rows->n; i++) {
        if (rows->record[i] < 0)
            continue;
        piece p = find(cut, rows->split, rows->record[i]);
        row to = { x + i * T, y + i * targets, weight + i * targets, present ? present + i * T : NULL };
        if (windows)
            fill_window(cut, &p, &to);
        else
            fill_piece(cut, &p, &to);
        if (goes_on)
            goes_on[i] = rows->step > 0 && p.number > 0;
        int64_t used = windows ? 1 : used_of(cut, &p);
        longest = used > longest ? used : longest;
    }
    if (o->front && !o->masked)
        narrow(weight, T, rows->n, longest);
}

/* ---- how much text it is ------------------------------------------------------------------------- */

static void add_stretch(const iv__cut *cut, int64_t text, int64_t first, int64_t end, iv__extent *extent)
{
    int32_t ids[1024];
    int64_t most = (int64_t)(sizeof ids / sizeof *ids);

    iv__extent_begin(extent);
    while (first < end) {
        int64_t n = iv__tokens_copy(cut->tokens, text, first,
                                    end - first < most ? end - first : most, ids);
        for (int64_t i = 0; i < n; i++)
            iv__extent_add(extent, ids[i]);
        first += n;
    }
}

iv__extent iv__cut_extent(const iv__cut *cut, iv__split split)
{
    const iv__cut_options *o = &cut->options;
    bool windows = o->kind == IV__CUT_WINDOWS;
    uint64_t key = iv__split_key();
    iv__extent extent = { .vocabulary = iv__tokens_vocabulary(cut->tokens) };
    int64_t first = o->begin ? 0 : windows ? o->length : 1;

    for (int64_t r = 0; r < cut->all_texts; r++) {
        int64_t tokens = iv__tokens_length(cut->tokens, r);
        if (iv__split_by(key, cut->settings, r) != split)
            continue;
        if (windows && o->stride > 1) {
            for (int64_t at = first; at < tokens; at += o->stride)
                add_stretch(cut, r, at, at + 1, &extent);
            continue;
        }
        bool cut_off = o->kind == IV__CUT_FIRST && tokens - first > o->length;
        add_stretch(cut, r, first, cut_off ? first + o->length : tokens, &extent);
    }
    return extent;
}
