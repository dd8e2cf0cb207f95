/* backend_loss_test.c: the fused linear layer and cross-entropy, forward and backward, of every
 * backend here. */
#include "backend_world.h"

typedef struct loss_case {
    int64_t rows, inputs, classes;
    double weight_zero; /* share of the rows */
    float scale, bias;  /* sizes of w and b */
    bool bad_targets, no_dx, no_weights;
} loss_case;

static void loss_row(const loss_case *p, const float *x, const float *w, const float *b, double *logits)
{
    for (int64_t v = 0; v < p->classes; v++) {
        logits[v] = (double)b[v];
        for (int64_t i = 0; i < p->inputs; i++)
            logits[v] += (double)x[i] * (double)w[i * p->classes + v];
    }
}

/* The last class's bias is so much larger than drawn. */
static void check_last_class(const loss_case *p, float above)
{
    call forward = { .op = "linear_cross_entropy" },
         c = { .op = "linear_cross_entropy_back", .tolerance = 1e-5 };
    iv_shape rows = iv_dims(p->rows);
    const float *x = add_random(&forward, iv_dims(p->rows, p->inputs), 1, false);
    float *w = add_random(&forward, iv_dims(p->inputs, p->classes), p->scale, true);
    float *b = add_random(&forward, iv_dims(p->classes), p->bias, true);
    b[p->classes - 1] += above;
    int32_t *target = add_input(&forward, IV_I32, rows, false);
    float *weight = add_random(&forward, rows, 1, false);
    double *losses = add_output(&forward, rows, true);

    for (int64_t r = 0; r < p->rows; r++) {
        target[r] = (int32_t)random_below(p->classes);
        if (p->bad_targets && random_below(4) == 0)
            target[r] = random_below(2) ? (int32_t)p->classes : -1 - (int32_t)random_below(1000000);
        if (iv__unit_f32(random_word()) < (float)p->weight_zero)
            weight[r] = 0;
    }
    for (int i = 0; i < 5; i++) {
        const iv_array *from = &forward.k.in[i];
        memcpy(add_input(&c, from->dtype, *from->shape, from->weight), from->data,
               (size_t)count_of(from) * 4);
    }
    const float *dloss = add_random(&c, rows, 1, false);
    double *dx = add_output(&c, iv_dims(p->rows, p->inputs), !p->no_dx);
    double *dw = add_output(&c, iv_dims(p->inputs, p->classes), !p->no_weights);
    double *db = add_output(&c, iv_dims(p->classes), !p->no_weights);
    double *losses_too = add_output(&c, rows, true), *logits = doubles(NULL, p->classes);

    for (int64_t r = 0; r < p->rows; r++) {
        if (weight[r] == 0)
            continue;
        loss_row(p, x + r * p->inputs, w, b, logits);
        double sum = log_sum(logits, p->classes), factor = (double)weight[r] * (double)dloss[r];
        bool known = target[r] >= 0 && target[r] < p->classes;
        losses_too[r] = losses[r] = known ? (double)weight[r] * (sum - logits[target[r]]) : NAN;
        for (int64_t v = 0; v < p->classes; v++) {
            double d = factor * (exp(logits[v] - sum) - (v == target[r]));
            db[v] += d;
            for (int64_t i = 0; i < p->inputs; i++) {
                dw[i * p->classes + v] += d * (double)x[r * p->inputs + i];
                dx[r * p->inputs + i] += d * (double)w[i * p->classes + v];
            }
        }
    }
    free(logits);
    check(&c);
    check(&forward);
}

static void check_cross_entropy(const loss_case *p)
{
    check_last_class(p, 0);
}

static void test_cross_entropy(void **state)
{
    static const loss_case cases[] = {
        { 1, 1, 1, 0, 1, 1, false, false, false },
        { 1, 5, 3, 0, 1, 1, false, false, false },
        { 7, 1, 50, 0, 1, 1, false, false, false },
        { 40, 16, 48, 0.3, 1, 1, false, false, false },
        { 300, 20, 84, 0.25, 0.5f, 1, false, false, false },
        { 500, 9, 131, 0.1, 0.5f, 1, true, false, false },
        { 150, 33, 1000, 0.5, 0.3f, 1, false, false, false },
        { 20, 400, 37, 0, 0.1f, 1, false, false, false },
        { 10, 900, 70, 0.2, 0.05f, 1, false, false, false },
        { 1000, 8, 17, 0.2, 1, 1, false, true, false },
        { 30, 8, 65, 0, 1, 1, false, false, true },
        { 25, 6, 200, 1, 1, 1, true, false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_cross_entropy(&cases[i]);
}

/* Logits hundreds apart: the first panel's maximum does not do, and targets' exponentials
 * vanish. */
static void test_cross_entropy_far_apart(void **state)
{
    (void)state;
    check_cross_entropy(
        &(loss_case){ .rows = 100, .inputs = 10, .classes = 300, .scale = 60, .bias = 5 });
    check_cross_entropy(&(loss_case){ .rows = 60, .inputs = 4, .classes = 120, .scale = 1, .bias = 400 });
    for (int64_t above = 50; above < 1000000; above += above / 3)
        check_last_class(&(loss_case){ .rows = 10, .inputs = 4, .classes = 120, .scale = 1 }, (float)above);
}

static void test_cross_entropy_random(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++)
        check_cross_entropy(&(loss_case){ .rows = 1 + random_below(200),
                                          .inputs = 1 + random_below(40),
                                          .classes = 1 + random_below(200),
                                          .weight_zero = 0.3,
                                          .scale = 1,
                                          .bias = 2 });
}

/* A number that is none must not get lost, wherever it comes in. */
static void test_cross_entropy_keeps_nan(void **state)
{
    (void)state;
    for (int b = 0; iv__backends[b]; b++) {
        if (!iv__backends[b]->available())
            continue;
        for (int column = 0; column < 100; column += 33) {
            call c = { .op = "linear_cross_entropy" };
            add_random(&c, iv_dims(2, 3), 1, false);
            float *w = add_random(&c, iv_dims(3, 100), 1, true);
            add_random(&c, iv_dims(100), 1, true);
            int32_t *target = add_input(&c, IV_I32, iv_dims(2), false);
            float *weight = add_random(&c, iv_dims(2), 1, false);
            add_output(&c, iv_dims(2), true);
            w[column] = NAN;
            target[0] = target[1] = 50;
            weight[0] = 1;
            weight[1] = 0;
            iv_home *home = new_home(1);
            run_once(&c, iv__backends[b], home);
            iv_home_free(home);
            assert_true(isnan(((float *)c.k.out[0].data)[0]));
            assert_true(((float *)c.k.out[0].data)[1] == 0);
            free_call(&c);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cross_entropy),
        cmocka_unit_test(test_cross_entropy_far_apart),
        cmocka_unit_test(test_cross_entropy_random),
        cmocka_unit_test(test_cross_entropy_keeps_nan),
    };

    return cmocka_run_group_tests_name("backend_loss", tests, NULL, NULL);
}
