/* memory.h: how much of what a run writes stands in its training text, as told to a person. */
#ifndef IV_CLI_MEMORY_H
#define IV_CLI_MEMORY_H

#include "cli/cli.h"
#include "models/common_memory.h"

/* Draws samples and looks for them in the training text. also: gets each sample too (NULL: nobody).
 * NULL with a message in the home when there are none. */
iv__memory *memory_of_samples(iv__instance *instance, iv_params *params, const iv__generation *g,
                              iv__sample_sink *also, void *user);

/* A table of the figures, samples beside real text, and the alarm if it rings. */
void memory_put(cli *c, const iv__memory *memory);
/* The same as members of an object. */
void memory_put_json(iv__json_writer *w, const iv__memory *memory);
/* The alarm in plain words, or nothing. */
void memory_put_alarm(const iv__memory *memory, iv__text *text);

#endif
