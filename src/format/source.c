/* source.c: plain files and memory as sources of bytes. */

#include "format/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/home.h"
#include "base/sha256.h"

struct iv__source {
    iv_home *home;
    const iv__source_kind *kind;
    void *state;
    char *name;
    bool failed, ended;
    unsigned char ahead[4]; /* peeked at, not yet read */
    size_t n_ahead;
};

iv__source *iv__source_new(iv_home *home, const char *name, const iv__source_kind *kind, void *state)
{
    iv__source *source = iv__alloc(home, sizeof *source);
    if (!source)
        return NULL;
    source->name = iv__copy_text(home, name);
    if (!source->name) {
        iv__free(home, source);
        return NULL;
    }
    source->home = home;
    source->kind = kind;
    source->state = state;
    return source;
}

void *iv__source_state(const iv__source *source)
{
    return source->state;
}

const char *iv__source_name(const iv__source *source)
{
    return source->name;
}

iv_home *iv__source_home(const iv__source *source)
{
    return source->home;
}

int64_t iv__source_read(iv__source *source, void *buffer, size_t size)
{
    size_t filled = source->n_ahead < size ? source->n_ahead : size;

    if (filled > 0) {
        memcpy(buffer, source->ahead, filled);
        memmove(source->ahead, source->ahead + filled, source->n_ahead - filled);
        source->n_ahead -= filled;
    }
    while (filled < size && !source->ended && !source->failed) {
        int64_t got = source->kind->read(source, (char *)buffer + filled, size - filled);
        source->failed = got < 0;
        source->ended = got == 0;
        filled += got > 0 ? (size_t)got : 0;
    }
    return source->failed ? -1 : (int64_t)filled;
}

int64_t iv__source_peek(iv__source *source, void *bytes, size_t size)
{
    size_t wanted = size < sizeof source->ahead ? size : sizeof source->ahead;
    unsigned char ahead[sizeof source->ahead];
    size_t most = wanted > source->n_ahead ? wanted : source->n_ahead;

    int64_t got = iv__source_read(source, ahead, most);
    if (got < 0)
        return -1;
    source->n_ahead = (size_t)got;
    memcpy(source->ahead, ahead, source->n_ahead);
    wanted = wanted < source->n_ahead ? wanted : source->n_ahead;
    memcpy(bytes, ahead, wanted);
    return (int64_t)wanted;
}

void iv__source_close(iv__source *source)
{
    if (!source)
        return;
    source->kind->close(source);
    iv__free(source->home, source->name);
    iv__free(source->home, source);
}

typedef struct file_state {
    int descriptor;
} file_state;

static int64_t file_read(iv__source *source, void *buffer, size_t size)
{
    const file_state *file = source->state;
    size_t most = (size_t)1 << 30; /* some kernels refuse more at once */
    ssize_t got;

    do
        got = read(file->descriptor, buffer, size < most ? size : most);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        iv_fail(source->home, IV_IO, "%s: cannot be read: %s", source->name, strerror(errno));
        return -1;
    }
    return got;
}

static void file_close(iv__source *source)
{
    file_state *file = source->state;
    close(file->descriptor);
    iv__free(source->home, file);
}

static const iv__source_kind file_kind = { file_read, file_close };

iv__source *iv__source_file(iv_home *home, const char *path)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        iv_fail(home, IV_IO, "%s: cannot be opened: %s", path, strerror(errno));
        return NULL;
    }
    struct stat about;
    if (fstat(descriptor, &about) == 0 && S_ISDIR(about.st_mode)) {
        iv_fail(home, IV_IO, "%s: is a folder; a file was expected", path);
        close(descriptor);
        return NULL;
    }

    file_state *file = iv__alloc(home, sizeof *file);
    iv__source *source = file ? iv__source_new(home, path, &file_kind, file) : NULL;
    if (!source) {
        iv__free(home, file);
        close(descriptor);
        return NULL;
    }
    file->descriptor = descriptor;
    return source;
}

typedef struct memory_state {
    const unsigned char *at;
    size_t left;
} memory_state;

static int64_t memory_read(iv__source *source, void *buffer, size_t size)
{
    memory_state *memory = source->state;
    size_t got = size < memory->left ? size : memory->left;

    if (got > 0)
        memcpy(buffer, memory->at, got);
    memory->at += got;
    memory->left -= got;
    return (int64_t)got;
}

static void memory_close(iv__source *source)
{
    iv__free(source->home, source->state);
}

static const iv__source_kind memory_kind = { memory_read, memory_close };

iv__source *iv__source_memory(iv_home *home, const char *name, const void *bytes, size_t size)
{
    memory_state *memory = iv__alloc(home, sizeof *memory);
    if (!memory)
        return NULL;
    *memory = (memory_state){ bytes ? bytes : (const unsigned char *)"", size };

    iv__source *source = iv__source_new(home, name, &memory_kind, memory);
    if (!source)
        iv__free(home, memory);
    return source;
}

iv_status iv__source_sha256(iv_home *home, const char *path, char hex[65])
{
    enum { PIECE = 1 << 16 };
    iv__source *source = iv__source_file(home, path);
    unsigned char *piece = source ? iv__alloc(home, PIECE) : NULL;
    int64_t got = piece ? 0 : -1;

    if (piece) {
        iv__sha256 hash;
        iv__sha256_begin(&hash);
        while ((got = iv__source_read(source, piece, PIECE)) > 0)
            iv__sha256_add(&hash, piece, (size_t)got);
        iv__sha256_end(&hash, hex);
    }
    iv__free(home, piece);
    iv__source_close(source);
    return got < 0 ? iv_home_status(home) : IV_OK;
}
