/* elementwise_table.h: the elementwise rows, one a line. To add one: a line here, its builder in
 * ivory/ops.h, and a case in tests/ops_cases.c.
 *
 *   SMOOTH name, formula, value y of x (a, b), gradient as graph of x (a, b), y and dy: one for
 *     each input
 *   FLAT    name, formula, value, why it has no gradient; one of one input is made again where it is read
 *
 * Values are written in the words of common_f32.inc and common_f64.inc, in `real` of either width.
 * A backend may include elementwise_kernels.inc again, for an instruction set of its own: it sees
 * no node. */
#ifndef IV_OPS_ELEMENTWISE_TABLE_H
#define IV_OPS_ELEMENTWISE_TABLE_H

/* clang-format off */
#define IV__UNARY_ROWS(SMOOTH, FLAT)                                                                             \
    SMOOTH(neg,        "-x",                    -x,                        iv_neg(dy))                          \
    SMOOTH(exp,        "e^x",                   EXP(x),                    iv_mul(dy, y))                       \
    SMOOTH(log,        "log x",                 LOG(x),                    iv_div(dy, x))                       \
    SMOOTH(sqrt,       "square root of x",      SQRT(x),                   iv_scale(iv_div(dy, y), 0.5))        \
    SMOOTH(reciprocal, "1 / x",                 1 / x,                     iv_neg(iv_mul(dy, iv_square(y))))    \
    SMOOTH(square,     "x x",                   x * x,                     iv_mul(dy, iv_scale(x, 2)))          \
    SMOOTH(abs,        "|x|",                   x < 0 ? -x : x + 0,        iv_mul(dy, iv_sign(x)))              \
    SMOOTH(tanh,       "tanh x",                TANH(x),                   iv_mul(dy, one_less(iv_square(y))))  \
    SMOOTH(sigmoid,    "1 / (1 + e^-x)",        SIGMOID(x),                iv_mul(dy, iv_mul(y, one_less(y))))  \
    SMOOTH(softplus,   "log(1 + e^x)",          SOFTPLUS(x),               iv_mul(dy, iv_sigmoid(x)))           \
    SMOOTH(relu,       "x where x > 0, else 0", x < 0 ? 0 : x,             iv_mul(dy, iv_positive(y)))          \
    SMOOTH(elu,        "x where x > 0, else e^x - 1", ELU(x),              iv_mul(dy, slope_of_elu(x, y)))     \
    SMOOTH(erf,        "error function of x",   ERF(x),                    iv_mul(dy, slope_of_erf(x)))        \
    SMOOTH(sin,        "sin x",                 SIN(x),                    iv_mul(dy, iv_cos(x)))               \
    SMOOTH(cos,        "cos x",                 COS(x),                    iv_neg(iv_mul(dy, iv_sin(x))))       \
    FLAT(sign,         "-1, 0 or 1",            x > 0 ? 1 : x < 0 ? -1 : x, "a step has no slope")              \
    FLAT(positive,     "1 where x > 0, else 0", x > 0 ? 1 : 0,             "a step has no slope")               \
    FLAT(is_finite,    "1 where finite, else 0", x - x == 0 ? 1 : 0,       "a step has no slope")               \
    FLAT(stop_gradient, "x",                    x,                         "it stops the gradient")

/* One number `n` goes with the row. */
#define IV__NUMBER_ROWS(SMOOTH)                                                                                  \
    SMOOTH(scale,      "n x",                   x * n,                     iv_scale(dy, n))                     \
    SMOOTH(shift,      "x + n",                 x + n,                     dy)                                  \
    SMOOTH(power,      "x^n",                   POWER(x, n),               iv_mul(dy, slope_of_power(x, n)))   \
    SMOOTH(leaky_relu, "x where x > 0, else n x", x > 0 ? x : x * n,       iv_select(iv_positive(x), dy, iv_scale(dy, n)))

#define IV__BINARY_ROWS(SMOOTH)                                                                                  \
    SMOOTH(add,        "a + b",                 a + b,                     dy, dy)                              \
    SMOOTH(sub,        "a - b",                 a - b,                     dy, iv_neg(dy))                      \
    SMOOTH(mul,        "a b",                   a * b,                     iv_mul(dy, b), iv_mul(dy, a))        \
    SMOOTH(div,        "a / b",                 a / b,                     iv_div(dy, b), slope_under(dy, y, b)) \
    SMOOTH(max,        "the larger",            a < b ? b : b == b ? a : b, if_above(a, b, dy), if_above(b, a, dy)) \
    SMOOTH(min,        "the smaller",           b < a ? b : b == b ? a : b, if_above(b, a, dy), if_above(a, b, dy))

/* 1 or 0; inputs real or i32. */
#define IV__COMPARISON_ROWS(FLAT)                                                                                \
    FLAT(equal,        "1 where a = b, else 0",  a == b,                   "a step has no slope")               \
    FLAT(less,         "1 where a < b, else 0",  a < b,                    "a step has no slope")               \
    FLAT(less_equal,   "1 where a <= b, else 0", a <= b,                   "a step has no slope")
/* clang-format on */

#endif
