/* ivory write RUN...: a person and models write a text together, in a dialogue line by line. */
#define _GNU_SOURCE
#include "base/file.h"
#include "base/home.h"
#include "cli/talk.h"
#include "cli/write.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct write_options {
    const char *out, *open;
    double temperature;
    int64_t top_k, seed;
    int precision;
} write_options;

/* clang-format off */
static const iv_field write_fields[] = {
    FIELD(write_options, open,        TEXT, "",  0, 0,    "", "FILE", "go on with a writing that was saved"),
    FIELD(write_options, out,         TEXT, "",  0, 0,    "", "FILE", "where it is saved; without it the file that was opened, else a new one in RUN/writings"),
    FIELD(write_options, temperature, REAL, "1", 0, 100,  "", "",     "of the list and of what is drawn: below 1 safer, above 1 bolder"),
    FIELD(write_options, top_k,       INT,  "0", 0, 1e9,  "", "",     "draw among the k likeliest only; 0: all"),
    FIELD(write_options, seed,        INT,  "0", 0, 1e15, "", "",     "the same lines and seed write the same text"),
    CLI_PRECISION(write_options),
    FIELD_END,
};
/* clang-format on */

static volatile sig_atomic_t stop_asked;

static void ask_to_stop(int number)
{
    (void)number;
    stop_asked = 1;
}

/* Reading a line ends when one comes, so that what was written is saved. */
static void catch_signals(void)
{
    struct sigaction action = { .sa_handler = ask_to_stop }, before;

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (!sigaction(SIGHUP, NULL, &before) && before.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* who reads us may go: that is seen when writing */
}

/* ---- saving ---------------------------------------------------------------------------------- */

static void folder_of(const char *path, iv__text *folder)
{
    const char *slash = strrchr(path, '/');

    if (slash)
        iv__text_add(folder, path, slash > path ? (size_t)(slash - path) : 1);
    else
        iv__text_put(folder, ".");
}

iv_status write_save(writer *w, const char *path)
{
    iv__text folder = { .home = w->c->home };

    folder_of(path, &folder);
    iv_status status = folder.failed ? IV_NOMEM : iv__make_folders(w->c->home, folder.data);
    if (!status)
        status = iv__manuscript_save(&w->m, path);
    iv__text_free(&folder);
    w->changed &= status != IV_OK || strcmp(path, w->path);
    return status;
}

/* RUN/writings/1.json, the next free number. */
static const char *free_path(cli *c, const char *run)
{
    iv__text folder = { .home = c->home };
    const char *path = NULL;

    if (iv__is_folder(run))
        iv__text_put(&folder, run);
    else
        folder_of(run, &folder);
    const bool within = !folder.failed && !iv__run_stays_within(c->home, folder.data);
    for (int i = 1; within; i++) {
        path = iv__arena_print(&c->arena, "%s/writings/%d.json", folder.data, i);
        if (!path || !cli_exists(path))
            break;
    }
    iv__text_free(&folder);
    return path;
}

/* Saves what was not saved yet; where that fails the text is shown, so that it is not lost. */
static int finish(writer *w, int status)
{
    if (!w->changed || w->m.count == 1) {
        if (w->m.count == 1)
            write_say(w, "Nothing was written.");
        return ferror(stdout) || write_flush(w) ? FAILED : status;
    }
    if (write_save(w, w->path)) {
        status = cli_fail(w->c);
        fprintf(stderr, "ivory: what was written: %s\n", w->text.size ? w->text.data : "");
        return status;
    }
    write_say(w, "saved: %s", w->path);
    if (!ferror(stdout) && !write_flush(w))
        return status;
    fprintf(stderr, "ivory: saved: %s\n", w->path);
    return status ? status : FAILED;
}

/* ---- the dialogue ---------------------------------------------------------------------------- */

static int talk(writer *w)
{
    bool asks = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    char *line = NULL;
    size_t room = 0;
    int status = DONE;
    iv_status failed = write_follow(w);

    if (!failed) {
        write_show_text(w, 4);
        write_show_choices(w);
    }
    while (!failed && !w->done && !status) {
        if (asks)
            iv__text_put(&w->out, "> ");
        status = write_flush(w);
        ssize_t size = status ? -1 : cli_read_line(&line, &room, &status);
        if (size < 0 || stop_asked)
            break;
        w->width = write_width();
        if (strlen(line) < (size_t)size)
            write_say(w, "That line has a zero byte; nothing was added.");
        else
            failed = write_line(w, line);
    }
    free(line);
    if (failed)
        status = cli_fail(w->c);
    return status ? status : stop_asked ? INTERRUPTED : DONE;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int open_manuscript(writer *w)
{
    const write_options *o = w->c->options;
    iv_status status = *o->open ? iv__manuscript_open(w->c->home, o->open, &w->m)
                                : iv__manuscript_new(w->c->home, &w->m);

    if (status)
        return cli_fail(w->c);
    if (!*o->open || o->temperature != 1)
        w->m.temperature = o->temperature;
    if (!*o->open || o->top_k)
        w->m.top_k = o->top_k;
    w->path = *o->out ? o->out : *o->open ? o->open : free_path(w->c, w->c->args[0]);
    if (!w->path)
        return cli_fail(w->c);
    if (*o->out && strcmp(o->out, o->open) && cli_exists(o->out))
        return cli_refuse("%s is there already: go on with it by --open %s, or choose another name",
                          o->out, o->out);
    return DONE;
}

static int open_run(writer *w, const char *name)
{
    write_run *r = &w->runs[w->n_runs++];

    r->name = name;
    if (iv__opened_load(w->c->home, name, "model", &r->opened))
        return cli_fail(w->c);
    cli_use_precision(w->c, ((const write_options *)w->c->options)->precision, r->opened.instance);
    r->pen = iv__pen_new(r->opened.instance, r->opened.params);
    if (!r->pen || iv__manuscript_run(&w->m, name, &r->number))
        return cli_fail(w->c);
    return DONE;
}

static void close_writer(writer *w)
{
    for (int i = 0; i < w->n_runs; i++) {
        iv__pen_free(w->runs[i].pen);
        iv__opened_free(&w->runs[i].opened);
    }
    iv__manuscript_free(&w->m);
    iv__text_free(&w->text);
    iv__text_free(&w->out);
}

/* An option that a dialogue does not heed, or NULL. */
static const char *of_texts(const write_options *o)
{
    return *o->open              ? "open"
           : *o->out             ? "out"
           : o->temperature != 1 ? "temperature"
           : o->top_k            ? "top-k"
           : o->seed             ? "seed"
                                 : NULL;
}

static int talk_to(cli *c, iv__opened *run)
{
    const char *useless = of_texts(c->options);

    if (c->n_args > 1)
        return cli_wrong(c, "%s answers what is typed, and is talked to alone", c->args[0]);
    if (useless)
        return cli_wrong(c, "--%s is for runs that write texts, and %s answers what is typed",
                         useless, c->args[0]);
    cli_use_precision(c, ((const write_options *)c->options)->precision, run->instance);
    return talk_with(c, run);
}

/* A run that answers is talked to, alone. *status: the exit status then. */
static bool is_talked_to(cli *c, int *status)
{
    iv__opened run;

    if (iv__opened_load(c->home, c->args[0], "model", &run)) {
        *status = cli_fail(c);
        return true;
    }
    const bool talks = run.instance->model->talk != NULL;
    if (talks)
        *status = talk_to(c, &run);
    iv__opened_free(&run);
    return talks;
}

static int cmd_write(cli *c)
{
    int talked;

    writer w = { .c = c,
                 .seed = ((const write_options *)c->options)->seed,
                 .text = { .home = c->home },
                 .out = { .home = c->home },
                 .width = write_width() };

    if (c->common.json)
        return cli_wrong(c, "write is a dialogue: --json does not go with it");
    if (is_talked_to(c, &talked))
        return talked;
    iv_home_clear(c->home);
    int status = open_manuscript(&w);
    for (int i = 0; i < c->n_args && !status; i++)
        status = open_run(&w, c->args[i]);
    if (!status) {
        catch_signals();
        cli_note(c, "Type to write, a number to choose, /help for more.");
        status = finish(&w, talk(&w));
    }
    close_writer(&w);
    return status;
}

const command command_write = {
    .name = "write",
    .place = 35,
    .arguments = "RUN... [OPTION]...",
    .says = "write together with trained runs, word by word",
    .about = "Shows the likeliest next words, with their probability. A line is a number, to\n"
             "choose one of them; or any text, to write it; or empty, to let the model write a\n"
             "word; or a command: /go 20, /sentence, /undo, /redo, /branches, /switch 2, /save,\n"
             "/export FILE, /record FILE, /help. Several runs follow the same text side by side.\n"
             "What was written is saved at the end, also when the input ends or is interrupted.\n"
             "A run that answers questions (stories) is talked to instead: type facts, then ask.",
    .examples = { "ivory write runs/tales",
                  "printf 'the fox\\n/sentence\\n' | ivory write runs/tales --out fox.json" },
    .fields = { write_fields },
    .options_size = sizeof(write_options),
    .least = 1,
    .most = IV__RUNS_MAX,
    .computes = true,
    .run = cmd_write,
};
