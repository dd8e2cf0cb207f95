/* pieces_learn.c: which neighbours to join, most frequent first. Every pair knows how often it comes
 * and in which stretches, so that a join looks at those alone; the most frequent pair lies on top of
 * a heap whose entries are corrected only when they come up (a pair's count never grows after the
 * join that first made it). */

#include <stdlib.h>
#include <string.h>

#include "base/home.h"
#include "data/pieces.h"

enum { MOST_STRETCHES = 1 << 19 }; /* the most frequent ones: bounds the memory */

typedef struct word {
    int64_t count;
    uint32_t begin, size; /* of its pieces */
} word;

typedef struct pair {
    uint32_t left, right;
    int64_t count;
    uint32_t places; /* place + 1 of the first; 0: none */
} pair;

typedef struct place {
    uint32_t word, next;
} place;

typedef struct waiting {
    int64_t count;
    uint32_t pair;
} waiting;

typedef struct learner {
    iv_home *home;
    word *words;
    int64_t n_words;
    uint32_t *piece; /* of all words */
    pair *pairs;
    int64_t n_pairs, pairs_room;
    uint32_t *slots; /* pair + 1; 0: free */
    size_t n_slots;
    place *places;
    int64_t n_places, places_room;
    uint32_t free_places; /* place + 1 */
    waiting *heap;
    int64_t n_heap, heap_room;
    bool failed;
} learner;

/* Makes room for one more. */
static bool grow(learner *l, void **array, int64_t count, int64_t *room, size_t size)
{
    if (count < *room)
        return true;
    int64_t more = *room * 2 + 1024;
    void *grown = more < UINT32_MAX ? iv__resize(l->home, *array, (size_t)more * size) : NULL;
    if (!grown) {
        l->failed = true;
        return false;
    }
    *array = grown;
    *room = more;
    return true;
}

/* ---- the heap -------------------------------------------------------------------------------- */

/* The more frequent pair, or of equally frequent ones the one of the earlier pieces. */
static bool goes_before(const learner *l, const waiting *a, const waiting *b)
{
    const pair *x = &l->pairs[a->pair], *y = &l->pairs[b->pair];

    if (a->count != b->count)
        return a->count > b->count;
    return x->left != y->left ? x->left < y->left : x->right < y->right;
}

static void push(learner *l, uint32_t which)
{
    if (!grow(l, (void **)&l->heap, l->n_heap, &l->heap_room, sizeof *l->heap))
        return;
    waiting one = { l->pairs[which].count, which };
    int64_t at = l->n_heap++;
    for (; at > 0 && goes_before(l, &one, &l->heap[(at - 1) / 2]); at = (at - 1) / 2)
        l->heap[at] = l->heap[(at - 1) / 2];
    l->heap[at] = one;
}

static uint32_t pop(learner *l, int64_t *count)
{
    waiting top = l->heap[0], last = l->heap[--l->n_heap];
    int64_t at = 0, child;

    while ((child = 2 * at + 1) < l->n_heap) {
        child += child + 1 < l->n_heap && goes_before(l, &l->heap[child + 1], &l->heap[child]);
        if (!goes_before(l, &l->heap[child], &last))
            break;
        l->heap[at] = l->heap[child];
        at = child;
    }
    l->heap[at] = last;
    *count = top.count;
    return top.pair;
}

/* ---- pairs ----------------------------------------------------------------------------------- */

static size_t slot_of(const learner *l, uint32_t left, uint32_t right)
{
    uint64_t hash = ((uint64_t)left << 32 | right) * UINT64_C(0x9e3779b97f4a7c15);
    size_t mask = l->n_slots - 1, slot = (size_t)(hash >> 32) & mask;

    for (; l->slots[slot]; slot = (slot + 1) & mask) {
        const pair *there = &l->pairs[l->slots[slot] - 1];
        if (there->left == left && there->right == right)
            break;
    }
    return slot;
}

static bool grow_slots(learner *l)
{
    size_t n_slots = l->n_slots > 0 ? l->n_slots * 2 : 4096;
    uint32_t *slots = iv__alloc_array(l->home, (int64_t)n_slots, sizeof *slots);

    if (!slots) {
        l->failed = true;
        return false;
    }
    iv__free(l->home, l->slots);
    l->slots = slots;
    l->n_slots = n_slots;
    for (int64_t i = 0; i < l->n_pairs; i++)
        slots[slot_of(l, l->pairs[i].left, l->pairs[i].right)] = (uint32_t)i + 1;
    return true;
}

/* Counts a pair in a word, which it is to be found by. */
static void count_pair(learner *l, uint32_t left, uint32_t right, uint32_t in)
{
    if ((size_t)l->n_pairs * 2 >= l->n_slots && !grow_slots(l))
        return;
    size_t slot = slot_of(l, left, right);
    if (!l->slots[slot]) {
        if (!grow(l, (void **)&l->pairs, l->n_pairs, &l->pairs_room, sizeof *l->pairs))
            return;
        l->pairs[l->n_pairs++] = (pair){ left, right, 0, 0 };
        l->slots[slot] = (uint32_t)l->n_pairs;
    }
    pair *p = &l->pairs[l->slots[slot] - 1];
    p->count += l->words[in].count;
    if (p->places && l->places[p->places - 1].word == in)
        return;
    uint32_t one = l->free_places;
    if (one) {
        l->free_places = l->places[one - 1].next;
    } else if (grow(l, (void **)&l->places, l->n_places, &l->places_room, sizeof *l->places)) {
        one = (uint32_t)++l->n_places;
    } else {
        return;
    }
    l->places[one - 1] = (place){ in, p->places };
    p->places = one;
}

static void uncount_pair(learner *l, uint32_t left, uint32_t right, uint32_t in)
{
    uint32_t there = l->slots[slot_of(l, left, right)];

    if (there)
        l->pairs[there - 1].count -= l->words[in].count;
}

/* ---- joining --------------------------------------------------------------------------------- */

static void join_in_word(learner *l, uint32_t in, uint32_t left, uint32_t right, uint32_t made)
{
    word *w = &l->words[in];
    uint32_t *at = l->piece + w->begin, kept = 0;

    for (uint32_t i = 0; i < w->size && !l->failed;) {
        if (at[i] != left || i + 1 == w->size || at[i + 1] != right) {
            at[kept++] = at[i++];
            continue;
        }
        if (kept > 0) {
            uncount_pair(l, at[kept - 1], left, in);
            count_pair(l, at[kept - 1], made, in);
        }
        if (i + 2 < w->size) {
            uncount_pair(l, right, at[i + 2], in);
            count_pair(l, made, at[i + 2], in);
        }
        at[kept++] = made;
        i += 2;
    }
    w->size = kept;
}

/* Joins a pair wherever it comes; the pairs that this makes wait for their turn. */
static void join_everywhere(learner *l, uint32_t which, uint32_t made)
{
    uint32_t left = l->pairs[which].left, right = l->pairs[which].right, at = l->pairs[which].places;
    int64_t before = l->n_pairs;

    l->pairs[which].places = 0;
    while (at && !l->failed) {
        place here = l->places[at - 1];
        l->places[at - 1].next = l->free_places;
        l->free_places = at;
        join_in_word(l, here.word, left, right, made);
        at = here.next;
    }
    l->pairs[which].count = 0;
    for (int64_t i = before; i < l->n_pairs && !l->failed; i++)
        push(l, (uint32_t)i);
}

/* ---- all of it ------------------------------------------------------------------------------- */

typedef struct ranked {
    int64_t count, stretch;
} ranked;

static int by_rank(const void *a, const void *b)
{
    const ranked *x = a, *y = b;

    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return x->stretch < y->stretch ? -1 : 1;
}

/* The most frequent stretches as words of single bytes, and their pairs. */
static iv_status begin(learner *l, const iv__token_table *stretches, const int64_t *counts)
{
    ranked *rank = iv__alloc_array(l->home, stretches->count + 1, sizeof *rank);
    size_t bytes = 0;

    if (!rank)
        return IV_NOMEM;
    for (int64_t i = 0; i < stretches->count; i++)
        rank[i] = (ranked){ counts[i], i };
    qsort(rank, (size_t)stretches->count, sizeof *rank, by_rank);
    l->n_words = stretches->count < MOST_STRETCHES ? stretches->count : MOST_STRETCHES;
    for (int64_t i = 0; i < l->n_words; i++)
        bytes += stretches->entries[rank[i].stretch].size;
    l->words = iv__alloc_array(l->home, l->n_words + 1, sizeof *l->words);
    l->piece = iv__alloc_array(l->home, (int64_t)bytes + 1, sizeof *l->piece);
    bool good = l->words && l->piece && grow_slots(l);
    bytes = 0;
    for (int64_t i = 0; good && i < l->n_words; i++) {
        const iv__token_entry *entry = &stretches->entries[rank[i].stretch];
        const char *text = stretches->bytes.data + entry->place;
        l->words[i] = (word){ rank[i].count, (uint32_t)bytes, entry->size };
        for (uint32_t k = 0; k < entry->size; k++)
            l->piece[bytes++] = (unsigned char)text[k];
        for (uint32_t k = 0; k + 1 < entry->size; k++)
            count_pair(l, (unsigned char)text[k], (unsigned char)text[k + 1], (uint32_t)i);
    }
    for (int64_t i = 0; good && i < l->n_pairs && !l->failed; i++)
        push(l, (uint32_t)i);
    iv__free(l->home, rank);
    return good && !l->failed ? IV_OK : IV_NOMEM;
}

/* The bytes of two pieces become a piece; *there: they are one already, made of others. */
static iv_status add_piece(iv__joins *joins, iv__token_table *pieces, uint32_t left, uint32_t right,
                           bool *there)
{
    const iv__token_entry *a = &pieces->entries[left], *b = &pieces->entries[right];
    char both[2 * IV__STRETCH_MAX];

    memcpy(both, pieces->bytes.data + a->place, a->size);
    memcpy(both + a->size, pieces->bytes.data + b->place, b->size);
    *there = iv__token_table_find(pieces, both, a->size + b->size) >= 0;
    if (*there)
        return IV_OK;
    if (iv__token_table_add(pieces, both, a->size + b->size) < 0)
        return IV_NOMEM;
    return iv__joins_add(joins, left, right);
}

iv_status iv__joins_learn(iv__joins *joins, iv__token_table *pieces,
                          const iv__token_table *stretches, const int64_t *counts, int64_t most)
{
    learner l = { .home = joins->home };
    iv_status status = IV_OK;

    for (int byte = 0; byte < IV__BYTES && !status; byte++)
        if (iv__token_table_add(pieces, &(char){ (char)byte }, 1) < 0)
            status = IV_NOMEM;
    if (!status)
        status = begin(&l, stretches, counts);
    while (!status && IV__BYTES + joins->count < most && l.n_heap > 0) {
        int64_t count;
        uint32_t which = pop(&l, &count);
        const pair *p = &l.pairs[which];
        bool there;
        if (p->count < 2)
            continue;
        if (p->count < count) {
            push(&l, which);
            continue;
        }
        status = add_piece(joins, pieces, p->left, p->right, &there);
        if (!status && !there)
            join_everywhere(&l, which, IV__BYTES + (uint32_t)joins->count - 1);
        if (l.failed)
            status = IV_NOMEM;
    }
    void *const parts[] = { l.words, l.piece, l.pairs, l.slots, l.places, l.heap };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        iv__free(l.home, parts[i]);
    return status;
}
