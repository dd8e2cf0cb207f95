/* token_table.c: a hash table with open addressing over tokens that lie behind each other. */

#include "data/token_table.h"

#include <string.h>

#include "base/hash.h"
#include "base/home.h"

enum { FEWEST_SLOTS = 1024 };

/* The high half is folded in. */
static uint32_t hash_of(const char *token, size_t size)
{
    const uint64_t hash = iv__hash(IV__HASH_BEGIN, token, size);

    return (uint32_t)(hash ^ hash >> 32);
}

/* The slot of a token, or the free one where it belongs. */
static size_t slot_of(const iv__token_table *table, const char *token, size_t size, uint32_t hash)
{
    size_t mask = table->n_slots - 1, slot = hash & mask;

    for (; table->slots[slot]; slot = (slot + 1) & mask) {
        const iv__token_entry *entry = &table->entries[table->slots[slot] - 1];
        if (entry->hash == hash && entry->size == size &&
            memcmp(table->bytes.data + entry->place, token, size) == 0)
            break;
    }
    return slot;
}

static bool grow(iv__token_table *table)
{
    int64_t room = table->room > 0 ? table->room * 2 : FEWEST_SLOTS / 2;
    size_t n_slots = (size_t)room * 2;
    if (room > INT32_MAX) {
        iv_fail(table->home, IV_NOMEM, "there are more than %lld different tokens",
                (long long)table->count);
        return false;
    }

    uint32_t *slots = iv__alloc_array(table->home, (int64_t)n_slots, sizeof *slots);
    iv__token_entry *entries = slots ? iv__resize(table->home, table->entries,
                                                  (size_t)room * sizeof *entries)
                                     : NULL;
    if (!entries) {
        iv__free(table->home, slots);
        return false;
    }
    for (int64_t i = 0; i < table->count; i++) {
        size_t slot = entries[i].hash & (n_slots - 1);
        while (slots[slot])
            slot = (slot + 1) & (n_slots - 1);
        slots[slot] = (uint32_t)i + 1;
    }
    iv__free(table->home, table->slots);
    table->slots = slots;
    table->n_slots = n_slots;
    table->entries = entries;
    table->room = room;
    return true;
}

void iv__token_table_free(iv__token_table *table)
{
    iv__text_free(&table->bytes);
    iv__free(table->home, table->entries);
    iv__free(table->home, table->slots);
}

int64_t iv__token_table_find(const iv__token_table *table, const char *token, size_t size)
{
    if (table->count == 0)
        return -1;
    return (int64_t)table->slots[slot_of(table, token, size, hash_of(token, size))] - 1;
}

int64_t iv__token_table_add(iv__token_table *table, const char *token, size_t size)
{
    uint32_t hash = hash_of(token, size);

    if (table->count == table->room && !grow(table))
        return -1;
    size_t slot = slot_of(table, token, size, hash);
    if (table->slots[slot])
        return table->slots[slot] - 1;

    size_t place = table->bytes.size;
    iv__text_add(&table->bytes, token, size);
    iv__text_add(&table->bytes, "", 1);
    if (table->bytes.failed || size > UINT32_MAX)
        return -1;
    table->entries[table->count] = (iv__token_entry){ place, (uint32_t)size, hash };
    table->slots[slot] = (uint32_t)++table->count;
    return table->count - 1;
}
