/* common_drafts.h: samples that are written side by side, begun and given out in the order of their
 * numbers. */
#ifndef IV_MODELS_COMMON_DRAFTS_H
#define IV_MODELS_COMMON_DRAFTS_H

#include "data/text.h"

/* A sample while it is written, and until those before it are given out. */
typedef struct iv__draft {
    int64_t number, drawn; /* tokens */
    iv__ids ids;           /* the prompt's too */
    bool ended, done;
} iv__draft;

typedef struct iv__drafts {
    iv_home *home;
    int64_t n, begun, given; /* samples */
    iv__draft *ring;         /* sample i is at i % room */
    int64_t room;
} iv__drafts;

/* Samples that are begun and not given out, at most: enough for short ones not to wait for a long
 * one, and for no more memory than that. */
enum { IV__MOST_DRAFTS = 1024 };

iv_status iv__drafts_init(iv__drafts *drafts, iv_home *home, int64_t n);
void iv__drafts_free(iv__drafts *drafts);
/* The next sample, still without tokens; NULL: there is none, or it must wait for an early one. */
iv__draft *iv__drafts_begin(iv__drafts *drafts);
/* The next to be given out, once; NULL: it is not done yet. Valid until the next call of either. */
const iv__draft *iv__drafts_take(iv__drafts *drafts);

#endif
