/* help.h: what the program says of itself. */
#ifndef IV_CLI_HELP_H
#define IV_CLI_HELP_H

#include "cli/cli.h"

void help_all(FILE *file);
/* Of c->command; with argument 0 a system, its options with their defaults in it. The exit
 * status. */
int help_command(cli *c);

#endif
