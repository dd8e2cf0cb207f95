/* fuzz_options.c: any bytes as a command line, and as settings of every table of options: what is accepted is printed,
 * and read again as the same. The first byte chooses the command; arguments have a line each. */
#include "fuzz_world.h"

#include "cli/options.h"

#define IV__COMMAND(name) extern const command command_##name;
#include "registry_commands.inc"
#undef IV__COMMAND

const command *cli_commands[] = {
#define IV__COMMAND(name) &command_##name,
#include "registry_commands.inc"
#undef IV__COMMAND
    NULL,
};

enum {
    COMMANDS = sizeof cli_commands / sizeof *cli_commands - 1,
    MOST_ARGUMENTS = 32,
    MOST_BYTES = 4096
};

/* `options` as text, set again on defaults: the same. */
static void round_trip(iv_home *home, const iv_field *fields, const void *options, size_t size)
{
    iv__arena arena = { .home = home };
    iv__text text = { .home = home };
    void *again = iv__arena_get(&arena, size);

    must(again != NULL);
    iv__fields_default(fields, again);
    for (const iv_field *field = fields; field->name; field++) {
        iv__text_clear(&text);
        iv__field_print(field, options, &text);
        must(!text.failed);
        must(iv__field_set(home, &arena, fields, again, field->name, text.data ? text.data : "") ==
             IV_OK);
    }
    must(iv__fields_same(fields, options, again));
    must(iv__fields_hash(fields, options) == iv__fields_hash(fields, again));
    iv__text_free(&text);
    iv__arena_free(&arena);
}

/* The settings, one by one, of a table; what is refused leaves the table's options as they were. */
static void set_each(iv_home *home, const iv_field *fields, size_t size, int argc, char **argv)
{
    iv__arena arena = { .home = home };
    void *options = iv__arena_get(&arena, size);

    must(options != NULL);
    iv__fields_default(fields, options);
    for (int i = 0; i < argc; i++) {
        const uint64_t before = iv__fields_hash(fields, options);
        iv_home_clear(home);
        if (iv__fields_set(home, &arena, fields, options, argv[i]))
            must(strchr(argv[i], ' ') || iv__fields_hash(fields, options) == before);
    }
    round_trip(home, fields, options, size);
    iv__arena_free(&arena);
}

static void parse(iv_home *home, const command *asked, int argc, char **argv)
{
    cli c = { .home = home, .arena.home = home, .command = asked, .argc = argc, .argv = argv };

    iv_home_clear(home);
    if (cli_parse(&c, argc, argv) == DONE) {
        must(c.n_args + c.n_settings <= argc);
        must(c.common.help || (c.n_args >= asked->least && c.n_args <= asked->most));
        for (int i = 0; asked->fields[i]; i++)
            round_trip(home, asked->fields[i], c.options, asked->options_size);
    }
    if (c.settings && c.n_settings)
        for (int m = 0; iv__models[m]; m++) {
            iv__instance *instance = iv__instance_new(home, iv__models[m], iv__models[m]->systems,
                                                      false);
            must(instance != NULL);
            if (cli_apply_settings(&c, instance) == DONE)
                round_trip(home, instance->model->fields, instance->options,
                           instance->model->options_size);
            iv__instance_free(instance);
        }
    iv__arena_free(&c.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *silent;
    iv_home *home = fuzz_home();
    char line[MOST_BYTES + 1], *argv[MOST_ARGUMENTS + 1] = { NULL };
    int argc = 0;

    if (size < 1 || size > MOST_BYTES)
        return 0;
    if (!silent)
        silent = stderr = fopen("/dev/null", "w"); /* messages; a sanitizer's go to the descriptor */
    memcpy(line, data + 1, size - 1);
    line[size - 1] = 0;
    for (char *at = line, *end; at && argc < MOST_ARGUMENTS; at = end) {
        end = strchr(at, '\n');
        if (end)
            *end++ = 0;
        argv[argc++] = at;
    }
    parse(home, cli_commands[data[0] % COMMANDS], argc, argv);
    set_each(home, iv__settings_fields, sizeof(iv__settings), argc, argv);
    set_each(home, iv__generation_fields, sizeof(iv__generation), argc, argv);
    for (int m = 0; iv__models[m]; m++)
        set_each(home, iv__models[m]->fields, iv__models[m]->options_size, argc, argv);
    return fuzz_end(home, false);
}
