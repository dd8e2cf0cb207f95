/* table_parts.h: what readers of tables work with. */
#ifndef IV_DATA_TABLE_PARTS_H
#define IV_DATA_TABLE_PARTS_H

#include "base/arena.h"
#include "data/table.h"

struct iv__table {
    iv_home *home;
    const iv__dataset *set;
    iv__arena arena;
    iv__table_options options; /* as asked for; then as they were in force */
    const char *file;          /* begins messages */
    int n_columns;
    iv__column *columns;
    double *cells; /* [room,n_columns] */
    int64_t rows, room, empty_rows;
};

/* Reads the file, or (path "") what is built in; usual: what holds where the options leave it open. */
iv_status iv__table_read(iv__table *table, const char *path, const iv__table_options *usual);

#endif
