/* common_generate.c: running a stepper token by token, and choosing tokens from its logits. */
#define _GNU_SOURCE
#include "models/common_generate.h"

#include "base/home.h"
#include "base/math.h"
#include "base/threads.h"
#include "graph/node.h"

#include <ivory/ops.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
const iv_field iv__generation_fields[] = {
    FIELD(iv__generation, n,           INT,  "1",   1, 100000, "", "",       "how many samples"),
    FIELD(iv__generation, length,      INT,  "100", 1, 1e9,    "", "tokens", "most tokens of a sample"),
    FIELD(iv__generation, seed,        INT,  "0",   0, 1e15,   "", "",       "the same seed draws the same samples"),
    FIELD(iv__generation, temperature, REAL, "1",   0, 100,    "", "",       "below 1 safer, above 1 bolder; 0: always the likeliest"),
    FIELD(iv__generation, top_k,       INT,  "0",   0, 1e9,    "", "",       "draw among the k likeliest only; 0: all"),
    FIELD(iv__generation, top_p,       REAL, "1",   0, 1,      "", "",       "draw among the likeliest that together have this probability"),
    FIELD(iv__generation, repetition,  REAL, "1",   1, 100,    "", "",       "divides the chance of tokens that stand there already; 1: off"),
    FIELD(iv__generation, prompt,      TEXT, "",    0, 0,      "", "TEXT",   "how the text begins"),
    FIELD(iv__generation, sentences,   INT,  "0",   0, 1e9,    "", "",       "end a sample with so many sentences; 0: off"),
    FIELD(iv__generation, beam,        INT,  "0",   0, 256,    "", "",       "draw nothing: search for the likeliest texts, keeping so many at a time, and give the n best; 0: off"),
    FIELD_END,
};
/* clang-format on */

struct iv__generator {
    iv_home *home;
    iv_stepper *stepper;
    iv_plan *start, *step;
    int n_states;
    int32_t *input;
    float *favour, *sharpness;
    int64_t rows, vocabulary;
    int32_t *order; /* [rows, vocabulary], for drawing */
};

enum { LOGITS, WEIGHTS, OUTPUTS };

/* What is asked of the stepper: logits, and the softmax of them with what is added to them. */
static void weigh(iv_node *logits, iv_node *outputs[OUTPUTS])
{
    iv_graph *graph = logits->graph;
    iv_node *favour = iv_input(graph, "favour", IV_F32, logits->shape);
    iv_node *sharpness = iv_input(graph, "sharpness", IV_F32, iv_scalar());

    outputs[LOGITS] = logits;
    outputs[WEIGHTS] = iv_softmax(iv_mul(sharpness, iv_add(logits, favour)));
}

static iv_status make_plans(iv__generator *g, iv_params *params, const char *input)
{
    const iv_stepper_state *states;
    g->n_states = iv_stepper_states(g->stepper, &states);
    for (int i = 0; i < g->n_states; i++)
        if (iv_node_shape(states[i].leaf)->rank < 1 || iv_node_dim(states[i].leaf, 0) != g->rows)
            return iv_fail(g->home, IV_UNSUPPORTED,
                           "a state of the model does not belong to one row: texts cannot be written side by side");
    iv_node **starts = iv__alloc_array(g->home, g->n_states + 1, sizeof *starts);
    iv_update *updates = iv__alloc_array(g->home, g->n_states + 1, sizeof *updates);
    iv_node *outputs[OUTPUTS];

    if (starts && updates) {
        weigh(iv_stepper_output(g->stepper, 0), outputs);
        for (int i = 0; i < g->n_states; i++) {
            starts[i] = states[i].start;
            updates[i] = (iv_update){ states[i].leaf, states[i].next };
        }
        g->step = iv_plan_new(g->home, OUTPUTS, outputs, g->n_states, updates);
        if (g->n_states)
            g->start = iv_plan_new(g->home, g->n_states, starts, 0, NULL);
    }
    iv__free(g->home, starts);
    iv__free(g->home, updates);
    if (!g->step || (g->n_states && !g->start) || iv_params_bind(params, g->step) ||
        (g->start && iv_params_bind(params, g->start)))
        return iv_home_status(g->home);
    g->input = iv_plan_input(g->step, input);
    g->favour = iv_plan_input(g->step, "favour");
    g->sharpness = iv_plan_input(g->step, "sharpness");
    if (iv_home_status(g->home) == IV_NOMEM)
        return IV_NOMEM;
    if (!g->input)
        return iv_fail(g->home, IV_NAME, "the model has no sequence input '%s'", input);
    iv__generator_set_temperature(g, 1);
    return IV_OK;
}

iv__generator *iv__generator_new(iv_params *params, iv_node *logits, const char *input)
{
    iv_home *home = iv_params_home(params);
    iv__generator *g = logits ? iv__alloc(home, sizeof *g) : NULL;

    if (!g)
        return NULL;
    *g = (iv__generator){ .home = home,
                          .stepper = iv_stepper_new(1, &logits),
                          .rows = iv_node_dim(logits, 0),
                          .vocabulary = iv_node_dim(logits, -1) };
    g->order = iv__alloc_array(home, g->rows * g->vocabulary, sizeof *g->order);
    if (!g->stepper || !g->order || make_plans(g, params, input)) {
        iv__generator_free(g);
        return NULL;
    }
    return g;
}

void iv__generator_free(iv__generator *g)
{
    if (!g)
        return;
    iv_plan_free(g->start);
    iv_plan_free(g->step);
    iv_stepper_free(g->stepper);
    iv__free(g->home, g->order);
    iv__free(g->home, g);
}

iv_plan *iv__generator_plan(iv__generator *generator)
{
    return generator->step;
}

/* Where a state of all rows lives; *row: bytes of one. */
static char *state_of(const iv__generator *g, int i, size_t *row)
{
    const iv_stepper_state *states;

    iv_stepper_states(g->stepper, &states);
    const iv_node *leaf = states[i].leaf;
    *row = (size_t)(iv_shape_count(iv_node_shape(leaf)) / g->rows) * iv_dtype_size(iv_node_dtype(leaf));
    return iv_plan_input(g->step, iv_node_name(leaf));
}

iv_status iv__generator_start(iv__generator *g)
{
    iv_status status = g->start ? iv_plan_run(g->start) : IV_OK;

    if (!status && !iv__generator_logits(g)) /* a row can be kept before any token was fed */
        status = iv_plan_run(g->step);
    for (int i = 0; i < g->n_states && !status; i++) {
        size_t row;
        char *state = state_of(g, i, &row);
        if (!state)
            return iv_home_status(g->home);
        memcpy(state, iv_plan_output(g->start, i), row * (size_t)g->rows);
    }
    return status;
}

size_t iv__generator_row_bytes(const iv__generator *g)
{
    size_t bytes = (size_t)g->vocabulary * sizeof(float), row;

    for (int i = 0; i < g->n_states; i++) {
        state_of(g, i, &row);
        bytes += row;
    }
    return bytes;
}

void iv__generator_save_row(const iv__generator *g, int64_t row, void *to)
{
    size_t bytes = (size_t)g->vocabulary * sizeof(float);
    char *at = to;

    memcpy(at, iv__generator_logits(g) + row * g->vocabulary, bytes);
    at += bytes;
    for (int i = 0; i < g->n_states; i++, at += bytes) {
        const char *state = state_of(g, i, &bytes);
        memcpy(at, state + (size_t)row * bytes, bytes);
    }
}

void iv__generator_load_row(iv__generator *g, int64_t row, const void *from)
{
    size_t bytes = (size_t)g->vocabulary * sizeof(float);
    const char *at = from;

    memcpy((float *)(uintptr_t)iv__generator_logits(g) + row * g->vocabulary, at, bytes);
    at += bytes;
    for (int i = 0; i < g->n_states; i++, at += bytes) {
        char *state = state_of(g, i, &bytes);
        memcpy(state + (size_t)row * bytes, at, bytes);
    }
}

/* One number among a row's logits that is none leaves none among its weights. */
static iv_status check_weights(const iv__generator *g)
{
    const float *weights = iv_plan_output(g->step, WEIGHTS);

    for (int64_t row = 0; row < g->rows; row++) {
        if (!isnan(weights[row * g->vocabulary]))
            continue;
        iv_status status = iv_plan_find_bad(g->step);
        return status == IV_NUMERIC
                   ? status
                   : iv_fail(g->home, IV_NUMERIC,
                             "the model gives no numbers: its logits are not finite");
    }
    return IV_OK;
}

iv_status iv__generator_feed(iv__generator *g, const int32_t *token)
{
    memcpy(g->input, token, (size_t)g->rows * sizeof *token);
    iv_status status = iv_plan_run(g->step);
    return status ? status : check_weights(g);
}

float *iv__generator_favour(iv__generator *g)
{
    return g->favour;
}

const float *iv__generator_logits(const iv__generator *g)
{
    return iv_plan_output(g->step, LOGITS);
}

float *iv__generator_weights(iv__generator *g)
{
    return (float *)(uintptr_t)iv_plan_output(g->step, WEIGHTS);
}

/* Below this temperature a difference in the last bit of a logit decides already; 1 / temperature
 * stays finite, and so does its product with what is out of reach. */
static const double least_temperature = 1e-20;

void iv__generator_set_temperature(iv__generator *g, double temperature)
{
    if (temperature > 0)
        *g->sharpness = (float)(1 / (temperature > least_temperature ? temperature : least_temperature));
    else
        *g->sharpness = 1;
}

void iv__generator_weigh(iv__generator *g, int64_t row)
{
    int64_t count = g->vocabulary;
    const float *logits = iv__generator_logits(g) + row * count, *favour = g->favour + row * count;
    float *weight = iv__generator_weights(g) + row * count, most = -INFINITY;
    double sum = 0;

    for (int64_t i = 0; i < count; i++) {
        weight[i] = *g->sharpness * (logits[i] + favour[i]);
        most = weight[i] > most ? weight[i] : most;
    }
    for (int64_t i = 0; i < count; i++) {
        weight[i] = iv__exp_f32(weight[i] - most);
        sum += weight[i];
    }
    for (int64_t i = 0; i < count; i++)
        weight[i] = (float)(weight[i] / sum);
}

/* ---- choosing -------------------------------------------------------------------------------- */

static int heavier_first(const void *a, const void *b, void *context)
{
    const float *weight = context;
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    if (weight[x] != weight[y])
        return weight[x] < weight[y] ? 1 : -1;
    return x < y ? -1 : x > y;
}

/* Weights sorted coarsely: not negative, they stand in the order of their bits. A class has a
 * quarter of a power of two. */
enum { CLASSES = 1 << 10, CLASS_SHIFT = 21 };

static int class_of(float weight)
{
    uint32_t bits;

    memcpy(&bits, &weight, sizeof bits);
    return (int)(bits >> CLASS_SHIFT) & (CLASSES - 1);
}

/* Zero is the weight of all but the likeliest k, and of all behind those that together have the
 * share top_p. Only the class in which the border lies is sorted. */
static void keep_likeliest(int64_t count, float *weight, int32_t *order, int64_t top_k, double top_p)
{
    int32_t members[CLASSES] = { 0 };
    double sums[CLASSES] = { 0 }, sum = 0, kept = 0;
    int64_t k = 0, most = top_k ? top_k : count, n = 0;
    int border = CLASSES - 1;

    for (int64_t i = 0; i < count; i++) {
        int c = class_of(weight[i]);
        members[c]++;
        sums[c] += weight[i];
    }
    for (int c = CLASSES - 1; c >= 0; c--)
        sum += sums[c];
    for (; border > 0 && (members[border] == 0 ||
                          (k + members[border] < most && kept + sums[border] < top_p * sum));
         border--) {
        k += members[border];
        kept += sums[border];
    }
    for (int64_t i = 0; i < count; i++) {
        int c = class_of(weight[i]);
        if (c == border)
            order[n++] = (int32_t)i;
        else if (c < border)
            weight[i] = 0;
    }
    qsort_r(order, (size_t)n, sizeof *order, heavier_first, weight);
    int64_t i = 0;
    for (; i < n && k < most && (k == 0 || kept < top_p * sum); i++, k++)
        kept += weight[order[i]];
    for (; i < n; i++)
        weight[order[i]] = 0;
}

int32_t iv__generator_likeliest(const iv__generator *g, int64_t row)
{
    const float *logits = iv__generator_logits(g) + row * g->vocabulary,
                *favour = g->favour + row * g->vocabulary;
    int64_t best = 0;

    for (int64_t i = 1; i < g->vocabulary; i++)
        if (logits[i] + favour[i] > logits[best] + favour[best])
            best = i;
    return (int32_t)best;
}

enum { LANES = 8, BLOCK = 64, STRETCHES = 256 };

/* In lanes, so that the additions need not wait for each other; in blocks, so that floats do. */
static double sum_of(int64_t n, const float *weight)
{
    double sum = 0;

    for (; n > 0; n -= BLOCK, weight += BLOCK) {
        float lane[LANES] = { 0 };
        int64_t m = n < BLOCK ? n : BLOCK, i = 0;
        for (; i + LANES <= m; i += LANES)
            for (int j = 0; j < LANES; j++)
                lane[j] += weight[i + j];
        for (; i < m; i++)
            lane[0] += weight[i];
        for (int j = 0; j < LANES; j++)
            sum += lane[j];
    }
    return sum;
}

static int32_t draw_by_weight(int64_t count, const float *weight, double draw)
{
    int64_t stretch = (count / BLOCK / STRETCHES + 1) * BLOCK, n = 0, begin = 0;
    double sums[STRETCHES], sum = 0, passed = 0, before = 0;
    int32_t last = 0;

    for (int64_t i = 0; i < count; i += stretch) {
        sums[n] = sum_of(count - i < stretch ? count - i : stretch, weight + i);
        sum += sums[n++];
    }
    for (int64_t i = 0; i < n && passed <= draw * sum; i++) { /* the stretch it falls into */
        if (sums[i] > 0) {
            begin = i * stretch;
            before = passed;
        }
        passed += sums[i];
    }
    for (int64_t i = begin; i < count && i < begin + stretch && before <= draw * sum; i++) {
        if (weight[i] <= 0)
            continue;
        before += weight[i];
        last = (int32_t)i;
    }
    return last;
}

typedef struct drawing {
    iv__generator *generator;
    const iv__generation *options;
    const double *draw;
    int32_t *token;
} drawing;

static void draw_row(void *context, int64_t row, int thread)
{
    const drawing *d = context;
    const iv__generation *o = d->options;
    int64_t count = d->generator->vocabulary, first = row * count;
    float *weight = iv__generator_weights(d->generator) + first;

    (void)thread;
    if (d->draw[row] < 0)
        return;
    if (o->temperature == 0) {
        d->token[row] = iv__generator_likeliest(d->generator, row);
        return;
    }
    if (o->top_k || o->top_p < 1)
        keep_likeliest(count, weight, d->generator->order + first, o->top_k, o->top_p);
    d->token[row] = draw_by_weight(count, weight, d->draw[row]);
}

void iv__generator_draw(iv__generator *g, const iv__generation *options, const double *draw,
                        int32_t *token)
{
    drawing d = { g, options, draw, token };

    iv__parallel(g->home, g->rows, draw_row, &d);
}
