/* table.c: a person's own table: CSV with a header, plain or gzip. */
#include "data/table_parts.h"

static iv_status table_table(iv__table *table, const char *path)
{
    return iv__table_read(table, path, &(iv__table_options){ .missing = "" });
}

const iv__dataset iv__dataset_table = {
    .name = "table",
    .says = "a table of your own: a CSV file whose first line names the columns, plain or gzip",
    .licence = "yours to know",
    .home_page = "",
    .download = "",
    .sha256 = "",
    .table = table_table,
};
