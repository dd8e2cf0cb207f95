/* io_helper.c: starts a helper program and tells how it went. */
#define _GNU_SOURCE
#include "format/helper.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* 0, or why it cannot be had: ENOENT where it is in none of the places. */
static int find(const char *name, char path[PATH_MAX])
{
    static const char *const places[] = { "", "../", "../libexec/ivory/", IVORY_LIBEXEC "/" };
    char self[PATH_MAX - 64];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    int error = ENOENT;

    self[size < 0 ? 0 : size] = 0;
    char *slash = strrchr(self, '/');
    if (slash)
        slash[1] = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (*places[i] != '/' && !slash)
            continue;
        snprintf(path, PATH_MAX, "%s%s%s", *places[i] == '/' ? "" : self, places[i], name);
        if (!access(path, X_OK))
            return 0;
        if (errno != ENOENT && errno != ENOTDIR)
            error = errno;
    }
    return error;
}

/* What it wrote there, on one line. */
static iv_status tell(iv_home *home, const iv__helper *helper, FILE *errors)
{
    char text[800];

    rewind(errors);
    size_t size = fread(text, 1, sizeof text - 1, errors);
    while (size && text[size - 1] == '\n')
        size--;
    text[size] = 0;
    return size ? iv_fail(home, IV_FORMAT, "%s", text)
                : iv_fail(home, IV_FORMAT, "%s failed without a word", helper->name);
}

static iv_status run(iv_home *home, const iv__helper *helper, const char *path,
                     const char *argument, int in, int out, FILE *errors)
{
    char *const arguments[] = { (char *)(uintptr_t)helper->name, (char *)(uintptr_t)argument, NULL };
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status = 0;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    if (out >= 0)
        posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fileno(errors), STDERR_FILENO);
    int error = posix_spawn(&child, path, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        return iv_fail(home, IV_IO, "starting %s: %s", path, strerror(error));
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return iv_fail(home, IV_IO, "waiting for %s: %s", path, strerror(errno));
    if (WIFSIGNALED(status))
        return iv_fail(home, IV_IO, "%s: %s was ended by signal %d at it (%s)", argument,
                       helper->name, WTERMSIG(status), strsignal(WTERMSIG(status)));
    return WEXITSTATUS(status) ? tell(home, helper, errors) : IV_OK;
}

iv_status iv__helper_run(iv_home *home, const iv__helper *helper, const char *argument, FILE *in,
                         FILE *out)
{
    char path[PATH_MAX];

    const int error = find(helper->name, path);
    if (error == ENOENT)
        return iv_fail(home, IV_UNSUPPORTED, "%s, which %s", helper->name, helper->missing);
    if (error)
        return iv_fail(home, IV_IO, "%s cannot be run: %s", helper->name, strerror(error));
    FILE *errors = tmpfile();
    if (!errors)
        return iv_fail(home, IV_IO, "making a temporary file: %s", strerror(errno));
    iv_status status = run(home, helper, path, argument, fileno(in), out ? fileno(out) : -1, errors);
    fclose(errors);
    return status;
}
