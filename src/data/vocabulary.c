/* vocabulary.c: tokens by falling frequency, and their ids. */

#include <stdlib.h>
#include <string.h>

#include "base/home.h"
#include "data/text.h"
#include "data/token_table.h"
#include "format/utf8.h"

struct iv__counter {
    iv_home *home;
    iv__token_table table;
    int64_t *counts;
    int64_t room;
};

struct iv__vocabulary {
    iv_home *home;
    iv__token_rules rules;
    int32_t unknown, end, begin, first;
    iv__token_table table; /* entry i has the id i + first; the rules stand before the first token */
};

/* ---- counting -------------------------------------------------------------------------------- */

iv__counter *iv__counter_new(iv_home *home)
{
    iv__counter *counter = iv__alloc(home, sizeof *counter);

    if (counter)
        counter->home = counter->table.home = counter->table.bytes.home = home;
    return counter;
}

void iv__counter_free(iv__counter *counter)
{
    if (!counter)
        return;
    iv__token_table_free(&counter->table);
    iv__free(counter->home, counter->counts);
    iv__free(counter->home, counter);
}

iv_status iv__counter_add(iv__counter *counter, const char *token, size_t size)
{
    int64_t before = counter->table.count, entry = iv__token_table_add(&counter->table, token, size);
    if (entry < 0)
        return IV_NOMEM;

    if (entry == counter->room) {
        int64_t room = counter->table.room;
        int64_t *counts = iv__resize(counter->home, counter->counts, (size_t)room * sizeof *counts);
        if (!counts)
            return IV_NOMEM;
        counter->counts = counts;
        counter->room = room;
    }
    if (entry == before)
        counter->counts[entry] = 0;
    counter->counts[entry]++;
    return IV_OK;
}

int64_t iv__counter_distinct(const iv__counter *counter)
{
    return counter->table.count;
}

/* ---- choosing -------------------------------------------------------------------------------- */

typedef struct ranked {
    int64_t count, entry;
} ranked;

static int by_rank(const void *a, const void *b)
{
    const ranked *x = a, *y = b;

    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return x->entry < y->entry ? -1 : 1;
}

static iv__vocabulary *vocabulary_new(iv_home *home, const iv__token_rules *rules)
{
    iv__vocabulary *vocabulary = iv__alloc(home, sizeof *vocabulary);
    if (!vocabulary)
        return NULL;
    int32_t next = IV_TOKEN_PADDING + 1;
    vocabulary->home = vocabulary->table.home = vocabulary->table.bytes.home = home;
    vocabulary->rules = *rules;
    vocabulary->unknown = rules->complete ? -1 : next++;
    vocabulary->end = rules->end ? next++ : IV_TOKEN_PADDING;
    vocabulary->begin = rules->begin ? next++ : IV_TOKEN_PADDING;
    vocabulary->first = next;
    iv__token_rules_print(rules, &vocabulary->table.bytes);
    iv__text_add(&vocabulary->table.bytes, "", 1);
    if (vocabulary->table.bytes.failed) {
        iv__vocabulary_free(vocabulary);
        return NULL;
    }
    return vocabulary;
}

/* Whether there is something to choose, and room for it behind the special tokens. */
static bool can_choose(const iv__counter *counter, const iv__vocabulary *vocabulary, int64_t most)
{
    int64_t count = counter->table.count, first = vocabulary->first;

    if (most <= first || most > IV_VOCABULARY_MAX)
        iv_fail(counter->home, IV_VALUE, "a vocabulary of at most %lld entries: expected %lld to %d",
                (long long)most, (long long)first + 1, IV_VOCABULARY_MAX);
    else if (count == 0)
        iv_fail(counter->home, IV_VALUE, "the vocabulary is empty: there is not one token to count");
    else if (vocabulary->rules.complete && count > most - first)
        iv_fail(counter->home, IV_VALUE,
                "a vocabulary of at most %lld entries without an unknown token: the data have %lld "
                "different tokens; allow %lld entries, or an unknown token",
                (long long)most, (long long)count, (long long)(count + first));
    else
        return true;
    return false;
}

iv__vocabulary *iv__vocabulary_choose(iv__counter *counter, const iv__token_rules *rules, int64_t most)
{
    const iv__token_table *table = &counter->table;
    iv_home *home = counter->home;
    iv__vocabulary *vocabulary = vocabulary_new(home, rules);
    ranked *rank = vocabulary && can_choose(counter, vocabulary, most)
                       ? iv__alloc_array(home, table->count, sizeof *rank)
                       : NULL;
    if (!rank) {
        iv__vocabulary_free(vocabulary);
        return NULL;
    }

    for (int64_t i = 0; i < table->count; i++)
        rank[i] = (ranked){ counter->counts[i], i };
    qsort(rank, (size_t)table->count, sizeof *rank, by_rank);
    int64_t room = most - vocabulary->first, chosen = table->count < room ? table->count : room;
    bool good = true;
    for (int64_t i = 0; good && i < chosen; i++) {
        const iv__token_entry *entry = &table->entries[rank[i].entry];
        good = iv__token_table_add(&vocabulary->table, table->bytes.data + entry->place,
                                   entry->size) >= 0;
    }
    iv__free(home, rank);
    if (!good) {
        iv__vocabulary_free(vocabulary);
        return NULL;
    }
    return vocabulary;
}

void iv__vocabulary_free(iv__vocabulary *vocabulary)
{
    if (!vocabulary)
        return;
    iv__token_table_free(&vocabulary->table);
    iv__free(vocabulary->home, vocabulary);
}

/* ---- as bytes, and back ---------------------------------------------------------------------- */

const void *iv__vocabulary_bytes(const iv__vocabulary *vocabulary, size_t *size)
{
    *size = vocabulary->table.bytes.size;
    return vocabulary->table.bytes.data;
}

/* What a token may be: something that cleaning and cutting can give. */
static bool is_token(iv_tokens_kind kind, const char *token, size_t size)
{
    uint32_t code;

    if (size == 0 || iv__utf8_valid(token, size) != size)
        return false;
    return kind == IV_TOKENS_WORDS ? !memchr(token, ' ', size)
                                   : iv__utf8_read((const unsigned char *)token, size, &code) == size;
}

static iv__vocabulary *refuse(iv_home *home, iv__vocabulary *vocabulary, const char *name,
                              const char *why, int64_t id)
{
    iv__vocabulary_free(vocabulary);
    iv_fail(home, IV_FORMAT, "%s: the vocabulary is damaged: %s %lld", name, why, (long long)id);
    return NULL;
}

iv__vocabulary *iv__vocabulary_read(iv_home *home, const char *name, const void *bytes, size_t size)
{
    const char *at = bytes, *end = at + size, *stop = size > 0 ? memchr(at, 0, size) : NULL;
    iv__token_rules rules;
    if (!stop || !iv__token_rules_read(at, (size_t)(stop - at), &rules))
        return refuse(home, NULL, name, "it does not begin with its kind; its bytes are", (int64_t)size);

    iv__vocabulary *vocabulary = vocabulary_new(home, &rules);
    if (!vocabulary)
        return NULL;
    for (at = stop + 1; at < end; at = stop + 1) {
        int64_t id = vocabulary->table.count + vocabulary->first;
        stop = memchr(at, 0, (size_t)(end - at));
        if (!stop)
            return refuse(home, vocabulary, name, "there is no end of token", id);
        if (!is_token(rules.kind, at, (size_t)(stop - at)))
            return refuse(home, vocabulary, name, "no token can be what stands at", id);
        int64_t entry = iv__token_table_add(&vocabulary->table, at, (size_t)(stop - at));
        if (entry < 0) {
            iv__vocabulary_free(vocabulary);
            return NULL;
        }
        if (entry + vocabulary->first != id || id >= IV_VOCABULARY_MAX)
            return refuse(home, vocabulary, name, "a token comes again, or beyond the last, at", id);
    }
    if (vocabulary->table.count == 0)
        return refuse(home, vocabulary, name, "it is empty; its bytes are", (int64_t)size);
    return vocabulary;
}

/* ---- looking up ------------------------------------------------------------------------------ */

const iv__token_rules *iv__vocabulary_rules(const iv__vocabulary *vocabulary)
{
    return &vocabulary->rules;
}

int32_t iv__vocabulary_unknown(const iv__vocabulary *vocabulary)
{
    return vocabulary->unknown;
}

int32_t iv__vocabulary_end(const iv__vocabulary *vocabulary)
{
    return vocabulary->end;
}

int32_t iv__vocabulary_begin(const iv__vocabulary *vocabulary)
{
    return vocabulary->begin;
}

int32_t iv__vocabulary_first(const iv__vocabulary *vocabulary)
{
    return vocabulary->first;
}

int64_t iv__vocabulary_count(const iv__vocabulary *vocabulary)
{
    return vocabulary->table.count + vocabulary->first;
}

const char *iv__vocabulary_token(const iv__vocabulary *vocabulary, int64_t id)
{
    if (id >= 0 && id == vocabulary->unknown)
        return "[UNK]";
    if (id < vocabulary->first || id >= iv__vocabulary_count(vocabulary))
        return "";
    return vocabulary->table.bytes.data + vocabulary->table.entries[id - vocabulary->first].place;
}

int64_t iv__vocabulary_characters(const iv__vocabulary *vocabulary, int64_t id)
{
    bool words = vocabulary->rules.kind == IV_TOKENS_WORDS;

    if (id >= 0 && id == vocabulary->unknown)
        return words ? 0 : 1;
    if (id < vocabulary->first || id >= iv__vocabulary_count(vocabulary))
        return 0;
    int64_t count = words ? 1 : 0;
    for (const char *at = iv__vocabulary_token(vocabulary, id); *at; at++)
        count += ((unsigned char)*at & 0xc0) != 0x80; /* a code point begins */
    return count;
}

int32_t iv__vocabulary_id(const iv__vocabulary *vocabulary, const char *token, size_t size)
{
    int64_t entry = iv__token_table_find(&vocabulary->table, token, size);

    return entry < 0 ? vocabulary->unknown : (int32_t)(entry + vocabulary->first);
}
