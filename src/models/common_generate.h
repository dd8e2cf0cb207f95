/* common_generate.h: drawing tokens from a stepper: state carried, nothing allocated per token. */
#ifndef IV_MODELS_COMMON_GENERATE_H
#define IV_MODELS_COMMON_GENERATE_H

#include "models/model.h"

typedef struct iv__generator iv__generator;

/* logits: a node [n,T,V] of an evaluation graph whose one sequence input is `input` (i32 [n,T]).
 * The graph may be freed afterwards.
 * Errors: of the stepper (UNSUPPORTED when a row looks ahead). */
iv__generator *iv__generator_new(iv_params *params, iv_node *logits, const char *input);
void iv__generator_free(iv__generator *generator);
iv_status iv__generator_start(iv__generator *generator); /* states as before the first position */
/* Gives each of the n rows its next token; then logits holds [n,V] for the one after. */
iv_status iv__generator_feed(iv__generator *generator, const int32_t *token);
const float *iv__generator_logits(const iv__generator *generator);

/* Draws one token from logits[count] by temperature, top-k, top-p and repetition penalty.
 * forbidden: ids that are never drawn. used[count] counts how often a token stands in the text.
 * work: [count] floats and as many ints. draw: uniform in [0,1). */
typedef struct iv__drawing {
    int64_t count;
    float *weight;
    int32_t *order;
} iv__drawing;
int32_t iv__draw(const iv__drawing *work, const iv_generation *g, const float *logits,
                 const int32_t *used, int n_forbidden, const int32_t *forbidden, double draw);
/* softmax(logits / temperature) without the forbidden ids, into weight. temperature 0: all on
 * the likeliest. */
void iv__token_probabilities(const iv__drawing *work, const float *logits, double temperature,
                             int n_forbidden, const int32_t *forbidden);

#endif
