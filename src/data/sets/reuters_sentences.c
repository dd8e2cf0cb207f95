/* reuters_sentences.c: the sentences of the bodies of Reuters-21578. */

#include "data/reuters.h"

const iv__dataset iv__dataset_reuters_sentences = {
    .name = "reuters-sentences",
    .says = "sentences of news of 1987 (Reuters-21578, the bodies)",
    .fields = iv__reuters_sentence_fields,
    .options_size = sizeof(iv__reuters_sentence_options),
    .next = iv__reuters_next_sentence,
    IV__REUTERS,
};
