/* apart.c: from the graph of a whole batch, that of a micro-batch of it, where records are kept apart.
 *
 * One walk over the calls in order. What depends on no record is the same in each micro-batch, and so is
 * what is made of the batch's inputs alone but not record by record (a sum of weights): that is computed
 * before, once a batch. What holds records is made again for fewer of them, and put together where it is
 * asked for. Sums over records are added up over the micro-batches; what is made of sums comes after, once
 * a batch. Where records need what is made of all of them, the walk ends without a result: they are not
 * apart. */
#include "plan/micro.h"

#include "base/home.h"

#include <ivory/ops.h>

#include <string.h>

typedef enum kind {
    KIND_SAME,    /* made of parameters and constants */
    KIND_CLOCK,   /* of random numbers: it counts records */
    KIND_BEFORE,  /* made of inputs alone, of all records together */
    KIND_RECORDS, /* so many rows of axis 0 for each record */
    KIND_SUM,     /* over records, of what depends on parameters */
    KIND_AFTER,   /* made of sums */
    KIND_MIXED    /* made of what depends on parameters, of records that are not kept apart */
} kind;

typedef struct place { /* of a node of the whole graph */
    kind kind;
    bool learnt; /* depends on a parameter */
    int64_t rows;
    iv_node *each, *after; /* in the two graphs; NULL: not made, or not yet */
    iv_node *narrow;       /* of what holds no records: with as many rows as if it did */
} place;

typedef struct walk {
    iv__cut_graph *out;
    iv_graph *whole;
    bool *needed, *used; /* by call; by node */
    place *places;       /* by node */
    bool mixed;
} walk;

static place *place_of(const walk *w, const iv_node *node)
{
    return &w->places[node->id];
}

static bool is_clock(const iv_node *node)
{
    return node->call->op == &iv__op_input && !strcmp(iv__leaf_of(node)->name, "random");
}

static int64_t first_dim(const iv_node *node)
{
    return node->shape.rank ? node->shape.dim[0] : 0;
}

static bool rows_fit(const iv_node *node, int64_t rows, int64_t records)
{
    int64_t all;

    return node && rows > 0 && !__builtin_mul_overflow(rows, records, &all) && first_dim(node) == all;
}

/* ---- what is the same for all micro-batches -------------------------------------------------- */

/* What was computed before is an input of both graphs. */
static iv_node *before_leaf(walk *w, iv_graph *graph, iv_node *node)
{
    iv__cut_graph *out = w->out;
    int i = 0;

    while (i < out->n_before && out->before[i] != node)
        i++;
    if (i == out->n_before) {
        out->before_names[i] = iv__arena_print(&out->each->arena, "%s/%s before micro-batches (%d)",
                                               node->call->scope, node->call->op->name, node->id);
        if (!out->before_names[i])
            return iv_refuse(graph, IV_NOMEM, "%s", iv_home_message(graph->home));
        out->before[out->n_before++] = node;
    }
    return iv_input(graph, out->before_names[i], node->dtype, node->shape);
}

/* A node that holds no records, in the graph of a micro-batch. */
static iv_node *each_of(walk *w, iv_node *node)
{
    place *p = place_of(w, node);

    if (!p->each && p->kind == KIND_BEFORE)
        p->each = before_leaf(w, w->out->each, node);
    return p->each;
}

static iv_node *after_of(walk *w, iv_node *node)
{
    place *p = place_of(w, node);

    if (!p->after && p->kind == KIND_BEFORE)
        p->after = before_leaf(w, w->out->after, node);
    return p->after;
}

static iv_node *made_with_shape(iv_graph *graph, const iv_call *call, iv_node *const in[], iv_shape shape)
{
    const iv_field *attr = call->op->attrs;
    _Alignas(16) char copy[256];

    while (attr && attr->name && attr->type != IV_FIELD_SHAPE)
        attr++;
    if (!attr || !attr->name || call->op->attr_size > sizeof copy)
        return NULL;
    memcpy(copy, call->attr, call->op->attr_size);
    memcpy(copy + attr->offset, &shape, sizeof shape);
    return iv_apply(graph, call->op, call->n_in, in, copy);
}

static iv_node *narrowed(walk *w, iv_node *node, int64_t rows);

/* That of a node whose values do not differ from record to record, because it is filled or broadcast so;
 * else NULL. */
static iv_node *narrow(walk *w, iv_node *node, int64_t rows)
{
    iv_call *call = node->call;
    iv_node *in[IV_MAX_IN];
    iv_shape shape = node->shape;

    shape.dim[0] = rows * w->out->micro;
    if (call->op->flags & IV_POINTWISE) {
        for (int k = 0; k < call->n_in; k++)
            if (!(in[k] = narrowed(w, call->in[k], rows)))
                return NULL;
        return iv_apply(w->out->each, call->op, call->n_in, in, call->attr);
    }
    if (!(call->op->flags & (IV_FREE | IV_VIEW)))
        return NULL;
    if (call->n_in) { /* which may have such rows of its own */
        iv_node *x = call->in[0];
        const bool view = call->op->flags & IV_VIEW;
        const int64_t own = view ? first_dim(x) / w->out->records : rows;
        const bool has = (view || x->shape.rank == shape.rank) && rows_fit(x, own, w->out->records);
        in[0] = has ? narrowed(w, x, own) : each_of(w, x);
    }
    return call->n_in && !in[0] ? NULL : made_with_shape(w->out->each, call, in, shape);
}

/* A node with so many rows for each record, in the graph of a micro-batch; NULL: there is none. */
static iv_node *narrowed(walk *w, iv_node *node, int64_t rows)
{
    place *p = place_of(w, node);

    if (p->kind == KIND_RECORDS)
        return p->rows == rows ? p->each : NULL;
    if (!rows_fit(node, rows, w->out->records))
        return NULL;
    if (!p->narrow)
        p->narrow = narrow(w, node, rows);
    return p->narrow;
}

/* ---- what rules say -------------------------------------------------------------------------- */

bool iv_apart_records(iv_apart *a, int k, int64_t rows)
{
    a->in[k] = narrowed(a->walk, a->call->in[k], rows);
    return a->in[k] != NULL;
}

bool iv_apart_same(iv_apart *a, int k)
{
    a->in[k] = a->rows[k] ? NULL : each_of(a->walk, a->call->in[k]);
    return a->in[k] != NULL;
}

iv_node *iv_apart_call(iv_apart *a, const void *attr)
{
    return iv_apply(((walk *)a->walk)->out->each, a->call->op, a->call->n_in, a->in, attr);
}

/* A sum has a leaf that it is added to, and a leaf of the graph of what comes after. */
static void add_sum(walk *w, const iv_node *node, iv_node *made)
{
    iv__cut_graph *out = w->out;
    const char *name = iv__arena_print(&out->each->arena, "%s/%s of all records (%d)",
                                       node->call->scope, node->call->op->name, node->id);
    iv_node *leaf = name ? iv_input(out->each, name, made->dtype, made->shape) : NULL;

    place_of(w, node)->after = name ? iv_input(out->after, name, made->dtype, made->shape) : NULL;
    out->sums[out->n_sums++] = (iv_update){ leaf, iv_add(leaf, made) };
    out->sum_bytes += (double)iv_shape_count(&made->shape) * (double)iv_dtype_size(made->dtype);
}

void iv_apart_output(iv_apart *a, int j, iv_node *made, int64_t rows)
{
    walk *w = a->walk;
    const iv_node *node = &a->call->out[j];
    place *p = place_of(w, node);

    made = iv_node_output(made, j);
    if (!made || (rows && (!rows_fit(node, rows, a->records) || !rows_fit(made, rows, a->micro))))
        return;
    p->rows = rows;
    p->each = made;
    if (rows) {
        p->kind = KIND_RECORDS;
        if (!(a->call->op->flags & (IV_RANGED | IV_VIEW)))
            w->out->record_bytes += (double)(iv_shape_count(&node->shape) / a->records) *
                                    (double)iv_dtype_size(node->dtype);
    } else if (p->learnt) {
        p->kind = KIND_SUM;
        if (w->used[node->id])
            add_sum(w, node, made);
    } else {
        p->kind = KIND_BEFORE;
        p->each = NULL;
    }
}

/* A target in the graph of what comes after; what holds records is put together there. */
static iv_node *target_of(walk *w, iv_node *node)
{
    iv__cut_graph *out = w->out;
    place *p = place_of(w, node);

    if (p->kind != KIND_RECORDS || p->after)
        return after_of(w, node);
    const char *name = iv__arena_print(&out->each->arena, "%s/%s of each record (%d)",
                                       node->call->scope, node->call->op->name, node->id);
    if (!name)
        return iv_refuse(out->after, IV_NOMEM, "%s", iv_home_message(out->after->home));
    p->after = iv_input(out->after, name, node->dtype, node->shape);
    out->rows[out->n_rows] = p->each;
    out->all_rows[out->n_rows++] = p->after;
    return p->after;
}

void iv_apart_each(iv_apart *a, const void *attr, int64_t rows)
{
    for (int k = 0; k < a->call->n_in; k++)
        if (!iv_apart_records(a, k, rows))
            return;
    iv_node *made = iv_apart_call(a, attr);
    for (int j = 0; j < a->call->n_out; j++)
        iv_apart_output(a, j, made, rows);
}

/* ---- the walk -------------------------------------------------------------------------------- */

static void walk_leaf(walk *w, iv_call *call)
{
    const iv__leaf *leaf = call->attr;
    iv_node *node = &call->out[0];
    place *p = place_of(w, node);
    iv_shape shape = leaf->shape;

    if (call->op == &iv__op_parameter) {
        *p = (place){ .kind = KIND_SAME,
                      .learnt = true,
                      .each = iv_parameter(w->out->each, leaf->name, shape),
                      .after = iv_parameter(w->out->after, leaf->name, shape) };
    } else if (is_clock(node)) {
        *p = (place){ .kind = KIND_CLOCK,
                      .each = iv_input(w->out->each, leaf->name, node->dtype, shape) };
    } else if (first_dim(node) == w->out->records) {
        shape.dim[0] = w->out->micro;
        *p = (place){ .kind = KIND_RECORDS,
                      .rows = 1,
                      .each = iv_input(w->out->each, leaf->name, node->dtype, shape) };
    } else {
        p->kind = KIND_BEFORE;
    }
}

/* The call as it is, in the graph of micro-batches or in that of what comes after. */
static void copy_call(walk *w, const iv_call *call, bool after)
{
    iv_node *in[IV_MAX_IN];

    for (int k = 0; k < call->n_in; k++)
        in[k] = after ? after_of(w, call->in[k]) : each_of(w, call->in[k]);
    iv_node *made = iv_apply(after ? w->out->after : w->out->each, call->op, call->n_in, in, call->attr);
    for (int j = 0; j < call->n_out; j++) {
        place *p = place_of(w, &call->out[j]);
        *(after ? &p->after : &p->each) = iv_node_output(made, j);
    }
}

static void ask_rule(walk *w, const iv_call *call)
{
    iv_apart a = { .call = call, .records = w->out->records, .micro = w->out->micro, .walk = w };

    for (int k = 0; k < call->n_in; k++)
        a.rows[k] = place_of(w, call->in[k])->rows;
    if (call->op->apart)
        call->op->apart(&a);
    else if (call->op->flags & IV_POINTWISE)
        for (int k = 0; k < call->n_in; k++)
            if (a.rows[k]) {
                iv_apart_each(&a, call->attr, a.rows[k]);
                break;
            }
}

/* The kind among a call's inputs that comes last. */
static kind kind_of_inputs(const walk *w, const iv_call *call, bool *learnt, bool *records)
{
    kind last = KIND_SAME;

    for (int k = 0; k < call->n_in; k++) {
        const place *p = place_of(w, call->in[k]);
        *learnt |= p->learnt;
        *records |= p->kind == KIND_RECORDS;
        last = p->kind > last ? p->kind : last;
    }
    return last;
}

static void walk_call(walk *w, iv_call *call)
{
    bool learnt = false, records = false;
    const kind last = kind_of_inputs(w, call, &learnt, &records);
    kind made = last == KIND_SAME ? KIND_SAME : KIND_BEFORE;

    w->out->each->scope = w->out->after->scope = call->scope; /* messages about bad numbers name it */
    if (call->op->flags & IV_LEAF) {
        walk_leaf(w, call);
        return;
    }
    if (last >= KIND_SUM)
        made = records || last == KIND_MIXED ? KIND_MIXED : KIND_AFTER;
    else if (learnt && records)
        made = KIND_MIXED; /* until the rule says more */
    for (int j = 0; j < call->n_out; j++)
        w->places[call->out[j].id] = (place){ .kind = made, .learnt = learnt };
    if (made == KIND_SAME)
        copy_call(w, call, false);
    if (made == KIND_SAME || made == KIND_AFTER)
        copy_call(w, call, true);
    if (last == KIND_RECORDS || last == KIND_CLOCK) {
        ask_rule(w, call);
        w->out->together |= (call->op->flags & IV_TOGETHER) != 0;
    }
    for (int j = 0; j < call->n_out; j++)
        w->mixed |= w->used[call->out[j].id] && w->places[call->out[j].id].kind == KIND_MIXED;
    if (w->mixed)
        w->out->mixes = call;
}

static void mark_needed(walk *w, int n, iv_node *const targets[])
{
    for (int i = 0; i < n; i++)
        w->needed[targets[i]->call->id] = w->used[targets[i]->id] = true;
    for (int c = w->whole->n_calls - 1; c >= 0; c--)
        for (int k = 0; w->needed[c] && k < w->whole->calls[c]->n_in; k++) {
            const iv_node *in = w->whole->calls[c]->in[k];
            w->needed[in->call->id] = w->used[in->id] = true;
        }
}

/* Records are counted by axis 0 of the largest input. */
static int64_t count_records(const walk *w)
{
    int64_t records = 0, most = 0;

    for (int c = 0; c < w->whole->n_calls; c++) {
        const iv_node *node = &w->whole->calls[c]->out[0];
        const int64_t count = iv_shape_count(&node->shape);
        if (w->needed[c] && node->call->op == &iv__op_input && !is_clock(node) && count > most) {
            most = count;
            records = first_dim(node);
        }
    }
    return records;
}

static iv_status walk_all(walk *w, int n, iv_node *const targets[], int64_t micro)
{
    iv__cut_graph *out = w->out;

    mark_needed(w, n, targets);
    out->records = count_records(w);
    out->micro = micro ? micro : 1;
    w->mixed = out->records <= out->micro;
    for (int c = 0; c < w->whole->n_calls && !w->mixed && !out->each->status && !out->after->status; c++)
        if (w->needed[c])
            walk_call(w, w->whole->calls[c]);
    for (int i = 0; i < n && !w->mixed; i++) {
        out->targets[i] = target_of(w, targets[i]);
        w->mixed = !out->targets[i];
        if (w->mixed)
            out->mixes = targets[i]->call;
    }
    if (out->each->status == IV_NOMEM || out->after->status == IV_NOMEM)
        return IV_NOMEM;
    out->kept = !w->mixed && out->n_sums && !out->each->status && !out->after->status;
    return IV_OK;
}

iv_status iv__cut_graph_make(iv__cut_graph *out, iv_home *home, int n, iv_node *const targets[],
                             int64_t micro)
{
    iv_graph *whole = targets[0]->graph;
    walk w = { .out = out,
               .whole = whole,
               .needed = iv__alloc_array(home, whole->n_calls, sizeof *w.needed),
               .used = iv__alloc_array(home, whole->n_nodes, sizeof *w.used),
               .places = iv__alloc_array(home, whole->n_nodes, sizeof *w.places) };
    iv_status status = IV_NOMEM;

    *out = (iv__cut_graph){ .home = home,
                            .each = iv_graph_new_real(home, whole->real),
                            .after = iv_graph_new_real(home, whole->real),
                            .sums = iv__alloc_array(home, whole->n_nodes, sizeof *out->sums),
                            .before = iv__alloc_array(home, whole->n_nodes, sizeof *out->before),
                            .before_names = iv__alloc_array(home, whole->n_nodes,
                                                            sizeof *out->before_names),
                            .rows = iv__alloc_array(home, n, sizeof *out->rows),
                            .all_rows = iv__alloc_array(home, n, sizeof *out->all_rows),
                            .targets = iv__alloc_array(home, n, sizeof *out->targets) };
    if (w.needed && w.used && w.places && out->each && out->after && out->sums && out->before &&
        out->before_names && out->rows && out->all_rows && out->targets)
        status = walk_all(&w, n, targets, micro);
    iv__free(home, w.needed);
    iv__free(home, w.used);
    iv__free(home, w.places);
    return status;
}

void iv__cut_graph_free(iv__cut_graph *out)
{
    if (!out->home)
        return;
    iv_graph_free(out->each);
    iv_graph_free(out->after);
    iv__free(out->home, out->sums);
    iv__free(out->home, out->before);
    iv__free(out->home, out->before_names);
    iv__free(out->home, out->rows);
    iv__free(out->home, out->all_rows);
    iv__free(out->home, out->targets);
}
