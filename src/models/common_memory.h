/* common_memory.h: whether a language model writes, or says by heart what it was trained on.
 *
 * The tokens that samples drew are looked for, word for word, in the text of the training records;
 * so are stretches of real text as long as they, for comparison: held-out records where there are
 * any, else stretches of the training text, each left out of what they are looked for in. The
 * training text is read once, and memory grows with the samples alone. */
#ifndef IV_MODELS_COMMON_MEMORY_H
#define IV_MODELS_COMMON_MEMORY_H

#include "data/copies.h"
#include "models/model.h"

typedef struct iv__memory iv__memory;

/* The instance's data are open, and stay so. Errors: UNSUPPORTED when they are no text. */
iv__memory *iv__memory_new(const iv__instance *instance);
void iv__memory_free(iv__memory *memory);
iv_status iv__memory_add(iv__memory *memory, const iv__sample *sample);
/* No more samples: looks for them all. */
iv_status iv__memory_compare(iv__memory *memory);

enum { IV__RECALL_DISTINCT = 4 };

/* What several texts have in common with the training text, and how varied they are. */
typedef struct iv__recall {
    int64_t texts, tokens;
    int64_t longest; /* span of all that stands in the training text */
    double mean;     /* over the texts, of the longest span of each */
    double whole;    /* share of the texts that stand in it as they are */
    double spans;    /* share of their spans of `span` tokens that do; NaN: none */
    double distinct[IV__RECALL_DISTINCT]; /* of spans of 1, 2, ... tokens: how many are different */
} iv__recall;

/* Drawn at temperature 1 from a model that has learned the language and no text by heart, samples
 * have no more in common with the training text than real text has. */
typedef struct iv__memory_report {
    iv__recall samples, real; /* real.texts may be 0: there is nothing to compare with */
    iv__split real_split;     /* where the real text is from */
    /* A telling span: the fewest tokens at which one in twenty spans of real text, at most, stands
     * in the training text. 0: there is no such. */
    int64_t span;
    /* Of the samples twice as many telling spans, or whole samples, stand there as of real text,
     * and one in twenty at least. */
    bool by_heart;
} iv__memory_report;

/* Valid once compared. */
const iv__memory_report *iv__memory_report_of(const iv__memory *memory);
iv__copy iv__memory_copy(const iv__memory *memory, int64_t sample);
int64_t iv__memory_length(const iv__memory *memory, int64_t sample); /* tokens that it drew */
/* A span of a sample as a person reads it. */
void iv__memory_show(const iv__memory *memory, int64_t sample, iv__text *text);

#endif
