/* gemm.c: products: how they are cut into tasks for threads, blocks for caches and tiles for
 * registers. */
#include "backend/cpu/gemm.h"

#include "base/threads.h"

#include <string.h>

/* A chunk of k of a panel lies in L1 while row tiles pass over it; COLUMN_PANELS of them, and the
 * row tiles of a block, lie in L2. A right factor of no more than WHOLE_BYTES stays there as a
 * whole. Tasks and chunks of packing are worth a thread's waking. */
enum {
    CHUNK_BYTES = 640,       /* of a column */
    LONG_CHUNK_BYTES = 2560, /* where few row tiles pass: panels stream from L2 */
    COLUMN_PANELS = 12,
    ROW_TILES = 16,
    HIGH_TILES = 4, /* in place of them where a tile is high */
    WHOLE_BYTES = 1 << 19,
    IN_L2 = 1 << 17,     /* floats of a left factor */
    TASK_WORK = 1 << 17, /* products */
    PACK_WORK = 1 << 15, /* floats */
    PACK_ROWS = 1024,    /* of a part of a panel: a multiple of every k_unit */
};

iv__panels iv__panels_of(const iv__cpu *cpu, int64_t n)
{
    int64_t vectors = iv__ceil_div(n, cpu->width), count = iv__ceil_div(vectors, cpu->vectors);

    return (iv__panels){ n, cpu->width, vectors, count, vectors % count, vectors / count };
}

int64_t iv__panel_of(const iv__panels *p, int64_t column)
{
    int64_t vector = column / p->width, in_wide = p->wide * (p->each + 1);

    return vector < in_wide ? vector / (p->each + 1) : p->wide + (vector - in_wide) / p->each;
}

/* Columns of the panel that exist: fewer than its width in the last one. */
static int64_t panel_columns(const iv__panels *p, int64_t panel)
{
    return iv__min64(iv__panel_vectors(p, panel) * p->width, p->n - iv__panel_begin(p, panel));
}

size_t iv__packed_bytes(const iv__cpu *cpu, int64_t k, int64_t n)
{
    return (size_t)(iv__operand_k(cpu, k) * iv__round_up(n, cpu->width)) * iv__operand_bytes(cpu);
}

/* Where row k0 of a panel begins, its rows being `rows` in all. */
static void *panel_at(const iv__cpu *cpu, const iv__panels *panels, int64_t panel, int64_t rows,
                      int64_t k0, void *packed)
{
    int64_t width = iv__panel_vectors(panels, panel) * panels->width;

    return (void *)(uintptr_t)iv__operand_at(cpu, packed,
                                             iv__panel_begin(panels, panel) * iv__operand_k(cpu, rows) +
                                                 k0 * width);
}

/* Rows [k0, k0 + k) of one panel. */
static void pack_panel(const iv__cpu *cpu, const iv__panels *panels, int64_t panel, int64_t k0,
                       int64_t k, const float *b, int64_t ld, bool transposed, void *to)
{
    int64_t j = iv__panel_begin(panels, panel), n = panel_columns(panels, panel);
    int64_t width = iv__panel_vectors(panels, panel) * panels->width;

    if (transposed)
        cpu->pack_transposed(k, n, b + j * ld + k0, ld, to, width);
    else
        cpu->pack(k, n, b + k0 * ld + j, ld, to, width);
}

typedef struct pack_job {
    const iv__cpu *cpu;
    iv__panels panels;
    int64_t k, ld, parts, chunks; /* parts of each panel; chunks of all parts */
    const float *b;
    bool transposed;
    void *to;
} pack_job;

static void pack_chunk(void *context, int64_t chunk, int thread)
{
    const pack_job *j = context;
    int64_t all = j->panels.count * j->parts, end = iv__part(all, chunk + 1, j->chunks);

    (void)thread;
    for (int64_t i = iv__part(all, chunk, j->chunks); i < end; i++) {
        int64_t panel = i / j->parts, part = i % j->parts;
        int64_t k0 = part * PACK_ROWS;
        pack_panel(j->cpu, &j->panels, panel, k0, iv__min64(PACK_ROWS, j->k - k0), j->b, j->ld,
                   j->transposed, panel_at(j->cpu, &j->panels, panel, j->k, k0, j->to));
    }
}

void iv__pack(iv_home *home, const iv__cpu *cpu, int64_t k, int64_t n, const float *b, int64_t ld,
              bool transposed, void *to)
{
    pack_job job = { .cpu = cpu,
                     .panels = iv__panels_of(cpu, n),
                     .k = k,
                     .ld = ld,
                     .b = b,
                     .transposed = transposed,
                     .to = to };

    job.parts = iv__ceil_div(k, PACK_ROWS);
    job.chunks = iv__min64(job.panels.count * job.parts, k * n / PACK_WORK + 1);
    iv__parallel(home, job.chunks, pack_chunk, &job);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/* How a product is cut. Which thread does what, and in what pieces, changes no sum. */
typedef struct product_job {
    const iv__cpu *cpu;
    const iv__product *p;
    iv__panels panels;
    int64_t row_tiles, row_groups, column_groups;
    bool copy_a;
    char *scratch;
    size_t thread_bytes;
} product_job;

/* Operands that are not f32 are made out of it. Left factors whose rows lie a multiple of 2 KiB apart, transposed
 * ones of 4 KiB, would share a few sets of L1, and are copied to rows that do not; so are transposed ones that do
 * not lie in L2. */
static bool copies_a(const iv__cpu *cpu, const iv__product *p)
{
    if (cpu->operands != IV__F32)
        return true;
    return p->m > cpu->rows && p->n > cpu->vectors * cpu->width &&
           (p->a_transposed ? p->lda % 1024 == 0 || p->k * p->lda > IN_L2
                            : p->lda % 512 == 0 && p->n >= 256);
}

static int64_t even_chunk(const iv__cpu *cpu, int64_t k, int64_t bytes)
{
    int64_t most = bytes / (int64_t)iv__operand_bytes(cpu);

    return iv__operand_k(cpu, iv__ceil_div(k, iv__ceil_div(k, most)));
}

int64_t iv__product_chunk(const iv__cpu *cpu, int64_t k)
{
    return even_chunk(cpu, k, CHUNK_BYTES);
}

int64_t iv__product_rows_chunk(const iv__cpu *cpu, int64_t k)
{
    return even_chunk(cpu, k, LONG_CHUNK_BYTES);
}

static int64_t block_rows(const iv__cpu *cpu)
{
    return (cpu->rows > ROW_TILES ? HIGH_TILES : ROW_TILES) * cpu->rows;
}

/* Elements from row to row of a copied left factor that is not transposed. */
static int64_t copied_row(const iv__cpu *cpu, int64_t k)
{
    return iv__left_row(cpu, k);
}

static size_t copied_a_bytes(const iv__cpu *cpu, const iv__product *p)
{
    if (!copies_a(cpu, p))
        return 0;
    int64_t rows = iv__min64(block_rows(cpu), iv__round_up(p->m, cpu->rows)),
            k = iv__product_chunk(cpu, p->k);
    int64_t elements = p->a_transposed && cpu->operands != IV__PAIRS ? k * iv__odd_lines(rows)
                                                                     : rows * copied_row(cpu, k);
    return (size_t)iv__round_up(elements, 64) * iv__operand_bytes(cpu);
}

/* Columns that are worked on at once, at most. */
static int64_t block_columns(const iv__cpu *cpu, const iv__product *p)
{
    return iv__min64(iv__round_up(p->n, cpu->width), COLUMN_PANELS * cpu->vectors * cpu->width);
}

/* b of such columns stays in L2 with all of its k: then rows of a come once for all k. */
static bool holds_whole_b(const iv__cpu *cpu, const iv__product *p)
{
    return iv__packed_bytes(cpu, p->k, block_columns(cpu, p)) <= WHOLE_BYTES;
}

static size_t packed_b_bytes(const iv__cpu *cpu, const iv__product *p)
{
    if (p->from_panels)
        return 0;
    int64_t k = holds_whole_b(cpu, p) ? p->k : iv__product_chunk(cpu, p->k);
    return (iv__packed_bytes(cpu, k, block_columns(cpu, p)) + 63) / 64 * 64;
}

size_t iv__product_scratch(iv_home *home, const iv__cpu *cpu, const iv__product *p)
{
    return (copied_a_bytes(cpu, p) + packed_b_bytes(cpu, p)) * (size_t)iv_home_threads(home);
}

/* A left factor as a block reads it: a(i,k) at a[i*ai + k*ak], row tiles at multiples of a_row. */
typedef struct left {
    const void *a;
    int64_t ai, ak, a_row;
} left;

/* That of rows [i, i+m) and k [k0, k0+k). */
static left left_of(const product_job *j, const float *a, int64_t i, int64_t m, int64_t k0,
                    int64_t k, void *room)
{
    const iv__product *p = j->p;
    const float *from = p->a_transposed ? a + k0 * p->lda + i : a + i * p->lda + k0;
    int64_t row = copied_row(j->cpu, k);

    if (!j->copy_a)
        return p->a_transposed ? (left){ from, 1, p->lda, 1 } : (left){ from, p->lda, 1, p->lda };
    if (!p->a_transposed) {
        j->cpu->pack_left(k, m, from, p->lda, room, row);
        return (left){ room, row, 1, row };
    }
    if (j->cpu->operands == IV__PAIRS) {
        j->cpu->pack_tiles(k, m, from, p->lda, room);
        row = iv__operand_k(j->cpu, k);
        return (left){ room, row, 1, row };
    }
    row = iv__odd_lines(m);
    j->cpu->pack(k, m, from, p->lda, room, row);
    return (left){ room, 1, row, 1 };
}

/* What is read next, to be asked for meanwhile: a line of `rows` rows by each of some tiles. */
typedef struct soon {
    const float *from;
    int64_t step, rows, lines, asked;
} soon;

/* Panels [begin,end) of b, of `rows` rows, and the chunk of k in hand, from k0 on: columns are
 * counted from those of `begin`. */
typedef struct right {
    const void *b;
    int64_t begin, end, rows, k0;
    soon next;
} right;

/* A tile asks for a line of as many rows as it takes steps. */
static void ask(const iv__cpu *cpu, soon *s, iv__tile_call *t)
{
    int64_t steps = cpu->operands == IV__PAIRS ? t->k / 2 : t->k, turns = iv__ceil_div(s->rows, steps);

    t->ahead = t->b;
    t->ahead_step = 0;
    if (s->asked < s->lines * turns) {
        t->ahead = s->from + s->asked / turns * 16 + s->asked % turns * steps * s->step;
        t->ahead_step = s->step;
        s->asked++;
    }
}

/* A tile of rows from `row` on; where they belong to several parts of c, piece by piece. */
static void run_tile(const product_job *j, int64_t row, int64_t rows, int64_t column,
                     int64_t vectors, float *c, iv__tile_call *t)
{
    const iv__product *p = j->p;

    for (int64_t n, end = row + rows; row < end; row += n) {
        int64_t first = 0, next = end;
        float *to = c;
        for (int i = 0; i < p->parts; i++) {
            if (row >= p->part[i].first) {
                first = p->part[i].first;
                to = p->part[i].c;
            } else {
                next = iv__min64(next, p->part[i].first);
            }
        }
        n = next - row;
        t->c = to + (row - first) * t->ldc + column;
        iv__tile_run(j->cpu, n, vectors, t);
        t->a = iv__operand_at(j->cpu, t->a, n * t->ai);
    }
}

/* Rows from `row` on in tiles, over panels. The panel is the slower index: it stays in L1. Tiles are as even
 * as possible, for one of a row or two takes nearly as long as a whole one; pairs are laid out in whole ones. */
static void block(const product_job *j, const left *l, right *r, int64_t row, int64_t m, int64_t k,
                  float *c, bool add)
{
    const iv__cpu *cpu = j->cpu;
    int64_t first = iv__panel_begin(&j->panels, r->begin), tiles = iv__ceil_div(m, cpu->rows);
    const bool even = cpu->operands != IV__PAIRS;
    iv__tile_call t = {
        .k = iv__operand_k(cpu, k), .blocks = 1, .ai = l->ai, .ak = l->ak, .ldc = j->p->ldc, .add = add
    };

    for (int64_t panel = r->begin; panel < r->end; panel++) {
        int64_t column = iv__panel_begin(&j->panels, panel),
                vectors = iv__panel_vectors(&j->panels, panel);
        t.b = iv__operand_at(cpu, r->b,
                             (column - first) * iv__operand_k(cpu, r->rows) +
                                 r->k0 * vectors * cpu->width);
        t.last = (int)(panel_columns(&j->panels, panel) - (vectors - 1) * cpu->width);
        for (int64_t tile = 0; tile < tiles; tile++) {
            int64_t i = even ? iv__part(m, tile, tiles) : tile * cpu->rows,
                    next = even ? iv__part(m, tile + 1, tiles) : iv__min64(m, i + cpu->rows);
            t.a = iv__operand_at(cpu, l->a, i * l->a_row);
            ask(cpu, &r->next, &t);
            run_tile(j, row + i, next - i, column, vectors, c, &t);
        }
    }
}

static right right_of(const product_job *j, const float *b, int64_t begin, int64_t end, int64_t k0,
                      int64_t k, void *room)
{
    const iv__product *p = j->p;
    int64_t column = iv__panel_begin(&j->panels, begin);

    if (p->from_panels)
        return (right){ .b = iv__operand_at(j->cpu, p->packed, column * iv__operand_k(j->cpu, p->k)),
                        .begin = begin,
                        .end = end,
                        .rows = p->k,
                        .k0 = k0 };
    for (int64_t q = begin; q < end; q++) {
        int64_t at = (iv__panel_begin(&j->panels, q) - column) * iv__operand_k(j->cpu, k);
        pack_panel(j->cpu, &j->panels, q, k0, k, b, p->ldb, p->b_transposed,
                   (void *)(uintptr_t)iv__operand_at(j->cpu, room, at));
    }
    return (right){ .b = room, .begin = begin, .end = end, .rows = k };
}

/* What is packed after the chunk in hand: more of its columns, or the first of the next ones. */
static void ask_for_next(const product_job *j, const float *b, int64_t begin, int64_t end,
                         int64_t next_k, right *r)
{
    int64_t column = iv__panel_begin(&j->panels, begin), next = iv__panel_begin(&j->panels, end);

    r->next = (soon){ .from = next_k < j->p->k ? b + next_k * j->p->ldb + column : b + next,
                      .step = j->p->ldb,
                      .rows = iv__product_chunk(j->cpu, j->p->k),
                      .lines = iv__ceil_div(next - column, 16) + 1 };
}

/* Rows from i on, as many as a block has and not beyond end, and the chunk of k from k0 on. */
static void rows_and_chunk(const product_job *j, const float *a, right *r, int64_t i, int64_t end,
                           int64_t k0, float *c, void *a_room)
{
    const iv__product *p = j->p;
    int64_t m = iv__min64(block_rows(j->cpu), end - i),
            k = iv__min64(iv__product_chunk(j->cpu, p->k), p->k - k0);
    left l = left_of(j, a, i, m, k0, k, a_room);

    if (!j->copy_a && !p->a_transposed && p->from_panels) { /* more of these rows, or the next ones */
        bool more = holds_whole_b(j->cpu, p) && k0 + k < p->k;
        r->next = (soon){ .from = a + (more ? i : i + m) * p->lda +
                                  (more                       ? k0 + k
                                   : holds_whole_b(j->cpu, p) ? 0
                                                              : k0),
                          .step = p->lda,
                          .rows = m,
                          .lines = iv__ceil_div(k, 16) + 1 };
    }
    block(j, &l, r, i, m, k, c, p->add || k0);
}

/* Rows [i, i + m) of c are finished, of all columns. */
static void go_on(const product_job *j, int64_t batch, int64_t i, int64_t end, int thread)
{
    const iv__product *p = j->p;
    int64_t m = iv__min64(block_rows(j->cpu), end - i);

    if (p->then && j->column_groups == 1)
        p->then->work(p->then->context, batch * p->c_batch + i * p->n, m * p->n, thread);
}

/* Rows [i0,i1) and panels [q0,q1) of one batch. */
static void product_part(const product_job *j, int64_t batch, int64_t i0, int64_t i1, int64_t q0,
                         int64_t q1, char *room, int thread)
{
    const iv__product *p = j->p;
    const float *a = (const float *)p->a + batch * p->a_batch,
                *b = p->b ? p->b + batch * p->b_batch : NULL;
    float *c = p->c + batch * p->c_batch;
    int64_t rows = block_rows(j->cpu), k_chunk = iv__product_chunk(j->cpu, p->k);
    void *b_room = room, *a_room = room ? room + packed_b_bytes(j->cpu, p) : NULL;

    for (int64_t q = q0; q < q1; q += COLUMN_PANELS) {
        int64_t q_end = iv__min64(q + COLUMN_PANELS, q1);
        if (holds_whole_b(j->cpu, p)) {
            right r = right_of(j, b, q, q_end, 0, p->k, b_room);
            for (int64_t i = i0; i < i1; i += rows) {
                for (r.k0 = 0; r.k0 < p->k; r.k0 += k_chunk)
                    rows_and_chunk(j, a, &r, i, i1, r.k0, c, a_room);
                if (q_end == q1)
                    go_on(j, batch, i, i1, thread);
            }
            continue;
        }
        for (int64_t k0 = 0; k0 < p->k; k0 += k_chunk) {
            right r = right_of(j, b, q, q_end, k0, iv__min64(k_chunk, p->k - k0), b_room);
            if (!p->from_panels && !p->b_transposed)
                ask_for_next(j, b, q, q_end, k0 + k_chunk, &r);
            for (int64_t i = i0; i < i1; i += rows) {
                rows_and_chunk(j, a, &r, i, i1, k0, c, a_room);
                if (q_end == q1 && k0 + k_chunk >= p->k)
                    go_on(j, batch, i, i1, thread);
            }
        }
    }
}

static void product_task(void *context, int64_t chunk, int thread)
{
    const product_job *j = context;
    const iv__product *p = j->p;
    int64_t groups = j->row_groups * j->column_groups;
    int64_t batch = chunk / groups, rg = chunk % groups / j->column_groups,
            cg = chunk % j->column_groups;

    if (j->cpu->begin)
        j->cpu->begin();
    product_part(j, batch, iv__part(j->row_tiles, rg, j->row_groups) * j->cpu->rows,
                 iv__min64(iv__part(j->row_tiles, rg + 1, j->row_groups) * j->cpu->rows, p->m),
                 iv__part(j->panels.count, cg, j->column_groups),
                 iv__part(j->panels.count, cg + 1, j->column_groups),
                 j->thread_bytes ? j->scratch + (size_t)thread * j->thread_bytes : NULL, thread);
    if (j->cpu->end)
        j->cpu->end();
}

/* Tasks enough for the threads, with as little repeated copying as can be: each row group packs b
 * again, each column group passes over a again. */
static void cut(product_job *j, int64_t threads)
{
    const iv__product *p = j->p;
    int64_t batches = p->batches > 1 ? p->batches : 1;
    double work = (double)p->m * (double)p->n * (double)p->k;
    double wanted = threads < 2 ? 1 : work * (double)batches / TASK_WORK;
    int64_t most = (j->copy_a ? 2 : 4) * threads;
    int64_t tasks = wanted < (double)most ? (int64_t)wanted : most;
    int64_t each = iv__ceil_div(tasks, batches);
    double best = 0;

    j->row_groups = j->column_groups = 1;
    for (int64_t rg = 1; each > 1 && rg <= iv__min64(each, j->row_tiles); rg++) {
        int64_t cg = iv__min64(iv__ceil_div(each, rg), j->panels.count);
        double cost = (p->from_panels ? 0.2 : 1.0) * (double)rg * (double)p->n +
                      (j->copy_a ? 2.0 : 0.2) * (double)cg * (double)p->m;
        if (rg * cg * 2 < each)
            cost *= 4; /* too few */
        if (best == 0 || cost < best) {
            best = cost;
            j->row_groups = rg;
            j->column_groups = cg;
        }
    }
}

void iv__product_run(iv_home *home, const iv__cpu *cpu, const iv__product *p, void *scratch)
{
    product_job j = { .cpu = cpu, .p = p, .panels = iv__panels_of(cpu, p->n), .scratch = scratch };

    j.row_tiles = iv__ceil_div(p->m, cpu->rows);
    j.copy_a = copies_a(cpu, p);
    j.thread_bytes = copied_a_bytes(cpu, p) + packed_b_bytes(cpu, p);
    cut(&j, iv_home_threads(home));
    iv__parallel(home, (p->batches > 1 ? p->batches : 1) * j.row_groups * j.column_groups,
                 product_task, &j);
}

void iv__product_alone(const iv__cpu *cpu, const iv__product *p, void *room)
{
    product_job j = { .cpu = cpu, .p = p, .panels = iv__panels_of(cpu, p->n), .copy_a = copies_a(cpu, p) };

    product_part(&j, 0, 0, p->m, 0, j.panels.count, room, 0);
}

iv__stream iv__stream_of(const void *from, int64_t lines, int64_t steps)
{
    enum { LINE = 16, QUARTER = 4 };
    int64_t step = iv__round_up(iv__ceil_div(lines * LINE, steps), QUARTER);

    return (iv__stream){ from, lines * LINE, iv__min64(step, LINE) };
}

/* The columns of panels [begin,end), sums over k in chunks. */
static void rows_by_panels(const iv__cpu *cpu, const iv__panels *panels, int64_t begin, int64_t end,
                           int64_t chunk, const iv__product *p)
{
    int64_t tiles = iv__ceil_div(p->m, cpu->rows), batches = p->batches > 1 ? p->batches : 1;
    int64_t rows_of_panel = iv__operand_k(cpu, p->packed_rows ? p->packed_rows : p->k);
    int64_t steps = cpu->operands == IV__PAIRS ? 2 : 1,
            line_elements = 64 / (int64_t)iv__operand_bytes(cpu);
    iv__tile_call t = { .blocks = 1,
                        .ai = p->a_transposed ? 1 : p->lda,
                        .ak = p->a_transposed ? p->lda : 1 };

    t.ldc = p->ldc;
    for (int64_t panel = begin; panel < end; panel++) {
        int64_t column = iv__panel_begin(panels, panel), vectors = iv__panel_vectors(panels, panel);
        t.last = (int)(panel_columns(panels, panel) - (vectors - 1) * cpu->width);
        for (int64_t k0 = 0; k0 < p->k; k0 += chunk) {
            int64_t width = vectors * cpu->width;
            t.k = iv__operand_k(cpu, iv__min64(chunk, p->k - k0));
            t.b = iv__operand_at(cpu, p->packed, column * rows_of_panel + (p->first_row + k0) * width);
            t.add = p->add || k0;
            int64_t done = 0, size = t.k * width;
            iv__stream next = iv__stream_of(iv__operand_at(cpu, t.b, size), size / line_elements,
                                            batches * tiles * (t.k / steps));
            for (int64_t batch = 0; batch < batches; batch++) {
                for (int64_t tile = 0; tile < tiles; tile++) {
                    int64_t r = iv__part(p->m, tile, tiles), rows = iv__part(p->m, tile + 1, tiles) - r;
                    t.a = iv__operand_at(cpu, p->a, batch * p->a_batch + r * t.ai + k0 * t.ak);
                    t.c = p->c + batch * p->c_batch + r * p->ldc + column;
                    t.ahead = iv__look_ahead(&next, done, &t.ahead_step);
                    iv__tile_run(cpu, rows, vectors, &t);
                    done += t.k / steps;
                }
            }
        }
    }
}

void iv__product_rows(const iv__cpu *cpu, const iv__panels *panels, const iv__product *p)
{
    iv__product_panels(cpu, panels, 0, panels->count, p);
}

void iv__product_panels(const iv__cpu *cpu, const iv__panels *panels, int64_t begin, int64_t end,
                        const iv__product *p)
{
    rows_by_panels(cpu, panels, begin, end, iv__product_rows_chunk(cpu, p->k), p);
}

void iv__product_columns(const iv__cpu *cpu, const iv__panels *panels, int64_t begin, int64_t end,
                         const iv__product *p)
{
    rows_by_panels(cpu, panels, begin, end, iv__product_chunk(cpu, p->k), p);
}
