/* utf8.c: reading and writing UTF-8, checked.
 * Source: The Unicode Standard, table 3-7 (well-formed byte sequences). */

#include "format/utf8.h"

#include <string.h>

size_t iv__utf8_read(const unsigned char *at, size_t left, uint32_t *code)
{
    if (left == 0)
        return 0;
    unsigned char lead = at[0];
    if (lead < 0x80) {
        *code = lead;
        return 1;
    }
    size_t size = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (size == 0 || size > left)
        return 0;

    uint32_t value = lead & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (at[i] & 0x3fu);
    }
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    if (value < least[size] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 0;
    *code = value;
    return size;
}

size_t iv__utf8_write(uint32_t code, unsigned char bytes[4])
{
    static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

    for (size_t i = size; i-- > 1; code >>= 6)
        bytes[i] = (unsigned char)(0x80 | (code & 0x3f));
    bytes[0] = (unsigned char)(lead[size] | code);
    return size;
}

size_t iv__utf8_valid(const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    size_t i = 0, length;
    uint32_t code;

    while (i < size && (length = iv__utf8_read(at + i, size - i, &code)) > 0)
        i += length;
    return i;
}

size_t iv__utf8_waiting(const void *bytes, size_t size)
{
    const unsigned char *end = (const unsigned char *)bytes + size;
    uint32_t code;

    for (size_t n = 1; n <= 3 && n <= size; n++) {
        unsigned char first = *(end - n);
        if ((first & 0xc0) == 0x80)
            continue; /* it goes on with what stands before */
        size_t whole = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
        if (whole <= n)
            return 0;
        /* whether there is a character that begins so: the lowest and the highest that could */
        unsigned char low[4], high[4];
        memset(low, 0x80, sizeof low);
        memset(high, 0xbf, sizeof high);
        memcpy(low, end - n, n);
        memcpy(high, end - n, n);
        return iv__utf8_read(low, whole, &code) > 0 || iv__utf8_read(high, whole, &code) > 0 ? n : 0;
    }
    return 0;
}
