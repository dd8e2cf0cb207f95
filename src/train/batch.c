/* batch.c: a second place for the inputs of plans: it is filled while the plans run, then copied
 * into them. A copy, for what plans read are some kilobytes. */
#include "train/batch.h"

#include "base/home.h"
#include "base/threads.h"
#include "graph/node.h"
#include "nn/params.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct input {
    const char *name;
    size_t bytes;
    void *data;
    bool filled; /* else it is the plan's own: a state in evaluation, the clock of random numbers */
} input;

enum { MOST_PLANS = IV__MOST_PARTS };

struct iv__batch {
    iv_home *home;
    const iv__trainee *trainee;
    int64_t records;
    int n_plans;
    iv_plan *plans[MOST_PLANS];
    int n_inputs;
    input *inputs;

    iv__aside filling;
    bool begun;
    iv__rows rows;
    iv_status status; /* of the filling; kept here, for the home is not the other thread's */
    char message[512];
};

static input *find(iv__batch *batch, const char *name)
{
    for (int i = 0; i < batch->n_inputs; i++)
        if (!strcmp(batch->inputs[i].name, name))
            return &batch->inputs[i];
    return NULL;
}

void *iv__batch_input(iv__batch *batch, const char *name)
{
    input *in = find(batch, name);

    if (!in)
        return NULL;
    in->filled = true;
    return in->data;
}

iv_status iv__batch_fail(iv__batch *batch, iv_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(batch->message, sizeof batch->message, format, args);
    va_end(args);
    return status;
}

static void fill(void *context)
{
    iv__batch *b = context;

    b->status = b->trainee->fill(b->trainee->self, b, &b->rows);
}

/* What several plans need is one input: their graph is the same. */
static iv_status add_inputs(iv__batch *b, const iv_plan *plan)
{
    for (int i = 0; i < iv_plan_leaves(plan); i++) {
        const iv_node *leaf = iv_plan_leaf(plan, i);
        const char *name = iv_node_name(leaf);
        if (leaf->call->op != &iv__op_input || iv__is_state(name) || find(b, name))
            continue;
        size_t bytes = (size_t)iv_shape_count(&leaf->shape) * iv_dtype_size(leaf->dtype);
        void *data = iv__alloc(b->home, bytes);
        if (!data)
            return IV_NOMEM;
        b->inputs[b->n_inputs++] = (input){ .name = name, .bytes = bytes, .data = data };
    }
    return IV_OK;
}

iv__batch *iv__batch_new(iv_home *home, const iv__trainee *trainee, int64_t records, int n_plans,
                         iv_plan *const plans[])
{
    iv__batch *b = iv__alloc(home, sizeof *b);
    if (!b)
        return NULL;
    *b = (iv__batch){ .home = home, .trainee = trainee, .records = records, .n_plans = n_plans };
    b->filling = (iv__aside){ .work = fill, .context = b };
    memcpy(b->plans, plans, (size_t)n_plans * sizeof *plans);
    int leaves = 0;
    for (int i = 0; i < n_plans; i++)
        leaves += iv_plan_leaves(plans[i]);
    b->inputs = iv__alloc_array(home, leaves + 1, sizeof *b->inputs);
    iv_status status = b->inputs ? IV_OK : IV_NOMEM;
    for (int i = 0; i < n_plans && !status; i++)
        status = add_inputs(b, plans[i]);
    if (!status)
        return b;
    iv__batch_free(b);
    return NULL;
}

void iv__batch_free(iv__batch *b)
{
    if (!b)
        return;
    if (b->begun)
        iv__aside_end(b->home, &b->filling);
    for (int i = 0; i < b->n_inputs; i++)
        iv__free(b->home, b->inputs[i].data);
    iv__free(b->home, b->inputs);
    iv__free(b->home, b);
}

void iv__batch_begin(iv__batch *b, const iv__rows *rows)
{
    b->rows = *rows;
    b->rows.room = b->records;
    b->begun = true;
    iv__aside_begin(b->home, &b->filling);
}

static iv_status put_into(iv__batch *b, iv_plan *plan)
{
    for (int i = 0; i < iv_plan_leaves(plan); i++) {
        const iv_node *leaf = iv_plan_leaf(plan, i);
        const input *in = leaf->call->op == &iv__op_input ? find(b, iv_node_name(leaf)) : NULL;
        if (!in || !in->filled)
            continue;
        void *to = iv_plan_input(plan, in->name);
        if (!to)
            return IV_NOMEM;
        memcpy(to, in->data, in->bytes);
    }
    return IV_OK;
}

iv_status iv__batch_take(iv__batch *b)
{
    iv__aside_end(b->home, &b->filling);
    b->begun = false;
    if (b->status)
        return iv_fail(b->home, b->status, "%s", b->message);
    iv_status status = IV_OK;
    for (int i = 0; i < b->n_plans && !status; i++)
        status = put_into(b, b->plans[i]);
    return status;
}
