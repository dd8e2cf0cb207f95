/* threads.c: the pool: workers that take chunks of one job at a time; and waiting: spin for some
 * microseconds, then sleep. */
#include "base/threads.h"
#include "base/home.h"

#include <pthread.h>
#include <time.h>

struct iv__pool {
    iv_home *home;
    int workers;
    pthread_t *thread;
    struct worker *self;

    /* The job; valid for who has taken one of its chunks, for it does not end before they do. */
    iv__chunk *work;
    void *context;
    int64_t chunks;
    _Atomic int64_t left; /* chunks that nobody has taken yet */
    _Atomic int64_t done;
    _Atomic uint64_t job; /* counts jobs */
    _Atomic(iv__aside *) aside;
    _Atomic int stop;

    pthread_mutex_t mutex;
    pthread_cond_t wake, progress;
    _Atomic int idle;     /* workers that sleep until there is a job */
    _Atomic int awaiting; /* threads that sleep until `done`, or a count of ordered tasks, rises */
};

struct worker {
    iv__pool *pool;
    int index;
};

/* The pool whose chunk this thread runs, and its index there. A call from within a chunk runs
 * serially; one for another home's pool does not. */
static _Thread_local const iv__pool *current_pool;
static _Thread_local int current_thread;

/* ---- waiting --------------------------------------------------------------------------------- */

/* About what falling asleep and being woken costs: who spins so long loses at most as much again,
 * and where the processor is shared, no more than that is taken from who needs it. */
enum { SPIN_NANOSECONDS = 20000, TURNS_PER_LOOK = 16 };

typedef struct spin {
    int turns;
    int64_t end; /* 0: the clock was not looked at yet */
} spin;

static int64_t nanoseconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* A short pause; false when it is time to sleep. */
static bool spin_on(spin *s)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
    if (++s->turns % TURNS_PER_LOOK)
        return true;
    int64_t now = nanoseconds_now();
    if (!s->end)
        s->end = now + SPIN_NANOSECONDS;
    return now < s->end;
}

/* Who changes what is waited for looks at `awaiting` afterwards; who waits looks at it again after
 * that is raised. So one of the two sees the other. */
static void wake_awaiting(iv__pool *pool)
{
    if (!atomic_load(&pool->awaiting))
        return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->progress);
    pthread_mutex_unlock(&pool->mutex);
}

void iv__await(iv_home *home, const _Atomic int32_t *done, int32_t at_least)
{
    spin s = { 0 };

    do
        if (atomic_load_explicit(done, memory_order_acquire) >= at_least)
            return;
    while (spin_on(&s));

    iv__pool *pool = iv__home_pool(home);
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->awaiting, 1);
    while (atomic_load(done) < at_least)
        pthread_cond_wait(&pool->progress, &pool->mutex);
    atomic_fetch_sub(&pool->awaiting, 1);
    pthread_mutex_unlock(&pool->mutex);
}

void iv__signal(iv_home *home, _Atomic int32_t *done)
{
    iv__pool *pool = iv__home_pool(home);

    atomic_fetch_add(done, 1);
    if (pool)
        wake_awaiting(pool);
}

static void wait_until_done(iv__pool *pool)
{
    spin s = { 0 };

    do
        if (atomic_load(&pool->done) == pool->chunks)
            return;
    while (spin_on(&s));

    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->awaiting, 1);
    while (atomic_load(&pool->done) != pool->chunks)
        pthread_cond_wait(&pool->progress, &pool->mutex);
    atomic_fetch_sub(&pool->awaiting, 1);
    pthread_mutex_unlock(&pool->mutex);
}

/* ---- the pool -------------------------------------------------------------------------------- */

/* Takes the next chunk of the job that now is; false: it has none left. */
static bool take_chunk(iv__pool *pool, int64_t *chunk)
{
    int64_t left = atomic_load(&pool->left);

    while (left > 0)
        if (atomic_compare_exchange_weak(&pool->left, &left, left - 1)) {
            *chunk = pool->chunks - left;
            return true;
        }
    return false;
}

static void work_on(iv__pool *pool, int thread)
{
    int64_t mine = 0, chunks = 0, chunk;
    const iv__pool *around = current_pool;
    int around_thread = current_thread;

    current_pool = pool;
    current_thread = thread;
    for (; take_chunk(pool, &chunk); mine++) {
        chunks = pool->chunks;
        pool->work(pool->context, chunk, thread);
    }
    current_pool = around;
    current_thread = around_thread;
    if (mine && atomic_fetch_add(&pool->done, mine) + mine == chunks)
        wake_awaiting(pool);
}

static void do_aside(iv__pool *pool, int thread)
{
    iv__aside *aside = atomic_load(&pool->aside);

    if (!aside || !(aside = atomic_exchange(&pool->aside, NULL)))
        return;
    current_pool = pool;
    current_thread = thread;
    aside->work(aside->context);
    current_pool = NULL;
    iv__signal(pool->home, &aside->done);
}

static void wait_for_job(iv__pool *pool, int thread, uint64_t seen)
{
    spin s = { 0 };

    do {
        if (atomic_load(&pool->job) != seen || atomic_load(&pool->stop))
            return;
        do_aside(pool, thread);
    } while (spin_on(&s));

    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->idle, 1);
    while (atomic_load(&pool->job) == seen && !atomic_load(&pool->stop))
        pthread_cond_wait(&pool->wake, &pool->mutex);
    atomic_fetch_sub(&pool->idle, 1);
    pthread_mutex_unlock(&pool->mutex);
}

static void *worker_main(void *argument)
{
    struct worker *self = argument;
    iv__pool *pool = self->pool;
    uint64_t seen = 0;

    for (;;) {
        wait_for_job(pool, self->index, seen);
        if (atomic_load(&pool->stop))
            return NULL;
        seen = atomic_load(&pool->job);
        work_on(pool, self->index);
    }
}

iv__pool *iv__pool_new(iv_home *home, int threads)
{
    iv__pool *pool = iv__alloc(home, sizeof *pool);
    if (!pool)
        return NULL;
    pool->home = home;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->progress, NULL);
    pool->thread = iv__alloc_array(home, threads - 1, sizeof *pool->thread);
    pool->self = iv__alloc_array(home, threads - 1, sizeof *pool->self);
    if (!pool->thread || !pool->self) {
        iv__pool_free(pool);
        return NULL;
    }
    /* A thread that cannot be started is done without: results do not depend on their number. */
    for (int i = 0; i < threads - 1; i++) {
        pool->self[i] = (struct worker){ pool, i + 1 };
        if (pthread_create(&pool->thread[i], NULL, worker_main, &pool->self[i]))
            break;
        pool->workers++;
    }
    return pool;
}

void iv__pool_free(iv__pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->stop, 1);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->workers; i++)
        pthread_join(pool->thread[i], NULL);
    pthread_cond_destroy(&pool->progress);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
    iv__free(pool->home, pool->self);
    iv__free(pool->home, pool->thread);
    iv__free(pool->home, pool);
}

void iv__parallel(iv_home *home, int64_t chunks, iv__chunk *work, void *context)
{
    iv__pool *pool = iv__home_pool(home);

    if (!pool || chunks < 2 || current_pool == pool) {
        int thread = pool && current_pool == pool ? current_thread : 0;
        for (int64_t k = 0; k < chunks; k++)
            work(context, k, thread);
        return;
    }
    pool->work = work;
    pool->context = context;
    pool->chunks = chunks;
    atomic_store(&pool->done, 0);
    atomic_store(&pool->left, chunks);
    atomic_fetch_add(&pool->job, 1);
    if (atomic_load(&pool->idle)) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->mutex);
    }
    work_on(pool, 0);
    wait_until_done(pool);
}

void iv__aside_begin(iv_home *home, iv__aside *aside)
{
    iv__pool *pool = iv__home_pool(home);
    iv__aside *none = NULL;

    atomic_init(&aside->done, 0);
    aside->offered = pool && atomic_compare_exchange_strong(&pool->aside, &none, aside);
}

void iv__aside_end(iv_home *home, iv__aside *aside)
{
    iv__aside *still = aside;

    if (aside->offered && !atomic_compare_exchange_strong(&iv__home_pool(home)->aside, &still, NULL))
        iv__await(home, &aside->done, 1); /* a worker has taken it */
    else
        aside->work(aside->context);
}
