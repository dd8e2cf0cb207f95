/* sum_to.c: the row "sum_to" where leading axes are summed and the last ones stay, as gradients of biases
 * want it: sums of columns. */
#include "backend/cpu/rows.h"

#include "base/threads.h"

/* A few rows at a time are summed in f32, these sums in f64. Slices of the rows are shared out. */
enum { ROWS = 32, SLICES = 16, SLICE_FLOATS = 1 << 15, COLUMNS = 256, LEAST_COLUMNS = 16 };

typedef struct columns_job {
    const iv__cpu *cpu;
    const float *x;
    int64_t rows, row, columns, slices; /* row: floats from one to the next */
    double sum[SLICES][COLUMNS];
} columns_job;

/* How many elements the axes at the end have that stay; 0: other axes stay, too. */
static int64_t kept_columns(const iv_shape *x, const iv_shape *y)
{
    int64_t columns = 1, k = 1;

    for (; k <= y->rank && y->dim[y->rank - k] == x->dim[x->rank - k]; k++)
        columns *= x->dim[x->rank - k];
    return columns == iv_shape_count(y) ? columns : 0;
}

bool iv__fits_columns(const iv_kernel_call *k)
{
    return iv__fits_f32(k) && kept_columns(k->in[0].shape, k->out[0].shape) >= LEAST_COLUMNS;
}

static void sum_slice(void *context, int64_t slice, int thread)
{
    columns_job *j = context;
    int64_t row = iv__part(j->rows, slice, j->slices), end = iv__part(j->rows, slice + 1, j->slices);
    double *sum = j->sum[slice];

    (void)thread;
    for (int64_t c = 0; c < j->columns; c++)
        sum[c] = 0;
    for (int64_t n; row < end; row += n) {
        float part[COLUMNS];
        n = iv__min64(ROWS, end - row);
        j->cpu->sum_parts(j->x + row * j->row, n, j->row, 1, part, j->columns);
        for (int64_t c = 0; c < j->columns; c++)
            sum[c] += (double)part[c];
    }
}

void iv__sum_to_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    columns_job j = { .cpu = cpu, .row = kept_columns(k->in[0].shape, k->out[0].shape) };

    j.rows = iv_shape_count(k->in[0].shape) / j.row;
    for (int64_t first = 0; first < j.row; first += COLUMNS) {
        float *y = (float *)k->out[0].data + first;
        j.x = (const float *)k->in[0].data + first;
        j.columns = iv__min64(COLUMNS, j.row - first);
        j.slices = iv__min64(iv__min64(j.rows * j.columns / SLICE_FLOATS + 1, SLICES), j.rows);
        iv__parallel(k->home, j.slices, sum_slice, &j);
        for (int64_t c = 0; c < j.columns; c++) {
            double total = 0;
            for (int64_t s = 0; s < j.slices; s++)
                total += j.sum[s][c];
            y[c] = (float)total;
        }
    }
}
