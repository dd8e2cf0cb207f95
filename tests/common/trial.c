/* trial.c: subjects and trials of the table of cases. */
#include "common/trial.h"

#include "base/home.h"
#include "base/random.h"
#include "common/evaluate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define IV__OPS(name) extern const iv_op *const iv__ops_##name[];
#include "registry_ops.inc"
#undef IV__OPS

#define IV__OPS(name) iv__ops_##name,
const iv_op *const *const row_families[] = {
#include "registry_ops.inc"
};
#undef IV__OPS
const int n_row_families = sizeof row_families / sizeof *row_families;

const iv_op *row_named(const char *name)
{
    for (int f = 0; f < n_row_families; f++)
        for (const iv_op *const *op = row_families[f]; *op; op++)
            if (!strcmp((*op)->name, name))
                return *op;
    fail_msg("the case '%s' names no row", name);
    return NULL;
}

void fail_case(const ops_case *c, const char *format, ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fail_msg("ops_cases.c:%d (%s): %s", c->line, c->row, text);
}

bool close_to(double a, double b, double tolerance)
{
    return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= tolerance * (1 + fabs(b));
}

/* ---- values ---------------------------------------------------------------------------------- */

/* Numbers in [low, high] that f32 can hold; each (case, place) has its own. */
double *draw(iv_home *home, const ops_case *c, const char *place, int64_t count, double low,
             double high, bool whole)
{
    double *value = iv__alloc_array(home, count, sizeof *value);
    uint64_t key = iv__random_key((uint64_t)c->line, place);

    for (int64_t i = 0; i < count; i++) {
        uint32_t word[4];

        iv__philox(key, 0, (uint64_t)i, word);
        double unit = iv__unit_f64(word[0], word[1]);
        value[i] = whole ? low + floor(unit * (high - low + 1))
                         : (double)(float)(low + unit * (high - low));
    }
    return value;
}

void *typed(iv_home *home, const double *value, int64_t count, iv_dtype dtype)
{
    void *data = iv__alloc_array(home, count, iv_dtype_size(dtype));

    for (int64_t i = 0; i < count; i++)
        switch (dtype) {
        case IV_F32: ((float *)data)[i] = (float)value[i]; break;
        case IV_F64: ((double *)data)[i] = value[i]; break;
        case IV_I32: ((int32_t *)data)[i] = (int32_t)value[i]; break;
        case IV_U8: ((uint8_t *)data)[i] = (uint8_t)value[i]; break;
        }
    return data;
}

static double *input_values(iv_home *home, const ops_case *c, int k)
{
    const case_input *in = &c->in[k];
    const bool own = in->low != 0 || in->high != 0;
    char place[16];

    if (c->n_given) {
        int64_t before = 0;

        for (int j = 0; j < k; j++)
            before += iv_shape_count(&c->in[j].shape);
        CHECK(before + iv_shape_count(&in->shape) <= c->n_given, c, "too few numbers are given");
        double *value = iv__alloc_array(home, iv_shape_count(&in->shape), sizeof *value);
        memcpy(value, c->given + before, (size_t)iv_shape_count(&in->shape) * sizeof *value);
        return value;
    }
    snprintf(place, sizeof place, "x%d", k);
    return draw(home, c, place, iv_shape_count(&in->shape), own ? in->low : c->low,
                own ? in->high : c->high, in->kind != INPUT_REAL);
}

static iv_dtype input_dtype(const case_input *in, iv_dtype real)
{
    return in->kind == INPUT_INDEX ? IV_I32 : in->kind == INPUT_BYTE ? IV_U8 : real;
}

/* ---- a case as a graph ----------------------------------------------------------------------- */

iv_node *subject_leaf(subject *s, const char *name, iv_dtype dtype, iv_shape shape, int axis,
                      const double *value)
{
    CHECK(s->n_leaves < MAX_LEAVES, s->c, "too many leaves");
    snprintf(s->name[s->n_leaves], sizeof s->name[0], "%s", name);
    s->data[s->n_leaves++] = typed(s->home, value, iv_shape_count(&shape), dtype);
    return axis < 0 ? iv_input(s->graph, name, dtype, shape)
                    : iv_input_sequence(s->graph, name, dtype, shape, axis);
}

subject subject_new(const ops_case *c, iv_home *home, iv_dtype real, const int *time)
{
    subject s = { .c = c, .op = row_named(c->row), .home = home, .graph = iv_graph_new_real(home, real) };

    for (int k = 0; k < c->n_in; k++) {
        double *value = input_values(home, c, k);
        char name[16];

        snprintf(name, sizeof name, "x%d", k);
        s.x[k] = subject_leaf(&s, name, input_dtype(&c->in[k], real), c->in[k].shape,
                              time ? time[k] : -1, value);
        iv__free(home, value);
    }
    iv_node *y = iv_apply(s.graph, s.op, c->n_in, s.x, c->attr);
    CHECK(y != NULL, c, "refused: %s", iv_graph_message(s.graph));
    s.call = y->call;
    return s;
}

void subject_free(subject *s)
{
    for (int i = 0; i < s->n_leaves; i++)
        iv__free(s->home, s->data[i]);
    iv_graph_free(s->graph);
}

void *subject_memory(void *context, const iv_node *leaf)
{
    subject *s = context;

    for (int i = 0; i < s->n_leaves; i++)
        if (!strcmp(s->name[i], iv_node_name(leaf)))
            return s->data[i];
    fail_case(s->c, "leaf '%s' has no memory", iv_node_name(leaf));
    return NULL;
}

/* ---- a case as a kernel call, every buffer between guards ------------------------------------ */

enum { GUARD = 64, CANARY = 0xA5 };

static guarded guarded_new(const subject *s, size_t bytes)
{
    guarded g = { iv__alloc(s->home, bytes + 2 * GUARD), bytes };

    memset(g.block, CANARY, bytes + 2 * GUARD);
    return g;
}

void *inside(const guarded *g)
{
    return g->block + GUARD;
}

static bool guards_hold(const guarded *g)
{
    for (size_t i = 0; i < GUARD; i++)
        if (g->block[i] != CANARY || g->block[GUARD + g->bytes + i] != CANARY)
            return false;
    return true;
}

size_t node_bytes(const iv_node *node)
{
    return (size_t)iv_shape_count(&node->shape) * iv_dtype_size(node->dtype);
}

trial trial_new(const subject *s, iv_home *home)
{
    const iv_call *call = s->call;
    trial t = { .s = s,
                .k = { .home = home,
                       .n_in = call->n_in,
                       .n_out = call->n_out,
                       .attr = call->attr,
                       .count = iv_shape_count(&call->out[0].shape) } };

    for (int i = 0; i < call->n_in; i++) {
        t.in[i] = guarded_new(s, node_bytes(call->in[i]));
        memcpy(inside(&t.in[i]), s->data[i], t.in[i].bytes);
        t.k.in[i] = (iv_array){ inside(&t.in[i]), &call->in[i]->shape, call->in[i]->dtype, false };
    }
    for (int j = 0; j < call->n_out; j++) {
        t.out[j] = guarded_new(s, node_bytes(&call->out[j]));
        t.k.out[j] = (iv_array){ inside(&t.out[j]), &call->out[j].shape, call->out[j].dtype, false };
    }
    return t;
}

void trial_free(trial *t)
{
    for (int i = 0; i < t->k.n_in; i++)
        iv__free(t->s->home, t->in[i].block);
    for (int j = 0; j < t->k.n_out; j++)
        iv__free(t->s->home, t->out[j].block);
    for (int i = 0; i < t->n_packed; i++)
        iv__free(t->s->home, t->packed[i].block);
    iv__free(t->s->home, t->scratch.block);
}

void trial_scratch(trial *t, size_t bytes)
{
    t->scratch = guarded_new(t->s, bytes);
    t->k.scratch = inside(&t->scratch);
}

void check_guards(const trial *t)
{
    for (int i = 0; i < t->k.n_in; i++) {
        CHECK(guards_hold(&t->in[i]), t->s->c, "it wrote beside input %d", i);
        CHECK(!memcmp(inside(&t->in[i]), t->s->data[i], t->in[i].bytes), t->s->c,
              "it changed input %d", i);
    }
    for (int j = 0; j < t->k.n_out; j++)
        CHECK(guards_hold(&t->out[j]), t->s->c, "it wrote beside output %d", j);
    for (int i = 0; i < t->n_packed; i++)
        CHECK(guards_hold(&t->packed[i]), t->s->c, "it wrote beside packed form %d", i);
    if (t->scratch.block)
        CHECK(guards_hold(&t->scratch), t->s->c, "it wrote beside its scratch");
}

iv_kernel *reference_of(const subject *s)
{
    for (int j = 0; j < s->call->n_out; j++)
        if (s->call->out[j].dtype == IV_F64)
            return s->op->f64;
    for (int i = 0; i < s->call->n_in; i++)
        if (s->call->in[i]->dtype == IV_F64)
            return s->op->f64;
    return s->op->f32;
}

trial trial_reference(const subject *s, iv_home *home)
{
    trial t = trial_new(s, home);

    if (s->op->scratch)
        trial_scratch(&t, s->op->scratch(&t.k));
    reference_of(s)(&t.k);
    check_guards(&t);
    return t;
}

/* False when the backend has no kernel for this call. */
bool trial_backend(const subject *s, iv_home *home, const iv__backend *backend, bool weights, trial *t)
{
    *t = trial_new(s, home);
    for (int i = 0; i < t->k.n_in; i++)
        t->k.in[i].weight = weights;

    const iv__fast_kernel *kernel = iv__backend_find(backend->kernels, s->op->name, &t->k);
    iv__packing want[IV__MAX_PACKED];

    if (!kernel) {
        trial_free(t);
        return false;
    }
    if (kernel->scratch)
        trial_scratch(t, kernel->scratch(&t->k));
    t->n_packed = kernel->packings ? kernel->packings(&t->k, want) : 0;
    for (int i = 0; i < t->n_packed; i++) {
        const iv_array *from = &t->k.in[want[i].input];

        t->packed[i] = guarded_new(s, want[i].size(from->shape, want[i].variant));
        t->packed_data[i] = inside(&t->packed[i]);
        want[i].pack(home, from, want[i].variant, t->packed_data[i]);
    }
    t->k.packed = t->packed_data;
    kernel->run(&t->k);
    check_guards(t);
    return true;
}

void check_close(const trial *got, const trial *expected, double tolerance, const char *what)
{
    for (int j = 0; j < got->k.n_out; j++) {
        const iv_array *a = &got->k.out[j], *b = &expected->k.out[j];

        CHECK(iv_shape_same(a->shape, b->shape), got->s->c, "shapes of output %d differ", j);
        for (int64_t i = 0; i < iv_shape_count(a->shape); i++) {
            double x = element_at(a->data, a->dtype, i), y = element_at(b->data, b->dtype, i);

            CHECK(close_to(x, y, tolerance), got->s->c,
                  "%s: output %d, element %lld is %.9g and should be %.9g", what, j, (long long)i,
                  x, y);
        }
    }
}

void check_same(const trial *got, const trial *expected, int output, const char *what)
{
    CHECK(!memcmp(inside(&got->out[output]), inside(&expected->out[output]), got->out[output].bytes),
          got->s->c, "%s: output %d is not the same bit for bit", what, output);
}
