/* run.h: a run's folder: its files, its lock, its metrics. */
#ifndef IV_TRAIN_RUN_H
#define IV_TRAIN_RUN_H

#include "base/text.h"
#include "format/events.h"
#include "format/safetensors.h"

typedef struct iv__run {
    iv_home *home;
    char *folder;
    int lock;          /* a file descriptor; -1: not locked */
    bool last_damaged; /* it must not become `previous` */
    iv__text metrics;  /* lines of metrics.jsonl that wait */
    iv__events *events;
} iv__run;

/* The path of a file in the folder, in a buffer that is freed with iv__free. */
char *iv__run_path(const iv__run *run, const char *file);

/* Refuses a run's folder in which what is written to is a link, a pipe or a device (IO): it may come from a stranger, and
 * nothing is written outside it. `folder` itself may be a link; nothing of it need be there. */
iv_status iv__run_stays_within(iv_home *home, const char *folder);

/* Makes the folder and locks it for training.
 * resume: an existing run goes on, an absent one starts. Without it a folder that holds a run is
 * refused.
 * Errors: IO when it cannot be written, is there already, or another process trains into it. */
iv__run *iv__run_new(iv_home *home, const char *folder, bool resume);
void iv__run_free(iv__run *run);

/* The newest complete checkpoint: last, else previous (then *note says what was wrong with
 * last), else NULL without a message if there is none; NULL with a message (FORMAT) if all that
 * is there is damaged. */
iv__safetensors *iv__run_checkpoint(iv__run *run, iv__text *note);
/* Makes way for the next `last`: the one before becomes `previous`, unless it is damaged. */
iv_status iv__run_rotate(const iv__run *run);

/* Opens metrics.jsonl and the event file, cut back to what stands up to `step`. */
iv_status iv__run_open_metrics(iv__run *run, int64_t step);
/* A line (one JSON object, without line break) and its scalars for TensorBoard. */
void iv__run_metric(iv__run *run, const char *line, int64_t step, int n, const iv__event_value *values);
iv_status iv__run_flush(iv__run *run);

#endif
