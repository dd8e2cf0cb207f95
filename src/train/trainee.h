/* trainee.h: what is trained, as the training loop sees it; a model fills this in. */
#ifndef IV_TRAIN_TRAINEE_H
#define IV_TRAIN_TRAINEE_H

#include "base/text.h"
#include "format/safetensors.h"

#include <ivory/train.h>

typedef enum iv__split { SPLIT_TRAIN, SPLIT_VALIDATION, SPLIT_TEST, SPLITS } iv__split;

static inline const char *iv__split_name(iv__split split)
{
    static const char *const names[SPLITS] = { "training", "validation", "test" };
    return names[split];
}

enum { IV__MOST_PARTS = 4 };

/* One step of a round: what it lowers, what it may change, how often. */
typedef struct iv__trained_part {
    const char *name;    /* "critic"; "" when there is just one */
    const char *changes; /* prefix of parameters; "": all */
    iv_node *loss;       /* a mean over the weights */
    iv_node *weight; /* the sum of weights it is a mean over, a scalar; NULL: records count alike */
    int times;       /* per round; 0 means 1 */
} iv__trained_part;

/* A model's graph for one batch size. */
typedef struct iv__build {
    iv_graph *graph;
    iv_scope *scope;
    int64_t batch; /* records */
    bool training;
    int n_parts;
    iv__trained_part parts[IV__MOST_PARTS];
    /* States that go from step to step, with their next values: in training made by iv_state,
     * else inputs of the plan's own, which are zeros at first. */
    int n_carried;
    const iv_update *carried;
} iv__build;

/* The inputs of plans, to be filled. */
typedef struct iv__batch iv__batch;
void *iv__batch_input(iv__batch *batch, const char *name); /* NULL: no plan needs it */
/* Keeps the message for whoever takes the batch. */
iv_status iv__batch_fail(iv__batch *batch, iv_status status, const char *format, ...) IV_PRINTF(3, 4);

/* What stands in a batch. */
typedef struct iv__rows {
    iv__split split;
    int64_t step;          /* of the pass or the evaluation; at 0 carried states begin anew */
    const int32_t *record; /* [n], counted within the split; -1: none */
    int64_t n, room;       /* rows n .. room - 1 have no record, either */
} iv__rows;

typedef struct iv__trainee {
    void *self;
    iv_status (*build)(void *self, iv__build *build);
    /* Writes the rows into the inputs of a batch; those without a record get weight 0. May run in
     * any thread, and beside itself with another batch: it changes nothing but the batch, and does
     * not touch the home. */
    iv_status (*fill)(const void *self, iv__batch *batch, const iv__rows *rows);
    /* Where states are carried: what the rows of a batch are at a step of a pass through the
     * records, or of an evaluation (pass -1). False: there is no such step; in training there are
     * as many as for records in any order. NULL: records come in any order, shuffled in training. */
    bool (*choose)(void *self, iv__split split, int64_t pass, int64_t step, int32_t *record);
    /* Adds where a record stands in the data, for messages: "row 17". NULL: its number says enough. */
    void (*say_where)(const void *self, iv__split split, int64_t record, iv__text *text);
    bool first_values; /* layers find theirs by the first training batch, 32 records at most (iv_initialize) */
    /* What a batch loses at most to one who has learned nothing: losses that differ much from batch to batch say it,
     * for it is no explosion. 0: the first batch stands for all. */
    double worst_loss;
    int64_t n_records[SPLITS];
    /* What a saved file of it carries besides parameters: the vocabulary, the options as texts. */
    int n_kept;
    const iv__named_tensor *kept;
    int n_pairs;
    const iv__pair *pairs;
} iv__trainee;

#endif
