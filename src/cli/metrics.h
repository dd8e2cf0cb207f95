/* metrics.h: the lines of a run's metrics.jsonl. */
#ifndef IV_CLI_METRICS_H
#define IV_CLI_METRICS_H

#include "cli/cli.h"

/* A line of a step, or of an epoch. NaN where the line says nothing. */
typedef struct metric {
    int64_t step;
    double loss, rate;           /* of a step */
    double training, validation; /* of an epoch */
    bool is_epoch, best;
} metric;

typedef struct metrics {
    iv_home *home;
    int64_t count, room;
    metric *list;
} metrics;

/* A last line without its end (of a run that goes on) is left out. Errors: IO; FORMAT, the line. */
iv_status metrics_read(iv_home *home, const char *path, metrics *m);
void metrics_free(metrics *m);

#endif
