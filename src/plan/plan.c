/* plan.c: making a plan by its passes, and what is asked of one between runs. */
#include "plan/micro.h"

#include "base/home.h"

#include <string.h>

/* A target that is NULL was refused when it was made: its graph has the reason, if another
 * target tells which it is. */
static iv_status missing(iv_home *home, const iv_graph *graph, const char *what, int i)
{
    if (graph && graph->status)
        return iv_fail(home, graph->status, "%s", graph->message);
    return iv_home_status(home) ? iv_home_status(home)
                                : iv_fail(home, IV_VALUE, "plan: %s %d is NULL", what, i);
}

static iv_graph *graph_of(int n_outputs, iv_node *const outputs[], int n_updates,
                          const iv_update updates[])
{
    for (int i = 0; i < n_outputs; i++)
        if (outputs[i])
            return outputs[i]->graph;
    for (int i = 0; i < n_updates; i++)
        if (updates[i].leaf)
            return updates[i].leaf->graph;
    return NULL;
}

static iv_status check_targets(iv_home *home, const iv_graph *graph, int n_outputs,
                               iv_node *const outputs[], int n_updates, const iv_update updates[])
{
    for (int i = 0; i < n_outputs; i++) {
        if (!outputs[i])
            return missing(home, graph, "output", i);
        if (outputs[i]->graph != graph)
            return iv_fail(home, IV_VALUE, "plan: output %d is a node of another graph", i);
    }
    for (int i = 0; i < n_updates; i++) {
        const iv_node *leaf = updates[i].leaf, *value = updates[i].value;
        if (!leaf || !value)
            return missing(home, graph, "update", i);
        if (leaf->graph != graph || value->graph != graph)
            return iv_fail(home, IV_VALUE, "plan: update %d has nodes of another graph", i);
        if (!(leaf->call->op->flags & IV_LEAF))
            return iv_fail(home, IV_VALUE, "plan: update %d is of a node that is no leaf (%s)", i,
                           leaf->call->op->name);
        if (!iv_shape_same(&leaf->shape, &value->shape) || leaf->dtype != value->dtype) {
            char a[200], b[200];
            return iv_fail(home, IV_SHAPE, "plan: the new value of a leaf must be like it (%s, %s)",
                           iv__node_text(leaf, a, sizeof a), iv__node_text(value, b, sizeof b));
        }
        for (int other = 0; other < i; other++)
            if (updates[other].leaf == leaf)
                return iv_fail(home, IV_NAME, "plan: '%s' would get two new values", iv_node_name(leaf));
    }
    return graph->status ? iv_fail(home, graph->status, "%s", graph->message) : IV_OK;
}

/* The plan's lists of outputs, updates, copies and leaves. */
static iv_status make_lists(iv_plan *plan, int n_outputs, int n_updates)
{
    iv_home *home = plan->home;

    plan->n_outputs = n_outputs;
    plan->n_updates = n_updates;
    plan->outputs = iv__alloc_array(home, n_outputs + 1, sizeof(int));
    plan->update_leaf = iv__alloc_array(home, n_updates + 1, sizeof(int));
    plan->update_value = iv__alloc_array(home, n_updates + 1, sizeof(int));
    plan->copies = iv__alloc_array(home, n_updates + 1, sizeof(iv__late_update));
    return plan->outputs && plan->update_leaf && plan->update_value && plan->copies ? IV_OK : IV_NOMEM;
}

static iv_status list_leaves(iv_plan *plan)
{
    plan->leaves = iv__alloc_array(plan->home, plan->n_values + 1, sizeof(int));
    if (!plan->leaves)
        return IV_NOMEM;
    for (int i = 0; i < plan->n_values; i++)
        if (plan->values[i].home == VALUE_LEAF)
            plan->leaves[plan->n_leaves++] = i;
    return IV_OK;
}

/* What a view shows, down to the node that owns the bytes. */
const iv_node *iv__owner(const iv_node *node)
{
    while (node->call->op->flags & IV_VIEW)
        node = node->call->in[0];
    return node;
}

static bool is_shown(const iv_node *node, int n, iv_node *const outputs[])
{
    for (int i = 0; i < n; i++)
        if (iv__owner(outputs[i]) == iv__owner(node))
            return true;
    return false;
}

/* Each output gets memory of its own: not a leaf's, which changes at the caller's will, nor that
 * of another output. And a leaf as new value is read before any leaf is changed. */
static iv_status copy_where_shared(int n_outputs, int n_updates, iv_node **targets)
{
    for (int i = 0; i < n_outputs + n_updates; i++) {
        iv_graph *graph = targets[i]->graph;
        while (targets[i] && (iv__owner(targets[i])->call->op->flags & IV_LEAF ||
                              (i < n_outputs ? is_shown(targets[i], i, targets)
                                             : iv__owner(targets[i]) != targets[i])))
            targets[i] = iv__copied(targets[i]);
        if (!targets[i])
            return graph->status;
    }
    return IV_OK;
}

/* targets: outputs, then the values of updates, then their leaves. */
static iv_status compile(iv_plan *plan, iv_graph *graph, int n_outputs, iv_node *const outputs[],
                         int n_updates, const iv_update updates[], iv_node **targets)
{
    int n = n_outputs + 2 * n_updates;

    for (int i = 0; i < n_outputs; i++)
        targets[i] = outputs[i];
    for (int i = 0; i < n_updates; i++) {
        targets[n_outputs + i] = updates[i].value;
        targets[n_outputs + n_updates + i] = updates[i].leaf;
    }
    iv_status status = iv__simplify(graph, n, targets, targets);
    if (status)
        return status;
    status = copy_where_shared(n_outputs, n_updates, targets);
    if (status)
        return status;
    plan->n_nodes = graph->n_nodes;
    plan->value_of_node = iv__alloc_array(plan->home, graph->n_nodes, sizeof(int));
    if (!plan->value_of_node || make_lists(plan, n_outputs, n_updates))
        return IV_NOMEM;
    for (int i = 0; i < graph->n_nodes; i++)
        plan->value_of_node[i] = -1;
    status = iv__fuse(plan, graph, n, targets, n_updates, targets + n_outputs + n_updates);
    if (status)
        return status;
    for (int i = 0; i < n_outputs; i++)
        plan->outputs[i] = plan->value_of_node[targets[i]->id];
    for (int i = 0; i < n_updates; i++) {
        plan->update_value[i] = plan->value_of_node[targets[n_outputs + i]->id];
        plan->update_leaf[i] = plan->value_of_node[targets[n_outputs + n_updates + i]->id];
    }
    status = iv__bind(plan);
    if (!status)
        status = iv__place(plan);
    return status ? status : list_leaves(plan);
}

iv_plan *iv__plan_whole(iv_home *home, int n_outputs, iv_node *const outputs[], int n_updates,
                        const iv_update updates[])
{
    if (n_outputs + n_updates < 1) {
        iv_fail(home, IV_VALUE, "plan: nothing is asked for");
        return NULL;
    }
    iv_graph *graph = graph_of(n_outputs, outputs, n_updates, updates);
    if (check_targets(home, graph, n_outputs, outputs, n_updates, updates))
        return NULL;
    iv_plan *plan = iv__alloc(home, sizeof *plan);
    iv_node **targets = iv__alloc_array(home, n_outputs + 2 * n_updates, sizeof *targets);
    iv_status status = plan && targets ? IV_OK : IV_NOMEM;

    if (!status) {
        plan->home = home;
        plan->backend = iv__backend_of(home);
        plan->precision = iv_home_precision(home);
        plan->bad_record = -1;
        status = plan->backend ? compile(plan, graph, n_outputs, outputs, n_updates, updates, targets)
                               : iv_home_status(home);
    }
    iv__free(home, targets);
    if (!status)
        return plan;
    if (plan && plan->home)
        iv_plan_free(plan);
    else
        iv__free(home, plan);
    return NULL;
}

iv_plan *iv_plan_new(iv_home *home, int n_outputs, iv_node *const outputs[], int n_updates,
                     const iv_update updates[])
{
    iv_plan *plan = iv__plan_whole(home, n_outputs, outputs, n_updates, updates);

    if (!plan || n_updates || !iv__micro_make(plan, n_outputs, outputs, 0))
        return plan;
    iv_plan_free(plan);
    return NULL;
}

void iv_plan_free(iv_plan *plan)
{
    if (!plan)
        return;
    iv_home *home = plan->home;
    iv__micro_free(plan->micro);
    if (plan->constants_of)
        plan->constants = NULL;
    for (int i = 0; i < plan->n_values; i++)
        if (plan->values[i].owned)
            iv__free(home, plan->values[i].data);
    for (int g = 0; g < plan->n_groups; g++)
        iv__free(home, plan->groups[g].members);
    void *const parts[] = { plan->value_of_node, plan->values,    plan->groups,
                            plan->packed,        plan->outputs,   plan->update_leaf,
                            plan->update_value,  plan->copies,    plan->leaves,
                            plan->slab,          plan->constants, plan->seconds };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        iv__free(home, parts[i]);
    iv__free(home, plan);
}

int iv__plan_leaf_named(const iv_plan *plan, const char *name)
{
    for (int i = 0; i < plan->n_leaves; i++)
        if (!strcmp(iv__leaf_of(plan->values[plan->leaves[i]].node)->name, name))
            return plan->leaves[i];
    return -1;
}

static iv__value *leaf_named(iv_plan *plan, const char *name)
{
    const int value = iv__plan_leaf_named(plan, name);

    return value < 0 ? NULL : &plan->values[value];
}

static void *own_memory(iv_plan *plan, iv__value *leaf)
{
    if (!leaf->data) {
        leaf->data = iv__alloc(plan->home, iv__value_bytes(leaf));
        leaf->owned = leaf->data != NULL;
        plan->lacking |= !leaf->data;
        plan->resolved = false;
    }
    return leaf->data;
}

void *iv_plan_input(iv_plan *plan, const char *name)
{
    iv__value *leaf = leaf_named(plan, name);

    return leaf ? own_memory(plan, leaf) : NULL;
}

iv_status iv_plan_bind(iv_plan *plan, const char *name, void *memory, const uint64_t *version)
{
    iv__value *leaf = leaf_named(plan, name);

    if (!leaf)
        return iv_fail(plan->home, IV_NAME, "plan: it needs no leaf '%s'", name);
    if (leaf->owned)
        iv__free(plan->home, leaf->data);
    leaf->owned = false;
    leaf->bound = true;
    leaf->data = memory;
    leaf->version = version;
    plan->resolved = false;
    plan->constants_done = false;
    return IV_OK;
}

int iv_plan_leaves(const iv_plan *plan)
{
    return plan->n_leaves;
}

const iv_node *iv_plan_leaf(const iv_plan *plan, int i)
{
    return plan->values[plan->leaves[i]].node;
}

const void *iv_plan_output(const iv_plan *plan, int i)
{
    if (plan->micro)
        return iv__micro_output(plan->micro, i);
    return plan->values[iv__root(plan, plan->outputs[i])].data;
}

iv_plan_memory iv_plan_memory_of(const iv_plan *plan)
{
    if (plan->micro)
        return iv__micro_memory(plan);
    iv_plan_memory memory = { .constants = plan->constant_bytes,
                              .unshared = plan->unshared,
                              .groups = plan->n_groups };

    for (int g = 0; g < plan->n_groups; g++) {
        memory.calls += plan->groups[g].n_members;
        if (plan->groups[g].scratch > memory.scratch)
            memory.scratch = plan->groups[g].scratch;
    }
    memory.slab = plan->slab_bytes;
    for (int i = 0; i < plan->n_leaves; i++) {
        const iv__value *leaf = &plan->values[plan->leaves[i]];
        if (!leaf->bound && leaf->node->call->op == &iv__op_input)
            memory.inputs += iv__value_bytes(leaf);
    }
    return memory;
}

/* ---- parts ----------------------------------------------------------------------------------- */

int iv_plan_parts(const iv_plan *plan)
{
    return plan->micro ? iv__micro_parts(plan->micro) : plan->n_groups + plan->n_packed;
}

iv_plan_part iv_plan_part_of(const iv_plan *plan, int i)
{
    if (plan->micro)
        return iv__micro_part_of(plan->micro, i);
    double seconds = plan->seconds ? plan->seconds[i] : 0;

    if (i >= plan->n_groups) {
        const iv_node *node = plan->values[plan->packed[i - plan->n_groups].value].node;
        bool leaf = node->call->op->flags & IV_LEAF;
        return (iv_plan_part){
            leaf ? iv_node_name(node) : node->call->op->name, node->call->scope, "packing", 1, false, NULL, seconds
        };
    }
    const iv__group *group = &plan->groups[i];
    const iv__member *chief = iv__chief(group);
    return (iv_plan_part){ chief->call->op->name,
                           chief->call->scope,
                           chief->kernel_name,
                           group->n_members,
                           chief->bf16,
                           chief->why_f32,
                           seconds };
}

iv_status iv_plan_time(iv_plan *plan, bool on)
{
    if (plan->micro)
        return iv__micro_time(plan->micro, on);
    iv__free(plan->home, plan->seconds);
    plan->seconds = on ? iv__alloc_array(plan->home, iv_plan_parts(plan) + 1, sizeof(double)) : NULL;
    return on && !plan->seconds ? IV_NOMEM : IV_OK;
}

static const char *place_text(const iv_plan *plan, int value, char *text, size_t size)
{
    const iv__value *v = &plan->values[value], *root = &plan->values[iv__root(plan, value)];
    const char *same = root == v ? "" : "=";

    switch (root->home) {
    case VALUE_INNER: snprintf(text, size, "inner"); break;
    case VALUE_SLAB: snprintf(text, size, "%sslab+%zu", same, root->offset); break;
    case VALUE_CONSTANT: snprintf(text, size, "%sconstant+%zu", same, root->offset); break;
    case VALUE_LEAF: snprintf(text, size, "%s%s", same, iv__leaf_of(root->node)->name); break;
    }
    return text;
}

void iv_plan_print(const iv_plan *plan, FILE *file)
{
    char shape[160], place[200];

    if (plan->micro) {
        iv__micro_print(plan->micro, file);
        return;
    }
    fprintf(file, "%5s  %-30s %-12s %-5s %-22s %s\n", "group", "row", "kernel", "", "shape", "place");
    for (int g = 0; g < plan->n_groups; g++)
        for (int m = 0; m < plan->groups[g].n_members; m++) {
            const iv__member *member = &plan->groups[g].members[m];
            const iv_node *out = &member->call->out[0];
            bool inner = plan->groups[g].fused && !member->stores;
            fprintf(file, "%4d%c  %-30s %-12s %-5s %-22s %s\n", g,
                    plan->groups[g].constant ? 'c' : ' ', member->call->op->name, member->kernel_name,
                    member->bf16 ? "bf16" : "", iv_shape_text(&out->shape, shape, sizeof shape),
                    inner ? "inner" : place_text(plan, member->out[0], place, sizeof place));
        }
}
