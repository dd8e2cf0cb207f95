/* registry.c: what exists, by name. */
#include "registry/registry.h"

#include "base/file.h"
#include "base/home.h"

#include <stdio.h>
#include <string.h>

#define IV__MODEL(name) extern const iv__model iv__model_##name;
#include "registry_models.inc"
#undef IV__MODEL
#define IV__DATASET(name) extern const iv__dataset iv__dataset_##name;
#include "registry_data.inc"
#undef IV__DATASET

const iv__model *const iv__models[] = {
#define IV__MODEL(name) &iv__model_##name,
#include "registry_models.inc"
#undef IV__MODEL
    NULL,
};

const iv__dataset *const iv__datasets[] = {
#define IV__DATASET(name) &iv__dataset_##name,
#include "registry_data.inc"
#undef IV__DATASET
    NULL,
};

const iv__dataset *iv__dataset_named(const char *name)
{
    for (int i = 0; iv__datasets[i]; i++)
        if (!strcmp(iv__datasets[i]->name, name))
            return iv__datasets[i];
    return NULL;
}

const iv__dataset *iv__dataset_of(iv__instance *instance, const char **data)
{
    const iv__dataset *named = *data ? iv__dataset_named(*data) : NULL;

    if (named) {
        instance->data = named->name;
        *data = NULL;
    }
    const iv__dataset *set = iv__dataset_named(instance->data);
    if (!set)
        iv_fail(instance->home, IV_NAME,
                "there is no data set '%s' here; `ivory data list` lists them", instance->data);
    return set;
}

const iv__system *iv__system_named(iv_home *home, const char *name, const iv__model **model)
{
    enum { MOST = 128 };
    const char *names[MOST + 1] = { 0 };
    int n = 0;

    for (int i = 0; iv__models[i]; i++)
        for (const iv__system *system = iv__models[i]->systems; system->name; system++) {
            if (!strcmp(system->name, name)) {
                *model = iv__models[i];
                return system;
            }
            if (n < MOST)
                names[n++] = system->name;
        }
    const char *near = iv__nearest(name, names);
    if (near)
        iv_fail(home, IV_NAME,
                "there is no system '%s'; did you mean '%s'? `ivory systems` lists them", name, near);
    else
        iv_fail(home, IV_NAME, "there is no system '%s'; `ivory systems` lists them", name);
    return NULL;
}
