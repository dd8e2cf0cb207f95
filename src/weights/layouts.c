/* layouts.c: layouts of recurrent layers that are not Ivory's, which are Keras 2's and 3's.
 * Source: Keras 2.1, keras/engine/topology.py, where the same layouts are brought into each other. */
#include "weights/weights.h"

#include <string.h>

typedef struct shape_of {
    int64_t inputs, units, gates; /* of the layer that the weights go to */
} shape_of;

/* How a layout's weights become kernel, recurrent kernel and bias. */
typedef struct kind {
    const char *name;
    int n_from;
    int64_t gates;
    int order[4]; /* of one array for each gate: which gate it is, in the layer's order */
} kind;

static const kind kinds[] = {
    { "CuDNNLSTM", 3, 4, { 0 } },
    { "CuDNNGRU", 3, 3, { 0 } },
    { "an LSTM of Keras 1", 12, 4, { 0, 2, 1, 3 } }, /* i, c, f, o -> i, f, c, o */
    { "a GRU of Keras 1", 9, 3, { 0, 1, 2 } },
};

/* Whether `to` are a recurrent layer's kernel [I,gates H], recurrent kernel [H,gates H] and bias. */
static bool is_recurrent(const iv__layout *l, int64_t gates, shape_of *s)
{
    if (l->n_to != 3 || l->to[0]->rank != 2 || l->to[1]->rank != 2)
        return false;
    *s = (shape_of){ l->to[0]->dim[0], l->to[1]->dim[0], gates };
    return l->to[0]->dim[1] == gates * s->units && l->to[1]->dim[1] == gates * s->units;
}

static bool is_shape(const iv_shape *shape, iv_shape wanted)
{
    return iv_shape_same(shape, &wanted);
}

/* A matrix and a bias of each gate. */
static bool is_apart(const iv__layout *l, const shape_of *s)
{
    for (int i = 0; i < l->n_from; i += 3)
        if (!is_shape(l->from[i], iv_dims(s->inputs, s->units)) ||
            !is_shape(l->from[i + 1], iv_dims(s->units, s->units)) ||
            !is_shape(l->from[i + 2], iv_dims(s->units)))
            return false;
    return is_shape(l->to[2], iv_dims(s->gates * s->units));
}

/* The same matrices, but two biases in one row. */
static bool is_cudnn(const iv__layout *l, const shape_of *s)
{
    return iv_shape_same(l->from[0], l->to[0]) && iv_shape_same(l->from[1], l->to[1]) &&
           is_shape(l->from[2], iv_dims(2 * s->gates * s->units)) &&
           is_shape(l->to[2], s->gates == 4 ? iv_dims(4 * s->units) : iv_dims(2, 3 * s->units));
}

static const kind *find(const iv__layout *l, shape_of *s)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const kind *k = &kinds[i];
        if (k->n_from == l->n_from && is_recurrent(l, k->gates, s) &&
            (k->n_from == 3 ? is_cudnn(l, s) : is_apart(l, s)))
            return k;
    }
    return NULL;
}

const char *iv__layout_of(const iv__layout *l)
{
    shape_of s;
    const kind *k = find(l, &s);

    return k ? k->name : NULL;
}

/* CuDNN keeps the matrix of each gate as [units,inputs], one behind the other, and Keras saves each in the shape
 * [inputs,units], side by side: of the kernel by reading its bytes anew, of the recurrent one by turning it. */
static void turn_gates(const double *from, int64_t rows, const shape_of *s, bool anew, double *to)
{
    const int64_t units = s->units, width = s->gates * units;

    for (int64_t gate = 0; gate < s->gates; gate++)
        for (int64_t i = 0; i < rows; i++)
            for (int64_t h = 0; h < units; h++) {
                const int64_t at = h * rows + i;
                const int64_t row = anew ? at / units : h, column = anew ? at % units : i;
                to[i * width + gate * units + h] = from[row * width + gate * units + column];
            }
}

static void from_cudnn(const shape_of *s, double *const from[], int to, double *values)
{
    const int64_t width = s->gates * s->units;

    if (to < 2) {
        turn_gates(from[to], to ? s->units : s->inputs, s, to == 0, values);
    } else if (s->gates == 4) {
        for (int64_t i = 0; i < width; i++)
            values[i] = from[2][i] + from[2][width + i];
    } else {
        memcpy(values, from[2], (size_t)(2 * width) * sizeof *values);
    }
}

void iv__layout_convert(const iv__layout *l, double *const from[], int to, double *values)
{
    shape_of s = { 0 };
    const kind *k = find(l, &s);

    if (l->n_from == 3) {
        from_cudnn(&s, from, to, values);
        return;
    }
    const int64_t rows = to == 0 ? s.inputs : to == 1 ? s.units : 1;
    for (int64_t gate = 0; gate < s.gates; gate++)
        for (int64_t row = 0; row < rows; row++)
            memcpy(values + (row * s.gates + gate) * s.units,
                   from[3 * k->order[gate] + to] + row * s.units, (size_t)s.units * sizeof *values);
}
