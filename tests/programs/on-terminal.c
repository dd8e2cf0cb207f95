/* on-terminal BYTES COMMAND ARG...: runs a command on a terminal of its own, and closes the terminal as soon as it has shown
 * so many bytes, as when its window is closed. Prints how the command ended, as a shell tells it; a command that has not
 * ended a minute later is killed (137). */
#define _GNU_SOURCE
#include <errno.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void look(int terminal, long bytes)
{
    char shown[256];
    ssize_t n;

    while (bytes > 0 && (n = read(terminal, shown, sizeof shown)) > 0)
        bytes -= n;
}

static int end_of(pid_t child)
{
    int status;

    for (int i = 0; i < 6000; i++) {
        if (waitpid(child, &status, WNOHANG) == child)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return 128 + SIGKILL;
}

int main(int argc, char **argv)
{
    int terminal;

    if (argc < 3)
        return 2;
    pid_t child = forkpty(&terminal, NULL, NULL, &(struct winsize){ .ws_row = 24, .ws_col = 80 });
    if (child < 0) {
        perror("on-terminal");
        return 1;
    }
    if (child == 0) {
        signal(SIGHUP, SIG_DFL); /* whoever runs this may be under nohup */
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    look(terminal, strtol(argv[1], NULL, 10));
    close(terminal);
    printf("%d\n", end_of(child));
    return 0;
}
