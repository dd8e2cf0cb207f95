/* common_writing.h: writing with a language model: texts that grow token by token, with the
 * model's states carried. */
#ifndef IV_MODELS_COMMON_WRITING_H
#define IV_MODELS_COMMON_WRITING_H

#include "data/text.h"
#include "models/common_generate.h"

/* What a model that writes says of itself. */
typedef struct iv__language {
    const iv__vocabulary *vocabulary;
    int32_t begin; /* the token in front of a text; -1: none, the first token cannot be predicted */
    int32_t end;   /* the token that ends a text, and is no part of it; -1: none */
    /* [N,T] -> [N,T,V], of evaluation; options: the instance's. */
    iv_node *(*logits)(const void *options, iv_scope *scope, iv_node *words, int64_t vocabulary);
} iv__language;

/* ---- a session: `rows` texts that grow side by side ------------------------------------------- */
typedef struct iv__writing iv__writing;

/* Errors: UNSUPPORTED for a model that writes no text, or not token by token. */
iv__writing *iv__writing_new(iv__instance *instance, iv_params *params, int64_t rows);
void iv__writing_free(iv__writing *writing);
const iv__language *iv__writing_language(const iv__writing *writing);
iv__generator *iv__writing_generator(iv__writing *writing);

/* The tokens of a prompt. unknown (NULL: not wanted): as of iv__encode. */
iv_status iv__writing_encode(const iv__writing *writing, const char *text, iv__ids *ids,
                             iv__text *unknown);

/* All rows before the first token: the begin token was fed if there is one. */
iv_status iv__writing_start(iv__writing *writing);
/* Gives each of the rows its next token. */
iv_status iv__writing_feed(iv__writing *writing, const int32_t token[]);
/* Gives all rows these tokens. */
iv_status iv__writing_feed_all(iv__writing *writing, const iv__ids *ids);
/* Whether it is known what may follow: not before the first token of a text without begin token.
 * All below is asked only then. */
bool iv__writing_knows(const iv__writing *writing);

iv__score iv__writing_score(const iv__writing *writing, int64_t row, int32_t token);
/* What a logit is to be lowered by to be the token's log-probability. */
double iv__writing_log_sum(const iv__writing *writing, int64_t row);

/* The n likeliest of the tokens that may be drawn, with their probability at a temperature (0:
 * all of it on one). Returns how many there are. */
typedef struct iv__likely {
    int32_t token;
    double probability;
} iv__likely;
int iv__writing_likeliest(iv__writing *writing, int64_t row, double temperature, int n,
                          iv__likely likely[]);

/* Draws the row's next token at the options' temperature, top-k and top-p; draw: uniform in [0,1). */
int32_t iv__writing_draw(iv__writing *writing, int64_t row, const iv__generation *options, double draw);

/* A row kept aside, to go on from there later, in this row or another: in a block of that many
 * bytes. */
size_t iv__writing_row_bytes(const iv__writing *writing);
void iv__writing_save_row(const iv__writing *writing, int64_t row, void *to);
void iv__writing_load_row(iv__writing *writing, int64_t row, const void *from);

/* ---- where a text ends ------------------------------------------------------------------------ */
/* Looks for the end of a text as it grows: before a stop text, or with its sentences. A sentence ends
 * with . ! or ? and the quotes and brackets that close with it, before white space; with the full
 * stops of Chinese and Japanese in any place. Begins as { .g = ..., .begin = B, .sentence = B }: what
 * stands before B is passed over. */
typedef struct iv__ending {
    const iv__generation *g;
    size_t begin, searched; /* no stop text stands wholly before `searched` */
    size_t sentence;        /* where the next of them is looked for */
    int64_t sentences;      /* that ended before */
} iv__ending;
/* Where text[0..size) ends, or -1: it is to be asked again when more was written. The bytes before `settled`
 * will stay as they are. */
int64_t iv__ending_find(iv__ending *ending, const char *text, size_t size, size_t settled);
/* Whether a sentence ends with text[begin..size), though more may follow. */
bool iv__ends_sentence(const char *text, size_t begin, size_t size);

/* ---- samples --------------------------------------------------------------------------------- */
/* As iv__model's sample: by drawing, or by a search. */
iv_status iv__write_samples(iv__instance *instance, iv_params *params, const iv__generation *g,
                            iv__sample_sink *sink, void *user, iv__text *note);
/* The tokens of a prompt; what of it is not known goes to the note. Errors: VALUE when nothing is
 * left and the model needs a beginning. */
iv_status iv__writing_prompt(const iv__writing *writing, const char *prompt, iv__ids *ids,
                             iv__text *note);
/* The search for one prompt; the session has as many rows as the beam. number: the prompt's. */
iv_status iv__write_beam(iv__writing *writing, const iv__generation *g, const char *prompt,
                         int64_t number, iv__sample_sink *sink, void *user, iv__text *note);

#endif
