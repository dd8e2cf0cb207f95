/* ivory eval RUN: loss and the field's measures on records that were held back, and whether what it
 * writes is learned by heart; or how surprising a given text is to it. */
#include "base/home.h"
#include "cli/memory.h"
#include "cli/paint.h"
#include "cli/so_far.h"
#include "cli/surprise.h"
#include "models/common_forecast.h"

#include <math.h>
#include <string.h>

typedef struct eval_options {
    const char *data, *text, *picture, *out, *prompt;
    int64_t samples, length;
    int split;
    int precision;
} eval_options;

/* clang-format off */
static const iv_field eval_fields[] = {
    FIELD(eval_options, data,  TEXT,   "",     0, 0, "", "PATH",
          "the data: a file, a data set's folder, the folder that holds data sets, or another data set's name"),
    FIELD(eval_options, split, CHOICE, "test", 0, 0, "training validation test", "", "which records"),
    FIELD(eval_options, samples, INT,  "64",  0, 10000, "", "",
          "how many samples are looked for in the training text; 0: none"),
    FIELD(eval_options, length, INT,  "100", 1, 100000, "", "tokens", "most tokens of such a sample"),
    FIELD(eval_options, prompt, TEXT, "",    0, 0,     "", "TEXT",
          "how they begin; without it as the system's own first prompt does"),
    FIELD(eval_options, text, TEXT, "",    0, 0,     "", "FILE",
          "instead score this text (-: standard input): its perplexity, and how many bits each of its "
          "tokens surprises by"),
    FIELD(eval_options, picture, TEXT, "", 0, 0,    "", "FILE",
          "instead look at this picture: how many bits each of its pixels surprises by"),
    FIELD(eval_options, out, TEXT, "",    0, 0,     "", "FILE",
          "with --text: write a page of HTML on which the tokens are coloured by their surprise; with "
          "--picture: a picture of them"),
    CLI_PRECISION(eval_options),
    FIELD_END,
};
/* clang-format on */

typedef struct result {
    const char *split, *counted; /* what the weight counts */
    double loss, weight;
    int64_t records;
    int n;
    iv__measure measure[IV__MAX_MEASURES];
    iv__memory *memory;  /* NULL: nothing was drawn */
    iv__text no_samples; /* why */
} result;

static int put_result(cli *c, const result *r)
{
    iv__text text = { .home = c->home };
    iv__json_writer w = { .text = &text };
    char count[32];

    if (!c->common.json) {
        printf("%-24s %12.6f\n", "loss", r->loss);
        for (int i = 0; i < r->n; i++)
            if (isnan(r->measure[i].value)) /* R2 where the targets do not differ */
                printf("%-24s %12s\n", r->measure[i].name, "undefined");
            else
                printf("%-24s %12.6g\n", r->measure[i].name, r->measure[i].value);
        printf("%-24s %12s of the %s split\n", "records", cli_count(r->records, count), r->split);
        const int64_t counted = (int64_t)(r->weight + 0.5);
        if (counted != r->records)
            printf("%-24s %12s\n", r->counted, cli_count(counted, count));
        if (r->memory)
            memory_put(c, r->memory);
        return DONE;
    }
    iv__json_put_object(&w);
    cli_put_string(&w, "split", r->split);
    cli_put_float(&w, "loss", r->loss);
    for (int i = 0; i < r->n; i++)
        cli_put_measure(&w, r->measure[i].name, r->measure[i].value);
    cli_put_int(&w, "records", r->records);
    iv__json_put_name(&w, "weight"), iv__json_put_double(&w, r->weight);
    if (r->memory)
        memory_put_json(&w, r->memory);
    if (r->no_samples.size)
        cli_put_string(&w, "no_samples", r->no_samples.data);
    iv__json_end_object(&w);
    int status = cli_put_line(c, &text);
    iv__text_free(&text);
    return status;
}

static int open_data(cli *c, iv__instance *instance)
{
    const char *said = ((const eval_options *)c->options)->data, *data = *said ? said : NULL;
    const iv__dataset *set = iv__dataset_of(instance, &data);
    char trained_on[65];

    snprintf(trained_on, sizeof trained_on, "%s", instance->data_sha256);
    if (!set)
        return cli_fail(c);
    if (!data && !set->file && !set->asset)
        return cli_wrong(c, "the run was trained on a file of your own: name it with --data FILE");
    if (instance->model->open_data(instance, set, data))
        return cli_fail(c);
    if (strcmp(trained_on, instance->data_sha256))
        cli_note(c, "these data are not those that the run was trained on");
    return DONE;
}

/* Samples are an extra here: what goes wrong with them is said, and the loss stands all the same. */
static void look_for_samples(cli *c, iv__opened *run, result *r)
{
    const eval_options *o = c->options;
    const char *own = run->instance->system->prompts ? run->instance->system->prompts : "";
    iv__text prompt = { .home = c->home };
    iv__generation g = { 0 };

    if (!o->samples || !run->instance->model->sample || !run->instance->model->cut)
        return;
    iv__fields_default(iv__generation_fields, &g);
    if (*o->prompt)
        iv__text_put(&prompt, o->prompt);
    else
        iv__text_add(&prompt, own, strcspn(own, "\n"));
    g.n = o->samples;
    g.length = o->length;
    g.prompt = prompt.data ? prompt.data : "";
    r->memory = memory_of_samples(run->instance, run->params, &g, NULL, NULL);
    if (!r->memory) {
        iv__text_put(&r->no_samples, iv_home_message(c->home));
        cli_note(c, "no samples: %s", iv_home_message(c->home));
        iv_home_clear(c->home);
    }
    iv__text_free(&prompt);
}

/* Of predictions, in the target's own unit, beside least squares. */
static iv_status measure_forecast(iv__opened *run, iv__split split, result *r)
{
    iv__forecast forecast;
    iv__text note = { .home = run->instance->home };
    iv_status status = run->instance->model->predict(run->instance, run->params, NULL, split,
                                                     &forecast, &note);

    if (!status) {
        r->n = iv__forecast_measures(&forecast, r->measure);
        iv__forecast_free(&forecast);
    }
    iv__text_free(&note);
    return status;
}

static void show_records(void *records, int64_t seen)
{
    so_far_show(records, seen);
}

static int evaluate(cli *c, iv__opened *run)
{
    iv__instance *instance = run->instance;
    iv__split split = (iv__split)((const eval_options *)c->options)->split;
    result r = { .split = iv__split_name(split),
                 .counted = instance->model->language ? "tokens" : "places",
                 .records = instance->trainee.n_records[split],
                 .no_samples = { .home = c->home } };

    if (!r.records)
        return cli_refuse("the run keeps no records for %s: choose another with --split (%s)", r.split,
                          iv__split_name(instance->trainee.n_records[SPLIT_VALIDATION] ? SPLIT_VALIDATION
                                                                                       : SPLIT_TRAIN));
    iv__evaluation *evaluation = iv__evaluation_new(run->params, &instance->trainee,
                                                    instance->training.batch);
    so_far records = so_far_begin(c, r.split, "record", r.records);
    iv_status status = evaluation
                           ? iv__evaluate(evaluation, split, show_records, &records, &r.loss, &r.weight)
                           : iv_home_status(c->home);
    so_far_end(&records);
    iv__evaluation_free(evaluation);
    if (status)
        return cli_fail(c);
    if (instance->model->measures)
        r.n = instance->model->measures(instance, split, r.loss, r.weight, r.measure);
    if (instance->model->predict && measure_forecast(run, split, &r))
        return cli_fail(c);
    if (instance->model->examine)
        r.n = instance->model->examine(instance, run->params, split, r.measure);
    if (r.n < 0)
        return cli_fail(c);
    look_for_samples(c, run, &r);
    int exit_status = put_result(c, &r);
    iv__memory_free(r.memory);
    iv__text_free(&r.no_samples);
    return exit_status;
}

static int cmd_eval(cli *c)
{
    const eval_options *o = c->options;
    iv__opened run;

    if (*o->out && !*o->text && !*o->picture)
        return cli_wrong(c, "--out is for the page of --text, or the map of --picture");
    if (*o->text && *o->picture)
        return cli_wrong(c, "--text and --picture do not go together");
    if (iv__opened_load(c->home, c->args[0], "model", &run))
        return cli_fail(c);
    cli_use_precision(c, o->precision, run.instance);
    int status = *o->text      ? surprise_put(c, &run, o->text, o->out)
                 : *o->picture ? paint_surprise(c, &run, o->picture, o->out)
                               : open_data(c, run.instance);
    if (!status && !*o->text && !*o->picture)
        status = evaluate(c, &run);
    iv__opened_free(&run);
    return status;
}

const command command_eval = {
    .name = "eval",
    .place = 40,
    .arguments = "RUN [OPTION]...",
    .says = "loss, perplexity, ... on records that were held back",
    .about = "The loss of a trained run, and what follows from it, on the records that were\n"
             "held back for testing. Padding counts in none of them, unless the run was\n"
             "trained so. Of a run that writes texts samples are drawn then and looked for in\n"
             "the training text, beside stretches of real text as long: an alarm rings when the\n"
             "run says by heart what it was trained on.",
    .examples = { "ivory eval runs/recipes --split validation --samples 100",
                  "ivory eval runs/recipes --text letter.txt --out letter.html" },
    .fields = { eval_fields },
    .options_size = sizeof(eval_options),
    .least = 1,
    .most = 1,
    .computes = true,
    .run = cmd_eval,
};
