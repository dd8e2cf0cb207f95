/* stretch.c: texts cut into stretches, the bounds that no piece crosses: a word with the blank before
 * it, a number, marks, white space. Any bytes can be cut; put together again they are the same. */

#include "data/pieces.h"
#include "format/utf8.h"

/* What are marks beyond ASCII: punctuation, symbols, emoji; sorted. All else is letters, combining
 * marks with them. */
/* clang-format off */
static const struct range { uint32_t first, last; } marks[] = {
    { 0xa1, 0xa9 }, { 0xab, 0xb4 }, { 0xb6, 0xb9 }, { 0xbb, 0xbf }, { 0xd7, 0xd7 }, { 0xf7, 0xf7 },
    { 0x055a, 0x055f }, { 0x0589, 0x058a }, { 0x05be, 0x05be }, { 0x060c, 0x060d }, { 0x061b, 0x061f },
    { 0x066a, 0x066d }, { 0x06d4, 0x06d4 }, { 0x0964, 0x0965 }, { 0x2010, 0x206f }, { 0x20a0, 0x20cf },
    { 0x2100, 0x2bff }, { 0x2e00, 0x2e7f }, { 0x3001, 0x3004 }, { 0x3008, 0x3020 }, { 0x3030, 0x303f },
    { 0x30fb, 0x30fb }, { 0xe000, 0xf8ff }, { 0xfe00, 0xfe1f }, { 0xfe30, 0xfe6f }, { 0xff01, 0xff0f },
    { 0xff1a, 0xff20 }, { 0xff3b, 0xff40 }, { 0xff5b, 0xff65 }, { 0x1f000, 0x1faff },
};
/* clang-format on */

int iv__stretch_kind(uint32_t code)
{
    if (code < 0x80) {
        if ((code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z'))
            return IV__STRETCH_LETTERS;
        return code >= '0' && code <= '9'               ? IV__STRETCH_DIGITS
               : code == ' ' || (code > 8 && code < 14) ? IV__STRETCH_WHITE
                                                        : IV__STRETCH_MARKS;
    }
    if (iv__is_white(code))
        return IV__STRETCH_WHITE;
    for (size_t i = 0; i < sizeof marks / sizeof *marks && marks[i].first <= code; i++)
        if (code <= marks[i].last)
            return IV__STRETCH_MARKS;
    return IV__STRETCH_LETTERS;
}

/* The kind of what stands at `at`, and its length; a byte that is no UTF-8 is a mark. */
static int look(const unsigned char *at, size_t left, size_t *length)
{
    uint32_t code = *at;

    *length = code < 0x80 ? 1 : iv__utf8_read(at, left, &code);
    if (*length > 0)
        return iv__stretch_kind(code);
    *length = 1;
    return IV__STRETCH_MARKS;
}

size_t iv__stretch_next(const char *text, size_t left)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t size, length, most = left < IV__STRETCH_MAX ? left : IV__STRETCH_MAX;
    int kind = look(at, left, &size);

    if (*at == ' ' && left > 1) { /* a blank goes with the word behind it */
        int next = look(at + 1, left - 1, &length);
        if (next != IV__STRETCH_WHITE) {
            kind = next;
            size += length;
        }
    }
    while (size < most && look(at + size, left - size, &length) == kind && size + length <= most)
        size += length;
    if (kind == IV__STRETCH_WHITE && size > 1 && at[size - 1] == ' ' && size < left &&
        look(at + size, left - size, &length) != IV__STRETCH_WHITE)
        size--;
    return size;
}
