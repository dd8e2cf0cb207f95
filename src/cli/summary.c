/* summary.c: layers, from the scopes of a graph; memory, from its plans. */
#include "cli/summary.h"

#include "base/home.h"
#include "graph/node.h"
#include "nn/params.h"

#include <ctype.h>
#include <string.h>

/* ---- layers ------------------------------------------------------------------------ */

/* "SimpleRNN" of "writer/simple_rnn_1": the kind, as Keras writes it. */
static const char *type_of(iv__arena *arena, const char *name)
{
    static const char *const capitals[] = { "lstm", "gru", "rnn" };
    const char *slash = strrchr(name, '/'), *word = slash ? slash + 1 : name;
    char *type = iv__arena_text(arena, word), *to = type;

    if (!type)
        return NULL;
    while (*word && !isdigit((unsigned char)*word)) {
        int size = (int)strcspn(word, "_");
        bool all = false;
        for (size_t i = 0; i < sizeof capitals / sizeof *capitals; i++)
            all |= size == (int)strlen(capitals[i]) && !strncmp(word, capitals[i], (size_t)size);
        for (int i = 0; i < size; i++)
            *to++ = all || i == 0 ? (char)toupper((unsigned char)word[i]) : word[i];
        word += size + (word[size] == '_');
    }
    *to = 0;
    return type;
}

/* The layer that a call belongs to: a parameter's name without its last part, else the scope. "" is
 * outside of layers. */
static const char *layer_name(iv__arena *arena, const iv_call *call)
{
    const char *slash = strrchr(call->scope, '/');

    if (!(call->op->flags & IV_LEAF))
        return call->scope;
    if (call->op != &iv__op_parameter || !slash || iv__is_state(call->scope))
        return "";
    return iv__arena_print(arena, "%.*s", (int)(slash - call->scope), call->scope);
}

static summary_layer *find_layer(summary *s, const char *name)
{
    for (int i = 0; i < s->n_layers; i++)
        if (!strcmp(s->layers[i].name, name))
            return &s->layers[i];
    summary_layer *layer = &s->layers[s->n_layers++];
    layer->name = iv__arena_text(&s->arena, name);
    layer->type = type_of(&s->arena, name);
    return layer->name && layer->type ? layer : NULL;
}

static iv_status list_layers(summary *s, const iv_graph *graph)
{
    s->layers = iv__arena_get(&s->arena, ((size_t)graph->n_calls + 1) * sizeof *s->layers);
    if (!s->layers)
        return IV_NOMEM;
    for (int i = 0; i < graph->n_calls; i++) {
        const iv_call *call = graph->calls[i];
        const char *name = layer_name(&s->arena, call);
        if (name && !*name)
            continue;
        summary_layer *layer = name ? find_layer(s, name) : NULL;
        if (!layer)
            return IV_NOMEM;
        if (call->op == &iv__op_parameter) {
            layer->parameters += iv_shape_count(&call->out[0].shape);
            s->parameters += iv_shape_count(&call->out[0].shape);
        } else {
            layer->shape = call->out[0].shape;
        }
    }
    return IV_OK;
}

/* The graph of training, or of evaluation, at the options' batch. NULL with a message. */
static iv_graph *build_graph(iv_instance *instance, iv_params *params, bool training, iv__build *build)
{
    iv_graph *graph = iv_graph_new(instance->home);
    if (!graph)
        return NULL;
    *build = (iv__build){ .graph = graph,
                          .scope = iv_scope_new(graph, params, ""),
                          .training = training,
                          .batch = instance->training.batch };
    if (build->scope) {
        iv_scope_training(build->scope, training);
        if (!instance->model->build(instance, build) && !iv_graph_status(graph))
            return graph;
        if (iv_graph_status(graph))
            iv_fail(instance->home, iv_graph_status(graph), "%s", iv_graph_message(graph));
    }
    iv_graph_free(graph);
    return NULL;
}

iv_status summary_make(iv_instance *instance, iv_params *params, summary *s)
{
    iv_home *home = instance->home;
    iv__build build;
    iv_graph *graph = build_graph(instance, params, true, &build);

    *s = (summary){ .arena = { .home = home } };
    iv_status status = graph ? list_layers(s, graph) : iv_home_status(home);
    iv_graph_free(graph);
    if (status)
        summary_free(s);
    return status;
}

void summary_free(summary *s)
{
    iv__arena_free(&s->arena);
    *s = (summary){ .arena = s->arena };
}

/* ---- memory ------------------------------------------------------------------------ */

static iv_status add_step(const iv_instance *instance, iv_params *params, const iv__build *build,
                          int i, summary_memory *memory, summary_look *look, void *user)
{
    const iv__trained_part *part = &build->parts[i];
    int n_carried = i == 0 ? build->n_carried : 0;
    iv_train_step *step = iv_train_step_new(params, .loss = part->loss, .changes = part->changes,
                                            .n_watched = part->weight != NULL, .watched = &part->weight,
                                            .n_carried = n_carried, .carried = build->carried,
                                            .optimizer = iv__settings_optimizer(&instance->training));
    if (!step)
        return iv_home_status(instance->home);
    iv_plan_memory m = iv_train_step_memory(step);
    memory->slab += m.slab;
    memory->inputs += m.inputs;
    memory->constants += m.constants;
    if (m.scratch > memory->scratch)
        memory->scratch = m.scratch;
    if (look)
        look(user, iv_train_step_plan(step));
    iv_train_step_free(step);
    return IV_OK;
}

static iv_status add_training(iv_instance *instance, iv_params *params, summary_memory *memory,
                              summary_look *look, void *user)
{
    iv__build build;
    iv_graph *graph = build_graph(instance, params, true, &build);
    iv_status status = graph ? IV_OK : iv_home_status(instance->home);

    for (int i = 0; !status && i < build.n_parts; i++)
        status = add_step(instance, params, &build, i, memory, look, user);
    iv_graph_free(graph);
    return status;
}

static iv_status add_validation(iv_instance *instance, iv_params *params, summary_memory *memory)
{
    iv__build build;
    iv_graph *graph = build_graph(instance, params, false, &build);
    iv_node *outputs[] = { graph ? build.parts[0].loss : NULL, graph ? build.parts[0].weight : NULL };
    iv_plan *plan = graph ? iv_plan_new(instance->home, outputs[1] ? 2 : 1, outputs,
                                        build.n_carried, build.carried)
                          : NULL;

    if (plan) {
        iv_plan_memory m = iv_plan_memory_of(plan);
        memory->validation = m.slab + m.inputs + m.constants;
    }
    iv_status status = plan ? IV_OK : iv_home_status(instance->home);
    iv_plan_free(plan);
    iv_graph_free(graph);
    return status;
}

iv_status summary_foretell(iv_instance *instance, iv_params *params, summary_memory *memory,
                           summary_look *look, void *user)
{
    *memory = (summary_memory){ 0 };
    iv_status status = add_training(instance, params, memory, look, user);
    if (!status && instance->training.validation > 0)
        status = add_validation(instance, params, memory);
    size_t states = (size_t)iv_params_elements(params, IV__STATE_PREFIX) * sizeof(float);
    memory->optimizer = (size_t)iv_params_elements(params, IV__OPTIMIZER_PREFIX) * sizeof(float);
    memory->parameters = (size_t)iv_params_elements(params, "") * sizeof(float) -
                         memory->optimizer - states;
    memory->inputs += states;
    memory->total = memory->parameters + memory->optimizer + memory->slab + memory->inputs +
                    memory->constants + memory->validation;
    return status;
}
