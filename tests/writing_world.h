/* writing_world.h: a small language model with weights as they were drawn, for tests of writing. */
#ifndef IV_TESTS_WRITING_WORLD_H
#define IV_TESTS_WRITING_WORLD_H

#include "models/common_writing.h"

#include "base/home.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct world {
    iv_home *home;
    iv_params *params;
    iv__vocabulary *vocabulary;
    iv__model model;
    iv__instance instance;
    bool begins;
} world;

enum { TEST_UNITS = 8 };

static iv_node *test_logits(const void *options, iv_scope *scope, iv_node *words, int64_t vocab)
{
    iv_node *x = iv_embedding(scope, words, .count = vocab, .units = TEST_UNITS);

    (void)options;
    x = iv_recurrent(scope, x, .cell = IV_LSTM, .units = TEST_UNITS);
    return iv_dense(scope, x, .units = vocab);
}

static void test_language(const iv__instance *instance, iv__language *language)
{
    const world *w = instance->state;

    *language = (iv__language){ .vocabulary = w->vocabulary,
                                .begin = w->begins ? IV__TOKEN_PADDING : -1,
                                .end = IV__TOKEN_PADDING,
                                .logits = test_logits };
}

/* Its vocabulary: the text's tokens, with the most frequent first. */
static inline void world_open(world *w, const iv__token_rules *rules, const char *text)
{
    const char *at = text, *end = text + strlen(text), *token;
    size_t size;

    *w = (world){ .home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 }),
                  .model = { .name = "test", .language = test_language },
                  .begins = true };
    iv__counter *counter = iv__counter_new(w->home);
    while (iv__token_next(rules->kind, &at, end, &token, &size))
        assert_int_equal(iv__counter_add(counter, token, size), IV_OK);
    w->vocabulary = iv__vocabulary_choose(counter, rules, 1000);
    iv__counter_free(counter);
    w->params = iv_params_new(w->home, IV_F32, 3);
    assert_non_null(w->vocabulary);
    assert_non_null(w->params);
    w->instance = (iv__instance){ .home = w->home, .model = &w->model, .state = w };
}

static inline void world_close(world *w)
{
    iv_params_free(w->params);
    iv__vocabulary_free(w->vocabulary);
    assert_int_equal(iv__home_bytes(w->home), 0);
    iv_home_free(w->home);
}

static inline iv__writing *writing_of(world *w, int64_t rows)
{
    iv__writing *writing = iv__writing_new(&w->instance, w->params, rows);

    if (!writing)
        fail_msg("%s", iv_home_message(w->home));
    return writing;
}

/* Weights so large that next tokens differ much in probability. */
static inline void sharpen(world *w)
{
    for (int i = 0; i < iv_params_count(w->params); i++) {
        iv_tensor *tensor = iv_params_tensor(w->params, i);
        float *x = tensor->data;
        for (int64_t k = 0; k < iv_shape_count(&tensor->shape); k++)
            x[k] *= 8;
    }
    iv_params_changed(w->params);
}

#endif
