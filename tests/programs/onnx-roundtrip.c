/* onnx-roundtrip RUN MODEL.onnx [REFERENCE.safetensors]: whether what `ivory export` wrote computes what the run does: both
 * on the same random inputs, for a batch and a length that the export did not see. The file is read again and built of
 * rows; with a third name, inputs and the run's outputs are written there, for other programs that run the file.
 *
 * A file of one token at a time is walked along the sequence, its states carried. Ends with 0 if the largest difference is at
 * most 1e-5 of the largest output. */
#include "base/file.h"
#include "base/home.h"
#include "base/random.h"
#include "format/safetensors.h"
#include "models/common_trained.h"
#include "onnx/import.h"
#include "registry/registry.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 3, LENGTH = 5, MOST = 64 };
static const double most_off = 1e-5;

typedef struct trip {
    iv_home *home;
    iv__arena arena;
    iv__opened run;
    iv_graph *graph;
    iv_plan *plan;
    iv_node *output;
    const char *name; /* of the output */
    double largest, off;
} trip;

/* ---- the run itself ------------------------------------------------------------------------------ */

static void fill_randomly(trip *t, const iv_node *leaf, uint32_t salt)
{
    void *to = iv_plan_input(t->plan, iv_node_name(leaf));
    const int64_t n = iv_shape_count(iv_node_shape(leaf)), vocabulary = iv_node_dim(t->output, -1);
    const bool label = !strcmp(iv_node_name(leaf), "label");

    for (int64_t i = 0; i < n; i++) {
        uint32_t word[4];
        iv__philox(salt, 0, (uint64_t)i, word);
        const double number = iv__unit_f64(word[0], word[1]);
        if (iv_node_dtype(leaf) == IV_I32)
            ((int32_t *)to)[i] = (int32_t)(number * (label ? 10 : (double)vocabulary));
        else
            ((float *)to)[i] = (float)(2 * number - 1);
    }
}

static iv_status compute(trip *t)
{
    t->graph = iv_graph_new(t->home);
    iv_scope *scope = t->graph ? iv_scope_new(t->graph, t->run.params, "") : NULL;

    t->output = scope ? iv__trained_graph(t->run.instance, scope, BATCH, LENGTH, &t->name) : NULL;
    t->plan = t->output ? iv_plan_new(t->home, 1, &t->output, 0, NULL) : NULL;
    if (!t->plan || iv_params_bind(t->run.params, t->plan))
        return iv_home_status(t->home);
    for (int i = 0; i < iv_plan_leaves(t->plan); i++)
        if (!strcmp(iv_node_op(iv_plan_leaf(t->plan, i)), "input"))
            fill_randomly(t, iv_plan_leaf(t->plan, i), (uint32_t)i);
    return iv_plan_run(t->plan);
}

static iv_status write_reference(trip *t, const char *path)
{
    iv__named_tensor tensors[MOST];
    int64_t n = 0;

    for (int i = 0; i < iv_plan_leaves(t->plan) && n + 1 < MOST; i++) {
        const iv_node *leaf = iv_plan_leaf(t->plan, i);
        if (!strcmp(iv_node_op(leaf), "input"))
            tensors[n++] = (iv__named_tensor){ .name = iv_node_name(leaf),
                                               .dtype = iv_node_dtype(leaf),
                                               .shape = *iv_node_shape(leaf),
                                               .data = iv_plan_input(t->plan, iv_node_name(leaf)) };
    }
    tensors[n++] = (iv__named_tensor){ .name = t->name,
                                       .dtype = IV_F32,
                                       .shape = *iv_node_shape(t->output),
                                       .data = iv_plan_output(t->plan, 0) };
    return iv__safetensors_write(t->home, path, n, tensors, 0, NULL);
}

/* ---- the file ------------------------------------------------------------------------------------ */

static void compare(trip *t, const double *got, int64_t row, int64_t rows, int64_t width)
{
    const float *wanted = iv_plan_output(t->plan, 0);

    for (int64_t i = 0; i < BATCH * width; i++) {
        const double value = (double)wanted[(i / width * rows + row) * width + i % width];
        const double off = fabs(got[i] - value);
        t->largest = fabs(value) > t->largest ? fabs(value) : t->largest;
        t->off = off <= t->off ? t->off : off;
    }
}

/* The run's input of that name, or of that a position; what the run does not have is a state: zeros at first. */
static bool take_input(trip *t, const iv__onnx_value *value, int64_t position, iv__onnx_tensor *tensor)
{
    iv_shape shape = value->shape;
    const void *from = iv_plan_input(t->plan, value->name);

    for (int64_t k = 0; k < shape.rank; k++)
        if (shape.dim[k] < 0)
            shape.dim[k] = strcmp(value->symbol[k], "length") ? BATCH : LENGTH;
    const size_t size = iv__onnx_type_size(value->type), count = (size_t)iv_shape_count(&shape);
    char *data = iv__arena_get(&t->arena, count * size + 1);
    *tensor = (iv__onnx_tensor){ value->name, value->type, shape, data };
    if (!data)
        return false;
    if (from && position < 0)
        memcpy(data, from, count * size);
    for (size_t n = 0; from && position >= 0 && n < BATCH; n++)
        memcpy(data + n * size, (const char *)from + (n * LENGTH + (size_t)position) * size, size);
    return true;
}

/* What a state will be is the output that is called after it. */
static void carry(const iv__onnx_model *model, const onnx_result out[], const iv__onnx_tensor *state)
{
    char next[128];

    snprintf(next, sizeof next, "%s/next", state->name);
    for (int64_t k = 0; k < model->n_outputs; k++)
        for (int64_t i = 0;
             !strcmp(model->outputs[k].name, next) && i < iv_shape_count(&state->shape); i++)
            ((float *)(uintptr_t)state->data)[i] = (float)out[k].number[i];
}

static bool run_file(trip *t, const iv__onnx_model *model, const iv__onnx_tensor in[], int64_t position)
{
    const int64_t rows = position < 0 ? 1 : LENGTH;
    const int64_t width = iv_shape_count(iv_node_shape(t->output)) / BATCH / rows;
    onnx_result out[MOST];
    onnx_import at;
    bool good = onnx_import_open(&at, t->home, model, model->n_inputs, in);

    if (!good)
        iv_fail(t->home, IV_UNSUPPORTED, "%s", at.reason);
    good = good && !onnx_import_run(&at, out);
    if (good && iv_shape_count(&out[0].shape) != BATCH * width) {
        iv_fail(t->home, IV_SHAPE, "the output has another shape than the run's");
        good = false;
    }
    if (good)
        compare(t, out[0].number, position < 0 ? 0 : position, rows, width);
    for (int64_t k = 0; good && k < model->n_inputs; k++)
        if (!iv_plan_input(t->plan, in[k].name))
            carry(model, out, &in[k]);
    onnx_import_close(&at);
    return good;
}

static bool walk(trip *t, const iv__onnx_model *model)
{
    iv__onnx_tensor in[MOST], state[MOST];
    bool good = model->n_inputs <= MOST && model->n_outputs <= MOST, step = false;

    for (int64_t k = 0; k < model->n_inputs && good; k++) {
        good = take_input(t, &model->inputs[k], 0, &state[k]);
        step |= !iv_plan_input(t->plan, model->inputs[k].name);
    }
    for (int64_t position = step ? 0 : -1; position < (step ? LENGTH : 0) && good; position++) {
        for (int64_t k = 0; k < model->n_inputs && good; k++) {
            in[k] = state[k];
            if (iv_plan_input(t->plan, model->inputs[k].name))
                good = take_input(t, &model->inputs[k], position, &in[k]);
        }
        good = good && run_file(t, model, in, position);
    }
    return good;
}

static iv_status make_trip(trip *t, char **argv, int argc)
{
    iv__onnx_model model;
    iv__view view = { NULL, 0 };
    iv_status status = iv__opened_load(t->home, argv[1], "model", &t->run);

    if (!status)
        status = compute(t);
    if (!status && argc > 3)
        status = write_reference(t, argv[3]);
    if (!status)
        status = iv__view_open(t->home, argv[2], &view);
    if (!status)
        status = iv__onnx_read(&t->arena, argv[2], view.data, view.size, &model);
    if (!status && !walk(t, &model))
        status = iv_home_status(t->home) ? iv_home_status(t->home) : IV_VALUE;
    iv__view_close(&view);
    return status;
}

int main(int argc, char **argv)
{
    trip t = { .home = iv_home_new(NULL) };
    iv_status status = IV_VALUE;

    t.arena.home = t.home;
    if (argc < 3 || argc > 4 || !t.home) {
        fprintf(stderr, "onnx-roundtrip: expected RUN MODEL.onnx [REFERENCE.safetensors]\n");
    } else {
        status = make_trip(&t, argv, argc);
        if (status)
            fprintf(stderr, "onnx-roundtrip: %s\n", iv_home_message(t.home));
        else
            printf("%s: largest difference %.3g of %.3g, relative %.3g\n", argv[2], t.off,
                   t.largest, t.off / t.largest);
    }
    iv_plan_free(t.plan);
    iv_graph_free(t.graph);
    iv__opened_free(&t.run);
    iv__arena_free(&t.arena);
    iv_home_free(t.home);
    return status ? 2 : !(t.off <= most_off * t.largest);
}
