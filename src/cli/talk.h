/* talk.h: the dialogue of `ivory write` with a run that answers what is typed. */
#ifndef IV_CLI_TALK_H
#define IV_CLI_TALK_H

#include "cli/cli.h"
#include "models/common_talk.h"

/* Reads lines from standard input until it ends or /quit. Returns the exit status. */
int talk_with(cli *c, iv__opened *run);

#endif
