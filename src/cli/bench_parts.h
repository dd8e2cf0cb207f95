/* bench_parts.h: where the time of a workload's step goes. */
#ifndef IV_CLI_BENCH_PARTS_H
#define IV_CLI_BENCH_PARTS_H

#include "cli/workload.h"

/* Does so many steps, timed part by part, and prints the parts on standard output, slowest first.
 * A sample of `length` tokens is a step. */
iv_status bench_parts_put(work *w, int64_t steps);

#endif
