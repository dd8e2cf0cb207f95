/* pointwise.c: operators of one element at a time, and what they are in Ivory's words. */
#include "onnx/import.h"

#include <string.h>

#define X onnx_real(c, 0)
#define Y onnx_real(c, 1)
#define ONE(name, expression)                  \
    static iv_node *build_##name(onnx_call *c) \
    {                                          \
        return expression;                     \
    }

/* ---- one input --------------------------------------------------------------------------------- */

ONE(Abs, iv_abs(X))
ONE(Cos, iv_cos(X))
ONE(Erf, iv_erf(X))
ONE(Exp, iv_exp(X))
ONE(Identity, onnx_in(c, 0))
ONE(LeakyRelu, iv_leaky_relu(X, onnx_attribute(c, "alpha", 0.01)))
ONE(Log, iv_log(X))
ONE(Neg, iv_neg(X))
ONE(Reciprocal, iv_reciprocal(X))
ONE(Relu, iv_relu(X))
ONE(Sigmoid, iv_sigmoid(X))
ONE(Sign, iv_sign(X))
ONE(Sin, iv_sin(X))
ONE(Softplus, iv_softplus(X))
ONE(Softsign, iv_div(X, iv_shift(iv_abs(X), 1)))
ONE(Sqrt, iv_sqrt(X))
ONE(Tanh, iv_tanh(X))
ONE(HardSigmoid,
    iv_clip(iv_shift(iv_scale(X, onnx_attribute(c, "alpha", 0.2)), onnx_attribute(c, "beta", 0.5)), 0, 1))
ONE(ThresholdedRelu, iv_mul(X, iv_positive(iv_shift(X, -onnx_attribute(c, "alpha", 1)))))

/* gain x where x > 0, else gain alpha (e^x - 1) */
static iv_node *scaled_elu(iv_node *x, double alpha, double gain)
{
    return iv_scale(iv_select(iv_positive(x), x, iv_scale(iv_elu(x), alpha)), gain);
}

static iv_node *build_Elu(onnx_call *c)
{
    const double alpha = onnx_attribute(c, "alpha", 1);

    return alpha == 1 ? iv_elu(X) : scaled_elu(X, alpha, 1);
}

static iv_node *build_Selu(onnx_call *c)
{
    const double alpha = onnx_attribute(c, "alpha", 0), gamma = onnx_attribute(c, "gamma", 0);

    return !alpha && !gamma ? iv_selu(X) : scaled_elu(X, alpha, gamma);
}

static iv_node *build_Cast(onnx_call *c)
{
    const int64_t to = onnx_whole(c, "to", 0);
    const bool real = to == IV__ONNX_FLOAT || to == IV__ONNX_DOUBLE;

    return iv_cast(onnx_in(c, 0), real ? iv_graph_real(c->at->graph) : IV_I32);
}

static iv_node *build_Clip(onnx_call *c)
{
    const iv__onnx_tensor *low = onnx_known(c, 1), *high = onnx_known(c, 2);

    return iv_clip(X, low ? onnx_number(low, 0) : -3.4e38, high ? onnx_number(high, 0) : 3.4e38);
}

/* ---- two inputs and more ------------------------------------------------------------------------ */

ONE(Add, iv_add(X, Y))
ONE(Sub, iv_sub(X, Y))
ONE(Mul, iv_mul(X, Y))
ONE(Div, iv_div(X, Y))
ONE(Equal, iv_equal(onnx_in(c, 0), onnx_in(c, 1)))
ONE(Less, iv_less(onnx_in(c, 0), onnx_in(c, 1)))
ONE(LessOrEqual, iv_less_equal(onnx_in(c, 0), onnx_in(c, 1)))
ONE(Greater, iv_less(onnx_in(c, 1), onnx_in(c, 0)))
ONE(PRelu, iv_select(iv_positive(X), X, iv_mul(X, Y)))
ONE(Where, iv_select(onnx_in(c, 0), onnx_in(c, 1), onnx_in(c, 2)))

static iv_node *build_Pow(onnx_call *c)
{
    const iv__onnx_tensor *exponent = onnx_known(c, 1);

    if (!exponent || iv_shape_count(&exponent->shape) != 1)
        return onnx_no(c, "its exponent is not one number");
    return iv_power(X, onnx_number(exponent, 0));
}

static iv_node *largest(onnx_call *c, iv_node *join(iv_node *, iv_node *))
{
    iv_node *y = X;

    for (int k = 1; k < c->node->n_in; k++)
        y = join(y, onnx_real(c, k));
    return y;
}

ONE(Max, largest(c, iv_max))
ONE(Min, largest(c, iv_min))

/* ---- updates of parameters, several in a node ---------------------------------------------------- */

enum { MOST_UPDATED = 8 };

/* Inputs: the rate, the number of the step, then a list for each of `lists`: X and G and so on. */
static int64_t parameters_of(onnx_call *c, int lists)
{
    const int n = (c->node->n_in - 2) / lists;

    if (n < 1 || n * lists != c->node->n_in - 2 || n > MOST_UPDATED) {
        onnx_no(c, "its inputs are no whole lists of at most %d parameters", MOST_UPDATED);
        return 0;
    }
    return n;
}

/* The gradient with the slope of norm_coefficient |x|^2 / 2. */
static iv_node *gradient(onnx_call *c, iv_node *x, iv_node *g)
{
    return iv_add(g, iv_scale(x, onnx_attribute(c, "norm_coefficient", 0)));
}

/* Output list `list` of n, for parameter i; the very first is what the operator returns. */
static void give_one(onnx_call *c, int64_t list, int64_t n, int64_t i, iv_node *node, iv_node **first)
{
    if (list == 0 && i == 0)
        *first = node;
    else
        onnx_give(c, (int)(list * n + i), node);
}

static iv_node *build_Adagrad(onnx_call *c)
{
    const int64_t n = parameters_of(c, 3);
    iv_node *first = NULL;
    iv_node *rate = iv_div(X, iv_shift(iv_scale(Y, onnx_attribute(c, "decay_factor", 0)), 1));

    for (int64_t i = 0; i < n; i++) {
        iv_node *x = onnx_real(c, (int)(2 + i)), *h = onnx_real(c, (int)(2 + 2 * n + i));
        iv_node *g = gradient(c, x, onnx_real(c, (int)(2 + n + i)));
        h = iv_add(h, iv_square(g));
        iv_node *by = iv_shift(iv_sqrt(h), onnx_attribute(c, "epsilon", 0));
        give_one(c, 0, n, i, iv_sub(x, iv_mul(rate, iv_div(g, by))), &first);
        give_one(c, 1, n, i, h, &first);
    }
    return first;
}

static iv_node *mixed(iv_node *old, iv_node *new, double share)
{
    return iv_add(iv_scale(old, share), iv_scale(new, 1 - share));
}

/* base to the number of the step */
static iv_node *to_step(onnx_call *c, double base)
{
    return iv_exp(iv_mul(Y, iv_log(iv_like(X, base))));
}

static iv_node *build_Adam(onnx_call *c)
{
    const int64_t n = parameters_of(c, 4);
    const double alpha = onnx_attribute(c, "alpha", 0.9), beta = onnx_attribute(c, "beta", 0.999);
    const double after = onnx_attribute(c, "norm_coefficient_post", 0);
    iv_node *first = NULL;
    iv_node *corrected = iv_div(iv_mul(X, iv_sqrt(iv_shift(iv_neg(to_step(c, beta)), 1))),
                                iv_shift(iv_neg(to_step(c, alpha)), 1));
    iv_node *rate = iv_select(iv_positive(Y), corrected, X);

    for (int64_t i = 0; i < n; i++) {
        iv_node *x = onnx_real(c, (int)(2 + i)), *g = gradient(c, x, onnx_real(c, (int)(2 + n + i)));
        iv_node *v = mixed(onnx_real(c, (int)(2 + 2 * n + i)), g, alpha);
        iv_node *h = mixed(onnx_real(c, (int)(2 + 3 * n + i)), iv_square(g), beta);
        iv_node *by = iv_shift(iv_sqrt(h), onnx_attribute(c, "epsilon", 1e-6));
        give_one(c, 0, n, i, iv_scale(iv_sub(x, iv_mul(rate, iv_div(v, by))), 1 - after), &first);
        give_one(c, 1, n, i, v, &first);
        give_one(c, 2, n, i, h, &first);
    }
    return first;
}

static iv_node *build_Momentum(onnx_call *c)
{
    const int64_t n = parameters_of(c, 3);
    const double alpha = onnx_attribute(c, "alpha", 0), beta = onnx_attribute(c, "beta", 1);
    const bool nesterov = !strcmp(onnx_text(c, "mode", ""), "nesterov");
    iv_node *share = iv_select(iv_positive(Y), iv_like(Y, beta), iv_like(Y, 1));
    iv_node *first = NULL;

    for (int64_t i = 0; i < n; i++) {
        iv_node *x = onnx_real(c, (int)(2 + i)), *g = gradient(c, x, onnx_real(c, (int)(2 + n + i)));
        iv_node *v = iv_add(iv_scale(onnx_real(c, (int)(2 + 2 * n + i)), alpha), iv_mul(share, g));
        iv_node *by = nesterov ? iv_add(g, iv_scale(v, alpha)) : v;
        give_one(c, 0, n, i, iv_sub(x, iv_mul(X, by)), &first);
        give_one(c, 1, n, i, v, &first);
    }
    return first;
}

/* clang-format off */
#define ROW(name) { #name, build_##name }
const onnx_operator onnx_pointwise[] = {
    ROW(Abs), ROW(Cos), ROW(Elu), ROW(Erf), ROW(Exp), ROW(Identity), ROW(LeakyRelu), ROW(Log), ROW(Neg),
    ROW(Reciprocal), ROW(Relu), ROW(Selu), ROW(Sigmoid), ROW(Sign), ROW(Sin), ROW(Softplus), ROW(Softsign), ROW(Sqrt),
    ROW(Tanh), ROW(HardSigmoid), ROW(ThresholdedRelu), ROW(Clip),
    ROW(Sub), ROW(Equal), ROW(Less), ROW(LessOrEqual), ROW(Greater),
    ROW(PRelu), ROW(Where), ROW(Pow), ROW(Max), ROW(Min), ROW(Add), ROW(Mul), ROW(Div), ROW(Cast),
    ROW(Adagrad), ROW(Adam), ROW(Momentum),
    { NULL, NULL },
};
/* clang-format on */
