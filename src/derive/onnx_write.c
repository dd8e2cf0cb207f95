/* onnx_write.c: nodes, constants and sizes of a model in the ONNX format. */
#include "derive/onnx_parts.h"

#include "base/home.h"

#include <string.h>

bool iv__onnx_grow(iv__onnx_writer *w, iv__onnx_growing *to, const void *element, size_t size)
{
    if (to->n == to->room) {
        const int64_t room = to->room ? 2 * to->room : 64;
        void *list = iv__arena_get(w->arena, (size_t)room * size);
        if (!list)
            return false;
        if (to->n)
            memcpy(list, to->list, (size_t)to->n * size);
        to->list = list;
        to->room = room;
    }
    memcpy((char *)to->list + (size_t)to->n++ * size, element, size);
    return true;
}

const char *iv__onnx_between(iv__onnx_writer *w)
{
    const char *name = iv__arena_print(w->arena, "%s%s%s#%lld", w->call->scope,
                                       *w->call->scope ? "/" : "", w->call->op->name,
                                       (long long)w->numbered++);

    if (!name)
        w->status = IV_NOMEM;
    return name ? name : "";
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static iv__onnx_attribute *attribute(iv__onnx_writer *w, const char *name, iv__onnx_kind kind)
{
    iv__onnx_attribute *a = &w->pending[w->n_pending < IV__ONNX_PENDING ? w->n_pending++ : 0];

    *a = (iv__onnx_attribute){ .name = name, .kind = kind };
    return a;
}

void iv__onnx_whole(iv__onnx_writer *w, const char *name, int64_t value)
{
    attribute(w, name, IV__ONNX_WHOLE)->whole = value;
}

void iv__onnx_float(iv__onnx_writer *w, const char *name, double value)
{
    attribute(w, name, IV__ONNX_REAL)->real = (float)value;
}

void iv__onnx_text(iv__onnx_writer *w, const char *name, const char *value)
{
    attribute(w, name, IV__ONNX_TEXT)->text = value;
}

static void *copy_of(iv__onnx_writer *w, const void *from, size_t bytes)
{
    void *copy = iv__arena_get(w->arena, bytes + 1);

    if (!copy)
        w->status = IV_NOMEM;
    else if (bytes)
        memcpy(copy, from, bytes);
    return copy;
}

void iv__onnx_list(iv__onnx_writer *w, const char *name, int64_t n, const int64_t list[])
{
    iv__onnx_attribute *a = attribute(w, name, IV__ONNX_WHOLES);

    a->wholes = copy_of(w, list, (size_t)n * sizeof *list);
    a->n = a->wholes ? n : 0;
}

static const char *const *copy_names(iv__onnx_writer *w, const char *const names[], int *n)
{
    *n = 0;
    while (names[*n])
        ++*n;
    return copy_of(w, (const void *)names, (size_t)*n * sizeof *names);
}

void iv__onnx_node_of(iv__onnx_writer *w, const char *op, const char *const in[],
                      const char *const out[])
{
    iv__onnx_node node = { .op = op, .name = out[0], .n_attributes = w->n_pending };

    node.in = copy_names(w, in, &node.n_in);
    node.out = copy_names(w, out, &node.n_out);
    while (node.n_in && !*node.in[node.n_in - 1]) /* left out at the end: not named at all */
        node.n_in--;
    node.attributes = copy_of(w, w->pending, (size_t)w->n_pending * sizeof *w->pending);
    w->n_pending = 0;
    if (!w->status && !iv__onnx_grow(w, &w->nodes, &node, sizeof node))
        w->status = IV_NOMEM;
}

const char *iv__onnx_make(iv__onnx_writer *w, const char *op, const char *const in[])
{
    const char *name = iv__onnx_between(w);

    iv__onnx_node_of(w, op, in, (const char *[]){ name, NULL });
    return name;
}

void iv__onnx_give(iv__onnx_writer *w, const iv_call *call, const char *op, const char *a,
                   const char *b, const char *c)
{
    const char *name = iv__onnx_out(w, call, 0);

    iv__onnx_node_of(w, op, (const char *[]){ a, b, c, NULL }, (const char *[]){ name, NULL });
}

const char *iv__onnx_transpose(iv__onnx_writer *w, const char *x, iv_shape order)
{
    iv__onnx_list(w, "perm", order.rank, order.dim);
    return iv__onnx_make(w, "Transpose", (const char *[]){ x, NULL });
}

/* ---- constants ------------------------------------------------------------------------------- */

static const char *add_tensor(iv__onnx_writer *w, iv__onnx_type type, iv_shape shape, const void *data)
{
    const iv__onnx_tensor tensor = { iv__onnx_between(w), type, shape, data };

    if (!data || !iv__onnx_grow(w, &w->tensors, &tensor, sizeof tensor))
        w->status = IV_NOMEM;
    return tensor.name;
}

const char *iv__onnx_real(iv__onnx_writer *w, double value)
{
    const float narrow = (float)value;

    return add_tensor(w, IV__ONNX_FLOAT, iv_scalar(), copy_of(w, &narrow, sizeof narrow));
}

const char *iv__onnx_wholes(iv__onnx_writer *w, int64_t n, const int64_t list[])
{
    return add_tensor(w, IV__ONNX_INT64, iv_dims(n), copy_of(w, list, (size_t)n * sizeof *list));
}

float *iv__onnx_tensor_new(iv__onnx_writer *w, iv_shape shape, const char **name)
{
    float *data = iv__arena_get(w->arena, (size_t)iv_shape_count(&shape) * sizeof *data + 1);

    *name = add_tensor(w, IV__ONNX_FLOAT, shape, data);
    return data;
}

/* ---- sizes ----------------------------------------------------------------------------------- */

iv__onnx_size iv__onnx_size_of(iv__onnx_writer *w, int64_t first, int64_t second)
{
    const iv__onnx_source *source = w->source;

    if (first == second)
        return (iv__onnx_size){ .factor = first };
    for (unsigned set = 1; set < 1U << source->n_symbols; set++) {
        int64_t of[2] = { 1, 1 };
        for (int s = 0; s < source->n_symbols; s++)
            for (int g = 0; g < 2; g++)
                of[g] *= set >> s & 1 ? source->symbols[s].size[g] : 1;
        if (first % of[0] == 0 && second % of[1] == 0 && first / of[0] == second / of[1])
            return (iv__onnx_size){ first / of[0], 0, set };
        if (first - of[0] == second - of[1])
            return (iv__onnx_size){ 1, first - of[0], set };
    }
    iv__onnx_refuse(w, "a size is %lld for one batch or length and %lld for another, and follows from neither",
                    (long long)first, (long long)second);
    return (iv__onnx_size){ .factor = first };
}

/* The list [1] of a symbol's size: read from the first input with such an axis. */
static const char *symbol_size(iv__onnx_writer *w, int s)
{
    const iv__onnx_value *inputs = w->inputs.list;
    const char *name = w->source->symbols[s].name;

    for (int64_t i = 0; i < w->inputs.n && !w->symbol[s]; i++)
        for (int64_t k = 0; k < inputs[i].shape.rank && !w->symbol[s]; k++)
            if (inputs[i].shape.dim[k] < 0 && !strcmp(inputs[i].symbol[k], name)) {
                iv__onnx_whole(w, "start", k);
                iv__onnx_whole(w, "end", k + 1);
                w->symbol[s] = iv__onnx_make(w, "Shape", (const char *[]){ inputs[i].name, NULL });
            }
    if (!w->symbol[s])
        iv__onnx_refuse(w, "no input before it tells the size '%s'", name);
    return w->symbol[s] ? w->symbol[s] : "";
}

static const char *size_name(iv__onnx_writer *w, iv__onnx_size size)
{
    const char *name = NULL;

    for (int s = 0; s < w->source->n_symbols; s++)
        if (size.symbols >> s & 1) {
            const char *of = symbol_size(w, s);
            name = name ? iv__onnx_make(w, "Mul", (const char *[]){ name, of, NULL }) : of;
        }
    if (name && size.factor != 1)
        name = iv__onnx_make(w, "Mul",
                             (const char *[]){ name, iv__onnx_wholes(w, 1, &size.factor), NULL });
    if (name && size.more)
        name = iv__onnx_make(w, "Add",
                             (const char *[]){ name, iv__onnx_wholes(w, 1, &size.more), NULL });
    return name ? name : iv__onnx_wholes(w, 1, &size.factor);
}

const char *iv__onnx_shape(iv__onnx_writer *w, const iv_shape *first, const iv_shape *second,
                           const bool ones[IV_MAX_RANK])
{
    const char *parts[IV_MAX_RANK + 1] = { NULL };
    iv__onnx_size size[IV_MAX_RANK];
    int64_t fixed[IV_MAX_RANK];
    bool open = false;

    for (int64_t k = 0; k < first->rank; k++) {
        size[k] = ones && ones[k] ? (iv__onnx_size){ .factor = 1 }
                                  : iv__onnx_size_of(w, first->dim[k], second->dim[k]);
        fixed[k] = size[k].factor;
        open |= size[k].symbols;
    }
    if (!open)
        return iv__onnx_wholes(w, first->rank, fixed);
    for (int64_t k = 0; k < first->rank; k++)
        parts[k] = size_name(w, size[k]);
    iv__onnx_whole(w, "axis", 0);
    return iv__onnx_make(w, "Concat", parts);
}

int64_t iv__onnx_fixed(iv__onnx_writer *w, int64_t first, int64_t second, const char *what)
{
    if (first != second)
        iv__onnx_refuse(w, "its %s depends on the batch or the length", what);
    return first;
}
