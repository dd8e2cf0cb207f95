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
iv_plan *iv__generator_plan(iv__generator *generator);   /* of one token */
iv_status iv__generator_start(iv__generator *generator); /* states as before the first position */
/* Remembers the states of row 0; a row gets them again. */
void iv__generator_keep(iv__generator *generator);
void iv__generator_restart(iv__generator *generator, int64_t row);
/* Gives each of the n rows its next token; then weights holds what may follow. */
iv_status iv__generator_feed(iv__generator *generator, const int32_t *token);

/* [n,V], added to the logits before they are used; zeros at birth. */
float *iv__generator_favour(iv__generator *generator);
/* [n,V]: the logits with what is added, divided by the temperature. */
const float *iv__generator_logits(const iv__generator *generator);
/* [n,V]: their softmax, to be changed at will. */
float *iv__generator_weights(iv__generator *generator);
/* From the next token on; 1 at birth, and in place of 0. */
void iv__generator_set_temperature(iv__generator *generator, double temperature);

/* Draws a token for each row from its weights, which are used up, among the likeliest alone if
 * there is a top-k or top-p; temperature 0: the one with the largest logit. draw[n]: uniform in
 * [0,1); a negative one leaves token[row] as it is. never: a token that is not drawn, or -1. */
void iv__generator_draw(iv__generator *generator, const iv_generation *options, const double *draw,
                        int32_t never, int32_t *token);
int32_t iv__likeliest(int64_t count, const float *logits); /* the one with the largest logit */

#endif
