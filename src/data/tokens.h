/* tokens.h: a data set as numbers: every record's token ids and the vocabulary, in a cache file.
 *
 * The data set is streamed twice, to count and to encode (three times for bpe); memory grows with the vocabulary, not
 * with the data. The cache file is found again by the checksum of the data and the settings; one
 * that is damaged, cut short or foreign is made anew. */
#ifndef IV_DATA_TOKENS_H
#define IV_DATA_TOKENS_H

#include "base/file.h"
#include "data/dataset.h"
#include "data/text.h"

typedef struct iv__tokens iv__tokens;

typedef struct iv__tokens_options {
    iv__token_rules rules;
    int64_t vocabulary;      /* entries at most, special ones included; 0: 10000 */
    const void *set_options; /* of set->fields; NULL: defaults */
    /* Which records the vocabulary is made from; record counts kept records from 0. NULL: all.
     * `counts_says` (never NULL with `counts`) names the rule and all its settings, for the
     * cache: "training validation=0.1 test=0.1". A complete vocabulary of words or characters is made from
     * all records. */
    bool (*counts)(void *user, int64_t record);
    void *user;
    const char *counts_says;
    /* Encode with this one and count none; rules and vocabulary are then its own. What it lacks
     * is left out if it has no unknown token. */
    const iv__vocabulary *given;
    /* Folder; NULL: $IVORY_CACHE, else $XDG_CACHE_HOME/ivory, else ~/.cache/ivory. */
    const char *cache;
} iv__tokens_options;

/* Errors: as the data set's; VALUE when no record or no token is left (the message says what was
 * dropped and why); IO when neither the cache nor a temporary file can be written. */
iv__tokens *iv__tokens_open(iv_home *home, const iv__dataset *set, const char *path,
                            const iv__tokens_options *options);
/* A cache file's bytes, borrowed; every check but those of source and settings. Errors: FORMAT. */
iv__tokens *iv__tokens_read(iv_home *home, const char *name, const void *bytes, size_t size);
void iv__tokens_free(iv__tokens *tokens);

int64_t iv__tokens_records(const iv__tokens *tokens);
int64_t iv__tokens_total(const iv__tokens *tokens); /* tokens of all records */
int64_t iv__tokens_length(const iv__tokens *tokens, int64_t record);
/* Copies tokens first .. first + count - 1 of a record, as far as they exist; returns how many. When
 * the file cannot be read any more they are zeros, and iv__tokens_status says so from then on. */
int64_t iv__tokens_copy(const iv__tokens *tokens, int64_t record, int64_t first, int64_t count,
                        int32_t *ids);
iv_status iv__tokens_status(const iv__tokens *tokens);
const char *iv__tokens_trouble(const iv__tokens *tokens, char text[IV__TROUBLE]); /* as iv__reader_trouble */
const iv__vocabulary *iv__tokens_vocabulary(const iv__tokens *tokens);

/* Of the data's file as it lies. */
const char *iv__tokens_source_sha256(const iv__tokens *tokens);
/* Of ids, records and vocabulary: the same for a plain and a compressed copy. */
const char *iv__tokens_content_sha256(const iv__tokens *tokens);
const char *iv__tokens_report(const iv__tokens *tokens); /* as iv__records_report */
bool iv__tokens_reused(const iv__tokens *tokens);        /* found in the cache */
/* "" or what a person should know: that the cache could not be kept, that a damaged file was
 * made anew. */
const char *iv__tokens_note(const iv__tokens *tokens);

#endif
