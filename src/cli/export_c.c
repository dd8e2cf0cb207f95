/* export_c.c: a trained text model as one C file. */
#include "cli/export_c.h"

#include "base/file.h"
#include "models/common_c.h"

int export_json(cli *c, const char *out, const char *name, int64_t number)
{
    iv__text line = { .home = c->home };
    iv__json_writer w = { .text = &line };

    iv__json_put_object(&w);
    cli_put_string(&w, "file", out);
    cli_put_int(&w, name, number);
    iv__json_end_object(&w);
    const int status = line.failed ? cli_fail(c) : cli_put_line(c, &line);
    iv__text_free(&line);
    return status;
}

int export_c(cli *c, iv__opened *run, const char *out)
{
    iv__view view;
    char size[32];

    if (iv__export_c(run->instance, run->params, out) || iv__view_open(c->home, out, &view))
        return cli_fail(c);
    const int64_t bytes = (int64_t)view.size;
    iv__view_close(&view);
    if (c->common.json)
        return export_json(c, out, "bytes", bytes);
    printf("%s: %s of C, for cc -std=c99 -O3\n", out, cli_bytes((size_t)bytes, size));
    return DONE;
}
