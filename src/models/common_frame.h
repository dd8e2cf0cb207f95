/* common_frame.h: a table as training records: which columns are read, which one is predicted, how they are
 * scaled, and which rows train, validate and test. Names, scaling and codes go into saved files. */
#ifndef IV_MODELS_COMMON_FRAME_H
#define IV_MODELS_COMMON_FRAME_H

#include "data/table.h"
#include "models/model.h"

/* Inputs of a graph, for N rows of F inputs. */
#define IV__FRAME_INPUTS "inputs" /* [N,F], standardised; 0 (the mean) where a value is missing */
#define IV__FRAME_TARGET "target" /* [N,1], standardised */
#define IV__FRAME_WEIGHT "weight" /* [N], 0 where there is no record */

typedef struct iv__frame_options {
    const char *target, *ignore; /* ignore: names of columns, commas between */
    const char *missing; /* as iv__table_options'; "auto": the data set's own, "none": no code */
    char separator;
    int decimal;
    bool in_order; /* the last rows of the file are the test, those before them the validation */
    bool all_rows; /* means and deviations are those of all rows, not of the training rows */
    double sparse; /* an input that more than this share of the training rows lacks is left out */
} iv__frame_options;

typedef struct iv__frame {
    iv_home *home;
    int n_inputs;       /* 0: neither opened nor restored */
    const char **names; /* [n_inputs + 1], the target last, and so the next two */
    double *mean, *deviation;
    const char *missing; /* the codes that were in force */
    iv__named_tensor kept[3];
    iv__table *table;         /* NULL: no data are open */
    int *column;              /* [n_inputs + 1] of the table */
    int32_t *records[SPLITS]; /* rows of the table */
    int64_t n[SPLITS];
} iv__frame;

/* Opens the data as iv__model's open_data and fills in the trainee, all but `fill`. A frame that was restored keeps its
 * columns and its scaling.
 * Errors    VALUE for a target that is not there (with the nearest name), is the same in every row, or leaves no
 *           input; FORMAT for a column that holds some cells that are no numbers. */
iv_status iv__frame_open(iv__frame *frame, iv__instance *instance, const iv__dataset *set,
                         const char *data, const iv__frame_options *options);
iv_status iv__frame_restore(iv__frame *frame, iv__instance *instance, const iv__safetensors *file);
void iv__frame_close(iv__frame *frame);

/* Finds the columns of a table by the frame's names; column [n_inputs + 1]: -1 for a target that it has not. note: names
 * inputs with missing values.
 * Errors    VALUE naming an input that is not there; FORMAT. */
iv_status iv__frame_match(const iv__frame *frame, const iv__table *table, int *column, iv__text *note);
/* The inputs of a row of a table, standardised, as the network reads them. */
void iv__frame_inputs(const iv__frame *frame, const iv__table *table, const int *column,
                      int64_t row, double *x);
void iv__frame_fill(const iv__frame *frame, iv__batch *batch, const iv__rows *rows);

#endif
