/* common_talk.h: a model that answers what a person types. */
#ifndef IV_MODELS_COMMON_TALK_H
#define IV_MODELS_COMMON_TALK_H

#include "models/model.h"

typedef struct iv__talk {
    const char *help; /* how to talk to it, lines broken as they shall stand */
    /* NULL: the home has the message. Parameters must be loaded. */
    void *(*open)(iv__instance *instance, iv_params *params);
    /* Puts what is to be shown for a typed line, if anything, into the empty answer. A failed status is beyond
     * repair; what a person can do better is said in the answer. */
    iv_status (*line)(void *talk, const char *line, iv__text *answer);
    void (*close)(void *talk); /* NULL is fine */
} iv__talk;

#endif
