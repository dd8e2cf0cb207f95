/* tar.c: blocks of 512 bytes: a head, then a member's bytes, filled up to whole blocks.
 * Source: POSIX pax (ustar interchange format, pax records "path" and "size"); GNU tar's type L
 * and binary sizes. */

#include "format/tar.h"

#include <string.h>

#include "base/home.h"
#include "base/text.h"

enum { BLOCK = 512, LONGEST_NAME = 4096, LONGEST_RECORDS = 1 << 16 };

typedef struct head { /* all of it characters */
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
    char magic[8], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
} head;

_Static_assert(sizeof(head) == BLOCK, "a head fills a block");

struct iv__tar {
    iv_home *home;
    iv__source *source;
    iv__text name;
    uint64_t size; /* of the file */
    uint64_t left; /* of it, not yet read */
    unsigned fill; /* bytes behind it, up to a whole block */
    bool begun;
};

iv__tar *iv__tar_new(iv__source *source)
{
    iv_home *home = iv__source_home(source);
    iv__tar *tar = iv__alloc(home, sizeof *tar);

    if (tar) {
        tar->home = tar->name.home = home;
        tar->source = source;
    }
    return tar;
}

void iv__tar_free(iv__tar *tar)
{
    if (!tar)
        return;
    iv__text_free(&tar->name);
    iv__free(tar->home, tar);
}

const char *iv__tar_name(const iv__tar *tar)
{
    return tar->name.data ? tar->name.data : "";
}

uint64_t iv__tar_size(const iv__tar *tar)
{
    return tar->size;
}

static bool refuse(const iv__tar *tar, const char *why)
{
    iv_fail(tar->home, IV_FORMAT, "%s: %s: the tar archive is damaged or is none",
            iv__source_name(tar->source), why);
    return false;
}

/* ---- what stands in a head ------------------------------------------------------------------- */

/* Octal digits that a blank or zero byte ends, or with the first bit set a binary number (GNU). */
static bool read_number(const char *field, size_t width, uint64_t *number)
{
    size_t i = 0;

    *number = 0;
    if ((unsigned char)field[0] == 0x80) {
        for (i = 1; i < width; i++) {
            if (*number >> 55)
                return false;
            *number = *number << 8 | (unsigned char)field[i];
        }
        return true;
    }
    while (i < width && field[i] == ' ')
        i++;
    for (; i < width && field[i] >= '0' && field[i] <= '7'; i++)
        *number = *number << 3 | (uint64_t)(field[i] - '0'); /* twelve digits at most */
    return i == width || field[i] == ' ' || field[i] == 0;
}

/* The sum of the head's bytes with blanks in place of the sum; some made it of signed ones. */
static bool sum_fits(const head *h)
{
    uint64_t stated;
    int64_t plain = 0, with_sign = 0;

    for (size_t i = 0; i < BLOCK; i++) {
        bool in_sum = i >= offsetof(head, sum) && i < offsetof(head, type);
        unsigned char byte = in_sum ? ' ' : ((const unsigned char *)h)[i];
        plain += byte;
        with_sign += (signed char)byte;
    }
    return read_number(h->sum, sizeof h->sum, &stated) && stated < INT32_MAX &&
           ((int64_t)stated == plain || (int64_t)stated == with_sign);
}

static void put_field(iv__text *text, const char *field, size_t width)
{
    iv__text_add(text, field, strnlen(field, width));
}

static void set_name(iv__tar *tar, const head *h)
{
    iv__text_clear(&tar->name);
    if (!memcmp(h->magic, "ustar\0", 6) && h->prefix[0]) {
        put_field(&tar->name, h->prefix, sizeof h->prefix);
        iv__text_put(&tar->name, "/");
    }
    put_field(&tar->name, h->name, sizeof h->name);
}

/* ---- going on -------------------------------------------------------------------------------- */

static bool pass_over(iv__tar *tar)
{
    unsigned char piece[1 << 14];
    uint64_t left = tar->left;

    if (left > UINT64_MAX - BLOCK)
        return refuse(tar, "a size is beyond all measure");
    for (left += tar->fill; left > 0;) {
        size_t wanted = left < sizeof piece ? (size_t)left : sizeof piece;
        int64_t got = iv__source_read(tar->source, piece, wanted);
        if (got < 0)
            return false;
        if ((size_t)got < wanted)
            return refuse(tar, "it ends inside a member");
        left -= wanted;
    }
    tar->left = tar->fill = 0;
    return true;
}

/* What a member of extra information holds: it is short, or it is none. */
static bool read_extra(iv__tar *tar, iv__text *extra, size_t most)
{
    char piece[BLOCK];

    if (tar->left > most)
        return refuse(tar, "the name or description of a member is too long");
    iv__text_clear(extra);
    while (tar->left > 0) {
        size_t wanted = tar->left < sizeof piece ? (size_t)tar->left : sizeof piece;
        int64_t got = iv__source_read(tar->source, piece, wanted);
        if (got < 0)
            return false;
        if ((size_t)got < wanted)
            return refuse(tar, "it ends inside a member");
        iv__text_add(extra, piece, wanted);
        tar->left -= wanted;
    }
    return pass_over(tar) && !extra->failed;
}

/* Of pax's records ("LENGTH KEY=VALUE\n") the path and the size. */
static bool take_records(iv__tar *tar, const iv__text *records, iv__text *path, uint64_t *size,
                         bool *has_size)
{
    const char *at = records->data, *end = at + records->size;

    while (at < end) {
        size_t length = 0;
        const char *key = at;
        while (key < end && *key >= '0' && *key <= '9' && length < LONGEST_RECORDS)
            length = length * 10 + (size_t)(*key++ - '0');
        if (key == at || key == end || *key != ' ' || length > (size_t)(end - at) ||
            length < (size_t)(key - at) + 2 || at[length - 1] != '\n')
            return refuse(tar, "a description of a member is no list of records");
        const char *stop = at + length - 1, *value;
        key++;
        if (stop - key > 5 && !memcmp(key, "path=", 5)) {
            iv__text_clear(path);
            iv__text_add(path, key + 5, strnlen(key + 5, (size_t)(stop - key - 5)));
        } else if (stop - key > 5 && !memcmp(key, "size=", 5)) {
            *size = 0;
            for (value = key + 5; value < stop && *value >= '0' && *value <= '9'; value++)
                if (__builtin_mul_overflow(*size, 10, size) ||
                    __builtin_add_overflow(*size, (uint64_t)(*value - '0'), size))
                    return refuse(tar, "a size is beyond all measure");
            *has_size = value == stop;
        }
        at += length;
    }
    return true;
}

static void set_size(iv__tar *tar, uint64_t size)
{
    tar->size = tar->left = size;
    tar->fill = (unsigned)(-size % BLOCK);
}

/* Reads a head; *ended: a block of zeros, or nothing at all, stands there. */
static bool read_head(iv__tar *tar, head *h, bool *ended)
{
    static const char zeros[BLOCK];
    int64_t got = iv__source_read(tar->source, h, BLOCK);
    uint64_t size;

    if (got < 0)
        return false;
    *ended = (got == 0 && tar->begun) || (got == BLOCK && !memcmp(h, zeros, BLOCK));
    if (*ended)
        return true;
    if (got < BLOCK)
        return refuse(tar, "it ends inside the head of a member");
    if (!sum_fits(h) || !read_number(h->size, sizeof h->size, &size))
        return refuse(tar, "the head of a member has a wrong checksum or size");
    tar->begun = true;
    set_size(tar, size);
    return true;
}

/* Up to the head of a file; *found stays false at the end. */
static bool find_file(iv__tar *tar, iv__text *extra, iv__text *path, bool *found)
{
    uint64_t size = 0;
    bool has_size = false, ended;
    head h;

    *found = false;
    for (;;) {
        if (!pass_over(tar) || !read_head(tar, &h, &ended))
            return false;
        if (ended)
            return true;
        if (h.type == 'L') {
            if (!read_extra(tar, extra, LONGEST_NAME))
                return false;
            iv__text_clear(path);
            put_field(path, extra->data ? extra->data : "", extra->size);
        } else if (h.type == 'x') {
            if (!read_extra(tar, extra, LONGEST_RECORDS) ||
                (extra->size > 0 && !take_records(tar, extra, path, &size, &has_size)))
                return false;
        } else if (h.type == '0' || h.type == 0) {
            set_name(tar, &h);
            if (path->size > 0) {
                iv__text_clear(&tar->name);
                iv__text_add(&tar->name, path->data, path->size);
            }
            if (has_size)
                set_size(tar, size);
            *found = !tar->name.failed && !path->failed;
            return *found;
        } else if (h.type != 'g' && h.type != 'K') { /* those speak of what follows, this is a member */
            if (has_size)
                set_size(tar, size);
            iv__text_clear(path);
            has_size = false;
        }
    }
}

bool iv__tar_next(iv__tar *tar, bool *failed)
{
    iv__text extra = { .home = tar->home }, path = { .home = tar->home };
    bool found;

    *failed = !find_file(tar, &extra, &path, &found);
    iv__text_free(&extra);
    iv__text_free(&path);
    return found && !*failed;
}

/* ---- a file's bytes -------------------------------------------------------------------------- */

static int64_t file_read(iv__source *source, void *buffer, size_t size)
{
    iv__tar *tar = iv__source_state(source);
    size_t wanted = size < tar->left ? size : (size_t)tar->left;
    int64_t got = iv__source_read(tar->source, buffer, wanted);

    if (got >= 0 && (size_t)got < wanted) {
        refuse(tar, "it ends inside a member");
        return -1;
    }
    tar->left -= got > 0 ? (uint64_t)got : 0;
    return got;
}

static void file_close(iv__source *source)
{
    (void)source; /* the archive stays open */
}

static const iv__source_kind file_kind = { file_read, file_close };

iv__source *iv__tar_file(iv__tar *tar)
{
    iv__text name = { .home = tar->home };

    iv__text_print(&name, "%s: %s", iv__source_name(tar->source), iv__tar_name(tar));
    iv__source *source = name.failed ? NULL : iv__source_new(tar->home, name.data, &file_kind, tar);
    iv__text_free(&name);
    return source;
}
