/* init.c: first values of parameters, as Keras draws them: zeros, ones, uniform, orthogonal.
 * Sources: Glorot & Bengio 2010, eq. 16; Saxe et al. 2014 (orthogonal). */
#include "nn/init.h"

#include "base/arena.h"
#include "base/home.h"
#include "base/random.h"
#include "base/threads.h"
#include "ops/common_math.h"

#include <math.h>

static void put(const iv_tensor *tensor, int64_t i, double value)
{
    if (tensor->dtype == IV_F64)
        ((double *)tensor->data)[i] = value;
    else
        ((float *)tensor->data)[i] = (float)value;
}

static void fill_constant(const iv_tensor *tensor, int64_t begin, int64_t end, double value)
{
    for (int64_t i = begin; i < end; i++)
        put(tensor, i, value);
}

/* Numbers drawn one by one, each from its index alone: threads share them. */
typedef struct draws {
    const iv_tensor *tensor; /* uniform in [-limit,limit); */
    double *normal;          /* or, if not NULL, standard normal */
    int64_t count;
    uint64_t key;
    double limit;
} draws;

enum { DRAWS = 16384 }; /* of a chunk */

static double normal_at(const draws *d, int64_t i)
{
    uint32_t word[4];

    iv__philox(d->key, 0, (uint64_t)i, word);
    double radius = sqrt(-2 * iv__log_f64(1 - iv__unit_f64(word[0], word[1])));
    return radius * iv__cos_f64(6.283185307179586 * iv__unit_f64(word[2], word[3]));
}

static double uniform_at(const draws *d, int64_t i)
{
    uint32_t word[4];

    iv__philox(d->key, 0, (uint64_t)i, word);
    return (2 * iv__unit_f64(word[0], word[1]) - 1) * d->limit;
}

static void draw_chunk(void *context, int64_t chunk, int thread)
{
    const draws *d = context;
    int64_t begin = chunk * DRAWS, end = d->count - begin < DRAWS ? d->count : begin + DRAWS;

    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        if (d->normal)
            d->normal[i] = normal_at(d, i);
        else
            put(d->tensor, i, uniform_at(d, i));
    }
}

static void draw(draws d)
{
    d.count = iv_shape_count(&d.tensor->shape);
    iv__parallel(d.tensor->home, (d.count + DRAWS - 1) / DRAWS, draw_chunk, &d);
}

/* Keras's fans: the last two axes, each times the size of the window that stands before them. */
static double glorot_limit(const iv_shape *shape)
{
    double window = 1, in = 1, out = 1;

    for (int64_t i = 0; i < shape->rank - 2; i++)
        window *= (double)shape->dim[i];
    if (shape->rank > 0) {
        out = (double)shape->dim[shape->rank - 1];
        in = shape->rank > 1 ? (double)shape->dim[shape->rank - 2] : out;
    }
    return sqrt(6 / (window * in + window * out));
}

/* ---- orthogonal ------------------------------------------------------------------------------ */

/* Vectors to be made orthonormal, one after another in memory. */
typedef struct basis {
    double *vector;
    int64_t n, length;
    int64_t done; /* the vector now taken out of those behind it */
    int64_t chunks;
} basis;

/* Eight numbers side by side: as many at a time as the processor's registers hold, the same bits on
 * all. */
typedef double eight __attribute__((vector_size(64), aligned(8), may_alias));

static double dot(const double *a, const double *b, int64_t n)
{
    eight sum = { 0 };
    int64_t i = 0;

    for (; i + 8 <= n; i += 8)
        sum += *(const eight *)(a + i) * *(const eight *)(b + i);
    for (; i < n; i++)
        sum[i & 7] += a[i] * b[i];
    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

/* v -= part q */
static void subtract(double *v, double part, const double *q, int64_t n)
{
    int64_t i = 0;

    for (; i + 8 <= n; i += 8)
        *(eight *)(v + i) -= part * *(const eight *)(q + i);
    for (; i < n; i++)
        v[i] -= part * q[i];
}

static void take_out(void *context, int64_t chunk, int thread)
{
    const basis *b = context;
    const double *q = b->vector + b->done * b->length;
    int64_t behind = b->n - b->done - 1, first = b->done + 1;
    int64_t end = first + iv__part(behind, chunk + 1, b->chunks);

    (void)thread;
    for (int64_t j = first + iv__part(behind, chunk, b->chunks); j < end; j++) {
        double *v = b->vector + j * b->length;
        subtract(v, dot(q, v, b->length), q, b->length);
    }
}

/* Modified Gram-Schmidt. Each vector keeps its sign (R has a positive diagonal), which is how
 * Keras fixes signs. Returns the least share of a vector's length that was left of it; lost digits
 * are its inverse. */
static double orthonormalize(iv_home *home, basis *b, double length)
{
    double least = 1;

    for (b->done = 0; b->done < b->n; b->done++) {
        double *q = b->vector + b->done * b->length, norm = sqrt(dot(q, q, b->length));
        least = norm / length < least ? norm / length : least;
        for (int64_t i = 0; i < b->length; i++)
            q[i] /= norm;
        int64_t chunks = (b->n - b->done - 1) * b->length / 8192;
        b->chunks = chunks < 1 ? 1 : chunks > 16 ? 16 : chunks;
        iv__parallel(home, b->chunks, take_out, b);
    }
    return least;
}

/* All axes but the last count as rows. The shorter side's vectors are made orthonormal along the
 * longer side. */
static iv_status fill_orthogonal(const iv_tensor *tensor, uint64_t key)
{
    int64_t count = iv_shape_count(&tensor->shape), columns, rows;

    columns = tensor->shape.rank ? tensor->shape.dim[tensor->shape.rank - 1] : 1;
    rows = count / columns;
    basis b = { .n = rows < columns ? rows : columns, .length = rows < columns ? columns : rows };
    b.vector = iv__alloc_array(tensor->home, count, sizeof *b.vector);
    if (!b.vector)
        return IV_NOMEM;
    draw((draws){ .tensor = tensor, .normal = b.vector, .key = key });
    if (orthonormalize(tensor->home, &b, sqrt((double)b.length)) < 0.01)
        orthonormalize(tensor->home, &b, 1); /* takes out what rounding left of near vectors */
    for (int64_t j = 0; j < b.n; j++)
        for (int64_t i = 0; i < b.length; i++)
            put(tensor, rows < columns ? j * columns + i : i * columns + j, b.vector[j * b.length + i]);
    iv__free(tensor->home, b.vector);
    return IV_OK;
}

iv_status iv__init_fill(iv_tensor *tensor, iv_init init, uint64_t seed, const char *name)
{
    int64_t count = iv_shape_count(&tensor->shape);
    iv__arena arena = { .home = tensor->home };
    const char *place = iv__arena_print(&arena, "init/%s", name);
    iv_status status = place ? IV_OK : IV_NOMEM;
    uint64_t key = place ? iv__random_key(seed, place) : 0;

    iv__arena_free(&arena);
    if (status)
        return status;
    switch (init) {
    case IV_ZEROS: break;
    case IV_ONES: fill_constant(tensor, 0, count, 1); break;
    case IV_LSTM_BIAS: fill_constant(tensor, count / 4, count / 2, 1); break;
    case IV_EMBEDDING_UNIFORM: draw((draws){ .tensor = tensor, .key = key, .limit = 0.05 }); break;
    case IV_EMBEDDING_WIDE:
        draw((draws){ .tensor = tensor, .key = key, .limit = 0.1 * sqrt(3) });
        break;
    case IV_GLOROT_UNIFORM:
        draw((draws){ .tensor = tensor, .key = key, .limit = glorot_limit(&tensor->shape) });
        break;
    case IV_ORTHOGONAL: status = fill_orthogonal(tensor, key); break;
    default:
        status = iv_fail(tensor->home, IV_VALUE, "there is no initial value of kind %d", (int)init);
    }
    return status;
}
