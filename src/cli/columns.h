/* columns.h: texts side by side, wrapped to columns, for a terminal of any width. */
#ifndef IV_CLI_COLUMNS_H
#define IV_CLI_COLUMNS_H

#include "base/text.h"

/* Cells that a text takes on a terminal: ideographs and their like take two. */
int columns_of(const char *text, size_t size);

/* The next line of *at that fits into `width` cells, broken at a blank if there is one; its size.
 * False at the end. */
bool columns_line(const char **at, int width, const char **line, size_t *size);

/* Texts side by side, as many as fit with LEAST_COLUMN cells each, the rest below them. */
enum { LEAST_COLUMN = 22, COLUMN_GAP = 2 };
void columns_put(iv__text *out, int n, const char *const texts[], int width);
/* The last lines of a text; an ellipsis tells that something stands before them. */
void columns_tail(iv__text *out, const char *text, int width, int lines);

#endif
