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
    struct share *share;  /* of each thread; where a job has them, nothing is `left` */
    _Atomic bool backwards;
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

/* Chunks [first,end) that nobody has taken yet: end in the high half. Each has a cache line. */
enum { END_SHIFT = 32 };
struct share {
    _Alignas(64) _Atomic uint64_t chunks;
};

/* The pool whose chunk this thread runs, and its index there. A call from within a chunk runs
 * serially; one for another home's pool does not. */
static _Thread_local const iv__pool *current_pool;
static _Thread_local int current_thread;

/* ---- waiting --------------------------------------------------------------------------------- */

/* Falling asleep and being woken costs 20 to 30 microseconds. Who spins so long loses at most about
 * twice as much again, and is still awake when another has done alone what lies between two jobs: in
 * a sampler some 30 microseconds. Where the processor is shared, no more than that is taken from who
 * needs it. */
enum { SPIN_NANOSECONDS = 50000, TURNS_PER_LOOK = 16 };

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

static int64_t share_first(uint64_t share)
{
    return (uint32_t)share;
}

static int64_t share_end(uint64_t share)
{
    return (int64_t)(share >> END_SHIFT);
}

static uint64_t share_of(int64_t first, int64_t end)
{
    return (uint64_t)end << END_SHIFT | (uint64_t)first;
}

/* Takes one of a thread's share: the first, or the last. */
static bool take_of_share(struct share *share, bool last, int64_t *chunk)
{
    uint64_t now = atomic_load(&share->chunks);

    while (share_first(now) < share_end(now)) {
        int64_t first = share_first(now), end = share_end(now);
        if (atomic_compare_exchange_weak(&share->chunks, &now,
                                         last ? share_of(first, end - 1) : share_of(first + 1, end))) {
            *chunk = last ? end - 1 : first;
            return true;
        }
    }
    return false;
}

static int64_t left_of_share(struct share *share)
{
    uint64_t now = atomic_load(&share->chunks);

    return share_end(now) - share_first(now);
}

/* One's own first; then of who has most left, from the end that it would come to last. */
static bool take_shared(iv__pool *pool, int thread, int64_t *chunk)
{
    bool backwards = atomic_load(&pool->backwards);

    if (take_of_share(&pool->share[thread], backwards, chunk))
        return true;
    for (;;) {
        int64_t most = 0;
        int other = thread;
        for (int i = 0; i <= pool->workers; i++) {
            int64_t left = left_of_share(&pool->share[i]);
            if (left > most) {
                most = left;
                other = i;
            }
        }
        if (!most)
            return false;
        if (take_of_share(&pool->share[other], !backwards, chunk))
            return true;
    }
}

/* Takes a chunk of the job that now is; false: it has none left. */
static bool take_chunk(iv__pool *pool, int thread, int64_t *chunk)
{
    int64_t left = atomic_load(&pool->left);

    while (left > 0)
        if (atomic_compare_exchange_weak(&pool->left, &left, left - 1)) {
            *chunk = pool->chunks - left;
            return true;
        }
    return take_shared(pool, thread, chunk);
}

static void work_on(iv__pool *pool, int thread)
{
    int64_t mine = 0, chunks = 0, chunk;
    const iv__pool *around = current_pool;
    int around_thread = current_thread;

    current_pool = pool;
    current_thread = thread;
    for (; take_chunk(pool, thread, &chunk); mine++) {
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
    pool->share = iv__alloc_array(home, threads, sizeof *pool->share);
    if (!pool->thread || !pool->self || !pool->share) {
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
    iv__free(pool->home, pool->share);
    iv__free(pool->home, pool->self);
    iv__free(pool->home, pool->thread);
    iv__free(pool->home, pool);
}

/* Runs a job in the calling thread if it is to stay there. */
static bool ran_alone(iv__pool *pool, int64_t chunks, bool backwards, iv__chunk *work, void *context)
{
    if (pool && chunks >= 2 && current_pool != pool)
        return false;
    int thread = pool && current_pool == pool ? current_thread : 0;
    for (int64_t k = 0; k < chunks; k++)
        work(context, backwards ? chunks - 1 - k : k, thread);
    return true;
}

static void set_job(iv__pool *pool, int64_t chunks, iv__chunk *work, void *context)
{
    pool->work = work;
    pool->context = context;
    pool->chunks = chunks;
    atomic_store(&pool->done, 0);
}

/* When its chunks can be taken. */
static void run_job(iv__pool *pool)
{
    atomic_fetch_add(&pool->job, 1);
    if (atomic_load(&pool->idle)) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->mutex);
    }
    work_on(pool, 0);
    wait_until_done(pool);
}

void iv__parallel(iv_home *home, int64_t chunks, iv__chunk *work, void *context)
{
    iv__pool *pool = iv__home_pool(home);

    if (ran_alone(pool, chunks, false, work, context))
        return;
    set_job(pool, chunks, work, context);
    atomic_store(&pool->left, chunks);
    run_job(pool);
}

void iv__parallel_again(iv_home *home, int64_t chunks, bool backwards, iv__chunk *work, void *context)
{
    iv__pool *pool = iv__home_pool(home);

    if (ran_alone(pool, chunks, backwards, work, context))
        return;
    int64_t threads = pool->workers + 1;
    set_job(pool, chunks, work, context);
    atomic_store(&pool->backwards, backwards);
    for (int64_t i = 0; i < threads; i++)
        atomic_store(&pool->share[i].chunks,
                     share_of(iv__part(chunks, i, threads), iv__part(chunks, i + 1, threads)));
    run_job(pool);
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
