/* text_world.h: what tests of texts and vocabularies share: a vocabulary learned from a text, and the way
 * of one through all that asks for memory. */
#ifndef IVORY_TESTS_TEXT_WORLD_H
#define IVORY_TESTS_TEXT_WORLD_H

#include "file_world.h"

#include "data/text.h"

static inline iv__vocabulary *learn(world *w, const iv__token_rules *rules, const char *text,
                                    size_t bytes, int64_t most)
{
    iv__counter *counter = iv__counter_new(w->home);
    iv__text clean = { .home = w->home };
    const char *token;
    size_t size;

    assert_int_equal(iv__clean(w->home, rules, "text", 1, text, bytes, &clean), IV_OK);
    const char *at = clean.data, *end = at + clean.size;
    while (iv__token_next(rules->kind, &at, end, &token, &size))
        assert_int_equal(iv__counter_add(counter, token, size), IV_OK);
    iv__vocabulary *vocabulary = iv__vocabulary_choose(counter, rules, most);
    iv__counter_free(counter);
    iv__text_free(&clean);
    return vocabulary;
}

/* What is counted, kept as bytes, read from them and used, where memory may run out at any place. */
typedef struct learning {
    const iv__token_rules *rules;
    const char *tokens[2], *text;
} learning;

static inline bool learn_and_encode(iv_home *home, void *context)
{
    const learning *l = context;
    iv__counter *counter = iv__counter_new(home);
    iv__vocabulary *v = NULL, *again = NULL;
    iv__ids ids = { .home = home };
    size_t size;

    if (counter && !iv__counter_add(counter, l->tokens[0], strlen(l->tokens[0])) &&
        !iv__counter_add(counter, l->tokens[1], strlen(l->tokens[1])))
        v = iv__vocabulary_choose(counter, l->rules, 300);
    if (v) {
        const void *bytes = iv__vocabulary_bytes(v, &size);
        again = iv__vocabulary_read(home, "file", bytes, size);
    }
    bool good = again && iv__encode(again, "text", 0, l->text, strlen(l->text), &ids, NULL) == IV_OK;
    iv__ids_free(&ids);
    iv__vocabulary_free(again);
    iv__vocabulary_free(v);
    iv__counter_free(counter);
    return good;
}

#endif
