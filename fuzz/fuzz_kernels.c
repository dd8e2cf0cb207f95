/* fuzz_kernels.c: any bytes as a row with its shapes and values: every backend here agrees with the
 * reference, keeps its bits for any number of threads, and touches nothing but its arrays. */
#include "fuzz_world.h"

#include "kernels_cases.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool fine = check_bytes(data, size);

    if (!fine)
        fprintf(stderr, "%s\n", finding);
    must(fine);
    return 0;
}
