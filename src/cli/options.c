/* options.c: the command line, read by tables of fields. The field clip_norm is --clip-norm VALUE
 * or --clip-norm=VALUE. */
#include "cli/options.h"

#include "base/home.h"

#include <string.h>

/* clang-format off */
const iv_field cli_common_fields[] = {
    FIELD(cli_common, threads, INT,  "0",  0, 256, "", "",
          "threads that share the work, with the same result for any number; 0: one per processor"),
    FIELD(cli_common, max_memory, TEXT, "", 0, 0, "", "SIZE",
          "take no more memory, as 300M or 2G; without it what is free here. A training takes its records in smaller lots "
          "then (--micro-batch), or is refused before it begins"),
    FIELD(cli_common, json,    BOOL, "no", 0, 0,   "", "",
          "one JSON object a line on standard output, and nothing else"),
    FIELD(cli_common, quiet,   BOOL, "no", 0, 0,   "", "", "no bar, and no messages but failures"),
    FIELD(cli_common, help,    BOOL, "no", 0, 0,   "", "", "this help"),
    FIELD_END,
};
/* clang-format on */

static const struct {
    char letter;
    const char *name;
} short_names[] = { { 'o', "out" }, { 'q', "quiet" }, { 'h', "help" } };

const char *cli_dashed(const char *field, char name[64])
{
    snprintf(name, 64, "%s", field);
    for (char *at = name; *at; at++)
        if (*at == '_')
            *at = '-';
    return name;
}

/* ---- finding an option ------------------------------------------------------------- */

/* An option of the command itself, or of every command; *options: the struct it is in. */
static const iv_field *own_field(cli *c, const char *name, void **options)
{
    const iv_field *field = iv__field_find(cli_common_fields, name);

    *options = &c->common;
    for (int i = 0; !field && c->command->fields[i]; i++) {
        field = iv__field_find(c->command->fields[i], name);
        *options = c->options;
    }
    return field;
}

/* An option of any system. */
static const iv_field *system_field(const cli *c, const char *name)
{
    if (!c->command->takes_system)
        return NULL;
    const iv_field *field = iv__field_find(iv__settings_fields, name);
    for (int i = 0; !field && iv__models[i]; i++)
        field = iv__field_find(iv__models[i]->fields, name);
    return field;
}

enum { MOST_NAMES = 512 };

static int add_names(const char **names, int n, const iv_field *fields)
{
    for (; fields->name && n < MOST_NAMES; fields++)
        names[n++] = fields->name;
    return n;
}

/* Refuses an option. The nearest name is an option of the command or of the model (NULL: of
 * any). */
static int unknown_option(cli *c, const char *name, const iv__model *model)
{
    const char *names[MOST_NAMES + 1] = { 0 };
    char asked[64], near_name[64];
    int n = add_names(names, 0, cli_common_fields);

    for (int i = 0; c->command->fields[i]; i++)
        n = add_names(names, n, c->command->fields[i]);
    if (c->command->takes_system) {
        n = add_names(names, n, iv__settings_fields);
        for (int i = 0; iv__models[i]; i++)
            if (!model || model == iv__models[i])
                n = add_names(names, n, iv__models[i]->fields);
    }
    names[n] = NULL;
    snprintf(asked, sizeof asked, "%s", name);
    for (char *at = asked; *at; at++)
        if (*at == '-')
            *at = '_';
    bool letter = strlen(name) == 1;
    const char *near = letter ? NULL : iv__nearest(asked, names), *dashes = letter ? "-" : "--";
    if (near)
        return cli_wrong(c, "there is no option '%s%s'; did you mean '--%s'?", dashes, name,
                         cli_dashed(near, near_name));
    return cli_wrong(c, "there is no option '%s%s'", dashes, name);
}

/* The home's message on a value, with the option as it is typed in front. */
static int bad_value(cli *c, const iv_field *field)
{
    const char *message = iv_home_message(c->home);
    size_t size = strlen(field->name);
    char name[64];

    if (!strncmp(message, field->name, size))
        return cli_wrong(c, "--%s%s", cli_dashed(field->name, name), message + size);
    return cli_wrong(c, "%s", message);
}

/* ---- reading ----------------------------------------------------------------------- */

static int set_own(cli *c, const iv_field *field, void *options, const char *value)
{
    if (c->command->joins && options == c->options && !strcmp(field->name, c->command->joins)) {
        const char **text = (const char **)((char *)options + field->offset), *joint = c->command->joint;
        if (**text || joint)
            value = iv__arena_print(&c->arena, "%s%s%s", *text, joint ? joint : "\n", value);
        if (!value)
            return cli_fail(c);
    }
    return iv__field_set(c->home, &c->arena, field, options, field->name, value) ? bad_value(c, field)
                                                                                 : DONE;
}

static bool is_yes_or_no(const char *text)
{
    return text && (!strcmp(text, "yes") || !strcmp(text, "no"));
}

/* One option at argv[0]; *used: how many arguments it took. */
static int take_option(cli *c, char **argv, int argc, int *used)
{
    char name[64];
    const char *begin = argv[0] + (argv[0][1] == '-' ? 2 : 1), *equals = strchr(begin, '=');
    int size = (int)(equals ? equals - begin : (ptrdiff_t)strlen(begin));

    snprintf(name, sizeof name, "%.*s", size, begin);
    bool one_dash = argv[0][1] != '-';
    if (one_dash && size != 1)
        return cli_wrong(c, "there is no option '%s'; did you mean '-%s'?", argv[0], argv[0]);
    for (size_t i = 0; one_dash && i < sizeof short_names / sizeof *short_names; i++)
        if (*begin == short_names[i].letter)
            snprintf(name, sizeof name, "%s", short_names[i].name);

    void *options;
    const iv_field *own = own_field(c, name, &options), *field = own ? own : system_field(c, name);
    if (!field || size >= (int)sizeof name)
        return unknown_option(c, name, NULL);
    const char *next = argc > 1 ? argv[1] : NULL, *value = equals ? equals + 1 : next;
    *used = equals ? 1 : 2;
    if (!equals && field->type == IV_FIELD_BOOL && !is_yes_or_no(next)) {
        value = "yes";
        *used = 1;
    }
    if (!value || (!equals && !strncmp(value, "--", 2)))
        return cli_wrong(c, "the option --%s needs a value", cli_dashed(field->name, name));
    if (own)
        return set_own(c, own, options, value);
    c->settings[c->n_settings++] = (cli_setting){ field->name, value };
    return DONE;
}

static int check_count(const cli *c)
{
    if (c->n_args < c->command->least)
        return cli_wrong(c, "expected: ivory %s %s", c->command->name, c->command->arguments);
    if (c->n_args > c->command->most)
        return cli_wrong(c, "'%s' is one argument too many; expected: ivory %s %s",
                         c->args[c->command->most], c->command->name, c->command->arguments);
    return DONE;
}

int cli_parse(cli *c, int argc, char **argv)
{
    bool options_ended = false;

    c->args = iv__arena_get(&c->arena, ((size_t)argc + 1) * sizeof *c->args);
    c->settings = iv__arena_get(&c->arena, ((size_t)argc + 1) * sizeof *c->settings);
    c->options = iv__arena_get(&c->arena, c->command->options_size + 1);
    if (!c->args || !c->settings || !c->options)
        return cli_fail(c);
    iv__fields_default(cli_common_fields, &c->common);
    for (int i = 0; c->command->fields[i]; i++)
        iv__fields_default(c->command->fields[i], c->options);
    for (int i = 0, used; i < argc; i += used) {
        int status = DONE;
        used = 1;
        if (options_ended || argv[i][0] != '-' || !argv[i][1])
            c->args[c->n_args++] = argv[i];
        else if (!strcmp(argv[i], "--"))
            options_ended = true;
        else
            status = take_option(c, argv + i, argc - i, &used);
        if (status)
            return status;
    }
    return c->common.help ? DONE : check_count(c);
}

/* ---- options of a system ----------------------------------------------------------- */

int cli_apply_settings(cli *c, iv__instance *instance)
{
    for (int i = 0; i < c->n_settings; i++) {
        const char *name = c->settings[i].name;
        char dashed[64];
        const iv_field *field = iv__field_find(iv__settings_fields, name);
        if (!field)
            field = iv__field_find(instance->model->fields, name);
        if (!field)
            return unknown_option(c, cli_dashed(name, dashed), instance->model);
        if (iv__instance_set(instance, name, c->settings[i].value))
            return bad_value(c, field);
    }
    return DONE;
}
