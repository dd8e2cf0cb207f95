/* limit.h: how much memory may be taken, and a training made to fit into it. */
#ifndef IV_CLI_LIMIT_H
#define IV_CLI_LIMIT_H

#include "cli/cli.h"

/* Bytes that the program itself takes, beside what its home holds. */
enum { LIMIT_PROGRAM = 8 << 20 };

/* What is free on this machine, or in the container that the process is in. */
size_t limit_here(void);
/* "300M", "1.5G", "64MiB", "1000000". */
bool limit_read(const char *text, size_t *bytes);

/* Finds out, before the first step and without taking it, how much memory a training takes. If that is more than
 * --max-memory says, its options get the largest micro-batch with which it is not; if there is none, or where
 * --max-memory is not given, it is refused with what would do. `chosen`: the micro-batch is not to be changed.
 * The home makes plans by it from then on. Returns the exit status. */
int limit_fit(cli *c, iv__instance *instance, bool chosen);

#endif
