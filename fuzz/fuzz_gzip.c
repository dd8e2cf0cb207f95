/* fuzz_gzip.c: any bytes as a gzip file; what is unpacked does not depend on how it is asked
 * for. */
#include "fuzz_world.h"

#include "format/source.h"

enum { MOST = 1 << 20 };

static int64_t unpack(iv_home *home, const uint8_t *data, size_t size, size_t step, unsigned char *bytes)
{
    iv__source *source = iv__source_gunzip(iv__source_memory(home, "input", data, size));
    size_t filled = 0;
    int64_t got = 1;

    while (got > 0 && filled + step <= MOST) {
        got = iv__source_read(source, bytes + filled, step);
        filled += got > 0 ? (size_t)got : 0;
    }
    iv__source_close(source);
    return got < 0 ? -1 : (int64_t)filled;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char once[MOST], again[MOST];
    iv_home *home = fuzz_home();

    int64_t got = unpack(home, data, size, 4096, once), same = unpack(home, data, size, 32, again);
    must(got == same);
    must(got <= 0 || memcmp(once, again, (size_t)got) == 0);
    return fuzz_end(home, got < 0);
}
