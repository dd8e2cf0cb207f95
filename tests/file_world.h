/* file_world.h: what tests of readers and writers share: a folder of their own, whole files, a
 * home whose memory runs out. */
#ifndef IVORY_TESTS_FILE_WORLD_H
#define IVORY_TESTS_FILE_WORLD_H

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/home.h"
#include "scarce.h"

typedef struct world {
    iv_home *home;
    char folder[256];
    char path[8][512]; /* of the last calls of in_folder */
    int next_path;
} world;

static inline int world_begin(void **state)
{
    static world w;
    const char *root = getenv("TMPDIR");

    w = (world){ .home = iv_home_new(
                     &(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 }) };
    snprintf(w.folder, sizeof w.folder, "%s/ivory-test-XXXXXX", root && *root ? root : P_tmpdir);
    *state = &w;
    return w.home && mkdtemp(w.folder) ? 0 : -1;
}

static inline int world_remove(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline int world_end(void **state)
{
    world *w = *state;

    nftw(w->folder, world_remove, 8, FTW_DEPTH | FTW_PHYS);
    iv_home_free(w->home);
    return 0;
}

static inline const char *in_folder(world *w, const char *name)
{
    char *path = w->path[w->next_path++ % 8];

    snprintf(path, sizeof w->path[0], "%s/%s", w->folder, name);
    return path;
}

static inline void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline void write_text(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

/* All bytes of a file, to be freed by free(). */
static inline unsigned char *read_bytes(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes;

    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

/* The home's message holds the text; says both when not. */
static inline void assert_message(iv_home *home, const char *text)
{
    if (!strstr(iv_home_message(home), text))
        fail_msg("expected a message with\n  %s\ncame\n  %s", text, iv_home_message(home));
}

/* ---- memory that runs out -------------------------------------------------------------------- */

/* Runs the work with 1, 2, 3 ... allocations, the home's own among them, until it succeeds: it must fail
 * with NOMEM before, and never leak. */
static inline void assert_survives_scarcity(bool (*work)(iv_home *home, void *context), void *context)
{
    for (int64_t allowed = 1;; allowed++) {
        scarce s = { .left = allowed };
        iv_home *home = scarce_home(&s);
        assert_non_null(home);
        bool done = work(home, context);
        iv_status status = iv_home_status(home);
        iv_home_free(home);
        if (s.alive != 0)
            fail_msg("%lld blocks were left with %lld allocations", (long long)s.alive,
                     (long long)allowed);
        if (done)
            return;
        assert_int_equal(status, IV_NOMEM);
        assert_true(allowed < 10000);
    }
}

#endif
