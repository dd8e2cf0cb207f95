/* common_asking.h: asking a network that answers questions about stories: many for a measure, or one by one. */
#ifndef IV_MODELS_COMMON_ASKING_H
#define IV_MODELS_COMMON_ASKING_H

#include "models/common_story.h"
#include "models/common_talk.h"

/* Builds the network for n questions: logits [n,classes], and how much each hop looks at each sentence
 * [n,hops,S], or NULL. */
typedef void iv__story_network(const iv__instance *instance, iv_scope *scope, int64_t n,
                               iv_node **logits, iv_node **attention);

/* As iv__model's examine: the share of right answers, of all questions and of each task. */
int iv__asking_measures(iv__instance *instance, iv_params *params, const iv__story *story,
                        iv__story_network *network, iv__split split,
                        iv__measure measure[IV__MAX_MEASURES]);

/* As iv__talk has it. */
typedef struct iv__asking iv__asking;
iv__asking *iv__asking_new(iv__instance *instance, iv_params *params, iv__story *story,
                           iv__story_network *network);
iv_status iv__asking_line(void *asking, const char *line, iv__text *answer);
void iv__asking_free(void *asking);
extern const char iv__asking_help[];

#endif
