/* element.c: numbers of other files as doubles, and as elements of tensors. */
#include "format/element.h"

#include <math.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "reals of files are tensors' as they lie");

/* The bytes as a whole number, the most significant one last in `at` unless big-endian. */
static uint64_t bits_of(iv__element element, const unsigned char *at)
{
    uint64_t bits = 0;

    for (int i = 0; i < element.width; i++)
        bits = bits << 8 | at[element.big_endian ? i : element.width - 1 - i];
    return bits;
}

static double half(uint64_t bits)
{
    const int exponent = (int)(bits >> 10 & 31);
    const double fraction = (double)(bits & 1023), sign = bits >> 15 ? -1 : 1;

    if (exponent == 31)
        return bits & 1023 ? NAN : sign * INFINITY;
    return sign * (exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24));
}

static double single(uint64_t bits)
{
    const uint32_t narrow = (uint32_t)bits;
    float value;

    memcpy(&value, &narrow, sizeof value);
    return (double)value;
}

static double wide(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static int64_t integer(iv__element element, uint64_t bits)
{
    const int unused = 64 - 8 * element.width;

    return (int64_t)(bits << unused) >> unused;
}

static double value_at(iv__element element, const unsigned char *at)
{
    const uint64_t bits = bits_of(element, at);

    switch (element.kind) {
    case IV__REAL:
        return element.width == 8 ? wide(bits) : element.width == 4 ? single(bits) : half(bits);
    case IV__BFLOAT: return single(bits << 16);
    case IV__INTEGER: return (double)integer(element, bits);
    case IV__NATURAL: return (double)bits;
    default: return bits != 0;
    }
}

bool iv__element_is_real(iv__element element)
{
    return element.kind == IV__REAL || element.kind == IV__BFLOAT;
}

iv_dtype iv__element_dtype(iv__element element)
{
    if (iv__element_is_real(element))
        return element.width == 8 ? IV_F64 : IV_F32;
    return element.kind == IV__TRUTH || (element.kind == IV__NATURAL && element.width == 1) ? IV_U8
                                                                                            : IV_I32;
}

/* Whether its bytes are those of a tensor of that dtype. */
static bool lies_as(iv__element element, iv_dtype dtype)
{
    return element.kind == IV__REAL && !element.big_endian &&
           ((dtype == IV_F32 && element.width == 4) || (dtype == IV_F64 && element.width == 8));
}

int64_t iv__elements_copy(iv__element element, const void *from, int64_t n, iv_dtype dtype, void *to)
{
    const unsigned char *at = from;
    const double low = dtype == IV_I32 ? INT32_MIN : 0, high = dtype == IV_I32 ? INT32_MAX : UINT8_MAX;

    if (n > 0 && lies_as(element, dtype)) {
        memcpy(to, from, (size_t)n * iv_dtype_size(dtype));
        return n;
    }
    for (int64_t i = 0; i < n; i++, at += element.width) {
        const double value = value_at(element, at);
        if ((dtype == IV_I32 || dtype == IV_U8) &&
            !(value >= low && value <= high && value == (double)(int64_t)value))
            return i;
        switch (dtype) {
        case IV_F32: ((float *)to)[i] = (float)value; break;
        case IV_F64: ((double *)to)[i] = value; break;
        case IV_I32: ((int32_t *)to)[i] = (int32_t)value; break;
        default: ((uint8_t *)to)[i] = (uint8_t)value; break;
        }
    }
    return n;
}
