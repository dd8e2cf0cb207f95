/* figure.c: starts the helper program ivory-plot. It lies beside ivory, or in ../libexec/ivory. */
#define _GNU_SOURCE
#include "cli/figure.h"

#include "base/file.h"
#include "format/utf8.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { MOST_TEXT = 990 }; /* bytes; ivory-plot takes 1,000 */

static bool find_helper(char path[PATH_MAX])
{
    static const char *const places[] = { "ivory-plot", "../libexec/ivory/ivory-plot" };
    char self[PATH_MAX - 64];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);

    if (size < 0)
        return false;
    self[size] = 0;
    char *slash = strrchr(self, '/');
    if (slash)
        slash[1] = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(path, PATH_MAX, "%s%s", self, places[i]);
        if (!access(path, X_OK))
            return true;
    }
    return false;
}

/* The description as a file without a name, to be read from its beginning. NULL: errno. */
static FILE *as_file(const iv__text *description)
{
    FILE *file = tmpfile();

    if (!file)
        return NULL;
    if (fwrite(description->data, 1, description->size, file) == description->size &&
        !fflush(file) && !fseek(file, 0, SEEK_SET))
        return file;
    fclose(file);
    return NULL;
}

static int start(const char *helper, const char *path, FILE *input)
{
    char *const arguments[] = { (char[]){ "ivory-plot" }, (char *)(uintptr_t)path, NULL };
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status = 0;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fileno(input), STDIN_FILENO);
    int error = posix_spawn(&child, helper, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        return cli_refuse("starting %s: %s", helper, strerror(error));
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return cli_refuse("waiting for %s: %s", helper, strerror(errno));
    if (WIFSIGNALED(status))
        return cli_refuse("%s was ended by signal %d while it drew %s", helper, WTERMSIG(status), path);
    return WEXITSTATUS(status) ? cli_refuse("%s was not drawn", path) : DONE;
}

int figure_say(cli *c, const char *path)
{
    iv__text text = { .home = c->home };
    iv__json_writer w = { .text = &text };

    if (c->common.json) {
        iv__json_put_object(&w);
        iv__json_put_name(&w, "file"), iv__json_put_string(&w, path);
        iv__json_end_object(&w);
    } else {
        iv__text_put(&text, path);
    }
    int status = cli_put_line(c, &text);
    iv__text_free(&text);
    return status;
}

int figure_draw(cli *c, const iv__text *description, const char *folder, const char *name)
{
    static const char *const endings[] = { "png", "svg" };
    char helper[PATH_MAX];
    iv__text path = { .home = c->home };
    int status = DONE;

    if (description->failed || iv__make_folders(c->home, folder))
        return cli_fail(c);
    if (!find_helper(helper))
        return cli_refuse(
            "ivory-plot, which draws, is not here: it is built where cairo is (Debian: libcairo2-dev)");
    for (size_t i = 0; i < sizeof endings / sizeof *endings && !status; i++) {
        iv__text_clear(&path);
        iv__text_print(&path, "%s/%s.%s", folder, name, endings[i]);
        FILE *input = as_file(description);
        if (!input)
            return cli_refuse("writing a temporary file: %s", strerror(errno));
        status = path.failed ? cli_fail(c) : start(helper, path.data, input);
        fclose(input);
        if (!status)
            status = figure_say(c, path.data);
    }
    iv__text_free(&path);
    return status;
}

void figure_put_text(iv__text *description, const char *text)
{
    static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */
    size_t size = strlen(text), added = 0;

    for (size_t i = 0, length; i < size && added < MOST_TEXT; i += length ? length : 1) {
        uint32_t code;
        length = iv__utf8_read((const unsigned char *)text + i, size - i, &code);
        if (!length)
            iv__text_put(description, replacement);
        else
            iv__text_add(description, code < ' ' || code == 0x7F ? " " : text + i, length);
        added += length ? length : sizeof replacement - 1;
    }
}

const char *figure_label(const char *token)
{
    static const struct {
        const char *token, *label;
    } unseen[] = { { " ", "(blank)" }, { "\n", "\\n" }, { "\t", "\\t" }, { "\r", "\\r" }, { "", "(end)" } };

    for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++)
        if (!strcmp(token, unseen[i].token))
            return unseen[i].label;
    return token;
}
