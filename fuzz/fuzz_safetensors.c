/* fuzz_safetensors.c: any bytes as a safetensors file; all that it lends can be read. */
#include "fuzz_world.h"

#include "format/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();
    int64_t n;
    char hex[65];

    iv__safetensors *file = iv__safetensors_read(home, "input", data, size);
    if (file) {
        const iv__named_tensor *list = iv__safetensors_list(file, &n);
        size_t bytes = 0;
        for (int64_t i = 0; i < n; i++) {
            must(iv__safetensors_find(file, list[i].name) == &list[i]);
            must(list[i].bytes <= size - bytes);
            bytes += list[i].bytes;
        }
        iv__safetensors_metadata(file, "format");
        must(iv__weights_sha256(home, n, list, "", hex) == IV_OK);
        iv__safetensors_close(file);
    }
    return fuzz_end(home, !file);
}
