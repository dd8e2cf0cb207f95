/* sha256.h: SHA-256 of bytes, in steps. */
#ifndef IV_BASE_SHA256_H
#define IV_BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct iv__sha256 {
    uint32_t state[8];
    uint64_t size;
    unsigned char block[64];
} iv__sha256;
/* Mixes whole blocks of 64 bytes into the state; plain: without the processor's instructions for
 * it. */
void iv__sha256_blocks(uint32_t state[8], const unsigned char *block, size_t blocks, bool plain);
void iv__sha256_begin(iv__sha256 *hash);
void iv__sha256_add(iv__sha256 *hash, const void *bytes, size_t size);
void iv__sha256_end(iv__sha256 *hash, char hex[65]);

#endif
