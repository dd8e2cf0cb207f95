/* common_story_parts.h: what a story is made of, for the files that read it and hand it out. */
#ifndef IV_MODELS_COMMON_STORY_PARTS_H
#define IV_MODELS_COMMON_STORY_PARTS_H

#include "models/common_story.h"

#include "data/text.h"
#include "data/token_table.h"

/* A question. */
typedef struct iv__asked {
    int32_t first, last; /* sentences of its story before it: first .. last - 1 */
    int32_t answer, task, story;
    bool tests;
} iv__asked;

/* Texts as numbers of words, side by side. */
typedef struct iv__story_texts {
    iv__ids words, starts; /* where each begins, and the last ends */
} iv__story_texts;

struct iv__story {
    iv_home *home;
    iv__story_options options;
    iv__token_table words; /* number 1 is entry 0 */
    iv__story_sizes sizes;
    iv__story_texts sentences, questions;
    iv__asked *asked; /* for each of the questions */
    int64_t n_asked, room;
    iv__ids records[SPLITS]; /* of `asked` */
    iv__text listed;         /* words as saved files have them, each terminated */
    int32_t kept_sizes[5];
    iv__named_tensor kept[2];
};

/* Cuts a text into words, and adds their numbers to ids: of words that are not there 0, or when `adds` new ones.
 * unknown (NULL: not wanted): receives them. */
iv_status iv__story_cut(iv__story *story, const char *text, size_t size, bool adds, iv__ids *ids,
                        iv__text *unknown);
/* The number of an answer, all of it being one word; 0: none. */
int32_t iv__story_whole_word(iv__story *story, const char *text, size_t size, bool adds);
iv__story *iv__story_new(iv_home *home, const iv__story_options *options);

#endif
