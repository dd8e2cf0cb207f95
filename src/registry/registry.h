/* registry.h: the lists of what exists, written by the build from the files that are there, and
 * opening things by name. */
#ifndef IV_REGISTRY_REGISTRY_H
#define IV_REGISTRY_REGISTRY_H

#include "models/model.h"

extern const iv__model *const iv__models[]; /* NULL at the end */
extern const iv__dataset *const iv__datasets[];

const iv__dataset *iv__dataset_named(const char *name);
/* The data set of an instance. *data: what --data said, or NULL; if that is the name of a data set,
 * the instance takes this one from then on, and *data becomes NULL (a file or folder of that name is
 * written "./NAME").
 * Errors: NAME for one that does not exist here. */
const iv__dataset *iv__dataset_of(iv__instance *instance, const char **data);

/* A system, or a family by the model's name. NULL (NAME recorded, with the nearest name) if
 * there is none. */
const iv__system *iv__system_named(iv_home *home, const char *name, const iv__model **model);

/* A trained run: RUN is its folder or a model file of it. Options and vocabulary come from the
 * file. */
typedef struct iv__opened {
    iv__instance *instance;
    iv_params *params; /* loaded */
    iv__safetensors *file;
    iv__progress progress;
} iv__opened;
/* which: "model" (the best) or "last" (to look at where training stands); in a folder without it the other is taken.
 * Where weights are averaged a model is their averages, from a checkpoint too.
 * Errors: IO, FORMAT, NAME. */
iv_status iv__opened_load(iv_home *home, const char *run, const char *which, iv__opened *opened);
void iv__opened_free(iv__opened *opened);

#endif
