/* base_threads_test.c: the pool: every chunk once, in rising order, nested, many and small; shares
 * that threads keep; ordered chunks that wait for each other, asleep if it takes long; work aside;
 * homes beside homes. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/home.h"
#include "base/threads.h"

enum { MOST_CHUNKS = 1000, MOST_THREADS = 8 };

static iv_home *home_of(int threads)
{
    return iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = threads });
}

typedef struct job {
    iv_home *home;
    int threads;
    _Atomic int times[MOST_CHUNKS];
    _Atomic int64_t handed_out; /* chunks begun so far */
    _Atomic int wrong;          /* cmocka may be called from the main thread alone */
} job;

static void count(void *context, int64_t chunk, int thread)
{
    job *j = context;

    j->times[chunk]++;
    j->wrong += thread < 0 || thread >= j->threads;
}

static void every_chunk_runs_once(void **state)
{
    static const int64_t sizes[] = { 0, 1, 2, 3, 7, 8, 9, 100, MOST_CHUNKS };

    (void)state;
    for (int threads = 1; threads <= MOST_THREADS; threads++) {
        iv_home *home = home_of(threads);
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            job j = { .home = home, .threads = threads };
            iv__parallel(home, sizes[s], count, &j);
            iv__parallel_again(home, sizes[s], s % 2, count, &j);
            for (int64_t c = 0; c < MOST_CHUNKS; c++)
                assert_int_equal(j.times[c], c < sizes[s] ? 2 : 0);
            assert_int_equal(j.wrong, 0);
        }
        iv_home_free(home);
    }
}

/* Chunk k waits until k - 1 is done: only rising order cannot stand still. */
static void take_turn(void *context, int64_t chunk, int thread)
{
    job *j = context;

    (void)thread;
    while (atomic_load(&j->handed_out) != chunk)
        sched_yield();
    atomic_store(&j->handed_out, chunk + 1);
}

static void ordered_chunks_do_not_stand_still(void **state)
{
    (void)state;
    for (int threads = 1; threads <= MOST_THREADS; threads++) {
        iv_home *home = home_of(threads);
        for (int round = 0; round < 20; round++) {
            job j = { .home = home };
            iv__parallel(home, 50, take_turn, &j);
            assert_int_equal(j.handed_out, 50);
        }
        iv_home_free(home);
    }
}

/* Chunks that fail all at once, each with a letter of its own. */
static void fail_often(void *context, int64_t chunk, int thread)
{
    char letters[400];

    (void)thread;
    memset(letters, 'a' + (int)chunk, sizeof letters - 1);
    letters[sizeof letters - 1] = 0;
    for (int i = 0; i < 3000; i++)
        iv_fail(context, IV_VALUE, "%s", letters);
}

static void one_message_of_many(void **state)
{
    (void)state;
    iv_home *home = home_of(4);

    for (int round = 0; round < 10; round++) {
        iv__parallel(home, 4, fail_often, home);
        const char *message = iv_home_message(home);
        assert_int_equal(strlen(message), 399);
        assert_int_equal(strspn(message, (char[]){ message[0], 0 }), 399);
    }
    iv_home_free(home);
}

/* A job's results are seen by the caller, and the next job by its workers: each adds to plain
 * memory. */
typedef struct sum {
    int64_t part[16];
    int64_t round;
} sum;

static void add_round(void *context, int64_t chunk, int thread)
{
    sum *s = context;

    (void)thread;
    s->part[chunk] += s->round;
}

static void many_small_jobs_lose_nothing(void **state)
{
    (void)state;
    for (int threads = 2; threads <= MOST_THREADS; threads += 3) {
        iv_home *home = home_of(threads);
        sum s = { .round = 0 };
        int64_t expected = 0;
        for (s.round = 0; s.round < 5000; s.round++) {
            if (s.round % 3)
                iv__parallel(home, 2 + s.round % 15, add_round, &s);
            else
                iv__parallel_again(home, 2 + s.round % 15, s.round % 2, add_round, &s);
            expected += s.round * (2 + s.round % 15);
        }
        for (int c = 0; c < 16; c++)
            expected -= s.part[c];
        assert_int_equal(expected, 0);
        iv_home_free(home);
    }
}

/* Who runs which chunk of a job that reads the same again. Nobody goes on before both threads have
 * begun; then the second stands still until the first has done all others. */
enum { SHARED = 10 };

typedef struct shared {
    iv_home *home;
    _Atomic int32_t begun, done;
    int n, order[SHARED]; /* the first thread's chunks */
    int of_second;
} shared;

static void take_share(void *context, int64_t chunk, int thread)
{
    shared *s = context;

    if (thread == 0)
        s->order[s->n++] = (int)chunk;
    else
        s->of_second = (int)chunk;
    iv__signal(s->home, &s->begun);
    iv__await(s->home, &s->begun, 2);
    if (thread == 1)
        iv__await(s->home, &s->done, SHARED - 1);
    iv__signal(s->home, &s->done);
}

static void threads_keep_to_their_shares(void **state)
{
    static const int forwards[] = { 0, 1, 2, 3, 4, 9, 8, 7, 6 },
                     back[] = { 4, 3, 2, 1, 0, 5, 6, 7, 8 };

    (void)state;
    iv_home *home = home_of(2);
    for (int round = 0; round < 50; round++) {
        shared s = { .home = home };
        iv__parallel_again(home, SHARED, round % 2, take_share, &s);
        assert_int_equal(s.of_second, round % 2 ? 9 : 5);
        assert_int_equal(s.n, SHARED - 1);
        assert_memory_equal(s.order, round % 2 ? back : forwards, sizeof forwards);
    }
    iv_home_free(home);
}

/* Ordered tasks: a chunk of line i adds to the cell what the line before has left there. Some are
 * slow enough for those who wait to fall asleep. */
enum { LINES = 6, CELLS = 40 };

typedef struct ordered {
    iv_home *home;
    bool slow;
    int64_t cell[CELLS];
    _Atomic int32_t done[LINES][CELLS];
} ordered;

static void add_line(void *context, int64_t chunk, int thread)
{
    ordered *o = context;
    int64_t line = chunk / CELLS, cell = chunk % CELLS;
    struct timespec nap = { 0, 300000 };

    (void)thread;
    if (line)
        iv__await(o->home, &o->done[line - 1][cell], 1);
    if (line && cell)
        iv__await(o->home, &o->done[line - 1][cell - 1], 1);
    if (o->slow && (cell + line) % 8 == 0)
        nanosleep(&nap, NULL);
    o->cell[cell] = 3 * o->cell[cell] + line + 1;
    iv__signal(o->home, &o->done[line][cell]);
}

static void ordered_tasks_see_what_they_await(void **state)
{
    int64_t expected = 0;

    (void)state;
    for (int line = 0; line < LINES; line++)
        expected = 3 * expected + line + 1;
    for (int threads = 1; threads <= MOST_THREADS; threads++) {
        iv_home *home = home_of(threads);
        for (int round = 0; round < 20; round++) {
            ordered o = { .home = home, .slow = round % 5 == 0 };
            iv__parallel(home, (int64_t)LINES * CELLS, add_line, &o);
            for (int c = 0; c < CELLS; c++)
                assert_int_equal(o.cell[c], expected);
        }
        iv_home_free(home);
    }
}

/* Threads that wait for one slow chunk leave the processors alone. */
typedef struct slow {
    iv_home *home;
    _Atomic int32_t done;
} slow;

static void sleep_or_await(void *context, int64_t chunk, int thread)
{
    slow *s = context;
    struct timespec nap = { 0, 400000000 };

    (void)thread;
    if (chunk)
        iv__await(s->home, &s->done, 1);
    else {
        nanosleep(&nap, NULL);
        iv__signal(s->home, &s->done);
    }
}

static double processor_seconds(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
}

static void waiting_threads_sleep(void **state)
{
    (void)state;
    /* 2 chunks: two threads find none; 8: every thread awaits */
    for (int64_t chunks = 2; chunks <= MOST_THREADS; chunks += 6) {
        iv_home *home = home_of(4);
        slow s = { .home = home };
        double before = processor_seconds();
        iv__parallel(home, chunks, sleep_or_await, &s);
        assert_true(processor_seconds() - before < 0.2); /* of 4 x 0.4 s */
        iv_home_free(home);
    }
}

/* What is done aside, by whoever: once, and seen by who ends it. */
typedef struct beside {
    iv__aside aside;
    int64_t plain;
    bool by_worker;
    pthread_t caller;
} beside;

static void work_aside(void *context)
{
    beside *b = context;

    b->plain++;
    b->by_worker = !pthread_equal(pthread_self(), b->caller);
}

static void nothing(void *context, int64_t chunk, int thread)
{
    (void)context;
    (void)chunk;
    (void)thread;
}

static void what_is_done_aside_is_done_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        iv_home *home = home_of(threads);
        beside b[2] = { 0 }; /* a second may begin before the first ends */
        for (int i = 0; i < 2; i++) {
            b[i].aside = (iv__aside){ .work = work_aside, .context = &b[i] };
            b[i].caller = pthread_self();
        }
        for (int round = 1; round <= 2000; round++) {
            iv__aside_begin(home, &b[0].aside);
            iv__aside_begin(home, &b[1].aside);
            if (round % 2)
                iv__parallel(home, 4, nothing, NULL);
            iv__aside_end(home, &b[round % 3 == 0].aside);
            iv__aside_end(home, &b[round % 3 != 0].aside);
            assert_int_equal(b[0].plain, round);
            assert_int_equal(b[1].plain, round);
        }
        iv_home_free(home);
    }
}

static void a_worker_does_what_is_aside_while_the_caller_is_busy(void **state)
{
    iv_home *home = home_of(2);
    beside b = { .caller = pthread_self() };

    (void)state;
    b.aside = (iv__aside){ .work = work_aside, .context = &b };
    iv__aside_begin(home, &b.aside);
    for (int64_t tries = 0; !atomic_load(&b.aside.done) && tries < 1000000; tries++) {
        iv__parallel(home, 2, nothing, NULL); /* wakes the worker */
        sched_yield();
    }
    assert_int_equal(atomic_load(&b.aside.done), 1);
    iv__aside_end(home, &b.aside);
    assert_true(b.by_worker);
    assert_int_equal(b.plain, 1);
    iv_home_free(home);
}

/* Workers that have gone to sleep are woken. */
static void sleeping_workers_wake(void **state)
{
    iv_home *home = home_of(3);
    struct timespec nap = { 0, 3000000 };

    (void)state;
    for (int round = 0; round < 20; round++) {
        job j = { .home = home, .threads = 3 };
        nanosleep(&nap, NULL);
        iv__parallel(home, 3, count, &j);
        assert_int_equal(j.times[0] + j.times[1] + j.times[2], 3);
    }
    iv_home_free(home);
}

typedef struct nest {
    iv_home *home, *other;
    int threads, other_threads;
    _Atomic int inner, wrong;
} nest;

typedef struct inner {
    nest *nest;
    int thread; /* of the chunk around; -1: another home's chunks have threads of their own */
    int64_t next;
} inner;

static void count_inner(void *context, int64_t chunk, int thread)
{
    inner *in = context;

    in->nest->inner++;
    if (in->thread < 0)
        in->nest->wrong += thread < 0 || thread >= in->nest->other_threads;
    else
        in->nest->wrong += thread != in->thread || chunk != in->next++; /* serial, in this thread */
}

static void run_inner(void *context, int64_t chunk, int thread)
{
    nest *n = context;
    inner in = { n, thread, 0 };

    (void)chunk;
    iv__parallel(n->home, 5, count_inner, &in);
}

static void calls_within_chunks_run_where_they_are(void **state)
{
    (void)state;
    for (int threads = 1; threads <= MOST_THREADS; threads++) {
        iv_home *home = home_of(threads);
        nest n = { .home = home, .threads = threads };
        iv__parallel(home, 40, run_inner, &n);
        assert_int_equal(n.inner, 200);
        assert_int_equal(n.wrong, 0);
        iv_home_free(home);
    }
}

/* A chunk may use a home of its own: its thread numbers fit that home's scratch. */
static void run_other(void *context, int64_t chunk, int thread)
{
    nest *n = context;
    iv_home *own = home_of(n->other_threads);
    inner in = { n, -1, 0 }, back = { n, thread, 0 };

    (void)chunk;
    iv__parallel(own, 5, count_inner, &in);
    iv_home_free(own);
    iv__parallel(n->home, 3, count_inner, &back); /* and is still in its first job afterwards */
}

static void homes_do_not_mix(void **state)
{
    (void)state;
    for (int other = 1; other <= 2; other++) {
        iv_home *home = home_of(4);
        nest n = { .home = home, .threads = 4, .other_threads = other };
        iv__parallel(home, 12, run_other, &n);
        assert_int_equal(n.inner, 12 * 8);
        assert_int_equal(n.wrong, 0);
        iv_home_free(home);
    }
}

static void parts_cover_the_whole(void **state)
{
    (void)state;
    for (int64_t n = 0; n < 40; n++)
        for (int64_t chunks = 1; chunks < 12; chunks++) {
            assert_int_equal(iv__part(n, 0, chunks), 0);
            assert_int_equal(iv__part(n, chunks, chunks), n);
            for (int64_t c = 0; c < chunks; c++) {
                int64_t size = iv__part(n, c + 1, chunks) - iv__part(n, c, chunks);
                assert_in_range(size, n / chunks, (n + chunks - 1) / chunks);
            }
        }
    assert_true(iv__part(INT64_MAX, 16, 16) == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chunk_runs_once),
        cmocka_unit_test(ordered_chunks_do_not_stand_still),
        cmocka_unit_test(many_small_jobs_lose_nothing),
        cmocka_unit_test(threads_keep_to_their_shares),
        cmocka_unit_test(ordered_tasks_see_what_they_await),
        cmocka_unit_test(waiting_threads_sleep),
        cmocka_unit_test(what_is_done_aside_is_done_once),
        cmocka_unit_test(a_worker_does_what_is_aside_while_the_caller_is_busy),
        cmocka_unit_test(sleeping_workers_wake),
        cmocka_unit_test(calls_within_chunks_run_where_they_are),
        cmocka_unit_test(one_message_of_many),
        cmocka_unit_test(homes_do_not_mix),
        cmocka_unit_test(parts_cover_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
