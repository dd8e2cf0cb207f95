/* recurrent_back.c: the way back of the recurrent rows: groups of records, and the gradients of the
 * weights. */
#include "backend/cpu/recurrent.h"

#include "base/threads.h"
#include "ops/rows.h"

#include <string.h>

/* The weight gradients of many rows and small weights are summed in slots, one for each group of
 * records, while dz is in L2: SLOTS groups or a multiple of it, if each has SLOT_RECORDS records at
 * least and adding up the slots costs less than reading all dz again. Fewer records have FEW_SLOTS,
 * each of them one group or, where there are more threads, several, after which the slots are summed
 * as those groups would have done it. Shapes alone decide, so that threads change no sum. Else one
 * product at the end sums over all rows at once. */
enum { SLOTS = 8, FEW_SLOTS = 2, SLOT_RECORDS = 4, SLOT_WORTH = 3 };

/* Rows of dz, at most, that a group makes before it works on them: they and what is multiplied with
 * them stay in L2, and products over them have one chunk of k. */
enum { CHUNK_ROWS = 128 };
_Static_assert((int)CHUNK_ROWS >= (int)IV__GROUP_RECORDS, "a chunk is a step at least");

static int64_t left_columns(const iv__sequence *s, bool extra)
{
    return s->units + (extra ? s->units : 0) + (s->numbered ? 0 : 1 + s->inputs);
}

/* Rows of the whole product of the weights; the last ones are sums that numbers choose. */
static int64_t weight_rows(const iv__sequence *s, bool extra)
{
    return s->units + (extra ? s->units : 0) + 1 + s->inputs;
}

static int64_t slots_of(const iv__sequence *s, bool extra)
{
    int64_t rows = s->records * s->steps, sums = weight_rows(s, extra);

    if (s->records < SLOTS * SLOT_RECORDS)
        return s->records >= FEW_SLOTS * SLOT_RECORDS && s->records % FEW_SLOTS == 0 &&
                       rows >= FEW_SLOTS * sums
                   ? FEW_SLOTS
                   : 0;
    return rows < SLOT_WORTH * SLOTS * sums
               ? 0
               : iv__round_up(iv__ceil_div(s->records, IV__GROUP_RECORDS), SLOTS);
}

/* At least that of the product at the end. */
static int64_t slots_made(const iv__backward *b)
{
    return b->slots ? b->slots : 1;
}

/* Groups that a slot's records are cut into. */
static int64_t groups_of_slot(const iv__backward *b)
{
    return b->slots == FEW_SLOTS ? iv__ceil_div(iv_home_threads(b->k->home), b->slots) : 1;
}

/* No group has records of two slots. */
static int64_t group_begin(const iv__backward *b, int64_t group)
{
    int64_t each = b->s.groups / slots_made(b);

    return iv__part(b->s.records, group / each, slots_made(b)) +
           iv__part(b->slot_records, group % each, each);
}

/* Sizes: all but groups, of which there may be as many as threads, by shapes alone. */
static void lay_out(iv__backward *b)
{
    iv__sequence *s = &b->s;
    bool extra = b->extra >= 0;

    b->slots = slots_of(s, extra);
    b->slot_records = iv__ceil_div(s->records, slots_made(b));
    if (b->slots)
        iv__cut_records(s, b->slots * groups_of_slot(b));
    b->at_once = s->groups == b->slots;
    s->chunk = iv__min64(s->steps, CHUNK_ROWS / (b->slots ? b->slot_records : s->group_records));
    b->left_width = left_columns(s, extra);
    b->left_row = iv__odd_lines(b->left_width);
    b->dz_row = iv__odd_lines(b->dz_width);
    b->sum_rows = b->slots ? b->slot_records * s->chunk : s->records * s->steps;
    b->rows = b->at_once ? b->sum_rows : s->records * s->steps;
    b->weights = iv__round_up(weight_rows(s, extra) * b->dz_width, 16);
}

static iv__product weights_product(const iv__backward *b, int64_t rows)
{
    return (iv__product){ .m = b->left_width,
                          .n = b->dz_width,
                          .k = rows,
                          .a_transposed = true,
                          .lda = b->left_row,
                          .ldb = b->dz_row,
                          .ldc = b->dz_width };
}

/* Of rows: dz, left factors, and the numbers of x. */
static int64_t store_floats(const iv__backward *b)
{
    return b->rows * (b->dz_row + b->left_row) + (b->s.numbered ? iv__round_up(b->rows, 16) : 0);
}

/* Left factors that are not f32: dz of a step, or of a chunk for dx. */
static int64_t operand_floats(const iv__backward *b)
{
    const iv__sequence *s = &b->s;
    int64_t step = iv__left_floats(b->cpu, s->group_records, b->dz_width),
            chunk = iv__left_floats(b->cpu, s->group_records * s->chunk, s->sums);

    return b->cpu->operands == IV__F32 ? 0 : s->numbered || step > chunk ? step : chunk;
}

/* Of a thread: dh, dc and room of a group, its left factors and, if that sums at once, its store. */
static int64_t thread_floats(const iv__backward *b)
{
    return 3 * b->s.group_records * b->s.state_row + operand_floats(b) +
           (b->at_once ? store_floats(b) : 0);
}

size_t iv__backward_scratch(const iv__backward *given)
{
    iv__backward b = *given;

    lay_out(&b);
    iv__product w = weights_product(&b, b.sum_rows);
    int64_t floats = slots_made(&b) * b.weights + (b.at_once ? 0 : store_floats(&b)) +
                     iv_home_threads(b.k->home) * thread_floats(&b);
    return (size_t)floats * sizeof(float) + iv__product_scratch(b.k->home, b.cpu, &w);
}

void iv__back_through_u(const iv__backward *b, const iv__record_group *g, int64_t first,
                        int64_t columns, const void *packed, float *to, bool add)
{
    iv__product p = { .m = g->end - g->begin,
                      .n = b->s.units,
                      .k = columns,
                      .a = g->z + first,
                      .lda = g->z_row,
                      .from_panels = true,
                      .packed = packed,
                      .c = to,
                      .ldc = b->s.state_row,
                      .add = add };

    iv__take_left(b->cpu, g, &p);
    iv__product_rows(b->cpu, &b->units, &p);
}

void iv__back_held(const iv__backward *b, const iv__record_group *g, int64_t record, int64_t time)
{
    const iv__sequence *s = &b->s;
    const float *dy = (const float *)b->k->in[b->dy].data + (record * s->steps + time) * s->units;
    float *dh = g->h + (record - g->begin) * s->state_row;

    for (int64_t j = 0; j < s->units; j++)
        dh[j] += dy[j];
    memset(g->z + (record - g->begin) * g->z_row, 0, (size_t)b->dz_width * sizeof(float));
}

/* ---- what a group keeps of a chunk of steps: the rows of its records, one behind the other ------ */

typedef struct kept {
    float *dz, *left;
    int32_t *numbers;
    int64_t record_rows; /* rows from one record to the next */
} kept;

/* Where those of a group begin with the chunk of steps [begin, end). Slots have their chunks, and
 * these their records, one behind the other. */
static kept kept_of(const iv__backward *b, int64_t first_record, int64_t begin, int64_t end, float *store)
{
    int64_t in_slot = first_record % b->slot_records, row = 0;
    float *left = store + b->rows * b->dz_row;

    if (!b->slots)
        row = first_record * b->s.steps + begin;
    else if (!b->at_once)
        row = (first_record - in_slot) * b->s.steps + b->slot_records * begin + in_slot * (end - begin);
    return (kept){ .dz = store + row * b->dz_row,
                   .left = left + row * b->left_row,
                   .numbers = (int32_t *)(void *)(left + b->rows * b->left_row) + row,
                   .record_rows = b->slots ? end - begin : b->s.steps };
}

/* The row of the left factor [h before, extra, 1, x] of one step of one record. */
static void keep_left(const iv__backward *b, float *left, int64_t n, int64_t step)
{
    const iv__sequence *s = &b->s;
    int64_t at = n * s->steps + iv__step_time(s, step);
    size_t state = (size_t)s->units * sizeof(float);

    if (iv__held(s, n, iv__step_time(s, step))) {
        /* dz is 0, and whatever stands in x must stay without effect */
        memset(left, 0, (size_t)b->left_width * sizeof *left);
        return;
    }
    memcpy(left, iv__state_before(s, b->k->in[b->y].data, b->k->in[b->h0].data, n, step), state);
    left += s->units;
    if (b->extra >= 0) {
        memcpy(left, (const float *)b->k->in[b->extra].data + at * s->units, state);
        left += s->units;
    }
    if (s->numbered)
        return;
    *left++ = 1;
    memcpy(left, (const float *)b->k->in[0].data + at * s->inputs, (size_t)s->inputs * sizeof(float));
}

static void keep_lefts(const iv__backward *b, const iv__record_group *g, const kept *r,
                       int64_t begin, int64_t end)
{
    const iv__sequence *s = &b->s;
    const int32_t *numbers = s->numbered ? b->k->in[0].data : NULL;

    for (int64_t n = g->begin; n < g->end; n++) {
        for (int64_t step = begin; step < end; step++) {
            int64_t row = (n - g->begin) * r->record_rows + step - begin;
            keep_left(b, r->left + row * b->left_row, n, step);
            if (numbers)
                r->numbers[row] = numbers[n * s->steps + iv__step_time(s, step)];
        }
    }
}

/* dx of a chunk: tiles are the steps of one record, or the records at one step. */
static void input_gradients(const iv__backward *b, const iv__record_group *g, const kept *r,
                            int64_t begin, int64_t end)
{
    const iv__sequence *s = &b->s;
    iv__panels panels = iv__panels_of(b->cpu, s->inputs);
    int64_t records = g->end - g->begin, steps = end - begin, record = s->steps * s->inputs,
            step = s->reverse ? -s->inputs : s->inputs, record_dz = r->record_rows * b->dz_row;
    bool by_record = steps >= records;
    iv__product p = { .m = by_record ? steps : records,
                      .n = s->inputs,
                      .k = s->sums,
                      .a = r->dz,
                      .lda = by_record ? b->dz_row : record_dz,
                      .from_panels = true,
                      .packed = b->packed_w,
                      .c = (float *)b->k->out[0].data + g->begin * record +
                           iv__step_time(s, begin) * s->inputs,
                      .ldc = by_record ? step : record,
                      .batches = by_record ? records : steps,
                      .a_batch = by_record ? record_dz : b->dz_row,
                      .c_batch = by_record ? record : step };

    iv__take_lefts(b->cpu, g, &p);
    iv__product_rows(b->cpu, &panels, &p);
}

/* The rows of 1 and x where x are numbers, of columns [first, first + n): no product is needed. */
static void add_chosen(const iv__backward *b, const kept *r, int64_t rows, int64_t first, int64_t n,
                       float *ones, float *x)
{
    b->cpu->add_chosen(rows, n, r->dz + first, b->dz_row, r->numbers, b->s.inputs, x + first,
                       ones + first, b->dz_width);
}

/* What a chunk adds to the sums of its slot. */
static void chunk_gradients(const iv__backward *b, const kept *r, int64_t rows, bool first,
                            float *sums, void *room)
{
    float *ones = sums + b->left_width * b->dz_width;
    iv__product w = weights_product(b, rows);

    w.a = r->left;
    w.b = r->dz;
    w.c = sums;
    w.add = !first;
    iv__product_alone(b->cpu, &w, room);
    if (!b->s.numbered)
        return;
    if (first)
        memset(ones, 0, (size_t)((1 + b->s.inputs) * b->dz_width) * sizeof *sums);
    add_chosen(b, r, rows, 0, b->dz_width, ones, ones + b->dz_width);
}

static bool wants_weights(const iv__backward *b)
{
    return b->k->out[1].data || b->k->out[2].data || b->k->out[3].data;
}

static void backward_group(void *context, int64_t group, int thread)
{
    const iv__backward *b = context;
    const iv_kernel_call *k = b->k;
    const iv__sequence *s = &b->s;
    int64_t states = s->group_records * s->state_row;
    iv__record_group g = { .begin = group_begin(b, group), .end = group_begin(b, group + 1) };
    float *store;

    g.h = b->rooms + thread * thread_floats(b);
    g.c = g.h + states;
    g.room = g.c + states;
    g.left = g.room + states;
    store = b->at_once ? g.room + states + operand_floats(b) : b->store;
    if (b->cpu->begin)
        b->cpu->begin();
    iv__copy_states(s, &g, g.h, k->in[b->dh].data);
    if (b->dc >= 0)
        iv__copy_states(s, &g, g.c, k->in[b->dc].data);
    for (int64_t end = s->steps, begin; end > 0; end = begin) {
        begin = end > s->chunk ? end - s->chunk : 0;
        kept r = kept_of(b, g.begin, begin, end, store);
        g.z_row = r.record_rows * b->dz_row;
        for (int64_t step = end - 1; step >= begin; step--) {
            g.z = r.dz + (step - begin) * b->dz_row;
            b->step(b, &g, step);
        }
        if (wants_weights(b)) {
            keep_lefts(b, &g, &r, begin, end);
            if (b->at_once)
                chunk_gradients(b, &r, (g.end - g.begin) * r.record_rows, end == s->steps,
                                b->sums + group * b->weights, b->scratch + thread * b->scratch_thread);
        }
        if (k->out[0].data && !s->numbered)
            input_gradients(b, &g, &r, begin, end);
    }
    iv__deliver_states(s, &g, k->out[4].data, g.h);
    if (b->dc >= 0)
        iv__deliver_states(s, &g, k->out[5].data, g.c);
    if (b->cpu->end)
        b->cpu->end();
}

/* ---- the gradients of the weights: rows of [h before, extra, 1, x]^T dz ----------------------- */

/* Where a row of sums is delivered, NULL if nowhere: to its output if the product's rows are those. */
static float *delivered(const iv__backward *b, int64_t row)
{
    const iv_kernel_call *k = b->k;
    const int64_t ones = b->s.units;
    float *out = k->out[row < ones ? 2 : row == ones ? 3 : 1].data;

    if (!b->straight)
        return b->sums + row * b->dz_width;
    return out ? out + (row < ones ? row : row == ones ? 0 : row - ones - 1) * b->dz_width : NULL;
}

/* Whether rows are made where they are delivered: products of x come in three parts then. */
static bool makes_in_place(const iv__backward *b)
{
    return b->straight && !b->slots && (b->s.numbered || b->cpu->row_unit == 1);
}

/* Where a row is made. */
static float *made(const iv__backward *b, int64_t slot, int64_t row)
{
    float *to = makes_in_place(b) ? delivered(b, row) : NULL;

    return to ? to : b->sums + slot * b->weights + row * b->dz_width;
}

/* Where the chunk begins that ends with a step, of those whose rows are summed at once. */
static int64_t sum_begin(const iv__backward *b, int64_t end)
{
    return b->slots && end > b->s.chunk ? end - b->s.chunk : 0;
}

/* Columns that a task owns. */
enum { SUM_COLUMNS = 64 };

static void sum_chosen(void *context, int64_t task, int thread)
{
    const iv__backward *b = context;
    int64_t slot = task % slots_made(b), first = task / slots_made(b) * SUM_COLUMNS,
            n = iv__min64(SUM_COLUMNS, b->dz_width - first);
    float *ones = made(b, slot, b->left_width), *x = made(b, slot, b->left_width + 1);

    (void)thread;
    memset(ones + first, 0, (size_t)n * sizeof *ones);
    for (int64_t i = 0; i < b->s.inputs; i++)
        memset(x + i * b->dz_width + first, 0, (size_t)n * sizeof *x);
    for (int64_t end = b->s.steps, begin; end > 0; end = begin) {
        begin = sum_begin(b, end);
        kept r = kept_of(b, slot * b->slot_records, begin, end, b->store);
        add_chosen(b, &r, b->slot_records * (end - begin), first, n, ones, x);
    }
}

/* Rows that a task adds up and delivers. */
enum { SUM_ROWS = 16 };

static void deliver_rows(void *context, int64_t task, int thread)
{
    const iv__backward *b = context;
    int64_t rows = weight_rows(&b->s, b->extra >= 0), end = iv__min64(rows, (task + 1) * SUM_ROWS);

    (void)thread;
    for (int64_t row = task * SUM_ROWS; row < end; row++) {
        const float *from = b->sums + row * b->dz_width;
        float *to = delivered(b, row);
        if (to && (to != from || b->slots))
            b->cpu->sum_parts(from, slots_made(b), b->weights, 1, to, b->dz_width);
    }
}

/* The sums of all slots, or of all rows, which the groups have left undone. */
static void sum_rows(const iv__backward *b)
{
    const iv_kernel_call *k = b->k;

    for (int64_t slot = 0; slot < slots_made(b); slot++) {
        for (int64_t end = b->s.steps, begin; end > 0; end = begin) {
            begin = sum_begin(b, end);
            kept r = kept_of(b, slot * b->slot_records, begin, end, b->store);
            iv__product w = weights_product(b, b->slot_records * (end - begin));
            w.a = r.left;
            w.b = r.dz;
            w.c = made(b, slot, 0);
            w.add = end < b->s.steps;
            if (makes_in_place(b) && !b->s.numbered) {
                int64_t ones = b->s.units;
                w.parts = 2;
                w.part[0].first = ones;
                w.part[0].c = made(b, slot, ones);
                w.part[1].first = ones + 1;
                w.part[1].c = made(b, slot, ones + 1);
            }
            iv__product_run(k->home, b->cpu, &w, b->scratch);
        }
    }
    if (b->s.numbered)
        iv__parallel(k->home, slots_made(b) * iv__ceil_div(b->dz_width, SUM_COLUMNS), sum_chosen,
                     (void *)(uintptr_t)b);
}

static void weight_gradients(const iv__backward *b)
{
    if (!b->at_once)
        sum_rows(b);
    if (b->slots || (b->straight && !makes_in_place(b)))
        iv__parallel(b->k->home, iv__ceil_div(weight_rows(&b->s, b->extra >= 0), SUM_ROWS),
                     deliver_rows, (void *)(uintptr_t)b);
    if (!b->straight)
        b->deliver(b, b->sums);
}

void iv__backward_run(iv__backward *b)
{
    const iv_kernel_call *k = b->k;
    const iv__sequence *s = &b->s;

    lay_out(b);
    b->units = iv__panels_of(b->cpu, s->units);
    b->sums = k->scratch;
    b->store = b->sums + slots_made(b) * b->weights;
    b->rooms = b->store + (b->at_once ? 0 : store_floats(b));
    b->scratch = (char *)(b->rooms + iv_home_threads(k->home) * thread_floats(b));
    iv__product w = weights_product(b, b->sum_rows);
    b->scratch_thread = (int64_t)iv__product_scratch(k->home, b->cpu, &w) / iv_home_threads(k->home);
    iv__parallel(k->home, s->groups, backward_group, b);
    if (wants_weights(b))
        weight_gradients(b);
    if (k->out[0].data && s->numbered)
        memset(k->out[0].data, 0, (size_t)(s->records * s->steps) * sizeof(float));
}
