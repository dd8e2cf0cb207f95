/* data_tokens_test.c: tokenized sets and their cache: reused, made anew when damaged, kept
 * elsewhere when it must be. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include <dirent.h>
#include <zlib.h>

#include "data/tokens.h"

static const char fables[] = "the fox saw the grapes\n\nthe crow sat, and sang\n\n\nsour!\n\nthe end\n";

static iv__tokens *open_text(world *w, const char *path, const char *cache,
                             const iv__tokens_options *more)
{
    iv__tokens_options o = more ? *more : (iv__tokens_options){ .rules.kind = IV__TOKENS_WORDS };

    o.cache = cache;
    return iv__tokens_open(w->home, &iv__dataset_text, path, &o);
}

/* All records as text: "the fox / sour !". */
static void print_tokens(world *w, const iv__tokens *tokens, iv__text *out)
{
    int32_t ids[64];

    iv__text_clear(out);
    for (int64_t r = 0; r < iv__tokens_records(tokens); r++) {
        int64_t n = iv__tokens_copy(tokens, r, 0, 64, ids);
        assert_int_equal(n, iv__tokens_length(tokens, r));
        iv__text_put(out, r ? " / " : "");
        iv__decode(iv__tokens_vocabulary(tokens), ids, n, out);
    }
    assert_int_equal(iv_home_status(w->home), IV_OK);
}

/* The path of the only file in a folder. */
/* Beside notes of checksums. */
static const char *only_file(world *w, const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char name[300] = "";
    int n = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.' && !strstr(entry->d_name, ".sha256")) {
            snprintf(name, sizeof name, "%s", entry->d_name);
            n++;
        }
    closedir(dir);
    assert_int_equal(n, 1);
    char *path = w->path[w->next_path++ % 8];
    snprintf(path, sizeof w->path[0], "%.200s/%.200s", folder, name);
    return path;
}

static void a_text_becomes_tokens(void **state)
{
    world *w = *state;
    iv__text out = { .home = w->home };
    const char *path = in_folder(w, "a.txt"), *cache = in_folder(w, "cache-a");
    int32_t ids[8];

    iv_home_clear(w->home);
    write_text(path, fables);
    iv__tokens *tokens = open_text(w, path, cache, NULL);
    assert_non_null(tokens);
    assert_false(iv__tokens_reused(tokens));
    assert_string_equal(iv__tokens_note(tokens), "");
    assert_string_equal(iv__tokens_report(tokens), "4 records: 4 kept, 0 dropped");
    assert_int_equal(iv__tokens_records(tokens), 4);
    assert_int_equal(iv__tokens_total(tokens), 5 + 6 + 2 + 2);
    print_tokens(w, tokens, &out);
    assert_string_equal(out.data, "the fox saw the grapes / the crow sat , and sang / sour ! / the end");
    assert_int_equal(iv__tokens_copy(tokens, 1, 4, 8, ids), 2);
    assert_string_equal(iv__vocabulary_token(iv__tokens_vocabulary(tokens), ids[1]), "sang");
    assert_int_equal(iv__tokens_copy(tokens, 1, 2, 2, ids), 2);
    assert_int_equal(iv__tokens_copy(tokens, 1, 6, 2, ids), 0);
    assert_int_equal(iv__tokens_copy(tokens, 1, 60, 2, ids), 0);

    iv__tokens *again = open_text(w, path, cache, NULL);
    assert_non_null(again);
    assert_true(iv__tokens_reused(again));
    assert_string_equal(iv__tokens_content_sha256(again), iv__tokens_content_sha256(tokens));
    assert_string_equal(iv__tokens_report(again), "4 records: 4 kept, 0 dropped");
    print_tokens(w, again, &out);
    assert_string_equal(out.data, "the fox saw the grapes / the crow sat , and sang / sour ! / the end");
    iv__tokens_free(again);
    iv__tokens_free(tokens);
    iv__text_free(&out);
}

static void other_data_or_settings_are_another_file(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "b.txt"), *cache = in_folder(w, "cache-b");
    static const iv__tokens_options changes[] = {
        { .rules.kind = IV__TOKENS_WORDS },
        { .rules.kind = IV__TOKENS_CHARS },
        { .rules.kind = IV__TOKENS_WORDS, .vocabulary = 5 },
    };

    write_text(path, fables);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < 3; i++) {
            iv__tokens *tokens = open_text(w, path, cache, &changes[i]);
            assert_non_null(tokens);
            assert_int_equal(iv__tokens_reused(tokens), round);
            assert_int_equal(iv__vocabulary_rules(iv__tokens_vocabulary(tokens))->kind,
                             changes[i].rules.kind);
            if (changes[i].vocabulary)
                assert_int_equal(iv__vocabulary_count(iv__tokens_vocabulary(tokens)), 5);
            iv__tokens_free(tokens);
        }

    /* Defaults that are spelled out are the same settings. */
    iv__arena arena = { .home = w->home };
    void *own = iv__arena_get(&arena, iv__dataset_text.options_size);
    iv__fields_default(iv__dataset_text.fields, own);
    iv__tokens *tokens = open_text(w, path, cache,
                                   &(iv__tokens_options){ .set_options = own, .vocabulary = 10000 });
    assert_true(iv__tokens_reused(tokens));
    iv__tokens_free(tokens);
    assert_int_equal(iv__fields_set(w->home, &arena, iv__dataset_text.fields, own, "records=lines"),
                     IV_OK);
    tokens = open_text(w, path, cache, &(iv__tokens_options){ .set_options = own });
    assert_false(iv__tokens_reused(tokens));
    iv__tokens_free(tokens);
    iv__arena_free(&arena);

    write_text(path, "the fox\n\nanother text\n");
    tokens = open_text(w, path, cache, NULL);
    assert_false(iv__tokens_reused(tokens));
    assert_int_equal(iv__tokens_total(tokens), 4);
    iv__tokens_free(tokens);
}

static void plain_and_gzip_are_equal(void **state)
{
    world *w = *state;
    const char *plain = in_folder(w, "c.txt"), *packed = in_folder(w, "c.txt.gz"),
               *cache = in_folder(w, "cache-c");
    gzFile file = gzopen(packed, "wb");

    write_text(plain, fables);
    gzwrite(file, fables, sizeof fables - 1);
    gzclose(file);
    iv__tokens *a = open_text(w, plain, cache, NULL), *b = open_text(w, packed, cache, NULL);
    assert_non_null(a);
    assert_non_null(b);
    assert_string_equal(iv__tokens_content_sha256(a), iv__tokens_content_sha256(b));
    assert_string_not_equal(iv__tokens_source_sha256(a), iv__tokens_source_sha256(b));
    iv__tokens_free(a);
    iv__tokens_free(b);
}

static void every_damage_is_noticed(void **state)
{
    world *w = *state;
    char path[512], cache[512], kept[512], content[65];
    size_t size;

    snprintf(path, sizeof path, "%s", in_folder(w, "d.txt"));
    snprintf(cache, sizeof cache, "%s", in_folder(w, "cache-d"));
    write_text(path, fables);
    iv__tokens *tokens = open_text(w, path, cache, NULL);
    snprintf(content, sizeof content, "%s", iv__tokens_content_sha256(tokens));
    iv__tokens_free(tokens);
    snprintf(kept, sizeof kept, "%s", only_file(w, cache));
    unsigned char *bytes = read_bytes(kept, &size);

    for (size_t at = 0; at < size; at++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[at] ^= (unsigned char)(1 << bit);
            tokens = iv__tokens_read(w->home, "cache", bytes, size);
            bytes[at] ^= (unsigned char)(1 << bit);
            if (tokens)
                fail_msg("bit %d of byte %zu changed unnoticed", bit, at);
            assert_int_equal(iv_home_status(w->home), IV_FORMAT);
        }
    for (size_t cut = 0; cut < size; cut++)
        assert_null(iv__tokens_read(w->home, "cache", bytes, cut));

    for (size_t at = 0; at < size; at += 97) {
        bytes[at] ^= 0x55;
        write_bytes(kept, bytes, at % 2 ? size : size / 2);
        bytes[at] ^= 0x55;
        tokens = open_text(w, path, cache, NULL);
        assert_non_null(tokens);
        assert_false(iv__tokens_reused(tokens));
        assert_non_null(strstr(iv__tokens_note(tokens), "was damaged or foreign: it was made anew"));
        assert_string_equal(iv__tokens_content_sha256(tokens), content);
        iv__tokens_free(tokens);
        assert_string_equal(only_file(w, cache), kept);
        tokens = open_text(w, path, cache, NULL);
        assert_true(iv__tokens_reused(tokens));
        assert_string_equal(iv__tokens_note(tokens), "");
        iv__tokens_free(tokens);
    }
    free(bytes);
}

/* A sound file of other data under the right name. */
static void foreign_files_are_noticed(void **state)
{
    world *w = *state;
    char a[512], b[512], kept[512];
    size_t size;
    iv__text out = { .home = w->home };

    iv_home_clear(w->home);
    snprintf(a, sizeof a, "%s", in_folder(w, "cache-e"));
    snprintf(b, sizeof b, "%s", in_folder(w, "cache-f"));
    write_text(in_folder(w, "e.txt"), "one text");
    write_text(in_folder(w, "f.txt"), "another text");
    iv__tokens_free(open_text(w, in_folder(w, "e.txt"), a, NULL));
    iv__tokens_free(open_text(w, in_folder(w, "f.txt"), b, NULL));
    snprintf(kept, sizeof kept, "%s", only_file(w, a));
    unsigned char *bytes = read_bytes(only_file(w, b), &size);
    write_bytes(kept, bytes, size);
    free(bytes);

    iv__tokens *tokens = open_text(w, in_folder(w, "e.txt"), a, NULL);
    assert_false(iv__tokens_reused(tokens));
    print_tokens(w, tokens, &out);
    assert_string_equal(out.data, "one text");
    iv__tokens_free(tokens);
    iv__text_free(&out);
}

static void without_a_cache_there_are_tokens_too(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "g.txt"), *blocked = in_folder(w, "g.txt/cache");
    char temporary[512];

    snprintf(temporary, sizeof temporary, "%s", in_folder(w, "temporary"));
    assert_int_equal(iv__make_folders(w->home, temporary), IV_OK);
    setenv("TMPDIR", temporary, 1);
    write_text(path, fables);
    iv__tokens *tokens = open_text(w, path, blocked, NULL);
    assert_non_null(tokens);
    assert_false(iv__tokens_reused(tokens));
    assert_non_null(strstr(iv__tokens_note(tokens), "the tokens could not be kept in the cache ("));
    assert_int_equal(iv__tokens_total(tokens), 15);
    assert_int_equal(rmdir(temporary), 0); /* nothing was left in it */
    iv__tokens_free(tokens);

    assert_null(open_text(w, path, blocked, NULL));
    assert_int_equal(iv_home_status(w->home), IV_IO);
    assert_message(w->home, "no temporary folder can be made at ");
    assert_message(w->home, "set $IVORY_CACHE to a folder that can be written");
    unsetenv("TMPDIR");
}

static void the_cache_folder_is_chosen(void **state)
{
    world *w = *state;
    char folder[512], file[512], expected[600];

    snprintf(file, sizeof file, "%s", in_folder(w, "h.txt"));
    write_text(file, fables);
    static const char *const names[] = { "IVORY_CACHE", "XDG_CACHE_HOME", "HOME" };
    static const char *const below[] = { "", "/ivory", "/.cache/ivory" };
    char *old_home = getenv("HOME") ? strdup(getenv("HOME")) : NULL;
    for (int i = 0; i < 3; i++) {
        snprintf(folder, sizeof folder, "%.400s/home-%d", w->folder, i);
        snprintf(expected, sizeof expected, "%s%s", folder, below[i]);
        setenv(names[i], folder, 1);
        iv__tokens_free(open_text(w, file, NULL, NULL));
        assert_non_null(strstr(only_file(w, expected), "/text-"));
        unsetenv(names[i]);
    }
    iv__tokens *tokens = open_text(w, file, NULL, NULL);
    assert_non_null(strstr(iv__tokens_note(tokens), "neither $IVORY_CACHE nor $HOME names a folder"));
    iv__tokens_free(tokens);
    if (old_home)
        setenv("HOME", old_home, 1);
    free(old_home);
}

static bool counts_even(void *user, int64_t record)
{
    ++*(int *)user;
    return record % 2 == 0;
}

static bool counts_none(void *user, int64_t record)
{
    (void)user;
    (void)record;
    return false;
}

static void the_vocabulary_may_come_from_some_records(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "i.txt"), *cache = in_folder(w, "cache-i");
    iv__text out = { .home = w->home };
    int asked = 0;

    iv_home_clear(w->home);
    write_text(path, fables);
    iv__tokens_options o = { .counts = counts_even, .user = &asked, .counts_says = "even" };
    iv__tokens *tokens = open_text(w, path, cache, &o);
    assert_int_equal(asked, 4); /* once a record */
    print_tokens(w, tokens, &out);
    assert_string_equal(out.data,
                        "the fox saw the grapes / the [UNK] [UNK] [UNK] [UNK] [UNK] / sour ! / the [UNK]");
    iv__tokens_free(tokens);
    tokens = open_text(w, path, cache, NULL);
    assert_false(iv__tokens_reused(tokens)); /* the rule is part of the settings */
    iv__tokens_free(tokens);

    o = (iv__tokens_options){ .counts = counts_none, .counts_says = "none" };
    assert_null(open_text(w, path, cache, &o));
    assert_int_equal(iv_home_status(w->home), IV_VALUE);
    assert_message(w->home,
                   "i.txt: the vocabulary is empty: no record counts for it (none of 4 records");
    iv__text_free(&out);
}

static void a_vocabulary_may_be_given(void **state)
{
    world *w = *state;
    const char *a = in_folder(w, "j.txt"), *b = in_folder(w, "k.txt"), *cache = in_folder(w, "cache-j");
    iv__text out = { .home = w->home };

    iv_home_clear(w->home);
    write_text(a, "the fox and the crow");
    write_text(b, "the crow and the cat");
    iv__tokens *learnt = open_text(w, a, cache, NULL);
    iv__tokens_options o = { .given = iv__tokens_vocabulary(learnt) };
    for (int round = 0; round < 2; round++) {
        iv__tokens *tokens = open_text(w, b, cache, &o);
        assert_int_equal(iv__tokens_reused(tokens), round);
        print_tokens(w, tokens, &out);
        assert_string_equal(out.data, "the crow and the [UNK]");
        iv__tokens_free(tokens);
    }
    iv__tokens_free(learnt);
    iv__text_free(&out);
}

/* One without an unknown token: what it lacks is left out, and counted. */
static void a_complete_vocabulary_may_be_given(void **state)
{
    world *w = *state;
    const char *a = in_folder(w, "m.txt"), *b = in_folder(w, "n.txt"), *cache = in_folder(w, "cache-m");
    iv__text out = { .home = w->home };

    write_text(a, "the fox and the crow");
    write_text(b, "the crow and the cat\n\ncat\n\na\n\nb\n\nthe fox\n");
    iv__tokens *learnt = open_text(w, a, cache, &(iv__tokens_options){ .rules.complete = true });
    assert_int_equal(iv__vocabulary_count(iv__tokens_vocabulary(learnt)), 1 + 4);
    iv__tokens_options o = { .given = iv__tokens_vocabulary(learnt) };
    iv__tokens *tokens = open_text(w, b, cache, &o);
    assert_non_null(tokens);
    print_tokens(w, tokens, &out);
    assert_string_equal(out.data, "the crow and the / the fox");
    assert_string_equal(iv__tokens_report(tokens),
                        "5 records: 2 kept, 3 dropped (3 without a token); 4 tokens "
                        "that the vocabulary lacks were left out");
    iv__tokens_free(tokens);
    iv__tokens_free(learnt);
    iv__text_free(&out);
}

static void small_sets(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "l.txt"), *cache = in_folder(w, "cache-l");

    write_text(path, "once");
    iv__tokens *tokens = open_text(w, path, cache, NULL);
    assert_int_equal(iv__tokens_records(tokens), 1);
    assert_int_equal(iv__vocabulary_count(iv__tokens_vocabulary(tokens)), 3);
    iv__tokens_free(tokens);

    write_text(path, "");
    assert_null(open_text(w, path, cache, NULL));
    assert_int_equal(iv_home_status(w->home), IV_FORMAT);
    assert_message(w->home, "l.txt: the file is empty");
    write_text(path, "\n \n");
    assert_null(open_text(w, path, cache, NULL));
    assert_int_equal(iv_home_status(w->home), IV_VALUE);
    assert_message(w->home, "l.txt: there is no record to learn from: 0 records: 0 kept, 0 dropped");
    write_text(path, "\xc2\xa0\n\xe2\x80\x89\n");
    assert_null(open_text(w, path, cache, NULL));
    assert_message(w->home,
                   "there is no record to learn from: 2 records: 0 kept, 2 dropped (2 without a token)");
    write_text(path, "[{}, {\"title\": \"a\"}]");
    assert_null(iv__tokens_open(w->home, &iv__dataset_recipes, path,
                                &(iv__tokens_options){ .cache = cache }));
    assert_message(w->home, "2 records: 0 kept, 2 dropped (1 without a title, 1 without directions)");
    assert_null(open_text(w, in_folder(w, "absent"), cache, NULL));
    assert_int_equal(iv_home_status(w->home), IV_IO);
    write_text(path, "x");
    assert_null(open_text(w, path, cache, &(iv__tokens_options){ .vocabulary = 2 }));
    assert_int_equal(iv_home_status(w->home), IV_VALUE);
}

/* More than 65,536 entries take ids of four bytes. */
static void large_vocabularies(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "m.txt"), *cache = in_folder(w, "cache-m");
    FILE *file = fopen(path, "w");
    int32_t ids[8];
    enum { MANY = 70000 };

    for (int i = 0; i < MANY; i++)
        fprintf(file, "word%d again\n", i);
    fclose(file);
    for (int round = 0; round < 2; round++) {
        iv__tokens *tokens = open_text(w, path, cache, &(iv__tokens_options){ .vocabulary = 1000000 });
        assert_non_null(tokens);
        assert_int_equal(iv__tokens_reused(tokens), round);
        assert_int_equal(iv__vocabulary_count(iv__tokens_vocabulary(tokens)), MANY + 3);
        assert_int_equal(iv__tokens_records(tokens), MANY);
        assert_int_equal(iv__tokens_copy(tokens, MANY - 1, 0, 8, ids), 2);
        assert_int_equal(ids[0], MANY + 2);
        assert_int_equal(ids[1], 2);
        iv__tokens_free(tokens);
    }
}

/* A whole text is one record, whatever its length, and takes no memory of its length. */
static void a_whole_text_is_one_record(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "n.txt"), *cache = in_folder(w, "cache-n");
    FILE *file = fopen(path, "w");
    iv__arena arena = { .home = w->home };
    enum { LINES = 200000 };

    for (int i = 0; i < LINES; i++)
        fprintf(file, "a line of %s text\n", i % 2 ? "some" : "more");
    fclose(file);
    void *own = iv__arena_get(&arena, iv__dataset_text.options_size);
    assert_int_equal(iv__fields_set(w->home, &arena, iv__dataset_text.fields, own, "records=whole"),
                     IV_OK);
    iv__tokens *tokens = open_text(w, path, cache, &(iv__tokens_options){ .set_options = own });
    assert_non_null(tokens);
    assert_int_equal(iv__tokens_records(tokens), 1);
    assert_int_equal(iv__tokens_length(tokens, 0), LINES * 5);
    assert_true(iv__home_bytes(w->home) < 1 << 20);
    iv__tokens_free(tokens);
    iv__arena_free(&arena);
}

/* ---- the real recipes ------------------------------------------------------------------------ */

static char data_root[512];

static void real_recipes(void **state)
{
    world *w = *state;
    static const char *const first[] = { "",   "[UNK]", ".",   ",",    "and",
                                         "to", "in",    "the", "with", "a" };
    char plain[512], cache[512];
    static unsigned char piece[1 << 16];
    iv__text path = { .home = w->home };
    int32_t ids[8];
    int64_t got;

    if (!*data_root)
        skip(); /* the real recipes are found through IVORY_DATA */
    assert_int_equal(iv__dataset_locate(w->home, &iv__dataset_recipes, data_root, &path), IV_OK);
    snprintf(cache, sizeof cache, "%s", in_folder(w, "cache-recipes"));
    iv__tokens_options o = { .rules.kind = IV__TOKENS_WORDS, .cache = cache };
    iv__tokens *tokens = iv__tokens_open(w->home, &iv__dataset_recipes, path.data, &o);
    assert_non_null(tokens);
    const iv__vocabulary *v = iv__tokens_vocabulary(tokens);
    assert_int_equal(iv__tokens_records(tokens), 18691);
    assert_int_equal(iv__tokens_total(tokens), 3603803);
    assert_int_equal(iv__vocabulary_count(v), 10000);
    for (int64_t id = 0; id < 10; id++)
        assert_string_equal(iv__vocabulary_token(v, id), first[id]);
    assert_int_equal(iv__tokens_copy(tokens, 0, 0, 8, ids), 8);
    assert_string_equal(iv__vocabulary_token(v, ids[0]), "recipe");
    assert_string_equal(iv__vocabulary_token(v, ids[4]), "whaler");
    assert_string_equal(iv__tokens_report(tokens),
                        "18704 records: 18691 kept, 13 dropped (13 without directions)");

    snprintf(plain, sizeof plain, "%s", in_folder(w, "recipes.json"));
    iv__source *source = iv__source_open(w->home, path.data);
    FILE *file = fopen(plain, "wb");
    while ((got = iv__source_read(source, piece, sizeof piece)) > 0)
        fwrite(piece, 1, (size_t)got, file);
    fclose(file);
    iv__source_close(source);
    iv__tokens *same = iv__tokens_open(w->home, &iv__dataset_recipes, plain, &o);
    assert_non_null(same);
    assert_string_equal(iv__tokens_content_sha256(same), iv__tokens_content_sha256(tokens));
    iv__tokens_free(same);
    iv__tokens_free(tokens);
    iv__text_free(&path);
}

typedef struct task {
    char path[512], cache[512];
} task;

static bool open_scarcely(iv_home *home, void *context)
{
    const task *t = context;
    iv__tokens *tokens = iv__tokens_open(home, &iv__dataset_text, t->path,
                                         &(iv__tokens_options){ .cache = t->cache });
    bool reused = tokens && iv__tokens_reused(tokens);

    iv__tokens_free(tokens);
    if (tokens && !reused)
        iv_fail(home, IV_NOMEM, "made, not yet reused");
    return reused;
}

/* Somebody empties the cache's file while it is in use. */
static void a_file_that_is_cut_short_meanwhile(void **state)
{
    world *w = *state;
    const char *path = in_folder(w, "p.txt"), *cache = in_folder(w, "cache-p");
    int32_t ids[8];

    write_text(path, fables);
    iv__tokens *tokens = open_text(w, path, cache, NULL);
    assert_int_equal(iv__tokens_copy(tokens, 1, 0, 8, ids), 6);
    assert_int_equal(iv__tokens_status(tokens), IV_OK);
    assert_int_equal(truncate(only_file(w, cache), 64 + 5 * 8 + 4), 0);
    assert_int_equal(iv__tokens_copy(tokens, 1, 0, 8, ids), 6);
    assert_int_equal(ids[0], 0);
    assert_int_equal(iv__tokens_status(tokens), IV_IO);
    assert_message(w->home, "it was cut short meanwhile");
    iv__tokens_free(tokens);
}

/* Both the making and, once that is done, the finding again. */
static void no_memory(void **state)
{
    world *w = *state;
    task t;

    snprintf(t.path, sizeof t.path, "%s", in_folder(w, "o.txt"));
    snprintf(t.cache, sizeof t.cache, "%s", in_folder(w, "cache-o"));
    write_text(t.path, fables);
    assert_survives_scarcity(open_scarcely, &t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_becomes_tokens),
        cmocka_unit_test(other_data_or_settings_are_another_file),
        cmocka_unit_test(plain_and_gzip_are_equal),
        cmocka_unit_test(every_damage_is_noticed),
        cmocka_unit_test(foreign_files_are_noticed),
        cmocka_unit_test(without_a_cache_there_are_tokens_too),
        cmocka_unit_test(the_cache_folder_is_chosen),
        cmocka_unit_test(the_vocabulary_may_come_from_some_records),
        cmocka_unit_test(a_vocabulary_may_be_given),
        cmocka_unit_test(a_complete_vocabulary_may_be_given),
        cmocka_unit_test(small_sets),
        cmocka_unit_test(large_vocabularies),
        cmocka_unit_test(a_whole_text_is_one_record),
        cmocka_unit_test(real_recipes),
        cmocka_unit_test(a_file_that_is_cut_short_meanwhile),
        cmocka_unit_test(no_memory),
    };

    if (getenv("IVORY_DATA"))
        snprintf(data_root, sizeof data_root, "%s", getenv("IVORY_DATA"));
    unsetenv("IVORY_CACHE");
    unsetenv("XDG_CACHE_HOME");
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
