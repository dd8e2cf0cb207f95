/* cifar_10.c: CIFAR-10 as its authors give it: six files in binary layout. */
#include "data/cifar.h"

static const char *const beside[] = { "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                                      "data_batch_5.bin", "test_batch.bin",   NULL };

const iv__dataset iv__dataset_cifar_10 = {
    .name = "cifar-10",
    .says = "small pictures in colours of animals and vehicles, 50,000 to train with and 10,000 for tests, in ten classes",
    .download = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    .sha256 = "",
    .file = "cifar-10-batches-bin/data_batch_1.bin",
    .beside = beside,
    IV__CIFAR,
};
