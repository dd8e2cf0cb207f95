/* fuzz_text.c: any bytes as text: cleaned, counted, numbered, and back again. */
#include "fuzz_world.h"

#include "data/text.h"
#include "format/utf8.h"

static iv__vocabulary *learn(iv_home *home, const iv__token_rules *rules, const iv__text *clean)
{
    iv__counter *counter = iv__counter_new(home);
    const char *at = clean->data ? clean->data : "", *end = at + clean->size, *token;
    size_t length, tokens = 0;

    while (iv__token_next(rules->kind, &at, end, &token, &length)) {
        must(length > 0 && iv__counter_add(counter, token, length) == IV_OK);
        tokens++;
    }
    must(at == end);
    iv__vocabulary *vocabulary = tokens > 0 ? iv__vocabulary_choose(counter, rules, IV__VOCABULARY_MAX)
                                            : NULL;
    must(tokens == 0 || vocabulary);
    iv__counter_free(counter);
    return vocabulary;
}

/* What is given so far never ends inside a character, unless what was cleaned is no text. */
static void decode_step_by_step(iv_home *home, const iv__vocabulary *vocabulary, const iv__ids *ids,
                                const iv__text *clean)
{
    iv__decoder decoder = { .vocabulary = vocabulary };
    iv__text back = { .home = home };
    bool text = iv__utf8_valid(clean->data, clean->size) == clean->size;

    for (int64_t i = 0; i < ids->count; i++) {
        size_t before = back.size;
        iv__decoder_add(&decoder, ids->id[i], &back);
        must(!text || back.size == before ||
             iv__utf8_valid(back.data + before, back.size - before) == back.size - before);
        must(back.size + decoder.n_waiting <= clean->size);
    }
    must(!text || decoder.n_waiting == 0);
    iv__decoder_end(&decoder, &back);
    must(back.size == clean->size && !memcmp(back.data, clean->data, clean->size));
    iv__text_free(&back);
}

/* With a vocabulary of all its tokens a cleaned text comes back as it was. */
static void round_trip(iv_home *home, const iv__vocabulary *vocabulary, const iv__text *clean,
                       const char *text, size_t size)
{
    iv__ids ids = { .home = home };
    iv__text back = { .home = home };
    size_t length;

    must(iv__encode(vocabulary, "input", 1, text, size, &ids, NULL) == IV_OK);
    iv__decode(vocabulary, ids.id, ids.count, &back);
    must(back.size == clean->size && memcmp(back.data, clean->data, clean->size) == 0);
    iv__decode_readable(vocabulary, ids.id, ids.count, &back);
    decode_step_by_step(home, vocabulary, &ids, clean);

    const void *bytes = iv__vocabulary_bytes(vocabulary, &length);
    iv__vocabulary *again = iv__vocabulary_read(home, "vocabulary", bytes, length);
    must(again && iv__vocabulary_count(again) == iv__vocabulary_count(vocabulary));
    iv__vocabulary_free(again);
    iv__ids_free(&ids);
    iv__text_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();
    iv__text clean = { .home = home }, twice = { .home = home };
    uint8_t how = size > 0 ? data[0] : 0;
    iv__token_rules rules = { .kind = (iv__tokens_kind)(how & 3),
                              .complete = how & 4 || (how & 3) >= IV__TOKENS_BYTES,
                              .end = how & 8,
                              .begin = how & 16,
                              .entities = how & 32,
                              .inside = how & 64 };
    const char *text = (const char *)data;

    iv__vocabulary_free(iv__vocabulary_read(home, "input", data, size));
    bool failed = iv__clean(home, &rules, "input", 1, text, size, &clean) != IV_OK;
    if (!failed) {
        iv__token_rules again = rules;
        again.entities = false; /* what they stood for may look like another one */
        must(iv__clean(home, &again, "clean", 1, clean.data ? clean.data : "", clean.size, &twice) ==
             IV_OK);
        must(twice.size == clean.size &&
             (clean.size == 0 || memcmp(twice.data, clean.data, clean.size) == 0));
        iv__vocabulary *vocabulary = learn(home, &rules, &clean);
        if (vocabulary)
            round_trip(home, vocabulary, &clean, text, size);
        iv__vocabulary_free(vocabulary);
    }
    iv__text_free(&clean);
    iv__text_free(&twice);
    return fuzz_end(home, failed);
}
