/* replay.c: in place of libFuzzer: runs a target once over each file of the folders that are named. So whatever a fuzzer
 * found once is tried by `make check`, and by every sanitizer's build. */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* An allocation of just the file's size: a sanitizer sees a byte that is read behind it. */
static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    long end = -1;

    if (file && !fseek(file, 0, SEEK_END))
        end = ftell(file);
    uint8_t *bytes = end < 0 ? NULL : malloc(end ? (size_t)end : 1);
    if (bytes) {
        rewind(file);
        *size = (size_t)end;
        if (fread(bytes, 1, *size, file) != *size) {
            free(bytes);
            bytes = NULL;
        }
    }
    if (file)
        fclose(file);
    return bytes;
}

static int replay(const char *path)
{
    size_t size = 0;
    uint8_t *bytes = read_file(path, &size);

    if (!bytes) {
        printf("not ok - %s cannot be read\n", path);
        return 1;
    }
    fprintf(stderr, "%s\n", path); /* whatever ends the program is told behind it */
    LLVMFuzzerTestOneInput(bytes, size);
    printf("ok - %s\n", path);
    fflush(stdout);
    free(bytes);
    return 0;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;

    for (int i = 1; i < argc; i++) {
        struct dirent **list;
        const int n = scandir(argv[i], &list, is_shown, alphasort);
        char path[PATH_MAX];
        failed |= n <= 0;
        for (int k = 0; k < n; k++) {
            snprintf(path, sizeof path, "%s/%s", argv[i], list[k]->d_name);
            failed |= replay(path);
            free(list[k]);
        }
        if (n >= 0)
            free(list);
    }
    return failed;
}
