/* open.c: a trained run, from its folder or a single model file. */
#include "registry/registry.h"

#include "base/file.h"
#include "base/home.h"
#include "nn/params.h"

#include <stdio.h>
#include <string.h>

static bool is_system(const char *name)
{
    for (const iv__model *const *model = iv__models; *model; model++)
        for (const iv__system *system = (*model)->systems; system->name; system++)
            if (!strcmp(system->name, name))
                return true;
    return false;
}

static iv__safetensors *open_file(iv_home *home, const char *run, const char *which)
{
    const char *const order[] = { which, strcmp(which, "model") ? "model" : "last", "previous" };
    char path[4096];

    if (!iv__is_folder(run)) {
        iv__safetensors *file = iv__safetensors_open(home, run);
        if (!file && is_system(run))
            iv_fail(home, IV_IO,
                    "%s is a system; expected a run of it: the folder that `ivory train %s` makes (runs/%s)",
                    run, run, run);
        return file;
    }
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s.safetensors", run, order[i]);
        if (iv__file_exists(path))
            return iv__safetensors_open(home, path);
    }
    snprintf(path, sizeof path, "%s/run.json", run);
    if (iv__file_exists(path))
        iv_fail(home, IV_IO,
                "%s holds no model yet: its training has not come to the first checkpoint; let it go on, with "
                "--resume if it has ended",
                run);
    else
        iv_fail(home, IV_IO,
                "%s holds no model: neither model.safetensors nor last.safetensors is there; is it the folder of a run?",
                run);
    return NULL;
}

iv_status iv__opened_load(iv_home *home, const char *run, const char *which, iv__opened *opened)
{
    *opened = (iv__opened){ 0 };
    opened->file = open_file(home, run, which);
    if (!opened->file)
        return iv_home_status(home);
    const char *name = iv__safetensors_metadata(opened->file, "ivory.model");
    const char *system_name = iv__safetensors_metadata(opened->file, "ivory.system");
    const char *format = iv__safetensors_metadata(opened->file, "ivory.format");
    iv_status status = IV_OK;

    if (!name || !system_name || !format)
        status = iv_fail(home, IV_FORMAT,
                         "%s is no model of Ivory: its file does not say which model it is", run);
    else if (strcmp(format, IV__MODEL_FORMAT))
        status = iv_fail(home, IV_UNSUPPORTED,
                         "%s was written by another version of Ivory (format %s; this one reads %s)",
                         run, format, IV__MODEL_FORMAT);
    const iv__model *model = NULL;
    const iv__system *system = status ? NULL : iv__system_named(home, system_name, &model);
    if (!status && (!system || strcmp(model->name, name)))
        status = iv_fail(home, IV_NAME, "%s is of the system '%s' (%s), which this Ivory does not have",
                         run, system_name, name);
    if (!status) {
        opened->instance = iv__instance_new(home, model, system, false);
        status = opened->instance ? iv__instance_read(opened->instance, opened->file)
                                  : iv_home_status(home);
    }
    if (!status)
        status = model->restore(opened->instance, opened->file);
    if (!status) {
        opened->params = iv_params_new_empty(home, IV_F32);
        if (opened->params)
            iv__params_expect(opened->params, opened->file);
        status = opened->params ? iv__instance_make_params(opened->instance, opened->params)
                                : iv_home_status(home);
    }
    if (!status)
        status = iv__checkpoint_load(opened->params, opened->file, &opened->progress);
    if (!status)
        iv__params_expect(opened->params, NULL);
    /* Before an epoch is over there is only the checkpoint; what a model file has as its weights are its averages. */
    if (!status && !strcmp(which, "model") && opened->instance->training.average > 0)
        iv__params_swap_averages(opened->params);
    if (status)
        iv__opened_free(opened);
    return status;
}

void iv__opened_free(iv__opened *opened)
{
    iv__instance_free(opened->instance);
    iv_params_free(opened->params);
    iv__safetensors_close(opened->file);
    *opened = (iv__opened){ 0 };
}
