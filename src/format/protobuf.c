/* protobuf.c: the wire format of Protocol Buffers. */
#include "format/protobuf.h"

#include <string.h>

enum { LONGEST_VARINT = 10, NUMBER_MAX = (1 << 29) - 1 };

/* ---- reading --------------------------------------------------------------------------------- */

static bool refuse(iv__protobuf *p, const char *wrong)
{
    p->wrong = wrong;
    p->at = p->end;
    return false;
}

static bool take_varint(iv__protobuf *p, uint64_t *value)
{
    *value = 0;
    for (int i = 0; i < LONGEST_VARINT && p->at < p->end; i++) {
        uint64_t byte = *p->at++;
        if (i == LONGEST_VARINT - 1 && byte > 1)
            break;
        *value |= (byte & 127) << (7 * i);
        if (byte < 128)
            return true;
    }
    return refuse(p, "a number is cut off or has more than 64 bits");
}

static bool take_fixed(iv__protobuf *p, int size, uint64_t *value)
{
    *value = 0;
    if (p->end - p->at < size)
        return refuse(p, "a number is cut off");
    for (int i = 0; i < size; i++)
        *value |= (uint64_t)*p->at++ << (8 * i);
    return true;
}

static bool take_value(iv__protobuf *p, iv__protobuf_wire wire, uint64_t *value)
{
    switch (wire) {
    case IV__PROTOBUF_VARINT: return take_varint(p, value);
    case IV__PROTOBUF_8_BYTES: return take_fixed(p, 8, value);
    case IV__PROTOBUF_4_BYTES: return take_fixed(p, 4, value);
    default: return refuse(p, "a field is of an unknown kind");
    }
}

bool iv__protobuf_next(iv__protobuf *p, iv__protobuf_field *field)
{
    uint64_t tag;

    *field = (iv__protobuf_field){ .number = 0 };
    if (p->wrong || p->at == p->end || !take_varint(p, &tag))
        return false;
    if (tag >> 3 < 1 || tag >> 3 > NUMBER_MAX)
        return refuse(p, "a field has an impossible number");
    field->number = (uint32_t)(tag >> 3);
    field->wire = (iv__protobuf_wire)(tag & 7);
    if (field->wire != IV__PROTOBUF_BYTES)
        return take_value(p, field->wire, &field->value);
    if (!take_varint(p, &tag))
        return false;
    if (tag > (uint64_t)(p->end - p->at))
        return refuse(p, "a field is longer than what is left");
    field->bytes = p->at;
    field->size = (size_t)tag;
    p->at += tag;
    return true;
}

bool iv__protobuf_packed(iv__protobuf *p, iv__protobuf_wire wire, uint64_t *value)
{
    return !p->wrong && p->at < p->end && take_value(p, wire, value);
}

/* ---- writing --------------------------------------------------------------------------------- */

static int varint(uint64_t value, char bytes[LONGEST_VARINT])
{
    int n = 0;

    for (; value > 127; value >>= 7)
        bytes[n++] = (char)((value & 127) | 128);
    bytes[n++] = (char)value;
    return n;
}

static void put_varint(iv__text *text, uint64_t value)
{
    char bytes[LONGEST_VARINT];

    iv__text_add(text, bytes, (size_t)varint(value, bytes));
}

static void put_tag(iv__text *text, uint32_t number, iv__protobuf_wire wire)
{
    put_varint(text, (uint64_t)number << 3 | wire);
}

void iv__protobuf_put_int(iv__text *text, uint32_t number, int64_t value)
{
    put_tag(text, number, IV__PROTOBUF_VARINT);
    put_varint(text, (uint64_t)value);
}

void iv__protobuf_put_float(iv__text *text, uint32_t number, float value)
{
    uint32_t bits;
    char bytes[4];

    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 4; i++)
        bytes[i] = (char)(bits >> (8 * i) & 255);
    put_tag(text, number, IV__PROTOBUF_4_BYTES);
    iv__text_add(text, bytes, sizeof bytes);
}

void iv__protobuf_put_bytes(iv__text *text, uint32_t number, const void *bytes, size_t size)
{
    put_tag(text, number, IV__PROTOBUF_BYTES);
    put_varint(text, size);
    iv__text_add(text, bytes, size);
}

void iv__protobuf_put_text(iv__text *text, uint32_t number, const char *string)
{
    iv__protobuf_put_bytes(text, number, string, strlen(string));
}

size_t iv__protobuf_begin(iv__text *text, uint32_t number)
{
    put_tag(text, number, IV__PROTOBUF_BYTES);
    return text->size;
}

/* The length stands in front, and is known now: what was put moves behind it. */
void iv__protobuf_end(iv__text *text, size_t begun)
{
    char bytes[LONGEST_VARINT];
    const size_t size = text->size - begun;
    const size_t n = (size_t)varint(size, bytes);

    iv__text_add(text, bytes, n);
    if (text->failed)
        return;
    memmove(text->data + begun + n, text->data + begun, size);
    memcpy(text->data + begun, bytes, n);
}
