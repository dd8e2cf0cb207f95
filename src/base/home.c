/* home.c: the allocator, the last error and the thread pool's owner. The only file that asks for
 * memory. */
#define _GNU_SOURCE
#include "base/home.h"
#include "base/threads.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct iv_home {
    void *(*allocate)(void *user, void *old, size_t bytes);
    void *user;
    int threads;
    char isa[16];
    iv_precision precision;
    bool no_winograd;
    iv__pool *pool;
    int64_t micro_batch;
    size_t bytes, most_bytes;
    iv_home *of; /* that it is counted in, too; or NULL */
    iv_status status;
    bool failing; /* a thread writes the message */
    char message[1024];
};

/* Stands before every block. The block is aligned to 64 bytes, so the allocator's own pointer is
 * kept here. */
typedef struct block_head {
    void *raw;
    size_t bytes;
} block_head;

enum { ALIGN = 64, HUGE_PAGE = 2 << 20 };

static block_head *head_of(void *block)
{
    return (block_head *)((char *)block - sizeof(block_head));
}

const char *iv_status_text(iv_status status)
{
    static const char *const texts[] = {
#define STATUS_TEXT(name, text) text,
        IV_STATUS_MAP(STATUS_TEXT)
#undef STATUS_TEXT
    };
    return (size_t)status < sizeof texts / sizeof *texts ? texts[status] : "unknown status";
}

static int processors(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

    return n < 1 ? 1 : n;
}

iv_home *iv_home_new(const iv_home_options *options)
{
    iv_home_options o = { 0 };
    if (options)
        memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);

    iv_home *home = o.allocate ? o.allocate(o.user, NULL, sizeof *home) : malloc(sizeof *home);
    if (!home)
        return NULL;
    memset(home, 0, sizeof *home);
    home->allocate = o.allocate;
    home->user = o.user;
    home->most_bytes = o.most_bytes;
    home->threads = o.threads > 0 ? o.threads : processors();
    if (home->threads > IV__MOST_THREADS)
        home->threads = IV__MOST_THREADS;
    const char *isa = o.isa ? o.isa : getenv("IVORY_ISA");
    if (isa)
        snprintf(home->isa, sizeof home->isa, "%s", isa);
    if (home->threads > 1) {
        home->pool = iv__pool_new(home, home->threads);
        if (!home->pool) {
            iv_home_free(home);
            return NULL;
        }
    }
    return home;
}

static void count_bytes(iv_home *home, size_t bytes)
{
    for (; home; home = home->of)
        __atomic_add_fetch(&home->bytes, bytes, __ATOMIC_RELAXED);
}

iv_home *iv__home_like(iv_home *of, int threads)
{
    iv_home *home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options),
                                                    .threads = threads,
                                                    .isa = iv__home_isa(of),
                                                    .allocate = of->allocate,
                                                    .user = of->user });
    if (!home) {
        iv_fail(of, IV_NOMEM, "out of memory for a home");
        return NULL;
    }
    home->precision = of->precision;
    home->no_winograd = of->no_winograd;
    home->micro_batch = of->micro_batch;
    home->of = of;
    count_bytes(of, home->bytes); /* its threads' */
    return home;
}

void iv_home_free(iv_home *home)
{
    if (!home)
        return;
    iv__pool_free(home->pool);
    if (home->allocate)
        home->allocate(home->user, home, 0);
    else
        free(home);
}

iv_status iv_home_status(const iv_home *home)
{
    return home->status;
}

const char *iv_home_message(const iv_home *home)
{
    return home->message;
}

void iv_home_clear(iv_home *home)
{
    home->status = IV_OK;
    home->message[0] = 0;
}

int iv_home_threads(const iv_home *home)
{
    return home->threads;
}

void iv_home_set_precision(iv_home *home, iv_precision precision)
{
    home->precision = precision;
}

iv_precision iv_home_precision(const iv_home *home)
{
    return home->precision;
}

void iv_home_set_winograd(iv_home *home, bool on)
{
    home->no_winograd = !on;
}

bool iv_home_winograd(const iv_home *home)
{
    return !home->no_winograd;
}

void iv_home_set_micro_batch(iv_home *home, int64_t records)
{
    home->micro_batch = records > 0 ? records : 0;
}

int64_t iv_home_micro_batch(const iv_home *home)
{
    return home->micro_batch;
}

const char *iv__home_isa(const iv_home *home)
{
    return home->isa[0] ? home->isa : NULL;
}

iv__pool *iv__home_pool(iv_home *home)
{
    return home->pool;
}

size_t iv__home_bytes(const iv_home *home)
{
    return __atomic_load_n(&home->bytes, __ATOMIC_RELAXED);
}

iv_status iv_fail(iv_home *home, iv_status status, const char *format, ...)
{
    char text[sizeof home->message];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    while (__atomic_test_and_set(&home->failing, __ATOMIC_ACQUIRE))
        ; /* several threads of a kernel's work may fail at once */
    memcpy(home->message, text, sizeof text);
    home->status = status;
    __atomic_clear(&home->failing, __ATOMIC_RELEASE);
    return status;
}

static const iv_home *outermost(const iv_home *home)
{
    while (home->of)
        home = home->of;
    return home;
}

static void *fail_alloc(iv_home *home, size_t bytes)
{
    const iv_home *counts = outermost(home);
    const size_t held = iv__home_bytes(counts);

    if (counts->most_bytes)
        iv_fail(home, IV_NOMEM, "out of memory: %zu bytes more were wanted, %zu of %zu are held",
                bytes, held, counts->most_bytes);
    else
        iv_fail(home, IV_NOMEM, "out of memory: %zu bytes more were wanted, %zu are held", bytes, held);
    return NULL;
}

static bool has_room(const iv_home *home, size_t bytes)
{
    const iv_home *counts = outermost(home);
    const size_t held = iv__home_bytes(counts);

    return !counts->most_bytes || (held <= counts->most_bytes && bytes <= counts->most_bytes - held);
}

void *iv__alloc(iv_home *home, size_t bytes)
{
    /* Large blocks are read with long strides: huge pages spare them the address look-ups. */
    size_t align = bytes >= 4 * (size_t)HUGE_PAGE ? HUGE_PAGE : ALIGN;
    size_t extra = sizeof(block_head) + align;
    if (bytes > SIZE_MAX / 2 || !has_room(home, bytes))
        return fail_alloc(home, bytes);

    void *raw = home->allocate ? home->allocate(home->user, NULL, bytes + extra)
                               : calloc(1, bytes + extra);
    if (!raw)
        return fail_alloc(home, bytes);
    char *block = (char *)(((uintptr_t)raw + extra) & ~(uintptr_t)(align - 1));
    if (align == HUGE_PAGE)
        madvise(block, bytes & ~(size_t)(HUGE_PAGE - 1), MADV_HUGEPAGE);
    if (home->allocate)
        memset(block, 0, bytes);
    *head_of(block) = (block_head){ raw, bytes };
    count_bytes(home, bytes);
    return block;
}

void *iv__alloc_array(iv_home *home, int64_t count, size_t size)
{
    size_t bytes;

    if (count < 0 || !iv__mul_size((size_t)count, size, &bytes))
        return fail_alloc(home, SIZE_MAX);
    return iv__alloc(home, bytes);
}

void *iv__resize(iv_home *home, void *block, size_t bytes)
{
    void *grown = iv__alloc(home, bytes);

    if (grown && block) {
        size_t old = head_of(block)->bytes;
        memcpy(grown, block, old < bytes ? old : bytes);
        iv__free(home, block);
    }
    return grown;
}

char *iv__copy_text(iv_home *home, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = iv__alloc(home, size);

    return copy ? memcpy(copy, text, size) : NULL;
}

void iv__free(iv_home *home, void *block)
{
    if (!block)
        return;
    block_head head = *head_of(block);
    count_bytes(home, 0 - head.bytes); /* unsigned: it wraps */
    if (home->allocate)
        home->allocate(home->user, head.raw, 0);
    else
        free(head.raw);
}
