/* copies.c: a suffix automaton of a few texts, and a large text that walks along it.
 *
 * A state stands for all spans that end at the same places of the few; of these, `length` is the
 * longest, and the state behind `link` has the next shorter ones. For each state the longest of
 * its spans that the large text met is kept, with the place. */
#include "data/copies.h"

#include <math.h>

#include "base/home.h"
#include "data/text.h"

typedef struct state {
    int32_t length, link; /* of the root, state 0: 0 and -1 */
    int32_t edges;        /* the first of its edges, in the table; -1: none */
    int32_t met; /* the longest of its spans, or (once ended) of their ends, that was met */
    int64_t record, place; /* where that one began */
} state;

/* From a state by a token to another; in a table by state and token. */
typedef struct edge {
    int32_t from, token, to; /* from -1: a free place */
    int32_t next;            /* of the same state; -1: none */
} edge;

struct iv__copies {
    iv_home *home;
    iv__ids ids;    /* of all texts, one after the other */
    iv__ids starts; /* where each begins, and where the last ends */
    state *states;
    edge *table;
    uint32_t mask; /* places of the table, less 1 */
    int32_t n_states;
    int32_t at, length;    /* the state the large text stands at, and how much of it is met */
    int64_t record, place; /* of the token that passes */
};

/* Twice as many states as tokens and three times as many edges are the most there can be, and
 * their numbers must fit. */
enum { MOST_TOKENS = 1 << 27 };

iv__copies *iv__copies_new(iv_home *home)
{
    iv__copies *c = iv__alloc(home, sizeof *c);

    if (!c)
        return NULL;
    *c = (iv__copies){ .home = home, .ids = { .home = home }, .starts = { .home = home } };
    if (iv__ids_add(&c->starts, 0)) {
        iv__copies_free(c);
        return NULL;
    }
    return c;
}

void iv__copies_free(iv__copies *c)
{
    if (!c)
        return;
    iv__ids_free(&c->ids);
    iv__ids_free(&c->starts);
    iv__free(c->home, c->states);
    iv__free(c->home, c->table);
    iv__free(c->home, c);
}

iv_status iv__copies_add(iv__copies *c, const int32_t *ids, int64_t count)
{
    iv_status status = IV_OK;

    if (count > MOST_TOKENS - c->ids.count)
        return iv_fail(c->home, IV_VALUE, "samples of more than %d tokens together", MOST_TOKENS);
    for (int64_t i = 0; i < count && !status; i++)
        status = iv__ids_add(&c->ids, ids[i]);
    return status ? status : iv__ids_add(&c->starts, (int32_t)c->ids.count);
}

/* ---- edges ----------------------------------------------------------------------------------- */

/* The place of an edge in the table, or a free one where it may be put. */
static edge *edge_at(const iv__copies *c, int32_t from, int32_t token)
{
    uint64_t mixed = ((uint64_t)(uint32_t)from << 32 | (uint32_t)token) * 0x9E3779B97F4A7C15u;
    uint32_t i = (uint32_t)(mixed >> 32) & c->mask;

    while (c->table[i].from >= 0 && (c->table[i].from != from || c->table[i].token != token))
        i = (i + 1) & c->mask;
    return &c->table[i];
}

static void add_edge(iv__copies *c, int32_t from, int32_t token, int32_t to)
{
    edge *e = edge_at(c, from, token);

    *e = (edge){ from, token, to, c->states[from].edges };
    c->states[from].edges = (int32_t)(e - c->table);
}

/* ---- the automaton --------------------------------------------------------------------------- */

/* States from `p` along the links that lead to `from` by the token lead to `to` now. */
static void redirect(iv__copies *c, int32_t p, int32_t token, int32_t from, int32_t to)
{
    for (edge *e; p >= 0 && (e = edge_at(c, p, token))->from >= 0 && e->to == from; p = c->states[p].link)
        e->to = to;
}

/* The state that holds the longest span of `p` and the token behind it, where the edge from p leads to
 * `q`; one of its own, split off from q, if q holds longer spans too. */
static int32_t exactly(iv__copies *c, int32_t p, int32_t token, int32_t q)
{
    if (c->states[q].length == c->states[p].length + 1)
        return q;
    int32_t split = c->n_states++;
    c->states[split] = (state){ c->states[p].length + 1, c->states[q].link, -1, 0, 0, 0 };
    for (int32_t i = c->states[q].edges; i >= 0; i = c->table[i].next)
        add_edge(c, split, c->table[i].token, c->table[i].to);
    redirect(c, p, token, q, split);
    c->states[q].link = split;
    return split;
}

/* The state of the text so far, once the token follows `last`. */
static int32_t extend(iv__copies *c, int32_t last, int32_t token)
{
    const edge *known = edge_at(c, last, token);
    if (known->from >= 0)
        return exactly(c, last, token, known->to);

    int32_t new = c->n_states++, p = last;
    c->states[new] = (state){ c->states[last].length + 1, 0, -1, 0, 0, 0 };
    for (; p >= 0 && edge_at(c, p, token)->from < 0; p = c->states[p].link)
        add_edge(c, p, token, new);
    if (p >= 0)
        c->states[new].link = exactly(c, p, token, edge_at(c, p, token)->to);
    return new;
}

static int64_t texts_of(const iv__copies *c)
{
    return c->starts.count - 1;
}

iv_status iv__copies_index(iv__copies *c)
{
    size_t tokens = (size_t)c->ids.count, places = 16;

    while (places < 6 * tokens) /* at most half full */
        places *= 2;
    c->states = iv__alloc_array(c->home, (int64_t)(2 * tokens + 1), sizeof *c->states);
    c->table = iv__alloc_array(c->home, (int64_t)places, sizeof *c->table);
    if (!c->states || !c->table)
        return IV_NOMEM;
    c->mask = (uint32_t)(places - 1);
    for (size_t i = 0; i < places; i++)
        c->table[i].from = -1;
    c->states[0] = (state){ 0, -1, -1, 0, 0, 0 };
    c->n_states = 1;
    for (int64_t text = 0; text < texts_of(c); text++) {
        int32_t last = 0;
        for (int32_t i = c->starts.id[text]; i < c->starts.id[text + 1]; i++)
            last = extend(c, last, c->ids.id[i]);
    }
    return IV_OK;
}

/* ---- the large text -------------------------------------------------------------------------- */

void iv__copies_begin(iv__copies *c, int64_t record)
{
    c->record = record;
    c->place = 0;
    c->at = c->length = 0;
}

void iv__copies_pass(iv__copies *c, const int32_t *ids, int64_t count)
{
    int32_t at = c->at, length = c->length;

    for (int64_t i = 0; i < count; i++) {
        const edge *e;
        while ((e = edge_at(c, at, ids[i]))->from < 0 && at) {
            at = c->states[at].link;
            length = c->states[at].length;
        }
        if (e->from < 0)
            continue; /* at the root: no text has this token */
        at = e->to;
        length++;
        state *s = &c->states[at];
        if (length > s->met) {
            s->met = length;
            s->record = c->record;
            s->place = c->place + i + 1 - length;
        }
    }
    c->at = at;
    c->length = length;
    c->place += count;
}

/* ---- results --------------------------------------------------------------------------------- */

/* The longest span of a state was met wherever a longer one that it ends was. */
static void hand_down(const state *s, state *to)
{
    if (to->met == to->length)
        return;
    to->met = to->length;
    to->record = s->record;
    to->place = s->place + s->met - to->length;
}

/* The states by their lengths. NULL: no memory. */
static int32_t *by_length(const iv__copies *c)
{
    int32_t longest = 0, sum = 0;

    for (int32_t i = 0; i < c->n_states; i++)
        longest = c->states[i].length > longest ? c->states[i].length : longest;
    int32_t *order = iv__alloc_array(c->home, c->n_states, sizeof *order);
    int32_t *begins = iv__alloc_array(c->home, longest + 1, sizeof *begins);
    for (int32_t i = 0; order && begins && i < c->n_states; i++)
        begins[c->states[i].length]++;
    for (int32_t n = 0; order && begins && n <= longest; n++) {
        int32_t here = begins[n];
        begins[n] = sum;
        sum += here;
    }
    for (int32_t i = 0; order && begins && i < c->n_states; i++)
        order[begins[c->states[i].length]++] = i;
    if (!begins) {
        iv__free(c->home, order);
        order = NULL;
    }
    iv__free(c->home, begins);
    return order;
}

iv_status iv__copies_end(iv__copies *c)
{
    int32_t *order = by_length(c);

    if (!order)
        return IV_NOMEM;
    for (int32_t i = c->n_states - 1; i > 0; i--) {
        const state *s = &c->states[order[i]];
        if (s->met && s->link > 0)
            hand_down(s, &c->states[s->link]);
    }
    for (int32_t i = 1; i < c->n_states; i++) { /* nothing of its own: what its ends have */
        state *s = &c->states[order[i]];
        const state *link = &c->states[s->link];
        if (!s->met) {
            s->met = link->met;
            s->record = link->record;
            s->place = link->place;
        }
    }
    iv__free(c->home, order);
    return IV_OK;
}

const int32_t *iv__copies_ids(const iv__copies *c, int64_t text)
{
    return c->ids.id + c->starts.id[text];
}

int64_t iv__copies_length(const iv__copies *c, int64_t text)
{
    return c->starts.id[text + 1] - c->starts.id[text];
}

iv__copy iv__copies_longest(const iv__copies *c, int64_t text)
{
    iv__copy copy = { 0 };
    int32_t at = 0;

    for (int32_t i = c->starts.id[text]; i < c->starts.id[text + 1]; i++) {
        at = edge_at(c, at, c->ids.id[i])->to;
        const state *s = &c->states[at];
        if (s->met > copy.length)
            copy = (iv__copy){ s->met, i + 1 - c->starts.id[text] - s->met, s->record, s->place };
    }
    return copy;
}

int64_t iv__copies_spans(const iv__copies *c, int64_t text, int64_t n)
{
    int64_t spans = 0;
    int32_t at = 0;

    for (int32_t i = c->starts.id[text]; i < c->starts.id[text + 1]; i++) {
        at = edge_at(c, at, c->ids.id[i])->to;
        spans += c->states[at].met >= n;
    }
    return spans;
}

double iv__copies_distinct(const iv__copies *c, int64_t n)
{
    int64_t different = 0, all = 0;

    for (int32_t i = 1; i < c->n_states; i++)
        different += c->states[i].length >= n && c->states[c->states[i].link].length < n;
    for (int64_t text = 0; text < texts_of(c); text++) {
        int64_t spans = iv__copies_length(c, text) - n + 1;
        all += spans > 0 ? spans : 0;
    }
    return all ? (double)different / (double)all : NAN;
}
