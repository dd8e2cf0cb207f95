/* ivory import FILE: what a file of another program's weights holds; these weights as a file of Ivory's, or in a run. */
#include "base/home.h"
#include "cli/cli.h"
#include "format/safetensors.h"

#include <ivory/run.h>
#include <ivory/weights.h>

#include <math.h>
#include <string.h>

typedef struct import_options {
    const char *into, *out, *from;
    int match;
    bool partial, not_finite;
} import_options;

/* clang-format off */
static const iv_field import_fields[] = {
    FIELD(import_options, out,        TEXT,   "",     0, 0, "", "FILE", "write the weights to this file: a .safetensors, or with --into a model of the run"),
    FIELD(import_options, into,       TEXT,   "",     0, 0, "", "RUN",  "give the parameters of this run, or model file, the weights; the run stays as it is"),
    FIELD(import_options, match,      CHOICE, "auto", 0, 0, "auto name order", "", "layers by their names, or in order; auto: by name, in order where no name is known"),
    FIELD(import_options, from,       TEXT,   "",     0, 0, "", "NAME", "only layers of the file whose names begin so, which is left out then: encoder/"),
    FIELD(import_options, partial,    BOOL,   "no",   0, 0, "", "",     "parameters may find no weight and stay, and weights no parameter"),
    FIELD(import_options, not_finite, BOOL,   "no",   0, 0, "", "",     "weights may be NaN or infinite"),
    FIELD_END,
};
/* clang-format on */

typedef struct import {
    cli *c;
    const import_options *o;
    iv_weights *weights;
    iv__text line;
    iv__json_writer json; /* onto the line */
    int status;           /* of writing */
} import;

static void put_shape(iv__json_writer *w, const char *name, const iv_shape *shape)
{
    iv__json_put_name(w, name);
    iv__json_put_array(w);
    for (int64_t i = 0; i < shape->rank; i++)
        iv__json_put_int(w, shape->dim[i]);
    iv__json_end_array(w);
}

static void put_line(import *im)
{
    const int status = cli_put_line(im->c, &im->line);

    im->status = im->status ? im->status : status;
}

/* ---- what the file holds --------------------------------------------------------------------- */

/* How many of its numbers are NaN or infinite; -1 when they cannot be read. */
static int64_t count_not_finite(const import *im, int64_t i)
{
    iv_tensor *tensor = iv_weights_read(im->weights, i, IV_F64);
    int64_t bad = 0;

    if (!tensor)
        return -1;
    for (int64_t k = 0; k < iv_shape_count(&tensor->shape); k++)
        bad += !isfinite(((const double *)tensor->data)[k]);
    iv_tensor_free(tensor);
    return bad;
}

static void list_one(import *im, const iv_weight *weight, int64_t bad)
{
    char shape[160], count[32], name[200], note[64] = "";

    if (weight->beside)
        snprintf(note, sizeof note, "  no weight of a layer");
    if (bad)
        snprintf(note, sizeof note, bad < 0 ? "  not read" : "  %lld NaN or infinite", (long long)bad);
    if (im->c->common.json) {
        iv__json_put_object(&im->json);
        cli_put_string(&im->json, "name", weight->name);
        cli_put_string(&im->json, "layer", weight->layer);
        cli_put_string(&im->json, "part", weight->part);
        cli_put_string(&im->json, "kind", weight->kind);
        put_shape(&im->json, "shape", &weight->shape);
        cli_put_bool(&im->json, "weight", !weight->beside);
        cli_put_int(&im->json, "not_finite", bad < 0 ? 0 : bad);
        iv__json_end_object(&im->json);
    } else {
        snprintf(name, sizeof name, "%s%s%s", weight->layer, *weight->layer ? " " : "", weight->part);
        for (char *c = name; *c; c++) /* what a terminal would obey */
            *c = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
        iv__text_print(&im->line, "  %-44s %-5s %-20s %12s%s", name, weight->kind,
                       iv_shape_text(&weight->shape, shape, sizeof shape),
                       cli_count(iv_shape_count(&weight->shape), count), note);
        put_line(im);
    }
}

static int list_all(import *im)
{
    const int64_t n = iv_weights_count(im->weights);
    int64_t elements = 0, bad = 0;
    char count[32];

    if (im->c->common.json) {
        iv__json_put_object(&im->json);
        cli_put_string(&im->json, "file", im->c->args[0]);
        iv__json_put_name(&im->json, "weights");
        iv__json_put_array(&im->json);
    } else {
        iv__text_print(&im->line, "  %-44s %-5s %-20s %12s", "Layer and part", "Kind", "Shape",
                       "Numbers");
        put_line(im);
    }
    for (int64_t i = 0; i < n; i++) {
        const iv_weight *weight = iv_weights_of(im->weights, i);
        const int64_t worse = count_not_finite(im, i);
        if (worse < 0 && iv_home_status(im->c->home) == IV_NOMEM)
            return cli_fail(im->c);
        list_one(im, weight, worse);
        bad += worse > 0 ? worse : 0;
        elements += weight->beside ? 0 : iv_shape_count(&weight->shape);
    }
    iv_home_clear(im->c->home);
    if (im->c->common.json) {
        iv__json_end_array(&im->json);
        cli_put_int(&im->json, "parameters", elements);
        cli_put_int(&im->json, "not_finite", bad);
        iv__json_end_object(&im->json);
    } else {
        iv__text_print(&im->line, "  %-44s %-5s %-20s %12s", "Total", "", "",
                       cli_count(elements, count));
    }
    put_line(im);
    if (bad)
        cli_note(im->c,
                 "%s of the numbers %s NaN or infinite: the weights are damaged, or their training failed",
                 cli_count(bad, count), bad == 1 ? "is" : "are");
    return im->status;
}

/* ---- a file of safetensors ------------------------------------------------------------------- */

static int write_file(import *im)
{
    const int64_t n = iv_weights_count(im->weights);
    iv_home *home = im->c->home;
    iv__named_tensor *list = iv__alloc_array(home, n + 1, sizeof *list);
    iv_tensor **tensors = iv__alloc_array(home, n + 1, sizeof *tensors);
    int64_t kept = 0;
    bool good = list && tensors;
    char count[32];

    for (int64_t i = 0; i < n && good; i++) {
        const iv_weight *weight = iv_weights_of(im->weights, i);
        if (weight->beside)
            continue;
        tensors[kept] = iv_weights_read(im->weights, i, 0);
        good = tensors[kept];
        if (good && !im->o->not_finite && count_not_finite(im, i) > 0) {
            iv_fail(home, IV_NUMERIC,
                    "%s: '%s' has numbers that are NaN or infinite: --not-finite takes them as they are",
                    im->c->args[0], weight->name);
            iv_tensor_free(tensors[kept]);
            good = false;
        }
        if (good)
            list[kept] = (iv__named_tensor){ weight->name,
                                             tensors[kept]->dtype,
                                             tensors[kept]->shape,
                                             tensors[kept]->data,
                                             NULL,
                                             0 };
        kept += good;
    }
    if (good)
        good = !iv__safetensors_write(home, im->o->out, kept, list, 0, NULL);
    for (int64_t i = 0; tensors && i < kept; i++)
        iv_tensor_free(tensors[i]);
    iv__free(home, tensors);
    iv__free(home, list);
    if (!good)
        return cli_fail(im->c);
    cli_note(im->c, "%s: %s weights", im->o->out, cli_count(kept, count));
    return DONE;
}

/* ---- into a run ------------------------------------------------------------------------------ */

static void tell_match(void *user, const iv_weights_match *match)
{
    import *im = user;
    char is[160] = "", wanted[160] = "", note[300] = "";

    if (match->weight)
        iv_shape_text(&match->weight->shape, is, sizeof is);
    if (match->parameter)
        iv_shape_text(&match->shape, wanted, sizeof wanted);
    if (im->c->common.json) {
        iv__json_put_object(&im->json);
        cli_put_string(&im->json, "weight", match->weight ? match->weight->name : NULL);
        cli_put_string(&im->json, "parameter", match->parameter);
        cli_put_bool(&im->json, "taken", match->taken);
        cli_put_string(&im->json, "note", match->note);
        iv__json_end_object(&im->json);
    } else {
        if (match->taken && *match->note)
            snprintf(note, sizeof note, "  from the layout of %s", match->note);
        else if (!match->taken)
            snprintf(note, sizeof note, "  NOT TAKEN: %s", match->note);
        iv__text_print(&im->line, "  %-32s %-16s <- %s %s%s", match->parameter ? match->parameter : "-",
                       wanted, match->weight ? match->weight->name : "-", is, note);
    }
    put_line(im);
}

static int put_into_run(import *im)
{
    cli *c = im->c;
    iv_run *run = iv_run_load(c->home, im->o->into);
    const iv_weights_options options = { .size = sizeof options,
                                         .match = (iv_weights_order)im->o->match,
                                         .from = *im->o->from ? im->o->from : NULL,
                                         .partial = im->o->partial,
                                         .not_finite = im->o->not_finite,
                                         .sink = tell_match,
                                         .user = im };
    bool good = run && !iv_weights_load_with(im->weights, iv_run_params(run), &options) &&
                !iv_run_save(run, im->o->out);

    iv_run_free(run);
    if (!good)
        return cli_fail(c);
    cli_note(c, "%s: %s with these weights", im->o->out, im->o->into);
    return im->status;
}

static int cmd_import(cli *c)
{
import im = {.c = c, .o = c->options, .line.home = c->home };
    int status;

    im.json.text = &im.line;
    if (*im.o->into && !*im.o->out)
        return cli_wrong(c, "--into needs --out FILE, where the model with the new weights goes");
    if (!*im.o->into && (*im.o->from || im.o->match || im.o->partial))
        return cli_wrong(c, "--match, --from and --partial say how weights get --into a run");
    if (!*im.o->out && im.o->not_finite)
        return cli_wrong(c, "--not-finite says that such weights may be written: name a file by --out");
    if (*im.o->out &&
        (cli_spare(c, c->args[0], im.o->out) || (*im.o->into && cli_spare(c, im.o->into, im.o->out))))
        return WRONG;
    im.weights = iv_weights_open(c->home, c->args[0]);
    if (!im.weights)
        return cli_fail(c);
    if (*im.o->into)
        status = put_into_run(&im);
    else
        status = *im.o->out ? write_file(&im) : list_all(&im);
    iv_weights_free(im.weights);
    iv__text_free(&im.line);
    return status;
}

const command command_import = {
    .name = "import",
    .place = 65,
    .arguments = "FILE [OPTION]...",
    .says = "weights of other programs: what a file holds, into a run, or as safetensors",
    .about = "Reads Keras's .h5, .weights.h5 and .keras (of versions 1 to 3; layouts of CuDNN and of\n"
             "Keras 1 are brought into Ivory's), NumPy's .npz and .npy, and safetensors. Alone it\n"
             "lists the layers with their shapes. With --into it tells what became of each weight;\n"
             "all must fit, unless --partial says otherwise.",
    .examples = { "ivory import textgenrnn_weights.hdf5",
                  "ivory import my.weights.h5 --into runs/fables --out fables.safetensors" },
    .fields = { import_fields },
    .options_size = sizeof(import_options),
    .least = 1,
    .most = 1,
    .run = cmd_import,
};
