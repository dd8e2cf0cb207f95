/* bar.h: one line on a terminal that shows how far training is. */
#ifndef IV_CLI_BAR_H
#define IV_CLI_BAR_H

#include "cli/cli.h"

typedef struct bar {
    iv_home *home;
    bool wanted; /* there is a terminal to draw on */
    bool unicode;
    bool shown;     /* the line stands there now */
    double drawn;   /* when it was drawn last */
    double seconds; /* of a step, the last ones counting most; 0: none yet */
} bar;

bar bar_new(const cli *c);
void bar_step(bar *b, const iv__step_report *report); /* draws at most ten times a second */
void bar_hide(bar *b); /* before anything else is written; the next step draws it again */
int bar_columns(void); /* of the terminal on stderr; 80 when that is unknown */

/* The line for a report: as many parts as fit into the columns, the most important ones. */
void bar_line(const iv__step_report *report, double step_seconds, int columns, bool unicode,
              iv__text *line);

#endif
