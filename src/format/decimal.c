/* decimal.c: decimal numbers. Most have so few digits that one product or quotient is exact; the rest go to the C
 * library.
 * Source: Clinger 1990, How to read floating point numbers accurately. */
#include "format/decimal.h"

#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_EXACT = 22 }; /* 10^22 is the largest power of ten that a double holds */

typedef struct parts {
    uint64_t digits; /* all of them as a whole number, while they fit */
    int64_t exponent;
    bool fits;
} parts;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *read_digits(const char *at, const char *end, parts *p, int64_t scale)
{
    for (; at < end && is_digit(*at); at++) {
        const unsigned digit = (unsigned)(*at - '0');
        p->fits = p->fits && p->digits <= (UINT64_MAX - digit) / 10;
        p->digits = p->fits ? p->digits * 10 + digit : p->digits;
        p->exponent += scale;
    }
    return at;
}

/* The exponent's own digits; beyond a million they no longer matter. */
static const char *read_exponent(const char *at, const char *end, parts *p)
{
    const bool negative = at < end && *at == '-';
    const char *first = at + (at < end && (*at == '-' || *at == '+'));
    int64_t exponent = 0;

    for (at = first; at < end && is_digit(*at); at++)
        exponent = exponent < 1000000 ? exponent * 10 + (*at - '0') : exponent;
    p->exponent += negative ? -exponent : exponent;
    return at > first ? at : NULL;
}

/* False unless the text is a number. */
static bool take_apart(const char *at, const char *end, parts *p)
{
    const char *first = at;

    at = read_digits(at, end, p, 0);
    int64_t n = at - first;
    if (at < end && *at == '.') {
        first = ++at;
        at = read_digits(at, end, p, -1);
        n += at - first;
    }
    if (n > 0 && at < end && (*at == 'e' || *at == 'E'))
        at = read_exponent(at + 1, end, p);
    return n > 0 && at == end;
}

/* strtod reads the decimal mark of the locale, which a program around the library may have set. */
static bool by_library(const char *text, size_t size, double *number)
{
    char copy[512];
    const char *mark = localeconv()->decimal_point, *point = memchr(text, '.', size);
    const size_t wide = point ? strlen(mark) : 0, head = point ? (size_t)(point - text) : size;

    if (size + wide >= sizeof copy)
        return false;
    memcpy(copy, text, head);
    if (point) {
        memcpy(copy + head, mark, wide);
        memcpy(copy + head + wide, point + 1, size - head - 1);
    }
    copy[point ? size - 1 + wide : size] = 0;
    *number = strtod(copy, NULL);
    return isfinite(*number);
}

bool iv__decimal(const char *text, size_t size, double *number)
{
    static const double tens[MOST_EXACT + 1] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    const char *end = text + size, *first = text + (size && (*text == '-' || *text == '+'));
    parts p = { .fits = true };

    if (!take_apart(first, end, &p))
        return false;
    if (!p.fits || p.digits > 1ull << 53 || p.exponent > MOST_EXACT || p.exponent < -MOST_EXACT)
        return by_library(text, size, number);
    const double digits = (double)p.digits,
                 value = p.exponent < 0 ? digits / tens[-p.exponent] : digits * tens[p.exponent];
    *number = *text == '-' ? -value : value;
    return true;
}
