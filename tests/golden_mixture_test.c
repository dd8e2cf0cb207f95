/* golden_mixture_test.c: losses of the model `mixture` over thirty training steps, against the same network built
 * of Keras's convolutions with whole kernels under masks. tools/golden says how the files were made. */
#include "golden_pictures.h"

static const golden_training colour = { .system = "fashion-mixture",
                                        .file = "pixel_mixture_colour",
                                        .records = 2,
                                        .rate = 0.003,
                                        .scale = 2.0 / 255,
                                        .shift = -1,
                                        .settings = { "size", "8", "channels", "3", "filters", "2",
                                                      "logistics", "2", "classes", "yes", "dropout",
                                                      "0" } };
static const golden_training grey = { .system = "fashion-mixture",
                                      .file = "pixel_mixture_grey",
                                      .records = 2,
                                      .rate = 0.003,
                                      .scale = 2.0 / 255,
                                      .shift = -1,
                                      .settings = { "size", "8", "filters", "2", "logistics", "3",
                                                    "above", "3", "beside", "2", "weight_norm",
                                                    "no", "dropout", "0" } };

/* In f64 too, where a fault that hides in rounding shows. */
static void losses_are_kerass(void **state)
{
    train_as_golden(*state, IV_F32, "losses", 1e-4);
    train_as_golden(*state, IV_F64, "losses64", 1e-11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        { "in colour, with classes", losses_are_kerass, NULL, NULL, (void *)(uintptr_t)&colour },
        { "grey, kernels plain and far", losses_are_kerass, NULL, NULL, (void *)(uintptr_t)&grey },
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
