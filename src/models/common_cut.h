/* common_cut.h: texts of any length as training records of one length. */
#ifndef IV_MODELS_COMMON_CUT_H
#define IV_MODELS_COMMON_CUT_H

#include "data/tokens.h"
#include "train/settings.h"
#include "train/trainee.h"

typedef struct iv__cut_options {
    int64_t length; /* positions of a training record */
    bool all;       /* a longer text in pieces; else its beginning */
    bool begin;     /* the first token is predicted too, after a begin token */
    bool masked;    /* what stands behind the stop token does not count */
    int32_t begin_id, end_id;
} iv__cut_options;

typedef struct iv__cut iv__cut;

/* Which split a text belongs to depends on its number alone, not on the seed: runs can be
 * compared. */
iv__split iv__split_of(const iv__settings *settings, int64_t record);

/* Tokens are borrowed. Errors: VALUE when there are too many pieces. */
iv__cut *iv__cut_new(iv_home *home, const iv__tokens *tokens, const iv__settings *settings,
                     const iv__cut_options *options);
void iv__cut_free(iv__cut *cut);
/* The training records of a split, and how many they are. */
const int32_t *iv__cut_records(const iv__cut *cut, iv__split split, int64_t *n);
/* Fills the inputs words, next and weight, as iv__trainee's fill. */
void iv__cut_fill(const iv__cut *cut, iv__batch *batch, const int32_t *record, int64_t n,
                  int64_t records);

#endif
