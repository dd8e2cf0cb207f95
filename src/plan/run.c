/* run.c: running a plan: constants if parameters changed, then group after group, then the
 * copies of updates. */
#include "plan/micro.h"

#include "base/home.h"
#include "base/threads.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

/* ---- addresses ------------------------------------------------------------------------------- */

iv_status iv__plan_take_leaves(iv_plan *plan)
{
    for (int i = 0; i < plan->n_leaves; i++) {
        iv__value *leaf = &plan->values[plan->leaves[i]];
        const char *name = iv__leaf_of(leaf->node)->name;
        if (leaf->data)
            continue;
        if (leaf->node->call->op == &iv__op_parameter)
            return iv_fail(plan->home, IV_NAME, "plan: the parameter '%s' is bound to no memory", name);
        leaf->data = iv__alloc(plan->home, iv__value_bytes(leaf));
        if (!leaf->data)
            return IV_NOMEM;
        leaf->owned = true;
    }
    return IV_OK;
}

static iv_status take_memory(iv_plan *plan)
{
    if (!plan->slab && plan->slab_bytes) {
        plan->slab = iv__alloc(plan->home, plan->slab_bytes);
        if (!plan->slab)
            return IV_NOMEM;
    }
    if (plan->constants_of)
        plan->constants = plan->constants_of->constants;
    if (!plan->constants && plan->constant_bytes) {
        plan->constants = iv__alloc(plan->home, plan->constant_bytes);
        if (!plan->constants)
            return IV_NOMEM;
    }
    return iv__plan_take_leaves(plan);
}

static void resolve_member(iv_plan *plan, iv__member *member)
{
    iv_kernel_call *k = &member->k;

    for (int i = 0; i < k->n_in; i++)
        k->in[i].data = plan->values[iv__root(plan, member->in[i])].data;
    for (int j = 0; j < k->n_out; j++)
        k->out[j].data = member->out[j] < 0 ? NULL : plan->values[iv__root(plan, member->out[j])].data;
    for (int i = 0; i < member->n_packed; i++)
        member->packed_data[i] = plan->packed[member->packed[i]].data;
    k->packed = member->packed_data;
}

/* Where nothing needs memory there is none. */
static void *within(char *memory, size_t offset)
{
    return memory ? memory + offset : NULL;
}

iv_status iv__plan_resolve(iv_plan *plan)
{
    iv_status status = take_memory(plan);
    if (status)
        return status;
    for (int i = 0; i < plan->n_values; i++) {
        iv__value *value = &plan->values[i];
        if (value->root == i && value->home == VALUE_SLAB)
            value->data = within(plan->slab, value->offset);
        else if (value->root == i && value->home == VALUE_CONSTANT)
            value->data = within(plan->constants, value->offset);
    }
    for (int i = 0; i < plan->n_packed; i++)
        plan->packed[i].data = within(plan->constants, plan->packed[i].offset);
    for (int g = 0; g < plan->n_groups; g++)
        for (int m = 0; m < plan->groups[g].n_members; m++) {
            iv__member *member = &plan->groups[g].members[m];
            resolve_member(plan, member);
            if (m == 0)
                member->k.scratch = within(plan->slab, plan->groups[g].scratch_offset);
        }
    plan->resolved = true;
    return IV_OK;
}

/* ---- fused groups ---------------------------------------------------------------------------- */

typedef struct bad_value { /* where a number went bad */
    const iv_call *call;
    int64_t at;
    double value;
} bad_value;

typedef struct fused_job {
    const iv_plan *plan;
    const iv__group *group;
    bad_value *bad;    /* NULL: not looked for */
    atomic_bool *told; /* the product tells of what it has made */
    bool *made;        /* by thread: slots of members that have a period */
} fused_job;

bool iv__find_not_finite(const void *data, iv_dtype dtype, int64_t n, int64_t *at, double *value)
{
    for (int64_t i = 0; i < n; i++) {
        double x = dtype == IV_F32   ? (double)((const float *)data)[i]
                   : dtype == IV_F64 ? ((const double *)data)[i]
                                     : 0.0;
        if (!isfinite(x)) {
            *at = i;
            *value = x;
            return true;
        }
    }
    return false;
}

static void *slot_of(const fused_job *job, int slot, int thread)
{
    size_t index = (size_t)thread * (size_t)job->group->slots + (size_t)slot;

    return job->plan->slab + job->group->scratch_offset +
           iv__whole_lines(job->group->members[0].scratch) + index * BLOCK * 8;
}

static void *range_of(const iv_array *array, int64_t begin)
{
    return (char *)array->data + (size_t)begin * iv_dtype_size(array->dtype);
}

static void ask_for(const iv_array *array, int64_t begin, int64_t count)
{
    const char *at = range_of(array, begin), *end = range_of(array, begin + count);

    for (; at < end; at += CACHE_LINE)
        __builtin_prefetch(at, 0, 2);
}

static void run_member(const fused_job *job, const iv__member *member, int64_t begin, int64_t count,
                       int thread)
{
    const iv_kernel_call *whole = &member->k;
    iv_kernel_call k;

    k.home = whole->home;
    k.n_in = whole->n_in;
    k.n_out = 1;
    k.attr = whole->attr;
    k.begin = begin;
    k.count = count;
    k.scratch = NULL;
    k.packed = NULL;
    k.then = NULL;
    for (int i = 0; i < whole->n_in; i++) {
        k.in[i] = whole->in[i];
        if (member->in_as[i] == OPERAND_SLOT)
            k.in[i].data = slot_of(job, member->in_slot[i], thread);
        else if (member->in_as[i] != OPERAND_WHOLE)
            k.in[i].data = range_of(&whole->in[i], begin);
        if (member->in_as[i] == OPERAND_RANGE)
            ask_for(&whole->in[i], begin + count, count); /* the block after this one */
    }
    k.out[0] = whole->out[0];
    if (member->out_as == OPERAND_SLOT)
        k.out[0].data = slot_of(job, member->out_slot, thread);
    else
        k.out[0].data = range_of(&whole->out[0], begin);
    member->kernel(&k);

    bad_value *bad = job->bad;
    int64_t at;
    if (bad && !bad->call &&
        iv__find_not_finite(k.out[0].data, k.out[0].dtype, count, &at, &bad->value)) {
        bad->call = member->call;
        bad->at = begin + at;
    }
}

/* Elements [begin,end) through the members, but for a product. What repeats is made once for all stretches that
 * begin in step with it. */
static void run_stretch(const fused_job *job, int64_t begin, int64_t end, int thread)
{
    const iv__group *group = job->group;

    for (int m = 0; !job->made[thread] && m < group->n_members; m++)
        if (group->members[m].period)
            run_member(job, &group->members[m], 0, BLOCK, thread);
    job->made[thread] = true;
    for (; begin < end; begin += BLOCK) {
        int64_t count = end - begin < BLOCK ? end - begin : BLOCK;
        for (int m = group->product; m < group->n_members; m++) {
            const iv__member *member = &group->members[m];
            if (member->period && begin % member->period == 0)
                continue;
            run_member(job, member, begin, count, thread);
            job->made[thread] &= !member->period;
        }
    }
}

static void run_chunk(void *context, int64_t chunk, int thread)
{
    const fused_job *job = context;
    int64_t end = (chunk + 1) * CHUNK < job->group->count ? (chunk + 1) * CHUNK : job->group->count;

    run_stretch(job, chunk * CHUNK, end, thread);
}

static void after_product(const void *context, int64_t begin, int64_t count, int thread)
{
    const fused_job *job = context;

    atomic_store_explicit(job->told, true, memory_order_relaxed);
    run_stretch(job, begin, begin + count, thread);
}

static void run_whole(iv__member *member, uint64_t run, bad_value *bad)
{
    member->k.run = run;
    member->kernel(&member->k);
    for (int j = 0; bad && !bad->call && j < member->k.n_out; j++) {
        const iv_array *out = &member->k.out[j];
        if (out->data && iv__find_not_finite(out->data, out->dtype, iv_shape_count(out->shape),
                                             &bad->at, &bad->value))
            bad->call = member->call;
    }
}

static void run_fused(iv_plan *plan, const iv__group *group, bad_value *bad)
{
    bool made[IV__MOST_THREADS] = { false };
    atomic_bool told = false;
    fused_job job = { plan, group, bad, &told, made };
    const iv_then then = { after_product, &job };
    int64_t chunks = (group->count + CHUNK - 1) / CHUNK;

    if (group->product) {
        group->members[0].k.then = bad ? NULL : &then;
        run_whole(&group->members[0], plan->runs, bad);
        group->members[0].k.then = NULL;
        if (told)
            return;
    }
    if (bad)
        for (int64_t chunk = 0; chunk < chunks; chunk++)
            run_chunk(&job, chunk, 0);
    else
        iv__parallel(plan->home, chunks, run_chunk, &job);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void pack(iv_plan *plan, const iv__packed *packed)
{
    const iv__value *value = &plan->values[packed->value];
    iv_array from = { plan->values[iv__root(plan, packed->value)].data, &value->node->shape,
                      value->node->dtype, value->weight };

    packed->packing.pack(plan->home, &from, packed->packing.variant, packed->data);
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void charge(iv_plan *plan, int part, double begin)
{
    plan->seconds[part] += seconds_now() - begin;
}

static void pack_timed(iv_plan *plan, int packed)
{
    double begin = plan->seconds ? seconds_now() : 0;

    pack(plan, &plan->packed[packed]);
    if (plan->seconds)
        charge(plan, plan->n_groups + packed, begin);
}

/* What varies is packed anew for each kernel; packed forms of constants are there, but among the
 * constants themselves. */
static void pack_inputs(iv_plan *plan, const iv__group *group)
{
    const iv__member *member = &group->members[0];

    for (int i = 0; i < member->n_packed; i++)
        if (group->constant || !plan->packed[member->packed[i]].constant)
            pack_timed(plan, member->packed[i]);
}

static void run_groups(iv_plan *plan, int begin, int end, bad_value *bad)
{
    for (int g = begin; g < end && !(bad && bad->call); g++) {
        const iv__group *group = &plan->groups[g];
        pack_inputs(plan, group);
        double start = plan->seconds ? seconds_now() : 0;
        if (group->fused)
            run_fused(plan, group, bad);
        else
            run_whole(&group->members[0], plan->runs, bad);
        if (plan->seconds)
            charge(plan, g, start);
    }
}

static uint64_t version_now(const iv_plan *plan)
{
    uint64_t sum = 0;

    for (int i = 0; i < plan->n_leaves; i++)
        if (plan->values[plan->leaves[i]].version)
            sum += *plan->values[plan->leaves[i]].version;
    return sum;
}

static void run_constants(iv_plan *plan, bad_value *bad)
{
    uint64_t version = version_now(plan);

    if (plan->constants_of)
        return;
    if (plan->constants_done && version == plan->version_seen && !bad)
        return;
    run_groups(plan, 0, plan->n_constant_groups, bad);
    for (int i = 0; i < plan->n_packed; i++)
        if (plan->packed[i].constant)
            pack_timed(plan, i);
    plan->version_seen = version;
    plan->constants_done = !(bad && bad->call);
}

static void copy_updates(iv_plan *plan)
{
    for (int i = 0; i < plan->n_copies; i++) {
        iv__value *leaf = &plan->values[plan->copies[i].leaf];
        const void *from = plan->values[iv__root(plan, plan->copies[i].value)].data;
        memcpy(leaf->data, from, iv__value_bytes(leaf));
    }
}

void iv__plan_run_constants(iv_plan *plan)
{
    run_constants(plan, NULL);
}

iv_status iv_plan_run(iv_plan *plan)
{
    if (plan->lacking)
        return iv_fail(plan->home, IV_NOMEM, "out of memory for what a plan reads");
    if (plan->micro)
        return iv__micro_run(plan);
    iv_status status = plan->resolved ? IV_OK : iv__plan_resolve(plan);

    if (status)
        return status;
    run_constants(plan, NULL);
    run_groups(plan, plan->n_constant_groups, plan->n_groups, NULL);
    plan->runs++;
    copy_updates(plan);
    return IV_OK;
}

const iv_call *iv__plan_first_bad(iv_plan *plan, int64_t *at, double *value)
{
    bad_value bad = { 0 };

    run_constants(plan, &bad);
    if (!bad.call)
        run_groups(plan, plan->n_constant_groups, plan->n_groups, &bad);
    *at = bad.at;
    *value = bad.value;
    return bad.call;
}
