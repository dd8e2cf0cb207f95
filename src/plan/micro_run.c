/* micro_run.c: running a plan of micro-batches: addresses, then before, each, their sums, after. */
#include "plan/micro.h"

#include "base/home.h"
#include "base/threads.h"

#include <string.h>

enum { ADDED_AT_ONCE = 16 << 10 }; /* elements of sums that are one chunk of work */

/* ---- addresses ------------------------------------------------------------------------------- */

static char *slot_of(const iv__micro *m, int slot)
{
    return m->sums + (size_t)slot * m->sum_size * iv_dtype_size(m->apart.each->real);
}

/* Of all micro-batches: the only slot, or one behind the others. */
static char *total_of(const iv__micro *m)
{
    return slot_of(m, m->slots > 1 ? m->slots : 0);
}

/* The leaves that a plan has in common with the whole one, where they live. */
static iv_status share_leaves(const iv_plan *whole, iv_plan *plan, bool inputs)
{
    iv_status status = IV_OK;

    for (int i = 0; i < plan->n_leaves && !status; i++) {
        const iv_node *leaf = iv_plan_leaf(plan, i);
        const int value = iv__plan_leaf_named(whole, iv_node_name(leaf));
        if (value >= 0 && (inputs || leaf->call->op == &iv__op_parameter))
            status = iv_plan_bind(plan, iv_node_name(leaf), whole->values[value].data,
                                  whole->values[value].version);
    }
    return status;
}

/* What was computed before. */
static iv_status share_before(const iv__micro *m, iv_plan *plan)
{
    iv_status status = IV_OK;

    for (int i = 0; i < plan->n_leaves && !status; i++) {
        const char *name = iv_node_name(iv_plan_leaf(plan, i));
        for (int k = 0; k < m->apart.n_before && !status; k++)
            if (!strcmp(name, m->apart.before_names[k]))
                status = iv_plan_bind(plan, name, (void *)(uintptr_t)iv_plan_output(m->before, k), NULL);
    }
    return status;
}

static iv_status connect_worker(const iv_plan *whole, iv__micro *m, iv__worker *w)
{
    iv_status status = share_leaves(whole, w->plan, false);

    if (!status)
        status = share_before(m, w->plan);
    for (int i = 0; i < m->n_inputs && !status; i++) {
        const iv__value *value = &whole->values[m->inputs[i].value];
        w->input[i] = iv_plan_input(w->plan, iv_node_name(value->node));
        status = w->input[i] ? IV_OK : IV_NOMEM;
    }
    if (!status && m->clock >= 0) {
        w->clock = iv_plan_input(w->plan, "random");
        status = w->clock ? IV_OK : IV_NOMEM;
    }
    return status;
}

/* Where a worker adds its sums; its constants stay as they are. */
static void point_at(const iv__micro *m, iv__worker *w, char *slot)
{
    for (int i = 0; i < w->plan->n_updates; i++) {
        iv__value *leaf = &w->plan->values[iv__root(w->plan, w->plan->update_leaf[i])];
        leaf->data = slot + m->sum_at[i] * iv_dtype_size(leaf->node->dtype);
        leaf->bound = true;
    }
    w->plan->resolved = false;
}

static iv_status connect_after(const iv_plan *whole, iv__micro *m)
{
    iv_status status = share_leaves(whole, m->after, false);
    char *total = total_of(m);

    if (!status)
        status = share_before(m, m->after);
    for (int i = 0; i < m->apart.n_sums && !status; i++) {
        const iv_node *leaf = m->apart.sums[i].leaf;
        if (iv__plan_leaf_named(m->after, iv_node_name(leaf)) >= 0)
            status = iv_plan_bind(m->after, iv_node_name(leaf),
                                  total + m->sum_at[i] * iv_dtype_size(leaf->dtype), NULL);
    }
    for (int i = 0; i < m->apart.n_rows && !status; i++)
        status = iv_plan_bind(m->after, iv_node_name(m->apart.all_rows[i]),
                              m->output + m->outputs[i].at, NULL);
    return status;
}

static iv_status resolve(iv_plan *whole)
{
    iv__micro *m = whole->micro;
    iv_status status = iv__plan_take_leaves(whole);

    if (!status && !m->sums) {
        const size_t bytes = m->sum_size * iv_dtype_size(m->apart.each->real);
        m->sums = iv__alloc_array(m->alone, m->slots + (m->slots > 1), bytes);
        status = m->sums ? IV_OK : IV_NOMEM;
    }
    if (!status && !m->output && m->output_bytes) {
        m->output = iv__alloc(m->alone, m->output_bytes);
        status = m->output ? IV_OK : IV_NOMEM;
    }
    if (!status && m->before) {
        status = share_leaves(whole, m->before, true);
        status = status ? status : iv__plan_resolve(m->before);
    }
    for (int i = 0; i < m->threads && !status; i++)
        status = connect_worker(whole, m, &m->workers[i]);
    if (!status && m->rest.plan)
        status = connect_worker(whole, m, &m->rest);
    if (!status)
        status = connect_after(whole, m);
    for (int i = 0; i < m->threads && !status; i++) { /* now, for running allocates nothing */
        point_at(m, &m->workers[i], slot_of(m, 0));
        status = iv__plan_resolve(m->workers[i].plan);
    }
    if (!status && m->rest.plan) {
        point_at(m, &m->rest, slot_of(m, 0));
        status = iv__plan_resolve(m->rest.plan);
    }
    if (!status)
        whole->resolved = true;
    else if (iv_home_status(m->alone))
        iv_fail(whole->home, status, "%s", iv_home_message(m->alone));
    return status;
}

/* ---- running --------------------------------------------------------------------------------- */

static void add_to_clock(uint32_t clock[], int64_t records)
{
    const uint64_t record = ((uint64_t)clock[5] << 32 | clock[4]) + (uint64_t)records;

    clock[4] = (uint32_t)record;
    clock[5] = (uint32_t)(record >> 32);
}

/* The inputs of a micro-batch. */
static void put_records(const iv_plan *whole, const iv__micro *m, const iv__worker *w, int64_t first)
{
    for (int i = 0; i < m->n_inputs; i++) {
        const iv__cut_input *in = &m->inputs[i];
        memcpy(w->input[i],
               (const char *)whole->values[in->value].data + (size_t)first * in->record_bytes,
               (size_t)w->records * in->record_bytes);
    }
    if (m->clock >= 0) {
        memcpy(w->clock, whole->values[m->clock].data, iv__value_bytes(&whole->values[m->clock]));
        add_to_clock(w->clock, first);
    }
}

static void take_records(const iv__micro *m, const iv__worker *w, int64_t first)
{
    for (int i = 0; i < m->apart.n_rows; i++) {
        const iv__cut_output *out = &m->outputs[i];
        memcpy(m->output + out->at + (size_t)first * out->record_bytes, iv_plan_output(w->plan, i),
               (size_t)w->records * out->record_bytes);
    }
}

static iv__worker *worker_for(iv__micro *m, int64_t number, int thread)
{
    return m->rest.plan && number == m->count - 1 ? &m->rest : &m->workers[thread];
}

static void run_slot(void *context, int64_t slot, int thread)
{
    iv_plan *whole = context;
    iv__micro *m = whole->micro;
    char *sums = slot_of(m, (int)slot);

    memset(sums, 0, m->sum_size * iv_dtype_size(m->apart.each->real));
    point_at(m, &m->workers[thread], sums);
    for (int64_t i = iv__part(m->count, slot, m->slots), end = iv__part(m->count, slot + 1, m->slots);
         i < end; i++) {
        iv__worker *w = worker_for(m, i, thread);
        if (w == &m->rest)
            point_at(m, w, sums);
        put_records(whole, m, w, i * m->apart.micro);
        iv_plan_run(w->plan); /* it was resolved before, so it does not fail */
        take_records(m, w, i * m->apart.micro);
    }
}

#define ADD_SLOTS(type)                                                               \
    for (int64_t i = begin; i < end; i++)                                             \
        ((type *)total)[i] = ((const type *)m->sums)[i];                              \
    for (int k = 1; k < m->slots; k++) {                                              \
        const type *slot = (const type *)m->sums + (int64_t)k * (int64_t)m->sum_size; \
        for (int64_t i = begin; i < end; i++)                                         \
            ((type *)total)[i] += slot[i];                                            \
    }

static void add_slots(void *context, int64_t chunk, int thread)
{
    const iv__micro *m = context;
    const int64_t begin = chunk * ADDED_AT_ONCE, left = (int64_t)m->sum_size - begin,
                  end = begin + (left < ADDED_AT_ONCE ? left : ADDED_AT_ONCE);
    void *total = total_of(m);

    (void)thread;
    if (m->apart.each->real == IV_F64) {
        ADD_SLOTS(double)
    } else {
        ADD_SLOTS(float)
    }
}

iv_status iv__micro_run(iv_plan *whole)
{
    iv__micro *m = whole->micro;
    iv_status status = whole->resolved ? IV_OK : resolve(whole);

    if (!status && m->before)
        status = iv_plan_run(m->before);
    if (status)
        return status;
    iv__plan_run_constants(m->workers[0].plan);
    if (m->slots == 1) {
        run_slot(whole, 0, 0);
    } else {
        iv__parallel(whole->home, m->slots, run_slot, whole);
        iv__parallel(whole->home, ((int64_t)m->sum_size + ADDED_AT_ONCE - 1) / ADDED_AT_ONCE,
                     add_slots, m);
    }
    return iv_plan_run(m->after);
}

const void *iv__micro_output(const iv__micro *micro, int i)
{
    return iv_plan_output(micro->after, i);
}

/* One micro-batch after the other, in this thread; sums begin anew, so that what was bad before is not
 * found in them. What comes after is looked at with the sums of a run. */
iv_status iv__micro_find_bad(iv_plan *whole)
{
    iv__micro *m = whole->micro;
    iv_status status = iv__micro_run(whole);

    if (!status)
        status = iv__plan_find_bad_leaf(whole);
    if (!status && m->before)
        status = iv__plan_find_bad_value(m->before);
    for (int64_t i = 0; i < m->count && !status; i++) {
        iv__worker *w = worker_for(m, i, 0);
        const int64_t first = i * m->apart.micro;
        memset(m->sums, 0, m->sum_size * iv_dtype_size(m->apart.each->real));
        point_at(m, w, m->sums);
        put_records(whole, m, w, first);
        status = iv__plan_resolve(w->plan);
        if (!status && iv__plan_find_bad_value(w->plan))
            status = iv_fail(whole->home, iv_home_status(m->runs),
                             "%s in the micro-batch of records %lld to %lld", iv_home_message(m->runs),
                             (long long)first, (long long)(first + w->records - 1));
    }
    return status ? status : iv__plan_find_bad(m->after);
}
