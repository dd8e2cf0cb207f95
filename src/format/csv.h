/* csv.h: rows of a table as text, separated by commas or another mark.
 * Source: RFC 4180; a line may end with LF or CRLF, and a byte order mark is passed over. */
#ifndef IV_FORMAT_CSV_H
#define IV_FORMAT_CSV_H

#include "format/source.h"

typedef struct iv__csv iv__csv;

enum { IV__CSV_FIELDS = 4096, IV__CSV_ROW = 1 << 24 }; /* at most: fields of a row, and its bytes */

/* Borrows the source. separator 0: of , ; tab and | the one that is most often in the first row outside quotes. */
iv__csv *iv__csv_new(iv__source *source, char separator);
void iv__csv_free(iv__csv *csv);

/* The next row; empty lines are passed over. False at the end, and when it failed: then *failed is
 * true. A quoted field may hold separators, line breaks and doubled quotes.
 * Errors: FORMAT "NAME:LINE: ..." for a quote that is not closed or that something follows, a row
 * beyond the limits, a zero byte and what is no UTF-8. */
bool iv__csv_next(iv__csv *csv, bool *failed);
int iv__csv_count(const iv__csv *csv); /* fields of the row */
/* Terminated, valid until the next row; "" where the row has no such field. */
const char *iv__csv_field(const iv__csv *csv, int field, size_t *size);
int64_t iv__csv_line(const iv__csv *csv);   /* on which the row begins, from 1 */
char iv__csv_separator(const iv__csv *csv); /* 0: not found yet */

#endif
