/* glove.h: word vectors as GloVe writes them: on each line a word, and its numbers, with blanks between.
 * Source: https://nlp.stanford.edu/projects/glove/ (the format). */
#ifndef IV_FORMAT_GLOVE_H
#define IV_FORMAT_GLOVE_H

#include "format/source.h"

typedef struct iv__glove iv__glove;

enum {
    IV__GLOVE_WIDTH = 1 << 16,
    IV__GLOVE_LINE = 1 << 22
}; /* at most: numbers of a word, bytes of a line */

iv__glove *iv__glove_new(iv__source *source); /* borrows the source */
void iv__glove_free(iv__glove *glove);        /* NULL is fine */

/* The next word; empty lines are passed over. False at the end, and when it failed: then *failed is true. The first
 * line says how many numbers every word has; what stands before the last so many of a line is its word, which may hold
 * blanks (as a few of the large files' do). A word may come more than once.
 * Errors: IO; FORMAT "NAME:LINE: ..." for a line without a word, with too few numbers, with something that is no
 * finite number, beyond the limits, and a word that is no UTF-8 or holds a zero byte. */
bool iv__glove_next(iv__glove *glove, bool *failed);
/* Of the last word, valid until the next. */
const char *iv__glove_word(const iv__glove *glove); /* terminated */
const float *iv__glove_vector(const iv__glove *glove);
int64_t iv__glove_width(const iv__glove *glove); /* 0 before the first word */

#endif
