/* watch.h: what `ivory train` shows and writes while the loop runs. */
#ifndef IV_CLI_WATCH_H
#define IV_CLI_WATCH_H

#include "cli/bar.h"

typedef struct watch {
    cli *c;
    iv__instance *instance;
    iv_params *params;
    iv__run *run;
    bar bar;
    int status;      /* not DONE: standard output failed */
    bool no_samples; /* said once why */
} watch;

watch watch_new(cli *c, iv__instance *instance, iv_params *params, iv__run *run);
iv__watcher watch_watcher(watch *w); /* it stops the loop when the command is asked to stop */

#endif
