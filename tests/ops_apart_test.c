/* ops_apart_test.c: rows that keep records apart, over the table of cases: whichever axis-0 length of a
 * case's inputs is taken for the records, a plan in micro-batches is refused or gives the same. */
#include <ivory/derive.h>
#include <ivory/ops.h>

#include "base/home.h"
#include "common/trial.h"
#include "plan/micro.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ops_cases.c"

enum { N_CASES = sizeof ops_cases / sizeof *ops_cases, LARGE = 1000 };

static int64_t rows_of(const iv_node *node)
{
    return node->shape.rank ? node->shape.dim[0] : 0;
}

/* Sums of every output times numbers of its own and a parameter: it feels every element and its place. */
static iv_node *project(subject *s, const iv_call *call, iv_node *p)
{
    iv_node *sum = NULL;
    const int n = s->c->n_public ? s->c->n_public : s->op->n_out;

    for (int j = 0; j < n; j++) {
        iv_node *y = &call->out[j];
        char name[16];
        if (y->dtype == IV_U8)
            continue;
        snprintf(name, sizeof name, "r%d", j);
        double *value = draw(s->home, s->c, name, iv_shape_count(&y->shape), -1, 1, false);
        iv_node *times = subject_leaf(s, name, iv_graph_real(s->graph), y->shape, -1, value);
        iv_node *part = iv_sum_all(iv_mul(iv_mul(iv_cast(y, iv_graph_real(s->graph)), times), p));
        iv__free(s->home, value);
        sum = sum ? iv_add(sum, part) : part;
    }
    return sum;
}

/* The row on inputs that depend on the parameter p where they hold records. */
static iv_node *loss_of(subject *s, int64_t records, iv_node *p)
{
    iv_node *x[MAX_CASE_INPUTS];
    double *value = draw(s->home, s->c, "many", records * LARGE, -1, 1, false);
    iv_node *many = subject_leaf(s, "many", iv_graph_real(s->graph), iv_dims(records, LARGE), -1, value);

    iv__free(s->home, value);
    for (int k = 0; k < s->c->n_in; k++)
        x[k] = s->c->in[k].kind == INPUT_REAL && !s->c->in[k].fixed && rows_of(s->x[k]) == records
                   ? iv_mul(s->x[k], p)
                   : s->x[k];
    iv_node *y = iv_apply(s->graph, s->op, s->c->n_in, x, s->c->attr);
    iv_node *loss = y ? project(s, y->call, p) : NULL;
    return loss ? iv_add(loss, iv_sum_all(iv_mul(many, p)))
                : NULL; /* whose largest input tells the records */
}

static iv_plan *plan_of(subject *s, int n, iv_node *const outputs[], int64_t size, const double *p)
{
    iv_plan *plan = iv__plan_whole(s->home, n, outputs, 0, NULL);

    CHECK(plan != NULL, s->c, "no plan: %s", iv_home_message(s->home));
    if (size)
        CHECK(!iv__micro_make(plan, n, outputs, size), s->c, "not cut: %s", iv_home_message(s->home));
    for (int i = 0; i < s->n_leaves; i++)
        if (iv_plan_input(plan, s->name[i]))
            iv_plan_bind(plan, s->name[i], s->data[i], NULL);
    if (iv_plan_input(plan, "p"))
        iv_plan_bind(plan, "p", (void *)(uintptr_t)p, NULL);
    return plan;
}

/* True if its records are apart. */
static bool as_the_whole(const ops_case *c, iv_home *home, int64_t records)
{
    subject s = subject_new(c, home, IV_F64, NULL);
    iv_node *outputs[2], *p = iv_parameter(s.graph, "p", iv_scalar());
    const double factor = 0.75;
    int n = 1;

    outputs[0] = loss_of(&s, records, p);
    if (outputs[0] && s.op->gradient && !iv_gradient(outputs[0], 1, &p, outputs + 1))
        n = 2;
    if (!outputs[0] || iv_graph_status(s.graph)) { /* made of other shapes, or of first order */
        subject_free(&s);
        return false;
    }
    iv_plan *whole = plan_of(&s, n, outputs, 0, &factor),
            *cut = plan_of(&s, n, outputs, (records + 2) / 3, &factor);
    const bool apart = cut->micro != NULL;
    CHECK(!iv_plan_run(whole) && !iv_plan_run(cut), c, "it does not run: %s", iv_home_message(home));
    for (int j = 0; j < n; j++) {
        const double a = *(const double *)iv_plan_output(cut, j),
                     b = *(const double *)iv_plan_output(whole, j);
        CHECK(close_to(a, b, 1e-11), c, "with %lld records output %d is %.15g, of the whole batch %.15g",
              (long long)records, j, a, b);
    }
    iv_plan_free(whole);
    iv_plan_free(cut);
    subject_free(&s);
    return apart;
}

/* Rows with a rule, and pointwise ones, are apart in a case at least. */
static void micro_batches_are_as_the_whole(void **state)
{
    (void)state;
    iv_home *home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 2 });

    for (int f = 0; f < n_row_families; f++)
        for (const iv_op *const *op = row_families[f]; *op; op++) {
            bool apart = false, tried = false;
            for (const ops_case *c = ops_cases; c < ops_cases + N_CASES; c++) {
                if (strcmp(c->row, (*op)->name))
                    continue;
                for (int k = 0; k < c->n_in; k++) {
                    const int64_t records = c->in[k].shape.rank ? c->in[k].shape.dim[0] : 0;
                    bool seen = records < 2;
                    for (int earlier = 0; earlier < k; earlier++)
                        seen |= c->in[earlier].shape.rank && c->in[earlier].shape.dim[0] == records;
                    if (!seen) {
                        tried = true;
                        apart |= as_the_whole(c, home, records);
                    }
                }
            }
            if (tried && !apart && ((*op)->apart || (*op)->flags & IV_POINTWISE))
                fail_msg("%s: its records are apart in no case", (*op)->name);
        }
    iv_home_free(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(micro_batches_are_as_the_whole) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
