/* file.c: files written beside, flushed and renamed; mapped views; folders. */
#define _GNU_SOURCE
#include "base/file.h"
#include "base/home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct iv__writer {
    iv_home *home;
    char *path, *beside;
    int file;
    bool direct; /* what is there is a pipe or a device: written into, not replaced */
    int error;   /* errno of the first failed write */
    size_t used;
    unsigned char buffer[1 << 16];
};

static iv_status io_fail(iv_home *home, const char *what, const char *path, int error)
{
    if (error == ENOSPC || error == EDQUOT)
        return iv_fail(home, IV_IO, "%s %s: no space is left on the disk; free some and run again",
                       what, path);
    return iv_fail(home, IV_IO, "%s %s: %s", what, path, strerror(error));
}

static void writer_free(iv__writer *writer)
{
    if (!writer)
        return;
    if (writer->file >= 0)
        close(writer->file);
    iv__free(writer->home, writer->path);
    iv__free(writer->home, writer->beside);
    iv__free(writer->home, writer);
}

/* It stays locked until it has its name, which tells it from what a writer that was killed has left. */
static int open_locked(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);

    if (file < 0)
        return -1;
    const bool taken = flock(file, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
    if (!taken && !ftruncate(file, 0))
        return file;
    const int error = errno;
    if (!taken)
        unlink(path);
    close(file);
    errno = error;
    return -1;
}

/* A link is followed; what stands there already keeps its mode. */
static void open_beside(iv__writer *writer)
{
    struct stat info;
    bool there = stat(writer->path, &info) == 0;

    writer->direct = there && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
    if (writer->direct) {
        writer->file = open(writer->path, O_WRONLY | O_CLOEXEC);
        return;
    }
    writer->file = open_locked(writer->beside);
    if (writer->file >= 0 && there && fchmod(writer->file, info.st_mode & 07777))
        writer->error = errno;
}

iv__writer *iv__writer_new(iv_home *home, const char *path)
{
    char real[PATH_MAX];
    iv__writer *writer = iv__alloc(home, sizeof *writer);
    if (!writer)
        return NULL;
    if (realpath(path, real))
        path = real;
    writer->home = home;
    writer->file = -1;
    writer->path = iv__copy_text(home, path);
    writer->beside = iv__alloc(home, strlen(path) + 16);
    if (!writer->path || !writer->beside) {
        writer_free(writer);
        return NULL;
    }
    snprintf(writer->beside, strlen(path) + 16, "%s.%d.new", path, (int)getpid());
    open_beside(writer);
    if (writer->file < 0) {
        io_fail(home, "writing", path, errno);
        writer_free(writer);
        return NULL;
    }
    return writer;
}

int iv__write_all(int file, const void *bytes, size_t size)
{
    for (const unsigned char *at = bytes; size;) {
        ssize_t n = write(file, at, size);
        if (n < 0 && errno != EINTR)
            return errno;
        if (n > 0) {
            at += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

static void write_out(iv__writer *writer, const unsigned char *bytes, size_t size)
{
    if (!writer->error)
        writer->error = iv__write_all(writer->file, bytes, size);
}

void iv__writer_add(iv__writer *writer, const void *bytes, size_t size)
{
    if (!writer || !size)
        return;
    if (size > sizeof writer->buffer - writer->used) {
        write_out(writer, writer->buffer, writer->used);
        writer->used = 0;
    }
    if (size > sizeof writer->buffer) {
        write_out(writer, bytes, size);
        return;
    }
    memcpy(writer->buffer + writer->used, bytes, size);
    writer->used += size;
}

/* The new name is durable only when its folder has been flushed too. */
static void flush_folder_of(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;

    if (n >= sizeof folder)
        return;
    memcpy(folder, path, n);
    folder[n] = 0;
    int file = open(slash ? (n ? folder : "/") : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file >= 0) {
        fsync(file);
        close(file);
    }
}

iv_status iv__writer_commit(iv__writer *writer)
{
    if (!writer)
        return IV_IO;
    write_out(writer, writer->buffer, writer->used);
    if (!writer->error && !writer->direct && fsync(writer->file))
        writer->error = errno;
    if (!writer->error && !writer->direct && rename(writer->beside, writer->path))
        writer->error = errno;
    if (close(writer->file) && writer->direct && !writer->error) /* a file was flushed */
        writer->error = errno;
    writer->file = -1;

    iv_status status = IV_OK;
    if (writer->error) {
        status = io_fail(writer->home, "writing", writer->path, writer->error);
        if (!writer->direct)
            unlink(writer->beside);
    } else if (!writer->direct) {
        flush_folder_of(writer->path);
    }
    writer_free(writer);
    return status;
}

void iv__writer_cancel(iv__writer *writer)
{
    if (!writer)
        return;
    if (!writer->direct)
        unlink(writer->beside);
    writer_free(writer);
}

/* NAME.PID.new, as a writer names what it writes. */
static bool is_beside(const char *name)
{
    size_t size = strlen(name), digits = 0;

    if (size < 4 || strcmp(name + size - 4, ".new"))
        return false;
    for (size -= 4; size && name[size - 1] >= '0' && name[size - 1] <= '9'; size--)
        digits++;
    return digits && size > 1 && name[size - 1] == '.';
}

void iv__remove_leftovers(const char *folder)
{
    const int opened = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *list = opened < 0 ? NULL : fdopendir(opened);

    for (struct dirent *entry; list && (entry = readdir(list));) {
        if (!is_beside(entry->d_name))
            continue;
        int file = openat(dirfd(list), entry->d_name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (file >= 0 && !flock(file, LOCK_EX | LOCK_NB))
            unlinkat(dirfd(list), entry->d_name, 0);
        if (file >= 0)
            close(file);
    }
    if (list)
        closedir(list);
    else if (opened >= 0)
        close(opened);
}

iv_status iv__file_write(iv_home *home, const char *path, const void *bytes, size_t size)
{
    iv__writer *writer = iv__writer_new(home, path);
    if (!writer)
        return iv_home_status(home);
    iv__writer_add(writer, bytes, size);
    return iv__writer_commit(writer);
}

/* A regular file, opened for reading, or -1. */
static int open_file(iv_home *home, const char *path, uint64_t *size)
{
    struct stat info;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would be waited for */

    if (file < 0) {
        io_fail(home, "opening", path, errno);
        return -1;
    }
    if (fstat(file, &info)) {
        io_fail(home, "opening", path, errno);
        close(file);
        return -1;
    }
    if (!S_ISREG(info.st_mode)) {
        close(file);
        iv_fail(home, IV_IO, "opening %s: expected a file, found a folder or a device", path);
        return -1;
    }
    *size = (uint64_t)info.st_size;
    return file;
}

static iv_status map_file(iv_home *home, const char *path, int file, size_t size, iv__view *view)
{
    *view = (iv__view){ (const unsigned char *)"", 0 };
    if (size == 0)
        return IV_OK;
    void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (data == MAP_FAILED)
        return io_fail(home, "mapping", path, errno);
    *view = (iv__view){ data, size };
    return IV_OK;
}

iv_status iv__view_open(iv_home *home, const char *path, iv__view *view)
{
    uint64_t size;
    int file = open_file(home, path, &size);

    *view = (iv__view){ (const unsigned char *)"", 0 };
    if (file < 0)
        return iv_home_status(home);
    iv_status status = map_file(home, path, file, (size_t)size, view);
    close(file);
    return status;
}

void iv__view_close(iv__view *view)
{
    if (view->size)
        munmap((void *)(uintptr_t)view->data, view->size);
    *view = (iv__view){ (const unsigned char *)"", 0 };
}

void iv__view_let_go(const iv__view *view)
{
    if (view->size)
        madvise((void *)(uintptr_t)view->data, view->size, MADV_DONTNEED);
}

enum { CUT_SHORT = -1 };

struct iv__reader {
    iv_home *home;
    char *path;
    int file;
    uint64_t size;
    atomic_int error; /* errno of what failed first; CUT_SHORT; 0 */
};

iv__reader *iv__reader_open(iv_home *home, const char *path)
{
    iv__reader *reader = iv__alloc(home, sizeof *reader);
    if (!reader)
        return NULL;
    *reader = (iv__reader){ .home = home, .path = iv__copy_text(home, path), .file = -1 };
    if (reader->path)
        reader->file = open_file(home, path, &reader->size);
    if (reader->file >= 0)
        return reader;
    iv__reader_close(reader);
    return NULL;
}

void iv__reader_close(iv__reader *reader)
{
    if (!reader)
        return;
    if (reader->file >= 0)
        close(reader->file);
    iv__free(reader->home, reader->path);
    iv__free(reader->home, reader);
}

uint64_t iv__reader_size(const iv__reader *reader)
{
    return reader->size;
}

iv_status iv__reader_get(iv__reader *reader, uint64_t place, void *bytes, size_t size)
{
    size_t done = 0;

    while (done < size) {
        size_t wanted = size - done < SSIZE_MAX ? size - done : SSIZE_MAX;
        ssize_t got = pread(reader->file, (char *)bytes + done, wanted, (off_t)(place + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got > 0) {
            done += (size_t)got;
            continue;
        }
        int none = 0;
        atomic_compare_exchange_strong(&reader->error, &none, got < 0 ? errno : CUT_SHORT);
        memset(bytes, 0, size);
        return iv__reader_status(reader);
    }
    return IV_OK;
}

const char *iv__reader_trouble(const iv__reader *reader, char text[IV__TROUBLE])
{
    int error = atomic_load(&reader->error);

    if (error)
        snprintf(text, IV__TROUBLE, "reading %s: %s", reader->path,
                 error == CUT_SHORT ? "it was cut short meanwhile" : strerror(error));
    return error ? text : NULL;
}

iv_status iv__reader_status(const iv__reader *reader)
{
    char text[IV__TROUBLE];

    return iv__reader_trouble(reader, text) ? iv_fail(reader->home, IV_IO, "%s", text) : IV_OK;
}

iv_status iv__reader_view(const iv__reader *reader, size_t size, iv__view *view)
{
    return map_file(reader->home, reader->path, reader->file, size, view);
}

static bool is_there(const char *path, mode_t kind)
{
    struct stat info;

    return stat(path, &info) ? errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG
                             : (info.st_mode & S_IFMT) == kind;
}

bool iv__file_exists(const char *path)
{
    return is_there(path, S_IFREG);
}

bool iv__is_folder(const char *path)
{
    return is_there(path, S_IFDIR);
}

bool iv__same_file(const char *path, const char *other)
{
    struct stat a, b;

    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

iv_status iv__make_folders(iv_home *home, const char *path)
{
    char part[4096];
    size_t size = strlen(path);

    if (size >= sizeof part)
        return iv_fail(home, IV_VALUE, "the path is longer than %zu bytes: %.60s...", sizeof part, path);
    for (size_t i = 1; i <= size; i++) {
        if (path[i] && path[i] != '/')
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, 0777) && errno != EEXIST)
            return io_fail(home, "making the folder", part, errno);
    }
    return iv__is_folder(path) ? IV_OK : iv_fail(home, IV_IO, "%s is there and is not a folder", path);
}
