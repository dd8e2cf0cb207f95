/* check.h: is a layer of your own right? One call compares its gradients with differences, f32 with f64, one thread
 * with three, and its steps with the whole. */
#ifndef IVORY_CHECK_H
#define IVORY_CHECK_H

#include <ivory/nn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A layer as the check builds it: from its inputs, with parameters of the scope, to its output. */
typedef iv_node *iv_built_layer(iv_scope *scope, iv_node *const in[], const void *user);

typedef struct iv_check_options {
    size_t size;
    const void *user; /* given to the layer */
    int n_in;
    const iv_shape *in; /* [n_in] shapes of its inputs, real unless `count` says otherwise */
    const int64_t *count; /* [n_in] where not 0 the input is i32, numbers below it (ids); NULL: all are real */
    const bool *sequence; /* [n_in] inputs [N,T,...] that come one position at a time when it is stepped; NULL: it
                             is not stepped */
    double low, high; /* range of real inputs; both 0: -1 to 1 */
    bool first_order; /* a second derivative through it is refused: it is not looked at */
    bool training;    /* as built for training (dropout acts, batch statistics) */
} iv_check_options;

/* The largest differences that were found, NAN for what was not looked at. Slopes are relative to the sum of absolute
 * slopes, values to the largest. */
typedef struct iv_check_report {
    int64_t parameters, elements; /* of all parameters; of the output */
    double first,
        second; /* slopes: the gradient, and the gradient of the gradient, against differences, in f64 */
    double f32;   /* values and gradients in f32 against f64 */
    double steps; /* position by position against the whole, in f64 */
} iv_check_report;

/* Gradients are taken for every real input and every parameter. Parameters begin as the layer makes them, shaken a little,
 * so that nothing hides behind a zero. With more than one thread values and gradients must have the same bits.
 * report    may be NULL.
 * Errors    NUMERIC for the first difference that is too large, naming what differs, the element, and both numbers; what
 *           building reports, with the row that refused. */
IV_API iv_status iv_check_layer_with(iv_home *home, iv_built_layer *layer, iv_check_report *report,
                                     const iv_check_options *options);
#define iv_check_layer(home, layer, report, ...) \
    iv_check_layer_with(home, layer, report,     \
                        &(iv_check_options){ .size = sizeof(iv_check_options), __VA_ARGS__ })

#ifdef __cplusplus
}
#endif
#endif
