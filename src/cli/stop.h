/* stop.h: a command that is asked to stop. */
#ifndef IV_CLI_STOP_H
#define IV_CLI_STOP_H

#include <stdbool.h>

/* From now on Ctrl-C (SIGTERM, SIGHUP) asks the command to end at the next good moment, with status
 * INTERRUPTED; a second one ends it at once. */
void stop_on_signals(void);
bool stop_asked(void); /* any thread may ask */

#endif
