/* cli.h: a command, and what every command works with. */
#ifndef IV_CLI_CLI_H
#define IV_CLI_CLI_H

#include "base/field.h"
#include "format/json_write.h"
#include "registry/registry.h"

#include <ivory/ivory.h>

#include <stdio.h>

/* Exit statuses. */
enum { DONE = 0, FAILED = 1, WRONG = 2, INTERRUPTED = 130 };

typedef struct cli cli;

/* A command is one file, cmd_NAME.c, that defines command_NAME; the build lists them. */
typedef struct command {
    const char *name;
    int place;             /* in the list of commands */
    const char *arguments; /* "SYSTEM [OPTION]...", as its help shows them */
    const char *says;      /* in one line */
    const char *about;     /* more, for its help; lines broken as they shall stand */
    const char *examples[2];
    const iv_field *fields[3]; /* tables of its own options, all of one struct; NULL at the end */
    size_t options_size;
    const char *joins;  /* a TEXT that may be given several times: joined by line breaks, or .. */
    const char *joint;  /* .. by this, which stands before each; NULL: a line break between them */
    int least, most;    /* arguments that are no options */
    bool takes_system;  /* argument 0 may name a system: options of model and training too */
    bool computes;      /* uses the threads asked for, and takes memory within the limit */
    bool just_plans;    /* what it plans is not run: the limit is not for it */
    int (*run)(cli *c); /* the exit status */
} command;

/* Options of every command. */
typedef struct cli_common {
    int64_t threads;
    const char *max_memory;
    bool json, quiet, help;
} cli_common;
extern const iv_field cli_common_fields[];

/* An option of a system: set once its model is known. */
typedef struct cli_setting {
    const char *name, *value;
} cli_setting;

struct cli {
    iv_home *home;
    iv__arena arena; /* texts of the command line */
    const command *command;
    cli_common common;
    size_t most_memory; /* bytes that may be taken: by --max-memory, or what is free */
    void *options;      /* of command->fields */
    int n_args, n_settings;
    const char **args;
    cli_setting *settings;
    int argc; /* all of the command line, to repeat it */
    char **argv;
};

extern const command *cli_commands[]; /* sorted by place, NULL at the end */

/* ---- messages (stderr); each returns the exit status ------------------------------- */
int cli_fail(const cli *c);                                           /* with the home's message */
int cli_fail_in(const iv_home *home);                                 /* of a home of one's own */
int cli_refuse(const char *format, ...) IV_PRINTF(1, 2);              /* FAILED */
int cli_wrong(const cli *c, const char *format, ...) IV_PRINTF(2, 3); /* WRONG, and where help is */
void cli_note(const cli *c, const char *format, ...) IV_PRINTF(2, 3); /* not with --json or -q */

/* ---- JSON -------------------------------------------------------------------------- */
void cli_put_fields(iv__json_writer *w, const char *name, const iv_field *fields, const void *options);
/* A member of an object. */
void cli_put_int(iv__json_writer *w, const char *name, int64_t number);
void cli_put_float(iv__json_writer *w, const char *name, double number);
void cli_put_bool(iv__json_writer *w, const char *name, bool truth);
void cli_put_string(iv__json_writer *w, const char *name, const char *string);
/* As cli_put_float; blanks in the name become '_'. */
void cli_put_measure(iv__json_writer *w, const char *name, double number);
/* Writes what stands in the text as a line on stdout, at once, and clears it. */
int cli_put_line(cli *c, iv__text *text);

/* ---- systems, texts and numbers ---------------------------------------------------- */
/* An instance of the system that argument 0 names, with the options of the command line. NULL: it
 * was said why, and *status is the exit status. */
iv__instance *cli_instance(cli *c, bool as_printed, int *status);
/* Products from now on in the precision that --precision names, or else in the run's own. */
enum { PRECISION_OF_RUN };
#define CLI_PRECISION(type)                                         \
    FIELD(type, precision, CHOICE, "run", 0, 0, "run f32 bf16", "", \
          "of products: the run's own, f32, or operands rounded to bf16")
void cli_use_precision(cli *c, int precision, const iv__instance *instance);
/* Adds the text on one line, its line breaks as \n; what goes beyond `columns` characters becomes
 * an ellipsis. */
void cli_put_short(iv__text *line, const char *text, size_t columns);
/* A value as a shell takes it: a word as it is, else in quotes. */
void cli_put_quoted(iv__text *text, const char *value);
bool cli_draws(const cli *c); /* whether there is a terminal for lines that are drawn again and again */
/* The next line of standard input, as getline keeps it, without its end; negative: there is none. *status becomes FAILED,
 * with a message, when it cannot be read. */
ssize_t cli_read_line(char **line, size_t *room, int *status);
double cli_clock(void);            /* seconds that go on evenly */
bool cli_exists(const char *path); /* as a file or a folder */
/* Whether what is to be written would lie over a model that is read, a run's folder or a file: WRONG then, and it was
 * said. A model has more than weights. */
int cli_spare(const cli *c, const char *model, const char *out);
/* "12,345" into text[32]; returns text. */
const char *cli_count(int64_t number, char text[32]);
/* "1.5 MiB" into text[32]; returns text. */
const char *cli_bytes(size_t bytes, char text[32]);

#endif
