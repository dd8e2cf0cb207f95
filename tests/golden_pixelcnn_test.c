/* golden_pixelcnn_test.c: losses of the model `pixelcnn` over thirty training steps, against the same network
 * built of Keras's convolutions with whole kernels under masks. tools/golden says how the file was made. */
#include "golden_world.h"

#include "registry/registry.h"

#include <ivory/train.h>

enum { STEPS = 30, BATCHES = 2, RECORDS = 4, SIDE = 9, LEVELS = 4 };
static const double rate = 0.002;

static void put(void *to, iv_dtype real, int64_t i, double value)
{
    if (real == IV_F64)
        ((double *)to)[i] = value;
    else
        ((float *)to)[i] = (float)value;
}

static void give_batch(iv_plan *plan, const iv__safetensors *file, int batch, iv_dtype real)
{
    const int64_t count = RECORDS * SIDE * SIDE;
    int32_t *level = iv_plan_input(plan, "values");

    copy(tensor_of(file, "values"), batch * count, count, IV_I32, level);
    for (int64_t i = 0; i < count; i++)
        put(iv_plan_input(plan, "pixels"), real, i, (double)level[i] / LEVELS);
    for (int64_t i = 0; i < RECORDS; i++)
        put(iv_plan_input(plan, "weight"), real, i, 1);
}

static void train(iv_dtype real, const char *losses, double tolerance)
{
    static const char *const settings[][2] = {
        { "size", "9" }, { "levels", "4" }, { "filters", "8" }, { "blocks", "2" }
    };
    const iv_model *model;
    world w = world_new(real, 1);
    const iv_system *system = iv__system_named(w.home, "fashion", &model);
    iv_instance *instance = iv__instance_new(w.home, model, system, false);
    iv__safetensors *file = open_file(w.home, "pixelcnn");
    const iv__named_tensor *expected = tensor_of(file, losses);

    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        assert_int_equal(iv__instance_set(instance, settings[i][0], settings[i][1]), IV_OK);
    iv__build build = { .graph = w.graph,
                        .scope = iv_scope_new(w.graph, w.params, "param"),
                        .batch = RECORDS,
                        .training = true };
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
            fail_msg("the loss of step %d is %.17g, and Keras has %.17g", k, loss, wanted);
        assert_int_equal(iv_train_step_apply(step, rate, k), IV_OK);
    }
    iv_train_step_free(step);
    iv__safetensors_close(file);
    iv__instance_free(instance);
    world_free(&w);
}

static void losses_are_kerass(void **state)
{
    (void)state;
    train(IV_F32, "losses", 1e-5);
}

/* Where a fault that hides in rounding shows. */
static void losses_are_kerass_in_double_precision(void **state)
{
    (void)state;
    train(IV_F64, "losses64", 1e-11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_are_kerass),
        cmocka_unit_test(losses_are_kerass_in_double_precision),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
