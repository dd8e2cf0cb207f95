/* fuzz_webp.c: any bytes as a WebP file. */
#include "image_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = frugal_home();

    return fuzz_end(home, !read_image(home, data, size, ".webp"));
}
