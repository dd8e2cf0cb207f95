/* fuzz_hdf5.c: any bytes as an HDF5 file, by the reader that is a program of its own, here within the fuzzer: what it passes
 * on is a safetensors file. A finding in libhdf5 itself ends only that program in use. */
#define _GNU_SOURCE
#include "fuzz_world.h"

#include <stdio.h>

#include "cli/hdf5/contents.h"
#include "format/safetensors.h"

/* What the library itself loses of a damaged file ends with its program. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5\n";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();
    hdf5_file file = { 0 };
    char *bytes = NULL;
    size_t n = 0;

    if (size == 0)
        return 0;
    FILE *in = fmemopen((void *)(uintptr_t)data, size, "rb"), *out = open_memstream(&bytes, &n);
    must(in && out);
    stdin = in;
    const bool good = hdf5_open(&file, home, "input") && hdf5_write(&file, out);
    hdf5_close(&file);
    fclose(in);
    fclose(out);
    if (good) {
        iv__safetensors *passed = iv__safetensors_read(home, "passed on", bytes, n);
        must(passed != NULL);
        iv__safetensors_close(passed);
    }
    free(bytes);
    return fuzz_end(home, !good);
}
