/* io_zlib.h: zlib's memory comes from the home, too. */
#ifndef IV_FORMAT_IO_ZLIB_H
#define IV_FORMAT_IO_ZLIB_H

#include <zlib.h>

#include "base/home.h"

static inline void *iv__zlib_allocate(void *home, unsigned count, unsigned size)
{
    return iv__alloc_array(home, count, size);
}

static inline void iv__zlib_free(void *home, void *block)
{
    iv__free(home, block);
}

static inline z_stream iv__zlib_stream(iv_home *home)
{
    return (z_stream){ .zalloc = iv__zlib_allocate, .zfree = iv__zlib_free, .opaque = home };
}

#endif
