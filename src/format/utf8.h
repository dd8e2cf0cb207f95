/* utf8.h: reading and writing UTF-8, checked: no overlong forms, no surrogates, nothing beyond
 * U+10FFFF. */
#ifndef IV_FORMAT_UTF8_H
#define IV_FORMAT_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The code point at `at`, and its length in bytes; length 0 when the bytes are no UTF-8 (or left
 * is 0). */
size_t iv__utf8_read(const unsigned char *at, size_t left, uint32_t *code);

/* Writes a code point (at most U+10FFFF, no surrogate); returns its length, 1 to 4. */
size_t iv__utf8_write(uint32_t code, unsigned char bytes[4]);

/* Bytes at the end that begin a character whose other bytes may follow, 0 to 3. */
size_t iv__utf8_waiting(const void *bytes, size_t size);

/* Bytes from the beginning that are well-formed; equal to size when all are. */
size_t iv__utf8_valid(const void *bytes, size_t size);

#endif
