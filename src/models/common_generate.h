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
/* Gives each of the n rows its next token; then weights holds what may follow. */
iv_status iv__generator_feed(iv__generator *generator, const int32_t *token);

/* Added to logits of what may never be drawn. */
#define IV__OUT_OF_REACH (-1e15f)

/* [n,V], added to the logits before they are weighed; zeros at birth. */
float *iv__generator_favour(iv__generator *generator);
/* [n,V]: the model's own. */
const float *iv__generator_logits(const iv__generator *generator);
/* [n,V]: softmax of logits and favour at the temperature (at 1 if that is 0), to be changed at
 * will. */
float *iv__generator_weights(iv__generator *generator);
/* From the next token on; 1 at birth, and in place of 0. */
void iv__generator_set_temperature(iv__generator *generator, double temperature);
/* The weights of a row anew: after favour, temperature or the row itself changed, and after a
 * draw. */
void iv__generator_weigh(iv__generator *generator, int64_t row);

/* Draws a token for each row from its weights, which are used up, among the likeliest alone if
 * there is a top-k or top-p; temperature 0: the likeliest. draw[n]: uniform in [0,1); a negative
 * one leaves token[row] as it is. */
void iv__generator_draw(iv__generator *generator, const iv__generation *options, const double *draw,
                        int32_t *token);
/* The one with the largest sum of logit and favour; of equal ones the first. */
int32_t iv__generator_likeliest(const iv__generator *generator, int64_t row);

/* A row's states and logits, kept elsewhere: in a block of that many bytes. A row that was loaded
 * has no weights until it is weighed. */
size_t iv__generator_row_bytes(const iv__generator *generator);
void iv__generator_save_row(const iv__generator *generator, int64_t row, void *to);
void iv__generator_load_row(iv__generator *generator, int64_t row, const void *from);

#endif
