/* air_quality.c: hourly means of gas sensors beside a reference analyser in an Italian city; -200 stands for a
 * missing value. */
#include "data/table_parts.h"

static iv_status air_quality_table(iv__table *table, const char *path)
{
    return iv__table_read(table, path,
                          &(iv__table_options){
                              .separator = ';', .decimal = IV__DECIMAL_COMMA, .missing = "-200" });
}

const iv__dataset iv__dataset_air_quality = {
    .name = "air-quality",
    .says = "hourly means of gas sensors beside a reference analyser, March 2004 to April 2005",
    .licence = "CC BY 4.0 (S. De Vito et al. 2008)",
    .home_page = "https://archive.ics.uci.edu/dataset/360/air+quality",
    .download = "https://archive.ics.uci.edu/static/public/360/air+quality.zip",
    .sha256 = "a4197a2b3407adee54a97d9b9a753522f99d916109d45e192b512467f328d3dd",
    .file = "air-quality/AirQualityUCI.csv",
    .table = air_quality_table,
};
