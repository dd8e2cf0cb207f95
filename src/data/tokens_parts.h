/* tokens_parts.h: the cache file of a tokenized data set, as its maker and its reader know it.
 *
 *   head        64 bytes, the same in every file of this version
 *   offsets     u64 [records + 1]: where each record's tokens begin, counted in tokens
 *   ids         u16 or i32 [tokens]
 *   vocabulary  as iv__vocabulary_bytes
 *   settings, report
 *   foot        sizes and checksums
 *
 * Sizes are known only when the data have been read, so they stand at the end, and the file is
 * written in one go. */
#ifndef IV_DATA_TOKENS_PARTS_H
#define IV_DATA_TOKENS_PARTS_H

#include "base/file.h"
#include "data/tokens.h"

#define IV__TOKENS_VERSION "1" /* changes with the file and with how texts become tokens */
#define IV__TOKENS_HEAD "ivory tokens, version " IV__TOKENS_VERSION "\n"
#define IV__TOKENS_FOOT "tokens" IV__TOKENS_VERSION "\n"

typedef struct iv__tokens_foot {
    char source[64];  /* SHA-256 of the data's file */
    char content[64]; /* SHA-256 of head to vocabulary */
    uint64_t records, tokens;
    uint64_t width; /* bytes of an id */
    uint64_t vocabulary_size, settings_size, report_size;
    char sum[64]; /* SHA-256 of settings, report and the foot before this */
    char mark[8];
} iv__tokens_foot;

/* Streams the data set into a cache file at `path`. *unwritten: it was the writing that failed,
 * not the reading. */
iv_status iv__tokens_build(iv_home *home, const char *path, const iv__dataset *set,
                           const char *data, const iv__tokens_options *options, const char *source,
                           const char *settings, bool *unwritten);

#endif
