/* plain.c: texts of files, which may come from strangers, as a terminal may be shown them. */
#define _GNU_SOURCE
#include "cli/plain.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* U+0080 to U+009F, which some terminals obey, are two bytes, the first of which is this. */
enum { HALF = 0xC2 };

/* The byte as it is shown; *half: whether the one before it was HALF. */
static char shown(unsigned char byte, bool *half)
{
    const bool second = *half && byte >= 0x80 && byte < 0xA0;
    const bool obeyed = second || byte == 0x7F || (byte < ' ' && byte != '\n' && byte != '\t');

    *half = byte == HALF;
    return obeyed ? '?' : (char)byte;
}

void plain_put(FILE *file, const char *text)
{
    bool half = false;

    for (; *text; text++)
        fputc(shown((unsigned char)*text, &half), file);
}

static ssize_t write_plainly(void *half, const char *bytes, size_t size)
{
    char piece[1 << 12];
    size_t n = size < sizeof piece ? size : sizeof piece, done = 0;

    for (size_t i = 0; i < n; i++)
        piece[i] = shown((unsigned char)bytes[i], half);
    while (done < n) {
        ssize_t wrote = write(STDOUT_FILENO, piece + done, n - done);
        if (wrote < 0 && errno != EINTR)
            return 0;
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    return (ssize_t)n;
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
