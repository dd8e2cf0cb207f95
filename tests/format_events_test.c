/* format_events_test.c: TensorBoard event files: their bytes, cutting them to a step, damage. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include "format/crc32c.h"
#include "format/events.h"

static const iv__event_value losses[] = { { "loss/training", 2.5f }, { "rate", 1e-3f } };

static void castagnoli(void **state)
{
    static const unsigned char zeros[32];

    (void)state;
    assert_int_equal(iv__crc32c("", 0), 0);
    assert_int_equal(iv__crc32c("123456789", 9), 0xe3069283); /* the check value of the CRC catalogue */
    assert_int_equal(iv__crc32c(zeros, 32), 0x8a9136aa);      /* RFC 3720, B.4 */
}

/* Byte for byte as the class EventFileWriter of TensorBoard writes these records. */
static void bytes_as_tensorboard_writes_them(void **state)
{
    static const unsigned char expected[] = {
#include "golden/events.inc"
    };
    world *w = *state;
    const char *path = in_folder(w, "events.golden");
    size_t size;

    iv__events *events = iv__events_open(w->home, path, 1700000000.25);
    assert_non_null(events);
    assert_int_equal(iv__events_add(events, 1700000001.5, 300, 2, losses), IV_OK);
    assert_int_equal(iv__events_close(events), IV_OK);
    unsigned char *bytes = read_bytes(path, &size);
    assert_int_equal(size, sizeof expected);
    assert_memory_equal(bytes, expected, size);
    free(bytes);
}

/* A file with the version and steps 1 .. n. */
static const char *write_steps(world *w, const char *name, int64_t from, int64_t to)
{
    const char *path = in_folder(w, name);
    iv__events *events = iv__events_open(w->home, path, 1);

    assert_non_null(events);
    for (int64_t step = from; step <= to; step++)
        assert_int_equal(iv__events_add(events, (double)step, step, 1, losses), IV_OK);
    assert_int_equal(iv__events_close(events), IV_OK);
    return path;
}

/* The steps of all sound records, and the bytes they take. */
static int64_t read_steps(const char *path, int64_t *steps, int64_t room, size_t *taken)
{
    size_t size, record;
    unsigned char *bytes = read_bytes(path, &size);
    int64_t n = 0, step;
    bool sound;

    *taken = 0;
    while ((record = iv__events_record(bytes + *taken, size - *taken, &step, &sound)) > 0) {
        if (sound && n < room)
            steps[n++] = step;
        *taken += record;
    }
    free(bytes);
    return n;
}

static void records_are_appended(void **state)
{
    world *w = *state;
    const char *path = write_steps(w, "appended", 1, 3);
    int64_t steps[16];
    size_t taken;

    write_steps(w, "appended", 4, 5);
    assert_int_equal(read_steps(path, steps, 16, &taken), 6);
    for (int64_t i = 0; i < 6; i++)
        assert_int_equal(steps[i], i); /* the version stands at step 0 */
}

static void flushing_reaches_the_file(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "flushed");
    iv__events *events = iv__events_open(w->home, path, 1);
    int64_t steps[4];
    size_t taken;

    iv__events_add(events, 1, 1, 1, losses);
    assert_int_equal(read_steps(path, steps, 4, &taken), 1);
    assert_int_equal(iv__events_flush(events), IV_OK);
    assert_int_equal(read_steps(path, steps, 4, &taken), 2);
    iv__events_close(events);
}

static void cutting_gives_the_file_as_it_was(void **state)
{
    world *w = *state;
    const char *path = write_steps(w, "long", 1, 9), *shorter = write_steps(w, "shorter", 1, 4);
    size_t size, expected_size;

    assert_int_equal(iv__events_cut(w->home, path, 4), IV_OK);
    unsigned char *bytes = read_bytes(path, &size), *expected = read_bytes(shorter, &expected_size);
    assert_int_equal(size, expected_size);
    assert_memory_equal(bytes, expected, size);
    free(bytes);
    free(expected);

    assert_int_equal(iv__events_cut(w->home, path, 100), IV_OK);
    free(read_bytes(path, &size));
    assert_int_equal(size, expected_size);
    assert_int_equal(iv__events_cut(w->home, in_folder(w, "absent"), 4), IV_OK);
    assert_false(iv__file_exists(in_folder(w, "absent")));
}

/* After any cut of its bytes and a cut to its steps, a file can be appended to, and reads as if
 * nothing had been. */
static void damaged_tails_are_dropped(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "tail");
    size_t size, taken;
    unsigned char *bytes = read_bytes(write_steps(w, "whole", 1, 3), &size);
    int64_t steps[8];

    for (size_t left = 0; left <= size; left++) {
        write_bytes(path, bytes, left);
        assert_int_equal(iv__events_cut(w->home, path, 3), IV_OK);
        int64_t n = read_steps(path, steps, 8, &taken);
        write_steps(w, "tail", 4, 4);
        int64_t more = read_steps(path, steps, 8, &taken);
        assert_int_equal(more, n > 0 ? n + 1 : 2);
        assert_int_equal(steps[more - 1], 4);
    }
    free(bytes);
}

/* A changed byte costs its record, or with a changed length all that follow; it never gives a
 * wrong record. */
static void changed_bytes_never_give_records(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "changed");
    size_t size, taken;
    unsigned char *bytes = read_bytes(write_steps(w, "sound", 1, 3), &size);
    int64_t steps[8];

    for (size_t at = 0; at < size; at++) {
        bytes[at] ^= 0x10;
        write_bytes(path, bytes, size);
        bytes[at] ^= 0x10;
        assert_int_equal(iv__events_cut(w->home, path, 3), IV_OK);
        int64_t n = read_steps(path, steps, 8, &taken);
        assert_in_range(n, 0, 3);
        for (int64_t i = 1; i < n; i++)
            assert_true(steps[i] > steps[i - 1] && steps[i] <= 3);
    }
    free(bytes);
}

static void what_cannot_be_written(void **state)
{
    world *w = *state;

    assert_null(iv__events_open(w->home, in_folder(w, "no/folder"), 1));
    assert_int_equal(iv_home_status(w->home), IV_IO);
    assert_message(w->home, "no/folder: cannot be opened for writing: No such file or directory");
    if (access("/dev/full", W_OK) == 0) {
        iv__events *events = iv__events_open(w->home, "/dev/full", 1);
        assert_null(events);
        assert_message(w->home, "/dev/full: cannot be written: No space left on device");
    }
}

static bool write_some(iv_home *home, void *context)
{
    iv__events *events = iv__events_open(home, context, 1);
    bool good = events && iv__events_add(events, 1, 1, 2, losses) == IV_OK;

    if (iv__events_close(events))
        good = false;
    return good && iv__events_cut(home, context, 1) == IV_OK;
}

static void no_memory(void **state)
{
    world *w = *state;
    char path[512];

    snprintf(path, sizeof path, "%s", in_folder(w, "scarce"));
    assert_survives_scarcity(write_some, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(castagnoli),
        cmocka_unit_test(bytes_as_tensorboard_writes_them),
        cmocka_unit_test(records_are_appended),
        cmocka_unit_test(flushing_reaches_the_file),
        cmocka_unit_test(cutting_gives_the_file_as_it_was),
        cmocka_unit_test(damaged_tails_are_dropped),
        cmocka_unit_test(changed_bytes_never_give_records),
        cmocka_unit_test(what_cannot_be_written),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
