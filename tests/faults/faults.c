/* faults.c: makes calls of the C library fail on demand, without a line in the product: linked with `--wrap` into
 * faulty-ivory, which is the program ivory otherwise. It sees what our own files call; what libpng, libjpeg, libwebp or the C
 * library itself call inside (the buffers of stdio and of opendir among it) goes past it.
 *
 *   IVORY_FAULT=CALL:N:EFFECT    the N-th call of that name; CALL:N+:EFFECT: that one and all that follow
 *       EIO, ENOSPC, ...         it fails with that error; an allocation has ENOMEM alone
 *       SHORT                    half of it is read or written, and that is said
 *       KILL, SHORTKILL          the process is killed before it; after half of it was written
 *       FORWARD, BACK            the clock jumps by twenty years
 *   IVORY_FAULT_TOLD=DESCRIPTOR  a byte is written there when it strikes
 *   IVORY_FAULT_COUNTS=FILE      how often each was called, a line of NAME COUNT each, at the end
 *
 * At the end it says on stderr, `faults: ...`, how many blocks of memory were not given back, if any. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* clang-format off */
#define CALLS(X) \
    X(malloc) X(calloc) X(free) X(mmap) X(madvise) X(pthread_create) X(clock_gettime) \
    X(open) X(openat) X(close) X(read) X(pread) X(write) X(fsync) X(ftruncate) X(fchmod) X(flock) \
    X(stat) X(fstat) X(lstat) X(access) X(realpath) X(rename) X(unlink) X(unlinkat) X(mkdir) X(mkdtemp) X(rmdir) \
    X(opendir) X(readdir) X(fopen) X(tmpfile) X(fread) X(fwrite) X(fflush) X(fseek) X(__getdelim) X(fdopendir) X(posix_spawn) X(waitpid)
/* clang-format on */

typedef enum call {
#define X(name) CALL_##name,
    CALLS(X)
#undef X
        CALLS_COUNT
} call;

static const char *const names[] = {
#define X(name) #name,
    CALLS(X)
#undef X
};

typedef enum effect { NONE, FAIL, SHORT, KILL, SHORTKILL, FORWARD, BACK } effect;

static const struct {
    const char *name;
    effect effect;
    int error;
} effects[] = {
    { "EIO", FAIL, EIO },          { "ENOSPC", FAIL, ENOSPC }, { "EMFILE", FAIL, EMFILE },
    { "EINTR", FAIL, EINTR },      { "ENOMEM", FAIL, ENOMEM }, { "EACCES", FAIL, EACCES },
    { "EAGAIN", FAIL, EAGAIN },    { "SHORT", SHORT, 0 },      { "KILL", KILL, 0 },
    { "SHORTKILL", SHORTKILL, 0 }, { "FORWARD", FORWARD, 0 },  { "BACK", BACK, 0 },
};

enum { EFFECTS = sizeof effects / sizeof *effects };

static long counts[CALLS_COUNT], alive; /* blocks of memory */
static struct {
    call call;
    long from, to; /* none: 0, 0 */
    effect effect;
    int error;
    int told; /* a descriptor, or -1 */
} fault = { .told = -1 };

extern ssize_t __real_write(int file, const void *bytes, size_t size);

static void refuse(const char *text)
{
    fprintf(stderr, "faults: IVORY_FAULT is not CALL:N:EFFECT: %s\n", text);
    _exit(99);
}

static void __attribute__((constructor)) read_fault(void)
{
    const char *text = getenv("IVORY_FAULT"), *told = getenv("IVORY_FAULT_TOLD");
    char name[32], how[16], more[2] = "";
    long from;
    int i = 0, k = 0;

    if (!text)
        return;
    if (sscanf(text, "%31[a-z_]:%ld%1[+]:%15s", name, &from, more, how) != 4 &&
        (*more = 0, sscanf(text, "%31[a-z_]:%ld:%15s", name, &from, how) != 3))
        refuse(text);
    while (i < CALLS_COUNT && strcmp(names[i], name))
        i++;
    while (k < EFFECTS && strcmp(effects[k].name, how))
        k++;
    if (i == CALLS_COUNT || k == EFFECTS || from < 1)
        refuse(text);
    fault.call = (call)i;
    fault.effect = effects[k].effect;
    fault.error = effects[k].error;
    fault.told = told ? atoi(told) : -1;
    fault.to = *more ? __LONG_MAX__ : from;
    fault.from = from;
}

static void __attribute__((destructor)) put_counts(void)
{
    const char *path = getenv("IVORY_FAULT_COUNTS");
    int file = path ? creat(path, 0666) : -1;

    if (alive > 0)
        fprintf(stderr, "faults: %ld blocks of memory were not given back\n", alive);

    for (int i = 0; i < CALLS_COUNT && file >= 0; i++)
        dprintf(file, "%s %ld\n", names[i], counts[i]);
    if (file >= 0)
        fsync(file);
}

/* What is to happen to this call. errno is set where it is to fail. */
static effect next(call which)
{
    long count = __atomic_add_fetch(&counts[which], 1, __ATOMIC_RELAXED);

    if (fault.call != which || count < fault.from || count > fault.to)
        return NONE;
    if (count == fault.from && fault.told >= 0)
        __real_write(fault.told, "!", 1);
    if (fault.effect == KILL)
        kill(getpid(), SIGKILL);
    if (fault.effect == FAIL)
        errno = fault.error;
    return fault.effect;
}

/* ---- calls that do or fail ------------------------------------------------------------------- */

#define WRAP(type, name, failed, parameters, arguments)                        \
    extern type __real_##name parameters;                                      \
    type __wrap_##name parameters;                                             \
    type __wrap_##name parameters                                              \
    {                                                                          \
        return next(CALL_##name) == FAIL ? (failed) : __real_##name arguments; \
    }

/* clang-format off */
WRAP(void *, mmap, MAP_FAILED, (void *at, size_t size, int access, int flags, int file, off_t from), (at, size, access, flags, file, from))
WRAP(int, madvise, -1, (void *at, size_t size, int advice), (at, size, advice))
WRAP(int, pthread_create, errno, (pthread_t *made, const pthread_attr_t *how, void *(*run)(void *), void *with), (made, how, run, with))
WRAP(int, fsync, -1, (int file), (file))
WRAP(int, ftruncate, -1, (int file, off_t size), (file, size))
WRAP(int, fchmod, -1, (int file, mode_t mode), (file, mode))
WRAP(int, flock, -1, (int file, int how), (file, how))
WRAP(int, stat, -1, (const char *path, struct stat *about), (path, about))
WRAP(int, fstat, -1, (int file, struct stat *about), (file, about))
WRAP(int, lstat, -1, (const char *path, struct stat *about), (path, about))
WRAP(int, access, -1, (const char *path, int how), (path, how))
WRAP(char *, realpath, NULL, (const char *path, char *real), (path, real))
WRAP(int, rename, -1, (const char *from, const char *to), (from, to))
WRAP(int, unlink, -1, (const char *path), (path))
WRAP(int, unlinkat, -1, (int folder, const char *path, int flags), (folder, path, flags))
WRAP(int, mkdir, -1, (const char *path, mode_t mode), (path, mode))
WRAP(char *, mkdtemp, NULL, (char *path), (path))
WRAP(int, rmdir, -1, (const char *path), (path))
WRAP(DIR *, opendir, NULL, (const char *path), (path))
WRAP(struct dirent *, readdir, NULL, (DIR *folder), (folder))
WRAP(FILE *, fopen, NULL, (const char *path, const char *how), (path, how))
WRAP(FILE *, tmpfile, NULL, (void), ())
WRAP(int, fseek, -1, (FILE *file, long to, int whence), (file, to, whence))
WRAP(ssize_t, __getdelim, -1, (char **line, size_t *room, int end, FILE *file), (line, room, end, file)) /* getline */
WRAP(DIR *, fdopendir, NULL, (int file), (file))
WRAP(int, posix_spawn, errno, (pid_t *child, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *how, char *const *arguments, char *const *environment),
     (child, path, actions, how, arguments, environment))
WRAP(pid_t, waitpid, -1, (pid_t child, int *status, int flags), (child, status, flags))
/* clang-format on */

/* ---- memory ---------------------------------------------------------------------------------- */

static void *counted(void *block)
{
    if (block)
        __atomic_add_fetch(&alive, 1, __ATOMIC_RELAXED);
    return block;
}

extern void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes)
{
    return next(CALL_malloc) == FAIL ? NULL : counted(__real_malloc(bytes));
}

extern void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes)
{
    return next(CALL_calloc) == FAIL ? NULL : counted(__real_calloc(count, bytes));
}

/* A line that getline made is counted here alone, so that a leak beside it may be missed. */
extern void __real_free(void *block);
void __wrap_free(void *block);
void __wrap_free(void *block)
{
    if (block)
        __atomic_sub_fetch(&alive, 1, __ATOMIC_RELAXED);
    __real_free(block);
}

/* ---- calls with more to say ------------------------------------------------------------------ */

/* The mode that follows the flags, where there is one. */
#define MODE(flags)                  \
    mode_t mode = 0;                 \
    if ((flags)&O_CREAT) {           \
        va_list rest;                \
        va_start(rest, flags);       \
        mode = va_arg(rest, mode_t); \
        va_end(rest);                \
    }

extern int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    MODE(flags)
    return next(CALL_open) == FAIL ? -1 : __real_open(path, flags, mode);
}

extern int __real_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...)
{
    MODE(flags)
    return next(CALL_openat) == FAIL ? -1 : __real_openat(folder, path, flags, mode);
}

/* It is closed all the same, as Linux does. */
extern int __real_close(int file);
int __wrap_close(int file);
int __wrap_close(int file)
{
    bool failed = next(CALL_close) == FAIL;
    int error = errno, status = __real_close(file);

    if (failed)
        errno = error;
    return failed ? -1 : status;
}

static size_t part_of(size_t size, effect e)
{
    return e == SHORT || e == SHORTKILL ? (size + 1) / 2 : size;
}

ssize_t __wrap_write(int file, const void *bytes, size_t size);
ssize_t __wrap_write(int file, const void *bytes, size_t size)
{
    effect e = next(CALL_write);
    ssize_t done = e == FAIL ? -1 : __real_write(file, bytes, part_of(size, e));

    if (e == SHORTKILL)
        kill(getpid(), SIGKILL);
    return done;
}

extern ssize_t __real_read(int file, void *bytes, size_t size);
ssize_t __wrap_read(int file, void *bytes, size_t size);
ssize_t __wrap_read(int file, void *bytes, size_t size)
{
    effect e = next(CALL_read);

    return e == FAIL ? -1 : __real_read(file, bytes, part_of(size, e));
}

extern ssize_t __real_pread(int file, void *bytes, size_t size, off_t from);
ssize_t __wrap_pread(int file, void *bytes, size_t size, off_t from);
ssize_t __wrap_pread(int file, void *bytes, size_t size, off_t from)
{
    effect e = next(CALL_pread);

    return e == FAIL ? -1 : __real_pread(file, bytes, part_of(size, e), from);
}

extern size_t __real_fread(void *bytes, size_t size, size_t count, FILE *file);
size_t __wrap_fread(void *bytes, size_t size, size_t count, FILE *file);
size_t __wrap_fread(void *bytes, size_t size, size_t count, FILE *file)
{
    effect e = next(CALL_fread);

    return e == FAIL ? 0 : __real_fread(bytes, size, part_of(count, e), file);
}

enum { ERROR_SEEN = 0x20 }; /* of a stream of the GNU C library: what ferror looks at */

extern int __real_fflush(FILE *file);
int __wrap_fflush(FILE *file);
int __wrap_fflush(FILE *file)
{
    bool failed = next(CALL_fflush) == FAIL;

    if (failed && file)
        file->_flags |= ERROR_SEEN;
    return failed ? EOF : __real_fflush(file);
}

extern size_t __real_fwrite(const void *bytes, size_t size, size_t count, FILE *file);
size_t __wrap_fwrite(const void *bytes, size_t size, size_t count, FILE *file);
size_t __wrap_fwrite(const void *bytes, size_t size, size_t count, FILE *file)
{
    effect e = next(CALL_fwrite);

    if (e == FAIL)
        file->_flags |= ERROR_SEEN;
    return e == FAIL ? 0 : __real_fwrite(bytes, size, part_of(count, e), file);
}

extern int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    const time_t years = (time_t)20 * 365 * 24 * 3600;
    effect e = next(CALL_clock_gettime);

    if (e == FAIL)
        return -1;
    int status = __real_clock_gettime(clock, now);
    if (e == FORWARD || e == BACK)
        now->tv_sec += e == FORWARD ? years : -years;
    return status;
}
