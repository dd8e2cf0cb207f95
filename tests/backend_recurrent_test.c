/* backend_recurrent_test.c: recurrent rows, forward and backward, of every backend here. */
#include "backend_world.h"

typedef struct sequence {
    int64_t n, t, i, h;
    bool reverse, reset_after, numbered; /* x holds numbers of rows of w, some of which do not exist */
    const float *mask;
} sequence;

static int64_t time_of(const sequence *s, int64_t step)
{
    return s->reverse ? s->t - 1 - step : step;
}

static bool held(const sequence *s, int64_t n, int64_t t)
{
    return s->mask && s->mask[n * s->t + t] == 0;
}

/* x of a time of a record, at n * t + time: its row, or that of a one-hot matrix; to be freed. */
static double *x_at(const sequence *s, const void *x, int64_t at)
{
    if (!s->numbered)
        return doubles((const float *)x + at * s->i, s->i);
    double *row = doubles(NULL, s->i);
    int32_t number = ((const int32_t *)x)[at];
    if (number >= 0 && number < s->i)
        row[number] = 1;
    return row;
}

/* Rounded to bf16 where the kernels are those of bf16. A state that lies near a border may be rounded
 * to the other side of it in f32: that is what the tolerance is for. */
static bool rounds;
static const double rounded_tolerance = 2e-3;

static void check_in_precision(call *c)
{
    c->bf16 = rounds;
    c->tolerance = rounds ? rounded_tolerance : 0;
    check(c);
}

static double factor(double x)
{
    return rounds ? (double)nearest_bf16((float)x) : x;
}

/* to[j] += sum over i of x[i] w[i][j], of `width` columns from column `first` on, n of them. */
static void add_product(double *to, const double *x, const float *w, int64_t inner, int64_t width,
                        int64_t first, int64_t n)
{
    for (int64_t i = 0; i < inner; i++) {
        for (int64_t j = 0; j < n; j++)
            to[j] += factor(x[i]) * factor((double)w[i * width + first + j]);
    }
}

/* dx[i] += sum over j of d[j] w[i][j];  dw[i][j] += x[i] d[j]. */
static void add_product_back(double *dx, double *dw, const double *x, const double *d,
                             const float *w, int64_t inner, int64_t width, int64_t first, int64_t n)
{
    for (int64_t i = 0; i < inner; i++) {
        for (int64_t j = 0; j < n; j++) {
            dx[i] += factor(d[j]) * factor((double)w[i * width + first + j]);
            dw[i * width + first + j] += factor(x[i]) * factor(d[j]);
        }
    }
}

/* The same for x and w: rows that numbers choose are added as they are. */
static void add_x_product(const sequence *s, double *to, const double *x, const float *w, int64_t width)
{
    bool rounded = rounds;

    rounds = rounded && !s->numbered;
    add_product(to, x, w, s->i, width, 0, width);
    rounds = rounded;
}

static void add_x_product_back(const sequence *s, double *dx, double *dw, const double *x,
                               const double *d, const float *w, int64_t width)
{
    bool rounded = rounds;

    rounds = rounded && !s->numbered;
    add_product_back(dx, dw, x, d, w, s->i, width, 0, width);
    rounds = rounded;
}

/* Of a bias: where x is no numbers, its gradient is a row of a product. */
static double summed(const sequence *s, double d)
{
    return s->numbered ? d : factor(d);
}

static float *floats(const double *x, int64_t n, float *to)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = (float)x[i];
    return to;
}

static const float *add_mask(call *c, const sequence *s)
{
    float *mask = add_input(c, IV_F32, iv_dims(s->n, s->t), false);

    for (int64_t i = 0; i < s->n * s->t; i++)
        mask[i] = random_below(3) > 0;
    return mask;
}

/* One step of the LSTM for one record: z [4H] becomes the gates, h and c the states after it. */
static void lstm_step(const sequence *s, const double *x, const float *w, const float *u,
                      const float *b, double *z, double *h, double *c)
{
    for (int64_t j = 0; j < 4 * s->h; j++)
        z[j] = (double)b[j];
    add_x_product(s, z, x, w, 4 * s->h);
    add_product(z, h, u, s->h, 4 * s->h, 0, 4 * s->h);
    for (int64_t j = 0; j < s->h; j++) {
        double *i = z + j, *f = i + s->h, *g = f + s->h, *o = g + s->h;
        *i = sigmoid(*i);
        *f = sigmoid(*f);
        *g = tanh(*g);
        *o = sigmoid(*o);
        c[j] = *f * c[j] + *i * *g;
        h[j] = *o * tanh(c[j]);
    }
}

static void lstm_reference(const sequence *s, const call *c, double *y, double *h, double *cell,
                           double *gates, double *cells)
{
    const float *in[6];

    for (int i = 0; i < 6; i++)
        in[i] = c->k.in[i].data;
    for (int64_t n = 0; n < s->n; n++) {
        double *hn = h + n * s->h, *cn = cell + n * s->h;
        for (int64_t j = 0; j < s->h; j++) {
            hn[j] = (double)in[4][n * s->h + j];
            cn[j] = (double)in[5][n * s->h + j];
        }
        for (int64_t step = 0; step < s->t; step++) {
            int64_t at = n * s->t + time_of(s, step);
            double *x = x_at(s, in[0], at);
            if (!held(s, n, time_of(s, step)))
                lstm_step(s, x, in[1], in[2], in[3], gates + at * 4 * s->h, hn, cn);
            memcpy(y + at * s->h, hn, (size_t)s->h * sizeof *y);
            memcpy(cells + at * s->h, cn, (size_t)s->h * sizeof *y);
            free(x);
        }
    }
}

static void add_states(call *c, const sequence *s, int64_t gates)
{
    if (s->numbered) {
        int32_t *x = add_input(c, IV_I32, iv_dims(s->n, s->t), false);
        for (int64_t at = 0; at < s->n * s->t; at++)
            x[at] = (int32_t)random_below((uint32_t)s->i + 2) - 1;
    } else {
        add_random(c, iv_dims(s->n, s->t, s->i), 1, false);
    }
    add_random(c, iv_dims(s->i, gates * s->h), 1.5f / sqrtf((float)s->i + 3), true);
    add_random(c, iv_dims(s->h, gates * s->h), 1.5f / sqrtf((float)s->h + 3),
               true); /* not chaotic: errors stay small */
}

/* The forward call; its expected outputs stay, so that the call back can read them. */
static void lstm_call(call *c, sequence *s, bool with_mask, bool keeps)
{
    add_states(c, s, 4);
    add_random(c, iv_dims(4 * s->h), 0.5f, true);
    add_random(c, iv_dims(s->n, s->h), 0.9f, false);
    add_random(c, iv_dims(s->n, s->h), 0.9f, false);
    s->mask = with_mask ? add_mask(c, s) : NULL;
    double *y = add_output(c, iv_dims(s->n, s->t, s->h), true),
           *h = add_output(c, iv_dims(s->n, s->h), true);
    double *cell = add_output(c, iv_dims(s->n, s->h), keeps);
    double *gates = add_output(c, iv_dims(s->n, s->t, 4 * s->h), keeps);
    double *cells = add_output(c, iv_dims(s->n, s->t, s->h), keeps);
    lstm_reference(s, c, y, h, cell, gates, cells);
}

/* All that the way back needs, in double precision. */
typedef struct back {
    const float *x, *w, *u, *b, *h0, *c0, *dy, *dh, *dc;
    const double *y, *gates, *kept; /* kept: cells of an LSTM, inner of a GRU */
    double *dx, *dw, *du, *db, *dh0, *dc0;
} back;

/* Numbers have no gradient: what would be added to it goes nowhere. */
static double nowhere[256];

static double *dx_at(const sequence *s, const back *b, int64_t at)
{
    return s->numbered ? nowhere : b->dx + at * s->i;
}

static iv_shape shape_of_x(const sequence *s)
{
    return s->numbered ? iv_dims(s->n, s->t) : iv_dims(s->n, s->t, s->i);
}

static void before(const sequence *s, const double *over_time, const float *first, int64_t n,
                   int64_t step, double *to)
{
    for (int64_t j = 0; j < s->h; j++)
        to[j] = step ? over_time[(n * s->t + time_of(s, step - 1)) * s->h + j]
                     : (double)first[n * s->h + j];
}

static void lstm_back_step(const sequence *s, const back *b, int64_t n, int64_t step, double *dh,
                           double *dc)
{
    int64_t at = n * s->t + time_of(s, step), width = 4 * s->h;
    const double *gates = b->gates + at * width, *cells = b->kept + at * s->h;
    double *dz = calloc((size_t)width, sizeof *dz), *h = doubles(NULL, s->h), *c = doubles(NULL, s->h);
    double *x = x_at(s, b->x, at), *dx = dx_at(s, b, at);

    for (int64_t j = 0; j < s->h; j++)
        dh[j] += (double)b->dy[at * s->h + j];
    if (!held(s, n, time_of(s, step))) {
        before(s, b->y, b->h0, n, step, h);
        before(s, b->kept, b->c0, n, step, c);
        for (int64_t j = 0; j < s->h; j++) {
            double i = gates[j], f = gates[s->h + j], g = gates[2 * s->h + j],
                   o = gates[3 * s->h + j], t = tanh(cells[j]);
            double d = dc[j] + dh[j] * o * (1 - t * t);
            dz[j] = d * g * i * (1 - i);
            dz[s->h + j] = d * c[j] * f * (1 - f);
            dz[2 * s->h + j] = d * i * (1 - g * g);
            dz[3 * s->h + j] = dh[j] * t * o * (1 - o);
            dc[j] = d * f;
            dh[j] = 0;
        }
        for (int64_t j = 0; j < width; j++)
            b->db[j] += summed(s, dz[j]);
        add_product_back(dh, b->du, h, dz, b->u, s->h, width, 0, width);
        add_x_product_back(s, dx, b->dw, x, dz, b->w, width);
    }
    free(dz);
    free(h);
    free(c);
    free(x);
}

/* An input of the way back that holds a (rounded) result of the way forward. */
static void add_result(call *c, const call *forward, int j)
{
    int64_t count = count_of(&forward->k.out[j]);

    floats(forward->expected[j], count, add_input(c, IV_F32, *forward->k.out[j].shape, false));
}

static const float *add_copy(call *c, const call *forward, int i)
{
    const iv_array *from = &forward->k.in[i];
    float *to = add_input(c, from->dtype, *from->shape, from->weight);

    return memcpy(to, from->data, (size_t)count_of(from) * sizeof *to);
}

static void check_lstm(sequence s, bool with_mask, bool keeps)
{
    iv__recurrent attr = { s.reverse, 0 };
    call forward = { .op = "lstm", .k.attr = &attr }, c = { .op = "lstm_back", .k.attr = &attr };
    back b = { 0 };

    lstm_call(&forward, &s, with_mask, keeps);
    b.x = add_copy(&c, &forward, 0);
    b.w = add_copy(&c, &forward, 1);
    b.u = add_copy(&c, &forward, 2);
    b.h0 = add_copy(&c, &forward, 4);
    b.c0 = add_copy(&c, &forward, 5);
    add_result(&c, &forward, 0);
    add_result(&c, &forward, 3);
    add_result(&c, &forward, 4);
    b.y = forward.expected[0];
    b.gates = forward.expected[3];
    b.kept = forward.expected[4];
    b.dy = add_random(&c, iv_dims(s.n, s.t, s.h), 1, false);
    b.dh = add_random(&c, iv_dims(s.n, s.h), 1, false);
    b.dc = add_random(&c, iv_dims(s.n, s.h), 1, false);
    if (with_mask)
        add_copy(&c, &forward, 6);
    b.dx = add_output(&c, shape_of_x(&s), keeps);
    b.dw = add_output(&c, iv_dims(s.i, 4 * s.h), true);
    b.du = add_output(&c, iv_dims(s.h, 4 * s.h), keeps);
    b.db = add_output(&c, iv_dims(4 * s.h), true);
    b.dh0 = add_output(&c, iv_dims(s.n, s.h), keeps);
    b.dc0 = add_output(&c, iv_dims(s.n, s.h), true);
    for (int64_t n = 0; n < s.n; n++) {
        for (int64_t j = 0; j < s.h; j++) {
            b.dh0[n * s.h + j] = (double)b.dh[n * s.h + j];
            b.dc0[n * s.h + j] = (double)b.dc[n * s.h + j];
        }
        for (int64_t step = s.t - 1; step >= 0; step--)
            lstm_back_step(&s, &b, n, step, b.dh0 + n * s.h, b.dc0 + n * s.h);
    }
    check_in_precision(&c);
    check_in_precision(&forward);
}

static const sequence sequences[] = {
    { .n = 1, .t = 1, .i = 1, .h = 1 },   { .n = 1, .t = 1, .i = 100, .h = 128 },
    { .n = 3, .t = 5, .i = 4, .h = 7 },   { .n = 8, .t = 12, .i = 20, .h = 16 },
    { .n = 5, .t = 23, .i = 3, .h = 33 }, { .n = 40, .t = 3, .i = 17, .h = 20 },
    { .n = 120, .t = 2, .i = 2, .h = 5 }, { .n = 2, .t = 30, .i = 210, .h = 50 },
};

static void test_lstm(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
        for (int flags = 0; flags < 16; flags++) {
            sequence s = sequences[i];
            rounds = flags >= 8;
            s.reverse = flags & 1;
            check_lstm(s, flags >> 1 & 1, flags >> 2 & 1);
        }
    }
}

/* One step of the GRU for one record; b is [3H], or [2,3H] with the reset gate after. */
static void gru_step(const sequence *s, const call *c, const double *x, double *z, double *inner,
                     double *h)
{
    const float *w = c->k.in[1].data, *u = c->k.in[2].data, *b = c->k.in[3].data;
    int64_t width = 3 * s->h;

    for (int64_t j = 0; j < width; j++)
        z[j] = (double)b[j] + (s->reset_after && j < 2 * s->h ? (double)b[width + j] : 0);
    add_x_product(s, z, x, w, width);
    add_product(z, h, u, s->h, width, 0, 2 * s->h);
    for (int64_t j = 0; j < 2 * s->h; j++)
        z[j] = sigmoid(z[j]);
    double *r = z + s->h, *g = r + s->h;
    for (int64_t j = 0; j < s->h; j++)
        inner[j] = s->reset_after ? (double)b[width + 2 * s->h + j] : r[j] * h[j];
    if (s->reset_after)
        add_product(inner, h, u, s->h, width, 2 * s->h, s->h);
    else
        add_product(g, inner, u, s->h, width, 2 * s->h, s->h);
    for (int64_t j = 0; j < s->h; j++) {
        g[j] = tanh(g[j] + (s->reset_after ? r[j] * inner[j] : 0));
        h[j] = z[j] * h[j] + (1 - z[j]) * g[j];
    }
}

static void gru_reference(const sequence *s, const call *c, double *y, double *h, double *gates,
                          double *inner)
{
    const float *input = c->k.in[0].data, *h0 = c->k.in[4].data;

    for (int64_t n = 0; n < s->n; n++) {
        double *hn = h + n * s->h;
        for (int64_t j = 0; j < s->h; j++)
            hn[j] = (double)h0[n * s->h + j];
        for (int64_t step = 0; step < s->t; step++) {
            int64_t at = n * s->t + time_of(s, step);
            double *x = x_at(s, input, at);
            if (!held(s, n, time_of(s, step)))
                gru_step(s, c, x, gates + at * 3 * s->h, inner + at * s->h, hn);
            memcpy(y + at * s->h, hn, (size_t)s->h * sizeof *y);
            free(x);
        }
    }
}

static void gru_back_step(const sequence *s, const back *b, int64_t n, int64_t step, double *dh)
{
    int64_t at = n * s->t + time_of(s, step), width = 3 * s->h;
    const double *z = b->gates + at * width, *r = z + s->h, *g = r + s->h, *inner = b->kept + at * s->h;
    double *dz = calloc((size_t)width, sizeof *dz), *d_inner = doubles(NULL, s->h),
           *h = doubles(NULL, s->h);
    double *x = x_at(s, b->x, at), *dx = dx_at(s, b, at);

    for (int64_t j = 0; j < s->h; j++)
        dh[j] += (double)b->dy[at * s->h + j];
    if (!held(s, n, time_of(s, step))) {
        before(s, b->y, b->h0, n, step, h);
        for (int64_t j = 0; j < s->h; j++) {
            dz[j] = dh[j] * (h[j] - g[j]) * z[j] * (1 - z[j]);
            dz[2 * s->h + j] = dh[j] * (1 - z[j]) * (1 - g[j] * g[j]);
            dh[j] *= z[j];
            if (s->reset_after) {
                dz[s->h + j] = dz[2 * s->h + j] * inner[j] * r[j] * (1 - r[j]);
                d_inner[j] = dz[2 * s->h + j] * r[j];
            }
        }
        if (s->reset_after) {
            add_product_back(dh, b->du, h, d_inner, b->u, s->h, width, 2 * s->h, s->h);
        } else {
            add_product_back(d_inner, b->du, inner, dz + 2 * s->h, b->u, s->h, width, 2 * s->h, s->h);
            for (int64_t j = 0; j < s->h; j++) {
                dz[s->h + j] = d_inner[j] * h[j] * r[j] * (1 - r[j]);
                dh[j] += d_inner[j] * r[j];
            }
        }
        add_product_back(dh, b->du, h, dz, b->u, s->h, width, 0, 2 * s->h);
        add_x_product_back(s, dx, b->dw, x, dz, b->w, width);
        for (int64_t j = 0; j < width; j++) {
            b->db[j] += summed(s, dz[j]);
            if (s->reset_after)
                b->db[width + j] += summed(s, j < 2 * s->h ? dz[j] : d_inner[j - 2 * s->h]);
        }
    }
    free(dz);
    free(d_inner);
    free(h);
    free(x);
}

/* Outputs of the way back of a cell with one state. */
static void add_gradients(call *c, const sequence *s, back *b, iv_shape bias, int64_t gates, bool keeps)
{
    b->dx = add_output(c, shape_of_x(s), keeps);
    b->dw = add_output(c, iv_dims(s->i, gates * s->h), keeps);
    b->du = add_output(c, iv_dims(s->h, gates * s->h), true);
    b->db = add_output(c, bias, keeps);
    b->dh0 = add_output(c, iv_dims(s->n, s->h), true);
    for (int64_t i = 0; i < s->n * s->h; i++)
        b->dh0[i] = (double)b->dh[i];
}

static void check_gru(sequence s, bool with_mask, bool keeps)
{
    iv__recurrent attr = { s.reverse, s.reset_after };
    call forward = { .op = "gru", .k.attr = &attr }, c = { .op = "gru_back", .k.attr = &attr };
    iv_shape bias = s.reset_after ? iv_dims(2, 3 * s.h) : iv_dims(3 * s.h);
    back b = { 0 };

    add_states(&forward, &s, 3);
    add_random(&forward, bias, 0.5f, true);
    add_random(&forward, iv_dims(s.n, s.h), 0.9f, false);
    s.mask = with_mask ? add_mask(&forward, &s) : NULL;
    double *y = add_output(&forward, iv_dims(s.n, s.t, s.h), true),
           *h = add_output(&forward, iv_dims(s.n, s.h), keeps);
    double *gates = add_output(&forward, iv_dims(s.n, s.t, 3 * s.h), keeps);
    double *inner = add_output(&forward, iv_dims(s.n, s.t, s.h), keeps);
    gru_reference(&s, &forward, y, h, gates, inner);

    b.x = add_copy(&c, &forward, 0);
    b.w = add_copy(&c, &forward, 1);
    b.u = add_copy(&c, &forward, 2);
    b.h0 = add_copy(&c, &forward, 4);
    add_result(&c, &forward, 0);
    add_result(&c, &forward, 2);
    add_result(&c, &forward, 3);
    b.y = y;
    b.gates = gates;
    b.kept = inner;
    b.dy = add_random(&c, iv_dims(s.n, s.t, s.h), 1, false);
    b.dh = add_random(&c, iv_dims(s.n, s.h), 1, false);
    if (with_mask)
        add_copy(&c, &forward, 5);
    add_gradients(&c, &s, &b, bias, 3, keeps);
    for (int64_t n = 0; n < s.n; n++) {
        for (int64_t step = s.t - 1; step >= 0; step--)
            gru_back_step(&s, &b, n, step, b.dh0 + n * s.h);
    }
    check_in_precision(&c);
    check_in_precision(&forward);
}

static void test_gru(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
        for (int flags = 0; flags < 32; flags++) {
            sequence s = sequences[i];
            rounds = flags >= 16;
            s.reverse = flags & 1;
            s.reset_after = flags >> 3 & 1;
            check_gru(s, flags >> 1 & 1, flags >> 2 & 1);
        }
    }
}

static void simple_rnn_reference(const sequence *s, const call *c, double *y, double *h)
{
    const float *input = c->k.in[0].data, *w = c->k.in[1].data, *u = c->k.in[2].data,
                *b = c->k.in[3].data;
    double *z = doubles(NULL, s->h);

    for (int64_t n = 0; n < s->n; n++) {
        double *hn = h + n * s->h;
        before(s, y, c->k.in[4].data, n, 0, hn);
        for (int64_t step = 0; step < s->t; step++) {
            int64_t at = n * s->t + time_of(s, step);
            double *x = x_at(s, input, at);
            for (int64_t j = 0; j < s->h; j++)
                z[j] = (double)b[j];
            add_x_product(s, z, x, w, s->h);
            add_product(z, hn, u, s->h, s->h, 0, s->h);
            for (int64_t j = 0; j < s->h && !held(s, n, time_of(s, step)); j++)
                hn[j] = tanh(z[j]);
            memcpy(y + at * s->h, hn, (size_t)s->h * sizeof *y);
            free(x);
        }
    }
    free(z);
}

static void simple_rnn_back_step(const sequence *s, const back *b, int64_t n, int64_t step, double *dh)
{
    int64_t at = n * s->t + time_of(s, step);
    double *dz = doubles(NULL, s->h), *h = doubles(NULL, s->h), *x = x_at(s, b->x, at),
           *dx = dx_at(s, b, at);

    for (int64_t j = 0; j < s->h; j++)
        dh[j] += (double)b->dy[at * s->h + j];
    if (!held(s, n, time_of(s, step))) {
        before(s, b->y, b->h0, n, step, h);
        for (int64_t j = 0; j < s->h; j++) {
            dz[j] = dh[j] * (1 - b->y[at * s->h + j] * b->y[at * s->h + j]);
            b->db[j] += summed(s, dz[j]);
            dh[j] = 0;
        }
        add_product_back(dh, b->du, h, dz, b->u, s->h, s->h, 0, s->h);
        add_x_product_back(s, dx, b->dw, x, dz, b->w, s->h);
    }
    free(dz);
    free(h);
    free(x);
}

static void check_simple_rnn(sequence s, bool with_mask, bool keeps)
{
    iv__recurrent attr = { s.reverse, 0 };
    call forward = { .op = "simple_rnn", .k.attr = &attr },
         c = { .op = "simple_rnn_back", .k.attr = &attr };
    back b = { 0 };

    add_states(&forward, &s, 1);
    add_random(&forward, iv_dims(s.h), 0.5f, true);
    add_random(&forward, iv_dims(s.n, s.h), 0.9f, false);
    s.mask = with_mask ? add_mask(&forward, &s) : NULL;
    double *y = add_output(&forward, iv_dims(s.n, s.t, s.h), true),
           *h = add_output(&forward, iv_dims(s.n, s.h), keeps);
    simple_rnn_reference(&s, &forward, y, h);

    b.x = add_copy(&c, &forward, 0);
    b.w = add_copy(&c, &forward, 1);
    b.u = add_copy(&c, &forward, 2);
    b.h0 = add_copy(&c, &forward, 4);
    add_result(&c, &forward, 0);
    b.y = y;
    b.dy = add_random(&c, iv_dims(s.n, s.t, s.h), 1, false);
    b.dh = add_random(&c, iv_dims(s.n, s.h), 1, false);
    if (with_mask)
        add_copy(&c, &forward, 5);
    add_gradients(&c, &s, &b, iv_dims(s.h), 1, keeps);
    for (int64_t n = 0; n < s.n; n++) {
        for (int64_t step = s.t - 1; step >= 0; step--)
            simple_rnn_back_step(&s, &b, n, step, b.dh0 + n * s.h);
    }
    check_in_precision(&c);
    check_in_precision(&forward);
}

static void test_simple_rnn(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
        for (int flags = 0; flags < 16; flags++) {
            sequence s = sequences[i];
            rounds = flags >= 8;
            s.reverse = flags & 1;
            check_simple_rnn(s, flags >> 1 & 1, flags >> 2 & 1);
        }
    }
}

/* Numbers for x; and weight gradients in slots, of groups of unequal sizes, of several groups each,
 * and of chunks of unequal lengths. */
static void test_numbers_and_slots(void **state)
{
    static const sequence more[] = {
        { .n = 9, .t = 6, .i = 7, .h = 20, .numbered = true },
        { .n = 8, .t = 37, .i = 7, .h = 9, .numbered = true },
        { .n = 14, .t = 19, .i = 3, .h = 20 },
        { .n = 33, .t = 30, .i = 2, .h = 9 },
        { .n = 37, .t = 29, .i = 5, .h = 8, .numbered = true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        for (int flags = 0; flags < 16; flags++) {
            sequence s = more[i];
            bool with_mask = flags >> 1 & 1, keeps = flags >> 2 & 1;
            rounds = flags >= 8;
            s.reverse = flags & 1;
            check_lstm(s, with_mask, keeps);
            check_gru(s, with_mask, keeps);
            check_simple_rnn(s, with_mask, keeps);
            s.reset_after = true;
            check_gru(s, with_mask, keeps);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lstm),
        cmocka_unit_test(test_gru),
        cmocka_unit_test(test_simple_rnn),
        cmocka_unit_test(test_numbers_and_slots),
    };

    return cmocka_run_group_tests_name("backend_recurrent", tests, NULL, NULL);
}
