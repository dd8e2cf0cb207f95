/* fuzz_zip.c: any bytes as a zip archive; no file is longer than its bytes can make it, and names are safe. */
#include "fuzz_world.h"

#include "format/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();
    iv__zip *zip = iv__zip_read(home, "input", data, size);
    size_t packed = 0;
    int64_t n = 0;
    const iv__zip_file *files = zip ? iv__zip_list(zip, &n) : NULL;

    for (int64_t i = 0; i < n; i++) {
        const iv__zip_file *file = &files[i];
        must(iv__zip_find(zip, file->name) == file);
        must(*file->name && *file->name != '/' && strncmp(file->name, "../", 3) &&
             !strstr(file->name, "/../"));
        must(file->begin <= size && file->packed <= size - file->begin);
        packed += file->packed;
        must(packed <= size && file->size / 1032 <= file->packed);
        if (file->size < 1 << 20)
            iv__free(home, iv__zip_bytes(zip, file));
    }
    iv__zip_close(zip);
    return fuzz_end(home, !zip);
}
