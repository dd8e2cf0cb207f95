/* cpu.h: the table of inner kernels that one instruction set offers; the algorithms above are
 * written once over it.
 *
 * A matrix that is the right factor of products is packed in panels: its columns are grouped in
 * vectors of `width` columns (the last one filled up with zeros), the vectors in panels of at most
 * `vectors`, as even as possible. A panel holds its rows one behind the other. Row tiles are at
 * most `rows` high.
 *
 * Operands of products have one of three forms. All counts and distances of operands are in
 * elements; sums and results are f32 always. */
#ifndef IV_BACKEND_CPU_CPU_H
#define IV_BACKEND_CPU_CPU_H

#include "backend/backend.h"

enum { IV__MAX_TILE_ROWS = 32, IV__MAX_TILE_VECTORS = 3 };

typedef enum iv__operands {
    IV__F32,     /* as they are: a left factor may be used where it lies */
    IV__ROUNDED, /* rounded to bf16 and kept as f32, for processors without bf16 instructions */
    IV__PAIRS,   /* bf16, two bytes an element. A left factor's rows hold k in order; a panel holds
                    rows k and k + 1 of a column side by side: element (k,j) at (k/2*width + j)*2 + k%2 */
} iv__operands;

/* c[i][j] (+)= sum over `blocks` blocks of k of a(i,k) b[k][j], i < rows. a(i,k) lies at
 * a[i*ai + k*ak], blocks of it a_block apart (PAIRS: ak is 1, ai and k even); b is a panel. `last`
 * floats of the last vector are written. The sum starts in fresh registers. Each step of k (PAIRS:
 * of two k) asks for a cache line that is needed soon: ahead, ahead + ahead_step floats, ... */
typedef struct iv__tile_call {
    int64_t k, blocks;
    const void *a;
    int64_t ai, ak, a_block;
    const void *b;
    float *c;
    int64_t ldc;
    int add, last, rows;
    const float *ahead;
    int64_t ahead_step;
} iv__tile_call;
typedef void iv__tile(const iv__tile_call *t);

/* A tile of logits, turned into e = exp(logit - top). logit = before + x w + bias: x has ldx
 * elements a row; before and exact have rows of the panel's width. sums takes `width` partial sums
 * for each row. e goes out as an operand: as a left factor, rows of e_row elements, and for PAIRS
 * also as a right one in e_right, whose rows are filled up with zeros to a multiple of k_unit. */
enum {
    IV__EXP_FIRST_TOP, /* top is the maximum of this panel if `first`, else given */
    IV__EXP_FIND_TOP,  /* only raises top (sets it if `first`); neither e nor sums are written */
    IV__EXP_GIVEN_TOP,
};
typedef struct iv__exp_call {
    int64_t k;
    const void *x;
    int64_t ldx;
    const void *w;
    const float *bias, *before; /* before NULL: 0 */
    void *e, *e_right;          /* NULL: not wanted */
    int64_t e_row;
    float *exact; /* e in f32; NULL: not wanted */
    float *top, *sums;
    int first, mode, rows;
    const float *ahead;
    int64_t ahead_step;
} iv__exp_call;
typedef void iv__exp_tile(const iv__exp_call *t);

typedef struct iv__cpu {
    iv__operands operands;
    int width, rows, vectors;
    int k_unit;   /* packed factors are filled up with zeros to a multiple of so many k */
    int row_unit; /* of a left factor, rows up to a multiple of this are read, whatever they hold */
    iv__tile *tile[IV__MAX_TILE_ROWS + 1][IV__MAX_TILE_VECTORS + 1];
    iv__exp_tile *exp_tile[IV__MAX_TILE_ROWS + 1][IV__MAX_TILE_VECTORS + 1];
    iv__peak_loop *peak;

    /* Around the products of one thread, in one task; NULL: nothing is to be done. */
    void (*begin)(void);
    void (*end)(void);

    /* Rows of a panel: to(k,j) from from[k*ld + j], j < n, filled up with zeros; and the transpose,
     * from[j*ld + k]. */
    void (*pack)(int64_t k, int64_t n, const float *from, int64_t ld, void *to, int64_t width);
    void (*pack_transposed)(int64_t k, int64_t n, const float *from, int64_t ld, void *to,
                            int64_t width);
    /* A left factor from m rows of k, from[i*ld + k]: to[i*to_row + k]. */
    void (*pack_left)(int64_t k, int64_t m, const float *from, int64_t ld, void *to, int64_t to_row);
    /* A left factor from m columns of k rows, from[k*ld + i], one row tile behind the other: tile r
     * at to + r*iv__operand_k(k); its rows side by side (PAIRS: each in order of k). */
    void (*pack_tiles)(int64_t k, int64_t m, const float *from, int64_t ld, void *to);

    float (*sum)(const float *x, int64_t n);
    double (*sum_squares)(const float *x, int64_t n); /* squares are f32, their sum is not */
    float (*max)(const float *x, int64_t n);
    /* The sum of e^(x - most), and these values in `to` unless it is NULL. */
    float (*exp_sum)(const float *x, float most, float *to, int64_t n);
    /* to[j] = from[j] * factor */
    void (*scale)(const float *from, float factor, float *to, int64_t n);
    /* to[j] = factor * the sum of from[p*apart + j] over `parts`, in their order */
    void (*sum_parts)(const float *from, int64_t parts, int64_t apart, float factor, float *to,
                      int64_t n);
    /* to[i*to_row + j] = the sum of from[i*from_row + p*apart + j] over `parts`, in their order, which may be none;
     * i < places, j < n */
    void (*sum_places)(int64_t places, const float *from, int64_t from_row, int64_t parts,
                       int64_t apart, int64_t n, float *to, int64_t to_row);

    /* One row of one step of the recurrent cells (ops/rows.h). z + b are the pre-activations; `gates`
     * receives the gates unless it is NULL; states are replaced by those after the step. `inner`
     * arrives as h Ug (reset after) or receives r h (reset before, whose second half is gru_state:
     * z holds the first two gates in between). */
    void (*lstm)(int64_t units, const float *z, const float *x, const float *b, float *h, float *c,
                 float *y, float *gates, float *cells, /* x: added to z, y: h once more, cells: c; x */
                 int64_t next); /* and cells may be NULL. next: rows from here to the next step's */
    void (*gru_after)(int64_t units, const float *z, const float *b, float *inner, float *h,
                      float *gates);
    void (*gru_before)(int64_t units, float *z, const float *b, const float *h, float *inner);
    void (*gru_state)(int64_t units, const float *z, const float *b, float *h, float *gates);
    void (*simple_rnn)(int64_t units, const float *z, const float *b, float *h);
    /* The way back: dz from the gates. dh and dc arrive from the step after; dc leaves for the step
     * before, dh as far as it does not go through u. */
    void (*lstm_back)(int64_t units, const float *gates, const float *c, const float *c_before,
                      const float *dy, float *dh, float *dc, float *dz, int64_t next);
    void (*gru_back)(int64_t units, const float *gates, const float *inner, const float *h_before,
                     const float *dy, float *dh,
                     float *dz); /* inner NULL: reset before; then dz of r follows by: */
    void (*gru_reset_back)(int64_t units, const float *gates, const float *h_before,
                           const float *d_inner, float *dh, float *dz);
    void (*simple_rnn_back)(int64_t units, const float *y, const float *dy, float *dh, float *dz);
    /* all[j] += the sum of x[i*row + j] over rows i in order; to[number[i]*to_row + j] += each of
     * them, where the number is one of count. */
    void (*add_chosen)(int64_t rows, int64_t columns, const float *x, int64_t row,
                       const int32_t *number, int64_t count, float *to, float *all, int64_t to_row);

    /* For f32 operands alone, of one tile (winograd.h): 6 x 6 places and 36 points, or 1 x 6 and 6, as there are lines; n >= width
     * channels of each. in: to[p*apart + j] from from[place][j]. out: to[place][j], of rows x columns places that
     * are 2 to 5 each, or for 6 points of one row, unless it is NULL, from from[p*apart + j], which may be read up to
     * a whole vector. */
    void (*winograd_in)(int lines, const float *const *from, int64_t n, float *to, int64_t apart);
    void (*winograd_out)(int rows, int columns, const float *from, int64_t apart, int64_t n,
                         float *const *to);
    /* Of conv_w, the other way round: points of gradients of rows x columns results, or of one row; any n. Its sums at
     * the points go back by winograd_out, of taps in place of results. */
    void (*winograd_dy)(int rows, int columns, const float *const *from, int64_t n, float *to,
                        int64_t apart);
    /* to[j] = the sum over parts of factor[p] from[p*apart + j] */
    void (*weigh)(const float *from, int parts, int64_t apart, const float *factor, float *to,
                  int64_t n);
} iv__cpu;

extern const iv__cpu iv__cpu_portable, iv__cpu_avx2, iv__cpu_avx512;
extern const iv__cpu iv__cpu_portable_rounded, iv__cpu_avx2_rounded, iv__cpu_avx512_rounded;
extern const iv__cpu iv__cpu_avx512bf16, iv__cpu_amx, iv__cpu_amx_emulated;
extern const iv__backend iv__backend_portable, iv__backend_avx2, iv__backend_avx512,
    iv__backend_avx512bf16, iv__backend_avx512bf16_few, iv__backend_amx, iv__backend_amx_emulated;

static inline int64_t iv__min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t iv__ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static inline int64_t iv__round_up(int64_t n, int64_t step)
{
    return (n + step - 1) / step * step;
}

static inline size_t iv__operand_bytes(const iv__cpu *cpu)
{
    return cpu->operands == IV__PAIRS ? 2 : sizeof(float);
}

/* The k that a packed factor holds. */
static inline int64_t iv__operand_k(const iv__cpu *cpu, int64_t k)
{
    return iv__round_up(k, cpu->k_unit);
}

/* An element of a packed or given operand. */
static inline const void *iv__operand_at(const iv__cpu *cpu, const void *operand, int64_t element)
{
    return (const char *)operand + element * (int64_t)iv__operand_bytes(cpu);
}

static inline void iv__tile_run(const iv__cpu *cpu, int64_t rows, int64_t vectors, iv__tile_call *t)
{
    t->rows = (int)rows;
    cpu->tile[rows][vectors](t);
}

static inline void iv__exp_run(const iv__cpu *cpu, int64_t rows, int64_t vectors, iv__exp_call *t)
{
    t->rows = (int)rows;
    cpu->exp_tile[rows][vectors](t);
}

#endif
