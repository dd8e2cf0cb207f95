/* golden_pixelcnn_test.c: losses of the model `pixelcnn` over thirty training steps, against the same network
 * built of Keras's convolutions with whole kernels under masks. tools/golden says how the file was made. */
#include "golden_pictures.h"

static const golden_training grey = { .system = "fashion",
                                      .file = "pixelcnn",
                                      .records = 4,
                                      .rate = 0.002,
                                      .scale = 1.0 / 4,
                                      .settings = { "size", "9", "levels", "4", "filters", "8",
                                                    "blocks", "2" } };

static void losses_are_kerass(void **state)
{
    (void)state;
    train_as_golden(&grey, IV_F32, "losses", 1e-5);
}

/* Where a fault that hides in rounding shows. */
static void losses_are_kerass_in_double_precision(void **state)
{
    (void)state;
    train_as_golden(&grey, IV_F64, "losses64", 1e-11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_are_kerass),
        cmocka_unit_test(losses_are_kerass_in_double_precision),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
