/* fuzz_tar.c: any bytes as a tar archive, and with the checksums of its heads set right. */
#include "fuzz_world.h"

#include <stdio.h>

#include "format/tar.h"

enum { BLOCK = 512 };

static bool read_all(iv_home *home, const uint8_t *data, size_t size)
{
    iv__source *source = iv__source_memory(home, "input", data, size);
    iv__tar *tar = iv__tar_new(source);
    unsigned char piece[100];
    uint64_t total = 0;
    bool failed;

    while (iv__tar_next(tar, &failed)) {
        iv__source *file = iv__tar_file(tar);
        int64_t got, length = 0;
        must(file != NULL);
        while ((got = iv__source_read(file, piece, sizeof piece)) > 0)
            length += got;
        must(got < 0 || (uint64_t)length == iv__tar_size(tar));
        iv__source_close(file);
        total += (uint64_t)length;
        must(total <= size);
    }
    iv__tar_free(tar);
    iv__source_close(source);
    return !failed;
}

/* Every block as if it were a head: a fuzzer does not find checksums on its own. */
static void seal(uint8_t *block)
{
    unsigned sum = 0;
    char digits[8];

    memset(block + 148, ' ', 8);
    for (int i = 0; i < BLOCK; i++)
        sum += block[i];
    snprintf(digits, sizeof digits, "%06o", sum);
    memcpy(block + 148, digits, 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();
    bool failed = !read_all(home, data, size);
    uint8_t *copy = malloc(size + 1);

    must(copy != NULL);
    memcpy(copy, data, size);
    for (size_t at = 0; size - at >= BLOCK; at += BLOCK)
        seal(copy + at);
    failed |= !read_all(home, copy, size);
    free(copy);
    return fuzz_end(home, failed);
}
