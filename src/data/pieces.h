/* pieces.h: byte-pair pieces: the 256 bytes, then pieces that each join two earlier ones. Which
 * they are is learned from counted stretches of text. */
#ifndef IV_DATA_PIECES_H
#define IV_DATA_PIECES_H

#include "data/text.h"
#include "data/token_table.h"

enum { IV__STRETCH_MAX = 64 }; /* bytes of a stretch, and so of a piece */
enum { IV__BYTES = 256 };      /* the pieces before the first join */

/* A stretch is of one kind, but for the blank before a word. */
enum { IV__STRETCH_LETTERS, IV__STRETCH_DIGITS, IV__STRETCH_WHITE, IV__STRETCH_MARKS };
int iv__stretch_kind(uint32_t code); /* of a code point */
/* The length of the stretch that begins a text of `left` > 0 bytes. */
size_t iv__stretch_next(const char *text, size_t left);

/* A join: pieces by number; the piece it makes is IV__BYTES + its place in the list. */
typedef struct iv__join {
    uint32_t left, right;
} iv__join;

/* Joins in the order in which they are made, found by what they join. */
typedef struct iv__joins {
    iv_home *home;
    iv__join *join;
    int64_t count, room;
    uint32_t *slots; /* join + 1; 0: free */
    size_t n_slots;  /* a power of two */
} iv__joins;

void iv__joins_free(iv__joins *joins);
iv_status iv__joins_add(iv__joins *joins, uint32_t left, uint32_t right); /* a new pair */
/* A stretch as pieces; returns how many. */
int iv__joins_encode(const iv__joins *joins, const char *stretch, size_t size,
                     uint32_t pieces[IV__STRETCH_MAX]);

/* Learns joins until there are `most` pieces or nothing comes twice; each time the most frequent
 * pair is joined, of equally frequent ones the one of the earlier pieces. `pieces` receives all
 * pieces' bytes in their order. counts[i]: how often the stretch i of the table came.
 * Source: Sennrich, Haddow & Birch 2016, over bytes. */
iv_status iv__joins_learn(iv__joins *joins, iv__token_table *pieces,
                          const iv__token_table *stretches, const int64_t *counts, int64_t most);

const iv__joins *iv__vocabulary_joins(const iv__vocabulary *vocabulary);

/* ---- stretches that came lately -------------------------------------------------------------- */
/* As iv__joins_encode; cache: NULL is fine. */
int iv__piece_cache_encode(iv__piece_cache *cache, const iv__joins *joins, const char *stretch,
                           size_t size, uint32_t pieces[IV__STRETCH_MAX]);

#endif
