/* export_c.h: a trained text model as one C file. */
#ifndef IV_CLI_EXPORT_C_H
#define IV_CLI_EXPORT_C_H

#include "cli/cli.h"

/* {"file": OUT, NAME: number}, for --json. */
int export_json(cli *c, const char *out, const char *name, int64_t number);

/* Writes the run as C to the file `out` and says how large it is; returns the exit status. */
int export_c(cli *c, iv__opened *run, const char *out);

#endif
