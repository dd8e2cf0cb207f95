/* so_far.h: one line on a terminal that shows how far work is that is counted: "test: record 640 of 2,300". */
#ifndef IV_CLI_SO_FAR_H
#define IV_CLI_SO_FAR_H

#include "cli/cli.h"

typedef struct so_far {
    const char *what, *unit; /* "a.png", "row" */
    int64_t of;
    bool wanted;  /* there is a terminal to draw on */
    double shown; /* when it was drawn last; 0: not yet */
} so_far;

so_far so_far_begin(const cli *c, const char *what, const char *unit, int64_t of);
void so_far_show(so_far *s, int64_t done); /* draws at most five times a second */
void so_far_end(so_far *s);

#endif
