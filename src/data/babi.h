/* babi.h: stories with questions, in the layout of the bAbI tasks: lines "1 sentence" or
 * "2 question<TAB>answer<TAB>numbers of the sentences that it follows from"; number 1 begins a story.
 * Source: Weston et al. 2015, Towards AI-complete question answering. */
#ifndef IV_DATA_BABI_H
#define IV_DATA_BABI_H

#include "data/dataset.h"

enum { IV__BABI_TASKS = 20 };

/* Data sets: a record is a story, its lines as they lie. The source is an archive with files
 * qa1_..._train.txt and qa1_..._test.txt, or one such file. Their one option is `task`.
 * Errors    FORMAT "FILE:LINE: ..." for numbers out of order, a question without an answer, and what follows
 *           from sentences that are not there. */
extern const iv_field iv__babi_fields[];
iv_status iv__babi_open(iv__records *records);
iv_status iv__babi_next(iv__records *records);
void iv__babi_close(iv__records *records);

/* Of the last record: the task of its file, 0 if its name tells none; whether it is for tests. */
int iv__babi_task(const iv__records *records);
bool iv__babi_tests(const iv__records *records);
/* "qa1_single-supporting-fact_train.txt": its task, or 0; whether it is for tests. Folders in front do not matter. */
int iv__babi_task_of(const char *name);
bool iv__babi_tests_of(const char *name);

typedef struct iv__babi_line {
    const char *text, *answer; /* not terminated; answer NULL: a sentence, else a question */
    size_t size, answer_size;
} iv__babi_line;
/* The next line of a record; *at begins at its text. False behind the last one. */
bool iv__babi_line_next(const char **at, iv__babi_line *line);

#define IV__BABI_HOME "https://research.facebook.com/downloads/babi/"
#define IV__BABI                                                                       \
    .licence = "CC BY 3.0", .home_page = IV__BABI_HOME,                                \
    .download = "https://s3.amazonaws.com/text-datasets/babi_tasks_1-20_v1-2.tar.gz",  \
    .fields = iv__babi_fields, .options_size = sizeof(int64_t), .open = iv__babi_open, \
    .next = iv__babi_next, .close = iv__babi_close

#endif
