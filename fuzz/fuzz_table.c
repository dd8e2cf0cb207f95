/* fuzz_table.c: any bytes as a table, its separator and decimal mark found or given. */
#include "fuzz_world.h"

#include "data/table.h"

#include <math.h>

static void read_table(iv_home *home, const iv__dataset *of, const iv__table_options *options,
                       const uint8_t *data, unsigned long size)
{
    iv__dataset set = *of; /* the input stands where built-in data would */

    set.asset = data;
    set.asset_size = &size;
    iv__table *table = iv__table_open(home, &set, "", options);
    for (int i = 0; table && i < iv__table_columns(table); i++) {
        const iv__column *column = iv__table_column(table, i);
        int64_t numbers = 0;
        for (int64_t r = 0; r < iv__table_rows(table); r++) {
            const double x = iv__table_at(table, r, i);
            must(isnan(x) || fabs(x) <= 1e100);
            numbers += !isnan(x);
        }
        must(numbers == column->numbers);
        must(column->numbers + column->missing + column->others == iv__table_rows(table));
        must(iv__table_find(table, column->name) >= 0);
        must((iv__table_check(table, i) == IV_OK) == !column->others);
    }
    iv__text report = { .home = home };
    if (table)
        iv__table_report(table, &report);
    const bool failed = !table;
    iv__text_free(&report);
    iv__table_free(table);
    fuzz_end(home, failed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();

    read_table(home, &iv__dataset_table, &(iv__table_options){ 0 }, data, size);
    read_table(home, &iv__dataset_air_quality, &(iv__table_options){ .missing = "1,x" }, data, size);
    read_table(home, &iv__dataset_table,
               &(iv__table_options){ .separator = '\t', .decimal = IV__DECIMAL_COMMA }, data, size);
    return 0;
}
