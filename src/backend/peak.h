/* peak.h: what this processor can do at most. */
#ifndef IV_BACKEND_PEAK_H
#define IV_BACKEND_PEAK_H

#include "backend/backend.h"

/* Keeps every thread of the home busy for a millisecond or two with multiplying and adding,
 * sums in registers, by the instructions of the backend and the precision that the home uses. Returns how many
 * operations that were, of all threads together: the caller has the clock. 0: the home has the
 * reason. What is compared with it should be measured near it in time, for the clock of a
 * processor moves. */
double iv__peak_run(iv_home *home);

#endif
