/* ivory info SYSTEM|RUN|FILE: layers, shapes, parameters, memory; of a run also its training. */
#include "base/home.h"
#include "cli/options.h"
#include "cli/summary.h"

#include <math.h>
#include <string.h>

typedef struct info_options {
    bool plan, as_printed;
} info_options;

/* clang-format off */
static const iv_field info_fields[] = {
    FIELD(info_options, plan,       BOOL, "no", 0, 0, "", "",
          "the plan of a training step: groups, calls, kernels, shapes, places"),
    FIELD(info_options, as_printed, BOOL, "no", 0, 0, "", "", "the system as its book printed it, faults included"),
    FIELD_END,
};
/* clang-format on */

typedef struct info {
    cli *c;
    iv_instance *instance; /* of the system, or of the opened run */
    iv_params *params;
    iv__opened opened; /* of a run; else empty */
    char weights[65];  /* SHA-256 of the weights; "" without a run */
    summary summary;
    summary_memory memory;
} info;

/* ---- as text ----------------------------------------------------------------------- */

static void put_layers(const summary *s)
{
    char shape[160], count[32], name[160];

    printf("  %-32s %-20s %14s\n", "Layer (type)", "Output shape", "Parameters");
    for (int i = 0; i < s->n_layers; i++) {
        const summary_layer *layer = &s->layers[i];
        snprintf(name, sizeof name, "%s (%s)", layer->name, layer->type);
        printf("  %-32s %-20s %14s\n", name, iv_shape_text(&layer->shape, shape, sizeof shape),
               cli_count(layer->parameters, count));
    }
    printf("  %-32s %-20s %14s\n", "Total", "", cli_count(s->parameters, count));
}

static void put_memory(const info *f)
{
    const summary_memory *m = &f->memory;
    const struct {
        const char *name;
        size_t bytes;
    } rows[] = { { "parameters", m->parameters },
                 { "optimizer", m->optimizer },
                 { "slab: values and scratch", m->slab },
                 { "inputs", m->inputs },
                 { "constants: packed weights", m->constants },
                 { "validation", m->validation },
                 { "Total", m->total } };
    char bytes[32];

    printf("\n  Memory to train, batch %lld\n", (long long)f->instance->training.batch);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        printf("  %-32s %35s\n", rows[i].name, cli_bytes(rows[i].bytes, bytes));
}

static void put_options(iv_home *home, const char *title, const iv_field *fields, const void *options)
{
    iv__text text = { .home = home };
    int column = printf("\n  %s:", title);
    char name[64];

    for (; fields->name; fields++) {
        iv__text_clear(&text);
        iv__text_print(&text, " --%s ", cli_dashed(fields->name, name));
        iv__field_print(fields, options, &text);
        if (text.failed)
            break;
        if (column + (int)text.size > 79)
            column = printf("\n   ") - 1;
        column += printf("%s", text.data);
    }
    putchar('\n');
    iv__text_free(&text);
}

static void put_run(const info *f)
{
    const iv__progress *p = &f->opened.progress;

    printf("\n  Trained for %lld steps", (long long)p->step);
    if (p->best_epoch)
        printf("; best epoch %lld, loss %.4f", (long long)p->best_epoch, p->best);
    if (p->lowered)
        printf("; rate lowered %lld times", (long long)p->lowered);
    printf("\n  Data %s, SHA-256 %s\n  Weights SHA-256 %s\n", f->instance->system->data,
           f->instance->data_sha256, f->weights);
    put_options(f->c->home, "Model", f->instance->model->fields, f->instance->options);
    put_options(f->c->home, "Training", iv__settings_fields, &f->instance->training);
}

static void put_all(const info *f)
{
    const iv_instance *instance = f->instance;

    printf("%s: %s\nmodel %s: %s%s\n\n", instance->system->name, instance->system->says,
           instance->model->name, instance->model->says, instance->as_printed ? " (as printed)" : "");
    put_layers(&f->summary);
    put_memory(f);
    if (f->opened.instance)
        put_run(f);
}

/* ---- as JSON ----------------------------------------------------------------------- */

static void put_int(iv__json_writer *w, const char *name, int64_t number)
{
    iv__json_put_name(w, name);
    iv__json_put_int(w, number);
}

static void put_string(iv__json_writer *w, const char *name, const char *string)
{
    iv__json_put_name(w, name);
    iv__json_put_string(w, string);
}

static void put_layers_json(iv__json_writer *w, const summary *s)
{
    put_int(w, "parameters", s->parameters);
    iv__json_put_name(w, "layers");
    iv__json_put_array(w);
    for (int i = 0; i < s->n_layers; i++) {
        const summary_layer *layer = &s->layers[i];
        iv__json_put_object(w);
        put_string(w, "name", layer->name);
        put_string(w, "type", layer->type);
        iv__json_put_name(w, "shape");
        iv__json_put_array(w);
        for (int64_t d = 0; d < layer->shape.rank; d++)
            iv__json_put_int(w, layer->shape.dim[d]);
        iv__json_end_array(w);
        put_int(w, "parameters", layer->parameters);
        iv__json_end_object(w);
    }
    iv__json_end_array(w);
}

static void put_memory_json(iv__json_writer *w, const summary_memory *m)
{
    iv__json_put_name(w, "memory");
    iv__json_put_object(w);
    put_int(w, "parameters", (int64_t)m->parameters);
    put_int(w, "optimizer", (int64_t)m->optimizer);
    put_int(w, "slab", (int64_t)m->slab);
    put_int(w, "inputs", (int64_t)m->inputs);
    put_int(w, "constants", (int64_t)m->constants);
    put_int(w, "scratch", (int64_t)m->scratch);
    put_int(w, "validation", (int64_t)m->validation);
    put_int(w, "total", (int64_t)m->total);
    iv__json_end_object(w);
}

static void put_run_json(iv__json_writer *w, const info *f)
{
    const iv__progress *p = &f->opened.progress;

    put_string(w, "run", f->c->args[0]);
    put_int(w, "step", p->step);
    put_int(w, "best_epoch", p->best_epoch);
    iv__json_put_name(w, "best");
    iv__json_put_double(w, p->best);
    put_int(w, "lowered", p->lowered);
    put_string(w, "data_sha256", f->instance->data_sha256);
    put_string(w, "version", iv__safetensors_metadata(f->opened.file, "ivory.version"));
    put_string(w, "weights_sha256", f->weights);
}

static int put_all_json(info *f)
{
    const iv_instance *instance = f->instance;
    iv__text text = { .home = f->c->home };
    iv__json_writer w = { .text = &text };

    iv__json_put_object(&w);
    put_string(&w, "system", instance->system->name);
    put_string(&w, "model", instance->model->name);
    put_string(&w, "data", instance->system->data);
    iv__json_put_name(&w, "as_printed");
    iv__json_put_bool(&w, instance->as_printed);
    if (f->opened.instance)
        put_run_json(&w, f);
    put_layers_json(&w, &f->summary);
    put_memory_json(&w, &f->memory);
    cli_put_fields(&w, "options", instance->model->fields, instance->options);
    cli_put_fields(&w, "training", iv__settings_fields, &instance->training);
    iv__json_end_object(&w);
    int status = cli_put_line(f->c, &text);
    iv__text_free(&text);
    return status;
}

/* ---- what it is about -------------------------------------------------------------- */

static int open_system(info *f)
{
    const info_options *o = f->c->options;
    int status;

    f->instance = cli_instance(f->c, o->as_printed, &status);
    if (!f->instance)
        return status;
    f->params = iv_params_new_empty(f->c->home, IV_F32);
    return f->params ? DONE : cli_fail(f->c);
}

static int open_run(info *f)
{
    cli *c = f->c;
    char name[64];

    if (c->n_settings)
        return cli_wrong(c, "%s is a run, whose options stand fast: leave --%s out", c->args[0],
                         cli_dashed(c->settings[0].name, name));
    if (((const info_options *)c->options)->as_printed)
        return cli_wrong(c, "%s is a run, whose options stand fast: leave --as-printed out",
                         c->args[0]);
    if (iv__run_load(c->home, c->args[0], "last", &f->opened) ||
        iv__checkpoint_sha256(c->home, f->opened.file, f->weights))
        return cli_fail(c);
    f->instance = f->opened.instance;
    f->params = f->opened.params;
    return DONE;
}

static int cmd_info(cli *c)
{
    const info_options *o = c->options;
    const iv_model *model;
    info f = { .c = c };
    bool is_run = !iv__system_named(c->home, c->args[0], &model) &&
                  (cli_exists(c->args[0]) || strchr(c->args[0], '/'));

    iv_home_clear(c->home);
    int status = is_run ? open_run(&f) : open_system(&f);
    if (!status && (summary_make(f.instance, f.params, &f.summary) ||
                    summary_foretell(f.instance, f.params, &f.memory,
                                     o->plan && !c->common.json ? stdout : NULL)))
        status = cli_fail(c);
    if (!status && c->common.json)
        status = put_all_json(&f);
    else if (!status && !o->plan)
        put_all(&f);
    summary_free(&f.summary);
    if (f.opened.instance) {
        iv__opened_free(&f.opened);
    } else {
        iv_params_free(f.params);
        iv__instance_free(f.instance);
    }
    return status;
}

const command command_info = {
    .name = "info",
    .place = 50,
    .arguments = "SYSTEM|RUN|FILE [OPTION]...",
    .says = "layers, shapes, parameters and memory of a system, or of a trained run",
    .about = "The summary table: layers, the shape each gives out, parameters; and the memory\n"
             "that training takes, known before the first step. Of a run also its options,\n"
             "its data and the checksum of its weights.",
    .examples = { "ivory info recipes", "ivory info recipes --layers 2 --cell gru --batch 64" },
    .fields = { info_fields },
    .options_size = sizeof(info_options),
    .least = 1,
    .most = 1,
    .takes_system = true,
    .computes = true, /* what a plan needs depends on the threads */
    .run = cmd_info,
};
