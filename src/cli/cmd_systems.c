/* ivory systems: what Ivory can make. */
#include "cli/summary.h"

typedef struct systems_options {
    const char *data;
} systems_options;

/* clang-format off */
static const iv_field systems_fields[] = {
    FIELD(systems_options, data, TEXT, "", 0, 0, "", "PATH", "look for data sets in this folder"),
    FIELD_END,
};
/* clang-format on */

/* -1 when the model cannot be built: the home has the message. */
static int64_t parameters_of(iv_home *home, const iv__model *model, const iv__system *system)
{
    iv__instance *instance = iv__instance_new(home, model, system, false);
    iv_params *params = instance ? iv_params_new_empty(home, IV_F32) : NULL;
    int64_t parameters = params && !iv__instance_make_params(instance, params)
                             ? iv_params_elements(params, "")
                             : -1;

    iv_params_free(params);
    iv__instance_free(instance);
    return parameters;
}

/* "built in", "your own", "here" or "not here". */
static const char *where_is(iv_home *home, const iv__dataset *set, const char *data)
{
    iv__text path = { .home = home };

    if (set->asset)
        return "built in";
    if (!set->file)
        return "your own";
    bool here = !iv__dataset_locate(home, set, *data ? data : NULL, &path);
    iv__text_free(&path);
    iv_home_clear(home);
    return here ? "here" : "not here";
}

static int put_system(cli *c, const iv__model *model, const iv__system *system)
{
    const iv__dataset *set = iv__dataset_named(system->data);
    const char *where = where_is(c->home, set, ((const systems_options *)c->options)->data);
    int64_t parameters = parameters_of(c->home, model, system);
    char count[32];

    if (parameters < 0)
        return cli_fail(c);
    if (!c->common.json) {
        printf("%-15s %12s  %-13s %-10s %s\n", system->name, cli_count(parameters, count),
               set->name, where, system->says);
        return DONE;
    }
    iv__text text = { .home = c->home };
    iv__json_writer w = { .text = &text };
    iv__json_put_object(&w);
    cli_put_string(&w, "system", system->name);
    cli_put_string(&w, "says", system->says);
    cli_put_string(&w, "model", model->name);
    cli_put_int(&w, "parameters", parameters);
    cli_put_string(&w, "data", set->name);
    cli_put_string(&w, "where", where);
    cli_put_bool(&w, "as_printed", system->printed != NULL);
    iv__json_end_object(&w);
    int status = cli_put_line(c, &text);
    iv__text_free(&text);
    return status;
}

static int cmd_systems(cli *c)
{
    int status = DONE;

    if (!c->common.json)
        printf("%-15s %12s  %-13s %-10s %s\n", "SYSTEM", "PARAMETERS", "DATA", "", "MAKES");
    for (int i = 0; iv__models[i] && !status; i++)
        for (const iv__system *system = iv__models[i]->systems; system->name && !status; system++)
            status = put_system(c, iv__models[i], system);
    return status;
}

const command command_systems = {
    .name = "systems",
    .place = 10,
    .arguments = "[OPTION]...",
    .says = "what Ivory can make",
    .about = "What Ivory can make: each system's name, parameters and data, and whether the\n"
             "data are here. With data of your own the number of parameters follows their\n"
             "vocabulary.",
    .examples = { "ivory systems", "ivory train recipes --help" },
    .fields = { systems_fields },
    .options_size = sizeof(systems_options),
    .run = cmd_systems,
};
