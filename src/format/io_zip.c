/* io_zip.c: zip archives. What the directory at the end says counts; each file's own head must agree with it. */
#include "format/zip.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/home.h"
#include "format/io_zlib.h"
#include "format/utf8.h"

enum {
    END = 22,        /* bytes of the record at the end */
    END64 = 56,      /* and of its large form */
    LOCATOR = 20,    /* of what says where that is */
    ENTRY = 46,      /* of a file in the directory */
    HEAD = 30,       /* of a file's own head */
    COMMENT = 65535, /* at most, behind the end */
    STORED = 0,
    DEFLATED = 8, /* methods */
    ENCRYPTED = 1 | 1 << 6 | 1 << 13,
    RATIO = 1032, /* deflate makes no byte of fewer than one in so many */
};

struct iv__zip {
    iv_home *home;
    const char *name;
    iv__arena arena;
    iv__view view; /* of a file; empty over memory */
    const unsigned char *bytes;
    size_t size;
    iv__zip_file *files;
    const iv__zip_file **by_name;
    int64_t n;
};

/* Where the directory lies. */
typedef struct directory {
    uint64_t begin, size, n;
} directory;

/* `width` bytes at `at`, which lies within the archive, the least first. */
static uint64_t number(const iv__zip *zip, size_t at, int width)
{
    uint64_t value = 0;

    for (int i = width - 1; i >= 0; i--)
        value = value << 8 | zip->bytes[at + (size_t)i];
    return value;
}

static bool damaged(const iv__zip *zip, const char *why)
{
    iv_fail(zip->home, IV_FORMAT,
            "%s: %s: the archive is cut short or damaged, or is no zip archive", zip->name, why);
    return false;
}

static bool refuse(const iv__zip *zip, iv_status status, const char *file, const char *why)
{
    iv_fail(zip->home, status, "%s: the file '%s' %s", zip->name, file, why);
    return false;
}

/* ---- the end and the directory --------------------------------------------------------------- */

/* Before the record at `end` may stand a large form of it, which counts then. */
static bool read_end64(const iv__zip *zip, size_t end, directory *d, size_t *directory_end)
{
    if (end < LOCATOR || number(zip, end - LOCATOR, 4) != 0x07064b50)
        return damaged(zip, "sizes beyond 4 GiB are not where they should be");
    const uint64_t at = number(zip, end - LOCATOR + 8, 8);
    if (at > end - LOCATOR || end - LOCATOR - at < END64 || number(zip, at, 4) != 0x06064b50)
        return damaged(zip, "sizes beyond 4 GiB are not where they should be");
    if (number(zip, at + 16, 4) || number(zip, at + 20, 4))
        return damaged(zip, "it is one part of several");
    *d = (directory){ number(zip, at + 48, 8), number(zip, at + 40, 8), number(zip, at + 32, 8) };
    *directory_end = at;
    return true;
}

static bool find_directory(const iv__zip *zip, directory *d)
{
    size_t end = zip->size - END;

    if (zip->size < END)
        return damaged(zip, "it is shorter than an archive can be");
    while (number(zip, end, 4) != 0x06054b50 || number(zip, end + 20, 2) != zip->size - END - end) {
        if (end == 0 || zip->size - END - end == COMMENT)
            return damaged(zip, "there is no directory at its end");
        end--;
    }
    size_t directory_end = end;
    *d = (directory){ number(zip, end + 16, 4), number(zip, end + 12, 4), number(zip, end + 10, 2) };
    const bool large = d->begin == UINT32_MAX || d->size == UINT32_MAX || d->n == UINT16_MAX;
    if (large ? !read_end64(zip, end, d, &directory_end)
              : (number(zip, end + 4, 2) || number(zip, end + 6, 2) || number(zip, end + 8, 2) != d->n) &&
                    !damaged(zip, "it is one part of several"))
        return false;
    if (d->begin > directory_end || d->size != directory_end - d->begin || d->n > d->size / ENTRY)
        return damaged(zip, "the directory does not fit where it should lie");
    return true;
}

/* ---- a file of it ---------------------------------------------------------------------------- */

static bool safe_name(const iv__zip *zip, const char *name, size_t size)
{
    bool good = size > 0 && *name != '/' && strlen(name) == size && iv__utf8_valid(name, size) == size;

    for (size_t i = 0; good && i < size; i++) {
        const char *part = name + i;
        const bool begins = i == 0 || name[i - 1] == '/';
        good = (unsigned char)*part >= ' ' && *part != 0x7f && *part != '\\';
        if (begins && part[0] == '.' && part[1] == '.' && (part[2] == '/' || !part[2]))
            good = false;
    }
    return good ||
           refuse(zip, IV_FORMAT, name,
                  "has a name that leads elsewhere, or is none: the archive is not to be trusted");
}

/* Sizes and place beyond 4 GiB stand in an extra field; of each only if it did not fit. */
static bool read_large(const iv__zip *zip, size_t at, size_t size, uint64_t *const values[3])
{
    bool wanted = false;

    for (int i = 0; i < 3; i++)
        wanted |= *values[i] == UINT32_MAX;
    while (wanted && size >= 4) {
        const size_t id = number(zip, at, 2), length = number(zip, at + 2, 2);
        at += 4;
        size -= 4;
        if (length > size)
            break;
        if (id == 1) {
            size_t used = 0;
            for (int i = 0; i < 3; i++)
                if (*values[i] == UINT32_MAX) {
                    if (length - used < 8)
                        return damaged(zip, "a size beyond 4 GiB is missing");
                    *values[i] = number(zip, at + used, 8);
                    used += 8;
                }
            return true;
        }
        at += length;
        size -= length;
    }
    return !wanted || damaged(zip, "a size beyond 4 GiB is missing");
}

/* The file's own head at `at`: as the directory has it; then its bytes begin. */
static bool find_bytes(const iv__zip *zip, iv__zip_file *file, uint64_t at, size_t limit, uint64_t method)
{
    const size_t length = strlen(file->name);

    if (at > limit || limit - at < HEAD || number(zip, at, 4) != 0x04034b50)
        return refuse(zip, IV_FORMAT, file->name, "is not where it should lie: the archive is damaged");
    const size_t extra = number(zip, at + 28, 2);
    if (number(zip, at + 26, 2) != length || limit - at - HEAD < length + extra ||
        memcmp(zip->bytes + at + HEAD, file->name, length) || number(zip, at + 8, 2) != method)
        return refuse(zip, IV_FORMAT, file->name, "has another name there: the archive is damaged");
    file->head = at;
    file->begin = at + HEAD + length + extra;
    if (file->packed > limit - file->begin)
        return refuse(zip, IV_FORMAT, file->name,
                      "goes on beyond the archive: it is cut short or damaged");
    return true;
}

/* The entry at *at, which moves on. */
static bool read_entry(iv__zip *zip, size_t *at, size_t end, size_t files_end)
{
    const size_t e = *at;

    if (end - e < ENTRY || number(zip, e, 4) != 0x02014b50)
        return damaged(zip, "the directory holds something else");
    const size_t length = number(zip, e + 28, 2), extra = number(zip, e + 30, 2),
                 comment = number(zip, e + 32, 2);
    if (end - e - ENTRY < length + extra + comment)
        return damaged(zip, "the directory ends too early");
    *at = e + ENTRY + length + extra + comment;

    char *name = iv__arena_get(&zip->arena, length + 1);
    if (!name)
        return false;
    memcpy(name, zip->bytes + e + ENTRY, length);
    uint64_t size = number(zip, e + 24, 4), packed = number(zip, e + 20, 4),
             place = number(zip, e + 42, 4);
    const uint64_t method = number(zip, e + 10, 2);
    if (!safe_name(zip, name, length) ||
        !read_large(zip, e + ENTRY + length, extra, (uint64_t *const[]){ &size, &packed, &place }))
        return false;
    if (number(zip, e + 8, 2) & ENCRYPTED)
        return refuse(zip, IV_UNSUPPORTED, name, "is encrypted");
    if (method != STORED && method != DEFLATED)
        return refuse(zip, IV_UNSUPPORTED, name, "is compressed in another way than deflate");
    if (method == STORED ? size != packed : size / RATIO > packed || size > SIZE_MAX - 1)
        return refuse(zip, IV_FORMAT, name,
                      "cannot have the size that it claims: the archive is damaged");
    iv__zip_file file = { .name = name,
                          .size = size,
                          .packed = packed,
                          .deflated = method == DEFLATED,
                          .checksum = (uint32_t)number(zip, e + 16, 4) };
    if (!find_bytes(zip, &file, place, files_end, method))
        return false;
    if (name[length - 1] != '/')
        zip->files[zip->n++] = file;
    return true;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const iv__zip_file *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static int by_place(const void *a, const void *b)
{
    const iv__zip_file *const *x = a, *const *y = b;

    return (*x)->head < (*y)->head ? -1 : (*x)->head > (*y)->head;
}

/* Files that share bytes unpack to more than any archive of its size holds. */
static bool check_files(iv__zip *zip)
{
    for (int64_t i = 0; i < zip->n; i++)
        zip->by_name[i] = &zip->files[i];
    if (zip->n > 1)
        qsort(zip->by_name, (size_t)zip->n, sizeof *zip->by_name, by_place);
    for (int64_t i = 1; i < zip->n; i++) {
        const iv__zip_file *before = zip->by_name[i - 1], *file = zip->by_name[i];
        if (file->head < before->begin + before->packed)
            return refuse(zip, IV_FORMAT, file->name,
                          "overlaps another: the archive is not to be trusted");
    }
    if (zip->n > 1)
        qsort(zip->by_name, (size_t)zip->n, sizeof *zip->by_name, by_name);
    for (int64_t i = 1; i < zip->n; i++)
        if (!strcmp(zip->by_name[i - 1]->name, zip->by_name[i]->name))
            return refuse(zip, IV_FORMAT, zip->by_name[i]->name,
                          "comes twice: the archive is not to be trusted");
    return true;
}

static bool read_directory(iv__zip *zip)
{
    directory d;

    if (!find_directory(zip, &d))
        return false;
    zip->files = iv__alloc_array(zip->home, (int64_t)d.n + 1, sizeof *zip->files);
    zip->by_name = iv__alloc_array(zip->home, (int64_t)d.n + 1, sizeof *zip->by_name);
    if (!zip->files || !zip->by_name)
        return false;
    size_t at = d.begin, end = d.begin + d.size;
    for (uint64_t i = 0; i < d.n; i++)
        if (!read_entry(zip, &at, end, d.begin))
            return false;
    if (at != end)
        return damaged(zip, "the directory holds more than it says");
    return check_files(zip);
}

static iv__zip *zip_new(iv_home *home, const char *name)
{
    iv__zip *zip = iv__alloc(home, sizeof *zip);

    if (!zip)
        return NULL;
    zip->home = zip->arena.home = home;
    zip->name = iv__arena_text(&zip->arena, name);
    if (zip->name)
        return zip;
    iv__zip_close(zip);
    return NULL;
}

iv__zip *iv__zip_read(iv_home *home, const char *name, const void *bytes, size_t size)
{
    iv__zip *zip = zip_new(home, name);

    if (!zip)
        return NULL;
    zip->bytes = bytes;
    zip->size = size;
    if (read_directory(zip))
        return zip;
    iv__zip_close(zip);
    return NULL;
}

iv__zip *iv__zip_open(iv_home *home, const char *path)
{
    iv__view view;
    iv__zip *zip = iv__view_open(home, path, &view) ? NULL
                                                    : iv__zip_read(home, path, view.data, view.size);

    if (zip)
        zip->view = view;
    else
        iv__view_close(&view);
    return zip;
}

void iv__zip_close(iv__zip *zip)
{
    if (!zip)
        return;
    iv__view_close(&zip->view);
    iv__free(zip->home, zip->files);
    iv__free(zip->home, zip->by_name);
    iv__arena_free(&zip->arena);
    iv__free(zip->home, zip);
}

const iv__zip_file *iv__zip_list(const iv__zip *zip, int64_t *n)
{
    *n = zip->n;
    return zip->files;
}

const iv__zip_file *iv__zip_find(const iv__zip *zip, const char *name)
{
    const iv__zip_file wanted = { .name = name }, *key = &wanted;
    const iv__zip_file **found = zip->n ? bsearch(&key, zip->by_name, (size_t)zip->n,
                                                  sizeof *zip->by_name, by_name)
                                        : NULL;

    return found ? *found : NULL;
}

/* ---- bytes of a file ------------------------------------------------------------------------- */

static unsigned piece_of(size_t left)
{
    return left < 1u << 30 ? (unsigned)left : 1u << 30;
}

/* All of the packed bytes must make exactly file->size. */
static bool inflate_all(const iv__zip *zip, const iv__zip_file *file, unsigned char *to)
{
    z_stream stream = iv__zlib_stream(zip->home);
    size_t in = 0, out = 0;
    int status = inflateInit2(&stream, -MAX_WBITS);

    if (status == Z_MEM_ERROR)
        return false;
    stream.next_in = (unsigned char *)(uintptr_t)zip->bytes + file->begin;
    stream.next_out = to;
    while (status == Z_OK) {
        const unsigned n_in = piece_of(file->packed - in), n_out = piece_of(file->size + 1 - out);
        stream.avail_in = n_in;
        stream.avail_out = n_out; /* one more, so that too many bytes show */
        status = inflate(&stream, Z_NO_FLUSH);
        in += n_in - stream.avail_in;
        out += n_out - stream.avail_out;
        if (status == Z_OK && stream.avail_in == n_in && stream.avail_out == n_out)
            status = Z_BUF_ERROR;
    }
    inflateEnd(&stream);
    if (status == Z_MEM_ERROR)
        return false;
    return (status == Z_STREAM_END && in == file->packed && out == file->size) ||
           refuse(zip, IV_FORMAT, file->name, "does not unpack to its size: the archive is damaged");
}

unsigned char *iv__zip_bytes(const iv__zip *zip, const iv__zip_file *file)
{
    unsigned char *to = iv__alloc(zip->home, file->size + 1);
    bool good = to != NULL;

    if (good && file->deflated)
        good = inflate_all(zip, file, to);
    else if (good)
        memcpy(to, zip->bytes + file->begin, file->size);
    if (good && crc32_z(0, to, file->size) != file->checksum)
        good = refuse(zip, IV_FORMAT, file->name, "does not match its checksum: the archive is damaged");
    if (good) {
        to[file->size] = 0;
        return to;
    }
    iv__free(zip->home, to);
    return NULL;
}
