/* backend_loss_test.c: the fused linear layer and cross-entropy, forward and backward, of every
 * backend here. */
#include "backend_world.h"

typedef struct loss_case {
    int64_t rows, inputs, classes;
    double weight_zero; /* share of the rows */
    float scale, bias;  /* sizes of w and b */
    bool bad_targets, no_dx, no_weights;
    float above; /* by how much the last class's bias is larger than drawn */
} loss_case;

/* An operand of a product. */
static double operand_of(const call *c, float x)
{
    return (double)(c->bf16 ? nearest_bf16(x) : x);
}

/* off: what a logit may be off by, as a sum in single precision: half a unit in the last place of each
 * partial sum and product. */
static void loss_row(const call *c, const loss_case *p, const float *x, const float *w,
                     const float *b, double *logits, double *off)
{
    for (int64_t v = 0; v < p->classes; v++) {
        logits[v] = (double)b[v];
        off[v] = 0;
        for (int64_t i = 0; i < p->inputs; i++) {
            double product = operand_of(c, x[i]) * operand_of(c, w[i * p->classes + v]);
            logits[v] += product;
            off[v] += 0x1p-24 * (fabs(product) + fabs(logits[v]));
        }
    }
}

/* What the logarithm of a class's share may be off by: where one class has it all, by nothing. */
static double share_off(double share, double off, double mean_off)
{
    return fabs((1 - share) * off + mean_off - share * off);
}

static double *add_slack(call *c, int output)
{
    return c->slack[output] = calloc((size_t)count_of(&c->k.out[output]) + 1, sizeof(double));
}

/* In bf16 the logits are those of rounded x and w. On the way back each d = p - 1 (p, where the
 * class is not the target) is rounded, to within 2^-8 of it, and in dw and db so is x times its
 * factor: what is off is no more than these shares of the sums' terms. Besides, exp makes of a logit's
 * absolute error a relative one: of logits of some hundreds, one of 1e-5 and more. */
static void check_in(const loss_case *p, bool bf16)
{
    call forward = { .op = "linear_cross_entropy", .bf16 = bf16 },
         c = { .op = "linear_cross_entropy_back", .tolerance = 1e-5, .bf16 = bf16 };
    iv_shape rows = iv_dims(p->rows);
    const float *x = add_random(&forward, iv_dims(p->rows, p->inputs), 1, false);
    float *w = add_random(&forward, iv_dims(p->inputs, p->classes), p->scale, true);
    float *b = add_random(&forward, iv_dims(p->classes), p->bias, true);
    b[p->classes - 1] += p->above;
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
    double *losses_too = add_output(&c, rows, true), *logits = doubles(NULL, p->classes),
           *logits_off = doubles(NULL, p->classes);
    double *losses_off = add_slack(&forward, 0), *losses_too_off = add_slack(&c, 3);
    double *dx_off = add_slack(&c, 0), *dw_off = add_slack(&c, 1), *db_off = add_slack(&c, 2);
    double share = bf16 ? 0x1p-8 : 0;

    for (int64_t r = 0; r < p->rows; r++) {
        if (weight[r] == 0)
            continue;
        loss_row(&c, p, x + r * p->inputs, w, b, logits, logits_off);
        double sum = log_sum(logits, p->classes), factor = (double)weight[r] * (double)dloss[r];
        bool known = target[r] >= 0 && target[r] < p->classes;
        losses_too[r] = losses[r] = known ? (double)weight[r] * (sum - logits[target[r]]) : NAN;
        double mean_off = 0;
        for (int64_t v = 0; v < p->classes; v++)
            mean_off += exp(logits[v] - sum) * logits_off[v];
        if (known)
            losses_too_off[r] = losses_off[r] = fabs((double)weight[r]) *
                                                share_off(exp(logits[target[r]] - sum),
                                                          logits_off[target[r]], mean_off);
        for (int64_t v = 0; v < p->classes; v++) {
            double part = exp(logits[v] - sum), d = factor * (part - (v == target[r]));
            double d_off = fabs(factor) * part * share_off(part, logits_off[v], mean_off);
            db[v] += d;
            db_off[v] += 2.01 * share * fabs(d) + d_off;
            for (int64_t i = 0; i < p->inputs; i++) {
                int64_t at = i * p->classes + v;
                double from_w = d * operand_of(&c, w[at]), from_x = d * (double)x[r * p->inputs + i];
                dw[at] += from_x;
                dw_off[at] += 2.01 * share * fabs(from_x) + d_off * fabs((double)x[r * p->inputs + i]);
                dx[r * p->inputs + i] += from_w;
                dx_off[r * p->inputs + i] += 1.01 * share * fabs(from_w) +
                                             d_off * fabs(operand_of(&c, w[at]));
            }
        }
    }
    free(logits);
    free(logits_off);
    check(&c);
    check(&forward);
}

static void check_cross_entropy(const loss_case *p)
{
    check_in(p, false);
    check_in(p, true);
}

static void test_cross_entropy(void **state)
{
    static const loss_case cases[] = {
        { 1, 1, 1, 0, 1, 1, false, false, false, 0 },
        { 1, 5, 3, 0, 1, 1, false, false, false, 0 },
        { 7, 1, 50, 0, 1, 1, false, false, false, 0 },
        { 40, 16, 48, 0.3, 1, 1, false, false, false, 0 },
        { 300, 20, 84, 0.25, 0.5f, 1, false, false, false, 0 },
        { 500, 9, 131, 0.1, 0.5f, 1, true, false, false, 0 },
        { 150, 33, 1000, 0.5, 0.3f, 1, false, false, false, 0 },
        { 20, 400, 37, 0, 0.1f, 1, false, false, false, 0 },
        { 10, 900, 70, 0.2, 0.05f, 1, false, false, false, 0 },
        { 1000, 8, 17, 0.2, 1, 1, false, true, false, 0 },
        { 30, 8, 65, 0, 1, 1, false, false, true, 0 },
        { 25, 6, 200, 1, 1, 1, true, false, false, 0 },
        /* few rows of many classes */
        { 1, 3, 1700, 0, 1, 1, false, false, false, 0 },
        { 5, 20, 1555, 0, 0.5f, 1, true, false, false, 0 },
        { 37, 12, 900, 0.2, 0.5f, 1, false, true, false, 0 },
        { 288, 11, 1000, 0.1, 0.5f, 1, false, false, false, 0 },
        { 40, 12, 900, 1, 0.5f, 1, false, false, false, 0 },
        { 40, 12, 900, 0, 0.5f, 1, false, false, true, 0 },
        /* many of both, in blocks of rows */
        { 330, 64, 1030, 0.05, 0.2f, 1, true, false, false, 0 },
        { 300, 650, 100, 0.1, 0.05f, 1, false, true, false, 0 },
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
    check_cross_entropy(&(loss_case){ .rows = 70, .inputs = 5, .classes = 1200, .scale = 60, .bias = 5 });
    check_cross_entropy(&(loss_case){ .rows = 60, .inputs = 4, .classes = 120, .scale = 1, .bias = 400 });
    check_cross_entropy(
        &(loss_case){ .rows = 310, .inputs = 70, .classes = 1000, .scale = 20, .bias = 5 });
    for (int64_t above = 50; above < 1000000; above += above / 3)
        check_cross_entropy(&(loss_case){
            .rows = 10, .inputs = 4, .classes = 120, .scale = 1, .above = (float)above });
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

/* A number that is none must not get lost, wherever it comes in: in a weight it reaches every row
 * that counts, in x its own row alone. */
static void check_nan(const iv__backend *backend, bool bf16, int64_t column, bool in_x)
{
    call c = { .op = "linear_cross_entropy_back", .bf16 = bf16 };
    float *x = add_random(&c, iv_dims(3, 4), 1, false);
    float *w = add_random(&c, iv_dims(4, 100), 1, true);

    add_random(&c, iv_dims(100), 1, true);
    int32_t *target = add_input(&c, IV_I32, iv_dims(3), false);
    float *weight = add_random(&c, iv_dims(3), 1, false);
    add_random(&c, iv_dims(3), 1, false);
    add_output(&c, iv_dims(3, 4), true);
    add_output(&c, iv_dims(4, 100), true);
    add_output(&c, iv_dims(100), true);
    add_output(&c, iv_dims(3), true);
    *(in_x ? &x[2] : &w[column]) = NAN;
    target[0] = target[1] = target[2] = 50;
    weight[0] = weight[2] = 1;
    weight[1] = 0;
    iv_home *home = new_home(1);
    run_once(&c, backend, home);
    iv_home_free(home);
    const float *dx = c.k.out[0].data, *loss = c.k.out[3].data;
    assert_true(isnan(loss[0]) && loss[1] == 0 && !isnan(loss[2]) == in_x);
    for (int i = 0; i < 4; i++)
        assert_true(isnan(dx[i]) && dx[4 + i] == 0 && !isnan(dx[8 + i]) == in_x);
    assert_true(isnan(((float *)c.k.out[1].data)[column]));
    free_call(&c);
}

static void test_cross_entropy_keeps_nan(void **state)
{
    (void)state;
    for (int b = 0; iv__backends[b]; b++) {
        for (int i = 0; iv__backends[b]->available() && i < 16; i++)
            check_nan(iv__backends[b], i & 1, i / 4 * 33, i & 2);
    }
}

/* Few rows and weights too large for a gradient of each part: groups of classes. The last ones have
 * targets whose exponentials vanish, and many inputs: their products come in chunks, dx in several
 * panels. */
static void test_cross_entropy_in_groups(void **state)
{
    static const loss_case cases[] = {
        { 1, 40, 1700, 0, 0.2f, 1, false, false, false, 0 },
        { 5, 45, 1555, 0, 0.2f, 1, true, false, false, 0 },
        { 37, 75, 900, 0.2, 0.2f, 1, false, true, false, 0 },
        { 288, 70, 1000, 0.1, 0.2f, 1, false, false, false, 0 },
        { 40, 75, 900, 1, 0.2f, 1, false, false, false, 0 },
        { 40, 75, 900, 0, 0.2f, 1, false, false, true, 0 },
        { 60, 75, 900, 0, 20, 5, false, false, false, 0 },
        { 45, 410, 1101, 0.1, 0.05f, 1, true, false, false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_cross_entropy(&cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cross_entropy),
        cmocka_unit_test(test_cross_entropy_far_apart),
        cmocka_unit_test(test_cross_entropy_random),
        cmocka_unit_test(test_cross_entropy_keeps_nan),
        cmocka_unit_test(test_cross_entropy_in_groups),
    };

    return cmocka_run_group_tests_name("backend_loss", tests, NULL, NULL);
}
