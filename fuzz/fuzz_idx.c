/* fuzz_idx.c: any bytes as an IDX file of pictures, and of labels; what is read to its end has the length
 * that its head says. */
#include "fuzz_world.h"

#include "format/idx.h"

static bool read_all(iv_home *home, const uint8_t *data, size_t size, int rank)
{
    iv__source *source = iv__source_memory(home, "input", data, size);
    iv__idx idx;
    bool good = source && iv__idx_begin(&idx, source, rank) == IV_OK;
    const size_t head = 4 + 4 * (size_t)rank;

    if (good) {
        unsigned char *item = iv__alloc(home, idx.item);
        must(item != NULL);
        for (int64_t i = 0; i < idx.dim[0] && good; i++) {
            good = iv__idx_next(&idx, item) == IV_OK;
            must(!good || !memcmp(item, data + head + (size_t)i * idx.item, idx.item));
        }
        must(!good || idx.dim[0] == 0 || size == head + (size_t)idx.dim[0] * idx.item);
        iv__free(home, item);
    }
    iv__source_close(source);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();
    bool failed = false;

    for (int rank = 1; rank <= IV__IDX_RANK; rank++)
        failed |= !read_all(home, data, size, rank);
    return fuzz_end(home, failed);
}
