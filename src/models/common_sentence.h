/* common_sentence.h: sentences as the vectors of their words, what an autoencoder makes of them, and how well that finds
 * sentences of one topic. */
#ifndef IV_MODELS_COMMON_SENTENCE_H
#define IV_MODELS_COMMON_SENTENCE_H

#include "data/tokens.h"
#include "data/vectors.h"
#include "models/common_talk.h"

/* Inputs, for N sentences. */
#define IV__SENTENCE_VECTORS "vectors" /* [N,T,E]: of their words; zeros behind the last one */
#define IV__SENTENCE_PRESENT "present" /* [N,T]: 1 where there is a word */

enum { IV__SENTENCE_MOST = 256 }; /* words of a sentence */

typedef struct iv__sentences {
    iv_home *home;
    int64_t length; /* T */
    bool unmasked;  /* padding stands in front, and counts as words do: the chapter's fault */
    const iv__dataset *set; /* of the open data, and where it is */
    const char *path;
    iv__tokens *data; /* NULL: restored from a file, or described without data */
    iv__vocabulary *restored;
    const iv__vocabulary *vocabulary;
    iv__vectors vectors;
    int32_t *records[SPLITS];
    int64_t n[SPLITS];
    iv__named_tensor kept[2];
} iv__sentences;

/* As iv__model's open_data; vectors: a file, or "". */
iv_status iv__sentences_open(iv__sentences *s, iv__instance *instance, const iv__dataset *set,
                             const char *data, int64_t words, const char *vectors);
iv_status iv__sentences_restore(iv__sentences *s, iv__instance *instance, const iv__safetensors *file);
void iv__sentences_close(iv__sentences *s);
/* As iv__trainee's fill. */
void iv__sentences_fill(const iv__sentences *s, iv__batch *batch, const iv__rows *rows);
/* Row r of a plan's inputs. */
void iv__sentences_put(const iv__sentences *s, const int32_t *ids, int64_t n, int64_t r,
                       float *vectors, float *present);

/* The two halves, each built for n sentences: vectors [n,T,E] -> latent [n,L]; latent -> vectors. */
typedef struct iv__coder_graphs {
    iv_node *(*encode)(const iv__instance *instance, iv_scope *scope, iv_node *vectors,
                       iv_node *present);
    iv_node *(*decode)(const iv__instance *instance, iv_scope *scope, iv_node *latent, iv_node *present);
} iv__coder_graphs;

/* Both as plans for so many sentences at once. */
typedef struct iv__recoder {
    iv_home *home;
    const iv__sentences *s;
    int64_t n, latent;
    iv_graph *graph[2];
    iv_plan *encoder, *decoder;
} iv__recoder;
iv_status iv__recoder_make(iv__recoder *r, const iv__sentences *s, iv__instance *instance,
                           iv_params *params, const iv__coder_graphs *graphs, int64_t n);
void iv__recoder_free(iv__recoder *r);
/* Into a row of the encoder's inputs and, where it wants to know, the decoder's. */
void iv__recoder_put(iv__recoder *r, const int32_t *ids, int64_t n, int64_t row);
/* Into an input of one of the plans. Errors: NOMEM, for the room of inputs is made when first asked for. */
iv_status iv__recoder_give(iv_plan *plan, const char *input, const void *from, size_t bytes);
/* The latents [count,L] of sentences of the data. again: those of what is made of these, or NULL. */
iv_status iv__recode(iv__recoder *r, const int32_t *record, int64_t count, float *latents, float *again);

/* As iv__model's examine, of 2,000 sentences all over the split: how near what is made of a sentence is to it, and how many
 * of the ten nearest of other documents share its topic, beside the averages of words' vectors. */
int iv__sentences_measures(const iv__sentences *s, iv__instance *instance, iv_params *params,
                           const iv__coder_graphs *graphs, iv__split split,
                           iv__measure measure[IV__MAX_MEASURES]);

/* As iv__model's spreads: the cosines of latents. */
int iv__sentences_spreads(const iv__sentences *s, iv__instance *instance, iv_params *params,
                          const iv__coder_graphs *graphs, iv__spread spread[IV__MAX_SPREADS]);

/* As iv__talk has it. */
typedef struct iv__comparing iv__comparing;
iv__comparing *iv__comparing_new(const iv__sentences *s, iv__instance *instance, iv_params *params,
                                 const iv__coder_graphs *graphs);
iv_status iv__comparing_line(void *comparing, const char *line, iv__text *answer);
void iv__comparing_free(void *comparing);
extern const char iv__comparing_help[];

#endif
