/* entities.c: a few dozen names, and numbers. Source: HTML Living Standard, named and numeric
 * character references. */

#include "format/entities.h"

#include <string.h>

enum { LONGEST = 10 }; /* characters between '&' and ';' */

/* clang-format off */
static const struct name {
    const char *name;
    uint16_t code;
} names[] = { /* XML's five first */
    { "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' },
    { "nbsp", 0xa0 }, { "iexcl", 0xa1 }, { "cent", 0xa2 }, { "pound", 0xa3 }, { "yen", 0xa5 },
    { "sect", 0xa7 }, { "copy", 0xa9 }, { "laquo", 0xab }, { "reg", 0xae }, { "deg", 0xb0 },
    { "plusmn", 0xb1 }, { "middot", 0xb7 }, { "raquo", 0xbb }, { "frac14", 0xbc }, { "frac12", 0xbd },
    { "iquest", 0xbf }, { "szlig", 0xdf }, { "agrave", 0xe0 }, { "aacute", 0xe1 }, { "acirc", 0xe2 },
    { "auml", 0xe4 }, { "ccedil", 0xe7 }, { "egrave", 0xe8 }, { "eacute", 0xe9 }, { "ecirc", 0xea },
    { "iacute", 0xed }, { "ntilde", 0xf1 }, { "oacute", 0xf3 }, { "ocirc", 0xf4 }, { "ouml", 0xf6 },
    { "uacute", 0xfa }, { "uuml", 0xfc }, { "Auml", 0xc4 }, { "Eacute", 0xc9 }, { "Ouml", 0xd6 },
    { "times", 0xd7 }, { "Uuml", 0xdc }, { "ndash", 0x2013 }, { "mdash", 0x2014 }, { "lsquo", 0x2018 },
    { "rsquo", 0x2019 }, { "ldquo", 0x201c }, { "rdquo", 0x201d }, { "bull", 0x2022 },
    { "hellip", 0x2026 }, { "euro", 0x20ac }, { "trade", 0x2122 },
};
enum { OF_XML = 5 };

/* Windows-1252 from 0x80 to 0x9f. */
static const uint16_t windows[32] = {
    0x20ac, 0x81,   0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d,   0x017d, 0x8f,
    0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,   0x017e, 0x0178,
};
/* clang-format on */

/* "39" or "x27"; false for what is no character. */
static bool read_number(const char *at, size_t size, uint32_t *code)
{
    bool hex = size > 1 && (*at == 'x' || *at == 'X');
    uint32_t number = 0, base = hex ? 16 : 10;

    if (size <= (size_t)hex)
        return false;
    for (size_t i = hex; i < size; i++) {
        uint32_t digit = at[i] >= '0' && at[i] <= '9'   ? (uint32_t)(at[i] - '0')
                         : at[i] >= 'a' && at[i] <= 'f' ? (uint32_t)(at[i] - 'a') + 10
                         : at[i] >= 'A' && at[i] <= 'F' ? (uint32_t)(at[i] - 'A') + 10
                                                        : 16;
        if (digit >= base || number > 0x10ffff)
            return false;
        number = number * base + digit;
    }
    if (number == 0 || number > 0x10ffff || (number >= 0xd800 && number < 0xe000))
        return false;
    *code = number >= 128 && number < 160 ? windows[number - 128] : number;
    return true;
}

size_t iv__entity_read(const char *at, size_t left, bool bare, uint32_t *code)
{
    size_t begin = !bare, most = left < begin + LONGEST + 1 ? left : begin + LONGEST + 1;
    const char *stop = most > begin && (bare || *at == '&') ? memchr(at + begin, ';', most - begin)
                                                            : NULL;
    if (!stop)
        return 0;

    size_t size = (size_t)(stop - at) - begin;
    if (size > 1 && at[begin] == '#')
        return read_number(at + begin + 1, size - 1, code) ? begin + size + 1 : 0;
    for (size_t i = 0; i < (bare ? (size_t)OF_XML : sizeof names / sizeof *names); i++)
        if (strlen(names[i].name) == size && !memcmp(names[i].name, at + begin, size)) {
            *code = names[i].code;
            return begin + size + 1;
        }
    return 0;
}
