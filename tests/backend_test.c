/* backend_test.c: every kernel of every backend here against a plain reference in double precision, on edge shapes and
 * random ones; the same bits with 1, 2 and 3 threads; nothing written outside the outputs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend/backend.h"
#include "base/home.h"
#include "base/random.h"
#include "ops/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 32, MAX_THREADS = 3 };

/* ---- calls ------------------------------------------------------------------------------------------------------- */

static uint32_t random_state;

static uint32_t random_word(void)
{
    uint32_t word[4];

    iv__philox(1, 0, random_state++, word);
    return word[0];
}

static int64_t random_below(int64_t n)
{
    return random_word() % n;
}

static float random_real(float scale) /* in (-scale, scale) */
{
    return (2 * iv__unit_f32(random_word()) - 1) * scale;
}

/* A kernel call with its arrays: inputs as they are, outputs between guards, and what they should hold. */
typedef struct call {
    iv_kernel_call k;
    const char *op;
    iv_shape shape[IV_MAX_IN + IV_MAX_OUT];
    float *room[IV_MAX_OUT], *first[IV_MAX_OUT]; /* first: the bits of the first run */
    double *expected[IV_MAX_OUT];
    bool wanted[IV_MAX_OUT];
    double tolerance;
} call;

static int64_t count_of(const iv_array *a)
{
    return iv_shape_count(a->shape);
}

static void *add_input(call *c, iv_dtype dtype, iv_shape shape, bool weight)
{
    int i = c->k.n_in++;

    c->shape[i] = shape;
    c->k.in[i] = (iv_array){ NULL, &c->shape[i], dtype, weight };
    c->k.in[i].data = malloc((size_t)count_of(&c->k.in[i]) * iv_dtype_size(dtype) + 1);
    return c->k.in[i].data;
}

static float *add_random(call *c, iv_shape shape, float scale, bool weight)
{
    float *x = add_input(c, IV_F32, shape, weight);

    for (int64_t i = 0; i < iv_shape_count(&shape); i++)
        x[i] = random_real(scale);
    return x;
}

static double *add_output(call *c, iv_shape shape, bool wanted)
{
    int j = c->k.n_out++;
    int64_t count = iv_shape_count(&shape);

    c->shape[IV_MAX_IN + j] = shape;
    c->k.out[j] = (iv_array){ NULL, &c->shape[IV_MAX_IN + j], IV_F32, false };
    c->wanted[j] = wanted;
    c->room[j] = malloc((size_t)(count + 2 * GUARD) * sizeof(float));
    c->first[j] = malloc((size_t)count * sizeof(float) + 1);
    c->expected[j] = calloc((size_t)count + 1, sizeof(double));
    return c->expected[j];
}

static void free_call(call *c)
{
    for (int i = 0; i < c->k.n_in; i++)
        free(c->k.in[i].data);
    for (int j = 0; j < c->k.n_out; j++) {
        free(c->room[j]);
        free(c->first[j]);
        free(c->expected[j]);
    }
}

static void run_once(call *c, const iv_backend *backend, iv_home *home)
{
    void *in[IV_MAX_IN], *packed[IV_MAX_PACKED];
    iv_packing want[IV_MAX_PACKED];

    c->k.home = home;
    c->k.scratch = NULL;
    c->k.packed = NULL;
    for (int i = 0; i < c->k.n_in; i++) { /* no data yet when a kernel is chosen */
        in[i] = c->k.in[i].data;
        c->k.in[i].data = NULL;
    }
    for (int j = 0; j < c->k.n_out; j++)
        c->k.out[j].data = NULL;
    const iv_fast_kernel *kernel = iv__backend_find(backend, c->op, &c->k);
    assert_non_null(kernel);
    size_t scratch = kernel->scratch ? kernel->scratch(&c->k) : 0;
    int n = kernel->packings ? kernel->packings(&c->k, want) : 0;

    for (int i = 0; i < c->k.n_in; i++)
        c->k.in[i].data = in[i];
    for (int j = 0; j < c->k.n_out; j++) {
        int64_t count = count_of(&c->k.out[j]);
        memset(c->room[j], 0xa5, (size_t)(count + 2 * GUARD) * sizeof(float));
        c->k.out[j].data = c->wanted[j] ? c->room[j] + GUARD : NULL;
    }
    for (int i = 0; i < n; i++) {
        const iv_array *from = &c->k.in[want[i].input];
        size_t bytes = want[i].size(from->shape, want[i].variant);
        packed[i] = iv__alloc(home, bytes);
        assert_non_null(packed[i]);
        memset(packed[i], 0xff, bytes);
        want[i].pack(home, from, want[i].variant, packed[i]);
    }
    c->k.packed = packed;
    if (scratch) {
        c->k.scratch = iv__alloc(home, scratch);
        assert_non_null(c->k.scratch);
        memset(c->k.scratch, 0xff, scratch);
    }
    c->k.begin = 0;
    c->k.count = count_of(&c->k.out[0]);
    kernel->run(&c->k);
    for (int i = 0; i < n; i++)
        iv__free(home, packed[i]);
    iv__free(home, c->k.scratch);
}

static void check_guards(const call *c, int j)
{
    unsigned char guard[GUARD * sizeof(float)];

    memset(guard, 0xa5, sizeof guard);
    assert_memory_equal(c->room[j], guard, sizeof guard);
    assert_memory_equal(c->room[j] + GUARD + count_of(&c->k.out[j]), guard, sizeof guard);
}

/* Errors count against the largest value of the array, but not against less than 0.05. */
static void check_values(const call *c, int j, const iv_backend *backend)
{
    const float *got = c->k.out[j].data;
    int64_t count = count_of(&c->k.out[j]);
    double largest = 0.05;

    for (int64_t i = 0; i < count; i++) {
        if (isfinite(c->expected[j][i]))
            largest = fmax(largest, fabs(c->expected[j][i]));
    }
    for (int64_t i = 0; i < count; i++) {
        double want = c->expected[j][i], off = fabs((double)got[i] - want) / largest;
        if (isnan(want) ? isnan(got[i]) : off <= c->tolerance)
            continue;
        char text[160];
        fail_msg("%s of %s: output %d %s, element %lld is %.9g, not %.9g (off by %.2g of the largest)", c->op, backend->name,
                 j, iv_shape_text(c->k.out[j].shape, text, sizeof text), (long long)i, (double)got[i], want, off);
    }
}

static iv_home *new_home(int threads)
{
    iv_home *home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = threads });

    assert_non_null(home);
    return home;
}

static void check(call *c)
{
    if (c->tolerance == 0)
        c->tolerance = 3e-6;
    for (int b = 0; iv__backends[b]; b++) {
        if (!iv__backends[b]->available())
            continue;
        for (int threads = 1; threads <= MAX_THREADS; threads++) {
            iv_home *home = new_home(threads);
            run_once(c, iv__backends[b], home);
            iv_home_free(home);
            for (int j = 0; j < c->k.n_out; j++) {
                size_t bytes = (size_t)count_of(&c->k.out[j]) * sizeof(float);
                check_guards(c, j);
                if (!c->wanted[j])
                    continue;
                if (threads == 1) {
                    check_values(c, j, iv__backends[b]);
                    memcpy(c->first[j], c->k.out[j].data, bytes);
                } else {
                    assert_memory_equal(c->first[j], c->k.out[j].data, bytes);
                }
            }
        }
    }
    free_call(c);
}

/* ---- matmul ------------------------------------------------------------------------------------------------------- */

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

static void check_matmul(const matmul_case *p)
{
    iv__matmul attr = { p->transpose_a, p->transpose_b };
    call c = { .op = "matmul", .k.attr = &attr, .tolerance = 1e-6 * sqrt((double)p->k) + 1e-6 };
    const float *a = add_random(&c, matrix(p->leading, p->m, p->k, p->transpose_a), 1, false);
    const float *b = add_random(&c, matrix(p->batched ? p->leading : 0, p->k, p->n, p->transpose_b), 1, p->weight);
    double *y = add_output(&c, matrix(p->leading, p->m, p->n, false), true);

    for (int64_t l = 0; l < (p->leading ? p->leading : 1); l++) {
        for (int64_t i = 0; i < p->m; i++) {
            for (int64_t j = 0; j < p->n; j++, y++) {
                for (int64_t k = 0; k < p->k; k++)
                    *y += (double)a[p->transpose_a ? k * p->m + i : i * p->k + k] *
                          (double)b[p->transpose_b ? j * p->k + k : k * p->n + j];
            }
        }
        a += p->m * p->k;
        if (p->batched)
            b += p->k * p->n;
    }
    check(&c);
}

static void test_matmul_shapes(void **state)
{
    static const int64_t sizes[][3] = {
        { 1, 1, 1 },   { 1, 7, 1 },    { 5, 1, 3 },    { 1, 100, 17 },  { 9, 48, 16 },  { 10, 49, 17 },  { 8, 512, 40 },
        { 33, 3, 65 }, { 200, 16, 1 }, { 64, 64, 64 }, { 37, 129, 193 }, { 18, 95, 400 }, { 150, 20, 512 }, { 2, 1000, 30 },
    };

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (int flags = 0; flags < 8; flags++)
            check_matmul(&(matmul_case){ sizes[s][0], sizes[s][1], sizes[s][2], 0, flags & 1, flags >> 1 & 1, false, flags >> 2 });
    }
}

/* Row pitches that are powers of two, long sums, many tasks. */
static void test_matmul_large(void **state)
{
    static const matmul_case cases[] = {
        { 96, 260, 1024, 0, false, false, false, false }, { 40, 50, 3000, 0, true, false, false, false },
        { 300, 300, 70, 0, false, true, false, true },    { 130, 600, 200, 0, true, true, false, false },
        { 1, 2000, 600, 0, false, false, false, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_matmul(&cases[i]);
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
        matmul_case p = { .m = 1 + random_below(60), .n = 1 + random_below(120), .k = 1 + random_below(i % 5 ? 50 : 500) };
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

/* ---- recurrent rows ------------------------------------------------------------------------------------------------- */

typedef struct sequence {
    int64_t n, t, i, h;
    bool reverse, reset_after;
    const float *mask;
} sequence;

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static int64_t time_of(const sequence *s, int64_t step)
{
    return s->reverse ? s->t - 1 - step : step;
}

static bool held(const sequence *s, int64_t n, int64_t t)
{
    return s->mask && s->mask[n * s->t + t] == 0;
}

/* to[j] += sum over i of x[i] w[i][j], of `width` columns from column `first` on, n of them. */
static void add_product(double *to, const double *x, const float *w, int64_t inner, int64_t width, int64_t first, int64_t n)
{
    for (int64_t i = 0; i < inner; i++) {
        for (int64_t j = 0; j < n; j++)
            to[j] += x[i] * (double)w[i * width + first + j];
    }
}

/* dx[i] += sum over j of d[j] w[i][j];  dw[i][j] += x[i] d[j]. */
static void add_product_back(double *dx, double *dw, const double *x, const double *d, const float *w, int64_t inner,
                             int64_t width, int64_t first, int64_t n)
{
    for (int64_t i = 0; i < inner; i++) {
        for (int64_t j = 0; j < n; j++) {
            dx[i] += d[j] * (double)w[i * width + first + j];
            dw[i * width + first + j] += x[i] * d[j];
        }
    }
}

static double *doubles(const float *x, int64_t n)
{
    double *y = calloc((size_t)n + 1, sizeof *y);

    for (int64_t i = 0; x && i < n; i++)
        y[i] = (double)x[i];
    return y;
}

static float *floats(const double *x, int64_t n, float *to)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = (float)x[i];
    return to;
}

static const float *add_mask(call *c, const sequence *s)
{
    float *mask = add_input(c, IV_F32, iv_dims(s->n, s->t), false);

    for (int64_t i = 0; i < s->n * s->t; i++)
        mask[i] = random_below(3) > 0;
    return mask;
}

/* One step of the LSTM for one record: z [4H] becomes the gates, h and c the states after it. */
static void lstm_step(const sequence *s, const double *x, const float *w, const float *u, const float *b, double *z,
                      double *h, double *c)
{
    for (int64_t j = 0; j < 4 * s->h; j++)
        z[j] = (double)b[j];
    add_product(z, x, w, s->i, 4 * s->h, 0, 4 * s->h);
    add_product(z, h, u, s->h, 4 * s->h, 0, 4 * s->h);
    for (int64_t j = 0; j < s->h; j++) {
        double *i = z + j, *f = i + s->h, *g = f + s->h, *o = g + s->h;
        *i = sigmoid(*i);
        *f = sigmoid(*f);
        *g = tanh(*g);
        *o = sigmoid(*o);
        c[j] = *f * c[j] + *i * *g;
        h[j] = *o * tanh(c[j]);
    }
}

static void lstm_reference(const sequence *s, const call *c, double *y, double *h, double *cell, double *gates,
                           double *cells)
{
    const float *in[6];

    for (int i = 0; i < 6; i++)
        in[i] = c->k.in[i].data;
    for (int64_t n = 0; n < s->n; n++) {
        double *hn = h + n * s->h, *cn = cell + n * s->h;
        for (int64_t j = 0; j < s->h; j++) {
            hn[j] = (double)in[4][n * s->h + j];
            cn[j] = (double)in[5][n * s->h + j];
        }
        for (int64_t step = 0; step < s->t; step++) {
            int64_t at = n * s->t + time_of(s, step);
            double *x = doubles(in[0] + at * s->i, s->i);
            if (!held(s, n, time_of(s, step)))
                lstm_step(s, x, in[1], in[2], in[3], gates + at * 4 * s->h, hn, cn);
            memcpy(y + at * s->h, hn, (size_t)s->h * sizeof *y);
            memcpy(cells + at * s->h, cn, (size_t)s->h * sizeof *y);
            free(x);
        }
    }
}

static void add_states(call *c, const sequence *s, int64_t gates)
{
    add_random(c, iv_dims(s->n, s->t, s->i), 1, false);
    add_random(c, iv_dims(s->i, gates * s->h), 1.5f / sqrtf((float)s->i + 3), true);
    add_random(c, iv_dims(s->h, gates * s->h), 1.5f / sqrtf((float)s->h + 3), true); /* not chaotic: errors stay small */
}

/* The forward call; its expected outputs stay, so that the call back can read them. */
static void lstm_call(call *c, sequence *s, bool with_mask, bool keeps)
{
    add_states(c, s, 4);
    add_random(c, iv_dims(4 * s->h), 0.5f, true);
    add_random(c, iv_dims(s->n, s->h), 0.9f, false);
    add_random(c, iv_dims(s->n, s->h), 0.9f, false);
    s->mask = with_mask ? add_mask(c, s) : NULL;
    double *y = add_output(c, iv_dims(s->n, s->t, s->h), true), *h = add_output(c, iv_dims(s->n, s->h), true);
    double *cell = add_output(c, iv_dims(s->n, s->h), keeps);
    double *gates = add_output(c, iv_dims(s->n, s->t, 4 * s->h), keeps);
    double *cells = add_output(c, iv_dims(s->n, s->t, s->h), keeps);
    lstm_reference(s, c, y, h, cell, gates, cells);
}

/* All that the way back needs, in double precision. */
typedef struct back {
    const float *x, *w, *u, *b, *h0, *c0, *dy, *dh, *dc;
    const double *y, *gates, *kept; /* kept: cells of an LSTM, inner of a GRU */
    double *dx, *dw, *du, *db, *dh0, *dc0;
} back;

static void before(const sequence *s, const double *over_time, const float *first, int64_t n, int64_t step, double *to)
{
    for (int64_t j = 0; j < s->h; j++)
        to[j] = step ? over_time[(n * s->t + time_of(s, step - 1)) * s->h + j] : (double)first[n * s->h + j];
}

static void lstm_back_step(const sequence *s, const back *b, int64_t n, int64_t step, double *dh, double *dc)
{
    int64_t at = n * s->t + time_of(s, step), width = 4 * s->h;
    const double *gates = b->gates + at * width, *cells = b->kept + at * s->h;
    double *dz = calloc((size_t)width, sizeof *dz), *h = doubles(NULL, s->h), *c = doubles(NULL, s->h);
    double *x = doubles(b->x + at * s->i, s->i);

    for (int64_t j = 0; j < s->h; j++)
        dh[j] += (double)b->dy[at * s->h + j];
    if (!held(s, n, time_of(s, step))) {
        before(s, b->y, b->h0, n, step, h);
        before(s, b->kept, b->c0, n, step, c);
        for (int64_t j = 0; j < s->h; j++) {
            double i = gates[j], f = gates[s->h + j], g = gates[2 * s->h + j], o = gates[3 * s->h + j], t = tanh(cells[j]);
            double d = dc[j] + dh[j] * o * (1 - t * t);
            dz[j] = d * g * i * (1 - i);
            dz[s->h + j] = d * c[j] * f * (1 - f);
            dz[2 * s->h + j] = d * i * (1 - g * g);
            dz[3 * s->h + j] = dh[j] * t * o * (1 - o);
            dc[j] = d * f;
            dh[j] = 0;
        }
        for (int64_t j = 0; j < width; j++)
            b->db[j] += dz[j];
        add_product_back(dh, b->du, h, dz, b->u, s->h, width, 0, width);
        add_product_back(b->dx + at * s->i, b->dw, x, dz, b->w, s->i, width, 0, width);
    }
    free(dz);
    free(h);
    free(c);
    free(x);
}

/* An input of the way back that holds a (rounded) result of the way forward. */
static void add_result(call *c, const call *forward, int j)
{
    int64_t count = count_of(&forward->k.out[j]);

    floats(forward->expected[j], count, add_input(c, IV_F32, *forward->k.out[j].shape, false));
}

static const float *add_copy(call *c, const call *forward, int i)
{
    const iv_array *from = &forward->k.in[i];
    float *to = add_input(c, IV_F32, *from->shape, from->weight);

    return memcpy(to, from->data, (size_t)count_of(from) * sizeof *to);
}

static void check_lstm(sequence s, bool with_mask, bool keeps)
{
    iv__recurrent attr = { s.reverse, 0 };
    call forward = { .op = "lstm", .k.attr = &attr }, c = { .op = "lstm_back", .k.attr = &attr };
    back b = { 0 };

    lstm_call(&forward, &s, with_mask, keeps);
    b.x = add_copy(&c, &forward, 0);
    b.w = add_copy(&c, &forward, 1);
    b.u = add_copy(&c, &forward, 2);
    b.h0 = add_copy(&c, &forward, 4);
    b.c0 = add_copy(&c, &forward, 5);
    add_result(&c, &forward, 0);
    add_result(&c, &forward, 3);
    add_result(&c, &forward, 4);
    b.y = forward.expected[0];
    b.gates = forward.expected[3];
    b.kept = forward.expected[4];
    b.dy = add_random(&c, iv_dims(s.n, s.t, s.h), 1, false);
    b.dh = add_random(&c, iv_dims(s.n, s.h), 1, false);
    b.dc = add_random(&c, iv_dims(s.n, s.h), 1, false);
    if (with_mask)
        add_copy(&c, &forward, 6);
    b.dx = add_output(&c, iv_dims(s.n, s.t, s.i), keeps);
    b.dw = add_output(&c, iv_dims(s.i, 4 * s.h), true);
    b.du = add_output(&c, iv_dims(s.h, 4 * s.h), keeps);
    b.db = add_output(&c, iv_dims(4 * s.h), true);
    b.dh0 = add_output(&c, iv_dims(s.n, s.h), keeps);
    b.dc0 = add_output(&c, iv_dims(s.n, s.h), true);
    for (int64_t n = 0; n < s.n; n++) {
        for (int64_t j = 0; j < s.h; j++) {
            b.dh0[n * s.h + j] = (double)b.dh[n * s.h + j];
            b.dc0[n * s.h + j] = (double)b.dc[n * s.h + j];
        }
        for (int64_t step = s.t - 1; step >= 0; step--)
            lstm_back_step(&s, &b, n, step, b.dh0 + n * s.h, b.dc0 + n * s.h);
    }
    check(&c);
    check(&forward);
}

static const sequence sequences[] = {
    { .n = 1, .t = 1, .i = 1, .h = 1 },   { .n = 1, .t = 1, .i = 100, .h = 128 }, { .n = 3, .t = 5, .i = 4, .h = 7 },
    { .n = 8, .t = 12, .i = 20, .h = 16 }, { .n = 5, .t = 23, .i = 3, .h = 33 },  { .n = 40, .t = 3, .i = 17, .h = 20 },
    { .n = 120, .t = 2, .i = 2, .h = 5 }, { .n = 2, .t = 30, .i = 210, .h = 50 },
};

static void test_lstm(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
        for (int flags = 0; flags < 8; flags++) {
            sequence s = sequences[i];
            s.reverse = flags & 1;
            check_lstm(s, flags >> 1 & 1, flags >> 2);
        }
    }
}

/* One step of the GRU for one record; b is [3H], or [2,3H] with the reset gate after. */
static void gru_step(const sequence *s, const call *c, const double *x, double *z, double *inner, double *h)
{
    const float *w = c->k.in[1].data, *u = c->k.in[2].data, *b = c->k.in[3].data;
    int64_t width = 3 * s->h;

    for (int64_t j = 0; j < width; j++)
        z[j] = (double)b[j] + (s->reset_after && j < 2 * s->h ? (double)b[width + j] : 0);
    add_product(z, x, w, s->i, width, 0, width);
    add_product(z, h, u, s->h, width, 0, 2 * s->h);
    for (int64_t j = 0; j < 2 * s->h; j++)
        z[j] = sigmoid(z[j]);
    double *r = z + s->h, *g = r + s->h;
    for (int64_t j = 0; j < s->h; j++)
        inner[j] = s->reset_after ? (double)b[width + 2 * s->h + j] : r[j] * h[j];
    if (s->reset_after)
        add_product(inner, h, u, s->h, width, 2 * s->h, s->h);
    else
        add_product(g, inner, u, s->h, width, 2 * s->h, s->h);
    for (int64_t j = 0; j < s->h; j++) {
        g[j] = tanh(g[j] + (s->reset_after ? r[j] * inner[j] : 0));
        h[j] = z[j] * h[j] + (1 - z[j]) * g[j];
    }
}

static void gru_reference(const sequence *s, const call *c, double *y, double *h, double *gates, double *inner)
{
    const float *input = c->k.in[0].data, *h0 = c->k.in[4].data;

    for (int64_t n = 0; n < s->n; n++) {
        double *hn = h + n * s->h;
        for (int64_t j = 0; j < s->h; j++)
            hn[j] = (double)h0[n * s->h + j];
        for (int64_t step = 0; step < s->t; step++) {
            int64_t at = n * s->t + time_of(s, step);
            double *x = doubles(input + at * s->i, s->i);
            if (!held(s, n, time_of(s, step)))
                gru_step(s, c, x, gates + at * 3 * s->h, inner + at * s->h, hn);
            memcpy(y + at * s->h, hn, (size_t)s->h * sizeof *y);
            free(x);
        }
    }
}

static void gru_back_step(const sequence *s, const back *b, int64_t n, int64_t step, double *dh)
{
    int64_t at = n * s->t + time_of(s, step), width = 3 * s->h;
    const double *z = b->gates + at * width, *r = z + s->h, *g = r + s->h, *inner = b->kept + at * s->h;
    double *dz = calloc((size_t)width, sizeof *dz), *d_inner = doubles(NULL, s->h), *h = doubles(NULL, s->h);
    double *x = doubles(b->x + at * s->i, s->i);

    for (int64_t j = 0; j < s->h; j++)
        dh[j] += (double)b->dy[at * s->h + j];
    if (!held(s, n, time_of(s, step))) {
        before(s, b->y, b->h0, n, step, h);
        for (int64_t j = 0; j < s->h; j++) {
            dz[j] = dh[j] * (h[j] - g[j]) * z[j] * (1 - z[j]);
            dz[2 * s->h + j] = dh[j] * (1 - z[j]) * (1 - g[j] * g[j]);
            dh[j] *= z[j];
            if (s->reset_after) {
                dz[s->h + j] = dz[2 * s->h + j] * inner[j] * r[j] * (1 - r[j]);
                d_inner[j] = dz[2 * s->h + j] * r[j];
            }
        }
        if (s->reset_after) {
            add_product_back(dh, b->du, h, d_inner, b->u, s->h, width, 2 * s->h, s->h);
        } else {
            add_product_back(d_inner, b->du, inner, dz + 2 * s->h, b->u, s->h, width, 2 * s->h, s->h);
            for (int64_t j = 0; j < s->h; j++) {
                dz[s->h + j] = d_inner[j] * h[j] * r[j] * (1 - r[j]);
                dh[j] += d_inner[j] * r[j];
            }
        }
        add_product_back(dh, b->du, h, dz, b->u, s->h, width, 0, 2 * s->h);
        add_product_back(b->dx + at * s->i, b->dw, x, dz, b->w, s->i, width, 0, width);
        for (int64_t j = 0; j < width; j++) {
            b->db[j] += dz[j];
            if (s->reset_after)
                b->db[width + j] += j < 2 * s->h ? dz[j] : d_inner[j - 2 * s->h];
        }
    }
    free(dz);
    free(d_inner);
    free(h);
    free(x);
}

/* Outputs of the way back of a cell with one state. */
static void add_gradients(call *c, const sequence *s, back *b, iv_shape bias, int64_t gates, bool keeps)
{
    b->dx = add_output(c, iv_dims(s->n, s->t, s->i), keeps);
    b->dw = add_output(c, iv_dims(s->i, gates * s->h), keeps);
    b->du = add_output(c, iv_dims(s->h, gates * s->h), true);
    b->db = add_output(c, bias, keeps);
    b->dh0 = add_output(c, iv_dims(s->n, s->h), true);
    for (int64_t i = 0; i < s->n * s->h; i++)
        b->dh0[i] = (double)b->dh[i];
}

static void check_gru(sequence s, bool with_mask, bool keeps)
{
    iv__recurrent attr = { s.reverse, s.reset_after };
    call forward = { .op = "gru", .k.attr = &attr }, c = { .op = "gru_back", .k.attr = &attr };
    iv_shape bias = s.reset_after ? iv_dims(2, 3 * s.h) : iv_dims(3 * s.h);
    back b = { 0 };

    add_states(&forward, &s, 3);
    add_random(&forward, bias, 0.5f, true);
    add_random(&forward, iv_dims(s.n, s.h), 0.9f, false);
    s.mask = with_mask ? add_mask(&forward, &s) : NULL;
    double *y = add_output(&forward, iv_dims(s.n, s.t, s.h), true), *h = add_output(&forward, iv_dims(s.n, s.h), keeps);
    double *gates = add_output(&forward, iv_dims(s.n, s.t, 3 * s.h), keeps);
    double *inner = add_output(&forward, iv_dims(s.n, s.t, s.h), keeps);
    gru_reference(&s, &forward, y, h, gates, inner);

    b.x = add_copy(&c, &forward, 0);
    b.w = add_copy(&c, &forward, 1);
    b.u = add_copy(&c, &forward, 2);
    b.h0 = add_copy(&c, &forward, 4);
    add_result(&c, &forward, 0);
    add_result(&c, &forward, 2);
    add_result(&c, &forward, 3);
    b.y = y;
    b.gates = gates;
    b.kept = inner;
    b.dy = add_random(&c, iv_dims(s.n, s.t, s.h), 1, false);
    b.dh = add_random(&c, iv_dims(s.n, s.h), 1, false);
    if (with_mask)
        add_copy(&c, &forward, 5);
    add_gradients(&c, &s, &b, bias, 3, keeps);
    for (int64_t n = 0; n < s.n; n++) {
        for (int64_t step = s.t - 1; step >= 0; step--)
            gru_back_step(&s, &b, n, step, b.dh0 + n * s.h);
    }
    check(&c);
    check(&forward);
}

static void test_gru(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
        for (int flags = 0; flags < 16; flags++) {
            sequence s = sequences[i];
            s.reverse = flags & 1;
            s.reset_after = flags >> 3;
            check_gru(s, flags >> 1 & 1, flags >> 2 & 1);
        }
    }
}

static void simple_rnn_reference(const sequence *s, const call *c, double *y, double *h)
{
    const float *input = c->k.in[0].data, *w = c->k.in[1].data, *u = c->k.in[2].data, *b = c->k.in[3].data;
    double *z = doubles(NULL, s->h);

    for (int64_t n = 0; n < s->n; n++) {
        double *hn = h + n * s->h;
        before(s, y, c->k.in[4].data, n, 0, hn);
        for (int64_t step = 0; step < s->t; step++) {
            int64_t at = n * s->t + time_of(s, step);
            double *x = doubles(input + at * s->i, s->i);
            for (int64_t j = 0; j < s->h; j++)
                z[j] = (double)b[j];
            add_product(z, x, w, s->i, s->h, 0, s->h);
            add_product(z, hn, u, s->h, s->h, 0, s->h);
            for (int64_t j = 0; j < s->h && !held(s, n, time_of(s, step)); j++)
                hn[j] = tanh(z[j]);
            memcpy(y + at * s->h, hn, (size_t)s->h * sizeof *y);
            free(x);
        }
    }
    free(z);
}

static void simple_rnn_back_step(const sequence *s, const back *b, int64_t n, int64_t step, double *dh)
{
    int64_t at = n * s->t + time_of(s, step);
    double *dz = doubles(NULL, s->h), *h = doubles(NULL, s->h), *x = doubles(b->x + at * s->i, s->i);

    for (int64_t j = 0; j < s->h; j++)
        dh[j] += (double)b->dy[at * s->h + j];
    if (!held(s, n, time_of(s, step))) {
        before(s, b->y, b->h0, n, step, h);
        for (int64_t j = 0; j < s->h; j++) {
            dz[j] = dh[j] * (1 - b->y[at * s->h + j] * b->y[at * s->h + j]);
            b->db[j] += dz[j];
            dh[j] = 0;
        }
        add_product_back(dh, b->du, h, dz, b->u, s->h, s->h, 0, s->h);
        add_product_back(b->dx + at * s->i, b->dw, x, dz, b->w, s->i, s->h, 0, s->h);
    }
    free(dz);
    free(h);
    free(x);
}

static void check_simple_rnn(sequence s, bool with_mask, bool keeps)
{
    iv__recurrent attr = { s.reverse, 0 };
    call forward = { .op = "simple_rnn", .k.attr = &attr }, c = { .op = "simple_rnn_back", .k.attr = &attr };
    back b = { 0 };

    add_states(&forward, &s, 1);
    add_random(&forward, iv_dims(s.h), 0.5f, true);
    add_random(&forward, iv_dims(s.n, s.h), 0.9f, false);
    s.mask = with_mask ? add_mask(&forward, &s) : NULL;
    double *y = add_output(&forward, iv_dims(s.n, s.t, s.h), true), *h = add_output(&forward, iv_dims(s.n, s.h), keeps);
    simple_rnn_reference(&s, &forward, y, h);

    b.x = add_copy(&c, &forward, 0);
    b.w = add_copy(&c, &forward, 1);
    b.u = add_copy(&c, &forward, 2);
    b.h0 = add_copy(&c, &forward, 4);
    add_result(&c, &forward, 0);
    b.y = y;
    b.dy = add_random(&c, iv_dims(s.n, s.t, s.h), 1, false);
    b.dh = add_random(&c, iv_dims(s.n, s.h), 1, false);
    if (with_mask)
        add_copy(&c, &forward, 5);
    add_gradients(&c, &s, &b, iv_dims(s.h), 1, keeps);
    for (int64_t n = 0; n < s.n; n++) {
        for (int64_t step = s.t - 1; step >= 0; step--)
            simple_rnn_back_step(&s, &b, n, step, b.dh0 + n * s.h);
    }
    check(&c);
    check(&forward);
}

static void test_simple_rnn(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
        for (int flags = 0; flags < 8; flags++) {
            sequence s = sequences[i];
            s.reverse = flags & 1;
            check_simple_rnn(s, flags >> 1 & 1, flags >> 2);
        }
    }
}

/* ---- cross-entropy --------------------------------------------------------------------------------------------------- */

typedef struct loss_case {
    int64_t rows, inputs, classes;
    double weight_zero;  /* share of the rows */
    float scale, bias;   /* sizes of w and b */
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

static double log_sum(const double *logits, int64_t n)
{
    double top = logits[0], sum = 0;

    for (int64_t v = 1; v < n; v++)
        top = fmax(top, logits[v]);
    for (int64_t v = 0; v < n; v++)
        sum += exp(logits[v] - top);
    return top + log(sum);
}

static void check_cross_entropy(const loss_case *p)
{
    call forward = { .op = "linear_cross_entropy" }, c = { .op = "linear_cross_entropy_back", .tolerance = 1e-5 };
    iv_shape rows = iv_dims(p->rows);
    const float *x = add_random(&forward, iv_dims(p->rows, p->inputs), 1, false);
    float *w = add_random(&forward, iv_dims(p->inputs, p->classes), p->scale, true);
    float *b = add_random(&forward, iv_dims(p->classes), p->bias, true);
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
        memcpy(add_input(&c, from->dtype, *from->shape, from->weight), from->data, (size_t)count_of(from) * 4);
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

static void test_cross_entropy(void **state)
{
    static const loss_case cases[] = {
        { 1, 1, 1, 0, 1, 1, false, false, false },       { 1, 5, 3, 0, 1, 1, false, false, false },
        { 7, 1, 50, 0, 1, 1, false, false, false },      { 40, 16, 48, 0.3, 1, 1, false, false, false },
        { 300, 20, 84, 0.25, 0.5f, 1, false, false, false }, { 500, 9, 131, 0.1, 0.5f, 1, true, false, false },
        { 150, 33, 1000, 0.5, 0.3f, 1, false, false, false }, { 20, 400, 37, 0, 0.1f, 1, false, false, false },
        { 10, 900, 70, 0.2, 0.05f, 1, false, false, false }, { 1000, 8, 17, 0.2, 1, 1, false, true, false },
        { 30, 8, 65, 0, 1, 1, false, false, true },      { 25, 6, 200, 1, 1, 1, true, false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_cross_entropy(&cases[i]);
}

/* Logits hundreds apart: the first panel's maximum does not do, and targets' exponentials vanish. */
static void test_cross_entropy_far_apart(void **state)
{
    (void)state;
    check_cross_entropy(&(loss_case){ .rows = 100, .inputs = 10, .classes = 300, .scale = 60, .bias = 5 });
    check_cross_entropy(&(loss_case){ .rows = 60, .inputs = 4, .classes = 120, .scale = 1, .bias = 400 });
}

static void test_cross_entropy_random(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++)
        check_cross_entropy(&(loss_case){ .rows = 1 + random_below(200), .inputs = 1 + random_below(40),
                                          .classes = 1 + random_below(200), .weight_zero = 0.3, .scale = 1, .bias = 2 });
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

/* ---- softmax and elementwise rows ------------------------------------------------------------------------------------- */

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

static double neg_of(double a, double b, double n) { (void)b, (void)n; return -a; }
static double exp_of(double a, double b, double n) { (void)b, (void)n; return exp(a); }
static double sqrt_of(double a, double b, double n) { (void)b, (void)n; return sqrt(a); }
static double reciprocal_of(double a, double b, double n) { (void)b, (void)n; return 1 / a; }
static double square_of(double a, double b, double n) { (void)b, (void)n; return a * a; }
static double tanh_of(double a, double b, double n) { (void)b, (void)n; return tanh(a); }
static double sigmoid_of(double a, double b, double n) { (void)b, (void)n; return sigmoid(a); }
static double relu_of(double a, double b, double n) { (void)b, (void)n; return a < 0 ? 0 : a; }
static double scale_of(double a, double b, double n) { (void)b; return a * n; }
static double shift_of(double a, double b, double n) { (void)b; return a + n; }
static double add_of(double a, double b, double n) { (void)n; return a + b; }
static double sub_of(double a, double b, double n) { (void)n; return a - b; }
static double mul_of(double a, double b, double n) { (void)n; return a * b; }
static double div_of(double a, double b, double n) { (void)n; return a / b; }

static const pointwise_case pointwise[] = {
    { "neg", 1, neg_of, 9, false },         { "exp", 1, exp_of, 80, false },
    { "sqrt", 1, sqrt_of, 9, true },        { "reciprocal", 1, reciprocal_of, 9, true },
    { "square", 1, square_of, 9, false },   { "tanh", 1, tanh_of, 1.5f, false },
    { "tanh", 1, tanh_of, 50, false },      { "sigmoid", 1, sigmoid_of, 20, false },
    { "relu", 1, relu_of, 9, false },       { "scale", 1, scale_of, 9, false },
    { "shift", 1, shift_of, 9, false },     { "add", 2, add_of, 9, false },
    { "sub", 2, sub_of, 9, false },         { "mul", 2, mul_of, 9, false },
    { "div", 2, div_of, 9, true },
};

/* Each element's relative error; the output in its own place and in that of an input. */
static void check_pointwise(const pointwise_case *p, int64_t count, const iv_backend *backend)
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
    const iv_fast_kernel *kernel = iv__backend_find(backend, p->op, &c.k);
    if (kernel) {
        run_once(&c, backend, home);
        check_guards(&c, 0);
        const float *got = c.k.out[0].data;
        for (int64_t e = 0; e < count; e++) {
            if (!(fabs((double)got[e] - y[e]) <= 4e-7 * fabs(y[e]) + 1e-37))
                fail_msg("%s: %.9g gives %.9g, not %.9g", p->op, (double)in[0][e], (double)got[e], y[e]);
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
        for (size_t i = 0; iv__backends[b]->available() && i < sizeof pointwise / sizeof *pointwise; i++) {
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
        for (size_t i = 0; iv__backends[b]->available() && i < sizeof pointwise / sizeof *pointwise; i++) {
            double n = 1.25;
            call c = { .op = pointwise[i].op, .k.attr = &n };
            if (pointwise[i].inputs == 1)
                memcpy(add_input(&c, IV_F32, iv_dims(8), false), edges, sizeof edges);
            add_output(&c, iv_dims(8), true);
            if (pointwise[i].inputs == 1 && iv__backend_find(iv__backends[b], c.op, &c.k)) {
                iv_home *home = new_home(1);
                run_once(&c, iv__backends[b], home);
                iv_home_free(home);
                for (int e = 0; e < 8; e++) {
                    float want = (float)pointwise[i].value((double)edges[e], 0, n), got = ((float *)c.k.out[0].data)[e];
                    bool right = isnan(want) ? isnan(got)
                                             : got == want || fabsf(got - want) <= 1e-6f * fabsf(want) + 1e-37f;
                    if (!right)
                        fail_msg("%s of %g is %g, not %g", c.op, (double)edges[e], (double)got, (double)want);
                }
            }
            free_call(&c);
        }
    }
}

/* ---- which backend ---------------------------------------------------------------------------------------------------- */

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
        skip();
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backend_by_name),
        cmocka_unit_test(test_backend_unknown),
        cmocka_unit_test(test_backend_default),
        cmocka_unit_test(test_matmul_shapes),
        cmocka_unit_test(test_matmul_large),
        cmocka_unit_test(test_matmul_leading_axes),
        cmocka_unit_test(test_matmul_random),
        cmocka_unit_test(test_lstm),
        cmocka_unit_test(test_gru),
        cmocka_unit_test(test_simple_rnn),
        cmocka_unit_test(test_cross_entropy),
        cmocka_unit_test(test_cross_entropy_far_apart),
        cmocka_unit_test(test_cross_entropy_random),
        cmocka_unit_test(test_cross_entropy_keeps_nan),
        cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_pointwise),
        cmocka_unit_test(test_pointwise_edges),
    };

    return cmocka_run_group_tests_name("backend", tests, NULL, NULL);
}
