/* encode.c: texts to ids, and ids to texts, as tokens or for reading. */

#include <string.h>

#include "base/home.h"
#include "data/pieces.h"
#include "format/utf8.h"

iv_status iv__ids_add(iv__ids *ids, int32_t id)
{
    if (ids->count == ids->room) {
        int64_t room = ids->room * 2 + 64;
        int32_t *grown = iv__resize(ids->home, ids->id, (size_t)room * sizeof *grown);
        if (!grown)
            return IV_NOMEM;
        ids->id = grown;
        ids->room = room;
    }
    ids->id[ids->count++] = id;
    return IV_OK;
}

void iv__ids_free(iv__ids *ids)
{
    iv__free(ids->home, ids->id);
    *ids = (iv__ids){ .home = ids->home };
}

static iv_status encode_pieces(const iv__vocabulary *vocabulary, iv__piece_cache *cache,
                               const char *clean, size_t size, iv__ids *ids)
{
    const iv__joins *joins = iv__vocabulary_joins(vocabulary);
    int32_t first = iv__vocabulary_first(vocabulary);
    uint32_t pieces[IV__STRETCH_MAX];
    iv_status status = IV_OK;
    const char *at = clean, *end = clean + size, *stretch;
    size_t length;

    while (!status && iv__token_next(IV__TOKENS_BPE, &at, end, &stretch, &length)) {
        int n = iv__piece_cache_encode(cache, joins, stretch, length, pieces);
        for (int i = 0; i < n && !status; i++)
            status = iv__ids_add(ids, first + (int32_t)pieces[i]);
    }
    return status;
}

iv_status iv__encode_clean(const iv__vocabulary *vocabulary, iv__piece_cache *cache,
                           const char *clean, size_t size, iv__ids *ids, iv__text *unknown)
{
    iv__tokens_kind kind = iv__vocabulary_rules(vocabulary)->kind;
    iv_status status = IV_OK;
    const char *at = clean, *end = clean + size, *token;
    size_t length;

    if (kind == IV__TOKENS_BPE)
        return encode_pieces(vocabulary, cache, clean, size, ids);
    while (!status && iv__token_next(kind, &at, end, &token, &length)) {
        int32_t id = kind == IV__TOKENS_BYTES ? iv__vocabulary_first(vocabulary) + (unsigned char)*token
                                              : iv__vocabulary_id(vocabulary, token, length);
        if (id == iv__vocabulary_unknown(vocabulary) && unknown) {
            if (unknown->size > 0)
                iv__text_put(unknown, " ");
            iv__text_add(unknown, token, length);
        }
        if (id >= 0)
            status = iv__ids_add(ids, id);
        else
            ids->lost++;
    }
    return status;
}

iv_status iv__encode(const iv__vocabulary *vocabulary, const char *name, int64_t record,
                     const char *bytes, size_t size, iv__ids *ids, iv__text *unknown)
{
    const iv__token_rules *rules = iv__vocabulary_rules(vocabulary);
    iv__text clean = { .home = ids->home };
    iv_status status = iv__clean(ids->home, rules, name, record, bytes, size, &clean);

    if (!status && clean.size > 0)
        status = iv__encode_clean(vocabulary, NULL, clean.data, clean.size, ids, unknown);
    iv__text_free(&clean);
    return status;
}

static bool ends_with_white(const unsigned char *text, size_t size)
{
    size_t at = size - 1;
    uint32_t code;

    while (at > 0 && size - at < 4 && (text[at] & 0xc0) == 0x80)
        at--;
    return iv__utf8_read(text + at, size - at, &code) == size - at && iv__is_white(code);
}

/* With entities a blank must be followed by a whole word that is none: "fox #39;s" is one word. */
size_t iv__encode_bound(const iv__token_rules *rules, const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t word = rules->entities ? 0 : size; /* the end of a whole word behind the blank; 0: none yet */

    if ((rules->kind == IV__TOKENS_CHARS || rules->kind == IV__TOKENS_BYTES) && !rules->entities)
        return size;
    for (size_t i = size; i-- > 1;) {
        if (at[i] > ' ' || !iv__is_white(at[i]))
            continue;
        bool entity = rules->entities && memchr(at + i, ';', (word ? word : size) - i);
        if (word && !entity && !ends_with_white(at, i))
            return i;
        word = i;
    }
    return 0;
}

static bool is_shown(const iv__vocabulary *vocabulary, int32_t id)
{
    return (id >= iv__vocabulary_first(vocabulary) && id < iv__vocabulary_count(vocabulary)) ||
           (id >= 0 && id == iv__vocabulary_unknown(vocabulary));
}

void iv__decoder_add(iv__decoder *decoder, int32_t id, iv__text *text)
{
    const iv__vocabulary *vocabulary = decoder->vocabulary;
    iv__tokens_kind kind = iv__vocabulary_rules(vocabulary)->kind;
    size_t begin = text->size;

    if (!is_shown(vocabulary, id))
        return;
    if (kind == IV__TOKENS_WORDS && decoder->begun)
        iv__text_put(text, " ");
    decoder->begun = true;
    iv__text_add(text, decoder->waiting, decoder->n_waiting);
    iv__text_add(text, iv__vocabulary_token(vocabulary, id), iv__vocabulary_token_size(vocabulary, id));
    decoder->n_waiting = 0;
    if (kind < IV__TOKENS_BYTES || text->failed)
        return;
    size_t waiting = iv__utf8_waiting(text->data + begin, text->size - begin);
    text->size -= waiting;
    memcpy(decoder->waiting, text->data + text->size, waiting);
    text->data[text->size] = 0;
    decoder->n_waiting = waiting;
}

void iv__decoder_end(iv__decoder *decoder, iv__text *text)
{
    iv__text_add(text, decoder->waiting, decoder->n_waiting);
    decoder->n_waiting = 0;
}

void iv__decode(const iv__vocabulary *vocabulary, const int32_t *ids, int64_t count, iv__text *text)
{
    iv__decoder decoder = { .vocabulary = vocabulary };

    for (int64_t i = 0; i < count; i++)
        iv__decoder_add(&decoder, ids[i], text);
    iv__decoder_end(&decoder, text);
}

/* ---- for reading ----------------------------------------------------------------------------- */

static bool is_one_of(const char *token, const char *marks)
{
    return token[0] && !token[1] && strchr(marks, token[0]);
}

/* More than one byte, or a letter or digit: a single byte else is a mark. */
static bool is_word(const char *token)
{
    char byte = token[0];

    return byte && (token[1] || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z'));
}

static bool is_number(const char *token)
{
    return token[0] && token[strspn(token, "0123456789")] == 0;
}

/* What follows the apostrophe of a contraction or possessive. */
static bool is_contraction(const char *token)
{
    static const char *const ends[] = { "s", "t", "re", "ve", "ll", "d", "m", "clock" };

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (strcmp(token, ends[i]) == 0)
            return true;
    return false;
}

/* Whether the mark between two tokens joins them into one word or number. */
static bool joins(const char *before, const char *mark, const char *after)
{
    if (is_one_of(mark, "-/"))
        return is_word(before) && is_word(after);
    if (is_one_of(mark, "'"))
        return is_word(before) && is_contraction(after);
    return is_one_of(mark, ".") && is_number(before) && is_number(after);
}

/* Writes the last word, as it stands before `after` ("": the end). */
static void put_last(iv__reading *r, const char *after, iv__text *text)
{
    const char *token = r->last, *before = r->before ? r->before : "";
    bool joining = joins(before, token, after);
    bool *quoted = is_one_of(token, "\"")  ? &r->quoted
                   : is_one_of(token, "'") ? &r->quoted_once
                                           : NULL;
    bool quote = !joining && quoted, closes = quote && *quoted;

    if (r->before && !r->glued && !joining && !closes && !is_one_of(token, ",.;:!?)]}%") &&
        !(is_one_of(token, "-") && is_one_of(before, "-")))
        iv__text_put(text, " ");
    iv__text_put(text, token);
    r->glued = joining || (quote && !closes) || is_one_of(token, "([{$#");
    if (quote)
        *quoted = !closes;
}

void iv__reading_add(iv__reading *r, int32_t id, iv__text *text)
{
    const char *token;

    if (!is_shown(r->vocabulary, id))
        return;
    token = iv__vocabulary_token(r->vocabulary, id);
    if (iv__vocabulary_rules(r->vocabulary)->kind != IV__TOKENS_WORDS) {
        iv__text_add(text, token, iv__vocabulary_token_size(r->vocabulary, id));
        r->settled = text->size;
        return;
    }
    if (r->last) {
        text->size = r->settled;
        put_last(r, token, text);
        r->settled = text->size;
        r->before = r->last;
    }
    r->last = token;
    iv__reading end = *r; /* if nothing follows */
    put_last(&end, "", text);
}

void iv__decode_readable(const iv__vocabulary *vocabulary, const int32_t *ids, int64_t count,
                         iv__text *text)
{
    iv__reading reading = { .vocabulary = vocabulary, .settled = text->size };

    for (int64_t i = 0; i < count; i++)
        iv__reading_add(&reading, ids[i], text);
}
