/* micro.h: a plan that is run for a micro-batch after the other: what keeps records apart, and what
 * runs it. */
#ifndef IV_PLAN_MICRO_H
#define IV_PLAN_MICRO_H

#include "plan/parts.h"

/* A graph of a whole batch in three: before the micro-batches, each of them, and after them. Zero at
 * first. */
typedef struct iv__cut_graph {
    iv_home *home;
    bool kept;            /* records are apart; else nothing below is to be used, but: */
    const iv_call *mixes; /* the call that needs what is made of all records; NULL: another reason */
    bool together;        /* a row is faster with all records */
    int64_t records, micro; /* of the batch, of a micro-batch */
    iv_graph *each, *after; /* what comes before is in the whole graph */
    int n_before;           /* nodes of the whole graph that are leaves of these two, by name */
    iv_node **before;
    const char **before_names;
    int n_sums; /* of each: a leaf, and itself with a micro-batch's sum added; a leaf of after has its name */
    iv_update *sums;
    int n_rows; /* targets that hold records: each one's part of them, and the leaf of after that holds all */
    iv_node **rows, **all_rows;
    iv_node **targets;   /* of after */
    double record_bytes; /* of a record's values that rows make which are no passes over elements */
    double sum_bytes;    /* of all sums */
} iv__cut_graph;

/* micro 0: just to look, for a micro-batch of one record. Targets must be simplified. */
iv_status iv__cut_graph_make(iv__cut_graph *apart, iv_home *home, int n, iv_node *const targets[],
                             int64_t micro);
void iv__cut_graph_free(iv__cut_graph *apart);

typedef struct iv__worker { /* runs micro-batches of some size */
    iv_plan *plan;
    void **input; /* of the plan, where the batch's inputs are copied to */
    void *clock;  /* NULL: it has no random numbers */
    int64_t records;
} iv__worker;

typedef struct iv__cut_input { /* an input that holds records, as the whole batch has it */
    int value;                 /* of the whole plan */
    size_t record_bytes;
} iv__cut_input;

typedef struct iv__cut_output { /* what holds records, where that of the whole batch is put together */
    size_t at, record_bytes;
} iv__cut_output;

struct iv__micro {
    iv_home *alone; /* a home of one thread, for what runs within a thread */
    iv_home *runs; /* where plans of micro-batches run: alone, or (one after the other) with all threads */
    iv__cut_graph apart, apart_rest;
    int64_t count; /* micro-batches; the last may be smaller */
    int slots, threads;
    iv_plan *before, *after;   /* before may be NULL */
    iv__worker *workers, rest; /* of each thread; of a smaller last micro-batch, if there is one */
    int n_inputs;
    iv__cut_input *inputs;
    int clock;                /* its value in the whole plan, or -1 */
    size_t *sum_at, sum_size; /* offsets of sums in a slot, its size; in elements */
    char *sums;               /* the slots, then their sum */
    iv__cut_output *outputs;  /* apart.n_rows */
    size_t output_bytes;      /* of all */
    char *output;
};

/* Makes a plan one of micro-batches if that is worth it; micro: of so many records in any case, 0: as
 * many as there should be, or as the home says. */
iv_status iv__micro_make(iv_plan *plan, int n_outputs, iv_node *const outputs[], int64_t micro);
void iv__micro_free(iv__micro *micro);
iv_status iv__micro_run(iv_plan *plan);
iv_status iv__micro_find_bad(iv_plan *plan);
const void *iv__micro_output(const iv__micro *micro, int i);
iv_plan_memory iv__micro_memory(const iv_plan *plan);
int iv__micro_parts(const iv__micro *micro);
iv_plan_part iv__micro_part_of(const iv__micro *micro, int i);
iv_status iv__micro_time(iv__micro *micro, bool on);
void iv__micro_print(const iv__micro *micro, FILE *file);

#endif
