/* threads.c: the pool: workers that spin shortly, then sleep, and take chunks of one job at a
 * time. */
#include "base/threads.h"
#include "base/home.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

struct iv__pool {
    iv_home *home;
    int workers;
    pthread_t *thread;
    struct worker *self;

    iv__chunk *work;
    void *context;
    int64_t chunks;
    _Atomic int64_t next, done;
    _Atomic uint64_t job; /* counts jobs */
    _Atomic int open;     /* chunks may be taken */
    _Atomic int inside;   /* workers that may touch the fields above */
    _Atomic int stop;

    pthread_mutex_t mutex;
    pthread_cond_t wake, finished;
    int sleeping;       /* workers, under the mutex */
    bool caller_sleeps; /* under the mutex */
};

struct worker {
    iv__pool *pool;
    int index;
};

/* The pool whose chunk this thread runs, and its index there. A call from within a chunk runs
 * serially; one for another home's pool does not. */
static _Thread_local const iv__pool *current_pool;
static _Thread_local int current_thread;

enum { SPINS = 2000 };

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    sched_yield();
#endif
}

static void take_chunks(iv__pool *pool, int thread)
{
    int64_t n = pool->chunks, mine = 0;
    const iv__pool *around = current_pool;
    int around_thread = current_thread;

    current_pool = pool;
    current_thread = thread;
    for (int64_t k; (k = atomic_fetch_add(&pool->next, 1)) < n; mine++)
        pool->work(pool->context, k, thread);
    current_pool = around;
    current_thread = around_thread;
    if (mine && atomic_fetch_add(&pool->done, mine) + mine == n) {
        pthread_mutex_lock(&pool->mutex);
        if (pool->caller_sleeps)
            pthread_cond_signal(&pool->finished);
        pthread_mutex_unlock(&pool->mutex);
    }
}

static void wait_for_job(iv__pool *pool, uint64_t seen)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load(&pool->job) != seen || atomic_load(&pool->stop))
            return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    pool->sleeping++;
    while (atomic_load(&pool->job) == seen && !atomic_load(&pool->stop))
        pthread_cond_wait(&pool->wake, &pool->mutex);
    pool->sleeping--;
    pthread_mutex_unlock(&pool->mutex);
}

static void *worker_main(void *argument)
{
    struct worker *self = argument;
    iv__pool *pool = self->pool;
    uint64_t seen = 0;

    for (;;) {
        wait_for_job(pool, seen);
        if (atomic_load(&pool->stop))
            return NULL;
        seen = atomic_load(&pool->job);
        /* before the look at `open`: the caller closes, then waits for 0 */
        atomic_fetch_add(&pool->inside, 1);
        if (atomic_load(&pool->open))
            take_chunks(pool, self->index);
        atomic_fetch_sub(&pool->inside, 1);
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
    pthread_cond_init(&pool->finished, NULL);
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
    pthread_cond_destroy(&pool->finished);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
    iv__free(pool->home, pool->self);
    iv__free(pool->home, pool->thread);
    iv__free(pool->home, pool);
}

static void wait_until_done(iv__pool *pool)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load(&pool->done) == pool->chunks)
            return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    pool->caller_sleeps = true;
    while (atomic_load(&pool->done) != pool->chunks)
        pthread_cond_wait(&pool->finished, &pool->mutex);
    pool->caller_sleeps = false;
    pthread_mutex_unlock(&pool->mutex);
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
    atomic_store(&pool->next, 0);
    atomic_store(&pool->open, 1);
    atomic_fetch_add(&pool->job, 1);
    pthread_mutex_lock(&pool->mutex);
    if (pool->sleeping)
        pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);

    take_chunks(pool, 0);
    wait_until_done(pool);
    atomic_store(&pool->open, 0);
    /* a worker that was put aside in there needs this processor */
    for (int i = 0; atomic_load(&pool->inside); i++) {
        if (i < SPINS)
            relax();
        else
            sched_yield();
    }
}
