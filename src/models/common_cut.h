/* common_cut.h: texts of any length as training records of one length, or rows that run through
 * whole texts. */
#ifndef IV_MODELS_COMMON_CUT_H
#define IV_MODELS_COMMON_CUT_H

#include "data/extent.h"
#include "data/tokens.h"
#include "models/common_split.h"

typedef enum iv__cut_kind {
    IV__CUT_FIRST,  /* the beginning of a text */
    IV__CUT_PIECES, /* a text in pieces, each for itself */
    IV__CUT_WINDOWS, /* every `stride` tokens the `length` tokens before a token, which is the target */
    IV__CUT_CARRIED, /* a text in pieces, one after the other in a row of the batch */
} iv__cut_kind;

typedef struct iv__cut_options {
    int64_t texts; /* only so many, from the first on; 0: all */
    iv__cut_kind kind;
    int64_t length; /* positions of a training record */
    int64_t stride; /* of windows */
    bool begin;     /* the first token is predicted too, after a begin token */
    bool masked;    /* padding does not count */
    bool front;     /* a record that is shorter stands at the end of its row */
    int32_t begin_id, end_id;
} iv__cut_options;

/* Inputs, for N rows of T positions. */
#define IV__CUT_WORDS "words"     /* i32 [N,T] */
#define IV__CUT_NEXT "next"       /* i32 [N,T]; of windows [N] */
#define IV__CUT_WEIGHT "weight"   /* [N,T]; of windows [N] */
#define IV__CUT_PRESENT "present" /* [N,T], 0 at padding in front; filled where a plan has it */
#define IV__CUT_GOES_ON "goes on" /* [N] of carried: 0 where a text begins, or nothing stands */

typedef struct iv__cut iv__cut;

/* Tokens and settings are borrowed; a batch has settings->batch rows. Errors: VALUE when there are
 * too many pieces. */
iv__cut *iv__cut_new(iv_home *home, const iv__tokens *tokens, const iv__settings *settings,
                     const iv__cut_options *options);
void iv__cut_free(iv__cut *cut);
const iv__tokens *iv__cut_tokens(const iv__cut *cut);
int64_t iv__cut_texts(const iv__cut *cut); /* of the data, from the first on; iv__split_of says their splits */
int64_t iv__cut_count(const iv__cut *cut, iv__split split); /* training records */
/* As iv__trainee's fill. */
void iv__cut_fill(const iv__cut *cut, iv__batch *batch, const iv__rows *rows);
/* As iv__trainee's choose, of carried texts. Each pass of training shuffles them, lays them end to end and
 * gives every row an equal share, so that only the texts at the borders of shares are cut; an
 * evaluation cuts none. */
bool iv__cut_choose(iv__cut *cut, iv__split split, int64_t pass, int64_t step, int32_t *record);

/* Of the tokens that a split's training records predict. */
iv__extent iv__cut_extent(const iv__cut *cut, iv__split split);

#endif
