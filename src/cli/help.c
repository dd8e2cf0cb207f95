/* help.c: help, written from the commands and the tables of fields. */
#include "cli/help.h"

#include "cli/options.h"

#include <string.h>

enum { TEXT_COLUMN = 26, LINE_COLUMNS = 79 };

void help_all(FILE *file)
{
    fprintf(file, "usage: ivory COMMAND [ARGUMENT]... [OPTION]...\n\n"
                  "Trains generative models and makes things with them.\n\n");
    for (int i = 0; cli_commands[i]; i++)
        fprintf(file, "  %-10s  %s\n", cli_commands[i]->name, cli_commands[i]->says);
    fprintf(file, "\n  ivory COMMAND --help  every option of a command, with examples\n"
                  "  ivory --version       the version\n\n"
                  "To begin: ivory train tales\n");
}

/* Words of the text from TEXT_COLUMN on; the cursor stands at `column`. */
static void put_wrapped(int column, const char *text)
{
    for (bool first = true; *text; first = false) {
        int size = (int)strcspn(text, " ");
        if (!first && column + 1 + size > LINE_COLUMNS) {
            printf("\n%*s", TEXT_COLUMN, "");
            column = TEXT_COLUMN;
        } else if (!first) {
            putchar(' ');
            column++;
        }
        printf("%.*s", size, text);
        column += size;
        text += size;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static const char *placeholder(const iv_field *field)
{
    switch (field->type) {
    case IV_FIELD_INT: return " N";
    case IV_FIELD_REAL: return " X";
    case IV_FIELD_BOOL: return strcmp(field->value, "yes") ? "" : " yes|no";
    case IV_FIELD_CHOICE: return " WORD";
    default: return " ";
    }
}

static void put_choices(iv__text *text, const char *choices)
{
    iv__text_put(text, ": ");
    while (*choices) {
        size_t size = strcspn(choices, " ");
        const char *next = choices + size + (choices[size] == ' ');
        iv__text_add(text, choices, size);
        iv__text_put(text, !*next ? "" : strchr(next, ' ') ? ", " : " or ");
        choices = next;
    }
}

/* " (1 to 65536 records; default 32)" */
static void put_range(iv__text *text, const iv_field *field, const char *value)
{
    bool number = field->type == IV_FIELD_INT || field->type == IV_FIELD_REAL;
    bool ranged = number && field->low < field->high;
    bool plain_switch = field->type == IV_FIELD_BOOL &&
                        strcmp(field->value, "yes"); /* off unless it is given */
    bool has_value = *value && !plain_switch;

    if (!ranged && !has_value)
        return;
    iv__text_put(text, " (");
    if (ranged && field->high < 1e9)
        iv__text_print(text, "%.10g to %.10g", field->low, field->high);
    else if (ranged)
        iv__text_print(text, "%.10g or more", field->low);
    if (ranged && *field->unit)
        iv__text_print(text, " %s", field->unit);
    if (has_value)
        iv__text_print(text, "%sdefault %s", ranged ? "; " : "", value);
    iv__text_put(text, ")");
}

static void put_option(const cli *c, const iv_field *field, const void *options)
{
    static const char *const with_letter[] = { "out", "quiet", "help" };
    char name[64], head[96], letter[8] = "";
    iv__text text = { .home = c->home }, value = { .home = c->home };

    for (size_t i = 0; i < sizeof with_letter / sizeof *with_letter; i++)
        if (!strcmp(field->name, with_letter[i]))
            snprintf(letter, sizeof letter, "-%c, ", field->name[0]);
    snprintf(head, sizeof head, "  %s--%s%s%s", letter, cli_dashed(field->name, name),
             placeholder(field), field->type == IV_FIELD_TEXT ? field->unit : "");
    if (options)
        iv__field_print(field, options, &value);
    iv__text_put(&text, field->help);
    if (field->type == IV_FIELD_CHOICE)
        put_choices(&text, field->choices);
    put_range(&text, field, options ? (value.data ? value.data : "") : field->value);
    int column = printf("%-*s", TEXT_COLUMN, head);
    if (column > TEXT_COLUMN) {
        printf("\n%*s", TEXT_COLUMN, "");
        column = TEXT_COLUMN;
    }
    put_wrapped(column, text.data ? text.data : "");
    iv__text_free(&text);
    iv__text_free(&value);
}

static void put_table(const cli *c, const iv_field *fields, const void *options)
{
    for (; fields->name; fields++)
        put_option(c, fields, options);
}

/* Argument 0 is a run rather than a system (or there is none). */
static bool names_no_system(cli *c)
{
    const iv__model *model;

    if (!c->n_args)
        return true;
    bool no_system = !iv__system_named(c->home, c->args[0], &model) && cli_exists(c->args[0]);
    iv_home_clear(c->home);
    return no_system;
}

static int put_system_options(cli *c)
{
    if (names_no_system(c)) {
        printf("\nOptions of training:\n");
        put_table(c, iv__settings_fields, NULL);
        printf("\n`ivory %s SYSTEM --help` shows the options of the system's model, too, and the\n"
               "defaults of the system. `ivory systems` lists them.\n",
               c->command->name);
        return DONE;
    }
    int status;
    iv__instance *instance = cli_instance(c, false, &status);
    if (!instance)
        return status;
    printf("\nOptions of the model %s, with the defaults of %s:\n", instance->model->name,
           instance->system->name);
    put_table(c, instance->model->fields, instance->options);
    printf("\nOptions of training:\n");
    put_table(c, iv__settings_fields, &instance->training);
    iv__instance_free(instance);
    return DONE;
}

int help_command(cli *c)
{
    const command *about = c->command;
    int status = DONE;

    printf("usage: ivory %s %s\n\n%s\n", about->name, about->arguments, about->about);
    printf("\nOptions:\n");
    for (int i = 0; about->fields[i]; i++)
        put_table(c, about->fields[i], NULL);
    put_table(c, cli_common_fields, NULL);
    if (about->takes_system)
        status = put_system_options(c);
    if (!status)
        printf("\nExamples:\n  %s\n  %s\n", about->examples[0], about->examples[1]);
    return status;
}
