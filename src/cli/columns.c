/* columns.c: wrapping texts, and putting them side by side. */
#include "cli/columns.h"

#include "format/utf8.h"

#include <string.h>

static int cells(uint32_t code)
{
    static const uint32_t wide[][2] = { { 0x1100, 0x115F },  { 0x2E80, 0xA4CF },
                                        { 0xAC00, 0xD7A3 },  { 0xF900, 0xFAFF },
                                        { 0xFE30, 0xFE6F },  { 0xFF00, 0xFF60 },
                                        { 0xFFE0, 0xFFE6 },  { 0x1F300, 0x1FAFF },
                                        { 0x20000, 0x3FFFD } };

    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (code >= wide[i][0] && code <= wide[i][1])
            return 2;
    return code >= 0x300 && code < 0x370 ? 0 : 1; /* combining marks */
}

/* One character: its bytes and its cells. */
static size_t next_cell(const char *at, size_t left, int *width)
{
    uint32_t code;
    size_t step = iv__utf8_read((const unsigned char *)at, left, &code);

    *width = step ? cells(code) : 1;
    return step ? step : 1;
}

int columns_of(const char *text, size_t size)
{
    int sum = 0, width;

    for (size_t i = 0; i < size; sum += width)
        i += next_cell(text + i, size - i, &width);
    return sum;
}

bool columns_line(const char **at, int width, const char **line, size_t *size)
{
    const char *begin = *at;
    size_t all = strcspn(begin, "\n"), i = 0, step, blank = 0;
    int used = 0, more;

    if (!*begin)
        return false;
    for (; i < all; i += step, used += more) {
        step = next_cell(begin + i, all - i, &more);
        if (used + more > width)
            break;
        if (begin[i] == ' ')
            blank = i;
    }
    if (i < all && begin[i] == ' ')
        blank = i;
    *line = begin;
    *size = i < all && blank ? blank : i;
    if (i < all && !*size) /* a column narrower than a character */
        *size = step;
    *at = begin + *size;
    *at += **at == '\n' || (i < all && **at == ' ');
    return true;
}

static void put_padded(iv__text *out, const char *line, size_t size, int width)
{
    iv__text_add(out, line, size);
    for (int used = columns_of(line, size); used < width; used++)
        iv__text_put(out, " ");
}

static void trim_line(iv__text *out)
{
    while (out->size && out->data[out->size - 1] == ' ')
        out->size--;
    iv__text_put(out, "\n");
}

void columns_put(iv__text *out, int n, const char *const texts[], int width)
{
    enum { MOST = 16 };
    const char *at[MOST];
    int together = (width + COLUMN_GAP) / (LEAST_COLUMN + COLUMN_GAP);

    together = together < 1 ? 1 : together > n ? n : together;
    together = together > MOST ? MOST : together;
    int column = (width + COLUMN_GAP) / together - COLUMN_GAP;
    for (int first = 0; first < n; first += together) {
        int here = n - first < together ? n - first : together;
        bool any = true;
        for (int i = 0; i < here; i++)
            at[i] = texts[first + i];
        while (any) {
            any = false;
            for (int i = 0; i < here; i++)
                any |= *at[i] != 0;
            for (int i = 0; i < here && any; i++) {
                const char *line = "";
                size_t size = 0;
                columns_line(&at[i], column, &line, &size);
                put_padded(out, line, size, i + 1 < here ? column + COLUMN_GAP : 0);
            }
            if (any)
                trim_line(out);
        }
    }
}

void columns_tail(iv__text *out, const char *text, int width, int lines)
{
    const char *at = text, *line;
    size_t size;
    int all = 0;

    while (columns_line(&at, width, &line, &size))
        all++;
    if (all > lines)
        iv__text_put(out, "...\n");
    at = text;
    for (int i = 0; columns_line(&at, width, &line, &size); i++)
        if (i >= all - lines) {
            iv__text_add(out, line, size);
            iv__text_put(out, "\n");
        }
}
