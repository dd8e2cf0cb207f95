/* train.h: a training step: what it lowers, what it may change, and by which optimizer.
 *
 * It is two plans, gradients then apply. Between them there is room: for the finite check, for
 * reading or changing gradients, for an outside optimizer. If the check fails, nothing is
 * applied. */
#ifndef IVORY_TRAIN_H
#define IVORY_TRAIN_H

#include <ivory/nn.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct iv_train_step iv_train_step;

typedef struct iv_train_step_options {
    size_t size;
    const char *changes; /* prefix of the parameters it may change; NULL or "": all that the loss depends on */
    iv_node *loss; /* a scalar */
    int n_watched; /* further nodes to read after the gradients */
    iv_node *const *watched;
    iv_optimizer optimizer;
    int n_carried; /* states (iv_state) and averages (iv_scope_updates): they get new values with the weights */
    const iv_update *carried;
} iv_train_step_options;

/* Errors    of the gradient (UNSUPPORTED), of the plans; UNSUPPORTED where the home wants micro-batches and a row needs
 *           the whole batch at once; NAME when the loss depends on no parameter with that prefix; SHAPE when it is no
 *           scalar, or a new value is not shaped as what is carried; VALUE for what is no state, and for .size. */
IV_API iv_train_step *iv_train_step_new_with(iv_params *params, const iv_train_step_options *options);
#define iv_train_step_new(params, ...)                                                              \
    iv_train_step_new_with(params, &(iv_train_step_options){ .size = sizeof(iv_train_step_options), \
                                                             __VA_ARGS__ })
IV_API void iv_train_step_free(iv_train_step *step);

/* The plan of the gradients, to fill its inputs. */
IV_API iv_plan *iv_train_step_plan(iv_train_step *step);
/* The plan that applies them: the optimizer. */
IV_API iv_plan *iv_train_step_apply_plan(iv_train_step *step);
/* Computes loss and gradients. Errors: NUMERIC when the loss or a gradient is not finite; the
 * message names the first bad value. */
IV_API iv_status iv_train_step_gradients(iv_train_step *step);
IV_API double iv_train_step_loss(const iv_train_step *step);
IV_API double iv_train_step_norm(const iv_train_step *step); /* of all gradients together, before clipping */
IV_API const void *iv_train_step_watched(const iv_train_step *step, int i);
/* The gradient of a parameter, [its shape]; NULL when the step does not change it. It may be
 * written between the two halves. */
IV_API void *iv_train_step_gradient(iv_train_step *step, const char *parameter);
/* Applies the gradients. rate: of this step; count: updates before this one (0 at first), for bias
 * correction. */
IV_API iv_status iv_train_step_apply(iv_train_step *step, double rate, int64_t count);
/* Memory of both plans. */
IV_API iv_plan_memory iv_train_step_memory(const iv_train_step *step);

/* Sets the input "random" of a plan, if it has one: seed, step, and the global index of the batch's
 * first record. */
IV_API void iv_plan_set_clock(iv_plan *plan, uint64_t seed, int64_t step, int64_t record);

#ifdef __cplusplus
}
#endif
#endif
