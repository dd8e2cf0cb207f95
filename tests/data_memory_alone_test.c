/* data_memory_alone_test.c: the memory that a text's tokens take, mapped pages included, does not
 * grow with the text. */
#define _GNU_SOURCE
#include "file_world.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include "data/tokens.h"

enum { WORDS = 20000, SMALL = 1 << 20, LARGE = 16 << 20, MOST_MORE = 8 << 10 /* KiB */ };

/* Lines of some of so many words, the first ones more often; or of one word each. */
static void write_words(const char *path, size_t size, bool alone)
{
    FILE *file = fopen(path, "wb");
    uint64_t x = 1;

    assert_non_null(file);
    for (size_t written = 0; written < size;) {
        x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
        uint32_t a = (uint32_t)(x >> 40) % WORDS, word = a % (1 + (uint32_t)(x >> 33) % WORDS);
        int n = fprintf(file, "%c%c%x%c", 'a' + word % 26, 'a' + word / 26 % 26, word,
                        x >> 60 && !alone ? ' ' : '\n');
        written += (size_t)n;
    }
    assert_int_equal(fclose(file), 0);
}

/* Reads all tokens, or only the lengths of all records; returns how many tokens there are. */
static int64_t read_all(const iv__tokens *tokens, bool lengths)
{
    int64_t total = 0;
    int32_t ids[256];

    for (int64_t r = 0; r < iv__tokens_records(tokens); r++) {
        for (int64_t at = 0, n; !lengths && (n = iv__tokens_copy(tokens, r, at, 256, ids)) > 0; at += n)
            total += n;
        total += lengths ? iv__tokens_length(tokens, r) : 0;
    }
    return total;
}

/* Makes the tokens, opens them again and reads them; in a process of its own, whose highest use of
 * memory is returned, in KiB. */
static long peak_of(world *w, const char *text, iv__tokens_kind kind, bool lengths)
{
    struct rusage use;
    int status;
    pid_t child = fork();

    if (child == 0) {
        iv__tokens_options o = { .rules = { .kind = kind, .complete = kind >= IV__TOKENS_BYTES },
                                 .vocabulary = 8000,
                                 .cache = w->folder };
        for (int round = 0; round < 2; round++) {
            iv__tokens *tokens = iv__tokens_open(w->home, &iv__dataset_text, text, &o);
            if (!tokens || iv__tokens_reused(tokens) != (round == 1))
                _exit(1);
            if (read_all(tokens, lengths) != iv__tokens_total(tokens))
                _exit(2);
            iv__tokens_free(tokens);
        }
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(wait4(child, &status, 0, &use), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return use.ru_maxrss;
}

static void memory_does_not_grow_with_the_text(void **state)
{
    world *w = *state;
    const char *sanitizer = getenv("IVORY_SANITIZE"), *small = in_folder(w, "small"),
               *large = in_folder(w, "large");

    if (sanitizer && *sanitizer)
        skip(); /* a sanitizer's own memory grows with what it watches */
    write_words(small, SMALL, false);
    write_words(large, LARGE, false);
    for (iv__tokens_kind kind = IV__TOKENS_WORDS; kind <= IV__TOKENS_BPE; kind++) {
        long less = peak_of(w, small, kind, false), more = peak_of(w, large, kind, false);
        if (more - less > MOST_MORE)
            fail_msg("tokens of kind %d: %ld KiB for %d MiB of text, %ld KiB for %d MiB", (int)kind,
                     less, SMALL >> 20, more, LARGE >> 20);
    }
}

/* Where they begin takes eight bytes a line in the file: more than memory may grow. */
static void memory_does_not_grow_with_the_lines(void **state)
{
    world *w = *state;
    const char *sanitizer = getenv("IVORY_SANITIZE"), *small = in_folder(w, "few"),
               *large = in_folder(w, "many");

    if (sanitizer && *sanitizer)
        skip(); /* a sanitizer's own memory grows with what it watches */
    write_words(small, SMALL, true);
    write_words(large, LARGE, true);
    long less = peak_of(w, small, IV__TOKENS_CHARS, true),
         more = peak_of(w, large, IV__TOKENS_CHARS, true);
    if (more - less > MOST_MORE)
        fail_msg("%ld KiB for %d MiB of words, a line each, %ld KiB for %d MiB", less, SMALL >> 20,
                 more, LARGE >> 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_does_not_grow_with_the_text),
        cmocka_unit_test(memory_does_not_grow_with_the_lines),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
