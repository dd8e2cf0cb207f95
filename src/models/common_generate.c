/* common_generate.c: running a stepper token by token, and choosing tokens from its logits. */
#define _GNU_SOURCE
#include "models/common_generate.h"

#include "base/home.h"
#include "base/math.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
const iv_field iv_generation_fields[] = {
    FIELD(iv_generation, n,           INT,  "1",   1, 100000, "", "",       "how many samples"),
    FIELD(iv_generation, length,      INT,  "100", 1, 1e9,    "", "tokens", "most tokens of a sample"),
    FIELD(iv_generation, seed,        INT,  "0",   0, 1e15,   "", "",       "the same seed draws the same samples"),
    FIELD(iv_generation, temperature, REAL, "1",   0, 100,    "", "",       "below 1 safer, above 1 bolder; 0: always the likeliest"),
    FIELD(iv_generation, top_k,       INT,  "0",   0, 1e9,    "", "",       "draw among the k likeliest only; 0: all"),
    FIELD(iv_generation, top_p,       REAL, "1",   0, 1,      "", "",       "draw among the likeliest that together have this probability"),
    FIELD(iv_generation, repetition,  REAL, "1",   1, 100,    "", "",       "divides the chance of tokens that stand there already; 1: off"),
    FIELD(iv_generation, prompt,      TEXT, "",    0, 0,      "", "",       "how the text begins"),
    FIELD_END,
};
/* clang-format on */

struct iv__generator {
    iv_home *home;
    iv_stepper *stepper;
    iv_plan *start, *step;
    int n_states;
    int32_t *input;
    int64_t rows;
};

static iv_status make_plans(iv__generator *g, iv_params *params, const char *input)
{
    const iv_stepper_state *states;
    g->n_states = iv_stepper_states(g->stepper, &states);
    iv_node **starts = iv__alloc_array(g->home, g->n_states + 1, sizeof *starts);
    iv_update *updates = iv__alloc_array(g->home, g->n_states + 1, sizeof *updates);
    iv_node *logits = iv_stepper_output(g->stepper, 0);

    if (starts && updates) {
        for (int i = 0; i < g->n_states; i++) {
            starts[i] = states[i].start;
            updates[i] = (iv_update){ states[i].leaf, states[i].next };
        }
        g->step = iv_plan_new(g->home, 1, &logits, g->n_states, updates);
        if (g->n_states)
            g->start = iv_plan_new(g->home, g->n_states, starts, 0, NULL);
    }
    iv__free(g->home, starts);
    iv__free(g->home, updates);
    if (!g->step || (g->n_states && !g->start) || iv_params_bind(params, g->step) ||
        (g->start && iv_params_bind(params, g->start)))
        return iv_home_status(g->home);
    g->input = iv_plan_input(g->step, input);
    return g->input ? IV_OK : iv_fail(g->home, IV_NAME, "the model has no sequence input '%s'", input);
}

iv__generator *iv__generator_new(iv_params *params, iv_node *logits, const char *input)
{
    iv_home *home = iv_params_home(params);
    iv__generator *g = logits ? iv__alloc(home, sizeof *g) : NULL;

    if (!g)
        return NULL;
    *g = (iv__generator){ .home = home,
                          .stepper = iv_stepper_new(1, &logits),
                          .rows = iv_node_dim(logits, 0) };
    if (!g->stepper || make_plans(g, params, input)) {
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
    iv__free(g->home, g);
}

iv_status iv__generator_start(iv__generator *g)
{
    const iv_stepper_state *states;
    iv_status status = g->start ? iv_plan_run(g->start) : IV_OK;

    iv_stepper_states(g->stepper, &states);
    for (int i = 0; i < g->n_states && !status; i++) {
        void *state = iv_plan_input(g->step, iv_node_name(states[i].leaf));
        size_t bytes = (size_t)iv_shape_count(iv_node_shape(states[i].leaf)) *
                       iv_dtype_size(iv_node_dtype(states[i].leaf));
        if (!state)
            return iv_home_status(g->home);
        memcpy(state, iv_plan_output(g->start, i), bytes);
    }
    return status;
}

iv_status iv__generator_feed(iv__generator *g, const int32_t *token)
{
    memcpy(g->input, token, (size_t)g->rows * sizeof *token);
    return iv_plan_run(g->step);
}

const float *iv__generator_logits(const iv__generator *g)
{
    return iv_plan_output(g->step, 0);
}

/* ---- choosing -------------------------------------------------------------------------------- */

/* Logits as they count: those of tokens that stand in the text already are lowered, forbidden
 * ones out of reach. */
static void take_logits(const iv__drawing *work, const float *logits, const int32_t *used,
                        double repetition, int n, const int32_t *forbidden)
{
    float penalty = repetition > 1 ? (float)iv__log_f64(repetition) : 0;

    memcpy(work->weight, logits, (size_t)work->count * sizeof *logits);
    for (int64_t i = 0; penalty > 0 && i < work->count; i++)
        if (used[i])
            work->weight[i] -= penalty;
    for (int i = 0; i < n; i++)
        if (forbidden[i] >= 0 && forbidden[i] < work->count)
            work->weight[forbidden[i]] = -INFINITY;
}

/* From logits to exp((x - max) / temperature): not yet normalised. Temperature 0: 1 for the
 * likeliest alone. */
static void weigh(const iv__drawing *work, double temperature)
{
    float most = -INFINITY, by = temperature > 0 ? (float)(1 / temperature) : 0;
    int64_t best = 0;

    for (int64_t i = 0; i < work->count; i++)
        if (work->weight[i] > most) {
            most = work->weight[i];
            best = i;
        }
    for (int64_t i = 0; i < work->count; i++)
        work->weight[i] = temperature > 0 ? iv__exp_f32((work->weight[i] - most) * by)
                                          : (float)(i == best);
}

void iv__token_probabilities(const iv__drawing *work, const float *logits, double temperature,
                             int n, const int32_t *forbidden)
{
    double sum = 0;

    take_logits(work, logits, NULL, 1, n, forbidden);
    weigh(work, temperature);
    for (int64_t i = 0; i < work->count; i++)
        sum += work->weight[i];
    for (int64_t i = 0; i < work->count; i++)
        work->weight[i] = (float)(work->weight[i] / sum);
}

static int heavier_first(const void *a, const void *b, void *context)
{
    const float *weight = context;
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    if (weight[x] != weight[y])
        return weight[x] < weight[y] ? 1 : -1;
    return x < y ? -1 : x > y;
}

static void keep_likeliest(const iv__drawing *work, int64_t top_k, double top_p)
{
    double sum = 0, kept = 0;
    int64_t k = 0;

    for (int64_t i = 0; i < work->count; i++) {
        work->order[i] = (int32_t)i;
        sum += work->weight[i];
    }
    qsort_r(work->order, (size_t)work->count, sizeof *work->order, heavier_first, work->weight);
    for (; k < work->count && (!top_k || k < top_k) && (k == 0 || kept < top_p * sum); k++)
        kept += work->weight[work->order[k]];
    for (; k < work->count; k++)
        work->weight[work->order[k]] = 0;
}

int32_t iv__draw(const iv__drawing *work, const iv_generation *g, const float *logits,
                 const int32_t *used, int n, const int32_t *forbidden, double draw)
{
    take_logits(work, logits, used, g->repetition, n, forbidden);
    weigh(work, g->temperature);
    if (g->top_k || g->top_p < 1)
        keep_likeliest(work, g->top_k, g->top_p);

    double sum = 0, passed = 0;
    int32_t last = 0;
    for (int64_t i = 0; i < work->count; i++)
        sum += work->weight[i];
    for (int64_t i = 0; i < work->count; i++) {
        if (work->weight[i] <= 0)
            continue;
        passed += work->weight[i];
        last = (int32_t)i;
        if (passed > draw * sum)
            break;
    }
    return last;
}
