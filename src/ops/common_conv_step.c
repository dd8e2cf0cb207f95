/* common_conv_step.c: convolutions one position at a time, along any spatial axis.
 *
 * Taps that read earlier positions read them from what is kept of the input; the tap of the position
 * itself reads the input there. So a convolution becomes two, over the kernel's slices; where a walk
 * over the columns follows one over the rows, the first of the two depends on earlier rows alone and is
 * computed for a whole row at once. Along the last axis of a picture one product does it all. */
#include "ops/common_conv_step.h"

#include "ops/common.h"
#include "ops/rows.h"
#include "ops/window.h"

typedef struct walked {
    iv_step *s;
    iv__conv attr;
    int axis, spatial; /* of the input; of the kernel */
    int64_t taps;      /* of the kernel along that axis */
    int64_t inner;     /* taps of the kernel at one of them */
    int64_t counted;   /* taps in all that count, in reading order */
    int64_t stride, dilation, before;
} walked;

static bool begin(walked *w, iv_step *s)
{
    const iv_shape *kernel = &s->call->in[1]->shape;
    int64_t outer = 1, all = 1;

    *w = (walked){ .s = s, .attr = *(const iv__conv *)s->call->attr, .axis = s->axis[0] };
    w->spatial = w->axis - 1;
    if (s->moves[1]) {
        iv_step_refuse(s, "its weights change from position to position");
        return false;
    }
    if (w->spatial < 0 || w->spatial >= w->attr.size.rank) {
        iv_step_refuse(s, "time is none of its spatial axes");
        return false;
    }
    w->inner = 1;
    for (int k = 0; k < w->attr.size.rank; k++) {
        all *= kernel->dim[k];
        outer *= k < w->spatial ? kernel->dim[k] : 1;
        w->inner *= k > w->spatial ? kernel->dim[k] : 1;
    }
    if (outer != 1) {
        iv_step_refuse(s, "its kernel is longer than 1 along an axis before the one that is walked");
        return false;
    }
    w->counted = w->attr.taps ? w->attr.taps : all;
    w->taps = kernel->dim[w->spatial];
    w->stride = w->attr.stride.dim[w->spatial];
    w->dilation = w->attr.dilation.dim[w->spatial];
    w->before = w->attr.before.dim[w->spatial];
    /* From here on one position is made of as many as there are taps. */
    w->attr.stride.dim[w->spatial] = w->attr.dilation.dim[w->spatial] = 1;
    w->attr.before.dim[w->spatial] = 0;
    w->attr.size.dim[w->spatial] = 1;
    return true;
}

/* The row over taps [first, first + n) of the walked axis, of which `counted` in reading order count. */
static iv_node *over(const walked *w, iv_node *x, int64_t first, int64_t n, int64_t counted)
{
    iv__conv attr = w->attr;
    iv_node *kernel = iv_slice(w->s->in[1], w->spatial, first, n, 1);

    attr.taps = counted == n * w->inner ? 0 : counted;
    return iv__apply2(w->s->call->op, x, kernel, &attr);
}

/* Places of what is kept of the input, relative to the position. */
static iv_node *places(const walked *w, bool now, int64_t offset, int64_t count)
{
    return iv__window_of(iv_step_kept(w->s, 0, now), iv_step_position(w->s),
                         &(iv__window){ .axis = w->axis,
                                        .offset = offset,
                                        .count = count,
                                        .step = w->dilation,
                                        .per = w->s->level[0] });
}

/* Whether along other axes there is one place, read by one tap: then channels alone are multiplied. */
static bool only_channels(const walked *w)
{
    const iv_shape *kernel = &w->s->in[1]->shape;
    bool only = w->s->last && w->attr.groups == 1 && w->spatial == w->attr.size.rank - 1;

    for (int k = 0; k < w->spatial; k++)
        only &= kernel->dim[k] == 1 && w->attr.size.dim[k] == 1 && w->attr.stride.dim[k] == 1 &&
                w->attr.before.dim[k] == 0;
    return only;
}

/* x [N,1..,n,C] and the kernel's first n taps [1..,n,C,F] as a product. */
static iv_node *product(const walked *w, iv_node *x, int64_t n)
{
    iv_node *kernel = iv_slice(w->s->in[1], w->spatial, 0, n, 1);

    if (!x || !kernel)
        return NULL;
    iv_shape shape = x->shape;
    const int64_t depth = n * shape.dim[shape.rank - 1], filters = iv_node_dim(kernel, -1);
    shape.dim[w->axis] = 1;
    shape.dim[shape.rank - 1] = depth;
    return iv_matmul(iv_reshape(x, shape), iv_reshape(kernel, iv_dims(depth, filters)));
}

static int64_t at_most(int64_t n, int64_t most)
{
    return n < 0 ? 0 : n < most ? n : most;
}

void iv__conv_step(iv_step *s)
{
    walked w;

    if (!begin(&w, s))
        return;
    const int64_t earlier = at_most((w.before + w.dilation - 1) / w.dilation, w.taps);
    const bool sees_itself = w.before >= 0 && w.before % w.dilation == 0 &&
                             w.before / w.dilation < w.taps;
    const int64_t of_earlier = at_most(w.counted, earlier * w.inner),
                  of_itself = w.counted - of_earlier, level = s->level[0] * w.stride;
    iv_node *y = NULL;

    if (of_itself > sees_itself * w.inner) {
        iv_step_refuse(s, "reads what comes later");
        return;
    }
    if (of_earlier) /* also at a phase that computes nothing */
        iv_step_kept(s, 0, false);
    if (s->phase % level || !s->in[0]) {
        iv_step_output_at(s, 0, NULL, w.axis, level);
        return;
    }
    if (only_channels(&w)) {
        y = product(&w, !of_earlier ? s->in[0] : places(&w, of_itself > 0, -w.before, w.counted),
                    w.counted);
    } else {
        if (of_earlier)
            y = over(&w, places(&w, false, -w.before, earlier), 0, earlier, of_earlier);
        if (of_itself) {
            iv_node *own = over(&w, s->in[0], earlier, 1, of_itself);
            y = of_earlier ? iv_add(y, own) : own;
        }
    }
    iv_step_output_at(s, 0, y, w.axis, level);
}

/* One position of the input, by one tap. */
static iv_node *spread(const walked *w, iv_node *y, int64_t tap, int64_t counted)
{
    if (!only_channels(w))
        return over(w, y, tap, 1, counted);
    iv_node *kernel = iv_slice(w->s->in[1], w->spatial, tap, 1, 1);
    if (!kernel)
        return NULL;
    return iv_matmul_with(y,
                          iv_reshape(kernel, iv_dims(iv_node_dim(kernel, -2), iv_node_dim(kernel, -1))),
                          false, true);
}

void iv__conv_x_step(iv_step *s)
{
    walked w;

    if (!begin(&w, s))
        return;
    if (s->level[0] % w.stride) {
        iv_step_refuse(s, "makes more positions than there are");
        return;
    }
    const int64_t level = s->level[0] / w.stride, place = s->phase / level % w.stride;
    iv_node *x = NULL;

    for (int64_t k = 0; k < w.taps; k++)
        if (at_most(w.counted - k * w.inner, w.inner) && w.before > k * w.dilation) {
            iv_step_refuse(s, "reads what comes later");
            return;
        }
    if (w.stride > 1 || w.taps > 1)
        iv_step_kept(s, 0, false);
    if (s->phase % level) {
        iv_step_output_at(s, 0, NULL, w.axis, level);
        return;
    }
    for (int64_t k = 0; k < w.taps; k++) {
        const int64_t counted = at_most(w.counted - k * w.inner, w.inner),
                      from = place + w.before - k * w.dilation;
        if (!counted || from % w.stride)
            continue;
        iv_node *y = from == 0 && s->in[0] ? s->in[0] : places(&w, false, from / w.stride, 1);
        iv_node *part = spread(&w, y, k, counted);
        x = x ? iv_add(x, part) : part;
    }
    if (!x) { /* no tap reaches this place */
        iv_shape shape = s->call->out[0].shape;
        shape.dim[w.axis] = 1;
        x = iv_fill(s->graph, shape, 0);
    }
    iv_step_output_at(s, 0, x, w.axis, level);
}
