/* export_c.h: a trained text model as one C file. */
#ifndef IV_CLI_EXPORT_C_H
#define IV_CLI_EXPORT_C_H

#include "cli/cli.h"

/* Writes the run as C to the file `out` and says how large it is; returns the exit status. */
int export_c(cli *c, iv__opened *run, const char *out);

#endif
