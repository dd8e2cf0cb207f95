/* fuzz_cifar.c: any bytes as pictures in CIFAR-10's layout; those that are read, laid in planes again, are
 * the bytes. */
#include "fuzz_world.h"

#include "format/cifar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { PLANE = IV__CIFAR_PICTURE / 3, RECORD = 1 + IV__CIFAR_PICTURE };
    unsigned char picture[IV__CIFAR_PICTURE];
    iv_home *home = fuzz_home();
    iv__source *source = iv__source_memory(home, "input", data, size);
    bool failed;
    int label;
    size_t n = 0;

    for (; iv__cifar_next(source, (int64_t)n, picture, &label, &failed); n++) {
        const uint8_t *record = data + n * RECORD;
        must(label == record[0] && label < IV__CIFAR_CLASSES);
        for (int i = 0; i < PLANE; i++)
            for (int c = 0; c < 3; c++)
                must(picture[3 * i + c] == record[1 + c * PLANE + i]);
    }
    must(failed || size == n * RECORD);
    iv__source_close(source);
    return fuzz_end(home, failed);
}
