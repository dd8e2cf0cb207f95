/* press.h: what compressing and decompressing pictures share: the run in a home of its own, whose numbers are
 * the same on every processor. */
#ifndef IV_CLI_PRESS_H
#define IV_CLI_PRESS_H

#include "cli/bar.h"
#include "cli/paint.h"
#include "cli/so_far.h"
#include "format/crc32c.h"
#include "format/image.h"
#include "format/ivc.h"
#include "models/common_coder.h"

typedef struct press {
    cli *c;
    iv_home *home; /* portable kernels, one thread, f32 */
    iv__opened run;
    iv__palette palette;
    unsigned char model[IV__IVC_MODEL];
    so_far rows; /* of the picture in hand */
} press;

/* Opens the run that argument 0 names, and works. The exit status. */
int press_run(cli *c, int (*work)(press *p));
int press_fail(const press *p);

/* The values of a picture as the model knows them, or refused: nothing may be lost. values are to be
 * freed. Errors: those of reading; VALUE. */
iv_status press_read(press *p, const char *path, iv__coded *picture);

bool press_row(void *user, int64_t row); /* shows how far it is; false when the command is asked to stop */

const char *press_hex(const unsigned char model[IV__IVC_MODEL], char text[2 * IV__IVC_MODEL + 1]);
int press_put_json(press *p, int64_t pictures, int64_t bytes, int64_t numbers, int64_t values);

#endif
