/* copies.h: which spans of a few texts stand word for word in a large one, and how varied the few
 * are.
 *
 * The few are added first. Then the large one passes by, token after token, and is not kept:
 * memory grows with the few alone, about 200 bytes a token. Nothing is estimated: a suffix automaton of the few
 * (Blumer et al. 1985) walks along with the large text. */
#ifndef IV_DATA_COPIES_H
#define IV_DATA_COPIES_H

#include <ivory/base.h>

typedef struct iv__copies iv__copies;

iv__copies *iv__copies_new(iv_home *home);
void iv__copies_free(iv__copies *copies);

/* Adds a text; texts are numbered from 0. Errors: NOMEM, VALUE when all of them are too long. */
iv_status iv__copies_add(iv__copies *copies, const int32_t *ids, int64_t count);
/* No more texts: what passes from now on is looked up in them. */
iv_status iv__copies_index(iv__copies *copies);

/* A record of the large text begins, or a part of one that does not go on from what passed: no
 * span reaches over it. */
void iv__copies_begin(iv__copies *copies, int64_t record);
/* The record's next tokens. */
void iv__copies_pass(iv__copies *copies, const int32_t *ids, int64_t count);
/* All has passed; from now on there are results. */
iv_status iv__copies_end(iv__copies *copies);

/* The longest span of a text that stands in what has passed; of several, the first of the text. */
typedef struct iv__copy {
    int64_t length, first; /* tokens, and where in the text they begin; 0 tokens: none */
    int64_t record, place; /* where it stands, counted from where the record began */
} iv__copy;
iv__copy iv__copies_longest(const iv__copies *copies, int64_t text);
/* The text's tokens, and how many. */
const int32_t *iv__copies_ids(const iv__copies *copies, int64_t text);
int64_t iv__copies_length(const iv__copies *copies, int64_t text);

/* Of the text's spans of n tokens, how many stand in what has passed. */
int64_t iv__copies_spans(const iv__copies *copies, int64_t text, int64_t n);

/* Different spans of n tokens in all texts, as a share of all their spans of n tokens; NaN
 * without one. Source: distinct-n, Li et al. 2016. Needs the index alone. */
double iv__copies_distinct(const iv__copies *copies, int64_t n);

#endif
