/* ivory info SYSTEM|RUN|FILE: layers, shapes, parameters, memory; of a run also its training. */
#include "base/file.h"
#include "base/home.h"
#include "cli/graph_picture.h"
#include "cli/metrics.h"
#include "cli/options.h"
#include "cli/summary.h"

#include <math.h>
#include <string.h>

typedef struct info_options {
    bool plan, as_printed;
    const char *graph;
} info_options;

/* clang-format off */
static const iv_field info_fields[] = {
    FIELD(info_options, plan,       BOOL, "no", 0, 0, "", "",
          "the plan of a training step: groups, calls, kernels, shapes, places"),
    FIELD(info_options, graph,      TEXT, "",   0, 0, "", "FILE",
          "the graph, too: as a drawing of its layers (.svg), else every op as text"),
    FIELD(info_options, as_printed, BOOL, "no", 0, 0, "", "", "the system as its book printed it, faults included"),
    FIELD_END,
};
/* clang-format on */

/* Rows of the steps' plans in bf16, and those that stay in f32, each with what they say once. */
enum { MOST_ROWS = 128 };
typedef struct precision_row {
    const char *row, *why_f32; /* NULL: in bf16 */
    int parts;
} precision_row;
typedef struct precision_list {
    int n;
    precision_row rows[MOST_ROWS];
} precision_list;

typedef struct info {
    cli *c;
    iv__instance *instance; /* of the system, or of the opened run */
    iv_params *params;
    iv__opened opened; /* of a run; else empty */
    char weights[65];  /* SHA-256 of the weights; "" without a run */
    summary summary;
    summary_memory memory;
    precision_list precision; /* of bf16; else empty */
    metric copies;            /* the last of a run; else of another kind */
} info;

/* ---- as text ----------------------------------------------------------------------- */

static void put_reads(const summary *s, const summary_layer *layer)
{
    for (int k = 0; k < layer->n_reads; k++)
        printf("%s%s", k ? ", " : "", s->layers[layer->reads[k]].name);
    putchar('\n');
}

static void put_layers(const summary *s)
{
    char shape[160], count[32], name[160];

    printf("  %-32s %-20s %14s  %s\n", "Layer (type)", "Output shape", "Parameters", "Reads");
    for (int i = 0; i < s->n_layers; i++) {
        const summary_layer *layer = &s->layers[i];
        if (layer->kind != SUMMARY_LAYER)
            continue;
        snprintf(name, sizeof name, "%s (%s)", layer->name, layer->type);
        printf("  %-32s %-20s %14s  ", name, iv_shape_text(&layer->shape, shape, sizeof shape),
               cli_count(layer->parameters, count));
        put_reads(s, layer);
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
    iv__text text = { .home = home }, value = { .home = home };
    int column = printf("\n  %s:", title);
    char name[64];

    for (; fields->name; fields++) {
        iv__text_clear(&text);
        iv__text_print(&text, " --%s ", cli_dashed(fields->name, name));
        iv__text_clear(&value);
        iv__field_print(fields, options, &value);
        cli_put_quoted(&text, value.data ? value.data : "");
        if (text.failed || value.failed)
            break;
        if (column + (int)text.size > 79)
            column = printf("\n   ") - 1;
        column += printf("%s", text.data);
    }
    putchar('\n');
    iv__text_free(&text);
    iv__text_free(&value);
}

static void put_about(const info *f)
{
    iv__text text = { .home = f->c->home };

    if (f->instance->model->about)
        f->instance->model->about(f->instance, &text);
    if (text.data && !text.failed)
        printf("\n%s", text.data);
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
    printf("\n  Data %s, SHA-256 %s\n  Weights SHA-256 %s\n", f->instance->data,
           f->instance->data_sha256, f->weights);
    if (f->copies.kind == METRIC_COPIES && !isnan(f->copies.copied))
        printf("  Samples at step %lld: longest copy %.0f tokens; %.1f %% of the spans of %.0f tokens "
               "stand in the training text, of real text %.1f %%%s\n",
               (long long)f->copies.step, f->copies.longest_copy, 100 * f->copies.copied, f->copies.span,
               100 * f->copies.real_copied, f->copies.by_heart ? ": learned by heart" : "");
    put_about(f);
    put_options(f->c->home, "Model", f->instance->model->fields, f->instance->options);
    put_options(f->c->home, "Training", iv__settings_fields, &f->instance->training);
}

static void put_precision(const info *f)
{
    const precision_list *list = &f->precision;

    printf("\n  Precision bf16: operands of products are rounded to bf16, sums are f32\n");
    for (int f32 = 0; f32 < 2; f32++) {
        for (int i = 0; i < list->n; i++) {
            const precision_row *row = &list->rows[i];
            if (!row->why_f32 == !f32)
                printf("  %-32s x%-3d %-5s %s\n", row->row, row->parts, f32 ? "f32" : "bf16",
                       f32 ? row->why_f32 : "");
        }
    }
}

static void put_all(const info *f)
{
    const iv__instance *instance = f->instance;

    printf("%s: %s\nmodel %s: %s%s\n\n", instance->system->name, instance->system->says,
           instance->model->name, instance->model->says, instance->as_printed ? " (as printed)" : "");
    put_layers(&f->summary);
    put_memory(f);
    if (f->precision.n)
        put_precision(f);
    if (f->opened.instance)
        put_run(f);
}

/* ---- as JSON ----------------------------------------------------------------------- */

static void put_layers_json(iv__json_writer *w, const summary *s)
{
    cli_put_int(w, "parameters", s->parameters);
    iv__json_put_name(w, "layers");
    iv__json_put_array(w);
    for (int i = 0; i < s->n_layers; i++) {
        const summary_layer *layer = &s->layers[i];
        if (layer->kind != SUMMARY_LAYER)
            continue;
        iv__json_put_object(w);
        cli_put_string(w, "name", layer->name);
        cli_put_string(w, "type", layer->type);
        iv__json_put_name(w, "shape");
        iv__json_put_array(w);
        for (int64_t d = 0; d < layer->shape.rank; d++)
            iv__json_put_int(w, layer->shape.dim[d]);
        iv__json_end_array(w);
        cli_put_int(w, "parameters", layer->parameters);
        iv__json_put_name(w, "reads");
        iv__json_put_array(w);
        for (int k = 0; k < layer->n_reads; k++)
            iv__json_put_string(w, s->layers[layer->reads[k]].name);
        iv__json_end_array(w);
        iv__json_end_object(w);
    }
    iv__json_end_array(w);
}

static void put_memory_json(iv__json_writer *w, const summary_memory *m)
{
    iv__json_put_name(w, "memory");
    iv__json_put_object(w);
    cli_put_int(w, "parameters", (int64_t)m->parameters);
    cli_put_int(w, "optimizer", (int64_t)m->optimizer);
    cli_put_int(w, "slab", (int64_t)m->slab);
    cli_put_int(w, "inputs", (int64_t)m->inputs);
    cli_put_int(w, "constants", (int64_t)m->constants);
    cli_put_int(w, "scratch", (int64_t)m->scratch);
    cli_put_int(w, "validation", (int64_t)m->validation);
    cli_put_int(w, "total", (int64_t)m->total);
    iv__json_end_object(w);
}

static void put_precision_json(iv__json_writer *w, const precision_list *list)
{
    iv__json_put_name(w, "bf16");
    iv__json_put_array(w);
    for (int i = 0; i < list->n; i++) {
        const precision_row *row = &list->rows[i];
        iv__json_put_object(w);
        cli_put_string(w, "row", row->row);
        cli_put_int(w, "parts", row->parts);
        cli_put_string(w, "precision", row->why_f32 ? "f32" : "bf16");
        if (row->why_f32)
            cli_put_string(w, "why", row->why_f32);
        iv__json_end_object(w);
    }
    iv__json_end_array(w);
}

static void put_run_json(iv__json_writer *w, const info *f)
{
    const iv__progress *p = &f->opened.progress;

    cli_put_string(w, "run", f->c->args[0]);
    cli_put_int(w, "step", p->step);
    cli_put_int(w, "best_epoch", p->best_epoch);
    iv__json_put_name(w, "best");
    iv__json_put_double(w, p->best);
    cli_put_int(w, "lowered", p->lowered);
    if (f->copies.kind == METRIC_COPIES) {
        cli_put_float(w, "longest_copy", f->copies.longest_copy);
        cli_put_float(w, "copied_spans", f->copies.copied);
        cli_put_float(w, "real_copied_spans", f->copies.real_copied);
        cli_put_bool(w, "by_heart", f->copies.by_heart);
    }
    cli_put_string(w, "data_sha256", f->instance->data_sha256);
    cli_put_string(w, "version", iv__safetensors_metadata(f->opened.file, "ivory.version"));
    cli_put_string(w, "weights_sha256", f->weights);
}

static int put_all_json(info *f)
{
    const iv__instance *instance = f->instance;
    iv__text text = { .home = f->c->home };
    iv__json_writer w = { .text = &text };

    iv__json_put_object(&w);
    cli_put_string(&w, "system", instance->system->name);
    cli_put_string(&w, "model", instance->model->name);
    cli_put_string(&w, "data", instance->data);
    cli_put_bool(&w, "as_printed", instance->as_printed);
    if (f->opened.instance)
        put_run_json(&w, f);
    put_layers_json(&w, &f->summary);
    put_memory_json(&w, &f->memory);
    if (f->precision.n)
        put_precision_json(&w, &f->precision);
    cli_put_fields(&w, "options", instance->model->fields, instance->options);
    cli_put_fields(&w, "training", iv__settings_fields, &instance->training);
    iv__json_end_object(&w);
    int status = cli_put_line(f->c, &text);
    iv__text_free(&text);
    return status;
}

/* ---- the plans of its steps -------------------------------------------------------- */

static void add_row(precision_list *list, const iv_plan_part *part)
{
    for (int i = 0; i < list->n; i++) {
        if (!strcmp(list->rows[i].row, part->row) && !list->rows[i].why_f32 == part->bf16) {
            list->rows[i].parts++;
            return;
        }
    }
    if (list->n < MOST_ROWS)
        list->rows[list->n++] = (precision_row){ part->row, part->why_f32, 1 };
}

static void look_at_plan(void *user, const iv_plan *plan)
{
    info *f = user;

    if (((const info_options *)f->c->options)->plan && !f->c->common.json)
        iv_plan_print(plan, stdout);
    for (int i = 0; i < iv_plan_parts(plan); i++) {
        iv_plan_part part = iv_plan_part_of(plan, i);
        if (part.bf16 || part.why_f32)
            add_row(&f->precision, &part);
    }
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

/* The last samples that were looked at; metrics that are absent or damaged say nothing. */
static iv_status find_copies(info *f)
{
    iv__text path = { .home = f->c->home };
    metrics m;

    iv__text_print(&path, "%s/metrics.jsonl", f->c->args[0]);
    iv_status status = path.failed ? IV_NOMEM : IV_OK;
    if (!status && iv__file_exists(path.data) && !(status = metrics_read(f->c->home, path.data, &m))) {
        for (int64_t i = 0; i < m.count; i++)
            if (m.list[i].kind == METRIC_COPIES)
                f->copies = m.list[i];
        metrics_free(&m);
    }
    iv__text_free(&path);
    if (status != IV_FORMAT)
        return status;
    iv_home_clear(f->c->home);
    return IV_OK;
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
    if (iv__opened_load(c->home, c->args[0], "last", &f->opened) ||
        iv__checkpoint_sha256(c->home, f->opened.file, f->weights))
        return cli_fail(c);
    f->instance = f->opened.instance;
    f->params = f->opened.params;
    return find_copies(f) ? cli_fail(c) : DONE;
}

static int save_graph(const info *f, const char *path)
{
    const char *ending = strrchr(path, '.');
    const bool svg = ending && !strcmp(ending, ".svg");

    if (ending && (!strcmp(ending, ".png") || !strcmp(ending, ".jpg") || !strcmp(ending, ".pdf")))
        return cli_wrong(f->c, "--graph %s: it is drawn as SVG alone: name a file that ends in .svg",
                         path);
    if (svg ? graph_picture(f->c->home, &f->summary, f->instance->system->name, path)
            : summary_save_graph(f->instance, f->params, path))
        return cli_fail(f->c);
    return DONE;
}

static int cmd_info(cli *c)
{
    const info_options *o = c->options;
    const iv__model *model;
    info f = { .c = c };
    bool is_run = !iv__system_named(c->home, c->args[0], &model) &&
                  (cli_exists(c->args[0]) || strchr(c->args[0], '/'));

    iv_home_clear(c->home);
    int status = is_run ? open_run(&f) : open_system(&f);
    if (!status) {
        iv_home_set_precision(c->home, (iv_precision)f.instance->training.precision);
        iv_home_set_micro_batch(c->home, f.instance->training.micro_batch);
    }
    if (!status && (summary_make(f.instance, f.params, &f.summary) ||
                    summary_foretell(f.instance, f.params, &f.memory, look_at_plan, &f)))
        status = cli_fail(c);
    if (!status && *o->graph)
        status = save_graph(&f, o->graph);
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
             "that training takes, known before the first step. A layer reads the layers and\n"
             "inputs that its values come from. Of a run also its options,\n"
             "its data and the checksum of its weights.",
    .examples = { "ivory info recipes --layers 2 --cell gru --batch 64",
                  "ivory info fashion --graph fashion.svg" },
    .fields = { info_fields },
    .options_size = sizeof(info_options),
    .least = 1,
    .most = 1,
    .takes_system = true,
    .computes = true, /* what a plan needs depends on the threads */
    .just_plans = true,
    .run = cmd_info,
};
