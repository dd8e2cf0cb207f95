/* threads.h: a small pool owned by the home; a job is a number of chunks.
 *
 * Which thread runs a chunk is not determined, so a chunk owns what it writes. Chunks are handed
 * out in rising order: chunk k may wait for an earlier one (ordered tasks) without deadlock.
 * Waiting threads spin for some microseconds, then sleep: what is waited for may need their
 * processor. A call from within a chunk runs its chunks in the calling thread. */
#ifndef IV_BASE_THREADS_H
#define IV_BASE_THREADS_H

#include <ivory/base.h>

#include <stdatomic.h>

enum { IV__MOST_THREADS = 256 }; /* of a home */

/* thread: 0 .. iv_home_threads(home) - 1, for scratch per thread. */
typedef void iv__chunk(void *context, int64_t chunk, int thread);

/* The pool itself: made and freed by the home. */
typedef struct iv__pool iv__pool;
iv__pool *iv__pool_new(iv_home *home, int threads); /* threads >= 2, the caller's included */
void iv__pool_free(iv__pool *pool);
iv__pool *iv__home_pool(iv_home *home); /* NULL when the home has one thread */

void iv__parallel(iv_home *home, int64_t chunks, iv__chunk *work, void *context);

/* The same, for chunks that read the same memory at every call with as many of them: a thread takes
 * those that it is likely to have in its own cache, its share of them, from the first to the last
 * or `backwards`. Callers change between the two, so that what was read last is read first the next
 * time. A thread without chunks takes those that another would come to last. No chunk waits for
 * another; fewer than 2^31. */
void iv__parallel_again(iv_home *home, int64_t chunks, bool backwards, iv__chunk *work, void *context);

/* Ordered tasks in place of barriers: chunks whose outputs each have one owner; who needs them
 * awaits a count of those that are done. A chunk awaits only what earlier chunks of its job
 * signal. What was written before a signal is seen after the await that it lets go on. */
void iv__await(iv_home *home, const _Atomic int32_t *done, int32_t at_least);
void iv__signal(iv_home *home, _Atomic int32_t *done); /* one more is done */

/* Something to be ready later, done beside the jobs by a worker that has no chunk to take; at the
 * latest by who ends it. No thread of its own: that would take a processor from a job. `work` uses
 * neither the home nor its memory. */
typedef struct iv__aside {
    void (*work)(void *context);
    void *context;
    bool offered; /* to the workers */
    _Atomic int32_t done;
} iv__aside;
void iv__aside_begin(iv_home *home, iv__aside *aside);
void iv__aside_end(iv_home *home, iv__aside *aside); /* what it did is seen afterwards */

/* Part `chunk` of `chunks` nearly equal parts of [0,n): its first element; ends where chunk + 1
 * begins. */
static inline int64_t iv__part(int64_t n, int64_t chunk, int64_t chunks)
{
    return n / chunks * chunk + (n % chunks < chunk ? n % chunks : chunk);
}

#endif
