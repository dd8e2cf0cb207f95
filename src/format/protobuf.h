/* protobuf.h: the wire format of Protocol Buffers: the fields of a message as they lie in bytes. What a field
 * means, and that a field is a message of its own, is known to who reads it; so nothing here goes deep.
 * Source: https://protobuf.dev/programming-guides/encoding */
#ifndef IV_FORMAT_PROTOBUF_H
#define IV_FORMAT_PROTOBUF_H

#include "base/text.h"

typedef enum iv__protobuf_wire {
    IV__PROTOBUF_VARINT = 0, /* 7 bits a byte, lowest first */
    IV__PROTOBUF_8_BYTES = 1,
    IV__PROTOBUF_BYTES = 2, /* their number, and they: a text, a message, numbers one behind the other */
    IV__PROTOBUF_4_BYTES = 5,
} iv__protobuf_wire;

/* ---- reading --------------------------------------------------------------------------------- */
typedef struct iv__protobuf {
    const unsigned char *at, *end;
    const char *wrong; /* what is, once something is: a few fixed words; else NULL */
} iv__protobuf;

typedef struct iv__protobuf_field {
    uint32_t number;
    iv__protobuf_wire wire;
    uint64_t value;             /* of VARINT, 8_BYTES, 4_BYTES */
    const unsigned char *bytes; /* of BYTES: lent */
    size_t size;
} iv__protobuf_field;

/* bytes may be NULL where there are none. */
static inline iv__protobuf iv__protobuf_of(const void *bytes, size_t size)
{
    const unsigned char *at = size ? bytes : (const void *)"";

    return (iv__protobuf){ at, at + size, NULL };
}
/* False at the end of the message, and where it is malformed: then, and ever after, ->wrong says how. */
bool iv__protobuf_next(iv__protobuf *message, iv__protobuf_field *field);
/* The next of the numbers that a field of BYTES packs; false at the end, and where they are malformed. */
bool iv__protobuf_packed(iv__protobuf *numbers, iv__protobuf_wire wire, uint64_t *value);

/* ---- writing --------------------------------------------------------------------------------- */
void iv__protobuf_put_int(iv__text *text, uint32_t number, int64_t value);
void iv__protobuf_put_float(iv__text *text, uint32_t number, float value);
void iv__protobuf_put_bytes(iv__text *text, uint32_t number, const void *bytes, size_t size);
void iv__protobuf_put_text(iv__text *text, uint32_t number, const char *string);
/* What is put until the end is a message in this field. begin returns what end is to be given. */
size_t iv__protobuf_begin(iv__text *text, uint32_t number);
void iv__protobuf_end(iv__text *text, size_t begun);

#endif
