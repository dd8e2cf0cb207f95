/* ops_check_test.c: every row through every check, case by case (ops_cases.c is the table). */
#include <ivory/derive.h>
#include <ivory/ops.h>
#include <ivory/plan.h>

#include "base/home.h"
#include "common/evaluate.h"
#include "common/trial.h"
#include "graph_world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ops_cases.c"

enum { N_CASES = sizeof ops_cases / sizeof *ops_cases };

static iv_home *one_thread, *three_threads;
static size_t pool_bytes; /* that three_threads holds for its threads */

static double tolerance_of(const ops_case *c)
{
    return c->tolerance > 0 ? c->tolerance : 2e-6;
}

/* ---- the checks ------------------------------------------------------------------------------ */

static void every_row_is_complete(void **state)
{
    (void)state;
    for (int f = 0; f < n_row_families; f++)
        for (const iv_op *const *row = row_families[f]; *row; row++) {
            const iv_op *op = *row;
            bool found = false, stepped = op->flags & IV_POINTWISE;

            for (int i = 0; i < N_CASES; i++)
                if (!strcmp(ops_cases[i].row, op->name)) {
                    found = true;
                    stepped |= ops_cases[i].steps;
                }
            if (!found)
                fail_msg("the row '%s' has no case in ops_cases.c", op->name);
            /* what is kept in place is a stepper's own state: raster_test.c walks over it */
            if (op->step && !stepped && !(op->flags & IV_IN_PLACE))
                fail_msg("the row '%s' has a stepping rule and no case with STEPS", op->name);
            assert_ptr_equal(row_named(op->name), op);
            if (!op->shape || !op->f32 || !op->f64 || !op->says)
                fail_msg("the row '%s' lacks a shape rule, a kernel or its formula", op->name);
            if ((op->gradient != NULL) + (op->no_gradient != NULL) + (op->first_order != NULL) != 1)
                fail_msg("the row '%s' must have a gradient rule or the reason why not", op->name);
            if (!op->step && !op->no_step && !(op->flags & IV_POINTWISE))
                fail_msg("the row '%s' must have a stepping rule or the reason why not", op->name);
            if (op->flags & IV_RANGED && (op->n_out != 1 || op->scratch))
                fail_msg("the row '%s' is ranged: one output, no scratch", op->name);
        }
}

static void golden_values(void **state)
{
    (void)state;
    for (const ops_case *c = ops_cases; c < ops_cases + N_CASES; c++)
        for (int wide = 0; wide < 2 && c->n_golden; wide++) {
            subject s = subject_new(c, one_thread, wide ? IV_F64 : IV_F32, NULL);
            trial t = trial_reference(&s, one_thread);
            const iv_array *y = &t.k.out[0];

            CHECK(iv_shape_count(y->shape) == c->n_golden, c, "the golden values are not as many");
            for (int i = 0; i < c->n_golden; i++) {
                double got = element_at(y->data, y->dtype, i);

                CHECK(close_to(got, c->golden[i], wide ? 1e-12 : 1e-6), c,
                      "element %d is %.17g and should be %.17g", i, got, c->golden[i]);
            }
            trial_free(&t);
            subject_free(&s);
        }
}

static void f32_as_f64(void **state)
{
    (void)state;
    for (const ops_case *c = ops_cases; c < ops_cases + N_CASES; c++) {
        subject narrow = subject_new(c, one_thread, IV_F32, NULL),
                wide = subject_new(c, one_thread, IV_F64, NULL);
        trial a = trial_reference(&narrow, one_thread), b = trial_reference(&wide, one_thread);

        check_close(&a, &b, tolerance_of(c), "f32 against f64");
        trial_free(&a);
        trial_free(&b);
        subject_free(&narrow);
        subject_free(&wide);
    }
}

static bool is_differentiated(const subject *s, int k)
{
    return s->c->in[k].kind == INPUT_REAL && !s->c->in[k].fixed;
}

static int outputs_of(const subject *s, iv_node *outputs[])
{
    const int n = s->c->n_public ? s->c->n_public : s->op->n_out;

    for (int j = 0; j < n; j++)
        outputs[j] = &s->call->out[j];
    return n;
}

/* Sum of each node times numbers of its own: a scalar that feels every element. */
static iv_node *project(subject *s, int n, iv_node *const y[], const char *letter)
{
    iv_node *sum = NULL;

    for (int j = 0; j < n; j++) {
        char name[16];

        if (!y[j] || y[j]->dtype != iv_graph_real(s->graph))
            continue;
        snprintf(name, sizeof name, "%s%d", letter, j);
        double *value = draw(s->home, s->c, name, iv_shape_count(&y[j]->shape), -1, 1, false);
        iv_node *part = iv_sum_all(
            iv_mul(y[j], subject_leaf(s, name, y[j]->dtype, y[j]->shape, -1, value)));

        iv__free(s->home, value);
        sum = sum ? iv_add(sum, part) : part;
    }
    return sum;
}

static double value_of(subject *s, iv_node *scalar)
{
    evaluation e = evaluate(s->graph, 1, &scalar, subject_memory, s);
    double value = evaluation_at(&e, scalar, 0);

    evaluation_free(&e);
    return value;
}

/* The gradient of `loss` along a random direction of each input, against central differences. */
static void check_slopes(subject *s, iv_node *loss, iv_node *const dx[], const char *what)
{
    evaluation e = evaluate(s->graph, s->c->n_in, dx, subject_memory, s);

    for (int k = 0; k < s->c->n_in; k++) {
        if (!is_differentiated(s, k))
            continue;
        const int64_t count = iv_shape_count(&s->x[k]->shape);
        const double step = 1e-5;
        double *direction = draw(s->home, s->c, "direction", count, -1, 1, false), *x = s->data[k];
        double slope = 0, difference = 0;

        for (int64_t i = 0; i < count; i++)
            slope += direction[i] * evaluation_at(&e, dx[k], i);
        for (int side = 1; side >= -1; side -= 2) {
            for (int64_t i = 0; i < count; i++)
                x[i] += side * step * direction[i];
            difference += side * value_of(s, loss);
            for (int64_t i = 0; i < count; i++)
                x[i] -= side * step * direction[i];
        }
        difference /= 2 * step;
        CHECK(close_to(slope, difference, 1e-6), s->c,
              "%s of input %d: the rule gives %.10g, differences %.10g", what, k, slope, difference);
        iv__free(s->home, direction);
    }
    evaluation_free(&e);
}

static void check_refused(const subject *s, const char *by)
{
    const char *message = iv_graph_message(s->graph);

    CHECK(iv_graph_status(s->graph) == IV_UNSUPPORTED, s->c, "the derivative should have been refused");
    CHECK(strstr(message, by) && strstr(message, row_named(by)->first_order), s->c,
          "the refusal should name %s and its reason: %s", by, message);
}

/* dx of inputs that are not differentiated is the input itself, so that every entry is a node. */
static iv_status gradient_of(subject *s, iv_node *loss, iv_node *dx[])
{
    iv_node *x[MAX_CASE_INPUTS], *d[MAX_CASE_INPUTS];
    int n = 0;

    for (int k = 0; k < s->c->n_in; k++)
        if (is_differentiated(s, k))
            x[n++] = s->x[k];
    iv_status status = iv_gradient(loss, n, x, d);

    n = 0;
    for (int k = 0; k < s->c->n_in; k++)
        dx[k] = is_differentiated(s, k) ? d[n++] : s->x[k];
    return status;
}

static void gradients(void **state)
{
    (void)state;
    for (const ops_case *c = ops_cases; c < ops_cases + N_CASES; c++) {
        const iv_op *op = row_named(c->row);
        iv_node *dx[MAX_CASE_INPUTS], *outputs[IV_MAX_OUT];

        if (c->n_given || op->no_gradient)
            continue;
        subject s = subject_new(c, one_thread, IV_F64, NULL);
        iv_node *loss = project(&s, outputs_of(&s, outputs), outputs, "r");

        if (!loss || (c->n_in == 1 && c->in[0].kind != INPUT_REAL)) { /* moves integers */
            subject_free(&s);
            continue;
        }
        if (gradient_of(&s, loss, dx)) {
            check_refused(&s, c->row);
        } else {
            check_slopes(&s, loss, dx, "first gradient");
            iv_node *real_dx[MAX_CASE_INPUTS], *second[MAX_CASE_INPUTS];

            for (int k = 0; k < c->n_in; k++)
                real_dx[k] = is_differentiated(&s, k) ? dx[k] : NULL;
            iv_node *again = project(&s, c->n_in, real_dx, "s");
            iv_status status = gradient_of(&s, again, second);

            if (c->first_order)
                check_refused(&s, c->first_order);
            else {
                CHECK(!status, c, "second gradient: %s", iv_graph_message(s.graph));
                check_slopes(&s, again, second, "second gradient");
            }
        }
        subject_free(&s);
    }
}

static void backends_as_reference(void **state)
{
    int checked = 0;

    (void)state;
    for (const ops_case *c = ops_cases; c < ops_cases + N_CASES; c++) {
        subject s = subject_new(c, one_thread, IV_F32, NULL);
        trial expected = trial_reference(&s, one_thread), got;

        for (const iv__backend *const *backend = iv__backends; *backend; backend++)
            for (int weights = 0; weights < 2; weights++)
                if ((*backend)->available() && reference_of(&s) == s.op->f32 &&
                    trial_backend(&s, one_thread, *backend, weights, &got)) {
                    check_close(&got, &expected, tolerance_of(c), (*backend)->name);
                    trial_free(&got);
                    checked++;
                }
        trial_free(&expected);
        subject_free(&s);
    }
    assert_true(checked > 0);
}

static void read_from_text(void **state)
{
    (void)state;
    for (const ops_case *c = ops_cases; c < ops_cases + N_CASES; c++) {
        subject s = subject_new(c, one_thread, IV_F32, NULL);
        char *text = text_of(s.graph);
        iv_graph *again = iv_graph_read(one_thread, "text", text, strlen(text), NULL);

        CHECK(again != NULL, c, "its text is refused: %s", iv_home_message(one_thread));
        char *twice = text_of(again);
        CHECK(!strcmp(text, twice), c, "read again it is\n%s, and was\n%s", twice, text);
        free(text);
        free(twice);
        iv_graph_free(again);
        subject_free(&s);
    }
}

static void threads_change_nothing(void **state)
{
    (void)state;
    for (const ops_case *c = ops_cases; c < ops_cases + N_CASES; c++)
        for (int wide = 0; wide < 2; wide++) {
            subject s = subject_new(c, one_thread, wide ? IV_F64 : IV_F32, NULL);
            trial one = trial_reference(&s, one_thread), three = trial_reference(&s, three_threads);

            for (int j = 0; j < s.op->n_out; j++)
                check_same(&three, &one, j, "three threads");
            trial_free(&one);
            trial_free(&three);
            for (const iv__backend *const *backend = iv__backends; *backend; backend++) {
                if (!(*backend)->available() || reference_of(&s) != s.op->f32 ||
                    !trial_backend(&s, one_thread, *backend, false, &one))
                    continue;
                trial_backend(&s, three_threads, *backend, false, &three);
                for (int j = 0; j < s.op->n_out; j++)
                    check_same(&three, &one, j, (*backend)->name);
                trial_free(&one);
                trial_free(&three);
            }
            subject_free(&s);
        }
}

static void in_place_is_the_same(void **state)
{
    (void)state;
    for (const ops_case *c = ops_cases; c < ops_cases + N_CASES; c++)
        for (int wide = 0; wide < 2 && row_named(c->row)->flags & IV_POINTWISE; wide++) {
            subject s = subject_new(c, one_thread, wide ? IV_F64 : IV_F32, NULL);
            trial apart = trial_reference(&s, one_thread);

            for (int i = 0; i < s.call->n_in; i++) {
                if (s.call->in[i]->dtype != s.call->out[0].dtype)
                    continue;
                trial t = trial_new(&s, one_thread);

                memcpy(t.k.out[0].data, t.k.in[i].data, t.out[0].bytes);
                t.k.in[i].data = t.k.out[0].data;
                reference_of (&s)(&t.k);
                check_guards(&t);
                check_same(&t, &apart, 0, "in place");
                trial_free(&t);
            }
            trial_free(&apart);
            subject_free(&s);
        }
}

static void pieces_make_the_whole(void **state)
{
    (void)state;
    for (const ops_case *c = ops_cases; c < ops_cases + N_CASES; c++)
        for (int wide = 0; wide < 2 && row_named(c->row)->flags & IV_RANGED; wide++) {
            subject s = subject_new(c, one_thread, wide ? IV_F64 : IV_F32, NULL);
            trial whole = trial_reference(&s, one_thread), t = trial_new(&s, one_thread);
            const int64_t count = t.k.count;

            for (int64_t begin = 0, length = 1; begin < count; begin += t.k.count, length += 2) {
                t.k.begin = begin;
                t.k.count = length < count - begin ? length : count - begin;
                t.k.out[0].data = (char *)inside(&t.out[0]) +
                                  (size_t)begin * iv_dtype_size(t.k.out[0].dtype);
                for (int i = 0; i < t.k.n_in && s.op->flags & IV_POINTWISE; i++)
                    t.k.in[i].data = (char *)inside(&t.in[i]) +
                                     (size_t)begin * iv_dtype_size(t.k.in[i].dtype);
                reference_of (&s)(&t.k);
            }
            check_guards(&t);
            check_same(&t, &whole, 0, "in pieces");
            trial_free(&whole);
            trial_free(&t);
            subject_free(&s);
        }
}

/* Outputs that nothing needs are not asked for; the others stay as they were. */
static void outputs_may_be_missing(void **state)
{
    (void)state;
    for (const ops_case *c = ops_cases; c < ops_cases + N_CASES; c++) {
        const iv_op *op = row_named(c->row);
        const int first = op->first_order ? 0 : 1;

        if (op->n_out < 2)
            continue;
        subject s = subject_new(c, one_thread, IV_F32, NULL);
        trial all = trial_reference(&s, one_thread);

        for (int missing = first; missing < op->n_out; missing++) {
            trial t = trial_new(&s, one_thread);

            if (op->scratch)
                trial_scratch(&t, op->scratch(&t.k));
            t.k.out[missing].data = NULL;
            op->f32(&t.k);
            check_guards(&t);
            for (int j = 0; j < op->n_out; j++)
                if (j != missing)
                    check_same(&t, &all, j, "with an output missing");
            trial_free(&t);
        }
        trial_free(&all);
        subject_free(&s);
    }
}

/* Outputs and gradients by a plan (simplified, fused, placed, with the best kernels) are those of
 * the plain path. */
static void plans_as_the_plain_path(void **state)
{
    (void)state;
    for (const ops_case *c = ops_cases; c < ops_cases + N_CASES; c++) {
        iv_node *wanted[IV_MAX_OUT + 1 + MAX_CASE_INPUTS], *dx[MAX_CASE_INPUTS];
        subject s = subject_new(c, three_threads, IV_F32, NULL);
        int n = outputs_of(&s, wanted);
        iv_node *loss = c->n_given || !s.op->gradient ? NULL : project(&s, n, wanted, "r");

        if (loss && !gradient_of(&s, loss, dx))
            for (int k = 0; k < c->n_in; k++)
                wanted[n++] = dx[k];
        iv_plan *plan = iv_plan_new(three_threads, n, wanted, 0, NULL);
        CHECK(plan != NULL, c, "no plan: %s", iv_home_message(three_threads));
        for (int i = 0; i < s.n_leaves; i++)
            if (iv_plan_input(plan, s.name[i]))
                iv_plan_bind(plan, s.name[i], s.data[i], NULL);
        CHECK(!iv_plan_run(plan), c, "the plan does not run: %s", iv_home_message(three_threads));

        evaluation e = evaluate(s.graph, n, wanted, subject_memory, &s);

        for (int j = 0; j < n; j++)
            for (int64_t i = 0; i < iv_shape_count(&wanted[j]->shape); i++) {
                double got = element_at(iv_plan_output(plan, j), wanted[j]->dtype, i);
                double expected = evaluation_at(&e, wanted[j], i);

                CHECK(close_to(got, expected, 5 * tolerance_of(c)), c,
                      "by a plan output %d, element %lld is %.9g, plainly %.9g", j, (long long)i,
                      got, expected);
            }
        evaluation_free(&e);
        iv_plan_free(plan);
        subject_free(&s);
    }
}

/* ---- the stepper against the whole ----------------------------------------------------------- */

/* Offset of element i of a node of one position, at position t, in the same node of the whole
 * graph. */
static int64_t whole_place(const iv_shape *one, const iv_shape *whole, int64_t i, int64_t t)
{
    int64_t place = 0, stride = 1;

    for (int64_t k = one->rank - 1; k >= 0; k--) {
        int64_t at = i % one->dim[k];

        i /= one->dim[k];
        place += (one->dim[k] != whole->dim[k] ? t : at) * stride;
        stride *= whole->dim[k];
    }
    return place;
}

typedef struct walk {
    subject *s;
    int64_t t;
    int32_t position;
    void *leaf[MAX_LEAVES]; /* what position t sees of each leaf of the whole graph */
    int n_states;
    const iv_stepper_state *states;
    void *state[4];
} walk;

static void *step_memory(void *context, const iv_node *leaf)
{
    walk *w = context;
    subject *s = w->s;

    for (int i = 0; i < w->n_states; i++)
        if (w->states[i].leaf == leaf)
            return w->state[i];
    if (!strcmp(iv_node_name(leaf), "position/0")) {
        w->position = (int32_t)w->t;
        return &w->position;
    }
    for (int k = 0; k < s->c->n_in; k++)
        if (!strcmp(s->name[k], iv_node_name(leaf))) {
            const int64_t count = iv_shape_count(&leaf->shape);
            double *value = iv__alloc_array(one_thread, count, sizeof *value);

            for (int64_t i = 0; i < count; i++)
                value[i] = element_at(s->data[k], leaf->dtype,
                                      whole_place(&leaf->shape, &s->x[k]->shape, i, w->t));
            iv__free(one_thread, w->leaf[k]);
            w->leaf[k] = typed(one_thread, value, count, leaf->dtype);
            iv__free(one_thread, value);
            return w->leaf[k];
        }
    fail_case(s->c, "the step graph has an unknown leaf '%s'", iv_node_name(leaf));
    return NULL;
}

static void *copy_of(const evaluation *e, const iv_node *node)
{
    void *copy = iv__alloc(one_thread, node_bytes(node));

    memcpy(copy, e->value[node->id], node_bytes(node));
    return copy;
}

static void check_position(walk *w, const iv_stepper *stepper, int n, iv_node *const whole[],
                           const evaluation *e, int64_t length)
{
    iv_graph *graph = iv_stepper_graph(stepper);
    iv_node *wanted[IV_MAX_OUT + 4];

    for (int j = 0; j < n; j++)
        wanted[j] = iv_stepper_output(stepper, j);
    for (int i = 0; i < w->n_states; i++)
        wanted[n + i] = w->states[i].next;
    evaluation now = evaluate(graph, n + w->n_states, wanted, step_memory, w);

    for (int j = 0; j < n; j++) {
        const bool moves = !iv_shape_same(&wanted[j]->shape, &whole[j]->shape);

        for (int64_t i = 0; (moves || w->t == length - 1) && i < iv_shape_count(&wanted[j]->shape);
             i++) {
            double got = evaluation_at(&now, wanted[j], i);
            double expected = evaluation_at(e, whole[j],
                                            whole_place(&wanted[j]->shape, &whole[j]->shape, i, w->t));

            CHECK(close_to(got, expected, 1e-12), w->s->c,
                  "position %lld: output %d, element %lld is %.9g, of the whole %.9g",
                  (long long)w->t, j, (long long)i, got, expected);
        }
    }
    for (int i = 0; i < w->n_states; i++) {
        iv__free(one_thread, w->state[i]);
        w->state[i] = copy_of(&now, wanted[n + i]);
    }
    evaluation_free(&now);
}

static void check_steps(const ops_case *c, const int *time)
{
    subject s = subject_new(c, one_thread, IV_F64, time);
    walk w = { .s = &s };
    iv_node *whole[IV_MAX_OUT];
    int64_t length = 0;

    for (int j = 0; j < s.op->n_out; j++)
        whole[j] = &s.call->out[j];
    for (int k = 0; k < c->n_in; k++)
        if (time[k] >= 0)
            length = c->in[k].shape.dim[time[k]];
    iv_stepper *stepper = iv_stepper_new(s.op->n_out, whole);
    CHECK(stepper != NULL, c, "no stepper: %s", iv_home_message(one_thread));

    evaluation e = evaluate(s.graph, s.op->n_out, whole, subject_memory, &s);
    w.n_states = iv_stepper_states(stepper, &w.states);
    for (int i = 0; i < w.n_states; i++) {
        iv_node *start = w.states[i].start;
        evaluation at_start = evaluate(iv_stepper_graph(stepper), 1, &start, step_memory, &w);

        w.state[i] = copy_of(&at_start, start);
        evaluation_free(&at_start);
    }
    for (w.t = 0; w.t < length; w.t++)
        check_position(&w, stepper, s.op->n_out, whole, &e, length);

    for (int i = 0; i < w.n_states; i++)
        iv__free(one_thread, w.state[i]);
    for (int k = 0; k < c->n_in; k++)
        iv__free(one_thread, w.leaf[k]);
    evaluation_free(&e);
    iv_stepper_free(stepper);
    subject_free(&s);
}

static void steps_as_the_whole(void **state)
{
    static const int first_axis[MAX_CASE_INPUTS] = { 0 };

    (void)state;
    for (const ops_case *c = ops_cases; c < ops_cases + N_CASES; c++)
        if (c->steps)
            check_steps(c, c->time);
        else if (row_named(c->row)->flags & IV_POINTWISE && !c->refuses_steps)
            check_steps(c, first_axis);
}

static void steps_are_refused_by_name(void **state)
{
    (void)state;
    for (const ops_case *c = ops_cases; c < ops_cases + N_CASES; c++) {
        if (!c->refuses_steps)
            continue;
        subject s = subject_new(c, one_thread, IV_F64, c->time);
        iv_node *y = &s.call->out[0];

        CHECK(!iv_stepper_new(1, &y), c, "it should not step");
        CHECK(strstr(iv_home_message(one_thread), c->row), c, "the refusal should name the row: %s",
              iv_home_message(one_thread));
        iv_home_clear(one_thread);
        subject_free(&s);
    }
}

static int open_homes(void **state)
{
    (void)state;
    one_thread = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 });
    three_threads = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 3 });
    pool_bytes = three_threads ? iv__home_bytes(three_threads) : 0;
    return !one_thread || !three_threads;
}

static int close_homes(void **state)
{
    (void)state;
    const bool clean = iv__home_bytes(one_thread) == 0 && iv__home_bytes(three_threads) == pool_bytes;

    iv_home_free(one_thread);
    iv_home_free(three_threads);
    return !clean;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_complete),
        cmocka_unit_test(golden_values),
        cmocka_unit_test(f32_as_f64),
        cmocka_unit_test(gradients),
        cmocka_unit_test(backends_as_reference),
        cmocka_unit_test(read_from_text),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(in_place_is_the_same),
        cmocka_unit_test(pieces_make_the_whole),
        cmocka_unit_test(outputs_may_be_missing),
        cmocka_unit_test(plans_as_the_plain_path),
        cmocka_unit_test(steps_as_the_whole),
        cmocka_unit_test(steps_are_refused_by_name),
    };

    return cmocka_run_group_tests_name("ops_check", tests, open_homes, close_homes);
}
