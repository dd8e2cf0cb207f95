/* backend_world.h: kernel calls for the tests of backends: made, run by every backend here with 1,
 * 2 and 3 threads, and compared with what a plain reference in double precision expects. */
#ifndef IV_TESTS_BACKEND_WORLD_H
#define IV_TESTS_BACKEND_WORLD_H

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

static uint32_t random_state;

static inline uint32_t random_word(void)
{
    uint32_t word[4];

    iv__philox(1, 0, random_state++, word);
    return word[0];
}

static inline int64_t random_below(int64_t n)
{
    return random_word() % n;
}

static inline float random_real(float scale) /* in (-scale, scale) */
{
    return (2 * iv__unit_f32(random_word()) - 1) * scale;
}

/* A kernel call with its arrays: inputs as they are, outputs between guards, and what they should
 * hold. */
typedef struct call {
    iv_kernel_call k;
    const char *op;
    iv_shape shape[IV_MAX_IN + IV_MAX_OUT];
    float *room[IV_MAX_OUT], *first[IV_MAX_OUT]; /* first: the bits of the first run */
    double *expected[IV_MAX_OUT];
    double *slack[IV_MAX_OUT]; /* by how much each may be off besides; NULL: by nothing */
    bool wanted[IV_MAX_OUT];
    double tolerance;
    bool bf16; /* by the kernels whose operands are rounded to bf16 */
} call;

static inline int64_t count_of(const iv_array *a)
{
    return iv_shape_count(a->shape);
}

static inline void *add_input(call *c, iv_dtype dtype, iv_shape shape, bool weight)
{
    int i = c->k.n_in++;

    c->shape[i] = shape;
    c->k.in[i] = (iv_array){ NULL, &c->shape[i], dtype, weight };
    c->k.in[i].data = malloc((size_t)count_of(&c->k.in[i]) * iv_dtype_size(dtype) + 1);
    return c->k.in[i].data;
}

static inline uint32_t bits_of(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* To the nearest of the floats whose low 16 bits are 0, by trying both neighbours. */
static inline float nearest_bf16(float x)
{
    uint32_t low = bits_of(x) & 0xffff0000u, high = low + 0x10000u;
    float a, b;

    memcpy(&a, &low, sizeof a);
    memcpy(&b, &high, sizeof b);
    double down = fabs((double)x - (double)a), up = fabs((double)b - (double)x);
    return down < up || (down == up && !(low & 0x10000u)) ? a : b;
}

static inline float *add_random(call *c, iv_shape shape, float scale, bool weight)
{
    float *x = add_input(c, IV_F32, shape, weight);

    for (int64_t i = 0; i < iv_shape_count(&shape); i++)
        x[i] = random_real(scale);
    return x;
}

static inline double *add_output(call *c, iv_shape shape, bool wanted)
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

static inline void free_call(call *c)
{
    for (int i = 0; i < c->k.n_in; i++)
        free(c->k.in[i].data);
    for (int j = 0; j < c->k.n_out; j++) {
        free(c->room[j]);
        free(c->first[j]);
        free(c->expected[j]);
        free(c->slack[j]);
    }
}

static inline void run_once(call *c, const iv__backend *backend, iv_home *home)
{
    void *in[IV_MAX_IN], *packed[IV__MAX_PACKED];
    iv__packing want[IV__MAX_PACKED];

    c->k.home = home;
    c->k.scratch = NULL;
    c->k.packed = NULL;
    for (int i = 0; i < c->k.n_in; i++) { /* no data yet when a kernel is chosen */
        in[i] = c->k.in[i].data;
        c->k.in[i].data = NULL;
    }
    for (int j = 0; j < c->k.n_out; j++)
        c->k.out[j].data = NULL;
    const iv__fast_kernel *kernel = iv__backend_find(c->bf16 ? backend->bf16 : backend->kernels,
                                                     c->op, &c->k);
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
    c->k.run = (uint64_t)iv_home_threads(home); /* of either direction */
    kernel->run(&c->k);
    for (int i = 0; i < n; i++)
        iv__free(home, packed[i]);
    iv__free(home, c->k.scratch);
}

static inline void check_guards(const call *c, int j)
{
    unsigned char guard[GUARD * sizeof(float)];

    memset(guard, 0xa5, sizeof guard);
    assert_memory_equal(c->room[j], guard, sizeof guard);
    assert_memory_equal(c->room[j] + GUARD + count_of(&c->k.out[j]), guard, sizeof guard);
}

/* Errors count against the largest value of the array, but not against less than 0.05. */
static inline void check_values(const call *c, int j, const iv__backend *backend)
{
    const float *got = c->k.out[j].data;
    int64_t count = count_of(&c->k.out[j]);
    double largest = 0.05;
    const char *precision = c->bf16 ? "in bf16 " : "";

    for (int64_t i = 0; i < count; i++) {
        if (isfinite(c->expected[j][i]))
            largest = fmax(largest, fabs(c->expected[j][i]));
    }
    for (int64_t i = 0; i < count; i++) {
        double want = c->expected[j][i], off = fabs((double)got[i] - want) / largest;
        double slack = c->slack[j] ? c->slack[j][i] / largest : 0;
        if (isnan(want) ? isnan(got[i]) : off <= c->tolerance + slack)
            continue;
        char text[160];
        fail_msg("%s %sof %s: output %d %s, element %lld is %.9g, not %.9g (off by %.2g of the largest)",
                 c->op, precision, backend->name, j,
                 iv_shape_text(c->k.out[j].shape, text, sizeof text), (long long)i, (double)got[i],
                 want, off);
    }
}

static inline iv_home *new_home(int threads)
{
    iv_home *home = iv_home_new(
        &(iv_home_options){ .size = sizeof(iv_home_options), .threads = threads });

    assert_non_null(home);
    return home;
}

static inline void check(call *c)
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

/* ---- plain arithmetic ----------------------------------------------------------------------- */

static inline double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static inline double log_sum(const double *logits, int64_t n)
{
    double top = logits[0], sum = 0;

    for (int64_t v = 1; v < n; v++)
        top = fmax(top, logits[v]);
    for (int64_t v = 0; v < n; v++)
        sum += exp(logits[v] - top);
    return top + log(sum);
}

static inline double *doubles(const float *x, int64_t n)
{
    double *y = calloc((size_t)n + 1, sizeof *y);

    for (int64_t i = 0; x && i < n; i++)
        y[i] = (double)x[i];
    return y;
}

#endif
