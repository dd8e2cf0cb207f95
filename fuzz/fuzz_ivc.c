/* fuzz_ivc.c: any bytes as a file of `ivory compress`; a head that was read is written as it was. */
#include "fuzz_world.h"

#include "format/ivc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();
    iv__ivc ivc, again;
    iv__text head = { .home = home };
    bool good = iv__ivc_read(home, "input", data, size, &ivc) == IV_OK;

    if (good) {
        iv__ivc_write_head(&ivc, &head);
        must(!head.failed && iv__ivc_read(home, "again", head.data, head.size, &again) == IV_OK);
        must(again.n == ivc.n && again.checksum == ivc.checksum && again.size == 0);
        for (int64_t i = 0; i < ivc.n; i++)
            must(!memcmp(&ivc.pictures[i], &again.pictures[i], sizeof *ivc.pictures));
        iv__ivc_free(home, &again);
        iv__ivc_free(home, &ivc);
    }
    iv__text_free(&head);
    return fuzz_end(home, !good);
}
