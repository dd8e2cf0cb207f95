/* hash.h: FNV-1a, for tables and keys: the same on every machine. */
#ifndef IV_BASE_HASH_H
#define IV_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define IV__HASH_BEGIN UINT64_C(0xcbf29ce484222325)

static inline uint64_t iv__hash(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash;
}

#endif
