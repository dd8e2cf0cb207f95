/* figure.h: pictures, drawn by the helper program ivory-plot. */
#ifndef IV_CLI_FIGURE_H
#define IV_CLI_FIGURE_H

#include "cli/cli.h"

/* Draws the description (src/cli/plot/read.c says how it is written) as FOLDER/NAME.png and .svg,
 * and says so on stdout. Returns the exit status. */
int figure_draw(cli *c, const iv__text *description, const char *folder, const char *name);

/* Adds a text as a description may hold it: whole characters, no control characters, short. */
void figure_put_text(iv__text *description, const char *text);

#endif
