/* fuzz_png.c: any bytes as a PNG file, and with the checksums of its chunks set right. */
#include "image_world.h"

#include <zlib.h>

static size_t number_at(const uint8_t *bytes)
{
    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

/* A fuzzer does not find checksums on its own. */
static void seal(uint8_t *data, size_t size)
{
    for (size_t at = 8; at <= size && size - at >= 12;) {
        uint8_t *chunk = data + at;
        size_t length = number_at(chunk);
        if (length > size - at - 12)
            return;
        uLong sum = crc32(0, chunk + 4, (uInt)length + 4);
        for (int i = 0; i < 4; i++)
            chunk[8 + length + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
        at += 12 + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = frugal_home();

    if (!stands_at(data, size, 0, "\x89PNG"))
        return 0;

    uint8_t *copy = malloc(size + 1);
    must(copy != NULL);
    memcpy(copy, data, size);
    seal(copy, size);
    bool failed = !read_image(home, data, size, ".png");
    failed |= !read_image(home, copy, size, ".png");
    free(copy);
    return fuzz_end(home, failed);
}
