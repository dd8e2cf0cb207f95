/* common_instance.c: instances of models: options by name, what a saved file says of itself, and
 * parameters. */
#include "models/model.h"

#include "base/home.h"

#include <stdio.h>
#include <string.h>

/* Of training, these may differ between a run and its resumption. */
static bool may_differ(const char *name)
{
    return !strcmp(name, "epochs") || !strcmp(name, "steps");
}

static iv_status set_of_system(void *self, const char *name, const char *value)
{
    return iv__instance_set(self, name, value);
}

iv__instance *iv__instance_new(iv_home *home, const iv__model *model, const iv__system *system,
                               bool as_printed)
{
    iv__instance *instance = iv__alloc(home, sizeof *instance);
    if (!instance)
        return NULL;
    *instance = (iv__instance){ .home = home,
                                .model = model,
                                .system = system,
                                .as_printed = as_printed,
                                .arena = { .home = home },
                                .data = system->data,
                                .data_sha256 = "",
                                .data_report = "",
                                .data_note = "" };
    instance->options = iv__arena_get(&instance->arena, model->options_size);
    instance->state = iv__arena_get(&instance->arena, model->state_size);
    instance->trainee = (iv__trainee){ .self = instance, .build = model->build };
    iv_status status = instance->options && instance->state ? IV_OK : IV_NOMEM;
    if (!status) {
        const char *lists[] = { system->settings, as_printed ? system->printed : "" };
        iv__fields_default(model->fields, instance->options);
        iv__fields_default(iv__settings_fields, &instance->training);
        if (as_printed && !system->printed)
            status = iv_fail(home, IV_UNSUPPORTED,
                             "%s has no printed figures to reproduce: leave --as-printed out",
                             system->name);
        for (int i = 0; i < 2 && !status; i++)
            status = iv__settings_each(home, lists[i], set_of_system, instance);
    }
    if (!status)
        return instance;
    iv__instance_free(instance);
    return NULL;
}

void iv__instance_free(iv__instance *instance)
{
    if (!instance)
        return;
    if (instance->state)
        instance->model->close(instance);
    iv__arena_free(&instance->arena);
    iv__free(instance->home, instance);
}

iv_status iv__instance_set(iv__instance *instance, const char *name, const char *value)
{
    if (iv__field_find(iv__settings_fields, name))
        return iv__field_set(instance->home, &instance->arena, iv__settings_fields,
                             &instance->training, name, value);
    return iv__field_set(instance->home, &instance->arena, instance->model->fields,
                         instance->options, name, value);
}

/* ---- what a saved file says of itself -------------------------------------------------------- */

enum { FIXED_PAIRS = 7 };

static int count_fields(const iv_field *fields)
{
    int n = 0;

    while (fields[n].name)
        n++;
    return n;
}

static iv_status describe_fields(iv__instance *instance, const iv_field *fields,
                                 const void *options, const char *prefix, iv__pair *pairs, int *n)
{
    iv__text text = { .home = instance->home };
    iv_status status = IV_OK;

    for (; fields->name && !status; fields++) {
        iv__text_clear(&text);
        iv__field_print(fields, options, &text);
        char *key = iv__arena_print(&instance->arena, "%s%s", prefix, fields->name);
        char *value = text.failed ? NULL : iv__arena_text(&instance->arena, text.data ? text.data : "");
        pairs[(*n)++] = (iv__pair){ key, value };
        status = key && value ? IV_OK : IV_NOMEM;
    }
    iv__text_free(&text);
    return status;
}

iv_status iv__instance_describe(iv__instance *instance)
{
    int most = FIXED_PAIRS + count_fields(instance->model->fields) + count_fields(iv__settings_fields),
        n = 0;
    iv__pair *pairs = iv__arena_get(&instance->arena, (size_t)most * sizeof *pairs);
    if (!pairs)
        return IV_NOMEM;
    pairs[n++] = (iv__pair){ "ivory.format", IV__MODEL_FORMAT };
    pairs[n++] = (iv__pair){ "ivory.version", iv_version() };
    pairs[n++] = (iv__pair){ "ivory.model", instance->model->name };
    pairs[n++] = (iv__pair){ "ivory.system", instance->system->name };
    pairs[n++] = (iv__pair){ "ivory.as_printed", instance->as_printed ? "yes" : "no" };
    pairs[n++] = (iv__pair){ "ivory.data", instance->data };
    pairs[n++] = (iv__pair){ "ivory.data_sha256", instance->data_sha256 };
    iv_status status = describe_fields(instance, instance->model->fields, instance->options,
                                       "option.", pairs, &n);
    if (!status)
        status = describe_fields(instance, iv__settings_fields, &instance->training, "training.",
                                 pairs, &n);
    instance->trainee.pairs = pairs;
    instance->trainee.n_pairs = n;
    return status;
}

static iv_status read_fields(iv__instance *instance, const iv__safetensors *file,
                             const iv_field *fields, void *options, const char *prefix)
{
    char key[96];
    iv_status status = IV_OK;

    for (; fields->name && !status; fields++) {
        snprintf(key, sizeof key, "%s%s", prefix, fields->name);
        const char *value = iv__safetensors_metadata(file, key);
        if (value)
            status = iv__field_set(instance->home, &instance->arena, fields, options, fields->name,
                                   value);
    }
    return status;
}

iv_status iv__instance_read(iv__instance *instance, const iv__safetensors *file)
{
    const char *printed = iv__safetensors_metadata(file, "ivory.as_printed");
    const char *sha256 = iv__safetensors_metadata(file, "ivory.data_sha256");
    iv_status status = read_fields(instance, file, instance->model->fields, instance->options,
                                   "option.");

    if (!status)
        status = read_fields(instance, file, iv__settings_fields, &instance->training, "training.");
    instance->as_printed = printed && !strcmp(printed, "yes");
    char *kept = sha256 ? iv__arena_text(&instance->arena, sha256) : NULL;
    const char *data = iv__safetensors_metadata(file, "ivory.data");
    char *named = data ? iv__arena_text(&instance->arena, data) : NULL;
    if (named)
        instance->data = named;
    instance->data_sha256 = kept ? kept : "";
    return status;
}

/* What a checkpoint says of a pair; of an option that came later than the checkpoint, the default. */
static const char *said_of(const iv__instance *instance, const iv__safetensors *file, const char *key)
{
    static const char training[] = "training.", option[] = "option.";
    const char *there = iv__safetensors_metadata(file, key);
    const iv_field *field = NULL;

    if (!strncmp(key, training, sizeof training - 1))
        field = iv__field_find(iv__settings_fields, key + sizeof training - 1);
    else if (!strncmp(key, option, sizeof option - 1))
        field = iv__field_find(instance->model->fields, key + sizeof option - 1);
    return there || !field ? there : field->value;
}

iv_status iv__instance_matches(const iv__instance *instance, const iv__safetensors *file)
{
    for (int i = 0; i < instance->trainee.n_pairs; i++) {
        const iv__pair *pair = &instance->trainee.pairs[i];
        const char *there = said_of(instance, file, pair->key), *dot = strchr(pair->key, '.');
        if (may_differ(dot + 1) || !strcmp(pair->key, "ivory.version"))
            continue;
        if (there && strcmp(there, pair->value) && !strcmp(pair->key, "ivory.format"))
            return iv_fail(instance->home, IV_UNSUPPORTED,
                           "the run was written by another version of Ivory (format %s; this one goes on with %s)",
                           there, pair->value);
        if (there && strcmp(there, pair->value) && !strcmp(pair->key, "ivory.data_sha256"))
            return iv_fail(instance->home, IV_VALUE,
                           "the data are not those that the run was made with (their contents have another checksum); "
                           "resuming needs the same data");
        if (!there || strcmp(there, pair->value))
            return iv_fail(instance->home, IV_VALUE,
                           "the run was made with %s %s, and now it is %s; resuming needs the same command (only epochs, "
                           "steps and threads may differ)",
                           dot + 1, there ? there : "(unknown)", pair->value);
    }
    return IV_OK;
}

iv_status iv__instance_make_params(iv__instance *instance, iv_params *params)
{
    iv_graph *graph = iv_graph_new(instance->home);
    if (!graph)
        return IV_NOMEM;
    iv__build build = { .graph = graph, .scope = iv_scope_new(graph, params, ""), .batch = 1 };
    iv_status status = build.scope ? instance->model->build(instance, &build)
                                   : iv_home_status(instance->home);

    if (!status)
        status = iv_graph_status(graph);
    iv_graph_free(graph);
    return status;
}
