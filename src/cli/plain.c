/* plain.c: texts of files, which may come from strangers, as a terminal may be shown them. */
#define _GNU_SOURCE
#include "cli/plain.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* U+0080 to U+009F, which some terminals obey, are two bytes, the first of which is this. */
enum { HALF = 0xC2 };

/* The bytes as they are shown, into `to`, which has room for one more; how many. *half: HALF came last, and waits. */
static size_t show(const char *bytes, size_t size, bool *half, char *to)
{
    size_t n = 0;

    for (size_t i = 0; i < size; i++) {
        const unsigned char byte = (unsigned char)bytes[i];
        const bool second = *half && byte >= 0x80 && byte < 0xA0;
        const bool obeyed = second || byte == 0x7F || (byte < ' ' && byte != '\n' && byte != '\t');
        if (*half && !second)
            to[n++] = (char)HALF;
        *half = byte == HALF;
        if (!*half)
            to[n++] = obeyed ? '?' : (char)byte;
    }
    return n;
}

void plain_put(FILE *file, const char *text)
{
    char shown[2];
    bool half = false;

    for (; *text; text++)
        fwrite(shown, 1, show(text, 1, &half, shown), file);
}

static ssize_t write_plainly(void *half, const char *bytes, size_t size)
{
    char shown[(1 << 12) + 1];
    const size_t taken = size < sizeof shown - 1 ? size : sizeof shown - 1,
                 n = show(bytes, taken, half, shown);

    for (size_t done = 0; done < n;) {
        ssize_t wrote = write(STDOUT_FILENO, shown + done, n - done);
        if (wrote < 0 && errno != EINTR)
            return 0;
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    return (ssize_t)taken;
}

void plain_stdout(void)
{
    static bool half;
    const cookie_io_functions_t functions = { .write = write_plainly };
    FILE *plain = isatty(STDOUT_FILENO) ? fopencookie(&half, "w", functions) : NULL;

    if (!plain)
        return;
    setvbuf(plain, NULL, _IOLBF, BUFSIZ);
    stdout = plain;
}
