/* common.c: axes, walks over memory, and work split over threads, for every family of rows. */
#include "ops/common.h"

#include "base/threads.h"

#include <string.h>

const iv_field iv__fields_at_axis[] = { ATTR(iv__at_axis, axis, INT), FIELD_END };
const iv_field iv__fields_to_shape[] = { ATTR(iv__to_shape, shape, SHAPE), FIELD_END };
const iv_field iv__fields_count[] = { ATTR(iv__count, count, INT), FIELD_END };

int64_t iv__dims_product(const iv_shape *shape, int64_t begin, int64_t end)
{
    int64_t product = 1;

    for (int64_t k = begin; k < end; k++)
        product *= shape->dim[k];
    return product;
}

iv_shape iv__without_axis(const iv_shape *shape, int64_t axis)
{
    iv_shape y = { .rank = shape->rank - 1 };

    for (int64_t k = 0; k < y.rank; k++)
        y.dim[k] = shape->dim[k < axis ? k : k + 1];
    return y;
}

iv_shape iv__with_axis(const iv_shape *shape, int64_t axis, int64_t dim)
{
    iv_shape y = { .rank = shape->rank + 1 };

    for (int64_t k = 0; k < y.rank && k < IV_MAX_RANK; k++)
        y.dim[k] = k < axis ? shape->dim[k] : k == axis ? dim : shape->dim[k - 1];
    return y;
}

bool iv__leads(const iv_shape *leading, const iv_shape *of)
{
    return leading->rank + 1 == of->rank &&
           !memcmp(leading->dim, of->dim, (size_t)leading->rank * sizeof leading->dim[0]);
}

/* ---- kernels that move elements -------------------------------------------------------------- */

iv__strides iv__strides_of(const iv_shape *shape)
{
    iv__strides walk = { .rank = (int)shape->rank };

    memcpy(walk.dim, shape->dim, sizeof walk.dim);
    return walk;
}

void iv__contiguous(const iv_shape *shape, int64_t stride[IV_MAX_RANK])
{
    int64_t product = 1;

    for (int64_t k = shape->rank - 1; k >= 0; k--) {
        stride[k] = product;
        product *= shape->dim[k];
    }
}

/* Axes of length 1 go, and neighbours that lie in the source as one axis would become one. */
static iv__strides merged(const iv__strides *walk)
{
    iv__strides m = { .offset = walk->offset };

    for (int k = 0; k < walk->rank; k++) {
        int64_t dim = walk->dim[k], stride = walk->stride[k];

        if (dim == 1)
            continue;
        if (m.rank && m.stride[m.rank - 1] == stride * dim) {
            m.dim[m.rank - 1] *= dim;
            m.stride[m.rank - 1] = stride;
        } else {
            m.dim[m.rank] = dim;
            m.stride[m.rank++] = stride;
        }
    }
    if (!m.rank) {
        m.dim[0] = 1;
        m.rank = 1;
    }
    return m;
}

#define COPY_SPAN(type)                                                                                   \
    static void copy_span_##type(type *restrict to, const type *restrict from, int64_t n, int64_t stride) \
    {                                                                                                     \
        if (stride == -1)                                                                                 \
            for (int64_t i = 0; i < n; i++)                                                               \
                to[i] = from[-i];                                                                         \
        else                                                                                              \
            for (int64_t i = 0; i < n; i++)                                                               \
                to[i] = from[i * stride];                                                                 \
    }
COPY_SPAN(uint8_t)
COPY_SPAN(uint32_t)
COPY_SPAN(uint64_t)

/* What is there is doubled as long as there is room. */
static void repeat(char *to, const char *from, size_t bytes, size_t size)
{
    size_t done = size < bytes ? size : bytes;

    memcpy(to, from, done);
    for (; done < bytes - done; done *= 2)
        memcpy(to + done, to, done);
    memcpy(to + done, to, bytes - done);
}

static void copy_span(char *to, const char *from, int64_t n, int64_t stride, size_t size)
{
    if (stride == 1)
        memcpy(to, from, (size_t)n * size);
    else if (stride == 0)
        repeat(to, from, (size_t)n * size, size);
    else if (size == 4)
        copy_span_uint32_t((uint32_t *)(void *)to, (const uint32_t *)(const void *)from, n, stride);
    else if (size == 8)
        copy_span_uint64_t((uint64_t *)(void *)to, (const uint64_t *)(const void *)from, n, stride);
    else
        copy_span_uint8_t((uint8_t *)to, (const uint8_t *)from, n, stride);
}

void iv__copy_strided(const iv_kernel_call *k, const iv__strides *walk)
{
    const iv__strides m = merged(walk);
    const int last = m.rank - 1;
    const int64_t size = (int64_t)iv_dtype_size(k->in[0].dtype);
    const char *from = k->in[0].data;
    char *to = k->out[0].data;
    int64_t at[IV_MAX_RANK], rest = k->begin, source = m.offset;

    if (!k->count)
        return;
    for (int j = last; j >= 0; j--) {
        at[j] = rest % m.dim[j];
        rest /= m.dim[j];
        source += at[j] * m.stride[j];
    }
    for (int64_t left = k->count; left > 0;) {
        int64_t n = m.dim[last] - at[last] < left ? m.dim[last] - at[last] : left;

        copy_span(to, from + source * size, n, m.stride[last], (size_t)size);
        to += n * size;
        left -= n;
        source -= at[last] * m.stride[last];
        at[last] = 0;
        for (int j = last - 1; j >= 0; j--) {
            source += m.stride[j];
            if (++at[j] < m.dim[j])
                break;
            source -= m.dim[j] * m.stride[j];
            at[j] = 0;
        }
    }
}

void iv__copy_pieces(const iv_kernel_call *k, int n, const iv__laid_piece piece[])
{
    const int64_t size = (int64_t)iv_dtype_size(k->out[0].dtype);
    char *to = k->out[0].data;
    int64_t period = 0;

    if (!k->count)
        return;
    for (int j = 0; j < n; j++)
        period += piece[j].length;

    int64_t turn = k->begin / period, at = k->begin % period;
    int j = 0;

    while (at >= piece[j].length)
        at -= piece[j++].length;
    for (int64_t left = k->count; left > 0;) {
        int64_t span = piece[j].length - at < left ? piece[j].length - at : left;

        if (piece[j].data)
            memcpy(to, (const char *)piece[j].data + (turn * piece[j].length + at) * size,
                   (size_t)(span * size));
        else
            memset(to, 0, (size_t)(span * size));
        to += span * size;
        left -= span;
        at = 0;
        if (++j == n) {
            j = 0;
            turn++;
        }
    }
}

/* ---- kernels that split their own work ------------------------------------------------------- */

enum { PART_COST = 32768, MAX_PARTS = 64 };

typedef struct split_job {
    const iv_kernel_call *k;
    iv__part_work *work;
    void *context;
    int64_t items, parts;
} split_job;

static void split_chunk(void *context, int64_t chunk, int thread)
{
    const split_job *job = context;

    job->work(job->k, job->context, iv__part(job->items, chunk, job->parts),
              iv__part(job->items, chunk + 1, job->parts), thread);
}

void iv__split_work(const iv_kernel_call *k, int64_t items, int64_t cost, iv__part_work *work,
                    void *context)
{
    int64_t per_part = cost >= PART_COST ? 1 : PART_COST / (cost < 1 ? 1 : cost);
    int64_t parts = items / per_part + (items % per_part != 0);
    split_job job = { k, work, context, items, parts < MAX_PARTS ? parts : MAX_PARTS };

    if (items > 0)
        iv__parallel(k->home, job.parts, split_chunk, &job);
}

/* ---- stepping rules that several rows share -------------------------------------------------- */

void iv__step_other_axis(iv_step *s, int64_t axis, const char *why)
{
    if (s->axis[0] == axis)
        iv_step_refuse(s, why);
    else
        iv_step_same(s, s->call->attr, s->axis[0]);
}

void iv__step_not_last(iv_step *s)
{
    iv__step_other_axis(s, s->call->in[0]->shape.rank - 1, LOOKS_AHEAD);
}

/* ---- rules of records that several rows share ------------------------------------------------ */

int64_t iv__apart_rows(const iv_apart *a)
{
    for (int k = 0; k < a->call->n_in; k++)
        if (a->rows[k])
            return a->rows[k];
    return 0;
}

iv_shape iv__apart_shape(const iv_apart *a, iv_shape shape)
{
    shape.dim[0] = shape.dim[0] / a->records * a->micro;
    return shape;
}

void iv__apart_all(iv_apart *a)
{
    iv_apart_each(a, a->call->attr, iv__apart_rows(a));
}

void iv__apart_other_axis(iv_apart *a, int64_t axis)
{
    if (axis > 0)
        iv__apart_all(a);
}

void iv__apart_not_last(iv_apart *a)
{
    iv__apart_other_axis(a, a->call->in[0]->shape.rank - 1);
}

void iv__apart_sum(iv_apart *a)
{
    int64_t rows = iv__apart_rows(a);

    if (iv_apart_records(a, 0, rows) && iv_apart_records(a, 1, rows))
        iv_apart_output(a, 0, iv_apart_call(a, a->call->attr), 0);
}
