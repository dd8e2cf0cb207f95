/* write.h: the dialogue of `ivory write`: what it holds, what it shows, what can be done in it. */
#ifndef IV_CLI_WRITE_H
#define IV_CLI_WRITE_H

#include "cli/cli.h"
#include "models/common_manuscript.h"
#include "models/common_pen.h"

enum { CHOICES = 10 };

typedef struct write_run {
    const char *name; /* as on the command line */
    iv__opened opened;
    iv__pen *pen;
    int32_t number; /* among the manuscript's */
    iv__likely likely[CHOICES];
    int n_likely;
} write_run;

typedef struct writer {
    cli *c;
    iv__manuscript m;
    write_run runs[IV__RUNS_MAX];
    int n_runs, writing; /* which of them writes on */
    int64_t seed;
    const char *path;   /* where it is saved */
    bool changed, done; /* since it was saved; the dialogue is over */
    iv__text text, out; /* what was written up to here; what is shown next */
    int width;
} writer;

/* ---- write_show.c ---------------------------------------------------------------------------- */
int write_width(void); /* of the terminal on standard output, else $COLUMNS, else 80 */
void write_say(writer *w, const char *format, ...) IV_PRINTF(2, 3); /* a line of what is shown next */
void write_show_choices(writer *w);
void write_show_text(writer *w, int lines);
void write_show_branches(writer *w);
int write_flush(writer *w); /* shows it; an exit status */

/* ---- write_do.c ------------------------------------------------------------------------------ */
/* One line of the dialogue. What goes wrong is said in it; a failed status is beyond repair. */
iv_status write_line(writer *w, const char *line);
/* All runs read to the end of the text, and say what may follow. */
iv_status write_follow(writer *w);

/* ---- cmd_write.c ----------------------------------------------------------------------------- */
iv_status write_save(writer *w, const char *path);

#endif
