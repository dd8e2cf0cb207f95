/* fuse.c: calls become groups. A fused group carries a block of elements through all its members
 * before the next block, so that what lives between them stays in the first cache; other calls are
 * groups of one. A group may begin with a product, whose blocks go on through the other members as
 * soon as they are made.
 *
 * A call joins the latest group that has its number of elements and lies at or behind all that
 * the call needs. So running groups in order is right, and rows that are cheap to compute again
 * (fill, broadcast_to) are put into every group that wants them instead of being stored. */
#include "plan/parts.h"

#include "base/home.h"

#include <string.h>

typedef struct fusing {
    iv_plan *plan;
    iv_graph *graph;
    bool *needed;   /* by call */
    bool *constant; /* by call: depends on parameters alone */
    int *group_of;  /* by node: the group that stores it; -1: not stored yet */
    int n_nodes;
    iv_status status;
} fusing;

/* The index of the value of a node, made when absent; -1 when memory is out. */
static int value_of(iv_plan *plan, const iv_node *node)
{
    if (plan->value_of_node[node->id] >= 0)
        return plan->value_of_node[node->id];
    if (node->call->op->flags & IV_VIEW && value_of(plan, node->call->in[0]) < 0)
        return -1; /* a view needs its owner */
    if (plan->n_values == plan->room_values) {
        int room = plan->room_values ? plan->room_values * 2 : 64;
        iv__value *values = iv__resize(plan->home, plan->values, (size_t)room * sizeof *values);
        if (!values)
            return -1;
        plan->values = values;
        plan->room_values = room;
    }
    int at = plan->n_values++;
    plan->values[at] = (iv__value){ .node = node, .root = at, .first = -1, .last = -1 };
    if (node->call->op->flags & IV_LEAF)
        plan->values[at].home = VALUE_LEAF;
    plan->value_of_node[node->id] = at;
    return at;
}

static int new_group(fusing *f, bool constant)
{
    iv_plan *plan = f->plan;

    if (plan->n_groups == plan->room_groups) {
        int room = plan->room_groups ? plan->room_groups * 2 : 64;
        iv__group *groups = iv__resize(plan->home, plan->groups, (size_t)room * sizeof *groups);
        if (!groups) {
            f->status = IV_NOMEM;
            return -1;
        }
        plan->groups = groups;
        plan->room_groups = room;
    }
    plan->groups[plan->n_groups] = (iv__group){ .constant = constant };
    return plan->n_groups++;
}

static iv__member *new_member(fusing *f, iv__group *group, const iv_call *call)
{
    if (group->n_members == group->room_members) {
        int room = group->room_members ? group->room_members * 2 : 1;
        iv__member *members = iv__resize(f->plan->home, group->members, (size_t)room * sizeof *members);
        if (!members) {
            f->status = IV_NOMEM;
            return NULL;
        }
        group->members = members;
        group->room_members = room;
    }
    iv__member *member = &group->members[group->n_members++];
    memset(member, 0, sizeof *member);
    member->call = call;
    for (int k = 0; k < call->n_in; k++) {
        member->in[k] = value_of(f->plan, call->in[k]);
        if (member->in[k] < 0)
            f->status = IV_NOMEM;
    }
    member->out[0] = value_of(f->plan, &call->out[0]);
    if (member->out[0] < 0)
        f->status = IV_NOMEM;
    return member;
}

static bool is_free(const iv_call *call)
{
    return call->op->flags & IV_FREE;
}

static bool is_leaf(const iv_node *node)
{
    return node->call->op->flags & IV_LEAF;
}

static void ensure_stored(fusing *f, const iv_node *node);

/* The first group in which a call that reads this node may run: for a stored node behind its
 * group, or within it when it is read element by element. */
static int earliest(const fusing *f, const iv_node *node, bool pointwise)
{
    const iv_node *own = iv__owner(node);
    int group = is_leaf(own) ? -1 : f->group_of[own->id];

    return group < 0 ? 0 : group + (pointwise && f->plan->groups[group].fused ? 0 : 1);
}

static bool has_member(const iv__group *group, const iv_call *call)
{
    for (int m = 0; m < group->n_members; m++)
        if (group->members[m].call == call)
            return true;
    return false;
}

/* With the cheap rows that it reads before it. */
static void add_to_group(fusing *f, int at, const iv_call *call)
{
    if (has_member(&f->plan->groups[at], call))
        return;
    for (int k = 0; k < call->n_in && !f->status; k++)
        if (call->op->flags & IV_POINTWISE && is_free(call->in[k]->call))
            add_to_group(f, at, call->in[k]->call);
    if (!f->status)
        new_member(f, &f->plan->groups[at], call);
}

static int lower_bound_of(fusing *f, const iv_call *call)
{
    bool pointwise = call->op->flags & IV_POINTWISE;
    int low = 0;

    for (int k = 0; k < call->n_in && !f->status; k++) {
        const iv_node *x = call->in[k];
        int at;
        if (pointwise && is_free(x->call)) {
            at = lower_bound_of(f, x->call);
        } else {
            ensure_stored(f, x);
            at = earliest(f, x, pointwise);
        }
        low = at > low ? at : low;
    }
    return low;
}

static void add_ranged(fusing *f, const iv_call *call)
{
    int64_t count = iv_shape_count(&call->out[0].shape);
    bool constant = f->constant[call->id];
    int low = lower_bound_of(f, call), at = -1;

    for (int g = f->plan->n_groups - 1; g >= low && at < 0; g--) {
        const iv__group *group = &f->plan->groups[g];
        if (group->fused && group->count == count && group->constant == constant &&
            group->n_members < MOST_MEMBERS)
            at = g;
    }
    if (at < 0 && !f->status) {
        at = new_group(f, constant);
        if (at >= 0) {
            f->plan->groups[at].fused = true;
            f->plan->groups[at].count = count;
        }
    }
    if (f->status)
        return;
    add_to_group(f, at, call);
    f->group_of[call->out[0].id] = at;
    iv__group *group = &f->plan->groups[at];
    for (int m = 0; is_free(call) && m < group->n_members; m++)
        if (group->members[m].call == call)
            group->members[m].stores = true;
}

static void add_whole(fusing *f, const iv_call *call)
{
    for (int k = 0; k < call->n_in && !f->status; k++)
        ensure_stored(f, call->in[k]);
    int at = f->status ? -1 : new_group(f, f->constant[call->id]);
    if (at < 0)
        return;
    new_member(f, &f->plan->groups[at], call);
    if (call->op->flags & IV_PRODUCT) {
        f->plan->groups[at].fused = f->plan->groups[at].product = true;
        f->plan->groups[at].count = iv_shape_count(&call->out[0].shape);
    }
    for (int j = 0; j < call->n_out; j++)
        f->group_of[call->out[j].id] = at;
}

static void add_call(fusing *f, const iv_call *call)
{
    if (call->op->flags & (IV_LEAF | IV_VIEW))
        return;
    if (call->op->flags & (IV_RANGED | IV_POINTWISE))
        add_ranged(f, call);
    else
        add_whole(f, call);
}

/* A cheap row is stored only when something wants it whole. */
static void ensure_stored(fusing *f, const iv_node *node)
{
    const iv_node *own = iv__owner(node);

    if (!is_leaf(own) && f->group_of[own->id] < 0)
        add_ranged(f, own->call);
}

/* Constant are parameters that the plan does not change, and calls on constants, but for those
 * that would blow a small input up to keep it, and outputs: the caller may write over them. */
static void mark_constant(fusing *f, iv_node *const targets[], int n_changed, iv_node *const changed[])
{
    /* until the walk comes by, a mark says: this one varies */
    for (int i = 0; i < f->plan->n_outputs; i++)
        f->constant[iv__owner(targets[i])->call->id] = true;
    for (int i = 0; i < n_changed; i++)
        f->constant[changed[i]->call->id] = true;
    for (int c = 0; c < f->graph->n_calls; c++) {
        const iv_call *call = f->graph->calls[c];
        size_t in = 4096, out = 0;
        bool all = call->op != &iv__op_input && !f->constant[c];
        for (int k = 0; k < call->n_in; k++) {
            all &= f->constant[call->in[k]->call->id];
            in += (size_t)iv_shape_count(&call->in[k]->shape) * iv_dtype_size(call->in[k]->dtype);
        }
        for (int j = 0; j < call->n_out; j++)
            out += (size_t)iv_shape_count(&call->out[j].shape) * iv_dtype_size(call->out[j].dtype);
        f->constant[c] = all && (call->op->flags & (IV_LEAF | IV_FREE) || out <= in);
    }
}

/* A product that nothing followed is a call like any other. */
static void settle_products(iv_plan *plan)
{
    for (int g = 0; g < plan->n_groups; g++)
        if (plan->groups[g].product && plan->groups[g].n_members == 1)
            plan->groups[g].fused = plan->groups[g].product = false;
}

/* Constant groups go to the front, where they are run only after parameters changed. */
static iv_status sort_groups(iv_plan *plan)
{
    iv__group *sorted = iv__alloc_array(plan->home, plan->n_groups + 1, sizeof *sorted);
    if (!sorted)
        return IV_NOMEM;
    int n = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int g = 0; g < plan->n_groups; g++)
            if (plan->groups[g].constant == !pass)
                sorted[n++] = plan->groups[g];
        if (!pass)
            plan->n_constant_groups = n;
    }
    iv__free(plan->home, plan->groups);
    plan->groups = sorted;
    return IV_OK;
}

iv_status iv__fuse(iv_plan *plan, iv_graph *graph, int n_targets, iv_node *const targets[],
                   int n_changed, iv_node *const changed[])
{
    fusing f = { plan,
                 graph,
                 iv__alloc_array(plan->home, graph->n_calls, sizeof(bool)),
                 iv__alloc_array(plan->home, graph->n_calls, sizeof(bool)),
                 iv__alloc_array(plan->home, graph->n_nodes, sizeof(int)),
                 graph->n_nodes,
                 IV_OK };

    if (f.needed && f.constant && f.group_of) {
        for (int i = 0; i < graph->n_nodes; i++)
            f.group_of[i] = -1;
        for (int i = 0; i < n_targets; i++)
            f.needed[targets[i]->call->id] = true;
        for (int c = graph->n_calls - 1; c >= 0; c--)
            for (int k = 0; f.needed[c] && k < graph->calls[c]->n_in; k++)
                f.needed[graph->calls[c]->in[k]->call->id] = true;
        mark_constant(&f, targets, n_changed, changed);
        for (int c = 0; c < graph->n_calls && !f.status; c++)
            if (f.needed[c] && !is_free(graph->calls[c]))
                add_call(&f, graph->calls[c]);
        for (int i = 0; i < n_targets && !f.status; i++)
            ensure_stored(&f, targets[i]);
        settle_products(plan);
        if (!f.status)
            f.status = sort_groups(plan);
        for (int i = 0; i < n_targets && !f.status; i++)
            if (value_of(plan, targets[i]) < 0)
                f.status = IV_NOMEM;
        for (int i = 0; i < plan->n_values; i++)
            plan->values[i].weight = f.constant[plan->values[i].node->call->id];
    } else {
        f.status = IV_NOMEM;
    }
    iv__free(plan->home, f.needed);
    iv__free(plan->home, f.constant);
    iv__free(plan->home, f.group_of);
    return f.status;
}
