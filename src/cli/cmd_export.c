/* ivory export RUN: a trained run in a form that others read. */
#include "cli/export_c.h"

typedef struct export_options {
    bool c;
    const char *out;
} export_options;

/* clang-format off */
static const iv_field export_fields[] = {
    FIELD(export_options, c,   BOOL, "no", 0, 0, "", "",     "as a C file that needs nothing else"),
    FIELD(export_options, out, TEXT, "",   0, 0, "", "FILE", "the file to write"),
    FIELD_END,
};
/* clang-format on */

static int cmd_export(cli *c)
{
    const export_options *o = c->options;
    iv__opened run;

    if (!o->c || !*o->out)
        return cli_wrong(c, "say what to write, and where: --c --out FILE.c");
    if (iv__run_load(c->home, c->args[0], "model", &run))
        return cli_fail(c);
    int status = export_c(c, &run, o->out);
    iv__opened_free(&run);
    return status;
}

const command command_export = {
    .name = "export",
    .place = 80,
    .arguments = "RUN [OPTION]...",
    .says = "a trained run in a form that others read",
    .about = "Writes a trained run, its folder or a model file of it alone, in another form.\n"
             "--c: a run that writes texts as one C file, which a C99 compiler makes a program\n"
             "of, and which draws the same samples.",
    .examples = { "ivory export runs/fables --c --out fables.c" },
    .fields = { export_fields },
    .options_size = sizeof(export_options),
    .least = 1,
    .most = 1,
    .run = cmd_export,
};
