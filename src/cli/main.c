/* main.c: the program ivory: finds the command, reads its options, runs it. */
#include "cli/help.h"
#include "cli/limit.h"
#include "cli/options.h"
#include "cli/plain.h"

#include "backend/backend.h"

#include "ivory_version.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define IV__COMMAND(name) extern const command command_##name;
#include "registry_commands.inc"
#undef IV__COMMAND

const command *cli_commands[] = {
#define IV__COMMAND(name) &command_##name,
#include "registry_commands.inc"
#undef IV__COMMAND
    NULL,
};

enum { COMMANDS = sizeof cli_commands / sizeof *cli_commands - 1 };

static int by_place(const void *a, const void *b)
{
    return (*(const command *const *)a)->place - (*(const command *const *)b)->place;
}

static const command *find_command(const char *name)
{
    for (int i = 0; cli_commands[i]; i++)
        if (!strcmp(cli_commands[i]->name, name))
            return cli_commands[i];
    return NULL;
}

static int unknown_command(const cli *c, const char *name)
{
    const char *names[COMMANDS + 1] = { 0 };

    for (int i = 0; i < COMMANDS; i++)
        names[i] = cli_commands[i]->name;
    const char *near = iv__nearest(name, names);
    if (near)
        return cli_wrong(c, "there is no command '%s'; did you mean '%s'?", name, near);
    return cli_wrong(c, "there is no command '%s'", name);
}

static int run_command(cli *c, int argc, char **argv)
{
    iv_home *words = c->home; /* of the command line, whose texts outlive the command */
    int status = cli_parse(c, argc, argv);

    if (status || c->common.help)
        return status ? status : help_command(c);
    c->most_memory = limit_here();
    if (*c->common.max_memory && !limit_read(c->common.max_memory, &c->most_memory))
        return cli_wrong(c, "--max-memory %s: expected a size, as 300M or 2G", c->common.max_memory);
    if (c->command->computes) {
        const size_t most = c->command->just_plans           ? 0
                            : c->most_memory > LIMIT_PROGRAM ? c->most_memory - LIMIT_PROGRAM
                                                             : 1;
        c->home = iv_home_new(&(iv_home_options){
            .size = sizeof(iv_home_options), .threads = (int)c->common.threads, .most_bytes = most });
    }
    if (!c->home)
        status = cli_refuse("out of memory");
    else if (c->command->computes && !iv__backend_of(c->home)) /* before anything is read or left behind */
        status = cli_fail(c);
    else
        status = c->command->run(c);
    if (c->home && status == DONE && iv_home_status(c->home) == IV_NOMEM)
        status = cli_fail(c); /* a part of what it showed is missing */
    if (c->home != words)
        iv_home_free(c->home);
    c->home = words;
    return status;
}

/* `ivory help train recipes` is `ivory train recipes --help`. */
static int help(cli *c, int argc, char **argv)
{
    static char option[] = "--help";

    if (argc < 1) {
        help_all(stdout);
        return DONE;
    }
    c->command = find_command(argv[0]);
    if (!c->command)
        return unknown_command(c, argv[0]);
    argv[0] = option;
    int status = cli_parse(c, argc, argv);
    return status ? status : help_command(c);
}

static int dispatch(cli *c, int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    if (!*name) {
        help_all(stderr);
        return WRONG;
    }
    if (!strcmp(name, "--version")) {
        printf("ivory %s%s%s%s\n", iv_version(), *IVORY_COMMIT ? " (" : "", IVORY_COMMIT,
               *IVORY_COMMIT ? ")" : "");
        return DONE;
    }
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help"))
        return help(c, argc - 2, argv + 2);
    c->command = find_command(name);
    if (!c->command)
        return *name == '-' ? cli_wrong(c, "expected a command before '%s'", name)
                            : unknown_command(c, name);
    return run_command(c, argc - 2, argv + 2);
}

/* A standard stream that was closed must not become one of our files: what is written to it then
 * fails, as it should. */
static bool open_standard_streams(void)
{
    for (int stream = 0; stream < 3; stream++)
        if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != stream)
            return false;
    return true;
}

int main(int argc, char **argv)
{
    if (!open_standard_streams())
        return FAILED;
    plain_stdout();
    signal(SIGXFSZ, SIG_IGN); /* a file beyond the shell's limit: that is seen when writing */
    cli c = { .home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 }),
              .argc = argc,
              .argv = argv };

    if (!c.home)
        return cli_refuse("out of memory");
    c.arena.home = c.home;
    qsort(cli_commands, COMMANDS, sizeof *cli_commands, by_place);
    int status = dispatch(&c, argc, argv);
    iv__arena_free(&c.arena);
    iv_home_free(c.home);
    if ((fflush(stdout) || ferror(stdout)) && status == DONE)
        return cli_refuse("writing to standard output: %s", strerror(errno));
    return status;
}
