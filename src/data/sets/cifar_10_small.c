/* cifar_10_small.c: a twelfth of CIFAR-10, 500 pictures of each class, in two files. They went through
 * JPEG once: no measure of them stands beside a published one. */
#include "data/cifar.h"

static const char *const beside[] = { "test_subset_1000.bin", NULL };

const iv__dataset iv__dataset_cifar_10_small = {
    .name = "cifar-10-small",
    .says = "4,000 pictures of CIFAR-10 to train with and 1,000 for tests, which were JPEG once (the whole: cifar-10)",
    .download = "",
    .sha256 = "dc85741c0b63bb245d489b966b706de30a42f9f9c8caa68be0cac923993c1dfe",
    .file = "cifar-10/train_subset_4000.bin",
    .beside = beside,
    IV__CIFAR,
};
