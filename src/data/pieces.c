/* pieces.c: joins found by what they join, and stretches cut into pieces by them. */

#include "data/pieces.h"

#include <string.h>

#include "base/hash.h"
#include "base/home.h"

enum { FEWEST_SLOTS = 1024 };

void iv__joins_free(iv__joins *joins)
{
    iv__free(joins->home, joins->join);
    iv__free(joins->home, joins->slots);
}

static size_t slot_of(const iv__joins *joins, uint32_t left, uint32_t right)
{
    uint64_t hash = ((uint64_t)left << 32 | right) * UINT64_C(0x9e3779b97f4a7c15);
    size_t mask = joins->n_slots - 1, slot = (size_t)(hash >> 32) & mask;

    for (; joins->slots[slot]; slot = (slot + 1) & mask) {
        const iv__join *join = &joins->join[joins->slots[slot] - 1];
        if (join->left == left && join->right == right)
            break;
    }
    return slot;
}

static iv_status grow(iv__joins *joins)
{
    int64_t room = joins->room > 0 ? joins->room * 2 : FEWEST_SLOTS / 2;
    iv__join *join = iv__resize(joins->home, joins->join, (size_t)room * sizeof *join);
    uint32_t *slots = join ? iv__alloc_array(joins->home, room * 2, sizeof *slots) : NULL;

    if (join)
        joins->join = join;
    if (!slots)
        return IV_NOMEM;
    iv__free(joins->home, joins->slots);
    joins->slots = slots;
    joins->n_slots = (size_t)room * 2;
    joins->room = room;
    for (int64_t i = 0; i < joins->count; i++)
        slots[slot_of(joins, join[i].left, join[i].right)] = (uint32_t)i + 1;
    return IV_OK;
}

iv_status iv__joins_add(iv__joins *joins, uint32_t left, uint32_t right)
{
    if (joins->count == joins->room && grow(joins))
        return IV_NOMEM;
    size_t slot = slot_of(joins, left, right);
    joins->join[joins->count++] = (iv__join){ left, right };
    joins->slots[slot] = (uint32_t)joins->count;
    return IV_OK;
}

/* The piece that two make, or -1. */
static int64_t find_join(const iv__joins *joins, uint32_t left, uint32_t right)
{
    if (joins->count == 0)
        return -1;
    uint32_t there = joins->slots[slot_of(joins, left, right)];
    return there ? (int64_t)there - 1 + IV__BYTES : -1;
}

/* Of all neighbours that can be joined those of the earliest join are, from the left on, until
 * none can: in the order in which the joins were learned. */
int iv__joins_encode(const iv__joins *joins, const char *stretch, size_t size,
                     uint32_t pieces[IV__STRETCH_MAX])
{
    int64_t joined[IV__STRETCH_MAX]; /* what piece i makes with the next one, or -1 */
    int n = (int)size;

    for (int i = 0; i < n; i++)
        pieces[i] = (unsigned char)stretch[i];
    for (int i = 0; i + 1 < n; i++)
        joined[i] = find_join(joins, pieces[i], pieces[i + 1]);
    for (;;) {
        int best = -1;
        for (int i = 0; i + 1 < n; i++)
            if (joined[i] >= 0 && (best < 0 || joined[i] < joined[best]))
                best = i;
        if (best < 0)
            return n;
        pieces[best] = (uint32_t)joined[best];
        n--;
        memmove(pieces + best + 1, pieces + best + 2, (size_t)(n - best - 1) * sizeof *pieces);
        memmove(joined + best, joined + best + 1, (size_t)(n - best) * sizeof *joined);
        if (best > 0)
            joined[best - 1] = find_join(joins, pieces[best - 1], pieces[best]);
        if (best + 1 < n)
            joined[best] = find_join(joins, pieces[best], pieces[best + 1]);
    }
}

/* ---- stretches that came lately -------------------------------------------------------------- */

enum { ENTRIES = 1 << 15, KEPT_BYTES = 26, KEPT_PIECES = 8 };

struct iv__piece_cache {
    iv_home *home;
    struct entry { /* 64 bytes */
        uint8_t size, count;
        char bytes[KEPT_BYTES];
        uint32_t pieces[KEPT_PIECES];
    } entries[ENTRIES];
};

iv__piece_cache *iv__piece_cache_new(iv_home *home)
{
    iv__piece_cache *cache = iv__alloc(home, sizeof *cache);

    if (cache)
        cache->home = home;
    return cache;
}

void iv__piece_cache_free(iv__piece_cache *cache)
{
    if (cache)
        iv__free(cache->home, cache);
}

int iv__piece_cache_encode(iv__piece_cache *cache, const iv__joins *joins, const char *stretch,
                           size_t size, uint32_t pieces[IV__STRETCH_MAX])
{
    if (!cache || size > KEPT_BYTES)
        return iv__joins_encode(joins, stretch, size, pieces);

    const uint64_t hash = iv__hash(IV__HASH_BEGIN, stretch, size);
    struct entry *entry = &cache->entries[(hash ^ hash >> 32) % ENTRIES];
    if (entry->size == size && memcmp(entry->bytes, stretch, size) == 0) {
        memcpy(pieces, entry->pieces, entry->count * sizeof *pieces);
        return entry->count;
    }
    int n = iv__joins_encode(joins, stretch, size, pieces);
    if (n <= KEPT_PIECES) {
        entry->size = (uint8_t)size;
        entry->count = (uint8_t)n;
        memcpy(entry->bytes, stretch, size);
        memcpy(entry->pieces, pieces, (size_t)n * sizeof *pieces);
    }
    return n;
}
