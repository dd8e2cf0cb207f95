/* micro.c: runs a plan for one micro-batch after the other, so that what lives between its nodes stays in
 * a cache and nothing as large as the batch exists.
 *
 * Each thread has a plan of a micro-batch of its own, which runs alone. Micro-batches in a row add to one
 * of a few slots, in order; then the slots are added up, in order. Sizes and slots depend on shapes alone,
 * so the bits do not depend on threads.
 *
 * Where the home asks for micro-batches, memory is scarce: there is one plan and one slot, and the threads share
 * the work of each row. */
#include "plan/micro.h"

#include "base/home.h"

#include <math.h>
#include <string.h>

enum {
    SLOTS = 16,              /* of sums over micro-batches, at most */
    LEAST_MICRO_BATCHES = 8, /* fewer are not worth it: there would be too little for threads to share */
    LIVE_BYTES = 8 << 20,   /* what the rows of a micro-batch may make */
    LEAST_BYTES = 16 << 20, /* what those of a whole batch make, if it is to be cut */
};

/* ---- making ---------------------------------------------------------------------------------- */

/* Cut or not is a matter of shapes: whether what lives between the rows is much, for the batch, and
 * can be twice the sums that each micro-batch reads and writes again. */
static int64_t size_of(const iv__cut_graph *look)
{
    const double each = look->record_bytes > 1 ? look->record_bytes : 1;
    const double live = LIVE_BYTES / each, least = ceil(2 * look->sum_bytes / each);
    const int64_t most = look->records / LEAST_MICRO_BATCHES;

    if (!look->kept || !most || least > (double)most || each * (double)look->records < LEAST_BYTES)
        return 0;
    int64_t size = live > (double)most ? most : (int64_t)fmax(fmax(live, least), 1);
    const int64_t count = (look->records + size - 1) / size;
    return (look->records + count - 1) / count; /* about as many in the last */
}

static iv_status make_worker(iv__micro *m, iv__worker *w, const iv__cut_graph *apart,
                             const iv_plan *constants)
{
    w->records = apart->micro;
    w->plan = iv__plan_whole(m->runs, apart->n_rows, apart->rows, apart->n_sums, apart->sums);
    if (!w->plan)
        return iv_home_status(m->runs);
    w->plan->constants_of = constants;
    w->input = iv__alloc_array(m->alone, w->plan->n_leaves, sizeof *w->input);
    return w->input ? IV_OK : IV_NOMEM;
}

/* Inputs of the whole plan that micro-batches have a part of. */
static iv_status list_inputs(iv__micro *m, const iv_plan *whole)
{
    const iv_plan *plan = m->workers[0].plan;

    m->clock = -1;
    m->inputs = iv__alloc_array(m->alone, plan->n_leaves, sizeof *m->inputs);
    if (!m->inputs)
        return IV_NOMEM;
    for (int i = 0; i < plan->n_leaves; i++) {
        const iv_node *leaf = iv_plan_leaf(plan, i);
        const int value = leaf->call->op == &iv__op_input
                              ? iv__plan_leaf_named(whole, iv_node_name(leaf))
                              : -1;
        if (value < 0)
            continue;
        if (!strcmp(iv_node_name(leaf), "random"))
            m->clock = value;
        else
            m->inputs[m->n_inputs++] = (iv__cut_input){ value, iv__value_bytes(&whole->values[value]) /
                                                                   (size_t)m->apart.records };
    }
    return IV_OK;
}

/* Each sum begins on a cache line. */
static iv_status lay_out_sums(iv__micro *m)
{
    const size_t line = CACHE_LINE / iv_dtype_size(m->apart.each->real);

    m->sum_at = iv__alloc_array(m->alone, m->apart.n_sums, sizeof *m->sum_at);
    if (!m->sum_at)
        return IV_NOMEM;
    for (int i = 0; i < m->apart.n_sums; i++) {
        m->sum_at[i] = m->sum_size;
        m->sum_size += (size_t)iv_shape_count(&m->apart.sums[i].leaf->shape);
        m->sum_size = (m->sum_size + line - 1) / line * line;
    }
    return IV_OK;
}

static iv_status lay_out_outputs(iv__micro *m)
{
    m->outputs = iv__alloc_array(m->alone, m->apart.n_rows + 1, sizeof *m->outputs);
    if (!m->outputs)
        return IV_NOMEM;
    for (int i = 0; i < m->apart.n_rows; i++) {
        const iv_node *all = m->apart.all_rows[i];
        const size_t bytes = (size_t)iv_shape_count(&all->shape) * iv_dtype_size(all->dtype);
        m->outputs[i] = (iv__cut_output){ m->output_bytes, bytes / (size_t)m->apart.records };
        m->output_bytes += iv__whole_lines(bytes);
    }
    return IV_OK;
}

static iv_status make_plans(iv_plan *whole, iv__micro *m, int n_outputs)
{
    iv_home *home = whole->home;
    iv_status status = IV_OK;

    m->workers = iv__alloc_array(m->alone, m->threads, sizeof *m->workers);
    if (!m->workers)
        return IV_NOMEM;
    for (int i = 0; i < m->threads && !status; i++)
        status = make_worker(m, &m->workers[i], &m->apart, i ? m->workers[0].plan : NULL);
    if (!status && m->apart_rest.home)
        status = make_worker(m, &m->rest, &m->apart_rest, NULL);
    if (status)
        return status;
    m->after = iv__plan_whole(home, n_outputs, m->apart.targets, 0, NULL);
    if (m->apart.n_before)
        m->before = iv__plan_whole(home, m->apart.n_before, m->apart.before, 0, NULL);
    if (!m->after || (m->apart.n_before && !m->before))
        return iv_home_status(home);
    status = list_inputs(m, whole);
    if (!status)
        status = lay_out_sums(m);
    return status ? status : lay_out_outputs(m);
}

/* The records of a batch in micro-batches of so many. Records that are apart by themselves are so in
 * twos, too. */
static iv_status cut(iv_plan *whole, iv__micro *m, int n, iv_node *const targets[], int64_t size)
{
    iv_status status = iv__cut_graph_make(&m->apart, m->alone, n, targets, size);
    const int64_t left = m->apart.records % size;

    if (!status && left)
        status = iv__cut_graph_make(&m->apart_rest, m->alone, n, targets, left);
    if (status || !m->apart.kept || (left && !m->apart_rest.kept))
        return status ? status : iv_fail(m->alone, IV_UNSUPPORTED, "plan: %s", m->apart.each->message);
    m->count = m->apart.records / size + (left != 0);
    m->slots = m->runs != m->alone ? 1 : m->count < SLOTS ? (int)m->count : SLOTS;
    m->threads = iv_home_threads(whole->home) < m->slots ? iv_home_threads(whole->home) : m->slots;
    return make_plans(whole, m, n);
}

static iv_status make(iv_plan *plan, iv__micro *m, int n, iv_node *const outputs[],
                      iv_node **targets, int64_t size)
{
    const int64_t asked = iv_home_micro_batch(plan->home);
    iv__cut_graph look = { 0 };
    iv_status status = iv__simplify(outputs[0]->graph, n, outputs, targets);

    if (!status)
        status = iv__cut_graph_make(&look, m->alone, n, targets, 0);
    if (!status && !size && asked) {
        size = asked;
        m->runs = plan->home;
        plan->mixes = asked < look.records && !look.kept ? look.mixes : NULL;
    }
    if (!status && !size && !look.together)
        size = size_of(&look);
    if (!look.kept || size >= look.records)
        size = 0;
    iv__cut_graph_free(&look);
    if (!status && size)
        status = cut(plan, m, n, targets, size);
    if (!status && size)
        plan->micro = m;
    return status;
}

iv_status iv__micro_make(iv_plan *plan, int n, iv_node *const outputs[], int64_t size)
{
    iv_home *alone = iv__home_like(plan->home, 1);
    iv__micro *m = alone ? iv__alloc(alone, sizeof *m) : NULL;
    iv_node **targets = m ? iv__alloc_array(alone, n, sizeof *targets) : NULL;
    iv_status status = IV_NOMEM;

    if (m)
        m->alone = m->runs = alone;
    if (targets)
        status = make(plan, m, n, outputs, targets, size);
    if (status && alone && iv_home_status(alone))
        iv_fail(plan->home, iv_home_status(alone), "%s", iv_home_message(alone));
    if (alone)
        iv__free(alone, targets);
    if (!plan->micro && m)
        iv__micro_free(m);
    else if (!m)
        iv_home_free(alone);
    return status;
}

static void free_worker(iv__micro *m, iv__worker *w)
{
    iv_plan_free(w->plan);
    iv__free(m->alone, w->input);
}

void iv__micro_free(iv__micro *m)
{
    if (!m)
        return;
    iv_home *alone = m->alone;
    for (int i = m->threads; m->workers && i-- > 0;) /* the first has the others' constants */
        free_worker(m, &m->workers[i]);
    free_worker(m, &m->rest);
    iv_plan_free(m->before);
    iv_plan_free(m->after);
    iv__cut_graph_free(&m->apart);
    iv__cut_graph_free(&m->apart_rest);
    iv__free(alone, m->workers);
    iv__free(alone, m->inputs);
    iv__free(alone, m->sum_at);
    iv__free(alone, m->sums);
    iv__free(alone, m->outputs);
    iv__free(alone, m->output);
    iv__free(alone, m);
    iv_home_free(alone);
}

/* ---- what is asked of it between runs -------------------------------------------------------- */

enum { MOST_PLANS = 4 };

/* Its plans, one of each kind, in running order. */
static int list_plans(const iv__micro *m, iv_plan *plans[MOST_PLANS])
{
    int n = 0;

    if (m->before)
        plans[n++] = m->before;
    plans[n++] = m->workers[0].plan;
    if (m->rest.plan)
        plans[n++] = m->rest.plan;
    plans[n++] = m->after;
    return n;
}

iv_plan_memory iv__micro_memory(const iv_plan *whole)
{
    const iv__micro *m = whole->micro;
    iv_plan *plans[MOST_PLANS];
    const size_t sums = (size_t)(m->slots + (m->slots > 1)) * m->sum_size *
                        iv_dtype_size(m->apart.each->real);
    iv_plan_memory memory = { .unshared = whole->unshared, .slab = sums + m->output_bytes };
    const int n = list_plans(m, plans);

    for (int i = 0; i < n; i++) {
        iv_plan_memory one = iv_plan_memory_of(plans[i]);
        const size_t copies = plans[i] == m->workers[0].plan ? (size_t)m->threads : 1;
        memory.slab += copies * one.slab;
        memory.constants += one.constants;
        memory.scratch = one.scratch > memory.scratch ? one.scratch : memory.scratch;
        memory.calls += one.calls;
        memory.groups += one.groups;
    }
    for (int i = 0; i < whole->n_leaves; i++) {
        const iv__value *leaf = &whole->values[whole->leaves[i]];
        if (!leaf->bound && leaf->node->call->op == &iv__op_input)
            memory.inputs += iv__value_bytes(leaf);
    }
    for (int i = 0; i < m->n_inputs; i++)
        memory.inputs += m->inputs[i].record_bytes *
                         (size_t)((int64_t)m->threads * m->apart.micro + m->rest.records);
    return memory;
}

int iv__micro_parts(const iv__micro *micro)
{
    iv_plan *plans[MOST_PLANS];
    int parts = 0;

    for (int i = list_plans(micro, plans); i-- > 0;)
        parts += iv_plan_parts(plans[i]);
    return parts;
}

/* Threads run side by side: a part takes as long as it does in one of them, on average. */
iv_plan_part iv__micro_part_of(const iv__micro *m, int i)
{
    iv_plan *plans[MOST_PLANS];
    int p = 0;

    list_plans(m, plans);
    while (i >= iv_plan_parts(plans[p]))
        i -= iv_plan_parts(plans[p++]);
    iv_plan_part part = iv_plan_part_of(plans[p], i);
    if (plans[p] == m->workers[0].plan)
        for (int k = 1; k < m->threads; k++)
            part.seconds += iv_plan_part_of(m->workers[k].plan, i).seconds;
    if (plans[p] != m->before && plans[p] != m->after)
        part.seconds /= m->threads;
    return part;
}

iv_status iv__micro_time(iv__micro *m, bool on)
{
    iv_status status = m->before ? iv_plan_time(m->before, on) : IV_OK;

    for (int i = 0; i < m->threads && !status; i++)
        status = iv_plan_time(m->workers[i].plan, on);
    if (!status && m->rest.plan)
        status = iv_plan_time(m->rest.plan, on);
    return status ? status : iv_plan_time(m->after, on);
}

void iv__micro_print(const iv__micro *m, FILE *file)
{
    if (m->before) {
        fprintf(file, "before the micro-batches:\n");
        iv_plan_print(m->before, file);
    }
    fprintf(file, "each of %lld micro-batches of %lld of %lld records, added up in %d sums:\n",
            (long long)m->count, (long long)m->apart.micro, (long long)m->apart.records, m->slots);
    iv_plan_print(m->workers[0].plan, file);
    fprintf(file, "after the micro-batches:\n");
    iv_plan_print(m->after, file);
}
