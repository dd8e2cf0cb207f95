/* io_gzip.c: gzip files as sources: several members behind each other, as gzip itself reads
 * them, every member's checksum verified.
 * Source: RFC 1952. */

#include "base/home.h"
#include "format/io_zlib.h"
#include "format/source.h"

enum { PIECE = 1 << 16 };

typedef struct gzip_state {
    iv__source *packed;
    z_stream stream;
    int64_t members; /* complete ones */
    bool inside;     /* a member has begun */
    bool drained;    /* `packed` has no more */
    unsigned char in[PIECE];
} gzip_state;

/* Makes sure that packed bytes wait, unless there are no more. */
static bool fill(gzip_state *gzip)
{
    if (gzip->stream.avail_in > 0 || gzip->drained)
        return true;
    int64_t got = iv__source_read(gzip->packed, gzip->in, PIECE);
    if (got < 0)
        return false;
    gzip->drained = got == 0;
    gzip->stream.next_in = gzip->in;
    gzip->stream.avail_in = (unsigned)got;
    return true;
}

static int64_t damaged(iv__source *source, const char *why)
{
    const gzip_state *gzip = iv__source_state(source);

    iv_fail(iv__source_home(source), IV_FORMAT,
            "%s: the gzip data are damaged (%s): copy or download the file again",
            iv__source_name(gzip->packed), why);
    return -1;
}

/* Between members: 1 when another one begins, 0 at the end, -1 when it failed. Zero bytes behind
 * the last are padding. */
static int between(iv__source *source)
{
    gzip_state *gzip = iv__source_state(source);

    for (;;) {
        if (!fill(gzip))
            return -1;
        if (gzip->stream.avail_in == 0)
            return gzip->members > 0 ? 0 : (int)damaged(source, "there is no data");
        if (gzip->members == 0 || *gzip->stream.next_in != 0)
            break;
        gzip->stream.next_in++;
        gzip->stream.avail_in--;
    }
    if (*gzip->stream.next_in != 0x1f)
        return (int)damaged(source, "other bytes follow the compressed ones");
    if (inflateReset(&gzip->stream) != Z_OK)
        return (int)damaged(source, "zlib cannot start");
    gzip->inside = true;
    return 1;
}

static int64_t gzip_read(iv__source *source, void *buffer, size_t size)
{
    gzip_state *gzip = iv__source_state(source);
    unsigned room = size < (1u << 30) ? (unsigned)size : 1u << 30;

    gzip->stream.next_out = buffer;
    gzip->stream.avail_out = room;
    while (gzip->stream.avail_out == room) {
        if (!gzip->inside) {
            int more = between(source);
            if (more <= 0)
                return more;
        }
        if (!fill(gzip))
            return -1;
        if (gzip->stream.avail_in == 0)
            return damaged(source, "they end too early");

        int status = inflate(&gzip->stream, Z_NO_FLUSH);
        if (status == Z_STREAM_END) {
            gzip->inside = false;
            gzip->members++;
        } else if (status == Z_MEM_ERROR) {
            return -1;
        } else if (status != Z_OK) {
            return damaged(source, gzip->stream.msg ? gzip->stream.msg : "zlib refuses them");
        }
    }
    return room - gzip->stream.avail_out;
}

static void gzip_close(iv__source *source)
{
    gzip_state *gzip = iv__source_state(source);

    inflateEnd(&gzip->stream);
    iv__source_close(gzip->packed);
    iv__free(iv__source_home(source), gzip);
}

static const iv__source_kind gzip_kind = { gzip_read, gzip_close };

iv__source *iv__source_gunzip(iv__source *packed)
{
    iv_home *home = iv__source_home(packed);
    gzip_state *gzip = iv__alloc(home, sizeof *gzip);
    if (!gzip) {
        iv__source_close(packed);
        return NULL;
    }
    gzip->packed = packed;
    gzip->stream = iv__zlib_stream(home);

    iv__source *source = NULL;
    int status = inflateInit2(&gzip->stream, 16 + MAX_WBITS);
    if (status == Z_OK)
        source = iv__source_new(home, iv__source_name(packed), &gzip_kind, gzip);
    else if (status != Z_MEM_ERROR)
        iv_fail(home, IV_UNSUPPORTED, "%s: zlib cannot start", iv__source_name(packed));
    if (!source) {
        inflateEnd(&gzip->stream);
        iv__source_close(packed);
        iv__free(home, gzip);
    }
    return source;
}

iv__source *iv__source_open(iv_home *home, const char *path)
{
    unsigned char magic[2];
    iv__source *file = iv__source_file(home, path);

    if (file && iv__source_peek(file, magic, 2) == 2 && magic[0] == 0x1f && magic[1] == 0x8b)
        return iv__source_gunzip(file);
    return file;
}
