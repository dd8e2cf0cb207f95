/* surprise.h: how surprising a given text is to a run. */
#ifndef IV_CLI_SURPRISE_H
#define IV_CLI_SURPRISE_H

#include "cli/cli.h"

/* Scores the text of a file ("-": standard input): its perplexity and the surprise of each token,
 * on stdout, or with out (else "") the tokens as a page of HTML. Returns the exit status. */
int surprise_put(cli *c, iv__opened *run, const char *path, const char *out);

#endif
