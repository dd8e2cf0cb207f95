/* bind.c: a kernel for every member: the backend's if it has one that fits, else the row's
 * reference. */
#include "plan/parts.h"

#include "base/home.h"
#include "ops/common_named.h"

#include <string.h>

static void fill_call(iv_plan *plan, iv__member *member)
{
    const iv_call *call = member->call;
    iv_kernel_call *k = &member->k;

    k->home = plan->home;
    k->n_in = call->n_in;
    k->n_out = call->n_out;
    k->attr = call->attr;
    for (int i = 0; i < call->n_in; i++)
        k->in[i] = (iv_array){ NULL, &call->in[i]->shape, call->in[i]->dtype,
                               plan->values[member->in[i]].weight };
    for (int j = 0; j < call->n_out; j++) {
        k->out[j] = (iv_array){ NULL, &call->out[j].shape, call->out[j].dtype, false };
        member->out[j] = plan->value_of_node[call->out[j].id];
    }
    k->count = iv_shape_count(&call->out[0].shape);
}

static bool has_dtype(const iv_kernel_call *k, iv_dtype dtype)
{
    for (int i = 0; i < k->n_in; i++)
        if (k->in[i].dtype == dtype)
            return true;
    for (int j = 0; j < k->n_out; j++)
        if (k->out[j].dtype == dtype)
            return true;
    return false;
}

/* Kernels of backends divide by sizes; the reference has nothing to do with what has none. */
static bool has_nothing(const iv_kernel_call *k)
{
    bool nothing = false;

    for (int i = 0; i < k->n_in; i++)
        nothing |= iv_shape_count(k->in[i].shape) == 0;
    for (int j = 0; j < k->n_out; j++)
        nothing |= iv_shape_count(k->out[j].shape) == 0;
    return nothing;
}

/* The packed form of a value, made once for all that want the same. */
static int packed_of(iv_plan *plan, int value, const iv__packing *packing)
{
    int root = iv__root(plan, value);

    for (int i = 0; i < plan->n_packed; i++) {
        const iv__packed *p = &plan->packed[i];
        if (p->value == root && p->packing.pack == packing->pack &&
            p->packing.variant == packing->variant &&
            iv_shape_same(&plan->values[p->value].node->shape, &plan->values[value].node->shape))
            return i;
    }
    if (plan->n_packed == plan->room_packed) {
        int room = plan->room_packed ? plan->room_packed * 2 : 8;
        iv__packed *packed = iv__resize(plan->home, plan->packed, (size_t)room * sizeof *packed);
        if (!packed)
            return -1;
        plan->packed = packed;
        plan->room_packed = room;
    }
    plan->packed[plan->n_packed] = (iv__packed){
        .value = value,
        .packing = *packing,
        .bytes = iv__whole_lines(packing->size(&plan->values[value].node->shape, packing->variant)),
        .constant = plan->values[value].weight,
    };
    return plan->n_packed++;
}

static bool lists(const iv__fast_kernel *list, const char *op)
{
    while (list->op && strcmp(list->op, op))
        list++;
    return list->op;
}

/* In the plan's precision where the backend can and gains by it, else in f32. */
static const iv__fast_kernel *choose(const iv_plan *plan, iv__member *member)
{
    const char *op = member->call->op->name;
    const iv__backend *backend = plan->backend;
    const iv__fast_kernel *f32 = iv__backend_find(backend->kernels, op, &member->k), *bf16;

    if (plan->precision != IV_PRECISION_BF16)
        return f32;
    bf16 = iv__backend_find(backend->bf16, op, &member->k);
    member->bf16 = bf16 && !(f32 && f32->fewer && backend->slow_bf16);
    if (member->bf16)
        return bf16;
    member->why_f32 = bf16                       ? "fewer products in f32 are faster here"
                      : lists(backend->bf16, op) ? "its shapes have no bf16 kernel"
                                                 : "it multiplies no matrices";
    return f32;
}

static iv_status bind_member(iv_plan *plan, iv__member *member)
{
    const iv_op *op = member->call->op;
    const iv__fast_kernel *fast;

    fill_call(plan, member);
    bool f64 = has_dtype(&member->k, IV_F64);
    bool own = iv__op_named(op->name) != op; /* somebody's, whatever it is called */
    fast = f64 || own || has_nothing(&member->k) ? NULL : choose(plan, member);
    if (!fast) {
        member->kernel = f64 ? op->f64 : op->f32;
        member->kernel_name = "reference";
        member->scratch = op->scratch ? iv__whole_lines(op->scratch(&member->k)) : 0;
        if (!member->kernel)
            return iv_fail(plan->home, IV_UNSUPPORTED, "%s: this row has no kernel for %s",
                           op->name, f64 ? "f64" : "f32");
        return IV_OK;
    }
    member->kernel = fast->run;
    member->kernel_name = plan->backend->name;
    member->scratch = fast->scratch ? iv__whole_lines(fast->scratch(&member->k)) : 0;
    if (fast->packings) {
        iv__packing want[IV__MAX_PACKED];
        member->n_packed = fast->packings(&member->k, want);
        for (int i = 0; i < member->n_packed; i++) {
            member->packed[i] = packed_of(plan, member->in[want[i].input], &want[i]);
            if (member->packed[i] < 0)
                return IV_NOMEM;
        }
    }
    return IV_OK;
}

iv_status iv__bind(iv_plan *plan)
{
    iv_status status = IV_OK;

    for (int g = 0; g < plan->n_groups && !status; g++)
        for (int m = 0; m < plan->groups[g].n_members && !status; m++)
            status = bind_member(plan, &plan->groups[g].members[m]);
    return status;
}
