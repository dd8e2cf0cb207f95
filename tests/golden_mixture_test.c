/* golden_mixture_test.c: losses of the model `mixture` over thirty training steps, against the same network built
 * of Keras's convolutions with whole kernels under masks. tools/golden says how the files were made. */
#include "golden_world.h"

#include "registry/registry.h"

#include <ivory/train.h>

enum { STEPS = 30, BATCHES = 2, RECORDS = 2, MOST_SETTINGS = 16 };
static const double rate = 0.003;

typedef struct training {
    const char *file;
    const char *settings[MOST_SETTINGS]; /* name, value, ... */
} training;

static const training colour = { "pixel_mixture_colour",
                                 { "size", "8", "channels", "3", "filters", "2", "logistics", "2",
                                   "classes", "yes", "dropout", "0" } };
static const training grey = { "pixel_mixture_grey",
                               { "size", "8", "filters", "2", "logistics", "3", "above", "3",
                                 "beside", "2", "weight_norm", "no", "dropout", "0" } };

static void put(void *to, iv_dtype real, int64_t i, double value)
{
    if (real == IV_F64)
        ((double *)to)[i] = value;
    else
        ((float *)to)[i] = (float)value;
}

static void give_batch(iv_plan *plan, const iv__safetensors *file, int batch, iv_dtype real)
{
    const iv__named_tensor *values = tensor_of(file, "values"), *label = tensor_of(file, "label");
    const int64_t count = iv_shape_count(&values->shape) / BATCHES;
    int32_t *level = iv_plan_input(plan, "values"), *labels = iv_plan_input(plan, "label");

    copy(values, batch * count, count, IV_I32, level);
    for (int64_t i = 0; i < count; i++)
        put(iv_plan_input(plan, "pixels"), real, i, 2 * (double)level[i] / 255 - 1);
    for (int64_t i = 0; i < RECORDS; i++)
        put(iv_plan_input(plan, "weight"), real, i, 1);
    if (labels)
        copy(label, batch * RECORDS, RECORDS, IV_I32, labels);
}

static void train(const training *t, iv_dtype real, const char *losses, double tolerance)
{
    const iv_model *model;
    world w = world_new(real, 1);
    const iv_system *system = iv__system_named(w.home, "fashion-mixture", &model);
    iv_instance *instance = iv__instance_new(w.home, model, system, false);
    iv__safetensors *file = open_file(w.home, t->file);
    const iv__named_tensor *expected = tensor_of(file, losses);

    for (int i = 0; i < MOST_SETTINGS && t->settings[i]; i += 2)
        assert_int_equal(iv__instance_set(instance, t->settings[i], t->settings[i + 1]), IV_OK);
    iv__build build = { .graph = w.graph,
                        .scope = iv_scope_new(w.graph, w.params, "param"),
                        .batch = RECORDS,
                        .training = true };
    iv_scope_training(build.scope, true);
    if (model->build(instance, &build))
        fail_msg("%s", iv_graph_message(w.graph));
    load(&w, file, "param/");
    iv_train_step *step = iv_train_step_new(w.params, .loss = build.parts[0].loss,
                                            .optimizer = iv_optimizer_of(.kind = IV_ADAM, .rate = rate));
    assert_int_equal(expected->bytes, STEPS * iv_dtype_size(real));
    for (int k = 0; k < STEPS; k++) {
        give_batch(iv_train_step_plan(step), file, k % BATCHES, real);
        if (iv_train_step_gradients(step))
            fail_msg("%s", iv_home_message(w.home));
        double loss = iv_train_step_loss(step), wanted = number(expected->data, real, k);
        if (!(fabs(loss - wanted) <= tolerance * fabs(wanted)))
            fail_msg("%s: the loss of step %d is %.17g, and Keras has %.17g", t->file, k, loss, wanted);
        assert_int_equal(iv_train_step_apply(step, rate, k), IV_OK);
    }
    iv_train_step_free(step);
    iv__safetensors_close(file);
    iv__instance_free(instance);
    world_free(&w);
}

/* In f64 too, where a fault that hides in rounding shows. */
static void losses_are_kerass(void **state)
{
    train(*state, IV_F32, "losses", 1e-4);
    train(*state, IV_F64, "losses64", 1e-11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        { "in colour, with classes", losses_are_kerass, NULL, NULL, (void *)(uintptr_t)&colour },
        { "grey, kernels plain and far", losses_are_kerass, NULL, NULL, (void *)(uintptr_t)&grey },
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
