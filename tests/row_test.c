/* row_test.c: a row of one's own, with public headers alone, that steps along a sequence and keeps records apart: a sum
 * that fades. */
#include <ivory/ivory.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { RECORDS = 7, LENGTH = 5, WIDTH = 3 };

/* y[n,t,:] = fade y[n,t-1,:] + x[n,t,:], beginning with start [N,1,C] in place of what was before. */
typedef struct fading {
    double fade;
} fading;

static const iv_field fading_fields[] = {
    { .name = "fade", .type = IV_FIELD_REAL, .offset = offsetof(fading, fade), .low = 0, .high = 1 },
    { .name = NULL },
};

static int stepped, kept_apart; /* how often its rules were asked */

static const char *fading_shape(iv_shape_call *s)
{
    if (s->in[0]->rank != 3 || s->in[1]->rank != 3 || s->in[1]->dim[1] != 1)
        return "x must be [N,T,C] and start [N,1,C]";
    s->out[0] = *s->in[0];
    s->out_dtype[0] = s->in_dtype[0];
    return NULL;
}

#define KERNEL(name, real)                                                           \
    static void name(const iv_kernel_call *k)                                        \
    {                                                                                \
        const real fade = (real)((const fading *)k->attr)->fade, *x = k->in[0].data, \
                   *start = k->in[1].data;                                           \
        const int64_t *size = k->in[0].shape->dim, c = size[2];                      \
        real *y = k->out[0].data;                                                    \
                                                                                     \
        for (int64_t n = 0; n < size[0]; n++)                                        \
            for (int64_t t = 0; t < size[1]; t++)                                    \
                for (int64_t i = 0; i < c; i++) {                                    \
                    const int64_t at = (n * size[1] + t) * c + i;                    \
                    y[at] = fade * (t ? y[at - c] : start[n * c + i]) + x[at];       \
                }                                                                    \
    }
KERNEL(kernel_f32, float)
KERNEL(kernel_f64, double)

static void fading_gradient(iv_gradient_call *g);

static void fading_step(iv_step *s)
{
    const fading *o = iv_call_attr(s->call);

    stepped++;
    if (iv_call_inputs(s->call) != 2 || iv_node_dim(iv_call_input(s->call, 0), 1) != LENGTH) {
        iv_step_refuse(s, "it is called with x and start");
        return;
    }
    iv_node *before = iv_step_state(s, 1);
    iv_node *y = iv_add(iv_scale(before, o->fade), s->in[0]);
    iv_step_update(s, before, y);
    iv_step_output(s, 0, y, 1);
}

static void fading_apart(iv_apart *a)
{
    kept_apart++;
    iv_apart_each(a, iv_call_attr(a->call), 1);
}

static const iv_op fading_row = {
    .name = "test/fading",
    .says = "y[t] = fade y[t-1] + x[t]",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .attrs = fading_fields,
    .attr_size = sizeof(fading),
    .shape = fading_shape,
    .gradient = fading_gradient,
    .step = fading_step,
    .apart = fading_apart,
    .f32 = kernel_f32,
    .f64 = kernel_f64,
};

static iv_node *fading_of(iv_node *x, iv_node *start, double fade)
{
    return x && start ? iv_apply(iv_node_graph(x), &fading_row, 2, (iv_node *[]){ x, start },
                                 &(fading){ fade })
                      : NULL;
}

/* From the end it is the same row. */
static void fading_gradient(iv_gradient_call *g)
{
    const double fade = ((const fading *)g->attr)->fade;
    iv_node *none = iv_scale(iv_slice(g->dy[0], 1, 0, 1, 1), 0);
    iv_node *dx = iv_reverse(fading_of(iv_reverse(g->dy[0], 1), none, fade), 1);

    g->dx[0] = dx;
    g->dx[1] = iv_scale(iv_slice(dx, 1, 0, 1, 1), fade);
}

/* x [N,T,C] and start [N,1,C], which is once, through a dense layer on each side. */
static iv_node *layer(iv_scope *scope, iv_node *const in[], const void *user)
{
    (void)user;
    iv_node *x = iv_dense(scope, in[0], .units = WIDTH);
    return iv_tanh(fading_of(x, in[1], 0.7));
}

static void it_passes_the_check_of_layers(void **state)
{
    iv_home *home = iv_home_new(NULL);
    const iv_shape in[] = { iv_dims(2, LENGTH, 4), iv_dims(2, 1, WIDTH) };
    iv_check_report r;

    (void)state;
    if (iv_check_layer(home, layer, &r, .n_in = 2, .in = in, .sequence = (bool[]){ true, false }))
        fail_msg("%s", iv_home_message(home));
    assert_true(r.steps >= 0 && r.steps < 1e-9);
    assert_true(stepped > 0);
    iv_home_free(home);
}

/* The loss and the norm of its gradients, with all records at once or some at a time. */
static void train(int64_t at_a_time, double *loss, double *norm)
{
    iv_home *home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 2 });
    iv_home_set_micro_batch(home, at_a_time);
    iv_params *params = iv_params_new(home, IV_F64, 1);
    iv_graph *graph = iv_graph_new_real(home, IV_F64);
    iv_node *in[] = { iv_input(graph, "x", IV_F64, iv_dims(RECORDS, LENGTH, 4)),
                      iv_input(graph, "start", IV_F64, iv_dims(RECORDS, 1, WIDTH)) };
    iv_node *y = layer(iv_scope_new(graph, params, ""), in, NULL);
    iv_train_step *step = iv_train_step_new(params, .loss = iv_mean_all(iv_square(y)),
                                            .optimizer = iv_optimizer_of(.kind = IV_SGD));
    if (!step)
        fail_msg("%s %s", iv_home_message(home), iv_graph_message(graph));
    for (int i = 0; i < 2; i++) {
        double *to = iv_plan_input(iv_train_step_plan(step), i ? "start" : "x");
        for (int64_t k = 0; k < iv_shape_count(iv_node_shape(in[i])); k++)
            to[k] = sin(1 + 0.37 * (double)k);
    }
    assert_int_equal(iv_train_step_gradients(step), IV_OK);
    *loss = iv_train_step_loss(step);
    *norm = iv_train_step_norm(step);
    iv_train_step_free(step);
    iv_graph_free(graph);
    iv_params_free(params);
    iv_home_free(home);
}

static void it_keeps_records_apart(void **state)
{
    double loss[2], norm[2];

    (void)state;
    train(0, &loss[0], &norm[0]);
    kept_apart = 0;
    train(2, &loss[1], &norm[1]); /* it is refused where a row needs the whole batch */
    assert_true(kept_apart > 0);
    assert_true(loss[0] > 0 && fabs(loss[1] - loss[0]) < 1e-12 * loss[0]);
    assert_true(norm[0] > 0 && fabs(norm[1] - norm[0]) < 1e-12 * norm[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_passes_the_check_of_layers),
        cmocka_unit_test(it_keeps_records_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
