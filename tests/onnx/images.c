/* images.c: operators of images, whose channels come first in ONNX, and what they are in Ivory's words. */
#include "onnx/import.h"

#include <math.h>
#include <string.h>

enum { AXES = 3 };

/* What convolutions and pools say of each spatial axis. */
typedef struct spatial {
    int64_t n;
    int64_t window[AXES], stride[AXES], dilation[AXES], before[AXES], after[AXES];
    bool same; /* padded so that y has ceil(x / stride) places, with one more behind */
} spatial;

static void take_list(const onnx_call *c, const char *name, int64_t n, int64_t list[AXES])
{
    int64_t given;
    const int64_t *values = onnx_wholes(c, name, &given);

    for (int64_t k = 0; k < n && k < given; k++)
        list[k] = values[k];
}

/* size: of the image's axis k. */
static bool read_spatial(onnx_call *c, const iv_node *x, const int64_t window[AXES], spatial *s)
{
    const char *pad = onnx_text(c, "auto_pad", "NOTSET");
    int64_t n_pads;
    const int64_t *pads = onnx_wholes(c, "pads", &n_pads);

    *s = (spatial){ .n = x ? iv_node_shape(x)->rank - 2 : 0 };
    if (s->n < 1 || s->n > AXES)
        return onnx_no(c, "its image has no one to three spatial axes");
    for (int64_t k = 0; k < s->n; k++) {
        s->window[k] = window[k];
        s->stride[k] = s->dilation[k] = 1;
    }
    take_list(c, "strides", s->n, s->stride);
    take_list(c, "dilations", s->n, s->dilation);
    s->same = !strcmp(pad, "SAME_UPPER");
    for (int64_t k = 0; k < s->n; k++) {
        const int64_t size = iv_node_dim(x, (int)k + 2);
        const int64_t places = (size + s->stride[k] - 1) / s->stride[k];
        const int64_t all = (places - 1) * s->stride[k] + (s->window[k] - 1) * s->dilation[k] + 1 - size;
        if (!strcmp(pad, "SAME_LOWER") && all > 0) {
            s->after[k] = all / 2;
            s->before[k] = all - all / 2;
        } else if (pads && n_pads == 2 * s->n) {
            s->before[k] = pads[k];
            s->after[k] = pads[s->n + k];
        }
    }
    return true;
}

/* ---- convolutions -------------------------------------------------------------------------------- */

/* [F,C,K...] -> [K...,C,F]; of a transposed one [C,F,K...] -> [K...,F,C]. */
static iv_node *kernel(iv_node *w)
{
    const int64_t rank = w ? iv_node_shape(w)->rank : 0;
    iv_shape order = { .rank = rank };

    for (int64_t k = 0; k < rank; k++)
        order.dim[k] = k < rank - 2 ? k + 2 : rank - 1 - k;
    return iv_transpose(w, order);
}

static iv_conv_options conv_options(onnx_call *c, const spatial *s)
{
    iv_conv_options o = { .padding = s->same ? IV_SAME : IV_EXPLICIT,
                          .groups = onnx_whole(c, "group", 1) };

    for (int64_t k = 0; k < s->n; k++) {
        o.stride[k] = s->stride[k];
        o.dilation[k] = s->dilation[k];
        o.before[k] = s->before[k];
        o.after[k] = s->after[k];
    }
    return o;
}

static bool read_conv(onnx_call *c, spatial *s)
{
    const iv_node *x = onnx_real(c, 0), *w = onnx_real(c, 1);
    int64_t window[AXES] = { 0 };

    for (int64_t k = 0; w && k < AXES && k + 2 < iv_node_shape(w)->rank; k++)
        window[k] = iv_node_dim(w, (int)k + 2);
    return read_spatial(c, x, window, s);
}

static iv_node *with_bias(onnx_call *c, iv_node *y)
{
    return onnx_channels_first(onnx_has(c, 2) ? iv_add(y, onnx_real(c, 2)) : y);
}

static iv_node *build_Conv(onnx_call *c)
{
    spatial s;

    if (!read_conv(c, &s))
        return NULL;
    const iv_conv_options o = conv_options(c, &s);
    return with_bias(c, iv_conv_with(onnx_channels_last(onnx_real(c, 0)), kernel(onnx_real(c, 1)), &o));
}

/* Its padding leaves places out. output_shape says how many are to be there; output_padding adds places behind. */
static iv_node *build_ConvTranspose(onnx_call *c)
{
    int64_t more[AXES] = { 0 }, shape[AXES] = { 0 }, given;
    spatial s;

    if (!read_conv(c, &s))
        return NULL;
    take_list(c, "output_padding", s.n, more);
    take_list(c, "output_shape", s.n, shape);
    onnx_wholes(c, "output_shape", &given);
    for (int64_t k = 0; k < s.n; k++) {
        const int64_t all = s.stride[k] * (iv_node_dim(onnx_real(c, 0), (int)k + 2) - 1) +
                            (s.window[k] - 1) * s.dilation[k] + 1;
        const int64_t out = all + more[k] - (given ? shape[k] : 0);
        if (given && out >= 0) {
            s.before[k] = s.same ? out / 2 : out - out / 2;
            s.after[k] = out - s.before[k];
        } else if (given) {
            s.before[k] = 0;
            s.after[k] = out;
        }
        s.after[k] -= more[k];
        s.same = s.same && !given;
    }
    const iv_conv_options o = conv_options(c, &s);
    return with_bias(c, iv_conv_transpose_with(onnx_channels_last(onnx_real(c, 0)),
                                               kernel(onnx_real(c, 1)), &o));
}

/* ---- pools --------------------------------------------------------------------------------------- */

static iv_node *padded(iv_node *x, const spatial *s)
{
    for (int64_t k = 0; k < s->n; k++)
        if (s->before[k] || s->after[k])
            x = iv_pad(x, (int)k + 1, s->before[k], s->after[k]);
    return x;
}

/* A last window that begins within the image but ends outside of it needs places behind. */
static void round_up(const iv_node *x, spatial *s)
{
    for (int64_t k = 0; k < s->n; k++) {
        const int64_t reach = (s->window[k] - 1) * s->dilation[k] + 1;
        const int64_t free = iv_node_dim(x, (int)k + 2) + s->before[k] + s->after[k] - reach;
        const int64_t rest = free % s->stride[k];
        if (rest && (free / s->stride[k] + 1) * s->stride[k] < iv_node_dim(x, (int)k + 2) + s->before[k])
            s->after[k] += s->stride[k] - rest;
    }
}

static iv_pool_options pool_options(const spatial *s)
{
    iv_pool_options o = { .padding = s->same ? IV_SAME : IV_VALID };

    for (int64_t k = 0; k < s->n; k++) {
        o.window[k] = s->window[k];
        o.stride[k] = s->stride[k];
    }
    return o;
}

static bool read_pool(onnx_call *c, const iv_node *x, spatial *s)
{
    int64_t window[AXES] = { 0 };

    take_list(c, "kernel_shape", AXES, window);
    if (!read_spatial(c, x, window, s))
        return false;
    if (onnx_whole(c, "ceil_mode", 0))
        round_up(x, s);
    return true;
}

static bool is_padded(const spatial *s)
{
    for (int64_t k = 0; k < s->n; k++)
        if (s->before[k] || s->after[k])
            return true;
    return false;
}

/* The largest over the taps, each a part of the image with strides. */
static iv_node *dilated_max(iv_node *x, const spatial *s)
{
    int64_t taps = 1;
    iv_node *y = NULL;

    for (int64_t k = 0; k < s->n; k++)
        taps *= s->window[k];
    for (int64_t tap = 0; tap < taps; tap++) {
        iv_node *part = x;
        int64_t at = tap;
        for (int64_t k = s->n; k-- > 0; at /= s->window[k]) {
            const int64_t reach = (s->window[k] - 1) * s->dilation[k];
            const int64_t places = (iv_node_dim(x, (int)k + 1) - reach - 1) / s->stride[k] + 1;
            part = iv_slice(part, (int)k + 1, at % s->window[k] * s->dilation[k], places, s->stride[k]);
        }
        y = y ? iv_max(y, part) : part;
    }
    return y;
}

static iv_node *build_MaxPool(onnx_call *c)
{
    iv_node *given = onnx_real(c, 0), *x = onnx_channels_last(given);
    bool dilated = false;
    spatial s;

    if (onnx_wants(c, 1))
        return onnx_no(c, "it tells the places of the largest");
    if (!read_pool(c, given, &s))
        return NULL;
    if (is_padded(&s)) { /* no place outside is the largest */
        iv_node *inside = padded(iv_like(x, 1), &s), *wide = padded(x, &s);
        x = iv_select(inside, wide, iv_like(wide, -3.4e38));
    }
    for (int64_t k = 0; k < s.n; k++)
        dilated |= s.dilation[k] > 1;
    const iv_pool_options o = pool_options(&s);
    return onnx_channels_first(dilated && !s.same ? dilated_max(x, &s) : iv_max_pool_with(x, &o));
}

static iv_node *build_AveragePool(onnx_call *c)
{
    iv_node *given = onnx_real(c, 0), *x = onnx_channels_last(given);
    spatial s;

    if (!read_pool(c, given, &s))
        return NULL;
    const iv_pool_options o = pool_options(&s);
    iv_node *y = iv_average_pool_with(padded(x, &s), &o);
    if (is_padded(&s) && onnx_whole(c, "count_include_pad", 0) && onnx_whole(c, "ceil_mode", 0))
        return onnx_no(c, "it counts padding, but not what rounding up adds");
    if (is_padded(&s) && !onnx_whole(c, "count_include_pad", 0)) /* over the places within alone */
        y = iv_div(y, iv_average_pool_with(padded(iv_like(x, 1), &s), &o));
    return onnx_channels_first(y);
}

static iv_node *of_all_places(iv_node *x, bool largest)
{
    iv_shape shape = x ? *iv_node_shape(x) : iv_scalar();
    const iv_node *given = x;

    if (!x || shape.rank < 3)
        return NULL;
    for (int64_t k = 2; k < shape.rank; k++)
        shape.dim[k] = 1;
    if (!largest)
        return iv_reshape(iv_global_average(onnx_channels_last(x)), shape);
    for (int64_t k = iv_node_shape(given)->rank; k-- > 2;)
        x = iv_max_of(x, (int)k, true);
    return x;
}

static iv_node *build_GlobalAveragePool(onnx_call *c)
{
    return of_all_places(onnx_real(c, 0), false);
}

static iv_node *build_GlobalMaxPool(onnx_call *c)
{
    return of_all_places(onnx_real(c, 0), true);
}

/* ---- other sizes ---------------------------------------------------------------------------------- */

/* The sizes that are asked for, as such or as factors. */
static bool read_sizes(onnx_call *c, const iv_node *x, int64_t size[4])
{
    int64_t n = 0;
    const int64_t *sizes = onnx_has(c, 3) ? onnx_wholes_in(c, 3, &n) : NULL;
    const iv__onnx_tensor *scales = onnx_has(c, 2) ? onnx_known(c, 2) : NULL;

    if (!x || iv_node_shape(x)->rank != 4 ||
        (sizes    ? n
         : scales ? iv_shape_count(&scales->shape)
                  : 0) != 4)
        return onnx_no(c, "its sizes are not known, or its image has no two spatial axes");
    for (int k = 0; k < 4; k++)
        size[k] = sizes ? sizes[k] : (int64_t)((double)iv_node_dim(x, k) * onnx_number(scales, k));
    return (size[0] == iv_node_dim(x, 0) && size[1] == iv_node_dim(x, 1)) ||
           onnx_no(c, "it changes more than rows and columns");
}

/* Place i of y is the place of x whose centre is nearest, the lower of two. */
static iv_node *nearest(iv_node *x, int axis, int64_t size)
{
    const int64_t from = iv_node_dim(x, axis);
    iv_node *parts[64];

    if (size % from == 0)
        return iv_upsample(x, axis == 1 ? iv_dims(size / from, 1) : iv_dims(1, size / from));
    for (int64_t i = 0; i < size && i < 64; i++) {
        const double centre = ((double)i + 0.5) * (double)from / (double)size - 0.5;
        const double place = fmin(fmax(ceil(centre - 0.5), 0), (double)(from - 1));
        parts[i] = iv_slice(x, axis, (int64_t)place, 1, 1);
    }
    return size > 64 ? NULL : iv_concat((int)size, parts, axis);
}

/* Place i of y lies at i (from - 1) / (size - 1), and weighs what is nearer than 1: a product with hats. */
static iv_node *linear_to_corners(iv_node *x, int axis, int64_t size)
{
    iv_graph *graph = iv_node_graph(x);
    const int64_t from = iv_node_dim(x, axis);
    const double step = size > 1 ? (double)(from - 1) / (double)(size - 1) : 0;
    iv_node *at = iv_scale(iv_cast(iv_range(graph, size), iv_graph_real(graph)), step);
    iv_node *place = iv_reshape(iv_cast(iv_range(graph, from), iv_graph_real(graph)), iv_dims(from, 1));
    iv_node *hats = iv_relu(iv_shift(iv_neg(iv_abs(iv_sub(at, place))), 1)); /* [from, size] */

    return onnx_axis_back(iv_matmul(onnx_axis_last(x, axis), hats), axis);
}

static iv_node *build_Resize(onnx_call *c)
{
    const char *mode = onnx_text(c, "mode", "nearest");
    const char *centres = onnx_text(c, "coordinate_transformation_mode", "half_pixel");
    const char *round = onnx_text(c, "nearest_mode", "round_prefer_floor");
    iv_node *x = onnx_real(c, 0);
    int64_t size[4];

    if (!read_sizes(c, x, size))
        return NULL;
    const bool half = !strcmp(centres, "half_pixel"), corners = !strcmp(centres, "align_corners");
    x = onnx_channels_last(x);
    if (!strcmp(mode, "nearest") && half && !strcmp(round, "round_prefer_floor"))
        x = nearest(nearest(x, 1, size[2]), 2, size[3]);
    else if (!strcmp(mode, "linear") && half)
        x = iv_resize(x, iv_dims(size[2], size[3]));
    else if (!strcmp(mode, "linear") && corners)
        x = linear_to_corners(linear_to_corners(x, 1, size[2]), 2, size[3]);
    else
        return onnx_no(c, "the mode '%s' with '%s' is none of Ivory's", mode, centres);
    return onnx_channels_first(x);
}

/* clang-format off */
#define ROW(name) { #name, build_##name }
const onnx_operator onnx_images[] = {
    ROW(Conv), ROW(ConvTranspose), ROW(MaxPool), ROW(AveragePool), ROW(GlobalAveragePool), ROW(GlobalMaxPool),
    ROW(Resize),
    { NULL, NULL },
};
/* clang-format on */
