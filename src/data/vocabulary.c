/* vocabulary.c: tokens by falling frequency, and their ids. */

#include <stdlib.h>
#include <string.h>

#include "base/home.h"
#include "data/pieces.h"
#include "format/utf8.h"

struct iv__counter {
    iv_home *home;
    iv__token_table table;
    int64_t *counts;
    int64_t room;
    bool forgot;
};

struct iv__vocabulary {
    iv_home *home;
    iv__token_rules rules;
    int32_t unknown, end, begin, first;
    iv__token_table table; /* entry i has the id i + first; the rules stand before the first token */
    iv__joins joins;       /* of bpe */
    iv__text kept;         /* of bytes and bpe: what is kept of them */
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

static int by_entry(const void *a, const void *b)
{
    const ranked *x = a, *y = b;

    return x->entry < y->entry ? -1 : x->entry > y->entry;
}

/* The entries by falling count. */
static ranked *rank_entries(const iv__counter *counter)
{
    ranked *rank = iv__alloc_array(counter->home, counter->table.count, sizeof *rank);

    for (int64_t i = 0; rank && i < counter->table.count; i++)
        rank[i] = (ranked){ counter->counts[i], i };
    if (rank)
        qsort(rank, (size_t)counter->table.count, sizeof *rank, by_rank);
    return rank;
}

/* Goes on with the half that came most often, in the order in which it came. */
static iv_status forget(iv__counter *counter)
{
    const iv__token_table old = counter->table;
    int64_t kept = old.count / 2;
    ranked *rank = rank_entries(counter);
    iv_status status = rank ? IV_OK : IV_NOMEM;

    if (status)
        return status;
    qsort(rank, (size_t)kept, sizeof *rank, by_entry);
    counter->table = (iv__token_table){ .home = counter->home, .bytes.home = counter->home };
    for (int64_t i = 0; i < kept && !status; i++) {
        const iv__token_entry *entry = &old.entries[rank[i].entry];
        if (iv__token_table_add(&counter->table, old.bytes.data + entry->place, entry->size) < 0)
            status = IV_NOMEM;
        counter->counts[i] = rank[i].count;
    }
    iv__free(counter->home, rank);
    iv__token_table_free(&(iv__token_table){ old.home, old.bytes, old.entries, 0, 0, old.slots, 0 });
    counter->forgot = true;
    return status;
}

iv_status iv__counter_add(iv__counter *counter, const char *token, size_t size)
{
    if (counter->table.count == IV__COUNTER_MAX && forget(counter))
        return IV_NOMEM;
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

bool iv__counter_forgot(const iv__counter *counter)
{
    return counter->forgot;
}

/* ---- choosing -------------------------------------------------------------------------------- */

static iv__vocabulary *vocabulary_new(iv_home *home, const iv__token_rules *rules)
{
    iv__vocabulary *vocabulary = iv__alloc(home, sizeof *vocabulary);
    if (!vocabulary)
        return NULL;
    int32_t next = IV__TOKEN_PADDING + 1;
    vocabulary->home = vocabulary->table.home = vocabulary->table.bytes.home = home;
    vocabulary->joins.home = vocabulary->kept.home = home;
    vocabulary->rules = *rules;
    vocabulary->rules.complete = rules->complete || rules->kind >= IV__TOKENS_BYTES;
    vocabulary->unknown = vocabulary->rules.complete ? -1 : next++;
    vocabulary->end = rules->end ? next++ : IV__TOKEN_PADDING;
    vocabulary->begin = rules->begin ? next++ : IV__TOKEN_PADDING;
    vocabulary->first = next;
    iv__text *kept = rules->kind >= IV__TOKENS_BYTES ? &vocabulary->kept : &vocabulary->table.bytes;
    iv__token_rules_print(&vocabulary->rules, kept);
    iv__text_add(kept, "", 1);
    if (kept->failed) {
        iv__vocabulary_free(vocabulary);
        return NULL;
    }
    return vocabulary;
}

/* Whether there is something to choose, and room for it behind the special tokens. */
static bool can_choose(const iv__counter *counter, const iv__vocabulary *vocabulary, int64_t most)
{
    int64_t count = counter->table.count, fewest = vocabulary->first + 1;
    iv__tokens_kind kind = vocabulary->rules.kind;

    if (kind == IV__TOKENS_BYTES)
        return true; /* all of them, and no more */
    if (kind == IV__TOKENS_BPE)
        fewest += IV__BYTES - 1;
    if (most < fewest || most > IV__VOCABULARY_MAX)
        iv_fail(counter->home, IV_VALUE, "a vocabulary of at most %lld entries: expected %lld to %d",
                (long long)most, (long long)fewest, IV__VOCABULARY_MAX);
    else if (count == 0)
        iv_fail(counter->home, IV_VALUE, "the vocabulary is empty: there is not one token to count");
    else if (kind != IV__TOKENS_BPE && vocabulary->rules.complete &&
             (counter->forgot || count > most - vocabulary->first))
        iv_fail(counter->home, IV_VALUE,
                "a vocabulary of at most %lld entries without an unknown token: the data have %s%lld "
                "different tokens; allow %lld entries, or an unknown token",
                (long long)most, counter->forgot ? "more than " : "", (long long)count,
                (long long)(count + vocabulary->first));
    else
        return true;
    return false;
}

/* The most frequent tokens that were counted. */
static iv_status choose_tokens(iv__vocabulary *vocabulary, const iv__counter *counter, int64_t most)
{
    const iv__token_table *table = &counter->table;
    int64_t room = most - vocabulary->first, chosen = table->count < room ? table->count : room;
    ranked *rank = rank_entries(counter);
    bool good = rank != NULL;

    for (int64_t i = 0; good && i < chosen; i++) {
        const iv__token_entry *entry = &table->entries[rank[i].entry];
        good = iv__token_table_add(&vocabulary->table, table->bytes.data + entry->place,
                                   entry->size) >= 0;
    }
    iv__free(counter->home, rank);
    return good ? IV_OK : IV_NOMEM;
}

static void keep_number(iv__text *text, uint32_t number)
{
    unsigned char bytes[4];

    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(number >> 8 * i);
    iv__text_add(text, (const char *)bytes, 4);
}

static iv_status choose_pieces(iv__vocabulary *vocabulary, const iv__counter *counter, int64_t most)
{
    iv_status status = iv__joins_learn(&vocabulary->joins, &vocabulary->table, &counter->table,
                                       counter->counts, most - vocabulary->first);

    for (int64_t i = 0; i < vocabulary->joins.count; i++) {
        keep_number(&vocabulary->kept, vocabulary->joins.join[i].left);
        keep_number(&vocabulary->kept, vocabulary->joins.join[i].right);
    }
    return status || !vocabulary->kept.failed ? status : IV_NOMEM;
}

static iv_status add_bytes(iv__vocabulary *vocabulary)
{
    for (int byte = 0; byte < IV__BYTES; byte++)
        if (iv__token_table_add(&vocabulary->table, &(char){ (char)byte }, 1) < 0)
            return IV_NOMEM;
    return IV_OK;
}

iv__vocabulary *iv__vocabulary_choose(iv__counter *counter, const iv__token_rules *rules, int64_t most)
{
    iv__vocabulary *vocabulary = vocabulary_new(counter->home, rules);
    iv_status status = vocabulary && can_choose(counter, vocabulary, most) ? IV_OK : IV_VALUE;

    if (!status)
        status = rules->kind == IV__TOKENS_BPE     ? choose_pieces(vocabulary, counter, most)
                 : rules->kind == IV__TOKENS_BYTES ? add_bytes(vocabulary)
                                                   : choose_tokens(vocabulary, counter, most);
    if (!status)
        return vocabulary;
    iv__vocabulary_free(vocabulary);
    return NULL;
}

void iv__vocabulary_free(iv__vocabulary *vocabulary)
{
    if (!vocabulary)
        return;
    iv__token_table_free(&vocabulary->table);
    iv__joins_free(&vocabulary->joins);
    iv__text_free(&vocabulary->kept);
    iv__free(vocabulary->home, vocabulary);
}

/* ---- as bytes, and back ---------------------------------------------------------------------- */

const void *iv__vocabulary_bytes(const iv__vocabulary *vocabulary, size_t *size)
{
    const iv__text *kept = vocabulary->rules.kind >= IV__TOKENS_BYTES ? &vocabulary->kept
                                                                      : &vocabulary->table.bytes;

    *size = kept->size;
    return kept->data;
}

/* What a token may be: something that cleaning and cutting can give. */
static bool is_token(iv__tokens_kind kind, const char *token, size_t size)
{
    uint32_t code;

    if (size == 0 || iv__utf8_valid(token, size) != size)
        return false;
    return kind == IV__TOKENS_WORDS ? !memchr(token, ' ', size)
                                    : iv__utf8_read((const unsigned char *)token, size, &code) == size;
}

static iv__vocabulary *refuse(iv_home *home, iv__vocabulary *vocabulary, const char *name,
                              const char *why, int64_t id)
{
    iv__vocabulary_free(vocabulary);
    iv_fail(home, IV_FORMAT, "%s: the vocabulary is damaged: %s %lld", name, why, (long long)id);
    return NULL;
}

static iv__vocabulary *read_tokens(iv__vocabulary *vocabulary, const char *name, const char *at,
                                   const char *end)
{
    iv_home *home = vocabulary->home;

    for (const char *stop; at < end; at = stop + 1) {
        int64_t id = vocabulary->table.count + vocabulary->first;
        stop = memchr(at, 0, (size_t)(end - at));
        if (!stop)
            return refuse(home, vocabulary, name, "there is no end of token", id);
        if (!is_token(vocabulary->rules.kind, at, (size_t)(stop - at)))
            return refuse(home, vocabulary, name, "no token can be what stands at", id);
        int64_t entry = iv__token_table_add(&vocabulary->table, at, (size_t)(stop - at));
        if (entry < 0) {
            iv__vocabulary_free(vocabulary);
            return NULL;
        }
        if (entry + vocabulary->first != id || id >= IV__VOCABULARY_MAX)
            return refuse(home, vocabulary, name, "a token comes again, or beyond the last, at", id);
    }
    if (vocabulary->table.count == 0)
        return refuse(home, vocabulary, name, "it is empty; its tokens are", 0);
    return vocabulary;
}

/* The two earlier pieces that a new one joins; false when their bytes are too many, or a piece
 * already. */
static bool join_pieces(iv__vocabulary *vocabulary, uint32_t left, uint32_t right, iv_status *status)
{
    const iv__token_entry *a = &vocabulary->table.entries[left], *b = &vocabulary->table.entries[right];
    size_t size = (size_t)a->size + b->size;
    int64_t count = vocabulary->table.count;
    char both[IV__STRETCH_MAX];

    if (size > sizeof both)
        return false;
    memcpy(both, vocabulary->table.bytes.data + a->place, a->size);
    memcpy(both + a->size, vocabulary->table.bytes.data + b->place, b->size);
    int64_t entry = iv__token_table_add(&vocabulary->table, both, size);
    if (entry < 0 || iv__joins_add(&vocabulary->joins, left, right))
        *status = IV_NOMEM;
    return entry < 0 || entry == count;
}

static uint32_t number_at(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;

    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static iv__vocabulary *read_pieces(iv__vocabulary *vocabulary, const char *name, const char *at,
                                   const char *end)
{
    enum { JOIN = 8 };
    iv_home *home = vocabulary->home;
    size_t left = (size_t)(end - at);
    iv_status status = add_bytes(vocabulary);

    if (!status && (left % JOIN || (vocabulary->rules.kind == IV__TOKENS_BYTES && left > 0)))
        return refuse(home, vocabulary, name, "bytes are left over behind its rules:", (int64_t)left);
    for (; at < end && !status; at += JOIN) {
        int64_t number = vocabulary->table.count, id = number + vocabulary->first;
        uint32_t a = number_at(at), b = number_at(at + 4);
        if (a >= number || b >= number || id >= IV__VOCABULARY_MAX ||
            !join_pieces(vocabulary, a, b, &status))
            return refuse(home, vocabulary, name, "no piece can be what stands at", id);
    }
    iv__text_add(&vocabulary->kept, end - left, left);
    if (!status && !vocabulary->kept.failed)
        return vocabulary;
    iv__vocabulary_free(vocabulary);
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
    if (rules.kind < IV__TOKENS_BYTES)
        return read_tokens(vocabulary, name, stop + 1, end);
    return read_pieces(vocabulary, name, stop + 1, end);
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

size_t iv__vocabulary_token_size(const iv__vocabulary *vocabulary, int64_t id)
{
    if (id < vocabulary->first || id >= iv__vocabulary_count(vocabulary))
        return strlen(iv__vocabulary_token(vocabulary, id));
    return vocabulary->table.entries[id - vocabulary->first].size;
}

int64_t iv__vocabulary_characters(const iv__vocabulary *vocabulary, int64_t id)
{
    bool words = vocabulary->rules.kind == IV__TOKENS_WORDS;

    if (id >= 0 && id == vocabulary->unknown)
        return words ? 0 : 1;
    if (id < vocabulary->first || id >= iv__vocabulary_count(vocabulary))
        return 0;
    const char *token = iv__vocabulary_token(vocabulary, id);
    int64_t count = words ? 1 : 0;
    for (size_t i = 0; i < iv__vocabulary_token_size(vocabulary, id); i++)
        count += ((unsigned char)token[i] & 0xc0) != 0x80; /* a code point begins */
    return count;
}

const iv__joins *iv__vocabulary_joins(const iv__vocabulary *vocabulary)
{
    return &vocabulary->joins;
}

int32_t iv__vocabulary_id(const iv__vocabulary *vocabulary, const char *token, size_t size)
{
    int64_t entry = iv__token_table_find(&vocabulary->table, token, size);

    return entry < 0 ? vocabulary->unknown : (int32_t)(entry + vocabulary->first);
}
