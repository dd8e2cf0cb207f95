/* token_table.h: tokens told apart: each has the number in which it first came. */
#ifndef IV_DATA_TOKEN_TABLE_H
#define IV_DATA_TOKEN_TABLE_H

#include "base/text.h"

typedef struct iv__token_entry {
    size_t place; /* in the bytes */
    uint32_t size, hash;
} iv__token_entry;

typedef struct iv__token_table {
    iv_home *home;
    iv__text bytes; /* of all tokens, each ended by a zero byte; what stood there before stays */
    iv__token_entry *entries;
    int64_t count, room;
    uint32_t *slots; /* entry + 1; 0: free */
    size_t n_slots;  /* a power of two */
} iv__token_table;

void iv__token_table_free(iv__token_table *table);
/* The number of a token, or -1 when it is not there. */
int64_t iv__token_table_find(const iv__token_table *table, const char *token, size_t size);
/* The same, adding it first where needed; -1 when memory is out. */
int64_t iv__token_table_add(iv__token_table *table, const char *token, size_t size);

#endif
