/* fuzz_npy.c: any bytes as an array of NumPy's; the array in C's order has as many bytes as the file's. */
#include "fuzz_world.h"

#include "format/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();
    iv__npy npy;
    const bool failed = iv__npy_read(home, "input", data, size, &npy) != IV_OK;

    if (!failed) {
        must(npy.size <= size && npy.data + npy.size == data + size);
        must((size_t)iv_shape_count(&npy.shape) * (size_t)npy.element.width == npy.size);
        iv_tensor *tensor = iv__npy_tensor(home, "input", &npy, IV_F64);
        must(tensor != NULL);
        iv_tensor_free(tensor);
        iv_tensor_free(iv__npy_tensor(home, "input", &npy, iv__element_dtype(npy.element)));
    }
    return fuzz_end(home, failed);
}
