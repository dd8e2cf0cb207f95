/* stop.c: a command that is asked to stop. */
#include "cli/stop.h"

#include "cli/cli.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_bool asked;

static void ask(int number)
{
    (void)number;
    if (atomic_exchange(&asked, true))
        _exit(INTERRUPTED);
}

void stop_on_signals(void)
{
    struct sigaction action = { .sa_handler = ask, .sa_flags = SA_RESTART }, before;

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (!sigaction(SIGHUP, NULL, &before) && before.sa_handler != SIG_IGN) /* nohup stays in force */
        sigaction(SIGHUP, &action, NULL);
}

bool stop_asked(void)
{
    return asked;
}
