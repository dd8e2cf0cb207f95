/* export_c.c: a trained text model as one C file. */
#include "cli/export_c.h"

#include "base/file.h"
#include "models/common_c.h"

int export_c(cli *c, iv__opened *run, const char *out)
{
    iv__view view;
    char size[32];

    if (iv__export_c(run->instance, run->params, out) || iv__view_open(c->home, out, &view))
        return cli_fail(c);
    if (!c->common.json)
        printf("%s: %s of C, for cc -std=c99 -O3\n", out, cli_bytes(view.size, size));
    iv__view_close(&view);
    return DONE;
}
