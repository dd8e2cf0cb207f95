/* backend_test.c: which backend a home gets; products, softmax and elementwise rows of every
 * backend here. */
#include "backend_world.h"

#include "backend/cpu/rows.h"
#include "backend/peak.h"
#include "ops/attrs.h"

/* ---- matmul ---------------------------------------------------------------------------------- */

typedef struct matmul_case {
    int64_t m, n, k, leading; /* leading 0: none */
    bool transpose_a, transpose_b, batched, weight;
} matmul_case;

static iv_shape matrix(int64_t leading, int64_t rows, int64_t columns, bool transposed)
{
    if (transposed) {
        int64_t swap = rows;
        rows = columns;
        columns = swap;
    }
    return leading ? iv_dims(leading, rows, columns) : iv_dims(rows, columns);
}

/* The kernels of bf16 must round to nearest, ties to even, and not lose anything else: their results
 * are those of rounded factors, as exact as any. */
static void check_matmul_in(const matmul_case *p, bool bf16)
{
    iv__matmul attr = { p->transpose_a, p->transpose_b };
    call c = { .op = "matmul", .k.attr = &attr, .tolerance = 1e-6 * sqrt((double)p->k) + 1e-6, .bf16 = bf16 };
    const float *a = add_random(&c, matrix(p->leading, p->m, p->k, p->transpose_a), 1, false);
    const float *b = add_random(&c, matrix(p->batched ? p->leading : 0, p->k, p->n, p->transpose_b),
                                1, p->weight);
    double *y = add_output(&c, matrix(p->leading, p->m, p->n, false), true);

    for (int64_t l = 0; l < (p->leading ? p->leading : 1); l++) {
        for (int64_t i = 0; i < p->m; i++) {
            for (int64_t j = 0; j < p->n; j++, y++) {
                for (int64_t k = 0; k < p->k; k++) {
                    float left = a[p->transpose_a ? k * p->m + i : i * p->k + k],
                          right = b[p->transpose_b ? j * p->k + k : k * p->n + j];
                    *y += bf16 ? (double)nearest_bf16(left) * (double)nearest_bf16(right)
                               : (double)left * (double)right;
                }
            }
        }
        a += p->m * p->k;
        if (p->batched)
            b += p->k * p->n;
    }
    check(&c);
}

static void check_matmul(const matmul_case *p)
{
    check_matmul_in(p, false);
    check_matmul_in(p, true);
}

static void test_matmul_shapes(void **state)
{
    static const int64_t sizes[][3] = {
        { 1, 1, 1 },      { 1, 7, 1 },     { 5, 1, 3 },      { 1, 100, 17 },  { 9, 48, 16 },
        { 10, 49, 17 },   { 8, 512, 40 },  { 33, 3, 65 },    { 200, 16, 1 },  { 64, 64, 64 },
        { 37, 129, 193 }, { 18, 95, 400 }, { 150, 20, 512 }, { 2, 1000, 30 },
    };

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (int flags = 0; flags < 8; flags++)
            check_matmul(&(matmul_case){ sizes[s][0], sizes[s][1], sizes[s][2], 0, flags & 1,
                                         flags >> 1 & 1, false, flags >> 2 });
    }
}

/* Row pitches that are powers of two, long sums, many tasks. */
static void test_matmul_large(void **state)
{
    static const matmul_case cases[] = {
        { 96, 260, 1024, 0, false, false, false, false },
        { 40, 50, 3000, 0, true, false, false, false },
        { 130, 70, 5000, 0, true, false, false, false },
        { 300, 300, 70, 0, false, true, false, true },
        { 130, 600, 200, 0, true, true, false, false },
        { 1, 2000, 600, 0, false, false, false, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_matmul(&cases[i]);
}

static void rows_of_product(const iv__backend *backend, bool bf16, int64_t rows, int64_t k,
                            int64_t n, const float *a, const float *b, float *y)
{
    iv__matmul attr = { false, false };
    call c = { .op = "matmul", .k.attr = &attr, .bf16 = bf16 };

    memcpy(add_input(&c, IV_F32, iv_dims(rows, k), false), a, (size_t)(rows * k) * sizeof *a);
    memcpy(add_input(&c, IV_F32, iv_dims(k, n), true), b, (size_t)(k * n) * sizeof *b);
    add_output(&c, iv_dims(rows, n), true);
    iv_home *home = new_home(2);
    run_once(&c, backend, home);
    memcpy(y, c.k.out[0].data, (size_t)(rows * n) * sizeof *y);
    iv_home_free(home);
    free_call(&c);
}

/* The backend that multiplies many rows as this one multiplies so few. */
static const iv__backend *for_many(const iv__backend *backend, bool bf16, int64_t rows)
{
#ifndef IVORY_NO_X86
    if (backend == &iv__backend_avx512bf16_few && bf16 && rows <= IV__FEW_ROWS_MOST)
        return &iv__backend_avx512bf16;
#endif
    (void)bf16, (void)rows;
    return backend;
}

/* Rows come out the same, bit for bit, however many are multiplied at once. */
static void test_matmul_rows_do_not_mix(void **state)
{
    enum { ROWS = 70, K = 333, N = 500 };
    static float a[ROWS * K], b[K * N], all[ROWS * N], some[ROWS * N];
    static const int64_t sizes[] = { 1, 2, 5, 16, 33 };

    (void)state;
    for (int i = 0; i < ROWS * K; i++)
        a[i] = random_real(1);
    for (int i = 0; i < K * N; i++)
        b[i] = random_real(1);
    for (int i = 0; iv__backends[i]; i++) {
        if (!iv__backends[i]->available())
            continue;
        for (int bf16 = 0; bf16 < 2; bf16++) {
            for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
                int64_t rows = sizes[s], first = ROWS - rows;
                rows_of_product(for_many(iv__backends[i], bf16, rows), bf16, ROWS, K, N, a, b, all);
                rows_of_product(iv__backends[i], bf16, rows, K, N, a + first * K, b, some);
                assert_memory_equal(some, all + first * N, (size_t)(rows * N) * sizeof *some);
            }
        }
    }
}

static void test_matmul_leading_axes(void **state)
{
    (void)state;
    for (int flags = 0; flags < 16; flags++) {
        matmul_case p = { 5, 21, 13, 3, flags & 1, flags >> 1 & 1, flags >> 2 & 1, flags >> 3 };
        if (!p.batched)
            p.transpose_a = false;
        check_matmul(&p);
    }
    check_matmul(&(matmul_case){ 1, 1, 1, 70, false, false, true, false });
    check_matmul(&(matmul_case){ 40, 30, 20, 33, false, true, true, false });
}

static void test_matmul_random(void **state)
{
    (void)state;
    for (int i = 0; i < 150; i++) {
        matmul_case p = { .m = 1 + random_below(60),
                          .n = 1 + random_below(120),
                          .k = 1 + random_below(i % 5 ? 50 : 500) };
        p.transpose_a = random_below(2);
        p.transpose_b = random_below(2);
        p.weight = random_below(2);
        if (i % 3 == 0) {
            p.leading = 1 + random_below(4);
            p.batched = random_below(2);
            p.transpose_a &= p.batched;
        }
        check_matmul(&p);
    }
}

/* ---- random numbers -------------------------------------------------------------------------- */

/* Each is its own function of key and counter: from which number on they are made, and how many at once, changes
 * none, nor does the place where counters need a second word. */
static void test_random_numbers(void **state)
{
    enum { EACH = 37, SEED = 5, STEP = 6 };
    static const int64_t records[] = { 0, 1, 3, ((int64_t)1 << 34) / EACH - 2 };

    (void)state;
    for (size_t r = 0; r < sizeof records / sizeof *records; r++) {
        for (int b = 0; iv__backends[b]; b++) {
            iv__random attr = { iv_dims(9, EACH), "a place" };
            call c = { .op = "random_uniform", .k.attr = &attr };
            const int32_t clock[6] = {
                SEED, 0, STEP, 0, (int32_t)records[r], (int32_t)(records[r] >> 32)
            };
            memcpy(add_input(&c, IV_I32, iv_dims(6), false), clock, sizeof clock);
            add_output(&c, attr.shape, true);
            if (iv__backends[b]->available() && iv__backend_find(iv__backends[b]->kernels, c.op, &c.k)) {
                iv_home *home = new_home(1);
                run_once(&c, iv__backends[b], home);
                iv_home_free(home);
                check_guards(&c, 0);
                for (int i = 0; i < 9 * EACH; i++) {
                    const uint64_t n = (uint64_t)records[r] * EACH + (uint64_t)i;
                    uint32_t word[4];
                    iv__philox(iv__random_key(SEED, "a place"), STEP, n / 4, word);
                    if (((float *)c.k.out[0].data)[i] != iv__unit_f32(word[n % 4]))
                        fail_msg("%s: number %llu is wrong", iv__backends[b]->name,
                                 (unsigned long long)n);
                }
            }
            free_call(&c);
        }
    }
}

/* ---- softmax and elementwise rows ------------------------------------------------------------ */

static void check_softmax(iv_shape shape, float scale)
{
    static const char *const ops[] = { "softmax", "log_softmax", "log_sum_exp" };
    int64_t width = shape.dim[shape.rank - 1], rows = iv_shape_count(&shape) / width;

    for (int op = 0; op < 3; op++) {
        call c = { .op = ops[op] };
        const float *x = add_random(&c, shape, scale, false);
        double *row = doubles(NULL, width);
        iv_shape leading = shape;
        leading.dim[--leading.rank] = 0;
        double *y = add_output(&c, op == 2 ? leading : shape, true);
        for (int64_t r = 0; r < rows; r++) {
            for (int64_t i = 0; i < width; i++)
                row[i] = (double)x[r * width + i];
            double sum = log_sum(row, width);
            if (op == 2)
                y[r] = sum;
            for (int64_t i = 0; op < 2 && i < width; i++)
                y[r * width + i] = op == 0 ? exp(row[i] - sum) : row[i] - sum;
        }
        free(row);
        check(&c);
    }
}

static void test_softmax(void **state)
{
    (void)state;
    for (int64_t width = 1; width < 70; width += 1 + width / 20)
        check_softmax(iv_dims(3, width), 4);
    check_softmax(iv_dims(2, 5, 7), 100);
    check_softmax(iv_dims(400, 100), 1);
    check_softmax(iv_dims(1, 10007), 10);
}

typedef struct pointwise_case {
    const char *op;
    int inputs;
    double (*value)(double a, double b, double n);
    float scale;
    bool above_zero;
} pointwise_case;

static double neg_of(double a, double b, double n)
{
    (void)b, (void)n;
    return -a;
}
static double exp_of(double a, double b, double n)
{
    (void)b, (void)n;
    return exp(a);
}
static double sqrt_of(double a, double b, double n)
{
    (void)b, (void)n;
    return sqrt(a);
}
static double reciprocal_of(double a, double b, double n)
{
    (void)b, (void)n;
    return 1 / a;
}
static double square_of(double a, double b, double n)
{
    (void)b, (void)n;
    return a * a;
}
static double tanh_of(double a, double b, double n)
{
    (void)b, (void)n;
    return tanh(a);
}
static double sigmoid_of(double a, double b, double n)
{
    (void)b, (void)n;
    return sigmoid(a);
}
static double relu_of(double a, double b, double n)
{
    (void)b, (void)n;
    return a < 0 ? 0 : a;
}
static double scale_of(double a, double b, double n)
{
    (void)b;
    return a * n;
}
static double shift_of(double a, double b, double n)
{
    (void)b;
    return a + n;
}
static double add_of(double a, double b, double n)
{
    (void)n;
    return a + b;
}
static double sub_of(double a, double b, double n)
{
    (void)n;
    return a - b;
}
static double mul_of(double a, double b, double n)
{
    (void)n;
    return a * b;
}
static double div_of(double a, double b, double n)
{
    (void)n;
    return a / b;
}

static const pointwise_case pointwise[] = {
    { "neg", 1, neg_of, 9, false },       { "exp", 1, exp_of, 80, false },
    { "sqrt", 1, sqrt_of, 9, true },      { "reciprocal", 1, reciprocal_of, 9, true },
    { "square", 1, square_of, 9, false }, { "tanh", 1, tanh_of, 1.5f, false },
    { "tanh", 1, tanh_of, 50, false },    { "sigmoid", 1, sigmoid_of, 20, false },
    { "relu", 1, relu_of, 9, false },     { "scale", 1, scale_of, 9, false },
    { "shift", 1, shift_of, 9, false },   { "add", 2, add_of, 9, false },
    { "sub", 2, sub_of, 9, false },       { "mul", 2, mul_of, 9, false },
    { "div", 2, div_of, 9, true },
};

/* Each element's relative error; the output in its own place and in that of an input. */
static void check_pointwise(const pointwise_case *p, int64_t count, const iv__backend *backend)
{
    double n = 1.25;
    call c = { .op = p->op, .k.attr = &n };
    float *in[2] = { NULL, NULL };

    for (int i = 0; i < p->inputs; i++) {
        in[i] = add_random(&c, iv_dims(count), p->scale, false);
        for (int64_t e = 0; e < count && p->above_zero; e++)
            in[i][e] = fabsf(in[i][e]) + 1e-3f;
    }
    double *y = add_output(&c, iv_dims(count), true);
    for (int64_t e = 0; e < count; e++)
        y[e] = p->value((double)in[0][e], in[1] ? (double)in[1][e] : 0, n);
    iv_home *home = new_home(1);
    const iv__fast_kernel *kernel = iv__backend_find(backend->kernels, p->op, &c.k);
    if (kernel) {
        run_once(&c, backend, home);
        check_guards(&c, 0);
        const float *got = c.k.out[0].data;
        for (int64_t e = 0; e < count; e++) {
            if (!(fabs((double)got[e] - y[e]) <= 4e-7 * fabs(y[e]) + 1e-37))
                fail_msg("%s: %.9g gives %.9g, not %.9g", p->op, (double)in[0][e], (double)got[e],
                         y[e]);
        }
        memcpy(c.first[0], got, (size_t)count * sizeof(float));
        c.k.out[0].data = in[p->inputs - 1];
        kernel->run(&c.k);
        assert_memory_equal(in[p->inputs - 1], c.first[0], (size_t)count * sizeof(float));
    }
    iv_home_free(home);
    free_call(&c);
}

static void test_pointwise(void **state)
{
    (void)state;
    for (int b = 0; iv__backends[b]; b++) {
        for (size_t i = 0; iv__backends[b]->available() && i < sizeof pointwise / sizeof *pointwise;
             i++) {
            check_pointwise(&pointwise[i], 1, iv__backends[b]);
            check_pointwise(&pointwise[i], 33, iv__backends[b]);
            check_pointwise(&pointwise[i], 5000, iv__backends[b]);
        }
    }
}

/* Infinities, zeros and numbers that are none go through elementwise rows as they should. */
static void test_pointwise_edges(void **state)
{
    static const float edges[] = { 0, -0.0f, INFINITY, -INFINITY, NAN, 1e-40f, 200, -200 };

    (void)state;
    for (int b = 0; iv__backends[b]; b++) {
        for (size_t i = 0; iv__backends[b]->available() && i < sizeof pointwise / sizeof *pointwise;
             i++) {
            double n = 1.25;
            call c = { .op = pointwise[i].op, .k.attr = &n };
            if (pointwise[i].inputs == 1)
                memcpy(add_input(&c, IV_F32, iv_dims(8), false), edges, sizeof edges);
            add_output(&c, iv_dims(8), true);
            if (pointwise[i].inputs == 1 && iv__backend_find(iv__backends[b]->kernels, c.op, &c.k)) {
                iv_home *home = new_home(1);
                run_once(&c, iv__backends[b], home);
                iv_home_free(home);
                for (int e = 0; e < 8; e++) {
                    float want = (float)pointwise[i].value((double)edges[e], 0, n),
                          got = ((float *)c.k.out[0].data)[e];
                    bool right = isnan(want) ? isnan(got)
                                             : got == want ||
                                                   fabsf(got - want) <= 1e-6f * fabsf(want) + 1e-37f;
                    if (!right)
                        fail_msg("%s of %g is %g, not %g", c.op, (double)edges[e], (double)got,
                                 (double)want);
                }
            }
            free_call(&c);
        }
    }
}

/* ---- which backend --------------------------------------------------------------------------- */

static iv_home *home_with(const char *isa)
{
    return iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1, .isa = isa });
}

static void test_backend_by_name(void **state)
{
    (void)state;
    for (int b = 0; iv__backends[b]; b++) {
        iv_home *home = home_with(iv__backends[b]->name);
        if (iv__backends[b]->available()) {
            assert_ptr_equal(iv__backend_of(home), iv__backends[b]);
        } else {
            assert_null(iv__backend_of(home));
            assert_int_equal(iv_home_status(home), IV_UNSUPPORTED);
            assert_non_null(strstr(iv_home_message(home), iv__backends[b]->name));
            assert_non_null(strstr(iv_home_message(home), "portable"));
        }
        iv_home_free(home);
    }
}

static void test_backend_unknown(void **state)
{
    iv_home *home = home_with("altivec");

    (void)state;
    assert_null(iv__backend_of(home));
    assert_int_equal(iv_home_status(home), IV_NAME);
    for (int b = 0; iv__backends[b]; b++)
        assert_non_null(strstr(iv_home_message(home), iv__backends[b]->name));
    assert_non_null(strstr(iv_home_message(home), "altivec"));
    iv_home_free(home);
}

/* The best one that is here; the last of the list always is. */
static void test_backend_default(void **state)
{
    (void)state;
    if (getenv("IVORY_ISA"))
        skip(); /* the caller chose: there is no default to look at */
    iv_home *home = home_with(NULL);
    int b = 0;
    while (!iv__backends[b]->available())
        b++;
    assert_ptr_equal(iv__backend_of(home), iv__backends[b]);
    while (iv__backends[b + 1])
        b++;
    assert_true(iv__backends[b]->available());
    iv_home_free(home);
}

/* Every sum of the loop tends to 1, and a round is a product and a sum for each. */
static void test_peak_loop(void **state)
{
    (void)state;
    for (const iv__backend *const *backend = iv__backends; *backend; backend++) {
        if (!(*backend)->available())
            continue;
        float keep[2] = { 0.5F, 0 };
        double operations = (*(*backend)->peak)(1000, keep);
        assert_true(keep[1] >= 1);
        assert_true(operations == 2.0 * 1000 * (double)keep[1]);
    }
}

static void test_peak_run(void **state)
{
    double one = 0;

    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        iv_home *home = iv_home_new(
            &(iv_home_options){ .size = sizeof(iv_home_options), .threads = threads });
        double operations = iv__peak_run(home);
        assert_true(operations > 0);
        one = threads == 1 ? operations : one;
        assert_true(operations == one * threads);
        iv_home_free(home);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matmul_shapes),
        cmocka_unit_test(test_matmul_large),
        cmocka_unit_test(test_matmul_rows_do_not_mix),
        cmocka_unit_test(test_matmul_leading_axes),
        cmocka_unit_test(test_matmul_random),
        cmocka_unit_test(test_random_numbers),
        cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_pointwise),
        cmocka_unit_test(test_pointwise_edges),
        cmocka_unit_test(test_backend_by_name),
        cmocka_unit_test(test_backend_unknown),
        cmocka_unit_test(test_backend_default),
        cmocka_unit_test(test_peak_loop),
        cmocka_unit_test(test_peak_run),
    };

    return cmocka_run_group_tests_name("backend", tests, NULL, NULL);
}
