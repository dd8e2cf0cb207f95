/* common_story.h: stories as training records: a question, the sentences before it, and its answer. */
#ifndef IV_MODELS_COMMON_STORY_H
#define IV_MODELS_COMMON_STORY_H

#include "models/model.h"

/* Inputs, for N questions; words are numbers from 1, and 0 is none. */
#define IV__STORY_SENTENCES \
    "sentences"                     /* i32 [N,S,J]: the sentences before it, the last one first */
#define IV__STORY_PRESENT "present" /* [N,S]: 1 where there is a sentence */
#define IV__STORY_QUESTION \
    "question"                  /* i32 [N,J]; of a story in one piece [N,Q], filled up in front */
#define IV__STORY_WORDS "words" /* i32 [N,L]: the story in one piece, filled up in front */
#define IV__STORY_ANSWER \
    "answer" /* i32 [N]: its class, which is its number, counted from the first class */
#define IV__STORY_WEIGHT "weight" /* [N]: 0 where there is no question, or its answer is unknown */

typedef struct iv__story_options {
    int64_t task;      /* of the data set; 0: all */
    int64_t sentences; /* of a longer story the last so many; 0: all */
    bool marks;        /* words keep their case, and marks are words */
    bool fresh; /* of the story only what came after the question before: the chapter's fault */
    bool whole; /* in one piece: the question's width is its own */
    bool test_training; /* tests are the training questions: the chapter's fault */
} iv__story_options;

/* Of the data, or of a saved file. */
typedef struct iv__story_sizes {
    int64_t words;     /* and answers, none included: numbers are below */
    int64_t sentences; /* S */
    int64_t sentence;  /* J: words of the longest sentence or question */
    int64_t story;     /* L */
    int64_t question;  /* Q */
} iv__story_sizes;

typedef struct iv__story iv__story;

/* Opens the data as iv__model's open_data does, and fills in the trainee; `fill` is left to the model. given: the
 * words and sizes to be used, or NULL. */
iv__story *iv__story_open(iv__instance *instance, const iv__dataset *set, const char *data,
                          const iv__story_options *options, const iv__story *given);
/* Words and sizes alone, from a saved file. */
iv__story *iv__story_restore(iv__instance *instance, const iv__safetensors *file,
                             const iv__story_options *options);
void iv__story_free(iv__story *story);

iv__story_sizes iv__story_sizes_of(const iv__story *story);
const char *iv__story_word(const iv__story *story, int32_t id); /* from 1 */
/* The number of the first word that may be an answer: of a story in one piece also none is a class, as the chapter
 * has it. */
int32_t iv__story_first_class(const iv__story *story);
/* As iv__trainee's fill. */
void iv__story_fill(const iv__story *story, iv__batch *batch, const iv__rows *rows);
int iv__story_task(const iv__story *story, iv__split split, int64_t record);
/* What is right; 0 where no training question has that answer. */
int32_t iv__story_answer(const iv__story *story, iv__split split, int64_t record);

/* A story that is told: sentences in the words of `story`. */
typedef struct iv__telling iv__telling;
iv__telling *iv__telling_new(iv__story *story);
void iv__telling_free(iv__telling *telling);
/* The words of what was said; of a sentence or question those behind the first J are not read. */
typedef struct iv__said {
    int64_t words, known; /* all, and those of the vocabulary */
} iv__said;
/* Adds a sentence. unknown: receives its words that the vocabulary lacks, with blanks between, or "". */
iv_status iv__telling_add(iv__telling *telling, const char *sentence, iv__text *unknown, iv__said *said);
void iv__telling_drop(iv__telling *telling); /* the last one, if there is one */
int64_t iv__telling_count(const iv__telling *telling);
const char *iv__telling_sentence(const iv__telling *telling, int64_t i); /* as it was told */
/* Fills a plan for one question about it. unknown, said: as of a sentence. */
iv_status iv__telling_ask(const iv__telling *telling, const char *question, iv_plan *plan,
                          iv__text *unknown, iv__said *said);

#endif
