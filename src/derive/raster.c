/* raster.c: the steppers of pictures: a walk along the rows, then over its graph one along the columns.
 *
 * What does not move along the columns belongs to the graph of the row and is computed before its first
 * pixel. The other updates wait for the pixel itself if they depend on it. Strides make phases: a pair of
 * walks for each row and column modulo the period. */
#include "derive/stepper.h"

#include "base/home.h"

#include <string.h>

typedef struct pixel {
    iv_stepper *stepper;
    iv_node **outputs;
    int n_updates[IV_RASTER_STAGES]; /* of LOOK and KEEP */
    iv_update *updates[IV_RASTER_STAGES];
} pixel;

typedef struct row {
    iv_stepper *stepper;
    pixel *pixels; /* [period] */
    int n_updates;
    iv_update *updates;
} row;

struct iv_raster {
    iv_home *home;
    int n_outputs;
    int64_t period;
    row *rows; /* [period] */
};

/* Strides beyond this would need more plans than anyone wants. */
enum { LARGEST_PERIOD = 16 };

/* For each call, by id: whether it depends on the picture that is walked. */
static bool *calls_that_move(iv_home *home, const iv_graph *graph)
{
    bool *moves = iv__alloc_array(home, graph->n_calls + 1, sizeof *moves);

    for (int c = 0; moves && c < graph->n_calls; c++) {
        const iv_call *call = graph->calls[c];
        moves[c] = call->op->flags & IV_LEAF && ((const iv__leaf *)call->attr)->axis >= 0;
        for (int k = 0; k < call->n_in; k++)
            moves[c] |= moves[call->in[k]->call->id];
    }
    return moves;
}

/* ---- pixels ---------------------------------------------------------------------------------- */

static iv_status check_output(iv_home *home, const bool *moves, const iv_node *output)
{
    if (!output)
        return iv_fail(home, IV_UNSUPPORTED, "raster: an output does not exist for every pixel");
    if (output->call->op->flags & IV_LEAF || moves[output->call->id])
        return iv_fail(home, IV_UNSUPPORTED,
                       "raster: %s sees the pixel itself, so that none could be drawn from it; a "
                       "masked convolution of type A must come first",
                       output->call->op->name);
    return IV_OK;
}

/* Leaves of the row's states in the pixel's graph have the same names. */
static iv_node *same_leaf(iv_graph *graph, const iv_node *leaf)
{
    return iv_input(graph, iv_node_name(leaf), leaf->dtype, leaf->shape);
}

/* The updates by stage: those that wait for the pixel, and the others. */
static iv_status sort_updates(iv_home *home, pixel *p, int n_outputs, int n_moving,
                              iv_node *const moving[])
{
    iv_graph *graph = iv_stepper_graph(p->stepper);
    const iv_stepper_state *own;
    int n_own = iv_stepper_states(p->stepper, &own);
    bool *moves = calls_that_move(home, graph);
    iv_status status = moves ? IV_OK : IV_NOMEM;

    p->outputs = iv__alloc_array(home, n_outputs, sizeof *p->outputs);
    for (int stage = IV_RASTER_LOOK; stage <= IV_RASTER_KEEP; stage++) {
        p->updates[stage] = iv__alloc_array(home, n_own + n_moving + 1, sizeof(iv_update));
        if (!p->updates[stage])
            status = IV_NOMEM;
    }
    if (!p->outputs)
        status = IV_NOMEM;
    for (int i = 0; i < n_outputs && !status; i++) {
        p->outputs[i] = iv_stepper_output(p->stepper, i);
        status = check_output(home, moves, p->outputs[i]);
    }
    for (int i = 0; i < n_own + n_moving && !status; i++) {
        iv_update u = { .leaf = NULL };
        if (i < n_own)
            u = (iv_update){ own[i].leaf, own[i].next };
        else if (moving[i - n_own])
            u = (iv_update){ same_leaf(graph, moving[i - n_own]),
                             iv_stepper_output(p->stepper, n_outputs + i - n_own) };
        if (!u.value)
            continue;
        int stage = moves[u.value->call->id] ? IV_RASTER_KEEP : IV_RASTER_LOOK;
        p->updates[stage][p->n_updates[stage]++] = u;
    }
    iv__free(home, moves);
    return status ? status : iv_graph_status(graph);
}

/* The walk along the columns at one phase. */
static iv_status make_pixel(iv_raster *raster, row *r, int64_t number, int64_t phase, int n_moving,
                            iv_node *const leaves[], iv_node *const targets[])
{
    pixel *p = &r->pixels[phase];

    p->stepper = iv__stepper_new(
        raster->n_outputs + n_moving, targets,
        (iv__walk){ .number = 1, .picture = true, .last = true, .phase = phase, .of = number });
    return p->stepper ? sort_updates(raster->home, p, raster->n_outputs, n_moving, leaves)
                      : iv_home_status(raster->home);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static bool has_update(const row *r, const iv_node *leaf)
{
    for (int i = 0; i < r->n_updates; i++)
        if (r->updates[i].leaf == leaf)
            return true;
    return false;
}

/* What the pixels of a row need of it. */
static iv_status collect_rows(iv_raster *raster, row *r)
{
    iv_graph *graph = iv_stepper_graph(r->stepper);

    for (int64_t phase = 0; phase < raster->period; phase++) {
        const iv__of_row *of_row;
        int n = iv__stepper_rows(r->pixels[phase].stepper, &of_row);
        iv_update *updates = iv__resize(raster->home, r->updates,
                                        (size_t)(r->n_updates + n + 1) * sizeof *updates);
        if (!updates)
            return IV_NOMEM;
        r->updates = updates;
        for (int i = 0; i < n; i++) {
            iv_node *leaf = same_leaf(graph, of_row[i].leaf);
            if (leaf && !has_update(r, leaf))
                r->updates[r->n_updates++] = (iv_update){ leaf, of_row[i].value };
        }
    }
    return iv_graph_status(graph);
}

/* States of the row: those that its pixels change one by one go to them. */
static iv_status make_row(iv_raster *raster, int64_t number)
{
    row *r = &raster->rows[number];
    iv_graph *graph = iv_stepper_graph(r->stepper);
    const iv_stepper_state *states;
    int n_states = iv_stepper_states(r->stepper, &states), n_moving = 0, n = raster->n_outputs;
    bool *moves = calls_that_move(raster->home, graph);
    iv_node **leaves = iv__alloc_array(raster->home, n_states + 1, sizeof *leaves);
    iv_node **targets = iv__alloc_array(raster->home, n + n_states, sizeof *targets);
    iv_status status = moves && leaves && targets ? IV_OK : IV_NOMEM;

    r->pixels = iv__alloc_array(raster->home, raster->period, sizeof *r->pixels);
    r->updates = iv__alloc_array(raster->home, n_states + 1, sizeof *r->updates);
    if (!r->pixels || !r->updates)
        status = IV_NOMEM;
    for (int i = 0; i < n && !status; i++) {
        targets[i] = iv_stepper_output(r->stepper, i);
        if (!targets[i])
            status = iv_fail(raster->home, IV_UNSUPPORTED,
                             "raster: an output does not exist for every row");
    }
    for (int i = 0; i < n_states && !status; i++) {
        if (!states[i].next)
            continue;
        if (moves[states[i].next->call->id]) {
            leaves[n_moving] = states[i].leaf;
            targets[n + n_moving++] = states[i].next;
        } else {
            r->updates[r->n_updates++] = (iv_update){ states[i].leaf, states[i].next };
        }
    }
    for (int64_t phase = 0; phase < raster->period && !status; phase++)
        status = make_pixel(raster, r, number, phase, n_moving, leaves, targets);
    if (!status)
        status = collect_rows(raster, r);
    iv__free(raster->home, targets);
    iv__free(raster->home, leaves);
    iv__free(raster->home, moves);
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static iv_stepper *walk_rows(int n, iv_node *const outputs[], int64_t phase)
{
    return iv__stepper_new(n, outputs, (iv__walk){ .picture = true, .phase = phase });
}

static iv_status make(iv_raster *raster, iv_node *const outputs[])
{
    iv_stepper *first = walk_rows(raster->n_outputs, outputs, 0);

    if (!first)
        return iv_home_status(raster->home) ? iv_home_status(raster->home) : IV_NOMEM;
    raster->period = iv__stepper_period(first);
    if (raster->period > LARGEST_PERIOD) {
        iv_stepper_free(first);
        return iv_fail(raster->home, IV_UNSUPPORTED,
                       "raster: strides of %lld rows are too many (%d at most)",
                       (long long)raster->period, LARGEST_PERIOD);
    }
    raster->rows = iv__alloc_array(raster->home, raster->period, sizeof *raster->rows);
    if (!raster->rows) {
        iv_stepper_free(first);
        return IV_NOMEM;
    }
    raster->rows[0].stepper = first;
    for (int64_t phase = 1; phase < raster->period; phase++) {
        raster->rows[phase].stepper = walk_rows(raster->n_outputs, outputs, phase);
        if (!raster->rows[phase].stepper)
            return iv_home_status(raster->home);
    }
    iv_status status = IV_OK;
    for (int64_t phase = 0; phase < raster->period && !status; phase++)
        status = make_row(raster, phase);
    if (!status && iv__stepper_period(raster->rows[0].pixels[0].stepper) != raster->period)
        status = iv_fail(raster->home, IV_UNSUPPORTED,
                         "raster: strides of rows and of columns must be the same");
    return status;
}

iv_raster *iv_raster_new(int n, iv_node *const outputs[])
{
    if (n < 1)
        return NULL;
    for (int i = 0; i < n; i++)
        if (!outputs[i])
            return NULL;
    iv_home *home = outputs[0]->graph->home;
    iv_raster *raster = iv__alloc(home, sizeof *raster);

    if (!raster)
        return NULL;
    *raster = (iv_raster){ .home = home, .n_outputs = n };
    if (make(raster, outputs)) {
        iv_raster_free(raster);
        return NULL;
    }
    return raster;
}

void iv_raster_free(iv_raster *raster)
{
    if (!raster)
        return;
    for (int64_t i = 0; raster->rows && i < raster->period; i++) {
        row *r = &raster->rows[i];
        for (int64_t j = 0; r->pixels && j < raster->period; j++) {
            iv_stepper_free(r->pixels[j].stepper);
            iv__free(raster->home, r->pixels[j].outputs);
            for (int stage = 0; stage < IV_RASTER_STAGES; stage++)
                iv__free(raster->home, r->pixels[j].updates[stage]);
        }
        iv_stepper_free(r->stepper);
        iv__free(raster->home, r->pixels);
        iv__free(raster->home, r->updates);
    }
    iv__free(raster->home, raster->rows);
    iv__free(raster->home, raster);
}

int64_t iv_raster_period(const iv_raster *raster)
{
    return raster->period;
}

iv_raster_part iv_raster_part_of(const iv_raster *raster, iv_raster_stage stage, int64_t row_phase,
                                 int64_t column)
{
    const row *r = &raster->rows[row_phase];
    const pixel *p = &r->pixels[column];

    if (stage == IV_RASTER_ROW)
        return (iv_raster_part){ .n_updates = r->n_updates, .updates = r->updates };
    return (iv_raster_part){ .n_outputs = stage == IV_RASTER_LOOK ? raster->n_outputs : 0,
                             .outputs = p->outputs,
                             .n_updates = p->n_updates[stage],
                             .updates = p->updates[stage] };
}
