/* temperatures.h: a page of what a run writes at several temperatures. */
#ifndef IV_CLI_TEMPERATURES_H
#define IV_CLI_TEMPERATURES_H

#include "cli/cli.h"

enum { TEMPERATURES_MOST_PAIRS = 32 /* of a prompt and a temperature */ };

/* For each prompt and temperature the likeliest next tokens and some samples, as
 * FOLDER/temperatures.html, .png and .svg. Returns the exit status. */
int temperatures_draw(cli *c, iv__opened *run, int n_prompts, const char *const *prompts,
                      int n_temperatures, const double *temperatures, const char *folder);

#endif
