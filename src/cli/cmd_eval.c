/* ivory eval RUN: loss and the field's measures on records that were held back. */
#include "cli/cli.h"

#include <string.h>

typedef struct eval_options {
    const char *data;
    int split;
    int precision;
} eval_options;

/* clang-format off */
static const iv_field eval_fields[] = {
    FIELD(eval_options, data,  TEXT,   "",     0, 0, "", "PATH",
          "the data: a file, a data set's folder, the folder that holds data sets, or another data set's name"),
    FIELD(eval_options, split, CHOICE, "test", 0, 0, "training validation test", "", "which records"),
    CLI_PRECISION(eval_options),
    FIELD_END,
};
/* clang-format on */

typedef struct result {
    const char *split;
    double loss, weight;
    int64_t records;
    int n;
    iv_measure measure[IV_MAX_MEASURES];
} result;

static int put_result(cli *c, const result *r)
{
    iv__text text = { .home = c->home };
    iv__json_writer w = { .text = &text };
    char name[64], count[32];

    if (!c->common.json) {
        printf("%-16s %.6f\n", "loss", r->loss);
        for (int i = 0; i < r->n; i++)
            printf("%-16s %.6g\n", r->measure[i].name, r->measure[i].value);
        printf("%-16s %s of the %s split\n", "records", cli_count(r->records, count), r->split);
        printf("%-16s %s\n", "weight", cli_count((int64_t)r->weight, count));
        return DONE;
    }
    iv__json_put_object(&w);
    iv__json_put_name(&w, "split"), iv__json_put_string(&w, r->split);
    iv__json_put_name(&w, "loss"), iv__json_put_float(&w, r->loss);
    for (int i = 0; i < r->n; i++) {
        snprintf(name, sizeof name, "%s", r->measure[i].name);
        for (char *blank; (blank = strchr(name, ' '));)
            *blank = '_';
        iv__json_put_name(&w, name), iv__json_put_float(&w, r->measure[i].value);
    }
    iv__json_put_name(&w, "records"), iv__json_put_int(&w, r->records);
    iv__json_put_name(&w, "weight"), iv__json_put_double(&w, r->weight);
    iv__json_end_object(&w);
    int status = cli_put_line(c, &text);
    iv__text_free(&text);
    return status;
}

static int open_data(cli *c, iv_instance *instance)
{
    const char *said = ((const eval_options *)c->options)->data, *data = *said ? said : NULL;
    const iv_dataset *set = iv__dataset_of(instance, &data);
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

static int evaluate(cli *c, iv__opened *run)
{
    static const char *const names[] = { "training", "validation", "test" };
    iv_instance *instance = run->instance;
    iv__split split = (iv__split)((const eval_options *)c->options)->split;
    result r = { .split = names[split], .records = instance->trainee.n_records[split] };

    if (!r.records)
        return cli_refuse("the run keeps no records for %s: choose another --split", r.split);
    iv__evaluation *evaluation = iv__evaluation_new(run->params, &instance->trainee,
                                                    instance->training.batch);
    iv_status status = evaluation ? iv__evaluate(evaluation, split, &r.loss, &r.weight)
                                  : iv_home_status(c->home);
    iv__evaluation_free(evaluation);
    if (status)
        return cli_fail(c);
    if (instance->model->measures)
        r.n = instance->model->measures(instance, r.loss, r.measure);
    return put_result(c, &r);
}

static int cmd_eval(cli *c)
{
    iv__opened run;

    if (iv__run_load(c->home, c->args[0], "model", &run))
        return cli_fail(c);
    cli_use_precision(c, ((const eval_options *)c->options)->precision, run.instance);
    int status = open_data(c, run.instance);
    if (!status)
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
             "trained so. weight: what the loss is a mean over, tokens of a text.",
    .examples = { "ivory eval runs/recipes", "ivory eval runs/recipes --split validation --json" },
    .fields = { eval_fields },
    .options_size = sizeof(eval_options),
    .least = 1,
    .most = 1,
    .computes = true,
    .run = cmd_eval,
};
