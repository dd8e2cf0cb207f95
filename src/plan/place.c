/* place.c: addresses. Values that must be in memory get a stretch of one slab, shared by those
 * that never live at the same time; a member may write over an input that nobody needs
 * afterwards, and an update over the leaf it changes. */
#include "plan/parts.h"

#include "base/home.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static iv__value *root_of(iv_plan *plan, int value)
{
    return &plan->values[iv__root(plan, value)];
}

/* Does the member read the value as its input k, or a view of it? Its place says nothing about that: where
 * another group stores a cheap row, it may take the place of what it was made of. */
static bool reads(const iv_plan *plan, const iv__member *member, int k, int value)
{
    return iv__owner(plan->values[member->in[k]].node) == plan->values[value].node;
}

/* The earlier member of this group that makes input k of member `reader`, if it is read element
 * by element: its index, or -1. (A cheap row may be a member here, and be read whole from where
 * another group stored it.) */
static int maker_in(const iv_plan *plan, const iv__group *group, int reader, int k)
{
    const iv__member *member = &group->members[reader];

    for (int m = 0; member->call->op->flags & IV_POINTWISE && m < reader; m++)
        if (reads(plan, member, k, group->members[m].out[0]))
            return m;
    return -1;
}

static void link_views(iv_plan *plan)
{
    for (int i = 0; i < plan->n_values; i++) {
        plan->values[i].root = plan->value_of_node[iv__owner(plan->values[i].node)->id];
    }
}

/* Which members store, and when each stored value is written first and read last. */
static void find_lives(iv_plan *plan)
{
    for (int i = 0; i < plan->n_outputs; i++)
        root_of(plan, plan->outputs[i])->output = true;
    for (int g = 0; g < plan->n_groups; g++)
        for (int m = 0; m < plan->groups[g].n_members; m++)
            for (int k = 0; k < plan->groups[g].members[m].call->n_in; k++) {
                if (maker_in(plan, &plan->groups[g], m, k) >= 0)
                    continue;
                iv__value *root = root_of(plan, plan->groups[g].members[m].in[k]);
                root->last = g > root->last ? g : root->last;
            }
    for (int i = 0; i < plan->n_outputs; i++)
        root_of(plan, plan->outputs[i])->last = INT_MAX;
    for (int i = 0; i < plan->n_updates; i++)
        root_of(plan, plan->update_value[i])->last = INT_MAX;

    for (int g = 0; g < plan->n_groups; g++)
        for (int m = 0; m < plan->groups[g].n_members; m++) {
            iv__group *group = &plan->groups[g];
            iv__member *member = &group->members[m];
            bool cheap = member->call->op->flags & IV_FREE;
            for (int j = 0; j < member->call->n_out; j++) {
                if (member->out[j] < 0)
                    continue;
                iv__value *value = &plan->values[member->out[j]];
                bool whole = !group->fused || (group->product && m == 0);
                bool stored = whole || (cheap ? member->stores : value->last > g);
                if (j == 0)
                    member->stores = stored;
                if (!stored)
                    continue;
                value->home = group->constant ? VALUE_CONSTANT : VALUE_SLAB;
                value->first = g;
                value->last = value->last < g ? g : value->last;
            }
        }
}

/* Does any member of this group read the value other than element by element, or after member
 * `m`? */
static bool read_badly(const iv_plan *plan, const iv__group *group, int m, int root)
{
    for (int i = 0; i < group->n_members; i++) {
        const iv__member *member = &group->members[i];
        for (int k = 0; k < member->call->n_in; k++)
            if (iv__root(plan, member->in[k]) == root &&
                (i > m || !(member->call->op->flags & IV_POINTWISE)))
                return true;
    }
    return false;
}

static bool same_size(const iv_plan *plan, int a, int b)
{
    return plan->values[a].node->dtype == plan->values[b].node->dtype &&
           iv__value_bytes(&plan->values[a]) == iv__value_bytes(&plan->values[b]);
}

/* Member m of this group may write its result where `root` lives. */
static bool writes_over(const iv_plan *plan, const iv__group *group, int m, int root)
{
    const iv__member *member = &group->members[m];

    if (group->fused)
        return !read_badly(plan, group, m, root);
    if (!(member->call->op->flags & IV_IN_PLACE) || iv__root(plan, member->in[0]) != root)
        return false;
    for (int k = 1; k < member->call->n_in; k++)
        if (iv__root(plan, member->in[k]) == root)
            return false;
    return true;
}

/* An update computed where its leaf lives, if nobody reads the old value afterwards. */
static void update_in_place(iv_plan *plan)
{
    for (int u = 0; u < plan->n_updates; u++) {
        int leaf = iv__root(plan, plan->update_leaf[u]), value = plan->update_value[u];
        const iv__value *v = &plan->values[value];
        bool possible = v->root == value && v->home == VALUE_SLAB && !v->output && v->first >= 0 &&
                        !plan->values[leaf].output && plan->values[leaf].last <= v->first &&
                        same_size(plan, leaf, value);
        if (possible) {
            const iv__group *group = &plan->groups[v->first];
            int m = 0;
            while (m < group->n_members && group->members[m].out[0] != value)
                m++;
            possible = m < group->n_members && writes_over(plan, group, m, leaf);
        }
        for (int other = 0; possible && other < u; other++)
            possible = plan->update_value[other] != value;
        if (possible)
            plan->values[value].root = leaf;
        else
            plan->copies[plan->n_copies++] = (iv__late_update){ leaf, value };
    }
}

/* Member m of group g writes its result where `in` lives, if it may: if nobody needs that afterwards. */
static bool takes_place(iv_plan *plan, int g, int m, int in)
{
    const iv__group *group = &plan->groups[g];
    const int out = group->members[m].out[0];
    const bool product = group->product && in == iv__root(plan, group->members[0].out[0]);
    iv__value *old = &plan->values[in];

    if (old->home != VALUE_SLAB || old->last != g || old->output || (old->first == g && !product) ||
        in == out || !same_size(plan, in, out) || read_badly(plan, group, m, in))
        return false;
    plan->values[out].root = in;
    old->last = plan->values[out].last;
    return true;
}

static void compute_in_place(iv_plan *plan)
{
    for (int g = plan->n_constant_groups; g < plan->n_groups; g++) {
        iv__group *group = &plan->groups[g];
        for (int m = 0; group->fused && m < group->n_members; m++) {
            iv__member *member = &group->members[m];
            int out = member->out[0];
            if (!member->stores || plan->values[out].root != out ||
                !(member->call->op->flags & IV_POINTWISE))
                continue;
            bool done = group->product &&
                        takes_place(plan, g, m, iv__root(plan, group->members[0].out[0]));
            for (int k = 0; k < member->call->n_in && !done; k++)
                done = takes_place(plan, g, m, iv__root(plan, member->in[k]));
        }
    }
}

/* ---- slots of a fused group ------------------------------------------------------------------ */

static int last_reader(const iv_plan *plan, const iv__group *group, int m)
{
    int last = m;

    for (int i = m + 1; i < group->n_members; i++)
        for (int k = 0; k < group->members[i].call->n_in; k++)
            if (reads(plan, &group->members[i], k, group->members[m].out[0]))
                last = i;
    return last;
}

/* The elements after which what a cheap row makes of none or a few of them comes again; 0: it does not, or not in a block. */
static int64_t period_of(const iv_call *call, int64_t count)
{
    const iv_shape *x = call->n_in ? &call->in[0]->shape : NULL, *y = &call->out[0].shape;
    int64_t period = x ? iv_shape_count(x) : 1;
    bool repeats = !(call->op->flags & IV_POINTWISE) && call->op->flags & IV_FREE &&
                   count >= BLOCK && period && BLOCK % period == 0;

    for (int i = 1, ones = false; x && i <= x->rank; i++) { /* from the last axis on: the same, then ones */
        const int64_t n = x->dim[x->rank - i];
        repeats &= n == 1 || (!ones && n == y->dim[y->rank - i]);
        ones |= n == 1 && y->dim[y->rank - i] != 1;
    }
    return repeats ? period : 0;
}

static void take_slots(iv_plan *plan, iv__group *group)
{
    int busy_until[MOST_MEMBERS + IV_MAX_IN]; /* by slot; more slots than members never */

    for (int m = 0; m < group->n_members; m++) {
        iv__member *member = &group->members[m];
        for (int k = 0; k < member->call->n_in; k++) {
            int maker = maker_in(plan, group, m, k);
            if (maker >= 0 && !group->members[maker].stores) {
                member->in_as[k] = OPERAND_SLOT;
                member->in_slot[k] = group->members[maker].out_slot;
            } else {
                member->in_as[k] = maker >= 0                               ? OPERAND_MADE
                                   : member->call->op->flags & IV_POINTWISE ? OPERAND_RANGE
                                                                            : OPERAND_WHOLE;
            }
        }
        member->out_as = OPERAND_RANGE;
        if (member->stores)
            continue;
        member->out_as = OPERAND_SLOT;
        member->period = period_of(member->call, group->count);
        int slot = member->period ? group->slots : 0;
        while (slot < group->slots && busy_until[slot] >= m)
            slot++;
        if (slot == group->slots)
            group->slots++;
        busy_until[slot] = member->period ? INT_MAX : last_reader(plan, group, m);
        member->out_slot = slot;
    }
    group->scratch = iv__whole_lines(group->members[0].scratch) +
                     (size_t)group->slots * BLOCK * 8 * (size_t)iv_home_threads(plan->home);
}

/* ---- the slab -------------------------------------------------------------------------------- */

typedef struct stretch {
    size_t bytes, offset;
    int first, last;
    size_t *result;
} stretch;

static int larger_first(const void *a, const void *b)
{
    const stretch *x = a, *y = b;

    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x->first != y->first ? (x->first < y->first ? -1 : 1) : 0;
}

/* The lowest offset at which no stretch placed before, and alive at the same time, is in the
 * way. */
static void place_one(stretch *all, int n)
{
    stretch *now = &all[n];
    bool moved = true;

    now->offset = 0;
    while (moved) {
        moved = false;
        for (int i = 0; i < n; i++)
            if (all[i].first <= now->last && now->first <= all[i].last &&
                all[i].offset < now->offset + now->bytes && now->offset < all[i].offset + all[i].bytes) {
                now->offset = all[i].offset + all[i].bytes;
                moved = true;
            }
    }
}

static iv_status fill_slab(iv_plan *plan)
{
    stretch *all = iv__alloc_array(plan->home, plan->n_values + plan->n_groups + 1, sizeof *all);
    int n = 0;

    if (!all)
        return IV_NOMEM;
    for (int i = 0; i < plan->n_values; i++) {
        iv__value *v = &plan->values[i];
        size_t bytes = iv__whole_lines(iv__value_bytes(v));
        if (v->home == VALUE_SLAB)
            plan->unshared += bytes;
        if (v->root != i)
            continue;
        if (v->home == VALUE_SLAB) {
            all[n++] = (stretch){ bytes, 0, v->first, v->last, &v->offset };
        } else if (v->home == VALUE_CONSTANT) {
            v->offset = plan->constant_bytes;
            plan->constant_bytes += bytes;
        }
    }
    for (int g = 0; g < plan->n_groups; g++)
        if (plan->groups[g].scratch)
            all[n++] = (stretch){ iv__whole_lines(plan->groups[g].scratch), 0, g, g,
                                  &plan->groups[g].scratch_offset };
    for (int i = 0; i < plan->n_packed; i++) {
        plan->packed[i].offset = plan->constant_bytes;
        plan->constant_bytes += plan->packed[i].bytes;
    }
    qsort(all, (size_t)n, sizeof *all, larger_first);
    for (int i = 0; i < n; i++) {
        place_one(all, i);
        *all[i].result = all[i].offset;
        if (all[i].offset + all[i].bytes > plan->slab_bytes)
            plan->slab_bytes = all[i].offset + all[i].bytes;
    }
    iv__free(plan->home, all);
    return IV_OK;
}

iv_status iv__place(iv_plan *plan)
{
    link_views(plan);
    find_lives(plan);
    update_in_place(plan);
    compute_in_place(plan);
    for (int g = 0; g < plan->n_groups; g++) {
        iv__group *group = &plan->groups[g];
        if (group->fused)
            take_slots(plan, group);
        else
            group->scratch = group->members[0].scratch;
    }
    return fill_slab(plan);
}
