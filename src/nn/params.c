/* params.c: named tensors that outlive graphs and plans. A parameter is its name. */
#include "nn/params.h"

#include "base/home.h"
#include "graph/node.h"
#include "nn/init.h"

#include <string.h>

typedef struct entry {
    char *name;
    iv_tensor *tensor; /* stays where it is while the list grows */
    iv_init init;
    iv__born born;
} entry;

struct iv_params {
    iv_home *home;
    iv_dtype real;
    uint64_t seed;
    bool empty;                      /* no initial values */
    uint64_t version;                /* plans watch it */
    const iv__safetensors *expected; /* that weights are to be loaded from; or NULL */
    entry *entries;
    int count, room;
};

bool iv__is_optimizers(const char *name)
{
    return !strncmp(name, IV__OPTIMIZER_PREFIX, sizeof IV__OPTIMIZER_PREFIX - 1);
}

bool iv__is_state(const char *name)
{
    return !strncmp(name, IV__STATE_PREFIX, sizeof IV__STATE_PREFIX - 1);
}

iv_params *iv_params_new(iv_home *home, iv_dtype real, uint64_t seed)
{
    if (real != IV_F32 && real != IV_F64) {
        iv_fail(home, IV_DTYPE, "params: parameters are f32 or f64, not of element type %d", (int)real);
        return NULL;
    }
    iv_params *params = iv__alloc(home, sizeof *params);
    if (params)
        *params = (iv_params){ .home = home, .real = real, .seed = seed, .version = 1 };
    return params;
}

iv_params *iv_params_new_empty(iv_home *home, iv_dtype real)
{
    iv_params *params = iv_params_new(home, real, 0);

    if (params)
        params->empty = true;
    return params;
}

void iv_params_free(iv_params *params)
{
    if (!params)
        return;
    for (int i = 0; i < params->count; i++) {
        iv__free(params->home, params->entries[i].name);
        iv_tensor_free(params->entries[i].tensor);
    }
    iv__free(params->home, params->entries);
    iv__free(params->home, params);
}

int iv_params_count(const iv_params *params)
{
    return params->count;
}

const char *iv_params_name(const iv_params *params, int i)
{
    return params->entries[i].name;
}

iv_tensor *iv_params_tensor(const iv_params *params, int i)
{
    return params->entries[i].tensor;
}

iv_tensor *iv_params_find(const iv_params *params, const char *name)
{
    for (int i = 0; i < params->count; i++)
        if (!strcmp(params->entries[i].name, name))
            return params->entries[i].tensor;
    return NULL;
}

int64_t iv_params_elements(const iv_params *params, const char *prefix)
{
    size_t size = strlen(prefix);
    int64_t elements = 0;

    for (int i = 0; i < params->count; i++)
        if (!strncmp(params->entries[i].name, prefix, size))
            elements += iv_shape_count(&params->entries[i].tensor->shape);
    return elements;
}

void iv_params_changed(iv_params *params)
{
    params->version++;
}

iv_status iv_params_bind(iv_params *params, iv_plan *plan)
{
    iv_status status = IV_OK;

    for (int i = 0; i < iv_plan_leaves(plan) && !status; i++) {
        const iv_node *leaf = iv_plan_leaf(plan, i);
        const char *name = iv__leaf_of(leaf)->name;
        iv_tensor *tensor = iv_params_find(params, name);
        if (leaf->call->op != &iv__op_parameter && !(tensor && iv__is_state(name)))
            continue;
        char wanted[160], known[160];
        if (!tensor)
            return iv_fail(params->home, IV_NAME,
                           "the plan needs parameter '%s', which is not among these %d", name,
                           params->count);
        if (tensor->dtype != leaf->dtype || !iv_shape_same(&tensor->shape, &leaf->shape))
            return iv_fail(params->home, IV_SHAPE,
                           "the plan needs parameter '%s' as %s %s, but it is %s %s", name,
                           iv_dtype_name(leaf->dtype),
                           iv_shape_text(&leaf->shape, wanted, sizeof wanted),
                           iv_dtype_name(tensor->dtype),
                           iv_shape_text(&tensor->shape, known, sizeof known));
        status = iv_plan_bind(plan, name, tensor->data, &params->version);
    }
    return status;
}

static bool grow(iv_params *params)
{
    if (params->count < params->room)
        return true;
    int room = params->room ? params->room * 2 : 32;
    entry *entries = iv__resize(params->home, params->entries, (size_t)room * sizeof *entries);
    if (!entries)
        return false;
    params->entries = entries;
    params->room = room;
    return true;
}

/* The parameter's value at birth, of a tensor that is all zeros. */
static iv_status fill(const iv_params *params, const entry *e)
{
    const iv_shape *shape = &e->tensor->shape;
    const iv_kept *kept = &e->born.kept;

    if (params->empty)
        return IV_OK; /* its memory is not even touched */
    iv_status status = iv__init_fill(e->tensor, e->init, params->seed, e->name);
    if (status || (!kept->rows[1] && !e->born.taps))
        return status;
    const int64_t places = shape->dim[0] * shape->dim[1];
    const size_t bytes = (size_t)(iv_tensor_bytes(e->tensor) / places);
    for (int64_t i = 0; i < places; i++) {
        int64_t row = i / shape->dim[1], column = i % shape->dim[1];
        bool inside = !kept->rows[1] || (row >= kept->rows[0] && row < kept->rows[1] &&
                                         column >= kept->columns[0] && column < kept->columns[1]);
        if (!inside || (e->born.taps && i >= e->born.taps))
            memset((char *)e->tensor->data + (size_t)i * bytes, 0, bytes);
    }
    return IV_OK;
}

void iv__params_expect(iv_params *params, const iv__safetensors *file)
{
    params->expected = file;
}

/* Optimizers' and states may be absent from a file. */
static bool may_make(const iv_params *params, const char *name, const iv_shape *shape)
{
    return !params->expected || iv__is_optimizers(name) || iv__is_state(name) ||
           iv__safetensors_expect(params->expected, name, params->real, shape);
}

static iv_tensor *make(iv_params *params, const char *name, iv_shape shape, iv_init init,
                       const iv__born *born)
{
    if (!may_make(params, name, &shape))
        return NULL;
    char *own_name = grow(params) ? iv__copy_text(params->home, name) : NULL;
    iv_tensor *tensor = own_name ? iv_tensor_new(params->home, params->real, shape) : NULL;

    entry e = { own_name, tensor, init, born ? *born : (iv__born){ .taps = 0 } };

    if (!tensor || fill(params, &e)) {
        iv_tensor_free(tensor);
        iv__free(params->home, own_name);
        return NULL;
    }
    params->entries[params->count++] = e;
    return tensor;
}

iv_node *iv__params_leaf(iv_params *params, iv_graph *graph, const char *name, iv_shape shape,
                         iv_init init, const iv__born *born)
{
    char asked[160], known[160];

    if (graph->status)
        return NULL;
    if (graph->real != params->real)
        return iv_refuse(graph, IV_DTYPE,
                         "parameter '%s': the graph computes in %s, but its parameters are %s",
                         name, iv_dtype_name(graph->real), iv_dtype_name(params->real));
    iv_shape_text(&shape, asked, sizeof asked);
    for (int64_t i = 0; i < shape.rank && i < IV_MAX_RANK; i++)
        if (shape.dim[i] < 1)
            return iv_refuse(graph, IV_SHAPE,
                             "parameter '%s' would be %s: every size must be at least 1", name, asked);
    iv_tensor *tensor = iv_params_find(params, name);
    if (!tensor)
        tensor = make(params, name, shape, init, born);
    if (!tensor)
        return iv_refuse(graph, iv_home_status(params->home), "parameter '%s' %s: %s", name, asked,
                         iv_home_message(params->home));
    if (!iv_shape_same(&tensor->shape, &shape))
        return iv_refuse(graph, IV_SHAPE, "parameter '%s' is asked for as %s, but it is known as %s",
                         name, asked, iv_shape_text(&tensor->shape, known, sizeof known));
    return iv__is_state(name) ? iv_input(graph, name, graph->real, shape)
                              : iv_parameter(graph, name, shape);
}

iv_home *iv_params_home(const iv_params *params)
{
    return params->home;
}

iv_tensor *iv_params_make(iv_params *params, const char *name, iv_shape shape)
{
    iv_tensor *tensor = iv_params_find(params, name);
    char asked[160], known[160];

    if (!tensor)
        return make(params, name, shape, IV_ZEROS, NULL);
    if (iv_shape_same(&tensor->shape, &shape))
        return tensor;
    iv_fail(params->home, IV_SHAPE, "parameter '%s' is asked for as %s, but it is known as %s",
            name, iv_shape_text(&shape, asked, sizeof asked),
            iv_shape_text(&tensor->shape, known, sizeof known));
    return NULL;
}

/* The weight that an entry is the average of, or NULL. */
static iv_tensor *averaged_by(const iv_params *params, const char *name)
{
    static const char end[] = "/" IV__AVERAGE;
    size_t size = strlen(name), head = sizeof IV__OPTIMIZER_PREFIX - 1, tail = sizeof end - 1;

    if (!iv__is_optimizers(name) || size <= head + tail || strcmp(name + size - tail, end))
        return NULL;
    for (int i = 0; i < params->count; i++) {
        const char *weight = params->entries[i].name;
        if (strlen(weight) == size - head - tail && !strncmp(weight, name + head, size - head - tail))
            return params->entries[i].tensor;
    }
    return NULL;
}

void iv__params_begin_averages(iv_params *params)
{
    for (int i = 0; i < params->count; i++) {
        const iv_tensor *weight = averaged_by(params, params->entries[i].name);
        if (weight)
            memcpy(params->entries[i].tensor->data, weight->data, (size_t)iv_tensor_bytes(weight));
    }
    iv_params_changed(params);
}

void iv__params_swap_averages(iv_params *params)
{
    for (int i = 0; i < params->count; i++) {
        iv_tensor *weight = averaged_by(params, params->entries[i].name);
        unsigned char *a = weight ? weight->data : NULL, *b = params->entries[i].tensor->data;
        for (size_t k = 0; weight && k < (size_t)iv_tensor_bytes(weight); k++) {
            unsigned char byte = a[k];
            a[k] = b[k];
            b[k] = byte;
        }
    }
    iv_params_changed(params);
}

iv_status iv_params_reset(iv_params *params)
{
    iv_status status = IV_OK;

    for (int i = 0; i < params->count && !status; i++) {
        const entry *e = &params->entries[i];
        memset(e->tensor->data, 0, (size_t)iv_tensor_bytes(e->tensor));
        status = fill(params, e);
    }
    iv_params_changed(params);
    return status;
}
