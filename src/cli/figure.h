/* figure.h: pictures, drawn by the helper program ivory-plot. */
#ifndef IV_CLI_FIGURE_H
#define IV_CLI_FIGURE_H

#include "cli/cli.h"

/* Draws the description (src/cli/plot/read.c says how it is written) as FOLDER/NAME.png and .svg,
 * and says so on stdout. Returns the exit status. */
int figure_draw(cli *c, const iv__text *description, const char *folder, const char *name);

/* Says on stdout that a file was made. Returns the exit status. */
int figure_say(cli *c, const char *path);

/* Adds a text as a description may hold it: UTF-8, no control characters, not too long. */
void figure_put_text(iv__text *description, const char *text);
/* The token, or a name for one that cannot be seen. */
const char *figure_label(const char *token);

#endif
