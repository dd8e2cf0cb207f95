/* next_words.h: pictures of what a run thinks may follow a prompt. */
#ifndef IV_CLI_NEXT_WORDS_H
#define IV_CLI_NEXT_WORDS_H

#include "cli/cli.h"

enum { NEXT_WORDS_MOST_PAIRS = 32 /* of a prompt and a temperature, on a page */ };

/* The likeliest next tokens after each prompt at the chapter's temperatures, 1.0 and 0.2, as
 * FOLDER/next-words.png and .svg. Returns the exit status. */
int next_words_draw(cli *c, iv__opened *run, int n_prompts, const char *const *prompts,
                    const char *folder);

/* The same at any temperatures, beside some samples, as FOLDER/temperatures.html, .png and .svg. */
int next_words_draw_page(cli *c, iv__opened *run, int n_prompts, const char *const *prompts,
                         int n_temperatures, const double *temperatures, const char *folder);

#endif
