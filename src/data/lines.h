/* lines.h: a text from a source, line by line, checked to be UTF-8. */
#ifndef IV_DATA_LINES_H
#define IV_DATA_LINES_H

#include "format/source.h"

typedef struct iv__lines iv__lines;

enum { IV__LINE_PIECE = 1 << 20 }; /* bytes of the longest piece */

iv__lines *iv__lines_new(iv__source *source); /* borrows it; skips a byte order mark */
void iv__lines_free(iv__lines *lines);
void iv__lines_take_any(iv__lines *lines); /* bytes are not checked: whatever they are */

/* The next line without its break (LF or CRLF), or a piece of a line that is longer than
 * IV__LINE_PIECE: then *whole is false until its last piece. False at the end, and when it
 * failed: then *failed is true. Valid until the next call.
 * Errors: FORMAT "NAME:LINE: byte OFFSET ..." for what is no UTF-8 and for zero bytes. */
bool iv__lines_next(iv__lines *lines, const char **line, size_t *size, bool *whole, bool *failed);
int64_t iv__lines_number(const iv__lines *lines); /* of the last line, from 1 */

/* Whether a line holds nothing but blanks and tabs. */
bool iv__line_is_blank(const char *line, size_t size);

#endif
