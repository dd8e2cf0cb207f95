/* logistic_mixture.c: the likelihood of images under mixtures of discretised logistic distributions, whose
 * parameters a network gives for each pixel, laid out as TensorFlow Probability's PixelCNN has them.
 * Source: Salimans et al. 2017 (PixelCNN++).
 *
 * Levels 0 .. L - 1 lie at x = -1 .. 1. With S the logistic function, m the place and s the scale of a component,
 * a = (x + 1/(L-1) - m) / s, b = (x - 1/(L-1) - m) / s and e = a - b
 *   P(x) = S(a) - S(b) = S(a) S(-b) (1 - exp(-e))
 * a product without cancellation. The lowest level has S(a) alone, the highest S(-b). */
#include "nn/logistic_mixture.h"

#include "graph/node.h"
#include "ops/common_math.h"

#include <math.h>

enum { MAX_CHANNELS = 16 };

static const double least_scale = 9.118819655545162e-4; /* e^-7 */

static int64_t levels_of(const iv_logistic_mixture_options *o)
{
    return o->levels ? o->levels : 256;
}

/* Of one component: its logit, places, scales, and what channels add to the places of those after them. */
static int64_t per_component(int64_t channels)
{
    return 1 + 2 * channels + channels * (channels - 1) / 2;
}

static int64_t first_slope(int64_t channels, int64_t channel)
{
    return 1 + 2 * channels + channel * (channel - 1) / 2;
}

int64_t iv_logistic_mixture_parameters(const iv_logistic_mixture_options *o)
{
    return o->components * per_component(o->channels);
}

/* ---- as graph -------------------------------------------------------------------------------- */

/* Parameter `index` of every component: [M,K,P] -> [M,K]. */
static iv_node *part(iv_node *parameters, int64_t index)
{
    return iv_reshape(iv_slice(parameters, 2, index, 1, 1),
                      iv_dims(iv_node_dim(parameters, 0), iv_node_dim(parameters, 1)));
}

/* log P of a channel's pixels x [M,1] (places in -1 .. 1) for each component, [M,K]. raised: 1 where x is not
 * the lowest level, else 0; lowered: the same for the highest. */
static iv_node *log_probability(iv_node *x, iv_node *raised, iv_node *lowered, iv_node *place,
                                iv_node *scale, double half)
{
    iv_node *sharp = iv_reciprocal(iv_shift(iv_softplus(scale), least_scale));
    iv_node *off = iv_sub(x, place), *width = iv_scale(sharp, half); /* e / 2 */
    iv_node *a = iv_mul(iv_shift(off, half), sharp), *b = iv_mul(iv_shift(off, -half), sharp);
    iv_node *between = iv_add(iv_log(iv_tanh(width)), iv_softplus(iv_scale(width, -2))); /* log(1 - exp(-e)) */

    return iv_sub(iv_mul(iv_mul(raised, lowered), between),
                  iv_add(iv_mul(lowered, iv_softplus(iv_neg(a))), iv_mul(raised, iv_softplus(b))));
}

static bool fits(iv_node *parameters, iv_node *pixels, const iv_logistic_mixture_options *o)
{
    char a[200], b[200];
    const int64_t levels = levels_of(o);
    bool same = parameters->shape.rank == pixels->shape.rank && pixels->shape.rank >= 2;

    for (int k = 0; same && k + 1 < pixels->shape.rank; k++)
        same = parameters->shape.dim[k] == pixels->shape.dim[k];
    if (o->size != sizeof *o || o->components < 1 || o->components > INT32_MAX || o->channels < 1 ||
        o->channels > MAX_CHANNELS || levels < 2 || levels > 256) {
        iv_refuse(pixels->graph, IV_VALUE,
                  "logistic_mixture: there must be at least 1 component, 1 to %d channels and 2 to 256 levels "
                  "(%lld components, %lld channels, %lld levels)",
                  MAX_CHANNELS, (long long)o->components, (long long)o->channels, (long long)levels);
        return false;
    }
    if (same && iv_node_dim(pixels, -1) == o->channels &&
        iv_node_dim(parameters, -1) == iv_logistic_mixture_parameters(o))
        return true;
    iv_refuse(pixels->graph, IV_SHAPE,
              "logistic_mixture: pixels must be [N,...,%lld] and parameters [N,...,%lld] (pixels = %s, "
              "parameters = %s)",
              (long long)o->channels, (long long)iv_logistic_mixture_parameters(o),
              iv__node_text(pixels, a, sizeof a), iv__node_text(parameters, b, sizeof b));
    return false;
}

iv_node *iv_logistic_mixture_with(iv_node *parameters, iv_node *pixels,
                                  const iv_logistic_mixture_options *o)
{
    if (!parameters || !pixels || !fits(parameters, pixels, o))
        return NULL;

    const int64_t channels = o->channels, records = pixels->shape.dim[0];
    const double top = (double)(levels_of(o) - 1);
    iv_node *level = iv_cast(pixels, iv_graph_real(pixels->graph));
    iv_node *seen[MAX_CHANNELS], *each;

    level = iv_reshape(level, iv_dims(iv_shape_count(&pixels->shape) / channels, channels));
    const int64_t places = iv_node_dim(level, 0);
    parameters = iv_reshape(parameters, iv_dims(places, o->components, per_component(channels)));
    each = iv_log_softmax(part(parameters, 0));
    for (int64_t c = 0; c < channels && each; c++) {
        iv_node *x = iv_slice(level, 1, c, 1, 1), *place = part(parameters, 1 + c);
        iv_node *raised = iv_positive(x), *lowered = iv_less(x, iv_like(x, top));

        seen[c] = iv_shift(iv_scale(x, 2 / top), -1);
        for (int64_t j = 0; j < c; j++)
            place = iv_add(place, iv_mul(part(parameters, first_slope(channels, c) + j), seen[j]));
        each = iv_add(each, log_probability(seen[c], raised, lowered, place,
                                            part(parameters, 1 + channels + c), 1 / top));
    }
    iv_node *all = iv_reshape(iv_log_sum_exp(each), iv_dims(records, records ? places / records : 0));
    return iv_sum(all, 1, false);
}

/* ---- as numbers ------------------------------------------------------------------------------ */

static double softplus(double x)
{
    return (x > 0 ? x : 0) + iv__log1p_f64(iv__exp_f64(x > 0 ? -x : x));
}

/* One component's distribution of a channel, its place given the channels before. */
typedef struct logistic {
    double place, sharp, top;
} logistic;

static double seen_at(int64_t level, double top)
{
    return 2 * (double)level / top - 1;
}

static logistic logistic_of(const iv_logistic_mixture_options *o, const float *component,
                            int64_t channel, const int32_t *before)
{
    const float *slope = component + first_slope(o->channels, channel);
    logistic d = { .place = (double)component[1 + channel], .top = (double)(levels_of(o) - 1) };

    for (int64_t j = 0; j < channel; j++)
        d.place += (double)slope[j] * seen_at(before[j], d.top);
    d.sharp = 1 / (softplus((double)component[1 + o->channels + channel]) + least_scale);
    return d;
}

/* The border above a level, counted in scales from the place. */
static double border(const logistic *d, int64_t level)
{
    return (seen_at(level, d->top) + 1 / d->top - d->place) * d->sharp;
}

/* 1 - exp(-e) */
static double between(const logistic *d)
{
    double t = iv__tanh_f64(d->sharp / d->top);

    return 2 * t / (1 + t);
}

static double log_of_level(const logistic *d, int64_t level)
{
    double y = 0;

    if (level < (int64_t)d->top)
        y -= softplus(-border(d, level));
    if (level > 0)
        y -= softplus(border(d, level - 1));
    return level > 0 && level < (int64_t)d->top ? y + iv__log_f64(between(d)) : y;
}

/* log of the weight of a component, but for what is the same for all: the channels before speak for it. */
static double log_weight(const iv_logistic_mixture_options *o, const float *component,
                         int64_t channel, const int32_t *before)
{
    double y = (double)component[0];

    for (int64_t c = 0; c < channel; c++) {
        logistic d = logistic_of(o, component, c, before);
        y += log_of_level(&d, before[c]);
    }
    return y;
}

void iv__logistic_mixture_probabilities(const iv_logistic_mixture_options *o, const float *parameters,
                                        int64_t channel, const int32_t *before, double *probability)
{
    const int64_t count = per_component(o->channels), levels = levels_of(o);
    double largest = -INFINITY, weights = 0;

    for (int64_t k = 0; k < o->components; k++)
        largest = fmax(largest, log_weight(o, parameters + k * count, channel, before));
    for (int64_t i = 0; i < levels; i++)
        probability[i] = 0;
    for (int64_t k = 0; k < o->components; k++) {
        const float *component = parameters + k * count;
        const logistic d = logistic_of(o, component, channel, before);
        const double weight = iv__exp_f64(log_weight(o, component, channel, before) - largest);
        const double inner = weight * between(&d);
        double above_last = 1; /* the share above the level before */

        weights += weight;
        for (int64_t i = 0; i < levels; i++) {
            const double a = border(&d, i), small = iv__exp_f64(-fabs(a)), large = 1 / (1 + small);
            const double below = a > 0 ? large : small * large; /* and above it the other one */

            probability[i] += i == 0           ? weight * below
                              : i < levels - 1 ? inner * below * above_last
                                               : weight * above_last;
            above_last = a > 0 ? small * large : large;
        }
    }
    for (int64_t i = 0; i < levels; i++)
        probability[i] /= weights;
}

double iv__logistic_mixture_below(const iv_logistic_mixture_options *o, const float *parameters,
                                  int64_t channel, const int32_t *before, int64_t level)
{
    const int64_t count = per_component(o->channels);
    double largest = -INFINITY, weights = 0, below = 0;

    if (level <= 0 || level >= levels_of(o))
        return level > 0;
    for (int64_t k = 0; k < o->components; k++)
        largest = fmax(largest, log_weight(o, parameters + k * count, channel, before));
    for (int64_t k = 0; k < o->components; k++) {
        const float *component = parameters + k * count;
        const logistic d = logistic_of(o, component, channel, before);
        const double weight = iv__exp_f64(log_weight(o, component, channel, before) - largest);
        const double a = border(&d, level - 1), small = iv__exp_f64(-fabs(a));

        weights += weight;
        below += weight * (a > 0 ? 1 / (1 + small) : small / (1 + small));
    }
    return below / weights;
}
