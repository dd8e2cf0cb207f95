/* replay.c: in place of libFuzzer: runs a target once over each file of the folders that are named. So whatever a fuzzer
 * found once is tried by `make check`, and by every sanitizer's build. Usage: replay-NAME [--damage N] FOLDER...
 *
 * With --damage each file is tried damaged, too: each byte changed in three ways, each shorter length. N: of a file so
 * many of all these, spread over it; 0: all. */
#define _GNU_SOURCE
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* ---- damage ---------------------------------------------------------------------------------- */

enum { SECONDS = 60 };              /* for one try */
static char trying[PATH_MAX + 100]; /* told when it ends the program */
static long damages;

static void tell(void)
{
    if (write(STDERR_FILENO, trying, strlen(trying)) < 0)
        _exit(1);
}

static void tell_and_end(int number)
{
    tell();
    signal(number, SIG_DFL);
    raise(number);
}

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

/* On a stack of its own, for the other may be what is full. */
static void tell_what_ends_it(void)
{
    static char stack[1 << 16];
    const stack_t own = { .ss_sp = stack, .ss_size = sizeof stack };
    const struct sigaction action = { .sa_handler = tell_and_end, .sa_flags = SA_ONSTACK };
    const int asks[] = { SIGABRT, SIGALRM, SIGTERM }, breaks[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };

    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++)
        sigaction(asks[i], &action, NULL);
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(tell);
        return;
    }
    sigaltstack(&own, NULL);
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++)
        sigaction(breaks[i], &action, NULL);
}

/* In memory of its own, so that a sanitizer sees a byte that is read behind it. */
static int try_damaged(const char *path, const uint8_t *bytes, size_t size, size_t point)
{
    static const uint8_t changes[] = { 1, 128, 255 };
    const size_t how = point / size, at = point % size, left = how < sizeof changes ? size : at;
    uint8_t *damaged = malloc(left ? left : 1);

    if (!damaged)
        return 1;
    memcpy(damaged, bytes, left);
    if (how < sizeof changes) {
        damaged[at] ^= changes[how];
        snprintf(trying, sizeof trying, "%s, byte %zu xor %d\n", path, at, changes[how]);
    } else {
        snprintf(trying, sizeof trying, "%s, its first %zu bytes\n", path, at);
    }
    alarm(SECONDS);
    LLVMFuzzerTestOneInput(damaged, left);
    damages++;
    free(damaged);
    return 0;
}

static int damage(const char *path, const uint8_t *bytes, size_t size, size_t most)
{
    const size_t all = 4 * size, n = most && most < all ? most : all;
    int failed = 0;

    for (size_t i = 0; i < n && !failed; i++)
        failed = try_damaged(path, bytes, size, (size_t)((double)all / (double)n * (double)i));
    return failed;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int replay(const char *path, bool damaged, size_t most)
{
    size_t size = 0;
    uint8_t *bytes = read_file(path, &size);

    if (!bytes) {
        printf("not ok - %s cannot be read\n", path);
        return 1;
    }
    fprintf(stderr, "%s\n", path);
    snprintf(trying, sizeof trying, "%s\n", path);
    LLVMFuzzerTestOneInput(bytes, size);
    const int failed = damaged ? damage(path, bytes, size, most) : 0;
    printf("%s - %s\n", failed ? "not ok" : "ok", path);
    fflush(stdout);
    free(bytes);
    return failed;
}

int main(int argc, char **argv)
{
    const bool damaged = argc > 2 && !strcmp(argv[1], "--damage");
    const size_t most = damaged ? strtoul(argv[2], NULL, 10) : 0;
    const int first = damaged ? 3 : 1;
    int failed = first >= argc;

    tell_what_ends_it();
    for (int i = first; i < argc; i++) {
        struct dirent **list;
        const int n = scandir(argv[i], &list, is_shown, alphasort);
        char path[PATH_MAX];
        failed |= n <= 0;
        for (int k = 0; k < n; k++) {
            snprintf(path, sizeof path, "%s/%s", argv[i], list[k]->d_name);
            failed |= replay(path, damaged, most);
            free(list[k]);
        }
        if (n >= 0)
            free(list);
    }
    if (damaged)
        printf("# %ld damages\n", damages);
    return failed;
}
