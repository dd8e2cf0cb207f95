/* common_c.h: a model that writes texts, as one C file that needs nothing of Ivory (docs/export-c.md).
 *
 * The file is made of sections of assets/export_*.c, of tables, and of the step of the model: a line or a few for each
 * call of its stepper. */
#ifndef IV_MODELS_COMMON_C_H
#define IV_MODELS_COMMON_C_H

#include "base/file.h"
#include "base/text.h"
#include "models/model.h"

/* Writes the file: complete or not at all.
 * Errors: UNSUPPORTED for a model that writes no text, and for a row that has no C text, by name; IO. */
iv_status iv__export_c(iv__instance *instance, iv_params *params, const char *path);

/* ---- between the files that do so -------------------------------------------------------------- */

/* The step of a model, for one text: sections that it calls, arrays of weights, and two texts of C. */
enum { IV__C_SECTIONS = 16 };
typedef struct iv__c_weights {
    const char *name;
    const float *data;
    int64_t rows, columns;
    bool transposed; /* as it is written */
} iv__c_weights;
typedef struct iv__c_step {
    iv_home *home;
    iv_stepper *stepper;          /* in whose graph the names are kept */
    bool section[IV__C_SECTIONS]; /* of iv__c_sections */
    int n_weights;
    iv__c_weights *weights; /* array i is called ivory_weights_i */
    iv__text values;        /* members of a struct: states, what is computed, logits */
    iv__text calls;         /* statements over `v`, a pointer to it, and `token` */
} iv__c_step;

/* The names of sections that a step may call, in the order in which they are written; NULL at the end. */
extern const char *const iv__c_sections[];

/* logits: a node [1,T,V] of an evaluation graph whose one sequence input is `input`.
 * Errors: as iv_stepper_new; UNSUPPORTED. */
iv_status iv__c_step_make(iv__c_step *step, iv_params *params, iv_node *logits, const char *input);
void iv__c_step_free(iv__c_step *step);

#endif
