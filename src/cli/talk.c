/* talk.c: a line in, an answer out. */
#define _GNU_SOURCE
#include "cli/talk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One line; *over: it was the last. */
static int answer(const iv__talk *talk, void *with, const char *line, iv__text *text, bool *over)
{
    *over = !strcmp(line, "/quit");
    if (*over)
        return DONE;
    iv__text_clear(text);
    if (!strcmp(line, "/help"))
        iv__text_print(text, "%s\n  /quit    end (or the end of the input)\n", talk->help);
    else if (talk->line(with, line, text))
        return FAILED;
    if (text->size)
        fwrite(text->data, 1, text->size, stdout);
    return DONE;
}

static int read_lines(cli *c, const iv__talk *talk, void *with)
{
    const bool asks = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    iv__text text = { .home = c->home };
    char *line = NULL;
    size_t room = 0;
    int status = DONE;
    bool over = false;

    while (!over && !status) {
        if (asks)
            fputs("> ", stdout);
        if (fflush(stdout))
            status = cli_refuse("writing to standard output: %s", strerror(errno));
        ssize_t size = status ? -1 : cli_read_line(&line, &room, &status);
        if (size < 0)
            break;
        if (strlen(line) < (size_t)size)
            fputs("That line has a zero byte; it was passed over.\n", stdout);
        else if (answer(talk, with, line, &text, &over))
            status = cli_fail(c);
    }
    free(line);
    iv__text_free(&text);
    return status;
}

int talk_with(cli *c, iv__opened *run)
{
    const iv__talk *talk = run->instance->model->talk;
    void *with = talk->open(run->instance, run->params);

    if (!with)
        return cli_fail(c);
    cli_note(c, "%s\n  /help    this", talk->help);
    int status = read_lines(c, talk, with);
    talk->close(with);
    return status;
}
