/* metrics.h: the lines of a run's metrics.jsonl. */
#ifndef IV_CLI_METRICS_H
#define IV_CLI_METRICS_H

#include "cli/cli.h"

/* A line of a step, of an epoch, or of what its samples copy. NaN where the line says nothing. */
typedef enum metric_kind { METRIC_STEP, METRIC_EPOCH, METRIC_COPIES } metric_kind;

typedef struct metric {
    metric_kind kind;
    int64_t step;
    double loss, rate;           /* of a step */
    double training, validation; /* of an epoch */
    bool best;
    double copied, real_copied; /* shares of spans that stand in the training text */
    double longest_copy, span;  /* tokens */
    bool by_heart;
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
