/* crc32c.h: the Castagnoli CRC, as TFRecord frames use it. */
#ifndef IV_FORMAT_CRC32C_H
#define IV_FORMAT_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t iv__crc32c(const void *bytes, size_t size);

#endif
