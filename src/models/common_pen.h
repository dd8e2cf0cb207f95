/* common_pen.h: a model that follows a text which others write too, and can write on. */
#ifndef IV_MODELS_COMMON_PEN_H
#define IV_MODELS_COMMON_PEN_H

#include "models/common_writing.h"

typedef struct iv__pen iv__pen;

iv__pen *iv__pen_new(iv__instance *instance, iv_params *params);
void iv__pen_free(iv__pen *pen);
iv__writing *iv__pen_writing(iv__pen *pen);
bool iv__pen_writes_words(const iv__pen *pen); /* tokens with blanks between; else the text as it is */

/* What the model thought of a stretch of text: of its tokens together. */
typedef struct iv__verdict {
    double probability; /* NAN: not known (a token that it does not know, a text read anew) */
    int64_t rank;       /* of a single token; 0: not known */
} iv__verdict;

/* Reads on to the end of the text, or anew where it differs from what was read. verdict (NULL: not
 * wanted): of what was read on. */
iv_status iv__pen_follow(iv__pen *pen, const char *text, size_t size, iv__verdict *verdict);

/* The n likeliest tokens after what was read; none before the first word of a model that only
 * continues texts. */
int iv__pen_likeliest(iv__pen *pen, double temperature, int n, iv__likely likely[]);
/* What a token adds to the text that was read. *glue: the blank before the last mark goes ("don '"
 * becomes "don't"). "" for the end. */
iv_status iv__pen_piece(iv__pen *pen, int32_t token, iv__text *piece, bool *glue);

/* Goes on from the text, which has been read, with the given token (-1: a drawn one), then with drawn
 * ones: until a character is complete, or with `word` a word. The text grows by the piece
 * (which glue has made a blank shorter before).
 * options: temperature, top-k, top-p and seed; *draws counts on. ended: nothing was written, as the
 * model ends the text here; bad: or what it would write is no text in UTF-8. */
typedef struct iv__stroke {
    iv__text piece;
    bool glue, ended, bad;
    iv__verdict verdict;
} iv__stroke;
iv_status iv__pen_write(iv__pen *pen, iv__text *text, int32_t token, bool word,
                        const iv__generation *options, int64_t *draws, iv__stroke *stroke);

/* A token for a person to see: blanks and line breaks visible, bytes that are no character in
 * hexadecimal, the end as (end). */
void iv__pen_show(const iv__pen *pen, int32_t token, iv__text *text);

#endif
