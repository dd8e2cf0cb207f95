/* scope.c: where parameters get their names. Scopes live in the arena of their graph. */
#include "nn/scope.h"

#include "base/home.h"
#include "graph/node.h"
#include "nn/params.h"

#include <string.h>

struct iv__opened_name {
    const char *name, *kind; /* kind NULL: none was said */
    int times;
    iv__opened_name *next;
};

struct iv__kind_count {
    const char *kind;
    int count;
    iv__kind_count *next;
};

static void *no_memory(iv_graph *graph)
{
    return iv_refuse(graph, IV_NOMEM, "%s", iv_home_message(graph->home));
}

static iv__opened_name *find_opened(const iv_scope *scope, const char *name)
{
    for (iv__opened_name *opened = *scope->opened; opened; opened = opened->next)
        if (!strcmp(opened->name, name))
            return opened;
    return NULL;
}

static iv__opened_name *add_opened(iv_scope *scope, const char *name, const char *kind)
{
    iv__opened_name *opened = iv__arena_get(&scope->graph->arena, sizeof *opened);

    if (!opened)
        return no_memory(scope->graph);
    const char *kept = kind ? iv__arena_text(&scope->graph->arena, kind) : NULL;
    if (kind && !kept)
        return no_memory(scope->graph);
    *opened = (iv__opened_name){ name, kept, 0, *scope->opened };
    *scope->opened = opened;
    return opened;
}

iv_scope *iv_scope_new(iv_graph *graph, iv_params *params, const char *name)
{
    if (!graph || !params)
        return NULL;
    iv_scope *scope = iv__arena_get(&graph->arena, sizeof *scope);
    iv__opened_name **opened = iv__arena_get(&graph->arena, sizeof *opened);
    iv__updates *updates = iv__arena_get(&graph->arena, sizeof *updates);
    const char *kept = iv__arena_text(&graph->arena, name);
    if (!scope || !opened || !updates || !kept)
        return no_memory(graph);
    *scope = (iv_scope){ .graph = graph,
                         .params = params,
                         .name = kept,
                         .opened = opened,
                         .updates = updates,
                         .opening = 1,
                         .sets_training = true,
                         .positions = 1 };
    return scope;
}

static const char *within(iv_scope *scope, const char *name)
{
    const char *full = iv__arena_print(&scope->graph->arena, *scope->name ? "%s/%s" : "%s%s",
                                       scope->name, name);

    return full ? full : no_memory(scope->graph);
}

static iv_scope *open_name(iv_scope *scope, const char *full, const char *kind, bool shared)
{
    iv_scope *inner = iv__arena_get(&scope->graph->arena, sizeof *inner);
    iv__opened_name *opened = find_opened(scope, full);

    if (!inner)
        return no_memory(scope->graph);
    if (!opened)
        opened = add_opened(scope, full, kind);
    if (!opened)
        return NULL;
    *inner = (iv_scope){ .graph = scope->graph,
                         .params = scope->params,
                         .parent = scope,
                         .name = full,
                         .opened = scope->opened,
                         .updates = scope->updates,
                         .opening = ++opened->times,
                         .shared = shared,
                         .positions = 1 };
    return inner;
}

/* The kind itself for the first, then kind_1, kind_2 ... */
static const char *numbered(iv_scope *scope, const char *kind)
{
    iv__kind_count *counted = scope->counted;
    iv__arena *arena = &scope->graph->arena;

    while (counted && strcmp(counted->kind, kind))
        counted = counted->next;
    if (!counted) {
        const char *kept = iv__arena_text(arena, kind);
        counted = kept ? iv__arena_get(arena, sizeof *counted) : NULL;
        if (!counted)
            return no_memory(scope->graph);
        *counted = (iv__kind_count){ kept, 0, scope->counted };
        scope->counted = counted;
    }
    int number = counted->count++;
    const char *name = number ? iv__arena_print(arena, "%s_%d", kind, number) : counted->kind;
    return name ? name : no_memory(scope->graph);
}

iv_scope *iv_scope_enter(iv_scope *scope, const char *name, const char *kind)
{
    if (!scope)
        return NULL;
    if (!name && kind)
        name = numbered(scope, kind);
    if (!name || !*name) {
        iv_refuse(scope->graph, IV_NAME, "a scope within '%s' needs a name or a kind", scope->name);
        return NULL;
    }
    const char *full = within(scope, name);
    if (full && !scope->shared && find_opened(scope, full)) {
        iv_refuse(scope->graph, IV_NAME,
                  "scope '%s' is open already in this graph: choose another name, or open it with "
                  "iv_scope_share to use the same parameters again",
                  full);
        return NULL;
    }
    return full ? open_name(scope, full, kind, scope->shared) : NULL;
}

iv_scope *iv_scope_share(iv_scope *scope, const char *name)
{
    if (!scope)
        return NULL;
    const char *full = within(scope, name);
    if (full && !find_opened(scope, full)) {
        iv_refuse(scope->graph, IV_NAME,
                  "scope '%s' cannot be shared: it was not opened in this graph yet", full);
        return NULL;
    }
    return full ? open_name(scope, full, NULL, true) : NULL;
}

const char *iv__scope_kind(const iv_scope *scope, const char *full)
{
    const iv__opened_name *opened = find_opened(scope, full);

    return opened ? opened->kind : NULL;
}

void iv_scope_training(iv_scope *scope, bool training)
{
    if (!scope)
        return;
    scope->sets_training = true;
    scope->training = training;
}

bool iv__scope_is_training(const iv_scope *scope)
{
    while (!scope->sets_training)
        scope = scope->parent;
    return scope->training;
}

void iv_scope_initializing(iv_scope *scope)
{
    if (scope)
        scope->initializing = true;
}

bool iv__scope_is_initializing(const iv_scope *scope)
{
    while (scope && !scope->initializing)
        scope = scope->parent;
    return scope != NULL;
}

static iv_update *find_update(const iv_scope *scope, const iv_node *leaf)
{
    for (int i = 0; i < scope->updates->n; i++)
        if (scope->updates->list[i].leaf == leaf)
            return &scope->updates->list[i];
    return NULL;
}

void iv__scope_update(iv_scope *scope, iv_node *leaf, iv_node *value)
{
    if (!scope || !leaf || !value)
        return;
    iv__updates *updates = scope->updates;
    iv_update *known = find_update(scope, leaf);

    if (known) {
        known->value = value;
        return;
    }
    if (updates->n == updates->room) {
        int room = updates->room ? 2 * updates->room : 16;
        iv_update *list = iv__arena_get(&scope->graph->arena, (size_t)room * sizeof *list);
        if (!list) {
            no_memory(scope->graph);
            return;
        }
        if (updates->n)
            memcpy(list, updates->list, (size_t)updates->n * sizeof *list);
        updates->list = list;
        updates->room = room;
    }
    updates->list[updates->n++] = (iv_update){ leaf, value };
}

iv_node *iv__scope_value(const iv_scope *scope, iv_node *leaf)
{
    const iv_update *known = scope ? find_update(scope, leaf) : NULL;

    return known ? known->value : leaf;
}

int iv_scope_updates(const iv_scope *scope, const iv_update **updates)
{
    *updates = scope ? scope->updates->list : NULL;
    return scope ? scope->updates->n : 0;
}

int64_t iv__scope_positions(const iv_scope *scope)
{
    int64_t positions = 1;

    for (; scope; scope = scope->parent)
        positions *= scope->positions;
    return positions;
}

iv_graph *iv_scope_graph(const iv_scope *scope)
{
    return scope ? scope->graph : NULL;
}

iv_node *iv__param_born(iv_scope *scope, const char *name, iv_shape shape, iv_init init,
                        const iv__born *born)
{
    const char *full = scope ? within(scope, name) : NULL;

    return full ? iv__params_leaf(scope->params, scope->graph, full, shape, init, born) : NULL;
}

iv_node *iv_param(iv_scope *scope, const char *name, iv_shape shape, iv_init init)
{
    return iv__param_born(scope, name, shape, init, NULL);
}

iv_node *iv_state(iv_scope *scope, const char *name, iv_shape shape)
{
    const char *full = scope ? within(scope, name) : NULL;

    if (full)
        full = iv__arena_print(&scope->graph->arena, IV__STATE_PREFIX "%s", full);
    return full ? iv__params_leaf(scope->params, scope->graph, full, shape, IV_ZEROS, NULL) : NULL;
}

iv_scope *iv__layer_open(iv_scope *scope, const iv_node *x, const char *name, const char *kind, bool known)
{
    if (!scope || !x || scope->graph->status)
        return NULL;
    if (!known) {
        iv_refuse(scope->graph, IV_VALUE,
                  "%s: its options have a size that this library does not know: fill in .size, as "
                  "the macro does",
                  kind);
        return NULL;
    }
    iv_scope *layer = iv_scope_enter(scope, name, kind);
    if (!layer)
        return NULL;
    layer->around = scope->graph->scope;
    scope->graph->scope = layer->name;
    return layer;
}

iv_node *iv__layer_close(iv_scope *layer, iv_node *y)
{
    if (!layer)
        return NULL;
    layer->graph->scope = layer->around;
    return layer->graph->status ? NULL : y;
}
