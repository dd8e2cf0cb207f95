/* fuzz_pnm.c: any bytes as a PNM file. */
#include "image_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = frugal_home();

    if (!stands_at(data, size, 0, "P"))
        return 0;
    return fuzz_end(home, !read_image(home, data, size, ".pnm"));
}
