/* idx.c: reading IDX files. */
#include "format/idx.h"

#include "base/home.h"

#include <stdio.h>

enum { UNSIGNED_BYTES = 8, CHUNK = 1 << 20 };

static iv_status bad(const iv__source *source, const char *what)
{
    return iv_fail(iv__source_home(source), IV_FORMAT, "%s: expected an IDX file: %s",
                   iv__source_name(source), what);
}

static bool read_number(iv__source *source, int64_t *number)
{
    unsigned char b[4];

    if (iv__source_read(source, b, sizeof b) != sizeof b)
        return false;
    *number = (int64_t)b[0] << 24 | (int64_t)b[1] << 16 | (int64_t)b[2] << 8 | b[3];
    return true;
}

/* In pieces, so that a size that lies takes no memory that its bytes do not fill. */
static iv_status read_bytes(iv__source *source, int64_t bytes, iv__idx *idx)
{
    iv_home *home = iv__source_home(source);
    int64_t room = 0;

    for (int64_t at = 0; at < bytes;) {
        if (at == room) {
            room = room ? (room < bytes / 2 ? 2 * room : bytes) : (bytes < CHUNK ? bytes : CHUNK);
            unsigned char *more = iv__resize(home, idx->bytes, (size_t)room);
            if (!more)
                return IV_NOMEM;
            idx->bytes = more;
        }
        int64_t got = iv__source_read(source, idx->bytes + at, (size_t)(room - at));
        if (got < 0)
            return iv_home_status(home);
        if (!got)
            return iv_fail(home, IV_FORMAT, "%s: its head tells of %lld bytes, and after %lld it ends",
                           iv__source_name(source), (long long)bytes, (long long)at);
        at += got;
    }
    return IV_OK;
}

iv_status iv__idx_read(iv__source *source, int axes, iv__idx *idx)
{
    int64_t magic, bytes = 1;
    unsigned char more;
    char said[128];

    *idx = (iv__idx){ .axes = axes };
    if (!read_number(source, &magic))
        return bad(source, "it ends within its first four bytes");
    if (magic != (UNSIGNED_BYTES << 8 | axes)) {
        snprintf(said, sizeof said,
                 "with %d axes of unsigned bytes it begins with the number %d, this one with %lld",
                 axes, UNSIGNED_BYTES << 8 | axes, (long long)magic);
        return bad(source, said);
    }
    for (int k = 0; k < axes; k++)
        if (!read_number(source, &idx->size[k]) ||
            __builtin_mul_overflow(bytes, idx->size[k], &bytes))
            return bad(source, "its sizes are cut off, or too large");
    if (bytes < 1)
        return bad(source, "it holds nothing");
    iv_status status = read_bytes(source, bytes, idx);
    if (!status) {
        int64_t got = iv__source_read(source, &more, 1);
        status = got < 0   ? iv_home_status(iv__source_home(source))
                 : got > 0 ? bad(source, "there are more bytes than its head tells of")
                           : IV_OK;
    }
    if (status)
        iv__idx_free(iv__source_home(source), idx);
    return status;
}

void iv__idx_free(iv_home *home, iv__idx *idx)
{
    iv__free(home, idx->bytes);
    idx->bytes = NULL;
}
