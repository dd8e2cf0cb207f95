/* graph_picture.h: inputs, layers and losses as boxes, and who reads whom, in an SVG file. */
#ifndef IV_CLI_GRAPH_PICTURE_H
#define IV_CLI_GRAPH_PICTURE_H

#include "cli/summary.h"

iv_status graph_picture(iv_home *home, const summary *s, const char *title, const char *path);

#endif
