/* forecast.h: what a run says of a column of numbers: as CSV, and as a picture beside what was measured. */
#ifndef IV_CLI_FORECAST_H
#define IV_CLI_FORECAST_H

#include "cli/cli.h"

/* Predicts each row of the file `data` and writes CSV (with --json a line each) to `out`, or "" to stdout: row,
 * target, predicted. Returns the exit status. */
int forecast_write(cli *c, iv__opened *run, const char *data, const char *out);

/* Draws what the run says of the test rows of its open data (without test rows: of the validation rows, or of the
 * training rows) into the folder. Returns the exit status. */
int forecast_draw(cli *c, iv__opened *run, const char *folder);

#endif
