/* golden_pictures.h: training steps of a model of pictures, against losses of a file of golden values. */
#ifndef IV_TESTS_GOLDEN_PICTURES_H
#define IV_TESTS_GOLDEN_PICTURES_H

#include "golden_world.h"

#include "registry/registry.h"

#include <ivory/train.h>

enum { GOLDEN_STEPS = 30, GOLDEN_BATCHES = 2, MOST_SETTINGS = 16 };

typedef struct golden_training {
    const char *system, *file;
    int records;
    double rate;                         /* of Adam */
    double scale, shift;                 /* what the network reads is value scale + shift */
    const char *settings[MOST_SETTINGS]; /* name, value, ... */
} golden_training;

static inline void put(void *to, iv_dtype real, int64_t i, double value)
{
    if (real == IV_F64)
        ((double *)to)[i] = value;
    else
        ((float *)to)[i] = (float)value;
}

static inline void give_batch(const golden_training *t, iv_plan *plan, const iv__safetensors *file,
                              int batch, iv_dtype real)
{
    const iv__named_tensor *values = tensor_of(file, "values");
    const int64_t count = iv_shape_count(&values->shape) / GOLDEN_BATCHES;
    int32_t *level = iv_plan_input(plan, "values"), *labels = iv_plan_input(plan, "label");

    copy(values, batch * count, count, IV_I32, level);
    for (int64_t i = 0; i < count; i++)
        put(iv_plan_input(plan, "pixels"), real, i, level[i] * t->scale + t->shift);
    for (int64_t i = 0; i < t->records; i++)
        put(iv_plan_input(plan, "weight"), real, i, 1);
    if (labels)
        copy(tensor_of(file, "label"), batch * t->records, t->records, IV_I32, labels);
}

/* losses: their name in the file; tolerance: relative. */
static inline void train_as_golden(const golden_training *t, iv_dtype real, const char *losses,
                                   double tolerance)
{
    const iv__model *model;
    world w = world_new(real, 1);
    const iv__system *system = iv__system_named(w.home, t->system, &model);
    iv__instance *instance = iv__instance_new(w.home, model, system, false);
    iv__safetensors *file = open_file(w.home, t->file);
    const iv__named_tensor *expected = tensor_of(file, losses);

    for (int i = 0; i < MOST_SETTINGS && t->settings[i]; i += 2)
        assert_int_equal(iv__instance_set(instance, t->settings[i], t->settings[i + 1]), IV_OK);
    iv__build build = { .graph = w.graph,
                        .scope = iv_scope_new(w.graph, w.params, "param"),
                        .batch = t->records,
                        .training = true };
    iv_scope_training(build.scope, true);
    if (model->build(instance, &build))
        fail_msg("%s", iv_graph_message(w.graph));
    load(&w, file, "param/");
    iv_train_step *step = iv_train_step_new(w.params, .loss = build.parts[0].loss,
                                            .optimizer = iv_optimizer_of(.kind = IV_ADAM,
                                                                         .rate = t->rate));
    assert_int_equal(expected->bytes, GOLDEN_STEPS * iv_dtype_size(real));
    for (int k = 0; k < GOLDEN_STEPS; k++) {
        give_batch(t, iv_train_step_plan(step), file, k % GOLDEN_BATCHES, real);
        if (iv_train_step_gradients(step))
            fail_msg("%s", iv_home_message(w.home));
        double loss = iv_train_step_loss(step), wanted = number(expected->data, real, k);
        if (!(fabs(loss - wanted) <= tolerance * fabs(wanted)))
            fail_msg("%s: the loss of step %d is %.17g, and Keras has %.17g", t->file, k, loss, wanted);
        assert_int_equal(iv_train_step_apply(step, t->rate, k), IV_OK);
    }
    iv_train_step_free(step);
    iv__safetensors_close(file);
    iv__instance_free(instance);
    world_free(&w);
}

#endif
