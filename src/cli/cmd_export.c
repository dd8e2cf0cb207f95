/* ivory export RUN: a trained run in a form that others read. */
#include "base/file.h"
#include "cli/export_onnx.h"
#include "models/common_c.h"
#include "train/checkpoint.h"

#include <string.h>

typedef struct export_options {
    const char *out;
    int format;
    bool c, step;
} export_options;

enum { BY_NAME, SAFETENSORS, ONNX, C_FILE, FORMATS };
#define FORMAT_NAMES "by-name safetensors onnx c"
static const char *const endings[FORMATS] = { "", ".safetensors", ".onnx", ".c" };

/* clang-format off */
static const iv_field export_fields[] = {
    FIELD(export_options, out,    TEXT,   "",        0, 0, "",           "FILE", "the file to write; without it SYSTEM.onnx, SYSTEM.c or SYSTEM.safetensors, here"),
    FIELD(export_options, format, CHOICE, "by-name", 0, 0, FORMAT_NAMES, "",     "of the file; by-name: as its name ends"),
    FIELD(export_options, c,      BOOL,   "no",      0, 0, "",           "",     "the same as --format c"),
    FIELD(export_options, step,   BOOL,   "no",      0, 0, "",           "",     "texts, as ONNX: one token at a time, with the model's states as inputs and outputs"),
    FIELD_END,
};
/* clang-format on */

/* What is asked for; BY_NAME: it cannot be told. */
static int format_of(const export_options *o)
{
    const char *ending = strrchr(o->out, '.');
    int format = o->c ? C_FILE : o->format;

    for (int f = 1; f < FORMATS && ending && !format; f++)
        format = strcmp(ending, endings[f]) ? BY_NAME : f;
    return format;
}

/* {"file": OUT, NAME: number}, for --json. */
static int put_json(cli *c, const char *out, const char *name, int64_t number)
{
    iv__text line = { .home = c->home };
    iv__json_writer w = { .text = &line };

    iv__json_put_object(&w);
    cli_put_string(&w, "file", out);
    cli_put_int(&w, name, number);
    iv__json_end_object(&w);
    const int status = cli_put_line(c, &line);
    iv__text_free(&line);
    return status;
}

/* Says how large it is. */
static int export_c(cli *c, iv__opened *run, const char *out)
{
    iv__view view;
    char size[32];

    if (iv__export_c(run->instance, run->params, out) || iv__view_open(c->home, out, &view))
        return cli_fail(c);
    const int64_t bytes = (int64_t)view.size;
    iv__view_close(&view);
    if (c->common.json)
        return put_json(c, out, "bytes", bytes);
    printf("%s: %s of C, for cc -std=c99 -O3\n", out, cli_bytes((size_t)bytes, size));
    return DONE;
}

static int export_weights(cli *c, const iv__opened *run, const char *out)
{
    char count[32];

    if (iv__weights_write(c->home, out, run->params))
        return cli_fail(c);
    if (c->common.json)
        return put_json(c, out, "parameters", iv_params_elements(run->params, ""));
    printf("%s: %s parameters\n", out, cli_count(iv_params_elements(run->params, ""), count));
    return DONE;
}

static int cmd_export(cli *c)
{
    const export_options *o = c->options;
    const int format = format_of(o);
    iv__opened run;

    if (o->c && o->format && o->format != C_FILE)
        return cli_wrong(c, "--c and --format %s do not go together", endings[o->format] + 1);
    if (format == BY_NAME && !*o->out)
        return cli_wrong(c, "say what to write: --out FILE.onnx, FILE.c or FILE.safetensors");
    if (format == BY_NAME)
        return cli_wrong(c, "what %s is to be cannot be told by its name: give --format", o->out);
    if (o->step && format != ONNX)
        return cli_wrong(c, "--step is of ONNX files alone");
    if (iv__opened_load(c->home, c->args[0], "model", &run))
        return cli_fail(c);
    const char *out = *o->out ? o->out
                              : iv__arena_print(&c->arena, "%s%s", run.instance->system->name,
                                                endings[format]);
    int status = !out                            ? cli_fail(c)
                 : cli_spare(c, c->args[0], out) ? WRONG
                 : format == ONNX                ? export_onnx(c, &run, out, o->step)
                 : format == C_FILE              ? export_c(c, &run, out)
                                                 : export_weights(c, &run, out);
    iv__opened_free(&run);
    return status;
}

const command command_export = {
    .name = "export",
    .place = 64,
    .arguments = "RUN [OPTION]...",
    .says = "a trained run in a form that others read",
    .about = "Writes a trained run, its folder or a model file of it alone, in another form.\n"
             "safetensors: the weights by name, and nothing else. onnx: the graph of the trained\n"
             "model for any batch and length, as onnxruntime and others run it. c: a run that\n"
             "writes texts as one C file, which a C99 compiler makes a program of, and which\n"
             "draws the same samples.",
    .examples = { "ivory export runs/recipes --out recipes.onnx",
                  "ivory export runs/fables --c --out fables.c" },
    .fields = { export_fields },
    .options_size = sizeof(export_options),
    .least = 1,
    .most = 1,
    .run = cmd_export,
};
