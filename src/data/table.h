/* table.h: data sets that are tables: columns of numbers with gaps, the whole table in memory. */
#ifndef IV_DATA_TABLE_H
#define IV_DATA_TABLE_H

#include "data/dataset.h"

typedef struct iv__table iv__table;

enum { IV__DECIMAL_AUTO, IV__DECIMAL_POINT, IV__DECIMAL_COMMA };

typedef struct iv__table_options {
    char separator; /* 0: the data set's own, or found by the header (iv__csv_new) */
    int decimal; /* auto: the data set's own; else a point where commas separate, or by the first number
                          * that has a mark */
    const char *missing; /* what stands for a missing value, commas between: numbers by their value, words
                          * in either case; NULL: the data set's own. Empty cells and the usual marks (NA,
                          * N/A, NaN, null, None, ?, -) are missing in any case. */
} iv__table_options;

/* A column of the header. */
typedef struct iv__column {
    const char *name;                 /* "column 3" where the header says nothing */
    int64_t numbers, missing, others; /* cells: numbers, none, and what is neither */
    int64_t other_line;               /* of the first that is neither */
    const char *other;                /* it, shortened; "" without */
} iv__column;

/* path: as iv__dataset_locate gave it. Rows without a value are passed over, and so are columns without
 * name and value.
 * Errors: VALUE for a data set that is no table; IO; FORMAT "NAME:LINE: ..." for a row that has not as many
 * fields as the header, a header without names or with one twice, no rows. */
iv__table *iv__table_open(iv_home *home, const iv__dataset *set, const char *path,
                          const iv__table_options *options);
void iv__table_free(iv__table *table); /* NULL is fine */

int64_t iv__table_rows(const iv__table *table);
int iv__table_columns(const iv__table *table);
const iv__column *iv__table_column(const iv__table *table, int column);
int iv__table_find(const iv__table *table, const char *name);         /* -1: none of that name */
double iv__table_at(const iv__table *table, int64_t row, int column); /* NAN: missing, or no number */
const char *iv__table_missing(const iv__table *table); /* the codes that were in force; "" */
/* Errors: FORMAT with the first cell that is no number, if there is one. */
iv_status iv__table_check(const iv__table *table, int column);
/* Most of its cells that are not missing are no numbers (or all are missing). */
bool iv__column_is_text(const iv__column *column);
/* "9357 rows, 13 columns of numbers; missing: CO(GT) 1683, ...; 114 empty rows passed over; no numbers: Date, Time" */
void iv__table_report(const iv__table *table, iv__text *text);

/* "-1.5e3", with blanks around it or not; decimal: '.' or ','. False: no number, or one beyond 1e100. */
bool iv__table_number(const char *text, size_t size, char decimal, double *number);

#endif
