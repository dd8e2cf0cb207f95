/* text.h: from text to numbers: cleaning, tokens, the vocabulary, and back.
 *
 * Ids: 0 is padding and the stop token, 1 the unknown token, from 2 on the tokens by falling
 * frequency. */
#ifndef IV_DATA_TEXT_H
#define IV_DATA_TEXT_H

#include "base/text.h"

/* Written to files as "words", "chars". */
#define IV_TOKENS_MAP(XX) XX(WORDS, "words") XX(CHARS, "chars")

typedef enum iv_tokens_kind {
#define IV_TOKENS_KIND(name, text) IV_TOKENS_##name,
    IV_TOKENS_MAP(IV_TOKENS_KIND)
#undef IV_TOKENS_KIND
} iv_tokens_kind;

const char *iv__tokens_kind_name(iv_tokens_kind kind);
bool iv__tokens_kind_of(const char *name, size_t size, iv_tokens_kind *kind);

enum { IV_TOKEN_PADDING = 0, IV_TOKEN_UNKNOWN = 1, IV_TOKEN_FIRST = 2 };
enum { IV_VOCABULARY_MAX = 1 << 24 }; /* entries */

/* ---- cleaning -------------------------------------------------------------------------------- */
/* Appends the text as its tokens are cut from.
 *   words  lower case (the one-to-one rules of Unicode for Latin, Greek, Cyrillic, Armenian and
 *          full-width letters; other
 *          letters stay), the 32 ASCII punctuation marks set off by blanks, runs of white space
 *          (Unicode's) one blank,
 *          none at the ends
 *   chars  as it is
 * Errors: FORMAT for what is no UTF-8 and for a zero byte: "NAME: record 12: byte 345 ...";
 * NOMEM. `record` counts from 1 here as in every message. */
iv_status iv__clean(iv_home *home, iv_tokens_kind kind, const char *name, int64_t record,
                    const char *bytes, size_t size, iv__text *clean);
uint32_t iv__lower(uint32_t code); /* of one code point */

/* The next token of cleaned text, from *at on: a word up to the next blank, or a code point.
 * False at the end. */
bool iv__token_next(iv_tokens_kind kind, const char **at, const char *end, const char **token,
                    size_t *size);

/* ---- counting -------------------------------------------------------------------------------- */
typedef struct iv__counter iv__counter;
iv__counter *iv__counter_new(iv_home *home);
void iv__counter_free(iv__counter *counter);
iv_status iv__counter_add(iv__counter *counter, const char *token, size_t size);
int64_t iv__counter_distinct(const iv__counter *counter);

/* ---- the vocabulary -------------------------------------------------------------------------- */
typedef struct iv__vocabulary iv__vocabulary;

/* The most frequent tokens, at most `most` entries with padding and unknown. Of equally frequent
 * tokens the one that came first has the smaller id (Keras's TextVectorization puts the later
 * one in the order of its letters first).
 * Errors: VALUE when nothing was counted or most is not within 3 .. IV_VOCABULARY_MAX. */
iv__vocabulary *iv__vocabulary_choose(iv__counter *counter, iv_tokens_kind kind, int64_t most);
/* From the bytes that iv__vocabulary_bytes gave; `name` begins messages. Errors: FORMAT. */
iv__vocabulary *iv__vocabulary_read(iv_home *home, const char *name, const void *bytes, size_t size);
void iv__vocabulary_free(iv__vocabulary *vocabulary);

iv_tokens_kind iv__vocabulary_kind(const iv__vocabulary *vocabulary);
int64_t iv__vocabulary_count(const iv__vocabulary *vocabulary); /* entries, padding and unknown included */
/* "" for padding, "[UNK]" for unknown. Terminated. */
const char *iv__vocabulary_token(const iv__vocabulary *vocabulary, int64_t id);
int32_t iv__vocabulary_id(const iv__vocabulary *vocabulary, const char *token, size_t size);
/* The bytes to keep (as a U8 tensor, in a cache): the kind, then each token from id 2 on, each
 * ended by a zero byte. */
const void *iv__vocabulary_bytes(const iv__vocabulary *vocabulary, size_t *size);

/* ---- texts to ids and back ------------------------------------------------------------------- */
typedef struct iv__ids {
    iv_home *home;
    int32_t *id;
    int64_t count, room;
} iv__ids;
iv_status iv__ids_add(iv__ids *ids, int32_t id);
void iv__ids_free(iv__ids *ids);

/* Cleans, cuts and looks up, appending to ids. unknown (NULL: not wanted): the tokens that are
 * not in the vocabulary, blank-separated.
 * Errors: as iv__clean, with "NAME: record ..." left out when record is 0. */
iv_status iv__encode(const iv__vocabulary *vocabulary, const char *name, int64_t record,
                     const char *bytes, size_t size, iv__ids *ids, iv__text *unknown);
/* Appends the tokens: words with a blank between, characters with none. Padding and ids out of
 * range give nothing. */
void iv__decode(const iv__vocabulary *vocabulary, const int32_t *ids, int64_t count, iv__text *text);
/* The same for reading: no blank before , . ; : ! ? ) ] } %, after ( [ { $ #, around the marks
 * inside a word or number (don't, medium-size, 1/2, 2.5), inside "quotes". Characters: as
 * iv__decode. */
void iv__decode_readable(const iv__vocabulary *vocabulary, const int32_t *ids, int64_t count,
                         iv__text *text);

#endif
