/* bad.c: where numbers go bad: the first value that is not finite, and the record of the batch that makes it so. */
#include "plan/micro.h"

#include "base/home.h"

#include <stdio.h>
#include <string.h>

/* ---- the value ------------------------------------------------------------------------------- */

static iv_status find_bad_leaf(iv_plan *plan, bool parameters)
{
    for (int i = 0; i < plan->n_leaves; i++) {
        const iv__value *leaf = &plan->values[plan->leaves[i]];
        int64_t at;
        double value;
        if ((leaf->node->call->op == &iv__op_parameter) != parameters)
            continue;
        if (iv__find_not_finite(leaf->data, leaf->node->dtype, iv_shape_count(&leaf->node->shape),
                                &at, &value))
            return iv_fail(plan->home, IV_NUMERIC, "the %s '%s' holds %g at element %lld",
                           leaf->node->call->op->name, iv__leaf_of(leaf->node)->name, value,
                           (long long)at);
    }
    return IV_OK;
}

/* Parameters first: they make the states bad that are leaves, too. */
iv_status iv__plan_find_bad_leaf(iv_plan *plan)
{
    iv_status status = find_bad_leaf(plan, true);

    return status ? status : find_bad_leaf(plan, false);
}

iv_status iv__plan_find_bad_value(iv_plan *plan)
{
    int64_t at;
    double value;
    char text[160];
    const iv_call *call = iv__plan_first_bad(plan, &at, &value);

    if (!call)
        return IV_OK;
    return iv_fail(plan->home, IV_NUMERIC, "%s%s%s gave %g at element %lld of %s", call->scope,
                   *call->scope ? "/" : "", call->op->name, value, (long long)at,
                   iv_shape_text(&call->out[0].shape, text, sizeof text));
}

iv_status iv__plan_find_bad(iv_plan *plan)
{
    if (plan->micro)
        return iv__micro_find_bad(plan);
    iv_status status = plan->resolved ? IV_OK : iv__plan_resolve(plan);
    if (!status)
        status = iv__plan_find_bad_leaf(plan);
    return status ? status : iv__plan_find_bad_value(plan);
}

/* ---- the record ------------------------------------------------------------------------------ */
/* A plan takes as many records as it was made for. So some of them are tried by having them stand in for the
 * others, too. */

typedef struct tried {
    iv_plan *plan;
    int64_t records; /* of the batch */
    int n_inputs;
    struct {
        char *data, *kept; /* as the plan reads it; as it was */
        size_t bytes;      /* of a record */
    } * inputs;
} tried;

static bool is_input(const iv_plan *plan, int i)
{
    const iv_node *leaf = iv_plan_leaf(plan, i);

    return leaf->call->op == &iv__op_input && leaf->shape.rank && strcmp(iv_node_name(leaf), "random");
}

static int64_t count_records(const iv_plan *plan)
{
    int64_t most = 0, records = 0;

    for (int i = 0; i < plan->n_leaves; i++) {
        const iv_shape *shape = iv_node_shape(iv_plan_leaf(plan, i));
        if (is_input(plan, i) && iv_shape_count(shape) > most) {
            most = iv_shape_count(shape);
            records = shape->dim[0];
        }
    }
    return records;
}

static iv_status keep_inputs(tried *t)
{
    iv_plan *plan = t->plan;

    t->inputs = iv__alloc_array(plan->home, plan->n_leaves + 1, sizeof *t->inputs);
    if (!t->inputs)
        return IV_NOMEM;
    for (int i = 0; i < plan->n_leaves; i++) {
        const iv__value *leaf = &plan->values[plan->leaves[i]];
        const size_t bytes = iv__value_bytes(leaf);
        if (!is_input(plan, i) || leaf->node->shape.dim[0] != t->records || !bytes)
            continue;
        t->inputs[t->n_inputs].data = leaf->data;
        t->inputs[t->n_inputs].bytes = bytes / (size_t)t->records;
        t->inputs[t->n_inputs].kept = iv__alloc(plan->home, bytes);
        if (!t->inputs[t->n_inputs].kept)
            return IV_NOMEM;
        memcpy(t->inputs[t->n_inputs++].kept, leaf->data, bytes);
    }
    return IV_OK;
}

/* Records [begin,end) in place of all. */
static void put(const tried *t, int64_t begin, int64_t end)
{
    for (int i = 0; i < t->n_inputs; i++)
        for (int64_t r = 0; r < t->records; r++) {
            const size_t bytes = t->inputs[i].bytes;
            memcpy(t->inputs[i].data + (size_t)r * bytes,
                   t->inputs[i].kept + (size_t)(begin + r % (end - begin)) * bytes, bytes);
        }
}

static bool are_bad(const tried *t, int64_t begin, int64_t end)
{
    put(t, begin, end);
    return iv__plan_find_bad(t->plan) == IV_NUMERIC;
}

/* Where each record does it, none is the cause: the weights are. */
static bool others_are_good(const tried *t, int64_t record)
{
    enum { OTHERS = 8 };
    const int64_t step = t->records > OTHERS ? t->records / OTHERS : 1;

    for (int64_t r = 0; r < t->records; r += step)
        if (r != record && !are_bad(t, r, r + 1))
            return true;
    return false;
}

static int64_t find_record(const tried *t)
{
    int64_t begin = 0, end = t->records;

    while (end - begin > 1) {
        const int64_t middle = begin + (end - begin) / 2;
        if (are_bad(t, begin, middle))
            end = middle;
        else
            begin = middle;
    }
    return are_bad(t, begin, end) && others_are_good(t, begin) ? begin : -1;
}

static iv_status name_record(iv_plan *plan)
{
    tried t = { .plan = plan, .records = count_records(plan) };
    char message[1024];
    iv_status status = IV_OK;

    snprintf(message, sizeof message, "%s", iv_home_message(plan->home));
    if (t.records > 1)
        status = keep_inputs(&t);
    if (!status && t.n_inputs) {
        plan->bad_record = find_record(&t);
        put(&t, 0, t.records);
    }
    for (int i = 0; i < t.n_inputs; i++)
        iv__free(plan->home, t.inputs[i].kept);
    iv__free(plan->home, t.inputs);
    if (status)
        return status;
    status = iv_plan_run(plan); /* outputs are the batch's again */
    if (status)
        return status;
    if (plan->bad_record < 0)
        return iv_fail(plan->home, IV_NUMERIC, "%s", message);
    return iv_fail(plan->home, IV_NUMERIC, "%.800s, for record %lld of the batch", message,
                   (long long)plan->bad_record);
}

iv_status iv_plan_find_bad(iv_plan *plan)
{
    plan->bad_record = -1;
    iv_status status = plan->n_updates ? (plan->resolved ? IV_OK : iv__plan_resolve(plan))
                                       : iv__plan_find_bad(plan);
    if (plan->n_updates && !status)
        status = iv__plan_find_bad_leaf(plan);
    if (plan->n_updates)
        return status ? status
                      : iv_fail(plan->home, IV_UNSUPPORTED,
                                "plan: a plan with updates would apply them again");
    return status == IV_NUMERIC ? name_record(plan) : status;
}

int64_t iv_plan_bad_record(const iv_plan *plan)
{
    return plan->bad_record;
}
