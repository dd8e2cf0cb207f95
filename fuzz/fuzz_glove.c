/* fuzz_glove.c: any bytes as word vectors; what is read is a word and finite numbers, of one width throughout. */
#include "fuzz_world.h"

#include <math.h>

#include "format/glove.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();
    iv__source *source = iv__source_memory(home, "input", data, size);
    iv__glove *glove = source ? iv__glove_new(source) : NULL;
    int64_t width = 0;
    bool failed = true;

    while (glove && iv__glove_next(glove, &failed)) {
        must(!width || width == iv__glove_width(glove));
        width = iv__glove_width(glove);
        must(*iv__glove_word(glove) && strlen(iv__glove_word(glove)) < size);
        for (int64_t i = 0; i < width; i++)
            must(isfinite(iv__glove_vector(glove)[i]));
    }
    iv__glove_free(glove);
    iv__source_close(source);
    return fuzz_end(home, failed);
}
