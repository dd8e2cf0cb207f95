/* text.h: from text to numbers: cleaning, tokens, the vocabulary, and back.
 *
 * Ids: 0 is padding; then, where the rules ask for them, the unknown token, a text's end and its
 * beginning; then the tokens by falling frequency. */
#ifndef IV_DATA_TEXT_H
#define IV_DATA_TEXT_H

#include "base/text.h"

/* Written to files as "words", "chars". */
#define IV__TOKENS_MAP(XX) XX(WORDS, "words") XX(CHARS, "chars") XX(BYTES, "bytes") XX(BPE, "bpe")

typedef enum iv__tokens_kind {
#define IV__TOKENS_KIND(name, text) IV__TOKENS_##name,
    IV__TOKENS_MAP(IV__TOKENS_KIND)
#undef IV__TOKENS_KIND
} iv__tokens_kind;

/* How texts become tokens, and which special tokens stand before them. */
typedef struct iv__token_rules {
    iv__tokens_kind kind;
    bool complete; /* no unknown token: the vocabulary has every token there is; bytes and bpe: always */
    bool end;      /* a text's end has a token of its own; else padding stands for it */
    bool begin;    /* so has its beginning */
    bool entities; /* HTML's entities become characters first */
    bool inside;   /* words: an apostrophe belongs to its word; else it is a mark, set apart */
} iv__token_rules;

/* "words", "chars complete end": as vocabularies and settings keep them. */
void iv__token_rules_print(const iv__token_rules *rules, iv__text *text);
/* False for what iv__token_rules_print cannot have given. */
bool iv__token_rules_read(const char *text, size_t size, iv__token_rules *rules);

enum { IV__TOKEN_PADDING = 0 };
enum { IV__VOCABULARY_MAX = 1 << 24 }; /* entries */

/* ---- cleaning -------------------------------------------------------------------------------- */
/* Appends the text as its tokens are cut from. With `entities` those of HTML are decoded, once, also
 * where their '&' has become a blank, or nothing at the beginning ("Fed #39;s", as news agencies'
 * data have it).
 *   words  lower case (the one-to-one rules of Unicode for Latin, Greek, Cyrillic, Armenian and
 *          full-width letters; other
 *          letters stay), the 32 ASCII punctuation marks (31 with `inside`) set off by blanks, runs
 *          of white space (Unicode's) one blank,
 *          none at the ends
 *   chars  as it is
 *   bytes, bpe  as it is, whatever it is
 * Errors: FORMAT for what is no UTF-8 and for a zero byte: "NAME: record 12: byte 345 ...";
 * NOMEM. `record` counts from 1 here as in every message. */
iv_status iv__clean(iv_home *home, const iv__token_rules *rules, const char *name, int64_t record,
                    const char *bytes, size_t size, iv__text *clean);
uint32_t iv__lower(uint32_t code); /* of one code point */
bool iv__is_white(uint32_t code);  /* Unicode's property White_Space */

/* What is counted, of cleaned text, from *at on: a word up to the next blank, a code point, a byte;
 * for bpe a stretch, which becomes one or more tokens. False at the end. */
bool iv__token_next(iv__tokens_kind kind, const char **at, const char *end, const char **token,
                    size_t *size);

/* ---- counting -------------------------------------------------------------------------------- */
typedef struct iv__counter iv__counter;
/* Of more than IV__COUNTER_MAX different tokens it forgets the half that came least often, of those
 * that came equally often the later ones, and goes on: memory is bounded, and what is frequent is
 * counted well. */
enum { IV__COUNTER_MAX = 1 << 21 };
iv__counter *iv__counter_new(iv_home *home);
void iv__counter_free(iv__counter *counter);
iv_status iv__counter_add(iv__counter *counter, const char *token, size_t size);
int64_t iv__counter_distinct(const iv__counter *counter);
bool iv__counter_forgot(const iv__counter *counter);

/* ---- the vocabulary -------------------------------------------------------------------------- */
typedef struct iv__vocabulary iv__vocabulary;

/* The most frequent tokens, at most `most` entries with the special ones. Of equally frequent
 * tokens the one that came first has the smaller id (Keras's TextVectorization puts the later
 * one in the order of its letters first). bytes: all 256, by value. bpe: pieces of the stretches
 * that were counted, the 256 bytes first, then each piece where it was learned.
 * Errors: VALUE when nothing was counted, most leaves no room for a token or is beyond
 * IV__VOCABULARY_MAX, or a complete vocabulary would have more entries. */
iv__vocabulary *iv__vocabulary_choose(iv__counter *counter, const iv__token_rules *rules, int64_t most);
/* From the bytes that iv__vocabulary_bytes gave; `name` begins messages. Errors: FORMAT. */
iv__vocabulary *iv__vocabulary_read(iv_home *home, const char *name, const void *bytes, size_t size);
void iv__vocabulary_free(iv__vocabulary *vocabulary);

const iv__token_rules *iv__vocabulary_rules(const iv__vocabulary *vocabulary);
int64_t iv__vocabulary_count(const iv__vocabulary *vocabulary); /* entries, special ones included */
int32_t iv__vocabulary_unknown(const iv__vocabulary *vocabulary); /* -1: there is none */
/* Padding where the vocabulary has no token of its own for it. */
int32_t iv__vocabulary_end(const iv__vocabulary *vocabulary);
int32_t iv__vocabulary_begin(const iv__vocabulary *vocabulary);
int32_t iv__vocabulary_first(const iv__vocabulary *vocabulary); /* of the tokens of texts */
/* "[UNK]" for unknown, "" for the other special ones. Terminated; of bytes and bpe any bytes, zero
 * bytes and parts of characters included. */
const char *iv__vocabulary_token(const iv__vocabulary *vocabulary, int64_t id);
size_t iv__vocabulary_token_size(const iv__vocabulary *vocabulary, int64_t id);
/* Unicode's characters that a token stands for when a text's are counted: a word's with the blank
 * that separates it. 0 for special tokens (what stood at an unknown word is not known), but an
 * unknown character is one. A character of several tokens is counted with its first. */
int64_t iv__vocabulary_characters(const iv__vocabulary *vocabulary, int64_t id);
/* The unknown token's id for what is not there, or -1 when there is none. */
int32_t iv__vocabulary_id(const iv__vocabulary *vocabulary, const char *token, size_t size);
/* The bytes to keep (as a U8 tensor, in a cache): the rules, ended by a zero byte, then
 *   words, chars  each token from the first on, ended by a zero byte
 *   bytes         nothing
 *   bpe           what each piece behind the bytes joins: two numbers of pieces, u32 in little end
 *                 first */
const void *iv__vocabulary_bytes(const iv__vocabulary *vocabulary, size_t *size);

/* ---- texts to ids and back ------------------------------------------------------------------- */
typedef struct iv__ids {
    iv_home *home;
    int32_t *id;
    int64_t count, room;
    int64_t lost; /* tokens left out, for want of an unknown token */
} iv__ids;
iv_status iv__ids_add(iv__ids *ids, int32_t id);
void iv__ids_free(iv__ids *ids);

/* Cuts cleaned text and looks up, as iv__encode; cache: of pieces, for many texts, or NULL. */
typedef struct iv__piece_cache iv__piece_cache;
iv_status iv__encode_clean(const iv__vocabulary *vocabulary, iv__piece_cache *cache,
                           const char *clean, size_t size, iv__ids *ids, iv__text *unknown);
iv__piece_cache *iv__piece_cache_new(iv_home *home);
void iv__piece_cache_free(iv__piece_cache *cache);

/* Cleans, cuts and looks up, appending to ids; what the vocabulary lacks is left out if it has no
 * unknown token. unknown (NULL: not wanted): the tokens that are not in the vocabulary,
 * blank-separated.
 * Errors: as iv__clean, with "NAME: record ..." left out when record is 0. */
iv_status iv__encode(const iv__vocabulary *vocabulary, const char *name, int64_t record,
                     const char *bytes, size_t size, iv__ids *ids, iv__text *unknown);
/* Where text may be cut so that its tokens are those of the two parts, whatever is written behind it:
 * before the last blank that has none before it, or at the end. 0: nowhere yet. */
size_t iv__encode_bound(const iv__token_rules *rules, const char *text, size_t size);

/* Ids to text, one after the other, that never ends inside a character: the beginning of one waits
 * for its end. Begins as { .vocabulary = ... }. */
typedef struct iv__decoder {
    const iv__vocabulary *vocabulary;
    bool begun;
    char waiting[4];
    size_t n_waiting;
} iv__decoder;
void iv__decoder_add(iv__decoder *decoder, int32_t id, iv__text *text);
void iv__decoder_end(iv__decoder *decoder, iv__text *text); /* appends what waits, whatever it is */

/* All of them. Appends the tokens: words with a blank between, all others with none. Special tokens but the
 * unknown one, and ids out of range, give nothing. */
void iv__decode(const iv__vocabulary *vocabulary, const int32_t *ids, int64_t count, iv__text *text);
/* The same for reading: no blank before , . ; : ! ? ) ] } %, after ( [ { $ #, around the marks
 * inside a word or number (don't, medium-size, 1/2, 2.5), inside "quotes". All but words: as
 * iv__decode. */
void iv__decode_readable(const iv__vocabulary *vocabulary, const int32_t *ids, int64_t count,
                         iv__text *text);
/* That text as it grows. Begins as { .vocabulary = ..., .settled = text->size }; after each token the
 * text is what iv__decode_readable gives for all of them. What follows may change the blanks around the
 * last word, which is behind `settled`. */
typedef struct iv__reading {
    const iv__vocabulary *vocabulary;
    size_t settled;
    const char *before, *last; /* words; NULL: none */
    bool glued;                /* no blank belongs behind what is settled */
    bool quoted, quoted_once;  /* inside "", inside '' */
} iv__reading;
void iv__reading_add(iv__reading *reading, int32_t id, iv__text *text);

#endif
