/* common_painter.c: the plans of a raster, over memory that they share. */
#include "models/common_painter.h"

#include "base/home.h"
#include "models/common_pictures.h"

#include <ivory/derive.h>
#include <ivory/ops.h>

#include <math.h>
#include <string.h>

/* Memory of a leaf that the plans share by its name. */
typedef struct shared {
    const char *name;
    void *memory;
} shared;

struct iv__painter {
    iv_home *home;
    const iv__instance *instance;
    iv__palette palette;
    iv_graph *graph;
    iv_raster *raster;
    int64_t pictures, period, outputs;
    iv_plan **plans[IV_RASTER_STAGES]; /* [period][period]; NULL: there is nothing to do */
    int n_shared, room_shared;
    shared *shared;
    float *pixels;
    int32_t *label, *row, *column;
};

static iv_plan **plan_at(const iv__painter *p, iv_raster_stage stage, int64_t row, int64_t column)
{
    return &p->plans[stage][row % p->period * p->period + column % p->period];
}

/* ---- shared memory --------------------------------------------------------------------------- */

static void *memory_of(const iv__painter *p, const char *name)
{
    for (int i = 0; i < p->n_shared; i++)
        if (!strcmp(p->shared[i].name, name))
            return p->shared[i].memory;
    return NULL;
}

static void *share(iv__painter *p, const iv_node *leaf)
{
    if (p->n_shared == p->room_shared) {
        int room = p->room_shared ? 2 * p->room_shared : 32;
        shared *more = iv__resize(p->home, p->shared, (size_t)room * sizeof *more);
        if (!more)
            return NULL;
        p->shared = more;
        p->room_shared = room;
    }
    int64_t bytes = iv_shape_count(iv_node_shape(leaf)) * (int64_t)iv_dtype_size(iv_node_dtype(leaf));
    void *memory = iv__alloc_array(p->home, bytes, 1);
    if (memory)
        p->shared[p->n_shared++] = (shared){ iv_node_name(leaf), memory };
    return memory;
}

static iv_status bind_leaves(iv__painter *p, iv_plan *plan, const iv_params *params)
{
    iv_status status = IV_OK;

    for (int i = 0; i < iv_plan_leaves(plan) && !status; i++) {
        const iv_node *leaf = iv_plan_leaf(plan, i);
        const char *name = iv_node_name(leaf);
        if (iv_params_find((iv_params *)(uintptr_t)params, name))
            continue;
        void *memory = memory_of(p, name);
        if (!memory)
            memory = share(p, leaf);
        status = memory ? iv_plan_bind(plan, name, memory, NULL) : IV_NOMEM;
    }
    return status;
}

/* ---- a painter ------------------------------------------------------------------------------- */

static iv_status make_plan(iv__painter *p, iv_params *params, iv_raster_stage stage, int64_t row,
                           int64_t column)
{
    iv_raster_part part = iv_raster_part_of(p->raster, stage, row, column);
    iv_plan **plan = plan_at(p, stage, row, column);

    if (!part.n_outputs && !part.n_updates)
        return IV_OK;
    *plan = iv_plan_new(p->home, part.n_outputs, part.outputs, part.n_updates, part.updates);
    if (!*plan || iv_params_bind(params, *plan))
        return iv_home_status(p->home);
    return bind_leaves(p, *plan, params);
}

static iv_status make_plans(iv__painter *p, iv_params *params)
{
    iv_status status = IV_OK;

    for (int stage = 0; stage < IV_RASTER_STAGES; stage++) {
        p->plans[stage] = iv__alloc_array(p->home, p->period * p->period, sizeof(iv_plan *));
        if (!p->plans[stage])
            return IV_NOMEM;
    }
    for (int64_t r = 0; r < p->period && !status; r++) {
        status = make_plan(p, params, IV_RASTER_ROW, r, 0);
        for (int64_t c = 0; c < p->period && !status; c++) {
            status = make_plan(p, params, IV_RASTER_LOOK, r, c);
            if (!status)
                status = make_plan(p, params, IV_RASTER_KEEP, r, c);
        }
    }
    p->pixels = memory_of(p, IV__PICTURES_PIXELS);
    p->label = memory_of(p, IV__PICTURES_LABEL);
    p->row = memory_of(p, "position/0");
    p->column = memory_of(p, "position/1");
    return status;
}

static iv_status make(iv__painter *p, iv_params *params, int64_t height, int64_t width)
{
    const iv__palette *palette = &p->palette;
    iv_shape shape = iv_dims(p->pictures, height, width, palette->channels);

    p->graph = iv_graph_new(p->home);
    iv_scope *scope = iv_scope_new(p->graph, params, "");
    iv_node *pixels = iv_input_raster(p->graph, IV__PICTURES_PIXELS, IV_F32, shape);
    iv_node *label = palette->classes
                         ? iv_input(p->graph, IV__PICTURES_LABEL, IV_I32, iv_dims(p->pictures))
                         : NULL;
    iv_node *outputs = palette->outputs(p->instance, scope, pixels, label);
    if (!outputs)
        return iv_home_status(p->home);
    p->outputs = iv_node_dim(outputs, -1);
    p->raster = iv_raster_new(1, &outputs);
    if (!p->raster)
        return iv_home_status(p->home);
    p->period = iv_raster_period(p->raster);
    return make_plans(p, params);
}

iv__painter *iv__painter_new(iv__instance *instance, iv_params *params, int64_t pictures,
                             int64_t height, int64_t width)
{
    iv__painter *p = iv__alloc(instance->home, sizeof *p);

    if (!p)
        return NULL;
    *p = (iv__painter){ .home = instance->home, .instance = instance, .pictures = pictures };
    instance->model->palette(instance, &p->palette);
    if (make(p, params, height, width)) {
        iv__painter_free(p);
        return NULL;
    }
    return p;
}

void iv__painter_free(iv__painter *p)
{
    if (!p)
        return;
    for (int stage = 0; stage < IV_RASTER_STAGES; stage++) {
        for (int64_t i = 0; p->plans[stage] && i < p->period * p->period; i++)
            iv_plan_free(p->plans[stage][i]);
        iv__free(p->home, p->plans[stage]);
    }
    iv_raster_free(p->raster);
    iv_graph_free(p->graph);
    for (int i = 0; i < p->n_shared; i++)
        iv__free(p->home, p->shared[i].memory);
    iv__free(p->home, p->shared);
    iv__free(p->home, p);
}

/* ---- pixels ---------------------------------------------------------------------------------- */

void iv__painter_classes(iv__painter *p, const int32_t label[])
{
    if (p->label)
        memcpy(p->label, label, (size_t)p->pictures * sizeof *label);
}

static iv_status run(iv__painter *p, iv_raster_stage stage, int64_t row, int64_t column)
{
    iv_plan *plan = *plan_at(p, stage, row, column);

    return plan ? iv_plan_run(plan) : IV_OK;
}

static void place(iv__painter *p, int64_t row, int64_t column)
{
    if (p->row)
        *p->row = (int32_t)row;
    if (p->column)
        *p->column = (int32_t)column;
}

static bool are_finite(const iv__painter *p, iv_plan *plan, const float *output)
{
    for (int64_t i = 0; i < p->pictures * p->outputs; i++)
        if (!isfinite(output[i])) {
            if (iv_plan_find_bad(plan) != IV_NUMERIC)
                iv_fail(p->home, IV_NUMERIC, "the model gives no numbers: its outputs are not finite");
            return false;
        }
    return true;
}

const float *iv__painter_look(iv__painter *p, int64_t row, int64_t column, int64_t *outputs)
{
    place(p, row, column);
    *outputs = p->outputs;
    if (column == 0 && run(p, IV_RASTER_ROW, row, 0))
        return NULL;
    if (run(p, IV_RASTER_LOOK, row, column))
        return NULL;
    iv_plan *plan = *plan_at(p, IV_RASTER_LOOK, row, column);
    const float *output = iv_plan_output(plan, 0);
    return are_finite(p, plan, output) ? output : NULL;
}

iv_status iv__painter_keep(iv__painter *p, int64_t row, int64_t column, const unsigned char *values)
{
    place(p, row, column);
    for (int64_t i = 0; i < p->pictures * p->palette.channels; i++)
        p->pixels[i] = p->palette.reads(p->instance, values[i]);
    return run(p, IV_RASTER_KEEP, row, column);
}
