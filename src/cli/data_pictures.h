/* data_pictures.h: what `ivory data show` tells of pictures. */
#ifndef IV_CLI_DATA_PICTURES_H
#define IV_CLI_DATA_PICTURES_H

#include "cli/cli.h"

/* How many, how large, which classes; out: the file that receives a sheet of some of them, "" for none.
 * Returns the exit status. */
int data_show_pictures(cli *c, const iv__dataset *set, const char *path, const char *out);

#endif
