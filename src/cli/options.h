/* options.h: the command line, read by tables of fields. */
#ifndef IV_CLI_OPTIONS_H
#define IV_CLI_OPTIONS_H

#include "cli/cli.h"

/* Reads what stands behind the command's name into c. DONE, or WRONG with a message. */
int cli_parse(cli *c, int argc, char **argv);

/* Gives the instance the options of its system. DONE, or WRONG with a message. */
int cli_apply_settings(cli *c, iv__instance *instance);

/* "clip-norm" of "clip_norm", into name[64]; returns name. */
const char *cli_dashed(const char *field, char name[64]);

#endif
