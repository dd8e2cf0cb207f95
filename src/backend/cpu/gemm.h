/* gemm.h: products of matrices, written once over the table of inner kernels, for every form of
 * operands. Panels and row distances of operands are counted in elements. */
#ifndef IV_BACKEND_CPU_GEMM_H
#define IV_BACKEND_CPU_GEMM_H

#include "backend/cpu/cpu.h"

/* How n columns are cut into panels (cpu.h). */
typedef struct iv__panels {
    int64_t n, width, vectors, count, wide,
        each; /* the first `wide` panels have each + 1 vectors, the others `each` */
} iv__panels;

iv__panels iv__panels_of(const iv__cpu *cpu, int64_t n);
static inline int64_t iv__panel_begin(const iv__panels *p, int64_t panel) /* its first column */
{
    return (panel * p->each + (panel < p->wide ? panel : p->wide)) * p->width;
}
static inline int64_t iv__panel_vectors(const iv__panels *p, int64_t panel)
{
    return p->each + (panel < p->wide);
}
int64_t iv__panel_of(const iv__panels *p, int64_t column);

/* Bytes of a packed matrix of k rows; panel p of it begins at element iv__panel_begin(p) *
 * iv__operand_k(k). */
size_t iv__packed_bytes(const iv__cpu *cpu, int64_t k, int64_t n);
/* b(k,j) lies at b[k*ld + j], or at b[j*ld + k] when transposed. */
void iv__pack(iv_home *home, const iv__cpu *cpu, int64_t k, int64_t n, const float *b, int64_t ld,
              bool transposed, void *to);

/* c(i,j) (+)= sum over k of a(i,k) b(k,j). Sums run over k in order, in chunks of a size that k
 * alone decides: neither threads nor m and n change a bit. */
typedef struct iv__product {
    int64_t m, n, k;
    const void *a; /* f32; for iv__product_rows an operand */
    int64_t lda;
    bool a_transposed; /* a(i,k) at a[k*lda + i] */
    bool from_panels;  /* b is given in panels, in `packed`; else as it is, in `b` */
    const void *packed;
    int64_t packed_rows,
        first_row; /* for iv__product_rows: its k rows begin here in panels of so many; 0: they are all */
    const float *b;
    int64_t ldb;
    bool b_transposed; /* b(k,j) at b[j*ldb + k] */
    float *c;
    int64_t ldc;
    bool add;
    int parts; /* rows from part[i].first on lie at part[i].c, not at c; only if cpu->row_unit is 1 */
    struct {
        int64_t first;
        float *c;
    } part[2];
    const iv_then *then; /* for iv__product_run: what comes after rows of c that are finished, if c has no gaps; or NULL */
    int64_t batches, a_batch, b_batch, c_batch; /* batches below 2: one; a packed b is one for all */
} iv__product;

/* So many k are summed up at once, before they are added to c: by iv__product_run and iv__product_columns, and by
 * iv__product_rows and iv__product_panels. */
int64_t iv__product_chunk(const iv__cpu *cpu, int64_t k);
int64_t iv__product_rows_chunk(const iv__cpu *cpu, int64_t k);

size_t iv__product_scratch(iv_home *home, const iv__cpu *cpu, const iv__product *p); /* bytes, for all threads */
void iv__product_run(iv_home *home, const iv__cpu *cpu, const iv__product *p, void *scratch);

/* The same in the calling thread, whose cpu->begin was called; `room`: a thread's share of the
 * scratch of this product, or of one with more k, if all of k is one chunk. No batches. */
void iv__product_alone(const iv__cpu *cpu, const iv__product *p, void *room);

/* A product with a packed b in the calling thread, whose cpu->begin was called; a is an operand as
 * it is, of iv__operand_k(k) a row unless it is f32, and of rows that may be read as far as the next
 * multiple of cpu->row_unit. The batches share b, panel by panel. */
void iv__product_rows(const iv__cpu *cpu, const iv__panels *panels, const iv__product *p);
void iv__product_panels(const iv__cpu *cpu, const iv__panels *panels, int64_t begin, int64_t end,
                        const iv__product *p); /* only the columns of panels [begin,end) */
/* The columns of panels [begin,end), with the bits of iv__product_run, whatever m is. */
void iv__product_columns(const iv__cpu *cpu, const iv__panels *panels, int64_t begin, int64_t end,
                         const iv__product *p);

/* Whole cache lines, an odd number of them, so that neighbouring rows fall into different sets of a
 * cache. */
static inline int64_t iv__odd_lines(int64_t floats)
{
    return ((floats + 15) / 16 | 1) * 16;
}

/* Elements from row to row of a left factor in scratch: whole cache lines, an odd number of them, so
 * that neighbouring rows fall into different sets of a cache. */
static inline int64_t iv__left_row(const iv__cpu *cpu, int64_t k)
{
    int64_t line = 64 / (int64_t)iv__operand_bytes(cpu);

    return (iv__ceil_div(k, line) | 1) * line;
}

/* Floats of room for a left factor of m rows. */
static inline int64_t iv__left_floats(const iv__cpu *cpu, int64_t m, int64_t k)
{
    return (m + cpu->row_unit) * iv__left_row(cpu, k) * (int64_t)iv__operand_bytes(cpu) /
           (int64_t)sizeof(float);
}

/* Cache lines that are needed next, asked for evenly while so many steps of k are taken: a burst of
 * them would fill up the few places for lines on their way, and what is needed now would wait. */
typedef struct iv__stream {
    const float *from;
    int64_t floats, step; /* of a step of k */
} iv__stream;
iv__stream iv__stream_of(const void *from, int64_t lines, int64_t steps);

/* What a tile asks for that begins after `done` of these steps. */
static inline const float *iv__look_ahead(const iv__stream *s, int64_t done, int64_t *step)
{
    *step = done * s->step < s->floats ? s->step : 0;
    return s->from + done * *step;
}

#endif
