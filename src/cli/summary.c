/* summary.c: layers and what they read, from the scopes of a graph; memory, from its plans. */
#include "cli/summary.h"

#include "base/home.h"
#include "graph/node.h"
#include "nn/scope.h"

#include <ctype.h>
#include <string.h>

/* ---- layers ------------------------------------------------------------------------ */

/* "SimpleRNN" of "simple_rnn": the kind, as Keras writes it. */
static const char *type_of(iv__arena *arena, const char *kind)
{
    static const struct {
        const char *word, *written;
    } known[] = { { "lstm", "LSTM" }, { "gru", "GRU" }, { "rnn", "RNN" }, { "conv2d", "Conv2D" } };
    iv__text type = { .home = arena->home };

    for (size_t size; *kind; kind += size + (kind[size] == '_')) {
        const char *written = NULL;
        size = strcspn(kind, "_");
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (size == strlen(known[i].word) && !strncmp(kind, known[i].word, size))
                written = known[i].written;
        if (written) {
            iv__text_put(&type, written);
        } else if (size) {
            const char first = (char)toupper((unsigned char)*kind);
            iv__text_add(&type, &first, 1);
            iv__text_add(&type, kind + 1, size - 1);
        }
    }
    const char *kept = type.failed ? NULL : iv__arena_text(arena, type.data ? type.data : "");
    iv__text_free(&type);
    return kept;
}

/* The layer that a call belongs to: a parameter's name without its last part, else the scope. "" is
 * outside of layers. */
static const char *layer_name(iv__arena *arena, const iv_call *call)
{
    const char *slash = strrchr(call->scope, '/');

    if (!(call->op->flags & IV_LEAF))
        return call->scope;
    if (call->op != &iv__op_parameter || !slash)
        return "";
    return iv__arena_print(arena, "%.*s", (int)(slash - call->scope), call->scope);
}

/* What it was opened as; what was never opened by a kind is called by its name. */
static const char *kind_of(const iv_scope *scope, const char *name)
{
    const char *kind = iv__scope_kind(scope, name), *slash = strrchr(name, '/');

    return kind ? kind : slash ? slash + 1 : name;
}

static summary_layer *find_layer(summary *s, const iv_scope *scope, const char *name, summary_kind kind)
{
    for (int i = 0; i < s->n_layers; i++)
        if (s->layers[i].kind == kind && !strcmp(s->layers[i].name, name))
            return &s->layers[i];
    summary_layer *layer = &s->layers[s->n_layers++];
    layer->kind = kind;
    layer->name = iv__arena_text(&s->arena, name);
    layer->type = kind == SUMMARY_INPUT  ? "input"
                  : kind == SUMMARY_LOSS ? "loss"
                                         : type_of(&s->arena, kind_of(scope, name));
    return layer->name && layer->type ? layer : NULL;
}

/* Constants and random numbers belong to no layer, though one made them first: equal ones are shared. */
static bool depends(const iv_call *call, const bool *tells)
{
    bool any = call->op == &iv__op_parameter ||
               (call->op == &iv__op_input && strcmp(call->scope, "random"));

    for (int k = 0; k < call->n_in; k++)
        any |= tells[call->in[k]->call->id];
    return any;
}

/* layer_of[c]: what call c belongs to, by its place in the list, or -1. */
static iv_status list_layers(summary *s, const iv__build *build, int *layer_of)
{
    const iv_graph *graph = build->graph;

    bool *tells = iv__arena_get(&s->arena, (size_t)graph->n_calls + 1);
    s->layers = iv__arena_get(&s->arena, ((size_t)graph->n_calls + IV__MOST_PARTS) * sizeof *s->layers);
    if (!s->layers || !tells)
        return IV_NOMEM;
    for (int i = 0; i < graph->n_calls; i++) {
        const iv_call *call = graph->calls[i];
        const bool input = call->op == &iv__op_input && !iv__is_state(call->scope);

        layer_of[i] = -1;
        if (!depends(call, tells))
            continue;
        tells[i] = true;
        const char *name = input ? call->scope : layer_name(&s->arena, call);
        if (name && !*name)
            continue;
        summary_layer *layer = name ? find_layer(s, build->scope, name,
                                                 input ? SUMMARY_INPUT : SUMMARY_LAYER)
                                    : NULL;
        if (!layer)
            return IV_NOMEM;
        layer_of[i] = (int)(layer - s->layers);
        if (call->op == &iv__op_parameter) {
            layer->parameters += iv_shape_count(&call->out[0].shape);
            s->parameters += iv_shape_count(&call->out[0].shape);
        } else {
            layer->shape = call->out[0].shape;
        }
    }
    return IV_OK;
}

/* ---- connections -------------------------------------------------------------------- */

/* Sets of places in the list, one for each call: what its value comes from. A call of a layer comes from
 * that layer; one between layers from all that its inputs come from. */
typedef struct sources {
    size_t words;
    uint64_t *bits;
} sources;

static uint64_t *set_of(const sources *s, int call)
{
    return s->bits + (size_t)call * s->words;
}

static void join(const sources *s, uint64_t *to, int call)
{
    for (size_t w = 0; w < s->words; w++)
        to[w] |= set_of(s, call)[w];
}

static iv_status keep_reads(summary *s, int layer, const uint64_t *set)
{
    summary_layer *l = &s->layers[layer];

    l->reads = iv__arena_get(&s->arena, ((size_t)s->n_layers + 1) * sizeof *l->reads);
    if (!l->reads)
        return IV_NOMEM;
    for (int i = 0; i < s->n_layers; i++)
        if (i != layer && set[i / 64] >> i % 64 & 1)
            l->reads[l->n_reads++] = i;
    return IV_OK;
}

static const char *loss_name(const iv__build *build, int part)
{
    return *build->parts[part].name ? build->parts[part].name : "loss";
}

static iv_status find_reads(summary *s, const iv__build *build, const int *layer_of)
{
    const iv_graph *graph = build->graph;
    const int n_made = s->n_layers;
    sources of = { .words = (size_t)n_made / 64 + 1 };
    uint64_t *read; /* by each of the list */

    of.bits = iv__arena_get(&s->arena, ((size_t)graph->n_calls + 1) * of.words * sizeof *of.bits);
    read = iv__arena_get(&s->arena, ((size_t)n_made + 1) * of.words * sizeof *read);
    if (!of.bits || !read)
        return IV_NOMEM;
    for (int c = 0; c < graph->n_calls; c++) {
        const iv_call *call = graph->calls[c];
        const int layer = layer_of[c];
        for (int k = 0; k < call->n_in; k++)
            join(&of, layer < 0 ? set_of(&of, c) : read + (size_t)layer * of.words,
                 call->in[k]->call->id);
        if (layer >= 0)
            set_of(&of, c)[layer / 64] |= UINT64_C(1) << layer % 64;
    }
    for (int i = 0; i < build->n_parts; i++) {
        summary_layer *loss = find_layer(s, build->scope, loss_name(build, i), SUMMARY_LOSS);
        if (!loss || keep_reads(s, (int)(loss - s->layers), set_of(&of, build->parts[i].loss->call->id)))
            return IV_NOMEM;
    }
    iv_status status = IV_OK;
    for (int i = 0; i < n_made && !status; i++)
        status = keep_reads(s, i, read + (size_t)i * of.words);
    return status;
}

static iv_status list_and_connect(summary *s, const iv__build *build)
{
    int *layer_of = iv__arena_get(&s->arena, ((size_t)build->graph->n_calls + 1) * sizeof *layer_of);
    iv_status status = layer_of ? list_layers(s, build, layer_of) : IV_NOMEM;

    return status ? status : find_reads(s, build, layer_of);
}

/* The graph of training, or of evaluation, at the options' batch. NULL with a message. */
static iv_graph *build_graph(iv__instance *instance, iv_params *params, bool training, iv__build *build)
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
            iv__graph_fail(graph);
    }
    iv_graph_free(graph);
    return NULL;
}

iv_status summary_make(iv__instance *instance, iv_params *params, summary *s)
{
    iv_home *home = instance->home;
    iv__build build;
    iv_graph *graph = build_graph(instance, params, true, &build);

    *s = (summary){ .arena = { .home = home } };
    iv_status status = graph ? list_and_connect(s, &build) : iv_home_status(home);
    iv_graph_free(graph);
    if (status)
        summary_free(s);
    return status;
}

iv_status summary_save_graph(iv__instance *instance, iv_params *params, const char *path)
{
    iv__build build;
    iv_graph *graph = build_graph(instance, params, false, &build);

    for (int i = 0; graph && i < build.n_parts; i++)
        iv_graph_set_output(graph, loss_name(&build, i), build.parts[i].loss);
    iv_status status = graph ? iv_graph_save(graph, path) : iv_home_status(instance->home);
    iv_graph_free(graph);
    return status;
}

void summary_free(summary *s)
{
    iv__arena_free(&s->arena);
    *s = (summary){ .arena = s->arena };
}

/* ---- memory ------------------------------------------------------------------------ */

/* What the home holds beside parameters. */
static size_t held_beside(const iv__instance *instance, const iv_params *params)
{
    return iv__home_bytes(instance->home) - (size_t)iv_params_elements(params, "") * sizeof(float);
}

static iv_status add_step(const iv__instance *instance, iv_params *params, const iv__build *build,
                          int i, summary_memory *memory, summary_look *look, void *user)
{
    const iv__trained_part *part = &build->parts[i];
    int n_carried = i == 0 ? build->n_carried : 0;
    const size_t before = held_beside(instance, params);
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
    memory->plans += held_beside(instance, params) - before;
    if (look)
        look(user, iv_train_step_plan(step));
    iv_train_step_free(step);
    return IV_OK;
}

static iv_status add_training(iv__instance *instance, iv_params *params, summary_memory *memory,
                              summary_look *look, void *user)
{
    iv__build build;
    const size_t before = held_beside(instance, params);
    iv_graph *graph = build_graph(instance, params, true, &build);
    iv_status status = graph ? IV_OK : iv_home_status(instance->home);

    memory->plans += held_beside(instance, params) - before;
    for (int i = 0; !status && i < build.n_parts; i++)
        status = add_step(instance, params, &build, i, memory, look, user);
    iv_graph_free(graph);
    return status;
}

static iv_status add_validation(iv__instance *instance, iv_params *params, summary_memory *memory)
{
    iv__build build;
    const size_t before = held_beside(instance, params);
    iv_graph *graph = build_graph(instance, params, false, &build);
    iv_plan *plan = graph ? iv__evaluation_plan(instance->home, &build) : NULL;

    if (plan) {
        iv_plan_memory m = iv_plan_memory_of(plan);
        memory->validation = m.slab + m.inputs + m.constants;
        memory->plans += held_beside(instance, params) - before;
    }
    iv_status status = plan ? IV_OK : iv_home_status(instance->home);
    iv_plan_free(plan);
    iv_graph_free(graph);
    return status;
}

iv_status summary_foretell(iv__instance *instance, iv_params *params, summary_memory *memory,
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
