/* matmul.c: the row "matmul" (ops/rows.h): any leading axes, either factor transposed. */
#include "backend/cpu/conv.h"

#include "base/threads.h"

/* The columns [*first, *first + n) of w that a form takes. */
static int64_t columns_of(const iv_shape *w, int64_t form, int64_t *first)
{
    int64_t third = w->dim[1] / 3;

    *first = form & IV__LAST_THIRD ? 2 * third : 0;
    return form & IV__LAST_THIRD ? third : form & IV__FIRST_TWO_THIRDS ? 2 * third : w->dim[1];
}

size_t iv__panels_bytes(const iv__cpu *cpu, const iv_shape *shape, int64_t variant)
{
    int64_t first, columns = columns_of(shape, variant, &first), rows = shape->dim[0];
    bool transposed = variant & IV__PANELS_TRANSPOSED;

    return iv__packed_bytes(cpu, transposed ? columns : rows, transposed ? rows : columns);
}

void iv__panels_pack(const iv__cpu *cpu, iv_home *home, const iv_array *from, int64_t variant, void *to)
{
    int64_t first, columns = columns_of(from->shape, variant, &first), rows = from->shape->dim[0];
    bool transposed = variant & IV__PANELS_TRANSPOSED;

    iv__pack(home, cpu, transposed ? columns : rows, transposed ? rows : columns,
             (const float *)from->data + first, from->shape->dim[1], transposed, to);
}

static bool wants_panels(const iv_kernel_call *k)
{
    return k->in[1].shape->rank == 2 && k->in[1].weight;
}

int iv__matmul_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv__packing panels,
                        iv__packing want[IV__MAX_PACKED])
{
    (void)cpu;
    const iv__matmul *attr = k->attr;

    if (!wants_panels(k))
        return 0;
    want[0] = iv__want(panels, 1, attr->transpose_b ? IV__PANELS_TRANSPOSED : IV__PANELS);
    return 1;
}

static iv__product product_of(const iv_kernel_call *k)
{
    const iv__matmul *attr = k->attr;
    const iv_shape *a = k->in[0].shape, *b = k->in[1].shape;
    int64_t rows = a->dim[a->rank - 2], columns = a->dim[a->rank - 1], leading = 1;
    iv__product p = { .a = k->in[0].data, .b = k->in[1].data, .c = k->out[0].data, .then = k->then };

    for (int64_t i = 0; i < a->rank - 2; i++)
        leading *= a->dim[i];
    p.a_transposed = attr->transpose_a;
    p.b_transposed = attr->transpose_b;
    p.m = p.a_transposed ? columns : rows;
    p.k = p.a_transposed ? rows : columns;
    p.n = b->dim[p.b_transposed ? b->rank - 2 : b->rank - 1];
    p.lda = columns;
    p.ldb = b->dim[b->rank - 1];
    p.ldc = p.n;
    if (b->rank == 2) { /* a is transposed only where it has no leading axes */
        p.m *= leading;
    } else {
        p.batches = leading;
        p.a_batch = rows * columns;
        p.b_batch = p.ldb * b->dim[b->rank - 2];
        p.c_batch = p.m * p.n;
    }
    p.from_panels = wants_panels(k);
    p.packed = p.from_panels && k->packed ? k->packed[0] : NULL;
    return p;
}

/* ---- few rows -------------------------------------------------------------------------------- */

/* Such a product waits for its weights. A sampler's come again token after token, more of them than
 * the caches of the threads hold, but not by much: each thread keeps to its columns, and passes
 * over them in alternating directions. */
enum { MOST_ROWS = 32, MOST_LEFT = 1 << 14, CHUNK_BYTES = 1 << 16 };

static bool has_few_rows(const iv__product *p)
{
    return p->from_panels && p->batches < 2 && !p->a_transposed && p->m <= MOST_ROWS &&
           p->m * p->k <= MOST_LEFT;
}

bool iv__fits_few_rows(const iv_kernel_call *k)
{
    iv__product p;

    if (!iv__fits_f32(k))
        return false;
    p = product_of(k);
    return has_few_rows(&p) && p.m <= IV__FEW_ROWS_MOST;
}

typedef struct few_rows {
    const iv__cpu *cpu;
    iv__product p;
    iv__panels panels;
    int64_t chunks;
} few_rows;

static void columns_chunk(void *context, int64_t chunk, int thread)
{
    const few_rows *f = context;

    (void)thread;
    if (f->cpu->begin)
        f->cpu->begin();
    iv__product_columns(f->cpu, &f->panels, iv__part(f->panels.count, chunk, f->chunks),
                        iv__part(f->panels.count, chunk + 1, f->chunks), &f->p);
    if (f->cpu->end)
        f->cpu->end();
}

static size_t few_rows_scratch(const iv__cpu *cpu, const iv__product *p)
{
    return cpu->operands == IV__F32 ? 0 : (size_t)iv__left_floats(cpu, p->m, p->k) * sizeof(float);
}

static void run_few_rows(const iv__cpu *cpu, const iv_kernel_call *k, const iv__product *p)
{
    few_rows f = { .cpu = cpu, .p = *p, .panels = iv__panels_of(cpu, p->n) };
    int64_t bytes = (int64_t)iv__packed_bytes(cpu, p->k, p->n);

    if (cpu->operands != IV__F32) {
        f.p.lda = iv__left_row(cpu, p->k);
        f.p.a = k->scratch;
        cpu->pack_left(p->k, p->m, p->a, p->lda, k->scratch, f.p.lda);
    }
    f.chunks = iv__min64(iv__ceil_div(bytes, CHUNK_BYTES), f.panels.count);
    iv__parallel_again(k->home, f.chunks, k->run % 2, columns_chunk, &f);
}

/* ---- long sums ------------------------------------------------------------------------------- */

/* The gradient of the weights of a layer over many places, like that of a convolution of one tap:
 * there is too little of it to be shared out among threads, so that its sums are. */
enum { LONG_SUM = 4096, LONG_SUMS_MOST = 1 << 17 };

static bool has_long_sums(const iv__product *p)
{
    return p->a_transposed && !p->b_transposed && p->batches < 2 && p->k >= LONG_SUM &&
           p->m * p->n <= LONG_SUMS_MOST;
}

static iv__conv_sizes sizes_of(const iv__product *p)
{
    return (iv__conv_sizes){ .records = p->k,
                             .channels = p->m,
                             .filters = p->n,
                             .groups = 1,
                             .taps = 1,
                             .x = { 1, 1, 1 },
                             .y = { 1, 1, 1 },
                             .w = { 1, 1, 1 },
                             .stride = { 1, 1, 1 },
                             .dilation = { 1, 1, 1 } };
}

/* ---- the row --------------------------------------------------------------------------------- */

size_t iv__matmul_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__product p = product_of(k);
    iv__conv_sizes s = sizes_of(&p);

    return has_few_rows(&p)    ? few_rows_scratch(cpu, &p)
           : has_long_sums(&p) ? iv__conv_sum_scratch(k->home, cpu, &s)
                               : iv__product_scratch(k->home, cpu, &p);
}

void iv__matmul_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__product p = product_of(k);
    iv__conv_sizes s = sizes_of(&p);

    if (has_few_rows(&p))
        run_few_rows(cpu, k, &p);
    else if (has_long_sums(&p))
        iv__conv_sum_run(k->home, cpu, &s, p.a, p.b, p.c, k->scratch);
    else
        iv__product_run(k->home, cpu, &p, k->scratch);
}
