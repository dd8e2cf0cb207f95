/* kernels_world.h: one row on some arrays: by its reference in both widths, and by every backend
 * here with 1, 2 and 3 threads, in memory with nothing usable beside it.
 *
 * The reference in f64 is what is expected. How far a kernel may be off is measured: by how far the
 * reference in f32 is off, and by how far f64 moves when each number that goes in moves by up to
 * four units in f32's last place. A kernel sums in another order and has an e^x of its own, so it
 * may be off by eight times that, and by 4e-6 of the array's largest number (elementwise: 4e-7 of
 * each number), where numbers below 0.05 of the arrays' unit count as that much. A kernel that
 * rounds operands to bf16 does so with what goes in and with what it computes on the way: it may be
 * off by eight times what a move of 2^-8 does, and by 2^-7 of the largest number. */
#ifndef IVORY_FUZZ_KERNELS_WORLD_H
#define IVORY_FUZZ_KERNELS_WORLD_H

#include "backend/backend.h"
#include "base/home.h"
#include "base/random.h"
#include "graph/node.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ADDRESS_SANITIZER
#endif
#endif
#ifdef WITH_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

enum { FENCE = 64, CANARY = 0xA5, MAX_BLOCKS = 512, MOVES = 2, MOST_THREADS = 3 };

/* ---- rows ------------------------------------------------------------------------------------ */

#define IV__OPS(name) extern const iv_op *const iv__ops_##name[];
#include "registry_ops.inc"
#undef IV__OPS

static const iv_op *reference_of(const char *row)
{
#define IV__OPS(name) iv__ops_##name,
    static const iv_op *const *const families[] = {
#include "registry_ops.inc"
    };
#undef IV__OPS

    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        for (const iv_op *const *op = families[f]; *op; op++) {
            if (!strcmp((*op)->name, row))
                return *op;
        }
    }
    return NULL;
}

/* ---- memory: blocks between fences, all given back at once ----------------------------------- */

typedef struct fenced {
    unsigned char *room;
    size_t bytes;
} fenced;

static fenced blocks[MAX_BLOCKS];
static int n_blocks;

static void *fenced_new(size_t bytes)
{
    size_t room = (FENCE + bytes + FENCE + 63) / 64 * 64;
    unsigned char *at = aligned_alloc(64, room);

    if (!at || n_blocks == MAX_BLOCKS)
        abort();
    memset(at, CANARY, room);
    ASAN_POISON_MEMORY_REGION(at, FENCE);
    ASAN_POISON_MEMORY_REGION(at + FENCE + bytes, FENCE);
    blocks[n_blocks++] = (fenced){ at, bytes };
    return at + FENCE;
}

/* Frees the blocks made since there were `begin`; false where a fence was written to. */
static bool blocks_end(int begin)
{
    bool whole = true;

    while (n_blocks > begin) {
        fenced b = blocks[--n_blocks];
        ASAN_UNPOISON_MEMORY_REGION(b.room, FENCE);
        ASAN_UNPOISON_MEMORY_REGION(b.room + FENCE + b.bytes, FENCE);
        for (size_t i = 0; i < FENCE; i++)
            whole &= b.room[i] == CANARY && b.room[FENCE + b.bytes + i] == CANARY;
        free(b.room);
    }
    return whole;
}

/* ---- a row on some arrays -------------------------------------------------------------------- */

enum { F32, BF16, PRECISIONS };

typedef struct subject {
    const char *row;
    const void *attr;
    int n_in, n_out;
    iv_shape in_shape[IV_MAX_IN], out_shape[IV_MAX_OUT];
    bool weight[IV_MAX_IN];
    float *in[IV_MAX_IN];      /* as f32 */
    int32_t *index[IV_MAX_IN]; /* as i32, in its stead */
    bool unwanted[IV_MAX_OUT];
    double unit; /* of the outputs; 0: 1 */
    bool pointwise;
    bool refused; /* by the row's shape rule: there is nothing to check */
    double *expected[IV_MAX_OUT], *allowed[PRECISIONS][IV_MAX_OUT];
} subject;

static char finding[400]; /* what is wrong, in words; empty: nothing */

static bool found(const subject *s, const char *format, ...) IV_PRINTF(2, 3);
static bool found(const subject *s, const char *format, ...)
{
    char text[200];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t n = (size_t)snprintf(finding, sizeof finding, "%s of", s->row);
    for (int i = 0; i < s->n_in && n < sizeof finding; i++) {
        char shape[160];
        n += (size_t)snprintf(finding + n, sizeof finding - n, " %s",
                              iv_shape_text(&s->in_shape[i], shape, sizeof shape));
    }
    if (n < sizeof finding)
        snprintf(finding + n, sizeof finding - n, ": %s", text);
    return false;
}

static int64_t in_count(const subject *s, int i)
{
    return iv_shape_count(&s->in_shape[i]);
}

static int64_t out_count(const subject *s, int j)
{
    return iv_shape_count(&s->out_shape[j]);
}

static iv_home *home_of(int threads)
{
    static iv_home *homes[MOST_THREADS + 1];

    if (!homes[threads])
        homes[threads] = iv_home_new(
            &(iv_home_options){ .size = sizeof(iv_home_options), .threads = threads });
    if (!homes[threads])
        abort();
    return homes[threads];
}

/* The call without data, as it is when a kernel is chosen. */
static iv_kernel_call call_of(const subject *s, iv_home *home, iv_dtype real)
{
    iv_kernel_call k = { .home = home, .n_in = s->n_in, .n_out = s->n_out, .attr = s->attr };

    for (int i = 0; i < s->n_in; i++)
        k.in[i] = (iv_array){ NULL, &s->in_shape[i], s->index[i] ? IV_I32 : real, s->weight[i] };
    for (int j = 0; j < s->n_out; j++)
        k.out[j] = (iv_array){ NULL, &s->out_shape[j], real, false };
    k.count = out_count(s, 0);
    return k;
}

/* ---- what is expected ------------------------------------------------------------------------ */

/* The reference in one width, what goes in each off by up to this share of itself, another way for
 * each `key`. */
static void run_reference(const subject *s, const iv_op *op, iv_dtype real, double share, int key,
                          void *out[])
{
    iv_kernel_call k = call_of(s, home_of(1), real);
    size_t size = iv_dtype_size(real);

    k.scratch = op->scratch ? fenced_new(op->scratch(&k)) : NULL;
    for (int i = 0; i < s->n_in; i++) {
        int64_t count = in_count(s, i);
        if (s->index[i] || real == IV_F32) {
            k.in[i].data = s->index[i] ? (void *)s->index[i] : (void *)s->in[i];
            continue;
        }
        double *x = k.in[i].data = fenced_new((size_t)count * sizeof *x);
        for (int64_t e = 0; e < count; e++) {
            uint32_t word[4];
            iv__philox((uint64_t)key, (uint64_t)i, (uint64_t)e, word);
            x[e] = (double)s->in[i][e] * (1 + share * (2 * (double)iv__unit_f32(word[0]) - 1));
        }
    }
    for (int j = 0; j < s->n_out; j++)
        k.out[j].data = out[j] = fenced_new((size_t)out_count(s, j) * size);
    (real == IV_F64 ? op->f64 : op->f32)(&k);
}

/* How far output j of a precision may be off, where it was seen to be off so much. */
static void allow(const subject *s, int precision, int j, double off)
{
    double largest = 0.05 * (s->unit != 0 ? s->unit : 1);

    for (int64_t e = 0; e < out_count(s, j); e++) {
        if (isfinite(s->expected[j][e]))
            largest = fmax(largest, fabs(s->expected[j][e]));
    }
    for (int64_t e = 0; e < out_count(s, j); e++)
        s->allowed[precision][j][e] = s->pointwise
                                          ? 4e-7 * fabs(s->expected[j][e]) + 1e-37
                                          : 8 * off + (precision == BF16 ? 0x1p-7 : 4e-6) * largest;
}

static double distance(const subject *s, int j, const void *out, iv_dtype real)
{
    double most = 0;

    for (int64_t e = 0; e < out_count(s, j); e++) {
        double want = s->expected[j][e];
        if (isfinite(want))
            most = fmax(most, fabs(want - (real == IV_F64 ? ((const double *)out)[e]
                                                          : (double)((const float *)out)[e])));
    }
    return most;
}

/* The row's shape rule agrees with the shapes, or refuses them. */
static bool check_shapes(subject *s, const iv_op *op)
{
    iv_shape_call c = { .n_in = s->n_in, .attr = s->attr, .real = IV_F32 };

    for (int i = 0; i < s->n_in; i++) {
        c.in[i] = &s->in_shape[i];
        c.in_dtype[i] = s->index[i] ? IV_I32 : IV_F32;
    }
    s->refused = s->n_in < op->min_in || s->n_in > op->max_in || op->shape(&c) != NULL;
    for (int j = 0; !s->refused && j < s->n_out; j++) {
        if (s->n_out != op->n_out || !iv_shape_same(&c.out[j], &s->out_shape[j]))
            return found(s, "output %d has another shape", j);
    }
    return true;
}

/* Fills expected and allowed. */
static bool expect(subject *s, const iv_op *op)
{
    static const double share[PRECISIONS] = { 0x1p-22, 0x1p-8 };
    double off[PRECISIONS][IV_MAX_OUT] = { { 0 } };
    void *out[IV_MAX_OUT];

    for (int j = 0; j < s->n_out; j++) {
        s->expected[j] = fenced_new((size_t)out_count(s, j) * sizeof(double));
        for (int p = 0; p < PRECISIONS; p++)
            s->allowed[p][j] = fenced_new((size_t)out_count(s, j) * sizeof(double));
    }
    int begin = n_blocks;
    run_reference(s, op, IV_F64, 0, 0, out);
    for (int j = 0; j < s->n_out; j++)
        memcpy(s->expected[j], out[j], (size_t)out_count(s, j) * sizeof(double));
    run_reference(s, op, IV_F32, 0, 0, out);
    for (int j = 0; j < s->n_out; j++)
        off[F32][j] = distance(s, j, out[j], IV_F32);
    for (int p = 0; p < PRECISIONS; p++) {
        for (int m = 0; m < MOVES; m++) {
            run_reference(s, op, IV_F64, share[p], m, out);
            for (int j = 0; j < s->n_out; j++)
                off[p][j] = fmax(off[p][j], distance(s, j, out[j], IV_F64));
        }
        for (int j = 0; j < s->n_out; j++)
            allow(s, p, j, off[p][j]);
    }
    return blocks_end(begin) || found(s, "the reference wrote beside its arrays");
}

/* ---- backends -------------------------------------------------------------------------------- */

/* A backend's list of kernels of one precision. */
typedef struct kernels {
    const iv__fast_kernel *list;
    const char *name;
    int precision;
} kernels;

static bool near(const subject *s, const kernels *by, float *const out[])
{
    for (int j = 0; j < s->n_out; j++) {
        const double *allowed = s->allowed[by->precision][j];
        for (int64_t e = 0; out[j] && e < out_count(s, j); e++) {
            double want = s->expected[j][e], got = (double)out[j][e];
            if (isnan(want) ? isnan(got) : fabs(got - want) <= allowed[e])
                continue;
            return found(s, "%s%s: output %d, element %lld is %.9g, not %.9g (off by %.2g, allowed %.2g)",
                         by->name, by->precision == BF16 ? " in bf16" : "", j, (long long)e, got,
                         want, fabs(got - want), allowed[e]);
        }
    }
    return true;
}

/* An elementwise row fills a part, and may write where it reads. */
static void run_parts(const subject *s, const iv__fast_kernel *kernel, iv_kernel_call *k)
{
    int64_t count = out_count(s, 0), cut = count / 3, part[3] = { 0, cut, count };
    float *in[IV_MAX_IN], *out = k->out[0].data;

    for (int i = 0; i < s->n_in; i++)
        in[i] = k->in[i].data;
    memcpy(out, in[s->n_in - 1], (size_t)count * sizeof *out);
    in[s->n_in - 1] = out;
    for (int p = 0; p < 2; p++) {
        k->begin = part[p];
        k->count = part[p + 1] - part[p];
        for (int i = 0; i < s->n_in; i++)
            k->in[i].data = in[i] + k->begin;
        k->out[0].data = out + k->begin;
        kernel->run(k);
    }
}

static void run_fast(const subject *s, const iv__fast_kernel *kernel, int threads, float *out[])
{
    iv_kernel_call k = call_of(s, home_of(threads), IV_F32);
    void *packed[IV__MAX_PACKED];
    iv__packing want[IV__MAX_PACKED];
    int n = kernel->packings ? kernel->packings(&k, want) : 0;

    if (kernel->scratch)
        k.scratch = fenced_new(kernel->scratch(&k));
    for (int i = 0; i < s->n_in; i++)
        k.in[i].data = s->index[i] ? (void *)s->index[i] : (void *)s->in[i];
    for (int j = 0; j < s->n_out; j++)
        k.out[j].data = out[j] = s->unwanted[j] ? NULL
                                                : fenced_new((size_t)out_count(s, j) * sizeof(float));
    for (int p = 0; p < n; p++) {
        const iv_array *from = &k.in[want[p].input];
        packed[p] = fenced_new(want[p].size(from->shape, want[p].variant));
        want[p].pack(k.home, from, want[p].variant, packed[p]);
    }
    k.packed = packed;
    if (s->pointwise && threads == 2)
        run_parts(s, kernel, &k);
    else
        kernel->run(&k);
}

static bool has_row(const iv__fast_kernel *list, const char *row)
{
    for (; list->op; list++) {
        if (!strcmp(list->op, row))
            return true;
    }
    return false;
}

static bool check_kernels(const subject *s, const kernels *by)
{
    iv_kernel_call k = call_of(s, home_of(1), IV_F32);
    const iv__fast_kernel *kernel = iv__backend_find(by->list, s->row, &k);
    float *first[IV_MAX_OUT];
    bool empty = false;
    int begin = n_blocks;

    for (int i = 0; i < s->n_in; i++)
        empty |= in_count(s, i) == 0;
    if (!kernel) /* what is empty is the reference's business */
        return empty || !has_row(by->list, s->row) || found(s, "%s refuses it", by->name);
    for (int threads = 1; threads <= MOST_THREADS; threads++) {
        float *out[IV_MAX_OUT];
        run_fast(s, kernel, threads, out);
        if (threads == 1) {
            memcpy(first, out, sizeof first);
            if (!near(s, by, out))
                return false;
        }
        for (int j = 0; j < s->n_out; j++) {
            if (out[j] && memcmp(out[j], first[j], (size_t)out_count(s, j) * sizeof(float)) != 0)
                return found(s, "%s: output %d has other bits with %d threads", by->name, j, threads);
        }
    }
    return blocks_end(begin) || found(s, "%s wrote beside its arrays", by->name);
}

/* Backends share lists: each is run once. */
static bool check_backends(const subject *s)
{
    const iv__fast_kernel *done[64];
    int n = 0;

    for (int b = 0; iv__backends[b]; b++) {
        kernels by[] = { { iv__backends[b]->kernels, iv__backends[b]->name, F32 },
                         { iv__backends[b]->bf16, iv__backends[b]->name, BF16 } };
        for (int p = 0; p < PRECISIONS && iv__backends[b]->available(); p++) {
            int i = 0;
            while (i < n && done[i] != by[p].list)
                i++;
            if (i < n)
                continue;
            done[n++] = by[p].list;
            if (!check_kernels(s, &by[p]))
                return false;
        }
    }
    return true;
}

/* The row by every backend here; false: `finding` says what is wrong. */
static bool check_subject(subject *s)
{
    const iv_op *op = reference_of(s->row);
    float *before[IV_MAX_IN];

    if (!op)
        return found(s, "there is no such row");
    if (!check_shapes(s, op) || s->refused)
        return s->refused;
    if (!expect(s, op))
        return false;
    int begin = n_blocks;
    for (int i = 0; i < s->n_in; i++) {
        before[i] = fenced_new((size_t)in_count(s, i) * sizeof(float));
        memcpy(before[i], s->index[i] ? (void *)s->index[i] : (void *)s->in[i],
               (size_t)in_count(s, i) * sizeof(float));
    }
    if (!check_backends(s))
        return false;
    for (int i = 0; i < s->n_in; i++) {
        if (memcmp(before[i], s->index[i] ? (void *)s->index[i] : (void *)s->in[i],
                   (size_t)in_count(s, i) * sizeof(float)) != 0)
            return found(s, "input %d was written to", i);
    }
    return blocks_end(begin) || found(s, "an input's copy was written beside");
}

#endif
