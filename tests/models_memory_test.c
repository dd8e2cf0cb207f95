/* models_memory_test.c: samples beside real text: where that is from, what stands in the training
 * text, and when the alarm rings. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include <math.h>

#include "base/random.h"
#include "models/common_cut.h"
#include "models/common_memory.h"

enum { RECORDS = 200, WORDS = 30, LETTERS = 20, SAMPLES = 40 };

typedef struct book {
    iv__tokens *tokens;
    iv__cut *cut;
    iv__model model;
    iv__instance instance;
} book;

static const iv__cut *book_cut(const iv__instance *instance)
{
    return ((const book *)instance->state)->cut;
}

static int32_t draw(uint64_t key, int64_t at)
{
    uint32_t word[4];

    iv__philox(key, 0, (uint64_t)at, word);
    return (int32_t)(word[0] % LETTERS);
}

/* Records of words that follow each other in no order. */
static void open_book(world *w, book *b, int records, double held_out)
{
    const char *path = in_folder(w, "book.txt");
    FILE *file = fopen(path, "w");
    iv__tokens_options how = { .rules = { .kind = IV__TOKENS_WORDS }, .cache = in_folder(w, "cache") };

    assert_non_null(file);
    for (int64_t at = 0; at < records * WORDS; at++)
        fprintf(file, "w%02d%s", draw(1, at), at % WORDS == WORDS - 1 ? "\n\n" : " ");
    fclose(file);
    *b = (book){ .model = { .name = "test", .cut = book_cut } };
    b->tokens = iv__tokens_open(w->home, &iv__dataset_text, path, &how);
    assert_non_null(b->tokens);
    b->instance = (iv__instance){ .home = w->home,
                                  .model = &b->model,
                                  .state = b,
                                  .training = { .validation = held_out, .test = held_out / 2 } };
    b->cut = iv__cut_new(w->home, b->tokens, &b->instance.training,
                         &(iv__cut_options){ .kind = IV__CUT_PIECES, .length = WORDS });
    assert_non_null(b->cut);
}

static void close_book(book *b)
{
    iv__cut_free(b->cut);
    iv__tokens_free(b->tokens);
}

/* Samples that are made up, or copied from records of the training text; each after a prompt of one token, which
 * does not count. */
static iv__memory *look(book *b, int n, int copied)
{
    iv__memory *memory = iv__memory_new(&b->instance);
    int64_t record = 0;

    assert_non_null(memory);
    for (int i = 0; i < n; i++) {
        int32_t id[1 + WORDS] = { 0 };
        for (int t = 1; t <= WORDS; t++)
            id[t] = 2 + draw(2, i * WORDS + t);
        for (; i < copied && iv__split_of(&b->instance.training, record) != SPLIT_TRAIN;)
            record++;
        if (i < copied)
            assert_int_equal(iv__tokens_copy(b->tokens, record++, 0, WORDS, id + 1), WORDS);
        iv__sample sample = { .number = i, .text = "", .id = id, .n_prompt = 1, .n = WORDS };
        assert_int_equal(iv__memory_add(memory, &sample), IV_OK);
    }
    assert_int_equal(iv__memory_compare(memory), IV_OK);
    return memory;
}

static void new_text_is_as_real_text(void **state)
{
    world *w = *state;
    book b;

    open_book(w, &b, RECORDS, 0.3);
    iv__memory *memory = look(&b, SAMPLES, 0);
    const iv__memory_report *r = iv__memory_report_of(memory);
    assert_int_equal(r->real_split, SPLIT_TEST);
    assert_int_equal(r->samples.texts, SAMPLES);
    assert_int_equal(r->samples.tokens, SAMPLES * WORDS);
    assert_true(r->real.texts > SAMPLES / 2 && r->real.tokens == r->real.texts * WORDS);
    assert_true(fabs(r->samples.mean - r->real.mean) < 0.5); /* both are of one kind */
    assert_true(r->samples.longest < 10 && r->real.longest < 10);
    assert_true(r->samples.whole == 0 && r->real.whole == 0);
    assert_true(r->span >= 3 && r->real.spans <= 0.05 && r->samples.spans < 0.1);
    assert_false(r->by_heart);
    iv__memory_free(memory);
    close_book(&b);
}

static void copies_ring_the_alarm(void **state)
{
    world *w = *state;
    iv__text shown = { .home = w->home }, record = { .home = w->home };
    int32_t ids[WORDS];
    book b;

    open_book(w, &b, RECORDS, 0.3);
    iv__memory *memory = look(&b, SAMPLES, SAMPLES / 4);
    const iv__memory_report *r = iv__memory_report_of(memory);
    assert_true(r->by_heart);
    assert_int_equal(r->samples.longest, WORDS);
    assert_true(r->samples.whole == 0.25);
    assert_true(r->samples.spans > 0.2 && r->samples.spans < 0.35);
    assert_int_equal(iv__memory_copy(memory, 0).length, WORDS);
    assert_int_equal(iv__memory_length(memory, 0), WORDS);
    assert_true(iv__memory_copy(memory, SAMPLES - 1).length < 10);
    iv__memory_show(memory, 3, &shown);
    iv__tokens_copy(b.tokens, iv__memory_copy(memory, 3).record, 0, WORDS, ids);
    iv__decode_readable(iv__tokens_vocabulary(b.tokens), ids, WORDS, &record);
    assert_string_equal(shown.data, record.data);
    iv__text_free(&shown);
    iv__text_free(&record);
    iv__memory_free(memory);

    memory = look(&b, SAMPLES, SAMPLES / 40); /* one of forty: it may happen */
    assert_false(iv__memory_report_of(memory)->by_heart);
    iv__memory_free(memory);
    close_book(&b);
}

/* Without held-out records, stretches of the training text are looked for in the rest of it. */
static void the_training_text_is_compared_with_its_rest(void **state)
{
    world *w = *state;
    book b;

    open_book(w, &b, RECORDS, 0);
    iv__memory *memory = look(&b, SAMPLES, 0);
    const iv__memory_report *r = iv__memory_report_of(memory);
    assert_int_equal(r->real_split, SPLIT_TRAIN);
    assert_int_equal(r->real.texts, SAMPLES);
    assert_true(r->real.longest < 10 && r->real.whole == 0);
    assert_false(r->by_heart);
    iv__memory_free(memory);

    memory = look(&b, SAMPLES, SAMPLES);
    assert_true(iv__memory_report_of(memory)->by_heart);
    iv__memory_free(memory);
    close_book(&b);

    open_book(w, &b, 3, 0); /* a quarter of so little is less than a sample */
    memory = look(&b, SAMPLES, 3);
    r = iv__memory_report_of(memory);
    assert_int_equal(r->real.texts, 0);
    assert_int_equal(r->span, 0);
    assert_false(r->by_heart);
    assert_true(isnan(r->real.mean) && isnan(r->samples.spans));
    iv__memory_free(memory);
    close_book(&b);
}

static void data_that_are_no_text_are_refused(void **state)
{
    world *w = *state;
    iv__model model = { .name = "painter" };
    iv__instance instance = { .home = w->home, .model = &model };

    assert_null(iv__memory_new(&instance));
    assert_int_equal(iv_home_status(w->home), IV_UNSUPPORTED);
    assert_message(w->home, "painter");
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(new_text_is_as_real_text),
        IN_WORLD(copies_ring_the_alarm),
        IN_WORLD(the_training_text_is_compared_with_its_rest),
        IN_WORLD(data_that_are_no_text_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
