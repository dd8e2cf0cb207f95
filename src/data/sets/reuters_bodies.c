/* reuters_bodies.c: the bodies of Reuters-21578. */

#include "data/reuters.h"

const iv__dataset iv__dataset_reuters_bodies = {
    .name = "reuters-bodies",
    .says = "texts of news of 1987 (Reuters-21578), each once",
    .next = iv__reuters_next_body,
    IV__REUTERS,
};
