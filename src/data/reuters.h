/* reuters.h: the documents of Reuters-21578, for the data sets that are made of them. */
#ifndef IV_DATA_REUTERS_H
#define IV_DATA_REUTERS_H

#include "data/dataset.h"

/* Next of a data set: a record is a document's title, or its body, without control characters and white
 * space at its ends. What came before in the same words is dropped, so that a split keeps equal ones
 * together. The source is the archive with its reut2-*.sgm, or one of those. */
iv_status iv__reuters_next_title(iv__records *records);
iv_status iv__reuters_next_body(iv__records *records);
/* A record is a sentence of a body; its options are those below. */
iv_status iv__reuters_next_sentence(iv__records *records);
iv_status iv__reuters_open(iv__records *records);
void iv__reuters_close(iv__records *records);

enum { IV__DIGITS_NINE, IV__DIGITS_KEEP };
typedef struct iv__reuters_sentence_options {
    int digits;
} iv__reuters_sentence_options;
extern const iv_field iv__reuters_sentence_fields[];
/* Of the last sentence's document: its first topic ("earn"), or ""; its number among those kept, from 0. */
const char *iv__reuters_topic(const iv__records *records);
int64_t iv__reuters_document(const iv__records *records);

/* What the data sets have in common. */
#define IV__REUTERS_HOME "http://www.daviddlewis.com/resources/testcollections/reuters21578/"
#define IV__REUTERS                                                                    \
    .licence = "free for research (README.txt inside)", .home_page = IV__REUTERS_HOME, \
    .download = IV__REUTERS_HOME "reuters21578.tar.gz",                                \
    .sha256 = "72fbd6969678494b367a6a27268aa1c7912f1d5de98c6a13250035f11ff2d3b4",      \
    .file = "reuters-21578/reuters21578.tar", .open = iv__reuters_open, .close = iv__reuters_close

#endif
