/* kernels_cases.h: bytes become a row with its shapes, attributes and values: which row, how large,
 * how many zeros, how far apart. Values themselves are drawn by number, from a key in the bytes. */
#ifndef IVORY_FUZZ_KERNELS_CASES_H
#define IVORY_FUZZ_KERNELS_CASES_H

#include "kernels_world.h"

#include "ops/attrs.h"
#include "ops/rows.h"

typedef struct choices {
    const uint8_t *at;
    size_t left;
    uint64_t key, drawn;
} choices;

static uint32_t draw_word(choices *c)
{
    uint32_t word[4];

    iv__philox(c->key, 1, c->drawn++, word);
    return word[0];
}

static int64_t choose(choices *c, int64_t n) /* one of 0 .. n-1, n <= 256; drawn when bytes are out */
{
    if (c->left == 0)
        return draw_word(c) % n;
    c->left--;
    return *c->at++ % n;
}

/* A size up to `most`: a small one half of the time, and now and then none. */
static int64_t size_of(choices *c, int64_t most)
{
    int64_t kind = choose(c, 64), high = choose(c, 256), low = choose(c, 256);

    if (kind == 63)
        return 0;
    return 1 + (256 * high + low) % (kind < 32 && most > 20 ? 20 : most);
}

static float draw(choices *c, float scale)
{
    return (2 * iv__unit_f32(draw_word(c)) - 1) * scale;
}

/* ---- inputs and outputs ---------------------------------------------------------------------- */

static float *add_plain(subject *s, iv_shape shape, bool weight)
{
    int i = s->n_in++;

    s->in_shape[i] = shape;
    s->weight[i] = weight;
    return s->in[i] = fenced_new((size_t)in_count(s, i) * sizeof(float));
}

/* Numbers up to `scale`, some or all of them 0 where the bytes say so. */
static float *add_drawn(subject *s, choices *c, iv_shape shape, float scale, bool weight)
{
    float *x = add_plain(s, shape, weight);
    int64_t zeros = choose(c, 8), count = iv_shape_count(&shape); /* mostly none */

    for (int64_t e = 0; e < count; e++) {
        x[e] = draw(c, scale);
        if (zeros == 7 || (zeros == 6 && draw_word(c) % 3 == 0))
            x[e] = 0;
    }
    return x;
}

static float *add_copy(subject *s, const subject *from, int i)
{
    float *x = add_plain(s, from->in_shape[i], from->weight[i]);

    return memcpy(x, from->in[i], (size_t)in_count(from, i) * sizeof *x);
}

/* What a row expected to come out goes in, rounded. */
static void add_result(subject *s, const subject *from, int j)
{
    float *x = add_plain(s, from->out_shape[j], false);

    for (int64_t e = 0; e < out_count(from, j); e++)
        x[e] = (float)from->expected[j][e];
}

static void add_out(subject *s, iv_shape shape, bool wanted)
{
    s->out_shape[s->n_out] = shape;
    s->unwanted[s->n_out++] = !wanted;
}

static bool wanted(choices *c)
{
    return choose(c, 4) > 0;
}

/* ---- products -------------------------------------------------------------------------------- */

static iv_shape matrix(int64_t leading, int64_t rows, int64_t columns, bool transposed)
{
    int64_t r = transposed ? columns : rows, n = transposed ? rows : columns;

    return leading ? iv_dims(leading, r, n) : iv_dims(r, n);
}

static bool check_matmul(choices *c)
{
    int64_t form = choose(c, 32), leading = form & 16 ? 1 + choose(c, 5) : 0;
    bool batched = leading && form & 8;
    iv__matmul attr = { form & 1 && (!leading || batched), form >> 1 & 1 };
    int64_t m = size_of(c, 70), n = size_of(c, 170), k = size_of(c, leading || choose(c, 4) ? 70 : 600);
    subject s = { .row = "matmul", .attr = &attr };

    add_drawn(&s, c, matrix(leading, m, k, attr.transpose_a), 1, false);
    add_drawn(&s, c, matrix(batched ? leading : 0, k, n, attr.transpose_b), 1, form & 4);
    add_out(&s, matrix(leading, m, n, false), true);
    return check_subject(&s);
}

/* ---- recurrent rows -------------------------------------------------------------------------- */

typedef struct sequence {
    int64_t n, t, i, h;
    float *mask;
    iv__recurrent attr;
} sequence;

static sequence draw_sequence(choices *c)
{
    sequence s = { .attr = { choose(c, 2), 0 } };

    s.n = size_of(c, 80);
    s.t = size_of(c, 1 + 80 / (s.n + 3)); /* few steps of many, many of few: it must not take long */
    s.i = size_of(c, 70);
    s.h = size_of(c, s.n * s.t > 40 ? 40 : 70);
    if (choose(c, 8) == 7) { /* many rows beside the weights: sums of their gradients in parts */
        s.n = 32 + choose(c, 6);
        s.t = 6 + choose(c, 8);
        s.i = 1 + choose(c, 4);
        s.h = 1 + choose(c, 5);
    }
    return s;
}

/* x, w and u; w and u not so large that errors grow from step to step. */
static void add_sequence(subject *s, choices *c, const sequence *q, int64_t gates)
{
    add_drawn(s, c, iv_dims(q->n, q->t, q->i), 1, false);
    add_drawn(s, c, iv_dims(q->i, gates * q->h), 1.5f / sqrtf((float)q->i + 3), true);
    add_drawn(s, c, iv_dims(q->h, gates * q->h), 1.5f / sqrtf((float)q->h + 3), true);
}

/* Where a step is held, what stands in x has no effect. */
static void add_mask(subject *s, choices *c, sequence *q)
{
    int64_t kind = choose(c, 4); /* none, some, some with x spoilt, all */

    if (kind == 0)
        return;
    q->mask = add_plain(s, iv_dims(q->n, q->t), false);
    for (int64_t at = 0; at < q->n * q->t; at++) {
        q->mask[at] = kind < 3 && draw_word(c) % 3 > 0;
        for (int64_t i = 0; kind == 2 && q->mask[at] == 0 && i < q->i; i++)
            s->in[0][at * q->i + i] = NAN;
    }
}

static void add_gradients(subject *s, choices *c, const sequence *q, iv_shape bias, int64_t gates,
                          int states)
{
    add_out(s, iv_dims(q->n, q->t, q->i), wanted(c));
    add_out(s, iv_dims(q->i, gates * q->h), wanted(c));
    add_out(s, iv_dims(q->h, gates * q->h), wanted(c));
    add_out(s, bias, wanted(c));
    for (int i = 0; i < states; i++)
        add_out(s, iv_dims(q->n, q->h), wanted(c));
}

/* The way back: the inputs that it shares with the way forward, results of that, what arrives, the
 * mask. */
static bool check_back(const char *row, choices *c, sequence *q, const subject *forward, int states,
                       int first_result, int results, iv_shape bias, int64_t gates)
{
    subject s = { .row = row, .attr = &q->attr };

    for (int i = 0; i < 3; i++)
        add_copy(&s, forward, i);
    for (int i = 0; i < states; i++)
        add_copy(&s, forward, 4 + i);
    add_result(&s, forward, 0);
    for (int j = 0; j < results; j++)
        add_result(&s, forward, first_result + j);
    add_drawn(&s, c, iv_dims(q->n, q->t, q->h), 1, false);
    for (int i = 0; i < states; i++)
        add_drawn(&s, c, iv_dims(q->n, q->h), 1, false);
    if (q->mask)
        add_copy(&s, forward, 4 + states);
    add_gradients(&s, c, q, bias, gates, states);
    return check_subject(&s);
}

static bool check_recurrent(choices *c, const char *row, const char *back, int64_t gates,
                            int states, int results, bool reset_after)
{
    sequence q = draw_sequence(c);
    subject s = { .row = row, .attr = &q.attr };
    iv_shape bias = reset_after ? iv_dims(2, gates * q.h) : iv_dims(gates * q.h);

    q.attr.reset_after = reset_after;
    add_sequence(&s, c, &q, gates);
    add_drawn(&s, c, bias, 0.5f, true);
    for (int i = 0; i < states; i++)
        add_drawn(&s, c, iv_dims(q.n, q.h), 0.9f, false);
    add_mask(&s, c, &q);
    add_out(&s, iv_dims(q.n, q.t, q.h), true);
    for (int i = 0; i < states; i++)
        add_out(&s, iv_dims(q.n, q.h), wanted(c));
    bool keeps = wanted(c);
    if (results) {
        add_out(&s, iv_dims(q.n, q.t, gates * q.h), keeps);
        add_out(&s, iv_dims(q.n, q.t, q.h), keeps);
    }
    if (!check_subject(&s) || s.refused)
        return s.refused;
    return check_back(back, c, &q, &s, states, 1 + states, results, bias, gates);
}

/* ---- losses ---------------------------------------------------------------------------------- */

static bool check_loss(choices *c)
{
    static const float scales[] = { 1, 0.1f, 10, 60 };
    int64_t rows = size_of(c, 400), inputs = size_of(c, rows < 20 ? 900 : 50),
            classes = size_of(c, rows < 80 && inputs < 100 ? 300 : 90);
    float scale = scales[choose(c, 4)] / sqrtf((float)inputs + 1), far = choose(c, 4) ? 0 : 400;
    int64_t skipped = choose(c, 4); /* no rows, some, some with x and target spoilt, all */
    subject s = { .row = "linear_cross_entropy", .unit = fmax(1, (double)scale) };
    iv_shape shape = iv_dims(rows);

    float *x = add_drawn(&s, c, iv_dims(rows, inputs), 1, false);
    add_drawn(&s, c, iv_dims(inputs, classes), scale, true);
    float *b = add_drawn(&s, c, iv_dims(classes), 1, true);
    int32_t *target = s.index[s.n_in] = fenced_new((size_t)rows * sizeof *target);
    s.in_shape[s.n_in++] = shape;
    float *weight = add_plain(&s, shape, false);
    if (classes)
        b[draw_word(c) % (uint32_t)classes] += far;
    for (int64_t r = 0; r < rows; r++) {
        target[r] = classes ? (int32_t)(draw_word(c) % (uint32_t)classes) : 0;
        weight[r] = draw(c, 1);
        if (skipped == 3 || (skipped && draw_word(c) % 3 == 0))
            weight[r] = 0;
        if (skipped == 2 && weight[r] == 0) {
            target[r] = draw_word(c) % 2 ? -1 : INT32_MAX;
            for (int64_t i = 0; i < inputs; i++)
                x[r * inputs + i] = NAN;
        }
    }
    add_out(&s, shape, true);
    if (!check_subject(&s) || s.refused)
        return s.refused;

    subject back = { .row = "linear_cross_entropy_back", .unit = s.unit };
    for (int i = 0; i < 5; i++) {
        if (i == 3) {
            back.index[3] = target;
            back.in_shape[back.n_in++] = shape;
        } else {
            add_copy(&back, &s, i);
        }
    }
    add_drawn(&back, c, shape, 1, false);
    add_out(&back, iv_dims(rows, inputs), wanted(c));
    add_out(&back, iv_dims(inputs, classes), wanted(c));
    add_out(&back, iv_dims(classes), wanted(c));
    add_out(&back, shape, wanted(c));
    return check_subject(&back);
}

/* ---- softmax and elementwise rows ------------------------------------------------------------ */

static bool check_softmax(choices *c)
{
    static const char *const rows[] = { "softmax", "log_softmax", "log_sum_exp" };
    static const float scales[] = { 1, 4, 30, 300 };
    int64_t row = choose(c, 3), n = size_of(c, 400), width = size_of(c, n < 40 ? 900 : 70);
    subject s = { .row = rows[row] };

    add_drawn(&s, c, iv_dims(n, width), scales[choose(c, 4)], false);
    add_out(&s, row == 2 ? iv_dims(n) : iv_dims(n, width), true);
    return check_subject(&s);
}

static bool check_pointwise(choices *c)
{
    static const struct {
        const char *row;
        int inputs;
        bool above_zero; /* the last input */
        float scale;
    } rows[] = {
        { "neg", 1, false, 9 },    { "exp", 1, false, 80 },      { "sqrt", 1, true, 9 },
        { "square", 1, false, 9 }, { "reciprocal", 1, true, 9 }, { "tanh", 1, false, 2 },
        { "tanh", 1, false, 50 },  { "sigmoid", 1, false, 20 },  { "relu", 1, false, 9 },
        { "scale", 1, false, 9 },  { "shift", 1, false, 9 },     { "add", 2, false, 9 },
        { "sub", 2, false, 9 },    { "mul", 2, false, 9 },       { "div", 2, true, 9 },
    };
    int64_t r = choose(c, sizeof rows / sizeof *rows), n = size_of(c, 700);
    iv__real attr = { 1.25 };
    subject s = { .row = rows[r].row, .attr = &attr, .pointwise = true };

    for (int i = 0; i < rows[r].inputs; i++) {
        float *x = add_drawn(&s, c, iv_dims(n), rows[r].scale, false);
        for (int64_t e = 0; rows[r].above_zero && i == rows[r].inputs - 1 && e < n; e++)
            x[e] = fabsf(x[e]) + 1e-3f;
    }
    add_out(&s, iv_dims(n), true);
    return check_subject(&s);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

enum { ROW_KINDS = 8 };

/* False: `finding` says what is wrong with the row that the bytes mean. */
static bool check_bytes(const uint8_t *data, size_t size)
{
    choices c = { .at = data, .left = size };
    int64_t kind = choose(&c, ROW_KINDS);
    bool fine = true;

    c.key = (uint64_t)(256 * choose(&c, 256) + choose(&c, 256));
    switch (kind) {
    case 0: fine = check_matmul(&c); break;
    case 1: fine = check_recurrent(&c, "lstm", "lstm_back", 4, 2, 2, false); break;
    case 2: fine = check_recurrent(&c, "gru", "gru_back", 3, 1, 2, false); break;
    case 3: fine = check_recurrent(&c, "gru", "gru_back", 3, 1, 2, true); break;
    case 4: fine = check_recurrent(&c, "simple_rnn", "simple_rnn_back", 1, 1, 0, false); break;
    case 5: fine = check_loss(&c); break;
    case 6: fine = check_softmax(&c); break;
    default: fine = check_pointwise(&c); break;
    }
    bool whole = blocks_end(0);
    if (fine && !whole)
        snprintf(finding, sizeof finding, "something was written beside an input");
    return fine && whole;
}

#endif
